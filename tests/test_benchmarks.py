"""The benchmarks build at small sizes, what is written by hand is right, and the runner runs."""

import ast
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # benchmarks/ is no part of the package

import graphad as ga
from benchmarks.catalog import catalog
from benchmarks.figures import Figures
from benchmarks.limits import Work, limits, shared, spent
from benchmarks.plots import draw
from benchmarks.report import digits, page
from benchmarks.rounds import Row, Worker, agree
from benchmarks.run import main
from benchmarks.systems import graphad_system
from benchmarks.systems.namespace import NUMPY
from benchmarks.training import compare
from benchmarks.training.cases import CASES
from benchmarks.training.recorder import FOLDER, record
from benchmarks.worker import Request
from graphad.lower.profile import Row as ProfileRow

CATALOG = catalog()


def in_double(arrays):
    return [a.astype(np.float64) if a.dtype == np.float32 else a for a in arrays]


@pytest.mark.parametrize("name", CATALOG)
def test_by_hand_agrees_with_central_differences(name):
    problem = CATALOG[name].problem(small=True)
    params, consts, directions = map(in_double, (problem.params, problem.consts, problem.directions))
    found = problem.by_hand(*params, *consts, *directions)
    rng, step = np.random.default_rng(1), 1e-5
    if directions:  # differences of the gradient along them are the Hessian's product
        gradient = CATALOG[name.replace("_hvp", "")].problem(small=True).by_hand
        ahead, behind = (
            gradient(*[p + s * v for p, v in zip(params, directions, strict=True)], *consts) for s in (step, -step)
        )
        for product, a, b in zip(found, ahead[1:], behind[1:], strict=True):
            np.testing.assert_allclose(product, (a - b) / (2 * step), rtol=1e-6, atol=1e-9)
        return
    value, *gradients = found
    np.testing.assert_allclose(value, problem.function(NUMPY, *params, *consts), rtol=1e-6)
    for i, gradient in enumerate(gradients):
        assert gradient.shape == params[i].shape
        way = rng.standard_normal(params[i].shape)
        sides = [[p + s * way if k == i else p for k, p in enumerate(params)] for s in (step, -step)]
        ahead, behind = (problem.function(NUMPY, *side, *consts) for side in sides)
        slope = (ahead - behind) / (2 * step)
        scale = np.linalg.norm(gradient) * np.linalg.norm(way)
        assert abs(slope - np.sum(gradient * way)) <= 1e-5 * scale + 1e-9, f"argument {i}"


@pytest.mark.parametrize("name", CATALOG)
@pytest.mark.parametrize("options", [{}, {"style": "readable"}], ids=["fast", "readable"])
def test_graphad_agrees_with_what_is_written_by_hand(name, options):
    problem = CATALOG[name].problem(small=True)
    found = graphad_system.derivative(problem, **options)()
    assert agree(found, problem.reference(), problem.single) == ""


def test_disagreement_is_seen():
    problem = CATALOG["rosenbrock_f64"].problem()
    value, gradient = problem.reference()
    assert "result 1" in agree((value, gradient * (1 + 1e-5)), (value, gradient), single=False)
    assert "result 0" in agree((np.nan, gradient), (value, gradient), single=False)
    assert "shape" in agree((value, gradient[:1]), (value, gradient), single=False)


# Value and norms of gradients in double precision, found by JAX with an implementation of its own; full sizes.
KNOWN = {
    "gmm_1k_d10_K25": (-25649.652621197303, 298.76020868767085, 1799.591708059846, 1939.2210637927496),
    "gmm_d20_K25": (-116131.45338346617, 305.7362509499996, 5678.075833463803, 6575.69734861315),
    "ba1": (111769.16222041425, 29810461.59467346, 7084.597212229594, 5059.6686010234325),
    "hand_simple_100": (1.5623699344694462, 1.7208703846332387),
    "hand_simple_1600": (24.01680333631603, 12.250077971370748),
    "lstm_l4_c1024": (0.7106766385584276, 0.04242943237553267, 0.09871296428601034),
    "det_6": (0.11967390371370935, 0.69528340351805),
    "kmeans_k100_n1000_d16": (953.5544644828094, 105.56018345608618),
    "llsq_n1024": (13687.001449123725, 5224.402384582111),
    "lse_n2500": (8.367846526577088, 0.020802438229665446),
}


