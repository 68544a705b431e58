"""Sweeps with `qbat sweep`: a map of many cells, the memory of many points, one worker and two.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/sweep.py

- 50 x 50 points of N = 20 with 200 saved times, in the command's own process; start-up, which is
  the same command on one point, apart.
- 10^5 points of N = 8 with 20 saved times: largest resident memory of the command's process, which
  computes as well, and of one whose two workers compute.
- 100 x 100 points of N = 20, one worker and two in turn: seconds from the first stored point to the
  last, so that the start of the workers is apart.

Results: docs/sweep.md.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FILE = """
[battery]
n_cells = {n_cells}
[bath]
rate = 1.0
occupation = 1.0
[noise]
rate = 0.3
occupation = 0.05
[charging]
times = {{ stop = 20.0, num = {times} }}
[sweep]
occupation = {{ field = "bath.occupation", start = 0.1, stop = 5.0, num = {num} }}
noise = {{ field = "noise.rate", start = 0.02, stop = 1.0, num = {num} }}
"""
#: Runs the command and prints its own largest memory in MB.
COMMAND = (
    "import resource, sys, contextlib\n"
    "from qbat_circuits.cli import main\n"
    "with contextlib.suppress(SystemExit):\n    main()\n"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, file=sys.stderr)\n"
)


def written(folder: Path, name: str, n_cells: int, times: int, num: int) -> Path:
    """Write the experiment of a run."""
    file = folder / f"{name}.toml"
    file.write_text(FILE.format(n_cells=n_cells, times=times, num=num))
    return file


def run(file: Path, *options: str) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds of the process and its workers, and MB of the process."""
    out = file.with_suffix("")
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    arguments = [sys.executable, "-c", COMMAND, "sweep", str(file), "--out", str(out), *options]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, float(done.stderr.split()[-1])


def computing(file: Path, workers: int) -> float:
    """Wall seconds from the first commit to the last, scaled to all points."""
    store = file.with_suffix("") / "sweep.sqlite"
    arguments = ["sweep", str(file), "--out", str(store.parent), "--workers", str(workers)]
    process = subprocess.Popen(
        [sys.executable, "-m", "qbat_circuits", *arguments], stdout=subprocess.DEVNULL
    )
    from qbat_circuits.errors import InputError
    from qbat_circuits.study.sweep_reading import status

    first, last = (0, 0.0), (0, 0.0)
    while True:
        try:
            found = status(store)
        except InputError:  # not made yet
            found = None
        now = time.perf_counter()
        if found is not None:
            if found.done and not first[0]:
                first = found.done, now
            if found.done > last[0]:
                last = found.done, now
            if found.done == found.size:
                break
        time.sleep(0.05)
    process.wait()
    return (last[1] - first[1]) / (last[0] - first[0]) * found.size


def main() -> None:
    """Print every figure."""
    load = os.getloadavg()[0]
    print(f"load of the machine at the start: {load:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        wall, cpu, _ = run(written(folder, "start", 20, 200, 1))
        print(f"start-up (one point): {wall:.2f} s, CPU {cpu:.2f} s")
        for i in range(3):
            all_wall, all_cpu, _ = run(written(folder, f"map{i}", 20, 200, 50))
            print(
                f"50 x 50, N = 20: {all_wall:.2f} s, CPU {all_cpu:.2f} s; start-up apart "
                f"{all_wall - wall:.2f} s, CPU {all_cpu - cpu:.2f} s"
            )
        for options in ((), ("--workers", "2")):
            file = written(folder, f"points{len(options)}", 8, 20, 317)
            wall, cpu, memory = run(file, *options)
            print(f"317 x 317, N = 8, {options}: {wall:.0f} s, {memory:.0f} MB in the driver")
        seconds: dict[int, list[float]] = {1: [], 2: []}
        for i in range(2):
            for workers in (1, 2):
                file = written(folder, f"w{workers}-{i}", 20, 200, 100)
                seconds[workers].append(computing(file, workers))
        one, two = (min(seconds[workers]) for workers in (1, 2))
        print(
            f"100 x 100, N = 20: {one:.1f} s with one worker, {two:.1f} s with two: {one / two:.2f}"
        )


if __name__ == "__main__":
    main()
