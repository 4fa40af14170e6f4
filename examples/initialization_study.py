"""What initial weights do to twenty layers, before anything is learned.

Zeros: the units of a layer are all equal, get equal gradients and stay equal, so that a layer learns no more than one
unit. Random weights: the spread of the activations grows or shrinks from layer to layer like a power, and so does that
of the gradients on the way back, unless the variance of the weights fits the activation: 2/(n_in + n_out) for tanh
(Xavier), 2/n_in for relu (He). By which factor standard deviations change over 20 layers of 256 units, measured:

                          activations forward    gradients backward
    tanh, normal 0.01     7e-16                  7e-16
    tanh, N(0, 1/n)       0.24                   0.28      (Xavier nearly the same: here n_in is n_out)
    relu, N(0, 1/n)       2e-3                   2e-3
    relu, He              1.4                    1.2

The gradient of a weight is the product of an activation and a gradient from behind: with N(0, 0.01²) that of every
layer is as small as 1e-16, and little is learned.

Run: python examples/initialization_study.py
"""

from functools import partial
from pathlib import Path

import numpy as np
from common import COLORS, FIGURES, LINES, Array, figure, save
from matplotlib.ticker import MaxNLocator

import graphad as ga
from graphad.nn import init

WIDTH, BATCH = 256, 128
STUDIES = {
    "tanh, normal 0.01": (ga.tanh, partial(init.normal, std=0.01)),
    "tanh, N(0, 1/n)": (ga.tanh, init.scaled_normal),
    "tanh, Xavier uniform": (ga.tanh, init.xavier_uniform),
    "relu, N(0, 1/n)": (ga.nn.relu, init.scaled_normal),
    "relu, He": (ga.nn.relu, init.kaiming_normal),
}


def symmetry(steps: int, start: init.Initializer = init.zeros) -> tuple[float, float]:
    """Learn xor by two layers; how far apart the hidden units are in the end, and the loss.

    With zeros all gradients but that of the last bias are 0; equal numbers other than 0 move, but together.
    """
    x, y = ga.input("x", ("n", 2)), ga.input("y", ("n",), "int64")
    hidden, last = ga.nn.Linear(2, 8, start=start), ga.nn.Linear(8, 2, start=start)
    model = ga.nn.Sequential(hidden, ga.tanh, last)
    loss = ga.nn.cross_entropy(model(x), y)
    adam = ga.optim.step(ga.optim.adam(lr=0.05), loss, ga.nn.parameters(model))
    train = ga.compile([x, y, *adam.parameters, *adam.state], loss, name="train", updates=adam.updates)
    values = ga.nn.initial(model, 0)
    state = adam.initial(values)
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    for _ in range(steps):
        value = train(corners, np.array([0, 1, 1, 0]), **values, **state)
    return float(np.ptp(values[hidden.W.name], axis=1).max()), float(value)


def spread(activation: object, start: init.Initializer, depth: int) -> tuple[list[Array], list[Array]]:
    """The activations of each layer, and the gradients of these, for data and a last gradient of standard normals."""
    x = ga.input("x", (BATCH, WIDTH))
    layers = [ga.nn.Linear(WIDTH, WIDTH, start=start) for _ in range(depth)]
    outputs = []
    for layer in layers:
        outputs.append(activation(layer(outputs[-1] if outputs else x)))
    cotangent = ga.input("cotangent", (BATCH, WIDTH))  # what a loss would send back
    gradients = ga.vjp(outputs[-1], outputs, cotangent)
    study = ga.compile([x, cotangent, *ga.nn.parameters(layers)], [outputs, gradients], name="study")
    rng = np.random.default_rng(0)
    data, last = rng.normal(size=(2, BATCH, WIDTH))
    return study(data, last, **ga.nn.initial(layers, rng))


def draw(found: dict[str, tuple[list[Array], list[Array]]], out: Path) -> None:
    """Standard deviations over the layers; below them, histograms of a few layers."""
    fig, axes = figure(1, 2, size=(11, 4.2), sharex=True)
    titles = ("Activations, forward", "Gradients of the activations, backward")
    for k, (ax, title) in enumerate(zip(axes, titles, strict=True)):
        for (name, both), color, line in zip(found.items(), COLORS, LINES, strict=False):
            ax.semilogy(range(1, len(both[k]) + 1), [a.std() for a in both[k]], color=color, ls=line, lw=2, label=name)
        ax.set(xlabel="layer", ylabel="standard deviation", title=title)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(alpha=0.3)
    axes[0].legend(frameon=False)
    save(fig, out, "initialization_spread")

    depth = len(next(iter(found.values()))[0])
    shown = sorted({0, depth // 4, depth // 2, depth - 1})
    fig, axes = figure(len(found), len(shown), size=(10, 1.7 * len(found)))
    for row, (name, (activations, _)) in zip(axes, found.items(), strict=True):
        for ax, layer in zip(row, shown, strict=True):
            values = activations[layer].ravel()
            counts, edges = np.histogram(values, 60)
            ax.stairs(100 * counts / values.size, edges, fill=True, color=COLORS[0])
            ax.set_title(f"layer {layer + 1}: std {values.std():.1g}", fontsize=9)
            ax.tick_params(labelsize=7)
        row[0].set_ylabel(f"{name}\n% of values", fontsize=8)
    save(fig, out, "initialization_histograms")


def main(out: Path = FIGURES, depth: int = 20, steps: int = 300) -> dict[str, tuple[float, float]]:
    """Print and draw; for each study the factors by which activations and gradients change over the depth."""
    for name, start in {"zeros": init.zeros, "equal numbers": init.ones, "Xavier": init.xavier_uniform}.items():
        apart, loss = symmetry(steps, start)
        print(f"xor, {name:13s}: hidden units differ by {apart:.2g}, loss {loss:.3f}")
    found = {name: spread(*study, depth) for name, study in STUDIES.items()}
    factors = {}
    for name, (activations, gradients) in found.items():
        factors[name] = (activations[-1].std() / activations[0].std(), gradients[0].std() / gradients[-1].std())
        print("{:21s}: activations change by {:.1e}, gradients on the way back by {:.1e}".format(name, *factors[name]))
    draw(found, out)
    return factors


if __name__ == "__main__":
    measured = main()
    assert measured["tanh, normal 0.01"][0] < 1e-10
    assert measured["relu, N(0, 1/n)"][0] < 1e-2
    assert 0.3 < measured["relu, He"][0] < 3
