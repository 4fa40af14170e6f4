"""Run the examples that draw, and keep the figures of docs/examples.md, made small: `make docs-figures` (minutes).

Arguments are names of examples; without any, all are run.
"""

import sys
from importlib import import_module
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))
KEPT = Path(__file__).parent / "examples"


def shrink(path: Path) -> None:
    """Write a figure or a film with 256 colors, a third of the bytes, into the folder of the documentation."""
    with Image.open(path) as image:
        frames = []
        for k in range(getattr(image, "n_frames", 1)):
            image.seek(k)
            frames.append(image.convert("RGB"))
        time = image.info.get("duration", 100)
    palette = frames[-1].quantize(256, method=Image.Quantize.FASTOCTREE)
    small = [f.quantize(palette=palette, dither=Image.Dither.NONE) for f in frames]
    film = {"save_all": True, "append_images": small[1:], "duration": time, "loop": 0} if len(small) > 1 else {}
    small[0].save(KEPT / path.name, optimize=True, **film)


def main(names: list[str]) -> None:
    """Run and keep."""
    KEPT.mkdir(exist_ok=True)
    out = ROOT / "build/figures"
    every = {p.stem: p.read_text() for p in (ROOT / "examples").glob("*.py")}
    drawing = sorted(name for name, text in every.items() if "save(fig" in text and name != "common")
    for name in names or drawing:
        print(f"{name}:")
        import_module(name).main(out)
    page = (ROOT / "docs/examples.md").read_text()
    for path in (*out.glob("*.png"), *out.glob("*.gif")):
        if f"/{path.name}" in page:
            shrink(path)


if __name__ == "__main__":
    main(sys.argv[1:])
