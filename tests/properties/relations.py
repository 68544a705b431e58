"""The same battery in another unit, with other names of its cells, or upside down."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import qbat_circuits as qb
from qbat_circuits.battery import Battery


def bath_of(bath: qb.CollectiveBath, scale: float) -> qb.CollectiveBath:
    """A bath with all its rates times ``scale``."""
    if bath.absorption > bath.emission:
        rates = (scale * bath.emission, scale * bath.absorption, scale * bath.cross)
        return qb.CollectiveBath.from_rates(*rates, bath.coupling)
    return qb.CollectiveBath(scale * bath.rate, bath.occupation, bath.squeezing, bath.coupling)


def faster(battery: Battery, scale: float) -> Battery:
    """Every rate and angular frequency times ``scale``."""
    noise = tuple(
        qb.LocalNoise(scale * one.rate, one.occupation, scale * one.dephasing)
        for one in battery.noise
    )
    levels = battery.transmon
    if levels is not None:
        band = None if levels.bandwidth is None else scale * levels.bandwidth
        alpha, omega = scale * levels.anharmonicity, scale * levels.frequency
        levels = replace(levels, frequency=omega, anharmonicity=alpha, bandwidth=band)
    return replace(
        battery,
        bath=bath_of(battery.bath, scale),
        noise=noise,
        detunings=tuple(scale * delta for delta in battery.detunings),
        transmon=levels,
        extra_jumps=tuple((scale * one.rate, one.operator) for one in battery.extra_jumps),
    )


def old_numbers(order: NDArray[np.int64], levels: int) -> NDArray[np.int64]:
    """Old basis number of every new one, where new cell i is old cell order[i]."""
    n = len(order)
    new = np.arange(levels**n)
    return np.asarray(sum(new // levels**i % levels * levels ** int(order[i]) for i in range(n)))


def renamed(battery: Battery, order: NDArray[np.int64]) -> Battery:
    """New cell i is old cell order[i]."""
    coupling = battery.bath.coupling
    rows = {
        name: None if values is None else tuple(values[i] for i in order)
        for name in ("positions", "amplitudes")
        for values in [getattr(coupling, name)]
    }
    c: Any = coupling.correlation
    if isinstance(c, tuple):
        c = tuple(tuple(c[i][k] for k in order) for i in order)
    old = old_numbers(order, battery.levels)
    bath, other = battery.bath, qb.Coupling(correlation=c, **rows)
    if bath.absorption > bath.emission:
        bath = qb.CollectiveBath.from_rates(bath.emission, bath.absorption, bath.cross, other)
    else:
        bath = qb.CollectiveBath(bath.rate, bath.occupation, bath.squeezing, other)
    return replace(
        battery,
        bath=bath,
        noise=tuple(battery.noise[i] for i in order),
        detunings=tuple(battery.detunings[i] for i in order),
        energies=tuple(battery.energies[i] for i in order),
        extra_jumps=tuple(
            (one.rate, one.operator.toarray()[np.ix_(old, old)]) for one in battery.extra_jumps
        ),
    )


def upside_down(battery: Battery) -> Battery:
    """Ground and excited state of every cell exchanged, for cells that only dephase."""
    bath = battery.bath
    rates = (bath.absorption, bath.emission, bath.cross.conjugate())
    return replace(
        battery,
        bath=qb.CollectiveBath.from_rates(*rates, bath.coupling),
        detunings=tuple(-delta for delta in battery.detunings),
    )
