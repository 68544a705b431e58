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
# # 9. Uses: ancilla reset and stabilizer pumps
#
# *7 minutes. Previous: 8. A chip from its calibration to a publishable number.*
#
# You learn what else a common bath is good for, and what it costs in heat. The abstract of
# arXiv:2510.06384 names ancilla reset and stabilizer pumps as uses; how they are meant there is not
# known here. These are our own readings, in the model: HYPOTHETICAL, no chip has been asked.
#
# Units: energies in quanta $\hbar\omega$ of one cell, rates in units of the bath's, entropies in
# nats. A bath of occupation $n$ leaves a cell with the excited population $p = n/(2n+1)$, and
# $\hbar\omega/k_BT = \ln((n+1)/n) = \ln((1-p)/p)$.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import expm

import qbat_circuits as qb

# %matplotlib inline


def occupation(p):
    """Of the bath in which a cell has the excited population p."""
    return p / (1 - 2 * p)


def ladder_energy(n_cells, n):
    """Energy on the Dicke ladder, where the populations fall as r^k."""
    weights = (n / (n + 1)) ** np.arange(n_cells + 1)
    return np.arange(n_cells + 1) @ weights / weights.sum()


def entropy(rho):
    r = np.linalg.eigvalsh(rho)
    return -sum(x * np.log(x) for x in r if x > 1e-15)


# %% [markdown]
# ## Reset on a common line: faster, colder, and blind
#
# Four ancillas are reset by a cold environment that leaves 1 % excited. Each has a line of its
# own, or all share one. Left: every ancilla was excited. Emission is superradiant, and in the end
# the four hold together the one thermal photon share $n_c$ that a single ladder holds: $n_c/4$
# each. Right: nothing is known about the ancillas, which is what a reset is for. Now most of the
# weight sits in spin sectors with dark states, and two fifths of the heat stay for ever.

# %%
P_COLD = 0.01
n_cold = occupation(P_COLD)
N = 4
shared = qb.Battery.identical(N, qb.CollectiveBath(1.0, n_cold))
own = qb.Battery.identical(N, qb.CollectiveBath(0.0, 0.0), qb.LocalNoise(1.0, n_cold))
unknown = np.eye(2**N) / 2**N
times = np.linspace(0.0, 8.0, 161)
curves = {
    (name, battery): qb.charge(battery, times, start)
    for name, start in (("all excited", "1111"), ("unknown", unknown))
    for battery in (shared, own)
}

figure, axes = plt.subplots(1, 2, figsize=(8, 3), sharey=True, layout="constrained")
for ax, name in zip(axes, ("all excited", "unknown"), strict=True):
    ax.semilogy(times, curves[name, shared].energy / N, label="one common line")
    ax.semilogy(times, curves[name, own].energy / N, "--", label="a line each")
    ax.set(title=name, xlabel=r"time ($1/\kappa$)")
axes[0].set_ylabel("excited population")
axes[0].legend(frameon=False)
plt.show()

# %%
bright, dark = (curves[name, shared].energy[-1] / N for name in ("all excited", "unknown"))
weights = {2: 5 / 16, 1: 9 / 16, 0: 2 / 16}  # P_j of the mixed state of four cells
left = sum(p * (N / 2 - j + ladder_energy(2 * j, n_cold)) for j, p in weights.items())
print(f"excited in the end: {bright:.4f} (known start), {dark:.4f} (unknown), {P_COLD} (own line)")
assert np.isclose(bright, ladder_energy(N, n_cold) / N, atol=1e-6)
assert np.isclose(bright, n_cold / N, rtol=1e-6)
assert np.isclose(dark, left / N, atol=1e-3)
assert np.isclose(dark / 0.5, 0.4, atol=0.02)
assert 10 * curves["all excited", shared].energy[40] < curves["all excited", own].energy[40]
print(shared.audit()[0].sentence)

# %% [markdown]
# Detuning the ancillas from each other opens the dark states, but not for nothing: the decay rates
# of a single excitation add up to $N\kappa$, so what one state gains another loses, and the slowest
# is never faster than $\kappa$. For two ancillas a distance $\delta$ apart it is
# $\kappa - \sqrt{\kappa^2 - \delta^2}$, and exactly $\kappa$ beyond $\delta = \kappa$. **A common
# line is a fast reset for a known start and no reset for an unknown one.**

# %%
for delta in (0.0, 0.6, 1.0, 3.0):
    pair = qb.Battery.identical(2, qb.CollectiveBath(1.0, 0.0), detunings=[-delta / 2, delta / 2])
    amplitudes = -np.ones((2, 2)) / 2 - 0.5j * delta * np.diag([-1, 1])
    rates = -2 * np.linalg.eigvals(amplitudes).real
    left = qb.charge(pair, [3.0], "01").energy[0]
    print(f"delta = {delta}: slowest rate {rates.min():.3f}, excited after 3/kappa: {left:.3f}")
    assert np.isclose(rates.min(), 1 - np.sqrt(max(1 - delta**2, 0)), atol=1e-7)
    assert np.isclose(rates.sum(), 2)
    assert np.isclose(left, np.linalg.norm(expm(3 * amplitudes)[:, 0]) ** 2, atol=1e-8)

