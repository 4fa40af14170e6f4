"""Small arrays and numbers in the fast style: Python floats, joined parts, small products; the bits of plain NumPy."""

import re
from itertools import product

import numpy as np
import pytest

import graphad as ga
from graphad.lower.fast import direct
from graphad.lower.interpret import interpret

rng = np.random.default_rng(0)
A = ga.input("A", (3, 3))
x, y, z = (ga.input(name) for name in "xyz")
v = ga.input("v", (4,))
SPECIAL = [0.0, -0.0, 1.5, -2.0, 1e300, -1e300, 1e-320, np.inf, -np.inf, np.nan]


def same(inputs, outputs, *values):
    """The fast function, whose results are arrays and the bits that the interpreter gives for its graph."""
    f = ga.compile(inputs, outputs)
    with np.errstate(all="ignore"):
        found, expected = f(*values), interpret(f.graph, values)
    for got, want, node in zip(found, expected, f.graph.outputs, strict=True):
        assert isinstance(got, np.ndarray)
        assert got.dtype == node.dtype
        assert got.shape == np.shape(want)
        assert np.array_equal(got, want, equal_nan=True), (got, want)
        bits, expected_bits = (np.where(np.isnan(a), 0, a).tobytes() for a in (got, want))
        assert bits == expected_bits  # -0.0 too
    return f


def entries(count, of=A, width=3):
    return [of[divmod(k, width)] for k in range(count)]


def test_elements_are_read_from_a_list_and_stay_floats():
    a, b, c, d = entries(4)
    f = same([A], [a * b - c * d + 2, ga.stack([a + b, c - d])], np.arange(9.0).reshape(3, 3) / 7)
    assert "A_list = A.tolist()" in f.source
    assert "A_list[0][2]" in f.source
    assert "A[" not in f.source
    assert "np.array([" in f.source


def test_few_elements_of_a_large_array_are_read_alone():
    large, named = ga.input("large", (100, 10)), ga.input("named", ("n",))
    a, b = large[3, -1], named[-2]
    f = same([large, named], [a * b + a * 3 - b], np.arange(1000.0).reshape(100, 10) / 3, np.arange(5.0))
    assert "large.item(3, -1)" in f.source
    assert "named.item(-2)" in f.source
    assert "tolist" not in f.source


def test_numbers_given_as_arrays_are_taken_out_once():
    f = same([x, y, v], [x * y + x - y / 3, v * x], np.array(2.5), np.array(-0.5), np.arange(4.0))
    assert f.source.count("float(x)") == 1
    assert "v * x " in f.source  # beside an array the array without axes is quicker
    assert float(f(2, 1, np.zeros(4))[0]) == 2 + 2 - 1 / 3


def test_an_input_that_is_updated_keeps_its_name():
    step = ga.compile([x, y], x * y + x * x - y, updates={x: x * y + 3 * x - y})
    value = np.array(2.0)
    assert step(value, 5.0) == 10 + 4 - 5
    assert value == 10 + 6 - 5


@pytest.mark.parametrize("make", [
    lambda a, b: (a + b) * a - b,
    lambda a, b: a / b + a * b - a,
    lambda a, b: (a + 1) / (b - b) + a * b,
    lambda a, b: 1 / b + a * b + b,
    lambda a, b: a * b / 3 - a / 1e-300 + b,
    lambda a, b: abs(a * b) - abs(a) + b,
    lambda a, b: ga.where(a * b < a, a + b, b * b) * a,
    lambda a, b: ga.where(a == b, 0, a - b) * ga.where(~(a < b), 2, a) + b,
    lambda a, b: ga.where(a < b, 1.0, 0.0) * b - ga.where(a < b, -0.0, np.inf) / ga.where(b > a, 0.0, 2.0) + a * b,
    lambda a, b: ga.where((a > 0) & (b >= a), a * b, -b) + a * b - 1,
    lambda a, b: (a * b - 1) ** 3 + (a + b - 2) ** b,
    lambda a, b: (a * b + a - 1) // b + (a * b) % (b + 1),
    lambda a, b: ga.sin(a * b + 1) * b - ga.exp(a + b - 3),
    lambda a, b: ga.maximum(a * b, a + b) - ga.minimum(a, b - 1),
    lambda a, b: ga.sqrt(a * b - 1) + ga.sign(a - b) * b,
    lambda a, b: (a * b + a - b).astype("float32") * ga.constant(np.float32(0.1)),
    lambda a, b: (a * b + a > b).astype("int64") - 1,
    lambda a, b: ga.sum(ga.stack([a * b, a + b, -a]) * v[1:]) + a * b,
    lambda a, b: (a * b + a - b).reshape(1),
    lambda a, b: ga.broadcast_to(a * b + a - b, (2, 3)),
    lambda a, b: v * (a * b + a - b) + (a - b),
    lambda a, b: ga.sigmoid(a * b - a) + ga.softplus(b),
    lambda a, b: (a * b + a - b)[None],
    lambda a, b: a.astype("complex128") * (a * b + a - b),
    lambda a, b: (a * b - a + b) * ga.arange(3),
])  # fmt: skip
def test_every_use_of_a_float_has_numpys_value(make):
    values = np.array([0.5, -1.25, 0.0, 3.0])
    out = make(A[0, 0], A[0, 1])
    for pair in [(0.3, 0.7), (-1.5, 2.0), *product(SPECIAL, SPECIAL)]:
        given = np.zeros((3, 3))
        given[0, :2] = pair
        same([A, v], [out, A[0, 0] * A[0, 1] - A[0, 0]], given, values)


