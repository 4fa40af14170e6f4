"""The table of a worked pass: each row's expression gives its value, each gradient is the derivative."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

import graphad as ga
from graphad.draw.trace import written
from graphad.errors import ArgumentError


def network():
    """The textbook's network with two inputs, two hidden units and one output, and its squared error."""
    x, y = ga.input("x", (2,)), ga.input("y")
    W, b, v = ga.parameter("W", (2, 2)), ga.parameter("b", (2,)), ga.parameter("v", (2,))
    h = ga.tanh(x @ W + b)
    error = h @ v - y
    loss = 0.5 * error**2
    graph = ga.Graph([x, y, W, b, v], [loss, *ga.grad(loss, [W, b, v])], name="net")
    values = {"x": [1.0, 2.0], "y": 1.0, "W": [[0.1, 0.2], [0.3, 0.4]], "b": [0.0, 0.1], "v": [0.5, -0.5]}
    return graph, values


def by_name(table):
    return {row.node: row for row in table.rows}


def test_a_backward_pass_worked_by_hand():
    graph, values = network()
    rows = by_name(ga.trace_table(graph, values))
    x, W, b, v = (np.array(values[k]) for k in "xWbv")
    z = np.array([x[0] * W[0, 0] + x[1] * W[1, 0] + b[0], x[0] * W[0, 1] + x[1] * W[1, 1] + b[1]])
    h = np.tanh(z)
    error = h[0] * v[0] + h[1] * v[1] - 1.0
    d_h = error * v
    d_z = d_h * (1 - h**2)
    for name, value, gradient in [
        ("h", h, d_h),
        ("error", error, error),
        ("loss", 0.5 * error**2, 1.0),
        ("W", W, [[x[0] * d_z[0], x[0] * d_z[1]], [x[1] * d_z[0], x[1] * d_z[1]]]),
        ("b", b, d_z),
        ("v", v, error * h),
    ]:
        np.testing.assert_allclose(rows[name].value, value, rtol=1e-14, err_msg=name)
        np.testing.assert_allclose(rows[name].gradient, gradient, rtol=1e-14, err_msg=name)
    assert rows["x"].gradient is None and rows["y"].gradient is None  # nobody asks for them
    assert rows["d_W"].phase == "backward"
    np.testing.assert_allclose(rows["d_v"].value, error * h)


def test_steps_are_numbered_forward_first_and_name_their_rules():
    table = ga.trace_table(*network())
    assert [row.step for row in table.rows] == list(range(1, len(table.rows) + 1))
    phases = [row.phase for row in table.rows]
    assert phases == sorted(phases, reverse=True) and set(phases) == {"forward", "backward"}
    rows = by_name(table)
    assert rows["d_loss"].rule == "seed" and rows["d_h"].rule == "vjp of matmul"
    assert not any(row.rule for row in table.rows if row.phase == "forward")
    graph, values = network()
    turned = ga.trace_table(ga.Graph(graph.inputs, graph.outputs[::-1]), values)
    assert [row.phase for row in turned.rows] == phases
    assert (rows["h"].equation, rows["error"].equation) == ("np.tanh(t1)", "t2 - y")


def test_each_equation_gives_its_value():
    """An expression evaluated on the values of the rows above, by Python, is what the row shows."""
    x, W, b = ga.input("x", ("n", 3)), ga.parameter("W", (3, 2)), ga.parameter("b", (2,))
    h = ga.tanh(x @ W + b)
    loss = ga.mean(((h @ W.T - x) / 2) ** 2) + ga.sum(ga.sqrt(ga.abs(b)))
    graph = ga.Graph([x, W, b], [loss, *ga.grad(loss, [W, b])])
    rng = np.random.default_rng(0)
    table = ga.trace_table(graph, {"x": rng.normal(size=(4, 3)), "W": rng.normal(size=(3, 2)), "b": [0.3, -0.7]})
    known = {"np": np, "n": 4, "add_all": lambda *terms: sum(terms)}
    checked = 0
    for row in table.rows:
        if row.equation not in ("input", "parameter"):
            np.testing.assert_allclose(eval(row.equation, known), row.value, rtol=1e-13, err_msg=row.node)
            checked += 1
        known[row.node] = row.value
    assert checked > 20
    assert by_name(table)["d_W"].rule == "sum over uses"


def test_every_gradient_is_that_of_its_node():
    """Also where a sum hands its cotangent on: each against `grad` with respect to the node itself."""
    x, y = ga.input("x", (3,)), ga.input("y", (3,))
    total = ga.sin(x) + ga.exp(y) - ga.sqrt(y)
    loss = ga.sum(total * total) + ga.sum(x)
    graph = ga.Graph([x, y], [loss, *ga.grad(loss, [x, y])])
    values = {"x": [1.0, 2.0, 3.0], "y": [0.5, 0.6, 0.7]}
    rows = by_name(ga.trace_table(graph, values))
    names, _ = written(graph)
    graded = 0
    for node, name in names.items():
        if node not in graph.backward and rows[name].gradient is not None:
            alone = ga.compile([x, y], ga.grad(loss, node))
            np.testing.assert_allclose(rows[name].gradient, alone(**values), rtol=1e-13, err_msg=name)
            graded += 1
    assert graded >= 8
    (sine,) = (row for row in rows.values() if row.equation == "np.sin(x)")
    assert sine.gradient is not None  # of a term, which the graph computes once for the sum


