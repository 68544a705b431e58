"""What is read: the Pauli settings, and a chip's readout errors as one assignment matrix per cell.

A[y, x] = P(read y | prepared x) turns the probabilities of the prepared levels into those of the
readings; errors of different cells are independent, so N cells have the Kronecker product. A
reported P(0|1) already contains decay during readout (docs/physics.md, section 7). A third level is
a leaked transmon: read as 0 or 1 (2 x 3) or as an outcome of its own (3 x 3). See docs/readout.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import (
    InputError,
    broken_rule,
    check_integer,
    check_keys,
    check_number,
    shown,
)
from qbat_circuits.json_files import canonical_sha256

#: Largest number of cells with full Pauli tomography (3^8 settings of 2^8 outcomes: 13 MB).
MAX_TOMOGRAPHY_CELLS = 8
#: Smallest |det A| of a cell (1 - P(1|0) - P(0|1) for two levels); below it a reading tells
#: nothing about the cell.
MIN_CONTRAST = 1e-3
#: Most calibration shots of one cell and level; dealing them into parts ends beyond it.
MAX_CALIBRATION_SHOTS = 10**9 - 1

IntArray = NDArray[np.int64]

_RATES = ("prob_meas1_prep0", "prob_meas0_prep1")
_KEYS = (*_RATES, "assignment", "calibration_shots", "calibrated_at")


def pauli_settings(n_cells: int) -> tuple[str, ...]:
    """All 3^N Pauli settings in order: the leftmost letter is cell N-1, X before Y before Z.

    Raises:
        InputError: for more than `MAX_TOMOGRAPHY_CELLS` cells.
    """
    n = check_integer("n_cells", n_cells, at_least=1, at_most=MAX_TOMOGRAPHY_CELLS)
    return tuple("".join(letters) for letters in product("XYZ", repeat=n))


@dataclass(frozen=True, eq=False)
class ReadoutModel:
    """Assignment matrices of N cells, cell 0 first, and how well they are known.

    Args:
        assignment: shape (N, K, D), ``assignment[i, y, x]`` = P(read y | prepared x) of cell i,
            for K readings of D levels: (2, 2), (2, 3) or (3, 3).
        calibration_shots: shots with which each column was measured, shape (N, D), or one number
            per cell, or one for all; None for matrices that are taken as exact.
        calibrated_at: when they were measured, as text.

    Raises:
        InputError: for a wrong shape, entries outside [0, 1], columns that do not sum to 1 within
            1e-9, shots that are not counts, or a cell whose matrix is singular (it reads the same
            whatever was prepared).
    """

    assignment: FloatArray
    calibration_shots: IntArray | None = None
    calibrated_at: str | None = None

    def __post_init__(self) -> None:
        given = real_numbers(self.assignment)
        if given is None:
            raise InputError("'assignment' must hold numbers in shape (N, 2, 2).")
        shapes = ((2, 2), (2, 3), (3, 3))
        if given.ndim != 3 or given.shape[1:] not in shapes or given.shape[0] < 1:
            raise InputError(
                f"'assignment' must have shape (N, 2, 2), (N, 2, 3) or (N, 3, 3), "
                f"not {given.shape}."
            )
        for cell, matrix in enumerate(given):
            _check_matrix(cell, matrix)
        object.__setattr__(self, "assignment", exact_columns(given))
        if self.calibration_shots is not None:
            shots = checked_shots(self.calibration_shots, *given.shape[::2])
            object.__setattr__(self, "calibration_shots", shots)
        if self.calibrated_at is not None and not isinstance(self.calibrated_at, str):
            raise broken_rule("calibrated_at", "a text", self.calibrated_at)

    @classmethod
    def from_error_rates(
        cls,
        prob_meas1_prep0: Sequence[float],
        prob_meas0_prep1: Sequence[float],
        calibration_shots: int | Sequence[int] | IntArray | None = None,
    ) -> ReadoutModel:
        """The model with these error probabilities, one number per cell, cell 0 first.

        Args:
            prob_meas1_prep0: P(read 1 | prepared 0) of each cell.
            prob_meas0_prep1: P(read 0 | prepared 1) of each cell.
            calibration_shots: shots from which each of them was found, one number for all, one
                per cell, or shape (N, 2); None for exact ones.

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
        matrices = np.array([[[1 - a, b], [a, 1 - b]] for a, b in zip(p10, p01, strict=True)])
        if calibration_shots is None:
            return cls(matrices)
        return cls(matrices, checked_shots(calibration_shots, len(p10), 2))

    @classmethod
    def ideal(cls, n_cells: int, levels: int = 2) -> ReadoutModel:
        """A readout without errors, of 2 or 3 levels."""
        n = check_integer("n_cells", n_cells, at_least=1)
        return cls(
            np.tile(np.eye(check_integer("levels", levels, at_least=2, at_most=3)), (n, 1, 1))
        )

    @classmethod
    def from_dict(cls, content: Any) -> ReadoutModel:
        """The inverse of `to_dict`; refuses missing and unknown keys."""
        if not isinstance(content, Mapping):
            raise broken_rule("readout", f"an object with the keys {' and '.join(_RATES)}", content)
        check_keys("'readout'", content, (), _KEYS)
        if "assignment" in content:
            for key in _RATES:
                if key in content:
                    raise InputError(f"'readout' must not hold both 'assignment' and '{key}'.")
            model = cls(content["assignment"])
        else:
            check_keys("'readout'", content, _RATES, _KEYS)
            model = cls.from_error_rates(*(content[key] for key in _RATES))
        known = content.get("calibration_shots"), content.get("calibrated_at")
        return cls(model.assignment, *known)

    def to_dict(self) -> dict[str, Any]:
        """Error probabilities per cell and what is known about them, as JSON content."""
        content: dict[str, Any] = {}
        if self.assignment.shape[1:] == (2, 2):
            content["prob_meas1_prep0"] = self.assignment[:, 1, 0].tolist()
            content["prob_meas0_prep1"] = self.assignment[:, 0, 1].tolist()
        else:
            content["assignment"] = self.assignment.tolist()
        if self.calibration_shots is not None:
            content["calibration_shots"] = self.calibration_shots.tolist()
        if self.calibrated_at is not None:
            content["calibrated_at"] = self.calibrated_at
        return content

    @property
    def n_cells(self) -> int:
        """Number of cells N."""
        return len(self.assignment)

    @property
    def outcomes(self) -> int:
        """Readings K of one cell: 2, or 3 where leaked cells are seen."""
        return int(self.assignment.shape[1])

    @property
    def levels(self) -> int:
        """Levels D of one cell: 2, or 3 with leakage."""
        return int(self.assignment.shape[2])

    @property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """Cells that are read together: each alone (see `PairReadoutModel` for others)."""
        return tuple((cell,) for cell in range(self.n_cells))

    @property
    def matrices(self) -> tuple[FloatArray, ...]:
        """The assignment matrix of each block."""
        return tuple(self.assignment)

    def recalibrated(self, counts: Sequence[IntArray]) -> ReadoutModel:
        """The model that these calibration shots of each block show, shape (K, D) each."""
        return self.from_calibration_counts(np.stack(counts), self.calibrated_at)

    def identity(self) -> str:
        """SHA-256 of the whole content, as 64 hex digits: equal for equal models only."""
        return canonical_sha256(self.to_dict())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ReadoutModel):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(self.assignment.tobytes())

    def apply(self, probabilities: FloatArray) -> FloatArray:
        """Probabilities of what is read: (A_{N-1} x ... x A_0) p, contracted cell by cell.

        Args:
            probabilities: shape (..., D^N), by little-endian basis number.

        Returns:
            Shape (..., K^N).

        Raises:
            InputError: if the last axis is not D^N long.
        """
        size = self.levels**self.n_cells
        return on_cells(
            check_last_axis("probabilities", probabilities, size, self.n_cells), self.assignment
        )

    def invert(self, frequencies: FloatArray) -> FloatArray:
        """What was there before the readout: unbiased, possibly negative, leaked cells left out.

        Args:
            frequencies: of the readings, shape (..., K^N).

        Returns:
            Quasi-probabilities of the qubit levels, shape (..., 2^N). With K = 3 they sum to the
            weight in which no cell leaked; with 2 x 3 matrices leakage is read as 0 and 1.

        Raises:
            InputError: if the last axis is not K^N long.
        """
        size = self.outcomes**self.n_cells
        f = check_last_axis("frequencies", frequencies, size, self.n_cells)
        return on_cells(f, self.inverses[:, :2])

    def pull_back(self, weights: FloatArray) -> FloatArray:
        """Weights on readings with sum w' f = sum w `invert`(f): shape (..., 2^N) -> (..., K^N)."""
        w = check_last_axis("weights", weights, 2**self.n_cells, self.n_cells)
        return on_cells(w, np.swapaxes(self.inverses[:, :2], 1, 2))

    def leakage(self, frequencies: FloatArray) -> FloatArray:
        """Leaked weight P(2) of each cell: unbiased, possibly negative, shape (..., N).

        Args:
            frequencies: of the readings, shape (..., 3^N).

        Raises:
            InputError: if leaked cells have no reading of their own, or the last axis is not 3^N
                long.
        """
        weights = self.leakage_weights()
        f = check_last_axis("frequencies", frequencies, weights.shape[-1], self.n_cells)
        return np.asarray(f @ weights.T)

    def leakage_weights(self) -> FloatArray:
        """Weights on readings with `leakage`_i = sum_y w[i, y] f(y), shape (N, 3^N).

        w[i, y] = (A_i^{-1})[2, y_i]: the other cells are summed over, and columns of an inverse
        sum to 1. With n shots the variance is (sum_y w^2 f - (sum_y w f)^2) / n.

        Raises:
            InputError: if leaked cells have no reading of their own.
        """
        if self.outcomes != 3:
            raise InputError("'readout' must have 3 outcomes to tell leaked cells apart, not 2.")
        cells = np.arange(self.n_cells)[:, None]
        digits = np.arange(3**self.n_cells) // 3**cells % 3
        return np.asarray(self.inverses[cells, 2, digits])

    @cached_property
    def inverses(self) -> FloatArray:
        """Inverse matrices, shape (N, K, K): of the two qubit levels where K = 2."""
        inverses = np.asarray(np.linalg.inv(self.assignment[:, :, : self.outcomes]))
        inverses.flags.writeable = False
        return inverses

    def calibration_counts(self) -> IntArray | None:
        """Calibration shots by reading, shape (N, K, D), rounded where rates were stated."""
        if self.calibration_shots is None:
            return None
        return whole_counts(self.assignment, self.calibration_shots)

    @classmethod
    def from_calibration_counts(
        cls, counts: IntArray, calibrated_at: str | None = None
    ) -> ReadoutModel:
        """The model that these calibration shots show.

        Args:
            counts: shape (N, K, D): how often cell i, prepared in level x, was read as y.
            calibrated_at: when they were measured, as text.

        Raises:
            InputError: if they are no counts, a level was never prepared, or see the class.
        """
        try:
            given = np.asarray(counts)
        except ValueError:  # lines of different length
            given = np.array(None)
        if given.ndim != 3 or given.dtype.kind not in "iu" or given.min(initial=0) < 0:
            raise InputError("'counts' must hold whole numbers >= 0 in shape (N, K, D).")
        if given.max(initial=0) > MAX_CALIBRATION_SHOTS:
            raise InputError(f"'counts' must hold counts from 0 to {MAX_CALIBRATION_SHOTS}.")
        shots = given.astype(np.int64).sum(axis=1)
        if np.any(shots < 1):
            cell, level = (int(k[0]) for k in np.nonzero(shots < 1))
            raise InputError(
                f"'counts' must hold calibration shots of every cell in every level, but cell "
                f"{cell} has none in level {level}."
            )
        return cls(given / shots[:, None], shots, calibrated_at)


