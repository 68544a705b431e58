# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 3. What the abstract claims
#
# *9 minutes. Previous: 2. From laboratory counts to a published number. Next: 4. A collision
# battery on a chip.*
#
# You learn what holds of each claim in the abstract of
# [arXiv:2510.06384](https://arxiv.org/abs/2510.06384), for which reading, with which number. Only
# the abstract is at hand. Where its words can be read in several ways ("a convex mixture of
# collective and local dissipation"), the package offers every reading and **claims of none that it
# is the paper's**. The table at the end collects everything.
#
# Energies are in quanta $\hbar\omega$ of one cell. $W$ is the ergotropy, $n$ the occupation of the
# common bath, $n_l$ that of the cells' own baths, $\kappa$ and $\gamma$ their rates, $\lambda$ the
# collective share of a total rate $\Gamma = 1$ (docs/physics.md, sections 2 to 4).

# %%
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown
from scipy.optimize import minimize_scalar

import qbat_circuits as qb
from qbat_circuits.quantities import dense
from qbat_circuits.quantities.curves import charging_time
from qbat_circuits.quantities.symmetric import optimum_readings_jm, sector_weights_jm

# %matplotlib inline
plt.rcParams["axes.titlesize"] = "medium"
plt.rcParams["figure.constrained_layout.use"] = True
plt.rcParams["legend.frameon"] = False
# Okabe-Ito: told apart by colour-blind readers, and by line style and marker in grey.
BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
WORK = r"steady ergotropy ($\hbar\omega$)"
STYLES = [(BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, "-.", "^"), (PINK, ":", "D")]


def common(n_cells, n):
    """Only the common bath."""
    return qb.Battery.identical(n_cells, qb.CollectiveBath(1.0, n))


def lasting(n_cells, n, share=0.5, n_local=0.0):
    """Steady state of a mixture of generators."""
    return qb.steady_state(qb.Battery.mixture(n_cells, 1.0, n, share, n_local))


# %% [markdown]
# ## 1, 2. Work from one thermal bath, because emission and absorption interfere
# Three cells, one photon. On one common bath they end with $W = 4/15$; on three separate baths of
# the same temperature with nothing. No control acts in either case. The right panel shows why, for
# two cells: the singlet $|S\rangle$ is dark for the common bath, because the two cells' amplitudes
# cancel in emission as well as in absorption, so it stays empty. With $|11\rangle$ above an empty
# state of lower energy, the state is not passive.

# %%
times = np.linspace(0.0, 4.0, 201)
together = qb.charge(common(3, 1.0), times)
apart_bath = qb.CollectiveBath(1.0, 1.0, coupling=qb.Coupling(correlation=0.0))
apart = qb.charge(qb.Battery.identical(3, apart_bath), times)
assert abs(qb.steady_state(common(3, 1.0)).ergotropy - 4 / 15) < 1e-12
assert apart.ergotropy.max() < 1e-12

triplet, singlet = np.array([[0, 1, 1, 0], [0, 1, -1, 0]]) / np.sqrt(2)
states = [np.eye(4)[0], triplet, singlet, np.eye(4)[3]]
pair = {
    "one bath": qb.steady_state(common(2, 1.0)).state,
    "two baths": lasting(2, 1.0, 0.0, 1.0).state,
}
weights = {name: [(v @ rho @ v).real for v in states] for name, rho in pair.items()}
assert np.allclose(weights["one bath"], [4 / 7, 2 / 7, 0, 1 / 7])

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
qb.plot_curve(together, left, time_label=r"time ($1/\kappa$)")
left.plot(times, apart.ergotropy, color="black", ls=":", label="$W$, separate baths")
left.legend(loc="center right")
left.set_title("N = 3, n = 1")
for shift, (name, bars), colour in zip((-0.2, 0.2), weights.items(), (ORANGE, BLUE), strict=True):
    hatch = "" if name == "one bath" else "//"
    right.bar(
        np.arange(4) + shift, bars, 0.38, color=colour, hatch=hatch, edgecolor="w", label=name
    )
right.set_xticks(range(4), [r"$|00\rangle$", r"$|T\rangle$", r"$|S\rangle$", r"$|11\rangle$"])
right.set(ylabel="steady population", title="N = 2, n = 1")
right.legend()
plt.show()

