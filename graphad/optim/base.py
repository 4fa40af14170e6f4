"""What an optimizer is, and `step`, which makes one ready for `graphad.compile`.

A `Transform` is a pair of pure functions. ``init(parameters)`` says which arrays are kept from call to call (`Slot`);
``update(gradients, state, parameters)`` gives what to add to the parameters, and the new state, all as nodes. `chain`
puts transforms one after the other: each changes what the one before it gives.

>>> import numpy as np
>>> import graphad as ga
>>> x, y, w = ga.input("x", ("n", 2)), ga.input("y", ("n",)), ga.parameter("w", (2,))
>>> loss = ga.mean((x @ w - y) ** 2)
>>> adam = ga.optim.step(ga.optim.adam(lr=0.1), loss, [w])
>>> train = ga.compile([x, y, w, *adam.state], loss, updates=adam.updates)
>>> points, weights = np.random.default_rng(0).normal(size=(64, 2)), np.zeros(2)
>>> targets, state = points @ [1, -2], adam.initial([weights])
>>> for _ in range(300):
...     _ = train(points, targets, weights, **state)
>>> weights.round(3), list(state), int(state["step"])
(array([ 1., -2.]), ['step', 'm_w', 'v_w'], 300)
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from graphad.autodiff.transforms import grad
from graphad.errors import ArgumentError, ShapeError
from graphad.ir.core import Node, fail, label
from graphad.ir.graph import toposort
from graphad.ir.origin import christen, composite, scope
from graphad.ir.types import numpy_name, shape_text
from graphad.ops.leaves import parameter

Nodes = tuple[Node, ...]
State = Any  # a Slot, or a tuple of States; for `update` a Node in the place of each Slot
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Slot:
    """An array of an optimizer's state: its ``name``, what it is ``like``, and the number that it ``start``s with.

    ``like`` is a parameter, whose shape and dtype it takes, or the dtype of a scalar. ``start=None``: it starts as a
    copy of the parameter. A slot in two places is one array.
    """

    name: str
    like: Node | str
    start: float | None = 0

    def declare(self, name: str) -> Node:
        """The input that stands for the array."""
        shape, dtype = (self.like.shape, self.like.dtype) if isinstance(self.like, Node) else ((), self.like)
        return parameter(name, shape, dtype)

    def array(self, values: Mapping[Node, Array]) -> Array:
        """What the array holds before the first step, given the arrays of the parameters."""
        if not isinstance(self.like, Node):
            return np.array(self.start, self.like)
        value = values[self.like]
        return value.copy() if self.start is None else np.full_like(value, self.start, subok=False)


STEP = Slot("step", "int64")  # how many steps were done: all that count share it, and set it to itself + 1


@dataclass(frozen=True)
class Transform:
    """Turns gradients into updates, keeping a state.

    ``init(parameters)`` gives the state as a `Slot` or a (nested) tuple of slots. ``update(gradients, state,
    parameters)`` gets a node for each slot, in the same nesting, and gives ``(updates, new state)``. ``rate``: the
    learning rate, a number, a node or a schedule, for those who want to show it.
    """

    init: Callable[[Nodes], State]
    update: Callable[[Nodes, State, Nodes], tuple[Nodes, State]]
    rate: Any = None


def chain(*transforms: Transform) -> Transform:
    """One transform after the other; ``chain()`` changes nothing. Raises ArgumentError for what is no transform."""
    for t in transforms:
        check_transform("chain", t)

    def init(parameters: Nodes) -> State:
        return tuple(t.init(parameters) for t in transforms)

    def update(gradients: Nodes, state: State, parameters: Nodes) -> tuple[Nodes, State]:
        new = []
        for t, part in zip(transforms, state, strict=True):
            gradients, part = t.update(gradients, part, parameters)
            new.append(part)
        return gradients, tuple(new)

    return Transform(init, update, next((t.rate for t in transforms if t.rate is not None), None))


def per_parameter(rule: Callable[..., Nodes], starts: Mapping[str, float], counted: bool = False) -> Transform:
    """A transform that treats each parameter alone.

    ``rule(gradient, *state)`` gives ``(update, *new state)``; ``starts`` says how the state arrays are called, which
    have the parameter's shape, and with what number each starts. ``counted``: the rule gets the number of this step, 1
    for the first, after the gradient.
    """

    def init(parameters: Nodes) -> State:
        of_each = tuple(tuple(Slot(f"{k}_{p.name}", p, start) for k, start in starts.items()) for p in parameters)
        return (STEP, of_each) if counted else ((), of_each)

    def update(gradients: Nodes, state: State, parameters: Nodes) -> tuple[Nodes, State]:
        step, of_each = state
        new_step = step + 1 if counted else ()
        number = (new_step,) if counted else ()
        found = [rule(g, *number, *slots) for g, slots in zip(gradients, of_each, strict=True)]
        return tuple(f[0] for f in found), (new_step, tuple(f[1:] for f in found))

    return Transform(init, update)


@dataclass(frozen=True)
class Step:
    """What `graphad.compile` needs for a training step.

    ``state``: the inputs that an optimizer adds. ``updates``: the new value of each parameter and each state input.
    ``parameters`` and ``gradients``: those that it was made for.
    """

    parameters: Nodes
    gradients: Nodes
    state: Nodes
    updates: Mapping[Node, Node]
    slots: tuple[Slot, ...]

    def initial(self, values: Sequence[Any] | Mapping[str, Any]) -> dict[str, Array]:
        """The arrays of the state before the first step, by name, in the order of ``state``.

        ``values``: the arrays of the parameters, in order or by name. Raises ArgumentError, ShapeError.
        """
        names = [p.name or "" for p in self.parameters]
        if isinstance(values, Mapping):
            missing = [n for n in names if n not in values]
            if missing:
                raise ArgumentError(f"initial: no array for {', '.join(missing)}")
            values = [values[n] for n in names]
        if len(values) != len(names):
            raise ArgumentError(f"initial: {len(names)} parameters ({', '.join(names)}), but {len(values)} arrays")
        arrays = {p: _array(p, v) for p, v in zip(self.parameters, values, strict=True)}
        return {str(x.name): slot.array(arrays) for x, slot in zip(self.state, self.slots, strict=True)}


def _array(x: Node, value: Any) -> Array:
    array = np.asarray(value, x.dtype)
    sizes = zip(x.shape, array.shape, strict=False)
    if array.ndim != x.ndim or any(isinstance(n, int) and n != m for n, m in sizes):
        fail(ShapeError, f"initial: {label(x)} is {x.type}, the array has shape {shape_text(array.shape)}", x)
    return array


@composite
def step(optimizer: Transform, loss: Node, parameters: Node | Sequence[Node]) -> Step:
    """One step of an optimizer down the gradient of a scalar ``loss`` with respect to the parameters.

    ``parameters`` are inputs, real and floating. Compile the result with ``inputs=[..., *step.state]`` and
    ``updates=step.updates``. State is named after its parameter, as in ``m_W``; with a number behind it where the graph
    has that name. Raises ArgumentError when a parameter is given twice, is no input, or is not real and floating;
    DifferentiationError as `grad` does.
    """
    check_transform("step", optimizer)
    owned = as_parameters("step", parameters)
    gradients = tuple(grad(loss, list(owned)))
    with scope("optimizer"):
        tree = optimizer.init(owned)
        slots = tuple(dict.fromkeys(_leaves(tree)))
        used = {n.name for n in toposort([loss, *owned]) if "placeholder" in n.op.traits}
        nodes = {slot: slot.declare(_unused(slot.name, used)) for slot in slots}
        updates = _updates(optimizer, gradients, mapped(nodes.__getitem__, tree), owned)
    return Step(owned, gradients, tuple(nodes.values()), updates, slots)


def _updates(optimizer: Transform, gradients: Nodes, state: State, parameters: Nodes) -> dict[Node, Node]:
    """The new values of parameters and state, named after the old."""
    changes, new_state = optimizer.update(gradients, state, parameters)
    old, new = (tuple(_leaves(s)) for s in (state, new_state))
    if (len(changes), len(new)) != (len(parameters), len(old)):
        found, wanted = f"{len(changes)} updates and {len(new)}", f"{len(parameters)} parameters and {len(old)}"
        raise ArgumentError(f"step: the optimizer gave {found} new states for {wanted} states")
    updates = {p: p + u for p, u in zip(parameters, changes, strict=True)} | dict(zip(old, new, strict=True))
    for x, value in updates.items():
        christen(value.origin, f"new_{x.name}")
    return updates


def mapped(change: Callable[..., Any], *states: State) -> State:
    """A state of the same nesting as those given: ``change`` of the slots or nodes at each place."""
    if isinstance(states[0], tuple):
        return tuple(mapped(change, *parts) for parts in zip(*states, strict=True))
    return change(*states)


def _leaves(state: State) -> Iterator[Any]:
    if isinstance(state, tuple):
        for part in state:
            yield from _leaves(part)
    else:
        yield state


def _unused(name: str, used: set[str | None]) -> str:
    """The name, with a number behind it if it is in ``used``, where it is then put."""
    free, numbers = name, count(2)
    while free in used:
        free = f"{name}_{next(numbers)}"
    used.add(free)
    return free


def as_parameters(what: str, given: Node | Sequence[Node]) -> Nodes:
    """The parameters that the function ``what`` was given. Raises ArgumentError in its words, as `step` says."""
    nodes = (given,) if isinstance(given, Node) else tuple(given)
    seen: set[Node] = set()
    for p in nodes:
        if not isinstance(p, Node) or "placeholder" not in p.op.traits:
            found = label(p) if isinstance(p, Node) else f"a {type(p).__name__}"
            raise ArgumentError(f"{what}: {found} is not a parameter", hint="optimize nodes made with ga.parameter")
        if p in seen:  # by hash, then identity: == of nodes is not asked
            fail(ArgumentError, f"{what}: the parameter {label(p)} is given twice", p)
        seen.add(p)
        if p.dtype.kind != "f":
            fail(ArgumentError, f"{what}: {label(p)} is {numpy_name(p.dtype)}, not real and floating", p)
    return nodes


def check_transform(what: str, value: object) -> None:
    """Raise ArgumentError, in the words of the function ``what``, for a value that is no Transform."""
    if not isinstance(value, Transform):
        hint = "call it: adam(), clip(5.0)" if callable(value) else "such as ga.optim.adam()"
        raise ArgumentError(f"{what}: a {type(value).__name__} is not a transform", hint=hint)
