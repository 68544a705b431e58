"""Steady state of the (j, m) rate equation; docs/physics.md, sections 3 and 4.

With local noise it is unique. Its weight sits in few of the N^2/4 states, so it is sought in a box
"deficit a and height s above the sector's bottom" with reflecting walls. A limit that needs no
solving (`expected`) says where to put them; they are moved until no population stands at them. In
the box one sparse LU finds the difference to that limit (`direct`). The flows between neighbouring
sectors and levels must balance, and set their weights (`balance`); where they do not, the
elimination without subtractions takes the place of all this (`elimination`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, fields

import numpy as np

from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import AccuracyError, InputError, shown_size
from qbat_circuits.limits import MEMORY_LIMIT_BYTES
from qbat_circuits.symmetric import direct
from qbat_circuits.symmetric.balance import balanced
from qbat_circuits.symmetric.elimination import reduce_states
from qbat_circuits.symmetric.expected import nearest_limit, sector_ratios
from qbat_circuits.symmetric.rates import Rates, Transitions, transitions
from qbat_circuits.symmetric.sectors_jm import IntArray, StatesJm, sector_weights, states_jm

#: Largest population at a wall of a box.
_WALL_TOLERANCE = 1e-16
#: Ratio of rates up to which a linear solve is tried; wrong results were seen from 1e27 on.
_SOLVABLE = 1e20
#: Weight, per cell, that the balance of flows may call misplaced before its repair. The error that
#: is left was below 2e-13 against the elimination (docs/symmetric-engine.md).
_BALANCED_PER_CELL = 2e-15
#: Size * width^2 up to which the elimination takes less than half a minute.
_AFFORDABLE = 4e9
#: The first walls stand where the expected weight is below this, and this many layers further plus
#: 1/20 of those that hold weight.
_EXPECTED_TOLERANCE, _ROOM, _SHARE_OF_ROOM = 1e-17, 8, 20
#: Bytes that each state of a guess (its transitions) and of a box (its factors) needs, measured.
_GUESS_BYTES, _FACTOR_BYTES = 420, 1800
#: Models in one elimination: the working set stays in the cache.
_BATCH = 64


def steady_populations(n_cells: int, rates: Rates) -> FloatArray:
    """The unique steady populations p(j, m) of a model with local noise, shape (n_states,).

    Args:
        n_cells: N.
        rates: with at least one local rate > 0.

    Raises:
        InputError: if the steady state is not unique.
        AccuracyError: if round-off spoils the result and the exact elimination would be too long.
    """
    _check_unique(rates)
    if not rates.falls:
        return mirrored(n_cells, steady_populations(n_cells, rates.mirrored()))
    box, populations = _box_of_weight(n_cells, rates)
    states = states_jm(n_cells)
    if box.size == states.size:
        return populations
    result = np.zeros(states.size)
    result[states.index(box.level, box.deficit)] = populations
    return result


def steady_populations_many(n_cells: int, models: Sequence[Rates]) -> FloatArray:
    """Steady populations of many models at once, shape (len(models), n_states).

    All of them go through one elimination without subtractions, so a map over parameters of N = 20
    costs a fraction of a millisecond a point. Arguments and errors as in `steady_populations`.
    """
    states = states_jm(n_cells)
    result = np.empty((len(models), states.size))
    falls = np.array([rates.falls for rates in models], dtype=bool)
    for rates in models:
        _check_unique(rates)
    # One unit model per channel: a model's rates are a sum over the five.
    names = [field.name for field in fields(Rates)]
    units = [
        transitions(states, Rates(**{name: float(name == unit) for name in names}))
        for unit in names
    ]
    source = np.concatenate([unit[0] for unit in units])
    target = np.concatenate([unit[1] for unit in units])
    weight = np.concatenate([unit[2] for unit in units])
    channel = np.repeat(np.arange(len(names)), [len(unit[0]) for unit in units])
    table = np.array(
        [
            [getattr(rates if down else rates.mirrored(), name) for name in names]
            for rates, down in zip(models, falls, strict=True)
        ]
    ).reshape(-1, len(names))
    for first in range(0, len(models), _BATCH):
        batch = slice(first, first + _BATCH)
        values = weight[:, None] * table[batch].T[channel]
        result[batch] = reduce_states(states.size, source, target, values).T
    result[~falls] = mirrored(n_cells, result[~falls])
    return result


def sector_thermal_populations(n_cells: int, rates: Rates, start: FloatArray) -> FloatArray:
    """Where the collective bath alone takes a start: P_j r^s / sum_s r^s, shape (n_states,).

    The weight P_j of every sector is conserved, so the steady state depends on the start
    (docs/physics.md, section 3). r = absorption/emission may be above 1.

    Args:
        n_cells: N.
        rates: without local noise.
        start: populations p(j, m) of the start, shape (n_states,).
    """
    if rates.local:
        raise InputError("A bath with local noise beside it does not conserve the sector weights.")
    rates.check_mixing()
    if not rates.falls:
        inner = sector_thermal_populations(n_cells, rates.mirrored(), mirrored(n_cells, start))
        return mirrored(n_cells, inner)
    states = states_jm(n_cells)
    weights = (rates.absorption / rates.emission) ** states.height.astype(float)
    share = sector_weights(n_cells, start) / sector_weights(n_cells, weights)
    return np.asarray(weights * share[states.deficit])


def mirrored(n_cells: int, populations: FloatArray) -> FloatArray:
    """p(j, -m): ground and excited state of every cell exchanged, shape (..., n_states)."""
    states = states_jm(n_cells)
    return np.asarray(populations[..., states.index(n_cells - states.level, states.deficit)])


def _check_unique(rates: Rates) -> None:
    rates.check_mixing()
    if rates.local == 0:
        raise InputError(
            "Without local noise the steady state is not unique: it depends on the start, "
            "so give one."
        )


def _box_of_weight(n_cells: int, rates: Rates) -> tuple[StatesJm, FloatArray]:
    """A box that holds the steady state, and its populations."""
    states = states_jm(n_cells, None, _ladder_height(n_cells, rates))
    _check_memory(states, _GUESS_BYTES)
    populations = nearest_limit(states, rates, transitions(states, rates)).populations
    # Distances of the walls from a = N/2 down, from a = 0 up and from s = 0 up.
    largest = n_cells // 2, n_cells // 2, n_cells
    walls = [
        min(_first_wall(populations, layer), end)
        for layer, end in zip(_layers(states), largest, strict=True)
    ]
    while True:
        box = states_jm(n_cells, walls[1], walls[2], n_cells // 2 - walls[0])
        populations = _steady_in(box, rates)
        moved = [
            _wall(populations, layer, wall, end)
            for layer, wall, end in zip(_layers(box), walls, largest, strict=True)
        ]
        if moved == walls:
            return box, populations
        walls = moved


def _check_memory(states: StatesJm, bytes_each: int) -> None:
    """Refuse a model whose weight is spread over too many states, before its transitions are made.

    Raises:
        InputError: with the bytes and what to do instead.
    """
    needed = bytes_each * states.size
    if needed > MEMORY_LIMIT_BYTES:
        raise InputError(
            "'n_cells' must be small enough for the steady state of this model: the weight of "
            f"{states.n_cells} cells may be spread over {states.size} populations p(j, m), which "
            f"need about {shown_size(needed)} bytes, more than {MEMORY_LIMIT_BYTES:.3g}; use fewer "
            "cells or a colder bath."
        )


def _layers(states: StatesJm) -> tuple[IntArray, IntArray, IntArray]:
    """Layers of states that a wall moves across: smallest and largest deficit, largest height."""
    return states.n_cells // 2 - states.deficit, states.deficit, states.height


def _ladder_height(n_cells: int, rates: Rates) -> int:
    """Height at which r_j^s is negligible in every sector."""
    flattest = max(float(sector_ratios(n_cells, rates).max()), np.finfo(float).tiny)
    decay, negligible = -np.log(flattest), -np.log(_EXPECTED_TOLERANCE)
    return int(negligible / decay) + 2 if decay * n_cells > negligible else n_cells


def _first_wall(expected: FloatArray, layer: IntArray) -> int:
    """Where the expected weights of layers have become negligible, and some room."""
    held = np.flatnonzero(np.bincount(layer, expected) > _EXPECTED_TOLERANCE)
    return int(held[-1] + (held[-1] - held[0]) // _SHARE_OF_ROOM + _ROOM)


def _wall(populations: FloatArray, layer: IntArray, wall: int, largest: int) -> int:
    """Where a wall must stand so that next to nothing is at it, judged by the weights of layers."""
    weights = np.bincount(layer, weights=populations, minlength=wall + 1)
    # Two layers, because some moves change the height by two.
    at_wall, before = weights[wall - 1 :].sum(), weights[wall - 9 : wall - 7].sum()
    if wall >= largest or at_wall <= _WALL_TOLERANCE:
        return wall
    further = 3 * wall
    if before > at_wall:
        further = int(
            np.ceil(8 * np.log(10 * at_wall / _WALL_TOLERANCE) / np.log(before / at_wall))
        )
    return min(largest, wall + min(max(further, 8), 3 * wall))


def _steady_in(states: StatesJm, rates: Rates) -> FloatArray:
    """Steady populations on a set of states, by LU where that is accurate, else by elimination."""
    _check_memory(states, _FACTOR_BYTES)
    jumps = transitions(states, rates)
    populations = _by_solve(states, rates, jumps)
    if populations is not None:
        return populations
    width = np.abs(jumps.target - jumps.source).max(initial=1)
    if states.size * float(width) ** 2 > _AFFORDABLE:
        raise AccuracyError(
            f"The steady state of {states.n_cells} cells with local rates {rates.local:.3g} beside "
            f"collective rates {rates.emission + rates.absorption:.3g} is too ill-conditioned for "
            "a linear solve in double precision; take fewer cells or rates less far apart."
        )
    return reduce_states(states.size, *jumps)


def _by_solve(states: StatesJm, rates: Rates, jumps: Transitions) -> FloatArray | None:
    """A linear solve with balanced flows; None where it is not accurate."""
    used = [rate for rate in astuple(rates) if rate > 0]
    if max(used) > _SOLVABLE * min(used):
        return None
    populations = direct.solve(states, jumps, nearest_limit(states, rates, jumps))
    if populations is None:
        return None
    return balanced(states, jumps, populations, _BALANCED_PER_CELL * states.n_cells)