# %% [markdown]
# ## What a reset costs
#
# The heat $Q$ goes into the cold bath (first law: nothing else takes energy), and the second law
# asks for $Q/k_BT \ge -\Delta S$, of which $k_BT\ln 2$ per erased bit is Landauer's case. What is
# produced beyond it is, for thermal contact, exactly the relative entropy of the start to the end.
# `heat_currents` and `entropy_production` give the rates, whose integrals must agree.

# %%
beta = np.log(1 / n_cold + 1)
times = np.concatenate([np.linspace(0, 2, 160, endpoint=False), np.linspace(2, 20, 160)])
cost = {}
for name, battery in (("one common line", shared), ("a line each", own)):
    states = qb.charge(battery, times, unknown).states
    flow = [qb.heat_currents(battery, rho).total for rho in states]
    produced = [qb.entropy_production(battery, rho).total for rho in states]
    assert min(produced) > -1e-12  # second law at every time
    heat = -np.trapezoid(flow, times)
    erased = entropy(states[0]) - entropy(states[-1])
    r, v = np.linalg.eigh(states[-1])
    divergence = -entropy(unknown) - np.log(r) @ np.diag(v.T.conj() @ unknown @ v).real
    cost[name] = beta * heat / erased
    print(f"{name}: heat {heat:.3f}, erased {erased:.3f} nats, cost {cost[name]:.2f} x Landauer")
    assert np.isclose(heat, qb.energy(unknown) - qb.energy(states[-1]), rtol=1e-3)  # first law
    assert np.isclose(beta * heat - erased, divergence, rtol=1e-3)
    assert np.isclose(np.trapezoid(produced, times), divergence, rtol=1e-3)

p = np.append(P_COLD, np.linspace(1e-4, 0.49, 500))  # one unknown bit, reset to p
h = -p * np.log(p) - (1 - p) * np.log(1 - p)
ratio = (0.5 - p) * np.log((1 - p) / p) / (np.log(2) - h)
assert ratio.min() > 2
assert np.isclose(ratio[0], cost["a line each"], rtol=1e-3)

# %% [markdown]
# So thermal contact never costs less than twice Landauer's bound, 3.5 times at 1 %, and the common
# line costs 5.1 times: dark states keep the entropy, while the bright ones pay.

# %% [markdown]
# ## A pair that keeps some cold in a hot place
#
# Now everything is hot, $n = 1$: a cell alone is excited with 1/3. Two cells were cold once, and
# since then sit on a common hot line, beside local noise a thousand times slower. As long as the
# singlet stays empty, that emptiness can cool an ancilla. The best unitary on ancilla and pair
# moves the four largest of the eight eigenvalues to where the ancilla is in its ground state; in
# which order decides the energy.


# %%
def after_reset(pair, p_ancilla=1 / 3):
    """Excited population of the ancilla, and the work that the best unitary gives."""
    before = np.kron(np.diag([1 - p_ancilla, p_ancilla]), pair)
    r = np.sort(np.linalg.eigvalsh(before))[::-1]
    after = r @ np.array([0, 1, 1, 2, 1, 2, 2, 3])
    return r[4:].sum(), qb.energy(before) - after


hot = qb.CollectiveBath(1.0, 1.0)
times = np.geomspace(0.01, 1e4, 121)
stored = {
    "common line": qb.Battery.identical(2, hot, qb.LocalNoise(1e-3, 1.0)),
    "a line each": qb.Battery.identical(2, qb.CollectiveBath(0, 0), qb.LocalNoise(1.001, 1.0)),
}
found = {
    name: np.array([after_reset(rho) for rho in qb.charge(one, times).states])
    for name, one in stored.items()
}
figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
for (name, values), line in zip(found.items(), ("-", "--"), strict=True):
    ax.semilogx(times, values[:, 0], line, label=name)
ax.axhline(1 / 7, color="0.6", lw=0.8)
ax.axhline(7 / 27, color="0.6", lw=0.8)
ax.set(xlabel=r"time in the hot place ($1/\kappa$)", ylabel="ancilla after reset", ylim=(0, 0.3))
ax.legend(frameon=False)
plt.show()

