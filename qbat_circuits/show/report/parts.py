"""What the sections of a report are made of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from matplotlib.figure import Figure

from qbat_circuits.markup import UNKNOWN, Markup, element, facts, figure_of, grid, joined
from qbat_circuits.show.report.vector import inline_svg
from qbat_circuits.study.saved import SavedResult

Content = Mapping[str, Any]
#: Most rows of a table and sentences of a list that are written out.
MOST_ROWS: Final = 200
#: Most characters of an experiment that are written out.
_MOST_TEXT: Final = 20_000
#: What says in a file that something is not there.
_NOTHING: Final = (None, "", "null", "{}")
_UNITS: Final = {"hbar*omega": "ħω", "hbar*mean(omega)": "ħω̄"}
#: How the terminal writes units, and how a page does.
_WORDS: Final = ((r"\bhw\b", "ħω̄"), (r"\bus\b", "µs"), (r"\+-", "±"), (r"\bd(?=[AB]IC)", "Δ"))


@dataclass(frozen=True)
class Chapter:
    """One result of the page: where its ids and headings stand.

    Args:
        identity: what every id in it begins with.
        level: of its own heading, 1 to 5.
    """

    identity: str
    level: int

    def heading(self, text: object, **attributes: object) -> Markup:
        """Its own heading."""
        return element(f"h{self.level}", text, id=f"{self.identity}-heading", **attributes)

    def section(self, title: str, *content: object) -> Markup:
        """A titled part of it."""
        identity = f"{self.identity}-{re.sub('[^a-z0-9]+', '-', title.lower()).strip('-')}"
        heading = element(f"h{self.level + 1}", title, id=identity)
        return element("section", heading, *content, aria_labelledby=identity)

    def figure(self, name: str, drawing: Figure, title: str, words: str, caption: str) -> Markup:
        """A figure.

        Args:
            name: within the chapter.
            drawing: what is drawn.
            title, words: what a reader hears who does not see it: what is drawn, what it says.
            caption: how it is to be read.
        """
        picture = inline_svg(drawing, f"{self.identity}-{name}", title, words)
        return element("figure", picture, element("figcaption", caption))


def number(value: float | None, form: str = ".4f", unit: str = "") -> Markup | str:
    """A number of a file as a reader sees it, with the exact one behind it."""
    if value is None:
        return UNKNOWN
    text = f"{value:{form}}".replace("-", "−")
    return joined([figure_of(value, text), f" {unit}" if unit else None])


def interval(low: float | None, high: float | None, unit: str = "") -> Markup:
    """The ends of an interval."""
    ends = ["open" if end is None else number(end) for end in (low, high)]
    return joined([ends[0], " to ", ends[1], f" {unit}" if unit else None])


def level_of(confidence: float) -> str:
    """A confidence in per cent."""
    return f"{100 * confidence:.10g} %"


def energy_unit(content: Content) -> str:
    """The unit of energy of a result."""
    return _UNITS.get(content["units"]["energy"], str(content["units"]["energy"]))


def time_of(content: Content, value: float) -> Markup:
    """A time in microseconds, or in units of the inverse rate."""
    seconds = content["units"]["time"] == "s"
    text = f"{value * 1e6:.4g} µs" if seconds else f"{value:.4g} / rate"
    return figure_of(value, text)


def typeset(text: str) -> str:
    """A text of the terminal as a page writes it."""
    for word, better in _WORDS:
        text = re.sub(word, better, text)
    return text


def table(caption: str, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """A table that a narrow screen can move sideways, cut after many rows."""
    kept = list(islice(rows, MOST_ROWS + 1))
    shown = [[_typeset(cell) for cell in row] for row in kept[:MOST_ROWS]]
    made = grid(caption, [typeset(text) for text in headers], shown)
    return element("div", made, _cut(len(kept)), class_="wide", tabindex="0", role="group",
                   aria_label=caption)  # fmt: skip


def rows(caption: str, pairs: Iterable[tuple[object, object]]) -> Markup:
    """A table of what and value."""
    kept = list(islice(pairs, MOST_ROWS + 1))
    return joined([
        facts(caption, [(_typeset(what), _typeset(value)) for what, value in kept[:MOST_ROWS]]),
        _cut(len(kept)),
    ])  # fmt: skip


def sentences(lines: Iterable[object]) -> Markup:
    """A list of sentences."""
    kept = list(islice(lines, MOST_ROWS + 1))
    items = [element("li", line) for line in kept[:MOST_ROWS]]
    return joined([element("ul", *items), _cut(len(kept))])


def told(chapter: Chapter, content: Content) -> Markup | None:
    """What was assumed, what is not determined, and what to beware of."""
    audit = (content.get("battery") or {}).get("audit", ())
    said = {one["sentence"] for one in audit}  # in a section of its own
    groups = (
        ("Assumed", "assumptions"),
        ("Not determined", "unidentified"),
        ("To beware of", "notes"),
    )
    lists = [
        joined([element("p", title, class_="label"), sentences(lines)])
        for title, key in groups
        if (lines := [str(line) for line in content.get(key) or () if line not in said])
    ]
    return chapter.section("Assumptions and notes", *lists) if lists else None


def provenance(chapter: Chapter, saved: SavedResult) -> Markup:
    """When, with which seed, from which files, with which versions."""
    content = saved.content
    sheet = content.get("experiment")
    living = saved.path.suffix == ".sqlite"  # read at any time while a sweep goes on
    shown = (
        ("made", None if living else content.get("created_at")),
        ("seed", content.get("seed")),
        ("calibration", content.get("calibration")),
        ("calibrated at", content.get("calibrated_at")),
        ("calibration, SHA-256", _hash(content.get("calibration_sha256"))),
        ("experiment, SHA-256", _hash(content.get("experiment_sha256"))),
        ("sweep, SHA-256", _hash(content.get("sweep_sha256"))),
    )
    listed = [(what, value) for what, value in shown if value not in _NOTHING]
    versions = sorted((str(k), str(v)) for k, v in content.get("versions", {}).items())
    return chapter.section(
        "Provenance",
        rows("Origin", listed),
        rows("Versions", versions),
        None if sheet is None else _experiment(sheet),
    )


def _experiment(content: object) -> Markup:
    text = json.dumps(_given(content), indent=1, sort_keys=True, ensure_ascii=False)
    if len(text) > _MOST_TEXT:
        text = f"{text[:_MOST_TEXT]}\n..."
    return element("details", element("summary", "The experiment in full"), element("pre", text))


def _given(content: object) -> object:
    """What was said in an experiment, without the fields that were left out."""
    if not isinstance(content, Mapping):
        return content
    return {key: _given(one) for key, one in content.items() if one is not None and one != {}}


def _hash(text: object) -> Markup | None:
    if isinstance(text, str) and text.startswith("{"):  # of each chip of a sweep
        text = ", ".join(f"{name}: {value}" for name, value in json.loads(text).items())
    return element("code", text) if text not in _NOTHING else None


def _typeset(cell: object) -> object:
    return typeset(cell) if isinstance(cell, str) and not isinstance(cell, Markup) else cell


def _cut(kept: int) -> Markup | None:
    if kept <= MOST_ROWS:
        return None
    return element("p", f"The first {MOST_ROWS} only.", class_="cut")
