"""What the structure of a node says about its values (first version; to be extended)."""

import numpy as np

from graphad.ir.core import Node
from graphad.ops.fit import uniform_value


def is_nonzero(node: Node) -> bool:
    """Whether no element can be 0."""
    known = uniform_value(node)
    return known is not None and bool(np.all(known != 0))
