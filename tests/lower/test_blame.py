"""check_nan="blame": planted bad values are named with op and line; nothing that does no harm is blamed.

A planted case marks its guilty line with ``# bad: op``; it returns inputs, outputs and the values of a call.
"""

import inspect
import re

import numpy as np
import pytest

import graphad as ga
from graphad.errors import MAX_LINES, ArgumentError, NonFiniteError

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
V = np.array([1.0, 2.0, 3.0])


def vec(dtype="float64"):
    return ga.input("x", ("n",), dtype)


def mat(name="a", shape=(3, 3)):
    return ga.input(name, shape)


def log_of_zero():
    x = vec()
    y = ga.log(x)  # bad: log
    return [x], ga.sum(y * 2), [[1.0, 0.0]]


def log_of_negative():
    x = vec()
    return [x], ga.mean(ga.exp(-ga.log(x))), [[1.0, -1.0]]  # bad: log


def zero_by_zero():
    x, y = ga.input("x"), ga.input("y")
    q = x / y  # bad: divide
    return [x, y], q + 1, [0.0, 0.0]


def one_by_zero():
    x = vec()
    total = ga.sum(x)
    return [x], x / total, [[1.0, -1.0]]  # bad: divide


def difference_of_overflows():
    x = vec()
    e = ga.exp(x)  # bad: exp
    return [x], e - 2 * e, [[1.0, 1000.0]]


def overflow_in_exp():
    x = vec()
    h = ga.exp(x * 100)  # bad: exp
    return [x], ga.tanh(h) + h, [V * 5]


def overflow_in_sinh():
    x = vec()
    return [x], ga.sum(ga.sinh(x)), [[1e4, 0.0]]  # bad: sinh


def overflow_in_product():
    x = vec()
    y = ga.prod(x)  # bad: prod
    return [x], y, [np.full(5, 1e100)]


def overflow_in_sum():
    x = vec()
    y = ga.sum(x)  # bad: sum
    return [x], y - 1, [np.full(5, 1e308)]


def overflow_in_square():
    x = vec()
    y = ga.square(x)  # bad: square|multiply
    return [x], ga.sqrt(ga.sum(y)), [[1e200, 0.0]]


def overflow_in_power():
    x = vec()
    y = x**3.5  # bad: power
    return [x], ga.sum(y), [[1e200, 1.0]]


def power_of_negative():
    x = vec()
    y = x**0.3  # bad: power
    return [x], ga.sum(ga.cos(y)), [[-1.0, 1.0]]


def zero_to_negative_power():
    x, k = vec(), ga.input("k")
    y = x**k  # bad: power
    return [x, k], y * 2, [[0.0, 1.0], -1.0]


def root_of_negative():
    x = vec()
    y = ga.sqrt(x - 2)  # bad: sqrt
    return [x], ga.sum(y), [V]


def root_of_rounding():
    x = vec()
    variance = ga.mean(x * x) - ga.mean(x) ** 2 - 1e-9
    deviation = ga.sqrt(variance)  # bad: sqrt
    return [x], x / deviation, [[1.0, 1.0]]


def zero_deviation():
    x = vec()
    centered = x - ga.mean(x)
    y = centered / ga.std(x)  # bad: divide
    return [x], ga.sum(y * y), [[2.0, 2.0]]


def arccos_out_of_domain():
    x = vec()
    angle = ga.arccos(x)  # bad: arccos
    return [x], ga.sum(angle), [[0.5, 1.5]]


def arcsin_out_of_domain():
    x = vec()
    return [x], ga.arcsin(x * 2), [[0.1, 0.9]]  # bad: arcsin


def arctanh_at_one():
    x = vec()
    return [x], ga.arctanh(x), [[0.1, 1.0]]  # bad: arctanh


def arccosh_below_one():
    x = vec()
    y = ga.arccosh(x)  # bad: arccosh
    return [x], ga.reshape(y, (-1, 1)), [[2.0, 0.5]]


