"""Statements from given use: the rules of a contract, each with a worked number."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tallybook.model.contract import Contract, Renewal
from tallybook.model.directory import Directory, Span
from tallybook.model.errors import Invalid
from tallybook.model.price import Billable, Piece
from tallybook.model.statement import Charge, Statement
from tallybook.positions.agreement import of_versions, term_cycle
from tallybook.positions.charge import price_of
from tallybook.positions.document import document, without_amounts
from tallybook.positions.expiry import expired, expiry_needs
from tallybook.positions.needs import Need
from tallybook.positions.settlement import earlier
from tallybook.positions.statement import Plan, statement

D = Decimal
START = "2026-01-01"
Facts = Mapping[str, Sequence[tuple[datetime, Decimal]]]


def noon(month: int, day: int) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=UTC)


def per_unit(amount: str) -> dict[str, str]:
    return {"model": "per_unit", "unit_amount": amount}


def line(**terms: Any) -> dict[str, Any]:
    return {"code": "x", "meter": "m", "price": per_unit("1"), **terms}


def rated(
    versions: Sequence[tuple[date | None, Mapping[str, Any]]], use: Facts, day: date
) -> Statement:
    """Rate the period that holds a day, of a contract with these versions and additive use."""
    ends = [*(start for start, _ in versions[1:]), None]
    spans = [
        Span(start, end, Contract.model_validate({"number": "C", "account": "a", **document}))
        for (start, document), end in zip(versions, ends, strict=True)
    ]
    agreement = of_versions(Directory(), "C", spans)
    span = agreement.period_of(day)
    assert span is not None
    plan = Plan(Directory(), agreement, [span])
    uses = {need: counted(need, use.get(need.meter, ())) for need in plan.needs}
    return statement(agreement, plan.charges(uses)[span])


def counted(need: Need, facts: Sequence[tuple[datetime, Decimal]]) -> tuple[Billable, ...]:
    within = [[q for at, q in facts if need.start <= at < end] for end in need.ends]
    return tuple(
        Billable(
            sum(found, D(0)),
            None if need.dimensions is None else tuple(Piece(quantity) for quantity in found),
        )
        for found in within
    )


def contract(terms: Mapping[str, Any]) -> Contract:
    return Contract.model_validate({"number": "C", "account": "a", "start_date": START, **terms})


def one(document: Mapping[str, Any], use: Facts, day: date) -> Statement:
    return rated([(None, {"start_date": START, **document})], use, day)


def first(found: Statement) -> Charge:
    return found.lines[0]


def test_what_lies_beyond_the_allotment_is_priced() -> None:
    found = one(
        {"lines": [line(price=per_unit("0.1"), allotment={"quantity": "1000"})]},
        {"m": [(noon(1, 5), D(1500))]},
        date(2026, 1, 9),
    )
    assert (first(found).quantity, first(found).billable_quantity) == (D(1500), D(500))
    assert (first(found).amount, found.total) == (D("50.00"), D("50.00"))


def test_a_stub_of_twelve_days_of_january_at_a_thousand() -> None:
    found = one(
        {
            "start_date": "2026-01-20",
            "billing": {"cycle_start_date": START},
            "base_charges": [{"name": "base", "amount": "1000"}],
            "lines": [{"code": "seats", "quantity": "10", "price": per_unit("3.1")}],
        },
        {},
        date(2026, 1, 25),
    )
    assert found.period.is_stub
    assert found.base_charges[0].amount == D("387.10")
    assert first(found).amount == D("12.00")


def test_each_day_is_priced_by_the_version_of_that_day() -> None:
    before, after = (
        {"lines": [line(price=per_unit("0.1"))]},
        {"lines": [line(price=per_unit("0.2"))]},
    )
    found = rated(
        [
            (None, {"start_date": START, **before}),
            (date(2026, 1, 16), {"start_date": START, **after}),
        ],
        {"m": [(noon(1, 5), D(100)), (noon(1, 20), D(100))]},
        date(2026, 1, 9),
    )
    assert first(found).amount == D("30.00")
    assert [step.amount for step in first(found).explanation.charges] == [D("10.0"), D("20.0")]


def test_a_version_that_changes_nothing_of_a_line_changes_no_amount() -> None:
    terms = {"start_date": START, "lines": [line(allotment={"quantity": "50"})]}
    use = {"m": [(noon(1, 5), D(120)), (noon(1, 20), D(33))]}
    alone = rated([(None, terms)], use, date(2026, 1, 9))
    renamed = rated(
        [(None, terms), (date(2026, 1, 11), {**terms, "name": "New"})], use, date(2026, 1, 9)
    )
    assert first(alone) == first(renamed)


@pytest.mark.parametrize(
    ("method", "quantity", "billable", "amount"),
    [("bill", 16000, 1000, "16.00"), ("allow_with_credit", 14000, 0, "-16.00")],
)
def test_a_group_is_settled_at_the_end_of_its_own_cycle(
    method: str, quantity: int, billable: int, amount: str
) -> None:
    group = {
        "name": "copies",
        "meters": ["m", "n"],
        "covered_quantity": "15000",
        "overage_rate": "0.016",
        "overage_method": method,
        "cycle_unit": "month",
        "cycle_length": 3,
    }
    use = {"m": [(noon(1, 5), D(quantity - 4000))], "n": [(noon(2, 5), D(4000))]}
    early = one({"meter_groups": [group]}, use, date(2026, 1, 9))
    assert (first(early).quantity, first(early).amount) == (D(quantity - 4000), D(0))
    assert first(early).explanation.note == "Charged on the statement that holds 2026-03-31."
    found = one({"meter_groups": [group]}, use, date(2026, 3, 9))
    assert (first(found).billable_quantity, first(found).amount) == (D(billable), D(amount))


def test_an_excess_that_rolls_forward_makes_the_next_cycle_smaller() -> None:
    group = {
        "name": "copies",
        "meters": ["m"],
        "covered_quantity": "20000",
        "overage_rate": "0.016",
        "overage_method": "roll_forward",
        "cycle_unit": "year",
    }
    use = {"m": [(noon(1, 5), D(23000))]}
    terms = {"meter_groups": [group], "billing": {"cycle_unit": "year"}}
    assert first(one(terms, use, date(2026, 3, 1))).amount == 0
    renewed = first(one(terms, use, date(2027, 3, 1))).explanation.cycles[0]
    assert renewed.allotment + renewed.rolled == 17000


def test_what_is_left_is_used_first_up_to_a_cap_and_until_it_expires() -> None:
    rollover = {"quantity": "100", "rollover": {"cap": "60", "expires_after": 1}}
    terms = {"lines": [line(allotment=rollover)]}
    use = {"m": [(noon(1, 5), D(20)), (noon(2, 5), D(150)), (noon(3, 5), D(120))]}
    found = [first(one(terms, use, date(2026, month, 9))) for month in (1, 2, 3)]
    assert [charge.explanation.cycles[0].rolled for charge in found] == [0, 60, 10]
    assert [charge.billable_quantity for charge in found] == [0, 0, 10]


def test_what_is_left_ages_by_cycles_that_follow_each_other_whatever_their_length() -> None:
    line_ = line(allotment={"quantity": "30", "rollover": {"expires_after": 1}})
    days, months = {"cycle_unit": "day", "cycle_length": 30}, {"cycle_unit": "month"}
    versions = [
        (None, {"start_date": START, "billing": days, "lines": [line_]}),
        (date(2026, 1, 31), {"start_date": START, "billing": months, "lines": [line_]}),
    ]
    found = first(rated(versions, {"m": [(noon(1, 31), D(40))]}, date(2026, 1, 31)))
    assert found.explanation.cycles[0].rolled == 30
    assert (found.billable_quantity, found.quantity) == (D("9.032258064516"), D(40))


def test_a_pool_for_the_term_is_drawn_down_month_by_month() -> None:
    pool = {"quantity": "100", "cycle_unit": "term"}
    terms = {"end_date": "2026-12-31", "lines": [line(allotment=pool)]}
    use = {"m": [(noon(1, 5), D(60)), (noon(2, 5), D(50)), (noon(3, 5), D(7))]}
    found = [first(one(terms, use, date(2026, month, 9))) for month in (1, 2, 3)]
    assert [charge.amount for charge in found] == [0, 10, 7]


def test_a_discount_then_the_commitment_then_the_credit() -> None:
    found = one(
        {
            "lines": [line()],
            "discounts": [{"name": "tenth", "percent": "10"}],
            "commitments": [{"name": "floor", "amount": "200"}],
            "credits": [{"name": "prepaid", "amount": "150"}],
        },
        {"m": [(noon(1, 5), D(120))]},
        date(2026, 1, 9),
    )
    assert (found.discounts[0].amount, found.commitments[0].amount) == (D("-12.00"), D("92.00"))
    assert (found.subtotal, found.total) == (D(200), D(50))
    assert found.credits[0].left == 0


def test_rates_rise_every_nth_cycle_and_are_rounded_each_time() -> None:
    base = {"name": "b", "applies_to": "base", "percent": "3", "every": 2, "places": 2}
    rate = {"name": "o", "applies_to": "overage", "percent": "10"}
    terms = {
        "rate_schedules": [base, rate],
        "base_charges": [{"name": "base", "amount": "10"}],
        "lines": [line()],
    }
    found = [one(terms, {"m": [(noon(m, 5), D(100))]}, date(2026, m, 9)) for m in (1, 3, 5)]
    assert [s.base_charges[0].amount for s in found] == [D("10.00"), D("10.30"), D("10.61")]
    assert [s.lines[0].amount for s in found] == [D("100.00"), D("121.00"), D("146.41")]


def test_increases_without_end_are_refused_before_they_are_worked_out() -> None:
    up = {"name": "b", "applies_to": "base", "percent": "1000"}
    terms = {"rate_schedules": [up], "base_charges": [{"name": "base", "amount": "10"}]}
    with pytest.raises(Invalid) as refusal:
        one(terms, {}, date(2126, 1, 9))
    assert refusal.value.code == "amount_too_large"


def test_sums_of_the_longest_amounts_are_exact() -> None:
    lines = [line(code=code, price=per_unit("9" * 38)) for code in ("x", "y")]
    found = one({"lines": lines}, {"m": [(noon(1, 5), D("999999999999999999"))]}, date(2026, 1, 9))
    assert found.total == D(2 * int("9" * 38) * 999999999999999999)


def test_a_conversion_of_the_longest_quantity_is_exact() -> None:
    tiny = {"unit": "x", "divide_by": "0.000000000001"}
    terms = {"lines": [line(conversion=tiny)]}
    found = one(terms, {"m": [(noon(1, 5), D("999999999999999999"))]}, date(2026, 1, 9))
    assert first(found).quantity == D("999999999999999999e12")


def test_years_of_grants_that_never_expire_are_one() -> None:
    rollover: dict[str, Any] = {"cycle_unit": "day", "quantity": "10", "rollover": {}}
    found = first(one({"lines": [line(allotment=rollover)]}, {}, date(2036, 1, 9)))
    assert found.explanation.cycles[0].rolled == 10 * (date(2036, 1, 1) - date(2026, 1, 1)).days


def test_limits_of_a_line_are_taken_by_days() -> None:
    before = {"start_date": START, "lines": [line(minimum_amount="31")]}
    after = {"start_date": START, "lines": [line(minimum_amount="62", maximum_amount="9")]}
    found = first(rated([(None, before), (date(2026, 1, 11), after)], {}, date(2026, 1, 9)))
    assert found.amount == D("52.00")  # 10 days of 31 and 21 of 62


def test_a_commitment_of_a_stub_may_be_its_part_and_one_of_a_year_waits() -> None:
    month = {"name": "m", "amount": "31", "prorate": True}
    year = {"name": "y", "amount": "500", "cycle_unit": "year"}
    terms = {
        "start_date": "2026-01-20",
        "billing": {"cycle_start_date": START},
        "commitments": [month, year],
    }
    found = one(terms, {}, date(2026, 1, 25))
    assert [(c.code, c.amount) for c in found.commitments] == [("m", D("12.00"))]


def test_what_has_no_price_costs_nothing() -> None:
    group = {"name": "copies", "meters": ["m"], "covered_quantity": "10"}
    fixed = {"code": "seats", "quantity": "3"}
    found = one(
        {"meter_groups": [group], "lines": [fixed]},
        {"m": [(noon(1, 5), D(25))]},
        date(2026, 1, 9),
    )
    assert [charge.amount for charge in found.lines] == [0, 0]


def test_days_of_a_long_cycle_that_lie_elsewhere_are_not_this_periods() -> None:
    pool = {"quantity": "12", "cycle_unit": "year"}
    none = {"quantity": "0", "cycle_unit": "year"}
    flat = {"code": "f", "quantity": "1", "price": per_unit("365"), "allotment": none}
    before = {"start_date": START, "lines": [line(allotment=pool), flat]}
    more = [line(allotment={**pool, "quantity": "24"}), {**flat, "quantity": "2"}]
    after = {"start_date": START, "lines": more}
    versions = [(None, before), (date(2026, 7, 1), after)]
    use = {"m": [(noon(1, 5), D(20))]}
    january, august = (rated(versions, use, date(2026, m, 9)).lines for m in (1, 8))
    assert [charge.amount for charge in january] == [D("1.95"), D("31.00")]
    assert [charge.amount for charge in august] == [0, D("62.00")]


@pytest.mark.parametrize("later", [["b"], ["b", "b"]])
def test_what_is_added_in_mid_cycle_is_not_on_the_statements_before_it(later: list[str]) -> None:
    pool = {"quantity": "12", "cycle_unit": "year"}
    group = {"name": "g", "meters": ["m"], "overage_rate": "1", "covered_quantity": "1"}
    terms = {"start_date": START, "lines": [line()]}
    versions: list[tuple[date | None, Mapping[str, Any]]] = [(None, terms)]
    for month, code in enumerate(later, 7):
        added = {
            "lines": [line(), line(code=code, allotment=pool, discount_percent=str(month))],
            "meter_groups": [{**group, "cycle_unit": "month", "cycle_length": 12}],
        }
        versions.append((date(2026, month, 15), {**terms, **added}))
    use = {"m": [(noon(1, 5), D(20))]}
    january, august = (rated(versions, use, date(2026, m, 9)).lines for m in (1, 8))
    assert [(charge.code, charge.amount) for charge in january] == [("x", D("20.00"))]
    assert [charge.code for charge in august] == ["x", "b", "g"]


def test_amounts_can_be_left_out_of_a_document() -> None:
    found = one({"lines": [line()]}, {"m": [(noon(1, 5), D(25))]}, date(2026, 1, 9))
    hidden = without_amounts(document(found))
    assert hidden["lines"][0]["quantity"] == "25"
    assert (hidden["lines"][0]["amount"], hidden["total"]) == (None, None)


def test_events_of_another_unit_are_converted_one_by_one() -> None:
    price = {"model": "percentage", "rate": "0.5", "fixed_amount": "1"}
    terms = {"lines": [line(price=price, conversion={"unit": "k", "divide_by": "10"})]}
    spans = [Span(None, None, contract(terms))]
    agreement = of_versions(Directory(), "C", spans)
    span = agreement.period_of(date(2026, 1, 9))
    assert span is not None
    plan = Plan(Directory(), agreement, [span])
    events = (Piece(D(20)), Piece(D(40)))
    uses = {need: (Billable(D(60), events),) for need in plan.needs}
    assert plan.charges(uses)[span].lines[0].amount == D("5.00")


def test_a_contract_is_cut_to_days_and_has_an_end() -> None:
    versions = [
        Span(None, date(2026, 2, 1), contract({})),
        Span(date(2026, 2, 1), None, contract({"name": "B"})),
    ]
    found = of_versions(Directory(), "C", versions)
    assert [s.start for s in found.between(date(2026, 2, 3), date(2026, 2, 4))] == [
        date(2026, 2, 3)
    ]
    assert (found.account, found.after(date(2026, 2, 3))) == ("a", None)
    assert [s.start for s in earlier(found, date(2026, 3, 9))] == [
        date(2026, 2, 1),
        date(2026, 1, 1),
    ]


@pytest.mark.parametrize(
    ("renewal", "end", "expected"),
    [
        ({"cycle_unit": "month", "cycle_length": 2}, "2026-03-31", ("month", 2)),
        ({}, "2026-03-31", ("month", 3)),
        ({}, "2026-03-14", ("day", 73)),
    ],
)
def test_a_term_is_renewed_for_as_long_as_it_says_or_was(
    renewal: dict[str, Any], end: str, expected: tuple[str, int]
) -> None:
    after = date.fromisoformat(end) + timedelta(days=1)
    assert term_cycle(date(2026, 1, 1), after, Renewal(policy="auto", **renewal)) == expected


def test_a_faulty_price_names_all_its_fields() -> None:
    with pytest.raises(Invalid) as refusal:
        price_of({"model": "graduated", "tiers": [{"up_to": "x"}, {"up_to": "y"}]})
    errors = refusal.value.facts["errors"]
    assert isinstance(errors, list)
    assert all(error["field"].startswith("price.tiers") for error in errors)


def test_a_phase_replaces_what_it_names() -> None:
    trial = {"start_date": START, "end_date": "2026-01-31", "lines": [line(price=None)]}
    terms = {"phases": [trial], "lines": [line()], "base_charges": [{"name": "b", "amount": "5"}]}
    use = {"m": [(noon(1, 5), D(10)), (noon(2, 5), D(10))]}
    assert one(terms, use, date(2026, 1, 9)).total == 5
    assert one(terms, use, date(2026, 2, 9)).total == 15


def test_an_annual_charge_in_advance_stands_whole_on_its_first_statement() -> None:
    base = {"name": "b", "amount": "1200", "cycle_unit": "year", "timing": "advance"}
    found = [one({"base_charges": [base]}, {}, date(2026, month, 9)).total for month in (1, 2, 12)]
    assert found == [1200, 0, 0]
    base["timing"] = "arrears"
    found = [one({"base_charges": [base]}, {}, date(2026, month, 9)).total for month in (1, 2, 12)]
    assert found == [0, 0, 1200]


def test_a_contract_ends_with_the_day_that_reaches_its_quantity() -> None:
    group = {
        "name": "copies",
        "meters": ["m"],
        "covered_quantity": "20000",
        "cycle_unit": "year",
        "counts_to_expiration": True,
    }
    document = {"number": "C", "account": "a", "start_date": START, "meter_groups": [group]}
    contract = Contract.model_validate({**document, "expiration_quantity": "20000"})
    agreement = of_versions(Directory(), "C", [Span(None, None, contract)])
    facts = [(noon(2, 3), D(12000)), (noon(5, 9), D(8000)), (noon(5, 20), D(1))]
    needs = expiry_needs(agreement, date(2026, 7, 1))
    found = expired(agreement, date(2026, 7, 1), {need: counted(need, facts) for need in needs})
    assert found.stretches[-1].end == date(2026, 5, 10)
    early = expiry_needs(agreement, date(2026, 5, 1))
    uses = {need: counted(need, facts) for need in early}
    assert expired(agreement, date(2026, 5, 1), uses) is agreement


def test_a_credit_gives_whole_minor_units_and_keeps_the_rest() -> None:
    found = one(
        {"lines": [line()], "credits": [{"name": "paid", "amount": "0.505"}]},
        {"m": [(noon(1, 5), D(1))]},
        date(2026, 1, 9),
    )
    assert [(c.amount, c.left) for c in found.credits] == [(D("0.50"), D("0.005"))]
    assert (found.subtotal, found.total) == (D("1.00"), D("0.50"))


def test_what_of_a_fixed_quantity_is_billable_is_that_of_the_last_day() -> None:
    fixed = {"code": "x", "quantity": "10", "price": per_unit("31")}
    versions = [
        (None, {"start_date": START, "lines": [fixed]}),
        (date(2026, 1, 11), {"start_date": START, "lines": [{**fixed, "quantity": "4"}]}),
    ]
    found = first(rated(versions, {}, date(2026, 1, 9)))
    assert (found.quantity, found.billable_quantity) == (D(4), D(4))
    assert found.amount == D("184.00")  # 10 seats on 10 days, 4 on 21
    assert found.explanation.use == ()


def test_of_a_tie_the_charge_that_a_discount_names_first_bears_more() -> None:
    lines = [line(), line(code="y")]
    less = {"name": "less", "amount": "0.01", "lines": ["y", "x"]}
    found = one(
        {"lines": lines, "discounts": [less]}, {"m": [(noon(1, 5), D(1))]}, date(2026, 1, 9)
    )
    assert [charge.discount for charge in found.lines] == [D("0.00"), D("0.01")]


def test_a_tie_of_shares_that_no_decimal_can_write_is_a_tie() -> None:
    lines = [line(code=code, price=per_unit(rate)) for code, rate in
             (("a", "0.37"), ("b", "6.85"), ("c", "0.01"), ("d", "0.03"))]  # fmt: skip
    less = {"name": "less", "amount": "2.42"}  # a third of all
    found = one(
        {"lines": lines, "discounts": [less]}, {"m": [(noon(1, 5), D(1))]}, date(2026, 1, 9)
    )
    shares = [charge.discount for charge in found.lines]
    assert shares == [D("0.13"), D("2.28"), D("0.00"), D("0.01")]


def test_a_price_by_event_in_mid_cycle_sees_only_its_own_events() -> None:
    by_event = {"model": "percentage", "rate": "0", "fixed_amount": "0.05"}
    versions = [
        (None, {"start_date": START, "lines": [line(allotment={"quantity": "2"})]}),
        (
            date(2026, 1, 11),
            {"start_date": START, "lines": [line(price=by_event, allotment={"quantity": "2"})]},
        ),
    ]
    facts = [(noon(1, day), D(1)) for day in (2, 3, 4, 12, 13)]
    found = first(rated(versions, {"m": facts}, date(2026, 1, 9)))
    assert (found.quantity, found.billable_quantity) == (D(5), D(3))
    assert found.amount == D("1.10")  # one unit at 1, two events at 0.05
