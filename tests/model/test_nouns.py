import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook import aggregations
from tallybook.model import canonical, kinds
from tallybook.model.contract import Contract
from tallybook.model.errors import Invalid
from tallybook.model.ids import new_id
from tallybook.model.nouns import Account, Instant, Meter, Noun, Person, parse

TERMS = {"number": "C-1", "account": "acme", "start_date": "2026-01-15"}
EVENT = {"key": "m", "event_type": "call", "aggregation": "count"}


def test_an_account_needs_only_its_key() -> None:
    account = parse(Account, {"key": "acme"})
    assert (account.timezone, account.day_start, account.currency) == ("UTC", time(0), "USD")
    assert (account.parent, account.status, account.attributes) == (None, "active", {})
    assert account.title == "acme"
    assert parse(Account, {"key": "acme", "name": "Acme"}).title == "Acme"


def test_an_accounts_days_are_those_of_its_zone_and_day_start() -> None:
    document = {"key": "a", "timezone": "America/New_York", "day_start": "03:00"}
    account = parse(Account, document)
    assert account.calendar.start_of(date(2026, 7, 1)) == datetime(2026, 7, 1, 7, tzinfo=UTC)
    assert account.model_dump()["day_start"] == "03:00"
    assert parse(Account, {"key": "a", "day_start": time(3)}).day_start == account.day_start


def test_a_contract_needs_its_account_and_start() -> None:
    contract = parse(Contract, TERMS)
    assert (contract.key, contract.title) == ("C-1", "C-1")
    assert parse(Contract, {**TERMS, "name": "Big"}).title == "Big"
    assert (contract.status, contract.pooling, contract.lines) == ("active", "none", [])
    assert parse(Contract, {**TERMS, "end_date": "2026-01-15"}).end_date == date(2026, 1, 15)


@pytest.mark.parametrize(
    ("quantity", "kept"),
    [
        (100, "100"),
        ("100.50", "100.5"),
        (Decimal("0.000000000001"), "0.000000000001"),
        ("999999999999999999.999999999999", "999999999999999999.999999999999"),
        (None, None),
        (0, "0"),
        ("1e3", "1000"),
        ("-0", "0"),
    ],
)
def test_allotments_are_exact(quantity: Any, kept: str | None) -> None:
    line = {"code": "x", "meter": "m", "allotment": {"quantity": quantity}}
    contract = parse(Contract, {**TERMS, "lines": [line]})
    dumped = contract.model_dump()["lines"][0]["allotment"]["quantity"]
    assert dumped == kept
    again = parse(Contract, contract.model_dump())
    assert again == contract


WRONG: tuple[tuple[type[Noun], dict[str, Any], str], ...] = (
    (Account, {}, "key"),
    (Account, {"key": ""}, "key"),
    (Account, {"key": "a" * 129}, "key"),
    (Account, {"key": "a\n"}, "key"),
    (Account, {"key": "ä"}, "key"),
    (Account, {"key": 7}, "key"),
    (Account, {"key": "a", "name": "x" * 257}, "name"),
    (Account, {"key": "a", "timezone": "EST5EDT9"}, "timezone"),
    (Account, {"key": "a", "timezone": "../etc/passwd"}, "timezone"),
    (Account, {"key": "a", "day_start": "24:00"}, "day_start"),
    (Account, {"key": "a", "day_start": "3:00"}, "day_start"),
    (Account, {"key": "a", "day_start": 3}, "day_start"),
    (Account, {"key": "a", "day_start": "03:00:00"}, "day_start"),
    (Account, {"key": "a", "currency": "usd"}, "currency"),
    (Account, {"key": "a", "status": "gone"}, "status"),
    (Account, {"key": "a", "csm": {"phone": "1"}}, "csm.phone"),
    (Account, {"key": "a", "parent": "b/c"}, "parent"),
    (Meter, {"key": "m", "aggregation": "count"}, "event_type"),
    (Meter, {**EVENT, "event_type": ""}, "event_type"),
    (Meter, {**EVENT, "kind": "gauge"}, "kind"),
    (Meter, {**EVENT, "property": "a..b"}, "property"),
    (Meter, {**EVENT, "property": ""}, "property"),
    (Meter, {**EVENT, "property": ".".join("abcdefghi")}, "property"),
    (Meter, {**EVENT, "dimensions": ["x"] * 33}, "dimensions"),
    (Meter, {**EVENT, "dimensions": ['a"b']}, "dimensions.0"),
    (Meter, {**EVENT, "filter": [{"property": "x", "op": "like", "value": 1}]}, "filter.0.op"),
    (Meter, {**EVENT, "filter": [{"property": "x", "op": "in", "value": 1}]}, "filter.0"),
    (Meter, {**EVENT, "filter": [{"property": "x", "op": "in", "value": []}]}, "filter.0"),
    (Meter, {**EVENT, "filter": [{"property": "x", "op": "exists", "value": 1}]}, "filter.0"),
    (Meter, {**EVENT, "filter": [{"property": "x", "op": "gt", "value": True}]}, "filter.0"),
    (Meter, {**EVENT, "filter": [{"property": "x", "op": "lte", "value": None}]}, "filter.0"),
    (Meter, {**EVENT, "filter": [{"property": "x", "value": {"a": 1}}]}, "filter.0"),
    (Meter, {**EVENT, "filter": [{"property": "x", "op": "in", "value": [[1]]}]}, "filter.0"),
    (Meter, {**EVENT, "filter": [{"property": "x", "value": 1}] * 21}, "filter"),
    (Contract, {"number": "C"}, "account"),
    (Contract, {**TERMS, "start_date": "0001-01-01"}, "start_date"),
    (Contract, {**TERMS, "end_date": "9999-12-31"}, "end_date"),
    (Contract, {**TERMS, "billing": {"cycle_unit": "fortnight"}}, "billing.cycle_unit"),
    (Contract, {**TERMS, "billing": {"cycle_length": 0}}, "billing.cycle_length"),
    (Contract, {**TERMS, "pooling": "all"}, "pooling"),
    (Contract, {**TERMS, "discounts": [{"name": "d"}]}, "discounts.0"),
    (Contract, {**TERMS, "discounts": [{"name": "d", "percent": 1, "amount": 1}]}, "discounts.0"),
    (Contract, {**TERMS, "lines": [{"code": "x"}]}, "lines.0"),
    *(
        (
            Contract,
            {**TERMS, "lines": [{"code": "x", "meter": "m", "allotment": {"quantity": q}}]},
            "lines.0.allotment.quantity",
        )
        for q in (
            -1,
            True,
            0.5,
            "NaN",
            "1e19",
            "1e-13",
            "1E+3000000",
            "",
            "1,5",
            "٣",
            [1],
            "x" * 9999,
        )
    ),
)


