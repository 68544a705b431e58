"""From the charged state to counts: what acts on the way, and what a two-level readout sees."""

from __future__ import annotations

from typing import Any

import numpy as np

from qbat_circuits.analysis.intervals import FOLDS
from qbat_circuits.analysis.scheme import check_confidence
from qbat_circuits.battery import Battery
from qbat_circuits.cells import ComplexArray
from qbat_circuits.dynamics.propagator import evolve
from qbat_circuits.errors import InputError, check_integer, check_number
from qbat_circuits.quantities.levels import two_level_view
from qbat_circuits.readout_model import pauli_settings
from qbat_circuits.sampling.counts import MAX_EMULATED_SHOTS, Counts
from qbat_circuits.schema import Experiment
from qbat_circuits.study.model import Model


def check_measurement(experiment: Experiment) -> None:
    """Refuse what the measurement cannot have, before anything is computed."""
    measurement = experiment.measurement
    check_number("measurement.delay_s", measurement.delay_s, at_least=0)
    check_number("measurement.rotation_s", measurement.rotation_s, at_least=0)
    check_confidence("measurement.confidence", measurement.confidence)
    shots = measurement.shots
    check_integer("measurement.shots", shots, at_least=FOLDS, at_most=MAX_EMULATED_SHOTS)
    check_integer("measurement.seed", measurement.seed, at_least=0)
    if experiment.bath.envelope is not None and not measurement.bath_off:
        raise InputError(
            "'measurement.bath_off' must be true with a [bath.envelope], which ends with the "
            "charging."
        )


def battery_while_waiting(model: Model) -> Battery:
    """The battery between charging and readout: without the bath where it is switched off."""
    if model.experiment.measurement.bath_off:
        return model.battery.without_bath()
    return model.battery


def measure(model: Model, waiting: Battery, state: ComplexArray) -> Counts:
    """Counts of all Pauli settings; noise of rotation_s acts on the rotated states."""
    from qbat_circuits.sampling.aer import emulate_counts

    measurement, d = model.experiment.measurement, model.battery.levels
    duration = measurement.rotation_s
    settings = pauli_settings(model.battery.n_cells)
    after: Any = (lambda rotated: evolve(waiting, rotated, duration)) if duration else None
    if d > 2:
        # A leaked cell is not rotated and reads as |1>: rotate d levels, then look at two.
        rotated = rotated_levels(state, settings, d)
        seen = two_level_view(evolve(waiting, rotated, duration), d)
        state, after = two_level_view(state, d), lambda _rotated: seen
    return emulate_counts(
        state,
        model.readout,
        shots=measurement.shots,
        seed=measurement.seed,
        settings=settings,
        after_rotation=after,
    )


def rotated_levels(state: ComplexArray, settings: tuple[str, ...], levels: int) -> ComplexArray:
    """The state after the rotation of each setting, which acts on levels 0 and 1 of each cell.

    Args:
        state: shape (d^N, d^N).
        settings: Pauli labels, leftmost letter for cell N-1.
        levels: d.

    Returns:
        States, shape (settings, d^N, d^N).
    """
    from qbat_circuits.circuits.tomography import rotation_matrix

    rotations = {}
    for letter in "XYZ":
        rotations[letter] = np.eye(levels, dtype=np.complex128)
        rotations[letter][:2, :2] = rotation_matrix(letter)
    result = []
    for setting in settings:
        whole: ComplexArray = np.ones((1, 1), dtype=np.complex128)
        for letter in setting:
            whole = np.asarray(np.kron(whole, rotations[letter]), dtype=np.complex128)
        result.append(whole @ state @ whole.conj().T)
    return np.array(result)
