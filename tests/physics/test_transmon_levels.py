"""More than two levels of a transmon: docs/physics.md, section 2."""

import math

import numpy as np
import pytest

import qbat_circuits as qb
from qbat_circuits.cells import level_numbers, lowering, number
from qbat_circuits.dynamics.leakage import leakage, leakage_of
from qbat_circuits.quantities.heat import entropy_production, heat_currents
from qbat_circuits.quantities.levels import leaked_weight, level_populations, two_level_view
from qbat_circuits.units import occupation_from_temperature, temperature_from_occupation

#: 5 GHz and -300 MHz in units of kappa = 2 pi 10 kHz.
TRANSMON = qb.TransmonLevels(3, 5e5, -3e4)


def pair(levels, occupation, bandwidth=None, noise=None):
    transmon = qb.TransmonLevels(levels, 5e5, -3e4, bandwidth)
    return qb.Battery.identical(2, qb.CollectiveBath(1.0, occupation), noise, transmon=transmon)


def test_each_transition_sees_the_temperature_at_its_own_frequency() -> None:
    kelvin = temperature_from_occupation(5e9, 0.7)
    transmon = qb.TransmonLevels(4, 2 * np.pi * 5e9, -2 * np.pi * 3e8)
    expected = [occupation_from_temperature(f, kelvin) for f in (5e9, 4.7e9, 4.4e9)]
    np.testing.assert_allclose(transmon.thermal_occupations(0.7), expected, rtol=1e-12)
    np.testing.assert_allclose(transmon.noise_occupations(0.7), expected, rtol=1e-12)
    np.testing.assert_allclose(transmon.energies(), [0, 1, 1.94, 2.82])
    narrow = qb.TransmonLevels(4, 5.0, -0.3, bandwidth=0.01)
    np.testing.assert_array_equal(narrow.noise_occupations(0.7), [0.7, 0, 0])
    np.testing.assert_array_equal(TRANSMON.thermal_occupations(0.0), [0, 0])


def test_operators_of_d_levels_are_little_endian() -> None:
    """Cell 0 is the last Kronecker factor, also in base d."""
    up = np.diag([1.0], 1)
    three = np.zeros((3, 3))
    three[1, 2] = 1  # |1><2|
    np.testing.assert_array_equal(lowering(2, 0, 3, 2).toarray(), np.kron(np.eye(3), three))
    np.testing.assert_array_equal(lowering(2, 1, 3, 2).toarray(), np.kron(three, np.eye(3)))
    np.testing.assert_array_equal(lowering(1, 0).toarray(), up)
    np.testing.assert_array_equal(number(2, 1, 3).toarray(), np.kron(np.diag([0, 1, 2]), np.eye(3)))
    np.testing.assert_array_equal(level_numbers(2, 3)[5], [2, 1])


@pytest.mark.parametrize(
    ("levels", "occupation", "leaked"),
    [(3, 0.3, 5.5), (3, 1.0, 20.8), (4, 0.3, 6.9), (4, 1.0, 29.4), (8, 0.3, 7.6), (8, 1.0, 38.2)],
)
def test_broadband_noise_leaks(levels: int, occupation: float, leaked: float) -> None:
    """Steady weight outside {0,1}^2 in per cent, 5 GHz, alpha = -300 MHz, from the ground state."""
    battery = pair(levels, occupation)
    found = qb.steady_state(battery)
    assert not found.unique
    assert 100 * leaked_weight(found.state, levels) == pytest.approx(leaked, abs=0.05)
    assert {f.code for f in battery.audit()} == {"broadband"}


def test_narrow_noise_keeps_two_levels() -> None:
    """Nothing lifts a cell from 1 to 2: the two-level battery to the last digit."""
    two = qb.charge(qb.Battery.identical(2, qb.CollectiveBath(1.0, 1.0)), [0.4, 3.0])
    narrow = pair(3, 1.0, bandwidth=1.0)
    curve = qb.charge(narrow, [0.4, 3.0])
    np.testing.assert_allclose(curve.ergotropy, two.ergotropy, atol=1e-10)
    np.testing.assert_allclose(curve.energy, two.energy, atol=1e-10)
    assert not narrow.audit()
    wide = pair(3, 1.0, bandwidth=1e4)
    (finding,) = wide.audit()
    assert finding.code == "noise-band"
    assert "1e+04 wide and the anharmonicity 3e+04" in finding.sentence


