"""The checks of this folder can fail: each mistake that is planted here is found by them."""

from contextlib import suppress
from itertools import pairwise

import numpy as np
import pytest
from lower.fast.test_values import PATTERNS
from tiles import ALL, arrays, check, disjoint, gradients, tiny

from graphad.lower import code
from graphad.lower.fast import axes, buffers, chunk_helpers, forms, loop_printer, printer, program, threads
from graphad.ops.elementwise import multiply
from graphad.ops.layout import transpose

WRONG = (AssertionError, ValueError, IndexError, NameError)  # other values, or arrays that do not fit
BUFFERS = ["transposes", "a result that others read", "three loops", "square transpose", "sum of many", "taken over"]
LOOPS = ["total", "sum over the cut axis", "three loops"]


def finds(names, sizes=(11, 23), cache=200, counts=(1, 3), optimize="none"):
    """Whether the check of any of these patterns, with its gradients, finds something."""
    for name in names:
        inputs, make = PATTERNS[name]
        outputs = make()
        outputs = [*outputs, *gradients(inputs, outputs)]
        calls = [arrays(inputs, {"n": n}, n) for n in sizes]
        with tiny(cache), disjoint():
            try:
                check(inputs, outputs, *calls, variants=(ALL,), threads=counts, optimize=optimize)
            except WRONG:
                return True
    return False


def test_nothing_is_found_where_nothing_is_planted():
    assert not finds([*BUFFERS, *LOOPS, "guards", "stencil", "far windows"])
    assert not finds(["stencil", "far windows"], optimize="full")


def early(reads):
    """Every value is let go one step before it is read last."""
    late = ORIGINAL_LAST_READS(reads)
    found = buffers._LastReads([*late[1:], []])
    found.ever = late.ever
    return found


def first(reads):
    """Every value is let go when it is read first."""
    seen, found = set(), buffers._LastReads()
    for nodes in reads:
        fresh = [x for x in dict.fromkeys(nodes) if x not in seen]
        seen.update(fresh)
        found.append(fresh)
    found.ever = frozenset(seen)
    return found


ORIGINAL_LAST_READS = buffers._last_reads


@pytest.mark.parametrize("last_reads", [early, first])
@pytest.mark.parametrize("plan", ["plan_calls", "plan_pieces"])
def test_a_buffer_that_is_freed_too_early(plan, last_reads, monkeypatch):
    original = getattr(buffers, plan)

    def planted(*args):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(buffers, "_last_reads", last_reads)
            return original(*args)

    monkeypatch.setattr(program, plan, planted)
    assert finds(BUFFERS)


def test_an_array_taken_over_while_others_read_it(monkeypatch):
    monkeypatch.setattr(buffers, "is_done_with", lambda step, s, x: True)
    assert finds(BUFFERS)
    assert finds(["taken over in another shape"])


def test_a_piece_taken_over_that_is_read_again(monkeypatch):
    """Sums of many write their first part before they read the others."""
    monkeypatch.setattr(buffers, "is_ufunc", lambda node: "elementwise" in node.op.traits)
    assert finds(["the same operand twice", "sum of many"])


def test_a_product_that_others_read_too_is_left_out(monkeypatch):
    def planted(loop):
        made = {m.node for m in loop.members if m.node.op is multiply}
        return frozenset(made & {m.node.inputs[0] for m in loop.members if forms.short_sum(m.node)})

    monkeypatch.setattr(buffers, "summed_products", planted)
    with suppress(KeyError):  # or there is no name for it
        assert finds(["products added up"])


def test_a_view_that_is_taken_for_an_array_of_its_own(monkeypatch):
    original = buffers.plan_calls
    monkeypatch.setattr(
        program, "plan_calls", lambda steps, roots, kept, late, over: original(steps, {}, kept, late, over)
    )
    assert finds(["views of buffers"])


def test_a_result_in_a_buffer(monkeypatch):
    original = buffers.plan_calls
    monkeypatch.setattr(
        program, "plan_calls", lambda steps, roots, kept, late, over: original(steps, roots, set(), late, over)
    )
    assert finds(["elementwise"])


def test_the_wrong_axis_of_a_transpose(monkeypatch):
    monkeypatch.setitem(axes._CUTS, transpose, lambda node, axis: (axis,))
    assert finds(["square transpose"])


def borders(length, rows):
    """Planted: what is left over for a last, shorter chunk is forgotten."""
    chunk = rows * max(2, -(-length // (8 * rows)))
    return [(lo, min(lo + chunk, length)) for lo in range(0, max(length - chunk + 1, 1), chunk)]


@pytest.mark.parametrize("name", LOOPS)
def test_a_sum_without_the_last_chunk(name, monkeypatch):
    monkeypatch.setattr(chunk_helpers, "borders", borders)
    assert finds([name], counts=(1,))
    monkeypatch.undo()
    monkeypatch.setattr(threads, "borders", borders)
    assert finds([name], counts=(3,))


def test_a_sum_without_the_last_tile(monkeypatch):
    original = loop_printer.LoopPrinter._head
    short = "range(start, stop - rows + 1, rows)"
    monkeypatch.setattr(
        loop_printer.LoopPrinter,
        "_head",
        lambda self: [line.replace("range(start, stop, rows)", short) for line in original(self)],
    )
    assert finds(LOOPS, cache=3000)


@pytest.mark.parametrize("name", ["total", "sum over the cut axis"])
def test_chunks_that_depend_on_the_number_of_threads(name, monkeypatch):
    """The sums are right, but not bit by bit."""

    def with_threads(count):
        def in_chunks(loop, length, rows, scratch, *arrays):
            edges = np.linspace(0, length, count + 1).astype(int).tolist()
            return [loop(a, b, rows, scratch[0], *arrays) for a, b in pairwise(edges)]

        return {"in_chunks": in_chunks}

    monkeypatch.setattr(code, "with_threads", with_threads)
    assert finds([name], sizes=(97,))


def test_chunks_that_add_to_the_same_elements_at_once(monkeypatch):
    monkeypatch.setattr(printer, "caller", lambda loop: "in_chunks")
    assert finds(["stencil"], optimize="full")


def test_waves_where_windows_are_far_apart(monkeypatch):
    """Of windows that begin four rows apart, every second chunk is not far enough away."""
    monkeypatch.setattr(printer, "caller", lambda loop: "in_waves")
    assert finds(["far windows"], optimize="full")


def test_a_guard_without_a_look_at_zeros(monkeypatch):
    monkeypatch.setattr(loop_printer, "guard", lambda operands: operands[2].text)
    assert finds(["guards"])
