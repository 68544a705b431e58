"""The store of a sweep: one SQLite file, to which points are only ever added.

A point is committed once, under the hash of everything that changes its answer. Commits are in
batches, 100 points or 1 s; what was committed survives the death of the process (write-ahead log,
synchronised). A store holds one sweep of one version, and one process writes to it.
"""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from qbat_circuits.errors import InputError
from qbat_circuits.study.sweep_points import FORMAT_VERSION, VARIABLES, Grid, PointResult

#: "qbat" in the header of the file.
_APPLICATION_ID = 0x71626174
#: A batch is committed with this many points, or after this many seconds.
COMMIT_POINTS, COMMIT_S = 100, 1.0
#: Seconds that a reader or the next commit waits for the file.
_PATIENCE_S = 10.0

_COLUMNS = ("key", "point", "failure", "seconds", *VARIABLES)
_TABLES = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE points (key BLOB PRIMARY KEY, point INTEGER NOT NULL, failure TEXT, "
    f"seconds REAL NOT NULL, {', '.join(f'{name} REAL' for name in VARIABLES)}) WITHOUT ROWID",
    f"PRAGMA application_id = {_APPLICATION_ID}",
)


@dataclass(frozen=True)
class SweepStatus:
    """How far a sweep is.

    Attributes:
        size: number of points.
        done: how many of them are stored without a failure.
        failed: how many are stored with one.
        failures: sentence and how many points it stopped, the most frequent first.
        running: whether a process is writing to the store.
    """

    size: int
    done: int
    failed: int
    failures: tuple[tuple[str, int], ...]
    running: bool


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
        self._clock.join()
        try:
            self.commit()
            with contextlib.suppress(sqlite3.OperationalError):  # while somebody reads
                self._database.execute("PRAGMA journal_mode = DELETE")  # one file, at rest
        finally:
            self._database.close()
            self._lock.close()

    def known(self) -> set[bytes]:
        """Keys of the stored points, failed ones included."""
        with self._mutex:
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
            rows = [_row(self.grid.key(result.point), result) for result in self._pending]
            marks = ", ".join("?" * len(_COLUMNS))
            try:
                with self._database:
                    self._database.execute("BEGIN IMMEDIATE")
                    self._database.executemany(
                        f"INSERT INTO points ({', '.join(_COLUMNS)}) VALUES ({marks})", rows
                    )
            except sqlite3.OperationalError as error:
                raise InputError(
                    f"The store {os.fspath(self.path)!r} cannot be written: {error}."
                ) from None
            self._pending = []
            self._last = time.monotonic()

    def _commit_now_and_then(self) -> None:
        """So that a slow point does not keep quick ones waiting."""
        while not self._closing.wait(COMMIT_S):
            with contextlib.suppress(InputError):  # the next `add` meets it again
                self.commit()

    def _opened(self) -> sqlite3.Connection:
        new = not self.path.exists() or self.path.stat().st_size == 0
        if not new:
            with _reading(self.path) as database:
                _check_same(self.path, _meta(self.path, database), self.grid)
        database = sqlite3.connect(
            self.path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
        )
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            if new:
                _create(database, self.grid)
        except sqlite3.Error as error:
            database.close()
            raise InputError(
                f"The store {os.fspath(self.path)!r} cannot be written: {error}."
            ) from None
        return database


def _create(database: sqlite3.Connection, grid: Grid) -> None:
    content = {
        "format": str(FORMAT_VERSION),
        "package": grid.package,
        "sha256": grid.sha256,
        "grid": grid.to_json(),
    }
    database.execute("BEGIN IMMEDIATE")
    for line in _TABLES:
        database.execute(line)
    database.executemany("INSERT INTO meta VALUES (?, ?)", content.items())
    database.execute("COMMIT")


def read_grid(path: Path) -> Grid:
    """What a store is a sweep of.

    Raises:
        InputError: if it is none, or of another version of the store.
    """
    with _reading(path) as database:
        meta = _meta(path, database)
    if meta.get("format") != str(FORMAT_VERSION):
        raise InputError(
            f"The store {os.fspath(path)!r} has version {meta.get('format')}, not {FORMAT_VERSION}."
        )
    return Grid.from_json(meta["grid"])


def read_points(path: Path) -> Iterator[PointResult]:
    """Every committed point."""
    names = ", ".join(_COLUMNS[1:])
    with _reading(path) as database:
        for point, failure, seconds, *values in database.execute(f"SELECT {names} FROM points"):
            found = None
            if failure is None:
                found = tuple(math.nan if value is None else value for value in values)
            yield PointResult(point, found, failure, seconds)


def status(path: str | os.PathLike[str]) -> SweepStatus:
    """How far the sweep of a store is; it may be running.

    Raises:
        InputError: if there is no such store.
    """
    path = Path(path)
    size = read_grid(path).size
    with _reading(path) as database:
        (done,) = database.execute("SELECT count(*) FROM points WHERE failure IS NULL").fetchone()
        failures = database.execute(
            "SELECT failure, count(*) FROM points WHERE failure IS NOT NULL "
            "GROUP BY failure ORDER BY count(*) DESC, failure"
        ).fetchall()
    running = False
    try:
        _locked(path).close()
    except InputError:
        running = True
    failed = sum(count for _, count in failures)
    return SweepStatus(size, done, failed, tuple(failures), running)


def _row(key: bytes, result: PointResult) -> tuple[object, ...]:
    values = result.values or (None,) * len(VARIABLES)
    return (key, result.point, result.failure, result.seconds, *values)


def _meta(path: Path, database: sqlite3.Connection) -> dict[str, str]:
    """What a store says about itself."""
    name = os.fspath(path)
    try:
        (application,) = database.execute("PRAGMA application_id").fetchone()
        if application == _APPLICATION_ID:
            return dict(database.execute("SELECT name, value FROM meta").fetchall())
    except sqlite3.DatabaseError as error:
        raise InputError(f"The store {name!r} cannot be read: {error}.") from None
    raise InputError(f"The file {name!r} is a database, but not the store of a sweep.")


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


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that writes no content."""
    if not path.is_file():
        raise InputError(f"There is no store {os.fspath(path)!r}.")
    try:
        uri = f"{path.resolve().as_uri()}?mode=ro"
        database = sqlite3.connect(uri, uri=True, timeout=_PATIENCE_S)
    except sqlite3.Error as error:
        raise InputError(f"The store {os.fspath(path)!r} cannot be read: {error}.") from None
    try:
        yield database
    finally:
        database.close()


def _locked(path: Path) -> sqlite3.Connection:
    """A lock beside the store that dies with its process: an empty database, held exclusively."""
    name = os.fspath(path)
    try:
        lock = sqlite3.connect(f"{name}.lock", timeout=0, isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise InputError(f"Another process is running the sweep of {name!r}.") from None
        raise InputError(f"The store {name!r} cannot be written: {error}.") from None
    except ValueError as error:  # a NUL in the path
        raise InputError(f"The store {name!r} cannot be written: {error}.") from None
    return lock
