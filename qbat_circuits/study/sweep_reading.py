"""What the store of a sweep holds, read while it runs and after it.

A store may have been written by anybody: only one whose tables, grid and hash are those that this
package makes is read. Whoever opens it may write, because only then can SQLite take back what a
dead process left half done.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qbat_circuits.errors import InputError, shown
from qbat_circuits.study.sweep_points import FORMAT_VERSION, Grid, PointResult

#: "qbat" in the header of the file.
APPLICATION_ID = 0x71626174
#: Seconds that a reader or the next commit waits for the file.
PATIENCE_S = 10.0
#: Longest text of a store that is read, in bytes: the axes of a sweep of ten million points.
_LONGEST = 256 * 1024**2
#: Columns of every point, before those of its values.
COLUMNS = ("key", "point", "failure", "lost", "seconds")


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
    with reading(path) as database:
        meta = meta_of(path, database)
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
        if meta["sha256"] != grid.sha256 or {sql for (sql,) in made} != set(tables_of(grid)):
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
    names = ", ".join((*COLUMNS[1:], *grid.variables))
    with reading(path) as database:
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
    with reading(path) as database:
        (done,) = database.execute("SELECT count(*) FROM points WHERE failure IS NULL").fetchone()
        failures = database.execute(
            "SELECT failure, count(*) FROM points WHERE failure IS NOT NULL "
            "GROUP BY failure ORDER BY count(*) DESC, failure"
        ).fetchall()
    failed = sum(count for _, count in failures)
    sentences = tuple((_plain(str(sentence)), count) for sentence, count in failures)
    return SweepStatus(size, done, failed, sentences, _is_locked(path))


def _is_locked(path: Path) -> bool:
    """Whether a process holds the lock; that nobody does is found without a trace."""
    if not lock_of(path).is_file():
        return False
    lock = sqlite3.connect(f"{lock_of(path).as_uri()}?mode=ro", uri=True, timeout=0)
    try:
        lock.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        return getattr(error, "sqlite_errorname", None) == "SQLITE_BUSY"
    finally:
        lock.close()
    return False


def lock_of(path: Path) -> Path:
    """The file beside a store that stands for its lock, whatever name leads there."""
    real = path.resolve()
    return real.with_name(f"{real.name}.lock")


def meta_of(path: Path, database: sqlite3.Connection) -> dict[str, str]:
    """What a store says about itself."""
    with told(path, "read"):
        (application,) = database.execute("PRAGMA application_id").fetchone()
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        real = {name for (name,) in tables} >= {"meta", "points"}  # no view, which may never end
        if application == APPLICATION_ID and real:
            return dict(database.execute("SELECT name, value FROM meta").fetchall())
    raise InputError(f"The file {os.fspath(path)!r} is a database, but not the store of a sweep.")


def tables_of(grid: Grid) -> tuple[str, str]:
    """How the tables are made."""
    values = ", ".join(f"{name} REAL" for name in grid.variables)
    return (
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
        "CREATE TABLE points (key BLOB PRIMARY KEY, point INTEGER NOT NULL, failure TEXT, "
        f"lost INTEGER NOT NULL, seconds REAL NOT NULL, {values}) WITHOUT ROWID",
    )


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


@contextlib.contextmanager
def told(path: Path, done: str) -> Iterator[None]:
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
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that writes no content."""
    if not path.is_file():
        raise InputError(f"There is no store {os.fspath(path)!r}.")
    with told(path, "read"):
        uri = f"{path.resolve().as_uri()}?mode=rw"
        database = sqlite3.connect(uri, uri=True, timeout=PATIENCE_S)
        try:
            database.execute("PRAGMA query_only = ON")
            database.execute("PRAGMA trusted_schema = OFF")
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
            yield database
        finally:
            database.close()
