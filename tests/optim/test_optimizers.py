"""Optimizers: PyTorch's trajectories, and training steps as compiled and exported functions."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import graphad as ga
from graphad.errors import ArgumentError, DifferentiationError, ShapeError
from graphad.optim import adam, chain, clip, ema, sgd

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("make_trajectories", HERE / "make_trajectories.py")
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)
EXPECTED = json.loads((HERE / "trajectories.json").read_text())


def model(dtype="float64"):
    x, y = ga.input("x", ("n", 3), dtype), ga.input("y", ("n", 2), dtype)
    W, b = ga.parameter("W", (3, 2), dtype), ga.parameter("b", (2,), dtype)
    loss = ga.mean((ga.tanh(x @ W + b) - y) ** 2) + 0.1 * ga.sum(W**4)
    return [x, y, W, b], loss


def compiled(optimizer, dtype="float64", extra=(), **options):
    inputs, loss = model(dtype)
    step = ga.optim.step(optimizer, loss, inputs[2:])
    train = ga.compile([*inputs, *extra, *step.state], loss, updates=step.updates, name="train", **options)
    arrays = [np.array(v, dtype) for v in oracle.problem()]
    return train, arrays, step.initial(arrays[2:])


def run(optimizer, steps, **options):
    """The parameters after some steps, and the state."""
    train, arrays, state = compiled(optimizer, **options)
    for _ in range(steps):
        train(*arrays, **state)
    return arrays[2:], state


# against PyTorch ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", oracle.CASES)
def test_same_trajectory(name):
    _, arguments, function, own = oracle.CASES[name]
    train, arrays, state = compiled(getattr(ga.optim, function)(**(arguments if own is None else own)))
    compared = 0
    for k in range(oracle.STEPS):
        train(*arrays, **state)
        for p, expected in zip(arrays[2:], EXPECTED[name].get(str(k), ()), strict=False):
            np.testing.assert_allclose(p.ravel(), expected, rtol=0, atol=1e-10)
            compared += 1
    assert compared == 2 * len(oracle.KEPT)


def test_every_named_optimizer_has_a_trajectory():
    assert set(EXPECTED) == set(oracle.CASES)
    named = {n for n, f in vars(ga.optim).items() if getattr(f, "__module__", "") == "graphad.optim.optimizers"}
    assert named == {function for _, _, function, _ in oracle.CASES.values()}


def test_trajectories_tell_optimizers_apart():
    ends = [np.concatenate(EXPECTED[name]["99"]) for name in EXPECTED]
    distances = [np.abs(a - b).max() for k, a in enumerate(ends) for b in ends[:k]]
    assert min(distances) > 1e-6


@pytest.mark.parametrize("style", ["fast", "readable"])
@pytest.mark.parametrize("name", ["adamw", "nadam", "rmsprop"])
def test_styles_and_rewriting_agree(name, style):
    optimizer = getattr(ga.optim, name)()
    plain, _ = run(optimizer, 10, optimize="none", style="readable")
    other, _ = run(optimizer, 10, style=style)
    for a, b in zip(plain, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-13)


# the compiled step ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sgd", "adam", "adagrad"])
def test_learning_rate_as_an_input(name):
    lr = ga.input("lr")
    options = {"lr_decay": 0.1} if name == "adagrad" else {}
    train, arrays, state = compiled(getattr(ga.optim, name)(lr, **options), extra=[lr])
    fixed, fixed_arrays, fixed_state = compiled(getattr(ga.optim, name)(0.02, **options))
    for _ in range(3):
        train(*arrays, 0.02, *state.values())
        fixed(*fixed_arrays, *fixed_state.values())
    np.testing.assert_allclose(arrays[2], fixed_arrays[2], rtol=1e-13)


def test_writes_in_place_and_returns_the_loss_before():
    train, arrays, state = compiled(adam(0.1))
    before, addresses = arrays[2].copy(), [a.ctypes.data for a in (*arrays, *state.values())]
    first, second = train(*arrays, **state), train(*arrays, **state)
    assert second < first and not np.array_equal(arrays[2], before)
    assert state["step"] == 2 and state["m_W"].any() and state["v_b"].all()
    assert addresses == [a.ctypes.data for a in (*arrays, *state.values())]


def test_initial_state():
    inputs, loss = model()
    step = ga.optim.step(chain(ga.optim.scale_by_nadam(), ema()), loss, inputs[2:])
    values = {"b": [1, 2], "W": np.ones((3, 2), "float32"), "other": 0}
    state = step.initial(values)
    names = ["step", "mu_product", "m_W", "v_W", "m_b", "v_b", "ema_W", "ema_b"]
    assert list(state) == [x.name for x in step.state] == names
    assert state["step"].dtype == np.int64 and state["mu_product"] == 1 and not state["m_W"].any()
    np.testing.assert_array_equal(state["ema_b"], [1.0, 2.0])
    assert state["ema_W"].dtype == np.float64 and not np.shares_memory(state["ema_W"], values["W"])
    assert set(step.updates) == {*inputs[2:], *step.state}


def test_initial_state_follows_named_sizes():
    w = ga.parameter("w", ("n",))
    step = ga.optim.step(adam(), ga.sum(w * w), w)
    assert step.initial([np.ones(5)])["m_w"].shape == (5,)


def test_state_gets_names_that_are_free():
    step_, m_w, w = ga.input("step"), ga.input("m_w"), ga.parameter("w")
    made = ga.optim.step(adam(), (w - m_w) ** 2 * step_, [w])
    assert [x.name for x in made.state] == ["step_2", "m_w_2", "v_w"]


EXPORTED = """
import runpy, sys, numpy as np
train = runpy.run_path(sys.argv[1])["train"]
data = np.load(sys.argv[2])
arrays = {name: data[name] for name in data.files}
for _ in range(5):
    train(**arrays)
