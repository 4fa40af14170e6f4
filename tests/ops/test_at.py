"""Functional updates and scatter-add: against NumPy's ufunc.at and differences, with places named several times."""

import numpy as np
import pytest
from support import directional

import graphad as ga
from graphad.ops.helpers import scatter_add

RNG = np.random.default_rng(0)
X, V = RNG.standard_normal((3, 2)), RNG.standard_normal((4, 2))
TWICE = np.array([0, 2, 2, -1])
UPDATES = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "min": np.minimum,
    "max": np.maximum,
}


def base(name):
    return np.abs(X) if name == "power" else X


@pytest.mark.parametrize("known", [True, False], ids=["constant index", "index given at the call"])
@pytest.mark.parametrize("name", UPDATES)
@pytest.mark.parametrize("places", [TWICE, np.array([2, 0, 1, 0])[:3], np.array([[0, 1], [1, 1]])], ids=str)
def test_update_counts_every_value(name, places, known):
    values = RNG.standard_normal((*places.shape, 2))
    x, v = ga.input("x", X.shape), ga.input("v", values.shape)
    i = ga.constant(places) if known else ga.input("i", places.shape, dtype="int64")
    out = getattr(x.at[i], name)(v)
    weights = np.arange(1.0, 7).reshape(3, 2)
    loss = ga.sum(out * weights)
    inputs = [x, v] if known else [x, v, i]
    extra = [] if known else [places]
    f = ga.compile(inputs, [out, *ga.grad(loss, [x, v])])
    got, *gradients = f(base(name), values, *extra)
    want = base(name).copy()
    UPDATES[name].at(want, places, values)
    np.testing.assert_allclose(got, want, rtol=1e-13)
    directions = [RNG.standard_normal(X.shape), RNG.standard_normal(values.shape)]
    slope = sum(np.sum(g * d) for g, d in zip(gradients, directions, strict=True))
    value = ga.compile(inputs, loss)
    numeric = directional(lambda a, b: value(a, b, *extra), [base(name), values], directions)
    np.testing.assert_allclose(slope, numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", UPDATES)
def test_update_of_a_slice_of_a_named_axis(name):
    x, v = ga.input("x", ("n", 2)), ga.input("v", (2,))
    got = ga.compile([x, v], getattr(x.at[1:], name)(v))(base(name), V[0])
    want = base(name).copy()
    want[1:] = UPDATES[name](want[1:], V[0])
    np.testing.assert_allclose(got, want, rtol=1e-13)


def test_products_with_zeros_are_exact_to_second_order():
    v = ga.input("v", (3,))
    x = ga.ones((2,)).at[[0, 0, 1]].multiply(v)
    hessian = ga.compile([v], ga.hessian(x[0], v))(np.zeros(3))
    np.testing.assert_array_equal(hessian, [[0, 1, 0], [1, 0, 0], [0, 0, 0]])


def test_the_last_value_that_is_set_gets_the_gradient():
    v = ga.input("v", (3,))
    y = ga.zeros((2,)).at[[1, 1, 0]].set(v)
    got = ga.compile([v], [y, ga.grad(ga.sum(y * [1.0, 10.0]), v)])([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(got[0], [3, 2])
    np.testing.assert_array_equal(got[1], [0, 10, 1])


def test_equal_new_values_share_nothing_twice():
    x, v = ga.input("x", (1,)), ga.input("v", (2,))
    gx, gv = ga.compile([x, v], ga.grad(ga.sum(x.at[[0, 0]].max(v)), [x, v]))([1.0], [5.0, 5.0])
    assert gx == 0
    assert np.sum(gv) == 1


@pytest.mark.parametrize(
    ("update", "text"),
    [
        (lambda x: x.at[0].set(1.5), "float64 values do not fit"),
        (lambda x: x.at[0].divide(2), "do not fit"),
        (lambda x: x.at[0].add(ga.ones((3,))), "values of shape"),
    ],
)
def test_values_that_do_not_fit_are_refused(update, text):
    with pytest.raises(ga.GraphadError, match=text):
        update(ga.input("x", (3, 2), dtype="int64"))


INDICES = [
    ((5, 3), np.array([0, 2, 2, -1])),
    ((5,), np.array([0, 2, 2, -1])),
    ((5, 3), np.s_[:, np.array([0, 0, 2])]),
    ((5, 3), np.array([], int)),
    ((5,), np.array([], int)),
    ((0, 3), np.array([], int)),
    ((5, 0), np.array([1, 1])),
    ((5, 3), np.array([[1, 1], [0, 4]])),
    ((5, 3, 2), np.array(2)),
    ((5, 3), np.s_[np.array([1, 1, -4]), np.array([0, 0, -3])]),
    ((2, 3), np.array([0, 1, 1, -2])),  # more values than places
    ((90, 3), np.array([0, 89, 89, -90])),
    ((3, 2, 700), np.array([0, 2, 2, -1])),  # many values for few places
    ((12, 500), np.arange(1, 13).reshape(3, 4) % 3 - 2),
    ((13, 500), np.arange(1, 13).reshape(3, 4) % 3 - 2),
]


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "uint8", "bool", "complex64"])
@pytest.mark.parametrize(("shape", "places"), INDICES, ids=str)
def test_scatter_add_is_add_at(shape, places, dtype):
    values = (abs(RNG.standard_normal(np.zeros(shape)[places].shape)) * 5).astype(dtype)
    want = np.zeros(shape, dtype)
    np.add.at(want, places, values)
    got = scatter_add(values, places, shape)
    assert got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=2e-3 if dtype == "float16" else 1e-6)


@pytest.mark.parametrize("places", [4, 12, 13, 5000])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e308])
def test_scatter_add_keeps_bad_rows_to_themselves(bad, places):
    values = np.ones((9, 500))
    values[2:4, 7] = bad
    with np.errstate(over="ignore"):
        got = scatter_add(values, np.array([0, 1, 2, 2, 1, 0, -1, -1, -1]), (places, 500))
        row = np.full(500, 2.0)
        row[7] = bad + bad
    np.testing.assert_array_equal(got[:3], [np.full(500, 2.0), np.full(500, 2.0), row])
    np.testing.assert_array_equal(got[-1], np.full(500, 3.0))


@pytest.mark.parametrize("shape", [(3,), (3, 2), (3, 2000), (50, 2)])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_scatter_add_does_not_lose_small_values(dtype, shape):
    values = np.full((5000, *shape[1:]), 1 / 3, dtype)
    got = scatter_add(values, np.full(5000, 1), shape)
    np.testing.assert_allclose(got[1], 5000 * float(values.flat[0]), rtol=2e-4 if dtype == "float32" else 1e-3)


@pytest.mark.parametrize("shape", [(3, 2000), (100, 40), (7, 9, 8)])
def test_scatter_add_takes_values_that_lie_in_any_order(shape):
    places = RNG.integers(-shape[0], shape[0], 60)
    values = np.moveaxis(RNG.standard_normal((*shape[1:], 60)), -1, 0)
    want = np.zeros(shape)
    np.add.at(want, places, values)
    np.testing.assert_allclose(scatter_add(values, places, shape), want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("places", [np.array([0, 5]), np.s_[np.array([0, -4]), np.array([1, 0])]])
def test_scatter_add_beyond_the_end_raises(places):
    with pytest.raises(IndexError):
        scatter_add(np.ones(np.zeros((9, 2))[places].shape), places, (3, 2))
