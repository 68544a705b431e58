"""Reduce a generator to the real coordinates that a start can ever reach. Exact, no truncation.

A density matrix of dimension d has d^2 real coordinates: its diagonal, and sqrt(2) Re, -sqrt(2) Im
of the upper triangle. In them every Lindblad generator is a real matrix. Coordinates that the start
does not occupy and that no chain of couplings leads to stay zero for ever and are left out: from
the ground state of N two-level cells only coherences between equally excited states remain,
C(2N, N) numbers instead of 4^N, and half of them if nothing detunes the cells. See docs/physics.md,
section 4.

`reduce_model` grows the reachable matrix elements from the start column by column, so that the
generator on all d^2 never exists; `reduce_liouvillians` does the same to one that somebody else
built.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.errors import InputError

IndexArray = np.ndarray[Any, np.dtype[np.intp]]
#: Hamiltonian (or none) and dissipators (rate, L) of one part of a generator.
Part = tuple[sp.csr_array | None, Sequence[tuple[float, sp.csr_array]]]

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
        kept: indices of the D coordinates among all d^2, rising: first the diagonal, then the real
            and last the imaginary parts of the upper triangle, row by row.
        dimension: d.
    """

    matrix: sp.csr_array
    start: FloatArray
    kept: IndexArray
    dimension: int

    def states(self, coordinates: FloatArray) -> ComplexArray:
        """Density matrices of coordinate rows: (..., D) -> (..., d, d)."""
        d = self.dimension
        row, column = np.triu_indices(d, k=1)
        ends = np.searchsorted(self.kept, [d, d + len(row)])
        diagonal, real, imaginary = np.split(self.kept, ends)
        upper, where = np.unique(np.concatenate([real, imaginary - len(row)]), return_inverse=True)
        values = np.split(coordinates.reshape(-1, len(self.kept)), ends, axis=1)
        pairs = np.zeros((len(values[0]), len(upper)), dtype=np.complex128)
        pairs[:, where[: len(real)]] = np.sqrt(0.5) * values[1]
        pairs[:, where[len(real) :]] -= 1j * np.sqrt(0.5) * values[2]
        a, b = row[upper - d], column[upper - d]
        result = np.zeros((len(pairs), d * d), dtype=np.complex128)
        result[:, diagonal * (d + 1)] = values[0]
        result[:, a * d + b] = pairs
        result[:, b * d + a] = pairs.conj()
        return result.reshape(*coordinates.shape[:-1], d, d)


def reduce_model(
    hamiltonian: sp.csr_array, jumps: Sequence[tuple[float, sp.csr_array]], start: ComplexArray
) -> ReducedGenerator:
    """-i[H, .] + sum_k rate_k D[L_k] on the coordinates that one initial density matrix reaches.

    Args:
        hamiltonian: H, shape (d, d).
        jumps: dissipators (rate, L).
        start: density matrix at t = 0, shape (d, d).
    """
    return reduce_parts([(hamiltonian, jumps)], start)[0]


def reduce_parts(parts: Sequence[Part], start: ComplexArray) -> list[ReducedGenerator]:
    """Several generators on the coordinates that the start reaches by all of them together.

    For rates that change in time: the sum of the parts with any weights lives on these coordinates.

    Args:
        parts: (H or None, [(rate, L), ...]) each.
        start: density matrix at t = 0, shape (d, d).
    """
    terms = [_terms(hamiltonian, jumps, start.shape[0]) for hamiltonian, jumps in parts]
    reached = np.zeros(start.size, dtype=bool)
    found: list[list[tuple[IndexArray, IndexArray, ComplexArray]]] = [[] for _ in parts]
    new = _occupied(start)
    while len(new):
        reached[new] = True
        hit = np.zeros(start.size, dtype=bool)
        for one, entries in zip(terms, found, strict=True):
            fresh = [_columns(left, right, new) for left, right in one]
            for rows, _, _ in fresh:
                hit[rows] = True
            entries += fresh
        new = np.flatnonzero(hit & ~reached)
    pairs = np.flatnonzero(reached)
    position = np.cumsum(reached) - 1
    generators = []
    for entries in found:
        rows, columns, values = (np.concatenate(some) for some in zip(*entries, strict=True))
        shape = (len(pairs), len(pairs))
        generators.append(sp.csr_array((values, (position[rows], position[columns])), shape=shape))
    return _real(generators, pairs, start)


