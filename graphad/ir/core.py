"""Node and Op: the two values every graph is made of, and the kinds of derivative an op may declare.

A **Node** is immutable and compared by identity: sharing a parameter means using the object twice. An **Op** holds
everything that is known about one operator: type rule, NumPy form, one derivative fact, SymPy and LaTeX forms, domain,
worked cases. Calling an op builds a node. `graphad/ops/` declares the ops with the decorator `op`; this file knows none
of them by name. Read `types.py` and `origin.py` first; `graph.py` next.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NoReturn, get_args, get_origin

import numpy as np

from graphad.errors import ArgumentError, GraphadError, NodeValueError
from graphad.ir.dims import Dim, Size
from graphad.ir.facts import Case as Case
from graphad.ir.facts import Constant as Constant
from graphad.ir.facts import Custom as Custom
from graphad.ir.facts import Derivative as Derivative
from graphad.ir.facts import Domain as Domain
from graphad.ir.facts import Elementwise as Elementwise
from graphad.ir.facts import Linear as Linear
from graphad.ir.facts import Multilinear as Multilinear
from graphad.ir.facts import Undefined as Undefined
from graphad.ir.late import METHODS, method
from graphad.ir.origin import Origin, here
from graphad.ir.types import DType, Shape, TensorType

_late: Callable[[str], Callable[..., "Node"]] = method


class Node:
    """One value of a graph: an op applied to inputs, with static attributes.

    Attributes: ``op``, ``inputs`` (nodes), ``attrs`` (static, normalized), ``type``, ``name`` and ``origin`` (where the
    user made it; neither ever changes a result). Nodes take Python's operators, NumPy's methods and ``np.*`` calls, and
    never have a value: ``if node``, ``float(node)`` and ``np.array(node)`` raise NodeValueError.
    """

    __slots__ = ("__weakref__", "_view", "attrs", "dtype", "inputs", "ndim", "op", "origin", "shape", "type")
    # _view: see rules/view.py
    op: "Op"
    inputs: tuple["Node", ...]
    attrs: Mapping[str, Any]
    type: TensorType
    origin: Origin
    shape: Shape  # the static shape: ints and named sizes
    dtype: DType  # the NumPy dtype
    ndim: int  # the number of axes

    def __init__(
        self, op: "Op", inputs: tuple["Node", ...], attrs: Mapping[str, Any], type: TensorType, origin: Origin
    ) -> None:
        shape = type.shape
        _set_op(self, op)
        _set_inputs(self, inputs)
        _set_attrs(self, attrs)
        _set_type(self, type)
        _set_origin(self, origin)
        _set_shape(self, shape)
        _set_ndim(self, len(shape))
        _set_dtype(self, type.dtype)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a node is immutable: cannot set {name!r}")

    @property
    def name(self) -> str | None:
        """The user's name of the value, if it has one."""
        return self.origin.name

    @property
    def size(self) -> Size:
        """Number of elements, an int or an expression in named sizes."""
        return self.type.size

    def __repr__(self) -> str:
        return f"<{label(self)} = {self.op.name} : {self.type}>"

    __hash__ = object.__hash__

    def __len__(self) -> int:
        if not self.shape or not isinstance(self.shape[0], int):
            _has_no_value(self, "len(node)", "use node.shape[0], which may be a named size")
        return self.shape[0]

    def __bool__(self) -> NoReturn:
        _has_no_value(self, "a node used as a condition", "write ga.where(condition, a, b) instead of if")

    def __float__(self) -> NoReturn:
        _has_no_value(self, "float(node)", "compile the graph and call it: ga.compile(inputs, node)(values)")

    def __int__(self) -> NoReturn:
        _has_no_value(self, "int(node)", "compile the graph and call it: ga.compile(inputs, node)(values)")

    def __complex__(self) -> NoReturn:
        _has_no_value(self, "complex(node)", "compile the graph and call it: ga.compile(inputs, node)(values)")

    def __index__(self) -> NoReturn:
        _has_no_value(self, "a node used as a Python index", "index with it as an array: x[node] on a graphad node")

    def __setitem__(self, key: object, value: object) -> NoReturn:
        _has_no_value(self, "node[key] = value", "nodes never change: write x = x.at[key].set(value)")

    def __array__(self, dtype: object = None, copy: bool | None = None) -> NoReturn:
        _has_no_value(self, "np.array(node)", "compile the graph and call it, or keep to np.* calls that take nodes")

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        """The package `graphad` itself, after the Python array API standard."""
        return METHODS["__array_namespace__"](self)

    __array_ufunc__ = _late("__array_ufunc__")
    __array_function__ = _late("__array_function__")
    __add__, __radd__ = _late("__add__"), _late("__radd__")
    __sub__, __rsub__ = _late("__sub__"), _late("__rsub__")
    __mul__, __rmul__ = _late("__mul__"), _late("__rmul__")
    __truediv__, __rtruediv__ = _late("__truediv__"), _late("__rtruediv__")
    __floordiv__, __rfloordiv__ = _late("__floordiv__"), _late("__rfloordiv__")
    __mod__, __rmod__ = _late("__mod__"), _late("__rmod__")
    __pow__, __rpow__ = _late("__pow__"), _late("__rpow__")
    __matmul__, __rmatmul__ = _late("__matmul__"), _late("__rmatmul__")
    __and__, __rand__ = _late("__and__"), _late("__rand__")
    __or__, __ror__ = _late("__or__"), _late("__ror__")
    __xor__, __rxor__ = _late("__xor__"), _late("__rxor__")
    __lshift__, __rlshift__ = _late("__lshift__"), _late("__rlshift__")
    __rshift__, __rrshift__ = _late("__rshift__"), _late("__rrshift__")
    __divmod__, __rdivmod__, __round__ = _late("__divmod__"), _late("__rdivmod__"), _late("__round__")
    __neg__, __pos__, __abs__, __invert__ = _late("__neg__"), _late("__pos__"), _late("__abs__"), _late("__invert__")
    __lt__, __le__, __gt__, __ge__ = _late("__lt__"), _late("__le__"), _late("__gt__"), _late("__ge__")
    __eq__ = _late("__eq__")  # type: ignore[assignment]  # elementwise, as in NumPy; identity is `is`
    __ne__ = _late("__ne__")  # type: ignore[assignment]
    __getitem__, __iter__ = _late("__getitem__"), _late("__iter__")
    sum, prod, mean, var, std = _late("sum"), _late("prod"), _late("mean"), _late("var"), _late("std")
    max, min, argmax, argmin = _late("max"), _late("min"), _late("argmax"), _late("argmin")
    reshape, ravel, flatten = _late("reshape"), _late("ravel"), _late("flatten")
    transpose, swapaxes, squeeze = _late("transpose"), _late("swapaxes"), _late("squeeze")
    all, any, cumsum, cumprod = _late("all"), _late("any"), _late("cumsum"), _late("cumprod")
    astype, take, dot, clip, round = _late("astype"), _late("take"), _late("dot"), _late("clip"), _late("round")
    argsort, searchsorted, choose, repeat = _late("argsort"), _late("searchsorted"), _late("choose"), _late("repeat")
    trace, diagonal, copy = _late("trace"), _late("diagonal"), _late("copy")
    conj, conjugate, real, imag = _late("conj"), _late("conjugate"), property(_late("real")), property(_late("imag"))
    _repr_svg_, _repr_html_ = _late("Node._repr_svg_"), _late("Node._repr_html_")
    _repr_mimebundle_ = _late("Node._repr_mimebundle_")
    T, mT, at = property(_late("T")), property(_late("mT")), property(_late("at"))
    to_latex = method("Node.to_latex", "to_latex(style='matrix'): its equation; see `graphad.symbolic.equations`.")
    _repr_latex_ = method("Node._repr_latex_")


