"""grad, vjp, jvp, hvp, jacobian, hessian: values, names, sharing, activity, errors."""

import numpy as np
import pytest

import graphad as ga
from graphad.errors import DifferentiationError
from graphad.ops.elementwise import sum_n


def value(inputs, node, *values):
    return ga.compile(inputs, node)(*values)


def test_any_order_by_repetition():
    t = ga.input("t")
    d, seen = ga.sin(t), []
    for _ in range(6):
        d = ga.grad(d, t)
        seen.append(float(value([t], d, 0.3)))
    s, c = np.sin(0.3), np.cos(0.3)
    np.testing.assert_allclose(seen, [c, -s, -c, s, c, -s], rtol=1e-14)


def test_a_node_for_a_node_and_a_list_for_a_list():
    x, y = ga.input("x"), ga.input("y")
    assert isinstance(ga.grad(x * y, x), ga.Node)
    assert isinstance(ga.grad(x * y, [x]), list)
    assert len(ga.grad(x * y, (x, y))) == 2


def test_shared_parameter_sums_once_with_one_labelled_edge_per_use():
    x, W = ga.input("x", (2, 3)), ga.parameter("W", (3, 3))
    h = x @ W
    for _ in range(3):
        h = h @ W
    d_W = ga.grad(ga.sum(h), W)
    assert d_W.op is sum_n
    assert len(d_W.inputs) == 4
    assert d_W.origin.uses == ("h = matmul · y",) * 4
    assert d_W.name == "d_W"
    assert d_W.origin.adjoint_of is W.origin


def test_adjoints_are_named_after_what_they_belong_to():
    x, w = ga.input("x", (3,)), ga.parameter("w", (3,))
    hidden = ga.tanh(x * w)
    loss = ga.sum(hidden)
    graph = ga.Graph([x, w], [ga.grad(loss, w)])
    names = {n.name for n in graph.nodes}
    assert {"d_hidden", "d_w"} <= names
    for node in graph.backward:
        assert node.origin.adjoint_of is not None
        assert node.origin.location.startswith("test_transforms.py:")


def test_unconnected_input_gets_typed_zeros():
    x, y = ga.input("x", (2,)), ga.input("y", ("n", 3), dtype="float32")
    d_y = ga.grad(ga.sum(x), y)
    assert d_y.type == y.type
    assert d_y.name == "d_y"
    out = value([x, y], d_y, np.ones(2), np.ones((4, 3), np.float32))
    np.testing.assert_array_equal(out, np.zeros((4, 3), np.float32))


def test_gradient_with_respect_to_an_intermediate_value():
    x = ga.input("x", (3,))
    h = ga.exp(x)
    d_h, d_x = ga.grad(ga.sum(h * h), [h, x])
    got_h, got_x = value([x], [d_h, d_x], [0.0, 1.0, 2.0])
    np.testing.assert_allclose(got_h, 2 * np.exp([0, 1, 2]))
    np.testing.assert_allclose(got_x, 2 * np.exp([0, 2, 4]))


def test_stop_gradient_blocks_and_keeps_the_value():
    x = ga.input("x")
    y = x * ga.stop_gradient(x)
    assert [float(v) for v in value([x], [y, ga.grad(y, x)], 3.0)] == [9.0, 3.0]


def test_no_gradient_flows_through_integers():
    x = ga.input("x", (3,))
    y = ga.sum(x.astype("int64").astype("float64") * x)
    np.testing.assert_array_equal(value([x], ga.grad(y, x), [1.5, 2.5, 3.5]), [1.0, 2.0, 3.0])


@pytest.mark.parametrize("optimize", ["none", "full"])
def test_masked_branch_sends_no_nan_back(optimize):
    x = ga.input("x", (3,))
    y = ga.sum(ga.where(x > 0, ga.sqrt(ga.where(x > 0, x, 1)), 0))
    z = ga.sum(ga.where(x > 0, ga.log(x), 0))
    f = ga.compile([x], ga.grad(y, x), optimize=optimize)
    g = ga.compile([x], ga.grad(z, x), optimize=optimize)
    np.testing.assert_array_equal(f([-1.0, 0.0, 4.0]), [0, 0, 0.25])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(g([-1.0, 0.0, 4.0]), [0, 0, 0.25])


@pytest.mark.parametrize(
    ("f", "at", "slope"),
    [
        (ga.relu, 0.0, 0.0),
        (ga.abs, 0.0, 0.0),
        (ga.sign, 0.0, 0.0),
        (lambda x: ga.maximum(x, 1.0), 1.0, 0.5),
        (lambda x: ga.minimum(x, 1.0), 1.0, 0.5),
        (lambda x: ga.clip(x, -1.0, 1.0), 1.0, 1.0),
        (lambda x: ga.clip(x, -1.0, 1.0), -1.0, 1.0),
        (lambda x: ga.clip(x, -1.0, 1.0), 1.1, 0.0),
        (lambda x: x**0, 0.0, 0.0),
        (lambda x: x**1, 0.0, 1.0),
        (lambda x: x**2, 0.0, 0.0),
        (ga.floor, 0.5, 0.0),
    ],
)
def test_convention_at_a_kink(f, at, slope):
    x = ga.input("x")
    assert float(value([x], ga.grad(f(x), x), at)) == slope


