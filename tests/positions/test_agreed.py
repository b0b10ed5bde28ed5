"""What makes a contract document invalid: every fault with its code and path, all at once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.contract import TERMS, Contract
from tallybook.model.errors import Invalid, faults_of
from tallybook.model.nouns import Meter, parse
from tallybook.positions.agreed import faults

METERS = {
    key: Meter(key=key, unit=unit, event_type="use", aggregation="count")
    for key, unit in (("calls", "calls"), ("more", "calls"), ("bytes", "GB"))
}
LINE = {"code": "calls", "meter": "calls"}
GROUP = {"name": "pool", "meters": ["calls", "more"], "overage_rate": "0.01"}
BASE = {"name": "fee", "amount": "10"}
Faults = list[tuple[str, str]]


def document(**more: Any) -> dict[str, Any]:
    return {"number": "C", "account": "acme", "start_date": "2026-01-01", **more}


def judged(said: dict[str, Any]) -> Faults:
    try:
        found = faults(parse(Contract, said), METERS.get)
    except Invalid as e:
        found = faults_of(e)
    assert all(fault.detail.endswith(".") for fault in found)
    return [(fault.code, fault.field) for fault in found]


def phase(start: str, end: str | None = None, **terms: Any) -> dict[str, Any]:
    return {"start_date": start, "end_date": end, **terms}


def line(**more: Any) -> dict[str, Any]:
    return {**LINE, **more}


def tiers(*ends: str | None) -> list[dict[str, Any]]:
    return [{"up_to": end, "unit_amount": "1"} for end in ends]


YEAR = {"end_date": "2026-12-31"}
#: Faults of the document as a whole.
WHOLE: list[tuple[dict[str, Any], Faults]] = [
    ({"end_date": "2025-12-31"}, [("end_before_start", "end_date")]),
    ({"renewal": {"policy": "auto"}}, [("renewal_without_end", "renewal.policy")]),
    (
        {"phases": [phase("2026-03-01", "2026-02-01")]},
        [("end_before_start", "phases.0.end_date")],
    ),
    (
        {"phases": [phase("2026-03-01", "2026-03-31"), phase("2026-02-01", "2026-02-28")]},
        [("phases_out_of_order", "phases.1.start_date")],
    ),
    (
        {"phases": [phase("2026-03-01", "2026-03-31"), phase("2026-03-31")]},
        [("phases_overlap", "phases.1.start_date")],
    ),
    (
        {"phases": [phase("2026-03-01", "2026-03-31"), phase("2026-04-02")]},
        [("phases_gap", "phases.1.start_date")],
    ),
    (
        {"phases": [phase("2026-03-01"), phase("2026-04-01")]},
        [("phase_end_missing", "phases.0.end_date")],
    ),
    (
        {**YEAR, "phases": [phase("2025-12-31", "2027-01-01")]},
        [
            ("phase_outside_term", "phases.0.start_date"),
            ("phase_outside_term", "phases.0.end_date"),
        ],
    ),
    ({**YEAR, "phases": [phase("2027-01-01")]}, [("phase_outside_term", "phases.0.start_date")]),
    ({"phases": [phase("2025-12-31")]}, [("phase_outside_term", "phases.0.start_date")]),
    (
        {
            "credits": [
                {"name": "c", "amount": 1, "valid_from": "2026-02-02", "valid_to": "2026-02-01"}
            ]
        },
        [("end_before_start", "credits.0.valid_to")],
    ),
    ({"credits": [{"name": "c", "amount": 1}] * 2}, [("duplicate_name", "credits.1.name")]),
]
#: Faults of a set of terms: the contract's own, or a phase's.
PARTS: list[tuple[dict[str, Any], Faults]] = [
    ({"lines": [LINE, LINE]}, [("duplicate_name", "lines.1.code")]),
    (
        {"lines": [LINE], "meter_groups": [{**GROUP, "name": "calls"}]},
        [("duplicate_name", "meter_groups.0.name")],
    ),
    ({"base_charges": [BASE, BASE]}, [("duplicate_name", "base_charges.1.name")]),
    ({"commitments": [BASE, BASE]}, [("duplicate_name", "commitments.1.name")]),
    ({"discounts": [BASE, BASE]}, [("duplicate_name", "discounts.1.name")]),
    ({"lines": [line(meter="none")]}, [("unknown_meter", "lines.0.meter")]),
    (
        {"meter_groups": [{**GROUP, "meters": ["calls", "none"]}]},
        [("unknown_meter", "meter_groups.0.meters.1")],
    ),
    (
        {"meter_groups": [{**GROUP, "meters": ["calls", "calls"]}]},
        [("duplicate_meter", "meter_groups.0.meters.1")],
    ),
    (
        {"meter_groups": [{**GROUP, "meters": ["calls", "bytes"]}]},
        [("unit_clash", "meter_groups.0.meters.1")],
    ),
    ({"lines": [line(unit="GB")]}, [("unit_clash", "lines.0.unit")]),
    (
        {"lines": [line(unit="calls", conversion={"unit": "blocks"})]},
        [("unit_clash", "lines.0.unit")],
    ),
    (
        {"lines": [line(minimum_amount=2, maximum_amount="1.99")]},
        [("minimum_above_maximum", "lines.0.minimum_amount")],
    ),
    (
        {"lines": [line(allotment={"rollover": {}})]},
        [("rollover_of_unlimited", "lines.0.allotment.rollover")],
    ),
    ({"lines": [line(price={})]}, [("price_model_missing", "lines.0.price.model")]),
    ({"lines": [line(price={"model": "free"})]}, [("unknown_kind", "lines.0.price.model")]),
    ({"lines": [line(price={"model": "_tiers"})]}, [("unknown_kind", "lines.0.price.model")]),
    (
        {"lines": [line(price={"model": "per_unit", "unit_amount": "x"})]},
        [("document_invalid", "lines.0.price.unit_amount")],
    ),
    (
        {"lines": [line(price={"model": "graduated", "tiers": tiers("2", "1", None)})]},
        [("document_invalid", "lines.0.price.tiers.1.up_to")],
    ),
    (
        {"meter_groups": [{**GROUP, "overage_tiers": tiers(None)}]},
        [("overage_twice", "meter_groups.0.overage_tiers")],
    ),
    *(
        (
            {"meter_groups": [{**GROUP, "overage_rate": None, "overage_tiers": tiers(*ends)}]},
            [("document_invalid", f"meter_groups.0.overage_tiers.{at}.up_to")],
        )
        for ends, at in ((("2", "1", None), 1), ((None, None), 0), (("1", "2"), 1))
    ),
    (
        {"base_charges": [{**BASE, "level": "product"}]},
        [("ref_missing", "base_charges.0.ref")],
    ),
    (
        {"base_charges": [{**BASE, "level": "meter_group", "ref": "none"}]},
        [("ref_unknown", "base_charges.0.ref")],
    ),
    (
        {
            "discounts": [{"name": "d", "percent": 1, "lines": ["fee", "none"]}],
            "base_charges": [BASE],
        },
        [("ref_unknown", "discounts.0.lines.1")],
    ),
    (
        {"rate_schedules": [{"name": "r", "applies_to": "base", "ref": "x", "percent": 1}]},
        [("ref_unknown", "rate_schedules.0.ref")],
    ),
    *(
        (
            {
                "meter_groups": [{**GROUP, **of_group}],
                "base_charges": [{**BASE, "level": "meter_group", "ref": "pool", **of_base}],
            },
            [("base_cycle_too_long", "base_charges.0.cycle_unit")],
        )
        for of_group, of_base in (
            ({}, {"cycle_unit": "month", "cycle_length": 2}),
            ({"cycle_unit": "day", "cycle_length": 30}, {}),
            ({"cycle_unit": "month", "cycle_length": 11}, {"cycle_unit": "year"}),
        )
    ),
    (
        {
            "base_charges": [{**BASE, "cycle_unit": "year"}],
            "rate_schedules": [
                {"name": "r", "applies_to": "base", "percent": 3, "cycle_unit": "month"}
            ],
        },
        [("cycle_clash", "rate_schedules.0.cycle_unit")],
    ),
    *(
        (terms, [("term_without_end", f"{path}.cycle_unit")])
        for terms, path in (
            ({"lines": [line(allotment={"cycle_unit": "term"})]}, "lines.0.allotment"),
            ({"meter_groups": [{**GROUP, "cycle_unit": "term"}]}, "meter_groups.0"),
            ({"base_charges": [{**BASE, "cycle_unit": "term"}]}, "base_charges.0"),
            ({"commitments": [{**BASE, "cycle_unit": "term"}]}, "commitments.0"),
        )
    ),
]
#: What fits together, though it looks like what does not.
GOOD: list[dict[str, Any]] = [
    {"end_date": "2026-01-01"},
    {**YEAR, "phases": [phase("2026-01-01", "2026-06-30"), phase("2026-07-01", "2026-12-31")]},
    {**YEAR, "phases": [phase("2026-01-01", "2026-06-30"), phase("2026-07-01")]},
    {**YEAR, "renewal": {"policy": "auto"}, "phases": [phase("2026-07-01", "2027-12-31")]},
    {"lines": [line(unit="calls")]},
    {"lines": [line(unit="blocks", conversion={"unit": "blocks"})]},
    {"lines": [{"code": "seats", "quantity": 5, "unit": "seats"}]},
    {"lines": [line(minimum_amount=2, maximum_amount="2.00")]},
    {"meter_groups": [{**GROUP, "overage_tiers": []}]},
    {"lines": [LINE], "base_charges": [{**BASE, "name": "calls"}]},
    {**YEAR, "lines": [line(allotment={"quantity": 5, "cycle_unit": "term"})]},
    {**YEAR, "base_charges": [{**BASE, "cycle_unit": "term"}]},
    *(
        {
            "meter_groups": [{**GROUP, **of_group}],
            "base_charges": [{**BASE, "level": "meter_group", "ref": "pool", **of_base}],
        }
        for of_group, of_base in (
            ({}, {}),
            ({"cycle_unit": "year"}, {"cycle_unit": "month", "cycle_length": 12}),
            ({"cycle_unit": "day", "cycle_length": 31}, {}),
            ({"cycle_unit": "month"}, {"cycle_unit": "day", "cycle_length": 30}),
        )
    ),
    {
        "base_charges": [{**BASE, "cycle_unit": "year"}, {**BASE, "name": "other"}],
        "rate_schedules": [
            {"name": "a", "applies_to": "base", "percent": 3},
            {
                "name": "b",
                "applies_to": "base",
                "ref": "fee",
                "percent": 3,
                "cycle_unit": "month",
                "cycle_length": 12,
            },
        ],
    },
    {  # a discount of the contract names what only a phase has
        "discounts": [{"name": "d", "percent": 1, "lines": ["late"]}],
        "phases": [phase("2026-02-01", lines=[line(code="late")])],
    },
    {  # a phase without the group that a charge of the contract is for
        "meter_groups": [GROUP],
        "base_charges": [{**BASE, "level": "meter_group", "ref": "pool"}],
        "phases": [phase("2026-02-01", meter_groups=[])],
    },
]


@pytest.mark.parametrize(("terms", "expected"), [*WHOLE, *PARTS])
def test_every_fault_has_its_code_and_its_path(terms: dict[str, Any], expected: Faults) -> None:
    assert judged(document(**terms)) == expected


@pytest.mark.parametrize(("terms", "expected"), PARTS)
def test_in_a_phase_the_path_begins_with_it(terms: dict[str, Any], expected: Faults) -> None:
    said = document(phases=[phase("2026-01-01", "2026-01-31"), phase("2026-02-01", **terms)])
    assert judged(said) == [(code, f"phases.1.{field}") for code, field in expected]


@pytest.mark.parametrize("terms", GOOD)
def test_what_fits_together_has_no_fault(terms: dict[str, Any]) -> None:
    assert judged(document(**terms)) == []


def test_all_faults_are_listed_at_once_in_the_order_of_the_document() -> None:
    said = document(
        end_date="2025-01-01",
        lines=[line(unit="GB", meter="none"), LINE],
        credits=[{"name": "c", "amount": 1}] * 2,
        phases=[phase("2025-01-01", lines=[line(price={})])],
    )
    assert judged(said) == [
        ("end_before_start", "end_date"),
        ("phase_outside_term", "phases.0.start_date"),
        ("duplicate_name", "credits.1.name"),
        ("duplicate_name", "lines.1.code"),
        ("unknown_meter", "lines.0.meter"),
        ("price_model_missing", "phases.0.lines.0.price.model"),
    ]


def test_a_phase_that_clashes_with_what_it_leaves_is_to_blame() -> None:
    for own, other in (
        ({"lines": [line(code="pool")]}, {"meter_groups": [GROUP]}),
        ({"meter_groups": [{**GROUP, "name": "calls"}]}, {"lines": [LINE]}),
    ):
        ((code, field),) = judged(document(**other, phases=[phase("2026-02-01", **own)]))
        assert (code, field.partition(".0.")[0]) == ("duplicate_name", "phases")


DAYS = st.sampled_from([None, "2025-12-31", "2026-01-01", "2026-02-01", "2026-02-02", "9999-12-29"])
NAMES = st.sampled_from(["calls", "pool", "fee", "late"])
UNITS = st.sampled_from([None, "day", "week", "month", "year", "term"])
NUMBERS = st.sampled_from([0, 1, "2.5"])
#: What no field takes, for the parts of a price and here and there.
WILD: st.SearchStrategy[Any] = st.sampled_from([None, -1, "1e40", "x", 10**20, True, [], {}])
CYCLE = {"cycle_unit": UNITS, "cycle_length": st.sampled_from([1, 2, 12, 3660])}
TIER = {"up_to": NUMBERS | WILD, "unit_amount": NUMBERS | WILD}
PRICES = st.none() | st.dictionaries(
    st.sampled_from(["model", "unit_amount", "amount", "tiers", "rate", "package_size", "cells"]),
    st.sampled_from(["per_unit", "graduated", "_raise", "..", "flat", "matrix"])
    | NUMBERS
    | WILD
    | st.lists(st.fixed_dictionaries(TIER), max_size=3),
    max_size=4,
)


def drawn(*needed: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw documents with the fields they need and any of the others."""
    must = {name: fields.pop(name) for name in needed}
    return st.fixed_dictionaries(must, optional=fields)