_set_op, _set_inputs, _set_attrs, _set_type, _set_origin, _set_shape, _set_ndim, _set_dtype = [
    Node.__dict__[slot].__set__ for slot in ("op", "inputs", "attrs", "type", "origin", "shape", "ndim", "dtype")
]  # which takes a third of the time of object.__setattr__: graphs have many nodes


def _has_no_value(node: Node, what: str, hint: str) -> NoReturn:
    fail(NodeValueError, f"{what}: {label(node)} has no value before the graph runs", node, hint=hint)


def label(node: Node) -> str:
    """How messages call a node: its name, or its op."""
    return node.name or f"({node.op.name})"


def describe(node: Node) -> tuple[str, str, str]:
    """A row for an error's table: name, type, where it was declared."""
    place = node.origin.location
    return label(node), repr(node.type), f"declared at {place}" if place else ""


def fail(error: type[GraphadError], what: str, *nodes: Node, hint: str = "") -> NoReturn:
    """Raise ``error`` with the nodes concerned and the user's line."""
    site = here(False)
    rows = [describe(n) for n in dict.fromkeys(nodes)]
    if site.location:
        rows.append(("in", site.source_line() or "?", f"at {site.location}"))
    raise error(what, where=rows, hint=hint)


# Op -----------------------------------------------------------------------------------------------------------------

