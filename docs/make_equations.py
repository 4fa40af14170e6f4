"""Write docs/equations.md: its programs are run, and what they give is shown (`make docs-lists`)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent / "equations.md"
HEAD = """# Equations

Made by `make docs-lists`: the programs below are run, the formulas are what they give.
"""
NETWORK = """import graphad as ga

x = ga.input("x", shape=("batch", 3))
W1, b1 = ga.parameter("W1", shape=(3, 4)), ga.parameter("b1", shape=(4,))
w2 = ga.parameter("w2", shape=(4,))
y = ga.input("y", shape=("batch",))

h = ga.tanh(x @ W1 + b1)
y_hat = h @ w2
loss = ga.mean((y_hat - y) ** 2)
graph = ga.Graph([x, y, W1, b1, w2], [loss, ga.grad(loss, W1)])
"""
LOOP = """import graphad as ga

xs, h0 = ga.input("xs", shape=("n", 3)), ga.input("h0", shape=(4,))
U, W = ga.parameter("U", shape=(3, 4)), ga.parameter("W", shape=(4, 4))

def step(h, x):
    h = ga.tanh(x @ U + h @ W)
    return h, h

last, hs = ga.scan(step, h0, xs)
"""
EXERCISE = """import graphad as ga

x, w = ga.input("x"), ga.parameter("w")
y1 = ga.sigmoid(0.5 * x + 1.0)
y2 = ga.sigmoid(w * x + 0.5)
z = ga.sigmoid(0.5 * y1 + 0.5 * y2 + 0.25)
error = 0.5 * (z - 1) ** 2
"""
STYLES = r"""
A node, a graph and a compiled function show themselves as formulas in a notebook; `to_latex()` gives the LaTeX,
which KaTeX, MathJax and pdflatex read. `style` is `"matrix"`, `"index"` or `"scalar"`.
"""
CONVENTIONS = r"""
## How to read them

- **Symbols** are your names: `W1` is $W_1$, bold where it is an array, `x_hat` is $\hat{x}$, `alpha` is $\alpha$,
  `Wx` is $W_\mathrm{x}$. What you gave no name is $t_1, t_2, \dots$, or $T$ where it is a matrix. A name that
  occurs several times is counted: $h^{(1)}, h^{(2)}$.
- **A bar** is the derivative of the loss: `d_W1` is $\bar{W}_1 = \partial L / \partial W_1$. Second derivatives
  have two bars. It is shorter than the fraction, and stays readable within products.
- **Matrix style**: a vector is a column; functions and fractions of arrays are taken element by element; $\odot$ is
  their product, $\oslash$ their quotient, a power with $\odot$ that of elements; $\mathbf{1}_n$ is a column of $n$
  ones. A number beside an array belongs to each element. Axes are numbered from 0, as in the code. With more than
  two axes, operations go by their names.
- **Index style**: indices count from 1, as in textbooks; positions that an array holds (labels) count from 0, as in
  the code, and are taken to be none from the end: $x_{i, y_i + 1}$. Elements of an inverse and the like are written
  $\left[\mathbf{A}^{-1}\right]_{i j}$.
- **Scalar style**: index style with numbers for indices, each element of arrays of up to 12 elements for itself.
- $[\,\dots\,]$ around a condition is 1 where it holds and 0 where it does not (Iverson's bracket), and wins over
  what it stands before.
- Stable forms are written as what they are: `softmax` of a large matrix does not overflow, its formula would. Where
  a derivative is infinite or missing, `ga.grad` takes 0; a derivation shows the formula.

Tests read the LaTeX back, without looking at the graph, and compare each line with the value of its node: for every
case of every op, for models before and after rewriting, and for each line of derivations. What has no formula is
written by its name (`sort`, `svd`, `window_max`, …).
"""
WORKED = r"""
## Worked solutions

`ga.derivation(loss, wrt)` is the solution of an exercise in backpropagation: what is given, the forward pass in
your order, then one step for each rule, with its name, what it says in general, and your line; at the end the
gradients. `values=` puts the numbers beside the formulas. Nothing is rewritten: these are the steps of reverse
mode; what only hands a derivative on stands within the next step.
"""
SAVED = r"""
`solution.save("solution.pdf")` writes the document, also as `.tex`, `.md`, or `.html`, a page that opens without a
network (its formulas are MathML, made by latex2mathml: extra `math`). A PDF is set by pdflatex,
without it printed by Chromium.
"""
SHEET = r"""
## Worksheets

With `worksheet=True` the backward pass has blanks, and `sheet.check` looks at answers: expressions in the names of
the sheet (read, never executed), nodes, or arrays where the sheet has values. They are compared on several samples
of the inputs.
"""


def shown(*lines: str) -> str:
    """Displayed formulas, one below the other."""
    return "\n".join(f"$$\n{line}\n$$\n" for line in lines)


def run(code: str) -> dict[str, Any]:
    """The names that a program defines."""
    scope: dict[str, Any] = {}
    exec(compile(code, "exercise.py", "exec"), scope)
    return scope


def program(code: str, last: str) -> str:
    """A program as a block, and the call whose result follows."""
    return f"```python\n{code}\n{last}\n```\n"


def parts() -> Iterator[str]:
    """The page, piece by piece."""
    network = run(NETWORK)
    yield HEAD + STYLES
    yield program(NETWORK, 'h.to_latex(), h.to_latex(style="index"), graph.to_latex()')
    yield shown(network["h"].to_latex(), network["h"].to_latex(style="index"))
    yield shown(network["graph"].to_latex().replace("align*", "aligned"))
    yield "A loop is one equation with its body:\n"
    loop = run(LOOP)
    yield program(LOOP, "hs.to_latex()") + "\n" + shown(loop["hs"].to_latex())
    yield CONVENTIONS + WORKED
    ga, exercise = network["ga"], run(EXERCISE)
    yield program(EXERCISE, 'solution = ga.derivation(error, w, values={"x": 1.0, "w": 0.3})')
    solution = ga.derivation(exercise["error"], exercise["w"], values={"x": 1.0, "w": 0.3})
    text = solution.markdown.replace("\n## ", "\n### ").replace("# Gradient", "### Gradient", 1)
    yield "\n".join(f"> {line}".rstrip() for line in text.splitlines()) + "\n"
    yield SAVED + SHEET
    answers = {1: "1 - z", 2: "d_z * z * (1 - z)", 3: "d_t2", 4: "d_y2 * y2 * (1 - y2)", 5: "d_t1 * x"}
    sheet = ga.derivation(exercise["error"], exercise["w"], worksheet=True)
    code = f"sheet = ga.derivation(error, w, worksheet=True)\nsheet.check({answers})"
    yield f"```python\n{code}\n```\n\n```text\n{sheet.check(answers)}\n```\n"


def page() -> str:
    """The whole page."""
    return "\n".join(part.strip("\n") + "\n" for part in parts())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
