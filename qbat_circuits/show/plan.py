"""A plan as text: the verdict first, then what to do, then how far things may go."""

from __future__ import annotations

from collections.abc import Iterator

from qbat_circuits.show.summary import Rows
from qbat_circuits.study.plan import Plan
from qbat_circuits.study.precision import Precision

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]


def verdict(go: bool, hypothetical: str | None, reason: str) -> str:
    """GO or NO-GO with its reason, one line."""
    head = "GO" if go else "NO-GO"
    if hypothetical is not None:
        head = f"{head}, HYPOTHETICAL"
    return f"{head}: {reason}"


def plan_sections(plan: Plan) -> Iterator[tuple[str, Rows]]:
    """Titled groups of (what, value) rows, in reading order."""
    yield "What to do", list(_doing(plan))
    yield "What to expect", list(_expected(plan))


def margin_table(plan: Plan) -> Table:
    """Headers and one row for each figure that may go astray."""
    rows: list[tuple[str, ...]] = [
        (
            one.name,
            f"{one.now:.3g}",
            "never" if one.limit is None else f"{one.limit:.3g}",
            one.unit,
        )
        for one in plan.margins
    ]
    return ("figure", "as planned", "goal just reached at", ""), rows


def elasticity_table(plan: Plan) -> Table:
    """Headers and one row for each figure: d ln W / d ln x, the largest first."""
    ordered = sorted(plan.elasticities.items(), key=lambda item: -abs(item[1]))
    rows: list[tuple[str, ...]] = [(name, f"{value:+.3f}") for name, value in ordered]
    return ("figure", "d ln W / d ln x"), rows


def _doing(plan: Plan) -> Iterator[tuple[str, str]]:
    yield "what", plan.statement
    yield "cells on qubits", ", ".join(map(str, plan.qubits))
    name = "charging time" if plan.window_s is not None else "duration of the circuit"
    yield name, f"{1e6 * plan.time_s:.4g} us"
    if plan.window_s is not None:
        start, stop = plan.window_s
        end = "on" if stop is None else f"to {1e6 * stop:.4g} us"
        yield "  window with W >= 90 % of it", f"from {1e6 * start:.4g} us {end}"
    best = plan.precision
    yield "scheme", f"{best.scheme}, {best.circuits} circuits of {best.shots} shots"
    yield "  and to calibrate the readout", f"2 circuits of {best.calibration_shots} shots"
    yield "time on the chip", f"{plan.wall_time_s:.3g} s"
    for other in plan.schemes:
        if other.scheme != best.scheme:
            yield f"  or {other.scheme}", _other(other)
    for qubits, work in plan.alternatives[:3]:
        yield "  or qubits", f"{', '.join(map(str, qubits))} with W = {work:.4f}"


def _other(one: Precision) -> str:
    text = f"{one.circuits} circuits of {one.shots} shots"
    return text if one.enough else f"{text} are not enough"


def _expected(plan: Plan) -> Iterator[tuple[str, str]]:
    best = plan.precision
    level = f"{100 * plan.goal.level:.6g} %"
    yield "goal", plan.goal.words
    yield "ergotropy of the cells", f"{plan.ergotropy:.4f} hw of {plan.energy:.4f} hw stored"
    yield f"  {level} interval, on average", f"[{best.low:.4f}, {best.high:.4f}]"
    yield "least work told from 0", f"{plan.needed:.4f} hw"
    yield (
        "probability of reaching the goal",
        f"{plan.probability:.0%} with a spread of {plan.spread:.0%}",
    )
