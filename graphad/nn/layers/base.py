"""What a layer is: `Layer`, the names of its parameters, their initial values, and the mode of training.

A layer is data: a frozen dataclass whose fields are parameters (nodes), static numbers and other layers. Calling it
builds nodes and changes nothing. The same layer called twice shares its parameters, and their gradients meet in a sum.

>>> import graphad as ga
>>> x = ga.input("x", ("batch", 4))
>>> model = ga.nn.Sequential(ga.nn.Linear(4, 8), ga.tanh, ga.nn.Linear(8, 3))
>>> model(x).type
f64[batch, 3]
>>> [p.name for p in ga.nn.parameters(model)]
['linear_W', 'linear_b', 'linear_2_W', 'linear_2_b']
>>> {name: array.shape for name, array in ga.nn.initial(model, 0).items()}
{'linear_W': (4, 8), 'linear_b': (8,), 'linear_2_W': (8, 3), 'linear_2_b': (3,)}

Layers of your own are dataclasses, too; parameters and buffers are made by `declare`, other layers are fields:

>>> from dataclasses import dataclass
>>> @dataclass(frozen=True, eq=False)
... class Gate(ga.nn.Layer):
...     inner: ga.nn.Linear
...
...     def forward(self, x):
...         return x * ga.nn.sigmoid(self.inner(x))
>>> gate = Gate(ga.nn.Linear(4, 4))
>>> gate(x).type, [p.name for p in ga.nn.parameters(gate)]
(f64[batch, 4], ['linear_W', 'linear_b'])
"""

import itertools
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np

from graphad.errors import ArgumentError
from graphad.ir.core import Node, fail, rename
from graphad.ir.graph import toposort
from graphad.ir.origin import composite, here, scope
from graphad.ir.types import as_dtype
from graphad.nn.init import Array, Initializer, values
from graphad.ops.leaves import input as input_node
from graphad.ops.leaves import parameter


@dataclass
class _Owned:
    """What a layer declared: its name, which is final once ``settled``, and its nodes with their initial values."""

    name: str
    settled: bool
    nodes: dict[str, Node] = field(default_factory=dict)  # by field
    starts: dict[Node, Initializer] = field(default_factory=dict)


class Layer(ABC):
    """A function with parameters. Subclasses are dataclasses and define ``forward``; a call gives what it gives.

    A layer that has parameters of its own has a name: ``name=`` where it is given, else the variable that holds the
    layer, else its kind. Its parameters are called after it, and the nodes of a call stand in a scope of this name.
    Names that are not given get a number where they would meet: ``linear_2``.
    """

    @abstractmethod
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The nodes of one use, from nodes."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The same, inside the layer's scope."""
        return _called(self, args, kwargs)

    def __repr__(self) -> str:
        known: dict[str, Any] = {f.name: f for f in fields(self)} if is_dataclass(self) else {}
        hidden = {k for k, v in vars(self).items() if k.startswith("_") or isinstance(v, Node)}
        hidden |= {k for k, f in known.items() if not f.init or vars(self).get(k) is f.default}
        shown = [f"{k}={_shown(v)}" for k, v in vars(self).items() if k not in hidden]
        return f"{type(self).__name__}({', '.join(shown)})"