# %% [markdown]
# Two remarks. The work sits in correlations: gates on single cells extract none of it. And
# "capacity" must mean ergotropy here: the battery capacity $W + A$ of arXiv:2302.09905 depends on
# the spectrum only, is largest for pure states such as the ground state, and falls while heat
# comes in.

# %%
charged = together.states[-1]
print(f"local ergotropy {dense.local_ergotropy(charged):.1e} of {qb.ergotropy(charged):.4f}")
print(f"capacity W + A: {dense.capacity(together.states[0]):.3f} at the start, ", end="")
print(f"{dense.capacity(charged):.3f} charged, {dense.capacity(apart.states[-1]):.3f} separate")
assert dense.local_ergotropy(charged) < 1e-12

# %% [markdown]
# The steady state remembers its start (notebook 1). A "steady regime" needs one: here the ground
# state.

# %%
for start, expected in {"00": 1 / 13, "01": 2 / 13, "11": 1 / 13}.items():
    assert abs(qb.steady_state(common(2, 0.5), start).ergotropy - expected) < 1e-12

# %% [markdown]
# ## 3. Closed forms of the steady state
# From the ground state the populations of the Dicke ladder are $p_k \propto r^k$, $r = n/(n+1)$,
# and $W = \sum_{k\ge2}(k-1)p_k$; for $N \to \infty$ that is $n^2/(n+1)$, for $n \to \infty$
# $N(N-1)/(2(N+1))$. Against the integrated master equation:

# %%
for n_cells, n in ((2, 0.3), (4, 1.0), (8, 1.0), (8, 30.0)):
    k = np.arange(n_cells + 1)
    p = (n / (n + 1)) ** k / ((n / (n + 1)) ** k).sum()
    formula = ((k - 1) * p)[2:].sum()
    late = qb.charge(common(n_cells, n), [40.0]).ergotropy[0]
    print(f"N = {n_cells}, n = {n:4}: formula {formula:.9f}, dynamics {late:.9f}")
    assert abs(formula - late) < 1e-8
assert abs(qb.steady_state(common(10**5, 1.0)).ergotropy - 1 / 2) < 1e-9

# %% [markdown]
# ## 4. Scaling with N, and three "many-body optima"
# $W/E$ (all stored energy is work), $W/(E - E_\mathrm{Gibbs}(S))$ (one copy yields what many
# copies yield), and $W/N$ (at most 1/2 from a hot common bath). Up to 1000 cells: on the common
# bath alone at one temperature and at the hottest, and beside cold local noise of the same rate
# ($\lambda = 1/2$) at the temperature that is best for $W$, about $n = N/5$ for many cells.


# %%
def readings(battery):
    populations = qb.SymmetricModel.from_battery(battery).steady_populations()
    return optimum_readings_jm(battery.n_cells, populations)


def best_temperature(n_cells):
    """n and W at the largest lasting work beside cold local noise, lambda = 1/2."""
    guess = np.log(n_cells / 5 + 1)
    found = minimize_scalar(
        lambda x: -lasting(n_cells, np.exp(x)).ergotropy,
        bounds=(guess - 0.3, guess + 0.3),
        method="bounded",
        options={"xatol": 1e-3},
    )
    return float(np.exp(found.x)), -float(found.fun)


hottest = qb.CollectiveBath.from_rates(1.0, 1.0)
sizes = [2, 3, 4, 6, 10, 20, 50, 100, 300, 1000]
mixed_sizes = [3, 4, 6, 10, 20, 50, 100, 300]
panels = {
    "n = 1": (sizes, [readings(common(n, 1.0)) for n in sizes]),
    r"$n \to \infty$": (sizes, [readings(qb.Battery.identical(n, hottest)) for n in sizes]),
    r"cold local noise, $\lambda = 1/2$, best n": (
        mixed_sizes,
        [readings(qb.Battery.mixture(n, 1.0, best_temperature(n)[0], 0.5)) for n in mixed_sizes],
    ),
}
names = {"efficiency": "$W/E$", "many_copy": r"$W/(E - E_\mathrm{Gibbs})$", "per_cell": "$W/N$"}
figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), sharey=True)
for ax, (title, (n_cells, found)) in zip(axes, panels.items(), strict=True):
    for (field, label), (colour, line, marker) in zip(names.items(), STYLES, strict=False):
        values = [getattr(one, field) for one in found]
        ax.plot(n_cells, values, color=colour, ls=line, marker=marker, ms=4, label=label)
    ax.set(xscale="log", xlabel="number of cells N", title=title, ylim=(0, 1.03))
    ax.grid(alpha=0.3)
