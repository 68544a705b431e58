"""The state after all time scales where several steady states exist and the start decides.

lim exp(L t) rho = lim (1 - tau L)^-1 rho for tau -> infinity: a resolvent keeps what L maps to zero
and divides all else by 1 - tau lambda. Sixteen of them in a row leave |tau lambda|^-16 of it, so
that tau need not be far beyond the slowest decay time: round-off in what is kept grows with tau
times the norm of L. A tau short of that time would show the plateau before the limit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from qbat_circuits.cells import FloatArray
from qbat_circuits.dynamics.krylov import exponential_path
from qbat_circuits.dynamics.reduction import ReducedGenerator, norm
from qbat_circuits.errors import AccuracyError, InputError

#: tau at first, times the slowest rate, and the largest tau times the fastest one.
_FIRST_TAU, _LARGEST_REACH = 6.0, 1e8
#: Two resolvents in turn that agree to this have settled.
_SETTLED = 1e-10
#: Resolvents in a row.
_POWER = 16
#: Up to this many coordinates linear systems are factored; beyond, their factors are nearly full.
MAX_FACTORED = 2000
#: Decay times of the slowest rate that `settled` waits for at first, and how often it waits longer.
_DECAYS, _DOUBLINGS = 40.0, 4
#: Up to this many coordinates it is checked that the state is approached and not circled.
_CHECKED_COORDINATES = 1000


def long_time_limit(reduced: ReducedGenerator, slowest: float) -> FloatArray:
    """Coordinates of lim exp(L t) rho(0), shape (D,).

    Args:
        reduced: generator and start.
        slowest: bound from below on the rates at which the model relaxes, for `settled`.

    Raises:
        InputError: if the state goes on turning.
        AccuracyError: if rates are too far apart for the limit to settle.
    """
    if len(reduced.start) > MAX_FACTORED:
        return settled(reduced, slowest)
    fastest = norm(reduced.matrix)
    if fastest == 0.0:
        return reduced.start
    before, tau = None, _FIRST_TAU / slowest
    while tau * fastest <= _LARGEST_REACH:
        now = _resolvents(reduced, tau)
        if before is not None and np.abs(now - before).max() <= _SETTLED:
            _check_approached(reduced, now, tau)
            return now
        before, tau = now, 4 * tau
    raise _unsettled()


def settled(reduced: ReducedGenerator, slowest: float) -> FloatArray:
    """The state after so long a time that it has settled, by Krylov subspaces without a factor.

    For more coordinates than `MAX_FACTORED`, whose factors fill up; a state that relaxes needs
    fewer and fewer subspaces.

    Args:
        reduced: generator and start.
        slowest: bound from below on the rates at which the model relaxes.

    Raises:
        AccuracyError: if it does not settle within the products that are allowed.
    """
    time, fastest = _DECAYS / slowest, norm(reduced.matrix)
    for _ in range(_DOUBLINGS):
        try:
            half, whole = exponential_path(
                lambda y: reduced.matrix @ y, reduced.start, np.array([time / 2, time])
            )
        except InputError:
            break
        still = np.abs(reduced.matrix @ whole).max() <= _SETTLED / 10 * fastest
        if still and np.abs(whole - half).max() <= _SETTLED:
            # The trace is conserved; what it lost is round-off of all the steps.
            return np.asarray(whole / whole[reduced.kept < reduced.dimension].sum())
        time *= 4
    raise _unsettled()


def _unsettled() -> AccuracyError:
    return AccuracyError(
        "The long-time state does not settle within double precision, because the rates differ by "
        "too many orders of magnitude; charge() shows the plateau before it."
    )


def _resolvents(reduced: ReducedGenerator, tau: float) -> FloatArray:
    from scipy.sparse.linalg import splu

    size = len(reduced.start)
    factors: Any = splu(sp.csc_array(sp.eye_array(size) - tau * reduced.matrix))
    now = reduced.start
    for _ in range(_POWER):
        now = factors.solve(now)
    return np.asarray(now, dtype=np.float64)


def _check_approached(reduced: ReducedGenerator, limit: FloatArray, tau: float) -> None:
    """A coherence that turns for ever averages to nothing in a resolvent: look at late times."""
    if len(limit) > _CHECKED_COORDINATES:
        return
    from scipy.linalg import expm

    late = expm(reduced.matrix.toarray() * 10 * tau) @ reduced.start
    if np.abs(late - limit).max() > 1e-4:
        raise InputError(
            "'initial_state' must not hold a coherence that turns for ever for a steady state; "
            "use charge() with long times."
        )