def reduce_liouvillians(
    liouvillians: Sequence[sp.csr_array], start: ComplexArray
) -> list[ReducedGenerator]:
    """Column-stacking Liouvillians on the coordinates that the start reaches by all of them.

    Args:
        liouvillians: each of shape (d^2, d^2) with vec(A X B) = (B^T (x) A) vec(X).
        start: density matrix at t = 0, shape (d, d).
    """
    occupied = np.zeros(start.size, dtype=bool)
    occupied[_occupied(start)] = True
    pairs = _reached(liouvillians, occupied)
    return _real([sp.csr_array(one[pairs][:, pairs]) for one in liouvillians], pairs, start)


def _terms(
    hamiltonian: sp.csr_array | None, jumps: Sequence[tuple[float, sp.csr_array]], dimension: int
) -> list[tuple[sp.csc_array, sp.csc_array]]:
    """The generator as sum of A rho B^+, by columns: K rho + rho K^+ + sum sqrt(r)L rho sqrt(r)L^+.

    K = -iH - sum r L^+ L / 2.
    """
    decay = sp.csr_array((dimension, dimension), dtype=np.complex128)
    if hamiltonian is not None:
        decay = decay - 1j * hamiltonian
    sandwiches = []
    for rate, jump in jumps:
        decay = decay - 0.5 * rate * (jump.conj().T @ jump)
        sandwiches.append((sp.csc_array(rate * jump), sp.csc_array(jump)))
    identity = sp.eye_array(dimension, dtype=np.complex128, format="csc")
    columns = sp.csc_array(decay)
    columns.eliminate_zeros()
    return [(columns, identity), (identity, columns), *sandwiches]


def _columns(
    left: sp.csc_array, right: sp.csc_array, pairs: IndexArray
) -> tuple[IndexArray, IndexArray, ComplexArray]:
    """Elements (row, column, value) of rho -> A rho B^+ in the columns of some matrix elements.

    |a><b| goes to sum_cd A_ca conj(B_db) |c><d|, every column of A paired with one of B.
    """
    d = left.shape[0]
    a, b = pairs % d, pairs // d
    lengths = np.diff(right.indptr)[b].astype(np.intp)
    counts = np.diff(left.indptr)[a] * lengths
    which = np.repeat(np.arange(len(pairs)), counts)
    within = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    c, e = np.divmod(within, lengths[which])
    c += left.indptr[a][which]
    e += right.indptr[b][which]
    rows = left.indices[c] + d * right.indices[e].astype(np.intp)
    return rows, pairs[which], left.data[c] * right.data[e].conj()


def _occupied(start: ComplexArray) -> IndexArray:
    """Column-stacked indices of the matrix elements of the start, closed under transposition."""
    pattern = start != 0.0
    return np.flatnonzero((pattern | pattern.T).reshape(-1, order="F"))


def _reached(generators: Sequence[sp.csr_array], occupied: Any) -> IndexArray:
    """Indices that some chain of couplings leads to from the occupied ones, these included."""
    patterns = [
        sp.csr_array((np.ones(one.nnz), one.indices, one.indptr), shape=one.shape)
        for one in generators
    ]
    reached = occupied
    while True:
        flow = reached.astype(np.float64)
        grown = reached | np.any([one @ flow > 0.0 for one in patterns], axis=0)
        if np.array_equal(grown, reached):
            return np.flatnonzero(reached)
        reached = grown


