"""Emulated shots: Qiskit Aer measures a known state through a chip's readout errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.sampling.counts import (
    MAX_EMULATED_SHOTS,
    Counts,
    check_emulated_cells,
)
from qbat_circuits.sampling.multinomial import settings_and_shots
from qbat_circuits.thermodynamics import as_density_matrix


def emulate_counts(
    state: Any,
    readout: ReadoutModel,
    shots: int | Mapping[str, int],
    seed: int,
    settings: Sequence[str] | None = None,
    after_rotation: Callable[[ComplexArray], ComplexArray] | None = None,
) -> Counts:
    """Counts of Pauli settings that Aer draws from a state, read out with assignment errors.

    All settings with equal shots run in one job, each setting with its own random stream. Equal
    arguments give equal counts.

    Args:
        state: density matrix, shape (2^N, 2^N), a state vector or a Qiskit state, N <= 6.
        readout: assignment matrices of the N cells, of two levels.
        shots: shots of each setting, one number or ``{setting: shots}``.
        seed: seed of the emulation, kept in the counts.
        settings: distinct Pauli labels, leftmost letter for cell N-1; by default those of
            ``shots``, or all 3^N.
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
    if readout.levels != 2:
        raise InputError(
            f"'readout' must have 2 levels for Aer, which takes qubit states only, not "
            f"{readout.levels}: use sample_counts (qbat_circuits.sampling.multinomial)."
        )
    seed = check_integer("seed", seed, at_least=0)
    labels, numbers = settings_and_shots(settings, shots, n, MAX_EMULATED_SHOTS)
    return Counts(
        n_cells=n,
        settings=labels,
        table=_sample(_circuits(rho, labels, after_rotation), readout, numbers, seed),
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
    circuits: list[QuantumCircuit], readout: ReadoutModel, shots: tuple[int, ...], seed: int
) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    options = {"method": "density_matrix", "noise_model": _noise_model(readout)}
    table = np.zeros((len(circuits), 2**readout.n_cells), dtype=np.int64)
    groups = list(dict.fromkeys(shots))
    # One sampler would start each group of equal shots with the same seed. Aer gives circuit k of
    # a job the seed + 2113 k: hashed first, neighbouring seeds share no stream.
    seeds = np.random.SeedSequence(seed).generate_state(len(groups)).tolist()
    for number, hashed in zip(groups, seeds, strict=True):
        rows = [row for row, wanted in enumerate(shots) if wanted == number]
        sampler = SamplerV2(options={"backend_options": options}, seed=hashed)
        results = sampler.run([circuits[row] for row in rows], shots=number).result()
        for row, result in zip(rows, results, strict=True):
            for outcome, count in result.data.meas.get_int_counts().items():
                table[row, outcome] = count
    return table


def _noise_model(readout: ReadoutModel) -> NoiseModel:
    model = NoiseModel()
    for cell, matrix in enumerate(readout.assignment):
        model.add_readout_error(ReadoutError(matrix.T.tolist()), [cell])  # Aer: rows = prepared
    return model
