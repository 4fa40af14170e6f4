"""What a page is told: boxes, links between forward and backward, lines, costs, values; and that the file is sound."""

import base64
import hashlib
import json
import re
import shutil
from importlib.util import find_spec

import numpy as np
import pytest
from page_models import blocks, chain, network, recurrent

import graphad as ga
from graphad.draw import render
from graphad.draw.page import write
from graphad.errors import ArgumentError, ExportError, MissingDependencyError

pytestmark = pytest.mark.skipif(
    not (shutil.which("dot") or find_spec("pygraphviz")), reason="there is no Graphviz on this machine"
)


def read(path):
    """The data of a page."""
    text = path.read_text()
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Page and data of a model, made once."""
    folder = tmp_path_factory.mktemp("pages")
    graph, values = network()
    paths = {
        "network": graph.save(folder / "network.html", values=values),
        "recurrent": recurrent().save(folder / "recurrent.html"),
        "blocks": blocks(6).save(folder / "blocks.html"),
        "chain": chain(60).save(folder / "chain.html"),
    }
    return {name: read(path) for name, path in paths.items()}


MODELS = ("network", "recurrent", "blocks", "chain")


def number(data, title):
    return next(k for k, card in enumerate(data["cards"]) if card[0] == title)


def test_same_program_same_bytes(tmp_path):
    graph, values = network()
    again, _ = network()
    one = graph.save(tmp_path / "a.html", values=values).read_bytes()
    assert again.save(tmp_path / "b.html", values=values).read_bytes() == one


def test_the_file_is_whole(tmp_path):
    """One file, whose policy allows just the script and the style that stand in it."""
    graph, _ = network()
    text = graph.save(tmp_path / "a.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src 'none'")
    for tag in ("script", "style"):
        (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "{{" not in text.split("<script")[0]
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert str(tmp_path) not in text and "/" + __file__.split("/")[1] + "/" not in text, "no folder of this machine"


@pytest.mark.parametrize("name", MODELS)
def test_every_card_lies_in_one_box(saved, name):
    data = saved[name]
    loops = {box["card"] for box in data["boxes"]} - {-1}
    held = [item for box in data["boxes"] for item in box["items"]]
    cards = [k for k in range(len(data["cards"])) if k not in loops]
    assert sorted(held) == [*range(-len(data["boxes"]), -1), *cards]
    for k, box in enumerate(data["boxes"]):
        for item in box["items"]:
            assert data["cards"][item][4] == k if item >= 0 else data["boxes"][-1 - item]["parent"] == k


@pytest.mark.parametrize("name", MODELS)
def test_links_can_be_followed_through_ports(saved, name):
    """Each link between cards is a walk over wires and ports, from the source to the target."""
    data = saved[name]
    slot = {item: (b, k) for b, box in enumerate(data["boxes"]) for k, item in enumerate(box["items"])}
    for b, box in enumerate(data["boxes"]):
        if box["card"] >= 0:
            slot[box["card"]] = slot[-1 - b]

    def values(v):
        return data["bundles"][-1 - v] if v < 0 else [v]

    steps: dict[tuple, set] = {}
    for b, box in enumerate(data["boxes"]):
        count = len(box["items"])
        for s, t, _kind, v, *_ in box["wires"]:
            for value in values(v):
                ends = []
                for end in (s, t):
                    if end >= count:  # a port: the same place as the border of the box, seen from outside
                        port = box["ports"][end - count]
                        ends.append(("port", b, port[0], port[2]))
                    else:
                        ends.append(("item", b, end))
                steps.setdefault((value, ends[0]), set()).add(ends[1])
    outside = {("item", *slot[-1 - b]): b for b in range(1, len(data["boxes"]))}
    for source, target, *_ in data["links"]:
        goal = ("item", *slot[target])
        reached, waiting = set(), [("item", *slot[source])]
        while waiting:
            place = waiting.pop()
            if place in reached:
                continue
            reached.add(place)
            waiting += steps.get((source, place), ())
            if place in outside:  # enter the box
                b = outside[place]
                waiting += [("port", b, v, i) for v, _, i in data["boxes"][b]["ports"] if i and source in values(v)]
            if place[0] == "port" and not place[3]:  # leave the box
                waiting.append(("item", *slot[-1 - place[1]]))
        assert goal in reached, (data["cards"][source], data["cards"][target])


@pytest.mark.parametrize("name", MODELS)
def test_layouts_fit_their_boxes(saved, name):
    """A layout has a place for each item and port, none on top of another, and a way for each wire."""
    data = saved[name]
    for box in data["boxes"]:
        layout = data["layouts"][box["layout"]]
        assert len(layout["items"]) == len(box["items"]) + len(box["ports"])
        shown = [w for w in box["wires"] if not w[5]]
        assert len(layout["wires"]) == len(shown)
        for k, (row, x, w, _h) in enumerate(layout["items"]):
            for other, x2, w2, _ in layout["items"][:k]:
                assert row != other or abs(x - x2) >= (w + w2) / 2 - 1
        for (s, t, kind, *_), way in zip(shown, layout["wires"], strict=True):
            rows = abs(layout["items"][s][0] - layout["items"][t][0])
            assert len(way) == 2 + 2 * max(rows - 1, 0), kind


def test_adjoints_are_those_of_origins(saved):
    data = saved["network"]
    pairs = {(data["cards"][int(p)][0], data["cards"][c][0]) for p, cs in data["adjoints"].items() for c in cs}
    assert {("W1", "d_W1"), ("b1", "d_b1"), ("W2", "d_W2"), ("b2", "d_b2"), ("h", "d_h"), ("loss", "d_loss")} <= pairs


def test_what_a_sum_passes_on_is_the_derivative():
    """A card that only a sum reads is given the sum's cotangent: checked against grad of the card itself."""
    from graphad.draw.page.model import model_of, passed_on

    x, y = ga.input("x", ("n",)), ga.input("y", ("n",))
    a = ga.tanh(x)
    b = ga.exp(y)
    total = a + b
    rest = ga.sin(x)
    loss = ga.sum((total - rest) ** 2)
    graph = ga.Graph([x, y], [loss, *ga.grad(loss, [x, y])], name="sums")
    model = model_of(graph)
    found = {model.cards[k].title: v for k, v in passed_on(model).items()}
    assert "a" in found and "b" in found and "rest" not in found
    values = {"x": np.linspace(-1, 1, 4), "y": np.linspace(0, 1, 4)}
    cut = ga.Graph([x, y], [a, b, loss, model.nodes[found["a"][0]], model.nodes[found["b"][0]]])
    a_, b_, _, d_a, d_b = ga.interpret(cut, list(values.values()))
    rest_ = np.sin(values["x"])
    expected = 2 * (a_ + b_ - rest_)
    np.testing.assert_allclose(d_a, expected)
    np.testing.assert_allclose(d_b, expected)


