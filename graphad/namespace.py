"""Every function under its public name: NumPy's and the array API's names, and the few that NumPy lacks."""

from graphad.functional.calculus import diff as diff
from graphad.functional.calculus import gradient as gradient
from graphad.functional.calculus import trapezoid as trapezoid
from graphad.functional.covariance import corrcoef as corrcoef
from graphad.functional.covariance import cov as cov
from graphad.functional.creation import allclose as allclose
from graphad.functional.creation import array_equal as array_equal
from graphad.functional.creation import asarray as asarray
from graphad.functional.creation import copy as copy
from graphad.functional.creation import empty as empty
from graphad.functional.creation import empty_like as empty_like
from graphad.functional.creation import geomspace as geomspace
from graphad.functional.creation import identity as identity
from graphad.functional.creation import isclose as isclose
from graphad.functional.creation import iscomplexobj as iscomplexobj
from graphad.functional.creation import isrealobj as isrealobj
from graphad.functional.creation import linspace as linspace
from graphad.functional.creation import logspace as logspace
from graphad.functional.creation import ndim as ndim
from graphad.functional.creation import result_type as result_type
from graphad.functional.creation import shape as shape
from graphad.functional.creation import tri as tri
from graphad.functional.elementary import angle as angle
from graphad.functional.elementary import fabs as fabs
from graphad.functional.elementary import positive as positive
from graphad.functional.elementary import sign as sign
from graphad.functional.layout import append as append
from graphad.functional.layout import array_split as array_split
from graphad.functional.layout import atleast_1d as atleast_1d
from graphad.functional.layout import atleast_2d as atleast_2d
from graphad.functional.layout import atleast_3d as atleast_3d
from graphad.functional.layout import block as block
from graphad.functional.layout import broadcast_arrays as broadcast_arrays
from graphad.functional.layout import broadcast_shapes as broadcast_shapes
from graphad.functional.layout import column_stack as column_stack
from graphad.functional.layout import concatenate as concatenate
from graphad.functional.layout import diag as diag
from graphad.functional.layout import diagflat as diagflat
from graphad.functional.layout import dsplit as dsplit
from graphad.functional.layout import dstack as dstack
from graphad.functional.layout import fliplr as fliplr
from graphad.functional.layout import flipud as flipud
from graphad.functional.layout import hsplit as hsplit
from graphad.functional.layout import hstack as hstack
from graphad.functional.layout import meshgrid as meshgrid
from graphad.functional.layout import ravel as ravel
from graphad.functional.layout import repeat as repeat
from graphad.functional.layout import reshape as reshape
from graphad.functional.layout import roll as roll
from graphad.functional.layout import rollaxis as rollaxis
from graphad.functional.layout import rot90 as rot90
from graphad.functional.layout import stack as stack
from graphad.functional.layout import tile as tile
from graphad.functional.layout import trace as trace
from graphad.functional.layout import unstack as unstack
from graphad.functional.layout import vsplit as vsplit
from graphad.functional.layout import vstack as vstack
from graphad.functional.loops import scan as scan
from graphad.functional.norms import matrix_norm as matrix_norm
from graphad.functional.norms import norm as norm
from graphad.functional.norms import vector_norm as vector_norm
from graphad.functional.padding import pad as pad
from graphad.functional.products import correlate as correlate
from graphad.functional.products import cross as cross
from graphad.functional.products import kron as kron
from graphad.functional.products import matvec as matvec
from graphad.functional.products import multi_dot as multi_dot
from graphad.functional.products import polyval as polyval
from graphad.functional.products import vander as vander
from graphad.functional.products import vdot as vdot
from graphad.functional.products import vecdot as vecdot
from graphad.functional.products import vecmat as vecmat
from graphad.functional.reductions import all as all
from graphad.functional.reductions import any as any
from graphad.functional.reductions import count_nonzero as count_nonzero
from graphad.functional.reductions import cumprod as cumprod
from graphad.functional.reductions import cumsum as cumsum
from graphad.functional.reductions import cumulative_prod as cumulative_prod
from graphad.functional.reductions import cumulative_sum as cumulative_sum
from graphad.functional.reductions import max as max
from graphad.functional.reductions import mean as mean
from graphad.functional.reductions import min as min
from graphad.functional.reductions import nanmax as nanmax
from graphad.functional.reductions import nanmean as nanmean
from graphad.functional.reductions import nanmin as nanmin
from graphad.functional.reductions import nanprod as nanprod
from graphad.functional.reductions import nansum as nansum
from graphad.functional.reductions import prod as prod
from graphad.functional.reductions import sum as sum
from graphad.functional.selection import argpartition as argpartition
from graphad.functional.selection import argsort as argsort
from graphad.functional.selection import choose as choose
from graphad.functional.selection import compress as compress
from graphad.functional.selection import extract as extract
from graphad.functional.selection import interp as interp
from graphad.functional.selection import partition as partition
from graphad.functional.selection import put_along_axis as put_along_axis
from graphad.functional.selection import sort as sort
from graphad.functional.selection import take as take
from graphad.functional.selection import take_along_axis as take_along_axis
from graphad.functional.selection import top_k as top_k
from graphad.functional.smooth import log_softmax as log_softmax
from graphad.functional.smooth import logsumexp as logsumexp
from graphad.functional.smooth import softmax as softmax
from graphad.functional.statistics import average as average
from graphad.functional.statistics import median as median
from graphad.functional.statistics import nanstd as nanstd
from graphad.functional.statistics import nanvar as nanvar
from graphad.functional.statistics import percentile as percentile
from graphad.functional.statistics import ptp as ptp
from graphad.functional.statistics import quantile as quantile
from graphad.functional.statistics import std as std
from graphad.functional.statistics import var as var
from graphad.ops.casts import astype as astype
from graphad.ops.casts import conj as conj
from graphad.ops.casts import imag as imag
from graphad.ops.casts import real as real
from graphad.ops.contract import dot as dot
from graphad.ops.contract import einsum as einsum
from graphad.ops.contract import inner as inner
from graphad.ops.contract import matmul as matmul
from graphad.ops.contract import outer as outer
from graphad.ops.contract import tensordot as tensordot
from graphad.ops.convolve import convolve as convolve
from graphad.ops.diagonals import diagonal as diagonal
from graphad.ops.diagonals import tril as tril
from graphad.ops.diagonals import triu as triu
from graphad.ops.elementwise import add as add
from graphad.ops.elementwise import arctan as arctan
from graphad.ops.elementwise import cos as cos
from graphad.ops.elementwise import cosh as cosh
from graphad.ops.elementwise import divide as divide
from graphad.ops.elementwise import exp as exp
from graphad.ops.elementwise import expm1 as expm1
from graphad.ops.elementwise import floor as floor
from graphad.ops.elementwise import floor_divide as floor_divide
from graphad.ops.elementwise import log as log
from graphad.ops.elementwise import log1p as log1p
from graphad.ops.elementwise import multiply as multiply
from graphad.ops.elementwise import negative as negative
from graphad.ops.elementwise import power as power
from graphad.ops.elementwise import remainder as remainder
from graphad.ops.elementwise import sigmoid as sigmoid
from graphad.ops.elementwise import sin as sin
from graphad.ops.elementwise import sinh as sinh
from graphad.ops.elementwise import softplus as softplus
from graphad.ops.elementwise import sqrt as sqrt
from graphad.ops.elementwise import square as square
from graphad.ops.elementwise import subtract as subtract
from graphad.ops.elementwise import sum_n as sum_n
from graphad.ops.elementwise import tan as tan
from graphad.ops.elementwise import tanh as tanh
from graphad.ops.fit import broadcast_to as broadcast_to
from graphad.ops.fit import expand_dims as expand_dims
from graphad.ops.fit import full as full
from graphad.ops.fit import full_like as full_like
from graphad.ops.fit import ones as ones
from graphad.ops.fit import ones_like as ones_like
from graphad.ops.fit import squeeze as squeeze
from graphad.ops.fit import zeros as zeros
from graphad.ops.fit import zeros_like as zeros_like
from graphad.ops.index import flip as flip
from graphad.ops.index import one_hot as one_hot
from graphad.ops.index import split as split
from graphad.ops.kinks import absolute as absolute
from graphad.ops.kinks import clip as clip
from graphad.ops.kinks import fmax as fmax
from graphad.ops.kinks import fmin as fmin
from graphad.ops.kinks import maximum as maximum
from graphad.ops.kinks import minimum as minimum
from graphad.ops.kinks import relu as relu
from graphad.ops.layout import matrix_transpose as matrix_transpose
from graphad.ops.layout import moveaxis as moveaxis
from graphad.ops.layout import swapaxes as swapaxes
from graphad.ops.layout import transpose as transpose
from graphad.ops.leaves import arange as arange
from graphad.ops.leaves import eye as eye
from graphad.ops.piecewise import equal as equal
from graphad.ops.piecewise import greater as greater
from graphad.ops.piecewise import greater_equal as greater_equal
from graphad.ops.piecewise import isfinite as isfinite
from graphad.ops.piecewise import isnan as isnan
from graphad.ops.piecewise import less as less
from graphad.ops.piecewise import less_equal as less_equal
from graphad.ops.piecewise import logical_and as logical_and
from graphad.ops.piecewise import logical_not as logical_not
from graphad.ops.piecewise import logical_or as logical_or
from graphad.ops.piecewise import logical_xor as logical_xor
from graphad.ops.piecewise import not_equal as not_equal
from graphad.ops.piecewise import where as where
from graphad.ops.powers import cbrt as cbrt
from graphad.ops.powers import exp2 as exp2
from graphad.ops.powers import float_power as float_power
from graphad.ops.powers import hypot as hypot
from graphad.ops.powers import log2 as log2
from graphad.ops.powers import log10 as log10
from graphad.ops.powers import logaddexp as logaddexp
from graphad.ops.powers import logaddexp2 as logaddexp2
from graphad.ops.powers import reciprocal as reciprocal
from graphad.ops.reduce import argmax as argmax
from graphad.ops.reduce import argmin as argmin
from graphad.ops.sort import searchsorted as searchsorted
from graphad.ops.steps import bitwise_and as bitwise_and
from graphad.ops.steps import bitwise_or as bitwise_or
from graphad.ops.steps import bitwise_xor as bitwise_xor
from graphad.ops.steps import ceil as ceil
from graphad.ops.steps import copysign as copysign
from graphad.ops.steps import divmod as divmod
from graphad.ops.steps import fmod as fmod
from graphad.ops.steps import heaviside as heaviside
from graphad.ops.steps import invert as invert
from graphad.ops.steps import isinf as isinf
from graphad.ops.steps import isneginf as isneginf
from graphad.ops.steps import isposinf as isposinf
from graphad.ops.steps import left_shift as left_shift
from graphad.ops.steps import modf as modf
from graphad.ops.steps import nan_to_num as nan_to_num
from graphad.ops.steps import right_shift as right_shift
from graphad.ops.steps import rint as rint
from graphad.ops.steps import round as round
from graphad.ops.steps import select as select
from graphad.ops.steps import signbit as signbit
from graphad.ops.steps import trunc as trunc
from graphad.ops.trigonometry import arccos as arccos
from graphad.ops.trigonometry import arccosh as arccosh
from graphad.ops.trigonometry import arcsin as arcsin
from graphad.ops.trigonometry import arcsinh as arcsinh
from graphad.ops.trigonometry import arctan2 as arctan2
from graphad.ops.trigonometry import arctanh as arctanh
from graphad.ops.trigonometry import deg2rad as deg2rad
from graphad.ops.trigonometry import rad2deg as rad2deg
from graphad.ops.trigonometry import sinc as sinc

# The array API's names, and NumPy's second ones, for the same functions.
abs = absolute
acos = arccos
acosh = arccosh
amax = max
amin = min
around = round
array = asarray
asin = arcsin
asinh = arcsinh
atan = arctan
atan2 = arctan2
atanh = arctanh
bitwise_invert = invert
bitwise_left_shift = left_shift
bitwise_not = invert
bitwise_right_shift = right_shift
concat = concatenate
conjugate = conj
degrees = rad2deg
fix = trunc
mod = remainder
permute_dims = transpose
pow = power
radians = deg2rad
row_stack = vstack
true_divide = divide
