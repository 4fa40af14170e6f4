"""Graphs as JSON, with a version number; large constants beside it in an .npz file. Never pickle.

The file says everything: names, origins, and the links from adjoints to forward nodes survive. Reading trusts nothing:
types are worked out again and the graph is verified. `ir/` knows no operator, so the table of ops is passed in.
"""

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from graphad.errors import GraphadError, SerializationError
from graphad.ir.atomic import write_atomic
from graphad.ir.core import Node, Op
from graphad.ir.dims import Dim, parse_size
from graphad.ir.graph import Graph
from graphad.ir.origin import Origin, Place
from graphad.ir.verify import verify

FORMAT, VERSION = "graphad", 1
LARGE = 1024  # elements; a larger array goes to the .npz

Arrays = dict[str, np.ndarray[Any, Any]]


def dumps(graph: Graph) -> str:
    """The graph as JSON text; arrays stand in it exactly."""
    return _text(_encode(graph, None))


def save(graph: Graph, path: str | Path) -> None:
    """Write ``path`` (.json), and beside it ``<stem>.npz`` where the graph has constants of more than 1024 elements."""
    arrays: Arrays = {}
    text = _text(_encode(graph, arrays))
    if arrays:
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        write_atomic(Path(path).with_suffix(".npz"), buffer.getvalue())
    write_atomic(path, text)


def loads(text: str, ops: Mapping[str, Op]) -> Graph:
    """The graph in a JSON text. Raises SerializationError saying what is wrong, and where."""
    return _decode(text, ops, dict)


def load(path: str | Path, ops: Mapping[str, Op]) -> Graph:
    """The graph in a file written by `save`. Raises SerializationError."""

    def arrays() -> Arrays:
        with np.load(Path(path).with_suffix(".npz"), allow_pickle=False) as file:
            return {k: file[k] for k in file.files}

    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise SerializationError(f"cannot read {path}: {problem}") from problem
    return _decode(text, ops, arrays)


def _text(data: Any) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


# Writing ------------------------------------------------------------------------------------------------------------


def _encode(graph: Graph, arrays: Arrays | None) -> dict[str, Any]:
    number = {n: k for k, n in enumerate(graph.nodes)}
    origins = _all_origins(graph)
    index = {o: k for k, o in enumerate(origins)}
    nodes = [
        {
            "op": n.op.name,
            "inputs": [number[x] for x in n.inputs if x in number] if not graph.is_input(n) else [],
            "attrs": {k: _value(v, arrays) for k, v in n.attrs.items()},
            "type": repr(n.type),
            "origin": index[n.origin],
        }
        for n in graph.nodes
    ]
    cut = next((x for x in graph.inputs if x.inputs), None)
    if cut is not None:
        raise SerializationError(
            f"input {cut.name or cut.op.name} is computed; only graphs with declared inputs can be saved"
        )
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": graph.name,
        "inputs": [number[x] for x in graph.inputs],
        "outputs": [number[y] for y in graph.outputs],
        "nodes": nodes,
        "origins": [_origin(o, index) for o in origins],
    }


def _all_origins(graph: Graph) -> list[Origin]:
    """The origins of the nodes and every origin that these refer to."""
    found: dict[Origin, None] = {}
    waiting = [n.origin for n in reversed(graph.nodes)]
    while waiting:
        origin = waiting.pop()
        if origin not in found:
            found[origin] = None
            waiting += [o for pair in origin.gradients for o in pair]
            waiting += [origin.adjoint_of] if origin.adjoint_of else []
    return list(found)


def _origin(o: Origin, index: Mapping[Origin, int]) -> dict[str, Any]:
    data = {
        "name": o.name,
        "file": o.file,
        "line": o.line,
        "scope": list(o.scope),
        "made_by": o.made_by,
        "is_cotangent": o.is_cotangent,
        "uses": list(o.uses),
        "adjoint_of": index[o.adjoint_of] if o.adjoint_of else None,
        "gradients": [[index[a], index[b]] for a, b in o.gradients],
    }
    return {k: v for k, v in data.items() if v or k in ("line",)}


