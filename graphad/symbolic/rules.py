r"""The rules of differentiation as a reader knows them: a name, and what holds in general.

For an op that works element by element the general formula comes from its declaration: its partials are printed. For
the others it stands in RULES, with ȳ for the derivative of the loss with respect to y.
"""

from functools import lru_cache
from typing import Any

from graphad.ir.core import Elementwise, Linear, Node, Op
from graphad.ir.graph import Graph, toposort
from graphad.ir.origin import Origin, inside
from graphad.ops.leaves import as_node, constant
from graphad.ops.leaves import input as declare
from graphad.symbolic import writers as _writers  # noqa: F401  # fills the tables of writers
from graphad.symbolic.lines import Lines
from graphad.symbolic.matrix import Matrix

RULES: dict[str, tuple[str, str]] = {
    "add": ("sum: both terms get the whole", r"y = u + v: \quad \bar{u} = \bar{y}, \quad \bar{v} = \bar{y}"),
    "sum_n": ("sum: all terms get the whole", r"y = u + v + \dots: \quad \bar{u} = \bar{y}, \quad \bar{v} = \bar{y}"),
    "subtract": ("difference: the sign changes", r"y = u - v: \quad \bar{u} = \bar{y}, \quad \bar{v} = -\bar{y}"),
    "negative": ("the sign changes", r"y = -u: \quad \bar{u} = -\bar{y}"),
    "multiply": (
        "product rule",
        r"y = u \, v: \quad \frac{\partial y}{\partial u} = v, \quad \frac{\partial y}{\partial v} = u",
    ),
    "matmul": (
        "product rule for matrices",
        r"\mathbf{Y} = \mathbf{U} \mathbf{V}: \quad \bar{\mathbf{U}} = \bar{\mathbf{Y}} \mathbf{V}^{\top}, \quad "
        r"\bar{\mathbf{V}} = \mathbf{U}^{\top} \bar{\mathbf{Y}}",
    ),
    "einsum": (
        "product rule",
        r"y = \sum u \, v: \quad \bar{u} = \sum \bar{y} \, v, \quad \bar{v} = \sum \bar{y} \, u",
    ),
    "sum": ("sum: each term gets the whole", r"y = \sum_i u_i: \quad \bar{u}_i = \bar{y}"),
    "mean": ("mean: each term gets its share", r"y = \frac{1}{n} \sum_i u_i: \quad \bar{u}_i = \frac{1}{n} \bar{y}"),
    "broadcast_to": (
        "broadcasting: what was copied along an axis is summed over it",
        r"y_{i j} = u_j: \quad \bar{u}_j = \sum_i \bar{y}_{i j}",
    ),
    "transpose": (
        "transpose: transposed back",
        r"\mathbf{Y} = \mathbf{U}^{\top}: \quad \bar{\mathbf{U}} = \bar{\mathbf{Y}}^{\top}",
    ),
    "reshape": ("reshape: back to the old shape", ""),
    "expand_dims": ("a new axis: taken away again", ""),
    "squeeze": ("an axis of size 1: put back", ""),
    "astype": ("another dtype: cast back", ""),
    "getitem": (
        "indexing: back to where it was taken, zeros elsewhere",
        r"y_i = u_{p(i)}: \quad \bar{u}_j = \sum_{i: \, p(i) = j} \bar{y}_i",
    ),
    "gather": (
        "indexing by an array: added where it was taken",
        r"y_i = u_{p(i)}: \quad \bar{u}_j = \sum_{i: \, p(i) = j} \bar{y}_i",
    ),
    "concatenate": ("joining: cut into the parts again", ""),
    "stack": ("joining: cut into the parts again", ""),
    "pad": ("padding: the border is cut off", ""),
    "max": ("maximum: to the largest element (equal ones share)", r"\bar{u}_i = \bar{y} \, \left[u_i = \max u\right]"),
    "min": ("minimum: to the smallest element (equal ones share)", r"\bar{u}_i = \bar{y} \, \left[u_i = \min u\right]"),
    "maximum": (
        "maximum: to the larger one",
        r"y = \max\left(u, v\right): \quad \bar{u} = \bar{y} \, \left[u > v\right]",
    ),
    "minimum": (
        "minimum: to the smaller one",
        r"y = \min\left(u, v\right): \quad \bar{u} = \bar{y} \, \left[u < v\right]",
    ),
    "prod": ("product rule", r"y = \prod_i u_i: \quad \bar{u}_i = \bar{y} \prod_{j \neq i} u_j"),
    "where": ("cases: to the branch that was taken", ""),
    "logsumexp": (
        "chain rule through logsumexp",
        r"y = \log \sum_j e^{u_j}: \quad \frac{\partial y}{\partial u_i} = \operatorname{softmax}(u)_i",
    ),
    "softmax": (
        "chain rule through softmax",
        r"y = \operatorname{softmax}(u): \quad \bar{u} = y \odot \left(\bar{y} - \sum_j \bar{y}_j y_j\right)",
    ),
    "log_softmax": (
        "chain rule through log softmax",
        r"y = \log \operatorname{softmax}(u): \quad \bar{u} = \bar{y} - \operatorname{softmax}(u) \sum_j \bar{y}_j",
    ),
    "euclidean_norm": (
        "chain rule through the norm",
        r"y = \lVert u \rVert: \quad \frac{\partial y}{\partial u_i} = \frac{u_i}{y}",
    ),
    "inv": (
        "derivative of the inverse",
        r"\mathbf{Y} = \mathbf{U}^{-1}: \quad \bar{\mathbf{U}} = -\mathbf{Y}^{\top} \bar{\mathbf{Y}} \mathbf{Y}^{\top}",
    ),
    "solve": (
        "derivative of a solution",
        r"\mathbf{A} \mathbf{y} = \mathbf{b}: \quad \bar{\mathbf{b}} = \mathbf{A}^{-\top} \bar{\mathbf{y}}, \quad "
        r"\bar{\mathbf{A}} = -\bar{\mathbf{b}} \mathbf{y}^{\top}",
    ),
    "det": (
        "derivative of the determinant",
        r"y = \det \mathbf{U}: \quad \bar{\mathbf{U}} = \bar{y} \, y \, \mathbf{U}^{-\top}",
    ),
    "conv": (
        "convolution: the transposed convolution",
        r"y_p = \sum_k w_k \, u_{p + k}: \quad \bar{u}_q = \sum_k w_k \, \bar{y}_{q - k}, \quad "
        r"\bar{w}_k = \sum_p \bar{y}_p \, u_{p + k}",
    ),
    "scan": ("backpropagation through time: the loop, run backwards", ""),
    "sum over uses": (
        "sum over uses: what is used several times gets the sum",
        r"y = f(u, u): \quad \bar{u} = \bar{u}^{(1)} + \bar{u}^{(2)}",
    ),
    "seed": ("the loss with respect to itself", r"\frac{\partial L}{\partial L} = 1"),
    "unconnected": ("the loss does not depend on it", r"\frac{\partial L}{\partial u} = 0"),
}


