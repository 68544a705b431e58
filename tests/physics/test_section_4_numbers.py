"""Numbers and closed statements of docs/physics.md, section 4, that no other file asserts."""

import math

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

import qbat_circuits as qb
from qbat_circuits.cells import product_state
from qbat_circuits.dynamics.schur import dense_of_populations
from qbat_circuits.quantities.heat import entropy_production, heat_currents
from qbat_circuits.symmetric.sectors_jm import level_capacities, multiplicities, states_jm
from qbat_circuits.thermodynamics import linear_ergotropy

seeds = st.integers(0, 2**32 - 1)


def lasting_work(n_cells: int, occupation: float, share: float = 0.5, cold: float = 0.0) -> float:
    """W of the steady state of a mixture; lambda = 1/2 and n_l = 0 unless told otherwise."""
    battery = qb.Battery.mixture(n_cells, 1.0, occupation, share, local_occupation=cold)
    return qb.steady_state(battery).ergotropy


# --- the rate equation ---------------------------------------------------------------------------


def table(n: int, j: float, m: float, rates: dict[str, float]) -> dict[tuple[float, float], float]:
    """Rates out of (j, m) as section 4 prints them; absorption with m -> -m, step reversed."""

    def falling(m: float, common: float, own: float) -> dict[tuple[float, float], float]:
        out = {(0, -1): common * (j + m) * (j - m + 1)}
        if j > 0:
            out[0, -1] += own * (n / 2 + 1) / (2 * j * (j + 1)) * (j + m) * (j - m + 1)
            share = own * (n / 2 + j + 1) / (2 * j * (2 * j + 1))
            out[-1, -1] = share * (j + m) * (j + m - 1)
        share = own * (n / 2 - j) / (2 * (j + 1) * (2 * j + 1))
        out[1, -1] = share * (j - m + 1) * (j - m + 2)
        return out

    moves = falling(m, rates["emission"], rates["local_emission"])
    rising = falling(-m, rates["absorption"], rates["local_absorption"])
    moves |= {(dj, -dm): rate for (dj, dm), rate in rising.items()}
    g = rates["dephasing"]
    if j > 0:
        moves[-1, 0] = g * (n / 2 + j + 1) / (2 * j * (2 * j + 1)) * (j - m) * (j + m)
    share = g * (n / 2 - j) / (2 * (j + 1) * (2 * j + 1))
    moves[1, 0] = share * (j - m + 1) * (j + m + 1)
    return {(j + dj, m + dm): rate for (dj, dm), rate in moves.items()}


@pytest.mark.parametrize("n_cells", [3, 4, 5, 6])
def test_the_printed_rates_are_the_full_master_equation(n_cells: int) -> None:
    """L acts on every Pi(j, m)/d_j of the 2^N space as the table says, to 1e-13 of its rates."""
    battery = qb.Battery.identical(
        n_cells, qb.CollectiveBath(0.7, 1.3), qb.LocalNoise(0.6, 0.4, 0.25)
    )
    generator = battery.liouvillian()
    rates = {"emission": 0.7 * 2.3, "absorption": 0.7 * 1.3, "dephasing": 0.5}
    rates |= {"local_emission": 0.6 * 1.4, "local_absorption": 0.6 * 0.4}
    states = states_jm(n_cells)
    labels = list(zip(n_cells / 2 - states.deficit, states.level - n_cells / 2, strict=True))
    shapes = dense_of_populations(n_cells, np.eye(states.size))
    for (j, m), rho in zip(labels, shapes, strict=True):
        found = (generator @ rho.reshape(-1, order="F")).reshape(rho.shape, order="F")
        flow = np.zeros(states.size)
        for target, rate in table(n_cells, float(j), float(m), rates).items():
            if rate:
                flow[labels.index(target)] += rate
                flow[labels.index((j, m))] -= rate
        expected = np.einsum("s,sxy->xy", flow, shapes)
        np.testing.assert_allclose(found, expected, atol=1e-13 * np.abs(flow).max())