@pytest.mark.parametrize("reduce", [ga.max, ga.min])
def test_ties_share_equally(reduce):
    x = ga.input("x", (4,))
    np.testing.assert_array_equal(value([x], ga.grad(reduce(x), x), [2.0, 2.0, 2.0, 2.0]), [0.25] * 4)


def test_prod_is_exact_where_factors_are_zero_at_second_order():
    x = ga.input("x", (4,))
    at = [2.0, 0.0, 3.0, 0.0]
    first = ga.grad(ga.prod(x), x)
    np.testing.assert_array_equal(value([x], first, at), [0, 0, 0, 0])
    second = value([x], ga.hessian(ga.prod(x), x), at)
    expected = np.zeros((4, 4))
    expected[1, 3] = expected[3, 1] = 6.0
    np.testing.assert_array_equal(second, expected)
    z = ga.input("z", ("n",))
    np.testing.assert_array_equal(value([z], ga.grad(ga.prod(z), z), [2.0, 0.0, 3.0]), [0, 6, 0])


def test_put_gives_the_gradient_to_the_value_that_stayed():
    x, v = ga.input("x", (3,)), ga.input("v", (3,))
    y = x.at[np.array([1, 1, 0])].set(v)
    d_x, d_v = ga.grad(ga.sum(y * np.array([1.0, 10.0, 100.0])), [x, v])
    got = value([x, v], [y, d_x, d_v], [1.0, 2.0, 3.0], [7.0, 8.0, 9.0])
    np.testing.assert_array_equal(got[0], [9, 8, 3])
    np.testing.assert_array_equal(got[1], [0, 0, 100])
    np.testing.assert_array_equal(got[2], [0, 10, 1])


def test_hessian_of_rosenbrock_and_hvp_agree():
    x = ga.input("x", (4,))
    a, b = x[1:], x[:-1]
    f = ga.sum(100 * (a - b * b) ** 2 + (1 - b) ** 2)
    v = np.array([1.0, -2.0, 0.5, 3.0])
    H, hv = value([x], [ga.hessian(f, x), ga.hvp(f, x, v)], [0.5, -1.0, 2.0, 0.1])
    np.testing.assert_allclose(H, H.T)
    np.testing.assert_allclose(H @ v, hv, rtol=1e-13)
    assert H[0, 0] == pytest.approx(1200 * 0.25 - 400 * -1.0 + 2)


def test_jacobian_has_the_shape_of_output_then_input():
    x, W = ga.input("x", (3,)), np.arange(6.0).reshape(2, 3)
    y = ga.tanh(W @ x)
    J = value([x], ga.jacobian(y, x), [0.1, 0.2, 0.3])
    z = W @ [0.1, 0.2, 0.3]
    np.testing.assert_allclose(J, (1 - np.tanh(z) ** 2)[:, None] * W, rtol=1e-14)


def test_deep_chain_differentiates():
    x = ga.input("x")
    y = x
    for _ in range(20_000):
        y = y * 1.0001
    d = float(value([x], ga.grad(y, x), 1.0))
    assert d == pytest.approx(1.0001**20_000, rel=1e-10)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x, n: ga.grad(x, x), "grad needs a scalar"),
        (lambda x, n: ga.grad(ga.sum(x), n), "no derivative"),
        (lambda x, n: ga.grad(ga.sum(n), x), "real floating"),
        (lambda x, n: ga.vjp([x], [x], [1.0, 2.0]), "2 cotangents for 1"),
        (lambda x, n: ga.vjp([x], [x], [np.ones(5)]), "has shape"),
        (lambda x, n: ga.jacobian(ga.input("m", ("k",)) * 2, x), "named sizes"),
        (lambda x, n: ga.grad(3.0, x), "must be graphad nodes"),
    ],
)
def test_bad_requests(make, message):
    x, n = ga.input("x", (3,)), ga.input("n", (3,), dtype="int64")
    with pytest.raises(ga.GraphadError, match=message) as caught:
        make(x, n)
    assert len(str(caught.value).splitlines()) <= 12


def test_rule_with_a_wrong_shape_is_named():
    from dataclasses import replace

    from graphad.ir.core import Linear

    wrong = replace(ga.negative, name="wrong_negative", derivative=Linear(lambda g, x: (ga.sum(g),)))
    x = ga.input("x", (3,))
    with pytest.raises(DifferentiationError, match="wrong_negative"):
        ga.grad(ga.sum(wrong(x)), x)
