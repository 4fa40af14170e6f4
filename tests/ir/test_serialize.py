"""Graphs as JSON: exact both ways, the same bytes each time, and every kind of damage told."""

import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import all_calls, concrete

import graphad as ga
from graphad.errors import MAX_LINES, ExportError, SerializationError
from graphad.ir.graph import Graph
from graphad.ir.serialize import dumps, load, loads, save
from graphad.ir.text import digest
from graphad.ir.types import is_differentiable
from graphad.ir.verify import verify
from graphad.ops import BY_NAME
from graphad.ops.elementwise import tanh
from graphad.ops.fit import sum
from graphad.ops.leaves import constant, eye, input, parameter
from graphad.ops.random import normal, standard_normal


def mlp():
    """A small graph with its gradient: names, scopes, slices, sizes, a shared value, an unconnected input."""
    x, unused = input("x", shape=("batch", 4)), input("unused", shape=(2,), dtype="float32")
    W = parameter("W", shape=(4, 3))
    with ga.scope("hidden"):
        h = tanh(x[1:, ::-1] @ W + 0.5)
    loss = sum(h * h)
    dx, dW, d_unused = ga.grad(loss, [x, W, unused])
    return Graph([x, W, unused], [loss, dx, dW, d_unused], name="mlp")


def same(a, b):
    """Whether two graphs are equal in all that is stored: the text has names and lines, the digest the rest."""
    return (digest(a), str(a), a.name) == (digest(b), str(b), b.name) and links(a) == links(b)


def links(graph):
    """What origins say of each node, with other nodes by number."""
    number = {n.origin: k for k, n in enumerate(graph.nodes)}
    return [
        (
            *(o.name, o.file, o.line, o.scope, o.made_by, o.is_cotangent, o.uses),
            o.adjoint_of and number.get(o.adjoint_of, o.adjoint_of.name),
            [tuple(number.get(end, end.name) for end in pair) for pair in o.gradients],
        )
        for o in (n.origin for n in graph.nodes)
    ]


# There and back -----------------------------------------------------------------------------------------------------


def test_round_trip_keeps_everything():
    graph = mlp()
    back = loads(dumps(graph), BY_NAME)
    assert same(graph, back)
    assert [o for *_, o, _ in links(back) if o is not None]
    assert dumps(back) == dumps(graph)


def test_links_to_the_first_origin_survive():
    back = loads(dumps(mlp()), BY_NAME)
    dx = back.node("d_x")
    assert dx.origin.adjoint_of is back.inputs[0].origin
    assert dx.origin.gradients == ((back.node("loss").origin, back.inputs[0].origin),)


def test_origins_of_nodes_outside_of_the_graph_survive():
    x = input("x")
    hidden = tanh(x)
    dx = ga.grad(sum(hidden * 2.0), x)
    back = loads(dumps(Graph([x], [dx])), BY_NAME)
    assert "hidden" in {n.origin.adjoint_of.name for n in back.nodes if n.origin.adjoint_of}


@pytest.mark.parametrize(("op", "case", "name"), list(all_calls()), ids=lambda v: v if isinstance(v, str) else "")
def test_every_op_and_its_gradient(op, case, name):
    call = concrete(op, case)
    outputs = [call.result]
    wrt = [x for x in call.inputs if is_differentiable(x.dtype)]
    if wrt and is_differentiable(call.result.dtype):
        outputs += ga.vjp(call.result, wrt, ga.ones_like(call.result))
    graph = Graph(call.inputs, outputs)
    back = loads(dumps(graph), BY_NAME)
    assert same(graph, back)
    for a, b in zip(graph.nodes, back.nodes, strict=True):
        assert list(map(type, a.attrs.values())) == list(map(type, b.attrs.values()))


