"""Rates that change in time: both engines, an independent propagator, and the bookkeeping."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest
from scipy.linalg import expm

import qbat_circuits as qb
from qbat_circuits.battery import Battery, liouvillian
from qbat_circuits.coupling import Coupling
from qbat_circuits.dynamics import magnus
from qbat_circuits.dynamics.channels import bath_channels, constant_part
from qbat_circuits.dynamics.initial_states import initial_density_matrix
from qbat_circuits.dynamics.lindblad import QiskitGenerator
from qbat_circuits.dynamics.magnus import Generators, commutator_free
from qbat_circuits.dynamics.reduction import reduce_parts
from qbat_circuits.envelope import Envelope

ENGINES = ("propagator", "qiskit-dynamics")
TIMES = np.linspace(0.0, 3.0, 13)
SMOOTH = Envelope(lambda t: np.sin(1.3 * t) ** 2, lambda t: 1 + 0.6 * np.cos(2 * t))
TABLE = Envelope.table([0.4, 1.1, 2.2], rate=[0.0, 1.5, 0.5], occupation=[0.2, 2.0, 1.0])


def different_cells(n_cells: int = 2, bath: qb.CollectiveBath | None = None) -> Battery:
    rng = np.random.default_rng(n_cells)
    return Battery(
        qb.CollectiveBath(1.0, 0.8) if bath is None else bath,
        tuple(qb.LocalNoise(*rng.uniform(0.05, 0.3, 3)) for _ in range(n_cells)),
        tuple(rng.uniform(-0.7, 0.7, n_cells)),
        tuple(rng.uniform(0.9, 1.1, n_cells)),
    )


def moving_generator(battery: Battery, envelope: Envelope) -> Callable[[float], np.ndarray]:
    """t -> Liouvillian, from batteries whose bath only emits or only absorbs."""
    alone = battery.without_bath().liouvillian().toarray()
    emission, absorption = (
        Battery(
            qb.CollectiveBath.from_rates(*rates),
            battery.noise,
            battery.detunings,
            battery.energies,
        )
        .liouvillian()
        .toarray()
        - alone
        for rates in ((1.0, 0.0), (0.0, 1.0))
    )

    def at(t: float) -> np.ndarray:
        kappa = battery.bath.rate * float(envelope.rate_at(t))
        n = float(envelope.occupation_at(t, battery.bath.occupation))
        return alone + kappa * (n + 1) * emission + kappa * n * absorption

    return at


def midpoint(battery: Battery, envelope: Envelope, rho: np.ndarray, t: float, steps: int):
    """Piecewise constant rates, second order: exp(h L(t_steps)) ... exp(h L(t_1)) on vec(rho)."""
    flat, h = rho.reshape(-1, order="F"), t / steps
    generator = moving_generator(battery, envelope)
    for i in range(steps):
        flat = expm(h * generator((i + 0.5) * h)) @ flat
    return flat.reshape(rho.shape, order="F")


def charged(battery: Battery, envelope: Envelope | None, engine: str, times=TIMES, start="ground"):
    return qb.charge(battery, times, start, engine=engine, envelope=envelope)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_constant_envelope_changes_nothing(engine: str) -> None:
    for bath in (qb.CollectiveBath(1.0, 0.8), qb.CollectiveBath(1.0, 0.8, 0.5 - 0.3j)):
        battery = different_cells(3, bath)
        plain = qb.charge(battery, TIMES, engine="propagator")
        same = charged(battery, Envelope(), engine)
        np.testing.assert_allclose(same.states, plain.states, atol=2e-9)
    battery = different_cells(3)
    doubled = Battery(
        qb.CollectiveBath(2.0, 0.1), battery.noise, battery.detunings, battery.energies
    )
    np.testing.assert_allclose(
        charged(battery, Envelope(2.0, 0.1), engine).states,
        charged(doubled, None, "propagator").states,
        atol=2e-9,
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("envelope", [SMOOTH, TABLE], ids=["function", "table"])
def test_curves_match_piecewise_constant_rates(engine: str, envelope: Envelope) -> None:
    """Richardson's extrapolation of the midpoint rule, on a grid that meets the breakpoints."""
    battery, start = different_cells(2), "01"
    rho = initial_density_matrix(battery, start)
    t = 2.2
    coarse, fine = (midpoint(battery, envelope, rho, t, steps) for steps in (440, 880))
    found = charged(battery, envelope, engine, [1.0, t], start).states[-1]
    np.testing.assert_allclose(found, (4 * fine - coarse) / 3, atol=2e-9)


