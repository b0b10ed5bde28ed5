from decimal import Decimal
from typing import Any

import pytest

from tallybook.cli._mapping import SOURCE, mapper, recipe
from tallybook.model.errors import Invalid
from tallybook.model.table import Row, Table

LINE = {
    "when": "2023-11-16 18:17:03.9799600", "who": "7", "n": "4808", "zip": "01234",
    "code": "120", "size": "1.50", "none": "",
}  # fmt: skip
MAP = {"time": "when", "subject": "who", "data.n": "n", "data.zip": "zip", "data.code": "code",
       "data.size.mb": "size", "data.none": "none"}  # fmt: skip


def event(fields: dict[str, Any], *, is_text: bool = True, **given: Any) -> dict[str, Any]:
    columns = tuple(fields) if is_text else None
    made = mapper(recipe({}, given), Table(columns, iter(()), is_text))
    return made.event(Row(5, fields), lambda number: f"digest:{number}")


def test_a_line_of_text_becomes_an_event() -> None:
    assert event(LINE, map=MAP, set={"type": "request"}, text=["data.code"]) == {
        "specversion": "1.0", "source": SOURCE, "id": "digest:5", "type": "request",
        "subject": "7", "time": "2023-11-16T18:17:03.9799600Z",
        "data": {"n": 4808, "zip": "01234", "code": "120", "size": {"mb": Decimal("1.50")}},
    }  # fmt: skip


def test_columns_may_be_named_like_the_parts() -> None:
    found = event({"id": "a", "type": "t", "subject": "s", "time": "2026-03-01T09:30:00Z",
                   "data.n": "1e5"})  # fmt: skip
    assert (found["id"], found["data"]) == ("a", {"n": "1e5"})


def test_a_record_is_an_event_already() -> None:
    record = {"id": "a", "source": "s", "type": "t", "subject": "x", "ext": "kept",
              "data": {"n": Decimal("1.10")}}  # fmt: skip
    assert event(record, is_text=False) == {"specversion": "1.0", **record}


def test_a_record_can_be_mapped_by_dotted_paths() -> None:
    record = {"at": {"time": 1082040961}, "user": {"id": 12}, "zip": 1}
    found = event(
        record, is_text=False, time_format="unix", set={"type": "t"}, text=["data.zip"],
        map={"time": "at.time", "subject": "user.id", "data.zip": "zip", "data.no": "a.b"},
    )  # fmt: skip
    assert (found["subject"], found["time"]) == ("12", "2004-04-15T14:56:01Z")
    assert found["data"] == {"zip": "1"}


@pytest.mark.parametrize(
    ("text", "timezone", "expected"),
    [
        ("2026-03-01", "UTC", "2026-03-01T00:00:00Z"),
        ("2026-03-01 09:30", "UTC", "2026-03-01T09:30:00Z"),
        ("2026-03-01 09:30:00.1234567", "America/New_York", "2026-03-01T14:30:00.123456Z"),
        ("2026-03-01 09:30:00+0530", "America/New_York", "2026-03-01T09:30:00+05:30"),
        ("2026-03-01T09:30:00 UTC", "America/New_York", "2026-03-01T09:30:00Z"),
        ("2026-11-01 01:30:00", "America/New_York", "2026-11-01T05:30:00Z"),  # comes twice
        ("2026-03-08 02:30:00", "America/New_York", "2026-03-08T07:30:00Z"),  # is skipped
    ],
)
def test_times_as_people_write_them(text: str, timezone: str, expected: str) -> None:
    found = event({"time": text}, timezone=timezone, map={"time": "time"},
                  set={"type": "t", "subject": "s"})  # fmt: skip
    assert found["time"] == expected


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("1082040961", "unix", "2004-04-15T14:56:01Z"),
        ("1082040961.5000009", "unix", "2004-04-15T14:56:01.500000Z"),
        ("1082040961123", "unix-ms", "2004-04-15T14:56:01.123000Z"),
    ],
)
def test_counts_since_1970(text: str, form: str, expected: str) -> None:
    found = event({"time": text}, time_format=form, map={"time": "time"},
                  set={"type": "t", "subject": "s"})  # fmt: skip
    assert found["time"] == expected


@pytest.mark.parametrize(
    ("text", "form"),
    [("", "iso"), ("yesterday", "iso"), ("1082040961", "iso"), ("x", "unix"),
     ("999999999999999", "unix"), ("1e5", "unix")],
)  # fmt: skip
def test_a_bad_time_is_refused(text: str, form: str) -> None:
    with pytest.raises(Invalid) as refused:
        event({"time": text}, time_format=form, map={"time": "time"},
              set={"type": "t", "subject": "s"})  # fmt: skip
    assert refused.value.code == "time_invalid"


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        ({"map": {"time": "then"}}, "unknown_column", "there are: when, who"),
        ({"map": {"time": "when"}}, "mapping_incomplete", "--map type=COLUMN"),
        ({}, "mapping_incomplete", "--map PART=COLUMN"),
        ({"map": {"tiem": "when"}}, "mapping_invalid", "'tiem' is no part"),
        ({"timezone": "Mars/Base"}, "unknown_zone", "Mars/Base"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(given: Any, code: str, says: str) -> None:
    with pytest.raises(Invalid, match=says) as refused:
        event(LINE, **given)
    assert refused.value.code == code


def test_the_command_line_wins_over_the_file() -> None:
    document = {"map": {"time": "a", "id": "b"}, "time_format": "unix", "set": {"type": "t"}}
    made = recipe(document, {"map": {"time": "c"}, "time_format": None, "text": None})
    assert (made.map, made.time_format) == ({"time": "c", "id": "b"}, "unix")
    with pytest.raises(Invalid):
        recipe({"maps": {}}, {})
