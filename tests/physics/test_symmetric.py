"""The (j, m) rate equation: against the full 2^N space, PIQS, exact arithmetic and closed forms."""

import dataclasses
import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from jm_models import model, populations_of
from qutip.piqs.piqs import Pim
from scipy.linalg import expm

import qbat_circuits as qb
from qbat_circuits.cells import product_state
from qbat_circuits.dynamics.sectors import collective_steady_state
from qbat_circuits.errors import AccuracyError, InputError
from qbat_circuits.symmetric import curves, steady
from qbat_circuits.symmetric.ergotropy import _passive_energy_in_integers, ergotropy_jm
from qbat_circuits.symmetric.model import SymmetricModel
from qbat_circuits.symmetric.rates import Rates, generator, transitions
from qbat_circuits.symmetric.sectors_jm import (
    energy_jm,
    level_capacities,
    multiplicities,
    sector_weights,
    start_populations,
    states_jm,
    weights_by_spin,
)

DATA = Path(__file__).parents[1] / "data" / "reference" / "symmetric.json"
CASES = json.loads(DATA.read_text())["cases"]
GENERIC = (1.0, 1.3, 0.3, 0.05, 0.11)


def battery(n_cells: int, kappa: float, n: float, *noise: float) -> qb.Battery:
    return qb.Battery.identical(n_cells, qb.CollectiveBath(kappa, n), qb.LocalNoise(*noise))


def steady_energy_and_work(m: SymmetricModel) -> tuple[float, float]:
    p = m.steady_populations()
    return float(energy_jm(m.n_cells, p)), float(ergotropy_jm(m.n_cells, p))


def steady_work(n_cells: int, **rates: float) -> float:
    return steady_energy_and_work(model(n_cells, **rates))[1]


# --- the rate equation ---------------------------------------------------------------------------


@pytest.mark.parametrize("n_cells", [1, 2, 5])
@pytest.mark.parametrize("channel", [field.name for field in dataclasses.fields(Rates)])
def test_a_generator_of_one_channel_is_square_and_conserves_probability(n_cells, channel) -> None:
    """Also where the first or the last state has no way out."""
    rates = Rates(**{"emission": 0.0, "absorption": 0.0, channel: 0.7})
    q = generator(states_jm(n_cells), rates)
    assert q.shape == (states_jm(n_cells).size,) * 2
    np.testing.assert_allclose(q.sum(axis=0), 0.0, atol=1e-12)


def test_the_scale_and_the_direction_of_rates() -> None:
    """local is their sum; falls is a comparison of all emission with all absorption."""
    rates = Rates(1.0, 2.0, 0.4, 0.3, 0.2)
    assert rates.local == pytest.approx(0.9)
    assert not rates.falls
    assert rates.mirrored() == Rates(2.0, 1.0, 0.3, 0.4, 0.2)
    assert rates.mirrored().falls
    assert Rates(1.0, 1.0).falls
    assert Rates(1.0, 1.2, 0.2, 0.0).falls
    assert not Rates(1.0, 0.9, 0.0, 0.2).falls


