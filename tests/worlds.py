"""Small worlds for tests: nouns as documents, uses as plain values, and what a usage question
means, counted in Python with the aggregations' own folds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from tallybook.aggregations._shape import Row, aggregation
from tallybook.model.directory import Directory
from tallybook.model.mark import Mark, minute_of
from tallybook.model.ports import Events, NounName, Version
from tallybook.model.position import Position
from tallybook.model.scope import Scope, operator
from tallybook.model.time import micros
from tallybook.model.usage import UsageCell, UsageQuery
from tallybook.operations._compute import compute
from tallybook.positions.position import Known
from tallybook.positions.terms import Terms, terms

RECORDED = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Used:
    """An event that a meter counts."""

    account: str
    time: datetime
    quantity: Decimal
    type: str = "use"


def used(account: str, day: str, quantity: int | str = 1) -> Used:
    """Return a use at noon in UTC of a day, or at the instant given."""
    at = datetime.fromisoformat(day)
    at = at.replace(tzinfo=UTC) + timedelta(hours=12) if len(day) == 10 else at.astimezone(UTC)
    return Used(account, at, Decimal(quantity))


@dataclass
class World:
    """Definitions as they come in."""

    directory: Directory = field(default_factory=Directory)

    def put(self, noun: NounName, key: str, valid_from: str | None = None, **document: Any) -> None:
        """Add a version of a noun."""
        number = len(self.directory.history(noun, key)) + 1
        name = "number" if noun == "contract" else "key"
        since = None if valid_from is None else date.fromisoformat(valid_from)
        self.directory = self.directory.extend(
            [
                Version(
                    noun,
                    key,
                    number,
                    self.directory.revision + 1,
                    since,
                    RECORDED,
                    "test",
                    None,
                    retired=document.pop("retired", False),
                    document={name: key, **document},
                )
            ]
        )

    def account(self, key: str, valid_from: str | None = None, **document: Any) -> None:
        self.put("account", key, valid_from, **document)

    def meter(self, key: str = "m", valid_from: str | None = None, **document: Any) -> None:
        defaults = {"event_type": "use", "aggregation": "sum", "property": "n"}
        self.put("meter", key, valid_from, **{**defaults, **document})

    def contract(self, key: str = "C", valid_from: str | None = None, **document: Any) -> None:
        line = {"code": "L", "meter": "m"}
        line |= {k: document.pop(k) for k in ("allotment", "price", "product") if k in document}
        defaults = {"account": "a", "start_date": "2025-01-01", "lines": [line]}
        self.put("contract", key, valid_from, **{**defaults, **document})

    def line(self, at: str, now: str | None = None, number: str = "C", **kw: Any) -> Terms:
        """Return the first line of a contract at noon in UTC of a day."""
        return terms(self.directory, number, instant(at), instant(now or at), **kw)[0]

    def position(
        self, uses: Sequence[Used], at: str, now: str | None = None, **kw: Any
    ) -> Position:
        """Work out the position of a contract's first line."""
        line = self.line(at, now, **kw)
        mark = Mark(0, self.directory.revision, minute_of(instant(now or at)))
        known = Known(mark, None)
        events = cast("Events", Given(uses))
        return next(compute(operator(), self.directory, events, [line], known))


@dataclass(frozen=True, slots=True)
class Given:
    """Uses in the place of a store of events, as far as questions of usage go."""

    uses: Sequence[Used]

    def usage(self, scope: Scope, query: UsageQuery) -> list[UsageCell]:
        assert scope.accounts is None
        return count(query, self.uses)


def instant(text: str) -> datetime:
    """Return noon in UTC of a day, or the instant given."""
    at = datetime.fromisoformat(text)
    return at.replace(hour=12, tzinfo=UTC) if len(text) == 10 else at.astimezone(UTC)


def count(query: UsageQuery, uses: Iterable[Used]) -> list[UsageCell]:
    """Answer a usage question by looking at every event: slow, and plain to see."""
    rows: dict[tuple[int, int, str | None], list[Row]] = {}
    for seq, use in enumerate(uses):
        for member in query.members or ():
            if (use.account, use.type) != (member.account, query.meter.event_type):
                continue
            if not member.start <= use.time < member.end:
                continue
            for bucket in range(len(query.edges) - 1):
                if query.edges[bucket] <= use.time < query.edges[bucket + 1]:
                    key = (member.group, bucket, use.account if query.by_account else None)
                    rows.setdefault(key, []).append(Row(micros(use.time), seq, use.quantity))
    fold = aggregation(query.meter.aggregation).fold
    return [
        UsageCell(group, bucket, account, (), fold(found))
        for (group, bucket, account), found in rows.items()
    ]
