"""Readout errors of cells of which some pairs are read together, and how such pairs are found.

Two cells on one readout line may be misread together, or one as the other's level is. Then a pair
has one assignment matrix of 4 x 4, A[y, x] = P(read y | prepared x) with y = y_low + 2 y_high, in
place of the product of two of 2 x 2. Disjoint pairs and single cells are the blocks of the model;
errors of different blocks are independent. See docs/readout.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, ClassVar

import numpy as np

from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import InputError, broken_rule, check_integer, check_keys
from qbat_circuits.json_files import canonical_sha256
from qbat_circuits.readout_model import (
    MAX_CALIBRATION_SHOTS,
    MIN_CONTRAST,
    IntArray,
    ReadoutModel,
    check_columns,
    check_last_axis,
    checked_shots,
    exact_columns,
    real_numbers,
    whole_counts,
)

#: Largest number of cells whose readings are tabulated together.
MAX_PAIR_READOUT_CELLS = 12

Blocks = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False)
class PairReadoutModel:
    """Assignment matrices of blocks of one or two cells, and how well they are known.

    Args:
        blocks: the cells of each block, ``((0, 2), (1,))``: every cell once, increasing inside a
            block, blocks in the order of their first cells.
        matrices: A[y, x] of each block, shape (2, 2) or (4, 4), the lower cell's bit being the
            last of the two.
        calibration_shots: of each block the shots of each column, shape (2,) or (4,); None for
            matrices that are taken as exact.
        calibrated_at: when they were measured, as text.

    Raises:
        InputError: for blocks that are not as above, a wrong shape, entries outside [0, 1],
            columns that do not sum to 1 within 1e-9, a singular matrix, or shots that are no
            counts.
    """

    #: Readings and levels of one cell.
    outcomes: ClassVar[int] = 2
    levels: ClassVar[int] = 2
    blocks: Blocks
    matrices: tuple[FloatArray, ...]
    calibration_shots: tuple[IntArray, ...] | None = None
    calibrated_at: str | None = None

    def __post_init__(self) -> None:
        blocks = _checked_blocks(self.blocks)
        given = _list_of("matrices", self.matrices, len(blocks))
        matrices = tuple(_checked_matrix(*pair) for pair in zip(blocks, given, strict=True))
        object.__setattr__(self, "blocks", blocks)
        object.__setattr__(self, "matrices", matrices)
        if self.calibration_shots is not None:
            shots = _list_of("calibration_shots", self.calibration_shots, len(blocks))
            checked = tuple(
                checked_shots([s], 1, 2 ** len(block))[0]
                for s, block in zip(shots, blocks, strict=True)
            )
            object.__setattr__(self, "calibration_shots", checked)
        if self.calibrated_at is not None and not isinstance(self.calibrated_at, str):
            raise broken_rule("calibrated_at", "a text", self.calibrated_at)

    @classmethod
    def from_calibration_counts(
        cls,
        counts_by_prepared: Mapping[str, Any],
        n_cells: int,
        pairs: Sequence[tuple[int, int]],
        calibrated_at: str | None = None,
    ) -> PairReadoutModel:
        """The model that calibration shots show, each block's columns summed over the others.

        Args:
            counts_by_prepared: ``{prepared bit string: {read bit string: count}}``, leftmost bit
                for cell N-1, or for each prepared string 2^N counts by little-endian number.
            n_cells: number of cells N.
            pairs: the disjoint pairs of cells with a matrix of their own.
            calibrated_at: when they were measured, as text.

        Raises:
            InputError: if a bit string, a count or a pair is wrong, a block was not prepared in
                all its levels, or see the class.
        """
        prepared, table = _calibration_table(counts_by_prepared, n_cells)
        blocks = _blocks(pairs, n_cells)
        counts = tuple(_block_counts(prepared, table, block) for block in blocks)
        return cls.from_block_counts(blocks, counts, calibrated_at)

    @classmethod
    def from_block_counts(
        cls, blocks: Blocks, counts: tuple[IntArray, ...], calibrated_at: str | None = None
    ) -> PairReadoutModel:
        """The inverse of `calibration_counts`; every column needs at least one shot."""
        shots = tuple(c.sum(axis=0) for c in counts)
        matrices = tuple(c / np.maximum(s, 1) for c, s in zip(counts, shots, strict=True))
        return cls(blocks, matrices, shots, calibrated_at)

    def recalibrated(self, counts: Sequence[IntArray]) -> PairReadoutModel:
        """The model that these calibration shots of each block show."""
        return self.from_block_counts(self.blocks, tuple(counts), self.calibrated_at)

    @classmethod
    def from_dict(cls, content: Any) -> PairReadoutModel:
        """The inverse of `to_dict`; refuses missing and unknown keys."""
        listed = content.get("blocks") if isinstance(content, Mapping) else None
        if not isinstance(listed, list) or not all(isinstance(b, Mapping) for b in listed):
            raise broken_rule("readout", "an object with a list of blocks", content)
        check_keys("'readout'", content, ("blocks",), ("calibrated_at",))
        for block in listed:
            check_keys("'blocks'", block, ("cells", "assignment"), ("calibration_shots",))
        shots = [block.get("calibration_shots") for block in listed]
        return cls(
            tuple(block["cells"] for block in listed),
            tuple(block["assignment"] for block in listed),
            None if all(s is None for s in shots) else tuple(shots),
            content.get("calibrated_at"),
        )

    def to_dict(self) -> dict[str, Any]:
        """The blocks with their matrices and what is known about them, as JSON content."""
        blocks: list[dict[str, Any]] = [
            {"cells": list(cells), "assignment": matrix.tolist()}
            for cells, matrix in zip(self.blocks, self.matrices, strict=True)
        ]
        for block, shots in zip(blocks, self.calibration_shots or (), strict=False):
            block["calibration_shots"] = shots.tolist()
        content: dict[str, Any] = {"blocks": blocks}
        if self.calibrated_at is not None:
            content["calibrated_at"] = self.calibrated_at
        return content

    @property
    def n_cells(self) -> int:
        """Number of cells N."""
        return sum(len(block) for block in self.blocks)

    def identity(self) -> str:
        """SHA-256 of the whole content, as 64 hex digits: equal for equal models only."""
        return canonical_sha256(self.to_dict())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PairReadoutModel):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.blocks, *(matrix.tobytes() for matrix in self.matrices)))

    def apply(self, probabilities: FloatArray) -> FloatArray:
        """Probabilities of what is read, block by block: shape (..., 2^N) -> (..., 2^N).

        Raises:
            InputError: if the last axis is not 2^N long.
        """
        return self._on_blocks("probabilities", probabilities, self.matrices)

    def invert(self, frequencies: FloatArray) -> FloatArray:
        """What was there before the readout: unbiased, possibly negative, shape (..., 2^N)."""
        return self._on_blocks("frequencies", frequencies, self.inverses)

    def pull_back(self, weights: FloatArray) -> FloatArray:
        """Weights on readings with sum w' f = sum w `invert`(f), shape (..., 2^N)."""
        return self._on_blocks("weights", weights, tuple(inverse.T for inverse in self.inverses))

    @cached_property
    def inverses(self) -> tuple[FloatArray, ...]:
        """Inverse matrix of each block."""
        inverses = tuple(np.asarray(np.linalg.inv(matrix)) for matrix in self.matrices)
        for inverse in inverses:
            inverse.flags.writeable = False
        return inverses

    def calibration_counts(self) -> tuple[IntArray, ...] | None:
        """Of each block the calibration shots by reading and prepared level, (2, 2) or (4, 4)."""
        if self.calibration_shots is None:
            return None
        pairs = zip(self.matrices, self.calibration_shots, strict=True)
        return tuple(whole_counts(matrix[None], shots[None])[0] for matrix, shots in pairs)

    def _on_blocks(
        self, field: str, array: FloatArray, matrices: tuple[FloatArray, ...]
    ) -> FloatArray:
        n = self.n_cells
        given = check_last_axis(field, array, 2**n, n)
        v = given.reshape(-1, *(2,) * n)
        for block, matrix in zip(self.blocks, matrices, strict=True):
            axes = [n - cell for cell in reversed(block)]  # the higher cell first
            last = list(range(-len(block), 0))
            moved = np.moveaxis(v, axes, last)
            changed = (moved.reshape(-1, len(matrix)) @ matrix.T).reshape(moved.shape)
            v = np.moveaxis(changed, last, axes)
        return v.reshape(given.shape)