def on_cells(array: NDArray[Any], matrices: NDArray[Any]) -> NDArray[Any]:
    """(M_{N-1} x ... x M_0) v, cell by cell: shape (..., a^N), (N, b, a) -> (..., b^N)."""
    stack, (n, rows, columns) = array.shape[:-1], matrices.shape
    v = array.reshape(-1, array.shape[-1])
    for matrix in matrices:  # takes the last digit and puts the new one in front
        v = (matrix @ v.reshape(len(v), -1, columns).swapaxes(1, 2)).reshape(len(v), -1)
    return v.reshape(*stack, rows**n)


def real_numbers(given: Any) -> FloatArray | None:
    """A copy as floats, None of anything but an array of real numbers (bools are none)."""
    try:
        array = np.array(given)
    except (TypeError, ValueError):  # lines of different length
        return None
    return array.astype(np.float64) if array.dtype.kind in "iuf" else None


def check_last_axis(field: str, array: Any, size: int, n_cells: int) -> FloatArray:
    """The array as floats if its last axis is as long as there are states or readings."""
    values = np.asarray(array, dtype=np.float64)
    if values.ndim < 1 or values.shape[-1] != size:
        raise InputError(
            f"'{field}' must have shape (..., {size}) for {n_cells} cells, not {values.shape}."
        )
    return values