Coerce = Callable[["Op", Sequence[Any]], list[Node]]
Normalize = Callable[[Any, Sequence[Node]], Any]


@dataclass(frozen=True, eq=False)
class Op:
    """One operator; calling it builds a node.

    ``type_rule(*nodes, **attrs)`` gives the result type; ``numpy`` is a template of the NumPy form (a string, or a
    function of the node that returns one); ``helpers`` are plain NumPy functions that the template calls; ``coerce``
    turns the user's operands into nodes; ``normalize`` holds one function per attribute, applied once, when the node is
    built; ``imports`` are the import statements that the NumPy form needs beside numpy's. ``traits``: "view" (the
    result may share memory with its first input), "promotes" (NumPy promotes and broadcasts the operands by itself),
    "random" (each node is its own draw), "symmetric" (reads one triangle of a matrix: its derivative is for symmetric
    matrices).
    """

    name: str
    type_rule: Callable[..., TensorType]
    numpy: str | Callable[[Node], str]
    derivative: Derivative
    coerce: Coerce
    operands: tuple[str, ...]
    variadic: str | None
    defaults: Mapping[str, Any]
    normalize: Mapping[str, Normalize]
    sympy: Callable[..., Any] | None = None
    latex: str = ""
    domain: tuple[Domain, ...] = ()
    cases: tuple[Case, ...] = ()
    traits: frozenset[str] = frozenset()
    helpers: tuple[Callable[..., Any], ...] = ()
    imports: tuple[str, ...] = ()
    doc: str = ""
    signature: inspect.Signature = field(default_factory=inspect.Signature)

    def __post_init__(self) -> None:
        if not self.latex:
            operands = [f"{{{name}}}" for name in (*self.operands, *([self.variadic] if self.variadic else []))]
            name = self.name.replace("_", r"\_")
            text = rf"\operatorname{{{{{name}}}}}\left({', '.join(operands)}\right)"
            object.__setattr__(self, "latex", text)
        for key, value in (("__doc__", self.doc), ("__name__", self.name), ("__signature__", self.signature)):
            object.__setattr__(self, key, value)  # so that help() and inspect see an op as they see a function

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Node:
        """Build a node. Raises a GraphadError at the user's line when operands or attributes do not fit."""
        operands, attrs = self._bind(args, kwargs)
        origin = here()
        nodes = self.coerce(self, operands)
        for node in nodes:
            _take_name_away(node, origin.serial)
        for key, normalize in self.normalize.items():
            attrs[key] = normalize(attrs[key], nodes)
        type_ = self.type_rule(*nodes, **attrs)
        if "placeholder" in self.traits:
            origin.name = attrs["name"]  # an input is called by its own name, whatever variable holds it
        return Node(self, tuple(nodes), attrs, type_, origin)

    def build(self, nodes: Sequence[Node], attrs: Mapping[str, Any], origin: Origin) -> Node:
        """A node from nodes and normalized attributes as they are: what passes and `Graph.substitute` use."""
        return Node(self, tuple(nodes), attrs, self.type_rule(*nodes, **attrs), origin)

    @property
    def usage(self) -> str:
        """How the op is called, as messages say it."""
        names = [f"*{p.name}" if p.kind is p.VAR_POSITIONAL else p.name for p in self.signature.parameters.values()]
        return f"{self.name}({', '.join(names)})"

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Sort a call's arguments into operands and attributes."""
        count = len(self.operands)
        if len(args) == count and not (kwargs or self.defaults or self.variadic):
            return list(args), {}
        operands, rest = list(args[:count]), args[count:]
        while len(operands) < count and self.operands[len(operands)] in kwargs:
            operands.append(kwargs.pop(self.operands[len(operands)]))
        if len(operands) < count:
            missing = ", ".join(self.operands[len(operands) :])
            fail(ArgumentError, f"{self.name}: missing operand: {missing}", hint=f"call {self.usage}")
        attrs = dict(self.defaults)
        if self.variadic:
            if not count and rest and isinstance(rest[0], (list, tuple)):  # np.concatenate([a, b], axis)
                operands, rest = list(rest[0]), rest[1:]
            else:
                operands, rest = operands + list(rest), ()
        if len(rest) > len(attrs):
            fail(ArgumentError, f"{self.name}: too many arguments", hint=f"call {self.usage}")
        attrs.update(zip(attrs, rest, strict=False))
        for key, value in kwargs.items():
            if key not in attrs:
                fail(ArgumentError, f"{self.name}: unknown argument {key!r}", hint=f"call {self.usage}")
            attrs[key] = value
        for key, value in attrs.items():
            if value is REQUIRED:
                fail(ArgumentError, f"{self.name}: missing argument: {key}", hint=f"call {self.usage}")
        return operands, attrs


