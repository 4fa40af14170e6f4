"""Layout rules: chains of views, cuts and joins get shorter, every element stays."""

import numpy as np
import pytest
from rewriting import F, Row, applied, graph_of, special, values, work

import graphad as ga
from graphad.ops.index import place
from graphad.ops.indexing import Slice
from graphad.rules import cuts, layout

TABLES = (layout.EXACT, cuts.EXACT)
A = (4, 3)
N = ("n", 3)


def join(*xs, axis=0):
    return ga.concatenate(list(xs), axis=axis)


FIRES = [
    Row("same_shape", lambda x: ga.reshape(x, A), (A,)),
    Row("same_shape", lambda x: ga.broadcast_to(x, A), (A,)),
    Row("of_one_value", lambda x: ga.reshape(ga.broadcast_to(x, (2, 3)), (3, 2)), ((),)),
    Row("of_one_value", lambda x: ga.broadcast_to(x, (2, 3)).T, ((),)),
    Row("of_one_value", lambda x: ga.broadcast_to(x, (2, 3))[1], ((),)),
    Row("broadcast_twice", lambda x: ga.broadcast_to(ga.broadcast_to(x, A), (5, 4, 3)), ((3,),)),
    Row("broadcast_twice", lambda x: ga.broadcast_to(x[None], A), ((3,),)),
    Row("reshape_twice", lambda x: ga.reshape(ga.reshape(x, -1), (3, 4)), (A,)),
    Row("reshape_twice", lambda x: ga.reshape(ga.reshape(x, -1), (3, "n")), (N,)),
    Row("reshape_twice", lambda x: ga.reshape(ga.expand_dims(x, 0), (12,)), (A,)),
    Row("axes_of_reshaped", lambda x: ga.expand_dims(ga.reshape(x, -1), 0), (A,)),
    Row("transpose_twice", lambda x: x.T.T, (N,)),
    Row("transpose_twice", lambda x: ga.transpose(ga.transpose(x, (1, 2, 0)), (1, 2, 0)), ((2, 3, 4),)),
    Row("diagonal_of_transposed", lambda x: ga.diagonal(x.T), (A,)),
    Row("index_of_index", lambda x: x[1:4][1], (F,)),
    Row("index_of_index", lambda x: x[::-1][::-1], (("n",),)),
    Row("index_of_index", lambda x: x[1:][2:-1], (("n",),)),
    Row("index_of_index", lambda x: x[:, None][1], (N,)),
    Row("index_of_index", lambda x: ga.squeeze(ga.expand_dims(x, 1), 1), (N,)),
    Row("index_of_index", lambda x: ga.expand_dims(ga.expand_dims(x, 0), 0), (N,)),
    Row("index_of_index", lambda x: x[::2][1:][::-1], ((9,),)),
    Row("index_of_index", lambda x: x[4:1:-1][1:], (F,)),
    Row("index_of_index", lambda x: x[-1][None, 1:], (A,)),
    Row("whole", lambda x: ga.ops.index.getitem(x, (Slice(0, 4),)), (A,)),
    Row("index_of_broadcast", lambda x: ga.broadcast_to(x, A)[1], ((3,),)),
    Row("index_of_broadcast", lambda x: ga.broadcast_to(x, A)[1:3, 1], ((4, 1),)),
    Row("index_of_joined", lambda x, y: join(x, y)[0], (F, F)),
    Row("index_of_joined", lambda x, y: join(x, y)[6:8], (F, F)),
    Row("index_of_joined", lambda x, y: join(x, y)[x.shape[0] :], (N, ("m", 3))),
    Row("index_of_joined", lambda x, y: join(x, y, axis=1)[1, 3:5], (A, (4, 2))),
    Row("index_of_joined", lambda x, y, z: join(x, y, z)[:10], (F, F, F)),
    Row("index_of_stack", lambda x, y: ga.stack([x, y])[-1], (N, N)),
    Row("index_of_stack", lambda x, y: ga.stack([x, y], axis=1)[2, 1], (N, N)),
    Row("index_of_stack", lambda x, y, z: ga.stack([x, y, z])[1:], (N, N, N)),
    Row("index_of_padded", lambda x: ga.pad(x, 2)[2:7], (F,)),
    Row("index_of_padded", lambda x: ga.pad(x, 2)[3:5, 2], (A,)),
    Row("index_of_padded", lambda x: ga.pad(x, ((1, 2), (0, 0)))[1:-2], (N,)),
    Row("index_of_written", lambda x: place(x, (Slice(1, 6),), (9,))[1:6], (F,)),
    Row("index_of_written", lambda x, y: x.at[1:3].set(y)[1:3], (F, (2,))),
    Row("index_of_gathered", lambda x: x[np.array([2, 0, 2])][1], (A,)),
    Row("index_of_gathered", lambda x: x[:, np.array([2, 0, 2])][:, 1:], (A,)),
    Row("take_of_take", lambda x: ga.take(ga.take(x, [2, 0, 2], 1), [1, -1], 1), (A,)),
    Row("join_of_one", lambda x: join(x), (N,)),
    Row("join_of_one", lambda x: ga.stack([x]), (N,)),
    Row("join_of_one", lambda x, y: join(x, y), (A, (0, 3))),
    Row("join_of_joins", lambda x, y, z: join(join(x, y), z), (A, N, A)),
    Row("join_of_cuts", lambda x: join(x[:2], x[2:]), (N,)),
    Row("join_of_cuts", lambda x, y: join(x[0:2], x[2:3], y), (A, A)),
    Row("join_of_items", lambda x: ga.stack([x[0], x[1], x[2], x[3]]), (A,)),
    Row("sum_of_placed", lambda x, y: place(x, (Slice(None, 5),), (10,)) + place(y, (Slice(5),), (10,)), (F, F)),
    Row("sum_of_placed", lambda x: ga.grad(ga.sum(x[:2] ** 2) + ga.sum(ga.exp(x[2:])), x), (N,)),
    Row("sum_of_placed", lambda x: ga.grad(ga.sum(x[0] * x[1] * x[3] * x[2]), x), (A,)),
    Row("placed_whole", lambda x: place(x, (None, Slice(None, None, None), None), (3,)), ((1, 3, 1),)),
    Row("padded_twice", lambda x: ga.pad(ga.pad(x, 1), ((0, 2), (1, 0))), (N,)),
    Row("padded_twice", lambda x: ga.pad(x, 0), (N,)),
    Row("merged_reduction", lambda x: ga.max(ga.max(x, axis=1)), (A,)),
    Row("merged_reduction", lambda x: ga.min(ga.min(x, axis=1, keepdims=True), axis=0, keepdims=True), (A,)),
    Row("merged_reduction", lambda x: ga.all(ga.all(x > 0, axis=0), axis=1), ((2, 3, 4),)),
    Row("reduced_over_one", lambda x: ga.sum(x, axis=1), ((3, 1),)),
    Row("reduced_over_one", lambda x: ga.mean(x, axis=(0, 1), keepdims=True), ((1, 1, "n"),)),
    Row("reduced_over_one", lambda x: ga.sum(x, axis=()), (A,)),
    Row("extreme_of_rearranged", lambda x: ga.max(x.T), (A,)),
    Row("extreme_of_rearranged", lambda x: ga.min(ga.broadcast_to(x, (7, 5))), (F,)),
]

