"""A counterexample as text: one line of NumPy, and a script that fails in the same way."""

import inspect
import textwrap
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphad import namespace
from graphad.errors import GraphadError
from graphad.form import literals
from graphad.form.template import name
from graphad.form.text import numpy_form
from graphad.ir import serialize
from graphad.ir.core import Node, Op, attrs_key
from graphad.ir.dims import Dim
from graphad.ir.graph import Graph, toposort
from graphad.passes.base import Pass
from graphad.passes.shrink import Example
from graphad.rules.engine import name_of
from graphad.rules.user import UserRule

WIDEST = 72
HEAD = ("import numpy as np", "import graphad as ga", "from graphad.ops import BY_NAME")
LEAVES = ("input", "parameter", "constant")


def one_line(root: Node, names: Mapping[Node, str], width: int = WIDEST) -> str:
    """A small graph as an expression; the middle of a long one is left out."""
    made = {}
    for node in toposort([root], stop=names):
        if node in names:
            made[node] = name(names[node])
        elif "constant" in node.op.traits:
            made[node] = name(literals.number(node.attrs["value"])) if not node.ndim else name(repr(node.type))
        elif "placeholder" in node.op.traits:
            made[node] = name(str(node.name))
        elif "size" in node.op.traits:
            made[node] = name(str(node.attrs["value"]))
        else:
            made[node] = numpy_form(node, [made[x] for x in node.inputs])
    text = " ".join(made[root].text.split())
    return text if len(text) <= width else f"{text[: width // 2 - 2]} ... {text[3 - width // 2 :]}"


def value_line(value: Any, width: int = WIDEST) -> str:
    """A value on one line, the digits that matter."""
    with np.printoptions(threshold=12, edgeitems=3, precision=17, linewidth=10_000, floatmode="unique"):
        parts = [str(v).replace("\n", "") for v in (value if isinstance(value, tuple) else (value,))]
    text = " ".join(", ".join(parts).split())
    return text if len(text) <= width else f"{text[: width - 4]} ..."


def script(example: Example, rule: Callable[..., Any] | None, exact: bool, failing: Pass) -> str:
    """Python source that builds the example, and compiles it with the guilty rule, or pass, under ``verify``."""
    graph = example.graph
    values = ", ".join(map(literals.array, example.values))
    if rule is not None:
        what = _rule_source(rule, example.root.op, exact)
        options = f'optimize="none", rewrites=[{name_of(rule)}]'
    else:
        what = _pass_source(failing)
        options = f"optimize=[{failing!r}]"
    lines = [*what, "", *_graph_source(graph)]
    lines.append(f"ga.compile(graph.inputs, graph.outputs, {options}, verify=[[{values}]])")
    text = "\n".join(lines)
    head = [line for line in HEAD if "BY_NAME" in text or "BY_NAME" not in line]
    return "\n".join([*head, *([""] if what[0] else []), text]) + "\n"


# The rule, or the pass ----------------------------------------------------------------------------------------------


def _rule_source(rule: Callable[..., Any], op: Op, exact: bool) -> list[str]:
    """Lines after which the rule's name stands for the rule; those of the package are imported."""
    function = rule.function if isinstance(rule, UserRule) else rule
    ops = ", ".join(f'"{o.name}"' for o in (rule.ops if isinstance(rule, UserRule) else [op]))
    source = _source(function) or []
    start = next((k for k, line in enumerate(source) if line.startswith("def ")), None)
    if start is None or function.__module__.startswith("graphad."):
        name = name_of(rule)
        again = "" if isinstance(rule, UserRule) else f"{name} = ga.rewrite(exact={exact}, ops=[{ops}])({name})"
        return [f"from {function.__module__} import {name}", "", again]
    return [*_needed(function), "", "", f"@ga.rewrite(exact={exact}, ops=[{ops}])", *source[start:], ""]


def _pass_source(failing: Pass) -> list[str]:
    kind = type(failing)
    source = _source(kind)
    importable = "<locals>" not in kind.__qualname__ and kind.__module__ not in ("__main__", "builtins")
    if importable or source is None:
        return [f"from {kind.__module__} import {kind.__qualname__}"]
    return [
        *_needed(getattr(failing.run, "__func__", failing.run)),
        "from dataclasses import dataclass",
        "",
        "",
        *source,
        "",
    ]


