"""What the documentation says is tried: code runs, generated code is current, links lead somewhere, names exist."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from example_budgets import PLAIN

import graphad as ga

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def blocks(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.S)


def test_readme_example_runs(capsys):
    example = next(b for b in blocks(ROOT / "README.md") if "ga.compile" in b)
    assert len([line for line in example.splitlines() if line.strip()]) <= 20
    scope: dict = {}
    exec(compile(example, "README.md", "exec"), scope)
    np.testing.assert_allclose(scope["weights"], [1, -2, 0.5], atol=1e-3)
    assert "def step(x, y, w, work=None):" in capsys.readouterr().out


def test_readme_network_learns_and_is_exported(tmp_path, monkeypatch):
    example = next(b for b in blocks(ROOT / "README.md") if "train.fit" in b)
    assert len([line for line in example.splitlines() if line.strip()]) <= 15
    monkeypatch.chdir(tmp_path)
    scope: dict = {}
    exec(compile(example, "README.md", "exec"), scope)
    assert scope["result"].history.column("val_accuracy").max() > 0.96
    assert (tmp_path / "digits.npz").exists()
    done = subprocess.run([sys.executable, "digits_step.py", "--self-check"], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_readme_shows_what_is_to_be_seen(tmp_path, monkeypatch, capsys):
    example = next(b for b in blocks(ROOT / "README.md") if "ga.derivation" in b)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
    said = capsys.readouterr().out
    assert "-0.2439" in said  # d_w for a sigmoid at -1.5: (0.1824 - 1) · 0.1824 · 0.8176 · 2
    assert "chain rule through sigmoid" in said
    assert {path.name for path in tmp_path.iterdir()} == {"neuron.svg", "neuron.html"}


def test_readme_shows_todays_generated_code():
    spec = importlib.util.spec_from_file_location("make_images", ROOT / "docs/images/make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    readme = (ROOT / "README.md").read_text()
    assert make.readme_with(make.generated_code(), readme) == readme, "run make docs-images"
    assert make.generated_code() in readme


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_to_files_and_names_exist(page):
    text = page.read_text()
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target
    for name in re.findall(r"\bga\.(\w+)", text):
        assert hasattr(ga, name), f"ga.{name}"


def test_adding_an_op_is_one_block_that_works():
    (block,) = blocks(ROOT / "docs/adding_an_op.md")
    scope: dict = {}
    exec(compile(block, "adding_an_op.md", "exec"), scope)
    x, y = ga.input("x"), ga.input("y")
    length = scope["hypot"](x, y)
    f = ga.compile([x, y], [length, *ga.grad(length, [x, y])])
    np.testing.assert_allclose([float(v) for v in f(3.0, 4.0)], [5.0, 0.6, 0.8])


def load(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["functions", "rules", "cli"])
def test_the_list_is_current(name):
    assert load(ROOT / "docs/make_lists.py").PAGES[name]() == (ROOT / f"docs/{name}.md").read_text(), "make docs-lists"


def test_the_gallery_lists_what_is_drawn():
    gallery = load(ROOT / "docs/images/make_gallery.py")
    assert gallery.page() == (ROOT / "docs/gallery.md").read_text(), "make docs-gallery"
    files = [gallery.file_of(entry) for entry in gallery.entries()]
    assert sorted(files) == sorted((ROOT / "docs/images/gallery").glob("*.png"))
    assert sum(f.stat().st_size for f in files) < 4e6
    assert all(f.read_bytes().startswith(b"\x89PNG") for f in files)


@pytest.mark.parametrize("name", ["sin", "maximum", "logsumexp", "layer"])  # tests/draw: all functions, no pictures
def test_a_picture_of_the_gallery_can_be_made(name):
    gallery = load(ROOT / "docs/images/make_gallery.py")
    (entry,) = (e for e in gallery.entries() if e.name == name)
    data = gallery.picture(entry)
    assert data.startswith(b"\x89PNG") and 5_000 < len(data) < 80_000


@pytest.mark.parametrize("block", blocks(ROOT / "docs/rewriting.md"))
def test_examples_of_rewriting_run(block, capsys):
    exec(compile(block, "rewriting.md", "exec"), {})
    assert capsys.readouterr().out


def test_architecture_names_every_module():
    text = (ROOT / "docs/architecture.md").read_text()
    missing = [p.name for p in (ROOT / "graphad").rglob("*.py") if p.name != "__init__.py" and p.name not in text]
    assert missing == []


@pytest.mark.parametrize("name", PLAIN)  # the others: tests/examples
def test_example_runs(name):
    path = str(ROOT / f"examples/{name}.py")
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "def " in done.stdout
