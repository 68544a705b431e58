"""The store of a sweep: one SQLite file, to which points are only ever added.

A point is committed once, under the hash of everything that changes its answer. Commits are in
batches, 100 points or 1 s; what was committed survives the death of the process (write-ahead log,
synchronised). A store holds one sweep of one version, and one process writes to it. Whoever opens
it may write, because only then can SQLite take back what a dead process left half done.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from qbat_circuits.errors import InputError, shown
from qbat_circuits.study.results import versions
from qbat_circuits.study.sweep_points import FORMAT_VERSION, Grid, PointResult

#: "qbat" in the header of the file.
_APPLICATION_ID = 0x71626174
#: A batch is committed with this many points, or after this many seconds.
COMMIT_POINTS, COMMIT_S = 100, 1.0
#: Seconds that a reader or the next commit waits for the file.
_PATIENCE_S = 10.0
#: Seconds that the process which runs a sweep waits for its lock: others look at it in passing.
_LOCK_S = 1.0

#: Longest text of a store that is read, in bytes: the axes of a sweep of ten million points.
_LONGEST = 256 * 1024**2

#: Columns of every point, before those of its values.
_COLUMNS = ("key", "point", "failure", "lost", "seconds")


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
        if path.exists():  # what is refused is left alone, without a lock beside it
            with _reading(path) as database:
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
        with self._mutex, _told(self.path, "read"):
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
            columns = (*_COLUMNS, *variables)
            line = f"INSERT INTO points ({', '.join(columns)}) VALUES ({_marks(columns)})"
            with _told(self.path, "written"), self._database:
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
            self.path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
        )
        try:
            new = _is_new(self.path, database, self.grid)
            with _told(self.path, "written"):
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
    with _told(path, "read"):
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (application,) = database.execute("PRAGMA application_id").fetchone()
    if tables == 0 and application == 0:
        return True
    _check_same(path, _meta(path, database), grid)
    return False


def _tables(grid: Grid) -> tuple[str, str]:
    """How the tables are made."""
    values = ", ".join(f"{name} REAL" for name in grid.variables)
    return (
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
        "CREATE TABLE points (key BLOB PRIMARY KEY, point INTEGER NOT NULL, failure TEXT, "
        f"lost INTEGER NOT NULL, seconds REAL NOT NULL, {values}) WITHOUT ROWID",
    )


def _create(database: sqlite3.Connection, grid: Grid) -> None:
    """The tables, in a transaction of the caller."""
    for table in _tables(grid):
        database.execute(table)
    database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
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


@dataclass(frozen=True)
class StoredSweep:
    """What a store says about itself.

    Attributes:
        grid: what is swept.
        begun_at: when, as an ISO time stamp.
        versions: of Python and the packages; more than one where it went on with another.
    """

    grid: Grid
    begun_at: str
    versions: dict[str, str]


def read_sweep(path: Path) -> StoredSweep:
    """What a store is a sweep of.

    Raises:
        InputError: if it is none, or of another version of the store.
    """
    with _reading(path) as database:
        meta = _meta(path, database)
        made = database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    if meta.get("format") != str(FORMAT_VERSION):
        raise InputError(
            f"The store {os.fspath(path)!r} has version {shown(meta.get('format'))}, not "
            f"{FORMAT_VERSION}."
        )
    try:
        grid = Grid.from_json(meta["grid"])
        grid.check()
        versions = {str(name): str(one) for name, one in json.loads(meta["versions"]).items()}
        if meta["sha256"] != grid.sha256 or {sql for (sql,) in made} != set(_tables(grid)):
            raise ValueError
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError, InputError):
        raise _damaged(path) from None
    return StoredSweep(grid, str(meta.get("begun_at")), versions)


def read_grid(path: Path) -> Grid:
    """Experiment and axes of a store; see `read_sweep`."""
    return read_sweep(path).grid


def read_points(path: Path) -> Iterator[PointResult]:
    """Every committed point."""
    grid = read_grid(path)
    names = ", ".join((*_COLUMNS[1:], *grid.variables))
    with _reading(path) as database:
        rows = database.execute(f"SELECT {names} FROM points")
        for point, failure, lost, seconds, *values in rows:
            _check_row(path, grid.size, point, failure, (seconds, *values))
            found = None
            if failure is None:
                found = tuple(math.nan if value is None else value for value in values)
            yield PointResult(point, found, failure and _plain(failure), seconds, bool(lost))


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
    failed = sum(count for _, count in failures)
    told = tuple((_plain(str(sentence)), count) for sentence, count in failures)
    return SweepStatus(size, done, failed, told, _is_locked(path))


def _row(key: bytes, result: PointResult, size: int) -> tuple[object, ...]:
    values = result.values or (None,) * size
    return (key, result.point, result.failure, result.lost, result.seconds, *values)


def _meta(path: Path, database: sqlite3.Connection) -> dict[str, str]:
    """What a store says about itself."""
    with _told(path, "read"):
        (application,) = database.execute("PRAGMA application_id").fetchone()
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        real = {name for (name,) in tables} >= {"meta", "points"}  # no view, which may never end
        if application == _APPLICATION_ID and real:
            return dict(database.execute("SELECT name, value FROM meta").fetchall())
    raise InputError(f"The file {os.fspath(path)!r} is a database, but not the store of a sweep.")


def _check_row(
    path: Path, size: int, point: object, failure: object, values: tuple[object, ...]
) -> None:
    """Columns of SQLite hold whatever somebody put there."""
    whole = (
        isinstance(point, int)
        and 0 <= point < size
        and isinstance(failure, str | None)
        and all(isinstance(value, float | None) for value in values)
    )
    if not whole:
        raise _damaged(path)


def _damaged(path: Path) -> InputError:
    return InputError(
        f"The store {os.fspath(path)!r} is damaged: begin the sweep in another place."
    )


def _plain(text: str) -> str:
    """Text that changes no terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


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


