"""graphad and JAX agree: values and gradients to third order, over every kind of operator (`make oracle`).

A row is an expression in ``xp`` and x, y, z, and their shapes, after the highest order where that is not the third.
Every gradient is contracted with fixed random weights before it is differentiated again. JAX is a heavy installation,
so continuous integration leaves this out.
"""

import numpy as np
import pytest
from jax_oracle import compare, inputs_of, jnp, with_graphad, with_jax

import graphad as ga

P, M, S = (2, 3), (3, 3), (4,)  # a small matrix, a square one, a vector
POSITIVE = "(x * x + 0.4)"
UNIT = "(0.9 * xp.sin(x))"
SHARE = "(0.5 + 0.45 * xp.sin(x))"
SPD = "(x @ x.T + 2 * np.eye(3))"

ELEMENTWISE = """
    abs negative square exp exp2 expm1 sin cos sinh cosh tanh arcsinh arctan sinc deg2rad rad2deg
    floor ceil round trunc sign
""".split()
ON_POSITIVE = "reciprocal sqrt cbrt log log2 log10 log1p".split()
ON_UNIT = "arcsin arccos arctanh tan".split()
BINARY = """add subtract multiply divide maximum minimum fmax fmin logaddexp logaddexp2 hypot arctan2 copysign heaviside
fmod mod""".split()
SPECIAL = "erf erfc expit log_ndtr ndtr i0 i0e i1 i1e log_expit softmax log_softmax logsumexp".split()
SPECIAL_POSITIVE = "gamma gammaln digamma entr".split()
SPECIAL_SHARE = "logit ndtri erfinv".split()
SPECIAL_BINARY = "beta betaln xlogy xlog1py rel_entr kl_div".split()
REDUCTIONS = "sum prod mean var std max min ptp median cumsum cumprod nansum".split()
NN = "relu elu selu silu softplus mish relu6 log_sigmoid hardtanh".split()

