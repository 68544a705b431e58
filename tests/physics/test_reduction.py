"""The reachable block of a generator, its exponentials, and spectra block by block."""

from math import comb

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse as sp

import qbat_circuits as qb
from qbat_circuits.battery import Battery, liouvillian
from qbat_circuits.dynamics import krylov
from qbat_circuits.dynamics.initial_states import initial_density_matrix
from qbat_circuits.dynamics.lindblad import integrate
from qbat_circuits.dynamics.propagator import propagate
from qbat_circuits.dynamics.reduction import (
    equal_steps,
    reduce_liouvillians,
    reduce_model,
    reduce_parts,
)
from qbat_circuits.dynamics.spectra import block_indices, checked_quantities, sorted_spectra
from qbat_circuits.thermodynamics import linear_ergotropy


def different_cells(n_cells: int, detuning: float = 0.7, seed: int = 1) -> Battery:
    rng = np.random.default_rng(seed)
    return Battery(
        qb.CollectiveBath(1.0, 1.0),
        tuple(qb.LocalNoise(*rng.uniform(0.05, 0.4, 3)) for _ in range(n_cells)),
        tuple(detuning * rng.uniform(-1, 1, n_cells)),
        (1.0,) * n_cells,
    )


def random_operator(d: int, density: float, rng: np.random.Generator) -> sp.csr_array:
    dense = rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d))
    return sp.csr_array(dense * (rng.uniform(size=(d, d)) < density))


def random_model(d: int, density: float, seed: int):
    rng = np.random.default_rng(seed)
    half = random_operator(d, density, rng)
    jumps = [(rate, random_operator(d, density, rng)) for rate in rng.uniform(0.1, 1, 3)]
    return sp.csr_array(half + half.conj().T), jumps


def acted(hamiltonian, jumps, rho: np.ndarray) -> np.ndarray:
    """The master equation as it is written."""
    h = hamiltonian.toarray()
    slope = -1j * (h @ rho - rho @ h)
    for rate, jump in jumps:
        m = jump.toarray()
        square = m.conj().T @ m
        slope += rate * (m @ rho @ m.conj().T - (square @ rho + rho @ square) / 2)
    return slope


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("d", "density"), [(4, 0.5), (8, 0.08), (9, 0.06), (9, 0.5)])
def test_the_reduced_generator_is_the_master_equation(d: int, density: float, seed: int) -> None:
    """On any state of the reachable coordinates, which no generator leaves."""
    hamiltonian, jumps = random_model(d, density, seed)
    start = np.zeros((d, d), dtype=complex)
    start[1, 1] = 1.0
    reduced = reduce_model(hamiltonian, jumps, start)
    np.testing.assert_array_equal(reduced.states(reduced.start), start)
    y = np.random.default_rng(seed).normal(size=(3, len(reduced.kept)))
    for row, rho in zip(y, reduced.states(y), strict=True):
        np.testing.assert_allclose(
            reduced.states(reduced.matrix @ row), acted(hamiltonian, jumps, rho), atol=1e-12
        )
    full = reduce_liouvillians([liouvillian(hamiltonian, jumps)], start)[0]
    np.testing.assert_array_equal(full.kept, reduced.kept)
    np.testing.assert_allclose(full.matrix.toarray(), reduced.matrix.toarray(), atol=1e-12)


