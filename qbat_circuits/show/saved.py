"""Any saved result as text and as a figure, from its files alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, NullFormatter

from qbat_circuits.errors import InputError
from qbat_circuits.show.comparison import (
    Table,
    comparison_headline,
    comparison_sections,
    ladder_rows,
    plot_comparison,
)
from qbat_circuits.show.fit import (
    fit_rows,
    parameter_rows,
    plot_checks,
    plot_fit,
    reading_rows,
)
from qbat_circuits.show.plan import verdict
from qbat_circuits.show.style import (
    BLUE,
    ENERGY_LABEL,
    GREEN,
    ORANGE,
    draw_interval,
    figure_of,
    headed,
    new_axes,
)
from qbat_circuits.show.summary import Rows
from qbat_circuits.show.sweep import plot_sweep, sweep_sections
from qbat_circuits.study.saved import SavedResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Lists of sentences that a result may hold, with their titles.
_SENTENCES: Final = (
    ("Assumed", "assumptions"),
    ("Not determined", "unidentified"),
    ("Notes", "notes"),
)


def saved_headline(saved: SavedResult) -> str:
    """What the result is, and its verdict where it has one."""
    content = saved.content
    with saved.whole():
        if saved.kind == "plan":
            return verdict(content["go"], content["hypothetical"], content["reason"])
        if saved.kind in ("comparison", "fit", "sweep"):
            return comparison_headline(content)
        text = str(content["statement"])
        return f"HYPOTHETICAL: {text}" if content["hypothetical"] else text


def saved_sections(saved: SavedResult) -> list[tuple[str, Rows]]:
    """Titled groups of (what, value) rows, in reading order."""
    with saved.whole():
        return list(_sections(saved))


def saved_tables(saved: SavedResult) -> list[tuple[str, Table]]:
    """Titled tables, with headers and rows."""
    content = saved.content
    with saved.whole():
        if saved.kind == "comparison":
            return [("Ladder", ladder_rows(content))]
        if saved.kind == "fit":
            readings = reading_rows(content["comparison"])
            return [("Parameters", parameter_rows(content)), ("Readings", readings)]
        return []


def saved_sentences(saved: SavedResult) -> list[tuple[str, tuple[str, ...]]]:
    """Titled lists of what was assumed and what to beware of."""
    with saved.whole():
        told = [(title, tuple(map(str, saved.content.get(key, ())))) for title, key in _SENTENCES]
        return [one for one in told if one[1]]


def saved_figure(saved: SavedResult, variable: str | None = None) -> Figure:
    """The curve of a run, the collisions of a circuit, the margins of a plan, and so on.

    Args:
        saved: of any kind.
        variable: of a sweep, "ergotropy" by default.

    Raises:
        InputError: if the arrays of a run are not beside its JSON file, or only a sweep has
            variables.
    """
    if variable is not None and saved.kind != "sweep":
        raise InputError(f"'variable' must be left out: a result of kind {saved.kind!r} has none.")
    with saved.whole():
        if saved.kind == "fit":
            return _fit_figure(saved)
        if saved.kind == "comparison":
            return figure_of(plot_comparison(saved.content))
        if saved.kind == "sweep":
            axes = plot_sweep(_arrays(saved), variable or "ergotropy")
        else:
            axes = new_axes()
            _DRAWINGS[saved.kind](axes, saved)
        return headed(figure_of(axes), saved_headline(saved))


def _sections(saved: SavedResult) -> Iterator[tuple[str, Rows]]:
    content = saved.content
    if saved.kind == "plan":
        yield "Plan", list(_plan_rows(content))
    elif saved.kind == "comparison":
        yield from comparison_sections(content)
    elif saved.kind == "fit":
        yield "Fit", list(fit_rows(content))
    elif saved.kind == "sweep":
        yield from sweep_sections(_arrays(saved))
    else:
        yield "Work", list(_work_rows(content))
    if saved.kind == "collision":
        circuit = content["circuit"]
        yield (
            "Circuit",
            [
                ("collisions", f"{circuit['collisions']} of angle {circuit['theta']:.4g}"),
                ("two-qubit gates", str(circuit["two_qubit_gates"])),
                ("duration", f"{1e6 * circuit['duration_s']:.4g} us"),
            ],
        )


def _work_rows(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for what in ("ergotropy", "energy"):
        one = content[what]
        level = f"{100 * one['confidence']:.10g} %"
        yield f"{what}, true", f"{one['true']:.4f} hw"
        yield f"{what}, measured", f"{one['value']:.4f} hw"
        yield f"  {level} interval", f"[{one['low']:.4f}, {one['high']:.4f}] hw"
    yield "shots a setting", str(content["shots_per_setting"])
    yield "made", f"{content['created_at']}, seed {content['seed']}"


def _plan_rows(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    best = content["precision"]
    yield "what", str(content["statement"])
    yield "cells on qubits", ", ".join(map(str, content["qubits"]))
    yield "time", f"{1e6 * content['time_s']:.4g} us"
    yield "scheme", f"{best['scheme']}, {best['circuits']} circuits of {best['shots']} shots"
    yield "  readout calibration", f"2 circuits of {best['calibration_shots']} shots"
    yield "ergotropy", f"{content['ergotropy']:.4f} hw, {content['needed']:.4f} is told from 0"
    yield "probability", f"{content['probability']:.0%}"


def _arrays(saved: SavedResult) -> Any:
    if saved.arrays is None:
        raise InputError(
            f"The curves of {str(saved.path)!r} are in result.nc, which is not beside it."
        )
    return saved.arrays


def _draw_run(axes: Axes, saved: SavedResult) -> None:
    data, content = _arrays(saved), saved.content
    seconds = content["units"]["time"] == "s"
    times = data.time.values * (1e6 if seconds else 1.0)
    axes.plot(times, data.energy, "--", color=BLUE, label="stored energy $E$")
    axes.plot(times, data.ergotropy, color=ORANGE, label="ergotropy $W$")
    at = content["time"] * (1e6 if seconds else 1.0)
    for what, marker in (("energy", "s"), ("ergotropy", "o")):
        _draw_estimate(axes, at, content[what], marker, f"{what}, measured")
    axes.set_xlabel("charging time (µs)" if seconds else "time (1/rate)")
    _finish(axes)


def _draw_collisions(axes: Axes, saved: SavedResult) -> None:
    data, content = _arrays(saved), saved.content
    k = content["circuit"]["collisions"]
    shown = slice(0, max(2 * k, 6))
    axes.plot(data.number, data.bath_ergotropy, "--", color=BLUE, label="ideal collective bath")
    axes.plot(data.number, data.noiseless_ergotropy, "^:", color=GREEN, label="perfect gates")
    axes.plot(
        data.collisions[shown], data.ergotropy[shown], "o-", color=ORANGE, label="noisy gates"
    )
    _draw_estimate(axes, k, content["ergotropy"], "s", "measured")
    axes.set_xlabel("collisions")
    _finish(axes)


def _draw_estimate(axes: Axes, at: float, one: dict[str, Any], marker: str, label: str) -> None:
    draw_interval(axes, at, one["value"], one["low"], one["high"], marker=marker, label=label)


def _fit_figure(saved: SavedResult) -> Figure:
    """The parameters, and beside them how well they predict every setting."""
    height = 1.6 + 0.45 * max(len(saved.content["parameters"]), 5)
    figure = Figure(figsize=(9.5, height), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    plot_fit(saved.content, left)
    plot_checks(saved.content, right)
    return headed(figure, saved_headline(saved))


def _draw_margins(axes: Axes, saved: SavedResult) -> None:
    """Each margin as a bar: how many times its planned value a figure may take."""
    margins = [one for one in saved.content["margins"] if one["limit"] and one["now"]]
    places = np.arange(len(margins))
    axes.barh(places, [one["limit"] / one["now"] for one in margins], color=BLUE, height=0.55)
    axes.axvline(1.0, color=ORANGE, ls="--", label="as planned")
    for place, one in zip(places.tolist(), margins, strict=True):
        text = f"{one['now']:.3g} → {one['limit']:.3g} {one['unit']}".strip()
        end = max(one["limit"] / one["now"], 1.0)
        axes.annotate(text, (end, place), (6, 0), textcoords="offset points", size=8, va="center")
    axes.set_yticks(places, [one["name"] for one in margins])
    axes.set_ylim(-0.6, len(margins) - 0.2)
    axes.set_xscale("log")
    ratios = [one["limit"] / one["now"] for one in margins] or [1.0]
    axes.set_xlim(0.7 * min(1.0, *ratios), 4 * max(1.0, *ratios))
    axes.xaxis.set_major_formatter(LogFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("goal just reached at, over the planned value")
    axes.legend(frameon=False, fontsize="small")


def _finish(axes: Axes) -> None:
    axes.set_ylabel(ENERGY_LABEL)
    axes.set_ylim(bottom=0.0)
    axes.legend(frameon=False, fontsize="small")


_DRAWINGS: Final[dict[str, Callable[[Axes, SavedResult], None]]] = {
    "run": _draw_run,
    "collision": _draw_collisions,
    "plan": _draw_margins,
}
