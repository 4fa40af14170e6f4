"""Origins: the user's line and variable name for every way to write an assignment, scopes, templates, composites."""

import _thread
import asyncio
import gc
import inspect
import linecache
import operator
import os
import sys
import textwrap
import threading
import weakref
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import graphad
from graphad.errors import ArgumentError, GraphadError
from graphad.ir.origin import Origin, christen, composite, here, here_names, inside, scope

PACKAGE = os.path.dirname(graphad.__file__)
FAKE_MODULE = os.path.join(PACKAGE, "made_for_this_test.py")


MODULE_OF_THE_PACKAGE = """
class Node:
    def __init__(self, origin): self.origin = origin
    def __matmul__(self, other): return make()
    def __add__(self, other): return make()
    __radd__ = __add__
    def __neg__(self): return make()
    def __abs__(self): return make()
    def __gt__(self, other): return make()
    def __getitem__(self, key): return make()
    def __iter__(self): return iter([make(), make()])
    T = property(lambda self: make())
    def __array_ufunc__(self, *args, **kwargs): return make()
    def __array_function__(self, *args, **kwargs): return make()

def deep(named):
    return Node(here(named))

def make(*inputs, named=True):
    node = deep(named)
    made.append(node.origin)
    return node

@composite
def softmax(x=None):
    \"\"\"Several nodes.\"\"\"
    exponentials = make(x)
    return make(exponentials)

@composite
def loss(x=None):
    probabilities = softmax(x)
    return make(probabilities)

@composite
def moments(x=None):
    mean = make(x)
    return mean, make(mean)

@composite
def identity(x):
    return x

@composite
def fail():
    raise ValueError("no")
"""

made: list[Origin] = []


def define(source: str, file: str = FAKE_MODULE, **names: Any) -> Any:
    """Run ``source`` as if it stood in ``file``, by default a module of the package; return its globals."""
    namespace = {"composite": composite, "here": here, "here_names": here_names, "made": made, **names}
    exec(compile(textwrap.dedent(source), file, "exec"), namespace)
    return SimpleNamespace(**namespace)


package = define(MODULE_OF_THE_PACKAGE)
make, softmax, loss, moments, identity = (
    getattr(package, name) for name in ("make", "softmax", "loss", "moments", "identity")
)


def run_user(source: str, file: str = "user.py", **names: Any) -> Any:
    """Run ``source`` as a user's module, with some things to assign to; ``made`` then holds the origins it made."""
    node = make()
    made.clear()
    targets = {"m": SimpleNamespace(layer=SimpleNamespace(), loss=node), "d": {}, "key": "k", "node": node}
    return define(source, file, np=np, operator=operator, make=make, softmax=softmax, **targets, **names)


def in_frame(frame: str, statement: str) -> str:
    """``statement`` as a module's, a function's or a class's code."""
    if frame == "module":
        return statement
    body = textwrap.indent(statement, "    ")
    return (
        f"def build(m, d, key, node):\n{body}\nbuild(m, d, key, node)"
        if frame == "function"
        else f"class Model:\n{body}"
    )


FRAMES = pytest.mark.parametrize("frame", ["module", "function", "class"])


# --- names -----------------------------------------------------------------------------------------------------------


