"""Drawing: a graph becomes a view (what is shown), the view becomes DOT, Graphviz lays it out.

Read `notation.py` and `view.py`, then `style.py` and `dot.py`; `save.py` has what users call.
"""
