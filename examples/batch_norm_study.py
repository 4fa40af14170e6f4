"""What batch normalization does: a network of six hidden layers of sigmoids learns with it, and not without.

Without it the input of a sigmoid wanders off and loses its spread, the derivative there becomes small, and the product
of six such derivatives reaches the first layer as next to nothing (Ioffe & Szegedy 2015). With it the input has, over
each batch, a mean and a variance that are learned. Both start with the same weights and learn at the same rate.
Measured on digits after 20 epochs of stochastic gradient descent: 98 percent of the test images are right with it, 10
percent, a guess, without it. Before the first step the gradient of the first weight is 0.2 of that of the last with it,
7e-5 without it.

Run: python examples/batch_norm_study.py
"""

from pathlib import Path

import numpy as np
from common import BLUE, FIGURES, ORANGE, Array, Split, digits, figure, save
from matplotlib.ticker import MaxNLocator

import graphad as ga

DEPTH, WIDTH = 6, 64
PERCENTS = (15, 50, 85)


def declare(normalized: bool) -> ga.nn.Sequential:
    """Blocks of Linear, perhaps BatchNorm, sigmoid; a linear layer at the end."""
    steps: list[object] = []
    for k in range(DEPTH):
        steps.append(ga.nn.Linear(64 if k == 0 else WIDTH, WIDTH, name=f"hidden_{k + 1}"))
        if normalized:
            steps.append(ga.nn.BatchNorm(WIDTH, name=f"norm_{k + 1}"))
        steps.append(ga.sigmoid)
    return ga.nn.Sequential(*steps, ga.nn.Linear(WIDTH, 10, name="last"))


def probe(model: ga.nn.Sequential) -> tuple[ga.Function, ga.Function]:
    """The input of the last sigmoid in evaluation, and the size of each weight's gradient in training, as functions."""
    inputs, labels = ga.input("x", ("n", 64)), ga.input("y", ("n",), "int64")
    kept = [*ga.nn.parameters(model), *ga.nn.buffers(model)]
    before = ga.compile([inputs, *kept], model[: len(model) - 2](inputs), name="before")
    with ga.nn.training():
        loss = ga.nn.cross_entropy(model(inputs), labels)
    weights = [p for p in ga.nn.parameters(model) if p.ndim == 2]
    sizes = [ga.sqrt(ga.mean(g**2)) for g in ga.grad(loss, weights)]
    return before, ga.compile([inputs, labels, *kept], sizes, name="sizes")


def learn(normalized: bool, data: Split, epochs: int) -> dict[str, Array]:
    """Train; accuracy, percentiles of the last sigmoid's input over the epochs, sizes of the first gradients."""
    x_train, y_train, x_test, y_test = data
    model = declare(normalized)
    before, sizes = probe(model)
    start = ga.nn.initial(model, 0)
    bands = [np.percentile(before(x_test, **start), PERCENTS)]

    def watch(fit: ga.train.Fit) -> None:
        bands.append(np.percentile(before(x_test, **fit.values), PERCENTS))

    fit = ga.train.fit(
        model,
        ga.nn.cross_entropy,
        ga.optim.sgd(lr=ga.optim.schedules.cosine(0.5, epochs * -(-len(x_train) // 32))),
        (x_train, y_train),
        epochs=epochs,
        batch_size=32,
        validation=(x_test, y_test),
        metrics=["accuracy"],
        start=start,
        progress=False,
        on_epoch=watch,
    )
    gradients = np.array([float(s) for s in sizes(x_train, y_train, **start)])
    history = fit.history
    return {
        "loss": history.column("loss"),
        "accuracy": history.column("val_accuracy"),
        "bands": np.array(bands),
        "gradients": gradients,
    }


def draw(without: dict[str, Array], with_it: dict[str, Array], out: Path) -> None:
    """Loss and accuracy; gradients over the layers; the input of the last sigmoid over the epochs."""
    fig, axes = figure(2, 2, size=(10, 7))
    names = ("without", "with batch normalization")
    for found, name, color, line in zip((without, with_it), names, (ORANGE, BLUE), ("--", "-"), strict=True):
        epochs = range(1, len(found["loss"]) + 1)
        axes[0, 0].plot(epochs, found["loss"], color=color, ls=line, label=name)
        axes[0, 1].plot(epochs, 100 * found["accuracy"], color=color, ls=line, label=name)
        layers = range(1, len(found["gradients"]) + 1)
        axes[1, 0].semilogy(layers, found["gradients"], color=color, ls=line, marker="o", label=name)
        bands = found["bands"].T
        axes[1, 1].plot(bands[1], color=color, ls=line, label=name)
        axes[1, 1].fill_between(range(bands.shape[1]), bands[0], bands[2], color=color, alpha=0.25)
    axes[0, 0].set(xlabel="epoch", ylabel="cross entropy", title="Training loss")
    axes[0, 1].set(xlabel="epoch", ylabel="% right", title="Test images", ylim=(0, 100))
    axes[1, 0].set(xlabel="layer", ylabel="root mean square", title="Gradients of the weights, before any step")
    axes[1, 1].set(xlabel="epoch", ylabel="15th to 85th percentile", title="Input of the last sigmoid")
    for ax in axes.flat:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(alpha=0.3)
    axes[0, 0].legend(frameon=False)
    save(fig, out, "batch_norm_study")


def main(out: Path = FIGURES, epochs: int = 20) -> dict[str, float]:
    """Train with and without; accuracies and how much smaller the first gradient is than the last."""
    data = digits()
    without, with_it = learn(False, data, epochs), learn(True, data, epochs)
    found = {}
    for name, result in {"without": without, "with": with_it}.items():
        found[name] = float(result["accuracy"][-1])
        found[f"gradient {name}"] = float(result["gradients"][0] / result["gradients"][-1])
        print(f"{name:8s}accuracy {found[name]:.1%}, first gradient / last: {found[f'gradient {name}']:.1e}")
    draw(without, with_it, out)
    return found


if __name__ == "__main__":
    measured = main()
    assert measured["with"] > 0.95
    assert measured["without"] < 0.5
