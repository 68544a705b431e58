"""`qbat circuit charge`: files that a laboratory can run, and what is said of them."""

import re
from pathlib import Path

import numpy as np
import pytest
from qiskit import qasm3
from qiskit.quantum_info import DensityMatrix, partial_trace

import qbat_circuits as qb
from qbat_circuits.cli import main


def qbat(capsys, monkeypatch, *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    monkeypatch.setattr("sys.argv", ["qbat", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


def test_the_files_hold_the_state_that_is_printed(tmp_path, capsys, monkeypatch) -> None:
    """Purified ancillas, read back from OpenQASM 3, against the exact channel."""
    folder = tmp_path / "c"
    code, out, err = qbat(
        capsys, monkeypatch, "circuit", "charge", 2, "--collisions", 12, "--theta", 0.8,
        "--ancilla", "purified", "--out", folder,
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert len(list(folder.glob("*.qasm"))) == 9 + 2
    circuit = qasm3.loads((folder / "ZZ.qasm").read_text())
    circuit.remove_final_measurements()
    state = DensityMatrix.from_label("0" * circuit.num_qubits).evolve(circuit)
    cells = partial_trace(state, range(2, circuit.num_qubits)).data
    exact = qb.collision_states(2, 1.0, 0.8, 12)[-1]
    np.testing.assert_allclose(cells, exact, atol=1e-9)
    assert f"ergotropy      {qb.ergotropy(exact):.4f}" in out
    assert f"kappa t = {qb.equivalent_time(1.0, 0.8, 12):.4g}" in out
    assert "partial swaps  36, two two-qubit gates each" in out


def test_first_order_splitting_is_warned_about(tmp_path, capsys, monkeypatch) -> None:
    code, out, _ = qbat(
        capsys, monkeypatch, "circuit", "charge", 2, "--collisions", 3, "--splitting",
        "first-order", "--out", tmp_path / "c",
    )  # fmt: skip
    assert code == 0
    assert "no common bath, however small theta is" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["2"], "Missing option '--collisions'"),
        (["2", "--collisions", "0"], "'collisions' must be a whole number >= 1, not 0."),
        (["2", "--collisions", "x"], "must be a whole number, not 'x'."),
        (["2", "--collisions", "3", "--theta", "2.22"], "the trapping angle 2.2214 of 2 cells"),
        (["2", "--collisions", "3", "--occupation", "-1"], "'occupation' must be"),
        (["2", "--collisions", "3", "--ancilla", "random-x"], "one of 'measured', 'purified'"),
        (["2", "--collisions", "3", "--splitting", "trotter"], "'splitting' must be one of"),
        (["0", "--collisions", "3"], "'n_cells' must be a whole number >= 1"),
    ],
)
def test_a_mistake_gets_one_sentence_and_leaves_nothing(
    arguments, sentence, tmp_path: Path, capsys, monkeypatch
) -> None:
    folder = tmp_path / "c"
    code, out, err = qbat(capsys, monkeypatch, "circuit", "charge", *arguments, "--out", folder)
    assert (code, out) == (2, "")
    assert sentence in err
    assert re.fullmatch(r"qbat: [^\n]*\n", err)
    assert not folder.exists()


def test_extraction_takes_the_work_out_of_the_charged_state(tmp_path, capsys, monkeypatch) -> None:
    """The file, read back, lowers the energy by W = 4/15; 6 gates for N = 3."""
    code, out, err = qbat(capsys, monkeypatch, "circuit", "extract", 3, "--out", tmp_path / "x")
    assert (code, err) == (0, "")
    circuit = qasm3.loads((tmp_path / "x" / "extract.qasm").read_text())
    state = qb.steady_state(qb.Battery.identical(3, qb.CollectiveBath(1.0, 1.0))).state
    after = DensityMatrix(state).evolve(circuit).data
    assert qb.energy(state) - qb.energy(after) == pytest.approx(4 / 15, abs=1e-8)
    assert "two-qubit gates                6," in out
    assert "control energy not counted" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["7"], "'n_cells' must be a whole number >= 1 and <= 6, not 7."),
        (["2", "--error", "2"], "'error' must be a finite number >= 0 and <= 1"),
        (["2", "--occupation", "-1"], "'occupation' must be a finite number >= 0"),
    ],
)
def test_extraction_refuses_in_one_sentence(
    arguments, sentence, tmp_path: Path, capsys, monkeypatch
) -> None:
    code, out, err = qbat(
        capsys, monkeypatch, "circuit", "extract", *arguments, "--out", tmp_path / "x"
    )
    assert (code, out) == (2, "")
    assert sentence in err
    assert not (tmp_path / "x").exists()


def test_schedule_writes_circuits_in_the_gates_of_the_chip(tmp_path, capsys, monkeypatch) -> None:
    folder = tmp_path / "c"
    code, out, _ = qbat(
        capsys, monkeypatch, "circuit", "schedule", "fez", 2, "--ancilla", "random-x",
        "--out", folder,
    )  # fmt: skip
    assert code == 0
    assert "11 circuits, charged in the gates of fez" in out
    assert "delivered ergotropy" in out
    assert "drawn anew for every shot and collision" in " ".join(out.split())
    text = (folder / "XX.qasm").read_text()
    assert "input float[64]" in text  # the flips
    gates = re.findall(r"^(\w+)(?:\(.*\))? (?:cell|ancilla)\[", text, flags=re.MULTILINE)
    rotations = {"h", "barrier"}  # of the setting XX
    assert set(gates) - rotations - {"x"} == {"rz", "sx", "cz", "reset"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("waveguide4", 2), "has no gates"),
        (("fezz", 2), "did you mean 'fez'"),
        (("fez", 9), "'n_cells' must be"),
        (("fez", 2, "--ancilla", "purified"), "'ancilla' must be"),
        (("fez", 2, "--occupation", -1), "'occupation' must be"),
    ],
)
def test_schedule_refuses_in_one_sentence(
    arguments, sentence, tmp_path, capsys, monkeypatch
) -> None:
    folder = tmp_path / "c"
    code, out, err = qbat(capsys, monkeypatch, "circuit", "schedule", *arguments, "--out", folder)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert not folder.exists()
