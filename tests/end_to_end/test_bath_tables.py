"""Every [bath] key against the same model made in Python, and the main job with each."""

import json

import numpy as np
import pytest

import qbat_circuits as qb
from qbat_circuits.cli import main
from qbat_circuits.dynamics.leakage import leakage
from qbat_circuits.file_models import validated
from qbat_circuits.quantities.levels import two_level_view
from qbat_circuits.schema import Experiment
from qbat_circuits.study.measuring import battery_while_waiting, measure, rotated_levels
from qbat_circuits.study.model import build_model
from qbat_circuits.study.results import result_content, result_dataset

BATH = {"rate": 1.3, "occupation": 0.7}
CHIP = {
    "calibration": "brisbane",
    "qubits": [0, 1],
    "tune_to_resonance": True,
    "residual_population": 0.01,
}


def experiment(bath=None, chip=None, **tables):
    content = {
        "battery": {"n_cells": 3},
        "bath": {**BATH, **(bath or {})},
        "charging": {"times": {"stop": 3.0, "num": 4}},
        **tables,
    }
    if chip is not None:
        content |= {"chip": chip, "charging": {"times": {"stop": 1e-6, "num": 11}}}
        content["battery"] = {k: v for k, v in content["battery"].items() if k != "n_cells"}
        content["bath"] = {"rate": 6.3e6, "occupation": 0.5, **(bath or {})}
    return validated(Experiment, content)


def same(one: qb.Battery, two: qb.Battery) -> bool:
    """Whether two batteries have one generator and one H_B."""
    equal = abs(one.liouvillian() - two.liouvillian()).max() <= 1e-13
    return bool(equal) and np.array_equal(one.level_energies(), two.level_energies())


@pytest.mark.parametrize(
    ("bath", "coupling"),
    [
        ({"correlation": 0.4}, qb.Coupling(correlation=0.4)),
        ({"correlation": [[1, 0.2, 0], [0.2, 1, 0], [0, 0, 1]]},
         qb.Coupling(correlation=[[1, 0.2, 0], [0.2, 1, 0], [0, 0, 1]])),
        ({"positions": [0.0, 0.2, 0.9]}, qb.Coupling(positions=(0.0, 0.2, 0.9))),
        ({"amplitudes": [1, -0.5, 2]}, qb.Coupling(amplitudes=(1, -0.5, 2))),
        ({"positions": [0.0, 0.2, 0.9], "amplitudes": [1, 1, 2]},
         qb.Coupling(positions=(0.0, 0.2, 0.9), amplitudes=(1, 1, 2))),
    ],
)  # fmt: skip
def test_couplings(bath, coupling) -> None:
    model = build_model(experiment(bath))
    expected = qb.Battery.identical(3, qb.CollectiveBath(1.3, 0.7, coupling=coupling))
    assert same(model.battery, expected)


def test_collectivity_is_the_mixture_and_says_so() -> None:
    noise = {"rate": 0.1, "occupation": 0.2, "dephasing": 0.05}
    model = build_model(experiment({"collectivity": 0.6}, noise=noise))
    alone = build_model(experiment({"collectivity": 0.6}))
    assert same(alone.battery, qb.Battery.mixture(3, 1.3, 0.7, 0.6))
    kept = qb.LocalNoise(0.1 + 0.4 * 1.3, 0.2, 0.05)
    assert same(model.battery, qb.Battery.identical(3, qb.CollectiveBath(0.78, 0.7), kept))
    assert "convex mixture of generators" in model.assumptions[0]
    chip = build_model(experiment({"collectivity": 0.6}, CHIP))
    quiet = build_model(experiment(None, CHIP))
    for cell, plain in zip(chip.battery.noise, quiet.battery.noise, strict=True):
        assert cell.rate == pytest.approx(plain.rate + 0.4 * 6.3e6)
        assert cell.occupation == plain.occupation


def test_noise_detunings_and_energies_cell_by_cell() -> None:
    noise = {"rate": [0.1, 0.2, 0.3], "occupation": 0.1, "dephasing": [0.0, 0.1, 0.0]}
    cells = {"n_cells": 3, "detunings": [-0.1, 0.0, 0.1], "energies": [1.0, 1.1, 0.9]}
    model = build_model(experiment(noise=noise, battery=cells))
    expected = qb.Battery(
        qb.CollectiveBath(1.3, 0.7),
        (qb.LocalNoise(0.1, 0.1), qb.LocalNoise(0.2, 0.1, 0.1), qb.LocalNoise(0.3, 0.1)),
        (-0.1, 0.0, 0.1),
        (1.0, 1.1, 0.9),
    )
    assert same(model.battery, expected)