@pytest.mark.parametrize("name", KNOWN)
def test_objectives_give_known_values(name):
    value, *gradients = CATALOG[name].problem().reference()
    np.testing.assert_allclose([value, *map(np.linalg.norm, gradients)], KNOWN[name], rtol=1e-9)


def test_the_runner_measures_and_writes_the_page(tmp_path):
    file, text = tmp_path / "figures.json", tmp_path / "page.md"
    arguments = ["--quick", "--only", "rosenbrock_f64,det_5", "--systems", "graphad,numpy"]
    done = CliRunner().invoke(main, [*arguments, "--json", str(file), "--page", str(text)])
    assert done.exit_code == 0, done.output
    figures = Figures.load(file)
    (row,), (objective,) = figures.rows["workloads"], figures.rows["objectives"]
    assert set(row.derivative) == {"graphad", "numpy"} and not row.notes
    assert objective.overhead("graphad") > 0
    assert all(row.memory.values())
    assert "| rosenbrock_f64 |" in text.read_text()
    again = CliRunner().invoke(main, ["--again", str(file), "--page", str(tmp_path / "again.md")])
    assert again.exit_code == 0, again.output
    assert (tmp_path / "again.md").read_text() == text.read_text()


def test_the_runner_knows_its_names():
    done = CliRunner().invoke(main, ["--only", "nothing"])
    assert done.exit_code == 2 and "rosenbrock_f64" in done.output


ROW = Row(
    "w",
    {"graphad": [1.0, 2.0, 4.0], "torch": [2.0, 3.0, 4.0], "autograd": [9.0, 9.0, 9.0]},
    {"graphad": [0.5, 0.5, 2.0]},
    {"graphad": 0.1},
    {"graphad": 10_000_000, "torch": None},
    {"casadi": "cannot"},
)


HERE = {"date": "", "processor": "", "cores": 1, "memory": "", "system": "", "python": "", "blas": ""}
MACHINE = {"float32": 1e11, "float64": 5e10, "cache": 1e11, "memory": 1e10, "call": 1e-9}


def test_ratios_are_of_rounds():
    assert ROW.best_peer == "torch"
    assert ROW.speed("graphad") == 1.5  # the median of 2, 1.5 and 1, not 3 / 2 of the medians
    assert ROW.speed("autograd") == 3 / 9
    assert ROW.overhead("graphad") == 2
    assert ROW.overhead("torch") is None and ROW.speed("numpy") is None


def test_who_dies_leaves_a_note_and_no_figures():
    row = Row("w")
    row.enter("torch", {"derivative": 1.0, "objective": 2.0})
    row.lose("torch", "memory", "late")  # the times are whole
    assert (row.derivative, row.objective, row.notes) == ({"torch": [1.0]}, {"torch": [2.0]}, {"torch": "memory: late"})
    row.enter("torch", {"memory": 3})
    assert row.memory == {"torch": 3}
    row.lose("torch", "derivative", "died")
    assert (row.derivative, row.objective, row.memory, row.notes) == ({}, {}, {}, {"torch": "derivative: died"})


def test_who_is_late_is_ended():
    worker = Worker(Request("numpy", "rosenbrock_f64", small=True), 60)
    with pytest.raises(TimeoutError):
        worker.ask("memory", 0)
    assert not worker.process.is_alive()


def test_page_and_pictures_depend_on_the_figures_alone(tmp_path):
    pytest.importorskip("matplotlib")
    grown = [Row("w", ROW.derivative, first=ROW.first, size=size) for size in (1, 10)]
    figures = Figures({**HERE, "versions": {}, "missing": ["jax"]}, 3, 9, {"workloads": [ROW]}, {"n": grown})
    one, two = (draw(figures, tmp_path / name) for name in ("one", "two"))
    assert [p.name for p in one] == ["bench_workloads.svg", "bench_growth_n.svg"]
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]
    text = page(figures)
    assert "| w | **2000** | 3000 | 9000 |" in text and "cannot" in text and "left out: jax" in text


