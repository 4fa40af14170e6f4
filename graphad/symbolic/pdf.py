"""A derivation as PDF: set by pdflatex where there is one, else printed by a browser of the Chromium family."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from graphad.errors import GraphadError, MissingDependencyError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
QUIET = ("--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--no-pdf-header-footer")
_DATE = re.compile(rb"(/(?:CreationDate|ModDate) ?\(D:)\d{14}")


def pdf(latex: Callable[[], str], page: Callable[[], str]) -> bytes:
    """The document as PDF, from its LaTeX or from its page.

    Raises MissingDependencyError where neither pdflatex nor a browser is installed, GraphadError where they fail.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if program := shutil.which("pdflatex"):
            (place / "sheet.tex").write_text(latex(), encoding="utf-8")
            _run([program, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "sheet.tex"], place)
        elif browser := next(filter(None, map(shutil.which, BROWSERS)), None):
            (place / "sheet.html").write_text(page(), encoding="utf-8")
            root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # Chromium's rule for root
            home = [f"--user-data-dir={place / 'profile'}", "--print-to-pdf=sheet.pdf"]
            _run([browser, *QUIET, *root, *home, (place / "sheet.html").as_uri()], place)
        else:
            raise MissingDependencyError(
                "a PDF is set by pdflatex or printed by Chromium, and neither is installed",
                hint="install texlive-latex-recommended or chromium (Debian),\nor save as .html and print that",
            )
        return _DATE.sub(rb"\g<1>19700101000000", (place / "sheet.pdf").read_bytes())


def _run(command: Sequence[str], place: Path) -> None:
    """Run a program that writes sheet.pdf."""
    name = Path(command[0]).name
    known = {**os.environ, "SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1"}
    try:
        run = subprocess.run(
            command, cwd=place, env=known, capture_output=True, text=True, errors="replace", timeout=120, check=False
        )
    except subprocess.TimeoutExpired:
        raise GraphadError(
            f"{name} did not finish the document in 120 s", hint="save as .html and print that"
        ) from None
    if run.returncode or not (place / "sheet.pdf").exists():
        problem = next((line for line in run.stdout.splitlines() if line.startswith("!")), f"exit {run.returncode}")
        raise GraphadError(f"{name} did not set the document: {problem}", hint="save as .tex or .html and look at it")