@pytest.mark.parametrize(("noun", "document", "field"), WRONG)
def test_a_refusal_names_the_field(noun: type[Noun], document: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse(noun, document)
    assert (refusal.value.code, refusal.value.facts["field"]) == ("document_invalid", field)
    assert refusal.value.detail.endswith(".")
    assert "Value error" not in refusal.value.detail
    assert not refusal.value.detail.endswith("..")
    assert len(refusal.value.detail) < 500


def test_a_refusal_lists_every_fault() -> None:
    with pytest.raises(Invalid) as refusal:
        parse(Account, {"key": "/", "currency": "?", "nmae": "x"})
    faults = refusal.value.facts["errors"]
    assert isinstance(faults, list)
    assert [f["field"] for f in faults] == ["key", "currency", "nmae"]


@pytest.mark.parametrize(
    "term",
    [
        {"op": "eq", "value": None},
        {"op": "in", "value": [1, "1", Decimal("1.5"), True, None]},
        {"op": "exists", "value": False},
        {"op": "gt", "value": "2026"},
        {"op": "lt", "value": 3},
    ],
)
def test_filters_take_json_values_as_they_are(term: dict[str, Any]) -> None:
    meter = parse(Meter, {**EVENT, "filter": [{"property": "a.b", **term}]})
    assert meter.filter[0].value == term["value"]
    assert type(meter.filter[0].value) is type(term["value"])


def test_nouns_cannot_be_changed_in_place() -> None:
    person = parse(Person, {"name": "Ann"})
    with pytest.raises(ValueError, match="frozen"):
        person.name = "Eve"  # type: ignore[misc] # it is frozen: that is the test


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.text(max_size=5)
    | st.decimals(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=3), v, max_size=3)
)


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same type all the way down."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Decimal) and isinstance(other, int) and not isinstance(other, bool):
        return one == other  # 1 and Decimal("1") are one JSON number
    return type(one) is type(other) and bool(one == other)


@given(VALUES)
def test_canonical_text_keeps_every_value(value: Any) -> None:
    text = canonical.encode(value)
    json.loads(text)  # it is plain JSON
    back = canonical.decode(text)
    assert same(value, back)
    assert canonical.encode(back) == text


def test_canonical_text_does_not_depend_on_the_order_of_keys() -> None:
    assert canonical.encode({"b": 1, "a": date(2026, 1, 2)}) == '{"a":"2026-01-02","b":1}'


def test_ids_are_uuids_of_version_7_that_sort_by_time() -> None:
    now = datetime(2026, 3, 10, 12, 0, 0, 123456, tzinfo=UTC)
    ids = [new_id(now + timedelta(milliseconds=n)) for n in range(100)]
    assert ids == sorted(ids)
    assert len({new_id(now) for _ in range(1000)}) == 1000
    for text in ids:
        assert UUID(text).version == 7
        assert UUID(text).variant == "specified in RFC 4122"
    assert UUID(ids[0]).int >> 80 == 1773144000123


def test_kinds_are_the_files_of_a_room(tmp_path: Path) -> None:
    for name in ("b.py", "a.py", "_shared.py", "__init__.py", "notes.txt"):
        (tmp_path / name).write_text("")
    room = ModuleType("tallybook.somewhere")
    room.__path__ = [str(tmp_path)]
    assert kinds.names(room) == ("a", "b")
    assert kinds.load(aggregations, "sum").__name__ == "tallybook.aggregations.sum"
    for wrong in ("mode", "_shape", "", "../sum", "sum.sum"):
        with pytest.raises(Invalid) as refusal:
            kinds.load(aggregations, wrong)
        assert refusal.value.code == "unknown_kind"
        assert "sum" in refusal.value.detail


class Happening(Noun):
    at: Instant


def test_an_instant_is_a_text_or_one_already() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert parse(Happening, {"at": noon}).at == noon
    assert parse(Happening, {"at": "2026-03-01T12:00:00Z"}).at == noon
    with pytest.raises(Invalid) as refusal:
        parse(Happening, {"at": 5})
    assert refusal.value.facts["field"] == "at"
