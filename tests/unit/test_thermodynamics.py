"""Energy, passive states and ergotropy of states."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import DensityMatrix, random_density_matrix, random_unitary

import qbat_circuits as qb
from qbat_circuits.cells import excitations, level_energies, product_state
from qbat_circuits.thermodynamics import as_density_matrix, linear_ergotropy


def optimal_work_operator(rho: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """H - U^+ H U for the U that sends the k-th largest eigenvalue to the k-th lowest level."""
    vectors = np.linalg.eigh(rho)[1][:, ::-1]
    return np.diag(levels) - (vectors * np.sort(levels)) @ vectors.conj().T


def test_known_values() -> None:
    assert qb.ergotropy(product_state([1.0])) == pytest.approx(1.0)
    assert qb.ergotropy(product_state([0.5])) == pytest.approx(0.0, abs=1e-15)
    assert qb.ergotropy(product_state([0.7])) == pytest.approx(0.4)
    singlet = np.array([0, 1, -1, 0]) / np.sqrt(2)
    assert qb.energy(singlet) == pytest.approx(1.0)
    assert qb.ergotropy(singlet) == pytest.approx(1.0)
    # Qubits with energies (1, 2): |01> holds 1, |10> holds 2.
    assert qb.ergotropy(product_state([0.0, 1.0]), energies=[1.0, 2.0]) == pytest.approx(2.0)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), n_cells=st.integers(1, 3))
def test_no_unitary_beats_the_ergotropy_and_one_attains_it(seed: int, n_cells: int) -> None:
    energies = np.random.default_rng(seed).uniform(0.5, 1.5, n_cells)
    levels = level_energies(n_cells, energies)
    rho = random_density_matrix(2**n_cells, seed=seed).data
    work = qb.ergotropy(rho, energies)
    u = random_unitary(2**n_cells, seed=seed).data
    got = qb.energy(rho, energies) - qb.energy(u @ rho @ u.conj().T, energies)
    assert got <= work + 1e-12
    best = np.trace(rho @ optimal_work_operator(rho, levels)).real
    assert best == pytest.approx(work, abs=1e-12)
    # Another state's optimal unitary is a lower bound (convexity).
    other = random_density_matrix(2**n_cells, seed=seed + 1).data
    assert np.trace(other @ optimal_work_operator(rho, levels)).real <= (
        linear_ergotropy(other, levels) + 1e-12
    )


def test_the_passive_state_is_what_is_left() -> None:
    rho = random_density_matrix(8, seed=4).data
    energies = [1.0, 0.7, 1.6]
    passive = qb.passive_state(rho, energies)
    np.testing.assert_allclose(np.sort(np.diag(passive).real), np.linalg.eigvalsh(rho), atol=1e-14)
    assert qb.ergotropy(passive, energies) == pytest.approx(0.0, abs=1e-14)
    assert qb.energy(passive, energies) == pytest.approx(
        qb.energy(rho, energies) - qb.ergotropy(rho, energies)
    )


def test_local_z_rotations_leave_the_ergotropy_alone() -> None:
    rho = random_density_matrix(4, seed=9).data
    phases = np.exp(1j * np.array([0.0, 0.3, 1.1, 1.4]))
    turned = phases[:, None] * rho * phases.conj()
    assert qb.ergotropy(turned) == pytest.approx(qb.ergotropy(rho), abs=1e-14)


def test_states_come_as_arrays_or_qiskit_objects() -> None:
    state = DensityMatrix.from_label("10")
    assert qb.energy(state) == qb.energy(state.data) == 1.0


def test_anything_with_a_data_array_is_a_state() -> None:
    class Foreign:
        data = product_state([0.25])

    assert qb.energy(Foreign()) == 0.25


def test_a_state_may_be_off_by_the_tolerance_and_is_made_hermitian() -> None:
    """At the tolerance itself it is still taken, in trace, Hermiticity and positivity."""
    off = 0.25  # exact in binary
    for state in (
        np.diag([1.0, off]),
        np.diag([1.0 + off, -off]),
        np.array([[0.5, off], [0.0, 0.5]]),
    ):
        found = as_density_matrix(state, off)
        np.testing.assert_array_equal(found, (state + state.T) / 2)
        with pytest.raises(qb.InputError, match=f"within {off / 2:g}"):
            as_density_matrix(state, off / 2)


def test_the_lowest_of_degenerate_levels_is_filled_in_basis_order() -> None:
    """The passive state of equal levels is unique by its order, so that files can be compared."""
    state = np.diag([0.1, 0.2, 0.3, 0.4]).astype(complex)
    np.testing.assert_allclose(np.diag(qb.passive_state(state)).real, [0.4, 0.3, 0.2, 0.1])
    many = product_state([0.1] * 5)
    filled = np.diag(qb.passive_state(many, [1.0] * 5)).real
    of_level = [filled[excitations(5) == k] for k in range(6)]
    assert all(np.all(np.diff(one) <= 1e-15) for one in of_level)


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (np.eye(2), "A state must have trace 1 within 1e-09, not 2.0."),
        (np.diag([1.5, -0.5]), "A state must have eigenvalues >= 0 within 1e-09, not -0.5."),
        (np.array([[0.5, 1.0], [0.0, 0.5]]), "A state must be Hermitian within 1e-09"),
        (np.eye(3) / 3, r"A state must have shape \(2\^N,\) or \(2\^N, 2\^N\)"),
        (np.ones((2, 4)), r"A state must have shape \(2\^N,\) or \(2\^N, 2\^N\)"),
        (np.array([np.nan, 0.0]), "^A state must hold finite numbers only.$"),
        ("ground", "^A state must be an array of numbers or a Qiskit state.$"),
        (1.0, r"A state must have shape"),
    ],
)
def test_what_is_no_state_is_refused(state: object, sentence: str) -> None:
    with pytest.raises(qb.InputError, match=sentence):
        qb.ergotropy(state)
