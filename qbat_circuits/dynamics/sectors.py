"""Closed form of the collective bath alone: spin sectors and what they conserve.

J_- and J_+ act on the spin of a sector only. With the Schur-Weyl decomposition of 2^N into
(+)_j spin-j (x) multiplicity, the weight P_j and the multiplicity state sigma_j of the start are
conserved, and rho(infinity) = sum_j P_j tau_j (x) sigma_j, with tau_j(m) ~ r^m for a thermal bath,
r = n/(n+1). See docs/physics.md, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
import scipy.sparse as sp

from qbat_circuits.baths import CollectiveBath
from qbat_circuits.battery import liouvillian
from qbat_circuits.cells import ComplexArray, FloatArray, n_cells_of
from qbat_circuits.errors import InputError

#: Coherence between sectors below this is round-off.
_COHERENCE_TOLERANCE = 1e-12


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


def sector_weights(rho: ComplexArray) -> dict[float, float]:
    """Weight P_j = Tr[Pi_j rho] of each total spin j, conserved by a collective bath."""
    return {
        sector.twice_j / 2: float(np.trace(multiplicity).real)
        for sector, multiplicity in _multiplicity_states(rho)
    }


def collective_steady_state(
    bath: CollectiveBath, start: ComplexArray, detuning: float = 0.0
) -> ComplexArray:
    """Long-time state of cells on resonance with each other under the collective bath alone.

    rho = sum_j tau_j (x) P_j sigma_j from the start's own sector weights and multiplicity states.

    Args:
        bath: the collective bath.
        start: density matrix at t = 0, shape (2^N, 2^N).
        detuning: the cells' common delta, which turns them against a squeezed bath.

    Raises:
        InputError: if the bath has dark states (n = 0, or |M|^2 = n(n+1)) and the start has
            coherence between sectors that survives and that no P_j describes.
    """
    dark = bath.absorption * bath.emission <= abs(bath.cross) ** 2 * (1 + 1e-12)
    if dark and _lasting_coherence(bath, start) > _COHERENCE_TOLERANCE:
        raise InputError(
            "'initial_state' must have no lasting coherence between spin sectors for the steady "
            "state of a bath with dark states (occupation 0 or |M|^2 = n(n+1)); use charge() with "
            "long times."
        )
    result = np.zeros_like(start)
    for sector, multiplicity in _multiplicity_states(start):
        spin = sector_steady_state(bath, sector.twice_j, detuning)
        vectors = sector.vectors.reshape(-1, start.shape[0])
        result += vectors.T @ np.kron(spin, multiplicity) @ vectors
    return result


def sector_steady_state(bath: CollectiveBath, twice_j: int, detuning: float = 0.0) -> ComplexArray:
    """The one steady state tau_j of a spin j under the bath, shape (2j+1, 2j+1), m rising.

    tau_j(m) ~ r^m for a thermal bath; with squeezing, the null vector of the spin's own generator.
    """
    size = twice_j + 1
    if bath.cross == 0:
        k = np.arange(size)
        if bath.absorption <= bath.emission:
            weights = (bath.absorption / bath.emission) ** k
        else:  # a pump: count from the top, so that nothing overflows
            weights = ((bath.emission / bath.absorption) ** k)[::-1]
        return np.diag(weights / weights.sum()).astype(np.complex128)
    m = np.arange(size - 1)
    raising = np.diag(np.sqrt((twice_j - m) * (m + 1.0)), -1)
    jumps = [
        (rate, sp.csr_array((a * raising.T + b * raising).astype(np.complex128)))
        for rate, a, b in bath.jumps()
    ]
    turning = sp.csr_array(np.diag(detuning * np.arange(size)).astype(np.complex128))
    generator = liouvillian(turning, jumps).toarray()
    # Any one equation follows from the others (trace is conserved): replace it by trace = 1.
    generator[0] = np.eye(size).reshape(-1)
    right = np.zeros(size**2, dtype=np.complex128)
    right[0] = 1.0
    tau = np.linalg.solve(generator, right).reshape(size, size, order="F")
    return np.asarray((tau + tau.conj().T) / 2)


def _multiplicity_states(rho: ComplexArray) -> Iterator[tuple[Sector, ComplexArray]]:
    """P_j sigma_j of every sector: the start traced over m, shape (d_j, d_j)."""
    for sector in schur_basis(n_cells_of(rho)):
        v = sector.vectors
        yield sector, np.einsum("max,xy,mby->ab", v, rho, v, optimize=True)


def _lasting_coherence(bath: CollectiveBath, rho: ComplexArray) -> float:
    """Largest matrix element of rho between different j that a bath with dark states may keep.

    Emission (or absorption) alone moves both sides of a coherence together, so one between
    different distances from the dark states dies when its nearer side reaches them.
    """
    largest = 0.0
    for a, b in combinations(schur_basis(n_cells_of(rho)), 2):
        elements = np.einsum("iax,xy,kby->ikab", a.vectors, rho, b.vectors, optimize=True)
        if bath.cross == 0:
            step = 1 if bath.absorption == 0 else -1
            elements = np.diagonal(elements[::step, ::step])
        largest = max(largest, float(np.abs(elements).max()))
    return largest
