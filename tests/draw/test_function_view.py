"""Views of functions: values and derivatives against NumPy and differences, breaks against known ones, the panels."""

import io
import re

import matplotlib as mpl
import numpy as np
import pytest
from scipy import special

import graphad as ga
from graphad.draw.function_breaks import breaks
from graphad.draw.function_maps import MATRIX, function_map
from graphad.draw.function_panels import section
from graphad.draw.function_planes import _plane, complex_plane
from graphad.draw.function_view import SMALLEST, _derivative_lines, _value_lines, line_of, mathtext
from graphad.errors import ArgumentError, MissingDependencyError
from graphad.ops import ALL_OPS, BY_NAME

mpl.use("Agg")

ELEMENTWISE = [op for op in ALL_OPS if "elementwise" in op.traits]
OTHERS = "matmul solve softmax log_softmax logsumexp euclidean_norm max min sum prod mean sort cumsum cumprod".split()
SHOWN = [*ELEMENTWISE, *(BY_NAME[name] for name in OTHERS)]


def points_of(shown, count=5, seed=0):
    rng = np.random.default_rng(seed)
    if shown.whole:
        return np.stack([rng.integers(low, high + 1, count) for low, high in shown.domains], axis=-1).astype(float)
    return np.stack([rng.uniform(low, high, count) for low, high in shown.domains], axis=-1)


# Which functions, and what they are -----------------------------------------------------------------------------------


@pytest.mark.parametrize("op", SHOWN, ids=lambda op: op.name)
def test_every_elementwise_op_and_vector_function_can_be_shown(op):
    shown = function_map(op)
    points = points_of(shown)
    assert shown.values(points).shape == (5, shown.outputs)
    assert np.isfinite(shown.values(points)).all()


@pytest.mark.parametrize("op", SHOWN, ids=lambda op: op.name)
def test_derivatives_are_those_of_differences(op):
    """The Jacobian of the view against central differences of its values."""
    shown = function_map(op)
    points = points_of(shown, seed=1)
    found = shown.jacobian(points)
    if found is None:
        assert shown.whole or op.name in (
            "equal not_equal less less_equal greater greater_equal isfinite isnan isinf signbit logical_not".split()
        )
        return
    step = 1e-6
    for k in range(shown.inputs):
        ahead, behind = points.copy(), points.copy()
        ahead[:, k] += step
        behind[:, k] -= step
        difference = (shown.values(ahead) - shown.values(behind)) / (2 * step)
        np.testing.assert_allclose(found[:, :, k], difference, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tanh", lambda x: np.tanh(x)),
        ("gamma", lambda x: special.gamma(x)),
        ("hypot", lambda x, y: np.hypot(x, y)),
        ("clip", lambda x: np.clip(x, -1, 1)),
        ("where", lambda x, y: np.where(x > 0, x, y)),
        ("betainc", lambda x: special.betainc(2, 3, x)),
        ("polygamma", lambda x: special.polygamma(1, x)),
    ],
)
def test_values_are_those_of_numpy_and_scipy(name, expected):
    shown = function_map(BY_NAME[name])
    points = points_of(shown)
    np.testing.assert_allclose(shown.values(points)[:, 0], expected(*points.T), rtol=1e-12)


def test_vectors_of_two_numbers():
    points = points_of(function_map(BY_NAME["matmul"]))
    np.testing.assert_allclose(function_map(BY_NAME["matmul"]).values(points), points @ MATRIX.T)
    np.testing.assert_allclose(function_map(BY_NAME["softmax"]).values(points), special.softmax(points, axis=1))
    norm = function_map(BY_NAME["euclidean_norm"])
    assert (norm.inputs, norm.outputs, norm.symbols) == (2, 1, ("x[0]", "x[1]"))


def test_domains_are_those_of_the_op_or_of_the_user():
    assert function_map(BY_NAME["log"]).domains == ((0.1, 3.0),)
    assert function_map(BY_NAME["beta"]).domains == ((0.1, 3.0), (0.1, 3.0))
    assert function_map(ga.tanh, (-1, 2)).domains == ((-1.0, 2.0),)
    assert function_map(ga.hypot, ((-1, 2), (0, 1))).domains == ((-1.0, 2.0), (0.0, 1.0))
    assert function_map(ga.hypot, (-1, 2)).domains == ((-1.0, 2.0),) * 2
    for wrong in (3, (2, 1), (0, np.inf), ((0, 1),) * 3, "ab", (0, 1, 2)):
        with pytest.raises(ArgumentError, match="domain"):
            function_map(ga.tanh, wrong)


