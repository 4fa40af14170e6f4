"""`ga.train.fit`: what it reaches, how it divides the data, what it tells."""

import numpy as np
from sklearn.datasets import load_digits

import graphad as ga


def digits():
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    images, labels = images[order] / 16, labels[order]
    return (images[:1500], labels[:1500]), (images[1500:], labels[1500:])


def mlp():
    return ga.nn.Sequential(ga.nn.Linear(64, 48), ga.tanh, ga.nn.Linear(48, 10))


def test_a_small_network_reads_digits():
    train, test = digits()
    result = ga.train.fit(
        mlp(), ga.nn.cross_entropy, ga.optim.adam(1e-2), train, epochs=10, metrics="accuracy", validation=0.1
    )
    assert result.stopped == "finished"
    assert result.evaluate(test)["accuracy"] > 0.95
    assert np.mean(result.predict(test[0]).argmax(1) == test[1]) == result.evaluate(test)["accuracy"]
    losses = result.history.column("loss")
    assert losses[-1] < losses[0] / 5
