"""gmm of ADBench and GradBench: log posterior of a mixture of Gaussians with full covariances and a Wishart prior."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.problem import OBJECTIVES, Array, Problem, Results


def lower_triangle(d: int) -> tuple[Array, Array]:
    """Rows and columns of the entries below the diagonal, column by column."""
    columns, rows = np.triu_indices(d, 1)
    return rows, columns


def wishart(count: int, d: int, gamma: float, m: int) -> float:
    """The constant of the prior, for all components."""
    n = d + m + 1
    gammas = 0.25 * d * (d - 1) * math.log(math.pi) + sum(math.lgamma(0.5 * (n - j)) for j in range(d))
    return count * (n * d * math.log(gamma / math.sqrt(2)) - gammas)


def problem(params: tuple[Array, ...], X: Array, gamma: float, m: int, sign: int) -> Problem:
    """Weights alpha (K,), means (K, d), log diagonals and lower triangles icf (K, d + d(d-1)/2).

    ``sign`` is that of the prior: 1 in ADBench, -1 in GradBench.
    """
    count, d = params[1].shape
    n = len(X)
    rows, columns = lower_triangle(d)
    place, inside = np.zeros((d, d), int), np.zeros((d, d))
    place[rows, columns] = np.arange(len(rows))
    inside[rows, columns] = 1
    constant = -0.5 * n * d * math.log(2 * math.pi) - sign * wishart(count, d, gamma, m)

    def log_posterior(xp: Any, alpha: Any, means: Any, icf: Any, X: Any, inside: Any, place: Any) -> Any:
        logs, entries = icf[:, :d], icf[:, d:]
        diagonal, total = xp.exp(logs), xp.sum(logs, axis=1)
        c = xp.reshape(X, (n, 1, d)) - means
        Qc = diagonal * c + xp.einsum("kij,nkj->nki", xp.take(entries, place, axis=1) * inside, c)
        inner = alpha + total - 0.5 * xp.sum(Qc * Qc, axis=2)
        top, best = xp.max(inner, axis=1), xp.max(alpha)
        mixture = xp.sum(xp.log(xp.sum(xp.exp(inner - xp.reshape(top, (n, 1))), axis=1)) + top)
        weights = xp.log(xp.sum(xp.exp(alpha - best))) + best
        prior = 0.5 * gamma**2 * (xp.sum(diagonal * diagonal) + xp.sum(entries * entries)) - m * xp.sum(total)
        return mixture - n * weights + sign * prior + constant

    def by_hand(alpha: Array, means: Array, icf: Array, X: Array, inside: Array, place: Array) -> Results:
        logs, entries = icf[:, :d], icf[:, d:]
        diagonal = np.exp(logs)
        Q = entries[:, place] * inside
        Q[:, np.arange(d), np.arange(d)] = diagonal
        c = X - means[:, None]  # (K, n, d)
        Qc = c @ Q.swapaxes(1, 2)
        inner = (alpha + logs.sum(axis=1))[:, None] - 0.5 * np.einsum("knd,knd->kn", Qc, Qc)
        top = inner.max(axis=0)
        e = np.exp(inner - top)
        total = e.sum(axis=0)
        weights = np.exp(alpha - alpha.max())
        prior = 0.5 * gamma**2 * (np.sum(diagonal**2) + np.sum(entries**2)) - m * logs.sum()
        log_weights = np.log(weights.sum()) + alpha.max()
        value = np.sum(np.log(total) + top) - n * log_weights + sign * prior + constant
        r = e / total
        mass = r.sum(axis=1)
        Qc *= -r[:, :, None]  # the adjoint of Qc
        d_Q = Qc.swapaxes(1, 2) @ c
        d_means = -np.squeeze(Qc.sum(axis=1)[:, None] @ Q, 1)
        d_logs = diagonal * d_Q[:, np.arange(d), np.arange(d)] + mass[:, None]
        d_logs += sign * (gamma**2 * diagonal**2 - m)
        d_entries = d_Q[:, rows, columns] + sign * gamma**2 * entries
        d_alpha = mass - n * weights / weights.sum()
        return value, d_alpha, d_means, np.concatenate([d_logs, d_entries], axis=1)

    return Problem(log_posterior, params, (X, inside, place), by_hand)


def from_file(rng: np.random.Generator, path: Path) -> Problem:
    """A file of ADBench."""
    with path.open() as lines:
        d, count, n = map(int, lines.readline().split())
        numbers = np.array(lines.read().split(), float)
    parts = [(count,), (count, d), (count, d * (d + 1) // 2), (n, d)]
    ends = np.cumsum([math.prod(shape) for shape in parts])
    *params, X, (gamma, m) = np.split(numbers, ends)
    *params, X = (a.reshape(shape) for a, shape in zip([*params, X], parts, strict=True))
    return problem(tuple(params), X, float(gamma), int(m), 1)


@OBJECTIVES.recipe("gmm_d64_K25", {"d": 3, "count": 4, "n": 20}, d=64, count=25)
@OBJECTIVES.recipe("gmm_d20_K25", {"d": 2, "count": 5, "n": 20}, d=20, count=25)
def generated(rng: np.random.Generator, d: int, count: int, n: int = 1000) -> Problem:
    """GradBench's: drawn in the order points, weights, means, diagonals, triangles."""
    rng = np.random.default_rng(31337)
    X, alpha = rng.normal(size=(n, d)), rng.normal(size=count)
    means, logs = rng.uniform(size=(count, d)), rng.normal(size=(count, d))
    entries = rng.normal(size=(count, d * (d - 1) // 2))
    return problem((alpha, means, np.concatenate([logs, entries], axis=1)), X, 1.0, 0, -1)
