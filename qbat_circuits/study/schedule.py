"""The collision schedule with which a chip delivers the most work: angle, number, places.

Every candidate is compiled in the chip's gates and its noisy states are computed exactly, so the
trade-off is seen: small angles are a better common bath and take more collisions, which cost gate
errors, resets and waiting. What is maximised is the ergotropy beyond that of the same cells without
correlations: cells that gate errors heat unequally hold ergotropy too, the more the longer the
circuit is, and no battery made it. Source: docs/collisions.md.
"""

from __future__ import annotations

import heapq
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar

from qbat_circuits.calibration import Calibration
from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.circuits.compiled_collision import (
    COMPILED_ANCILLAS,
    MAX_COMPILED_CELLS,
    CompiledCollision,
    compile_collision,
)
from qbat_circuits.collision_model import (
    TrappingWarning,
    check_theta,
    collision_states,
    equivalent_time,
    trapping_angles,
)
from qbat_circuits.errors import InputError, broken_rule, check_choice, check_integer
from qbat_circuits.gate_noise import ChipNoise
from qbat_circuits.placement import (
    Placement,
    gate_errors,
    pair_errors,
    placement_on,
    placements,
)
from qbat_circuits.quantities.dense import correlation_ergotropy
from qbat_circuits.thermodynamics import energy, ergotropy

#: Angles of the first look, as shares of the smallest trapping angle or of this one, if smaller.
_SHARES: Final = np.linspace(0.15, 0.9, 9)
_LARGEST_THETA: Final = 1.6
#: Placements that are looked at, that are looked at in full, and of which the angle is refined.
CANDIDATES, FINALISTS, REFINED = 32, 4, 2
#: Optimization levels of the transpiler: few one-qubit gates, or other frames to wait in.
_LEVELS: Final = (1, 2)
#: Most collisions that are looked at; a chip forgets after far fewer.
MAX_COLLISIONS: Final = 1000
#: Accuracy of the refined angle.
_THETA_STEP: Final = 0.01


@dataclass(frozen=True)
class SchedulePoint:
    """One angle with its best number of collisions.

    Args:
        theta: angle of the partial swaps.
        collisions: k with the largest `correlated`.
        ergotropy: of the noisy cells, in units of hbar*omega.
        correlated: the part of it that is due to correlations between the cells.
        ideal_ergotropy: the same circuit without noise.
        two_qubit_gates: of all collisions.
        duration_s: of all collisions.
    """

    theta: float
    collisions: int
    ergotropy: float
    correlated: float
    ideal_ergotropy: float
    two_qubit_gates: int
    duration_s: float


@dataclass(frozen=True, eq=False)
class CollisionSchedule:
    """What to run on a chip, and what it would deliver.

    Args:
        compiled: one collision at the best angle and place.
        collisions: their best number.
        ergotropies, correlated: ergotropy after 1, 2, ... collisions at this angle, as far as was
            looked, and the part of it that is due to correlations between the cells.
        trade_off: best number of collisions for each angle looked at, at the best place, rising.
        runners_up: other placements with the correlated ergotropy they deliver, best first.
    """

    compiled: CompiledCollision
    collisions: int
    ergotropies: FloatArray
    correlated: FloatArray
    trade_off: tuple[SchedulePoint, ...]
    runners_up: tuple[tuple[Placement, float], ...]

    @cached_property
    def state(self) -> ComplexArray:
        """The noisy state of the cells, shape (2^N, 2^N)."""
        *_, last = self.compiled.states(self.collisions)
        return last

    @property
    def ergotropy(self) -> float:
        """Delivered ergotropy: that of the cells when the last collision ends."""
        return ergotropy(self.state)

    @property
    def energy(self) -> float:
        """Stored energy then."""
        return energy(self.state)

    @property
    def ideal_ergotropy(self) -> float:
        """The same circuit on perfect gates."""
        return _ideal(self.compiled, self.collisions)

    @property
    def two_qubit_gates(self) -> int:
        """Two-qubit gates of the whole circuit."""
        return self.collisions * self.compiled.two_qubit_gates

    @property
    def duration_s(self) -> float:
        """Duration of the whole circuit without the measurement."""
        return self.compiled.duration_s(self.collisions)

    @property
    def equivalent_time(self) -> float:
        """kappa t that the collisions stand for."""
        one = self.compiled
        return equivalent_time(one.occupation, one.theta, self.collisions)