@pytest.mark.parametrize("n_cells", [3, 6])
def test_every_population_stands_for_as_many_eigenvalues_as_its_multiplicity(n_cells: int) -> None:
    """The steady p(j, m) solve the 2^N equation to 1e-13, and its spectrum is p(j, m)/d_j."""
    battery = qb.Battery.identical(n_cells, qb.CollectiveBath(1.0, 1.7), qb.LocalNoise(0.4, 0.1))
    p = qb.steady_state(battery).populations
    rho = dense_of_populations(n_cells, p)
    np.testing.assert_allclose(
        battery.liouvillian() @ rho.reshape(-1, order="F"), 0, atol=1e-13 * n_cells**2
    )
    d = np.array(multiplicities(n_cells))[states_jm(n_cells).deficit]
    np.testing.assert_allclose(np.linalg.eigvalsh(rho), np.sort(np.repeat(p / d, d)), atol=1e-14)


@pytest.mark.parametrize(
    ("n_cells", "battery", "false", "true"),
    [
        (3, qb.Battery.mixture(3, 1.0, 1.0, 0.5, local_occupation=1.0), 5 / 27, 0.0),
        (4, qb.Battery.mixture(4, 1.0, 1.0, 0.5, local_occupation=1.0), 38 / 81, 0.0),
        (3, qb.Battery.mixture(3, 1.0, 1.7, 0.5), 0.1555, 0.046656),
    ],
)
def test_filling_that_forgets_the_multiplicity_invents_work(n_cells, battery, false, true) -> None:
    """p(j, m) taken for one eigenvalue each: the Gibbs state of T1 seems to hold 5/27 (N = 3)."""
    p = qb.steady_state(battery).populations
    falling = np.sort(p)[::-1]
    levels = np.repeat(np.arange(n_cells + 1), level_capacities(n_cells))[: len(p)]
    assert p @ states_jm(n_cells).level - falling @ levels == pytest.approx(false, abs=5e-5)
    assert qb.ergotropy_jm(n_cells, p) == pytest.approx(true, abs=1e-6)


def test_counts_leave_the_range_of_doubles_near_1030_cells() -> None:
    """C(N, N/2) at N = 1030 and the largest d_j at N = 1035 are no doubles any more."""
    for counts, last in ((level_capacities, 1029), (multiplicities, 1034)):
        assert math.isfinite(float(max(counts(last))))
        with pytest.raises(OverflowError):
            float(max(counts(last + 1)))


# --- T1 and T2 -----------------------------------------------------------------------------------


def any_coupling(rng: np.random.Generator, n_cells: int) -> qb.Coupling:
    """Partial correlation of any sign, unequal amplitudes, both, or places along a waveguide."""
    c = float(rng.uniform(-0.97 / (n_cells - 1), 0.97))
    g = tuple((rng.choice([-1, 1], n_cells) * rng.uniform(0.3, 1, n_cells).cumsum()).tolist())
    kind = rng.integers(4)
    if kind == 3:
        steps = rng.uniform(0.06, 0.44, n_cells)  # no neighbours half a wavelength apart
        return qb.Coupling(positions=tuple((0.5 * np.arange(n_cells) + steps.cumsum()).tolist()))
    return qb.Coupling(correlation=None if kind == 1 else c, amplitudes=None if kind == 0 else g)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=seeds, n_cells=st.integers(2, 4))
def test_t1_with_everything_at_once(seed: int, n_cells: int) -> None:
    """T1: correlation, amplitudes or exchange, local noise of every strength at the same
    occupation, dephasing and detuning together: L kills the Gibbs state, and no other."""
    rng = np.random.default_rng(seed)
    n = float(rng.uniform(0, 3))
    battery = qb.Battery(
        qb.CollectiveBath(1.0, n, coupling=any_coupling(rng, n_cells)),
        tuple(qb.LocalNoise(g, n, phi) for g, phi in rng.uniform(0.02, 1, (n_cells, 2))),
        tuple(rng.normal(0, 0.5, n_cells)),
        (1.0,) * n_cells,
    )
    gibbs = product_state([n / (2 * n + 1)] * n_cells)
    change = battery.liouvillian() @ gibbs.reshape(-1, order="F")
    np.testing.assert_allclose(change, 0, atol=1e-13 * (2 * n + 1) * n_cells**2)
    found = qb.steady_state(battery)
    assert found.unique
    np.testing.assert_allclose(found.state, gibbs, atol=1e-9)
    assert found.ergotropy == pytest.approx(0.0, abs=1e-9)


