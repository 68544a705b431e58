"""What makes the cells of a battery exchangeable, and the five rates that are then the model."""

from __future__ import annotations

from qbat_circuits.battery import Battery
from qbat_circuits.errors import InputError
from qbat_circuits.symmetric.rates import Rates


def identical_rates(battery: Battery) -> Rates:
    """Collective and local rates of cells that no permutation tells apart.

    A partial correlation c >= 0 is collective with the share c and local, at the bath's own
    occupation, with the rest (docs/physics.md, section 2).

    Args:
        battery: equal local noise, energies, detunings and couplings, two levels.

    Raises:
        InputError: naming what differs between the cells.
    """
    difference = _difference(battery)
    if difference:
        raise InputError(difference)
    bath, noise = battery.bath, battery.noise[0]
    c = bath.coupling.correlation
    share = c if isinstance(c, float) else 1.0
    strength = bath.coupling.strength
    return Rates(
        share * strength * bath.emission,
        share * strength * bath.absorption,
        (1 - share) * strength * bath.emission + noise.emission,
        (1 - share) * strength * bath.absorption + noise.absorption,
        2 * noise.dephasing,
    )


def is_identical(battery: Battery) -> bool:
    """Whether no permutation of the cells changes the model."""
    return not _difference(battery)


def _difference(battery: Battery) -> str:
    """What tells the cells apart, as a sentence; empty where nothing does."""
    coupling = battery.bath.coupling
    for what, values in (
        ("noise", battery.noise),
        ("detunings", battery.detunings),
        ("energies", battery.energies),
        ("amplitudes", coupling.amplitudes or (1.0,)),
    ):
        if len(set(values)) > 1:
            return f"'{what}' must be the same for all cells of a symmetric model."
    if battery.levels > 2 or battery.extra_jumps:
        return "'battery' must have cells of two levels and no extra jumps for a symmetric model."
    c = coupling.correlation
    if coupling.positions is not None or isinstance(c, tuple) or (c is not None and c < 0):
        return "'coupling' must be one mode or a correlation between 0 and 1 for a symmetric model."
    if c is not None and battery.bath.cross != 0:
        return "'squeezing' must be 0 for a symmetric model of a correlated bath."
    return ""
