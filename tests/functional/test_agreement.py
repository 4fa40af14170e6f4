"""Functions written for NumPy, run on graphad: the same values, shapes and dtypes, and right gradients.

A row is a function of (xp, *arrays) and the shapes of its arrays. It runs with xp = numpy on arrays and with
xp = graphad on nodes, with sizes written out and with the first size named where the row says so.
"""

from typing import Any, NamedTuple

import numpy as np
import pytest
from support import directional

import graphad as ga


class Row(NamedTuple):
    call: Any
    shapes: tuple[tuple[int, ...], ...]
    named: bool = False
    smooth: bool = True


def row(call, *shapes, named=False, smooth=True):
    return Row(call, shapes, named, smooth)


_MASK = np.array([[True, False, True], [False, True, True]])
_PICK = np.array([[0, 2], [1, 1]])
ROWS = {
    # reductions
    "sum where": row(lambda xp, x: xp.sum(x, axis=1, where=_MASK), (2, 3)),
    "sum initial": row(lambda xp, x: xp.sum(x, axis=0, initial=2.5, keepdims=True), (2, 3), named=True),
    "sum dtype": row(lambda xp, x: xp.sum(x, dtype="float32"), (2, 3), smooth=False),
    "prod where": row(lambda xp, x: xp.prod(x, where=_MASK, initial=3.0), (2, 3)),
    "max where": row(lambda xp, x: xp.max(x, axis=0, where=_MASK, initial=-1.0), (2, 3)),
    "max initial empty": row(lambda xp, x: xp.max(x, axis=0, initial=-1.0), (0, 3)),
    "min initial": row(lambda xp, x: xp.min(x, initial=0.1), (2, 3)),
    "mean where": row(lambda xp, x: xp.mean(x, axis=1, where=_MASK), (2, 3)),
    "all": row(lambda xp, x: xp.all(x > 0, axis=1), (2, 3), named=True, smooth=False),
    "any": row(lambda xp, x: xp.any(x > 1, keepdims=True), (2, 3), named=True, smooth=False),
    "count_nonzero": row(lambda xp, x: xp.count_nonzero(x > 0, axis=0), (2, 3), named=True, smooth=False),
    "nansum": row(lambda xp, x: xp.nansum(xp.where(x > 0, x, np.nan), axis=0), (4, 3), named=True),
    "nanmean": row(lambda xp, x: xp.nanmean(xp.where(_MASK, x, np.nan), axis=1), (2, 3)),
    "nanmax": row(lambda xp, x: xp.nanmax(xp.where(_MASK, x, np.nan), axis=0), (2, 3)),
    "nanmin": row(lambda xp, x: xp.nanmin(xp.where(_MASK, x, np.nan)), (2, 3)),
    "nanprod": row(lambda xp, x: xp.nanprod(xp.where(_MASK, x, np.nan), axis=0), (2, 3)),
    "var": row(lambda xp, x: xp.var(x, axis=0, ddof=1), (4, 3), named=True),
    "var where": row(lambda xp, x: xp.var(x, axis=1, where=_MASK), (2, 3)),
    "var mean": row(lambda xp, x: xp.var(x, axis=0, mean=xp.mean(x, axis=0, keepdims=True)), (4, 3), named=True),
    "std where ddof": row(lambda xp, x: xp.std(x, where=x > -1, ddof=1, keepdims=True), (4, 3), named=True),
    "nanvar": row(lambda xp, x: xp.nanvar(xp.where(x > -1, x, np.nan), axis=0, ddof=1), (6, 3), named=True),
    "nanstd": row(lambda xp, x: xp.nanstd(xp.where(_MASK, x, np.nan), where=x < 1.5), (2, 3)),
    "nansum where": row(lambda xp, x: xp.nansum(xp.where(x > 0, x, np.nan), where=_MASK, initial=2.0), (2, 3)),
    "nanprod initial": row(lambda xp, x: xp.nanprod(xp.where(_MASK, x, np.nan), axis=0, initial=2.0), (2, 3)),
    "nanmean where": row(lambda xp, x: xp.nanmean(xp.where(_MASK, x, np.nan), where=x < 1.5), (2, 3)),
    "nanmax initial": row(lambda xp, x: xp.nanmax(xp.where(_MASK, x, np.nan), axis=0, initial=0.5), (2, 3)),
    "std": row(lambda xp, x: xp.std(x, axis=(0, 1), keepdims=True), (4, 3), named=True),
    "ptp": row(lambda xp, x: xp.ptp(x, axis=0), (4, 3), named=True),
    "median odd": row(lambda xp, x: xp.median(x, axis=0), (5, 3)),
    "median even": row(lambda xp, x: xp.median(x, axis=1, keepdims=True), (3, 4)),
    "quantile": row(lambda xp, x: xp.quantile(x, 0.3, axis=0), (5, 3)),
    "quantiles": row(lambda xp, x: xp.quantile(x, [0.0, 0.25, 1.0], axis=1), (3, 5)),
    "quantile lower": row(lambda xp, x: xp.quantile(x, 0.4, method="lower"), (7,)),
    "quantile median_unbiased": row(lambda xp, x: xp.quantile(x, 0.4, method="median_unbiased"), (7,)),
    "quantile averaged": row(lambda xp, x: xp.quantile(x, [0.4, 0.5], method="averaged_inverted_cdf"), (5,)),
    "quantile inverted": row(lambda xp, x: xp.quantile(x, 0.4, axis=0, method="inverted_cdf"), (5, 2), named=True),
    "quantile closest": row(lambda xp, x: xp.quantile(x, 0.3, axis=0, method="closest_observation"), (5, 2)),
    "percentile": row(lambda xp, x: xp.percentile(x, 35, axis=0), (5, 3)),
    "average": row(lambda xp, x, w: xp.average(x, axis=0, weights=w), (4, 3), (4,), named=True),
    "average all": row(lambda xp, x: xp.average(x), (4, 3), named=True),
    "average axes": row(lambda xp, x, w: xp.average(x, axis=(2, 0), weights=w), (2, 3, 4), (4, 2)),
    "cumsum flat": row(lambda xp, x: xp.cumsum(x), (2, 3), named=True),
    "cumprod axis": row(lambda xp, x: xp.cumprod(x, axis=-1), (2, 3), named=True),
    "cumulative_sum": row(lambda xp, x: xp.cumulative_sum(x, axis=0, include_initial=True), (2, 3), named=True),
    "cumulative_prod": row(lambda xp, x: xp.cumulative_prod(x), (4,), named=True),
    "cov": row(lambda xp, x: xp.cov(x), (3, 5)),
    "cov two": row(lambda xp, x, y: xp.cov(x, y, bias=True), (5,), (5,)),
    "cov rowvar": row(lambda xp, x: xp.cov(x, rowvar=False, ddof=0), (5, 2), named=True),
    "corrcoef": row(lambda xp, x: xp.corrcoef(x), (3, 5)),
    # layout
    "ravel order": row(lambda xp, x: xp.ravel(x), (2, 3), named=True),
    "ravel columns": row(lambda xp, x: xp.ravel(x, order="F"), (2, 3), named=True),
    "reshape columns": row(lambda xp, x: xp.reshape(x, (-1, 2), order="F"), (2, 3, 4), named=True),
    "reshape method": row(lambda xp, x: x.reshape(3, -1, order="F"), (2, 3)),
    "concatenate flat": row(lambda xp, x, y: xp.concatenate([x, y], axis=None), (2, 3), (2,), named=True),
    "concatenate dtype": row(lambda xp, x: xp.concatenate([x, x], dtype="float32"), (2, 3), smooth=False),
    "concatenate parts": row(lambda xp, x: xp.concatenate(x), (2, 3)),
    "stack parts": row(lambda xp, x: xp.stack(x, axis=1), (2, 3)),
    "vstack parts": row(lambda xp, x: xp.vstack(x), (2, 3)),
    "outer ufunc": row(lambda xp, x, y: np.subtract.outer(x, y), (2, 3), (2,), named=True),
    "broadcast_arrays": row(lambda xp, x, y: sum(xp.broadcast_arrays(x, y)), (2, 1), (3,)),
    "atleast_1d": row(lambda xp, x: xp.atleast_1d(x), ()),
    "atleast_2d": row(lambda xp, x: xp.atleast_2d(x), (3,), named=True),
    "atleast_3d": row(lambda xp, x: xp.atleast_3d(x), (2, 3), named=True),
    "append": row(lambda xp, x, y: xp.append(x, y, axis=0), (2, 3), (1, 3), named=True),
    "append flat": row(lambda xp, x, y: xp.append(x, y), (2, 3), (2,), named=True),
    "hstack": row(lambda xp, x, y: xp.hstack([x, y]), (2, 3), (2, 1), named=True),
    "hstack vectors": row(lambda xp, x, y: xp.hstack([x, y]), (2,), (3,), named=True),
    "vstack": row(lambda xp, x, y: xp.vstack([x, y]), (3,), (3,)),
    "dstack": row(lambda xp, x, y: xp.dstack([x, y]), (2, 3), (2, 3)),
    "column_stack": row(lambda xp, x, y: xp.column_stack([x, y]), (3,), (3, 2)),
    "block": row(lambda xp, x, y: xp.block([[x, np.zeros((2, 1))], [np.ones((1, 3)), y]]), (2, 3), (1, 1)),
    "array_split": row(lambda xp, x: xp.array_split(x, 3)[1], (5, 2)),
    "hsplit": row(lambda xp, x: xp.hsplit(x, 2)[1], (2, 4), named=True),
    "vsplit": row(lambda xp, x: xp.vsplit(x, [1])[1], (3, 2), named=True),
    "dsplit": row(lambda xp, x: xp.dsplit(x, 2)[0], (2, 2, 4), named=True),
    "unstack": row(lambda xp, x: xp.unstack(x, axis=1)[2], (2, 3), named=True),
    "tile": row(lambda xp, x: xp.tile(x, (2, 1, 3)), (2, 3), named=True),
    "tile scalar": row(lambda xp, x: xp.tile(x, 2), ()),
    "repeat": row(lambda xp, x: xp.repeat(x, 3, axis=0), (2, 3), named=True),
    "repeat counts": row(lambda xp, x: xp.repeat(x, [2, 0, 1], axis=1), (2, 3), named=True),
    "repeat flat": row(lambda xp, x: xp.repeat(x, 2), (2, 3), named=True),
    "meshgrid": row(lambda xp, x, y: xp.meshgrid(x, y, indexing="ij")[0] + xp.meshgrid(x, y)[1].T, (2,), (3,)),
    "flip": row(lambda xp, x: xp.flip(x, axis=(0, 1)), (2, 3), named=True),
    "fliplr": row(lambda xp, x: xp.fliplr(x), (2, 3), named=True),
    "roll": row(lambda xp, x: xp.roll(x, -2), (2, 3)),
    "roll axis": row(lambda xp, x: xp.roll(x, 1, axis=0), (4, 3), named=True),
    "roll axes": row(lambda xp, x: xp.roll(x, (1, 2), axis=(0, 1)), (4, 3)),
    "rot90": row(lambda xp, x: xp.rot90(x), (2, 3), named=True),
    "rot90 twice": row(lambda xp, x: xp.rot90(x, 2, axes=(1, 2)), (2, 3, 2), named=True),
    "rot90 thrice": row(lambda xp, x: xp.rot90(x, 3), (2, 3), named=True),
    "rollaxis": row(lambda xp, x: xp.rollaxis(x, 2, 0), (2, 3, 4), named=True),
    "moveaxis": row(lambda xp, x: xp.moveaxis(x, [0, 1], [-1, 0]), (2, 3, 4), named=True),
    "diag": row(lambda xp, x: xp.diag(x, 1), (3,), named=True),
    "diag of matrix": row(lambda xp, x: xp.diag(x, -1), (3, 4)),
    "diagflat": row(lambda xp, x: xp.diagflat(x, -1), (2, 2)),
    "diagonal": row(lambda xp, x: xp.diagonal(x, 1, 0, 2), (3, 2, 4)),
    "trace": row(lambda xp, x: xp.trace(x, offset=-1), (3, 4)),
    "trace axes": row(lambda xp, x: xp.trace(x, axis1=1, axis2=2), (2, 3, 3), named=True),
    "trace dtype": row(lambda xp, x: xp.trace(x, dtype="float32"), (3, 3), smooth=False),
    "tril": row(lambda xp, x: xp.tril(x, -1), (3, 4), named=True),
    "triu stack": row(lambda xp, x: xp.triu(x, 1), (2, 3, 3), named=True),
    "pad": row(lambda xp, x: xp.pad(x, ((1, 0), (2, 3)), constant_values=7.0), (2, 3), named=True),
    "pad values": row(lambda xp, x: xp.pad(x, 1, constant_values=((1, 2), (3, 4))), (2, 3)),
    "pad edge": row(lambda xp, x: xp.pad(x, ((2, 1), (0, 2)), mode="edge"), (2, 3), named=True),
    "pad reflect": row(lambda xp, x: xp.pad(x, ((1, 2), (3, 0)), mode="reflect"), (4, 5)),
    "pad reflect far": row(lambda xp, x: xp.pad(x, 7, mode="reflect"), (3,)),
    "pad wrap": row(lambda xp, x: xp.pad(x, (2, 1), mode="wrap"), (4,)),
    "pad wrap far": row(lambda xp, x: xp.pad(x, 8, mode="wrap"), (3,)),
    "pad symmetric": row(lambda xp, x: xp.pad(x, 2, mode="symmetric"), (3, 4)),
    "pad odd": row(lambda xp, x: xp.pad(x, (2, 1), mode="reflect", reflect_type="odd"), (4,), named=True),
    "pad odd far": row(lambda xp, x: xp.pad(x, (7, 9), mode="symmetric", reflect_type="odd"), (3,)),
    "pad ramp": row(lambda xp, x: xp.pad(x, (2, 3), mode="linear_ramp", end_values=(1, 5)), (3, 2), named=True),
    "pad mean": row(lambda xp, x: xp.pad(x, 1, mode="mean", stat_length=((1, 2), (2, 1))), (3, 2), named=True),
    "pad maximum": row(lambda xp, x: xp.pad(x, 2, mode="maximum"), (3, 2), named=True),
    "pad minimum": row(lambda xp, x: xp.pad(x, {-1: (1, 2)}, mode="minimum", stat_length=2), (3, 2), named=True),
    "pad median": row(lambda xp, x: xp.pad(x, ((1, 0), (0, 2)), mode="median"), (3, 3)),
    "pad scalar": row(lambda xp, x: xp.pad(x, 1), ()),
    # indexing and order
    "take": row(lambda xp, x: xp.take(x, _PICK, axis=1), (2, 3), named=True),
    "take wrap": row(lambda xp, x: xp.take(x, [7, -8, 2], mode="wrap"), (2, 3)),
    "take clip": row(lambda xp, x: xp.take(x, [7, -8, 2], axis=0, mode="clip"), (2, 3)),
    "take_along_axis": row(lambda xp, x: xp.take_along_axis(x, _PICK, axis=1), (2, 3)),
    "take_along_axis flat": row(lambda xp, x: xp.take_along_axis(x, np.array([5, 0]), axis=None), (2, 3)),
    "choose": row(lambda xp, x, y: xp.choose(np.array([1, 0, 1]), [x, y]), (3,), (3,)),
    "choose wrap": row(lambda xp, x, y: xp.choose(np.array([3, -1, 0]), [x, y], mode="wrap"), (3,), ()),
    "compress": row(lambda xp, x: xp.compress([False, True], x, axis=0), (2, 3)),
    "extract": row(lambda xp, x: xp.extract(_MASK, x), (2, 3)),
    "select": row(lambda xp, x: xp.select([x > 1, x > 0], [x**2, x**3], -x), (2, 3), named=True),
    "sort": row(lambda xp, x: xp.sort(x, axis=0), (4, 3), named=True),
    "sort flat": row(lambda xp, x: xp.sort(x, axis=None), (2, 3)),
    "sort half": row(lambda xp, x: xp.sort(x, axis=1)[:, ::2] ** 2, (2, 5), named=True),
    "argsort": row(lambda xp, x: xp.argsort(x, axis=1), (2, 5), named=True, smooth=False),
    "partition": row(lambda xp, x: xp.partition(x, 2)[2], (5,)),
    "searchsorted": row(lambda xp, x: xp.searchsorted(np.arange(-2.0, 3), x, side="right"), (2, 3), smooth=False),
    "interp": row(lambda xp, x, f: xp.interp(x, np.array([-1.0, 0.0, 2.0]), f), (2, 3), (3,)),
    "interp ends": row(lambda xp, x, f: xp.interp(x, np.array([0.0, 0.5]), f, left=-3.0, right=9.0), (6,), (2,)),
    "interp period": row(lambda xp, x, f: xp.interp(x, np.array([0.1, 2.0, 1.0]), f, period=2.5), (6,), (3,)),
    "advanced": row(lambda xp, x: x[:, _PICK, None, 1], (2, 3, 4), named=True),
    "ellipsis": row(lambda xp, x: x[..., ::-2, np.newaxis], (2, 3, 4), named=True),
    "mask": row(lambda xp, x: x[_MASK, 1:], (2, 3, 4)),
    # products
    "vdot": row(lambda xp, x, y: xp.vdot(x, y), (2, 3), (2, 3), named=True),
    "vecdot": row(lambda xp, x, y: xp.vecdot(x, y, axis=0), (3, 2), (3, 1), named=True),
    "matvec": row(lambda xp, x, y: xp.matvec(x, y), (2, 3, 4), (4,), named=True),
    "vecmat": row(lambda xp, x, y: xp.vecmat(x, y), (2, 3), (2, 3, 4), named=True),
    "kron": row(lambda xp, x, y: xp.kron(x, y), (2, 3), (2, 2)),
    "kron ranks": row(lambda xp, x, y: xp.kron(x, y), (3,), (2, 2)),
    "cross": row(lambda xp, x, y: xp.cross(x, y), (2, 3), (3,), named=True),
    "cross axis": row(lambda xp, x, y: xp.cross(x, y, axis=0), (3, 2), (3, 2)),
    "convolve": row(lambda xp, x, y: xp.convolve(x, y), (5,), (3,), named=True),
    "convolve same": row(lambda xp, x, y: xp.convolve(x, y, "same"), (3,), (6,)),
    "convolve valid": row(lambda xp, x, y: xp.convolve(x, y, mode="valid"), (5,), (3,), named=True),
    "correlate full": row(lambda xp, x, y: xp.correlate(x, y, "full"), (3,), (5,)),
    "correlate same": row(lambda xp, x, y: xp.correlate(x, y, "same"), (3,), (6,)),
    "correlate valid": row(lambda xp, x, y: xp.correlate(x, y), (6,), (3,)),
    "polyval": row(lambda xp, p, x: xp.polyval(p, x), (4,), (2, 3)),
    "polyval named": row(lambda xp, p, x: xp.polyval(p, x), (4,), (2, 3), named=True),
    "polyval named at a point": row(lambda xp, p, x: xp.polyval(p, x), (4,), (), named=True),
    "vander": row(lambda xp, x: xp.vander(x, 3, increasing=True), (4,), named=True),
    "multi_dot": row(lambda xp, x, y, z: xp.linalg.multi_dot([x, y, z]), (2, 5), (5, 3), (3, 4), named=True),
    "tensordot": row(lambda xp, x, y: xp.tensordot(x, y, axes=([0, 2], [1, 0])), (2, 3, 4), (4, 2)),
    "einsum": row(lambda xp, x, y: xp.einsum("i...j,jk->...ik", x, y), (2, 3, 4), (4, 2), named=True),
    "einsum diagonal": row(lambda xp, x: xp.einsum("iij->j", x), (3, 3, 2)),
    "einsum lists": row(lambda xp, x, y: xp.einsum(x, [..., 0], y, [0, 1], [1, ...]), (2, 3), (3, 4), named=True),
    "einsum lists implicit": row(lambda xp, x, y: xp.einsum(x, [1, 0], y, [0], optimize=True), (2, 3), (3,)),
    # calculus
    "diff": row(lambda xp, x: xp.diff(x, axis=0), (4, 3), named=True),
    "diff twice": row(lambda xp, x: xp.diff(x, n=2), (2, 5)),
    "diff prepend": row(lambda xp, x: xp.diff(x, prepend=1.0, append=[2.0, 3.0]), (4,)),
    "trapezoid": row(lambda xp, y, x: xp.trapezoid(y, x, axis=0), (4, 3), (4, 1)),
    "trapezoid dx": row(lambda xp, y: xp.trapezoid(y, dx=0.5), (3, 4), named=True),
    "gradient": row(lambda xp, x: xp.gradient(x), (5,)),
    "gradient axes": row(lambda xp, x: xp.gradient(x, 0.5, 2.0)[1], (3, 4)),
    "gradient turned": row(lambda xp, x: xp.gradient(x, 0.5, 2.0, axis=(1, 0))[0], (3, 4), named=True),
    "gradient uneven": row(lambda xp, x: xp.gradient(x, np.array([0.0, 1.0, 3.0, 3.5]), edge_order=2), (4,)),
    # elementwise corners
    "arctan2": row(lambda xp, x, y: xp.arctan2(x, y), (2, 3), (3,), named=True),
    "divmod": row(lambda xp, x: xp.divmod(x, 0.7)[1], (2, 3), named=True),
    "modf": row(lambda xp, x: xp.modf(x)[0], (2, 3), named=True),
    "nan_to_num": row(lambda xp, x: xp.nan_to_num(xp.where(x > 0, x, np.inf), posinf=3.0), (2, 3), named=True),
    "clip": row(lambda xp, x: xp.clip(x, -0.5, None), (2, 3), named=True),
    "clip keywords": row(lambda xp, x: xp.clip(x, a_min=-0.5, a_max=1.0), (2, 3), named=True),
    "clip nothing": row(lambda xp, x: xp.clip(x), (2, 3), named=True),
    "float_power": row(lambda xp, x: xp.float_power(xp.abs(x), 1.5), (2, 3), named=True),
    "heaviside": row(lambda xp, x: xp.heaviside(x, 0.5) * x, (2, 3), named=True),
    "copysign": row(lambda xp, x, y: xp.copysign(x, y), (2, 3), (3,), named=True),
    "angle": row(lambda xp, x, y: xp.angle(x + 1j * y), (2, 3), (2, 3), named=True),
    "linspace": row(lambda xp, x, y: xp.linspace(x, y, 4), (3,), (3,)),
    "linspace open": row(lambda xp, x, y: xp.linspace(x, y, 4, endpoint=False, retstep=True)[0], (), ()),
    "logspace": row(lambda xp, x, y: xp.logspace(x, y, 3, base=2.0), (), ()),
    "geomspace": row(lambda xp, x: xp.geomspace(x * x + 1, 7.0, 4), ()),
    "isclose": row(lambda xp, x, y: xp.isclose(x, y, atol=1.0), (2, 3), (3,), named=True, smooth=False),
    "tri": row(lambda xp, x: x * xp.tri(3, 4, 1), (3, 4)),
}


