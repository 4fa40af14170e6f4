"""Graphs as JSON, with a version number; large constants beside it in an .npz file. Never pickle.

The file says everything that a graph is: nodes in order, each with the numbers of its inputs, and a table of origins,
so that names, lines and the links from adjoints to forward nodes survive. Reading trusts nothing: attributes are
normalized and types worked out again, and the graph is verified. `ir/` knows no operator, so the table of ops is passed
in. How an attribute's value is written is in `values.py`.
"""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np

from graphad.errors import GraphadError, GraphError, SerializationError
from graphad.ir.atomic import write_atomic
from graphad.ir.core import Node, Op, label
from graphad.ir.graph import Graph
from graphad.ir.origin import Origin, Place
from graphad.ir.values import Arrays, FetchArray, decode_value, encode_value, no_arrays, npz_arrays
from graphad.ir.verify import verify

FORMAT, VERSION = "graphad", 1
Row = Mapping[str, Any]
T = TypeVar("T")


def dumps(graph: Graph) -> str:
    """The graph as JSON text; all arrays stand in it, exactly. Raises SerializationError when an input is computed."""
    return _text(_encode(graph, None))


def save(graph: Graph, path: str | Path) -> None:
    """Write ``path`` (.json), and beside it ``<stem>.npz`` where the graph has constants of more than 1024 elements.

    Raises SerializationError as `dumps` does, and ExportError when a file cannot be written.
    """
    arrays: Arrays = {}
    text = _text(_encode(graph, arrays))
    if arrays:
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        write_atomic(Path(path).with_suffix(".npz"), buffer.getvalue())
    write_atomic(path, text)


def loads(text: str, ops: Mapping[str, Op]) -> Graph:
    """The graph in a JSON text. Raises SerializationError saying what is wrong, and where."""
    return _decode(text, ops, no_arrays)


