"""A reader of the LaTeX that graphad writes, by its text alone: the independent evaluator of printed equations.

`evaluate(text, symbols, style, sizes)` works out a formula. It knows mathematics' conventions (what binds tighter, what
a juxtaposition means, that a vector is a column) and the meaning of symbols, and nothing of nodes and ops. In matrix
style shapes must match exactly: a transposed operand is an error or another value, never broadcast away.
"""

import itertools
import math
import re

import numpy as np
from scipy import special


class UnreadableError(Exception):
    """The text is not understood."""


RELATIONS = {
    "=": np.equal,
    r"\neq": np.not_equal,
    r"\leq": np.less_equal,
    r"\geq": np.greater_equal,
    "<": np.less,
    ">": np.greater,
    r"\ll": np.left_shift,
    r"\gg": np.right_shift,
    r"\mathbin{\&}": np.bitwise_and,
    r"\mathbin{|}": np.bitwise_or,
    r"\mathbin{\mathrm{xor}}": np.bitwise_xor,
}
LOGIC = {r"\lor": np.logical_or, r"\land": np.logical_and, r"\oplus": np.logical_xor}
PLAIN = {  # functions of elements
    "exp": np.exp, "log": np.log, "ln": np.log, "sin": np.sin, "cos": np.cos, "tan": np.tan, "arctan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "arcsin": np.arcsin, "arccos": np.arccos,
    "sigma": special.expit, "Gamma": special.gamma, "psi": special.digamma, "Phi": special.ndtr,
}  # fmt: skip
NAMED = {
    "Re": np.real, "Im": np.imag, "sign": np.sign, "trunc": np.trunc, "arsinh": np.arcsinh, "arcosh": np.arccosh,
    "artanh": np.arctanh, "atan2": np.arctan2, "fmod": np.fmod, "H": np.heaviside, "finite": np.nan_to_num,
    "isfinite": np.isfinite, "isnan": np.isnan, "isinf": np.isinf, "signbit": np.signbit, "erf": special.erf,
    "erfc": special.erfc, "erfinv": special.erfinv, "erfcinv": special.erfcinv, "erfcx": special.erfcx,
    "B": special.beta, "sech": lambda x: 1 / np.cosh(x), "I0e": special.i0e, "I1e": special.i1e,
    "sinc": np.sinc, "sinq": lambda x: np.sinc(x / np.pi), "inv": np.linalg.inv,
}  # fmt: skip


def evaluate(text, symbols, style="matrix", sizes=(), **indices):
    """The value of a formula; ``symbols``: LaTeX of a symbol (index style: with @ for indices) -> array."""
    reader = Reader(text, symbols, style, dict(sizes))
    value = reader.whole()
    return value(indices)


