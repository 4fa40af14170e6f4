"""JAX under the names of graphad, and the comparison of values and gradients of both.

Every gradient is contracted with fixed random weights before it is differentiated again. Read only by `oracle/`.
"""

from types import SimpleNamespace

import numpy as np
import pytest

import graphad as ga

jax = pytest.importorskip("jax", reason="the oracle is JAX: make oracle installs it")
jax.config.update("jax_enable_x64", True)
from jax import numpy as jnp  # noqa: E402
from jax.scipy import linalg as jax_linalg  # noqa: E402
from jax.scipy import special as jax_special  # noqa: E402


def value_and_gradients(call, values, order, gradient, contract):
    """The value, then the gradients of each order, in one system."""

    def loss(*args):
        return contract(call(*args), 0)

    found = [call(*values)]
    for k in range(1, order + 1):
        step = gradient(loss)
        found.extend(step(*values))

        def loss(*args, step=step, k=k):
            return sum(contract(g, 10 * k + i) for i, g in enumerate(step(*args)))

    return found


def weights(shape, seed):
    return np.random.default_rng(seed).standard_normal(shape)


def with_jax(call, values, order):
    def gradient(loss):
        return jax.grad(loss, argnums=tuple(range(len(values))))

    return value_and_gradients(call, values, order, gradient, lambda v, seed: jnp.sum(v * weights(v.shape, seed)))


def with_graphad(call, values, order):
    inputs = [ga.input(f"x{k}", v.shape) for k, v in enumerate(values)]

    def gradient(loss):
        return lambda *args: ga.grad(loss(*args), list(args))

    def contract(v, seed):
        return ga.sum(v * weights(v.shape, seed))

    nodes = value_and_gradients(call, inputs, order, gradient, contract)
    with np.errstate(all="ignore"):
        return ga.compile(inputs, nodes)(*values)


def conv(n):
    def apply(x, w, stride=1, padding=0, dilation=1, groups=1):
        def each(v):
            return v if isinstance(v, tuple) else (v,) * n

        pads = padding.upper() if isinstance(padding, str) else [(p, p) for p in each(padding)]
        axes = ("NCHWD"[: n + 2], "OIHWD"[: n + 2], "NCHWD"[: n + 2])
        return jax.lax.conv_general_dilated(
            x,
            w,
            each(stride),
            pads,
            rhs_dilation=each(dilation),
            dimension_numbers=axes,
            feature_group_count=groups,
        )

    return apply


