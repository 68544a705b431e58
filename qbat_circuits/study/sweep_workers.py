"""Where the points of a sweep are computed: here, in local processes, on a Dask cluster.

Every runner takes groups of points and gives back their results as they come, with no more groups
under way than keep the workers busy. A worker that dies takes no result with it: its groups are
computed again. Only the process that runs the sweep writes.
"""

from __future__ import annotations

import contextlib
import logging
import math
import multiprocessing
import os
import re
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Future,
    ProcessPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from itertools import islice
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from qbat_circuits.errors import InputError, QbatError, broken_rule
from qbat_circuits.study.sweep_compute import compute
from qbat_circuits.study.sweep_points import Part, PointResult, package_version

Results = Generator[list[PointResult], None, None]

#: Groups under way for every worker.
_AHEAD = 3
#: A group that was under way when a worker died runs alone from then on; after so many deaths more
#: it is to blame.
_GUILTY = 5
#: Seconds in which a scheduler must answer.
SCHEDULER_S = 10.0
#: How often the cluster is asked for its size, in seconds.
_ASK_S = 1.0
#: Most local workers.
MAX_WORKERS = 1024
#: What speaks where a scheduler or a cluster is lost; what matters is our sentence.
_LOUD = ("distributed", "distributed.client", "tornado.application", "asyncio")


def run_here(parts: Iterable[Part]) -> Results:
    """One after the other, in this process."""
    for part in parts:
        yield compute(part)


def run_locally(parts: Iterable[Part], workers: int) -> Results:
    """In local processes.

    Args:
        parts: groups of points.
        workers: how many processes.
    """
    waiting = iter(parts)
    while True:
        lost: list[Part] = []
        with _Workers(workers) as pool:
            yield from _together(pool, waiting, _AHEAD * workers, lost)
        if not lost:
            return
        yield from _one_by_one(lost)


def _together(pool: _Workers, waiting: Iterator[Part], most: int, lost: list[Part]) -> Results:
    """Until all are computed, or a worker dies: then what was under way is lost."""
    under_way: dict[Future[list[PointResult]], Part] = {}
    try:
        while True:
            for part in islice(waiting, most - len(under_way)):
                lost.append(part)  # unless it is taken
                future = pool.submit(part)
                under_way[future] = lost.pop()
            if not under_way:
                return
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                results = future.result()
                del under_way[future]
                yield results
    except BrokenProcessPool:
        for future, part in under_way.items():
            if future.done() and future.exception() is None:
                yield future.result()
            else:
                lost.append(part)


def _one_by_one(lost: Iterable[Part]) -> Results:
    """Groups of which one may have killed its worker."""
    waiting, deaths = deque(lost), 0
    while waiting:
        with _Workers(1) as pool:
            try:
                while waiting:
                    results = pool.submit(waiting[0]).result()
                    waiting.popleft()
                    deaths = 0
                    yield results
            except BrokenProcessPool:
                deaths += 1
        if deaths == _GUILTY:
            yield _given_up(waiting.popleft())
            deaths = 0


def _given_up(part: Part) -> list[PointResult]:
    sentence = "Several workers died while they computed this point or one beside it."
    return [PointResult(point, None, sentence, 0.0, lost=True) for point in part.points]


class _Workers:
    """Local processes that end when this process does, or is no longer interested."""

    def __init__(self, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._watched, self._held = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(count, context, _start_worker, (self._watched,))

    def __enter__(self) -> _Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._held.close()  # whatever they compute
        self._pool.shutdown(cancel_futures=True)
        self._watched.close()

    def submit(self, part: Part) -> Future[list[PointResult]]:
        with _deaf_to_interrupts():  # so are the processes that this starts
            return self._pool.submit(compute, part)


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Ctrl-C waits until the end; processes that start in between never hear it."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(watched: Connection) -> None:
    """Set up a worker: it leaves Ctrl-C to the driver, and goes where the driver is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_go_with, args=(watched,), daemon=True).start()


def _go_with(watched: Connection) -> None:
    """End this process when nobody holds the other end of a pipe."""
    with contextlib.suppress(EOFError, OSError):
        watched.recv()
    os._exit(1)


def _check_address(address: str) -> None:
    """Refuse what Dask would try for long, and complain about at the end of the process."""
    form = re.fullmatch(
        r"(?:(?:tcp|tls|ws|wss)://)?(?:\[[\da-fA-F:]+\]|[^\s:/]+):(\d{1,5})", address
    )
    if form is None or not 0 < int(form.group(1)) < 2**16:
        raise InputError(f"The scheduler {address!r} must be an address like tcp://10.0.0.1:8786.")


@contextlib.contextmanager
def connected(address: str) -> Iterator[Any]:
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
    _check_address(address)
    with _quiet():
        try:  # as a default it would leave its mark on Dask's settings where it does not connect
            client = Client(address, timeout=SCHEDULER_S, set_as_default=False)
        except (OSError, ValueError) as error:  # TimeoutError is an OSError
            known = isinstance(error, OSError)
            reason = f"did not answer within {SCHEDULER_S:g} s" if known else f"is none: {error}"
            raise InputError(f"The scheduler {address!r} {reason}.") from None
        try:
            yield client
        finally:
            client.close()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Nothing said by Dask in between."""
    loggers = [logging.getLogger(name) for name in _LOUD]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)


def run_on_cluster(parts: Iterable[Part], client: Any) -> Results:
    """On the workers of a Dask cluster, which may come and go.

    Args:
        parts: groups of points.
        client: `distributed.Client`.

    Raises:
        InputError: if the client is none, or the workers have another version of this package.
        QbatError: if the cluster is lost.
    """
    from distributed import Client
    from distributed import as_completed as in_order_of_ending

    if not isinstance(client, Client) or client.status != "running":
        raise broken_rule("client", "an open distributed.Client or an address", client)
    waiting, parts_of = iter(parts), dict[str, Part]()
    asked, threads = -math.inf, 0
    try:
        running: Any = in_order_of_ending([], loop=client.loop)
        while True:
            if time.monotonic() - asked > _ASK_S:
                asked, threads = time.monotonic(), sum(client.nthreads().values())
            for part in islice(waiting, max(0, _AHEAD * max(threads, 1) - len(parts_of))):
                future = client.submit(_on_cluster, package_version(), asdict(part), pure=False)
                parts_of[future.key] = part
                running.add(future)
            if not parts_of:
                return
            future = next(running)
            yield _collected(future, parts_of.pop(future.key))
    except QbatError:
        raise
    except Exception as error:  # of many kinds, whoever closed it
        if client.status == "running" and not isinstance(error, (OSError, CancelledError)):
            raise
        raise _lost(error) from None


def _collected(future: Any, part: Part) -> list[PointResult]:
    """Results of a finished group."""
    from distributed import KilledWorker

    if future.status == "finished":
        results: list[PointResult] = future.result()
        return results
    error = future.exception() if future.status == "error" else None
    if isinstance(error, KilledWorker):
        return _given_up(part)
    if isinstance(error, InputError):
        raise error
    raise _lost(error)


def _lost(error: BaseException | None) -> QbatError:
    reason = f" ({type(error).__name__}: {error})" if error else ""
    return QbatError(
        f"The cluster no longer works on the sweep{reason}: start it again, and it goes on where "
        "it was."
    )


def _on_cluster(package: str, content: dict[str, Any]) -> list[PointResult]:
    """Compute a group that comes as plain values, which every version can read."""
    if package != package_version():
        raise InputError(
            f"A worker of the cluster has version {package_version()} of this package, not "
            f"{package}."
        )
    return compute(Part(**content))