def _op(op: Op) -> str:
    """An op by its public name, or by its own."""
    public = op.name in LEAVES or getattr(namespace, op.name, None) is op
    return f"ga.{op.name}" if public else f'BY_NAME["{op.name}"]'


def _source(thing: Any) -> list[str] | None:
    try:
        return textwrap.dedent(inspect.getsource(thing)).rstrip().splitlines()
    except (OSError, TypeError):
        return None


def _needed(function: Callable[..., Any]) -> list[str]:
    """Lines that give the names which a function uses: imports, numbers, other functions."""
    code = getattr(function, "__code__", None)
    if code is None:
        return []
    known = dict(getattr(function, "__globals__", {}))
    cells = zip(code.co_freevars, function.__closure__ or (), strict=False)
    known |= {key: cell.cell_contents for key, cell in cells}
    lines: list[str] = []
    for word in dict.fromkeys(_words(code)):
        if word in known and word not in ("ga", "np"):
            lines += _binding(word, known[word])
    return lines


def _words(code: types.CodeType) -> list[str]:
    inner = [w for c in code.co_consts if isinstance(c, types.CodeType) for w in _words(c)]
    return [*code.co_names, *code.co_freevars, *inner]


def _binding(word: str, value: Any) -> list[str]:
    if isinstance(value, types.ModuleType):
        return [f"import {value.__name__} as {word}"]
    if isinstance(value, Op):
        return [f"{word} = {_op(value)}"]
    if isinstance(value, (bool, int, float, complex, str)):
        return [f"{word} = {value!r}"]
    origin = getattr(value, "__module__", "")
    if isinstance(value, types.FunctionType) and not origin.startswith("graphad"):
        return ["", "", *_needed(value), *(_source(value) or [])]
    return [f"from {origin} import {value.__name__} as {word}"] if hasattr(value, "__name__") and origin else []


# The graph ----------------------------------------------------------------------------------------------------------


def _graph_source(graph: Graph) -> list[str]:
    """Lines that define ``graph``: as a user would write it where that gives the same, else from its saved form."""
    readable = _readable(graph)
    scope: dict[str, Any] = {}
    try:
        exec("\n".join([*HEAD, *readable]), scope)
        if _same(scope["graph"], graph):
            return readable
    except (GraphadError, ArithmeticError, LookupError, NameError, SyntaxError, TypeError, ValueError):
        pass
    return [
        "from graphad.ir.serialize import loads",
        f"graph = loads({serialize.dumps(graph)!r}, BY_NAME)",
    ]


def _readable(graph: Graph) -> list[str]:
    names: dict[Node, str] = {}
    lines = []
    for k, node in enumerate(graph.nodes):
        names[node] = node.name if graph.is_input(node) and node.name else f"t{k}"
        lines.append(f"{names[node]} = {_op(node.op)}({', '.join(_arguments(node, names))})")
    inputs, outputs = (", ".join(names[n] for n in nodes) for nodes in (graph.inputs, graph.outputs))
    return [*lines, f"graph = ga.Graph([{inputs}], [{outputs}])"]


def _arguments(node: Node, names: Mapping[Node, str]) -> list[str]:
    shown = [names[x] for x in node.inputs]
    for key, value in node.attrs.items():
        if attrs_key({key: value}) == attrs_key({key: node.op.defaults[key]}):
            continue
        shown.append(f"{key}={_attribute(value)}")
    return shown


def _attribute(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return literals.array(value)
    if isinstance(value, Dim):
        return repr(str(value))
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        items = [_attribute(v) for v in value]
        return "(" + ", ".join(items) + ("," if len(items) == 1 else "") + ")"
    return literals.attribute(value)


def _same(a: Graph, b: Graph) -> bool:
    """Whether two graphs have the same nodes in the same order."""
    if len(a.nodes) != len(b.nodes):
        return False
    number = [{n: k for k, n in enumerate(g.nodes)} for g in (a, b)]

    def row(node: Node, k: int) -> object:
        return node.op.name, node.type, attrs_key(node.attrs), [number[k][x] for x in node.inputs]

    return all(row(x, 0) == row(y, 1) for x, y in zip(a.nodes, b.nodes, strict=True))