@pytest.mark.parametrize("rates", [(1.0, 1.0), (0.0, 0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (0, 1.0)])
def test_any_channel_that_moves_energy_mixes(rates) -> None:
    Rates(*rates).check_mixing()
    words = "^A steady state needs an emission or absorption rate > 0, collective or local.$"
    with pytest.raises(InputError, match=words):
        Rates(0.0, 0.0, 0.0, 0.0, 1.0).check_mixing()


def test_without_rates_there_is_no_transition() -> None:
    assert [part.shape for part in transitions(states_jm(3), Rates(0.0, 0.0))] == [(0,)] * 3


@pytest.mark.parametrize(
    ("n_cells", "box"),
    [(6, (None, None, 0)), (6, (2, None, 0)), (6, (None, 2, 0)), (7, (2, 3, 1)), (6, (9, 99, 2))],
)
def test_a_box_holds_the_states_within_its_walls(n_cells, box) -> None:
    """By a search through all (k, a); and its transitions are the whole generator's, cut out."""
    top_a, top_s, low_a = box
    states = states_jm(n_cells, *box)
    expected = [
        (k, a)
        for k in range(n_cells + 1)
        for a in range(min(k, n_cells - k) + 1)
        if low_a <= a and (top_a is None or a <= top_a) and (top_s is None or k - a <= top_s)
    ]
    assert list(zip(states.level, states.deficit, strict=True)) == expected
    np.testing.assert_array_equal(states.height, [k - a for k, a in expected])
    np.testing.assert_array_equal(
        states.index(states.level, states.deficit), np.arange(len(expected))
    )
    for array in (states.level, states.deficit, states.base):
        assert not array.flags.writeable
    rates = Rates(1.0, 0.7, 0.2, 0.3, 0.4)
    whole = states_jm(n_cells)
    places = whole.index(states.level, states.deficit)
    inside = generator(states, rates).toarray()
    everything = generator(whole, rates).toarray()[np.ix_(places, places)]
    np.fill_diagonal(inside, 0.0)
    np.fill_diagonal(everything, 0.0)
    np.testing.assert_allclose(inside, everything)


def test_starts_and_sectors_by_name() -> None:
    """Every cell excited is the last state; weights by spin fall from N/2, none below 0."""
    for start in ("excited", 1.0):
        np.testing.assert_array_equal(start_populations(4, start), [0.0] * 8 + [1.0])
    np.testing.assert_array_equal(start_populations(4, 0.0), [1.0] + [0.0] * 8)
    assert weights_by_spin(5, np.array([0.7, 0.4, -0.1])) == {2.5: 0.7, 1.5: 0.4, 0.5: 0.0}
    for wrong in (1.2, -0.1):
        with pytest.raises(InputError, match="'start' must be a finite number >= 0 and <="):
            start_populations(4, wrong)
    for wrong in (0, 10**4 + 1):
        with pytest.raises(InputError, match=r"'n_cells' must be .* 10000, not"):
            states_jm(wrong)


@pytest.mark.parametrize("n_cells", [1, 2, 3, 4, 5])
def test_curves_are_those_of_the_full_space(n_cells: int) -> None:
    times = np.linspace(0, 4, 9)
    curve = qb.charge(battery(n_cells, *GENERIC), times, engine="propagator")
    found = model(n_cells, *GENERIC).populations(times)
    expected = [populations_of(rho, n_cells) for rho in curve.states]
    np.testing.assert_allclose(found, expected, atol=1e-11, rtol=0)
    np.testing.assert_allclose(energy_jm(n_cells, found), curve.energy, atol=1e-10, rtol=0)
    np.testing.assert_allclose(ergotropy_jm(n_cells, found), curve.ergotropy, atol=1e-10, rtol=0)


@pytest.mark.parametrize("n_cells", [3, 4, 5])
@pytest.mark.parametrize("noise", [(0.3, 0.05, 0.11), (0.7, 2.5, 0.0), (0.02, 0.0, 0.4)])
def test_steady_states_are_those_of_the_full_space(n_cells: int, noise: tuple[float, ...]) -> None:
    expected = qb.steady_state(battery(n_cells, 1.0, 1.3, *noise))
    energy, work = steady_energy_and_work(model(n_cells, 1.0, 1.3, *noise))
    assert energy == pytest.approx(expected.energy, abs=1e-11)
    assert work == pytest.approx(expected.ergotropy, abs=1e-11)


def test_the_rates_are_those_of_piqs() -> None:
    """Every element of QuTiP's coefficient matrix at N = 16, and the same steady state."""
    n_cells = 16
    m = SymmetricModel(n_cells, 2.3, 1.3, 0.4, 0.1, 0.25)
    piqs = Pim(
        n_cells,
        emission=m.local_emission,
        pumping=m.local_absorption,
        dephasing=m.dephasing,
        collective_emission=m.emission,
        collective_pumping=m.absorption,
    )
    states = states_jm(n_cells)
    # PIQS lists the sectors from j = N/2 down, and m from j down inside each.
    order = np.lexsort((-states.level, states.deficit))
    theirs = piqs.coefficient_matrix().toarray()
    ours = m.generator().toarray()[np.ix_(order, order)]
    np.testing.assert_allclose(ours, theirs, atol=1e-12, rtol=1e-13)
    kernel = np.linalg.svd(theirs)[2][-1]
    found = m.steady_populations()[order]
    np.testing.assert_allclose(found, kernel / kernel.sum(), atol=1e-12, rtol=0)


@pytest.mark.parametrize("n_cells", [1, 2, 7, 30])
def test_probability_is_conserved_and_rates_are_not_negative(n_cells: int) -> None:
    q = SymmetricModel(n_cells, 2.3, 1.3, 0.4, 0.1, 0.25).generator()
    assert np.abs(q.sum(axis=0)).max() <= 1e-12 * np.abs(q.diagonal()).max()
    assert (q - np.diag(q.diagonal())).min() >= 0
    states = states_jm(n_cells)
    assert states.size == sum(min(k, n_cells - k) + 1 for k in range(n_cells + 1))
    assert sum(d * (n_cells - 2 * a + 1) for a, d in enumerate(multiplicities(n_cells))) == (
        2**n_cells
    )


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"N{c['n_cells']}")
def test_steady_states_match_the_reference(case: dict) -> None:
    energy, work = steady_energy_and_work(
        model(*(case[key] for key in ("n_cells", "kappa", "n", "gamma", "n_local", "gamma_phi")))
    )
    assert energy == pytest.approx(case["steady_energy"], abs=2e-11)
    assert work == pytest.approx(case["steady_ergotropy"], abs=2e-12)


