"""The numbers of a case as a page says them: of the line now, or as they were recorded."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from tallybook.model.time import parse_instant
from tallybook.web.pages import format as words
from tallybook.web.pages.cases.view import Numbers
from tallybook.web.pages.view import Fact

_DAY: Final = timedelta(days=1)
_WORDS: Final = {
    "no_allotment": "No allotment",
    "ok": "Ok",
    "near": "Near",
    "at_limit": "At limit",
    "over": "Over",
}


def numbers(shown: Mapping[str, Any], zone: str) -> Numbers:
    """Return what `operations.cases` recorded of a line, in words."""
    title = f"{shown['account_name']}, {shown['service']}"
    return Numbers(title, shown["link"], tuple(_facts(shown, zone)))


def _facts(shown: Mapping[str, Any], zone: str) -> Iterator[Fact]:
    first, end = (date.fromisoformat(shown[name]) for name in ("start_date", "end_date"))
    unit = shown["unit"]
    yield Fact("Period", words.span(first, end - _DAY))
    yield Fact("Used", _quantity(shown["used"], unit))
    included = "Unlimited" if shown["is_unlimited"] else _quantity(shown["allotment"], unit)
    yield Fact("Allotment", included)
    if shown["percent_used"] is not None:
        yield Fact("Of allotment", words.percent(Decimal(shown["percent_used"]), 1))
    if shown["remaining"] is not None:
        yield Fact("Remaining", _quantity(shown["remaining"], unit))
    if Decimal(shown["overage"]):
        yield Fact("Past allotment", _quantity(shown["overage"], unit))
    if shown["projected"] is not None:
        ahead = words.estimate(Decimal(shown["projected"]))
        yield Fact("Projected", f"{ahead} {unit}", "estimate")
    yield Fact("Status", _WORDS[shown["status"]])
    through = words.through(parse_instant(shown["data_through"]), zone)
    yield Fact("Complete to", through, f"{words.place(zone)} time")
    yield Fact("Known at", shown["known_at"], "the mark they rest on")


def _quantity(text: str | None, unit: str) -> str:
    return words.DASH if text is None else f"{words.number(Decimal(text))} {unit}"
