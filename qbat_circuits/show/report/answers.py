"""The answer of a result, which stands before everything else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from qbat_circuits.markup import Markup, element, joined
from qbat_circuits.show.report.parts import Content, energy_unit, interval, level_of, number
from qbat_circuits.show.sweep import best_point
from qbat_circuits.study.saved import SavedResult

#: What each kind of result is called.
NAMES: Final = {
    "run": "Charging run",
    "collision": "Collision circuit",
    "plan": "Plan",
    "comparison": "Noise models compared",
    "fit": "Fit of counts",
    "sweep": "Sweep",
}
#: p-values below this are not told apart.
_LEAST_P: Final = 1e-11


@dataclass(frozen=True)
class Answer:
    """What a reader has to see first.

    Args:
        good: whether the verdict is a good one; None where there is no verdict.
        verdict: one or two words, such as GO.
        reason: of the verdict, a sentence.
        hypothetical: why the chip cannot be what the model makes of it; empty where it can.
        value: the number; None where there is none.
        meaning: what the number is.
        details: lines below it.
    """

    good: bool | None
    verdict: str
    reason: str
    hypothetical: str
    value: Markup | str | None
    meaning: str
    details: tuple[Markup | str, ...]


def answer_of(saved: SavedResult) -> Answer:
    """The answer that a result's files hold."""
    return _ANSWERS[saved.kind](saved)


def statement_of(saved: SavedResult) -> str:
    """What the result is, in one line."""
    return str(saved.content["statement"])


def _measured(saved: SavedResult) -> Answer:
    content = saved.content
    work, unit = content["ergotropy"], energy_unit(content)
    level = level_of(work["confidence"])
    found = work["low"] > 0
    p = work.get("p_value")
    chance = ""
    if p is not None:
        words = f"= {p:.2g}" if p > _LEAST_P else "below 1e-11"
        words = words.replace("-", "−")  # never the end of a line
        chance = f"; without a normal approximation p {words}"
    side = "lies above 0" if found else "reaches down to 0"
    true = work.get("at_readout", work["true"])
    return Answer(
        good=found,
        verdict="WORK FOUND" if found else "NO WORK TOLD FROM 0",
        reason=f"the {level} interval {side}{chance}.",
        hypothetical=_reason(content),
        value=number(work["value"], ".3f", unit),
        meaning="extractable work, from counts",
        details=(
            joined([f"{level} interval ", interval(work["low"], work["high"], unit)]),
            joined(["computed for the state that is read: ", number(true, ".4f", unit)]),
            *_micro(content, work),
        ),
    )


def _micro(content: Content, work: Content) -> tuple[Markup, ...]:
    """The same in micro-electronvolts, where a frequency is known."""
    quantum = content.get("energy_quantum")
    if not quantum:
        return ()
    value, low, high = (work[what] * quantum["uev"] for what in ("value", "low", "high"))
    text = (
        f"{value:.3g} µeV, {low:.3g} to {high:.3g} µeV, at {quantum['frequency_hz'] / 1e9:.4g} GHz"
    )
    return (element("span", text),)


def _planned(saved: SavedResult) -> Answer:
    content = saved.content
    best, unit = content["precision"], energy_unit(content)
    level = level_of(content["goal"]["confidence"])
    return Answer(
        good=bool(content["go"]),
        verdict="GO" if content["go"] else "NO-GO",
        reason=str(content["reason"]),
        hypothetical=str(content["hypothetical"] or ""),
        value=number(content["ergotropy"], ".3f", unit),
        meaning="extractable work, as planned",
        details=(
            joined([f"{level} interval to expect ", interval(best["low"], best["high"], unit)]),
            joined([
                "probability that the goal is reached ", number(content["probability"], ".0%"),
                f" with a spread of {content['spread']:.0%}",
            ]),
        ),
    )  # fmt: skip


def _compared(saved: SavedResult) -> Answer:
    content, unit = saved.content, energy_unit(saved.content)
    first, last, seen = content["rungs"][0], content["rungs"][-1], content["readout"]
    details: list[Markup | str] = [
        joined([f"{first['name']}: ", number(first["ergotropy"], ".4f", unit)])
    ]
    if seen is not None:
        ends = interval(seen["low"], seen["high"], unit)
        details.append(
            joined([
                "from counts ", number(seen["mitigated"], ".4f", unit),
                f", {level_of(seen['confidence'])} interval ", ends,
            ])
        )  # fmt: skip
    if content["circuit"] is not None:
        work = number(content["circuit"]["ergotropy"], ".4f", unit)
        details.append(joined(["a circuit of collisions instead: ", work]))
    return Answer(
        good=None,
        verdict="",
        reason="",
        hypothetical=_reason(content),
        value=number(last["ergotropy"], ".3f", unit),
        meaning="extractable work with all noise of the model",
        details=tuple(details),
    )


def _fitted(saved: SavedResult) -> Answer:
    content = saved.content
    first = content["comparison"]["best"]
    p = content["deviance_p_value"]
    ends = [
        joined([
            f"{name} = ", number(one["value"], ".4g"),
            f", {level_of(content['confidence'])} interval ",
            interval(one["low"], one["high"]),
        ])
        for name, one in list(content["parameters"].items())[:8]
    ]  # fmt: skip
    return Answer(
        good=None,
        verdict="",
        reason="",
        hypothetical="",
        value=element("span", content["reading"]),
        meaning=f"reading of the bath; by AIC the best is {first}; p-value of the fit {p:.2g}",
        details=tuple(ends),
    )


def _swept(saved: SavedResult) -> Answer:
    content, data = saved.content, saved.arrays
    best = None if data is None else best_point(data, "ergotropy")
    details: list[Markup | str] = []
    value: Markup | str | None = None
    if data is not None and best is not None:
        value = number(float(data["ergotropy"].values[best]), ".3f", "ħω̄")
        places = zip(data["ergotropy"].dims, best, strict=True)
        at = {str(name): data[name].values[place] for name, place in places}
        details = [f"{name} = {one}" if isinstance(one, str) else f"{name} = {one:.4g}"
                   for name, one in at.items()]  # fmt: skip
    return Answer(
        good=None,
        verdict="",
        reason="",
        hypothetical=_reason(content),
        value=value,
        meaning="largest extractable work on the grid",
        details=tuple(details),
    )


def _reason(content: Mapping[str, Any]) -> str:
    if not content["hypothetical"]:
        return ""
    return str(
        content.get("hypothetical_reason") or "the chip cannot be what the model makes of it"
    )


_ANSWERS: Final[dict[str, Callable[[SavedResult], Answer]]] = {
    "run": _measured,
    "collision": _measured,
    "plan": _planned,
    "comparison": _compared,
    "fit": _fitted,
    "sweep": _swept,
}
