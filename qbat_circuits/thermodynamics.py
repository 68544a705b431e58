"""Energy, passive states and ergotropy of dense states, on plain arrays.

Ergotropy is the largest work that a cyclic unitary can extract from a state,
W = max_U Tr[rho (H - U^dagger H U)] = Tr[rho H] - sum_k r_k E_k, with the eigenvalues r_k of rho
sorted down and the levels E_k of H sorted up (Allahverdyan, Balian, Nieuwenhuizen, Europhys.
Lett. 67, 565 (2004), doi:10.1209/epl/i2004-10101-2). Here H = H_B is diagonal in the product
basis, in units of hbar*mean(omega). See docs/physics.md, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qbat_circuits.cells import ComplexArray, FloatArray, level_energies, n_cells_of
from qbat_circuits.errors import InputError

#: How far trace, Hermiticity and positivity of a given state may be off.
STATE_TOLERANCE = 1e-9


def as_density_matrix(
    state: Any, tolerance: float = STATE_TOLERANCE, levels: int = 2
) -> ComplexArray:
    """A validated density matrix, shape (d^N, d^N), from what a user has.

    Args:
        state: an array of shape (d^N, d^N), a state vector of shape (d^N,), or a Qiskit
            `DensityMatrix` or `Statevector` (anything with a ``data`` array).
        tolerance: largest deviation from trace 1, Hermiticity and positivity.
        levels: d of each cell.

    Raises:
        InputError: if the shape, the trace, Hermiticity or positivity is wrong.
    """
    data = state if isinstance(state, np.ndarray) else getattr(state, "data", state)
    try:
        rho = np.array(data, dtype=np.complex128)
    except (TypeError, ValueError):
        raise InputError("A state must be an array of numbers or a Qiskit state.") from None
    n_cells_of(rho, levels)
    if rho.ndim == 1:
        rho = np.outer(rho, rho.conj())
    if not np.all(np.isfinite(rho)):
        raise InputError("A state must hold finite numbers only.")
    trace = float(np.trace(rho).real)
    if abs(trace - 1.0) > tolerance:
        raise InputError(f"A state must have trace 1 within {tolerance:g}, not {trace!r}.")
    skew = float(np.max(np.abs(rho - rho.conj().T)))
    if skew > tolerance:
        raise InputError(f"A state must be Hermitian within {tolerance:g}, not off by {skew:.3g}.")
    rho = (rho + rho.conj().T) / 2
    smallest = float(np.linalg.eigvalsh(rho)[0])
    if smallest < -tolerance:
        raise InputError(
            f"A state must have eigenvalues >= 0 within {tolerance:g}, not {smallest:.3g}."
        )
    return rho


def energy(
    state: Any, energies: Sequence[float] | None = None, ladder: FloatArray | None = None
) -> float:
    """Mean battery energy E = Tr[rho H_B] of a state, in units of hbar*mean(omega).

    Args:
        state: see `as_density_matrix`.
        energies: cell energies e_i, 1 each by default.
        ladder: energies of d levels in units of e_i (`TransmonLevels.energies`); (0, 1) by default.
    """
    rho, levels = _with_levels(state, energies, ladder)
    return float(linear_energy(rho, levels))


def ergotropy(
    state: Any, energies: Sequence[float] | None = None, ladder: FloatArray | None = None
) -> float:
    """Ergotropy W of a state: the most work a unitary can extract, in units of hbar*mean(omega).

    W = Tr[rho H_B] - sum_k r_k E_k (eigenvalues down, levels up); 0 for passive states such as
    Gibbs states.

    Args:
        state: see `as_density_matrix`.
        energies: cell energies e_i, 1 each by default.
        ladder: energies of d levels in units of e_i (`TransmonLevels.energies`); (0, 1) by default.

    Raises:
        InputError: if the state is not a state or the energies do not fit it.
    """
    rho, levels = _with_levels(state, energies, ladder)
    return max(0.0, float(linear_ergotropy(rho, levels)))


def passive_state(
    state: Any, energies: Sequence[float] | None = None, ladder: FloatArray | None = None
) -> ComplexArray:
    """The passive state of the same spectrum: diagonal, larger populations on lower levels."""
    rho, levels = _with_levels(state, energies, ladder)
    populations = np.empty(len(levels))
    populations[np.argsort(levels, kind="stable")] = np.linalg.eigvalsh(rho)[::-1]
    return np.diag(populations).astype(np.complex128)


def linear_energy(rho: ComplexArray, levels: FloatArray) -> FloatArray:
    """Tr[rho H] for Hermitian matrices of shape (..., d, d) and a diagonal H; no validation."""
    diagonal = np.diagonal(rho, axis1=-2, axis2=-1).real
    return np.asarray(diagonal @ levels, dtype=np.float64)


def linear_ergotropy(rho: ComplexArray, levels: FloatArray) -> FloatArray:
    """max_U Tr[rho (H - U^dagger H U)] for Hermitian matrices of shape (..., d, d).

    Neither positivity nor trace 1 is assumed: a raw tomographic reconstruction may be passed.
    It is convex in rho and >= 0 up to round-off.
    """
    descending = np.linalg.eigvalsh(rho)[..., ::-1]
    return np.asarray(linear_energy(rho, levels) - descending @ np.sort(levels), dtype=np.float64)


def _with_levels(
    state: Any, energies: Sequence[float] | None, ladder: FloatArray | None
) -> tuple[ComplexArray, FloatArray]:
    """A density matrix and the diagonal of its H_B."""
    d = 2 if ladder is None else len(ladder)
    rho = as_density_matrix(state, levels=d)
    return rho, level_energies(n_cells_of(rho, d), energies, ladder)