def test_limits_add_up_to_the_time_of_all_statements():
    function, arrays = graphad_system.compiled(CATALOG["mlp_f32"].problem())
    profile = function.profile(*arrays, repeat=2)
    found = spent(profile, MACHINE, function.source)
    assert sum(found["seconds"].values()) == pytest.approx(profile.timed)
    assert found["seconds"]["products"] > 0 and found["seconds"]["passes"] > 0
    flops = 2 * 128 * (2 * 784 * 256 + 3 * 256 * 256 + 3 * 256 * 10)  # the gradient of the data is not wanted
    assert found["flops"] * found["seconds"]["products"] == pytest.approx(flops)
    assert found["limit"] == "GEMM rate"
    assert spent(profile, {**MACHINE, "call": 1.0}, function.source)["limit"] == "call overhead"


def test_loops_that_share_a_function_all_count():
    function, arrays = graphad_system.compiled(CATALOG["heat_f64"].problem(n=200, steps=6))
    times = shared(function.profile(*arrays, repeat=1), function.source)
    lines = function.source.splitlines()
    loops = {times(k) for k, line in enumerate(lines, start=1) if line.startswith("    for lo in")}
    assert max(loops) == max(
        function.source.count(f"[{name}(") for name in set(re.findall(r"derivative_loop_\d+", function.source))
    )
    assert max(loops) > 2


def statement(code, node=None, calls=1):
    return Work(ProfileRow(1.0, calls, code, 1, node, "", 0))


def test_what_a_statement_calls_says_what_it_does():
    x = ga.input("x", (1000, 1000))
    small, large = ga.exp(ga.input("s", (10, 10))), ga.exp(x)
    kinds = {
        "y = np.exp(x, b0)": "passes",
        "y = x @ x": "products",
        "y = np.add.reduce(x, 0)": "reductions",
        "y = np.einsum('ab->a', x)": "reductions",
        "y = np.einsum('ab,bc->ac', x, x)": "products",
        "y = np.linalg.cholesky(x)": "factorizations",
        "y[1:] = x": "copies",
        "for lo in range(start, stop, rows):": "calls",
        "y = x": "calls",
        "lo = 1": "calls",
    }
    product = ga.input("a", (10, 10)) @ ga.input("b", (10, 10))
    for code, kind in kinds.items():
        assert statement(code, product if kind == "products" else small).kind({}) == kind, code
    assert statement("y = np.exp(x)", large).kind({}) == "memory"
    fresh = {"x_t": 8_000_000, "s_t": 80}
    tile = statement("y = np.exp(x_t, b0)", large, calls=8)
    assert [tile.kind(fresh), tile.kind(fresh)] == ["memory", "passes"]  # read again it comes from the cache
    assert statement("y = np.exp(s_t, b0)", large, calls=8).kind(fresh) == "passes"
    assert statement("x_t = x[lo:hi]", x).piece == "x_t"
    assert not statement("y = np.exp(x[lo:hi])", x).piece
    assert statement("y = x @ v", x @ ga.input("v", (1000,))).kind({}) == "memory"  # thin


def test_limits_of_small_sizes_have_a_table():
    found = limits(["rosenbrock_f64", "gaussian_process_f64"], True, lambda text: None)
    assert found["rows"]["rosenbrock_f64"]["limit"] == "call overhead"
    text = page(Figures({**HERE, "versions": {}, "missing": []}, 1, 9, limits=found))
    assert "| gaussian_process_f64 |" in text


def test_three_digits():
    assert [digits(x) for x in (1234.0, 12.345, 0.0012345, 0.0)] == ["1234", "12.3", "0.00123", "0"]


TWIN = '''
from benchmarks.training.recorder import record
from benchmarks.training.cases import CASES

def fresh(name, data, rng=None):
    """Not PyTorch: graphad itself, wrong from a step on."""
    step, count = record(CASES[name]).fresh(rng), iter(range(10**9))
    return lambda: step() * (1 + 1e-8 * (next(count) >= WRONG_FROM))
'''