@pytest.mark.parametrize(
    "value",
    [
        np.array([np.nan, np.inf, -np.inf, -0.0, 0.1, 5e-324, np.finfo(float).max]),
        np.array([0x7FF8000000000001, 0xFFF8DEADBEEF0000], "uint64").view("float64"),
        np.array([complex(-0.0, np.nan), complex(np.inf, -0.0)]),
        np.array([1e-8, np.inf, -0.0], "float16"),
        np.array(0.1, "float32"),
        np.array([-(2**63), 2**63 - 1]),
        np.array(2**64 - 1, "uint64"),
        np.array([[True], [False]]),
        np.zeros((0, 3), "int8"),
        np.arange(12.0).reshape(3, 4).T,
        np.arange(3, dtype=">i4"),
    ],
    ids=str,
)
def test_constants_are_exact(value, tmp_path):
    graph = Graph([], [constant(value)])
    save(graph, tmp_path / "g.json")
    for back in (loads(dumps(graph), BY_NAME), load(tmp_path / "g.json", BY_NAME)):
        array = back.outputs[0].attrs["value"]
        assert array.tobytes() == graph.outputs[0].attrs["value"].tobytes()
        assert (array.dtype, array.shape) == (value.dtype.newbyteorder("="), value.shape)
        assert not array.flags.writeable


@pytest.mark.parametrize("number", [0.1, -0.0, 1e300, 3, True, 2.5])
def test_numbers_in_attributes_are_exact(number):
    graph = Graph([], [ga.arange(0.0, 1.0, 0.1), ga.arange(1, 7, 2), eye(3, k=-1), constant(number)])
    assert same(graph, loads(dumps(graph), BY_NAME))


def test_loaded_graph_computes_the_same():
    rng = np.random.default_rng(0)
    graph = mlp()
    values = [rng.normal(size=(5, 4)), rng.normal(size=(4, 3)), np.zeros(2, "float32")]
    before, after = (ga.interpret(g, values) for g in (graph, loads(dumps(graph), BY_NAME)))
    assert [np.array_equal(a, b) for a, b in zip(before, after, strict=True)] == [True] * 4


def test_loaded_graph_draws_the_same_numbers():
    first = standard_normal((3,))
    second = normal(2.0, 3.0, shape=(3,))
    graph = Graph([], [second, first])
    back = loads(dumps(graph), BY_NAME)
    drawn = [ga.compile(g.inputs, list(g.outputs))(rng=np.random.default_rng(7)) for g in (graph, back)]
    assert np.array_equal(drawn[0][0], drawn[1][0])
    assert np.array_equal(drawn[0][1], drawn[1][1])


def test_a_name_beyond_ascii_and_a_file_beyond_unicode():
    θ = input("θ")
    θ.origin.place = θ.origin.place._replace(file="caf\udce9.py")
    back = loads(dumps(Graph([θ], [tanh(θ)], name="größe")), BY_NAME)
    assert (back.name, back.inputs[0].name, back.inputs[0].origin.file) == ("größe", "θ", "caf\udce9.py")


# Each makes a value of shape (n, 3) out of two such values and a number.
FORMS = [
    lambda a, b, c: tanh(a),
    lambda a, b, c: a - b,
    lambda a, b, c: ga.maximum(a, b) / a,
    lambda a, b, c: a * c,
    lambda a, b, c: a + constant([c, -c, -0.0]),
    lambda a, b, c: ga.where(a < b, a, c),
    lambda a, b, c: sum(a, axis=0) * b,
    lambda a, b, c: ga.max(a, axis=-1, keepdims=True) * b,
    lambda a, b, c: a[::-1, [2, 0, 0]] + b[:, None, 1],
    lambda a, b, c: b.at[:, 1].set(a[:, 0]),
    lambda a, b, c: a.reshape(-1).reshape(3, "n").T,
    lambda a, b, c: ga.concatenate([a, b], axis=1)[:, ::2],
    lambda a, b, c: a.astype("float32").astype("float64"),
    lambda a, b, c: ga.einsum("ni,mi,mj->nj", a, b, a),
    lambda a, b, c: ga.stop_gradient(a) * standard_normal(("n", 3)),
    lambda a, b, c: a * ga.size(a.shape[0] * 2 + 1),
    lambda a, b, c: ga.grad(sum(a * b * c), b),
]


@st.composite
def graphs(draw):
    """Random graphs: every step takes values made before, so values are shared."""
    x, y = input("x", shape=("n", 3)), parameter("y", shape=("n", 3))
    pool = [x, y]
    for _ in range(draw(st.integers(0, 12))):
        a, b = draw(st.sampled_from(pool)), draw(st.sampled_from(pool))
        pool.append(draw(st.sampled_from(FORMS))(a, b, draw(st.floats())))
    outputs = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=4))
    return Graph([x, y], outputs, name=draw(st.text(max_size=5)))


