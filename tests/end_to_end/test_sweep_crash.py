"""Workers and drivers of sweeps killed at random moments: nothing committed is lost or redone.

Real processes and SIGKILL; benchmarks/sweep_crash.py does the same to `qbat sweep` itself.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import sqlite3
import time
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import psutil

import qbat_circuits as qb
from qbat_circuits.file_models import validated
from qbat_circuits.schema import Experiment
from qbat_circuits.study.sweep import run_sweep

MOMENTS, SEED = 50, 11
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["qbat_circuits.study.sweep", "qbat_circuits.study.sweep_export"])
BATH = {"bath": {"rate": 1.0, "occupation": 1.0}}
#: Points in batches, which go fast, and points one by one.
SWEEPS = (
    (
        {"battery": {"n_cells": 12}, **BATH, "charging": {"times": {"stop": 9.0, "num": 90}}},
        {"field": "bath.occupation", "start": -0.1, "stop": 3.0, "num": 40},
        {"field": "noise.rate", "start": 0.05, "stop": 1.0, "num": 50},
    ),
    (
        {"battery": {"n_cells": 2}, **BATH, "charging": {"times": {"stop": 9.0, "num": 9}}},
        {"field": "bath.occupation", "start": -0.1, "stop": 3.0, "num": 20},
        {"field": "bath.correlation", "start": -0.9, "stop": 0.0, "num": 15},
    ),
)
#: Longest life of a driver that is killed.
LONGEST_S = (0.6, 0.9)
Sweep = tuple[dict[str, Any], dict[str, Any], dict[str, Any]]


def drive(sweep: Sweep, store: Path, workers: int | None) -> None:
    content, one, other = sweep
    run_sweep(validated(Experiment, content), {"a": one, "b": other}, store, workers=workers)


def started(sweep: Sweep, store: Path, workers: int | None) -> ForkServerProcess:
    process = CONTEXT.Process(target=drive, args=(sweep, store, workers))
    process.start()
    return process


def committed(store: Path) -> set[tuple[Any, ...]]:
    """Rows, with the seconds that each took: a point computed again would have others."""
    if not store.exists():
        return set()
    database = sqlite3.connect(store, timeout=10)
    try:
        if not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return set()  # it died before the first table
        return set(database.execute("SELECT * FROM points").fetchall())
    finally:
        database.close()


def kill_a_worker(driver: ForkServerProcess, rng: random.Random) -> None:
    with contextlib.suppress(psutil.Error):  # the driver has just ended
        workers = [
            child
            for child in psutil.Process(driver.pid).children()
            if any("spawn_main" in word for word in child.cmdline())
        ]
        if workers:
            rng.choice(workers).kill()


def test_kills_at_random_moments_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    rng, moments, finished = random.Random(SEED), 0, 0
    undisturbed = []
    for i, sweep in enumerate(SWEEPS):
        drive(sweep, tmp_path / f"undisturbed-{i}", None)
        undisturbed.append(qb.sweep_dataset(tmp_path / f"undisturbed-{i}"))
        assert set(undisturbed[-1].state.values.ravel().tolist()) == {1, 2}
    stores = [tmp_path / f"{i}-0" for i in range(len(SWEEPS))]
    while moments < MOMENTS:
        i = moments % len(SWEEPS)
        before = committed(stores[i])
        many = rng.random() < 0.25
        driver = started(SWEEPS[i], stores[i], 2 if many else None)
        if many:
            driver.join(rng.uniform(0.4, 1.0))  # workers need half a second to start
            if driver.exitcode is None:
                kill_a_worker(driver, rng)
                moments += 1
        driver.join(rng.uniform(0.0, LONGEST_S[i]))
        if driver.exitcode is None:
            driver.kill()
            driver.join()
            moments += 1
        else:
            assert driver.exitcode == 0
            data = qb.sweep_dataset(stores[i])
            assert data.equals(undisturbed[i])
            finished += 1
            stores[i] = tmp_path / f"{i}-{finished}"
            continue
        assert before <= committed(stores[i])
    for sweep, store, expected in zip(SWEEPS, stores, undisturbed, strict=True):
        before = committed(store)
        drive(sweep, store, None)
        assert before <= committed(store)
        assert qb.sweep_dataset(store).equals(expected)


def test_workers_that_die_are_replaced_within_a_run(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    drive(SWEEPS[1], tmp_path / "undisturbed", None)
    driver = started(SWEEPS[1], tmp_path / "s", 2)
    for _ in range(2):
        driver.join(rng.uniform(0.5, 0.9))
        if driver.exitcode is None:
            kill_a_worker(driver, rng)
    driver.join(60)
    assert driver.exitcode == 0
    assert qb.sweep_dataset(tmp_path / "s").equals(qb.sweep_dataset(tmp_path / "undisturbed"))


def test_no_worker_outlives_its_driver(tmp_path: Path) -> None:
    driver = started(SWEEPS[1], tmp_path / "s", 2)
    time.sleep(0.5)
    children = psutil.Process(driver.pid).children(recursive=True)
    assert children
    driver.kill()
    driver.join()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
