"""Tables that a terminal and a notebook show: one content, as text that wraps and as HTML that a screen reader reads.

Cells are plain text: what users wrote (names, scopes) is neither markup for rich nor HTML, and control characters are
spaces.
"""

import html
import io
import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from graphad.draw.characters import escaped, printable

SHOWN = 200  # rows of a table; of more, the first and the last
STYLE = """<style>
.graphad-table {border-collapse: collapse; font-size: 90%}
.graphad-table caption {text-align: left; font-weight: bold}
.graphad-table :is(th, td) {padding: .15em .7em; text-align: left; vertical-align: top; overflow-wrap: anywhere}
.graphad-table .number {text-align: right}
.graphad-table code {white-space: pre-wrap}
.graphad-table thead th {overflow-wrap: normal}
.graphad-table :is(thead, tfoot) {border: solid currentColor; border-width: 1px 0}
.graphad-note {font-size: 85%; opacity: .75}
</style>"""

Row = Sequence[str]


@dataclass(frozen=True)
class Table:
    """A title, columns, rows in groups with a heading each (may be empty), rows of totals, and a note below.

    ``right``: the columns of numbers; ``code``: the columns in the typewriter's letters; ``label``: the column that
    says what its row is about; ``tall``: the columns in which cells have several lines.
    """

    title: str
    columns: tuple[str, ...]
    groups: tuple[tuple[str, Sequence[Row]], ...]
    totals: Sequence[Row] = ()
    note: str = ""
    right: frozenset[str] = frozenset()
    code: frozenset[str] = frozenset()
    label: str = ""
    tall: frozenset[str] = frozenset()

    def text(self, width: int | None = None) -> str:
        """The table as lines of at most so many characters, unless given as many as the terminal has (else 100)."""
        columns = width or shutil.get_terminal_size((100, 24)).columns
        file = io.StringIO()
        Console(file=file, width=columns, color_system=None, force_terminal=False).print(self.rich(note=False))
        lines = [line.rstrip() for line in file.getvalue().splitlines() if line.strip()]
        return "\n".join([*lines, *textwrap.wrap(printable(self.note), columns)])

    def rich(self, note: bool = True) -> RichTable:
        """The table for a rich console; long cells wrap."""
        table = RichTable(
            title=Text(printable(self.title), style="bold"),
            title_justify="left",
            caption=Text(printable(self.note), style="dim") if self.note and note else None,
            caption_justify="left",
            box=box.SIMPLE,
        )
        for name in self.columns:
            side: Literal["right", "left"] = "right" if name in self.right else "left"
            table.add_column(name, justify=side, overflow="fold", min_width=len(name))
        for number, (heading, rows) in enumerate(self.groups):
            if heading:
                table.add_row(*(Text(heading if c == self.label else "", style="bold") for c in self.columns))
            for row in self._shortened(rows):
                table.add_row(*(Text(text) for text in self._printable(row)))
            if number < len(self.groups) - 1 or self.totals:
                table.add_section()
        for row in self.totals:
            table.add_row(*(Text(printable(cell), style="bold") for cell in row))
        return table

    def html(self) -> str:
        """The table as HTML with a caption, heads of columns and of rows; it takes the colors of the page."""
        heads = "".join(f'<th scope="col"{self._kind(c)}>{escaped(c)}</th>' for c in self.columns)
        parts = [STYLE, '<table class="graphad-table">', f"<caption>{escaped(self.title)}</caption>"]
        parts.append(f"<thead><tr>{heads}</tr></thead>")
        for heading, rows in self.groups:
            parts.append("<tbody>")
            if heading:
                parts.append(f'<tr><th colspan="{len(self.columns)}" scope="rowgroup">{escaped(heading)}</th></tr>')
            parts += [self._html_row(row) for row in self._shortened(rows)]
            parts.append("</tbody>")
        if self.totals:
            parts += ["<tfoot>", *(self._html_row(row) for row in self.totals), "</tfoot>"]
        parts.append("</table>")
        if self.note:
            parts.append(f'<p class="graphad-note">{escaped(self.note)}</p>')
        return "\n".join(parts)

    def _shortened(self, rows: Sequence[Row]) -> Sequence[Row]:
        """All rows, or the first and last of very many with a row between them that counts the others."""
        if len(rows) <= SHOWN:
            return rows
        half = SHOWN // 2
        between = [f"… {len(rows) - 2 * half:,} more" if c == self.label else "" for c in self.columns]
        return [*rows[:half], between, *rows[-half:]]

    def _printable(self, row: Row) -> list[str]:
        """The cells without control characters, but for the ends of lines in tall columns."""
        parts = (
            cell.split("\n") if name in self.tall else [cell] for name, cell in zip(self.columns, row, strict=True)
        )
        return ["\n".join(map(printable, lines)) for lines in parts]

    def _html_row(self, row: Row) -> str:
        cells = []
        for name, cell in zip(self.columns, self._printable(row), strict=True):
            text = html.escape(cell, quote=True)
            inner = f"<code>{text}</code>" if name in self.code and cell else text
            tag, more = ("th", ' scope="row"') if name == self.label else ("td", "")
            cells.append(f"<{tag}{more}{self._kind(name)}>{inner}</{tag}>")
        return f"<tr>{''.join(cells)}</tr>"

    def _kind(self, column: str) -> str:
        return ' class="number"' if column in self.right else ""


class Tabular:
    """What is shown as one table: as text by print, in color by rich, as HTML in notebooks."""

    def _table(self) -> Table:
        raise NotImplementedError

    def __repr__(self) -> str:
        return self._table().text()

    def __rich__(self) -> RichTable:
        return self._table().rich()

    def _repr_html_(self) -> str:
        return self._table().html()