@settings(max_examples=80, deadline=None)
@given(graphs())
def test_random_graphs_survive(graph):
    text = dumps(graph)
    back = loads(text, BY_NAME)
    verify(back)
    assert same(graph, back)
    assert dumps(back) == text


def test_a_deep_graph_is_no_trouble_to_write_and_read():
    x = y = input("x")
    for _ in range(20_000):
        y = tanh(y)
    graph = Graph([x], [y])
    back = loads(dumps(graph), BY_NAME)
    assert digest(back) == digest(graph)


# Files --------------------------------------------------------------------------------------------------------------


def large():
    """Two constants for the .npz, one just small enough for the text."""
    x = input("x")
    tables = [constant(np.arange(k, dtype=float)) for k in (1024, 1025)] + [constant(np.eye(40, dtype="float32"))]
    return Graph([x], [x * sum(t) for t in tables])


def test_large_constants_go_beside_the_text(tmp_path):
    save(large(), tmp_path / "g.json")
    with np.load(tmp_path / "g.npz") as file:
        assert {k: file[k].shape for k in file.files} == {"a0": (1025,), "a1": (40, 40)}
    for back in (load(tmp_path / "g.json", BY_NAME), loads(dumps(large()), BY_NAME)):
        assert digest(back) == digest(large())


def test_small_graphs_are_one_file(tmp_path):
    save(mlp(), tmp_path / "g.json")
    assert os.listdir(tmp_path) == ["g.json"]


def test_the_two_files_may_be_renamed_together(tmp_path):
    save(large(), tmp_path / "g.json")
    for ending in ("json", "npz"):
        (tmp_path / f"g.{ending}").rename(tmp_path / f"v1.2.{ending}")
    assert digest(load(tmp_path / "v1.2.json", BY_NAME)) == digest(large())


def test_public_save_and_load(tmp_path):
    graph = mlp()
    graph.save(tmp_path / "mlp.json")
    assert same(graph, ga.load(str(tmp_path / "mlp.json")))


def test_files_have_the_same_bytes_whatever_the_hash_seed_and_the_time(tmp_path):
    program = """
import sys, numpy as np, graphad as ga
x, W = ga.input("x", shape=("n", 50)), ga.constant(np.arange(2500.0).reshape(50, 50))
with ga.scope("a"):
    h = ga.tanh(x @ W)
g = ga.Graph([x], [h, *ga.vjp([h], [x], [h * h])])
g.save(sys.argv[1])
"""
    written = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run([sys.executable, "-c", program, tmp_path / f"{seed}.json"], env=environment, check=True)
        written.append([(tmp_path / f"{seed}.{ending}").read_bytes() for ending in ("json", "npz")])
    assert written[0] == written[1]
    with zipfile.ZipFile(tmp_path / "1.npz") as file:
        assert [member.date_time[0] for member in file.infolist()] == [1980]  # the zip format's zero: no clock was read


def test_text_has_a_line_per_node_and_origin():
    graph = mlp()
    lines = dumps(graph).splitlines()
    assert [k for k, line in enumerate(lines) if '{"op": ' in line] == list(range(7, 7 + len(graph.nodes)))


def test_a_folder_that_is_missing_is_told(tmp_path):
    with pytest.raises(ExportError, match="cannot write"):
        save(mlp(), tmp_path / "missing" / "g.json")


def test_a_computed_input_cannot_be_saved():
    h = tanh(input("x"))
    with pytest.raises(SerializationError, match="input h is computed"):
        dumps(Graph([h], [h * h]))


def test_an_attribute_of_another_kind_cannot_be_saved():
    with pytest.raises(SerializationError, match="an attribute of type complex cannot be saved"):
        node = BY_NAME["eye"](n=2, m=2)
        object.__setattr__(node, "attrs", {**node.attrs, "k": 1j})
        dumps(Graph([], [node]))


# Damage -------------------------------------------------------------------------------------------------------------


def stored():
    """A graph as JSON values: x, sum(x, axis=(0,)), a constant, their product."""
    x = input("x", shape=("n", 3))
    return json.loads(dumps(Graph([x], [sum(x, axis=0) * constant(np.arange(3.0))])))


def at(*path, value):
    """The change that puts a value somewhere into the stored graph."""

    def change(data):
        *outer, last = path
        for key in outer:
            data = data[key]
        if value is DELETED:
            del data[last]
        else:
            data[last] = value

    return change