def test_lines_name_the_cards_that_they_compute(saved):
    data = saved["network"]
    readable, fast = data["code"]
    assert [readable["style"], fast["style"]] == ["readable", "fast"]
    for line, cards in readable["lines"].items():
        text, title = readable["text"][int(line) - 1], data["cards"][cards[0]][0]
        assert not title or re.search(rf"\b{title}\b", text) or text.startswith("    batch ="), (line, text, title)
    for code in (readable, fast):
        owners = {data["cards"][cards[0]][0] for cards in code["lines"].values()}
        assert {"h", "scores", "loss", "d_W1", "d_b1", "d_W2", "d_b2"} <= owners


def test_users_lines_have_their_text(saved):
    (file,) = saved["network"]["files"]
    assert file["file"] == "page_models.py"
    texts = {text.strip(): cards for _, text, cards in file["lines"]}
    assert number(saved["network"], "h") in texts["h = ga.tanh(x @ W1 + b1)"]


def test_values_are_those_of_the_program(saved):
    graph, values = network()
    data = saved["network"]
    results = ga.compile(graph.inputs, list(graph.outputs))(**values)
    for title, value in zip(("loss", "d_W1", "d_b1", "d_W2", "d_b2"), results, strict=True):
        text = data["numbers"]["values"][number(data, title)]
        assert f"{np.min(value):.4g}" in text and f"{np.max(value):.4g}" in text
    assert data["numbers"]["sizes"] == {"batch": 2}


