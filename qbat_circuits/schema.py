"""The experiment file: one schema for everything that the command line runs.

Reading checks structure, types and what fields demand of each other; ranges of physical values are
checked where the values are used (baths, battery, device), with the same one-sentence errors.
docs/experiment-file.md documents every field.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from qbat_circuits.cells import FloatArray
from qbat_circuits.collision_schema import CollisionTable, refuse_for_collisions
from qbat_circuits.errors import InputError, check_integer, check_number
from qbat_circuits.file_models import FileModel, validated
from qbat_circuits.json_files import MAX_DEPTH, canonical_sha256, check_depth, read_text
from qbat_circuits.sweep_schema import CALIBRATION, SweepAxis

#: Largest experiment file that is read, in bytes.
MAX_EXPERIMENT_BYTES = 2**20
#: Texts and comments of TOML, closed or not: what is left has dots in keys and numbers only.
_QUOTED = re.compile(
    r"""
    \"{3} (?: [^\\] | \\. )*? (?: \"{3} | \Z ) | '{3} .*? (?: '{3} | \Z )
    | " (?: [^"\\\n] | \\. )*+ "? | ' [^'\n]*+ '? | \# [^\n]*+
    """,
    re.DOTALL | re.VERBOSE,
)


class Chip(FileModel):
    """[chip]: which qubits of which calibrated chip; leave the table out for an ideal battery."""

    calibration: str
    """Bundled name or path of a calibration."""
    qubits: list[int] | Literal["auto"]
    """Qubits on the chip, cell 0 first; "auto" chooses [battery].n_cells of them by readout."""
    tune_to_resonance: bool
    """Put all cells at their mean frequency. No default: a fixed-frequency chip cannot do it."""
    assumed_frequency_hz: float | None = None
    """Frequency of qubits for which the calibration has none, and only of those."""
    residual_population: float | None = None
    """Excited population of every cell at rest, in [0, 0.5)."""
    residual_temperature_k: float | None = None
    """Instead of residual_population: temperature of the cells' own environment."""
    assumed_anharmonicity_hz: float | None = None
    """Anharmonicity of qubits for which the calibration has none, for more than two levels."""


class BatteryTable(FileModel):
    """[battery]: the cells."""

    n_cells: int | None = None
    """Number of cells, without [chip] or with qubits = "auto"."""
    levels: int = 2
    """Levels of a cell, 2 to 8; more than two need a chip, or frequency and anharmonicity."""
    frequency: float | None = None
    """Angular frequency of the transition 0-1 without a chip, in the unit of the rates."""
    anharmonicity: float | None = None
    """Angular anharmonicity without a chip, negative for a transmon, in the same unit."""
    detunings: list[float] | None = None
    """Detuning of each cell without a chip; 0 by default."""
    energies: list[float] | None = None
    """Energy of each cell in H_B without a chip; 1 by default."""
    initial_state: str | None = None
    """"ground", "thermal" (residual populations) or a bit string; "thermal" with a chip."""


class EnvelopeTable(FileModel):
    """[bath.envelope]: a table of times, linear in between and constant beyond its ends."""

    times: list[float]
    """Times of the table: s with [chip], else in inverse units of the rates."""
    rate: list[float] | None = None
    """Factor of the collective rate at each time; 1 by default."""
    occupation: list[float] | None = None
    """Thermal photons at each time; the bath's own by default."""


class ExtraJumpTable(FileModel):
    """One of [[bath.extra_jumps]]: a dissipator of a sum of products of one-cell operators."""

    rate: float
    """Its rate."""
    operator: dict[str, float | list[float]]
    """Products such as "-+" or "ZI" (letters I X Y Z - + n, cell N-1 first) and their weights."""