def test_graphs_functions_and_nodes():
    x, w, b = ga.input("x"), ga.parameter("w"), ga.parameter("b")
    y = ga.tanh(w * x + b)
    graph = ga.Graph([x, w, b], [y], name="unit")
    shown = function_map(graph, values={"w": 2.0, "b": 0.5})
    np.testing.assert_allclose(shown.values(np.array([[0.3]])), np.tanh([[1.1]]))
    np.testing.assert_allclose(shown.jacobian(np.array([[0.3]])), [[[2 * (1 - np.tanh(1.1) ** 2)]]])
    two = function_map(graph, values={"b": 0.0})
    assert (two.inputs, two.symbols) == (2, ("x", "w"))
    assert function_map(ga.exp(x)).name == "(exp)"
    pair = function_map(lambda r, t: (r * ga.cos(t), r * ga.sin(t)))
    np.testing.assert_allclose(pair.jacobian(np.array([[2.0, 0.0]]))[0], [[1, 0], [0, 2]])
    assert function_map(ga.nn.gelu).inputs == 1


def test_what_cannot_be_shown_is_refused_in_words():
    x = ga.input("x", (3,))
    graph = ga.Graph([x], [ga.exp(x)], name="g")
    for what in (BY_NAME["conv"], BY_NAME["einsum"], BY_NAME["det"], graph, lambda a, b, c: a, lambda x: 3):
        with pytest.raises(ArgumentError, match="one or two real numbers"):
            ga.plot_function(what)
    with pytest.raises(ArgumentError, match="cannot show int"):
        ga.plot_function(3)
    with pytest.raises(ArgumentError, match="no input 'z'"):
        ga.plot_function(graph, values={"z": 1})
    with pytest.raises(ArgumentError, match="values="):
        ga.plot_function(ga.exp, values={"x": 1})


# Breaks ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "domain", "jumps", "poles", "kinks"),
    [
        (ga.tan, (-4, 4), [], [-np.pi / 2, np.pi / 2], []),
        (ga.floor, (-1.5, 1.5), [-1, 0, 1], [], []),
        (ga.abs, None, [], [], [0]),
        (ga.nn.hardtanh, None, [], [], [-1, 1]),
        (ga.reciprocal, (-3, 3), [], [0], []),
        (ga.special.gamma, (-2.5, 4), [], [-2, -1, 0], []),
        (ga.sign, (-3, 2), [0], [], []),
        (ga.exp, None, [], [], []),
        (ga.special.erfcx, None, [], [], []),
        (ga.cbrt, (-3, 3), [], [], []),
        (lambda x: ga.sqrt(ga.abs(x)), (-3, 3), [], [], []),
    ],
)
def test_jumps_poles_and_kinks(function, domain, jumps, poles, kinks):
    shown = function_map(function, domain)
    f, slope = section(shown, 0.0)
    x = np.linspace(*shown.domains[0], 600)
    found = breaks(f, x, float(np.ptp(f(np.linspace(*shown.domains[0], 8)))) or 1.0)
    np.testing.assert_allclose(sorted(found.jumps), jumps, atol=1e-8)
    np.testing.assert_allclose(sorted(found.poles), poles, atol=1e-8)
    if kinks:
        np.testing.assert_allclose(sorted(breaks(slope, x, 1.0).jumps), kinks, atol=1e-8)
    for at in found.jumps:
        left, right = found.values[at]
        assert left == f(np.array([at - 1e-6])) and right == f(np.array([at + 1e-6]))


def lines_of(figure, title):
    (axes,) = [a for a in figure.get_axes() if a.get_title() == title]
    return axes.get_lines()


def test_no_line_joins_the_sides_of_a_pole_or_a_jump():
    for function, domain, places in ((ga.tan, (-4, 4), [-np.pi / 2, np.pi / 2]), (ga.floor, (-1.5, 1.5), [-1, 0, 1])):
        figure = ga.plot_function(function, domain)
        drawn = 0
        for line in lines_of(figure, "curve"):
            x = np.asarray(line.get_xdata(), float)
            if len(x) > 2:
                drawn += 1
                assert not any(x.min() < p < x.max() for p in places) or line.get_linestyle() == "--"
        assert drawn >= len(places) + 1


def test_kinks_are_marked():
    figure = ga.plot_function(ga.abs)
    markers = [line for line in lines_of(figure, "curve") if line.get_marker() == "D"]
    assert [(float(m.get_xdata()[0]), float(m.get_ydata()[0])) for m in markers] == [(0.0, 0.0)]


# Planes ---------------------------------------------------------------------------------------------------------------


def test_a_linear_map_multiplies_every_area_by_its_determinant():
    plane = _plane(function_map(BY_NAME["matmul"]))
    np.testing.assert_allclose(plane.area, np.linalg.det(MATRIX))
    np.testing.assert_allclose(plane.after, plane.before @ MATRIX.T, atol=1e-14)


