"""Generated code is reviewed as code: it equals the kept text byte by byte. `make golden` accepts today's."""

import difflib
from pathlib import Path

import pytest

from golden.models import FAST, MODELS

HERE = Path(__file__).parent


CASES = [(model, "readable", model.__name__) for model in MODELS]
CASES += [(model, "fast", f"{model.__name__}_fast") for model in FAST]


@pytest.mark.parametrize(("model", "style", "name"), CASES, ids=[name for _, _, name in CASES])
def test_generated_code(model, style, name, request):
    path, text = HERE / f"{name}.txt", model(style).source
    if request.config.getoption("--update-golden"):
        path.write_text(text)
    kept = path.read_text().splitlines()
    difference = "\n".join(difflib.unified_diff(kept, text.splitlines(), "kept", "today", lineterm=""))
    assert not difference, f"{difference}\n\nif this is meant: make golden"
