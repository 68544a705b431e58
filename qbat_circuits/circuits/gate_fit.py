"""Angles of a circuit of CZ gates and rotations that sends given vectors where they may go.

Each cell gets Rz and Ry, and each CZ is followed by Rz and Ry on both of its cells: 2N + 4n angles
for n gates, which is all that a circuit with these CZ can do up to Rz at its end. The forbidden
amplitudes <b|U|v_k> are driven to 0 by least squares (Gauss-Newton steps within a trust region),
which converges quadratically where all of them can vanish.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from scipy.optimize import least_squares

from qbat_circuits.cells import ComplexArray, FloatArray, level_numbers

#: Cells that a CZ acts on.
Pair = tuple[int, int]
#: A fit has succeeded where the forbidden weight is below this (in exact arithmetic it is 0).
FITTED = 1e-22
#: A start is given up where a step takes off less than this share of the weight, or after so many
#: steps; those that succeed take 10 to 80.
STALLED, MAX_STEPS = 1e-4, 120

_PAULI = {"z": np.diag([1.0, -1.0]).astype(complex), "y": np.array([[0, -1j], [1j, 0]])}


def fit_angles(
    pairs: Sequence[Pair],
    vectors: ComplexArray,
    forbidden: NDArray[np.bool_],
    starts: int,
    seed: int,
) -> FloatArray | None:
    """Angles with which <b|U|v_k> = 0 wherever it is forbidden; None where no start finds them.

    Args:
        pairs: cells of each CZ, in order.
        vectors: orthonormal |v_k> as columns, shape (2^N, m).
        forbidden: shape (2^N, m).
        starts: random starts that are tried.
        seed: of the starts.

    Returns:
        Angles in the order of `fitted_circuit`, shape (2N + 4n,).
    """
    problem = _Problem(pairs, vectors, forbidden)
    rng = np.random.default_rng(seed)
    for _ in range(starts):
        found = least_squares(
            problem.residuals,
            rng.uniform(-np.pi, np.pi, len(problem.generators)),
            problem.jacobian,
            xtol=1e-15,
            ftol=STALLED,
            gtol=1e-15,
            max_nfev=MAX_STEPS,
        )
        if 2 * found.cost < FITTED:  # the cost is half the weight
            return np.asarray(found.x, dtype=np.float64)
    return None


def fitted_circuit(n_cells: int, pairs: Sequence[Pair], angles: FloatArray) -> QuantumCircuit:
    """The circuit of a fit: gates rz, ry and cz."""
    circuit = QuantumCircuit(n_cells)
    values = iter(angles.tolist())
    for name, cells in _gates(n_cells, pairs):
        if name == "cz":
            circuit.cz(*cells)
        else:
            getattr(circuit, f"r{name}")(next(values), *cells)
    return circuit


def _gates(n_cells: int, pairs: Sequence[Pair]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Name ("z", "y", "cz") and cells of each gate, in order of time."""
    for cell in range(n_cells):
        yield "z", (cell,)
        yield "y", (cell,)
    for pair in pairs:
        yield "cz", pair
        for cell in pair:
            yield "z", (cell,)
            yield "y", (cell,)


class _Problem:
    """Residuals and their derivatives: U = prod_k C_k exp(-i angle_k G_k / 2), C_k signs of CZ."""

    def __init__(
        self, pairs: Sequence[Pair], vectors: ComplexArray, forbidden: NDArray[np.bool_]
    ) -> None:
        n = len(vectors).bit_length() - 1
        bits = level_numbers(n)
        generators: list[ComplexArray] = []
        signs: list[FloatArray] = []
        for name, cells in _gates(n, pairs):
            if name == "cz":
                signs[-1] = signs[-1] * np.where(bits[:, cells].all(axis=1), -1.0, 1.0)
            else:
                (cell,) = cells
                above, below = 2 ** (n - 1 - cell), 2**cell
                pauli = np.kron(np.kron(np.eye(above), _PAULI[name]), np.eye(below))
                generators.append(np.asarray(pauli, dtype=np.complex128))
                signs.append(np.ones(2**n, dtype=np.float64))
        columns = np.array(signs)[:, :, None]
        self.generators = columns * np.array(generators)
        self.signs = columns * np.eye(2**n)
        self.vectors, self.forbidden = vectors, forbidden

    def residuals(self, angles: FloatArray) -> FloatArray:
        """Forbidden amplitudes, real parts before imaginary ones."""
        moved = self.vectors
        for step in self._steps(angles):
            moved = step @ moved
        left = moved[self.forbidden]
        return np.concatenate([left.real, left.imag])

    def jacobian(self, angles: FloatArray) -> FloatArray:
        """Derivative of the residuals by each angle, a column each."""
        steps = self._steps(angles)
        slopes = self._steps(angles + np.pi) / 2  # d/dx exp(-ixG/2) = exp(-i(x+pi)G/2) / 2
        before = [self.vectors]
        for step in steps[:-1]:
            before.append(step @ before[-1])
        moved = slopes @ np.array(before)
        rest = np.eye(len(self.vectors), dtype=np.complex128)
        for k in range(len(steps) - 1, -1, -1):
            moved[k] = rest @ moved[k]
            rest = rest @ steps[k]
        left = moved[:, self.forbidden]
        return np.concatenate([left.real, left.imag], axis=1).T

    def _steps(self, angles: FloatArray) -> ComplexArray:
        """C_k exp(-i angle_k G_k / 2), shape (angles, 2^N, 2^N)."""
        half = angles[:, None, None] / 2
        return np.asarray(np.cos(half) * self.signs - 1j * np.sin(half) * self.generators)
