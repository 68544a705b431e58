"""How a common bath couples to the cells: equally, with unequal amplitudes, partly, or in phase.

Emission and absorption carry a correlation matrix Gamma_ij in units of the collective rate kappa:
Gamma_ij = g_i C_ij g_j with amplitudes g_i and C = 1 everywhere (one common mode), c off the
diagonal (partial correlation), any positive semidefinite matrix, or cos(k(x_i - x_j)) for cells
along a waveguide, where they also exchange excitations coherently. See docs/physics.md, section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import InputError, broken_rule, check_number, shown

#: Eigenvalues of a correlation matrix below this share of its size are round-off of zeros.
_ROUND_OFF = 1e-12

Row = tuple[float, ...]


@dataclass(frozen=True)
class Coupling:
    """The correlation matrix of a common bath, by its rule. The default is one mode for all cells.

    Args:
        correlation: c off the diagonal, -1/(N-1) <= c <= 1, or a whole matrix C_ij, symmetric,
            positive semidefinite, with 1 on the diagonal. c = 1 is one common mode (kept as None),
            c = 0 gives every cell a bath of its own.
        positions: of the cells along a waveguide, in wavelengths, instead of a correlation:
            C_ij = cos(2 pi (x_i - x_j)), exchange J_ij = sin(2 pi |x_i - x_j|) / 2.
        amplitudes: g_i of each cell, real; cell i alone has the rate kappa g_i^2.

    Raises:
        InputError: if a number is none, a matrix is no correlation matrix, both a correlation and
            positions are given, or the numbers of cells differ.

    Source: docs/physics.md, section 2; Lalumiere et al., PRA 88, 043806 (2013), arXiv:1305.7135.
    """

    correlation: float | tuple[Row, ...] | None = None
    positions: Row | None = None
    amplitudes: Row | None = None

    def __post_init__(self) -> None:
        if self.correlation is not None and self.positions is not None:
            raise InputError("'correlation' and 'positions' must not be given together.")
        object.__setattr__(self, "correlation", _correlation(self.correlation))
        for name in ("positions", "amplitudes"):
            object.__setattr__(self, name, _row(name, getattr(self, name)))
        if self.amplitudes is not None and not any(self.amplitudes):
            raise InputError("'amplitudes' must not all be 0: give the bath the rate 0 instead.")
        counts = {
            len(values)
            for values in (self.correlation, self.positions, self.amplitudes)
            if isinstance(values, tuple)
        }
        if len(counts) > 1:
            raise InputError(
                "'correlation', 'positions' and 'amplitudes' must be of one number of cells, not "
                f"{' and '.join(map(str, sorted(counts)))}."
            )

    @property
    def n_cells(self) -> int | None:
        """Number of cells that the coupling is made for; None where it fits any number."""
        for values in (self.correlation, self.positions, self.amplitudes):
            if isinstance(values, tuple):
                return len(values)
        return None

    @property
    def strength(self) -> float:
        """g^2 of the amplitude that all cells share (`common`): what it makes of every rate."""
        return (self.amplitudes or (1.0,))[0] ** 2

    def check_cells(self, n_cells: int) -> None:
        """Refuse a number of cells that this coupling does not fit.

        Raises:
            InputError: naming the rule.
        """
        if self.n_cells not in (None, n_cells):
            raise InputError(
                f"'coupling' must be of as many cells as the battery ({n_cells}), not "
                f"{self.n_cells}."
            )
        c = self.correlation
        if isinstance(c, float) and n_cells > 1 and c < -1 / (n_cells - 1) - _ROUND_OFF:
            raise InputError(
                f"'correlation' must be >= -1/(N-1) ({-1 / (n_cells - 1):.4g}) for {n_cells} "
                f"cells, not {c:g}."
            )

    def matrix(self, n_cells: int) -> FloatArray:
        """Gamma_ij / kappa, shape (N, N), symmetric and positive semidefinite."""
        weighted = [weight * np.outer(mode, mode) for weight, mode in self.modes(n_cells)]
        return np.asarray(sum(weighted, np.zeros((n_cells, n_cells))))

    def modes(self, n_cells: int) -> list[tuple[float, FloatArray]]:
        """(weight, v) of each mode: Gamma = sum weight v v^T, so the jumps are sum_i v_i sigma_-^i.

        One mode v = g for a common bath, two for a waveguide (its cosine and its sine), else the
        eigenvectors of C.
        """
        self.check_cells(n_cells)
        g = np.ones(n_cells) if self.amplitudes is None else np.array(self.amplitudes)
        if self.positions is not None:
            phase = 2 * np.pi * (np.array(self.positions) - self.positions[0])
            modes = [(1.0, np.cos(phase)), (1.0, np.sin(phase))]
        elif self.correlation is None:
            modes = [(1.0, np.ones(n_cells))]
        elif self.correlation == 0.0:
            modes = [(1.0, row) for row in np.eye(n_cells)]
        else:
            weights, vectors = np.linalg.eigh(self._square(n_cells))
            modes = list(zip(weights.tolist(), vectors.T, strict=True))
        return [
            (weight, g * mode)
            for weight, mode in modes
            if weight * float(mode @ mode) > _ROUND_OFF * n_cells
        ]

    def exchange(self, n_cells: int) -> FloatArray:
        """J_ij / kappa of sum_{i<j} J_ij (sigma_+^i sigma_-^j + h.c.), shape (N, N), 0 diagonal."""
        self.check_cells(n_cells)
        if self.positions is None:
            return np.zeros((n_cells, n_cells))
        x = np.array(self.positions)
        g = np.ones(n_cells) if self.amplitudes is None else np.array(self.amplitudes)
        result = np.sin(2 * np.pi * np.abs(x[:, None] - x)) / 2 * np.outer(g, g)
        # Whole and half wavelengths apart nothing is exchanged; their sine is round-off.
        result[np.abs(result) < _ROUND_OFF] = 0.0
        return np.asarray(result)

    @property
    def common(self) -> bool:
        """Whether all cells couple alike to one mode, so that its jumps are J_- and J_+."""
        one_mode = self.positions is None and self.correlation is None
        return one_mode and len(set(self.amplitudes or (1.0,))) == 1

    def _square(self, n_cells: int) -> FloatArray:
        c = self.correlation
        if isinstance(c, tuple):
            return np.array(c)
        off = 1.0 if c is None else c
        return off * np.ones((n_cells, n_cells)) + (1.0 - off) * np.eye(n_cells)


def _correlation(value: object) -> float | tuple[Row, ...] | None:
    if value is None:
        return None
    if not isinstance(value, (Sequence, np.ndarray)) or isinstance(value, str):
        c = check_number("correlation", value, at_least=-1, at_most=1)
        return None if c == 1 else c  # one common mode
    rows = value.tolist() if isinstance(value, np.ndarray) else list(value)
    if not rows or any(not isinstance(row, (list, tuple)) or len(row) != len(rows) for row in rows):
        raise broken_rule("correlation", "a number or a square matrix", value)
    matrix = np.array([[check_number("correlation", x) for x in row] for row in rows])
    if np.abs(np.diagonal(matrix) - 1).max() > _ROUND_OFF:
        raise InputError(
            "'correlation' must have 1 on its diagonal (use 'amplitudes' for unequal couplings), "
            f"not {shown(np.diagonal(matrix).tolist())}."
        )
    if np.abs(matrix - matrix.T).max() > _ROUND_OFF:
        raise InputError("'correlation' must be a symmetric matrix.")
    smallest = float(np.linalg.eigvalsh(matrix)[0])
    if smallest < -_ROUND_OFF * len(matrix):
        raise InputError(
            f"'correlation' must have no negative eigenvalue, not {smallest:.4g}: no bath has it."
        )
    return tuple(tuple(row) for row in matrix.tolist())


def _row(name: str, value: object) -> Row | None:
    if value is None:
        return None
    given = value.tolist() if isinstance(value, np.ndarray) else value
    if isinstance(given, str) or not isinstance(given, Sequence) or not given:
        raise broken_rule(name, "a list with one number per cell", given)
    limit = 1e6
    return tuple(check_number(name, x, at_least=-limit, at_most=limit) for x in given)


#: One mode that sees all cells alike.
ONE_MODE = Coupling()