class BathTable(FileModel):
    """[bath]: the collective bath."""

    kind: Literal["thermal", "squeezed", "rates"] = "thermal"
    """"thermal", "squeezed" (with squeezing) or "rates" (with emission and absorption)."""
    rate: float | None = None
    """Collective rate kappa of one cell: 1/s with [chip], else any inverse time."""
    occupation: float | None = None
    """Thermal photons n at the cells' frequency; or temperature_k."""
    temperature_k: float | None = None
    """Bath temperature at the chip's mean frequency, instead of occupation."""
    squeezing: list[float] | None = None
    """M of a squeezed bath as [re, im], |M|^2 <= n(n+1)."""

    emission: float | None = None
    """Collective emission rate of a bath of kind "rates"."""
    absorption: float | None = None
    """Its absorption rate; above the emission rate it is a pump."""
    cross: list[float] | None = None
    """Cross term of kind "rates" as [re, im], |cross|^2 <= emission * absorption."""
    collectivity: float | None = None
    """lambda: of the total rate, the share that is collective; the rest is local noise."""
    correlation: float | list[list[float]] | None = None
    """c between any two cells, or the matrix C_ij with 1 on its diagonal."""
    positions: list[float] | None = None
    """Places of the cells along a waveguide, in wavelengths."""
    amplitudes: list[float] | None = None
    """Coupling amplitude of each cell, 1 by default; its rate goes with the square."""
    bandwidth: float | None = None
    """Width of narrow-band noise, in the unit of the rates; broadband by default."""
    envelope: EnvelopeTable | None = None
    """How rate and occupation change in time, piecewise linear."""
    extra_jumps: list[ExtraJumpTable] = Field(default_factory=list)
    """Further dissipators."""

    @model_validator(mode="after")
    def _fits(self) -> BathTable:
        rates = (self.emission, self.absorption)
        if self.kind == "rates":
            other = (self.rate, self.occupation, self.temperature_k, self.squeezing)
            if None in rates or any(x is not None for x in (*other, self.collectivity)):
                raise ValueError(
                    "'bath' of kind 'rates' must hold 'emission' and 'absorption', and neither "
                    "'rate' nor an occupation, 'squeezing' or 'collectivity'."
                )
            if self.cross is not None and len(self.cross) != 2:
                raise ValueError("'bath.cross' must be a pair [re, im].")
            return self
        if self.cross is not None:
            raise ValueError("'bath.cross' needs kind 'rates'.")
        if rates != (None, None):
            raise ValueError("'bath.emission' and 'absorption' need kind 'rates'.")
        if (self.occupation is None) == (self.temperature_k is None):
            raise ValueError("'bath' must hold one of 'occupation' and 'temperature_k'.")
        if (self.kind == "squeezed") != (self.squeezing is not None):
            raise ValueError("'bath.squeezing' must be given for kind 'squeezed', and only there.")
        if self.squeezing is not None and len(self.squeezing) != 2:
            raise ValueError("'bath.squeezing' must be a pair [re, im].")
        return self


class NoiseTable(FileModel):
    """[noise]: local noise, one number for all cells or a list; with [chip] it replaces T1, T2."""

    rate: float | list[float] = 0.0
    """Emission rate gamma."""
    occupation: float | list[float] = 0.0
    """Thermal photons n_l of the cell's own environment."""
    dephasing: float | list[float] = 0.0
    """Pure dephasing rate gamma_phi."""


class TimeGrid(FileModel):
    """Evenly spaced saved times."""

    start: float = 0.0
    """First saved time."""
    stop: float
    """Last saved time: s with [chip], else in inverse units of the rates."""
    num: int
    """Number of saved times, at least 2."""

    def array(self) -> FloatArray:
        """The saved times, shape (num,)."""
        check_integer("charging.times.num", self.num, at_least=2, at_most=100_000)
        check_number("charging.times.start", self.start, at_least=0)
        check_number("charging.times.stop", self.stop, above=self.start)
        return np.linspace(self.start, self.stop, self.num)