def test_costs_are_counted_by_hand(tmp_path):
    x, W = ga.input("x", ("n", 4)), ga.parameter("W", (4, 3))
    y = x @ W
    graph = ga.Graph([x, W], [y], name="product")
    open_, known = (read(graph.save(tmp_path / f"{k}.html", sizes=s)) for k, s in (("a", None), ("b", {"n": 10})))
    k = number(open_, "y")
    assert open_["numbers"]["flops"][k] == "24*n" and known["numbers"]["flops"][k] == 240
    assert open_["numbers"]["bytes"][k] == "24*n" and known["numbers"]["bytes"][k] == 240


def test_a_loop_costs_its_turns(saved):
    data = saved["recurrent"]
    loop = next(box["card"] for box in data["boxes"] if box["kind"] == "loop")
    assert data["numbers"]["flops"][loop] == "24*T"  # W @ h: 18, + x: 3, tanh: 3


@pytest.mark.parametrize("name", MODELS)
def test_the_order_of_a_run(saved, name):
    """Everything comes after what it reads."""
    data = saved[name]
    at = {k: i for i, k in enumerate(data["order"])}
    inner = {k for k in range(len(data["cards"])) if k not in at}
    for source, target, *_ in data["links"]:
        if source not in inner and target not in inner:
            assert at[source] < at[target]
    assert len(at) == len(data["order"])


def test_passes_and_rewrites_are_those_of_the_report(tmp_path):
    graph, _ = network()
    function = ga.compile(graph.inputs, list(graph.outputs), name="network")
    data = read(function.save(tmp_path / "f.html"))
    steps = function.report().steps
    assert [p["is"] for p in data["passes"]] == [[s.name, s.before, s.after] for s in steps]
    assert sum(count for p in data["passes"] for _, count in p["fired"]) == sum(len(s.applied) for s in steps)
    assert len(data["rewrites"]) == sum(len(s.applied) for s in steps)
    assert data["code"][0]["style"] == "readable" and "\n".join(data["code"][0]["text"]).startswith("import numpy")


def test_full_boxes_are_divided(saved):
    data = saved["chain"]
    assert all(len(box["items"]) <= 60 for box in data["boxes"])
    groups = [box for box in data["boxes"] if box["kind"] == "group"]
    assert groups and not any(box["kind"] == "scope" for box in data["boxes"])
    top = [data["cards"][k][0] for k in data["boxes"][0]["items"] if k >= 0]
    assert {"x", "W", "d_W"} <= set(top), "what all groups use stands outside of them"


def test_deep_graphs_are_saved(tmp_path):
    x = y = ga.input("x")
    for _ in range(3000):
        y = ga.sin(y)
    data = read(ga.Graph([x], [y], name="deep").save(tmp_path / "deep.html"))
    assert len(data["cards"]) == 3001


def test_second_derivatives_and_no_derivatives(tmp_path):
    x = ga.input("x")
    y = ga.exp(x) * x
    d = ga.grad(y, x)
    for k, outputs in enumerate(([y], [y, d, ga.grad(d, x)], [x])):
        data = read(ga.Graph([x], outputs, name="f").save(tmp_path / f"{k}.html"))
        assert len(data["order"]) == len(data["cards"])


def test_updates_and_random_numbers(tmp_path):
    x, w = ga.input("x", ("n",)), ga.parameter("w", ("n",))
    loss = ga.sum((x * w + ga.random.normal(shape=("n",))) ** 2)
    step = ga.compile([x, w], loss, updates={w: w - 0.1 * ga.grad(loss, w)}, name="step")
    rng = np.random.default_rng(0)
    values = {"x": np.ones(3), w: np.zeros(3)}
    data = read(step.save(tmp_path / "step.html", values=values, rng=rng, profile=True))
    with pytest.raises(ArgumentError, match="draws random numbers"):
        step.save(tmp_path / "none.html", values=values)
    assert data["numbers"]["seconds"] and data["numbers"]["total"] > 0
    assert (values[w] == 0).all(), "the arrays of the user are left alone"


