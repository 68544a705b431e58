"""The quantities of docs/physics.md, section 8: closed forms, bounds, dense against (j, m)."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from states import ladder

import qbat_circuits as qb
from qbat_circuits.cells import excitations, level_energies, product_state
from qbat_circuits.dynamics.propagator import evolve
from qbat_circuits.dynamics.schur import schur_basis
from qbat_circuits.quantities import curves, dense, gibbs, self_discharge, symmetric
from qbat_circuits.symmetric.model import SymmetricModel
from qbat_circuits.symmetric.sectors_jm import (
    energy_jm,
    log_multiplicities,
    start_populations,
    states_jm,
)

HOT = 1e9
BASES = ("product basis", "energy blocks")
seeds = st.integers(0, 2**32 - 1)


def random_state(rng, n_cells, rank=None):
    d = 2**n_cells
    g = rng.normal(size=(d, rank or d)) + 1j * rng.normal(size=(d, rank or d))
    rho = g @ g.conj().T
    return rho / np.trace(rho).real


def random_unitary(rng, d):
    return np.linalg.qr(rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d)))[0]


def random_populations(rng, n_cells):
    size = states_jm(n_cells).size
    p = rng.dirichlet(np.full(size, 0.3))
    p[rng.integers(size)] = 0.0
    return p / p.sum()


def dense_of(n_cells, populations):
    """sum p(j,m)/d_j Pi(j,m) from the coupled basis."""
    rho = np.zeros((2**n_cells, 2**n_cells), dtype=complex)
    for weight, vectors in zip(populations, coupled_basis(n_cells), strict=True):
        rho += weight / len(vectors) * vectors.T @ vectors
    return rho


def coupled_basis(n_cells):
    """The d_j vectors of every (j, m), in the order of populations."""
    sectors = {s.twice_j: s.vectors for s in schur_basis(n_cells)}
    states = states_jm(n_cells)
    return [
        sectors[n_cells - 2 * a][k - a]
        for k, a in zip(states.level.tolist(), states.deficit.tolist(), strict=True)
    ]


def ladder_populations(n_cells, occupation):
    states = states_jm(n_cells)
    p = np.where(states.deficit == 0, (occupation / (occupation + 1.0)) ** states.level, 0.0)
    return p / p.sum()


# --- closed forms ------------------------------------------------------------------------------


def test_two_hot_cells_efficiency_is_the_l1_norm_of_coherence() -> None:
    """N = 2, n -> inf: W/E = 1/3 = l1 (arXiv:2005.08489)."""
    rho = ladder(2, HOT)
    assert dense.efficiency(rho) == pytest.approx(1 / 3, abs=1e-8)
    assert dense.l1_coherence(rho) == pytest.approx(1 / 3, abs=1e-8)
    p = ladder_populations(2, HOT)
    assert symmetric.efficiency_jm(2, p) == pytest.approx(1 / 3, abs=1e-8)
    assert symmetric.l1_coherence_jm(2, p) == pytest.approx(1 / 3, abs=1e-8)


@pytest.mark.parametrize("n_cells", [2, 3, 5, 8])
def test_ladder_formulas(n_cells) -> None:
    """Eigenvalues p_k and 0: W, E, capacity, entropy and l1 by hand; all coherence is in Dicke."""
    p = 0.5 ** np.arange(n_cells + 1)
    p /= p.sum()
    k = np.arange(n_cells + 1)
    energy, work = k @ p, (k - 1)[2:] @ p[2:]
    flat = np.log(p)
    l1 = sum(w * (math.comb(n_cells, i) - 1) for i, w in enumerate(p))
    populations = ladder_populations(n_cells, 1.0)
    for found, expected in [
        (dense.efficiency(ladder(n_cells)), work / energy),
        (symmetric.efficiency_jm(n_cells, populations), work / energy),
        (dense.ergotropy_per_cell(ladder(n_cells)), work / n_cells),
        (symmetric.ergotropy_per_cell_jm(n_cells, populations), work / n_cells),
        # the largest p on the top level, the others on the N levels below
        (dense.antiergotropy(ladder(n_cells)), n_cells - (1 - p[0]) - energy),
        (symmetric.antiergotropy_jm(n_cells, populations), n_cells - (1 - p[0]) - energy),
        (dense.capacity(ladder(n_cells)), n_cells - 2 * (1 - p[0])),
        (symmetric.capacity_jm(n_cells, populations), n_cells - 2 * (1 - p[0])),
        (dense.entropy(ladder(n_cells)), -(p @ flat)),
        (symmetric.entropy_jm(n_cells, populations), -(p @ flat)),
        (dense.l1_coherence(ladder(n_cells)), l1),
        (symmetric.l1_coherence_jm(n_cells, populations), l1),
        (dense.local_ergotropy(ladder(n_cells)), 0.0),
        (dense.locked_ergotropy(ladder(n_cells)), work),
        (symmetric.locked_ergotropy_jm(n_cells, populations), work),
    ]:
        assert found == pytest.approx(expected, abs=1e-12)


def test_the_split_of_the_work_depends_on_the_basis() -> None:
    """N = 3, n = 1: .0222 of .2667 is incoherent in the product basis, all of it in blocks."""
    rho, p = ladder(3), ladder_populations(3, 1.0)
    # by hand: levels 0, 1, 1, 1, 2, ... hold p_k/C(3,k): the top one, 1/15, stands above 2/45
    by_hand = (1 / 15 - 2 / 45) * (3 - 2)
    for parts in (
        (dense.incoherent_ergotropy(rho, "product basis"), by_hand),
        (symmetric.incoherent_ergotropy_jm(3, p, "product basis"), by_hand),
        (dense.coherent_ergotropy(rho, "product basis"), 4 / 15 - by_hand),
        (symmetric.coherent_ergotropy_jm(3, p, "product basis"), 4 / 15 - by_hand),
        (dense.incoherent_ergotropy(rho, "energy blocks"), 4 / 15),
        (symmetric.incoherent_ergotropy_jm(3, p, "energy blocks"), 4 / 15),
        (dense.coherent_ergotropy(rho, dense.Basis.ENERGY_BLOCKS), 0.0),
        (symmetric.coherent_ergotropy_jm(3, p, "energy blocks"), 0.0),
    ):
        assert parts[0] == pytest.approx(parts[1], abs=1e-12)
    assert round(by_hand, 4) == 0.0222


@pytest.mark.parametrize("n_cells", [2, 3, 4, 6])
def test_the_ladder_is_all_coherent_up_to_one_over_n_minus_one(n_cells) -> None:
    """No incoherent part as long as n <= 1/(N-1), some beyond (docs/physics.md, section 3)."""
    edge = 1 / (n_cells - 1)
    below, above = (ladder_populations(n_cells, edge * f) for f in (1 - 1e-6, 2))
    incoherent = symmetric.incoherent_ergotropy_jm
    assert incoherent(n_cells, below, "product basis") == pytest.approx(0, abs=1e-14)
    assert incoherent(n_cells, above, "product basis") > 1e-4


def test_without_degenerate_levels_both_bases_agree() -> None:
    rho = random_state(np.random.default_rng(1), 2)
    first, second = (dense.incoherent_ergotropy(rho, b, [1.0, 1.3]) for b in BASES)
    assert first == pytest.approx(second, abs=1e-14)
    assert first < qb.ergotropy(rho, [1.0, 1.3]) - 1e-3


def test_levels_that_round_off_splits_are_one_block() -> None:
    """.1 + .2 and .3 differ in the last digit; coherence between them is inside a block."""
    state = np.zeros(8)
    state[[0b011, 0b100]] = 1 / np.sqrt(2)
    assert level_energies(3, [0.1, 0.2, 0.3])[3] != level_energies(3, [0.1, 0.2, 0.3])[4]
    assert dense.coherent_ergotropy(state, "energy blocks", [0.1, 0.2, 0.3]) == pytest.approx(0)
    assert dense.coherent_ergotropy(state, "product basis", [0.1, 0.2, 0.3]) > 0.04


def test_local_and_locked_work_of_known_states() -> None:
    """|11> gives all to cells alone, a Bell state nothing, |+> exp half its length."""
    assert dense.local_ergotropy(product_state([1, 1])) == pytest.approx(2)
    bell = np.array([1, 0, 0, 1]) / np.sqrt(2)
    assert dense.local_ergotropy(bell) == pytest.approx(0, abs=1e-15)
    assert dense.locked_ergotropy(bell) == pytest.approx(1)
    plus = np.full(4, 0.5)  # both cells: p = 1/2, c = 1/2
    assert dense.local_ergotropy(plus, [1.0, 3.0]) == pytest.approx(2)
    # cell 0 excited, cell 1 in a mixture: little-endian, energies in the order of cells
    assert dense.local_ergotropy(product_state([1, 0.75]), [1.0, 3.0]) == pytest.approx(2.5)


def test_sector_weights_and_work_of_a_bit_string() -> None:
    """|001>: P_{3/2} = 1/3; in each sector a pure-like state of energy 1 with d_j = 1 row."""
    rho = np.zeros((8, 8))
    rho[1, 1] = 1
    assert dense.sector_weights(rho) == pytest.approx({1.5: 1 / 3, 0.5: 2 / 3})
    assert dense.sector_work(rho) == pytest.approx({1.5: 1 / 3, 0.5: 2 / 3})
    with_ground = qb.steady_state(qb.Battery.identical(3, qb.CollectiveBath(1, 0.5)), "001")
    assert sum(dense.sector_work(with_ground.state).values()) > 0.45 + 1e-3
    assert with_ground.ergotropy == pytest.approx(0.45)


@pytest.mark.parametrize("n_cells", [1, 2, 5])
def test_sector_weights_agree_with_the_coupled_basis(n_cells) -> None:
    rho = random_state(np.random.default_rng(n_cells), n_cells)
    coupled = {
        s.twice_j / 2: float(np.einsum("max,xy,may->", s.vectors, rho, s.vectors).real)
        for s in schur_basis(qb.cells.n_cells_of(rho))
    }
    assert dense.sector_weights(rho) == pytest.approx(coupled, abs=1e-13)


def test_optimum_readings_of_the_hot_ladder() -> None:
    """n -> inf: W/E = 1 - 2/(N+1), W/N = (N-1)/(2(N+1)) -> 1/2, W/(E - E_G) from S = ln(N+1)."""
    for n in (4, 100, 1500):
        found = symmetric.optimum_readings_jm(n, ladder_populations(n, 1e12))
        assert found.efficiency == pytest.approx(1 - 2 / (n + 1), rel=1e-8)
        assert found.per_cell == pytest.approx((n - 1) / (2 * (n + 1)), rel=1e-8)
        floor = gibbs.gibbs_energy(math.log(n + 1), np.ones(n))
        expected = n * (n - 1) / (2 * (n + 1)) / (n / 2 - floor)
        assert found.many_copy == pytest.approx(expected, rel=1e-8)
    assert vars(dense.optimum_readings(ladder(4, 1e12))) == pytest.approx(
        vars(symmetric.optimum_readings_jm(4, ladder_populations(4, 1e12)))
    )


def test_ratios_of_nothing_are_nan() -> None:
    ground = product_state([0, 0])
    assert math.isnan(dense.efficiency(ground))
    assert math.isnan(dense.many_copy_ratio(ground))
    assert math.isnan(symmetric.efficiency_jm(2, [1, 0, 0, 0]))
    assert math.isnan(dense.many_copy_ratio(product_state([0.3, 0.3])))
    np.testing.assert_array_equal(curves.ratio([0.0, 1.0], [0.0, 2.0]), [np.nan, 0.5])


# --- the Gibbs state of an entropy -------------------------------------------------------------


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    log_beta=st.floats(-9, 5),
    energies=st.lists(st.floats(0.1, 5), min_size=1, max_size=6),
)
def test_gibbs_energy_inverts_the_entropy(log_beta, energies) -> None:
    """S(beta) of each cell by -p ln p - (1-p) ln(1-p), from beta = 1e-4 to 150."""
    e = np.array(energies)
    p = 1 / (np.exp(math.exp(log_beta) * e) + 1)
    s = -math.fsum(p * np.log(p) + (1 - p) * np.log1p(-p))
    # E as a function of S is steepest near N ln 2, where S is flat in beta.
    limit = 1e-12 + 1e-15 * len(e) / math.exp(log_beta)
    assert gibbs.gibbs_energy(s, energies) == pytest.approx(e @ p, rel=1e-9, abs=limit)


def test_gibbs_energy_at_the_ends() -> None:
    assert gibbs.gibbs_energy(0.0, [1.0, 2.0]) == 0.0
    assert gibbs.gibbs_energy(-1e-17, [1.0]) == 0.0
    assert gibbs.inverse_temperature(0.0, [1.0]) == math.inf
    assert gibbs.gibbs_energy(2 * math.log(2), [1.0, 2.0]) == pytest.approx(1.5, abs=1e-7)
    assert gibbs.gibbs_energy(1e-200, [1.0, 2.0]) == pytest.approx(0, abs=1e-200)
    assert gibbs.gibbs_energy(1000 * math.log(2) + 1e-12, np.ones(1000)) == pytest.approx(500)
    with pytest.raises(qb.InputError, match=r"'entropy' must be <= N ln 2 \(0.693147\) for 1"):
        gibbs.gibbs_energy(0.7, [1.0])
    with pytest.raises(qb.InputError, match="'entropy' must be a finite number >= -1e-09"):
        gibbs.gibbs_energy(-0.1, [1.0])


def test_total_ergotropy_of_known_states() -> None:
    """All energy of a pure state, none of a Gibbs state at any temperature."""
    assert dense.total_ergotropy(product_state([1, 0]), [1.0, 3.0]) == pytest.approx(1)
    for p in (0.0, 1e-12, 0.01, 0.3, 0.5 - 1e-6, 0.5 - 1e-10, 0.5):
        cool = product_state([p] * 3)
        assert dense.total_ergotropy(cool) == pytest.approx(0, abs=2e-13)
        populations = start_populations(3, p)
        assert symmetric.total_ergotropy_jm(3, populations) == pytest.approx(0, abs=2e-13)
    for tilt in (0.4, 1e-3, 1e-6, 1e-9):  # inverted: emptied to the mirror population
        hot = product_state([0.5 + tilt / 2] * 2)
        assert dense.total_ergotropy(hot) == pytest.approx(2 * tilt, rel=1e-6, abs=1e-15)


# --- bounds, on random states ------------------------------------------------------------------


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=seeds, n_cells=st.integers(1, 4), rank=st.integers(1, 16), equal=st.booleans())
def test_bounds_of_every_state(seed, n_cells, rank, equal) -> None:
    rng = np.random.default_rng(seed)
    rho = random_state(rng, n_cells, min(rank, 2**n_cells))
    energies = [1.0] * n_cells if equal else rng.uniform(0.5, 2, n_cells).tolist()
    work, energy = qb.ergotropy(rho, energies), qb.energy(rho, energies)
    total = dense.total_ergotropy(rho, energies)
    tiny = 1e-11
    assert -tiny <= work <= total + tiny
    assert total <= energy + tiny
    assert dense.local_ergotropy(rho, energies) <= work + tiny
    assert dense.locked_ergotropy(rho, energies) == pytest.approx(
        work - dense.local_ergotropy(rho, energies), abs=tiny
    )
    product, blocks = (dense.incoherent_ergotropy(rho, b, energies) for b in BASES)
    assert product <= blocks + tiny
    assert blocks <= work + tiny
    assert dense.coherent_ergotropy(rho, BASES[0], energies) == pytest.approx(
        work - product, abs=tiny
    )
    passive = qb.energy(dense_passive(rho, energies), energies)
    assert energy == pytest.approx(work + passive, abs=tiny)
    capacity = dense.capacity(rho, energies)
    assert capacity == pytest.approx(work + dense.antiergotropy(rho, energies), abs=tiny)
    u = random_unitary(rng, 2**n_cells)
    turned = u @ rho @ u.conj().T
    assert dense.capacity(turned, energies) == pytest.approx(capacity, abs=tiny)
    assert dense.entropy(turned) == pytest.approx(dense.entropy(rho), abs=tiny)
    if equal:
        within = sum(
            s.vectors.reshape(-1, 2**n_cells).T
            @ s.vectors.reshape(-1, 2**n_cells)
            @ rho
            @ s.vectors.reshape(-1, 2**n_cells).T
            @ s.vectors.reshape(-1, 2**n_cells)
            for s in schur_basis(n_cells)
        )
        known = sum(dense.sector_work(rho).values())
        assert qb.ergotropy(within) <= known + tiny
        assert sum(dense.sector_weights(rho).values()) == pytest.approx(1)


def dense_passive(rho, energies):
    from qbat_circuits.thermodynamics import passive_state

    return passive_state(rho, energies)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=seeds, n_cells=st.integers(1, 3))
def test_antiergotropy_is_reached_by_a_unitary_and_by_no_better_one(seed, n_cells) -> None:
    rng = np.random.default_rng(seed)
    rho = random_state(rng, n_cells)
    levels = excitations(n_cells)
    r, v = np.linalg.eigh(rho)
    best = np.zeros_like(v)
    best[np.argsort(levels, kind="stable")] = v.conj().T  # r rising onto levels rising
    charged = best @ rho @ best.conj().T
    gain = qb.energy(charged) - qb.energy(rho)
    assert dense.antiergotropy(rho) == pytest.approx(gain, abs=1e-12)
    assert dense.antiergotropy(charged) == pytest.approx(0, abs=1e-12)
    other = random_unitary(rng, len(r))
    assert qb.energy(other @ rho @ other.conj().T) <= qb.energy(charged) + 1e-12


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=seeds, n_cells=st.integers(2, 4))
def test_permuting_cells_permutes_nothing_but_their_names(seed, n_cells) -> None:
    rng = np.random.default_rng(seed)
    rho, energies = random_state(rng, n_cells), rng.uniform(0.5, 2, n_cells)
    order = rng.permutation(n_cells)  # new cell i is old cell order[i]
    numbers = np.arange(2**n_cells)
    old = sum(((numbers >> i) & 1) << int(order[i]) for i in range(n_cells))
    moved = rho[np.ix_(old, old)]
    for quantity in (
        dense.antiergotropy,
        dense.capacity,
        dense.efficiency,
        dense.total_ergotropy,
        dense.local_ergotropy,
        dense.locked_ergotropy,
    ):
        assert quantity(moved, energies[order]) == pytest.approx(quantity(rho, energies), abs=1e-12)
    assert dense.l1_coherence(moved) == pytest.approx(dense.l1_coherence(rho))
    assert dense.sector_weights(moved) == pytest.approx(dense.sector_weights(rho))
    assert dense.sector_work(moved) == pytest.approx(dense.sector_work(rho), abs=1e-12)


# --- (j, m) against dense ----------------------------------------------------------------------

PAIRS = [
    (symmetric.antiergotropy_jm, dense.antiergotropy),
    (symmetric.capacity_jm, dense.capacity),
    (symmetric.efficiency_jm, dense.efficiency),
    (symmetric.ergotropy_per_cell_jm, dense.ergotropy_per_cell),
    (symmetric.many_copy_ratio_jm, dense.many_copy_ratio),
    (symmetric.entropy_jm, dense.entropy),
    (symmetric.total_ergotropy_jm, dense.total_ergotropy),
    (symmetric.local_ergotropy_jm, dense.local_ergotropy),
    (symmetric.locked_ergotropy_jm, dense.locked_ergotropy),
    (symmetric.l1_coherence_jm, dense.l1_coherence),
    (symmetric.sector_weights_jm, dense.sector_weights),
    (symmetric.sector_work_jm, dense.sector_work),
]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=seeds, n_cells=st.integers(1, 6))
def test_populations_and_dense_states_agree(seed, n_cells) -> None:
    p = random_populations(np.random.default_rng(seed), n_cells)
    rho = dense_of(n_cells, p)
    for of_populations, of_state in PAIRS:
        expected = pytest.approx(of_state(rho), abs=1e-11, nan_ok=True)  # a passive N = 1
        assert of_populations(n_cells, p) == expected, of_state
    for basis in BASES:
        for name in ("incoherent_ergotropy", "coherent_ergotropy"):
            found = getattr(symmetric, f"{name}_jm")(n_cells, p, basis)
            assert found == pytest.approx(getattr(dense, name)(rho, basis), abs=1e-11)


def test_round_off_zeros_change_nothing() -> None:
    p = ladder_populations(4, 1.0)
    noisy = p.copy()
    noisy[states_jm(4).deficit > 0] = [-1e-17, 1e-18, -3e-16, 0.0]
    for of_populations, _ in PAIRS:
        clean = of_populations(4, p)
        assert of_populations(4, noisy) == pytest.approx(clean, abs=1e-13)


def test_multiplicities_beyond_every_double() -> None:
    """N = 1100: Gibbs populations are passive, with the entropy and energy of N cells."""
    n, excited = 1100, 0.2
    assert log_multiplicities(n).max() > 710  # e^710 overflows
    p = start_populations(n, excited)
    assert p.sum() == pytest.approx(1, abs=1e-11)
    p /= p.sum()
    one = -(excited * math.log(excited) + (1 - excited) * math.log1p(-excited))
    assert symmetric.entropy_jm(n, p) == pytest.approx(n * one, rel=1e-11)
    assert symmetric.ergotropy_per_cell_jm(n, p) == pytest.approx(0, abs=1e-12)
    assert symmetric.total_ergotropy_jm(n, p) == pytest.approx(0, abs=1e-8)
    assert symmetric.capacity_jm(n, p) == pytest.approx(n * (1 - 2 * excited), rel=1e-11)


def test_populations_of_the_model_are_taken_as_they_are() -> None:
    """One order everywhere: a steady state of the (j, m) engine against the full space."""
    battery = qb.Battery.identical(4, qb.CollectiveBath(1.0, 1.3), qb.LocalNoise(0.3, 0.2, 0.1))
    p = SymmetricModel.from_battery(battery).steady_populations()
    rho = qb.steady_state(battery).state
    for of_populations, of_state in PAIRS:
        assert of_populations(4, p) == pytest.approx(of_state(rho), abs=1e-9), of_state
    for basis in BASES:
        found = symmetric.incoherent_ergotropy_jm(4, p, basis)
        assert found == pytest.approx(dense.incoherent_ergotropy(rho, basis), abs=1e-11)


@pytest.mark.parametrize("n_cells", [48, 300])
def test_parts_of_the_work_of_many_excited_cells(n_cells) -> None:
    """Beyond N = 47 counts are no doubles: every cell excited with .9, diagonal in any basis."""
    p = start_populations(n_cells, 0.9)
    for basis in BASES:
        found = symmetric.incoherent_ergotropy_jm(n_cells, p, basis)
        assert found == pytest.approx(0.8 * n_cells, rel=1e-12)
    works = symmetric.sector_work_jm(n_cells, p)
    assert list(works) == list(symmetric.sector_weights_jm(n_cells, p))
    # The largest spin stands once: its top state fills the ground level, the others the next one.
    k = np.arange(n_cells + 1)
    ladder_part = 0.9**k * 0.1 ** (n_cells - k)
    expected = k @ ladder_part - ladder_part[:-1].sum()
    assert works[n_cells / 2] == pytest.approx(expected, rel=1e-12, abs=1e-17)
    assert 0.8 * n_cells < sum(works.values()) <= energy_jm(n_cells, p)


@pytest.mark.parametrize(
    ("populations", "message"),
    [
        ([1.0, 0, 0], r"must hold one number per \(j, m\) \(4 for 2 cells\), not shape \(3,\)"),
        ([1.5, -0.5, 0, 0], "must be finite and >= 0, not -0.5"),
        ([0.5, 0, 0, 0], "must sum to 1, not 0.5"),
        ([math.nan, 0, 0, 1], "must be finite"),
    ],
)
def test_what_is_no_population_is_refused(populations, message) -> None:
    with pytest.raises(qb.InputError, match=message):
        symmetric.capacity_jm(2, populations)


def test_refusals() -> None:
    with pytest.raises(qb.InputError, match="'basis' must be one of 'product basis', 'energy bl"):
        dense.incoherent_ergotropy(ladder(2), "energy")
    with pytest.raises(qb.InputError, match="'n_cells' must be a whole number >= 1 and <= 40"):
        symmetric.l1_coherence_jm(41, [1.0])
    with pytest.raises(qb.InputError, match="must be lists of one length >= 3"):
        curves.power([0, 1], [0, 1])
    with pytest.raises(qb.InputError, match="strictly rising"):
        curves.mean_power([0, 0], [0, 1])


# --- curves ------------------------------------------------------------------------------------


def test_power_is_exact_for_parabolas_on_any_grid_and_converges_twice_as_well() -> None:
    t = np.array([0, 0.1, 0.4, 0.5, 1.3])
    np.testing.assert_allclose(curves.power(t, 3 * t**2 - t), 6 * t - 1, atol=1e-12)
    errors = []
    for points in (101, 201):
        grid = np.linspace(0, 2, points)
        errors.append(np.abs(curves.power(grid, np.sin(grid)) - np.cos(grid)).max())
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.05)


def test_mean_power_and_charging_time_of_a_relaxation() -> None:
    """W = 1 - e^-t reaches 90 % of its last value at ln 10 within the grid."""
    t = np.linspace(0, 40, 40001)
    w = 1 - np.exp(-t)
    assert curves.charging_time(t, w) == pytest.approx(math.log(10), abs=1e-6)
    assert curves.charging_time(t, w, 0.5) == pytest.approx(math.log(2), abs=1e-6)
    mean = curves.mean_power(t, w)
    assert math.isnan(mean[0])
    np.testing.assert_allclose(mean[1:], w[1:] / t[1:])
    assert curves.charging_time(t, np.ones_like(t)) == 0.0
    assert math.isnan(curves.charging_time(t, np.zeros_like(t)))


# --- self-discharge ----------------------------------------------------------------------------


def test_an_excited_cell_loses_half_its_work_when_its_inversion_halves() -> None:
    """One cell from |1>: W = 2p - 1 with p = p_eq + (1 - p_eq) e^(-gamma (2n+1) t)."""
    noise = qb.LocalNoise(3e4, 0.2, 1e5)  # 1/s
    battery = qb.Battery.identical(1, qb.CollectiveBath(1e6, 1.0), noise)
    p_eq = 0.2 / 1.4
    expected = -math.log((0.75 - p_eq) / (1 - p_eq)) / (3e4 * 1.4)
    found = self_discharge.self_discharge_time(battery, product_state([1]))
    assert found == pytest.approx(expected, rel=1e-10)


def test_coherent_work_falls_with_dephasing() -> None:
    """N = 2 singlet-triplet work of the ladder: the work of its dephased states, root by hand.

    |01>, |10> coherence c(t) = p_1/2 e^(-2 gamma_phi t): eigenvalues p_0, p_1/2 +- c, p_2.
    """
    phi = 0.3
    battery = qb.Battery.identical(2, qb.CollectiveBath(1, 1), qb.LocalNoise(0, 0, phi))
    rho = ladder(2)  # 4/7, 2/7, 1/7: W = p_2 - (p_1/2 - c), 1/7 at once
    assert self_discharge.self_discharge_time(battery, rho) == pytest.approx(
        math.log(2) / (2 * phi), rel=1e-10
    )


def test_what_never_falls_and_what_never_was() -> None:
    quiet = qb.Battery.identical(2, qb.CollectiveBath(1, 1))
    assert self_discharge.self_discharge_time(quiet, ladder(2)) == math.inf
    dephased = qb.Battery.identical(2, qb.CollectiveBath(1, 1), qb.LocalNoise(0, 0, 1))
    assert self_discharge.self_discharge_time(dephased, product_state([1, 1])) == math.inf
    noisy = qb.Battery.identical(2, qb.CollectiveBath(1, 1), qb.LocalNoise(1))
    assert math.isnan(self_discharge.self_discharge_time(noisy, product_state([0, 0.2])))
    with pytest.raises(qb.InputError, match="'state' must have 2 cells like the battery, not 3"):
        self_discharge.self_discharge_time(noisy, ladder(3))
    with pytest.raises(qb.InputError, match="'share' must be a finite number > 0 and < 1"):
        self_discharge.self_discharge_time(noisy, ladder(2), share=1.0)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=seeds, n_cells=st.integers(1, 3))
def test_local_decay_is_the_propagator_without_the_bath(seed, n_cells) -> None:
    rng = np.random.default_rng(seed)
    battery = qb.Battery(
        qb.CollectiveBath(1.0, 1.0),
        tuple(qb.LocalNoise(*rng.uniform(0, 1, 3)) for _ in range(n_cells)),
        (0.0,) * n_cells,
        (1.0,) * n_cells,
    )
    rho = random_state(rng, n_cells)
    np.testing.assert_allclose(
        self_discharge.local_decay(battery, rho, 0.7),
        evolve(battery.without_bath(), rho, 0.7),
        atol=1e-12,
    )


def test_any_propagator_and_detunings_give_the_same_time() -> None:
    """Detunings turn phases of single cells, which no work depends on."""
    battery = qb.Battery(
        qb.CollectiveBath(1.0, 1.0),
        tuple(qb.LocalNoise(g, 0.1, 0.02) for g in (0.1, 0.2, 0.3)),
        (0.5, -0.2, -0.3),
        (1.0, 1.1, 0.9),
    )
    exact = self_discharge.self_discharge_time(battery, ladder(3), 0.6)
    by_engine = self_discharge.self_discharge_time(battery, ladder(3), 0.6, evolve)
    assert exact == pytest.approx(by_engine, rel=1e-9)


def test_discharge_from_populations_is_that_of_the_dense_state() -> None:
    noise = qb.LocalNoise(0.2, 0.1, 0.3)
    battery = qb.Battery.identical(3, qb.CollectiveBath(0, 0), noise)

    def through_dense(populations, duration):
        after = self_discharge.local_decay(battery, dense_of(3, populations), duration)
        return np.array([np.einsum("ax,xy,ay->", v, after, v).real for v in coupled_basis(3)])

    populations = ladder_populations(3, 1.0)
    found = self_discharge.self_discharge_time_jm(3, populations, noise, through_dense)
    expected = self_discharge.self_discharge_time(battery, ladder(3))
    assert found == pytest.approx(expected, rel=1e-9)
