"""Where in the user's code a node was made, and what the user calls it.

Contract: an :class:`Origin` never changes a result. It only lets errors, drawings and generated code speak the user's
language. This module knows nothing of nodes; everything here may answer "unknown" (``None``, ``""``, ``()``).

:func:`here` is called once per node, so it must stay near one microsecond: it walks out of this package to the user's
frame and looks the instruction running there up in a cache. Only code objects are kept, never frames. The variable on
the left is read from the bytecode, because source text is not always there: the instruction that follows a call is the
store of its result. What :func:`here` answers depends on the surrounding :func:`scope`, :func:`inside` and
:func:`composite`; that context belongs to the thread (or the asyncio task).

Read first: :class:`Origin`, then :func:`here`; the bytecode is read at the end of the file.
"""

import dis
import functools
import itertools
import linecache
import os
import re
import sys
from bisect import bisect_left
from collections.abc import Callable
from contextvars import ContextVar
from types import CodeType, FrameType
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numpy as np

from graphad.errors import ArgumentError

P = ParamSpec("P")
R = TypeVar("R")

_serials = itertools.count(1)
_KEPT = ("name", "place", "scope", "adjoint_of", "is_cotangent", "uses")  # by Origin.derived


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


class Origin:
    """Where a node comes from; compared by identity. ``name`` and the rest of it never change a result.

    Passes that replace a node hand its origin on (or one :meth:`derived` from it), so links between forward and
    backward survive any rewriting.

    Attributes
    ----------
    name: the user's variable or the given name; None until known, then fixed (see :func:`christen`).
    place: the instruction in the user's code; ``file`` and ``line`` are read from it.
    scope: names of the surrounding :func:`scope` blocks, outermost first.
    adjoint_of: for a backward node, the origin of the forward node that it serves.
    is_cotangent: the node is the whole cotangent of ``adjoint_of``, not a helper inside a rule.
    made_by: the rule or pass that made the node, ``""`` for the user's own.
    uses: for a sum over the uses of a node, the label of each edge.
    gradients: for a result of grad, the origins of (loss, variable) that it belongs to.
    serial: grows with each origin made.
    """

    __slots__ = (
        "__weakref__",
        "adjoint_of",
        "gradients",
        "is_cotangent",
        "made_by",
        "name",
        "place",
        "scope",
        "serial",
        "uses",
    )

    def __init__(
        self,
        name: str | None = None,
        place: Place = NOWHERE,
        scope: tuple[str, ...] = (),
        adjoint_of: "Origin | None" = None,
        is_cotangent: bool = False,
        made_by: str = "",
        uses: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.place = place
        self.scope = scope
        self.adjoint_of = adjoint_of
        self.is_cotangent = is_cotangent
        self.made_by = made_by
        self.uses = uses
        self.gradients: tuple[tuple[Origin, Origin], ...] = ()
        self.serial = next(_serials)

    def __repr__(self) -> str:
        known = [*self.scope, self.name or "", self.location, self.made_by]
        return f"Origin({', '.join(filter(None, known))})"

    @property
    def file(self) -> str:
        """Path of the user's file as Python knows it, ``""`` when unknown."""
        return self.place.file

    @property
    def line(self) -> int:
        """Line in the user's file, counted from 1; 0 when unknown."""
        return self.place.line

    @property
    def location(self) -> str:
        """Such as ``train.py:14``; ``""`` when unknown."""
        return f"{os.path.basename(self.file)}:{self.line}" if self.line else ""

    def source_line(self) -> str:
        """Text of the user's line without its indentation, ``""`` when it cannot be read."""
        return linecache.getline(self.file, self.line).strip()

    def expression(self) -> str:
        """Text of just the expression that made the node, such as ``x @ W2``; ``""`` when it cannot be read.

        An expression over several lines is joined to one.
        """
        if self.place.code is None:
            return ""
        positions = self.place.code.co_positions()
        first, last, start, end = next(itertools.islice(positions, self.place.offset // 2, None), (None,) * 4)
        if first is None or last is None:
            return ""
        lines = [linecache.getline(self.file, k).encode() for k in range(first, last + 1)]
        lines[-1] = lines[-1][:end]
        lines[0] = lines[0][start:]
        return b" ".join(line.strip() for line in lines).decode(errors="replace").strip()

    def derived(self, made_by: str, **changes: Any) -> "Origin":
        """Return an origin equal to this one but for ``made_by`` and ``changes`` (attributes by name).

        >>> forward = Origin("h", scope=("hidden",))
        >>> forward.derived("tanh", name="d_h", adjoint_of=forward)
        Origin(hidden, d_h, tanh)
        """
        kept = {field: getattr(self, field) for field in _KEPT}
        return Origin(**(kept | {"made_by": made_by} | changes))


def christen(origin: Origin, name: str | None) -> None:
    """Give ``origin`` its name if it has none yet; an empty name is ignored."""
    if origin.name is None and name:
        origin.name = name


class _Context(NamedTuple):
    """What :func:`here` has to know besides the frames; ``outer`` is restored when the block ends."""

    scope: tuple[str, ...] = ()
    template: Origin | None = None
    named: bool = True
    outer: "_Context | None" = None


_OUTERMOST = _Context()
_context: ContextVar[_Context] = ContextVar("graphad_origin", default=_OUTERMOST)


class _Block:
    """Context manager that keeps no state of its own, so one block may be entered often, nested and by many threads."""

    __slots__ = ("_scope", "_template")

    def __init__(self, scope: tuple[str, ...] = (), template: Origin | None = None) -> None:
        self._scope = scope
        self._template = template

    def __enter__(self) -> None:
        outer = _context.get()
        _context.set(_Context(outer.scope + self._scope, self._template or outer.template, outer.named, outer))

    def __exit__(self, *_: object) -> None:
        _context.set(_context.get().outer or _OUTERMOST)


def scope(name: str) -> _Block:
    """Group the nodes made in a ``with`` block: a cluster in drawings, a prefix of names. Scopes nest.

    >>> with scope("encoder"), scope("hidden"):
    ...     here().scope
    ('encoder', 'hidden')

    Raises :class:`~graphad.errors.ArgumentError` unless ``name`` is a string that is not blank.
    """
    if not isinstance(name, str) or not name.strip():
        raise ArgumentError(f"scope: the name must be a non-empty string, not {name!r}", hint='ga.scope("hidden")')
    return _Block(scope=(name,))


def inside(template: Origin) -> _Block:
    """Make :func:`here` copy ``template`` (but for name, ``is_cotangent`` and ``uses``) in a ``with`` block.

    For nodes that a rule or pass makes on the user's behalf. Blocks nest, the innermost wins; frames are not looked at.

    >>> with inside(Origin("h", made_by="tanh")):
    ...     here()
    Origin(tanh)
    """
    return _Block(template=template)


def here(named: bool = True) -> Origin:
    """Return a new origin at the line of the user that is running, with the variable it is assigned to if ``named``.

    >>> h = here()
    >>> h.name, h.line
    ('h', 1)
    >>> print([here()][0].name)
    None
    """
    scope, template, may_name, _ = _context.get()
    if template is not None:
        return Origin(None, template.place, template.scope, template.adjoint_of, False, template.made_by)
    place = _place(sys._getframe(1))
    return Origin(place.name if named and may_name else None, place, scope)


def here_names() -> tuple[str, ...]:
    """Return the names that the running call is unpacked to (``""`` for one without a name), ``()`` if it is not.

    >>> left, right = here_names()
    >>> left, right
    ('left', 'right')
    """
    context = _context.get()
    return _place(sys._getframe(1)).names if context.named and context.template is None else ()


def composite(fn: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function that builds several nodes: only the one it returns gets the user's variable name.

    When several are returned, in a tuple or list, an unpacking names each. Nodes that were there before keep their
    names; of nested composites the outermost names.
    """

    @functools.wraps(fn)
    def build(*args: P.args, **kwargs: P.kwargs) -> R:
        outer = _context.get()
        if not outer.named or outer.template is not None:
            return fn(*args, **kwargs)
        before = next(_serials)
        _context.set(_Context(outer.scope, None, False, outer))
        try:
            result = fn(*args, **kwargs)
        finally:
            _context.set(outer)
        place = _place(sys._getframe(1))
        pairs = zip(result, place.names, strict=False) if isinstance(result, tuple | list) else [(result, place.name)]
        for node, name in pairs:
            origin = getattr(node, "origin", None)
            if isinstance(origin, Origin) and origin.serial > before:
                christen(origin, name)
        return result

    return build


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


def _place(frame: FrameType | None) -> Place:
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
