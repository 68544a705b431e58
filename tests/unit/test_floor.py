"""errors, units and cells: the floor that everything stands on."""

import re

import numpy as np
import pytest
from qiskit.quantum_info import DensityMatrix, Operator, SparsePauliOp, Statevector

import qbat_circuits as qb
from qbat_circuits import cells, units
from qbat_circuits.errors import check_choice, check_integer, check_number, shown


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (-1, "'x' must be a finite number >= 0, not -1."),
        (float("nan"), "'x' must be a finite number >= 0, not nan."),
        (True, "'x' must be a finite number >= 0, not True."),
        ("1", "'x' must be a finite number >= 0, not '1'."),
        (np.float64(-0.5), "'x' must be a finite number >= 0, not -0.5."),
        (10**400, "'x' must be a finite number >= 0, not 1000000"),
        (1j, "'x' must be a finite number >= 0, not 1j."),
    ],
)
def test_numbers_are_refused_in_one_sentence(value: object, sentence: str) -> None:
    with pytest.raises(qb.InputError) as caught:
        check_number("x", value, at_least=0)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)
    assert len(shown(value)) <= 80


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-(10**5000), "-1e+5000"),
        (3 * 10**4999, "1e+4999"),
        ([10**5000], "a list with a number of too many digits"),
        ({"0": 10**5000}, "a dict with a number of too many digits"),
    ],
    ids=["negative", "positive", "list", "dict"],
)
def test_numbers_that_python_does_not_write_out_are_refused_too(value: object, text: str) -> None:
    assert shown(value) == text
    with pytest.raises(qb.InputError, match=re.escape(f" >= 1 and <= 9, not {text}.")):
        check_integer("k", value, at_least=1, at_most=9)
    with pytest.raises(qb.InputError, match=re.escape(f"one of 'a', not {text}.")):
        check_choice("x", value, ["a"])


def test_limits_are_open_or_closed_as_said() -> None:
    assert check_number("x", 0, at_least=0, below=1) == 0.0
    for value, limits in ((0, {"above": 0}), (1, {"below": 1}), (1.1, {"at_most": 1})):
        with pytest.raises(qb.InputError):
            check_number("x", value, **limits)
    assert check_integer("k", np.int64(3), at_least=3, at_most=3) == 3
    for value in (2, 4, 3.0, True, "3"):
        with pytest.raises(qb.InputError, match="'k' must be a whole number >= 3 and <= 3, not"):
            check_integer("k", value, at_least=3, at_most=3)


def test_choices_name_the_near_ones() -> None:
    with pytest.raises(
        qb.InputError,
        match=r"'engine' must be one of 'auto', 'propagator', not 'propagater' \(did you mean "
        r"'propagator'\?\)\.",
    ):
        check_choice("engine", "propagater", ["auto", "propagator"])


@pytest.mark.parametrize(
    ("occupation", "kelvin"), [(0.1, 0.100), (0.3, 0.164), (1, 0.346), (3, 0.834), (10, 2.52)]
)
def test_temperatures_of_a_five_gigahertz_mode(occupation: float, kelvin: float) -> None:
    """Section 9 of docs/physics.md."""
    assert units.temperature_from_occupation(5e9, occupation) == pytest.approx(kelvin, rel=5e-3)
    back = units.occupation_from_temperature(
        5e9, units.temperature_from_occupation(5e9, occupation)
    )
    assert back == pytest.approx(occupation, rel=1e-12)


def test_units_at_their_limits() -> None:
    assert units.occupation_from_temperature(5e9, 0.0) == 0.0
    assert units.occupation_from_temperature(5e9, 1e-6) == 0.0
    assert units.temperature_from_occupation(5e9, 0.0) == 0.0
    assert units.quantum_j(5e9) == pytest.approx(3.313e-24, rel=1e-4)
    assert units.quantum_uev(5e9) == pytest.approx(20.68, rel=1e-4)
    assert units.occupation_from_population(units.population_from_occupation(0.37)) == (
        pytest.approx(0.37, rel=1e-14)
    )
    with pytest.raises(qb.InputError, match=r"'residual_population' must be < 0\.5"):
        units.occupation_from_population(0.5)


def test_bit_order_is_qiskits() -> None:
    """Cell i is qubit i: operators, bit strings and states agree with Qiskit's own."""
    n0 = Operator(SparsePauliOp.from_list([("II", 0.5), ("IZ", -0.5)])).data
    np.testing.assert_allclose(cells.number(2, 0).toarray(), n0)
    assert cells.basis_index("01") == 1
    np.testing.assert_allclose(cells.product_state([1.0, 0.0]), DensityMatrix.from_label("01").data)
    assert cells.level_energies(2, [1.0, 3.0])[cells.basis_index("10")] == 3.0


def test_collective_operators_form_a_spin() -> None:
    """[J_+, J_-] = 2 J_z with J_z = sum(n_i - 1/2), and |0> is the ground state."""
    minus = cells.collective_lowering(3).toarray()
    jz = np.diag(cells.excitations(3) - 1.5)
    np.testing.assert_allclose(minus.conj().T @ minus - minus @ minus.conj().T, 2 * jz)
    assert not minus[:, 0].any()
    with pytest.raises(ValueError, match="read-only"):
        cells.collective_lowering(3).data[0] = 2.0  # shared by every battery of three cells


def test_energies_are_checked() -> None:
    with pytest.raises(qb.InputError, match=r"'energies' must hold one number per cell \(2\)"):
        cells.level_energies(2, [1.0])
    for wrong in (-1.0, 0.0, 1e-7, 1e-320, 2e6, 1e200, np.inf, True, "1", 1j, [1.0]):
        rule = "'energies' must be a finite number >= 1e-06 and <= 1e+06, not "
        with pytest.raises(qb.InputError, match=re.escape(rule)):
            cells.level_energies(1, [wrong])
    for wrong in ([[1], [1, 2]], [[1.0, 2.0]], np.ones((1, 2)), np.ones((2, 1))):
        with pytest.raises(qb.InputError, match="'energies' must"):
            cells.level_energies(2, wrong)
    for wrong in (1.0, "12", np.float64(2.0), np.array(1.0), {1.0: 2.0}):
        with pytest.raises(qb.InputError, match="'energies' must be a list with one number per"):
            cells.level_energies(2, wrong)
    np.testing.assert_array_equal(cells.cell_energies(2, np.array([1e-6, 1e6])), [1e-6, 1e6])


def test_public_names_resolve_and_unknown_ones_do_not() -> None:
    for name in qb.__all__:
        assert getattr(qb, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'chrage'"):
        _ = qb.chrage
    assert set(qb.__all__) < set(dir(qb))


def test_a_state_vector_of_qiskit_is_a_state() -> None:
    bell = Statevector([np.sqrt(0.5), 0, 0, np.sqrt(0.5)])
    assert qb.ergotropy(bell) == pytest.approx(qb.energy(bell)) == pytest.approx(1.0)
