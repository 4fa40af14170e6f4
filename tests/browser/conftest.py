"""A real Chromium for the tests of pages; where there is none, they are skipped, and say why.

With GRAPHAD_BROWSER_REQUIRED=1 a missing browser is a failure instead. `make browser-test` installs what is needed.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from page_models import blocks, chain, network, recurrent

sys.path.insert(0, str(Path(__file__).parent))  # `test_faults.py` calls the tests of the other files
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
QUIET += ["--disable-gpu", "--no-sandbox", "--disable-dev-shm-usage"]
DESKTOP = {"width": 1440, "height": 900}


def _missing(what: str) -> None:
    if os.environ.get("GRAPHAD_BROWSER_REQUIRED"):
        pytest.fail(what)
    pytest.skip(f"{what}: `make browser-test` installs it")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright is not installed")
    program = os.environ.get("GRAPHAD_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        _missing("there is no chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of the models, saved once."""
    folder = tmp_path_factory.mktemp("pages")
    graph, values = network()
    made = {"network": graph.save(folder / "network.html", values=values, profile=True)}
    made["recurrent"] = recurrent().save(folder / "recurrent.html")
    made["blocks"] = blocks(48).save(folder / "blocks.html", sizes={"batch": 16})
    made["chain"] = chain(420).save(folder / "chain.html")
    return made


class Opened:
    """A page in the browser, what it complained of and what it asked of the network."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("pageerror", lambda e: self.complaints.append(str(e)))
        page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("request", lambda r: self.requests.append(r.url))

    def open(self, path: Path) -> "Opened":
        """Load a file, and wait until all of it is there."""
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-ready=all]", state="attached")
        return self

    def key(self, title: str) -> str:
        """The key of what is drawn under a title."""
        found = self.page.evaluate(
            """(title) => [...document.querySelectorAll('[data-key]')].filter((e) =>
               e.querySelector('.title').textContent.replace(/^[▸▾↻] /, '') === title).map((e) => e.dataset.key)""",
            title,
        )
        assert found, f"nothing called {title} is drawn"
        return str(found[0])

    def keys(self, rest: str = "") -> list[str]:
        """The keys of all that is drawn, or of those that a selector fits."""
        found = self.page.eval_on_selector_all(f"[data-key]{rest}", "es => es.map(e => e.dataset.key)")
        return list(found)

    def titles(self, rest: str = "") -> set[str]:
        """The titles of what is drawn."""
        code = "es => es.map(e => e.querySelector('.title').textContent.replace(/^[▸▾↻] /, ''))"
        return set(self.page.eval_on_selector_all(f"[data-key]{rest}", code))

    def middle(self, key: str) -> tuple[float, float]:
        """The middle of a thing on the screen."""
        box = self.page.locator(f"[data-key={key}]").bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def click(self, title: str) -> None:
        """Click on a thing."""
        self.page.mouse.click(*self.middle(self.key(title)))

    def hover(self, title: str) -> None:
        """Point at a thing."""
        self.page.mouse.move(5, 5)
        self.page.mouse.move(*self.middle(self.key(title)))

    def search(self, text: str, enters: int = 1) -> None:
        """Type into the search field, and go to a hit."""
        self.page.fill("#search", text)
        for _ in range(enters):
            self.page.press("#search", "Enter")

    def lines(self, panel: str, kind: str) -> list[str]:
        """The lines of a panel that are lit."""
        return [t.strip() for t in self.page.locator(f"#{panel} .line.{kind} code").all_text_contents()]

    def text(self, selector: str) -> str:
        """The text of an element."""
        return str(self.page.locator(selector).inner_text())


@pytest.fixture
def open_page(chromium: Any, pages: dict[str, Path]) -> Iterator[Callable[..., Opened]]:
    """Opens one of the pages (or a file); after the test no page may have complained, or asked for anything else."""
    contexts, opened = [], []

    def open_(name: str | Path, **options: Any) -> Opened:
        context = chromium.new_context(**({"viewport": DESKTOP} | options))
        contexts.append(context)
        opened.append(Opened(context.new_page()))
        return opened[-1].open(pages[name] if isinstance(name, str) else name)

    yield open_
    for context in contexts:
        context.close()
    for one in opened:
        assert not one.complaints
        assert all(url.startswith(("file:", "data:")) for url in one.requests), one.requests


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What tests have measured."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "note":
                terminalreporter.write_line(text)
