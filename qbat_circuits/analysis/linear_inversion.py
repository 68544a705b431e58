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

    def weights(self, observable: ComplexArray) -> FloatArray:
        """w[s, y] = Tr[O D_{s,y}], so that Tr[O rho] = sum_{s,y} w[s, y] f(y|s); O Hermitian."""
        return self._expectations(observable, self._duals)

    def reconstruct(self, frequencies: FloatArray) -> ComplexArray:
        """The raw state sum f(y|s) D_{s,y}, shape (2^N, 2^N): Hermitian, maybe not positive."""
        n = self.n_cells
        pairs = _interleave(np.asarray(frequencies, dtype=np.complex128), 3, 2, n)
        flat = _contract(pairs, self._duals)
        raw = _split_pairs(flat, 2, 2, n)
        return (raw + raw.conj().T) / 2

    def _expectations(self, operator: ComplexArray, elements: ComplexArray) -> FloatArray:
        n = self.n_cells
        pairs = _interleave(np.asarray(operator, dtype=np.complex128).T, 2, 2, n)
        flat = _contract(pairs, np.swapaxes(elements, 1, 2))
        return np.ascontiguousarray(_split_pairs(flat, 3, 2, n).real)


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
) -> float:
    """Multinomial variance of Tr[O rho_hat] = sum_{s,y} w[s, y] f(y|s): sum_s Var_s(w_s) / n_s.

    Args:
        probabilities: of the outcomes, shape (3^N, 2^N), rows summing to 1.
        weights: `MeasurementFrame.weights` of O, same shape.
        shots: shots n_s of each setting, shape (3^N,).
    """
    mean = np.sum(probabilities * weights, axis=1, keepdims=True)
    return float(np.sum(np.sum(probabilities * (weights - mean) ** 2, axis=1) / shots))


def nearest_state(raw: ComplexArray) -> ComplexArray:
    """The density matrix nearest to a Hermitian matrix in Frobenius norm.

    Source: Smolin, Gambetta, Smith, PRL 108, 070502 (2012), doi:10.1103/PhysRevLett.108.070502.
    """
    values, vectors = np.linalg.eigh(raw)
    return np.asarray((vectors * nearest_spectrum(values)) @ vectors.conj().T, dtype=np.complex128)


def nearest_spectrum(values: FloatArray) -> FloatArray:
    """The probabilities nearest to these eigenvalues (ascending): max(v - shift, 0), sum 1."""
    descending = values[::-1]
    shifts = (np.cumsum(descending) - 1) / np.arange(1, len(values) + 1)
    shift = shifts[np.flatnonzero(descending > shifts)[-1]]
    return np.asarray(np.maximum(values - shift, 0), dtype=np.float64)


def _interleave(matrix: ComplexArray, rows: int, columns: int, n: int) -> ComplexArray:
    """(rows^n, columns^n) -> the flat tensor with one joint (row, column) index per cell."""
    axes = [axis for cell in range(n) for axis in (cell, n + cell)]
    return matrix.reshape((rows,) * n + (columns,) * n).transpose(axes).reshape(-1)


def _split_pairs(flat: ComplexArray, rows: int, columns: int, n: int) -> ComplexArray:
    """The inverse of `_interleave`."""
    axes = list(range(0, 2 * n, 2)) + list(range(1, 2 * n, 2))
    return flat.reshape((rows, columns) * n).transpose(axes).reshape(rows**n, columns**n)


def _contract(tensor: ComplexArray, elements: ComplexArray) -> ComplexArray:
    """Contract the index of each cell (cell N-1 first) with elements[cell], shape (in, out)."""
    for element in elements[::-1]:
        tensor = (tensor.reshape(len(element), -1).T @ element).reshape(-1)
    return tensor
