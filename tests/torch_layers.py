"""PyTorch's numbers for layers (nn/layers_reference.json), and the same use of a layer here."""

import json
from pathlib import Path

import numpy as np

import graphad as ga
from graphad import nn

REFERENCE = json.loads((Path(__file__).parent / "nn" / "layers_reference.json").read_text())


def used(case, dtype="float64", batch=None):
    """Value and gradients of sum(g·y), by field, of a layer with the parameters of the case."""
    own = {"dtype": dtype} if "Pool" not in case["layer"] else {}
    layer = getattr(nn, case["layer"])(*case["arguments"], **case["options"], **own)
    arrays = {key: np.array(v, dtype) for key, v in case["parameters"].items()}
    x, g = np.array(case["x"], dtype), np.array(case["g"], dtype)
    X = ga.input("x", (batch or x.shape[0], *x.shape[1:]), dtype)
    y = layer(X)
    G = ga.input("g", y.shape, dtype)
    nodes = {"x": X} | {key: getattr(layer, key) for key in arrays}
    assert [id(p) for p in nn.parameters(layer)] == [id(nodes[key]) for key in arrays]
    slopes = ga.grad(ga.sum(G * y), list(nodes.values()))
    value, *found = ga.compile([*nodes.values(), G], [y, *slopes])(x, *arrays.values(), g)
    return value, dict(zip(nodes, found, strict=True))


def compare(case, got):
    """Fail unless value and gradients are PyTorch's."""
    value, gradients = got
    assert np.shape(value) == np.shape(case["value"])
    np.testing.assert_allclose(value, case["value"], rtol=1e-11, atol=1e-11)
    assert gradients.keys() == case["gradients"].keys()
    for key, theirs in case["gradients"].items():
        np.testing.assert_allclose(gradients[key], theirs, rtol=1e-10, atol=1e-10, err_msg=key)
