"""`qbat sweep`, its status and export, and what each bad input is answered with."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

FILE = """
[battery]
n_cells = 2
[bath]
rate = 1.0
occupation = 1.0
[charging]
times = { stop = 3.0, num = 16 }
[sweep]
occupation = { field = "bath.occupation", start = -0.5, stop = 1.0, num = 4 }
noise = { field = "noise.rate", values = [0.05, 0.1, 0.2] }
"""


def qbat(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "qbat_circuits", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.toml"
    path.write_text(FILE)
    return path


def test_the_command_from_file_to_export(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "map"
    done = qbat("sweep", file, "--out", out, "--workers", 1)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in out.iterdir()) == [
        "sweep.nc",
        "sweep.sqlite",
        "sweep.sqlite.lock",
    ]
    with xr.open_dataset(out / "sweep.nc", engine="h5netcdf") as data:
        assert dict(data.sizes) == {"occupation": 4, "noise": 3}
        assert data.state.values.tolist() == [[2] * 3, [1] * 3, [1] * 3, [1] * 3]
        assert (np.diff(data.ergotropy.values[1:], axis=0) > 0).all()  # a hotter bath
        assert (np.diff(data.ergotropy.values[2:], axis=1) < 0).all()  # more noise
    (out / "sweep.nc").unlink()
    told = qbat("sweep", "status", out)
    assert told.returncode == 0
    for words in ("12 of 12", "must be a finite number >= 0", "no"):
        assert words in " ".join(told.stdout.split())
    assert qbat("sweep", "export", out).returncode == 0
    assert (out / "sweep.nc").exists()


def test_bad_input_is_a_sentence_and_leaves_nothing(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "map"
    for old, new, sentence in (
        ("bath.occupation", "bath.ocupation", "did you mean 'bath.occupation'"),
        ("[0.05, 0.1, 0.2]", "[0.05, nan]", "'sweep.noise.values[1]' must be"),
        ('field = "noise.rate", ', "", "'sweep.noise.field' is missing"),
        ("[sweep]", "[swep]", "'swep' is an unknown key (did you mean 'sweep'?)"),
    ):
        file.write_text(FILE.replace(old, new))
        refused = qbat("sweep", file, "--out", out)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert sentence in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
        assert not out.exists()


def test_bad_places_and_options(file: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "sweep.sqlite").write_bytes(b"no database" * 500)
    for arguments, sentence in (
        ((file, "--out", taken), "cannot be made: a file is in the way"),
        ((file, "--out", "/proc/map"), "cannot be made"),
        ((file, "--out", foreign), "cannot be read: file is not a database"),
        ((file, "--out", tmp_path / "x", "--workers", "0"), "'workers' must be a whole number"),
        ((file, "--workers", "2", "--scheduler", "tcp://h:1"), "must not both be given"),
        ((file, "--out", tmp_path / "x", "--scheduler", "foo"), "must be an address like tcp"),
        (("status", tmp_path / "none"), "There is no store"),
        ((tmp_path / "none.toml",), "does not exist"),
    ):
        refused = qbat("sweep", *arguments)
        assert refused.returncode == 2, sentence
        assert sentence in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["here", "workers"])
def test_an_interrupt_keeps_what_is_there_and_says_how_to_go_on(
    options: tuple[str, ...], file: Path, tmp_path: Path
) -> None:
    """Ctrl-C, which a terminal sends to the workers as well."""
    out, store = tmp_path / "map", tmp_path / "map" / "sweep.sqlite"
    slow = FILE.replace("num = 16", "num = 3000").replace("start = -0.5", "start = 0.1")
    file.write_text(slow.replace("num = 4 }", "num = 300 }"))
    command = [sys.executable, "-m", "qbat_circuits", "sweep", str(file), "--out", str(out)]
    process = subprocess.Popen(
        [*command, *options], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while not store.is_file() or not store.stat().st_size or not rows_of(store):
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    kept = rows_of(store)
    sentence = f"qbat: Interrupted with {len(kept)} of 900 points stored: the same command goes on"
    assert told == f"{sentence} from there.\n"
    assert sorted(path.name for path in out.iterdir()) == ["sweep.sqlite", "sweep.sqlite.lock"]
    again = subprocess.Popen([*command, "--workers", "2"], stdout=subprocess.DEVNULL)
    while len(rows_of(store)) <= len(kept):
        time.sleep(0.05)
    again.kill()
    again.wait()
    assert kept < rows_of(store)


def rows_of(store: Path) -> set[tuple[float, ...]]:
    """Points with the seconds that each took: one computed again would have others."""
    database = sqlite3.connect(store, timeout=10)
    try:
        return set(database.execute("SELECT point, seconds FROM points").fetchall())
    except sqlite3.OperationalError:  # no table yet
        return set()
    finally:
        database.close()


def test_a_full_disk_is_a_sentence_and_the_sweep_goes_on_with_room(
    file: Path, tmp_path: Path
) -> None:
    """Room is what a process may write to one file."""
    out = tmp_path / "map"
    file.write_text(FILE.replace("num = 4 }", "num = 400 }").replace("n_cells = 2", "n_cells = 3"))
    command = [sys.executable, "-m", "qbat_circuits", "sweep", str(file), "--out", str(out)]
    refused = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert refused.returncode == 2
    assert "sweep.sqlite' cannot be written: " in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    kept = rows_of(out / "sweep.sqlite")
    assert 0 < len(kept) < 1200
    assert qbat("sweep", file, "--out", out).returncode == 0
    assert kept < rows_of(out / "sweep.sqlite")
    assert len(rows_of(out / "sweep.sqlite")) == 1200


def test_a_dask_cluster_of_real_processes(file: Path, tmp_path: Path) -> None:
    from distributed import LocalCluster

    assert qbat("sweep", file, "--out", tmp_path / "here").returncode == 0
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        done = qbat("sweep", file, "--out", tmp_path / "there", "--scheduler", address)
    assert (done.returncode, done.stderr) == (0, "")
    found = []
    for name in ("here", "there"):
        with xr.open_dataset(tmp_path / name / "sweep.nc", engine="h5netcdf") as data:
            found.append(data.load())
    assert found[0].equals(found[1])
    assert np.isfinite(found[0].ergotropy.values[1:]).all()
