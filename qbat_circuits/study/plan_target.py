"""What a plan is about: cells on a common bath for the best time, or the best circuit on a chip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from qbat_circuits.calibration import load_calibration
from qbat_circuits.errors import InputError, check_integer
from qbat_circuits.schema import Experiment
from qbat_circuits.study.cell_choice import Candidate, best_cells
from qbat_circuits.study.collision import collision_statement, plan_collision
from qbat_circuits.study.margins import Figure, scaled_figure
from qbat_circuits.study.prediction import BathPrediction, Change, CollisionPrediction, Prediction
from qbat_circuits.study.schedule import CollisionSchedule

#: Most cells on a bath: every scheme is tried on hundreds of emulated data sets.
MAX_PLAN_CELLS: Final = 4
#: Largest occupation of the local baths that is looked at.
_HOTTEST: Final = 24.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Target:
    """What is charged where and how long.

    Args:
        prediction: the state that is read, whatever turns out different.
        figures: what a limit is looked for.
        statement: one line that says what this is.
        hypothetical: why the chip cannot be what the model makes of it; None where it can.
        qubits: cells, cell 0 first.
        time_s: charging time: peak of the curve, or duration of the circuit.
        measuring_s: delay, rotation and readout.
        window_s: times between which W is at least 90 % of the peak, the second None where it was
            not found; None for a circuit.
        alternatives: other cells with the ergotropy they would deliver, best first.
        assumptions, notes: one sentence each.
        calibration_sha256: of the chip's figures.
    """

    prediction: Prediction
    figures: tuple[Figure, ...]
    statement: str
    hypothetical: str | None
    qubits: tuple[int, ...]
    time_s: float
    measuring_s: float
    window_s: tuple[float, float | None] | None
    alternatives: tuple[tuple[tuple[int, ...], float], ...]
    assumptions: tuple[str, ...]
    notes: tuple[str, ...]
    calibration_sha256: str

    @property
    def delivered(self) -> dict[int, float]:
        """The most that each qubit would deliver together with others, by number."""
        most: dict[int, float] = {}
        chosen = (self.qubits, self.prediction.work())
        for qubits, work in (chosen, *self.alternatives):
            for qubit in qubits:
                most[qubit] = max(most.get(qubit, 0.0), work)
        return most


def target_of(experiment: Experiment) -> Target:
    """What an experiment plans to charge.

    Raises:
        InputError: for whatever the experiment asks that cannot be done.
    """
    if experiment.charging.mode == "collision":
        return collision_target(experiment)
    return bath_target(experiment)


def bath_target(experiment: Experiment) -> Target:
    """A common bath on the best cells, for the best time."""
    chip = experiment.chip
    if chip is None or experiment.bath.kind != "thermal" or experiment.bath.envelope is not None:
        raise InputError("A plan needs a [bath] of kind 'thermal' without an envelope.")
    if experiment.battery.levels != 2:
        raise InputError("'battery.levels' must be 2 for a plan.")
    calibration = load_calibration(chip.calibration)
    n = experiment.battery.n_cells if isinstance(chip.qubits, str) else len(chip.qubits)
    n = check_integer("battery.n_cells", n, at_least=1, at_most=MAX_PLAN_CELLS)
    found = best_cells(experiment, calibration, n)
    best = found[0]
    plateau, model = best.plateau, best.model
    listed = experiment.model_copy(
        update={"chip": chip.model_copy(update={"qubits": list(best.qubits)})}
    )
    prediction = BathPrediction(listed, calibration, plateau.peak_time)
    lengths = [calibration.qubits[q].readout_length_s or 0.0 for q in best.qubits]
    measurement = experiment.measurement
    device = model.device
    return Target(
        prediction=prediction,
        figures=_bath_figures(best),
        statement=model.statement,
        hypothetical=device.hypothetical_reason or None if device is not None else None,
        qubits=best.qubits,
        time_s=plateau.peak_time,
        measuring_s=measurement.delay_s + measurement.rotation_s + max(lengths),
        window_s=(plateau.start, plateau.stop if plateau.stops_inside else None),
        alternatives=tuple((one.qubits, one.ergotropy) for one in found[1:]),
        assumptions=model.assumptions,
        notes=model.notes,
        calibration_sha256=calibration.sha256,
    )


def _bath_figures(best: Candidate) -> tuple[Figure, ...]:
    battery, readout = best.model.battery, best.model.readout
    n = battery.bath.occupation or 1.0  # a cold bath leaves the ratio to the vacuum's
    local = float(np.mean([one.occupation for one in battery.noise]))
    kappa = battery.bath.rate
    loss = float(np.mean([one.rate for one in battery.noise])) / kappa
    rest = float(np.mean([one.population for one in battery.noise]))
    spread = (max(battery.detunings) - min(battery.detunings)) / kappa
    error = float(np.mean([a[1, 0] + a[0, 1] for a in readout.assignment])) / 2
    return (
        scaled_figure("local loss gamma/kappa", "", loss, "t1", inverse=True),
        Figure("residual population", "", rest, 0.49, 0.0, lambda x: Change(residual_population=x)),
        Figure(
            "local occupation n_l/n", "", local / n, _HOTTEST / n, 0.0, lambda x: _warmer(x * n)
        ),
        Figure("detuning/kappa", "", spread, 1e3, 0.0, lambda x: Change(detuning=x)),
        Figure("correlation c", "", 1.0, 0.0, 1.0, lambda x: Change(correlation=x)),
        scaled_figure("readout error", "", error, "readout"),
        Figure("bath left on", "1/kappa", 0.0, 1e3, 0.0, lambda x: Change(bath_left_on=x)),
    )


def _warmer(occupation: float) -> Change:
    """Local baths of this occupation, with which the cells are in equilibrium at first."""
    return Change(residual_population=occupation / (2 * occupation + 1))


def collision_target(experiment: Experiment) -> Target:
    """The best schedule of collisions."""
    noise, schedule = plan_collision(experiment)
    place = schedule.compiled.placement
    lengths = [noise.calibration.qubits[q].readout_length_s or 0.0 for q in place.cells]
    return Target(
        prediction=CollisionPrediction(schedule),
        figures=_collision_figures(schedule),
        statement=collision_statement(schedule),
        hypothetical=None,
        qubits=place.cells,
        time_s=schedule.duration_s,
        measuring_s=max(lengths),
        window_s=None,
        alternatives=tuple((one.cells, work) for one, work in schedule.runners_up),
        assumptions=noise.assumptions,
        notes=(),
        calibration_sha256=noise.calibration.sha256,
    )


def _collision_figures(schedule: CollisionSchedule) -> tuple[Figure, ...]:
    one = schedule.compiled
    chip, place = one.noise.calibration, one.placement
    pairs = [chip.two_qubit_gate(*meeting.at) for meeting in place.meetings()]
    gate = float(np.mean([g.error or 0.0 for g in pairs if g is not None]))
    t1 = float(np.mean([chip.qubits[q].t1_s or 0.0 for q in place.cells]))
    rest = float(np.mean([one.noise.population(q) for q in place.cells]))
    readout = one.readout()
    error = float(np.mean([a[1, 0] + a[0, 1] for a in readout.assignment])) / 2
    loss = schedule.duration_s / t1
    return (
        scaled_figure("two-qubit error (all gates in proportion)", "", gate, "gates"),
        scaled_figure("duration/T1", "", loss, "t1", inverse=True),
        Figure("residual population", "", rest, 0.49, 0.0, lambda x: Change(residual_population=x)),
        scaled_figure("readout error", "", error, "readout"),
    )
