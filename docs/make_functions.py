"""Write docs/functions.md: every public function with the first sentence of its docstring (`make docs-functions`)."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from graphad import fft, linalg, namespace, nn, random, special
from graphad.ir.core import Op

PAGE = Path(__file__).with_name("functions.md")
HEAD = """# Functions

Made by `make docs-functions` from the docstrings: `help(ga.pad)` shows the rest of each, with shapes, errors and conventions.
"""


def doc_of(function: object) -> str:
    text = (function.doc if isinstance(function, Op) else inspect.getdoc(function)) or ""
    return text.split("\n\n")[0].replace("\n", " ").replace("|", "\\|")


def rows(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Name and first sentence of each function; another name of the same function is said to be one."""
    first: dict[int, str] = {}
    for name, value in sorted(
        vars(module).items(), key=lambda item: (item[0] != getattr(item[1], "__name__", item[0]), item[0])
    ):
        public = not name.startswith("_") and (isinstance(value, Op) or inspect.isfunction(value))
        if not public:
            continue
        yield name, f"another name of `{first[id(value)]}`" if id(value) in first else doc_of(value)
        first.setdefault(id(value), name)


def page() -> str:
    parts = [HEAD]
    for title, module in (
        ("graphad", namespace),
        ("graphad.linalg", linalg),
        ("graphad.special", special),
        ("graphad.fft", fft),
        ("graphad.nn", nn),
        ("graphad.random", random),
    ):
        table = "\n".join(f"| `{name}` | {text} |" for name, text in sorted(rows(module)))
        parts.append(f"## {title}\n\n| function | what it is |\n|---|---|\n{table}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
