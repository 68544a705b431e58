"""The figures of a report: narrow, so that they can be read on a phone, and without a heading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.show.style import (
    BLACK,
    BLUE,
    ENERGY_LABEL,
    GREEN,
    GREY,
    HEAT,
    ORANGE,
    TONES,
    WORK_LABEL,
    draw_interval,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Content = Mapping[str, Any]
#: An xarray.Dataset, or one of its variables.
Dataset = Any
#: Inches: as wide as a column of text.
WIDTH: Final = 4.6
#: Text on the light and on the dark end of a colour map, whatever the paper.
_ON_LIGHT, _ON_DARK = "#111111", "#FEFEFE"
#: Most basis states with a name beside their row.
_NAMED_STATES = 16
#: Curves over times that differ by more than this factor are drawn in decades.
_DECADES = 8.0


def sheet(height: float, rows: int = 1, columns: int = 1, **how: Any) -> tuple[Figure, Any]:
    """A figure of the report's width and its axes."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **how)


def gauge(work: Content, energy: float | None) -> Figure:
    """The work with its interval on a scale from 0 to the stored energy.

    Args:
        work: value, low and high; true where it is known.
        energy: stored; None where it is not known.
    """
    figure, axes = sheet(0.95)
    end = max(work["high"], work["value"], energy or 0.0)
    axes.plot([0, energy or end], [0, 0], color=GREY, lw=7, alpha=0.35, solid_capstyle="butt")
    axes.plot([work["low"], work["high"]], [0, 0], color=ORANGE, lw=7, solid_capstyle="butt")
    axes.plot([work["value"]], [0], color=BLACK, marker="o", ms=8, ls="none", label="measured")
    if work.get("true") is not None:
        axes.plot([work["true"]], [0], color=BLACK, marker="|", ms=24, mew=2, ls="none")
    axes.set_ylim(-1, 1)
    axes.set_xlim(-0.02 * end, 1.04 * end or 1.0)
    axes.set_yticks([])
    axes.spines[["left", "top", "right"]].set_visible(False)
    axes.set_xlabel(ENERGY_LABEL)
    return figure


def curve(data: Dataset, content: Content) -> Figure:
    """Energy and ergotropy along the charging, the plateau, and what counts say of both."""
    figure, axes = sheet(3.6)
    seconds = content["units"]["time"] == "s"
    scale = 1e6 if seconds else 1.0
    times, plateau = data["time"].values * scale, content["plateau"]
    axes.plot(times, data["energy"].values, color=BLUE, ls="--", label="stored energy $E$")
    axes.plot(times, data["ergotropy"].values, color=ORANGE, label="ergotropy $W$")
    axes.axvspan(plateau["start"] * scale, plateau["stop"] * scale, color=ORANGE, alpha=0.1, lw=0)
    at = content["time"] * scale
    if times[-1] > _DECADES * at > 0:
        axes.set_xscale("log")
        times = times[times > 0]
    axes.set_xlim(times[0], times[-1])
    for what, marker in (("energy", "s"), ("ergotropy", "o")):
        one = content[what]
        label = f"${what[0].upper() if what == 'energy' else 'W'}$ from counts"
        draw_interval(axes, at, one["value"], one["low"], one["high"], marker=marker, label=label)
    axes.set_xlabel("charging time (µs)" if seconds else "time (1/rate)")
    _finish(axes, ENERGY_LABEL)
    return figure


def collisions(data: Dataset, content: Content) -> Figure:
    """Work after each collision: the ideal bath, perfect gates, the chip, and what counts say."""
    figure, axes = sheet(3.6)
    k = content["circuit"]["collisions"]
    shown = slice(0, max(2 * k, 6))
    axes.plot(data["number"], data["bath_ergotropy"], color=BLUE, ls="--", label="ideal bath")
    axes.plot(
        data["number"], data["noiseless_ergotropy"], color=GREEN, marker="^", ls=":",
        label="perfect gates",
    )  # fmt: skip
    axes.plot(
        data["collisions"][shown], data["ergotropy"][shown], color=ORANGE, marker="o", ms=4,
        label="the chip's gates",
    )  # fmt: skip
    one = content["ergotropy"]
    draw_interval(axes, k, one["value"], one["low"], one["high"], marker="s", label="from counts")
    axes.set_xlabel("collisions")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _finish(axes, WORK_LABEL)
    return figure