axes[0].set_ylabel("share; quanta per cell")
axes[0].legend(fontsize="small", loc="upper right")
plt.show()

cool, hot, mixed = (found[-1] for _, found in panels.values())
assert abs(cool.efficiency - 1 / 2) < 1e-3
assert cool.per_cell < 1e-3
assert abs(hot.efficiency - (1 - 2 / 1001)) < 1e-6
assert hot.many_copy > 0.998
assert abs(hot.per_cell - 999 / 2002) < 1e-6

# %% [markdown]
# At a fixed temperature $W$ grows with $N$ but saturates at $n^2/(n+1)$. Per cell it is largest at
# N = 3 (n = 1) and then falls, and $W/E \to n/(n+1)$. So the first two readings come close to 1
# where $n \gg 1$ and $N \gg 1$, and $W/N$ comes close to 1/2 only where $n \gg N \gg 1$. What does
# improve with $N$ at a fixed temperature is the speed, as in superradiance, and the resistance to
# cold local noise: at n = 1, $\lambda = 1/2$ the steady work of 1000 cells is within 0.2 % of the
# noiseless one, while a pair keeps nothing.

# %%
for n_cells in (2, 8, 32, 128):
    grid = np.linspace(0.0, 8.0 / n_cells, 401)
    curve = qb.charge(common(n_cells, 1.0), grid)
    t90 = charging_time(grid, curve.ergotropy)
    print(f"N = {n_cells:3}: W = {curve.ergotropy[-1]:.4f}, 90 % of it after {t90:.4f}/kappa")
kept = {}
for n_cells in (2, 3, 10, 100, 1000):
    noiseless = qb.steady_state(common(n_cells, 1.0)).ergotropy
    kept[n_cells] = lasting(n_cells, 1.0).ergotropy / noiseless
print("share that cold noise leaves:", {n: round(share, 4) for n, share in kept.items()})
assert kept[2] < 1e-12
assert kept[1000] > 0.998

# %% [markdown]
# ## 5, 7. Robustness: every reading of "a convex mixture of collective and local dissipation"
# *Mixture of generators with cold local baths* ($n_l = 0$): from three cells on the steady work
# survives at every $\lambda > 0$, with no threshold; in a hot bath it is even largest below
# $\lambda = 1/2$. *Mixture at one temperature* ($n_l = n$): theorem T1, the only steady state is
# Gibbs for every $\lambda < 1$. That is the same generator as a *correlation* $c = \lambda$
# between the cells.

# %%
shares = np.concatenate([np.geomspace(0.005, 0.2, 15), np.linspace(0.25, 0.95, 15), [0.995]])
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
cases = [(2, 1.7), (3, 1.7), (6, 1.7), (6, 5.0)]
for (n_cells, n), (colour, line, _) in zip(cases, STYLES, strict=True):
    works = [lasting(n_cells, n, share).ergotropy for share in shares]
    left.plot(shares, works, color=colour, ls=line, label=f"N = {n_cells}, n = {n}")
    if n_cells > 2:
        assert min(works) > 0
left.set(
    xlabel=r"collective share $\lambda$", ylabel=WORK, ylim=(-0.01, 0.42), title="cold local baths"
)
left.legend(fontsize="small", loc="upper right", ncols=2)

grid = np.geomspace(0.05, 3000.0, 300)
windows = {}
for (name, n_local), (colour, line, _) in zip(
    {"$n_l = 0$": 0.0, "$n_l = n$": 1.0}.items(), STYLES, strict=False
):
    curve = qb.charge(qb.Battery.mixture(3, 1.0, 1.0, 0.999, n_local), grid)
    windows[n_local] = curve.plateau()
    right.plot(grid, curve.ergotropy, color=colour, ls=line, label=name)
