"""What a check of gradients found: a row per node, printed as a table with what is wrong first."""

from dataclasses import dataclass, field

from rich.table import Table

from graphad.check.compare import EDGE, KINK, NONE, OK, UNCLEAR, WRONG
from graphad.ir.core import Node, label

STOPPED = "stopped"
MEANING = {
    WRONG: "wrong",
    UNCLEAR: "cannot be told by differences",
    KINK: "at a kink: not compared there",
    EDGE: "at the end of a domain: not compared there",
    NONE: "without a derivative",
    STOPPED: "a gradient stopped by request",
    OK: "right",
}
WIDEST = 60  # columns of the user's line
MOST = 20  # rows of one status that are printed


@dataclass(frozen=True)
class NodeCheck:
    """What was found of one node: ``status`` is "ok", "wrong", "kink", "edge", "unclear", "none" or "stopped".

    ``rule``: the op whose derivative rule it is about. ``error``: the largest relative difference that was seen.
    ``count``: how many nodes of the same kind it stands for. ``node`` is None for the graph as a whole.
    """

    rule: str
    status: str
    error: float = 0.0
    note: str = ""
    node: Node | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """The user's name of the node, or its op."""
        return label(self.node) if self.node is not None else "the whole graph"

    @property
    def location(self) -> str:
        """The user's file and line, such as ``train.py:14``."""
        return self.node.origin.location if self.node is not None else ""

    @property
    def source(self) -> str:
        """The text of the user's line."""
        return self.node.origin.source_line() if self.node is not None else ""

    @property
    def what(self) -> str:
        """The note, or what the status means."""
        return self.note or MEANING[self.status]


@dataclass(frozen=True)
class GradientReport:
    """The checks of a graph: ``nodes`` one by one, and ``whole``, its outputs by its inputs.

    ``left`` nodes were not looked at, since many of the same kind were. It prints as a table, what is wrong first.
    """

    graph: str
    order: int
    nodes: tuple[NodeCheck, ...]
    whole: NodeCheck | None
    left: int = 0

    @property
    def checks(self) -> tuple[NodeCheck, ...]:
        """All rows."""
        return (*self.nodes, self.whole) if self.whole else self.nodes

    @property
    def failures(self) -> tuple[NodeCheck, ...]:
        """What is wrong."""
        return tuple(c for c in self.checks if c.status == WRONG)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.failures

    @property
    def faulty(self) -> tuple[str, ...]:
        """The ops whose rules are wrong, each once."""
        return tuple(dict.fromkeys(c.rule for c in self.failures if c.node is not None))

    def of(self, name: str) -> NodeCheck:
        """The check of the first node of a name. Raises KeyError."""
        for check in self.nodes:
            if check.name == name:
                return check
        raise KeyError(name)

    def summary(self) -> str:
        """One sentence."""
        counts = {s: sum(c.status == s for c in self.nodes) for s in MEANING}
        said = ", ".join(f"{n} {MEANING[s]}" for s, n in counts.items() if n) or "nothing to differentiate"
        more = f"; {self.left} more of the same kinds" if self.left else ""
        order = "" if self.order == 1 else f", derivatives up to order {self.order}"
        return f"gradients of {self.graph}: {len(self.nodes)} nodes{order}: {said}{more}"

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """(status, rule, node, place, what) of all that is not simply right; what is wrong comes first."""
        found = []
        for status in MEANING:
            checks = [c for c in self.checks if c.status == status and status != OK]
            found += [(c.status, c.rule, c.name, _place(c), c.what) for c in checks[:MOST]]
            if len(checks) > MOST:
                found.append((status, "", "", "", f"... and {len(checks) - MOST} more"))
        return found

    def details(self) -> str:
        """The rows as aligned text, "" where all is right."""
        rows = self.rows()
        widths = [max((len(r[k]) for r in rows), default=0) for k in range(4)]
        lines = ["  ".join([*(c.ljust(w) for c, w in zip(r, widths, strict=False)), r[4]]).rstrip() for r in rows]
        return "\n".join(f"  {line}" for line in lines)

    def __str__(self) -> str:
        return "\n".join(filter(None, [self.summary(), self.details()]))

    __repr__ = __str__

    def __rich__(self) -> Table:
        return self.table()

    def table(self, title: bool = True) -> Table:
        """The rows as a table for rich."""
        table = Table(title=self.summary() if title else None, title_justify="left", box=None, pad_edge=False)
        for column in ("", "rule", "node", "line", "what"):
            table.add_column(column, overflow="fold")
        for status, *cells in self.rows():
            table.add_row(f"[{'bold red' if status == WRONG else 'dim'}]{status}[/]", *map(_plain, cells))
        return table


def _place(check: NodeCheck) -> str:
    line = check.source if len(check.source) <= WIDEST else f"{check.source[: WIDEST - 4]} ..."
    return f"{check.location}: {line}" if check.location and line else check.location


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
