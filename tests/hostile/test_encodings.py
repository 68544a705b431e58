"""The same content from other systems: line ends, byte-order marks, names, zones and locales."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import FILES, qbat
from readers import COUNTS, CSV, ROWS, TOML

import qbat_circuits as qb
from qbat_circuits.errors import InputError
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.sampling.lab_results import load_counts
from qbat_circuits.schema import load_experiment

CHIP = json.dumps(qb.load_calibration("waveguide4").to_dict(), indent=1)
#: Text, name of a file with it, and what is read from it, in a form that can be compared.
TEXTS: dict[str, tuple[str, str, Any]] = {
    "calibration": (CHIP, "chip.json", lambda path: qb.load_calibration(path)),
    "CSV": (CSV[0], "chip.csv", lambda path: qb.load_calibration(path)),
    "experiment": (TOML[1], "e.toml", load_experiment),
    "counts": (json.dumps(COUNTS, indent=1), "c.json", lambda path: Counts.load(path).to_dict()),
    "plain": (json.dumps(ROWS), "p.json", lambda path: load_counts(path, "big").to_dict()),
}
#: Names that a file system takes and a program may stumble on.
NAMES = (
    "with blanks and a final dot .",
    "naïve ψ 实验 😀",
    "-rf",
    'it\'s "quoted" $(touch x); rm *',
    "line\nend",
    "\x1b[31mred",
    "per%cent {0} [bold]",
    os.fsdecode(b"caf\xe9"),  # bytes that are no UTF-8
    "x" * 200,
)


@pytest.mark.parametrize("kind", TEXTS)
def test_line_ends_and_byte_order_marks_change_nothing(kind: str, tmp_path: Path) -> None:
    text, name, read = TEXTS[kind]
    path = tmp_path / name
    path.write_bytes(text.encode())
    plain = read(path)
    for data in (
        text.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + text.encode(),
        b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(),
        text.rstrip("\n").encode(),
        text.encode() + b"\n\n",
    ):
        path.write_bytes(data)
        assert read(path) == plain
    if kind in ("calibration", "CSV"):  # an old Macintosh; TOML forbids it
        path.write_bytes(text.replace("\n", "\r").encode())
        assert read(path) == plain
    for encoding in ("utf-16", "utf-32"):
        path.write_bytes(text.encode(encoding))
        with pytest.raises(InputError, match="is not UTF-8 text"):
            read(path)


@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_a_folder_is_read_from_and_written_into(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    for text, file, read in TEXTS.values():
        (folder / file).write_text(text, encoding="utf-8", newline="")
        read(folder / file)
    chip = qb.load_calibration(folder / "chip.json")
    chip.save(folder / "saved.json")
    assert qb.load_calibration(folder / "saved.json") == chip
    counts = Counts.load(folder / "c.json")
    counts.save(folder / "saved counts.json")
    assert Counts.load(folder / "saved counts.json").to_dict() == counts.to_dict()
    code, _, told = qbat("calibration", "import", folder / "chip.csv", "--out", folder / "o.json")
    assert (code, told) == (0, "")
    shutil.copy(FILES / "calibration" / "empty.json", folder)
    with pytest.raises(InputError) as caught:
        qb.load_calibration(folder / "empty.json")
    assert str(caught.value) == f"The calibration file {str(folder / 'empty.json')!r} is empty."
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", NAMES)
def test_an_experiment_finds_its_calibration_beside_it(name: str, tmp_path: Path) -> None:
    """And what it says of the path can be kept in a result and read again."""
    from qbat_circuits.json_files import read_json, write_json

    folder = tmp_path / name
    folder.mkdir()
    (folder / "chip.json").write_text(CHIP, encoding="utf-8")
    file = folder / "e.toml"
    file.write_text(
        '[chip]\ncalibration = "./chip.json"\nqubits = [0, 1]\ntune_to_resonance = false\n'
        "[bath]\nrate = 1.0\noccupation = 1.0\n[charging]\ntimes = { stop = 1e-6, num = 3 }\n"
    )
    experiment = load_experiment(file)
    assert experiment.chip is not None
    assert qb.load_calibration(experiment.chip.calibration).name == "waveguide4"
    write_json(folder / "kept.json", experiment.model_dump(mode="json"))
    kept = read_json(folder / "kept.json", "test")["chip"]["calibration"]
    assert kept.encode("utf-8", "replace") == str(folder / "chip.json").encode("utf-8", "replace")


def _dated(t1: str, calibrated: str) -> qb.Calibration:
    content = json.loads(CHIP)
    content["qubits"][0]["dates"] = {"t1_s": t1}
    return qb.Calibration.from_dict({**content, "calibrated_at": calibrated})


def _stale(chip: qb.Calibration) -> list[str]:
    return [one for one in chip.warnings if "older" in one]


def test_dates_are_instants_whatever_their_zone() -> None:
    """Seven days and one minute apart as instants, or a minute less, in zones 26 hours apart."""
    assert _stale(_dated("2026-01-01T12:00:00Z", "2026-01-08T12:00:00+00:00")) == []
    assert _stale(_dated("2026-01-02T02:00:00+14:00", "2026-01-08T00:00:00-12:00")) == []
    assert _stale(_dated("2026-01-02T02:00:00+14:00", "2026-01-07T23:59:00-12:00")) == []
    (late,) = _stale(_dated("2026-01-02T02:00:00+14:00", "2026-01-08T00:01:00-12:00"))
    assert late.startswith("Qubit 0: T1 is 7.0 days older than the calibration")
    (ages,) = _stale(_dated("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"))
    assert "T1 is 3652060.1 days older than the calibration" in ages


SAME = """
import json, locale, sys, time
try:
    locale.setlocale(locale.LC_ALL, "")
except locale.Error:
    pass
import qbat_circuits as qb
from qbat_circuits.cli import main
chip = qb.load_calibration(sys.argv[1])
print(chip.sha256, chip.warnings, qb.load_experiment(sys.argv[2]).sha256())
sys.argv = ["qbat", "calibration", "show", sys.argv[1]]
main()
"""


def test_neither_locale_nor_time_zone_changes_a_number(tmp_path: Path) -> None:
    """Decimal commas, where the system has such a locale or can make one; three zones."""
    (tmp_path / "chip.csv").write_text(CSV[0], encoding="utf-8")
    (tmp_path / "e.toml").write_text(TOML[1], encoding="utf-8")
    if shutil.which("localedef"):  # else what the system has
        made = ["localedef", "-i", "de_DE", "-f", "UTF-8", str(tmp_path / "de_DE.UTF-8")]
        subprocess.run(made, check=False, capture_output=True)
    told = set()
    for names in (
        {"LC_ALL": "C.UTF-8", "TZ": "UTC"},
        {"LC_ALL": "de_DE.UTF-8", "LOCPATH": str(tmp_path), "TZ": "Asia/Kolkata"},
        {"LC_ALL": "de_DE.UTF-8", "TZ": "America/St_Johns"},
    ):
        done = subprocess.run(
            [sys.executable, "-c", SAME, "chip.csv", "e.toml"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONUTF8": "1", **names},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
        )
        told.add(done.stdout)
    assert len(told) == 1
    assert "120.5" in told.pop()