def _value(value: Any, arrays: Arrays | None) -> Any:
    """An attribute as JSON: what JSON lacks is an object with one key that says its kind."""
    if isinstance(value, np.ndarray):
        if arrays is not None and value.size > LARGE:
            arrays[f"a{len(arrays)}"] = value
            return {"npz": f"a{len(arrays) - 1}"}
        data = np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<"), copy=False).tobytes().hex()
        return {"array": data, "dtype": value.dtype.name, "shape": list(value.shape)}
    if isinstance(value, np.dtype):
        return {"dtype": value.name}
    if isinstance(value, Dim):
        return {"size": str(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {"slice": [_value(v, arrays) for v in value]}
    if isinstance(value, tuple):
        return {"tuple": [_value(v, arrays) for v in value]}
    if isinstance(value, float):
        return {"float": value.hex()}
    return value


# Reading ------------------------------------------------------------------------------------------------------------


def _decode(text: str, ops: Mapping[str, Op], arrays: Callable[[], Arrays]) -> Graph:
    try:
        data = json.loads(text)
    except ValueError as problem:
        raise SerializationError(f"not JSON: {problem}") from problem
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise SerializationError("not a graphad graph: the field format is missing or different")
    if data.get("version") != VERSION:
        raise SerializationError(
            f"version {data.get('version')!r} cannot be read, only {VERSION}", hint="update graphad"
        )
    try:
        origins = _read_origins(data["origins"])
        nodes: list[Node] = []
        for k, row in enumerate(data["nodes"]):
            nodes.append(_read_node(k, row, nodes, origins, ops, arrays))
        graph = Graph([nodes[k] for k in data["inputs"]], [nodes[k] for k in data["outputs"]], data["name"])
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OSError) as problem:
        if isinstance(problem, SerializationError):
            raise
        said = str(problem).splitlines()[0] if str(problem) else ""
        raise SerializationError(f"the graph is damaged: {type(problem).__name__}: {said}") from problem
    verify(graph)
    return graph


def _read_origins(rows: list[dict[str, Any]]) -> list[Origin]:
    origins = [
        Origin(
            r.get("name"),
            Place(r.get("file", ""), r["line"]),
            tuple(r.get("scope", ())),
            None,
            bool(r.get("is_cotangent")),
            r.get("made_by", ""),
            tuple(r.get("uses", ())),
        )
        for r in rows
    ]
    for origin, row in zip(origins, rows, strict=True):
        if "adjoint_of" in row:
            origin.adjoint_of = origins[row["adjoint_of"]]
        origin.gradients = tuple((origins[a], origins[b]) for a, b in row.get("gradients", ()))
    return origins


def _read_node(
    k: int, row: Any, nodes: list[Node], origins: list[Origin], ops: Mapping[str, Op], arrays: Callable[[], Arrays]
) -> Node:
    """Node number k. Only nodes before it may be its inputs: a cycle cannot be written down."""
    op = ops.get(row["op"])
    if op is None:
        raise SerializationError(f"node {k}: unknown op {row['op']!r}", hint="the graph may come from a newer graphad")
    late = [i for i in row["inputs"] if not isinstance(i, int) or not 0 <= i < k]
    if late:
        raise SerializationError(
            f"node {k} ({op.name}): input {late[0]} does not stand before it: the graph has a cycle"
        )
    fixed, given = len(op.operands), len(row["inputs"])
    if given < fixed or (given > fixed and not op.variadic):
        raise SerializationError(f"node {k} ({op.name}): {given} inputs, it takes {fixed}")
    if set(row["attrs"]) != set(op.defaults):
        wrong = ", ".join(sorted(set(row["attrs"]) ^ set(op.defaults)))
        raise SerializationError(f"node {k} ({op.name}): missing or unknown attributes: {wrong}")
    inputs = [nodes[i] for i in row["inputs"]]
    attrs = {key: _read_value(v, arrays) for key, v in row["attrs"].items()}
    try:
        for key, normalize in op.normalize.items():
            attrs[key] = normalize(attrs[key], inputs)
        node = op.build(inputs, attrs, origins[row["origin"]])
    except GraphadError as problem:
        raise SerializationError(f"node {k} ({op.name}): {problem.what}") from problem
    if repr(node.type) != row["type"]:
        raise SerializationError(f"node {k} ({op.name}): stored as {row['type']}, its type rule says {node.type}")
    return node


def _read_value(value: Any, arrays: Callable[[], Arrays]) -> Any:
    match value:
        case {"array": data, "dtype": dtype, "shape": shape}:
            native = np.dtype(dtype)
            return np.frombuffer(bytes.fromhex(data), native.newbyteorder("<")).astype(native).reshape(shape)
        case {"npz": key}:
            return arrays()[key]
        case {"dtype": name}:
            return np.dtype(name)
        case {"size": text}:
            return parse_size(text)
        case {"slice": items}:
            return slice(*(_read_value(v, arrays) for v in items))
        case {"tuple": items}:
            return tuple(_read_value(v, arrays) for v in items)
        case {"float": text}:
            return float.fromhex(text)
        case dict():
            raise SerializationError(f"unknown kind of value: {', '.join(value)}")
    return value
