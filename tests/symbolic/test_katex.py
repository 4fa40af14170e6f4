"""KaTeX and pdflatex read what is printed. Where they are not installed the tests say so.

KaTeX is looked for in the folder that the variable KATEX names, then where `make browser-test` installs it.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from exercises import EXERCISES
from golden.models import MODELS
from support import concrete

import graphad as ga
from graphad.ops import ALL_OPS
from graphad.symbolic.equations import STYLES, equations

HERE = Path(__file__).parent
SCRIPT = HERE.parent / "browser" / "katex_check.mjs"
KATEX = Path(os.environ.get("KATEX") or HERE.parent / "browser" / "node_modules" / "katex")
MISSING = "" if (KATEX / "package.json").exists() else f"no KaTeX in {KATEX}: make browser-test"
MISSING = MISSING if shutil.which("node") else "there is no node"
needs_katex = pytest.mark.skipif(bool(MISSING), reason=MISSING)
needs_latex = pytest.mark.skipif(not shutil.which("pdflatex"), reason="there is no pdflatex")


def refused(formulas):
    """The formulas that KaTeX does not take, with its words."""
    run = subprocess.run(
        ["node", str(SCRIPT)],
        input=json.dumps(formulas),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=os.environ | {"KATEX": str(KATEX)},
    )
    return [(formulas[k], message) for k, message in json.loads(run.stdout)]


def formulas_of_ops():
    for op in ALL_OPS:
        for case in op.cases:
            call = concrete(op, case)
            graph = ga.Graph(call.inputs, [call.result])
            for style in STYLES:
                yield from (e.latex for e in equations(graph, style))


def formulas_of_models():
    for model in MODELS:
        function = model()
        yield from (g.to_latex(style) for g in (function.declared, function.graph) for style in ("matrix", "index"))
    for model in EXERCISES:
        loss, wanted, values = model()
        for style in STYLES:
            for worksheet in (False, True):
                text = ga.derivation(loss, wanted, style=style, values=values, worksheet=worksheet).markdown
                yield from text.replace("$$", "$").split("$")[1::2]


@needs_katex
def test_katex_reads_the_equations_of_all_ops():
    formulas = list(dict.fromkeys(formulas_of_ops()))
    assert len(formulas) > 2000
    assert refused(formulas) == []


@needs_katex
def test_katex_reads_models_and_derivations():
    formulas = list(dict.fromkeys(formulas_of_models()))
    assert len(formulas) > 100
    assert refused(formulas) == []


@needs_katex
def test_katex_refuses_what_is_wrong():
    assert len(refused([r"\left(x", r"\unknown{x}", "x_1_2", "x"])) == 3


@needs_latex
@pytest.mark.parametrize("model", EXERCISES, ids=lambda m: m.__name__)
def test_pdflatex_sets_derivations(model, tmp_path):
    loss, wanted, values = model()
    path = ga.derivation(loss, wanted, style="index", values=values, worksheet=True).save(tmp_path / "sheet.pdf")
    assert path.read_bytes().startswith(b"%PDF")


@needs_latex
def test_pdflatex_sets_the_equations_of_all_ops(tmp_path):
    rows = "\n".join(f"\\[ {f} \\]" for f in dict.fromkeys(f for f in formulas_of_ops() if len(f) < 300))
    source = "\\documentclass{article}\\usepackage{amsmath,amssymb}\\begin{document}\n" + rows + "\n\\end{document}"
    (tmp_path / "all.tex").write_text(source)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=120)
    assert run.returncode == 0, [line for line in run.stdout.splitlines() if line.startswith(("!", "l."))]
