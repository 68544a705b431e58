"""[collision] of an experiment file: a circuit instead of a common bath, and what it rules out."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from qbat_circuits.file_models import FileModel


class CollisionTable(FileModel):
    """[collision]: the circuit of charging.mode = "collision"; what is left out is searched."""

    ancilla: Literal["measured", "random-x"] = "measured"
    """"measured" (Ry and a dropped measurement) or "random-x" (X drawn anew for every shot)."""
    ancilla_qubit: int | None = None
    """Home of the ancilla on the chip; searched by default."""
    theta: float | None = None
    """Angle of the partial swaps; searched by default."""
    collisions: int | None = None
    """Number of collisions; searched by default."""
    max_collisions: int = 40
    """Largest number that the search looks at."""
    reset_error: float | None = None
    """Probability that a reset leaves |1>; half of P(1|0) + P(0|1) by default."""
    assumed_durations_s: dict[str, float] = Field(default_factory=dict)
    """Durations of operations for which the calibration has none, such as {reset = 2.0e-6}."""


def refuse_for_collisions(experiment: Any) -> None:
    """Refuse what has no meaning where a circuit stands for the bath.

    Raises:
        ValueError: one sentence.
    """
    chip, bath = experiment.chip, experiment.bath
    if chip is None:
        raise ValueError("'charging.mode' = \"collision\" needs a [chip] whose gates it runs on.")
    if chip.tune_to_resonance:
        raise ValueError(
            "'chip.tune_to_resonance' must be false for mode \"collision\": the circuit needs no "
            "resonance."
        )
    if bath.occupation is None:
        raise ValueError(
            "'bath.occupation' must be given for mode \"collision\", where it sets the excited "
            "population n/(2n+1) of the ancilla, and must not be inverted."
        )
    if bath.kind != "thermal":
        raise ValueError('\'bath.kind\' must be "thermal" for mode "collision".')
    for table, name in _LEFT_OUT:
        part = experiment if table == "" else getattr(experiment, table)
        default = type(part).model_fields[name].get_default(call_default_factory=True)
        if getattr(part, name) != default:
            path = f"{table}.{name}".lstrip(".")
            raise ValueError(f"'{path}' must be left out for mode \"collision\".")


#: Fields that mean nothing for a circuit.
_LEFT_OUT = (
    *(("bath", name) for name in ("rate", "collectivity", "correlation", "positions")),
    *(("bath", name) for name in ("amplitudes", "bandwidth", "envelope", "extra_jumps")),
    *(("battery", name) for name in ("levels", "initial_state")),
    *(("charging", name) for name in ("times", "engine", "tolerance")),
    *(("chip", name) for name in ("residual_temperature_k", "assumed_frequency_hz")),
    ("chip", "assumed_anharmonicity_hz"),
    *(("measurement", name) for name in ("bath_off", "delay_s", "rotation_s")),
    ("", "noise"),
)
