"""Linear inversion against exact states and an independent package."""

from __future__ import annotations

import re
from functools import reduce

import numpy as np
import pytest
from qiskit_experiments.data_processing import LocalReadoutMitigator
from qiskit_experiments.library.tomography.basis import PauliMeasurementBasis
from qiskit_experiments.library.tomography.fitters import lininv

from qbat_circuits.analysis.linear_inversion import (
    nearest_spectrum,
    nearest_state,
    observable_weights,
    outcome_probabilities,
    reconstruct,
)
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
    exact = noisy(n_cells).apply(outcome_probabilities(random_state(n_cells)))
    return np.random.default_rng(seed).multinomial(shots, exact)


@pytest.mark.parametrize("n_cells", [1, 2, 3, 4])
def test_exact_probabilities_give_the_state_back(n_cells):
    model = noisy(n_cells)
    rho = random_state(n_cells)
    p = model.apply(outcome_probabilities(rho))
    assert p.shape == (3**n_cells, 2**n_cells)
    assert p.min() > 0
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-14)
    np.testing.assert_allclose(reconstruct(model.invert(p)), rho, atol=1e-14)


def test_probabilities_are_born_probabilities_through_the_assignment_matrices():
    """Against Kronecker products of Pauli eigenvectors, cell N-1 leftmost."""
    eigenvectors = {
        "X": np.array([[1, 1], [1, -1]]) / np.sqrt(2),
        "Y": np.array([[1, 1j], [1, -1j]]) / np.sqrt(2),
        "Z": np.eye(2),
    }
    rho, p = random_state(3), noisy(3).apply(outcome_probabilities(random_state(3)))
    for row, label in zip(p, pauli_settings(3), strict=True):
        vectors = reduce(np.kron, [eigenvectors[letter] for letter in label])
        ideal = np.einsum("xa,ab,xb->x", vectors.conj(), rho, vectors).real
        np.testing.assert_allclose(row, noisy(3).apply(ideal), atol=1e-14)


def their_inversion(frequencies, mitigator=None):
    """Linear inversion of qiskit-experiments, shape (3^N, 2^N) -> (2^N, 2^N)."""
    n_cells = frequencies.shape[1].bit_length() - 1
    letters = {"Z": 0, "X": 1, "Y": 2}
    lininv._dual_povms.cache_clear()  # its key does not contain the readout calibration
    found, _ = lininv.linear_inversion(
        outcome_data=frequencies[None],
        shot_data=np.ones(len(frequencies)),
        measurement_data=np.array([[letters[x] for x in s[::-1]] for s in pauli_settings(n_cells)]),
        preparation_data=np.zeros((len(frequencies), 0), int),
        measurement_basis=PauliMeasurementBasis(mitigator),
        measurement_qubits=tuple(range(n_cells)),
    )
    lininv._dual_povms.cache_clear()
    return found


@pytest.mark.parametrize("mitigated", [False, True])
@pytest.mark.parametrize("n_cells", [1, 2, 3])
def test_it_agrees_with_qiskit_experiments_on_the_same_counts(n_cells, mitigated):
    """Their inversion of the assignment matrices, then their inversion of the settings."""
    table = random_table(n_cells, 1000)
    model, frequencies = ReadoutModel.ideal(n_cells), table / 1000
    if mitigated:
        model = noisy(n_cells)
        mitigator = LocalReadoutMitigator(list(model.assignment))
        names = [f"{b:0{n_cells}b}" for b in range(2**n_cells)]
        found = [
            mitigator.quasi_probabilities(dict(zip(names, row.tolist(), strict=True)))
            for row in table
        ]
        frequencies = np.array([[row[b] for b in range(2**n_cells)] for row in found])
    theirs = their_inversion(frequencies)
    ours = reconstruct(model.invert(table / 1000))
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


