"""The Schur-Weyl basis |j, m, alpha> of N cells: 2^N = (+)_j spin j (x) multiplicity.

A collective bath acts on the spins only. Permutation-invariant states without coherence between
energies are sum_{j,m} p(j, m)/d_j Pi(j, m). See docs/physics.md, sections 3 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from qbat_circuits.cells import ComplexArray, FloatArray, excitations, n_cells_of
from qbat_circuits.symmetric.blocks import Blocks
from qbat_circuits.symmetric.sectors_jm import IntArray, multiplicities, states_jm


@dataclass(frozen=True)
class Sector:
    """Total spin j = twice_j / 2 and its orthonormal basis vectors |j, m, alpha>.

    Attributes:
        twice_j: 2j.
        vectors: real, shape (2j+1, d_j, 2^N), m rising from -j, alpha = 0..d_j-1.
    """

    twice_j: int
    vectors: FloatArray


@lru_cache(maxsize=8)
def schur_basis(n_cells: int) -> tuple[Sector, ...]:
    """Orthonormal basis |j, m, alpha> of N cells, j rising, coupled cell by cell.

    Within a sector J_+ |j, m, alpha> = sqrt((j-m)(j+m+1)) |j, m+1, alpha>: Clebsch-Gordan
    coefficients in the Condon-Shortley phase.
    """
    sectors = {1: np.eye(2)[:, None, :]}
    for n in range(1, n_cells):
        grown: dict[int, list[FloatArray]] = {}
        for twice_j, vectors in sectors.items():
            for twice_k in (twice_j + 1, twice_j - 1):
                if twice_k >= 0:
                    grown.setdefault(twice_k, []).append(_coupled(vectors, twice_j, twice_k, n))
        sectors = {j: np.concatenate(parts, axis=1) for j, parts in grown.items()}
    for vectors in sectors.values():
        vectors.flags.writeable = False
    return tuple(Sector(j, sectors[j]) for j in sorted(sectors))


def _coupled(vectors: FloatArray, twice_j: int, twice_k: int, n: int) -> FloatArray:
    """Add one cell (the highest bit) to a sector of n cells: spin j -> k = j +- 1/2."""
    result = np.zeros((twice_k + 1, vectors.shape[1], 2 ** (n + 1)))
    ground, excited = result[..., : 2**n], result[..., 2**n :]
    up = twice_k > twice_j
    for row in range(twice_k + 1):
        twice_m = 2 * row - twice_k
        plus = np.sqrt((twice_j + 1 + twice_m) / (2 * (twice_j + 1)))
        minus = np.sqrt((twice_j + 1 - twice_m) / (2 * (twice_j + 1)))
        # Rows of the old sector with m - 1/2 (new cell excited) and m + 1/2 (new cell in ground).
        low, high = (twice_m - 1 + twice_j) // 2, (twice_m + 1 + twice_j) // 2
        if 0 <= low <= twice_j:
            excited[row] += (plus if up else -minus) * vectors[low]
        if 0 <= high <= twice_j:
            ground[row] += (minus if up else plus) * vectors[high]
    return result


def populations_of(rho: ComplexArray) -> FloatArray:
    """p(j, m) = Tr[Pi(j, m) rho] of any state, in the order of `states_jm`."""
    n = n_cells_of(rho)
    result = np.empty(states_jm(n).size)
    for level, (places, projectors) in enumerate(_projectors(n)):
        block = rho[np.ix_(places, places)].real
        first = states_jm(n).base[level]
        for deficit, projector in enumerate(projectors):
            result[first + deficit] = (projector * block).sum()
    return result


def dense_of_populations(n_cells: int, populations: FloatArray) -> ComplexArray:
    """sum p(j, m)/d_j Pi(j, m), shape (..., n_states) -> (..., 2^N, 2^N)."""
    states = states_jm(n_cells)
    each = populations / np.array(multiplicities(n_cells), dtype=np.float64)[states.deficit]
    size = 2**n_cells
    result = np.zeros((*populations.shape[:-1], size, size), dtype=np.complex128)
    for level, (places, projectors) in enumerate(_projectors(n_cells)):
        first = states.base[level]
        weights = each[..., first : first + len(projectors)]
        result[..., places[:, None], places] = np.tensordot(weights, projectors, axes=1)
    return result


def dense_of_blocks(blocks: Blocks) -> ComplexArray:
    """(+)_j rho_j (x) 1/d_j as a density matrix, shape (2^N, 2^N)."""
    result = np.zeros((2**blocks.n_cells,) * 2, dtype=np.complex128)
    for sector, matrix in zip(reversed(schur_basis(blocks.n_cells)), blocks.matrices, strict=True):
        turned = np.tensordot(matrix / sector.vectors.shape[1], sector.vectors, axes=1)
        flat = sector.vectors.reshape(-1, len(result))
        result += flat.T @ turned.reshape(flat.shape)
    return result


@lru_cache(maxsize=4)
def _projectors(n_cells: int) -> tuple[tuple[IntArray, FloatArray], ...]:
    """For each level k: its basis states, and Pi(j, m) on them for a = 0, 1, ..."""
    found = []
    for level in range(n_cells + 1):
        places = np.flatnonzero(excitations(n_cells) == level)
        projectors = []
        for sector in reversed(schur_basis(n_cells)):
            deficit = (n_cells - sector.twice_j) // 2
            if deficit <= min(level, n_cells - level):
                vectors = sector.vectors[level - deficit][:, places]
                projectors.append(vectors.T @ vectors)
        found.append((places, np.array(projectors)))
    return tuple(found)