class Charging(FileModel):
    """[charging]: how long, and with which engine."""

    times: TimeGrid | None = None
    """Saved times, {start, stop, num}; needed for mode "bath"."""
    engine: str = "auto"
    """"auto" (Qiskit Dynamics up to 6 cells, else the cheapest exact engine) or an engine."""
    tolerance: float = 1e-10
    """Tolerance of "qiskit-dynamics", and of "propagator" with an envelope."""
    mode: Literal["bath", "collision"] = "bath"
    """"bath": a common bath acts on all cells; "collision": a circuit stands for it."""

    def array(self) -> FloatArray:
        """The saved times, shape (num,)."""
        if self.times is None:
            raise InputError("'charging.times' is missing.")
        return self.times.array()


class Measurement(FileModel):
    """[measurement]: readout at the best charging time, and the estimate."""

    scheme: Literal["pauli"] = "pauli"
    """"pauli": all 3^N Pauli settings, full tomography."""
    bath_off: bool = True
    """Whether the collective bath is off between charging and readout."""
    delay_s: float = 0.0
    """Wait between charging and the measurement rotation."""
    rotation_s: float = 0.0
    """Duration of the rotation: noise acts for this long on the rotated state."""
    shots: int = 4000
    """Shots per setting."""
    confidence: float = 0.95
    """Confidence level of the intervals."""
    seed: int = 7
    """Seed of every random number of the run."""


class Experiment(FileModel):
    """A whole experiment, as its file says it."""

    chip: Chip | None = None
    """Which chip; leave out for an ideal, dimensionless battery."""
    battery: BatteryTable = BatteryTable()
    """The cells."""
    bath: BathTable
    """The collective bath."""
    noise: NoiseTable | None = None
    """Local noise without a chip, or instead of the chip's."""
    charging: Charging
    """Times and engine, or the mode "collision"."""
    collision: CollisionTable | None = None
    """The circuit of mode "collision"."""
    measurement: Measurement = Measurement()
    """Readout and estimate."""
    sweep: dict[str, SweepAxis] = Field(default_factory=dict)
    """Axes of `qbat sweep`, by name; every other command leaves them alone."""

    @model_validator(mode="after")
    def _fits(self) -> Experiment:
        chip, n = self.chip, self.battery.n_cells
        self._fits_mode()
        if chip is None and n is None:
            raise ValueError("'battery.n_cells' must be given where there is no [chip].")
        if chip is None and self.bath.temperature_k is not None:
            raise ValueError("'bath.temperature_k' needs a [chip] for its frequency.")
        ideal = (
            self.battery.frequency,
            self.battery.anharmonicity,
            self.battery.detunings,
            self.battery.energies,
        )
        if chip is not None and any(value is not None for value in ideal):
            raise ValueError(
                "'battery.frequency', 'anharmonicity', 'detunings' and 'energies' must be left to "
                "the [chip]."
            )
        if chip is None and self.battery.levels > 2 and None in ideal[:2]:
            raise ValueError(
                "'battery.frequency' and 'battery.anharmonicity' must be given for more than two "
                "levels without a [chip]."
            )
        if chip is None and (self.measurement.delay_s or self.measurement.rotation_s):
            raise ValueError("'measurement.delay_s' and 'rotation_s' need a [chip].")
        if chip is not None and chip.qubits == "auto" and n is None:
            raise ValueError("'battery.n_cells' must be given where 'chip.qubits' is \"auto\".")
        if chip is not None and isinstance(chip.qubits, list) and n not in (None, len(chip.qubits)):
            raise ValueError(
                f"'battery.n_cells' must be the number of 'chip.qubits' ({len(chip.qubits)}), "
                f"not {n}."
            )
        return self

    def _fits_mode(self) -> None:
        """What the two modes demand."""
        if self.charging.mode == "collision":
            refuse_for_collisions(self)
            return
        if self.collision is not None:
            raise ValueError("'collision' needs charging.mode = \"collision\".")
        if self.bath.rate is None and self.bath.kind != "rates":
            raise ValueError("'bath.rate' is missing.")
        if self.charging.times is None:
            raise ValueError("'charging.times' is missing.")

    def sha256(self) -> str:
        """Hash of the whole content, defaults included."""
        return canonical_sha256(self.model_dump(mode="json"))

    def changed(
        self,
        calibration: str | None = None,
        n_cells: int | None = None,
        shots: int | None = None,
        seed: int | None = None,
    ) -> Experiment:
        """The same experiment with another chip, number of cells, shots or seed.

        Another number of cells than the listed qubits', or another chip, lets the qubits be chosen
        ("auto"); ``None`` keeps what the file says.
        """
        content = self.model_dump()
        chip = content["chip"]
        if calibration is not None:
            if chip is None:
                raise InputError("'--calibration' needs an experiment with a [chip].")
            chip["calibration"] = calibration
        listed = chip is not None and chip["qubits"] != "auto"
        kept = len(chip["qubits"]) if listed else content["battery"]["n_cells"]
        if listed and (calibration is not None or n_cells not in (None, kept)):
            chip["qubits"] = "auto"
            content["battery"]["n_cells"] = kept
        if n_cells is not None and not (listed and n_cells == kept and calibration is None):
            content["battery"]["n_cells"] = n_cells
        for key, value in (("shots", shots), ("seed", seed)):
            if value is not None:
                content["measurement"][key] = value
        return validated(Experiment, content)


