"""Initial states: the words that name them, their density matrices and populations p(j, m)."""

from __future__ import annotations

from typing import Any

import numpy as np

from qbat_circuits.battery import Battery
from qbat_circuits.cells import (
    ComplexArray,
    FloatArray,
    basis_index,
    n_cells_of,
    product_of_levels,
)
from qbat_circuits.dynamics.schur import dense_of_populations, populations_of
from qbat_circuits.errors import InputError, did_you_mean, shown
from qbat_circuits.limits import MAX_DENSE_CELLS
from qbat_circuits.symmetric.sectors_jm import start_populations
from qbat_circuits.thermodynamics import as_density_matrix

#: Names that stand for a state; a bit string or a density matrix may be given instead.
NAMED_STATES = ("ground", "thermal")

#: A state that is off its own symmetric part by more than this is not symmetric.
_SYMMETRIC = 1e-12


def check_start(battery: Battery, initial_state: Any) -> None:
    """Refuse an unknown word or a state of another size, before anything is allocated.

    Raises:
        InputError: with the rule and the value.
    """
    if isinstance(initial_state, str):
        if initial_state not in NAMED_STATES:
            _checked_word(battery, initial_state)
    elif battery.n_cells > MAX_DENSE_CELLS:
        raise InputError(
            f"'initial_state' must be a name or a bit string for more than {MAX_DENSE_CELLS} "
            f"cells, not a state of {battery.n_cells}."
        )
    else:
        initial_density_matrix(battery, initial_state)


def is_symmetric_start(battery: Battery, initial_state: Any) -> bool:
    """Whether no permutation of two-level cells and no turn about z changes a checked start."""
    if not isinstance(initial_state, str):
        try:
            symmetric_start(battery, initial_state)
        except InputError:
            return False
        return True
    if initial_state == "thermal":
        return len({noise.population for noise in battery.noise}) == 1
    return initial_state == "ground" or len(set(initial_state)) == 1


def initial_density_matrix(battery: Battery, initial_state: Any) -> ComplexArray:
    """Density matrix of shape (d^N, d^N) from a name, a bit string or a state.

    Args:
        battery: gives the number of cells and, for "thermal", the residual populations.
        initial_state: "ground"; "thermal" (each cell at its own local occupation: Boltzmann
            weights of its levels, excited population n_l/(2 n_l + 1) of two); a string with the
            level of each cell, "q_{N-1} ... q_0"; an array, `DensityMatrix` or `Statevector`.

    Raises:
        InputError: for an unknown word, or a state that is none or has another number of cells.
    """
    n, d = battery.n_cells, battery.levels
    if isinstance(initial_state, str):
        if initial_state in NAMED_STATES:
            return product_of_levels([_weights(battery, i, initial_state) for i in range(n)])
        word = _checked_word(battery, initial_state)
        rho = np.zeros((d**n, d**n), dtype=np.complex128)
        rho[basis_index(word, d), basis_index(word, d)] = 1.0
        return rho
    rho = as_density_matrix(initial_state, levels=d)
    if n_cells_of(rho, d) != n:
        raise InputError(
            f"'initial_state' must have {n} cells like the battery, not {n_cells_of(rho, d)}."
        )
    return rho


def symmetric_start(battery: Battery, initial_state: Any) -> FloatArray:
    """Populations p(j, m) of a start that no permutation of cells and no turn about z changes.

    Args:
        battery: two-level cells.
        initial_state: as above; "thermal" with one residual population, a bit string of equal
            letters, or a density matrix that is symmetric.

    Returns:
        Populations in the order of `symmetric.sectors_jm.states_jm`.

    Raises:
        InputError: with the reason why the start needs more than its populations.
    """
    n = battery.n_cells
    if isinstance(initial_state, str):
        if initial_state == "ground":
            return start_populations(n, "ground")
        if initial_state == "thermal":
            excited = {noise.population for noise in battery.noise}
            if len(excited) > 1:
                raise _not_symmetric("cells with different residual populations")
            return start_populations(n, excited.pop())
        word = _checked_word(battery, initial_state)
        if len(set(word)) > 1:
            raise _not_symmetric(f"the bit string {shown(word)}")
        return start_populations(n, float(word[0]))
    rho = initial_density_matrix(battery, initial_state)
    populations = populations_of(rho)
    if np.abs(dense_of_populations(n, populations) - rho).max() > _SYMMETRIC:
        raise _not_symmetric("this density matrix")
    return populations


def _weights(battery: Battery, cell: int, name: str) -> FloatArray:
    """Populations of one cell's levels in a named state."""
    weights: FloatArray = np.zeros(battery.levels)
    weights[0] = 1.0
    occupation = battery.noise[cell].occupation
    if name == "ground" or occupation == 0:
        return weights
    # r = n/(n+1) = exp(-hbar omega/kT) at the transition 0-1, r^E of a level with E in units of it.
    energies = np.arange(2.0) if battery.transmon is None else battery.transmon.energies()
    weights[:] = np.exp(energies * -np.log1p(1 / occupation))
    return weights / float(weights.sum())


def _checked_word(battery: Battery, word: str) -> str:
    n, d = battery.n_cells, battery.levels
    letters = "".join(map(str, range(d)))
    if not word or set(word) - set(letters):
        known = ", ".join(repr(name) for name in NAMED_STATES)
        what = "a bit string" if d == 2 else f"a string of levels 0 to {d - 1}"
        raise InputError(
            f"'initial_state' must be one of {known}, {what} or a density matrix, not "
            f"{shown(word)}{did_you_mean(word, NAMED_STATES)}."
        )
    if len(word) != n:
        raise InputError(
            f"'initial_state' must be a bit string of one letter per cell ({n}), not {shown(word)}."
        )
    return word


def _not_symmetric(what: str) -> InputError:
    return InputError(
        "'initial_state' must be invariant under permutations of the cells and hold no coherence "
        f"between energies for populations p(j, m), which {what} is not; use another engine."
    )
