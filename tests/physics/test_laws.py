"""First and second law with the heat current of each bath, on dense states and on (j, m)."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from states import ladder

import qbat_circuits as qb
from qbat_circuits.cells import excitations, level_energies, product_state
from qbat_circuits.dynamics.propagator import propagate
from qbat_circuits.dynamics.schur import schur_basis
from qbat_circuits.quantities.heat import entropy_production, heat_currents
from qbat_circuits.quantities.heat_jm import entropy_production_jm, heat_currents_jm
from qbat_circuits.symmetric.sectors_jm import start_populations, states_jm

seeds = st.integers(0, 2**32 - 1)
NAMES = ("collective", "local", "dephasing")


def random_battery(rng, n_cells, squeezed=False):
    """Different occupations, dephasing, detunings and energies of every cell."""
    n = rng.uniform(0.05, 2)
    m = rng.uniform(0, 1) * np.sqrt(n * (n + 1)) * np.exp(1j * rng.uniform(0, 6)) if squeezed else 0
    return qb.Battery(
        qb.CollectiveBath(rng.uniform(0.1, 2), n, m),
        tuple(qb.LocalNoise(*rng.uniform(0.05, 1, 3)) for _ in range(n_cells)),
        tuple(rng.uniform(-1, 1, n_cells)),
        tuple(rng.uniform(0.5, 2, n_cells)),
    )


def random_state(rng, n_cells):
    g = rng.normal(size=(2, 2**n_cells, 2**n_cells))
    g = g[0] + 1j * g[1]
    rho = g @ g.conj().T
    return rho / np.trace(rho).real


def random_identical(rng, n_cells):
    noise = qb.LocalNoise(*rng.uniform(0.05, 1, 3))
    bath = qb.CollectiveBath(*rng.uniform(0.1, 2, 2))
    populations = rng.dirichlet(np.ones(states_jm(n_cells).size))
    return bath, noise, populations


def dense_of(n_cells, populations):
    sectors = {s.twice_j: s.vectors for s in schur_basis(n_cells)}
    rho = np.zeros((2**n_cells, 2**n_cells), dtype=complex)
    states = states_jm(n_cells)
    for p, k, a in zip(populations, states.level, states.deficit, strict=True):
        v = sectors[n_cells - 2 * a][k - a]
        rho += p / len(v) * v.T @ v
    return rho


def entropy(rho):
    r = np.linalg.eigvalsh(rho)
    return -(r @ np.log(r))


# --- first law ---------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None, derandomize=True)
@given(seed=seeds, n_cells=st.integers(1, 3), squeezed=st.booleans())
def test_first_law_along_the_exact_trajectory(seed, n_cells, squeezed) -> None:
    """dE/dt by fourth-order differences of the propagator = sum of the heat currents."""
    rng = np.random.default_rng(seed)
    battery = random_battery(rng, n_cells, squeezed)
    h = 2e-3
    times = (np.array([0.3, 1.0])[:, None] + h * np.arange(-2, 3)).ravel()
    states = propagate(battery, random_state(rng, n_cells), times)
    energy = np.array([qb.energy(rho, battery.energies) for rho in states]).reshape(2, 5)
    slope = energy @ np.array([1, -8, 0, 8, -1]) / (12 * h)
    for found, rho in zip(slope, states[2::5], strict=True):
        currents = heat_currents(battery, rho)
        assert currents.total == pytest.approx(found, abs=1e-8)
        assert np.abs(currents.local).max() > 1e-3  # single currents are no zeros that cancel
        assert np.abs(currents.dephasing).max() < 1e-14


def test_heat_currents_of_one_cell_and_of_dicke_states() -> None:
    """e (gamma n (1-p) - gamma (n+1) p), and kappa (n (j-m)(j+m+1) - (n+1)(j+m)(j-m+1))."""
    battery = qb.Battery(
        qb.CollectiveBath(0, 0), (qb.LocalNoise(0.3, 0.7, 1), qb.LocalNoise(0.2)), (0, 0), (1, 2)
    )
    found = heat_currents(battery, product_state([0.1, 0.6]))
    expected = [0.3 * (0.7 * 0.9 - 1.7 * 0.1), -2 * 0.2 * 0.6]
    np.testing.assert_allclose(found.local, expected, atol=1e-15)
    assert found.collective == 0.0
    common = qb.Battery.identical(3, qb.CollectiveBath(2.0, 0.5))
    for k in range(4):
        dicke = (excitations(3) == k) / np.sqrt(math.comb(3, k))
        rate = 2.0 * (0.5 * (3 - k) * (k + 1) - 1.5 * k * (3 - k + 1))
        assert heat_currents(common, dicke).collective == pytest.approx(rate)


def test_charging_takes_its_energy_from_the_collective_bath() -> None:
    """The integral of the current over the charging is what the battery holds."""
    battery = qb.Battery.identical(3, qb.CollectiveBath(1, 1))
    curve = qb.charge(battery, np.linspace(0, 12, 801))
    current = np.array([heat_currents(battery, rho).collective for rho in curve.states])
    step = curve.times[1]
    simpson = step / 3 * (current[0] + current[-1] + 4 * current[1::2].sum())
    simpson += step / 3 * 2 * current[2:-1:2].sum()
    assert simpson == pytest.approx(curve.energy[-1], abs=1e-6)


# --- second law --------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=seeds, n_cells=st.integers(1, 3))
def test_second_law_for_any_state_and_bath(seed, n_cells) -> None:
    """Every bath alone produces entropy >= 0, and together dS/dt - sum of (ln 1/r) I_k."""
    rng = np.random.default_rng(seed)
    battery = random_battery(rng, n_cells)
    rho = random_state(rng, n_cells)
    found = entropy_production(battery, rho)
    assert found.collective >= -1e-13
    assert found.local.min() >= -1e-13
    assert found.dephasing.min() >= -1e-13
    h = 1e-3
    states = propagate(battery, rho, 0.3 + h * np.arange(-2, 3))
    slope = np.array([entropy(one) for one in states]) @ np.array([1, -8, 0, 8, -1]) / (12 * h)
    middle = states[2]
    currents = heat_currents(
        qb.Battery(battery.bath, battery.noise, battery.detunings, (1.0,) * n_cells), middle
    )
    flow = currents.collective * math.log1p(1 / battery.bath.occupation) + sum(
        q * math.log1p(1 / one.occupation)
        for q, one in zip(currents.local, battery.noise, strict=True)
    )
    assert entropy_production(battery, middle).total == pytest.approx(slope - flow, abs=1e-7)


def test_two_occupations_are_two_baths_and_both_laws_hold_in_the_steady_state() -> None:
    """T7: W > 0 for ever, paid by heat from the hot common bath to the colder cells' baths."""
    battery = qb.Battery.identical(3, qb.CollectiveBath(0.5, 1.7), qb.LocalNoise(0.5, 0.05, 0.02))
    steady = qb.steady_state(battery)
    assert steady.ergotropy > 0.01
    currents = heat_currents(battery, steady.state)
    assert currents.collective > 0.1
    assert currents.local.max() < -0.03
    assert currents.total == pytest.approx(0, abs=1e-12)
    produced = entropy_production(battery, steady.state).total
    difference = math.log1p(1 / 0.05) - math.log1p(1 / 1.7)
    assert produced == pytest.approx(currents.collective * difference, rel=1e-9)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=seeds, n_cells=st.integers(1, 3), occupation=st.floats(1e-3, 5))
