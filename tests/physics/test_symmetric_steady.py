"""Accuracy of (j, m) steady states, however far apart the rates: exact arithmetic, elimination."""

from fractions import Fraction

import numpy as np
import pytest
from jm_models import model

from qbat_circuits.errors import AccuracyError
from qbat_circuits.symmetric import direct, steady
from qbat_circuits.symmetric.balance import balanced
from qbat_circuits.symmetric.elimination import reduce_states
from qbat_circuits.symmetric.ergotropy import ergotropy_jm
from qbat_circuits.symmetric.expected import nearest_limit
from qbat_circuits.symmetric.model import SymmetricModel
from qbat_circuits.symmetric.rates import Rates, Transitions, generator, transitions
from qbat_circuits.symmetric.sectors_jm import StatesJm, states_jm

GENERIC = (1.0, 1.3, 0.3, 0.05, 0.11)


def exact_steady_state(q: np.ndarray) -> list[Fraction]:
    """State reduction in rational numbers on the off-diagonal rates of Q."""
    size = len(q)
    rate = [[Fraction(float(q[j, i])) for j in range(size)] for i in range(size)]
    for i in range(size - 1, 0, -1):
        total = sum(rate[i][:i])
        for j in range(i):
            rate[j][i] /= total
            for k in range(i):
                rate[j][k] += rate[j][i] * rate[i][k]
    p = [Fraction(1)]
    for i in range(1, size):
        p.append(sum((p[j] * rate[j][i] for j in range(i)), Fraction(0)))
    return [x / sum(p) for x in p]


@pytest.mark.parametrize("n_cells", [2, 3, 5])
@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e-12])
def test_populations_are_those_of_exact_arithmetic(scale: float, n_cells: int) -> None:
    m = SymmetricModel(n_cells, 2.0, 1.0, 0.3 * scale, 0.02 * scale, 0.1 * scale)
    exact = np.array([float(x) for x in exact_steady_state(m.generator().toarray())])
    np.testing.assert_allclose(m.steady_populations(), exact, rtol=1e-13, atol=0)
    states = states_jm(n_cells)
    reduced = reduce_states(states.size, *transitions(states, m.rates))
    np.testing.assert_allclose(reduced, exact, rtol=1e-13, atol=0)


@pytest.mark.parametrize("seed", range(12))
def test_rates_far_apart_agree_with_the_elimination(seed: int) -> None:
    """A linear solve, checked and repaired, in a box: against the subtraction-free whole."""
    rng = np.random.default_rng(seed)
    n_cells = 30 if seed % 3 else 152
    m = SymmetricModel(n_cells, *(10.0 ** rng.uniform(-11, 1, 5)))
    found = m.steady_populations()
    down = m.rates if m.rates.falls else m.rates.mirrored()
    states = states_jm(n_cells)
    exact = reduce_states(states.size, *transitions(states, down))
    exact = exact if m.rates.falls else steady.mirrored(n_cells, exact)
    assert np.abs(found - exact).sum() < 2e-12


def whole(n_cells: int, rates: Rates) -> tuple[StatesJm, Transitions, np.ndarray]:
    """All states, all transitions, and the steady state by the elimination."""
    states = states_jm(n_cells)
    jumps = transitions(states, rates)
    return states, jumps, reduce_states(states.size, *jumps)


def by_a_plain_solve(states: StatesJm, rates: Rates) -> np.ndarray:
    """What a linear solve with one population fixed makes of it."""
    q = generator(states, rates).toarray()
    p = np.append(1.0, np.linalg.solve(q[1:, 1:], -q[1:, 0]))
    return p / p.sum()


@pytest.mark.parametrize(
    ("rates", "off"),
    [
        (model(30, gamma=1e-3, n=3.0, n_local=0.05).rates, 1e-3),
        (model(30, gamma=1e-9, n=3.0, n_local=0.05).rates, 1e-9),
        (model(30, gamma=1e-15, n=3.0, n_local=0.05).rates, 1e-15),
        (Rates(1e-5, 2e-7, 0.0, 1e-6, 5.0), 1e-5),
        (Rates(1e-14, 2e-16, 0.0, 1e-15, 5.0), 1e-14),
    ],
)
def test_a_solve_from_the_limit_loses_nothing(rates: Rates, off: float) -> None:
    """Weak local noise, and weak exchange of energy beside strong dephasing."""
    states, jumps, exact = whole(30, rates)
    limit = nearest_limit(states, rates, jumps)
    assert 0 < np.abs(limit.populations - exact).sum() < 500 * off + 1e-14
    found = direct.solve(states, jumps, limit)
    assert found is not None
    assert np.abs(found - exact).sum() < 5e-13
    assert np.abs(steady.steady_populations(30, rates) - exact).sum() < 2e-14
    if off < 1e-6:
        assert np.abs(by_a_plain_solve(states, rates) - exact).sum() > 1e-8


def test_weak_noise_of_many_cells() -> None:
    """gamma/kappa = 1e-12 at N = 500: a box of deficits up to 100 and heights up to 70."""
    rates = model(500, gamma=1e-12, n_local=0.05).rates
    box = states_jm(500, 100, 70)
    found = steady.steady_populations(500, rates)[states_jm(500).index(box.level, box.deficit)]
    exact = reduce_states(box.size, *transitions(box, rates))
    assert np.abs(found - exact).sum() < 1e-14


