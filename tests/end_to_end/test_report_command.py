"""`qbat report`: the page is valid, holds the numbers of its files, and reaches everybody."""

from __future__ import annotations

import json
import math
import re
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from html_page import Element, Page
from saved_results import write_every_kind

import qbat_circuits as qb
from qbat_circuits.cli import main
from qbat_circuits.json_files import json_bytes
from qbat_circuits.show.report import page as report_page
from qbat_circuits.show.report.page import MAX_BYTES, report_html
from qbat_circuits.study.saved import load_result

KINDS = ("run", "ideal", "collision", "plan", "comparison", "fit", "sweep")
#: Those of the page with more than one.
TOGETHER = ("run", "plan", "sweep")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_every_kind(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def pages(results: dict[str, Path]) -> dict[str, Page]:
    found = {name: Page.of(report_html(place)) for name, place in results.items()}
    return {**found, "all": Page.of(report_html([results[name] for name in TOGETHER]))}


def qbat(capsys, monkeypatch, *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    monkeypatch.setattr("sys.argv", ["qbat", "report", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


def shown(page: Page) -> list[tuple[float, str]]:
    """Every number of a page: the exact one and its text."""
    return [(float(str(d.attributes["value"])), d.text) for d in page.root.all("data")]


@pytest.mark.parametrize("name", [*KINDS, "all"])
def test_a_page_needs_nothing_else(name: str, pages: dict[str, Page]) -> None:
    page = pages[name]
    assert len(page.source.encode()) < MAX_BYTES
    for banned in ("script", "link", "iframe", "object", "embed", "form", "base"):
        assert page.root.all(banned) == []
    everything = [page.root]
    while everything:
        one = everything.pop()
        everything += one.children
        for attribute, value in one.attributes.items():
            assert not attribute.startswith("on")
            if attribute in ("src", "href", "srcset", "action", "poster"):
                assert str(value).startswith(("#", "data:image/png"))
    assert not re.search(r"url\((?!#)|@import", page.source)
    assert "default-src 'none'" in page.source


@pytest.mark.parametrize("name", [*KINDS, "all"])
def test_everything_is_named_and_found(name: str, pages: dict[str, Page]) -> None:
    """Ids are unique; what points to one finds it; figures have a size and words, tables scopes."""
    page = pages[name]
    assert [one for one, times in page.ids.items() if times > 1] == []
    wanted = set(re.findall(r'(?:href="|url\()#([^")]+)', page.source))
    for labels in re.findall(r'aria-labelledby="([^"]+)"', page.source):
        wanted |= set(labels.split())
    assert wanted <= set(page.ids)
    for picture in page.pictures:
        assert picture.get("role") == "img"
        assert int(picture.get("width", "0")) > 200
        assert int(picture.get("height", "0")) > 50
        assert len(picture.findtext("title") or "") > 2
        assert len(picture.findtext("desc") or "") > 10
    figures = page.root.all("figure")
    assert len(figures) == len(page.pictures) > 0
    assert all(len(one.all("figcaption")[0].text) > 10 for one in figures)
    assert all(cell.attributes.get("scope") in ("row", "col") for cell in page.root.all("th"))
    levels = [int(h) for h in re.findall(r"<h([1-6])", page.source)]
    assert levels[0] == levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


@pytest.mark.parametrize("name", [*KINDS, "all"])
def test_every_text_is_its_number(name: str, pages: dict[str, Page]) -> None:
    """What is read differs from the exact number behind it by less than its last digit."""
    scales = {"%": 1e-2, "µs": 1e-6}
    numbers = shown(pages[name])
    assert numbers
    for value, text in numbers:
        digits, unit = re.fullmatch(r"([+−]?[\d.]+(?:e[+−]?\d+)?) ?(\D*)", text).groups()
        digits = digits.replace("−", "-")
        mantissa, _, power = digits.partition("e")
        places = len(mantissa.partition(".")[2])
        last = 10.0 ** (int(power or 0) - places)
        scale = scales.get(unit, 1.0)
        assert abs(float(digits) * scale - value) <= 0.5001 * last * scale + 1e-12 * abs(value), (
            text
        )


def leaves(content: Any) -> set[float]:
    """Every number of a JSON file."""
    if isinstance(content, dict):
        return set().union(*map(leaves, content.values())) if content else set()
    if isinstance(content, list):
        return set().union(*map(leaves, content)) if content else set()
    return {float(content)} if isinstance(content, int | float) else set()


@pytest.mark.parametrize("name", ["run", "ideal", "collision", "plan", "comparison", "fit"])
def test_numbers_are_those_of_the_file(
    name: str, pages: dict[str, Page], results: dict[str, Path]
) -> None:
    content = load_result(results[name]).content
    known = leaves(content)
    scaled = {1e6 * x for x in known} | {1e-9 * x for x in known}
    values = [value for value, _ in shown(pages[name])]
    strange = [v for v in values if v not in known and not any(math.isclose(v, s) for s in scaled)]
    assert strange == []
    key = {
        "plan": lambda: [content["ergotropy"], content["precision"]["low"]],
        "comparison": lambda: [content["rungs"][-1]["ergotropy"], content["readout"]["low"]],
        "fit": lambda: [one[end] for one in content["parameters"].values() for end in ("value",)],
    }.get(name, lambda: [content["ergotropy"][w] for w in ("value", "low", "high", "true")])
    assert set(key()) <= set(values)


def test_a_sweep_shows_its_largest_point(pages: dict[str, Page], results: dict[str, Path]) -> None:
    data = load_result(results["sweep"]).arrays
    assert float(data.ergotropy.max()) == shown(pages["sweep"])[0][0]
    titles = [picture.findtext("title") for picture in pages["sweep"].pictures]
    assert "largest ergotropy over the saved times" in titles


def test_the_scale_of_the_answer_is_drawn_from_its_numbers(
    pages: dict[str, Page], results: dict[str, Path]
) -> None:
    """In the SVG, interval and stored energy have the lengths that result.json says."""
    content = load_result(results["run"]).content
    picture = pages["run"].pictures[0]
    lengths = []
    for path in picture.iter("path"):
        ends = re.fullmatch(r"\s*M ([\d.]+) ([\d.]+)\s+L ([\d.]+) ([\d.]+)\s*", path.get("d", ""))
        if ends and "stroke-width: 7" in path.get("style", ""):
            lengths.append(float(ends[3]) - float(ends[1]))
    stored, interval = lengths
    work, energy = content["ergotropy"], content["energy"]["value"]
    assert interval / stored == pytest.approx((work["high"] - work["low"]) / energy, rel=1e-4)


def test_the_curve_is_drawn_from_its_arrays(
    pages: dict[str, Page], results: dict[str, Path]
) -> None:
    """The heights of the dashed and the solid line are energy and ergotropy, on one scale."""
    data = load_result(results["run"]).arrays
    picture = next(p for p in pages["run"].pictures if "over time" in (p.findtext("title") or ""))
    lines = [
        np.array(re.findall(r"[ML] ([\d.]+) ([\d.]+)", path.get("d", "")), dtype=float)
        for path in picture.iter("path")
    ]
    energy, work = (line[:, 1] for line in lines if len(line) == data.sizes["time"])
    drawn, true = (np.concatenate(pair) for pair in ((energy, work), (data.energy, data.ergotropy)))
    slope, level = np.polyfit(true, drawn, 1)
    assert slope < 0
    assert np.abs(drawn - slope * true - level).max() < 1e-3 * np.ptp(drawn)


@pytest.mark.parametrize("name", KINDS)
def test_hypothetical_is_said_where_the_file_says_so(
    name: str, pages: dict[str, Page], results: dict[str, Path]
) -> None:
    content = load_result(results[name]).content
    warnings = [one.text for one in pages[name].root.classed("hypothetical")]
    assert len(warnings) == bool(content["hypothetical"])
    if warnings:
        assert warnings[0].startswith("HYPOTHETICAL: brisbane has no common line")
        assert [e.text for e in pages["all"].root.all("em")].count("HYPOTHETICAL") == len(TOGETHER)
    assert bool(warnings) == (name in ("run", "plan", "comparison", "sweep"))


def test_the_verdict_stands_in_the_head(pages: dict[str, Page], results: dict[str, Path]) -> None:
    verdicts = {
        name: [one.text for one in page.root.all("header")[0].classed("verdict")]
        for name, page in pages.items()
    }
    assert verdicts["plan"][0].startswith("✕ NO-GO: brisbane has no common line")
    for name in ("run", "ideal", "collision"):
        found = load_result(results[name]).content["ergotropy"]["low"] > 0
        assert verdicts[name][0].startswith("✓ WORK FOUND" if found else "✕ NO WORK TOLD FROM 0")
    assert verdicts["sweep"] == verdicts["fit"] == verdicts["comparison"] == []


def test_a_good_plan_is_a_go(results: dict[str, Path], tmp_path: Path) -> None:
    content = load_result(results["plan"]).content
    good = {**content, "go": True, "hypothetical": None, "reason": "enough of everything."}
    (tmp_path / "plan.json").write_bytes(json_bytes(good))
    head = Page.of(report_html(tmp_path)).root.all("header")[0]
    assert [one.text for one in head.classed("verdict")] == ["✓ GO: enough of everything."]
    assert head.classed("hypothetical") == []


def test_work_is_found_only_above_its_interval(results: dict[str, Path], tmp_path: Path) -> None:
    content = load_result(results["run"]).content
    content["ergotropy"] |= {"value": 0.1, "low": 0.0, "high": 0.2}
    (tmp_path / "result.json").write_bytes(json_bytes(content))
    head = Page.of(report_html(tmp_path)).root.all("header")[0]
    assert head.classed("verdict")[0].text.startswith("✕ NO WORK TOLD FROM 0: the 95 % interval")


def sections(page: Page) -> list[str]:
    """Titles of the sections, in reading order."""
    return [one.children[0].text for one in page.root.all("section")]


def test_a_run_shows_all_that_the_file_holds(pages: dict[str, Page]) -> None:
    assert sections(pages["run"]) == [
        "Chip",
        "Model",
        "What physics decides beforehand",
        "Assumptions and notes",
        "Charging curve",
        "Sector populations",
        "State",
        "Readout",
        "Estimators",
        "Provenance",
    ]
    assert {"Chip", "Sector populations"}.isdisjoint(sections(pages["ideal"]))  # three levels
    assert {"Circuit", "Sector populations", "Extraction"} <= set(sections(pages["collision"]))


def test_findings_stand_once(pages: dict[str, Page], results: dict[str, Path]) -> None:
    audit = load_result(results["run"]).content["battery"]["audit"]
    assert len(audit) > 1
    for one in audit:
        assert pages["run"].source.count(one["sentence"][:60]) == 1


def test_results_without_arrays_or_details_are_shown_too(
    results: dict[str, Path], tmp_path: Path
) -> None:
    """result.json alone, and one that an older release wrote."""
    content = load_result(results["run"]).content
    for name in ("chip", "battery", "estimators", "total_spin", "hypothetical_reason"):
        del content[name]
    (tmp_path / "result.json").write_bytes(json_bytes(content))
    page = Page.of(report_html(tmp_path))
    assert "result.nc, which was not beside it" in page.source
    assert "Estimators" not in sections(page)
    assert page.root.classed("hypothetical")


EVIL = (
    '</style></script><script>alert(1)</script><img src="http://x.invalid/a" onerror=a()>$\\frac{'
)


def poisoned(content: Any, key: str = "") -> Any:
    """The content with hostile words in every free text."""
    if isinstance(content, dict):
        return {k: poisoned(v, k) for k, v in content.items()}
    if isinstance(content, list):
        return [poisoned(one, key) for one in content]
    fixed = ("format", "kind", "energy", "time", "frequency", "field")
    return EVIL if isinstance(content, str) and key not in fixed else content


@pytest.mark.parametrize("name", ["run", "collision", "plan", "comparison", "fit"])
def test_hostile_words_stay_words(name: str, results: dict[str, Path], tmp_path: Path) -> None:
    saved = load_result(results[name])
    (tmp_path / saved.path.name).write_bytes(json_bytes(poisoned(saved.content)))
    if saved.arrays is not None:
        shutil.copy(saved.path.with_name("result.nc"), tmp_path)
    page = Page.of(report_html(tmp_path))
    assert page.root.all("script") == page.root.all("img") == []
    assert "alert(1)" in page.root.all("h1")[0].text


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("run", "ergotropy"),
        ("run", "readout"),
        ("ideal", "units"),
        ("collision", "circuit"),
        ("plan", "precision"),
        ("comparison", "rungs"),
        ("fit", "parameters"),
    ],
)
def test_a_file_without_a_part_is_one_sentence(
    name: str, key: str, results: dict[str, Path], tmp_path: Path, capsys, monkeypatch
) -> None:
    saved = load_result(results[name])
    broken = {**saved.content, key: [1.0, None]}
    (tmp_path / saved.path.name).write_bytes(json_bytes(broken))
    out = tmp_path / "page.html"
    code, said, err = qbat(capsys, monkeypatch, tmp_path, "--out", out)
    assert (code, said) == (2, "")
    assert "is no whole result" in err or "must" in err
    assert err.count("\n") == 1
    assert not out.exists()


def test_the_same_results_give_the_same_bytes(results: dict[str, Path], tmp_path: Path) -> None:
    places = [results["plan"], results["sweep"]]
    qb.report(places, tmp_path / "a.html")
    qb.report([load_result(place) for place in places], tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_several_results_are_chapters_with_contents(pages: dict[str, Page]) -> None:
    page = pages["all"]
    links = [one.attributes["href"] for one in page.root.all("nav")[0].all("a")]
    assert links == [f"#r{k}" for k in range(1, len(TOGETHER) + 1)]
    assert len(page.root.all("article")) == len(TOGETHER)
    assert page.root.all("h1")[0].text == f"{len(TOGETHER)} results"


def test_the_command_writes_and_says_where(
    results: dict[str, Path], tmp_path: Path, capsys, monkeypatch
) -> None:
    out = tmp_path / "my report é.html"
    places = (results["run"], results["plan"] / "plan.json")
    code, said, err = qbat(capsys, monkeypatch, *places, "--out", out)
    assert (code, err) == (0, "")
    assert "HYPOTHETICAL: brisbane's T1" in said
    assert str(out) in said
    assert len(Page.of(out.read_text()).root.all("article")) == 2
    code, said, err = qbat(capsys, monkeypatch, results["run"], "--out", out, "--json", "-")
    assert (code, err) == (0, "")
    assert json.loads(said)["results"][0]["kind"] == "run"


def test_what_cannot_be_reported_is_one_sentence(
    results: dict[str, Path], tmp_path: Path, capsys, monkeypatch
) -> None:
    code, out, err = qbat(capsys, monkeypatch, tmp_path, "--out", tmp_path / "a.html")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "holds no result" in err
    code, _, err = qbat(capsys, monkeypatch, results["run"], "--out", tmp_path / "no" / "a.html")
    assert (code, err.count("\n")) == (2, 1)
    assert "No such folder" in err
    monkeypatch.setattr(report_page, "MAX_BYTES", 1000)
    code, _, err = qbat(capsys, monkeypatch, results["fit"], "--out", tmp_path / "a.html")
    assert code == 2
    assert "more than 1000: make more than one." in err
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(qb.InputError, match="'results' must be at least one result"):
        qb.report([], tmp_path / "a.html")


def palette(page: Page, dark: bool) -> dict[str, str]:
    """Colours by name, on light or on dark paper."""
    blocks = re.findall(r":root \{(.*?)\}", page.source, re.S)
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[1 if dark else 0]))


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2)."""
    parts = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    """Contrast of two colours (WCAG 2), from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_colours_can_be_read_on_both_papers(dark: bool, pages: dict[str, Page]) -> None:
    colours = palette(pages["run"], dark)
    used = set(re.findall(r"var\(--([\w-]+)\)", pages["all"].source))
    assert used <= set(colours)
    for name in ("ink", "soft", "green", "blue"):  # words
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
    assert contrast(colours["warn"], colours["warn-wash"]) >= 4.5
    for name in ("orange", "grey", "pink"):  # lines and marks
        assert contrast(colours[name], colours["paper"]) >= 3.0, name


