"""The small objectives of GradBench: ode, llsq, det, kmeans, lse, with the suite's numbers.

The suite seeds NumPy's old generator once for each objective and draws its instances in order of size.
"""

from typing import Any

import numpy as np

from benchmarks.problem import OBJECTIVES, Array, Problem, Results

ODE = sorted(((n, s) for n in (1000, 10_000, 100_000) for s in (1, 10, 100)), key=lambda size: size[0] * size[1])
KMEANS = sorted(
    ((k, n, d) for k in (10, 100, 1000) for n in (1000, 10_000) for d in (8, 16)), key=lambda s: s[0] * s[1] * s[2]
)
LLSQ = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8196, 16392)
LSE = tuple(2500 * 2**k for k in range(10))


def drawn(count: int, before: int) -> Array:
    """The suite's ``count`` numbers after ``before`` others."""
    return np.random.RandomState(31337).rand(before + count)[before:]


def earlier(sizes: Any, wanted: Any, numbers: Any) -> int:
    """How many numbers the instances before the wanted one drew: all that are smaller; none for a size of our own."""
    sizes = list(sizes)
    return sum(numbers(size) for size in sizes[: sizes.index(wanted)]) if wanted in sizes else 0


@OBJECTIVES.recipe("ode_n200_s100", {"n": 6, "steps": 4}, n=200, steps=100, whole=True)
@OBJECTIVES.recipe("ode_n1000_s100", {"n": 6, "steps": 4}, n=1000, steps=100)
def ode(rng: np.random.Generator, n: int, steps: int, whole: bool = False) -> Problem:
    """y_0' = x_0, y_i' = x_i y_(i-1) on [0, 2] by Runge and Kutta's method: the last y, which is 0 for n > 4·steps.

    ``whole``: the sum of all squares, which is not.
    """
    h = 2.0 / steps
    weights = (h / 6, h / 3, h / 3, h / 6)

    def last(xp: Any, x: Any, one: Any, start: Any) -> Any:
        def slope(y: Any) -> Any:
            return x * xp.concatenate([one, y[:-1]])

        y = start
        for _ in range(steps):
            k1 = slope(y)
            k2 = slope(y + (h / 2) * k1)
            k3 = slope(y + (h / 2) * k2)
            k4 = slope(y + h * k3)
            y = y + (h / 6) * (k1 + 2 * k2 + 2 * k3 + k4)
        return xp.sum(y * y) if whole else y[-1]

    def by_hand(x: Array, one: Array, start: Array) -> Results:
        y, seen = start.copy(), np.ones((steps, 4, n))  # what x is multiplied with at each stage
        for t in range(steps):
            k, step = np.zeros(n), np.zeros(n)
            for stage, at in enumerate((0, h / 2, h / 2, h)):
                seen[t, stage, 1:] = y[:-1] + at * k[:-1]
                k = x * seen[t, stage]
                step += weights[stage] * k
            y += step
        g = 2 * y if whole else np.zeros(n)
        if not whole:
            g[-1] = 1
        d_x = np.zeros(n)
        for t in reversed(range(steps)):
            d_k, d_y = weights[3] * g, g
            for stage, at in ((3, h), (2, h / 2), (1, h / 2), (0, 0.0)):
                d_x += d_k * seen[t, stage]
                inner = np.zeros(n)
                inner[:-1] = d_k[1:] * x[1:]
                d_y = d_y + inner
                if stage:
                    d_k = weights[stage - 1] * g + at * inner
            g = d_y
        return (np.sum(y * y) if whole else y[-1]), d_x

    x = drawn(n, earlier(ODE, (n, steps), lambda size: size[0])) + (0.5 if whole else 0)
    return Problem(last, (x,), (np.ones(1), np.zeros(n)), by_hand)


