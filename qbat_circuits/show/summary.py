"""What a run found, as text for a terminal or a pipe."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qbat_circuits.analysis.dicke import DickeEstimate
from qbat_circuits.analysis.extraction import ExtractionEstimate
from qbat_circuits.analysis.scheme import ErgotropyEstimate
from qbat_circuits.coupling import Coupling
from qbat_circuits.dynamics.curve import STATE_LIMIT, ChargingCurve
from qbat_circuits.study.experiment import ExperimentResult
from qbat_circuits.study.model import Model
from qbat_circuits.units import quantum_uev, temperature_from_occupation

Rows = list[tuple[str, str]]

#: Pages of docs/ about schemes that have one of their own.
_PAGES = {"dicke": "dicke-scheme", "extraction": "extraction"}


def headline(model: Model) -> str:
    """The first printed line: what this is, and whether any chip could be it."""
    if not model.hypothetical or model.device is None:
        return model.statement
    return f"HYPOTHETICAL: {model.statement} ({model.device.hypothetical_reason})"


def summary_sections(result: ExperimentResult) -> Iterator[tuple[str, Rows]]:
    """Titled groups of (what, value) rows, in reading order."""
    if result.model.device is not None:
        yield "Chip", list(_chip_rows(result.model))
    yield "Charging", list(_charging_rows(result))
    yield "Measurement", list(_measurement_rows(result))


def sentences(model: Model, notes: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Titled lists of sentences: what was assumed and what to beware of."""
    if model.assumptions:
        yield "Assumed", model.assumptions
    if notes:
        yield "Notes", notes


def _chip_rows(model: Model) -> Iterator[tuple[str, str]]:
    device = model.device
    if device is None:
        return
    yield "calibration", f"{device.name}, {device.calibrated_at or 'undated'}"
    matrices = device.readout.assignment
    for cell, transmon in enumerate(device.cells):
        frequency = (
            "no frequency"
            if transmon.frequency_hz is None
            else (f"{transmon.frequency_hz / 1e9:.4g} GHz")
        )
        times = f"T1 {transmon.t1_s * 1e6:.4g} us, T2 {transmon.t2_s * 1e6:.4g} us, "
        if model.experiment.noise is not None:
            times = ""  # replaced, see what was assumed
        yield (
            f"cell {cell}: qubit {transmon.index}",
            f"{times}{frequency}, P(1|0) {matrices[cell, 1, 0]:.2%}, "
            f"P(0|1) {matrices[cell, 0, 1]:.2%}",
        )


def _charging_rows(result: ExperimentResult) -> Iterator[tuple[str, str]]:
    model, plateau, steady = result.model, result.plateau, result.steady
    bath, frequency = model.battery.bath, model.frequency_hz
    unit = "" if frequency is None else "/s"
    text = f"rate {bath.rate:.4g}{unit}, occupation {bath.occupation:.4g}"
    if model.experiment.bath.kind == "rates":
        text = f"emission {bath.emission:.4g}{unit}, absorption {bath.absorption:.4g}{unit}"
    elif bath.squeezing:
        text += f", squeezing {bath.squeezing:.4g}"
    elif frequency is not None:
        kelvin = temperature_from_occupation(frequency, bath.occupation)
        text += f" ({kelvin:.4g} K at {frequency / 1e9:.4g} GHz)"
    timed = "" if model.envelope is None else ", changing in time"
    yield "collective bath", text + _coupling_text(bath.coupling) + timed
    deviation = max(result.energy_deviation, result.ergotropy_deviation)
    yield "engine", f"{result.curve.engine}, {deviation:.1e} from {result.check_engine}"
    yield "best charging time", _time(model, plateau.peak_time)
    end = _time(model, plateau.stop) + ("" if plateau.stops_inside else " (end of the curve)")
    window = f"{_time(model, plateau.start)} to {end}"
    if plateau.peak_ergotropy <= STATE_LIMIT:
        window = "none, W = 0 at every saved time"
    yield f"window with W >= {plateau.share:.0%} of it", window
    yield "stored energy there", _energy(model.frequency_hz, result.energy_true)
    yield "ergotropy there", _energy(model.frequency_hz, result.ergotropy_true)
    if result.curve.ergotropy[0] > STATE_LIMIT:
        gain = float(result.curve.ergotropy_gain[result.curve.best])
        yield "  of it not in the start", _energy(model.frequency_hz, gain)
    if result.leakage is not None:
        shares = ", ".join(f"{p:.2%}" for p in result.leakage.populations)
        yield "levels 0, 1, ... at readout", f"{shares} ({result.leakage.outside:.2%} leaked)"
    if steady is not None:
        kind = "unique" if steady.unique else "decided by the start"
        yield "steady-state ergotropy", f"{_energy(model.frequency_hz, steady.ergotropy)}, {kind}"


def _coupling_text(coupling: Coupling) -> str:
    """How the bath couples to the cells, where it does not see all of them alike."""
    parts = []
    if isinstance(coupling.correlation, float):
        parts.append(f"correlation {coupling.correlation:.4g}")
    elif coupling.correlation is not None:
        parts.append("correlated as the given matrix")
    if coupling.positions is not None:
        listed = ", ".join(f"{x:.4g}" for x in coupling.positions)
        parts.append(f"cells along a waveguide at {listed} wavelengths")
    if coupling.amplitudes is not None:
        parts.append(f"amplitudes {', '.join(f'{g:.4g}' for g in coupling.amplitudes)}")
    return "".join(f", {part}" for part in parts)


