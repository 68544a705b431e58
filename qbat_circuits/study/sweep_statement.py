"""What a sweep is, in one line, and whether any chip could be it."""

from __future__ import annotations

from itertools import islice, product

from qbat_circuits.errors import InputError
from qbat_circuits.file_models import validated
from qbat_circuits.schema import Experiment
from qbat_circuits.study.model import Model, build_model
from qbat_circuits.study.sweep_points import Grid, calibration_of

#: Most chips and choices of qubits that are looked at.
_MOST = 64
#: Most chips that are named.
_NAMED = 3


def sweep_statement(grid: Grid) -> tuple[str, str]:
    """What is swept; why a chip among its points cannot be what the model makes of it, else "".

    Args:
        grid: experiment and axes.
    """
    over = " and ".join([", ".join(grid.names[:-1]), grid.names[-1]][len(grid.names) == 1 :])
    models = list(_models(grid))
    what = models[0].statement if models else "no point that can be computed"
    if grid.mode == "collision":
        what = f"circuits of collisions on {', '.join(list(grid.calibrations)[:_NAMED])}"
    if len({model.statement for model in models}) > 1:
        what = f"{len(models)} chips or choices of cells"
    reasons = [
        model.device.hypothetical_reason
        for model in models
        if model.device is not None and model.device.hypothetical
    ]
    return f"Sweep over {over}: {what}", reasons[0] if reasons else ""


def _models(grid: Grid) -> list[Model]:
    """The models of the points in which only what decides about the chip differs."""
    if grid.mode == "collision":
        return []
    strides = [range(n) if field.startswith("chip.") else range(1) for field, n in _axes(grid)]
    found = []
    for place in islice(product(*strides), _MOST):
        try:
            experiment = validated(Experiment, grid.content(_index(grid, place)))
            chip = experiment.chip
            calibration = None if chip is None else calibration_of(chip.calibration)
            found.append(build_model(experiment, calibration))
        except InputError:  # the point says so itself
            continue
    return found


def _axes(grid: Grid) -> list[tuple[str, int]]:
    return list(zip(grid.fields, grid.shape, strict=True))


def _index(grid: Grid, place: tuple[int, ...]) -> int:
    """Number of a point, in C order."""
    number = 0
    for i, n in zip(place, grid.shape, strict=True):
        number = number * n + i
    return number
