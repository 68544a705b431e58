"""Permutation-invariant states of N cells as one small matrix per spin sector.

A state that no exchange of cells changes is rho = (+)_j rho_j (x) 1/d_j: on the multiplicity space
of spin j, d_j-dimensional, it is the unit matrix. The blocks rho_j, (2j+1) x (2j+1) with trace P_j,
are all of it: N^3/6 numbers for 4^N. Their diagonals are the populations p(j, m) of
docs/physics.md, section 4; Chase and Geremia, PRA 78, 052101 (2008),
doi:10.1103/PhysRevA.78.052101.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.errors import AccuracyError, InputError, check_integer, shown
from qbat_circuits.symmetric.ergotropy import passive_energy_jm
from qbat_circuits.symmetric.sectors_jm import (
    IntArray,
    energy_jm,
    sector_weights,
    start_populations,
    states_jm,
)

#: Most cells of a state in blocks; the generator's factors grow like N^4.
MAX_BLOCK_CELLS = 60
#: Trace, Hermiticity and positivity hold to this, or it is an error.
_STATE_LIMIT = 1e-9


@dataclass(frozen=True, eq=False)
class Blocks:
    """A permutation-invariant state of identical cells: its blocks rho_j.

    Args:
        n_cells: N.
        matrices: rho_j for a = N/2 - j = 0, 1, ..., N//2, shape (N-2a+1, N-2a+1), m rising from
            -j, with Tr rho_j = P_j. They are copied and then read-only.

    Raises:
        InputError: if the shapes do not fit.
        AccuracyError: if it is no state to 1e-9: trace, Hermiticity or positivity.
    """

    n_cells: int
    matrices: tuple[ComplexArray, ...]

    def __post_init__(self) -> None:
        n = check_integer("n_cells", self.n_cells, at_least=1, at_most=MAX_BLOCK_CELLS)
        matrices = tuple(np.array(matrix, dtype=np.complex128) for matrix in self.matrices)
        sides = [n - 2 * a + 1 for a in range(n // 2 + 1)]
        if [matrix.shape for matrix in matrices] != [(side, side) for side in sides]:
            raise InputError(
                f"'matrices' must be square with sides {shown(sides)} for {n} cells, not of shapes "
                f"{shown([matrix.shape for matrix in matrices])}."
            )
        for matrix in matrices:
            matrix.flags.writeable = False
        object.__setattr__(self, "n_cells", n)
        object.__setattr__(self, "matrices", matrices)
        self._check_state()

    def _check_state(self) -> None:
        skew = max(float(np.abs(matrix - matrix.conj().T).max()) for matrix in self.matrices)
        trace = abs(float(self.populations().sum()) - 1.0)
        for what, size in (("trace", trace), ("Hermiticity", skew)):
            if not size <= _STATE_LIMIT:
                raise _no_state(what, size)
        lowest = float(self.spectrum.min())
        if not lowest >= -_STATE_LIMIT:
            raise _no_state("positivity", -lowest)

    @classmethod
    def from_populations(cls, n_cells: int, populations: FloatArray) -> Blocks:
        """The state without coherence between energies that has these populations.

        Args:
            n_cells: N.
            populations: p(j, m) in the order of `states_jm`, shape (n_states,).

        Raises:
            InputError: if the shape does not fit.
            AccuracyError: if the populations are no distribution to 1e-9.
        """
        n = check_integer("n_cells", n_cells, at_least=1, at_most=MAX_BLOCK_CELLS)
        p = np.asarray(populations, dtype=np.float64)
        size = states_jm(n).size
        if p.shape != (size,):
            raise InputError(
                f"'populations' must have shape ({size},) for {n} cells, not {shown(p.shape)}."
            )
        return cls(n, tuple(np.diag(p[place]) for place in sector_places(n)))

    @classmethod
    def of_start(cls, n_cells: int, start: Start = "ground") -> Blocks:
        """Blocks of a start: "ground", "excited", one cell's population, p(j, m), or blocks."""
        if isinstance(start, Blocks):
            if start.n_cells != n_cells:
                raise InputError(
                    f"'start' must be a state of {n_cells} cells, not of {start.n_cells}."
                )
            return start
        if isinstance(start, np.ndarray):
            return cls.from_populations(n_cells, start)
        return cls.from_populations(n_cells, start_populations(n_cells, start))

    @classmethod
    def from_elements(cls, n_cells: int, values: ComplexArray) -> Blocks:
        """The blocks of all their elements in the order of `block_elements`."""
        return cls(n_cells, block_elements(n_cells).blocks(values))

    def elements(self) -> ComplexArray:
        """All elements in the order of `block_elements`."""
        return np.concatenate([matrix.reshape(-1) for matrix in self.matrices])

    def populations(self) -> FloatArray:
        """p(j, m), the diagonals, in the order of `states_jm`."""
        return self._in_states([matrix.diagonal().real for matrix in self.matrices])

    def sector_weights(self) -> FloatArray:
        """P_j for a = N/2 - j = 0, 1, ..., N//2."""
        return sector_weights(self.n_cells, self.populations())

    def energy(self) -> float:
        """E = Tr rho H_B in units of the cell energy."""
        return float(energy_jm(self.n_cells, self.populations()))

    def ergotropy(self) -> float:
        """W = E minus the energy of the passive state with the same eigenvalues.

        These are the eigenvalues of rho_j / d_j, d_j times each: those of a state without coherence
        between energies whose populations p(j, m) are the eigenvalues of rho_j.
        """
        passive = float(passive_energy_jm(self.n_cells, self.spectrum))
        return max(self.energy() - passive, 0.0)

    @cached_property
    def spectrum(self) -> FloatArray:
        """Eigenvalues of every rho_j in the places of its states (j, m)."""
        lists = []
        for matrix in self.matrices:
            hermitian = matrix if matrix.imag.any() else matrix.real
            lists.append(np.linalg.eigvalsh(hermitian).astype(np.float64))
        return self._in_states(lists)

    def _in_states(self, lists: Sequence[FloatArray]) -> FloatArray:
        """One list of numbers per sector, m rising, in the order of `states_jm`."""
        values = np.empty(states_jm(self.n_cells).size)
        for place, numbers in zip(sector_places(self.n_cells), lists, strict=True):
            values[place] = numbers
        values.flags.writeable = False
        return values


