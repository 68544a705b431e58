"""charge(): energy, ergotropy and states along the charging of a battery."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from qbat_circuits.battery import Battery
from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.dynamics.curve import STATE_LIMIT, ChargingCurve
from qbat_circuits.dynamics.engines import (
    Engine,
    charging_engine,
    check_sectors,
    common_energy,
    on_large_ladder,
    symmetric_model,
)
from qbat_circuits.dynamics.initial_states import (
    check_start,
    initial_density_matrix,
    symmetric_start,
)
from qbat_circuits.dynamics.memory import check_dense, check_ladder, refuse_dense
from qbat_circuits.dynamics.schur import dense_of_blocks, dense_of_populations
from qbat_circuits.dynamics.sectors import collective_curve, common_bath
from qbat_circuits.dynamics.spectra import checked_quantities
from qbat_circuits.errors import InputError, broken_rule, check_choice, check_number
from qbat_circuits.symmetric.ergotropy import ergotropy_jm
from qbat_circuits.symmetric.ladder import ladder_curve
from qbat_circuits.symmetric.sectors_jm import energy_jm
from qbat_circuits.symmetric.squeezed import SqueezedModel

if TYPE_CHECKING:
    from qbat_circuits.envelope import Envelope

#: Largest estimated error of the populations p(j, m) of engine "symmetric", summed over states.
_POPULATION_TOLERANCE = 1e-10


def charge(
    battery: Battery,
    times: Sequence[float] | FloatArray,
    initial_state: Any = "ground",
    engine: Engine | str = Engine.AUTO,
    tolerance: float = 1e-10,
    envelope: Envelope | None = None,
) -> ChargingCurve:
    """Charge a battery and return energy, ergotropy and state at each time.

    Solves the master equation of docs/physics.md, section 2.

    Args:
        battery: the model.
        times: times >= 0, strictly rising, in the inverse unit of the rates; the start is at 0.
        initial_state: "ground", "thermal", a bit string or a density matrix.
        engine: "auto", "sectors" (collective bath alone), "symmetric" (identical cells, any
            number), "propagator" (scipy, exact) or "qiskit-dynamics".
        tolerance: relative and absolute tolerance of "qiskit-dynamics", and of "propagator" with an
            envelope.
        envelope: how the bath's rate and occupation change in time; constant by default.

    Raises:
        InputError: for an impossible argument, an engine that cannot serve the model or the start,
            or a run that would not fit in memory (with the bytes it would need).
        AccuracyError: if a state is not a state to 1e-9; nothing is clipped.
    """
    grid = _checked_times(times)
    chosen = Engine(check_choice("engine", engine, [e.value for e in Engine]))
    tolerance = check_number("tolerance", tolerance, above=0, at_most=1e-3)
    _check_envelope(envelope, chosen)
    check_start(battery, initial_state)
    if chosen is Engine.AUTO:
        chosen = charging_engine(battery, initial_state, envelope is not None)
    if chosen is Engine.SYMMETRIC:
        return _symmetric(battery, grid, initial_state)
    if chosen is Engine.SECTORS:
        check_sectors(battery)
        if on_large_ladder(battery, initial_state):
            return _ladder(battery, grid, initial_state)
    check_dense(battery, len(grid), whole=chosen is Engine.QISKIT_DYNAMICS)
    start = initial_density_matrix(battery, initial_state)
    states, used = _dense_states(battery, start, grid, chosen, tolerance, envelope)
    energy, ergotropy = checked_quantities(states, battery.level_energies(), STATE_LIMIT)
    return ChargingCurve(
        battery, grid, energy, ergotropy, chosen.value, used, lambda: states, envelope=envelope
    )


def _dense_states(
    battery: Battery,
    start: ComplexArray,
    grid: FloatArray,
    engine: Engine,
    tolerance: float,
    envelope: Envelope | None,
) -> tuple[ComplexArray, float]:
    """States of one engine, and the tolerance that it used (0 for an exact one)."""
    if engine is Engine.SECTORS:
        return collective_curve(common_bath(battery), start, grid, battery.detunings[0]), 0.0
    if envelope is not None:
        from qbat_circuits.dynamics.envelopes import integrate_envelope, propagate_envelope

        solve = integrate_envelope if engine is Engine.QISKIT_DYNAMICS else propagate_envelope
        return solve(battery, start, grid, envelope, tolerance), tolerance
    if engine is Engine.QISKIT_DYNAMICS:
        from qbat_circuits.dynamics.lindblad import integrate

        return integrate(battery, start, grid, tolerance), tolerance
    from qbat_circuits.dynamics.propagator import propagate

    return propagate(battery, start, grid), 0.0


def _symmetric(battery: Battery, grid: FloatArray, initial_state: Any) -> ChargingCurve:
    """The curve in populations p(j, m), or in blocks for a squeezed bath."""
    model = symmetric_model(battery, len(grid))
    n, unit = battery.n_cells, battery.energies[0]
    name, accuracy = Engine.SYMMETRIC.value, _POPULATION_TOLERANCE
    if isinstance(model, SqueezedModel):
        blocks = model.blocks(grid, symmetric_start(battery, initial_state), accuracy)
        energy = np.array([one.energy() for one in blocks]) * unit
        ergotropy = np.array([one.ergotropy() for one in blocks]) * unit
        populations = np.array([one.populations() for one in blocks])
        states = partial(_states_of_blocks, battery, blocks)
    else:
        populations = model.populations(grid, symmetric_start(battery, initial_state), accuracy)
        energy, ergotropy = energy_jm(n, populations) * unit, ergotropy_jm(n, populations) * unit
        states = partial(_states_of_populations, battery, populations)
    return ChargingCurve(battery, grid, energy, ergotropy, name, accuracy, states, populations)


def _ladder(battery: Battery, grid: FloatArray, initial_state: Any) -> ChargingCurve:
    """Many cells on the collective bath alone, from the ground or the highest state."""
    bath, n = common_bath(battery), battery.n_cells
    check_ladder(n, len(grid))
    unit, accuracy = common_energy(battery), _POPULATION_TOLERANCE
    top = initial_state == "1" * n
    energy, ergotropy = ladder_curve(n, bath.emission, bath.absorption, grid, top, accuracy)
    return ChargingCurve(
        battery,
        grid,
        unit * energy,
        unit * ergotropy,
        Engine.SECTORS.value,
        accuracy,
        partial(refuse_dense, battery, len(grid)),
    )


def _states_of_populations(battery: Battery, populations: FloatArray) -> ComplexArray:
    check_dense(battery, len(populations))
    return dense_of_populations(battery.n_cells, populations)


def _states_of_blocks(battery: Battery, blocks: Sequence[Any]) -> ComplexArray:
    check_dense(battery, len(blocks))
    return np.array([dense_of_blocks(one) for one in blocks])


def _check_envelope(envelope: object, engine: Engine) -> None:
    if envelope is None:
        return
    from qbat_circuits.envelope import Envelope

    if not isinstance(envelope, Envelope):
        raise broken_rule("envelope", "an Envelope", envelope)
    if engine in (Engine.SECTORS, Engine.SYMMETRIC):
        raise InputError(
            "'engine' must be 'qiskit-dynamics' or 'propagator' for rates that change in time, "
            f"not '{engine}'."
        )


def _checked_times(times: Sequence[float] | FloatArray) -> FloatArray:
    try:
        grid = np.array(times, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("'times' must be a list of numbers.") from None
    if grid.ndim != 1 or grid.size == 0:
        raise InputError(f"'times' must be a non-empty list of numbers, not of shape {grid.shape}.")
    if not np.all(np.isfinite(grid)) or grid[0] < 0 or np.any(np.diff(grid) <= 0):
        raise InputError("'times' must be finite, >= 0 and strictly rising.")
    return grid
