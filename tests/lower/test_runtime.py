"""What happens around a call: arguments found by their shapes, workspaces that belong to one call, 0-d results."""

import itertools
import threading

import numpy as np
import pytest

import graphad as ga
from graphad.errors import ArgumentError, DTypeError, ShapeError
from graphad.lower import runtime
from graphad.lower.runtime import Arguments, Workspaces, finished, finisher


def arguments(make=None):
    x, k = ga.input("x", ("n", 3)), ga.input("k", ("n",), "int64")
    return Arguments(ga.Graph([x, k], [ga.sum(x)]), "f", [], make)


def test_arrays_as_declared_pass_as_they_are():
    check = arguments().check
    args = np.ones((2, 3)), np.ones(2, int)
    first = check(args, {})
    again = check(args, {})
    assert all(a is b for a, b in zip(again[0], args, strict=True))
    assert again[1] is first[1]
    assert dict(again[1].sizes) == {"n": 2}
    named = check((args[0],), {"k": args[1]})
    assert named[1] is first[1]


def test_shapes_seen_before_do_not_let_other_arguments_pass():
    check = arguments().check
    good = np.ones((2, 3)), np.ones(2, int)
    check(good, {})
    (converted, _), spaces = check(([[1, 2, 3], [4, 5, 6]], [1, 2]), {})
    assert converted.dtype == float
    assert spaces is check(good, {})[1]
    swapped = np.ones((2, 3), ">f8"), good[1]
    assert check(swapped, {})[0][0].dtype.isnative
    for bad, error in [
        ((np.ones((2, 3)), np.ones(2)), DTypeError),
        ((np.ones((2, 3), complex), np.ones(2, int)), DTypeError),
        ((np.ones((3, 3)), np.ones(2, int)), ShapeError),
        ((np.ones((2, 3)),), ArgumentError),
        ((*good, good[0]), ArgumentError),
    ]:
        with pytest.raises(error):
            check(bad, {})


def test_a_target_must_be_writable_at_every_call():
    w = ga.parameter("w", (2,))
    f = ga.compile([w], [], updates={w: w + 1})
    value = np.ones(2)
    f(value)
    value.flags.writeable = False
    with pytest.raises(DTypeError, match="writable"):
        f(value)
    np.testing.assert_array_equal(value, [2, 2])


def test_a_workspace_belongs_to_one_call():
    made = []

    def make(sizes):
        made.append(dict(sizes))
        return object()

    check = arguments(make).check
    _, spaces = check((np.ones((2, 3)), np.ones(2, int)), {})
    first, second = spaces.take(), spaces.take()
    assert first is not second
    spaces.give(first)
    assert spaces.take() is first
    _, others = check((np.ones((4, 3)), np.ones(4, int)), {})
    others.take()
    assert made == [{"n": 2}, {"n": 2}, {"n": 4}]


def test_workspaces_are_not_shared_between_threads():
    counter, spaces = itertools.count(), None
    spaces = Workspaces({}, lambda sizes: [next(counter), 0])
    clashes = []

    def work():
        for _ in range(2000):
            mine = spaces.take()
            mine[1] += 1
            if mine[1] != 1:
                clashes.append(mine)
            mine[1] -= 1
            spaces.give(mine)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not clashes
    assert next(counter) <= 4


def test_few_workspaces_are_kept(monkeypatch):
    monkeypatch.setattr(runtime, "KEPT", 2)
    check = arguments(lambda sizes: object()).check
    held = [check((np.ones((n, 3)), np.ones(n, int)), {})[1] for n in range(5)]
    assert len({id(check((np.ones((n, 3)), np.ones(n, int)), {})[1]) for n in range(4, 5)} - {id(held[4])}) == 0
    assert check((np.ones((0, 3)), np.ones(0, int)), {})[1] is not held[0]
    several = [held[4].take() for _ in range(5)]
    for workspace in several:
        held[4].give(workspace)
    kept = [held[4].take() for _ in range(5)]
    assert sum(any(k is s for s in several) for k in kept) == 2


def test_scalars_among_results_become_arrays():
    x = ga.input("x", (3,))
    total = ga.sum(x)
    f = ga.compile([x], {"a": [x, (total, {"b c": total * 2})], "d": ga.mean(x)})
    out = f(np.ones(3))
    for value in (out["a"][0], out["a"][1][0], out["a"][1][1]["b c"], out["d"]):
        assert type(value) is np.ndarray
    assert type(ga.compile([x], total)(np.ones(3))) is np.ndarray
    assert type(ga.compile([x], [total])(np.ones(3))[0]) is np.ndarray
    assert finished({"a": 0, "b": (1,)}, [x, total]) == "{\"a\": r['a'], \"b\": (asarray(r['b'][0]),)}"
    assert finisher(finished((0, 1), [x, x * 2])) is None
    assert ga.compile([x], [])(np.ones(3)) == ()


@pytest.mark.parametrize("size", ["n", 3])
def test_the_short_way_is_for_arrays_as_declared(size):
    x, y = ga.input("x", (size, 2)), ga.input("y", (size,))
    f = ga.compile([x, y], [ga.sum(x * x), y + 1], style="readable")  # which needs no workspace
    good = np.ones((3, 2)), np.ones(3)
    for _ in range(2):  # the first call is the one that sees the shapes
        total, other = f(*good)
        assert (type(total), float(total), list(other)) == (np.ndarray, 6, [2, 2, 2])
    assert f._shortcut(*good) is not None
    given = [[[1, 1]] * 3, good[1]], [good[0].astype(">f8"), good[1]], [good[0].astype("f4"), good[1]], [good[0]], []
    for args in (*given, [*good, 1], [good[0], np.ones(4)], [good[0], None], [good[0].view(np.matrix), good[1]]):
        assert f._shortcut(*args) is None
    for args in given[:3]:
        assert float(f(*args)[0]) == 6
    assert float(f(good[0], y=good[1])[0]) == 6
    for args, error in (((*good, good[1]), ArgumentError), (good[:1], ArgumentError), ((), ArgumentError)):
        with pytest.raises(error):
            f(*args)
    with pytest.raises(ShapeError):
        f(good[0], np.ones(4))
    with pytest.raises(ArgumentError, match="rng"):
        f(*good, rng=np.random.default_rng(0))


def test_errors_on_the_short_way_name_the_users_line():
    a = ga.input("a", (2, 2))
    f = ga.compile([a], ga.linalg.inv(a))
    f(np.eye(2))
    with pytest.raises(np.linalg.LinAlgError) as caught:
        f(np.zeros((2, 2)))
    assert any("test_runtime.py" in note for note in caught.value.__notes__)