def test_what_is_not_finite_is_shown(tmp_path):
    x = ga.input("x", ("n",))
    logs = ga.log(x)
    graph = ga.Graph([x], [ga.sum(logs), ga.grad(ga.sum(logs), x)], name="logs")
    data = read(graph.save(tmp_path / "a.html", values={"x": np.array([-1.0, 0.0, 2.0])}, profile=True))
    k = number(data, "logs")
    assert data["numbers"]["values"][k] == "[nan, -inf, 0.6931]" and data["numbers"]["magnitudes"][k] is None
    assert data["numbers"]["pictures"][str(k)] == [[None, None, 0.693]]


@pytest.mark.parametrize("name", ["conv", "class", "1 + 1", "", "größe"])
def test_any_name_of_a_graph_will_do(tmp_path, name):
    """Also that of a helper of the generated code, and what is no name in Python."""
    x, w = ga.input("x", (1, 1, 5, 5)), ga.parameter("w", (1, 1, 3, 3))
    data = read(ga.Graph([x, w], [ga.nn.conv2d(x, w)], name=name).save(tmp_path / "a.html"))
    assert data["code"] and not data["problem"]


def test_without_generated_code_the_page_says_why(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise ExportError("there is no code today")

    monkeypatch.setattr(write, "compile", refuse)
    data = read(network()[0].save(tmp_path / "a.html"))
    assert data["code"] == [] and "no code today" in data["problem"]


# Mistakes -------------------------------------------------------------------------------------------------------------


def test_mistakes_are_told_and_leave_no_file(tmp_path):
    graph, values = network()
    path = tmp_path / "a.html"
    for error, part, options in (
        (ArgumentError, "no value for", {"values": {"x": np.ones((2, 4))}}),
        (ArgumentError, "no input 'nope'", {"values": values | {"nope": 1}}),
        (ArgumentError, "'rows' is no named size", {"sizes": {"rows": 3}}),
        (ArgumentError, "measured on values", {"profile": True}),
        (ArgumentError, "rankdir= is no option", {"rankdir": "LR"}),
    ):
        with pytest.raises(error, match=part):
            graph.save(path, **options)
    with pytest.raises(ExportError, match="cannot write"):
        graph.save(tmp_path / "no such folder" / "a.html")
    assert not list(tmp_path.iterdir())


def test_without_graphviz_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(render.shutil, "which", lambda name: None)
    monkeypatch.setattr(render, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="Graphviz"):
        network()[0].save(tmp_path / "a.html")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name", ["</script>", "<!--", "]]>", "a\u2028b", "a\x00b", "\ud800", "{{script}}", "&amp;\\u003c"]
)
def test_odd_names(tmp_path, name):
    x = ga.input("x")
    with ga.scope(name):
        y = ga.exp(x)
    y.origin.name = name
    path = ga.Graph([x], [y, ga.grad(y, x)], name="odd").save(tmp_path / "odd.html")
    assert number(read(path), name)
    assert path.read_text().count("</script>") == 2


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.html", {"view": "joint"}, "view= is no option of .html files"),
        ("a.html", {"sizes": {"n": -1}}, "n = -1 is no size"),
        ("a.html", {"sizes": {"n": "a"}}, "n = 'a' is no size"),
        ("a.html", {"values": [1.0]}, "values is a list"),
        ("a.svg", {"profile": True}, "profile= is no option of .svg files"),
        ("a.dot", {"optimized": True}, "optimized= is no option of .dot files"),
        ("a.json", {"view": "joint"}, "view= is no option of .json files"),
    ],
)
def test_options_that_a_format_does_not_know(name, options, message, tmp_path):
    x = ga.input("x", ("n",))
    y = ga.sum(x)
    with pytest.raises(ArgumentError, match=message):
        ga.Graph([x], [y]).save(tmp_path / name, **options)
    if "optimized" not in options:
        with pytest.raises(ArgumentError, match=message):
            ga.compile([x], y).save(tmp_path / name, **options)
    assert not list(tmp_path.iterdir())


def test_new_values_of_updates_have_titles(tmp_path):
    w = ga.parameter("w", (2,))
    loss = ga.sum(w * w)
    function = ga.compile([w], loss, updates={w: w - 0.1 * ga.grad(loss, w)})
    data = read(function.save(tmp_path / "a.html"))
    assert [card[0] for card in data["cards"]].count("new w") == 1