Start = str | float | FloatArray | Blocks


def _no_state(what: str, size: float) -> AccuracyError:
    return AccuracyError(
        f"The blocks violate {what} by {size:.3g}, more than {_STATE_LIMIT:g}, so they are no "
        "state and are not returned."
    )


@lru_cache(maxsize=8)
def sector_places(n_cells: int) -> tuple[IntArray, ...]:
    """Places of the states (j, m), m rising, in the order of `states_jm` for a = 0..N//2."""
    states = states_jm(n_cells)
    levels = [np.arange(a, n_cells - a + 1) for a in range(n_cells // 2 + 1)]
    return tuple(states.index(k, np.full(len(k), a)) for a, k in enumerate(levels))


@dataclass(frozen=True, eq=False)
class BlockElements:
    """The elements <j, m| rho_j |j, m'> of all blocks in one array, block after block, row by row.

    Attributes:
        n_cells: N.
        deficit: a = N/2 - j of each element.
        row, column: levels k = m + N/2 and k' = m' + N/2 of each element.
        first: place of the first element of each block, shape (N//2 + 1,).
    """

    n_cells: int
    deficit: IntArray
    row: IntArray
    column: IntArray
    first: IntArray

    @property
    def size(self) -> int:
        """Number of elements, the sum of (2j+1)^2."""
        return len(self.deficit)

    @property
    def order(self) -> IntArray:
        """q = m' - m of each element: it turns with e^{i q phi} when every cell turns by phi."""
        return self.column - self.row

    def index(self, deficit: IntArray, row: IntArray, column: IntArray) -> IntArray:
        """Place of the elements (a, k, k')."""
        side = self.n_cells - 2 * deficit + 1
        return np.asarray(self.first[deficit] + (row - deficit) * side + column - deficit)

    def blocks(self, values: ComplexArray) -> tuple[ComplexArray, ...]:
        """The square blocks of an array of elements."""
        parts = np.split(values, self.first[1:])
        return tuple(part.reshape(self.n_cells - 2 * a + 1, -1) for a, part in enumerate(parts))


@lru_cache(maxsize=8)
def block_elements(n_cells: int) -> BlockElements:
    """The elements of all blocks of N cells."""
    sides = n_cells - 2 * np.arange(n_cells // 2 + 1) + 1
    first = np.concatenate([[0], np.cumsum(sides**2)])
    deficit = np.repeat(np.arange(len(sides)), sides**2)
    place, side = np.arange(first[-1]) - first[deficit], sides[deficit]
    arrays = (deficit, deficit + place // side, deficit + place % side, first[:-1])
    for array in arrays:
        array.flags.writeable = False
    return BlockElements(n_cells, *arrays)
