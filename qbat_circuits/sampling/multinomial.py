"""Emulated shots of two- and three-level cells from our own multinomial sampler.

Aer takes qubit states only, so a leaked transmon cannot be read there. Here the probability of each
reading is contracted cell by cell, p(y|s) = Tr[rho M_{s,y_{N-1}} x ... x M_{s,y_0}] with the
effects M_{s,y} = sum_x A[y, x] |s, x><s, x| of each cell, and the shots of a setting are one
multinomial draw. The rotation of a setting acts on the levels 0 and 1 of each cell and leaves
level 2 alone: |s, 2> = |2>. For two levels this is the distribution of `emulate_counts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.errors import InputError, broken_rule, check_integer, shown, shown_size
from qbat_circuits.pair_readout import PairReadoutModel, Readout
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import MAX_SHOTS, Counts, check_settings
from qbat_circuits.thermodynamics import as_density_matrix

#: Largest number of cells by number of levels: states of 1024 or 729 dimensions.
MAX_SAMPLED_CELLS = {2: 10, 3: 6}
#: Largest table of counts, in bytes.
MAX_TABLE_BYTES = 2**28

#: <s, x| of the two qubit levels: x = 0 is the eigenvalue +1, rows x, columns component.
_BRAS: dict[str, ComplexArray] = {
    "X": np.array([[1, 1], [1, -1]], dtype=np.complex128) / np.sqrt(2),
    "Y": np.array([[1, -1j], [1, 1j]], dtype=np.complex128) / np.sqrt(2),
    "Z": np.eye(2, dtype=np.complex128),
}


def sample_counts(
    state: Any,
    readout: Readout,
    shots: int | Mapping[str, int],
    seed: int,
    settings: Sequence[str] | None = None,
) -> Counts:
    """Counts of Pauli settings drawn from a state of two- or three-level cells.

    Every setting has its own random stream, made from the seed and its label: the same seed and
    setting give the same counts, whatever else is drawn.

    Args:
        state: density matrix, shape (2^N, 2^N) with N <= 10 or (3^N, 3^N) with N <= 6, a state
            vector or a Qiskit state; little-endian: number = sum_i level_i d^i.
        readout: assignment matrices of the N cells. Three levels need a readout of three levels;
            of two levels its first two columns are used.
        shots: shots of each setting, one number or ``{setting: shots}``.
        seed: seed of the emulation, kept in the counts.
        settings: distinct Pauli labels, leftmost letter for cell N-1; by default those of
            ``shots``, or all 3^N.

    Returns:
        Counts with the outcomes of the readout; they carry the readout, and their file holds it.

    Raises:
        InputError: if the state is not a state, an argument does not fit it, or the counts would
            not fit in memory.
    """
    rho, n, levels = _checked_state(state)
    _check_readout(readout, n, levels)
    seed = check_integer("seed", seed, at_least=0)
    labels, numbers = settings_and_shots(settings, shots, n, MAX_SHOTS)
    needed = 8 * len(labels) * readout.outcomes**n
    if needed > MAX_TABLE_BYTES:
        raise InputError(
            f"'settings' must make a table of counts of at most {shown_size(MAX_TABLE_BYTES)} "
            f"bytes, not {shown_size(needed)}: use fewer settings or cells."
        )
    rows = {label: row for row, label in enumerate(labels)}
    table = np.empty((len(labels), readout.outcomes**n), dtype=np.int64)
    for label, probabilities in _readings(rho, readout, labels):
        row = rows[label]
        table[row] = _generator(seed, label).multinomial(numbers[row], probabilities)
    return Counts(
        n_cells=n,
        settings=labels,
        table=table,
        origin="emulated",
        seed=seed,
        readout=readout,
        outcomes=readout.outcomes,
    )


def reading_probabilities(state: Any, readout: Readout, settings: Sequence[str]) -> FloatArray:
    """Probabilities of the readings of a state in each setting, shape (settings, K^N).

    Args and Raises: see `sample_counts`.
    """
    rho, n, levels = _checked_state(state)
    _check_readout(readout, n, levels)
    labels = check_settings(settings, n)
    found = dict(_readings(rho, readout, labels))
    return np.array([found[label] for label in labels])


def settings_and_shots(
    settings: Sequence[str] | None,
    shots: int | Mapping[str, int],
    n_cells: int,
    at_most: int,
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The settings to draw and the shots of each, from the arguments of `sample_counts`.

    Raises:
        InputError: if a label or a number is wrong, or ``shots`` names other settings.
    """
    if settings is not None:
        labels = check_settings(settings, n_cells)
    elif isinstance(shots, Mapping):
        labels = check_settings(tuple(shots), n_cells)
    else:
        labels = pauli_settings(n_cells)
    if not isinstance(shots, Mapping):
        return labels, (check_integer("shots", shots, at_least=1, at_most=at_most),) * len(labels)
    for label in labels:
        if label not in shots:
            raise InputError(f"'shots' must name every setting, but {label!r} is missing.")
    if len(shots) > len(labels):
        extra = next(label for label in shots if label not in labels)
        raise InputError(f"'shots' names {shown(extra)}, which is none of the settings.")
    return labels, tuple(
        check_integer(f"shots of {label}", shots[label], at_least=1, at_most=at_most)
        for label in labels
    )