def test_commutator_free_steps_are_of_fourth_order_and_the_midpoint_rule_of_second() -> None:
    battery = different_cells(2)
    rho = initial_density_matrix(battery, "01")
    channels = bath_channels(battery, SMOOTH)
    parts = [constant_part(battery), *((one.hamiltonian, one.jumps) for one in channels)]
    reduced = reduce_parts(parts, rho)
    generators = Generators(reduced[0].matrix, [one.matrix for one in reduced[1:]])

    def strengths(t: float) -> np.ndarray:
        return np.array([float(one.strength(t)) for one in channels])

    def state(steps: int) -> np.ndarray:
        y = commutator_free(generators, strengths, reduced[0].start, 0.0, 2.0, steps)
        return reduced[0].states(y)

    exact = state(512)
    counts = np.array([8, 16, 32, 64])
    fourth = [np.abs(state(k) - exact).max() for k in counts]
    second = [np.abs(midpoint(battery, SMOOTH, rho, 2.0, k) - exact).max() for k in counts]
    for errors, order in ((fourth, 4.0), (second, 2.0)):
        slope = np.polyfit(np.log(counts), np.log(errors), 1)[0]
        assert slope == pytest.approx(-order, abs=0.15)
    assert max(fourth) < 1e-3


@pytest.mark.parametrize("envelope", [SMOOTH, TABLE, Envelope.closing(1.0, 0.01)])
def test_engines_agree(envelope: Envelope) -> None:
    for battery in (different_cells(3), different_cells(2, qb.CollectiveBath(1.0, 0.3))):
        exact, other = (charged(battery, envelope, engine) for engine in ENGINES)
        np.testing.assert_allclose(other.states, exact.states, atol=1e-8)
        np.testing.assert_allclose(other.ergotropy, exact.ergotropy, atol=1e-8)


def test_engines_agree_where_the_coupling_also_turns_the_cells() -> None:
    """Exchange along a waveguide belongs to the coupler and closes with it; two modes, not one."""
    bath = qb.CollectiveBath(1.0, 0.7, coupling=Coupling(positions=(0.0, 0.15, 0.4)))
    battery = different_cells(3, bath)
    exact, other = (charged(battery, TABLE, engine, start="001") for engine in ENGINES)
    np.testing.assert_allclose(other.states, exact.states, atol=1e-8)
    closed = charged(battery, Envelope(0.0), "propagator", start="001")
    alone = charged(battery.without_bath(), None, "propagator", start="001")
    np.testing.assert_allclose(closed.states, alone.states, atol=1e-11)


def test_engines_agree_on_more_than_two_levels() -> None:
    """Every transition at its own occupation of the moment."""
    levels = qb.TransmonLevels(levels=3, frequency=5.0, anharmonicity=-0.3)
    battery = qb.Battery.identical(
        2, qb.CollectiveBath(1.0, 0.5), qb.LocalNoise(0.1, 0.05), transmon=levels
    )
    exact, other = (charged(battery, TABLE, engine) for engine in ENGINES)
    np.testing.assert_allclose(other.states, exact.states, atol=1e-8)
    hot = qb.Battery.identical(
        2, qb.CollectiveBath(0.5, 1.0), qb.LocalNoise(0.1, 0.05), transmon=levels
    )
    np.testing.assert_allclose(
        charged(battery, Envelope(0.5, 1.0), "propagator").states,
        charged(hot, None, "propagator").states,
        atol=1e-10,
    )


def test_the_signals_are_those_of_the_lindblad_model() -> None:
    """The model itself, evaluated at a time, is the generator of that moment."""
    battery = different_cells(2)
    model = QiskitGenerator(*constant_part(battery), bath_channels(battery, SMOOTH))
    constant, *parts = model.liouvillians()
    generator = moving_generator(battery, SMOOTH)
    assert len(model.model.signals[1]) == len(model.model.dissipator_operators) == 2
    for t in (0.3, 1.9):
        now = generator(t)
        total = constant + sum(c * p for c, p in zip(model.strengths(t), parts, strict=True))
        np.testing.assert_allclose(total.toarray(), now, atol=1e-12)
        scaled = model.model(t)
        np.testing.assert_allclose(scaled / np.abs(scaled).max(), now / np.abs(now).max())


