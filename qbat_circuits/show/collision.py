"""What a run of a collision circuit found: text rows and the figure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from qbat_circuits.show.style import BLUE, GREEN, ORANGE, WORK_LABEL, draw_interval, headed
from qbat_circuits.show.summary import Rows, estimate_rows
from qbat_circuits.study.collision import CollisionResult
from qbat_circuits.study.schedule import CollisionSchedule

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def collision_sections(result: CollisionResult) -> Iterator[tuple[str, Rows]]:
    """Titled groups of (what, value) rows, in reading order."""
    yield "Circuit", list(schedule_rows(result.schedule))
    yield "Work", list(_work_rows(result))
    yield "Measurement", list(estimate_rows(result.estimate))


def schedule_rows(schedule: CollisionSchedule) -> Iterator[tuple[str, str]]:
    """What is run, on which qubits."""
    one = schedule.compiled
    place, chip = one.placement, one.noise.calibration
    yield "calibration", f"{chip.name}, {chip.calibrated_at or 'undated'}"
    yield "cells on qubits", ", ".join(map(str, place.cells))
    hops = "" if not place.hops else f", moving over cell{'s' if len(place.hops) > 1 else ''} "
    yield (
        "ancilla",
        f"qubit {place.ancilla}{hops}{', '.join(map(str, place.hops))}, {one.ancilla}, "
        f"occupation {one.occupation:.4g}",
    )
    yield (
        "collisions",
        f"{schedule.collisions} of angle {one.theta:.4g}, as a bath for kappa t = "
        f"{schedule.equivalent_time:.3g}",
    )
    yield (
        "cost",
        f"{schedule.two_qubit_gates} two-qubit gates, {schedule.duration_s * 1e6:.4g} us",
    )


def trade_off_rows(
    schedule: CollisionSchedule,
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headers and one row for each angle."""
    rows: list[tuple[str, ...]] = [
        (
            f"{p.theta:.3f}",
            str(p.collisions),
            f"{p.ergotropy:.4f}",
            f"{p.correlated:.4f}",
            f"{p.ideal_ergotropy:.4f}",
            str(p.two_qubit_gates),
            f"{p.duration_s * 1e6:.1f}",
            "best" if p.theta == schedule.compiled.theta else "",
        )
        for p in schedule.trade_off
    ]
    return ("theta", "k", "W (hw)", "correlated", "without noise", "gates", "us", ""), rows


def _work_rows(result: CollisionResult) -> Iterator[tuple[str, str]]:
    schedule = result.schedule
    yield "ideal bath, for ever", f"{result.bath_limit:.4f} hw"
    yield "ideal bath, for this time", f"{result.bath.ergotropy[-1]:.4f} hw"
    yield "circuit on perfect gates", f"{result.noiseless[-1]:.4f} hw"
    yield "delivered by the noisy circuit", f"{schedule.ergotropy:.4f} hw"
    correlated = schedule.correlated[schedule.collisions - 1]
    yield "  of it from correlations", f"{correlated:.4f} hw"
    found = result.extraction
    yield (
        "taken out by noisy gates",
        f"{found.net_work:.4f} hw with {found.two_qubit_gates} two-qubit gates, energy of the "
        "controls not counted",
    )
    yield "  lost by idle cells", f"{found.idle_loss:.4f} hw in the same time, by relaxation"
    if found.break_even_error is not None:
        yield "  break-even two-qubit error", f"{found.break_even_error:.2%}"


def collision_figure(result: CollisionResult) -> Figure:
    """Work against the number of collisions: bath, perfect gates, noisy chip, and the estimate."""
    schedule, estimate = result.schedule, result.estimate
    k = schedule.collisions
    shown = min(len(schedule.ergotropies), max(2 * k, 6))
    figure = Figure(figsize=(9.0, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.4, 1))
    numbers = np.arange(k + 1)
    left.plot(numbers, result.bath.ergotropy, color=BLUE, ls="--", label="ideal collective bath")
    left.plot(numbers, result.noiseless, color=GREEN, marker="^", ls=":", label="perfect gates")
    left.plot(
        np.arange(1, shown + 1),
        schedule.ergotropies[:shown],
        color=ORANGE,
        marker="o",
        ms=4,
        label=f"noisy gates of {schedule.compiled.noise.calibration.name}",
    )
    label = f"estimate, {100 * estimate.confidence:.10g} % interval"
    draw_interval(left, k, estimate.value, estimate.low, estimate.high, marker="s", label=label)
    left.set_xlabel("collisions")
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.set_ylabel(WORK_LABEL)
    left.set_ylim(bottom=0.0)
    left.legend(frameon=False, fontsize="small", loc="best")
    _draw_trade_off(right, schedule)
    return headed(figure, result.statement)


def _draw_trade_off(axes: Axes, schedule: CollisionSchedule) -> None:
    points = schedule.trade_off
    thetas = [p.theta for p in points]
    axes.plot(thetas, [p.ideal_ergotropy for p in points], color=GREEN, marker="^", ls=":")
    axes.plot(thetas, [p.ergotropy for p in points], color=ORANGE, marker="o", ms=4)
    for p in points:
        axes.annotate(
            str(p.collisions),
            (p.theta, p.ergotropy),
            (0, 5),
            textcoords="offset points",
            ha="center",
            size=7,
        )
    axes.set_xlabel(r"angle $\theta$ (numbers: best $k$)")
    axes.set_ylabel(WORK_LABEL)
    axes.set_ylim(bottom=0.0)
