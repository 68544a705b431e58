"""Gates of a calibration: every figure against its source, every door, every refusal."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest

import qbat_circuits as qb
from qbat_circuits.calibration import Calibration, FigureSource, QubitCalibration
from qbat_circuits.gate_calibration import GateCalibration
from qbat_circuits.qubit_calibration import named_places

SNAPSHOTS = {"brisbane": 779, "fez": 1640, "sherbrooke": 779}
SOURCES = (FigureSource("gate_error", "a test", True), FigureSource("gate_duration_s", "a", True))


def snapshot(name: str) -> dict[str, Any]:
    """Raw properties of a fake backend, as the installed package holds them."""
    import qiskit_ibm_runtime.fake_provider.backends as backends

    path = Path(backends.__path__[0]) / name / f"props_{name}.json"
    return dict(json.loads(path.read_text()))


def chip(*gates: GateCalibration, n: int = 3, **changes: Any) -> Calibration:
    """A line of n qubits with these gates."""
    line = tuple((q, q + 1) for q in range(n - 1))
    qubits = tuple(QubitCalibration(q) for q in range(n))
    given = {"figures": SOURCES, "coupling_map": line, "gates": gates, **changes}
    return Calibration("test", "a line", "a test", qubits, **given)


# One gate


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("CX", (0, 1)),
            "'gates.name' must be a gate's name of lower-case letters, digits and '_'",
        ),
        ((3, (0,)), "and '_', not 3."),
        (("", (0,)), "and '_', not ''."),
        (("measure", (0,)), "'gates' must not hold 'measure', which is the qubit's readout."),
        (("cx", ()), "'gates.cx.qubits' must be one or two different qubits, not ()."),
        (("cx", (1, 1)), "'gates.cx.qubits' must be one or two different qubits, not (1, 1)."),
        (("ccx", (0, 1, 2)), "must be one or two different qubits, not (0, 1, 2)."),
        (("x", 3), "'gates.x.qubits' must be one or two different qubits, not 3."),
        (("x", (-1,)), "'gates.x.qubits' must be a whole number >= 0, not -1."),
        (("x", (True,)), "'gates.x.qubits' must be a whole number >= 0, not True."),
        (("ecr", (1, 0), 1.5), "'ecr[1, 0].error' must be a finite number >= 0 and <= 1, not 1.5."),
        (("x", (2,), math.nan), "'x[2].error' must be a finite number >= 0 and <= 1, not nan."),
        (("x", (2,), None, -1), "'x[2].duration_s' must be a finite number >= 0, not -1."),
        (("x", (2,), None, "1"), "'x[2].duration_s' must be a finite number >= 0, not '1'."),
    ],
)
def test_a_gate_that_breaks_a_rule(arguments: tuple[Any, ...], sentence: str) -> None:
    with pytest.raises(qb.InputError) as caught:
        GateCalibration(*arguments)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_gate_keeps_its_direction_and_its_gaps() -> None:
    gate = GateCalibration("ecr", [1, 0])  # type: ignore[arg-type]
    assert (gate.qubits, gate.error, gate.duration_s) == ((1, 0), None, None)
    assert gate.label == "ecr[1, 0]"
    assert hash(gate) == hash(GateCalibration("ecr", (1, 0)))


def test_an_error_of_exactly_one_means_not_calibrated() -> None:
    usable = [GateCalibration("x", (0,), error).usable for error in (None, 0, 0.999, 1, 1.0)]
    assert usable == [True, True, True, False, False]


# Gates of a chip


@pytest.mark.parametrize(
    ("gates", "changes", "sentence"),
    [
        ([("x", (3,))], {}, "'gates.x.qubits' must be numbers from 0 to 2, not [3]."),
        ([("cz", (0, 2))], {}, "'gates.cz.qubits' must be a pair of 'coupling_map', not [0, 2]."),
        ([("x", (0,)), ("x", (0,), 0.1)], {}, "'x[0]' must be given once in 'gates', not twice."),
        (
            [("x", (0,), 0.1)],
            {"figures": SOURCES[1:]},
            "'figures' must say where 'gate_error' comes from.",
        ),
        (
            [("x", (0,), None, 1e-8)],
            {"figures": SOURCES[:1]},
            "'figures' must say where 'gate_duration_s' comes from.",
        ),
    ],
)
def test_gates_that_do_not_fit_their_chip(
    gates: list[tuple[Any, ...]], changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(qb.InputError) as caught:
        chip(*(GateCalibration(*gate) for gate in gates), **changes)
    assert str(caught.value) == sentence


def test_gates_are_found_by_name_and_qubits() -> None:
    gates = [
        GateCalibration("x", (2,)),
        GateCalibration("ecr", (1, 0), 0.01),
        GateCalibration("ecr", (1, 2), 1),
        GateCalibration("cz", (2, 1)),
        GateCalibration("cz", (0, 1), 0.02),
        GateCalibration("x", (0,)),
    ]
    one = chip(*gates)
    assert [gate.label for gate in one.gates] == [
        *("cz[0, 1]", "cz[2, 1]", "ecr[1, 0]", "ecr[1, 2]", "x[0]", "x[2]")
    ]
    assert one == chip(*reversed(gates))
    assert one.gate_names == ("cz", "ecr", "x")
    assert all(one.gate(gate.name, gate.qubits) is gate for gate in gates)
    assert one.gate("ecr", [1, 0]) == gates[1]
    assert one.gate("ecr", (0, 1)) is None
    assert one.gate("x", (1,)) is None
    assert one.two_qubit_gate(0, 1) == one.two_qubit_gate(1, 0) == gates[1]
    # The other one is not calibrated; this one has no error.
    assert one.two_qubit_gate(1, 2) == gates[3]
    assert one.two_qubit_gate(0, 2) is None
    assert one.two_qubit_gate(0, 0) is None
    assert chip().two_qubit_gate(0, 1) is None
    known = GateCalibration("ecr", (2, 1), 0.9)
    assert chip(*gates, known).two_qubit_gate(1, 2) == known


def test_content_and_hash_change_with_every_field_of_a_gate() -> None:
    gate = GateCalibration("ecr", (1, 0), 0.01, 5e-7)
    others = [
        replace(gate, name="cx"),
        replace(gate, qubits=(0, 1)),
        replace(gate, error=0.02),
        replace(gate, error=None),
        replace(gate, duration_s=6e-7),
    ]
    hashes = {chip(one).sha256 for one in (gate, *others)} | {chip().sha256}
    assert len(hashes) == 7
    assert "gates" not in chip().to_dict()
    used = chip(gate)
    before = used.sha256
    assert used.gate("ecr", (1, 0)) is gate  # what is cached is no content
    assert used.gate_names == ("ecr",)
    assert (used.sha256, replace(used), set(used.to_dict())) == (
        *(before, chip(gate)),
        {*chip().to_dict(), "gates"},
    )


# Warnings and tables


def test_gates_not_calibrated_are_named() -> None:
    bad = [("cz", (0, 1)), ("cz", (1, 0)), ("cz", (2, 1)), ("x", (2,))]
    one = chip(*(GateCalibration(*gate, 1) for gate in bad), GateCalibration("x", (0,), 0.1))
    missing = [text for text in one.warnings if "not calibrated" not in text]
    assert list(one.warnings[len(missing) :]) == [
        "Qubits 0 and 1: cz[0, 1] has error 1, so it is not calibrated; not used.",
        "Qubits 1 and 0: cz[1, 0] has error 1, so it is not calibrated; not used.",
        "Qubits 2 and 1: cz[2, 1] has error 1, so it is not calibrated; not used.",
        "Qubit 2: x[2] has error 1, so it is not calibrated; not used.",
    ]
    pairs, single = "two-qubit gate cz not calibrated", "gate x not calibrated"
    assert one.warnings_by_kind()[-2:] == (
        f"{pairs}: qubits (0, 1), (1, 2); not used.",
        f"{single}: qubit 2; not used.",
    )
    assert one.warnings_by_kind([0, 1])[-1] == f"{pairs}: qubits (0, 1); not used."
    assert not any("not calibrated" in text for text in one.warnings_by_kind([0]))
    rows = one.table()[1]
    assert [row[-1].count(pairs) for row in rows] == [1, 1, 1]
    assert rows[2][-1].endswith(f"{pairs}; {single}")
    assert named_places([(10, 2), (2, 10), (1, 2)]) == "qubits (1, 2), (2, 10)"


def test_a_row_of_the_table_for_each_name() -> None:
    one = chip(
        GateCalibration("cz", (0, 1), 0.01, 5e-8),
        GateCalibration("cz", (1, 0), 0.03, 5e-8),
        GateCalibration("cz", (1, 2), 1, 7e-8),
        GateCalibration("rx", (1,), 1),
        GateCalibration("reset", (1,), None, 1.584e-6),
    )
    assert one.gate_table() == (
        (
            *("gate", "number", "median error (%)", "worst error (%)", "median duration (ns)"),
            "not calibrated",
        ),
        [
            ("cz", "3", "2", "3", "50", "1"),
            ("reset", "1", "-", "-", "1584", "0"),
            ("rx", "1", "-", "-", "-", "1"),
        ],
    )


def test_a_chip_is_shown_with_one_row_per_gate(capsys: pytest.CaptureFixture[str]) -> None:
    from qbat_circuits.cli.calibration import calibration_show

    calibration_show("fez")
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    title = next(k for k, line in enumerate(lines) if line.startswith("gate "))
    table = lines[title - 1 : title + 9]
    assert max(map(len, table)) <= 80
    assert [line.split()[0] for line in table[2:]] == [
        *("cz", "id", "reset", "rx", "rz", "rzz", "sx", "x")
    ]
    errors = [e for e in raw_figures("fez", "cz", "gate_error") if e < 1]
    assert table[2].split() == [
        "cz",
        "352",
        f"{100 * median(errors):.3g}",
        f"{100 * max(errors):.3g}",
        "84",
        "14",
    ]
    capsys.readouterr()
    calibration_show("waveguide4")
    assert "not calibrated" not in capsys.readouterr().out


# Snapshots


def raw_figures(name: str, gate: str, figure: str) -> list[float]:
    rows = [row for row in snapshot(name)["gates"] if row["gate"] == gate]
    return [p["value"] for row in rows for p in row["parameters"] if p["name"] == figure]


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_every_gate_of_the_bundled_chips_is_that_of_the_snapshot(name: str) -> None:
    calibration, raw = qb.load_calibration(name), snapshot(name)["gates"]
    assert len(calibration.gates) == len(raw) == SNAPSHOTS[name]
    for row in raw:
        gate = calibration.gate(row["gate"], row["qubits"])
        assert gate is not None
        figures = {p["name"]: (p["value"], p["unit"]) for p in row["parameters"]}
        assert gate.error == figures.get("gate_error", (None,))[0]
        nanoseconds, unit = figures["gate_length"]
        assert unit == "ns"
        assert gate.duration_s == pytest.approx(nanoseconds / 1e9, rel=1e-12, abs=0)
    sources = {figure.figure: figure for figure in calibration.figures}
    for kind in ("gate_error", "gate_duration_s"):
        assert sources[kind].source == sources["t1_s"].source
        assert sources[kind].verified
    assert "measure" not in calibration.gate_names
    reset = calibration.gate("reset", (0,))
    assert reset is not None
    assert reset.error is None


def test_figures_of_brisbane_as_read_in_the_snapshot() -> None:
    gate = qb.load_calibration("brisbane").gate("ecr", (1, 0))
    assert gate is not None
    assert gate.error == 0.007432674432642006
    assert gate.duration_s == pytest.approx(660e-9, rel=1e-12)


@pytest.mark.parametrize(("name", "bad"), [("brisbane", 1), ("fez", 56), ("sherbrooke", 9)])
def test_the_best_gate_of_every_pair(name: str, bad: int) -> None:
    calibration, raw = qb.load_calibration(name), snapshot(name)["gates"]
    best: dict[tuple[int, ...], float] = {}
    for row in raw:
        if len(row["qubits"]) == 2:
            error = next(p["value"] for p in row["parameters"] if p["name"] == "gate_error")
            pair = tuple(sorted(row["qubits"]))
            best[pair] = min(error, best.get(pair, 1.0))
    for a, b in calibration.coupling_map:
        gate = calibration.two_qubit_gate(b, a)
        assert (1.0 if gate is None else gate.error) == best[a, b]
    warned = [text for text in calibration.warnings_by_kind() if "not calibrated" in text]
    assert sum(text.count("(") for text in warned) == bad


def test_the_design_point_has_no_gates() -> None:
    assert qb.load_calibration("waveguide4").gates == ()


@pytest.mark.parametrize("name", ["FakeBrisbane", "FakeFez", "FakeSherbrooke", "FakeManilaV2"])
def test_a_fake_backend_has_the_gates_of_its_properties_file(name: str) -> None:
    import qiskit_ibm_runtime.fake_provider as fakes

    short = name.removeprefix("Fake").removesuffix("V2").lower()
    saved = Calibration.from_dict(snapshot(short))
    assert qb.load_calibration(getattr(fakes, name)()).gates == saved.gates
    assert saved.gates


# Files


def test_our_own_file_has_a_line_for_each_gate(tmp_path: Path) -> None:
    gates = (GateCalibration("ecr", (1, 0), 0.01, 5e-7), GateCalibration("reset", (2,)))
    one, path = chip(*gates), tmp_path / "one.json"
    one.save(path)
    assert qb.load_calibration(path) == one
    text = path.read_text()
    assert json.loads(text) == json.loads(json.dumps(one.to_dict()))
    assert (
        ' "gates": [\n'
        '  {"duration_s": 5e-07, "error": 0.01, "name": "ecr", "qubits": [1, 0]},\n'
        '  {"name": "reset", "qubits": [2]}\n'
        " ],\n"
    ) in text
    odd = replace(one, description='a "gates": [] b')
    odd.save(path)
    assert qb.load_calibration(path) == odd


@pytest.mark.parametrize(
    ("gates", "sentence"),
    [
        ({}, "'gates' must be a valid list, not {}."),
        ([{"name": "x"}], "'gates[0].qubits' is missing."),
        ([{"name": "x", "qubits": [0], "eror": 1}], "'gates[0].eror' is an unknown key"),
        ([{"name": "x", "qubits": [0.5]}], "'gates[0].qubits[0]' must be a valid integer"),
        ([{"name": "x", "qubits": [0], "error": "1"}], "'gates[0].error' must be a valid number"),
        ([{"name": "x", "qubits": [0], "error": 2}], "'x[0].error' must be a finite number"),
        ([{"name": "x", "qubits": [9]}], "'gates.x.qubits' must be numbers from 0 to 2"),
    ],
)
def test_our_own_file_with_a_bad_gate(gates: Any, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({**chip().to_dict(), "gates": gates}))
    with pytest.raises(qb.InputError) as caught:
        qb.load_calibration(path)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def properties(*gates: dict[str, Any]) -> dict[str, Any]:
    """BackendProperties of a line of three qubits."""
    return {
        "backend_name": "line",
        "backend_version": "1",
        "last_update_date": "2025-03-01T08:00:00Z",
        "qubits": [[], [], []],
        "gates": list(gates),
    }


def parameter(name: str, value: Any, unit: str = "") -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "date": "2025-03-01T08:00:00Z"}


@pytest.mark.parametrize(
    ("value", "unit"), [(6.6e-7, "s"), (6.6e-4, "ms"), (0.66, "us"), (0.66, "µs"), (660, "ns")]
)
def test_properties_in_every_unit(value: float, unit: str) -> None:
    rows = [parameter("gate_error", 0.01), parameter("gate_length", value, unit)]
    rows.append(parameter("gate_phase", 1, "turns"))
    one = Calibration.from_dict(properties({"gate": "ecr", "qubits": [2, 1], "parameters": rows}))
    (gate,) = one.gates
    assert (gate.name, gate.qubits, gate.error) == ("ecr", (2, 1), 0.01)
    assert gate.duration_s == pytest.approx(660e-9, rel=1e-12)
    assert one.coupling_map == ((1, 2),)


def test_properties_with_gaps_and_with_what_is_no_gate_of_ours() -> None:
    null = [parameter("gate_error", None), parameter("gate_length", None, "ns")]
    one = Calibration.from_dict(
        properties(
            {"gate": "x", "qubits": [0], "parameters": null},
            {"gate": "cz", "qubits": [1, 0]},
            {"gate": "ccz", "qubits": [0, 1, 2], "parameters": [parameter("gate_error", 0.1)]},
            {"gate": "measure", "qubits": [0], "parameters": [parameter("gate_error", 0.1)]},
        )
    )
    assert one.gates == (GateCalibration("cz", (1, 0)), GateCalibration("x", (0,)))
    assert one.figures == ()
    assert one.coupling_map == ((0, 1),)


def with_parameters(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"gate": "x", "qubits": [1], "parameters": list(rows)}


@pytest.mark.parametrize(
    ("gate", "sentence"),
    [
        (
            with_parameters(parameter("gate_length", 1, "h")),
            "'gates[0].gate_length unit' must be one of 's', 'ms', 'us', ",
        ),
        (
            with_parameters(parameter("gate_error", 0.1, "%")),
            "'gates[0].gate_error unit' must be one of '', not '%'.",
        ),
        (
            with_parameters(parameter("gate_error", 0.1), parameter("gate_error", 0.1)),
            "'gates[0].gate_error' must be given once, not twice.",
        ),
        (
            with_parameters(parameter("gate_error", "low")),
            "'gates[0].gate_error' must be a finite number, not 'low'.",
        ),
        (
            with_parameters(parameter("gate_error", 1.1)),
            "'x[1].error' must be a finite number >= 0 and <= 1, not 1.1.",
        ),
        (
            with_parameters(parameter("gate_length", -1, "s")),
            "'x[1].duration_s' must be a finite number >= 0, not -1.0.",
        ),
        ({"qubits": [1]}, "'gates[0].gate' is missing."),
        ({"gate": "cz", "qubits": [1, 1]}, "'gates.cz.qubits' must be one or two different"),
        ({"gate": "x", "qubits": [3]}, "'gates.x.qubits' must be numbers from 0 to 2, not [3]."),
        ({"gate": "cz", "qubits": [1, 7]}, "'coupling_map[0]' must be two different qubits"),
    ],
)
def test_properties_with_a_bad_gate(gate: dict[str, Any], sentence: str) -> None:
    with pytest.raises(qb.InputError) as caught:
        Calibration.from_dict(properties(gate))
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_a_gate_twice_in_properties_is_refused() -> None:
    with pytest.raises(qb.InputError, match=r"^'x\[1\]' must be given once in 'gates', not twice"):
        Calibration.from_dict(properties(with_parameters(), with_parameters()))


# The dashboard's CSV

OLD = (
    "Qubit,T1 (us),T2 (us),Frequency (GHz),Anharmonicity (GHz),Readout assignment error ,"
    "Prob meas0 prep1 ,Prob meas1 prep0 ,Readout length (ns),ID error ,"
    "Z-axis rotation (rz) error ,√x (sx) error ,Pauli-X error ,ECR error ,Gate time (ns)\n"
    "0,120,80,4.7,-0.3,0.02,0.03,0.01,1244,0.0002,0,0.0003,0.0004,0_1:0.01,0_1:660\n"
    "1,99,150,4.8,-0.3,0.05,0.06,0.04,1244,0.0005,0,1,1,1_0:0.01;1_2:1,1_0:720;1_2:533.25\n"
    "2,50,40,4.9,-0.3,0.01,0.01,0.01,1244,,,,,,\n"
)
NEW = (
    '\ufeff"Qubit","T1 (us)","T2 (us)","Readout assignment error","Init error","Prob meas0 prep1",'
    '"Prob meas1 prep0","Readout length (ns)","ID error","Single-qubit gate length (ns)",'
    '"RX error","Z-axis rotation (rz) error","√x (sx) error","Pauli-X error","XSLOW error",'
    '"CZ error","Gate length (ns)","RZZ error","MEASURE error","MEASURE_2 error","Operational"\n'
    '0,120,80,0.02,0.01,0.03,0.01,1560,2e-4,32,3e-4,0,4e-4,5e-4,6e-4,"1:0.008;2:1","1:68;2:88",'
    '"1:0.004",0.02,0.03,true\n'
    '1,99,90,0.05,0.01,0.06,0.04,1560,2e-4,32,3e-4,0,4e-4,5e-4,,"0:0.008","0:68",'
    '"0:0.005",0.02,0.03,true\n'
    '2,50,40,0.01,0.01,0.01,0.01,1560,,24,,,,,,"0:1","0:88","",,,false\n'
)


def from_csv(folder: Path, text: str) -> Calibration:
    path = folder / "ibm_line_calibrations_2025-01-13T16_54_24Z.csv"
    path.write_text(text)
    return qb.load_calibration(path)


def test_gates_of_an_old_csv(tmp_path: Path) -> None:
    one = from_csv(tmp_path, OLD)
    assert one.gates == (
        GateCalibration("ecr", (0, 1), 0.01, 660 * 1e-9),
        GateCalibration("ecr", (1, 0), 0.01, 720 * 1e-9),
        GateCalibration("ecr", (1, 2), 1.0, 533.25 * 1e-9),
        GateCalibration("id", (0,), 2e-4),
        GateCalibration("id", (1,), 5e-4),
        GateCalibration("rz", (0,), 0),
        GateCalibration("rz", (1,), 0),
        GateCalibration("sx", (0,), 3e-4),
        GateCalibration("sx", (1,), 1),
        GateCalibration("x", (0,), 4e-4),
        GateCalibration("x", (1,), 1),
    )
    assert one.coupling_map == ((0, 1), (1, 2))
    source = {figure.figure: figure.source for figure in one.figures}
    assert source["gate_error"] == source["gate_duration_s"] == source["t1_s"]
    assert one.warnings_by_kind()[-3:] == (
        "two-qubit gate ecr not calibrated: qubits (1, 2); not used.",
        "gate sx not calibrated: qubit 1; not used.",
        "gate x not calibrated: qubit 1; not used.",
    )


def test_gates_of_a_new_csv(tmp_path: Path) -> None:
    one = from_csv(tmp_path, NEW)
    pulse = 32 * 1e-9
    errors = {"id": 2e-4, "rx": 3e-4, "sx": 4e-4, "x": 5e-4}
    for name, error in errors.items():
        for q in (0, 1):
            assert one.gate(name, (q,)) == GateCalibration(name, (q,), error, pulse)
        assert one.gate(name, (2,)) == GateCalibration(name, (2,), None, 24 * 1e-9)
    others = [gate for gate in one.gates if gate.name not in errors]
    assert others == [
        GateCalibration("cz", (0, 1), 0.008, 68 * 1e-9),
        GateCalibration("cz", (0, 2), 1, 88 * 1e-9),
        GateCalibration("cz", (1, 0), 0.008, 68 * 1e-9),
        GateCalibration("cz", (2, 0), 1, 88 * 1e-9),
        GateCalibration("measure_2", (0,), 0.03),
        GateCalibration("measure_2", (1,), 0.03),
        GateCalibration("rz", (0,), 0),
        GateCalibration("rz", (1,), 0),
        GateCalibration("rzz", (0, 1), 0.004),
        GateCalibration("rzz", (1, 0), 0.005),
        GateCalibration("xslow", (0,), 6e-4),
    ]
    assert one.two_qubit_gate(0, 1) == one.gate("rzz", (0, 1))
    assert one.two_qubit_gate(0, 2) is None


def test_the_length_of_pairs_is_the_fixed_gate_s_wherever_it_stands(tmp_path: Path) -> None:
    def swapped(one: str, two: str) -> str:
        lines = [line.split(",") for line in OLD.replace("Pauli-X", "RZZ").splitlines()]
        columns = lines[0].index(one), lines[0].index(two)
        for cells in lines:
            cells[columns[0]], cells[columns[1]] = cells[columns[1]], cells[columns[0]]
        lines[1][lines[0].index("RZZ error ")] = "0_1:0.02"
        for cells in lines[2:]:
            cells[lines[0].index("RZZ error ")] = ""
        return "\n".join(",".join(cells) for cells in lines)

    durations = {"ecr": 660 * 1e-9, "rzz": None}
    for one, two in (("ECR error ", "Gate time (ns)"), ("RZZ error ", "Gate time (ns)")):
        gates = from_csv(tmp_path, swapped(one, two)).gates
        found = {gate.name: gate.duration_s for gate in gates if gate.qubits == (0, 1)}
        assert found == durations
    alone = OLD.replace("ECR error", "RZZ error")
    gate = from_csv(tmp_path, alone).gate("rzz", (0, 1))
    assert gate == GateCalibration("rzz", (0, 1), 0.01, 660 * 1e-9)


def test_other_names_in_headers(tmp_path: Path) -> None:
    for header, name in (("CNOT error", "cx"), ("CX error", "cx"), ("CZ error", "cz")):
        text = OLD.replace("ECR error", header).replace("Pauli-X", "Single-qubit Pauli-X")
        names = from_csv(tmp_path, text.replace("Gate time", "Gate length")).gate_names
        assert names == tuple(sorted((name, "id", "rz", "sx", "x")))


def test_a_pair_given_twice_with_one_value_is_read_once(tmp_path: Path) -> None:
    one = from_csv(tmp_path, OLD.replace("1_0:0.01;", "0_1:0.01;1_0:0.01;"))
    assert one.gates == from_csv(tmp_path, OLD).gates


def test_a_csv_without_columns_of_gates(tmp_path: Path) -> None:
    names = [",".join(line.split(",")[:9]) for line in OLD.splitlines()]
    one = from_csv(tmp_path, "\n".join(names))
    assert (one.gates, one.coupling_map) == ((), ())
    assert "gate_error" not in {figure.figure for figure in one.figures}


def test_a_csv_saved_and_read_back_is_the_same(tmp_path: Path) -> None:
    for text in (OLD, NEW):
        one = from_csv(tmp_path, text)
        one.save(tmp_path / "mine.json")
        assert qb.load_calibration(tmp_path / "mine.json") == one


def old(before: str, after: str) -> Callable[[], str]:
    assert before in OLD
    return lambda: OLD.replace(before, after, 1)


def new(before: str, after: str) -> Callable[[], str]:
    assert before in NEW
    return lambda: NEW.replace(before, after, 1)


PAIRS = "must hold pairs such as '0_1:0.008;0_14:0.012' or '1:0.008', not"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (old("0_1:660", "0_1=660"), f"line 2, 'Gate time' {PAIRS} '0_1=660'."),
        (old("0_1:660", "660"), f"line 2, 'Gate time' {PAIRS} '660'."),
        (old("0_1:0.01", "0_1:"), f"line 2, 'ECR error' {PAIRS} '0_1:'."),
        (old("0_1:0.01", "0_1:low"), f"line 2, 'ECR error' {PAIRS} '0_1:low'."),
        (old("0_1:0.01", "0_0:0.01"), f"line 2, 'ECR error' {PAIRS} '0_0:0.01'."),
        (old("0_1:0.01", "1_2:0.01"), f"line 2, 'ECR error' {PAIRS} '1_2:0.01'."),
        (new('"0:0.008"', '"1:0.008"'), f"line 3, 'CZ error' {PAIRS} '1:0.008'."),
        (
            old("0_1:0.01", "0_1:1e"),
            "line 2, 'ECR error' must be a number from 0 to 1, not '1e'.",
        ),
        (
            old("1_2:1,", "1_2:1.2,"),
            "line 3, 'ECR error' must be a number from 0 to 1, not '1.2'.",
        ),
        (old("0_1:660", "0_1:-660"), "line 2, 'Gate time' must be a number >= 0, not '-660'."),
        (
            old("0.0003", "low"),
            "line 2, '√x (sx) error' must be a number from 0 to 1, not 'low'.",
        ),
        (old("0.0003", "0_1"), "line 2, '√x (sx) error' must be a number from 0 to 1, not '0_1'."),
        (old("0.0003", "nan"), "line 2, '√x (sx) error' must be a number from 0 to 1, not 'nan'."),
        (old("0.0004", "-1"), "line 2, 'Pauli-X error' must be a number from 0 to 1, not '-1'."),
        (
            new(",24,", ",inf,"),
            "line 4, 'Single-qubit gate length' must be a number >= 0, not 'inf'.",
        ),
        (
            old("1_0:0.01;", "0_1:0.02;"),
            "line 3, 'ECR error' must give ecr[0, 1] one value, not 0.01 and 0.02.",
        ),
        (
            old("1_0:720", "0_1:720"),
            "line 3, 'Gate time' must give ecr[0, 1] one value, not 660 and 720.",
        ),
        (old("Gate time (ns)", "Gate time (us)"), "'Gate time' must be in 'ns', not 'us'."),
        (new("gate length (ns)", "gate length"), "gate length' must be in 'ns', not ''."),
        (old("ECR error ", "ECR error (%)"), "the column 'ECR error' must be in '', not '%'."),
        (old("ID error", "Pauli-X error"), "the column 'Pauli-X error' must be given once"),
        (new("RZZ error", "CZ error"), "the column 'CZ error' must be given once, not twice."),
        (new("RZZ error", "Gate time (ns)"), "the column 'Gate time' must be given once"),
    ],
)
def test_a_csv_with_bad_gates(text: Callable[[], str], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(qb.InputError) as caught:
        from_csv(tmp_path, text())
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
