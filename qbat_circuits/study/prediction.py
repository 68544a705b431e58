"""What a planned experiment would leave in its cells, as a function of what may turn out different.

A `Change` scales or sets what a calibration or a bath may be wrong about; a prediction gives the
state that is read out then. Two kinds: a common bath on the chip's cells, and a circuit of
collisions on the chip.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np

from qbat_circuits.calibration import Calibration
from qbat_circuits.cells import ComplexArray
from qbat_circuits.circuits.compiled_collision import compile_collision
from qbat_circuits.coupling import Coupling
from qbat_circuits.dynamics.initial_states import initial_density_matrix
from qbat_circuits.dynamics.propagator import evolve
from qbat_circuits.errors import InputError
from qbat_circuits.gate_noise import ChipNoise
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.schema import Experiment
from qbat_circuits.study.model import Model, build_model
from qbat_circuits.study.schedule import CollisionSchedule
from qbat_circuits.thermodynamics import ergotropy

#: Largest error that a scaled probability is taken to.
_MOST = 0.499


@dataclass(frozen=True)
class Change:
    """What is different from the plan; factors are 1 and the rest is None where nothing is.

    Args:
        t1, t2: factors of T1 and T2, one for all cells or one for each, ancilla last.
        rate: factor of the collective rate kappa.
        occupation: factor of the bath's occupation n.
        readout: factor of the readout errors.
        gates: factor of the gate errors.
        residual_population: excited population of the cells at rest.
        correlation: c of the bath between any two cells.
        detuning: spread of the cells' angular frequencies over kappa, evenly over the cells.
        bath_left_on: time for which the bath stays on after the charging, in units of 1/kappa.
    """

    t1: float | tuple[float, ...] = 1.0
    t2: float | tuple[float, ...] = 1.0
    rate: float = 1.0
    occupation: float = 1.0
    readout: float = 1.0
    gates: float = 1.0
    residual_population: float | None = None
    correlation: float | None = None
    detuning: float | None = None
    bath_left_on: float | None = None


NOTHING = Change()


class Prediction(ABC):
    """The state that is read out, whatever the change."""

    #: Factors of `Change` that mean something here, and those of them that may turn out different.
    factors: tuple[str, ...]
    uncertain: tuple[str, ...]

    @abstractmethod
    def state(self, change: Change = NOTHING) -> ComplexArray:
        """Density matrix of the cells when they are read, shape (2^N, 2^N)."""

    @abstractmethod
    def readout(self, change: Change = NOTHING) -> ReadoutModel:
        """Assignment matrices."""

    @property
    @abstractmethod
    def energies(self) -> tuple[float, ...]:
        """Cell energies e_i."""

    def work(self, change: Change = NOTHING) -> float:
        """Ergotropy of the state that is read."""
        return ergotropy(self.state(change), self.energies)


class BathPrediction(Prediction):
    """Cells of a chip on a common bath for a fixed time.

    Args:
        experiment: with listed qubits.
        calibration: the chip.
        time_s: how long it charges.
    """

    factors = ("t1", "t2", "rate", "occupation")
    uncertain = factors

    def __init__(self, experiment: Experiment, calibration: Calibration, time_s: float) -> None:
        self._experiment, self._time_s = experiment, time_s
        self._calibration = with_gates_on(calibration, ())
        self._plain = self.model()

    def model(self, change: Change = NOTHING) -> Model:
        """The model that the change makes."""
        experiment, chip = self._experiment, self._experiment.chip
        if chip is None or isinstance(chip.qubits, str):
            raise InputError("'chip.qubits' must be listed for a prediction.")
        if change.residual_population is not None:
            update = {"residual_population": change.residual_population}
            chip = chip.model_copy(update={**update, "residual_temperature_k": None})
        calibration = scaled(self._calibration, tuple(int(q) for q in chip.qubits), change)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # said once, of the plan itself
            model = build_model(experiment.model_copy(update={"chip": chip}), calibration)
        battery, bath = model.battery, model.battery.bath
        bath = replace(
            bath, rate=bath.rate * change.rate, occupation=bath.occupation * change.occupation
        )
        if change.correlation is not None:
            bath = replace(bath, coupling=Coupling(correlation=change.correlation))
        detunings = battery.detunings
        if change.detuning is not None:
            spread = np.linspace(-0.5, 0.5, battery.n_cells) * change.detuning * bath.rate
            detunings = tuple(spread.tolist())
        return replace(model, battery=replace(battery, bath=bath, detunings=detunings))

    def state(self, change: Change = NOTHING) -> ComplexArray:
        """After the charging, the bath left on and the delay."""
        model = self.model(change)
        battery, measurement = model.battery, self._experiment.measurement
        rho = initial_density_matrix(battery, model.initial_state)
        rho = evolve(battery, rho, self._time_s)
        if change.bath_left_on is not None and battery.bath.rate > 0:
            rho = evolve(battery, rho, change.bath_left_on / battery.bath.rate)
        waiting = battery.without_bath() if measurement.bath_off else battery
        return evolve(waiting, rho, measurement.delay_s)

    def readout(self, change: Change = NOTHING) -> ReadoutModel:
        return self.model(change).readout

    @property
    def energies(self) -> tuple[float, ...]:
        return self._plain.battery.energies


class CollisionPrediction(Prediction):
    """Cells of a chip behind the collisions of a schedule."""

    factors = ("t1", "t2", "gates", "occupation")
    uncertain = ("t1", "t2", "gates")  # the occupation is an angle of the circuit

    def __init__(self, schedule: CollisionSchedule) -> None:
        self._schedule = schedule
        one = schedule.compiled
        self._calibration = with_gates_on(one.noise.calibration, one.placement.qubits)

    def _noise(self, change: Change) -> ChipNoise:
        one = self._schedule.compiled
        residual = one.noise.residual_population
        if change.residual_population is not None:
            residual = change.residual_population
        return ChipNoise(
            scaled(self._calibration, one.placement.qubits, change),
            residual,
            one.noise.error_of_reset(one.placement.ancilla),  # whatever the cells' readout does
            one.noise.assumed_durations_s,
        )

    def state(self, change: Change = NOTHING) -> ComplexArray:
        """After the last collision."""
        one = replace(self._schedule.compiled, noise=self._noise(change))
        if change.occupation != 1.0:
            one = compile_collision(
                one.noise,
                one.placement,
                one.occupation * change.occupation,
                one.theta,
                one.ancilla,
                one.level,
            )
        *_, last = one.states(self._schedule.collisions)
        return last

    def readout(self, change: Change = NOTHING) -> ReadoutModel:
        return replace(self._schedule.compiled, noise=self._noise(change)).readout()

    @property
    def energies(self) -> tuple[float, ...]:
        return (1.0,) * self._schedule.compiled.n_cells


def with_gates_on(calibration: Calibration, qubits: tuple[int, ...]) -> Calibration:
    """The calibration with the gates of these qubits only: hundreds of others need no check."""
    gates = tuple(gate for gate in calibration.gates if set(gate.qubits) <= set(qubits))
    return replace(calibration, gates=gates)


def scaled(calibration: Calibration, qubits: tuple[int, ...], change: Change) -> Calibration:
    """The calibration with other T1, T2, readout and gate errors of these qubits."""
    t1, t2 = (_each(value, len(qubits)) for value in (change.t1, change.t2))
    if (change.readout, change.gates) == (1.0, 1.0) and set(t1 + t2) == {1.0}:
        return calibration
    figures = list(calibration.qubits)
    for k, qubit in enumerate(qubits):
        one = figures[qubit]
        figures[qubit] = replace(
            one,
            t1_s=None if one.t1_s is None else one.t1_s * t1[k],
            t2_s=None if one.t2_s is None else one.t2_s * t2[k],
            prob_meas1_prep0=_scaled(one.prob_meas1_prep0, change.readout),
            prob_meas0_prep1=_scaled(one.prob_meas0_prep1, change.readout),
            readout_error=None,
        )
    gates = calibration.gates
    if change.gates != 1.0:
        gates = tuple(
            replace(gate, error=_scaled(gate.error, change.gates)) if gate.usable else gate
            for gate in gates
        )
    return replace(calibration, qubits=tuple(figures), gates=gates)


def _each(value: float | tuple[float, ...], number: int) -> tuple[float, ...]:
    return (value,) * number if isinstance(value, float | int) else value[:number]


def _scaled(probability: float | None, factor: float) -> float | None:
    return None if probability is None else min(probability * factor, _MOST)
