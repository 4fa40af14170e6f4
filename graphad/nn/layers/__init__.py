"""Layers: parameters and static numbers as data, nodes when called; start with base.py."""
