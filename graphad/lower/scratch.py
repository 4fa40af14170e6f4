"""What an op's NumPy form allocates besides its result, and lets go of before it returns.

Measured once and written down as parts of the first operand's bytes; ops that are not listed allocate nothing.
"""

from math import prod

from graphad.ir.core import Node
from graphad.ir.dims import Dim, Size, evaluate, names, product
from graphad.ir.types import Shape, TensorType

PARTS = {  # of the bytes of the first operand
    "sigmoid": 1.0,
    "softplus": 2.0,
    "sinc": 2.0,
    "sine_quotient": 8.1,
    "nan_to_num": 0.6,
    "tril": 0.1,
    "triu": 0.1,
    "logsumexp": 2.0,
    "softmax": 1.0,
    "softmax_and_log": 1.0,
    "balance": 0.1,
    "log_softmax": 1.1,
    "log_cosh": 3.1,
    "log1mexp": 2.1,
    "log_erfc": 2.1,
    "sech_squared": 2.0,
    "softsign": 1.0,
    "isru": 1.0,
    "logit": 2.1,
    "xlogy": 1.0,
    "xlog1py": 1.0,
    "entr": 1.1,
    "rel_entr": 6.4,
    "kl_div": 6.4,
    "gamma_density": 9.1,
    "beta_density": 15.1,
    "euclidean_norm": 1.0,
    "solve_triangular": 1.0,
    "expm": 9.0,
    "pinv": 3.0,
    "cofactor": 4.0,
    "cofactor_tangent": 12.0,
    "qr": 1.1,
    "eig": 2.0,
}
NOMINAL = 4096  # what a named size counts as where only the order of magnitude matters
TILE = 2 << 20  # bytes of the temporaries of convolutions


def scratch_of(node: Node) -> Size:
    """The bytes of a node's temporaries, rounded to whole bytes of each element."""
    name = node.op.name
    if name in ("conv", "conv_input_adjoint", "conv_filter_adjoint"):
        return _of_convolution(node)
    if name not in PARTS or not isinstance(node.inputs[0].type, TensorType):
        return 0
    x = node.inputs[0]
    return int(PARTS[name] * x.dtype.itemsize) * product(x.shape)


def _of_convolution(node: Node) -> Size:
    """What the taps of the kernel meet and the product with it, for one tile: see `conv_helpers.py`."""
    first, second = node.inputs[:2]
    filters = node.attrs["kernel"] if node.op.name == "conv_filter_adjoint" else second.shape[2:]
    groups = node.attrs["groups"]
    weights = first.shape[1] if node.op.name == "conv_filter_adjoint" else second.shape[1]
    taps = _number(product(filters)) * _number(weights)
    x, y = (first, node) if node.op.name == "conv" else (node, first)
    if node.op.name == "conv_filter_adjoint":
        x, y = first, second
    image = y.dtype.itemsize * _number(product(y.shape[2:]))
    gathered = image * taps * groups
    produced = image * _number(y.shape[1] if node.op.name == "conv" else x.shape[1])
    images = _images(x.shape[0], gathered)
    return images * (gathered + produced)


def _images(batch: Size, row: int) -> int:
    return min(_number(batch), max(1, TILE // max(row, 1)))


def _number(size: Size) -> int:
    return size if isinstance(size, int) else evaluate(size, dict.fromkeys(names(size), NOMINAL))


def piece(shape: Shape, axis: int | None) -> Shape:
    """The shape of one row of a value that is cut along an axis."""
    return tuple(s for k, s in enumerate(shape) if k != axis)


__all__ = ["Dim", "piece", "prod", "scratch_of"]
