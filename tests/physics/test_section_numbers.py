"""Numbers and closed statements of docs/physics.md, sections 2 and 3, asserted nowhere else."""

import math

import numpy as np
import pytest
from scipy.linalg import expm, null_space
from states import ladder

import qbat_circuits as qb
from qbat_circuits.cells import excitations
from qbat_circuits.dynamics.schur import populations_of
from qbat_circuits.quantities import dense, symmetric
from qbat_circuits.symmetric.sectors_jm import states_jm

SINGLET = np.array([0, 1, -1, 0]) / np.sqrt(2)


def dicke(n_cells: int, k: int) -> np.ndarray:
    """Symmetric state of k excitations, as a vector."""
    return (excitations(n_cells) == k) / np.sqrt(math.comb(n_cells, k))


def ladder_populations(n_cells: int, occupation: float) -> np.ndarray:
    """p_k = r^k / sum r^l on the states (N/2, m), zero elsewhere."""
    states = states_jm(n_cells)
    p = np.where(states.deficit == 0, (occupation / (occupation + 1.0)) ** states.level, 0.0)
    return p / p.sum()


# --- section 2: the generator --------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_mixture_splits_one_rate(share: float) -> None:
    """Section 2, first reading: kappa = lambda Gamma, gamma = (1 - lambda) Gamma."""
    mixture = qb.Battery.mixture(3, 1.7, 0.9, share, local_occupation=0.2, dephasing=0.1)
    by_hand = qb.Battery.identical(
        3, qb.CollectiveBath(1.7 * share, 0.9), qb.LocalNoise(1.7 * (1 - share), 0.2, 0.1)
    )
    assert abs(mixture.liouvillian() - by_hand.liouvillian()).max() < 1e-15
    assert mixture.bath.rate + mixture.noise[0].rate == pytest.approx(1.7)


@pytest.mark.parametrize(("booked", "work"), [(0.0, 0.139), (1.0, 0.052)])
def test_the_lines_share_of_t1_is_no_local_noise(booked: float, work: float) -> None:
    """Section 2, from a calibration: N = 2, n = 1, gamma = .01 kappa reaches .139, but .052 if the
    kappa of a cold line stays in 1/T1."""
    t1 = 1 / (0.01 + booked)
    noise = qb.LocalNoise.from_t1_t2(t1, 2 * t1, 0.0)
    curve = qb.charge(
        qb.Battery.identical(2, qb.CollectiveBath(1.0, 1.0), noise), np.linspace(0, 6, 601)
    )
    assert curve.ergotropy.max() == pytest.approx(work, abs=5e-4)


@pytest.mark.parametrize("noise", [qb.LocalNoise(), qb.LocalNoise(0.2, 0.3, 0.1)])
@pytest.mark.parametrize("n_cells", [2, 3])
def test_the_phase_of_a_squeezed_bath_changes_no_work(n_cells: int, noise: qb.LocalNoise) -> None:
    """Section 2: M = |M| e^{-i phi}. A common turn about z takes one phase into the other and
    commutes with H_B; the states differ."""
    times, size = [0.4, 2.0, 30.0], np.sqrt(0.8 * 1.8) * (1 - 1e-12)
    curves, steady = [], []
    for phase in (0.0, 1.1, math.pi):
        bath = qb.CollectiveBath(1.0, 0.8, squeezing=size * np.exp(-1j * phase))
        battery = qb.Battery.identical(n_cells, bath, noise)
        curves.append(qb.charge(battery, times, engine="propagator"))
        steady.append(qb.steady_state(battery).ergotropy)
    assert steady == pytest.approx([steady[0]] * 3, abs=1e-9)
    for turned in curves[1:]:
        np.testing.assert_allclose(turned.ergotropy, curves[0].ergotropy, atol=1e-11)
        np.testing.assert_allclose(turned.energy, curves[0].energy, atol=1e-11)
        assert np.abs(turned.states - curves[0].states).max() > 0.1


def test_coherence_between_dark_states_survives_at_the_squeezing_bound() -> None:
    """Section 3: at |M|^2 = n(n+1) the singlet and the pure dark triplet state keep their
    coherence: W = E = (1 + .6154)/2, where their mixture would hold .3077."""
    battery = qb.Battery.identical(2, qb.CollectiveBath(1.0, 0.8, squeezing=np.sqrt(0.8 * 1.8)))
    dark = np.array([1, 0, 0, -np.sqrt(0.8 / 1.8)]) / np.sqrt(1 + 0.8 / 1.8)
    both = (SINGLET + dark) / np.sqrt(2)
    late = qb.charge(battery, [100.0], both)
    np.testing.assert_allclose(late.states[0], np.outer(both, both), atol=1e-10)
    assert late.ergotropy[0] == pytest.approx((1 + 2 * dark[3] ** 2) / 2, abs=1e-9)
    assert 2 * dark[3] ** 2 == pytest.approx(0.6154, abs=5e-5)
    mixture = (np.outer(SINGLET, SINGLET) + np.outer(dark, dark)) / 2
    assert qb.ergotropy(mixture) == pytest.approx(0.6154 / 2, abs=5e-5)
    with pytest.raises(qb.InputError, match="no lasting coherence between spin sectors"):
        qb.steady_state(battery, both)


# --- section 3: the collective bath alone --------------------------------------------------------


