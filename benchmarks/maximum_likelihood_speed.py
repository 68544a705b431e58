"""Time of the maximum-likelihood state, on one core, beside the convex fit of qiskit-experiments.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/maximum_likelihood_speed.py

The charged ladder and a GHZ state, 1000 shots a setting, readout errors of 2 and 3 %; medians of
the processor time of repeated calls on the same counts. Theirs is `cvxpy_gaussian_lstsq` (install
cvxpy beside the test extra), a Gaussian approximation of the same likelihood; the last column says
by how many nats it misses the maximum. Exits with 1 where the gap is above the tolerance or N = 5
takes longer than a second.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import reduce
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from qbat_circuits import Battery, CollectiveBath, steady_state
from qbat_circuits.analysis.maximum_likelihood import maximum_likelihood
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import Counts

LIMIT_S = {5: 1.0}


def ladder(n_cells: int) -> NDArray[np.complex128]:
    """Charged from the ground by the collective bath alone (docs/physics.md, section 3)."""
    return steady_state(Battery.identical(n_cells, CollectiveBath(1.0, 1.0))).state


def ghz(n_cells: int) -> NDArray[np.complex128]:
    """(|0...0> + |1...1>) / sqrt 2."""
    vector = np.zeros(2**n_cells)
    vector[[0, -1]] = np.sqrt(0.5)
    return np.outer(vector, vector).astype(np.complex128)


def probabilities(state: NDArray[np.complex128], model: ReadoutModel) -> NDArray[np.float64]:
    """Of the readings in every Pauli setting, shape (3^N, 2^N), letter by letter."""
    vectors = {
        "X": np.array([[1, 1], [1, -1]]) / np.sqrt(2),
        "Y": np.array([[1, 1j], [1, -1j]]) / np.sqrt(2),
        "Z": np.eye(2),
    }
    rows = []
    for label in pauli_settings(model.n_cells):
        basis = reduce(np.kron, [vectors[letter] for letter in label])
        rows.append(np.einsum("xa,ab,xb->x", basis.conj(), state, basis, optimize=True).real)
    return model.apply(np.array(rows))


def draw(state: NDArray[np.complex128], model: ReadoutModel) -> Counts:
    """1000 shots of every setting."""
    exact = np.clip(probabilities(state, model), 0, None)
    exact /= exact.sum(axis=1, keepdims=True)
    table = np.random.default_rng(1).multinomial(1000, exact)
    n = model.n_cells
    return Counts(n_cells=n, settings=pauli_settings(n), table=table, readout=model)


def seconds(call: Callable[[], Any], repetitions: int) -> tuple[float, Any]:
    """Median processor time of a call (other load does not count), and its result."""
    times = []
    for _ in range(repetitions):
        start = time.process_time()
        result = call()
        times.append(time.process_time() - start)
    return median(times), result


def their_fit(counts: Counts) -> NDArray[np.complex128]:
    """Constrained Gaussian least squares of qiskit-experiments on the same counts."""
    from qiskit_experiments.data_processing import LocalReadoutMitigator
    from qiskit_experiments.library.tomography.basis import PauliMeasurementBasis
    from qiskit_experiments.library.tomography.fitters.cvxpy_lstsq import cvxpy_gaussian_lstsq

    readout = counts.readout or ReadoutModel.ideal(counts.n_cells)
    letters = {"Z": 0, "X": 1, "Y": 2}
    indices = np.array([[letters[x] for x in label[::-1]] for label in counts.settings])
    fitted, _ = cvxpy_gaussian_lstsq(
        outcome_data=counts.table[None],
        shot_data=counts.shots,
        measurement_data=indices,
        preparation_data=np.zeros((len(indices), 0), int),
        measurement_basis=PauliMeasurementBasis(LocalReadoutMitigator(list(readout.assignment))),
        measurement_qubits=tuple(range(counts.n_cells)),
    )
    return np.asarray(fitted, dtype=np.complex128)


def main() -> int:
    parser = argparse.ArgumentParser(description="Time of the maximum-likelihood state.")
    parser.add_argument("--cells", type=int, nargs="+", default=[2, 3, 4, 5, 6])
    parser.add_argument("--peer-up-to", type=int, default=5, help="most cells of the other package")
    arguments = parser.parse_args()
    print("N state     seconds  iterations  gap (nats)   theirs (s)  theirs misses (nats)")
    failed = False
    for n in arguments.cells:
        model = ReadoutModel.from_error_rates([0.02] * n, [0.03] * n)
        for name, state in (("ladder", ladder(n)), ("ghz", ghz(n))):
            counts = draw(state, model)
            spent, found = seconds(lambda c=counts: maximum_likelihood(c), 5)
            line = f"{n} {name:7s} {spent:9.4f}  {found.iterations:10d}  {found.gap:10.1e}"
            if n <= arguments.peer_up_to:
                time_of_theirs, theirs = seconds(lambda c=counts: their_fit(c), 3 if n < 5 else 1)
                p = probabilities(theirs, model)
                seen = counts.table > 0
                missing = found.log_likelihood - float(counts.table[seen] @ np.log(p[seen]))
                line += f"   {time_of_theirs:10.2f}  {missing:20.2f}"
            print(line, flush=True)
            failed |= not found.converged or spent > LIMIT_S.get(n, np.inf)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
