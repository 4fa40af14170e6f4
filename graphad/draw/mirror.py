"""``layout="mirror"``: each adjoint on the rank of what it belongs to, the two passes in columns beside each other.

Graphviz places cards on ranks from the edges between them. Here it is told which cards share a rank, and which edges
order the ranks: those of the forward pass as they are, those of the backward pass turned round. Reverse mode makes that
consistent (d_u depends on d_v only where v depends on u); where rewriting, a user's own use of gradients, or a box that
was left and entered again make a cycle of it, alignments give way first and then single edges, since Graphviz crashes
on ranks that contradict each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphad.draw.view import BACKWARD, View


@dataclass(frozen=True)
class Ranks:
    """What Graphviz is told. ``rows``: cards on one rank; ``free``: indices of edges that order nothing."""

    rows: tuple[tuple[str, ...], ...]
    free: frozenset[int]


def mirrored(view: View) -> Ranks:
    """Ranks for a view that turns: rows of a node and its adjoints, without contradiction."""
    ends = ranked(view)
    number = {card.key: k for k, card in enumerate(view.cards)}
    rows, weight = _rows(view, number)
    while True:
        row_of = {key: k for k, row in enumerate(rows) for key in row}
        between = {k: (row_of[a], row_of[b]) for k, (a, b) in ends.items()}
        flat = {k for k, (a, b) in between.items() if a == b and view.edges[k].kind == "forward"}  # computed again
        tangled = _tangled({k: pair for k, pair in between.items() if k not in flat}, len(rows))
        least = {c: min(weight[key] for key in rows[c][1:]) for c in tangled if len(rows[c]) > 1}
        knots = {tangled[c]: c for c in sorted(least, key=lambda c: (-least[c], c))}  # of each the row that says least
        if not knots:
            break
        loose = set(knots.values())
        rows = [part for k, row in enumerate(rows) for part in (_loosened(row, weight) if k in loose else [row])]
    free = {
        k
        for k, (a, b) in ends.items()
        if _against(tangled, row_of[a], row_of[b], number[view.edges[k].source] - number[view.edges[k].target])
    }
    level = {key: k for k, row in enumerate(rows) for key in row}
    links = {k for k, e in enumerate(view.edges) if e.kind == "adjoint" and level[e.source] == level[e.target]}
    free |= set(range(len(view.edges))) - set(ends) - links
    return Ranks(tuple(tuple(row) for row in rows if len(row) > 1), frozenset(free))


def flowing(view: View) -> Ranks:
    """Ranks for a view in which everything runs the same way: only cycles between boxes have to be cut."""
    number = {card.key: k for k, card in enumerate(view.cards)}
    ends = {k: (e.source, e.target) for k, e in enumerate(view.edges) if e.kind not in ("adjoint", "next")}
    losses = {c.key for c in view.cards if c.role == "loss"}
    ends |= {k: (e.target, e.source) for k, e in enumerate(view.edges) if e.kind == "adjoint" and e.target in losses}
    tangled = _tangled({k: (number[a], number[b]) for k, (a, b) in ends.items()}, len(view.cards))
    free = {k for k, (a, b) in ends.items() if _against(tangled, number[a], number[b], number[a] - number[b])}
    free |= set(range(len(view.edges))) - set(ends)
    return Ranks((), frozenset(free))


def ranked(view: View) -> dict[int, tuple[str, str]]:
    """The edges that order ranks, from the higher card to the lower one."""
    ends = {}
    for k, edge in enumerate(view.edges):
        if edge.kind == "forward":
            ends[k] = edge.source, edge.target
        elif edge.kind == "backward":
            ends[k] = edge.target, edge.source
    return ends


def _rows(view: View, number: Mapping[str, int]) -> tuple[list[list[str]], dict[str, int]]:
    """Cards grouped with what their cotangents belong to; and for each card how many cotangents say so."""
    votes: dict[str, dict[str, int]] = {}
    named = {(c.path, c.title): c.key for c in view.cards if c.role == "box"}
    boxes = [c for c in view.cards if c.role == "backward_box"]
    same = [(c.key, named.get((c.path, c.title.replace(BACKWARD, "")), c.key)) for c in boxes]
    for cotangent, primal in [*view.pairs, *same * len(view.pairs)]:
        if cotangent != primal:
            counts = votes.setdefault(cotangent, {})
            counts[primal] = counts.get(primal, 0) + 1
    leader = {card.key: card.key for card in view.cards}
    weight = dict.fromkeys(leader, 0)
    for card in view.cards:
        if counts := votes.get(card.key, {}):
            leader[card.key] = max(counts, key=lambda key: (counts[key], number[key]))
            weight[card.key] = max(counts.values())
    rows: dict[str, list[str]] = {}
    for card in view.cards:
        top, seen = card.key, {card.key}
        while leader[top] not in seen:
            top = leader[top]
            seen.add(top)
        rows.setdefault(top, []).append(card.key)
    return list(rows.values()), weight


def _loosened(row: list[str], weight: Mapping[str, int]) -> list[list[str]]:
    """A row that cannot stay as it is: without the card that belongs there least, the last of these."""
    least = min(reversed(row[1:]), key=lambda key: weight[key])
    return [[key for key in row if key != least], [least]]


def _against(tangled: Mapping[int, int], a: int, b: int, backwards: int) -> bool:
    """Whether an edge has to give way: within one knot, and back to an earlier card."""
    return a == b or (a in tangled and tangled.get(a) == tangled.get(b) and backwards > 0)


def _tangled(ends: Mapping[int, tuple[int, int]], count: int) -> dict[int, int]:
    """Rows on cycles, and the number of the strongly connected component of each (after Kosaraju)."""
    down: list[list[int]] = [[] for _ in range(count)]
    up: list[list[int]] = [[] for _ in range(count)]
    for a, b in dict.fromkeys(ends.values()):
        down[a].append(b)
        up[b].append(a)
    finished: list[int] = []
    for group in _walks(down, range(count)):
        finished += group
    found = {}
    for k, group in enumerate(_walks(up, finished[::-1])):
        if len(group) > 1 or group[0] in down[group[0]]:
            found.update(dict.fromkeys(group, k))
    return found


def _walks(follow: Sequence[Sequence[int]], starts: Sequence[int]) -> list[list[int]]:
    """What is reached from each start and was not reached before, in the order in which it is left."""
    entered = [False] * len(follow)
    groups = []
    for start in starts:
        group: list[int] = []
        stack = [] if entered[start] else [(start, iter(follow[start]))]
        entered[start] = True
        while stack:
            node, rest = stack[-1]
            step = next((n for n in rest if not entered[n]), None)
            if step is None:
                group.append(node)
                stack.pop()
            else:
                entered[step] = True
                stack.append((step, iter(follow[step])))
        if group:
            groups.append(group)
    return groups
