import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import msgspec
import pytest

from tallybook.model import limits
from tallybook.model.contract import Contract
from tallybook.model.nouns import Account, Meter, parse
from tallybook.model.time import Calendar, parse_instant
from tallybook.positions.forecast import course_of_days, forecast
from tallybook.samples.customers import AGREEMENTS, CUSTOMERS
from tallybook.samples.plan import plan
from tallybook.samples.services import SERVICES, STORAGE
from tallybook.samples.vendor import Vendor

DECODER = msgspec.json.Decoder(float_hook=Decimal)
NOW = datetime(2026, 11, 22, 8, 10, tzinfo=UTC)
#: The first minutes of a month, the last of a short one, and a day the clocks change.
MOMENTS = (
    NOW,
    datetime(2026, 11, 1, 6, 30, tzinfo=UTC),
    datetime(2026, 2, 28, 23, 50, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
)


#: Enough for weeks, late facts and a day the clocks change, and quick.
DAYS = 100


def facts(now: datetime) -> Iterator[dict[str, Any]]:
    for _, batch in Vendor(now, DAYS).events():
        yield from DECODER.decode_lines(batch)


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    return list(facts(NOW))


def digest(now: datetime) -> str:
    found = hashlib.sha256()
    for _, batch in islice(Vendor(now).events(), 5):
        found.update(batch)
    return found.hexdigest()


def test_the_same_instant_gives_the_same_bytes() -> None:
    assert digest(NOW) == digest(NOW) != digest(NOW + timedelta(days=1))


def test_documents_are_what_the_nouns_ask_for() -> None:
    vendor = Vendor(NOW)
    for document in vendor.accounts():
        fields = {k: v for k, v in document.items() if k not in {"valid_from", "reason"}}
        assert parse(Account, fields).key == document["key"]
    assert {parse(Meter, m).key for m in vendor.meters()} >= {s.key for s in SERVICES}
    assert len([parse(Contract, c) for c in vendor.contracts()]) == len(AGREEMENTS)


def test_it_is_a_whole_vendor() -> None:
    parents = {c.key: c.parent for c in CUSTOMERS}
    roots = Counter(parent for parent in parents.values() if parent)
    grandchildren = [key for key, parent in parents.items() if parent and parents[parent]]
    assert len(parents) == len(CUSTOMERS)
    assert 35 <= len(parents) <= 50
    assert len([root for root in roots if parents[root] is None]) >= 4
    assert len(grandchildren) >= 8
    assert {c.currency for c in CUSTOMERS} == {"USD", "EUR"}
    assert {"Asia/Kolkata", "Australia/Lord_Howe", "Europe/Berlin"} <= {c.zone for c in CUSTOMERS}


@pytest.mark.parametrize(
    "now",
    [NOW, *(pytest.param(now, marks=pytest.mark.thorough) for now in MOMENTS[1:])],
    ids=str,
)
def test_the_count_is_told_before_and_nothing_lies_ahead(now: datetime) -> None:
    vendor = Vendor(now, DAYS)
    count, newest = 0, ""
    ids = set()
    for event in facts(now):
        count += 1
        ids.add(event["id"])
        newest = max(newest, event["time"])
    assert (count, len(ids)) == (vendor.events_count(), count)
    assert parse_instant(newest) < now
    assert 150_000 <= Vendor(now).events_count() <= 300_000
    assert all(len(batch) < limits.BODY_BYTES_MAX for _, batch in islice(vendor.events(), 3))


def test_events_add_up_to_the_plan_day_by_day(events: list[dict[str, Any]]) -> None:
    """By local days of the account's own zone, the doubled and missing hours included."""
    services = {s.event_type: s for s in SERVICES if s is not STORAGE}
    calendars = {c.key: Calendar(c.zone) for c in CUSTOMERS}
    found: dict[tuple[str, str], dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for event in events:
        if (service := services.get(event["type"])) is None:
            continue
        day = calendars[event["subject"]].day_of(parse_instant(event["time"]))
        quantity = event["data"][service.property] if service.property else Decimal(1)
        found[event["subject"], service.key][day] += quantity
    for stream in plan(NOW, DAYS):
        if stream.service is STORAGE:
            continue
        planned = {d: Decimal(q) / stream.service.scale for d, q in stream.days.items() if q}
        assert found[stream.customer.key, stream.service.key] == planned


def test_some_quantities_are_exact_fractions_and_some_facts_are_late(
    events: list[dict[str, Any]],
) -> None:
    minutes = [e["data"]["minutes"] for e in events if e["type"] == "call.ended"]
    assert any(m % 1 for m in minutes)
    newest = datetime(2025, 1, 1, tzinfo=UTC)
    late = 0
    for event in events:
        time = datetime.fromisoformat(event["time"])
        late += time < newest - timedelta(days=3)
        newest = max(newest, time)
    assert 100 < late < len(events) // 50


@pytest.mark.parametrize("now", MOMENTS, ids=str)
def test_lines_stand_as_they_are_meant_to(now: datetime) -> None:
    """The aims hold by the product's own forecast, whatever the day of the month."""
    contracts = {c["number"]: c for c in Vendor(now).contracts()}
    streams = plan(now)
    seen = set()
    for agreement in AGREEMENTS:
        below = [c.key for c in CUSTOMERS if _under(c.key, agreement.account)]
        members = below if agreement.pooled else [agreement.account]
        for line, (service, aim, _) in zip(
            contracts[agreement.number]["lines"], agreement.lines, strict=False
        ):
            if aim not in {"over", "likely", "low"} or service.kind == "stock":
                continue
            days: dict[date, Decimal] = defaultdict(Decimal)
            mine = [s for s in streams if s.service is service and s.customer.key in members]
            for stream in mine:
                for day, use in stream.days.items():
                    days[day] += Decimal(use) / service.scale
            today = mine[0].today
            start = today.replace(day=1)
            end = (start + timedelta(days=31)).replace(day=1)
            course = course_of_days(
                start, end, min(days), today - timedelta(days=1), days,
                Decimal(line["allotment"]["quantity"]),
            )  # fmt: skip
            heading = forecast(course).projected
            assert course.allotment is not None
            assert heading is not None
            stands = {
                "over": course.so_far > course.allotment or course.so_far < 10,
                "likely": course.so_far < course.allotment < heading,
                "low": heading < course.allotment / 2,
            }
            assert stands[aim], (agreement.number, service.key, course.so_far, course.allotment)
            seen.add(aim)
    assert seen == {"over", "likely", "low"}


def _under(key: str | None, root: str) -> bool:
    parents = {c.key: c.parent for c in CUSTOMERS}
    while key is not None and key != root:
        key = parents[key]
    return key == root
