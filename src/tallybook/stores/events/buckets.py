"""The bucket of an instant as SQL: Python cuts the calendar, the engine compares integers."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from tallybook.stores.events.dialect import Dialect

#: So many runs of equal buckets are bound: a year of days in a zone with summer time has three.
_BOUND_RUNS_MAX: Final = 16


def bucket(
    sql: Dialect, edges: Sequence[int], time: str = "time", bind: Callable[[int], str] = str
) -> str:
    """Number the bucket of an instant within the edges: a tree of comparisons over runs of
    equal width, each run an integer division.

    Instants are bound where they are few, so that another month is asked for in the same words.
    """
    runs: list[tuple[int, int, int]] = []  # first edge, width, first bucket
    for i, (start, end) in enumerate(pairwise(edges)):
        if not runs or end - start != runs[-1][1]:
            runs.append((start, end - start, i))
    write = bind if len(runs) <= _BOUND_RUNS_MAX else str

    def tree(runs: Sequence[tuple[int, int, int]], end: int) -> str:
        if len(runs) == 1:
            start, width, first = runs[0]
            if end - first == 1:
                return str(first)
            nth = sql.divided(f"({time} - {write(start)})", write(width))
            return f"({first} + {nth})" if first else nth
        middle = len(runs) // 2
        start, _, first = runs[middle]
        left, right = tree(runs[:middle], first), tree(runs[middle:], end)
        return f"CASE WHEN {time} < {write(start)} THEN {left} ELSE {right} END"

    return tree(runs, len(edges) - 1)