@pytest.fixture
def twin(tmp_path, monkeypatch):
    """Writes a module that stands for PyTorch, wrong from the given step on; gives `twins` for it."""
    monkeypatch.syspath_prepend(tmp_path)  # processes that are started get the path, too

    def write(wrong_from):
        name = f"twin_{wrong_from}"
        (tmp_path / f"{name}.py").write_text(TWIN.replace("WRONG_FROM", str(wrong_from)))
        return {"torch": name}

    return write


def test_training_steps_are_measured_and_shown_again(tmp_path):
    file, text = tmp_path / "figures.json", tmp_path / "page.md"
    arguments = ["--quick", "--parts", "training", "--only", "tied_autoencoder", "--systems", "graphad"]
    done = CliRunner().invoke(main, [*arguments, "--json", str(file), "--page", str(text)])
    assert done.exit_code == 0, done.output
    (row,) = Figures.load(file).rows["training"]
    assert set(row.derivative) == {"graphad"} and row.first["graphad"] > 0 and not row.notes
    assert "| tied_autoencoder |" in text.read_text() and "PyTorch was not measured" in text.read_text()
    again = CliRunner().invoke(main, ["--again", str(file), "--page", str(tmp_path / "again.md")])
    assert again.exit_code == 0, again.output
    assert (tmp_path / "again.md").read_text() == text.read_text()


def test_a_twin_with_equal_losses_is_timed(twin):
    row = compare.measure("tied_autoencoder", twin(compare.CHECKED), 2, 60, print)
    assert [len(times) for times in row.derivative.values()] == [2, 2] and not row.notes
    assert 0.1 < row.speed("graphad") < 10  # it is the same step
    text = page(Figures({**HERE, "versions": {}, "missing": []}, 1, 9, {"training": [row]}))
    assert "Geometric mean" in text


def test_a_wrong_twin_is_an_error(twin):
    with pytest.raises(compare.Disagreement, match="tied_autoencoder: step 3 of torch"):
        compare.measure("tied_autoencoder", twin(compare.CHECKED - 1), 1, 60, print)


def test_a_twin_that_fails_leaves_a_note():
    row = compare.measure("tied_autoencoder", {"torch": "no_such_module"}, 1, 60, lambda text: None)
    assert set(row.derivative) == {"graphad"} and "no_such_module" in row.notes["torch"]


@pytest.mark.parametrize("name", ["tabular_cancer", "universal_approximation", "optimizer_race_adam"])
def test_a_recorded_step_does_what_the_example_did(name):
    recorder = record(CASES[name])
    assert recorder.batches and recorder.starts
    one, two = (recorder.fresh(np.random.default_rng(0)) for _ in range(2))
    losses = [one() for _ in range(20)]
    assert losses == [two() for _ in range(20)]  # each begins with the first step
    assert losses[0] != losses[len(recorder.batches)] and np.isfinite(losses).all()
    assert "step" in recorder.starts and recorder.starts["step"] == 0


def test_every_case_has_a_twin():
    tree = ast.parse(Path(compare.__file__).with_name("twins.py").read_text())
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert set(CASES) <= functions | {node.targets[0].id for node in tree.body if isinstance(node, ast.Assign)}


def test_every_example_that_trains_is_a_case():
    examples = {path.stem for path in FOLDER.glob("*.py") if "updates=" in (text := path.read_text()) or "fit(" in text}
    assert {case.example for case in CASES.values()} == examples


@pytest.mark.parametrize("name", CASES)
def test_twins_have_the_losses_of_the_examples(name):
    pytest.importorskip("torch")
    from benchmarks.training import torch_steps

    recorder = record(CASES[name])
    ours = recorder.fresh(np.random.default_rng(1))
    theirs = torch_steps.fresh(name, recorder.data, np.random.default_rng(1))
    compare.check(name, "torch", [theirs() for _ in range(5)], [ours() for _ in range(5)])
