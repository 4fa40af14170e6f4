"""The parts of optimizers: small pure transforms of gradients, to be put together with `chain`.

Each gives what is *added* to the parameters once `scale_by_learning_rate`, the last but for `ema`, has turned it
downhill. Formulas: g is the gradient, p the parameter, t = 1, 2, … the number of the step; ε stands where PyTorch has
it. The scalars of a step (bias corrections, rates) are computed in float64, so float32 parameters lose nothing by them.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import reduce
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, ShapeError
from graphad.ir.core import Node, fail, label
from graphad.ops.attributes import as_int
from graphad.ops.casts import cast
from graphad.ops.elementwise import add, sign, sqrt, square
from graphad.ops.fit import sum
from graphad.ops.kinks import absolute, maximum
from graphad.ops.kinks import clip as clip_values
from graphad.ops.piecewise import where
from graphad.optim.base import STEP, Nodes, Slot, State, Transform, check_transform, mapped, per_parameter

Rate = float | Node | Callable[[Node], Any]


def in_range(name: str, value: Any, low: float = 0.0, below: float = np.inf) -> float:
    """The number, as a Python float, if low ≤ value < below. Raises ArgumentError, which names it, otherwise."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ArgumentError(f"{name} must be a number, not a {type(value).__name__}") from None
    if not low <= number < below:
        limits = f"at least {low:g}" + (f" and below {below:g}" if below < np.inf else " and finite")
        raise ArgumentError(f"{name} must be {limits}, not {number:g}")
    return number


def stateless(change: Callable[[Node, Node], Node]) -> Transform:
    """A transform that keeps nothing: ``change(gradient, parameter)`` gives the update of each parameter."""
    return Transform(
        lambda parameters: (), lambda gs, state, ps: (tuple(change(g, p) for g, p in zip(gs, ps, strict=True)), state)
    )


def scale(factor: float) -> Transform:
    """factor·g; ``scale(-1)`` at the front of a chain climbs instead of descending."""
    return stateless(lambda g, p: factor * g)


def scale_by_learning_rate(lr: Rate) -> Transform:
    """-lr·g, the step downhill.

    ``lr`` is a number, a scalar node (an input, to be given at each call), or a schedule: a function of the number of
    steps done so far, a scalar int64 node that is 0 at the first step, which gives a scalar node or a number. Raises
    ArgumentError for a negative number, ShapeError for a node that is no scalar.
    """
    if isinstance(lr, Node) or not callable(lr):
        rate = lr if isinstance(lr, Node) else in_range("lr", lr)
        return replace(stateless(lambda g, p: -_scalar(rate, g) * g), rate=rate)

    def update(gradients: Nodes, step: State, parameters: Nodes) -> tuple[Nodes, State]:
        value = lr(step)
        rate = value if isinstance(value, Node) else in_range("the learning rate that the schedule gives", value)
        return tuple(-_scalar(rate, g) * g for g in gradients), step + 1

    return Transform(lambda parameters: STEP, update, lr)


def _scalar(value: float | Node, like: Node) -> Any:
    """A number of the step beside an array: it does not change the array's dtype."""
    if not isinstance(value, Node):
        return value
    if value.shape:
        fail(ShapeError, f"the learning rate must be a scalar, {label(value)} is {value.type}", value)
    return value if value.dtype == like.dtype else cast(value, like.dtype)


def add_decayed_weights(weight_decay: float) -> Transform:
    """g + weight_decay·p: before an adaptive rule this is the L2 penalty, after it decoupled decay (AdamW)."""
    decay = in_range("weight_decay", weight_decay)
    return stateless(lambda g, p: g + decay * p)


def clip(limit: float) -> Transform:
    """Each element of g held within [-limit, limit]."""
    bound = in_range("clip: limit", limit)
    return stateless(lambda g, p: clip_values(g, -bound, bound))


def clip_by_global_norm(max_norm: float) -> Transform:
    """All gradients scaled by max_norm / ‖g‖ where ‖g‖, over all parameters together, is larger than max_norm.

    Pascanu, Mikolov & Bengio 2013, algorithm 1.
    """
    bound = in_range("clip_by_global_norm: max_norm", max_norm)
    if bound == 0:
        raise ArgumentError("clip_by_global_norm: max_norm must not be 0")

    def update(gradients: Nodes, state: State, parameters: Nodes) -> tuple[Nodes, State]:
        if not gradients:
            return gradients, state
        norm = sqrt(reduce(add, [sum(square(g)) for g in gradients]))
        factor = bound / maximum(norm, bound)
        return tuple(_scalar(factor, g) * g for g in gradients), state

    return Transform(lambda parameters: (), update)


