"""The figures of one qubit, and a stated policy for each odd value that real chips report.

Refused, because no policy would be right: T1 or T2 <= 0, a probability outside [0, 1], NaN, a date
that cannot be read or has no time zone. Kept, each with a warning that names the qubit:

- T2 > 2 T1: both are kept; the pure dephasing rate 1/T2 - 1/(2 T1) is clipped at 0.
- No T1, T2 or readout error: the qubit stays in the table and cannot be chosen.
- No frequency: stays missing; what needs it asks for an assumed one (`Device.from_calibration`).
- No anharmonicity, or exactly 0, which no transmon has: counts as missing, so two levels only.
- P(1|0) + P(0|1) >= 0.9 is close to a coin, >= 1 worse than one: used as reported, unless it is so
  near 1 that the readout cannot be inverted; then the qubit cannot be chosen.
- ``readout_error`` not the mean of P(1|0) and P(0|1): the two parts are used.
- No readout length: nothing is assumed; the reported errors contain decay during readout already.
- Stale dates: T1, T2 or readout of a qubit more than `STALE_DAYS` older than the calibration, or
  than another of these figures, is used, but describes the chip at another time. Seven days,
  because public chips renew these figures about daily: after a week something kept them from it.
- Figures that are not verified: nobody has read the number in its source (a design value, or one
  from memory).

A residual excited population is in none of IBM's files. P(1|0) mixes it with readout error, so it
is never derived from there (docs/physics.md, section 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from qbat_circuits.errors import broken_rule, check_choice, check_integer, check_number
from qbat_circuits.readout_model import MIN_CONTRAST

#: Days behind its calibration, or behind another figure of the qubit, at which a figure is stale.
STALE_DAYS = 7.0
#: P(1|0) + P(0|1) from which a readout is called close to a coin; at 1 it is one.
NEAR_COIN = 0.9


class Figure(NamedTuple):
    """How one figure is shown (``value * scale`` in the unit of ``header``) and its limits."""

    words: str
    unit: str
    scale: float
    limits: dict[str, float]


_PROBABILITY: dict[str, float] = {"at_least": 0, "at_most": 1}
#: Every figure of a qubit, in the order of the table.
FIGURES: dict[str, Figure] = {
    "t1_s": Figure("T1", "us", 1e6, {"above": 0}),
    "t2_s": Figure("T2", "us", 1e6, {"above": 0}),
    "frequency_hz": Figure("frequency", "GHz", 1e-9, {"above": 0}),
    "anharmonicity_hz": Figure("anharmonicity", "MHz", 1e-6, {}),
    "prob_meas1_prep0": Figure("P(1|0)", "%", 100, _PROBABILITY),
    "prob_meas0_prep1": Figure("P(0|1)", "%", 100, _PROBABILITY),
    "readout_error": Figure("readout error", "%", 100, _PROBABILITY),
    "readout_length_s": Figure("readout length", "ns", 1e9, {"above": 0}),
    "residual_population": Figure("residual population", "%", 100, {"at_least": 0, "below": 0.5}),
}
_NEEDED = ("t1_s", "t2_s", "prob_meas1_prep0", "prob_meas0_prep1")


@dataclass(frozen=True)
class QubitCalibration:
    """Figures of one qubit in SI; None is what the source does not have.

    Args:
        index: number of the qubit on its chip.
        t1_s, t2_s: relaxation time and (echo) coherence time in seconds, > 0.
        frequency_hz, anharmonicity_hz: in Hz; the anharmonicity of a transmon is negative.
        prob_meas1_prep0, prob_meas0_prep1: P(read 1 | prepared 0) and P(read 0 | prepared 1).
        readout_error: the source's single figure, kept for comparison and never used.
        readout_length_s: duration of the readout in seconds.
        residual_population: excited population at rest, in [0, 0.5).
        dates: pairs (figure, ISO date with time zone) of the figures whose date is known.

    Raises:
        InputError: if a value breaks its rule.
    """

    index: int
    t1_s: float | None = None
    t2_s: float | None = None
    frequency_hz: float | None = None
    anharmonicity_hz: float | None = None
    prob_meas1_prep0: float | None = None
    prob_meas0_prep1: float | None = None
    readout_error: float | None = None
    readout_length_s: float | None = None
    residual_population: float | None = None
    dates: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        check_integer("index", self.index, at_least=0)
        for name, figure in FIGURES.items():
            value = getattr(self, name)
            if value is not None:
                number = check_number(f"qubits[{self.index}].{name}", value, **figure.limits)
                object.__setattr__(self, name, number)
        for name, date in self.dates:
            check_choice(f"qubits[{self.index}].dates", name, tuple(FIGURES))
            as_date(f"qubits[{self.index}].dates.{name}", date)
        object.__setattr__(self, "dates", tuple(sorted(self.dates)))

    @property
    def total_readout_error(self) -> float | None:
        """P(1|0) + P(0|1); 0 reads perfectly, 1 tells nothing, 2 reads inverted."""
        if self.prob_meas1_prep0 is None or self.prob_meas0_prep1 is None:
            return None
        return self.prob_meas1_prep0 + self.prob_meas0_prep1

    @property
    def obstacles(self) -> tuple[str, ...]:
        """What keeps the qubit from being chosen, in words; empty where nothing does."""
        words = [f"no {FIGURES[name].words}" for name in _NEEDED if getattr(self, name) is None]
        total = self.total_readout_error
        if total is not None and abs(1 - total) < MIN_CONTRAST:
            words.append(f"a readout that tells nothing (P(1|0) + P(0|1) = {total:.4g})")
        return tuple(words)


@dataclass(frozen=True)
class CalibrationWarning:
    """One oddity of one qubit, or of a gate on its qubits: its kind, numbers, and what is done."""

    qubits: tuple[int, ...]
    kind: str
    detail: str
    policy: str

    def __str__(self) -> str:
        numbers = f"{'s' if len(self.qubits) > 1 else ''} {' and '.join(map(str, self.qubits))}"
        return f"Qubit{numbers}: {self.detail}; {self.policy}."


def as_date(field: str, text: object) -> datetime:
    """The instant of an ISO date with time zone.

    Raises:
        InputError: if it cannot be read or has no time zone.
    """
    try:
        date = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        date = None
    if date is None or date.tzinfo is None:
        raise broken_rule(field, "an ISO date with time zone", text)
    return date


def named_qubits(numbers: Iterable[int]) -> str:
    """``qubit 3``, ``qubits 0, 1, 2`` or, for four and more in a row, ``qubits 5-8, 11``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    listed = [f"{r[0]}-{r[-1]}" if len(r) > 3 else ", ".join(map(str, r)) for r in runs]
    plural = len(runs) > 1 or any(len(run) > 1 for run in runs)
    return f"qubit{'s' if plural else ''} {', '.join(listed)}"