def test_t1_needs_a_correlation_without_a_dark_combination() -> None:
    """Two of three cells wholly correlated, the third by a half: their singlet decays nowhere."""
    correlation = np.array([[1, 1, 0.5], [1, 1, 0.5], [0.5, 0.5, 1]])
    assert np.linalg.eigvalsh(correlation)[0] == pytest.approx(0, abs=1e-15)
    bath = qb.CollectiveBath(1.0, 1.0, coupling=qb.Coupling(correlation=correlation))
    battery = qb.Battery.identical(3, bath)
    ends = [qb.steady_state(battery, start) for start in ("000", "001")]
    assert not any(end.unique for end in ends)
    assert ends[0].ergotropy > 0.05
    assert abs(ends[0].energy - ends[1].energy) > 0.01


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=seeds)
def test_t2_holds_for_every_coupling_of_two_cells(seed: int) -> None:
    """T2: correlated, unequal and waveguide couplings, rates over three decades, each cell at its
    own temperature, dephasing and detuning."""
    rng = np.random.default_rng(seed)
    noise = [
        qb.LocalNoise(10 ** rng.uniform(-2, 1), rng.uniform(0, 4) * rng.integers(2), phi)
        for phi in rng.uniform(0, 1, 2) * rng.integers(0, 2, 2)
    ]
    bath = qb.CollectiveBath(
        10 ** rng.uniform(-1, 1), rng.uniform(0, 5), coupling=any_coupling(rng, 2)
    )
    battery = qb.Battery(bath, tuple(noise), tuple(rng.normal(0, 0.5, 2)), (1.0, 1.0))
    assert qb.steady_state(battery).ergotropy == pytest.approx(0.0, abs=1e-9)


def test_t2_is_about_heat() -> None:
    """An inverted pump or a squeezed bath keeps work in two cells beside the same local noise.

    The numbers are those of the null vector of the dense generator.
    """
    cold = qb.LocalNoise(0.1)
    for bath, work in (
        (qb.CollectiveBath(0.9, 0.8), 0.0),
        (qb.CollectiveBath.from_rates(0.9, 1.35), 0.2678),
        (qb.CollectiveBath(0.9, 0.8, squeezing=1.2), 0.3550),
    ):
        battery = qb.Battery.identical(2, bath, cold)
        null = scipy.linalg.null_space(battery.liouvillian().toarray(), rcond=1e-12)
        rho = null[:, 0].reshape(4, 4, order="F")
        assert qb.ergotropy(rho / np.trace(rho)) == pytest.approx(work, abs=5e-5)
        assert qb.steady_state(battery).ergotropy == pytest.approx(work, abs=5e-5)


def test_t2_is_lost_in_the_round_off_of_a_plain_solve() -> None:
    """gamma/kappa = 1e-13: the generator with one row replaced by the trace gives work for a true
    0, the more the weaker the noise; how much depends on the last digits. (j, m) gives 0."""
    false = {}
    for ratio in (1e-6, 1e-13, 1e-14):
        found = []
        for kappa in np.linspace(0.3, 3, 28):
            for n in (1.0, 3.0):
                noise = qb.LocalNoise(ratio * kappa)
                battery = qb.Battery.identical(2, qb.CollectiveBath(kappa, n), noise)
                system = battery.liouvillian().toarray()
                system[0] = np.eye(4).reshape(-1)
                rho = np.linalg.solve(system, np.eye(16)[0]).reshape(4, 4, order="F")
                found.append(linear_ergotropy((rho + rho.conj().T) / 2, battery.level_energies()))
                assert qb.steady_state(battery).ergotropy < 1e-15
        false[ratio] = max(found)
    assert false[1e-6] < 1e-9
    assert false[1e-13] > 5e-4
    assert false[1e-14] > 5e-3


