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

import functools
import inspect
import itertools
import linecache
import os
import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NamedTuple, ParamSpec, TypeVar

from graphad.errors import ArgumentError
from graphad.ir.place import NOWHERE as NOWHERE
from graphad.ir.place import Place as Place
from graphad.ir.place import place_of

P = ParamSpec("P")
R = TypeVar("R")

_serials = itertools.count(1)
_KEPT = ("name", "place", "scope", "adjoint_of", "is_cotangent", "uses")  # by Origin.derived


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
        return _location(self.place.file, self.place.line)

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


@functools.lru_cache(maxsize=4096)
def _location(file: str, line: int) -> str:
    return f"{os.path.basename(file)}:{line}" if line else ""


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
    place = place_of(sys._getframe(1))
    return Origin(place.name if named and may_name else None, place, scope)


def here_names() -> tuple[str, ...]:
    """Return the names that the running call is unpacked to (``""`` for one without a name), ``()`` if it is not.

    >>> left, right = here_names()
    >>> left, right
    ('left', 'right')
    """
    context = _context.get()
    return place_of(sys._getframe(1)).names if context.named and context.template is None else ()


def composite(fn: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function that builds several nodes: only the one it returns gets the user's variable name.

    When several are returned, in a tuple or list, an unpacking names each. Nodes that were there before keep their
    names; of nested composites the outermost names.
    """
    return _composite(fn, ())


def boxed(fn: Callable[P, R]) -> Callable[P, R]:
    """A `composite` whose nodes stand in a scope of its name: one box in drawings."""
    return _composite(fn, (fn.__name__,))


def _composite(fn: Callable[P, R], inner: tuple[str, ...]) -> Callable[P, R]:
    @functools.wraps(fn)
    def build(*args: P.args, **kwargs: P.kwargs) -> R:
        outer = _context.get()
        if outer.template is not None or not (outer.named or inner):
            return fn(*args, **kwargs)
        before = next(_serials)
        _context.set(_Context(outer.scope + inner, None, False, outer))
        try:
            result = fn(*args, **kwargs)
        except TypeError:
            _check_call(fn, args, kwargs)
            raise
        finally:
            _context.set(outer)
        if outer.named:
            _christen_results(result, place_of(sys._getframe(1)), before)
        return result

    return build


def _christen_results(result: object, place: Place, before: int) -> None:
    """Name what was made since ``before`` by what the user assigns it to."""
    pairs = zip(result, place.names, strict=False) if isinstance(result, tuple | list) else [(result, place.name)]
    for node, name in pairs:
        origin = getattr(node, "origin", None)
        if isinstance(origin, Origin) and origin.serial > before:
            christen(origin, name)


def _check_call(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise ArgumentError when the arguments do not fit the function's parameters."""
    signature = inspect.signature(fn)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as problem:
        site = here(False)
        where = [("in", site.source_line() or "?", f"at {site.location}")] if site.location else []
        usage = f"call {fn.__name__}({', '.join(signature.parameters)})"
        raise ArgumentError(f"{fn.__name__}: {problem}", where=where, hint=usage) from None
