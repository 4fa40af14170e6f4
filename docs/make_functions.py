"""Write docs/functions.md: every public function with the first sentence of its docstring (`make docs-functions`)."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from graphad import fft, linalg, namespace, nn, special
from graphad.ir.core import Op

PAGE = Path(__file__).with_name("functions.md")
HEAD = """# Functions

Made by `make docs-functions` from the docstrings: `help(ga.pad)` shows all of one: shapes, errors, conventions.
"""


def doc_of(function: object) -> str:
    """The first paragraph of a docstring, on one line."""
    text = (function.doc if isinstance(function, Op) else inspect.getdoc(function)) or ""
    return text.split("\n\n")[0].replace("\n", " ").replace("|", "\\|")


def rows(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Name and first sentence of each function; another name of the same function is said to be one."""
    names = getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")])
    functions = {name: getattr(module, name) for name in names}
    functions = {name: f for name, f in functions.items() if isinstance(f, Op) or inspect.isfunction(f)}
    own = {id(f): f.name if isinstance(f, Op) else f.__name__ for f in functions.values()}
    for name, function in sorted(functions.items()):
        first = own[id(function)]
        yield name, doc_of(function) if first not in functions or name == first else f"another name of `{first}`"


def page() -> str:
    """The page as text."""
    parts = [HEAD]
    for title, module in (
        ("graphad", namespace),
        ("graphad.linalg", linalg),
        ("graphad.special", special),
        ("graphad.fft", fft),
        ("graphad.nn", nn),
    ):
        table = "\n".join(f"| `{name}` | {text} |" for name, text in rows(module))
        parts.append(f"## {title}\n\n| function | what it is |\n|---|---|\n{table}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