def log1p_below_minus_one():
    x = vec()
    y = ga.log1p(x)  # bad: log1p
    return [x], ga.max(y), [[2.0, -1.5]]


def solve_of_near_singular():
    a, b = mat(), mat("b", (3,))
    y = ga.linalg.solve(a, b)  # bad: solve
    return [a, b], ga.sum(y), [np.diag([1.0, 1.0, 1e-320]), V]


def overflow_in_determinant():
    a = mat()
    d = ga.linalg.det(a)  # bad: det
    return [a], 1 + d, [np.diag([1e200, 1e200, 1.0])]


def log_of_determinant():
    a = mat()
    _, d = ga.linalg.slogdet(a)  # bad: slogdet
    return [a], d * 2, [np.zeros((3, 3))]


def naive_softmax():
    x = vec()
    e = ga.exp(x)  # bad: exp
    return [x], (e / ga.sum(e)) + ga.sum(e), [[1000.0, 0.0]]


def naive_entropy():
    p = vec()
    terms = p * ga.log(p)  # bad: log
    return [p], -ga.sum(terms), [[0.5, 0.5, 0.0]]


def float32_overflow_in_exp():
    x = vec("float32")
    y = ga.exp(x)  # bad: exp
    return [x], ga.sum(y), [np.array([1.0, 100.0], np.float32)]


def float32_overflow_in_cast():
    x = vec()
    y = x.astype("float32")  # bad: astype
    return [x], ga.sum(y), [[1e39, 1.0]]


def float32_overflow_in_product():
    x = vec("float32")
    y = x * 1e30  # bad: multiply
    return [x], y - 1, [np.array([1e20, 1.0], np.float32)]


def float16_overflow_in_add():
    x = vec("float16")
    y = x + x[::-1]  # bad: add
    return [x], ga.sin(y), [np.array([6e4, 6e4], np.float16)]


def through_reshape_and_sum():
    x = ga.input("x", (2, 3))
    y = ga.log(x)  # bad: log
    z = ga.sum(ga.reshape(y.T, (6,)) * np.arange(6.0))
    return [x], ga.tanh(z) * z, [np.array([[1.0, 2, 3], [4, 0, 6]])]


def through_matmul():
    a, b = mat(), mat("b")
    h = ga.sqrt(a)  # bad: sqrt
    return [a, b], ga.mean((b @ h @ b) ** 2), [np.diag([1.0, -1.0, 1.0]), np.ones((3, 3))]


def overflow_in_matmul():
    a, b = mat(), mat("b")
    c = a @ b  # bad: matmul
    return [a, b], ga.sum(ga.tanh(c) + c), [np.full((3, 3), 1e200), np.full((3, 3), 1e200)]


def through_where():
    x = vec()
    bad = 1 / x  # bad: divide
    harmless = ga.log(x)
    return [x], ga.sum(ga.where(x > 1, harmless, bad)), [[2.0, 0.0]]


def through_gather_and_concatenate():
    x, k = vec(), ga.input("k", (2,), "int64")
    y = ga.log(x)  # bad: log
    z = ga.concatenate([ga.sqrt(x), y[k]])
    return [x, k], ga.cumsum(z), [[1.0, 0.0, 2.0], [2, 1]]


def one_of_two_elements():
    x = ga.input("x", (2,))
    e = ga.exp(x) * 0 + 1 / ga.exp(x)
    y = ga.log(x)  # bad: log
    return [x], ga.sum(y + e), [[1.0, 0.0]]


def harmless_infinity_beside():
    x = ga.input("x", (2,))
    small = 1 / ga.exp(x)
    y = ga.log(x - 1)  # bad: log
    return [x], y + small, [[1000.0, 1.0]]


def harmless_infinity_within():
    x, w = ga.input("x", (2,)), ga.input("w", (2,))
    e = ga.exp(x)
    v = ga.sqrt(w)  # bad: sqrt
    return [x, w], ga.where(e > 100, 0, e * v), [[1000.0, 1.0], [1.0, -1.0]]


