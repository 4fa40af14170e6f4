"""Results go straight to where they belong: those of a turn into the arrays of all turns, sums into products."""

import re

import numpy as np
import pytest
from tiles import arrays, called, close, flat, tiny

import graphad as ga
from graphad.lower import emit
from graphad.lower.fast import buffers
from graphad.lower.interpret import interpret

B, M = 4, 6
h0, W = ga.input("h0", (B, M)), ga.parameter("W", (M, M))


def cell(h, x):
    h = ga.tanh(x + h @ W)
    return h, h


def later(h, x):
    """What is given is not the carry; some results are views, the same one twice, an element, a number."""
    z = ga.sin(x) * h
    return h * 0.5 + z @ W, (z, z, z.T, x, ga.ones((2,)), ga.sum(z), h[0])


def pair(state, x):
    """A carry that is a view of a result, an integer carry, and one that is a result as it stands."""
    a, k, _ = state
    z = ga.exp(-x * x) + a
    return (z.T.T * 1.0, k + 1, z), (z, ga.astype(k, "float64") * x)


def swapped(state, x):
    """Each carry becomes the other, and both are given."""
    a, b = state
    return (b, ga.tanh(a + x)), (a, b, ga.tanh(a + x))


def view(h, x):
    """The carry is a view of what is given."""
    z = ga.cos(h + x)
    return z[::-1], z


def nested(h, x):
    inner, ys = ga.scan(lambda c, row: (c * 0.5 + row, ga.sin(c) * row), h[0], x)
    return h + inner, (ys, inner)


STARTS = {
    cell: lambda: h0,
    later: lambda: h0,
    pair: lambda: (h0, ga.asarray(0), h0),
    swapped: lambda: (h0, h0),
    view: lambda: h0,
    nested: lambda: h0,
}


def leaves(value):
    if isinstance(value, ga.Node):
        return [value]
    return [x for v in (value.values() if isinstance(value, dict) else value) for x in leaves(v)]


def outputs_of(step, turns, reverse, results=True):
    """A loss, its gradients, gradients of these, and all results of the loop."""
    X = ga.input("X", (turns, B, M))
    found = leaves(ga.scan(step, STARTS[step](), X, reverse=reverse))
    loss = ga.sum_n(*[ga.sum(ga.sin(y) * (k + 1)) for k, y in enumerate(found) if y.dtype.kind == "f"])
    first = ga.grad(loss, [X, h0, W])
    second = ga.grad(ga.sum_n(*[ga.sum(ga.cos(g)) for g in first]), [X, h0])
    return [X, h0, W], [loss, *first, *second, *(found if results else ())]


def values_of(turns):
    rng = np.random.default_rng(turns)
    return [rng.normal(size=s) for s in ((turns, B, M), (B, M), (M, M))]


@pytest.mark.parametrize("results", [True, False])
@pytest.mark.parametrize("turns", ["T", 1, 4])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("step", STARTS, ids=lambda step: step.__name__)
def test_values_are_those_of_the_loop(step, reverse, turns, results):
    inputs, outputs = outputs_of(step, turns, reverse, results)
    counts = (4, 0, 1) if turns == "T" else (turns, turns)
    known = {n: values_of(n) for n in counts}
    expected = {n: interpret(ga.Graph(inputs, outputs), known[n]) for n in counts}
    for optimize in ("full", "none"):
        with tiny():
            f = ga.compile(inputs, outputs, optimize=optimize)
            before: list[np.ndarray] = []
            for n in counts:
                found = called(f, known[n])
                close(found, expected[n])
                assert not any(np.shares_memory(a, b) for a in found for b in before)
                before += found


def source_of(step, reverse=False):
    with tiny():
        return ga.compile(*outputs_of(step, "T", reverse, results=False), name="f").source


def test_no_array_is_made_in_a_turn_for_what_is_kept_of_it():
    source = source_of(cell)
    turn = source[source.index("def cell(") : source.index("def cell_backward_loop")]
    assert "def cell(h0, x, W, h, work=None):" in turn, "the array of h comes last"
    assert "np.empty" not in turn


