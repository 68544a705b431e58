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
# # 6. Comparing noise models
#
# *2 minutes. Previous: 5. Planning an experiment. Next: 7. A thousand cells, and a sweep on a
# cluster.*
#
# You learn what each kind of noise costs a battery, before there are data; then which battery the
# counts at several charging times come from, what they cannot tell, and which reading of "a common
# environment" they prefer. `docs/comparing.md` has the method.

# %%
import numpy as np
from IPython.display import Markdown

import qbat_circuits as qb
from qbat_circuits.show.comparison import ladder_rows
from qbat_circuits.show.fit import parameter_rows, reading_rows

# %matplotlib inline


def shown(columns, rows):
    """A table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return Markdown("\n".join("| " + " | ".join(line) + " |" for line in lines))


# %% [markdown]
# ## A ladder of noise models
#
# Two qubits of a real chip on a common line that it does not have. Each rung keeps the noise of the
# one before it and adds one effect. The chip's own way to the same end is a circuit of collisions
# (notebook 4), in the last bar.

# %%
wish = qb.Experiment(
    chip={
        "calibration": "brisbane",
        "qubits": "auto",
        "tune_to_resonance": True,
        "residual_population": 0.01,
    },
    battery={"n_cells": 2},
    bath={"rate": 6.3e6, "occupation": 1.0},
    charging={"times": {"stop": 1e-5, "num": 501}},
)
ladder = qb.compare(wish)
shown(*ladder_rows(ladder))

# %%
print("\n".join(ladder.notes))
assert ladder.hypothetical
qb.plot_comparison(ladder).figure

# %% [markdown]
# ## Counts at several times
#
# An emulated laboratory: two cells with noise of their own, nine Pauli settings of 4000 shots at
# five times, readout errors that were calibrated with 2000 shots a level.

# %%
truth = {"kappa": 1.0, "n": 1.0, "gamma": 0.4, "n_l": 0.3, "gamma_phi": 0.3}
times = [0.3, 1.0, 3.0, 10.0, 30.0]
readout = qb.ReadoutModel.from_error_rates([0.015, 0.02], [0.03, 0.025], calibration_shots=2000)
battery = qb.Battery.identical(2, qb.CollectiveBath(1.0, 1.0), qb.LocalNoise(0.4, 0.3, 0.3))
states = qb.charge(battery, times).states
counts = [qb.sample_counts(rho, readout, 4000, seed=k) for k, rho in enumerate(states)]

fit = qb.fit_counts(times, counts, confidence=0.99)
print(f"deviance {fit.deviance:.1f} of {fit.degrees_of_freedom}, p = {fit.deviance_p_value:.2f}")
shown(*parameter_rows(fit))

# %%
for name, true in truth.items():
    one = fit.parameters[name]
    assert one.low <= true <= (np.inf if one.high is None else one.high), name
print("\n".join(fit.unidentified) or "Every parameter is determined.")

# %% [markdown]
# The fitted battery is a battery: its energy and work at any time follow.

# %%
fitted, true = (qb.charge(one, np.linspace(0.0, 2.0, 41)) for one in (fit.battery(), battery))
print(f"stored at t = 2: {fitted.energy[-1]:.4f}, true {true.energy[-1]:.4f}")
print(f"most work on the way: {fitted.ergotropy.max():.4f}, true {true.ergotropy.max():.4f}")
assert abs(fitted.energy[-1] - true.energy[-1]) < 0.02

# %% [markdown]
# ## What cannot be told apart
#
# A bath that is only partly common, c < 1, is a common bath and one of each cell's own. So with
# free local noise five parameters make four rates, and no data of any size determine c.

# %%
more = qb.fit_counts(
    times, counts, ["kappa", "n", "gamma", "n_l", "c"], {"gamma_phi": 0.3}, intervals=False
)
print("\n".join(more.unidentified))
assert any(" c " in f" {sentence}" for sentence in more.unidentified)
assert more.parameters["c"].standard_error is None

# %% [markdown]
# ## Which bath was it?
#
# A thermal bath beside local noise of its own temperature, one squeezed jump, one temperature
# everywhere, or an inverted pump: four fits of the same counts.

# %%
table = qb.compare_readings(times, counts)
assert table.best.reading in (qb.Reading.THERMAL, qb.Reading.SAME_TEMPERATURE)
print(f"p-value of n_l = n: {table.nested_p_value:.2g}")
shown(*reading_rows(table))
