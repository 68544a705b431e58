"""Baths, local noise, batteries and what charge() refuses."""

import dataclasses

import numpy as np
import pytest

import qbat_circuits as qb
from qbat_circuits.cells import collective_lowering

BATH = qb.CollectiveBath(1.0, 1.0)
TWO = qb.Battery.identical(2, BATH)


def different(n_cells: int) -> qb.Battery:
    """Cells that no symmetry makes fewer."""
    noise = tuple(qb.LocalNoise(0.1 + 0.01 * i) for i in range(n_cells))
    return qb.Battery(BATH, noise, (0.0,) * n_cells, (1.0,) * n_cells)


def test_jump_operators_of_a_thermal_battery() -> None:
    battery = qb.Battery.identical(2, qb.CollectiveBath(2.0, 0.5), qb.LocalNoise(0.3, 0.1, 0.2))
    jumps = battery.jump_operators()
    assert [rate for rate, _ in jumps] == pytest.approx([3.0, 1.0, *(2 * [0.33, 0.03, 0.4])])
    minus = collective_lowering(2).toarray()
    np.testing.assert_array_equal(jumps[0][1].toarray(), minus)
    np.testing.assert_array_equal(jumps[1][1].toarray(), minus.T)
    assert qb.Battery.identical(2, qb.CollectiveBath(0.0, 1.0)).jump_operators() == []


def test_squeezed_jumps_rebuild_the_kossakowski_matrix() -> None:
    bath = qb.CollectiveBath(1.5, 0.8, squeezing=0.7 - 0.3j)
    rebuilt = sum(rate * np.outer([a, b], np.conj([a, b])) for rate, a, b in bath.jumps())
    expected = 1.5 * np.array([[1.8, 0.7 - 0.3j], [0.7 + 0.3j, 0.8]])
    np.testing.assert_allclose(rebuilt, expected, atol=1e-14)
    pure = qb.CollectiveBath(1.0, 0.8, squeezing=np.sqrt(0.8 * 1.8) * np.exp(-0.4j))
    ((rate, a, b),) = pure.jumps()  # one coherent jump sqrt(n+1) J_- + e^{i phi} sqrt(n) J_+
    assert rate == pytest.approx(2.6)
    assert b / a == pytest.approx(np.exp(0.4j) * np.sqrt(0.8 / 1.8))


def test_a_bath_from_rates_may_be_inverted() -> None:
    thermal = qb.CollectiveBath.from_rates(2.0, 1.0)
    assert (thermal.rate, thermal.occupation) == (1.0, 1.0)
    assert thermal == qb.CollectiveBath(1.0, 1.0)
    pump = qb.CollectiveBath.from_rates(1.0, 3.0, cross=0.5j)
    assert (pump.emission, pump.absorption, pump.cross) == (1.0, 3.0, 0.5j)
    assert (pump.rate, pump.occupation, pump.relaxation) == (-2.0, -1.5, 4.0)
    assert qb.CollectiveBath.from_rates(1.0, 1.0).occupation == np.inf
    with pytest.raises(qb.InputError, match=r"'cross' must satisfy \|cross\|\^2 <= emi"):
        qb.CollectiveBath.from_rates(1.0, 1.0, cross=1.1)
    with pytest.raises(qb.InputError, match="'absorption' must be a finite number >= 0"):
        qb.CollectiveBath.from_rates(1.0, -1.0)


def test_a_bath_from_a_temperature() -> None:
    """346 mK are one photon at 5 GHz (docs/physics.md, section 9)."""
    bath = qb.CollectiveBath.from_temperature(6.3e6, temperature_k=0.3461922, frequency_hz=5e9)
    assert bath.occupation == pytest.approx(1.0, abs=1e-6)
    kept = qb.CollectiveBath.from_temperature(6.3e6, temperature_k=0.346, frequency_hz=5e9)
    assert kept.occupation == pytest.approx(1.0, abs=2e-3)
    assert kept.rate == 6.3e6


def test_the_liouvillian_is_the_master_equation() -> None:
    """Against the sum of sandwiches written out on matrices."""
    battery = qb.Battery.identical(2, BATH, qb.LocalNoise(0.2, 0.1, 0.3), detunings=[0.4, -0.4])
    rng = np.random.default_rng(0)
    rho = rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))
    h = battery.hamiltonian().toarray()
    expected = -1j * (h @ rho - rho @ h)
    for rate, jump in battery.jump_operators():
        op = jump.toarray()
        square = op.conj().T @ op
        expected += rate * (op @ rho @ op.conj().T - (square @ rho + rho @ square) / 2)
    got = (battery.liouvillian() @ rho.reshape(-1, order="F")).reshape(4, 4, order="F")
    np.testing.assert_allclose(got, expected, atol=1e-14)