@composite
def _called(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    _settle(layer, args)
    name = _scope(layer)
    if not name:
        return layer.forward(*args, **kwargs)
    with scope(name):
        return layer.forward(*args, **kwargs)


def _scope(layer: Layer) -> str:
    """What the scope of a layer's nodes is called: as its parameters are, or for several parts as the first of them."""
    if (owned := vars(layer).get("_owned")) is not None:
        return str(owned.name)
    name, first, wish = vars(layer).get("_parts", ("", None, ""))
    return f"{name}{first.name.removeprefix(wish)}" if first is not None else ""


def declare(
    layer: Layer,
    name: str | None = None,
    *,
    dtype: Any = "float64",
    buffers: Iterable[str] = (),
    **specs: tuple[Any, Initializer] | None,
) -> None:
    """Make the parameters of a layer: ``declare(self, name, W=((4, 8), init.xavier_uniform), b=((8,), init.zeros))``.

    Each becomes a field; None makes a field that is None. Those called in ``buffers`` are inputs that are not learned,
    such as running statistics. To be called once, in ``__post_init__``. Raises ArgumentError for a blank name,
    a size below 1, or a dtype that is not floating.
    """
    wish = _wish(layer, name, default=_snake(type(layer).__name__))
    owned = _Owned(wish, name is not None)
    kind = type(layer).__name__
    if as_dtype(dtype).kind not in "fc":
        raise ArgumentError(f"{kind}: parameters must be floating, not {as_dtype(dtype)}", hint='dtype="float32"')
    for key, spec in specs.items():
        node = None
        if spec is not None:
            if any(isinstance(size, int) and size < 1 for size in spec[0]):
                raise ArgumentError(f"{kind}: {key} would have the shape {spec[0]}")
            make = input_node if key in buffers else parameter
            owned.nodes[key] = node = make(f"{wish}_{key}", spec[0], dtype)
            owned.starts[node] = spec[1]
        object.__setattr__(layer, key, node)
    object.__setattr__(layer, "_owned", owned)


def own_parts(layer: Layer, name: str | None = None, **parts: Any) -> None:
    """Make layers that ``layer`` makes by itself its fields: None, a layer, or a tuple of layers of one kind.

    Their names are those of the fields, after the name or the variable of the layer where there is one: ``block_out``.
    To be called once, in ``__post_init__``. Raises ArgumentError for a blank name.
    """
    outer = _wish(layer, name, default="")
    made = [part for part in parts.values() if isinstance(part, Layer)]
    for key, value in parts.items():
        object.__setattr__(layer, key, value)
        several = isinstance(value, tuple)
        for part in value if several else [value] if value is not None else []:
            owned = _owned(part)
            owned.name = "_".join(filter(None, (outer, key.removesuffix("s") if several else key)))
            for field_name, node in owned.nodes.items():
                rename(node, f"{owned.name}_{field_name}")
    if len(made) > 1:
        first = _owned(made[0])
        object.__setattr__(layer, "_parts", (outer or _snake(type(layer).__name__), first, first.name))


def layers(model: Any) -> Iterator[Layer]:
    """A model's layers, itself first if it is one, each once; ``model`` may be a list, tuple or mapping of them.

    Raises ArgumentError for anything else.
    """
    if not isinstance(model, Layer | list | tuple | Mapping):
        hint = "give a layer, or a list, tuple or mapping of layers"
        raise ArgumentError(f"a {type(model).__name__} has no parameters to be found", hint=hint)
    seen: set[int] = set()
    waiting = [model]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Layer):
            if id(part) in seen:
                continue
            seen.add(id(part))
            yield part
        inner = part.values() if isinstance(part, Mapping) else part if isinstance(part, list | tuple) else None
        inner = vars(part).values() if isinstance(part, Layer) else inner
        waiting.extend(reversed([v for v in inner or () if isinstance(v, Layer | list | tuple | Mapping)]))


def parameters(model: Any) -> list[Node]:
    """The parameters of a model, in the order of its fields, each once. Their names are final from now on.

    ``model``: a layer, or a list, tuple or mapping of layers. Raises ArgumentError.
    """
    return [n for n in _nodes(model) if "parameter" in n.op.traits]


def buffers(model: Any) -> list[Node]:
    """What a model keeps besides its parameters, such as the running statistics of `BatchNorm`."""
    return [n for n in _nodes(model) if "parameter" not in n.op.traits]


def initial(model: Any, rng: Any) -> dict[str, Array]:
    """The arrays that a model starts with, parameters and buffers, by name.

    ``rng``: a `numpy.random.Generator`, or the number that seeds one. Raises ArgumentError.
    """
    nodes = _nodes(model)
    starts = {n: start for layer in layers(model) for n, start in _owned(layer).starts.items()}
    generator = np.random.default_rng(rng) if isinstance(rng, int | np.integer) else rng
    unknown = next((n for n in nodes if n not in starts), None)
    if unknown is not None:
        hint = "make parameters of layers by ga.nn.declare, which keeps how they start"
        fail(ArgumentError, f"initial: nothing says how {unknown.name} starts", unknown, hint=hint)
    return values(generator, {n: starts[n] for n in nodes})


@dataclass(frozen=True, eq=False)
class Training:
    """What layers leave behind in the mode of training: ``updates``, new values of buffers for `graphad.compile`."""

    updates: dict[Node, Node] = field(default_factory=dict)

    def current(self, buffer: Node) -> Node:
        """A buffer's value by now: of a layer that is used twice, the second use goes on from the first."""
        return self.updates.get(buffer, buffer)


