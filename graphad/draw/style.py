"""How cards and lines look: colors that color-blind readers tell apart (after Okabe and Ito), a shape for each role.

Two themes. Within each, every text is dark on light or light on dark with a contrast of 4.5 at least; roles differ in
shape and border as well as in color.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

FONT = "Helvetica,Arial,sans-serif"
INK, FAINT, CLUSTER = "#222222", "#666666", "#9aa5b1"


@dataclass(frozen=True)
class Look:
    """Shape and colors of a role, and what the legend calls it; ``sign`` hints at the shape."""

    legend: str
    shape: str
    fill: str
    line: str
    sign: str
    style: str = "filled"
    margin: str = "0.12,0.05"


LOOKS = {
    "input": Look("input", "ellipse", "#d6e9f5", "#0072b2", "○", margin="0.02,0"),
    "parameter": Look("parameter", "hexagon", "#d3efe5", "#007a59", "⬡", margin="0,0"),
    "constant": Look("constant", "note", "#f0f0f0", "#8a8a8a", "▯"),
    "forward": Look("forward", "box", "#ffffff", "#444444", "▢", "filled,rounded"),
    "loss": Look("loss", "invhouse", "#f3dcea", "#9c3d78", "▽", margin="0.02,0.02"),
    "stub": Look("forward value", "box", "#fafafa", "#aaaaaa", "▢", "filled,rounded,dashed"),
    "backward": Look("backward", "box", "#fbe1d4", "#c2500a", "□"),
    "sum": Look("sum over uses", "octagon", "#ffe3a0", "#b87a00", "Σ", margin="0.02,0.02"),
    "box": Look("part of the forward pass", "box", "#eef2f6", "#444444", "▣", "filled,rounded,bold", "0.2,0.1"),
    "backward_box": Look("part of the backward pass", "box", "#f9d5c2", "#c2500a", "▣", "filled,bold", "0.2,0.1"),
    "kept": Look("as before", "box", "#ffffff", "#b0b0b0", "▢", "filled,rounded"),
    "changed": Look("changed: before → after", "box", "#ffedb3", "#b87a00", "▢", "filled,rounded,bold"),
    "added": Look("added", "box", "#cdeee0", "#007a59", "■", "filled,bold"),
    "removed": Look("removed", "box", "#f9dcd0", "#c2500a", "▢", "filled,rounded,dashed"),
}


@dataclass(frozen=True)
class Line:
    """How an edge is drawn, and what the legend calls it; ``sign`` is HTML."""

    legend: str
    color: str
    sign: str = "—&gt;"
    style: str = "solid"
    arrow: str = "normal"


LINES = {
    "forward": Line("", "#555555"),
    "backward": Line("", "#c2500a"),
    "use": Line("forward value used", "#b4b4b4"),
    "same": Line("", "#9a9a9a"),
    "new": Line("", "#007a59"),
    "gone": Line("gone", "#c2500a", "- - &gt;", "dashed"),
    "next": Line("next turn", "#0072b2", "- - &gt;", "dashed"),
    "adjoint": Line("adjoint of", "#8e4b7c", "· · &gt;", "dotted", "empty"),
}


@dataclass(frozen=True)
class Theme:
    """All colors of a drawing. ``ramp``: from little to much; ``classes``: of dtypes, by kind and size."""

    paper: str
    ink: str
    faint: str
    cluster: str
    frame: str  # the ground of a cluster
    value: str
    gradient: str
    looks: Mapping[str, Look]
    lines: Mapping[str, Line]
    ramp: tuple[str, ...]
    classes: Mapping[str, str]


_DARK = {
    "input": ("#123a54", "#56b4e9"),
    "parameter": ("#0c4133", "#35c79a"),
    "constant": ("#33383f", "#9aa2ab"),
    "forward": ("#272c33", "#c9d0d8"),
    "loss": ("#4a2540", "#e79fcb"),
    "stub": ("#20252b", "#7d868f"),
    "backward": ("#4b2817", "#f4935a"),
    "sum": ("#4d3d08", "#f0c94a"),
    "box": ("#343b44", "#c9d0d8"),
    "backward_box": ("#5b3019", "#f4935a"),
    "kept": ("#272c33", "#7d868f"),
    "changed": ("#4d3d08", "#f0c94a"),
    "added": ("#0c4133", "#35c79a"),
    "removed": ("#4b2817", "#f4935a"),
}
_DARK_LINES = {
    "forward": "#aab2bb",
    "backward": "#f4935a",
    "use": "#646d77",
    "same": "#7d868f",
    "new": "#35c79a",
    "gone": "#f4935a",
    "next": "#56b4e9",
    "adjoint": "#d78fbd",
}


def _classes(*colors: str) -> dict[str, str]:
    """Colors of dtypes; what is not listed has that of "other"."""
    kinds = ("float64", "float32", "float16", "int64", "int32", "bool", "complex128", "other")
    return dict(zip(kinds, colors, strict=True))


THEMES = {
    "light": Theme(
        "#ffffff",
        INK,
        FAINT,
        CLUSTER,
        "#f7f9fb",
        "#006b4f",
        "#b04300",
        LOOKS,
        LINES,
        ("#ffffff", "#e3eff8", "#bcdaf0", "#8fc2e6", "#62a9da", "#3f93cb"),
        _classes("#d6e9f5", "#b5d8ee", "#eaf4fa", "#ffe3a0", "#fff3d1", "#f3dcea", "#fbe1d4", "#e6e6e6"),
    ),
    "dark": Theme(
        "#1a1e23",
        "#eceff2",
        "#aeb6bf",
        "#59626c",
        "#1f242a",
        "#4fd6aa",
        "#ffa36b",
        {role: replace(look, fill=_DARK[role][0], line=_DARK[role][1]) for role, look in LOOKS.items()},
        {kind: replace(line, color=_DARK_LINES[kind]) for kind, line in LINES.items()},
        ("#22272d", "#1f3550", "#2b4a86", "#54479c", "#843e93", "#ad3a6e"),
        _classes("#123a54", "#1b5479", "#1c2c38", "#5a470a", "#3b3212", "#4a2540", "#4b2817", "#3a4047"),
    ),
}
