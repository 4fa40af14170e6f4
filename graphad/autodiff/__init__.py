"""Differentiation: a pass that builds gradient graphs out of ordinary nodes.

`rules.py` applies one op's derivative fact, `reverse.py` and `forward.py` walk a graph with it, `transforms.py` has the
functions users call.
"""
