"""What a request would need in memory, refused before anything is allocated."""

from __future__ import annotations

from math import comb
from typing import NoReturn

from qbat_circuits.battery import Battery
from qbat_circuits.cells import MAX_CELLS
from qbat_circuits.errors import InputError, shown_size

#: A run that would need more memory than this is refused.
MEMORY_LIMIT_BYTES = 4 * 2**30
#: Dense states are given out up to this many cells.
MAX_DENSE_CELLS = 10

#: Beyond this many cells a dense state alone is out of reach.
_COUNTED_CELLS = 30
#: Bytes of a steady state per population p(j, m): what elimination and filling keep beside it.
_STEADY_BYTES = 100
#: Saved populations with the copy that their ergotropies are computed from.
_CURVE_BYTES = 24


def check_dense(battery: Battery, n_times: int) -> None:
    """Refuse dense states that would need more than the limit.

    Counts saved states with their working copies (40 bytes an element), and the generator on the
    coordinates that a start of definite energy reaches, with the number of elements of a column
    that one mode of the bath and local noise make (24 bytes each, three copies).

    Raises:
        InputError: with the bytes and what to do instead.
    """
    n, d = battery.n_cells, battery.levels
    if n > _COUNTED_CELLS:  # far beyond: no need to count what a start reaches
        refuse_dense(battery, n_times)
    elements = battery.levels ** (2 * n)
    reached = equal_levels(n, d) if battery.conserves_excitations else elements
    column = (d - 1) * (2 * n**2 + 2 * n) + 1
    needed = 40 * elements * n_times + 72 * reached * column
    if needed > MEMORY_LIMIT_BYTES or n > MAX_DENSE_CELLS:
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
            "use fewer cells (8 fit with 200 times) or fewer saved times; identical cells with a "
            "start that no permutation changes need N^2 numbers only (engine 'symmetric')"
        )
    return InputError(
        f"'n_cells' must be small enough for dense states: {kind} with {n_times} saved times need "
        f"about {shown_size(needed)} bytes, more than {MEMORY_LIMIT_BYTES:.3g}; {advice}."
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


def check_populations(n_cells: int, n_times: int) -> None:
    """Refuse populations p(j, m) that would need more than the limit.

    Raises:
        InputError: with the bytes and what to do instead.
    """
    states = (n_cells // 2 + 1) * (n_cells - n_cells // 2 + 1)
    needed = states * max(_STEADY_BYTES, _CURVE_BYTES * n_times)
    if needed > MEMORY_LIMIT_BYTES or n_cells > MAX_CELLS:
        raise InputError(
            f"'n_cells' must be small enough for populations p(j, m): {n_cells} cells with "
            f"{n_times} saved times need about {shown_size(needed)} bytes, more than "
            f"{MEMORY_LIMIT_BYTES:.3g} or than {MAX_CELLS} cells allow; use fewer cells (what a "
            "cell contributes converges with N), fewer saved times, or no local noise and the "
            "ground state, whose steady state is a closed form."
        )
