"""f.profile: every statement gets its own time and the user's line, and nothing of the user's is changed."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest

import graphad as ga
from graphad.errors import ArgumentError, ShapeError
from graphad.lower import marks, pool
from graphad.lower.marks import Clock, marked

SOURCE = '''
def helper(x):
    tick(1)
    return tick(2)

def loop_1(start, stop):
    """A docstring."""
    for k in range(start, stop):  # comment
        tick(10)
        helper(0)
    return stop

def main(x):
    """A docstring."""
    tick(100)
    if x:
        tick(1000)
    else:
        tick(2000)
    a = tick(5) + sum(each(loop_1, 3))
    with nothing():
        tick(7)
    b = loop_1(0, 1)
    return tick(20000)
'''


def runs(monkeypatch, *args):
    """The seconds and the runs of each statement of SOURCE, on a clock that only ``tick`` moves."""
    time = SimpleNamespace(now=0.0)

    def tick(seconds):
        time.now += seconds
        return seconds

    monkeypatch.setattr(marks, "now", lambda: time.now)
    lines = {k: None for k, line in enumerate(SOURCE.splitlines(), start=1) if "tick(1" in line and k > 4}
    scope = {"tick": tick, "each": lambda loop, n: [loop(k, k + 1) for k in range(n)], "nothing": threading.Lock}
    clock = Clock()
    monkeypatch.setattr(marks, "exec", lambda code, found: exec(code, found.update(scope) or found), raising=False)
    run, statements = marked(SimpleNamespace(source=SOURCE, lines=lines, file="<test>"), "main", clock)
    clock.clear(len(statements))
    time.now += 1e6  # before the call: nobody's
    assert run(*args) == 20000
    return {s.code: (t, n) for s, t, n in zip(statements, clock.seconds, clock.calls, strict=False) if n}


def test_time_goes_to_the_statement_that_spends_it(monkeypatch):
    found = runs(monkeypatch, True)
    assert found == {
        "for k in range(start, stop):": (0, 4),
        "tick(10)": (40, 4),
        "helper(0)": (12, 4),
        "return stop": (0, 4),
        "tick(100)": (100, 1),
        "if x:": (0, 1),
        "tick(1000)": (1000, 1),
        "a = tick(5) + sum(each(loop_1, 3))": (5, 1),
        "with nothing():": (0, 1),
        "tick(7)": (7, 1),
        "b = loop_1(0, 1)": (0, 1),
        "return tick(20000)": (20000, 1),
    }
    assert runs(monkeypatch, False)["tick(2000)"] == (2000, 1)


def model():
    x, w = ga.input("x", ("n",)), ga.parameter("w", ("n",))
    h = ga.exp(x * w)
    loss = ga.sum(h * ga.sin(h))
    return [x, w], loss, {w: w - ga.grad(loss, w)}


@pytest.mark.parametrize("n", [10, 200_000])
@pytest.mark.parametrize("style", ["fast", "readable"])
def test_rows_are_statements_with_nodes_and_lines(style, n):
    inputs, loss, updates = model()
    f = ga.compile(inputs, loss, updates=updates, name="step", style=style)
    p = f.profile(np.ones(n), np.ones(n), repeat=3)
    assert p.repeat == 3
    source = p.source.splitlines()
    for row in p.rows:
        assert row.code.split()[0] in source[row.line - 1]
        assert row.seconds >= 0 < row.calls
    assert [r.seconds for r in p.rows] == sorted((r.seconds for r in p.rows), reverse=True)
    assert {r.location.partition(":")[0] for r in p.rows if r.node is not None} == {"test_profile.py"}
    if style == "fast" and "for lo in" in p.source:
        assert max(r.calls for r in p.rows) > 1
    lines = p.by_line()
    assert lines.timed == pytest.approx(p.timed)
    assert "loss = ga.sum(h * ga.sin(h))" in [r.code for r in lines.rows]
    assert len({(r.file, r.user_line) for r in lines.rows}) == len(lines.rows)
    for text in (str(p), repr(lines)):
        assert text.startswith("step: ")
        assert "test_profile.py:" in text


def test_the_slow_line_comes_first():
    x = ga.input("x", (300,))
    f = ga.compile([x], [ga.sum(ga.linalg.inv(ga.outer(x, x) + ga.eye(300))), ga.sum(x)], style="readable")
    assert "inv" in f.profile(np.arange(300.0), repeat=3).rows[0].code


def test_nothing_of_the_user_is_changed():
    w = ga.parameter("w", (3,))
    draw = ga.random.standard_normal((3,))
    f = ga.compile([w], [draw], updates={w: w + draw})
    value, rng = np.ones(3), np.random.default_rng(1)
    state = rng.bit_generator.state
    f.profile(value, rng=rng, repeat=2)
    f.profile(w=value, rng=rng, repeat=2)
    np.testing.assert_array_equal(value, 1)
    assert rng.bit_generator.state == state
    np.testing.assert_array_equal(f(value, rng=rng)[0], np.random.default_rng(1).standard_normal(3))
    assert not pool._inside.get()


def test_profile_raises_what_a_call_raises():
    x = ga.input("x", (3,))
    f = ga.compile([x], ga.exp(x))
    with pytest.raises(ShapeError):
        f.profile(np.ones(4))
    with pytest.raises(ArgumentError, match="missing input"):
        f.profile()
    with pytest.raises(ArgumentError, match="repeat"):
        f.profile(np.ones(3), repeat=0)
    draws = ga.compile([x], x + ga.random.standard_normal((3,)))
    with pytest.raises(ArgumentError, match="needs rng"):
        draws.profile(np.ones(3))


def test_many_statements_are_cut_short():
    x = y = ga.input("x", (3,))
    for k in range(60):
        y = ga.sin(y) * (y + k)
    text = str(ga.compile([x], y, style="readable").profile(np.ones(3), repeat=2))
    assert "more:" in text.splitlines()[-1]