@pytest.mark.parametrize("n_cells", range(1, 7))
def test_from_the_ground_state_only_equal_excitation_is_reached(n_cells: int) -> None:
    start = initial_density_matrix(different_cells(n_cells), "ground")
    sizes = []
    for battery in (different_cells(n_cells), different_cells(n_cells, detuning=0.0)):
        reduced = reduce_model(battery.hamiltonian(), battery.jump_operators(), start)
        sizes.append(len(reduced.kept))
    pairs = comb(2 * n_cells, n_cells)
    assert sizes == [pairs if n_cells > 1 else 2, (pairs + 2**n_cells) // 2]


def test_parts_share_their_coordinates_and_add_up() -> None:
    """Also where one part alone would reach less."""
    battery = different_cells(3)
    local = [jump for i in range(3) for jump in battery.local_jumps(i)]
    start = initial_density_matrix(battery, "110")
    whole = reduce_model(battery.hamiltonian(), battery.jump_operators(), start)
    parts = reduce_parts(
        [(battery.hamiltonian(), local), (None, battery.collective_jumps())], start
    )
    for part in parts:
        np.testing.assert_array_equal(part.kept, whole.kept)
        np.testing.assert_array_equal(part.start, whole.start)
    total = sum(part.matrix.toarray() for part in parts)
    np.testing.assert_allclose(total, whole.matrix.toarray(), atol=1e-14)
    assert len(reduce_parts([(battery.hamiltonian(), local)], start)[0].kept) < len(whole.kept)


def test_eight_different_cells_agree_with_qiskit_dynamics() -> None:
    """Its own generator on all 4^8, reduced, and integrated with DOP853."""
    battery = different_cells(8)
    start = initial_density_matrix(battery, "ground")
    times = np.array([0.05, 0.1])
    exact = propagate(battery, start, times)
    np.testing.assert_allclose(integrate(battery, start, times, 1e-10), exact, atol=1e-9)
    energy, ergotropy = checked_quantities(exact, battery.level_energies(), 1e-9)
    np.testing.assert_allclose(ergotropy, linear_ergotropy(exact, battery.level_energies()))
    assert energy[1] > energy[0] > 0


@pytest.mark.parametrize("times", [np.linspace(0, 20, 41), np.array([0.0, 0.3, 1.7, 300.0])])
def test_krylov_subspaces_agree_with_the_dense_exponential(times: np.ndarray) -> None:
    """Different cells, weak noise and strong detunings: many subspaces, then none."""
    battery = different_cells(4, detuning=8.0)
    start = initial_density_matrix(battery, "0011")
    reduced = reduce_model(battery.hamiltonian(), battery.jump_operators(), start)
    rows = krylov.exponential_path(lambda y: reduced.matrix @ y, reduced.start, times)
    dense = reduced.matrix.toarray()
    expected = [scipy.linalg.expm(dense * t) @ reduced.start for t in times]
    np.testing.assert_allclose(rows, expected, atol=1e-11, rtol=0)


def test_a_complete_subspace_serves_all_times() -> None:
    matrix = np.diag([0.0, -1.0, -2.0])
    start = np.array([1.0, 1.0, 0.0])
    calls = []
    times = np.array([0.5, 3.0, 1e6])
    rows = krylov.exponential_path(lambda y: calls.append(1) or matrix @ y, start, times)
    np.testing.assert_allclose(rows[:, 1], np.exp(-times), atol=1e-15)
    np.testing.assert_allclose(rows[:, 0], 1.0, atol=1e-9)
    assert len(calls) == 2


def test_far_too_long_times_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(krylov, "MAX_PRODUCTS", 500)
    battery = different_cells(5, detuning=1e4)
    with pytest.raises(qb.InputError, match=r"'times' must be at most about .* not 7; check its"):
        propagate(battery, initial_density_matrix(battery, "ground"), np.geomspace(1e-3, 7, 101))


def test_equal_steps_are_equal_up_to_round_off() -> None:
    steps, which = equal_steps(np.linspace(0.0, 1.0, 11))
    np.testing.assert_allclose(steps, [0.0, 0.1])
    np.testing.assert_array_equal(which, [0] + [1] * 10)


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (4, 3, 2), (9,), (1, 5, 1, 5)])
def test_spectra_block_by_block_are_the_spectra(sizes: tuple[int, ...], real: bool) -> None:
    rng = np.random.default_rng(sum(sizes))
    parts = []
    for size in sizes:
        g = rng.normal(size=(5, size, size)) + (0 if real else 1j) * rng.normal(size=(size, size))
        parts.append(g @ np.conj(np.swapaxes(g, 1, 2)))
    order = rng.permutation(sum(sizes))
    states = np.array([scipy.linalg.block_diag(*(p[k] for p in parts)) for k in range(5)])
    states = (states / np.trace(states, axis1=1, axis2=2)[:, None, None])[:, order][:, :, order]
    blocks = block_indices(states)
    assert sorted(size for one in blocks for size in [one.shape[1]] * len(one)) == sorted(sizes)
    np.testing.assert_allclose(sorted_spectra(states), np.linalg.eigvalsh(states), atol=1e-15)
    levels = rng.uniform(0, 3, sum(sizes))
    energy, ergotropy = checked_quantities(states, levels, 1e-9)
    diagonals = np.diagonal(states, axis1=1, axis2=2).real
    np.testing.assert_allclose(energy, diagonals @ levels)
    np.testing.assert_allclose(ergotropy, linear_ergotropy(states, levels), atol=1e-14)


def test_what_is_no_number_is_no_state() -> None:
    with pytest.raises(qb.AccuracyError, match="violates trace by nan"):
        checked_quantities(np.full((1, 2, 2), np.nan, dtype=complex), np.array([0.0, 1.0]), 1e-9)


def test_only_round_off_makes_steps_equal() -> None:
    even, wide = np.linspace(0, 7, 301), np.geomspace(1e-6, 1e6, 2000)
    assert len(equal_steps(even)[0]) == 2  # 0 and the step
    assert len(equal_steps(np.array([1.0, 2.0, 3.0 + 1e-12]))[0]) == 2
    steps, which = equal_steps(wide)
    assert len(steps) == len(wide)
    np.testing.assert_array_equal(np.sort(which), np.arange(len(wide)))


@pytest.mark.parametrize("engine", ["sectors", "propagator", "symmetric"])
def test_grids_over_many_decades_are_right_from_the_first_time_on(engine) -> None:
    """Two cells from the ground state: E = 2 n kappa t at first."""
    times = np.geomspace(1e-6, 1e4, 500)
    curve = qb.charge(qb.Battery.identical(2, qb.CollectiveBath(1, 1)), times, engine=engine)
    early = times < 1e-4
    np.testing.assert_allclose(curve.energy[early], 2 * times[early], rtol=1e-3)
    assert curve.energy[-1] == pytest.approx(4 / 7, abs=1e-9)
