"""The NumPy form of a node: its op's template with texts for operands and attributes put in."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from graphad.form.literals import attribute, attributes
from graphad.form.template import Expr, Template
from graphad.ir.core import Node


@lru_cache(maxsize=4096)
def _parse(text: str, operands: tuple[str, ...], variadic: str | None) -> Template:
    return Template.parse(text, operands, variadic)


def numpy_form(node: Node, operands: Sequence[Expr]) -> Expr:
    """The expression that computes ``node`` from the expressions of its inputs.

    Variadic operands are known to templates both as a list (``{arrays}``) and one by one (``{arrays0}``).
    """
    op = node.op
    text = op.numpy if isinstance(op.numpy, str) else op.numpy(node)
    fixed = dict(zip(op.operands, operands, strict=False))
    rest = operands[len(op.operands) :]
    single = {f"{op.variadic}{k}": e for k, e in enumerate(rest)}
    template = _parse(text, (*op.operands, *single), op.variadic)
    many: Mapping[str, Sequence[Expr]] = {op.variadic: rest} if op.variadic else {}
    return template.render({**fixed, **single, **many}, _attribute_texts(node, text))


def _attribute_texts(node: Node, text: str) -> Mapping[str, str | None]:
    """Attribute texts; a plain placeholder of the template is filled even where the attribute has its default."""
    texts = dict(attributes(node))
    for key, value in texts.items():
        if value is None and f"{{{key}}}" in text:
            texts[key] = attribute(node.attrs[key])
    return texts
