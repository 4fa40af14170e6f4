"""A network with two hidden layers reads handwritten digits.

Scikit-learn's 1797 images of 8 by 8 pixels; one fifth is kept for the test. Dropout between the layers, Adam with a
cosine schedule, weight decay: the whole step is one generated function. Measured after 60 epochs: 98.3 percent of the
test images are read right; with five seeds, which choose the test images and the start, 98.3 to 98.9.

Run: python examples/digits_mlp.py
"""

from pathlib import Path

import numpy as np
from common import BLUE, FIGURES, ORANGE, Array, digits, figure, images, save

import graphad as ga


def declare(hidden: int = 128) -> ga.nn.Sequential:
    """The network: pixels (batch, 64) become scores (batch, 10)."""
    return ga.nn.Sequential(
        ga.nn.Linear(64, hidden, start=ga.nn.init.kaiming_normal),
        ga.nn.relu,
        ga.nn.Dropout(0.3),
        ga.nn.Linear(hidden, hidden, start=ga.nn.init.kaiming_normal),
        ga.nn.relu,
        ga.nn.Dropout(0.3),
        ga.nn.Linear(hidden, 10),
    )


def draw(history: ga.train.History, confusion: Array, wrong: Array, titles: list[str], out: Path) -> None:
    """Loss curves, which digits were taken for which, and the images that were read wrong."""
    fig, (left, middle, right) = figure(1, 3, size=(13, 4), width_ratios=(4, 4, 4))
    left.semilogy(history.column("epoch"), history.column("loss"), color=BLUE, label="training, with dropout")
    left.semilogy(history.column("epoch"), history.column("val_loss"), color=ORANGE, ls="--", label="test")
    left.set(xlabel="epoch", ylabel="cross entropy", title="Loss")
    left.legend(frameon=False)
    left.grid(alpha=0.3)
    middle.imshow(np.log1p(confusion), cmap="Blues")
    for (row, column), count in np.ndenumerate(confusion):
        if count:
            middle.text(column, row, count, ha="center", va="center", fontsize=8, color="w" if row == column else "k")
    middle.set(xlabel="read as", ylabel="digit", title="Test images", xticks=range(10), yticks=range(10))
    if len(wrong):
        images(right, wrong, len(wrong))
        for k, title in enumerate(titles):
            right.text(10 * k + 4.5, -1, title, ha="center", fontsize=9)
    right.set_title("Read wrong: digit → read as", y=1.25)
    save(fig, out, "digits_mlp")


def main(out: Path = FIGURES, epochs: int = 60, seed: int = 0) -> float:
    """Train; the part of the test images that are read right."""
    x_train, y_train, x_test, y_test = digits(seed)
    steps = epochs * -(-len(x_train) // 32)
    adam = ga.optim.adamw(lr=ga.optim.schedules.cosine(0.003, steps), weight_decay=0.01)
    model = declare()
    fit = ga.train.fit(
        model,
        ga.nn.cross_entropy,
        adam,
        (x_train, y_train),
        epochs=epochs,
        batch_size=32,
        validation=(x_test, y_test),
        metrics=["accuracy"],
        seed=seed,
        progress=False,
    )
    print(fit.history)
    read = fit.predict(x_test).argmax(axis=1)
    confusion = ga.train.confusion_matrix(read, y_test, 10)
    accuracy = float(np.mean(read == y_test))
    print(f"{accuracy:.1%} of the test images are read right")
    wrong = np.flatnonzero(read != y_test)[:6]
    titles = [f"{y_test[k]} → {read[k]}" for k in wrong]
    draw(fit.history, confusion, x_test[wrong].reshape(-1, 8, 8), titles, out)
    return accuracy


if __name__ == "__main__":
    assert main() >= 0.97
