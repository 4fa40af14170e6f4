"""The other forms of an op: what SymPy and LaTeX see must say the same as the NumPy form."""

import numpy as np
import pytest
import sympy as sp
from support import sample

import graphad as ga
from graphad.ir.core import Domain, Elementwise, Multilinear, Op
from graphad.ops import ALL_OPS

SCALAR = [
    op
    for op in ALL_OPS
    if isinstance(op.derivative, Elementwise) or (isinstance(op.derivative, Multilinear) and op.name == "multiply")
]


def scalars(op: Op, seed: int) -> list[float]:
    rng = np.random.default_rng(seed)
    domains = op.domain or (Domain(),)
    return [float(sample((), domains[min(k, len(domains) - 1)], rng)) for k in range(len(op.operands))]


def symbolic_value(op: Op, values: list[float], attrs: dict) -> complex:
    return complex(sp.N(op.sympy(sp, *[sp.Float(v, 40) for v in values], **attrs), 20))


@pytest.mark.parametrize("op", SCALAR, ids=lambda op: op.name)
def test_sympy_form_has_the_values_of_the_numpy_form(op):
    for seed in range(3):
        values = scalars(op, seed)
        inputs = [ga.input(f"x{k}", ()) for k in range(len(values))]
        attrs = dict(op.cases[0].attrs) if op.cases else {}
        got = complex(ga.compile(inputs, op(*inputs, **attrs))(*values))
        assert got == pytest.approx(symbolic_value(op, values, attrs), rel=1e-9, abs=1e-12)


def test_a_wrong_sympy_form_is_caught():
    assert symbolic_value(ga.sin, [0.3], {}) != pytest.approx(float(np.cos(0.3)))


def test_an_op_without_a_form_is_an_undefined_function():
    x = sp.Symbol("x")
    sort = next(op for op in ALL_OPS if op.name == "sort")
    assert str(sort.sympy(sp, x)) == "sort(x)"


@pytest.mark.parametrize("op", ALL_OPS, ids=lambda op: op.name)
def test_latex_names_every_operand_and_balances_braces(op):
    names = [*op.operands, *([op.variadic] if op.variadic else [])]
    text = op.latex.format(**{n: f"<{n}>" for n in [*names, *op.defaults]})
    assert text.count("{") == text.count("}")
    for n in names:
        assert f"<{n}>" in text, text