def find_schedule(
    noise: ChipNoise,
    n_cells: int,
    occupation: float = 1.0,
    ancilla: str = "measured",
    *,
    placement: Placement | None = None,
    cells: Sequence[int] | None = None,
    ancilla_qubit: int | None = None,
    theta: float | None = None,
    collisions: int | None = None,
    max_collisions: int = 40,
    seed: int = 7,
) -> CollisionSchedule:
    """The angle, the number of collisions and the qubits that deliver the most ergotropy.

    The placements with the smallest loss of one collision are compiled at a few angles; the angle
    of the best ones is refined. What is given is kept.

    Args:
        noise: the chip.
        n_cells: N from 2 to 6.
        occupation: n >= 0 of the ancilla.
        ancilla: "measured" or "random-x".
        placement: where ancilla and cells sit; searched by default.
        cells, ancilla_qubit: qubits of the chip for the cells, in any order, or the ancilla's home,
            where only these are given.
        theta: angle of the partial swaps; searched by default.
        collisions: their number, at most 1000; searched by default.
        max_collisions: largest number that is looked at, at most 1000.
        seed: seed of the transpiler.

    Warns:
        TrappingWarning: about a given theta within 5 per cent of a trapping angle.

    Raises:
        InputError: if an argument is out of its range or the chip cannot hold the circuit.
    """
    n = check_integer("n_cells", n_cells, at_least=2, at_most=MAX_COMPILED_CELLS)
    given = cells if placement is None else placement.cells
    if given is not None and not len(given) == len(set(given)) == n:
        name = "cells" if placement is None else "placement"
        raise broken_rule(name, f"of {n} different cells", list(given))
    kind = check_choice("ancilla", ancilla, COMPILED_ANCILLAS)
    most = check_integer("max_collisions", max_collisions, at_least=1, at_most=MAX_COLLISIONS)
    exact = collisions
    if exact is not None:
        exact = check_integer("collisions", exact, at_least=1, at_most=MAX_COLLISIONS)
    search = _Search(noise, float(occupation), kind, most, exact, seed)
    places = [placement] if placement is not None else _likely(noise, n, cells, ancilla_qubit)
    angles = [check_theta(n, theta)] if theta is not None else _angles(n).tolist()
    if len(places) > FINALISTS:
        places = sorted(places, key=lambda place: -search.first_look(place, angles))[:FINALISTS]
    looked = [(search.best_of(place, angles), place) for place in places]
    looked.sort(key=lambda one: -one[0][0])
    if theta is None:
        again = [(search.refined(p, found[1], angles), p) for found, p in looked[:REFINED]]
        looked = sorted([*again, *looked[REFINED:]], key=lambda one: -one[0][0])
    (_, best_theta), place = looked[0]
    compiled, work, correlated = search.curve(place, best_theta)
    best = search.best_number(correlated)
    trade_off = tuple(search.point(place, t) for t in sorted({*angles, best_theta}))
    others = tuple((place, found[0]) for found, place in looked[1:])
    return CollisionSchedule(compiled, best, work, correlated, trade_off, others)


class _Curve(NamedTuple):
    """A compiled collision, and ergotropy and its correlated part after 1, 2, ... of them."""

    compiled: CompiledCollision
    ergotropy: FloatArray
    correlated: FloatArray


