"""What the time of graphad's generated code is spent on, and which limit of the machine that meets.

`Function.profile` times every statement; what a statement calls says what kind of work it is. Times are measured;
operations and bytes are estimates from the shapes of the nodes.
"""

import ast
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np

from benchmarks.catalog import catalog
from benchmarks.rounds import PAUSE, Tell
from benchmarks.systems.graphad_system import compiled
from graphad.ir.dims import evaluate, product
from graphad.ir.types import TensorType
from graphad.lower.cost import CUBIC, operations
from graphad.lower.profile import Profile, Row

CACHE = 2**21  # bytes: arrays beyond that do not stay in a core's second-level cache
PRODUCTS = {"matmul", "dot", "vdot", "tensordot", "einsum", "conv", "conv_input_adjoint", "conv_filter_adjoint"}
REDUCTIONS = {"reduce", "sum", "total", "bincount", "at", "cumsum"}
COPIES = set("concatenate stack copy zeros full fill put place take tril triu diag eye pad reshape".split())
KINDS = {"factorizations": CUBIC, "products": PRODUCTS, "reductions": REDUCTIONS, "copies": COPIES}
LIMITS = {
    "products": "GEMM rate",
    "factorizations": "factorizations",
    "passes": "ufunc passes",
    "reductions": "ufunc passes",
    "copies": "ufunc passes",
    "memory": "memory bandwidth",
    "calls": "call overhead",
}
OPERATORS: dict[type[ast.AST], np.ufunc] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.USub: np.negative,
}


# The machine ---------------------------------------------------------------------------------------------------------


