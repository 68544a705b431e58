"""Direct extraction: the energy that a circuit takes out of the cells, from Z...Z before and after.

    D = <H>_before - <H>_after,    <H> = sum_b E_b p(b) from the setting Z...Z

is linear in the outcomes, so it has a normal interval, and it may be negative: a bad circuit puts
energy in. For a unitary circuit D <= W. Relaxation during the circuit lowers the energy as well and
reads as work; the same preparation followed by an idle of the circuit's duration shows how much.
See docs/extraction.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from qbat_circuits.analysis.drawn import check_draws, sample_of
from qbat_circuits.analysis.guaranteed import guarantee_fixed
from qbat_circuits.analysis.intervals import Interval
from qbat_circuits.analysis.sample import Sample, check_calibration
from qbat_circuits.analysis.scheme import (
    Cost,
    ErgotropyEstimate,
    Request,
    check_confidence,
    chosen_readout,
)
from qbat_circuits.cells import FloatArray, level_energies
from qbat_circuits.errors import InputError, broken_rule, check_integer, check_number
from qbat_circuits.pair_readout import Readout
from qbat_circuits.sampling.counts import MAX_COUNTS_CELLS, Counts

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

#: Name of the interval's method (docs/extraction.md).
METHOD = "energy-difference-normal"
#: Stands in the warnings of every estimate.
ONLY_IF_UNITARY = (
    "The energy taken out is a lower bound on the work only if the circuit is unitary on the "
    "cells: relaxation and leakage during the circuit lower the energy too and read as work."
)


@dataclass(frozen=True, eq=False, kw_only=True)
class ExtractionEstimate(ErgotropyEstimate):
    """An `ErgotropyEstimate` whose value is an energy drop, with the energies that it is made of.

    The interval and ``guaranteed_low`` may be negative; ``energy`` is the one before, ``readout``,
    ``leakage`` and ``measured_at`` are those after.

    Args:
        energy_before: <H> of the prepared state.
        energy_after: <H> behind the extraction circuit.
        energy_idle: <H> behind an idle of the circuit's duration; None where it was not measured.
        lost_idling: <H>_before - <H>_idle.
        net_of_idle: <H>_idle - <H>_after: the drop beyond that of doing nothing for as long.
        leakage_before: weight in which each cell had left its two levels before the circuit; None
            where the readout does not see it.
    """

    energy_before: Interval
    energy_after: Interval
    energy_idle: Interval | None
    lost_idling: Interval | None
    net_of_idle: Interval | None
    leakage_before: tuple[Interval, ...] | None

    def to_dict(self) -> dict[str, Any]:
        """All figures, as JSON content."""
        names = ("energy_before", "energy_after", "energy_idle", "lost_idling", "net_of_idle")
        energies = {name: getattr(self, name) for name in names}
        before = self.leakage_before
        return {
            **super().to_dict(),
            **{k: None if v is None else v.to_dict() for k, v in energies.items()},
            "leakage_before": None if before is None else [cell.to_dict() for cell in before],
        }


@dataclass(frozen=True)
class ExtractionScheme:
    """Z...Z before and after an extraction circuit: any number of cells in two circuits.

    Args:
        idle_s: duration of the extraction circuit in seconds; with it, a third circuit idles for
            as long.

    Raises:
        InputError: if the duration is not above 0.
    """

    name: ClassVar[str] = "extraction"
    idle_s: float | None = None

    def __post_init__(self) -> None:
        if self.idle_s is not None:
            object.__setattr__(self, "idle_s", check_number("idle_s", self.idle_s, above=0))

    def settings(self, n_cells: int) -> tuple[str, ...]:
        """Z on every cell, in each of the circuits."""
        return ("Z" * check_integer("n_cells", n_cells, at_least=1, at_most=MAX_COUNTS_CELLS),)

    def shots(self, n_cells: int, total: int) -> dict[str, int]:
        """An equal division of about ``total`` shots over the circuits by name, at least 2 each."""
        self.settings(n_cells)
        total = check_integer("total", total, at_least=1)
        names = self._names()
        return dict.fromkeys(names, max(2, round(total / len(names))))

    def cost(self, n_cells: int, shots: int, shot_s: float | None = None) -> Cost:
        """Circuits and shots, and the time they take, for equal ``shots`` per circuit."""
        self.settings(n_cells)
        return Cost.of(len(self._names()), shots, shot_s)

    def _names(self) -> tuple[str, ...]:
        return ("before", "after") if self.idle_s is None else ("before", "after", "idle")

    def circuits(
        self, n_cells: int, prepare: QuantumCircuit | None, extraction: QuantumCircuit
    ) -> list[QuantumCircuit]:
        """The circuits "before" and "after", and "idle" with a duration: each measured in Z...Z.

        The setting is in the metadata, ``{"setting": "ZZ", "state": "after"}``.

        Args:
            n_cells: number of cells N.
            prepare: the preparation, see `tomography_circuits`; None for the cells as they are.
            extraction: unitary circuit of N qubits, qubit i on cell i.

        Raises:
            InputError: if a circuit does not fit the cells, or the extraction measures or resets.
        """
        from qiskit import QuantumCircuit

        from qbat_circuits.circuits.tomography import tomography_circuits

        (label,) = self.settings(n_cells)
        cells = range(len(label))
        (before,) = tomography_circuits(n_cells, prepare, self)
        _check_extraction(extraction, len(label))
        start = QuantumCircuit(len(label)) if prepare is None else prepare.copy()
        start.barrier()  # a transpiler must not merge the two, else "before" is another state
        behind = {"after": start.compose(extraction, cells)}
        if self.idle_s is not None:
            behind["idle"] = start.copy()
            behind["idle"].delay(self.idle_s, cells, unit="s")
        found = {"before": before}
        found |= {s: tomography_circuits(n_cells, c, self)[0] for s, c in behind.items()}
        for state, circuit in found.items():
            circuit.name = state
            circuit.metadata = {"setting": label, "state": state}
        return list(found.values())

    def estimate(
        self,
        before: Counts,
        after: Counts,
        readout: Readout | None = None,
        energies: Sequence[float] | None = None,
        confidence: float = 0.95,
        seed: int = 7,
        idle: Counts | None = None,
    ) -> ExtractionEstimate:
        """The energy drop, with an interval; other settings than Z...Z are not used.

        Counts with the same readout share the noise of its calibration, which is then counted
        once, with its signs; different readouts are taken as calibrated independently.

        Args:
            before: counts of the prepared state.
            after: counts behind the extraction circuit.
            readout: the readout to invert for all counts; by default the one that each carries.
            energies: cell energies e_i, 1 each by default.
            confidence: probability that the interval covers the drop.
            seed: kept in the estimate; nothing here is random.
            idle: counts of the same preparation behind an idle of the circuit's duration.

        Raises:
            InputError: if the setting Z...Z or shots are missing, the counts are of different
                cells, no readout is known, or an argument does not fit.
        """
        given = {"before": before, "after": after} | ({} if idle is None else {"idle": idle})
        requests = {
            state: _request(state, counts, before, readout, confidence, seed)
            for state, counts in given.items()
        }
        _check_same_draws(requests)
        levels = level_energies(before.n_cells, energies)
        drop = _Energies.of({state: requests[state] for state in ("before", "after")}, levels)
        work = drop.interval("before", "after")
        unmitigated = {state: replace(r, readout=r.ideal) for state, r in requests.items()}
        figures = _with_idle(_Energies.of(requests, levels))
        said = [ONLY_IF_UNITARY, *_findings(work, figures["lost_idling"])]
        for request in requests.values():
            said += request.warnings()
        return ExtractionEstimate(
            **_common(requests, drop),
            scheme=self.name,
            quantity="the energy that the circuit took out of the cells",
            is_lower_bound=True,
            value=work.value,
            low=work.low,
            high=work.high,
            method=METHOD,
            raw_value=_Energies.of(unmitigated, levels).value("before", "after"),
            plug_in=drop.value("before", "after"),
            energy=drop.interval("before"),
            energy_before=drop.interval("before"),
            energy_after=drop.interval("after"),
            **figures,
            warnings=tuple(dict.fromkeys(said)),
        )


@dataclass(frozen=True, eq=False)
class _Energies:
    """Readings of Z...Z in several states, those with the same readout in one sample.

    Args:
        groups: samples, and the states of their rows.
        levels: diagonal of H, shape (2^N,).
        z: standard errors of each end of an interval.
    """

    groups: tuple[tuple[Sample, tuple[str, ...]], ...]
    levels: FloatArray
    z: float

    @classmethod
    def of(cls, requests: dict[str, Request], levels: FloatArray) -> _Energies:
        """One sample for each different readout."""
        states: dict[Readout, list[str]] = {}
        for state, request in requests.items():
            states.setdefault(request.readout, []).append(state)
        groups = [
            (_joined([requests[s].counts for s in same], model), tuple(same))
            for model, same in states.items()
        ]
        return cls(tuple(groups), levels, requests["before"].z)

    def weights(self, plus: str, minus: str | None = None) -> list[tuple[Sample, FloatArray]]:
        """The functional <H>_plus - <H>_minus, as its parts on the samples."""
        return [
            (sample, np.outer([float(s == plus) - float(s == minus) for s in same], self.levels))
            for sample, same in self.groups
        ]

    def value(self, plus: str, minus: str | None = None) -> float:
        """The unbiased mean of this functional."""
        return fsum(float(sample.mean(w)) for sample, w in self.weights(plus, minus))

    def interval(self, plus: str, minus: str | None = None) -> Interval:
        """Its normal interval, within its range; readouts that differ are independent."""
        value, most = self.value(plus, minus), float(self.levels.max())
        variances = [float(sample.variance(w)) for sample, w in self.weights(plus, minus)]
        reach = self.z * sqrt(fsum(variances))
        return Interval(value, value - reach, value + reach).clipped(
            0.0 if minus is None else -most, most
        )


def _joined(counts: Sequence[Counts], readout: Readout) -> Sample:
    """Shots of Z...Z in several states, one state after the other."""
    draws = [one.draws for one in counts if one.draws is not None]  # those of all or of none
    table = np.concatenate([one.table for one in counts])
    return sample_of(table, np.concatenate(draws) if draws else None, readout)


def _with_idle(measured: _Energies) -> dict[str, Any]:
    """What an idle says, None without one."""
    pairs = {
        "energy_idle": ("idle", None),
        "lost_idling": ("before", "idle"),
        "net_of_idle": ("idle", "after"),
    }
    there = any("idle" in states for _, states in measured.groups)
    return {name: measured.interval(*pair) if there else None for name, pair in pairs.items()}


def _common(requests: dict[str, Request], drop: _Energies) -> dict[str, Any]:
    """The fields that do not depend on the scheme, and the leakage before."""
    before, after = requests["before"], requests["after"]
    guaranteed = guarantee_fixed(drop.weights("before", "after"), after.confidence)
    if guaranteed is not None:
        guaranteed = replace(guaranteed, low=max(-float(drop.levels.max()), guaranteed.low))
    shots = [int(request.counts.shots[0]) for request in requests.values()]
    earlier = before.common(before.sample(), None)
    return {
        **after.common(after.sample(), guaranteed),
        "leakage_before": earlier["leakage"],
        "shots": min(shots),
        "total_shots": sum(shots),
        "origin": " / ".join(dict.fromkeys(r.counts.origin for r in requests.values())),
    }


def _findings(drop: Interval, lost: Interval | None) -> list[str]:
    found = []
    if drop.high < 0:
        found.append(f"The circuit put energy into the cells: at least {-drop.high:.3g}.")
    if lost is not None:
        found.append(
            f"Idling for as long took out {lost.value:.3g} [{lost.low:.3g}, {lost.high:.3g}]; "
            "'net_of_idle' is the drop beyond that."
        )
    return found


def _request(
    state: str,
    counts: Counts,
    before: Counts,
    readout: Readout | None,
    confidence: float,
    seed: int,
) -> Request:
    """Checked counts of Z...Z in one state."""
    if not isinstance(counts, Counts):
        raise broken_rule(state, "Counts (see Counts.load)", counts)
    n = before.n_cells
    if counts.n_cells != n:
        raise InputError(f"'{state}' must be of {n} cells like 'before', not {counts.n_cells}.")
    label = "Z" * n
    if label not in counts.settings:
        raise InputError(f"'{state}' must hold the setting {label}, which reads the energy.")
    model = chosen_readout(counts, readout)
    check_calibration(model)
    used = counts.select((label,))
    if used.shots[0] < 2:
        rule = ">= 2, because fewer have no variance"
        raise broken_rule(f"shots of {label} {state}", rule, int(used.shots[0]))
    check_draws(used)
    level = check_confidence("confidence", confidence)
    return Request(used, model, level, check_integer("seed", seed, at_least=0))


def _check_same_draws(requests: dict[str, Request]) -> None:
    """Refuse states with different numbers of draws, or only some with draws."""
    found = {
        state: None if r.counts.draws is None else r.counts.draws.shape[1]
        for state, r in requests.items()
    }
    for state, number in found.items():
        if number != found["before"]:
            rule = f"come in as many draws as 'before' ({found['before']})"
            raise InputError(f"'{state}' must {rule}, not {number}.")


def _check_extraction(extraction: object, n_cells: int) -> None:
    from qiskit import QuantumCircuit

    if not isinstance(extraction, QuantumCircuit):
        raise broken_rule("extraction", "a QuantumCircuit", extraction)
    if extraction.num_qubits != n_cells:
        raise InputError(
            f"'extraction' must have one qubit for each of the {n_cells} cells, "
            f"not {extraction.num_qubits}."
        )
    found = _not_unitary(extraction)
    if found is not None:
        raise InputError(f"'extraction' must be unitary, but it holds {found!r}.")
    if extraction.num_clbits:
        raise InputError(
            f"'extraction' must be unitary without classical bits, not {extraction.num_clbits}."
        )


def _not_unitary(circuit: QuantumCircuit) -> str | None:
    """Name of the first operation, at any depth, that is none of gates, barriers and delays."""
    from qiskit.circuit import Barrier, Delay, Gate
    from qiskit.quantum_info import Clifford

    for instruction in circuit.data:
        operation = instruction.operation
        if isinstance(operation, (Gate, Barrier, Delay, Clifford)):
            continue
        blocks = getattr(operation, "blocks", None)  # of a loop
        inner = blocks or [getattr(operation, "definition", None)]
        if None in inner:  # a Kraus channel, for one
            return str(operation.name)
        for block in inner:
            found = _not_unitary(block)
            if found is not None:
                return found
    return None