DELETED = object()
DAMAGE = [
    ("another format", at("format", value="onnx"), 'the field "format"'),
    ("no format", at("format", value=DELETED), 'the field "format"'),
    ("newer", at("version", value=2), "version 2 of the file format cannot be read, only 1"),
    ("no version", at("version", value=DELETED), "version None"),
    ("no nodes", at("nodes", value=DELETED), 'the graph: the field "nodes" is missing'),
    ("nodes are no list", at("nodes", value={}), 'the graph: the field "nodes"'),
    ("no name", at("name", value=None), 'the graph: the field "name"'),
    ("node is no object", at("nodes", 1, value=7), "node 1: it is not an object"),
    ("unknown op", at("nodes", 1, "op", value="fourier"), "node 1: unknown op 'fourier'"),
    ("op is no string", at("nodes", 1, "op", value=[]), 'node 1: the field "op"'),
    ("forward reference", at("nodes", 1, "inputs", value=[3]), r"node 1 \(sum\): input 3 does not stand before it"),
    ("cycle", at("nodes", 1, "inputs", value=[1]), r"node 1 \(sum\): input 1 does not stand before it"),
    ("negative reference", at("nodes", 1, "inputs", value=[-1]), r"node 1 \(sum\): input -1"),
    ("reference is no int", at("nodes", 1, "inputs", value=[False]), r"node 1 \(sum\): input False"),
    ("too many inputs", at("nodes", 1, "inputs", value=[0, 0]), r"node 1 \(sum\): it has 2 inputs and takes 1"),
    ("too few inputs", at("nodes", 1, "inputs", value=[]), r"node 1 \(sum\): it has 0 inputs and takes 1"),
    ("missing attribute", at("nodes", 1, "attrs", "axis", value=DELETED), r"node 1 \(sum\): .* attributes: axis"),
    ("unknown attribute", at("nodes", 1, "attrs", "weight", value=1), r"node 1 \(sum\): .* attributes: weight"),
    ("axis out of range", at("nodes", 1, "attrs", "axis", value={"tuple": [5]}), r"node 1 \(sum\): axis 5 is out of"),
    ("axis of a wrong kind", at("nodes", 1, "attrs", "axis", value="first"), r"node 1 \(sum\): axis must be an int"),
    ("list for a tuple", at("nodes", 1, "attrs", "axis", value=[0]), r"node 1 \(sum\): not a value of an attribute"),
    ("unknown kind", at("nodes", 1, "attrs", "axis", value={"set": [0]}), r"node 1 \(sum\): not a value of an attr"),
    (
        "unknown dtype",
        at("nodes", 1, "attrs", "dtype", value={"dtype": "f99"}),
        r"node 1 \(sum\): 'f99' is not a dtype",
    ),
    ("object dtype", at("nodes", 2, "attrs", "value", "dtype", value="O"), r"node 2 \(constant\): dtype object"),
    ("array too short", at("nodes", 2, "attrs", "value", "array", value="00" * 8), r"node 2 \(constant\): .*reshape"),
    ("array not hexadecimal", at("nodes", 2, "attrs", "value", "array", value="zz"), r"node 2 \(constant\)"),
    (
        "size is no size",
        at("nodes", 0, "attrs", "shape", "tuple", 0, "size", value="n!"),
        r"node 0 \(input\): not a size",
    ),
    ("name is no name", at("nodes", 0, "attrs", "name", value="2x"), r"node 0 \(input\): '2x' cannot be the name"),
    ("another name", at("nodes", 0, "attrs", "name", value="y"), "inputs_are_named"),
    ("another type", at("nodes", 1, "type", value="f64[4]"), r"node 1 \(sum\): stored as f64\[4\], .* says f64\[3\]"),
    ("no type", at("nodes", 1, "type", value=DELETED), r"node 1 \(sum\): stored as None"),
    ("no such origin", at("nodes", 1, "origin", value=99), r"node 1 \(sum\): origin 99"),
    ("no origin", at("nodes", 1, "origin", value=DELETED), r"node 1 \(sum\): origin None"),
    ("origin is no object", at("origins", 0, value=None), "origin 0: it is not an object"),
    ("line is no int", at("origins", 0, "line", value="12"), 'origin 0: the field "line"'),
    ("scope is no list of strings", at("origins", 0, "scope", value=[1]), 'origin 0: the field "scope"'),
    ("adjoint of nothing", at("origins", 0, "adjoint_of", value=-1), "origin 0: number -1"),
    ("gradient is no pair", at("origins", 0, "gradients", value=[[0]]), r"origin 0: \[0\] is not a pair"),
    ("no such input", at("inputs", value=[9]), "inputs: number 9"),
    ("no such output", at("outputs", value=["x"]), "outputs: number 'x'"),
    ("placeholder not listed", at("inputs", value=[]), "depends on x, which is not among its inputs"),
    ("input listed twice", at("inputs", value=[0, 0]), "input x is listed twice"),
]