def load(path: str | Path, ops: Mapping[str, Op]) -> Graph:
    """The graph in a file written by `save`. Raises SerializationError saying what is wrong, and where."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise SerializationError(f"cannot read {path}: {problem}") from problem
    return _decode(text, ops, npz_arrays(Path(path).with_suffix(".npz")))


# Writing ------------------------------------------------------------------------------------------------------------


def _text(data: Row) -> str:
    """JSON with one line per node and origin; ASCII, since the name of a file need not be valid Unicode."""
    encode = json.JSONEncoder(allow_nan=False).encode
    fields = []
    for key, value in data.items():
        rows = isinstance(value, list) and value and isinstance(value[0], dict)
        text = "[\n  " + ",\n  ".join(map(encode, value)) + "\n ]" if rows else encode(value)
        fields.append(f' "{key}": {text}')
    return "{\n" + ",\n".join(fields) + "\n}\n"


def _encode(graph: Graph, arrays: Arrays | None) -> dict[str, Any]:
    """The graph as JSON values; large arrays are put into ``arrays`` unless it is None."""
    origins = _all_origins(graph)
    index = {o: k for k, o in enumerate(origins)}
    fields = _encode_nodes(graph, arrays, index)
    return {
        "format": FORMAT,
        "version": VERSION,
        **fields,
        "origins": [_origin_row(o, index) for o in origins],
    }


def _encode_nodes(graph: Graph, arrays: Arrays | None, index: Mapping[Origin, int]) -> dict[str, Any]:
    """A graph without its origins; the body of a loop is one within an attribute."""
    _check_declared(graph.inputs)
    number = {n: k for k, n in enumerate(graph.nodes)}

    def encoded(value: Any) -> Any:
        return (
            {"graph": _encode_nodes(value, arrays, index)} if isinstance(value, Graph) else encode_value(value, arrays)
        )

    return {
        "name": graph.name,
        "inputs": [number[x] for x in graph.inputs],
        "outputs": [number[y] for y in graph.outputs],
        "nodes": [
            {
                "op": n.op.name,
                "inputs": [number[x] for x in n.inputs],
                "attrs": {key: encoded(value) for key, value in n.attrs.items()},
                "type": repr(n.type),
                "origin": index[n.origin],
            }
            for n in graph.nodes
        ],
    }


def _check_declared(inputs: Sequence[Node]) -> None:
    """Of a graph that is cut at an inner node, what lies behind the cut cannot be told from the rest."""
    for x in inputs:
        if x.inputs:
            what = f"input {label(x)} is computed; only graphs with declared inputs can be saved"
            raise SerializationError(what, hint="declare it with ga.input and build the graph on that")


def _all_origins(graph: Graph) -> list[Origin]:
    """The origins of the nodes and every origin that these refer to, in the order in which they were made.

    Random nodes draw in the order of their origins, so a graph that was read back draws the same numbers.
    """
    found: set[Origin] = set()
    waiting = [n.origin for n in _all_nodes(graph)]
    while waiting:
        origin = waiting.pop()
        if origin not in found:
            found.add(origin)
            waiting += [o for pair in origin.gradients for o in pair]
            waiting += [origin.adjoint_of] if origin.adjoint_of else []
    return sorted(found, key=lambda o: o.serial)


def _all_nodes(graph: Graph) -> Iterator[Node]:
    """The nodes of a graph and of the bodies in it."""
    for node in graph.nodes:
        yield node
        for value in node.attrs.values():
            if isinstance(value, Graph):
                yield from _all_nodes(value)


def _origin_row(o: Origin, index: Mapping[Origin, int]) -> dict[str, Any]:
    row = {
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
    return {key: value for key, value in row.items() if value or (key == "adjoint_of" and value is not None)}


# Reading ------------------------------------------------------------------------------------------------------------


def _decode(text: str, ops: Mapping[str, Op], fetch: FetchArray) -> Graph:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise SerializationError(f"not JSON: {problem}") from problem
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise SerializationError('not a graphad graph: the field "format" is missing or different')
    if data.get("version") != VERSION:
        what = f"version {data.get('version')!r} of the file format cannot be read, only {VERSION}"
        raise SerializationError(what, hint="update graphad, or save the graph again")
    return _read_graph(data, _read_origins(_field(data, "origins", list, "the graph")), ops, fetch, "the graph")


def _read_graph(data: Any, origins: Sequence[Origin], ops: Mapping[str, Op], fetch: FetchArray, where: str) -> Graph:
    """A graph, or the body of a loop."""
    nodes: list[Node] = []
    for k, row in enumerate(_field(data, "nodes", list, where)):
        nodes.append(_read_node(k, row, nodes, origins, ops, fetch))
    inputs, outputs = ([_pick(nodes, i, key) for i in _field(data, key, list, where)] for key in ("inputs", "outputs"))
    _check_declared(inputs)
    try:
        graph = Graph(inputs, outputs, _field(data, "name", str, where))
        verify(graph)
    except GraphError as problem:
        raise SerializationError(problem.what, where=problem.where, hint="the file is damaged") from problem
    return graph


def _read_origins(rows: Sequence[Any]) -> list[Origin]:
    origins = []
    for k, row in enumerate(rows):
        where = f"origin {k}"
        name, file = _field(row, "name", str, where, ""), _field(row, "file", str, where, "")
        place = Place(file, _field(row, "line", int, where, 0))
        scope = _strings(row, "scope", where)
        is_cotangent = _field(row, "is_cotangent", bool, where, False)
        made_by = _field(row, "made_by", str, where, "")
        uses = _strings(row, "uses", where)
        origins.append(Origin(name or None, place, scope, None, is_cotangent, made_by, uses))
    for k, (origin, row) in enumerate(zip(origins, rows, strict=True)):
        where = f"origin {k}"
        if "adjoint_of" in row:
            origin.adjoint_of = _pick(origins, row["adjoint_of"], where)
        for pair in _field(row, "gradients", list, where, []):
            if not isinstance(pair, list) or len(pair) != 2:
                _damaged(where, f"{pair!r} is not a pair of origins")
            origin.gradients += ((_pick(origins, pair[0], where), _pick(origins, pair[1], where)),)
    return origins


def _read_node(
    k: int, row: Any, nodes: Sequence[Node], origins: Sequence[Origin], ops: Mapping[str, Op], fetch: FetchArray
) -> Node:
    """Node number k. Only nodes before it may be its inputs: a cycle cannot be written down."""
    name = _field(row, "op", str, f"node {k}")
    op, where = ops.get(name), f"node {k} ({name})"
    if op is None:
        _damaged(f"node {k}", f"unknown op {name!r}", hint="the graph may come from a newer graphad")
    inputs = [_pick(nodes, i, where, "input") for i in _field(row, "inputs", list, where)]
    if len(inputs) < len(op.operands) or (len(inputs) > len(op.operands) and not op.variadic):
        _damaged(where, f"it has {len(inputs)} inputs and takes {len(op.operands)}")
    attrs = _field(row, "attrs", dict, where)
    if attrs.keys() != op.defaults.keys():
        _damaged(where, f"missing or unknown attributes: {', '.join(sorted(attrs.keys() ^ op.defaults.keys()))}")
    origin = _pick(origins, row.get("origin"), where, "origin")
    try:
        values = {key: _read_value(attrs[key], origins, ops, fetch, where) for key in op.defaults}
        for key, normalize in op.normalize.items():
            values[key] = normalize(values[key], inputs)
        node = op.build(inputs, values, origin)
    except GraphadError as problem:
        raise SerializationError(f"{where}: {problem.what}", hint=problem.hint) from problem
    except Exception as problem:  # whatever rules raise on values of wrong kinds
        raise SerializationError(f"{where}: an attribute does not fit: {problem}") from problem
    if repr(node.type) != row.get("type"):
        _damaged(where, f"stored as {row.get('type')}, its type rule says {node.type}")
    return node


def _read_value(value: Any, origins: Sequence[Origin], ops: Mapping[str, Op], fetch: FetchArray, where: str) -> Any:
    """An attribute."""
    if isinstance(value, dict) and value.keys() == {"graph"}:
        return _read_graph(value["graph"], origins, ops, fetch, f"the body of {where}")
    return decode_value(value, fetch)


_REQUIRED: Any = object()


def _field(row: Any, key: str, kind: type[T], where: str, default: T = _REQUIRED) -> T:
    """``row[key]``, which must be of the given kind."""
    if not isinstance(row, dict):
        _damaged(where, "it is not an object")
    value = row.get(key, default)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        _damaged(where, f'the field "{key}" is missing or not of type {kind.__name__}')
    return value


def _strings(row: Row, key: str, where: str) -> tuple[str, ...]:
    values = _field(row, key, list, where, [])
    if not all(isinstance(v, str) for v in values):
        _damaged(where, f'the field "{key}" holds something else than strings')
    return tuple(values)


def _pick(items: Sequence[T], k: Any, where: str, what: str = "number") -> T:
    """Item number k of those read so far."""
    if isinstance(k, bool) or not isinstance(k, int) or not 0 <= k < len(items):
        _damaged(where, f"{what} {k!r} does not stand before it")
    return items[k]


def _damaged(where: str, what: str, hint: str = "the file is damaged") -> NoReturn:
    raise SerializationError(f"{where}: {what}", hint=hint)
