"""LeNet-5 on images of 28×28 (LeCun et al. 1998), with relu and max pooling: convolutions and their two adjoints."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from benchmarks.problem import WORKLOADS, Array, Problem, Results
from benchmarks.workloads.parts import cross_entropy, cross_entropy_by_hand, labels, normal


def loss(xp: Any, *arguments: Any) -> Any:
    """Weight and bias of two convolutions and three dense layers, images (batch, 1, n, n), labels."""
    K1, b1, K2, b2, W3, b3, W4, b4, W5, b5, x, y = arguments
    h = xp.max_pool2d(xp.maximum(xp.conv2d(x, K1) + xp.reshape(b1, (-1, 1, 1)), 0))
    h = xp.max_pool2d(xp.maximum(xp.conv2d(h, K2) + xp.reshape(b2, (-1, 1, 1)), 0))
    h = xp.reshape(h, (x.shape[0], -1))
    h = xp.maximum(h @ W3 + b3, 0)
    h = xp.maximum(h @ W4 + b4, 0)
    return cross_entropy(xp, h @ W5 + b5, y)


def windows(x: Array, k: int) -> Array:
    """All k×k windows of images, as rows of one matrix for each image: (batch, positions, channels·k·k)."""
    view = sliding_window_view(x, (k, k), axis=(2, 3)).transpose(0, 2, 3, 1, 4, 5)
    return view.reshape(len(x), view.shape[1] * view.shape[2], -1)


def convolve(x: Array, K: Array, b: Array) -> tuple[Array, Array]:
    """relu of the convolution (batch, out, rows, columns), and the windows that it was made of."""
    k = K.shape[2]
    seen = windows(x, k)
    out = np.maximum(seen @ K.reshape(len(K), -1).T + b, 0)
    size = x.shape[2] - k + 1
    return out.transpose(0, 2, 1).reshape(len(x), len(K), size, size), seen


def pool(x: Array) -> tuple[Array, Array]:
    """The largest of each 2×2 block, and where it stands."""
    batch, channels, n, _ = x.shape
    blocks = x.reshape(batch, channels, n // 2, 2, n // 2, 2)
    largest = blocks.max(axis=(3, 5), keepdims=True)
    return largest[:, :, :, 0, :, 0], blocks == largest


def unpool(g: Array, where: Array, x: Array) -> Array:
    """The adjoint of pool followed by that of relu: equal maxima are zeros, which relu blocks anyway."""
    return (g[:, :, :, None, :, None] * where).reshape(x.shape) * (x > 0)


def kernel_gradient(g: Array, seen: Array, K: Array) -> list[Array]:
    """Of the kernel and its bias; g (batch, out, rows, columns)."""
    rows = g.transpose(0, 2, 3, 1).reshape(-1, len(K))
    return [(rows.T @ seen.reshape(len(rows), -1)).reshape(K.shape), rows.sum(axis=0)]


def input_gradient(g: Array, K: Array) -> Array:
    """The full convolution of g with the turned kernel."""
    k = K.shape[2]
    padded = np.pad(g, ((0, 0), (0, 0), (k - 1, k - 1), (k - 1, k - 1)))
    turned = K[:, :, ::-1, ::-1].transpose(1, 0, 2, 3).reshape(K.shape[1], -1)
    size = g.shape[2] + k - 1
    return (windows(padded, k) @ turned.T).transpose(0, 2, 1).reshape(len(g), K.shape[1], size, size)


def by_hand(*arguments: Array) -> Results:
    """Value and gradient."""
    K1, b1, K2, b2, W3, b3, W4, b4, W5, b5, x, y = arguments
    c1, seen1 = convolve(x, K1, b1)
    p1, where1 = pool(c1)
    c2, seen2 = convolve(p1, K2, b2)
    p2, where2 = pool(c2)
    h2 = p2.reshape(len(x), -1)
    h3 = np.maximum(h2 @ W3 + b3, 0)
    h4 = np.maximum(h3 @ W4 + b4, 0)
    value, g5 = cross_entropy_by_hand(h4 @ W5 + b5, y)
    g4 = (g5 @ W5.T) * (h4 > 0)
    g3 = (g4 @ W4.T) * (h3 > 0)
    dense = [h2.T @ g3, g3.sum(axis=0), h3.T @ g4, g4.sum(axis=0), h4.T @ g5, g5.sum(axis=0)]
    g2 = unpool((g3 @ W3.T).reshape(p2.shape), where2, c2)
    g1 = unpool(input_gradient(g2, K2), where1, c1)
    return value, *kernel_gradient(g1, seen1, K1), *kernel_gradient(g2, seen2, K2), *dense


@WORKLOADS.recipe("lenet5_f32", {"batch": 2, "size": 16})
def lenet5(rng: np.random.Generator, batch: int = 64, size: int = 28) -> Problem:
    """The images carry their border of zeros: 28×28 become 32×32, as in the paper."""
    f32, inner = np.float32, (size // 2 - 4) // 2
    (image,) = normal(rng, f32, (batch, 1, size, size), scale=1)
    x = np.pad(image, ((0, 0), (0, 0), (2, 2), (2, 2)))
    shapes = [(6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,), (16 * inner**2, 120), (120,), (120, 84), (84,), (84, 10), (10,)]
    return Problem(loss, tuple(normal(rng, f32, *shapes, scale=0.1)), (x, labels(rng, f32, batch, 10)), by_hand)
