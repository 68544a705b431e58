"""Sparse LU factors of the (j, m) generators, with the settings that keep their pattern."""

from __future__ import annotations

from typing import Any, Literal

import scipy.sparse as sp

Order = Literal["MMD_AT_PLUS_A", "NATURAL"]


def factorised(matrix: sp.csc_array, order: Order = "MMD_AT_PLUS_A", pivoting: float = 0.0) -> Any:
    """LU factors of a matrix with a nearly symmetric pattern.

    Columns of a rate matrix sum to zero or less, so no pivoting is needed and the order is kept.

    Args:
        matrix: square, sparse.
        order: of SuperLU; "NATURAL" where the states are ordered already.
        pivoting: threshold below which a diagonal pivot is exchanged.

    Raises:
        RuntimeError: if a pivot vanishes.
    """
    from scipy.sparse.linalg import splu

    return splu(
        matrix,
        permc_spec=order,
        relax=8,
        panel_size=4,
        diag_pivot_thresh=pivoting,
        options={"SymmetricMode": True},
    )
