"""Reduce a Liouvillian to the real coordinates that a start can ever reach. Exact, no truncation.

A density matrix has 4^N real coordinates: its diagonal, and sqrt(2) Re, sqrt(2) Im of the upper
triangle. In them every Lindblad generator is a real matrix. Coordinates that the start does not
occupy and that no chain of couplings leads to stay zero for ever and are left out: from the ground
state only coherences between equally excited states remain (about half of C(2N, N) numbers instead
of 4^N, if nothing detunes the cells). See docs/physics.md, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.sparse as sp

from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.errors import InputError

#: Matrix elements below this share of the largest one are round-off of cancelled terms.
_ROUND_OFF = 1e-17
#: Largest norm of a generator times integrated time: some 4e5 evaluations, up to a minute.
MAX_EFFORT = 2e5


@dataclass(frozen=True)
class ReducedGenerator:
    """dy/dt = matrix y on the reachable coordinates of one start.

    Attributes:
        matrix: real sparse generator, shape (D, D).
        start: coordinates of the initial state, shape (D,).
        kept: indices of the D coordinates among all 4^N.
        dimension: 2^N.
    """

    matrix: sp.csr_array
    start: FloatArray
    kept: np.ndarray[Any, np.dtype[np.intp]]
    dimension: int

    def states(self, coordinates: FloatArray) -> ComplexArray:
        """Density matrices of coordinate rows: (..., D) -> (..., 2^N, 2^N)."""
        full = np.zeros((*coordinates.shape[:-1], self.dimension**2))
        full[..., self.kept] = coordinates
        flat = full.reshape(-1, self.dimension**2)
        columns = (hermitian_basis(self.dimension) @ flat.T).T
        shape = (*coordinates.shape[:-1], self.dimension, self.dimension)
        # Column-stacked: the first matrix index runs fastest.
        return np.ascontiguousarray(np.swapaxes(columns.reshape(shape), -1, -2))


def reduce_generator(liouvillian: sp.csr_array, start: ComplexArray) -> ReducedGenerator:
    """Real reduced generator of a column-stacking Liouvillian for one initial density matrix."""
    dimension = start.shape[0]
    basis = hermitian_basis(dimension)
    adjoint = sp.csr_array(basis.conj().T)
    generator = sp.csr_array((adjoint @ liouvillian @ basis).real)
    if generator.nnz:
        generator.data[np.abs(generator.data) < _ROUND_OFF * np.abs(generator.data).max()] = 0.0
        generator.eliminate_zeros()
    coordinates = np.asarray((adjoint @ start.reshape(-1, order="F")).real)
    reached = coordinates != 0.0
    pattern = sp.csr_array(
        (np.ones(generator.nnz), generator.indices, generator.indptr), shape=generator.shape
    )
    while True:
        grown = reached | (pattern @ reached.astype(np.float64) > 0.0)
        if np.array_equal(grown, reached):
            break
        reached = grown
    kept = np.flatnonzero(reached)
    matrix = sp.csr_array(generator[kept][:, kept])
    return ReducedGenerator(matrix, coordinates[kept], kept, dimension)


@lru_cache(maxsize=4)
def hermitian_basis(dimension: int) -> sp.csr_array:
    """Unitary from real Hermitian coordinates to column-stacked matrices, shape (d^2, d^2).

    Columns: d diagonal units, then (|a><b| + h.c.)/sqrt(2), then i(|b><a| - h.c.)/sqrt(2), a < b.
    """
    d = dimension
    a, b = np.triu_indices(d, k=1)
    pairs = np.arange(len(a))
    diagonal = np.arange(d)
    upper, lower = a + d * b, b + d * a
    real, imaginary = d + pairs, d + len(a) + pairs
    s = np.full(len(a), np.sqrt(0.5))
    rows = np.concatenate([diagonal * (d + 1), upper, lower, upper, lower])
    columns = np.concatenate([diagonal, real, real, imaginary, imaginary])
    values = np.concatenate([np.ones(d), s, s, -1j * s, 1j * s])
    return sp.csr_array((values, (rows, columns)), shape=(d * d, d * d))


def check_effort(generator: sp.csr_array, duration: float, what: str) -> None:
    """Refuse an integration that would take hours: norm of the generator times the time.

    Raises:
        InputError: with the field, the rule and the value.
    """
    effort = float(abs(generator).sum(axis=0).max()) * duration if generator.nnz else 0.0
    if not effort <= MAX_EFFORT:
        raise InputError(
            f"'{what}' must be at most {MAX_EFFORT:g} over the fastest rate of the model "
            f"({MAX_EFFORT * duration / effort:.3g}), not {duration:g}; check its unit, or lower "
            "the rates."
        )


def equal_steps(times: FloatArray) -> tuple[FloatArray, np.ndarray[Any, np.dtype[np.intp]]]:
    """Distinct steps of a time grid that starts at 0, and which of them leads to each time.

    Steps that differ by no more than the round-off of the times count as one, so an even grid has
    one step (and the step 0 where the grid itself starts at 0).
    """
    steps = np.diff(times, prepend=0.0)
    tolerance = 8 * np.finfo(np.float64).eps * max(times[-1], 0.0)
    order = np.argsort(steps, kind="stable")
    new = np.diff(steps[order], prepend=-np.inf) > tolerance
    which = np.empty(len(steps), dtype=np.intp)
    which[order] = np.cumsum(new) - 1
    return steps[order][new], which