def test_a_limit_far_away_does_no_harm() -> None:
    """Strong local noise: the largest population of the limit is negligible in truth."""
    rates = Rates(2.6e-11, 7.1e-7, 8.6e-5, 1.1e-8)
    states, jumps, exact = whole(152, rates)
    limit = nearest_limit(states, rates, jumps)
    top = int(np.argmax(limit.populations))
    assert exact[top] < 1e-4 * exact.max()
    found = direct.solve(states, jumps, limit)
    assert found is not None
    assert np.abs(found - exact).sum() < 1e-13


def test_the_balance_of_sectors_repairs_their_weights() -> None:
    """Given the right shape within each sector; signs may be wrong as well."""
    rates = model(12, gamma=0.1, n_local=0.05, gamma_phi=0.02).rates
    states, jumps, exact = whole(12, rates)
    for factors in (1 + 0.1 * np.cos(states.deficit), (-2.0) ** -states.deficit):
        repaired = balanced(states, jumps, exact * factors, 1e-14)
        assert repaired is not None
        np.testing.assert_allclose(repaired, exact, rtol=1e-13, atol=0)
    assert balanced(states, jumps, exact[::-1], 1e-14) is None


@pytest.mark.parametrize(
    "m", [model(100, n=80.0, gamma=1e-7), model(160, 0.1, n=1.0, gamma=0.3, n_local=2.0)]
)
def test_walls_too_near_are_moved(m: SymmetricModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second model leaves out the sectors of small deficit."""
    states, _, exact = whole(m.n_cells, m.rates)
    found = m.steady_populations()
    assert np.abs(found - exact).sum() < 1e-13
    assert (found[states.deficit < 2] == 0).all() == (m.absorption < 1)
    monkeypatch.setattr(steady, "_EXPECTED_TOLERANCE", 1e-2)
    monkeypatch.setattr(steady, "_ROOM", 1)
    assert np.abs(m.steady_populations() - exact).sum() < 1e-13


def test_dissection_puts_every_cut_last() -> None:
    """On a 15 x 7 grid: both sides of the middle column before it, and each side likewise."""
    x, y = np.meshgrid(np.arange(15), np.arange(7))
    order = direct.dissection(x.ravel(), y.ravel())
    assert sorted(order) == list(range(105))
    columns = x.ravel()[order]
    assert (columns[:49] < 7).all()
    assert (columns[49:98] > 7).all()
    assert (columns[98:] == 7).all()
    assert (columns[42:49] == 3).all()
    assert (y.ravel()[order][18:21] == 3).all()


def test_ladders_that_rise() -> None:
    """Absorption outweighs emission in the sectors of large spin, where 18^400 is no double."""
    m = SymmetricModel(400, 1e-9, 0.05, 1.0)
    p = m.steady_populations()
    q = m.generator()
    assert p.sum() == pytest.approx(1.0)
    assert np.abs(q @ p).max() < 1e-14 * np.abs(q.diagonal()).max()


def test_a_box_holds_all_but_round_off() -> None:
    m = model(200, 1.0, 1.0, 0.3, 0.05)
    states = states_jm(200)
    exact = reduce_states(states.size, *transitions(states, m.rates))
    assert np.abs(m.steady_populations() - exact).sum() < 1e-13


@pytest.mark.parametrize(
    "rates", [Rates(6.6e-15, 2e-12, 0.0, 0.0, 4e-60), Rates(4e-11, 9e-12, 1.5e-60, 2e-59)]
)
def test_rates_dozens_of_decades_apart(rates: Rates) -> None:
    """Beyond every check of a linear solve."""
    down = rates if rates.falls else rates.mirrored()
    exact = whole(20, down)[2]
    found = steady.steady_populations(20, rates)
    expected = exact if rates.falls else steady.mirrored(20, exact)
    assert np.abs(found - expected).sum() < 1e-14


def test_what_cannot_be_solved_goes_to_the_elimination_or_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rates = Rates(1.0, 0.5, 0.2, 0.1, 0.3)
    _, _, exact = whole(20, rates)
    for failure in (lambda *_: None, lambda states, *_: np.arange(states.size)):
        monkeypatch.setattr(direct, "solve", failure)
        assert np.abs(steady.steady_populations(20, rates) - exact).sum() < 1e-14
    monkeypatch.setattr(steady, "_AFFORDABLE", 0.0)
    with pytest.raises(AccuracyError, match=r"20 cells with local rates 0.6 beside .*far apart"):
        steady.steady_populations(20, rates)


def test_a_map_is_the_same_as_its_points() -> None:
    models = [
        Rates(*row)
        for row in [
            (2.0, 1.0, 0.3, 0.0, 0.0),
            (0.0, 0.0, 0.3, 0.1, 0.2),
            (1.0, 3.0, 0.1, 0.2, 0.0),
            (2.0, 1.0, 1e-9, 1e-10, 0.0),
        ]
        * 20
    ]
    found = steady.steady_populations_many(9, models)
    expected = [steady.steady_populations(9, rates) for rates in models]
    np.testing.assert_allclose(found, expected, atol=1e-13, rtol=0)


def test_an_inverted_bath_is_the_mirror_image() -> None:
    m = SymmetricModel(40, *GENERIC)
    mirror = SymmetricModel(40, *(GENERIC[i] for i in (1, 0, 3, 2, 4)))
    np.testing.assert_allclose(
        mirror.steady_populations(),
        steady.mirrored(40, m.steady_populations()),
        atol=1e-14,
        rtol=0,
    )


def test_absorption_alone_fills_every_cell() -> None:
    p = SymmetricModel(6, 0.0, 0.0, 0.0, 0.2).steady_populations()
    assert p[-1] == pytest.approx(1.0)
    assert ergotropy_jm(6, p) == pytest.approx(6.0)