QUIET = [
    Row("same_shape", lambda x: ga.reshape(x, ("n", 3)), (("n*3",),)),
    Row("of_one_value", lambda x: ga.broadcast_to(x, (2, 3)).T, ((3,),)),
    Row("broadcast_twice", lambda x: ga.broadcast_to(x[:, None], A), ((4,),)),
    Row("diagonal_of_transposed", lambda x: ga.diagonal(x.T, 1), (A,)),
    Row("index_of_index", lambda x: x[1:-1][0:2], (("n",),)),  # where it ends depends on n
    Row("index_of_index", lambda x: x[::-1][::2], (("n",),)),
    Row("index_of_index", lambda x: x.T[0], (A,)),
    Row("whole", lambda x: x[::-1], (A,)),
    Row("index_of_broadcast", lambda x: ga.broadcast_to(x, A)[None], ((3,),)),
    Row("index_of_joined", lambda x, y: join(x, y)[3:7], (F, F)),
    Row("index_of_joined", lambda x, y: join(x, y)[0], (N, N)),  # n may be 0
    Row("index_of_joined", lambda x, y: join(x, y)[:, 0], (N, N)),
    Row("index_of_stack", lambda x, y: ga.stack([x, y])[:, 0], (N, N)),
    Row("index_of_padded", lambda x: ga.pad(x, 2)[1:7], (F,)),
    Row("index_of_padded", lambda x: ga.pad(x, 2)[3:5], (("n",),)),
    Row("index_of_written", lambda x: place(x, (Slice(1, 6),), (9,))[2:7], (F,)),
    Row("index_of_gathered", lambda x: x[np.array([2, 0, 2])][:, 1], (A,)),
    Row("take_of_take", lambda x: ga.take(ga.take(x, [2, 0, 2], 1), [1, -1], 0), (A,)),
    Row("join_of_joins", lambda x, y: join(join(x, y, axis=1), ga.concatenate([y, x], axis=1)), (A, A)),
    Row("join_of_cuts", lambda x: join(x[2:], x[:2]), (A,)),
    Row("join_of_cuts", lambda x, y: join(x[:2], y[2:]), (A, A)),
    Row("join_of_items", lambda x: ga.stack([x[1], x[0], x[2], x[3]]), (A,)),
    Row("join_of_items", lambda x: ga.stack([x[0], x[1]]), (A,)),
    Row("sum_of_placed", lambda x, y: place(x, (Slice(None, 5),), (10,)) + place(y, (Slice(4, 9),), (10,)), (F, F)),
    Row("sum_of_placed", lambda x, y: place(x, (Slice(None, 5),), (11,)) + place(y, (Slice(5, 10),), (11,)), (F, F)),
    Row("merged_reduction", lambda x: ga.max(ga.min(x, axis=1)), (A,)),
    Row("reduced_over_one", lambda x: ga.sum(x, axis=1), ((3, 1),), "int32"),  # sums in int64
    Row("reduced_over_one", lambda x: ga.sum(x, axis=0), ((3, 1),)),
    Row("extreme_of_rearranged", lambda x: ga.max(x.T, axis=0), (A,)),
]


