"""Write recurrent_reference.json: values and gradients of PyTorch's RNN, LSTM and GRU (needs torch)."""

import json
from pathlib import Path

import numpy as np
import torch

RNG = np.random.default_rng(0)
T, BATCH, N_IN, N_HIDDEN = 4, 2, 3, 2
# kind, options of PyTorch, whether the first state is given
CASES = [
    ("RNN", {}, True),
    ("RNN", {"nonlinearity": "relu"}, False),
    ("LSTM", {}, True),
    ("LSTM", {}, False),
    ("GRU", {}, True),
    ("LSTM", {"batch_first": True}, True),
    ("RNN", {"bidirectional": True}, True),
    ("LSTM", {"bidirectional": True}, True),
    ("GRU", {"bidirectional": True}, False),
    ("LSTM", {"num_layers": 2}, True),
    ("GRU", {"num_layers": 2, "bidirectional": True}, True),
]


def numbers(*shape):
    return torch.tensor(np.round(RNG.standard_normal(shape), 3), requires_grad=True)


def reference(kind, options, given):
    """The loss is the sum of squares of what the layer says, and of the sines of its last states."""
    layer = getattr(torch.nn, kind)(N_IN, N_HIDDEN, dtype=torch.float64, **options)
    for p in layer.parameters():
        p.data = numbers(*p.shape).detach()
    x = numbers(*((BATCH, T) if options.get("batch_first") else (T, BATCH)), N_IN)
    rows = options.get("num_layers", 1) * (1 + options.get("bidirectional", False))
    first = [numbers(rows, BATCH, N_HIDDEN) for _ in range(2 if kind == "LSTM" else 1)] if given else []
    state = (tuple(first) if len(first) == 2 else first[0]) if given else None
    ys, last = layer(x, state)
    last = last if isinstance(last, tuple) else (last,)
    loss = (ys**2).sum() + sum(torch.sin(h).sum() for h in last)
    parameters = dict(layer.named_parameters())
    slopes = [g.tolist() for g in torch.autograd.grad(loss, [x, *first, *parameters.values()])]
    inner = len(first) + 1
    return {
        "kind": kind,
        "options": options,
        "x": x.tolist(),
        "first": [h.tolist() for h in first],
        "parameters": {name: p.tolist() for name, p in parameters.items()},
        "ys": ys.tolist(),
        "last": [h.tolist() for h in last],
        "d_x": slopes[0],
        "d_first": slopes[1:inner],
        "d_parameters": dict(zip(parameters, slopes[inner:], strict=True)),
    }


if __name__ == "__main__":
    path = Path(__file__).with_name("recurrent_reference.json")
    text = ",\n".join(json.dumps(reference(*case)) for case in CASES)
    path.write_text(f'{{"made_with": "torch {torch.__version__}", "cases": [\n{text}\n]}}\n')
