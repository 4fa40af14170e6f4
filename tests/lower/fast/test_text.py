"""The generated text of the fast style: whose lines these are, always the same bytes, alone in a module, any size."""

import ast
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from golden.models import FAST, MODELS
from lower.fast.test_values import PATTERNS
from tiles import ALL, arrays, check, flat, gradients, loops, tiny

import graphad as ga
from graphad.errors import NonFiniteError

x, y, w = ga.input("x", ("n", 6)), ga.input("y", ("n", 6)), ga.parameter("w", (6,))


def lost_lines(function):
    """Lines of statements of the function and of its loops that belong to no line of a user."""
    name, rows = function.name, function.source.splitlines()
    known = {k for k, node in function.lines.items() if node.origin.line > 0}
    lost = []
    for f in ast.parse(function.source).body:
        if isinstance(f, ast.FunctionDef) and (f.name == name or f.name.startswith(f"{name}_loop_")):
            body = f.body[isinstance(f.body[0], ast.Expr) and isinstance(f.body[0].value, ast.Constant) :]
            if f.name == name and function._code.facts.work:
                body = [s for s in body if f"{name}_work(" not in ast.unparse(s)]
            lost += [k for s in body for k in range(s.lineno, s.end_lineno + 1) if k not in known]
    return [rows[k - 1] for k in lost]


@pytest.mark.parametrize("name", PATTERNS)
def test_every_line_of_a_loop_has_a_users_line(name):
    inputs, make = PATTERNS[name]
    outputs = make()
    with tiny(), np.errstate(all="ignore"):
        f = ga.compile(inputs, [*outputs, *gradients(inputs, outputs)], name="made")
        assert lost_lines(f) == []
        summed = {x for plan in f.program.pieces.values() for x in plan.summed}
        assert {m.node for loop in loops(f) for m in loop.members} - summed <= set(f.lines.values())


def test_the_count_of_lines_can_fail(monkeypatch):
    with tiny():
        f = ga.compile([x, y], ga.sum(ga.tanh(x) * y, axis=0))
        kept = {k: n for k, n in f.lines.items() if "np.tanh" not in f.source.splitlines()[k - 1]}
        assert lost_lines(f) == []
        f._code.__dict__["lines"] = kept
        assert len(lost_lines(f)) == 1


def test_a_failure_in_a_loop_names_the_users_line():
    quotient = ga.tanh(x) / y  # the line
    f = ga.compile([x, y], ga.sum(quotient * x, axis=0))
    values = [np.ones((20_000, 6)), np.ones((20_000, 6))]
    values[1][12_345, 3] = 0
    with pytest.raises(FloatingPointError) as caught, np.errstate(divide="raise"):
        f(*values)
    assert "quotient = ga.tanh(x) / y  # the line" in caught.value.__notes__[-1]


