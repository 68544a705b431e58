"""Dissipators of a user's own beside the bath and the local noise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from qbat_circuits.cells import lowering, number
from qbat_circuits.errors import InputError, broken_rule, check_number
from qbat_circuits.limits import MAX_DENSE_CELLS

#: Letters of a product of one-cell operators.
LETTERS = "IXYZ-+n"

#: Normalised operators whose overlap is this close to 1 are the same up to a factor.
_SAME_OPERATOR = 1e-9


@dataclass(frozen=True, eq=False)
class ExtraJump:
    """One dissipator rate (L rho L^+ - {L^+ L, rho}/2).

    Args:
        rate: >= 0, in the battery's unit of rates.
        operator: L as an array (dense, sparse, or a Qiskit operator with ``data``) of shape
            (d^N, d^N), little-endian, or a sum of products ``{"-+": 1.0, "ZI": 0.5j}`` with one
            letter per cell of two levels, the leftmost for cell N-1: I, X, Y, Z, - (sigma_-),
            + (sigma_+), n.
    """

    rate: float
    operator: Any

    def __post_init__(self) -> None:
        rate = check_number("extra_jumps.rate", self.rate, at_least=0)
        object.__setattr__(self, "rate", rate)

    def on(self, n_cells: int, levels: int) -> ExtraJump:
        """The same with a validated sparse operator on d^N."""
        if n_cells > MAX_DENSE_CELLS:
            raise InputError(
                f"'extra_jumps' must be of at most {MAX_DENSE_CELLS} cells, whose operators are "
                f"matrices, not {n_cells}."
            )
        if isinstance(self.operator, Mapping):
            matrix = operator_from_terms(self.operator, n_cells, levels)
        else:
            matrix = _matrix(self.operator)
        size = levels**n_cells
        if matrix.shape != (size, size):
            raise InputError(
                f"'extra_jumps' must hold operators of shape ({size}, {size}), not {matrix.shape}."
            )
        matrix.data.flags.writeable = False
        return ExtraJump(self.rate, matrix)


def extra_jumps_of(given: Iterable[Any], n_cells: int, levels: int) -> tuple[ExtraJump, ...]:
    """Validated `ExtraJump`s from such or from (rate, operator) pairs."""
    found = []
    for one in given:
        if not isinstance(one, ExtraJump):
            if not isinstance(one, (tuple, list)) or len(one) != 2:
                raise broken_rule("extra_jumps", "pairs (rate, operator)", one)
            one = ExtraJump(one[0], one[1])
        found.append(one.on(n_cells, levels))
    return tuple(found)


class Channel(NamedTuple):
    """A dissipator and its reverse, forward D[L] + backward D[L^+].

    Attributes:
        operator: L with Tr[L^+ L] = 1.
        forward, backward: rates, in the battery's unit.
    """

    operator: sp.csr_array
    forward: float
    backward: float


def channels_of(jumps: Iterable[ExtraJump]) -> tuple[Channel, ...]:
    """Dissipators on d^N sorted into channels, each L beside its own L^+.

    Operators that agree up to a factor are one channel. A Hermitian L is its own reverse.
    """
    found: list[Channel] = []
    for jump in jumps:
        square = float(np.sum(np.abs(jump.operator.data) ** 2))
        rate = jump.rate * square
        if rate == 0.0:
            continue
        operator = sp.csr_array(jump.operator / np.sqrt(square))
        reverse = sp.csr_array(operator.conj().T)
        rates = (rate / 2, rate / 2) if _same(operator, reverse) else (rate, 0.0)
        for place, (known, forward, backward) in enumerate(found):
            if _same(known, operator):
                found[place] = Channel(known, forward + rates[0], backward + rates[1])
                break
            if _same(known, reverse):
                found[place] = Channel(known, forward + rates[1], backward + rates[0])
                break
        else:
            found.append(Channel(operator, *rates))
    return tuple(found)


def _same(first: sp.csr_array, second: sp.csr_array) -> bool:
    """Whether two normalised operators agree up to a phase."""
    return bool(abs(first.conj().multiply(second).sum()) > 1 - _SAME_OPERATOR)


def operator_from_terms(
    terms: Mapping[str, complex], n_cells: int, levels: int = 2
) -> sp.csr_array:
    """Sum of products of one-cell operators, see `ExtraJump`, shape (2^N, 2^N).

    Raises:
        InputError: for another letter, another number of letters or cells of more levels.
    """
    if levels != 2:
        raise InputError(
            "'extra_jumps' must be given as matrices for cells with more than two levels."
        )
    total = sp.csr_array((2**n_cells,) * 2, dtype=np.complex128)
    for label, weight in terms.items():
        if not isinstance(label, str) or len(label) != n_cells or set(label) - set(LETTERS):
            raise broken_rule(
                "extra_jumps", f"products of {n_cells} letters out of {LETTERS}", label
            )
        product = sp.eye_array(2**n_cells, dtype=np.complex128, format="csr")
        for cell, letter in enumerate(reversed(label)):
            if letter != "I":
                product = product @ _one_cell(letter, n_cells, cell)
        total = total + _weight(weight) * product
    return sp.csr_array(total)


def _one_cell(letter: str, n_cells: int, cell: int) -> sp.csr_array:
    minus, excited = lowering(n_cells, cell), number(n_cells, cell)
    identity = sp.eye_array(2**n_cells, dtype=np.complex128, format="csr")
    # Z = |0><0| - |1><1| and sigma_- = (X + iY)/2, as in Qiskit.
    made = {
        "X": minus + minus.T,
        "Y": -1j * minus + 1j * minus.T,
        "Z": identity - 2 * excited,
        "-": minus,
        "+": minus.T,
        "n": excited,
    }
    return sp.csr_array(made[letter])


def _weight(value: Any) -> complex:
    if isinstance(value, (list, tuple)) and len(value) == 2:  # [re, im] of a file
        value = complex(*(check_number("extra_jumps.operator", part) for part in value))
    try:
        number = complex(value)
    except (TypeError, ValueError):
        raise broken_rule("extra_jumps.operator", "a number or [re, im]", value) from None
    if not np.isfinite(number):
        raise broken_rule("extra_jumps.operator", "a finite number", value)
    return number


def _matrix(operator: Any) -> sp.csr_array:
    plain = isinstance(operator, np.ndarray) or sp.issparse(operator)
    data: Any = operator if plain else getattr(operator, "data", operator)
    try:
        if not sp.issparse(data):
            data = np.array(data, dtype=np.complex128)
        matrix: sp.csr_array = sp.csr_array(data.astype(np.complex128))
    except (TypeError, ValueError):
        raise InputError("'extra_jumps' must hold square matrices of numbers.") from None
    if not np.all(np.isfinite(matrix.data)):
        raise InputError("'extra_jumps' must hold square matrices of finite numbers.")
    return matrix
