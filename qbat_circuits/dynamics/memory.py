"""What a request would need in memory, refused before anything is allocated."""

from __future__ import annotations

from math import comb
from typing import NoReturn

from qbat_circuits.battery import Battery
from qbat_circuits.cells import MAX_CELLS
from qbat_circuits.errors import InputError, shown_size
from qbat_circuits.limits import MAX_DENSE_CELLS, MEMORY_LIMIT_BYTES

#: Bytes of a steady state for each p(j, m); its factors are counted once its box is known
#: (`symmetric.steady`).
_STEADY_BYTES = 60
#: Bytes of a curve for each p(j, m): the factors and the Krylov space, and every saved time with
#: the copy that its ergotropy is computed from.
_CURVE_BYTES, _SAVED_BYTES = 2000, 24


def check_dense(battery: Battery, n_times: int, whole: bool = False) -> None:
    """Refuse dense states that would need more than the limit.

    Counts saved states with their working copies (40 bytes an element), and the generator on the
    coordinates that a start of definite energy reaches, with the number of elements of a column
    that one mode of the bath and local noise make (24 bytes each, three copies).

    Args:
        battery: the model.
        n_times: saved times.
        whole: whether the generator is made on all coordinates first, as Qiskit Dynamics does.

    Raises:
        InputError: with the bytes and what to do instead.
    """
    n, d = battery.n_cells, battery.levels
    if n > MAX_DENSE_CELLS:
        refuse_dense(battery, n_times)
    elements = battery.levels ** (2 * n)
    few = battery.conserves_excitations and not whole
    reached = equal_levels(n, d) if few else elements
    column = (d - 1) * (2 * n**2 + 2 * n) + 1
    needed = 40 * elements * n_times + 72 * reached * column
    if needed > MEMORY_LIMIT_BYTES:
        raise _too_large(battery, n_times, needed)


def refuse_dense(battery: Battery, n_times: int) -> NoReturn:
    """Refuse the dense states of a result that never held them.

    Raises:
        InputError: with the bytes.
    """
    raise _too_large(battery, n_times, 40 * battery.levels ** (2 * battery.n_cells) * n_times)


def _too_large(battery: Battery, n_times: int, needed: int) -> InputError:
    if battery.levels > 2:
        kind = f"{battery.n_cells} cells of {battery.levels} levels"
        advice = "use fewer levels or fewer cells"
    else:
        kind = f"{battery.n_cells} cells"
        advice = (
            "use fewer cells (8 fit with 200 times) or fewer saved times; identical cells at "
            "constant rates, from a start that no permutation changes, need N^2 numbers only "
            "(engine 'symmetric')"
        )
    why = f"need about {shown_size(needed)} bytes, more than {MEMORY_LIMIT_BYTES:.3g}"
    if needed <= MEMORY_LIMIT_BYTES:
        why = f"are more than {MAX_DENSE_CELLS} cells"
    return InputError(
        f"'n_cells' must be small enough for dense states: {kind} with {n_times} saved times "
        f"{why}; {advice}."
    )


def equal_levels(n_cells: int, levels: int) -> int:
    """Pairs of basis states with the same number of cells in every level; C(2N, N) for two levels.

    Only these coherences arise from a start of definite levels where every dissipator moves both
    sides alike.
    """
    if levels == 1:
        return 1
    return sum(
        comb(n_cells, k) ** 2 * equal_levels(n_cells - k, levels - 1) for k in range(n_cells + 1)
    )


def check_ladder(n_cells: int, n_times: int) -> None:
    """Refuse a curve of the N + 1 states of the Dicke ladder that would need more than the limit.

    Raises:
        InputError: with the bytes and what to do instead.
    """
    needed = (n_cells + 1) * (_CURVE_BYTES + _SAVED_BYTES * n_times)
    if needed > MEMORY_LIMIT_BYTES:
        raise InputError(
            f"'times' must be few enough for {n_cells} cells: {n_times} saved times need about "
            f"{shown_size(needed)} bytes, more than {MEMORY_LIMIT_BYTES:.3g}; save fewer times."
        )


def check_populations(n_cells: int, n_times: int) -> None:
    """Refuse populations p(j, m) that would need more than the limit.

    Args:
        n_cells: N.
        n_times: saved times of a curve; 0 for a steady state.

    Raises:
        InputError: with the bytes and what to do instead.
    """
    states = (n_cells // 2 + 1) * (n_cells - n_cells // 2 + 1)
    needed = states * (_STEADY_BYTES if n_times == 0 else _CURVE_BYTES + _SAVED_BYTES * n_times)
    if needed > MEMORY_LIMIT_BYTES or n_cells > MAX_CELLS:
        kind = f"with {n_times} saved times" if n_times else "in a steady state"
        raise InputError(
            f"'n_cells' must be small enough for populations p(j, m): {n_cells} cells {kind} need "
            f"about {shown_size(needed)} bytes, more than {MEMORY_LIMIT_BYTES:.3g} or than "
            f"{MAX_CELLS} cells allow; use fewer cells{' or saved times' if n_times else ''} (what "
            "a cell contributes converges with N), or no local noise and the ground state, which "
            "need the N + 1 states of the Dicke ladder only."
        )
