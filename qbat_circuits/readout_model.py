"""What is read: the Pauli settings, and a chip's readout errors as one assignment matrix per cell.

A[y, x] = P(read y | prepared x) turns the probabilities of the prepared bits into those of the
read bits; errors of different cells are independent, so N cells have the Kronecker product. A
reported P(0|1) already contains decay during readout (docs/physics.md, section 7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import InputError, broken_rule, check_integer, check_number, did_you_mean
from qbat_circuits.json_files import canonical_sha256

#: Largest number of cells with full Pauli tomography (3^8 settings of 2^8 outcomes: 13 MB).
MAX_TOMOGRAPHY_CELLS = 8
#: Smallest |1 - P(1|0) - P(0|1)| of a cell; below it the reading tells nothing about the cell.
MIN_CONTRAST = 1e-3

_KEYS = ("prob_meas1_prep0", "prob_meas0_prep1")


def pauli_settings(n_cells: int) -> tuple[str, ...]:
    """All 3^N Pauli settings in order: the leftmost letter is cell N-1, X before Y before Z.

    Raises:
        InputError: for more than `MAX_TOMOGRAPHY_CELLS` cells.
    """
    n = check_integer("n_cells", n_cells, at_least=1, at_most=MAX_TOMOGRAPHY_CELLS)
    return tuple("".join(letters) for letters in product("XYZ", repeat=n))


@dataclass(frozen=True, eq=False)
class ReadoutModel:
    """Assignment matrices of N cells, cell 0 first.

    Args:
        assignment: shape (N, 2, 2), ``assignment[i, y, x]`` = P(read y | prepared x) of cell i.

    Raises:
        InputError: for a wrong shape, entries outside [0, 1], columns that do not sum to 1 within
            1e-9, or a cell whose matrix is singular (it reads the same whatever was prepared).
    """

    assignment: FloatArray

    def __post_init__(self) -> None:
        try:
            given = np.array(self.assignment, dtype=np.float64)
        except (TypeError, ValueError):
            raise InputError("'assignment' must hold numbers in shape (N, 2, 2).") from None
        if given.ndim != 3 or given.shape[1:] != (2, 2) or given.shape[0] < 1:
            raise InputError(f"'assignment' must have shape (N, 2, 2), not {given.shape}.")
        for cell, matrix in enumerate(given):
            _check_matrix(cell, matrix)
        # Rebuilt from the two error rates, so that columns sum to 1 to the last bit.
        p10, p01 = np.clip(given[:, 1, 0], 0, 1), np.clip(given[:, 0, 1], 0, 1)
        exact = np.stack([np.stack([1 - p10, p01], -1), np.stack([p10, 1 - p01], -1)], -2)
        exact.flags.writeable = False
        object.__setattr__(self, "assignment", exact)

    @classmethod
    def from_error_rates(
        cls, prob_meas1_prep0: Sequence[float], prob_meas0_prep1: Sequence[float]
    ) -> ReadoutModel:
        """The model with these error probabilities, one number per cell, cell 0 first.

        Args:
            prob_meas1_prep0: P(read 1 | prepared 0) of each cell.
            prob_meas0_prep1: P(read 0 | prepared 1) of each cell.

        Raises:
            InputError: if a number is outside [0, 1], the lengths differ or a cell is unreadable.
        """
        p10 = _probabilities("prob_meas1_prep0", prob_meas1_prep0)
        p01 = _probabilities("prob_meas0_prep1", prob_meas0_prep1)
        if len(p10) != len(p01):
            raise InputError(
                "'prob_meas1_prep0' and 'prob_meas0_prep1' must hold one number per cell each, "
                f"not {len(p10)} and {len(p01)}."
            )
        return cls(np.array([[[1 - a, b], [a, 1 - b]] for a, b in zip(p10, p01, strict=True)]))

    @classmethod
    def ideal(cls, n_cells: int) -> ReadoutModel:
        """A readout without errors."""
        n = check_integer("n_cells", n_cells, at_least=1)
        return cls(np.tile(np.eye(2), (n, 1, 1)))

    @classmethod
    def from_dict(cls, content: Any) -> ReadoutModel:
        """The inverse of `to_dict`; refuses missing and unknown keys."""
        if not isinstance(content, Mapping):
            raise broken_rule("readout", f"an object with the keys {' and '.join(_KEYS)}", content)
        for key in content:
            if key not in _KEYS:
                raise InputError(f"'readout' has no key {key!r}{did_you_mean(key, _KEYS)}.")
        for key in _KEYS:
            if key not in content:
                raise InputError(f"'readout' must have the key '{key}'.")
        return cls.from_error_rates(*(content[key] for key in _KEYS))

    def to_dict(self) -> dict[str, list[float]]:
        """Error probabilities per cell, as JSON content."""
        return {
            "prob_meas1_prep0": self.assignment[:, 1, 0].tolist(),
            "prob_meas0_prep1": self.assignment[:, 0, 1].tolist(),
        }

    @property
    def n_cells(self) -> int:
        """Number of cells N."""
        return len(self.assignment)

    def identity(self) -> str:
        """SHA-256 of the whole content, as 64 hex digits: equal for equal models only."""
        return canonical_sha256(self.to_dict())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ReadoutModel):
            return NotImplemented
        return np.array_equal(self.assignment, other.assignment)

    def __hash__(self) -> int:
        return hash(self.assignment.tobytes())

    def apply(self, probabilities: FloatArray) -> FloatArray:
        """Probabilities of what is read: (A_{N-1} x ... x A_0) p, contracted cell by cell.

        Args:
            probabilities: shape (..., 2^N), by little-endian basis number.

        Raises:
            InputError: if the last axis is not 2^N long.
        """
        p = np.asarray(probabilities, dtype=np.float64)
        n = self.n_cells
        if p.ndim < 1 or p.shape[-1] != 2**n:
            raise InputError(
                f"'probabilities' must have shape (..., {2**n}) for {n} cells, not {p.shape}."
            )
        for i in range(n):
            bits = p.reshape(*p.shape[:-1], 2 ** (n - 1 - i), 2, 2**i)
            p = np.einsum("yx,...axb->...ayb", self.assignment[i], bits).reshape(p.shape)
        return np.asarray(p, dtype=np.float64)


def _check_matrix(cell: int, matrix: FloatArray) -> None:
    field = f"assignment of cell {cell}"
    entries_fit = bool(np.all((matrix >= -1e-9) & (matrix <= 1 + 1e-9)))  # False for NaN
    if not entries_fit or bool(np.any(np.abs(matrix.sum(axis=0) - 1) > 1e-9)):
        rule = "probabilities with columns that sum to 1 (A[y, x] = P(read y | prepared x))"
        raise broken_rule(field, rule, matrix.tolist())
    contrast = 1 - matrix[1, 0] - matrix[0, 1]
    if abs(contrast) < MIN_CONTRAST:
        rule = f"invertible, |1 - P(1|0) - P(0|1)| >= {MIN_CONTRAST:g}"
        raise broken_rule(field, rule, float(contrast))


def _probabilities(field: str, values: Any) -> list[float]:
    if isinstance(values, np.ndarray):
        values = values.tolist()
    if not isinstance(values, (list, tuple)) or not values:
        raise broken_rule(field, "a list with one probability per cell", values)
    return [check_number(f"{field}[{i}]", p, at_least=0, at_most=1) for i, p in enumerate(values)]
