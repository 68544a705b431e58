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
# # 5. Planning an experiment
#
# *2 minutes. Previous: 4. A collision battery on a chip. Next: 6. Comparing noise models.*
#
# You learn which cells, how long, which scheme, how many shots, and whether it is worth the time on
# the chip. A plan answers with a GO or a NO-GO, says how likely the goal is reached when the chip's
# figures are not what the calibration says, and how far each of them may go. `docs/planning.md` has
# the method.

# %%
import numpy as np
from matplotlib.figure import Figure

import qbat_circuits as qb

# %matplotlib inline

# %% [markdown]
# ## A chip that has the line
#
# Four tunable transmons on one waveguide, heated to one photon. Which three of them, and when?

# %%
waveguide = qb.Experiment(
    chip={"calibration": "waveguide4", "qubits": "auto", "tune_to_resonance": True},
    battery={"n_cells": 3},
    bath={"rate": 6.3e6, "occupation": 1.0},
    charging={"times": {"stop": 1e-6, "num": 2}},
)
made = qb.plan(waveguide, qb.Goal(sigmas=4))
best = made.precision
print("GO" if made.go else "NO-GO", "because", made.reason)
print(f"cells {made.qubits}, {1e6 * made.time_s:.2f} us of charging")
print(f"{best.scheme}: {best.circuits} circuits of {best.shots} shots, {made.wall_time_s:.1f} s")
assert made.go

# %% [markdown]
# How far may each figure go before these shots no longer tell the work from zero?

# %%
for margin in made.margins:
    limit = "never" if margin.limit is None else f"{margin.limit:.3g} {margin.unit}"
    print(f"{margin.name:25} {margin.now:8.3g} -> {limit}")

# %% [markdown]
# The work follows the occupation of the bath and little else here: a percent more of it is about a
# percent more work. A battery that charges from heat wants the heat.

# %%
print({name: round(value, 3) for name, value in made.elasticities.items()})
print("improve first:", made.improve_first)

# %% [markdown]
# ## Shots buy precision
#
# The expected interval at a few numbers of shots, from emulated data sets, for two schemes.

# %%
state = qb.collision_states(3, 1.0, 0.5, 25)[-1]
readout = qb.ReadoutModel.from_error_rates([0.01] * 3, [0.02] * 3)
axes = Figure(figsize=(6.5, 3.8), layout="constrained").subplots()
for scheme, marker in (("pauli", "o-"), ("dicke", "s--")):
    found = [
        qb.expected_precision(scheme, state, readout, shots, qb.Goal(None, 0.01), runs=8)
        for shots in (300, 1000, 3000, 10_000)
    ]
    totals = [one.total_shots for one in found]
    axes.loglog(totals, [one.half_width for one in found], marker, label=scheme)
axes.set(xlabel="shots of all circuits", ylabel=r"half of the 95 % interval ($\hbar\omega$)")
axes.legend(frameon=False)
axes.figure

# %% [markdown]
# ## A chip that has no line
#
# A fixed-frequency chip is never a GO for a common bath, however good its numbers look (notebook
# 8). It can run the collision circuit instead, and that can be planned too.

# %%
circuit = qb.Experiment(
    chip={"calibration": "brisbane", "qubits": "auto", "tune_to_resonance": False},
    battery={"n_cells": 2},
    bath={"occupation": 1.0},
    charging={"mode": "collision"},
)
yes = qb.plan(circuit)
print("GO:" if yes.go else "NO-GO:", yes.reason)
print(f"{yes.statement}; cells on qubits {yes.qubits}")
assert yes.go
assert np.isclose(yes.ergotropy, 0.1010, atol=2e-3)
