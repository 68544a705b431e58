"""Before an experiment: which cells, how long, which scheme, how many shots, and will it work.

Source: docs/planning.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from qbat_circuits.analysis.estimate import SCHEMES
from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.errors import InputError, check_choice, check_integer, check_number
from qbat_circuits.markup import Markup, facts
from qbat_circuits.schema import Experiment
from qbat_circuits.study.margins import Margin, elasticity, margin_of
from qbat_circuits.study.plan_target import Target, target_of
from qbat_circuits.study.precision import CALIBRATION, Goal, Precision, enough_shots
from qbat_circuits.study.prediction import NOTHING, Prediction
from qbat_circuits.study.results import FORMAT, VERSION, versions
from qbat_circuits.thermodynamics import energy, ergotropy

#: Probability of success from which a plan is a GO.
GO: Final = 0.9
#: Draws of the figures that may turn out different.
DRAWS: Final = 300
#: Other cells that a plan names.
MOST: Final = 5
#: Time between two shots on public chips, s.
REPETITION_S: Final = 250e-6
WORDS: Final = {
    "t1": "T1",
    "t2": "T2",
    "rate": "collective rate kappa",
    "occupation": "occupation n",
    "gates": "gate errors",
}
Progress = Callable[[str], None]


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """What to do, and whether it is worth it; energies in units of hbar*mean(omega).

    Attributes:
        experiment: what is planned.
        mode: "bath" or "collision".
        statement: one line that says what this is.
        hypothetical: why the chip cannot be what the model makes of it; None where it can.
        qubits: cells, cell 0 first.
        time_s: charging time: peak of the curve, or duration of the circuit.
        window_s: times between which W is at least 90 % of the peak, the second None where it was
            not found; None for a circuit.
        ergotropy, energy: of the cells when they are read, as predicted.
        goal: what the interval must do.
        precision: the chosen scheme with its shots and its expected interval.
        schemes: every scheme that was looked at.
        needed: least ergotropy that the planned shots tell from 0.
        wall_time_s: time of all shots on the chip.
        spread: relative spread of the uncertain figures.
        probability: that the goal is reached, over the spread.
        go: whether it is a GO.
        reason: why, one sentence.
        margins: what may go how far.
        elasticities: d ln W / d ln x of each figure.
        improve_first: figure whose improvement by one spread brings the most work.
        alternatives: other cells with the ergotropy they would deliver, best first.
        delivered: the most that each qubit of the chip would deliver together with others, by
            number; those that were not looked at are missing.
        assumptions, notes: one sentence each.
        seed: of the emulated data sets and of the draws.
        calibration_sha256: of the chip's figures.
        created_at: ISO time stamp.
    """

    experiment: Experiment
    mode: str
    statement: str
    hypothetical: str | None
    qubits: tuple[int, ...]
    time_s: float
    window_s: tuple[float, float | None] | None
    ergotropy: float
    energy: float
    goal: Goal
    precision: Precision
    schemes: tuple[Precision, ...]
    needed: float
    wall_time_s: float
    spread: float
    probability: float
    go: bool
    reason: str
    margins: tuple[Margin, ...]
    elasticities: dict[str, float]
    improve_first: str
    alternatives: tuple[tuple[tuple[int, ...], float], ...]
    delivered: dict[int, float]
    assumptions: tuple[str, ...]
    notes: tuple[str, ...]
    seed: int
    calibration_sha256: str
    created_at: str

    @property
    def circuits(self) -> int:
        """Number of circuits: settings, and the two that calibrate the readout."""
        return self.precision.circuits + 2

    def _repr_html_(self) -> Markup:
        """What a notebook shows."""
        best = self.precision
        shown = {
            "verdict": f"{'GO' if self.go else 'NO-GO'}: {self.reason}",
            "cells on qubits": ", ".join(map(str, self.qubits)),
            "time": f"{1e6 * self.time_s:.4g} µs",
            "scheme": f"{best.scheme}, {best.circuits} circuits of {best.shots} shots",
            "ergotropy": f"{self.ergotropy:.4f} of {self.energy:.4f} ħω̄ stored",
            "interval to expect": f"{best.low:.4f} to {best.high:.4f} ħω̄",
            "probability of the goal": f"{self.probability:.0%}",
        }
        head = "" if self.hypothetical is None else f"HYPOTHETICAL ({self.hypothetical}): "
        return facts(f"{head}{self.statement}", shown.items())

    def to_dict(self) -> dict[str, Any]:
        """All figures, as JSON content in the format of results."""
        names = (
            "mode statement hypothetical time_s window_s ergotropy energy needed wall_time_s "
            "spread probability go reason elasticities improve_first seed calibration_sha256 "
            "created_at"
        )
        return {
            "format": FORMAT,
            "version": VERSION,
            "kind": "plan",
            **{name: getattr(self, name) for name in names.split()},
            "qubits": list(self.qubits),
            "goal": {**asdict(self.goal), "words": self.goal.words},
            "precision": asdict(self.precision),
            "circuits": self.circuits,
            "total_shots": self.precision.total_shots,
            "schemes": [asdict(one) for one in self.schemes],
            "margins": [asdict(one) for one in self.margins],
            "alternatives": [
                {"qubits": list(qubits), "ergotropy": work} for qubits, work in self.alternatives
            ],
            "delivered": [{"qubit": q, "ergotropy": w} for q, w in sorted(self.delivered.items())],
            "units": {"energy": "hbar*mean(omega)", "time": "s"},
            "experiment": self.experiment.model_dump(mode="json"),
            "experiment_sha256": self.experiment.sha256(),
            "versions": versions(),
            "assumptions": list(self.assumptions),
            "notes": list(self.notes),
        }


def plan(
    experiment: Experiment,
    goal: Goal | None = None,
    *,
    spread: float = 0.2,
    repetition_s: float = REPETITION_S,
    schemes: tuple[str, ...] | None = None,
    seed: int = 7,
    progress: Progress | None = None,
) -> Plan:
    """Choose cells, charging time, scheme and shots, and say how likely the goal is reached.

    Args:
        experiment: with a [chip]; ``qubits = "auto"`` lets the cells be chosen. The charging time
            is chosen whatever ``charging.times`` says.
        goal: what the interval must do; 3 sigma above 0 by default.
        spread: relative spread of T1 and T2 of each cell, of kappa and n of a bath, and of the gate
            errors of a circuit.
        repetition_s: time between two shots.
        schemes: names of the schemes that may be used; all by default.
        seed: of the emulated data sets and of the draws.
        progress: called with a short text before each stage.

    Raises:
        InputError: for whatever the experiment asks that cannot be done.
    """
    say = progress or (lambda _stage: None)
    wanted = goal or Goal()
    width = check_number("spread", spread, at_least=0, at_most=1)
    between = check_number("repetition_s", repetition_s, at_least=0)
    first = check_integer("seed", seed, at_least=0)
    if experiment.chip is None:
        raise InputError("A plan needs a [chip], whose figures it rests on.")
    say("Choosing cells and charging time")
    chosen = target_of(experiment)
    prediction = chosen.prediction
    state = prediction.state()
    work = ergotropy(state, prediction.energies)
    say("Choosing the scheme and the shots")
    tried = _schemes(schemes, state, chosen, wanted, first)
    say("Drawing what may turn out different")
    drawn = drawn_works(prediction, width, first)

    def chance(one: Precision) -> float:
        return float(np.mean(drawn >= told_from_0(work, one)))

    best = min(tried, key=lambda one: (not one.enough, -min(chance(one), GO), one.total_shots))
    needed, probability = told_from_0(work, best), chance(best)
    say("Looking for margins")
    margins = tuple(margin_of(figure, prediction, needed) for figure in chosen.figures)
    costs = {name: elasticity(prediction, name) for name in prediction.factors}
    improve = max(costs, key=lambda name: abs(costs[name]))
    go = probability >= GO and best.enough and chosen.hypothetical is None
    shot = chosen.time_s + chosen.measuring_s + between
    return Plan(
        experiment=experiment,
        mode=experiment.charging.mode,
        statement=chosen.statement,
        hypothetical=chosen.hypothetical,
        qubits=chosen.qubits,
        time_s=chosen.time_s,
        window_s=chosen.window_s,
        ergotropy=work,
        energy=energy(state, prediction.energies),
        goal=wanted,
        precision=best,
        schemes=tried,
        needed=needed,
        wall_time_s=best.total_shots * shot,
        spread=width,
        probability=probability,
        go=go,
        reason=_reason(chosen, best, wanted, work, needed, probability, width, WORDS[improve]),
        margins=margins,
        elasticities={WORDS[name]: value for name, value in costs.items()},
        improve_first=WORDS[improve],
        alternatives=chosen.alternatives[:MOST],
        delivered=chosen.delivered,
        assumptions=(*chosen.assumptions, f"{1e6 * between:.4g} us between two shots."),
        notes=chosen.notes,
        seed=first,
        calibration_sha256=chosen.calibration_sha256,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _schemes(
    names: tuple[str, ...] | None,
    state: ComplexArray,
    chosen: Target,
    goal: Goal,
    seed: int,
) -> tuple[Precision, ...]:
    """Every scheme that serves these cells, with its shots."""
    found, refusal = [], None
    energies = chosen.prediction.energies
    for name in SCHEMES if names is None else names:
        check_choice("schemes", name, tuple(SCHEMES))
        try:
            readout = chosen.prediction.readout()
            found.append(enough_shots(name, state, readout, goal, energies, seed, CALIBRATION))
        except InputError as error:
            refusal = error
    if not found:
        raise refusal or InputError("'schemes' must name at least one scheme.")
    return tuple(found)


def told_from_0(work: float, precision: Precision) -> float:
    """Least work whose interval is expected above 0: what separates the work from its lower end."""
    return max(work - precision.low, 0.0) if precision.value else work


def drawn_works(prediction: Prediction, spread: float, seed: int) -> FloatArray:
    """Ergotropies at the planned time if the uncertain figures turn out different, shape (DRAWS,).

    Each is multiplied by exp(spread z) with its own standard normal z; T1 and T2 of each qubit have
    one each.
    """
    rng = np.random.default_rng(seed)
    n = len(prediction.energies)
    uncertain = [name for name in prediction.factors if name in prediction.uncertain]
    works = np.empty(DRAWS)
    for draw in range(DRAWS):
        factors: dict[str, Any] = {}
        for name in uncertain:
            if name in ("t1", "t2"):
                factors[name] = tuple(np.exp(spread * rng.standard_normal(n + 1)).tolist())
            else:
                factors[name] = float(np.exp(spread * rng.standard_normal()))
        works[draw] = prediction.work(replace(NOTHING, **factors))
    return works


def _reason(
    chosen: Target,
    best: Precision,
    goal: Goal,
    work: float,
    needed: float,
    probability: float,
    spread: float,
    improve: str,
) -> str:
    """Why it is a GO or not, in one sentence."""
    if chosen.hypothetical is not None:
        return (
            f'{chosen.hypothetical}: no such bath acts on this chip, and mode "collision" is what '
            "it can run."
        )
    if not best.enough:
        shots = f"{best.shots} shots a setting of any scheme"
        return f"the goal, {goal.words}, is not reached with {shots}."
    told = f"the {needed:.3g} that {best.shots} shots a setting tell from 0"
    share = f"in {probability:.0%} of the draws with a spread of {spread:.0%}"
    if probability >= GO:
        return f"the ergotropy, {work:.3g} as planned, is above {told} {share}."
    return (
        f"the ergotropy, {work:.3g} as planned, is above {told} only {share}; improve {improve} "
        "first."
    )
