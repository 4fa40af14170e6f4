"""The DOT of a few drawings, kept: a change of the picture is seen in review."""

import difflib
import re
from pathlib import Path

import pytest
from pictured import NEURON, layers, mlp, neuron, product, rnn

HERE = Path(__file__).parent

PICTURES = {
    "product": lambda: product().draw(),
    "neuron_values": lambda: neuron().draw(view="forward", rankdir="LR", values=NEURON),
    "mlp_collapsed_dark": lambda: mlp().draw(depth=0, theme="dark", color_by="flops", sizes={"batch": 32}),
    "mlp_flow": lambda: mlp().draw(layout="flow", color_by="dtype", legend=False),
    "layers_folded": lambda: layers(5).draw(fold=True),
    "rnn_loop": lambda: rnn().draw(),
    "rnn_backward": lambda: rnn().draw(view="backward", depth=0),
}


@pytest.mark.parametrize("name", PICTURES)
def test_golden(name, request):
    path, text = HERE / "golden" / f"{name}.dot", PICTURES[name]().source
    text = re.sub(r"(\w+\.py):\d+", r"\1", text)
    if request.config.getoption("--update-golden", default=False):
        path.write_text(text, encoding="utf-8")
    kept = path.read_text(encoding="utf-8")
    difference = "\n".join(difflib.unified_diff(kept.splitlines(), text.splitlines(), "kept", "today", lineterm=""))
    assert not difference, f"{difference}\n\nif this is meant: pytest --update-golden"
