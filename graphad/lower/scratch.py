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
    "solve_triangular": 100,
    "expm": 900,
    "pinv": 300,
    "cofactor": 400,
    "cofactor_tangent": 1200,
    "qr": 113,
    "eig": 200,
}
CONVOLUTIONS = ("conv", "conv_input_adjoint", "conv_filter_adjoint")
NOMINAL = 4096  # what a named size counts as where a tile bounds what it takes anyway
TILE = 2 << 20  # bytes of what the taps of a convolution meet at a time


def scratch_of(node: Node, elements: Size | None = None) -> Size:
    """The bytes of a node's temporaries; for a piece of it those of so many ``elements`` of the first operand."""
    if node.op.name in CONVOLUTIONS:
        return _of_convolution(node)
    if node.op.name not in PARTS or not isinstance(node.inputs[0].type, TensorType):
        return 0
    x = node.inputs[0]
    size = product(x.shape) if elements is None else elements
    return PARTS[node.op.name] * x.dtype.itemsize * size // 100


def _of_convolution(node: Node) -> int:
    """What the taps of the kernel meet and the product with it, for one tile of the batch: see `conv_helpers.py`."""
    first, second = node.inputs[:2]
    if node.op.name == "conv":
        x, y, filters = first, node, second.shape
    elif node.op.name == "conv_input_adjoint":
        x, y, filters = node, first, second.shape
    else:
        x, y, filters = first, second, node.shape
    taps, positions = count(product(filters[2:])), count(product(x.shape[2:]))
    sides = (count(x.shape[1]), count(y.shape[1]))
    row = node.dtype.itemsize * positions * taps * min(sides)
    images = min(count(x.shape[0]), max(1, TILE // max(row, 1)))
    return images * (row + node.dtype.itemsize * positions * max(sides))


def count(size: Size) -> int:
    """A size as a number, where only its order of magnitude matters."""
    return size if isinstance(size, int) else evaluate(size, dict.fromkeys(names(size), NOMINAL))
