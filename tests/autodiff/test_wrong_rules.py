"""The tests are tested: planted wrong rules must be caught by the comparisons that the tables use."""

from dataclasses import replace

import numpy as np
import pytest
from support import concrete, directional, run

import graphad as ga
from graphad.ir.core import Case, Custom, Elementwise, Linear, Multilinear
from graphad.ops import reduce

WRONG = {
    "sign": replace(ga.sin, derivative=Elementwise(lambda x, out: (-ga.cos(x),))),
    "factor": replace(ga.square, derivative=Elementwise(lambda x, out: (x,))),
    "missing inner": replace(ga.tanh, derivative=Elementwise(lambda x, out: (1 - ga.square(x),))),
    "swapped": replace(ga.multiply, derivative=Multilinear(lambda g, x, y: (g * x, g * y))),
    "forgotten use": replace(ga.add, derivative=Linear(lambda g, x, y: (g, None))),
    "not transposed": replace(
        ga.transpose, derivative=Linear(lambda g, x, axes: (ga.reshape(g, x.shape),)), cases=(Case((2, 3)),)
    ),
    "mean without count": replace(
        reduce.mean,
        derivative=Linear(lambda g, x, axis, dtype, keepdims: (ga.broadcast_to(g, x.shape),)),
        cases=(Case((2, 3)),),
    ),
    "max to all": replace(
        reduce.max,
        derivative=Custom(lambda g, out, x, axis, keepdims: (ga.broadcast_to(g, x.shape),)),
        cases=(Case((2, 3)),),
    ),
    "power of exponent": replace(ga.power, derivative=Elementwise(lambda x, y, out: (y * x ** (y - 1), out))),
}


@pytest.mark.parametrize("name", WRONG)
def test_differences_catch_it(name):
    op = WRONG[name]
    call = concrete(op, op.cases[0])
    rng = np.random.default_rng(1)
    w = rng.standard_normal(run(call).shape)
    gradient = ga.compile(call.inputs, ga.vjp(call.result, call.inputs, w))(*call.values)
    f = ga.compile(call.inputs, call.result)
    worst = 0.0
    for k in range(len(call.values)):
        v = [rng.standard_normal(x.shape) * (i == k) for i, x in enumerate(call.values)]
        numeric = np.sum(w * directional(f, call.values, v))
        worst = max(worst, abs(numeric - np.sum(gradient[k] * v[k])) / (1 + abs(numeric)))
    assert worst > 1e-3


def test_a_jvp_that_contradicts_its_vjp_is_caught():
    op = replace(
        ga.exp,
        derivative=Custom(lambda g, out, x: (g * out,), lambda tangents, out, x: tangents[0] * (out + 1)),
    )
    call = concrete(op, Case((3,)))
    rng = np.random.default_rng(2)
    w, v = rng.standard_normal(3), rng.standard_normal(3)
    tangent = ga.compile(call.inputs, ga.jvp(call.result, call.inputs, [v]))(*call.values)
    gradient = ga.compile(call.inputs, ga.vjp(call.result, call.inputs, w))(*call.values)
    assert abs(np.sum(w * tangent) - np.sum(gradient[0] * v)) > 1e-3
