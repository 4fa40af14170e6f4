"""A variational autoencoder lays handwritten digits out in a plane, and writes new ones (Kingma & Welling 2014).

The encoder says a normal distribution for each image, mean and log of the variance; a point is drawn from it as
mean + std·noise, so that the gradient reaches both (`ga.random`; forward and backward share the draw, and the generator
is given at each call). The decoder says the probability of each pixel. The loss is minus the evidence lower bound: what
the pixels cost, and the divergence of the encoder's distribution from the standard normal, -½ Σ(1 + log s² - m² - s²).
Measured after 150 epochs: the loss of a test image is 24.7, of which 2.4 are the divergence. The plane knows nothing of
the labels, and yet what most of the 15 nearest neighbors are is right for 75 percent of the test images.

Run: python examples/vae.py
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common import COLORS, FIGURES, Array, batches, digits, figure, images, save
from scipy.stats import norm
from sklearn.neighbors import KNeighborsClassifier

import graphad as ga

HIDDEN = 128


@dataclass(frozen=True)
class Model:
    """The layers and the nodes of a variational autoencoder."""

    x: ga.Node
    layers: dict[str, ga.nn.Layer]
    mean: ga.Node
    loss: ga.Node
    divergence: ga.Node


def network(name: str, n_in: int, n_out: int) -> ga.nn.Layer:
    """Two hidden layers."""
    return ga.nn.Sequential(
        ga.nn.Linear(n_in, HIDDEN, name=f"{name}_1"),
        ga.nn.silu,
        ga.nn.Linear(HIDDEN, HIDDEN, name=f"{name}_2"),
        ga.nn.silu,
        ga.nn.Linear(HIDDEN, n_out, name=f"{name}_3"),
    )


def declare() -> Model:
    """The graph: encoder, draw, decoder, loss."""
    x = ga.input("x", ("batch", 64))
    encoder, decoder = network("encoder", 64, 4), network("decoder", 2, 64)
    code = encoder(x)
    mean, log_variance = code[:, :2], code[:, 2:]
    point = ga.random.normal(mean, ga.exp(log_variance / 2), mean.shape)
    pixels = ga.nn.binary_cross_entropy_with_logits(decoder(point), x, reduction="sum") / x.shape[0]
    divergence = -ga.sum(1 + log_variance - mean**2 - ga.exp(log_variance)) / 2 / x.shape[0]
    return Model(x, {"encoder": encoder, "decoder": decoder}, mean, pixels + divergence, divergence)


def decoded(model: Model, values: dict[str, Array], points: Array) -> Array:
    """The pixels of points of the plane."""
    point = ga.input("point", ("batch", 2))
    decoder = model.layers["decoder"]
    decode = ga.compile([point, *ga.nn.parameters(decoder)], ga.nn.sigmoid(decoder(point)), name="decode")
    return decode(points, **{p.name: values[p.name] for p in ga.nn.parameters(decoder)})


def draw(codes: Array, labels: Array, written: Array, out: Path) -> None:
    """Where test images lie in the plane, and what the decoder makes of a grid of points."""
    fig, (left, right) = figure(1, 2, size=(11, 5.4))
    for digit in range(10):
        for x, y in codes[labels == digit]:
            left.text(x, y, str(digit), color=COLORS[digit % len(COLORS)], ha="center", va="center", fontsize=9)
    limit = np.abs(codes).max() * 1.05
    left.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    left.set(xlabel="first number of the code", ylabel="second number of the code", title="Test images in the plane")
    images(right, written.reshape(-1, 8, 8), int(len(written) ** 0.5))
    right.set_title("What the decoder writes, over the plane")
    save(fig, out, "vae")


def main(out: Path = FIGURES, epochs: int = 150) -> tuple[float, float]:
    """Train; the loss of a test image, and how many labels the neighbors in the plane get right."""
    x_train, y_train, x_test, y_test = digits()
    model = declare()
    rate = ga.optim.schedules.cosine(0.003, epochs * (len(x_train) // 64))
    adam = ga.optim.step(ga.optim.adam(lr=rate), model.loss, ga.nn.parameters(model.layers))
    inputs = [model.x, *adam.parameters]
    train = ga.compile([*inputs, *adam.state], model.loss, name="train", updates=adam.updates)
    rng = np.random.default_rng(0)
    values = ga.nn.initial(model.layers, rng)
    state = adam.initial(values)
    for epoch in range(epochs):
        losses = [float(train(x, **values, **state, rng=rng)) for (x,) in batches(rng, 64, x_train)]
        if epoch % 30 == 0 or epoch == epochs - 1:
            print(f"epoch {epoch + 1:3d}: loss {np.mean(losses):.2f}")

    test = ga.compile(inputs, [model.loss, model.divergence], name="test")
    loss, divergence = (float(v) for v in test(x_test, **values, rng=rng))
    encode = ga.compile(inputs, model.mean, name="encode")
    encoder = {p.name: values[p.name] for p in adam.parameters}
    codes, known = encode(x_test, **encoder), encode(x_train, **encoder)
    accuracy = float(KNeighborsClassifier(15).fit(known, y_train).score(codes, y_test))
    print(f"test images: loss {loss:.2f}, of it divergence {divergence:.2f}; labels by neighbors {accuracy:.1%}")
    grid = norm.ppf(np.linspace(0.03, 0.97, 14))
    points = np.array([[x, y] for y in grid[::-1] for x in grid])
    draw(codes, y_test, decoded(model, values, points), out)
    return loss, accuracy


if __name__ == "__main__":
    found, right = main()
    assert found < 25.2
    assert right > 0.7
