"""Options: what they do to a picture, and what is said of those that are not known."""

import re

import numpy as np
import pytest
from pictured import NEURON, layers, mlp, neuron, rnn, siamese

import graphad as ga
from graphad.draw.measures import Measures, Scale, quantity, scale_of, width_of
from graphad.draw.options import Options
from graphad.draw.picture import shown
from graphad.draw.style import LINES, LOOKS, THEMES
from graphad.errors import ArgumentError

BAD = [
    ({"layout": "circle"}, "use one of 'mirror', 'flow'"),
    ({"color_by": "mood"}, "use one of None, 'dtype', 'time', 'flops', 'bytes'"),
    ({"theme": "pink"}, "use one of 'light', 'dark'"),
    ({"fold": "yes"}, "use one of None, True, False"),
    ({"depth": -1}, "no number of levels"),
    ({"depth": True}, "no number of levels"),
    ({"depth": 1.5}, "no number of levels"),
    ({"values": [1.0]}, "give a dict"),
    ({"color_by": "time"}, "needs values"),
    ({"sizes": {"bacth": 3}}, "named sizes: batch"),
    ({"sizes": {"batch": -3}}, "is no size"),
    ({"sizes": {"batch": 2.5}}, "is no size"),
    ({"values": {"x": np.zeros((2, 64))}}, "no value for y"),
    ({"rankdir": "BT"}, "use one of 'TB', 'LR'"),
    ({"view": "top"}, "use one of"),
]


@pytest.mark.parametrize(("options", "said"), BAD)
def test_what_is_not_known_is_said(options, said):
    with pytest.raises(ArgumentError, match=re.escape(said)) as error:
        mlp().draw(**options)
    assert len(str(error.value).splitlines()) <= 12


# Values --------------------------------------------------------------------------------------------------------------


def test_values_and_gradients_as_in_the_textbook():
    """The numbers of the neuron with two inputs, as courses give them to two digits."""
    source = neuron().draw(view="forward", values=NEURON).source
    numbers = [float(t) for t in re.findall(r"<b>(-?[\d.]+)</b></font>", source)]
    rounded = {round(v, 2) for v in numbers}
    assert {2.0, -1.0, -3.0, -2.0, 6.0, 4.0, 1.0, 0.37, 1.37, 0.73} <= rounded
    assert {0.2, -0.2, 0.39, -0.39, -0.59, -0.53} <= rounded


def test_gradients_beside_values_are_those_of_central_differences():
    graph = neuron()
    names = [x.name for x in graph.inputs]
    source = graph.draw(view="forward", values=NEURON).source
    f = ga.compile(graph.inputs, graph.outputs[0])
    for name in names:
        label = re.search(rf"<b>{name}</b>.*", source)[0]
        _, slope = re.findall(r"<b>(-?[\d.]+)</b></font>", label)[:2]
        up, down = ({**NEURON, name: NEURON[name] + d} for d in (1e-6, -1e-6))
        expected = (float(f(**up)) - float(f(**down))) / 2e-6
        assert float(slope) == pytest.approx(expected, abs=1e-4)


def test_a_gradient_that_has_a_card_is_written_there_alone():
    source = neuron().draw(values=NEURON).source

    def numbers(name):
        return re.findall(r"<b>(-?[\d.]+)</b></font>", re.search(rf"<b>{name}</b>.*", source)[0])

    assert numbers("w0") == ["2"]
    assert numbers("d_w0") == ["-0.1966"]
    assert numbers("w2") == ["-3"]
    assert numbers("d_w2") == ["0.1966"]


def test_large_values_are_shape_and_range():
    graph = siamese()
    values = {x: np.linspace(0, 1, 40).reshape(5, 8) if x.ndim == 2 and x.name != "W" else None for x in graph.inputs}
    values = {x: np.ones((8, 4)) if x.name == "W" else np.zeros(4) if x.name == "c" else v for x, v in values.items()}
    source = graph.draw(values=values).source
    assert "5×8: 0 … 1" in source
    assert 'color="#006b4f"' in source
    assert 'color="#b04300"' in source


def test_boxes_and_folded_cards_have_no_value():
    graph = layers(5)
    values = {x: np.full((2, 8) if x.name == "x" else x.shape, 0.1) for x in graph.inputs}
    view = shown(graph, Options(fold=True), Measures())
    assert any(c.count > 1 for c in view.cards)
    source = graph.draw(fold=True, values=values).source
    for card in view.cards:
        (label,) = re.findall(rf"^\t*{card.key} \[label=<(.*?)> color=", source, re.M)
        assert ('color="#006b4f"' in label or 'color="#b04300"' in label) == (card.count == 1), card


def test_random_numbers_are_drawn_once():
    x = ga.input("x", (2,))
    y = x * ga.random.normal(shape=(2,))
    loss = ga.sum(y)
    graph = ga.Graph([x], [loss, ga.grad(loss, x)])
    source = graph.draw(values={"x": [1.0, 1.0]}, rng=np.random.default_rng(3)).source
    drawn = np.random.default_rng(3).normal(size=2)
    assert f"[{drawn[0]:.4g}, {drawn[1]:.4g}]" in source