@OBJECTIVES.recipe("llsq_n16392", {"n": 20, "m": 4}, n=16392)
@OBJECTIVES.recipe("llsq_n1024", {"n": 20, "m": 4}, n=1024)
def llsq(rng: np.random.Generator, n: int, m: int = 128) -> Problem:
    """A polynomial with m coefficients fitted to the sign function at n points."""

    def loss(xp: Any, x: Any, V: Any, target: Any) -> Any:
        r = target - V @ x
        return 0.5 * xp.sum(r * r)

    def by_hand(x: Array, V: Array, target: Array) -> Results:
        r = V @ x - target
        return 0.5 * (r @ r), r @ V

    t = -1 + np.arange(n) * 2.0 / (n - 1)
    x = drawn(m, earlier(LLSQ, n, lambda _: m))
    return Problem(loss, (x,), (np.vander(t, m, increasing=True), np.sign(t)), by_hand)


@OBJECTIVES.recipe("det_7", {"n": 4}, n=7)
@OBJECTIVES.recipe("det_6", {"n": 3}, n=6)
@OBJECTIVES.recipe("det_5", {"n": 3}, n=5)
def det(rng: np.random.Generator, n: int) -> Problem:
    """Expansion of a determinant along first rows: about e·n! scalar operations. By hand: det A times A⁻ᵀ."""

    def expansion(xp: Any, A: Any) -> Any:
        def minor(row: int, columns: tuple[int, ...]) -> Any:
            if len(columns) == 1:
                return A[row, columns[0]]
            total: Any = 0.0
            for j, column in enumerate(columns):
                term = A[row, column] * minor(row + 1, columns[:j] + columns[j + 1 :])
                total = total - term if j % 2 else total + term
            return total

        return minor(0, tuple(range(n)))

    def by_hand(A: Array) -> Results:
        value = np.linalg.det(A)
        return value, value * np.linalg.inv(A).T

    before = earlier(range(5, 12), n, lambda size: size * size)
    return Problem(expansion, (drawn(n * n, before).reshape(n, n),), (), by_hand)


@OBJECTIVES.recipe("kmeans_k100_n10000_d16", {"k": 3, "n": 20, "d": 2}, k=100, n=10_000, d=16)
@OBJECTIVES.recipe("kmeans_k100_n1000_d16", {"k": 3, "n": 20, "d": 2}, k=100, n=1000, d=16)
def kmeans(rng: np.random.Generator, k: int, n: int, d: int) -> Problem:
    """The sum of squared distances to the nearest of k centroids."""

    def loss(xp: Any, centroids: Any, points: Any, norms: Any) -> Any:
        distance = norms - 2.0 * (points @ xp.transpose(centroids, (1, 0))) + xp.sum(centroids * centroids, axis=1)
        return xp.sum(xp.min(distance, axis=1))

    def by_hand(centroids: Array, points: Array, norms: Array) -> Results:
        distance = norms - 2.0 * (points @ centroids.T) + np.sum(centroids * centroids, axis=1)
        nearest = distance.argmin(axis=1)
        sums = np.stack([np.bincount(nearest, column, k) for column in points.T], axis=1)
        counts = np.bincount(nearest, minlength=k)[:, None]
        return distance[np.arange(n), nearest].sum(), 2 * (counts * centroids - sums)

    points = drawn(n * d, earlier(KMEANS, (k, n, d), lambda size: size[1] * size[2])).reshape(n, d)
    norms = np.sum(points * points, axis=1, keepdims=True)
    return Problem(loss, (points[-k:].copy(),), (points, norms), by_hand)


@OBJECTIVES.recipe("lse_n1280000", {"n": 20}, n=1_280_000)
@OBJECTIVES.recipe("lse_n2500", {"n": 20}, n=2500)
def lse(rng: np.random.Generator, n: int) -> Problem:
    """The logarithm of a sum of exponentials."""

    def value(xp: Any, x: Any) -> Any:
        m = xp.max(x)
        return m + xp.log(xp.sum(xp.exp(x - m)))

    def by_hand(x: Array) -> Results:
        m = x.max()
        e = np.exp(x - m)
        total = e.sum()
        e /= total
        return m + np.log(total), e

    return Problem(value, (drawn(n, earlier(LSE, n, int)),), (), by_hand)