def arrays(spec, dtype="float64"):
    rng = np.random.default_rng(5)
    return [
        (rng.permutation(np.linspace(-2, 2, int(np.prod(s)) + 1))[1:].reshape(s) + 0.013).astype(dtype) for s in spec
    ]


def declare(spec, values, named):
    """Inputs; the first axis of the first one is named, and each axis that it shares with others in first place."""
    n = spec[0][0] if named else None
    return [
        ga.input(
            f"x{k}", shape=tuple("n" if named and i == 0 and d == n else d for i, d in enumerate(s)), dtype=v.dtype
        )
        for k, (s, v) in enumerate(zip(spec, values, strict=True))
    ]


def check(call, spec, values, named):
    inputs = declare(spec, values, named)
    want = np.asarray(call(np, *values))
    got = ga.compile(inputs, call(ga, *inputs))(*values)
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    np.testing.assert_allclose(
        got, want, rtol=1e-5 if want.dtype == np.float32 else 1e-12, atol=1e-6 if want.dtype == np.float32 else 1e-12
    )


@pytest.mark.parametrize("name", ROWS)
def test_values_shapes_and_dtypes(name):
    call, spec, named, _ = ROWS[name]
    check(call, spec, arrays(spec), False)
    if named:
        check(call, spec, arrays(spec), True)


