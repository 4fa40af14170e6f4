"""Rewriting: passes from graph to graph. Read `base.py`, then `rewrite.py`, then `presets.py` for the order."""