def test_extra_jumps_and_squeezing() -> None:
    jumps = [{"rate": 0.2, "operator": {"I-+": 1.0, "ZZI": [0.0, 0.5]}}]
    model = build_model(experiment({"extra_jumps": jumps}))
    pairs = [(0.2, {"I-+": 1.0, "ZZI": 0.5j})]
    expected = qb.Battery.identical(3, qb.CollectiveBath(1.3, 0.7), extra_jumps=pairs)
    assert same(model.battery, expected)
    squeezed = build_model(experiment({"kind": "squeezed", "squeezing": [0.3, -0.4]}))
    assert squeezed.battery.bath == qb.CollectiveBath(1.3, 0.7, 0.3 - 0.4j)


def test_levels_without_and_with_a_chip() -> None:
    cells = {"n_cells": 2, "levels": 3, "frequency": 5e5, "anharmonicity": -3e4}
    ideal = build_model(experiment({"bandwidth": 10.0}, battery=cells))
    assert ideal.battery.transmon == qb.TransmonLevels(3, 5e5, -3e4, 10.0)
    chip = build_model(experiment(None, CHIP, battery={"levels": 4}))
    assert chip.battery.transmon == chip.device.transmon_levels(4)
    two = build_model(experiment(None, CHIP))
    assert [f.code for f in two.battery.audit()].count("noise-band") == 1
    narrow = build_model(experiment({"bandwidth": 1e6}, CHIP))
    assert "noise-band" not in {f.code for f in narrow.battery.audit()}
    fez = {**CHIP, "calibration": "fez", "assumed_frequency_hz": 4.6e9}
    with pytest.raises(qb.InputError, match="The anharmonicity of qubits 0, 1 is not known"):
        build_model(experiment(None, fez, battery={"levels": 3}))
    assumed = {**fez, "assumed_anharmonicity_hz": -3.1e8}
    model = build_model(experiment(None, assumed, battery={"levels": 3}))
    assert "anharmonicity of qubits 0, 1 is missing: -3.1e+08 Hz assumed" in model.assumptions


def test_the_main_job_with_three_levels_says_what_leaks() -> None:
    job = experiment(
        None, CHIP, battery={"levels": 3}, measurement={"shots": 20000, "delay_s": 5e-8}
    )
    result = qb.run_experiment(job)
    assert max(result.energy_deviation, result.ergotropy_deviation) < 1e-9
    best = float(result.curve.times[result.curve.best])
    (expected,) = leakage(result.model.battery, (3,), best, "thermal")
    words = " ".join(result.notes)
    assert f"At the best time {expected.outside:.2%} of the weight is above the two lowest" in words
    assert "With 4 instead of 3 levels it is" in words
    content = result_content(result)
    assert content["leakage"]["levels"] == 3
    assert content["leakage"]["outside"] == pytest.approx(result.leakage.outside)
    data = result_dataset(result)
    assert data.charged_state.dims == ("level_row", "level_column")
    assert list(data.level_row.values[:5]) == ["00", "01", "02", "10", "11"]
    assert data.raw_state.shape == (4, 4)
    # The estimate is of what two levels show, and near it.
    assert result.estimate.energy.value == pytest.approx(result.leakage.two_level_energy, abs=0.03)
    assert result.energy_at_readout > 1.05 * result.leakage.two_level_energy


def test_a_leaked_cell_is_not_rotated_and_reads_as_excited() -> None:
    """Counts follow probabilities worked out level by level."""
    cells = {"n_cells": 1, "levels": 3, "frequency": 5e5, "anharmonicity": -3e4}
    model = build_model(experiment(None, None, battery=cells, measurement={"shots": 200_000}))
    ket = np.sqrt([0.5, 0.3, 0.2])
    state = np.outer(ket, ket).astype(complex)
    counts = measure(model, battery_while_waiting(model), state)
    plus = (np.sqrt(0.5) + np.sqrt(0.3)) ** 2 / 2  # <+|: reads 0 in X
    expected = {"X": plus, "Y": 0.4, "Z": 0.5}
    for setting, row in zip(counts.settings, counts.table, strict=True):
        assert row[0] / 200_000 == pytest.approx(expected[setting], abs=0.006)
    turned = rotated_levels(state, ("X",), 3)
    assert two_level_view(turned, 3)[0, 0, 0].real == pytest.approx(plus)