def masked_row():
    x = vec()
    masked = ga.where(x > 0, x, -np.inf)
    shifted = masked - ga.max(masked)  # bad: subtract
    return [x], ga.exp(shifted), [[-1.0, -2.0]]


def in_scopes():
    x = vec()
    with ga.scope("encoder"), ga.scope("hidden"):
        h = ga.log(x)  # bad: log
    with ga.scope("decoder"):
        y = ga.tanh(h) + h
    return [x], y, [[0.0]]


def in_a_loop():
    x = y = ga.input("x")
    for _ in range(12):
        y = y**2  # bad: power|square|multiply
    return [x], y, [10.0]


def in_a_helper():
    def unit(v):
        return v / ga.sqrt(ga.sum(v * v))  # bad: divide

    x = vec()
    return [x], ga.sum(unit(x) * 2), [np.zeros(3)]


def in_a_composite():
    x = vec()
    y = ga.var(x, ddof=1)  # bad: divide
    return [x], y, [[1.0]]


def in_constants():
    x = ga.input("x", (3,))
    c = ga.log(ga.constant(np.zeros(3)))  # bad: log
    return [x], ga.sum(x * ga.exp(2 * c) + c), [V]


def nan_in_a_constant():
    x = ga.input("x", (3,))
    y = x * np.array([1.0, np.nan, 3.0])  # bad: constant
    return [x], ga.sum(y), [V]


def nan_in_an_argument():
    x = ga.input("x", (2,))  # bad: argument
    return [x], ga.sum(ga.log(x)), [[1.0, np.nan]]


def infinity_in_an_argument():
    x = vec()
    y = ga.input("y")  # bad: argument
    return [x, y], ga.sum(x - y), [V, np.inf]


def complex_overflow():
    z = ga.input("z", (2,), "complex128")
    w = ga.exp(z)  # bad: exp
    return [z], ga.sum(w.real), [np.array([1j, 1000 + 1j])]


def gamma_at_a_pole():
    x = vec()
    y = ga.special.gammaln(x)  # bad: gammaln
    return [x], ga.sum(y), [[1.0, 0.0]]


def through_fft():
    x = ga.input("x", (4,))
    y = ga.log(x)  # bad: log
    return [x], ga.abs(ga.fft.fft(y)), [[1.0, 0.0, 1.0, 1.0]]


def through_sort_and_scan():
    x = ga.input("x", (4,))
    y = 1 / x  # bad: divide
    return [x], ga.cumsum(ga.sort(y)), [[1.0, 0.0, 1.0, 1.0]]


def gradient_of_a_reciprocal():
    x = vec()
    y = 1 / x  # bad: divide
    return [x], ga.grad(ga.sum(y), x), [[1e-200, 1.0]]


def gradient_zero_times_infinity():
    x, w = vec(), ga.input("w", ("n",))
    y = ga.sinh(x)  # bad: cosh
    return [x, w], ga.grad(ga.sum(w * y), x), [[1000.0], [0.0]]


def gradient_through_a_chain():
    x, W = ga.input("x", (3,)), mat("W")
    u = W @ x
    with ga.scope("inverse"):
        y = 1 / u  # bad: divide
    return [x, W], ga.grad(ga.sum(ga.sin(y)), W), [V, 1e-200 * np.eye(3)]


def gradient_in_float32():
    x = vec("float32")
    y = x**4  # bad: power|multiply
    return [x], ga.grad(ga.sum(y) * 1e-10, x), [np.array([1e15, 1.0], np.float32)]


def gradient_singular_as_nan():
    x = vec()
    y = ga.sqrt(x)  # bad: divide
    return [x], ga.grad(ga.sum(y), x, singular="nan"), [[1.0, 0.0]]