def total_spin(sectors: Sequence[Content]) -> Figure:
    """Populations p(j, m): bars as computed, points as measured, each total spin in its tone."""
    figure, axes = sheet(3.2)
    spins = sorted({one["j"] for one in sectors}, reverse=True)
    hatches = ("", "//", "..", "xx", "--", "++")
    for place, one in enumerate(sectors):
        row = spins.index(one["j"])
        axes.bar(
            place, one["population"], color=TONES[row % len(TONES)], alpha=0.75,
            hatch=hatches[row % len(hatches)], edgecolor="white", lw=0,
        )  # fmt: skip
    seen = [(at, one) for at, one in enumerate(sectors) if one["measured"] is not None]
    axes.errorbar(
        [at for at, _ in seen],
        [one["measured"] for _, one in seen],
        yerr=[one["standard_error"] for _, one in seen],
        color=BLACK, marker="o", ms=4, capsize=3, ls="none",
    )  # fmt: skip
    axes.axhline(0, color=BLACK, lw=0.8)
    names = [f"{one['m']:+g}" if one["m"] else "0" for one in sectors]
    axes.set_xticks(range(len(names)), names, fontsize=9 if len(names) < 13 else 7)
    for spin in spins:
        places = [at for at, one in enumerate(sectors) if one["j"] == spin]
        axes.annotate(
            f"$j$ = {spin:g}", (np.mean(places), 1), (0, 4), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="center", size=9,
        )  # fmt: skip
        if places[0]:
            axes.axvline(places[0] - 0.5, color=GREY, lw=0.8, ls=":")
    axes.set_xlabel("$m$")
    axes.set_ylabel("population $p(j, m)$")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def states(charged: ComplexArray | None, measured: ComplexArray, words: Sequence[str]) -> Figure:
    """Sizes of the elements of a density matrix, as computed and as the counts say."""
    shown = [("from counts", measured)]
    if charged is not None:
        shown.insert(0, ("charged, computed", charged))
    figure, axes = sheet(2.9, columns=len(shown), squeeze=False)
    sizes = [np.abs(rho) for _, rho in shown]
    top = max(float(size.max()) for size in sizes)
    scale = PowerNorm(0.5, 0.0, top)  # coherences beside populations that are far larger
    for place, ((title, _), size) in enumerate(zip(shown, sizes, strict=True)):
        one = axes[0, place]
        image = one.imshow(size, cmap=HEAT, norm=scale, interpolation="nearest")
        one.set_title(title, fontsize=10)
        named = len(words) <= _NAMED_STATES
        size_of = 8 if len(words) <= 8 else 5
        one.set_xticks(range(len(words)) if named else [], words if named else [], rotation=90)
        one.set_yticks(range(len(words)) if named else [], words if named else [])
        one.tick_params(labelsize=size_of, length=2)
        if place:
            one.set_yticklabels([])
    bar = figure.colorbar(image, ax=axes, orientation="horizontal", fraction=0.06, aspect=36)
    bar.set_label(r"size of the element, $|\rho_{ab}|$", fontsize=9)
    return figure