assert not any(m.split(".")[0] == "graphad" for m in sys.modules)
np.savez(sys.argv[3], **arrays)
"""


def test_the_exported_step_runs_alone(tmp_path):
    train, arrays, state = compiled(chain(ga.optim.clip_by_global_norm(1.0), adam(0.1), ema(0.9)))
    train.export(tmp_path / "train.py")
    named = dict(zip(["x", "y", "W", "b"], arrays, strict=True)) | state
    np.savez(tmp_path / "before.npz", **named)
    files = [str(tmp_path / name) for name in ("train.py", "before.npz", "after.npz")]
    subprocess.run([sys.executable, "-I", "-c", EXPORTED, *files], check=True)
    for _ in range(5):
        train(**named)
    after = np.load(files[2])
    assert int(after["step"]) == 5
    for name, value in named.items():
        np.testing.assert_array_equal(after[name], value)


@pytest.mark.parametrize("name", sorted({function for _, _, function, _ in oracle.CASES.values()}))
def test_float32_stays_float32(name):
    optimizer = chain(clip(5.0), ga.optim.clip_by_global_norm(3.0), getattr(ga.optim, name)(lambda t: 0.05 / (1 + t)))
    optimizer = chain(ga.optim.accumulate(optimizer, 2), ema(0.9))
    train, arrays, state = compiled(optimizer, "float32", optimize="none")
    for _ in range(40):
        train(*arrays, **state)
    scalars = {"step", "step_2", "micro_step", "mu_product"}
    assert {a.dtype for n, a in state.items() if n not in scalars} == {np.dtype("float32")}
    large = {str(n.type) for n in train.graph.nodes if n.dtype == np.float64 and n.shape}
    assert not large, "arrays of float64 between float32 ones"
    double, _ = run(optimizer, 40)
    np.testing.assert_allclose(arrays[2], double[0], atol=0.11 if name == "lion" else 2e-5)  # a sign may tip


def test_drawn_and_named():
    inputs, loss = model()
    step = ga.optim.step(adam(), loss, inputs[2:])
    assert [new.name for new in step.updates.values()] == [f"new_{x.name}" for x in step.updates]
    assert [g.name for g in step.gradients] == ["d_W", "d_b"]


# errors ---------------------------------------------------------------------------------------------------------------


def test_unusable_parameters():
    inputs, loss = model()
    W, b, step = inputs[2], inputs[3], ga.optim.step
    k, z = ga.parameter("k", (), "int64"), ga.parameter("z", (), "complex128")
    with pytest.raises(ArgumentError, match="the parameter W is given twice"):
        step(adam(), loss, [W, b, W])
    with pytest.raises(ArgumentError, match="not a parameter"):
        step(adam(), loss, [W * 2])
    with pytest.raises(ArgumentError, match="a ndarray is not a parameter"):
        step(adam(), loss, [np.ones(2)])
    with pytest.raises(ArgumentError, match="k is int64, not real"):
        step(adam(), loss, [k])
    with pytest.raises(ArgumentError, match="z is complex128, not real"):
        step(adam(), loss, z)
    with pytest.raises(ArgumentError, match="step: a function is not a transform"):
        step(adam, loss, [W])
    with pytest.raises(DifferentiationError, match="grad needs a scalar"):
        step(adam(), W, [W])


def test_an_unusable_transform():
    inputs, loss = model()
    forgetful = ga.optim.Transform(lambda parameters: ga.optim.STEP, lambda gs, state, ps: (gs, ()))
    with pytest.raises(ArgumentError, match="2 updates and 0 new states for 2 parameters and 1 states"):
        ga.optim.step(forgetful, loss, inputs[2:])


def test_unusable_rates():
    inputs, loss = model()
    with pytest.raises(ArgumentError, match="the schedule gives must be at least 0"):
        ga.optim.step(sgd(lambda t: -1.0), loss, inputs[2:])
    with pytest.raises(ArgumentError, match="the schedule gives must be a number"):
        ga.optim.step(sgd(lambda t: None), loss, inputs[2:])
    with pytest.raises(ShapeError, match="the learning rate must be a scalar"):
        ga.optim.step(sgd(ga.input("rates", (2,))), loss, inputs[2:])


def test_unusable_arrays():
    inputs, loss = model()
    step = ga.optim.step(adam(), loss, inputs[2:])
    with pytest.raises(ArgumentError, match=r"2 parameters \(W, b\), but 1 arrays"):
        step.initial([np.zeros((3, 2))])
    with pytest.raises(ArgumentError, match="no array for b"):
        step.initial({"W": np.zeros((3, 2))})
    with pytest.raises(ShapeError, match=r"W is f64\[3, 2\], the array has shape \[2, 3\]"):
        step.initial([np.zeros((2, 3)), np.zeros(2)])
