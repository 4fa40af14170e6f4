"""The figures as text: one line while measuring, the page docs/benchmarks.md at the end."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.figures import Figures
from benchmarks.growth import FAMILIES
from benchmarks.rounds import PAUSE, Row
from benchmarks.systems import SYSTEMS
from benchmarks.worker import WARM

Cell = Callable[[Row, str], str]


def line(row: Row) -> str:
    """What the terminal shows of a row."""
    parts = [f"{s} {digits(1e3 * value)}" for s in row.derivative if (value := row.seconds(s)) is not None]
    speed = row.speed("graphad")
    best = f"; the best peer takes {speed:.2f} times graphad's time" if speed is not None else ""
    return f"{row.name}, ms: {', '.join(parts) or 'nobody'}{best}"


def digits(x: float) -> str:
    """Three figures, without an exponent."""
    return f"{x:.{max(0, 2 - math.floor(math.log10(x)))}f}" if x > 0 else "0"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown: names to the left, numbers to the right."""
    ruler = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ruler, *rows)) + "\n"


def columns(rows: Sequence[Row]) -> list[str]:
    """The systems that have a figure in some row."""
    return [s for s in SYSTEMS if any(s in row.derivative for row in rows)]


def grid(rows: Sequence[Row], cell: Cell, label: Callable[[Row], str] = lambda row: row.name) -> str:
    """One line for each row, one column for each system."""
    systems = columns(rows)
    return table(["", *systems], [[label(row), *(cell(row, s) for s in systems)] for row in rows])


def milliseconds(row: Row, system: str) -> str:
    """The median; bold is the fastest of all."""
    value = row.seconds(system)
    if value is None:
        return "–"
    fastest = min(t for s in row.derivative if (t := row.seconds(s)) is not None)
    return f"**{digits(1e3 * value)}**" if value == fastest else digits(1e3 * value)


def first_call(row: Row, system: str) -> str:
    """Seconds of the first call."""
    return digits(row.first[system]) if system in row.first else "–"


def megabytes(row: Row, system: str) -> str:
    """Peak memory."""
    value = row.memory.get(system)
    return "–" if value is None else digits(value / 1e6)


def overhead(row: Row, system: str) -> str:
    """Derivative over objective."""
    value = row.overhead(system)
    return "–" if value is None else digits(value)


def against_peers(rows: Sequence[Row]) -> str:
    """The speed of graphad against the fastest other system, row by row, and in all."""
    shown, speeds = [], []
    for row in rows:
        speed = row.speed("graphad")
        if speed is None or row.best_peer is None:
            continue
        speeds.append(speed)
        readable, numpy = row.speed("graphad readable"), row.speed("numpy")
        others = ["–" if x is None else f"{x:.2f}" for x in (readable, numpy)]
        shown.append([row.name, row.best_peer, f"**{speed:.2f}**" if speed < 1 else f"{speed:.2f}", *others])
    if not shown:
        return "No other system was measured.\n"
    mean = math.exp(sum(map(math.log, speeds)) / len(speeds))
    behind = sum(s < 1 for s in speeds)
    text = (
        f"Geometric mean {mean:.2f}, least {min(speeds):.2f}; behind its best peer in {behind} of {len(speeds)} rows."
    )
    return table(["", "best peer", "graphad", "graphad readable", "numpy"], shown) + f"\n{text}\n"


def machine_text(figures: Figures) -> str:
    """Where, when and with what."""
    m = figures.machine
    versions = ", ".join(f"{name} {version}" for name, version in m["versions"].items())
    missing = f"Not installed, so left out: {', '.join(m['missing'])}.\n" if m["missing"] else ""
    load = "" if m.get("load") is None else f"Load average before the first measurement: {m['load']}.\n"
    return (
        f"Measured on {m['date']}: {m['processor']}, {m['cores']} cores, {m['memory']} memory, {m['system']}; "
        f"Python {m['python']}; BLAS of NumPy: {m['blas']}.\nVersions: {versions}.\n{load}{missing}"
    )


def notes(rows: Sequence[Row]) -> str:
    """Why a figure is missing."""
    found = [f"- {row.name}, {system}: {why}" for row in rows for system, why in row.notes.items()]
    return "Missing figures, in the words of the systems:\n\n" + "\n".join(found) + "\n" if found else ""


