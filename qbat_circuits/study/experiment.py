"""The main job: charge the model, measure it, estimate the extractable work."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from qbat_circuits.analysis.intervals import FOLDS
from qbat_circuits.analysis.pauli import PauliEstimate, PauliScheme
from qbat_circuits.analysis.scheme import check_confidence
from qbat_circuits.battery import Battery
from qbat_circuits.cells import ComplexArray
from qbat_circuits.dynamics.charging import ChargingCurve, Engine, Plateau, charge
from qbat_circuits.dynamics.propagator import evolve
from qbat_circuits.dynamics.steady import SteadyState, steady_state
from qbat_circuits.errors import AccuracyError, InputError, check_integer, check_number
from qbat_circuits.sampling.counts import MAX_EMULATED_SHOTS, Counts, check_emulated_cells
from qbat_circuits.schema import Experiment, Measurement
from qbat_circuits.study.model import Model, build_model, detuning_note
from qbat_circuits.thermodynamics import energy, ergotropy

#: Up to this many cells "auto" means Qiskit Dynamics, checked against the propagator.
MAIN_ENGINE_CELLS = 6
#: Largest difference between the two engines with which a run still gives a result.
_LARGEST_DEVIATION = 1e-7

Progress = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class ExperimentResult:
    """Everything that one run found out; energies in units of hbar*mean(omega).

    Attributes:
        model: what was simulated.
        curve: energy, ergotropy and states along the charging.
        check_engine: the independent engine.
        energy_deviation, ergotropy_deviation: largest difference between the two along the curve.
            They share the battery's jump operators and the reduction to reachable coordinates.
        plateau: the window around the best charging time.
        steady: state after all time scales; None where it is not determined (a note says why).
        energy_true, ergotropy_true: at the end of charging, at the best time.
        energy_at_readout, ergotropy_at_readout: after the delay, before the rotation.
        counts: what the readout gave.
        estimate: what the counts say, with interval.
        notes: the model's notes and those of the run.
        created_at: ISO time stamp of the run.
    """

    model: Model
    curve: ChargingCurve
    check_engine: str
    energy_deviation: float
    ergotropy_deviation: float
    plateau: Plateau
    steady: SteadyState | None
    energy_true: float
    ergotropy_true: float
    energy_at_readout: float
    ergotropy_at_readout: float
    counts: Counts
    estimate: PauliEstimate
    notes: tuple[str, ...]
    created_at: str


def run_experiment(experiment: Experiment, progress: Progress | None = None) -> ExperimentResult:
    """Charge, measure and estimate, as an experiment says.

    Args:
        experiment: see `load_experiment`.
        progress: called with a short text before each stage.

    Raises:
        InputError: for whatever the experiment asks that cannot be done.
        AccuracyError: if a result fails its own check.
    """
    say = progress or (lambda _stage: None)
    check_measurement(experiment.measurement)
    model = build_model(experiment)
    check_emulated_cells(model.battery.n_cells)
    say("Charging")
    curve = charge_model(model)
    say("Checking the charging with an independent engine")
    check = _independent(curve, model)
    deviations = [
        float(np.abs(one - other).max())
        for one, other in ((curve.energy, check.energy), (curve.ergotropy, check.ergotropy))
    ]
    _check_deviation(max(deviations), curve)
    plateau = curve.plateau()
    charged = curve.states[curve.best]
    say("Looking for the steady state")
    steady, notes = _steady(model)
    say("Measuring")
    waiting = battery_while_waiting(model)
    delayed = evolve(waiting, charged, experiment.measurement.delay_s)
    counts = measure(model, waiting, delayed)
    counts = dataclasses.replace(counts, origin=f"emulated: {model.statement}")
    say("Estimating the work")
    estimate = PauliScheme().estimate(
        counts,
        readout=model.readout,
        energies=model.battery.energies,
        confidence=experiment.measurement.confidence,
        seed=experiment.measurement.seed,
    )
    energies = model.battery.energies
    return ExperimentResult(
        model=model,
        curve=curve,
        check_engine=check.engine,
        energy_deviation=deviations[0],
        ergotropy_deviation=deviations[1],
        plateau=plateau,
        steady=steady,
        energy_true=energy(charged, energies),
        ergotropy_true=ergotropy(charged, energies),
        energy_at_readout=energy(delayed, energies),
        ergotropy_at_readout=ergotropy(delayed, energies),
        counts=counts,
        estimate=estimate,
        notes=(*charging_notes(model, curve), *notes, *estimate.warnings),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def charge_model(model: Model) -> ChargingCurve:
    """The charging curve with the experiment's engine; "auto" is Qiskit Dynamics up to 6 cells."""
    charging = model.experiment.charging
    engine = charging.engine
    if engine == Engine.AUTO and model.battery.n_cells <= MAIN_ENGINE_CELLS:
        engine = Engine.QISKIT_DYNAMICS
    return charge(
        model.battery,
        charging.times.array(),
        model.initial_state,
        engine=engine,
        tolerance=charging.tolerance,
    )


def charging_notes(model: Model, curve: ChargingCurve) -> tuple[str, ...]:
    """What the model and its curve warn of, one sentence each."""
    detuned = detuning_note(model.battery, curve)
    said = ("detuned", "weak-bath")  # in more detail here and among the model's notes
    decided = [f.sentence for f in model.battery.audit() if f.code not in said]
    return (*([detuned] if detuned else []), *decided, *model.notes)


def check_measurement(measurement: Measurement) -> None:
    """Refuse numbers that the measurement cannot have, before anything is computed."""
    check_number("measurement.delay_s", measurement.delay_s, at_least=0)
    check_number("measurement.rotation_s", measurement.rotation_s, at_least=0)
    check_confidence("measurement.confidence", measurement.confidence)
    shots = measurement.shots
    check_integer("measurement.shots", shots, at_least=FOLDS, at_most=MAX_EMULATED_SHOTS)
    check_integer("measurement.seed", measurement.seed, at_least=0)


def battery_while_waiting(model: Model) -> Battery:
    """The battery between charging and readout: without the bath where it is switched off."""
    if model.experiment.measurement.bath_off:
        return model.battery.without_bath()
    return model.battery


def measure(model: Model, waiting: Battery, state: ComplexArray) -> Counts:
    """Counts of all Pauli settings; noise of rotation_s acts on the rotated states."""
    from qbat_circuits.sampling.aer import emulate_counts

    measurement = model.experiment.measurement
    rotation = measurement.rotation_s
    return emulate_counts(
        state,
        model.readout,
        shots=measurement.shots,
        seed=measurement.seed,
        after_rotation=(lambda rotated: evolve(waiting, rotated, rotation)) if rotation else None,
    )


def _independent(curve: ChargingCurve, model: Model) -> ChargingCurve:
    """The same curve from the other engine."""
    exact = curve.engine == Engine.PROPAGATOR
    other = Engine.QISKIT_DYNAMICS if exact else Engine.PROPAGATOR
    return charge(model.battery, curve.times, model.initial_state, engine=other)


def _check_deviation(deviation: float, curve: ChargingCurve) -> None:
    limit = max(_LARGEST_DEVIATION, 100 * curve.tolerance)
    if not deviation <= limit:
        raise AccuracyError(
            f"The two engines differ by {deviation:.3g}, more than {limit:.3g}, so no result is "
            "given; tighten 'charging.tolerance'."
        )


def _steady(model: Model) -> tuple[SteadyState | None, tuple[str, ...]]:
    try:
        return steady_state(model.battery, model.initial_state), ()
    except (InputError, AccuracyError) as error:
        return None, (f"No steady state is given. {error}",)
