"""The report in a real browser: `make test-browser` (needs Chromium, so `make test` leaves it out).

Screenshots lie in build/screenshots afterwards, to be looked at.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(Path(__file__).parent)]

from chromium import Chromium  # noqa: E402
from saved_results import write_every_kind  # noqa: E402

import qbat_circuits as qb  # noqa: E402

PICTURES = ROOT / "build" / "screenshots"
PHONE, DESKTOP = (360, 740), (1280, 900)
KINDS = ("run", "ideal", "collision", "plan", "comparison", "fit", "sweep", "all")
#: Boxes that stick out of the page, the contents of tables that scroll aside.
_TOO_WIDE = """
[...document.querySelectorAll('main *')].filter(e => !e.closest('.wide, svg, pre')
  && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName)
"""
_HIDDEN_WORDS = """
[...document.querySelectorAll('.wide')].filter(e => e.scrollWidth > e.clientWidth + 1)
  .map(e => e.getAttribute('aria-label'))
"""
_SMALLEST = """
Math.min(...[...document.querySelectorAll('figure svg')].map(e => e.getBoundingClientRect().width))
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    results = write_every_kind(tmp_path_factory.mktemp("results"))
    for name, place in results.items():
        qb.report(place, folder / f"{name}.html")
    qb.report(list(results.values()), folder / "all.html")
    PICTURES.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("name", KINDS)
def test_it_opens_without_complaint_and_fits(
    name: str, size: tuple[int, int], scheme: str, pages: Path, browser: Chromium
) -> None:
    browser.complaints.clear()
    browser.open(pages / f"{name}.html", *size, scheme)
    browser.picture(PICTURES / f"{name}-{size[0]}-{scheme}.png")
    assert browser.complaints == []
    assert browser.run("document.documentElement.scrollWidth") == size[0]
    assert browser.run(_TOO_WIDE) == []
    assert browser.run(_SMALLEST) >= min(size[0] - 60, 500)
    ink, paper = (browser.run(f"getComputedStyle(document.body).{w}") for w in _COLOURS)
    assert (brightness(ink) < brightness(paper)) == (scheme == "light")
    if size == DESKTOP:
        assert browser.run(_HIDDEN_WORDS) == []


_COLOURS = ("color", "backgroundColor")


def brightness(colour: str) -> int:
    """Sum of the parts of "rgb(r, g, b)"."""
    return sum(map(int, colour[4:-1].split(",")))


@pytest.mark.parametrize("name", KINDS)
def test_it_prints(name: str, pages: Path, browser: Chromium) -> None:
    """On light paper, whatever the screen has, with everything that is folded on a screen."""
    browser.open(pages / f"{name}.html", *DESKTOP, "dark")
    file = PICTURES / f"{name}.pdf"
    browser.printed(file)
    assert file.read_bytes().startswith(b"%PDF")
    assert browser.complaints == []


def test_a_page_that_asks_for_more_is_caught(tmp_path: Path, browser: Chromium) -> None:
    """What this file relies on: a complaint is heard."""
    page = tmp_path / "page.html"
    page.write_text('<img src="http://example.invalid/a.png"><script>console.error("no")</script>')
    browser.complaints.clear()
    browser.open(page, *PHONE)
    heard = " ".join(browser.complaints)
    browser.complaints.clear()
    assert "example.invalid" in heard
    assert "no" in heard
