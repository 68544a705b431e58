"""Emulated shots: Qiskit Aer measures a known state through a chip's readout errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import qiskit_aer  # noqa: F401  (gives QuantumCircuit its set_density_matrix)
from qiskit import QuantumCircuit
from qiskit.quantum_info import DensityMatrix
from qiskit_aer.noise import NoiseModel, ReadoutError
from qiskit_aer.primitives import SamplerV2

from qbat_circuits.cells import ComplexArray, n_cells_of
from qbat_circuits.circuits.tomography import measurement_circuit, rotation_circuit
from qbat_circuits.errors import InputError, broken_rule, check_integer
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import (
    MAX_EMULATED_SHOTS,
    Counts,
    check_emulated_cells,
    check_settings,
)
from qbat_circuits.thermodynamics import as_density_matrix


def emulate_counts(
    state: Any,
    readout: ReadoutModel,
    shots: int,
    seed: int,
    settings: Sequence[str] | None = None,
    after_rotation: Callable[[ComplexArray], ComplexArray] | None = None,
) -> Counts:
    """Counts of Pauli settings that Aer draws from a state, read out with assignment errors.

    All settings run in one job, each with its own random stream. Equal arguments give equal counts.

    Args:
        state: density matrix, shape (2^N, 2^N), a state vector or a Qiskit state, N <= 6.
        readout: assignment matrices of the N cells.
        shots: shots per setting.
        seed: seed of the emulation, kept in the counts.
        settings: distinct Pauli labels, leftmost letter for cell N-1; all 3^N by default.
        after_rotation: what still happens to the rotated states, shape (settings, 2^N, 2^N),
            between rotation and readout; nothing by default.

    Raises:
        InputError: if the state is not a state or an argument does not fit it.
    """
    rho = as_density_matrix(state)
    n = n_cells_of(rho)
    check_emulated_cells(n)
    if not isinstance(readout, ReadoutModel):
        raise broken_rule("readout", "a ReadoutModel", readout)
    if readout.n_cells != n:
        raise InputError(
            f"'readout' must describe {n} cells like the state, not {readout.n_cells}."
        )
    shots = check_integer("shots", shots, at_least=1, at_most=MAX_EMULATED_SHOTS)
    seed = check_integer("seed", seed, at_least=0)
    labels = pauli_settings(n) if settings is None else check_settings(settings, n)
    return Counts(
        n_cells=n,
        settings=labels,
        table=_sample(_circuits(rho, labels, after_rotation), readout, shots, seed),
        origin="emulated",
        seed=seed,
        readout=readout,
    )


def _circuits(
    rho: ComplexArray,
    labels: tuple[str, ...],
    after_rotation: Callable[[ComplexArray], ComplexArray] | None,
) -> list[QuantumCircuit]:
    """One circuit per setting that starts from the state and measures it."""
    if after_rotation is None:
        state = DensityMatrix(rho)
        return [_started(state, measurement_circuit(label)) for label in labels]
    rotated = [DensityMatrix(rho).evolve(rotation_circuit(label)).data for label in labels]
    plain = measurement_circuit("Z" * n_cells_of(rho))
    return [_started(DensityMatrix(state), plain) for state in after_rotation(np.array(rotated))]


def _started(state: DensityMatrix, circuit: QuantumCircuit) -> QuantumCircuit:
    preparation = QuantumCircuit(circuit.num_qubits)
    preparation.set_density_matrix(state)
    return circuit.compose(preparation, front=True)


def _sample(
    circuits: list[QuantumCircuit], readout: ReadoutModel, shots: int, seed: int
) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    # Aer gives circuit k the seed + 2113 k. Hashed first, neighbouring seeds share no stream.
    hashed = int(np.random.SeedSequence(seed).generate_state(1)[0])
    options = {"method": "density_matrix", "noise_model": _noise_model(readout)}
    sampler = SamplerV2(options={"backend_options": options}, seed=hashed)
    results = sampler.run(circuits, shots=shots).result()
    table = np.zeros((len(circuits), 2**readout.n_cells), dtype=np.int64)
    for row, result in zip(table, results, strict=True):
        for number, count in result.data.meas.get_int_counts().items():
            row[number] = count
    return table


def _noise_model(readout: ReadoutModel) -> NoiseModel:
    model = NoiseModel()
    for cell, matrix in enumerate(readout.assignment):
        model.add_readout_error(ReadoutError(matrix.T.tolist()), [cell])  # Aer: rows = prepared
    return model
