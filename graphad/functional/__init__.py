"""Composites: functions built of ops, without derivative rules of their own.

Their gradients follow from those of their parts, and drawings show what they are made of. One file per subject:
`reductions.py`, `layout.py`, `padding.py`, `statistics.py`, `covariance.py`, `selection.py`, `products.py`,
`calculus.py`, `smooth.py`.
"""

from graphad.functional.smooth import log_softmax as log_softmax
from graphad.functional.smooth import logsumexp as logsumexp
from graphad.functional.smooth import softmax as softmax
from graphad.functional.statistics import std as std
from graphad.functional.statistics import var as var
