"""Optimal unitaries: every choice of the freedom extracts the ergotropy, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import unitary_group

from qbat_circuits import ergotropy, extraction_task, passive_state
from qbat_circuits.cells import collective_lowering, level_energies
from qbat_circuits.errors import InputError


def random_state(populations, rng):
    """These eigenvalues in a random basis."""
    basis = unitary_group.rvs(len(populations), random_state=rng)
    return basis * np.asarray(populations) @ basis.conj().T


def random_unitaries(sizes, rng):
    return [np.atleast_2d(unitary_group.rvs(size, random_state=rng)) for size in sizes]


def any_choice(task, rng):
    """An optimal unitary with everything that is free drawn at random."""
    return task.unitary(
        on_levels=random_unitaries(np.bincount(task.level), rng),
        on_eigenspaces=random_unitaries(np.bincount(task.eigenspace), rng),
    )


def dicke_ladder(n_cells, r):
    """sum_k r^k |D_k><D_k| / sum_k r^k, with D_k made by the collective operator."""
    raising = collective_lowering(n_cells).toarray().T
    vector = np.eye(2**n_cells)[0]
    rho = np.zeros((2**n_cells, 2**n_cells), dtype=complex)
    for k in range(n_cells + 1):
        rho += r**k * np.outer(vector, vector.conj())
        vector = raising @ vector
        vector = vector / max(np.linalg.norm(vector), 1e-300)
    return rho / np.trace(rho).real


SPECTRA = {
    "generic": lambda d, rng: np.sort(rng.dirichlet(np.ones(d))),
    "two eigenvalues": lambda d, rng: np.repeat([0.3, 1.7], d // 2) / d,
    "pure": lambda d, rng: np.eye(d)[0],
    "rank three": lambda d, rng: np.r_[0.5, 0.3, 0.2, np.zeros(d)][:d] / sum([0.5, 0.3, 0.2][:d]),
    "fully mixed": lambda d, rng: np.full(d, 1 / d),
}
ENERGIES = {"equal": lambda n: [1.0] * n, "two kinds": lambda n: [1.0] + [2.0] * (n - 1)}
ENERGIES["all different"] = lambda n: [1.0, 1.13, 0.87, 1.4][:n]


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("energies", ENERGIES)
@pytest.mark.parametrize("spectrum", SPECTRA)
def test_any_valid_choice_extracts_exactly_the_ergotropy(n, energies, spectrum):
    rng = np.random.default_rng(n)
    e = ENERGIES[energies](n)
    rho = random_state(SPECTRA[spectrum](2**n, rng), rng)
    task = extraction_task(rho, e)
    assert task.ergotropy == pytest.approx(ergotropy(rho, e), abs=1e-12)
    h = np.diag(level_energies(n, e))
    for unitary in (task.unitary(), any_choice(task, rng), any_choice(task, rng)):
        assert unitary.conj().T @ unitary == pytest.approx(np.eye(2**n), abs=1e-12)
        assert task.misplaced(unitary) < 1e-20
        after = unitary @ rho @ unitary.conj().T
        work = np.trace((rho - after) @ h).real  # written out, not by the task
        assert work == pytest.approx(ergotropy(rho, e), abs=1e-12)
        assert task.work(unitary) == pytest.approx(work, abs=1e-12)
        assert ergotropy(after, e) == pytest.approx(0.0, abs=1e-12)


def test_without_freedom_the_state_becomes_its_passive_state():
    rng = np.random.default_rng(3)
    rho, e = random_state([0.4, 0.3, 0.2, 0.1], rng), [1.0, 1.5]
    unitary = extraction_task(rho, e).unitary()
    after = unitary @ rho @ unitary.conj().T
    assert after == pytest.approx(passive_state(rho, e), abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_other_unitaries_extract_less_and_misplace_weight(seed, n):
    rng = np.random.default_rng(seed)
    rho = random_state(SPECTRA["generic"](2**n, rng), rng)
    task = extraction_task(rho)
    other = unitary_group.rvs(2**n, random_state=rng)
    lost = task.ergotropy - task.work(other)
    # Weight beyond a level costs at least the step of a population times that of a level, and as
    # much comes back the other way.
    least = np.min(-np.diff(task.populations))
    assert task.misplaced(other) > 1e-6
    assert lost >= least * task.misplaced(other) / 2 - 1e-12


def test_the_exchange_of_11_with_the_singlet_is_one_of_the_choices():
    """N = 2 on the ladder (docs/physics.md, section 6): |00> and the triplet stay."""
    singlet = np.array([0, 1, -1, 0]) / np.sqrt(2)
    top = np.eye(4)[3]
    exchange = np.eye(4) - np.outer(singlet - top, singlet - top)
    task = extraction_task(dicke_ladder(2, 0.5))
    assert task.misplaced(exchange) < 1e-24
    assert task.work(exchange) == pytest.approx(1 / 7, abs=1e-12)


@pytest.mark.parametrize(
    ("rho", "energies", "expected"),
    [
        # c counted by hand from 4^N - sum d_l^2 - sum d_g^2 + sum s_lg^2
        (np.diag([1.0, 0.0]), None, 4 - 2 - 2 + 2),
        (dicke_ladder(2, 0.5), None, 16 - 6 - 4 + 4),
        (dicke_ladder(3, 0.5), None, 64 - 20 - 20 + (1 + 3 + 9 + 1)),
        (dicke_ladder(3, 1.0), None, 64 - 20 - 32 + (1 + 9 + 9 + 1)),
        (np.eye(8) / 8, None, 0),
        (np.diag([0.4, 0.3, 0.2, 0.1]), [1.0, 1.5], 16 - 4 - 4 + 4),
    ],
)
def test_the_number_of_constraints(rho, energies, expected):
    assert extraction_task(rho, energies).n_constraints == expected


@pytest.mark.parametrize(("n", "r"), [(2, 0.5), (2, 1.0), (3, 0.5), (3, 1.0)])
def test_constraints_are_the_codimension_of_the_optimal_unitaries(n, r):
    """c = 4^N - dim{optimal U}, the dimension from the tangents V_l and W_g at one of them."""
    task = extraction_task(dicke_ladder(n, r))
    unitary, d = task.unitary(), 2**n
    tangents = []
    for a in range(d):
        for b in range(d):
            unit = np.zeros((d, d), dtype=complex)
            unit[a, b] = 1
            for h in (unit + unit.T, 1j * (unit - unit.T)):
                if task.level[a] == task.level[b]:
                    tangents.append(h)
                if task.eigenspace[a] == task.eigenspace[b]:
                    moved = unitary @ task.vectors
                    tangents.append(moved @ h @ moved.conj().T)
    rows = np.array([np.r_[t.real.ravel(), t.imag.ravel()] for t in tangents])
    assert task.n_constraints == d**2 - np.linalg.matrix_rank(rows, tol=1e-9)


def test_a_tolerance_gives_freedom_and_costs_at_most_what_it_says():
    rng = np.random.default_rng(5)
    noise = 1e-4 * rng.normal(size=(8, 8))
    rho = dicke_ladder(3, 0.5) * 0.99 + 0.01 * random_state(np.full(8, 1 / 8), rng)
    rho = rho + (noise + noise.T) / 2
    rho = rho / np.trace(rho)
    wide, sharp = extraction_task(rho, tolerance=5e-3), extraction_task(rho)
    assert wide.n_constraints == extraction_task(dicke_ladder(3, 0.5)).n_constraints
    assert sharp.n_constraints > wide.n_constraints
    lost = wide.ergotropy - wide.work(any_choice(wide, rng))
    assert 1e-9 < lost < 5e-3 * wide.levels.sum()


def test_eigenvalues_are_equal_within_the_tolerance_of_the_first_of_them():
    """No chain: .27 and .25 are apart, although .26 lies between."""
    task = extraction_task(np.diag([0.27, 0.26, 0.25, 0.22]), tolerance=0.015)
    assert task.eigenspace.tolist() == [0, 0, 1, 2]


def test_sums_of_energies_that_round_differently_are_one_level():
    """.1 + .2 is not .3 in doubles."""
    task = extraction_task(np.eye(8) / 8, [0.1, 0.2, 0.3])
    assert np.bincount(task.level).tolist() == [1, 1, 1, 2, 1, 1, 1]


def test_values_are_frozen():
    task = extraction_task(np.diag([0.2, 0.8]))
    with pytest.raises(AttributeError):
        task.levels = None
    with pytest.raises(ValueError, match="read-only"):
        task.vectors[0, 0] = 1


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"on_levels": [np.eye(1)]}, r"^'on_levels' must hold 3 unitaries, not 1\.$"),
        (
            {"on_levels": [np.eye(1), np.eye(3), np.eye(1)]},
            r"^'on_levels' must hold matrices of sizes \[1, 2, 1\]\.$",
        ),
        (
            {"on_eigenspaces": [np.eye(1), 2 * np.eye(1), np.eye(1), np.eye(1)]},
            r"^'on_eigenspaces' must hold unitary matrices, not one off by 3\.$",
        ),
    ],
)
def test_a_choice_that_does_not_fit_is_refused(choice, message):
    with pytest.raises(InputError, match=message):
        extraction_task(dicke_ladder(2, 0.5)).unitary(**choice)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.eye(4),), r"^A state must have trace 1"),
        ((np.eye(3) / 3,), r"^A state must have shape"),
        ((np.eye(4) / 4, [1.0]), r"^'energies' must hold one number per cell \(2\), not 1\.$"),
        ((np.eye(4) / 4, None, -1), r"^'tolerance' must be a finite number >= 0 and <= 1, not -1"),
    ],
)
def test_a_state_or_an_argument_that_does_not_fit_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        extraction_task(*arguments)
