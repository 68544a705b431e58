"""Where the points of a sweep are computed: here, in local processes, on a Dask cluster.

Every runner takes groups of points and gives back their results as they come, with no more groups
under way than keep the workers busy. A worker that dies takes no result with it: its groups are
computed again. Only the process that runs the sweep writes.
"""

from __future__ import annotations

import logging
import math
import multiprocessing
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any

from qbat_circuits.errors import InputError, QbatError
from qbat_circuits.study.sweep_compute import Task, compute
from qbat_circuits.study.sweep_points import Grid, PointResult, package_version

Results = Iterator[list[PointResult]]

#: Groups under way for every worker.
_AHEAD = 3
#: A group that was under way when a worker died runs alone from then on; after so many deaths it is
#: to blame.
_GUILTY = 6
#: Seconds in which a scheduler must answer.
SCHEDULER_S = 10.0
#: How often the cluster is asked for its size, in seconds.
_ASK_S = 1.0
#: Most local workers.
MAX_WORKERS = 1024


def run_here(grid: Grid, tasks: Iterable[Task]) -> Results:
    """One after the other, in this process."""
    for task in tasks:
        yield compute(grid, task)


def run_locally(grid: Grid, tasks: Iterable[Task], workers: int) -> Results:
    """In local processes.

    Args:
        grid: what is swept.
        tasks: groups of points.
        workers: how many processes.
    """
    waiting, suspects = iter(tasks), deque[Task]()
    deaths: Counter[Task] = Counter()
    pool = _pool(workers, grid)
    under_way: dict[Future[list[PointResult]], Task] = {}
    try:
        while True:
            try:
                while len(under_way) < (1 if suspects else _AHEAD * workers):
                    task = suspects[0] if suspects else next(waiting, None)
                    if task is None:
                        break
                    under_way[pool.submit(_in_worker, task)] = task
                    if suspects:
                        suspects.popleft()
                        break
                if not under_way:
                    return
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    results = future.result()
                    del under_way[future]
                    yield results
            except BrokenProcessPool:
                pool.shutdown(cancel_futures=True)
                lost, under_way = list(under_way.items()), {}
                for future, task in lost:
                    if future.done() and future.exception() is None:
                        yield future.result()
                        continue
                    deaths[task] += 1
                    if deaths[task] >= _GUILTY:
                        yield _given_up(task)
                    else:
                        suspects.append(task)
                pool = _pool(workers, grid)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _given_up(task: Task) -> list[PointResult]:
    sentence = f"The worker died {_GUILTY} times while it computed this point or one beside it."
    return [PointResult(point, None, sentence, 0.0) for point in task]


def _pool(workers: int, grid: Grid) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, _start_worker, (grid,))


_grid: Grid | None = None


def _start_worker(grid: Grid) -> None:
    """Set up a worker: it leaves Ctrl-C to the driver, and goes where the driver is gone."""
    global _grid
    _grid = grid
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_go_with, args=(parent,), daemon=True).start()


def _go_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _in_worker(task: Task) -> list[PointResult]:
    if _grid is None:
        raise RuntimeError("A worker was not set up.")
    return compute(_grid, task)


def connected(address: str) -> Any:
    """A client of a Dask scheduler.

    Raises:
        InputError: if Dask is not installed, or the scheduler does not answer in time.
    """
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            "'--scheduler' needs Dask: pip install 'qbat-circuits[cluster]'."
        ) from None
    for name in ("distributed", "tornado.application", "asyncio"):  # what matters is our sentence
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:  # as a default it would leave its mark on Dask's settings where it does not connect
        return Client(address, timeout=SCHEDULER_S, set_as_default=False)
    except (OSError, ValueError) as error:  # TimeoutError is an OSError
        known = isinstance(error, OSError)
        reason = f"did not answer within {SCHEDULER_S:g} s" if known else f"is no address: {error}"
        raise InputError(f"The scheduler {address!r} {reason}.") from None


def run_on_cluster(grid: Grid, tasks: Iterable[Task], client: Any) -> Results:
    """On the workers of a Dask cluster, which may come and go.

    Args:
        grid: what is swept.
        tasks: groups of points.
        client: `distributed.Client`.

    Raises:
        QbatError: if the scheduler is lost, or the workers have another version of this package.
    """
    from distributed import as_completed as in_order_of_ending

    waiting, tasks_of = iter(tasks), dict[str, Task]()
    work = partial(_on_cluster, grid.to_json())

    def submitted(task: Task) -> Any:
        future = client.submit(work, task, pure=False)
        tasks_of[future.key] = task
        return future

    running: Any = in_order_of_ending([], loop=client.loop)
    asked, threads = -math.inf, 0
    while True:
        try:
            if time.monotonic() - asked > _ASK_S:
                asked, threads = time.monotonic(), sum(client.nthreads().values())
            while len(tasks_of) < max(_AHEAD * threads, _AHEAD) and (task := next(waiting, None)):
                running.add(submitted(task))
            if not tasks_of:
                return
            future = next(running)
        except OSError as error:
            raise _lost(error) from None
        yield _collected(future, tasks_of.pop(future.key))


def _collected(future: Any, task: Task) -> list[PointResult]:
    """Results of a finished group."""
    from distributed import KilledWorker

    if future.status == "finished":
        results: list[PointResult] = future.result()
        return results
    error = future.exception() if future.status == "error" else None
    if isinstance(error, KilledWorker):
        sentence = "Several workers died while they computed this point or one beside it."
        return [PointResult(point, None, sentence, 0.0) for point in task]
    if isinstance(error, InputError):
        raise error
    raise _lost(error)


def _lost(error: BaseException | None) -> QbatError:
    reason = f" ({type(error).__name__})" if error else ""
    return QbatError(
        f"The cluster no longer works on the sweep{reason}: start it again, and it goes on where "
        "it was."
    )


def _on_cluster(text: str, task: Task) -> list[PointResult]:
    grid = Grid.from_json(text)
    if grid.package != package_version():
        raise InputError(
            f"A worker of the cluster has version {package_version()} of this package, not "
            f"{grid.package}."
        )
    return compute(grid, task)
