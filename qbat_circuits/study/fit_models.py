"""Batteries of identical cells with a few parameters: what the fit of counts varies.

The generator is linear in a few rates, L = sum_k r_k(parameters) G_k, so the G_k are built once, on
the coordinates that the start reaches, and states come with their exact derivatives: exp of
[[L, 0], [dL, L]] holds exp(L) and its derivative along dL (Najfeld and Havel, Adv. Appl. Math. 16,
321 (1995), doi:10.1006/aama.1995.1017).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from numpy.typing import NDArray

from qbat_circuits.analysis.linear_inversion import outcome_probabilities
from qbat_circuits.baths import CollectiveBath, LocalNoise
from qbat_circuits.battery import Battery
from qbat_circuits.cells import (
    FloatArray,
    collective_lowering,
    lowering,
    number,
    product_state,
)
from qbat_circuits.coupling import Coupling
from qbat_circuits.dynamics.reduction import Part, reduce_parts
from qbat_circuits.errors import InputError, check_number

#: Names of the parameters, in order.
PARAMETERS: Final = ("kappa", "n", "gamma", "n_l", "gamma_phi", "delta", "c", "phase")
#: What a parameter is that is neither fitted nor given.
DEFAULTS: Final = {
    "gamma": 0.0,
    "n_l": 0.0,
    "gamma_phi": 0.0,
    "delta": 0.0,
    "c": 1.0,
    "phase": 0.0,
}
#: Parameters that are rates, in the inverse unit of the times.
RATES: Final = ("kappa", "gamma", "gamma_phi", "delta")
#: Most cells of a fit.
MAX_FIT_CELLS: Final = 4
_STEP: Final = 1e-30  # of the imaginary argument: exact derivatives of a few sums and products


class Reading(StrEnum):
    """Which bath the cells share (docs/physics.md, section 2)."""

    THERMAL = "thermal"
    """kappa (n+1) D[J_-] + kappa n D[J_+], local noise at an occupation n_l of its own."""
    SQUEEZED = "squeezed"
    """One coherent jump sqrt(n+1) J_- + e^{i phase} sqrt(n) J_+, |M|^2 = n(n+1)."""
    SAME_TEMPERATURE = "same-temperature"
    """Thermal with n_l = n: what is stored is a transient."""
    PUMP = "pump"
    """Emission and absorption exchanged: kappa n D[J_-] + kappa (n+1) D[J_+]."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters that this reading has."""
        left_out = {"phase"} if self is not Reading.SQUEEZED else set()
        if self is Reading.SAME_TEMPERATURE:
            left_out.add("n_l")
        return tuple(name for name in PARAMETERS if name not in left_out)

    def rates(self, values: NDArray[Any]) -> NDArray[Any]:
        """The rates r_k of `_parts` from the parameters in order, shape (8,) -> (10,)."""
        kappa, n, gamma, n_l, gamma_phi, delta, c, phase = values
        down, up = kappa * (n + 1), kappa * n
        if self is Reading.PUMP:
            down, up = up, down
        if self is Reading.SAME_TEMPERATURE:
            n_l = n
        m = kappa * np.sqrt(n * (n + 1)) * (self is Reading.SQUEEZED)
        real, imaginary = m * np.cos(phase), -m * np.sin(phase)
        local = [(1 - c) * down + gamma * (n_l + 1), (1 - c) * up + gamma * n_l]
        cross = [c * real, c * imaginary, (1 - c) * real, (1 - c) * imaginary]
        return np.array([delta, c * down, c * up, *local, 2 * gamma_phi, *cross])

    def battery(self, n_cells: int, values: Mapping[str, float]) -> Battery:
        """The battery of these parameters; those that are missing have their defaults."""
        p = {**DEFAULTS, **values}
        kappa, n = p["kappa"], p["n"]
        coupling = Coupling(correlation=p["c"])
        if self is Reading.PUMP:
            bath = CollectiveBath.from_rates(kappa * n, kappa * (n + 1), coupling=coupling)
        else:
            m = np.sqrt(n * (n + 1)) * np.exp(-1j * p["phase"]) * (self is Reading.SQUEEZED)
            bath = CollectiveBath(kappa, n, complex(m), coupling)
        n_l = n if self is Reading.SAME_TEMPERATURE else p["n_l"]
        noise = LocalNoise(p["gamma"], n_l, p["gamma_phi"])
        detunings = (p["delta"] * spread(n_cells)).tolist()
        return Battery.identical(n_cells, bath, noise, detunings)


def spread(n_cells: int) -> FloatArray:
    """Detunings in units of delta: the cells lie evenly over [-delta, delta], shape (N,)."""
    return np.linspace(-1.0, 1.0, n_cells) if n_cells > 1 else np.zeros(1)


