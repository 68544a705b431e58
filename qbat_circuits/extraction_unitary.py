"""Which unitaries extract the ergotropy, with all the freedom that they leave.

Sort the eigenvalues of rho down and the levels of H_B up: rank k holds r_k and E_k. U extracts
W = Tr[rho H_B] - sum_k r_k E_k exactly if

    P_l U Q_g = 0  for every level l and eigenvalue g that share no rank,

with the projectors P_l on the levels and Q_g on the eigenspaces. (The highest eigenspaces fill the
lowest levels, rank by rank, so no weight can be elsewhere.) Every such U is

    U = (sum_l V_l) (sum_k |b_k><v_k|) (sum_g W_g)

with a unitary V_l inside each level and W_g inside each eigenspace: phases, the target inside a
degenerate level and the choice of eigenvectors are free. See docs/extraction.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from qbat_circuits.cells import ComplexArray, FloatArray, level_energies, n_cells_of
from qbat_circuits.errors import InputError, check_number
from qbat_circuits.thermodynamics import as_density_matrix

#: Eigenvalues that differ by no more count as one.
EIGENVALUE_TOLERANCE = 1e-11
#: Sums of cell energies that differ by no more, relative to the largest, are one level.
LEVEL_TOLERANCE = 1e-12
#: How far a matrix may be from a unitary one.
UNITARY_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class ExtractionTask:
    """The eigenvectors of a state and the levels that each may go to; made by `extraction_task`.

    Args:
        populations: eigenvalues r_k, sorted down, shape (2^N,).
        vectors: eigenvectors |v_k> as columns, shape (2^N, 2^N).
        levels: diagonal of H_B in basis order, shape (2^N,).
        eigenspace: number g of the eigenspace of each |v_k>, from 0 up, shape (2^N,).
        level: number l of the level of each basis state, from the lowest 0 up, shape (2^N,).
    """

    populations: FloatArray
    vectors: ComplexArray
    levels: FloatArray
    eigenspace: NDArray[np.int64]
    level: NDArray[np.int64]

    def __post_init__(self) -> None:
        for name in ("populations", "vectors", "levels", "eigenspace", "level"):
            getattr(self, name).flags.writeable = False

    @property
    def n_cells(self) -> int:
        """N."""
        return n_cells_of(self.vectors)

    @property
    def shared_ranks(self) -> NDArray[np.int64]:
        """Number of ranks that level l shares with eigenspace g, shape (levels, eigenspaces)."""
        table = np.zeros((self.level.max() + 1, self.eigenspace.max() + 1), dtype=np.int64)
        np.add.at(table, (np.sort(self.level), self.eigenspace), 1)
        return table

    @property
    def forbidden(self) -> NDArray[np.bool_]:
        """Where <b|U|v_k> must vanish, shape (2^N, 2^N): all that an optimal U has to obey."""
        return np.asarray(self.shared_ranks[np.ix_(self.level, self.eigenspace)] == 0)

    @property
    def n_constraints(self) -> int:
        """Real equations that P_l U Q_g = 0 puts on a unitary: 4^N less the freedom that is left.

        c = 4^N - sum_l d_l^2 - sum_g d_g^2 + sum_lg s_lg^2 with the dimensions of levels and
        eigenspaces and the ranks s_lg that they share.
        """
        shared = self.shared_ranks
        levels, spaces = shared.sum(axis=1), shared.sum(axis=0)
        free = np.sum(levels**2) + np.sum(spaces**2) - np.sum(shared**2)
        return int(len(self.level) ** 2 - free)

    @property
    def ergotropy(self) -> float:
        """W, in units of hbar*mean(omega)."""
        lowest = float(self.populations @ np.sort(self.levels))
        return max(0.0, self._energy(self.vectors) - lowest)

    def work(self, unitary: ComplexArray) -> float:
        """Tr[rho H_B] - Tr[U rho U^dagger H_B] of any U, shape (2^N, 2^N): at most W."""
        return self._energy(self.vectors) - self._energy(unitary @ self.vectors)

    def misplaced(self, unitary: ComplexArray) -> float:
        """sum_{l,g: no shared rank} Tr[P_l U Q_g U^dagger]: 0 exactly for the optimal U."""
        return float(np.sum(np.abs(unitary @ self.vectors)[self.forbidden] ** 2))

    def unitary(
        self,
        on_levels: Sequence[ComplexArray] | None = None,
        on_eigenspaces: Sequence[ComplexArray] | None = None,
    ) -> ComplexArray:
        """The optimal U of a choice of V_l and W_g, shape (2^N, 2^N); identities by default.

        Args:
            on_levels: one unitary per level, from the lowest up, on its basis states in order.
            on_eigenspaces: one unitary per eigenspace, from the largest eigenvalue down.

        Raises:
            InputError: if their number or a shape does not fit, or one is not unitary.
        """
        order = np.argsort(self.level, kind="stable")
        after = _blocks("on_levels", on_levels, self.level)
        before = _blocks("on_eigenspaces", on_eigenspaces, self.eigenspace)
        result = np.empty_like(self.vectors)
        result[order] = after @ before @ self.vectors.conj().T
        return result

    def _energy(self, vectors: ComplexArray) -> float:
        """Mean energy of the state with these vectors in place of its eigenvectors."""
        return float(self.levels @ np.abs(vectors) ** 2 @ self.populations)


def extraction_task(
    state: Any,
    energies: Sequence[float] | None = None,
    tolerance: float = EIGENVALUE_TOLERANCE,
) -> ExtractionTask:
    """What a unitary has to do to extract the ergotropy of a state.

    Args:
        state: see `as_density_matrix`.
        energies: cell energies e_i, 1 each by default.
        tolerance: eigenvalues that differ by no more count as one, which gives freedom: at most
            tolerance * sum(levels) of the work is lost. For an estimated state, its uncertainty.

    Raises:
        InputError: if the state is not a state or an argument does not fit.

    Source: docs/physics.md, section 6; doi:10.1209/epl/i2004-10101-2.
    """
    rho = as_density_matrix(state)
    levels = level_energies(n_cells_of(rho), energies)
    width = check_number("tolerance", tolerance, at_least=0, at_most=1)
    values, vectors = np.linalg.eigh(rho)
    order = np.argsort(levels, kind="stable")
    level = np.empty(len(levels), dtype=np.int64)
    level[order] = _numbered(levels[order], LEVEL_TOLERANCE * float(levels.max()))
    populations = values[::-1].copy()
    return ExtractionTask(
        populations, vectors[:, ::-1].copy(), levels, _numbered(-populations, width), level
    )


def _numbered(rising: FloatArray, width: float) -> NDArray[np.int64]:
    """Numbers 0, 1, ... for rising values; those within a width of the first share its number."""
    numbers = np.zeros(len(rising), dtype=np.int64)
    first = 0
    for k in range(1, len(rising)):
        apart = rising[k] - rising[first] > width
        numbers[k] = numbers[k - 1] + apart
        first = k if apart else first
    return numbers


def _blocks(
    name: str, given: Sequence[ComplexArray] | None, numbers: NDArray[np.int64]
) -> ComplexArray:
    """Checked unitaries as one block-diagonal matrix."""
    sizes = np.bincount(numbers)
    if given is None:
        return np.eye(len(numbers), dtype=np.complex128)
    if len(given) != len(sizes):
        raise InputError(f"'{name}' must hold {len(sizes)} unitaries, not {len(given)}.")
    for size, block in zip(sizes, given, strict=True):
        if np.shape(block) != (size, size):
            raise InputError(f"'{name}' must hold matrices of sizes {sizes.tolist()}.")
        off = float(np.max(np.abs(np.conj(block).T @ block - np.eye(size))))
        if not off <= UNITARY_TOLERANCE:
            raise InputError(f"'{name}' must hold unitary matrices, not one off by {off:.3g}.")
    return np.asarray(block_diag(*given), dtype=np.complex128)
