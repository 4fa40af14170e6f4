"""The legend: a sample of each role and line that occurs, the scale of colors, and what the widths mean."""

from collections.abc import Sequence

from graphad.draw.labels import text_of
from graphad.draw.measures import SIZE, UNITS, Scale, quantity
from graphad.draw.style import Theme
from graphad.draw.view import View

PER_ROW = 6


def legend_of(view: View, theme: Theme, shades: Sequence[tuple[str, str]], notes: Sequence[str]) -> str:
    """An HTML-like label. ``shades``: colors and what they say; ``notes``: sentences below."""
    cells = [
        f'<td bgcolor="{theme.paper if shades else look.fill}" color="{look.line}" border="1">'
        f'<font color="{look.line}">{look.sign}</font> {look.legend}</td>'
        for role, look in theme.looks.items()
        if any(card.role == role for card in view.cards)
    ]
    if any(card.is_output for card in view.cards):
        cells.append('<td border="0">double border: result</td>')
    cells += [
        f'<td border="0"><font color="{line.color}">{line.sign}</font> {line.legend}</td>'
        for kind, line in theme.lines.items()
        if line.legend and any(edge.kind == kind for edge in view.edges)
    ]
    if any(card.value for card in view.cards):
        cells.append(f'<td border="0"><font color="{theme.value}"><b>value</b></font></td>')
    if any(card.gradient for card in view.cards):
        cells.append(f'<td border="0"><font color="{theme.gradient}"><b>gradient</b></font></td>')
    shaded = [f'<td bgcolor="{color}" border="0">{text_of(text)}</td>' for color, text in shades]
    said = [f'<font point-size="9" color="{theme.faint}">{text_of(note)}</font>' for note in notes if note]
    rows = [*_rows(cells), *_rows(shaded), *(_whole(text) for text in said)]
    body = "".join(f"<tr>{row}</tr>" for row in (_whole(f"<b>{text_of(view.name)}</b>"), *rows))
    return f'<<table border="0" cellborder="0" cellspacing="6" cellpadding="4">{body}</table>>'


def _rows(cells: Sequence[str]) -> list[str]:
    """Cells in rows of equal length."""
    filled = [*cells, *['<td border="0"></td>'] * (-len(cells) % PER_ROW)]
    return ["".join(filled[k : k + PER_ROW]) for k in range(0, len(filled), PER_ROW)]


def _whole(text: str) -> str:
    """A row that is one cell."""
    return f'<td border="0" colspan="{PER_ROW}" align="left">{text}</td>'


def scale_cells(scale: Scale, what: str) -> list[tuple[str, str]]:
    """Colors of a scale with where each begins."""
    bounds = [quantity(b, UNITS[what]) for b in scale.bounds]
    first = [(scale.colors[0], f"{what}: 0")]
    return first + [(c, f"{a} – {b}") for c, a, b in zip(scale.colors[1:], bounds, bounds[1:], strict=False)]


def size_note(names: Sequence[str]) -> str:
    """What named sizes were taken for."""
    return f"with {', '.join(f'{n} = {SIZE}' for n in names)}" if names else ""
