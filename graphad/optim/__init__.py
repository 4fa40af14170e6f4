"""Optimization: `graphad.optim`. What is written here in nodes goes into the graph of a training step."""

from graphad.optim import schedules as schedules