# --- T3 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_cells", "best", "work"), [(3, 1.70, 0.046656), (4, 1.97, 0.106791)])
def test_t3_the_best_temperature_is_found_by_looking_for_it(n_cells, best, work) -> None:
    """T3: the maximum over 14 decades of n; one hill, and nothing at both ends."""
    x = np.linspace(-7, 7, 141) * math.log(10)
    scan = np.array([lasting_work(n_cells, math.exp(one)) for one in x])
    top = int(np.argmax(scan))
    assert np.all(np.diff(scan[: top + 1]) > 0)
    assert np.all(np.diff(scan[top:]) < 0)
    assert max(scan[0], scan[-1]) < 1e-7
    found = minimize_scalar(
        lambda one: -lasting_work(n_cells, math.exp(one)),
        bracket=(x[top - 1], x[top], x[top + 1]),
        options={"xtol": 1e-6},
    )
    assert math.exp(found.x) == pytest.approx(best, abs=0.005)
    assert -found.fun == pytest.approx(work, abs=5e-7)


@pytest.mark.parametrize("n_cells", [2, 3, 4, 6, 10])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_t3_the_cold_tail(n_cells: int, share: float) -> None:
    """W -> n^2 (N-2)/N at lambda = 1/2. For any lambda, to second order in n: |D_2> holds
    p = n^2 N kappa/(N kappa + gamma) (N-1) kappa/((N-1) kappa + gamma), feeds the N-1 states of
    (N/2-1, 1-N/2) with 2 gamma p/N, which lose gamma, and takes the place of one of them:
    W = p (1 - 2/(N(N-1)))."""
    n, kappa, gamma = 1e-5, share, 1 - share
    p = n_cells * kappa / (n_cells * kappa + gamma)
    p *= (n_cells - 1) * kappa / ((n_cells - 1) * kappa + gamma)
    expected = p * (1 - 2 / (n_cells * (n_cells - 1)))
    assert lasting_work(n_cells, n, share) / n**2 == pytest.approx(expected, rel=1e-3, abs=1e-5)
    if share == 0.5:
        assert expected == pytest.approx((n_cells - 2) / n_cells)


@pytest.mark.parametrize(("n_cells", "tail"), [(3, 0.25), (4, 0.625)])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_t3_the_hot_tail(n_cells: int, tail: float, share: float) -> None:
    """.25/n and .625/n at lambda = 1/2; at any lambda 1/(2 lambda) of them (seen, not derived)."""
    found = lasting_work(n_cells, 1e5, share) * 1e5
    assert found == pytest.approx(tail / (2 * share), rel=1e-3)


# --- T4 to T7 ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_cells", [3, 4, 8])
def test_t4_the_two_limits_in_the_cold(n_cells: int) -> None:
    """n -> 0: W/n^2 tends to (N-2)(N+1)/(N(N-1)) for lambda -> 1, but is 1 at lambda = 1."""
    n = 1e-4
    close = lasting_work(n_cells, n, 1 - 1e-9) / n**2
    expected = (n_cells - 2) * (n_cells + 1) / (n_cells * (n_cells - 1))
    assert close == pytest.approx(expected, rel=1e-3)
    assert lasting_work(n_cells, n, 1.0) / n**2 == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize(
    ("n_cells", "local", "end", "accuracy"),
    [
        (2, 0.0, 0.10, 0.005),
        (3, 0.0, 0.12, 0.005),
        (4, 0.0, 0.16, 0.005),
        (6, 0.0, 0.27, 0.005),
        *((n, 1.0, 0.017, 0.0006) for n in (2, 3, 4, 6)),
    ],
)
def test_t4_how_long_the_plateau_lasts(n_cells, local, end, accuracy) -> None:
    """T4: n = 1, gamma = .001 kappa: W >= 90 % of its maximum until end/gamma, from before
    3/(kappa(2n+1)) on."""
    noise = qb.LocalNoise(1e-3, local)
    battery = qb.Battery.identical(n_cells, qb.CollectiveBath(1.0, 1.0), noise)
    plateau = qb.charge(battery, np.geomspace(0.05, 1000, 300)).plateau(0.9)
    assert plateau.stops_inside
    assert plateau.stop * 1e-3 == pytest.approx(end, abs=accuracy)
    assert 0.3 < plateau.start < 1.0
    assert plateau.peak_ergotropy < lasting_work(n_cells, 1.0, 1.0)