class Reader:
    """Recursive descent over the text; each method returns a function of the letters' numbers."""

    def __init__(self, text, symbols, style, sizes):
        self.text, self.at, self.style, self.sizes = text, 0, style, sizes
        self.symbols = sorted(symbols.items(), key=lambda s: -len(s[0]))
        self.arrays = style == "matrix"

    # text ------------------------------------------------------------------------------------------------------------

    def skip(self):
        while found := re.compile(r"\s+|\\[,;]|\\quad").match(self.text, self.at):
            self.at = found.end()

    def see(self, word):
        self.skip()
        if not self.text.startswith(word, self.at):
            return False
        after = self.text[self.at + len(word) : self.at + len(word) + 1]
        return not (word[-1:].isalpha() and word.startswith("\\") and after.isalpha())

    def take(self, word):
        if not self.see(word):
            return False
        self.at += len(word)
        return True

    def need(self, word):
        if not self.take(word):
            raise UnreadableError(f"{word!r} expected at {self.text[self.at : self.at + 30]!r}")

    def group(self):
        """The text between braces."""
        self.skip()
        if self.text[self.at] != "{":
            self.at += 1
            return self.text[self.at - 1]
        depth, start = 0, self.at
        while True:
            c = self.text[self.at]
            self.at += 2 if c == "\\" else 1
            depth += (c == "{") - (c == "}")
            if depth == 0:
                return self.text[start + 1 : self.at - 1]

    def inner(self, text, style=None):
        """A formula within this one."""
        reader = Reader(text, dict(self.symbols), style or self.style, self.sizes)
        return reader.whole()

    # grammar ---------------------------------------------------------------------------------------------------------

    def whole(self):
        value = self.logic()
        self.skip()
        if self.at < len(self.text):
            raise UnreadableError(f"left over: {self.text[self.at : self.at + 40]!r}")
        return value

    def logic(self):
        value = self.relation()
        while sign := next((s for s in LOGIC if self.take(s)), None):
            value = self.both(LOGIC[sign], value, self.relation())
        return value

    def relation(self):
        value = self.sum()
        while sign := next((s for s in RELATIONS if self.take(s)), None):
            value = self.both(RELATIONS[sign], value, self.sum())
        return value

    def sum(self):
        if self.take("-"):
            first = self.term()
            value = self.both(np.subtract, lambda e: 0, first)
        else:
            value = self.term()
        while sign := next((s for s in "+-" if self.take(s)), None):
            value = self.both(np.add if sign == "+" else np.subtract, value, self.term())
        return value

    def term(self):
        value = self.product()
        while sign := next((s for s in (r"\odot", r"\oslash") if self.take(s)), None):
            value = self.both(np.multiply if sign == r"\odot" else np.divide, value, self.product())
        return value

    def product(self):
        value = self.factor()
        while True:
            if self.take(r"\cdot"):
                value = self.both(np.multiply, value, self.factor())
            elif self.take("/"):
                value = self.both(np.divide, value, self.factor())
            elif self.take(r"\bmod"):
                value = self.both(np.remainder, value, self.factor())
            elif self.starts_factor():
                value = self.times(value, self.factor())
            else:
                return value

    def starts_factor(self):
        self.skip()
        stops = [*RELATIONS, *LOGIC, "+", "-", r"\odot", r"\oslash", r"\right", "}", "&", r"\\", ",", r"\end", r"\text"]
        return self.at < len(self.text) and not any(self.see(s) for s in stops)

    def both(self, op, left, right):
        def value(e):
            x, y = left(e), right(e)
            if self.arrays and np.ndim(x) and np.ndim(y) and np.shape(x) != np.shape(y):
                raise UnreadableError(f"shapes {np.shape(x)} and {np.shape(y)}")
            with np.errstate(all="ignore"):
                return op(x, y)

        return value

    def times(self, left, right):
        """A product without a sign: of numbers, a number and an array, or matrices. Iverson's 0 is strong."""

        def value(e):
            x = left(e)
            if not self.arrays and isinstance(x, np.bool_ | bool) and not x:
                return 0.0
            y = right(e)
            return x @ y if np.ndim(x) and np.ndim(y) else _scalar(x * y)

        def _scalar(z):
            return z

        return value

    def factor(self):
        if self.take(r"\lnot"):
            x = self.factor()
            return lambda e: np.logical_not(x(e))
        if self.take(r"\mathord{\sim}"):
            x = self.factor()
            return lambda e: np.invert(x(e))
        value = self.atom()
        while self.see("^") or self.see("_"):
            value = self.raised(value) if self.take("^") else self.element(value)
        return value

    def raised(self, base):
        text = self.group()
        if text == r"\top":
            return lambda e: np.swapaxes(base(e), -1, -2) if np.ndim(base(e)) > 1 else base(e)
        if text == "-1" and self.arrays:
            return lambda e: np.linalg.inv(base(e)) if np.ndim(base(e)) else 1 / base(e)
        if text == "+":
            return lambda e: np.linalg.pinv(base(e))
        if text.startswith(r"\odot"):
            return self.both(np.power, base, self.inner(text[5:]))
        exponent = self.inner(text)
        if self.arrays:
            return lambda e: _number_power(base(e), exponent(e))
        return lambda e: _number_power(base(e), exponent(e))

    def element(self, base):
        """An element, or part, of an array written as a whole."""
        self.need("_")
        text = self.group()
        if text.startswith(r"\left["):
            return self.part(base, text[6 : -len(r"\right]")])
        keys = [self.inner(t, "index") for t in split_indices(text)]
        return lambda e: _pick(base(e), [int(k(e)) - 1 for k in keys])

    def part(self, base, text):
        """NumPy's index of an array: ints, slices, new axes, arrays of positions."""
        entries = []
        for item in split_commas(text):
            if item == r"\ast":
                entries.append(lambda e: None)
            elif item == r"\dots":
                entries.append(lambda e: Ellipsis)
            elif "{:}" in item:
                bounds = [self.inner(t, "index") if t.strip() else None for t in item.split("{:}")]
                entries.append(lambda e, b=bounds: slice(*(None if x is None else int(x(e)) for x in b)))
            else:
                entries.append(self.inner(item))
        return lambda e: base(e)[tuple(_key(k(e)) for k in entries)]

    # atoms -----------------------------------------------------------------------------------------------------------

    def atom(self):
        self.skip()
        if found := re.compile(r"\d+(\.\d+)?").match(self.text, self.at):
            self.at = found.end()
            value = float(found[0]) if "." in found[0] else int(found[0])
            return lambda e: value
        if not self.arrays and self.see(r"\left[") and (inside := self.bracketed()) is not None:
            return self.inner(inside, "matrix")
        for opening in ("(", "|", "[", r"\lfloor", r"\lceil"):
            if self.take(rf"\left{opening}"):
                return self.delimited(opening)
        symbol = self.symbol()
        if symbol is not None:
            return symbol
        if self.see("{"):
            return self.inner(self.group())
        if self.take(r"\begin{cases}"):
            return self.cases()
        if found := re.compile(r"\\operatorname\{([^}]*)\}").match(self.text, self.at):
            self.at = found.end()
            return self.named(found[1].replace(r"\_", "_"))
        if found := re.compile(r"\\([a-zA-Z]+)").match(self.text, self.at):
            self.at = found.end()
            return self.command(found[1])
        c = self.text[self.at]
        self.at += 1
        if c in ("P", "Q", "I", "J"):
            return self.lettered(c)
        if c == "i" and self.take("_{"):
            c = "i_{" + self.text[self.at : self.text.index("}", self.at)] + "}"
            self.at = self.text.index("}", self.at) + 1
        if not c[0].isalpha():
            raise UnreadableError(f"what is {self.text[self.at - 1 : self.at + 20]!r}")
        return lambda e: e[c] if c in e else self.sizes[c]

    def bracketed(self):
        """What stands in brackets that an index follows: a formula of whole arrays."""
        depth, k = 0, self.at
        while True:
            depth += self.text.startswith(r"\left[", k) - self.text.startswith(r"\right]", k)
            if depth == 0:
                break
            k += 1
        if self.text[k + 7 : k + 8] != "_" or self.text.startswith(r"_{\text", k + 7):
            return None
        inside, self.at = self.text[self.at + 6 : k], k + 7
        return inside

    def symbol(self):
        for pattern, array in self.symbols:
            if "@" not in pattern:
                if (self.arrays or np.ndim(array)) and self.take(pattern):
                    column = np.asarray(array)
                    column = column[:, None] if column.ndim == 1 else column
                    return lambda e, a=column: a if a.ndim else a[()]
                if not self.arrays and np.ndim(array) == 0 and self.take(pattern):
                    scalar = np.asarray(array)[()]
                    return lambda e, a=scalar: a
                continue
            head, _, tail = pattern.partition("@")
            start = self.at
            if self.arrays or not self.take(head):
                continue
            depth, first = 1, self.at
            while depth:
                c = self.text[self.at]
                self.at += 2 if c == "\\" else 1
                depth += (c == "{") - (c == "}")
            if not self.text.startswith(tail[1:], self.at):  # another value of that name
                self.at = start
                continue
            keys = [self.inner(t) for t in split_indices(self.text[first : self.at - 1])]
            self.at += len(tail[1:])
            return lambda e, a=array, k=keys: _pick(a, [int(i(e)) - 1 for i in k])
        return None

    def delimited(self, opening):
        values = [self.logic()]
        while self.take(","):
            values.append(self.logic())
        closing = {"(": [")"], "|": ["|"], "[": ["]"], r"\lfloor": [r"\rfloor", r"\rceil"], r"\lceil": [r"\rceil"]}
        end = next((c for c in closing[opening] if self.take(rf"\right{c}")), None)
        if end is None:
            raise UnreadableError(f"no end of {opening} at {self.text[self.at : self.at + 20]!r}")
        if len(values) > 1:
            return lambda e: tuple(v(e) for v in values)
        (x,) = values
        if opening == "[" or opening == "(":
            return x
        if opening == "|":
            return lambda e: np.abs(x(e))
        rounding = {
            (r"\lfloor", r"\rfloor"): np.floor,
            (r"\lceil", r"\rceil"): np.ceil,
            (r"\lfloor", r"\rceil"): np.rint,
        }
        return lambda e: rounding[opening, end](x(e))

    def cases(self):
        rows = []
        while True:
            value = self.logic()
            self.need("&")
            if self.take(r"\text{otherwise}"):
                rows.append((lambda e: True, value))
            else:
                self.need(r"\text{if }")
                rows.append((self.logic(), value))
            if not self.take(r"\\"):
                break
        self.need(r"\end{cases}")

        def chosen(e):
            conditions = [c(e) for c, _ in rows]
            if not any(np.ndim(c) for c in conditions):
                return next(v(e) for c, (_, v) in zip(conditions, rows, strict=True) if c)
            result = rows[-1][1](e)
            for condition, (_, v) in list(zip(conditions, rows, strict=True))[-2::-1]:
                result = np.where(condition, v(e), result)
            return result

        return chosen

    def arguments(self):
        self.need(r"\left(")
        if self.take(r"\right)"):
            return lambda e: ()
        value = self.delimited("(")
        return lambda e: value(e) if isinstance(value(e), tuple) else (value(e),)

    def command(self, name):
        if name in ("frac", "oslash"):
            top, bottom = self.inner(self.group()), self.inner(self.group())
            return self.both(np.divide, top, bottom)
        if name == "sqrt":
            root = np.cbrt if self.take("[3]") else np.sqrt
            x = self.inner(self.group())
            return lambda e: root(x(e))
        if name == "overline":
            x = self.inner(self.group())
            return lambda e: np.conj(x(e))
        if name == "det":
            args = self.arguments()
            return lambda e: np.linalg.det(args(e)[0])
        if name in ("pi", "infty"):
            return lambda e: math.pi if name == "pi" else math.inf
        if name == "mathrm":
            return self.word(self.group())
        if name == "mathbf":
            return self.special_array(self.group())
        if name in ("sum", "prod", "max", "min"):
            return self.big(name)
        if name == "zeta":
            args = self.arguments()
            return lambda e: special.zeta(*args(e))
        if name in PLAIN:
            return self.plain(name)
        raise UnreadableError(f"\\{name}")

    def plain(self, name):
        f, sup = PLAIN[name], ""
        if name == "log" and self.take("_"):
            f = {"2": np.log2, "10": np.log10}[self.group()]
        if self.take("^"):
            sup = self.group()
            f = {"psi": lambda x: special.polygamma(int(sup.strip("()")), x), "Phi": special.ndtri}[name]
        args = self.arguments() if self.see(r"\left(") else None
        if args is None:
            x = self.factor()
            return lambda e: f(x(e))
        return lambda e: f(*args(e))

    def lettered(self, c):
        """Functions that go by a letter: incomplete gamma and beta functions, Bessel functions."""
        sub = self.group() if self.take("_") else None
        args = self.arguments()
        table = {"P": special.gammainc, "Q": special.gammaincc, "I": special.betainc}
        if sub is not None:
            order = float(sub)
            bessel = special.iv if c == "I" else special.jv
            return lambda e: bessel(order, *args(e))
        return lambda e: table[c](*args(e))

    def word(self, word):
        constants = {"true": True, "false": False, "nan": math.nan, "i": 1j}
        word = word.replace(r"\_", "_")
        return lambda e: constants[word] if word in constants else self.sizes[word]

    def special_array(self, digit):
        self.need("_")
        texts = self.group().split(r"\times")
        sizes = [self.inner(t, "index") for t in texts]

        def made(e):
            shape = [int(s(e)) for s in sizes]
            if digit == "I":
                return np.eye(*shape)
            return np.full([*shape, 1] if len(shape) == 1 else shape, int(digit))

        return made

    def big(self, name):
        if self.see(r"\left("):  # max(a, b)
            args = self.arguments()
            f = np.maximum if name == "max" else np.minimum
            whole = np.max if name == "max" else np.min
            return lambda e: _fold(f, args(e)) if len(args(e)) > 1 else whole(args(e)[0])
        self.need("_")
        below = self.group()
        if name in ("max", "min"):
            if r"\leq" not in below:
                return self.reduced(name, below)
            first, letter, last = below.split(r"\leq")
            letter = letter.strip()
        else:
            letter, _, first = below.partition("=")
            self.need("^")
            last = self.group()
        start, stop, body = self.inner(first), self.inner(last), self.term()
        fold = {"sum": sum, "prod": math.prod, "max": lambda v: _nan_safe(max, v), "min": lambda v: _nan_safe(min, v)}[
            name
        ]
        return lambda e: fold([body({**e, letter.strip(): k}) for k in range(int(start(e)), int(stop(e)) + 1)])

    def reduced(self, name, axes):
        args = self.arguments()
        f = np.max if name == "max" else np.min
        return lambda e: reduce(f, args(e)[0], axes)

    def named(self, name):
        sub = sup = ""
        if self.take("_"):
            sub = self.group()
        if self.take("^"):
            sup = self.group()
        if name in NAMED and not sub and not sup:
            if not self.see(r"\left("):
                x = self.factor()
                return lambda e: NAMED[name](x(e))
            args = self.arguments()
            return lambda e: NAMED[name](*args(e))
        args = self.arguments()
        return lambda e: whole_function(name, sub, sup, args(e), self.sizes)


