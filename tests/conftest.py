"""Shared options of the tests; `support.py` beside this file has the shared helpers."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # import-mode importlib leaves it out: `from support import ...`
collect_ignore_glob = ["*/make_*.py"]  # they write reference numbers by packages that the tests do not need


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files anew instead of comparing")
    parser.addoption("--cases", help="another folder of outside cases for tests/conformance")
