"""Lowering: a graph becomes a program, the program becomes NumPy source, the source becomes a function or a module.

Read in this order: `program.py` (what a program is), `select.py` (nodes to expressions), `inline.py`, `names.py`,
`emit.py`, `compile.py`, `export.py`; `interpret.py` is the oracle that all of it is tested against; `blame.py` and
`notes.py` lead from a bad value or a failure back to the user's line.
"""
