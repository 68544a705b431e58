"""A figure of one estimate: the work with its interval, and what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from qbat_circuits.analysis.dicke import DickeEstimate
from qbat_circuits.analysis.extraction import ExtractionEstimate
from qbat_circuits.analysis.pauli import PauliEstimate
from qbat_circuits.analysis.scheme import ErgotropyEstimate
from qbat_circuits.show.style import BLACK, GREY, ORANGE, TONES, headed, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Least width of the axis of work; the noise of a zero is not stretched over a figure.
_LEAST_SPAN = 1e-3


def plot_estimate(estimate: ErgotropyEstimate, axes: Axes | None = None) -> Axes:
    """The work with its interval, beside what other readings of the same counts say.

    Args:
        estimate: of any scheme.
        axes: where to draw; new axes by default.
    """
    if axes is None:
        axes = new_axes(5.5, 3.6)
    _draw_values(axes, estimate)
    return axes


def estimate_figure(estimate: ErgotropyEstimate) -> Figure:
    """The work with its interval; beside them the state or its populations.

    Args:
        estimate: of any scheme; `PauliEstimate` adds the size of the elements of the state,
            `DickeEstimate` the populations p(j, m).
    """
    extra = isinstance(estimate, PauliEstimate | DickeEstimate)
    figure = Figure(figsize=(9.0 if extra else 5.5, 3.6), layout="constrained")
    if extra:
        left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    else:
        left, right = figure.subplots(), None
    plot_estimate(estimate, left)
    if isinstance(estimate, PauliEstimate):
        _draw_state(right, estimate)
    elif isinstance(estimate, DickeEstimate):
        _draw_populations(right, estimate)
    what = _what(estimate)
    if what == "extractable work" and estimate.is_lower_bound:
        what = f"lower bound on {what}"
    head = what[0].upper() + what[1:]
    text = f"{head}: scheme {estimate.scheme}, {estimate.total_shots} shots, {estimate.origin}"
    return headed(figure, text)


def _what(estimate: ErgotropyEstimate) -> str:
    """What the axis shows; an energy drop is work only if its circuit is unitary."""
    drop = isinstance(estimate, ExtractionEstimate)
    return "energy taken out" if drop else "extractable work"


def _draw_values(axes: Axes, estimate: ErgotropyEstimate) -> None:
    """One line per figure, from the answer down; the stored energy in words."""
    level = f"{100 * estimate.confidence:.10g} %"
    rows = [(f"interval, {level}", estimate.value, ORANGE, "o")]
    if estimate.guaranteed_low is not None:
        rows.append((f"at least, any shots, {level}", estimate.guaranteed_low, ORANGE, ">"))
    rows.append(("not mitigated", estimate.raw_value, BLACK, "x"))
    if not isinstance(estimate, ExtractionEstimate):  # a drop is linear: it is its own plug-in
        rows.append(("plug-in, biased", estimate.plug_in, BLACK, "+"))
    low, high = estimate.low, estimate.high
    axes.errorbar(
        [estimate.value],
        [0],
        xerr=[[estimate.value - low], [high - estimate.value]],
        color=ORANGE,
        linewidth=2.5,
        capsize=5,
    )
    points = [0.0, low, high, *(row[1] for row in rows)]
    left, right = min(points), max(points)
    span = max(right - left, _LEAST_SPAN)
    axes.set_xlim(left - 0.15 * span, left + 1.15 * span)
    for row, (_, value, color, marker) in enumerate(rows):
        axes.plot([value], [row], color=color, marker=marker, markersize=6, linestyle="none")
        text = f"{value:.4f}" + (f"  [{low:.4f}, {high:.4f}]" if row == 0 else "")
        place = (value - left) / span  # text stays inside the axes
        side = "left" if place < 0.25 else "right" if place > 0.75 else "center"
        shift = {"left": 3, "center": 0, "right": -3}[side]
        axes.annotate(text, (value, row), (shift, 9), textcoords="offset points", ha=side, size=8)
    axes.set_yticks(range(len(rows)), [row[0] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.8)
    axes.locator_params(axis="x", nbins=5)
    axes.axvline(0, color=GREY, linewidth=0.8, zorder=0)
    energy = estimate.energy
    axes.set_xlabel(
        f"{_what(estimate)} ($\\hbar\\bar\\omega$)\n"
        f"of {energy.value:.4f} [{energy.low:.4f}, {energy.high:.4f}] stored"
    )


def _draw_state(axes: Axes, estimate: PauliEstimate) -> None:
    n = estimate.readout.n_cells
    sizes = np.abs(estimate.state)
    image = axes.imshow(sizes, cmap="Greys", vmin=0, vmax=float(sizes.max()))
    axes.figure.colorbar(image, ax=axes, label=r"$|\rho|$ of the nearest state", shrink=0.85)
    if n <= 4:
        labels = [f"{b:0{n}b}" for b in range(2**n)]
        size = 8 if n <= 3 else 6
        axes.set_xticks(range(2**n), labels, rotation=90, fontsize=size)
        axes.set_yticks(range(2**n), labels, fontsize=size)
    axes.set_title(r"basis $q_{N-1} \ldots q_0$", fontsize="small")


def _draw_populations(axes: Axes, estimate: DickeEstimate) -> None:
    """Populations p(j, m) with one standard error, each total spin in its own tone."""
    spins = sorted({j for j, _ in estimate.sectors}, reverse=True)
    for place, ((j, _), p, error) in enumerate(
        zip(estimate.sectors, estimate.populations, estimate.standard_errors, strict=True)
    ):
        axes.bar(
            place, p, color=TONES[spins.index(j) % len(TONES)], yerr=error, ecolor=BLACK, capsize=2
        )
    names = [f"{j:g}, {m:+g}" if m else f"{j:g}, 0" for j, m in estimate.sectors]
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8 if len(names) < 13 else 5)
    axes.axhline(0, color=BLACK, linewidth=0.8)
    axes.set_xlabel("$j, m$")
    axes.set_ylabel("population $p(j, m)$")