right.set(
    xscale="log",
    xlabel=r"time ($1/\Gamma$)",
    ylabel=r"ergotropy ($\hbar\omega$)",
    title=r"N = 3, n = 1, $\lambda = 0.999$: the plateau",
)
right.legend()
plt.show()

for n_local, window in windows.items():
    end = 1e-3 * window.stop
    print(f"n_l = {n_local}: W >= 90 % of {window.peak_ergotropy:.4f} until {end:.3f}/gamma")
assert abs(1e-3 * windows[0.0].stop - 0.12) < 0.005
assert abs(1e-3 * windows[1.0].stop - 0.017) < 0.001
assert max(lasting(3, 1.0, x, 1.0).ergotropy for x in (0.1, 0.5, 0.9, 0.999)) < 1e-12
one = qb.Battery.mixture(3, 1.0, 1.0, 0.8, local_occupation=1.0)
correlated = qb.CollectiveBath(1.0, 1.0, coupling=qb.Coupling(correlation=0.8))
two = qb.Battery.identical(3, correlated)
assert abs(one.liouvillian() - two.liouvillian()).max() < 1e-12

# %% [markdown]
# How cold must the local baths be? With N = 3 they may hold a tenth of a photon, with more cells
# more.

# %%
limit = {}
for n_cells in (3, 6):
    n_local = np.linspace(0, 2, 401)
    works = np.array([lasting(n_cells, 1.7, 0.5, x).ergotropy for x in n_local])
    limit[n_cells] = n_local[np.argmax(works < 1e-9)]
    print(f"N = {n_cells}, n = 1.7, lambda = 1/2: work is left up to n_l = {limit[n_cells]:.2f}")

# %% [markdown]
# *Cells along a waveguide* are partly correlated by their distance. At one temperature they end in
# Gibbs too, except a whole number of half wavelengths apart; how long the plateau lasts says how
# close to it they have to be.

# %%
guide = {}
for distance in (0.0, 0.01, 0.02, 0.05, 0.5):
    bath = qb.CollectiveBath(1.0, 1.0, coupling=qb.Coupling(positions=(0.0, distance)))
    battery = qb.Battery.identical(2, bath)
    window = qb.charge(battery, np.geomspace(0.05, 100.0, 200)).plateau()
    guide[distance] = qb.steady_state(battery).ergotropy
    end = f"until {window.stop:.1f}/kappa" if window.stops_inside else "for ever"
    print(
        f"{distance:.2f} wavelengths: {window.peak_ergotropy:.4f} {end}, then {guide[distance]:.4f}"
    )
assert abs(guide[0.5] - 1 / 7) < 1e-9
assert guide[0.05] < 1e-9

# %% [markdown]
# *One squeezed jump* and *an inverted pump* in the place of the thermal bath are no heat baths:
# they hold work themselves, the theorems do not apply, and even two cells keep some beside local
# noise.
#
# *A mixture of maps* is no setting of the package, but its steady state is a sum of two that are:
# each run meets, with probability $\lambda$, the common bath and otherwise the local ones. At one
# temperature it has a threshold, $\lambda = 7/16$ for N = 2, n = 1: the collective channel must be
# comparable to the local one.

# %%
m = np.sqrt(0.8 * 1.8)  # the bound |M|^2 = n (n + 1) at n = 0.8
local = qb.LocalNoise(0.5, 0.8)
squeezed = qb.steady_state(qb.Battery.identical(2, qb.CollectiveBath(0.5, 0.8, m), local))
pump = qb.Battery.identical(2, qb.CollectiveBath.from_rates(0.5, 1.5), qb.LocalNoise(0.5))
pumped = qb.steady_state(pump)
print(f"N = 2, lambda = 1/2: squeezed {squeezed.ergotropy:.4f}, pumped {pumped.ergotropy:.4f}")
assert abs(squeezed.ergotropy - 0.0115) < 1e-4
assert abs(pumped.ergotropy - 0.3158) < 1e-4

charged, gibbs = pair["one bath"], pair["two baths"]
maps = {x: qb.ergotropy(x * charged + (1 - x) * gibbs) for x in (0.3, 7 / 16, 0.5, 0.8)}
print("mixture of maps:", {round(x, 4): round(w, 4) for x, w in maps.items()})
assert maps[7 / 16] < 1e-12
assert abs(maps[0.5] - (1 / 14 - 1 / 18)) < 1e-12

