"""The rate equation of identical cells on the states (j, m), built without a loop over states.

With s = j + m, t = j - m, J = 2j and a = N/2 - j, docs/physics.md, section 4 (Shammah et al., PRA
98, 063815 (2018), doi:10.1103/PhysRevA.98.063815) reads, per unit of each rate:

    collective emission  (j, m-1)    s (t+1)
    local emission       (j, m-1)    (N+2) / (J (J+2)) s (t+1)
                         (j-1, m-1)  (N-a+1) / (J (J+1)) s (s-1)
                         (j+1, m-1)  a / ((J+1)(J+2)) (t+1)(t+2)
    D[n_i]               (j-1, m)    (N-a+1) / (J (J+1)) s t
                         (j+1, m)    a / ((J+1)(J+2)) (s+1)(t+1)

Absorption is the same with s and t exchanged and the step of m reversed. Terms over J = 0 have a
zero above as well and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import InputError, check_number
from qbat_circuits.symmetric.sectors_jm import IntArray, StatesJm


@dataclass(frozen=True)
class Rates:
    """Rates of the five channels that identical cells without squeezing can have.

    Attributes:
        emission, absorption: collective, of D[J_-] and D[J_+].
        local_emission, local_absorption: of D[sigma_-^i] and D[sigma_+^i] of each cell.
        dephasing: of D[n_i] of each cell, 2 gamma_phi.
    """

    emission: float
    absorption: float
    local_emission: float = 0.0
    local_absorption: float = 0.0
    dephasing: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = check_number(field.name, getattr(self, field.name), at_least=0)
            object.__setattr__(self, field.name, value)

    @property
    def local(self) -> float:
        """Sum of the local rates: the scale on which sectors mix."""
        return self.local_emission + self.local_absorption + self.dephasing

    @property
    def falls(self) -> bool:
        """Whether emission outweighs absorption."""
        return self.emission + self.local_emission >= self.absorption + self.local_absorption

    def mirrored(self) -> Rates:
        """The same cells with ground and excited state exchanged: m -> -m."""
        return Rates(
            self.absorption,
            self.emission,
            self.local_absorption,
            self.local_emission,
            self.dephasing,
        )

    def check_mixing(self) -> None:
        """Refuse a model without any channel that moves energy.

        Raises:
            InputError: if emission and absorption, collective and local, are all 0.
        """
        if self.emission + self.absorption + self.local_emission + self.local_absorption == 0:
            raise InputError(
                "A steady state needs an emission or absorption rate > 0, collective or local."
            )


Move = tuple[int, int, FloatArray]


class Transitions(NamedTuple):
    """Transitions among the states of an array: from, to, rate, each of shape (n_transitions,)."""

    source: IntArray
    target: IntArray
    rate: FloatArray


def moves(states: StatesJm, rates: Rates) -> Iterator[Move]:
    """(step of k, step of a, rate out of each state) of every kind of transition that occurs."""
    a = states.deficit.astype(float)
    n = states.n_cells
    s, t, two_j = states.level - a, n - states.level - a, n - 2 * a
    positive = np.maximum(two_j, 1.0)  # at j = 0 every numerator below vanishes
    same = (n + 2) / (positive * (positive + 2))
    out = (n - a + 1) / (positive * (positive + 1))
    back = a / ((two_j + 1) * (two_j + 2))
    g, h, d = rates.local_emission, rates.local_absorption, rates.dephasing
    if rates.emission or g:
        yield -1, 0, (rates.emission + g * same) * s * (t + 1)
    if rates.absorption or h:
        yield 1, 0, (rates.absorption + h * same) * t * (s + 1)
    if g:
        yield -1, 1, g * out * s * (s - 1)
        yield -1, -1, g * back * (t + 1) * (t + 2)
    if h:
        yield 1, 1, h * out * t * (t - 1)
        yield 1, -1, h * back * (s + 1) * (s + 2)
    if d:
        yield 0, 1, d * out * s * t
        yield 0, -1, d * back * (s + 1) * (t + 1)


def transitions(states: StatesJm, rates: Rates) -> Transitions:
    """Every transition that stays among the states.

    Transitions that leave a box are left out: its walls reflect.
    """
    index = np.arange(states.size)
    sources, targets, values = [], [], []
    for step_k, step_a, rate in moves(states, rates):
        inside = stays_inside(states, step_k, step_a, rate)
        sources.append(index[inside])
        to = states.index(states.level[inside] + step_k, states.deficit[inside] + step_a)
        targets.append(to)
        values.append(rate[inside])
    if not values:
        return Transitions(index[:0], index[:0], np.zeros(0))
    return Transitions(np.concatenate(sources), np.concatenate(targets), np.concatenate(values))


def generator(states: StatesJm, rates: Rates) -> sp.csc_array:
    """Q of dp/dt = Q p, shape (n_states, n_states); its columns sum to zero."""
    source, target, value = transitions(states, rates)
    index = np.arange(states.size)
    outflow = np.bincount(source, weights=value, minlength=states.size)
    return sp.csc_array(
        (
            np.concatenate([value, -outflow]),
            (np.concatenate([target, index]), np.concatenate([source, index])),
        ),
        shape=(states.size, states.size),
    )


def stays_inside(states: StatesJm, step_k: int, step_a: int, rate: FloatArray) -> NDArray[np.bool_]:
    """Which states have this move, and its end within the box."""
    height, deficit = states.height + (step_k - step_a), states.deficit + step_a
    inside = (deficit >= states.min_deficit) & (deficit <= states.max_deficit)
    return np.asarray(inside & (height <= states.max_height) & (rate > 0))