def test_equilibrium_has_no_currents_and_produces_nothing(seed, n_cells, occupation) -> None:
    """The same occupation everywhere and the Gibbs state of it (detailed balance, T1)."""
    rng = np.random.default_rng(seed)
    battery = qb.Battery(
        qb.CollectiveBath(rng.uniform(0.1, 2), occupation),
        tuple(qb.LocalNoise(g, occupation, phi) for g, phi in rng.uniform(0, 1, (n_cells, 2))),
        tuple(rng.uniform(-1, 1, n_cells)),
        (1.0,) * n_cells,
    )
    gibbs = product_state([occupation / (2 * occupation + 1)] * n_cells)
    for law in (heat_currents, entropy_production):
        found = law(battery, gibbs)
        for name in NAMES:
            assert np.abs(getattr(found, name)).max() < 1e-12 * (1 + occupation)


def test_the_charged_state_is_an_equilibrium_of_the_common_bath_alone() -> None:
    """It holds work, yet with no heat current and no entropy production."""
    battery = qb.Battery.identical(4, qb.CollectiveBath(1, 1))
    assert qb.ergotropy(ladder(4)) > 0.3
    assert abs(heat_currents(battery, ladder(4)).total) < 1e-14
    assert abs(entropy_production(battery, ladder(4)).total) < 1e-13


