"""Section 5 of docs/physics.md: what collisions with an ancilla do to the cells."""

import math
import re
import warnings
from itertools import permutations

import numpy as np
import pytest
from scipy.linalg import expm

import qbat_circuits as qb
from qbat_circuits.cells import collective_lowering, level_energies, lowering, product_state
from qbat_circuits.collision_model import (
    check_theta,
    collision_kraus,
    collision_unitary,
    swap_order,
    thermal_population,
)
from qbat_circuits.dynamics.schur import dense_of_populations, populations_of, schur_basis
from qbat_circuits.errors import InputError
from qbat_circuits.symmetric.ladder import ladder_populations
from qbat_circuits.symmetric.sectors_jm import states_jm
from qbat_circuits.thermodynamics import linear_ergotropy

WAYS = ("exact", "strang", "first-order")


def works(states: np.ndarray) -> np.ndarray:
    return linear_ergotropy(states, level_energies(states.shape[-1].bit_length() - 1))


def superoperator(kraus: np.ndarray) -> np.ndarray:
    """sum K (x) K*, on density matrices written row by row."""
    return sum(np.kron(one, one.conj()) for one in kraus)


def ladder_state(n_cells: int, occupation: float) -> np.ndarray:
    """sum_k p_k |k><k| of the Dicke ladder."""
    states, p = states_jm(n_cells), np.zeros(states_jm(n_cells).size)
    p[states.deficit == 0] = ladder_populations(n_cells, occupation + 1, occupation)
    return dense_of_populations(n_cells, p)