TITLES = {"power": "power rule", "square": "power rule", "divide": "quotient rule", "reciprocal": "quotient rule"}


def rule_of(made_by: str) -> str:
    """The op, or the rule, in the words of an origin: ``vjp of tanh`` is tanh."""
    return made_by.split(",")[0].removeprefix("vjp of ").strip()


def title(rule: str) -> str:
    """The name of a rule."""
    chain = TITLES.get(rule) or f"chain rule through {rule.replace('_', ' ')}"
    return RULES[rule][0] if rule in RULES else chain


def general(rule: str, forward: Node | None) -> str:
    """What holds in general, as LaTeX; "" where nothing more than the name is known."""
    if rule in RULES:
        return RULES[rule][1]
    if forward is None or forward.op.name != rule:
        return ""
    if isinstance(forward.op.derivative, Elementwise):
        text = _partials(forward.op, tuple(forward.attrs.items()), tuple(map(_number, forward.inputs)))
        return "" if text.count(r"\begin") > 2 else text
    return r"\text{linear: the transpose}" if isinstance(forward.op.derivative, Linear) else ""


def _number(node: Node) -> float | None:
    """The number that an operand is, if it is one."""
    while node.op.name in ("broadcast_to", "astype"):
        (node,) = node.inputs
    value = node.attrs["value"] if "constant" in node.op.traits else None
    return float(value) if value is not None and not value.ndim and value.dtype.kind == "f" else None


@lru_cache(maxsize=512)
def _partials(op: Op, attrs: tuple[tuple[str, Any], ...], numbers: tuple[float | None, ...]) -> str:
    r"""``y = \tanh\left(u\right): \quad \frac{\partial y}{\partial u} = 1 - y^{2}``, from the partials of an op."""
    derivative, named = op.derivative, dict(attrs)
    assert isinstance(derivative, Elementwise)
    names = ["u", "v", "w"][: len(op.operands)]
    with inside(Origin()):
        inputs = [_unknown(n) if c is None else constant(c) for n, c in zip(names, numbers, strict=True)]
        out = _unknown("y")
        partials = derivative.partials(*inputs, out, **named)
        nodes = [None if p is None else as_node(p, out.dtype) for p in partials]
        result = op.build(inputs, named, Origin())
    unknown = [x for x in inputs if "placeholder" in x.op.traits]
    parts = [rf"y = {_text(unknown, result)}: \quad"]
    for name, number, partial in zip(names, numbers, nodes, strict=True):
        if partial is not None and number is None:
            parts.append(rf"\frac{{\partial y}}{{\partial {name}}} = {_text([*unknown, out], partial)}, \quad")
    return " ".join(parts).removesuffix(r", \quad")


def _unknown(name: str) -> Node:
    node = declare(name)
    node.origin.name = name
    return node


def _text(inputs: list[Node], node: Node) -> str:
    """A formula of scalars written out to its inputs."""
    known = {x for x in toposort([node]) if "placeholder" in x.op.traits}
    graph = Graph([x for x in inputs if x in known], [node])
    if graph.is_input(node):
        return str(node.name)
    return Matrix(Lines(graph, graph.inputs)).right(node).text
