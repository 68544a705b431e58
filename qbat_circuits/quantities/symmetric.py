"""The quantities of `dense` on populations p(j, m) of permutation- and U(1)-invariant states.

rho = sum_{j,m} p(j,m) / d_j Pi(j,m) with d_j = C(N, N/2-j) - C(N, N/2-j-1): every eigenvalue
p(j,m)/d_j stands d_j times. Populations are one array in the order of `states_jm`; all cells have
energy 1 (hbar*mean(omega)). Multiplicities are exact integers of any size and enter as logarithms
or as quotients of integers (docs/physics.md, section 4).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from math import comb
from typing import Any

import numpy as np

from qbat_circuits.cells import MAX_CELLS, FloatArray
from qbat_circuits.errors import InputError, check_choice, check_integer
from qbat_circuits.quantities.curves import OptimumReadings, ratio
from qbat_circuits.quantities.dense import Basis
from qbat_circuits.quantities.gibbs import energy_at, entropy_deficit, inverse_temperature
from qbat_circuits.symmetric.ergotropy import passive_energy, passive_energy_jm
from qbat_circuits.symmetric.sectors_jm import (
    energy_jm,
    level_capacities,
    log_multiplicities,
    multiplicities,
    sector_weights,
    states_jm,
    weights_by_spin,
)
from qbat_circuits.thermodynamics import STATE_TOLERANCE

Populations = Sequence[float] | FloatArray

#: Largest number of cells for the l1-norm, which grows like 2^N and so does its round-off.
L1_MAX_CELLS = 40


def checked_populations(n_cells: int, populations: Populations) -> FloatArray:
    """The populations as an array, if they are those of a state of N cells.

    Raises:
        InputError: if their number, their sum or a sign is wrong.
    """
    n = check_integer("n_cells", n_cells, at_least=1, at_most=MAX_CELLS)
    p = np.asarray(populations, dtype=np.float64)
    size = states_jm(n).size
    if p.shape != (size,):
        raise InputError(
            f"'populations' must hold one number per (j, m) ({size} for {n} cells), not shape "
            f"{p.shape}."
        )
    if not np.all(np.isfinite(p)) or p.min() < -STATE_TOLERANCE:
        raise InputError(f"'populations' must be finite and >= 0, not {p.min():.3g}.")
    if abs(p.sum() - 1.0) > STATE_TOLERANCE:
        raise InputError(f"'populations' must sum to 1, not {float(p.sum())!r}.")
    return p


def antiergotropy_jm(n_cells: int, populations: Populations) -> float:
    """A = max_U E - E = N - E_passive - E: the levels of N equal cells mirror about N/2."""
    p = checked_populations(n_cells, populations)
    return max(0.0, n_cells - _passive(n_cells, p) - _energy(n_cells, p))


def capacity_jm(n_cells: int, populations: Populations) -> float:
    """Capacity C = W + A = N - 2 E_passive (Yang et al., arXiv:2302.09905)."""
    p = checked_populations(n_cells, populations)
    return n_cells - 2 * _passive(n_cells, p)


def optimum_readings_jm(n_cells: int, populations: Populations) -> OptimumReadings:
    """The three readings of "many-body optimum": W/E, W/(E - E_Gibbs(S)) and W/N."""
    p = checked_populations(n_cells, populations)
    work = _ergotropy(n_cells, p)
    return OptimumReadings(
        efficiency=float(ratio(work, _energy(n_cells, p))),
        many_copy=float(ratio(work, total_ergotropy_jm(n_cells, p))),
        per_cell=work / n_cells,
    )


def efficiency_jm(n_cells: int, populations: Populations) -> float:
    """W/E, the share of the stored energy that is work; nan for the ground state."""
    return optimum_readings_jm(n_cells, populations).efficiency


def ergotropy_per_cell_jm(n_cells: int, populations: Populations) -> float:
    """W/N in units of hbar*mean(omega)."""
    return _ergotropy(n_cells, checked_populations(n_cells, populations)) / n_cells


def many_copy_ratio_jm(n_cells: int, populations: Populations) -> float:
    """W/(E - E_Gibbs(S)), one copy's work over many copies' per copy; nan for a Gibbs state."""
    return optimum_readings_jm(n_cells, populations).many_copy


def entropy_jm(n_cells: int, populations: Populations) -> float:
    """Von Neumann entropy S = -sum p ln(p/d_j) in nats."""
    p = checked_populations(n_cells, populations)
    full = p > 0
    return max(0.0, -math.fsum(p[full] * log_eigenvalues_jm(n_cells, p)[full]))


def log_eigenvalues_jm(n_cells: int, populations: FloatArray) -> Any:
    """ln(p/d_j) of every (j, m), -inf where p <= 0 (round-off of a zero)."""
    full = populations > 0
    logs = np.log(populations, out=np.full(populations.shape, -np.inf), where=full)
    return logs - log_multiplicities(n_cells)[states_jm(n_cells).deficit]


def total_ergotropy_jm(n_cells: int, populations: Populations) -> float:
    """Work per copy from many copies, E - E_Gibbs(S) >= W (see `dense.total_ergotropy`)."""
    p = checked_populations(n_cells, populations)
    share = np.array([d / 2**n_cells for d in multiplicities(n_cells)])
    excess = log_eigenvalues_jm(n_cells, p) + n_cells * math.log(2)
    missing = entropy_deficit(p, share[states_jm(n_cells).deficit], excess)
    cells = np.ones(n_cells)
    beta = inverse_temperature(entropy_jm(n_cells, p), cells, missing)
    return max(0.0, _energy(n_cells, p) - energy_at(beta, cells))


def incoherent_ergotropy_jm(n_cells: int, populations: Populations, basis: Basis | str) -> float:
    """Work that is left after dephasing, with the basis named (see `dense.incoherent_ergotropy`).

    In the product basis the P_k = sum_j p(j, k - N/2) are spread evenly over C(N, k) states; a
    U(1)-invariant state has no coherence between energy blocks to lose.
    """
    p = checked_populations(n_cells, populations)
    if Basis(check_choice("basis", basis, [one.value for one in Basis])) is Basis.ENERGY_BLOCKS:
        return _ergotropy(n_cells, p)
    by_level = np.bincount(states_jm(n_cells).level, p).astype(np.float64)
    passive = passive_energy(n_cells, by_level, level_capacities(n_cells), np.arange(n_cells + 1))
    return max(0.0, _energy(n_cells, p) - passive)


def coherent_ergotropy_jm(n_cells: int, populations: Populations, basis: Basis | str) -> float:
    """Work that dephasing destroys, W(rho) - W(Delta[rho]) >= 0."""
    left = incoherent_ergotropy_jm(n_cells, populations, basis)
    return max(0.0, _ergotropy(n_cells, checked_populations(n_cells, populations)) - left)


def local_ergotropy_jm(n_cells: int, populations: Populations) -> float:
    """Work that unitaries on single cells extract: max(0, 2E - N), all cells being E/N excited."""
    return max(0.0, 2 * _energy(n_cells, checked_populations(n_cells, populations)) - n_cells)


def locked_ergotropy_jm(n_cells: int, populations: Populations) -> float:
    """The ergotropic gap W - W_local (Mukherjee et al., PRE 93, 052140 (2016))."""
    p = checked_populations(n_cells, populations)
    return max(0.0, _ergotropy(n_cells, p) - local_ergotropy_jm(n_cells, p))


def l1_coherence_jm(n_cells: int, populations: Populations) -> float:
    """l1-norm of coherence in the product basis: sum_k sum_{f>0} |sum_j p(j, k - N/2) P_f(j)|.

    Pi(j, m) are idempotents of the Johnson scheme, whose elements between two product states that
    differ in f excited cells are d_j P_f(j) / (C(N,k) C(k,f) C(N-k,f)), with the Eberlein
    polynomials P_f (Delsarte, Philips Res. Rep. Suppl. 10 (1973)).

    Raises:
        InputError: for more than 40 cells; the norm and its round-off grow like C(N, N/2).
    """
    n = check_integer("n_cells", n_cells, at_least=1, at_most=L1_MAX_CELLS)
    p = checked_populations(n, populations)
    level = states_jm(n).level
    total = []
    for k in range(n + 1):
        here = p[level == k]  # by deficit, 0 to min(k, n - k)
        total += [
            abs(math.fsum(weight * _eberlein(flips, a, k, n) for a, weight in enumerate(here)))
            for flips in range(1, len(here))
        ]
    return math.fsum(total)


def sector_weights_jm(n_cells: int, populations: Populations) -> dict[float, float]:
    """Weight P_j = sum_m p(j, m) of each total spin j, j falling from N/2."""
    weights = sector_weights(n_cells, checked_populations(n_cells, populations))
    return weights_by_spin(n_cells, weights)


def sector_work_jm(n_cells: int, populations: Populations) -> dict[float, float]:
    """Work of each spin sector, P_j W(rho_j), j falling from N/2 (see `dense.sector_work`)."""
    p = checked_populations(n_cells, populations)
    states = states_jm(n_cells)
    order = np.argsort(states.deficit, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(states.deficit))[:-1])
    result = {}
    for a, (d, part) in enumerate(zip(multiplicities(n_cells), parts, strict=True)):
        passive = passive_energy(n_cells, p[part], [d], np.zeros(len(part), dtype=np.int64))
        result[n_cells / 2 - a] = max(0.0, float(p[part] @ states.level[part]) - passive)
    return result


def _energy(n_cells: int, populations: FloatArray) -> float:
    return float(energy_jm(n_cells, populations))


def _ergotropy(n_cells: int, populations: FloatArray) -> float:
    return max(0.0, _energy(n_cells, populations) - _passive(n_cells, populations))


def _passive(n_cells: int, populations: FloatArray) -> float:
    return float(passive_energy_jm(n_cells, populations))


@lru_cache(maxsize=65536)
def _eberlein(flips: int, a: int, k: int, n: int) -> int:
    return sum(
        (-1) ** r * comb(a, r) * comb(k - a, flips - r) * comb(n - k - a, flips - r)
        for r in range(flips + 1)
    )
