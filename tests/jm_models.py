"""Models and populations of the (j, m) engine, in the notation of docs/physics.md."""

import numpy as np

from qbat_circuits.dynamics.sectors import schur_basis
from qbat_circuits.symmetric.model import SymmetricModel
from qbat_circuits.symmetric.sectors_jm import states_jm


def model(
    n_cells: int,
    kappa: float = 1.0,
    n: float = 1.0,
    gamma: float = 0.0,
    n_local: float = 0.0,
    gamma_phi: float = 0.0,
) -> SymmetricModel:
    """kappa, n of the collective bath; gamma, n_l and gamma_phi of every cell."""
    return SymmetricModel(
        n_cells,
        kappa * (n + 1),
        kappa * n,
        gamma * (n_local + 1),
        gamma * n_local,
        2 * gamma_phi,
    )


def populations_of(rho: np.ndarray, n_cells: int) -> np.ndarray:
    """p(j, m) of a state of the full space."""
    states = states_jm(n_cells)
    p = np.zeros(states.size)
    for sector in schur_basis(n_cells):
        a = (n_cells - sector.twice_j) // 2
        v = sector.vectors
        weights = np.einsum("max,xy,may->m", v, rho, v).real
        p[states.index(a + np.arange(sector.twice_j + 1), np.full(len(weights), a))] = weights
    return p