# %%
plateau = after_reset(qb.steady_state(qb.Battery.identical(2, hot)).state)
end = after_reset(qb.steady_state(stored["common line"]).state)
print(f"common line: 1/3 -> {plateau[0]:.4f}, work gained {plateau[1]:.4f}")
print(f"in the end, or on lines of their own: 1/3 -> {end[0]:.4f}, work gained {end[1]:.4f}")
assert np.allclose(plateau, [1 / 7, 1 / 7])
assert np.allclose(end, [7 / 27, -2 / 27])
assert np.allclose(found["a line each"][-1], end)
assert np.allclose(found["common line"][-1], end, atol=1e-4)

# %% [markdown]
# On the plateau the ancilla goes from 1/3 to 1/7 and gives back 1/7 of a quantum; cells that
# warmed up alone reach 7/27 and cost 2/27. It is cold kept, not made: a cell that is still cold,
# swapped in, would do better, and the pair serves once. The bill comes when it is made cold again,
# and the second law holds over the whole cycle:

# %%
cold_start = np.kron(*[np.diag([1 - P_COLD, P_COLD])] * 2)
pair = qb.steady_state(qb.Battery.identical(2, hot), cold_start).state
p_after, gained = after_reset(pair)
heat_in = qb.energy(pair) - qb.energy(cold_start)
heat_out = heat_in + (1 / 3 - p_after) - gained  # first law: the pair returns to its start
erased = entropy(np.diag([2 / 3, 1 / 3])) - entropy(np.diag([1 - p_after, p_after]))
produced = beta * heat_out - np.log(2) * heat_in - erased
print(f"in {heat_in:.3f}, out {heat_out:.3f}, work {gained:.3f}, ancilla to {p_after:.3f}")
print(f"entropy taken from the ancilla {erased:.3f}, produced {produced:.3f} nats")
assert produced > 0
assert p_after > P_COLD  # what a swap with a cold cell would reach

# %% [markdown]
# ## A stabilizer pump is a bath for the syndrome
#
# A pump turns $S = -1$ into $S = +1$: its jump is $L = C\,(1 - S)/2$ with a correction $C$ that
# anticommutes with $S$ (Barreiro et al., Nature 470, 486 (2011); with collective dissipation Reiter
# et al., PRL 117, 040501 (2016)). In the laboratory an ancilla learns the syndrome, corrects, and
# is reset. If the ancilla returns with a residual population $p_a$, it sometimes does the reverse,
# $L^\dagger$. One step of angle $\theta$ on a pair, with $S = ZZ$ and $C = X$:

# %%
PUMP_ZZ = {"IX": 0.5, "ZY": 0.5j}  # X (1 - ZZ)/2 on cell 0
PUMP_XX = {"IZ": 0.5, "XY": -0.5j}  # Z (1 - XX)/2


def pump(n_cells, terms, p_ancilla, rate=1.0):
    """L and its reverse, as an ancilla with this population makes them."""
    alone = qb.Battery.identical(n_cells, qb.CollectiveBath(0, 0), extra_jumps=[(1.0, terms)])
    ((_, jump),) = alone.jump_operators()
    n = occupation(p_ancilla)
    return [(rate * (n + 1), jump), (rate * n, jump.conj().T)]


((_, jump), _) = pump(2, PUMP_ZZ, 0.1)
meeting = np.kron([[0, 0], [1, 0]], jump.toarray())  # the ancilla is excited by a correction
step = expm(-0.4j * (meeting + meeting.conj().T))
pair = qb.steady_state(stored["a line each"]).state
rho = step @ np.kron(np.diag([0.9, 0.1]), pair) @ step.conj().T
wrong = np.kron(np.eye(2), np.diag([0, 1, 1, 0]))  # ZZ = -1
excited = np.kron(np.diag([0, 1]), np.eye(4))
fewer = 4 / 9 - np.trace(wrong @ rho).real
gain = np.trace(excited @ rho).real - 0.1
print(f"one step corrects {fewer:.4f}, and the ancilla gains {gain:.4f} quanta")
assert np.isclose(fewer, np.sin(0.4) ** 2 * (4 / 9 - 0.1))
assert np.isclose(fewer, gain)

# %% [markdown]
# Every correction is one quantum in the ancilla, which its reset sends into the cold: a pump is a
# heat bath for the syndrome, at the ancilla's temperature. Two pumps, of ZZ and of XX, make a Bell
# state out of anything. As a battery it is a perfect one, $W = E = 1$ with $p_a \to 0$. But the
# energy is not heat: the corrections bring it, and whoever drives them pays.

# %%
for p_a in (1e-6, 0.01, 0.1):
    jumps = pump(2, PUMP_ZZ, p_a) + pump(2, PUMP_XX, p_a)
    pumped = qb.Battery.identical(2, qb.CollectiveBath(0, 0), extra_jumps=jumps)
    steady = qb.steady_state(pumped)
    r = np.linalg.eigvalsh(steady.state)
    print(f"p_a = {p_a}: Bell state with {r[-1]:.4f}, W = {steady.ergotropy:.4f}")
    assert np.allclose(r, sorted([(1 - p_a) ** 2, p_a * (1 - p_a), p_a * (1 - p_a), p_a**2]))
    assert steady.unique
    assert np.isclose(steady.energy, 1)
    times = np.linspace(0, 20, 401)
    flow = [qb.heat_currents(pumped, rho).extra for rho in qb.charge(pumped, times).states]
    assert np.isclose(np.trapezoid(flow, times), steady.energy, atol=1e-3)