def test_zero_and_infinite_temperature() -> None:
    """A cold bath that takes up heat: +inf. A dark state: 0. Infinite temperature: dS/dt."""
    cold = qb.Battery.identical(2, qb.CollectiveBath(1, 0))
    mixed = product_state([0.3, 0.3])
    assert entropy_production(cold, mixed).collective == math.inf
    singlet = np.array([0, 1, -1, 0]) / np.sqrt(2)
    assert entropy_production(cold, singlet).collective == pytest.approx(0, abs=1e-14)
    local_cold = qb.Battery.identical(2, qb.CollectiveBath(1, 1), qb.LocalNoise(0.1, 0.0))
    found = entropy_production(local_cold, mixed)
    assert math.isfinite(found.collective)
    assert np.all(found.local == math.inf)
    assert found.total == math.inf
    hot = qb.Battery.identical(1, qb.CollectiveBath.from_rates(0.5, 0.5))
    # p' = (1 - 2p)/2 and dS/dt = p' ln((1-p)/p)
    assert entropy_production(hot, product_state([0.3])).total == pytest.approx(
        0.2 * math.log(0.7 / 0.3)
    )
    pump = qb.Battery.identical(1, qb.CollectiveBath.from_rates(0.0, 1.0))
    assert entropy_production(pump, product_state([0.3])).total == math.inf


def test_a_state_without_full_rank_that_a_bath_fills() -> None:
    """-x ln x has infinite slope: the first photon into the ground state."""
    battery = qb.Battery.identical(2, qb.CollectiveBath(1, 1), qb.LocalNoise(0, 0, 0.3))
    found = entropy_production(battery, product_state([0, 0]))
    assert found.collective == math.inf
    np.testing.assert_allclose(found.dephasing, 0, atol=1e-15)
    assert entropy_production_jm(2, [1, 0, 0, 0], battery.bath, battery.noise[0]).total == math.inf


# --- extra dissipators, each beside its reverse -------------------------------------------------


def reversible(operator, forward, backward):
    """L and L^+ as extra jumps."""
    return [(forward, operator), (backward, np.conj(np.asarray(operator)).T)]


def test_a_bath_written_as_extra_jumps_obeys_the_same_laws() -> None:
    """J_- and J_+ at thermal rates are the common bath, whatever factors stand before them."""
    rng = np.random.default_rng(5)
    bath, rho = qb.CollectiveBath(0.7, 0.4), random_state(rng, 2)
    lowering = np.array([[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]])
    written = [(0.25 * 0.7 * 1.4, 2j * lowering), (0.7 * 0.4, lowering.T)]
    one = qb.Battery.identical(2, bath)
    two = qb.Battery.identical(2, qb.CollectiveBath(0, 0), extra_jumps=written)
    for law in (heat_currents, entropy_production):
        assert law(two, rho).extra == pytest.approx(law(one, rho).collective, rel=1e-12)
        assert law(two, rho).collective == 0


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=seeds, n_cells=st.integers(1, 3))
def test_second_law_for_any_pair_of_jumps(seed, n_cells) -> None:
    """Any L, energy-conserving or not: sigma >= 0, and dS/dt + ln(a/b) (net jumps)."""
    rng = np.random.default_rng(seed)
    size = 2**n_cells
    jump = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    a, b = rng.uniform(0.01, 1, 2)
    rho = random_state(rng, n_cells)
    alone = qb.Battery.identical(
        n_cells, qb.CollectiveBath(0, 0), extra_jumps=reversible(jump, a, b)
    )
    found = entropy_production(alone, rho).extra
    assert found >= -1e-12
    net = a * np.trace(jump.conj().T @ jump @ rho) - b * np.trace(jump @ jump.conj().T @ rho)
    change = (alone.liouvillian() @ rho.reshape(-1, order="F")).reshape(rho.shape, order="F")
    r, v = np.linalg.eigh(rho)
    slope = -np.sum(np.diag(v.conj().T @ change @ v).real * np.log(r))
    assert found == pytest.approx(slope + net.real * math.log(a / b), rel=1e-9, abs=1e-12)


