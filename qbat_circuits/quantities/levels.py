"""Levels above the two of a qubit: how much weight leaks there, and what a readout makes of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qbat_circuits.cells import ComplexArray, FloatArray, level_numbers, n_cells_of

# States are arrays of shape (..., d^N, d^N), as charging curves and steady states hold them.


def level_populations(states: ComplexArray, levels: int) -> FloatArray:
    """Population of each level, averaged over the cells, shape (..., d).

    Args:
        states: density matrices of cells with d levels, shape (..., d^N, d^N).
        levels: d.

    Raises:
        InputError: if the shape is not that of d^N.
    """
    diagonal, numbers = _diagonal(states, levels)
    share = np.array([(numbers == k).mean(axis=1) for k in range(levels)])
    return np.asarray(diagonal @ share.T)


def leaked_weight(states: ComplexArray, levels: int) -> FloatArray:
    """Weight outside {|0>, |1>}^N, shape (...): that any cell sits in a higher level.

    Args and errors as in `level_populations`. Source: docs/physics.md, section 2.
    """
    diagonal, numbers = _diagonal(states, levels)
    return np.asarray(diagonal @ (numbers > 1).any(axis=1).astype(np.float64))


def two_level_view(states: ComplexArray, levels: int) -> ComplexArray:
    """The states as a two-level readout takes them, shape (..., 2^N, 2^N).

    Every level above |0> reads as |1>, and coherence of a cell between its higher levels and the
    lower two is not seen: the channel with Kraus operators |0><0| + |1><1| and |1><k|, k > 1, of
    each cell. It understates the stored energy.

    Args and errors as in `level_populations`.
    """
    n = n_cells_of(states[(0,) * (states.ndim - 2)], levels)
    lead, result = states.shape[:-2], states
    for cell in range(n):
        # Rows and columns as (cells above, this cell, cells below), those below in two levels now.
        above, below = levels ** (n - 1 - cell), 2**cell
        block = result.reshape(*lead, above, levels, below, above, levels, below)
        kept = block[..., :2, :, :, :2, :].copy()
        for k in range(2, levels):
            kept[..., 1, :, :, 1, :] += block[..., k, :, :, k, :]
        result = kept.reshape(*lead, above * 2 * below, above * 2 * below)
    return result


def _diagonal(states: ComplexArray, levels: int) -> tuple[FloatArray, NDArray[np.int64]]:
    """Populations of the basis states, and the level of every cell in each."""
    n = n_cells_of(states[(0,) * (states.ndim - 2)], levels)
    diagonal = np.diagonal(states, axis1=-2, axis2=-1).real
    return diagonal, level_numbers(n, levels)
