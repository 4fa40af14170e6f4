# mypy: disable-error-code="no-untyped-def, no-untyped-call"
"""What generated code calls around its loops: printed into the module; a threaded version takes its place in memory."""


def in_chunks(loop, length, rows, scratch, *arrays):
    """loop(start, stop, ...) over the whole length in at most 8 chunks; only the sizes decide their borders."""
    chunk = rows * max(4, -(-length // (8 * rows)))
    return [loop(lo, min(lo + chunk, length), rows, scratch, *arrays) for lo in range(0, max(length, 1), chunk)]


def total(parts, k):
    """The sum of the k-th results of all chunks, in their order."""
    value = parts[0][k]
    for part in parts[1:]:
        value = value + part[k]
    return value