ROWS = {
    **{f"xp.{f}(x)": (P,) for f in ELEMENTWISE},
    **{f"xp.{f}({POSITIVE})": (P,) for f in ON_POSITIVE},
    **{f"xp.{f}({UNIT})": (P,) for f in ON_UNIT},
    **{f"xp.{f}(x, y)": (P, (3,)) for f in BINARY},
    **{f"xp.special.{f}(x)": (P,) for f in SPECIAL},
    **{f"xp.special.{f}({POSITIVE})": (P,) for f in SPECIAL_POSITIVE},
    **{f"xp.special.{f}({SHARE})": (P,) for f in SPECIAL_SHARE},
    **{f"xp.special.{f}({POSITIVE}, y * y + 0.3)": (P, (3,)) for f in SPECIAL_BINARY},
    **{f"xp.{f}(x, axis={a})": (P,) for f in REDUCTIONS for a in (0, -1)},
    **{f"xp.nn.{f}(x)": (P,) for f in NN},
    "xp.arccosh(x * x + 1.5)": (P,),
    "xp.power(x * x + 0.2, y)": (P, (3,)),
    "x**3 - 2 / (x * x + 1) ** 1.5": (P,),
    "xp.float_power(x * x + 0.2, y)": (P, P),
    "xp.clip(x, -0.5, 0.8) ** 2": (P,),
    "xp.nan_to_num(x) * x": (P,),
    "xp.where(x > y, xp.sin(x), y**2)": (P, (3,)),
    "xp.select([x > 1, x > 0], [x**2, x**3], -x)": (P,),
    "xp.var(x, axis=(0, 1), ddof=1, keepdims=True)": (P,),
    "xp.quantile(x, 0.3, axis=1)": ((2, 5),),
    "xp.percentile(x, 80)": ((2, 5),),
    "xp.average(x, axis=0, weights=y * y + 0.1)": (P, (2,)),
    "xp.cov(x)": ((3, 5),),
    "xp.corrcoef(x)": ((3, 5),),
    "xp.trapezoid(x, y, axis=1)": (P, (3,)),
    "xp.sort(x, axis=0) ** 2": ((5, 2),),
    "xp.sort(x)[..., ::2] * y": ((2, 5), (3,)),
    "xp.take_along_axis(x, xp.argsort(x, axis=1), axis=1) ** 2": ((2, 4),),
    "xp.roll(xp.flip(x, 0), 1, axis=1) * x": (P,),
    "xp.pad(x, ((1, 2), (0, 1)), mode='reflect') ** 2": (M,),
    "xp.pad(x, 2, mode='wrap') ** 2": (M,),
    "xp.tile(x, (2, 2)) ** 2": (P,),
    "xp.repeat(x, 3, axis=1) ** 2": (P,),
    "xp.kron(x, y)": (P, P),
    "xp.cross(x, y)": ((2, 3), (2, 3)),
    "xp.outer(x, y) * xp.inner(x, x)": (S, S),
    "xp.tensordot(x, y, axes=([0], [1]))": (P, (3, 2)),
    "xp.einsum('ij,kj,lk->il', x, y, z)": (P, (4, 3), (2, 4)),
    "xp.einsum('ii->i', x) * xp.trace(x)": (M,),
    "xp.convolve(x, y, mode='same')": ((5,), (3,)),
    "xp.correlate(x, y, mode='full')": ((5,), (3,)),
    "xp.polyval(x, y)": (S, P),
    "xp.vander(x, 4)": (S,),
    "xp.interp(x, np.array([-2.0, -0.5, 1.0, 3.0]), y)": (P, S),
    "xp.diff(x, n=2, axis=0) ** 2": ((5, 2),),
    "xp.gradient(x, axis=0) ** 2": ((4, 2),),
    "xp.diag(x) @ xp.diagonal(y)[:, None]": ((3,), M),
    "xp.tril(x) @ xp.triu(y, 1)": (M, M),
    "x[:, [0, 2, 0]] * x[::-1, -1:]": (P,),
    "x.at[1, [0, 2, 2]].add(y) ** 2": (P, (3,)),
    "x.at[:, 1].set(y) ** 2": (P, (2,)),
    "x.at[np.array([1, 1, 0])].max(y) ** 2": ((3,), (3,)),
    "xp.special.polygamma(2, x * x + 0.6)": (P,),
    "xp.special.gammainc(2.5, x * x + 0.2)": (P,),
    "xp.special.gammaincc(x * x + 0.7, 1.5)": (1, P),
    "xp.special.betainc(1.5, 2.5, 0.5 + 0.4 * xp.sin(x))": (P,),
    "xp.special.multigammaln(x * x + 2.5, 3)": (P,),
    "xp.special.zeta(3.0, x * x + 0.5)": (P,),
    "xp.special.logsumexp(x, axis=1, keepdims=True) * x": (P,),
    "xp.linalg.inv(x + 3 * np.eye(3))": ((2, 3, 3),),
    "xp.linalg.det(x)": ((2, 3, 3),),
    "xp.linalg.slogdet(x)[1]": ((2, 3, 3),),
    "xp.linalg.solve(x + 3 * np.eye(3), y)": (M, (3, 2)),
    "xp.linalg.solve(3 * np.eye(3) + x, y)": ((2, 3, 3), (2, 3, 2)),
    f"xp.linalg.cholesky({SPD})": (M,),
    f"xp.linalg.eigvalsh({SPD})": (M,),
    f"xp.abs(xp.linalg.eigh({SPD})[1]) ** 2": (M,),
    "xp.linalg.svd(x, compute_uv=False)": (P,),
    "xp.linalg.qr(x)[1] ** 2": ((4, 3),),
    "xp.linalg.pinv(x)": ((4, 3),),
    "xp.linalg.norm(x, axis=1)": (P,),
    "xp.linalg.norm(x, ord=3, axis=0)": (P,),
    "xp.linalg.norm(x, ord='nuc')": (P,),
    "xp.linalg.norm(x, ord=2)": (P,),
    "xp.linalg.norm(x, ord=1)": (P,),
    "xp.linalg.norm(x, ord=-np.inf)": (P,),
    "xp.linalg.matrix_power(x, 3)": (M,),
    "xp.linalg.matrix_power(x + 3 * np.eye(3), -2)": (M,),
    "xp.linalg.multi_dot([x, y, z])": (P, (3, 4), (4, 2)),
    "xp.linalg.cond(x)": (P,),
    "xp.linalg.expm(0.5 * x)": (M,),
    "xp.linalg.solve_triangular(x + 3 * np.eye(3), y, lower=True)": (M, (3, 2)),
    "xp.linalg.lstsq(x, y)[0]": ((4, 2), (4,)),
    "xp.real(xp.fft.fft(x * 1j + y))": (P, P),
    "xp.abs(xp.fft.rfft(x, n=6)) ** 2": (P,),
    "xp.fft.irfft(xp.fft.rfft(x) * xp.fft.rfft(y))": ((6,), (6,)),
    "xp.imag(xp.fft.ifft2(xp.exp(1j * x)))": (P,),
    "xp.abs(xp.fft.fftn(x, axes=(0, 1), norm='ortho'))": (M,),
    "xp.fft.fftshift(x) * xp.fft.ifftshift(x)": ((2, 5),),
    "xp.abs((x + 1j * y) ** 2 / (y + 2j))": (P, P),
    "xp.real(xp.log(x + 1j * y) * xp.conj(xp.sqrt(y - 1j * x)))": (P, P),
    "xp.angle(xp.exp(1j * x) * (1 + y * y))": (P, P),
    "xp.nn.gelu(x, approximate='tanh')": (P,),
    "xp.nn.gelu(x)": (P,),
    "xp.nn.leaky_relu(x, 0.2)": (P,),
    "xp.nn.conv1d(x, y, stride=2, padding=1)": ((2, 3, 7), (4, 3, 3)),
    "xp.nn.conv2d(x, y, stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2)": ((2, 4, 6, 5), (4, 2, 3, 2)),
    "xp.nn.conv2d(x, y, padding='same')": ((1, 2, 5, 4), (3, 2, 3, 2)),
    "xp.nn.conv3d(x, y)": ((1, 2, 3, 4, 3), (2, 2, 2, 2, 2)),
    "xp.nn.max_pool2d(x, 2) ** 2": ((1, 2, 4, 6),),
    "xp.nn.avg_pool2d(x, 3, stride=1) ** 2": ((1, 2, 5, 4),),
}


@pytest.mark.parametrize("expression", ROWS)
def test_same_values_and_gradients(expression):
    compare(expression, ROWS[expression])


def test_a_wrong_gradient_is_caught():
    x = inputs_of([(3,)])
    got = with_graphad(lambda x: ga.sin(ga.stop_gradient(x)) + x, x, 1)
    want = with_jax(lambda x: jnp.sin(x) + x, x, 1)
    np.testing.assert_allclose(got[0], want[0])
    assert not np.allclose(got[1], want[1])