def test_a_term_used_twice_does_not_take_the_gradient_of_one_sum():
    x = ga.input("x")
    a = ga.sin(x)
    u = a + x
    loss = u * a
    graph = ga.Graph([x], [loss, ga.grad(loss, x)])
    rows = by_name(ga.trace_table(graph, {"x": 0.5}))
    assert float(rows["a"].gradient) == pytest.approx(np.sin(0.5) + np.sin(0.5) + 0.5)
    w = ga.parameter("w")
    c = ga.sin(x)
    total = (c + w) * (c - w)  # the graph of d_w alone has no gradient of c
    graph = ga.Graph([x, w], [total, ga.grad(total, w)])
    assert by_name(ga.trace_table(graph, {"x": 0.5, "w": 2.0}))["c"].gradient is None


def test_a_second_derivative_is_no_gradient_of_what_was_declared():
    x = ga.input("x")
    y = ga.sin(x) * x
    graph = ga.Graph([x], [y, ga.grad(ga.grad(y, x), x)])
    table = ga.trace_table(graph, {"x": 0.5})
    rows = by_name(table)
    assert rows["x"].gradient is None  # the graph computes dy/dx nowhere
    assert float(rows["t0"].gradient) == 0.5 and float(rows["y"].gradient) == 1.0
    last = table.rows[-1]
    assert float(last.value) == pytest.approx(2 * np.cos(0.5) - 0.5 * np.sin(0.5))


def test_tangents_are_called_so():
    x = ga.input("x")
    y = ga.sin(x) * x
    table = ga.trace_table(ga.Graph([x], [y, ga.jvp(y, x, 1.0)]), {"x": 0.5})
    assert {row.phase for row in table.rows} == {"forward", "tangent"}
    assert table.rows[-1].rule == "jvp of multiply"


def test_a_forward_graph_has_neither_gradients_nor_rules():
    x = ga.input("x")
    table = ga.trace_table(ga.Graph([x], [2 * ga.sin(x)]), {x: 0.5})
    assert all(row.gradient is None for row in table.rows)
    head = str(table).splitlines()[1].split()
    assert head == ["step", "node", "equation", "value"]


def test_a_function_shows_what_was_declared():
    graph, values = network()
    function = ga.compile(graph.inputs, graph.outputs)
    assert len(ga.trace_table(function, values).rows) == len(ga.trace_table(graph, values).rows)


def test_random_numbers_and_missing_inputs():
    x = ga.input("x", (3,))
    noisy = x + ga.random.standard_normal((3,))
    graph = ga.Graph([x], [noisy])
    (row,) = [r for r in ga.trace_table(graph, {"x": [1, 2, 3]}, np.random.default_rng(0)).rows if r.node == "noisy"]
    np.testing.assert_array_equal(row.value, np.add(np.random.default_rng(0).standard_normal(3), [1, 2, 3]))
    with pytest.raises(ArgumentError, match="no value for x"):
        ga.trace_table(graph, {})
    with pytest.raises(ArgumentError, match="no input 'z'"):
        ga.trace_table(graph, {"z": 1})


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_cells_wrap_and_are_not_cut(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    graph, values = network()
    text = str(ga.trace_table(graph, values))
    assert max(map(len, text.splitlines())) <= columns
    assert "…" not in text
    letters = re.sub(r"\s", "", text)
    if columns == 200:
        assert "[[-0.3485,0.1972],[-0.697,0.3944]]" in letters
    for digits in ("0.3485", "0.1972"):  # a cell may go over several lines, none of it is lost
        assert columns < 80 or digits in text


def test_very_long_tables_show_their_ends():
    y = x = ga.input("x")
    for _ in range(600):
        y = ga.sin(y)
    table = ga.trace_table(ga.Graph([x], [y]), {"x": 1.0})
    text = str(table)
    assert len(table.rows) == 601 and "401 more" in text and len(text.splitlines()) < 215


class Cells(HTMLParser):
    """Rows of a table as lists of texts."""

    def __init__(self):
        super().__init__()
        self.rows, self.tags, self.scopes, self.inside = [], [], [], False

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.scopes += [value for key, value in attrs if key == "scope"]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


def test_html_holds_the_rows_and_can_be_read_aloud():
    graph, values = network()
    table = ga.trace_table(graph, values)
    page = Cells()
    page.feed(table._repr_html_())
    assert "caption" in page.tags and "thead" in page.tags
    assert page.scopes.count("col") == 6 and page.scopes.count("row") == len(table.rows)
    assert page.scopes.count("rowgroup") == 2
    shown = [row for row in page.rows if len(row) == 6][1:]
    assert [row[1] for row in shown] == [row.node for row in table.rows]
    assert [row[2] for row in shown] == [row.equation for row in table.rows]


def test_names_are_text_and_never_markup():
    x = ga.input("x")
    y = ga.exp(x)
    y.origin.name = "<script>[bold]\x1b[31m"
    graph = ga.Graph([x], [y], name="<b>[red]&")
    table = ga.trace_table(graph, {"x": 1.0})
    page = table._repr_html_()
    assert "<script>" not in page and "<b>" not in page and "&lt;b&gt;[red]&amp;" in page
    assert "<b>[red]&" in str(table) and "\x1b" not in str(table)


def test_a_matrix_stands_row_by_row():
    x = ga.input("x", (2, 3))
    table = ga.trace_table(ga.Graph([x], [ga.sum(x)]), {"x": np.arange(6).reshape(2, 3) / 7e3})
    assert "[[0, 0.0001429, 0.0002857],\n [0.0004286" in table._repr_html_()
    lines = str(table).splitlines()
    first = next(k for k, line in enumerate(lines) if "[[0, 0.0001429" in line)
    assert lines[first + 1].strip().startswith("[0.0004286")
