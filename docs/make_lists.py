"""Write docs/functions.md, docs/rules.md and docs/cli.md from docstrings and help texts (`make docs-lists`)."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

from graphad import fft, linalg, namespace, nn, optim, special, train
from graphad.cli.group import help_text, main
from graphad.ir.core import Op
from graphad.passes import factorizations, overlaps, unrolled
from graphad.passes.algebra import CLOSE, EXACT
from graphad.rules.einsums import BY_BLAS
from graphad.rules.engine import Rule, Table, merge, name_of
from graphad.rules.stable import STABLE

HERE = Path(__file__).parent
FUNCTIONS = """# Functions

Made by `make docs-lists` from the docstrings: `help(ga.pad)` shows all of one: shapes, errors, conventions.
"""
HEAD = """# Rewrite rules

Made by `make docs-lists` from the docstrings of `graphad/rules/`. [rewriting.md](rewriting.md) says when they apply.
"""
COMMANDS = """# The command line

Made by `make docs-lists` from the help texts; `graphad COMMAND --help` shows the same.
"""
SPACES = {
    "graphad": namespace,
    "graphad.linalg": linalg,
    "graphad.special": special,
    "graphad.fft": fft,
    "graphad.nn": nn,
    "graphad.nn.init": nn.init,
    "graphad.optim": optim,
    "graphad.optim.schedules": optim.schedules,
    "graphad.train": train,
    "graphad.train.augment": train.augment,
}
TABLES = {
    "Exact: the same bits, but for the sign of a zero": EXACT,
    "Stable: neither overflow nor cancellation; applied before differentiation, too": STABLE,
    "Close: up to rounding, and defined more often": CLOSE,
    "Last: up to rounding, by what all users of a node need": merge(
        unrolled.RULES, BY_BLAS, overlaps.RULES, factorizations.RULES
    ),
}


def doc_of(value: object) -> str:
    """The first paragraph of a docstring, on one line."""
    text = (value.doc if isinstance(value, Op) else inspect.getdoc(value)) or ""
    return text.split("\n\n")[0].replace("\n", " ").replace("|", "\\|")


def functions() -> str:
    """Every public function and what it is."""
    return page(FUNCTIONS, {f"## {title}": rows(module) for title, module in SPACES.items()}, "function | what it is")


def rows(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Name and first sentence of each function; another name of the same function is said to be one."""
    names = getattr(module, "__all__", [name for name in dir(module) if not name.startswith("_")])
    functions = {name: getattr(module, name) for name in names}
    functions = {name: f for name, f in functions.items() if isinstance(f, Op) or inspect.isfunction(f) or is_class(f)}
    own = {id(f): f.name if isinstance(f, Op) else f.__name__ for f in functions.values()}
    for name, function in sorted(functions.items()):
        first = own[id(function)]
        yield name, doc_of(function) if first not in functions or name == first else f"another name of `{first}`"


def is_class(value: object) -> bool:
    """Whether it is a class of graphad, such as a layer, which is called like a function, too."""
    return isinstance(value, type) and value.__module__.startswith("graphad.")


def rules() -> str:
    """Every rewrite rule and its equation."""
    tables = {f"## {title}": equations(table) for title, table in TABLES.items()}
    return page(HEAD, tables, "rule | equation and conditions")


def equations(table: Table) -> Iterator[tuple[str, str]]:
    """Name and equation of each rule in a table."""
    found: dict[str, Rule] = {name_of(rule): rule for rules in table.values() for rule in rules}
    for name, rule in sorted(found.items()):
        yield name, doc_of(rule)


def page(head: str, sections: Mapping[str, Iterator[tuple[str, str]]], columns: str) -> str:
    """A page with one table for each section."""
    tables = [
        f"{title}\n\n| {columns} |\n|---|---|\n" + "\n".join(f"| `{name}` | {text} |" for name, text in lines) + "\n"
        for title, lines in sections.items()
    ]
    return "\n".join([head, *tables])


def commands() -> str:
    """The help texts of all commands."""
    texts = {
        f"graphad {name}": help_text(command, f"graphad {name}") for name, command in sorted(main.commands.items())
    }
    parts = [f"## {name}\n\n```text\n{text}\n```\n" for name, text in texts.items()]
    return "\n".join([COMMANDS, f"```text\n{help_text(main, 'graphad')}\n```\n", *parts])


PAGES: dict[str, Callable[[], str]] = {"functions": functions, "rules": rules, "cli": commands}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (HERE / f"{name}.md").write_text(make(), encoding="utf-8")
