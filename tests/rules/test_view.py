"""The stabilized view: made once for many gradients of one loss, and no longer there than the loss."""

import gc
import weakref

import numpy as np

import graphad as ga
from graphad.rules.engine import watching
from graphad.rules.stable import STABLE
from graphad.rules.view import stabilized


def loss_of(*xs):
    return ga.log(ga.sum(ga.exp(ga.sum_n(*xs))))


def fired(work):
    names = []
    with watching(lambda rule, before, after: names.append(rule.__name__)):
        work()
    return names


def test_second_gradient_rewrites_nothing():
    x, y = ga.input("x", (3,)), ga.input("y", (3,))
    loss = loss_of(x, y)
    assert fired(lambda: ga.grad(loss, x))
    assert not fired(lambda: ga.grad(loss, y))
    assert fired(lambda: ga.grad(loss_of(x, y), y))


def test_barriers_and_rules_are_told_apart():
    x = ga.input("x", (3,))
    e = ga.exp(x)
    loss = ga.log(ga.sum(e))
    (free,), _ = stabilized([loss], [x], STABLE)
    (cut,), (inner,) = stabilized([loss], [e], STABLE)
    assert free.op.name == "logsumexp"
    assert cut.op.name == "log"
    assert inner is e
    (again,), (same,) = stabilized([loss], [x], STABLE)
    assert again.op.name == "logsumexp"
    assert same is x
    assert stabilized([loss], [x], {})[0][0] is loss
    f = ga.compile([x], [ga.grad(loss, x), ga.grad(loss, e)])
    for d in f(np.zeros(3)):
        np.testing.assert_allclose(d, np.full(3, 1 / 3))


def test_other_outputs_are_another_question():
    x = ga.input("x", (3,))
    a, b = loss_of(x), loss_of(x, x)
    stabilized([a], [x], STABLE)
    assert len(stabilized([a, b], [x], STABLE)[0]) == 2
    assert stabilized([], [x], STABLE)[0] == []


def test_nothing_outlives_the_loss():
    x = ga.input("x", (3,))
    loss = loss_of(x)
    ga.grad(loss, x)
    gone = weakref.ref(loss)
    del loss
    gc.collect()
    assert gone() is None