@pytest.mark.parametrize("n", [7, 20_000])
def test_blame_names_the_first_bad_value(n):
    bad = ga.log(y)
    f = ga.compile([x, y], ga.sum(ga.tanh(x) * bad, axis=0), check_nan="blame")
    values = [np.ones((n, 6)), np.ones((n, 6))]
    assert np.all(np.isfinite(f(*values)))
    values[1][n // 2, 3] = -1
    with np.errstate(all="ignore"), pytest.raises(NonFiniteError, match="log"):
        f(*values)


PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
from golden.models import MODELS
for style in ("fast", "readable"):
    for make in MODELS:
        f = make(style)
        print(f.source, f.program, sorted(f.lines))
import graphad as ga
x, W = ga.input("x", ("n", "m")), ga.parameter("W", ("m", 4))
h = ga.tanh(x) * ga.sum(x, axis=0) + ga.softmax(x)
loss = ga.sum(ga.tanh(h @ W)) + ga.mean(h[1:] * h[:-1])
for style in ("fast", "readable"):
    print(ga.compile([x, W], [loss, h.T * 2, *ga.grad(loss, [x, W])], style=style).source)
"""


def test_the_same_bytes_whatever_the_hash_seed():
    program = PROGRAM.format(tests=next(p for p in sys.path if p.endswith("tests")))
    made = {
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": s}, capture_output=True, check=True
        ).stdout
        for s in ("0", "1", "4321")
    }
    (text,) = made
    assert text.count(b"in_chunks(") > 4


@pytest.mark.parametrize("make", [*FAST, None], ids=lambda m: m.__name__ if m else "slices")
def test_a_module_stands_alone_and_checks_itself(make, tmp_path):
    h = ga.tanh(x * w) * y
    loss = ga.sum(h * ga.softmax(x, axis=1)) + ga.mean((h[1:] - h[:-1]) ** 2)
    f = make("fast") if make else ga.compile([x, y, w], [loss, *ga.grad(loss, [x, y, w])], name="slices")
    path = f.export(tmp_path / f"{f.name}.py", style="fast")
    text = path.read_text()
    assert "work=None" in text
    imported = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert {a.name for n in imported for a in n.names} <= {"numpy", "sys", "warnings"}
    done = subprocess.run(
        [sys.executable, "-I", str(path), "--self-check"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok  ") >= 2


@pytest.mark.parametrize("make", MODELS, ids=lambda m: m.__name__)
def test_the_module_gives_what_the_function_gives(make, tmp_path):
    f = make("fast")
    scope: dict = {"__name__": "module"}
    exec(f.export(tmp_path / "m.py", style="fast").read_text(), scope)
    for n in (5, 3000):
        values = arrays(f.declared.inputs, dict.fromkeys(f.declared.sizes, n))
        values = [abs(v) for v in values]
        draws = {"rng": np.random.default_rng(0)} if f._draws else {}
        want = flat(f(*[v.copy() for v in values], **draws))
        rest = [np.random.default_rng(0)] if draws else []
        found = flat(scope[f.name](*[v.copy() for v in values], *rest))
        for a, b in zip(found, want, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def chain(depth):
    h = x
    for k in range(depth):
        h = ga.sin(h) if k % 8 else ga.tanh(h) * y
    return h


def comb(width):
    return ga.sum_n(*[ga.tanh(x * (1 + k / width)) for k in range(width)])


@pytest.mark.parametrize("make", [chain, comb])
def test_deep_and_wide_graphs(make):
    """They lower without recursion, to a text that grows as they do."""
    lengths = []
    for size in (1_000, 4_000):
        made = make(size)
        f = ga.compile([x, y], [made, ga.sum(made, axis=0)], optimize="none")
        lengths.append(len(f.source))
        assert loops(f)
    assert lengths[1] < 5 * lengths[0]
    with np.errstate(all="ignore"):
        values = arrays([x, y], {"n": 3})
        found = ga.compile([x, y], [make(20)], optimize="none", style="readable")(*values)
        with tiny():
            np.testing.assert_allclose(ga.compile([x, y], [make(20)])(*values)[0], found[0], rtol=1e-12)


def test_a_deep_gradient():
    made = chain(150)
    loss = ga.sum(made)
    with tiny():
        check([x, y], [loss, *ga.grad(loss, [x, y])], arrays([x, y], {"n": 3}), variants=(ALL,))


def test_buffers_leave_names_to_users():
    x = ga.input("x", ("batch", 4))
    weights = [
        ga.parameter(name, shape) for name, shape in (("W1", (4, 4)), ("b1", (4,)), ("W2", (4, 4)), ("b2", (4,)))
    ]
    W1, b1, W2, b2 = weights
    b0 = ga.tanh(x @ W1 + b1)
    loss = ga.mean(ga.tanh(b0 @ W2 + b2) ** 2)
    source = ga.compile([x, *weights], [loss, *ga.grad(loss, weights)]).source
    assert "np.add(t" in source
    assert not re.findall(r"\bb[012]_2\b", source)
    assert "b0 = np.tanh(" in source


def test_a_product_of_stacks_is_written_over_in_the_shape_of_the_stack():
    x, W, b = ga.input("x", ("n", "T", 64)), ga.parameter("W", (64, 64)), ga.parameter("b", (64,))
    y = ga.tanh(x @ W + b) @ W
    source = ga.compile([x, W, b], ga.sum(ga.sin(y) * y)).source
    product, whole = re.search(r"(\w+) = np\.matmul\(\w+, W, (b\d)\)", source).groups()
    (stack,) = re.search(rf"(\w+) = {product}\.reshape\(n, T, 64\)", source).groups()
    (result,) = re.search(rf"{stack},\s+b,\s+(\w+)\)", source).groups()
    assert f"{result} = {whole}_2 " in source


def test_products_are_added_up_as_they_are_made():
    x, y = ga.input("x", ("n", 32)), ga.input("y", ("n", 32))
    source = ga.compile([x, y], [ga.sum(ga.sin(x) * ga.cos(y), axis=1), ga.sum(ga.square(ga.tanh(x)), axis=0)]).source
    assert re.search(r'np\.einsum\("ab,ab->a", (\w+), (?!\1)\w+, out=', source)
    assert re.search(r'np\.einsum\("ab,ab->b", (\w+), \1\)', source)
    assert "np.multiply" not in source
    assert "np.square" not in source
    product = ga.sin(x) * ga.cos(y)
    assert "ab,ab" not in ga.compile([x, y], [ga.sum(product, axis=1), product]).source


def test_what_one_later_loop_needs_is_computed_there():
    """Of silu(z) a gradient keeps z and sigmoid(z): its derivative, three operations on these, is computed later."""
    x, W, V = ga.input("x", ("n", 64)), ga.parameter("W", (64, 64)), ga.parameter("V", (64, 64))
    y = ga.nn.silu(x @ W)
    f = ga.compile([x, W, V], ga.grad(ga.sum(ga.square(y @ V)), [W, V]), threads=1)
    first, second = (loop for loop, _ in f.program.loops)
    assert sorted(n.op.name for n in first.stored) == ["multiply", "sigmoid"]
    assert "negative" in [m.node.op.name for m in second.members]
    given = arrays(f.graph.inputs, {"n": 300})
    for a, b in zip(f(*given), ga.interpret(f.graph, given), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
