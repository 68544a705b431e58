"""Which cells of a chip to charge on a common bath: the candidates, and what each would show."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from qbat_circuits.calibration import Calibration
from qbat_circuits.cells import FloatArray
from qbat_circuits.dynamics.charging import charge
from qbat_circuits.dynamics.curve import ChargingCurve, Plateau
from qbat_circuits.errors import InputError
from qbat_circuits.schema import Experiment
from qbat_circuits.study.model import Model, build_model

#: Up to so many subsets all are looked at; beyond, those that the coupling map connects.
_ALL: Final = 500
#: Most subsets that are charged, the best first by a rough score.
_CHARGED: Final = 250
#: Times of a curve, and how far it goes in units of the time of the collective bath.
_TIMES: Final = 80
_LAST: Final = 1e4


@dataclass(frozen=True, eq=False)
class Candidate:
    """Some cells of a chip.

    Args:
        qubits: which ones.
        ergotropy: at the best time.
        contrast: product of 1 - P(1|0) - P(0|1) of the cells.
        curve: the charging curve.
        model: the model.
    """

    qubits: tuple[int, ...]
    ergotropy: float
    contrast: float
    curve: ChargingCurve
    model: Model

    @property
    def score(self) -> float:
        """Work times contrast: what is seen over its own noise, for equal shots."""
        return self.ergotropy * self.contrast

    @property
    def plateau(self) -> Plateau:
        """The window around the best time."""
        return self.curve.plateau()


def best_cells(
    experiment: Experiment, calibration: Calibration, n_cells: int
) -> tuple[Candidate, ...]:
    """Candidates, the best first; only one where the experiment lists the qubits.

    Raises:
        InputError: if the chip has too few usable qubits.
    """
    chip = experiment.chip
    if chip is None:
        raise InputError("A plan needs a [chip].")
    subsets: Sequence[tuple[int, ...]]
    if isinstance(chip.qubits, str):
        subsets = heapq.nsmallest(
            _CHARGED, _subsets(calibration, n_cells), key=lambda s: _rough(calibration, s)
        )
        if not subsets:
            raise InputError(
                f"'battery.n_cells' must be at most what {calibration.name!r} can connect of its "
                f"usable qubits, not {n_cells}."
            )
    else:
        subsets = [tuple(chip.qubits)]
    found = [_charged(experiment, calibration, subset) for subset in subsets]
    return tuple(sorted(found, key=lambda one: -one.score))


def _subsets(calibration: Calibration, n: int) -> Iterator[tuple[int, ...]]:
    """All sets of n usable qubits, or the connected ones where these are too many."""
    usable = [qubit.index for qubit in calibration.qubits if not qubit.obstacles]
    if math.comb(len(usable), n) <= _ALL or not calibration.coupling_map:
        yield from combinations(usable, n)
        return
    near: dict[int, set[int]] = {qubit: set() for qubit in usable}
    for a, b in calibration.coupling_map:
        if a in near and b in near:
            near[a].add(b)
            near[b].add(a)
    sets = {frozenset([qubit]) for qubit in usable}
    for _ in range(n - 1):
        sets = {one | {q} for one in sets for member in one for q in near[member] - one}
    yield from (tuple(sorted(one)) for one in sets)


def _rough(calibration: Calibration, subset: Sequence[int]) -> float:
    """Local rates times a microsecond, plus readout errors."""
    qubits = [calibration.qubits[q] for q in subset]
    return sum(
        1e-6 / (q.t1_s or 1e-6) + 1e-6 / (q.t2_s or 1e-6) + (q.total_readout_error or 0.0)
        for q in qubits
    )


def _charged(
    experiment: Experiment, calibration: Calibration, subset: tuple[int, ...]
) -> Candidate:
    chip = experiment.chip
    if chip is None:
        raise InputError("A plan needs a [chip].")
    listed = experiment.model_copy(
        update={"chip": chip.model_copy(update={"qubits": list(subset)})}
    )
    model = build_model(listed, calibration)
    battery = model.battery
    curve = charge(battery, _grid(battery.bath.relaxation), model.initial_state)
    contrast = float(np.prod([1 - a[1, 0] - a[0, 1] for a in model.readout.assignment]))
    return Candidate(subset, float(curve.ergotropy[curve.best]), contrast, curve, model)


def _grid(relaxation: float) -> FloatArray:
    """Times around that of the collective bath."""
    return np.concatenate([[0.0], np.geomspace(0.02, _LAST, _TIMES) / relaxation])
