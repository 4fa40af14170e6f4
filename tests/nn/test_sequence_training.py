"""Sequence models trained by one compiled step: an LSTM learns parity, a transformer a periodic sequence."""

import numpy as np

import graphad as ga
from graphad import nn


def trained(inputs, loss, model, batch, steps, lr, **options):
    """The losses of a training of which each step is one function."""
    parameters = nn.parameters(model)
    optimizer = ga.optim.chain(ga.optim.clip_by_global_norm(1.0), ga.optim.adam(lr=lr))
    adam = ga.optim.step(optimizer, loss, parameters)
    train = ga.compile([*inputs, *parameters, *adam.state], loss, updates=adam.updates, name="train")
    start = nn.initial(model, 0)
    state = adam.initial(start)
    return [float(train(*batch(), **start, **state, **options)) for _ in range(steps)], start


def test_an_lstm_learns_the_parity_of_all_bits_so_far():
    x, y = ga.input("x", ("T", "batch", 1)), ga.input("y", ("T", "batch"), "int64")
    lstm, readout = nn.LSTM(1, 16, forget_bias=1.0), nn.Linear(16, 2)
    logits = readout(lstm(x)[0])
    loss = nn.cross_entropy(ga.reshape(logits, (-1, 2)), ga.reshape(y, (-1,)))
    rng = np.random.default_rng(0)

    def batch(T=8):
        bits = rng.integers(0, 2, (T, 64, 1))
        return 2.0 * bits - 1, bits.cumsum(axis=0)[:, :, 0] % 2

    losses, weights = trained([x, y], loss, [lstm, readout], batch, 250, 0.02)
    assert losses[0] > 0.6
    assert losses[-1] < 0.05
    answer = ga.compile([x, *nn.parameters([lstm, readout])], ga.argmax(logits, axis=-1))
    bits, parity = batch(20)  # longer than any that it has seen
    assert np.mean(answer(bits, **weights) == parity) > 0.95


def test_a_transformer_learns_a_periodic_sequence():
    """The next of three letters that repeat: to be read off what stands three places before."""
    ids, following = (ga.input(name, ("batch", "T"), "int64") for name in ("ids", "following"))
    block = nn.TransformerBlock(16, heads=2, causal=True, dropout=0.02)
    model = nn.Sequential(nn.Embedding(5, 16), nn.PositionalEncoding(16), block, nn.LayerNorm(16), nn.Linear(16, 5))
    with nn.training():
        logits = model(ids)[:, 3:]
        loss = nn.cross_entropy(ga.reshape(logits, (-1, 5)), ga.reshape(following[:, 3:], (-1,)))
    rng = np.random.default_rng(0)

    def batch():
        whole = np.tile(rng.integers(0, 5, (64, 3)), 5)
        return whole[:, :12], whole[:, 1:13]

    losses, weights = trained([ids, following], loss, model, batch, 150, 0.01, rng=rng)
    assert losses[0] > 1.5
    assert losses[-1] < 0.2
    answer = ga.compile([ids, *nn.parameters(model)], ga.argmax(model(ids), axis=-1))
    shown, expected = batch()
    assert np.mean((answer(shown, **weights) == expected)[:, 3:]) > 0.98
