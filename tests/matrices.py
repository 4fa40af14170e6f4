"""Random matrices, what a graph gives on them, and derivatives against differences: shared by the tests of linalg."""

import numpy as np
from support import directional

import graphad as ga
from graphad import linalg
from graphad.ops.casts import imag, real
from graphad.ops.leaves import input as declare

RNG = np.random.default_rng(7)
START = RNG.bit_generator.state


def restart():
    """The same numbers in every test, in whatever order they run."""
    RNG.bit_generator.state = START


def draw(*shape, complex_=False):
    x = RNG.standard_normal(shape)
    return x + 1j * RNG.standard_normal(shape) if complex_ else x


def positive(*shape, complex_=False):
    x = draw(*shape, complex_=complex_)
    return x @ np.conj(np.swapaxes(x, -1, -2)) + 2 * np.eye(shape[-1])


def inputs_of(values):
    return [declare(f"x{k}", v.shape, v.dtype) for k, v in enumerate(values)]


def evaluate(f, *values):
    """What f gives on values: an array, or a tuple of them."""
    values = [np.asarray(v) for v in values]
    nodes = inputs_of(values)
    out = f(*nodes)
    several = isinstance(out, tuple)
    got = ga.compile(nodes, list(out) if several else out)(*values)
    return tuple(got) if several else got


def gradient(f, *values):
    nodes = inputs_of(values)
    return ga.compile(nodes, ga.grad(f(*nodes), nodes))(*values)


def length(x):
    """Σ |x|² as a real scalar."""
    return ga.sum(real(x) ** 2) + ga.sum(imag(x) ** 2) if x.dtype.kind == "c" else ga.sum(x * x)


def check_derivatives(f, *values, order=2, tol=1e-6):
    """The derivatives of a real scalar along random directions, each against differences of the one below."""
    nodes = inputs_of(values)
    value = f(*nodes)
    for _ in range(order):
        run = ga.compile(nodes, value)
        g = ga.grad(value, nodes)
        direction = [draw(*v.shape, complex_=v.dtype.kind == "c") for v in values]
        terms = [ga.sum(real(a * d)) for a, d in zip(g, direction, strict=True)]
        value = terms[0] if len(terms) == 1 else sum(terms[1:], terms[0])
        exact = ga.compile(nodes, value)(*values)
        numeric = directional(run, values, direction)
        assert np.isfinite(exact)
        assert abs(exact - numeric) <= tol * (1 + abs(numeric)), (float(exact), float(numeric))


def low_rank(x, k=2):
    u, s, vh = linalg.svd(x, full_matrices=False)
    return (u[..., :, :k] * s[..., None, :k]) @ vh[..., :k, :]


def matrix_function(x, f=ga.exp):
    w, v = linalg.eigh(x + linalg.matrix_transpose(ga_conj(x)))
    return (v * f(w)[..., None, :]) @ linalg.matrix_transpose(ga_conj(v))


def complement(q):
    """The projector on what the columns from the third on span."""
    c = q[..., :, 2:]
    return c @ linalg.matrix_transpose(ga_conj(c))


def ga_conj(x):
    return real(x) - 1j * imag(x) if x.dtype.kind == "c" else x


def gram(x):
    return x @ linalg.matrix_transpose(ga_conj(x)) + ga.eye(x.shape[-2], dtype=x.dtype)


def weights(x):
    return np.random.default_rng(3).standard_normal(tuple(x.shape))


def weighted(f):
    """Σ of the real and imaginary parts of f with weights."""

    def loss(*nodes):
        y = f(*nodes)
        out = ga.sum(real(y) * weights(y))
        return out + ga.sum(imag(y) * weights(y)[::-1]) if y.dtype.kind == "c" else out

    return loss
