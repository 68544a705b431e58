"""The quantities of `dense` on populations p(j, m) of permutation- and U(1)-invariant states.

rho = sum_{j,m} p(j,m) / d_j Pi(j,m) with d_j = C(N, N/2-j) - C(N, N/2-j-1): every eigenvalue
p(j,m)/d_j stands d_j times. Populations are one array in the order j falling from N/2, m rising;
all cells have energy 1 (hbar*mean(omega)). Multiplicities are exact integers of any size and enter
as logarithms or as quotients of integers (docs/physics.md, section 4).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qbat_circuits.cells import MAX_CELLS, FloatArray
from qbat_circuits.errors import InputError, check_choice, check_integer
from qbat_circuits.quantities.curves import OptimumReadings, ratio
from qbat_circuits.quantities.dense import Basis
from qbat_circuits.quantities.gibbs import energy_at, entropy_deficit, inverse_temperature
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
    size = sector_start(n, n // 2 + 1)
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


def sector_start(n_cells: int, missing: int) -> int:
    """Position of (j, -j), j = N/2 - missing, among all (j, m)."""
    return missing * (n_cells + 2 - missing)


@lru_cache(maxsize=8)
def quantum_numbers(n_cells: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """N/2 - j and m + N/2 of every (j, m), in order (read-only)."""
    missing = np.arange(n_cells // 2 + 1)
    i = np.repeat(missing, n_cells - 2 * missing + 1)
    k = np.arange(len(i)) - i * (n_cells + 2 - i) + i
    for array in (i, k):
        array.flags.writeable = False
    return i, k


@lru_cache(maxsize=8)
def multiplicities(n_cells: int) -> tuple[int, ...]:
    """d_j of j = N/2, N/2 - 1, ..., exact."""
    chosen = [comb(n_cells, i) for i in range(n_cells // 2 + 1)]
    return (1, *(b - a for a, b in pairwise(chosen)))


def log_multiplicities(n_cells: int) -> FloatArray:
    """ln d_j of every (j, m), in order."""
    logs = np.array([math.log(d) for d in multiplicities(n_cells)])
    return np.asarray(logs[quantum_numbers(n_cells)[0]])


def antiergotropy_jm(n_cells: int, populations: Populations) -> float:
    """A = max_U E - E = N - E_passive - E: the levels of N equal cells mirror about N/2."""
    p = checked_populations(n_cells, populations)
    return max(0.0, n_cells - _passive_energy(n_cells, p) - _energy(n_cells, p))


def capacity_jm(n_cells: int, populations: Populations) -> float:
    """Capacity C = W + A = N - 2 E_passive (Yang et al., arXiv:2302.09905)."""
    p = checked_populations(n_cells, populations)
    return n_cells - 2 * _passive_energy(n_cells, p)


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
    return max(0.0, math.fsum(p[full] * (log_multiplicities(n_cells) - _log(p))[full]))


def total_ergotropy_jm(n_cells: int, populations: Populations) -> float:
    """Work per copy from many copies, E - E_Gibbs(S) >= W (see `dense.total_ergotropy`)."""
    p = checked_populations(n_cells, populations)
    share = np.array([d / 2**n_cells for d in multiplicities(n_cells)])[quantum_numbers(n_cells)[0]]
    excess = _log(p) - log_multiplicities(n_cells) + n_cells * math.log(2)
    missing = entropy_deficit(p, share, excess)
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
    by_level = np.bincount(quantum_numbers(n_cells)[1], p, n_cells + 1).astype(np.float64)
    counts = [comb(n_cells, k) for k in range(n_cells + 1)]
    return max(0.0, _energy(n_cells, p) - _filled(n_cells, by_level, counts))


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
    total = []
    for k in range(n + 1):
        here = [(i, p[sector_start(n, i) + k - i]) for i in range(min(k, n - k) + 1)]
        total += [
            abs(math.fsum(weight * _eberlein(flips, i, k, n) for i, weight in here))
            for flips in range(1, min(k, n - k) + 1)
        ]
    return math.fsum(total)


def sector_weights_jm(n_cells: int, populations: Populations) -> dict[float, float]:
    """Weight P_j = sum_m p(j, m) of each total spin j, j falling from N/2."""
    p = checked_populations(n_cells, populations)
    weights = np.bincount(quantum_numbers(n_cells)[0], p)
    return {n_cells / 2 - i: float(weight) for i, weight in enumerate(weights)}


def sector_work_jm(n_cells: int, populations: Populations) -> dict[float, float]:
    """Work of each spin sector, P_j W(rho_j), j falling from N/2 (see `dense.sector_work`)."""
    p = checked_populations(n_cells, populations)
    starts = [sector_start(n_cells, i) for i in range(n_cells // 2 + 2)]
    result = {}
    for i, d in enumerate(multiplicities(n_cells)):
        part = p[starts[i] : starts[i + 1]]
        levels = np.arange(i, n_cells - i + 1)
        passive = _filled(n_cells, part, [d] * len(part))
        result[n_cells / 2 - i] = max(0.0, float(part @ levels) - passive)
    return result


def _energy(n_cells: int, populations: FloatArray) -> float:
    return float(populations @ quantum_numbers(n_cells)[1])


def _ergotropy(n_cells: int, populations: FloatArray) -> float:
    return max(0.0, _energy(n_cells, populations) - _passive_energy(n_cells, populations))


def _passive_energy(n_cells: int, populations: FloatArray) -> float:
    d = multiplicities(n_cells)
    counts = [d[i] for i in quantum_numbers(n_cells)[0].tolist()]
    return _filled(n_cells, populations, counts)


def _filled(n_cells: int, weights: FloatArray, counts: Sequence[int]) -> float:
    """Least energy: eigenvalues weight/count, count times each, poured largest first into levels.

    Level k holds C(N, k) of them. All counting is in exact integers.
    """
    logs = np.array([math.log(count) for count in dict.fromkeys(counts)])
    place = {count: i for i, count in enumerate(dict.fromkeys(counts))}
    size = _log(weights) - logs[[place[count] for count in counts]]
    ends = _level_ends(n_cells)
    energy, filled, level = [], 0, 0
    for s in np.argsort(-size, kind="stable").tolist():
        weight: float = float(weights[s])
        if weight <= 0.0:
            break
        count = counts[s]
        above, begin = 0, filled  # sum of k times the share of this eigenvalue's copies in level k
        filled += count
        while ends[level] < filled:
            above += level * (ends[level] - begin)
            begin = ends[level]
            level += 1
        above += level * (filled - begin)
        energy.append(weight * (above / count))
    return math.fsum(energy)


@lru_cache(maxsize=8)
def _level_ends(n_cells: int) -> tuple[int, ...]:
    """Number of states in the levels up to k, k = 0..N, exact."""
    return tuple(accumulate(comb(n_cells, k) for k in range(n_cells + 1)))


def _log(weights: FloatArray) -> Any:
    """ln p, -inf where p <= 0 (round-off of a zero)."""
    return np.log(weights, out=np.full(weights.shape, -np.inf), where=weights > 0)


@lru_cache(maxsize=65536)
def _eberlein(flips: int, i: int, k: int, n: int) -> int:
    return sum(
        (-1) ** r * comb(i, r) * comb(k - i, flips - r) * comb(n - k - i, flips - r)
        for r in range(flips + 1)
    )