def test_jumps_without_a_reverse_and_jumps_that_are_their_own() -> None:
    """One way: +inf while it jumps, 0 where it is dark. Hermitian: dS/dt alone, like dephasing."""
    rho = product_state([0.3])
    none = qb.CollectiveBath(0, 0)
    one_way = qb.Battery.identical(1, none, extra_jumps=[(0.5, {"-": 1})])
    assert entropy_production(one_way, rho).extra == math.inf
    assert entropy_production(one_way, product_state([0.0])).extra == 0
    flip = qb.Battery.identical(1, none, extra_jumps=[(0.5, {"X": 1j})])  # p' = (1 - 2p)/2
    assert entropy_production(flip, rho).extra == pytest.approx(0.2 * math.log(0.7 / 0.3))
    dephased = [[0.5, 0.2], [0.2, 0.5]]
    turned = qb.Battery.identical(1, none, extra_jumps=[(0.5, {"Z": 1})])
    noise = qb.Battery.identical(1, none, qb.LocalNoise(0, 0, 1.0))  # 2 D[n] = D[Z]/2
    assert entropy_production(turned, dephased).extra == pytest.approx(
        entropy_production(noise, dephased).dephasing[0]
    )
    never = qb.Battery.identical(1, none, extra_jumps=[(0.0, {"-": 1}), (1.0, {"-": 0})])
    assert entropy_production(never, rho).extra == 0


def test_different_jumps_add_up_and_equal_ones_are_one_environment() -> None:
    rng = np.random.default_rng(3)
    rho, none = random_state(rng, 2), qb.CollectiveBath(0, 0)
    first, second = rng.normal(size=(2, 4, 4))
    one, two = reversible(first, 0.4, 0.1), reversible(second, 0.2, 0.3)

    def production(jumps):
        return entropy_production(qb.Battery.identical(2, none, extra_jumps=jumps), rho).extra

    assert production(one + two) == pytest.approx(production(one) + production(two), rel=1e-12)
    assert production(one + one) == pytest.approx(2 * production(one), rel=1e-12)


def test_refusals() -> None:
    squeezed = qb.Battery.identical(2, qb.CollectiveBath(1, 1, 0.5))
    with pytest.raises(qb.InputError, match="'squeezing' must be 0 for an entropy production"):
        entropy_production(squeezed, ladder(2))
    with pytest.raises(qb.InputError, match="'squeezing' must be 0 for an entropy production"):
        entropy_production_jm(2, [1, 0, 0, 0], squeezed.bath, squeezed.noise[0])
    with pytest.raises(qb.InputError, match="'state' must have 2 cells like the battery, not 3"):
        heat_currents(squeezed, ladder(3))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=seeds, n_cells=st.integers(2, 3))
def test_permuting_cells_permutes_their_currents(seed, n_cells) -> None:
    rng = np.random.default_rng(seed)
    battery, rho = random_battery(rng, n_cells), random_state(rng, n_cells)
    order = rng.permutation(n_cells)  # new cell i is old cell order[i]
    numbers = np.arange(2**n_cells)
    old = sum(((numbers >> i) & 1) << int(order[i]) for i in range(n_cells))
    moved = qb.Battery(
        battery.bath,
        *(
            tuple(values[i] for i in order)
            for values in (battery.noise, battery.detunings, battery.energies)
        ),
    )
    for law in (heat_currents, entropy_production):
        here, there = law(battery, rho), law(moved, rho[np.ix_(old, old)])
        assert there.collective == pytest.approx(here.collective, abs=1e-12)
        for name in ("local", "dephasing"):
            np.testing.assert_allclose(getattr(there, name), getattr(here, name)[order], atol=1e-12)


