"""graphad and JAX agree on programs of linear algebra, spectra, special functions and networks (see `test_jax.py`)."""

import pytest
from jax_oracle import compare

P, M = (2, 3), (3, 3)
KERNEL = "xp.exp(-0.5 * (x[:, None] - x[None, :]) ** 2) + (0.1 + y[0] ** 2) * np.eye(5)"
ROWS = {
    # matrices
    "xp.linalg.solve(x @ x.T + np.eye(3), y) @ y": (4, M, (3,)),
    "xp.linalg.slogdet(x @ x.T + np.eye(3))[1]": (4, M),
    f"-0.5 * z @ xp.linalg.solve({KERNEL}, z) - 0.5 * xp.linalg.slogdet({KERNEL})[1]": ((5,), (1,), (5,)),
    f"xp.sum(xp.linalg.solve_triangular(xp.linalg.cholesky({KERNEL}), z, lower=True) ** 2)": ((5,), (1,), (5,)),
    "x - x @ y.T @ xp.linalg.solve(y @ x @ y.T + np.eye(2), y @ x)": (M, P),
    "(lambda w, v: (v * xp.sqrt(w)) @ v.T)(*xp.linalg.eigh(x @ x.T + 2 * np.eye(3)))": (M,),
    "(lambda u, s, vh: (u[:, :2] * s[:2]) @ vh[:2])(*xp.linalg.svd(x, full_matrices=False))": ((4, 3),),
    "(lambda u, s, vh: (u * s) @ vh)(*xp.linalg.svd(x, full_matrices=False))": ((3, 4),),
    "(lambda q, r: q @ xp.tanh(r))(*xp.linalg.qr(x))": ((4, 3),),
    "xp.linalg.solve_triangular(x + 3 * np.eye(3), y, lower=True, trans=1, unit_diagonal=True)": (M, (3,)),
    "xp.linalg.cholesky(x @ xp.swapaxes(x, -1, -2) + 2 * np.eye(3), upper=True)": ((2, 3, 3),),
    "xp.linalg.eigvalsh(x + xp.swapaxes(x, -1, -2)) ** 2": ((2, 3, 3),),
    "xp.real(xp.exp(xp.linalg.eigvals(x)))": (1, M),
    "xp.linalg.norm(x, ord=0.5, axis=1)": (P,),
    "xp.linalg.norm(x, ord=-2, axis=0)": (P,),
    "xp.linalg.norm(x, ord=-2)": (P,),
    "xp.linalg.norm(x, ord=np.inf, axis=1, keepdims=True)": (P,),
    "xp.linalg.matrix_norm(x, ord='nuc')": ((2, 3, 3),),
    "xp.linalg.vector_norm(x, axis=(0, 2), ord=3)": ((2, 3, 2),),
    "xp.linalg.trace(x, offset=1) * xp.linalg.outer(y, y)": (M, (2,)),
    "xp.linalg.lstsq(x, y)[0]": ((2, 4), (2, 3)),
    "xp.linalg.pinv(x)": ((2, 2, 4),),
    "xp.linalg.expm(0.3 * x) @ xp.linalg.expm(-y)": (4, (2, 2), (2, 2)),
    # spectra
    "xp.fft.irfft(xp.fft.rfft(x, axis=0) * np.array([[1.0], [0.5], [0.1]]), n=5, axis=0) ** 2": (4, (5, 2)),
    "xp.real(xp.fft.ifftn(xp.abs(xp.fft.fft2(x, s=(4, 2))) ** 2 * xp.fft.fftn(y)))": ((3, 3), (4, 2)),
    "xp.abs(xp.fft.fft(x, n=3, norm='forward')) + xp.real(xp.fft.ifft(y, n=3))": ((5,), (2,)),
    # special functions
    "xp.special.erfcx(x)": (4, P),
    "xp.special.betainc(1.5, y * y + 0.7, 0.5 + 0.4 * xp.sin(x))": (0, P, (3,)),
    "xp.special.logsumexp(x, axis=0, b=y * y)": (P, (2, 3)),
    "xp.special.polygamma(1, xp.special.digamma(x * x + 2.5))": (P,),
    "xp.special.expit(x) * xp.special.log_ndtr(y) + xp.special.log_expit(x * y)": (4, P, (3,)),
    # networks
    "xp.nn.celu(x, 0.7) + xp.nn.softsign(x) * xp.nn.glu(y)": (P, (2, 6)),
    "xp.nn.silu(x @ y) @ z": (4, P, (3, 4), (4,)),
    "-xp.sum(xp.nn.log_softmax(x @ y, axis=-1) * xp.nn.one_hot(np.array([0, 3]), 4))": (4, P, (3, 4)),
    "xp.nn.conv_transpose1d(x, y, stride=2, padding=1, output_padding=1)": ((2, 3, 4), (3, 2, 3)),
    "xp.nn.conv_transpose2d(x, y, stride=(2, 1), padding=(0, 1))": ((1, 2, 3, 3), (2, 3, 2, 3)),
    "xp.nn.conv2d(x, y, padding=1, groups=4) * xp.nn.conv2d(x, z, groups=2)": (
        (1, 4, 4, 3),
        (4, 1, 3, 3),
        (4, 2, 1, 1),
    ),
    "xp.nn.max_pool2d(xp.nn.relu(xp.nn.batch_norm(xp.nn.conv2d(x, y, padding=1), training=True)), 2)": (
        (2, 2, 4, 4),
        (3, 2, 3, 3),
    ),
    "xp.nn.scaled_dot_product_attention(x, y, z, is_causal=True)": ((2, 4, 3), (2, 4, 3), (2, 4, 2)),
    "(lambda h: h + xp.nn.gelu(xp.nn.layer_norm(h, 3) @ z))(xp.nn.scaled_dot_product_attention(x @ y, x, x))": (
        (4, 3),
        M,
        M,
    ),
    "xp.nn.layer_norm(x, (3, 2), y, z)": ((2, 3, 2), (3, 2), (3, 2)),
    "xp.nn.group_norm(x, 2) * xp.nn.instance_norm(x)": ((2, 4, 3),),
    "xp.nn.rms_norm(x, 3, y, 1e-3)": (P, (3,)),
    "xp.nn.adaptive_avg_pool2d(x, (3, 2)) ** 2": ((1, 2, 5, 4),),
    "xp.nn.adaptive_max_pool2d(x, (2, 3)) ** 2 * xp.nn.global_avg_pool(x)[..., None, None]": ((1, 2, 5, 4),),
    "xp.nn.embedding(np.array([2, 0, 2]), x) ** 3": ((4, 2),),
}


@pytest.mark.parametrize("expression", ROWS)
def test_same_values_and_gradients(expression):
    compare(expression, ROWS[expression])