METHOD = """Each system has a process of its own. First its results are compared with those of NumPy written by
hand (norm of the difference, 1e-7 in double and 1e-3 in single precision); who differs is left out and named. Then all
systems take turns, {rounds} times; between turns thread pools have {pause} s to come to rest, and each turn begins
with {warm:.0f} ms that are not counted. The tables hold the medians. Speeds against the best peer are quotients of
the same round, and the median of these, so that a drift of the machine cancels. Every system uses its own
default number of threads. A system that gives no result within {limit:.0f} s is left out. *numpy* is value and
gradient written by hand, *graphad readable* the same graph compiled with `style="readable"`, *torch* is eager.
"""

WORKLOADS = """## Value and gradient, ms

Bold is the fastest. `logistic_hvp_f64` is the Hessian times a vector.
"""

SPEED = """### Speed against the best peer

The time of the best peer (the fastest of the other systems in that row) over the time of the column: above 1 is
faster.
"""

FIRST = """### First call, s

Building, differentiating, compiling and the first call; the import of the system is not counted.
"""

MEMORY = """### Peak memory of a call, MB

For {traced}: what `tracemalloc` saw at its highest during a first call, results and workspace included. For the
others: by how much the resident memory of the process grew at its highest in a later call; 0 where that fitted
into what the process held already.
"""

OBJECTIVES = """## ADBench and GradBench

The objectives of both suites ([data](../benchmarks/data) of ADBench under its license, otherwise the numbers
that GradBench generates). The figure that these suites publish is the time of value and gradient over the time
of the objective, both by the same system in the same round. For *numpy* the objective is the same function that
the others get, and the gradient is written by hand in the fastest known form: it can take less time than the
objective as written.
"""

TRAINING = """## Training steps of the examples

One step of training as each [example](examples.md) does it: forward, loss, backward, clipping, optimizer, running
statistics, learning rate; with its sizes, dtype, data and initial values. PyTorch is eager, with `torch.optim` and its
defaults. First both do three steps, dropout and noise included, which take the same random numbers: the losses must be
equal (1e-9 in double, 1e-4 in single precision, relative). A time is the median over the steps of a turn, then over the
turns, each from the beginning of the training on. *torch / graphad* is of the same round: above 1 graphad is faster.
*compile* is `ga.compile` and the first call.
"""

LIMITS = """## What the time is spent on

graphad alone, by `f.profile`: every statement of the generated code is timed, with its loops on one thread; *ms* is a
call as usual. The shares go by what a statement calls: products of matrices and convolutions; factorizations and
triangular solves; elementwise passes on arrays or tiles that fit into the second-level cache; reductions, thin products
included; copies; passes and reductions that read or write an array of more than 2 MiB (memory); and the cost of the
calls themselves, as many as there are times the cost of a small one. The shares are measured but for the last, which is
an estimate; rates are estimates by the shapes. *GFLOP/s* of the products: beside it the share of what NumPy reaches on
1024³. *GB/s* of the passes: each operation reads its operands and writes its result; beside it the share of what
`np.add` reaches in the cache, and the share of the time that the same ufuncs take there on contiguous arrays
(exponentials have less to move). More than 100 % is possible: what is read twice in a row, noise. The limit is that of
the largest share, where passes, reductions and copies count together; *not reached*: less than half of its rate.

Rates of NumPy here: products {float32:.0f} GFLOP/s in single and {float64:.0f} in double precision; `np.add`
{cache:.0f} GB/s in the cache and {memory:.0f} in memory, one thread; a call {call:.2f} µs; `np.exp` {exp32:.2f} and
{exp64:.2f} ns an element.
"""


def limits_text(figures: dict[str, Any]) -> str:
    """Shares of the time, rates, the limit."""
    scale = {"float32": 1e-9, "float64": 1e-9, "cache": 1e-9, "memory": 1e-9, "call": 1e6, "exp32": 1e9, "exp64": 1e9}
    machine = {key: figures["machine"][key] * factor for key, factor in scale.items()}
    kinds = list(next(iter(figures["rows"].values()))["seconds"])

    def percent(part: float | None) -> str:
        return "–" if part is None else f"{100 * part:.0f} %"

    rows = []
    for name, row in figures["rows"].items():
        whole = sum(row["seconds"].values()) or 1.0
        flops, moved = ("–" if row[key] is None else f"{row[key] / 1e9:.0f}" for key in ("flops", "bytes"))
        shares = [percent(row["seconds"][kind] / whole) for kind in kinds]
        reached = [flops, percent(row["of_gemm"]), moved, percent(row["of_cache"]), percent(row["of_ufuncs"])]
        part = {"GEMM rate": row["of_gemm"], "ufunc passes": row["of_ufuncs"]}.get(row["limit"])
        far = ", not reached" if part is not None and part < 0.5 else ""
        rows.append([name, digits(1e3 * row["total"]), *shares, *reached, row["limit"] + far])
    head = ["", "ms", *kinds, "GFLOP/s", "of products", "GB/s", "of `np.add`", "of the ufuncs", "limit"]
    return LIMITS.format(**machine) + "\n" + table(head, rows)


