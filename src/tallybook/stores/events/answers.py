"""The questions of the Events port, alike on every engine: a scope cuts them, the store runs the
statements, and rows become what the port returns.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from tallybook.aggregations._shape import aggregation_of
from tallybook.model.nouns import Meter
from tallybook.model.ports import FactQuery, Listed
from tallybook.model.scope import Scope
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT, from_micros
from tallybook.model.usage import (
    PieceRow,
    PiecesQuery,
    Reading,
    ReadingsQuery,
    Traffic,
    TrafficQuery,
    UsageCell,
    UsageQuery,
)
from tallybook.stores.events import facts as listing
from tallybook.stores.events import pieces as one_by_one
from tallybook.stores.events import plan, rises
from tallybook.stores.events import traffic as came_in
from tallybook.stores.events.dialect import Dialect, Parameters, Places

Rows = Sequence[Sequence[Any]]
Span = tuple[datetime, datetime]
#: Writes the statement once it is known where rows are.
Writing = Callable[[Places], tuple[str, Parameters]]
#: Runs the statement about a span of time, as known at an entry.
Ask = Callable[[Span, int, Writing], Rows]


def usage(sql: Dialect, scope: Scope, question: UsageQuery, ask: Ask) -> list[UsageCell]:
    """Answer a usage question."""
    members = plan.seen(scope, question.members)
    if members is not None and not members:
        return []
    of_counter = _reads_counter(question.meter)
    write = rises.usage if of_counter else plan.usage
    span = (FIRST_INSTANT if of_counter else question.edges[0], question.edges[-1])
    rows = ask(span, question.seq, lambda places: write(sql, question, members, places))
    return plan.cells(question, rows)


def pieces(sql: Dialect, scope: Scope, question: PiecesQuery, ask: Ask) -> list[PieceRow]:
    """Return the events that a meter adds up, in order."""
    members = plan.seen(scope, question.members)
    if members is not None and not members:
        return []
    of_counter = _reads_counter(question.meter)
    write = rises.pieces if of_counter else one_by_one.pieces
    span = (FIRST_INSTANT if of_counter else question.start, question.end)
    rows = ask(span, question.seq, lambda places: write(sql, question, members, places))
    return one_by_one.rows(rows)


def readings(sql: Dialect, scope: Scope, question: ReadingsQuery, ask: Ask) -> list[Reading]:
    """Return what counters showed."""
    members = plan.seen(scope, question.members)
    if members is not None and not members:
        return []
    span = (FIRST_INSTANT, question.end)
    rows = ask(span, question.seq, lambda places: rises.readings(sql, question, members, places))
    return [
        Reading(account, from_micros(time), seq, tuple(values), quantity, before)
        for account, time, seq, quantity, before, *values in rows
    ]


def facts(sql: Dialect, scope: Scope, question: FactQuery, ask: Ask) -> list[Listed]:
    """List events, newest first."""
    members = plan.seen(scope, question.members)
    if members is not None and not members:
        return []
    span = (question.start, question.end)
    rows = ask(span, question.seq, lambda places: listing.facts(sql, question, members, places))
    return [Listed(from_micros(time), seq, hidden_by or None) for time, seq, hidden_by in rows]


def traffic(sql: Dialect, scope: Scope, question: TrafficQuery, ask: Ask) -> list[Traffic]:
    """Return what came in, by account, source and type."""
    members = plan.seen(scope, question.members)
    if members is not None and not members:
        return []
    span = (question.start, question.end)
    rows = ask(span, question.seq, lambda places: came_in.traffic(sql, question, members, places))
    return came_in.rows(question, rows)


def types(sql: Dialect, scope: Scope, seq: int, ask: Ask) -> dict[str, int]:
    """Count the events of each type, as known at an entry."""
    members = plan.seen(scope, None)
    span = (FIRST_INSTANT, LAST_INSTANT)
    rows = ask(span, seq, lambda places: listing.types(sql, seq, members, places))
    return {row[0]: row[1] for row in rows}


def _reads_counter(meter: Meter) -> bool:
    """Tell whether what is counted rests on readings from before the span asked about."""
    return aggregation_of(meter).READS == "rise"