def trace(momentum: float, dampening: float = 0.0, nesterov: bool = False) -> Transform:
    """b = momentum·b + (1 - dampening)·g, as in PyTorch b = g at the first step; gives b, or g + momentum·b (Nesterov).

    Sutskever et al. 2013, in the form of PyTorch. Raises ArgumentError for Nesterov with dampening.
    """
    mu, damp = in_range("momentum", momentum), in_range("dampening", dampening)
    if nesterov and damp:
        raise ArgumentError("trace: nesterov needs dampening=0")

    def rule(g: Node, *state: Node) -> Nodes:
        b = mu * state[-1] + (1 - damp) * g
        if damp:
            b = where(state[0] == 1, g, b)
        return (g + mu * b if nesterov else b), b

    return per_parameter(rule, {"trace": 0}, counted=damp > 0)


def scale_by_rss(initial_accumulator_value: float = 0.0, eps: float = 1e-10) -> Transform:
    """g / (√(Σ g²) + ε), over all steps so far: AdaGrad (Duchi, Hazan & Singer 2011)."""
    start, eps = in_range("initial_accumulator_value", initial_accumulator_value), in_range("eps", eps)

    def rule(g: Node, total: Node) -> Nodes:
        total = total + square(g)
        return g / (sqrt(total) + eps), total

    return per_parameter(rule, {"sum": start})


def scale_by_adadelta(rho: float = 0.9, eps: float = 1e-6) -> Transform:
    """v = ρv + (1-ρ)g², u = g·√(d + ε)/√(v + ε), d = ρd + (1-ρ)u² (Zeiler 2012)."""
    rho, eps = in_range("rho", rho, below=1), in_range("eps", eps)

    def rule(g: Node, v: Node, d: Node) -> Nodes:
        v = _average(rho, v, square(g))
        u = g * (sqrt(d + eps) / sqrt(v + eps))
        return u, v, _average(rho, d, square(u))

    return per_parameter(rule, {"v": 0, "d": 0})


def scale_by_rms(alpha: float = 0.99, eps: float = 1e-8, centered: bool = False) -> Transform:
    """v = αv + (1-α)g², g / (√v + ε): RMSprop (Hinton 2012). ``centered``: less the mean of g, squared."""
    alpha, eps = in_range("alpha", alpha), in_range("eps", eps)

    def rule(g: Node, v: Node, *mean: Node) -> Nodes:
        v = _average(alpha, v, square(g))
        new_mean = tuple(_average(alpha, m, g) for m in mean)
        variance = maximum(v - square(new_mean[0]), 0) if centered else v  # below 0 by rounding only
        return g / (sqrt(variance) + eps), v, *new_mean

    return per_parameter(rule, {"v": 0, "mean": 0} if centered else {"v": 0})


def scale_by_adam(betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, amsgrad: bool = False) -> Transform:
    """m = β₁m + (1-β₁)g, v = β₂v + (1-β₂)g², m / (1-β₁ᵗ) / (√(v / (1-β₂ᵗ)) + ε): Adam (Kingma & Ba 2015).

    With c = √(1-β₂ᵗ) that is c / (1-β₁ᵗ)·m / (√v + cε), which divides once less (section 2 there). ``amsgrad``: the
    largest v so far instead of v (Reddi, Kale & Kumar 2018).
    """
    (beta1, beta2), eps = _betas(betas), in_range("eps", eps)

    def rule(g: Node, t: Node, m: Node, v: Node, *largest: Node) -> Nodes:
        m, v = _means(g, m, v, beta1, beta2)
        largest = tuple(maximum(old, v) for old in largest)
        c = sqrt(1 - beta2**t)
        spread = sqrt(largest[0] if amsgrad else v) + _scalar(c * eps, g)
        return _scalar(c / (1 - beta1**t), g) * m / spread, m, v, *largest

    return per_parameter(rule, {"m": 0, "v": 0, "v_max": 0} if amsgrad else {"m": 0, "v": 0}, counted=True)


def scale_by_nadam(
    betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, momentum_decay: float = 4e-3
) -> Transform:
    """Adam with Nesterov's momentum: μₜ = β₁(1 - ½·0.96^(t·ψ)), and g counts by 1-μₜ, m by μₜ₊₁ (Dozat 2016).

    ψ is ``momentum_decay``. The product of all μ so far is part of the state.
    """
    (beta1, beta2), eps = _betas(betas), in_range("eps", eps)
    psi = in_range("momentum_decay", momentum_decay)

    def init(parameters: Nodes) -> State:
        pairs = tuple((Slot(f"m_{p.name}", p), Slot(f"v_{p.name}", p)) for p in parameters)
        return STEP, Slot("mu_product", "float64", 1.0), pairs

    def update(gradients: Nodes, state: State, parameters: Nodes) -> tuple[Nodes, State]:
        step, product, pairs = state
        t = step + 1
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (k * psi)) for k in (t, t + 1))
        product = product * mu
        of_gradient, of_mean = (1 - mu) / (1 - product), mu_next / (1 - product * mu_next)
        updates, means = [], []
        for g, (m, v) in zip(gradients, pairs, strict=True):
            m, v = _means(g, m, v, beta1, beta2)
            spread = sqrt(v / _scalar(1 - beta2**t, g)) + eps
            updates.append((_scalar(of_gradient, g) * g + _scalar(of_mean, g) * m) / spread)
            means.append((m, v))
        return tuple(updates), (t, product, tuple(means))

    return Transform(init, update)