# %% [markdown]
# ## 6. A best temperature that is finite
# Beside cold local noise the steady work falls to zero for a cold bath ($n^2(N-2)/N$ at
# $\lambda = 1/2$) and for a hot one, which leaves the completely mixed state ($1/(4n)$ for N = 3).
# On the common bath alone, and in the mixture of maps, hotter is always better.

# %%
occupations = np.geomspace(0.02, 200.0, 61)
figure, ax = plt.subplots(figsize=(6, 3.6))
best = {}
for n_cells, (colour, line, marker) in zip((3, 4, 6, 10), STYLES, strict=True):
    works = [lasting(n_cells, n).ergotropy for n in occupations]
    ax.plot(occupations, works, color=colour, ls=line, label=f"N = {n_cells}")
    best[n_cells] = best_temperature(n_cells)
    ax.plot(*best[n_cells], color=colour, marker=marker)
ax.plot(occupations, occupations**2 / 3, color="0.5", lw=0.8, label="N = 3: $n^2/3$, $1/(4n)$")
ax.plot(occupations, 0.25 / occupations, color="0.5", lw=0.8)
ax.set(xscale="log", yscale="log", ylim=(1e-4, 2))
ax.set(
    xlabel="occupation n of the common bath",
    ylabel=WORK,
    title=r"cold local baths, $\lambda = 1/2$",
)
ax.legend(fontsize="small")
plt.show()
print({n_cells: (round(n, 2), round(w, 6)) for n_cells, (n, w) in best.items()})
for n_cells in (2, 3):
    hotter = [
        qb.ergotropy(
            qb.steady_state(common(n_cells, n)).state / 2 + lasting(n_cells, n, 0.0, n).state / 2
        )
        for n in (1.0, 3.0, 10.0, 100.0)
    ]
    assert np.all(np.diff(hotter) > 0)
assert abs(best[3][0] - 1.70) < 0.01
assert abs(best[3][1] - 0.046656) < 1e-6
assert abs(best[4][1] - 0.106791) < 1e-6

# %% [markdown]
# Who pays? Two occupations are two heat baths: at the optimum of N = 3 heat flows through the
# battery from the common bath to the local ones, for ever (T7).

# %%
battery = qb.Battery.mixture(3, 1.0, best[3][0], 0.5)
currents = qb.heat_currents(battery, qb.steady_state(battery).state)
print(f"in from the common bath {currents.collective:.4f}, out {currents.local.sum():.4f}")
assert currents.collective > 0.4
assert abs(currents.total) < 1e-12

# %% [markdown]
# ## 8. Spin sectors: the generator is block-diagonal, until local noise tells cells apart
# On the populations $p(j, m)$ the common bath never changes $j$; a local emission tells which cell
# it was and moves weight between sectors. How much of it stays in the ladder $j = N/2$ is the
# balance that the abstract speaks of; at one temperature it is lost to the many copies of small
# spins.

# %%
deficit = np.concatenate([np.arange(min(k, 10 - k) + 1) for k in range(11)])  # N/2 - j of (j, m)
for share in (1.0, 0.5):
    model = qb.SymmetricModel.from_battery(qb.Battery.mixture(10, 1.0, 1.0, share))
    rates = model.generator().tocoo()
    crossing = rates.data[deficit[rates.row] != deficit[rates.col]]
    print(f"lambda = {share}: {np.count_nonzero(crossing)} rates between sectors")
    assert (len(crossing) == 0) == (share == 1.0)

ladder_only = qb.SymmetricModel(10, 2.0, 1.0).steady_populations()
bars = {
    "common bath alone": sector_weights_jm(10, ladder_only),
    r"$\lambda = 1/2$, $n_l = 0$": lasting(10, 1.0).sector_weights,
    r"$\lambda = 1/2$, $n_l = n$": lasting(10, 1.0, 0.5, 1.0).sector_weights,
}
figure, ax = plt.subplots(figsize=(6, 3.2))
for i, ((name, weight), hatch) in enumerate(zip(bars.items(), ("", "//", ".."), strict=True)):
    place = np.arange(6) + 0.27 * (i - 1)
    ax.bar(place, weight.values(), 0.25, color=STYLES[i][0], hatch=hatch, edgecolor="w", label=name)
