"""Covariance and correlation of variables, composites of products and means."""

from typing import Any

import numpy as np

from graphad.errors import ArgumentError, ShapeError
from graphad.functional.layout import atleast_2d
from graphad.functional.reductions import mean, sum
from graphad.functional.statistics import degrees_left
from graphad.ir.core import Node, fail
from graphad.ir.origin import composite
from graphad.ops.casts import cast, conj
from graphad.ops.casts import real as real_part
from graphad.ops.contract import matmul
from graphad.ops.diagonals import diagonal
from graphad.ops.elementwise import sqrt
from graphad.ops.fit import as_count, astype, expand_dims, squeeze
from graphad.ops.index import concatenate
from graphad.ops.kinks import clip
from graphad.ops.leaves import as_node


@composite
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Node:
    """Covariance matrix of variables (rows, or columns with ``rowvar=False``), as `numpy.cov`.

    Raises ShapeError, and ArgumentError for a ``ddof`` or ``fweights`` that are no integers or weights below 0.
    """
    rows = _variables(m, rowvar)
    if y is not None:
        rows = concatenate([rows, _variables(y, rowvar)], axis=0)
    rows = rows if dtype is None else astype(rows, dtype)
    if ddof is not None and ddof != int(ddof):
        fail(ArgumentError, f"cov: ddof must be an integer, not {ddof}", rows)
    for name, w in (("fweights", fweights), ("aweights", aweights)):
        _check_weights(name, w, rows)
    offset = (0 if bias else 1) if ddof is None else ddof
    weights = [as_node(w) for w in (fweights, aweights) if w is not None]
    if not weights:
        centered = rows - mean(rows, axis=1, keepdims=True)
        divisor = degrees_left(as_count(rows.shape[1], part(rows)), offset)
        return _squeezed(matmul(centered, conj(centered).T if rows.dtype.kind == "c" else centered.T) / divisor)
    w = weights[0] if len(weights) == 1 else weights[0] * weights[1]
    w = cast(w, part(rows))
    total = sum(w)
    squares = sum(w * cast(as_node(aweights), w.dtype)) if aweights is not None else total
    divisor = degrees_left(total, offset * squares / total if aweights is not None else offset)
    centered = rows - sum(rows * w, axis=1, keepdims=True) / total
    return _squeezed(matmul(centered * w, conj(centered).T if rows.dtype.kind == "c" else centered.T) / divisor)


def _check_weights(name: str, weights: Any, rows: Node) -> None:
    if weights is None:
        return
    w = as_node(weights)
    if w.shape != rows.shape[1:]:
        fail(ShapeError, f"cov: {name} of shape {w.shape} for {rows.shape[1]} observations", rows, w)
    values = w.attrs.get("value")
    fractional = name == "fweights" and (w.dtype.kind not in "iub" if values is None else np.any(values != values // 1))
    if fractional or (values is not None and np.any(values < 0)):
        fail(ArgumentError, f"cov: {name} must be {'integers' if fractional else '0 or more'}", w)


def part(x: Node) -> np.dtype[np.generic]:
    """The real floating dtype that counts and weights beside ``x`` have."""
    return real_part(x).dtype


def _variables(m: Any, rowvar: bool) -> Node:
    x = as_node(m)
    if x.ndim > 2:
        fail(ShapeError, f"cov: at most 2 axes, got {x.ndim}", x)
    rows = atleast_2d(x)
    rows = rows.T if not rowvar and x.ndim == 2 else rows
    return rows if rows.dtype.kind in "fc" else cast(rows, np.dtype("float64"))


def _squeezed(c: Node) -> Node:
    return squeeze(c) if c.shape == (1, 1) else c


@composite
def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Node:
    """Correlation coefficients, cov[i, j] / √(cov[i, i]·cov[j, j]), as `numpy.corrcoef`, clipped to [-1, 1]."""
    c = cov(x, y, rowvar)
    if not c.ndim:
        return c / c
    deviation = sqrt(real_part(diagonal(c)))
    out = c / expand_dims(deviation, 1) / deviation
    return out if out.dtype.kind == "c" else clip(out, -1, 1)