def assignments(matrices: FloatArray, names: Sequence[str]) -> Figure:
    """P(read | prepared) of every cell."""
    columns = min(len(names), 3)
    rows = -(-len(names) // columns)
    figure, axes = sheet(1.7 * rows, rows, columns, squeeze=False)
    for place, one in enumerate(axes.ravel()):
        if place >= len(names):
            one.set_visible(False)
            continue
        matrix = matrices[place]
        one.imshow(matrix, cmap=HEAT, vmin=0, vmax=1, interpolation="nearest")
        for y, x in np.ndindex(matrix.shape):
            one.text(
                x, y, f"{100 * matrix[y, x]:.3g}", ha="center", va="center", size=9,
                color=_ON_LIGHT if matrix[y, x] > 0.5 else _ON_DARK,
            )  # fmt: skip
        one.set_title(plain(names[place]), fontsize=9)
        one.set_xticks(range(matrix.shape[1]))
        one.set_yticks(range(matrix.shape[0]))
        one.tick_params(labelsize=8, length=2)
        if place % columns == 0:
            one.set_ylabel("read", fontsize=9)
        if place + columns >= len(names):
            one.set_xlabel("prepared", fontsize=9)
    return figure


def estimators(rows: Sequence[Content], true: float | None) -> Figure:
    """What every reading of the same counts says of the work."""
    figure, axes = sheet(1.1 + 0.38 * len(rows))
    names = []
    for place, one in enumerate(rows):
        value, low, high = one["value"], one["low"], one["high"]
        if low is not None and high is not None:
            axes.plot([low, high], [place, place], color=ORANGE, lw=3, solid_capstyle="butt")
        marker = "x" if low is None else ">" if one["is_lower_bound"] else "o"
        axes.plot([value], [place], color=BLACK, marker=marker, ms=6, ls="none")
        names.append(plain(one["name"]) + (", at least" if one["is_lower_bound"] else ""))
    if true is not None:
        axes.axvline(true, color=BLUE, ls="--", lw=1.2, zorder=0)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(left=0.0)
    axes.set_xlabel(WORK_LABEL)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def margins(rows: Sequence[Content]) -> Figure:
    """How many times its planned value a figure may take until the goal is just reached."""
    figure, axes = sheet(0.8 + 0.55 * len(rows))
    ratios = [one["limit"] / one["now"] for one in rows]
    for place, (ratio, one) in enumerate(zip(ratios, rows, strict=True)):
        axes.plot([1.0, ratio], [place, place], color=BLUE, lw=5, solid_capstyle="butt")
        axes.plot([ratio], [place], color=BLUE, marker="<" if ratio < 1 else ">", ms=8)
        axes.annotate(
            plain(f"{one['limit']:.3g} {one['unit']}".strip(), 16), (ratio, place),
            (8 if ratio >= 1 else -8, 0), textcoords="offset points", size=9, va="center",
            ha="left" if ratio >= 1 else "right",
        )  # fmt: skip
        axes.annotate(
            plain(f"{one['name']}, {one['now']:.3g} {one['unit']}".strip()),
            (0, place), (0, 9), xycoords=("axes fraction", "data"),
            textcoords="offset points", size=9.5,
            path_effects=[withStroke(linewidth=3, foreground="#FFFFFF")],  # before the line
        )  # fmt: skip
    axes.axvline(1.0, color=ORANGE, ls="--", zorder=0)
    axes.set_xscale("log")
    axes.set_xlim(min(0.5, *(0.3 * r for r in ratios)), max(2.0, *(5 * r for r in ratios)))
    axes.set_yticks([])
    axes.set_ylim(len(rows) - 0.6, -0.8)
    axes.set_xlabel("goal just reached, over the planned value")
    axes.spines[["left", "top", "right"]].set_visible(False)
    return figure


def short_label(values: Dataset, name: str) -> str:
    """Name and unit of a variable of a sweep."""
    unit = str(values.attrs.get("units", "1")).replace("hbar*mean(omega)", r"$\hbar\bar\omega$")
    words = name.replace("_", " ")
    return words if unit == "1" else f"{words} ({unit})"


def plain(text: object, most: int = 40) -> str:
    """A text of a file, short, in which a dollar sign is no mathematics."""
    words = str(text)
    short = words if len(words) <= most else f"{words[: most - 1]}…"
    return short.replace("$", r"\$")


def _finish(axes: Axes, label: str) -> None:
    axes.set_ylabel(label)
    axes.set_ylim(bottom=0.0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9, loc="best")
