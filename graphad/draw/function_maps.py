"""What `ga.plot_function` shows: a function of one or two real numbers, made of an op, a callable or a graph.

`FunctionMap` computes values and partial derivatives at points.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from graphad.autodiff.transforms import grad
from graphad.errors import ArgumentError, GraphadError
from graphad.ir.core import REQUIRED, Domain, Node, Op, label
from graphad.ir.graph import Graph, toposort
from graphad.ir.origin import Origin, christen, inside
from graphad.lower.compile import Function, compile
from graphad.ops.contract import matmul
from graphad.ops.elementwise import sum_n
from graphad.ops.index import index
from graphad.ops.kinks import clip
from graphad.ops.leaves import constant, input
from graphad.ops.linalg import solve
from graphad.ops.piecewise import where
from graphad.ops.special_beta import beta_density, betainc

Array = np.ndarray[Any, Any]
Interval = tuple[float, float]

MATRIX = np.array([[1.2, 0.6], [-0.3, 0.9]])  # of the linear maps that stand for matmul and solve
EXAMPLES: Mapping[str, tuple[Callable[..., Node], int]] = {  # ops of other operands than one or two free ones
    "clip": (lambda x: clip(x, -1.0, 1.0), 0),
    "where": (lambda x, y: where(x > 0, x, y), 1),
    "sum_n": (lambda x, y: sum_n(x, y), 0),
    "betainc": (lambda x: betainc(2.0, 3.0, x), 2),
    "beta_density": (lambda x: beta_density(2.0, 3.0, x), 2),
    "matmul": (lambda x: matmul(constant(MATRIX), x), 0),
    "solve": (lambda x: solve(constant(MATRIX), x), 0),
}  # and the operand whose domain is taken
TRUTH, COUNTED, SHIFTS = (0.0, 1.0), (0.0, 15.0), (0.0, 4.0)


@dataclass(frozen=True)
class FunctionMap:
    """A function from one or two numbers to one or two numbers.

    ``graph`` is what is drawn; ``free`` its inputs that vary (scalars, or one vector of two), ``fixed`` the values of
    the others; ``results`` and ``partials`` scalar nodes (``partials`` None where there is no derivative). ``whole``:
    the inputs are truth values or whole numbers. ``make`` builds the result from nodes, of other types too.
    """

    name: str
    summary: str
    doc: str
    graph: Graph
    free: tuple[Node, ...]
    fixed: Mapping[Node, Any]
    results: tuple[Node, ...]
    partials: tuple[tuple[Node, ...], ...] | None
    gradients: tuple[Node, ...] | None  # of a single result, one per free input
    domains: tuple[Interval, ...]
    make: Callable[..., Any] | None = None
    whole: bool = False

    @property
    def inputs(self) -> int:
        """How many numbers go in."""
        return len(self.domains)

    @property
    def outputs(self) -> int:
        """How many numbers come out."""
        return len(self.results)

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """What the numbers that go in are called."""
        if len(self.free) == self.inputs:
            return tuple(label(x) for x in self.free)
        return tuple(f"{label(self.free[0])}[{k}]" for k in range(self.inputs))

    def values(self, points: Array) -> Array:
        """Results for points, (count, inputs) to (count, outputs); nan where the function has no value."""
        return self._run(self._function, points, (self.outputs,))

    def jacobian(self, points: Array) -> Array | None:
        """Partial derivatives, (count, inputs) to (count, outputs, inputs); None where there are none."""
        if self.partials is None:
            return None
        return self._run(self._derivative, points, (self.outputs, self.inputs))

    def _run(self, function: Function, points: Array, shape: tuple[int, ...]) -> Array:
        found = np.empty((len(points), int(np.prod(shape))))
        with np.errstate(all="ignore"):
            for k, point in enumerate(points):
                found[k] = function(*self._arguments(point))
        return found.reshape(len(points), *shape)

    def _arguments(self, point: Array) -> list[Any]:
        if len(self.free) == 1 and self.inputs == 2:
            given: dict[Node, Any] = {self.free[0]: point}
        else:
            given = {x: x.dtype.type(v) for x, v in zip(self.free, point, strict=True)}
        return [given[x] if x in given else self.fixed[x] for x in self.graph.inputs]

    @cached_property
    def _function(self) -> Function:
        return compile(self.graph.inputs, list(self.results), style="readable")

    @cached_property
    def _derivative(self) -> Function:
        partials = [p for row in self.partials or () for p in row]
        return compile(self.graph.inputs, partials, style="readable")


def function_map(
    what: Op | Callable[..., Any] | Graph | Function | Node, domain: Any = None, values: Mapping[str, Any] | None = None
) -> FunctionMap:
    """The function of one or two real numbers that something is. Raises ArgumentError where it is none."""
    if isinstance(what, Function):
        what = what.declared
    if isinstance(what, Node):
        what = Graph([n for n in toposort([what]) if "placeholder" in n.op.traits], what, label(what))
    if isinstance(what, Op):
        made = _of_op(what)
    elif isinstance(what, Graph):
        made = _of_graph(what, values or {})
    elif callable(what):
        made = _of_callable(what)
    else:
        raise ArgumentError(
            f"plot_function: cannot show {type(what).__name__}", hint="give an op, a function of nodes, or a Graph"
        )
    if values and not isinstance(what, Graph):
        raise ArgumentError("plot_function: values= fixes inputs of a graph; here is none", hint="leave it out")
    if domain is None:
        return made
    return replace(made, domains=_domains(domain, made.inputs))


def _domains(domain: Any, count: int) -> tuple[Interval, ...]:
    """The intervals that a user gave: one for all, or one for each number."""
    try:
        pairs = np.asarray(domain, float)
    except (TypeError, ValueError):
        pairs = np.empty(0)
    if pairs.shape == (2,):
        pairs = np.tile(pairs, (count, 1))
    if pairs.shape != (count, 2) or not np.isfinite(pairs).all() or not (pairs[:, 0] < pairs[:, 1]).all():
        hint = "give (low, high), or one such pair for each number that goes in"
        raise ArgumentError(f"plot_function: domain={domain!r} is no interval", hint=hint)
    return tuple((float(low), float(high)) for low, high in pairs)


# From ops, callables and graphs ---------------------------------------------------------------------------------------


def _of_op(op: Op) -> FunctionMap:
    """An op on scalars where it is elementwise, else on a vector of two numbers."""
    make, first = EXAMPLES.get(op.name, (op, 0))
    names = list(inspect.signature(make).parameters) if op.name in EXAMPLES else list(op.operands)
    count, elementwise = len(names), "elementwise" in op.traits
    if not 1 <= count <= 2 or (not elementwise and count != 1):
        _refuse(op.name, f"it is called as {op.usage}")
    attrs = {} if op.name in EXAMPLES else _needed(op)
    domains = [_domain_of(op, first + k) for k in range(count if elementwise else 2)]
    logical = op.name.startswith("logical_")
    problem: GraphadError | None = None
    for dtype in ("bool",) if logical else ("float64", "int64") if elementwise else ("float64",):
        try:
            with inside(Origin()):
                shape = () if elementwise else (2,)
                inputs = [input(name, shape, dtype) for name in names]
                result = make(*inputs, **attrs)
        except GraphadError as refusal:
            problem = refusal
            continue
        if dtype != "float64":
            domains = [TRUTH if logical else _counted(op, k) for k in range(count)]
        found = _made(op.name, op.doc, Graph(inputs, result, op.name), inputs, {}, domains)
        christen(result.origin, next(s for s in ("y", "z", "w") if s not in names))
        return replace(found, make=make, whole=dtype != "float64")
    _refuse(op.name, problem.what if problem else "it is of another kind")
    raise AssertionError  # _refuse raises


def _needed(op: Op) -> Mapping[str, Any]:
    """The attributes that an op needs, from its first worked case."""
    missing = [k for k, v in op.defaults.items() if v is REQUIRED]
    if missing in ([], ["axis"]):
        return dict.fromkeys(missing, 0)
    if "elementwise" not in op.traits or not op.cases:
        _refuse(op.name, f"it needs {', '.join(missing)}")
    return {k: op.cases[0].attrs[k] for k in missing}


def _counted(op: Op, position: int) -> Interval:
    if len(op.operands) == 1:
        return (-8.0, 7.0)
    return SHIFTS if position and "shift" in op.name else COUNTED


def _domain_of(op: Op, position: int) -> Interval:
    domains = op.domain or (Domain(),)
    found = domains[min(position, len(domains) - 1)]
    return found.low, found.high


def _of_callable(function: Callable[..., Any]) -> FunctionMap:
    """A function of nodes, on scalars if it takes them, else on a vector of two numbers."""
    name = getattr(function, "__name__", type(function).__name__).replace("<lambda>", "function")
    count = _positional(function)
    if not 1 <= count <= 2:
        _refuse(name, f"it takes {count} arguments")
    ours = str(getattr(function, "__module__", "")).startswith("graphad")
    problem: GraphadError | None = None
    for shape in ((), (2,)) if count == 1 else ((),):
        inputs = [input(x, shape) for x in (("x", "y") if ours else _names(function))[:count]]
        try:
            if ours:
                with inside(Origin()):  # nothing in it is called after the variable that holds the figure
                    result = function(*inputs)
            else:
                result = function(*inputs)
        except GraphadError as refusal:
            problem = problem or refusal
            continue
        results = list(result) if isinstance(result, tuple | list) else [result]
        if all(isinstance(r, Node) for r in results):
            graph = Graph(inputs, results, name)
            found = _made(
                name, inspect.getdoc(function) or "", graph, inputs, {}, [(-3.0, 3.0)] * (2 if shape else count)
            )
            return replace(found, make=function)
        _refuse(name, "it gives something else than nodes")
    _refuse(name, problem.what if problem else "it is of another kind")
    raise AssertionError


def _positional(function: Callable[..., Any]) -> int:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in kinds and p.default is p.empty for p in parameters)


def _names(function: Callable[..., Any]) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return ["x"]


def _of_graph(graph: Graph, values: Mapping[str, Any]) -> FunctionMap:
    """A graph as a function of the inputs that are not fixed."""
    known = {label(x): x for x in graph.inputs}
    for name in values:
        if name not in known:
            hint = f"its inputs are {', '.join(known)}"
            raise ArgumentError(f"plot_function: {graph.name!r} has no input {name!r}", hint=hint)
    fixed = {known[name]: np.asarray(value, known[name].dtype) for name, value in values.items()}
    free = [x for x in graph.inputs if x not in fixed]
    shapes = [x.shape for x in free]
    if shapes not in ([()], [(), ()], [(2,)]):
        listed = ", ".join(f"{label(x)}: {x.type}" for x in free) or "none"
        _refuse(graph.name, f"its free inputs are {listed}; fix others by values={{name: value}}")
    return _made(graph.name, "", graph, free, fixed, [(-3.0, 3.0)] * (2 if shapes == [(2,)] else len(free)))


def _made(
    name: str,
    doc: str,
    graph: Graph,
    free: Sequence[Node],
    fixed: Mapping[Node, Any],
    domains: Sequence[Interval],
) -> FunctionMap:
    """The map of a graph whose results are one or two real numbers, whose derivative is taken here."""
    results: list[Node] = []
    with inside(Origin()):
        for y in graph.outputs:
            if y.dtype.kind not in "fbiu" or y.shape not in ((), (2,)):
                _refuse(name, f"its result is {y.type}")
            results += _elements(y)
        if len(results) > 2 or len(results) > len(domains):
            _refuse(name, f"it makes {len(results)} numbers out of {len(domains)}")
        gradients = _gradients(results, free)
        partials = None
        if gradients is not None:
            partials = tuple(tuple(p for g in row for p in _elements(g)) for row in gradients)
    single = gradients[0] if gradients is not None and len(results) == 1 else None
    doc = " ".join(doc.split("\n\n")[0].split())
    return FunctionMap(
        name, _first_sentence(doc), doc, graph, tuple(free), fixed, tuple(results), partials, single, tuple(domains)
    )


def _elements(node: Node) -> list[Node]:
    return [index(node, k) for k in range(2)] if node.ndim else [node]


def _gradients(results: Sequence[Node], free: Sequence[Node]) -> tuple[tuple[Node, ...], ...] | None:
    """The gradient of each result; None where one of them is no differentiable number."""
    if any(v.dtype.kind != "f" for v in (*results, *free)):
        return None
    try:
        return tuple(tuple(grad(y, list(free), singular="nan")) for y in results)
    except GraphadError:
        return None


def _first_sentence(text: str) -> str:
    return text.split(";")[0].split(". ")[0].rstrip(".")


def _refuse(name: str, why: str) -> None:
    raise ArgumentError(
        f"plot_function shows functions of one or two real numbers; {name} is none: {why}",
        hint="wrap it: ga.plot_function(lambda x: ...) on one or two scalars, or on a vector of two numbers",
    )
