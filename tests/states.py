"""States that several tests share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qbat_circuits.cells import excitations


def ladder(n_cells: int, occupation: float = 1.0) -> NDArray[np.complex128]:
    """Charged from the ground: p_k ~ (n/(n+1))^k on the Dicke states (docs/physics.md, section 3).

    Written out here, without the package's own sectors.
    """
    weights = (occupation / (occupation + 1)) ** np.arange(n_cells + 1)
    number = excitations(n_cells)
    rho = np.zeros((2**n_cells, 2**n_cells), dtype=np.complex128)
    for k, p in enumerate(weights / weights.sum()):
        dicke = (number == k) / np.sqrt((number == k).sum())
        rho += p * np.outer(dicke, dicke)
    return rho
