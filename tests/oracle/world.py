"""Accounts, meters, contracts and events as plain documents, and what of them counts, said a
second time: every event is looked at, and every tree is climbed, for each question.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from tests.oracle.days import iso, start_of
from tests.oracle.prices import ZERO, Piece, number

Document = Mapping[str, Any]
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Counted:
    """An event as a meter sees it; `value` is its property, None where it has none."""

    time: datetime
    value: Any
    data: Document

    @property
    def piece(self) -> Piece:
        """Return its quantity and its data."""
        return (Fraction(1) if self.value is True else number(str(self.value)), self.data)


@dataclass
class World:
    """All that was said: nouns as lists of versions in the order in which they were written, a
    version with an optional `valid_from`, and events as they were sent.
    """

    accounts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    meters: dict[str, dict[str, Any]] = field(default_factory=dict)
    contracts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    _counted: dict[tuple[str, str, bool], list[Counted]] = field(default_factory=dict)

    def account(self, key: str) -> Document:
        """Return an account's zone and currency, which no later version changes here."""
        return self.accounts[key][0]

    def events_of(self, meter: str, account: str, *, pooled: bool) -> list[Counted]:
        """Return the events that a meter counts for an account or its tree, by (time, id)."""
        asked = meter, account, pooled
        if asked not in self._counted:
            self._counted[asked] = self._count(self.meters[meter], account, pooled=pooled)
        return self._counted[asked]

    def _count(self, meter: Document, account: str, *, pooled: bool) -> list[Counted]:
        found = []
        for event in sorted(self.events, key=lambda e: (instant(e["time"]), e["id"])):
            at, data = instant(event["time"]), event["data"]
            mine = event["subject"] == account or (pooled and self.below(event, account))
            if event["type"] != meter["event_type"] or not mine:
                continue
            if not all(data.get(term["property"]) == term["value"] for term in meter["filter"]):
                continue
            value = True if meter["aggregation"] == "count" else data.get(meter["property"])
            if value is not None:
                found.append(Counted(at, value, data))
        return found

    def below(self, event: Document, root: str) -> bool:
        """Tell whether an event's account belonged to a tree at the event's time.

        A link changes at the moved account's own local day start.
        """
        key: str | None = event["subject"]
        while key is not None and key != root:
            key = self._parent(key, lambda day, k=key: self._day_start(k, day), event)
        return key == root

    def _parent(self, key: str, start: Any, event: Document) -> str | None:
        parent = None
        for version in in_order(self.accounts[key]):
            since = version.get("valid_from")
            if since is None or start(iso(since)) <= instant(event["time"]):
                parent = version.get("parent")
        return parent

    def _day_start(self, key: str, day: date) -> datetime:
        account = self.account(key)
        return start_of(day, account["timezone"], account["day_start"])

    def below_on(self, key: str | None, root: str, day: date) -> bool:
        """Tell whether an account belongs to a tree on a local day, or is its root."""
        while key is not None and key != root:
            versions = [
                v
                for v in in_order(self.accounts[key])
                if v.get("valid_from") is None or iso(v["valid_from"]) <= day
            ]
            key = versions[-1].get("parent")
        return key == root


def in_order(versions: Sequence[Document]) -> list[Document]:
    """Versions by the day from which they hold; a later word on the same day comes last."""
    return sorted(versions, key=lambda v: v.get("valid_from") or "")


def instant(text: str) -> datetime:
    """Read an RFC 3339 instant."""
    return datetime.fromisoformat(text)


def within(events: Sequence[Counted], spans: Sequence[Span], until: datetime) -> list[Counted]:
    """Return the events of some spans before an instant."""
    return [e for e in events if e.time < until and any(a <= e.time < b for a, b in spans)]


def aggregate(
    meter: Document, events: Sequence[Counted], spans: Sequence[Span], until: datetime
) -> Fraction:
    """Return a meter's quantity over some spans before an instant; no value counts 0."""
    inside = within(events, spans, until)
    if meter["aggregation"] == "latest":
        if not inside and meter.get("kind") == "stock":  # what was held goes on being held
            inside = [e for e in events if e.time < spans[0][0]]
        return inside[-1].piece[0] if inside else ZERO
    if meter["aggregation"] == "unique":
        return Fraction(len({str(e.value) for e in inside}))
    quantities = [e.piece[0] for e in inside]
    return max(quantities, default=ZERO) if meter["aggregation"] == "max" else sum(quantities, ZERO)
