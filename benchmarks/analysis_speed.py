"""Time of the reconstruction and of the whole estimate, on one core, beside qiskit-experiments.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/analysis_speed.py

Medians of repeated calls on the same counts; a reconstruction includes inverting the readout. Exits
with 1 beyond a limit: 20 ms for the reconstruction of N = 5, 50 ms for the estimate of N = 3 with
its interval.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from statistics import median

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from qbat_circuits.analysis.estimate import estimate_ergotropy
from qbat_circuits.analysis.linear_inversion import outcome_probabilities, reconstruct
from qbat_circuits.analysis.sample import Sample
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import Counts

LIMITS_MS = {("reconstruction", 5): 20.0, ("estimate", 3): 50.0}


def milliseconds(call: Callable[[], object], repetitions: int) -> float:
    """Median wall time of a call."""
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e3 * median(times)


def random_counts(n_cells: int) -> Counts:
    """1000 shots a setting of a random state."""
    rng = np.random.default_rng(n_cells)
    g = rng.normal(size=(2, 2**n_cells, 2**n_cells))
    rho = (g[0] + 1j * g[1]) @ (g[0] + 1j * g[1]).conj().T
    model = ReadoutModel.from_error_rates([0.02] * n_cells, [0.03] * n_cells)
    exact = model.apply(outcome_probabilities(rho / np.trace(rho)))
    table = rng.multinomial(1000, exact)
    return Counts(n_cells=n_cells, settings=pauli_settings(n_cells), table=table, readout=model)


def their_reconstruction(counts: Counts) -> Callable[[], object]:
    """Linear inversion of qiskit-experiments on the same counts, duals built anew each time."""
    from qiskit_experiments.data_processing import LocalReadoutMitigator
    from qiskit_experiments.library.tomography.basis import PauliMeasurementBasis
    from qiskit_experiments.library.tomography.fitters import lininv

    readout = counts.readout or ReadoutModel.ideal(counts.n_cells)
    basis = PauliMeasurementBasis(LocalReadoutMitigator(list(readout.assignment)))
    letters = {"Z": 0, "X": 1, "Y": 2}
    indices = np.array([[letters[x] for x in label[::-1]] for label in counts.settings])

    def call() -> object:
        lininv._dual_povms.cache_clear()
        return lininv.linear_inversion(
            outcome_data=counts.table[None],
            shot_data=counts.shots,
            measurement_data=indices,
            preparation_data=np.zeros((len(indices), 0), int),
            measurement_basis=basis,
            measurement_qubits=tuple(range(counts.n_cells)),
        )

    return call


def main() -> int:
    print("ms (median)    reconstruction  qiskit-experiments   estimate with interval")
    late = False
    for n in range(1, 7):
        counts = random_counts(n)
        table, model = counts.table, counts.readout or ReadoutModel.ideal(n)
        ours = milliseconds(lambda t=table, m=model: reconstruct(Sample(t, m).outcomes), 50)
        theirs = milliseconds(their_reconstruction(counts), 3) if n <= 5 else float("nan")
        estimate = milliseconds(lambda c=counts: estimate_ergotropy(c), 30 if n < 5 else 5)
        print(f"N = {n}          {ours:12.2f}  {theirs:18.1f}   {estimate:16.1f}", flush=True)
        for what, spent in (("reconstruction", ours), ("estimate", estimate)):
            limit = LIMITS_MS.get((what, n), float("inf"))
            if spent > limit:
                print(f"{what} N = {n}: {spent:.1f} ms is beyond {limit:.0f} ms")
                late = True
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
