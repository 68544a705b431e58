"""From an experiment file to the model that is simulated, with everything assumed said."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

from qbat_circuits.baths import CollectiveBath
from qbat_circuits.battery import MAX_BATTERY_CELLS, Battery, WeakBathWarning
from qbat_circuits.calibration import Calibration, load_calibration
from qbat_circuits.device import Device
from qbat_circuits.envelope import Envelope
from qbat_circuits.errors import check_integer
from qbat_circuits.qubit_calibration import named_qubits
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.schema import Chip, Experiment
from qbat_circuits.study.chip_choice import choose_qubits
from qbat_circuits.study.tables import (
    bath_of,
    cell_values,
    envelope_of,
    extra_jumps_of_table,
    mixture_words,
    noise_of,
    transmon_of,
    with_local_share,
)


@dataclass(frozen=True)
class Model:
    """What an experiment describes, ready to simulate.

    Attributes:
        experiment: the file's content.
        device: the chosen cells of a chip; None for an ideal battery.
        battery: cells, bath and noise; rates in 1/s with a device.
        readout: assignment matrices of the cells.
        initial_state: "ground", "thermal" or a bit string.
        envelope: how the bath's rates change in time; None where they do not.
        statement: one line that says what this is.
        assumptions: what was assumed, one sentence each.
        notes: what the physics or the calibration warns of, one sentence each.
    """

    experiment: Experiment
    device: Device | None
    battery: Battery
    readout: ReadoutModel
    initial_state: str
    envelope: Envelope | None
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


def build_model(experiment: Experiment, calibration: Calibration | None = None) -> Model:
    """Resolve chip, cells, bath and noise of an experiment.

    Args:
        experiment: see `load_experiment`.
        calibration: instead of the one that the file names.

    Raises:
        InputError: for whatever the calibration, the device, the bath or the battery refuses.
    """
    if experiment.chip is None:
        return _ideal(experiment)
    if calibration is None:
        calibration = load_calibration(experiment.chip.calibration)
    return _on_chip(experiment, experiment.chip, calibration)


def _ideal(experiment: Experiment) -> Model:
    n = check_integer(
        "battery.n_cells", experiment.battery.n_cells, at_least=1, at_most=MAX_BATTERY_CELLS
    )
    table, words = experiment.battery, mixture_words(experiment.bath)
    battery = Battery(
        bath=bath_of(experiment.bath, None),
        noise=noise_of(experiment, n),
        detunings=cell_values("battery.detunings", table.detunings, n, 0.0),
        energies=cell_values("battery.energies", table.energies, n, 1.0),
        transmon=transmon_of(experiment),
        extra_jumps=extra_jumps_of_table(experiment.bath),
    )
    return Model(
        experiment=experiment,
        device=None,
        battery=battery,
        readout=ReadoutModel.ideal(battery.n_cells),
        initial_state=experiment.battery.initial_state or "ground",
        envelope=envelope_of(experiment.bath),
        statement=f"{n} ideal cell{'s' if n > 1 else ''}, dimensionless, with perfect readout",
        assumptions=tuple(words),
        notes=(battery.weak_bath(),) if battery.weak_bath() else (),
    )


def _on_chip(experiment: Experiment, chip: Chip, calibration: Calibration) -> Model:
    qubits = chip.qubits
    if isinstance(qubits, str):
        qubits = list(choose_qubits(calibration, experiment.battery.n_cells or 0))
    device = Device.from_calibration(
        calibration,
        qubits,
        tune_to_resonance=chip.tune_to_resonance,
        assumed_frequency_hz=chip.assumed_frequency_hz,
        assumed_anharmonicity_hz=chip.assumed_anharmonicity_hz,
        residual_population=chip.residual_population,
        residual_temperature_k=chip.residual_temperature_k,
    )
    bath = bath_of(experiment.bath, device.mean_frequency_hz)
    battery, statement, words = _chip_battery(experiment, device, bath)
    assumptions = [*device.assumptions, *words, *mixture_words(experiment.bath)]
    if chip.qubits == "auto":
        assumptions.append(f"{named_qubits(qubits)} chosen by readout")
    notes = [battery.weak_bath()] if battery.weak_bath() else []
    line = calibration.line_rate_per_s
    if line is not None and abs(bath.rate - line) > 0.01 * line:
        notes.append(
            f"The bath's rate is {bath.rate:.4g}/s, but the calibration says {line:.4g}/s for the "
            f"line of {device.name}."
        )
    notes += device.warnings
    return Model(
        experiment=experiment,
        device=device,
        battery=battery,
        readout=device.readout,
        initial_state=experiment.battery.initial_state or "thermal",
        envelope=envelope_of(experiment.bath),
        statement=statement,
        assumptions=tuple(assumptions),
        notes=tuple(notes),
    )


def _chip_battery(
    experiment: Experiment, device: Device, bath: CollectiveBath
) -> tuple[Battery, str, list[str]]:
    """The battery of a chip's cells, its statement, and what was assumed."""
    statement, words = device.statement(), []
    transmon = transmon_of(experiment, device)
    extra = extra_jumps_of_table(experiment.bath)
    if experiment.noise is not None:
        battery = Battery(
            bath,
            noise_of(experiment, device.n_cells),
            tuple(device.detunings().tolist()),
            tuple(device.energies().tolist()),
            transmon,
            extra,
        )
        words.append(f"the experiment's [noise] instead of T1 and T2 of {device.name}")
        return battery, statement.replace("T1, T2 and readout", "readout"), words
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WeakBathWarning)  # it is among the notes
        battery = Battery.from_device(device, bath, transmon)
    noise = tuple(with_local_share(one, experiment.bath) for one in battery.noise)
    battery = replace(battery, noise=noise, extra_jumps=extra)
    if device.t1_includes_line:
        words.append(
            f"T1 of {device.name} measured with the line at this bath's occupation: "
            "kappa (2n+1) is subtracted"
        )
    return battery, statement, words
