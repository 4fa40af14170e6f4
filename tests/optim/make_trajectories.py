"""Writes trajectories.json: 100 steps of PyTorch's optimizers in float64 on one small problem.

Run it with Python that has PyTorch (the numbers kept are those of 2.13): ``python tests/optim/make_trajectories.py``.
PyTorch has no Lion: that one is computed here in plain NumPy, after algorithm 2 of Chen et al. 2023, with the defaults
of optax. The problem and the table of cases are read by test_optimizers.py, too, which needs no PyTorch.
Steps small enough for a trajectory to settle: one that circles a minimum multiplies rounding errors.
"""

import json
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("trajectories.json")
STEPS, KEPT = 100, (0, 1, 2, 9, 49, 99)  # how many, and after which the parameters are kept

# name in the file: (PyTorch's class, its arguments, graphad.optim's function, its arguments if they differ)
CASES = {
    "sgd": ("SGD", {"lr": 0.1}, "sgd", None),
    "sgd defaults": ("SGD", {}, "sgd", None),
    "sgd maximize": ("SGD", {"lr": 1e-3, "maximize": True, "weight_decay": 0.1}, "sgd", None),
    "sgd dampening": ("SGD", {"lr": 0.05, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.01}, "sgd", None),
    "momentum": ("SGD", {"lr": 0.05, "momentum": 0.9}, "momentum", {"lr": 0.05}),
    "nesterov": (
        "SGD",
        {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        "nesterov",
        {"lr": 0.05, "weight_decay": 0.01},
    ),
    "adagrad": ("Adagrad", {}, "adagrad", None),
    "adagrad all": (
        "Adagrad",
        {"lr": 0.2, "lr_decay": 0.03, "weight_decay": 0.02, "initial_accumulator_value": 0.1, "eps": 1e-4},
        "adagrad",
        None,
    ),
    "adadelta": ("Adadelta", {}, "adadelta", None),
    "adadelta all": ("Adadelta", {"lr": 0.7, "rho": 0.8, "eps": 1e-4, "weight_decay": 0.02}, "adadelta", None),
    "rmsprop": ("RMSprop", {}, "rmsprop", None),
    "rmsprop all": (
        "RMSprop",
        {"lr": 0.01, "alpha": 0.9, "eps": 1e-2, "weight_decay": 0.02, "momentum": 0.3, "centered": True},
        "rmsprop",
        None,
    ),
    "adam": ("Adam", {}, "adam", None),
    "adam all": ("Adam", {"lr": 0.05, "betas": [0.8, 0.95], "eps": 1e-3, "weight_decay": 0.1}, "adam", None),
    "adam maximize": ("Adam", {"maximize": True}, "adam", None),
    "adamw": ("AdamW", {}, "adamw", None),
    "adamw all": (
        "AdamW",
        {"lr": 0.05, "betas": [0.8, 0.95], "eps": 1e-3, "weight_decay": 0.3, "amsgrad": True},
        "adamw",
        None,
    ),
    "amsgrad": ("Adam", {"lr": 0.1, "betas": [0.5, 0.6], "amsgrad": True}, "amsgrad", {"lr": 0.1, "betas": [0.5, 0.6]}),
    "adamax": ("Adamax", {}, "adamax", None),
    "adamax all": ("Adamax", {"lr": 0.05, "betas": [0.8, 0.9], "eps": 1e-2, "weight_decay": 0.1}, "adamax", None),
    "nadam": ("NAdam", {}, "nadam", None),
    "nadam all": (
        "NAdam",
        {"lr": 0.01, "betas": [0.8, 0.95], "eps": 1e-2, "weight_decay": 0.1, "momentum_decay": 0.02},
        "nadam",
        None,
    ),
    "nadam decoupled": ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}, "nadam", None),
    "lion": ("", {"lr": 1e-3}, "lion", None),
    "lion all": ("", {"lr": 0.01, "b1": 0.8, "b2": 0.95, "weight_decay": 0.1}, "lion", None),
}


def problem():
    """Points, targets, and where W (3, 2) and b (2,) start: fixed numbers, none of them random."""
    k = np.arange(24.0).reshape(8, 3)
    points, targets = np.sin(1.7 * k + 0.3), np.cos(np.arange(16.0)).reshape(8, 2)
    return points, targets, np.cos(np.arange(6.0) + 0.5).reshape(3, 2), np.array([0.3, -0.2])


def with_torch(kind, arguments):
    import torch

    torch.set_default_dtype(torch.float64)  # Nadam keeps a scalar of the default dtype
    points, targets, W, b = map(torch.tensor, problem())
    parameters = [W.requires_grad_(), b.requires_grad_()]
    optimizer = getattr(torch.optim, kind)(parameters, **arguments)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = ((torch.tanh(points @ W + b) - targets) ** 2).mean() + 0.1 * (W**4).sum()
        loss.backward()
        optimizer.step()
        yield [p.detach().numpy().copy() for p in parameters]


def with_numpy(lr, b1=0.9, b2=0.99, weight_decay=1e-3):
    points, targets, W, b = problem()
    m_W, m_b = np.zeros_like(W), np.zeros_like(b)
    for _ in range(STEPS):
        h = np.tanh(points @ W + b)
        d_z = 2 * (h - targets) / h.size * (1 - h**2)
        for p, m, g in ((W, m_W, points.T @ d_z + 0.4 * W**3), (b, m_b, d_z.sum(axis=0))):
            p -= lr * (np.sign((1 - b1) * g + b1 * m) + weight_decay * p)
            m[...] = (1 - b2) * g + b2 * m
        yield [W.copy(), b.copy()]


def main():
    rows = {}
    for name, (kind, arguments, _, _) in CASES.items():
        steps = list(with_torch(kind, arguments) if kind else with_numpy(**arguments))
        rows[name] = {str(k): [p.ravel().tolist() for p in steps[k]] for k in KEPT}
    lines = [f" {json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items()]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
