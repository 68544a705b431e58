"""Numbers at the edge of what is possible: the right limit value, or one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from jm_models import populations_of
from states import ladder

import qbat_circuits as qb
from qbat_circuits.cells import MAX_ENERGY, MIN_ENERGY, basis_index, product_state
from qbat_circuits.collision_model import collision_states
from qbat_circuits.dynamics.initial_states import symmetric_start
from qbat_circuits.quantities.heat import entropy_production, heat_currents
from qbat_circuits.symmetric.sectors_jm import states_jm
from qbat_circuits.transmon_levels import TransmonLevels

ENGINES = ("sectors", "symmetric", "propagator", "qiskit-dynamics")
WAYS = ("sectors", "symmetric", "long-time")
OCCUPATIONS = (0.0, 1e-12, 1.0, 1e6, 1e18)
every_engine = pytest.mark.parametrize("engine", ENGINES)


def common(n_cells: int, occupation: float, rate: float = 1.0, **noise: float) -> qb.Battery:
    bath = qb.CollectiveBath(rate, occupation)
    return qb.Battery.identical(n_cells, bath, qb.LocalNoise(**noise))


def exact_ladder(n_cells: int, occupation: float) -> tuple[float, float]:
    """E = sum k p_k and W = sum (k-1) p_k of p_k ~ r^k, in rational numbers."""
    n = Fraction(occupation)
    powers = [(n / (n + 1)) ** k for k in range(n_cells + 1)]
    total = sum(powers)
    energy = sum(k * p for k, p in enumerate(powers)) / total
    work = sum((k - 1) * p for k, p in enumerate(powers) if k) / total
    return float(energy), float(work)


def value_or_sentence(make: Callable[[], float], right: float, words: str, abs_: float) -> str:
    """Which of the two came: the right value, or an error that says these words."""
    try:
        found = make()
    except (qb.InputError, qb.AccuracyError) as error:
        said = str(error)
    else:
        assert found == pytest.approx(right, abs=abs_)
        return "value"
    assert words in said
    assert said.endswith(".")
    return "sentence"


# --- occupation --------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n_cells", [1, 2, 3])
@pytest.mark.parametrize("occupation", OCCUPATIONS)
def test_the_charged_state_at_any_occupation(way, n_cells, occupation) -> None:
    """Frozen, barely warm, hot beyond measure: the Dicke ladder of rational numbers."""
    found = qb.steady_state(common(n_cells, occupation), engine=way)
    energy, work = exact_ladder(n_cells, occupation)
    assert found.energy == pytest.approx(energy, rel=1e-9, abs=0)
    assert found.ergotropy == pytest.approx(work, abs=1e-12)


@pytest.mark.parametrize("n_cells", [20, 60])
def test_many_cells_at_any_occupation(n_cells) -> None:
    for occupation in OCCUPATIONS:
        found = qb.steady_state(common(n_cells, occupation))
        energy, work = exact_ladder(n_cells, occupation)
        assert found.energy == pytest.approx(energy, rel=1e-9, abs=0)
        assert found.ergotropy == pytest.approx(work, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("way", ["sectors", "long-time"])
def test_populations_within_a_sector_are_even_when_hot_and_at_its_bottom_when_cold(way) -> None:
    """From |001>: P_(3/2) = 1/3 and P_(1/2) = 2/3, over m evenly, or on m = -j alone."""
    states = states_jm(3)
    share = np.where(states.deficit == 0, 1 / 3, 2 / 3)
    rungs = np.where(states.deficit == 0, 4, 2)
    hot = populations_of(qb.steady_state(common(3, 1e6), "001", way).state, 3)
    np.testing.assert_allclose(hot, share / rungs, atol=1e-6)
    start = product_state([1.0, 0.0, 0.0])
    start = sum(_turned(start, k) for k in range(3)) / 3  # no coherence between sectors
    cold = populations_of(qb.steady_state(common(3, 0.0), start, way).state, 3)
    bottom = states.level == states.deficit
    np.testing.assert_allclose(cold, np.where(bottom, share, 0.0), atol=1e-12)


def _turned(rho: np.ndarray, places: int) -> np.ndarray:
    """The three cells moved round by so many places."""
    numbers = np.arange(8)
    old = (numbers >> places | numbers << (3 - places)) & 7
    return rho[np.ix_(old, old)]


@every_engine
@pytest.mark.parametrize("occupation", [0.0, 1e-12, 1e6])
def test_one_cell_warms_up_and_never_works(engine, occupation) -> None:
    """p(t) = n/(2n+1) (1 - e^(-(2n+1) t)) and W = 0."""
    times = np.array([0.0, 1e-6, 0.3, 20.0]) / (2 * occupation + 1)
    curve = qb.charge(common(1, occupation), times, engine=engine)
    p = occupation / (2 * occupation + 1)
    expected = p * -np.expm1(-(2 * occupation + 1) * times)
    np.testing.assert_allclose(curve.energy, expected, atol=1e-9 * max(p, 1e-3))
    np.testing.assert_allclose(curve.ergotropy, 0.0, atol=1e-15)


@pytest.mark.parametrize("splitting", ["exact", "strang"])
def test_collisions_with_frozen_and_with_hottest_ancillas(splitting) -> None:
    """n = 0 takes the excitation out and puts none in; n = 1e6 levels the ladder out."""
    frozen = collision_states(2, 0.0, 0.3, 3, splitting)
    np.testing.assert_allclose(frozen, np.broadcast_to(np.diag([1.0, 0, 0, 0]), (4, 4, 4)), atol=0)
    excited = collision_states(1, 0.0, np.pi / 2, 1, splitting, initial_state=[0.0, 1.0])
    np.testing.assert_allclose(excited[-1], np.diag([1.0, 0.0]), atol=1e-15)
    hot = collision_states(2, 1e6, 0.05, 4000, "exact")[-1]
    np.testing.assert_allclose(hot, ladder(2, 1e6), atol=1e-3)


# --- rates -------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES[1:])
@pytest.mark.parametrize("start", ["ground", "11"])
def test_without_any_rate_nothing_moves(engine, start) -> None:
    battery = common(2, 1.0, rate=0.0)
    curve = qb.charge(battery, [0.0, 1.0, 1e12], start, engine=engine)
    np.testing.assert_array_equal(curve.states[1:], np.broadcast_to(curve.states[0], (2, 4, 4)))
    np.testing.assert_array_equal(curve.energy, 2.0 if start == "11" else 0.0)
    with pytest.raises(qb.InputError, match="A steady state needs"):
        qb.steady_state(battery, start)
    for law in (heat_currents, entropy_production):
        assert law(battery, curve.states[0]).total == 0.0
    assert [one.code for one in battery.audit()] == ["no-bath"]


@pytest.mark.parametrize("engine", ["propagator", "qiskit-dynamics"])
def test_a_detuning_alone_turns_and_keeps_every_population(engine) -> None:
    battery = qb.Battery.identical(2, qb.CollectiveBath(0, 0), detunings=(0.7, -0.2))
    start = np.full((4, 4), 0.25)
    late = qb.charge(battery, [3.0], start, engine=engine, tolerance=1e-11).states[0]
    turn = np.exp(-3j * np.array([0, 0.7, -0.2, 0.5]))
    np.testing.assert_allclose(late, turn[:, None] * start * turn.conj(), atol=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_mixture_of_collectivity_one_is_the_common_bath(engine) -> None:
    mixed, plain = qb.Battery.mixture(3, 0.8, 1.3, 1.0, 0.4), common(3, 1.3, rate=0.8)
    one, two = (qb.charge(b, [0.5, 2.0], engine=engine) for b in (mixed, plain))
    np.testing.assert_allclose(one.states, two.states, atol=1e-12)
    assert qb.steady_state(mixed).ergotropy == pytest.approx(exact_ladder(3, 1.3)[1])


@pytest.mark.parametrize("engine", ENGINES[1:])
def test_a_mixture_of_collectivity_zero_is_cells_of_their_own(engine) -> None:
    """p(t) = n_l/(2 n_l + 1) (1 - e^(-(2 n_l + 1) Gamma t)) each, and no work at any time."""
    battery = qb.Battery.mixture(3, 0.8, 1.3, 0.0, 0.4)
    curve = qb.charge(battery, [0.5, 2.0], engine=engine, tolerance=1e-11)
    p = 0.4 / 1.8 * -np.expm1(-1.8 * 0.8 * curve.times)
    for population, rho in zip(p, curve.states, strict=True):
        np.testing.assert_allclose(rho, product_state([population] * 3), atol=1e-9)
    np.testing.assert_allclose(curve.ergotropy, 0.0, atol=1e-9)
    assert qb.steady_state(battery).energy == pytest.approx(3 * 0.4 / 1.8)


@pytest.mark.parametrize("correlation", [-0.5, 0.0, 1.0])
def test_correlations_at_their_ends(correlation) -> None:
    """c = -1/2 leaves J_- dark at N = 3, c = 0 makes three baths, c = 1 one."""
    coupling = qb.Coupling(correlation=correlation)
    battery = qb.Battery.identical(3, qb.CollectiveBath(1.0, 1.0, coupling=coupling))
    first = qb.charge(battery, [1e-9]).energy[0]
    assert first == pytest.approx(3e-9, rel=1e-6)  # N kappa n t, whatever c
    end = qb.charge(battery, [60.0])
    alone = {-0.5: None, 0.0: (1.0, 0.0), 1.0: exact_ladder(3, 1.0)}[correlation]
    if alone is None:
        assert end.ergotropy[0] == pytest.approx(qb.steady_state(battery).ergotropy, abs=1e-9)
    else:
        assert (end.energy[0], end.ergotropy[0]) == pytest.approx(alone, abs=1e-9)


# --- rates far apart ---------------------------------------------------------------------------

FAR = 1e-9


def with_noise(*noise: qb.LocalNoise, rate: float = 1.0) -> qb.Battery:
    """Three cells on a bath of occupation 1."""
    cells = noise * 3 if len(noise) == 1 else noise
    return qb.Battery(qb.CollectiveBath(rate, 1.0), cells, (0.0,) * 3, (1.0,) * 3)


@pytest.mark.parametrize("engine", ENGINES[1:])
def test_a_billionfold_weaker_noise_leaves_the_plateau_as_it_is(engine) -> None:
    found = qb.charge(with_noise(qb.LocalNoise(FAR)), [50.0], engine=engine)
    np.testing.assert_allclose(found.states[0], ladder(3), atol=1e-7)
    assert found.ergotropy[0] == pytest.approx(4 / 15, abs=1e-7)


@pytest.mark.parametrize("way", ["symmetric", "linear-solve", "long-time"])
@pytest.mark.parametrize(
    ("battery", "energy", "work"),
    [
        # T4: the limit of weak cold noise is not the noiseless state.
        (with_noise(qb.LocalNoise(FAR)), 13 / 15, 2 / 45),
        # Dephasing alone mixes the sectors and leaves one temperature: Gibbs.
        (with_noise(qb.LocalNoise(dephasing=FAR)), 1.0, 0.0),
        # A billionfold stronger noise of its own: n_l = 0 wins, W -> 0.
        (with_noise(qb.LocalNoise(1.0), rate=FAR), 0.0, 0.0),
        # One cell a billionfold faster than the others stays cold and leaves two as they are.
        (with_noise(qb.LocalNoise(1.0, 1.0, 0.2)), 1.0, 0.0),
    ],
)
def test_steady_states_of_rates_a_billionfold_apart(way, battery, energy, work) -> None:
    """The populations (j, m) always have the answer; the dense ways have it, or say why not."""
    words = "because the rates differ by too many orders of magnitude"
    came = [
        value_or_sentence(
            lambda of=of: getattr(qb.steady_state(battery, engine=way), of), right, words, 1e-7
        )
        for of, right in (("energy", energy), ("ergotropy", work))
    ]
    assert way != "symmetric" or came == ["value", "value"]


@pytest.mark.parametrize("gamma", [1e6, 1e9])
def test_one_cell_of_fast_cold_noise_is_out_of_the_game(gamma) -> None:
    """The other two charge as two."""
    battery = with_noise(qb.LocalNoise(gamma), qb.LocalNoise(), qb.LocalNoise())
    energy, work = exact_ladder(2, 1.0)
    for of, right in (("energy", energy), ("ergotropy", work)):
        came = value_or_sentence(
            lambda of=of: getattr(qb.charge(battery, [20.0]), of)[0], right, "shorter times", 1e-5
        )
        assert came == "value" or gamma == 1e9


@pytest.mark.parametrize("delta", [1e3, 1e9])
def test_cells_detuned_far_beyond_the_bath_warm_up_alone(delta) -> None:
    """Two independent cells at one third, no work; or times that no engine can follow."""
    battery = qb.Battery.identical(2, qb.CollectiveBath(1.0, 1.0), detunings=(0.0, delta))
    words = "because the rates differ by too many orders of magnitude"
    came = value_or_sentence(lambda: qb.steady_state(battery).ergotropy, 0.0, words, 1e-9)
    assert came == "value" or delta == 1e9
    for engine in ("propagator", "qiskit-dynamics"):
        came = value_or_sentence(
            lambda engine=engine: qb.charge(battery, [20.0], engine=engine).energy[0],
            2 / 3,
            "times",
            1e-6,
        )
        assert came == ("value" if delta < 1e9 else "sentence")


def test_energies_at_both_ends() -> None:
    """Twelve decades between two cells: .72 and .18 go where the big one is down."""
    energies = [MIN_ENERGY, MAX_ENERGY]
    both = product_state([0.9, 0.8])
    assert qb.energy(both, energies) == pytest.approx(0.8 * MAX_ENERGY)
    assert qb.ergotropy(both, energies) == pytest.approx(0.7 * MAX_ENERGY)
    small = product_state([0.9, 0.0])
    assert qb.ergotropy(small, energies) == pytest.approx(0.8 * MIN_ENERGY, rel=1e-6)
    with pytest.raises(qb.InputError, match="'energies' must be"):
        qb.ergotropy(both, [1.0, 1e7])


# --- times -------------------------------------------------------------------------------------


@every_engine
@pytest.mark.parametrize("start", ["ground", "111"])
def test_at_time_zero_a_curve_is_its_start(engine, start) -> None:
    """Exactly; and just after it, E grows by N kappa n and falls by N kappa (n+1)."""
    curve = qb.charge(common(3, 0.7), [0.0, 1e-9], start, engine=engine)
    expected = product_state([1.0 if start == "111" else 0.0] * 3)
    np.testing.assert_array_equal(curve.states[0], expected)
    slope = -3 * 1.7e-9 if start == "111" else 3 * 0.7e-9
    assert curve.energy[1] - curve.energy[0] == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize(
    ("engine", "start", "time"),
    [
        *((engine, "ground", time) for engine in ENGINES for time in (1e3, 1e9, 1e15)),
        *((engine, "001", 1e9) for engine in ENGINES if engine != "symmetric"),
    ],
)
def test_very_long_charging_ends_in_the_steady_state_or_says_why_not(engine, start, time) -> None:
    battery = common(3, 1.0)
    words = {"qiskit-dynamics": "'times' must be at most 200000 over the fastest rate"}
    right = qb.steady_state(battery, start).ergotropy
    came = value_or_sentence(
        lambda: qb.charge(battery, [time], start, engine=engine).ergotropy[0],
        right,
        words.get(engine, "or take steady_state() for the end"),
        1e-8,
    )
    assert came == "value" or time > 1e6
    assert came == "value" or engine != "symmetric"


@pytest.mark.parametrize("times", [[-1.0], [0.0, 0.0], [np.inf], [np.nan], [], [[1.0]], "soon"])
def test_times_that_are_none_get_one_sentence(times: Any) -> None:
    with pytest.raises(qb.InputError, match="'times' must be"):
        qb.charge(common(2, 1.0), times)


# --- models at the edge of what an engine takes --------------------------------------------------


def pair(**changes: Any) -> qb.Battery:
    return qb.Battery.identical(2, qb.CollectiveBath(1.0, 1.0), **changes)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: qb.charge(pair(energies=(1.0, 2.0)), [1.0], engine="symmetric"),
            "'energies' must be the same for all cells",
        ),
        (
            lambda: qb.steady_state(
                qb.Battery.identical(12, qb.CollectiveBath(1.0, 1.0), energies=(1.0,) * 11 + (2.0,))
            ),
            "'energies' must be the same for all cells whose levels are filled by counting",
        ),
        (
            lambda: qb.steady_state(
                qb.Battery.identical(12, qb.CollectiveBath(1.0, 1.0, 0.5)), engine="sectors"
            ),
            "'engine' must be 'symmetric' for more than 10 cells on a squeezed bath",
        ),
        (
            lambda: symmetric_start(
                qb.Battery(
                    qb.CollectiveBath(1.0, 1.0),
                    (qb.LocalNoise(0, 0.1), qb.LocalNoise(0, 0.2)),
                    (0.0,) * 2,
                    (1.0,) * 2,
                ),
                "thermal",
            ),
            "which cells with different residual populations is not",
        ),
        (
            lambda: qb.charge(pair(), [1.0], envelope="slow"),
            "'envelope' must be an Envelope",
        ),
        (
            lambda: pair(
                transmon=TransmonLevels(3, 100.0, -5.0), extra_jumps=((0.1, {"nn": 1.0}),)
            ),
            "'extra_jumps' must be given as matrices for cells with more than two levels",
        ),
        (lambda: pair(extra_jumps=((0.1, {"nn": "much"}),)), "a number or [re, im]"),
        (lambda: pair(extra_jumps=((0.1, {"nn": np.inf}),)), "a finite number"),
        (lambda: basis_index("02"), "a string of levels 0 to 1"),
    ],
)
def test_what_an_engine_cannot_take_gets_one_sentence(make, sentence) -> None:
    with pytest.raises(qb.InputError, match=re.escape(sentence)):
        make()


def test_a_cell_that_the_bath_does_not_see_stays_as_it_is() -> None:
    """Amplitude 0: the other one warms up, and the steady state follows the start."""
    coupling = qb.Coupling(amplitudes=(1.0, 0.0))
    battery = qb.Battery.identical(2, qb.CollectiveBath(1.0, 1.0, coupling=coupling))
    for start, unseen in (("00", 0.0), ("10", 1.0)):
        late = qb.charge(battery, [30.0], start).states[0]
        np.testing.assert_allclose(late, product_state([1 / 3, unseen]), atol=1e-9)
    found = qb.steady_state(battery, "10")
    np.testing.assert_allclose(found.state, product_state([1 / 3, 1.0]), atol=1e-9)
    assert not found.unique


def test_extra_jumps_may_have_complex_weights_in_two_numbers() -> None:
    """[re, im], as a file has it, is the number itself."""
    one, two = (pair(extra_jumps=((0.3, {"IX": 1.0, "IY": w}),)) for w in ([0.0, 1.0], 1j))
    states = [qb.charge(b, [0.7], "01").states for b in (one, two)]
    np.testing.assert_array_equal(*states)
