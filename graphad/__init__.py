"""Graph-based symbolic differentiation, compiled to NumPy."""