@pytest.mark.parametrize(("change", "message"), [d[1:] for d in DAMAGE], ids=[d[0] for d in DAMAGE])
def test_damage_is_told(change, message):
    data = stored()
    change(data)
    with pytest.raises(SerializationError, match=message) as caught:
        loads(json.dumps(data), BY_NAME)
    assert len(str(caught.value).splitlines()) <= MAX_LINES


@pytest.mark.parametrize("text", ["", "{", "graph", "[" * 100_000, "[]", "null", '"graphad"', "{}"])
def test_what_is_no_graph_is_refused(text):
    with pytest.raises(SerializationError, match=r"not JSON|not a graphad graph"):
        loads(text, BY_NAME)


def test_nesting_does_not_exhaust_the_stack():
    data = stored()
    data["nodes"][1]["attrs"]["axis"] = "HERE"
    deep = '{"tuple": [' * 400 + "0" + "]}" * 400
    with pytest.raises(SerializationError, match=r"node 1|not JSON"):
        loads(json.dumps(data).replace('"HERE"', deep), BY_NAME)


def places(data, path=()):
    """The paths to everything in JSON values."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


JUNK = [DELETED, None, True, -1, 0, 3, 10**30, 0.5, "", "n", "x", [], [0], {}, {"tuple": []}, {"float": "x"}]
PLACES = list(places(stored()))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PLACES), st.sampled_from(JUNK))
def test_any_damage_is_either_harmless_or_told(path, junk):
    data = stored()
    at(*path, value=junk)(data)
    try:
        graph = loads(json.dumps(data), BY_NAME)
    except SerializationError as problem:
        assert str(problem)
    else:
        verify(graph)
        assert loads(dumps(graph), BY_NAME).name == graph.name


def test_an_array_that_is_beside_the_text_needs_the_file(tmp_path):
    save(large(), tmp_path / "g.json")
    with pytest.raises(SerializationError, match=r"node \d+ \(constant\): the array a0 is in an .npz file"):
        loads((tmp_path / "g.json").read_text(), BY_NAME)


def test_a_missing_npz_is_named(tmp_path):
    save(large(), tmp_path / "g.json")
    (tmp_path / "g.npz").unlink()
    with pytest.raises(SerializationError, match=r"g\.npz is missing"):
        load(tmp_path / "g.json", BY_NAME)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip", b"\x80\x04K\x01."], ids=str)
def test_a_broken_npz_is_named(tmp_path, content):
    save(large(), tmp_path / "g.json")
    (tmp_path / "g.npz").write_bytes(content)
    with pytest.raises(SerializationError, match=r"g\.npz cannot be read"):
        load(tmp_path / "g.json", BY_NAME)


def test_an_npz_of_another_graph_is_refused(tmp_path):
    save(large(), tmp_path / "g.json")
    np.savez(tmp_path / "g.npz", a0=np.arange(1025.0) + 1)
    with pytest.raises(SerializationError, match=r"the array a0 in the \.npz file belongs to another graph"):
        load(tmp_path / "g.json", BY_NAME)
    np.savez(tmp_path / "g.npz", b=np.zeros(3))
    with pytest.raises(SerializationError, match=r"g\.npz has no array 'a0'"):
        load(tmp_path / "g.json", BY_NAME)


def test_pickled_arrays_are_never_loaded(tmp_path):
    save(large(), tmp_path / "g.json")
    np.savez(tmp_path / "g.npz", a0=np.array([print], dtype=object))
    with pytest.raises(SerializationError, match=r"g\.npz cannot be read"):
        load(tmp_path / "g.json", BY_NAME)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "latin.json").write_bytes(b"\xff\xfe")
    for name in ("missing.json", "latin.json"):
        with pytest.raises(SerializationError, match=f"cannot read .*{name}"):
            load(tmp_path / name, BY_NAME)