def gradient_zero_by_zero():
    x = vec()
    norm = ga.sqrt(ga.sum(x * x))  # bad: divide
    return [x], ga.grad(norm, x, singular="nan"), [[0.0, 0.0]]


def second_gradient():
    x = vec()
    y = ga.log(x)  # bad: divide
    first = ga.grad(ga.sum(y), x)
    return [x], ga.grad(ga.sum(first), x), [[1e-200, 1.0]]


def second_gradient_of_a_power():
    x = vec()
    y = x**0.5  # bad: power
    first = ga.grad(ga.sum(y), x)
    return [x], ga.grad(ga.sum(first), x), [[1e-250, 1.0]]


PLANTED = [f for f in list(globals().values()) if inspect.isfunction(f) and "# bad: " in inspect.getsource(f)]


def guilty(case):
    """The ops and the line that a case marks."""
    lines, first = inspect.getsourcelines(case)
    at = next(k for k, line in enumerate(lines) if "# bad: " in line)
    return re.search(r"# bad: (.*)", lines[at]).group(1).split("|"), first + at


def blamed(case, optimize):
    """The error that the case ends in; None where rewriting has mended it."""
    inputs, outputs, values = case()
    try:
        result = ga.compile(inputs, outputs, optimize=optimize, check_nan="blame")(*values)
    except NonFiniteError as error:
        assert error.file == __file__
        assert len(str(error).splitlines()) <= MAX_LINES
        assert ("gradient" in case.__name__) == bool(error.forward)
        return error
    assert np.all(np.isfinite(result))
    return None


@pytest.mark.parametrize("case", PLANTED, ids=lambda f: f.__name__)
def test_planted_case_is_named(case):
    error, (ops, line) = blamed(case, "none"), guilty(case)
    assert error is not None
    assert (error.op in ops, error.line) == (True, line), str(error)


@pytest.mark.parametrize("case", PLANTED, ids=lambda f: f.__name__)
def test_planted_case_is_named_after_rewriting(case):
    """Rewriting may mend a case, or compute it by another op; where the op is the same, the line must be."""
    error, (ops, line) = blamed(case, "full"), guilty(case)
    rows, first = inspect.getsourcelines(case)
    lines = [line] if error and error.op in ops else range(first, first + len(rows))
    assert error is None or error.line in lines, str(error)


def test_most_planted_cases_are_named_after_rewriting():
    errors = {case: blamed(case, "full") for case in PLANTED}
    named = [case for case, e in errors.items() if e and e.op in guilty(case)[0] and e.line == guilty(case)[1]]
    assert len(PLANTED) >= 50
    assert len(named) >= 50, sorted(c.__name__ for c in set(PLANTED) - set(named))


