"""Figures of results, as matplotlib axes or as SVG bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import matplotlib
from matplotlib.figure import Figure

from qbat_circuits.dynamics.curve import ChargingCurve
from qbat_circuits.study.experiment import ExperimentResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe-Ito colours: told apart by colour-blind readers, and in grey by their line styles.
_ENERGY, _ERGOTROPY, _MEASURED = "#0072B2", "#D55E00", "#000000"
#: Fixed, so that the same figure has the same bytes.
_SVG = {"svg.hashsalt": "qbat-circuits", "svg.fonttype": "path"}


def plot_curve(
    curve: ChargingCurve, axes: Axes | None = None, time_scale: float = 1.0, time_label: str = ""
) -> Axes:
    """Energy and ergotropy against time.

    Args:
        curve: what to draw.
        axes: where to draw; new axes by default.
        time_scale: factor on the times, such as 1e6 for microseconds.
        time_label: label of the time axis; "time (1/rate)" by default.
    """
    if axes is None:
        axes = Figure(figsize=(7.0, 4.5), layout="constrained").subplots()
    times = curve.times * time_scale
    axes.plot(times, curve.energy, color=_ENERGY, linestyle="--", label="stored energy $E$")
    axes.plot(times, curve.ergotropy, color=_ERGOTROPY, label="ergotropy $W$")
    axes.set_xlabel(time_label or "time (1/rate)")
    axes.set_ylabel(r"energy ($\hbar\bar\omega$)")
    axes.set_ylim(bottom=0.0)
    if curve.times[-1] > 8 * curve.times[curve.best] > 0:
        # Charging and its decay differ by orders of magnitude: show both time scales.
        axes.set_xscale("log")
        times = times[times > 0]
    axes.set_xlim(times[0], times[-1])
    return axes


def plot_result(result: ExperimentResult) -> Figure:
    """Charging curve, plateau and the measured point with its interval; the title says what."""
    model, estimate, plateau = result.model, result.estimate, result.plateau
    seconds = model.device is not None
    scale = 1e6 if seconds else 1.0
    figure = Figure(figsize=(7.0, 4.5), layout="constrained")
    axes = figure.subplots()
    plot_curve(result.curve, axes, scale, "charging time (µs)" if seconds else "")
    axes.axvspan(
        plateau.start * scale,
        plateau.stop * scale,
        color=_ERGOTROPY,
        alpha=0.08,
        linewidth=0,
        label=f"$W \\geq$ {plateau.share:.0%} of its peak",
    )
    source = f"from emulated shots, {100 * estimate.confidence:.10g} % interval"
    for value, low, high, label, marker in (
        (estimate.energy.value, estimate.energy.low, estimate.energy.high, "$E$", "s"),
        (estimate.value, estimate.low, estimate.high, "$W$", "o"),
    ):
        axes.errorbar(
            [plateau.peak_time * scale],
            [value],
            yerr=[[value - low], [high - value]],
            color=_MEASURED,
            marker=marker,
            markersize=4.5,
            capsize=4,
            linestyle="none",
            zorder=5,
            label=f"{label} {source}",
        )
    top = max(result.curve.energy.max(), estimate.energy.high, estimate.high)
    axes.set_ylim(0.0, 1.08 * top)
    axes.legend(loc="best", frameon=False, fontsize="small")
    head = "HYPOTHETICAL: " if model.hypothetical else ""
    axes.set_title(f"{head}{model.statement}", fontsize="medium", loc="left", wrap=True)
    return figure


def svg_bytes(figure: Figure) -> bytes:
    """The figure as SVG without a date: same figure, same bytes."""
    buffer = io.BytesIO()
    with matplotlib.rc_context(_SVG):  # type: ignore[arg-type]
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
