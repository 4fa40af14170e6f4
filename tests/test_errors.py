"""Bad input: the right class, the user's names and line, how to fix it, at most twelve lines."""

import numpy as np
import pytest

import graphad as ga
from graphad import errors


def declared():
    return ga.input("x", ("batch", 64)), ga.parameter("W2", (32, 10)), ga.input("k", (3,), dtype="int64")


ROWS = {
    "matmul": (lambda x, W2, k: x @ W2, errors.ShapeError, "inner sizes differ: 64 and 32"),
    "add": (lambda x, W2, k: x + W2, errors.ShapeError, "do not broadcast"),
    "two names": (lambda x, W2, k: x + ga.input("y", ("other", 64)), errors.ShapeError, "do not broadcast"),
    "axis": (lambda x, W2, k: ga.sum(x, axis=2), errors.AxisError, "axis 2 is out of range"),
    "axis twice": (lambda x, W2, k: ga.sum(x, axis=(0, -2)), errors.AxisError, "twice"),
    "axis type": (lambda x, W2, k: ga.sum(x, axis="rows"), errors.ArgumentError, "axis must be an int"),
    "reshape": (lambda x, W2, k: W2.reshape(5, 5), errors.ShapeError, "320 elements"),
    "two -1": (lambda x, W2, k: W2.reshape(-1, -1), errors.ShapeError, "only one size"),
    "transpose": (lambda x, W2, k: ga.transpose(W2, (0, 0)), errors.ShapeError, "not an order"),
    "squeeze": (lambda x, W2, k: ga.squeeze(W2, 0), errors.ShapeError, "not 1"),
    "broadcast": (lambda x, W2, k: ga.broadcast_to(W2, (3, 3)), errors.ShapeError, "does not stretch"),
    "concatenate": (lambda x, W2, k: ga.concatenate([x, W2]), errors.ShapeError, "sizes other than axis 0"),
    "stack": (lambda x, W2, k: ga.stack([x, W2]), errors.ShapeError, "shapes differ"),
    "nothing to join": (lambda x, W2, k: ga.concatenate([]), errors.ArgumentError, "at least one"),
    "split": (lambda x, W2, k: ga.split(W2, 5), errors.ShapeError, "not a multiple of 5"),
    "index": (lambda x, W2, k: W2[32], errors.AxisError, "out of range"),
    "too many": (lambda x, W2, k: W2[0, 0, 0], errors.AxisError, "3 items"),
    "float index": (lambda x, W2, k: W2[np.array([0.5])], errors.DTypeError, "integers"),
    "mask": (lambda x, W2, k: x[x > 0], errors.ArgumentError, "not constant"),
    "step": (lambda x, W2, k: x[::0], errors.ArgumentError, "step"),
    "at": (lambda x, W2, k: W2.at[0].set(np.ones(3)), errors.ShapeError, "do not fit"),
    "einsum operands": (lambda x, W2, k: ga.einsum("ij,jk->ik", x), errors.ArgumentError, "2 operands"),
    "einsum axes": (lambda x, W2, k: ga.einsum("ijk->i", x), errors.ShapeError, "does not fit"),
    "einsum sizes": (lambda x, W2, k: ga.einsum("ij,jk->ik", x, W2), errors.ShapeError, "sizes 64 and 32"),
    "einsum output": (lambda x, W2, k: ga.einsum("ij->iz", x), errors.ArgumentError, "must name labels"),
    "dtype": (lambda x, W2, k: ga.input("s", (), dtype="object"), errors.DTypeError, "not supported"),
    "no dtype": (lambda x, W2, k: ga.input("s", (), dtype="float63"), errors.DTypeError, "not a dtype"),
    "name": (lambda x, W2, k: ga.input("my x", ()), errors.ArgumentError, "identifier"),
    "keyword": (lambda x, W2, k: ga.input("for", ()), errors.ArgumentError, "identifier"),
    "negative size": (lambda x, W2, k: ga.input("s", (-1,)), errors.ShapeError, ""),
    "bool": (lambda x, W2, k: bool(x), errors.NodeValueError, "ga.where"),
    "assignment": (lambda x, W2, k: x.__setitem__(0, 1), errors.NodeValueError, "x.at[key].set(value)"),
    "usage": (lambda x, W2, k: ga.sum(x, out=1), errors.ArgumentError, "call sum(x, axis, dtype, keepdims"),
    "out": (lambda x, W2, k: np.tanh(x, out=np.zeros((2, 64))), errors.ArgumentError, "np.tanh: out is not taken"),
    "float": (lambda x, W2, k: float(x), errors.NodeValueError, "no value before"),
    "array": (lambda x, W2, k: np.array(x), errors.NodeValueError, "no value before"),
    "and": (lambda x, W2, k: x & x, errors.NodeValueError, "needs booleans"),
    "unknown argument": (lambda x, W2, k: ga.sum(x, axes=0), errors.ArgumentError, "axes"),
    "missing operand": (lambda x, W2, k: ga.add(x), errors.ArgumentError, "missing operand"),
    "missing attribute": (lambda x, W2, k: ga.reshape(x), errors.ArgumentError, "missing argument: shape"),
    "too many arguments": (lambda x, W2, k: ga.tanh(x, 1), errors.ArgumentError, "too many"),
    "an operand of another kind": (lambda x, W2, k: x + "1", errors.ArgumentError, "cannot be an operand"),
    "a list of nodes": (lambda x, W2, k: ga.tanh([x, x]), errors.ArgumentError, "ga.stack"),
    "np function": (lambda x, W2, k: np.unique(x), errors.ArgumentError, "np.unique does not take"),
    "np ufunc method": (lambda x, W2, k: np.add.reduceat(x, [0]), errors.ArgumentError, "add.reduceat"),
    "one_hot": (lambda x, W2, k: ga.one_hot(x, 3), errors.ArgumentError, "integers"),
    "clip": (lambda x, W2, k: ga.clip(x, 0, min=1), errors.ArgumentError, "given twice"),
    "max of nothing": (lambda x, W2, k: ga.max(ga.zeros((0, 2)), axis=0), errors.ShapeError, "empty axis"),
    "left out": (lambda x, W2, k: ga.compile([x], ga.sum(x[:, :32] @ W2)), errors.GraphError, "W2"),
    "twice": (lambda x, W2, k: ga.compile([x, x], x), errors.GraphError, "twice"),
    "same name": (lambda x, W2, k: ga.compile([x, ga.input("x")], x), errors.GraphError, "named 'x'"),
    "foreign": (lambda x, W2, k: ga.compile([x], [np.ones(3)]), errors.GraphError, "graphad nodes"),
    "optimize": (lambda x, W2, k: ga.compile([x], x, optimize="fast"), errors.ArgumentError, "none"),
    "function name": (lambda x, W2, k: ga.compile([x], x, name="a b"), errors.ArgumentError, "identifier"),
    "update target": (lambda x, W2, k: ga.compile([x], x, updates={x * 1.5: x}), errors.GraphError, "not an input"),
    "update type": (lambda x, W2, k: ga.compile([x], x, updates={x: ga.sum(x)}), errors.GraphError, "type"),
    "size unknown": (
        lambda x, W2, k: ga.compile([ga.input("z", (ga.Dim("a") * ga.Dim("b"),))], []),
        errors.GraphError,
        "learned",
    ),
    "substitute": (lambda x, W2, k: ga.Graph([x], [x * 2.0]).substitute({x: W2}), errors.GraphError, "replacement"),
    "node name": (lambda x, W2, k: ga.Graph([x], [x * 2.0]).node("h"), errors.GraphError, "no node named"),
    "no nodes at all": (lambda x, W2, k: ga.Graph(5, [x]), errors.GraphError, "got int"),
    "none": (lambda x, W2, k: ga.Graph([x], None), errors.GraphError, "got NoneType"),
    "eye": (lambda x, W2, k: ga.eye(3, k=0.5), errors.ArgumentError, "k must be an int"),
    "scope": (lambda x, W2, k: ga.scope("").__enter__(), errors.ArgumentError, ""),
    "power of integers": (lambda x, W2, k: k**-1, errors.ArgumentError, "negative"),
}


