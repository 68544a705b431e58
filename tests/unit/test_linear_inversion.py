"""Linear inversion against exact states, an independent package, and its own variance."""

from __future__ import annotations

import re
from functools import reduce

import numpy as np
import pytest
from qiskit_experiments.data_processing import LocalReadoutMitigator
from qiskit_experiments.library.tomography.basis import PauliMeasurementBasis
from qiskit_experiments.library.tomography.fitters import lininv

from qbat_circuits.analysis.linear_inversion import (
    MeasurementFrame,
    full_table,
    linear_variance,
    nearest_state,
)
from qbat_circuits.cells import level_energies
from qbat_circuits.errors import InputError
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import Counts

NOISY = ReadoutModel.from_error_rates([0.015, 0.05, 0.1, 0.02], [0.08, 0.025, 0.02, 0.04])


def noisy(n_cells):
    return ReadoutModel(NOISY.assignment[:n_cells])


def random_state(n_cells, seed=0):
    rng = np.random.default_rng(seed)
    g = rng.normal(size=(2, 2**n_cells, 2**n_cells))
    rho = (g[0] + 1j * g[1]) @ (g[0] + 1j * g[1]).conj().T
    return rho / np.trace(rho)


def random_table(n_cells, shots, seed=1):
    exact = MeasurementFrame(noisy(n_cells)).probabilities(random_state(n_cells))
    return np.random.default_rng(seed).multinomial(shots, exact)


@pytest.mark.parametrize("n_cells", [1, 2, 3, 4])
def test_exact_probabilities_give_the_state_back(n_cells):
    frame = MeasurementFrame(noisy(n_cells))
    rho = random_state(n_cells)
    p = frame.probabilities(rho)
    assert p.shape == (3**n_cells, 2**n_cells)
    assert p.min() > 0
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-14)
    np.testing.assert_allclose(frame.reconstruct(p), rho, atol=1e-14)


def test_probabilities_are_born_probabilities_through_the_assignment_matrices():
    """Against Kronecker products of Pauli eigenvectors, cell N-1 leftmost."""
    eigenvectors = {
        "X": np.array([[1, 1], [1, -1]]) / np.sqrt(2),
        "Y": np.array([[1, 1j], [1, -1j]]) / np.sqrt(2),
        "Z": np.eye(2),
    }
    rho, p = random_state(3), MeasurementFrame(noisy(3)).probabilities(random_state(3))
    for row, label in zip(p, pauli_settings(3), strict=True):
        vectors = reduce(np.kron, [eigenvectors[letter] for letter in label])
        ideal = np.einsum("xa,ab,xb->x", vectors.conj(), rho, vectors).real
        np.testing.assert_allclose(row, noisy(3).apply(ideal), atol=1e-14)


@pytest.mark.parametrize("mitigated", [False, True])
@pytest.mark.parametrize("n_cells", [1, 2, 3])
def test_it_agrees_with_qiskit_experiments_on_the_same_counts(n_cells, mitigated):
    table = random_table(n_cells, 1000)
    if mitigated:
        model = noisy(n_cells)
        mitigator = LocalReadoutMitigator(list(model.assignment))
    else:
        model, mitigator = ReadoutModel.ideal(n_cells), None
    lininv._dual_povms.cache_clear()  # its key does not contain the readout calibration
    letters = {"Z": 0, "X": 1, "Y": 2}
    theirs, _ = lininv.linear_inversion(
        outcome_data=table[None],
        shot_data=table.sum(axis=1),
        measurement_data=np.array([[letters[x] for x in s[::-1]] for s in pauli_settings(n_cells)]),
        preparation_data=np.zeros((len(table), 0), int),
        measurement_basis=PauliMeasurementBasis(mitigator),
        measurement_qubits=tuple(range(n_cells)),
    )
    lininv._dual_povms.cache_clear()
    ours = MeasurementFrame(model).reconstruct(table / 1000)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