@pytest.mark.parametrize("engine", ENGINES)
def test_a_closed_coupler_leaves_local_decay(engine: str) -> None:
    """After the edge the cells go on alone: as if the bath had been switched off there."""
    battery, edge = different_cells(3), Envelope.closing(at=1.0, edge=0.2)
    curve = charged(battery, edge, engine, [1.1, 2.0, 6.0])
    alone = qb.charge(battery.without_bath(), [0.9, 4.9], curve.states[0])
    np.testing.assert_allclose(curve.states[1:], alone.states, atol=2e-9)
    quiet = qb.Battery.identical(3, qb.CollectiveBath(1.0, 0.8))
    frozen = charged(quiet, edge, engine, [1.1, 2.0, 60.0])
    np.testing.assert_allclose(frozen.states[1:], frozen.states[[0, 0]], atol=1e-9)


def test_a_turn_on_is_a_clock_without_other_noise() -> None:
    """With the collective bath alone only int kappa dt counts; slow ramps differ with noise."""
    ideal = qb.Battery.identical(3, qb.CollectiveBath(1.0, 0.8))
    ramp, late = Envelope.ramp(0.0, 2.0), np.array([2.0, 3.0])
    ramped = charged(ideal, ramp, "propagator", late)
    sudden = qb.charge(ideal, late - 1.0)
    np.testing.assert_allclose(ramped.states, sudden.states, atol=1e-10)
    noisy, times = different_cells(3), np.linspace(0.0, 20.0, 81)
    plain = qb.charge(noisy, times).ergotropy
    fast = charged(noisy, Envelope.ramp(0.0, 1e-6), "propagator", times).ergotropy
    np.testing.assert_allclose(fast, plain, atol=3e-6)
    slow = charged(noisy, Envelope.ramp(0.0, 20.0), "propagator", times).ergotropy
    assert slow.max() < 0.8 * plain.max()


def test_heat_currents_add_up_to_the_energy() -> None:
    """E(t) - E(0) = int Tr[H_B L(t) rho(t)] dt, at Gauss points between the breakpoints."""
    battery = different_cells(2)
    levels = battery.level_energies()
    points, weights = np.polynomial.legendre.leggauss(16)
    pieces = [(0.0, 0.4), (0.4, 1.1), (1.1, 2.2)]
    middles = np.concatenate([(b - a) / 2 * points + (a + b) / 2 for a, b in pieces])
    shares = np.concatenate([(b - a) / 2 * weights for a, b in pieces])
    curve = charged(battery, TABLE, "propagator", np.append(middles, 2.2), "10")
    generator, total = moving_generator(battery, TABLE), 0.0
    for t, share, rho in zip(middles, shares, curve.states, strict=False):
        flow = generator(t) @ rho.reshape(-1, order="F")
        total += share * (np.diagonal(flow.reshape(4, 4, order="F")).real @ levels)
    start = float(levels[0b10])
    assert curve.energy[-1] - start == pytest.approx(total, abs=1e-10)


def test_courses_are_evaluated_on_arrays() -> None:
    edge = Envelope.closing(at=2.0, edge=1.0)
    np.testing.assert_allclose(
        edge.rate_at(np.array([0.0, 1.5, 2.0, 2.25, 9.0])), [1, 1, 0.5, 0.25, 0]
    )
    assert edge.breakpoints == (1.5, 2.5)
    np.testing.assert_array_equal(edge.occupation_at(np.array([1.0, 2.0]), 0.7), [0.7, 0.7])
    assert edge.constant_between(2.5, 9.0)
    assert not edge.constant_between(0.0, 9.0)
    square = Envelope(lambda t: t**2, breakpoints=(1.0,))
    np.testing.assert_allclose(square.rate_at(np.array([[1.0, 2.0]])), [[1.0, 4.0]])
    assert float(square.rate_at(3.0)) == 9.0
    assert not square.constant_between(0.0, 1.0)
    assert Envelope.table([0.4, 1.1, 2.2], [0.0, 1.5, 0.5], [0.2, 2.0, 1.0]) == TABLE