def least(run: Callable[[], Any], calls: int = 1, runs: int = 9) -> float:
    """Seconds of a call, the least of several means."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        for _ in range(calls):
            run()
        times.append(time.perf_counter() - start)
    return min(times) / calls


@cache
def pass_seconds(ufunc: np.ufunc, dtype: Any, size: int = 2**17) -> float:
    """Seconds for each element in one pass of a ufunc over operands of ``size`` bytes."""
    count = size // np.dtype(dtype).itemsize
    operands = [np.linspace(0.5, 1.5, count).astype(dtype) for _ in range(ufunc.nin)]
    try:
        out = ufunc(*operands)
    except TypeError:  # bits of floats
        return pass_seconds(np.add, dtype, size)
    return least(lambda: ufunc(*operands, out), 1 if size > CACHE else 20) / count


def gemm(dtype: type, n: int) -> float:
    """Operations a second of a square product."""
    a = np.ones((n, n), dtype)
    return 2 * n**3 / least(lambda: a @ a)


def rates(quick: bool = False) -> dict[str, float]:
    """What NumPy reaches on this machine: operations, bytes, seconds, of one thread but for products."""
    n, small, far = (64, np.zeros(1), 2**20) if quick else (1024, np.zeros(1), 2**26)
    return {
        "float32": gemm(np.float32, n),
        "float64": gemm(np.float64, n),
        "cache": 24 / pass_seconds(np.add, np.float64),
        "memory": 24 / pass_seconds(np.add, np.float64, far),
        "call": least(lambda: np.add(small, small, small), 2000),
        "exp32": pass_seconds(np.exp, np.float32),
        "exp64": pass_seconds(np.exp, np.float64),
    }


# Statements ----------------------------------------------------------------------------------------------------------


def bytes_of(types: Iterable[Any]) -> int:
    """Of arrays with these types."""
    return sum(elements(t) * t.dtype.itemsize for t in types if isinstance(t, TensorType))


def elements(kind: Any) -> int:
    """Of an array of this type; sizes are numbers here."""
    return evaluate(product(kind.shape), {}) if isinstance(kind, TensorType) else 0


class Work:
    """What a statement does, as its text and its node tell."""

    def __init__(self, row: Row) -> None:
        self.row, self.node = row, row.node
        self.names: list[str] = []  # what it calls
        self.ufuncs: list[tuple[np.ufunc, int]] = []  # and how many arrays each of them reads
        self.reads: set[str] = set()
        try:
            tree: ast.AST = ast.parse(row.code)
        except SyntaxError:  # the head of a loop
            tree = ast.Module([], [])
        for part in ast.walk(tree):
            self._enter(part)
        arrays = (self.node, *self.node.inputs) if self.node is not None else ()
        self.bytes = bytes_of(x.type for x in arrays)
        self.size = max((elements(x.type) for x in arrays), default=0)

    def _enter(self, part: ast.AST) -> None:
        match part:
            case ast.Call(func=func, args=args):
                name = ast.unparse(func).rpartition(".")[2]
                alone = name == "einsum" and "," not in ast.unparse(args[0]).partition("->")[0]
                self.names.append("reduce" if alone else name)
                ufunc = getattr(np, name, None)
                if isinstance(ufunc, np.ufunc) and name not in PRODUCTS:
                    self.ufuncs.append((ufunc, sum(not isinstance(x, ast.Constant) for x in args[: ufunc.nin])))
            case ast.BinOp(op=ast.MatMult()):
                self.names.append("matmul")
            case ast.BinOp(op=op) | ast.UnaryOp(op=op) | ast.AugAssign(op=op):
                self.names.append("operator")
                if ufunc := OPERATORS.get(type(op)):
                    self.ufuncs.append((ufunc, ufunc.nin))
            case ast.Assign(targets=[ast.Subscript()], value=ast.Name() | ast.Constant()):
                self.names.append("copy")
            case ast.Name(id=name):
                self.reads.add(name)

    @property
    def piece(self) -> str:
        """The name it gives to a tile of an array from outside its loop."""
        name, _, value = self.row.code.partition(" = ")
        return name if "lo:hi" in value and "(" not in value else ""

    def kind(self, fresh: dict[str, int]) -> str:
        """The kind of work; ``fresh``: bytes of the arrays whose tiles no statement of the loop has touched yet."""
        if not self.names or self.node is None:
            return "calls"
        found = next((k for k, names in KINDS.items() if names & set(self.names)), "passes")
        touched = [fresh.pop(name) for name in self.reads & fresh.keys()]
        if found == "products" and self.operations < 4 * self.bytes // self.dtype.itemsize:  # thin: bound by reading
            found = "reductions"
        far = max([self.bytes] if self.row.calls == 1 else touched, default=0)
        return "memory" if far > CACHE and found in ("passes", "reductions", "copies") else found

    @property
    def operations(self) -> int:
        """Of a product."""
        return evaluate(operations(self.node), {}) if self.node is not None else 0

    @property
    def dtype(self) -> np.dtype[Any]:
        """What it computes in."""
        types = [x.type for x in (*self.node.inputs, self.node)] if self.node is not None else []
        return next((t.dtype for t in types if isinstance(t, TensorType)), np.dtype(np.float64))


def shared(profile: Profile, source: str) -> Callable[[int], int]:
    """How many loops a line serves: loops that do the same are one function, called once for each."""
    found = [d for d in ast.parse(source).body if isinstance(d, ast.FunctionDef)]
    called = Counter(name for row in profile.rows for name in {*re.findall(r"\w+", row.code)})
    return lambda line: max(1, next((called[d.name] for d in found if d.lineno <= line <= (d.end_lineno or 0)), 1))


def spent(profile: Profile, machine: dict[str, float], source: str) -> dict[str, Any]:
    """Seconds of each kind of work in a call, the rates they reached, and the limit that most of them meets."""
    seconds: defaultdict[str, float] = defaultdict(float, dict.fromkeys(LIMITS, 0.0))
    flops = ideal = moved = expected = known = 0.0
    fresh: dict[str, int] = {}
    times = shared(profile, source)
    for row in sorted(profile.rows, key=lambda r: r.line):
        work = Work(row)
        if work.piece and row.node is not None:
            fresh[work.piece] = bytes_of([row.node.type])
        kind = work.kind(fresh)
        calls = row.seconds if kind == "calls" else min(row.seconds, row.calls * len(work.names) * machine["call"])
        rest = row.seconds - calls
        seconds["calls"] += calls
        seconds[kind] += rest
        if kind == "products" and rest:
            flops += times(row.line) * work.operations
            ideal += times(row.line) * work.operations / machine[work.dtype.name]
        if kind == "passes" and work.ufuncs and rest:
            known += rest
            size = times(row.line) * work.size
            moved += sum(size * work.dtype.itemsize * (arrays + 1) for _, arrays in work.ufuncs)
            expected += sum(size * pass_seconds(ufunc, work.dtype) for ufunc, _ in work.ufuncs)
    most = {limit: sum(seconds[k] for k in LIMITS if LIMITS[k] == limit) for limit in LIMITS.values()}
    products = seconds["products"]
    return {
        "total": profile.total,
        "seconds": dict(seconds),
        "flops": flops / products if products else None,
        "of_gemm": ideal / products if products else None,
        "bytes": moved / known if known else None,
        "of_cache": moved / known / machine["cache"] if known else None,
        "of_ufuncs": expected / known if known else None,
        "limit": max(most, key=lambda limit: most[limit]),
    }


def limits(names: Iterable[str], quick: bool, tell: Tell) -> dict[str, Any]:
    """The machine's rates, and a row for each workload: the quickest of three profiles."""
    machine = rates(quick)
    rows = {}
    for name in names:
        function, arrays = compiled(catalog()[name].problem(small=quick))
        time.sleep(PAUSE)
        profile = min((function.profile(*arrays) for _ in range(3)), key=lambda p: p.timed)
        rows[name] = spent(profile, machine, function.source)
        tell(f"{name}: {rows[name]['limit']}")
    return {"machine": machine, "rows": rows}