ax.set_xticks(range(6), [f"{j:.0f}" for j in bars["common bath alone"]])
ax.set(xlabel="total spin j", ylabel="steady sector weight $P_j$", title="N = 10, n = 1")
ax.legend()
plt.show()
bright = {n: lasting(n, 1.0).sector_weights[n / 2] for n in (4, 10, 100, 1000)}
print("P(j = N/2) beside cold local noise:", {n: round(p, 3) for n, p in bright.items()})
assert bright[1000] > 0.99

# %% [markdown]
# ## 9. On a chip
# *Detuning* ends the plateau at a rate $\delta^2/\kappa$; lasting work needs $\delta$ below about
# $\sqrt{\kappa\gamma}$ (T5). *A fixed-frequency chip* has neighbours 100 MHz apart and no common
# bath. *Higher levels*: broadband noise leaks out of the lowest two, noise narrow against the
# anharmonicity does not.

# %%
deltas = np.geomspace(3e-3, 1.0, 61)
figure, ax = plt.subplots(figsize=(6, 3.2))
for gamma, (colour, line, _) in zip((0.1, 0.01, 0.001), STYLES, strict=False):
    works = [
        qb.steady_state(
            qb.Battery.identical(
                4,
                qb.CollectiveBath(1.0, 1.0),
                qb.LocalNoise(gamma),
                detunings=np.linspace(-d, d, 4).tolist(),
            )
        ).ergotropy
        for d in deltas
    ]
    ax.plot(deltas, works, color=colour, ls=line, label=rf"$\gamma = {gamma}\,\kappa$")
    ax.axvline(np.sqrt(gamma), color=colour, ls=line, lw=0.8)
ax.set(
    xscale="log",
    xlabel=r"half the spread of detunings, $\delta/\kappa$",
    ylabel=WORK,
    title=r"N = 4, n = 1, $n_l = 0$; thin lines at $\sqrt{\kappa\gamma}$",
)
ax.legend()
plt.show()

# %%
work = {}
for tuned in (False, True):
    device = qb.Device.from_calibration(
        qb.load_calibration("brisbane"),
        [0, 1, 2],
        tune_to_resonance=tuned,
        residual_population=0.01,
    )
    battery = qb.Battery.from_device(device, qb.CollectiveBath(6.3e6, 1.0))
    work[tuned] = qb.charge(battery, np.linspace(0, 2e-6, 401), "thermal").ergotropy.max()
    spread = np.ptp(battery.detunings) / (2 * np.pi * 1e6)
    print(f"{device.statement()}: spread {spread:.0f} MHz, largest W {work[tuned]:.4f}")
assert work[False] < 2e-3
assert work[True] > 0.2

# %%
outside = {}
for band, name in ((None, "broadband"), (1.0, "narrow")):
    transmon = qb.TransmonLevels(3, 5e5, -3e4, band)  # 5 GHz, -300 MHz, unit 2 pi 10 kHz
    battery = qb.Battery.identical(2, qb.CollectiveBath(1.0, 0.3), transmon=transmon)
    for row in qb.leakage(battery, (3, 6)):
        outside[name, row.levels] = row.outside
        print(f"{name}, n = 0.3, {row.levels} levels: {row.outside:.1%} outside, ", end="")
        print(f"W = {row.ergotropy:.4f}, read with two levels {row.two_level_ergotropy:.4f}")
assert abs(outside["broadband", 3] - 0.055) < 1e-3
assert outside["narrow", 6] < 1e-12

# %% [markdown]
# ## What cannot be had
# **T1**: one temperature everywhere ends in Gibbs. **T2**: two cells beside any thermal local
# noise keep nothing. **T4**: the limits do not commute. N = 4, n = 1, cold local noise:

# %%
for share in (0.9, 0.999, 1 - 1e-9, 1.0):
    print(f"lambda = {share}: steady W = {lasting(4, 1.0, share).ergotropy:.4f}")
