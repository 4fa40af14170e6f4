"""Rewrite rules: functions `Node -> Node | None`, in tables by the op that they look at.

A rule's docstring is its equation and its conditions. The name of its table says whether it is exact: EXACT rules give
the same bits (the sign of a zero aside), also for inf and nan; STABLE and CLOSE rules change rounding, or the value at
points where the original overflows, is nan, or loses digits. `engine.py` applies them.
"""