def load_experiment(path: str | os.PathLike[str]) -> Experiment:
    """Read an experiment file (TOML).

    A relative calibration path is taken from the file's own folder.

    Raises:
        InputError: if the file cannot be read, is no TOML or does not fit the schema.
    """
    text = read_text(path, "experiment", MAX_EXPERIMENT_BYTES)
    name = f"The experiment file {os.fspath(path)!r}"
    try:
        _check_keys_depth(text)
        content = tomllib.loads(text.replace("\r\n", "\n"))
        check_depth(content)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{name} is not valid TOML: {str(error).rstrip('.')}.") from None
    except RecursionError:
        raise InputError(f"{name} is nested deeper than {MAX_DEPTH} levels.") from None
    except ValueError:  # Python reads no longer ones
        raise InputError(f"{name} holds a whole number of more than 4300 digits.") from None
    try:
        experiment = validated(Experiment, content)
    except InputError as error:
        raise InputError(f"{name} is refused: {error}") from None
    return _with_absolute_calibration(experiment, Path(path).resolve().parent)


def _check_keys_depth(text: str) -> None:
    """Refuse keys of many parts, such as ``a.a.a.a = 1``, before they are read.

    The time that reading one takes grows with the square of its parts.

    Raises:
        RecursionError: if there is one of more than `MAX_DEPTH` parts.
    """
    bare = _QUOTED.sub("", text)
    if any(part.count(".") >= MAX_DEPTH for part in re.split(r"[,=\[\]{}\n]", bare)):
        raise RecursionError


def bundled_example() -> Experiment:
    """The experiment that `qbat run` runs without a file: three cells of brisbane."""
    return load_experiment(Path(__file__).parent / "examples" / "first_charge.toml")


def _with_absolute_calibration(experiment: Experiment, folder: Path) -> Experiment:
    """Calibrations beside the file, those of an axis of [sweep] included, by their whole path."""
    chip, axes = experiment.chip, dict(experiment.sweep)
    if chip is not None:
        chip = chip.model_copy(update={"calibration": _beside(chip.calibration, folder)})
    for name, axis in axes.items():
        if axis.field == CALIBRATION and axis.values is not None:
            values = [_beside(one, folder) if isinstance(one, str) else one for one in axis.values]
            axes[name] = axis.model_copy(update={"values": values})
    return experiment.model_copy(update={"chip": chip, "sweep": axes})


def _beside(calibration: str, folder: Path) -> str:
    """A bare name is a bundled calibration, as for load_calibration."""
    beside = folder / calibration
    bare = Path(calibration).name == calibration.removesuffix(".json")
    return calibration if bare or not os.path.isfile(beside) else str(beside)
