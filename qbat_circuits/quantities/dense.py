"""Work, entropy, coherence and spin sectors of dense states of up to ten cells.

Every function takes a state as `thermodynamics.as_density_matrix` does and cell energies e_i (1
each by default); energies come in units of hbar*mean(omega), entropies in nats. `symmetric` has the
same quantities on (j, m) populations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.sparse as sp

from qbat_circuits.cells import (
    ComplexArray,
    FloatArray,
    cell_energies,
    collective_lowering,
    excitations,
    level_energies,
    lowering,
    n_cells_of,
)
from qbat_circuits.errors import check_choice
from qbat_circuits.quantities.curves import OptimumReadings, ratio
from qbat_circuits.quantities.gibbs import energy_at, entropy_deficit, inverse_temperature
from qbat_circuits.thermodynamics import (
    as_density_matrix,
    ergotropy,
    linear_energy,
    linear_ergotropy,
)

Energies = Sequence[float] | None

#: Levels closer than this share of the largest cell energy are one level.
_SAME_LEVEL = 1e-9


class Basis(StrEnum):
    """What a coherent/incoherent split calls incoherent; the split depends on it.

    PRODUCT: the populations of the 2^N product states, coherence between degenerate levels removed.
    ENERGY_BLOCKS: everything inside a level of H_B, coherence between degenerate levels kept.
    """

    PRODUCT = "product basis"
    ENERGY_BLOCKS = "energy blocks"


def antiergotropy(state: Any, energies: Energies = None) -> float:
    """Largest energy that a cyclic unitary can still put in: A = max_U Tr[U rho U^+ H] - Tr[rho H].

    A >= 0 here, so that capacity = W + A; some count it with the opposite sign.

    Source: Yang et al., PRL 131, 030402 (2023), arXiv:2302.09905.
    """
    rho, levels = _state(state, energies)
    return max(0.0, float(linear_ergotropy(rho, -levels)))


def capacity(state: Any, energies: Energies = None) -> float:
    """Battery capacity C = max_U E - min_U E = sum_k r_k (E_{d-1-k} - E_k) = W + A.

    r_k falling, E_k rising: it depends on the spectrum only and no unitary changes it.

    Source: Yang et al., PRL 131, 030402 (2023), arXiv:2302.09905.
    """
    rho, levels = _state(state, energies)
    rising = np.sort(levels)
    return float(np.linalg.eigvalsh(rho)[::-1] @ (rising[::-1] - rising))


def efficiency(state: Any, energies: Energies = None) -> float:
    """W/E, the share of the stored energy that is work; nan for the ground state."""
    return optimum_readings(state, energies).efficiency


def ergotropy_per_cell(state: Any, energies: Energies = None) -> float:
    """W/N in units of hbar*mean(omega)."""
    return optimum_readings(state, energies).per_cell


def many_copy_ratio(state: Any, energies: Energies = None) -> float:
    """W/(E - E_Gibbs(S)), one copy's work over many copies' per copy; nan for a Gibbs state."""
    return optimum_readings(state, energies).many_copy


def optimum_readings(state: Any, energies: Energies = None) -> OptimumReadings:
    """The three readings of "many-body optimum": W/E, W/(E - E_Gibbs(S)) and W/N."""
    rho, levels = _state(state, energies)
    work = ergotropy(rho, energies)
    return OptimumReadings(
        efficiency=float(ratio(work, float(linear_energy(rho, levels)))),
        many_copy=float(ratio(work, total_ergotropy(rho, energies))),
        per_cell=work / n_cells_of(rho),
    )


def entropy(state: Any) -> float:
    """Von Neumann entropy S = -Tr[rho ln rho] in nats."""
    r = np.linalg.eigvalsh(as_density_matrix(state))
    r = r[r > 0]
    return max(0.0, -math.fsum(r * np.log(r)))


def total_ergotropy(state: Any, energies: Energies = None) -> float:
    """Work per copy from many copies, E - E_Gibbs(S): the entropy bound W <= E - E_Gibbs(S).

    Source: Alicki, Fannes, PRE 87, 042123 (2013), arXiv:1211.1209.
    """
    rho, levels = _state(state, energies)
    r: FloatArray = np.linalg.eigvalsh(rho).astype(np.float64)
    share = np.full(len(r), 1 / len(r))
    missing = entropy_deficit(r, share, np.log(np.maximum(r, 1e-300) * len(r)))
    cells = cell_energies(n_cells_of(rho), energies)
    beta = inverse_temperature(entropy(rho), cells, missing)
    return max(0.0, float(linear_energy(rho, levels)) - energy_at(beta, cells))


def incoherent_ergotropy(state: Any, basis: Basis | str, energies: Energies = None) -> float:
    """Work that is left after dephasing, W(Delta[rho]), with the dephasing's basis named.

    Args:
        state: see above.
        basis: "product basis" or "energy blocks"; they differ where levels are degenerate.
        energies: cell energies e_i.

    Source: Francica et al., PRL 125, 180603 (2020), for a Hamiltonian without degeneracy, where
    both are one.
    """
    rho, levels = _state(state, energies)
    chosen = Basis(check_choice("basis", basis, [one.value for one in Basis]))
    if chosen is Basis.PRODUCT:
        kept = np.eye(len(levels), dtype=bool)
    else:
        cells = cell_energies(n_cells_of(rho), energies)
        kept = np.abs(levels[:, None] - levels) <= _SAME_LEVEL * cells.max()
    return max(0.0, float(linear_ergotropy(np.where(kept, rho, 0.0), levels)))


def coherent_ergotropy(state: Any, basis: Basis | str, energies: Energies = None) -> float:
    """Work that dephasing destroys, W(rho) - W(Delta[rho]) >= 0; see `incoherent_ergotropy`."""
    return max(0.0, ergotropy(state, energies) - incoherent_ergotropy(state, basis, energies))


def local_ergotropy(state: Any, energies: Energies = None) -> float:
    """Work that unitaries on single cells extract, sum_i W(rho_i) of the reduced states.

    One cell with excited population p and coherence c yields e (p - 1/2 + sqrt((p - 1/2)^2 +
    |c|^2)).
    """
    rho, _ = _state(state, energies)
    n = n_cells_of(rho)
    number_of = np.diagonal(rho).real
    bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    tilt = number_of @ bits - 0.5
    coherence = np.array([abs((lowering(n, i) @ rho).trace()) for i in range(n)])
    work = tilt + np.hypot(tilt, coherence)
    # Up to round-off an unexcited cell gives 0.
    return max(0.0, float(cell_energies(n, energies) @ np.maximum(work, 0.0)))


def locked_ergotropy(state: Any, energies: Energies = None) -> float:
    """The ergotropic gap W - sum_i W(rho_i): work that only operations on several cells reach.

    Source: Mukherjee et al., PRE 93, 052140 (2016).
    """
    return max(0.0, ergotropy(state, energies) - local_ergotropy(state, energies))


def correlation_ergotropy(state: Any, energies: Energies = None) -> float:
    """W(rho) - W(rho_1 (x) ... (x) rho_N): what correlations between the cells add to the work.

    Cells that are not equally hot hold work without any correlation: a heat engine could run
    between them. That share is none of a common bath's doing. Negative for some states.
    """
    rho, levels = _state(state, energies)
    alone = linear_ergotropy(_uncorrelated(rho), levels)
    return float(linear_ergotropy(rho, levels) - alone)


def l1_coherence(state: Any) -> float:
    """l1-norm of coherence in the product basis, sum_{a != b} |rho_ab|.

    Source: Baumgratz, Cramer, Plenio, PRL 113, 140401 (2014).
    """
    size = np.abs(as_density_matrix(state))
    np.fill_diagonal(size, 0.0)
    return float(size.sum())


def sector_weights(state: Any) -> dict[float, float]:
    """Weight P_j = Tr[Pi_j rho] of each total spin j, j falling from N/2."""
    blocks = _sector_blocks(as_density_matrix(state))
    return {j: float(np.trace(block).real) for j, block in blocks.items()}


def sector_work(state: Any, energies: Energies = None) -> dict[float, float]:
    """Work of each spin sector, P_j W(rho_j) = W(Pi_j rho Pi_j), j falling from N/2.

    The work once the sector is known. The sum is >= W of the state without coherence between
    sectors, because W is convex; the difference is what not knowing the sector costs.
    """
    rho, levels = _state(state, energies)
    return {
        j: max(0.0, float(linear_ergotropy(block, levels)))
        for j, block in _sector_blocks(rho).items()
    }


def _state(state: Any, energies: Energies) -> tuple[ComplexArray, FloatArray]:
    rho = as_density_matrix(state)
    return rho, level_energies(n_cells_of(rho), energies)


def _uncorrelated(rho: ComplexArray) -> ComplexArray:
    """The product of the reduced states of all cells."""
    n = n_cells_of(rho)
    whole: ComplexArray = np.eye(1, dtype=np.complex128)
    for cell in range(n):
        split = rho.reshape(2 ** (n - 1 - cell), 2, 2**cell, 2 ** (n - 1 - cell), 2, 2**cell)
        whole = np.asarray(np.kron(np.einsum("aibajb->ij", split), whole), dtype=np.complex128)
    return whole


def _sector_blocks(rho: ComplexArray) -> dict[float, ComplexArray]:
    """Pi_j rho Pi_j of each j, with Pi_j = prod_{l != j} (J^2 - l(l+1)) / (j(j+1) - l(l+1))."""
    n = n_cells_of(rho)
    spins = [n / 2 - i for i in range(n // 2 + 1)]
    total = _spin_squared(n)
    blocks = {}
    for j in spins:
        block = rho
        for _side in range(2):  # block -> (Pi block)^+, twice
            for other in spins:
                if other != j:
                    gap = j * (j + 1) - other * (other + 1)
                    squared = np.asarray(total @ block, dtype=np.complex128)
                    block = (squared - other * (other + 1) * block) / gap
            block = block.conj().T
        blocks[j] = block
    return blocks


@lru_cache(maxsize=4)
def _spin_squared(n_cells: int) -> sp.csr_array:
    """J^2 = J_+ J_- + J_z^2 - J_z, sparse."""
    minus = collective_lowering(n_cells)
    m = excitations(n_cells) - n_cells / 2
    return sp.csr_array(minus.T @ minus + sp.diags_array(m**2 - m))