def _fold(f, values):
    result = values[0]
    for v in values[1:]:
        result = f(result, v)
    return result


def _nan_safe(f, values):
    return math.nan if any(v != v for v in values) else f(values)


def _number_power(x, y):
    if np.ndim(x):
        raise UnreadableError("a matrix to a power without ⊙")
    return np.power(np.asarray(x, complex if np.iscomplexobj(x) else float), y)


def _pick(array, at):
    array = np.asarray(array)
    if len(at) == 1:
        array = array.reshape(-1)
    if array.ndim == len(at) + 1 and array.shape[-1] == 1:  # a stack of columns
        array = array[..., 0]
    if any(k >= n for k, n in zip(at, array.shape, strict=True)):
        raise IndexError(at)
    return array[tuple(at)]


def _key(value):
    if value is None or value is Ellipsis or isinstance(value, slice):
        return value
    array = np.asarray(value, int)
    return array.reshape(-1) if array.ndim == 2 and array.shape[1] == 1 else array


def split_commas(text):
    """Pieces between commas outside of braces and brackets."""
    pieces, depth, start = [], 0, 0
    for k, c in enumerate(text):
        depth += (c in "{([") - (c in "})]")
        if c == "," and depth == 0 and text[k - 1 : k] != "\\":
            pieces.append(text[start:k].strip())
            start = k + 1
    return [*pieces, text[start:].strip()]


