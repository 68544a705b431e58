"""Tables of an experiment file as the values that the physics takes."""

from __future__ import annotations

from dataclasses import replace

from qbat_circuits.baths import CollectiveBath, LocalNoise
from qbat_circuits.coupling import Coupling
from qbat_circuits.device import Device
from qbat_circuits.envelope import Envelope
from qbat_circuits.errors import InputError, check_number
from qbat_circuits.extra_jumps import ExtraJump
from qbat_circuits.schema import BathTable, Experiment, NoiseTable
from qbat_circuits.transmon_levels import TransmonLevels


def bath_of(table: BathTable, frequency_hz: float | None) -> CollectiveBath:
    """[bath] as the collective bath; of a convex mixture, its collective part.

    Args:
        table: the file's table.
        frequency_hz: the cells' mean frequency, for a bath given by its temperature.
    """
    coupling = Coupling(
        correlation=_nested_tuple(table.correlation),
        positions=None if table.positions is None else tuple(table.positions),
        amplitudes=None if table.amplitudes is None else tuple(table.amplitudes),
    )
    if table.kind == "rates":
        down, up = table.emission or 0.0, table.absorption or 0.0
        cross = complex(*table.cross) if table.cross else 0j
        return CollectiveBath.from_rates(down, up, cross, coupling)
    rate, occupation = (table.rate or 0.0) * _collectivity(table), table.occupation
    if occupation is None:
        if table.temperature_k is None or frequency_hz is None:
            raise InputError("'bath' must hold 'occupation', or 'temperature_k' with a [chip].")
        return CollectiveBath.from_temperature(rate, table.temperature_k, frequency_hz, coupling)
    squeezing = complex(*table.squeezing) if table.squeezing else 0j
    return CollectiveBath(rate, occupation, squeezing, coupling)


def noise_of(experiment: Experiment, n_cells: int) -> tuple[LocalNoise, ...]:
    """[noise] of each cell, with the local share of a convex mixture."""
    table = NoiseTable() if experiment.noise is None else experiment.noise
    columns = [
        cell_values(f"noise.{name}", value, n_cells)
        for name, value in (
            ("rate", table.rate),
            ("occupation", table.occupation),
            ("dephasing", table.dephasing),
        )
    ]
    return tuple(
        with_local_share(LocalNoise(*values), experiment.bath)
        for values in zip(*columns, strict=True)
    )


def with_local_share(noise: LocalNoise, table: BathTable) -> LocalNoise:
    """A cell's noise with its share (1 - lambda) Gamma of a convex mixture, at its own n_l."""
    share = 1.0 - _collectivity(table)
    return noise if share == 0 else replace(noise, rate=noise.rate + share * (table.rate or 0.0))


def mixture_words(table: BathTable) -> list[str]:
    """What a convex mixture means here, in words."""
    if table.collectivity is None:
        return []
    return [
        f"collectivity {table.collectivity:g} read as a convex mixture of generators: this share "
        "of the rate is collective, the rest local decay at each cell's own occupation"
    ]


def cell_values(
    field: str, value: float | list[float] | None, n_cells: int, default: float = 0.0
) -> tuple[float, ...]:
    """One number for every cell, from one for all, a list, or the default where there is none.

    Raises:
        InputError: if the list has another length.
    """
    if not isinstance(value, list):
        return (default if value is None else value,) * n_cells
    if len(value) != n_cells:
        raise InputError(f"'{field}' must hold one number per cell ({n_cells}), not {len(value)}.")
    return tuple(value)


def envelope_of(table: BathTable) -> Envelope | None:
    """[bath.envelope], or None."""
    given = table.envelope
    if given is None:
        return None
    return Envelope.table(given.times, rate=given.rate, occupation=given.occupation)


def extra_jumps_of_table(table: BathTable) -> tuple[ExtraJump, ...]:
    """[[bath.extra_jumps]]."""
    return tuple(ExtraJump(one.rate, one.operator) for one in table.extra_jumps)


def transmon_of(experiment: Experiment, device: Device | None = None) -> TransmonLevels | None:
    """Levels, frequency and anharmonicity of the cells, where they are known or asked for."""
    table, bandwidth = experiment.battery, experiment.bath.bandwidth
    if device is not None:
        if table.levels == 2 and not device.anharmonicity_known:
            return None
        return device.transmon_levels(table.levels, bandwidth)
    if table.frequency is None or table.anharmonicity is None:
        if bandwidth is not None:
            raise InputError(
                "'bath.bandwidth' needs 'battery.frequency' and 'battery.anharmonicity', or a "
                "[chip]."
            )
        return None
    return TransmonLevels(table.levels, table.frequency, table.anharmonicity, bandwidth)


def _collectivity(table: BathTable) -> float:
    if table.collectivity is None:
        return 1.0
    return check_number("bath.collectivity", table.collectivity, at_least=0, at_most=1)


def _nested_tuple(
    value: float | list[list[float]] | None,
) -> float | tuple[tuple[float, ...], ...] | None:
    return tuple(tuple(row) for row in value) if isinstance(value, list) else value