def max_pool2d(x, size):
    b, c, h, w = x.shape
    return x.reshape(b, c, h // size, size, w // size, size).max((3, 5))


def avg_pool2d(x, size, stride):
    ones = (1, 1, size, size)
    return jax.lax.reduce_window(x, 0.0, jax.lax.add, ones, (1, 1, stride, stride), "VALID") / size**2


def conv_transpose(n):
    """The transpose of `conv` in its input: a convolution with the kernel turned around of an input spread apart."""

    def apply(x, w, stride=1, padding=0, output_padding=0):
        def each(v):
            return v if isinstance(v, tuple) else (v,) * n

        ends = zip(w.shape[2:], each(padding), each(output_padding), strict=True)
        pads = [(k - 1 - p, k - 1 - p + e) for k, p, e in ends]
        w = jnp.flip(jnp.swapaxes(w, 0, 1), tuple(range(2, n + 2)))
        axes = ("NCHWD"[: n + 2], "OIHWD"[: n + 2], "NCHWD"[: n + 2])
        return jax.lax.conv_general_dilated(x, w, (1,) * n, pads, each(stride), dimension_numbers=axes)

    return apply


def normalized(x, axes, eps=1e-5):
    return (x - x.mean(axes, keepdims=True)) / jnp.sqrt(x.var(axes, keepdims=True) + eps)


def group_norm(x, groups):
    parts = x.reshape(x.shape[0], groups, -1)
    return normalized(parts, 2).reshape(x.shape)


def layer_norm(x, shape, weight=1, bias=0):
    return normalized(x, tuple(range(-len(np.atleast_1d(shape)), 0))) * weight + bias


def rms_norm(x, size, weight, eps):
    return x / jnp.sqrt(jnp.mean(x * x, -1, keepdims=True) + eps) * weight


def attention(q, k, v, is_causal=False):
    scores = q @ jnp.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    if is_causal:
        scores = jnp.where(np.tril(np.ones(scores.shape[-2:], bool)), scores, -jnp.inf)
    return jax.nn.softmax(scores, axis=-1) @ v


def adaptive(reduce):
    def apply(x, counts):
        for axis, m in zip((2, 3), counts, strict=True):
            n = x.shape[axis]
            parts = [jnp.take(x, np.arange(i * n // m, -(-(i + 1) * n // m)), axis) for i in range(m)]
            x = jnp.stack([reduce(p, axis) for p in parts], axis)
        return x

    return apply


SAME = "relu elu selu silu softplus mish relu6 log_sigmoid leaky_relu celu glu log_softmax one_hot".split()


class Namespace:
    """JAX under the names of graphad."""

    special = SimpleNamespace(
        **{n: getattr(jax_special, n) for n in dir(jax_special) if n[0] != "_" and "softmax" not in n},
        softmax=lambda x: jax.nn.softmax(x, axis=None),
        log_softmax=lambda x: jax.nn.log_softmax(x, axis=None),
        log_expit=jax.nn.log_sigmoid,
    )
    linalg = SimpleNamespace(
        **{n: getattr(jnp.linalg, n) for n in dir(jnp.linalg) if not n.startswith("_")},
        expm=jax_linalg.expm,
        solve_triangular=jax_linalg.solve_triangular,
    )
    fft = jnp.fft
    nn = SimpleNamespace(
        **{n: getattr(jax.nn, n) for n in SAME},
        softsign=jax.nn.soft_sign,
        hardtanh=jax.nn.hard_tanh,
        gelu=lambda x, approximate="none": jax.nn.gelu(x, approximate=approximate == "tanh"),
        conv1d=conv(1),
        conv2d=conv(2),
        conv3d=conv(3),
        conv_transpose1d=conv_transpose(1),
        conv_transpose2d=conv_transpose(2),
        max_pool2d=max_pool2d,
        adaptive_avg_pool2d=adaptive(jnp.mean),
        adaptive_max_pool2d=adaptive(jnp.max),
        global_avg_pool=lambda x: x.mean((2, 3)),
        batch_norm=lambda x, training: normalized(x, (0, 2, 3)),
        instance_norm=lambda x: normalized(x, 2),
        group_norm=group_norm,
        layer_norm=layer_norm,
        rms_norm=rms_norm,
        embedding=lambda ids, table: table[ids],
        scaled_dot_product_attention=attention,
        avg_pool2d=avg_pool2d,
    )

    def __getattr__(self, name):
        return getattr(jnp, name)


def inputs_of(shapes):
    rng = np.random.default_rng(3)
    return [rng.standard_normal(s) for s in shapes]


def compare(expression, shapes):
    """Of an expression in ``xp`` and x, y, z. ``shapes`` may begin with the order, which is 3 unless given."""
    order, shapes = (shapes[0], shapes[1:]) if isinstance(shapes[0], int) else (3, shapes)
    values = inputs_of(shapes)
    names = "xyz"[: len(values)]

    def call(xp):
        return eval(f"lambda {', '.join(names)}: {expression}", {"xp": xp, "np": np})

    got = with_graphad(call(ga), values, order)
    want = with_jax(call(Namespace()), [jnp.asarray(v) for v in values], order)
    for k, (a, b) in enumerate(zip(got, want, strict=True)):
        scale = max(1.0, float(np.max(np.abs(b), initial=0)))
        where = f"output {k}: the value" if k == 0 else f"output {k}: a gradient of order {1 + (k - 1) // len(values)}"
        np.testing.assert_allclose(a, b, atol=1e-7 * scale, rtol=1e-7, err_msg=where)
