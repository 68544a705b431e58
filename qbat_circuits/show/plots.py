"""The charging curve, and the figure of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from qbat_circuits.dynamics.curve import ChargingCurve
from qbat_circuits.show.style import BLUE, ENERGY_LABEL, ORANGE, draw_interval, new_axes
from qbat_circuits.study.experiment import ExperimentResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
        axes = new_axes()
    times = curve.times * time_scale
    axes.plot(times, curve.energy, color=BLUE, linestyle="--", label="stored energy $E$")
    axes.plot(times, curve.ergotropy, color=ORANGE, label="ergotropy $W$")
    axes.set_xlabel(time_label or "time (1/rate)")
    axes.set_ylabel(ENERGY_LABEL)
    axes.set_ylim(bottom=0.0)
    if curve.times[-1] > 8 * curve.times[curve.best] > 0:
        # Charging and its decay differ by orders of magnitude: show both time scales.
        axes.set_xscale("log")
        times = times[times > 0]
    axes.set_xlim(times[0], times[-1])
    axes.legend(frameon=False, fontsize="small")
    return axes


def result_figure(result: ExperimentResult) -> Figure:
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
        color=ORANGE,
        alpha=0.08,
        linewidth=0,
        label=f"$W \\geq$ {plateau.share:.0%} of its peak",
    )
    source = f"from emulated shots, {100 * estimate.confidence:.10g} % interval"
    for value, low, high, label, marker in (
        (estimate.energy.value, estimate.energy.low, estimate.energy.high, "$E$", "s"),
        (estimate.value, estimate.low, estimate.high, "$W$", "o"),
    ):
        at = plateau.peak_time * scale
        draw_interval(axes, at, value, low, high, marker=marker, label=f"{label} {source}")
    top = max(result.curve.energy.max(), estimate.energy.high, estimate.high)
    axes.set_ylim(0.0, 1.08 * top)
    axes.legend(loc="best", frameon=False, fontsize="small")
    head = "HYPOTHETICAL: " if model.hypothetical else ""
    axes.set_title(f"{head}{model.statement}", fontsize="medium", loc="left", wrap=True)
    return figure
