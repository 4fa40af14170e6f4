"""What generated code calls around its loops: printed into the module; `threads.py` has the versions with threads."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import warnings

import numpy as np


def borders(length, rows):
    """Where chunks begin and end, at most 8: sizes decide, so sums stay the same."""
    chunk = max(2, rows * -(-length // (8 * rows)))
    return [(lo, min(lo + chunk, length)) for lo in range(0, max(length, 1), chunk)]


def in_chunks(loop, length, rows, scratch, *arrays):
    """loop(start, stop, ...) over the whole length."""
    chunks = borders(length, rows)
    return [loop(start, stop, rows, scratch[0], *arrays) for start, stop in chunks]


def in_waves(loop, length, rows, scratch, *arrays):
    """The same, every second chunk first: neighbors add to the same elements."""
    chunks = borders(length, rows)
    parts = [None] * len(chunks)
    for first in (0, 1):
        for k in range(first, len(chunks), 2):
            parts[k] = loop(*chunks[k], rows, scratch[0], *arrays)
    return parts


def total(parts, k):
    """The sum of the k-th results of all chunks, in their order."""
    value = parts[0][k]
    for part in parts[1:]:
        value = value + part[k]
    return value


def keep(mask, x, out):
    """x where the mask holds, else 0: bits times 1 or 0, which stops nan and inf."""
    bits = f"i{out.itemsize}"
    mask = np.asarray(mask, bits) if np.size(mask) < out.size else mask  # cast it once
    np.multiply(x.view(bits), mask, out.view(bits))
    return out


def choose(mask, x, y, out):
    """x where the mask holds, else y, by bits: np.where guesses at each element."""
    bits = f"i{out.itemsize}"
    x, y = np.asarray(x, out.dtype).view(bits), np.asarray(y, out.dtype).view(bits)
    mask = np.asarray(mask, bits) if np.size(mask) < out.size else mask  # cast it once
    found = out.view(bits)
    np.bitwise_xor(x, y, found)
    np.multiply(found, mask, found)
    np.bitwise_xor(found, y, found)
    return out


@np.errstate(over="ignore")
def sigmoid(x, out=None):
    """1 / (1 + exp(-x)); where exp overflows, that is 0."""
    y = np.exp(np.negative(x, out), out)
    return np.divide(1, np.add(y, 1, out), out)


def over_rows(ufunc, x, out):
    """ufunc.reduce over the last axis, short rows in the way that is quick for them."""
    target, n = out[..., 0] if out.ndim == x.ndim else out, x.shape[-1]
    limit = 32 if 512 < x.size < 131072 else 16  # what fits into the cache
    if ufunc is np.add and n <= 64:
        np.einsum("...a->...", x, out=target)
    elif ufunc is not np.add and 1 < n < limit:
        columns = np.ascontiguousarray(x.reshape(-1, n).T)  # vectors side by side
        target[...] = ufunc.reduce(columns, 0).reshape(target.shape)
    else:
        ufunc.reduce(x, -1, None, target)
    return out


def alone(written, others):
    """Whether arrays may be written at once: none shares memory, no warning raises."""
    bases = [getattr(a, "base", None) for a in (*written, *others)]
    pairs = zip((*written, *others), bases, strict=True)
    owners = [id(a) if b is None else id(b) for a, b in pairs]
    ours, theirs = set(owners[: len(written)]), set(owners[len(written) :])
    known = all(b is None or (type(b) is np.ndarray and b.base is None) for b in bases)
    if len(ours) < len(written) or ours & theirs or not known:
        for k, a in enumerate(written):
            if any(np.may_share_memory(a, b) for b in (*written[k + 1 :], *others)):
                return False
    modes = set(np.geterr().values())
    raising = [f[2] for f in warnings.filters if f[0] == "error" and "warn" in modes]
    raises = any(issubclass(RuntimeWarning, category) for category in raising)
    return not raises and modes <= {"ignore", "warn", "print"}


def with_copies(function, arguments, places):
    """Call with copies of the arguments at these places, which then replace them."""
    copies = {k: arguments[k].copy() for k in places}
    result = function(*(copies.get(k, a) for k, a in enumerate(arguments)), apart=True)
    for k, new in copies.items():
        arguments[k][...] = new
    return result
