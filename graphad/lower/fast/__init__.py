"""The fast style: the same program with fused tile loops, buffers that are used again, and results written in place."""
