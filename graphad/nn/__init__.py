"""Neural networks: `graphad.nn`, functions with the names, arguments and layout (NCHW) of `torch.nn.functional`.

All are composites: graphs of ordinary nodes, differentiable to any order. Parameters are inputs like any others.
`init` gives their initial values. Layers are dataclasses that hold parameters (layers/base.py) and call the functions.
"""

from graphad.nn import init as init
from graphad.nn.activations import celu as celu
from graphad.nn.activations import elu as elu
from graphad.nn.activations import gelu as gelu
from graphad.nn.activations import glu as glu
from graphad.nn.activations import hardsigmoid as hardsigmoid
from graphad.nn.activations import hardswish as hardswish
from graphad.nn.activations import hardtanh as hardtanh
from graphad.nn.activations import heaviside_step as heaviside_step
from graphad.nn.activations import leaky_relu as leaky_relu
from graphad.nn.activations import log_softmax as log_softmax
from graphad.nn.activations import mish as mish
from graphad.nn.activations import prelu as prelu
from graphad.nn.activations import relu as relu
from graphad.nn.activations import relu6 as relu6
from graphad.nn.activations import selu as selu
from graphad.nn.activations import sigmoid as sigmoid
from graphad.nn.activations import silu as silu
from graphad.nn.activations import softmax as softmax
from graphad.nn.activations import softplus as softplus
from graphad.nn.activations import softsign as softsign
from graphad.nn.activations import tanh as tanh
from graphad.nn.adaptive_pooling import adaptive_avg_pool1d as adaptive_avg_pool1d
from graphad.nn.adaptive_pooling import adaptive_avg_pool2d as adaptive_avg_pool2d
from graphad.nn.adaptive_pooling import adaptive_avg_pool3d as adaptive_avg_pool3d
from graphad.nn.adaptive_pooling import adaptive_max_pool1d as adaptive_max_pool1d
from graphad.nn.adaptive_pooling import adaptive_max_pool2d as adaptive_max_pool2d
from graphad.nn.adaptive_pooling import adaptive_max_pool3d as adaptive_max_pool3d
from graphad.nn.adaptive_pooling import global_avg_pool as global_avg_pool
from graphad.nn.adaptive_pooling import global_max_pool as global_max_pool
from graphad.nn.attention import dropout as dropout
from graphad.nn.attention import embedding as embedding
from graphad.nn.attention import one_hot as one_hot
from graphad.nn.attention import scaled_dot_product_attention as scaled_dot_product_attention
from graphad.nn.convolution import conv1d as conv1d
from graphad.nn.convolution import conv2d as conv2d
from graphad.nn.convolution import conv3d as conv3d
from graphad.nn.convolution import conv_transpose1d as conv_transpose1d
from graphad.nn.convolution import conv_transpose2d as conv_transpose2d
from graphad.nn.convolution import conv_transpose3d as conv_transpose3d
from graphad.nn.ctc import ctc_loss as ctc_loss
from graphad.nn.entropies import binary_cross_entropy as binary_cross_entropy
from graphad.nn.entropies import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from graphad.nn.entropies import cross_entropy as cross_entropy
from graphad.nn.entropies import kl_div as kl_div
from graphad.nn.entropies import nll_loss as nll_loss
from graphad.nn.layers.base import Layer as Layer
from graphad.nn.layers.base import buffers as buffers
from graphad.nn.layers.base import declare as declare
from graphad.nn.layers.base import initial as initial
from graphad.nn.layers.base import parameters as parameters
from graphad.nn.layers.base import training as training
from graphad.nn.layers.convolution import Conv1d as Conv1d
from graphad.nn.layers.convolution import Conv2d as Conv2d
from graphad.nn.layers.convolution import Conv3d as Conv3d
from graphad.nn.layers.convolution import ConvTranspose1d as ConvTranspose1d
from graphad.nn.layers.convolution import ConvTranspose2d as ConvTranspose2d
from graphad.nn.layers.convolution import ConvTranspose3d as ConvTranspose3d
from graphad.nn.layers.linear import Bilinear as Bilinear
from graphad.nn.layers.linear import Embedding as Embedding
from graphad.nn.layers.linear import Flatten as Flatten
from graphad.nn.layers.linear import Lambda as Lambda
from graphad.nn.layers.linear import Linear as Linear
from graphad.nn.layers.linear import Residual as Residual
from graphad.nn.layers.linear import Sequential as Sequential
from graphad.nn.layers.normalization import BatchNorm as BatchNorm
from graphad.nn.layers.normalization import GroupNorm as GroupNorm
from graphad.nn.layers.normalization import InstanceNorm as InstanceNorm
from graphad.nn.layers.normalization import LayerNorm as LayerNorm
from graphad.nn.layers.normalization import RMSNorm as RMSNorm
from graphad.nn.layers.pooling import AdaptiveAvgPool1d as AdaptiveAvgPool1d
from graphad.nn.layers.pooling import AdaptiveAvgPool2d as AdaptiveAvgPool2d
from graphad.nn.layers.pooling import AdaptiveAvgPool3d as AdaptiveAvgPool3d
from graphad.nn.layers.pooling import AdaptiveMaxPool1d as AdaptiveMaxPool1d
from graphad.nn.layers.pooling import AdaptiveMaxPool2d as AdaptiveMaxPool2d
from graphad.nn.layers.pooling import AdaptiveMaxPool3d as AdaptiveMaxPool3d
from graphad.nn.layers.pooling import AvgPool1d as AvgPool1d
from graphad.nn.layers.pooling import AvgPool2d as AvgPool2d
from graphad.nn.layers.pooling import AvgPool3d as AvgPool3d
from graphad.nn.layers.pooling import GlobalAvgPool as GlobalAvgPool
from graphad.nn.layers.pooling import GlobalMaxPool as GlobalMaxPool
from graphad.nn.layers.pooling import MaxPool1d as MaxPool1d
from graphad.nn.layers.pooling import MaxPool2d as MaxPool2d
from graphad.nn.layers.pooling import MaxPool3d as MaxPool3d
from graphad.nn.layers.recurrent import GRU as GRU
from graphad.nn.layers.recurrent import LSTM as LSTM
from graphad.nn.layers.recurrent import RNN as RNN
from graphad.nn.layers.recurrent import Recurrent as Recurrent
from graphad.nn.layers.stacks import Bidirectional as Bidirectional
from graphad.nn.layers.stacks import RecurrentStack as RecurrentStack
from graphad.nn.layers.transformer import LearnedPositions as LearnedPositions
from graphad.nn.layers.transformer import MultiHeadAttention as MultiHeadAttention
from graphad.nn.layers.transformer import PositionalEncoding as PositionalEncoding
from graphad.nn.layers.transformer import TransformerBlock as TransformerBlock
from graphad.nn.losses import cosine_embedding_loss as cosine_embedding_loss
from graphad.nn.losses import cosine_similarity as cosine_similarity
from graphad.nn.losses import half_squared_error as half_squared_error
from graphad.nn.losses import hinge_loss as hinge_loss
from graphad.nn.losses import huber_loss as huber_loss
from graphad.nn.losses import l1_loss as l1_loss
from graphad.nn.losses import mse_loss as mse_loss
from graphad.nn.losses import smooth_l1_loss as smooth_l1_loss
from graphad.nn.losses import triplet_margin_loss as triplet_margin_loss
from graphad.nn.normalization import batch_norm as batch_norm
from graphad.nn.normalization import batch_norm_statistics as batch_norm_statistics
from graphad.nn.normalization import group_norm as group_norm
from graphad.nn.normalization import instance_norm as instance_norm
from graphad.nn.normalization import layer_norm as layer_norm
from graphad.nn.normalization import rms_norm as rms_norm
from graphad.nn.pooling import avg_pool1d as avg_pool1d
from graphad.nn.pooling import avg_pool2d as avg_pool2d
from graphad.nn.pooling import avg_pool3d as avg_pool3d
from graphad.nn.pooling import max_pool1d as max_pool1d
from graphad.nn.pooling import max_pool2d as max_pool2d
from graphad.nn.pooling import max_pool3d as max_pool3d
from graphad.special import log_expit

logsigmoid = log_sigmoid = log_expit
swish, heaviside = silu, heaviside_step
global_avg_pool1d = global_avg_pool2d = global_avg_pool
global_max_pool1d = global_max_pool2d = global_max_pool
