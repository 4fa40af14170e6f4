"""docs/equations.md shows what its programs give today."""

import importlib.util
from pathlib import Path

PATH = Path(__file__).resolve().parents[2] / "docs" / "make_equations.py"


def test_the_page_is_current():
    spec = importlib.util.spec_from_file_location("make_equations", PATH)
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    assert make.PAGE.read_text(encoding="utf-8") == make.page(), "run make docs-lists"
