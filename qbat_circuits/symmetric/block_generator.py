"""Generator of identical cells on a squeezed bath, on the elements of the blocks rho_j.

With e = |j, m><j, m'| the moves of the rate equation (`rates`, out of (j, m) at rate R_m) become

    e -> sqrt(R_m R_m') e'  - (R_m + R_m')/2 e  - D (N+2)/(J(J+2)) (m - m')^2/2 e      J = 2j

with m and m' moved alike, because the amplitude of a move has the same sign for all m; only D[n_i],
at rate D, has a part without a move, with amplitude ~ m, whence the last term (Chase and Geremia,
PRA 78, 052101 (2008), doi:10.1103/PhysRevA.78.052101; Shammah et al., PRA 98, 063815 (2018),
doi:10.1103/PhysRevA.98.063815). Squeezing, K_12 = C, adds

    C (J_- rho J_- - {J_- J_-, rho}/2) + h.c.

which changes q = m' - m by 2, and a common detuning delta adds i delta q. In units of
e^{i q phi/2}, phi the phase of C, everything but the detuning is real. Source: docs/physics.md,
sections 2 and 4.
"""

from __future__ import annotations

import cmath
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.symmetric.blocks import BlockElements, Blocks, block_elements
from qbat_circuits.symmetric.rates import Rates, moves
from qbat_circuits.symmetric.sectors_jm import IntArray, states_jm

#: Step of k, of k' and of a, and the value out of each element.
Term = tuple[int, int, int, FloatArray]


@dataclass(frozen=True, eq=False)
class BlockGenerator:
    """dy/dt = matrix y on the real coordinates that a start occupies or ever reaches.

    y holds Re rho(k, k') for the kept k <= k', then Im rho(k, k') for k < k' where it is needed,
    both in units of `phase`. The kept ones have the parities of k' - k of the start; without
    squeezing, its very differences.

    Attributes:
        elements: all elements of the blocks.
        matrix: real sparse generator.
        real, imaginary: places among all elements of those two parts of y.
        phase: e^{i q phi/2} of every element.
    """

    elements: BlockElements
    matrix: sp.csc_array
    real: IntArray
    imaginary: IntArray
    phase: ComplexArray

    @property
    def places(self) -> IntArray:
        """Place among all elements of each coordinate."""
        return np.concatenate([self.real, self.imaginary])

    def population_places(self) -> IntArray:
        """Coordinate of every population p(j, m), in the order of `states_jm`."""
        states = states_jm(self.elements.n_cells)
        diagonal = self.elements.index(states.deficit, states.level, states.level)
        return np.searchsorted(self.real, diagonal)

    def coordinates(self, state: Blocks) -> FloatArray:
        """y of a state without elements outside the kept ones."""
        values = state.elements() * self.phase.conj()
        return np.concatenate([values[self.real].real, values[self.imaginary].imag])

    def state(self, y: FloatArray) -> Blocks:
        """The blocks of coordinates y, checked to be a state."""
        e = self.elements
        upper = np.zeros(e.size, dtype=np.complex128)
        upper[self.real] = y[: len(self.real)]
        upper[self.imaginary] += 1j * y[len(self.real) :]
        upper *= self.phase
        lower = np.where(e.order > 0, upper, 0.0)[e.index(e.deficit, e.column, e.row)].conj()
        return Blocks.from_elements(e.n_cells, upper + lower)