def exact_columns(matrices: FloatArray) -> FloatArray:
    """The same, read-only, with columns that sum to 1 to the last bit: shape (N, K, D)."""
    result = np.clip(matrices, 0, 1)
    for level in range(result.shape[2]):
        right = min(level, result.shape[1] - 1)
        others = np.delete(result[:, :, level], right, axis=1).sum(axis=1)
        result[:, right, level] = np.maximum(1 - others, 0)
    result.flags.writeable = False
    return result


def whole_counts(assignment: FloatArray, shots: IntArray) -> IntArray:
    """Whole numbers in proportion to each column, shape (N, K, D), that sum to its shots (N, D)."""
    upto = np.rint(np.cumsum(assignment, axis=1) * shots[:, None])
    return np.diff(upto, axis=1, prepend=0).astype(np.int64)


def checked_shots(given: Any, n_cells: int, columns: int) -> IntArray:
    """Calibration shots of each column, shape (N, D), from one number, one per cell, or all."""
    try:
        shots = np.array(given)
    except ValueError:  # lines of different length
        shots = np.array(None)
    wanted = (n_cells, columns)
    if shots.shape not in ((), wanted[:1], wanted) or shots.dtype.kind not in "iu":
        raise InputError(
            "'calibration_shots' must be one whole number, one per cell, or have shape "
            f"{wanted} (cells, prepared levels), not {shown(given)}."
        )
    if shots.min() < 1 or shots.max() > MAX_CALIBRATION_SHOTS:
        raise InputError(
            f"'calibration_shots' must be from 1 to {MAX_CALIBRATION_SHOTS}, not {shown(given)}."
        )
    per_cell = shots[:, None] if shots.ndim == 1 else shots
    shots = np.array(np.broadcast_to(per_cell, wanted), dtype=np.int64)
    shots.flags.writeable = False
    return shots


