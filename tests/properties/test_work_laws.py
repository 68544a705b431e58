"""Laws of ergotropy itself, on random states of two-level cells and of transmons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from relations import old_numbers
from strategies import random_state, seeds

import qbat_circuits as qb
from qbat_circuits.cells import level_energies
from qbat_circuits.quantities.dense import antiergotropy, capacity
from qbat_circuits.symmetric.ergotropy import ergotropy_jm
from qbat_circuits.symmetric.sectors_jm import energy_jm, states_jm
from qbat_circuits.thermodynamics import linear_energy, linear_ergotropy
from qbat_circuits.transmon_levels import TransmonLevels

some = settings(max_examples=25, deadline=None, derandomize=True)
sizes = st.integers(1, 3)
EXACT = 1e-12


def unitary_on(rng: np.random.Generator, levels: np.ndarray) -> np.ndarray:
    """A random unitary that commutes with diag(levels)."""
    u = np.zeros((len(levels),) * 2, dtype=complex)
    for level in np.unique(levels):
        of = np.flatnonzero(levels == level)
        g = rng.normal(size=(2, len(of), len(of)))
        u[np.ix_(of, of)] = np.linalg.qr(g[0] + 1j * g[1])[0]
    return u


@some
@given(seed=seeds, n=sizes, rank=st.integers(1, 8), scale=st.sampled_from([1e-3, 0.5, 40.0]))
def test_units_names_and_symmetries_of_the_levels(seed, n, rank, scale) -> None:
    """W of s H is s W; W is the same after what commutes with H_B, and with cells renamed."""
    rng = np.random.default_rng(seed)
    rho, energies = random_state(rng, 2**n, rank), rng.choice([0.6, 1.0, 1.6], n)
    work = qb.ergotropy(rho, energies)
    assert qb.ergotropy(rho, scale * energies) == pytest.approx(scale * work, abs=EXACT * scale)
    u = unitary_on(rng, level_energies(n, energies).round(9))
    turned = u @ rho @ u.conj().T
    assert qb.energy(turned, energies) == pytest.approx(qb.energy(rho, energies), abs=EXACT)
    assert qb.ergotropy(turned, energies) == pytest.approx(work, abs=EXACT)
    order = rng.permutation(n)
    old = old_numbers(order, 2)
    assert qb.ergotropy(rho[np.ix_(old, old)], energies[order]) == pytest.approx(work, abs=EXACT)


@some
@given(seed=seeds, n=sizes, share=st.floats(0, 1))
def test_work_is_convex_and_lost_by_dephasing(seed, n, share) -> None:
    """W(mixture) <= mean of W, for raw reconstructions with negative eigenvalues too."""
    rng = np.random.default_rng(seed)
    levels = level_energies(n, rng.uniform(0.5, 2, n))
    g = rng.normal(size=(2, 2, 2**n, 2**n))
    one, two = (h + h.conj().T for h in g[0] + 1j * g[1])
    mixed = linear_ergotropy(share * one + (1 - share) * two, levels)
    mean = share * linear_ergotropy(one, levels) + (1 - share) * linear_ergotropy(two, levels)
    assert mixed <= mean + EXACT * 10
    assert linear_ergotropy(np.diag(np.diag(one)), levels) <= linear_ergotropy(one, levels) + EXACT
    stack = np.array([[one, two]])
    np.testing.assert_allclose(
        linear_ergotropy(stack, levels)[0], [linear_ergotropy(m, levels) for m in stack[0]]
    )
    np.testing.assert_allclose(linear_energy(stack, levels)[0, 1], np.trace(two @ np.diag(levels)))


@some
@given(seed=seeds, n=st.integers(1, 2), rank=st.integers(1, 4))
def test_two_batteries_hold_at_least_what_each_holds(seed, n, rank) -> None:
    """W(a (x) b) >= W(a) + W(b), and W of both is at most all that is not passive."""
    rng = np.random.default_rng(seed)
    a, b = (random_state(rng, 2**n, rank) for _ in range(2))
    e, f = rng.uniform(0.5, 2, (2, n))
    both, energies = np.kron(b, a), [*e, *f]  # the cells of a come first
    assert qb.energy(both, energies) == pytest.approx(qb.energy(a, e) + qb.energy(b, f))
    assert qb.ergotropy(both, energies) >= qb.ergotropy(a, e) + qb.ergotropy(b, f) - EXACT
    passive = qb.passive_state(both, energies)
    left = qb.energy(passive, energies)
    assert qb.energy(both, energies) - left == pytest.approx(qb.ergotropy(both, energies))


@some
@given(seed=seeds, n=st.integers(1, 2), d=st.integers(3, 4), rank=st.integers(1, 9))
def test_more_than_two_levels(seed, n, d, rank) -> None:
    """W by the definition on d^N levels, the passive state that is left, and W + A the capacity."""
    rng = np.random.default_rng(seed)
    ladder = TransmonLevels(d, 5.0, -0.3).energies()
    energies = rng.uniform(0.8, 1.2, n)
    rho = random_state(rng, d**n, min(rank, d**n))
    levels = np.zeros(1)
    for e in energies:  # cell 0 is the fastest digit
        levels = (e * ladder[:, None] + levels).reshape(-1)
    spectrum = np.linalg.eigvalsh(rho)
    energy = float(np.diag(rho).real @ levels)
    assert qb.energy(rho, energies, ladder) == pytest.approx(energy)
    passive = float(spectrum[::-1] @ np.sort(levels))
    assert qb.ergotropy(rho, energies, ladder) == pytest.approx(energy - passive, abs=EXACT)
    left = qb.passive_state(rho, energies, ladder)
    assert left.dtype == np.complex128
    assert qb.energy(left, energies, ladder) == pytest.approx(passive)
    assert qb.ergotropy(left, energies, ladder) == pytest.approx(0, abs=EXACT)


@some
@given(seed=seeds, n=st.integers(1, 30), share=st.floats(0, 1))
def test_populations_obey_the_same_laws(seed, n, share) -> None:
    """0 <= W <= E and convexity on p(j, m)."""
    rng = np.random.default_rng(seed)
    size = states_jm(n).size
    one, two = rng.dirichlet(np.full(size, 0.1), 2)
    mixed = share * one + (1 - share) * two
    works = ergotropy_jm(n, np.array([one, two, mixed]))
    energies = energy_jm(n, np.array([one, two, mixed]))
    assert np.all(works >= 0)
    assert np.all(works <= energies + EXACT * n)
    assert works[2] <= share * works[0] + (1 - share) * works[1] + EXACT * n


@some
@given(seed=seeds, n=sizes, rank=st.integers(1, 8))
def test_upside_down_charging_is_discharging(seed, n, rank) -> None:
    """All cells inverted: the ergotropy becomes the antiergotropy, the capacity stays."""
    rng = np.random.default_rng(seed)
    rho, energies = random_state(rng, 2**n, rank), rng.uniform(0.5, 2, n)
    inverted = rho[::-1, ::-1]
    assert antiergotropy(inverted, energies) == pytest.approx(
        qb.ergotropy(rho, energies), abs=1e-11
    )
    assert capacity(inverted, energies) == pytest.approx(capacity(rho, energies), abs=1e-11)
