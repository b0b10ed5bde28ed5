from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tallybook.model.errors import Forbidden, Invalid
from tallybook.model.limits import BUCKETS_MAX
from tallybook.model.position import Period
from tallybook.model.scope import Scope, operator
from tallybook.operations.preview_periods import preview_periods

ALL = operator()
YEAR = {"start_date": "2026-01-31", "end_date": "2026-12-31", "timezone": "America/Chicago"}


def periods(**document: Any) -> list[Period]:
    named = {"from" if name == "since" else name: value for name, value in document.items()}
    return preview_periods(ALL, [YEAR | named])[0]


def starts(**document: Any) -> list[str]:
    return [str(found.start_date) for found in periods(**document)]


def test_a_period_says_all_of_itself() -> None:
    found = periods(cycle_start_date="2026-01-01", start_date="2026-03-20", to="2026-03-21")
    assert [asdict(one) for one in found] == [
        {
            "index": 2,
            "start_date": date(2026, 3, 20),
            "end_date": date(2026, 4, 1),
            "cycle_start_date": date(2026, 3, 1),
            "starts_at": datetime(2026, 3, 20, 5, tzinfo=UTC),
            "ends_at": datetime(2026, 4, 1, 5, tzinfo=UTC),
            "cycle_days": 31,
            "is_stub": True,
        }
    ]
    assert found[0].days == 12


def test_without_more_the_periods_are_months_from_the_first_day_to_the_last() -> None:
    found = periods()
    assert len(found) == 12
    assert [str(p.start_date) for p in found[:5]] == [
        "2026-01-31",
        "2026-02-28",
        "2026-03-31",
        "2026-04-30",
        "2026-05-31",
    ]
    assert (found[-1].start_date, found[-1].end_date) == (date(2026, 12, 31), date(2027, 1, 1))
    assert [p.is_stub for p in found] == [False] * 11 + [True]
    assert preview_periods(ALL, [{"start_date": "2026-01-31", "to": "2026-02-01"}])[0] != []


@pytest.mark.parametrize(
    ("since", "to", "expected"),
    [
        ("2026-03-31", "2026-04-30", ["2026-03-31"]),
        ("2026-03-30", "2026-05-01", ["2026-02-28", "2026-03-31", "2026-04-30"]),
        ("2026-04-15", "2026-04-15", ["2026-03-31"]),
        ("2026-03-31", "2026-03-31", ["2026-03-31"]),
        ("2026-03-31T04:59:59Z", "2026-03-31T05:00:00Z", ["2026-02-28"]),
        ("2026-03-31T05:00:00Z", "2026-03-31T05:00:00.000001Z", ["2026-03-31"]),
        ("2025-01-01", "2026-01-31", []),
        ("2026-11-30", None, ["2026-11-30", "2026-12-31"]),
        (None, "2026-02-28", ["2026-01-31"]),
        ("2027-01-01", None, []),
        ("0001-01-03", "0001-01-03", []),
        ("9999-12-29", None, []),
    ],
)
def test_from_and_to_select_what_they_touch_and_cut_nothing(
    since: str | None, to: str | None, expected: list[str]
) -> None:
    found = periods(since=since, to=to)
    assert [str(one.start_date) for one in found] == expected
    whole = periods()
    assert all(one in whole for one in found)


def test_a_day_may_begin_at_another_hour() -> None:
    found = periods(cycle_unit="day", start_date="2026-03-07", end_date="2026-03-09")
    late = periods(
        cycle_unit="day", start_date="2026-03-07", end_date="2026-03-09", day_start="02:30"
    )
    assert [one.starts_at.isoformat() for one in found] == [
        "2026-03-07T06:00:00+00:00",
        "2026-03-08T06:00:00+00:00",
        "2026-03-09T05:00:00+00:00",
    ]
    assert [one.starts_at.isoformat() for one in late] == [
        "2026-03-07T08:30:00+00:00",
        "2026-03-08T08:00:00+00:00",
        "2026-03-09T07:30:00+00:00",
    ]


def test_a_contract_without_end_goes_on_to_the_end_of_time() -> None:
    endless = {"end_date": None}
    assert len(periods(**endless, cycle_unit="year")) == 9999 - 2026 + 1
    assert starts(**endless, since="2030-06-01", to="2030-06-02") == ["2030-05-31"]
    with pytest.raises(Invalid) as refusal:
        periods(**endless)
    assert refusal.value.code == "too_many_periods"
    assert refusal.value.facts["limit"] == BUCKETS_MAX
    assert refusal.value.facts["asked"] == (9999 - 2026 + 1) * 12 - 1


def test_all_lists_together_are_limited() -> None:
    many = {"start_date": "2026-01-01", "cycle_unit": "day", "to": "2046-01-01"}
    assert len(preview_periods(ALL, [many])[0]) == 7_305
    with pytest.raises(Invalid) as refusal:
        preview_periods(ALL, [many, many])
    assert refusal.value.facts["asked"] == 14_610
    assert preview_periods(ALL, []) == []


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"end_date": "2026-01-30"}, "document_invalid", "end_date"),
        ({"timezone": "America/Nowhere"}, "document_invalid", "timezone"),
        ({"cycle_length": 0}, "document_invalid", "cycle_length"),
        ({"cycle_length": "1"}, "document_invalid", "cycle_length"),
        ({"cycle_length": 3_661}, "document_invalid", "cycle_length"),
        ({"cycle_unit": "quarter"}, "document_invalid", "cycle_unit"),
        ({"start_date": None}, "document_invalid", "start_date"),
        ({"cycle_start_date": "0001-01-01"}, "document_invalid", "cycle_start_date"),
        ({"day_start": "24:00"}, "document_invalid", "day_start"),
        ({"from": 20260101}, "document_invalid", "from"),
        ({"from_": "2026-01-01"}, "document_invalid", "from_"),
        ({"from": "2026-02-30"}, "date_invalid", "from"),
        ({"to": "tomorrow"}, "time_invalid", "to"),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "range_invalid", "to"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        preview_periods(ALL, [YEAR | change])
    assert (refusal.value.code, refusal.value.facts["field"]) == (code, field)


def test_who_may_not_read_may_not_ask() -> None:
    with pytest.raises(Forbidden):
        preview_periods(Scope("x", "ingest"), [])
