"""More than two levels of a transmon: what each transition sees, and what each level holds.

Level k lies at k omega + alpha k(k-1)/2. The transition k-1 <-> k has the frequency
omega + (k-1) alpha and the matrix element sqrt(k). Where |alpha| is far above the collective rate,
the transitions are separate (secular) channels. See docs/physics.md, section 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import InputError, check_integer, check_number

#: Most levels of a cell.
MAX_LEVELS = 8


@dataclass(frozen=True)
class TransmonLevels:
    """d levels of each cell, equal for all; angular frequencies in the unit of the battery's rates.

    Args:
        levels: d, from 2 to 8.
        frequency: omega > 0 of the transition 0-1.
        anharmonicity: alpha, negative for a transmon; every transition must stay above 0.
        bandwidth: of the collective noise around omega. None for broadband noise, which meets every
            transition with the Bose occupation of its own frequency; with a number the noise is
            narrow and heats the transition 0-1 only.

    Raises:
        InputError: if a value breaks its rule.

    Source: docs/physics.md, section 2; Koch et al., PRA 76, 042319 (2007).
    """

    levels: int
    frequency: float
    anharmonicity: float
    bandwidth: float | None = None

    def __post_init__(self) -> None:
        d = check_integer("levels", self.levels, at_least=2, at_most=MAX_LEVELS)
        omega = check_number("frequency", self.frequency, above=0)
        alpha = check_number("anharmonicity", self.anharmonicity)
        if omega + (d - 2) * alpha <= 0:
            raise InputError(
                f"'anharmonicity' must leave the highest of {d} levels' transitions above 0 "
                f"(> {-omega / (d - 2):.4g}), not {alpha:g}."
            )
        if self.bandwidth is not None:
            check_number("bandwidth", self.bandwidth, above=0)

    def energies(self) -> FloatArray:
        """Energy of each level in units of hbar omega: k + (alpha/omega) k(k-1)/2, shape (d,)."""
        k = np.arange(self.levels)
        return np.asarray(k + self.anharmonicity / self.frequency * k * (k - 1) / 2)

    def thermal_occupations(self, occupation: float) -> FloatArray:
        """n(omega + (k-1) alpha, T) of the transitions k = 1..d-1 at the T that gives n(omega).

        Args:
            occupation: n >= 0 at the transition 0-1.
        """
        n = check_number("occupation", occupation, at_least=0)
        if n == 0:
            return np.zeros(self.levels - 1)
        ratio = 1 + np.arange(self.levels - 1) * self.anharmonicity / self.frequency
        return np.asarray(1 / np.expm1(math.log1p(1 / n) * ratio))

    def noise_occupations(self, occupation: float) -> FloatArray:
        """Occupation that the collective noise gives the transitions k = 1..d-1, shape (d-1,)."""
        if self.bandwidth is None:
            return self.thermal_occupations(occupation)
        n = check_number("occupation", occupation, at_least=0)
        return np.concatenate([[n], np.zeros(self.levels - 2)])
