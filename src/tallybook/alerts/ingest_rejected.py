"""Check `ingest.rejected`: whether much of what somebody sends is refused, or was sent before."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.intake import Sent
from tallybook.model.quantity import EXACT
from tallybook.model.schedule import Preset
from tallybook.model.time import hour_of
from tallybook.model.view import View

TITLE = "Events refused"
FINDS = "Senders of whose events more than usual are refused, or were sent before."
TIPS = (
    "What is refused is not kept: whoever sends it corrects it and sends it again.",
    "Each sender is judged alone, so that a small feed is not lost among large ones.",
    "The receipt of a batch says of each event which was refused and why.",
    "Duplicates count once; many of them mean that something is sent again without need.",
    "Have it run as often as the hours that are looked back, so that none is left out.",
)
_REFUSED = "In percent of all events that the sender sent; above it, not at it."
_BEFORE = "The same, of events that were stored already; 100 never speaks."
_BACK = "Full hours before the present one, by the clock of UTC."
_LEAST = "Fewer events than this are not spoken of."
_PERCENT: Final = Decimal(1)
_MOST: Final = Decimal(100)
VARIABLES = (
    Variable("percent", "percent", "Refused above", _REFUSED, _PERCENT, "%", Decimal(0), _MOST),
    Variable(
        "duplicates", "percent", "Duplicates above", _BEFORE, _PERCENT, "%", Decimal(0), _MOST
    ),
    Variable("hours", "whole", "Hours looked back", _BACK, 1, minimum=1, maximum=720),
    Variable("least", "whole", "Least events", _LEAST, 1, minimum=1),
)
COLUMNS = (
    Column("sender", "Sender"),
    Column("codes", "Why"),
    Column("events", "Events", "quantity"),
    Column("sent", "Of", "quantity"),
    Column("share", "Share", "percent"),
)
FINGERPRINT = ("sender", "state")
POLICY: RepeatPolicy = "on_transition"
SCHEDULE: Preset = "hourly"
RELATED = ("usage.feed_stale", "usage.unpriced")
_HOUR: Final = timedelta(hours=1)
_CODES_SHOWN: Final = 3
_DIGITS: Final = Decimal("0.0001")
#: What each says; what is sent again with other content is refused as well.
_REJECTED: Final = (
    "were refused ({codes}). The receipt of each batch says which and why; correct them, and send "
    "them again"
)
_DUPLICATE: Final = (
    "were stored already and counted once. See why they are sent again: a receipt that was not "
    "waited for, or a file that is read twice"
)


class _Case(NamedTuple):
    """What is judged of a sender."""

    state: str
    statuses: frozenset[str]
    variable: str
    says: str


_CASES: Final = (
    _Case("rejected", frozenset({"rejected", "conflict"}), "percent", _REJECTED),
    _Case("duplicate", frozenset({"duplicate"}), "duplicates", _DUPLICATE),
)


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield (sender, state) with events of the state ÷ all events of the sender × 100 above the
    state's variable, and at least `least` of them, from `hours` full hours back until now.
    """
    since = hour_of(view.now) - values["hours"] * _HOUR
    senders: dict[str, list[tuple[Sent, int]]] = {}
    for sent, events in view.intake(since):
        senders.setdefault(sent.sender, []).append((sent, events))
    for sender, rows in senders.items():
        total = sum(events for _, events in rows)
        for case in _CASES:
            some = [(sent.code, events) for sent, events in rows if sent.status in case.statuses]
            count = sum(events for _, events in some)
            limit = EXACT.multiply(values[case.variable], Decimal(total))
            if count >= values["least"] and count * 100 > limit:
                yield _found(case, sender, some, total, since)


def _found(
    case: _Case, sender: str, rows: list[tuple[str, int]], total: int, since: datetime
) -> Found:
    count = sum(events for _, events in rows)
    codes = _most(rows)
    return Found(
        entity=f"{sender} {case.state}",
        account="",
        state=case.state,
        severity="warning" if case.state == "rejected" else "notice",
        message=f"{count:,} of {total:,} events that {sender} sent since "
        f"{since:%Y-%m-%d %H:%M} UTC {case.says.format(codes=codes)}.",
        inputs={"sender": sender, "state": case.state},
        outputs={
            "codes": codes,
            "events": count,
            "sent": total,
            "share": EXACT.divide(Decimal(count), Decimal(total)).quantize(_DIGITS),
        },
    )


def _most(rows: list[tuple[str, int]]) -> str:
    """Return the codes that came most, with how often."""
    counts: dict[str, int] = {}
    for code, events in rows:
        counts[code] = counts.get(code, 0) + events
    most = sorted(counts, key=lambda code: (-counts[code], code))[:_CODES_SHOWN]
    return ", ".join(f"{code} {counts[code]:,}" for code in most)
