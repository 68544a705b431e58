"""Initial states: the words that name them, and their density matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from qbat_circuits.battery import Battery
from qbat_circuits.cells import ComplexArray, basis_index, n_cells_of, product_state
from qbat_circuits.errors import InputError, did_you_mean, shown
from qbat_circuits.thermodynamics import as_density_matrix

#: Names that stand for a state; a bit string or a density matrix may be given instead.
NAMED_STATES = ("ground", "thermal")


def initial_density_matrix(battery: Battery, initial_state: Any) -> ComplexArray:
    """Density matrix of shape (2^N, 2^N) from a name, a bit string or a state.

    Args:
        battery: gives the number of cells and, for "thermal", the residual populations.
        initial_state: "ground"; "thermal" (each cell at its own local occupation, excited
            population n_l/(2 n_l + 1)); a bit string "q_{N-1} ... q_0"; an array, `DensityMatrix`
            or `Statevector`.

    Raises:
        InputError: for an unknown word, or a state that is none or has another number of cells.
    """
    n = battery.n_cells
    if isinstance(initial_state, str):
        if initial_state == "ground":
            return product_state([0.0] * n)
        if initial_state == "thermal":
            return product_state([noise.population for noise in battery.noise])
        return _bit_state(initial_state, n)
    rho = as_density_matrix(initial_state)
    if n_cells_of(rho) != n:
        raise InputError(
            f"'initial_state' must have {n} cells like the battery, not {n_cells_of(rho)}."
        )
    return rho


def _bit_state(bits: str, n: int) -> ComplexArray:
    if not bits or set(bits) - {"0", "1"}:
        known = ", ".join(repr(name) for name in NAMED_STATES)
        raise InputError(
            f"'initial_state' must be one of {known}, a bit string or a density matrix, not "
            f"{shown(bits)}{did_you_mean(bits, NAMED_STATES)}."
        )
    if len(bits) != n:
        raise InputError(
            f"'initial_state' must be a bit string of one letter per cell ({n}), not {shown(bits)}."
        )
    rho = np.zeros((2**n, 2**n), dtype=np.complex128)
    rho[basis_index(bits), basis_index(bits)] = 1.0
    return rho