def rename(node: Node, name: str) -> None:
    """Give a placeholder its final name: for layers, whose parameters get theirs when it is known what else there is.

    Names never change a result; still, nobody may have kept the old one, so this is for nodes that are in no graph yet.
    """
    object.__setattr__(node, "attrs", {**node.attrs, "name": name})
    node.origin.name = name


def _take_name_away(node: Node, born: int) -> None:
    """Casts, broadcasts and constants made for an operand do not go by the name of the result."""
    while node.origin.serial > born:
        node.origin.name = None
        if not node.inputs:
            break
        node = node.inputs[0]


REQUIRED = inspect.Parameter.empty


def op(
    *,
    numpy: str | Callable[[Node], str],
    derivative: Derivative,
    coerce: Coerce,
    name: str = "",
    sympy: Callable[..., Any] | None = None,
    latex: str = "",
    domain: tuple[Domain, ...] = (),
    cases: tuple[Case, ...] = (),
    traits: tuple[str, ...] = (),
    helpers: tuple[Callable[..., Any], ...] = (),
    imports: tuple[str, ...] = (),
) -> Callable[[Callable[..., TensorType]], Op]:
    """Declare an op from its type rule.

    The function's signature gives operands and attributes, its docstring the documentation. Parameters annotated
    `Node` are operands; others are attributes, whose annotation may carry the
    function that normalizes them: ``axis: Annotated[..., normalize]``. ``sympy(sp, *x)`` is the form in SymPy, handed
    in as ``sp``; an op that does not give it appears as an undefined function of its name.
    """

    def declare(rule: Callable[..., TensorType]) -> Op:
        parameters = inspect.signature(rule).parameters.values()
        attributes = [p for p in parameters if p.annotation is not Node]
        variadic = [p.name for p in parameters if p.kind is p.VAR_POSITIONAL]
        return Op(
            name=name or rule.__name__,
            type_rule=rule,
            numpy=numpy,
            derivative=derivative,
            coerce=coerce,
            operands=tuple(p.name for p in parameters if p.annotation is Node and p.kind is not p.VAR_POSITIONAL),
            variadic=variadic[0] if variadic else None,
            defaults={p.name: p.default for p in attributes},
            normalize={p.name: get_args(p.annotation)[1] for p in attributes if get_origin(p.annotation) is Annotated},
            sympy=sympy or _applied(name or rule.__name__),
            latex=latex,
            domain=domain,
            cases=cases,
            traits=frozenset(traits),
            helpers=helpers,
            imports=imports,
            doc=inspect.getdoc(rule) or "",
            signature=inspect.signature(rule).replace(return_annotation=Node),
        )

    return declare


def _applied(name: str) -> Callable[..., Any]:
    """The SymPy form of an op without one of its own."""
    return lambda sp, *x: sp.Function(name)(*x)


def attrs_key(attrs: Mapping[str, Any]) -> tuple[object, ...]:
    """A hashable key of attributes: equal keys mean equal results (arrays by bytes: -0.0 is not 0.0)."""
    return tuple([(k, _value_key(v)) for k, v in attrs.items()]) if attrs else ()


def _value_key(value: Any) -> object:
    if isinstance(value, tuple):  # often a long index
        kinds = tuple(map(type, value))
        return (kinds, value) if _PLAIN.issuperset(kinds) else tuple(map(_value_key, value))
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, float):
        return float, value.hex()
    return type(value), value


_PLAIN = frozenset({int, str, bool, type(None), Dim})  # equal values of one of these types are the same
