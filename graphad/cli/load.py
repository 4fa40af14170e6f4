"""What a target names: a Graph, a Function, a loss, or a function without arguments that returns one.

``FILE.py:NAME`` runs the file (its folder can be imported from, what it prints goes to the error stream);
``module:NAME`` imports a module; ``graph.json`` is a saved graph. Without a name it is the only Graph or Function.
"""

import importlib.util
import inspect
import linecache
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from graphad.cli.failing import Refused, did_you_mean, listed
from graphad.errors import GraphadError
from graphad.ir import serialize
from graphad.ir.core import Node
from graphad.ir.graph import Graph, toposort
from graphad.lower.compile import Function
from graphad.ops import BY_NAME

PACKAGE = str(Path(serialize.__file__).parents[1])
NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"


@dataclass(frozen=True)
class Loaded:
    """A graph by its name, the Function that it came from, if it came from one, and the file ("" for a module)."""

    name: str
    graph: Graph
    function: Function | None = None
    file: str = ""


def load(target: str) -> Loaded:
    """What a target names. Raises Refused saying what was found instead."""
    where, name = _split(target)
    if where.endswith(".json"):
        if name:
            raise Refused(f"{target}: a .json file holds one graph; leave out ':{name}'.")
        return _from_json(_existing(where))
    with _as_main_program(where):
        module = _run_file(_existing(where)) if where.endswith(".py") else _import(where)
        found, called = _look_up(vars(module), where, name) if name else _only(vars(module), where)
        result = _loaded(found, called, where)
    return replace(result, file=where) if where.endswith(".py") else result


def _split(target: str) -> tuple[str, str]:
    """The file or module, and the name behind the last colon ("" where there is none)."""
    match = re.fullmatch(rf"(.+):({NAME})", target)
    return (match[1], match[2]) if match else (target.removesuffix(":"), "")


def _existing(where: str) -> Path:
    path = Path(where)
    if path.is_file():
        return path
    folder = path.parent
    if not folder.is_dir():
        raise Refused(f"there is no file {where}: there is no folder {folder}.")
    others = sorted(p.name for p in folder.iterdir() if p.suffix == path.suffix)
    here = f" That folder has {listed(others)}." if others else f" That folder has no {path.suffix} files."
    raise Refused(f"there is no file {where}.{did_you_mean(path.name, others)}{here}")


def _from_json(path: Path) -> Loaded:
    try:
        graph = serialize.load(path, BY_NAME)
    except GraphadError as problem:
        raise Refused(f"{path}: {problem}") from problem
    return Loaded(graph.name, graph, file=str(path))


# Running the user's code --------------------------------------------------------------------------------------------


@contextmanager
def _as_main_program(where: str) -> Iterator[None]:
    """Imports look beside the file (or in the working folder); what is printed goes to the error stream."""
    folder = str(Path(where).resolve().parent) if where.endswith(".py") else ""
    sys.path.insert(0, folder)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.path.remove(folder)


def _run_file(path: Path) -> ModuleType:
    name = path.stem if path.stem not in sys.modules else f"{path.stem}_file"
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses and pickles look their module up
    try:
        _guarded(lambda: exec(compile(path.read_bytes(), str(path), "exec"), vars(module)), path.name, str(path))
    finally:
        del sys.modules[name]
    return module


def _import(name: str) -> ModuleType:
    if not re.fullmatch(NAME, name):
        hint = "A target is FILE.py:NAME, module:NAME or a graph's .json file"
        raise Refused(f"{name!r} is no target. {hint}.")
    try:
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}")
    except (ModuleNotFoundError, ValueError) as problem:
        beside = f" There is a file {name}.py here: write {name}.py." if Path(f"{name}.py").is_file() else ""
        hint = " A target is FILE.py:NAME, module:NAME or a graph's .json file."
        raise Refused(f"there is no module {name}.{beside or hint}") from problem
    found: ModuleType = _guarded(lambda: importlib.import_module(name), name, "")
    return found


def _guarded(run: Callable[[], Any], what: str, file: str) -> Any:
    """What ``run`` gives. Raises Refused naming the user's line when it raises."""
    try:
        return run()
    except (Exception, SystemExit) as problem:
        raise Refused(_story(problem, what, file)) from problem