def check_columns(field: str, matrix: FloatArray) -> None:
    """Refuse a matrix whose columns are no probability distributions within 1e-9."""
    entries_fit = bool(np.all((matrix >= -1e-9) & (matrix <= 1 + 1e-9)))  # False for NaN
    if not entries_fit or bool(np.any(np.abs(matrix.sum(axis=0) - 1) > 1e-9)):
        rule = "probabilities with columns that sum to 1 (A[y, x] = P(read y | prepared x))"
        raise broken_rule(field, rule, matrix.tolist())


def _check_matrix(cell: int, matrix: FloatArray) -> None:
    field = f"assignment of cell {cell}"
    check_columns(field, matrix)
    contrast = float(np.linalg.det(matrix[:, : len(matrix)]))
    if abs(contrast) < MIN_CONTRAST:
        known = "|1 - P(1|0) - P(0|1)|" if len(matrix) == 2 else "|determinant|"
        raise broken_rule(field, f"invertible, {known} >= {MIN_CONTRAST:g}", contrast)


def _probabilities(field: str, values: Any) -> list[float]:
    if isinstance(values, np.ndarray):
        values = values.tolist()
    if not isinstance(values, (list, tuple)) or not values:
        raise broken_rule(field, "a list with one probability per cell", values)
    return [check_number(f"{field}[{i}]", p, at_least=0, at_most=1) for i, p in enumerate(values)]
