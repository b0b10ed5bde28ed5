"""Documents as files hold them: whatever a contract may say is read back equal, from any format."""

import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.formats import json, yaml
from tallybook.model import canonical
from tallybook.model.contract import Contract
from tallybook.model.nouns import Account, Meter, Noun, parse
from tallybook.model.written import written

KEYS = st.sampled_from(["a", "b-1", "no", "007", "1e3", "null", "A:b", "x.y_z"])
NAMES = st.none() | st.text(max_size=12) | st.sampled_from(["yes", "2026-01-01", "1_000", "=", "~"])
DAYS = st.sampled_from(["2026-01-01", "2027-02-28", "2028-02-29"])
NUMBERS = st.decimals(min_value=0, max_value=10**9, places=4).map(str)
PERCENTS = st.sampled_from(["0", "12.5", "100"])
COUNTS = st.integers(1, 12)
UNITS = st.none() | st.sampled_from(["day", "month", "year", "term"])
#: Free parts hold any JSON; numbers with a point are decimals.
FREE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9)
    .filter(lambda n: "." in str(n) or "E" in str(n))
    | st.text(max_size=12)
    | st.sampled_from(["no", "0123", "12:30", "1_0", "+1", "<<", "-", "a: b", "\x85", "\u2028"]),
    lambda inside: st.lists(inside, max_size=3)
    | st.dictionaries(st.text(max_size=6), inside, max_size=3),
    max_leaves=8,
)  # fmt: skip


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