close, noiseless = lasting(4, 1.0, 1 - 1e-9).ergotropy, lasting(4, 1.0, 1.0).ergotropy
assert abs(close - 0.1023) < 1e-4
assert abs(noiseless - 11 / 31) < 1e-12
pairs = [lasting(2, n, x, y).ergotropy for n in (0.3, 3) for x in (0.1, 0.9) for y in (0, 0.5, 9)]
assert max(pairs) < 1e-12

# %% [markdown]
# ## Claim by claim
# Sections and theorems (T) are those of docs/physics.md; "here" is this notebook.

# %%
capacities = [dense.capacity(together.states[i]) for i in (0, -1)]
weak = lasting(3, 1.7, 0.1).ergotropy
Markdown(f"""
| claim | reading | holds? | number | where |
|---|---|---|---|---|
| 1 work from one bath, no control | ergotropy, ground start | yes | 4/15 (N = 3, n = 1) | 3 |
| | capacity W + A | no | falls {capacities[0]:.0f} → {capacities[1]:.2f} | 8 |
| 2 interference, not passive | the dark singlet stays empty | yes | 1/7 against 0 (N = 2) | 3 |
| 2 a steady regime | from every start | no | 1/13 or 2/13 (N = 2, n = 1/2) | 3 |
| 3 closed forms | ladder in every spin sector | yes | dynamics agree to 1e-8 | 3 |
| 4 scaling with N | W at fixed n | until it saturates | n²/(n+1), 1/2 at n = 1 | 3 |
| | speed | yes | 90 % after {t90:.3f}/κ (N = 128) | here |
| | share that cold noise leaves | yes | 0 (N = 2) to {kept[1000]:.3f} (N = 1000) | here |
| 4 many-body optimum | W/E → 1 | n, N ≫ 1 | {hot.efficiency:.3f}; n = 1: 1/2 | 3, 8 |
| | W/(E − E_Gibbs) → 1 | n, N ≫ 1 | {hot.many_copy:.3f}; n = 1: {cool.many_copy:.2f} | 8 |
| | W/N → 1/2 | n ≫ N ≫ 1 | {hot.per_cell:.3f}; n = 1: {cool.per_cell:.4f} | 3, 8 |
| | beside cold noise, best n | W/(E − E_Gibbs) only | {mixed.many_copy:.3f} (N = 300) | here |
| 5 robust mixture | cold local baths | N ≥ 3 | {best[3][1]:.4f} (N = 3), 0 (N = 2) | T2, T3 |
| | local baths not quite cold | N ≥ 3 | up to n_l = {limit[3]:.2f} (N = 3) | here |
| | one temperature, c = λ | no | 0 for every λ < 1 | T1 |
| | plateau, cold | for a time | 0.12/γ (N = 3) | T4 |
| | plateau, one temperature | for a time | 0.017/γ | T4 |
| | cells along a waveguide | no | 0, but 1/7 at half wavelengths | T1 |
| | one squeezed jump | yes | {squeezed.ergotropy:.4f} (N = 2, λ = 1/2) | 2 |
| | inverted pump | yes | {pumped.ergotropy:.4f} (N = 2, λ = 1/2) | 3 |
| | mixture of maps, one temperature | from λ = 7/16 | {maps[0.5]:.4f} at λ = 1/2 | here |
| 6 finite best temperature | cold local baths | yes | n = {best[3][0]:.2f} (N = 3) | T3 |
| | common bath alone, maps | no | hotter is better | 3, here |
| 7 common ≥ local channel | cold local baths | yes, and below | {weak:.4f} at λ = 0.1 | T3 |
| | one temperature | no | 0 | T1 |
| 8 blocks of spin j | common bath alone | yes | no rate between sectors | 3 |
| | pumping against which-path | for many cells | P(N/2) = {bright[1000]:.3f} (N = 1000) | 4 |
| 9 circuit QED | tuned, on a hypothetical line | yes | {work[True]:.3f} (brisbane's T1, T2) | 9 |
| | fixed-frequency chip | no | {work[False]:.3f} | T5 |
| | broadband noise | leaks | {outside["broadband", 6]:.1%} (n = 0.3) | 2 |
| λ → 1 is the noiseless bath | steady state | no | {close:.4f} against 11/31 (N = 4) | T4 |
| uses in reset and error correction | our own | in part | for known starts | notebook 9 |
""")
