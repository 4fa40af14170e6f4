"""Outside cases: functions of ``xp`` with inputs, values and gradients to fourth order that other systems computed.

``cases.json`` lists them, ``cases.npz`` holds the arrays: ``in.<arg>``, the weights ``C`` and ``V<k>.<arg>``,
``value``, and the gradients ``g1.<arg>`` of sum(f·C), ``g2.<arg>`` of the sum over the arguments of sum(g1·V1), and so
on. In the group "kink" there is no derivative: a gradient must be finite and lie between ``lo.<arg>`` and ``hi.<arg>``.

``pytest tests/conformance --cases FOLDER`` runs another folder of the same form.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import graphad as ga

HERE = Path(__file__).parent


def pytest_generate_tests(metafunc):
    if "case" in metafunc.fixturenames:
        folder = Path(metafunc.config.getoption("--cases") or HERE)
        cases = json.loads((folder / "cases.json").read_text())
        metafunc.parametrize("case", cases, ids=[c["name"] for c in cases])


@pytest.fixture(scope="module")
def stored(request):
    with np.load(Path(request.config.getoption("--cases") or HERE) / "cases.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


def function(source):
    names = {"np": np}
    if source.startswith("lambda"):
        return eval(source, names)
    exec(source, names)
    return names["f"]


def values_and_gradients(case, arrays):
    """The value of the function, and for each order the gradients by argument."""
    values = {k: arrays[f"in.{k}"] for k in case["args"]}
    nodes = {k: ga.input(k, v.shape, dtype=v.dtype) for k, v in values.items() if k in case["wrt"]}
    result = function(case["src"])(ga, *(nodes.get(k, values[k]) for k in case["args"]))
    loss, orders = ga.sum(result * arrays["C"]), []
    for order in range(1, case["order"] + 1):
        orders.append(ga.grad(loss, [nodes[k] for k in case["wrt"]]))
        if order < case["order"]:
            weighted = [ga.sum(g * arrays[f"V{order}.{k}"]) for k, g in zip(case["wrt"], orders[-1], strict=True)]
            loss = ga.sum(ga.stack(weighted))
    outputs = [ga.asarray(result), *(g for gradients in orders for g in gradients)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        value, *found = ga.compile(list(nodes.values()), outputs)(*(values[k] for k in nodes))
    n = len(case["wrt"])
    return value, [dict(zip(case["wrt"], found[i * n : i * n + n], strict=True)) for i in range(len(orders))]


def differences(case, arrays):
    """What is wrong with the answer, in words; nothing if it is right."""
    value, orders = values_and_gradients(case, arrays)
    if case["group"] == "kink":
        inside = {
            k: (orders[0][k] >= arrays[f"lo.{k}"] - 1e-9) & (orders[0][k] <= arrays[f"hi.{k}"] + 1e-9)
            for k in orders[0]
        }
        return [f"g1.{k} = {orders[0][k]}" for k, ok in inside.items() if not np.all(ok)]
    pairs = [("value", value)] + [(f"g{i}.{k}", g) for i, found in enumerate(orders, 1) for k, g in found.items()]
    wrong = []
    for name, got in pairs:
        want = arrays[name]
        if got.shape != want.shape or not np.all(np.abs(got - want) <= case["tol"] * (1 + np.abs(want))):
            wrong.append(f"{name} = {got}, expected {want}")
    return wrong


def arrays_of(case, stored):
    prefix = case["name"] + "/"
    return {name.removeprefix(prefix): array for name, array in stored.items() if name.startswith(prefix)}


def test_case(case, stored):
    assert not differences(case, arrays_of(case, stored))


@pytest.mark.parametrize("name", ["value", "g1.x", "g2.x"])
def test_a_wrong_answer_is_caught(name):
    cases = json.loads((HERE / "cases.json").read_text())
    case = next(c for c in cases if c["group"] == "elementwise" and c["order"] >= 2 and c["wrt"] == ["x"])
    with np.load(HERE / "cases.npz") as arrays:
        found = arrays_of(case, arrays)
    assert not differences(case, found)
    found[name] = found[name] * (1 + 1e-6) + 1e-6
    assert differences(case, found)