def test_figures_take_the_colours_of_the_page(pages: dict[str, Page]) -> None:
    """No black that vanishes on dark paper, no white that shines there."""
    for picture in pages["all"].pictures:
        for one in picture.iter():
            style = one.get("style", "")
            assert not re.search(r"#(000000|ffffff|0072b2|d55e00)\b", style), style


def element(page: Page, identity: str) -> Element:
    """The element of an id."""
    waiting = [page.root]
    while waiting:
        one = waiting.pop()
        if one.attributes.get("id") == identity:
            return one
        waiting += one.children
    raise LookupError(identity)


def test_readout_and_state_say_their_numbers_in_words(
    pages: dict[str, Page], results: dict[str, Path]
) -> None:
    saved = load_result(results["run"])
    rho = np.abs(saved.arrays["physical_state"].values)
    words = element(pages["run"], "r1-state-desc").text
    assert f"population is {rho.diagonal().max():.3f}" in words
    assert f"coherence {np.triu(rho, 1).max():.3f}" in words
    lost = saved.content["readout"]["prob_meas0_prep1"]
    excited = saved.content["readout"]["prob_meas1_prep0"]
    errors = [(a + b) / 2 for a, b in zip(lost, excited, strict=True)]
    words = element(pages["run"], "r1-readout-desc").text
    ends = re.findall(r"for qubit (\d), (\d\.\d\d%)", words)
    assert ends == [(str(errors.index(one)), f"{one:.2%}") for one in (min(errors), max(errors))]
