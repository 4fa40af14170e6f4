"""Make the gallery of operators, docs/gallery.md and its pictures: `make docs-gallery` (minutes).

One picture of four panels per operator, by family. Names as arguments make only these pictures.
"""

import io
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from PIL import Image

import graphad as ga
from graphad.draw.function_maps import function_map
from graphad.draw.function_panels import BLUE, GREEN, ORANGE, PURPLE, stretch_colors
from graphad.draw.style import LOOKS
from graphad.ir.core import Op
from graphad.ops import (
    contract,
    elementwise,
    kinks,
    linalg,
    log_domain,
    piecewise,
    powers,
    reduce,
    scan,
    sort,
    special,
    special_bessel,
    special_beta,
    special_gamma,
    steps,
    trigonometry,
)

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent / "gallery"
PAGE = ROOT / "docs/gallery.md"
DPI = 74

FAMILIES = {
    "Arithmetic and smooth functions": elementwise.OPS,
    "Powers, roots and logarithms": powers.OPS,
    "Trigonometry": trigonometry.OPS,
    "Kinks": kinks.OPS,
    "Steps": steps.OPS,
    "Comparisons and logic": piecewise.OPS,
    "Stable forms": log_domain.OPS,
    "Reductions of a vector": reduce.OPS,
    "Order and running totals": (*sort.OPS, *scan.OPS),
    "Linear maps and norms": (*contract.OPS, *linalg.OPS),
    "Error functions and the normal distribution": special.OPS,
    "Gamma functions": special_gamma.OPS,
    "Beta functions": special_beta.OPS,
    "Bessel functions": special_bessel.OPS,
}
ACTIVATIONS = "gelu silu elu selu mish leaky_relu hardtanh".split()
DOMAINS = {
    "tan": (-4, 4),
    "reciprocal": (-3, 3),
    "divide": ((-3, 3), (-3, 3)),
    "arctan2": ((-3, 3), (-3, 3)),
    "cbrt": (-3, 3),
    "erfcx": (-1, 3),
    "digamma": (-3.5, 4),
}
LEFT_OUT = set(
    """isnan isinf isfinite signbit nan_to_num real imag sum_n logical_not invert argsort all any argmin not_equal
    less_equal greater_equal round stop_gradient betaln loggamma""".split()
)


class Entry(NamedTuple):
    """One picture: what is shown, and what the page says of it."""

    family: str
    name: str
    function: object
    domain: object
    text: str


def entries() -> Iterator[Entry]:
    """All pictures, in the order of the page; of an op that no picture can show there is none."""
    for family, ops in FAMILIES.items():
        for op in ops:
            if op.name not in LEFT_OUT and can_be_shown(op):
                yield Entry(family, op.name, op, DOMAINS.get(op.name), first_line(op.doc))
    for name in ACTIVATIONS:
        function = getattr(ga.nn, name)
        yield Entry("Activations", f"nn.{name}", function, None, first_line(function.__doc__ or ""))
    for name, function, domain, text in USERS:
        yield Entry("Functions of your own", name, function, domain, text)


def can_be_shown(op: Op) -> bool:
    """Whether `plot_function` takes the op, without drawing it."""
    try:
        function_map(op)
    except ga.GraphadError:
        return False
    return True


def first_line(text: str) -> str:
    """The first sentence or so of a docstring."""
    return " ".join(text.split("\n\n")[0].split())


def wave(x: ga.Node) -> ga.Node:
    """A wave packet."""
    return ga.exp(-x * x / 2) * ga.sin(4 * x)


def polar(r: ga.Node, phi: ga.Node) -> tuple[ga.Node, ga.Node]:
    """Polar coordinates."""
    return r * ga.cos(phi), r * ga.sin(phi)


def valley(x: ga.Node, y: ga.Node) -> ga.Node:
    """Rosenbrock's valley."""
    return (1 - x) ** 2 + 5 * (y - x * x) ** 2


