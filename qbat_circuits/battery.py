"""Battery: cells, collective bath and local noise, the one model that every engine takes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from qbat_circuits.baths import CollectiveBath, LocalNoise
from qbat_circuits.cells import (
    MAX_CELLS,
    FloatArray,
    cell_energies,
    collective_lowering,
    level_energies,
    lowering,
    number,
)
from qbat_circuits.errors import InputError, broken_rule, check_integer, check_number

if TYPE_CHECKING:
    from qbat_circuits.audit import Finding
    from qbat_circuits.device import Device

Jump = tuple[float, sp.csr_array]


class WeakBathWarning(UserWarning):
    """The collective bath is slower than the local noise beside it."""


@dataclass(frozen=True)
class Battery:
    """N two-level cells on one collective bath, each with local noise beside it.

    In the frame rotating at the mean frequency,
    d rho/dt = -i sum_i delta_i [n_i, rho] + collective + sum_i local_i (docs/physics.md,
    section 2). Rates and detunings share one unit.

    Args:
        bath: the common bath.
        noise: one `LocalNoise` per cell; their number is the number of cells.
        detunings: delta_i = omega_i - mean(omega), one rate per cell.
        energies: e_i of H_B = sum_i e_i n_i, one per cell; detunings do not enter H_B.

    Raises:
        InputError: if lengths differ or a value is out of its range.
    """

    bath: CollectiveBath
    noise: tuple[LocalNoise, ...]
    detunings: tuple[float, ...]
    energies: tuple[float, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.bath, CollectiveBath):
            raise broken_rule("bath", "a CollectiveBath", self.bath)
        noise = tuple(self.noise)
        if not noise or not all(isinstance(one, LocalNoise) for one in noise):
            raise broken_rule("noise", "one LocalNoise per cell", self.noise)
        detunings = tuple(check_number("detunings", d) for d in self.detunings)
        if len(detunings) != len(noise):
            raise InputError(
                f"'detunings' must hold one number per cell ({len(noise)}), not {len(detunings)}."
            )
        energies = tuple(cell_energies(len(noise), self.energies).tolist())
        object.__setattr__(self, "noise", noise)
        object.__setattr__(self, "detunings", detunings)
        object.__setattr__(self, "energies", energies)

    @classmethod
    def identical(
        cls,
        n_cells: int,
        bath: CollectiveBath,
        noise: LocalNoise | None = None,
        detunings: Sequence[float] | None = None,
        energies: Sequence[float] | None = None,
    ) -> Battery:
        """N cells with the same local noise (none by default), on resonance by default."""
        n = check_integer("n_cells", n_cells, at_least=1, at_most=MAX_CELLS)
        return cls(
            bath=bath,
            noise=(LocalNoise() if noise is None else noise,) * n,
            detunings=(0.0,) * n if detunings is None else tuple(detunings),
            energies=(1.0,) * n if energies is None else tuple(energies),
        )

    @classmethod
    def from_device(cls, device: Device, bath: CollectiveBath) -> Battery:
        """Battery of a chip's cells: T1, T2, residual population and detuning of each, in 1/s.

        Where the device's T1 includes the line, the line's share kappa(2n+1) at the occupation of
        this bath is subtracted (`Device.local_rates`).

        Args:
            device: chosen cells with all that the dynamics needs stated.
            bath: collective bath, rate in 1/s.

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
        )
        weak = battery.weak_bath()
        if weak:
            warnings.warn(weak, WeakBathWarning, stacklevel=2)
        return battery

    def weak_bath(self) -> str:
        """A sentence where the collective rate is below the fastest local one, else nothing."""
        fastest = max(noise.rate for noise in self.noise)
        if abs(self.bath.rate) >= fastest:
            return ""
        return (
            f"The collective rate {self.bath.rate:g} is below the fastest local rate {fastest:g}: "
            "local noise ends the charging before it begins."
        )

    def audit(self) -> tuple[Finding, ...]:
        """What the physics decides about this battery beforehand, see `audit.audit`."""
        from qbat_circuits.audit import audit

        return audit(self)

    @property
    def n_cells(self) -> int:
        """Number of cells N."""
        return len(self.noise)

    def level_energies(self) -> FloatArray:
        """Diagonal of H_B in basis order, shape (2^N,)."""
        return level_energies(self.n_cells, self.energies)

    def hamiltonian(self) -> sp.csr_array:
        """Rotating-frame Hamiltonian sum_i delta_i n_i, sparse and diagonal."""
        total = sp.csr_array((2**self.n_cells, 2**self.n_cells), dtype=np.complex128)
        for i, delta in enumerate(self.detunings):
            total = total + delta * number(self.n_cells, i)
        return sp.csr_array(total)

    def jump_operators(self) -> list[Jump]:
        """Every dissipator of non-zero rate as (rate, L): d rho/dt = rate (L rho L^+ - ...)."""
        minus = collective_lowering(self.n_cells)
        plus = sp.csr_array(minus.T)
        jumps = [
            (rate, minus if b == 0 else plus if a == 0 else sp.csr_array(a * minus + b * plus))
            for rate, a, b in self.bath.jumps()
        ]
        for i, noise in enumerate(self.noise):
            down = lowering(self.n_cells, i)
            jumps += [
                (noise.rate * (noise.occupation + 1.0), down),
                (noise.rate * noise.occupation, sp.csr_array(down.T)),
                (2.0 * noise.dephasing, number(self.n_cells, i)),
            ]
        return [(rate, jump) for rate, jump in jumps if rate > 0.0]

    def liouvillian(self) -> sp.csr_array:
        """Generator on column-stacked density matrices, sparse, shape (4^N, 4^N)."""
        return liouvillian(self.hamiltonian(), self.jump_operators())

    def without_bath(self) -> Battery:
        """The same cells after the collective bath is switched off."""
        return Battery(CollectiveBath(0.0, 0.0), self.noise, self.detunings, self.energies)

    def to_qutip(self) -> tuple[Any, list[Any]]:
        """(H, collapse operators) as QuTiP objects in QuTiP's own tensor order and sign of sigma_z.

        Needs QuTiP. States travel with `qutip_bridge.to_qutip` and `from_qutip`.
        """
        from qbat_circuits.qutip_bridge import to_qutip

        hamiltonian = to_qutip(self.hamiltonian())
        jumps = self.jump_operators()
        return hamiltonian, [np.sqrt(rate) * to_qutip(jump) for rate, jump in jumps]


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
