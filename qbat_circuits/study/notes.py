"""What a model and its curve warn of, one sentence each."""

from __future__ import annotations

import math
from itertools import combinations

from qbat_circuits.dynamics.curve import ChargingCurve
from qbat_circuits.dynamics.leakage import leakage, leakage_of
from qbat_circuits.errors import InputError
from qbat_circuits.study.model import Model
from qbat_circuits.transmon_levels import MAX_LEVELS


def charging_notes(model: Model, curve: ChargingCurve) -> tuple[str, ...]:
    """Detuning, what physics decides beforehand, leakage, and the model's own notes."""
    said = ("detuned", "weak-bath")  # in more detail here and among the model's notes
    decided = [f.sentence for f in model.battery.audit() if f.code not in said]
    return (*detuning_notes(model, curve), *decided, *leakage_notes(model, curve), *model.notes)


def detuning_notes(model: Model, curve: ChargingCurve) -> tuple[str, ...]:
    """What detuning did, nothing on resonance (docs/physics.md, theorem T5).

    Two cells interfere while their detuning is below the collective rate kappa (2n+1).
    """
    battery = model.battery
    collective, detunings = battery.bath.relaxation, battery.detunings
    spread = max(detunings) - min(detunings)
    if spread == 0:
        return ()
    gain = f"charging adds at most {curve.ergotropy_gain.max():.2g} of ergotropy"
    if spread <= collective:
        rate = spread**2 / collective
        return (
            f"Detuning ends the plateau at a rate of about {rate:.3g} (detuning^2 over the "
            f"collective rate); {gain}.",
        )
    close = [
        f"{i} and {k}"
        for i, k in combinations(range(battery.n_cells), 2)
        if abs(detunings[i] - detunings[k]) <= collective
    ]
    alone = "emission pathways of no two cells interfere, and every cell charges alone"
    who = f"only cells {', '.join(close)} interfere" if close else alone
    if model.device is None:
        far, fast = f"{spread:.3g}", f"kappa(2n+1) = {collective:.3g}"
    else:
        far = f"{spread / 2e6 / math.pi:.3g} MHz"
        fast = f"kappa(2n+1)/2pi = {collective / 2e6 / math.pi:.3g} MHz"
    return (
        f"The cells are spread over {far}, more than the collective rate {fast}: {who}; {gain}.",
    )


def leakage_notes(model: Model, curve: ChargingCurve) -> tuple[str, ...]:
    """How much leaks above the two lowest levels at the best time, and with one level more."""
    d = model.battery.levels
    if d == 2:
        return ()
    own = leakage_of(model.battery, curve.states[curve.best])
    words = (
        f"At the best time {own.outside:.2%} of the weight is above the two lowest levels; a "
        f"two-level readout sees an energy of {own.two_level_energy:.4f} of {own.energy:.4f}."
    )
    if model.envelope is not None or d == MAX_LEVELS:
        return (words,)
    time = float(curve.times[curve.best])
    try:
        (more,) = leakage(model.battery, (d + 1,), time, model.initial_state)
    except InputError:
        return (words, f"{d + 1} levels do not fit: the convergence in their number is not known.")
    return (
        words,
        f"With {d + 1} instead of {d} levels it is {more.outside:.2%}, and the work "
        f"{more.ergotropy:.4f} instead of {own.ergotropy:.4f}.",
    )
