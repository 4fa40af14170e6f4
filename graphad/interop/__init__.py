"""Bridges to other libraries, one file per neighbour."""