_training: ContextVar[Training | None] = ContextVar("graphad_training", default=None)


@contextmanager
def training() -> Iterator[Training]:
    """Layers called in this block act as in training: `Dropout` drops, `BatchNorm` takes the statistics of the batch.

    The block gives ``updates``, the new running statistics. A training step of one's own, as `ga.train.fit` makes it:

    >>> import numpy as np
    >>> import graphad as ga
    >>> x, y = ga.input("x", ("batch", 4)), ga.input("y", ("batch",), "int64")
    >>> model = ga.nn.Sequential(ga.nn.Linear(4, 8), ga.nn.BatchNorm(8), ga.nn.relu, ga.nn.Dropout(0.3))
    >>> with ga.nn.training() as run:
    ...     loss = ga.nn.cross_entropy(model(x), y)
    >>> adam = ga.optim.step(ga.optim.adam(0.01), loss, ga.nn.parameters(model))
    >>> inputs = [x, y, *ga.nn.parameters(model), *ga.nn.buffers(model), *adam.state]
    >>> train = ga.compile(inputs, loss, name="train", updates={**adam.updates, **run.updates})
    >>> values = ga.nn.initial(model, 0)
    >>> state, rng = adam.initial(values), np.random.default_rng(0)
    >>> data = rng.normal(size=(32, 4)), rng.integers(0, 8, 32)
    >>> losses = [train(*data, **values, **state, rng=rng) for _ in range(50)]  # values and state change in place
    >>> bool(losses[-1] < losses[0]), int(state["step"])
    (True, 50)
    >>> classify = ga.compile([x, *ga.nn.parameters(model), *ga.nn.buffers(model)], model(x))  # in evaluation
    >>> classify(data[0], **values).shape
    (32, 8)
    """
    run = Training()
    token = _training.set(run)
    try:
        yield run
    finally:
        _training.reset(token)


def in_training() -> Training | None:
    """The surrounding `training` block, None in evaluation."""
    return _training.get()


def _nodes(model: Any) -> list[Node]:
    """Parameters and buffers, found in the fields of layers; their names are settled."""
    found: dict[Node, None] = {}
    for layer in layers(model):
        for value in vars(layer).values():
            for node in value if isinstance(value, list | tuple) else (value,):
                if isinstance(node, Node) and "placeholder" in node.op.traits:
                    found[node] = None
    _settle(model, ())
    return list(found)


def _owned(layer: Layer) -> _Owned:
    return vars(layer).get("_owned") or _Owned("", True)


def _settle(model: Any, args: tuple[Any, ...]) -> None:
    """Make the names of a model's parameters final: a number where others have them, among what ``args`` are made of.

    Names never change a result; until here nobody but error messages has read them.
    """
    every = [o for o in map(_owned, layers(model)) if o.nodes]
    waiting = [o for o in every if not o.settled]
    if not waiting:
        return
    given = [a for a in args if isinstance(a, Node)]
    taken = {n.name for n in toposort(given) if "placeholder" in n.op.traits}
    taken |= {n.name for o in every if o.settled for n in o.nodes.values()}
    for owned in waiting:
        for number in itertools.count(1):
            name = owned.name if number == 1 else f"{owned.name}_{number}"
            names = {key: f"{name}_{key}" for key in owned.nodes}
            if taken.isdisjoint(names.values()):
                break
        for key, node in owned.nodes.items():
            rename(node, names[key])
        owned.name, owned.settled = name, True
        taken.update(names.values())


def _wish(layer: Layer, name: str | None, default: str) -> str:
    """The name that a layer is given, or that of its variable."""
    if name is not None and (not isinstance(name, str) or not name.isidentifier()):
        hint = 'use a Python identifier: name="hidden"'
        raise ArgumentError(f"{type(layer).__name__}: {name!r} cannot be the name of a layer", hint=hint)
    return name or here().name or default


def _snake(name: str) -> str:
    """Such as batch_norm for BatchNorm, and rms_norm for RMSNorm."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _shown(value: Any) -> str:
    """A function by its name, all else as Python shows it."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_shown, value))})"
    return str(getattr(value, "__name__", None) or repr(value))
