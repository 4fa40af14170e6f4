"""Integers and booleans under rules for real numbers: they wrap around, and NumPy chooses their precision."""

import numpy as np
import pytest

import graphad as ga
from graphad.passes.algebra import EXACT
from graphad.rules.engine import rewrite

VALUES = {
    "int8": np.array([-128, -1, 1, 5, 127], np.int8),
    "uint8": np.array([0, 1, 2, 200, 255], np.uint8),
    "int32": np.array([-(2**31), -1, 0, 46341, 2**31 - 1], np.int32),
}
FORMS = {
    "quotient of negatives": lambda x: (-x) / (-(x - x // 3)),
    "sum of negatives": lambda x: ga.sum(-x),
    "mean of negatives": lambda x: ga.mean(-x),
    "log(1 + x)": lambda x: ga.log(1 + x),
    "log(1 - x)": lambda x: ga.log(1 - x),
    "log of 1/x": lambda x: ga.log(1 / x),
    "log of x²": lambda x: ga.log(x * x),
    "log of x³": lambda x: ga.log(x**3),
    "root of a square": lambda x: ga.sqrt(x * x),
    "root of squares": lambda x: ga.sqrt(x * x + 1),
    "sigmoid": lambda x: 1.0 / (1 + ga.exp(x)),
    "sinh": lambda x: (ga.exp(x) - ga.exp(-x)) / 2,
    "cosine of the opposite": lambda x: ga.cos(-x),
    "cosine of |x|": lambda x: ga.cos(abs(x)),
    "sine of the opposite": lambda x: -ga.sin(-x),
    "exp(x)·exp(x + 1)": lambda x: ga.exp(x) * ga.exp(x + 1),
    "exp - 1": lambda x: ga.exp(x) - 1,
    "1 - cos": lambda x: 1 - ga.cos(x),
    "1 - tanh²": lambda x: 1 - ga.tanh(x) ** 2,
    "difference of roots": lambda x: ga.sqrt(x + 1) - ga.sqrt(x),
    "power of powers": lambda x: x**2 * x**3,
    "softmax of the opposite": lambda x: ga.special.softmax(-x),
    "x·log x": lambda x: x * ga.log(x),
}


@pytest.mark.parametrize("dtype", VALUES)
@pytest.mark.parametrize("form", FORMS)
def test_integers_wrap_around_as_written(form, dtype):
    x = ga.input("x", (5,), dtype)
    made, narrow = FORMS[form](x), dtype != "int32"  # of 8 bits NumPy computes most functions in half precision
    with np.errstate(all="ignore"):
        expected = ga.compile([x], made, optimize="none")(VALUES[dtype])
        found = ga.compile([x], made)(VALUES[dtype])
    assert found.dtype == expected.dtype
    known = np.isfinite(expected)  # a stable form may know more
    np.testing.assert_allclose(found[known], expected[known], rtol=1e-2 if narrow else 1e-9, atol=2e-3 * narrow)


def test_casts_are_not_written_where_numpy_makes_them():
    n = ga.input("n", ("k",), "int64")
    for made, text in [(ga.log(n), "np.log(n)"), (ga.log(1 + n), "np.log(1 + n)"), (n / 2, "n / "), (n / n, "n / n")]:
        source = ga.compile([n], made, style="readable").source
        assert text in source
        assert "astype" not in source + ga.compile([n], made).source


def test_complex_numbers_times_one_may_change_where_infinite():
    z = ga.input("z", (2,), "complex128")
    graph = ga.Graph([z], [z * 1, z / 1, ga.prod(z[:1]), ga.mean(z[:1])])
    assert rewrite(graph, EXACT) is graph
    assert ga.compile([z], [z * 1, -z / -1]).source.count("*") == 0


def test_scale_of_an_empty_sum_stays_inside():
    x, c = ga.input("x", (0, 3)), ga.input("c")
    np.testing.assert_array_equal(ga.compile([x, c], ga.sum(x * c, axis=0))(np.zeros((0, 3)), np.nan), [0, 0, 0])


@pytest.mark.parametrize("value", [0, 1, 2, 0.5])
@pytest.mark.parametrize(
    "f", [ga.special.xlogy, ga.special.beta, ga.special.gammainc, lambda x, y: ga.clip(y, x, x), ga.logaddexp]
)
def test_numbers_keep_the_dtype_beside_functions_that_make_arrays_of_them(f, value):
    x = ga.input("x", (3,), "float32")
    for optimize in ("none", "full"):
        assert ga.compile([x], f(x, value), optimize=optimize)(np.full(3, 0.5, np.float32)).dtype == np.float32


def test_numbers_and_sizes_alone_are_floats():
    x = ga.input("x", (2, "n"))
    total, row = ga.compile([x], [ga.sum(ga.full_like(x, 4.0)), ga.sum(ga.full_like(x, 4.0), axis=1)])(np.zeros((2, 3)))
    assert (total.dtype, row.dtype) == (np.float64, np.float64)
    assert total == 24


@pytest.mark.parametrize(
    "make",
    [
        lambda x: 1 - ga.tanh(x) ** 2,
        lambda x: 1 - ga.sigmoid(x),
        lambda x: 1 - 1 / (1 + ga.exp(-x)),
        lambda x: ga.cos(x) - 1,
    ],
)
def test_cancellation_beside_a_number_is_no_false_alarm(make):
    x = ga.input("x", (64,))
    ga.compile([x], make(x), verify=[{"x": np.linspace(-9, 44, 64)}])


def test_places_that_overlap_are_joined_once():
    x = ga.input("x", (4,))
    made = x + ga.grad(ga.sum(x[0:2] ** 2) + ga.sum(x[1:2] ** 3) + ga.sum(x[2:4] ** 2), x)
    value = np.arange(1.0, 5.0)
    assert ga.compile([x], made)(value).tolist() == [3, 18, 9, 12]
