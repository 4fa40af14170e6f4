"""Rendering: real drawings from whatever Graphviz is installed, and every way in which it can be missing or fail."""

import importlib.util
import re
import shlex
import shutil
import stat
import struct
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from graphad.draw import render as module
from graphad.draw.render import FORMATS, render
from graphad.errors import MAX_LINES, ArgumentError, ExportError, GraphadError, MissingDependencyError

SOURCE = """digraph mlp {
  node [shape=box, fontname="Courier", fontsize=11]
  subgraph cluster_0 { label="hidden · layer"; h [label="h = tanh(x @ W₁)\\nf64[batch, 32]"] }
  d [label="∂loss/∂W₁"]
  h -> d [label="×2"]
}"""
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(params=["dot", "pygraphviz"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each Graphviz that this machine has, in turn."""
    if request.param == "dot":
        if shutil.which("dot") is None:
            pytest.skip("no dot program")
    else:
        if importlib.util.find_spec("pygraphviz") is None:
            pytest.skip("no pygraphviz")
        monkeypatch.setattr(shutil, "which", lambda name: None)
    return str(request.param)


def fake_dot(folder: Path, body: str) -> None:
    """A program ``dot`` in ``folder`` that runs the Python statements ``body``."""
    script = folder / "dot.py"
    script.write_text(f"import os, sys, time\n{body}\n")
    program = folder / "dot"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(script))} "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def message(error: pytest.ExceptionInfo[GraphadError]) -> str:
    """The error's text, which must stay short."""
    text = str(error.value)
    assert len(text.splitlines()) <= MAX_LINES
    return text


@pytest.mark.usefixtures("backend")
class TestDrawing:
    def test_svg_holds_every_text(self) -> None:
        texts = [text.text for text in ElementTree.fromstring(render(SOURCE, "svg")).iter(f"{SVG}text")]
        assert sorted(texts, key=str) == sorted(
            ["hidden · layer", "h = tanh(x @ W₁)", "f64[batch, 32]", "∂loss/∂W₁", "×2"]
        )

    def test_png_is_complete(self) -> None:
        png = render(SOURCE, "png")
        width, height = struct.unpack(">II", png[16:24])
        assert png.startswith(b"\x89PNG\r\n\x1a\n")
        assert 100 < width < 600
        assert 100 < height < 600
        assert png.endswith(b"IEND\xaeB`\x82")

    def test_pdf_is_complete(self) -> None:
        pdf = render(SOURCE, "pdf")
        assert pdf.startswith(b"%PDF-")
        assert pdf.rstrip().endswith(b"%%EOF")
        (table,) = re.findall(rb"startxref\s+(\d+)", pdf)
        assert pdf[int(table) :].startswith(b"xref") or b" obj" in pdf[int(table) : int(table) + 20]

    @pytest.mark.parametrize("format", FORMATS)
    def test_the_same_source_gives_the_same_bytes(self, format: str) -> None:
        first = render(SOURCE, format)
        time.sleep(1.1 if format == "pdf" else 0)  # a PDF's date counts seconds
        assert render(SOURCE, format) == first

    @pytest.mark.parametrize("format", FORMATS)
    def test_nothing_is_printed(self, format: str, capfd: pytest.CaptureFixture[str]) -> None:
        render(SOURCE, format)
        assert capfd.readouterr() == ("", "")

    def test_a_long_chain(self) -> None:
        nodes = "".join(f"n{k} -> n{k + 1};" for k in range(2000))
        assert render(f"digraph {{ {nodes} }}", "svg").count(b'class="node"') == 2001

    @pytest.mark.parametrize(
        ("source", "said"),
        [
            ("digraph { a -> ; }", "syntax error in line 1"),
            ("digraph { a [label=<<table>x</table>>] }", "line 1"),
            ("", "Graphviz"),
        ],
        ids=["syntax", "markup", "empty"],
    )
    def test_bad_source(self, source: str, said: str) -> None:
        with pytest.raises(ExportError) as error:
            render(source, "svg")
        assert said in message(error)

    def test_timeout(self) -> None:
        with pytest.raises(ExportError, match="did not finish"):
            render(SOURCE, "svg", timeout=0.001)


def test_unknown_format() -> None:
    with pytest.raises(ArgumentError) as error:
        render(SOURCE, "bmp")
    assert "'bmp'" in message(error)
    assert "svg, png, pdf" in message(error)


def test_no_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError) as error:
        render(SOURCE, "svg")
    assert 'pip install "graphad[draw]"' in message(error)
    assert ".dot" in message(error)


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in program is a script")
class TestDotProgram:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A folder that is the whole PATH."""
        monkeypatch.setenv("PATH", str(tmp_path))
        return tmp_path

    def test_dot_comes_first_and_reads_the_source(self, folder: Path) -> None:
        fake_dot(folder, "sys.stdout.buffer.write(sys.argv[1].encode() + b' ' + sys.stdin.buffer.read())")
        assert render("digraph { ∂ }", "png").decode() == "-Tpng digraph { ∂ }"

    def test_warnings_are_not_errors(self, folder: Path) -> None:
        fake_dot(folder, "print('Warning: flat edge', file=sys.stderr); print('drawing')")
        assert render(SOURCE, "svg") == b"drawing\n"

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ("print('half'); sys.exit('Error: no such plugin')", "no such plugin"),
            ("print('half'); sys.exit(3)", "exit status 3"),
            ("pass", "exit status 0"),
            ("os.abort()", "exit status -6"),
            ("sys.exit('\\n'.join(['Error: ' + 500 * 'x'] * 50))", "xxx"),
        ],
        ids=["error", "status", "nothing", "crash", "flood"],
    )
    def test_failures_quote_dot(self, folder: Path, body: str, said: str) -> None:
        fake_dot(folder, body)
        with pytest.raises(ExportError) as error:
            render(SOURCE, "svg")
        assert said in message(error)

    @pytest.mark.parametrize("weakness", ["Error: lost n1 n2 edge", "Error: in routesplines, Pshortestpath failed"])
    def test_straight_lines_where_curves_fail(self, folder: Path, weakness: str) -> None:
        fake_dot(folder, f"print(sys.argv[1:]) if '-Gsplines=line' in sys.argv else sys.exit({weakness!r})")
        assert render(SOURCE, "svg") == b"['-Tsvg', '-Gsplines=line']\n"

    def test_ranks_within_clusters_where_those_across_fail(self, folder: Path) -> None:
        failing = "sys.exit('Error: trouble in init_rank') if b'newrank=true' in source else print(source)"
        fake_dot(folder, f"source = sys.stdin.buffer.read(); {failing}")
        assert b"newrank=false" in render("digraph {\n\tgraph [newrank=true]\n}", "svg")

    def test_a_hanging_dot_is_stopped(self, folder: Path) -> None:
        fake_dot(folder, "time.sleep(60)")
        started = time.monotonic()
        with pytest.raises(ExportError, match=r"in 0\.5 s"):
            render(SOURCE, "svg", timeout=0.5)
        assert time.monotonic() - started < 20

    def test_pdf_dates_are_removed_in_place(self, folder: Path) -> None:
        dated = b"<< /Producer (cairo)\n /CreationDate (D:20261121012649Z)\n>>"
        fake_dot(folder, f"sys.stdout.buffer.write({dated!r})")
        pdf = render(SOURCE, "pdf")
        assert b"2026" not in pdf
        assert len(pdf) == len(dated)
