"""Calibrations from a dashboard's CSV, in all its variants, and from a backend."""

from pathlib import Path

import pytest

import qbat_circuits as qb
from qbat_circuits.calibration import Calibration

NEW = (
    '\ufeff"Qubit","T1 (us)","T2 (us)","Readout assignment error ","Prob meas0 prep1 ",'
    '"Prob meas1 prep0 ","Readout length (ns)","CZ error"\n'
    '0,120.5,80.25,0.02,0.03,0.01,1560,"1:0.0081;2:0.012"\n'
    '1,99,250,0.05,0.06,0.04,1560,"0:0.0081"\n'
    '2,,40,0.01,0.01,0.01,1560,""\n'
)
OLD = (
    "Qubit,T1 (µs),T2 (μs),Frequency (GHz),Anharmonicity (GHz),Readout assignment error ,"
    "Prob meas0 prep1 ,Prob meas1 prep0 ,Readout length (ns),ECR error \n"
    "1,99,150,4.8,-0.31,0.05,0.06,0.04,1244,1_0:0.01\n"
    "0,120.5,80.25,4.7,-0.30,0.02,0.03,0.01,1244,0_1:0.01;0_2:0.02\n"
    "2,50,40,4.9,0,0.01,0.01,0.01,1244,\n"
)
NAME = "ibm_fez_calibrations_2025-01-13T16_54_24Z.csv"


def written(folder: Path, text: str, name: str = NAME) -> Path:
    file = folder / name
    file.write_bytes(text.encode())
    return file


def test_a_new_file_with_every_oddity_of_its_kind(tmp_path: Path) -> None:
    """Byte-order mark, trailing blanks, pairs "1:err", an empty cell, Windows line ends."""
    for text in (NEW, NEW.replace("\n", "\r\n")):
        chip = qb.load_calibration(written(tmp_path, text))
        assert (chip.name, chip.calibrated_at) == ("ibm_fez", "2025-01-13T16:54:24+00:00")
        assert chip.coupling_map == ((0, 1), (0, 2))
        first = chip.qubits[0]
        assert first.t1_s == pytest.approx(120.5e-6)
        assert (first.prob_meas0_prep1, first.prob_meas1_prep0) == (0.03, 0.01)
        assert first.readout_length_s == pytest.approx(1.56e-6)
        assert first.frequency_hz is None
        assert chip.qubits[2].t1_s is None
        assert any("T2 > 2 T1" in w for w in chip.warnings_by_kind())
        assert chip.unverified == ()


def test_an_old_file_in_any_order_with_both_micro_signs(tmp_path: Path) -> None:
    chip = qb.load_calibration(written(tmp_path, OLD, "export.CSV"))
    assert (chip.name, chip.calibrated_at) == ("export", None)
    assert [qubit.index for qubit in chip.qubits] == [0, 1, 2]
    assert chip.qubits[1].frequency_hz == pytest.approx(4.8e9)
    assert chip.qubits[1].anharmonicity_hz == pytest.approx(-3.1e8)
    assert chip.coupling_map == ((0, 1), (0, 2))
    device = qb.Device.from_calibration(
        chip, [0, 1], tune_to_resonance=True, residual_population=0.01
    )
    assert device.hypothetical
    assert qb.Battery.from_device(device, qb.CollectiveBath(6.3e6, 1.0)).n_cells == 2


def test_saved_and_read_back_it_is_the_same(tmp_path: Path) -> None:
    chip = qb.load_calibration(written(tmp_path, NEW))
    chip.save(tmp_path / "mine.json")
    assert qb.load_calibration(tmp_path / "mine.json") == chip


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (NEW.replace('"T1 (us)"', '"T0 (us)"'), "the column 'T1' is missing."),
        (NEW.replace('"Prob meas0 prep1 "', '"x"'), "the column 'Prob meas0 prep1' is missing."),
        (NEW.replace("T1 (us)", "T1 (ms)"), "the column 'T1' must be in 'us', not 'ms'."),
        (NEW.replace("T1 (us)", "T1"), "the column 'T1' must be in 'us', not ''."),
        (NEW.replace("T2 (us)", "T1 (us)"), "the column 'T1' must be given once, not twice."),
        (NEW.replace("120.5", "120,5"), "line 2 must have 8 cells, not 9."),
        (NEW.replace("120.5", "long"), "line 2, 't1_s' must be a number, not 'long'."),
        (NEW.replace("120.5", "nan"), "line 2, 't1_s' must be a number, not 'nan'."),
        (NEW.replace("120.5", "-3"), "'qubits[0].t1_s' must be a finite number > 0"),
        (NEW.replace("1:0.0081;", "1=0.0081;"), "line 2, 'CZ error' must hold pairs such as"),
        (OLD.replace("0_1:0.01", "3_1:0.01"), "line 3, 'ECR error' must hold pairs such as"),
        (NEW.replace("2:0.012", "7:0.012"), "must be two different qubits from 0 to 2"),
        (NEW.replace("\n1,99", "\n0,99"), "line 3, 'Qubit' must be given once, not 0 twice."),
        (NEW.replace("\n1,99", "\n3,99"), "'qubits[1].index' must be 1, not 2."),
        (NEW.replace("\n1,99", "\n1.5,99"), "'Qubit' must be a whole number >= 0, not 1.5."),
        (NEW.splitlines()[0] + "\n", "it must hold a header and a row for each qubit."),
        (NEW.replace('"1:0.0081;2:0.012"', '"1:0.0081'), "it is no CSV file"),
        ("\n\n", "is empty."),
    ],
)
def test_a_bad_csv_gets_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(qb.InputError) as caught:
        qb.load_calibration(written(tmp_path, text))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert NAME in str(caught.value)


def test_a_csv_that_is_not_there() -> None:
    with pytest.raises(qb.InputError, match=r"'none\.csv' does not exist"):
        qb.load_calibration("none.csv")


@pytest.mark.parametrize("name", ["FakeBrisbane", "FakeFez", "FakeSherbrooke"])
def test_a_fake_backend_is_its_saved_snapshot(name: str) -> None:
    """The same figures as the bundled file of the same snapshot."""
    import qiskit_ibm_runtime.fake_provider as fakes

    chip = qb.load_calibration(getattr(fakes, name)())
    bundled = qb.load_calibration(name.removeprefix("Fake").lower())
    assert len(chip.qubits) == len(bundled.qubits)
    for one, two in zip(chip.qubits, bundled.qubits, strict=True):
        for figure in ("t1_s", "t2_s", "frequency_hz", "prob_meas1_prep0", "prob_meas0_prep1"):
            assert getattr(one, figure) == getattr(two, figure)
    assert (chip.coupling_map, chip.gates) == (bundled.coupling_map, bundled.gates)
    assert isinstance(Calibration.from_dict(chip.to_dict()), Calibration)


def test_a_backend_without_properties_is_refused_in_one_sentence() -> None:
    from qiskit_aer import AerSimulator

    for other in (AerSimulator(), 3, None, object()):
        with pytest.raises(qb.InputError, match=r"or a backend with properties\(\)") as caught:
            qb.load_calibration(other)
        assert "\n" not in str(caught.value)