# --- theorems of docs/physics.md, section 4 ------------------------------------------------------


@pytest.mark.parametrize("n_cells", [2, 3, 20, 100, 400])
@pytest.mark.parametrize("gamma_phi", [0.0, 0.3])
def test_t1_one_temperature_is_passive(n_cells: int, gamma_phi: float) -> None:
    m = model(n_cells, 1.0, 0.7, 0.4, 0.7, gamma_phi)
    p = m.steady_populations()
    np.testing.assert_allclose(p, start_populations(n_cells, 0.7 / 2.4), atol=1e-12, rtol=0)
    assert ergotropy_jm(n_cells, p) <= 1e-13 * n_cells


@pytest.mark.parametrize("gamma", [1.0, 1e-6, 1e-13])
@pytest.mark.parametrize("noise", [(0.0, 0.0), (0.3, 0.2), (5.0, 0.0)])
def test_t2_two_cells_keep_nothing(gamma: float, noise: tuple[float, float]) -> None:
    """At gamma/kappa = 1e-13 a linear solve on the full space gives a false work."""
    n_local, dephasing = noise
    assert steady_work(2, n=2.0, gamma=gamma, n_local=n_local, gamma_phi=gamma * dephasing) < 1e-15


@pytest.mark.parametrize(
    ("n_cells", "n", "best", "tail"), [(3, 1.70, 0.046656, 0.25), (4, 1.97, 0.106791, 0.625)]
)
def test_t3_cold_local_noise_leaves_an_optimum(
    n_cells: int, n: float, best: float, tail: float
) -> None:
    half = {"kappa": 0.5, "gamma": 0.5}
    grid = np.round(np.arange(n - 0.05, n + 0.055, 0.01), 2)
    work = [steady_work(n_cells, n=float(x), **half) for x in grid]
    assert grid[int(np.argmax(work))] == pytest.approx(n)
    assert max(work) == pytest.approx(best, abs=5e-7)
    cold, hot = 1e-4, 1e4
    assert steady_work(n_cells, n=cold, **half) == pytest.approx(
        cold**2 * (n_cells - 2) / n_cells, rel=2e-3
    )
    assert steady_work(n_cells, n=hot, **half) == pytest.approx(tail / hot, rel=2e-3)


@pytest.mark.parametrize("gamma", [1e-3, 1e-6, 1e-9, 1e-12])
def test_t4_weak_local_noise_is_not_none(gamma: float) -> None:
    """The limit gamma -> 0 at N = 4 is .1023, not the .3548 of the collective bath alone."""
    assert steady_work(4, gamma=gamma) == pytest.approx(0.1023, abs=1e-4)
    assert steady_work(4) == pytest.approx(11 / 31, abs=1e-15)


# --- the collective bath alone -------------------------------------------------------------------


