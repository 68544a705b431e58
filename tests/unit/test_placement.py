"""Where ancilla and cells sit: who meets whom, what it costs, and that nothing is missed."""

from __future__ import annotations

import itertools
import re
import time

import numpy as np
import pytest
from chips import chip

import qbat_circuits as qb
from qbat_circuits.calibration import Calibration
from qbat_circuits.errors import InputError
from qbat_circuits.placement import (
    HOP_GATES,
    PARTIAL_GATES,
    Placement,
    gate_errors,
    pair_errors,
    placement_on,
    placements,
)


def seeded(pairs: list[tuple[int, int]]) -> Calibration:
    """Different errors for all pairs."""
    errors = np.random.default_rng(5).uniform(1e-3, 1e-2, len(pairs))
    return chip(dict(zip(pairs, errors.tolist(), strict=True)))


def complete(n: int) -> list[tuple[int, int]]:
    return list(itertools.combinations(range(n), 2))


GRAPHS = {
    "line": [(q, q + 1) for q in range(6)],
    "star": [(0, q) for q in range(1, 7)],
    "ring": [*((q, q + 1) for q in range(5)), (0, 5)],
    "all": complete(6),
    "kite": [(0, 1), (1, 2), (0, 2), (2, 3), (3, 4), (4, 5), (3, 5)],
}
CHIPS = {name: seeded(pairs) for name, pairs in GRAPHS.items()} | {
    name: qb.load_calibration(name) for name in ("brisbane",)
}
#: Fewest hops for N = 2, 3, 4, 5.
FEWEST = {
    "line": (0, 1, 2, 3),
    "star": (0, 0, 0, 0),
    "ring": (0, 1, 2, 3),
    "all": (0, 0, 0, 0),
    "kite": (0, 0, 1, 1),
    "brisbane": (0, 0, 1, 2),
}


def follow(place: Placement, pairs: set[tuple[int, int]]) -> list[int]:
    """Cells in the order in which the ancilla meets them, with every qubit moved along."""
    at = {cell: qubit for cell, qubit in enumerate(place.cells)} | {"ancilla": place.ancilla}
    start, met = dict(at), []
    for meeting in place.meetings():
        assert meeting.at == (at[meeting.cell], at["ancilla"])
        assert (min(meeting.at), max(meeting.at)) in pairs
        met.append(meeting.cell)
        if meeting.hop:
            at[meeting.cell], at["ancilla"] = at["ancilla"], at[meeting.cell]
    assert at == start
    return met


@pytest.mark.parametrize("n_cells", [2, 3, 4, 5])
@pytest.mark.parametrize("name", CHIPS)
def test_every_sweep_meets_all_cells_and_ends_at_home(name: str, n_cells: int) -> None:
    calibration = CHIPS[name]
    pairs = set(calibration.coupling_map)
    found = list(placements(calibration, n_cells))
    sweep = [*range(n_cells), *range(n_cells - 2, -1, -1)]
    for one in found:
        one.check(calibration)
        assert follow(one, pairs) == sweep
        shares = [m.share for m in one.meetings()]
        assert shares == [0.5] * (n_cells - 1) + [1.0] + [0.5] * (n_cells - 1)
        assert one.two_qubit_gates == 2 * (2 * n_cells - 1) + 2 * len(one.hops)
        assert gate_errors(one, pair_errors(calibration)) == pytest.approx(
            sum(
                (3 if m.hop else 2) * calibration.two_qubit_gate(*m.at).error
                for m in one.meetings()
            )
        )
    fewest = FEWEST[name][n_cells - 2]
    assert {len(one.hops) for one in found} <= {fewest, fewest + 1}
    assert min(len(one.hops) for one in found) == fewest
    assert {len(one.hops) for one in placements(calibration, n_cells, 0)} == {fewest}


def by_brute_force(calibration: Calibration, n_cells: int, hops: int) -> dict:
    """Fewest gate errors of each home, set of cells and hops, over all orders and all hops."""
    errors, pairs = pair_errors(calibration), set(calibration.coupling_map)
    best: dict = {}
    for home, *cells in itertools.permutations(range(len(calibration.qubits)), n_cells + 1):
        for number in range(hops + 1):
            for chosen in itertools.combinations(range(n_cells - 1), number):
                one = Placement(home, tuple(cells), chosen)
                if all((min(m.at), max(m.at)) in pairs for m in one.meetings()):
                    key = (home, frozenset(cells), tuple(cells[h] for h in chosen))
                    best[key] = min(best.get(key, 1.0), gate_errors(one, errors))
    return best


@pytest.mark.parametrize(
    ("name", "n_cells"), [("kite", 2), ("kite", 3), ("kite", 4), ("ring", 3), ("all", 4)]
)
def test_nothing_is_missed(name: str, n_cells: int) -> None:
    calibration = CHIPS[name]
    errors, fewest = pair_errors(calibration), FEWEST[name][n_cells - 2]
    found = {
        (p.ancilla, frozenset(p.cells), tuple(p.cells[h] for h in p.hops)): gate_errors(p, errors)
        for p in placements(calibration, n_cells)
    }
    assert found == pytest.approx(by_brute_force(calibration, n_cells, fewest + 1))
    for home in range(6):
        own = [key for key in by_brute_force(calibration, n_cells, n_cells) if key[0] == home]
        if own:
            shortest = min(len(key[2]) for key in own)
            wanted = {key for key in own if len(key[2]) <= shortest + 1}
            some = placements(calibration, n_cells, home=home)
            assert {
                (p.ancilla, frozenset(p.cells), tuple(p.cells[h] for h in p.hops)) for p in some
            } == wanted