@pytest.mark.parametrize("n_cells", [1, 2, 3])
def test_it_agrees_with_the_noisy_effects_of_qiskit_experiments(n_cells):
    """Least squares over the noisy effects: the same on any counts where both errors of a cell are
    equal, and otherwise on exact probabilities; on counts it only weighs settings differently."""
    errors = [0.02, 0.05, 0.1][:n_cells]
    even = ReadoutModel.from_error_rates(errors, errors)
    f = random_table(n_cells, 1000) / 1000
    theirs = their_inversion(f, LocalReadoutMitigator(list(even.assignment)))
    np.testing.assert_allclose(reconstruct(even.invert(f)), theirs, atol=1e-9)
    exact = noisy(n_cells).apply(outcome_probabilities(random_state(n_cells)))
    theirs = their_inversion(exact, LocalReadoutMitigator(list(noisy(n_cells).assignment)))
    np.testing.assert_allclose(reconstruct(noisy(n_cells).invert(exact)), theirs, atol=1e-9)


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
    raw = reconstruct(counts.select(pauli_settings(2)).table / 4)
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
    np.testing.assert_array_equal(counts.select(pauli_settings(2)).table, table)


def test_missing_settings_are_named():
    counts = Counts(n_cells=2, settings=("XX", "ZZ"), table=np.ones((2, 4), int))
    sentence = "The counts lack 7 of the 9 settings that are needed: 'XY', 'XZ', 'YX', 'YY', 'YZ'"
    with pytest.raises(InputError, match=re.escape(sentence)):
        counts.select(pauli_settings(2))
    almost = Counts(n_cells=1, settings=("X", "Z"), table=np.ones((2, 2), int))
    with pytest.raises(
        InputError, match=re.escape("lack 1 of the 3 settings that are needed: 'Y'.")
    ):
        almost.select(pauli_settings(1))


def test_weights_are_the_linear_functional_of_the_reconstruction():
    """Also pulled back through the readout, and for several observables and tables at once."""
    model, rng = noisy(3), np.random.default_rng(5)
    observables = np.stack([random_state(3, seed=k) - np.eye(8) / 3 for k in (9, 10)])
    f = rng.random((4, 27, 8))
    raw = reconstruct(model.invert(f))
    assert raw.shape == (4, 8, 8)
    direct = np.einsum("oab,tba->ot", observables, raw).real
    weights = observable_weights(observables)
    assert weights.shape == (2, 27, 8)
    found = np.einsum("osy,tsy->ot", model.pull_back(weights), f)
    np.testing.assert_allclose(found, direct, atol=1e-12)


def test_the_nearest_state_is_a_state_and_no_state_is_nearer():
    """Variational inequality of a projection: Re Tr[(raw - near)(sigma - near)] <= 0."""
    raw = reconstruct(noisy(2).invert(random_table(2, 10) / 10))
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


@pytest.mark.parametrize("total", [None, 0.3])
def test_many_spectra_are_taken_at_once(total):
    """Each by its own; nearest under the sum: moving weight between any two gains nothing."""
    values = np.sort(np.random.default_rng(5).normal(size=(4, 3, 8)))[..., ::-1] + 0.2
    found = nearest_spectrum(values, total)
    for index in np.ndindex(4, 3):
        np.testing.assert_array_equal(found[index], nearest_spectrum(values[index], total))
    wanted = values.sum(axis=-1) if total is None else total
    np.testing.assert_allclose(found.sum(axis=-1), np.maximum(wanted, 0), atol=1e-14)
    pull = values - found  # equal on the support, nowhere larger
    assert np.all(found >= 0)
    np.testing.assert_allclose(np.where(found > 0, pull - pull[..., :1], 0), 0, atol=1e-14)
    assert np.all(pull <= pull[..., :1] + 1e-14)


def test_a_common_shift_of_a_spectrum_costs_no_digits():
    """max(v - shift, 0) of a given sum does not depend on a multiple of 1 in the matrix."""
    values = np.array([0.5, 0.25, 0.0, -0.75])
    expected = nearest_spectrum(values, 1.0)
    np.testing.assert_array_equal(nearest_spectrum(values + 2.0**40, 1.0), expected)