def rule(name):
    return next(r for t in TABLES for rules in t.values() for r in rules if r.__name__ == name)


@pytest.mark.parametrize("row", FIRES, ids=lambda r: r.rule)
def test_rule_shrinks_and_keeps_every_element(row):
    graph = graph_of(row)
    after, count = applied(rule(row.rule), graph, *TABLES)
    assert count
    assert len(after.nodes) < len(graph.nodes) or work(after) < work(graph)
    for given in (values(graph), special(graph)):
        with np.errstate(all="ignore"):
            for a, b in zip(ga.interpret(graph, given), ga.interpret(after, given), strict=True):
                np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("row", QUIET, ids=lambda r: r.rule)
def test_rule_does_not_fire(row):
    assert applied(rule(row.rule), graph_of(row), *TABLES)[1] == 0


def test_every_rule_has_an_example_and_says_its_equation():
    rules = {r for t in TABLES for found in t.values() for r in found}
    assert {r.__name__ for r in rules} == {row.rule for row in FIRES}
    assert all(r.__doc__ for r in rules)


def test_joins_in_use_elsewhere_are_not_joined_again():
    x, y, z = (ga.input(k, F) for k in "xyz")
    both = ga.concatenate([x, y])
    f = ga.compile([x, y, z], [both, ga.concatenate([both, z])])
    assert f.source.count("concatenate") == 2
    assert "[x, y, z]" not in f.source


@pytest.mark.parametrize("seed", range(60))
def test_two_random_indices_are_one(seed):
    rng = np.random.default_rng(seed)
    shape = (5, 4, 3)

    def random_index(sizes):
        entries = []
        for s in sizes[: rng.integers(0, len(sizes) + 1)]:
            kind = rng.integers(0, 5)
            if kind == 0:
                entries.append(None)
            if kind < 2 and s:
                entries.append(int(rng.integers(-s, s)))
            else:
                a, b = (None if rng.random() < 0.3 else int(v) for v in rng.integers(-s - 1, s + 2, 2))
                entries.append(slice(a, b, [None, 1, 2, -1, -2][rng.integers(0, 5)]))
        return tuple(entries)

    values_ = rng.standard_normal(shape)
    first = random_index(shape)
    second = random_index(values_[first].shape)
    x = ga.input("x", shape)
    f = ga.compile([x], x[first][second])
    np.testing.assert_array_equal(f(values_), values_[first][second])
    assert not f(values_).size or [n.op.name for n in f.graph.nodes].count("getitem") <= 1
