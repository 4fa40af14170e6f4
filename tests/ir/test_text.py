"""The table of a graph, and the canonical text: what changes the digest and what does not."""

import os
import subprocess
import sys

import numpy as np
import pytest

import graphad as ga
from graphad.ir.dims import Dim
from graphad.ir.graph import Graph
from graphad.ir.text import WIDEST, canonical_text, digest, graph_text, value_text
from graphad.ops.contract import einsum
from graphad.ops.elementwise import add, sin, subtract, tanh
from graphad.ops.fit import astype, sum
from graphad.ops.index import index
from graphad.ops.indexing import FULL, Slice
from graphad.ops.leaves import arange, constant, input, parameter
from graphad.ops.random import standard_normal

PROGRAM = """\
import graphad as ga
x = ga.input("x", shape=("batch", 64))
W = ga.parameter("W", shape=(64, 3))

h = ga.tanh(x[1:] @ W)
table = ga.constant([[1.5, 2.0, 3.0], [4.0, 5.0, 6.0]])
total = ga.sum(h + table[0], axis=0)
graph = ga.Graph([x, W], [total, h], name="mlp")
"""

TABLE = """\
graph mlp
  %0 x     = input()                                : f64[batch, 64]       # train.py:2
  %1 W     = parameter()                            : f64[64, 3]           # train.py:3
  %2       = getitem(%0, index=(1:,))               : f64[batch - 1, 64]   # train.py:5
  %3       = matmul(%2, %1)                         : f64[batch - 1, 3]    # train.py:5
  %4 h     = tanh(%3)                               : f64[batch - 1, 3]    # train.py:5
  %5 table = constant(value=<float64[2, 3]>)        : f64[2, 3]            # train.py:6
  %6       = getitem(%5, index=(0,))                : f64[3]               # train.py:7
  %7       = broadcast_to(%6, shape=(batch - 1, 3)) : f64[batch - 1, 3]    # train.py:7
  %8       = add(%4, %7)                            : f64[batch - 1, 3]    # train.py:7
  %9 total = sum(%8, axis=(0,))                     : f64[3]               # train.py:7
  return %9, %4"""


def run(source=PROGRAM, file="train.py"):
    """The graph of a program, whose lines count as the user's."""
    names = {}
    exec(compile(source, file, "exec"), names)
    return names["graph"]


# For people ---------------------------------------------------------------------------------------------------------


def test_table():
    assert graph_text(run()) == TABLE
    assert repr(run()) == str(run()) == TABLE


def test_one_long_row_does_not_move_the_others():
    x = input("x", shape=(3,))
    h = sin(x)
    object.__setattr__(h.origin, "name", "a_name_as_long_as_nobody_would_ever_write_in_a_program_of_theirs")
    y = tanh(h)
    rows = str(Graph([x], [y])).splitlines()[1:-1]
    assert len(rows[1].split(" : ")[0]) > WIDEST
    assert rows[0].index(" : ") == rows[2].index(" : ") == len("  %0 x = tanh(%1)")


def test_scopes_stand_behind_the_lines_and_numbers_are_aligned():
    source = PROGRAM.replace(
        "h = ga.tanh(x[1:] @ W)", "with ga.scope('a'), ga.scope('b'): h = ga.tanh(x[1:] @ W) + 0 + 1"
    )
    lines = str(run(source)).splitlines()
    assert lines[5].startswith("  %4        = tanh(%3) ") and lines[5].endswith("   # train.py:5  a/b")
    assert len({line.index("=") for line in lines[1:-1]}) == 1


def test_a_cut_shows_nothing_of_what_lies_behind():
    x = input("x")
    h = tanh(x)
    text = str(Graph([h], [sin(h)]))
    assert "%0 h = tanh()" in text
    assert "%1   = sin(%0)" in text


def test_nodes_without_a_place_have_no_comment():
    graph = run(file="")
    place = graph.outputs[0].origin.place
    graph.outputs[0].origin.place = place._replace(line=0)
    assert graph_text(graph).splitlines()[-2].endswith(": f64[3]")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.array([1.0, -0.0, np.nan, np.inf]), "[1.0, -0.0, nan, inf]"),
        (np.array(True), "True"),
        (np.zeros((2, 3), "int32"), "<int32[2, 3]>"),
        ((0,), "(0,)"),
        ((Dim("n"), 3), "(n, 3)"),
        ((), "()"),
        ((None, 2, Slice(1)), "(None, 2, 1:)"),
        (Slice(None, Dim("n") - 1), ":n - 1"),
        (Slice(None, None, -1), "::-1"),
        (FULL, ":"),
        (np.dtype("float32"), "float32"),
        ("ij->i", "ij->i"),
        (0.1, "0.1"),
        (None, "None"),
    ],
    ids=str,
)
def test_attribute(value, text):
    assert value_text(value) == text


