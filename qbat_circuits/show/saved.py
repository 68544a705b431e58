"""Any saved result as text and as a figure, from its files alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, NullFormatter

from qbat_circuits.errors import InputError
from qbat_circuits.show.plan import verdict
from qbat_circuits.show.summary import Rows
from qbat_circuits.study.saved import SavedResult

# Okabe-Ito colours, as in `plots`.
_BLUE, _GREEN, _ORANGE, _BLACK = "#0072B2", "#009E73", "#D55E00", "#000000"


def saved_headline(saved: SavedResult) -> str:
    """What the result is, and its verdict where it has one."""
    content = saved.content
    text = str(content["statement"])
    if saved.kind == "plan":
        return verdict(content["go"], content["hypothetical"], content["reason"])
    return f"HYPOTHETICAL: {text}" if content["hypothetical"] else text


def saved_sections(saved: SavedResult) -> Iterator[tuple[str, Rows]]:
    """Titled groups of (what, value) rows, in reading order."""
    content = saved.content
    if saved.kind == "plan":
        yield "Plan", list(_plan_rows(content))
        return
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


def saved_figure(saved: SavedResult) -> Figure:
    """The curve of a run, the collisions of a circuit, or the margins of a plan.

    Raises:
        InputError: if the arrays of a run are not beside its JSON file.
    """
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    drawings: dict[str, Callable[[Any, SavedResult], None]] = {
        "run": _draw_run,
        "collision": _draw_collisions,
        "plan": _draw_margins,
    }
    drawings[saved.kind](figure.subplots(), saved)
    figure.suptitle(saved_headline(saved), fontsize="medium", x=0.01, ha="left", wrap=True)
    return figure


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
    yield "ergotropy", f"{content['ergotropy']:.4f} hw, {content['needed']:.4f} is told from 0"
    yield "probability", f"{content['probability']:.0%}"


def _arrays(saved: SavedResult) -> Any:
    if saved.arrays is None:
        raise InputError(
            f"The curves of {str(saved.path)!r} are in result.nc, which is not beside it."
        )
    return saved.arrays


def _draw_run(axes: Any, saved: SavedResult) -> None:
    data, content = _arrays(saved), saved.content
    seconds = content["units"]["time"] == "s"
    times = data.time.values * (1e6 if seconds else 1.0)
    axes.plot(times, data.energy, "--", color=_BLUE, label="stored energy $E$")
    axes.plot(times, data.ergotropy, color=_ORANGE, label="ergotropy $W$")
    at = content["time"] * (1e6 if seconds else 1.0)
    for what, marker in (("energy", "s"), ("ergotropy", "o")):
        _draw_estimate(axes, at, content[what], marker, f"{what}, measured")
    axes.set_xlabel("charging time (µs)" if seconds else "time (1/rate)")
    _finish(axes)


def _draw_collisions(axes: Any, saved: SavedResult) -> None:
    data, content = _arrays(saved), saved.content
    k = content["circuit"]["collisions"]
    shown = slice(0, max(2 * k, 6))
    axes.plot(data.number, data.bath_ergotropy, "--", color=_BLUE, label="ideal collective bath")
    axes.plot(data.number, data.noiseless_ergotropy, "^:", color=_GREEN, label="perfect gates")
    axes.plot(
        data.collisions[shown], data.ergotropy[shown], "o-", color=_ORANGE, label="noisy gates"
    )
    _draw_estimate(axes, k, content["ergotropy"], "s", "measured")
    axes.set_xlabel("collisions")
    _finish(axes)


def _draw_estimate(axes: Any, at: float, one: dict[str, Any], marker: str, label: str) -> None:
    value = one["value"]
    reach = [[value - one["low"]], [one["high"] - value]]
    axes.errorbar(
        [at], [value], yerr=reach, color=_BLACK, marker=marker, ms=4.5, capsize=4, ls="none",
        zorder=5, label=label,
    )  # fmt: skip


def _draw_margins(axes: Any, saved: SavedResult) -> None:
    """Each margin as a bar: how many times its planned value a figure may take."""
    margins = [one for one in saved.content["margins"] if one["limit"] and one["now"]]
    places = np.arange(len(margins))
    axes.barh(places, [one["limit"] / one["now"] for one in margins], color=_BLUE, height=0.55)
    axes.axvline(1.0, color=_ORANGE, ls="--", label="as planned")
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


def _finish(axes: Any) -> None:
    axes.set_ylabel(r"energy ($\hbar\bar\omega$)")
    axes.set_ylim(bottom=0.0)
    axes.legend(frameon=False, fontsize="small")