# %% [markdown]
# ## Four cells that dephase
#
# A parity XXXX, as of a code's plaquette, against dephasing $\gamma_\phi$ of each cell. Phase flips
# change its sign at the rate $\Gamma = 2\gamma_\phi$, so that
# $p_- = (\kappa n + \Gamma)/(\kappa(2n+1) + 2\Gamma)$. With $J$ net corrections per time the heat
# is $J$ quanta of the ancilla, $J\ln\frac{1-p_a}{p_a}$ nats, and the entropy that it removes is
# $J\ln\frac{1-p_-}{p_-}$. Their ratio is how close the pump comes to Landauer's bound.

# %%
PLAQUETTE = {"IIIZ": 0.5, "XXXY": -0.5j}  # Z (1 - XXXX)/2
parity = np.fliplr(np.eye(16))
strengths = np.geomspace(1, 300, 7)
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for p_a, marker in ((0.01, "o"), (0.1, "s")):
    wrong, share = [], []
    for rate in strengths:
        model = qb.Battery.identical(
            4,
            qb.CollectiveBath(0, 0),
            qb.LocalNoise(dephasing=1.0),
            extra_jumps=pump(4, PLAQUETTE, p_a, rate),
        )
        rho = qb.charge(model, [20.0], unknown).states[0]
        n, p = occupation(p_a), (1 - np.trace(parity @ rho).real) / 2
        formula = (rate * n + 2) / (rate * (2 * n + 1) + 4)
        net = rate * ((n + 1) * p - n * (1 - p))
        given, removed = (net * np.log((1 - x) / x) for x in (p_a, p))
        produced = qb.entropy_production(model, rho)
        assert np.isclose(p, formula, atol=1e-9)
        assert np.isclose(produced.extra, given - removed, atol=1e-6)
        assert np.isclose(produced.total, given, atol=1e-6)  # steady: all that is produced leaves
        wrong.append(p)
        share.append(removed / given)
    left.loglog(strengths, wrong, marker + "-", label=f"$p_a$ = {p_a}")
    right.semilogx(strengths, share, marker + "-")
    assert min(wrong) > p_a
    assert max(share) < 1
    assert np.all(np.diff(share) > 0)
left.set(xlabel=r"pump rate $\kappa/\gamma_\phi$", ylabel="XXXX = -1", ylim=(8e-3, 0.6))
right.set(xlabel=r"pump rate $\kappa/\gamma_\phi$", ylabel="removed / given entropy", ylim=(0, 1))
left.legend(frameon=False)
plt.show()

# %% [markdown]
# No pump is colder than its ancilla, and the faster it is the closer it comes to the bound.
#
# ## The common bath biases the pump
#
# A common hot line leaves the singlet empty, so XX + YY + ZZ = 1 without any drive, and XX = 2/7
# where separate lines give 0. A pump that starts there has less to do: a syndrome of -1 comes in
# 5/14 of the cases instead of in one half, and both pumps together correct 9/14 times instead of
# 17/18 times on the way to the Bell state.

# %%
starts = {
    "common line": qb.steady_state(qb.Battery.identical(2, hot)).state,
    "a line each": qb.steady_state(stored["a line each"]).state,
}
jumps = [(1.0, PUMP_ZZ), (1.0, PUMP_XX)]
bell = qb.Battery.identical(2, qb.CollectiveBath(0, 0), extra_jumps=jumps)
corrections = {}
times = np.linspace(0, 20, 801)
for name, start in starts.items():
    states = qb.charge(bell, times, start).states
    xx = np.einsum("tij,ji->t", states, np.fliplr(np.eye(4))).real
    zz = np.einsum("tii,i->t", states, [1, -1, -1, 1]).real
    corrections[name] = np.trapezoid((1 - xx) / 2 + (1 - zz) / 2, times)
    print(f"{name}: XX = {xx[0]:.4f}, {corrections[name]:.4f} corrections")
    assert np.isclose(xx[0], 2 / 7 if name == "common line" else 0)
assert np.isclose(corrections["common line"], 9 / 14, atol=1e-3)
assert np.isclose(corrections["a line each"], 17 / 18, atol=1e-3)

# %% [markdown]
# ## What it is not
#
# Pumps as Markovian dissipators stand for circuits whose gates err, a common line has to be built,
# and local noise ends what it keeps (notebook 3). The heat counted is that of ancillas and baths;
# what the electronics takes that drives the corrections is not.