@pytest.mark.parametrize("occupation", [0.1, 1.0, 10.0])
def test_t4_charging_ends_within_three_relaxation_times(occupation: float) -> None:
    """T4: 90 % of the noiseless work before 3/(kappa(2n+1)), and sooner for more cells."""
    unit = 1 / (2 * occupation + 1)
    reached = []
    for n_cells in (2, 3, 4, 6, 12):
        battery = qb.Battery.identical(n_cells, qb.CollectiveBath(1.0, occupation))
        curve = qb.charge(battery, np.linspace(0, 3 * unit, 61))
        enough = curve.ergotropy >= 0.9 * qb.steady_state(battery).ergotropy
        assert enough[-1]
        reached.append(curve.times[np.argmax(enough)])
    assert np.all(np.diff(reached) < 0)


@pytest.mark.parametrize("n_cells", [2, 4])
def test_t5_the_plateau_ends_with_the_square_of_the_detuning(n_cells: int) -> None:
    """T5: sectors mix at a rate of order delta^2/kappa; half the spread, four times as long."""
    ends = []
    for delta in (0.02, 0.01, 0.005):
        detunings = np.linspace(-delta, delta, n_cells).tolist()
        battery = qb.Battery.identical(n_cells, qb.CollectiveBath(1.0, 1.0), detunings=detunings)
        grid = np.linspace(0, 0.5 / delta**2, 201)
        ends.append(qb.charge(battery, grid).plateau().stop)
        assert 0.05 < ends[-1] * delta**2 < 0.3
    assert ends[1] / ends[0] == pytest.approx(4, rel=0.1)
    assert ends[2] / ends[1] == pytest.approx(4, rel=0.05)


def test_t5_the_root_of_kappa_gamma_is_the_scale_of_the_detuning() -> None:
    """T5: W_ss over delta/sqrt(kappa gamma) = .3, 1, 3 hardly changes with gamma."""
    for gamma in (1e-2, 1e-4):
        found = []
        for ratio in (0.3, 1.0, 3.0):
            delta = ratio * math.sqrt(gamma)
            battery = qb.Battery.identical(
                4,
                qb.CollectiveBath(1.0, 1.0),
                qb.LocalNoise(gamma),
                detunings=np.linspace(-delta, delta, 4).tolist(),
            )
            found.append(qb.steady_state(battery).ergotropy)
        assert found == pytest.approx([0.098, 0.060, 0.001], abs=0.004)


@pytest.mark.parametrize("n_cells", [2, 3, 4])
@pytest.mark.parametrize(("occupation", "local"), [(1.7, 0.0), (1.7, 0.05), (0.4, 2.0), (0.9, 0.9)])
def test_t7_heat_flows_where_the_occupations_differ(n_cells, occupation, local) -> None:
    """T7: from the hotter baths to the colder ones, for ever, at the price of entropy; currents
    that are all booked at one temperature cancel and would leave lasting work without a source."""
    battery = qb.Battery.mixture(n_cells, 1.0, occupation, 0.5, local_occupation=local)
    steady = qb.steady_state(battery)
    currents = heat_currents(battery, steady.state)
    assert currents.total == pytest.approx(0, abs=1e-12)
    if local == occupation:
        assert currents.collective == pytest.approx(0, abs=1e-12)
        assert steady.ergotropy == pytest.approx(0, abs=1e-12)
        return
    assert np.sign(currents.collective) == np.sign(occupation - local)
    assert abs(currents.collective) > 0.05
    assert (steady.ergotropy > 1e-3) == (n_cells > 2 and occupation > local)
    produced = entropy_production(battery, steady.state).total
    if local == 0:
        assert produced == math.inf
    else:
        difference = math.log1p(1 / local) - math.log1p(1 / occupation)
        assert produced == pytest.approx(currents.collective * difference, rel=1e-9)
        assert produced > 0
