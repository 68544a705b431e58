"""Devices: chosen cells, rates from T1 and T2, and that nothing is assumed without being named."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qbat_circuits.baths import CollectiveBath, LocalNoise
from qbat_circuits.battery import Battery, WeakBathWarning
from qbat_circuits.calibration import Calibration, load_calibration
from qbat_circuits.device import Device
from qbat_circuits.errors import InputError
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.transmon import LocalRates, Transmon

DATA = Path(__file__).parents[1] / "data" / "properties"


@pytest.fixture(scope="module")
def brisbane() -> Calibration:
    return load_calibration("brisbane")


@pytest.fixture(scope="module")
def fez() -> Calibration:
    return load_calibration("fez")


@pytest.fixture(scope="module")
def odd() -> Calibration:
    return load_calibration(DATA / "odd.json")


@pytest.fixture(scope="module")
def waveguide() -> Calibration:
    return load_calibration("waveguide4")


# Cells and readout


def test_cells_and_readout_need_nothing_else(brisbane: Calibration) -> None:
    device = Device.from_calibration(brisbane, qubits=[5, 0, 126])
    assert device.qubits == (5, 0, 126)
    assert device.n_cells == 3
    for cell in device.cells:
        qubit = brisbane.qubits[cell.index]
        assert (cell.t1_s, cell.t2_s) == (qubit.t1_s, qubit.t2_s)
        assert cell.frequency_hz == qubit.frequency_hz
        assert cell.anharmonicity_hz == qubit.anharmonicity_hz
        assert cell.residual_population is None
    for matrix, q in zip(device.readout.assignment, device.qubits, strict=True):
        assert matrix[1, 0] == brisbane.qubits[q].prob_meas1_prep0
        assert matrix[0, 1] == brisbane.qubits[q].prob_meas0_prep1
    assert device.name == "brisbane"
    assert device.calibrated_at == "2025-02-26T14:33:06-05:00"
    assert device.calibration_sha256 == brisbane.sha256
    assert device.verified


@pytest.mark.parametrize("qubits", [(0, 1), range(2), np.array([0, 1])])
def test_any_sequence_of_whole_numbers_chooses_qubits(brisbane: Calibration, qubits: Any) -> None:
    assert Device.from_calibration(brisbane, qubits).qubits == (0, 1)


@pytest.mark.parametrize(
    ("qubits", "sentence"),
    [
        ([0, 127], "'qubits' must be numbers from 0 to 126 on brisbane, not 127."),
        ([-1], "'qubits' must be numbers from 0 to 126 on brisbane, not -1."),
        ([0, 3, 0], "'qubits' must name each qubit once, not qubit 0 twice."),
        ([], "'qubits' must be at least one qubit number, not []."),
        ([0.0], "'qubits' must be a whole number, not 0.0."),
        ([True], "'qubits' must be a whole number, not True."),
        ("auto", "'qubits' must be a list of qubit numbers, not 'auto'."),
        (3, "'qubits' must be a list of qubit numbers, not 3."),
    ],
)
def test_qubits_that_are_refused(brisbane: Calibration, qubits: Any, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        Device.from_calibration(brisbane, qubits)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("qubit", "reason"),
    [
        (2, "no T1 and no T2"),
        (7, "a readout that tells nothing (P(1|0) + P(0|1) = 1)"),
        (12, "no P(0|1)"),
    ],
)
def test_qubits_that_cannot_be_cells(odd: Calibration, qubit: int, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        Device.from_calibration(odd, [0, qubit])
    expected = f"'qubits' must name usable qubits of test_odd, not {qubit}, which has {reason}."
    assert str(caught.value) == expected


def test_every_other_odd_qubit_can_be_chosen(odd: Calibration) -> None:
    usable = [q for q in range(13) if q not in (2, 7, 12)]
    device = Device.from_calibration(odd, usable, residual_population=0.0)
    assert len(device.local_rates()) == 10
    assert device.cells[usable.index(5)].anharmonicity_hz is None  # exactly 0 counts as missing
    assert "readout worse than a coin: qubit 8; used as reported." in device.warnings
    assert not any("qubit 7" in text for text in device.warnings)


# Rates


@given(
    t1=st.floats(1e-6, 1e-3),
    ratio=st.floats(1e-3, 2.0),
    p=st.floats(0.0, 0.49),
    share=st.floats(0.0, 1.0),
)
def test_rates_lead_back_to_t1_t2_and_population(
    t1: float, ratio: float, p: float, share: float
) -> None:
    """1/T1 = line + gamma(2n+1), 1/T2 = half of that + gamma_phi, p = n/(2n+1)."""
    t2, line = ratio * t1, share / t1
    rates = Transmon(0, t1, t2, residual_population=p).local_rates(line)
    relaxation = line + rates.emission_rate * (2 * rates.occupation + 1)
    assert relaxation == pytest.approx(1 / t1, rel=1e-12)
    assert relaxation / 2 + rates.dephasing == pytest.approx(1 / t2, rel=1e-12)
    assert rates.occupation / (2 * rates.occupation + 1) == pytest.approx(p, rel=1e-12, abs=1e-15)
    assert min(rates) >= 0


def test_a_cell_decays_with_its_t1_and_t2(waveguide: Calibration) -> None:
    """The generator of one cell, line and local noise together, against the measured numbers."""
    from scipy.linalg import expm

    kappa, n = 1e3, 0.7
    line = kappa * (2 * n + 1)
    chip = replace(waveguide, t1_includes_line=True)
    device = Device.from_calibration(chip, [1], tune_to_resonance=True)
    with pytest.warns(WeakBathWarning):
        battery = Battery.from_device(device, CollectiveBath(kappa, n))
    time = 7e-6
    step = expm(battery.liouvillian().toarray() * time)
    plus = (step @ np.full(4, 0.5)).reshape(2, 2)
    assert abs(plus[0, 1]) == pytest.approx(0.5 * math.exp(-time / 20e-6), rel=1e-9)
    up = (step @ np.array([0, 0, 0, 1.0])).reshape(2, 2)[1, 1]
    down = (step @ np.array([1.0, 0, 0, 0])).reshape(2, 2)[1, 1]
    assert (up - down).real == pytest.approx(math.exp(-time / 30e-6), rel=1e-9)
    # Without the flag, the same T1 is the cell's own and the line comes on top.
    device = Device.from_calibration(waveguide, [1], tune_to_resonance=True)
    with pytest.warns(WeakBathWarning):
        battery = Battery.from_device(device, CollectiveBath(kappa, n))
    step = expm(battery.liouvillian().toarray() * time)
    plus = (step @ np.full(4, 0.5)).reshape(2, 2)
    assert abs(plus[0, 1]) == pytest.approx(
        0.5 * math.exp(-time * (1 / 20e-6 + line / 2)), rel=1e-9
    )


def test_rates_agree_with_local_noise_from_t1_t2(brisbane: Calibration) -> None:
    device = Device.from_calibration(brisbane, [0, 1, 2], residual_population=0.02)
    for cell, rates in zip(device.cells, device.local_rates(), strict=True):
        noise = LocalNoise.from_t1_t2(cell.t1_s, cell.t2_s, 0.02)
        ours = [rates.emission_rate, rates.occupation, rates.dephasing]
        assert ours == pytest.approx([noise.rate, noise.occupation, noise.dephasing], rel=1e-12)


def test_line_in_t1_is_subtracted_or_refused(waveguide: Calibration) -> None:
    chip = replace(waveguide, t1_includes_line=True)
    device = Device.from_calibration(chip, [0, 1])
    assert device.local_rates(line_rate=0.0) == Device.from_calibration(
        waveguide, [0, 1]
    ).local_rates(line_rate=1e9)
    with pytest.raises(InputError) as caught:
        device.local_rates(line_rate=3.4e4)
    assert str(caught.value) == (
        "'line_rate' must be <= 1/T1 (33333.3/s) for qubit 0, whose T1 includes the line, "
        "not 34000."
    )
    with pytest.raises(InputError, match=r"^'line_rate' must be given in 1/s, because T1 of wave"):
        device.local_rates()
    with pytest.raises(InputError, match=r"^'line_rate' must be a finite number >= 0, not nan\.$"):
        device.local_rates(line_rate=math.nan)


def test_t2_above_twice_t1_is_clipped_and_said(brisbane: Calibration, odd: Calibration) -> None:
    for chip, q in ((brisbane, 102), (brisbane, 119), (odd, 1)):
        device = Device.from_calibration(chip, [0, q], residual_population=0.01)
        assert device.cells[1].t2_s > 2 * device.cells[1].t1_s
        assert device.local_rates()[1].dephasing == 0.0
        assert device.local_rates()[0].dephasing > 0.0
        assert f"T2 > 2 T1 for qubit {q}: pure dephasing clipped at 0" in device.assumptions
        assert f"T2 > 2 T1: qubit {q}; pure dephasing is clipped at 0." in device.warnings


# Residual population


def test_unstated_population_is_asked_for(brisbane: Calibration) -> None:
    device = Device.from_calibration(brisbane, [3, 1])
    sentence = (
        "The residual excited population of qubits 3, 1 is not known: give "
        "'residual_population' or 'residual_temperature_k'."
    )
    for ask in (device.local_rates, device.residual_populations):
        with pytest.raises(InputError) as caught:
            ask()
        assert str(caught.value) == sentence
    with pytest.raises(InputError, match="population of qubit 3 is not known"):
        device.cells[0].local_rates()


def test_population_by_value_is_recorded(brisbane: Calibration) -> None:
    device = Device.from_calibration(brisbane, [3, 1], residual_population=0.01)
    assert device.residual_populations().tolist() == [0.01, 0.01]
    assert device.local_rates()[0].occupation == pytest.approx(0.01 / 0.98, rel=1e-12)
    assert "residual excited population 0.01 assumed for qubits 3, 1" in device.assumptions


def test_population_by_temperature_uses_each_frequency(brisbane: Calibration) -> None:
    """p = 1/(1 + exp(hf/kT)), at each cell's own frequency or, when tuned, at the mean."""
    kelvin, h_over_k = 0.1, 4.799243073366221e-11
    device = Device.from_calibration(
        brisbane, [0, 1], tune_to_resonance=False, residual_temperature_k=kelvin
    )
    expected = [1 / (1 + math.exp(h_over_k * c.frequency_hz / kelvin)) for c in device.cells]
    assert device.residual_populations().tolist() == pytest.approx(expected, rel=1e-12)
    assert expected[0] != pytest.approx(expected[1], rel=1e-3)
    listed = ", ".join(f"{p:.3g}" for p in expected)
    words = f"residual excited population {listed} (0.1 K) assumed for qubits 0, 1"
    assert words in device.assumptions
    tuned = Device.from_calibration(
        brisbane, [0, 1], tune_to_resonance=True, residual_temperature_k=kelvin
    )
    common = 1 / (1 + math.exp(h_over_k * tuned.mean_frequency_hz / kelvin))
    assert tuned.residual_populations().tolist() == pytest.approx([common] * 2, rel=1e-12)