def test_one_transmon_on_thermal_noise_ends_in_boltzmann_weights() -> None:
    """Detailed balance of every transition: p_k ~ exp(-E_k / kT), and local noise alike."""
    transmon = qb.TransmonLevels(5, 5e5, -3e4)
    weights = np.exp(-math.log1p(1 / 0.8) * transmon.energies())
    for bath, noise in ((1.0, qb.LocalNoise()), (0.0, qb.LocalNoise(1.0, 0.8))):
        battery = qb.Battery.identical(1, qb.CollectiveBath(bath, 0.8), noise, transmon=transmon)
        state = qb.steady_state(battery).state
        np.testing.assert_allclose(np.diag(state).real, weights / weights.sum(), atol=1e-10)
        assert qb.steady_state(battery).ergotropy == pytest.approx(0.0, abs=1e-9)
    thermal = qb.charge(battery, [0.0], "thermal").states[0]
    np.testing.assert_allclose(np.diag(thermal).real, weights / weights.sum(), atol=1e-14)


def test_leakage_is_reported_by_level_with_its_convergence() -> None:
    rows = leakage(pair(2, 0.3), levels=(2, 3, 4, 6, 8))
    assert [row.levels for row in rows] == [2, 3, 4, 6, 8]
    outside = [row.outside for row in rows]
    assert outside[0] == 0.0
    assert np.all(np.diff(outside) > 0)
    assert outside[4] - outside[3] < 0.1 * (outside[1] - outside[0])  # it converges in d
    for row in rows:
        assert sum(row.populations) == pytest.approx(1.0)
        assert np.all(np.diff(row.populations) < 0)
        assert row.two_level_energy <= row.energy + 1e-12
        levels = qb.TransmonLevels(row.levels, 5e5, -3e4).energies()
        assert 2 * np.dot(row.populations, levels) == pytest.approx(row.energy)
    assert rows[2].energy > 1.1 * rows[2].two_level_energy  # a two-level readout understates it
    timed = leakage(pair(2, 0.3), levels=(3,), time=0.5)[0]
    assert 0 < timed.outside < outside[1]
    state = qb.charge(pair(3, 0.3), [0.5]).states[0]
    assert leakage_of(pair(3, 0.3), state) == timed


def test_two_level_view_of_known_states() -> None:
    """|2>|0> reads |1>|0>; coherence between 0 and 1 stays, between 2 and below does not."""
    ket = np.zeros(9, dtype=complex)
    ket[[0, 1, 2]] = np.sqrt([0.5, 0.3, 0.2])  # cell 0 in levels 0, 1, 2, cell 1 in |0>
    seen = two_level_view(np.outer(ket, ket), 3)
    expected = np.zeros((4, 4))
    expected[:2, :2] = [[0.5, np.sqrt(0.15)], [np.sqrt(0.15), 0.5]]
    np.testing.assert_allclose(seen, expected, atol=1e-15)
    upper = np.zeros(9)
    upper[2 * 3 + 1] = 1  # cell 1 in level 2, cell 0 in level 1
    np.testing.assert_allclose(np.diag(two_level_view(np.outer(upper, upper), 3)), [0, 0, 0, 1])
    rng = np.random.default_rng(0)
    many = rng.normal(size=(5, 27, 27))
    np.testing.assert_allclose(
        np.trace(two_level_view(many, 3), axis1=1, axis2=2), np.trace(many, axis1=1, axis2=2)
    )
    np.testing.assert_allclose(level_populations(np.outer(ket, ket), 3), [0.75, 0.15, 0.1])


def test_three_levels_obey_the_first_law_and_both_engines_agree() -> None:
    noise = qb.LocalNoise(0.2, 0.05, 0.1)
    battery = pair(3, 0.6, noise=noise)
    h = 1e-3
    times = 0.4 + h * np.arange(-2, 3)
    curve = qb.charge(battery, times, engine="propagator")
    slope = curve.energy @ np.array([1, -8, 0, 8, -1]) / (12 * h)
    assert heat_currents(battery, curve.states[2]).total == pytest.approx(slope, abs=1e-8)
    other = qb.charge(battery, times, engine="qiskit-dynamics")
    np.testing.assert_allclose(other.states, curve.states, atol=1e-9)
    assert qb.steady_state(battery).unique
    with pytest.raises(qb.InputError, match="'battery' must have cells of two levels"):
        entropy_production(battery, curve.states[2])


