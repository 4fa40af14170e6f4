"""Write transformer_reference.json: values and gradients of PyTorch's attention and its layers (needs torch)."""

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

RNG = np.random.default_rng(0)
N, HEADS, BATCH, T, S = 4, 2, 2, 3, 2
ALIVE = [[True, True, False], [True, True, True]]  # which positions of the first sequence are not filled up
EARLIER = np.tri(T, dtype=bool).tolist()


def numbers(*shape):
    return torch.tensor(np.round(RNG.standard_normal(shape), 3), requires_grad=True)


def hidden(mask):
    """PyTorch's masks say who is left out."""
    return None if mask is None else ~torch.tensor(mask)


def attention(cross=False, mask=None, alive=None, added=False):
    layer = nn.MultiheadAttention(
        N, HEADS, batch_first=True, dtype=torch.float64, **({"kdim": 3, "vdim": 3} if cross else {})
    )
    x, memory = numbers(BATCH, T, N), numbers(BATCH, S, 3) if cross else None
    bias = numbers(BATCH * HEADS, T, T).detach() if added else None

    def forward(x, memory=None):
        source = x if memory is None else memory
        masks = {"attn_mask": bias if added else hidden(mask), "key_padding_mask": hidden(alive)}
        return layer(x, source, source, need_weights=False, **masks)[0]

    more = {"cross": cross, "mask": mask, "alive": alive, "added": None if bias is None else bias.tolist()}
    return "attention", layer, forward, [x, memory][: 1 + cross], more


def block(activation, norm_first, mask=None, alive=None):
    options = {"activation": activation, "norm_first": norm_first}
    layer = nn.TransformerEncoderLayer(N, HEADS, 5, 0.0, batch_first=True, dtype=torch.float64, **options)

    def forward(x):
        return layer(x, src_mask=hidden(mask), src_key_padding_mask=hidden(alive))

    return "block", layer, forward, [numbers(BATCH, T, N)], options | {"mask": mask, "alive": alive}


def decoder(norm_first):
    options = {"activation": "relu", "norm_first": norm_first}
    layer = nn.TransformerDecoderLayer(N, HEADS, 5, 0.0, batch_first=True, dtype=torch.float64, **options)

    def forward(x, memory):
        return layer(x, memory, tgt_mask=hidden(EARLIER))

    return "decoder", layer, forward, [numbers(BATCH, T, N), numbers(BATCH, S, N)], options


CASES = [
    attention(),
    attention(cross=True),
    attention(mask=EARLIER),
    attention(mask=EARLIER, alive=ALIVE),
    attention(alive=ALIVE),
    attention(added=True),
    block("relu", True),
    block("relu", False),
    block("gelu", True, mask=EARLIER),
    block("gelu", False, alive=ALIVE),
    decoder(True),
    decoder(False),
]


def reference(kind, layer, forward, inputs, options):
    """The loss is the sum of squares of the result."""
    for p in layer.parameters():
        p.data = numbers(*p.shape).detach()
    y = forward(*inputs)
    parameters = dict(layer.named_parameters())
    slopes = [g.tolist() for g in torch.autograd.grad((y**2).sum(), [*inputs, *parameters.values()])]
    return {
        "kind": kind,
        "options": options,
        "inputs": [x.tolist() for x in inputs],
        "parameters": {name: p.tolist() for name, p in parameters.items()},
        "y": y.tolist(),
        "d_inputs": slopes[: len(inputs)],
        "d_parameters": dict(zip(parameters, slopes[len(inputs) :], strict=True)),
    }


if __name__ == "__main__":
    path = Path(__file__).with_name("transformer_reference.json")
    text = ",\n".join(json.dumps(reference(*case)) for case in CASES)
    path.write_text(f'{{"made_with": "torch {torch.__version__}", "cases": [\n{text}\n]}}\n')