@pytest.mark.parametrize("dtype", ["float32", "int64", "int8", "complex128"])
def test_other_dtypes_keep_their_arithmetic(dtype):
    B = ga.input("B", (2, 2), dtype)
    a, b, c, d = entries(4, B, 2)
    f = same([B], [a * b * c * d + a - b, ga.stack([a * d, b * c])], np.array([[100, 77], [55, 33]], dtype))
    assert "tolist" not in f.source
    assert "item(" not in f.source


def test_a_float_beside_another_dtype_counts_as_float64():
    single, whole = ga.input("single", (3,), "float32"), ga.input("whole", (3,), "int64")
    s = A[0, 0] * A[0, 1] + A[0, 2] - A[1, 0]
    values = [np.arange(9.0).reshape(3, 3) / 7, np.float32([0.1, 0.2, 0.3]), np.arange(3)]
    same([A, single, whole], [single.astype("float64") * s, whole * s, single[0].astype("float64") * s], *values)


def test_gradients_of_many_scalars():
    total = entries(9)
    loss = sum(total[k] * total[(k + 2) % 9] / total[(k + 5) % 9] for k in range(9))
    f = same([A], [loss, ga.grad(loss, A)], rng.random((3, 3)))
    assert re.search(r"np\.array\(\[\[|np\.array\(\[", f.source)
    assert "np.stack" not in f.source


def test_matrices_of_scalars_by_rows_and_by_columns():
    a = [2 * e for e in entries(6)]
    rows, columns = [ga.stack(a[:3]), ga.stack(a[3:])], [ga.stack(a[1:4]), ga.stack(a[2:5])]
    f = same([A], [ga.stack(rows), ga.stack(columns, axis=1)], rng.random((3, 3)))
    assert f.source.count("np.array([[") == 2
    kept = ga.stack(a[:3])  # a result as well: it has its own line
    same([A], [ga.stack([kept, ga.stack(a[3:])]), kept], rng.random((3, 3)))


@pytest.mark.parametrize(
    ("shape", "axis"), [((2, 3), 0), ((2, 3), 1), ((2, 3), 2), ((3,), 0), ((3,), 1), ((0,), 0), ((0,), 1)]
)
def test_parts_are_joined_as_np_stack_does(shape, axis):
    p, q = ga.input("p", shape), ga.input("q", shape)
    f = same([p, q], [ga.stack([p, q, p * q], axis=axis)], rng.random(shape), rng.random(shape))
    assert f(np.ones(shape), np.ones(shape))[0].flags.c_contiguous


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "int64"])
@pytest.mark.parametrize(
    "sizes", [(4, 4, 4), (2, 3, 5), (1, 4, 4), (4, 1, 4), (4, 4, 1), (0, 3, 2), (2, 0, 3), (33, 4, 4)]
)
def test_small_products(sizes, dtype):
    m, k, n = sizes
    p, q = ga.input("p", (m, k), dtype), ga.input("q", (n, k), dtype)
    values = [(9 * rng.random(s)).astype(dtype) for s in ((m, k), (n, k))]
    f = same([p, q], [p @ q.T, ga.sin(p) @ ga.cos(q).T if dtype != "int64" else (p + 1) @ q.T], *values)
    assert (".dot(" in f.source) == (dtype != "int64" and min(sizes) > 1 and max(sizes) <= direct.FEW)


