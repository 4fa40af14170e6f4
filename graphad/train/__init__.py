"""Training: `graphad.train`, what finds good parameters for a model and data."""

from graphad.train.checkpoint import Checkpoint as Checkpoint
from graphad.train.checkpoint import load_parameters as load_parameters
from graphad.train.checkpoint import save_parameters as save_parameters
from graphad.train.early import EarlyStopping as EarlyStopping
from graphad.train.fit import fit as fit
from graphad.train.history import History as History
from graphad.train.least_squares import least_squares as least_squares
from graphad.train.metrics import accuracy as accuracy
from graphad.train.metrics import confusion_matrix as confusion_matrix
from graphad.train.metrics import r2_score as r2_score
from graphad.train.plots import Histograms as Histograms
from graphad.train.plots import activation_histograms as activation_histograms
from graphad.train.result import Fit as Fit
from graphad.train.second_order import Minimized as Minimized
from graphad.train.second_order import minimize as minimize