@dataclass(frozen=True, eq=False)
class _Search:
    """What stays the same while angles and placements are tried."""

    noise: ChipNoise
    occupation: float
    ancilla: str
    max_collisions: int
    collisions: int | None
    seed: int

    def curve(self, place: Placement, theta: float) -> _Curve:
        """A compiled collision, written in the better of two ways, and what k of them leave."""
        key = (place, theta)
        if key not in self._known:
            ways = [self._compiled(place, theta, level) for level in _LEVELS]
            self._known[key] = max(ways, key=lambda one: self._best(one.correlated))
        return self._known[key]

    def _compiled(self, place: Placement, theta: float, level: int) -> _Curve:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TrappingWarning)
            one = compile_collision(
                self.noise, place, self.occupation, theta, self.ancilla, level, self.seed
            )
        states = list(one.states(self.collisions or self.max_collisions))
        work = np.array([ergotropy(rho) for rho in states])
        return _Curve(one, work, np.array([correlation_ergotropy(rho) for rho in states]))

    def _best(self, correlated: FloatArray) -> float:
        return float(correlated[self.best_number(correlated) - 1])

    @cached_property
    def _known(self) -> dict[tuple[Placement, float], _Curve]:
        return {}

    def best_number(self, correlated: FloatArray) -> int:
        """The given number of collisions, or that with the largest correlated ergotropy."""
        return self.collisions or int(np.argmax(correlated)) + 1

    def work(self, place: Placement, theta: float) -> float:
        """Correlated ergotropy at this angle after the best number of collisions."""
        return self._best(self.curve(place, theta).correlated)

    def first_look(self, place: Placement, angles: Sequence[float]) -> float:
        """The same at a few angles, written in one way."""
        few = angles[2:-1:2] or angles
        return max(self._best(self._compiled(place, t, _LEVELS[0]).correlated) for t in few)

    def best_of(self, place: Placement, angles: Sequence[float]) -> tuple[float, float]:
        """(correlated ergotropy, angle) of the best angle."""
        return max((self.work(place, theta), theta) for theta in angles)

    def refined(
        self, place: Placement, theta: float, angles: Sequence[float]
    ) -> tuple[float, float]:
        """The same between the neighbours of a good angle."""
        at = angles.index(theta)
        ends = angles[max(at - 1, 0)], angles[min(at + 1, len(angles) - 1)]
        found = minimize_scalar(
            lambda t: -self.work(place, float(t)),
            bounds=ends,
            method="bounded",
            options={"xatol": _THETA_STEP},
        )
        return max((self.work(place, theta), theta), (-float(found.fun), float(found.x)))

    def point(self, place: Placement, theta: float) -> SchedulePoint:
        """One point of the trade-off."""
        one, work, correlated = self.curve(place, theta)
        k = self.best_number(correlated)
        return SchedulePoint(
            theta=theta,
            collisions=k,
            ergotropy=float(work[k - 1]),
            correlated=float(correlated[k - 1]),
            ideal_ergotropy=_ideal(one, k),
            two_qubit_gates=k * one.two_qubit_gates,
            duration_s=one.duration_s(k),
        )


def _angles(n: int) -> FloatArray:
    """Angles below the smallest trapping angle."""
    return np.asarray(_SHARES * min(float(trapping_angles(n)[0]), _LARGEST_THETA))


def _likely(
    noise: ChipNoise, n: int, cells: Sequence[int] | None, home: int | None
) -> list[Placement]:
    """The placements that lose least in one collision, of those that are asked for."""
    chip, errors = noise.calibration, pair_errors(noise.calibration)
    found = list(placements(chip, n, home=home)) if cells is None else _around(chip, cells, home)
    usable = [p for p in found if _complete(noise, p)]
    if not usable:
        raise InputError(
            f"The chip {chip.name!r} has no place for {n} cells"
            + ("" if home is None else f" around qubit {home}")
            + " of which it knows T1, T2, readout and gate errors."
        )
    return heapq.nsmallest(
        CANDIDATES, usable, key=lambda p: gate_errors(p, errors) + _waiting_loss(noise, p)
    )


def _around(chip: Calibration, cells: Sequence[int], home: int | None) -> list[Placement]:
    """The best placement of these cells for each home of the ancilla beside them."""
    if home is not None:
        return [placement_on(chip, cells, home)]
    pairs = pair_errors(chip)
    near = {q for pair in pairs for q in pair if set(pair) & set(cells)} - set(cells)
    found, refusal = [], None
    for one in sorted(near):
        try:
            found.append(placement_on(chip, cells, one))
        except InputError as error:
            refusal = error
    if not found:
        raise refusal or InputError(
            f"No qubit of {chip.name!r} beside {list(cells)} can hold the ancilla."
        )
    return found


def _complete(noise: ChipNoise, place: Placement) -> bool:
    """Whether the calibration has what the noise of these qubits takes."""
    chip = noise.calibration
    for q in place.qubits:
        gates = [chip.gate(name, (q,)) for name in ("sx", "x") if name in chip.gate_names]
        if not all(gate and gate.usable and gate.error is not None for gate in gates):
            return False
        figures = chip.qubits[q]
        if None in (figures.t1_s, figures.t2_s, figures.total_readout_error):
            return False
    return True


def _waiting_loss(noise: ChipNoise, place: Placement) -> float:
    """About what the cells lose while one collision takes place."""
    seconds = noise.duration_s("reset", (place.ancilla,))
    for meeting in place.meetings():
        gate = noise.calibration.two_qubit_gate(*meeting.at)
        seconds += 2 * ((gate.duration_s or 0.0) if gate is not None else 0.0)
    figures = [noise.calibration.qubits[q] for q in place.cells]
    return sum(seconds * (1 / (q.t1_s or 1) + 1 / (q.t2_s or 1)) / 2 for q in figures)


def _ideal(one: CompiledCollision, collisions: int) -> float:
    states = collision_states(one.n_cells, one.occupation, one.theta, collisions)
    return ergotropy(states[-1])
