"""The collective bath and the local noise of each cell, as jump operators with rates.

Both are thermal in the Born-Markov-secular sense (docs/physics.md, section 2). Rates may be given
in any one consistent unit; `Battery.from_device` uses 1/s.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass, field

import numpy as np

from qbat_circuits.coupling import ONE_MODE, Coupling
from qbat_circuits.errors import InputError, broken_rule, check_number
from qbat_circuits.units import (
    occupation_from_population,
    occupation_from_temperature,
    population_from_occupation,
)

#: Largest rate and occupation taken: beyond them exponentials overflow a double.
_LARGEST = 1e18


@dataclass(frozen=True)
class CollectiveBath:
    """One bath that all cells share: common emission J_- and common absorption J_+.

    d rho/dt = sum_ab K_ab (L_a rho L_b^+ - {L_b^+ L_a, rho}/2) on (L_1, L_2) = (J_-, J_+) with
    K = kappa [[n+1, M], [M*, n]]; M = 0 is a thermal bath, |M|^2 = n(n+1) a single coherent jump.

    Args:
        rate: kappa >= 0, the collective rate of one cell.
        occupation: n >= 0, thermal photons at the common frequency.
        squeezing: M, a complex number with |M|^2 <= n(n+1).
        coupling: how it couples to the cells; one mode that sees all of them alike by default.

    Attributes:
        emission: K_11 = kappa (n + 1).
        absorption: K_22 = kappa n.
        cross: K_12 = kappa M.

    Raises:
        InputError: if a number is out of its range.

    Source: docs/physics.md, section 2.
    """

    rate: float
    occupation: float
    squeezing: complex = 0j
    coupling: Coupling = ONE_MODE
    emission: float = field(init=False)
    absorption: float = field(init=False)
    cross: complex = field(init=False)

    def __post_init__(self) -> None:
        rate = check_number("rate", self.rate, at_least=0, at_most=_LARGEST)
        n = check_number("occupation", self.occupation, at_least=0, at_most=_LARGEST)
        m = _complex("squeezing", self.squeezing)
        _check_coupling(self.coupling, m)
        if abs(m) ** 2 > n * (n + 1) * (1 + 1e-12):
            raise InputError(
                f"'squeezing' must satisfy |M|^2 <= n(n+1) ({n * (n + 1):g}), not {abs(m) ** 2:g}."
            )
        self._set(rate, n, m, rate * (n + 1.0), rate * n, rate * m)

    @classmethod
    def from_temperature(
        cls,
        rate: float,
        temperature_k: float,
        frequency_hz: float,
        coupling: Coupling = ONE_MODE,
    ) -> CollectiveBath:
        """Thermal bath of a temperature in kelvin at the cells' common frequency in Hz."""
        occupation = occupation_from_temperature(frequency_hz, temperature_k)
        return cls(rate, occupation, coupling=coupling)

    @classmethod
    def from_rates(
        cls,
        emission: float,
        absorption: float,
        cross: complex = 0j,
        coupling: Coupling = ONE_MODE,
    ) -> CollectiveBath:
        """Bath of any emission and absorption rates, inverted ones (a pump) included.

        ``rate`` is then kappa = emission - absorption and ``occupation`` absorption / kappa: both
        negative for a pump (n < -1), and n infinite where the two rates are equal.

        Args:
            emission: K_11 >= 0.
            absorption: K_22 >= 0.
            cross: K_12, with |K_12|^2 <= K_11 K_22.
            coupling: see above.
        """
        down = check_number("emission", emission, at_least=0, at_most=_LARGEST)
        up = check_number("absorption", absorption, at_least=0, at_most=_LARGEST)
        k = _complex("cross", cross)
        if abs(k) ** 2 > down * up * (1 + 1e-12):
            raise InputError(
                f"'cross' must satisfy |cross|^2 <= emission*absorption ({down * up:g}), not "
                f"{abs(k) ** 2:g}."
            )
        rate = down - up
        _check_coupling(coupling, k)
        bath = object.__new__(cls)
        object.__setattr__(bath, "coupling", coupling)
        occupation = up / rate if rate else (math.inf if up else 0.0)
        bath._set(rate, occupation, k / rate if rate else complex(k), down, up, k)
        return bath

    def _set(self, rate: float, n: float, m: complex, down: float, up: float, k: complex) -> None:
        names = ("rate", "occupation", "squeezing", "emission", "absorption", "cross")
        for name, value in zip(names, (rate, n, m, down, up, k), strict=True):
            object.__setattr__(self, name, value)

    @property
    def relaxation(self) -> float:
        """emission + absorption: how fast one cell alone would relax, kappa (2n + 1)."""
        return self.emission + self.absorption

    @property
    def has_dark_states(self) -> bool:
        """Whether the bath alone leaves pure states dark: n = 0, or |M|^2 = n(n+1)."""
        return self.emission * self.absorption <= abs(self.cross) ** 2 * (1 + 1e-12)

    @property
    def keeps_one_quadrature(self) -> bool:
        """Whether its one jump is Hermitian, emission = absorption = |cross|.

        Without local noise and detuning it then leaves one spin component as it is.
        """
        return 0 < self.emission == self.absorption <= abs(self.cross) * (1 + 1e-12)

    def jumps(self) -> tuple[tuple[float, complex, complex], ...]:
        """Diagonal form: (rate, a, b) for each jump a J_- + b J_+ of non-zero rate.

        Of every mode of the coupling, with L = sum_i v_i sigma_-^i in the place of J_-.
        """
        if self.cross == 0:
            pairs = [(self.emission, 1 + 0j, 0j), (self.absorption, 0j, 1 + 0j)]
        else:
            kossakowski = np.array(
                [[self.emission, self.cross], [self.cross.conjugate(), self.absorption]]
            )
            rates, vectors = np.linalg.eigh(kossakowski)
            pairs = [
                (float(r), complex(v[0]), complex(v[1]))
                for r, v in zip(rates, vectors.T, strict=True)
            ]
        # A pure coherent jump leaves an eigenvalue 0 that round-off may turn into -1e-17.
        floor = 1e-14 * self.relaxation
        return tuple(pair for pair in pairs if pair[0] > (floor if self.cross else 0.0))


