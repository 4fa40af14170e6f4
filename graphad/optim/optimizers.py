"""The named optimizers: chains of transforms, with the arguments and defaults of `torch.optim` (`lion`: of optax).

``lr`` is a number, a scalar node or a schedule (see `scale_by_learning_rate`), ``weight_decay`` an L2 penalty unless it
is said to be decoupled; ``maximize`` climbs instead of descending. All raise ArgumentError for a number out of range.
"""

from graphad.errors import ArgumentError
from graphad.ir.core import Node
from graphad.optim.base import Transform, chain
from graphad.optim.transforms import (
    Rate,
    add_decayed_weights,
    in_range,
    scale,
    scale_by_adadelta,
    scale_by_adam,
    scale_by_adamax,
    scale_by_learning_rate,
    scale_by_lion,
    scale_by_nadam,
    scale_by_rms,
    scale_by_rss,
    trace,
)

Betas = tuple[float, float]


def _descent(
    rules: list[Transform], lr: Rate, weight_decay: float, maximize: bool = False, decoupled: bool = False
) -> Transform:
    """The frame that all share: climb or descend, the penalty, the rules, decoupled decay, the learning rate."""
    decay = [add_decayed_weights(weight_decay)] if weight_decay != 0 else []
    climb = [scale(-1.0)] if maximize else []
    parts = [*rules, *decay] if decoupled else [*decay, *rules]
    return chain(*climb, *parts, scale_by_learning_rate(lr))


def sgd(
    lr: Rate = 1e-3,
    momentum: float = 0,
    dampening: float = 0,
    weight_decay: float = 0,
    nesterov: bool = False,
    *,
    maximize: bool = False,
) -> Transform:
    """Stochastic gradient descent: p - lr·g, with momentum as in `trace`. Nesterov needs momentum and no dampening."""
    if nesterov and momentum == 0:
        raise ArgumentError("sgd: nesterov needs momentum")
    rules = [trace(momentum, dampening, nesterov)] if momentum != 0 else []
    return _descent(rules, lr, weight_decay, maximize)


def momentum(lr: Rate = 1e-3, momentum: float = 0.9, weight_decay: float = 0, *, maximize: bool = False) -> Transform:
    """Gradient descent with momentum (Polyak 1964): `sgd` with 0.9."""
    return sgd(lr, momentum, weight_decay=weight_decay, maximize=maximize)


def nesterov(lr: Rate = 1e-3, momentum: float = 0.9, weight_decay: float = 0, *, maximize: bool = False) -> Transform:
    """Gradient descent with Nesterov's momentum (Sutskever et al. 2013): `sgd` with 0.9 and ``nesterov=True``."""
    return sgd(lr, momentum, weight_decay=weight_decay, nesterov=True, maximize=maximize)


def adagrad(
    lr: Rate = 1e-2,
    lr_decay: float = 0,
    weight_decay: float = 0,
    initial_accumulator_value: float = 0,
    eps: float = 1e-10,
    *,
    maximize: bool = False,
) -> Transform:
    """AdaGrad (Duchi, Hazan & Singer 2011), see `scale_by_rss`; the rate is lr / (1 + (t - 1)·lr_decay) at step t."""
    decay = in_range("lr_decay", lr_decay)
    base = lr if isinstance(lr, Node) or callable(lr) else in_range("lr", lr)

    def decayed(step: Node) -> Node:
        rate = base if isinstance(base, Node) or not callable(base) else base(step)
        return rate / (1 + decay * step)

    rules = [scale_by_rss(initial_accumulator_value, eps)]
    return _descent(rules, decayed if decay else lr, weight_decay, maximize)


def adadelta(
    lr: Rate = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0, *, maximize: bool = False
) -> Transform:
    """AdaDelta (Zeiler 2012), see `scale_by_adadelta`."""
    return _descent([scale_by_adadelta(rho, eps)], lr, weight_decay, maximize)


def rmsprop(
    lr: Rate = 1e-2,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0,
    momentum: float = 0,
    centered: bool = False,
    *,
    maximize: bool = False,
) -> Transform:
    """RMSprop (Hinton 2012), see `scale_by_rms`; momentum follows the scaling."""
    rules = [scale_by_rms(alpha, eps, centered), *([trace(momentum)] if momentum != 0 else [])]
    return _descent(rules, lr, weight_decay, maximize)


def adam(
    lr: Rate = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0,
    amsgrad: bool = False,
    *,
    maximize: bool = False,
    decoupled_weight_decay: bool = False,
) -> Transform:
    """Adam (Kingma & Ba 2015), see `scale_by_adam`."""
    return _descent([scale_by_adam(betas, eps, amsgrad)], lr, weight_decay, maximize, decoupled_weight_decay)


def adamw(
    lr: Rate = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 1e-2,
    amsgrad: bool = False,
    *,
    maximize: bool = False,
) -> Transform:
    """Adam with decoupled weight decay, p shrinks by lr·weight_decay·p (Loshchilov & Hutter 2019)."""
    return adam(lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True)


def amsgrad(
    lr: Rate = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0,
    *,
    maximize: bool = False,
) -> Transform:
    """AMSGrad (Reddi, Kale & Kumar 2018): `adam` with ``amsgrad=True``."""
    return adam(lr, betas, eps, weight_decay, amsgrad=True, maximize=maximize)


def adamax(
    lr: Rate = 2e-3, betas: Betas = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0, *, maximize: bool = False
) -> Transform:
    """Adamax (Kingma & Ba 2015, section 7.1), see `scale_by_adamax`."""
    return _descent([scale_by_adamax(betas, eps)], lr, weight_decay, maximize)


def nadam(
    lr: Rate = 2e-3,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0,
    momentum_decay: float = 4e-3,
    decoupled_weight_decay: bool = False,
    *,
    maximize: bool = False,
) -> Transform:
    """Nadam (Dozat 2016), see `scale_by_nadam`."""
    rules = [scale_by_nadam(betas, eps, momentum_decay)]
    return _descent(rules, lr, weight_decay, maximize, decoupled_weight_decay)


def lion(lr: Rate, b1: float = 0.9, b2: float = 0.99, weight_decay: float = 1e-3) -> Transform:
    """Lion (Chen et al. 2023), see `scale_by_lion`; the weight decay is decoupled. Arguments as in optax."""
    return _descent([scale_by_lion(b1, b2)], lr, weight_decay, decoupled=True)