ALLOTMENT = drawn(quantity=NUMBERS, rollover=st.none() | drawn(cap=NUMBERS), **CYCLE)
RECURRING: dict[str, Any] = {"name": NAMES, "amount": NUMBERS, **CYCLE}
METER = st.sampled_from(["calls", "more", "bytes", "none"])
PART_OF: dict[str, st.SearchStrategy[Any]] = {
    "lines": drawn(
        "code",
        "meter",
        code=NAMES,
        meter=METER,
        unit=st.sampled_from([None, "calls", "GB"]),
        conversion=st.none() | drawn("unit", unit=NAMES, step=st.just("0.5")),
        allotment=st.none() | ALLOTMENT,
        price=PRICES,
        minimum_amount=NUMBERS | WILD,
        maximum_amount=NUMBERS,
    ),
    "meter_groups": drawn(
        "name",
        "meters",
        name=NAMES,
        meters=st.lists(METER, min_size=1, max_size=3),
        overage_rate=NUMBERS,
        overage_tiers=st.none() | st.lists(drawn(up_to=st.sampled_from([None, 1, 2])), max_size=3),
        **CYCLE,
    ),
    "base_charges": drawn(
        "name",
        "amount",
        level=st.sampled_from(["contract", "product", "meter_group"]),
        ref=NAMES,
        **RECURRING,
    ),
    "commitments": drawn("name", "amount", **RECURRING),
    "discounts": drawn(
        "name",
        "percent",
        name=NAMES,
        percent=NUMBERS,
        lines=st.none() | st.lists(NAMES, max_size=2),
    ),
    "rate_schedules": drawn(
        "name",
        "applies_to",
        "percent",
        name=NAMES,
        applies_to=st.sampled_from(["base", "overage"]),
        ref=st.none() | NAMES,
        percent=NUMBERS,
        **CYCLE,
    ),
}
assert set(PART_OF) == set(TERMS)
SETS: dict[str, Any] = {name: st.lists(part, max_size=2) for name, part in PART_OF.items()}
DOCUMENTS = drawn(
    "start_date",
    start_date=DAYS.filter(bool),
    end_date=DAYS,
    renewal=drawn(policy=st.sampled_from(["none", "auto"]), cycle_unit=st.none()),
    billing=drawn(cycle_unit=st.sampled_from(["day", "week", "month", "year"])),
    phases=st.lists(
        drawn("start_date", start_date=DAYS.filter(bool), end_date=DAYS, **SETS), max_size=3
    ),
    credits=st.lists(
        drawn("name", "amount", name=NAMES, amount=NUMBERS, valid_from=DAYS, valid_to=DAYS),
        max_size=2,
    ),
    **SETS,
)


@given(DOCUMENTS)
def test_no_document_breaks_the_judge(said: dict[str, Any]) -> None:
    try:
        contract = parse(Contract, document(**said))
    except Invalid:
        return
    found = faults(contract, METERS.get)
    places = [(fault.code, fault.field) for fault in found]
    assert len(set(places)) == len(places)
    assert all(fault.code and fault.field and fault.detail for fault in found)
