"""Each example runs with a small budget, learns something, and draws its figures."""

import ast

import numpy as np
import pytest
from example_budgets import BUDGETS, FOLDER, PLAIN, SHARED, run

NAMES = sorted(p.stem for p in FOLDER.glob("*.py"))


def learned_batch_norm_study(found):
    return found["with"] > 0.85 > 0.3 > found["without"] and found["gradient with"] > 100 * found["gradient without"]


def learned_char_rnn(found):
    bits, _ = found
    return bits < 2.5  # letters by their frequency cost 4.0


def learned_digits_mlp(accuracy):
    return accuracy > 0.9


def learned_initialization_study(factors):
    (shrunk, shrunk_back), (kept, kept_back) = factors["tanh, normal 0.01"], factors["relu, He"]
    return max(shrunk, shrunk_back) < 1e-3 and all(0.3 < f < 3 for f in (kept, kept_back))


def learned_lenet(accuracy):
    return accuracy > 0.8


def learned_logistic_newton(found):
    newton, descent, accuracy = found
    return newton[-1] < 1e-3 * newton[0] and newton[-1] < 0.1 * descent[-1] and accuracy > 0.9


def learned_optimizer_race(distances):
    ranks = sorted(distances.values())
    return len(ranks) == 8 and ranks[3] < 0.5 and ranks[-1] < 2  # 2.3 at first


def learned_physics_informed(errors):
    by_adam, error = errors
    return error < 0.1 and error < 0.5 * by_adam < 0.5


def learned_small_transformer(found):
    _, losses = found
    return np.mean(losses[-5:]) < 0.75 * losses[0]


def learned_tabular(found):
    return found["wine"] > 0.9 and found["cancer"] > 0.9 and found["diabetes"] > 0.1


def learned_tied_digits(found):
    error, components = found
    return components < error < 0.03  # 0.07 is the variance of a pixel


def learned_universal_approximation(errors):
    return errors[64] < 0.5 * errors[1]


def learned_vae(found):
    loss, accuracy = found
    return loss < 32 and accuracy > 0.3  # a guess is right for one of ten


@pytest.mark.parametrize("name", sorted(BUDGETS))
def test_it_learns_and_draws(name, tmp_path, capsys):
    found = run(name, tmp_path)
    assert globals()[f"learned_{name}"](found), found
    shown = capsys.readouterr().out
    drawn = sorted(tmp_path.iterdir())
    assert drawn
    for path in drawn:
        assert path.name in shown
        assert path.stat().st_size > 5000
        assert path.read_bytes()[:4] in (b"\x89PNG", b"GIF8")


def test_every_example_is_known():
    assert set(NAMES) == {*BUDGETS, *PLAIN, *SHARED}


@pytest.mark.parametrize("name", sorted(set(NAMES) - SHARED))
def test_it_says_how_to_run_it_and_checks_itself(name):
    text = (FOLDER / f"{name}.py").read_text()
    tree = ast.parse(text)
    assert f"Run: python examples/{name}.py" in ast.get_docstring(tree)
    assert any(isinstance(n, ast.Assert) for n in ast.walk(tree))
    assert len(text.splitlines()) <= 200
