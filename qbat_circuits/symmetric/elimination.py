"""Steady state of a rate equation without a subtraction (Grassmann, Taksar, Heyman).

State reduction removes the states from the last to the second; each removal adds products of rates
and divides by a sum of rates, so every population comes out with a small relative error however far
apart the rates are (Oper. Res. 33, 1107 (1985), doi:10.1287/opre.33.5.1107; entrywise accuracy:
O'Cinneide, Numer. Math. 65, 109 (1993), doi:10.1007/BF01385743).
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import AccuracyError
from qbat_circuits.symmetric.sectors_jm import IntArray

#: Populations are scaled down when they grow beyond this while they are built up from state 0.
_LARGE = 1e150


def reduce_states(size: int, source: IntArray, target: IntArray, rate: FloatArray) -> FloatArray:
    """Steady populations of one or many rate equations with the same transitions.

    The states should be ordered so that transitions join near neighbours, and state 0 must be
    recurrent. Cost: size * width^2 for transitions at most ``width`` apart.

    Args:
        size: number of states.
        source, target: of each transition, shape (n_transitions,).
        rate: of each transition, >= 0, shape (n_transitions,) or (n_transitions, batch).

    Returns:
        Populations with sum 1, shape (size,) or (size, batch).

    Raises:
        AccuracyError: if a rate that must be positive underflows.
    """
    values = rate.reshape(len(rate), -1)
    band, width = _band(size, source, target, values)
    for i in range(size - 1, 0, -1):
        low = max(0, i - width)
        out = band[i, low:i]
        total = out.sum(axis=0)
        if not total.all():
            raise AccuracyError(
                f"State {i} of {size} has no way back to state 0 within the range of a double, "
                "so the steady state is not returned."
            )
        into = band[low:i, i]
        into /= total
        band[low:i, low:i] += into[:, None] * out[None]
    populations = np.zeros((size, values.shape[1]))
    populations[0] = 1.0
    for i in range(1, size):
        low = max(0, i - width)
        populations[i] = (populations[low:i] * band[low:i, i]).sum(axis=0)
        large = populations[i] > _LARGE
        if large.any():
            populations[: i + 1, large] /= populations[i, large]
    populations /= populations.sum(axis=0)
    return populations.reshape((size, *rate.shape[1:]))


def _band(
    size: int, source: IntArray, target: IntArray, values: FloatArray
) -> tuple[FloatArray, int]:
    """Rates as a band matrix [from, to, batch] that is indexed like a full one, and its width."""
    width = int(np.abs(target - source).max(initial=1))
    batch = values.shape[1]
    # Row i holds columns i-width..i+width; element (i, j) stands at i * 2 width + j + width.
    flat = np.zeros((size * (2 * width + 1) + width, batch))
    np.add.at(flat, source * 2 * width + target + width, values)
    row, column = 2 * width * flat.strides[0], flat.strides[0]
    view = as_strided(
        flat[width:], shape=(size, size, batch), strides=(row, column, flat.strides[1])
    )
    return view, width
