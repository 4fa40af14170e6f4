"""Optimizers as graph nodes: `graphad.optim`, with the names, arguments and defaults of `torch.optim`.

An optimizer is a sentence made of small transforms of the gradients, ``chain(scale_by_adam(),
scale_by_learning_rate(0.01))``; `step` turns it into the state and the updates that `graphad.compile` needs, so that a
whole training step (loss, gradients, optimizer) is one NumPy function that writes parameters and state in place. Start
with `base.py`.
"""

from graphad.optim import schedules as schedules
from graphad.optim.base import STEP as STEP
from graphad.optim.base import Slot as Slot
from graphad.optim.base import Step as Step
from graphad.optim.base import Transform as Transform
from graphad.optim.base import chain as chain
from graphad.optim.base import per_parameter as per_parameter
from graphad.optim.base import step as step
from graphad.optim.constraints import max_norm as max_norm
from graphad.optim.optimizers import adadelta as adadelta
from graphad.optim.optimizers import adagrad as adagrad
from graphad.optim.optimizers import adam as adam
from graphad.optim.optimizers import adamax as adamax
from graphad.optim.optimizers import adamw as adamw
from graphad.optim.optimizers import amsgrad as amsgrad
from graphad.optim.optimizers import lion as lion
from graphad.optim.optimizers import momentum as momentum
from graphad.optim.optimizers import nadam as nadam
from graphad.optim.optimizers import nesterov as nesterov
from graphad.optim.optimizers import rmsprop as rmsprop
from graphad.optim.optimizers import sgd as sgd
from graphad.optim.transforms import accumulate as accumulate
from graphad.optim.transforms import add_decayed_weights as add_decayed_weights
from graphad.optim.transforms import clip as clip
from graphad.optim.transforms import clip_by_global_norm as clip_by_global_norm
from graphad.optim.transforms import ema as ema
from graphad.optim.transforms import scale as scale
from graphad.optim.transforms import scale_by_adadelta as scale_by_adadelta
from graphad.optim.transforms import scale_by_adam as scale_by_adam
from graphad.optim.transforms import scale_by_adamax as scale_by_adamax
from graphad.optim.transforms import scale_by_learning_rate as scale_by_learning_rate
from graphad.optim.transforms import scale_by_lion as scale_by_lion
from graphad.optim.transforms import scale_by_nadam as scale_by_nadam
from graphad.optim.transforms import scale_by_rms as scale_by_rms
from graphad.optim.transforms import scale_by_rss as scale_by_rss
from graphad.optim.transforms import scale_by_sign as scale_by_sign
from graphad.optim.transforms import trace as trace
