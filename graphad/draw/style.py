"""How cards and lines look: colors that color-blind readers tell apart (after Okabe and Ito), a shape for each role."""

from dataclasses import dataclass

FONT = "Helvetica,Arial,sans-serif"
INK, FAINT, CLUSTER = "#222222", "#6b6b6b", "#9aa5b1"


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
    "stub": Look("forward value", "box", "#fafafa", "#aaaaaa", "▢", "filled,rounded,dashed"),
    "backward": Look("backward", "box", "#fbe1d4", "#c2500a", "□"),
    "sum": Look("sum over uses", "octagon", "#ffe3a0", "#b87a00", "Σ", margin="0.02,0.02"),
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
    "adjoint": Line("adjoint of", "#8e4b7c", "- - &gt;", "dashed", "empty"),
}