def test_an_envelope_of_the_file_is_that_of_python() -> None:
    table = {"times": [0.5, 1.0], "rate": [1.0, 0.0], "occupation": [0.7, 0.2]}
    job = experiment({"envelope": table}, noise={"rate": 0.05})
    model = build_model(job)
    assert model.envelope == qb.Envelope.table([0.5, 1.0], rate=[1, 0], occupation=[0.7, 0.2])
    result = qb.run_experiment(job)
    assert result.steady is None
    assert "the bath's rates change in time" in " ".join(result.notes)
    plain = qb.charge(model.battery, result.curve.times)
    assert abs(plain.energy[-1] - result.curve.energy[-1]) > 0.05
    assert result.energy_deviation < 1e-8
    assert json.dumps(result_content(result)["experiment"]["bath"]["envelope"])
    on = experiment({"envelope": table}, measurement={"bath_off": False})
    with pytest.raises(qb.InputError, match=r"'measurement\.bath_off' must be true with a"):
        qb.run_experiment(on)


@pytest.mark.parametrize(
    ("bath", "tables", "sentence"),
    [
        ({"collectivity": 1.5}, {}, "'bath.collectivity' must be a finite number >= 0 and <= 1"),
        ({"correlation": -0.7}, {}, r"'correlation' must be >= -1/\(N-1\) \(-0.5\) for 3 cells"),
        ({"correlation": [[1, 0.1], [0.1, 1]]}, {}, "'coupling' must be of as many cells as the"),
        ({"positions": [0, 1, 2], "correlation": 0.1}, {}, "must not be given together"),
        ({"bandwidth": 1.0}, {}, "'bath.bandwidth' needs 'battery.frequency' and"),
        ({}, {"noise": {"rate": [0.1, 0.2]}}, r"'noise.rate' must hold one number per cell \(3\)"),
        (
            {"extra_jumps": [{"rate": 1.0, "operator": {"Q": 1.0}}]},
            {},
            "'extra_jumps' must be products of 3 letters",
        ),
        (
            {"envelope": {"times": [1.0, 0.5], "rate": [1.0, 0.0]}},
            {},
            "'times' must be",
        ),
    ],
)
def test_bad_tables_get_one_sentence(bath, tables, sentence) -> None:
    with pytest.raises(qb.InputError, match=sentence) as caught:
        build_model(experiment(bath, **tables))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            {"bath": {"kind": "rates", "emission": 1.0, "absorption": 0.5, "collectivity": 0.5}},
            "neither 'rate' nor an occupation, 'squeezing' or 'collectivity'.",
        ),
        ({"battery": {"n_cells": 2, "levels": 3}}, "'battery.frequency' and 'battery.anharmon"),
        ({"chip": CHIP, "battery": {"detunings": [0.0, 0.0]}}, "must be left to the .chip.."),
        (
            {"bath": {**BATH, "correlaton": 0.5}},
            "'bath.correlaton' is an unknown key .did you mean",
        ),
        ({"bath": {**BATH, "envelope": {"rate": [1.0]}}}, "'bath.envelope.times' is missing."),
    ],
)
def test_bad_files_get_one_sentence(content, sentence) -> None:
    base = {"battery": {"n_cells": 2}, "bath": BATH, "charging": {"times": {"stop": 1, "num": 2}}}
    with pytest.raises(qb.InputError, match=sentence):
        validated(Experiment, {**base, **content})


def test_what_physics_decides_is_printed_with_the_curve(tmp_path, monkeypatch, capsys) -> None:
    """`qbat charge` and `qbat run` end with the audit's sentences, and with no MHz of no chip."""
    (tmp_path / "e.toml").write_text(
        "[battery]\nn_cells = 2\ndetunings = [-3.0, 3.0]\n[bath]\nrate = 0.05\noccupation = 2.0\n"
        "[noise]\nrate = 0.1\n[charging]\ntimes = { stop = 4, num = 5 }\n"
        "[measurement]\nshots = 50\n"
    )
    monkeypatch.chdir(tmp_path)
    for command in ("charge", "run"):
        monkeypatch.setattr("sys.argv", ["qbat", command, "e.toml"])
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code
        printed = " ".join(capsys.readouterr().out.split())
        for sentence in (
            "Two cells with local noise keep no work in the steady state",
            "The local baths have another occupation than the collective one",
            "The cells are spread over 6, more than the collective rate kappa(2n+1) = 0.25",
            "The collective rate 0.05 is below the fastest local rate 0.1",
        ):
            assert sentence in printed
        assert "MHz" not in printed
