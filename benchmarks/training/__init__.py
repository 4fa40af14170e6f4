"""The training steps of the examples beside the same steps in PyTorch."""