def pair_calibration_patterns(n_cells: int, balanced: bool = False) -> tuple[str, ...]:
    """Bit strings to prepare in which every pair of cells meets 00, 01, 10 and 11.

    The fewest: all cells are 0 in the first string; in the other M - 1 each cell is 1 in its own
    choice of floor((M - 1) / 2) + 1, so that two choices share one and neither holds the other. M
    strings serve that many choices: 4 serve 3 cells, 5 serve 4, 6 serve 10 (Kleitman and Spencer,
    Discrete Math. 6, 255 (1973), doi:10.1016/0012-365X(73)90098-8). One cell takes two.

    Balanced ones: every three cells meet all eight patterns equally often, so that a cell misread
    beside one excited neighbour is told from being misread beside any other. 2^(m+1) strings serve
    2^m cells: in string (c, v) cell i is c + v.i modulo 2, v.i being the product of the bits.

    Raises:
        InputError: for more cells than `PairReadoutModel` takes.
    """
    n = check_integer("n_cells", n_cells, at_least=1, at_most=MAX_PAIR_READOUT_CELLS)
    if balanced:
        numbers = range(2 ** (n - 1).bit_length())
        parities = [[(v & i).bit_count() % 2 for i in reversed(range(n))] for v in numbers]
        return tuple("".join("01"[c ^ x] for x in row) for row in parities for c in (0, 1))
    if n == 1:
        return ("0", "1")
    others = next(k for k in range(3, n + 3) if math.comb(k, k // 2 + 1) >= n)
    chosen = list(combinations(range(others), others // 2 + 1))[:n]
    rows = ["".join("01"[row in ones] for ones in reversed(chosen)) for row in range(others)]
    return ("0" * n, *rows)


def readout_correlation(
    counts_by_prepared: Mapping[str, Any], n_cells: int
) -> dict[tuple[int, int], float]:
    """How far each pair's readings are from independent ones, in standard errors.

    For the prepared levels x and readings y of cells i and j, d = f(y|x) - a b compares the pair's
    frequency with the product of the cells' own, a = A_i[y_i, x_i] from all n_i shots with cell i
    in x_i, b likewise. For independent cells

        Var d = a b (1 - a b) / n - a b^2 (1 - a) / n_i - a^2 b (1 - b) / n_j

    to first order. One shot is added, sqrt(Var d + 1/n^2), because rare readings are no Gaussians.
    What is returned is the largest |d| of the 16, in these units. With P pairs of independent
    cells, one of them exceeds the normal quantile of 1 - level / (32 P) at most as often as level
    says. Where one cell's errors depend on its neighbour, balanced patterns name the pair; without
    them other pairs of that cell stand out as well.

    Args:
        counts_by_prepared, n_cells: see `PairReadoutModel.from_calibration_counts`; each pair must
            have been prepared in 00, 01, 10 and 11 (`pair_calibration_patterns`).

    Raises:
        InputError: as there.
    """
    prepared, table = _calibration_table(counts_by_prepared, n_cells)
    own = [_block_counts(prepared, table, (cell,)) for cell in range(n_cells)]
    return {
        (i, j): _correlation(_block_counts(prepared, table, (i, j)), own[i], own[j])
        for i, j in combinations(range(n_cells), 2)
    }


def _correlation(pair: IntArray, low: IntArray, high: IntArray) -> float:
    n = pair.sum(axis=0)
    n_low, n_high = np.tile(low.sum(axis=0), 2), np.repeat(high.sum(axis=0), 2)  # of x
    a = np.kron(np.ones((2, 2)), low / low.sum(axis=0))
    b = np.kron(high / high.sum(axis=0), np.ones((2, 2)))
    variance = a * b * ((1 - a * b) / n - b * (1 - a) / n_low - a * (1 - b) / n_high)
    return float(np.max(np.abs(pair / n - a * b) / np.sqrt(np.maximum(variance, 0) + 1 / n**2)))


def _block_counts(prepared: IntArray, table: IntArray, block: tuple[int, ...]) -> IntArray:
    """Counts [y, x] of one block from all circuits, shape (2^k, 2^k)."""
    size = 2 ** len(block)

    def levels(numbers: IntArray) -> IntArray:
        bits = [((numbers >> cell) & 1) << position for position, cell in enumerate(block)]
        return np.asarray(sum(bits), dtype=np.int64)

    by_reading = np.zeros((size, len(table)), dtype=np.int64)
    np.add.at(by_reading, levels(np.arange(table.shape[1])), table.T)
    counts = np.zeros((size, size), dtype=np.int64)
    np.add.at(counts.T, levels(prepared), by_reading.T)
    missing = np.flatnonzero(counts.sum(axis=0) == 0)
    if len(missing):
        names = f"cell {block[0]}" if len(block) == 1 else f"cells {block[1]}, {block[0]}"
        raise InputError(
            f"'counts_by_prepared' must hold shots of {names} in every level, but "
            f"{missing[0]:0{len(block)}b} was never prepared."
        )
    return counts


def _calibration_table(counts: Any, n_cells: int) -> tuple[IntArray, IntArray]:
    """Prepared little-endian numbers, shape (m,), and counts by reading, shape (m, 2^N)."""
    n = check_integer("n_cells", n_cells, at_least=1, at_most=MAX_PAIR_READOUT_CELLS)
    if not isinstance(counts, Mapping) or not counts:
        raise broken_rule("counts_by_prepared", "counts by prepared bit string", counts)
    prepared = [_number("counts_by_prepared", bits, n) for bits in counts]
    table = np.zeros((len(prepared), 2**n), dtype=np.int64)
    for bits, line, row in zip(counts, table, counts.values(), strict=True):
        field = f"counts_by_prepared.{bits}"
        if isinstance(row, Mapping):
            items = [(_number(field, read, n), count) for read, count in row.items()]
        elif isinstance(row, (list, tuple, np.ndarray)) and len(row) == 2**n:
            items = list(enumerate(row))
        else:
            raise broken_rule(field, f"counts by bit string or {2**n} counts", row)
        for number, count in items:
            name = f"{field}.{number:0{n}b}"
            line[number] = check_integer(name, count, at_least=0, at_most=MAX_CALIBRATION_SHOTS)
    return np.array(prepared, dtype=np.int64), table


def _number(field: str, bits: object, n: int) -> int:
    if not isinstance(bits, str) or len(bits) != n or set(bits) - {"0", "1"}:
        raise broken_rule(field, f"counts by bit strings of {n} digits 0 and 1", bits)
    return int(bits, 2)


def _blocks(pairs: Any, n_cells: int) -> Blocks:
    """The given pairs and all other cells alone, in order."""
    if not isinstance(pairs, Sequence) or not all(
        isinstance(pair, Sequence) and len(pair) == 2 for pair in pairs
    ):
        raise broken_rule("pairs", "a list of pairs of cells", pairs)
    chosen = [
        tuple(sorted(check_integer("pairs", c, at_least=0, at_most=n_cells - 1) for c in pair))
        for pair in pairs
    ]
    cells = [cell for pair in chosen for cell in pair]
    if len(set(cells)) < len(cells):
        raise broken_rule("pairs", "disjoint, two different cells each", pairs)
    return tuple(sorted([*chosen, *((c,) for c in range(n_cells) if c not in cells)]))


def _checked_blocks(given: Any) -> Blocks:
    try:
        blocks = tuple(tuple(block) for block in given)
    except TypeError:
        blocks = ()
    cells = [cell for block in blocks for cell in block]
    whole = all(isinstance(c, (int, np.integer)) and not isinstance(c, bool) for c in cells)
    if (
        not whole
        or sorted(cells) != list(range(len(cells)))
        or not 1 <= len(cells) <= MAX_PAIR_READOUT_CELLS
        or any(len(block) > 2 or list(block) != sorted(block) for block in blocks)
        or not all(blocks)
        or list(blocks) != sorted(blocks)
    ):
        rule = "blocks of one or two cells in increasing order that hold every cell once"
        raise broken_rule("blocks", rule, given)
    return tuple(tuple(int(cell) for cell in block) for block in blocks)


def _list_of(field: str, given: Any, length: int) -> list[Any]:
    if not isinstance(given, (list, tuple)) or len(given) != length:
        raise broken_rule(field, f"a list with one entry for each of {length} blocks", given)
    return list(given)


def _checked_matrix(block: tuple[int, ...], given: Any) -> FloatArray:
    field = f"assignment of cell{'s' * (len(block) - 1)} {' and '.join(map(str, block))}"
    size = 2 ** len(block)
    matrix = real_numbers(given)
    if matrix is None or matrix.shape != (size, size):
        raise broken_rule(field, f"numbers in shape {(size, size)}", given)
    check_columns(field, matrix)
    smallest = float(np.linalg.svd(matrix, compute_uv=False)[-1])
    if smallest < MIN_CONTRAST:
        raise broken_rule(
            field, f"invertible, smallest singular value >= {MIN_CONTRAST:g}", smallest
        )
    exact: FloatArray = exact_columns(matrix[None])[0]
    return exact


#: Any model of the readout; analysis and counts take them alike.
Readout = ReadoutModel | PairReadoutModel


def readout_from_dict(content: Any) -> Readout:
    """A readout from its `to_dict`, with or without blocks.

    Raises:
        InputError: naming the key, the rule and the value.
    """
    if isinstance(content, Mapping) and "blocks" in content:
        return PairReadoutModel.from_dict(content)
    return ReadoutModel.from_dict(content)
