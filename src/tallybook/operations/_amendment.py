"""One correction that is asked for: its item of a body, checked, and what it would do to an event.

What was done to an event so far decides what may be done next; where that comes from, and who
stores the outcome, is `correct`'s affair.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec

from tallybook.model.columns import NO_DATA, arrival
from tallybook.model.correction import Correction, Op, Row, read_correction
from tallybook.model.errors import Conflict, Invalid
from tallybook.model.fact import Arrival, Fact
from tallybook.model.limits import (
    CORRECTION_BYTES_MAX,
    CORRECTIONS_OF_AN_EVENT_MAX,
    EVENT_ID_CHARS_MAX,
    JSON_DEPTH_MAX,
    REASON_CHARS_MAX,
)
from tallybook.model.scope import Scope
from tallybook.model.time import format_instant, from_micros, micros
from tallybook.model.wire import Number, content
from tallybook.operations._event import check
from tallybook.operations._object import check_text, read_object, required

_MEMBERS: Final = ("source", "id", "reason", "event")
#: The event stands one level deep in its item.
_LEVELS_MAX: Final = JSON_DEPTH_MAX + 1


@dataclass(frozen=True, slots=True)
class Asked:
    """An item: the event it means, why, and for `replace` the members of what counts instead."""

    op: Op
    source: str
    id: str
    reason: str
    event: dict[str, msgspec.Raw] | None

    @property
    def key(self) -> tuple[str, str]:
        """The event it means."""
        return self.source, self.id


def read_item(wire: bytes, op: Op) -> Asked:
    """Read an item of a body.

    Raises:
        Invalid: the code says which rule it breaks.
    """
    item = read_object(wire, "correction", CORRECTION_BYTES_MAX, _LEVELS_MAX)
    for member in item:
        if member not in _MEMBERS:
            raise Invalid(
                "member_unknown",
                f"{member[:80]!r} is no member of a correction; it has {', '.join(_MEMBERS)}.",
                field=member[:80],
            )
    for name in ("source", "id"):
        check_text(item, name)
    source, id_ = required(item, "source"), required(item, "id", EVENT_ID_CHARS_MAX)
    return Asked(op, source, id_, _reason(item), _event(wire, item, op))


def _reason(item: dict[str, Any]) -> str:
    value = item.get("reason")
    if value is not None and (not isinstance(value, str) or isinstance(value, Number)):
        raise Invalid("attribute_invalid", "reason must be a text.", field="reason")
    return required({"reason": (value or "").strip()}, "reason", REASON_CHARS_MAX)


def _event(wire: bytes, item: dict[str, Any], op: Op) -> dict[str, msgspec.Raw] | None:
    value = item.get("event")
    if value is None and op == "replace":
        raise Invalid("event_missing", "A replacement needs the event that counts.", field="event")
    if value is None:
        return None
    if op != "replace":
        raise Invalid("event_unexpected", f"A {op} takes no event; leave it out.", field="event")
    if not isinstance(value, dict):
        raise Invalid("event_not_object", "event must be a JSON object.", field="event")
    given = _members(_members(wire)["event"])
    return {name: text for name, text in given.items() if text != NO_DATA}


@dataclass(slots=True)
class Case:
    """An event that is to be corrected and what was done to it: `number` corrections so far.

    `stands` is the row that counts now, None where it is voided; `in_force` are the corrections
    that nothing has reverted, oldest first, and `newest` is the last one of all.
    """

    original: Row
    source: str
    id: str
    stands: Row | None
    number: int = 0
    newest: tuple[int, Correction] | None = None
    in_force: list[Correction] = field(default_factory=list)

    @property
    def entry(self) -> int:
        """The newest entry about it."""
        return self.newest[0] if self.newest else self.original.seq

    def follow(self, fact: Fact) -> None:
        """Take note of the next correction."""
        done = read_correction(arrival(fact.wire).data)
        self.number += 1
        self.newest = (fact.seq, done)
        if done.op == "revert":
            self.in_force.pop()
            self.stands = done.shows
            return
        self.in_force.append(done)
        event = done.replacement
        self.stands = None if event is None else _row(fact.seq, arrival(event), fact.received_at)

    def next(self, scope: Scope, asked: Asked, now: datetime) -> Correction | None:
        """Work out what is asked for; None where the newest correction is just that.

        Raises:
            Invalid: the replacement is no event that may come in, or one correction too many.
            Conflict: `already_voided`, `event_voided`, `nothing_to_revert`.
        """
        event = None if asked.event is None else self._replacement(scope, asked.event, now)
        if self.newest and _repeats(self.newest[1], asked, event):
            return None
        # The last one can only void: the refusal of all others says to do so.
        if self.number >= CORRECTIONS_OF_AN_EVENT_MAX - (asked.op != "void"):
            raise Invalid(
                "too_many_corrections",
                f"An event may be corrected {CORRECTIONS_OF_AN_EVENT_MAX} times, the last time to "
                "void it; void it, and send what is right as a new event.",
                limit=CORRECTIONS_OF_AN_EVENT_MAX,
                asked=self.number + 1,
            )
        hides, shows = self.stands, None
        if asked.op == "revert":
            shows = self._before()
        elif hides is None:
            raise _voided(asked.op)
        wire = NO_DATA if event is None else msgspec.Raw(bytes(event.wire))
        return Correction(asked.op, self.original.seq, asked.reason, scope.who, hides, shows, wire)

    def _before(self) -> Row | None:
        """Return the row that stood before the correction that a revert takes back."""
        if not self.in_force:
            raise Conflict(
                "nothing_to_revert", "No correction of this event is in force; nothing was done."
            )
        return self.in_force[-1].hides

    def _replacement(self, scope: Scope, given: dict[str, msgspec.Raw], now: datetime) -> Arrival:
        """Put what is given in place of the attributes that count, and check it as an event."""
        counts = self.stands or self.original
        for name, own in (("source", self.source), ("id", self.id)):
            if name in given and msgspec.json.decode(given[name]) != own:
                raise Invalid(
                    "event_differs",
                    f"The event's {name} must be that of the event it replaces, or be left out.",
                    field=name,
                )
        kept = {
            "specversion": "1.0",
            "source": self.source,
            "id": self.id,
            "type": counts.type,
            "subject": counts.subject,
            "time": format_instant(from_micros(counts.time)),
        }
        event = check(msgspec.json.encode({**kept, **given}), now)
        if not sees(scope, _row(0, event, now)):
            raise Invalid(
                "subject_unknown",
                "There is no such account for this key; check the subject.",
                field="subject",
            )
        return event


def case_of(fact: Fact) -> Case:
    """Begin with an event to which nothing was done."""
    event = arrival(fact.wire)
    row = _row(fact.seq, event, fact.received_at)
    return Case(row, event.source, event.id, row)


def sees(scope: Scope, row: Row) -> bool:
    """Tell whether an event is within a scope."""
    return scope.sees(row.subject, from_micros(row.time))


def _row(seq: int, event: Arrival, received_at: datetime) -> Row:
    """Return an event as a row; one without a time happened when it was received."""
    time = micros(received_at) if event.time is None else event.time
    return Row(seq, event.type, event.subject, time)


def _repeats(newest: Correction, asked: Asked, event: Arrival | None) -> bool:
    """Tell whether the newest correction is the one that is asked for: its answer was lost."""
    if (newest.op, newest.reason) != (asked.op, asked.reason):
        return False
    if newest.replacement is None or event is None:
        return True
    return content(newest.replacement) == content(bytes(event.wire))


def _voided(op: Op) -> Conflict:
    if op == "void":
        return Conflict("already_voided", "This event is voided already; nothing was done.")
    return Conflict(
        "event_voided", "This event is voided; revert that first, and then replace the event."
    )


_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
