"""Equations: every node, graph and derivation as LaTeX, in matrices, in indices, or element by element.

Read `tex.py` (a formula and how tightly it binds), `names.py` (symbols), `matrix.py`, `index.py`, `equations.py`.
"""