def layer(x: ga.Node) -> ga.Node:
    """A layer of two units."""
    return ga.tanh(np.array([[1.5, 0.5], [-0.5, 1.0]]) @ x + np.array([0.3, -0.2]))


USERS = (
    ("wave", wave, None, "A product: exp(-x²/2) · sin(4x)."),
    ("polar", polar, ((0, 2), (0, 2 * np.pi)), "From polar to Cartesian coordinates: areas grow with r."),
    ("valley", valley, ((-2, 2), (-1, 3)), "Rosenbrock's function: the gradient points across the valley."),
    ("layer", layer, None, "A layer with two inputs and two units."),
)


@cache
def palette() -> Image.Image:
    """The colors of all pictures: those of lines and cards with their blends into white, of the two scales, and grays.

    One palette for all keeps colors apart that mean different things; one of each picture's own would merge them.
    """
    lines = {BLUE, ORANGE, GREEN, PURPLE} | {color for look in LOOKS.values() for color in (look.fill, look.line)}
    stretch, _ = stretch_colors()
    found = [(1 - t) * np.array(to_rgb(color)) + t for color in sorted(lines) for t in (0, 0.35, 0.7)]
    found += [np.array(scale(t)[:3]) for scale in (stretch, colormaps["viridis"]) for t in np.linspace(0, 1, 40)]
    found = [color for color in found if color.min() < 0.96]  # beside white they would only make the paper gray
    found += [np.full(3, t) for t in np.linspace(0, 0.96, 24)] + [np.ones(3)]
    listed = np.round(255 * np.array(found)).astype(np.uint8)[:256]
    made = Image.new("P", (1, 1))
    made.putpalette(listed.tobytes() + listed[-1].tobytes() * (256 - len(listed)))
    return made


def picture(entry: Entry) -> bytes:
    """The four panels as a small PNG."""
    figure = ga.plot_function(entry.function, entry.domain)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=DPI, metadata={"Software": None})
    made = Image.open(buffer).convert("RGB").quantize(palette=palette(), dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    made.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def file_of(entry: Entry) -> Path:
    """Where the picture of an entry is."""
    return FOLDER / f"{entry.name.replace('.', '_')}.png"


HEAD = """# Gallery of operators

Made by `make docs-gallery`. Each picture is `ga.plot_function(f)`, four panels that say the same in four ways:

- **wiring**: the graph, with its gradient in orange where that is small;
- **equation**: the value and its derivative;
- **line to line**: where points of the input axis go; orange arrows where distances grow, blue ones where they shrink,
  dashed ones where the order is turned round. Beside it the curve: kinks are diamonds, the ends of jumps circles, poles
  dotted lines;
- **plane**: a grid and where it goes, colored by the change of area; functions that are differentiable in complex
  numbers act on the complex plane, others on both coordinates; of a function of two numbers the value and its gradient.
"""


def page() -> str:
    """The text of docs/gallery.md."""
    families: dict[str, list[Entry]] = {}
    for entry in entries():
        families.setdefault(entry.family, []).append(entry)
    anchors = ["".join(c for c in f.lower().replace(" ", "-") if c.isalnum() or c == "-") for f in families]
    parts = [HEAD, " · ".join(f"[{f}](#{a})" for f, a in zip(families, anchors, strict=True))]
    for family, found in families.items():
        parts.append(f"\n## {family}\n")
        for e in found:
            text = e.text.replace("|", "\\|").replace("*", "\\*")
            parts.append(f"### {e.name}\n\n{text}\n\n![four panels of {e.name}](images/gallery/{file_of(e).name})\n")
    return "\n".join(parts)


def main(names: list[str]) -> None:
    """Write the pictures, of all entries or those named, and the page."""
    warnings.simplefilter("error")
    FOLDER.mkdir(exist_ok=True)
    found = list(entries())
    for entry in found:
        if not names or entry.name in names:
            file_of(entry).write_bytes(picture(entry))
    for old in FOLDER.glob("*.png"):
        if old not in map(file_of, found):
            old.unlink()
    PAGE.write_text(page())


if __name__ == "__main__":
    main(sys.argv[1:])
