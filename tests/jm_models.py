"""Models of the (j, m) engine in the notation of docs/physics.md."""

from qbat_circuits.symmetric.model import SymmetricModel


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