# Measures ------------------------------------------------------------------------------------------------------------


def test_width_grows_with_bytes():
    assert [width_of(n) for n in (0, 8, 8_000, 8_000_000)] == [0.8, 0.8, 1.81, 2.83]
    source = mlp().draw(sizes={"batch": 10_000}, legend=False).source
    thick = mlp().draw(sizes={"batch": 1}, legend=False).source
    assert re.search(r"n0 -> .*penwidth=([\d.]+)", source)[1] > re.search(r"n0 -> .*penwidth=([\d.]+)", thick)[1]


def test_scale():
    scale = scale_of([0, 1, 10, 1000], THEMES["light"])
    assert isinstance(scale, Scale)
    assert scale.color(0) == THEMES["light"].ramp[0]
    assert scale.color(1) == THEMES["light"].ramp[1]
    assert scale.color(1000) == THEMES["light"].ramp[-1]
    assert scale_of([0, 0], THEMES["light"]) is None
    assert [quantity(x, "B") for x in (0, 1, 999, 1000, 1500, 2e12)] == [
        "0 B",
        "1 B",
        "999 B",
        "1 kB",
        "1.5 kB",
        "2 TB",
    ]


def test_flops_of_a_loop_are_those_of_all_turns():
    measures = Measures({"T": 10, "batch": 2})
    (loop,) = [n for n in rnn().nodes if n.op.name == "scan" and not n.origin.made_by]
    turn = 2 * 2 * 16 * 8 + 2 * 2 * 16 * 16 + 2 * 16 * 3  # two products, two sums, one tanh
    assert measures.flops(loop) == 10 * (turn + measures.flops(loop.attrs["body"].nodes[-1]) * 0)


@pytest.mark.parametrize("what", ["flops", "bytes", "dtype"])
def test_colors_come_with_their_scale(what):
    source = mlp().draw(color_by=what).source
    theme = THEMES["light"]
    colors = set(theme.ramp) if what != "dtype" else set(theme.classes.values())
    used = set(re.findall(r'fillcolor="(#\w+)" margin', source))
    assert used <= colors | {theme.paper}
    assert len(used) > 1
    assert all(f'bgcolor="{c}"' in source for c in used)


def test_time_is_measured():
    rng = np.random.default_rng(0)
    graph = siamese()
    sizes = {"left": (400, 8), "right": (400, 8), "W": (8, 4), "c": (4,)}
    source = graph.draw(color_by="time", values={k: rng.normal(size=s) for k, s in sizes.items()}).source
    assert "time: 0" in source
    assert re.search(r"\d (µ|n|m)?s – \d+(\.\d+)? (µ|n|m)?s", source)


# Themes --------------------------------------------------------------------------------------------------------------


def luminance(color):
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    """As WCAG 2 defines it."""
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", THEMES)
def test_texts_can_be_read(name):
    theme = THEMES[name]
    grounds = [look.fill for look in theme.looks.values()]
    for ground in [*grounds, *theme.ramp, *theme.classes.values(), theme.paper, theme.frame]:
        assert contrast(theme.ink, ground) >= 4.5, ground
    for ground in [*(theme.looks[r].fill for r in ("forward", "input", "parameter", "loss")), theme.paper]:
        assert contrast(theme.value, ground) >= 4, ground
    for role in ("backward", "sum", "forward", "input", "parameter", "loss"):
        assert contrast(theme.gradient, theme.looks[role].fill) >= 4, role
    assert contrast(theme.faint, theme.paper) >= 4.5


def test_both_themes_know_all_roles_and_lines():
    for theme in THEMES.values():
        assert set(theme.looks) == set(LOOKS)
        assert set(theme.lines) == set(LINES)
    dark = mlp().draw(theme="dark").source
    assert not set(re.findall(r"#\w{6}", dark)) & {look.fill for look in LOOKS.values()}


# Functions -----------------------------------------------------------------------------------------------------------


def test_a_function_draws_what_was_declared_and_what_is_compiled():
    graph = mlp()
    function = ga.compile(graph.inputs, graph.outputs)
    assert function.draw().source == function.declared.draw().source
    assert function.draw(optimized=True, theme="dark").source == function.graph.draw(theme="dark").source
    with pytest.raises(ArgumentError, match="needs values"):
        function.draw(color_by="time")


def test_times_of_a_function_are_those_of_its_statements():
    x, W = ga.input("x", ("n", 64)), ga.parameter("W", (64, 64))
    function = ga.compile([x, W], ga.mean(ga.tanh(x @ W) ** 2), name="f")
    values = {"x": np.ones((500, 64)), "W": np.ones((64, 64))}
    source = function.draw(optimized=True, color_by="time", values=values, depth=5).source
    assert "time: 0" in source
    assert values["x"][0, 0] == 1
    with pytest.raises(ArgumentError, match="no value for W"):
        function.draw(optimized=True, color_by="time", values={"x": values["x"]})
