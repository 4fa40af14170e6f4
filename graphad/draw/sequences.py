"""What repeats itself in a row of texts, and one name for names that differ in numbers."""

import re
from collections.abc import Sequence

import numpy as np

LEAST = 3  # turns that make a loop
LONGEST = 1000  # places in one turn


def stretches(tokens: Sequence[str], ends: Sequence[bool] = ()) -> list[tuple[int, int, int]]:
    """Where a sequence repeats itself: (start, period, count), what saves most first; they do not overlap.

    ``ends``: where a turn may well end; of the starts that serve as well, one before which a turn ends is taken.

    >>> stretches(list("xababaybcbcbc")), stretches(list("aaaabc"))
    ([(7, 2, 3)], [(0, 1, 4)])
    """
    number = {t: k for k, t in enumerate(dict.fromkeys(tokens))}
    row = np.array([number[t] for t in tokens], dtype=np.int64)
    candidates = []
    for period in range(1, min(len(row) // LEAST, LONGEST) + 1):
        same = np.concatenate([[0], row[:-period] == row[period:], [0]])
        for start, stop in np.flatnonzero(np.diff(same)).reshape(-1, 2).tolist():
            count, more = divmod(stop - start, period)
            if count + 1 >= LEAST:
                shifts = [k for k in range(more + 1) if ends and ends[start + k + period - 1]]
                candidates.append((-count * period, period, start + (shifts[-1] if shifts else 0), count + 1))
    taken = np.zeros(len(row), bool)
    found = []
    for _, period, start, count in sorted(candidates):
        if not taken[start : start + period * count].any():
            taken[start : start + period * count] = True
            found.append((start, period, count))
    return found


def unnumbered(name: str) -> str:
    """A name without the numbers that follow letters: block_# for block_11."""
    return re.sub(r"(?<=[^\W\d])\d+", "#", name)


def span(names: Sequence[str], within: bool = False) -> str:
    """One name for names that differ in numbers; else the most frequent one, or a dot for words ``within`` a text.

    >>> span(["block_0_W", "block_1_W", "block_11_W"]), span(["h", "h"]), span(["x @ W0", "h @ W1"])
    ('block_0…11_W', 'h', '· @ W0…1')
    """
    if len(set(names)) == 1:
        return names[0]
    words = [name.split(" ") for name in names]
    if len(words[0]) > 1 and len({len(w) for w in words}) == 1:
        return " ".join(span(column, True) for column in zip(*words, strict=True))
    split = [re.split(r"(\d+)", name) for name in names]
    if len({tuple(parts[::2]) for parts in split}) > 1:
        return "·" if within else max(dict.fromkeys(names), key=list(names).count)
    columns = list(zip(*split, strict=True))
    merged = [c[0] if len(set(c)) == 1 else f"{min(c, key=int)}…{max(c, key=int)}" for c in columns]
    return "".join(merged)
