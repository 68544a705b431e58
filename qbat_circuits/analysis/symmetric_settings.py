"""Which Pauli settings see the populations p(j, m) of total spin, and with which weights.

Projectors on (j, m) are invariant under permutations of the cells and under U(1). With k excited
cells and j = N/2 - i they are the idempotents of the Johnson scheme,

    Pi(j, m) = sum_p d_i P_p(i) / (C(N,k) C(k,p) C(N-k,p)) sum_{|T| = 2p} B_p(T) x [k-p of the rest]

with the Eberlein polynomials P_p(i), d_i = C(N,i) - C(N,i-1) and B_p(T) = the sum of all products
of p raising and p lowering operators on the cells T (Delsarte, Philips Res. Rep. Suppl. 10 (1973)).
B_p(T) holds X and Y an even number of times each, so settings with 2p letters X and Y, both even in
number, and N - 2p letters Z hold everything. All coefficients are exact integers and fractions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from math import comb, factorial, prod

import numpy as np
from numpy.typing import NDArray

from qbat_circuits.cells import FloatArray, excitations

#: Numbers of letters (X, Y, Z) in a setting.
Kind = tuple[int, int, int]


def kinds(n_cells: int) -> tuple[Kind, ...]:
    """Every (a, b, c) with a + b + c = N and even a, b: (P+1)(P+2)/2 of them, P = floor(N/2)."""
    pairs = n_cells // 2
    return tuple(
        (2 * a, 2 * (p - a), n_cells - 2 * p) for p in range(pairs + 1) for a in range(p + 1)
    )


def kind_of(label: str) -> Kind:
    """Numbers of letters of a label."""
    return label.count("X"), label.count("Y"), label.count("Z")


def orbit_size(kind: Kind) -> int:
    """Number of labels with these letters, N! / (a! b! c!)."""
    return factorial(sum(kind)) // prod(factorial(k) for k in kind)


def orbit(kind: Kind) -> Iterator[str]:
    """All labels with these letters, in a fixed order."""
    n = sum(kind)
    for x_places in combinations(range(n), kind[0]):
        rest = [place for place in range(n) if place not in x_places]
        for y_places in combinations(rest, kind[1]):
            yield "".join(
                "X" if place in x_places else "Y" if place in y_places else "Z"
                for place in range(n)
            )


def phase_settings(n_cells: int) -> tuple[str, ...]:
    """Labels of X and Y only, such that X_i Y_j and Y_i X_j stand in one for every pair of cells.

    One label and its complement for each binary digit of the cell number: 2 ceil(log2 N).
    """
    labels = []
    for digit in range((n_cells - 1).bit_length()):
        bits = [(cell >> digit) & 1 for cell in reversed(range(n_cells))]
        labels += ["".join("XY"[bit] for bit in bits), "".join("YX"[bit] for bit in bits)]
    return tuple(labels)


@lru_cache(maxsize=16)
def sectors(n_cells: int) -> tuple[tuple[float, float], ...]:
    """All (j, m), j falling from N/2, m rising: (P+1)(N+1-P) of them, P = floor(N/2)."""
    return tuple(
        (n_cells / 2 - i, k - n_cells / 2)
        for i in range(n_cells // 2 + 1)
        for k in range(i, n_cells - i + 1)
    )


@lru_cache(maxsize=16)
def multiplicities(n_cells: int) -> NDArray[np.int64]:
    """d_j = C(N, N/2-j) - C(N, N/2-j-1) of every pair in `sectors` (read-only)."""
    missing = [round(n_cells / 2 - j) for j, _ in sectors(n_cells)]
    result = np.array([_multiplicity(n_cells, i) for i in missing], dtype=np.int64)
    result.flags.writeable = False
    return result


def population_weights(labels: Sequence[str], effective: Mapping[Kind, float]) -> FloatArray:
    """Weights w with p(j, m) = sum_{s,x} w[(j,m), s, x] f(x|s) for a readout without errors.

    The outcome of a setting is the number of excited readings among its X, Y and Z cells. Their
    probabilities are linear in the means of products of letters, which are found from all kinds by
    least squares with the noise of a nominal state: least variance there, unbiased for every state.

    Args:
        labels: settings of the kinds in ``effective``. The mean over labels is that over all
            permutations of the state where all labels of each kind are there.
        effective: shots of the mean over the labels of each kind.

    Returns:
        Shape (number of sectors, len(labels), 2^N).
    """
    labels = tuple(labels)
    totals, nominal, designs = _model(len(labels[0]), tuple(effective))
    scaled = {
        kind: effective[kind] * (design / (design @ nominal)[:, None]).T
        for kind, design in designs.items()
    }
    information = sum(scaled[kind] @ designs[kind] for kind in effective)
    means = np.linalg.solve(np.asarray(information), totals).T
    by_outcome = {kind: means @ scaled[kind] for kind in effective}
    members = Counter(kind_of(label) for label in labels)
    result = [
        by_outcome[kind_of(label)][:, _outcomes(label)] / members[kind_of(label)]
        for label in labels
    ]
    return np.stack(result, axis=1)


@lru_cache(maxsize=16)
def _model(
    n: int, settings: tuple[Kind, ...]
) -> tuple[FloatArray, FloatArray, dict[Kind, FloatArray]]:
    """Of the types that these kinds hold: what they add to each population, shape (types, sectors),
    their nominal means, and `_outcome_probabilities` of each kind."""
    types = [t for t in _types(n) if any(_held(t, kind) for kind in settings)]
    projectors = np.array([_coefficients(n, t) for t in types])
    nominal = projectors @ (_nominal_populations(n) * 2**n / multiplicities(n))
    totals = projectors * np.array([[float(_held_in_all(t, n))] for t in types])
    return totals, nominal, {kind: _outcome_probabilities(kind, types) for kind in settings}


def outcome_shares(label: str) -> FloatArray:
    """1 / (readings with the same numbers of excited X, Y and Z cells), shape (2^N,)."""
    rows = _outcomes(label)
    return np.asarray(1 / np.bincount(rows)[rows], dtype=np.float64)


def _nominal_populations(n: int) -> FloatArray:
    """The ladder of a bath at occupation 1, a tenth of it maximally mixed (physics.md, 3)."""
    ladder = np.array([0.5 ** (m + n / 2) if j == n / 2 else 0.0 for j, m in sectors(n)])
    return np.asarray(0.9 * ladder / ladder.sum() + 0.1 * multiplicities(n) / 2**n)


def _outcome_probabilities(kind: Kind, types: Sequence[Kind]) -> FloatArray:
    """P(k_X, k_Y, k_Z) = this matrix @ (means of the types), averaged over permutations."""
    tables = [
        np.array([[_krawtchouk(d, k, size) for d in range(size + 1)] for k in range(size + 1)])
        * np.array([comb(size, k) for k in range(size + 1)])[:, None]
        for size in kind
    ]
    design = np.zeros((prod(size + 1 for size in kind), len(types)))
    for column, wanted in enumerate(types):
        if _held(wanted, kind):
            x, y, z = (table[:, d] for table, d in zip(tables, wanted, strict=True))
            design[:, column] = (x[:, None, None] * y[:, None] * z).ravel()
    return design / 2.0 ** sum(kind)


@lru_cache(maxsize=512)
def _outcomes(label: str) -> NDArray[np.int64]:
    """Row of `_outcome_probabilities` of each of the 2^N readings of a setting."""
    n = len(label)
    row = np.zeros(2**n, dtype=np.int64)
    for letter in "XYZ":
        cells = [n - 1 - place for place, found in enumerate(label) if found == letter]
        mask = sum(1 << cell for cell in cells)
        row = row * (len(cells) + 1) + excitations(n)[np.arange(2**n) & mask]
    row.flags.writeable = False
    return row


def _types(n: int) -> list[Kind]:
    """Products of a letters X, b letters Y and c letters Z, as (a, b, c)."""
    return [(a, b, c) for a in range(n + 1) for b in range(n + 1 - a) for c in range(n + 1 - a - b)]


def _held(wanted: Kind, kind: Kind) -> int:
    """How many products of the wanted type stand in one label of this kind."""
    return prod(comb(have, want) for have, want in zip(kind, wanted, strict=True))


def _held_in_all(wanted: Kind, n: int) -> int:
    """How many products of the wanted type N cells have."""
    return factorial(n) // (prod(factorial(k) for k in wanted) * factorial(n - sum(wanted)))


def _krawtchouk(degree: int, k: int, n: int) -> int:
    """Elementary symmetric polynomial of n numbers +-1, k of which are -1."""
    return sum((-1) ** r * comb(k, r) * comb(n - k, degree - r) for r in range(degree + 1))


@lru_cache(maxsize=4096)
def _coefficients(n: int, wanted: Kind) -> tuple[float, ...]:
    """Tr[Pi(j, m) Q] / 2^N of every sector, for a product Q of the wanted type."""
    a, b, c = wanted
    if a % 2 or b % 2:
        return (0.0,) * len(sectors(n))
    p = (a + b) // 2
    # X^a Y^b in B_p(T), times 4^p: sigma_+- = (X -+ iY)/2, r of the Y in raising operators
    letters = sum((-1) ** (r + b // 2) * comb(b, r) * comb(a, p - r) for r in range(min(b, p) + 1))
    found = []
    for j, m in sectors(n):
        i, k = round(n / 2 - j), round(m + n / 2)
        if p > min(k, n - k):
            found.append(0.0)
            continue
        flips = _eberlein(p, i, k, n) * _multiplicity(n, i)
        # Z products in the projector on k - p excited cells among the N - 2p others, times 2^(N-2p)
        others = sum(
            (-1) ** r * comb(c, r) * comb(n - 2 * p - c, k - p - r) for r in range(k - p + 1)
        )
        ways = comb(n, k) * comb(k, p) * comb(n - k, p) * 2**n
        found.append(letters * flips * others / ways)
    return tuple(found)


def _eberlein(p: int, i: int, k: int, n: int) -> int:
    return sum(
        (-1) ** r * comb(i, r) * comb(k - i, p - r) * comb(n - k - i, p - r) for r in range(p + 1)
    )


def _multiplicity(n: int, i: int) -> int:
    return comb(n, i) - (comb(n, i - 1) if i else 0)
