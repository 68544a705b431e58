"""The sections of a plan, a comparison of noise models, a fit of counts and a sweep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from qbat_circuits.dynamics.curve import STATE_LIMIT
from qbat_circuits.markup import Markup, element, joined
from qbat_circuits.show.comparison import comparison_sections as comparison_rows
from qbat_circuits.show.comparison import ladder_rows, plot_comparison
from qbat_circuits.show.fit import fit_rows, parameter_rows, plot_checks, plot_fit, reading_rows
from qbat_circuits.show.report import drawings
from qbat_circuits.show.report.parts import (
    MOST_ROWS,
    Chapter,
    Content,
    energy_unit,
    interval,
    number,
    rows,
    sentences,
    table,
    time_of,
    told,
)
from qbat_circuits.show.sweep import best_point, plot_sweep
from qbat_circuits.show.sweep import sweep_sections as sweep_rows
from qbat_circuits.study.saved import SavedResult

#: Variables of a sweep that are drawn, where they are known anywhere.
_DRAWN: Final = ("ergotropy", "energy", "peak_time", "steady_ergotropy")


def plan_sections(chapter: Chapter, saved: SavedResult) -> Iterator[Markup | None]:
    """What to do, what to expect, how far things may go."""
    content = saved.content
    yield _doing(chapter, content)
    yield _expected(chapter, content)
    yield told(chapter, content)
    yield _margins(chapter, content)
    yield _elasticities(chapter, content)


def _doing(chapter: Chapter, content: Content) -> Markup:
    window, best, unit = content["window_s"], content["precision"], energy_unit(content)
    name = "duration of the circuit" if window is None else "charging time"
    pairs: list[tuple[object, object]] = [
        ("cells on qubits", ", ".join(map(str, content["qubits"]))),
        (name, time_of(content, content["time_s"])),
    ]
    if window is not None:
        end = "no end found" if window[1] is None else time_of(content, window[1])
        span = joined([time_of(content, window[0]), " to ", end])
        pairs.append(("W ≥ 90 % of its peak", span))
    calibrating = number(best["calibration_shots"], "d")
    pairs += [
        ("scheme", str(best["scheme"])),
        ("circuits", number(best["circuits"], "d")),
        ("shots a circuit", number(best["shots"], "d")),
        ("and to calibrate the readout", joined(["2 circuits of ", calibrating, " shots"])),
        ("time on the chip", number(content["wall_time_s"], ".3g", "s")),
    ]
    headers = ("scheme", "circuits", "shots each", "enough", f"interval ({unit})")
    others = [
        (str(one["scheme"]), number(one["circuits"], "d"), number(one["shots"], "d"),
         "yes" if one["enough"] else "no", interval(one["low"], one["high"]))
        for one in content["schemes"]
    ]  # fmt: skip
    parts = [rows("The plan", pairs), table("Every scheme that serves", headers, others)]
    if content["alternatives"]:
        cells = [
            (", ".join(map(str, one["qubits"])), number(one["ergotropy"]))
            for one in content["alternatives"]
        ]
        parts.append(table("Other cells", ("qubits", f"W ({unit})"), cells))
    return chapter.section("What to do", *parts)


def _expected(chapter: Chapter, content: Content) -> Markup:
    unit = energy_unit(content)
    pairs: list[tuple[object, object]] = [
        ("goal", str(content["goal"]["words"])),
        ("stored energy", number(content["energy"], ".4f", unit)),
        ("ergotropy", number(content["ergotropy"], ".4f", unit)),
        ("least work told from 0", number(content["needed"], ".4f", unit)),
        ("probability of reaching the goal", number(content["probability"], ".0%")),
    ]
    return chapter.section("What to expect", rows("Expectation", pairs))


def _margins(chapter: Chapter, content: Content) -> Markup:
    every = content["margins"]
    drawn = [one for one in every if one["now"] and one["limit"]][:MOST_ROWS]
    lines = [
        (str(one["name"]), number(one["now"], ".3g"),
         "never" if one["limit"] is None else number(one["limit"], ".3g"), str(one["unit"]))
        for one in every
    ]  # fmt: skip
    headers = ("figure", "as planned", "goal just reached at", "unit")
    listed = table("How far each may go, all else as planned", headers, lines)
    if not drawn:
        return chapter.section("Margins", listed)
    tight = min(drawn, key=lambda one: max(one["limit"] / one["now"], one["now"] / one["limit"]))
    side = "at most" if tight["limit"] > tight["now"] else "at least"
    words = (
        f"The tightest is {tight['name']}: {tight['now']:.3g} as planned, {tight['limit']:.3g} "
        f"{side}."
    )
    caption = (
        "From the planned value of each figure, beside its name, to the value at which the goal is "
        f"just reached, at the arrow. {words}"
    )
    figure = chapter.figure("margins", drawings.margins(drawn), "Margins", words, caption)
    return chapter.section("Margins", figure, listed)


def _elasticities(chapter: Chapter, content: Content) -> Markup:
    ordered = sorted(content["elasticities"].items(), key=lambda item: -abs(item[1]))
    lines = [(str(name), number(value, "+.3f")) for name, value in ordered]
    made = table("Relative change of W", ("figure x", "d ln W / d ln x"), lines)
    first = element("p", f"To improve first: {content['improve_first']}.")
    return chapter.section("What it rests on", first, made)


def comparison_sections(chapter: Chapter, saved: SavedResult) -> Iterator[Markup | None]:
    """The ladder, what counts would show, and what a circuit would deliver."""
    content, unit = saved.content, energy_unit(saved.content)
    rungs = content["rungs"]
    named = [{**one, "name": drawings.plain(one["name"])} for one in rungs[:MOST_ROWS]]
    short = {**content, "rungs": named, "statement": ""}
    bars = len(short["rungs"]) + (content["readout"] is not None) + (content["circuit"] is not None)
    figure, axes = drawings.sheet(1.6 + 0.42 * bars)
    plot_comparison(short, axes)
    axes.set_title("", loc="left")
    worst = max(rungs, key=lambda one: one["loss"] or 0.0)
    words = (
        f"From {rungs[0]['ergotropy']:.4f} to {rungs[-1]['ergotropy']:.4f} {unit}, one effect "
        "after another."
    )
    if (worst["loss"] or 0.0) > 0:
        words += f" The largest loss, {worst['loss']:.4f}, comes from {worst['name']}."
    drawn = chapter.figure("ladder", figure, "Ladder of noise models", words, words)
    listed = table("Rung by rung", *ladder_rows(content))
    yield chapter.section("Ladder", drawn, listed)
    for title, pairs in comparison_rows(content):
        yield chapter.section(title.replace("'", ""), rows("", pairs))
    yield told(chapter, content)


def fit_sections(chapter: Chapter, saved: SavedResult) -> Iterator[Markup | None]:
    """Parameters, quality of the fit, and the readings beside each other."""
    content = saved.content
    figure, axes = drawings.sheet(1.2 + 0.45 * len(content["parameters"]))
    plot_fit(content, axes)
    words = "; ".join(f"{k} = {one['value']:.4g}" for k, one in content["parameters"].items())
    caption = "Each fitted parameter with its interval, over its own value."
    drawn = chapter.figure("parameters", figure, "Fitted parameters", words, caption)
    listed = table("Parameters", *parameter_rows(content))
    yield chapter.section("Parameters", drawn, listed)
    yield told(chapter, content)
    figure, axes = drawings.sheet(4.0)
    plot_checks(content, axes)
    words = f"The fit as a whole has p = {content['deviance_p_value']:.2g}."
    caption = (
        "How well the fit predicts every setting at every time: where it is right, the sorted "
        f"p-values follow the diagonal. {words}"
    )
    drawn = chapter.figure("checks", figure, "Predictive check", words, caption)
    yield chapter.section("Quality of the fit", drawn, rows("Fit", list(fit_rows(content))))
    listed = table("The same counts, read as another bath", *reading_rows(content["comparison"]))
    p = content["comparison"]["nested_p_value"]
    nested = None if p is None else element("p", f"p-value of n_l = n in a thermal bath: {p:.2g}")
    yield chapter.section("Readings", listed, nested)


def sweep_sections(chapter: Chapter, saved: SavedResult) -> Iterator[Markup | None]:
    """The axes, and a map of each quantity that is known somewhere."""
    data: Any = saved.arrays
    parts = list(sweep_rows(data))
    yield chapter.section("Grid", *(rows(title, pairs) for title, pairs in parts[:2]))
    yield told(chapter, saved.content)
    for name in _DRAWN:
        best = best_point(data, name) if name in data else None
        if best is None:
            continue
        title = name.replace("_", " ").capitalize()
        if np.nanmax(np.abs(data[name].values)) < STATE_LIMIT:  # round-off is no picture
            yield chapter.section(title, element("p", "0 at every point."))
            continue
        values, what = data[name].values, str(data[name].attrs.get("long_name", name))
        places = zip(data[name].dims, best, strict=True)
        at = ", ".join(f"{axis} = {_word(data[axis].values[i])}" for axis, i in places)
        words = f"{what[0].upper()}{what[1:]}: largest, {float(values[best]):.4g}, at {at}."
        drawn = chapter.figure(name, _map(data, name), what, words, words)
        yield chapter.section(title, drawn)
    for title, pairs in parts[2:]:
        yield chapter.section(title, sentences(text for _, text in pairs))


def _map(data: Any, name: str) -> Figure:
    figure, axes = drawings.sheet(3.5)
    plot_sweep(data, name, axes)
    figure.axes[-1].set_ylabel(drawings.short_label(data[name], name))  # of the colours, if any
    return figure


def _word(value: Any) -> str:
    return str(value) if isinstance(value, str) else f"{value:.4g}"
