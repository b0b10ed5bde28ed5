"""What the sample vendor sells: its services, their meters, and what one event of each carries."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

SOURCE: Final = "sample"

#: Hundredths in one unit: the quantities of a service are planned in hundredths where it has
#: fractions, so that nothing here is ever a float.
CENTS: Final = 100


@dataclass(frozen=True, slots=True)
class Service:
    """A billable function. `typical` is the quantity of one event, in the planned unit.

    `data` writes an event's `data` (the inside of a JSON object) for a quantity already as text.
    """

    key: str
    event_type: str
    product: str
    unit: str
    aggregation: str
    property: str | None
    typical: int
    dimensions: tuple[str, ...]
    data: Callable[[str, Random], str]
    kind: str = "flow"
    scale: int = 1

    def meter(self) -> dict[str, Any]:
        """Return the meter's document."""
        document: dict[str, Any] = {
            "key": self.key,
            "name": self.product,
            "unit": self.unit,
            "kind": self.kind,
            "event_type": self.event_type,
            "aggregation": self.aggregation,
            "dimensions": list(self.dimensions),
        }
        return document | ({} if self.property is None else {"property": self.property})

    def text(self, quantity: int) -> str:
        """Write a planned quantity as the exact decimal an event carries."""
        if self.scale == 1:
            return str(quantity)
        whole, part = divmod(quantity, self.scale)
        return f"{whole}.{part:02d}"


def _checks(quantity: str, draw: Random) -> str:
    result = draw.choice(("clear", "clear", "clear", "clear", "review", "failed"))
    document = draw.choice(("passport", "id_card", "id_card", "driving_licence"))
    return f'"checks":{quantity},"document":"{document}","result":"{result}"'


def _lead(_quantity: str, draw: Random) -> str:
    origin = draw.choice(("web", "web", "phone", "partner", "event"))
    return f'"origin":"{origin}","score":{draw.randrange(1, 101)}'


def _pages(quantity: str, draw: Random) -> str:
    document = draw.choice(("invoice", "invoice", "contract", "claim"))
    return f'"pages":{quantity},"document":"{document}"'


def _messages(quantity: str, draw: Random) -> str:
    channel = draw.choice(("sms", "sms", "email", "email", "email", "chat"))
    contact = min(draw.randrange(900), draw.randrange(900))  # some are written to more often
    return f'"messages":{quantity},"channel":"{channel}","contact":"c{contact:04d}"'


def _minutes(quantity: str, draw: Random) -> str:
    direction = draw.choice(("inbound", "outbound", "outbound"))
    return f'"minutes":{quantity},"direction":"{direction}"'


def _stored(quantity: str, _draw: Random) -> str:
    return f'"documents":{quantity}'


IDENTITY: Final = Service(
    "identity-checks",
    "identity.check",
    "Identity checks",
    "checks",
    "sum",
    "checks",
    8,
    ("document", "result"),
    _checks,
)
LEADS: Final = Service(
    "lead-verification",
    "lead.verified",
    "Lead verification",
    "leads",
    "count",
    None,
    1,
    ("origin",),
    _lead,
)
CAPTURE: Final = Service(
    "document-capture",
    "document.captured",
    "Document capture",
    "pages",
    "sum",
    "pages",
    24,
    ("document",),
    _pages,
)
MESSAGING: Final = Service(
    "messaging",
    "message.sent",
    "Messaging",
    "messages",
    "sum",
    "messages",
    40,
    ("channel",),
    _messages,
)
VOICE: Final = Service(
    "voice-minutes",
    "call.ended",
    "Voice verification",
    "minutes",
    "sum",
    "minutes",
    4_75,
    ("direction",),
    _minutes,
    scale=CENTS,
)
STORAGE: Final = Service(
    "stored-documents",
    "storage.level",
    "Stored documents",
    "documents",
    "latest",
    "documents",
    1,
    (),
    _stored,
    kind="stock",
)
SERVICES: Final = (IDENTITY, LEADS, CAPTURE, MESSAGING, VOICE, STORAGE)

#: Whom messages went to: a second meter on the same events, whose months never add up.
CONTACTS: Final[dict[str, Any]] = {
    "key": "active-contacts",
    "name": "Active contacts",
    "unit": "contacts",
    "event_type": MESSAGING.event_type,
    "aggregation": "unique",
    "property": "contact",
    "dimensions": ["channel"],
}

#: Two kinds of the same documents, each with a meter of its own, to be pooled.
INVOICES, CLAIMS = (
    {
        "key": f"captured-{kind}s",
        "name": f"Captured {kind}s",
        "unit": CAPTURE.unit,
        "event_type": CAPTURE.event_type,
        "aggregation": "sum",
        "property": CAPTURE.property,
        "filter": [{"property": "document", "op": "eq", "value": kind}],
    }
    for kind in ("invoice", "claim")
)


def meters() -> list[dict[str, Any]]:
    """Return the documents of all meters."""
    return [*(service.meter() for service in SERVICES), CONTACTS, INVOICES, CLAIMS]
