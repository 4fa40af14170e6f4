"""The self-check of exported modules; `export.py` prints what follows the tables below into them."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,var-annotated"

import numpy as np

CHECKED_INPUTS = []
CHECKED_OUTPUTS = []
CHECKED_GRADIENTS = []


def FUNCTION(*values):  # noqa: N802
    """Stands for the exported function."""
    return values


def _flat(result):
    """The arrays of a result in order."""
    if isinstance(result, dict):
        result = tuple(result.values())
    if not isinstance(result, tuple):
        return [np.asarray(result)]
    return [array for part in result for array in _flat(part)]


def _sample(seed):
    """Inputs between 0.2 and 0.8; integers 0 or 1."""
    rng = np.random.default_rng(seed)
    values = []
    for _, shape, dtype in CHECKED_INPUTS:
        if np.dtype(dtype).kind in "fc":
            values.append(rng.uniform(0.2, 0.8, shape).astype(dtype))
        else:
            values.append(rng.integers(0, 2, shape).astype(dtype))
    return values


def _call(inputs):
    """The results for copies of the inputs."""
    values = [x.copy() for x in inputs]
    return _flat(FUNCTION(*values))


def _gradient_error(inputs, place, loss, variable, rng):
    """The largest relative error of a gradient along three random directions."""
    x = inputs[variable]
    double = x.dtype.itemsize >= 8
    h, worst = (1e-5, 0.0) if double else (1e-2, 0.0)
    gradient = _call(inputs)[place]
    for _ in range(3):
        v = rng.standard_normal(x.shape)
        ends = []
        for shift in (h, -h):
            moved = list(inputs)
            moved[variable] = (x + shift * v).astype(x.dtype)
            ends.append(float(_call(moved)[loss]))
        numeric = (ends[0] - ends[1]) / (2 * h)
        error = abs(numeric - np.sum(gradient * v)) / (1 + abs(numeric))
        worst = max(worst, float(error)) if np.isfinite(error) else np.inf
    return worst, 1e-6 if double else 3e-2


def _run_self_check():
    """Print one line per check; 0 when all hold, else 1."""
    inputs, failed = _sample(0), 0
    for (name, shape, dtype), array in zip(CHECKED_OUTPUTS, _call(inputs), strict=True):
        good = array.shape == shape and array.dtype == dtype
        failed += not good
        print(f"{'ok  ' if good else 'FAIL'} {name}: {array.dtype}{list(array.shape)}")
    rng = np.random.default_rng(1)
    for place, loss, variable in CHECKED_GRADIENTS:
        error, limit = _gradient_error(inputs, place, loss, variable, rng)
        failed += not error <= limit
        mark = "ok  " if error <= limit else "FAIL"
        print(f"{mark} d {CHECKED_OUTPUTS[loss][0]} / d {CHECKED_INPUTS[variable][0]}: error {error:.1e}")
    return int(failed > 0)
