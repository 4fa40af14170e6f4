"""Attention, dropout and embedding: what transformers have besides `layer_norm` and matrix products."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, DTypeError, ShapeError
from graphad.functional.smooth import softmax
from graphad.ir.core import Node, fail, label
from graphad.ir.origin import composite
from graphad.ir.types import broadcast_shapes, shape_text
from graphad.ops.attributes import normal_axis
from graphad.ops.contract import matmul
from graphad.ops.elementwise import sqrt
from graphad.ops.fit import as_count, expand_dims
from graphad.ops.index import index
from graphad.ops.index import one_hot as one_hot
from graphad.ops.leaves import arange, as_node
from graphad.ops.piecewise import stop_gradient, where
from graphad.ops.random import uniform
from graphad.ops.reduce import max


@composite
def embedding(input: Any, weight: Any, padding_idx: int | None = None) -> Node:
    """Rows of the table ``weight`` (number, features) at the integers ``input`` of any shape.

    The row ``padding_idx`` gets no gradient. Negative integers count from the end, as NumPy's do; a call raises
    IndexError for what is outside the table. Raises DTypeError, ShapeError.
    """
    ids, table = as_node(input), as_node(weight)
    if ids.dtype.kind not in "iu":
        fail(DTypeError, f"embedding: {label(ids)} must hold integers, not {ids.dtype}", ids, table)
    if table.ndim != 2:
        fail(ShapeError, f"embedding: {label(table)} has {table.ndim} axes, needs 2: (number, features)", table)
    rows = index(table, ids)
    if padding_idx is None:
        return rows
    return where(expand_dims(ids == padding_idx % table.shape[0], -1), stop_gradient(rows), rows)


@composite
def dropout(input: Any, p: float = 0.5, training: bool = True, shared_axes: int | Sequence[int] = ()) -> Node:
    """Each element is 0 with probability ``p``, else divided by 1 - p (Srivastava et al. 2014).

    The mask is drawn once per call from the generator given as ``rng=``; forward and backward share it. Along
    ``shared_axes`` all elements are dropped together: (2, 3) drops channels of images. Without ``training`` nothing
    happens. Raises ArgumentError unless 0 ≤ p ≤ 1, AxisError.
    """
    x = as_node(input)
    if not 0 <= p <= 1:
        fail(ArgumentError, f"dropout: p must lie between 0 and 1, not {p}", x)
    shared = {normal_axis(a, [x]) for a in ((shared_axes,) if isinstance(shared_axes, int) else shared_axes)}
    if not training or p == 0:
        return x
    keep = 1 - float(p)
    shape = tuple(1 if k in shared else size for k, size in enumerate(x.shape))
    draws = uniform(shape=shape, dtype=x.dtype if x.dtype == np.float32 else np.float64)
    return where(draws < keep, x / (keep or 1), 0)


@composite
def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Node:
    """softmax(query @ keyᵀ·scale + mask) @ value (Vaswani et al. 2017); scale: 1 / √features unless given.

    query (..., targets, features), key (..., sources, features), value (..., sources, width). ``attn_mask`` broadcasts
    to (..., targets, sources): booleans say who takes part, numbers are added. ``is_causal``: target i sees the sources
    up to i. A target that sees nothing gets zeros. ``dropout_p`` drops weights, always. Raises ShapeError,
    DTypeError, ArgumentError.
    """
    q, k, v = as_node(query), as_node(key), as_node(value)
    _check_attention(q, k, v)
    scores = matmul(q, k.mT) * (_root(q) if scale is None else scale)
    if is_causal:
        if attn_mask is not None:
            fail(ArgumentError, "scaled_dot_product_attention: give attn_mask or is_causal, not both", q)
        seen = expand_dims(arange(q.shape[-2]), 1) >= arange(k.shape[-2])
        weights = softmax(where(seen, scores, -np.inf), axis=-1)
    elif attn_mask is not None:
        weights = _masked_softmax(_masked(scores, as_node(attn_mask)))
    else:
        weights = softmax(scores, axis=-1)
    return matmul(dropout(weights, dropout_p), v)


def _root(q: Node) -> Any:
    """1 / √features."""
    features = q.shape[-1]
    return 1 / math.sqrt(features) if isinstance(features, int) else 1 / sqrt(as_count(features, q.dtype))


def _masked(scores: Node, mask: Node) -> Node:
    if broadcast_shapes(mask.shape, scores.shape) is None:
        what = f"the mask {shape_text(mask.shape)} does not fit the scores {shape_text(scores.shape)}"
        fail(ShapeError, f"scaled_dot_product_attention: {what}", scores, mask)
    if mask.dtype.kind not in "bf":
        hint = "booleans say who takes part (mask != 0), floating numbers are added"
        fail(DTypeError, f"scaled_dot_product_attention: the mask must not be {mask.dtype}", mask, hint=hint)
    return where(mask, scores, -np.inf) if mask.dtype == np.bool_ else scores + mask


def _masked_softmax(scores: Node) -> Node:
    """Softmax over the last axis; zeros where all scores are -inf."""
    none = max(scores, axis=-1, keepdims=True) == -np.inf
    return where(none, 0, softmax(where(none, 0, scores), axis=-1))


def _check_attention(q: Node, k: Node, v: Node) -> None:
    name = "scaled_dot_product_attention"
    for x in (q, k, v):
        if x.ndim < 2:
            fail(ShapeError, f"{name}: {label(x)} has {x.ndim} axes, needs (..., positions, features)", x)
    if q.shape[-1] != k.shape[-1]:
        fail(ShapeError, f"{name}: query has {q.shape[-1]} features, key {k.shape[-1]}", q, k)
    if k.shape[-2] != v.shape[-2]:
        fail(ShapeError, f"{name}: key has {k.shape[-2]} positions, value {v.shape[-2]}", k, v)
