"""What came in, by account, source and type, whether or not a meter counts it: one question for a
whole tree.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from tallybook.aggregations._shape import NUMERIC, aggregation_of
from tallybook.model.nouns import FilterTerm, Meter
from tallybook.model.scope import Member
from tallybook.model.time import from_micros, micros
from tallybook.model.usage import Traffic, TrafficQuery
from tallybook.stores.events import standings
from tallybook.stores.events.dialect import Dialect, Parameters, Places, Rows, Statement
from tallybook.stores.events.facts import unread
from tallybook.stores.events.plan import cut, filtered

_DAY_MICROS: Final = 86_400_000_000
_KEYS: Final = ("subject", "source", "type")


def traffic(
    sql: Dialect, query: TrafficQuery, members: Sequence[Member] | None, places: Places
) -> tuple[str, Parameters]:
    """Write the statement; its columns are those that `rows` reads."""
    span = (micros(query.start), micros(query.end))
    found, join = cut(sql, places, span, query.seq, members)
    found.envelope.append("source")
    conditions = [standings.counted(sql, found, query.seq)] if places.corrected else []
    lacking = [_lacking(sql, found, meter) for meter in query.read_by]
    columns = {
        **{name: name for name in (*_KEYS, "time", "seq")},
        "day": sql.divided(f"(time - {found.bound.bind(span[0])})", str(_DAY_MICROS)),
        "missing": _any(missing for missing, _ in lacking),
        "invalid": _any(invalid for _, invalid in lacking),
        **{
            f"m{i}": " AND ".join(filtered(sql, found, terms)) or "true"
            for i, terms in enumerate(_filters(query))
        },
    }
    selected = [
        *_KEYS,
        "count(*)",
        "count(DISTINCT day)",
        "min(time)",
        "max(time)",
        "count(CASE WHEN missing THEN 1 END)",
        "count(CASE WHEN invalid THEN 1 END)",
        *(f"max(CASE WHEN m{i} THEN time END)" for i in range(len(_filters(query)))),
    ]
    end = f"\nGROUP BY {', '.join(_KEYS)}"
    return sql.written(Statement(found, selected, columns, join, conditions, end)), found.bound


def rows(query: TrafficQuery, found: Iterable[Sequence[Any]]) -> list[Traffic]:
    """Make values of the statement's rows."""
    filters = _filters(query)
    places = [(meter.event_type, filters.index(meter.filter)) for meter in query.followed]
    return [
        Traffic(
            account,
            source,
            type_,
            events,
            days,
            from_micros(first),
            from_micros(last),
            missing,
            invalid,
            tuple(
                None if newest[i] is None or of_type != type_ else from_micros(newest[i])
                for of_type, i in places
            ),
        )
        for account, source, type_, events, days, first, last, missing, invalid, *newest in found
    ]


def _filters(query: TrafficQuery) -> list[list[FilterTerm]]:
    """Return the filters of what is followed, each once: rows are told apart by type anyway."""
    found: list[list[FilterTerm]] = []
    for meter in query.followed:
        if meter.filter not in found:
            found.append(meter.filter)
    return found


def _lacking(sql: Dialect, found: Rows, meter: Meter) -> tuple[str, str]:
    """Say that a meter does not find its quantity in an event, and that it cannot read it."""
    lacks = unread(sql, found, meter)
    if not lacks or meter.property is None:
        return "", ""
    if aggregation_of(meter).READS not in NUMERIC:
        return lacks, ""
    x = found.read(meter.property)
    absent = f"coalesce({x} = '', true)"
    return f"({lacks} AND {absent})", f"({lacks} AND NOT {absent})"


def _any(conditions: Iterable[str]) -> str:
    return f"({' OR '.join(one for one in conditions if one) or 'false'})"
