"""The same battery under a ladder of noise models: what each kind of noise costs.

Every rung keeps the noise of the one before it and adds one effect, so the differences are costs.
The last two are no further noise of the battery: the readout shows what counts would say of it, and
the circuit of collisions what the chip's gates deliver in the place of a common bath.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from qbat_circuits.analysis.pauli import PauliScheme
from qbat_circuits.battery import Battery
from qbat_circuits.calibration import load_calibration
from qbat_circuits.dynamics.charging import charge
from qbat_circuits.dynamics.curve import ChargingCurve, Plateau
from qbat_circuits.dynamics.leakage import leakage_of
from qbat_circuits.dynamics.propagator import evolve
from qbat_circuits.errors import InputError, broken_rule
from qbat_circuits.gate_noise import ChipNoise
from qbat_circuits.markup import Markup, grid
from qbat_circuits.sampling.counts import MAX_EMULATED_CELLS
from qbat_circuits.schema import Experiment
from qbat_circuits.study.ladder import CIRCUIT, READOUT, Rung, ladder_of, left_out
from qbat_circuits.study.measuring import battery_while_waiting, check_measurement, measure
from qbat_circuits.study.model import Model, build_model
from qbat_circuits.study.results import FORMAT, VERSION, versions
from qbat_circuits.study.schedule import CollisionSchedule, find_schedule
from qbat_circuits.thermodynamics import ergotropy

Progress = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class RungResult:
    """What a rung reaches; energies in units of hbar*mean(omega).

    Args:
        rung: the model.
        plateau: peak and the window around it.
        energy: stored at the peak.
        loss: ergotropy of the rung before less this one's; None for the first.
        curve: energy and ergotropy along the charging.
    """

    rung: Rung
    plateau: Plateau
    energy: float
    loss: float | None
    curve: ChargingCurve

    @property
    def ergotropy(self) -> float:
        """Largest ergotropy along the curve."""
        return self.plateau.peak_ergotropy


@dataclass(frozen=True)
class ReadoutCost:
    """What emulated counts say about the last rung at its best time.

    Args:
        true: ergotropy when the readout begins, after the delay.
        raw, mitigated: estimates without and with the inverted readout.
        low, high, confidence: the interval of the mitigated one.
        shots, seed: of each setting; of the emulation.
    """

    true: float
    raw: float
    mitigated: float
    low: float
    high: float
    confidence: float
    shots: int
    seed: int

    @property
    def raw_bias(self) -> float:
        """raw - true."""
        return self.raw - self.true

    @property
    def half_width(self) -> float:
        """Half of the interval."""
        return (self.high - self.low) / 2


@dataclass(frozen=True, eq=False, kw_only=True)
class Comparison:
    """A battery under a ladder of noise models.

    Args:
        statement: one line that says what this is.
        hypothetical: why the chip cannot be what the model makes of it; empty where it can.
        experiment: the file's content; None where batteries were given.
        rungs: each with one effect more.
        readout: what counts would show; None where they are not emulated.
        circuit: the best schedule of collisions; None where the chip runs none.
        seconds: whether times are in seconds.
        assumptions, notes: one sentence each.
        created_at: ISO time stamp.
    """

    statement: str
    hypothetical: str
    experiment: Experiment | None
    rungs: tuple[RungResult, ...]
    readout: ReadoutCost | None
    circuit: CollisionSchedule | None
    seconds: bool
    assumptions: tuple[str, ...]
    notes: tuple[str, ...]
    created_at: str

    def _repr_html_(self) -> Markup:
        """What a notebook shows."""
        rows = [
            (
                one.rung.name,
                f"{one.ergotropy:.4f}",
                "" if one.loss is None else f"{-one.loss:+.4f}",
                f"{one.energy:.4f}",
            )
            for one in self.rungs
        ]
        if self.readout is not None:
            rows.append((READOUT, f"{self.readout.mitigated:.4f}", "", ""))
        if self.circuit is not None:
            rows.append((CIRCUIT, f"{self.circuit.ergotropy:.4f}", "", ""))
        head = f"HYPOTHETICAL ({self.hypothetical}): " if self.hypothetical else ""
        headers = ("rung", "W (ħω̄)", "change", "E (ħω̄)")
        return grid(f"{head}{self.statement}", headers, rows)

    def to_dict(self) -> dict[str, Any]:
        """The content of comparison.json."""
        experiment, readout = self.experiment, self.readout
        return {
            "format": FORMAT,
            "version": VERSION,
            "kind": "comparison",
            "statement": self.statement,
            "hypothetical": bool(self.hypothetical),
            "hypothetical_reason": self.hypothetical,
            "created_at": self.created_at,
            "experiment": None if experiment is None else experiment.model_dump(mode="json"),
            "experiment_sha256": None if experiment is None else experiment.sha256(),
            "seed": None if experiment is None else experiment.measurement.seed,
            "versions": versions(),
            "units": {"energy": "hbar*mean(omega)", "time": "s" if self.seconds else "1/rate"},
            "rungs": [
                {
                    "name": one.rung.name,
                    "initial_state": one.rung.initial_state,
                    "ergotropy": one.ergotropy,
                    "energy": one.energy,
                    "loss": one.loss,
                    "engine": one.curve.engine,
                    **asdict(one.plateau),
                }
                for one in self.rungs
            ],
            "readout": None
            if readout is None
            else {
                **asdict(readout),
                "raw_bias": readout.raw_bias,
                "half_width": readout.half_width,
            },
            "circuit": None if self.circuit is None else schedule_content(self.circuit),
            "assumptions": list(self.assumptions),
            "notes": list(self.notes),
        }


def compare(
    models: Experiment | Mapping[str, Battery],
    times: Any = None,
    initial_state: str = "ground",
    progress: Progress | None = None,
) -> Comparison:
    """The same charging under several models, and what each loses against the one before it.

    Args:
        models: an experiment, whose noise is put together rung by rung (`noise_ladder`), with its
            readout and, on a chip with gates, a circuit of collisions; or batteries by name.
        times: charging times of batteries, see `charge`; an experiment has its own.
        initial_state: of batteries; an experiment has its own.
        progress: called with a short text before each stage.

    Raises:
        InputError: for whatever the experiment or the batteries refuse.
    """
    say = progress or (lambda _stage: None)
    if isinstance(models, Experiment):
        if times is not None:
            raise InputError("'times' must be left to the experiment.")
        return _of_experiment(models, say)
    if not isinstance(models, Mapping) or not models:
        raise broken_rule("models", "an Experiment or batteries by name", models)
    for name, battery in models.items():
        if not isinstance(battery, Battery):
            raise broken_rule(f"models[{name!r}]", "a Battery", battery)
    if times is None:
        raise InputError("'times' must be given for batteries.")
    rungs = [Rung(str(name), battery, initial_state) for name, battery in models.items()]
    charged = _charged(rungs, lambda one: charge(one.battery, times, initial_state), say)
    return Comparison(
        statement=f"{len(rungs)} batteries under the same charging",
        hypothetical="",
        experiment=None,
        rungs=charged,
        readout=None,
        circuit=None,
        seconds=False,
        assumptions=(),
        notes=(),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _of_experiment(experiment: Experiment, say: Progress) -> Comparison:
    check_measurement(experiment)
    if experiment.charging.mode != "bath":
        raise InputError(
            "'charging.mode' must be \"bath\" to compare noise models; the circuit of collisions "
            "is one of the rungs."
        )
    model = build_model(experiment)
    rungs, notes = ladder_of(model)
    grid = experiment.charging.array()
    charged = _charged(
        rungs,
        lambda one: charge(one.battery, grid, one.initial_state, envelope=model.envelope),
        say,
    )
    notes += _leaked(charged[-1])
    readout, said = _readout(model, charged[-1], say)
    circuit, told = _circuit(model, say)
    reason = "" if model.device is None else model.device.hypothetical_reason
    return Comparison(
        statement=model.statement,
        hypothetical=reason,
        experiment=experiment,
        rungs=charged,
        readout=readout,
        circuit=circuit,
        seconds=model.device is not None,
        assumptions=model.assumptions,
        notes=(*notes, *said, *told, *model.notes),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _charged(
    rungs: Sequence[Rung], charge_one: Callable[[Rung], ChargingCurve], say: Progress
) -> tuple[RungResult, ...]:
    """Every rung charged, with what it loses against the one before."""
    found: list[RungResult] = []
    for one in rungs:
        say(f"Charging: {one.name}")
        curve = charge_one(one)
        plateau = curve.plateau()
        loss = found[-1].ergotropy - plateau.peak_ergotropy if found else None
        found.append(RungResult(one, plateau, float(curve.energy[curve.best]), loss, curve))
    return tuple(found)


def _leaked(last: RungResult) -> list[str]:
    """What the rung with more than two levels counts, which a readout of two does not see."""
    battery = last.rung.battery
    if battery.levels == 2:
        return []
    found = leakage_of(battery, last.curve.states[last.curve.best])
    return [
        f"With {battery.levels} levels {found.outside:.2%} of the weight is above the two lowest "
        f"at the best time: the rung 'leakage' counts the energy of all levels, "
        f"{found.energy:.4f}, of which a readout of two levels sees {found.two_level_energy:.4f}."
    ]


def _readout(model: Model, last: RungResult, say: Progress) -> tuple[ReadoutCost | None, list[str]]:
    """Counts of the last rung at its best time, and what they say with and without mitigation."""
    measurement, battery = model.experiment.measurement, last.rung.battery
    if battery.n_cells > MAX_EMULATED_CELLS:
        most = f"counts are emulated for at most {MAX_EMULATED_CELLS} cells"
        return None, [left_out(READOUT, most)]
    say("Measuring")
    model = replace(model, battery=battery)
    waiting = battery_while_waiting(model)
    state = evolve(waiting, last.curve.states[last.curve.best], measurement.delay_s)
    estimate = PauliScheme().estimate(
        measure(model, waiting, state),
        readout=model.readout,
        energies=battery.energies,
        confidence=measurement.confidence,
        seed=measurement.seed,
    )
    ladder = None if battery.transmon is None else battery.transmon.energies()
    cost = ReadoutCost(
        true=ergotropy(state, battery.energies, ladder),
        raw=estimate.raw_value,
        mitigated=estimate.value,
        low=estimate.low,
        high=estimate.high,
        confidence=estimate.confidence,
        shots=measurement.shots,
        seed=measurement.seed,
    )
    return cost, list(estimate.warnings)


def _circuit(model: Model, say: Progress) -> tuple[CollisionSchedule | None, list[str]]:
    """The best schedule of collisions on the chip, around the same qubits where they have room."""
    chip, bath, n = model.experiment.chip, model.battery.bath, model.battery.n_cells
    if chip is None or model.device is None:
        return None, [left_out(CIRCUIT, "there is no [chip]")]
    if model.device.common_line:
        return None, [left_out(CIRCUIT, f"{model.device.name} has a common line of its own")]
    if bath.cross != 0 or bath.absorption > bath.emission:
        return None, [left_out(CIRCUIT, "its ancilla is thermal, the bath is not")]
    say("Looking for the best circuit of collisions")
    seed = model.experiment.measurement.seed
    try:
        noise = ChipNoise(load_calibration(chip.calibration), chip.residual_population)
        try:
            listed = list(model.device.qubits)
            return find_schedule(noise, n, bath.occupation, cells=listed, seed=seed), []
        except InputError:
            found = find_schedule(noise, n, bath.occupation, seed=seed)
    except InputError as error:
        return None, [left_out(CIRCUIT, str(error).rstrip("."))]
    cells = ", ".join(map(str, found.compiled.placement.cells))
    said = (
        f"The circuit of collisions uses the qubits {cells}, because an ancilla has no place "
        f"beside {', '.join(map(str, listed))}."
    )
    return found, [said]


def schedule_content(schedule: CollisionSchedule) -> dict[str, Any]:
    """What a circuit of collisions is and delivers, as JSON content."""
    one = schedule.compiled
    return {
        "ergotropy": schedule.ergotropy,
        "from_correlations": float(schedule.correlated[schedule.collisions - 1]),
        "energy": schedule.energy,
        "ideal_ergotropy": schedule.ideal_ergotropy,
        "qubits": list(one.placement.cells),
        "ancilla_qubit": one.placement.ancilla,
        "theta": one.theta,
        "collisions": schedule.collisions,
        "two_qubit_gates": schedule.two_qubit_gates,
        "duration_s": schedule.duration_s,
    }