@contextlib.contextmanager
def _told(path: Path, done: str) -> Iterator[None]:
    """A sentence where a file cannot be read or written."""
    try:
        yield
    except (InputError, sqlite3.IntegrityError):  # told already; a fault of ours
        raise
    except (sqlite3.Error, ValueError) as error:  # ValueError: a NUL in the path
        raise InputError(
            f"The store {os.fspath(path)!r} cannot be {done}: {_plain(str(error)).rstrip('.')}."
        ) from None


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that writes no content."""
    if not path.is_file():
        raise InputError(f"There is no store {os.fspath(path)!r}.")
    with _told(path, "read"):
        uri = f"{path.resolve().as_uri()}?mode=rw"
        database = sqlite3.connect(uri, uri=True, timeout=_PATIENCE_S)
        try:
            database.execute("PRAGMA query_only = ON")
            database.execute("PRAGMA trusted_schema = OFF")
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
            yield database
        finally:
            database.close()


def _lock_of(path: Path) -> Path:
    """The file beside a store that stands for its lock, whatever name leads there."""
    real = path.resolve()
    return real.with_name(f"{real.name}.lock")


def _locked(path: Path) -> sqlite3.Connection:
    """A lock that dies with its process: an empty database, held exclusively."""
    with _told(path, "written"):
        lock = sqlite3.connect(_lock_of(path), timeout=_LOCK_S, isolation_level=None)
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


def _is_locked(path: Path) -> bool:
    """Whether a process holds the lock; that nobody does is found without a trace."""
    if not _lock_of(path).is_file():
        return False
    lock = sqlite3.connect(f"{_lock_of(path).as_uri()}?mode=ro", uri=True, timeout=0)
    try:
        lock.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        return getattr(error, "sqlite_errorname", None) == "SQLITE_BUSY"
    finally:
        lock.close()
    return False


def _marks(columns: tuple[str, ...]) -> str:
    return ", ".join("?" * len(columns))
