"""Does a state look the same after permuting the cells and after turning them about Z?

Contrasts of products of one or two letters that vanish for every such state, each estimated from
all settings that hold its letters, with the readout inverted cell by cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import erfc, sqrt

import numpy as np

from qbat_circuits.analysis.intervals import EXTRA_SHOTS, frequencies
from qbat_circuits.cells import FloatArray
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.sampling.counts import Counts

#: A product of letters: ((cell, letter), ...), one or two cells.
Product = tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class SymmetryTest:
    """The contrast that is furthest from zero, and how surprising that is.

    Args:
        contrast: its name, such as "X0 Y1 - Y0 X1".
        value: its estimate; 0 for a symmetric state.
        sigma: how many standard errors it is from 0.
        p_value: probability of one so far from 0 under symmetry, times the number of contrasts.
        permutation_p_value: the same over the contrasts that only permutations make vanish.
    """

    contrast: str
    value: float
    sigma: float
    p_value: float
    permutation_p_value: float


@dataclass(frozen=True)
class _Contrast:
    name: str
    terms: dict[Product, float]
    permutation: bool


def symmetry_test(counts: Counts, readout: ReadoutModel) -> SymmetryTest:
    """Test of permutations and U(1) by the largest of all contrasts (Bonferroni).

    Permutations: Z_i and the pairs Z_i Z_j and X_i X_j + Y_i Y_j against their means, and
    X_i Y_j - Y_i X_j, which local phases make non-zero. U(1): X_i, Y_i, X_i X_j - Y_i Y_j and
    X_i Y_j + Y_i X_j. A product that no setting holds is left out with its contrasts.
    """
    products = [
        product
        for product in _products(counts.n_cells)
        if any(_holds(label, product) for label in counts.settings)
    ]
    column = {product: k for k, product in enumerate(products)}
    contrasts = [
        contrast
        for contrast in _contrasts(counts.n_cells)
        if all(product in column for product in contrast.terms)
    ]
    combined = np.zeros((len(contrasts), len(products)))
    for row, contrast in enumerate(contrasts):
        for product, factor in contrast.terms.items():
            combined[row, column[product]] += factor
    values, errors = _estimates(counts, readout, products, combined)
    sigmas = values / errors
    worst = int(np.argmax(np.abs(sigmas)))
    of_permutations = [c.permutation for c in contrasts]
    return SymmetryTest(
        contrast=contrasts[worst].name,
        value=float(values[worst]),
        sigma=float(sigmas[worst]),
        p_value=_bonferroni(sigmas),
        permutation_p_value=_bonferroni(sigmas[of_permutations]),
    )


def _bonferroni(sigmas: FloatArray) -> float:
    return min(1.0, len(sigmas) * erfc(float(np.abs(sigmas).max()) / sqrt(2)))


def _products(n: int) -> list[Product]:
    singles: list[Product] = [((i, a),) for i in range(n) for a in "XYZ"]
    pairs: list[Product] = [
        ((i, a), (j, b)) for i, j in combinations(range(n), 2) for a, b in _PAIRS
    ]
    return singles + pairs


_PAIRS = (("X", "X"), ("Y", "Y"), ("Z", "Z"), ("X", "Y"), ("Y", "X"))


def _contrasts(n: int) -> list[_Contrast]:
    found = []
    for i in range(n):
        found += [_Contrast(f"{a}{i}", {((i, a),): 1.0}, False) for a in "XY"]
        found.append(
            _Contrast(
                f"Z{i} - mean",
                {((k, "Z"),): float(k == i) - 1 / n for k in range(n)},
                True,
            )
        )
    pairs = list(combinations(range(n), 2))
    for i, j in pairs:
        xx, yy, _, xy, yx = (((i, a), (j, b)) for a, b in _PAIRS)
        found += [
            _Contrast(f"X{i} Y{j} - Y{i} X{j}", {xy: 1.0, yx: -1.0}, True),
            _Contrast(f"X{i} Y{j} + Y{i} X{j}", {xy: 1.0, yx: 1.0}, False),
            _Contrast(f"X{i} X{j} - Y{i} Y{j}", {xx: 1.0, yy: -1.0}, False),
        ]
        if len(pairs) == 1:
            continue
        for letters, name in (("Z", f"Z{i} Z{j}"), ("XY", f"X{i} X{j} + Y{i} Y{j}")):
            terms: dict[Product, float] = {
                ((k, a), (m, a)): float((k, m) == (i, j)) - 1 / len(pairs)
                for k, m in pairs
                for a in letters
            }
            found.append(_Contrast(f"{name} - mean", terms, True))
    return found


def _holds(label: str, product: Product) -> bool:
    return all(label[len(label) - 1 - cell] == letter for cell, letter in product)


def _estimates(
    counts: Counts, readout: ReadoutModel, products: list[Product], combined: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Values and standard errors of contrasts = combined @ (means of products)."""
    n = counts.n_cells
    bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    signs = np.einsum("x,ixy->iy", [1.0, -1.0], np.linalg.inv(readout.assignment))
    read = signs[np.arange(n), bits]  # unbiased (-1)^x of each cell, for each outcome
    holds = np.array([[_holds(label, p) for p in products] for label in counts.settings])
    shares = holds * counts.shots[:, None] / (holds.T @ counts.shots)
    values, variances = np.zeros(len(combined)), np.zeros(len(combined))
    columns = np.stack(
        [np.prod([read[:, cell] for cell, _ in product], axis=0) for product in products]
    )
    smoothed = counts.table + EXTRA_SHOTS / 2**n
    for row, frequency in enumerate(frequencies(counts.table)):
        weights = (combined * shares[row]) @ columns
        probability = smoothed[row] / smoothed[row].sum()
        mean = weights @ probability
        values += weights @ frequency
        variances += ((weights - mean[:, None]) ** 2 @ probability) / counts.shots[row]
    return values, np.sqrt(variances)