def test_three_levels_against_qutip() -> None:
    """The same model built by QuTiP's own operators of three levels, integrated by QuTiP."""
    import qutip

    battery = pair(3, 0.6, noise=qb.LocalNoise(0.2, 0.05, 0.1))
    n1, n2 = TRANSMON.thermal_occupations(0.6)
    m1, m2 = TRANSMON.thermal_occupations(0.05)
    low = [qutip.projection(3, 0, 1), np.sqrt(2) * qutip.projection(3, 1, 2)]
    one = qutip.qeye(3)
    jumps = []
    for lower, n, m in zip(low, (n1, n2), (m1, m2), strict=True):
        cells = [qutip.tensor(one, lower), qutip.tensor(lower, one)]
        common = cells[0] + cells[1]
        jumps += [np.sqrt(n + 1) * common, np.sqrt(n) * common.dag()]
        for cell in cells:
            jumps += [np.sqrt(0.2 * (m + 1)) * cell, np.sqrt(0.2 * m) * cell.dag()]
    for cell in (qutip.tensor(one, qutip.num(3)), qutip.tensor(qutip.num(3), one)):
        jumps.append(np.sqrt(0.2) * cell)
    start = qutip.tensor(qutip.fock_dm(3, 0), qutip.fock_dm(3, 0))
    options = {"atol": 1e-12, "rtol": 1e-10, "nsteps": 100_000}
    found = qutip.mesolve(0 * jumps[0], start, [0, 0.3, 2.0], c_ops=jumps, options=options)
    ours = qb.charge(battery, [0.3, 2.0]).states
    for k in range(2):
        np.testing.assert_allclose(ours[k], found.states[k + 1].full(), atol=1e-8)


def test_a_chip_gives_frequency_and_anharmonicity() -> None:
    device = qb.Device.from_calibration(
        qb.load_calibration("brisbane"), [0, 1], tune_to_resonance=True, residual_population=0.01
    )
    levels = device.transmon_levels(3)
    assert levels.frequency == pytest.approx(2 * np.pi * device.mean_frequency_hz)
    alpha = np.mean([cell.anharmonicity_hz for cell in device.cells])
    assert levels.anharmonicity == pytest.approx(2 * np.pi * alpha)
    battery = qb.Battery.from_device(device, qb.CollectiveBath(6.3e6, 0.3), levels)
    assert battery.levels == 3
    fez = qb.Device.from_calibration(
        qb.load_calibration("fez"),
        [0, 1],
        tune_to_resonance=True,
        assumed_frequency_hz=4.6e9,
        residual_population=0.01,
    )
    with pytest.raises(qb.InputError, match=r"The anharmonicity of qubits 0, 1 is not known: give"):
        fez.transmon_levels(3)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: qb.TransmonLevels(9, 5.0, -0.3), "'levels' must be a whole number >= 2 and <= 8"),
        (lambda: qb.TransmonLevels(3, 0.0, -0.3), "'frequency' must be a finite number > 0"),
        (
            lambda: qb.TransmonLevels(4, 1.0, -0.5),
            r"'anharmonicity' must leave the highest of 4 levels' transitions above 0 \(> -0.5\)",
        ),
        (lambda: qb.TransmonLevels(3, 1.0, -0.1, 0), "'bandwidth' must be a finite number > 0"),
        (
            lambda: qb.Battery.identical(2, qb.CollectiveBath(1, 1, 0.5), transmon=TRANSMON),
            "'bath' must be thermal for cells with more than two levels",
        ),
        (
            lambda: qb.Battery.identical(2, qb.CollectiveBath(1, 1), transmon=3),
            "'transmon' must be a TransmonLevels, not 3.",
        ),
        (lambda: qb.charge(pair(3, 1.0), [1.0], "03"), "a string of levels 0 to 2 or a density"),
        (lambda: qb.charge(pair(3, 1.0), [1.0], engine="symmetric"), "two levels and no extra"),
        (lambda: leakage(qb.Battery.identical(2, qb.CollectiveBath(1, 1))), "'battery' must have"),
        (lambda: pair(3, 1.0).to_qutip(), "'levels' must be 2 for QuTiP's order"),
    ],
)
def test_bad_input_gets_one_sentence(make, sentence) -> None:
    with pytest.raises(qb.InputError, match=sentence) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_a_collective_rate_near_the_anharmonicity_is_named() -> None:
    battery = qb.Battery.identical(
        4, qb.CollectiveBath(1e4, 1.0), transmon=qb.TransmonLevels(3, 5e5, -3e4)
    )
    assert {"not-secular", "broadband"} == {f.code for f in battery.audit()}