def test_measured_population_wins_unless_overridden(waveguide: Calibration) -> None:
    device = Device.from_calibration(waveguide, [0, 1])
    assert device.residual_populations().tolist() == [0.01, 0.01]
    assert not any("population" in text for text in device.assumptions if "assumed" in text)
    device = Device.from_calibration(waveguide, [0, 1], residual_population=0.0)
    assert device.residual_populations().tolist() == [0.0, 0.0]
    assert device.assumptions[0] == (
        "residual excited population 0 assumed for qubits 0, 1, instead of the calibration's "
        "0.01 of qubit 0, 0.01 of qubit 1"
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"residual_population": 0.5},
            "'residual_population' must be < 0.5, because no thermal bath inverts a cell, not 0.5.",
        ),
        (
            {"residual_population": -0.1},
            "'residual_population' must be a finite number >= 0, not -0.1.",
        ),
        (
            {"residual_temperature_k": -1},
            "'residual_temperature_k' must be a finite number >= 0, not -1.",
        ),
        (
            {"residual_population": 0.1, "residual_temperature_k": 0.05},
            "'residual_population' and 'residual_temperature_k' must not be given together, "
            "not 0.1 and 0.05.",
        ),
        (
            {"assumed_frequency_hz": 0},
            "'assumed_frequency_hz' must be a finite number > 0, not 0.",
        ),
        (
            {"tune_to_resonance": "yes"},
            "'tune_to_resonance' must be true or false, not 'yes'.",
        ),
        ({"tune_to_resonance": 1}, "'tune_to_resonance' must be true or false, not 1."),
    ],
)
def test_refused_choices(brisbane: Calibration, given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        Device.from_calibration(brisbane, [0, 1], **given)
    assert str(caught.value) == sentence


# Frequencies


def test_missing_frequency_is_asked_for_where_it_is_needed(fez: Calibration) -> None:
    sentence = "The frequency of qubits 3, 4 is not known: give 'assumed_frequency_hz'."
    device = Device.from_calibration(fez, [3, 4], tune_to_resonance=False)
    for ask in (device.detunings, device.energies, lambda: device.mean_frequency_hz):
        with pytest.raises(InputError) as caught:
            ask()
        assert str(caught.value) == sentence
    with pytest.raises(InputError) as caught:
        Device.from_calibration(fez, [3, 4], residual_temperature_k=0.05)
    assert str(caught.value) == sentence
    tuned = Device.from_calibration(fez, [3, 4], tune_to_resonance=True)
    assert tuned.detunings().tolist() == [0.0, 0.0]
    assert tuned.energies().tolist() == [1.0, 1.0]
    with pytest.raises(InputError, match="The frequency of qubits 3, 4 is not known"):
        _ = tuned.mean_frequency_hz


def test_assumed_frequency_fills_only_the_gaps_and_is_recorded(
    fez: Calibration, odd: Calibration
) -> None:
    device = Device.from_calibration(odd, [0, 3], assumed_frequency_hz=4.9e9)
    assert [cell.frequency_hz for cell in device.cells] == [pytest.approx(5.1e9), 4.9e9]
    assert device.assumptions[0] == "frequency of qubit 3 is missing: 4.9e+09 Hz assumed"
    device = Device.from_calibration(fez, [7, 8], assumed_frequency_hz=5e9)
    assert device.mean_frequency_hz == 5e9
    assert device.assumptions[0] == (
        "frequency of qubits 7, 8 is missing: 5e+09 Hz assumed, so no detuning between them"
    )
    device = Device.from_calibration(odd, [0], assumed_frequency_hz=4.9e9)
    assert not any("frequency" in text for text in device.assumptions)


def test_detunings_and_energies_are_those_of_the_chip(brisbane: Calibration) -> None:
    device = Device.from_calibration(brisbane, [2, 0, 1], tune_to_resonance=False)
    f = np.array([brisbane.qubits[q].frequency_hz for q in (2, 0, 1)])
    assert device.mean_frequency_hz == pytest.approx(f.mean(), rel=1e-15)
    assert device.detunings() == pytest.approx(2 * np.pi * (f - f.mean()), rel=1e-9)
    assert device.detunings()[2] - device.detunings()[1] == pytest.approx(
        2 * np.pi * (4.815128930695774e9 - 4.721905813680797e9), rel=1e-9
    )
    assert device.energies() == pytest.approx(f / f.mean(), rel=1e-15)
    assert device.energies().sum() == pytest.approx(3.0, rel=1e-15)


def test_tuning_has_no_default(brisbane: Calibration) -> None:
    device = Device.from_calibration(brisbane, [0, 1])
    for ask in (device.detunings, device.energies):
        with pytest.raises(InputError) as caught:
            ask()
        assert str(caught.value) == (
            "'tune_to_resonance' must be stated as true or false for the dynamics of brisbane, "
            "it has no default."
        )


# What is hypothetical


def test_a_chip_without_a_line_is_hypothetical(brisbane: Calibration) -> None:
    line = "brisbane's T1, T2 and readout on a hypothetical common line"
    device = Device.from_calibration(brisbane, [0, 1, 2], tune_to_resonance=True)
    assert device.hypothetical
    assert device.statement() == line
    assert device.hypothetical_reason == (
        "brisbane has no common line and its qubits cannot be tuned to one frequency"
    )
    assert device.assumptions == (
        "a common line through qubits 0, 1, 2 assumed: brisbane has none",
        "qubits 0, 1, 2 at their mean frequency with unchanged T1, T2 and readout assumed, "
        "although they cannot be tuned",
    )
    device = Device.from_calibration(brisbane, [0, 1, 2], tune_to_resonance=False)
    assert device.hypothetical
    assert device.statement() == line
    assert device.hypothetical_reason == "brisbane has no common line"


def test_a_fixed_chip_on_a_line_is_hypothetical_only_when_tuned(waveguide: Calibration) -> None:
    chip = replace(waveguide, tunable=False)
    assert not Device.from_calibration(chip, [0, 1], tune_to_resonance=False).hypothetical
    device = Device.from_calibration(chip, [0, 1], tune_to_resonance=True)
    assert device.hypothetical_reason == "its qubits cannot be tuned to one frequency"
    assert device.statement() == (
        "waveguide4's T1, T2 and readout on its common line, hypothetically tuned to resonance "
        "(figures not verified)"
    )


def test_a_design_point_says_that_it_is_not_verified(waveguide: Calibration) -> None:
    device = Device.from_calibration(waveguide, [0, 1, 2, 3], tune_to_resonance=True)
    assert not device.hypothetical
    assert not device.verified
    assert device.statement() == (
        "waveguide4's T1, T2 and readout on its common line (figures not verified)"
    )
    assert device.assumptions[-1].startswith("not verified: t1_s, t2_s, frequency_hz, ")


# Values


def test_devices_made_by_hand_are_checked() -> None:
    cell = Transmon(0, 1e-4, 1e-4, residual_population=0.0)
    device = Device("bench", (cell,), ReadoutModel.ideal(1), common_line=True)
    assert device.local_rates() == (LocalRates(1e4, 0.0, 5e3),)
    with pytest.raises(InputError, match=r"as many cells as the device .*, not 2 for 1"):
        Device("bench", (cell,), ReadoutModel.ideal(2))
    with pytest.raises(InputError, match=r"^'t1_s' must be a finite number > 0, not 0\.$"):
        Transmon(0, 0, 1e-4)
    with pytest.raises(InputError, match=r"^'residual_population' must be < 0\.5, "):
        Transmon(0, 1e-4, 1e-4, residual_population=0.6)
    with pytest.raises(InputError, match=r"^'frequency_hz' must be a finite number > 0, not -1\.$"):
        Transmon(0, 1e-4, 1e-4, frequency_hz=-1)
    with pytest.raises(InputError, match=r"^'anharmonicity_hz' must be a finite number, not inf"):
        Transmon(0, 1e-4, 1e-4, anharmonicity_hz=math.inf)