def random_state(n_cells: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    g = rng.normal(size=(2**n_cells, 2**n_cells, 2)) @ [1, 1j]
    return g @ g.conj().T / np.linalg.norm(g) ** 2


# --- the unitary and its channel ------------------------------------------------------------------


@pytest.mark.parametrize("n_cells", [1, 2, 3])
@pytest.mark.parametrize("splitting", WAYS)
def test_the_unitary_is_the_product_of_its_exponentials(n_cells: int, splitting: str) -> None:
    """exp(-i theta (J_+ tau_- + h.c.)), or the partial swaps one after the other."""
    theta, n = 0.7, n_cells
    minus = lowering(n + 1, n).toarray()
    swaps = [lowering(n + 1, i).toarray().T @ minus for i in range(n)]
    swaps = [swap + swap.T for swap in swaps]
    shares = {
        "exact": [(sum(swaps), 1.0)],
        "first-order": [(swap, 1.0) for swap in swaps],
        "strang": [(swap, 0.5) for swap in swaps] + [(swap, 0.5) for swap in reversed(swaps)],
    }
    wanted = np.eye(2 ** (n + 1))
    for generator, share in shares[splitting]:
        wanted = expm(-1j * share * theta * generator) @ wanted
    np.testing.assert_allclose(collision_unitary(n, theta, splitting), wanted, atol=1e-13)


def test_an_ancilla_is_never_inverted() -> None:
    found = [thermal_population(n) for n in (0.0, 1e-300, 1.0, 1e308)]
    assert found == pytest.approx([0.0, 1e-300, 1 / 3, 0.5], rel=1e-12)


def test_strang_merges_the_two_halves_of_the_last_cell() -> None:
    assert swap_order(3, "strang") == ((0, 0.5), (1, 0.5), (2, 1.0), (1, 0.5), (0, 0.5))
    assert swap_order(3, "first-order") == ((0, 1.0), (1, 1.0), (2, 1.0))
    assert swap_order(1, "strang") == ((0, 1.0),)


@pytest.mark.parametrize("splitting", WAYS)
def test_the_kraus_operators_are_the_partial_trace_over_the_ancilla(splitting: str) -> None:
    rho, p = random_state(2, 3), thermal_population(0.8)
    kraus = collision_kraus(2, 0.8, 0.6, splitting)
    np.testing.assert_allclose(sum(k.conj().T @ k for k in kraus), np.eye(4), atol=1e-13)
    unitary = collision_unitary(2, 0.6, splitting)
    whole = unitary @ np.kron(np.diag([1 - p, p]), rho) @ unitary.conj().T
    traced = np.einsum("aiaj->ij", whole.reshape(2, 4, 2, 4))
    states = qb.collision_states(2, 0.8, 0.6, 1, splitting, initial_state=rho)
    np.testing.assert_allclose(states, [rho, traced], atol=1e-13)


@pytest.mark.parametrize("n_cells", [2, 3])
def test_permuting_the_cells_changes_nothing_of_the_exact_collision_only(n_cells: int) -> None:
    """Exact: U commutes with every permutation. Two-cell gates: with none."""
    tensor = (2,) * (2 * (n_cells + 1))
    for order in list(permutations(range(n_cells)))[1:]:
        rows = [0, *(n_cells - i for i in order[::-1])]  # axis 0 is the ancilla
        axes = [*rows, *(row + n_cells + 1 for row in rows)]
        for splitting in WAYS:
            unitary = collision_unitary(n_cells, 0.5, splitting)
            moved = unitary.reshape(tensor).transpose(axes).reshape(unitary.shape)
            change = np.abs(moved - unitary).max()
            assert change < 1e-13 if splitting == "exact" else change > 0.01


# --- the table ------------------------------------------------------------------------------------

#: N, theta: (max W, its k) exact; Strang; first order; first and last k with 90 % of Strang's.
TABLE = {
    (2, 0.5): (0.1429, (0.1418, 30), 0.0766, (11, 460)),
    (2, 0.8): (0.1429, (0.1370, 10), 0.0440, (5, 38)),
    (3, 0.5): (0.2667, (0.2604, 26), 0.1484, (11, 159)),
    (3, 0.8): (0.2667, (0.2302, 10), 0.1183, (6, 21)),
}


@pytest.mark.parametrize(("n_cells", "theta"), TABLE)
def test_the_table_of_section_5(n_cells: int, theta: float) -> None:
    exact, (strang, best), first_order, window = TABLE[n_cells, theta]
    work = {way: works(qb.collision_states(n_cells, 1.0, theta, 1000, way)) for way in WAYS}
    assert work["exact"].max() == pytest.approx(exact, abs=1e-4)
    assert work["first-order"].max() == pytest.approx(first_order, abs=1e-4)
    assert work["strang"].max() == pytest.approx(strang, abs=1e-4)
    assert int(work["strang"].argmax()) == best
    kept = np.flatnonzero(work["strang"] >= 0.9 * work["strang"].max())
    np.testing.assert_array_equal(kept, np.arange(window[0], window[1] + 1))


# --- fixed points ---------------------------------------------------------------------------------


@pytest.mark.parametrize("theta", [0.3, 1.1, 2.0, 2.9])
@pytest.mark.parametrize("n_cells", [2, 3, 4])
def test_what_is_thermal_in_each_sector_stays_for_any_theta(n_cells: int, theta: float) -> None:
    """Sectors with weights and multiplicity states of their own, each thermal at r = n/(n+1)."""
    occupation, rng = 0.7, np.random.default_rng(n_cells)
    rho = np.zeros((2**n_cells, 2**n_cells), dtype=complex)
    for sector in schur_basis(n_cells):
        g = rng.normal(size=(sector.vectors.shape[1],) * 2)
        p = ladder_populations(sector.twice_j, occupation + 1, occupation)
        rho += np.einsum("m,mai,ab,mbj->ij", p, sector.vectors, g @ g.T, sector.vectors)
    rho /= np.trace(rho)
    kept = qb.collision_states(n_cells, occupation, theta, 1, "exact", initial_state=rho)[1]
    np.testing.assert_allclose(kept, rho, atol=1e-13)
    split = qb.collision_states(n_cells, occupation, theta, 1, "strang", initial_state=rho)[1]
    assert np.abs(split - rho).max() > 1e-5


@pytest.mark.parametrize("n_cells", [2, 3])
def test_the_exact_collision_ends_where_the_bath_does(n_cells: int) -> None:
    end = qb.collision_states(n_cells, 1.0, 0.5, 1000, "exact")[-1]
    np.testing.assert_allclose(end, ladder_state(n_cells, 1.0), atol=1e-12)
    bath = qb.steady_state(qb.Battery.identical(n_cells, qb.CollectiveBath(1.0, 1.0)))
    assert works(end) == pytest.approx(bath.ergotropy, abs=1e-12)


@pytest.mark.parametrize("n_cells", [2, 3])
@pytest.mark.parametrize("splitting", ["strang", "first-order"])
def test_with_any_splitting_gibbs_is_the_only_fixed_point(n_cells: int, splitting: str) -> None:
    """One eigenvalue 1 of the channel, its eigenvector the Gibbs state, all others inside."""
    occupation = 0.6
    channel = superoperator(collision_kraus(n_cells, occupation, 0.9, splitting))
    values, vectors = np.linalg.eig(channel)
    order = np.argsort(-np.abs(values))
    assert values[order[0]] == pytest.approx(1, abs=1e-12)
    assert abs(values[order[1]]) < 1 - 1e-4
    fixed = vectors[:, order[0]].reshape(2**n_cells, -1)
    gibbs = product_state([thermal_population(occupation)] * n_cells)
    np.testing.assert_allclose(fixed / np.trace(fixed), gibbs, atol=1e-10)
    exact = np.linalg.eigvals(superoperator(collision_kraus(n_cells, occupation, 0.9, "exact")))
    sectors = sum(sector.vectors.shape[1] ** 2 for sector in schur_basis(n_cells))
    assert np.sum(np.abs(exact - 1) < 1e-10) == sectors


# --- trapping -------------------------------------------------------------------------------------


def test_the_first_steps_trap_where_physics_says() -> None:
    for n_cells, angle in ((2, 2.221), (3, 1.814), (4, 1.571)):
        assert np.abs(qb.trapping_angles(n_cells) - angle).min() < 5e-4
        stuck = qb.collision_states(n_cells, 1.0, math.pi / math.sqrt(n_cells), 50, "exact")
        np.testing.assert_allclose(stuck, np.broadcast_to(stuck[0], stuck.shape), atol=1e-12)
    assert qb.trapping_angles(1).tolist() == [math.pi]


@pytest.mark.parametrize("n_cells", [2, 3, 4, 5])
def test_trapping_angles_are_where_some_step_of_the_ladder_does_not_move(n_cells: int) -> None:
    """Found anew as the zeros of sin(theta <k+1| J_+ |k>) on a grid of angles."""
    dicke = schur_basis(n_cells)[-1].vectors[:, 0]
    raised = dicke @ collective_lowering(n_cells).toarray().real  # <k| J_- = (J_+ |k>)^dagger
    generator = np.array([raised[k] @ dicke[k + 1] for k in range(n_cells)])
    angles = qb.trapping_angles(n_cells)
    moved = np.abs(np.sin(np.outer(angles, generator))).min(axis=1)
    np.testing.assert_allclose(moved, 0, atol=1e-12)
    grid = np.linspace(1e-3, math.pi, 20001)
    least = np.abs(np.sin(np.outer(grid, generator))).min(axis=1)
    dips = grid[1:-1][(least[1:-1] < least[:-2]) & (least[1:-1] < least[2:]) & (least[1:-1] < 1e-3)]
    inside = angles[angles < math.pi - 1e-3]
    np.testing.assert_allclose(dips, inside, atol=2e-4)
    for angle in inside:  # and the ladder indeed does not fill
        end = qb.collision_states(n_cells, 1.0, angle, 400, "exact")[-1]
        assert np.abs(end - ladder_state(n_cells, 1.0)).max() > 1e-2


def test_near_a_trapping_angle_is_slow() -> None:
    """At 5 % from it 500 collisions still charge two cells, at 1 % they do not."""
    angle = qb.trapping_angles(2)[0]
    kept = [works(qb.collision_states(2, 1.0, angle * s, 500, "exact")[-1]) for s in (0.95, 0.99)]
    assert kept[0] == pytest.approx(1 / 7, rel=0.01)
    assert kept[1] < 0.1


@pytest.mark.parametrize("share", [1.0, 0.9901, 1.0099])
def test_an_angle_at_a_trapping_angle_is_refused(share: float) -> None:
    theta = share * qb.trapping_angles(3)[0]
    sentence = (
        "'theta' must not lie within 1% of the trapping angle 1.5708 of 3 cells, where a step of "
        f"their ladder is left out, as {theta:.6g} does."
    )
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        check_theta(3, theta)


def test_an_angle_near_a_trapping_angle_is_warned_of() -> None:
    with pytest.warns(qb.TrappingWarning, match=r"lies within 5% of the trapping angle 2\.2214"):
        assert check_theta(2, 2.3) == 2.3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_theta(2, 2.1) == 2.1
        assert check_theta(3, 1e-6) == 1e-6


# --- theta -> 0 -----------------------------------------------------------------------------------


def errors_at_small_theta(n_cells: int, splitting: str, wanted: np.ndarray) -> np.ndarray:
    """Distance from a state at kappa t = 1, n = 1, for theta halved twice."""
    found = []
    for k in (48, 192, 768):
        theta = math.sqrt(3 / k)
        assert qb.equivalent_time(1.0, theta, k) == pytest.approx(1)
        found.append(qb.collision_states(n_cells, 1.0, theta, k, splitting)[-1] - wanted)
    return np.linalg.norm(found, axis=(1, 2))


@pytest.mark.parametrize("n_cells", [2, 3])
@pytest.mark.parametrize("splitting", ["exact", "strang"])
def test_small_angles_are_the_common_bath_to_second_order(n_cells: int, splitting: str) -> None:
    battery = qb.Battery.identical(n_cells, qb.CollectiveBath(1.0, 1.0))
    errors = errors_at_small_theta(n_cells, splitting, qb.charge(battery, [1.0]).states[0])
    slopes = np.diff(np.log(errors)) / math.log(0.5)
    assert slopes == pytest.approx(2, abs=0.15)
    assert errors[-1] < 2e-4


@pytest.mark.parametrize(("n_cells", "best"), [(2, 0.1123), (3, 0.2004)])
def test_small_angles_in_first_order_are_a_one_way_line(n_cells: int, best: float) -> None:
    """The cascade H = i kappa/2 sum_{a<b} (sigma_+^a sigma_-^b - h.c.) beside the bath's jumps."""
    battery = qb.Battery.identical(n_cells, qb.CollectiveBath(1.0, 1.0))
    minus = [lowering(n_cells, i).toarray() for i in range(n_cells)]
    pairs = [(a, b) for b in range(n_cells) for a in range(b)]
    exchange = sum(minus[a].T @ minus[b] - minus[b].T @ minus[a] for a, b in pairs)
    h, one = 0.5j * exchange, np.eye(2**n_cells)
    # The generator acts on columns; -i[H, .] is then -i (1 (x) H - H^T (x) 1).
    cascade = battery.liouvillian().toarray() - 1j * (np.kron(one, h) - np.kron(h.T, one))
    start = np.eye(4**n_cells)[0]
    step = expm(0.01 * cascade)
    states = [start]
    for _ in range(300):
        states.append(step @ states[-1])
    states = np.array(states).reshape(-1, 2**n_cells, 2**n_cells).swapaxes(1, 2)
    errors = errors_at_small_theta(n_cells, "first-order", states[100])
    assert np.diff(np.log(errors))[-1] / math.log(0.5) == pytest.approx(2, abs=0.1)
    assert works(states).max() == pytest.approx(best, abs=1e-4)


@pytest.mark.parametrize("collectivity", [0.5, 0.9])
def test_local_collisions_are_local_noise(collectivity: float) -> None:
    """kappa = lambda, gamma = 1 - lambda, n_l != n: second order in theta, as without them."""
    battery = qb.Battery.mixture(3, 1.0, 1.0, collectivity, local_occupation=0.3)
    errors = []
    for k in (100, 400):
        theta = math.sqrt(3 * collectivity / k)
        local = qb.LocalCollision.for_collectivity(collectivity, 1.0, theta, 0.3)
        states = qb.collision_states(3, 1.0, theta, k, "exact", local)
        errors.append(np.linalg.norm(states[-1] - qb.charge(battery, [1.0]).states[0]))
    assert errors[1] < 0.005
    # The two kinds of collision follow each other, which costs first order in kappa dt as well.
    assert math.log(errors[0] / errors[1], 2) == pytest.approx(2, abs=0.1)


def test_local_collisions_alone_make_cells_of_their_own() -> None:
    """A common ancilla that hardly couples: cells at n_l/(2 n_l + 1) each, after a full swap."""
    local = qb.LocalCollision(math.pi / 2, 0.4)
    end = qb.collision_states(2, 1.0, 1e-6, 1, local=local)[-1]
    np.testing.assert_allclose(end, product_state([thermal_population(0.4)] * 2), atol=1e-9)


def test_sectors_keep_their_weights_under_exact_collisions_only() -> None:
    start = random_state(3, 5)
    ends = {way: qb.collision_states(3, 0.5, 0.8, 20, way, initial_state=start)[-1] for way in WAYS}
    deficit = states_jm(3).deficit
    weight = [populations_of(rho)[deficit == 0].sum() for rho in (start, *ends.values())]
    assert weight[1] == pytest.approx(weight[0], abs=1e-12)
    assert abs(weight[2] - weight[0]) > 1e-3
    assert abs(weight[3] - weight[0]) > 1e-3


# --- false baths ----------------------------------------------------------------------------------


def test_one_draw_for_all_collisions_of_a_shot_fakes_work() -> None:
    """X in every collision or in none: the mixture of |0...0> and |1...1>, W = .333 for .143."""
    unitary = collision_unitary(2, 0.5, "exact").reshape(2, 4, 2, 4)
    states = []
    for kraus in (unitary[:, :, 0], unitary[:, :, 1]):
        rho = np.diag([1.0, 0, 0, 0]).astype(complex)
        for _ in range(300):
            rho = sum(k @ rho @ k.conj().T for k in kraus)
        states.append(rho)
    p = thermal_population(1.0)
    assert works((1 - p) * states[0] + p * states[1]) == pytest.approx(0.333, abs=5e-4)


def test_an_ancilla_that_is_not_measured_drives_the_cells() -> None:
    """Ry alone leaves a coherent ancilla: W = .425 at the end of N = 2 for .143."""
    unitary = collision_unitary(2, 0.5, "exact").reshape(2, 4, 2, 4)
    p = thermal_population(1.0)
    kraus = math.sqrt(1 - p) * unitary[:, :, 0] + math.sqrt(p) * unitary[:, :, 1]
    rho = np.diag([1.0, 0, 0, 0]).astype(complex)
    for _ in range(400):
        rho = sum(k @ rho @ k.conj().T for k in kraus)
    assert works(rho) == pytest.approx(0.4251, abs=1e-4)


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n_cells": 0}, "'n_cells' must be a whole number >= 1 and <= 8, not 0."),
        ({"n_cells": 9}, "'n_cells' must be a whole number >= 1 and <= 8, not 9."),
        ({"occupation": -0.1}, "'occupation' must be a finite number >= 0, not -0.1."),
        ({"theta": 0.0}, "'theta' must be a finite number > 0 and <= 3.14159, not 0.0."),
        ({"theta": 3.2}, "'theta' must be a finite number > 0 and <= 3.14159, not 3.2."),
        ({"collisions": 0}, "'collisions' must be a whole number >= 1, not 0."),
        (
            {"splitting": "Strang"},
            "'splitting' must be one of 'exact', 'strang', 'first-order', not 'Strang' (did you "
            "mean 'strang'?).",
        ),
        ({"local": 0.3}, "'local' must be a LocalCollision or None, not 0.3."),
        (
            {"initial_state": np.eye(8) / 8},
            "'initial_state' must be a state of 2 cells, not of shape (8, 8).",
        ),
        (
            {"n_cells": 8, "collisions": 10000},
            "'collisions' must be few enough for the states of 8 cells: 10000 need about 1.05e+10 "
            "bytes, more than 4.29e+09.",
        ),
    ],
)
def test_wrong_arguments_get_one_sentence(changes: dict, sentence: str) -> None:
    good = {"n_cells": 2, "occupation": 1.0, "theta": 0.5, "collisions": 3}
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        qb.collision_states(**{**good, **changes})


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: qb.LocalCollision(math.pi, 0.1),
            "'theta' must be a finite number > 0 and < 3.14159, not 3.141592653589793.",
        ),
        (
            lambda: qb.LocalCollision(0.1, -1),
            "'occupation' must be a finite number >= 0, not -1.",
        ),
        (
            lambda: qb.LocalCollision.for_collectivity(1.0, 1.0, 0.5, 0.0),
            "'collectivity' must be a finite number > 0 and < 1, not 1.0.",
        ),
        (
            lambda: qb.equivalent_time(1.0, 0.5, -1),
            "'collisions' must be a whole number >= 0, not -1.",
        ),
    ],
)
def test_wrong_values_get_one_sentence(make, sentence: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        make()
