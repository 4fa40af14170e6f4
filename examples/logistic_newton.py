"""Logistic regression by Newton's method, with the exact Hessian: a few steps, each of which doubles the digits.

Scikit-learn's breast cancer data: 569 cells, 30 measurements, standardized; benign or malignant. A small ridge penalty
makes the minimum unique. `ga.hessian` gives the 31 by 31 matrix of second derivatives as nodes, `ga.linalg.solve` the
step, and one generated function does all of it. Measured: the length of the gradient falls, step by step, from 4e-4 to
2e-5, 7e-8 and 7e-13, and is 2e-17 after 12 steps. Gradient descent with the rate 1/L, L the largest eigenvalue of the
Hessian at the start, is at 4e-4 after 20000 steps. 97.4 percent of the test data are told right.

Run: python examples/logistic_newton.py
"""

from pathlib import Path

import numpy as np
from common import BLUE, FIGURES, ORANGE, Array, figure, save, split
from sklearn.datasets import load_breast_cancer

import graphad as ga

RIDGE = 1e-4


def declare() -> tuple[list[ga.Node], ga.Node, ga.Node]:
    """The inputs (data, labels, weights), the probability, the loss."""
    x, y, w = ga.input("x", ("n", 31)), ga.input("y", ("n",)), ga.parameter("w", (31,))
    score = x @ w
    loss = ga.nn.binary_cross_entropy_with_logits(score, y) + RIDGE / 2 * ga.sum(w**2)
    return [x, y, w], ga.nn.sigmoid(score), loss


def data() -> tuple[Array, Array, Array, Array]:
    """Standardized by what is known of the training part, with a column of ones."""
    x_train, y_train, x_test, y_test = split(*load_breast_cancer(return_X_y=True))
    mean, std = x_train.mean(axis=0), x_train.std(axis=0)
    parts = [np.column_stack([(x - mean) / std, np.ones(len(x))]) for x in (x_train, x_test)]
    return parts[0], y_train.astype(float), parts[1], y_test


def main(out: Path = FIGURES, steps: int = 13, descent_steps: int = 20000) -> tuple[list[float], list[float], float]:
    """The lengths of the gradients of both methods, and the accuracy on the test data."""
    inputs, probability, loss = declare()
    w = inputs[-1]
    gradient = ga.grad(loss, w)
    hessian = ga.hessian(loss, w)
    length = ga.linalg.norm(gradient)
    rate = ga.input("rate")
    outputs = [loss, length, hessian]
    newton = ga.compile(inputs, outputs, name="newton", updates={w: w - ga.linalg.solve(hessian, gradient)})
    descend = ga.compile([*inputs, rate], length, name="descend", updates={w: w - rate * gradient})

    x, y, x_test, y_test = data()
    weights = np.zeros(31)
    lengths = []
    print("step  loss                 length of the gradient")
    for k in range(steps):
        value, size, curvature = newton(x, y, weights)
        lengths.append(float(size))
        print(f"{k:4d}  {value:.16f}   {size:.2e}")
        if k == 0:
            steepest = np.linalg.eigvalsh(curvature)[-1]
    slow = np.zeros(31)
    descent = [float(descend(x, y, slow, 1 / steepest)) for _ in range(descent_steps)]
    print(f"gradient descent after {descent_steps} steps: {descent[-1]:.2e}")
    said = ga.compile([inputs[0], w], probability, name="predict")(x_test, weights)
    accuracy = float(np.mean((said > 0.5) == y_test))
    print(f"accuracy on the test data: {accuracy:.1%}")
    draw(lengths, descent, out)
    return lengths, descent, accuracy


def draw(newton: list[float], descent: list[float], out: Path) -> None:
    """Both gradients over the steps."""
    fig, ax = figure(size=(6.4, 4))
    ax.loglog(range(1, len(newton) + 1), newton, "o-", color=BLUE, label="Newton's method")
    ax.loglog(range(1, len(descent) + 1), descent, "--", color=ORANGE, lw=2, label="gradient descent, rate 1/L")
    ax.set(xlabel="step", ylabel="length of the gradient", title="Logistic regression, breast cancer data")
    ax.legend(frameon=False)
    ax.grid(alpha=0.3)
    save(fig, out, "logistic_newton")


if __name__ == "__main__":
    newton_lengths, descent_lengths, found = main()
    assert newton_lengths[-1] < 1e-15 < 1e-5 < descent_lengths[-1]
    assert found > 0.95