@pytest.mark.parametrize("n_cells", [2, 3, 4, 6, 8, 100, 2000])
@pytest.mark.parametrize("n", [0.2, 1.0, 7.0])
def test_the_ladder(n_cells: int, n: float) -> None:
    """From the ground state p_k ~ r^k and W = sum (k-1) p_k (docs/physics.md, section 3)."""
    k = np.arange(n_cells + 1)
    ladder = (n / (n + 1)) ** k
    ladder /= ladder.sum()
    energy, work = steady_energy_and_work(model(n_cells, n=n))
    assert energy == pytest.approx(k @ ladder, rel=1e-12)
    assert work == pytest.approx((k[2:] - 1) @ ladder[2:], rel=1e-12)


@pytest.mark.parametrize("emission", [0.0, 0.4])
def test_a_pump(emission: float) -> None:
    """r > 1: W = E - 1 + p_N (docs/physics.md, section 3)."""
    m = SymmetricModel(5, emission, 1.0)
    energy, work = steady_energy_and_work(m)
    assert work == pytest.approx(energy - 1 + m.steady_populations()[-1], abs=1e-13)


@pytest.mark.parametrize("start", ["excited", 0.23])
def test_sectors_keep_their_weight(start: str | float) -> None:
    m = model(4, n=0.5)
    p = m.steady_populations(start)
    np.testing.assert_allclose(
        sector_weights(4, p), sector_weights(4, m.start(start)), atol=1e-15, rtol=0
    )
    cell = 1.0 if start == "excited" else float(start)
    expected = collective_steady_state(qb.CollectiveBath(1.0, 0.5), product_state([cell] * 4))
    np.testing.assert_allclose(p, populations_of(expected, 4), atol=1e-13, rtol=0)
    np.testing.assert_allclose(p, m.populations([300.0], start)[0], atol=1e-9, rtol=0)
    assert ergotropy_jm(4, p) == pytest.approx(qb.ergotropy(expected), abs=1e-13)


# --- curves --------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_cells", [1, 2, 5, 12])
@pytest.mark.parametrize("start", ["ground", "excited", 0.1])
@pytest.mark.parametrize("even", [True, False])
def test_curves_match_the_dense_exponential(n_cells: int, start: str | float, even: bool) -> None:
    times = np.linspace(0, 20, 11) if even else np.array([50.0, 1e-4, 0.0, 3.0, 0.02, 0.3])
    m = SymmetricModel(n_cells, 2.1, 1.1, 0.4, 0.15, 0.3)
    q, p = m.generator().toarray(), m.start(start)
    expected = [expm(q * t) @ p for t in times]
    np.testing.assert_allclose(m.populations(times, start), expected, atol=1e-11, rtol=0)


