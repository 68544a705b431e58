"""Where the ancilla and the cells of a collision circuit sit on a chip.

The ancilla is prepared and reset at home and must meet every cell. Cells beside it are met at once;
to reach others it exchanges its place with a cell on the way (a hop) and comes back in the second
half of the symmetric sweep, so every collision ends with all qubits at home. A hop belongs to the
partial swap with the same cell: both are one two-qubit unitary of at most three gates.

Source: docs/collisions.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from qbat_circuits.calibration import Calibration
from qbat_circuits.errors import InputError, broken_rule

#: Two-qubit gates of a partial swap, and of one that is also a hop.
PARTIAL_GATES, HOP_GATES = 2, 3


class Meeting(NamedTuple):
    """One partial swap of a collision, on the chip."""

    cell: int
    share: float
    """Share of theta: 1/2 on the way out and back, 1 for the last cell."""
    at: tuple[int, int]
    """Qubits of the chip that hold the cell and the ancilla before it."""
    hop: bool
    """Whether they exchange their places."""


@dataclass(frozen=True)
class Placement:
    """Home of the ancilla and qubits of the cells, in the order in which they are met.

    Args:
        ancilla: the ancilla's home.
        cells: qubit of cell 0, 1, ...
        hops: cells with which the ancilla exchanges its place on the way out; not the last one.

    Raises:
        InputError: if a qubit stands twice, or a hop is no cell before the last.
    """

    ancilla: int
    cells: tuple[int, ...]
    hops: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        qubits = (self.ancilla, *self.cells)
        if not self.cells or len(set(qubits)) < len(qubits):
            raise broken_rule("placement", "different qubits for the ancilla and the cells", qubits)
        if list(self.hops) != sorted(set(self.hops) & set(range(len(self.cells) - 1))):
            rule = f"cells from 0 to {len(self.cells) - 2}, rising"
            raise broken_rule("hops", rule, list(self.hops))

    @property
    def qubits(self) -> tuple[int, ...]:
        """Qubits of the cells, then the ancilla's home."""
        return (*self.cells, self.ancilla)

    @property
    def two_qubit_gates(self) -> int:
        """Two-qubit gates of one collision."""
        return sum(HOP_GATES if m.hop else PARTIAL_GATES for m in self.meetings())

    def meetings(self) -> tuple[Meeting, ...]:
        """The partial swaps of one collision: a sweep with theta/2 and back."""
        place, out = self.ancilla, []
        for cell, qubit in enumerate(self.cells[:-1]):
            hop = cell in self.hops
            out.append(Meeting(cell, 0.5, (qubit, place), hop))
            place = qubit if hop else place
        last = Meeting(len(self.cells) - 1, 1.0, (self.cells[-1], place), False)
        back = [m._replace(at=m.at[::-1]) if m.hop else m for m in reversed(out)]
        return (*out, last, *back)

    def check(self, calibration: Calibration) -> None:
        """Refuse a chip that lacks a two-qubit gate between two qubits that must meet.

        Raises:
            InputError: naming the pair.
        """
        size = len(calibration.qubits)
        for qubit in self.qubits:
            if qubit not in range(size):
                raise broken_rule("placement", f"qubits from 0 to {size - 1}", qubit)
        for meeting in self.meetings():
            if calibration.two_qubit_gate(*meeting.at) is None:
                a, b = sorted(meeting.at)
                raise InputError(
                    f"'placement' needs a two-qubit gate between qubits {a} and {b}, which "
                    f"{calibration.name!r} does not have."
                )


def placement_on(calibration: Calibration, cells: Sequence[int], ancilla: int) -> Placement:
    """The placement with these qubits that has the fewest two-qubit gates, then the fewest errors.

    Args:
        calibration: the chip.
        cells: qubits of cell 0, 1, ... in any order; the placement may meet them in another one.
        ancilla: the ancilla's home.

    Raises:
        InputError: if the coupling map cannot hold it.
    """
    chosen, errors = set(cells), pair_errors(calibration)
    inside = {pair: e for pair, e in errors.items() if chosen.union((ancilla,)).issuperset(pair)}
    found = list(_sweeps(ancilla, len(chosen), inside, _neighbours(inside), len(chosen)))
    if not found:
        raise InputError(
            f"The coupling map of {calibration.name!r} cannot hold cells on qubits "
            f"{', '.join(map(str, sorted(chosen)))} with the ancilla on {ancilla}: it must reach "
            "every cell over cells that it passed."
        )
    return min(found, key=lambda p: (p.two_qubit_gates, gate_errors(p, errors)))


