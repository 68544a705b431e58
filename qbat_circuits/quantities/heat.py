"""Heat currents and entropy production, bath by bath, for dense states.

H_B commutes with the rotating-frame Hamiltonian, so dE/dt is the sum of the heat currents (first
law); only the exchange along a waveguide between cells of unequal energies adds to it. Each bath's
generator L_k has its own equilibrium omega_k ~ r_k^(number of excitations), r_k =
absorption/emission, and produces entropy at the rate

    sigma_k = -Tr[L_k(rho) (ln rho - ln omega_k)] = dS_k/dt - I_k ln(1/r_k) >= 0   (second law)

with the current I_k of quanta from bath k, at that bath's own temperature (ln(1/r) = hbar omega /
k_B T). Two occupations are two heat baths (docs/physics.md, section 4, T7).

An extra dissipator with rate a beside its reverse, a D[L] + b D[L^+], gives ln(a/b) nats to its
environment with every jump L and takes them back with every L^+ (local detailed balance):

    sigma = dS/dt + ln(a/b) (a Tr[L^+ L rho] - b Tr[L L^+ rho]) >= 0

Sources: Alicki, J. Phys. A 12, L103 (1979); Spohn, J. Math. Phys. 19, 1227 (1978); Horowitz,
Parrondo, New J. Phys. 15, 085028 (2013).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from qbat_circuits.baths import CollectiveBath
from qbat_circuits.battery import Battery, Jump
from qbat_circuits.cells import (
    ComplexArray,
    FloatArray,
    excitations,
    n_cells_of,
)
from qbat_circuits.errors import InputError
from qbat_circuits.extra_jumps import channels_of
from qbat_circuits.thermodynamics import as_density_matrix, linear_energy

#: Eigenvalues below this are zeros of the state.
_ZERO_EIGENVALUE = 1e-15
#: Currents below this share of the bath's rate are zeros.
_ZERO_CURRENT = 1e-13


@dataclass(frozen=True, eq=False)
class BathShares:
    """One number for each bath of a battery, positive into the battery.

    Attributes:
        collective: of the common bath.
        local: of each cell's own thermal bath, shape (N,).
        dephasing: of each cell's pure dephasing, shape (N,).
        extra: of the extra dissipators together.
    """

    collective: float
    local: FloatArray
    dephasing: FloatArray
    extra: float = 0.0

    def __post_init__(self) -> None:
        for name in ("local", "dephasing"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @property
    def total(self) -> float:
        """Sum over all baths."""
        return float(self.collective + self.local.sum() + self.dephasing.sum() + self.extra)


def heat_currents(battery: Battery, state: Any) -> BathShares:
    """Heat current Tr[H_B L_k(rho)] from each bath into the battery.

    Their sum is dE/dt, but for what the exchange along a waveguide adds between cells of unequal
    e_i. Dephasing exchanges no energy. From a squeezed bath the current is energy, not all of it
    heat.

    Args:
        battery: the model.
        state: state of its N cells.

    Returns:
        Currents in units of hbar*mean(omega) times the battery's unit of rates.

    Raises:
        InputError: for a state of another number of cells.
    """
    rho = _state_of(battery, state)
    levels = battery.level_energies()

    def current(jumps: Sequence[Jump], _log_r: float) -> float:
        return float(linear_energy(_change(jumps, rho), levels))

    return _by_bath(battery, current)


def entropy_production(battery: Battery, state: Any) -> BathShares:
    """Entropy production rate sigma_k >= 0 of each bath, in nats times the unit of rates.

    +inf where it is: a bath at zero temperature that takes up quanta, a dissipator that jumps
    without a reverse, or a state without full rank that a bath is about to fill. Eigenvalues below
    1e-15 count as zeros. Quanta of detuned or unequal cells all count with the bath's own
    absorption/emission, of which the generator's equilibrium is made.

    Args:
        battery: the model, its bath thermal or any pump. Each of its extra jumps L stands beside
            its reverse L^+; the ratio of their rates takes the place of the temperature. Extra
            jumps with the same L are one environment.
        state: state of its N cells.

    Raises:
        InputError: for a squeezed bath, which has no temperature, more than two levels, or a wrong
            number of cells.
    """
    rho = _state_of(battery, state)
    refuse_squeezing(battery.bath)
    if battery.levels > 2:
        raise InputError(
            "'battery' must have cells of two levels for an entropy production, where each bath "
            "has one absorption/emission."
        )
    r, vectors = np.linalg.eigh(rho)
    logs = np.log(r, out=np.full(len(r), -np.inf), where=r > _ZERO_EIGENVALUE)
    quanta = excitations(battery.n_cells).astype(np.float64)

    def filled(change: ComplexArray) -> FloatArray:
        """d/dt of the eigenvectors' populations."""
        inner = np.einsum("ia,ij,ja->a", vectors.conj(), change, vectors, optimize=True)
        return np.asarray(inner.real)

    def production(jumps: Sequence[Jump], log_r: float) -> float:
        change = _change(jumps, rho)
        scale = sum(rate for rate, _ in jumps) * battery.n_cells**2
        return spohn(logs, filled(change), float(linear_energy(change, quanta)), log_r, scale)

    extra = 0.0
    for jump, forward, backward in channels_of(battery.extra_jumps):
        reverse = sp.csr_array(jump.conj().T)
        change = _change([(forward, jump), (backward, reverse)], rho)
        back = backward * _jumps(reverse, rho) - forward * _jumps(jump, rho)
        ratio = log_ratio(forward, backward)
        extra += spohn(logs, filled(change), back, ratio, forward + backward)
    return replace(_by_bath(battery, production), extra=extra)


