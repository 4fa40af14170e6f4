"""What the training steps in PyTorch share: noise, modules with given weights, one step of an optimizer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler

Tensor = torch.Tensor
Batch = dict[str, Tensor]


class Chance:
    """Noise: PyTorch's own, or, to compare losses, the numbers that NumPy's generator gives, as graphad takes them."""

    def __init__(self, rng: np.random.Generator | None = None) -> None:
        self.rng = rng

    def dropout(self, x: Tensor, p: float) -> Tensor:
        """Each element is 0 with probability p."""
        if self.rng is None:
            return functional.dropout(x, p)
        return torch.where(torch.from_numpy(self.rng.random(tuple(x.shape))) < 1 - p, x / (1 - p), 0.0)

    def normal(self, like: Tensor) -> Tensor:
        """Standard normal numbers."""
        return torch.randn_like(like) if self.rng is None else torch.from_numpy(self.rng.standard_normal(like.shape))


Step = Callable[[Batch, Chance], float]


class Start(dict[str, Any]):
    """The arrays at the start, by name, and the modules that begin with them."""

    def tensor(self, name: str) -> Tensor:
        """A parameter."""
        return torch.tensor(self[name], requires_grad=True)

    def _filled(self, module: nn.Module, **arrays: Any) -> Any:
        with torch.no_grad():
            for name, array in arrays.items():
                getattr(module, name).copy_(torch.tensor(array))
        return module

    def linear(self, name: str) -> Any:
        """PyTorch keeps the transpose of W."""
        W, b = self[f"{name}_W"], self[f"{name}_b"]
        return self._filled(nn.Linear(*W.shape, dtype=_dtype(W)), weight=W.T, bias=b)

    def joined(self, name: str, parts: str) -> Any:
        """One linear layer for several with the same input."""
        W, b = (np.concatenate([self[f"{name}_{kind}_{part}"] for part in parts], axis=-1) for kind in "Wb")
        return self._filled(nn.Linear(*W.shape, dtype=_dtype(W)), weight=W.T, bias=b)

    def conv2d(self, name: str) -> Any:
        """Filters and biases."""
        W, b = self[f"{name}_W"], self[f"{name}_b"]
        module = nn.Conv2d(W.shape[1], W.shape[0], W.shape[2:], dtype=_dtype(W))
        return self._filled(module, weight=W, bias=b)

    def embedding(self, name: str) -> Any:
        """A table."""
        W = self[f"{name}_W"]
        return self._filled(nn.Embedding(*W.shape, dtype=_dtype(W)), weight=W)

    def norm(self, name: str, kind: Any = nn.LayerNorm) -> Any:
        """Scale and shift; running statistics begin as those of the example."""
        gamma, beta = self[f"{name}_gamma"], self[f"{name}_beta"]
        return self._filled(kind(len(gamma), dtype=_dtype(gamma)), weight=gamma, bias=beta)

    def lstm(self, name: str) -> Any:
        """One bias instead of two: the second stays 0."""
        W_x, W_h, b = (self[f"{name}_{key}"] for key in ("W_x", "W_h", "b"))
        module = nn.LSTM(W_x.shape[0], W_h.shape[0], dtype=_dtype(b))
        self._filled(module, weight_ih_l0=W_x.T, weight_hh_l0=W_h.T, bias_ih_l0=b, bias_hh_l0=np.zeros_like(b))
        module.bias_hh_l0.requires_grad_(False)
        return module


def _dtype(array: Any) -> torch.dtype:
    return torch.from_numpy(array).dtype


def parameters(*modules: nn.Module) -> list[Tensor]:
    """What is learned."""
    return [p for module in modules for p in module.parameters() if p.requires_grad]


def descent(
    loss: Callable[[Batch, Chance], Tensor],
    optimizer: torch.optim.Optimizer,
    schedule: LRScheduler | None = None,
    clip: float | None = None,
    said: Callable[[Tensor], Any] = Tensor.item,
    inputs: list[Tensor] | None = None,
) -> Step:
    """zero_grad, loss, backward, perhaps clip, step, perhaps the next rate; ``inputs``: see `torch.Tensor.backward`."""
    learned = [p for group in optimizer.param_groups for p in group["params"]]

    def step(batch: Batch, chance: Chance) -> float:
        optimizer.zero_grad()
        value = loss(batch, chance)
        value.backward(inputs=inputs)
        if clip is not None:
            nn.utils.clip_grad_norm_(learned, clip)
        optimizer.step()
        if schedule is not None:
            schedule.step()
        return said(value)

    return step


def cosine(loss: Callable[[Batch, Chance], Tensor], optimizer: torch.optim.Optimizer, steps: int, **more: Any) -> Step:
    """With half a cosine wave as schedule."""
    return descent(loss, optimizer, CosineAnnealingLR(optimizer, steps), **more)