def split_indices(text):
    pieces = split_commas(text)
    if len(pieces) == 1 and re.fullmatch(r"(i_\{\d+\}|[a-z]|\d)( (i_\{\d+\}|[a-z]|\d))*", text):
        return text.split(" ")
    return pieces


def reduce(f, x, axes, keepdims=False):
    """A reduction of an array; what is left of a matrix is a column."""
    x = np.asarray(x)
    chosen = tuple(int(a) for a in axes.split(",") if a.strip().lstrip("-").isdigit()) if axes else None
    if x.ndim <= 2 and x.ndim and x.shape[-1] == 1 and chosen == (0,):
        return f(x, axis=0).reshape(-1)[0] if x.size else f(x, axis=0)
    result = f(x, axis=chosen, keepdims=keepdims or "keepdims" in axes)
    return result[:, None] if np.ndim(result) == 1 else result


def attributes(sub):
    """Key and text of the attributes in a subscript."""
    return dict(re.findall(r"\\text\{(\w+)\}=((?:\\left\(.*?\\right\)|[^,])+)", sub.replace(r"\_", "_")))


def _lse(x, axis, keepdims=False):
    return special.logsumexp(x, axis=axis, keepdims=keepdims)


def whole_function(name, sub, sup, args, sizes):
    """Functions of whole arrays, by their names."""
    x = np.asarray(args[0]) if args else None
    axes = tuple(int(a) for a in sub.split(",")) if re.fullmatch(r"-?\d+(,-?\d+)*", sub) else None
    if name in ("sum", "mean", "prod", "all", "any", "argmax", "argmin"):
        if name in ("argmax", "argmin"):
            return reduce(
                lambda v, axis=None, keepdims=False: getattr(np, name)(v, axis=axis[0] if axis else None), x, sub
            )
        return reduce(getattr(np, name), x, sub)
    if name == "logsumexp":
        return reduce(_lse, x, sub)
    if name == "norm":
        return reduce(
            lambda v, axis=None, keepdims=False: np.sqrt(np.sum(np.abs(v) ** 2, axis, keepdims=keepdims)), x, sub
        )
    if name == "softmax":
        return special.softmax(x, axis=axes)
    if name in ("cumsum", "cumprod"):
        return getattr(np, name)(x, axis=axes[0])
    if name in ("sort", "argsort"):
        return getattr(np, name)(x, axis=axes[0], kind="stable")
    if name in ("tril", "triu") and "unit" in sub:
        return getattr(np, name)(x, -1 if name == "tril" else 1) + np.eye(x.shape[-1])
    if name in ("tril", "triu"):
        return getattr(np, name)(x if x.shape[-1] > 1 or x.shape[0] == 1 else x[:, 0], axes[0] if axes else 0)
    if name == "round":
        return np.round(x, axes[0] if axes else 0)
    if name == "range":
        return np.arange(*args)[:, None]
    if name in ("broadcast", "reshape"):
        texts = sub.split(r"\times") if sub != "()" else []
        shape = tuple(int(evaluate(t, {}, "index", sizes)) for t in texts)
        return _shaped(name, x, shape)
    if name == "transpose":
        return np.transpose(x, [int(k) for k in re.findall(r"\d+", sub)])
    if name == "stack":
        return _stacked([np.asarray(a) for a in args], axes[0])
    if name in ("expand", "squeeze"):
        result = x
        for k in sorted(int(k) for k in re.findall(r"-?\d+", sub))[:: 1 if name == "expand" else -1]:
            result = np.expand_dims(result, k) if name == "expand" else np.squeeze(result, k)
        return result
    if name == "einsum":
        labels = re.search(r"=\\text\{(.*?)\}", sub)[1]
        pairs = zip(args, labels.split("->")[0].split(","), strict=True)
        flat = [a[:, 0] if a.ndim == 2 and len(s) == 1 else a for a, s in pairs]
        result = np.einsum(labels, *flat)
        return result[:, None] if result.ndim == 1 else result
    if name == "concat":
        return np.concatenate([np.asarray(a) for a in args], axes[0])
    if name in ("convolve",):
        return np.convolve(x[:, 0], args[1][:, 0], attributes(sub)["mode"][6:-1] if sub else "full")[:, None]
    if name == "cof":
        return np.linalg.det(x)[..., None, None] * np.swapaxes(np.linalg.inv(x), -1, -2)
    if name == "rank":
        return np.linalg.matrix_rank(x)
    if name == "chol":
        return np.linalg.cholesky(x)
    if name == "expm":
        return _expm(x)
    if name == "pad":
        widths = np.array([int(k) for k in re.findall(r"\d+", sub)]).reshape(-1, 2)
        return np.pad(x, widths if x.shape[-1:] != (1,) or len(widths) == x.ndim else [*widths, (0, 0)])
    if name in ("svdvals", "eigvalsh"):
        return (
            getattr(np.linalg, name)(x)[..., None]
            if name == "eigvalsh"
            else np.linalg.svd(x, compute_uv=False)[..., None]
        )
    raise UnreadableError(name + sub + sup)


def _shaped(name, x, shape):
    if name == "reshape":
        result = x.reshape(shape)
    else:
        inner = x[:, 0] if x.ndim == 2 and x.shape[1] == 1 and len(shape) == 1 else x
        if x.ndim == 2 and x.shape[1] == 1 and len(shape) > 1 and shape[-1] == x.shape[0] and shape[-2] != x.shape[0]:
            inner = x[:, 0]  # a vector lies along the last axis
        result = np.broadcast_to(inner, shape)
    return result[:, None] if result.ndim == 1 else result


def _stacked(parts, axis):
    if parts[0].ndim == 2 and parts[0].shape[1] == 1:  # columns, side by side or as rows
        return np.stack([p[:, 0] for p in parts], axis)
    result = np.stack(parts, axis)
    return result[:, None] if result.ndim == 1 else result


def _expm(x):
    from scipy.linalg import expm

    return np.array([expm(m) for m in x.reshape(-1, *x.shape[-2:])]).reshape(x.shape) if x.size else x


def indices_of(shape):
    return itertools.product(*map(range, shape))
