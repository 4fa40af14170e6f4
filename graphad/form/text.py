"""The NumPy form of a node: its op's template with texts for operands and attributes put in."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from graphad.form.literals import attribute, attributes
from graphad.form.template import Args, Expr, Template
from graphad.ir.core import Node


@lru_cache(maxsize=4096)
def _parse(text: str, operands: tuple[str, ...], variadic: str | None) -> tuple[Template, Mapping[str, bool]]:
    template = Template.parse(text, operands, variadic)
    return template, template.attributes()


def numpy_form(node: Node, operands: Sequence[Expr]) -> Expr:
    """The expression that computes ``node`` from the expressions of its inputs.

    Variadic operands are known to templates both as a list (``{arrays}``) and one by one (``{arrays0}``).
    """
    op = node.op
    text = op.numpy if isinstance(op.numpy, str) else op.numpy(node)
    fixed: Args = dict(zip(op.operands, operands, strict=False))
    if op.variadic:
        rest = operands[len(op.operands) :]
        fixed = {**fixed, **{f"{op.variadic}{k}": e for k, e in enumerate(rest)}}
        template, mentioned = _parse(text, tuple(fixed), op.variadic)
        return template.render({**fixed, op.variadic: rest}, _attribute_texts(node, mentioned))
    template, mentioned = _parse(text, op.operands, None)
    return template.render(fixed, _attribute_texts(node, mentioned))


def _attribute_texts(node: Node, mentioned: Mapping[str, bool]) -> Mapping[str, str | None]:
    """The texts of attributes that a template mentions; where it needs one, also if that has its default value."""
    if not mentioned:
        return {}
    texts = attributes(node, mentioned)
    for key, value in texts.items():
        if value is None and mentioned[key]:
            texts[key] = attribute(node.attrs[key])
    return texts