@FRAMES
@pytest.mark.parametrize(
    ("statement", "names"),
    [
        # targets
        ("h = make()", ["h"]),
        ("h: object = make()", ["h"]),
        ("a = b = make()", ["a"]),
        ("m.a = m.b = make()", ["a"]),
        ("m.h = make()", ["h"]),
        ("m.layer.W = make()", ["W"]),
        ("d['W'] = make()", ["W"]),
        ("d['two words'] = make()", [None]),
        ("d[key] = make()", [None]),
        ("d[0] = make()", [None]),
        ("_ = make()", [None]),
        ("h = 1\nh += node", ["h"]),
        ("m.loss += 1", ["loss"]),
        ("for _ in range(2): h = make()", ["h", "h"]),
        ("if (h := make()): pass", ["h"]),
        ("h = make() if key else 0", ["h"]),
        ("h = 0 if not key else make()", ["h"]),
        # what makes the node
        ("h = make(\n    1,\n    2,\n)", ["h"]),
        ("h = make(*[1])", ["h"]),
        ("h = make(1, named=True)", ["h"]),
        ("h = make(**{'named': True})", ["h"]),
        ("h = make(named=False)", [None]),
        ("h = node @ 1", ["h"]),
        ("h = -node", ["h"]),
        ("h = node > 1", ["h"]),
        ("h = node[0]", ["h"]),
        ("h = node[0:1]", ["h"]),
        ("h = node.T", ["h"]),
        ("h = abs(node)", ["h"]),
        ("h = sum([node])", ["h"]),
        ("h = operator.add(node, 1)", ["h"]),
        ("h = np.tanh(node)", ["h"]),
        ("h = np.mean(node, axis=0)", ["h"]),
        # only the outermost
        ("h = make(make())", [None, "h"]),
        ("h = node @ make()", [None, "h"]),
        ("h = node @ 1 + 1", [None, "h"]),
        ("h = make().T", [None, "h"]),
        # no name
        ("make()", [None]),
        ("make().label = 1", [None]),
        ("[make()]", [None]),
        ("hs = [make()]", [None]),
        ("hs = [make() for _ in range(2)]", [None, None]),
        ("hs = make(), 1", [None]),
        ("h = (lambda x: x)(make())", [None]),
        ("h = make() is None", [None]),
        ("first, second = node", [None, None]),
    ],
)
def test_name(frame: str, statement: str, names: list[str | None]) -> None:
    run_user(in_frame(frame, statement))
    assert [origin.name for origin in made] == names


@FRAMES
@pytest.mark.parametrize("expression", ["abs(node)", "sum([node])", "make(1)", "node @ 1", "node[0]", "node.T"])
def test_name_when_the_interpreter_has_specialized_the_instruction(frame: str, expression: str) -> None:
    run_user(in_frame(frame, f"for _ in range(100):\n    h = {expression}"))
    assert [origin.name for origin in made] == ["h"] * 100


def test_name_is_read_from_the_calling_frame_itself() -> None:
    h = here()
    k = here(named=False)
    assert (h.name, k.name) == ("h", None)


def test_name_of_a_global_variable_set_in_a_function() -> None:
    run_user("def build():\n    global h\n    h = make()\nbuild()")
    assert made[0].name == "h"


def test_name_of_a_variable_shared_with_inner_and_outer_functions() -> None:
    h = make()
    k = None

    def build() -> Any:
        nonlocal k
        k = make()
        return h

    assert build().origin.name == "h"
    assert k is not None and k.origin.name == "k"


@FRAMES
def test_two_values_assigned_at_once_never_get_each_others_name(frame: str) -> None:
    run_user(in_frame(frame, "a, b = make(), make()\nm.a, m.b = make(), make()\na, b, _ = make(), make(), make()"))
    for origin, name in zip(made, ["a", "b", "a", "b", "a", "b", "_"], strict=True):
        assert origin.name in (name, None)


def test_name_behind_more_variables_and_jumps_than_one_byte_counts() -> None:
    before = "\n".join(f"v{k} = {k}\nif not key: v{k} = 1" for k in range(300))
    run_user(in_frame("function", f"{before}\nh = make()"))
    assert made[0].name == "h"


# --- several names ---------------------------------------------------------------------------------------------------


@FRAMES
@pytest.mark.parametrize(
    ("statement", "result", "names"),
    [
        ("a, b = call()", (1, 2), ("a", "b")),
        ("(a, b, c) = call()", (1, 2, 3), ("a", "b", "c")),
        ("[a] = call()", (1,), ("a",)),
        ("a, _ = call()", (1, 2), ("a", "")),
        ("m.a, b = call()", (1, 2), ("a", "b")),
        ("a, m.b = call()", (1, 2), ("a", "b")),
        ("d['a'], d[0], d[key] = call()", (1, 2, 3), ("a", "", "")),
        ("a, b = c = call()", (1, 2), ("a", "b")),
        ("a = call()", (1,), ()),
        ("a, *b = call()", (1, 2), ()),
        ("a, (b, c) = call()", (1, (2, 3)), ()),
        ("a, d[str(1)] = call()", (1, 2), ()),
        ("call()", (), ()),
        ("a = [call() for _ in range(1)]", (), ()),
    ],
)
def test_names_of_an_unpacking(frame: str, statement: str, result: Any, names: tuple[str, ...]) -> None:
    seen: list[tuple[str, ...]] = []
    call = define("def call():\n    seen.append(here_names())\n    return result", seen=seen, result=result).call
    run_user(in_frame(frame, statement), call=call)
    assert seen == [names]


