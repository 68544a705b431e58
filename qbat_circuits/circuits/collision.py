"""The collision battery as a circuit: one ancilla plays the common bath.

Cells on qubits 0..N-1, the ancilla after them. One collision: the ancilla is made thermal, swaps a
part of its quantum with each cell, exp(-i theta (sigma_+ tau_- + h.c.)), and is reset before the
next one. Three ways to a thermal ancilla are one channel on the cells:

- "measured": Ry(2 asin sqrt p), then a measurement whose result nobody uses;
- "random-x": X with probability p, drawn anew for every shot and every ancilla;
- "purified": Ry on a second ancilla and CX; both are reset, nothing is measured.

Source: docs/collisions.md; docs/physics.md, section 5.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, overload

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter, ParameterExpression, ParameterVector
from qiskit.circuit.library import XXPlusYYGate

from qbat_circuits.cells import FloatArray
from qbat_circuits.collision_model import (
    MAX_COLLISION_CELLS,
    LocalCollision,
    SplittingWarning,
    check_local,
    check_theta,
    swap_order,
    thermal_population,
)
from qbat_circuits.errors import InputError, broken_rule, check_choice, check_integer

#: Ways to a thermal ancilla.
ANCILLAS: Final = ("measured", "random-x", "purified")
#: Largest number of partial swaps of one circuit.
MAX_SWAPS: Final = 100_000
#: Largest number of drawn flips, and of circuits made of them.
MAX_FLIPS, MAX_CIRCUITS = 2_000_000, 10_000
_FIRST_ORDER: Final = (
    "'splitting' = 'first-order' is no common bath, however small theta is: each cell meets the "
    "ancilla after the cells before it, as along a one-way line, and the work is lost again."
)


class _Ancilla(NamedTuple):
    """One fresh ancilla: its excited population, and (cell, angle) of the XXPlusYY gates."""

    population: Any
    swaps: list[tuple[int, Any]]


@dataclass(frozen=True, eq=False)
class RandomizedCircuit:
    """A collision circuit whose ancillas are flipped at random, with as many draws as are wanted.

    Only the mixture of many draws is the thermal bath: run each draw for one shot or few.

    Attributes:
        template: the circuit; Rx(flip[i]) prepares ancilla number i, with flip[i] = 0 or pi. It
            goes into `tomography_circuits` like any other.
        flips: the parameters flip[0], flip[1], ...
        populations: probability of each flip, shape (n_flips,), read-only.
        randomizations: number of draws for each circuit that is run.
        seed: what the draws follow from.
    """

    template: QuantumCircuit
    flips: tuple[Parameter, ...]
    populations: FloatArray
    randomizations: int
    seed: int

    def angles(self, stream: int = 0) -> FloatArray:
        """Drawn values of flip[0], flip[1], ..., shape (randomizations, n_flips).

        Args:
            stream: different numbers draw independently, equal ones alike.
        """
        number = check_integer("stream", stream, at_least=0)
        rng = np.random.default_rng([self.seed, number])
        drawn = rng.random((self.randomizations, len(self.populations))) < self.populations
        return np.asarray(math.pi * drawn)

    def pubs(
        self, circuits: Sequence[QuantumCircuit] | None = None, shots: int = 1
    ) -> list[tuple[QuantumCircuit, dict[tuple[Parameter, ...], FloatArray], int]]:
        """What a SamplerV2 runs: circuits with `angles`, drawn anew for each of them.

        Args:
            circuits: circuits that hold the template, such as those of `tomography_circuits`; the
                template itself by default. Circuit number k has the stream k.
            shots: shots of each draw.

        Raises:
            InputError: if a circuit lacks the flips of the template or ``shots`` is no number >= 1.
        """
        number = check_integer("shots", shots, at_least=1)
        given = [self.template] if circuits is None else circuits
        for circuit in given:
            if not isinstance(circuit, QuantumCircuit) or set(self.flips) - set(circuit.parameters):
                raise broken_rule("circuits", "circuits that hold the template", circuit)
        return [
            (circuit, {self.flips: self.angles(stream)}, number)
            for stream, circuit in enumerate(given)
        ]

    def circuits(self, circuits: Sequence[QuantumCircuit] | None = None) -> list[QuantumCircuit]:
        """The same as bound circuits, NAME_r0, NAME_r1, ..., for who cannot run `pubs`.

        Args:
            circuits: as in `pubs`.

        Raises:
            InputError: if a circuit lacks the flips of the template, or they are too many.
        """
        given = [self.template] if circuits is None else circuits
        if len(given) * self.randomizations > MAX_CIRCUITS:
            raise InputError(
                f"'randomizations' must make at most {MAX_CIRCUITS} circuits, not "
                f"{len(given) * self.randomizations}: 'pubs' keeps one for all draws."
            )
        made = []
        for circuit, bindings, _ in self.pubs(given):
            for row, values in enumerate(bindings[self.flips].tolist()):
                one = circuit.assign_parameters(dict(zip(self.flips, values, strict=True)))
                one.name = f"{circuit.name}_r{row}"
                made.append(one)
        return made


@overload
def collision_circuit(
    n_cells: int,
    occupation: float | ParameterExpression,
    theta: float | ParameterExpression,
    collisions: int,
    splitting: str = "strang",
    ancilla: Literal["measured", "purified"] = "measured",
    *,
    local: LocalCollision | None = None,
) -> QuantumCircuit: ...


@overload
def collision_circuit(
    n_cells: int,
    occupation: float,
    theta: float | ParameterExpression,
    collisions: int,
    splitting: str = "strang",
    *,
    ancilla: Literal["random-x"],
    local: LocalCollision | None = None,
    randomizations: int,
    seed: int,
) -> RandomizedCircuit: ...


def collision_circuit(
    n_cells: int,
    occupation: float | ParameterExpression,
    theta: float | ParameterExpression,
    collisions: int,
    splitting: str = "strang",
    ancilla: str = "measured",
    *,
    local: LocalCollision | None = None,
    randomizations: int | None = None,
    seed: int | None = None,
) -> QuantumCircuit | RandomizedCircuit:
    """The circuit that charges N cells from their ground state by k collisions with an ancilla.

    Without a final measurement, ready for `tomography_circuits`. Registers "cell", "ancilla",
    with "purified" "purifier", and with "measured" the classical "dropped". On the cells it is the
    channel of `collision_states`.

    Args:
        n_cells: N.
        occupation: n >= 0 of the ancilla, population p = n/(2n+1); or a parameter, except with
            "random-x".
        theta: angle of the partial swaps, in (0, pi] and away from `trapping_angles`; or a
            parameter, whose values nobody checks.
        collisions: k >= 1; they stand for kappa t = k theta^2/(2n+1).
        splitting: "strang" (2N - 1 partial swaps a collision) or "first-order" (N, which is no
            common bath).
        ancilla: "measured", "random-x" or "purified".
        local: a collision of each cell with a thermal ancilla of its own after each common one.
        randomizations: draws of "random-x", >= 2, for each circuit that is run.
        seed: seed of the draws.

    Returns:
        A circuit; for "random-x", which no single circuit is, a `RandomizedCircuit`.

    Warns:
        SplittingWarning: about first-order splitting.
        TrappingWarning: about a theta within 5 per cent of a trapping angle.

    Raises:
        InputError: if an argument is out of its range or they do not go together.

    Source: docs/physics.md, section 5.
    """
    n = check_integer("n_cells", n_cells, at_least=1, at_most=MAX_COLLISION_CELLS)
    k = check_integer("collisions", collisions, at_least=1)
    kind = check_choice("ancilla", ancilla, ANCILLAS)
    draws = _checked_draws(kind, occupation, randomizations, seed)
    angle = theta if isinstance(theta, ParameterExpression) else check_theta(n, theta)
    one = _ancillas_of_one(n, occupation, angle, splitting, local)
    _check_size(n, k, one)
    if splitting == "first-order":
        warnings.warn(_FIRST_ORDER, SplittingWarning, stacklevel=2)
    if draws is None:
        return _circuit(n, one * k, kind)
    return _randomized(n, one * k, *draws)


def _checked_draws(
    kind: str, occupation: object, randomizations: object, seed: object
) -> tuple[int, int] | None:
    """Randomizations and seed of "random-x", None for the other ancillas."""
    if kind != "random-x":
        if randomizations is not None or seed is not None:
            raise InputError("'randomizations' and 'seed' belong to the ancilla 'random-x' only.")
        return None
    if isinstance(occupation, ParameterExpression):
        raise broken_rule("occupation", "a number where flips are drawn from it", occupation)
    draws = check_integer("randomizations", randomizations, at_least=2)
    return draws, check_integer("seed", seed, at_least=0)


def _check_size(n: int, k: int, one: Sequence[_Ancilla]) -> None:
    """Refuse more collisions than a circuit holds."""
    swaps = k * sum(len(ancilla.swaps) for ancilla in one)
    if swaps > MAX_SWAPS:
        raise InputError(
            f"'collisions' must be few enough for {n} cells: {k} make {swaps} partial swaps, more "
            f"than {MAX_SWAPS}."
        )


def _ancillas_of_one(
    n: int, occupation: Any, theta: Any, splitting: str, local: LocalCollision | None
) -> list[_Ancilla]:
    """The ancillas of one collision: the common one, then one of its own for each cell."""
    swaps = [(cell, 2 * share * theta) for cell, share in swap_order(n, splitting)]
    common = _Ancilla(_population(occupation), swaps)
    check_local(local)
    if local is None:
        return [common]
    p, angle = thermal_population(local.occupation), 2 * local.theta
    return [common, *(_Ancilla(p, [(cell, angle)]) for cell in range(n))]


def _circuit(
    n: int, ancillas: Sequence[_Ancilla], kind: str, flips: Sequence[Parameter] = ()
) -> QuantumCircuit:
    """One ancilla after the other meets its cells, each reset before the next."""
    circuit = QuantumCircuit(
        QuantumRegister(n, "cell"), QuantumRegister(1, "ancilla"), name="collisions"
    )
    if kind == "purified":
        circuit.add_register(QuantumRegister(1, "purifier"))
    elif kind == "measured":
        circuit.add_register(ClassicalRegister(1, "dropped"))
    for number, ancilla in enumerate(ancillas):
        if number:
            circuit.reset(range(n, circuit.num_qubits))
        if kind == "random-x":
            circuit.rx(flips[number], n)
        elif kind == "purified":
            circuit.ry(_rotation(ancilla.population), n + 1)
            circuit.cx(n + 1, n)
        else:
            circuit.ry(_rotation(ancilla.population), n)
            circuit.measure(n, 0)
        for cell, angle in ancilla.swaps:
            circuit.append(XXPlusYYGate(angle), [cell, n])
    return circuit


def _randomized(n: int, ancillas: Sequence[_Ancilla], draws: int, seed: int) -> RandomizedCircuit:
    if draws * len(ancillas) > MAX_FLIPS:
        raise InputError(
            f"'randomizations' must be few enough: {draws} draws of {len(ancillas)} ancillas are "
            f"more than {MAX_FLIPS} flips."
        )
    flips = tuple(ParameterVector("flip", len(ancillas)))
    populations = np.array([ancilla.population for ancilla in ancillas], dtype=np.float64)
    populations.flags.writeable = False
    template = _circuit(n, ancillas, "random-x", flips)
    return RandomizedCircuit(template, flips, populations, draws, seed)


def _population(occupation: Any) -> Any:
    """p = n/(2n+1) of a number or a parameter."""
    if isinstance(occupation, ParameterExpression):
        return occupation / (2 * occupation + 1)
    return thermal_population(occupation)


def _rotation(population: Any) -> Any:
    """The angle 2 asin sqrt p of Ry."""
    if isinstance(population, ParameterExpression):
        return 2 * (population**0.5).arcsin()
    return 2 * math.asin(math.sqrt(population))