@pytest.mark.parametrize("row", ROWS)
def test_row(row):
    make, kind, message = ROWS[row]
    with pytest.raises(kind) as caught:
        make(*declared())
    text = str(caught.value)
    assert message in text
    assert len(text.splitlines()) <= 12
    assert "/graphad/" not in text


def test_message_shows_names_types_and_the_users_line():
    x, W2, _ = declared()
    with pytest.raises(errors.ShapeError) as caught:
        out = x @ W2
        del out
    lines = str(caught.value).splitlines()
    assert lines[0] == "matmul: inner sizes differ: 64 and 32"
    assert lines[1].split() == ["x", "f64[batch,", "64]", "declared", "at", lines[1].split()[-1]]
    assert "out = x @ W2" in lines[3]
    assert "test_errors.py:" in lines[3]


def test_calls_name_the_input_and_both_shapes():
    x, W2, k = declared()
    f = ga.compile([x, W2, k], ga.sum(x[:, :32] @ W2) + ga.sum(k), name="f")
    good = [np.ones((5, 64)), np.ones((32, 10)), np.arange(3)]
    assert float(f(*good)) == 5 * 32 * 10 + 3
    rows = [
        ([np.ones((5, 63)), *good[1:]], {}, errors.ShapeError, ["x", "[5, 63]", "f64[batch, 64]"]),
        ([np.ones(64), *good[1:]], {}, errors.ShapeError, ["x", "[64]"]),
        ([*good[:2], np.ones(3)], {}, errors.DTypeError, ["k", "float64", "int64"]),
        ([*good[:2], [0.5, 1, 2]], {}, errors.DTypeError, ["k"]),
        ([*good[:2], ["a", "b", "c"]], {}, errors.DTypeError, ["k"]),
        ([x, *good[1:]], {}, errors.ArgumentError, ["x", "node"]),
        (good[:2], {}, errors.ArgumentError, ["missing input: k"]),
        ([*good, 1], {}, errors.ArgumentError, ["3 inputs", "4 were given"]),
        (good[:2], {"q": 1}, errors.ArgumentError, ["no input named 'q'"]),
        (good, {"x": good[0]}, errors.ArgumentError, ["given twice"]),
        (good, {"rng": np.random.default_rng(0)}, errors.ArgumentError, ["no random numbers"]),
    ]
    for args, kwargs, kind, parts in rows:
        with pytest.raises(kind) as caught:
            f(*args, **kwargs)
        assert all(part in str(caught.value) for part in parts), str(caught.value)
        assert len(str(caught.value).splitlines()) <= 12


def test_errors_are_also_the_builtin_ones():
    for kind, builtin in [
        (errors.ShapeError, ValueError),
        (errors.AxisError, IndexError),
        (errors.DTypeError, TypeError),
        (errors.ArgumentError, TypeError),
        (errors.MissingDependencyError, ImportError),
    ]:
        assert issubclass(kind, builtin)
        assert issubclass(kind, ga.GraphadError)


def test_long_tables_and_hints_are_cut():
    problem = errors.GraphadError("what", where=[("a", str(k)) for k in range(40)], hint="one\ntwo\nthree")
    lines = str(problem).splitlines()
    assert len(lines) == 12
    assert "more" in lines[-3]
    assert lines[-1].strip() == "hint: two"