def _real(
    generators: Sequence[sp.csr_array], pairs: IndexArray, start: ComplexArray
) -> list[ReducedGenerator]:
    """From matrix elements closed under transposition to the real coordinates reached."""
    basis, names = _hermitian_basis(pairs, start.shape[0])
    adjoint = sp.csr_array(basis.conj().T)
    matrices = [sp.csr_array((adjoint @ one @ basis).real) for one in generators]
    for matrix in matrices:
        if matrix.nnz:
            floor = _ROUND_OFF * np.abs(matrix.data).max()
            matrix.data[np.abs(matrix.data) < floor] = 0.0
        matrix.eliminate_zeros()
    coordinates = np.asarray((adjoint @ start.reshape(-1, order="F")[pairs]).real)
    kept = _reached(matrices, coordinates != 0.0)
    return [
        ReducedGenerator(
            sp.csr_array(one[kept][:, kept]), coordinates[kept], names[kept], start.shape[0]
        )
        for one in matrices
    ]


def _hermitian_basis(pairs: IndexArray, dimension: int) -> tuple[sp.csr_array, IndexArray]:
    """Unitary from real Hermitian coordinates to some column-stacked matrix elements.

    Columns: diagonal units, then (|a><b| + h.c.)/sqrt(2), then i(|b><a| - h.c.)/sqrt(2), a < b.

    Returns:
        The basis, and the index of each of its columns among all d^2 coordinates (rising).
    """
    d = dimension
    row, column = np.triu_indices(d, k=1)
    present = np.zeros(d * d, dtype=bool)
    present[pairs] = True
    position = np.cumsum(present) - 1
    diagonal = np.flatnonzero(present[:: d + 1])
    upper = np.flatnonzero(present[row + d * column])
    a, b = row[upper], column[upper]
    above, below = position[a + d * b], position[b + d * a]
    k, n = len(diagonal), len(upper)
    real, imaginary = k + np.arange(n), k + n + np.arange(n)
    s = np.full(n, np.sqrt(0.5))
    rows = np.concatenate([position[diagonal * (d + 1)], above, below, above, below])
    columns = np.concatenate([np.arange(k), real, real, imaginary, imaginary])
    values = np.concatenate([np.ones(k), s, s, -1j * s, 1j * s])
    basis = sp.csr_array((values, (rows, columns)), shape=(len(pairs), k + 2 * n))
    return basis, np.concatenate([diagonal, d + upper, d + len(row) + upper])


def check_effort(fastest: float, duration: float, what: str) -> None:
    """Refuse an integration that would take hours: fastest rate (`norm`) times the time.

    Raises:
        InputError: with the field, the rule and the value.
    """
    effort = fastest * duration
    if not effort <= MAX_EFFORT:
        raise InputError(
            f"'{what}' must be at most {MAX_EFFORT:g} over the fastest rate of the model "
            f"({MAX_EFFORT * duration / effort:.3g}), not {duration:g}; check its unit, or lower "
            "the rates."
        )


def norm(generator: sp.csr_array) -> float:
    """Largest sum of absolute values of a column: a bound on every rate of the generator."""
    return float(abs(generator).sum(axis=0).max()) if generator.nnz else 0.0


def equal_steps(times: FloatArray) -> tuple[FloatArray, IndexArray]:
    """Distinct steps of a time grid that starts at 0, and which of them leads to each time.

    Steps that differ by no more than the round-off of their own times count as one, so an even grid
    has one step (and the step 0 where the grid itself starts at 0).
    """
    steps = np.diff(times, prepend=0.0)
    round_off = 4 * np.finfo(np.float64).eps * np.maximum(times, 0.0)
    which = np.empty(len(steps), dtype=np.intp)
    kept: list[int] = []
    for i in np.argsort(steps, kind="stable").tolist():
        own = round_off[i] + (round_off[kept[-1]] if kept else 0.0)
        if not kept or steps[i] - steps[kept[-1]] > own:
            kept.append(i)
        which[i] = len(kept) - 1
    return steps[kept], which
