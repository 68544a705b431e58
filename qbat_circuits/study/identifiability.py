"""Which parameters counts determine, and which only together with others.

In logarithms of the parameters the Fisher information says how well relative changes are known. A
direction with a standard error above 1, that is 100 %, is not determined; the parameters that take
part in it are named, with the best-known of a few physical combinations of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from qbat_circuits.cells import FloatArray

#: Relative standard error from which a direction is not determined.
UNKNOWN: Final = 1.0
#: The same up to which a combination counts as known.
KNOWN: Final = 0.5
#: Smallest share of a parameter in a direction that it takes part in.
_SHARE: Final = 0.3
#: Eigenvalues of a matrix with unit diagonal below this are round-off of zeros.
_ROUND_OFF: Final = 1e-10

#: Combinations by name, in the order in which equally well known ones are preferred.
_COMBINATIONS: Final[dict[str, tuple[tuple[str, ...], Callable[[Mapping[str, Any]], Any]]]] = {
    "kappa (2n + 1)": (("kappa", "n"), lambda p: p["kappa"] * (2 * p["n"] + 1)),
    "kappa n": (("kappa", "n"), lambda p: p["kappa"] * p["n"]),
    "kappa (n + 1)": (("kappa", "n"), lambda p: p["kappa"] * (p["n"] + 1)),
    "kappa c": (("kappa", "c"), lambda p: p["kappa"] * p["c"]),
    "gamma (2 n_l + 1)": (("gamma", "n_l"), lambda p: p["gamma"] * (2 * p["n_l"] + 1)),
    "gamma n_l": (("gamma", "n_l"), lambda p: p["gamma"] * p["n_l"]),
    "gamma (n_l + 1)": (("gamma", "n_l"), lambda p: p["gamma"] * (p["n_l"] + 1)),
    "gamma + (1 - c) kappa": (
        ("kappa", "gamma", "c"),
        lambda p: p["gamma"] + (1 - p["c"]) * p["kappa"],
    ),
    "gamma (2 n_l + 1)/2 + gamma_phi": (
        ("gamma", "n_l", "gamma_phi"),
        lambda p: p["gamma"] * (p["n_l"] + 0.5) + p["gamma_phi"],
    ),
}


def covariance(information: FloatArray) -> FloatArray:
    """The inverse, with infinite variances along directions without any information.

    Args:
        information: Fisher information, symmetric, shape (F, F).
    """
    diagonal = np.diag(information)
    scale = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    values, vectors = np.linalg.eigh(information / np.outer(scale, scale))
    lost = values < _ROUND_OFF
    found = (vectors[:, ~lost] / values[~lost]) @ vectors[:, ~lost].T / np.outer(scale, scale)
    hopeless = np.any(np.abs(vectors[:, lost]) > 1e-4, axis=1) | (diagonal <= 0)
    found[hopeless, hopeless] = np.inf
    return np.asarray(found, dtype=np.float64)


def without_nuisances(information: FloatArray, kept: int) -> FloatArray:
    """Information of the first parameters when the others are fitted as well (Schur complement)."""
    if kept == len(information):
        return information
    own, mixed, other = (
        information[:kept, :kept],
        information[:kept, kept:],
        information[kept:, kept:],
    )
    return np.asarray(own - mixed @ np.linalg.solve(other, mixed.T), dtype=np.float64)


def unidentified(
    names: Sequence[str],
    values: Mapping[str, float],
    information: FloatArray,
    slopes: FloatArray,
) -> tuple[str, ...]:
    """A sentence for each direction that the data do not determine.

    Args:
        names: the free parameters.
        values: all parameters of the reading.
        information: Fisher information of their coordinates (logarithms), shape (F, F).
        slopes: d value / d coordinate, shape (F,).
    """
    strengths, directions = np.linalg.eigh(information)
    strengths = np.maximum(strengths, 0.0)
    spread = np.sqrt(1 / np.maximum(strengths, 1e-16))
    found: dict[str, None] = {}
    for error, direction in zip(spread, directions.T, strict=True):
        if error <= UNKNOWN:
            continue
        group = [name for name, v in zip(names, direction, strict=True) if abs(v) >= _SHARE]
        known = _known(group, names, values, (spread, directions), slopes)
        end = f": only {known} is" if known else ""
        if len(group) == 1:
            found[_alone(group[0], end)] = None
            continue
        listed = f"{', '.join(group[:-1])} and {group[-1]}"
        found[f"{listed} cannot be told apart by these data{end}."] = None
    return tuple(found)


def _alone(name: str, end: str) -> str:
    if name in ("c", "phase"):
        return f"{name} is not determined by these data{end}."
    return (
        f"{name} cannot be told from 0 by these data: its standard error is above {UNKNOWN:.0%} of "
        "its value."
    )


def _known(
    group: Sequence[str],
    names: Sequence[str],
    values: Mapping[str, float],
    spectrum: tuple[FloatArray, FloatArray],
    slopes: FloatArray,
) -> str:
    """The best-known combination of a group, nothing where none is known."""
    spread, directions = spectrum
    best, least = "", KNOWN
    for text, (members, function) in _COMBINATIONS.items():
        taken = len(set(members) & set(group))
        if taken < min(len(group), 2) or not set(members) <= set(values):
            continue
        here = function(values)
        if not here > 0:
            continue
        gradient = np.zeros(len(names))
        for k, name in enumerate(names):
            if name in members:
                shifted = {**values, name: values[name] + 1e-30j}
                gradient[k] = function(shifted).imag / 1e-30 * slopes[k] / here
        error = float(np.linalg.norm(gradient @ directions * spread))
        if error < 0.9 * least:  # a later one must be clearly better
            best, least = text, error
    return best
