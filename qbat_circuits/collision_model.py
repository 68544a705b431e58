"""The collision battery on arrays: the exact channel of one ancilla that meets all cells.

An ancilla with excited population p = n/(2n+1) meets the cells through
U(theta) = exp(-i theta (J_+ tau_- + J_- tau_+)) and is thrown away; the next one follows. U
conserves excitations, so what the collective bath cannot change stays, for any theta: the state of
each spin sector that is thermal at r = n/(n+1). Two-cell gates do U cell by cell only, as a product
of partial swaps exp(-i theta_i (sigma_+^i tau_- + h.c.)).

Source: docs/collisions.md; docs/physics.md, section 5.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from qbat_circuits.cells import ComplexArray, FloatArray, collective_lowering
from qbat_circuits.errors import (
    InputError,
    broken_rule,
    check_choice,
    check_integer,
    check_number,
    shown_size,
)
from qbat_circuits.limits import MEMORY_LIMIT_BYTES
from qbat_circuits.thermodynamics import as_density_matrix

#: How two-cell gates stand for U(theta), and U(theta) itself.
SPLITTINGS: Final = ("strang", "first-order")
EXACT: Final = "exact"
#: Largest number of cells that meet one ancilla.
MAX_COLLISION_CELLS: Final = 1000
#: Largest number of cells whose channel is computed on dense states.
MAX_CHANNEL_CELLS: Final = 8
#: Nearer to a trapping angle than the first share theta is refused, than the second one warned of.
_TRAPPED, _SLOW = 0.01, 0.05


class SplittingWarning(UserWarning):
    """First-order splitting does not stand for a common bath, however small theta is."""


class TrappingWarning(UserWarning):
    """Theta is so near to a trapping angle that a step of the ladder takes many collisions."""


@dataclass(frozen=True)
class LocalCollision:
    """A collision of each cell with a thermal ancilla of its own, after each common collision.

    It stands for local noise with gamma dt = theta^2/(2 n_l + 1).

    Args:
        theta: angle of the partial swap, 0 < theta < pi.
        occupation: n_l >= 0.

    Raises:
        InputError: if a value is out of its range.
    """

    theta: float
    occupation: float

    def __post_init__(self) -> None:
        theta = check_number("theta", self.theta, above=0, below=math.pi)
        object.__setattr__(self, "theta", theta)
        object.__setattr__(self, "occupation", _checked_occupation(self.occupation))

    @classmethod
    def for_collectivity(
        cls, collectivity: float, occupation: float, theta: float, local_occupation: float
    ) -> LocalCollision:
        """The local collision beside a common one where kappa is a share of kappa + gamma.

        theta_l^2/(2 n_l + 1) = (1 - lambda)/lambda theta^2/(2n + 1).

        Args:
            collectivity: lambda, 0 < lambda < 1.
            occupation, theta: n and theta of the common collision.
            local_occupation: n_l.

        Raises:
            InputError: if a value, or the angle that follows, is out of its range.

        Source: docs/physics.md, section 2, partly collective baths.
        """
        share = check_number("collectivity", collectivity, above=0, below=1)
        step = equivalent_time(occupation, theta, 1) * (1 - share) / share
        n_l = _checked_occupation(local_occupation)
        return cls(math.sqrt(step * (2 * n_l + 1)), n_l)


def thermal_population(occupation: float) -> float:
    """p = n/(2n+1), the excited population of an ancilla at occupation n."""
    n = _checked_occupation(occupation)
    r = n / (n + 1)  # 2n + 1 may overflow
    return r / (1 + r)


def equivalent_time(occupation: float, theta: float, collisions: int) -> float:
    """kappa t = k theta^2/(2n+1), the charging time that k collisions stand for.

    Raises:
        InputError: if the occupation is negative, theta not in (0, pi] or k negative.

    Source: docs/physics.md, section 5.
    """
    k = check_integer("collisions", collisions, at_least=0)
    return k * _checked_theta(theta) ** 2 / (2 * _checked_occupation(occupation) + 1)


def trapping_angles(n_cells: int) -> FloatArray:
    """Angles up to pi at which U(theta) leaves a step of the Dicke ladder out, rising.

    Between k and k+1 excitations of j = N/2 population moves with the probability
    sin^2(theta sqrt((k+1)(N-k))), which is 0 at theta sqrt((k+1)(N-k)) = pi, 2 pi, ... The step
    from the ground state has the angle pi/sqrt(N).

    Raises:
        InputError: if ``n_cells`` is no whole number from 1 to 1000.

    Source: docs/physics.md, section 5, with k = j + m.
    """
    n = check_integer("n_cells", n_cells, at_least=1, at_most=MAX_COLLISION_CELLS)
    steps = np.sqrt([float((k + 1) * (n - k)) for k in range((n + 1) // 2)])
    angles = [math.pi * np.arange(1, math.floor(step) + 1) / step for step in steps]
    return np.unique(np.concatenate(angles))


def check_theta(n_cells: int, theta: float) -> float:
    """An angle that charges N cells: in (0, pi] and away from the trapping angles.

    Warns within 5 per cent of a trapping angle.

    Raises:
        InputError: if theta is out of its range or within 1 per cent of a trapping angle.
    """
    angle = _checked_theta(theta)
    trapping = trapping_angles(n_cells)
    nearest = float(trapping[np.argmin(np.abs(angle / trapping - 1))])
    distance = abs(angle / nearest - 1)
    if distance < _TRAPPED:
        raise InputError(
            f"'theta' must not lie within {_TRAPPED:.0%} of the trapping angle {nearest:.4f} of "
            f"{n_cells} cells, where a step of their ladder is left out, as {angle:.6g} does."
        )
    if distance < _SLOW:
        warnings.warn(
            f"'theta' = {angle:.6g} lies within {_SLOW:.0%} of the trapping angle {nearest:.4f} of "
            f"{n_cells} cells, near which a step of their ladder takes many collisions.",
            TrappingWarning,
            stacklevel=3,
        )
    return angle


def swap_order(n_cells: int, splitting: str) -> tuple[tuple[int, float], ...]:
    """The partial swaps of one collision as (cell, share of theta), the first one first.

    First order: one sweep with theta. Strang: a sweep with theta/2 and back, where the two halves
    of the last cell are one: 2N - 1 swaps.

    Raises:
        InputError: if the splitting is unknown.
    """
    check_choice("splitting", splitting, SPLITTINGS)
    if splitting == "first-order":
        return tuple((cell, 1.0) for cell in range(n_cells))
    sweep = [(cell, 0.5) for cell in range(n_cells - 1)]
    return (*sweep, (n_cells - 1, 1.0), *reversed(sweep))


def collision_unitary(n_cells: int, theta: float, splitting: str) -> ComplexArray:
    """The unitary of one collision, shape (2^(N+1), 2^(N+1)); the ancilla is the highest bit.

    Args:
        n_cells: N <= 8.
        theta: 0 < theta <= pi.
        splitting: "exact" for exp(-i theta (J_+ tau_- + J_- tau_+)), or "strang" or "first-order"
            for its product of partial swaps (see `swap_order`).

    Raises:
        InputError: if an argument is out of its range.
    """
    n = check_integer("n_cells", n_cells, at_least=1, at_most=MAX_CHANNEL_CELLS)
    angle = _checked_theta(theta)
    if check_choice("splitting", splitting, (EXACT, *SPLITTINGS)) == EXACT:
        lower = collective_lowering(n).toarray().real
        nothing = np.zeros_like(lower)
        energies, vectors = np.linalg.eigh(np.block([[nothing, lower.T], [lower, nothing]]))
        return np.asarray((vectors * np.exp(-1j * angle * energies)) @ vectors.T)
    unitary = np.eye(2 ** (n + 1), dtype=np.complex128)
    index = np.arange(2**n)
    for cell, share in swap_order(n, splitting):
        given = index[(index >> cell) & 1 == 1]  # the cell holds the quantum, the ancilla none
        taken = given - 2**cell + 2**n
        stay, move = math.cos(share * angle), -1j * math.sin(share * angle)
        unitary[given], unitary[taken] = (
            stay * unitary[given] + move * unitary[taken],
            move * unitary[given] + stay * unitary[taken],
        )
    return unitary


def collision_kraus(
    n_cells: int, occupation: float, theta: float, splitting: str = "strang"
) -> ComplexArray:
    """Kraus operators of one collision on the cells, shape (4, 2^N, 2^N).

    K_ab = sqrt(p_a) <b| U |a> for an ancilla that comes in |a> with probability p_a, p_1 =
    n/(2n+1), and leaves in |b>; the order is 00, 01, 10, 11.

    Args:
        n_cells, theta, splitting: see `collision_unitary`.
        occupation: n >= 0.

    Raises:
        InputError: if an argument is out of its range.
    """
    p = thermal_population(occupation)
    size = 2**n_cells
    blocks = collision_unitary(n_cells, theta, splitting).reshape(2, size, 2, size)
    return np.array(
        [math.sqrt(w) * blocks[b, :, a] for a, w in ((0, 1 - p), (1, p)) for b in (0, 1)]
    )


def collision_states(
    n_cells: int,
    occupation: float,
    theta: float,
    collisions: int,
    splitting: str = "strang",
    local: LocalCollision | None = None,
    initial_state: Any = None,
) -> ComplexArray:
    """The states of the cells after 0, 1, ..., k collisions, shape (k+1, 2^N, 2^N).

    rho -> sum_ab K_ab rho K_ab^dagger for each collision, then the same for the local collision of
    each cell.

    Args:
        n_cells: N <= 8.
        occupation: n >= 0 of the ancilla.
        theta: 0 < theta <= pi; trapping angles are allowed here.
        collisions: k >= 1.
        splitting: "strang", "first-order" or "exact".
        local: a collision of each cell with an ancilla of its own after each common one.
        initial_state: a state of the cells, by default the ground state.

    Raises:
        InputError: if an argument is out of its range or the states need too much memory.

    Source: docs/physics.md, section 5.
    """
    n = check_integer("n_cells", n_cells, at_least=1, at_most=MAX_CHANNEL_CELLS)
    k = check_integer("collisions", collisions, at_least=1)
    needed = 16 * (k + 9) * 4**n
    if needed > MEMORY_LIMIT_BYTES:
        raise InputError(
            f"'collisions' must be few enough for the states of {n} cells: {k} need about "
            f"{shown_size(needed)} bytes, more than {MEMORY_LIMIT_BYTES:.3g}."
        )
    stages = [collision_kraus(n, occupation, theta, splitting), *_local_kraus(n, local)]
    states = np.zeros((k + 1, 2**n, 2**n), dtype=np.complex128)
    states[0] = _start(n, initial_state)
    for step in range(k):
        rho = states[step]
        for kraus in stages:
            rho = (kraus @ rho @ kraus.conj().swapaxes(1, 2)).sum(axis=0)
        states[step + 1] = rho
    return states


def check_local(local: object) -> None:
    """Refuse what is neither a local collision nor None."""
    if local is not None and not isinstance(local, LocalCollision):
        raise broken_rule("local", "a LocalCollision or None", local)


def _local_kraus(n: int, local: LocalCollision | None) -> list[ComplexArray]:
    """The Kraus operators of the local collision of each cell, on all cells."""
    check_local(local)
    if local is None:
        return []
    one = collision_kraus(1, local.occupation, local.theta, EXACT)
    return [
        np.asarray(np.kron(np.eye(2 ** (n - 1 - i)), np.kron(one, np.eye(2**i))), np.complex128)
        for i in range(n)
    ]


def _start(n: int, initial_state: Any) -> ComplexArray:
    if initial_state is None:
        ground = np.zeros(2**n)
        ground[0] = 1.0
        return as_density_matrix(ground)
    rho = as_density_matrix(initial_state)
    if len(rho) != 2**n:
        raise InputError(f"'initial_state' must be a state of {n} cells, not of shape {rho.shape}.")
    return rho


def _checked_theta(theta: float) -> float:
    return check_number("theta", theta, above=0, at_most=math.pi)


def _checked_occupation(occupation: float) -> float:
    return check_number("occupation", occupation, at_least=0)
