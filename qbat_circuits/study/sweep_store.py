"""The store of a sweep: one SQLite file, to which points are only ever added.

A point is committed once, under the hash of everything that changes its answer. Commits are in
batches, 100 points or 1 s; what was committed survives the death of the process (write-ahead log,
synchronised). A store holds one sweep of one version, and one process writes to it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from qbat_circuits.errors import InputError
from qbat_circuits.study.results import versions
from qbat_circuits.study.sweep_points import FORMAT_VERSION, Grid, PointResult
from qbat_circuits.study.sweep_reading import (
    APPLICATION_ID,
    COLUMNS,
    PATIENCE_S,
    lock_of,
    meta_of,
    read_grid,
    reading,
    tables_of,
    told,
)

#: A batch is committed with this many points, or after this many seconds.
COMMIT_POINTS, COMMIT_S = 100, 1.0
#: Seconds that the process which runs a sweep waits for its lock: others look at it in passing.
_LOCK_S = 1.0


class SweepStore:
    """The open store of the process that runs a sweep; a context manager.

    Args:
        path: of the SQLite file, which is made if it is not there.
        grid: what is swept.

    Raises:
        InputError: if the file cannot be written, is no store, or is one of another version or
            experiment, or another process is writing to it.
    """

    def __init__(self, path: Path, grid: Grid) -> None:
        self.path, self.grid = path, grid
        self._pending: list[PointResult] = []
        self._last = time.monotonic()
        self._mutex, self._closing = threading.Lock(), threading.Event()
        if path.exists():  # what is refused is left alone, without a lock beside it
            with reading(path) as database:
                _is_new(path, database, grid)
        self._lock = _locked(path)
        try:
            self._database = self._opened()
        except BaseException:
            self._lock.close()
            raise
        self._clock = threading.Thread(target=self._commit_now_and_then, daemon=True)
        self._clock.start()

    def __enter__(self) -> SweepStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.set()
        try:
            self._clock.join()
            if error is not None:  # which may have come between a commit and its end
                known = self.known()
                self._pending = [r for r in self._pending if self.grid.key(r.point) not in known]
            self.commit()
            with contextlib.suppress(sqlite3.OperationalError):  # while somebody reads
                self._database.execute("PRAGMA journal_mode = DELETE")  # one file, at rest
        finally:
            self._database.close()
            self._lock.close()

    def known(self) -> set[bytes]:
        """Keys of the stored points, failed ones included."""
        with self._mutex, told(self.path, "read"):
            return {key for (key,) in self._database.execute("SELECT key FROM points")}

    def add(self, results: Iterable[PointResult]) -> None:
        """Keep finished points; they are committed with the next batch, all of one call at once.

        Raises:
            InputError: if the file can no longer be written.
        """
        with self._mutex:
            self._pending += results
            due = len(self._pending) >= COMMIT_POINTS
        if due or time.monotonic() - self._last >= COMMIT_S:
            self.commit()

    def commit(self) -> None:
        """Write what is pending to the disk."""
        with self._mutex:
            if not self._pending:
                return
            variables, key = self.grid.variables, self.grid.key
            rows = [_row(key(one.point), one, len(variables)) for one in self._pending]
            columns = (*COLUMNS, *variables)
            line = f"INSERT INTO points ({', '.join(columns)}) VALUES ({_marks(columns)})"
            with told(self.path, "written"), self._database:
                self._database.execute("BEGIN IMMEDIATE")
                self._database.executemany(line, rows)
            self._pending = []
            self._last = time.monotonic()

    def _commit_now_and_then(self) -> None:
        """So that a slow point does not keep quick ones waiting."""
        while not self._closing.wait(COMMIT_S):
            with contextlib.suppress(InputError):  # the next `add` meets it again
                self.commit()

    def _opened(self) -> sqlite3.Connection:
        database = sqlite3.connect(
            self.path, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False
        )
        try:
            new = _is_new(self.path, database, self.grid)
            with told(self.path, "written"):
                database.execute("PRAGMA synchronous = FULL")
                database.execute("BEGIN IMMEDIATE")
                if new:
                    _create(database, self.grid)
                _note_versions(database)
                database.execute("DELETE FROM points WHERE lost")
                database.execute("COMMIT")
                database.execute("PRAGMA journal_mode = WAL")
        except BaseException:
            database.close()
            raise
        return database


def _is_new(path: Path, database: sqlite3.Connection, grid: Grid) -> bool:
    """Whether a store is new, or its first writer died before it had written anything.

    Raises:
        InputError: if it is none, or holds another sweep.
    """
    with told(path, "read"):
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (application,) = database.execute("PRAGMA application_id").fetchone()
    if tables == 0 and application == 0:
        return True
    _check_same(path, meta_of(path, database), grid)
    return False


def _create(database: sqlite3.Connection, grid: Grid) -> None:
    """The tables, in a transaction of the caller."""
    for table in tables_of(grid):
        database.execute(table)
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    content = {
        "format": str(FORMAT_VERSION),
        "package": grid.package,
        "sha256": grid.sha256,
        "grid": grid.to_json(),
        "begun_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": "{}",
    }
    database.executemany("INSERT INTO meta VALUES (?, ?)", content.items())


def _note_versions(database: sqlite3.Connection) -> None:
    """Add the versions of this process to those that the points come from."""
    (text,) = database.execute("SELECT value FROM meta WHERE name = 'versions'").fetchone()
    known = json.loads(text)
    for name, version in versions().items():
        had = known.get(name, "").split(", ") if name in known else []
        known[name] = ", ".join(dict.fromkeys([*had, version]))
    database.execute("UPDATE meta SET value = ? WHERE name = 'versions'", (json.dumps(known),))


def _row(key: bytes, result: PointResult, size: int) -> tuple[object, ...]:
    values = result.values or (None,) * size
    return (key, result.point, result.failure, result.lost, result.seconds, *values)


def _check_same(path: Path, meta: dict[str, str], grid: Grid) -> None:
    name = os.fspath(path)
    have, want = (meta.get("package"), meta.get("format")), (grid.package, str(FORMAT_VERSION))
    if have != want:
        raise InputError(
            f"The store {name!r} was begun by version {have[0]} of this package (store version "
            f"{have[1]}), not {want[0]} ({want[1]}): take another place for this sweep."
        )
    if meta.get("sha256") != grid.sha256:
        raise InputError(
            f"The store {name!r} holds a sweep of another experiment or other axes "
            f"({str(meta.get('sha256'))[:12]}, not {grid.sha256[:12]}): take another place for "
            "this one."
        )
    before = read_grid(path).calibrations
    for calibration, sha256 in grid.calibrations.items():
        if before.get(calibration) != sha256:
            raise InputError(
                f"The calibration {calibration!r} is not what it was when the sweep of {name!r} "
                "began: take another place for this one."
            )


def _locked(path: Path) -> sqlite3.Connection:
    """A lock that dies with its process: an empty database, held exclusively."""
    with told(path, "written"):
        lock = sqlite3.connect(lock_of(path), timeout=_LOCK_S, isolation_level=None)
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except BaseException as error:
            lock.close()
            if getattr(error, "sqlite_errorname", None) == "SQLITE_BUSY":
                raise InputError(
                    f"Another process is running the sweep of {os.fspath(path)!r}."
                ) from None
            raise
    return lock


def _marks(columns: tuple[str, ...]) -> str:
    return ", ".join("?" * len(columns))
