"""Breaking long statements: inside brackets, at spaces, to lines of at most 88 columns where that is possible."""

import re

WIDTH = 88
_TELLING = re.compile(r"[()\[\]{}'\" ]")  # what decides where a line may end


def wrap(code: str, indent: str) -> list[str]:
    """A statement on one or more lines. One without brackets around it gets a pair: ``x = (...)``."""
    if len(indent) + len(code) <= WIDTH:
        return [indent + code]
    head, sep, value = code.partition(" = ")
    if sep and ", " in head and "(" not in head and len(head) > WIDTH // 2:  # many names
        head, value = f"({head})", value if value[0] in "([" and _is_bracketed(value) else f"({value})"
        code = f"{head} = {value}"
    if sep and "(" not in head and not _is_bracketed(value):
        code = f"{head} = ({value})"
    lines: list[str] = []
    depth, quote = 0, ""
    start = 0
    for match in _TELLING.finditer(code):
        k, c = match.start(), match[0]
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif c == " " and depth and _next_break(code, k) - start + len(indent) + 4 * bool(lines) > WIDTH:
            lines.append(code[start:k])
            start = k + 1
    lines.append(code[start:])
    return [indent + lines[0], *(f"{indent}    {line}" for line in lines[1:])]


def _next_break(code: str, k: int) -> int:
    """Where the word after position k ends."""
    end = code.find(" ", k + 1)
    return len(code) if end < 0 else end


def _is_bracketed(value: str) -> bool:
    """Whether one pair of brackets, perhaps of a call, encloses everything that can be broken."""
    if not value.endswith((")", "]", "}")):
        return False
    depth = 0
    for k, c in enumerate(value):
        depth += (c in "([{") - (c in ")]}")
        if c in ")]}" and depth == 0:
            return k == len(value) - 1
    return False
