"""Make the pictures and the code block of the README: `make docs-images`."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))

sys.path.insert(0, str(Path(__file__).parent))

import tied_autoencoder  # noqa: E402
from pictures import PICTURES  # noqa: E402

import graphad as ga  # noqa: E402

MARK = re.compile(r"(<!-- generated: docs/images/make.py -->\n```python\n).*?(```\n)", re.S)


def generated_code() -> str:
    """The forward and backward pass of the example as graphad prints it."""
    graph = tied_autoencoder.declare()
    source = ga.compile(graph.inputs, graph.outputs, name="autoencoder", style="readable").source
    return source.removeprefix("import numpy as np\n\n\n")


def readme_with(code: str, readme: str) -> str:
    """The README with the code in its marked block."""
    return MARK.sub(lambda m: m[1] + code + m[2], readme)


def main() -> None:
    """Write the pictures beside this file and the code into the README."""
    graph, here = tied_autoencoder.declare(), Path(__file__).parent
    for view in ("forward", "backward", "joint"):
        for kind in ("svg", "png"):
            graph.save(here / f"{view}.{kind}", view=view)
    (here / "drawing").mkdir(exist_ok=True)
    for name, (make, options) in PICTURES.items():
        make().save(here / "drawing" / f"{name}.svg", **options)
    readme = ROOT / "README.md"
    readme.write_text(readme_with(generated_code(), readme.read_text()))


if __name__ == "__main__":
    main()
