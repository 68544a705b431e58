"""Battery: cells, collective bath and local noise, the one model that every engine takes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from qbat_circuits.baths import CollectiveBath, LocalNoise
from qbat_circuits.cells import (
    FloatArray,
    cell_energies,
    level_energies,
    lowering,
    mode_lowering,
    number,
)
from qbat_circuits.errors import InputError, broken_rule, check_integer, check_number
from qbat_circuits.extra_jumps import ExtraJump, extra_jumps_of
from qbat_circuits.markup import Markup, facts, grid, joined
from qbat_circuits.transmon_levels import TransmonLevels

if TYPE_CHECKING:
    from qbat_circuits.audit import Finding
    from qbat_circuits.device import Device

Jump = tuple[float, sp.csr_array]

#: Largest number of cells of a battery; how many an engine takes is its own matter.
MAX_BATTERY_CELLS = 10**6


class WeakBathWarning(UserWarning):
    """The collective bath is slower than the local noise beside it."""


@dataclass(frozen=True)
class Battery:
    """N cells on one collective bath, each with local noise beside it.

    In the frame rotating at the mean frequency,
    d rho/dt = -i sum_i delta_i [n_i, rho] + collective + sum_i local_i (docs/physics.md,
    section 2). Rates and detunings share one unit.

    Args:
        bath: the common bath and how it couples to the cells.
        noise: one `LocalNoise` per cell; their number is the number of cells.
        detunings: delta_i = omega_i - mean(omega), one rate per cell.
        energies: e_i of H_B = sum_i e_i n_i, one per cell; detunings do not enter H_B.
        transmon: more than two levels of each cell; None for two-level cells.
        extra_jumps: further dissipators, see `ExtraJump`; (rate, operator) pairs are taken too.

    Raises:
        InputError: if lengths differ or a value is out of its range.
    """

    bath: CollectiveBath
    noise: tuple[LocalNoise, ...]
    detunings: tuple[float, ...]
    energies: tuple[float, ...]
    transmon: TransmonLevels | None = None
    extra_jumps: tuple[ExtraJump, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.bath, CollectiveBath):
            raise broken_rule("bath", "a CollectiveBath", self.bath)
        noise = tuple(self.noise)
        if not noise or not all(isinstance(one, LocalNoise) for one in noise):
            raise broken_rule("noise", "one LocalNoise per cell", self.noise)
        n = len(noise)
        detunings = tuple(check_number("detunings", d) for d in self.detunings)
        if len(detunings) != n:
            raise InputError(
                f"'detunings' must hold one number per cell ({n}), not {len(detunings)}."
            )
        energies = tuple(cell_energies(n, self.energies).tolist())
        self.bath.coupling.check_cells(n)
        self._check_transmon()
        object.__setattr__(self, "noise", noise)
        object.__setattr__(self, "detunings", detunings)
        object.__setattr__(self, "energies", energies)
        jumps = extra_jumps_of(self.extra_jumps, n, self.levels)
        object.__setattr__(self, "extra_jumps", jumps)

    def _check_transmon(self) -> None:
        if self.transmon is None:
            return
        if not isinstance(self.transmon, TransmonLevels):
            raise broken_rule("transmon", "a TransmonLevels", self.transmon)
        thermal = self.bath.cross == 0 and self.bath.absorption <= self.bath.emission
        if self.levels > 2 and not (thermal and np.isfinite(self.bath.occupation)):
            raise InputError(
                "'bath' must be thermal for cells with more than two levels, whose transitions see "
                "it at different frequencies, neither squeezed nor a pump."
            )

    @classmethod
    def identical(
        cls,
        n_cells: int,
        bath: CollectiveBath,
        noise: LocalNoise | None = None,
        detunings: Sequence[float] | None = None,
        energies: Sequence[float] | None = None,
        transmon: TransmonLevels | None = None,
        extra_jumps: Sequence[ExtraJump | tuple[float, Any]] = (),
    ) -> Battery:
        """N cells with the same local noise (none by default), on resonance by default."""
        n = check_integer("n_cells", n_cells, at_least=1, at_most=MAX_BATTERY_CELLS)
        return cls(
            bath=bath,
            noise=(LocalNoise() if noise is None else noise,) * n,
            detunings=(0.0,) * n if detunings is None else tuple(detunings),
            energies=(1.0,) * n if energies is None else tuple(energies),
            transmon=transmon,
            extra_jumps=tuple(extra_jumps),  # type: ignore[arg-type]  # pairs become ExtraJump
        )

    @classmethod
    def mixture(
        cls,
        n_cells: int,
        rate: float,
        occupation: float,
        collectivity: float,
        local_occupation: float = 0.0,
        dephasing: float = 0.0,
    ) -> Battery:
        """Convex mixture of generators: kappa = lambda Gamma collective, the rest local.

        gamma = (1 - lambda) Gamma. At ``local_occupation`` equal to ``occupation`` it is the
        correlated bath with c = lambda; at 0, the default, every cell decays into a cold
        environment of its own (docs/physics.md, section 2, for both readings).

        Args:
            n_cells: N.
            rate: the total Gamma >= 0.
            occupation: n of the collective bath.
            collectivity: lambda in [0, 1].
            local_occupation: n_l of the cells' own environments.
            dephasing: gamma_phi of each cell.
        """
        share = check_number("collectivity", collectivity, at_least=0, at_most=1)
        gamma = check_number("rate", rate, at_least=0)
        return cls.identical(
            n_cells,
            CollectiveBath(share * gamma, occupation),
            LocalNoise((1 - share) * gamma, local_occupation, dephasing),
        )

    @classmethod
    def from_device(
        cls, device: Device, bath: CollectiveBath, transmon: TransmonLevels | None = None
    ) -> Battery:
        """Battery of a chip's cells: T1, T2, residual population and detuning of each, in 1/s.

        Where the device's T1 includes the line, the line's share kappa(2n+1) at the occupation of
        this bath is subtracted (`Device.local_rates`).

        Args:
            device: chosen cells with all that the dynamics needs stated.
            bath: collective bath, rate in 1/s.
            transmon: more than two levels, in 1/s; `Device.transmon_levels` makes it.

        Warns:
            WeakBathWarning: where the collective rate is below the fastest local one.

        Raises:
            InputError: if the device leaves a needed value unstated, or a T1 that includes the
                line is longer than the line allows.
        """
        rates = device.local_rates(line_rate=bath.relaxation)
        battery = cls(
            bath=bath,
            noise=tuple(LocalNoise(r.emission_rate, r.occupation, r.dephasing) for r in rates),
            detunings=tuple(device.detunings().tolist()),
            energies=tuple(device.energies().tolist()),
            transmon=transmon,
        )
        weak = battery.weak_bath()
        if weak:
            warnings.warn(weak, WeakBathWarning, stacklevel=2)
        return battery

    def weak_bath(self) -> str:
        """A sentence where the collective rate is below the fastest local one, else nothing."""
        fastest, bath = max(noise.rate for noise in self.noise), self.bath
        # A pump's spontaneous rate, emission - absorption, says nothing of its strength.
        strength = bath.rate if bath.emission > bath.absorption else bath.relaxation
        if strength >= fastest:
            return ""
        return (
            f"The collective rate {strength:g} is below the fastest local rate {fastest:g}: that "
            "cell decays faster into its own environment than into the common bath."
        )

    def audit(self) -> tuple[Finding, ...]:
        """What the physics decides about this battery beforehand, see `audit.audit`."""
        from qbat_circuits.audit import audit

        return audit(self)

    @property
    def n_cells(self) -> int:
        """Number of cells N."""
        return len(self.noise)

    @property
    def levels(self) -> int:
        """Levels of a cell, d."""
        return 2 if self.transmon is None else self.transmon.levels

    @property
    def dimension(self) -> int:
        """Dimension d^N of the state space."""
        return int(self.levels**self.n_cells)

    @property
    def conserves_excitations(self) -> bool:
        """Whether every dissipator changes the excitations of both sides of a coherence alike."""
        return self.bath.cross == 0 and not self.extra_jumps

    def level_energies(self) -> FloatArray:
        """Diagonal of H_B in basis order, shape (d^N,)."""
        ladder = None if self.transmon is None else self.transmon.energies()
        return level_energies(self.n_cells, self.energies, ladder)

    def hamiltonian(self) -> sp.csr_array:
        """Rotating-frame sum_i delta_i n_i + sum_{i<j} J_ij (sigma_+^i sigma_-^j + h.c.), sparse.

        J_ij is the exchange along a waveguide, for every pair of transitions of one kind. The
        anharmonicity is turned away with the frame: no secular channel sees it.
        """
        n, d = self.n_cells, self.levels
        total = sp.csr_array((self.dimension,) * 2, dtype=np.complex128)
        for i, delta in enumerate(self.detunings):
            total = total + delta * number(n, i, d)
        exchange = self.bath.rate * self.bath.coupling.exchange(n)
        for i, j in zip(*np.nonzero(np.triu(exchange)), strict=True):
            for k in range(1, d):
                swap = lowering(n, int(i), d, k).T @ lowering(n, int(j), d, k)
                total = total + k * exchange[i, j] * (swap + swap.T)
        return sp.csr_array(total)

    def jump_operators(self) -> list[Jump]:
        """Every dissipator of non-zero rate as (rate, L): d rho/dt = rate (L rho L^+ - ...)."""
        local = [jump for i in range(self.n_cells) for jump in self.local_jumps(i)]
        extra = [(one.rate, one.operator) for one in self.extra_jumps if one.rate > 0]
        return [*self.collective_jumps(), *local, *extra]

    def collective_jumps(self) -> list[Jump]:
        """The bath's part of `jump_operators`: emission and absorption of every mode.

        With more than two levels, those of every transition k at its own occupation n_k, with the
        matrix element sqrt(k) (docs/physics.md, section 2).
        """
        if self.transmon is None or self.levels == 2:
            return [
                (weight * rate, minus if b == 0 else plus if a == 0 else _csr(a * minus + b * plus))
                for weight, minus in self.modes()
                for plus in [_csr(minus.T)]
                for rate, a, b in self.bath.jumps()
            ]
        return [
            jump
            for k, n in enumerate(self.transmon.noise_occupations(self.bath.occupation), 1)
            for weight, minus in self.modes(k)
            for jump in _thermal(k * weight * self.bath.rate, float(n), minus)
        ]

    def local_jumps(self, cell: int) -> list[Jump]:
        """The dissipators of one cell's own noise, without those of rate 0."""
        return [*self.relaxation_jumps(cell), *self.dephasing_jumps(cell)]

    def relaxation_jumps(self, cell: int) -> list[Jump]:
        """Emission and absorption of one cell alone.

        Higher transitions see the cell's own environment at its temperature.
        """
        noise = self.noise[cell]
        occupations = [noise.occupation]
        if self.transmon is not None:
            occupations = self.transmon.thermal_occupations(noise.occupation).tolist()
        return [
            jump
            for k, n in enumerate(occupations, 1)
            for jump in _thermal(k * noise.rate, n, lowering(self.n_cells, cell, self.levels, k))
        ]

    def dephasing_jumps(self, cell: int) -> list[Jump]:
        """D[n_i] of one cell alone, at 2 gamma_phi."""
        rate = 2.0 * self.noise[cell].dephasing
        return [(rate, number(self.n_cells, cell, self.levels))] if rate > 0 else []

    def modes(self, upper: int = 1) -> list[Jump]:
        """(weight, L) of every mode of the coupling, L = sum_i v_i |k-1><k|_i, k = ``upper``.

        The thermal bath of two-level cells is kappa (n+1) sum weight D[L] + kappa n sum weight
        D[L^+].
        """
        return [
            (weight, mode_lowering(tuple(mode.tolist()), self.levels, upper))
            for weight, mode in self.bath.coupling.modes(self.n_cells)
        ]

    def liouvillian(self) -> sp.csr_array:
        """Generator on column-stacked density matrices, sparse, shape (d^2N, d^2N)."""
        return liouvillian(self.hamiltonian(), self.jump_operators())

    def without_bath(self) -> Battery:
        """The same cells after the collective bath is switched off."""
        return replace(self, bath=CollectiveBath(0.0, 0.0))

    def _repr_html_(self) -> Markup:
        """What a notebook shows: the bath, and the noise of the cells."""
        bath = self.bath
        shown = {
            "cells": f"{self.n_cells} of {self.levels} levels",
            "emission of the common bath": f"{bath.emission:.4g}",
            "its absorption": f"{bath.absorption:.4g}",
            "its occupation": f"{bath.occupation:.4g}",
            "extra dissipators": len(self.extra_jumps),
        }
        values = zip(self.noise, self.detunings, self.energies, strict=True)
        rows = [
            tuple(f"{x:.4g}" for x in (one.rate, one.occupation, one.dephasing, detuning, energy))
            for one, detuning, energy in values
        ]
        alike = len(set(rows)) == 1
        cells = [("every", *rows[0])] if alike else [(k, *row) for k, row in enumerate(rows[:12])]
        headers = ("cell", "γ", "n_l", "γ_φ", "δ", "e")
        more = "" if alike or len(rows) <= 12 else f", the first 12 of {len(rows)}"
        return joined([facts("Battery", shown.items()), grid(f"Cells{more}", headers, cells)])

    def to_qutip(self) -> tuple[Any, list[Any]]:
        """(H, collapse operators) as QuTiP objects in QuTiP's own tensor order and sign of sigma_z.

        Needs QuTiP. States travel with `qutip_bridge.to_qutip` and `from_qutip`.
        """
        from qbat_circuits.qutip_bridge import to_qutip

        if self.levels > 2:
            raise InputError(
                f"'levels' must be 2 for QuTiP's order of spin states, not {self.levels}: pass the "
                "matrices of hamiltonian() and jump_operators() on."
            )
        hamiltonian = to_qutip(self.hamiltonian())
        jumps = self.jump_operators()
        return hamiltonian, [np.sqrt(rate) * to_qutip(jump) for rate, jump in jumps]


