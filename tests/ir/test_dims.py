"""Named sizes: canonical form, evaluation, text, errors. Python's own ints are the reference for every expression."""

import copy
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import graphad as ga
from graphad.errors import ArgumentError, NodeValueError, ShapeError
from graphad.ir.dims import Dim, evaluate, names, parse_size, product, solve_for_name, substitute, to_python

n, m, k = Dim("n"), Dim("m"), Dim("k")
DIMS = {"n": n, "m": m, "k": k}

EQUALITIES = [
    ("n + m - n", "m"),
    ("n - n", "0"),
    ("n*64 // 64", "n"),
    ("n*m // n", "m"),
    ("64*n // 32", "2*n"),
    ("(12*n + 5) // 4", "3*n + 1"),
    ("(12*n - 5) // 4", "3*n - 2"),
    ("2*(n // 2) // 2", "n // 2"),
    ("(2*n + 2) // (n + 1)", "2"),
    ("(n*m + m) // (n + 1)", "m"),
    ("(n*n - m*m) // (n - m)", "n + m"),
    ("n // -2", "-n // 2"),
    ("n*m // -n", "-m"),
    ("(n + 3*m) // m", "n // m + 3"),
    ("(2*n + 3) // 4", "(n + 1) // 2"),
    ("n // 2 // 3", "n // 6"),
    ("n // m // 2", "n // (2*m)"),
    ("((n - 1) // 2 + 1 - 1) // 2 + 1", "(n + 3) // 4"),
    ("(n - 1) // 2 + 1", "(n + 1) // 2"),
    ("64*n % 32", "0"),
    ("(2*n + 5) % 2", "1"),
    ("7 % (n - n + 4)", "3"),
]

DIFFERENT = [
    ("n", "m"),
    ("n + 1", "n"),
    ("n // 2", "(n + 1) // 2"),
    ("n // m", "m // n"),
    ("2*(n // 2)", "n"),
    ("n*n", "n"),
]

TEXTS = {
    "1 + n*2": "2*n + 1",
    "n*64": "64*n",
    "n*m*3": "3*m*n",
    "m + n*n + 7 + n*m": "m*n + n*n + m + 7",
    "n // 2": "n // 2",
    "1 + n // 2": "n // 2 + 1",
    "m - n // 2": "m - n // 2",
    "-(n // 2)": "-(n // 2)",
    "-3*(n // 2) - m": "-m - 3*(n // 2)",
    "n // 2 * m": "m*(n // 2)",
    "(n + 1) // 2": "(n + 1) // 2",
    "n // (2*m)": "n // (2*m)",
    "n // (m + 1)": "n // (m + 1)",
    "-n // m": "-n // m",
    "n // m // k": "n // m // k",
    "n // (m // k)": "n // (m // k)",
    "10 - n": "-n + 10",
}


NOT_SIZES = [
    "",
    "n +",
    "2 n",
    "n / 2",
    "f(n)",
    "n.m",
    "n[0]",
    "n**2",
    "n < 2",
    "lambda: 1",
    "None",
    "True",
    "2.0",
    "'n'",
]


def dim_value(text):
    """Evaluate on named sizes; a text that divides by a constant zero must do so on ints too, and is discarded."""
    try:
        return eval(text, dict(DIMS))
    except (ArgumentError, ZeroDivisionError):
        with pytest.raises(ZeroDivisionError):
            eval(text, {"n": 3, "m": 5, "k": 7})
    return assume(False)


def int_value(text, sizes):
    try:
        return eval(text, dict(sizes))
    except ZeroDivisionError:
        return assume(False)


def compound(inner):
    binary = st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "%"]), inner)
    return binary.map(lambda parts: f"({' '.join(parts)})") | inner.map(lambda text: f"(-{text})")


texts = st.recursive(st.sampled_from(["n", "m", "k"]) | st.integers(-6, 12).map(str), compound, max_leaves=8)
small_texts = st.recursive(st.sampled_from(["n", "m"]) | st.integers(-4, 6).map(str), compound, max_leaves=4)
environments = st.fixed_dictionaries(dict.fromkeys(DIMS, st.integers(1, 40)))


@given(texts, environments)
def test_canonical_form_has_the_value_of_the_expression(text, sizes):
    expected = int_value(text, sizes)
    assert evaluate(dim_value(text), sizes) == expected


@given(texts, environments)
def test_text_is_python_and_reads_back(text, sizes):
    size = dim_value(text)
    expected = int_value(text, sizes)
    assert eval(to_python(size), dict(sizes)) == expected
    if isinstance(size, Dim):
        assert repr(size) == str(size) == to_python(size)
        assert parse_size(repr(size)) == size


