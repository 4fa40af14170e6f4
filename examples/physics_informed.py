"""A network learns a differential equation and no data: its second derivative stands inside of the loss.

A damped oscillator, u'' + 2·d·u' + w²·u = 0 with u(0) = 1 and u'(0) = 0, is solved on 0 <= t <= 5. The trial solution
u(t) = 1 + tanh²(t)·N(t) has the right start whatever the network N says, so the loss is the equation alone. `ga.grad`
of a sum over points gives u' at each point, once more gives u'', and the gradient of the loss with respect to the
weights is a derivative of the third order. Adam begins, and L-BFGS, which takes the points all at once, goes on.
Measured: the largest distance from the exact solution is 0.03 after 1000 steps of Adam, and 2e-4 after 873 of L-BFGS.

Run: python examples/physics_informed.py
"""

from pathlib import Path

import numpy as np
from common import BLACK, BLUE, FIGURES, ORANGE, RED, Array, figure, save

import graphad as ga

DAMPING, FREQUENCY, END = 0.4, 3.0, 5.0


def exact(t: Array) -> Array:
    """The solution by the formula."""
    own = np.sqrt(FREQUENCY**2 - DAMPING**2)
    return np.exp(-DAMPING * t) * (np.cos(own * t) + DAMPING / own * np.sin(own * t))


def declare(width: int) -> tuple[ga.Node, list[ga.Node], ga.Node, ga.Node, ga.nn.Layer]:
    """The points in time, the parameters, the solution there, the residual of the equation there, the network."""
    t = ga.input("t", ("n",))
    network = ga.nn.Sequential(
        ga.nn.Linear(1, width, name="first"),
        ga.tanh,
        ga.nn.Linear(width, width, name="second"),
        ga.tanh,
        ga.nn.Linear(width, 1, name="last"),
    )
    u = 1 + ga.tanh(t) ** 2 * network(t[:, None])[:, 0]
    d_u = ga.grad(ga.sum(u), t)  # each u depends on its own t alone
    d2_u = ga.grad(ga.sum(d_u), t)
    residual = d2_u + 2 * DAMPING * d_u + FREQUENCY**2 * u
    return t, ga.nn.parameters(network), u, residual, network


def draw(t: Array, u: Array, losses: list[float], steps: int, out: Path) -> None:
    """The solution, its error, the loss."""
    fig, (left, middle, right) = figure(1, 3, size=(13, 3.8))
    left.plot(t, exact(t), color=BLACK, lw=5, alpha=0.25, label="exact")
    left.plot(t, u, color=BLUE, ls="--", lw=1.8, label="network")
    left.set(xlabel="t", ylabel="u", title="Damped oscillator")
    left.legend(frameon=False)
    middle.plot(t, u - exact(t), color=RED)
    middle.ticklabel_format(axis="y", scilimits=(0, 0))
    middle.set(xlabel="t", ylabel="network - exact", title="Error")
    right.semilogy(losses[:steps], color=ORANGE, lw=1.2, label="Adam")
    right.semilogy(range(steps, len(losses)), losses[steps:], color=BLUE, lw=1.8, label="L-BFGS")
    right.set(xlabel="step", ylabel="mean squared residual", title="Loss: the equation")
    right.legend(frameon=False)
    for ax in (left, middle, right):
        ax.grid(alpha=0.3)
    save(fig, out, "physics_informed")


def main(out: Path = FIGURES, steps: int = 1000, width: int = 32, points: int = 64) -> tuple[float, float]:
    """Solve; the largest error after Adam, and after L-BFGS as well."""
    t, weights, u, residual, network = declare(width)
    loss = ga.mean(residual**2)
    adam = ga.optim.step(ga.optim.adam(lr=ga.optim.schedules.cosine(0.01, steps)), loss, weights)
    train = ga.compile([t, *weights, *adam.state], loss, name="train", updates=adam.updates)
    solution = ga.compile([t, *weights], u, name="solution")
    values = ga.nn.initial(network, 0)
    rng = np.random.default_rng(0)
    values["first_W"][:] = rng.normal(0, 1.5, (1, width))
    values["first_b"][:] = -values["first_W"][0] * rng.uniform(0, END, width)  # units switch all over the interval
    state = adam.initial(values)
    times, between = np.linspace(0, END, points), np.linspace(0, END, 301)
    losses = [float(train(times, **values, **state)) for _ in range(steps)]
    by_adam = float(np.abs(solution(between, **values) - exact(between)).max())

    def watch(values: dict[str, Array], loss: float) -> None:
        losses.append(loss)

    found = ga.train.minimize(loss, weights, values, inputs={"t": times}, options={"maxiter": steps}, callback=watch)
    fitted = solution(between, **found.values)
    error = float(np.abs(fitted - exact(between)).max())
    print(f"Adam: residual {losses[0]:.3g} at first, {losses[steps - 1]:.3g} at last; largest error {by_adam:.2g}")
    print(f"L-BFGS, {found.iterations} steps: residual {found.loss:.3g}; largest error {error:.2g}")
    draw(between, fitted, losses, steps, out)
    return by_adam, error


if __name__ == "__main__":
    _, distance = main()
    assert distance < 1e-3
