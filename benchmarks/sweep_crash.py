"""`qbat sweep --workers 2` killed at 200 random moments: what is lost, repeated, or different.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/sweep_crash.py [MOMENTS]

At every moment the command or one of its workers gets SIGKILL, at random. After each death of the
command, every row that was committed must still be there, the seconds that it took included (a
point computed again would have others). Points that were given up because worker after worker died
over them are counted apart: the next start tries them again. Whenever a sweep ends, its export must
equal that of an undisturbed run, and a new one begins. Two sweeps take turns: points in batches,
and one by one.
Results: docs/sweep.md.
"""

from __future__ import annotations

import contextlib
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import xarray as xr

SEED = 5
FILES = (
    """
[battery]
n_cells = 20
[bath]
rate = 1.0
occupation = 1.0
[charging]
times = { stop = 20.0, num = 200 }
[sweep]
occupation = { field = "bath.occupation", start = -0.1, stop = 5.0, num = 60 }
noise = { field = "noise.rate", start = 0.02, stop = 1.0, num = 50 }
""",
    """
[battery]
n_cells = 2
[bath]
rate = 1.0
occupation = 1.0
[charging]
times = { stop = 9.0, num = 9 }
[sweep]
occupation = { field = "bath.occupation", start = -0.1, stop = 3.0, num = 40 }
correlation = { field = "bath.correlation", start = -0.9, stop = 0.0, num = 30 }
""",
)


def started(file: Path, out: Path, *options: str) -> subprocess.Popen[bytes]:
    """The command as a process of its own."""
    arguments = ["sweep", str(file), "--out", str(out), *options]
    return subprocess.Popen(
        [sys.executable, "-m", "qbat_circuits", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def rows(out: Path, which: str) -> set[tuple[Any, ...]]:
    """Rows of a store, the seconds that each point took included."""
    store = out / "sweep.sqlite"
    if not store.exists():
        return set()
    database = sqlite3.connect(store, timeout=10)
    try:
        if not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return set()  # it died before the first table
        return set(database.execute(f"SELECT * FROM points WHERE {which}").fetchall())
    finally:
        database.close()


def committed(out: Path) -> set[tuple[Any, ...]]:
    """Every row that is an answer."""
    return rows(out, "NOT lost")


def given_up(out: Path) -> int:
    """Number of points that wait for another try."""
    return len(rows(out, "lost"))


def exported(out: Path) -> xr.Dataset:
    """The numbers of an export."""
    with xr.open_dataset(out / "sweep.nc", engine="h5netcdf") as data:
        return data.load()


def workers_of(driver: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Its workers that are alive."""
    try:
        children = psutil.Process(driver.pid).children()
        return [one for one in children if any("spawn_main" in word for word in one.cmdline())]
    except psutil.Error:
        return []


def main() -> None:
    """Kill and compare; print what was seen."""
    moments = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    rng = random.Random(SEED)
    drivers = workers = finished = lost = different = again = 0
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files, undisturbed = [], []
        for i, text in enumerate(FILES):
            files.append(folder / f"{i}.toml")
            files[i].write_text(text)
            started(files[i], folder / f"undisturbed-{i}").wait()
            undisturbed.append(exported(folder / f"undisturbed-{i}"))
        outs = [folder / f"{i}-0" for i in range(len(files))]
        while drivers + workers < moments:
            i = (drivers + workers) % len(files)
            before = committed(outs[i])
            driver = started(files[i], outs[i], "--workers", "2")
            while driver.poll() is None:
                time.sleep(rng.uniform(0.3, 2.5))
                alive = workers_of(driver)
                if alive and rng.random() < 0.5:
                    with contextlib.suppress(psutil.Error):
                        rng.choice(alive).kill()
                        workers += 1
                elif driver.poll() is None:
                    driver.kill()
                    driver.wait()
                    drivers += 1
            lost += len(before - committed(outs[i]))
            again += given_up(outs[i])
            if driver.returncode == 0 and not given_up(outs[i]):
                finished += 1
                different += not exported(outs[i]).equals(undisturbed[i])
                outs[i] = folder / f"{i}-{finished}"
        for i, out in enumerate(outs):
            before = committed(out)
            started(files[i], out).wait()
            finished += 1
            lost += len(before - committed(out))
            different += not exported(out).equals(undisturbed[i])
    print(f"{drivers} drivers and {workers} workers killed in {time.perf_counter() - begun:.0f} s")
    print(f"rows lost or computed twice: {lost}; points given up and tried again: {again}")
    print(
        f"sweeps that ended: {finished}; exports that differ from an undisturbed run: {different}"
    )


if __name__ == "__main__":
    main()