@pytest.mark.parametrize("engine", ENGINES)
def test_a_function_may_jump_at_its_breakpoints(engine: str) -> None:
    """A pulse of the bath: on from 1 to 2."""
    battery = different_cells(2)
    pulse = Envelope(lambda t: 1.0 if 1 <= t < 2 else 0.0, breakpoints=(1.0, 2.0))
    before = qb.charge(battery.without_bath(), [1.0]).states[0]
    during = qb.charge(battery, [1.0], before).states[0]
    found = charged(battery, pulse, engine, [1.0, 2.0]).states
    np.testing.assert_allclose(found, [before, during], atol=1e-9)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Envelope(-1.0), r"'rate' must be a finite number >= 0, not -1\.0"),
        (lambda: Envelope.table([0, 1], rate=[1, -1]), "'rate' must be a finite number >= 0"),
        (lambda: Envelope.table([0, 1], rate=[1]), r"'rate' must hold one number per time \(2\)"),
        (lambda: Envelope([1.0, 2.0]), r"'rate' must hold one number per time \(0\), not 2"),
        (lambda: Envelope.table([1, 1], rate=[0, 1]), "'times' must be strictly rising"),
        (
            lambda: Envelope("on"),
            "'rate' must be a number, a list of numbers or a function, not 'on'",
        ),
        (lambda: Envelope.closing(1.0, 0.0), "'edge' must be a finite number > 0, not 0"),
        (lambda: Envelope(occupation=float("nan")), "'occupation' must be a finite number >= 0"),
        (lambda: Envelope.table([]), "'times' must be a list of at least one number"),
        (lambda: Envelope(abs, breakpoints=2), "'breakpoints' must be a list of numbers, not 2"),
        (lambda: Envelope(abs, breakpoints=[2, 1]), "'breakpoints' must be strictly rising"),
    ],
)
def test_impossible_envelopes_are_refused(make, sentence: str) -> None:
    with pytest.raises(qb.InputError, match=sentence):
        make()


@pytest.mark.parametrize("engine", ENGINES)
def test_envelopes_that_do_not_fit_the_bath_are_refused(engine: str) -> None:
    changing = Envelope(1.0, TABLE.occupation, TABLE.times)
    squeezed = different_cells(2, qb.CollectiveBath(1.0, 0.8, 0.5))
    with pytest.raises(qb.InputError, match=r"'occupation' must be left out .* squeezed bath"):
        charged(squeezed, changing, engine)
    pump = different_cells(2, qb.CollectiveBath.from_rates(0.2, 1.0))
    with pytest.raises(qb.InputError, match=r"'occupation' must be left out .* pump"):
        charged(pump, changing, engine)
    negative = Envelope(lambda t: 1.0 - t)
    with pytest.raises(qb.InputError, match="'rate' must be a finite number >= 0 at every time"):
        charged(different_cells(2), negative, engine)
    for bath in (qb.CollectiveBath(1.0, 0.8, 0.5), qb.CollectiveBath.from_rates(0.2, 1.0)):
        closing = [charged(different_cells(2, bath), Envelope.closing(1, 0.5), e) for e in ENGINES]
        np.testing.assert_allclose(closing[0].states, closing[1].states, atol=1e-8)


def test_a_short_pulse_is_not_stepped_over() -> None:
    """One saved time far beyond it, and no breakpoints named."""
    battery = different_cells(2)
    pulse = Envelope(lambda t: np.exp(-(((t - 13.7) / 0.2) ** 2)))
    found = [charged(battery, pulse, engine, [14.5]).states for engine in ENGINES]
    np.testing.assert_allclose(found[0], found[1], atol=1e-8)
    assert (
        np.abs(found[0] - charged(battery, Envelope(0.0), "propagator", [14.5]).states).max() > 0.1
    )


def test_the_unit_of_time_does_not_matter() -> None:
    battery, a = different_cells(2), 1e-6
    slow = Battery(
        qb.CollectiveBath(a, 0.8),
        tuple(qb.LocalNoise(a * x.rate, x.occupation, a * x.dephasing) for x in battery.noise),
        tuple(a * d for d in battery.detunings),
        battery.energies,
    )
    later = Envelope(lambda t: SMOOTH.rate(a * t), lambda t: SMOOTH.occupation(a * t))
    for engine in ENGINES:
        np.testing.assert_allclose(
            charged(slow, later, engine, TIMES / a).states,
            charged(battery, SMOOTH, engine).states,
            atol=1e-9,
        )


