"""Explanations: from the user's line over rule and adjoint to the generated line; reports; steps are all there."""

import pytest

import graphad as ga
from graphad.passes.base import Report, Step


def model(style="fast"):
    x, w = ga.input("x", ("n", 3)), ga.parameter("w", (3,))
    with ga.scope("encode"):
        h = ga.tanh(x * w)
    z = (h + 0) * 1
    loss = ga.sum(z * h)
    return ga.compile([x, w], {"loss": loss, "d_w": ga.grad(loss, w)}, name="model", style=style)


def rows(explanation):
    found: dict[str, str] = {}
    last = ""
    for what, text in explanation.rows:
        last = what or last
        found[last] = f"{found[last]}\n{text}" if last in found else text
    return found


def test_a_forward_node():
    e = model("readable").explain("h")
    found = rows(e)
    assert str(e).splitlines()[0] == "h = np.tanh(x * w) : f64[n, 3]"
    assert found["line"].endswith("h = ga.tanh(x * w)")
    assert "test_explain.py:" in found["line"]
    assert found["scope"] == "encode"
    assert "derivative of tanh is elementwise" in found["forward"]
    assert found["adjoint"].startswith("d_h = ")
    assert "np.tanh(x * w)" in found["generated"]
    found = rows(model().explain("h"))
    assert "np.tanh(t0, b0)" in found["generated"]


def test_a_gradient():
    f = model()
    found = rows(f.explain("d_w"))
    assert found["adjoint"] == "is the cotangent of w"
    assert "vjp of" in found["rule"]
    assert found["forward"] == "w = parameter : f64[3]"
    assert found["gradient"] == "of loss with respect to w"
    line, _, text = found["generated"].partition("\n")[0].partition(": ")
    assert f.source.splitlines()[int(line.split()[1]) - 1].strip() == text


def test_rewrites_are_listed_with_both_forms():
    found = rows(model().explain("z"))
    assert "multiply_one" in found["rewrites"]
    assert "->" in found["rewrites"]


def test_values_that_are_gone_say_so():
    x = ga.input("x")
    y = ga.exp(x)
    twin = ga.exp(x)
    f = ga.compile([x], y + twin)
    texts = [rows(f.explain(n))["generated"] for n in (y, twin)]
    assert any("line" in t for t in texts)
    assert f"{f.explain(x)}".endswith("argument x of function")


@pytest.mark.parametrize("style", ["fast", "readable"])
def test_inner_nodes_belong_to_the_line_they_are_part_of(style):
    x = ga.input("x", ("n",))
    y = ga.exp(x * 2) + 1
    f = ga.compile([x], y, style=style)
    for node in f.graph.nodes:
        if node.inputs:
            assert "line" in rows(f.explain(node))["generated"]


def test_any_node_of_any_graph():
    x = ga.input("x")
    y = ga.tanh(x)
    d2 = ga.grad(ga.grad(y, x), x)
    text = str(ga.explain(d2))
    assert text.count("cotangent") >= 1
    assert "test_explain.py:" in text
    for node in ga.Graph([x], [y, d2]).nodes:
        assert 2 <= len(str(ga.explain(node)).splitlines()) <= 20


def test_every_node_of_the_golden_models_is_explained():
    from golden.models import MODELS

    for f in [make(style) for make in MODELS for style in ("fast", "readable")]:
        for node in (*f.declared.nodes, *f.graph.nodes):
            text = str(f.explain(node))
            assert "generated" in text
            assert all(len(line) < 220 for line in text.splitlines())


def test_unknown_names_and_foreign_nodes():
    f = model()
    with pytest.raises(ga.errors.GraphError, match="no node named 'q'"):
        f.explain("q")
    with pytest.raises(ga.errors.GraphError, match="no node of function 'model'"):
        f.explain(ga.exp(ga.input("q")))


def test_reports_wrap_long_lists_of_rules_and_put_the_frequent_first():
    fired = {f"rule_number_{k}": k for k in range(1, 20)}
    lines = str(Report((Step("simplify", 0.001, 100, 90, fired), Step("cse", 0.0, 90, 90)))).splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[1].split()[5].startswith("rule_number_19")
    assert lines[-1].split() == ["cse", "0.00", "90", "->", "90"]
    assert sum("rule_number" in line for line in lines) > 2
    text = " ".join(lines)
    assert all(f"rule_number_{k} ×{k}" in text for k in range(2, 20))


def test_steps_keep_what_each_rule_did():
    x = ga.input("x")
    (step,) = [s for s in ga.compile([x], x + 0).report().steps if s.applied]
    (rule, before, after) = step.applied[0]
    assert (rule, before.op.name, after.op.name) == ("add_zero", "add", "input")
    assert step.fired == {"add_zero": 1}
