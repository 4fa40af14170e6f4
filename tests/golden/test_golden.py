"""Generated code is reviewed as code: it equals the kept text byte by byte. `make golden` accepts today's."""

import difflib
from pathlib import Path

import pytest

from golden.models import MODELS

HERE = Path(__file__).parent


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_generated_code(model, request):
    path, text = HERE / f"{model.__name__}.txt", model().source
    if request.config.getoption("--update-golden"):
        path.write_text(text)
    kept = path.read_text().splitlines()
    difference = "\n".join(difflib.unified_diff(kept, text.splitlines(), "kept", "today", lineterm=""))
    assert not difference, f"{difference}\n\nif this is meant: make golden"