def test_area_factors_are_those_of_the_cells_drawn():
    """The determinant in the middle of a cell is about the ratio of the areas of the polygons."""

    def area(corners):
        d, e = corners[1:, 1:] - corners[:-1, :-1], corners[1:, :-1] - corners[:-1, 1:]
        return 0.5 * np.abs(d[..., 0] * e[..., 1] - d[..., 1] * e[..., 0])

    for what, domain in ((BY_NAME["exp"], None), (BY_NAME["erf"], (-1, 1)), (lambda x, y: (x * x - y, x * y), (1, 2))):
        plane = _plane(function_map(what, domain))
        np.testing.assert_allclose(np.abs(plane.area), area(plane.after) / area(plane.before), rtol=0.02)


def test_complex_functions():
    plane = complex_plane(ga.exp, (-3.0, 3.0))
    z = plane.before[..., 0] + 1j * plane.before[..., 1]
    np.testing.assert_allclose(plane.after[..., 0] + 1j * plane.after[..., 1], np.exp(z))
    center = (z[1:, 1:] + z[:-1, :-1]) / 2
    np.testing.assert_allclose(plane.area, np.abs(np.exp(center)) ** 2)
    for function in (ga.sin, ga.sqrt, ga.log, ga.tanh, ga.square, lambda z: 1 / (z + 3)):
        assert complex_plane(function, (0.1, 2.0)) is not None
    for function in (ga.abs, ga.conj, ga.real, ga.floor, ga.special.erf, ga.nn.relu, ga.nn.selu, ga.sign):
        assert complex_plane(function, (-2.0, 2.0)) is None


# Equations ------------------------------------------------------------------------------------------------------------


def equations_of(op):
    shown = function_map(op)
    return [line.text for line in (*_value_lines(shown), *_derivative_lines(shown))]


HARD = "absolute where clip remainder floor logical_and euclidean_norm log_ndtr maximum softmax matmul cbrt jv".split()


@pytest.mark.parametrize("op", [*SHOWN[::7], *(BY_NAME[name] for name in HARD)], ids=lambda op: op.name)
def test_equations_are_set_as_formulas(op):
    lines = equations_of(op)
    assert lines and all(line.startswith("$") or line == "no derivative" for line in lines), lines


def test_equations_of_a_few():
    assert equations_of(ga.tanh) == [r"$y = \tanh\left(x\right)$", r"$\dfrac{d y}{d x} = 1 - y^{2}$"]
    assert equations_of(ga.add)[-1] == r"$\dfrac{\partial z}{\partial x} = \dfrac{\partial z}{\partial y} = 1$"
    assert equations_of(ga.hypot)[1:] == [
        r"$\dfrac{\partial z}{\partial x} = \dfrac{x}{z}$",
        r"$\dfrac{\partial z}{\partial y} = \dfrac{y}{z}$",
    ]
    assert equations_of(BY_NAME["less"])[-1] == "no derivative"


def test_every_symbol_of_the_equations_is_explained():
    """A value that a line mentions is an input, or stands on the left of a line."""
    weights = np.array([[1.5, 0.5], [-0.5, 1.0]])
    functions = (lambda x, y: ga.exp(x) * y, lambda x: ga.tanh(weights @ x), ga.nn.gelu, ga.nn.selu, BY_NAME["beta"])
    for function in functions:
        lines = equations_of(function)
        rights = " ".join(line.rpartition(" = ")[2] for line in lines)
        lefts = " ".join(line.rpartition(" = ")[0] for line in lines)
        for symbol in set(re.findall(r"(?:\\mathbf\{t\}|t)_\{\d+\}", rights)):
            assert symbol in lefts, lines


def test_mathtext_of_nested_cases():
    inner = r"\begin{cases} a & c \\ b & \text{otherwise} \end{cases}"
    text = mathtext(rf"\begin{{cases}} {inner} & d \\ e & \text{{otherwise}} \end{{cases}} + 0.123456789")
    assert "cases" not in text and text.count(r"\left\{") == 2 and text.endswith("+ 0.12346")
    assert line_of(f"${text}$").size > SMALLEST
    assert line_of(r"$\begin{cases} a \end{cases}$") is None


# Figures --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["multiply", "softmax", "logical_and", "invert", "equal"])
def test_figures_of_all_kinds(name):
    figure = ga.plot_function(BY_NAME[name])
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=40)
    assert buffer.getvalue().startswith(b"\x89PNG")
    titles = [axes.get_title("left") or axes.get_title() for axes in figure.get_axes()]
    assert {"wiring", "equation", "curve"} <= set(titles)


def test_without_graphviz_the_wiring_is_text(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("graphad.draw.render.find_spec", lambda name: None)
    figure = ga.plot_function(ga.tanh)
    (axes,) = [a for a in figure.get_axes() if a.get_title("left") == "wiring"]
    assert any("= tanh(%0)" in text.get_text() for text in axes.texts)


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match=r"graphad\[plot\]"):
        ga.plot_function(ga.tanh)


def test_a_user_function_keeps_its_nodes_unnamed_by_the_figure():
    figure = ga.plot_function(ga.nn.silu)
    assert figure.get_suptitle().startswith("silu")
    assert "figure" not in str(function_map(ga.nn.silu).graph)
