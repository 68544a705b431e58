"""From an experiment file to the model that is simulated, with everything assumed said."""

from __future__ import annotations

import dataclasses
import math
import warnings
from dataclasses import dataclass

from qbat_circuits.baths import CollectiveBath, LocalNoise
from qbat_circuits.battery import Battery
from qbat_circuits.calibration import load_calibration
from qbat_circuits.device import Device
from qbat_circuits.errors import InputError, check_integer
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.schema import BathTable, Chip, Experiment
from qbat_circuits.study.chip_choice import choose_qubits
from qbat_circuits.units import occupation_from_temperature


@dataclass(frozen=True)
class Model:
    """What an experiment describes, ready to simulate.

    Attributes:
        experiment: the file's content.
        device: the chosen cells of a chip; None for an ideal battery.
        battery: cells, bath and noise; rates in 1/s with a device.
        readout: assignment matrices of the cells.
        initial_state: "ground", "thermal" or a bit string.
        statement: one line that says what this is.
        assumptions: what was assumed, one sentence each.
        notes: what the physics or the calibration warns of, one sentence each.
    """

    experiment: Experiment
    device: Device | None
    battery: Battery
    readout: ReadoutModel
    initial_state: str
    statement: str
    assumptions: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def hypothetical(self) -> bool:
        """Whether the chip cannot be what the model makes of it."""
        return self.device is not None and self.device.hypothetical

    @property
    def frequency_hz(self) -> float | None:
        """Mean frequency of the cells; None for an ideal battery."""
        return None if self.device is None else self.device.mean_frequency_hz


def build_model(experiment: Experiment) -> Model:
    """Resolve chip, cells, bath and noise of an experiment.

    Raises:
        InputError: for whatever the calibration, the device, the bath or the battery refuses.
    """
    if experiment.chip is None:
        return _ideal(experiment)
    return _on_chip(experiment, experiment.chip)


def _ideal(experiment: Experiment) -> Model:
    noise = experiment.noise
    battery = Battery.identical(
        n_cells=check_integer("battery.n_cells", experiment.battery.n_cells, at_least=1),
        bath=_bath(experiment.bath, None),
        noise=LocalNoise() if noise is None else LocalNoise(**noise.model_dump()),
    )
    return Model(
        experiment=experiment,
        device=None,
        battery=battery,
        readout=ReadoutModel.ideal(battery.n_cells),
        initial_state=experiment.battery.initial_state or "ground",
        statement=f"{battery.n_cells} ideal cells, dimensionless, with perfect readout",
        assumptions=(),
        notes=(),
    )


def _on_chip(experiment: Experiment, chip: Chip) -> Model:
    calibration = load_calibration(chip.calibration)
    qubits = chip.qubits
    if isinstance(qubits, str):
        qubits = list(choose_qubits(calibration, experiment.battery.n_cells or 0))
    device = Device.from_calibration(
        calibration,
        qubits,
        tune_to_resonance=chip.tune_to_resonance,
        assumed_frequency_hz=chip.assumed_frequency_hz,
        residual_population=chip.residual_population,
        residual_temperature_k=chip.residual_temperature_k,
    )
    assumptions = list(device.assumptions)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        battery = Battery.from_device(device, _bath(experiment.bath, device.mean_frequency_hz))
    if experiment.noise is not None:
        noise = LocalNoise(**experiment.noise.model_dump())
        battery = dataclasses.replace(battery, noise=(noise,) * battery.n_cells)
        assumptions.append(f"the experiment's [noise] replaces T1 and T2 of {device.name}")
    if chip.qubits == "auto":
        assumptions.append(f"qubits {', '.join(map(str, qubits))} were chosen by their readout")
    notes = [str(one.message) for one in caught] + _detuning_notes(battery) + list(device.warnings)
    return Model(
        experiment=experiment,
        device=device,
        battery=battery,
        readout=device.readout,
        initial_state=experiment.battery.initial_state or "thermal",
        statement=device.statement(),
        assumptions=tuple(assumptions),
        notes=tuple(notes),
    )


def _bath(table: BathTable, frequency_hz: float | None) -> CollectiveBath:
    occupation = table.occupation
    if occupation is None:
        if table.temperature_k is None or frequency_hz is None:
            raise InputError("'bath' must hold 'occupation', or 'temperature_k' with a [chip].")
        occupation = occupation_from_temperature(frequency_hz, table.temperature_k)
    squeezing = complex(*table.squeezing) if table.squeezing else 0j
    return CollectiveBath(table.rate, occupation, squeezing)


def _detuning_notes(battery: Battery) -> list[str]:
    """Say beforehand where detuning kills the interference (docs/physics.md, theorem T5)."""
    spread = max(battery.detunings) - min(battery.detunings)
    collective = battery.bath.emission + battery.bath.absorption
    if spread == 0:
        return []
    if spread > collective:
        return [
            f"The cells are spread over {spread / 2e6 / math.pi:.3g} MHz, more than the collective "
            f"rate kappa(2n+1)/2pi = {collective / 2e6 / math.pi:.3g} MHz: emission pathways do "
            "not interfere, every cell charges alone, and the ergotropy is ~0."
        ]
    return [
        f"Detuning ends the plateau at a rate of about {spread**2 / collective:.3g}/s "
        "(detuning^2 over the collective rate)."
    ]
