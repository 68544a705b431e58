"""Full Pauli tomography: the whole state, and its work with an interval honest for every state.

W(rho) = max_U Tr[rho (H - U^+ H U)] is convex. With the unbiased raw state rho_hat:

- Upper end. For a state (rho >= 0) and any cap c, W <= W_c = max_U Tr[rho (H - U^+ min(H, c) U)],
  equal if the populations above the cap vanish. W_c(rho_hat) >= Tr[rho_hat O] for the optimal O of
  the true state, whose mean is W_c. So W_c(rho_hat) + z * (its standard error) is above W with the
  wanted probability. A cap keeps the noise of empty levels out of the end.
- Lower end: `intervals.cross_fit` of the optimal unitary. See docs/estimating-work.md.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any, ClassVar

import numpy as np

from qbat_circuits.analysis.guaranteed import guarantee
from qbat_circuits.analysis.intervals import (
    OCCUPIED_SIGMA,
    Functionals,
    Interval,
    cross_fit,
    left_out_means,
    linear_interval,
)
from qbat_circuits.analysis.linear_inversion import (
    nearest_spectrum,
    nearest_state,
    observable_weights,
    reconstruct,
)
from qbat_circuits.analysis.sample import Sample
from qbat_circuits.analysis.scheme import (
    UNPHYSICAL_SIGMA,
    ErgotropyEstimate,
    Request,
    Scheme,
    check_counts,
)
from qbat_circuits.cells import ComplexArray, FloatArray, cell_energies, level_energies
from qbat_circuits.pair_readout import Readout
from qbat_circuits.readout_model import pauli_settings
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.thermodynamics import linear_ergotropy

#: Name of the interval's method (docs/estimating-work.md).
METHOD = "convex-bounds"


@dataclass(frozen=True, eq=False, kw_only=True)
class PauliEstimate(ErgotropyEstimate):
    """An `ErgotropyEstimate` with the whole state.

    Args:
        raw_state: linear inversion, shape (2^N, 2^N): unbiased, possibly not positive; its trace
            is the weight that has not leaked.
        state: the density matrix nearest to it.
        smallest_eigenvalue: of the raw state.
        smallest_eigenvalue_sigma: how many standard errors the most negative direction is above
            zero; the direction comes from one part of the shots, its value from the others.
    """

    raw_state: ComplexArray
    state: ComplexArray
    smallest_eigenvalue: float
    smallest_eigenvalue_sigma: float

    def __post_init__(self) -> None:
        for matrix in (self.raw_state, self.state):
            matrix.flags.writeable = False

    def to_dict(self) -> dict[str, Any]:
        """All figures but the two states, as JSON content."""
        return {
            **super().to_dict(),
            "smallest_eigenvalue": self.smallest_eigenvalue,
            "smallest_eigenvalue_sigma": self.smallest_eigenvalue_sigma,
        }


@dataclass(frozen=True)
class PauliScheme(Scheme):
    """All 3^N Pauli settings: any state, any cell energies."""

    name: ClassVar[str] = "pauli"

    def settings(self, n_cells: int) -> tuple[str, ...]:
        """All 3^N labels, in the order of `pauli_settings`."""
        return pauli_settings(n_cells)

    def estimate(
        self,
        counts: Counts,
        readout: Readout | None = None,
        energies: Sequence[float] | None = None,
        confidence: float = 0.95,
        seed: int = 7,
    ) -> PauliEstimate:
        """Work and state from the counts of all settings, see `estimate_ergotropy`."""
        request = Request.of(
            counts, self.settings(check_counts(counts).n_cells), readout, confidence, seed
        )
        levels = level_energies(counts.n_cells, energies)
        most = fsum(cell_energies(counts.n_cells, energies))
        sample = request.sample()
        raw = reconstruct(sample.outcomes)
        work, sigma = _bounds(sample, levels, request)
        smallest = float(np.linalg.eigvalsh(raw)[0])
        functionals = work_and_lowest(levels)
        guaranteed = guarantee(
            sample, lambda part: functionals(part)[0], request.confidence, request.rng()
        )
        return PauliEstimate(
            **request.common(sample, guaranteed),
            scheme=self.name,
            quantity="the work of the state",
            is_lower_bound=False,
            value=work.value,
            low=work.low,
            high=work.high,
            method=METHOD,
            plug_in=max(0.0, float(linear_ergotropy(raw, levels))),
            raw_value=_value(request.sample(mitigated=False), levels, request),
            energy=linear_interval(
                sample, observable_weights(np.diag(levels).astype(np.complex128)), request.z
            ).clipped(0.0, most),
            raw_state=raw,
            state=nearest_state(raw),
            smallest_eigenvalue=smallest,
            smallest_eigenvalue_sigma=sigma,
            warnings=(*_unphysical(smallest, sigma), *request.warnings()),
        )


def _bounds(sample: Sample, levels: FloatArray, request: Request) -> tuple[Interval, float]:
    """The work with its interval, and the honest z of the most negative direction."""
    (below, lowest), (below_error, lowest_error) = (
        array.tolist() for array in cross_fit(sample, work_and_lowest(levels), request.rng())
    )
    sigma = lowest / lowest_error
    above, above_error = upper_bound(sample, levels, positive=sigma > -UNPHYSICAL_SIGMA)
    z = request.z
    work = Interval((below + above) / 2, below - z * below_error, above + z * above_error)
    return work.clipped(0.0, float(levels.max())), sigma


def _value(sample: Sample, levels: FloatArray, request: Request) -> float:
    """The work without its interval."""
    below = left_out_means(sample, work_and_lowest(levels), request.rng())[0]
    above, _ = upper_bound(sample, levels)
    return min(max((float(below) + above) / 2, 0.0), float(levels.max()))


def _unphysical(smallest: float, sigma: float) -> tuple[str, ...]:
    if sigma > -UNPHYSICAL_SIGMA:
        return ()
    return (
        f"The raw state has an eigenvalue of {smallest:.3g}, {-sigma:.0f} standard errors "
        "below zero, so the measurement model is wrong (a bath left on during readout, a wrong "
        "assignment matrix, drift) and the interval cannot be trusted.",
    )


def upper_bound(sample: Sample, levels: FloatArray, positive: bool = True) -> tuple[float, float]:
    """W_c of the raw state, never below the truth in the mean, and its standard error.

    The populations above the cap are those whose sum (smallest eigenvalues of the raw state) is
    not above zero by `OCCUPIED_SIGMA` standard errors.

    Args:
        sample: the counts.
        levels: diagonal of H, shape (2^N,).
        positive: False where the counts contradict rho >= 0, on which a cap relies: then none.
    """
    raw = reconstruct(sample.outcomes)
    values, vectors = _descending(raw)
    filled = np.sort(levels)
    if positive:
        filled = np.minimum(filled, filled[_occupied(sample, values, vectors) - 1])
    operator = np.diag(levels) - _operator(vectors, filled)
    work = np.diagonal(raw).real @ levels - values @ filled
    return float(work), sample.standard_error(observable_weights(operator))


def work_and_lowest(levels: FloatArray) -> Functionals:
    """Two functionals to measure on left-out shots: work, and the most negative direction.

    The work operator is the mean of H - U^+ H U over the unitaries U that are optimal for the
    nearest density matrix. Any order of the eigenvectors that this state leaves empty is optimal,
    so they share the mean of their levels, and their noise drops out.
    """
    filled = np.sort(levels)

    def functionals(sample: Sample) -> FloatArray:
        """Weights of both operators, shape (2, 3^N, 2^N)."""
        values, vectors = _descending(reconstruct(sample.outcomes))
        rank = np.count_nonzero(nearest_spectrum(values))
        shared = filled.copy()
        if rank < len(filled):
            shared[rank:] = np.mean(filled[rank:])
        work = np.diag(levels) - _operator(vectors, shared)
        lowest = np.outer(vectors[:, -1], vectors[:, -1].conj())
        return observable_weights(np.stack([work, lowest]))

    return functionals


def _occupied(sample: Sample, values: FloatArray, vectors: ComplexArray) -> int:
    """Number of eigenvalues (descending) before the tail that is not significantly positive."""

    def empty(rank: int) -> bool:
        tail = vectors[:, rank:]
        error = sample.standard_error(observable_weights(tail @ tail.conj().T))
        return float(np.sum(values[rank:])) <= OCCUPIED_SIGMA * error

    return bisect_left(range(1, len(values)), True, key=empty) + 1


def _descending(raw: ComplexArray) -> tuple[FloatArray, ComplexArray]:
    values, vectors = np.linalg.eigh(raw)
    return values[::-1], vectors[:, ::-1]


def _operator(vectors: ComplexArray, values: FloatArray) -> ComplexArray:
    return np.asarray((vectors * values) @ vectors.conj().T, dtype=np.complex128)