def block_generator(
    n_cells: int, rates: Rates, cross: complex, detuning: float, start: Blocks
) -> BlockGenerator:
    """The generator of a model on what a start reaches.

    Args:
        n_cells: N.
        rates: of all channels but the cross term.
        cross: K_12 of the collective bath.
        detuning: delta of H = delta sum_i n_i.
        start: the state at time 0.
    """
    e = block_elements(n_cells)
    phase = np.exp(0.5j * cmath.phase(cross) * e.order)
    values = start.elements() * phase.conj()
    distance = np.abs(e.order)
    occupied = np.unique(distance[values != 0])
    kept = np.isin(distance % 2, occupied % 2) if cross else np.isin(distance, occupied)
    real = np.flatnonzero(kept & (e.order >= 0))
    complex_ = bool(values.imag.any() or (detuning and kept[distance > 0].any()))
    imaginary = real[e.order[real] > 0] if complex_ else real[:0]
    full = _generator(e, rates, abs(cross))
    mirror = e.index(e.deficit, e.column, e.row)
    even = full[real] @ _unfolded(e.size, real, mirror[real], 1.0)
    odd = full[imaginary] @ _unfolded(e.size, imaginary, mirror[imaginary], -1.0)
    matrix = sp.block_diag([even, odd], format="csc")
    if complex_ and detuning:
        # d rho/dt = i delta q rho.
        partner = np.searchsorted(real, imaginary)
        own = len(real) + np.arange(len(imaginary))
        turning = detuning * e.order[imaginary]
        entries = np.concatenate([-turning, turning])
        where = np.concatenate([partner, own]), np.concatenate([own, partner])
        matrix = matrix + sp.csc_array((entries, where), shape=matrix.shape)
    return BlockGenerator(e, sp.csc_array(matrix), real, imaginary, phase)


def _unfolded(size: int, upper: IntArray, mirror: IntArray, sign: float) -> sp.csc_array:
    """From elements k <= k' to all: (k', k) is ``sign`` times (k, k')."""
    column = np.arange(len(upper))
    off = mirror != upper
    values = np.concatenate([np.ones(len(upper)), np.full(int(off.sum()), sign)])
    rows = np.concatenate([upper, mirror[off]])
    entries = values, (rows, np.concatenate([column, column[off]]))
    return sp.csc_array(entries, shape=(size, len(upper)))


def _generator(e: BlockElements, rates: Rates, cross: float) -> sp.csr_array:
    """The real generator without detuning on all elements, for a cross term >= 0."""
    place = np.arange(e.size)
    rows, columns, values = [], [], []
    for step_k, step_l, step_a, value in _terms(e, rates, cross):
        source = place[value != 0]
        a, k, l_ = e.deficit[source], e.row[source], e.column[source]
        rows.append(e.index(a + step_a, k + step_k, l_ + step_l))
        columns.append(source)
        values.append(value[source])
    entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    return sp.csr_array(entries, shape=(e.size, e.size))


def _terms(e: BlockElements, rates: Rates, cross: float) -> Iterator[Term]:
    """Every kind of term of the generator, the decay of each element last."""
    states = states_jm(e.n_cells)
    row, column = states.index(e.row, e.deficit), states.index(e.column, e.deficit)
    leaving = np.zeros(states.size)
    for step_k, step_a, rate in moves(states, rates):
        root = np.sqrt(rate)
        yield step_k, step_k, step_a, root[row] * root[column]
        leaving += rate
    if cross:
        yield from _squeezing(e, cross)
    two_j = np.maximum(e.n_cells - 2 * e.deficit, 1)
    spread = (e.n_cells + 2) / (two_j * (two_j + 2)) * e.order**2
    yield 0, 0, 0, -(leaving[row] + leaving[column] + rates.dephasing * spread) / 2


def _squeezing(e: BlockElements, cross: float) -> Iterator[Term]:
    """C (J_- rho J_- - {J_- J_-, rho}/2) + h.c. for real C."""
    k, l_ = e.row, e.column

    def up(level: IntArray) -> FloatArray:
        """<k+1|J_+|k>, 0 at the top of the sector."""
        return np.sqrt(np.maximum((level + 1 - e.deficit) * (e.n_cells - e.deficit - level), 0))

    yield -1, 1, 0, cross * up(k - 1) * up(l_)
    yield 1, -1, 0, cross * up(k) * up(l_ - 1)
    yield -2, 0, 0, -cross / 2 * up(k - 1) * up(k - 2)
    yield 2, 0, 0, -cross / 2 * up(k) * up(k + 1)
    yield 0, -2, 0, -cross / 2 * up(l_ - 1) * up(l_ - 2)
    yield 0, 2, 0, -cross / 2 * up(l_) * up(l_ + 1)
