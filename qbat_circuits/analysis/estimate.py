"""Extractable work, with an honest interval, from counts alone.

Nothing here knows where the counts come from: an emulation and a laboratory enter by the same door.
"""

from __future__ import annotations

from collections.abc import Sequence

from qbat_circuits.analysis.dicke import DickeScheme
from qbat_circuits.analysis.energy_basis import EnergyBasisScheme
from qbat_circuits.analysis.pauli import PauliScheme
from qbat_circuits.analysis.scheme import ErgotropyEstimate, Scheme
from qbat_circuits.errors import broken_rule, check_choice
from qbat_circuits.pair_readout import Readout
from qbat_circuits.sampling.counts import Counts

#: Schemes by name, with their default options.
SCHEMES: dict[str, Scheme] = {
    scheme.name: scheme for scheme in (PauliScheme(), DickeScheme(), EnergyBasisScheme())
}


def estimate_ergotropy(
    counts: Counts,
    readout: Readout | None = None,
    energies: Sequence[float] | None = None,
    confidence: float = 0.95,
    seed: int = 7,
    scheme: Scheme | str = "pauli",
) -> ErgotropyEstimate:
    """Ergotropy of the measured state, mitigated, with an interval that covers the truth.

    The interval is honest for every state, passive ones included: its ends rest on convexity, not
    on a bootstrap (docs/estimating-work.md; docs/physics.md, section 7). Where the readout carries
    the shots of its calibration, their noise is in the interval too.

    Args:
        counts: counts of the scheme's settings, with at least 5 shots each, or 50 draws where the
            shots come in draws; other settings are not used.
        readout: the readout to invert; by default the one that the counts carry.
        energies: cell energies e_i, 1 each by default.
        confidence: probability to cover the truth, between 0 and 1.
        seed: seed of the deal of the shots into parts.
        scheme: a scheme with its options, or the name of one with its defaults: "pauli", "dicke"
            or "energy-basis".

    Returns:
        The estimate; schemes add to it what else they know (`PauliEstimate`, `DickeEstimate`).

    Raises:
        InputError: if settings are missing, no readout is known or an argument does not fit.
    """
    chosen = named_scheme(scheme)
    return chosen.estimate(counts, readout, energies, confidence, seed)


def named_scheme(scheme: Scheme | str) -> Scheme:
    """A scheme as it is, or by its name.

    Raises:
        InputError: for an unknown name or another type.
    """
    if isinstance(scheme, Scheme):
        return scheme
    if not isinstance(scheme, str):
        raise broken_rule("scheme", "a scheme or its name", scheme)
    return SCHEMES[check_choice("scheme", scheme, tuple(SCHEMES))]