def named_places(places: Iterable[tuple[int, ...]]) -> str:
    """`named_qubits` for single qubits; for pairs ``qubits (3, 4), (5, 6)``, sorted, each once."""
    found = sorted({tuple(sorted(place)) for place in places})
    if len(found[0]) == 1:
        return named_qubits(place[0] for place in found)
    return f"qubits {', '.join(map(str, found))}"


def warnings_of(
    qubit: QubitCalibration, calibrated_at: str | None, unverified: Sequence[str]
) -> Iterator[CalibrationWarning]:
    """Every oddity of one qubit (policies: top of this module).

    Args:
        qubit: its figures.
        calibrated_at: ISO date of the whole calibration, None where it has none.
        unverified: kinds of figures that are not verified.
    """
    found = [*_missing(qubit), *_readout_oddities(qubit), *_stale(qubit, calibrated_at)]
    if qubit.t1_s is not None and qubit.t2_s is not None and qubit.t2_s > 2 * qubit.t1_s:
        detail = f"T2 ({qubit.t2_s * 1e6:.4g} us) > 2 T1 ({2 * qubit.t1_s * 1e6:.4g} us)"
        found.insert(0, ("T2 > 2 T1", detail, "pure dephasing is clipped at 0"))
    doubtful = [FIGURES[f].words for f in unverified if getattr(qubit, f, None) is not None]
    if doubtful:
        kind = "figures not verified"
        detail = f"not verified: {', '.join(doubtful)}"
        found.append((kind, detail, "design values or numbers from memory"))
    for kind, detail, policy in found:
        yield CalibrationWarning((qubit.index,), kind, detail, policy)


def _missing(qubit: QubitCalibration) -> Iterator[tuple[str, str, str]]:
    policies = dict.fromkeys(_NEEDED, "the qubit cannot be chosen")
    policies["frequency_hz"] = "what needs it asks for an assumed frequency"
    policies["anharmonicity_hz"] = "two levels only"
    policies["readout_length_s"] = "none is assumed"
    for name, policy in policies.items():
        words = FIGURES[name].words
        if getattr(qubit, name) is None:
            yield f"missing {words}", f"{words} is missing", policy
    if qubit.anharmonicity_hz == 0:
        kind = "anharmonicity exactly 0"
        yield kind, f"{kind} Hz, which no transmon has", "counts as missing, two levels only"


def _readout_oddities(qubit: QubitCalibration) -> Iterator[tuple[str, str, str]]:
    total = qubit.total_readout_error
    if total is None:
        return
    if total >= NEAR_COIN:
        kind = f"readout {'worse than' if total >= 1 else 'close to'} a coin"
        useless = abs(1 - total) < MIN_CONTRAST
        policy = "the qubit cannot be chosen" if useless else "used as reported"
        yield kind, f"{kind} (P(1|0) + P(0|1) = {total:.4g})", policy
    if qubit.readout_error is not None and abs(qubit.readout_error - total / 2) > 1e-6:
        kind = "readout error is not the mean of its parts"
        detail = f"{kind} ({qubit.readout_error:.4g}, not {total / 2:.4g})"
        yield kind, detail, "the parts are used"


def _stale(qubit: QubitCalibration, calibrated_at: str | None) -> Iterator[tuple[str, str, str]]:
    dates = {
        FIGURES[name].words: as_date(name, date) for name, date in qubit.dates if name in _NEEDED
    }
    if not dates:
        return
    oldest, newest = min(dates, key=dates.__getitem__), max(dates, key=dates.__getitem__)
    references = {newest: dates[newest]}
    if calibrated_at is not None:
        references["the calibration"] = as_date("calibrated_at", calibrated_at)
    latest = max(references, key=references.__getitem__)
    days = (references[latest] - dates[oldest]).total_seconds() / 86400
    if days > STALE_DAYS:
        detail = f"{oldest} is {days:.1f} days older than {latest}"
        yield "stale dates", detail, "the figures describe different times"
