"""Errors of graphad.linalg: in the user's words when the graph is built, NumPy's in the run."""

import numpy as np
import pytest
from matrices import draw, evaluate

import graphad as ga
from graphad import linalg
from graphad.ops.leaves import input as declare

M, W, V = declare("M", (3, 3)), declare("W", (2, 3)), declare("V", (3,))
ERRORS = {
    "inv: W is not square": lambda: linalg.inv(W),
    "det: V has 1 axes": lambda: linalg.det(V),
    "expm: W is not square": lambda: linalg.expm(W),
    "the matrix has 3 rows, the right-hand side 2": lambda: linalg.solve(M, W),
    "the stacks of matrices do not broadcast": lambda: linalg.solve(draw(2, 3, 3), draw(3, 3, 1)),
    "the right-hand side is a scalar": lambda: linalg.solve(M, 1.0),
    "trans must be": lambda: linalg.solve_triangular(M, V, trans=3),
    "UPLO must be 'L' or 'U'": lambda: linalg.eigh(M, UPLO="X"),
    "mode 'raw' is not supported": lambda: linalg.qr(M, mode="raw"),
    "rcond or rtol, not both": lambda: linalg.pinv(M, rcond=1e-3, rtol=1e-3),
    "cutoff must be a number": lambda: linalg.pinv(M, rcond="small"),
    "tol or rtol, not both": lambda: linalg.matrix_rank(M, 1e-3, rtol=1e-3),
    "n must be an int": lambda: linalg.matrix_power(M, 0.5),
    "matrix_power|inv: W is not square": lambda: linalg.matrix_power(W, 2),
    "no linear algebra for float16": lambda: linalg.inv(M.astype("float16")),
    "'fro' is not an order of a vector norm": lambda: linalg.norm(V, "fro"),
    "3 is not an order of a matrix norm": lambda: linalg.norm(M, 3),
    "'one' is not an order": lambda: linalg.norm(M, "one"),
    "has 3 axes": lambda: linalg.norm(declare("T", (2, 2, 2)), 1),
    "one axis or two different": lambda: linalg.norm(M, axis=(0, 0)),
    "axis 2 is out of range": lambda: linalg.norm(M, axis=2),
    "min of an empty axis": lambda: linalg.norm(declare("E", (0,)), -np.inf),
    "cond: E has no elements": lambda: linalg.cond(declare("E", (0, 0))),
    "do not fit": lambda: linalg.lstsq(M, draw(2)),
    "ind must be positive": lambda: linalg.tensorinv(M, 0),
    "the unknowns": lambda: linalg.tensorsolve(W, draw(2)),
    "outer: vectors are needed": lambda: linalg.outer(M, V),
    "multi_dot: T has 3 axes": lambda: linalg.multi_dot([declare("T", (2, 2, 2)), M, M]),
    "which size of N is the smaller": lambda: linalg.svdvals(declare("N", ("n", "m"))),
}


@pytest.mark.parametrize("message", ERRORS)
def test_errors_when_the_graph_is_built(message):
    with pytest.raises(ga.GraphadError, match=message):
        ERRORS[message]()


def test_errors_in_the_run_are_numpys():
    x = np.zeros((2, 2))
    for f in (linalg.inv, lambda a: linalg.solve(a, np.ones(2)), lambda a: linalg.solve_triangular(a, np.ones(2))):
        with pytest.raises(linalg.LinAlgError):
            evaluate(f, x)
    with pytest.raises(linalg.LinAlgError):
        evaluate(linalg.cholesky, -np.eye(2))
