"""How cards look: colours that colour-blind readers tell apart (after Okabe and Ito), and a shape for each role."""

from dataclasses import dataclass

FONT = "Helvetica,Arial,sans-serif"
INK, FAINT = "#222222", "#6b6b6b"


@dataclass(frozen=True)
class Look:
    """Shape and colours of a role, and what the legend calls it."""

    legend: str
    shape: str
    fill: str
    line: str
    style: str = "filled,rounded"


LOOKS = {
    "input": Look("input", "box", "#d6e9f5", "#0072b2"),
    "parameter": Look("parameter", "hexagon", "#d3efe5", "#007a59", "filled"),
    "constant": Look("constant", "box", "#f0f0f0", "#8a8a8a", "filled"),
    "forward": Look("forward", "box", "#ffffff", "#444444"),
    "stub": Look("forward value", "box", "#fafafa", "#aaaaaa", "filled,rounded,dashed"),
    "backward": Look("backward", "box", "#fbe1d4", "#c2500a", "filled"),
    "sum": Look("sum over uses", "ellipse", "#ffe3a0", "#b87a00", "filled"),
}
OUTPUT = "result"
EDGE, ADJOINT_EDGE, CLUSTER = "#555555", "#c2500a", "#9aa5b1"