def _story(problem: BaseException, what: str, file: str) -> str:
    """What the user's code raised, and at which of its lines."""
    if isinstance(problem, SyntaxError):
        text = f": {problem.text.strip()}" if problem.text else ""
        place = f"{Path(problem.filename or what).name}:{problem.lineno}" if problem.lineno else what
        return f"{place} is no Python: {problem.msg}{text}"
    if isinstance(problem, SystemExit):
        return f"{what} ends the program (exit code {problem.code}); put that under if __name__ == '__main__':"
    frames = traceback.extract_tb(problem.__traceback__)
    outside = [f for f in frames if not f.filename.startswith(PACKAGE)]
    last = ([f for f in frames if f.filename == file] or outside or list(frames))[-1]
    line = linecache.getline(last.filename, last.lineno or 0).strip()
    return f"{Path(last.filename).name}:{last.lineno}: {line}\n{type(problem).__name__}: {problem}"


# Names in it --------------------------------------------------------------------------------------------------------


def _look_up(names: Mapping[str, Any], where: str, name: str) -> tuple[Any, str]:
    first, *rest = name.split(".")
    if first not in names:
        known = _candidates(names)
        said = f" It has {listed(f'{n} ({kind})' for n, kind in known.items())}." if known else ""
        raise Refused(f"{where} has no name {first!r}.{did_you_mean(first, known)}{said}")
    value = names[first]
    for part in rest:
        if not hasattr(value, part):
            raise Refused(f"{where}: {first} ({type(value).__name__}) has no attribute {part!r}.")
        value = getattr(value, part)
    return value, name.rpartition(".")[2]


def _only(names: Mapping[str, Any], where: str) -> tuple[Any, str]:
    """The only Graph or Function; else the only loss."""
    kinds = _candidates(names)
    found = [n for n, kind in kinds.items() if kind in ("Graph", "Function")]
    found = found or [n for n, kind in kinds.items() if kind == "loss"]
    if len({id(names[n]) for n in found}) == 1:
        return names[found[0]], found[0]
    if found:
        choices = listed(f"{where}:{n} ({kinds[n]})" for n in found)
        raise Refused(f"{where} has several: say which. {choices}.")
    said = f" Say which: {listed(f'{where}:{n} ({kind})' for n, kind in kinds.items())}." if kinds else ""
    raise Refused(f"{where} has no Graph, Function or loss.{said}")


def _candidates(names: Mapping[str, Any]) -> dict[str, str]:
    """Names that may be targets, and what each is."""
    kinds = {n: _kind(v) for n, v in names.items() if not n.startswith("_")}
    ranks = ("Graph", "Function", "loss", "function", "node")
    return {n: kind for rank in ranks for n, kind in kinds.items() if kind == rank}


def _kind(value: Any) -> str:
    if isinstance(value, Graph | Function):
        return type(value).__name__
    if isinstance(value, Node):
        return "loss" if is_loss(value) and value.inputs else "node"
    return "function" if inspect.isfunction(value) and not _required(value) else ""


def is_loss(node: Node) -> bool:
    """Whether it is a real scalar, which can be differentiated."""
    return node.ndim == 0 and node.dtype.kind == "f"


def _required(function: Callable[..., Any]) -> list[str]:
    """The parameters without a default."""
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.default is p.empty and p.kind not in kinds]


def _loaded(value: Any, name: str, where: str) -> Loaded:
    if inspect.isfunction(value) or inspect.ismethod(value):
        if missing := _required(value):
            raise Refused(f"{where}: {name} needs arguments ({', '.join(missing)}); a target takes none.")
        value = _guarded(value, f"{where}:{name}", where)
    if isinstance(value, Graph):
        return Loaded(name, value)
    if isinstance(value, Function):
        return Loaded(name, value.declared, value)
    outputs = [value] if isinstance(value, Node) else list(value) if isinstance(value, list | tuple) else []
    if not outputs or not all(isinstance(y, Node) for y in outputs):
        raise Refused(f"{where}: {name} is of type {type(value).__name__}, not a Graph, a Function or a node.")
    return Loaded(name, graph_of(outputs, name))


def graph_of(outputs: list[Node], name: str) -> Graph:
    """The graph of some nodes: its inputs in the order in which they were declared."""
    inputs = [n for n in toposort(outputs) if "placeholder" in n.op.traits]
    try:
        return Graph(sorted(inputs, key=lambda n: n.origin.serial), outputs, name)
    except GraphadError as problem:
        raise Refused(f"{name}: {problem}") from problem