def test_values_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        BATH.rate = 2.0  # type: ignore[misc]
    curve = qb.charge(TWO, [0.0, 1.0])
    for array in (curve.times, curve.energy, curve.ergotropy, curve.states):
        assert not array.flags.writeable


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: qb.CollectiveBath(-1, 1), r"'rate' must be a finite number >= 0.*, not -1."),
        (
            lambda: qb.CollectiveBath(float("nan"), 1),
            "'rate' must be a finite number .*, not nan",
        ),
        (
            lambda: qb.CollectiveBath(1, -0.1),
            "'occupation' must be a finite number .*, not -0",
        ),
        (
            lambda: qb.CollectiveBath(1, 1, squeezing=2),
            r"'squeezing' must satisfy \|M\|\^2 <= n\(n\+1\) \(2\), not 4.",
        ),
        (lambda: qb.CollectiveBath(1, 1, squeezing="a"), "'squeezing' must be a finite complex"),
        (
            lambda: qb.LocalNoise(0.1, 0.1, -1),
            "'dephasing' must be a finite number >= 0.*, not -1",
        ),
        (
            lambda: qb.LocalNoise.from_t1_t2(3e-5, 6.1e-5, 0.01),
            r"'t2_s' must be <= 2\*t1_s \(6e-05\), not 6.1e-05.",
        ),
        (
            lambda: qb.Battery.identical(0, BATH),
            "'n_cells' must be a whole number >= 1.*, not 0.",
        ),
        (lambda: qb.Battery.identical(2, "hot"), "'bath' must be a CollectiveBath, not 'hot'."),
        (
            lambda: qb.Battery.identical(2, BATH, detunings=[1.0]),
            r"'detunings' must hold one number per cell \(2\), not 1.",
        ),
        (
            lambda: qb.Battery.identical(2, BATH, energies=[1.0]),
            r"'energies' must hold one number per cell \(2\), not 1.",
        ),
        (lambda: qb.Battery(BATH, (), (), ()), "'noise' must be one LocalNoise per cell, not"),
        (lambda: qb.charge(TWO, []), "'times' must be a non-empty list of numbers"),
        (lambda: qb.charge(TWO, ["a"]), "'times' must be a list of numbers."),
        (lambda: qb.charge(TWO, [0.0, 0.0]), "'times' must be finite, >= 0 and strictly rising."),
        (lambda: qb.charge(TWO, [-1.0]), "'times' must be finite, >= 0 and strictly rising."),
        (lambda: qb.charge(TWO, [np.inf]), "'times' must be finite, >= 0 and strictly rising."),
        (lambda: qb.charge(TWO, [1.0], "grnd"), r"not 'grnd' \(did you mean 'ground'\?\)."),
        (lambda: qb.charge(TWO, [1.0], "010"), r"one letter per cell \(2\), not '010'."),
        (
            lambda: qb.charge(TWO, [1.0], np.eye(8) / 8),
            "'initial_state' must have 2 cells like the battery, not 3.",
        ),
        (lambda: qb.charge(TWO, [1.0], np.eye(4)), "A state must have trace 1"),
        (lambda: qb.charge(TWO, [1.0], engine="qutip"), "'engine' must be one of 'auto', 'sect"),
        (lambda: qb.charge(TWO, [1.0], tolerance=0), "'tolerance' must be a finite number > 0"),
        (
            lambda: qb.charge(different(12), np.linspace(0, 1, 200)),
            r"12 cells with 200 saved times need about 1.34e\+11 bytes, more than 4.29e\+09; use "
            r"fewer cells \(8 fit with 200 times\) or fewer saved times; identical cells",
        ),
        (lambda: qb.steady_state(different(14)), "'n_cells' must be small enough for dense"),
        (lambda: qb.charge(qb.Battery.identical(12, BATH), [1.0]).states, "12 cells with 1 saved"),
        (lambda: qb.charge(different(12), [1.0]), "1 saved times are more than 10 cells; use"),
        (
            lambda: qb.steady_state(qb.Battery.identical(10**5, BATH, qb.LocalNoise(0.1))),
            r"100000 cells in a steady state need about 1.5e\+11 bytes.*; use fewer cells .* or no "
            "local noise and the ground state, which need the N . 1 states of the Dicke ladder",
        ),
        (
            lambda: qb.charge(qb.Battery.identical(10**5, BATH, qb.LocalNoise(0.1)), [1.0]),
            r"100000 cells with 1 saved times need about 5.06e\+12 bytes.*; use fewer cells or sav",
        ),
        (
            lambda: qb.steady_state(
                qb.Battery.identical(9000, qb.CollectiveBath(1, 500.0), qb.LocalNoise(0.1))
            ),
            "the weight of 9000 cells may be spread over .* use fewer cells or a colder bath.",
        ),
        (
            lambda: qb.steady_state(
                qb.Battery.identical(
                    40_000,
                    qb.CollectiveBath(1, 1, coupling=qb.Coupling(positions=(0.1,) * 40_000)),
                )
            ),
            "'n_cells' must be small enough for dense states: 40000 cells",
        ),
        (
            lambda: qb.Battery.identical(29, BATH, extra_jumps=[(1.0, {"X" * 29: 1.0})]),
            "'extra_jumps' must be of at most 10 cells, whose operators are matrices, not 29.",
        ),
        (
            lambda: qb.charge(qb.Battery.identical(1000, BATH, qb.LocalNoise(0.1)), [1.0], "grond"),
            r"not 'grond' \(did you mean 'ground'\?\).",
        ),
        (
            lambda: qb.steady_state(qb.Battery.identical(2, BATH, qb.LocalNoise(0.1)), "grond"),
            r"not 'grond' \(did you mean 'ground'\?\).",
        ),
        (
            lambda: qb.charge(qb.Battery.identical(11, BATH), [1.0], np.eye(2)),
            "'initial_state' must be a name or a bit string for more than 10 cells, not a state of",
        ),
        (
            lambda: qb.steady_state(qb.Battery.identical(11, BATH), np.eye(2)),
            "'initial_state' must be a name or a bit string for more than 10 cells",
        ),
        (
            lambda: qb.charge(
                qb.Battery.identical(8, BATH, transmon=qb.TransmonLevels(4, 5e3, -300.0)), [1.0]
            ),
            r"8 cells of 4 levels with 1 saved times need about 2.21e\+12 bytes, more than "
            r"4.29e\+09; use fewer levels or fewer cells.",
        ),
        (lambda: qb.charge(TWO, [0.0, 1.0]).plateau(0), "'share' must be a finite number > 0"),
    ],
)
def test_bad_input_gets_one_sentence(make, sentence: str) -> None:
    with pytest.raises(qb.InputError, match=sentence) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_eight_cells_do_fit_as_the_refusal_says() -> None:
    from qbat_circuits.dynamics.memory import check_dense

    check_dense(different(8), 200)
    with pytest.raises(qb.InputError):
        check_dense(different(9), 400)