def comparison(rows: Sequence[Row]) -> str:
    """All tables of one part but the first."""
    traced = [s for s in columns(rows) if SYSTEMS[s].traced]
    memory = MEMORY.format(traced=" and ".join([", ".join(traced[:-1]), traced[-1]] if traced[1:] else traced))
    parts = [SPEED, against_peers(rows), FIRST, grid(rows, first_call), memory, grid(rows, megabytes), notes(rows)]
    return "\n".join(part for part in parts if part)


def training_text(rows: Sequence[Row]) -> str:
    """Both times, their quotient, the compiler's."""
    shown, speeds = [], []
    for row in rows:
        speed, compiling = row.speed("graphad"), row.first.get("graphad")
        speeds += [speed] if speed is not None else []
        ratio = "–" if speed is None else f"**{speed:.2f}**" if speed < 1 else f"{speed:.2f}"
        times = [milliseconds(row, s) for s in ("graphad", "torch")]
        shown.append([row.name, *times, ratio, "–" if compiling is None else digits(1e3 * compiling)])
    head = ["", "graphad, ms", "torch, ms", "torch / graphad", "compile, ms"]
    parts = [TRAINING, table(head, shown)]
    if speeds:
        mean, behind = math.exp(sum(map(math.log, speeds)) / len(speeds)), sum(s < 1 for s in speeds)
        parts.append(f"Geometric mean {mean:.2f}, least {min(speeds):.2f}; behind in {behind} of {len(speeds)} rows.\n")
    else:
        parts.append("PyTorch was not measured.\n")
    return "\n".join([*parts, notes(rows)])


def growth_text(figures: Figures) -> str:
    """Tables and pictures of growth."""
    parts = ["## Growth with size\n"]
    for key, rows in figures.growth.items():
        family = FAMILIES[key]
        parts += [
            f"### {key}: {family.title} of {family.recipe}\n",
            f"![time and first call against {key}](images/bench_growth_{key}.svg)\n",
            f"ms for each {family.argument}:\n",
            grid(rows, milliseconds, lambda row: f"{row.size:,}"),
            "First call, s:\n",
            grid(rows, first_call, lambda row: f"{row.size:,}"),
            notes(rows),
        ]
    return "\n".join(part for part in parts if part)


def compile_text(costs: dict[str, Any]) -> str:
    """What graphad's compiler costs, per part."""
    parts = [
        "## The compiler's own time\n",
        f"`import graphad` takes {costs['import']:.3f} s. Three kinds of graphs, ms for each part; aims: 500 nodes "
        "in 50 ms, 10 000 in 2 s.\n",
    ]
    for model in costs["models"]:
        rows = [[str(r["nodes"]), *(digits(1e3 * t) for t in (*r["parts"], sum(r["parts"])))] for r in model["rows"]]
        parts += [
            f"### {model['model']}\n",
            table(["nodes", "build", "grad", "rewrite", "lower", "all"], rows),
            f"Time grows as the number of nodes to the power {model['exponent']:.2f}.\n",
        ]
    return "\n".join(parts)


def page(figures: Figures) -> str:
    """The page."""
    method = METHOD.format(rounds=figures.rounds, limit=figures.limit, pause=PAUSE, warm=1e3 * WARM)
    parts = ["# Benchmarks\n", "Made by `make bench`; the numbers of a part are of one run.\n", machine_text(figures)]
    parts += [method, *(f"- {text}\n" for text in figures.others)]
    if rows := figures.rows.get("workloads"):
        picture = "![time of every system over the time of graphad](images/bench_workloads.svg)\n"
        parts += [WORKLOADS, grid(rows, milliseconds), picture, comparison(rows)]
    if rows := figures.rows.get("objectives"):
        picture = "![derivative over objective](images/bench_objectives.svg)\n"
        parts += [OBJECTIVES, "### Value and gradient over objective\n", grid(rows, overhead), picture]
        parts += ["### Value and gradient, ms\n", grid(rows, milliseconds), comparison(rows)]
    if rows := figures.rows.get("training"):
        parts.append(training_text(rows))
    if figures.limits.get("rows"):
        parts.append(limits_text(figures.limits))
    if figures.growth:
        parts.append(growth_text(figures))
    if figures.compile:
        parts.append(compile_text(figures.compile))
    return "\n".join(parts)
