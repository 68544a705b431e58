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
# # 7. A thousand cells, and a sweep on a cluster
#
# *4 minutes. Previous: 6. Comparing noise models. Next: 8. A chip from its calibration to a
# publishable number.*
#
# You learn to compute a thousand cells, and maps over parameters. Identical cells on one bath need
# no $4^N$ numbers: the populations of total spin are enough, about $N^2/4$ of them, and a thousand
# cells are a matter of seconds. That makes maps of parameters cheap, and where they are not, a
# store that survives interruptions and a cluster carry them.
# `docs/symmetric-engine.md` and `docs/sweep.md` have the methods.

# %%
import tempfile
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import qbat_circuits as qb

# %matplotlib inline

# %% [markdown]
# ## How the work grows with the number of cells
#
# From the ground state the bath alone never leaves the ladder $j = N/2$, whose $N + 1$ levels it
# fills as a thermal ladder: $p_m \propto (n/(n+1))^m$. Filling the $2^N$ levels of the battery from
# the bottom with the same populations gives the passive energy.

# %%
bath = qb.CollectiveBath(rate=1.0, occupation=2.0)
for n_cells in (2, 10, 100, 1000):
    steady = qb.steady_state(qb.Battery.identical(n_cells, bath))
    print(
        f"N = {n_cells:4}: E = {steady.energy:8.5f}, W = {steady.ergotropy:7.5f}, {steady.engine}"
    )

r = 2 / 3
ladder = (1 - r) * r ** np.arange(200)  # N = 1000 is an infinite ladder here
assert abs(steady.energy - np.sum(ladder * np.arange(200))) < 1e-9
# The largest population stays in the ground state, the next thousand fit into the first excited
# level: one quantum each.
assert abs(steady.ergotropy - 2.0**2 / 3) < 1e-9

# %% [markdown]
# So $W = n - n/(n+1) = n^2/(n+1)$ for many cells. It does not grow with $N$: a ladder of bosons
# holds $n$ quanta however many cells carry them. More cells want a hotter bath.
#
# ## What local noise leaves
#
# Cells with warm surroundings of their own leave the ladder. Below, two hundred cells exchange
# energy with baths of half a quantum, each at three times the collective rate: all together emit
# about $N$ times faster, so they still charge first, and the weight spreads over the other ladders
# later.

# %%
battery = qb.Battery.identical(200, bath, qb.LocalNoise(rate=3.0, occupation=0.5))
curve = qb.charge(battery, np.concatenate([[0.0], np.geomspace(1e-4, 3, 60)]))
steady = qb.steady_state(battery)
peak = curve.plateau()
print(f"W peaks at {peak.peak_ergotropy:.4f} and is {steady.ergotropy:.4f} for ever")
assert abs(curve.ergotropy[-1] - steady.ergotropy) < 1e-3 < peak.peak_ergotropy - steady.ergotropy
axes = Figure(figsize=(7, 3.6), layout="constrained").subplots()
axes.semilogx(curve.times[1:], curve.ergotropy[1:], color="#D55E00", label="$W$")
axes.axhline(steady.ergotropy, color="#999999", ls="--", label="$W$ for ever")
axes.set_xlabel("time (1/rate)")
axes.set_ylabel(r"energy ($\hbar\bar\omega$)")
axes.legend(frameon=False)
axes.figure

# %% [markdown]
# Both time scales matter when a number is quoted: an experiment sees the plateau, and the dashed
# line is what the noise leaves in the end.
#
# ## A map
#
# Any field of an experiment can be an axis. Here the occupations of the common bath and of the
# local ones, for a hundred cells, with every point computed by the cheapest exact engine.

# %%
experiment = qb.Experiment(
    battery={"n_cells": 100},
    bath={"rate": 1.0, "occupation": 1.0},
    noise={"rate": 1.0, "occupation": 0.0},
    charging={"times": {"stop": 0.5, "num": 40}},
)
axes = {
    "n": {"field": "bath.occupation", "start": 0.5, "stop": 5.0, "num": 10},
    "n_l": {"field": "noise.occupation", "start": 0.0, "stop": 4.0, "num": 9},
}
folder = Path(tempfile.mkdtemp())
here = qb.sweep(experiment, axes, folder / "here.sqlite")
assert (here.state == 1).all()
assert np.allclose(here.steady_ergotropy.sel(n=2.0, n_l=2.0), 0.0, atol=1e-9)

# %%
figure = Figure(figsize=(10, 3.8), layout="constrained")
left, right = figure.subplots(1, 2)
qb.plot_sweep(here, "ergotropy", left)
qb.plot_sweep(here, "steady_ergotropy", right)
figure

# %% [markdown]
# On the left the peak, on the right what is left for ever: nothing where the local baths are as
# hot as the common one, and that is a theorem (`docs/physics.md`). Bottom right the roles are
# exchanged: local baths heat, the common one cools, and their difference does work again.
#
# ## The same on a cluster
#
# The points go to any Dask cluster; one on this machine serves as well as one of SLURM
# (`docs/sweep.md` has a script). It needs the extra: `pip install 'qbat-circuits[cluster]'`. Only
# this process writes to the store, so workers may come, go and die.

# %%
from distributed import Client, LocalCluster

with (
    LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
    Client(cluster) as client,
):
    there = qb.sweep(experiment, axes, folder / "there.sqlite", client=client)
assert there.equals(here)  # to the last bit

# %% [markdown]
# A store remembers every point under a hash of all that decides its answer. A second run finds them
# and computes nothing, and so does a run after a crash; what is stored so far can be read at any
# time, also while it runs.

# %%
again = qb.sweep(experiment, axes, folder / "there.sqlite")
assert again.equals(here)
found = qb.load_result(folder / "there.sqlite")
print(found.content["statement"])
print(sorted(found.arrays.data_vars))

# %% [markdown]
# From a shell: `qbat sweep map.toml --out map --workers 2`, then `qbat show map --figure map.svg`.
