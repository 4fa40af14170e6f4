"""The training steps of the examples in PyTorch, eager, as one would write them there.

Each function has the name of its case, takes the arrays that the example starts with, and gives the step: a function
of a batch (tensors by the names of the example's inputs) and of `Chance`, which gives the loss.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR

from benchmarks.training.torch_parts import Batch, Chance, Start, Step, Tensor, cosine, descent, parameters


def digits_mlp(start: Start) -> Step:
    first, second, last = (start.linear(name) for name in ("linear", "linear_2", "linear_3"))

    def loss(batch: Batch, chance: Chance) -> Tensor:
        x = chance.dropout(functional.relu(first(batch["x"])), 0.3)
        x = chance.dropout(functional.relu(second(x)), 0.3)
        return functional.cross_entropy(last(x), batch["y"])

    adam = torch.optim.AdamW(parameters(first, second, last), lr=0.003, weight_decay=0.01)
    return cosine(loss, adam, 60 * 45)


def lenet(start: Start) -> Step:
    pooled = [part for name in ("conv2d", "conv2d_2") for part in (start.conv2d(name), nn.ReLU(), nn.MaxPool2d(2))]
    linear, linear_2, last = (start.linear(name) for name in ("linear", "linear_2", "linear_3"))
    model = nn.Sequential(*pooled, nn.Flatten(), linear, nn.ReLU(), linear_2, nn.ReLU(), last)
    adam = torch.optim.Adam(parameters(model), lr=0.002)
    return cosine(lambda batch, chance: functional.cross_entropy(model(batch["x"]), batch["y"]), adam, 30 * 45)


def tied_digits(start: Start) -> Step:
    W, b, c = (start.tensor(name) for name in ("encoder_W", "encoder_b", "decoder_c"))

    def loss(batch: Batch, chance: Chance) -> Tensor:
        x = batch["x"]
        return functional.mse_loss(torch.addmm(c, torch.tanh(torch.addmm(b, x, W)), W.T), x)

    return cosine(loss, torch.optim.Adam([W, b, c], lr=0.01), 100 * 44)


def tied_autoencoder(start: Start) -> Step:
    W, b = start.tensor("W"), start.tensor("b")

    def loss(batch: Batch, chance: Chance) -> Tensor:
        return functional.mse_loss(torch.tanh(torch.addmm(b, batch["x"], W)) @ W.T, batch["x"])

    return descent(loss, torch.optim.SGD([W, b], lr=2.0))


def vae(start: Start) -> Step:
    def network(name: str) -> nn.Module:
        one, two, three = (start.linear(f"{name}_{k}") for k in (1, 2, 3))
        return nn.Sequential(one, nn.SiLU(), two, nn.SiLU(), three)

    encoder, decoder = network("encoder"), network("decoder")

    def loss(batch: Batch, chance: Chance) -> Tensor:
        x = batch["x"]
        mean, log_variance = encoder(x).chunk(2, dim=1)
        point = mean + torch.exp(log_variance / 2) * chance.normal(mean)
        pixels = functional.binary_cross_entropy_with_logits(decoder(point), x, reduction="sum")
        divergence = -torch.sum(1 + log_variance - mean**2 - torch.exp(log_variance)) / 2
        return (pixels + divergence) / len(x)

    return cosine(loss, torch.optim.Adam(parameters(encoder, decoder), lr=0.003), 150 * 22)


def char_rnn(start: Start) -> Step:
    embedding, lstm, last = start.embedding("embedding"), start.lstm("lstm"), start.linear("last")

    def loss(batch: Batch, chance: Chance) -> Tensor:
        said, _ = lstm(embedding(batch["x"]))
        return functional.cross_entropy(last(said).flatten(0, 1), batch["y"].flatten()) / math.log(2)

    return cosine(loss, torch.optim.Adam(parameters(embedding, lstm, last), lr=0.01), 300, clip=5.0)


class Block(nn.Module):
    """One product for queries, keys and values; no dropout, not even with probability 0."""

    def __init__(self, start: Start, name: str, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.norm_2 = start.norm(f"{name}_norm"), start.norm(f"{name}_norm_2")
        self.into, self.out = start.joined(f"{name}_attention", "qkv"), start.joined(f"{name}_attention", "o")
        self.hidden, self.last = start.linear(f"{name}_hidden"), start.linear(f"{name}_out")

    def forward(self, x: Tensor) -> Tensor:
        batch, T, n = x.shape
        parts = self.into(self.norm(x)).view(batch, T, 3, self.heads, n // self.heads).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(*parts, is_causal=True)
        x = x + self.out(seen.transpose(1, 2).reshape(batch, T, n))
        return x + self.last(functional.relu(self.hidden(self.norm_2(x))))


def small_transformer(start: Start) -> Step:
    embedding, positions = start.embedding("embedding"), start.embedding("positions_positions")
    blocks = [Block(start, name) for name in ("block_1", "block_2")]
    norm, last = start.norm("norm"), start.linear("last")

    def loss(batch: Batch, chance: Chance) -> Tensor:
        x = batch["x"]
        y = embedding(x) + positions(torch.arange(x.shape[1]))
        for block in blocks:
            y = block(y)
        scores = last(norm(y))[:, 5:-1]
        return functional.cross_entropy(scores.flatten(0, 1), x[:, 6:].flatten())

    def rate(t: int) -> float:
        return t / 50 if t < 50 else (1 + math.cos(math.pi * min((t - 50) / 1000, 1))) / 2

    adam = torch.optim.Adam(parameters(embedding, positions, *blocks, norm, last), lr=0.003)
    return descent(loss, adam, LambdaLR(adam, rate))


char_rnn_f32 = char_rnn  # in the precision of the arrays that it is given
small_transformer_f64 = small_transformer


def physics_informed(start: Start) -> Step:
    first, second, last = (start.linear(name) for name in ("first", "second", "last"))
    network = nn.Sequential(first, nn.Tanh(), second, nn.Tanh(), last)

    def loss(batch: Batch, chance: Chance) -> Tensor:
        t = batch["t"].requires_grad_()
        u = 1 + torch.tanh(t) ** 2 * network(t[:, None])[:, 0]
        (d_u,) = torch.autograd.grad(u.sum(), t, create_graph=True)
        (d2_u,) = torch.autograd.grad(d_u.sum(), t, create_graph=True)
        return ((d2_u + 0.8 * d_u + 9.0 * u) ** 2).mean()

    adam = torch.optim.Adam(parameters(network), lr=0.01)
    return cosine(loss, adam, 1000, inputs=parameters(network))  # not with respect to t once more


def universal_approximation(start: Start) -> Step:
    W, b, V, c = (start.tensor(name) for name in "WbVc")

    def loss(batch: Batch, chance: Chance) -> Tensor:
        return functional.mse_loss(torch.addmm(c, torch.tanh(torch.addmm(b, batch["x"], W)), V), batch["y"])

    return cosine(loss, torch.optim.Adam([W, b, V, c], lr=0.05), 4000)


def _table(
    start: Start,
    activation: Callable[[Tensor], Tensor],
    loss_of: Callable[..., Tensor],
    rate: float,
    p: float = 0.0,
    penalty: float = 0.0,
) -> Step:
    """One hidden layer, perhaps dropout and a penalty on weights."""
    first, last = start.linear("linear"), start.linear("linear_2")

    def loss(batch: Batch, chance: Chance) -> Tensor:
        hidden = activation(first(batch["x"]))
        scores = last(chance.dropout(hidden, p) if p else hidden)
        value = loss_of(scores if batch["y"].dtype == torch.int64 else scores.ravel(), batch["y"])
        if penalty:
            value = value + penalty / 2 * (first.weight.square().sum() + last.weight.square().sum())
        return value

    return descent(loss, torch.optim.Adam(parameters(first, last), lr=rate))


_noisy = partial(_table, p=0.3)
tabular_wine = partial(_table, activation=functional.relu, loss_of=functional.cross_entropy, rate=0.01)
_binary = functional.binary_cross_entropy_with_logits
tabular_cancer = partial(_noisy, activation=functional.relu, loss_of=_binary, rate=0.005, penalty=0.01)
tabular_diabetes = partial(_noisy, activation=torch.tanh, loss_of=functional.mse_loss, rate=0.003, penalty=0.02)


def batch_norm_study(start: Start) -> Step:
    layers: list[nn.Module] = []
    for k in range(1, 7):
        layers += [start.linear(f"hidden_{k}"), start.norm(f"norm_{k}", nn.BatchNorm1d), nn.Sigmoid()]
    model = nn.Sequential(*layers, start.linear("last"))
    sgd = torch.optim.SGD(parameters(model), lr=0.5)
    return cosine(lambda batch, chance: functional.cross_entropy(model(batch["x"]), batch["y"]), sgd, 20 * 45)


def initialization_xor(start: Start) -> Step:
    model = nn.Sequential(start.linear("linear"), nn.Tanh(), start.linear("last"))
    adam = torch.optim.Adam(parameters(model), lr=0.05)
    return descent(lambda batch, chance: functional.cross_entropy(model(batch["x"]), batch["y"]), adam)


def optimizer_race_adam(start: Start) -> Step:
    point = start.tensor("point")

    def loss(batch: Batch, chance: Chance) -> Tensor:
        x, y = point[0], point[1]
        return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2

    adam = torch.optim.Adam([point], lr=0.1)
    return descent(loss, adam, said=lambda value: point[0].item())


def logistic_newton(start: Start) -> Step:
    w = torch.tensor(start["w"])

    def step(batch: Batch, chance: Chance) -> float:
        def loss(w: Tensor) -> Tensor:
            return _logistic(w, batch)

        gradient, value = torch.func.grad_and_value(loss)(w)
        hessian = torch.func.hessian(loss)(w)
        torch.linalg.vector_norm(gradient)
        w.sub_(torch.linalg.solve(hessian, gradient))
        return value.item()

    return step


def logistic_descent(start: Start) -> Step:
    w = start.tensor("w")

    def step(batch: Batch, chance: Chance) -> float:
        w.grad = None
        _logistic(w, batch).backward()
        with torch.no_grad():
            length = torch.linalg.vector_norm(w.grad)
            w.sub_(batch["rate"] * w.grad)
        return length.item()

    return step


def _logistic(w: Tensor, batch: Batch) -> Tensor:
    return functional.binary_cross_entropy_with_logits(batch["x"] @ w, batch["y"]) + 1e-4 / 2 * w.square().sum()
