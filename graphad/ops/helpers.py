"""Plain NumPy functions that generated code may call: their source is printed into the generated module as it stands.

So they import nothing but numpy, carry no annotations of graphad's, and say in one line what they do.
"""

# mypy: disable-error-code="no-untyped-def"

import numpy as np


def sigmoid(x):
    """1 / (1 + exp(-x)) without overflow."""
    decay = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, decay) / (1 + decay)


def place(values, index, shape):
    """Zeros of the given shape with the values at the index."""
    out = np.zeros(shape, values.dtype)
    out[index] = values
    return out


def scatter_add(values, index, shape):
    """Zeros of the given shape with the values added at the index, as often as a position occurs in it."""
    out = np.zeros(shape, values.dtype)
    np.add.at(out, index, values)
    return out


def put(x, values, index):
    """A copy of x with the values at the index."""
    out = x.copy()
    out[index] = values
    return out