def _measurement_rows(result: ExperimentResult) -> Iterator[tuple[str, str]]:
    model = result.model
    yield "ergotropy at readout, true", _energy(model.frequency_hz, result.ergotropy_at_readout)
    yield "energy at readout, true", _energy(model.frequency_hz, result.energy_at_readout)
    yield from estimate_rows(result.estimate, model.frequency_hz)


def estimate_rows(
    estimate: ErgotropyEstimate, frequency_hz: float | None = None
) -> Iterator[tuple[str, str]]:
    """What counts say: rows of (what, value), in ueV too where the frequency is known."""
    level = f"{100 * estimate.confidence:.10g} %"
    yield "scheme", estimate.scheme
    yield "shots", f"{estimate.shots} or more a setting, {estimate.total_shots} in all"
    yield "readout", _readout_text(estimate)
    if estimate.is_lower_bound:
        yield "the value is", estimate.quantity
    drop = isinstance(estimate, ExtractionEstimate)
    what = "energy taken out" if drop else "ergotropy"
    yield f"{what}, raw (readout errors left in)", _energy(frequency_hz, estimate.raw_value)
    yield f"{what}, mitigated", _energy(frequency_hz, estimate.value)
    yield f"  {level} interval", _interval(frequency_hz, estimate.low, estimate.high)
    if estimate.guaranteed_low is not None:
        low = _energy(frequency_hz, estimate.guaranteed_low)
        yield "  at least, for any number of shots", f"{low} ({level})"
    if estimate.p_value is not None:
        null = "no energy taken out" if drop else "W = 0"
        yield f"p-value of {null}", _p_value(estimate.p_value)
    if not drop:  # has energies of its own, below
        energy = estimate.energy
        yield "energy, mitigated", _energy(frequency_hz, energy.value)
        yield f"  {level} interval", _interval(frequency_hz, energy.low, energy.high)
    for cell, leaked in enumerate(estimate.leakage or ()):
        text = f"{leaked.value:.2%} [{leaked.low:.2%}, {leaked.high:.2%}]"
        yield f"leaked weight, cell {cell}", text
    yield from _scheme_rows(estimate, frequency_hz)
    page = _PAGES.get(estimate.scheme, "estimating-work")
    yield "method", f"{estimate.method} (docs/{page}.md)"


def _scheme_rows(
    estimate: ErgotropyEstimate, frequency_hz: float | None
) -> Iterator[tuple[str, str]]:
    """What only one scheme knows."""
    if isinstance(estimate, DickeEstimate):
        test = estimate.symmetry
        yield (
            "symmetry, furthest from 0",
            f"{test.contrast} = {test.value:.3g}, {abs(test.sigma):.1f} standard errors, "
            f"p = {test.p_value:.2g}",
        )
    if isinstance(estimate, ExtractionEstimate):
        for what, part in (
            ("energy before", estimate.energy_before),
            ("energy after", estimate.energy_after),
            ("energy after idling as long", estimate.energy_idle),
            ("taken out beyond idling", estimate.net_of_idle),
        ):
            if part is not None:
                interval = _interval(frequency_hz, part.low, part.high)
                yield what, f"{_energy(frequency_hz, part.value)} {interval}"


def _readout_text(estimate: ErgotropyEstimate) -> str:
    shots = estimate.readout.calibration_shots
    if shots is None:
        return "assignment matrices taken as exact"
    fewest = min(int(block.min()) for block in shots)
    return f"assignment matrices from {fewest} or more shots a level"


def _p_value(p: float) -> str:
    return f"{p:.2g}" if p > 1e-11 else "below 1e-11"


def curve_rows(
    model: Model, curve: ChargingCurve, most: int = 21
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headers and rows of a charging curve, thinned to at most ``most`` times and the best one."""
    shown = set(np.linspace(0, len(curve.times) - 1, min(most, len(curve.times))).astype(int))
    shown.add(curve.best)
    rows: list[tuple[str, ...]] = [
        (
            _time(model, float(curve.times[i])),
            f"{curve.energy[i]:.6f}",
            f"{curve.ergotropy[i]:.6f}",
            "best" if i == curve.best else "",
        )
        for i in sorted(shown)
    ]
    return ("time", "E (hw)", "W (hw)", ""), rows


def _energy(frequency_hz: float | None, value: float) -> str:
    text = f"{value:.4f}"
    if frequency_hz is None:
        return text
    return f"{text} hw = {_uev(frequency_hz, value)} ueV"


def _interval(frequency_hz: float | None, low: float, high: float) -> str:
    text = f"[{low:.4f}, {high:.4f}]"
    if frequency_hz is None:
        return text
    return f"{text} hw = [{_uev(frequency_hz, low)}, {_uev(frequency_hz, high)}] ueV"


def _uev(frequency_hz: float, value: float) -> str:
    """Three digits, but no digits of round-off: below the four decimals shown beside it, 0."""
    return f"{value * quantum_uev(frequency_hz):.3g}" if abs(value) >= 5e-5 else "0"


def _time(model: Model, value: float) -> str:
    return f"{value:.4g}" if model.device is None else f"{value * 1e6:.4g} us"
