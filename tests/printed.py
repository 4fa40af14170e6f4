"""Printed equations, worked out by `read_latex` on sampled inputs, beside the values of their nodes."""

import numpy as np
from read_latex import UnreadableError, evaluate

from graphad.ir.types import TupleType
from graphad.passes.samples import quiet
from graphad.symbolic.index import Index

MOST = 60  # elements that are worked out of an equation for elements
STACKS = {"matmul", "solve", "eigvalsh", "svdvals"}  # which give a stack of vectors: columns


def symbol_table(lines, style, value):
    """LaTeX of each symbol -> its value; with @ for indices where a style writes elements."""
    table = {}
    for node, symbol in lines.symbol.items():
        if isinstance(node.type, TupleType):
            continue
        table[symbol.tex(bold=node.ndim > 0)] = value(node)
        if style != "matrix" and node.ndim:
            table[symbol.tex(indices=["@"])] = value(node)
    return table


def printed_value(equation, lines, style, table, sizes):
    """The value of the right side, in the shape of the node; of one element where the equation is for one."""
    node, text = equation.node, equation.right
    actual = np.shape(table[lines.symbol[node].tex(bold=node.ndim > 0)])
    with quiet():
        if style == "matrix":
            found = np.asarray(evaluate(text, table, "matrix", sizes))
            columns = [actual, (*actual, 1)] if len(actual) != 2 or node.op.name in STACKS else [actual]
            if node.op.name == "where" and not found.ndim:
                return np.full(actual, found)  # a number that is chosen for all elements
            if found.shape not in columns and not (found.size == 1 and np.prod(actual) == 1):
                raise UnreadableError(f"shape {found.shape}, not {actual}")
            return found.reshape(actual)
        if equation.element is not None:
            return evaluate(text, table, "index", sizes)
        letters = [a.printed().text for a in Index(lines, style == "scalar").axes(node)]
        known = table[lines.symbol[node].tex(bold=node.ndim > 0)]  # stays where nothing is worked out
        found = np.array(known, complex if node.dtype.kind == "c" else float)
        for at in _elements(actual):
            found[at] = evaluate(text, table, "index", sizes, **dict(zip(letters, [k + 1 for k in at], strict=True)))
        return found


def _elements(shape):
    """All positions of a small array, some of a large one."""
    every = list(np.ndindex(shape))
    return every if len(every) <= MOST else [every[k] for k in np.random.default_rng(0).permutation(len(every))[:MOST]]


def agrees(equation, lines, style, value, sizes):
    """Whether a printed equation gives the value of its node."""
    node = equation.node
    table = symbol_table(lines, style, value)
    found = printed_value(equation, lines, style, table, sizes)
    right = np.asarray(value(node))
    right = right[equation.element] if equation.element is not None else right
    loose = right.dtype in (np.float32, np.complex64, np.float16)
    return bool(np.allclose(found, right, rtol=1e-4 if loose else 1e-7, atol=1e-4 if loose else 1e-9, equal_nan=True))