@pytest.mark.parametrize("name", ["kite", "ring", "all"])
def test_the_best_order_of_given_cells(name: str) -> None:
    """The fewest two-qubit gates, then the fewest errors, of all orders and hops."""
    calibration, errors = CHIPS[name], pair_errors(CHIPS[name])
    best: dict = {}
    for (home, cells, hops), error in by_brute_force(calibration, 4, 3).items():
        best[home, cells] = min(best.get((home, cells), (9, 1.0)), (len(hops), error))
    for home, *cells in itertools.permutations(range(6), 5):
        if (home, frozenset(cells)) in best:
            one = placement_on(calibration, cells, home)
            assert (len(one.hops), gate_errors(one, errors)) == pytest.approx(
                best[home, frozenset(cells)]
            )
        else:
            with pytest.raises(InputError, match="cannot hold cells on qubits"):
                placement_on(calibration, cells, home)


@pytest.mark.parametrize("n_cells", [3, 6])
def test_a_chip_where_all_are_coupled_is_no_trap(n_cells: int) -> None:
    """Permutations of 19 neighbours would take hours; the best star is found nevertheless."""
    calibration = seeded(complete(20))
    errors, before = pair_errors(calibration), time.process_time()
    best = min(gate_errors(p, errors) for p in placements(calibration, n_cells, 0))
    assert time.process_time() - before < 5
    stars = []
    for home in range(20):
        beside = sorted(errors[min(home, q), max(home, q)] for q in range(20) if q != home)
        *others, last = beside[:n_cells]
        stars.append(4 * sum(others) + 2 * last)
    assert best == pytest.approx(min(stars))


def test_a_hop_costs_one_gate_each_way() -> None:
    star, hop = Placement(1, (0, 2)), Placement(0, (1, 2), (0,))
    assert (PARTIAL_GATES, HOP_GATES) == (2, 3)
    assert (star.two_qubit_gates, hop.two_qubit_gates) == (6, 8)
    assert [m.at for m in hop.meetings()] == [(1, 0), (2, 1), (0, 1)]
    assert [m.hop for m in hop.meetings()] == [True, False, True]
    assert hop.qubits == (1, 2, 0)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: Placement(0, ()),
            "'placement' must be different qubits for the ancilla and the cells, not (0,).",
        ),
        (
            lambda: Placement(0, (1, 2, 1)),
            "'placement' must be different qubits for the ancilla and the cells, not (0, 1, 2, 1).",
        ),
        (
            lambda: Placement(1, (0, 1)),
            "'placement' must be different qubits for the ancilla and the cells, not (1, 0, 1).",
        ),
        (
            lambda: Placement(0, (1, 2), (1,)),
            "'hops' must be cells from 0 to 0, rising, not [1].",
        ),
        (
            lambda: Placement(0, (1, 2, 3), (1, 0)),
            "'hops' must be cells from 0 to 1, rising, not [1, 0].",
        ),
        (
            lambda: Placement(0, (1, 2, 3), (0, 0)),
            "'hops' must be cells from 0 to 1, rising, not [0, 0].",
        ),
        (
            lambda: Placement(0, (1, 2)).check(CHIPS["line"]),
            "'placement' needs a two-qubit gate between qubits 0 and 2, which 'test' does not "
            "have.",
        ),
        (
            lambda: Placement(6, (5, 7)).check(CHIPS["line"]),
            "'placement' must be qubits from 0 to 6, not 7.",
        ),
        (
            lambda: Placement(0, (1, -1)).check(CHIPS["line"]),
            "'placement' must be qubits from 0 to 6, not -1.",
        ),
        (
            lambda: placement_on(CHIPS["star"], [1, 2], 3),
            "The coupling map of 'test' cannot hold cells on qubits 1, 2 with the ancilla on 3: it "
            "must reach every cell over cells that it passed.",
        ),
        (
            lambda: placements(CHIPS["line"], 7),
            "The coupling map of 'test' holds no ancilla that reaches 7 cells.",
        ),
        (
            lambda: placements(CHIPS["line"], 5, home=3),
            "The coupling map of 'test' holds no ancilla that reaches 5 cells from qubit 3.",
        ),
    ],
)
def test_what_cannot_be_placed_gets_one_sentence(make, sentence: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        make()


def test_gates_that_are_not_calibrated_hold_nothing() -> None:
    """A line whose middle gate has error 1: three qubits on each side."""
    pairs = [(q, q + 1) for q in range(5)]
    broken = chip({pair: 1.0 if pair == (2, 3) else 0.01 for pair in pairs})
    for one in placements(broken, 2):
        assert set(one.qubits) in ({0, 1, 2}, {3, 4, 5})
    with pytest.raises(InputError, match="reaches 3 cells"):
        placements(broken, 3)