x, w, k, a = ga.input("x", (3,)), ga.input("w", (3,)), ga.input("k", (3,), "int64"), ga.input("a", (3, 3))
positive, finite_w = ga.where(x > 0, x, 1), ga.isfinite(w)
HARMLESS = {  # of [-1, 0, 2], [nan, 1, inf], [1, 0, 2] and a singular matrix; intermediate values are bad, results not
    "masked log": ga.where(x > 0, ga.log(x), 0),
    "masked sqrt": ga.where(x >= 0, ga.sqrt(x), -1),
    "masked division": ga.where(ga.equal(x, 0), 1, 1 / x),
    "masked twice": ga.where(x > 1, ga.where(x > 0, ga.log(x - 1), 7), 0),
    "gradient of a masked log": ga.grad(ga.sum(ga.where(x > 0, ga.log(x), 0)), x),
    "gradient of a masked sqrt": ga.grad(ga.sum(ga.where(x >= 0, ga.sqrt(x), 0)), x),
    "gradient of a safe log": ga.grad(ga.sum(ga.where(x > 0, ga.log(positive), 0)), x),
    "second gradient": ga.grad(ga.sum(ga.grad(ga.sum(ga.where(x > 0, ga.log(x), 0)), x) ** 2), x),
    "reciprocal of infinity": 1 / ga.exp(1000 * ga.abs(x) + 800),
    "exp of minus infinity": ga.exp(ga.log(ga.maximum(x, 0))),
    "tanh of infinity": ga.tanh(ga.exp(1000 * x)),
    "arctan of infinity": ga.arctan(1 / ga.abs(x)),
    "minimum with infinity": ga.minimum(ga.exp(1000 * x), 5.0),
    "maximum with minus infinity": ga.maximum(ga.log(ga.abs(x)), -3.0),
    "clip of infinity": ga.clip(1 / ga.abs(x), 0, 10),
    "masked softmax": ga.nn.softmax(ga.where(x > 0, x, -np.inf)),
    "masked maximum": ga.max(ga.where(x < 0, -np.inf, x)),
    "masked logsumexp": ga.log(ga.sum(ga.exp(ga.where(x < 0, -np.inf, x)))),
    "comparison with nan": ga.where(w > 0, 1.0, 2.0),
    "isnan": ga.isnan(w),
    "isfinite as a number": ga.sum(finite_w.astype("float64")),
    "nan to num": ga.nan_to_num(ga.log(x), nan=0.0, neginf=-9.0),
    "argument masked": ga.where(finite_w, w, 0),
    "sum of a masked argument": ga.sum(ga.where(finite_w, w, 0) * x),
    "gradient of a masked argument": ga.grad(ga.sum(ga.where(finite_w, w, 0) ** 2), w),
    "not chosen elements": ga.log(ga.abs(x) + x)[2:],
    "gathered elements": ga.sqrt(x)[k],
    "place of the largest": ga.argmax(1 / ga.abs(x)),
    "sign": ga.sign(ga.exp(1000 * x)),
    "constant under a mask": ga.where(np.array([True, False, True]), np.array([1.0, np.nan, 2.0]), x),
    "branch under a constant mask": ga.where(np.array([False, False, True]), ga.log(x), 0),
    "power zero": ga.log(x) ** 0,
    "erf of infinity": ga.special.erf(ga.exp(1000 * x)),
    "sorted and cut": ga.sort(ga.log(ga.abs(x)))[1:],
    "diagonal of a product": ga.diag(ga.log(a))[0],
    "stopped": ga.stop_gradient(ga.where(x > 0, ga.log(x), 0)),
    "float32 overflow under a mask": ga.where(ga.equal(x, 0), (x * 1e39).astype("float32"), 1.0),
    "one over zero over": 1 / (1 / ga.abs(x)),
    "sigmoid": 1 / (1 + ga.exp(-1000 * x)),
    "heaviside": ga.where(x / ga.abs(x) > 0, 1.0, 0.0),
}
VALUES = {
    "x": [-1.0, 0.0, 2.0],
    "w": [np.nan, 1.0, np.inf],
    "k": [1, 1, 2],
    "a": np.array([[1.0, 0, 0], [0, 0, 0], [0, 0, 1]]),
}


@pytest.mark.parametrize("optimize", ["none", "full"])
@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_case_is_not_blamed(name, optimize):
    y = HARMLESS[name]
    inputs = [n for n in ga.Graph([x, w, k, a], y).users if "placeholder" in n.op.traits]
    values = [VALUES[n.name] for n in inputs]
    checked = ga.compile(inputs, y, optimize=optimize, check_nan="blame")(*values)
    np.testing.assert_array_equal(checked, ga.compile(inputs, y, optimize=optimize)(*values))


def test_harmless_cases_hold_bad_values_inside():
    from graphad.lower.interpret import interpret_all

    clean = []
    for name, y in HARMLESS.items():
        graph = ga.Graph([x, w, k, a], y)
        values = interpret_all(graph, [np.asarray(VALUES[n.name]) for n in graph.inputs])
        if all(np.all(np.isfinite(v)) for n, v in values.items() if n in graph.users and (n is y or graph.users[n])):
            clean.append(name)
    assert clean == []