def test_few_operations_are_left_as_they_are():
    f = same([A], [A[0, 0] * A[0, 1]], np.ones((3, 3)))
    assert "A[0, 0] * A[0, 1]" in f.source
    assert "list" not in f.source


def test_random_programs():
    """Whatever is built of scalars has the bits of the interpreter, and so has its gradient."""
    ops = [
        *[lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b, lambda a, b: -a],
        *[lambda a, b: ga.where(a < b, a, b * b), lambda a, b: ga.sin(a), lambda a, b: ga.maximum(a, b)],
        *[lambda a, b: a / 4 + 1, lambda a, b: ga.sum(v * a), lambda a, b: abs(b)],
    ]
    for _ in range(40):
        values = [A[0, 0], A[0, 1], A[1, 1], x, y]
        for _ in range(rng.integers(4, 25)):
            a, b = (values[k] for k in rng.integers(0, len(values), 2))
            values.append(ops[rng.integers(len(ops))](a, b))
        outputs = [values[-1], values[-2], ga.stack(values[-3:]), *ga.grad(values[-1] + values[-2], [A, x, y])]
        for _ in range(3):
            given = [rng.choice([0.0, 1.0, -2.0, 0.3], (3, 3)), *rng.choice([0.0, 0.5, -1.0], 2), rng.random(4)]
            same([A, x, y, v], outputs, *map(np.asarray, given))


def test_a_wrong_rule_is_seen(monkeypatch):
    """Powers as Python's, floats that count less beside float32."""
    monkeypatch.setattr(direct.Direct, "_takes_floats", lambda self, node, operands: True)
    single = ga.input("single", (3,), "float32")
    a, b, c, d = entries(4)
    with pytest.raises(AssertionError):
        out = single.astype("float64") * (a * b + c - d)
        same([A, single], [out], np.arange(9.0).reshape(3, 3) / 7, np.float32([0.1, 0.2, 0.3]))
    with pytest.raises(OverflowError):
        same([A], [(a * b + c - d) ** 2.5], np.full((3, 3), 1e150))


def test_a_part_that_is_added_to_has_a_name():
    part = ga.input("part", (6,))  # a name that is taken
    before = part[:-1]
    f = ga.compile(part, ga.grad(ga.sum(part[1:] * before * before), part))
    assert re.search(r"    part_2 = d_part\[\S+\]  #.*\n    part_2 \+= \w+  #", f.source)
    values = rng.standard_normal(6)
    np.testing.assert_array_equal(f(values), interpret(f.graph, [values])[0])


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "complex128"])
@pytest.mark.parametrize("index", [slice(None, -1), slice(0, None, 2), slice(None, None, -1), (slice(1, 3),)])
def test_a_value_is_written_straight_into_its_part(index, dtype):
    w = ga.input("w", (4,), dtype)
    part = w[index]
    placed = ga.zeros((4,), dtype).at[index].add(w[:1] - part * part)
    f = same([w], [placed], (np.arange(4) - 1.5).astype(dtype))
    assert re.search(r"\n    np\.subtract\(w\[:1\], .*, \w+\[.*\]\)  #", f.source)


def test_the_gradient_of_a_window_is_written_straight_into_it():
    a, b = v[1:], v[:-1]
    loss = ga.sum(100 * (a - b * b) ** 2 + (1 - b) ** 2)
    f = same([v], [loss, *ga.grad(loss, [v])], np.array([0.5, -1.0, 2.0, 0.0]))
    assert re.search(r"\n    np\.multiply\(c_minus_2, .*, d_v\[:-1\]\)  # f64\[3\]", f.source)
    assert "d_v[:-1] =" not in f.source


def test_a_value_with_other_readers_is_not_written_straight():
    inner = 2 * v[:-1]
    f = same([v], [ga.zeros((4,)).at[1:].add(inner), inner], np.arange(4.0))
    assert "np.multiply(" not in f.source


def test_one_element_is_no_array_to_write_to():
    f = same([v, x, y], [ga.zeros((4,)).at[1].add(x * y) * v], np.arange(4.0), np.array(2.0), np.array(3.0))
    assert "np.multiply(" not in f.source