def test_early_times_of_a_stiff_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven decades of time in one call: what one factorisation leaves open, another one solves."""
    monkeypatch.setattr(curves, "_DIMENSIONS", (44,))
    m = model(20, 1.0, 3.0, 0.05, 0.0)
    times = np.geomspace(1e-5, 1e2, 25)
    q, p = m.generator().toarray(), m.start("excited")
    expected = [expm(q * t) @ p for t in times]
    assert np.abs(m.populations(times, "excited") - expected).sum(axis=1).max() < 1e-9


def test_a_long_curve_ends_in_the_steady_state() -> None:
    m = model(60, 1.0, 1.0, 0.3, 0.05, 0.02)
    p = m.populations([500.0])[0]
    np.testing.assert_allclose(p, m.steady_populations(), atol=1e-10, rtol=0)


def test_a_curve_that_loses_probability_is_refused() -> None:
    with pytest.raises(AccuracyError, match="of probability, more than the tolerance"):
        model(20, gamma=1e-13).populations([1e13])


# --- ergotropy -----------------------------------------------------------------------------------


@pytest.mark.parametrize("n_cells", [1, 2, 5, 8])
def test_filling_is_that_of_the_whole_spectrum(n_cells: int) -> None:
    rng = np.random.default_rng(n_cells)
    states = states_jm(n_cells)
    p = rng.exponential(size=(4, states.size)) ** 3
    p /= p.sum(axis=1, keepdims=True)
    d = np.array(multiplicities(n_cells))[states.deficit]
    levels = np.repeat(np.arange(n_cells + 1), level_capacities(n_cells))
    for row, work in zip(p, ergotropy_jm(n_cells, p), strict=True):
        spectrum = np.sort(np.repeat(row / d, d))[::-1]
        assert work == pytest.approx(row @ states.level - spectrum @ levels, abs=1e-13)
        passive = _passive_energy_in_integers(n_cells, row)
        assert passive == pytest.approx(spectrum @ levels, abs=1e-13)


@pytest.mark.parametrize("n_cells", [47, 48, 200, 1100, 2000])
def test_one_state_against_rational_numbers(n_cells: int) -> None:
    """All weight on one (j, m): d_j equal eigenvalues fill the lowest levels."""
    states = states_jm(n_cells)
    for a, k in [(0, n_cells), (n_cells // 3, n_cells // 2), (n_cells // 2, n_cells // 2)]:
        d = multiplicities(n_cells)[a]
        filled, energy = 0, 0
        for level, capacity in enumerate(level_capacities(n_cells)):
            here = min(capacity, d - filled)
            filled += here
            energy += here * level
        p = np.zeros(states.size)
        p[states.index(np.array(k), np.array(a))] = 1.0
        assert ergotropy_jm(n_cells, p) == pytest.approx(float(k - Fraction(energy, d)), rel=1e-13)


def poured(n_cells: int, p: np.ndarray) -> float:
    """Passive energy by pouring one eigenvalue after the other, in rational numbers throughout."""
    d = [multiplicities(n_cells)[a] for a in states_jm(n_cells).deficit.tolist()]
    order = sorted(np.flatnonzero(p > 1e-24).tolist(), key=lambda i: Fraction(p[i]) / d[i])
    levels = list(enumerate(level_capacities(n_cells)))[::-1]
    level, room = levels.pop()
    terms = []
    for i in reversed(order):
        rest, energy = d[i], 0
        while rest:
            here = min(rest, room)
            rest, room, energy = rest - here, room - here, energy + level * here
            if not room:
                level, room = levels.pop() if levels else (n_cells + 1, 2**n_cells)
        terms.append(p[i] * float(Fraction(energy, d[i])))
    return math.fsum(terms)


def filled_in_floats(n_cells: int, p: np.ndarray) -> float:
    """Passive energy with counts that are shares of 2^N in doubles."""
    logs = np.array([math.log(d) for d in multiplicities(n_cells)])[states_jm(n_cells).deficit]
    order = np.argsort(logs - np.log(np.maximum(p, 1e-300)))
    share = np.array(
        [math.exp(math.log(c) - n_cells * math.log(2)) for c in level_capacities(n_cells)]
    )
    ends = np.concatenate([[0.0], np.cumsum(share)])
    sums = np.concatenate([[0.0], np.cumsum(share * np.arange(n_cells + 1))])
    part = np.exp(logs[order] - n_cells * math.log(2))
    means = np.diff(np.interp(np.cumsum(part), ends, sums), prepend=0.0)
    with np.errstate(invalid="ignore"):
        return float(p[order] @ (means / part))


@pytest.mark.parametrize("n_cells", [20, 100, 2000])
def test_filling_equals_exact_pouring(n_cells: int) -> None:
    """At N = 2000 counts overflow a double, and shares of 2^N underflow."""
    p = model(n_cells, gamma=0.3, n_local=0.05).steady_populations()
    energy, work = energy_jm(n_cells, p), ergotropy_jm(n_cells, p)
    assert work == pytest.approx(energy - poured(n_cells, p), abs=1e-12)
    in_floats = energy - filled_in_floats(n_cells, p)
    assert (abs(work - in_floats) < 1e-11) == (n_cells < 1000)


@pytest.mark.parametrize("n_cells", [40, 500, 2000])
@pytest.mark.parametrize("p", [0.05, 0.4, 0.5])
def test_passive_products_hold_no_work(n_cells: int, p: float) -> None:
    """Degenerate eigenvalues everywhere, and 2^-2000 is no double."""
    populations = start_populations(n_cells, p)
    assert populations.sum() == pytest.approx(1.0, abs=1e-12)
    assert energy_jm(n_cells, populations) == pytest.approx(p * n_cells, rel=1e-12)
    assert ergotropy_jm(n_cells, populations) < 1e-13 * n_cells


@pytest.mark.parametrize("n_cells", [40, 2000])
def test_an_inverted_product_gives_all_but_its_passive_energy(n_cells: int) -> None:
    populations = start_populations(n_cells, 0.8)
    assert ergotropy_jm(n_cells, populations) == pytest.approx(0.6 * n_cells, rel=1e-12)


@pytest.mark.parametrize("n_cells", [6, 60])
def test_round_off_below_zero_counts_as_zero(n_cells: int) -> None:
    p = model(n_cells, n=1.0).steady_populations()
    noisy = np.where(p == 0, -1e-14, p)
    assert ergotropy_jm(n_cells, noisy) == pytest.approx(ergotropy_jm(n_cells, p), abs=1e-12)
    with pytest.raises(AccuracyError, match=r"not as low as -0\.1 with"):
        ergotropy_jm(n_cells, p - 0.1 * (states_jm(n_cells).deficit == 1))
    with pytest.raises(AccuracyError, match="sum off by nan"):
        ergotropy_jm(n_cells, p * np.nan)


# --- refusals ------------------------------------------------------------------------------------


def test_what_has_no_answer_is_refused() -> None:
    with pytest.raises(InputError, match="needs an emission or absorption rate > 0"):
        SymmetricModel(3, 0.0, 0.0, 0.0, 0.0, 0.5).steady_populations()
    with pytest.raises(InputError, match="not unique: it depends on the start"):
        steady.steady_populations(3, Rates(1.0, 0.5))
    with pytest.raises(InputError, match="does not conserve the sector weights"):
        steady.sector_thermal_populations(3, Rates(1.0, 0.5, 0.1), start_populations(3))
    with pytest.raises(InputError, match="'local_absorption' must be a finite number >= 0, not -1"):
        SymmetricModel(3, 1.0, 0.5, 0.0, -1.0)
    with pytest.raises(InputError, match="'n_cells' must be a whole number >= 1 and <= 10000"):
        SymmetricModel(100_000, 1.0, 0.5)
    with pytest.raises(InputError, match="'start' must be one of 'ground', 'excited', not 'up'"):
        model(3).populations([1.0], "up")
    with pytest.raises(InputError, match=r"'start' must have shape \(6,\) for 3 cells"):
        model(3).populations([1.0], np.ones(4) / 4)
    with pytest.raises(InputError, match="'times' must be finite numbers >= 0 in one row"):
        model(3).populations([-1.0])
    with pytest.raises(InputError, match=r"'populations' must have shape \(..., 6\) for 3 cells"):
        ergotropy_jm(3, np.ones(5) / 5)


def test_a_battery_of_equal_cells_is_the_same_model():
    """Populations of levels and ergotropy of the full 2^N solution, from the battery itself."""
    battery = qb.Battery.identical(
        4, qb.CollectiveBath(1.0, 1.3), qb.LocalNoise(0.3, 0.2, 0.1), energies=(1.0,) * 4
    )
    model = SymmetricModel.from_battery(battery)
    full = qb.steady_state(battery)
    p = model.steady_populations()
    assert ergotropy_jm(4, p) == pytest.approx(full.ergotropy, abs=1e-12)
    assert energy_jm(4, p) == pytest.approx(full.energy, abs=1e-12)
    curve = qb.charge(battery, [0.4, 2.0])
    moving = model.populations([0.4, 2.0])
    assert ergotropy_jm(4, moving) == pytest.approx(curve.ergotropy, abs=1e-9)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"detunings": (0.0, 0.1)}, "detunings"),
        ({"energies": (1.0, 1.1)}, "energies"),
        ({"noise": (qb.LocalNoise(0.1), qb.LocalNoise(0.2))}, "noise"),
        ({"bath": qb.CollectiveBath(1.0, 1.0, 1.0 + 0j)}, "squeezing"),
    ],
)
def test_a_battery_of_different_cells_is_refused(changes, word):
    equal = qb.Battery.identical(2, qb.CollectiveBath(1.0, 1.0), qb.LocalNoise(0.1))
    with pytest.raises(InputError, match=f"'{word}' must be"):
        SymmetricModel.from_battery(dataclasses.replace(equal, **changes))
