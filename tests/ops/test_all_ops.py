"""Tables over ALL_OPS: an op is tested because it exists.

Types against what NumPy returns, vjp against differences, jvp against vjp, second order, every optimization against the
interpreter, and one declared fact per op.
"""

import numpy as np
import pytest
from support import all_calls, concrete, directional, run

import graphad as ga
from graphad.ir.core import Constant, Custom, Elementwise, Linear, Multilinear, Undefined
from graphad.ops import ALL_OPS
from graphad.ops.leaves import input as declare

CALLS = [pytest.param(op, case, id=name) for op, case, name in all_calls()]
SMOOTH = [  # a cast to float32 is tested by itself: differences of 1e-6 are not seen through it
    p
    for p in CALLS
    if p.values[1].attrs.get("dtype") != "float32"
    and not isinstance(p.values[0].derivative, (Constant, Undefined))
    and p.values[1].inputs
]
DTYPES = ["float64", "float32", "int64", "int32", "int8", "uint8", "bool"]


def tangents_like(call):
    return [declare(f"t{k}", x.shape) for k, x in enumerate(call.inputs)]


def test_every_op_with_operands_has_cases():
    without = [op.name for op in ALL_OPS if op.operands and not op.cases]
    assert without == ["item"]  # it is part of every case of an op with several results


def test_names_are_unique():
    assert len({op.name for op in ALL_OPS}) == len(ALL_OPS)


@pytest.mark.parametrize("op", ALL_OPS, ids=lambda op: op.name)
def test_facts(op):
    assert isinstance(op.derivative, (Elementwise, Linear, Multilinear, Custom, Constant, Undefined))
    assert op.__doc__.partition("\n")[0].endswith(".")
    names = [*op.operands, *([op.variadic] if op.variadic else []), *op.defaults]
    assert op.latex.format(**dict.fromkeys(names, "x"), **{f"{op.variadic}0": "x"}), op.latex


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("op", "case"), CALLS)
def test_type_is_what_numpy_returns(op, case, dtype):
    """The interpreter raises when a result is not of the declared type; refusing to build is NumPy's right."""
    try:
        call = concrete(op, case, dtype)
    except ga.GraphadError:
        refused = (
            {"negative", "subtract", "sign", "scatter_add", "power"} if dtype in ("bool", "uint8", "int8") else set()
        )
        assert op.name in refused, f"{op.name} refuses {dtype}"
        return
    values = [np.abs(v) + (np.asarray(1, v.dtype) if v.dtype != bool else v) for v in call.values]
    with np.errstate(all="ignore"):  # values may lie outside of the domain: types are the question here
        (result,) = ga.interpret(ga.Graph(call.inputs, call.result), values)
    assert result.dtype == call.result.dtype


@pytest.mark.parametrize("optimize", ["none", "basic", "full"])
@pytest.mark.parametrize(("op", "case"), CALLS)
def test_compiled_equals_interpreted(op, case, optimize):
    call = concrete(op, case)
    (expected,) = ga.interpret(ga.Graph(call.inputs, call.result), call.values)
    got = run(call, optimize)
    assert got.dtype == expected.dtype
    if optimize == "full":  # its rules may change rounding
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)
    else:
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(("op", "case"), SMOOTH)
def test_vjp_against_differences(op, case):
    call = concrete(op, case)
    rng = np.random.default_rng(1)
    y = run(call)
    w = rng.standard_normal(y.shape)
    cotangent = declare("w", call.result.shape)
    gradient = ga.compile([*call.inputs, cotangent], ga.vjp(call.result, call.inputs, cotangent))(*call.values, w)
    assert [g.shape for g in gradient] == [v.shape for v in call.values]
    f = ga.compile(call.inputs, call.result)
    for k in range(len(call.values)):
        v = [rng.standard_normal(x.shape) * (i == k) for i, x in enumerate(call.values)]
        numeric = np.sum(w * directional(f, call.values, v))
        exact = np.sum(gradient[k] * v[k])
        assert abs(numeric - exact) <= 2e-7 * (1 + abs(exact)), (op.name, k)


@pytest.mark.parametrize(("op", "case"), SMOOTH)
def test_jvp_is_adjoint_to_vjp(op, case):
    """⟨w, J v⟩ = ⟨Jᵀ w, v⟩ to rounding."""
    call = concrete(op, case)
    rng = np.random.default_rng(2)
    y = run(call)
    w = rng.standard_normal(y.shape)
    v = [rng.standard_normal(x.shape) for x in call.values]
    cotangent, tangents = declare("w", call.result.shape), tangents_like(call)
    tangent = ga.compile([*call.inputs, *tangents], ga.jvp(call.result, call.inputs, tangents))(*call.values, *v)
    gradient = ga.compile([*call.inputs, cotangent], ga.vjp(call.result, call.inputs, cotangent))(*call.values, w)
    left = np.sum(w * tangent)
    right = sum(np.sum(g * d) for g, d in zip(gradient, v, strict=True))
    assert abs(left - right) <= 1e-12 * (
        1 + abs(left) + sum(np.sum(np.abs(g * d)) for g, d in zip(gradient, v, strict=True))
    )


@pytest.mark.parametrize(("op", "case"), SMOOTH)
def test_second_order_against_differences_of_the_first(op, case):
    call = concrete(op, case)
    rng = np.random.default_rng(3)
    w = rng.standard_normal(run(call).shape)
    weight, tangents = declare("w", call.result.shape), tangents_like(call)
    loss = ga.sum(call.result * weight)
    first = ga.compile([*call.inputs, weight], ga.grad(loss, call.inputs))
    v = [rng.standard_normal(x.shape) for x in call.values]
    second = ga.compile([*call.inputs, weight, *tangents], ga.hvp(loss, call.inputs, tangents))(*call.values, w, *v)
    for k, exact in enumerate(second):
        numeric = directional(lambda *a, k=k: first(*a, w)[k], call.values, v)
        np.testing.assert_allclose(exact, numeric, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize(("op", "case"), SMOOTH)
def test_float32_stays_float32_through_gradients(op, case):
    call = concrete(op, case, "float32")
    loss = ga.sum(call.result)
    if call.result.dtype != np.float32:
        return  # a cast to another dtype
    for g, x in zip(ga.grad(loss, call.inputs), call.inputs, strict=True):
        assert g.type == x.type
        assert ga.compile(call.inputs, g)(*call.values).dtype == np.float32


@pytest.mark.parametrize(
    "op", [op for op in ALL_OPS if isinstance(op.derivative, Constant) and op.operands], ids=lambda op: op.name
)
def test_constant_ops_give_typed_zeros(op):
    call = concrete(op, op.cases[0])
    y = ga.sum(call.result.astype("float64"))
    for g, v in zip(ga.grad(y, call.inputs), call.values, strict=True):
        np.testing.assert_array_equal(ga.compile(call.inputs, g)(*call.values), np.zeros_like(v))


def test_undefined_derivative_quotes_its_reason():
    from dataclasses import replace

    op = replace(ga.tanh, name="opaque", derivative=Undefined("it is a test"))
    x = declare("x", (3,))
    with pytest.raises(ga.errors.DifferentiationError, match="it is a test"):
        ga.grad(ga.sum(op(x)), x)
