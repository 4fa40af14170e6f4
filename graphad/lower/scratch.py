"""What an op's NumPy form allocates besides its result, and lets go of before it returns.

Measured once and written down as parts of the first operand's bytes; ops that are not listed allocate next to nothing.
"""

from graphad.ir.core import Node
from graphad.ir.dims import Size, evaluate, names, product
from graphad.ir.types import TensorType

PARTS = {  # in percent of the bytes of the first operand
    "sigmoid": 100,
    "softplus": 200,
    "sinc": 200,
    "sine_quotient": 812,
    "nan_to_num": 62,
    "tril": 13,
    "triu": 13,
    "logsumexp": 200,
    "softmax": 100,
    "softmax_and_log": 100,
    "balance": 13,
    "log_softmax": 113,
    "log_cosh": 313,
    "log1mexp": 213,
    "log_erfc": 213,
    "sech_squared": 200,
    "softsign": 100,
    "isru": 100,
    "logit": 213,
    "xlogy": 100,
    "xlog1py": 100,
    "entr": 113,
    "rel_entr": 638,
    "kl_div": 638,
    "gamma_density": 913,
    "beta_density": 1513,
    "euclidean_norm": 100,
    "solve_triangular": 110,  # of the right side
    "window_max": 50,
    "window_sum": 50,
    "window_spread": 200,
    "max_share": 156,
    "scatter_add": 102,
    "max_mean": 140,
    "expm": 900,
    "pinv": 300,
    "cofactor": 400,
    "cofactor_tangent": 1200,
    "qr": 113,
    "eig": 200,
}
CONVOLUTIONS = ("conv", "conv_input_adjoint", "conv_filter_adjoint")
NOMINAL = 4096  # what a named size counts as where a tile bounds what it takes anyway
TILE = 1 << 20  # bytes of what the taps of a convolution meet at a time, if several images do
SHARED = 1 << 20  # bytes of the input that `max_share` looks at at a time


def scratch_of(node: Node, elements: Size | None = None) -> Size:
    """The bytes of a node's temporaries; for a piece of it those of so many ``elements`` of the first operand."""
    if node.op.name in CONVOLUTIONS:
        return _of_convolution(node)
    if node.op.name not in PARTS or not isinstance(node.inputs[0].type, TensorType):
        return 0
    x = node.inputs[node.op.name in ("solve_triangular", "max_share")]
    size = product(x.shape) if elements is None else elements
    if node.op.name == "max_share":
        size = min(count(size), SHARED // x.dtype.itemsize)
    return PARTS[node.op.name] * x.dtype.itemsize * size // 100


def _of_convolution(node: Node) -> int:
    """What the taps of the kernel meet, the products with it and frames of zeros, for a tile: see `conv_helpers.py`."""
    first, second = node.inputs[:2]
    name, byte = node.op.name, node.dtype.itemsize
    x, y, kernel = {
        "conv": (first, node, second.shape[2:]),
        "conv_input_adjoint": (node, first, second.shape[2:]),
        "conv_filter_adjoint": (first, second, node.shape[2:]),
    }[name]
    batch, ins, outs = count(x.shape[0]), count(x.shape[1]), count(y.shape[1])
    taps, width = count(product(kernel[1:])), count(product(y.shape[3:]))
    rows, image, result = count(x.shape[2]), count(product(x.shape[2:])), count(product(y.shape[2:]))
    frame = 0
    if name == "conv_input_adjoint" and ins >= outs:  # the convolution of a frame
        frame, ins, outs = byte * batch * outs * image, outs, ins
    elif name == "conv_input_adjoint":
        each = ins * taps * (rows * width + result) + outs * result
        return _tile(byte * each, 3 * byte * ins * taps * result, batch)
    if name != "conv_filter_adjoint" and ins * taps < max(10, outs):  # all taps are gathered
        all_taps = ins * taps * count(kernel[0]) * result
        return frame + _tile(byte * (ins * taps * rows * width + all_taps), byte * all_taps, batch)
    filters = outs * ins * taps if name == "conv_filter_adjoint" else outs * result
    return frame + _tile(byte * (ins * taps * rows * width + filters), byte * ins * taps * result, batch)


def _tile(whole: int, each: int, batch: int) -> int:
    """Of the bytes ``whole`` for an image those of a tile, whose images count as ``each``, or parts of one do."""
    if each > 4 * TILE:
        return whole * TILE // each
    return whole * min(batch, max(1, TILE // max(each, 1)))


def count(size: Size) -> int:
    """A size as a number, where only its order of magnitude matters."""
    return size if isinstance(size, int) else evaluate(size, dict.fromkeys(names(size), NOMINAL))
