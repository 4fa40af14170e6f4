"""The legend: a sample of each role and line that occurs, the scale of colors, and what the widths mean."""

from collections.abc import Sequence

from graphad.draw.labels import text_of
from graphad.draw.measures import SIZE, UNITS, Scale, quantity
from graphad.draw.style import Theme
from graphad.draw.view import View

PER_ROW = 6
SLOPE = "∂ "  # before a gradient where colors say something else


def legend_of(
    view: View, theme: Theme, shades: Sequence[tuple[str, str]], notes: Sequence[str], said_first: str = "value"
) -> str:
    """An HTML-like label. ``shades``: colors and what they say; ``notes``: sentences below.

    ``said_first``: what the first number of a card is, before its gradient.
    """
    cells = [
        f'<td bgcolor="{theme.paper if shades else look.fill}" color="{look.line}" border="1">'
        f'<font color="{look.line}">{look.sign}</font> {look.legend}</td>'
        for role, look in theme.looks.items()
        if any(card.role == role for card in view.cards)
    ]
    said = ["double border: result"] if any(card.is_output for card in view.cards) else []
    said += [
        f'<font color="{line.color}">{line.sign}</font> {line.legend}'
        for kind, line in theme.lines.items()
        if line.legend and any(edge.kind == kind for edge in view.edges)
    ]
    colors = (theme.ink, theme.ink) if shades else (theme.value, theme.gradient)
    if any(card.value for card in view.cards):
        said.append(f'<font color="{colors[0]}"><b>{said_first}</b></font>')
    if any(card.gradient for card in view.cards):
        said.append(f'<font color="{colors[1]}"><b>{SLOPE if shades else ""}gradient</b></font>')
    shaded = [f'<td bgcolor="{color}" border="0">{text_of(text)}</td>' for color, text in shades]
    small = [f'<font point-size="9" color="{theme.faint}">{text_of(note)}</font>' for note in notes if note]
    lines = ["&nbsp;&nbsp;&nbsp;&nbsp;".join(said[k : k + 5]) for k in range(0, len(said), 5)]
    rows = [f"<b>{text_of(view.name)}</b>", *_tables(cells), *_tables(shaded), *lines, *small]
    body = "".join(f'<tr><td align="left">{row}</td></tr>' for row in rows)
    return f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="3">{body}</table>>'


def _tables(cells: Sequence[str]) -> list[str]:
    """Cells in rows of about the same width, for Graphviz stretches a table to the width of the widest."""
    rows = -(-len(cells) // PER_ROW)
    per = -(-len(cells) // rows) if rows else 1
    start = '<table border="0" cellborder="0" cellspacing="6" cellpadding="4"><tr>'
    return [f"{start}{''.join(cells[k : k + per])}</tr></table>" for k in range(0, len(cells), per)]


def scale_cells(scale: Scale, what: str) -> list[tuple[str, str]]:
    """Colors of a scale with where each begins."""
    bounds = [quantity(b, UNITS[what]) for b in scale.bounds]
    first = [(scale.colors[0], f"{what}: 0")]
    return first + [(c, f"{a} – {b}") for c, a, b in zip(scale.colors[1:], bounds, bounds[1:], strict=False)]


def size_note(names: Sequence[str]) -> str:
    """What named sizes were taken for."""
    return f"with {', '.join(f'{n} = {SIZE}' for n in names)}" if names else ""
