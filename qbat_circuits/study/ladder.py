"""An experiment's noise put together rung by rung: each has one effect more than the one before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from qbat_circuits.baths import LocalNoise
from qbat_circuits.battery import Battery
from qbat_circuits.coupling import ONE_MODE
from qbat_circuits.schema import Experiment
from qbat_circuits.study.model import Model, build_model
from qbat_circuits.study.tables import bath_of

#: Names of the rungs, in order; the last two are no noise of the battery.
IDEAL: Final = "ideal collective"
RESIDUAL: Final = "residual population"
T1: Final = "T1"
T2: Final = "T2"
EXTRA: Final = "extra dissipators"
DETUNING: Final = "detuning"
CORRELATION: Final = "partial correlation"
LEAKAGE: Final = "leakage"
READOUT: Final = "readout"
CIRCUIT: Final = "gate-level collision circuit"
#: Levels of the leakage rung where the experiment has two, and the most cells it is taken for.
_LEVELS, _LEAKING_CELLS = 3, 4
#: Fields of [bath] that make it less than one mode that sees all cells alike.
_PARTIAL = ("collectivity", "correlation", "positions", "amplitudes")


@dataclass(frozen=True, eq=False)
class Rung:
    """A battery with one effect more than the one before it.

    Args:
        name: the effect.
        battery: the model.
        initial_state: where charging starts.
    """

    name: str
    battery: Battery
    initial_state: str


def noise_ladder(experiment: Experiment) -> list[Rung]:
    """The experiment's battery without noise, and then with one kind of it after another.

    Ideal collective bath; + residual population (at the start); + T1; + T2; + extra dissipators;
    + detuning; + partial correlation or collectivity; + leakage. Only what the experiment or its
    chip has: `compare` says what is left out.

    Raises:
        InputError: for whatever the experiment refuses.
    """
    return ladder_of(build_model(experiment))[0]


def ladder_of(model: Model) -> tuple[list[Rung], list[str]]:
    """The rungs that there are, and a sentence for each that is left out."""
    rungs: list[Rung] = []
    notes = []
    for name, battery, start, reason in _steps(model):
        if reason:
            notes.append(left_out(name, reason))
        else:
            rungs.append(Rung(name, battery, start))
    return rungs, notes


def left_out(name: str, reason: str) -> str:
    """The sentence about a rung that there is not."""
    return f"No rung {name!r}: {reason}."


def _steps(model: Model) -> Iterator[tuple[str, Battery, str, str]]:
    """(name, battery, start, why it is left out) of every rung of the battery."""
    whole, table, n = model.battery, model.experiment.bath, model.battery.n_cells
    frequency = None if model.device is None else model.device.mean_frequency_hz
    ideal = bath_of(table.model_copy(update=dict.fromkeys(_PARTIAL)), frequency)
    share = 0.0 if table.collectivity is None else (1 - table.collectivity) * (table.rate or 0.0)
    own = tuple(replace(one, rate=max(one.rate - share, 0.0)) for one in whole.noise)
    thermal = model.initial_state == "thermal"
    energies = whole.energies if model.device is None else (1.0,) * n
    quiet = tuple(LocalNoise(0.0, one.occupation) for one in own)
    now = Battery(ideal, quiet, (0.0,) * n, energies)
    yield IDEAL, now, "ground" if thermal else model.initial_state, ""

    start = model.initial_state
    populated = thermal and any(one.occupation for one in own)
    yield RESIDUAL, now, start, "" if populated else "the start has none"
    now = replace(now, noise=tuple(replace(one, dephasing=0.0) for one in own))
    yield T1, now, start, "" if any(one.rate for one in own) else "no cell decays"
    now = replace(now, noise=own)
    dephases = any(one.dephasing for one in own)
    yield T2, now, start, "" if dephases else "nothing dephases beside T1"
    if whole.extra_jumps and whole.levels == 2:
        now = replace(now, extra_jumps=whole.extra_jumps)
        yield EXTRA, now, start, ""
    now = replace(now, detunings=whole.detunings, energies=whole.energies)
    detuned = len(set(whole.detunings)) > 1
    yield DETUNING, now, start, "" if detuned else "the cells are at one frequency"
    now = replace(now, bath=whole.bath, noise=whole.noise)
    partial = table.collectivity not in (None, 1.0) or whole.bath.coupling != ONE_MODE
    yield CORRELATION, now, start, "" if partial else "all cells couple alike to one mode"
    yield LEAKAGE, *_leaking(model, now)


def _leaking(model: Model, now: Battery) -> tuple[Battery, str, str]:
    """The experiment's levels, or three where it has two and the anharmonicity is known."""
    whole, start = model.battery, model.initial_state
    if whole.levels > 2:
        return whole, start, ""
    if whole.transmon is None:
        return now, start, "no anharmonicity is known"
    bath = whole.bath
    if bath.cross != 0 or bath.absorption > bath.emission or whole.extra_jumps:
        return now, start, "more levels take a thermal bath and no extra dissipators"
    if whole.n_cells > _LEAKING_CELLS:
        return now, start, f"{_LEVELS} levels are taken for at most {_LEAKING_CELLS} cells"
    levels = replace(whole.transmon, levels=_LEVELS)
    return replace(now, transmon=levels), start, ""