def test_the_plateau_window() -> None:
    """N = 2, n = 1: a plateau at 1/7 that weak local noise ends; crossings are interpolated."""
    battery = qb.Battery.identical(2, BATH, qb.LocalNoise(0.01))
    curve = qb.charge(battery, np.linspace(0, 40, 801))
    plateau = curve.plateau()
    inside = (curve.times > plateau.start) & (curve.times < plateau.stop)
    level = 0.9 * plateau.peak_ergotropy
    assert np.all(curve.ergotropy[inside] >= level)
    assert np.all(curve.ergotropy[~inside] <= level)
    for end in (plateau.start, plateau.stop):
        assert np.interp(end, curve.times, curve.ergotropy) == pytest.approx(level, abs=1e-12)
    assert plateau.peak_ergotropy == curve.ergotropy.max()
    assert plateau.stops_inside
    cut = qb.charge(battery, np.linspace(0, plateau.peak_time + 0.5, 101)).plateau()
    assert not cut.stops_inside
    assert cut.stop == plateau.peak_time + 0.5


def test_a_start_that_holds_work_is_no_gain() -> None:
    curve = qb.charge(TWO, [0.0, 30.0], "11")
    assert curve.ergotropy[0] == pytest.approx(2.0)
    assert curve.ergotropy_gain[-1] == pytest.approx(curve.ergotropy[-1] - 2.0)


def test_thermal_start_is_each_cells_own_equilibrium() -> None:
    battery = qb.Battery(
        BATH, (qb.LocalNoise(0.1, 0.5), qb.LocalNoise(0.1, 0.0)), (0.0, 0.0), (1.0, 1.0)
    )
    start = qb.charge(battery, [0.0], "thermal").states[0]
    np.testing.assert_allclose(np.diag(start).real, [0.75, 0.25, 0, 0])


@pytest.mark.parametrize(("residual", "work"), [(0.0, 0.1429), (0.01, 0.132), (0.05, 0.089)])
def test_residual_excitation_lowers_the_plateau(residual: float, work: float) -> None:
    """N = 2, n = 1, section 9 of docs/physics.md."""
    start = np.diag(np.kron([1 - residual, residual], [1 - residual, residual]))
    assert qb.steady_state(TWO, initial_state=start).ergotropy == pytest.approx(work, abs=6e-4)
