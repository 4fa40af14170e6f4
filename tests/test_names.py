"""The public names: every function that is promised exists, in its namespace, is documented, and answers to NumPy."""

import inspect
from operator import attrgetter

import numpy as np
import pytest
from scipy import special

import graphad as ga
from graphad.ir.core import Op

NAMES = {
    "": """
        abs positive negative reciprocal sqrt cbrt square exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos
        arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh sinc hypot power float_power mod fmod remainder
        floor_divide maximum minimum fmax fmin clip sign copysign heaviside floor ceil round trunc rint logaddexp
        logaddexp2 deg2rad rad2deg nan_to_num where select real imag conj isnan isinf isfinite equal not_equal less
        less_equal greater greater_equal logical_and logical_or logical_xor logical_not bitwise_and bitwise_or
        bitwise_xor invert left_shift right_shift add subtract multiply divide matmul
        check_grads acos acosh asin asinh atan atan2 atanh concat permute_dims pow bitwise_invert bitwise_left_shift
        bitwise_right_shift astype matrix_transpose vecdot unstack cumulative_sum cumulative_prod take_along_axis
        sum prod max min mean var std ptp median quantile percentile average nansum all any argmax argmin count_nonzero
        cumsum cumprod logsumexp trapezoid
        reshape ravel transpose swapaxes moveaxis squeeze expand_dims broadcast_to broadcast_arrays atleast_1d
        atleast_2d atleast_3d concatenate append stack vstack hstack dstack column_stack block split array_split tile
        repeat flip fliplr flipud roll rot90 pad meshgrid tril triu diag diagonal trace diff gradient
        take choose compress sort argsort partition top_k searchsorted
        dot vdot inner outer tensordot einsum kron cross convolve correlate polyval vander interp cov corrcoef
        asarray arange linspace zeros ones full eye zeros_like ones_like full_like empty empty_like tri isdtype
        result_type finfo iinfo pi e inf nan newaxis float32 float64 int64 bool_ complex64 complex128""",
    "linalg": """
        solve solve_triangular inv pinv det slogdet cholesky qr eigh eigvalsh eig eigvals svd svdvals lstsq expm
        matrix_power norm trace cond multi_dot matrix_norm vector_norm matrix_transpose outer cross vecdot""",
    "special": """
        erf erfc erfinv erfcx expit logit log_expit softmax log_softmax logsumexp gamma gammaln digamma polygamma
        gammainc gammaincc beta betaln betainc multigammaln xlogy xlog1py entr rel_entr kl_div ndtr ndtri log_ndtr i0
        i0e i1 i1e j0 j1 zeta""",
    "fft": "fft ifft rfft irfft fft2 ifft2 fftn ifftn fftshift ifftshift rfft2 irfft2 rfftn irfftn fftfreq rfftfreq",
    "nn": """
        relu leaky_relu elu selu gelu silu softplus softsign hardtanh mish heaviside_step conv1d conv2d conv3d
        conv_transpose1d conv_transpose2d conv_transpose3d max_pool1d max_pool2d avg_pool1d avg_pool2d
        adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool1d adaptive_max_pool2d global_avg_pool global_max_pool
        embedding one_hot dropout batch_norm layer_norm instance_norm group_norm rms_norm
        scaled_dot_product_attention
        mse_loss half_squared_error l1_loss huber_loss smooth_l1_loss binary_cross_entropy
        binary_cross_entropy_with_logits cross_entropy nll_loss kl_div hinge_loss cosine_embedding_loss
        cosine_similarity triplet_margin_loss ctc_loss linear threshold l1 l2 elastic_net
        Layer declare parameters buffers initial training Linear Bilinear Embedding Flatten Sequential Residual Lambda
        Dropout DropConnect GaussianNoise Zoneout Shakeout Whiteout
        Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d MaxPool1d MaxPool2d MaxPool3d AvgPool1d
        AvgPool2d AvgPool3d AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d
        AdaptiveMaxPool3d GlobalAvgPool GlobalMaxPool BatchNorm LayerNorm InstanceNorm GroupNorm RMSNorm
        RNN LSTM GRU Recurrent Bidirectional RecurrentStack MultiHeadAttention PositionalEncoding LearnedPositions
        TransformerBlock""",
    "optim": """
        sgd momentum nesterov adagrad adadelta rmsprop adam adamw adamax nadam amsgrad lion chain step per_parameter
        scale scale_by_learning_rate scale_by_rss scale_by_adadelta scale_by_rms scale_by_adam scale_by_nadam
        scale_by_adamax scale_by_sign scale_by_lion trace clip clip_by_global_norm add_decayed_weights accumulate
        ema max_norm""",
    "train": """
        fit Fit EarlyStopping Checkpoint History Histograms accuracy confusion_matrix r2_score activation_histograms
        save_parameters load_parameters minimize Minimized least_squares GraphClassifier GraphRegressor standardization
        pca_whitening zca_whitening ZCA""",
    "train.augment": "compose flip random_crop shift rotate brightness contrast",
}
PAIRS = [(space, name) for space, names in NAMES.items() for name in names.split()]


def look_up(space, name):
    return attrgetter(f"{space}.{name}" if space else name)(ga)


@pytest.mark.parametrize(("space", "name"), PAIRS)
def test_exists_and_is_documented(space, name):
    value = look_up(space, name)
    if callable(value) and not isinstance(value, type):
        doc = value.doc if isinstance(value, Op) else inspect.getdoc(value)
        assert doc and doc.split("\n")[0].endswith((".", ")", ":")), doc


def numpys(space, name):
    return getattr(getattr(np, space) if space else np, name, None)


# NumPy's functions of arrays that look for another implementation in their arguments, as those on nodes need.
DISPATCHED = [p for p in PAIRS if p[0] in ("", "linalg", "fft") and hasattr(numpys(*p), "__wrapped__")]
MAKERS = {"zeros", "ones", "full", "eye", "empty", "tri", "isdtype", "fftfreq", "rfftfreq"}


def test_most_names_are_functions_of_numpy():
    assert len(DISPATCHED) > 120


@pytest.mark.parametrize(("space", "name"), [p for p in DISPATCHED if p[1] not in MAKERS])
def test_parameters_have_numpys_names_and_order(space, name):
    """Positional arguments mean the same; what NumPy offers beside (out, order, subok) may be missing."""
    mine = look_up(space, name)
    theirs = list(inspect.signature(numpys(space, name)).parameters)
    names = list((mine.signature if isinstance(mine, Op) else inspect.signature(mine)).parameters)
    known = [p for p in theirs if p in names[1:]]
    assert known == [p for p in names if p in known], f"{names} for {theirs}"


@pytest.mark.parametrize("name", ["erf", "gammaln", "digamma", "expit", "xlogy", "i0", "ndtri"])
def test_scipys_ufuncs_take_nodes(name):
    x = ga.input("x", (3,))
    ufunc = getattr(special, name)
    values = np.array([0.2, 0.5, 0.7])
    got = ga.compile([x], ufunc(*[x] * ufunc.nin))(values)
    np.testing.assert_allclose(got, ufunc(*[values] * ufunc.nin), rtol=1e-13)
