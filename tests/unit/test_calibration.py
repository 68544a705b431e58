"""Calibrations: both file formats, every policy for odd values, every refusal, bundled data."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qbat_circuits import calibration_files
from qbat_circuits.calibration import (
    Calibration,
    FigureSource,
    GateCalibration,
    QubitCalibration,
    bundled_calibrations,
    load_calibration,
)
from qbat_circuits.errors import InputError, QbatError
from qbat_circuits.qubit_calibration import FIGURES, named_qubits

DATA = Path(__file__).parents[1] / "data" / "properties"
SNAPSHOTS = ("brisbane", "fez", "sherbrooke")


def snapshot(name: str) -> dict[str, Any]:
    """Raw properties of a fake backend, as the installed package holds them."""
    import qiskit_ibm_runtime.fake_provider.backends as backends

    path = Path(backends.__path__[0]) / name / f"props_{name}.json"
    return dict(json.loads(path.read_text()))


def small(**changes: Any) -> dict[str, Any]:
    """Content of a valid two-qubit calibration in our own format."""
    qubit = {"t1_s": 1e-4, "t2_s": 8e-5, "prob_meas1_prep0": 0.01, "prob_meas0_prep1": 0.03}
    figures = {name: {"source": "a test", "verified": True} for name in qubit}
    content = {
        "format": "qbat-calibration",
        "version": 1,
        "name": "small",
        "description": "two qubits",
        "source": "a test",
        "calibrated_at": "2025-03-01T08:00:00-05:00",
        "tunable": False,
        "common_line": False,
        "t1_includes_line": False,
        "coupling_map": [[0, 1]],
        "figures": figures,
        "qubits": [{"index": i, **qubit} for i in range(2)],
    }
    return {**content, **changes}


def changed(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """`small` with one value deep inside replaced."""
    content: Any = json.loads(json.dumps(small()))
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return dict(content)


def refusal(tmp_path: Path, content: Any) -> str:
    """The sentence with which a file of this content is refused, without its fixed beginning."""
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError) as caught:
        load_calibration(path)
    text = str(caught.value)
    start = f"The calibration file {str(path)!r} is refused: "
    assert text.startswith(start)
    assert "\n" not in text
    return text.removeprefix(start)


# Bundled data


def test_bundled_names() -> None:
    assert bundled_calibrations() == ("brisbane", "fez", "sherbrooke", "waveguide4")


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_bundled_snapshots_equal_the_public_ones(name: str) -> None:
    units = {"us": 1e-6, "ns": 1e-9, "GHz": 1e9, "": 1.0}
    raw, calibration = snapshot(name), load_calibration(name)
    assert len(calibration.qubits) == len(raw["qubits"]) == {"fez": 156}.get(name, 127)
    for qubit, rows in zip(calibration.qubits, raw["qubits"], strict=True):
        figures = {row["name"]: row["value"] * units[row["unit"]] for row in rows}
        ours = [
            qubit.t1_s,
            qubit.t2_s,
            qubit.frequency_hz,
            qubit.anharmonicity_hz,
            qubit.prob_meas1_prep0,
            qubit.prob_meas0_prep1,
            qubit.readout_error,
            qubit.readout_length_s,
        ]
        names = ["T1", "T2", "frequency", "anharmonicity", "prob_meas1_prep0", "prob_meas0_prep1"]
        theirs = [figures.get(key) for key in [*names, "readout_error", "readout_length"]]
        assert [x is None for x in ours] == [x is None for x in theirs]
        assert [x for x in ours if x is not None] == pytest.approx(
            [x for x in theirs if x is not None], rel=1e-12, abs=0
        )
        dates = {row["name"]: row["date"] for row in rows}
        assert dict(qubit.dates)["t1_s"] == dates["T1"]
        assert dict(qubit.dates)["prob_meas1_prep0"] == dates["prob_meas1_prep0"]
    assert calibration.calibrated_at == raw["last_update_date"]
    assert calibration.unverified == ()
    assert (calibration.tunable, calibration.common_line) == (False, False)
    assert not calibration.t1_includes_line
    for text in (calibration.source, *(figure.source for figure in calibration.figures)):
        assert re.match(rf"qiskit-ibm-runtime \d+\.\d+\.\d+, .*props_{name}\.json", text)
        assert raw["backend_version"] in text


def test_first_figures_of_brisbane() -> None:
    qubit = load_calibration("brisbane").qubits[0]
    assert qubit.t1_s == pytest.approx(237.36364020705798e-6, rel=1e-12)
    assert qubit.t2_s == pytest.approx(49.42561173908419e-6, rel=1e-12)
    assert qubit.frequency_hz == pytest.approx(4.721905813680797e9, rel=1e-12)
    assert qubit.anharmonicity_hz == pytest.approx(-0.31197865973435573e9, rel=1e-12)
    assert (qubit.prob_meas1_prep0, qubit.prob_meas0_prep1) == (0.025390625, 0.0302734375)
    assert qubit.readout_length_s == pytest.approx(1300e-9, rel=1e-12)


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_bundled_coupling_maps_are_those_of_the_chips(name: str) -> None:
    import qiskit_ibm_runtime.fake_provider.backends as backends

    path = Path(backends.__path__[0]) / name / f"conf_{name}.json"
    pairs = {tuple(sorted(pair)) for pair in json.loads(path.read_text())["coupling_map"]}
    calibration = load_calibration(name)
    assert list(calibration.coupling_map) == sorted(pairs)
    assert len(calibration.coupling_map) == {"fez": 176}.get(name, 144)


def test_waveguide_design_point() -> None:
    chip = load_calibration("waveguide4")
    assert (len(chip.qubits), chip.tunable, chip.common_line) == (4, True, True)
    assert not chip.t1_includes_line
    assert chip.calibrated_at is None
    assert chip.line_rate_per_s == pytest.approx(2 * math.pi * 1e6, rel=1e-15)
    for qubit in chip.qubits:
        assert (qubit.t1_s, qubit.t2_s) == (30e-6, 20e-6)
        assert (qubit.frequency_hz, qubit.anharmonicity_hz) == (5e9, -300e6)
        assert qubit.residual_population == 0.01
        assert (qubit.prob_meas1_prep0, qubit.prob_meas0_prep1) == (0.01, 0.02)
    assert not any(figure.verified for figure in chip.figures)
    given = {name for name in FIGURES if getattr(chip.qubits[0], name) is not None}
    assert {figure.figure for figure in chip.figures} == given | {"line_rate_per_s"}
    doubted = [text for text in chip.warnings if "not verified: T1, T2, frequency" in text]
    assert [text[:8] for text in doubted] == [f"Qubit {i}:" for i in range(4)]


def test_data_lies_in_the_package_or_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed, beside = tmp_path / "installed", tmp_path / "beside"
    monkeypatch.setattr(calibration_files, "_FOLDERS", (installed, beside))
    with pytest.raises(QbatError, match="bundled calibrations are missing from this installation"):
        bundled_calibrations()
    for folder, name in ((beside, "one"), (installed, "two")):
        folder.mkdir()
        Calibration.from_dict(small(name=name)).save(folder / f"{name}.json")
        assert bundled_calibrations() == (name,)
        assert load_calibration(name).name == name


def test_sources_are_written_down_for_every_bundled_chip() -> None:
    text = (Path(__file__).parents[2] / "calibration" / "SOURCES.md").read_text()
    rows = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("|")}
    for name in SNAPSHOTS:
        package, version = load_calibration(name).source.split(",")[0].split()
        assert f"{package} {version}" in text
        assert snapshot(name)["backend_version"] in rows[f"{name}.json"]
        assert "| yes |" in rows[f"{name}.json"]
    assert "**no**" in rows["waveguide4.json"]


# Finding a calibration


def test_unknown_name_gives_near_names_and_the_list() -> None:
    known = "'brisbane', 'fez', 'sherbrooke', 'waveguide4'"
    rule = "'calibration' must be the path of a JSON file or one of"
    for name, near in (("brisban", " (did you mean 'brisbane'?)"), ("xyzzy", ""), ("", "")):
        with pytest.raises(InputError) as caught:
            load_calibration(name)
        assert str(caught.value) == f"{rule} {known}, not {name!r}{near}."


def test_missing_file_directory_and_wrong_type(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"calibration file '.*none' does not exist\.$"):
        load_calibration(tmp_path / "none")
    with pytest.raises(InputError, match=r"file 'brisbane\.json' does not exist\.$"):
        load_calibration("brisbane.json")
    with pytest.raises(InputError, match=r"is a directory\.$"):
        load_calibration(tmp_path)
    with pytest.raises(
        InputError, match=r"must be a bundled name, a path or a backend with properties.*, not 3\.$"
    ):
        load_calibration(3)  # type: ignore[arg-type]


def test_a_bundled_name_wins_over_a_file_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Calibration.from_dict(small()).save("brisbane")
    Calibration.from_dict(small()).save("mine")
    assert load_calibration("brisbane").name == "brisbane"
    assert load_calibration("./brisbane").name == "small"
    assert load_calibration(Path("brisbane")).name == "small"
    assert load_calibration("mine").name == "small"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b'{"format": "qbat-calibration", ', r"is not valid JSON: .* at line 1, column 32\.$"),
        (b"[" * 100_000, r"is nested deeper than 64 levels\.$"),
        (b"\xff\xfe", r"is not UTF-8 text \(byte 0\)\.$"),
        (b"", r"is empty\.$"),
        (b'{"qubits": NaN}', r"is refused: NaN is not a number that JSON knows\.$"),
        (b"[]", r"is refused: the top level must be a JSON object, not \[\]\.$"),
        (b'"brisbane"', r"is refused: the top level must be a JSON object, not 'brisbane'\.$"),
        (b'{"a": 1}', r"is refused: it must be a calibration .* not an object .* \['a'\]\.$"),
    ],
)
def test_broken_files_are_refused_in_one_sentence(
    tmp_path: Path, data: bytes, sentence: str
) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(data)
    with pytest.raises(InputError, match=sentence) as caught:
        load_calibration(path)
    assert str(caught.value).startswith(f"The calibration file {str(path)!r} is ")


# Our own format


@pytest.mark.parametrize("name", ["brisbane", "fez", "sherbrooke", "waveguide4"])
def test_round_trip_is_exact(tmp_path: Path, name: str) -> None:
    calibration = load_calibration(name)
    calibration.save(tmp_path / "copy.json")
    copy = load_calibration(tmp_path / "copy.json")
    assert copy == calibration
    assert copy.sha256 == calibration.sha256
    copy.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "copy.json").read_bytes()


def test_hash_changes_with_every_field() -> None:
    calibration = load_calibration("waveguide4")
    qubits, figures = calibration.qubits, calibration.figures
    others = [
        replace(calibration, name="other"),
        replace(calibration, description="other"),
        replace(calibration, source="other"),
        replace(calibration, calibrated_at="2025-03-01T08:00:00-05:00"),
        replace(calibration, tunable=False),
        replace(calibration, common_line=False),
        replace(calibration, t1_includes_line=True),
        replace(calibration, line_rate_per_s=1.0),
        replace(calibration, coupling_map=((0, 1),)),
        replace(calibration, gates=(GateCalibration("x", (0,)),)),
        replace(calibration, figures=(replace(figures[0], verified=True), *figures[1:])),
        replace(calibration, qubits=qubits[:3]),
        replace(calibration, qubits=(replace(qubits[0], t1_s=3.1e-5), *qubits[1:])),
        replace(
            calibration,
            qubits=(replace(qubits[0], dates=(("t1_s", "2025-03-01T08:00Z"),)), *qubits[1:]),
        ),
    ]
    hashes = {calibration.sha256, *(other.sha256 for other in others)}
    assert len(hashes) == len(others) + 1
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in hashes)


def test_coupling_map_is_sorted_pairs_without_direction() -> None:
    assert Calibration.from_dict(small(coupling_map=[[1, 0], [0, 1]])).coupling_map == ((0, 1),)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            small(version=2, new_key=1),
            "'version' must be 1, which is what this release reads, not 2.",
        ),
        (
            small(version=True),
            "'version' must be 1, which is what this release reads, not True.",
        ),
        (
            small(format="qbat-counts"),
            "'format' must be 'qbat-calibration', not 'qbat-counts'.",
        ),
        (small(tuneable=True), "'tuneable' is an unknown key (did you mean 'tunable'?)."),
        (small(tunable="no"), "'tunable' must be a valid boolean, not 'no'."),
        (small(name=" "), "'name' must be one line of text, not ' '."),
        (small(source="a\nb"), "'source' must be one line of text, not 'a\\nb'."),
        (
            {k: v for k, v in small().items() if k != "qubits"},
            "'qubits' is missing.",
        ),
        (small(qubits={}), "'qubits' must be a valid list, not {}."),
        (small(qubits=[]), "'qubits' must hold at least one qubit, not none."),
        (changed(("qubits", 1, "index"), 0), "'qubits[1].index' must be 1, not 0."),
        (
            changed(("qubits", 1, "t1_s"), 0),
            "'qubits[1].t1_s' must be a finite number > 0, not 0.0.",
        ),
        (
            changed(("qubits", 1, "t2_s"), -1e-6),
            "'qubits[1].t2_s' must be a finite number > 0, not -1e-06.",
        ),
        (
            changed(("qubits", 0, "prob_meas1_prep0"), 1.5),
            "'qubits[0].prob_meas1_prep0' must be a finite number >= 0 and <= 1, not 1.5.",
        ),
        (
            changed(("qubits", 0, "residual_population"), 0.5),
            "'qubits[0].residual_population' must be a finite number >= 0 and < 0.5, not 0.5.",
        ),
        (
            changed(("qubits", 0, "t1_s"), "1e-4"),
            "'qubits[0].t1_s' must be a valid number, not '1e-4'.",
        ),
        (
            changed(("qubits", 0, "t1_s"), True),
            "'qubits[0].t1_s' must be a valid number, not True.",
        ),
        (
            changed(("qubits", 0, "t1_us"), 100),
            "'qubits[0].t1_us' is an unknown key (did you mean 't1_s' or 't2_s'?).",
        ),
        (
            changed(("figures", "t1_s", "verify"), True),
            "'figures.t1_s.verify' is an unknown key (did you mean 'verified'?).",
        ),
        (
            small(figures={}),
            "'figures' must say where 't1_s' comes from.",
        ),
        (
            small(line_rate_per_s=1.0),
            "'figures' must say where 'line_rate_per_s' comes from.",
        ),
        (
            small(line_rate_per_s=-1.0),
            "'line_rate_per_s' must be a finite number >= 0, not -1.0.",
        ),
        (
            small(calibrated_at="yesterday"),
            "'calibrated_at' must be an ISO date with time zone, not 'yesterday'.",
        ),
        (
            small(calibrated_at="2025-03-01T08:00:00"),
            "'calibrated_at' must be an ISO date with time zone, not '2025-03-01T08:00:00'.",
        ),
        (
            changed(("qubits", 0, "dates"), {"t1_s": "2025"}),
            "'qubits[0].dates.t1_s' must be an ISO date with time zone, not '2025'.",
        ),
        (
            small(coupling_map=[[0, 2]]),
            "'coupling_map[0]' must be two different qubits from 0 to 1, not [0, 2].",
        ),
        (
            small(coupling_map=[[0, 0]]),
            "'coupling_map[0]' must be two different qubits from 0 to 1, not [0, 0].",
        ),
        (
            small(coupling_map=[[0]]),
            "'coupling_map[0]' must be two different qubits from 0 to 1, not [0].",
        ),
    ],
)
def test_own_format_refusals(tmp_path: Path, content: dict[str, Any], sentence: str) -> None:
    assert refusal(tmp_path, content) == sentence


def test_unknown_figure_names_are_refused(tmp_path: Path) -> None:
    content = changed(("figures", "t3_s"), {"source": "a test", "verified": True})
    text = refusal(tmp_path, content)
    assert text.startswith("'figures' must be one of 't1_s', ")
    assert "not 't3_s' (did you mean 't2_s'" in text
    text = refusal(tmp_path, changed(("qubits", 0, "dates"), {"t3_s": "2025-03-01T08:00Z"}))
    assert text.startswith("'qubits[0].dates' must be one of ")


def test_values_made_by_hand_are_checked_too() -> None:
    with pytest.raises(InputError, match=r"^'qubits\[3\]\.t1_s' must be .* > 0, not nan\.$"):
        QubitCalibration(3, t1_s=math.nan)
    figure = FigureSource("t1_s", "a test", verified=True)
    with pytest.raises(InputError, match="'figures' must be one entry per figure"):
        Calibration("a", "b", "c", (QubitCalibration(0),), (figure, figure))
    with pytest.raises(InputError, match=r"verified' must be true or false, not 'yes'\.$"):
        FigureSource("t1_s", "a test", "yes")  # type: ignore[arg-type]


# BackendProperties


def test_every_unit_gives_the_same_figures() -> None:
    calibration = load_calibration(DATA / "units.json")
    for qubit in calibration.qubits:
        assert qubit.t1_s == pytest.approx(100e-6, rel=1e-12)
        assert qubit.t2_s == pytest.approx(80e-6, rel=1e-12)
        assert qubit.frequency_hz == pytest.approx(5.1e9, rel=1e-12)
        assert qubit.anharmonicity_hz == pytest.approx(-310e6, rel=1e-12)
        assert qubit.readout_length_s == pytest.approx(1.3e-6, rel=1e-12)
    assert calibration.name == "test_units"
    assert calibration.coupling_map == ((0, 1), (1, 2))
    assert calibration.calibrated_at == "2025-03-01T08:00:00-05:00"
    assert calibration.source == "BackendProperties of test_units 1.0.0"
    assert (calibration.tunable, calibration.common_line) == (False, False)
    assert calibration.warnings == ()


def test_imported_properties_become_our_own_format(tmp_path: Path) -> None:
    calibration = load_calibration(DATA / "units.json")
    calibration.save(tmp_path / "own.json")
    assert json.loads((tmp_path / "own.json").read_text())["format"] == "qbat-calibration"
    assert load_calibration(tmp_path / "own.json") == calibration


def test_properties_as_a_backend_gives_them(tmp_path: Path) -> None:
    """`backend.properties().to_dict()` holds datetimes, which people save with ``default=str``."""
    from qiskit_ibm_runtime.fake_provider import FakeFez

    path = tmp_path / "saved"
    path.write_text(json.dumps(FakeFez().properties().to_dict(), default=str))
    imported, bundled = load_calibration(path), load_calibration("fez")
    assert imported.name == "ibm_fez"
    assert imported.coupling_map == bundled.coupling_map
    for ours, theirs in zip(imported.qubits, bundled.qubits, strict=True):
        assert [getattr(ours, name) for name in FIGURES] == [
            value if value is None else pytest.approx(value, rel=1e-12)
            for value in (getattr(theirs, name) for name in FIGURES)
        ]


def drop_qubits(content: dict[str, Any]) -> None:
    del content["qubits"]


def set_value(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def edit(content: dict[str, Any]) -> None:
        next(row for row in content["qubits"][1] if row["name"] == name)["value"] = value

    return edit


def set_unit(content: dict[str, Any]) -> None:
    content["qubits"][1][0]["unit"] = "min"


def repeat_figure(content: dict[str, Any]) -> None:
    content["qubits"][1].append(content["qubits"][1][0])


def break_date(content: dict[str, Any]) -> None:
    content["qubits"][1][0]["date"] = "2025-03-01 06:00"


def far_gate(content: dict[str, Any]) -> None:
    content["gates"].append({"qubits": [1, 7], "gate": "cz"})


def empty_row(content: dict[str, Any]) -> None:
    content["qubits"][1].append({})


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (drop_qubits, "'qubits' is missing."),
        (empty_row, "'qubits[1][8].name' is missing."),
        (set_value("T1", 0), "'qubits[1].t1_s' must be a finite number > 0, not 0.0."),
        (set_value("T1", "100"), "'qubits[1].T1' must be a finite number, not '100'."),
        (
            set_value("prob_meas0_prep1", -0.1),
            "'qubits[1].prob_meas0_prep1' must be a finite number >= 0 and <= 1, not -0.1.",
        ),
        (repeat_figure, "'qubits[1].T1' must be given once, not twice."),
        (
            break_date,
            "'qubits[1].dates.t1_s' must be an ISO date with time zone, not '2025-03-01 06:00'.",
        ),
        (far_gate, "'coupling_map[4]' must be two different qubits from 0 to 2, not [1, 7]."),
    ],
)
def test_properties_refusals(
    tmp_path: Path, edit: Callable[[dict[str, Any]], None], sentence: str
) -> None:
    content = json.loads((DATA / "units.json").read_text())
    edit(content)
    assert refusal(tmp_path, content) == sentence


def test_unknown_unit_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    content = json.loads((DATA / "units.json").read_text())
    set_unit(content)
    text = refusal(tmp_path, content)
    assert text.startswith("'qubits[1].T1 unit' must be one of 's', 'ms', 'us', ")
    assert "not 'min'" in text


def test_null_and_unknown_figures_of_properties_are_missing(tmp_path: Path) -> None:
    content = json.loads((DATA / "units.json").read_text())
    set_value("frequency", None)(content)
    content["qubits"][1].append({"name": "mystery", "value": "x", "unit": "parsec", "date": None})
    (tmp_path / "some.json").write_text(json.dumps(content))
    assert load_calibration(tmp_path / "some.json").qubits[1].frequency_hz is None


# Policies


ODD = {
    1: "Qubit 1: T2 (250 us) > 2 T1 (200 us); pure dephasing is clipped at 0.",
    3: "Qubit 3: frequency is missing; what needs it asks for an assumed frequency.",
    4: "Qubit 4: anharmonicity is missing; two levels only.",
    5: "Qubit 5: anharmonicity exactly 0 Hz, which no transmon has; counts as missing, two levels "
    "only.",
    6: "Qubit 6: readout close to a coin (P(1|0) + P(0|1) = 0.92); used as reported.",
    7: "Qubit 7: readout worse than a coin (P(1|0) + P(0|1) = 1); the qubit cannot be chosen.",
    8: "Qubit 8: readout worse than a coin (P(1|0) + P(0|1) = 1.1); used as reported.",
    9: "Qubit 9: readout error is not the mean of its parts (0.025, not 0.02); the parts are used.",
    10: "Qubit 10: readout length is missing; none is assumed.",
    11: "Qubit 11: T1 is 9.3 days older than the calibration; the figures describe different "
    "times.",
    12: "Qubit 12: P(0|1) is missing; the qubit cannot be chosen.",
}


def test_every_odd_value_has_its_warning_and_no_other() -> None:
    calibration = load_calibration(DATA / "odd.json")
    expected = [ODD[q] for q in ODD if q < 2]
    expected += [f"Qubit 2: {x} is missing; the qubit cannot be chosen." for x in ("T1", "T2")]
    expected += [ODD[q] for q in ODD if q > 2]
    assert list(calibration.warnings) == expected


def test_obstacles_are_what_the_warnings_say() -> None:
    qubits = load_calibration(DATA / "odd.json").qubits
    assert {q.index: q.obstacles for q in qubits if q.obstacles} == {
        2: ("no T1", "no T2"),
        7: ("a readout that tells nothing (P(1|0) + P(0|1) = 1)",),
        12: ("no P(0|1)",),
    }


def test_stale_dates_are_told_without_a_calibration_date_and_from_seven_days_on() -> None:
    def warnings(t1: str, readout: str, calibrated_at: str | None) -> tuple[str, ...]:
        dates = (("t1_s", t1), ("prob_meas1_prep0", readout), ("frequency_hz", "1999-01-01T00Z"))
        qubit = {**small()["qubits"][0], "frequency_hz": 5e9, "anharmonicity_hz": -3e8}
        qubit = QubitCalibration(**qubit, readout_length_s=1e-6, dates=dates)
        figures = [FigureSource(name, "a test", True) for name in FIGURES]
        chip = Calibration("a", "b", "c", (qubit,), tuple(figures), calibrated_at=calibrated_at)
        return chip.warnings

    day = "2025-03-{:02d}T00:00+00:00"
    assert warnings(day.format(1), day.format(8), day.format(8)) == ()
    assert warnings(day.format(1), "2025-03-08T01:00+00:00", None) == (
        "Qubit 0: T1 is 7.0 days older than P(1|0); the figures describe different times.",
    )
    assert warnings(day.format(9), day.format(1), day.format(20)) == (
        "Qubit 0: P(1|0) is 19.0 days older than the calibration; the figures describe different "
        "times.",
    )
    # The same instants in another time zone change nothing.
    assert warnings("2025-03-01T12:00+12:00", "2025-03-07T12:00-12:00", None) == ()


def test_grouped_warnings_name_every_qubit() -> None:
    groups = load_calibration("fez").warnings_by_kind()
    frequency = "missing frequency: qubits 0-155; what needs it asks for an assumed frequency."
    assert frequency in groups
    assert named_qubits([0, 1, 2]) == "qubits 0, 1, 2"
    assert named_qubits([3]) == "qubit 3"
    assert named_qubits([7, 8, 9, 10, 12, 14, 15]) == "qubits 7-10, 12, 14, 15"
    assert "T2 > 2 T1: qubit 87; pure dephasing is clipped at 0." in groups
    t2 = [text for text in groups if text.startswith("T2")]
    assert [load_calibration("fez").warnings_by_kind([87, 86])[-1]] == t2
    assert "missing frequency: qubit 3; " in load_calibration("fez").warnings_by_kind([3])[0]


def test_known_oddities_of_the_bundled_chips() -> None:
    brisbane = [w for w in load_calibration("brisbane").warnings if "T2" in w and "2 T1" in w]
    assert [w.split(":")[0] for w in brisbane] == ["Qubit 102", "Qubit 119"]
    coin = [w for w in load_calibration("sherbrooke").warnings if "coin" in w]
    assert coin == [
        "Qubit 84: readout worse than a coin (P(1|0) + P(0|1) = 1); the qubit cannot be chosen."
    ]


def test_oddities_of_all_public_snapshots_are_found() -> None:
    """Counted over the 69 snapshots of qiskit-ibm-runtime 0.51.0, 3676 qubits."""
    import qiskit_ibm_runtime.fake_provider.backends as backends

    kinds: dict[str, int] = {}
    raw: dict[str, int] = {"T2": 0, "coin": 0, "mean": 0, "zero": 0, "length": 0, "T1": 0}
    for path in sorted(Path(backends.__path__[0]).glob("*/props_*.json")):
        calibration = load_calibration(path)
        for text in calibration.warnings_by_kind():
            kind, numbers = text.split(": ", 1)
            if "not calibrated" in kind:
                continue
            runs = re.findall(r"(\d+)(?:-(\d+))?", numbers.split(";")[0])
            count = sum(int(last or first) - int(first) + 1 for first, last in runs)
            kinds[kind] = kinds.get(kind, 0) + count
        for rows in json.loads(path.read_text())["qubits"]:
            figures = {row["name"]: row["value"] for row in rows}
            p = figures["prob_meas0_prep1"] + figures["prob_meas1_prep0"]
            raw["T2"] += figures.get("T2", 0) > 2 * figures.get("T1", 0)
            raw["coin"] += p >= 0.9
            raw["mean"] += abs(figures["readout_error"] - p / 2) > 1e-6
            raw["zero"] += figures.get("anharmonicity") == 0
            raw["length"] += "readout_length" not in figures
            raw["T1"] += "T1" not in figures
    assert raw["T2"] > 0
    assert kinds["T2 > 2 T1"] == raw["T2"]
    assert kinds["readout close to a coin"] + kinds["readout worse than a coin"] == raw["coin"]
    assert kinds["readout error is not the mean of its parts"] == raw["mean"]
    assert kinds["anharmonicity exactly 0"] == raw["zero"]
    assert kinds["missing readout length"] == raw["length"]
    assert kinds["missing T1"] == kinds["missing T2"] == raw["T1"]


# Tables


def test_table_has_units_dashes_and_warnings() -> None:
    headers, rows = load_calibration(DATA / "odd.json").table()
    assert headers == (
        "qubit",
        "T1 (us)",
        "T2 (us)",
        "frequency (GHz)",
        "anharmonicity (MHz)",
        "P(1|0) (%)",
        "P(0|1) (%)",
        "readout error (%)",
        "readout length (ns)",
        "residual population (%)",
        "warnings",
    )
    assert len(rows) == 13
    assert rows[0] == ("0", "100", "80", "5.1", "-310", "1", "3", "2", "1300", "-", "")
    assert rows[1][-1] == "T2 > 2 T1"
    assert rows[2][1:3] == ("-", "-")
    assert rows[2][-1] == "missing T1; missing T2"


def test_tables_show_what_is_not_verified_and_where_it_comes_from() -> None:
    chip = load_calibration("waveguide4")
    headers, rows = chip.table()
    assert headers[1] == "T1 (us, not verified)"
    assert headers[7] == "readout error (%)"
    assert all("figures not verified" in row[-1] for row in rows)
    headers, rows = chip.source_table()
    assert headers == ("figure", "verified", "source")
    assert rows[0][:2] == ("t1_s", "no")
    assert "design point of this package, no device" in rows[0][2]
    assert {row[1] for row in load_calibration("brisbane").source_table()[1]} == {"yes"}
