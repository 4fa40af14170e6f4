"""`ga.derivation(loss, wrt)`: backpropagation through a graph as a worked solution, or as a worksheet with blanks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from graphad.errors import ArgumentError
from graphad.ir.atomic import write_atomic
from graphad.ir.core import Node, label
from graphad.ir.late import install
from graphad.symbolic import documents
from graphad.symbolic.answers import Answers, check
from graphad.symbolic.documents import Block, blocks
from graphad.symbolic.equations import check_style
from graphad.symbolic.pdf import pdf
from graphad.symbolic.steps import Plan, Step, plan, steps

KINDS = (".md", ".tex", ".html", ".pdf")


@dataclass(frozen=True)
class Derivation:
    """A worked solution: ``steps`` are its data, ``markdown``, ``latex`` and ``html`` are documents."""

    title: str
    style: str
    steps: tuple[Step, ...]
    plan: Plan = field(repr=False)

    @cached_property
    def _blocks(self) -> tuple[Block, ...]:
        return tuple(blocks(self.title, self.style, self.steps))

    @property
    def markdown(self) -> str:
        """The document in Markdown."""
        return documents.markdown(self._blocks)

    @property
    def latex(self) -> str:
        """The document in LaTeX, for pdflatex."""
        return documents.latex(self._blocks)

    @property
    def html(self) -> str:
        """The document as a page that needs no network. Raises MissingDependencyError without latex2mathml."""
        return documents.page(self._blocks)

    def save(self, path: str | Path) -> Path:
        """Write .md, .tex, .html or .pdf, by the ending of the path; whole or not at all.

        A PDF is set by pdflatex where that is installed, else printed by Chromium.

        Raises ArgumentError for another ending, MissingDependencyError where a program or package is missing,
        GraphadError where these fail, ExportError where the file cannot be written.
        """
        target = Path(path)
        match target.suffix.lower():
            case ".md":
                content = self.markdown.encode()
            case ".tex":
                content = self.latex.encode()
            case ".html":
                content = self.html.encode()
            case ".pdf":
                content = pdf(lambda: self.latex, lambda: self.html)
            case other:
                raise ArgumentError(f"save: cannot write {other or 'a file without an ending'!r}", hint=" ".join(KINDS))
        write_atomic(target, content)
        return target

    def _repr_markdown_(self) -> str:
        return self.markdown

    def __repr__(self) -> str:
        rows = [f"{self.title}: {len(self.steps)} steps"]
        for s in self.steps:
            sign = "in" if s.kind == "given" else "="
            rows += [f"  {s.kind:8} {line.left} {sign} {line.right}" for line in s.lines]
        return "\n".join(rows)


class Worksheet(Derivation):
    """A derivation with blanks in the backward pass; `check` looks at answers."""

    @cached_property
    def solution(self) -> Derivation:
        """The same without blanks."""
        return Derivation(self.title, self.style, tuple(replace(s, blank=0) for s in self.steps), self.plan)

    @property
    def names(self) -> dict[str, str]:
        """What may stand in answers: name -> symbol."""
        return {s.name: s.lines[0].left for s in self.steps if s.kind != "gradient"}

    def check(self, answers: Mapping[int, Any]) -> Answers:
        """Whether answers are right: an expression in the names of the sheet, a node or an array for each blank.

        An expression is Python with NumPy's functions, such as ``"d_h * (1 - h**2)"``; it is read, never executed as
        code. Its value is compared with the right one on several samples of the inputs. Raises ArgumentError for a
        number that is no blank; a mistake in an answer is in the report.
        """
        return check(self.plan, self.steps, answers)


def derivation(
    loss: Node,
    wrt: Node | Sequence[Node],
    style: str = "matrix",
    name: str | None = None,
    *,
    values: Mapping[Any, Any] | None = None,
    worksheet: bool = False,
) -> Derivation:
    """The worked solution of a backpropagation exercise: forward equations, chain rule step by step, gradients.

    ``style``: "matrix", "index" or "scalar", as for `Graph.to_latex`; ``values``: input -> number or array, then each
    line shows its number; ``worksheet``: leave the backward pass blank. The object shows itself in notebooks, and has
    ``.steps``, ``.markdown``, ``.latex``, ``.html``, ``.save(path)``. Raises DifferentiationError as `grad` does, and
    ArgumentError for an unknown style.

    >>> import graphad as ga
    >>> x, w = ga.input("x"), ga.parameter("w")
    >>> y = ga.tanh(w * x)
    >>> solution = ga.derivation(y, w)
    >>> [step.title for step in solution.steps if step.kind == "backward"]
    ['the loss with respect to itself', 'chain rule through tanh', 'product rule']
    >>> sheet = ga.derivation(y, w, worksheet=True)
    >>> print(sheet.check({1: "1 - y**2", 2: "-d_t1 * x"}))
    1  right
    2  wrong: the sign is the other one
    """
    check_style(style)
    wanted = list(wrt) if isinstance(wrt, Sequence) else [wrt]
    made = plan(loss, wanted, "derivation")
    title = str(name or f"Gradient of {label(loss)} with respect to {', '.join(map(label, wanted))}")
    found = steps(made, style, values)
    kind, listed = (Worksheet, _numbered(found)) if worksheet else (Derivation, found)
    return kind(title, style, tuple(listed), made)


def _numbered(found: Sequence[Step]) -> list[Step]:
    """Backward steps with the numbers of their blanks; the derivative of the loss by itself is given."""
    count, result = 0, []
    for s in found:
        if s.kind == "backward" and s.node.origin.is_cotangent and s.node.origin.made_by not in ("seed", "unconnected"):
            count += 1
            s = replace(s, blank=count)
        result.append(s)
    return result


install(derivation=derivation)