def whole(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(fields)


def joined(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(lambda found: {k: v for part in found for k, v in part.items()})


CYCLE = some(cycle_unit=UNITS, cycle_length=COUNTS)
ROLLOVER = some(cap=st.none() | NUMBERS, expires_after=st.none() | COUNTS)
ALLOTMENT = joined(CYCLE, some(quantity=st.none() | NUMBERS, rollover=st.none() | ROLLOVER))
LINE = joined(
    whole(code=KEYS, meter=KEYS),
    some(
        name=NAMES, product=NAMES, unit=NAMES, allotment=ALLOTMENT, hard_limit=st.booleans(),
        price=st.dictionaries(st.sampled_from(["model", "unit_amount"]), FREE, max_size=2),
        conversion=whole(unit=st.just("GB"), divide_by=st.just("1024"), step=st.just("0.5")),
        free_quantity=NUMBERS, minimum_amount=NUMBERS, discount_percent=PERCENTS,
    ),
)  # fmt: skip
GROUP = joined(
    whole(name=KEYS, meters=st.lists(KEYS, min_size=1, max_size=2)),
    some(covered_quantity=NUMBERS, overage_rate=NUMBERS, credit_rate=NUMBERS,
         overage_tiers=st.lists(some(up_to=st.just("5"), unit_amount=NUMBERS), max_size=2),
         tolerance=some(days_before=st.integers(0, 9))),
    CYCLE,
)  # fmt: skip
BASE = joined(
    whole(name=KEYS, amount=NUMBERS), some(quantity=NUMBERS, timing=st.just("advance")), CYCLE
)
TERMS = some(
    lines=st.lists(LINE, max_size=2),
    meter_groups=st.lists(GROUP, max_size=2),
    base_charges=st.lists(BASE, max_size=2),
    commitments=st.lists(joined(whole(name=KEYS, amount=NUMBERS), CYCLE), max_size=1),
    discounts=st.lists(
        joined(whole(name=KEYS, percent=PERCENTS), some(lines=st.lists(KEYS))), max_size=1
    ),
    rate_schedules=st.lists(
        joined(whole(name=KEYS, applies_to=st.just("base"), percent=PERCENTS), some(every=COUNTS)),
        max_size=1,
    ),
)
CONTRACTS = joined(
    whole(number=KEYS, account=KEYS, start_date=DAYS),
    some(
        name=NAMES, type=NAMES, end_date=st.none() | DAYS, branch=NAMES, bill_code=NAMES,
        status=st.sampled_from(["draft", "ended"]), applies=st.just("next_period"),
        timezone=st.just("Europe/Berlin"), csm=some(name=NAMES, email=NAMES),
        attributes=st.dictionaries(st.text(max_size=6), FREE, max_size=3),
        billing=some(enabled=st.booleans(), cycle_length=COUNTS, hold_above=NUMBERS),
        renewal=some(policy=st.just("ask"), cycle_unit=st.just("year")),
        phases=st.lists(joined(whole(start_date=DAYS), TERMS), max_size=2),
        credits=st.lists(joined(whole(name=KEYS, amount=NUMBERS), some(valid_to=DAYS)), max_size=1),
        expiration_quantity=NUMBERS,
    ),
    TERMS,
)  # fmt: skip


def check(kind: type[Noun], document: dict[str, Any]) -> None:
    noun = parse(kind, document)
    told = written(noun)
    for room in (yaml, json):
        once = room.write([told])
        (row,) = room.read(io.BytesIO(once)).rows
        again = parse(kind, row.fields)
        assert canonical.encode(again.model_dump()) == canonical.encode(noun.model_dump())
        assert room.write([written(again)]) == once
        assert len([*room.read(io.BytesIO(room.write([told, told]))).rows]) == 2


@given(CONTRACTS)
def test_any_contract_is_read_back_equal_and_written_the_same(document: dict[str, Any]) -> None:
    check(Contract, document)


@given(st.dictionaries(st.text(max_size=8), FREE, max_size=4))
def test_free_parts_keep_every_text_and_every_digit(attributes: dict[str, Any]) -> None:
    check(Account, {"key": "a", "attributes": attributes})


CYCLED: dict[str, Any] = {"cycle_unit": "year", "cycle_length": 2}
PARTS: dict[str, Any] = {
    "lines": [
        {
            "code": "c", "name": "n", "product": "p", "meter": "m", "unit": "u",
            "conversion": {"unit": "k", "divide_by": "1000", "step": "1", "mode": "down"},
            "allotment": {"quantity": "1", "rollover": {"cap": "9", "expires_after": 3}, **CYCLED},
            "hard_limit": True, "price": {"model": "x"}, "free_quantity": "1",
            "minimum_amount": "1", "maximum_amount": "2", "discount_percent": "5",
        },
        {"code": "f", "quantity": "3"},
    ],
    "meter_groups": [
        {
            "name": "g", "product": "p", "meters": ["m"], "covered_quantity": "1",
            "overage_rate": "1", "overage_method": "roll_forward", "credit_rate": "2",
            "overage_tiers": [{"up_to": "5", "unit_amount": "1", "flat_amount": "2"}],
            "counts_to_expiration": True, "tolerance": {"days_before": 1, "days_after": 2},
            **CYCLED,
        }
    ],
    "base_charges": [
        {"name": "b", "amount": "1", "quantity": "2", "timing": "advance", "level": "product",
         "ref": "p", **CYCLED}
    ],
    "commitments": [{"name": "k", "amount": "1", "prorate": True, **CYCLED}],
    "discounts": [
        {"name": "d", "percent": "5", "lines": ["c"]}, {"name": "e", "amount": "7"},
    ],
    "rate_schedules": [
        {"name": "r", "applies_to": "base", "ref": "b", "percent": "3", "every": 2, "places": 2,
         **CYCLED}
    ],
}  # fmt: skip
WHOLE: dict[str, Any] = {
    "number": "C", "account": "a", "name": "n", "type": "t", "status": "draft",
    "applies": "next_period", "branch": "b", "currency": "EUR", "timezone": "Europe/Berlin",
    "start_date": "2026-01-01", "end_date": "2026-12-31", "bill_to": "p", "bill_code": "x",
    "sales_rep": {"name": "s", "email": "s@b.example"},
    "csm": {"name": "c", "email": "c@b.example"},
    "renewal": {"policy": "auto", **CYCLED},
    "billing": {"enabled": False, "cycle_start_date": "2026-02-01", "timing": "advance",
                "hold_above": "100", **CYCLED},
    "phases": [{"name": "f", "start_date": "2026-01-01", "end_date": "2026-02-01", **PARTS}],
    "credits": [{"name": "c", "amount": "1", "valid_from": "2026-01-01", "valid_to": "2026-02-01"}],
    "pooling": "parent_pool", "expiration_quantity": "5", "umc_rule": "u",
    "attributes": {"any": [1, "thing"]}, **PARTS,
}  # fmt: skip


def said(noun: Noun) -> Iterator[tuple[type[Noun], str | None]]:
    """Yield each kind of part and each field that is not what it is by default."""
    yield type(noun), None
    for name, field in type(noun).model_fields.items():
        value = getattr(noun, name)
        if value != field.get_default(call_default_factory=True):
            yield type(noun), name
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, Noun):
                yield from said(part)


def test_a_contract_that_says_everything() -> None:
    check(Contract, WHOLE)
    told = set(said(parse(Contract, WHOLE)))
    fields = {(kind, name) for kind, _ in told for name in kind.model_fields}
    assert {(kind, name) for kind, name in told if name} == fields, "a new field: add it to WHOLE"


@pytest.mark.parametrize("op", ["eq", "in"])
def test_a_meter_with_a_filter(op: str) -> None:
    value: Any = [1, Decimal("1.50"), "1", True, None]
    term = {"property": "a.b", "op": op, "value": value if op == "in" else value[1]}
    check(Meter, {"key": "m", "event_type": "e", "aggregation": "count", "filter": [term]})


def test_what_only_says_a_default_is_left_out_and_what_is_unlimited_is_said() -> None:
    line = {"code": "c", "meter": "m", "allotment": {"rollover": {}}, "hard_limit": False}
    told = written(parse(Contract, {"number": "C", "account": "a", "start_date": "2026-01-01",
                                    "pooling": "none", "lines": [line]}))  # fmt: skip
    rollover = {"cap": None, "expires_after": None}
    assert told == {
        "number": "C",
        "account": "a",
        "start_date": "2026-01-01",
        "lines": [
            {"code": "c", "meter": "m", "allotment": {"quantity": None, "rollover": rollover}}
        ],
    }