@given(small_texts, small_texts, environments)
def test_equal_sizes_have_equal_values(left, right, sizes):
    if dim_value(left) == dim_value(right):
        assert int_value(left, sizes) == int_value(right, sizes)


@given(small_texts, small_texts, small_texts)
def test_ring_laws_hold_structurally(left, middle, right):
    a, b, c = map(dim_value, (left, middle, right))
    assert a + b == b + a and hash(a + b) == hash(b + a)
    assert a * b == b * a
    assert (a + b) + c == a + (b + c)
    assert (a * b) * c == a * (b * c)
    assert a * (b + c) == a * b + a * c
    assert a - a == 0 and a + 0 == a and a * 1 == a and a * 0 == 0
    assert a - b == -(b - a) and -a == a * -1 and 0 - a == -a


@given(small_texts, small_texts, small_texts)
def test_floor_division_takes_multiples_of_the_divisor_out(left, middle, right):
    a, b, c = map(dim_value, (left, middle, right))
    assume(c != 0)
    assert a * c // c == a
    assert (a + b * c) // c == a // c + b
    assert (a + b * c) % c == a % c
    assert -a // -c == a // c


@given(texts, environments)
def test_substitution_of_ints_evaluates(text, sizes):
    expected = int_value(text, sizes)
    assert substitute(dim_value(text), sizes) == expected


@given(small_texts, small_texts, environments)
def test_substitution_of_sizes_composes(text, inner, sizes):
    value = int_value(inner, sizes)
    expected = int_value(text, sizes | {"n": value})
    replaced = substitute(dim_value(text), {"n": dim_value(inner)})
    assert evaluate(replaced, sizes) == expected


@pytest.mark.parametrize(("text", "simple"), EQUALITIES)
def test_equal_sizes_are_recognized(text, simple):
    assert eval(text, dict(DIMS)) == eval(simple, dict(DIMS))


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_different_sizes_are_told_apart(left, right):
    assert parse_size(left) != parse_size(right)


@pytest.mark.parametrize(("text", "printed"), TEXTS.items())
def test_printed_form(text, printed):
    assert to_python(eval(text, dict(DIMS))) == printed


