"""ba of ADBench and GradBench: half the sum of squares of a bundle adjustment's residuals."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.problem import Array, Problem, Results


def residuals(xp: Any, c: Any, points: Any, w: Any, features: Any) -> tuple[Any, Any]:
    """Weighted misses (p, 2) of projections, 1 - w² (p, 1).

    A camera is its rotation (axis times angle, 3), center (3), focal length, principal point (2), distortion (2).
    """
    r, X = c[:, 0:3], points - c[:, 3:6]
    angle = xp.sqrt(xp.sum(r * r, axis=1, keepdims=True))
    v = r / angle
    cross = xp.stack([v[:, i] * X[:, j] - v[:, j] * X[:, i] for i, j in ((1, 2), (2, 0), (0, 1))], axis=1)
    cos = xp.cos(angle)
    X = X * cos + cross * xp.sin(angle) + v * (xp.sum(v * X, axis=1, keepdims=True) * (1.0 - cos))
    u = X[:, 0:2] / X[:, 2:3]
    radius2 = xp.sum(u * u, axis=1, keepdims=True)
    u = u * (1.0 + c[:, 9:10] * radius2 + c[:, 10:11] * radius2 * radius2)
    w = xp.reshape(w, (-1, 1))
    return w * (u * c[:, 6:7] + c[:, 7:9] - features), 1.0 - w * w


def loss(xp: Any, cameras: Any, points: Any, w: Any, features: Any, camera: Any, point: Any) -> Any:
    """Half the sum of squares; observation i is of point[i] by camera[i]."""
    miss, rest = residuals(xp, xp.take(cameras, camera, axis=0), xp.take(points, point, axis=0), w, features)
    return 0.5 * (xp.sum(miss * miss) + xp.sum(rest * rest))


def by_hand(cameras: Array, points: Array, w: Array, features: Array, camera: Array, point: Array) -> Results:
    """Value and gradient; vectors are (3, p), so that every operation runs along the observations."""
    c, f, w_ = cameras[camera].T, features.T, w
    r, X0 = c[:3], points[point].T - c[3:6]
    angle = np.sqrt(np.sum(r * r, axis=0))
    v, cos, sin = r / angle, np.cos(angle), np.sin(angle)
    cross, dot = np.cross(v, X0, axis=0), np.sum(v * X0, axis=0)
    X = X0 * cos + cross * sin + v * (dot * (1 - cos))
    flat = X[:2] / X[2]
    radius2 = np.sum(flat * flat, axis=0)
    bend = 1 + (c[9] + c[10] * radius2) * radius2
    u = flat * bend
    miss = u * c[6] + c[7:9] - f
    rest = 1 - w_ * w_
    value = 0.5 * (np.sum((w_ * miss) ** 2) + np.sum(rest * rest))

    d_c = np.empty_like(c)
    d_miss = w_ * w_ * miss
    d_w = w_ * np.sum(miss * miss, axis=0) - 2 * w_ * rest
    d_c[6], d_c[7:9] = np.sum(d_miss * u, axis=0), d_miss
    d_u = d_miss * c[6]
    d_bend = np.sum(d_u * flat, axis=0)
    d_c[9], d_c[10] = d_bend * radius2, d_bend * radius2**2
    d_flat = d_u * bend + 2 * flat * (d_bend * (c[9] + 2 * c[10] * radius2))
    d_X = np.empty_like(X)
    d_X[:2] = d_flat / X[2]
    d_X[2] = -np.sum(d_X[:2] * flat, axis=0)
    along = np.sum(d_X * v, axis=0) * (1 - cos)
    d_v = np.cross(X0, d_X, axis=0) * sin + d_X * (dot * (1 - cos)) + X0 * along
    d_X0 = d_X * cos + np.cross(d_X, v, axis=0) * sin + v * along
    d_angle = np.sum(d_X * (cross * cos + (v * dot - X0) * sin), axis=0)
    d_c[:3] = (d_v - v * np.sum(d_v * v, axis=0)) / angle + v * d_angle
    d_c[3:6] = -d_X0
    return value, gathered(d_c, camera, len(cameras)), gathered(d_X0, point, len(points)), d_w


def gathered(columns: Array, index: Array, count: int) -> Array:
    """The sums of the columns that belong to each of ``count`` rows."""
    return np.stack([np.bincount(index, row, count) for row in columns], axis=1)


def from_file(rng: np.random.Generator, path: Path, observations: int | None = None) -> Problem:
    """A file of ADBench: one camera, one point, one observation, all repeated; here each gets a little noise."""
    cameras, points, count = map(int, path.read_text().split("\n", 1)[0].split())
    rows = [np.array(line.split(), float) for line in path.read_text().splitlines()[1:5]]
    p = observations or count
    params = np.tile(rows[0], (cameras, 1)), np.tile(rows[1], (points, 1)), np.full(p, rows[2][0])
    noise = np.random.RandomState(0)
    moved = tuple(a + 1e-3 * noise.standard_normal(a.shape) for a in params)
    i = np.arange(p)
    return Problem(loss, moved, (np.tile(rows[3], (p, 1)), i % cameras, i % points), by_hand)