def _checked_state(state: Any) -> tuple[ComplexArray, int, int]:
    """The density matrix, the number of cells and the number of levels of each."""
    data = state if isinstance(state, np.ndarray) else getattr(state, "data", state)
    try:
        given = np.array(data, dtype=np.complex128)
    except (TypeError, ValueError):
        raise InputError("A state must be an array of numbers or a Qiskit state.") from None
    dimension = given.shape[0] if given.ndim in (1, 2) else 0
    sizes = {d**n: (n, d) for d in (2, 3) for n in range(1, 15)}
    if dimension not in sizes or given.shape not in ((dimension,), (dimension, dimension)):
        raise InputError(
            "A state must have shape (2^N, 2^N) or (3^N, 3^N) or be a vector of that length, "
            f"not {given.shape}."
        )
    n, levels = sizes[dimension]
    check_integer(f"n_cells of {levels} levels", n, at_most=MAX_SAMPLED_CELLS[levels])
    # Empty levels up to a power of 2 leave trace, Hermiticity and positivity as they are.
    empty = 2 ** (dimension - 1).bit_length() - dimension
    padded = as_density_matrix(np.pad(given, (0, empty)))
    return padded[:dimension, :dimension], n, levels


def _check_readout(readout: object, n_cells: int, levels: int) -> None:
    if not isinstance(readout, (ReadoutModel, PairReadoutModel)):
        raise broken_rule("readout", "a ReadoutModel or a PairReadoutModel", readout)
    if readout.n_cells != n_cells:
        raise InputError(
            f"'readout' must describe {n_cells} cells like the state, not {readout.n_cells}."
        )
    if readout.levels < levels:
        raise InputError(
            f"'readout' must have {levels} levels like the state, not {readout.levels}: 2 x 3 or "
            "3 x 3 matrices say how a leaked cell is read."
        )


def _readings(
    rho: ComplexArray, readout: Readout, labels: tuple[str, ...]
) -> Iterator[tuple[str, FloatArray]]:
    """Each setting, in some order, with the probabilities of its readings, shape (K^N,)."""
    n = readout.n_cells
    levels = round(len(rho) ** (1 / n))
    cellwise = readout if isinstance(readout, ReadoutModel) else ReadoutModel.ideal(n)
    effects = _effects(cellwise.assignment[:, :, :levels])
    pairs = [axis for i in range(n) for axis in (n + i, i)]  # Tr[rho M] = sum rho[b, a] M[a, b]
    interleaved = rho.reshape((levels,) * (2 * n)).transpose(pairs)
    for label, read in _contractions(interleaved.reshape(1, -1), labels, effects):
        probabilities = np.maximum(read if readout is cellwise else readout.apply(read), 0)
        yield label, probabilities / probabilities.sum()


def _effects(assignment: FloatArray) -> dict[str, ComplexArray]:
    """M_{s,y} of each cell by letter, shape (N, K, d^2), from matrices of shape (N, K, d)."""
    n, readings, levels = assignment.shape
    effects = {}
    for letter, bras in _BRAS.items():
        rotation = np.eye(levels, dtype=np.complex128)
        rotation[:2, :2] = bras
        projectors = np.einsum("xa,xb->xab", rotation.conj(), rotation)
        effects[letter] = np.einsum("iyx,xab->iyab", assignment, projectors).reshape(
            n, readings, levels**2
        )
    return effects


def _contractions(
    array: ComplexArray, labels: tuple[str, ...], effects: dict[str, ComplexArray], depth: int = 0
) -> Iterator[tuple[str, FloatArray]]:
    """The leftmost letter first, so that labels with equal beginnings share the large sums.

    Args:
        array: shape (K^depth, d^(2 (N - depth))), contracted with the first ``depth`` letters.
    """
    n = len(labels[0])
    if depth == n:
        yield labels[0], array[:, 0].real
        return
    digits = array.reshape(len(array), effects["Z"].shape[2], -1)
    for letter in "XYZ":
        same = tuple(label for label in labels if label[depth] == letter)
        if same:
            rest = effects[letter][n - 1 - depth] @ digits
            yield from _contractions(rest.reshape(-1, rest.shape[2]), same, effects, depth + 1)


def _generator(seed: int, label: str) -> np.random.Generator:
    """The random stream of one setting: independent of the others and of which are drawn."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(label.encode())))