def _thermal(rate: float, occupation: float, minus: sp.csr_array) -> list[Jump]:
    """Emission rate (n+1) and absorption rate n, without those of rate 0."""
    pairs = [(rate * (occupation + 1.0), minus), (rate * occupation, _csr(minus.T))]
    return [(value, jump) for value, jump in pairs if value > 0.0]


def _csr(matrix: Any) -> sp.csr_array:
    return sp.csr_array(matrix)


def liouvillian(hamiltonian: sp.csr_array, jumps: Sequence[Jump]) -> sp.csr_array:
    """-i[H, .] + sum_k rate_k D[L_k] on column-stacked matrices.

    vec(A X B) = (B^T (x) A) vec(X); shape (d^2, d^2), sparse.
    """
    identity = sp.eye_array(hamiltonian.shape[0], dtype=np.complex128)
    # Everything but the sandwich terms is K rho + rho K^+ with K = -iH - sum L^+L/2.
    decay = -1j * hamiltonian
    total = sp.csr_array((identity.shape[0] ** 2,) * 2, dtype=np.complex128)
    for rate, jump in jumps:
        decay = decay - 0.5 * rate * (jump.conj().T @ jump)
        total = total + rate * sp.kron(jump.conj(), jump, format="csr")
    total = total + sp.kron(identity, decay, format="csr")
    return sp.csr_array(total + sp.kron(decay.conj(), identity, format="csr"))