@pytest.mark.parametrize(("n_cells", "dimension"), [(2, 2), (3, 5)])
def test_the_null_space_is_a_family(n_cells: int, dimension: int) -> None:
    """Section 3: sum_j d_j^2 steady matrices; the shortest solution of L rho = 0, Tr rho = 1 is a
    steady state of another start."""
    battery = qb.Battery.identical(n_cells, qb.CollectiveBath(1.0, 1.0))
    generator = battery.liouvillian().toarray()
    assert null_space(generator, rcond=1e-10).shape[1] == dimension
    trace = np.eye(2**n_cells).reshape(1, -1)
    right = np.zeros(4**n_cells + 1)
    right[-1] = 1.0
    flat = np.linalg.lstsq(np.vstack([generator, trace]), right, rcond=None)[0]
    member = flat.reshape(2**n_cells, 2**n_cells, order="F")
    np.testing.assert_allclose(generator @ flat, 0, atol=1e-12)
    assert np.linalg.eigvalsh(member)[0] > 1e-3
    ground = qb.steady_state(battery)
    assert not ground.unique
    assert dense.sector_weights(member)[n_cells / 2] < 0.9
    assert qb.ergotropy(member) < ground.ergotropy - 0.05


@pytest.mark.parametrize("n_cells", [3, 4])
def test_the_way_up_is_a_ladder_of_dicke_states(n_cells: int) -> None:
    """Section 3: from the ground state rho = sum_k p_k |D_k><D_k| at all times, with rates
    kappa(n+1) k(N-k+1) down and kappa n (k+1)(N-k) up."""
    kappa, n = 1.3, 0.7
    rates = np.zeros((n_cells + 1, n_cells + 1))
    for k in range(n_cells + 1):
        if k > 0:
            rates[k - 1, k] = kappa * (n + 1) * k * (n_cells - k + 1)
        if k < n_cells:
            rates[k + 1, k] = kappa * n * (k + 1) * (n_cells - k)
    rates -= np.diag(rates.sum(axis=0))
    times = [0.05, 0.3, 1.0]
    curve = qb.charge(
        qb.Battery.identical(n_cells, qb.CollectiveBath(kappa, n)), times, engine="propagator"
    )
    for t, rho in zip(times, curve.states, strict=True):
        p = expm(rates * t)[:, 0]
        expected = sum(p[k] * np.outer(dicke(n_cells, k), dicke(n_cells, k)) for k in range(len(p)))
        np.testing.assert_allclose(rho, expected, atol=1e-12)


@pytest.mark.parametrize("occupation", [0.3, 20.0])
def test_many_cells_hold_n_squared_over_n_plus_one(occupation: float) -> None:
    """Section 3: N -> infinity at a fixed temperature, W -> n^2/(n+1) and E -> n, from below."""
    work = [
        qb.steady_state(qb.Battery.identical(n, qb.CollectiveBath(1.0, occupation)))
        for n in (4, 30, 10**5)
    ]
    assert work[0].ergotropy < work[1].ergotropy < work[2].ergotropy + 1e-12
    assert work[-1].ergotropy == pytest.approx(occupation**2 / (occupation + 1), rel=1e-12)
    assert work[-1].energy == pytest.approx(occupation, rel=1e-12)


@pytest.mark.parametrize("n_cells", [9, 10**5])
def test_the_hottest_bath_fills_the_ladder_evenly(n_cells: int) -> None:
    """Section 3: n -> infinity, W = N(N-1)/(2(N+1)) and W/E = 1 - 2/(N+1), by the limit of the
    occupation and by equal rates, where the closed fraction of the sum is 0/0."""
    for bath in (qb.CollectiveBath(1.0, 1e14), qb.CollectiveBath.from_rates(1.0, 1.0)):
        found = qb.steady_state(qb.Battery.identical(n_cells, bath))
        assert found.ergotropy == pytest.approx(
            n_cells * (n_cells - 1) / (2 * (n_cells + 1)), rel=1e-8
        )
        assert found.ergotropy / found.energy == pytest.approx(1 - 2 / (n_cells + 1), rel=1e-8)


@pytest.mark.parametrize("n_cells", [2, 3, 5, 8])
def test_where_dephasing_begins_to_leave_work(n_cells: int) -> None:
    """Section 3: the top state, r^N, stands above a state of level N-1, r^(N-1)/N, from
    n = 1/(N-1) on; what is left just beyond is the difference, lowered by one level."""
    edge = 1 / (n_cells - 1)
    for occupation in (0.999 * edge, 1.001 * edge):
        p = ladder_populations(n_cells, occupation)
        top, below = p[-1], p[states_jm(n_cells).level == n_cells - 1].max() / n_cells
        left = symmetric.incoherent_ergotropy_jm(n_cells, p, "product basis")
        assert left == pytest.approx(max(0.0, top - below), rel=1e-9, abs=1e-15)
        assert (left > 1e-6 * top) == (occupation > edge)
        work = symmetric.coherent_ergotropy_jm(n_cells, p, "product basis") + left
        assert work == pytest.approx(qb.ergotropy_jm(n_cells, p), abs=1e-15)
    rho = ladder(n_cells, edge)
    assert dense.incoherent_ergotropy(rho, "product basis") == pytest.approx(0, abs=1e-14)


def test_populations_alone_do_not_hold_the_work_of_a_bit_string() -> None:
    """Sections 3 and 4: |001>, n = .5 ends with .45; filling levels with p(j, m)/d_j, which is
    right for permutation-invariant states only, would give .0333."""
    found = qb.steady_state(qb.Battery.identical(3, qb.CollectiveBath(1.0, 0.5)), "001")
    assert found.ergotropy == pytest.approx(0.45, abs=1e-12)
    averaged = qb.ergotropy_jm(3, populations_of(found.state))
    assert averaged == pytest.approx(1 / 30, abs=1e-12)
    with pytest.raises(qb.InputError, match="invariant under permutations"):
        qb.charge(
            qb.Battery.identical(3, qb.CollectiveBath(1.0, 0.5)), [1.0], "001", engine="symmetric"
        )
