"""The checks of this folder can fail: each mistake that is planted here is found by them."""

import numpy as np
import pytest
from lower.fast.test_values import PATTERNS
from tiles import ALL, arrays, check, flat, gradients, same_bits, tiny

import graphad as ga
from graphad.lower import code
from graphad.lower.fast import axes, buffers, chunk_helpers, loop_printer, printer, threads
from graphad.ops.layout import transpose

WRONG = (AssertionError, ValueError, IndexError, NameError)  # other values, or arrays that do not fit


def fails(name, sizes=(11, 23), cache=200, variants=(ALL,), counts=(1, 3)):
    """Whether a check of a pattern, with its gradients, finds something."""
    inputs, make = PATTERNS[name]
    outputs = make()
    with tiny(cache):
        try:
            calls = [arrays(inputs, {"n": n}, n) for n in sizes]
            check(inputs, [*outputs, *gradients(inputs, outputs)], *calls, variants=variants, threads=counts)
        except WRONG:
            return True
    return False


BUFFERS = ["transposes", "a result that others read", "three loops", "square transpose", "sum of many", "thin products"]


def found(names=BUFFERS, **options):
    """Whether any of the patterns fails."""
    return any(fails(name, **options) for name in names)


def test_nothing_is_found_where_nothing_is_planted():
    assert not found()


def test_a_buffer_that_is_freed_too_early(monkeypatch):
    original = buffers._last_reads

    def early(reads):
        late = original(reads)
        shifted = buffers._LastReads([*late[1:], []])
        shifted.ever = late.ever
        return shifted

    monkeypatch.setattr(buffers, "_last_reads", early)
    assert found()
    monkeypatch.setattr(buffers, "plan_pieces", lambda loop: pytest.fail("bound by name in program.py"))


@pytest.mark.parametrize("where", ["plan_calls", "plan_pieces"])
def test_a_value_that_is_forgotten_while_it_is_read(where, monkeypatch):
    """The last reads of a value are not seen, in buffers of calls or in those of pieces."""
    original, plan = buffers._last_reads, getattr(buffers.__dict__["program"] if False else printer, where, None)
    assert plan is None

    def first_reads(reads):
        seen, found = set(), []
        for nodes in reads:
            fresh = [x for x in dict.fromkeys(nodes) if x not in seen]
            seen.update(fresh)
            found.append(fresh)
        made = buffers._LastReads(found)
        made.ever = original(reads).ever
        return made

    from graphad.lower.fast import program

    made = getattr(buffers, where)

    def planted(*args):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(buffers, "_last_reads", first_reads)
            return made(*args)

    monkeypatch.setattr(program, where, planted)
    assert found()