# --- place -----------------------------------------------------------------------------------------------------------


def test_place_is_the_line_of_the_user() -> None:
    line = inspect.currentframe().f_lineno + 1  # type: ignore[union-attr]
    h = make()
    assert (h.origin.file, h.origin.line) == (__file__, line)
    assert h.origin.location == f"test_origin.py:{line}"
    assert h.origin.source_line() == "h = make()"
    assert h.origin.expression() == "make()"


def test_expression_is_the_part_that_made_the_node() -> None:
    é = make()
    inner = make(é, é @ é)
    # fmt: off
    parts = ["é", é @ make(), make(
        é,
        named=False)]
    # fmt: on
    assert inner.origin.expression() == "make(é, é @ é)"
    assert [part.origin.expression() for part in parts[1:]] == ["é @ make()", "make( é, named=False)"]
    assert parts[2].origin.source_line() == 'parts = ["é", é @ make(), make('


def test_two_nodes_of_one_line_have_their_own_expressions() -> None:
    pair = [make(1), make(2)]
    assert [x.origin.expression() for x in pair] == ["make(1)", "make(2)"]
    assert pair[0].origin.line == pair[1].origin.line


def test_text_is_empty_where_there_is_no_source() -> None:
    user = run_user("h = make()", file="<stdin>")
    assert (user.h.origin.location, user.h.origin.source_line(), user.h.origin.expression()) == ("<stdin>:1", "", "")


def test_text_is_empty_for_the_unknown() -> None:
    unknown = Origin("x")
    assert (unknown.file, unknown.line, unknown.location) == ("", 0, "")
    assert (unknown.source_line(), unknown.expression()) == ("", "")


def test_text_survives_a_file_that_shrank_since() -> None:
    file = "shrunk_since.py"
    user = run_user("\n\n\nh = make()", file=file)
    linecache.cache[file] = (1, None, ["short\n"], file)
    try:
        assert (user.h.origin.source_line(), user.h.origin.expression()) == ("", "")
    finally:
        del linecache.cache[file]


def test_equal_code_in_two_files_is_told_apart() -> None:
    first, second = (run_user("h = make()", file=file).h.origin for file in ("first.py", "second.py"))
    assert (first.location, second.location) == ("first.py:1", "second.py:1")


def test_package_code_may_declare_itself_to_be_the_users() -> None:
    demo = os.path.join(PACKAGE, "demo_for_this_test.py")
    user = run_user("__graphad_user_code__ = True\n\nh = make()", file=demo)
    assert (user.h.origin.name, user.h.origin.file, user.h.origin.line) == ("h", demo, 3)


def test_frames_of_numpy_are_skipped() -> None:
    file = os.path.join(os.path.dirname(np.__file__), "made_for_this_test.py")
    dispatch = define("def dispatch():\n    inner = make()\n    return inner", file, make=make).dispatch
    h = dispatch()
    assert (h.origin.name, h.origin.file) == ("h", __file__)


