"""Which qubits of a chip to take where the experiment leaves it open."""

from __future__ import annotations

from qbat_circuits.calibration import Calibration
from qbat_circuits.errors import InputError, check_integer


def choose_qubits(calibration: Calibration, n_cells: int) -> tuple[int, ...]:
    """The N usable qubits of smallest total readout error P(1|0) + P(0|1), in chip order.

    Among qubits whose T1 and T2 are at least the chip's median, because local noise ends the
    charging plateau and readout error hides what is left; where fewer than N qubits remain, among
    all usable ones. A qubit is usable that has T1, T2 and a readout better than a coin.

    Raises:
        InputError: if the chip has fewer than N usable qubits.
    """
    n = check_integer("n_cells", n_cells, at_least=1)
    usable = [qubit for qubit in calibration.qubits if not qubit.obstacles]
    if len(usable) < n:
        raise InputError(
            f"'n_cells' must be at most the number of usable qubits of {calibration.name} "
            f"({len(usable)}), not {n}."
        )
    t1, t2 = (_median([getattr(q, name) or 0.0 for q in usable]) for name in ("t1_s", "t2_s"))
    quiet = [q for q in usable if (q.t1_s or 0.0) >= t1 and (q.t2_s or 0.0) >= t2]
    pool = quiet if len(quiet) >= n else usable
    best = sorted(pool, key=lambda qubit: (qubit.total_readout_error or 0.0, qubit.index))
    return tuple(sorted(qubit.index for qubit in best[:n]))


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