def test_several_sources_are_told_apart_by_the_output():
    u, v = ga.input("u"), ga.input("v")
    good = ga.log(u)
    bad = ga.sqrt(v)
    f = ga.compile([u, v], {"good": good, "bad": bad}, check_nan="blame")
    assert float(f(1.0, 4.0)["bad"]) == 2.0
    with pytest.raises(NonFiniteError, match="bad = sqrt gave nan"):
        f(1.0, -4.0)
    with pytest.raises(NonFiniteError, match="good = log gave -inf"):
        f(0.0, 4.0)


def test_the_second_run_draws_the_same_numbers():
    u = ga.input("u", (1000,))
    noise = ga.random.standard_normal((1000,))
    y = ga.log(noise + u)
    f = ga.compile([u], ga.sum(y), check_nan="blame")
    for kind in (np.random.PCG64, np.random.MT19937, np.random.Philox):
        rng = np.random.Generator(kind(3))
        rng.random(7)
        least = float(ga.compile([u], ga.min(noise))(np.zeros(1000), rng=np.random.Generator(_copy(rng))))
        with pytest.raises(NonFiniteError, match="y = log gave nan") as caught:
            f(np.full(1000, 1.0), rng=rng)
        assert f"min {1 + least:.4g}," in str(caught.value)


def _copy(rng):
    bits = type(rng.bit_generator)()
    bits.state = rng.bit_generator.state
    return bits


def test_updates_are_checked_and_taken_back():
    p, rate = ga.parameter("p", (2,)), ga.input("rate")
    step = p * rate
    f = ga.compile([p, rate], [], updates={p: p - step}, check_nan="blame")
    value = np.array([1.0, 1e200])
    f(value, 0.5)
    np.testing.assert_array_equal(value, [0.5, 5e199])
    with pytest.raises(NonFiniteError, match="step = multiply gave inf"):
        f(value, 1e200)
    np.testing.assert_array_equal(value, [0.5, 5e199])


def test_several_results_of_one_op():
    matrix = ga.input("matrix", (2, 2))
    values, vectors = ga.linalg.eigh(matrix)
    y = ga.log(values)
    f = ga.compile([matrix], [ga.sum(y), vectors], check_nan="blame")
    with pytest.raises(NonFiniteError, match="y = log"):
        f(np.diag([1.0, -1.0]))
    with pytest.raises(NonFiniteError, match="argument matrix") as caught:
        f(np.full((2, 2), np.nan))
    assert caught.value.op == "argument"


def test_a_graph_cut_at_a_computed_node():
    u = ga.input("u", (2,))
    h = ga.log(u)
    f = ga.compile([h], ga.sum(h * 2), check_nan="blame")
    with pytest.raises(NonFiniteError, match=r"argument h\[1\] is -inf"):
        f([0.0, -np.inf])


def test_message_says_all_in_few_lines():
    inputs, outputs, values = gradient_of_a_reciprocal()
    with pytest.raises(NonFiniteError) as caught:
        ga.compile(inputs, outputs, check_nan="blame")(*values)
    text = str(caught.value)
    assert text.startswith("d_x is not finite: ")
    assert "divide gave -inf at [0]" in text
    assert "y = 1 / x  # bad: divide" in text
    assert "backward of" in text
    assert "made by vjp of divide" in text
    assert re.search(r"float64\[2\] +min .*, max .*, 0 nan, 1 inf", text)


def test_a_long_chain_is_traced():
    u = h = ga.input("u", (2,))
    start = ga.log(h)
    h = start
    for _ in range(3000):
        h = h + 1
    with pytest.raises(NonFiniteError, match="start = log"):
        ga.compile([u], h, optimize="none", check_nan="blame")([0.0, 1.0])


def test_check_nan_takes_known_words():
    with pytest.raises(ArgumentError, match="check_nan='raise' is not known"):
        ga.compile([x], x, check_nan="raise")
