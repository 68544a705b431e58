"""Sweeps in local processes and on Dask: the same numbers, whatever dies."""

from __future__ import annotations

import logging
import os
import signal
import time
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import dask
import distributed  # noqa: F401 - sets levels of its loggers, which a sweep leaves as they are
import psutil
import pytest
from sweeps import NOISE, OCCUPATION, experiment, grid_of, many

import qbat_circuits as qb
from qbat_circuits.study import sweep_workers
from qbat_circuits.study.sweep import progress_text, run_sweep
from qbat_circuits.study.sweep_points import Part
from qbat_circuits.study.sweep_workers import run_locally, run_on_cluster


def test_local_workers_give_the_same_numbers(tmp_path: Path) -> None:
    axes = {"k": {"field": "bath.rate", "start": 0.5, "stop": 1.0, "num": 230}}
    here = qb.sweep(many(), axes, tmp_path / "here.sqlite")
    said: list[str] = []
    there = qb.sweep(many(), axes, tmp_path / "there.sqlite", workers=2, progress=said.append)
    assert here.equals(there)
    assert said[0] == "0 of 230 points"


class Deadly(Part):
    """A group that kills whatever process looks at its points."""

    def contents(self) -> list[dict[str, Any]]:
        os.kill(os.getpid(), signal.SIGKILL)
        return super().contents()


class Slow(Part):
    """A group that nobody wants to wait for."""

    def contents(self) -> list[dict[str, Any]]:
        time.sleep(60)
        return super().contents()


def test_a_worker_that_always_dies_fails_its_points_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweep_workers, "_GUILTY", 2)
    grid = grid_of(experiment(), n={**NOISE, "num": 12})
    parts = [grid.part((point,)) for point in range(12)]
    parts[3] = Deadly(**vars(parts[3]))
    found = sorted((one for group in run_locally(parts, 2) for one in group), key=lambda r: r.point)
    assert [one.point for one in found] == list(range(12))
    assert [one.failure is not None for one in found] == [point == 3 for point in range(12)]
    assert [one.lost for one in found] == [point == 3 for point in range(12)]
    assert str(found[3].failure).startswith("Several workers died while they computed this point")


def test_workers_that_die_between_two_groups_take_none_with_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    submit, asked = sweep_workers._Workers.submit, []

    def watched(self: Any, part: Part) -> Any:
        asked.append(None)  # where it is refused
        asked[-1] = submit(self, part)
        return asked[-1]

    monkeypatch.setattr(sweep_workers._Workers, "submit", watched)
    grid = grid_of(experiment(), n={**NOISE, "num": 30})
    found = []
    for number, group in enumerate(run_locally((grid.part((p,)) for p in range(30)), 2)):
        found += [one.point for one in group]
        if number == 5:
            wait(asked)
            for child in workers():
                child.kill()
            time.sleep(0.5)  # until the pool knows
    assert sorted(found) == list(range(30))
    assert len(asked) == 31  # all results that were there were taken; one group was refused


def workers() -> list[psutil.Process]:
    children = psutil.Process().children()
    alive = [one for one in children if one.status() != psutil.STATUS_ZOMBIE]
    return [one for one in alive if any("spawn_main" in word for word in one.cmdline())]


def test_nobody_goes_on_for_a_driver_that_is_no_longer_interested() -> None:
    parts = [grid_of(experiment(), n=OCCUPATION).part((point,)) for point in range(2)]
    results = run_locally([parts[0], Slow(**vars(parts[1]))], 1)
    next(results)
    before = time.monotonic()
    results.close()
    assert time.monotonic() - before < 20
    assert workers() == []


def test_a_scheduler_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_workers, "SCHEDULER_S", 0.5)
    levels = [logging.getLogger(name).level for name in ("distributed", "asyncio")]
    for address, reason in (
        ("tcp://127.0.0.1:9", "did not answer within 0.5 s"),
        ("nonsense://x", "must be an address like tcp://"),
        ("foo", "must be an address like tcp://"),
        ("tcp://", "must be an address like tcp://"),
        ("tcp://127.0.0.1:99999", "must be an address like tcp://"),
    ):
        with pytest.raises(qb.InputError, match=reason):
            run_sweep(experiment(), {"n": OCCUPATION}, tmp_path / "s.sqlite", client=address)
    assert list(tmp_path.iterdir()) == []
    assert [logging.getLogger(name).level for name in ("distributed", "asyncio")] == levels
    assert "scheduler" not in dask.config.config  # what Dask would use from then on, and everywhere


def test_a_dask_cluster_gives_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import Client, LocalCluster

    axes = {"n": OCCUPATION, "g": NOISE}
    here = qb.sweep(experiment(), axes, tmp_path / "here.sqlite")
    options = {"processes": False, "dashboard_address": None, "n_workers": 1}
    with LocalCluster(threads_per_worker=2, **options) as cluster, Client(cluster) as client:
        there = qb.sweep(experiment(), axes, tmp_path / "there.sqlite", client=client)
        grid = grid_of(experiment(), **axes)
        monkeypatch.setattr(sweep_workers, "package_version", iter("1222").__next__)
        with pytest.raises(qb.InputError, match="A worker of the cluster has version 2 of this"):
            list(run_on_cluster([grid.part((0,))], client))
    assert here.equals(there)
    with pytest.raises(qb.InputError, match="'client' must be an open distributed"):
        qb.sweep(experiment(), axes, tmp_path / "third.sqlite", client=client)


def test_a_cluster_that_is_lost_is_a_sentence(tmp_path: Path) -> None:
    from distributed import Client, LocalCluster

    axes = {"n": {**OCCUPATION, "values": [0.01 * point for point in range(1, 2000)]}}
    options = {"processes": False, "dashboard_address": None, "n_workers": 1}
    with LocalCluster(threads_per_worker=1, **options) as cluster, Client(cluster) as client:

        def close(text: str) -> None:
            if not text.startswith("0 of"):
                client.close()

        with pytest.raises(qb.QbatError, match=r"no longer works on the sweep.*: start it again"):
            qb.sweep(experiment(), axes, tmp_path / "s.sqlite", client=client, progress=close)
    found = qb.sweep_dataset(tmp_path / "s.sqlite").state.values
    assert 0 < (found == 1).sum() < 1999


def test_progress_says_rate_and_time_left() -> None:
    assert progress_text(50, 250, 3, 10.0) == "50 of 250 points (3 failed), 10/s, 20 s left"
    assert progress_text(1, 7201, 0, 1.0) == "1 of 7201 points, 1/s, 2 h 0 min left"
    assert progress_text(1, 301, 0, 2.0) == "1 of 301 points, 2/s, 2 min left"
