"""Coverage, width, bias and false positives of every scheme.

    python benchmarks/coverage_study.py --runs 300 --processes 2 --csv docs/coverage-study.csv

N = 2, 3, 4; a charged, a passive, a product and a GHZ state; 300 to 30000 shots a setting; readout
errors of 0, 2 and 5 %, their matrices known exactly or from 1000 calibration shots a level. Counts
are multinomial draws from exact probabilities. Prints the table of docs/coverage.md.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from itertools import product
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np

from qbat_circuits import (
    Battery,
    CollectiveBath,
    Counts,
    InputError,
    ReadoutModel,
    ergotropy,
    estimate_ergotropy,
    pauli_settings,
    steady_state,
)
from qbat_circuits.analysis.estimate import SCHEMES
from qbat_circuits.analysis.linear_inversion import outcome_probabilities
from qbat_circuits.cells import ComplexArray, FloatArray, product_state

STATES = ("charged", "passive", "product", "GHZ")
SHOTS = (300, 3000, 30000)
LEVEL = 0.05
#: Shots of each level of each cell where the matrices are measured.
CALIBRATION_SHOTS = 1000
#: Least coverage of a 95 % interval.
LEAST = 0.93
ROUND_OFF = 1e-9


@dataclass(frozen=True)
class Case:
    """One cell of the study."""

    scheme: str
    n_cells: int
    state: str
    shots: int
    readout_error: float
    calibrated: bool


@dataclass(frozen=True)
class Row:
    """What many runs of one case gave; shares of runs unless it says otherwise."""

    truth: float
    bias: float
    mean_width: float
    covers: float
    low_above: float
    high_below: float
    low_above_work: float
    guaranteed_above_work: float
    p_below_level: float
    median_high: float
    plug_in_quantile: float
    declined: float


def state_of(name: str, n: int) -> ComplexArray:
    """The states of the study."""
    if name == "charged":
        return steady_state(Battery.identical(n, CollectiveBath(1.0, 1.0))).state
    if name == "passive":
        return product_state([1 / 3] * n)
    if name == "product":
        return product_state([0.7] * n)
    vector = np.zeros(2**n, dtype=np.complex128)
    vector[[0, -1]] = np.sqrt(0.5)
    return np.outer(vector, vector)


def cases(cells: tuple[int, ...], schemes: tuple[str, ...]) -> Iterator[Case]:
    """Without readout errors the matrices are known exactly."""
    kinds = [(0.0, False), (0.02, False), (0.02, True), (0.05, False), (0.05, True)]
    for scheme, n, state, shots in product(schemes, cells, STATES, SHOTS):
        for error, calibrated in kinds:
            yield Case(scheme, n, state, shots, error, calibrated)


def true_readout(n: int, error: float) -> ReadoutModel:
    """Cells of different quality around one error rate; reading 1 as 0 is the likelier mistake."""
    spread = np.linspace(0.8, 1.2, n)
    return ReadoutModel.from_error_rates(
        list(0.7 * error * spread), list(1.3 * error * spread[::-1])
    )


def draw(
    probabilities: FloatArray, labels: tuple[str, ...], case: Case, rng: np.random.Generator
) -> Counts:
    """Counts, and the readout as the laboratory knows it."""
    model = true_readout(case.n_cells, case.readout_error)
    table = rng.multinomial(case.shots, probabilities)
    if case.calibrated:
        columns = rng.multinomial(CALIBRATION_SHOTS, model.assignment.swapaxes(1, 2))
        model = ReadoutModel.from_calibration_counts(columns.swapaxes(1, 2))
    return Counts(n_cells=case.n_cells, settings=labels, table=table, readout=model)


def true_quantity(case: Case, rho: ComplexArray, outcomes: FloatArray) -> float:
    """What the scheme's interval is about, from exact probabilities."""
    exact = Counts(
        n_cells=case.n_cells,
        settings=SCHEMES[case.scheme].settings(case.n_cells),
        table=np.rint(outcomes * 1e8).astype(np.int64),
        readout=ReadoutModel.ideal(case.n_cells),
    )
    if case.scheme == "pauli":
        return ergotropy(rho)
    return estimate_ergotropy(exact, scheme=case.scheme).plug_in