@pytest.mark.parametrize("cell", [0, 1])
def test_hand_written_counts_with_one_excited_cell_give_that_state(cell):
    """Bit order: only the Z letter of the excited cell reads a sure 1, X and Y read evenly."""
    settings = {}
    for label in pauli_settings(2):
        rows = {0: [0, 1], 1: [0, 1]}
        for i in (0, 1):
            if label[1 - i] == "Z":
                rows[i] = [1] if i == cell else [0]
        share = 4 // (len(rows[0]) * len(rows[1]))
        settings[label] = {f"{b1}{b0}": share for b1 in rows[1] for b0 in rows[0]}
    counts = Counts.from_dict(
        {
            "format": "qbat-counts",
            "version": 1,
            "n_cells": 2,
            "bit_order": "little",
            "settings": settings,
        }
    )
    raw = MeasurementFrame(ReadoutModel.ideal(2)).reconstruct(full_table(counts) / 4)
    expected = np.zeros((4, 4))
    expected[2**cell, 2**cell] = 1
    np.testing.assert_allclose(raw, expected, atol=1e-15)


def test_the_order_of_settings_in_the_counts_does_not_matter():
    table = random_table(2, 500)
    order = np.random.default_rng(0).permutation(9)
    settings = pauli_settings(2)
    counts = Counts(
        n_cells=2, settings=tuple(settings[i] for i in order), table=table[order], origin="test"
    )
    np.testing.assert_array_equal(full_table(counts), table)


def test_missing_settings_are_named():
    counts = Counts(n_cells=2, settings=("XX", "ZZ"), table=np.ones((2, 4), int))
    sentence = (
        "'settings' must hold all 9 Pauli settings of 2 cells, "
        "but 7 are missing: XY, XZ, YX, YY, YZ, ...."
    )
    with pytest.raises(InputError, match=re.escape(sentence)):
        full_table(counts)
    almost = Counts(n_cells=1, settings=("X", "Z"), table=np.ones((2, 2), int))
    with pytest.raises(InputError, match=re.escape("but 1 are missing: Y.")):
        full_table(almost)


def test_weights_are_the_linear_functional_of_the_reconstruction():
    frame = MeasurementFrame(noisy(3))
    rng = np.random.default_rng(5)
    observable = random_state(3, seed=9) - np.eye(8) / 3
    f = rng.random((27, 8))
    direct = np.trace(observable @ frame.reconstruct(f)).real
    assert np.sum(frame.weights(observable) * f) == pytest.approx(direct, abs=1e-12)


def test_the_variance_is_that_of_multinomial_sampling_with_unequal_shots():
    """Empirical variance of 20000 draws; its own relative standard error is 1 %."""
    frame = MeasurementFrame(noisy(2))
    p = frame.probabilities(random_state(2))
    shots = np.array([50, 100, 200, 400, 50, 100, 200, 400, 800])
    w = frame.weights(np.diag(level_energies(2)) + random_state(2, seed=3))
    f = np.random.default_rng(3).multinomial(shots, p, size=(20000, 9)) / shots[:, None]
    empirical = np.var(np.sum(f * w, axis=(1, 2)))
    assert linear_variance(p, w, shots) == pytest.approx(empirical, rel=0.04)


def test_the_nearest_state_is_a_state_and_no_state_is_nearer():
    """Variational inequality of a projection: Re Tr[(raw - near)(sigma - near)] <= 0."""
    raw = MeasurementFrame(noisy(2)).reconstruct(random_table(2, 10) / 10)
    assert np.linalg.eigvalsh(raw)[0] < -0.01
    near = nearest_state(raw)
    assert np.trace(near).real == pytest.approx(1, abs=1e-14)
    assert np.linalg.eigvalsh(near)[0] > -1e-15
    others = [random_state(2, seed) for seed in range(50)]
    others += [np.outer(v, v.conj()) for v in np.linalg.eigh(raw)[1].T]
    slopes = [np.trace((raw - near) @ (other - near)).real for other in others]
    assert max(slopes) < 1e-13
    assert min(slopes) < -1e-3


def test_a_state_is_its_own_nearest_state():
    rho = random_state(3)
    np.testing.assert_allclose(nearest_state(rho), rho, atol=1e-14)


def test_the_example_of_smolin_gambetta_and_smith():
    """Eigenvalues 3/5, 1/2, 7/20, 1/10, -11/20 go to 9/20, 7/20, 1/5, 0, 0 (their figure 1)."""
    raw = np.diag([3 / 5, 1 / 2, 7 / 20, 1 / 10, -11 / 20]).astype(complex)
    expected = np.diag([9 / 20, 7 / 20, 1 / 5, 0, 0])
    np.testing.assert_allclose(nearest_state(raw), expected, atol=1e-15)
