"""States from Pauli frequencies by linear inversion, with the readout inside the frame.

Cell i has six effects M_{s,y} = sum_x A[y, x] |s, x><s, x| (s = X, Y, Z; A its assignment matrix)
and their canonical duals D_{s,y} = F^{-1} M_{s,y}, F = sum |M>><<M| (4 x 4). Then

    rho = sum_{s,y} f(y|s) D^{(N-1)} x ... x D^{(0)}

is unbiased with readout errors and all, and the least-squares solution. Every sum is contracted
cell by cell, so nothing larger than the 6^N frequencies is ever held.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.errors import InputError
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import Counts

#: Eigenvectors |s, x> of X, Y, Z: axes (s, x, component); x = 0 is the eigenvalue +1.
_EIGENVECTORS = np.array(
    [
        np.array([[1, 1], [1, -1]]) / np.sqrt(2),
        np.array([[1, 1j], [1, -1j]]) / np.sqrt(2),
        np.eye(2),
    ],
    dtype=np.complex128,
)
_PROJECTORS = np.einsum("sxa,sxb->sxab", _EIGENVECTORS, _EIGENVECTORS.conj())


@dataclass(frozen=True, eq=False)
class MeasurementFrame:
    """Pauli tomography of N cells read through ``readout``.

    Arrays over all settings and outcomes have shape (3^N, 2^N): rows in the order of
    `pauli_settings`, columns by little-endian basis number.
    """

    readout: ReadoutModel

    @property
    def n_cells(self) -> int:
        """Number of cells N."""
        return self.readout.n_cells

    @cached_property
    def _effects(self) -> ComplexArray:
        """M_{s,y} of each cell, shape (N, 6, 4)."""
        effects = np.einsum("iyx,sxab->isyab", self.readout.assignment, _PROJECTORS)
        return np.asarray(effects.reshape(-1, 6, 4), dtype=np.complex128)

    @cached_property
    def _duals(self) -> ComplexArray:
        """D_{s,y} of each cell, shape (N, 6, 4)."""
        m = self._effects
        frame = np.swapaxes(m, 1, 2) @ m.conj()
        duals = np.swapaxes(np.linalg.solve(frame, np.swapaxes(m, 1, 2)), 1, 2)
        return np.asarray(duals, dtype=np.complex128)

    def probabilities(self, state: ComplexArray) -> FloatArray:
        """Born probabilities Tr[rho M_{s,y}] of all outcomes, shape (3^N, 2^N)."""
        return self._expectations(state, self._effects)

    def weights(self, observables: ComplexArray) -> FloatArray:
        """w[s, y] = Tr[O D_{s,y}], so that Tr[O rho] = sum_{s,y} w[s, y] f(y|s).

        Args:
            observables: one Hermitian O, shape (2^N, 2^N), or several, shape (m, 2^N, 2^N).

        Returns:
            Shape (3^N, 2^N) or (m, 3^N, 2^N).
        """
        return self._expectations(observables, self._duals)

    def reconstruct(self, frequencies: FloatArray) -> ComplexArray:
        """The raw state sum f(y|s) D_{s,y}, shape (2^N, 2^N): Hermitian, maybe not positive."""
        n = self.n_cells
        raw = _contract(_interleave(frequencies, 3, n), self._duals, 2)
        return (raw + raw.conj().T) / 2

    def _expectations(self, operators: ComplexArray, elements: ComplexArray) -> FloatArray:
        pairs = _interleave(np.swapaxes(operators, -1, -2), 2, self.n_cells)
        return _contract(pairs, np.swapaxes(elements, 1, 2), 3).real


def full_table(counts: Counts) -> NDArray[np.int64]:
    """The counts of all 3^N settings in the order of `pauli_settings`, shape (3^N, 2^N).

    Raises:
        InputError: naming the settings that are missing.
    """
    rows = {label: row for row, label in enumerate(counts.settings)}
    wanted = pauli_settings(counts.n_cells)
    missing = [label for label in wanted if label not in rows]
    if missing:
        names = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        raise InputError(
            f"'settings' must hold all {len(wanted)} Pauli settings of {counts.n_cells} cells, "
            f"but {len(missing)} are missing: {names}."
        )
    return counts.table[[rows[label] for label in wanted]]


def linear_variance(
    probabilities: FloatArray, weights: FloatArray, shots: NDArray[np.int64]
) -> FloatArray:
    """Multinomial variance of Tr[O rho_hat] = sum_{s,y} w[s, y] f(y|s): sum_s Var_s(w_s) / n_s.

    Args:
        probabilities: of the outcomes, shape (3^N, 2^N), rows summing to 1.
        weights: `MeasurementFrame.weights` of one O or several, shape (..., 3^N, 2^N).
        shots: shots n_s of each setting, shape (3^N,).

    Returns:
        One variance per observable, shape (...).
    """
    mean = np.sum(probabilities * weights, axis=-1, keepdims=True)
    one_shot = np.sum(probabilities * (weights - mean) ** 2, axis=-1)
    return np.asarray(one_shot @ (1 / shots), dtype=np.float64)


def nearest_state(raw: ComplexArray) -> ComplexArray:
    """The density matrix nearest to a Hermitian matrix in Frobenius norm.

    Source: Smolin, Gambetta, Smith, PRL 108, 070502 (2012), doi:10.1103/PhysRevLett.108.070502.
    """
    values, vectors = np.linalg.eigh(raw)
    nearest = nearest_spectrum(values[::-1])[::-1]
    return np.asarray((vectors * nearest) @ vectors.conj().T, dtype=np.complex128)


def nearest_spectrum(values: FloatArray) -> FloatArray:
    """The probabilities nearest to eigenvalues sorted down: max(v - shift, 0), summing to 1."""
    shifts = (np.cumsum(values) - 1) / np.arange(1, len(values) + 1)
    shift = shifts[np.flatnonzero(values > shifts)[-1]]
    return np.asarray(np.maximum(values - shift, 0), dtype=np.float64)


def _interleave(matrices: NDArray[Any], rows: int, n: int) -> ComplexArray:
    """(..., rows^n, 2^n) -> one joint index (row, column) per cell, cell N-1 first; ... last."""
    stack = matrices.reshape(-1, *(rows,) * n, *(2,) * n).astype(np.complex128)
    axes = [axis for cell in range(1, n + 1) for axis in (cell, n + cell)]
    return stack.transpose(*axes, 0).reshape((2 * rows) ** n, *matrices.shape[:-2])


def _contract(tensor: ComplexArray, elements: ComplexArray, rows: int) -> ComplexArray:
    """Contract the joint index of every cell with elements[cell], shape (in, 2 rows).

    Returns:
        Shape (..., rows^n, 2^n), the inverse of `_interleave`.
    """
    n, stack = len(elements), tensor.shape[1:]
    for element in elements[::-1]:  # takes the index off the front and puts the new one at the end
        tensor = tensor.reshape(len(element), -1).T @ element
    pairs = tensor.reshape(-1, *(rows, 2) * n)
    axes = [*range(1, 2 * n, 2), *range(2, 2 * n + 1, 2)]
    return pairs.transpose(0, *axes).reshape(*stack, rows**n, 2**n)
