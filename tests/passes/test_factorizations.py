"""One factorization for all that needs it: counted, and compared with NumPy's own."""

import numpy as np
import pytest

import graphad as ga
from graphad.ir.graph import Graph
from graphad.ir.text import digest
from graphad.passes.cse import Cse
from graphad.passes.factorizations import Factor

solve, inv, det, slogdet = ga.linalg.solve, ga.linalg.inv, ga.linalg.det, ga.linalg.slogdet
VALUES = {"A": (4, 4), "B": (4, 4), "b": (4,), "c": (4,), "C": (4, 3)}


def given(inputs):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(VALUES[x.name]).astype(x.dtype) for x in inputs]


def made(make, shapes, dtype="float64"):
    inputs = [ga.input(name, shape, dtype) for name, shape in shapes.items()]
    outputs = make(*inputs)
    return Cse().run(Graph(inputs, outputs))


def counts(graph):
    names = [n.op.name for n in graph.nodes]
    return {op: names.count(op) for op in ("solve", "inv", "det", "slogdet") if op in names}


N = {"A": ("n", "n"), "b": ("n",), "c": ("n",), "C": ("n", "k")}
FIXED = {"A": (4, 4), "b": (4,), "c": (4,), "C": (4, 3)}
SHARED = {
    "vectors": (lambda A, b, c, C: [solve(A, b), solve(A, c)], {"solve": 1}),
    "a matrix and vectors": (lambda A, b, c, C: [solve(A, C), solve(A, b), solve(A, c)], {"solve": 1}),
    "matrices": (lambda A, b, c, C: [solve(A, C), solve(A, ga.sin(C))], {"solve": 1}),
    "an inverse": (lambda A, b, c, C: [inv(A), solve(A, b)], {"solve": 1}),
    "all": (lambda A, b, c, C: [solve(A, C), inv(A), solve(A, b)], {"solve": 1}),
    "one after the other": (lambda A, b, c, C: [solve(A, solve(A, b)), solve(A, c)], {"solve": 2}),
    "crossed": (
        lambda A, b, c, C: [solve(A, solve(A.T, b)), solve(A, b), solve(A.T, solve(A, c)), solve(A.T, c)],
        {"solve": 4},
    ),
    "another matrix": (lambda A, b, c, C: [solve(A, b), solve(A.T, c)], {"solve": 2}),
    "determinants": (lambda A, b, c, C: [det(A), *slogdet(A)], {"slogdet": 1}),
}


@pytest.mark.parametrize("shapes", [N, FIXED], ids=["named", "fixed"])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("name", SHARED)
def test_sharing(name, dtype, shapes):
    make, expected = SHARED[name]
    graph = made(make, shapes, dtype)
    after = Factor().run(graph)
    ga.verify(after)
    assert counts(after) == expected
    assert digest(Factor().run(after)) == digest(after)
    arrays = given(graph.inputs)
    for a, b in zip(ga.interpret(graph, arrays), ga.interpret(after, arrays), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-11)


def test_stacks_of_matrices_stay_apart():
    A, b, C = ga.input("A", (2, 4, 4)), ga.input("b", (4,)), ga.input("C", (4, 3))
    graph = Graph([A, b, C], [solve(A, C), inv(A)])
    assert counts(Factor().run(Graph([A, C], graph.outputs))) == {"solve": 1, "inv": 1}


def test_no_worse_for_an_ill_conditioned_matrix():
    """Columns are found as before: residuals are as small as those of separate systems."""
    A, b = ga.input("A", ("n", "n")), ga.input("b", ("n",))
    f = ga.compile([A, b], [solve(A, b), inv(A)])
    assert counts(f.graph) == {"solve": 1}
    rng = np.random.default_rng(0)
    for power in (0, 6, 12):
        u, v = (np.linalg.qr(rng.standard_normal((30, 30)))[0] for _ in range(2))
        matrix, side = u * np.logspace(0, -power, 30) @ v, rng.standard_normal(30)
        x, whole = f(matrix, side)
        unit = 30 * np.finfo(float).eps
        assert np.abs(matrix @ x - side).max() <= unit * np.abs(matrix).sum(1).max() * np.abs(x).max()
        limit = unit * np.abs(matrix).sum(1).max() * np.abs(whole).max()
        assert np.abs(matrix @ whole - np.eye(30)).max() <= limit


def test_gaussian_likelihood_and_gradient():
    A, b = ga.input("A", ("n", "n")), ga.input("b", ("n",))
    loss = b @ solve(A, b) + slogdet(A)[1]
    outputs = [loss, *ga.grad(loss, [A, b])]
    f = ga.compile([A, b], outputs, verify=True)
    assert counts(f.graph) == {"solve": 2, "slogdet": 1}  # the other one is with the transpose
    assert {n for s in f.report().steps for n in s.fired} >= {"shared_system"}
    assert f.graph.nodes[-1].origin.adjoint_of
    arrays = [np.eye(4) * 5 + given([A])[0], given([b])[0]]
    for x, y in zip(f(*arrays), ga.compile([A, b], outputs, optimize="none")(*arrays), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12)


def test_names_and_forward_stay():
    A, b = ga.input("A", (3, 3)), ga.input("b", (3,))
    x = solve(A, b)
    loss = ga.sum(x) + slogdet(A)[1]
    graph = Factor().run(Graph([A, b], [loss, *ga.grad(loss, [A])]))
    assert graph.node("x") not in graph.backward
    assert counts(graph)["solve"] == 2


# Values only ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda A: ga.linalg.eigvalsh(A), "np.linalg.eigvalsh(A)"),
        (lambda A: ga.linalg.eigh(A, "U")[0], "np.linalg.eigvalsh(A, UPLO='U')"),
        (lambda A: ga.sum(ga.linalg.svdvals(A)), "np.linalg.svd(A, compute_uv=False)"),
        (lambda A: ga.linalg.svd(A)[1], "np.linalg.svd(A, compute_uv=False)"),
        (lambda A: ga.linalg.norm(A, 2), "np.linalg.svd(A, compute_uv=False)"),
    ],
)
def test_values_only(make, text):
    A = ga.input("A", (4, 4))
    f = ga.compile([A], make(A), verify=True)
    assert text in f.source
    (array,) = given([A])
    np.testing.assert_allclose(f(array), ga.interpret(Graph([A], make(A)), [array])[0], rtol=1e-12)


def test_vectors_in_use_keep_the_factorization():
    A = ga.input("A", (4, 4))
    loss = ga.sum(ga.square(ga.linalg.eigvalsh(A)))
    f = ga.compile([A], [loss, ga.grad(loss, A)], verify=True)
    assert "np.linalg.eigh(A)" in f.source
    assert "eigvalsh" not in f.source
    g = ga.compile([A], ga.linalg.eigh(A)[1])
    assert "np.linalg.eigh(A)" in g.source
