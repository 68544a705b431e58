"""A chip as a picture: its qubits and couplings, coloured by what each cell would deliver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from qbat_circuits.calibration import Calibration
from qbat_circuits.cells import FloatArray
from qbat_circuits.show.style import GREY, HEAT, WORK_LABEL, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_chip(
    calibration: Calibration,
    values: Mapping[int, float],
    axes: Axes | None = None,
    label: str = "delivered with its best neighbours, " + WORK_LABEL,
) -> Axes:
    """The qubits of a chip, coloured by a value of each; those without a value stay empty.

    Places follow the coupling map (classical scaling of the numbers of hops between qubits): the
    picture shows who is coupled to whom, not where the qubits lie on the chip.

    Args:
        calibration: of the chip.
        values: by number of qubit, such as `Plan.delivered`.
        axes: where to draw; new axes by default.
        label: of the colour bar.
    """
    if axes is None:
        axes = new_axes(8.0, 5.6)
    places = coupling_layout(len(calibration.qubits), calibration.coupling_map)
    for a, b in calibration.coupling_map:
        axes.plot(*places[[a, b]].T, color=GREY, lw=1.0, zorder=1)
    size = float(np.clip(9000 / len(places), 30, 500))
    across, up = places.T
    axes.scatter(across, up, s=size, facecolor="white", edgecolor=GREY, zorder=2)
    known = sorted(q for q in values if q < len(places))
    shades = [values[q] for q in known]
    dots = axes.scatter(
        across[known], up[known], s=size, c=shades, cmap=HEAT, edgecolor=GREY, zorder=3
    )
    axes.figure.colorbar(dots, ax=axes, label=label, shrink=0.8)
    middle = (min(shades, default=0.0) + max(shades, default=0.0)) / 2
    for qubit, (x, y) in enumerate(places.tolist()):
        dark = qubit in values and values[qubit] < middle
        axes.annotate(
            str(qubit), (x, y), ha="center", va="center", size=float(np.clip(size**0.5 / 2, 4, 9)),
            color="white" if dark else "black", zorder=4,
        )  # fmt: skip
    axes.set_aspect("equal")
    axes.set_axis_off()
    return axes


def coupling_layout(n_qubits: int, pairs: tuple[tuple[int, int], ...]) -> FloatArray:
    """Places of qubits whose distances follow the hops between them, shape (n_qubits, 2).

    Classical multidimensional scaling: the two leading eigenvectors of the doubly centred matrix of
    squared hops. Qubits without a path to the largest part stand in a row below it.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components, shortest_path

    a, b = np.array(pairs, dtype=int).reshape(-1, 2).T
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(n_qubits, n_qubits)).tocsr()
    _, part = connected_components(graph, directed=False)
    main = np.flatnonzero(part == np.bincount(part).argmax())
    hops = shortest_path(graph[main][:, main], directed=False, unweighted=True)
    centre = np.eye(len(main)) - 1 / len(main)
    values, vectors = np.linalg.eigh(-0.5 * centre @ hops**2 @ centre)
    found = vectors[:, -2:][:, ::-1] * np.sqrt(np.maximum(values[-2:][::-1], 0.0))
    if found.shape[1] < 2:
        found = np.zeros((len(main), 2))
    found *= np.where(found[np.abs(found).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)  # one sign
    places = np.zeros((n_qubits, 2))
    places[main] = found
    rest = np.setdiff1d(np.arange(n_qubits), main)
    row = found[:, 1].min() - 1.5
    places[rest, 0] = np.arange(len(rest)) + found[:, 0].min()
    places[rest, 1] = row
    return places
