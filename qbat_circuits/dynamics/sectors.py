"""Closed form of the collective bath alone: spin sectors and what they conserve.

J_- and J_+ act on the spin of a sector only. With the Schur-Weyl decomposition of 2^N into
(+)_j spin-j (x) multiplicity, the weight P_j and the multiplicity state sigma_j of the start are
conserved, and rho(infinity) = sum_j P_j tau_j (x) sigma_j, with tau_j(m) ~ r^m for a thermal bath,
r = n/(n+1). On the way there, each block between two sectors moves by itself: (2j+1)(2j'+1) numbers
for each pair of multiplicity states instead of 4^N. See docs/physics.md, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, combinations_with_replacement

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from qbat_circuits.baths import CollectiveBath
from qbat_circuits.battery import Battery, liouvillian
from qbat_circuits.cells import ComplexArray, FloatArray, n_cells_of
from qbat_circuits.dynamics.reduction import equal_steps
from qbat_circuits.dynamics.schur import Sector, schur_basis
from qbat_circuits.errors import InputError
from qbat_circuits.symmetric.ladder import ladder_populations

#: Blocks of a start below this are zero.
_ROUND_OFF = 1e-16
#: Coherence between sectors below this is round-off.
_COHERENCE_TOLERANCE = 1e-12


def common_bath(battery: Battery) -> CollectiveBath:
    """The bath as J_- sees it: its rates times g^2 of the cells' one amplitude g."""
    bath, scale = battery.bath, battery.bath.coupling.strength
    if scale == 1.0:
        return bath
    return CollectiveBath.from_rates(
        scale * bath.emission, scale * bath.absorption, scale * bath.cross
    )


def collective_curve(
    bath: CollectiveBath, start: ComplexArray, times: FloatArray, detuning: float = 0.0
) -> ComplexArray:
    """States under the collective bath alone, exact, shape (T, 2^N, 2^N).

    Args:
        bath: the collective bath.
        start: density matrix at t = 0, shape (2^N, 2^N).
        times: >= 0 in rising order, shape (T,).
        detuning: the cells' common delta.
    """
    steps, which = equal_steps(times)
    states = np.zeros((len(times), *start.shape), dtype=np.complex128)
    for a, b in combinations_with_replacement(schur_basis(n_cells_of(start)), 2):
        block = np.einsum("iax,xy,kby->ikab", a.vectors, start, b.vectors, optimize=True)
        if np.abs(block).max() <= _ROUND_OFF:
            continue
        generator = _between(bath, a.twice_j, b.twice_j, detuning)
        propagators = [scipy.linalg.expm(generator * step) for step in steps]
        now = block.reshape(len(generator), -1)
        left, right = (one.vectors.reshape(-1, len(start)) for one in (a, b))
        for i, step in enumerate(which):
            now = propagators[step] @ now
            square = now.reshape(block.shape).swapaxes(1, 2).reshape(len(left), len(right))
            part = left.T @ square @ right
            states[i] += part if a is b else part + part.conj().T
    return states


def _between(bath: CollectiveBath, twice_j: int, twice_k: int, detuning: float) -> ComplexArray:
    """Generator on the matrices between spins j and k, row-stacked: (2j+1)(2k+1) square."""
    total = np.zeros(((twice_j + 1) * (twice_k + 1),) * 2, dtype=np.complex128)
    ones = [np.eye(twice + 1) for twice in (twice_j, twice_k)]
    m = [np.arange(twice + 1) - twice / 2 for twice in (twice_j, twice_k)]
    decay = [1j * detuning * np.diag(one) for one in m]
    for rate, a, b in bath.jumps():
        jumps = [a * _raising(twice).T + b * _raising(twice) for twice in (twice_j, twice_k)]
        total += rate * np.kron(jumps[0], jumps[1].conj())
        decay = [d + rate / 2 * jump.conj().T @ jump for d, jump in zip(decay, jumps, strict=True)]
    return np.asarray(total - np.kron(decay[0], ones[1]) - np.kron(ones[0], decay[1].conj()))


def _raising(twice_j: int) -> FloatArray:
    """J_+ of a spin, m rising."""
    m = np.arange(twice_j)
    return np.diag(np.sqrt((twice_j - m) * (m + 1.0)), -1)


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
    if bath.has_dark_states and _lasting_coherence(bath, start) > _COHERENCE_TOLERANCE:
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

    Raises:
        InputError: for equal rates at the squeezing bound, which leave one spin component as it is.
    """
    size = twice_j + 1
    if bath.keeps_one_quadrature and detuning == 0:
        raise InputError(
            "'cross' must be below emission = absorption in size for a steady state of the bath "
            f"alone, not {abs(bath.cross):g}: such a bath leaves one spin component as it is."
        )
    if bath.cross == 0:
        weights = ladder_populations(twice_j, bath.emission, bath.absorption)
        return np.diag(weights).astype(np.complex128)
    raising = _raising(twice_j)
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
