"""The hint that a graph repeats itself like a loop: said when it is so, with the right numbers, and only then."""

import pytest

import graphad as ga


def report(make, *shapes):
    inputs = [ga.input(f"x{k}", s) for k, s in enumerate(shapes)]
    outputs = make(*inputs)
    return ga.compile(inputs, outputs).report()


def recurrence(steps, loss=False):
    def make(xs, W, U):
        h, total = xs[0] @ U, ga.constant(0.0)
        for t in range(1, steps):
            h = ga.tanh(h @ W + xs[t] @ U)
            total = total + ga.sum(h * h)
        return [total, *ga.grad(total, [W, U])] if loss else h

    return make


RNN = ((40, 3), (4, 4), (3, 4))


def test_unrolled_recurrence():
    (hint,) = report(recurrence(30), *RNN).hints
    assert hint.startswith("the same 4 operations repeat 29 times in a chain (first at test_repetition.py:")


def test_gradients_do_not_count():
    r = report(recurrence(30, loss=True), *RNN)
    (hint,) = r.hints
    assert hint.startswith("the same 4 operations repeat 29 times")
    assert f"hints\n  {hint}\n" in f"{r}\n"


def test_line_of_the_loop():
    def make(x):
        for _ in range(20):
            x = ga.sin(x)
        return x

    (hint,) = report(make, (3,)).hints
    line = make.__code__.co_firstlineno + 2
    assert hint == f"the same operation repeats 20 times in a chain (first at test_repetition.py:{line})"


def alternating(x):
    for k in range(60):
        x = ga.sin(x) if k % 3 else ga.cos(x)
    return x


def growing(x):
    """A chain of additions whose terms are all different."""
    total, functions = x, [ga.sin, ga.cos, ga.tanh, ga.exp]
    for k in range(20):
        term = x
        for f in [*functions, *functions][: k % 5 + k // 5]:
            term = f(term)
        total = total + ga.sum(term) * x
    return total


def wide(x):
    return ga.sum_n(*(ga.sin(x[k]) for k in range(40)))


def test_period_of_several_operations():
    (hint,) = report(alternating, (3,)).hints
    assert "the same 3 operations repeat 20 times" in hint or "repeat 19 times" in hint


@pytest.mark.parametrize(
    ("make", "shapes"),
    [
        (recurrence(15), RNN),
        (growing, ((3,),)),
        (wide, ((40, 2),)),
        (lambda x: ga.tanh(ga.sin(ga.cos(x))), ((3,),)),
        (lambda x: x, ((3,),)),
    ],
    ids=["15 rounds", "growing", "wide", "short", "nothing"],
)
def test_no_hint(make, shapes):
    r = report(make, *shapes)
    assert r.hints == ()
    assert "hints" not in str(r)
