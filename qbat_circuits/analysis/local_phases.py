"""Phases that single cells have picked up, from the pair correlators of their transverse spins.

A turn of the cells about Z, R = exp(i sum_i phi_i n_i), leaves the work as it is and makes the
Dicke scheme blind to it. It turns <(X_i + iY_i)(X_j - iY_j)> by exp(i (phi_i - phi_j)), so the
phases follow from all pairs by least squares. See docs/dicke-scheme.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from qbat_circuits.analysis.drawn import check_draws, sample_of
from qbat_circuits.analysis.sample import check_calibration
from qbat_circuits.analysis.scheme import chosen_readout
from qbat_circuits.analysis.symmetry_test import Product, holds, product_weights
from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.errors import InputError
from qbat_circuits.pair_readout import Readout
from qbat_circuits.sampling.counts import Counts

#: Largest standard error of a phase, in radians; correlators of noise alone give more.
MAX_PHASE_ERROR = 0.25
#: Standard errors by which a pair may differ from the phases of its cells.
MAX_PAIR_SIGMA = 5.0
#: Rounds of the least squares; each is exact for small corrections.
_ROUNDS = 5


@dataclass(frozen=True, eq=False)
class LocalPhases:
    """Phases of the cells relative to cell 0.

    Args:
        phases: phi_i in radians, within (-pi, pi], shape (N,); the first is 0. The measured state
            is R rho R^dagger with R = exp(i sum_i phi_i n_i) and a rho without phases.
        standard_errors: of the phases, shape (N,); the first is 0.
        correlation: the mean of <X_i X_j + Y_i Y_j> that is left between all pairs once the phases
            are removed.
    """

    phases: FloatArray
    standard_errors: FloatArray
    correlation: float

    def __post_init__(self) -> None:
        for array in (self.phases, self.standard_errors):
            array.flags.writeable = False

    def to_dict(self) -> dict[str, Any]:
        """As JSON content."""
        return {
            "phases": self.phases.tolist(),
            "standard_errors": self.standard_errors.tolist(),
            "correlation": self.correlation,
        }


def fit_local_phases(counts: Counts, readout: Readout | None = None) -> LocalPhases:
    """Phases of the cells from the pairs XX + YY and YX - XY, cell 0 at 0.

    C_ij = <X_i X_j + Y_i Y_j> + i <Y_i X_j - X_i Y_j> = c exp(i (phi_i - phi_j)) with one c > 0,
    the same for all pairs of a symmetric state. Least squares on the phases of the pairs,
    from those of the leading eigenvector of C (Singer, Appl. Comput. Harmon. Anal. 30, 20 (2011)).

    Args:
        counts: settings that hold XX, YY, XY and YX of every pair of cells, such as those of
            `DickeScheme` or of full tomography; others are used where they hold a pair.
        readout: the assignment matrices to invert; those of the counts by default.

    Raises:
        InputError: if a pair is missing, the correlators are not significant (a phase would be
            uncertain by more than `MAX_PHASE_ERROR`), or they are not those of one phase per cell.
    """
    model = chosen_readout(counts, readout)
    check_calibration(model)
    check_draws(counts)
    sample = sample_of(counts.table, counts.draws, model)
    n, pairs = counts.n_cells, list(combinations(range(counts.n_cells), 2))
    if n < 2:
        raise InputError("'counts' must be those of at least 2 cells, which have a phase between.")
    weights = _pair_weights(counts, pairs)
    values = sample.mean(weights[0]) + 1j * sample.mean(weights[1])
    sources = np.array([[(k == i) - (k == j) for k in range(1, n)] for i, j in pairs], dtype=float)
    phi = _leading_phases(n, pairs, values)
    for _ in range(_ROUNDS):
        turned = values * np.exp(-1j * (sources @ phi[1:]))
        size = max(float(np.mean(turned.real)), 1e-12)
        phi[1:] += np.linalg.lstsq(sources, turned.imag / size, rcond=None)[0]
    turns = np.exp(-1j * (sources @ phi[1:]))
    across = weights[0] * turns.imag[:, None, None] + weights[1] * turns.real[:, None, None]
    size = float(np.mean((values * turns).real))
    slopes = np.linalg.pinv(sources) / max(size, 1e-12)
    errors = np.sqrt(sample.variance(np.tensordot(slopes, across, 1)))
    if errors.max() > MAX_PHASE_ERROR:
        raise InputError(
            f"'counts' must show transverse correlation between all cells, but the phase of cell "
            f"{1 + int(np.argmax(errors))} would be uncertain by {min(errors.max(), np.pi):.2g} "
            f"rad (at most {MAX_PHASE_ERROR}): more shots, or a state with coherence between cells."
        )
    sigmas = sample.mean(across) / np.sqrt(sample.variance(across))
    worst = int(np.argmax(np.abs(sigmas)))
    if abs(sigmas[worst]) > MAX_PAIR_SIGMA:
        i, j = pairs[worst]
        raise InputError(
            f"'counts' must be those of a symmetric state turned cell by cell, but cells {i} and "
            f"{j} are {abs(sigmas[worst]):.0f} standard errors from the phases of all pairs."
        )
    wrapped = -np.remainder(-phi + np.pi, 2 * np.pi) + np.pi
    return LocalPhases(wrapped, np.concatenate([[0.0], errors]), size)


def _pair_weights(counts: Counts, pairs: list[tuple[int, int]]) -> FloatArray:
    """Weights of the real and the imaginary parts of C_ij, shape (2, pairs, S, 2^N)."""
    products: list[Product] = []
    combined = np.zeros((2, len(pairs), 4 * len(pairs)))
    for row, (i, j) in enumerate(pairs):
        for part, letters, sign in ((0, "XX", 1), (0, "YY", 1), (1, "YX", 1), (1, "XY", -1)):
            product = (i, letters[0]), (j, letters[1])
            if not any(holds(label, product) for label in counts.settings):
                raise InputError(
                    f"'counts' must hold a setting with {letters} on the cells {i} and {j} to fit "
                    "local phases."
                )
            combined[part, row, len(products)] = sign
            products.append(product)
    weights = product_weights(counts, products, combined.reshape(-1, combined.shape[-1]))
    return weights.reshape(2, len(pairs), *weights.shape[1:])


def _leading_phases(n: int, pairs: list[tuple[int, int]], values: ComplexArray) -> FloatArray:
    matrix = np.zeros((n, n), dtype=np.complex128)
    for (i, j), value in zip(pairs, values.tolist(), strict=True):
        matrix[i, j], matrix[j, i] = value, value.conjugate()
    leading = np.linalg.eigh(matrix)[1][:, -1]
    return np.asarray(np.angle(leading * leading[0].conjugate()), dtype=np.float64)
