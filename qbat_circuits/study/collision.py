"""The main job of mode "collision": a circuit charges the cells of a chip, and is measured.

Beside it stands the collective bath that the circuit imitates, at the time that the collisions
stand for, and without noise.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from qbat_circuits.analysis.pauli import PauliEstimate, PauliScheme
from qbat_circuits.baths import CollectiveBath
from qbat_circuits.battery import Battery
from qbat_circuits.calibration import Calibration, load_calibration
from qbat_circuits.cells import FloatArray
from qbat_circuits.circuits.compiled_extraction import CompiledExtraction, compile_extraction
from qbat_circuits.collision_model import TrappingWarning, collision_states, equivalent_time
from qbat_circuits.dynamics.charging import charge
from qbat_circuits.dynamics.curve import ChargingCurve
from qbat_circuits.dynamics.steady import steady_state
from qbat_circuits.errors import AccuracyError, InputError
from qbat_circuits.gate_noise import ChipNoise
from qbat_circuits.markup import Markup, facts
from qbat_circuits.quantities.dense import correlation_ergotropy
from qbat_circuits.sampling.counts import Counts, check_emulated_cells
from qbat_circuits.schema import Experiment
from qbat_circuits.study.measuring import check_measurement
from qbat_circuits.study.schedule import CollisionSchedule, find_schedule
from qbat_circuits.thermodynamics import ergotropy

#: Largest difference between our evolution of the noisy circuit and Aer's.
_LARGEST_DEVIATION = 1e-9
#: Part of the ergotropy from unequally hot cells that is worth a sentence, and the least of it.
_UNEQUAL, _SHOWN = 0.02, 5e-5

Progress = Callable[[str], None]


@dataclass(frozen=True, eq=False, kw_only=True)
class CollisionResult:
    """Everything that one run of a collision circuit found out; energies in units of hbar*omega.

    Attributes:
        experiment: the file's content.
        schedule: what was run, and the noisy states of the cells.
        bath: the ideal collective bath at the times that 0, 1, ... collisions stand for.
        bath_limit: ergotropy of its steady state from the ground state.
        noiseless: ergotropy of the same circuit on perfect gates after 0, 1, ... collisions.
        state_deviation: largest difference of an element of the noisy state from Aer's.
        extraction: the best extraction circuit behind it.
        counts: what the readout gave.
        estimate: what the counts say, with interval; its raw value has no mitigation.
        statement: one line that says what this is.
        assumptions, notes: one sentence each.
        created_at: ISO time stamp of the run.
    """

    experiment: Experiment
    schedule: CollisionSchedule
    bath: ChargingCurve
    bath_limit: float
    noiseless: FloatArray
    state_deviation: float
    extraction: CompiledExtraction
    counts: Counts
    estimate: PauliEstimate
    statement: str
    assumptions: tuple[str, ...]
    notes: tuple[str, ...]
    created_at: str

    def _repr_html_(self) -> Markup:
        """What a notebook shows."""
        schedule, estimate = self.schedule, self.estimate
        level = f"{100 * estimate.confidence:.10g} %"
        shown = {
            "ideal bath, for this time": f"{self.bath.ergotropy[-1]:.4f} ħω",
            "circuit on perfect gates": f"{self.noiseless[-1]:.4f} ħω",
            "delivered by the noisy circuit": f"{schedule.ergotropy:.4f} ħω",
            "from counts": f"{estimate.value:.4f} ħω",
            f"{level} interval": f"{estimate.low:.4f} to {estimate.high:.4f} ħω",
            "taken out by noisy gates": f"{self.extraction.net_work:.4f} ħω",
        }
        return facts(self.statement, shown.items())


def run_collision(experiment: Experiment, progress: Progress | None = None) -> CollisionResult:
    """Find the schedule, run its circuits on the emulated chip, estimate the work.

    Args:
        experiment: with charging.mode = "collision"; see `load_experiment`.
        progress: called with a short text before each stage.

    Raises:
        InputError: for whatever the experiment asks that cannot be done.
        AccuracyError: if a result fails its own check.
    """
    from qbat_circuits.sampling.emulator import emulate_collisions

    say = progress or (lambda _stage: None)
    measurement = experiment.measurement
    check_measurement(experiment)
    say("Looking for the best schedule")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TrappingWarning)
        noise, schedule = plan_collision(experiment)
    compiled, k = schedule.compiled, schedule.collisions
    compiled.readout()  # says what is missing before the work
    say("Checking the noisy state with Aer")
    deviation = _deviation(schedule)
    say("Computing the ideal bath")
    step = equivalent_time(compiled.occupation, compiled.theta, 1)
    battery = Battery.identical(compiled.n_cells, CollectiveBath(1.0, compiled.occupation))
    bath = charge(battery, [number * step for number in range(k + 1)])
    ideal = collision_states(compiled.n_cells, compiled.occupation, compiled.theta, k)
    say("Measuring")
    counts = emulate_collisions(compiled, k, measurement.shots, measurement.seed)
    statement = collision_statement(schedule)
    counts = replace(counts, origin=f"emulated: {statement}")
    say("Estimating the work")
    estimate = PauliScheme().estimate(
        counts, confidence=measurement.confidence, seed=measurement.seed
    )
    say("Compiling the extraction")
    return CollisionResult(
        experiment=experiment,
        schedule=schedule,
        bath=bath,
        bath_limit=steady_state(battery).ergotropy,
        noiseless=np.array([ergotropy(rho) for rho in ideal]),
        state_deviation=deviation,
        extraction=compile_extraction(compiled, k),
        counts=counts,
        estimate=estimate,
        statement=statement,
        assumptions=noise.assumptions,
        notes=(
            *(str(one.message) for one in caught),
            *_notes(experiment, schedule),
            *estimate.warnings,
        ),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def plan_collision(
    experiment: Experiment, calibration: Calibration | None = None
) -> tuple[ChipNoise, CollisionSchedule]:
    """The chip's noise and the schedule that an experiment asks for or leaves to the search.

    Args:
        experiment: with charging.mode = "collision".
        calibration: instead of the one that the file names.

    Raises:
        InputError: for whatever the experiment asks that cannot be done.
    """
    chip, table = experiment.chip, experiment.collision
    if chip is None or experiment.bath.occupation is None:
        raise InputError("'charging.mode' must be \"collision\" for a schedule of collisions.")
    listed = None if isinstance(chip.qubits, str) else list(chip.qubits)
    n = experiment.battery.n_cells if listed is None else len(listed)
    check_emulated_cells(n or 0)
    noise = ChipNoise(
        calibration or load_calibration(chip.calibration),
        chip.residual_population,
        None if table is None else table.reset_error,
        {} if table is None else table.assumed_durations_s,
    )
    options = {} if table is None else table.model_dump(include=_SEARCHED)
    seed = experiment.measurement.seed
    schedule = find_schedule(
        noise, n or 0, experiment.bath.occupation, cells=listed, seed=seed, **options
    )
    return noise, schedule


#: Fields of [collision] that the search takes under the same name.
_SEARCHED = {"ancilla", "ancilla_qubit", "theta", "collisions", "max_collisions"}


def collision_statement(schedule: CollisionSchedule) -> str:
    """What a schedule is, in one line for a heading."""
    one = schedule.compiled
    chip = one.noise.calibration
    cells = f"{one.n_cells} cell{'s' if one.n_cells > 1 else ''}"
    return (
        f"{cells} of {chip.name} charged by {schedule.collisions} collisions with an ancilla: a "
        "circuit stands for the common bath that the chip does not have"
    )


def _deviation(schedule: CollisionSchedule) -> float:
    """How far Aer's density matrix of the same circuit is from ours."""
    from qbat_circuits.sampling.emulator import emulated_state

    other = emulated_state(schedule.compiled, schedule.collisions)
    deviation = float(np.abs(other - schedule.state).max())
    if not deviation <= _LARGEST_DEVIATION:
        raise AccuracyError(
            f"The noisy state differs from Aer's by {deviation:.3g}, more than "
            f"{_LARGEST_DEVIATION:g}, so no result is given."
        )
    return deviation


def _notes(experiment: Experiment, schedule: CollisionSchedule) -> tuple[str, ...]:
    """What to beware of, one sentence each."""
    one, notes = schedule.compiled, []
    unequal = schedule.ergotropy - correlation_ergotropy(schedule.state)
    if unequal > max(_UNEQUAL * schedule.ergotropy, _SHOWN):
        notes.append(
            f"{unequal:.4f} of the ergotropy is there because noise heats the cells unequally, not "
            "because of the collisions."
        )
    if one.ancilla == "random-x":
        notes.append(
            "The flips are drawn anew for every shot; with more shots a draw the estimate must be "
            "made from the counts of each draw."
        )
    searched = experiment.collision is None or experiment.collision.collisions is None
    if searched and schedule.collisions == len(schedule.ergotropies):
        notes.append(
            f"The search stopped at its largest number of collisions, {schedule.collisions}."
        )
    # What is missing for a common bath, such as frequencies, a circuit does not need.
    said = one.noise.calibration.warnings_by_kind(one.placement.qubits)
    return (*notes, *(sentence for sentence in said if not sentence.startswith("missing")))
