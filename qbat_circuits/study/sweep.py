"""sweep(): an experiment's charging over a grid of its own fields, kept point by point."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qbat_circuits.errors import InputError, broken_rule, check_integer
from qbat_circuits.file_models import validated
from qbat_circuits.schema import Experiment
from qbat_circuits.study.sweep_compute import tasks_of
from qbat_circuits.study.sweep_points import Grid, Part, package_version
from qbat_circuits.study.sweep_store import SweepStore
from qbat_circuits.study.sweep_workers import (
    MAX_WORKERS,
    Results,
    connected,
    run_here,
    run_locally,
    run_on_cluster,
)
from qbat_circuits.sweep_schema import SweepAxis

if TYPE_CHECKING:
    import xarray as xr

Progress = Callable[[str], None]
#: Seconds between two words on the progress.
_SAY_S = 0.2


def sweep(
    experiment: Experiment,
    axes: Mapping[str, SweepAxis | Mapping[str, Any]] | None,
    store: str | os.PathLike[str],
    client: Any = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Charge the battery at every point of a grid, and return the points labelled.

    Every point is committed to the store and never computed again: a sweep that was interrupted or
    killed goes on where it was. A point that fails is stored with its sentence.

    Args:
        experiment: see `load_experiment`; each mode of charging has variables of its own.
        axes: by name, each a field and its values: {"field": "bath.occupation", "values": [...]}
            or {"field": ..., "start": ..., "stop": ..., "num": ...}; None for the experiment's own
            [sweep].
        store: SQLite file, made if it is not there.
        client: `distributed.Client` or address of a Dask scheduler, whose workers compute.
        workers: local processes that compute; this one by default.
        progress: called now and then with a short text.

    Returns:
        See `sweep_dataset`.

    Raises:
        InputError: for an axis that is no field, a store that cannot be written or holds something
            else, or a scheduler that does not answer.
        QbatError: if the cluster is lost.
    """
    from qbat_circuits.study.sweep_export import sweep_dataset

    run_sweep(experiment, axes, store, client, workers, progress)
    return sweep_dataset(store)


def run_sweep(
    experiment: Experiment,
    axes: Mapping[str, SweepAxis | Mapping[str, Any]] | None,
    store: str | os.PathLike[str],
    client: Any = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> None:
    """The same without the dataset; see `sweep`."""
    if client is not None and workers is not None:
        raise InputError("'workers' and 'client' must not both be given.")
    if not isinstance(experiment, Experiment):
        raise broken_rule("experiment", "an Experiment, see load_experiment", experiment)
    if workers is not None:
        check_integer("workers", workers, at_least=1, at_most=MAX_WORKERS)
    grid = Grid.of(experiment, _axes(experiment, axes), package_version())
    path = Path(store)
    if not path.parent.is_dir():
        raise InputError(f"The folder of the store {os.fspath(path)!r} does not exist.")
    if path.is_dir():
        raise InputError(f"The store {os.fspath(path)!r} must be a file, not a folder.")
    with (
        connected(client) if isinstance(client, str) else contextlib.nullcontext(client) as reached,
        SweepStore(path, grid) as kept,
    ):
        known = kept.known()
        points = (p for p in range(grid.size) if not known or grid.key(p) not in known)
        results = _results(tasks_of(grid, points), reached, workers)
        with contextlib.closing(results):  # no worker goes on after an interrupt
            _drive(kept, results, len(known), progress)


def _results(parts: Iterator[Part], client: Any, workers: int | None) -> Results:
    if client is not None:
        return run_on_cluster(parts, client)
    return run_here(parts) if workers is None else run_locally(parts, workers)


def _drive(kept: SweepStore, results: Results, done: int, progress: Progress | None) -> None:
    """Store what comes, and say how far it is."""
    say, size = progress or (lambda _text: None), kept.grid.size
    begun = said = time.monotonic()
    first, failed = done, 0
    say(f"{done} of {size} points")
    for group in results:
        kept.add(group)
        done += len(group)
        failed += sum(result.values is None for result in group)
        now = time.monotonic()
        if now - said >= _SAY_S:
            rate, said = (done - first) / (now - begun), now
            say(progress_text(done, size, failed, rate))


def progress_text(done: int, size: int, failed: int, rate: float) -> str:
    """How far, how fast (points per second), how long to go."""
    left = (size - done) / rate
    hours, minutes = int(left // 3600), int(left % 3600 // 60)
    rest = f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{left:.0f} s"
    failures = f" ({failed} failed)" if failed else ""
    return f"{done} of {size} points{failures}, {rate:.3g}/s, {rest} left"


def _axes(
    experiment: Experiment, axes: Mapping[str, SweepAxis | Mapping[str, Any]] | None
) -> dict[str, SweepAxis]:
    """The axes as the file's schema takes them, arrays and tuples of values included."""
    if axes is None:
        return experiment.sweep
    if not isinstance(axes, Mapping):
        raise broken_rule("axes", "a table of axes by name", axes)
    tables: dict[str, Any] = {}
    for name, axis in axes.items():
        table = axis.model_dump() if isinstance(axis, SweepAxis) else axis
        if isinstance(table, Mapping):
            table = {key: _plain(value) for key, value in table.items()}
        tables[name] = table
    return validated(Experiment, {**experiment.model_dump(), "sweep": tables}).sweep


def _plain(value: Any) -> Any:
    """A NumPy number or array, or a tuple, as a number or a list."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return [_plain(one) for one in value] if isinstance(value, (list, tuple, range)) else value