def test_what_the_turn_does_not_compute_is_handed_back():
    """Views, elements of inputs and numbers are copied by the caller."""
    x = ga.input("x", ("T", B, M))
    _, ys = ga.scan(lambda h, e: (h, (ga.exp(e).T, e, ga.sum(e))), h0, x)
    with tiny():
        f = ga.compile([x, h0], ys, name="f")
    assert re.search(r"^    +\w+\[k\], \w+\[k\], \w+\[k\] = step\(", f.source, re.M), f.source


@pytest.mark.parametrize("step", [cell, view], ids=lambda step: step.__name__)
def test_a_last_carry_that_lies_in_a_stack_is_copied(step, monkeypatch):
    """Else a user who writes to it would write to the other result, too."""
    original = emit.Turn

    def planted(node, function, work, made, handed, lent):
        assert list(lent) == ([0] if handed else [])
        return original(node, function, work, made, handed)

    monkeypatch.setattr(emit, "Turn", planted)
    inputs, outputs = outputs_of(step, "T", False)
    with tiny():
        found = flat(ga.compile(inputs, outputs[-2:])(*values_of(3)))
    assert np.shares_memory(*found), "planted"


# Arrays that are taken over in another shape --------------------------------------------------------------------------


def homes(f):
    """The slot of each value between steps, and what the value is computed from."""
    return {node: buffer.slot for node, buffer in f.program.calls.home.items()}


def compiled(make):
    x, w = ga.input("x", ("n", 5, 8)), ga.parameter("w", (8, 12))
    b = ga.parameter("b", (12,))
    outputs = make(x, w, b)
    with tiny():
        f = ga.compile([x, w, b], outputs, name="f")
        values = arrays([x, w, b], {"n": 3})
        for _ in range(2):
            close(flat(f(*values)), interpret(ga.Graph([x, w, b], ga.Graph([x, w, b], outputs).outputs), values))
    return f


def test_a_bias_is_added_in_the_array_of_the_product():
    f = compiled(lambda x, w, b: [ga.sum(ga.cumsum((x @ w + b), axis=0) ** 2)])
    found = {node.op.name: slot for node, slot in homes(f).items()}
    assert found["add"] == found["matmul"], f.source
    assert "reshape((n, 5, 12))" in f.source


@pytest.mark.parametrize(
    "make",
    [
        lambda x, w, b: [ga.cumsum(x @ w + b, axis=0), ga.cumsum(x @ w, axis=1)],  # read again
        lambda x, w, b: [ga.cumsum(y := ga.reshape(x @ w, (-1, 12)) + b, axis=0), ga.cumsum(y, 1)],
        lambda x, w, b: [ga.cumsum(ga.swapaxes(ga.reshape(x @ w, (-1, 4, 15)), 1, 2) + 1.0, axis=0)],
        lambda x, w, b: [ga.cumsum((y := ga.cumsum(x @ w, 0))[::-1] + y, axis=0)],  # elements in another order
        lambda x, w, b: [ga.cumsum(ga.reshape(y := ga.cumsum(ga.tanh(w), 0), (8, 12)) + ga.reshape(y, (12, 8)).T, 0)],
        lambda x, w, b: [ga.cumsum(ga.reshape(ga.cumsum(x @ w, 0), (-1, 12, 5)) * 2.0, axis=1)],
        lambda x, w, b: [ga.cumsum(ga.expand_dims(ga.cumsum(x @ w, 0), 1) * b, axis=0)],
    ],
)
def test_values_stay_where_others_read_them(make):
    compiled(make)


def test_only_all_elements_in_their_order_count():
    x = ga.exp(ga.input("x", (4, 6)))
    whole = [x, ga.reshape(x, (3, 8)), ga.squeeze(ga.expand_dims(ga.reshape(x, (24,)), 1), 1)]
    others = [x.T, x[::-1], x[:2], ga.reshape(x.T, (4, 6)), ga.broadcast_to(x, (2, 4, 6)), ga.exp(x)]
    assert all(buffers._reshaped(r, x, r.shape) for r in whole)
    assert not any(buffers._reshaped(r, x, r.shape) for r in others)
    assert not buffers._reshaped(whole[1], x, x.shape)
