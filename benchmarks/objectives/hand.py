"""hand of ADBench and GradBench: half the sum of squares of a hand model's misses; bones turn about their parents."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.objectives.bundle import gathered
from benchmarks.problem import Array, Problem, Results


def angle_places(bones: int) -> Array:
    """Where in theta (26 numbers and a zero) the x, z and y angles of each bone stand.

    Theta: rotation 3, translation 3, then 4 for each finger: the first of its bones turns in two ways.
    """
    places = np.full((bones, 3), 26)
    for finger in range(5):
        first = 6 + 4 * finger
        places[2 + 4 * finger, :2] = first, first + 1
        places[3 + 4 * finger, 0], places[4 + 4 * finger, 0] = first + 2, first + 3
    return places


def turned(xp: Any, angles: Any) -> Any:
    """Rotation matrices (bones, 3, 3) about x, then y, then z; angles (bones, 3) stand in the order x, z, y."""
    s, c = xp.sin(angles), xp.cos(angles)
    (sx, sz, sy), (cx, cz, cy) = ((a[:, 0], a[:, 1], a[:, 2]) for a in (s, c))
    first = [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx]
    second = [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx]
    return xp.reshape(xp.stack([*first, *second, -sy, cy * sx, cy * cx], axis=1), (-1, 3, 3))


def turned_by_hand(g: Array, angles: Array, R: Array) -> Array:
    """The adjoint: g of the matrices R."""
    s, c = np.sin(angles), np.cos(angles)
    (sx, sz, sy), (cx, cz, cy) = s.T, c.T
    d_x = np.sum(g[:, :, 1] * R[:, :, 2] - g[:, :, 2] * R[:, :, 1], axis=1)
    d_z = np.sum(g[:, 1] * R[:, 0] - g[:, 0] * R[:, 1], axis=1)
    upper = cz[:, None] * g[:, 0] + sz[:, None] * g[:, 1]
    d_y = np.sum(upper * R[:, 2] - g[:, 2] * np.stack([cy, sy * sx, sy * cx], axis=1), axis=1)
    return np.stack([d_x, d_z, d_y], axis=1)


def rotation(xp: Any, a: Any) -> Any:
    """The rotation about a by its length (Rodrigues)."""
    n = xp.sqrt(xp.sum(a * a))
    v = a / n
    x, y, z = v[0], v[1], v[2]
    s, c = xp.sin(n), xp.cos(n)
    t = 1.0 - c
    first = [x * x * t + c, x * y * t - z * s, x * z * t + y * s]
    second = [x * y * t + z * s, y * y * t + c, y * z * t - x * s]
    return xp.reshape(xp.stack([*first, *second, x * z * t - y * s, y * z * t + x * s, z * z * t + c]), (3, 3))


def rotation_by_hand(g: Array, a: Array) -> Array:
    """The adjoint: with v = a / |a|, the matrix is (1 - cos) v vᵀ + cos I + sin [v]×."""
    n = np.sqrt(a @ a)
    v, s, c = a / n, np.sin(n), np.cos(n)
    axial = np.array([g[2, 1] - g[1, 2], g[0, 2] - g[2, 0], g[1, 0] - g[0, 1]])
    d_v = (1 - c) * ((g + g.T) @ v) + s * axial
    d_n = s * (v @ g @ v - np.trace(g)) + c * (v @ axial)
    return (d_v - v * (v @ d_v)) / n + v * d_n


def problem(
    params: tuple[Array, ...], parents: Sequence[int], model: tuple[Array, ...], points: Array, corners: Array
) -> Problem:
    """Theta (26,) and, in the complicated variant, barycentric coordinates (points, 2).

    ``model``: bones relative to their parents and inverse absolutes (bones, 4, 4), vertices (n, 4), weights (n, bones).
    ``corners``: for each point its vertex (points, 1), or the three of its triangle (points, 3).
    """
    places = angle_places(len(parents))
    consts = (*model, points, np.zeros(1), places, *(np.ascontiguousarray(column) for column in corners.T))

    def loss(xp: Any, theta: Any, *others: Any) -> Any:
        base, inverse, vertices, weights, points, zero, places, *corners = others[-7 - len(corners_) :]
        R = turned(xp, xp.take(xp.concatenate([theta, zero]), places, axis=0))
        rel = xp.concatenate([base[:, :, :3] @ R, base[:, :, 3:]], axis=2)
        absolute: list[Any] = []
        for bone, parent in enumerate(parents):
            absolute.append(rel[bone] if parent == -1 else absolute[parent] @ rel[bone])
        T = xp.stack(absolute) @ inverse
        moved = T[:, :3, :] @ xp.transpose(vertices, (1, 0))  # (bones, 3, vertices)
        V = xp.transpose(xp.einsum("vb,bcv->cv", weights, moved), (1, 0))
        V = V @ xp.transpose(rotation(xp, theta[0:3]), (1, 0)) + theta[3:6]
        seen = [xp.take(V, corner, axis=0) for corner in corners]
        if len(seen) == 1:
            miss = points - seen[0]
        else:
            u, v = others[0][:, 0:1], others[0][:, 1:2]
            miss = points - (u * seen[0] + v * seen[1] + (1.0 - u - v) * seen[2])
        return 0.5 * xp.sum(miss * miss)

    corners_ = corners.T

    def by_hand(theta: Array, *others: Array) -> Results:
        base, inverse, vertices, weights, points, zero, places, *corners = others[-7 - len(corners_) :]
        angles = np.concatenate([theta, zero])[places]
        R = turned(np, angles)
        rel = np.concatenate([base[:, :, :3] @ R, base[:, :, 3:]], axis=2)
        absolute = np.empty_like(rel)
        for bone, parent in enumerate(parents):
            absolute[bone] = rel[bone] if parent == -1 else absolute[parent] @ rel[bone]
        T = (absolute @ inverse)[:, :3]
        spread = (weights[:, :, None] * vertices[:, None]).reshape(len(vertices), -1)  # (vertices, bones·4)
        stacked = T.transpose(0, 2, 1).reshape(-1, 3)
        rest = spread @ stacked
        whole = rotation(np, theta[:3])
        V = rest @ whole.T + theta[3:6]
        if len(corners) == 1:
            factors = [np.ones((len(points), 1))]
        else:
            u, v = others[0][:, :1], others[0][:, 1:]
            factors = [u, v, 1.0 - u - v]
        miss = points - sum(k * V[corner] for k, corner in zip(factors, corners, strict=True))
        pulls = np.concatenate([-(k * miss) for k in factors])
        d_V = gathered(pulls.T, np.concatenate(corners), len(V))
        d_stacked = spread.T @ (d_V @ whole)
        d_T = d_stacked.reshape(len(T), 4, 3).transpose(0, 2, 1)
        d_absolute = np.zeros_like(rel)
        d_absolute[:, :3] = d_T @ inverse.swapaxes(1, 2)
        d_rel = np.empty_like(rel)
        for bone in reversed(range(len(parents))):
            parent = parents[bone]
            d_rel[bone] = d_absolute[bone] if parent == -1 else absolute[parent].T @ d_absolute[bone]
            if parent != -1:
                d_absolute[parent] += d_absolute[bone] @ rel[bone].T
        d_R = base[:, :, :3].swapaxes(1, 2) @ d_rel[:, :, :3]
        d_angles = turned_by_hand(d_R, angles, R)
        d_theta = np.bincount(places.ravel(), d_angles.ravel(), 27)[:26]
        d_theta[:3] += rotation_by_hand(d_V.T @ rest, theta[:3])
        d_theta[3:6] += d_V.sum(axis=0)
        value = 0.5 * np.sum(miss * miss)
        if len(corners) == 1:
            return value, d_theta
        sides = (V[corners[0]] - V[corners[2]], V[corners[1]] - V[corners[2]])
        return value, d_theta, -np.stack([np.sum(miss * side, axis=1) for side in sides], axis=1)

    return Problem(loss, params, consts, by_hand)


def read_model(folder: Path) -> tuple[list[int], tuple[Array, ...], Array]:
    """Parents, the arrays of the model, triangles."""
    bones = [line.split(":") for line in (folder / "bones.txt").read_text().splitlines() if line.strip()]
    rel, inverse = (np.array([b[k : k + 16] for b in bones], float).reshape(-1, 4, 4) for k in (2, 18))
    rows = [line.split(":") for line in (folder / "vertices.txt").read_text().splitlines() if line.strip()]
    vertices, weights = np.ones((len(rows), 4)), np.zeros((len(rows), len(bones)))
    for v, row in enumerate(rows):
        vertices[v, :3] = [float(number) for number in row[:3]]
        for i in range(int(row[8])):
            weights[v, int(row[9 + 2 * i])] = float(row[10 + 2 * i])
    lines = (folder / "triangles.txt").read_text().splitlines()
    triangles = np.array([line.split(":") for line in lines if line.strip()], int)
    return [int(b[1]) for b in bones], (rel, inverse, vertices, weights), triangles


def from_file(rng: np.random.Generator, path: Path, model: Path, complicated: bool) -> Problem:
    """A file of ADBench, with the folder of its model."""
    parents, arrays, triangles = read_model(model)
    first, *lines = path.read_text().splitlines()
    count, size = map(int, first.split())
    rows = np.array([line.split() for line in lines[:count]], float)
    index = rows[:, 0].astype(int)
    if not complicated:
        theta = np.array(lines[count : count + size], float)
        return problem((theta,), parents, arrays, rows[:, 1:], index[:, None])
    us = np.array([line.split() for line in lines[count : 2 * count]], float)
    theta = np.array(lines[2 * count : 2 * count + size], float)
    return problem((theta, us), parents, arrays, rows[:, 1:], triangles[index])