def scale_by_adamax(betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8) -> Transform:
    """m = β₁m + (1-β₁)g, u = max(β₂u, |g| + ε), m / (1-β₁ᵗ) / u (Kingma & Ba 2015, section 7.1)."""
    (beta1, beta2), eps = _betas(betas), in_range("eps", eps)

    def rule(g: Node, t: Node, m: Node, u: Node) -> Nodes:
        m = _average(beta1, m, g)
        u = maximum(beta2 * u, absolute(g) + eps)
        return m / _scalar(1 - beta1**t, g) / u, m, u

    return per_parameter(rule, {"m": 0, "u": 0}, counted=True)


def scale_by_sign() -> Transform:
    """sign(g), 0 at 0: signSGD (Bernstein et al. 2018)."""
    return stateless(lambda g, p: sign(g))


def scale_by_lion(b1: float = 0.9, b2: float = 0.99) -> Transform:
    """sign(b₁m + (1-b₁)g), then m = b₂m + (1-b₂)g: Lion (Chen et al. 2023, algorithm 2)."""
    (b1, b2) = _betas((b1, b2))

    def rule(g: Node, m: Node) -> Nodes:
        return sign(_average(b1, m, g)), _average(b2, m, g)

    return per_parameter(rule, {"m": 0})


def accumulate(optimizer: Transform, steps: int) -> Transform:
    """The optimizer at every ``steps``-th call, with the mean of the gradients since; between, parameters stay.

    One large batch in parts: the state of the optimizer, its number of the step among it, changes only then.
    """
    check_transform("accumulate", optimizer)
    k = as_int(steps, "accumulate: steps")
    if k < 1:
        raise ArgumentError(f"accumulate: steps must be at least 1, not {k}")

    def init(parameters: Nodes) -> State:
        own: dict[Slot, Slot] = {}  # its count of steps is not that of transforms around it
        inner = mapped(lambda slot: own.setdefault(slot, replace(slot)), optimizer.init(parameters))
        sums = tuple(Slot(f"accumulated_{p.name}", p) for p in parameters)
        return Slot("micro_step", "int64"), sums, inner

    def update(gradients: Nodes, state: State, parameters: Nodes) -> tuple[Nodes, State]:
        position, sums, inner = state
        is_last = position == k - 1
        totals = tuple(s + g for s, g in zip(sums, gradients, strict=True))
        updates, new_inner = optimizer.update(tuple(s / k for s in totals), inner, parameters)
        updates = tuple(where(is_last, u, 0) for u in updates)
        new_inner = mapped(lambda new, old: where(is_last, new, old), new_inner, inner)
        return updates, (where(is_last, 0, position + 1), tuple(where(is_last, 0, s) for s in totals), new_inner)

    rate = optimizer.rate
    by_call = isinstance(rate, Node) or not callable(rate)
    return Transform(init, update, rate if by_call else lambda call: rate(call // k))


def ema(decay: float = 0.999) -> Transform:
    """Keeps the exponential moving average of the weights, e = decay·e + (1 - decay)·p, as ``ema_<parameter>``.

    The last of a chain: it passes the updates on, and averages the parameters after them. e starts as p.
    """
    decay = in_range("decay", decay, below=1)

    def init(parameters: Nodes) -> State:
        return tuple(Slot(f"ema_{p.name}", p, None) for p in parameters)

    def update(gradients: Nodes, state: State, parameters: Nodes) -> tuple[Nodes, State]:
        triples = zip(state, parameters, gradients, strict=True)
        return gradients, tuple(_average(decay, e, p + u) for e, p, u in triples)

    return Transform(init, update)


def _means(g: Node, m: Node, v: Node, beta1: float, beta2: float) -> tuple[Node, Node]:
    """The moving averages of g and g²."""
    return _average(beta1, m, g), _average(beta2, v, square(g))


def _average(weight: float, old: Node, new: Node) -> Node:
    """weight·old + (1 - weight)·new, where 1 - 0.9 is 0.1, not 0.09999999999999998."""
    return weight * old + float(1 - Decimal(repr(weight))) * new


def _betas(betas: Any) -> tuple[float, float]:
    try:
        first, second = betas
    except (TypeError, ValueError):
        raise ArgumentError(f"betas must be two numbers, not {betas!r}") from None
    return in_range("the first beta", first, below=1), in_range("the second beta", second, below=1)
