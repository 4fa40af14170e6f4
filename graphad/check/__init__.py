"""Checks of derivative rules: each node of a graph against differences, at the values that it has there.

Read `differences.py` (slopes of a function by differences), then `piece.py` (one node as a function of its own),
`compare.py` (what is compared), `gradients.py` (what users call) and `report.py` (what they see).
"""
