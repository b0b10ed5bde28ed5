"""The SQL that depends on the engine, and the parameters beside it. No caller's text gets in:
values and names of properties are bound, tables are named by us, numbers are Python integers.

A `text` is a property as `wire` keeps it; every other primitive is built on texts.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from tallybook.model.nouns import FilterTerm
from tallybook.model.quantity import exact_text, parse_quantity
from tallybook.stores.duckdb.wire import typed_text

TAIL = "tail"

#: How typed texts begin (`wire`): all but plain texts and objects with a mark.
_MARK, _TEXT, _ARRAY, _OBJECT = "#", '#"', "#[", "{"

#: Digits of a quantity (model.limits), with an optional mark: zeros outside do not count.
_QUANTITY = r"#?[+-]?0*[0-9]{1,18}(\.[0-9]{1,12}0*)?"
#: Up to this many characters a marked number cannot have too many digits, and needs no regex.
_SHORT = 13

#: So many runs of equal buckets are bound: a year of days in a zone with summer time has three.
_BOUND_RUNS_MAX = 16

_COMPARE = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class Parameters(dict[str, Any]):
    """Values of a statement by name; the same value is bound once."""

    def bind(self, value: Any) -> str:
        """Add a value and return its placeholder."""
        for name, known in self.items():
            if type(known) is type(value) and known == value:
                return f"${name}"
        name = f"p{len(self)}"
        self[name] = value
        return f"${name}"


def text(relation: str, path: str, bound: Parameters) -> str:
    """Read the property at a dotted path; arrival rows hold JSON, sorted months VARIANT."""
    names = path.split(".")
    if relation == TAIL:
        pointer = "".join("/" + n.replace("~", "~0").replace("/", "~1") for n in names)
        return f"json_extract_string(data, {bound.bind(pointer)})"
    found = "data"
    for name in names:
        found = f"variant_extract({found}, {bound.bind(name)})"
    return f"CAST({found} AS VARCHAR)"


def quantity(x: str) -> str:
    """Read a text as a quantity: a number, or a text of plain digits; NULL for all else."""
    return (
        f"CASE WHEN {_starts(x, _MARK)} AND length({x}) <= {_SHORT} AND NOT contains({x}, 'E') "
        f"THEN TRY_CAST(substr({x}, 2) AS DECIMAL(38,12)) "
        f"WHEN regexp_full_match({x}, '{_QUANTITY}') "
        f"THEN CAST(ltrim({x}, '#') AS DECIMAL(38,12)) END"
    )


def is_scalar(x: str) -> str:
    """Say that a text is no object and no array; NULL where there is no text."""
    return f"NOT ({_starts(x, _OBJECT)} OR {_starts(x, _ARRAY)})"


def shown(x: str) -> str:
    """Write a scalar as people read it, without its mark."""
    return (
        f"CASE WHEN NOT {_starts(x, _MARK)} AND NOT {_starts(x, _OBJECT)} THEN {x} "
        f"WHEN {_starts(x, _TEXT)} THEN substr({x}, 3) "
        f"WHEN {is_scalar(x)} THEN substr({x}, 2) END"
    )


def holds(x: str, term: FilterTerm, bound: Parameters) -> str:
    """Compare a property with a filter's value by type; a missing one is null.

    `gt` and its like compare quantities with a number and texts with a text; nothing else holds.
    """
    if term.op == "exists":
        return f"{x} IS {'NOT ' if term.value else ''}NULL"
    if term.op in _COMPARE:
        return _ordered(x, term, bound)
    values = term.value if term.op in {"in", "not_in"} else [term.value]
    same = " OR ".join(
        f"{x} IS NOT DISTINCT FROM {bound.bind(typed_text(value))}" for value in values
    )
    return f"({same})" if term.op in {"eq", "in"} else f"NOT ({same})"


def _ordered(x: str, term: FilterTerm, bound: Parameters) -> str:
    sign = _COMPARE[term.op]
    if isinstance(term.value, str):
        a_text = (
            f"CASE WHEN {_starts(x, _TEXT)} THEN substr({x}, 3) "
            f"WHEN NOT {_starts(x, _MARK)} AND NOT {_starts(x, _OBJECT)} THEN {x} END"
        )
        return f"coalesce({a_text} {sign} {bound.bind(term.value)}, false)"
    number = f"CASE WHEN {_starts(x, _MARK)} THEN {quantity(x)} END"
    # Bound as text: a driver may take a wide decimal for a double.
    limit = exact_text(parse_quantity(str(term.value), field=term.property))
    limit = f"CAST({bound.bind(limit)} AS DECIMAL(38,12))"
    return f"coalesce({number} {sign} {limit}, false)"


def _starts(x: str, mark: str) -> str:
    """Say that a text begins with a mark of ours: texts are ordered by their bytes, and two
    comparisons cost far less than `starts_with`.
    """
    after = mark[:-1] + chr(ord(mark[-1]) + 1)
    return f"({x} >= '{mark}' AND {x} < '{after}')"


def bucket(edges: Sequence[int], time: str = "time", bind: Callable[[int], str] = str) -> str:
    """Number the bucket of an instant within the edges: a tree of comparisons over runs of
    equal width, each run an integer division.

    Instants are bound where they are few, so that another month is asked for in the same words.
    """
    runs: list[tuple[int, int, int]] = []  # first edge, width, first bucket
    for i, (start, end) in enumerate(pairwise(edges)):
        if not runs or end - start != runs[-1][1]:
            runs.append((start, end - start, i))
    write = bind if len(runs) <= _BOUND_RUNS_MAX else str
    return _tree(runs, len(edges) - 1, time, write)


def _tree(
    runs: Sequence[tuple[int, int, int]], end: int, time: str, write: Callable[[int], str]
) -> str:
    if len(runs) == 1:
        start, width, first = runs[0]
        if end - first == 1:
            return str(first)
        nth = f"({time} - {write(start)}) // {write(width)}"
        return f"({first} + {nth})" if first else nth
    middle = len(runs) // 2
    start, _, first = runs[middle]
    left = _tree(runs[:middle], first, time, write)
    right = _tree(runs[middle:], end, time, write)
    return f"CASE WHEN {time} < {write(start)} THEN {left} ELSE {right} END"