# For comparing ------------------------------------------------------------------------------------------------------

X = input("x", shape=(2, 3))
Y = input("y", shape=(2, 3))


def const(value, dtype="float64"):
    return Graph([], [constant(np.array(value, dtype))])


def draws(swapped):
    """Two random nodes of one shape; which is made, and so drawn, first makes the difference."""
    pair = [standard_normal((3,)), standard_normal((3,))]
    a, b = reversed(pair) if swapped else pair
    return Graph([], [subtract(a, b)])


C = constant(2.0)
NAN = np.array([0x7FF8000000000001, 0x7FF8000000000000], "uint64").view("float64")
DIFFERENT = {
    "op": (Graph([X], [sin(X)]), Graph([X], [tanh(X)])),
    "order of operands": (Graph([X, Y], [subtract(X, Y)]), Graph([X, Y], [subtract(Y, X)])),
    "order of inputs": (Graph([X, Y], [subtract(X, Y)]), Graph([Y, X], [subtract(X, Y)])),
    "order of outputs": (Graph([X], [X, sin(X)]), Graph([X], [sin(X), X])),
    "unused input": (Graph([X], [X]), Graph([X, Y], [X])),
    "name of an input": (Graph([X], [X]), Graph([Y], [Y])),
    "name of a cut": (Graph([h := sin(X)], [tanh(h)]), Graph([k := sin(X)], [tanh(k)])),
    "cut or not": (Graph([], [C]), Graph([C], [C])),
    "dtype of an input": (Graph([X], [X]), Graph([z := input("x", (2, 3), "float32")], [z])),
    "named size": (Graph([n := input("x", ("n",))], [n]), Graph([m := input("x", ("m",))], [m])),
    "shared or twice": (Graph([X], [s := sin(X), s]), Graph([X], [sin(X), sin(X)])),
    "axis": (Graph([X], [sum(X, axis=0)]), Graph([X], [sum(X)])),
    "flag": (Graph([X], [sum(X, keepdims=True)]), Graph([X], [sum(X)])),
    "slice": (Graph([X], [index(X, slice(1, None))]), Graph([X], [index(X, slice(0, 1))])),
    "bound of the range": (Graph([], [arange(0, 4)]), Graph([], [arange(1, 5)])),
    "subscripts": (Graph([X], [einsum("ij->j", X)]), Graph([X], [einsum("ij->i", X[:, :2])])),
    "sign of zero": (const(0.0), const(-0.0)),
    "last bit": (const(0.1 + 0.2), const(0.3)),
    "bits of nan": (const(NAN[0]), const(NAN[1])),
    "shape of a constant": (const([1.0]), const([[1.0]])),
    "dtype of a constant": (const(1, "int32"), const(1, "int64")),
    "dtype of a cast": (Graph([X], [astype(X, "float32")]), Graph([X], [astype(X, "float16")])),
    "order of draws": (draws(False), draws(True)),
}


@pytest.mark.parametrize("change", DIFFERENT)
def test_digest_tells_apart(change):
    a, b = DIFFERENT[change]
    assert digest(a) != digest(b)


def test_digest_ignores_names_lines_and_scopes():
    there = run("\n\n" + PROGRAM.replace("total", "loss").replace('name="mlp"', 'name="f"'), file="other.py")
    with ga.scope("block"):
        nested = run()
    assert str(there) != str(run())
    assert canonical_text(there) == canonical_text(run()) == canonical_text(nested)
    assert digest(there) == digest(run())


def test_digest_ignores_whether_an_input_is_learned():
    assert digest(run()) == digest(run(PROGRAM.replace("parameter", "input")))
    w, v = parameter("w"), input("w")
    assert digest(Graph([w], [sin(w)])) == digest(Graph([v], [sin(v)]))


def test_digest_is_short_and_hexadecimal():
    assert len(digest(run())) == 16
    assert int(digest(run()), 16) >= 0


def test_same_text_and_digest_whatever_the_hash_seed():
    program = f"{PROGRAM}\nfrom graphad.ir.text import digest\nprint(graph)\nprint(digest(graph))"
    seen = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1
    assert digest(run()) in seen.pop()


def test_a_large_constant_is_short_in_the_text():
    graph = const(np.zeros(4_000_000))
    assert len(canonical_text(graph)) < 200


def test_a_deep_graph_is_no_trouble_to_print():
    x = y = input("x")
    for _ in range(20_000):
        y = add(y, x)
    graph = Graph([x], [y])
    text, hashed = str(graph), digest(graph)
    assert (text.count("\n"), len(hashed)) == (20_002, 16)
