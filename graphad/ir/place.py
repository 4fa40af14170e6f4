"""Where the user's code stands: the frame outside this package, and the variable that its result is assigned to.

Only code objects are kept, never frames. The variable is read from the bytecode, because source text is not always
there: the instruction that follows a call is the store of its result. `origin.py` uses `place_of`.
"""

import dis
import functools
import itertools
import os
import re
from bisect import bisect_left
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np


class Place(NamedTuple):
    """An instruction in the user's code, shared by all that was made there.

    ``name`` is the variable that its result is assigned to; ``names`` are those of an unpacking, ``""`` for a target
    without a usable name. ``code`` and ``offset`` (in bytes) find the instruction; ``code`` is None when unknown.
    """

    file: str = ""
    line: int = 0
    name: str | None = None
    names: tuple[str, ...] = ()
    code: CodeType | None = None
    offset: int = 0


NOWHERE = Place()


# --- the user's frame ------------------------------------------------------------------------------------------------


class _Known(NamedTuple):
    """What is known of a code object: what its instructions assign to, and the places asked for so far."""

    code: CodeType
    assigned: "dict[int, _Assigned]"
    places: dict[int, Place]


# Code objects compare by content without the file name, and hash slowly: so they are found by id, which holds as long
# as the entry keeps the code alive. Interactive sessions make ever new code, hence the limit.
_known: dict[int, _Known] = {}
_MAX_KNOWN = 4096

_is_skipped: dict[str, bool] = {}
_SKIPPED_FILES = (
    os.path.dirname(os.path.dirname(__file__)) + os.sep,  # this package
    os.path.dirname(np.__file__) + os.sep,  # dispatch of np.mean(node)
    functools.__file__,  # cached_property, singledispatch
)


def place_of(frame: FrameType | None) -> Place:
    """Return the place of the innermost frame that is the user's, counted from ``frame``."""
    while frame is not None:
        code = frame.f_code
        skipped = _is_skipped.get(code.co_filename)
        if skipped is None:
            skipped = _skips(frame)
        if not skipped:
            known = _known.get(id(code))
            place = known and known.places.get(frame.f_lasti)
            return place or _new_place(frame)
        frame = frame.f_back
    return NOWHERE


def _skips(frame: FrameType) -> bool:
    """Decide whether ``frame`` is not the user's; a module of the package may declare itself to be the user's."""
    file = frame.f_code.co_filename
    if file == "<string>":  # generated, such as the __init__ of a dataclass: it belongs to its module
        return str(frame.f_globals.get("__file__", "")).startswith(_SKIPPED_FILES)
    skipped = file.startswith(_SKIPPED_FILES) and not frame.f_globals.get("__graphad_user_code__", False)
    return _is_skipped.setdefault(file, skipped)


def _new_place(frame: FrameType) -> Place:
    """Make and keep the place that ``frame`` stands at."""
    code, offset = frame.f_code, frame.f_lasti
    known = _known.get(id(code))
    if known is None:
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        known = _known.setdefault(id(code), _Known(code, _assignments(code), {}))
    name, names = known.assigned.get(offset, _NOT_ASSIGNED)
    return known.places.setdefault(offset, Place(code.co_filename, frame.f_lineno or 0, name, names, code, offset))


# --- names from bytecode ---------------------------------------------------------------------------------------------

_Assigned = tuple[str | None, tuple[str, ...]]  # a single name, the names of an unpacking
_Step = tuple[int, str, Any]  # offset, operation, argument
_NOT_ASSIGNED: _Assigned = (None, ())

_PUSHES = {"LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW", "LOAD_NAME", "LOAD_GLOBAL", "LOAD_DEREF"}
_PUSHES |= {"LOAD_CONST", "LOAD_SMALL_INT", "SWAP"}  # a swap lifts the object of `a.b += x` above the value
_STORES = {"STORE_FAST": 0, "STORE_NAME": 0, "STORE_GLOBAL": 0, "STORE_DEREF": 0, "STORE_ATTR": 1, "STORE_SUBSCR": 2}
_SILENT = {"CACHE", "NOP", "EXTENDED_ARG", "COPY"}  # a copy is for the next of several targets
if "PRECALL" in dis.opmap:  # Python 3.11 calls in two steps, and C functions already in the first
    _SILENT.add("CALL")
_FUSED = re.compile(r"LOAD_FAST|STORE_FAST")


def _assignments(code: CodeType) -> dict[int, _Assigned]:
    """Return what each instruction's result is assigned to, by offset, for those that have it assigned at once."""
    steps = _steps(code)
    found: dict[int, _Assigned] = {}
    for k, ((offset, operation, _), (end, _, _)) in enumerate(itertools.pairwise(steps)):
        assigned = _assigned(steps, k if operation == "UNPACK_SEQUENCE" else k + 1)
        if assigned != _NOT_ASSIGNED:
            found.update(dict.fromkeys(range(offset, end, 2), assigned))  # a frame may stand at an inline cache
    return found


def _steps(code: CodeType) -> list[_Step]:
    """List the instructions that matter, taking apart those that do the work of two."""
    steps: list[_Step] = []
    for one in dis.get_instructions(code):
        if one.opname in _SILENT:
            continue
        halves = _FUSED.findall(one.opname)
        if len(halves) == 2:
            steps += [(one.offset, half, name) for half, name in zip(halves, one.argval, strict=True)]
        else:
            steps.append((one.offset, one.opname, one.argval))
    return steps


def _assigned(steps: list[_Step], k: int) -> _Assigned:
    """Return what the value on the stack before step ``k`` is assigned to."""
    if steps[k][1] == "JUMP_FORWARD":  # from the first branch of `a if c else b`
        k = bisect_left(steps, (steps[k][2], "", None))
    if steps[k][1] != "UNPACK_SEQUENCE":
        return _target(steps, k)[0] or None, ()
    names: list[str] = []
    count, k = steps[k][2], k + 1
    while len(names) < count:
        name, k = _target(steps, k)
        if name is None:
            return _NOT_ASSIGNED
        names.append(name)
    return None, tuple(names)


def _target(steps: list[_Step], k: int) -> tuple[str | None, int]:
    """Return the name that the steps from ``k`` on store to, and the step after.

    The name is ``""`` for a target without one (``_``, ``rows[i]``) and None if they do not store what was on the
    stack: an attribute's object (an item's container and key) must have been loaded above it.
    """
    loaded, key = 0, ""
    for at in range(k, len(steps)):
        _, operation, argument = steps[at]
        if operation in _PUSHES:
            loaded, key = loaded + 1, argument if operation == "LOAD_CONST" and isinstance(argument, str) else ""
        elif operation in _STORES:
            name = key if operation == "STORE_SUBSCR" else argument
            usable = name.isidentifier() and name != "_"
            return (name if usable else "") if loaded == _STORES[operation] else None, at + 1
        elif operation != "LOAD_ATTR" or not loaded:
            break
    return None, k