def test_constants_are_ints():
    assert type(n - n) is int and type(n // n) is int and type(n * 0) is int
    assert n != 1 and n + 1 != 1 and n != 0
    assert to_python(0) == "0" and to_python(-3) == "-3"


def test_irreducible_floor_division_stays():
    assert names((n + 1) // 2) == ("n",)
    assert [evaluate((n + 1) // 2, {"n": value}) for value in range(4)] == [0, 1, 1, 2]
    assert [evaluate(-n // 3, {"n": value}) for value in range(4)] == [0, -1, -1, -1]


def test_numpy_integers_take_part():
    assert np.int64(2) * n == 2 * n and n + np.uint8(3) == n + 3
    assert n - np.uint8(3) == n - 3 and np.uint8(3) - n == 3 - n
    assert n * 64 // np.int32(64) == n and np.int64(7) // n == 7 // n and np.int64(7) % n == 7 % n
    assert type(n + np.int64(2) - n) is int


@pytest.mark.parametrize("other", [0.5, 2.0, np.float64(2), np.float32(0.5)])
def test_with_other_numbers_it_is_a_node_of_its_value(other):
    x = ga.input("x", ("n",))
    size = x.shape[0]
    for node, want in [
        (size + other, 3 + other),
        (other * size, 3 * other),
        (size / other, 3 / other),
        (other - size, other - 3),
        (size**other, 3**other),
        (2 / size, 2 / 3),
        (size / 2, 1.5),
        (size / (size + 1), 0.75),
    ]:
        assert float(ga.compile([x], node)(np.ones(3))) == pytest.approx(float(want))


@pytest.mark.parametrize("other", [True, "m", None])
def test_other_types_are_refused(other):
    with pytest.raises(TypeError, match="support"):
        n + other
    with pytest.raises(TypeError):
        other * n
    assert n != other


@pytest.mark.parametrize("zero", [0, n - n, np.int64(0)])
def test_division_by_zero(zero):
    for divide in (lambda: n // zero, lambda: (n + 1) % zero):
        with pytest.raises(ArgumentError, match="divides by zero"):
            divide()


@pytest.mark.parametrize(
    "use",
    [
        int,
        float,
        bool,
        range,
        list("ab").__getitem__,
        lambda d: d < 3,
        lambda d: d >= 3,
        lambda d: d > d,
        lambda d: sorted([d, d]),
    ],
)
def test_a_named_size_has_no_number(use):
    with pytest.raises(NodeValueError, match=r"2\*batch \+ 1.*before the graph runs"):
        use(2 * Dim("batch") + 1)


@pytest.mark.parametrize("name", ["", "2n", "a b", "n*2", "class", "None", 3, None, n])
def test_a_name_is_an_identifier(name):
    with pytest.raises(ArgumentError, match="not a name for a size"):
        Dim(name)


def test_names_are_read_as_python_reads_them():
    micro_sign, greek_mu = "\u00b5", "\u03bc"
    assert Dim(micro_sign) == parse_size(micro_sign) == Dim(greek_mu)


def test_parse_size_accepts_what_users_write():
    assert parse_size("batch") == Dim("batch") and parse_size(" 2 * n + 1 ") == 2 * n + 1
    assert parse_size(n) is n
    for value in (64, np.int64(64), "64", np.uint8(64)):
        assert parse_size(value) == 64 and type(parse_size(value)) is int
    assert parse_size(0) == 0 and parse_size("-(n - 3) // 2") == (3 - n) // 2


@pytest.mark.parametrize(
    "value", [*NOT_SIZES, "(" * 500, "n" + " + 1" * 100_000, True, 2.0, None, [3], b"n", np.bool_(True), "\0"]
)
def test_parse_size_refuses_what_is_no_size(value):
    with pytest.raises(ArgumentError, match="not a size") as caught:
        parse_size(value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", [-1, np.int8(-5), "-3", "n - n - 1"])
def test_negative_sizes_are_refused(value):
    with pytest.raises(ShapeError, match="never negative"):
        parse_size(value)


def test_parse_size_never_runs_code():
    with pytest.raises(ArgumentError):
        parse_size("__import__('os').getcwd()")
    with pytest.raises(ArgumentError, match="divides by zero"):
        parse_size("5 // 0")


def test_evaluate_names_what_is_missing():
    with pytest.raises(ArgumentError, match=r"'batch' has no value(.|\n)*known: n"):
        evaluate(Dim("batch") + n, {"n": 3})
    with pytest.raises(ArgumentError, match="divides by zero"):
        evaluate(n // m, {"n": 3, "m": 0})
    assert evaluate(7, {}) == 7
    value = evaluate(n // 2 * 3, {"n": np.int64(7), "unused": 1})
    assert value == 9 and type(value) is int


def test_names_are_sorted_and_found_in_divisions():
    assert names((n + 1) // m * k + Dim("a")) == ("a", "k", "m", "n")
    assert names(5) == ()


def test_substitution_is_simultaneous():
    assert substitute(n - 2 * m, {"n": m, "m": n}) == m - 2 * n
    assert substitute((n + 1) // 2, {"n": 2 * m + 1}) == m + 1
    assert substitute(n, {"m": 3}) == n and substitute(4, {"n": 3}) == 4


def test_product_counts_elements():
    assert product([]) == 1 and type(product([])) is int
    assert product((n, 64, m)) == 64 * n * m
    assert product(iter([2, 3])) == 6


@pytest.mark.parametrize(
    ("size", "value", "solution"),
    [
        (n, 5, ("n", 5)),
        (n, 0, ("n", 0)),
        (2 * n + 1, 7, ("n", 3)),
        (2 * n + 1, 8, None),
        (n + 3, 2, None),
        (10 - n, 4, ("n", 6)),
        (n * m, 6, None),
        (n + m, 6, None),
        (n * n, 9, None),
        (n // 2, 3, None),
        (5, 5, None),
        (0, 0, None),
    ],
)
def test_solve_for_name(size, value, solution):
    assert solve_for_name(size, value) == solution


def test_dims_are_values():
    assert len({n, Dim("n"), 2 * n - n, n + 0}) == 1
    with pytest.raises(AttributeError):
        n.terms = ()
    with pytest.raises(TypeError):
        iter(n)


@pytest.mark.parametrize("size", [n, 2 * n + m, (n + 1) // 2 * m])
def test_copies_are_equal(size):
    for twin in (copy.copy(size), copy.deepcopy(size), pickle.loads(pickle.dumps(size))):
        assert twin == size and hash(twin) == hash(size) and repr(twin) == repr(size)


def test_pickles_and_texts_do_not_depend_on_the_hash_seed():
    program = (
        "import pickle, sys; from graphad.ir.dims import Dim; n, m = Dim('n'), Dim('m');"
        "sys.stdout.buffer.write(pickle.dumps((n + 1) // 2 * m + m * n + 3 * n + m // n + 1))"
    )
    size = (n + 1) // 2 * m + m * n + 3 * n + m // n + 1
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True)
        twin = pickle.loads(run.stdout)
        assert twin == size and hash(twin) == hash(size) and repr(twin) == repr(size)
