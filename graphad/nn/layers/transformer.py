"""Transformers (Vaswani et al. 2017): attention with several heads, positions, blocks; a sequence is (batch, T, n).

T may be a named size. Masks say who sees whom, as in `graphad.nn.scaled_dot_product_attention`.

>>> import graphad as ga
>>> ids = ga.input("ids", ("batch", "T"), "int64")
>>> nn = ga.nn
>>> blocks = [nn.TransformerBlock(32, heads=4, causal=True) for _ in range(2)]
>>> model = nn.Sequential(nn.Embedding(10, 32), nn.PositionalEncoding(32), *blocks, nn.LayerNorm(32), nn.Linear(32, 10))
>>> model(ids).type
f64[batch, T, 10]
>>> [p.name for p in nn.parameters(blocks[1].attention)][:4]
['attention_2_W_q', 'attention_2_W_k', 'attention_2_W_v', 'attention_2_W_o']
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, final

import numpy as np

from graphad.errors import ArgumentError, ShapeError
from graphad.ir.core import Node, fail, label
from graphad.ir.dims import Size
from graphad.ir.types import DType
from graphad.nn import init
from graphad.nn.activations import relu
from graphad.nn.attention import dropout, scaled_dot_product_attention
from graphad.nn.layers.base import Layer, declare, in_training, own_parts
from graphad.nn.layers.linear import Embedding, Linear, check_function, with_features
from graphad.nn.layers.normalization import LayerNorm
from graphad.ops.attributes import as_int
from graphad.ops.casts import cast
from graphad.ops.contract import matmul
from graphad.ops.elementwise import cos, exp, sin
from graphad.ops.fit import expand_dims
from graphad.ops.index import stack
from graphad.ops.layout import reshape, swapaxes
from graphad.ops.leaves import arange, as_node
from graphad.ops.piecewise import logical_and, where

_SMALL = partial(init.normal, std=0.02)


@final
@dataclass(frozen=True, eq=False, repr=False)
class MultiHeadAttention(Layer):
    """Each of ``heads`` heads attends with n_model / heads features: query (..., T, n_model) keeps its shape.

    ``attention(x)`` is self-attention, ``attention(x, memory)`` takes keys and values from ``memory`` (..., S,
    n_source), and ``attention(x, keys, values)`` from both. ``mask`` broadcasts to (..., T, S), or with one axis more
    than the query to (..., heads, T, S): booleans say who takes part, numbers are added; who sees nothing gets b_o.
    So ``mask=alive[:, None, :]`` leaves out what fills up shorter sequences. ``causal``: position i sees the sources up
    to i. ``dropout`` drops weights in the mode of training. The matrices, (n, n_model), start as in `Linear`. Raises
    ArgumentError unless heads divide n_model, ShapeError.
    """

    n_model: int
    heads: int
    causal: bool = False
    dropout: float = 0.0
    n_source: int | None = None
    start: init.Initializer = init.xavier_uniform
    dtype: Any = "float64"
    name: str | None = None
    W_q: Node = field(init=False)
    W_k: Node = field(init=False)
    W_v: Node = field(init=False)
    W_o: Node = field(init=False)
    b_q: Node = field(init=False)
    b_k: Node = field(init=False)
    b_v: Node = field(init=False)
    b_o: Node = field(init=False)

    def __post_init__(self) -> None:
        n, heads = as_int(self.n_model, "MultiHeadAttention: n_model"), as_int(self.heads, "MultiHeadAttention: heads")
        if heads < 1 or n % heads:
            raise ArgumentError(f"MultiHeadAttention: {heads} heads do not divide {n} features")
        _check(self)
        own, source = ((n, n), self.start), ((self.n_source or n, n), self.start)
        specs: dict[str, Any] = {"W_q": own, "W_k": source, "W_v": source, "W_o": own}
        specs |= {key: ((n,), init.zeros) for key in ("b_q", "b_k", "b_v", "b_o")}
        declare(self, self.name, dtype=self.dtype, **specs)

    def forward(self, query: Any, key: Any = None, value: Any = None, mask: Any = None) -> Node:
        query = _sequence("MultiHeadAttention", query, self.n_model)
        key = query if key is None else _sequence("MultiHeadAttention", key, self.n_source or self.n_model)
        value = key if value is None else _sequence("MultiHeadAttention", value, self.n_source or self.n_model)
        q = _split(matmul(query, self.W_q) + self.b_q, self.heads)
        k = _split(matmul(key, self.W_k) + self.b_k, self.heads)
        v = _split(matmul(value, self.W_v) + self.b_v, self.heads)
        seen = None if mask is None else _for_heads(as_node(mask), query)
        if self.causal and seen is not None:
            before = expand_dims(arange(query.shape[-2]), 1) >= arange(key.shape[-2])
            seen = logical_and(seen, before) if seen.dtype == np.bool_ else where(before, seen, -np.inf)
        only_causal = self.causal and mask is None
        y = scaled_dot_product_attention(q, k, v, seen, _rate(self.dropout), only_causal)
        return matmul(reshape(swapaxes(y, -2, -3), query.shape), self.W_o) + self.b_o


@final
@dataclass(frozen=True, eq=False, repr=False)
class PositionalEncoding(Layer):
    """x + sines and cosines of the position: x (..., T, n_model) keeps its shape (Vaswani et al. 2017, section 3.5).

    Feature 2i gets sin(t / base^(2i / n_model)), feature 2i + 1 the cosine of the same. ``dropout`` drops elements of
    the sum in the mode of training. Has no parameters. Raises ShapeError.
    """

    n_model: int
    base: float = 10000.0
    dropout: float = 0.0

    def __post_init__(self) -> None:
        _check(self)

    def forward(self, x: Any) -> Node:
        x = _sequence("PositionalEncoding", x, self.n_model)
        return dropout(x + _waves(x.shape[-2], self.n_model, self.base, x.dtype), _rate(self.dropout))


@final
@dataclass(frozen=True, eq=False, repr=False)
class LearnedPositions(Layer):
    """x + one learned vector for each of ``count`` positions: x (..., T, n_model), T at most ``count``.

    The vectors are the rows of an `Embedding`, which start with N(0, 0.02²). Raises ShapeError, and IndexError at the
    call where a named T is too large.
    """

    count: int
    n_model: int
    dropout: float = 0.0
    dtype: Any = "float64"
    name: str | None = None
    positions: Embedding = field(init=False)

    def __post_init__(self) -> None:
        _check(self)
        table = Embedding(self.count, self.n_model, start=_SMALL, dtype=self.dtype)
        own_parts(self, self.name, positions=table)

    def forward(self, x: Any) -> Node:
        x = _sequence("LearnedPositions", x, self.n_model)
        length = x.shape[-2]
        if isinstance(length, int) and length > self.count:
            fail(ShapeError, f"LearnedPositions: {label(x)} has {length} positions, there are {self.count}", x)
        return dropout(x + self.positions(arange(length)), _rate(self.dropout))


@final
@dataclass(frozen=True, eq=False, repr=False)
class TransformerBlock(Layer):
    """Attention, then two linear layers with ``activation`` between; each part adds to x (..., T, n_model).

    Each part is normalized before it (x + part(norm(x)), Xiong et al. 2020), or after it, as in Vaswani et al. 2017,
    with ``norm_first=False``. ``n_hidden`` is 4·n_model unless given. ``cross`` adds attention to a second sequence
    between the two: ``block(x, memory)``, the decoder of the paper where it is causal, too. ``dropout`` acts in the
    mode of training on the attention's weights, on the hidden layer and on what each part gives. ``block(x, memory,
    mask, memory_mask)``: masks as in `MultiHeadAttention`. Raises ArgumentError, ShapeError.
    """

    n_model: int
    heads: int
    n_hidden: int | None = None
    activation: Callable[..., Any] = relu
    causal: bool = False
    norm_first: bool = True
    cross: bool = False
    dropout: float = 0.0
    dtype: Any = "float64"
    name: str | None = None
    attention: MultiHeadAttention = field(init=False)
    cross_attention: MultiHeadAttention | None = field(init=False)
    hidden: Linear = field(init=False)
    out: Linear = field(init=False)
    norms: tuple[LayerNorm, ...] = field(init=False)

    def __post_init__(self) -> None:
        check_function("TransformerBlock: activation", self.activation)
        n, dtype = self.n_model, self.dtype
        n_hidden = 4 * n if self.n_hidden is None else self.n_hidden
        options: dict[str, Any] = {"dropout": self.dropout, "dtype": dtype}
        cross = MultiHeadAttention(n, self.heads, **options) if self.cross else None
        parts = {
            "attention": MultiHeadAttention(n, self.heads, self.causal, **options),
            "cross_attention": cross,
            "hidden": Linear(n, n_hidden, dtype=dtype),
            "out": Linear(n_hidden, n, dtype=dtype),
            "norms": tuple(LayerNorm(n, dtype=dtype) for _ in range(2 + self.cross)),
        }
        own_parts(self, self.name, **parts)

    def forward(self, x: Any, memory: Any = None, mask: Any = None, memory_mask: Any = None) -> Node:
        if self.cross != (memory is not None):
            hint = "TransformerBlock(..., cross=True) takes block(x, memory), others block(x)"
            raise ArgumentError(f"TransformerBlock: {'no' if self.cross else 'a'} second sequence is given", hint=hint)
        parts: list[Callable[[Node], Any]] = [lambda x: self.attention(x, mask=mask), self._hidden_part]
        if self.cross_attention is not None:
            cross = self.cross_attention
            parts.insert(1, lambda x: cross(x, memory, mask=memory_mask))
        y: Node = _sequence("TransformerBlock", x, self.n_model)
        for part, norm in zip(parts, self.norms, strict=True):
            y = y + dropout(part(norm(y) if self.norm_first else y), _rate(self.dropout))
            y = y if self.norm_first else norm(y)
        return y

    def _hidden_part(self, x: Any) -> Any:
        return self.out(dropout(self.activation(self.hidden(x)), _rate(self.dropout)))


def _check(layer: Any) -> None:
    if not 0 <= layer.dropout <= 1:
        raise ArgumentError(f"{type(layer).__name__}: dropout must lie between 0 and 1, not {layer.dropout}")


def _rate(p: float) -> float:
    """The probability with which dropout acts now."""
    return p if in_training() is not None else 0.0


def _sequence(name: str, x: Any, features: int) -> Node:
    node = with_features(name, x, features)
    if node.ndim < 2:
        fail(ShapeError, f"{name}: {label(node)} is {node.type}, needs the axes (..., T, features)", node)
    return node


def _split(x: Node, heads: int) -> Node:
    """(..., T, n) as (..., heads, T, n / heads)."""
    n = x.shape[-1]
    return swapaxes(reshape(x, (*x.shape[:-1], heads, n // heads)), -2, -3)


def _for_heads(mask: Node, query: Node) -> Node:
    """A mask with an axis for the heads, if it has axes before the last two."""
    fitted: Node = expand_dims(mask, -3) if 2 < mask.ndim <= query.ndim else mask
    return fitted


def _waves(length: Size, features: int, base: float, dtype: DType) -> Node:
    """The sines and cosines of all positions, (length, features)."""
    pairs = (features + 1) // 2
    rates = exp(arange(pairs) * (-2 * math.log(base) / features))
    angles = expand_dims(arange(length), 1) * rates
    waves = reshape(stack(sin(angles), cos(angles), axis=2), (length, 2 * pairs))[:, :features]
    return cast(waves, dtype) if dtype.kind == "f" else waves
