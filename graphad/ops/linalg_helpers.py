"""Plain NumPy functions of linear algebra that generated code may call: their source is printed as it stands.

So they import nothing but numpy, carry no annotations of graphad's, and say in one line what they do. Each takes a
matrix or a stack of them.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import numpy as np


def solve_triangular(a, b, lower, unit_diagonal, x=None):
    """The solution x of a·x = b, where only one triangle of a is read: half of x first, then the rest."""
    n, columns = b.shape[-2:]
    if n <= (32 if columns > 96 and b.dtype.char in "dD" else 64):  # blocks are solved in double precision
        found = solve_triangular_block(a, b, lower, unit_diagonal)
        if x is not None:
            x[...] = found
        return found
    if x is None:
        stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2]) if a.ndim > 2 or b.ndim > 2 else ()
        x = np.empty((*stack, n, columns), b.dtype)
    half, rest = (slice(n // 2), slice(n // 2, n)) if lower else (slice(n // 2, n), slice(n // 2))
    known = x[..., half, :]
    solve_triangular(a[..., half, half], b[..., half, :], lower, unit_diagonal, known)
    right = a[..., rest, half] @ known
    np.subtract(b[..., rest, :], right, right)
    solve_triangular(a[..., rest, rest], right, lower, unit_diagonal, x[..., rest, :])
    return x


def solve_triangular_block(a, b, lower, unit_diagonal):
    """The same for a small a; many right sides by its inverse, which one step of refinement makes as precise."""
    triangle = np.tril(a, -unit_diagonal) if lower else np.triu(a, unit_diagonal)
    if unit_diagonal:
        triangle = triangle + np.eye(a.shape[-1], dtype=a.dtype)
    if b.shape[-1] > 96:
        wide = triangle.astype(np.result_type(a, np.float64))  # in which NumPy solves, too
        inverse = np.linalg.inv(wide.mT).mT if lower else np.linalg.inv(wide)
        if np.isfinite(inverse).all():
            x = inverse @ b
            x += inverse @ (b - wide @ x)
            return x.astype(b.dtype, copy=False)
    if lower:  # turned over, the triangle is upper, and factorizing it changes nothing
        return np.linalg.solve(triangle[..., ::-1, ::-1], b[..., ::-1, :])[..., ::-1, :]
    return np.linalg.solve(triangle, b)


def cofactor(a):
    """The matrix of cofactors, det(a)·inv(a)ᵀ where that exists; by singular values, it needs no inverse."""
    u, s, vh = np.linalg.svd(a)
    n = s.shape[-1]
    others = np.where(np.eye(n, dtype=bool), 1, s[..., None, :]).prod(-1)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return (np.conj(u) * (sign[..., None] * others)[..., None, :]) @ np.conj(vh)


def cofactor_tangent(a, t):
    """The derivative of the matrix of cofactors of a in the direction t; exact for singular a as well."""
    u, s, vh = np.linalg.svd(a)
    n = s.shape[-1]
    sign = np.linalg.det(u) * np.linalg.det(vh)
    left, right = np.conj(u), np.conj(vh)
    rest = np.where(np.eye(n, dtype=bool), 1, s[..., None, :])  # row i: the singular values without the i-th
    edge = np.ones_like(rest[..., :1])
    before = np.cumprod(np.concatenate([edge, rest[..., :-1]], -1)[..., :n], -1)
    after = np.cumprod(np.concatenate([edge, rest[..., :0:-1]], -1)[..., :n], -1)[..., ::-1]
    pairs = np.where(np.eye(n, dtype=bool), 0, before * after)  # without the i-th and the j-th
    inner = np.swapaxes(left, -1, -2) @ t @ np.swapaxes(right, -1, -2)
    along = (pairs @ np.diagonal(inner, axis1=-2, axis2=-1)[..., None]) * np.eye(n, dtype=a.dtype)
    middle = sign[..., None, None] * (along - pairs * np.swapaxes(inner, -1, -2))
    return left @ middle @ right


def expm(a):
    """The matrix exponential: scaling and squaring around the [13/13] Padé approximant (Higham 2005)."""
    size = np.abs(a).sum(-2).max(-1, initial=0)[..., None, None]
    known = np.isfinite(size)
    a, size = np.where(known, a, np.nan), np.where(known, size, 0)
    halvings = np.ceil(np.log2(np.maximum(size / 5.37, 1))).astype(int)
    a = a * (0.5**halvings).astype(size.dtype)
    b = [1.0]
    for k in range(13):  # b_k = 13! (26-k)! / (26! k! (13-k)!)
        b.append(b[-1] * (13 - k) / ((26 - k) * (k + 1)))
    one = np.eye(a.shape[-1], dtype=a.dtype)
    a2 = a @ a
    a4 = a2 @ a2
    a6 = a4 @ a2
    odd = a6 @ (b[13] * a6 + b[11] * a4 + b[9] * a2) + b[7] * a6 + b[5] * a4 + b[3] * a2 + b[1] * one
    even = a6 @ (b[12] * a6 + b[10] * a4 + b[8] * a2) + b[6] * a6 + b[4] * a4 + b[2] * a2 + b[0] * one
    odd = a @ odd
    out = np.linalg.solve(even - odd, even + odd)
    for k in range(halvings.max(initial=0)):
        out = np.where(k < halvings, out @ out, out)
    return out


def eig(a):
    """Eigenvalues and eigenvectors, complex also where they happen to be real."""
    w, v = np.linalg.eig(a)
    dtype = np.result_type(a.dtype, np.complex64)
    return w.astype(dtype), v.astype(dtype)


def check_sizes(x, tall):
    """x, which must have at least as many rows as columns if tall, else at most as many."""
    rows, columns = x.shape[-2:]
    if (rows < columns) if tall else (rows > columns):
        raise ValueError(f"a matrix of {rows} by {columns} where the rows must be {'more' if tall else 'fewer'}")
    return x