def spohn(
    log_eigenvalues: FloatArray,
    change: FloatArray,
    current: float,
    log_r: float,
    scale: float,
) -> float:
    """sigma = -sum_k change_k ln(eigenvalue_k) + current ln r, with honest infinities.

    Args:
        log_eigenvalues: of the state, one for each group of equal ones; -inf for zeros.
        change: d/dt of the groups' populations by this bath.
        current: quanta, or reverse jumps, per time from this bath.
        log_r: ln(absorption/emission), -inf at zero temperature, 0 at infinite temperature.
        scale: size of the bath's rates, against which a current is zero.
    """
    zero = _ZERO_CURRENT * scale
    full = log_eigenvalues > -math.inf
    if float(change[~full].sum()) > zero:
        return math.inf
    entropy_rate = -math.fsum(change[full] * log_eigenvalues[full])
    if math.isinf(log_r):
        return entropy_rate if abs(current) <= zero else math.inf
    return entropy_rate + current * log_r


def refuse_squeezing(bath: CollectiveBath) -> None:
    """Refuse a bath that has no temperature."""
    if bath.cross != 0:
        raise InputError(
            "'squeezing' must be 0 for an entropy production: a squeezed bath has no temperature, "
            f"not {bath.squeezing}."
        )


def log_ratio(emission: float, absorption: float) -> float:
    """ln(absorption/emission) of a bath that has a rate: -hbar omega/(k_B T)."""
    if emission == 0.0 or absorption == 0.0:
        return -math.inf if absorption == 0.0 else math.inf
    return math.log(absorption) - math.log(emission)


def _by_bath(battery: Battery, quantity: Callable[[Sequence[Jump], float], float]) -> BathShares:
    """quantity(jumps, ln r) of every bath; 0 for one without a rate."""
    n, bath = battery.n_cells, battery.bath

    def of(jumps: Sequence[Jump], log_r: float) -> float:
        return quantity(jumps, log_r) if jumps else 0.0

    local, dephasing = np.zeros(n), np.zeros(n)
    for i, noise in enumerate(battery.noise):
        log_r = log_ratio(noise.emission, noise.absorption) if noise.rate else 0.0
        local[i] = of(battery.relaxation_jumps(i), log_r)
        dephasing[i] = of(battery.dephasing_jumps(i), 0.0)
    log_r = log_ratio(bath.emission, bath.absorption) if bath.relaxation else 0.0
    extra = [(one.rate, one.operator) for one in battery.extra_jumps if one.rate > 0]
    return BathShares(of(battery.collective_jumps(), log_r), local, dephasing, of(extra, 0.0))


def _change(jumps: Sequence[Jump], rho: ComplexArray) -> ComplexArray:
    """sum_k rate_k D[L_k] rho."""
    total = np.zeros_like(rho)
    for rate, jump in jumps:
        after = jump @ rho  # L rho
        loss = jump.conj().T @ after  # L^+ L rho
        gain = (jump @ after.conj().T).conj().T  # L rho L^+
        total += np.asarray(rate * (gain - 0.5 * (loss + loss.conj().T)))
    return total


def _jumps(jump: sp.csr_array, rho: ComplexArray) -> float:
    """Tr[L^+ L rho]."""
    return float(np.sum((jump.conj().T @ jump).multiply(rho.T)).real)


def _state_of(battery: Battery, state: Any) -> ComplexArray:
    rho = as_density_matrix(state, levels=battery.levels)
    found = n_cells_of(rho, battery.levels)
    if found != battery.n_cells:
        raise InputError(
            f"'state' must have {battery.n_cells} cells like the battery, not {found}."
        )
    return rho
