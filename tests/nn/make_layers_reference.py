"""Write layers_reference.json: PyTorch's layers, values and gradients (`pip install torch`, then run this file)."""

import json
from pathlib import Path

import numpy as np
import torch

RNG = np.random.default_rng(0)
OURS = {"weight": "W", "bias": "b"}
NORMS = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "var"}
# layer, its arguments, options, shape of x; with PyTorch's arguments where they differ
CASES = [
    ("Conv1d", [3, 4, 3], {"stride": 2, "padding": 1}, (2, 3, 7)),
    ("Conv1d", [2, 4, 4], {"padding": "same", "dilation": 2, "groups": 2}, (2, 2, 9)),
    ("Conv2d", [2, 3, [3, 2]], {"stride": [1, 2], "padding": [0, 1], "dilation": [2, 1]}, (2, 2, 6, 5)),
    ("Conv2d", [4, 6, 3], {"groups": 2, "bias": False, "padding": "valid"}, (1, 4, 5, 4)),
    ("Conv2d", [1, 2, 3], {}, (1, 5, 4)),  # without a batch
    ("Conv3d", [2, 2, 2], {"padding": "same"}, (1, 2, 3, 4, 3)),
    ("ConvTranspose1d", [3, 4, 3], {"stride": 2, "padding": 1, "output_padding": 1}, (2, 3, 4)),
    ("ConvTranspose2d", [4, 2, 3], {"stride": [2, 1], "groups": 2, "dilation": [1, 2]}, (2, 4, 3, 2)),
    ("ConvTranspose2d", [2, 3, 2], {"bias": False}, (2, 3, 2)),
    ("ConvTranspose3d", [2, 3, 2], {"stride": 2}, (1, 2, 2, 2, 2)),
    ("MaxPool1d", [3], {"stride": 2, "padding": 1, "dilation": 2, "ceil_mode": True}, (2, 3, 8)),
    ("MaxPool2d", [2], {}, (2, 3, 5, 4)),
    ("MaxPool2d", [[3, 2]], {"stride": 1, "padding": [1, 0]}, (2, 5, 4)),
    ("MaxPool3d", [2], {}, (1, 2, 4, 4, 3)),
    ("AvgPool1d", [3], {"stride": 2, "padding": 1, "ceil_mode": True}, (2, 3, 8)),
    ("AvgPool2d", [[3, 2]], {"stride": 1, "padding": [1, 0], "count_include_pad": False}, (2, 1, 5, 4)),
    ("AvgPool3d", [2], {}, (1, 2, 4, 4, 3)),
    ("AdaptiveAvgPool1d", [3], {}, (2, 2, 7)),
    ("AdaptiveAvgPool2d", [[2, None]], {}, (2, 2, 5, 3)),
    ("AdaptiveAvgPool3d", [2], {}, (1, 2, 4, 3, 2)),
    ("AdaptiveMaxPool1d", [3], {}, (2, 2, 7)),
    ("AdaptiveMaxPool2d", [[2, 3]], {}, (2, 2, 5, 4)),
    ("AdaptiveMaxPool3d", [2], {}, (1, 2, 4, 3, 2)),
    ("GlobalAvgPool", [], {"keepdims": True}, (2, 3, 4, 3), "AdaptiveAvgPool2d", [1], {}),
    ("GlobalMaxPool", [], {"keepdims": True}, (2, 3, 5), "AdaptiveMaxPool1d", [1], {}),
    ("InstanceNorm", [3], {"eps": 1e-3}, (2, 3, 4), "InstanceNorm1d", [3], {"eps": 1e-3, "affine": True}),
    ("InstanceNorm", [3], {"affine": False}, (2, 3, 4, 2), "InstanceNorm2d", [3], {}),
    ("GroupNorm", [2, 4], {}, (3, 4, 5)),
    ("GroupNorm", [4, 4], {"affine": False, "eps": 0.1}, (2, 4, 3, 2)),
    ("LayerNorm", [5], {}, (2, 3, 5)),
    ("LayerNorm", [[3, 5]], {"eps": 0.01}, (2, 3, 5)),
    ("LayerNorm", [5], {"affine": False}, (4, 5), "LayerNorm", [5], {"elementwise_affine": False}),
    ("RMSNorm", [5], {}, (2, 3, 5)),
    ("RMSNorm", [[3, 5]], {"eps": 0.01}, (2, 3, 5)),
    ("RMSNorm", [5], {"affine": False}, (4, 5), "RMSNorm", [5], {"elementwise_affine": False}),
]
# BatchNorm: options, shape of x
RUNS = [
    ({}, (6, 3)),
    ({"momentum": 0.3, "eps": 0.01}, (4, 3, 5)),
    ({"affine": False}, (2, 3, 3, 2)),
    ({}, (2, 3, 2, 2, 1)),
]


def normal(*shape):
    return np.round(RNG.standard_normal(shape), 3)


def tensor(value):
    return torch.tensor(np.asarray(value), requires_grad=True)


def prepared(layer):
    """The layer in float64 with rounded random parameters, and these by our names."""
    layer = layer.double()
    names = NORMS if "Norm" in type(layer).__name__ else OURS
    with torch.no_grad():
        for value in layer.parameters():
            value.copy_(torch.tensor(normal(*value.shape)))
    return layer, {names[key]: value for key, value in layer.named_parameters()}


def used(layer, parameters, x):
    """Value and gradients of sum(g·y) for a random g."""
    x = tensor(x)
    y = layer(x)
    g = normal(*y.shape)
    slopes = torch.autograd.grad((torch.tensor(g) * y).sum(), [x, *parameters.values()])
    gradients = {key: d.tolist() for key, d in zip(["x", *parameters], slopes, strict=True)}
    return {"x": x.tolist(), "g": g.tolist(), "value": y.tolist(), "gradients": gradients}


def case(name, arguments, options, shape, other=None, other_arguments=None, other_options=None):
    """One layer used once."""
    given = (arguments, options) if other is None else (other_arguments, other_options)
    layer, parameters = prepared(getattr(torch.nn, other or name)(*given[0], **given[1]))
    start = {key: value.tolist() for key, value in parameters.items()}
    called = {"layer": name, "arguments": arguments, "options": options, "parameters": start}
    return called | used(layer, parameters, normal(*shape) * 2 + 1)


def batch_norm(options, shape):
    """Three batches in training, the running statistics after each, then one in evaluation."""
    layer, parameters = prepared(getattr(torch.nn, f"BatchNorm{max(len(shape) - 2, 1)}d")(shape[1], **options))
    start = {key: value.tolist() for key, value in parameters.items()}
    steps = []
    for k in range(4):
        layer.train(k < 3)
        step = used(layer, parameters, normal(*shape) * 2 + k)
        steps.append(step | {NORMS[key]: value.tolist() for key, value in layer.named_buffers() if key in NORMS})
    return {"options": options, "parameters": start, "steps": steps}


def main():
    """Write the file."""
    tables = {"cases": [case(*c) for c in CASES], "runs": [batch_norm(*r) for r in RUNS]}
    rows = [f'"{name}": [\n' + ",\n".join(map(json.dumps, table)) + "\n]" for name, table in tables.items()]
    text = f'{{"made_with": "torch {torch.__version__}", ' + ", ".join(rows) + "}\n"
    Path(__file__).with_name("layers_reference.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
