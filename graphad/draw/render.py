"""Render DOT source to SVG, PNG or PDF bytes with whichever Graphviz is at hand.

The system's ``dot`` program comes first; without one, the Graphviz that pygraphviz 2 brings in its wheel does the work.
Either runs in a process of its own, because Graphviz is not safe to call from several threads, writes its complaints
straight to the terminal, and may take minutes or crash on a large graph. The same source and the same Graphviz give the
same bytes. Writing the source itself (``.dot``) needs none of this: see ``dot.py``.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from graphad.errors import ArgumentError, ExportError, MissingDependencyError

FORMATS = ("svg", "png", "pdf")
WEAKNESSES = ("routesplines", "init_rank", "lost")  # of Graphviz, as it words them

_PYGRAPHVIZ_DOT = """\
import sys, pygraphviz
source = sys.stdin.buffer.read().decode()
graph, options = pygraphviz.AGraph(string=source), " ".join(sys.argv[2:])
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot", args=options))
"""

_PYGRAPHVIZ_PLACES = """\
import sys, pygraphviz
options = " ".join(sys.argv[2:])
for source in sys.stdin.buffer.read().decode().split("\\0"):
    sys.stdout.buffer.write(pygraphviz.AGraph(string=source).draw(format="plain", prog="dot", args=options))
"""


def places(sources: Sequence[str], *, timeout: float = 120.0) -> list[str]:
    """Where Graphviz puts the nodes and edges of each of some graphs in DOT, in its format "plain".

    One process lays out all of them; curves become straight lines where Graphviz cannot draw them. Raises what `render`
    raises.

    >>> places(["digraph { x -> y }"])[0].split()[0]
    'graph'
    """
    if not sources:
        return []
    command = _graphviz("plain")
    text = ("\n" if "-Tplain" in command else "\0").join(sources)
    try:
        said = _run(command, text, "a page", timeout / 2)
    except _WeaknessError:
        said = _run([*command, "-Gsplines=line"], text, "a page", timeout / 2)
    return [part.lstrip() for part in said.decode().split("\nstop\n")[:-1]]


def render(dot_source: str, format: str, *, timeout: float = 120.0) -> bytes:
    """The content of a ``format`` file ("svg", "png" or "pdf") with the drawing of ``dot_source``, one graph in DOT.

    Where Graphviz loses an edge, crashes, or takes more than a quarter of the time, it is asked for straight lines, and
    then for ranks within clusters only.

    Raises ``ArgumentError`` for another format, ``MissingDependencyError`` when there is neither a ``dot`` program nor
    pygraphviz, and ``ExportError`` when Graphviz rejects the source, fails, or takes more than ``timeout`` seconds.

    >>> render("digraph { x -> y }", "svg").startswith(b"<?xml")
    True
    """
    if format not in FORMATS:
        formats = ", ".join(FORMATS)
        raise ArgumentError(f"cannot draw a graph as {format!r}", hint=f"the formats drawn by Graphviz are {formats}")
    command, lines = _graphviz(format), ["-Gsplines=line"]
    loose = re.sub(r"^(\tgraph \[[^\n]*)newrank=true", r"\1newrank=false", dot_source, count=1, flags=re.M)
    attempts = [(command, dot_source, 0.25), ([*command, *lines], dot_source, 0.5), ([*command, *lines], loose, 0.25)]
    for program, source, share in attempts:
        try:
            return _run(program, source, format, timeout * share)
        except _WeaknessError as error:
            problem = error
    if isinstance(problem, _SlowError):
        hint = "draw a smaller graph or a collapsed view; the .dot format needs no layout"
        raise ExportError(f"Graphviz did not finish the layout in {timeout:g} s", hint=hint)
    raise problem


class _WeaknessError(ExportError):
    """Graphviz lost an edge or crashed: on curves around many cards, or on ranks across clusters."""


class _SlowError(_WeaknessError):
    """Graphviz took too long."""


def _run(command: Sequence[str], dot_source: str, format: str, timeout: float) -> bytes:
    """What Graphviz writes."""
    environment = {**os.environ, "TZ": "UTC"}  # a PDF's date would show the local time zone
    try:
        done = subprocess.run(
            command, input=dot_source.encode(), capture_output=True, timeout=timeout, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        raise _SlowError("Graphviz did not finish the layout") from None
    lines = done.stderr.decode(errors="replace").splitlines()
    complaints = [line for line in lines if not line.startswith("Fontconfig")]  # about the system, not the graph
    # pygraphviz returns a drawing, and no failure, after an error in an HTML-like label.
    errors = [line for line in complaints if line.startswith("Error")]
    if done.returncode or errors or not done.stdout:
        said = errors or complaints[-1:] or [f"exit status {done.returncode}"]
        where = [("Graphviz", line[:100]) for line in said[:3]]
        hint = "save it as .dot to see the source"
        known = done.returncode < 0 or any(sign in line for line in errors for sign in WEAKNESSES)
        kind = _WeaknessError if known else ExportError
        raise kind(f"Graphviz could not draw the graph as {format}", where=where, hint=hint)
    return _undated(done.stdout) if format == "pdf" else done.stdout


def _graphviz(format: str) -> list[str]:
    """The command that reads DOT source and writes the drawing."""
    if program := shutil.which("dot"):
        return [program, f"-T{format}"]
    if find_spec("pygraphviz") and sys.executable:
        script = _PYGRAPHVIZ_PLACES if format == "plain" else _PYGRAPHVIZ_DOT
        return [sys.executable, "-P", "-c", script, format]  # -P: no file of the user's folder is imported
    hint = 'pip install "graphad[draw]", or install your system\'s graphviz;\nthe .dot format works without either'
    raise MissingDependencyError(f"drawing a graph as {format} needs Graphviz, which is not installed", hint=hint)


def _undated(pdf: bytes) -> bytes:
    """``pdf`` with its creation date set to a fixed one of the same length (a PDF holds byte offsets)."""
    return re.sub(rb"(/CreationDate \(D:)\d{14}", rb"\g<1>19700101000000", pdf)
