"""Write losses_reference.json: values and gradients of PyTorch's losses (`pip install torch`, then run this file)."""

import json
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

RNG = np.random.default_rng(0)


def normal(*shape):
    return np.round(RNG.standard_normal(shape), 3).tolist()


def uniform(*shape):
    return np.round(0.05 + 0.9 * RNG.random(shape), 3).tolist()


def integers(high, *shape, low=0):
    return RNG.integers(low, high, shape).tolist()


SIGNS = [1, -1, -1, 1]
PROBABILITIES = [[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.1, 0.1, 0.8], [0.0, 0.6, 0.4]]
LABELS = [2, 0, 1, 2]
CLASSES = [0.5, 2.0, 1.25]
FRAMES = {"input_lengths": [6, 5, 6, 3], "target_lengths": [3, 2, 0, 3]}  # the last row: a repeat, too few frames
# name, floats with gradients, other arrays, options
CASES = [
    ("mse_loss", [normal(4, 3), normal(4, 3)], [], {}),
    ("mse_loss", [normal(4, 3), normal(4, 3)], [], {"weight": uniform(4, 3)}),
    ("l1_loss", [normal(4, 3), normal(4, 3)], [], {}),
    ("l1_loss", [normal(4, 3), normal(4, 3)], [], {"weight": uniform(4, 3)}),
    ("huber_loss", [normal(4, 3), normal(4, 3)], [], {"delta": 0.7}),
    ("huber_loss", [normal(4, 3), normal(4, 3)], [], {"delta": 0.7, "weight": uniform(4, 3)}),
    ("smooth_l1_loss", [normal(4, 3), normal(4, 3)], [], {"beta": 0.7}),
    ("binary_cross_entropy", [uniform(4, 3)], [uniform(4, 3)], {}),
    ("binary_cross_entropy", [uniform(4, 3)], [uniform(4, 3)], {"weight": uniform(4, 3)}),
    ("binary_cross_entropy_with_logits", [normal(4, 3), uniform(4, 3)], [], {}),
    (
        "binary_cross_entropy_with_logits",
        [normal(4, 3)],
        [uniform(4, 3)],
        {"weight": uniform(4, 1), "pos_weight": uniform(3)},
    ),
    ("cross_entropy", [normal(4, 3)], [LABELS], {}),
    ("cross_entropy", [normal(4, 3)], [LABELS], {"weight": CLASSES, "label_smoothing": 0.2}),
    ("cross_entropy", [normal(4, 3)], [LABELS], {"weight": CLASSES, "ignore_index": 2}),
    ("cross_entropy", [normal(4, 3)], [LABELS], {"label_smoothing": 0.2, "ignore_index": 0}),
    ("cross_entropy", [normal(4, 3), PROBABILITIES], [], {}),
    ("cross_entropy", [normal(4, 3), PROBABILITIES], [], {"weight": CLASSES, "label_smoothing": 0.1}),
    ("cross_entropy", [normal(2, 3, 4)], [integers(3, 2, 4)], {"weight": CLASSES}),
    ("cross_entropy", [normal(3)], [1], {}),
    ("nll_loss", [normal(4, 3)], [LABELS], {"weight": CLASSES}),
    ("nll_loss", [normal(2, 3, 4)], [integers(3, 2, 4)], {}),
    ("kl_div", [normal(4, 3), uniform(4, 3)], [], {}),
    ("kl_div", [normal(4, 3), normal(4, 3)], [], {"log_target": True}),
    ("cosine_embedding_loss", [normal(4, 3), normal(4, 3)], [SIGNS], {"margin": 0.1}),
    ("triplet_margin_loss", [normal(4, 3), normal(4, 3), normal(4, 3)], [], {}),
    ("triplet_margin_loss", [normal(4, 3), normal(4, 3), normal(4, 3)], [], {"swap": True, "p": 3.0, "margin": 2.0}),
    ("ctc_loss", [normal(6, 4, 4)], [[[1, 2, 2], [3, 1, 0], [1, 1, 1], [2, 2, 1]]], FRAMES | {"zero_infinity": True}),
    (
        "ctc_loss",
        [normal(5, 2, 4)],
        [[[1, 3], [3, 0]]],
        {"input_lengths": [5, 4], "target_lengths": [2, 1], "blank": 2},
    ),
]


def tensor(value):
    return torch.tensor(value, dtype=torch.float64 if np.asarray(value).dtype.kind == "f" else torch.int64)


def reference(name, floats, others, options):
    """Value and gradients for each reduction; those of "none" are of the sum of squares."""
    results = {}
    arrays = {k: tensor(v) if isinstance(v, list) else v for k, v in options.items()}
    for reduction in ("mean", "sum", "none"):
        inputs = [tensor(v).requires_grad_() for v in floats]
        x = [functional.log_softmax(inputs[0], -1)] if name == "ctc_loss" else inputs
        out = getattr(functional, name)(*x, *map(tensor, others), reduction=reduction, **arrays)
        gradients = torch.autograd.grad((out**2).sum() if reduction == "none" else out, inputs)
        results[reduction] = {"value": out.tolist(), "gradients": [g.tolist() for g in gradients]}
    return {"name": name, "floats": floats, "others": others, "options": options, "results": results}


if __name__ == "__main__":
    path = Path(__file__).with_name("losses_reference.json")
    cases = [json.dumps(reference(*case)) for case in CASES]
    text = ",\n".join(cases)
    path.write_text(f'{{"made_with": "torch {torch.__version__}", "cases": [\n{text}\n]}}\n')