def test_rates_too_fast_to_be_followed_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(magnus, "_MOST_STEPS", 256)
    rough = Envelope(lambda t: 1.0 if (1e4 * t) % 1 < 0.5 else 0.0)
    with pytest.raises(qb.AccuracyError, match="change too fast to be followed"):
        charged(different_cells(1), rough, "propagator", [1.0])


def test_a_liouvillian_without_a_bath_has_no_channels() -> None:
    battery = different_cells(2).without_bath()
    assert bath_channels(battery, SMOOTH) == bath_channels(battery, Envelope(2.0)) == []
    hamiltonian, jumps = constant_part(battery)
    assert abs(liouvillian(hamiltonian, jumps) - battery.liouvillian()).max() == 0.0
    plain = charged(battery, None, "propagator")
    for engine in ENGINES:
        np.testing.assert_allclose(charged(battery, SMOOTH, engine).states, plain.states, atol=1e-9)


@lru_cache
def work_after_a_pulse(centre: float, width: float, height: float) -> float:
    """W at t = 5 by midpoint exponentials on all 64 coordinates, extrapolated in the step."""
    battery = qb.Battery.identical(3, qb.CollectiveBath(1, 1), qb.LocalNoise(0.05, 0.2, 0.01))
    alone = battery.without_bath().liouvillian().toarray()
    bath = battery.liouvillian().toarray() - alone
    works = []
    for steps in (400, 800):
        # The pulse is below 1e-27 of its height outside.
        times = [0, *np.linspace(centre - 8 * width, centre + 8 * width, steps + 1), 5.0]
        rho = np.eye(64)[0].astype(complex)
        for begin, end in pairwise(times):
            factor = height * np.exp(-((((begin + end) / 2 - centre) / width) ** 2))
            rho = expm((alone + factor * bath) * (end - begin)) @ rho
        works.append(qb.ergotropy(rho.reshape(8, 8, order="F")))
    return (4 * works[1] - works[0]) / 3


@pytest.mark.parametrize("engine", ["propagator", "qiskit-dynamics"])
@pytest.mark.parametrize(
    ("pulse", "marks"),
    [
        ((2.7, 0.01, 100.0), ()),
        ((2.71, 0.03, 20.0), ()),
        ((2.71, 0.03, 20.0), (2.6, 2.7, 2.8)),
    ],
)
def test_smooth_pulses_are_seen_wherever_they_lie(engine, pulse, marks) -> None:
    """Between coarse stops, and in the tail beyond a breakpoint."""
    centre, width, height = pulse
    battery = qb.Battery.identical(3, qb.CollectiveBath(1, 1), qb.LocalNoise(0.05, 0.2, 0.01))
    envelope = qb.Envelope(
        rate=lambda t: height * np.exp(-(((t - centre) / width) ** 2)), breakpoints=marks
    )
    curve = qb.charge(battery, [0.0, 5.0], engine=engine, envelope=envelope)
    assert curve.ergotropy[-1] == pytest.approx(work_after_a_pulse(*pulse), abs=1e-9)


def test_a_saved_time_a_last_digit_behind_a_breakpoint_costs_nothing(monkeypatch) -> None:
    """linspace(0, 5, 101) holds 1.9500000000000002 beside the breakpoint 1.95."""
    battery = qb.Battery.identical(3, qb.CollectiveBath(1, 1), qb.LocalNoise(0.01))
    closing = qb.Envelope.closing(at=2.0, edge=0.1)
    few = qb.charge(battery, [5.0], envelope=closing)
    taken = []

    def counted(*arguments):
        taken.append(arguments[-1])
        return commutator_free(*arguments)

    monkeypatch.setattr(magnus, "commutator_free", counted)
    many = qb.charge(battery, np.linspace(0, 5, 101), envelope=closing)
    assert many.energy[-1] == pytest.approx(few.energy[0], abs=1e-10)
    assert 0 < sum(taken) < 200