def placements(
    calibration: Calibration, n_cells: int, spare_hops: int = 1, home: int | None = None
) -> Iterator[Placement]:
    """Placements of N cells with the fewest hops that the chip allows, or a few more.

    Args:
        calibration: the chip.
        n_cells: N.
        spare_hops: how many hops more than the fewest are still listed.
        home: only placements with the ancilla's home here.

    Returns:
        One placement for each set of qubits, home and hops: the worst pair is met last, in the one
        partial swap that a collision does once. Of each qubit only the N + 1 neighbours with the
        smallest errors count: one with more of them is the middle of a star without hops anyway.

    Raises:
        InputError: if the chip has no connected set of N + 1 usable qubits that can be swept.
    """
    errors = pair_errors(calibration)
    near = _neighbours(errors, n_cells + 1)
    homes = list(near) if home is None else [home]
    fewest = next(
        (k for k in range(n_cells) for h in homes for _ in _sweeps(h, n_cells, errors, near, k)),
        None,
    )
    if fewest is None:
        raise InputError(
            f"The coupling map of {calibration.name!r} holds no ancilla that reaches {n_cells} "
            "cells" + ("." if home is None else f" from qubit {home}.")
        )
    best: dict[tuple[int, frozenset[int], tuple[int, ...]], Placement] = {}
    for one in (p for h in homes for p in _sweeps(h, n_cells, errors, near, fewest + spare_hops)):
        key = (one.ancilla, frozenset(one.cells), tuple(one.cells[h] for h in one.hops))
        if key not in best or gate_errors(one, errors) < gate_errors(best[key], errors):
            best[key] = one
    return iter(best.values())


def pair_errors(calibration: Calibration) -> dict[tuple[int, int], float]:
    """Error of the best usable two-qubit gate of each pair, smaller qubit first."""
    found = {}
    for a, b in calibration.coupling_map:
        gate = calibration.two_qubit_gate(a, b)
        if gate is not None and gate.error is not None:
            found[a, b] = gate.error
    return found


def gate_errors(placement: Placement, errors: Mapping[tuple[int, int], float]) -> float:
    """Sum of the errors of one collision's two-qubit gates."""
    return sum(
        (HOP_GATES if m.hop else PARTIAL_GATES) * errors[min(m.at), max(m.at)]
        for m in placement.meetings()
    )


def _neighbours(
    pairs: Mapping[tuple[int, int], float], most: int | None = None
) -> dict[int, tuple[int, ...]]:
    """The coupled qubits of each qubit, or so many of them, with the smallest errors first."""
    near: dict[int, list[tuple[float, int]]] = {}
    for (a, b), error in pairs.items():
        near.setdefault(a, []).append((error, b))
        near.setdefault(b, []).append((error, a))
    return {qubit: tuple(q for _, q in sorted(near[qubit])[:most]) for qubit in sorted(near)}


def _sweeps(
    home: int,
    n_cells: int,
    errors: Mapping[tuple[int, int], float],
    near: Mapping[int, Sequence[int]],
    most_hops: int,
) -> Iterator[Placement]:
    """Every sweep of N cells from a home with at most so many hops.

    Between two hops the order costs nothing: the hop comes last there, and in the end the worst
    pair, for which neighbours have to come with the smallest errors first.
    """

    def walk(place: int, met: tuple[int, ...], hops: tuple[int, ...]) -> Iterator[Placement]:
        """Go on from a place, with these cells met and these hops done."""
        free = [q for q in near.get(place, ()) if q != home and q not in met]
        missing = n_cells - len(met)
        for rest in combinations(free, missing):
            yield Placement(home, (*met, *rest), hops)
        if len(hops) == most_hops:
            return
        for on in free:  # with at least one cell still to come
            others = [q for q in free if q != on]
            for beside in range(min(len(others), missing - 2) + 1):
                for seen in combinations(others, beside):
                    after = (*met, *seen, on)
                    yield from walk(on, after, (*hops, len(after) - 1))

    yield from walk(home, (), ())
