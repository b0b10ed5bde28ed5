"""What an event's property means, as SQL over the text it is kept as (`texts`): a quantity, a
scalar, the text people read, whether a filter's term holds. The rules are those of
`model.reading`.
"""

from collections.abc import Sequence
from typing import Final

from tallybook.model.nouns import FilterTerm
from tallybook.model.quantity import exact_text, parse_quantity
from tallybook.stores.events.dialect import Dialect, Parameters
from tallybook.stores.events.texts import typed_text

#: How typed texts begin (`texts`): all but plain texts and objects with a mark.
_MARK, _TEXT, _ARRAY, _OBJECT = "#", '#"', "#[", "{"

#: Digits of a quantity (model.limits), with an optional mark: zeros outside do not count.
_QUANTITY: Final = "#?[+-]?0*[0-9]{1,18}([.][0-9]{1,12}0*)?"
#: Up to this many characters a marked number cannot have too many digits, and needs no regex.
_SHORT: Final = 13

#: Up to so many values cost less one by one.
_FEW: Final = 16

_COMPARE: Final = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def quantity(sql: Dialect, x: str) -> str:
    """Read a text as a quantity: a number, or a text of plain digits; NULL for all else."""
    marked, plain = sql.decimal(f"substr({x}, 2)"), sql.decimal(f"ltrim({x}, '{_MARK}')")
    return (
        f"CASE WHEN {_starts(x, _MARK)} AND length({x}) <= {_SHORT} AND {x} NOT LIKE '%E%' "
        f"THEN {marked} WHEN {sql.matches(x, _QUANTITY)} THEN {plain} END"
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


def holds(sql: Dialect, x: str, term: FilterTerm, bound: Parameters) -> str:
    """Compare a property with a filter's value by type; a missing one is null.

    `gt` and its like compare quantities with a number and texts with a text; nothing else holds.
    """
    if term.op == "exists":
        return f"{x} IS {'NOT ' if term.value else ''}NULL"
    if term.op in _COMPARE:
        return _ordered(sql, x, term, bound)
    values = term.value if term.op in {"in", "not_in"} else [term.value]
    same = _same(sql, x, [typed_text(value) for value in values], bound)
    return f"({same})" if term.op in {"eq", "in"} else f"NOT ({same})"


def _same(sql: Dialect, x: str, values: Sequence[str | None], bound: Parameters) -> str:
    """Compare with each value, or where there are many with the set of them."""
    texts = [value for value in values if value is not None]
    if len(texts) <= _FEW:
        return " OR ".join(f"{x} IS NOT DISTINCT FROM {bound.bind(value)}" for value in values)
    known = f"coalesce({sql.among(x, texts, bound)}, false)"
    return known if len(texts) == len(values) else f"{known} OR {x} IS NULL"


def _ordered(sql: Dialect, x: str, term: FilterTerm, bound: Parameters) -> str:
    sign = _COMPARE[term.op]
    if isinstance(term.value, str):
        a_text = (
            f"CASE WHEN {_starts(x, _TEXT)} THEN substr({x}, 3) "
            f"WHEN NOT {_starts(x, _MARK)} AND NOT {_starts(x, _OBJECT)} THEN {x} END"
        )
        return f"coalesce({a_text} {sign} {bound.bind(term.value)}, false)"
    number = f"CASE WHEN {_starts(x, _MARK)} THEN {quantity(sql, x)} END"
    # Bound as text: a driver may take a wide decimal for a double.
    limit = exact_text(parse_quantity(str(term.value), field=term.property))
    return f"coalesce({number} {sign} {sql.decimal(bound.bind(limit))}, false)"


def _starts(x: str, mark: str) -> str:
    """Say that a text begins with a mark of ours: texts are ordered by their bytes, and two
    comparisons cost far less than `starts_with`.
    """
    # None of ours begins with a mark and a backslash, which some engines take for an escape.
    after = mark[:-1] + chr(ord(mark[-1]) + 1).replace("\\", "]")
    return f"({x} >= '{mark}' AND {x} < '{after}')"
