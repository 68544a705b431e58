"""report(): results as one HTML file that opens offline, in print and on a phone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from typing import Final

from qbat_circuits.errors import InputError, broken_rule
from qbat_circuits.json_files import check_target, write_atomically
from qbat_circuits.markup import Markup, element, joined
from qbat_circuits.show.report.answers import NAMES, Answer, answer_of, statement_of
from qbat_circuits.show.report.drawings import gauge
from qbat_circuits.show.report.measured import collision_sections, run_sections
from qbat_circuits.show.report.parts import Chapter, energy_unit, provenance
from qbat_circuits.show.report.studies import (
    comparison_sections,
    fit_sections,
    plan_sections,
    sweep_sections,
)
from qbat_circuits.study.results import versions
from qbat_circuits.study.saved import SavedResult, load_result

#: Most bytes of a report, which is to be sent by mail and opened on a phone.
MAX_BYTES: Final = 2_000_000
Result = str | os.PathLike[str] | SavedResult
#: Nothing is loaded and nothing is run, whatever a file holds.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_SECTIONS: Final[dict[str, Callable[[Chapter, SavedResult], Iterator[Markup | None]]]] = {
    "run": run_sections,
    "collision": collision_sections,
    "plan": plan_sections,
    "comparison": comparison_sections,
    "fit": fit_sections,
    "sweep": sweep_sections,
}


def report(results: Result | Iterable[Result], path: str | os.PathLike[str]) -> None:
    """Write results as one HTML file without scripts and without anything from elsewhere.

    The same results give the same bytes.

    Args:
        results: folders or files that `load_result` reads, or what it returned; one or more.
        path: file to write, whole or not at all.

    Raises:
        InputError: if a result cannot be read, the file cannot be written, or the report would be
            larger than 2 MB.
    """
    check_target(path)
    write_atomically(path, report_html(results).encode())


def report_html(results: Result | Iterable[Result]) -> str:
    """The same as text; see `report`."""
    given = [results] if isinstance(results, str | os.PathLike | SavedResult) else list(results)
    if not given:
        raise broken_rule("results", "at least one result", given)
    read = [one if isinstance(one, SavedResult) else load_result(one) for one in given]
    level = 1 if len(read) == 1 else 2
    made = [_article(Chapter(f"r{k}", level), one) for k, one in enumerate(read, 1)]
    text = _page(read, made)
    if len(text.encode()) > MAX_BYTES:
        raise InputError(
            f"The report of {len(read)} results would have {len(text.encode())} bytes, more than "
            f"{MAX_BYTES}: make more than one."
        )
    return text


def _page(read: list[SavedResult], articles: list[Markup]) -> str:
    title = statement_of(read[0]) if len(read) == 1 else f"{len(read)} results"
    head = element(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="color-scheme" content="light dark">'),
        element("title", f"{title} · qbat report"),
        element("style", Markup(files(__package__).joinpath("report.css").read_text("utf-8"))),
    )
    top = None if len(read) == 1 else element("h1", title)
    foot = element(
        "footer", f"Made by qbat_circuits {versions()['qbat-circuits']}, from files alone."
    )
    main = element("main", top, _contents(read), joined(articles, "\n"))
    page = element("html", head, element("body", main, foot), lang="en")
    return f"<!doctype html>\n{page}\n"


def _contents(read: list[SavedResult]) -> Markup | None:
    """What the page holds, with the answers."""
    if len(read) == 1:
        return None
    lines = []
    for place, saved in enumerate(read, 1):
        found = answer_of(saved)
        words = element(
            "span",
            element("b", f"{NAMES[saved.kind]}: "),
            element("a", statement_of(saved), href=f"#r{place}"),
        )
        flags = _flags(found)
        lines.append(element("li", words, element("span", found.value, flags, class_="short")))
    return element("nav", element("ol", *lines), aria_label="Results")


def _article(chapter: Chapter, saved: SavedResult) -> Markup:
    """One result: its answer, its sections, where it comes from."""
    with saved.whole():
        found = answer_of(saved)
        head = _answer(chapter, saved, found)
        sections = [*_SECTIONS[saved.kind](chapter, saved), provenance(chapter, saved)]
    heading = f"{chapter.identity}-heading"
    return element("article", head, *sections, id=chapter.identity, aria_labelledby=heading)


def _answer(chapter: Chapter, saved: SavedResult, found: Answer) -> Markup:
    """What stands before everything else."""
    warning = None
    if found.hypothetical:
        warning = element(
            "p",
            element("strong", "HYPOTHETICAL:"),
            f" {found.hypothetical}. The numbers say what the chip's figures would leave of the "
            "work, not what the chip can do.",
            class_="hypothetical",
        )
    verdict = None
    if found.good is not None:
        verdict = element(
            "p",
            element("strong", "✓ " if found.good else "✕ ", f"{found.verdict}:"),
            f" {found.reason}",
            class_="verdict good" if found.good else "verdict bad",
        )
    value = None
    if found.value is not None:
        number = element("span", found.value, class_="value")
        value = element("p", number, " ", found.meaning, class_="work")
    details = element("ul", *(element("li", one) for one in found.details), class_="details")
    return element(
        "header",
        element("p", NAMES[saved.kind], class_="kind"),
        chapter.heading(statement_of(saved)),
        warning,
        value,
        details if found.details else None,
        _gauge(chapter, saved),
        verdict,
        class_="answer",
    )


def _gauge(chapter: Chapter, saved: SavedResult) -> Markup | None:
    content = saved.content
    if saved.kind not in ("run", "collision", "plan"):
        return None
    unit = energy_unit(content)
    if saved.kind == "plan":
        best = content["precision"]
        work = {"value": content["ergotropy"], "low": best["low"], "high": best["high"]}
        energy, source = content["energy"], "expected"
    else:
        work = dict(content["ergotropy"])
        work["true"] = work.get("at_readout", work["true"])
        energy, source = content["energy"]["value"], "from counts"
    words = (
        f"{work['value']:.4f} {unit} with its interval from {work['low']:.4f} to "
        f"{work['high']:.4f}, of {energy:.4f} {unit} stored."
    )
    line = " Line: computed." if "true" in work else ""
    caption = (
        f"Point and bar: {source}, with the interval.{line} Light: {energy:.4f} {unit} stored."
    )
    return chapter.figure("gauge", gauge(work, energy), "Extractable work", words, caption)


def _flags(found: Answer) -> Markup | None:
    words = [found.verdict, "HYPOTHETICAL" if found.hypothetical else ""]
    kept = [element("em", word) for word in words if word]
    return joined(kept, " ") if kept else None
