"""States from the outcomes of all Pauli settings, by linear inversion.

One cell has six effects |s, y><s, y| (s = X, Y, Z) and their canonical duals
D_{s,y} = |s, y><s, y| - 1/3. With probabilities p(y|s) of the outcomes, readout inverted,

    rho = sum_{s,y} p(y|s) D_{s_{N-1},y_{N-1}} x ... x D_{s_0,y_0}

is unbiased, and the least-squares solution. Every sum is contracted cell by cell, so nothing larger
than the 6^N probabilities is ever held.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qbat_circuits.cells import ComplexArray, FloatArray

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


#: Duals D_{s,y} = |s, y><s, y| - 1/3 of one cell, flattened: sum_{s,y} p(y|s) D_{s,y} = rho.
_DUALS = (_PROJECTORS - np.eye(2) / 3).reshape(6, 4)
_EFFECTS = _PROJECTORS.reshape(6, 4)


def outcome_probabilities(state: ComplexArray) -> FloatArray:
    """Born probabilities of all outcomes of all settings, shape (3^N, 2^N), without readout errors.

    Rows in the order of `pauli_settings`, columns by little-endian basis number.
    """
    return _expectations(state, _EFFECTS)


def observable_weights(observables: ComplexArray) -> FloatArray:
    """w[s, y] = Tr[O D_{s,y}], so that Tr[O rho] = sum_{s,y} w[s, y] p(y|s).

    Args:
        observables: Hermitian O, shape (..., 2^N, 2^N).

    Returns:
        Shape (..., 3^N, 2^N).
    """
    return _expectations(observables, _DUALS)


def reconstruct(outcomes: FloatArray) -> ComplexArray:
    """The raw state sum p(y|s) D_{s,y}: Hermitian, maybe not positive.

    Args:
        outcomes: probabilities of the qubit outcomes, shape (..., 3^N, 2^N).

    Returns:
        Shape (..., 2^N, 2^N).
    """
    n = n_cells_of_outcomes(outcomes.shape[-1])
    raw = _contract(_interleave(outcomes, 3, n), _DUALS, n, 2)
    return (raw + raw.conj().swapaxes(-1, -2)) / 2


def n_cells_of_outcomes(size: int) -> int:
    """N of 2^N outcomes."""
    return size.bit_length() - 1


def _expectations(operators: ComplexArray, elements: ComplexArray) -> FloatArray:
    n = n_cells_of_outcomes(operators.shape[-1])
    pairs = _interleave(np.swapaxes(operators, -1, -2), 2, n)
    return _contract(pairs, elements.T, n, 3).real


def nearest_state(raw: ComplexArray, trace: float | None = None) -> ComplexArray:
    """The positive matrix nearest to a Hermitian matrix in Frobenius norm, of the same trace.

    Args:
        raw: Hermitian, shape (2^N, 2^N).
        trace: another trace than that of ``raw``.

    Source: Smolin, Gambetta, Smith, PRL 108, 070502 (2012), doi:10.1103/PhysRevLett.108.070502.
    """
    values, vectors = np.linalg.eigh(raw)
    nearest = nearest_spectrum(values[::-1], trace)[::-1]
    return np.asarray((vectors * nearest) @ vectors.conj().T, dtype=np.complex128)


def nearest_spectrum(values: FloatArray, total: float | None = None) -> FloatArray:
    """The numbers >= 0 nearest to eigenvalues sorted down: max(v - shift, 0), of the same sum.

    Args:
        values: one spectrum or many, shape (..., d).
        total: another sum than theirs.
    """
    size = values.shape[-1]
    wanted = values.sum(axis=-1, keepdims=True) if total is None else total
    below = values - values[..., :1]  # no sum is then lost beside one large eigenvalue
    shifts = np.cumsum(below, axis=-1) - np.maximum(wanted, np.finfo(np.float64).tiny)
    shifts /= np.arange(1, size + 1)
    last = size - 1 - np.argmax((below > shifts)[..., ::-1], axis=-1, keepdims=True)
    nearest = np.maximum(below - np.take_along_axis(shifts, last, axis=-1), 0)
    return np.asarray(nearest, dtype=np.float64)


def _interleave(matrices: NDArray[Any], rows: int, n: int) -> ComplexArray:
    """(..., rows^n, 2^n) -> one joint index (row, column) per cell, cell N-1 first; ... last."""
    stack = matrices.reshape(-1, *(rows,) * n, *(2,) * n).astype(np.complex128)
    axes = [axis for cell in range(1, n + 1) for axis in (cell, n + cell)]
    return stack.transpose(*axes, 0).reshape((2 * rows) ** n, *matrices.shape[:-2])


def _contract(tensor: ComplexArray, element: ComplexArray, n: int, rows: int) -> ComplexArray:
    """Contract the joint index of every cell with the element, shape (in, 2 rows).

    Returns:
        Shape (..., rows^n, 2^n), the inverse of `_interleave`.
    """
    stack = tensor.shape[1:]
    for _ in range(n):  # takes the index off the front and puts the new one at the end
        tensor = tensor.reshape(len(element), -1).T @ element
    pairs = tensor.reshape(-1, *(rows, 2) * n)
    axes = [*range(1, 2 * n, 2), *range(2, 2 * n + 1, 2)]
    return pairs.transpose(0, *axes).reshape(*stack, rows**n, 2**n)
