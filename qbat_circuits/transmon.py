"""One transmon of a chip, and its local noise from T1, T2 and residual excited population."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from qbat_circuits.errors import InputError, check_integer, check_number
from qbat_circuits.qubit_calibration import named_qubits
from qbat_circuits.units import occupation_from_population


class LocalRates(NamedTuple):
    """Local noise of one cell: gamma in 1/s, n_l, gamma_phi in 1/s (docs/physics.md, section 2)."""

    emission_rate: float
    occupation: float
    dephasing: float


@dataclass(frozen=True)
class Transmon:
    """One cell of a device, in SI.

    Args:
        index: number of the qubit on its chip.
        t1_s, t2_s: relaxation and coherence time in seconds, > 0; T2 > 2 T1 is allowed.
        frequency_hz: measured or assumed; None where neither.
        anharmonicity_hz: None where unknown.
        residual_population: excited population at rest in [0, 0.5); None where unstated.

    Raises:
        InputError: if a value breaks its rule.
    """

    index: int
    t1_s: float
    t2_s: float
    frequency_hz: float | None = None
    anharmonicity_hz: float | None = None
    residual_population: float | None = None

    def __post_init__(self) -> None:
        check_integer("index", self.index, at_least=0)
        check_number("t1_s", self.t1_s, above=0)
        check_number("t2_s", self.t2_s, above=0)
        if self.frequency_hz is not None:
            check_number("frequency_hz", self.frequency_hz, above=0)
        if self.anharmonicity_hz is not None:
            check_number("anharmonicity_hz", self.anharmonicity_hz)
        if self.residual_population is not None:
            occupation_from_population(self.residual_population)

    def local_rates(self, line_rate: float = 0.0) -> LocalRates:
        """Rates with 1/T1 = line_rate + gamma (2 n_l + 1) and p = n_l / (2 n_l + 1).

        n_l = p/(1-2p), gamma = (1-2p)(1/T1 - line_rate), gamma_phi = max(0, 1/T2 - 1/(2 T1)). The
        coherence decays at half of every relaxation rate, the line's included, plus gamma_phi; so
        gamma_phi follows from the measured T1 and T2 whether or not the line is in both.

        Args:
            line_rate: the part of 1/T1 that is the common line's, kappa (2n+1), in 1/s.

        Raises:
            InputError: if the residual population is unstated or the line alone is faster than T1.

        Source: docs/physics.md, section 1.
        """
        if self.residual_population is None:
            raise population_unstated([self.index])
        remainder = 1.0 / self.t1_s - check_number("line_rate", line_rate, at_least=0)
        if remainder < 0:
            raise InputError(
                f"'line_rate' must be <= 1/T1 ({1 / self.t1_s:g}/s) for qubit {self.index}, whose "
                f"T1 includes the line, not {line_rate:g}."
            )
        return LocalRates(
            emission_rate=(1.0 - 2.0 * self.residual_population) * remainder,
            occupation=occupation_from_population(self.residual_population),
            dephasing=max(0.0, 1.0 / self.t2_s - 0.5 / self.t1_s),
        )


def population_unstated(qubits: Iterable[int]) -> InputError:
    """The error of asking for a residual population that nobody stated."""
    return InputError(
        f"The residual excited population of {named_qubits(qubits)} is not known: give "
        "'residual_population' or 'residual_temperature_k'."
    )