@dataclass(frozen=True)
class LocalNoise:
    """Noise of one cell alone: thermal relaxation and pure dephasing.

    d rho/dt = gamma (n_l+1) D[sigma_-] + gamma n_l D[sigma_+] + 2 gamma_phi D[|1><1|]; coherences
    decay at gamma (2 n_l + 1)/2 + gamma_phi.

    Args:
        rate: gamma >= 0, spontaneous emission rate.
        occupation: n_l >= 0, thermal photons of the cell's own environment.
        dephasing: gamma_phi >= 0, pure dephasing rate.

    Source: docs/physics.md, section 2.
    """

    rate: float = 0.0
    occupation: float = 0.0
    dephasing: float = 0.0

    def __post_init__(self) -> None:
        for name in ("rate", "occupation", "dephasing"):
            number = check_number(name, getattr(self, name), at_least=0, at_most=_LARGEST)
            object.__setattr__(self, name, number)

    @classmethod
    def from_t1_t2(cls, t1_s: float, t2_s: float, residual_population: float) -> LocalNoise:
        """Rates in 1/s from T1, T2 and the residual excited population p of a cell.

        n_l = p/(1-2p), gamma = (1-2p)/T1, gamma_phi = 1/T2 - 1/(2 T1).

        Raises:
            InputError: for T1 or T2 <= 0, T2 > 2 T1, or p outside [0, 1/2).
        """
        t1 = check_number("t1_s", t1_s, above=0)
        t2 = check_number("t2_s", t2_s, above=0)
        if t2 > 2 * t1 * (1 + 1e-12):
            raise InputError(f"'t2_s' must be <= 2*t1_s ({2 * t1:g}), not {t2:g}.")
        occupation = occupation_from_population(residual_population)
        gamma = 1.0 / (t1 * (2.0 * occupation + 1.0))
        return cls(gamma, occupation, max(0.0, 1.0 / t2 - 0.5 / t1))

    @property
    def emission(self) -> float:
        """gamma (n_l + 1)."""
        return self.rate * (self.occupation + 1.0)

    @property
    def absorption(self) -> float:
        """gamma n_l."""
        return self.rate * self.occupation

    @property
    def population(self) -> float:
        """Excited population n_l/(2 n_l + 1) of the cell in equilibrium with this noise."""
        return population_from_occupation(self.occupation)


def _check_coupling(coupling: object, squeezing: complex) -> None:
    if not isinstance(coupling, Coupling):
        raise broken_rule("coupling", "a Coupling", coupling)
    if squeezing != 0 and coupling.positions is not None:
        raise InputError(
            "'squeezing' must be 0 for cells along a waveguide, where its phase would depend on "
            f"the place, not {squeezing:g}."
        )


def _complex(name: str, value: complex) -> complex:
    try:
        number = complex(value)
    except (TypeError, ValueError):
        number = complex("nan")
    if not cmath.isfinite(number):
        raise InputError(f"'{name}' must be a finite complex number, not {value!r}.")
    if math.hypot(number.real, number.imag) > _LARGEST:  # its square may be no double
        raise broken_rule(name, f"a complex number of size <= {_LARGEST:g}", value)
    return number
