"""Einsums as chains of matrix products: the same values, by BLAS, in an order that costs little."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import graphad as ga
from graphad.errors import RewriteError
from graphad.ir.graph import Graph
from graphad.ir.text import digest
from graphad.passes.contractions import Contract
from graphad.rules import einsums

SIZES = {"a": 2, "b": 3, "c": 4, "d": 1, "e": 5}


@st.composite
def specs(draw):
    """An einsum of two to four operands, with the shape of each: diagonals, sizes of 1, names, an ellipsis."""
    named = draw(st.sets(st.sampled_from("abc")))
    count = draw(st.integers(2, 4))
    subscripts, shapes = [], []
    for _ in range(count):
        labels = draw(st.lists(st.sampled_from("abcde"), max_size=4))
        ones = draw(st.booleans()) and len(set(labels)) == len(labels)
        shape = [1 if ones and c in "be" else f"n{c}" if c in named else SIZES[c] for c in labels]
        dots = draw(st.booleans())
        subscripts.append("..." * dots + "".join(labels))
        shapes.append((2,) * dots + tuple(shape))
    used = sorted(set("".join(subscripts)) - {"."})
    out = draw(st.permutations(used).map("".join)) if used else ""
    out = out[: draw(st.integers(0, len(out)))]
    dots = any("..." in s for s in subscripts)
    return ",".join(subscripts) + "->" + "..." * dots + out, shapes


def arrays(inputs):
    rng = np.random.default_rng(0)
    return [
        rng.standard_normal([s if isinstance(s, int) else SIZES[str(s)[1:]] for s in x.shape]).astype(x.dtype)
        for x in inputs
    ]


@pytest.mark.parametrize("few", [0, 4096], ids=["all sizes", "large sizes"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(specs())
def test_as_numpy(monkeypatch, few, case):
    monkeypatch.setattr(einsums, "FEW", few)
    monkeypatch.setattr(einsums, "MATVEC", few // 64)
    spec, shapes = case
    inputs = [ga.input(f"x{k}", shape) for k, shape in enumerate(shapes)]
    y = ga.einsum(spec, *inputs)
    outputs = [y, *ga.grad(ga.sum(ga.sin(y)), inputs)]
    given_ = arrays(inputs)
    plain = ga.compile(inputs, outputs, optimize="none")(*given_)
    np.testing.assert_allclose(plain[0], np.einsum(spec, *given_), rtol=1e-9, atol=1e-9)
    for value, expected in zip(ga.compile(inputs, outputs)(*given_), plain, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-9)


N = 40
FORMS = {
    "ij,jk->ik": ("x @ y", (N, N), (N, N)),
    "ij,kj->ik": ("x @ y.T", (N, N), (N, N)),
    "ij,kj->ki": ("y @ x.T", (N, N), (N, N)),
    "bij,bjk->bik": ("x @ y", (3, N, N), (3, N, N)),
    "bij,bkj->bik": ("x @ np.swapaxes(y, -2, -1)", (3, N, N), (3, N, N)),
    "ijk,jkl->il": ("x.reshape(3, 1600) @ y.reshape(1600, 40)", (3, N, N), (N, N, N)),
    "ijk,kl->ijl": ("(x.reshape(120, 40) @ y).reshape(3, 40, 40)", (3, N, N), (N, N)),
    "ijk,ijk->": ("x.reshape(4800) @ y.reshape(4800)", (3, N, N), (3, N, N)),
    "ij,j->i": ("x @ y", (N, N), (N,)),
    "ij,i->j": ("x.T @ y", (N, N), (N,)),
    "bij,bj->bi": ("np.squeeze(x @ y[:, :, None], 2)", (3, N, N), (3, N)),
    "ij,ij->i": ("np.einsum('ij,ij->i', x, y)", (N, N), (N, N)),
    "bij,jk->bk": ("np.sum(x, axis=1) @ y", (3, N, N), (N, N)),
    "kij,nkj->nki": ("np.swapaxes(y, 0, 1) @ np.swapaxes(x, -2, -1)", (3, N, N), (7, 3, N)),
}


@pytest.mark.parametrize("spec", FORMS)
def test_form(spec, tmp_path):
    text, *shapes = FORMS[spec]
    x, y = ga.input("x", shapes[0]), ga.input("y", shapes[1])
    ga.compile([x, y], ga.einsum(spec, x, y), name="f").export(tmp_path / "f.py", style="readable")
    assert text in (tmp_path / "f.py").read_text()


def test_order_of_a_chain():
    x, y, z = (ga.input(name, shape) for name, shape in zip("xyz", [(300, 4), (4, 300), (300, 5)], strict=True))
    out = ga.einsum("ij,jk,kl->il", x, y, z)
    f = ga.compile([x, y, z], out)
    assert all(300 not in n.shape or n.size != 300 * 300 for n in f.graph.nodes)  # x @ (y @ z)
    assert "einsum" not in f.source


def test_names_and_places_survive():
    x, y = ga.input("x", ("n", 40)), ga.input("y", (40, 40))
    with ga.scope("inner"):
        product = ga.einsum("ni,ji->nj", x, y)
    f = ga.compile([x, y], [product, ga.tanh(product)])
    (node,) = [n for n in f.graph.nodes if n.op.name == "matmul"]
    assert (node.name, node.origin.scope, node.origin.line) == ("product", ("inner",), product.origin.line)


def test_integers_stay():
    x, y = ga.input("x", (40, 40), "int64"), ga.input("y", (40, 40), "int64")
    assert "einsum" in ga.compile([x, y], ga.einsum("bi,bj->bij", x, y)).source


def test_rows_of_a_stack():
    x, w = ga.input("x", ("batch", "time", 8)), ga.parameter("w", (8, 4))
    loss = ga.sum(ga.tanh(x @ w))
    graph = Graph([x, w], [loss, *ga.grad(loss, [x, w])])
    after = Contract().run(graph)
    assert {a.ndim for n in after.nodes if n.op.name == "matmul" for a in n.inputs} == {2}
    assert digest(Contract().run(after)) == digest(after)
    values = [np.random.default_rng(0).standard_normal((3, 5, 8)), np.ones((8, 4))]
    f, g = (ga.compile([x, w], list(graph.outputs), optimize=o) for o in ("full", "none"))
    for a, b in zip(f(*values), g(*values), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    assert all(a.size == 0 or not a.any() for a in f(np.ones((0, 5, 8)), np.ones((8, 4))))


def test_transposed_stack():
    x, y = ga.input("x", (2, 3, 5, 4)), ga.input("y", (2, 3, 4, 6))
    out = ga.transpose(x @ y, (0, 3, 1, 2)).reshape(12, 15)
    f = ga.compile([x, y], out)
    given_ = arrays([x, y])
    expected = np.transpose(given_[0] @ given_[1], (0, 3, 1, 2)).reshape(12, 15)
    np.testing.assert_allclose(f(*given_), expected, rtol=1e-12)
    assert "transposed_stack" in str(f.report())


def test_a_wrong_path_is_caught(monkeypatch):
    merged = einsums._Plan._merged
    monkeypatch.setattr(einsums, "FEW", 0)
    monkeypatch.setattr(einsums._Plan, "_merged", lambda self, x, groups: merged(self, x, [groups[0], *groups[:0:-1]]))
    inputs = [ga.input(name, (4, 4)) for name in "xyz"]
    with pytest.raises(RewriteError, match="einsum_as_products"):
        ga.compile(inputs, ga.einsum("ij,jk,kl->il", *inputs), verify=True)
