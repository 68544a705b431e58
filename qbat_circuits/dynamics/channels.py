"""The bath of a battery as channels whose strengths change in time, for both engines.

d rho/dt = L_0 rho + sum_k c_k(t) L_k rho with the local noise and the detunings in L_0. Without a
given occupation one channel holds the whole bath, with c = rate(t). A thermal bath of occupation
n(t) has emission with c = rate(t) (n(t) + 1) and absorption with c = rate(t) n(t), of every
transition of a cell with more than two levels at its own occupation. The exchange along a waveguide
is part of the coupling and goes with rate(t).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy.sparse as sp

from qbat_circuits.baths import CollectiveBath
from qbat_circuits.battery import Battery, Jump
from qbat_circuits.cells import FloatArray
from qbat_circuits.envelope import Envelope
from qbat_circuits.errors import InputError

Strength = Callable[[float | FloatArray], FloatArray]


@dataclass(frozen=True, eq=False)
class Channel:
    """c(t) (-i[H, .] + sum rate D[L]).

    Attributes:
        strength: c(t) >= 0, of one or many times.
        hamiltonian: H or None.
        jumps: (rate, L).
    """

    strength: Strength
    hamiltonian: sp.csr_array | None
    jumps: list[Jump]


def constant_part(battery: Battery) -> tuple[sp.csr_array, list[Jump]]:
    """Hamiltonian and dissipators of everything but the bath."""
    alone = battery.without_bath()
    return alone.hamiltonian(), alone.jump_operators()


def bath_channels(battery: Battery, envelope: Envelope) -> list[Channel]:
    """The bath as channels, none of them empty.

    Raises:
        InputError: for an occupation that changes in a squeezed bath or a pump.
    """
    exchange = sp.csr_array(battery.hamiltonian() - battery.without_bath().hamiltonian())
    exchange.eliminate_zeros()
    hamiltonian = exchange if exchange.nnz else None
    if envelope.occupation is None:
        jumps = battery.collective_jumps()
        return [Channel(envelope.rate_at, hamiltonian, jumps)] if jumps else []
    _check_thermal(battery.bath)
    if battery.bath.rate == 0.0:
        return []
    channels = [] if hamiltonian is None else [Channel(envelope.rate_at, hamiltonian, [])]
    for k in range(1, battery.levels):
        down = [(k * weight * battery.bath.rate, minus) for weight, minus in battery.modes(k)]
        up = [(rate, sp.csr_array(minus.conj().T)) for rate, minus in down]
        for quanta, jumps in ((1.0, down), (0.0, up)):
            channels.append(Channel(partial(_strength, battery, envelope, k, quanta), None, jumps))
    return channels


def _strength(
    battery: Battery, envelope: Envelope, upper: int, quanta: float, t: float | FloatArray
) -> FloatArray:
    """rate(t) (n_k(t) + quanta) of the transition k = ``upper``."""
    occupation = envelope.occupation_at(t, battery.bath.occupation)
    if battery.transmon is not None and battery.levels > 2:
        of_one = battery.transmon.noise_occupations
        values = [of_one(float(n))[upper - 1] for n in occupation.reshape(-1)]
        occupation = np.array(values).reshape(occupation.shape)
    return np.asarray(envelope.rate_at(t) * (occupation + quanta))


def _check_thermal(bath: CollectiveBath) -> None:
    if bath.cross != 0:
        raise InputError(
            "'occupation' must be left out of the envelope of a squeezed bath, whose squeezing "
            "belongs to one occupation; its rate may change."
        )
    if bath.absorption > bath.emission or not np.isfinite(bath.occupation):
        raise InputError(
            "'occupation' must be left out of the envelope of a pump, which has none; its rate may "
            "change."
        )