@dataclass(frozen=True, eq=False)
class FitModel:
    """States of one reading at the charging times, and their derivatives.

    Args:
        reading: which bath.
        n_cells: N.
        times: charging times >= 0, rising, shape (T,).
        generators: G_k on the D coordinates that the start reaches, shape (K, D, D).
        used: which of the rates of `Reading.rates` they belong to, shape (K,).
        start: coordinates at t = 0, shape (D,).
        outcomes: coordinates -> probabilities of the outcomes of all settings, (3^N, 2^N, D).
    """

    reading: Reading
    n_cells: int
    times: FloatArray
    generators: FloatArray
    used: NDArray[np.intp]
    start: FloatArray
    outcomes: FloatArray

    @classmethod
    def build(
        cls,
        reading: Reading,
        n_cells: int,
        times: Sequence[float],
        detuned: bool = False,
        initial_population: float = 0.0,
    ) -> FitModel:
        """The model of cells that start with this excited population each.

        Args:
            reading: which bath.
            n_cells: N <= 4.
            times: charging times.
            detuned: whether there is a detuning; without it half of the coordinates do.
            initial_population: p in [0, 1).
        """
        if n_cells > MAX_FIT_CELLS:
            raise InputError(
                f"'counts' must be of at most {MAX_FIT_CELLS} cells for a fit, not {n_cells}."
            )
        p = check_number("initial_population", initial_population, at_least=0, below=1)
        start = product_state([p] * n_cells)
        squeezed = reading is Reading.SQUEEZED
        used = [k for k in range(10) if (k > 0 or detuned) and (k < 6 or squeezed)]
        parts = _parts(n_cells)
        reduced = reduce_parts([parts[k] for k in used], start)
        size = len(reduced[0].start)
        basis = outcome_probabilities(reduced[0].states(np.eye(size)))
        generators = np.array([one.matrix.toarray() for one in reduced])
        return cls(
            reading,
            n_cells,
            np.array(times, dtype=np.float64),
            generators,
            np.array(used),
            reduced[0].start,
            np.moveaxis(basis, 0, -1),
        )

    def probabilities(
        self, values: FloatArray, free: Sequence[int]
    ) -> tuple[FloatArray, FloatArray]:
        """Probabilities of all outcomes before the readout, and their derivatives.

        Args:
            values: the parameters in the order of `PARAMETERS`, shape (8,).
            free: numbers of the parameters to differentiate by.

        Returns:
            Shapes (T, 3^N, 2^N) and (F, T, 3^N, 2^N).
        """
        states, slopes = self._coordinates(values, free)
        return (
            np.einsum("sxd,td->tsx", self.outcomes, states),
            np.einsum("sxd,ftd->ftsx", self.outcomes, slopes),
        )

    def _coordinates(
        self, values: FloatArray, free: Sequence[int]
    ) -> tuple[FloatArray, FloatArray]:
        """Coordinates at each time, (T, D), and their derivatives, (F, T, D)."""
        d, f = len(self.start), max(len(free), 1)
        generator = np.tensordot(self.reading.rates(values)[self.used], self.generators, 1)
        whole = np.zeros((f, 2 * d, 2 * d))
        whole[:, :d, :d] = whole[:, d:, d:] = generator
        for row, index in enumerate(free):
            shifted = values.astype(np.complex128)
            shifted[index] += 1j * _STEP
            slope = self.reading.rates(shifted).imag[self.used] / _STEP
            whole[row, d:, :d] = np.tensordot(slope, self.generators, 1)
        steps = np.diff(self.times, prepend=0.0)
        exponentials = scipy.linalg.expm(whole * steps[:, None, None, None])
        now, slopes = self.start, np.zeros((f, d))
        states, found = np.empty((len(steps), d)), np.empty((f, len(steps), d))
        for row, one in enumerate(exponentials):
            slopes = slopes @ one[0, :d, :d].T + one[:, d:, :d] @ now
            now = one[0, :d, :d] @ now
            states[row], found[:, row] = now, slopes
        return states, found[: len(free)]


def _parts(n_cells: int) -> list[Part]:
    """The G_k of `Reading.rates` at unit rate: detuning; collective emission, absorption; the same
    of each cell alone; dephasing; real and imaginary part of the cross term, common and alone."""
    minus, cells = collective_lowering(n_cells), [lowering(n_cells, i) for i in range(n_cells)]
    numbers = [number(n_cells, i) for i in range(n_cells)]
    detuning = sp.csr_array(sum(d * n for d, n in zip(spread(n_cells), numbers, strict=True)))
    return [
        (detuning, []),
        (None, [(1.0, minus)]),
        (None, [(1.0, _adjoint(minus))]),
        (None, [(1.0, one) for one in cells]),
        (None, [(1.0, _adjoint(one)) for one in cells]),
        (None, [(1.0, one) for one in numbers]),
        (None, _cross(minus, 1)),
        (None, _cross(minus, -1j)),
        (None, [jump for one in cells for jump in _cross(one, 1)]),
        (None, [jump for one in cells for jump in _cross(one, -1j)]),
    ]


def _cross(minus: sp.csr_array, factor: complex) -> list[tuple[float, sp.csr_array]]:
    """The Kossakowski matrix [[0, K], [K*, 0]] on (L, L^+) with K = factor*, as two jumps."""
    plus = factor * _adjoint(minus)
    return [(0.5, sp.csr_array(minus + plus)), (-0.5, sp.csr_array(minus - plus))]


def _adjoint(matrix: sp.csr_array) -> sp.csr_array:
    return sp.csr_array(matrix.conj().T)


def complete(values: Mapping[str, float]) -> FloatArray:
    """Parameters in order, with defaults for those that are missing."""
    return np.array([{**DEFAULTS, **values}[name] for name in PARAMETERS], dtype=np.float64)
