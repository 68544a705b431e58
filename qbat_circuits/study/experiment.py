"""The main job: charge the model, measure it, estimate the extractable work."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from qbat_circuits.analysis.pauli import PauliEstimate, PauliScheme
from qbat_circuits.battery import MAX_BATTERY_CELLS
from qbat_circuits.dynamics.charging import charge
from qbat_circuits.dynamics.curve import ChargingCurve, Plateau
from qbat_circuits.dynamics.engines import Engine
from qbat_circuits.dynamics.leakage import Leakage, leakage_of
from qbat_circuits.dynamics.propagator import evolve
from qbat_circuits.dynamics.steady import SteadyState, steady_state
from qbat_circuits.errors import AccuracyError, InputError
from qbat_circuits.markup import Markup, facts
from qbat_circuits.sampling.counts import Counts, check_emulated_cells
from qbat_circuits.schema import Experiment
from qbat_circuits.study.measuring import battery_while_waiting, check_measurement, measure
from qbat_circuits.study.model import Model, build_model
from qbat_circuits.study.notes import charging_notes
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
        leakage: weight above the two lowest levels then, and what two levels show of the energy;
            None for cells of two levels.
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
    leakage: Leakage | None
    counts: Counts
    estimate: PauliEstimate
    notes: tuple[str, ...]
    created_at: str

    def _repr_html_(self) -> Markup:
        """What a notebook shows."""
        model, estimate = self.model, self.estimate
        unit = "" if model.device is None else " s"
        level = f"{100 * estimate.confidence:.10g} %"
        shown = {
            "best charging time": f"{self.plateau.peak_time:.4g}{unit}",
            "ergotropy there": f"{self.ergotropy_true:.4f} ħω̄",
            "stored energy there": f"{self.energy_true:.4f} ħω̄",
            "ergotropy at readout": f"{self.ergotropy_at_readout:.4f} ħω̄",
            "from counts": f"{estimate.value:.4f} ħω̄",
            f"{level} interval": f"{estimate.low:.4f} to {estimate.high:.4f} ħω̄",
            "engines differ by": f"{max(self.energy_deviation, self.ergotropy_deviation):.1e}",
        }
        head = "HYPOTHETICAL: " if model.hypothetical else ""
        return facts(f"{head}{model.statement}", shown.items())


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
    check_measurement(experiment)
    n_cells = experiment.battery.n_cells or 1
    if n_cells <= MAX_BATTERY_CELLS:  # else the model says what is wrong
        check_emulated_cells(n_cells)  # before a million cells are made
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
    say("Looking for the steady state")
    steady, notes = _steady(model)
    say("Measuring")
    waiting = battery_while_waiting(model)
    delayed = evolve(waiting, curve.states[curve.best], experiment.measurement.delay_s)
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
    ladder = None if model.battery.transmon is None else model.battery.transmon.energies()
    return ExperimentResult(
        model=model,
        curve=curve,
        check_engine=check.engine,
        energy_deviation=deviations[0],
        ergotropy_deviation=deviations[1],
        plateau=plateau,
        steady=steady,
        energy_true=float(curve.energy[curve.best]),
        ergotropy_true=float(curve.ergotropy[curve.best]),
        energy_at_readout=energy(delayed, energies, ladder),
        ergotropy_at_readout=ergotropy(delayed, energies, ladder),
        leakage=leakage_of(model.battery, delayed) if model.battery.levels > 2 else None,
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
        charging.array(),
        model.initial_state,
        engine=engine,
        tolerance=charging.tolerance,
        envelope=model.envelope,
    )


def _independent(curve: ChargingCurve, model: Model) -> ChargingCurve:
    """The same curve from the other engine."""
    own = curve.engine == Engine.QISKIT_DYNAMICS
    other = Engine.PROPAGATOR if own else Engine.QISKIT_DYNAMICS
    return charge(
        model.battery, curve.times, model.initial_state, engine=other, envelope=model.envelope
    )


def _check_deviation(deviation: float, curve: ChargingCurve) -> None:
    limit = max(_LARGEST_DEVIATION, 100 * curve.tolerance)
    if not deviation <= limit:
        raise AccuracyError(
            f"The two engines differ by {deviation:.3g}, more than {limit:.3g}, so no result is "
            "given; tighten 'charging.tolerance'."
        )


def _steady(model: Model) -> tuple[SteadyState | None, tuple[str, ...]]:
    if model.envelope is not None:
        return None, ("No steady state is given: the bath's rates change in time.",)
    try:
        return steady_state(model.battery, model.initial_state), ()
    except (InputError, AccuracyError) as error:
        return None, (f"No steady state is given. {error}",)
