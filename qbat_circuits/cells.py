"""Cells, bit order and collective operators: every convention of the package is decided here.

- |0> is the ground state, |1> the excited state, sigma_- = |0><1|, n_i = |1><1|.
- Cell i is Qiskit qubit i and the order is little-endian: basis state number b has cell i excited
  where bit i of b is set, the bit string reads "q_{N-1} ... q_0", and cell i stands at position
  N-1-i of a Kronecker product.
- J_- = sum_i sigma_-^i, J_+ = J_-^dagger, J_z = sum_i (n_i - 1/2).
- H_B = sum_i e_i n_i, zero in the ground state, with e_i = 1 by default (units of
  hbar*mean(omega)).

Source: docs/physics.md, section 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from qbat_circuits.errors import InputError, broken_rule, check_integer, check_number

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

#: Largest number of cells that anything here takes.
MAX_CELLS = 10_000
#: Smallest and largest energy of a cell, in units of their mean: round-off hides nothing between.
MIN_ENERGY, MAX_ENERGY = 1e-6, 1e6


def check_levels(levels: int) -> int:
    """A number of levels per cell, 2 or more."""
    return check_integer("levels", levels, at_least=2)


@lru_cache(maxsize=16)
def level_numbers(n_cells: int, levels: int = 2) -> NDArray[np.int64]:
    """Level of every cell in every basis state, shape (d^N, N), cell 0 first (read-only)."""
    n = check_integer("n_cells", n_cells, at_least=1)
    d = check_levels(levels)
    places = d ** np.arange(n)
    result = np.asarray(np.arange(int(d**n))[:, None] // places % d, dtype=np.int64)
    result.flags.writeable = False
    return result


@lru_cache(maxsize=16)
def excitations(n_cells: int, levels: int = 2) -> NDArray[np.int64]:
    """Number of excitations in each of the d^N basis states, in basis order (read-only)."""
    result = np.asarray(level_numbers(n_cells, levels).sum(axis=1), dtype=np.int64)
    result.flags.writeable = False
    return result


@lru_cache(maxsize=64)
def lowering(n_cells: int, cell: int, levels: int = 2, upper: int = 1) -> sp.csr_array:
    """|k-1><k| of one cell on the full space, k = ``upper``; sigma_-^i = |0><1| by default.

    Sparse and read-only, shape (d^N, d^N).
    """
    level = _level_of(n_cells, cell, levels)
    k = check_integer("upper", upper, at_least=1, at_most=levels - 1)
    excited = np.flatnonzero(level == k)
    return _operator(np.ones(len(excited)), excited - levels**cell, excited, len(level))


@lru_cache(maxsize=64)
def number(n_cells: int, cell: int, levels: int = 2) -> sp.csr_array:
    """n_i = sum_k k |k><k| of one cell on the full space, sparse and read-only."""
    level = _level_of(n_cells, cell, levels)
    excited = np.flatnonzero(level)
    return _operator(level[excited].astype(np.float64), excited, excited, len(level))


def _level_of(n_cells: int, cell: int, levels: int) -> NDArray[np.int64]:
    n = check_integer("n_cells", n_cells, at_least=1)
    i = check_integer("cell", cell, at_least=0, at_most=n - 1)
    return np.asarray(level_numbers(n, levels)[:, i])


@lru_cache(maxsize=16)
def collective_lowering(n_cells: int) -> sp.csr_array:
    """J_- = sum_i sigma_-^i on the full 2^N space, sparse and read-only."""
    return mode_lowering((1.0,) * n_cells)


@lru_cache(maxsize=64)
def mode_lowering(amplitudes: tuple[float, ...], levels: int = 2, upper: int = 1) -> sp.csr_array:
    """sum_i v_i |k-1><k|_i, k = ``upper``, of a common mode with amplitudes v_i (read-only)."""
    n = len(amplitudes)
    parts = [lowering(n, i, levels, upper).tocoo() for i, v in enumerate(amplitudes) if v]
    weights = [v for v in amplitudes if v]
    size = levels**n
    if not parts:
        return _operator(np.zeros(0), np.zeros(0, dtype=int), np.zeros(0, dtype=int), size)
    values = np.concatenate([np.full(part.nnz, v) for part, v in zip(parts, weights, strict=True)])
    rows = np.concatenate([part.row for part in parts])
    columns = np.concatenate([part.col for part in parts])
    return _operator(values, rows, columns, size)


def _operator(values: FloatArray, rows: Any, columns: Any, dimension: int) -> sp.csr_array:
    """A sparse complex operator that nobody can change, because it is shared."""
    matrix = sp.csr_array(
        (values.astype(np.complex128), (rows, columns)), shape=(dimension, dimension)
    )
    for array in (matrix.data, matrix.indices, matrix.indptr):
        array.flags.writeable = False
    return matrix


def cell_energies(n_cells: int, energies: Sequence[float] | None = None) -> FloatArray:
    """Validated cell energies e_i, shape (N,), all 1 by default.

    Raises:
        InputError: if they are no list of N numbers from `MIN_ENERGY` to `MAX_ENERGY`.
    """
    n = check_integer("n_cells", n_cells, at_least=1)
    if energies is None:
        return np.ones(n)
    given = energies.tolist() if isinstance(energies, np.ndarray) else energies
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise broken_rule("energies", "a list with one number per cell", given)
    values = [check_number("energies", e, at_least=MIN_ENERGY, at_most=MAX_ENERGY) for e in given]
    if len(values) != n:
        raise InputError(f"'energies' must hold one number per cell ({n}), not {len(values)}.")
    return np.array(values)


def level_energies(
    n_cells: int, energies: Sequence[float] | None = None, ladder: FloatArray | None = None
) -> FloatArray:
    """Diagonal of H_B in basis order, shape (d^N,): sum_i e_i n_i, or sum_i e_i ladder[level_i].

    Args:
        n_cells: N.
        energies: cell energies e_i, 1 each by default.
        ladder: energy of each of d levels in units of e_i; (0, 1) by default.
    """
    e = cell_energies(n_cells, energies)
    if ladder is None:
        return np.asarray(level_numbers(n_cells) @ e, dtype=np.float64)
    return np.asarray(ladder[level_numbers(n_cells, len(ladder))] @ e, dtype=np.float64)


def n_cells_of(state: ComplexArray, levels: int = 2) -> int:
    """Number of cells of a state of dimension d^N (vector or square matrix), d = ``levels``.

    Raises:
        InputError: if the shape is not (d^N,) or (d^N, d^N).
    """
    dimension = state.shape[0] if state.ndim in (1, 2) else 0
    square = state.ndim == 1 or (state.ndim == 2 and state.shape[0] == state.shape[1])
    n, size = 0, 1
    while size < dimension:
        n, size = n + 1, size * levels
    if not square or n < 1 or size != dimension:
        raise InputError(
            f"A state must have shape ({levels}^N,) or ({levels}^N, {levels}^N) with N >= 1, not "
            f"{state.shape}."
        )
    return n


def basis_index(word: str, levels: int = 2) -> int:
    """Basis number of the string "q_{N-1} ... q_0" of levels (the leftmost letter is cell N-1)."""
    if not word or set(word) - set("0123456789"[:levels]):
        raise broken_rule("bits", f"a string of levels 0 to {levels - 1}", word)
    return int(word, levels)


def product_state(populations: Sequence[float]) -> ComplexArray:
    """Density matrix of independent cells with excited populations p_i (cell 0 first)."""
    checked = [check_number("populations", p, at_least=0, at_most=1) for p in populations]
    return product_of_levels([np.array([1.0 - p, p]) for p in checked])


def product_of_levels(cells: Sequence[FloatArray]) -> ComplexArray:
    """Diagonal density matrix of independent cells from the weights of their levels.

    Args:
        cells: weights of the d levels of each cell, cell 0 first.

    Returns:
        Shape (d^N, d^N).
    """
    weights: FloatArray = np.ones(1)
    for one in cells:
        weights = np.asarray(np.kron(one, weights), dtype=np.float64)
    return np.diag(weights).astype(np.complex128)
