"""Small parts that outlive large arrays are copied; nothing else is."""

import numpy as np
from deep_programs import heat, values_of

import graphad as ga
from graphad.lower.interpret import interpret
from graphad.lower.parts import copy, without_remains

SIZES = {"n": 256}


def copies(graph):
    return [n for n in without_remains(graph, SIZES).nodes if n.op is copy]


def program(rows=300, read_again=False, returned=False):
    """A row of a large value, which is read when the value is no longer needed."""
    x = ga.input("x", shape=(rows, 100))
    large = ga.exp(x)
    row = large[0]
    total = ga.sum(large) + 1
    later = ga.sin(total) * row
    outputs = [later, large] if returned else [later + ga.sum(large)] if read_again else [later]
    return ga.Graph([x], outputs)


def test_a_row_that_outlives_its_matrix_is_copied():
    graph = program()
    (found,) = copies(graph)
    assert found.shape == (100,)
    assert found.inputs[0].origin is graph.outputs[0].inputs[1].origin
    values = [np.random.default_rng(0).standard_normal((300, 100))]
    for a, b in zip(interpret(without_remains(graph, SIZES), values), interpret(graph, values), strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_is_copied_where_nothing_is_gained():
    assert not copies(program(rows=100))  # small
    assert not copies(program(read_again=True))
    assert not copies(program(returned=True))
    x = ga.input("x", shape=(300, 100))
    assert not copies(ga.Graph([x], [ga.sin(ga.sum(x)) * x[0]]))  # the caller's array lives on anyway


def test_named_sizes_count_as_told():
    x = ga.input("x", shape=("n", 100))
    large = ga.exp(x)
    graph = ga.Graph([x], [ga.sin(ga.sum(large)) * large[0]])
    assert copies(graph)
    assert not [n for n in without_remains(graph, {"n": 8}).nodes if n.op is copy]


def test_the_borders_of_a_field_do_not_keep_its_gradients():
    declared = heat(n=130, steps=12)
    graph = ga.compile(declared.inputs, declared.outputs).graph
    assert len(copies(graph)) >= 4 * 10
    values = values_of(graph)
    for a, b in zip(interpret(without_remains(graph, SIZES), values), interpret(graph, values), strict=True):
        np.testing.assert_array_equal(a, b)


def test_large_programs_need_less_memory_for_it():
    x = ga.input("x", shape=(1000, 1000))
    large, rows = x, []
    for k in range(6):
        large = ga.tanh(large - ga.mean(large))
        rows.append(large[k])
    loss = ga.sum(ga.sin(ga.sum(large)) * ga.sum_n(*rows))
    f = ga.compile([x], [loss])
    assert ".copy()" in f.source
    assert f.report().cost.peak.number < 3 * 8_000_000
