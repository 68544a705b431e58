"""HTML that a text cannot break, and what the main objects show in a notebook."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from html_page import Page

import qbat_circuits as qb
from qbat_circuits.markup import Markup, element, facts, grid, joined

EVIL = "<script>alert('1')</script>&\"$"


def test_a_text_is_escaped_and_markup_is_not() -> None:
    assert element("p", "a < b", element("b", "&")) == "<p>a &lt; b<b>&amp;</b></p>"
    made = element("p", None, 1.5, class_="x", aria_label=EVIL, hidden=True, title=None)
    assert made.startswith('<p class="x" aria-label="&lt;script&gt;alert(&#x27;1&#x27;)')
    assert made.endswith('&amp;&quot;$" hidden>1.5</p>')
    assert joined(["<", Markup("<br>"), None], ",") == "&lt;,<br>"


@pytest.mark.parametrize("build", [facts, lambda c, rows: grid(c, (EVIL, "b"), rows)])
def test_tables_have_captions_and_scopes(build: Any) -> None:
    page = Page.of(build(EVIL, [(EVIL, EVIL), ("a", 2)]))
    assert page.root.all("script") == []
    (table,) = page.root.all("table")
    assert table.all("caption")[0].text == EVIL
    assert [cell.text for cell in table.all("td")] == [EVIL, "2"]
    rows = [cell for cell in table.all("th") if cell.attributes["scope"] == "row"]
    assert [cell.text for cell in rows] == [EVIL, "a"]


@pytest.fixture(scope="module")
def objects() -> dict[str, tuple[Any, str]]:
    """The main objects, each with words that it must show."""
    calibration = qb.load_calibration("brisbane")
    device = qb.Device.from_calibration(
        calibration, qubits=[5, 7], tune_to_resonance=True, residual_population=0.01
    )
    battery = qb.Battery.from_device(device, qb.CollectiveBath(rate=6.3e6, occupation=1.0))
    curve = qb.charge(battery, np.linspace(0, 1e-6, 11))
    counts = qb.sample_counts(curve.states[curve.best], device.readout, 200, 1)
    estimate = qb.estimate_ergotropy(counts, device.readout)
    many = qb.Battery.identical(40, qb.CollectiveBath(1.0, 1.0), qb.LocalNoise(0.125))
    compared = qb.compare({"one": many, "two": many}, [0.0, 1.0])
    return {
        "calibration": (calibration, "127"),
        "device": (device, "HYPOTHETICAL (brisbane has no common line"),
        "battery": (battery, "2 of 2 levels"),
        "identical": (many, "0.125"),
        "curve": (curve, f"{curve.ergotropy.max():.4f} ħω̄"),
        "counts": (counts, f"{counts.shots.sum()} in all"),
        "estimate": (estimate, f"{estimate.low:.4f} to {estimate.high:.4f} ħω̄"),
        "comparison": (compared, f"{compared.rungs[0].ergotropy:.4f}"),
    }


@pytest.mark.parametrize(
    "name",
    ["calibration", "device", "battery", "identical", "curve", "counts", "estimate", "comparison"],
)
def test_an_object_shows_itself_as_a_small_table(
    name: str, objects: dict[str, tuple[Any, str]]
) -> None:
    one, words = objects[name]
    page = Page.of(one._repr_html_())
    assert words in page.root.text
    assert 0 < len(page.root.all("tr")) < 30


def test_cells_that_differ_are_listed_and_many_are_cut() -> None:
    noise = [qb.LocalNoise(0.01 * k) for k in range(15)]
    battery = qb.Battery.identical(15, qb.CollectiveBath(1.0, 1.0))
    page = Page.of(dataclasses.replace(battery, noise=tuple(noise))._repr_html_())
    assert "the first 12 of 15" in page.root.text
    assert "0.11" in page.root.text
    assert "0.12" not in page.root.text


def test_words_of_a_file_are_escaped(objects: dict[str, tuple[Any, str]]) -> None:
    counts, estimate = (
        dataclasses.replace(objects[name][0], origin=EVIL) for name in ("counts", "estimate")
    )
    for one in (counts, estimate):
        page = Page.of(one._repr_html_())
        assert page.root.all("script") == []
        assert EVIL in page.root.text
