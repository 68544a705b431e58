"""Physical constants and the few unit conversions of the package.

Inside the core, energies are in units of hbar*mean(omega), rates and times in any one consistent
unit. At the hardware edge everything is SI with the unit in the name (``t1_s``, ``frequency_hz``,
``temperature_k``). Constants are the exact values of the 2019 SI.
"""

from __future__ import annotations

import math
from typing import Final

from qbat_circuits.errors import InputError, check_number

PLANCK_J_S: Final = 6.62607015e-34
BOLTZMANN_J_PER_K: Final = 1.380649e-23
ELEMENTARY_CHARGE_C: Final = 1.602176634e-19


def occupation_from_temperature(frequency_hz: float, temperature_k: float) -> float:
    """Bose occupation n = 1 / (exp(h f / (k_B T)) - 1) of a mode at temperature T.

    Args:
        frequency_hz: mode frequency f > 0 in Hz.
        temperature_k: temperature T >= 0 in kelvin; T = 0 gives n = 0.

    Raises:
        InputError: if an argument is not a finite number in its range.
    """
    f = check_number("frequency_hz", frequency_hz, above=0)
    t = check_number("temperature_k", temperature_k, at_least=0)
    if t == 0 or PLANCK_J_S * f > 700 * BOLTZMANN_J_PER_K * t:
        return 0.0
    return 1.0 / math.expm1(PLANCK_J_S * f / (BOLTZMANN_J_PER_K * t))


def temperature_from_occupation(frequency_hz: float, occupation: float) -> float:
    """Temperature in kelvin at which a mode of this frequency has Bose occupation n >= 0.

    The inverse of `occupation_from_temperature`: T = h f / (k_B ln(1 + 1/n)); n = 0 gives T = 0.
    """
    f = check_number("frequency_hz", frequency_hz, above=0)
    n = check_number("occupation", occupation, at_least=0)
    if n == 0:
        return 0.0
    return PLANCK_J_S * f / (BOLTZMANN_J_PER_K * math.log1p(1.0 / n))


def population_from_occupation(occupation: float) -> float:
    """Excited population p = n / (2 n + 1) of a two-level cell in equilibrium with a bath at n."""
    n = check_number("occupation", occupation, at_least=0)
    return n / (2.0 * n + 1.0)


def occupation_from_population(population: float) -> float:
    """Bath occupation n = p / (1 - 2 p) at which a two-level cell has excited population p.

    Raises:
        InputError: for p >= 1/2, which no thermal bath produces.
    """
    p = check_number("residual_population", population, at_least=0)
    if p >= 0.5:
        raise InputError(
            "'residual_population' must be < 0.5, because no thermal bath inverts a cell, "
            f"not {p:g}."
        )
    return p / (1.0 - 2.0 * p)


def quantum_j(frequency_hz: float) -> float:
    """Energy h f of one excitation in joule."""
    return PLANCK_J_S * check_number("frequency_hz", frequency_hz, above=0)


def quantum_uev(frequency_hz: float) -> float:
    """Energy h f of one excitation in micro-electronvolt."""
    return quantum_j(frequency_hz) / ELEMENTARY_CHARGE_C * 1e6
