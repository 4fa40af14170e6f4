"""Connectionist temporal classification: sequences of labels without alignment (Graves et al. 2006)."""

from typing import Any

import numpy as np

from graphad.errors import ArgumentError, ShapeError
from graphad.functional.loops import scan
from graphad.functional.smooth import logsumexp
from graphad.ir.core import Node, fail, label
from graphad.ir.origin import boxed
from graphad.ir.types import shape_text
from graphad.nn.losses import checked, reduced, whole
from graphad.ops.casts import cast
from graphad.ops.fit import as_count, expand_dims, full, stretch
from graphad.ops.index import concatenate, stack
from graphad.ops.kinks import maximum
from graphad.ops.layout import reshape
from graphad.ops.leaves import arange
from graphad.ops.piecewise import logical_or, where
from graphad.ops.sort import take_along


@boxed
def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    *,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Node:
    """-log of the probability that the frames spell the labels, over all alignments (Graves et al. 2006).

    ``log_probs`` (T, N, K): log softmax of each frame; ``targets`` (N, S): labels other than ``blank``, what stands
    after a row's length does not matter; ``input_lengths`` and ``target_lengths`` (N,) or one integer. Repeated labels
    need a blank between them. Where no alignment exists the loss is inf (0 with ``zero_infinity``) and the gradient 0.
    The "mean" divides each loss by its number of labels (by 1 if none) before it averages. Labels out of range raise
    IndexError when the function runs. The forward recursion in the log domain is a loop over the frames, for all rows
    and states at once. Raises ShapeError, DTypeError, ArgumentError.

    >>> import graphad as ga
    >>> p = ga.input("p", (3, 1, 2))  # three frames, of which blank and label have the probability one half
    >>> loss = ctc_loss(ga.log(p), [[1]], 3, 1)
    >>> ga.compile([p], ga.exp(-loss))(0.5 * np.ones((3, 1, 2)))  # 6 of 8 sequences: not --- and not 1-1
    array(0.75)
    """
    x = _frames(log_probs)
    labels, sizes, lengths = _targets(x, targets, target_lengths, input_lengths)
    states = _states(x, labels, sizes, blank)
    lowest = float(np.finfo(x.dtype.name).min)
    least = lowest / (4 * as_count(x.shape[0], x.dtype) + 8)  # stands for -inf, which has no derivative
    emitted = take_along(x, expand_dims(states, 0), 2)
    emitted = where(emitted > least, emitted, least)
    alpha = _forward(emitted, states, lengths, blank, least)
    position, end = arange(states.shape[1]), 2 * expand_dims(sizes, 1)
    last = logical_or(position == end, position == end - 1)
    total = logsumexp(where(last, alpha, least), axis=1)
    losses = where(total > least / 2, -total, 0.0 if zero_infinity else np.inf)
    if reduction == "mean":
        losses = losses / cast(maximum(sizes, 1), x.dtype)
    return reduced("ctc_loss", losses, reduction)


def _forward(emitted: Node, states: Node, lengths: Node, blank: int, least: Node) -> Node:
    """log of the probability to be in each state after a row's frames, from (T, N, states)."""
    frames, rows, count = emitted.shape
    dtype = emitted.dtype
    one, two = full((rows, 1), least, dtype), full((rows, 2), least, dtype)
    before = concatenate(full((rows, 2), blank, "int64"), states[:, :-2], axis=1)
    may_skip = states != before  # the blank between two labels, unless they are equal
    first = where(arange(count) == 0, stretch(full((), 0.0, dtype), (rows, count)), least)

    def frame(alpha: Node, given: tuple[Node, Node]) -> tuple[Node, None]:
        emitted, t = given
        moved = concatenate(one, alpha[:, :-1], axis=1)
        skipped = where(may_skip, concatenate(two, alpha[:, :-2], axis=1), least)
        after = logsumexp(stack(alpha, moved, skipped), axis=0) + emitted
        return where(expand_dims(t < lengths, 1), after, alpha), None

    last: Node = scan(frame, first, (emitted, arange(frames)))[0]
    return last


def _states(x: Node, labels: Node, sizes: Node, blank: int) -> Node:
    """The labels with blanks around each, (N, 2·S + 1)."""
    rows, count = labels.shape
    inside = arange(count) < expand_dims(sizes, 1)
    safe = where(inside, where(labels < 0, x.shape[2], labels), blank)  # no label counts from the end
    blanks = full((rows, count), blank, "int64")
    pairs = reshape(stack(blanks, safe, axis=2), (rows, 2 * count))
    return concatenate(pairs, full((rows, 1), blank, "int64"), axis=1)


def _frames(log_probs: Any) -> Node:
    x = checked("ctc_loss", "log_probs", log_probs)
    if x.ndim != 3:
        fail(ShapeError, f"ctc_loss: log_probs {label(x)} has {x.ndim} axes, needs 3: (frames, batch, classes)", x)
    return x


def _targets(x: Node, targets: Any, target_lengths: Any, input_lengths: Any) -> tuple[Node, Node, Node]:
    """Labels and both lengths as integers in the shapes that they must have."""
    labels = whole("ctc_loss", "targets", targets)
    rows = x.shape[1]
    if labels.ndim != 2 or labels.shape[0] != rows:
        what = f"ctc_loss: targets {shape_text(labels.shape)} must have the shape ({rows}, labels)"
        fail(ShapeError, what, labels, x, hint="shorter rows are filled up; target_lengths says how many count")
    lengths = []
    given = (("target_lengths", target_lengths, labels.shape[1]), ("input_lengths", input_lengths, x.shape[0]))
    for argument, value, most in given:
        length = whole("ctc_loss", argument, value)
        if length.shape not in ((), (rows,)):
            what = f"ctc_loss: {argument} {shape_text(length.shape)} must have the shape ({rows},)"
            fail(ShapeError, what, length, x)
        if isinstance(most, int) and not isinstance(value, Node) and np.any(np.clip(value, 0, most) != value):
            fail(ArgumentError, f"ctc_loss: {argument} must lie between 0 and {most}", length, x)
        lengths.append(stretch(length, (rows,)))
    return labels, lengths[0], lengths[1]