def test_generated_methods_of_package_classes_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
        @dataclass
        class Linear:
            size: int
            def __post_init__(self):
                self.W = make(named=False)
    """
    module = ModuleType("made_for_this_test")
    module.__file__ = FAKE_MODULE
    monkeypatch.setitem(sys.modules, module.__name__, module)
    nn = define(source, dataclass=dataclass, make=make, __name__=module.__name__)
    layer = nn.Linear(3)
    assert (layer.W.origin.file, layer.W.origin.expression()) == (__file__, "nn.Linear(3)")


def test_package_code_without_a_user_has_no_place() -> None:
    made.clear()
    done = threading.Event()
    work = define("def work():\n    make()\n    done.set()", make=make, done=done).work
    _thread.start_new_thread(work, ())
    assert done.wait(timeout=10)
    assert (made[0].file, made[0].location, made[0].name) == ("", "", None)


def test_frames_are_not_kept() -> None:
    class Local:
        pass

    def build() -> tuple[Any, weakref.ref[Local]]:
        local = Local()
        h = softmax(local)
        return h, weakref.ref(local)

    gc.disable()
    try:
        h, dead = build()
        assert h.origin.name == "h"
        assert dead() is None
    finally:
        gc.enable()


# --- scope and inside ------------------------------------------------------------------------------------------------


def test_scopes_nest_and_end() -> None:
    with scope("encoder"):
        outer = here()
        with scope("hidden"):
            inner = make()
        after = here()
    assert [o.scope for o in (outer, inner.origin, after, here())] == [
        ("encoder",),
        ("encoder", "hidden"),
        ("encoder",),
        (),
    ]
    assert inner.origin.name == "inner"


def test_scope_ends_with_an_exception() -> None:
    with pytest.raises(ZeroDivisionError), scope("encoder"):
        raise ZeroDivisionError
    assert here().scope == ()


def test_a_scope_can_be_entered_again_and_inside_itself() -> None:
    block = scope("block")
    with block, block:
        twice = here()
    with block:
        once = here()
    assert (twice.scope, once.scope, here().scope) == (("block", "block"), ("block",), ())


def test_a_scope_in_a_generator_ends_whatever_the_order() -> None:
    def generate() -> Any:
        with scope("generator"):
            yield here()

    running = generate()
    with scope("caller"):
        first = next(running)
        list(running)
    assert first.scope == ("caller", "generator")
    assert here().scope == ()


@pytest.mark.parametrize("name", ["", "  ", None, 3])
def test_scope_rejects_what_is_no_name(name: Any) -> None:
    with pytest.raises(ArgumentError, match="scope: the name must be a non-empty string") as caught:
        scope(name)
    assert isinstance(caught.value, GraphadError)
    assert repr(name) in str(caught.value)


def test_inside_copies_the_template_without_a_name() -> None:
    with scope("hidden"):
        forward = here()
    template = Origin("h", forward.place, forward.scope, forward, True, "tanh", ("a", "b"))
    with inside(template), scope("ignored"):
        helper = make().origin
        names = here_names()
    assert helper is not template
    assert (helper.location, helper.scope, helper.adjoint_of, helper.made_by) == (
        forward.location,
        ("hidden",),
        forward,
        "tanh",
    )
    assert (helper.name, helper.is_cotangent, helper.uses, names) == (None, False, (), ())
    after = here()
    assert (after.made_by, after.name) == ("", "after")


def test_innermost_template_wins() -> None:
    with inside(Origin(made_by="outer")):
        with inside(Origin(made_by="inner")):
            inner = here()
        outer = here()
    assert (inner.made_by, outer.made_by) == ("inner", "outer")


def test_context_belongs_to_the_thread() -> None:
    made: list[Origin] = []

    def work() -> None:
        with scope("worker"):
            h = here()
        made.append(h)

    with scope("main"), inside(Origin(made_by="rule")):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert here().made_by == "rule"
    assert (made[0].scope, made[0].name, made[0].made_by) == (("worker",), "h", "")


def test_names_are_right_when_threads_build_at_once() -> None:
    wrong: list[Any] = []

    def work(name: str) -> None:
        for _ in range(300):
            with scope(name):
                h = softmax()
            if (h.origin.name, h.origin.scope) != ("h", (name,)):
                wrong.append(h.origin)

    threads = [threading.Thread(target=work, args=(f"t{k}",)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_context_belongs_to_the_asyncio_task() -> None:
    async def build(name: str) -> tuple[str, ...]:
        with scope(name):
            await asyncio.sleep(0)
            return here().scope

    async def both() -> list[tuple[str, ...]]:
        return list(await asyncio.gather(build("a"), build("b")))

    assert asyncio.run(both()) == [("a",), ("b",)]


# --- composite -------------------------------------------------------------------------------------------------------


@FRAMES
@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("h = softmax()", [None, "h"]),
        ("h = loss()", [None, None, "h"]),
        ("h = make(softmax())", [None, None, "h"]),
        ("hs = [softmax()]", [None, None]),
        ("mean, variance = moments()", ["mean", "variance"]),
        ("both = moments()", [None, None]),
        ("old = make()\nh = identity(old)", ["old"]),
        ("olds = [make()]\nh = identity(olds[0])", [None]),
    ],
)
def test_composite_names_its_results_and_nothing_else(frame: str, statement: str, names: list[str | None]) -> None:
    run_user(in_frame(frame, statement), loss=loss, moments=moments, identity=identity)
    assert [origin.name for origin in made] == names


def test_composite_keeps_the_users_line_and_scope() -> None:
    with scope("head"):
        h = softmax()
    assert (h.origin.source_line(), h.origin.expression(), h.origin.scope) == ("h = softmax()", "softmax()", ("head",))


def test_composite_passes_other_results_on() -> None:
    assert [identity(x) for x in (None, 3, (), (1, 2))] == [None, 3, (), (1, 2)]
    a, b = identity((1, 2))
    assert (a, b) == (1, 2)


def test_composite_inside_a_template_gives_no_names() -> None:
    with inside(Origin(made_by="rule")):
        h = softmax()
    assert (h.origin.name, h.origin.made_by) == (None, "rule")


def test_composite_restores_names_after_an_exception() -> None:
    with pytest.raises(ValueError, match="no"):
        package.fail()
    h = make()
    assert h.origin.name == "h"


def test_composite_keeps_signature_and_documentation() -> None:
    assert softmax.__name__ == "softmax"
    assert softmax.__doc__ == "Several nodes."
    assert list(inspect.signature(softmax).parameters) == ["x"]
    assert callable(softmax.__wrapped__)


# --- Origin ----------------------------------------------------------------------------------------------------------


def test_christen_names_once() -> None:
    origin = Origin()
    for name in (None, "", "first", "second"):
        christen(origin, name)
    assert origin.name == "first"


def test_derived_keeps_all_but_what_is_changed() -> None:
    forward = Origin("x")
    original = Origin("h", here().place, ("a",), forward, True, "user", ("left", "right"))
    same = original.derived("fold")
    changed = original.derived("reverse", name="d_h", adjoint_of=original, is_cotangent=False, uses=())
    assert same.made_by == "fold"
    for field in ("name", "place", "scope", "adjoint_of", "is_cotangent", "uses"):
        assert getattr(same, field) == getattr(original, field), field
    assert (changed.name, changed.adjoint_of, changed.is_cotangent, changed.uses) == ("d_h", original, False, ())
    assert (changed.place, changed.scope, changed.made_by) == (original.place, ("a",), "reverse")
    with pytest.raises(TypeError, match="colour"):
        original.derived("fold", colour="red")


def test_origins_are_compared_by_identity_and_numbered() -> None:
    first, second = Origin("x"), Origin("x")
    assert first != second
    assert len({first, second, first}) == 2
    assert first.serial < second.serial < first.derived("later").serial


def test_repr_is_short_and_has_no_address() -> None:
    assert repr(Origin("h", scope=("hidden",), made_by="tanh")) == "Origin(hidden, h, tanh)"
    h = run_user("h = make()").h
    assert repr(h.origin) == "Origin(h, user.py:1)"


def test_boxed_function_is_a_scope_of_its_name():
    x, y = graphad.input("x", ("n",)), graphad.input("y", ("n",))
    with graphad.scope("head"):
        loss = graphad.nn.mse_loss(x, y)
    assert loss.name == "loss"
    assert loss.origin.scope == ("head", "mse_loss")
    assert all(n.origin.scope == ("head", "mse_loss") for n in graphad.Graph([x, y], loss).nodes if n.inputs)
    assert graphad.grad(loss, x).origin.scope == ("head", "mse_loss")
    assert (loss + 1).origin.scope == ()
