"""A small transformer learns to sort: it reads six digits and then says them in order, one after the other.

The sequence is the question and its answer, 3 1 4 1 5 9 | 1 1 3 4 5 9; each place is to say the next one, and sees
only what stands before it (a causal mask). Two blocks, 32 features, 2 heads, in single precision, as such networks are
trained. To sort new digits the network reads what it said itself. Measured after 1000 steps: 1000 new questions are
sorted without a mistake, all of them. The picture shows what the last block looks at: to say a digit, most often where
that digit stands in the question.

Run: python examples/small_transformer.py
"""

from pathlib import Path

import numpy as np
from common import BLUE, FIGURES, Array, figure, save

import graphad as ga

DIGITS, LENGTH, FEATURES, HEADS = 10, 6, 32, 2


def questions(rng: np.random.Generator, count: int) -> Array:
    """Digits and the same digits in order, (count, 2·LENGTH)."""
    given = rng.integers(0, DIGITS, (count, LENGTH))
    return np.concatenate([given, np.sort(given, axis=1)], axis=1)


def declare(dtype: str) -> ga.nn.Sequential:
    """The network: digits (batch, T) become scores (batch, T, DIGITS) of the digit that follows."""
    return ga.nn.Sequential(
        ga.nn.Embedding(DIGITS, FEATURES, dtype=dtype, name="embedding"),
        ga.nn.LearnedPositions(2 * LENGTH, FEATURES, dtype=dtype, name="positions"),
        ga.nn.TransformerBlock(FEATURES, HEADS, causal=True, dtype=dtype, name="block_1"),
        ga.nn.TransformerBlock(FEATURES, HEADS, causal=True, dtype=dtype, name="block_2"),
        ga.nn.LayerNorm(FEATURES, dtype=dtype, name="norm"),
        ga.nn.Linear(FEATURES, DIGITS, dtype=dtype, name="last"),
    )


def attention(model: ga.nn.Sequential, x: ga.Node) -> ga.Node:
    """The weights of the last block, (batch, heads, T, T): rows look at columns. The formula, from its parameters."""
    block = model[3]
    before = block.norms[0](model[:3](x))
    layer, T = block.attention, x.shape[1]
    shape = (x.shape[0], T, HEADS, FEATURES // HEADS)
    q = ga.reshape(before @ layer.W_q + layer.b_q, shape)
    k = ga.reshape(before @ layer.W_k + layer.b_k, shape)
    scores = ga.einsum("bihd,bjhd->bhij", q, k) / np.sqrt(FEATURES // HEADS)
    seen = ga.arange(T)[:, None] >= ga.arange(T)
    return ga.nn.softmax(ga.where(seen, scores, -np.inf), axis=-1)


def sort(next_digit: ga.Function, given: Array, values: dict[str, Array]) -> Array:
    """The answers that the network says, digit by digit."""
    known = given
    for _ in range(LENGTH):
        known = np.concatenate([known, next_digit(known, **values)[:, None]], axis=1)
    return known[:, LENGTH:]


def draw(losses: list[float], row: Array, weights: Array, out: Path) -> None:
    """The loss, and for one question the attention of each head while the answer is said."""
    fig, axes = figure(1, 1 + HEADS, size=(13, 4), width_ratios=(4, *[5] * HEADS))
    axes[0].semilogy(losses, color=BLUE, lw=1)
    axes[0].set(xlabel="step", ylabel="cross entropy", title="Loss")
    axes[0].grid(alpha=0.3)
    for head, ax in enumerate(axes[1:]):
        shown = ax.imshow(weights[head, LENGTH - 1 :], cmap="Blues", vmin=0, vmax=1)
        ax.axvline(LENGTH - 0.5, color="black", lw=1)
        ax.set_xticks(range(2 * LENGTH - 1), row[:-1])
        ax.set_yticks(range(LENGTH), row[LENGTH:])
        ax.set(xlabel="looks at: question | answer so far", ylabel="says", title=f"Attention of head {head + 1}")
    fig.colorbar(shown, ax=axes[1:], shrink=0.7, label="weight")
    save(fig, out, "small_transformer")


def main(
    out: Path = FIGURES, steps: int = 1000, count: int = 1000, dtype: str = "float32"
) -> tuple[float, list[float]]:
    """Train, sort new digits; which part of the answers has no mistake, and the losses."""
    model, x = declare(dtype), ga.input("x", ("batch", "T"), "int64")
    scores = model(x)
    loss = ga.nn.cross_entropy(
        ga.reshape(scores[:, LENGTH - 1 : -1], (-1, DIGITS)), ga.ravel(x[:, LENGTH:])
    )  # the question itself cannot be foretold
    rate = ga.optim.schedules.warmup(ga.optim.schedules.cosine(0.003, steps), max(1, steps // 20))
    adam = ga.optim.step(ga.optim.adam(lr=rate), loss, ga.nn.parameters(model))
    train = ga.compile([x, *adam.parameters, *adam.state], loss, name="train", updates=adam.updates)
    rng = np.random.default_rng(0)
    values = ga.nn.initial(model, rng)
    state = adam.initial(values)
    losses = [float(train(questions(rng, 64), **values, **state)) for _ in range(steps)]

    next_digit = ga.compile([x, *adam.parameters], ga.argmax(scores[:, -1], axis=1), name="next_digit")
    new = questions(rng, count)
    right = float(np.mean(np.all(sort(next_digit, new[:, :LENGTH], values) == new[:, LENGTH:], axis=1)))
    print(
        f"loss {losses[0]:.2f} at first, {losses[-1]:.4f} at last; {right:.1%} of new digits sorted without a mistake"
    )
    row = np.array([[3, 1, 7, 0, 5, 9, 0, 1, 3, 5, 7, 9]])
    weights = attention(model, x)
    look = ga.compile([x, *adam.parameters], weights, name="look")
    draw(losses, row[0], look(row[:, :-1], **values)[0], out)
    return right, losses


if __name__ == "__main__":
    found, _ = main()
    assert found > 0.97
