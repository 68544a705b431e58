"""Does a state look the same after permuting the cells and after turning them about Z?

Contrasts of products of one or two letters that vanish for every such state, each estimated from
all settings that hold its letters, with the readout inverted cell by cell.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import combinations
from math import erfc, sqrt
from typing import Any

import numpy as np

from qbat_circuits.analysis.drawn import normal_sigma, sample_of
from qbat_circuits.analysis.sample import Sample
from qbat_circuits.cells import FloatArray
from qbat_circuits.pair_readout import Readout
from qbat_circuits.sampling.counts import Counts

#: Most weights that are held at once (32 MB).
_MAX_NUMBERS = 2**22

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

    def to_dict(self) -> dict[str, Any]:
        """As JSON content."""
        return asdict(self)


@dataclass(frozen=True)
class _Contrast:
    name: str
    terms: dict[Product, float]
    permutation: bool


def symmetry_test(counts: Counts, readout: Readout) -> SymmetryTest:
    """Test of permutations and U(1) by the largest of all contrasts (Bonferroni).

    Permutations: Z_i and the pairs Z_i Z_j and X_i X_j + Y_i Y_j against their means, and
    X_i Y_j - Y_i X_j, which local phases make non-zero. U(1): X_i, Y_i, X_i X_j - Y_i Y_j and
    X_i Y_j + Y_i X_j. A product that no setting holds is left out with its contrasts.
    """
    products, contrasts, combined = _measurable(counts.n_cells, counts.settings)
    values, errors = _estimates(counts, readout, products, combined)
    sigmas = normal_sigma(values / errors, counts.draws)
    worst = int(np.argmax(np.abs(sigmas)))
    of_permutations = [c.permutation for c in contrasts]
    return SymmetryTest(
        contrast=contrasts[worst].name,
        value=float(values[worst]),
        sigma=float(sigmas[worst]),
        p_value=_bonferroni(sigmas),
        permutation_p_value=_bonferroni(sigmas[of_permutations]),
    )


@lru_cache(maxsize=8)
def _measurable(
    n_cells: int, settings: tuple[str, ...]
) -> tuple[list[Product], list[_Contrast], FloatArray]:
    """The products that these settings hold, the contrasts between them, and their coefficients."""
    products = [
        product
        for product in _products(n_cells)
        if any(holds(label, product) for label in settings)
    ]
    column = {product: k for k, product in enumerate(products)}
    contrasts = [
        contrast
        for contrast in _contrasts(n_cells)
        if all(product in column for product in contrast.terms)
    ]
    combined = np.zeros((len(contrasts), len(products)))
    for row, contrast in enumerate(contrasts):
        for product, factor in contrast.terms.items():
            combined[row, column[product]] += factor
    return products, contrasts, combined


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


def _estimates(
    counts: Counts, readout: Readout, products: list[Product], combined: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Values and standard errors of contrasts = combined @ (means of products).

    The error of an uncertain readout needs the weights on all readings, some at a time to bound the
    memory; an exact one leaves the covariance of the products of signs in each setting.
    """
    sample = sample_of(counts.table, counts.draws, readout)
    if readout.calibration_shots is None:
        return _of_exact_readout(sample, products, combined, _shares(counts, products))
    at_once = max(1, _MAX_NUMBERS // counts.table.size)
    values, variances = [], []
    for start in range(0, len(combined), at_once):
        weights = product_weights(counts, products, combined[start : start + at_once])
        values.append(sample.mean(weights))
        variances.append(sample.variance(weights))
    return np.concatenate(values), np.sqrt(np.concatenate(variances))


def _of_exact_readout(
    sample: Sample, products: list[Product], combined: FloatArray, shares: FloatArray
) -> tuple[FloatArray, FloatArray]:
    places = [tuple(cell for cell, _ in product) for product in products]
    sets = list(dict.fromkeys(places))
    which = np.zeros((len(products), len(sets)))
    which[np.arange(len(products)), [sets.index(place) for place in places]] = 1
    read = sample.readout.pull_back(_signs(sample.readout.n_cells, sets))
    values, variances = np.zeros(len(combined)), np.zeros(len(combined))
    for row, share in enumerate(shares):
        held = np.flatnonzero(share)
        w = (combined[:, held] * share[held]) @ which[held]
        covariance = sample.setting_covariance(read, row)
        values += w @ (read @ sample.frequencies[row])
        variances += np.sum((w @ covariance) * w, axis=1)
    return values, np.sqrt(variances)


def _shares(counts: Counts, products: list[Product]) -> FloatArray:
    """Of the shots that hold a product, how many are in each setting: (S, products)."""
    held = np.array([[holds(label, p) for p in products] for label in counts.settings])
    return np.asarray(held * counts.shots[:, None] / (held.T @ counts.shots))


def _signs(n: int, sets: list[tuple[int, ...]]) -> FloatArray:
    """Products of the signs +-1 of these cells, shape (sets, 2^N)."""
    signs = 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    return np.stack([np.prod(signs[:, list(cells)], axis=1) for cells in sets])


def holds(label: str, product: Product) -> bool:
    """Whether a setting has these letters."""
    return all(label[len(label) - 1 - cell] == letter for cell, letter in product)


def product_weights(counts: Counts, products: list[Product], combined: FloatArray) -> FloatArray:
    """Weights, shape (C, S, 2^N), of contrasts = combined @ (means of products).

    The mean of a product is that of all shots whose setting holds it.
    """
    columns = _signs(counts.n_cells, [tuple(cell for cell, _ in product) for product in products])
    by_setting = combined[:, None] * _shares(counts, products)  # (C, S, products)
    return np.asarray(by_setting @ columns)
