"""Spectra, energy and ergotropy of many states at once, block by block.

States that conserve something are block-diagonal in the product basis after a reordering: from the
ground state of N cells, blocks of equal excitation, the largest of C(N, N/2) instead of 2^N. The
blocks are found from the zeros of the states themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.errors import AccuracyError
from qbat_circuits.thermodynamics import linear_energy

#: Elements that are copied at once: bounds the memory beside the states.
_CHUNK = 4_000_000


def checked_quantities(
    states: ComplexArray, levels: FloatArray, limit: float
) -> tuple[FloatArray, FloatArray]:
    """Energy and ergotropy of every state, after checking that each is one.

    W = Tr[rho H] - sum_k r_k E_k, r_k falling, E_k rising.

    Args:
        states: shape (T, d, d).
        levels: diagonal of H, shape (d,).
        limit: largest deviation from trace 1, Hermiticity and positivity.

    Returns:
        Energy and ergotropy, shape (T,) each.

    Raises:
        AccuracyError: with what is violated and by how much; nothing is clipped.
    """
    blocks = block_indices(states)
    _check("trace", float(np.abs(np.trace(states, axis1=1, axis2=2) - 1.0).max()), limit)
    skews = [np.abs(m - np.conj(np.swapaxes(m, -1, -2))).max() for _, _, m in _cut(states, blocks)]
    _check("Hermiticity", float(np.max(skews)), limit)
    spectra = sorted_spectra(states, blocks)
    _check("positivity", -float(spectra.min()), limit)
    energy = linear_energy(states, levels)
    return energy, np.maximum(energy - spectra[:, ::-1] @ np.sort(levels), 0.0)


def sorted_spectra(
    states: ComplexArray, blocks: list[np.ndarray[Any, Any]] | None = None
) -> FloatArray:
    """Eigenvalues of Hermitian matrices, rising.

    Args:
        states: shape (T, d, d).
        blocks: what `block_indices` says about them, if it is known already.

    Returns:
        Shape (T, d).
    """
    spectra = np.empty(states.shape[:2])
    for times, indices, matrices in _cut(
        states, block_indices(states) if blocks is None else blocks
    ):
        # Without detuning the states are real, and their spectra four times cheaper.
        values = np.linalg.eigvalsh(matrices if matrices.imag.any() else matrices.real)
        spectra[times, indices.reshape(-1)] = values.reshape(len(values), -1)
    return np.sort(spectra, axis=1)


def block_indices(states: ComplexArray) -> list[np.ndarray[Any, Any]]:
    """Basis states that matrix elements connect, of all states together.

    Args:
        states: shape (T, d, d).

    Returns:
        One array of shape (number of blocks, size) for each size of a block.
    """
    pattern = sp.csr_array((states != 0.0).any(axis=0))
    _, labels = sp.csgraph.connected_components(pattern, directed=False)
    order = np.argsort(labels, kind="stable")
    sizes = np.bincount(labels)
    ends = np.cumsum(sizes)
    return [
        np.array([order[ends[k] - size : ends[k]] for k in np.flatnonzero(sizes == size)])
        for size in np.unique(sizes)
    ]


def _cut(
    states: ComplexArray, blocks: list[np.ndarray[Any, Any]]
) -> Iterator[tuple[slice, np.ndarray[Any, Any], ComplexArray]]:
    """(times, indices, matrices of shape (times, number of blocks, size, size)) in turn."""
    for indices in blocks:
        together = max(1, _CHUNK // (indices.size * indices.shape[1]))
        for first in range(0, len(states), together):
            times = slice(first, first + together)
            yield times, indices, states[times, indices[:, :, None], indices[:, None, :]]


def _check(what: str, size: float, limit: float) -> None:
    if not size <= limit:
        raise AccuracyError(
            f"The solution violates {what} by {size:.3g}, more than {limit:g}: "
            "tighten 'tolerance', save shorter times, use another engine, or take steady_state() "
            "for the end."
        )
