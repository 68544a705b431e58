"""What every command has in common: help with one example, --json, --quiet, 80 columns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from qbat_circuits.cli import main
from qbat_circuits.cli.app import app
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.sampling.multinomial import sample_counts

EXPERIMENT = """
battery = { n_cells = 2 }
bath = { rate = 1.0, occupation = 1.0 }
charging = { times = { stop = 2.0, num = 5 } }
measurement = { shots = 50 }
"""


def commands(group: object = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command, as it is typed."""
    for name, one in (group or get_command(app)).commands.items():
        if hasattr(one, "commands"):
            yield from commands(one, (*path, name))
        else:
            yield (*path, name)


COMMANDS = sorted(commands())


def qbat(capsys, monkeypatch, *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    monkeypatch.setattr("sys.argv", ["qbat", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with an experiment, a sweep of it, counts and a calibration to import."""
    place = tmp_path_factory.mktemp("place")
    (place / "e.toml").write_text(EXPERIMENT)
    (place / "s.toml").write_text(
        EXPERIMENT + 'sweep = { n = { field = "bath.occupation", values = [0.5, 1.0] } }\n'
    )
    counts = sample_counts([[1, 0, 0, 0]] + [[0] * 4] * 3, ReadoutModel.ideal(2), 50, 1)
    (place / "counts.json").write_text(json.dumps(counts.to_dict()))
    source = Path(__file__).parents[2] / "calibration" / "waveguide4.json"
    (place / "chip.json").write_bytes(source.read_bytes())
    return place


#: The cheapest use of every command, in its order of need; {n} is new each time.
USES = {
    ("run",): ("e.toml", "--out", "run"),
    ("charge",): ("e.toml",),
    ("plan",): ("--calibration", "waveguide4", "--cells", "2", "--half-width", "0.2"),
    ("compare",): ("e.toml",),
    ("estimate",): ("counts.json", "--ideal-readout"),
    ("circuits",): ("2", "--out", "settings-{n}"),
    ("show",): ("run",),
    ("report",): ("run", "--out", "report-{n}.html"),
    ("calibration", "list"): (),
    ("calibration", "show"): ("waveguide4",),
    ("calibration", "import"): ("chip.json", "--out", "imported-{n}.json"),
    ("circuit", "charge"): ("2", "--collisions", "3", "--out", "charge-{n}"),
    ("circuit", "extract"): ("2", "--out", "extract-{n}"),
    ("circuit", "schedule"): ("fez", "2", "--out", "schedule-{n}"),
    ("sweep", "run"): ("s.toml", "--out", "map"),
    ("sweep", "status"): ("map",),
    ("sweep", "export"): ("map",),
    ("cite",): (),
}


def test_every_command_has_its_use_here() -> None:
    assert set(USES) >= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_one_example_and_fits_80_columns(
    command: tuple[str, ...], capsys, monkeypatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = qbat(capsys, monkeypatch, *command, "--help")
    assert code == 0
    text = " ".join(out.split())
    assert f"Example: qbat {' '.join(command)}".removesuffix(" run") in text
    assert "--json" in text
    assert "--quiet" in text
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("command", [one for one in USES if one in COMMANDS], ids=" ".join)
def test_json_quiet_and_80_columns(
    command: tuple[str, ...], folder: Path, capsys, monkeypatch
) -> None:
    """JSON alone on standard output; nothing at all with --quiet; no table wider than 80."""
    monkeypatch.chdir(folder)

    def use(n: int, *more: str) -> tuple[int, str, str]:
        arguments = (one.format(n=n) for one in USES[command])
        return qbat(capsys, monkeypatch, *command, *arguments, *more)

    if command in {("plan",), ("circuit", "schedule")}:  # seconds each: all at once
        file = folder / "content.json"
        assert use(1, "--quiet", "--json", str(file)) == (0, "", "")
        assert json.loads(file.read_text())
        return
    code, out, err = use(1, "--json", "-")
    assert (code, err) == (0, "")
    json.loads(out)
    assert use(2, "--quiet") == (0, "", "")
    code, out, err = use(3)
    assert (code, err) == (0, "")
    assert out
    wide = [line for line in out.splitlines() if len(line) > 80]
    assert all(str(Path.cwd()) in line or "(" in line or "/" in line for line in wide), wide


def test_quiet_still_says_what_is_wrong(capsys, monkeypatch, tmp_path: Path) -> None:
    code, out, err = qbat(capsys, monkeypatch, "run", tmp_path / "none.toml", "--quiet")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1


def test_an_interrupt_is_one_sentence(folder: Path, capsys, monkeypatch) -> None:
    def interrupted(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("qbat_circuits.schema.load_experiment", interrupted)
    code, out, err = qbat(capsys, monkeypatch, "run", folder / "e.toml", "--out", folder / "new")
    assert (code, out) == (130, "")
    said = "Interrupted: nothing is half-written, the same command begins anew."
    assert err == f"qbat: {said}\n"
    assert not (folder / "new").exists()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("qbat ca", "calibration"), ("qbat calibration show bris", "brisbane")],
)
def test_the_shell_completes_commands_and_chips(typed: str, offered: str) -> None:
    words = typed.split()
    asked = {"COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run(
        [Path(sys.executable).with_name("qbat")],
        env={**os.environ, "_QBAT_COMPLETE": "complete_bash", **asked},
        capture_output=True,
        text=True,
        check=True,
    )
    assert offered in done.stdout.split()
