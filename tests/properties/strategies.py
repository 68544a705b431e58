"""Random batteries for hypothesis: every kind of bath, coupling, noise, detuning and start.

A kind is drawn first, so that a failing example names it; its numbers come from a seed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

import qbat_circuits as qb
from qbat_circuits.transmon_levels import TransmonLevels

#: The collective bath: heat, heat at zero temperature, squeezed partly and fully, inverted, none.
BATHS = ("thermal", "cold", "squeezed", "coherent", "pump", "none")
#: How it couples to the cells; "positions" go with baths without squeezing only.
COUPLINGS = ("one mode", "scaled", "partial", "matrix", "amplitudes", "positions")
#: Local noise of the cells: none, all alike, dephasing alone, each of its own, some without.
NOISES = ("quiet", "alike", "dephasing", "different", "some")
STARTS = ("ground", "thermal", "excited", "bits", "mixed", "pure")

seeds = st.integers(0, 2**32 - 1)


def random_bath(rng: np.random.Generator, kind: str, coupling: qb.Coupling) -> qb.CollectiveBath:
    """A bath of this kind, its rate between .3 and 1.5, its occupation between .05 and 2."""
    rate, n = rng.uniform(0.3, 1.5), rng.uniform(0.05, 2)
    if kind == "pump":
        down = rng.uniform(0.1, 0.5)
        return qb.CollectiveBath.from_rates(down, down + rate, coupling=coupling)
    if kind in ("cold", "none"):
        return qb.CollectiveBath(rate if kind == "cold" else 0.0, 0.0, coupling=coupling)
    share = {"thermal": 0.0, "squeezed": rng.uniform(0.1, 0.9), "coherent": 1.0 - 1e-15}[kind]
    m = share * np.sqrt(n * (n + 1)) * np.exp(1j * rng.uniform(0, 2 * np.pi))
    return qb.CollectiveBath(rate, n, complex(m), coupling)


def random_coupling(rng: np.random.Generator, kind: str, n_cells: int) -> qb.Coupling:
    """A coupling of this kind for N cells."""
    if kind == "partial":
        return qb.Coupling(correlation=float(rng.uniform(-1 / max(1, n_cells - 1), 1)))
    if kind == "matrix":
        rows = rng.normal(size=(n_cells, n_cells + 1))
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        matrix = rows @ rows.T
        np.fill_diagonal(matrix, 1.0)
        return qb.Coupling(correlation=(matrix + matrix.T) / 2)
    if kind == "positions":
        return qb.Coupling(positions=tuple(rng.uniform(0, 1, n_cells)))
    if kind == "scaled":
        return qb.Coupling(amplitudes=(float(rng.uniform(0.5, 1.5)),) * n_cells)
    if kind == "amplitudes":
        return qb.Coupling(amplitudes=tuple(rng.uniform(-1.5, 1.5, n_cells)))
    return qb.Coupling()


def random_noise(rng: np.random.Generator, kind: str, n_cells: int) -> tuple[qb.LocalNoise, ...]:
    """Local noise of N cells: gamma, n_l and gamma_phi between 0 and .6."""
    cells = [qb.LocalNoise(*rng.uniform(0.02, 0.6, 3)) for _ in range(n_cells)]
    if kind == "quiet":
        cells = [qb.LocalNoise()] * n_cells
    elif kind == "alike":
        cells = cells[:1] * n_cells
    elif kind == "dephasing":
        cells = [qb.LocalNoise(dephasing=float(rng.uniform(0.02, 0.6)))] * n_cells
    elif kind == "some":
        cells = [one if rng.random() < 0.5 else qb.LocalNoise() for one in cells]
    return tuple(cells)


def random_state(rng: np.random.Generator, dimension: int, rank: int) -> NDArray[np.complex128]:
    """A density matrix of this rank."""
    g = rng.normal(size=(2, dimension, rank))
    factor = g[0] + 1j * g[1]
    rho = factor @ factor.conj().T
    return np.asarray(rho / np.trace(rho).real)


def random_start(rng: np.random.Generator, kind: str, battery: qb.Battery) -> Any:
    """A start of this kind."""
    n = battery.n_cells
    if kind == "excited":
        return "1" * n
    if kind == "bits":
        return "".join(rng.choice(["0", "1"], n))
    if kind in ("mixed", "pure"):
        return random_state(rng, battery.dimension, battery.dimension if kind == "mixed" else 1)
    return kind


@st.composite
def batteries(
    draw: st.DrawFn,
    baths: tuple[str, ...] = BATHS,
    couplings: tuple[str, ...] = COUPLINGS,
    noises: tuple[str, ...] = NOISES,
    detuned: bool | None = None,
    max_cells: int = 3,
    min_cells: int = 1,
) -> qb.Battery:
    """A battery of two-level cells; detunings and energies differ where ``detuned``."""
    bath_kind = draw(st.sampled_from(baths))
    smooth = tuple(kind for kind in couplings if kind != "positions")
    coupling_kind = draw(
        st.sampled_from(smooth if bath_kind in ("squeezed", "coherent") else couplings)
    )
    noise_kind = draw(st.sampled_from(noises))
    different = draw(st.booleans()) if detuned is None else detuned
    n = draw(st.integers(min_cells, max_cells))
    rng = np.random.default_rng(draw(seeds))
    bath = random_bath(rng, bath_kind, random_coupling(rng, coupling_kind, n))
    detunings, energies = rng.normal(0, 0.4, n), rng.uniform(0.6, 1.6, n)
    if not different:
        detunings, energies = np.full(n, detunings[0]), np.full(n, energies[0])
    noise = random_noise(rng, noise_kind, n)
    return qb.Battery(bath, noise, tuple(detunings), tuple(energies))


@st.composite
def transmons(draw: st.DrawFn) -> qb.Battery:
    """One or two cells of three or four levels on broadband or narrow noise."""
    n, d = draw(st.integers(1, 2)), draw(st.integers(3, 4))
    narrow = draw(st.booleans())
    rng = np.random.default_rng(draw(seeds))
    levels = TransmonLevels(d, 100.0, -float(rng.uniform(2, 8)), 0.1 if narrow else None)
    bath = random_bath(rng, draw(st.sampled_from(["thermal", "cold"])), qb.Coupling())
    noise = random_noise(rng, draw(st.sampled_from(NOISES)), n)
    return qb.Battery(bath, noise, tuple(rng.normal(0, 0.4, n)), (1.0,) * n, transmon=levels)


@st.composite
def with_extra_jumps(draw: st.DrawFn) -> qb.Battery:
    """Two cells with a dissipator of one's own beside the bath: correlated decay or dephasing."""
    base = draw(batteries(couplings=("one mode",), min_cells=2))
    n, rate = base.n_cells, draw(st.floats(0.05, 0.5))
    operator = draw(st.sampled_from([{"n" * n: 1.0}, {"-" * n: 1.0}, {"-" + "Z" * (n - 1): 0.7}]))
    return qb.Battery(
        base.bath, base.noise, base.detunings, base.energies, extra_jumps=((rate, operator),)
    )


#: Every kind of model.
models = st.one_of(batteries(), batteries(), batteries(), transmons(), with_extra_jumps())


@st.composite
def models_with_start(draw: st.DrawFn, of: st.SearchStrategy[qb.Battery] = models) -> Any:
    """(battery, start) of every kind."""
    battery = draw(of)
    start = draw(st.sampled_from(STARTS))
    return battery, random_start(np.random.default_rng(draw(seeds)), start, battery)
