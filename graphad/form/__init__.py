"""The NumPy form of a single node, as text and as a value: what an op's `numpy=` template means.

Everything that prints or runs a node goes through here: constant folding, the interpreter, generated code.
"""
