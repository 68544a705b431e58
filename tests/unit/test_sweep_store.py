"""The store of a sweep: commits, refusals, locks, deaths; and the export of what it holds."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from sweeps import CHIP, NOISE, OCCUPATION, computed, experiment, grid_of, many, values_by_hand

import qbat_circuits as qb
from qbat_circuits.file_models import validated
from qbat_circuits.schema import Experiment
from qbat_circuits.study import sweep_store, sweep_workers
from qbat_circuits.study.sweep import _drive, run_sweep
from qbat_circuits.study.sweep_compute import compute
from qbat_circuits.study.sweep_export import export_sweep
from qbat_circuits.study.sweep_points import VARIABLES, Part, PointResult
from qbat_circuits.study.sweep_reading import read_points, status
from qbat_circuits.study.sweep_store import SweepStore


def result(point: int) -> PointResult:
    return PointResult(point, (0.0,) * len(VARIABLES["bath"]), None, 0.0)


# --- store ----------------------------------------------------------------------------------------


def test_what_is_stored_is_not_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    axes, store = {"n": OCCUPATION, "g": NOISE}, tmp_path / "s.sqlite"
    grid = grid_of(experiment(), **axes)
    with SweepStore(store, grid) as kept:
        kept.add(computed(grid, [4, 7]))
    asked: list[int] = []

    def counted(part: Part) -> list[PointResult]:
        asked.extend(part.points)
        return compute(part)

    monkeypatch.setattr(sweep_workers, "compute", counted)
    data = qb.sweep(experiment(), axes, store)
    assert sorted(asked) == [0, 1, 2, 3, 5, 6, 8]
    assert (data.state == 1).all()
    asked.clear()
    assert qb.sweep(experiment(), axes, store).equals(data)
    assert asked == []


def test_commits_come_in_batches_of_points_or_seconds(tmp_path: Path) -> None:
    grid = grid_of(many(), n={"field": "bath.rate", "start": 1.0, "stop": 2.0, "num": 300})
    path = tmp_path / "s.sqlite"

    with SweepStore(path, grid) as kept:
        kept.add(map(result, range(99)))
        assert len(list(read_points(path))) == 0
        kept.add([result(99)])
        assert len(list(read_points(path))) == 100
        kept.add([result(100)])
        kept._closing.wait(1.6)  # the clock of the store, not a further point
        assert len(list(read_points(path))) == 101


def test_a_point_is_committed_once(tmp_path: Path) -> None:
    grid, path = grid_of(experiment(), n=OCCUPATION), tmp_path / "s.sqlite"
    kept = SweepStore(path, grid)
    kept.add([result(0), result(1)])
    kept.commit()
    kept.add([result(1), result(2)])
    with pytest.raises(sqlite3.IntegrityError):
        kept.commit()
    kept.__exit__(None, RuntimeError("planted"), None)
    assert sorted(one.point for one in read_points(path)) == [0, 1, 2]


def test_what_is_pending_is_committed_at_the_end(tmp_path: Path) -> None:
    grid, path = grid_of(experiment(), n=OCCUPATION), tmp_path / "s.sqlite"
    with SweepStore(path, grid) as kept:
        kept.add([result(0), result(1)])
    assert sorted(one.point for one in read_points(path)) == [0, 1]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: path.write_bytes(b"no database at all" * 99), "cannot be read: file is not"),
        (lambda path: path.mkdir(), "must be a file, not a folder"),
        (lambda path: foreign(path), "is a database, but not the store of a sweep"),
    ],
)
def test_a_foreign_store_is_refused_and_left_alone(
    make: Any, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "s.sqlite"
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(qb.InputError, match=sentence):
        run_sweep(experiment(), {"n": OCCUPATION}, path)
    assert (path.read_bytes() if path.is_file() else b"") == before
    assert [one.name for one in tmp_path.iterdir()] == ["s.sqlite"]


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE mine (x)")
    database.close()


def test_a_store_of_another_experiment_or_version_is_refused(tmp_path: Path) -> None:
    store = tmp_path / "s.sqlite"
    run_sweep(experiment(), {"n": OCCUPATION}, store)
    other = {**OCCUPATION, "values": [0.5, 1.0]}
    for one, axes in (
        (experiment(), {"n": other}),
        (experiment(noise={"rate": 0.1}), {"n": OCCUPATION}),
    ):
        with pytest.raises(qb.InputError, match="holds a sweep of another experiment or other ax"):
            run_sweep(one, axes, store)
    with sqlite3.connect(store) as database:
        database.execute("UPDATE meta SET value = '0.0.1' WHERE name = 'package'")
    database.close()
    with pytest.raises(qb.InputError, match=r"was begun by version 0\.0\.1 of this package"):
        run_sweep(experiment(), {"n": OCCUPATION}, store)


def test_one_process_writes(tmp_path: Path) -> None:
    store, grid = tmp_path / "s.sqlite", grid_of(experiment(), n=OCCUPATION)
    with SweepStore(store, grid):
        assert status(store).running
        with pytest.raises(qb.InputError, match="Another process is running the sweep"):
            run_sweep(experiment(), {"n": OCCUPATION}, store)
        (tmp_path / "link.sqlite").symlink_to(store)  # by whatever name
        with pytest.raises(qb.InputError, match="Another process is running the sweep"):
            run_sweep(experiment(), {"n": OCCUPATION}, tmp_path / "link.sqlite")
    assert not status(store).running


def test_a_look_at_the_status_does_not_keep_a_driver_out(tmp_path: Path) -> None:
    store, grid = tmp_path / "s.sqlite", grid_of(experiment(), n=OCCUPATION)
    with SweepStore(store, grid):
        pass
    (tmp_path / "s.sqlite.lock").unlink()
    assert not status(store).running
    assert [path.name for path in tmp_path.iterdir()] == ["s.sqlite"]  # nor leave a trace
    look = sqlite3.connect(
        tmp_path / "s.sqlite.lock", isolation_level=None, check_same_thread=False
    )
    look.execute("BEGIN")
    look.execute("SELECT 1 FROM sqlite_master").fetchall()  # the lock of a reader
    waiting = sqlite3.connect(tmp_path / "s.sqlite.lock", timeout=0, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        waiting.execute("BEGIN EXCLUSIVE")
    waiting.close()
    later = threading.Thread(target=lambda: (time.sleep(0.3), look.execute("COMMIT")))
    later.start()
    with SweepStore(store, grid):
        later.join()
    look.close()


def test_an_unwritable_store_is_refused(tmp_path: Path) -> None:
    """A folder in the way: not even root may write a file there."""
    with pytest.raises(qb.InputError, match=r"The store .* must be a file, not a folder"):
        run_sweep(experiment(), {"n": OCCUPATION}, tmp_path)
    (tmp_path / "s.sqlite.lock").mkdir()
    with pytest.raises(qb.InputError, match=r"The store .* cannot be written: unable to open"):
        run_sweep(experiment(), {"n": OCCUPATION}, tmp_path / "s.sqlite")
    assert not (tmp_path / "s.sqlite").exists()
    (tmp_path / "t.sqlite.lock").write_bytes(b"no lock of ours" * 99)
    with pytest.raises(qb.InputError, match=r"The store .* cannot be written: file is not a data"):
        run_sweep(experiment(), {"n": OCCUPATION}, tmp_path / "t.sqlite")


# --- what a death may leave behind ----------------------------------------------------------------


def died_before_the_first_table(store: Path) -> None:
    database = sqlite3.connect(store)
    database.execute("PRAGMA journal_mode = WAL")
    database.close()
    assert store.stat().st_size > 0


def died_before_the_first_byte(store: Path) -> None:
    store.touch()


def died_in_a_commit_with_a_journal(store: Path) -> None:
    """As in the change from a journal to the log, and back: half of it is in the file."""
    other = store.with_name("other.sqlite")
    with SweepStore(other, grid_of(experiment(), n=OCCUPATION)) as kept:
        kept.add(computed(kept.grid, [1]))
    database = sqlite3.connect(other, isolation_level=None)
    database.execute("PRAGMA cache_size = 1")
    database.execute("BEGIN IMMEDIATE")
    database.execute("UPDATE points SET point = 2")
    database.execute("CREATE TABLE more AS SELECT zeroblob(100000)")
    for suffix in ("", "-journal"):
        shutil.copy(f"{other}{suffix}", f"{store}{suffix}")
    database.close()
    with (
        sqlite3.connect(f"file:{store}?mode=ro", uri=True) as check,
        pytest.raises(sqlite3.OperationalError),
    ):
        check.execute("SELECT * FROM points").fetchall()
    check.close()


def died_with_a_log(store: Path) -> None:
    other = store.with_name("other.sqlite")
    with SweepStore(other, grid_of(experiment(), n=OCCUPATION)) as kept:
        kept.add(computed(kept.grid, [1]))
        kept.commit()
        for suffix in ("", "-wal", "-shm"):
            shutil.copy(f"{other}{suffix}", f"{store}{suffix}")
        assert Path(f"{store}-wal").stat().st_size > 0


@pytest.mark.parametrize(
    ("die", "kept"),
    [
        (died_before_the_first_byte, 0),
        (died_before_the_first_table, 0),
        (died_in_a_commit_with_a_journal, 1),
        (died_with_a_log, 1),
    ],
)
def test_a_sweep_goes_on_after_a_death_at_any_moment(die: Any, kept: int, tmp_path: Path) -> None:
    store = tmp_path / "s.sqlite"
    die(store)
    if kept:
        assert status(store).done == kept
        assert qb.sweep_dataset(store).state.values.tolist() == [0, 1, 0]
    before = {one.seconds for one in read_points(store)} if kept else set()
    data = qb.sweep(experiment(), {"n": OCCUPATION}, store)
    assert before <= {one.seconds for one in read_points(store)}
    assert data.equals(qb.sweep(experiment(), {"n": OCCUPATION}, tmp_path / "new.sqlite"))


def test_points_lost_with_a_worker_are_tried_again(tmp_path: Path) -> None:
    store, grid = tmp_path / "s.sqlite", grid_of(experiment(), n=OCCUPATION)
    with SweepStore(store, grid) as kept:
        kept.add(computed(grid, [0]))
        kept.add([PointResult(1, None, "The worker died.", 0.0, lost=True)])
        kept.add([PointResult(2, None, "An answer.", 0.0)])
    assert status(store).failed == 2
    data = qb.sweep(experiment(), {"n": OCCUPATION}, store)
    assert data.state.values.tolist() == [1, 1, 2]
    assert data.failure.values.tolist() == ["", "", "An answer."]


@pytest.mark.parametrize("moment", ["before the commit", "after the commit"])
def test_an_interrupt_loses_and_repeats_nothing(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, grid = tmp_path / "s.sqlite", grid_of(experiment(), n=OCCUPATION)
    with contextlib.suppress(KeyboardInterrupt), SweepStore(store, grid) as kept:
        kept.add(computed(grid, [0, 1]))
        if moment == "after the commit":  # and before the store knows of it
            pending = list(kept._pending)
            kept.commit()
            kept._pending = pending
        raise KeyboardInterrupt
    assert sorted(one.point for one in read_points(store)) == [0, 1]


def test_a_full_disk_is_a_sentence_and_what_was_committed_stays(tmp_path: Path) -> None:
    axis = {"field": "bath.rate", "start": 1.0, "stop": 2.0, "num": 4000}
    grid, store = grid_of(many(), n=axis), tmp_path / "s.sqlite"
    results = ([result(point)] for point in range(4000))
    kept = SweepStore(store, grid)
    kept._database.execute("PRAGMA max_page_count = 40")
    with pytest.raises(qb.InputError, match="cannot be written: database or disk is full"):
        _drive(kept, results, 0, None)
    with pytest.raises(qb.InputError, match="cannot be written: database or disk is full"):
        kept.__exit__(None, None, None)
    found = status(store)
    assert 0 < found.done < 4000
    assert found.done % 100 == 0
    with SweepStore(store, grid) as kept:
        assert len(kept.known()) == found.done


def test_a_damaged_store_is_a_sentence(tmp_path: Path) -> None:
    axis = {"field": "bath.rate", "start": 1.0, "stop": 2.0, "num": 900}
    grid, store = grid_of(many(), n=axis), tmp_path / "s.sqlite"
    with SweepStore(store, grid) as kept:
        kept.add(map(result, range(900)))
    content = store.read_bytes()
    (root,) = (
        sqlite3.connect(store)
        .execute("SELECT rootpage FROM sqlite_master WHERE name = 'points'")
        .fetchone()
    )
    start = (root - 1) * 4096
    store.write_bytes(content[:start] + b"\xff" * 4096 + content[start + 4096 :])
    for use in (status, qb.sweep_dataset, lambda path: run_sweep(many(), {"n": axis}, path)):
        with pytest.raises(qb.InputError, match=r"The store '.*' cannot be .*: .*malformed"):
            use(store)


# --- export ---------------------------------------------------------------------------------------


def test_an_export_has_labels_units_and_provenance(tmp_path: Path) -> None:
    one, axes, store = experiment(), {"n": OCCUPATION, "g": NOISE}, tmp_path / "s.sqlite"
    data = qb.sweep(one, axes, store)
    export_sweep(store, tmp_path / "s.nc")
    with xr.open_dataset(tmp_path / "s.nc", engine="h5netcdf") as file:
        assert file.load().equals(data)
        assert file.attrs == {**data.attrs, "created_at": file.attrs["created_at"]}
    assert data.ergotropy.dims == ("n", "g")
    assert data.g.values.tolist() == [0.0, 0.1, 0.2]
    units = {name: variable.attrs["units"] for name, variable in data.variables.items()}
    energy = dict.fromkeys(("ergotropy", "energy", "last_ergotropy", "steady_ergotropy"))
    assert {units[name] for name in energy} == {"hbar*mean(omega)"}
    assert (units["peak_time"], units["plateau_stop"]) == ("1/rate", "1/rate")
    assert (units["n"], units["g"], units["state"]) == ("1", "rate", "1")
    assert data.g.attrs["field"] == "noise.rate"
    assert json.loads(data.attrs["experiment"])["battery"]["n_cells"] == 2
    assert data.attrs["package"] == qb.__version__
    assert data.attrs["seed"] == "null"  # nothing is drawn
    assert json.loads(data.attrs["versions"])["numpy"] == np.__version__
    assert datetime.fromisoformat(data.attrs["begun_at"]) <= datetime.fromisoformat(
        data.attrs["created_at"]
    )
    assert data.state.attrs["flag_meanings"].split() == ["not_computed", "computed", "failed"]
    assert data.attrs["sweep_sha256"] == grid_of(one, **axes).sha256
    for point in (0, 5):
        content = grid_of(one, **axes).content(point)
        found = [float(data[name].values.ravel()[point]) for name in VARIABLES["bath"]]
        expected = values_by_hand(validated(Experiment, content))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)


def test_a_sweep_of_a_chip_is_in_seconds_and_names_are_labels(tmp_path: Path) -> None:
    one = validated(Experiment, CHIP)
    axes = {
        "chip": {"field": "chip.calibration", "values": ["brisbane", "none such"]},
        "warmth": {"field": "bath.temperature_k", "values": [0.2, 0.4]},
    }
    data = qb.sweep(one, axes, tmp_path / "s.sqlite")
    assert data.chip.values.tolist() == ["brisbane", "none such"]
    assert (data.peak_time.attrs["units"], data.warmth.attrs["units"]) == ("s", "K")
    assert data.state.values.tolist() == [[1, 1], [2, 2]]
    assert "none such" in str(data.failure.values[1, 0])
    export_sweep(tmp_path / "s.sqlite", tmp_path / "s.nc")
    hashes = json.loads(data.attrs["calibration_sha256"])
    assert hashes == {"brisbane": qb.load_calibration("brisbane").sha256, "none such": None}


def test_an_export_on_demand_holds_what_is_there(tmp_path: Path) -> None:
    store, grid = tmp_path / "s.sqlite", grid_of(experiment(), n=OCCUPATION)
    with SweepStore(store, grid) as kept:
        kept.add(computed(grid, [1]))
    data = qb.sweep_dataset(store)
    assert data.state.values.tolist() == [0, 1, 0]
    assert np.isnan(data.ergotropy.values).tolist() == [True, False, True]


def test_an_export_names_every_version_that_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, grid = tmp_path / "s.sqlite", grid_of(experiment(), n=OCCUPATION)
    for version in ("1.0", "2.0", "2.0"):
        monkeypatch.setattr(sweep_store, "versions", lambda v=version: {"numpy": v, "scipy": "3"})
        with SweepStore(store, grid):
            pass
    found = json.loads(qb.sweep_dataset(store).attrs["versions"])
    assert found == {"numpy": "1.0, 2.0", "scipy": "3"}


def test_words_and_truth_values_come_back_from_the_file(tmp_path: Path) -> None:
    axes = {
        "engine": {"field": "charging.engine", "values": ["auto", "no engine \u00e4"]},
        "tuned": {"field": "chip.tune_to_resonance", "values": [True, False]},
    }
    data = qb.sweep(validated(Experiment, CHIP), axes, tmp_path / "s.sqlite")
    export_sweep(tmp_path / "s.sqlite", tmp_path / "s.nc")
    with xr.open_dataset(tmp_path / "s.nc", engine="h5netcdf") as file:
        assert file.load().equals(data)
        assert file.engine.values.tolist() == ["auto", "no engine \u00e4"]
        assert file.tuned.values.tolist() == [True, False]
    assert {"units"} <= set.intersection(*(set(v.attrs) for v in data.variables.values()))
