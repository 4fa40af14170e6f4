"""A recurrent classifier trained by one generated function: loop, loss, gradient, clipping, optimizer, in place."""

import subprocess
import sys

import numpy as np

import graphad as ga
from graphad.nn import init


def test_a_whole_training_step_is_one_function(tmp_path):
    """Which of two rows comes first tells the class: the state must remember it."""
    x, y = ga.input("x", ("T", "batch", 3)), ga.input("y", ("batch",), "int64")
    W, U, b = ga.parameter("W", (3, 16)), ga.parameter("U", (16, 16)), ga.parameter("b", (16,))
    V, c = ga.parameter("V", (16, 2)), ga.parameter("c", (2,))

    def cell(h, element):
        return ga.tanh(element @ W + h @ U + b), None

    last, _ = ga.scan(cell, ga.zeros((x.shape[1], 16)), x)
    loss = ga.nn.cross_entropy(last @ V + c, y)
    parameters = [W, U, b, V, c]
    rate = ga.optim.schedules.warmup(ga.optim.schedules.cosine(0.05, 80), 10)
    optimizer = ga.optim.chain(ga.optim.clip_by_global_norm(5.0), ga.optim.adam(lr=rate))
    adam = ga.optim.step(optimizer, loss, parameters)
    train = ga.compile([x, y, *parameters, *adam.state], loss, updates=adam.updates, name="train")
    assert "for k in range(T):" in train.source

    rng = np.random.default_rng(0)
    start = init.values(
        rng, {W: init.xavier_uniform, U: init.orthogonal, b: init.zeros, V: init.xavier_normal, c: init.zeros}
    )
    labels = rng.integers(0, 2, 64)
    first = np.where(labels == 0, 1.0, -1.0)
    data = rng.standard_normal((12, 64, 3)) * 0.3
    data[0, :, 0] += 2 * first
    state = adam.initial(start)
    losses = [float(train(data, labels, **start, **state)) for _ in range(80)]
    assert losses[0] > 0.4
    assert losses[-1] < 0.05
    assert int(state["step"]) == 80
    module = tmp_path / "train.py"
    train.export(module)
    subprocess.run([sys.executable, "-I", str(module), "--self-check"], check=True, capture_output=True)