def study(task: tuple[Case, int]) -> Row:
    """Many runs of one case, each through the public function."""
    case, runs = task
    n, labels = case.n_cells, SCHEMES[case.scheme].settings(case.n_cells)
    rho = state_of(case.state, n)
    wanted = [pauli_settings(n).index(label) for label in labels]
    outcomes = np.clip(outcome_probabilities(rho)[wanted], 0, None)
    outcomes /= outcomes.sum(axis=1, keepdims=True)
    read = true_readout(n, case.readout_error).apply(outcomes)
    truth, work = true_quantity(case, rho, outcomes), ergotropy(rho)
    rng = np.random.default_rng([n, case.shots, *repr(case).encode()])
    found, declined = [], 0
    for seed in range(runs):
        try:
            e = estimate_ergotropy(draw(read, labels, case, rng), scheme=case.scheme, seed=seed)
        except InputError:
            declined += 1
            continue
        found.append((e.value, e.low, e.high, e.guaranteed_low or 0.0, e.p_value or 1.0, e.plug_in))
    value, low, high, guaranteed, p_value, plug_in = np.array(found).T
    above, below = low > truth + ROUND_OFF, high < truth - ROUND_OFF
    return Row(
        truth=truth,
        bias=float(value.mean() - truth),
        mean_width=float(np.mean(high - low)),
        covers=1 - float(np.mean(above | below)),
        low_above=float(np.mean(above)),
        high_below=float(np.mean(below)),
        low_above_work=float(np.mean(low > work + ROUND_OFF)),
        guaranteed_above_work=float(np.mean(guaranteed > work + ROUND_OFF)),
        p_below_level=float(np.mean(p_value <= LEVEL)),
        median_high=float(np.median(high)),
        plug_in_quantile=float(np.quantile(plug_in, 0.95)),
        declined=declined / runs,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--cells", type=int, nargs="+", default=[2, 3, 4], choices=(2, 3, 4))
    parser.add_argument("--schemes", nargs="+", default=list(SCHEMES), choices=list(SCHEMES))
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--csv", type=Path, help="every case, one line each")
    parser.add_argument("--print", type=Path, help="only print the tables of such files", nargs="+")
    asked = parser.parse_args()
    if asked.print is not None:
        return print_tables(*read(asked.print))
    todo = list(cases(tuple(asked.cells), tuple(asked.schemes)))
    rows: list[Row] = []
    with Pool(asked.processes) as pool:
        for done in pool.imap(study, [(case, asked.runs) for case in todo]):
            rows.append(done)
            if sys.stderr.isatty():
                print(f"{len(rows)} of {len(todo)}", end="\r", file=sys.stderr, flush=True)
    if asked.csv is not None:
        with asked.csv.open("w", newline="") as file:
            names = [*asdict(todo[0]), *asdict(rows[0])]
            table = csv.DictWriter(file, names, lineterminator="\n")
            table.writeheader()
            for case, row in zip(todo, rows, strict=True):
                table.writerow(_rounded({**asdict(case), **asdict(row)}))
    return print_tables(todo, rows)


def read(paths: list[Path]) -> tuple[list[Case], list[Row]]:
    """Cases and rows of files that a study has written."""
    todo, rows = [], []
    for path in paths:
        with path.open(newline="") as file:
            for line in csv.DictReader(file):
                kinds = {f.name: f.type for f in fields(Case)}
                values = {k: _value(kinds.get(k, "float"), text) for k, text in line.items()}
                todo.append(Case(**{k: v for k, v in values.items() if k in kinds}))
                rows.append(Row(**{k: v for k, v in values.items() if k not in kinds}))
    return todo, rows


def _value(kind: object, text: str) -> Any:
    return {"str": str, "int": int, "float": float, "bool": lambda t: t == "True"}[str(kind)](text)


def print_tables(todo: list[Case], rows: list[Row]) -> int:
    """Both tables; 1 if the coverage of a case is too low."""
    print_table(todo, rows)
    print("\n| scheme | N | shots | passive: median upper end / .95 quantile of the plug-in |")
    print("|---|---|---|---|")
    for scheme, n, shots in dict.fromkeys((c.scheme, c.n_cells, c.shots) for c in todo):
        group = [
            row
            for case, row in zip(todo, rows, strict=True)
            if (case.scheme, case.n_cells, case.shots, case.state) == (scheme, n, shots, "passive")
        ]
        ends = [f"{row.median_high:.4f} / {row.plug_in_quantile:.4f}" for row in group]
        print(f"| {scheme} | {n} | {shots} | {', '.join(ends)} |")
    lowest = min(row.covers for row in rows)
    print(f"\nlowest coverage of {len(rows)} cases: {lowest:.3f}")
    return int(lowest < LEAST)


def print_table(todo: list[Case], rows: list[Row]) -> None:
    """One line per scheme, N, state and shots: five readouts together, and the worst of them."""
    head = "scheme | N | state | shots | truth | bias | width | covers | worst | low > W | p <= .05"
    print(f"| {head} | guaranteed > W |\n|{'---|' * 12}")
    groups: dict[tuple[str, int, str, int], list[Row]] = {}
    for case, row in zip(todo, rows, strict=True):
        groups.setdefault((case.scheme, case.n_cells, case.state, case.shots), []).append(row)
    for key, group in groups.items():
        bias = max((row.bias for row in group), key=abs)
        width = [row.mean_width for row in group]
        work = [row.p_below_level for row in group]
        covers = [row.covers for row in group]
        print(
            f"| {' | '.join(map(str, key))} | {group[0].truth:.4f} | {bias:+.4f} | "
            f"{min(width):.4f} to {max(width):.4f} | {sum(covers) / len(covers):.3f} | "
            f"{min(covers):.3f} | {max(r.low_above_work for r in group):.3f} | "
            f"{min(work):.2f} to {max(work):.2f} | "
            f"{max(r.guaranteed_above_work for r in group):.3f} |"
        )


def _rounded(line: dict[str, object]) -> dict[str, object]:
    return {k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in line.items()}


if __name__ == "__main__":
    raise SystemExit(main())