# NumPy computes these in float64 whatever comes in; here float32 stays.
FLOAT64_IN_NUMPY = {
    "quantiles",
    "quantile averaged",
    "geomspace",
    "vander",
    "interp",
    "interp ends",
    "interp period",
    "polyval",
    "polyval named",
    "polyval named at a point",
    "cov",
    "cov two",
    "cov rowvar",
    "corrcoef",
}


@pytest.mark.parametrize("name", [n for n in ROWS if n not in FLOAT64_IN_NUMPY])
def test_float32_as_in_numpy(name):
    call, spec, _, _ = ROWS[name]
    check(call, spec, arrays(spec, "float32"), False)


@pytest.mark.parametrize("name", [n for n in ROWS if ROWS[n].smooth])
def test_gradients_against_differences(name):
    call, spec, named, _ = ROWS[name]
    values = arrays(spec)
    rng = np.random.default_rng(1)
    for names in {False, named}:
        inputs = declare(spec, values, names)
        result = call(ga, *inputs)
        loss = ga.sum(ga.sin(result)) + ga.sum(result**2)
        gradients = ga.grad(loss, inputs)
        v = [rng.standard_normal(x.shape) for x in values]
        first = ga.compile(inputs, loss)
        slope = sum(np.sum(g * d) for g, d in zip(ga.compile(inputs, gradients)(*values), v, strict=True))
        np.testing.assert_allclose(slope, directional(first, values, v), rtol=1e-6, atol=1e-8)
        again = sum(ga.sum(g**2) for g in gradients)
        second = ga.compile(inputs, ga.grad(again, inputs))(*values)
        curve = sum(np.sum(g * d) for g, d in zip(second, v, strict=True))
        np.testing.assert_allclose(curve, directional(ga.compile(inputs, again), values, v), rtol=1e-5, atol=1e-6)
