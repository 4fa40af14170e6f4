import numpy as np
import pytest

import graphad as ga
from graphad.lower.values import run_values, short_value


def test_each_node_has_its_value_by_name_or_by_node():
    x, w = ga.input("x", ("n",)), ga.parameter("w")
    y = ga.sum(x * w)
    g = ga.Graph([x, w], [y, ga.grad(y, w)])
    found = run_values(g, {"x": [1, 2], w: 3})
    assert found[y] == 9
    assert found[g.outputs[1]] == 3
    assert found[x].dtype == np.float64


@pytest.mark.parametrize(
    "values, said", [({}, "no value for x"), ({"x": 1.0, "z": 2.0}, "no input 'z'"), ({"x": 1j}, "complex128")]
)
def test_inputs_that_are_missing_or_unknown_are_named(values, said):
    x = ga.input("x")
    with pytest.raises(ga.GraphadError, match=said):
        run_values(ga.Graph([x], [x * x]), values)


def test_text_of_values():
    assert short_value(True) == "True"
    assert short_value(np.arange(3)) == "[0, 1, 2]"
    assert short_value((1.0, np.zeros(2))) == "(1, [0, 0])"
    assert short_value(np.array([0.0] * 7 + [np.nan])) == "8: nan … nan, 1 not finite"
    assert short_value(np.zeros((0, 3))) == "0×3 float64"
