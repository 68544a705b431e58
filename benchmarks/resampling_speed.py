"""Time of 1000 resamples of the plug-in work, on one core, beside qiskit-experiments.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/resampling_speed.py

1000 shots a setting, readout errors of 2 and 3 % from 5000 calibration shots, which are redrawn as
well. The peer is ONE linear inversion of the same counts. Exits with 1 beyond a limit: 1 s for
N = 3, 20 s for N = 5.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from analysis_speed import milliseconds, random_counts, their_reconstruction

from qbat_circuits.analysis.resampling import resample_plug_in
from qbat_circuits.readout_model import ReadoutModel

LIMITS_S = {3: 1.0, 5: 20.0}
RESAMPLES = 1000


def main() -> int:
    print(f"s (median)   {RESAMPLES} resamples   one inversion of qiskit-experiments")
    late = False
    for n in range(1, 7):
        counts = random_counts(n)
        model = ReadoutModel.from_error_rates([0.02] * n, [0.03] * n, calibration_shots=5000)
        counts = replace(counts, readout=model)
        repetitions = 3 if n < 6 else 1
        ours = 1e-3 * milliseconds(
            lambda c=counts: resample_plug_in(c, resamples=RESAMPLES), repetitions
        )
        theirs = 1e-3 * milliseconds(their_reconstruction(counts), 3) if n <= 5 else float("nan")
        print(f"N = {n}   {ours:18.3f}   {theirs:30.4f}", flush=True)
        if ours > LIMITS_S.get(n, float("inf")):
            print(f"N = {n}: {ours:.1f} s is beyond {LIMITS_S[n]:.0f} s")
            late = True
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