# --- (j, m) ------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=seeds, n_cells=st.integers(1, 5))
def test_populations_and_dense_states_have_the_same_currents(seed, n_cells) -> None:
    rng = np.random.default_rng(seed)
    bath, noise, populations = random_identical(rng, n_cells)
    battery, rho = qb.Battery.identical(n_cells, bath, noise), dense_of(n_cells, populations)
    for of_populations, of_state in (
        (heat_currents_jm, heat_currents),
        (entropy_production_jm, entropy_production),
    ):
        found, expected = of_populations(n_cells, populations, bath, noise), of_state(battery, rho)
        for name in NAMES:
            np.testing.assert_allclose(
                getattr(found, name), getattr(expected, name), rtol=1e-9, atol=1e-11
            )


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=seeds, n_cells=st.integers(1, 40))
def test_second_law_on_populations(seed, n_cells) -> None:
    bath, noise, populations = random_identical(np.random.default_rng(seed), n_cells)
    found = entropy_production_jm(n_cells, populations, bath, noise)
    assert found.collective >= -1e-12 * n_cells**2
    assert found.local.min() >= -1e-12
    assert found.dephasing.min() >= -1e-12


@pytest.mark.parametrize(("n_cells", "occupation"), [(2, 0.3), (7, 1.0), (60, 0.5), (300, 0.2)])
def test_detailed_balance_on_populations(n_cells, occupation) -> None:
    """p(j, m) ~ d_j r^m: no current and no production of any bath."""
    populations = start_populations(n_cells, occupation / (2 * occupation + 1))
    bath, noise = qb.CollectiveBath(0.7, occupation), qb.LocalNoise(0.4, occupation, 0.2)
    for law in (heat_currents_jm, entropy_production_jm):
        found = law(n_cells, populations, bath, noise)
        for name in NAMES:
            assert np.abs(getattr(found, name)).max() < 1e-12 * n_cells**2


def test_levels_of_the_battery_are_what_the_currents_count() -> None:
    """Unequal cells: heat counts e_i, entropy counts quanta at the bath's own absorption."""
    bath, noise = qb.CollectiveBath(0.0, 0.0), (qb.LocalNoise(1, 0.5), qb.LocalNoise(1, 0.5))
    rho = product_state([0.1, 0.1])
    one, two = (qb.Battery(bath, noise, (0, 0), e) for e in ((1, 1), (1, 3)))
    np.testing.assert_allclose(
        heat_currents(two, rho).local, heat_currents(one, rho).local * [1, 3]
    )
    assert entropy_production(two, rho).total == pytest.approx(entropy_production(one, rho).total)
    assert level_energies(2, (1, 3)).tolist() == [0, 1, 3, 4]


@pytest.mark.parametrize(
    "coupling", [qb.Coupling(), qb.Coupling(correlation=0.4), qb.Coupling(amplitudes=(2.0,) * 3)]
)
def test_laws_on_populations_with_every_symmetric_coupling(coupling) -> None:
    """Currents of (j, m) populations are those of the dense state, and balance in the end."""
    bath, noise = qb.CollectiveBath(1.0, 1.0, coupling=coupling), qb.LocalNoise(0.1, 0.3, 0.02)
    battery = qb.Battery.identical(3, bath, noise)
    curve = qb.charge(battery, [0.7], "thermal", engine="symmetric")
    for law, law_jm in (
        (heat_currents, heat_currents_jm),
        (entropy_production, entropy_production_jm),
    ):
        whole = law(battery, curve.states[0])
        few = law_jm(3, curve.populations[0], bath, noise)
        for name in NAMES:
            np.testing.assert_allclose(getattr(few, name), getattr(whole, name), atol=1e-9)
    steady = qb.steady_state(battery)
    assert abs(heat_currents_jm(3, steady.populations, bath, noise).total) < 1e-13
