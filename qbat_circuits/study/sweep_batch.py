"""Charging curves of many symmetric models at once, on populations p(j, m).

exp(Q t) p(0) is a combination of powers of a few resolvents R_i = (s_i - Q)^-1, s_i > 0:

    exp(Q t) p(0) = sum_ik c_ik(t) sqrt(2 s_i) (1 - 2 s_i R_i)^k R_i p(0)

(1 - 2 s R is at most 1 in size wherever Re Q <= 0, so the powers stay bounded). The coefficients
depend on the times alone: they are fitted once per time grid, for eigenvalues in a sector around
the negative axis, and serve every model. The resolvents are block elimination by levels k, whose
blocks hold rates of one sign, without pivots; every step of it acts on all models of a batch.
Rational approximation with few repeated real poles: Norsett, BIT 14, 63 (1974),
doi:10.1007/BF01933119.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from functools import lru_cache

import numpy as np

from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.symmetric.ergotropy import passive_energy_jm
from qbat_circuits.symmetric.rates import Rates, moves
from qbat_circuits.symmetric.sectors_jm import (
    IntArray,
    level_capacities,
    multiplicities,
    states_jm,
)

#: Beyond this many cells one curve after the other is faster.
MAX_CELLS = 32
#: Powers of every resolvent; how many fewer the estimate of the error takes.
_POWERS, _BACK = 30, 4
#: Longest over shortest time > 0 up to which this many resolvents serve.
_RESOLVENTS = ((1.0e3, 3), (5.0e3, 4), (2.0e5, 5))
#: Half opening angle of the sector, and largest error of a fit there.
_ANGLES, _FIT_LIMIT = (0.0, 0.25, 0.5), 3e-11
#: Populations below this are 0 for the order of the eigenvalues.
_NEGLIGIBLE = 1e-14
#: An order of eigenvalues is tried on this many times before the next one is sought.
_TRIED = 6


@dataclass(frozen=True, eq=False)
class TimeFit:
    """Coefficients of one time grid.

    Attributes:
        poles: s_i, shape (P,).
        coefficients: c(t), shape (T, K P); the first axis of the second is the power.
        probes: indices of times, shape (probes,).
        shorter: c of the fit with fewer powers at the probes, the missing ones 0.
    """

    poles: FloatArray
    coefficients: FloatArray
    probes: IntArray
    shorter: FloatArray


@lru_cache(maxsize=8)
def time_fit(times: tuple[float, ...]) -> TimeFit | None:
    """The fit for a time grid; None where few resolvents do not serve it.

    Args:
        times: >= 0 and rising.
    """
    grid = np.array(times)
    positive = grid[grid > 0]
    reach = positive[-1] / positive[0]
    count = next((count for limit, count in _RESOLVENTS if reach <= limit), None)
    if count is None or len(grid) > 2000:
        return None
    poles = np.geomspace(30.0 / positive[-1], 15.0 / positive[0], count)
    radii = np.geomspace(1e-3 / positive[-1], 1e4 / positive[0], 300)
    where = np.concatenate([[0j], *(-radii * np.exp(1j * angle) for angle in _ANGLES)])
    basis = _scalar_basis(where, poles)
    exact = np.exp(where[:, None] * positive)
    coefficients = np.zeros((len(grid), basis.shape[1]))
    coefficients[grid > 0] = _fitted(basis, exact)
    error = np.abs(basis @ coefficients[grid > 0].T - exact).max()
    if error > _FIT_LIMIT:
        return None
    probes = np.unique(np.linspace(0, len(positive) - 1, 8).astype(np.int64))
    kept = (_POWERS - _BACK) * count
    shorter = np.zeros((len(probes), basis.shape[1]))
    shorter[:, :kept] = _fitted(basis[:, :kept], exact[:, probes])
    return TimeFit(poles, coefficients, probes + (len(grid) - len(positive)), shorter)


def _scalar_basis(x: ComplexArray, poles: FloatArray) -> ComplexArray:
    """sqrt(2 s) (1 - 2 s/(s - x))^k / (s - x), shape (len(x), K P)."""
    resolvent = 1.0 / (poles - x[:, None])
    columns = [np.sqrt(2 * poles) * resolvent]
    for _ in range(_POWERS - 1):
        columns.append(columns[-1] * (1 - 2 * poles * resolvent))
    return np.concatenate(columns, axis=1)


def _fitted(basis: ComplexArray, exact: ComplexArray) -> FloatArray:
    """Real least squares for complex rows, shape (columns of exact, columns of basis)."""
    left, right = (np.concatenate([part.real, part.imag]) for part in (basis, exact))
    return np.asarray(np.linalg.lstsq(left, right, rcond=1e-15)[0].T)


def populations_many(
    n_cells: int, models: Sequence[Rates], fit: TimeFit, times: FloatArray, starts: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """p(j, m) of every model at every time, and an estimate of the error.

    Args:
        n_cells: N.
        models: their rates.
        fit: of the times.
        times: shape (T,).
        starts: populations at time 0, shape (len(models), n_states).

    Returns:
        Populations, shape (len(models), T, n_states), and the largest sum of |error| over the
        states that dropping the last powers makes at a few times, shape (len(models),): well above
        the error of the populations returned.
    """
    count, size = starts.shape
    poles = np.repeat(fit.poles, count)
    solve = _Resolvent(n_cells, models, fit.poles)
    powers = np.empty((count, _POWERS, len(fit.poles), size))
    vector = np.sqrt(2 * poles) * solve(np.tile(starts.T, len(fit.poles)))
    for k in range(_POWERS):
        if k:
            vector = vector - 2 * poles * solve(vector)
        powers[:, k] = vector.reshape(size, -1, count).transpose(2, 1, 0)
    flat = powers.reshape(count, -1, size)
    result = np.matmul(fit.coefficients, flat)
    result[:, times == 0] = starts[:, None]
    change = np.matmul(fit.shorter, flat) - result[:, fit.probes]
    return result, np.abs(change).sum(axis=-1).max(axis=-1)


class _Resolvent:
    """(s - Q)^-1 for every pole and every model, pole by pole in the last axis."""

    def __init__(self, n_cells: int, models: Sequence[Rates], poles: FloatArray) -> None:
        states = states_jm(n_cells)
        self.ends = np.searchsorted(states.level, np.arange(n_cells + 2))
        table = np.tile(np.array([astuple(rates) for rates in models]).T, len(poles))
        diagonal = np.repeat(poles, len(models)) + np.zeros((states.size, 1))
        steps = {}
        for step, weights in _unit_moves(n_cells).items():
            steps[step] = weights.T @ table
            diagonal += steps[step]
        self.inverses: list[FloatArray] = []
        self.up: list[FloatArray] = []
        self.down: list[FloatArray] = []
        above: FloatArray | None = None
        for k in range(n_cells, -1, -1):
            block = self._block(steps, k, 0)
            place = np.arange(len(block))
            block[place, place] = diagonal[self.ends[k] : self.ends[k + 1]]
            if above is not None:
                down = self._block(steps, k + 1, -1)
                up = np.einsum("ijm,jlm->ilm", above, self._block(steps, k, 1))
                block -= np.einsum("ijm,jlm->ilm", down, up)
                self.down.append(down)
                self.up.append(up)
            above = _inverse(block)
            self.inverses.append(above)
        for blocks in (self.inverses, self.up, self.down):
            blocks.reverse()

    def _block(self, steps: dict[tuple[int, int], FloatArray], k: int, by: int) -> FloatArray:
        """Minus the rates from level k to level k + by, shape (states there, states here, M)."""
        here = slice(self.ends[k], self.ends[k + 1])
        width = self.ends[k + 1] - self.ends[k]
        height = self.ends[k + by + 1] - self.ends[k + by]
        block = np.zeros((height, width, steps[1, 0].shape[1]))
        for (step_k, step_a), rate in steps.items():
            if step_k == by:
                a = np.arange(width)
                inside = (a + step_a >= 0) & (a + step_a < height)
                block[a[inside] + step_a, a[inside]] = -rate[here][inside]
        return block

    def __call__(self, right: FloatArray) -> FloatArray:
        """Solution for right-hand sides of shape (n_states, M)."""
        parts = [right[a:b] for a, b in zip(self.ends, self.ends[1:], strict=False)]
        top = len(parts) - 1
        for k in range(top, -1, -1):
            here = parts[k]
            if k < top:
                here = here - np.einsum("ijm,jm->im", self.down[k], parts[k + 1])
            parts[k] = np.einsum("ijm,jm->im", self.inverses[k], here)
        for k in range(top):
            parts[k + 1] = parts[k + 1] - np.einsum("ijm,jm->im", self.up[k], parts[k])
        return np.concatenate(parts)


@lru_cache(maxsize=4)
def _unit_moves(n_cells: int) -> dict[tuple[int, int], FloatArray]:
    """Rate out of each state by step of (k, a), per unit of each of the five channels."""
    states = states_jm(n_cells)
    names = [field.name for field in fields(Rates)]
    result: dict[tuple[int, int], FloatArray] = {}
    for row, unit in enumerate(names):
        for step_k, step_a, rate in moves(
            states, Rates(**{name: float(name == unit) for name in names})
        ):
            weights = result.setdefault((step_k, step_a), np.zeros((len(names), states.size)))
            weights[row] += rate
    return result


def _inverse(block: FloatArray) -> FloatArray:
    """Inverses of matrices [i, j, model] with a dominant diagonal, by Gauss-Jordan in place."""
    for p in range(len(block)):
        pivot = 1.0 / block[p, p]
        row, column = block[p] * pivot, block[:, p].copy()
        block -= column[:, None] * row
        block[:, p] = -column * pivot
        block[p] = row
        block[p, p] = pivot
    return block


def ergotropies(n_cells: int, populations: FloatArray) -> FloatArray:
    """Ergotropy of populations along curves, shape (..., T), in units of the cell energy.

    The same as `ergotropy_jm` to 1e-11: the order of the eigenvalues, which decides how they fill
    the levels, changes little along a curve, so that of one time is tried on the next few.

    Args:
        n_cells: N.
        populations: shape (..., T, n_states).
    """
    states = states_jm(n_cells)
    d = np.array(multiplicities(n_cells), dtype=np.float64)[states.deficit]
    p = np.where(populations > _NEGLIGIBLE, populations, 0.0)
    passive = np.empty(p.shape[:-1])
    for first in range(0, p.shape[-2], _TRIED):
        part = p[..., first : first + _TRIED, :]
        values = part / d
        order = np.argsort(-values[..., 0, :], axis=-1)
        energy = np.einsum("...ti,...i->...t", part, _mean_levels(n_cells, d, order))
        along = np.take_along_axis(values, order[..., None, :], axis=-1)
        unsorted = (along[..., 1:] > along[..., :-1]).any(axis=-1)
        energy[unsorted] = passive_energy_jm(n_cells, part[unsorted])
        passive[..., first : first + _TRIED] = energy
    return np.maximum(p @ states.level.astype(np.float64) - passive, 0.0)


def _mean_levels(n_cells: int, d: FloatArray, order: IntArray) -> FloatArray:
    """Mean level that each state's d_j eigenvalues fill, taken in this order."""
    capacities = np.array(level_capacities(n_cells), dtype=np.float64)
    ends = np.concatenate([[0.0], np.cumsum(capacities)])
    sums = np.concatenate([[0.0], np.cumsum(capacities * np.arange(n_cells + 1))])
    filled = np.cumsum(d[order], axis=-1)
    levels = np.diff(np.interp(filled, ends, sums), axis=-1, prepend=0.0) / d[order]
    result: FloatArray = np.empty_like(levels)
    np.put_along_axis(result, order, levels, axis=-1)
    return result
