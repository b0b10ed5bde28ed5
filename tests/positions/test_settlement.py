"""A contract's statements in a row: what is adjusted and where, what is held, what came before."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tallybook.model.statement import Adjustment, ChargeKind
from tallybook.positions.adjustments import Settled, adjustments
from tallybook.positions.agreement import Agreement, agreement
from tallybook.positions.settlement import earlier, following, held_above
from tests.worlds import World

D = Decimal
JANUARY, FEBRUARY, MARCH = (date(2026, month, 1) for month in (1, 2, 3))


def closed(
    start: date, said: Mapping[tuple[ChargeKind, str], str], *adjusted: Adjustment
) -> Settled:
    charges = {key: D(amount) for key, amount in said.items()}
    end = start + timedelta(days=28)
    return Settled(start, end, charges, adjusted, {}, sum(charges.values(), D(0)))


@pytest.mark.parametrize(
    ("subtotals", "cap", "limit"),
    [
        ([], None, None),
        ([], "50", "50"),
        (["3"], None, "30"),
        (["9", "1", "2"], None, "20"),
        (["1", "2", "9", "4"], None, "30"),
        (["0.01", "0.02"], None, "0.15"),
        (["3"], "29", "30"),
        (["3"], "31", "31"),
        (["0", "0", "7"], None, None),
        (["0", "0", "7"], "50", "50"),
        (["-5"], None, None),
    ],
)
def test_held_is_what_lies_above_ten_medians_and_the_cap(
    subtotals: list[str], cap: str | None, limit: str | None
) -> None:
    found = held_above([*map(D, subtotals)], None if cap is None else D(cap))
    assert found == (None if limit is None else D(limit))


def test_adjustments_are_by_charge_less_what_was_said_and_adjusted() -> None:
    one = closed(JANUARY, {("line", "a"): "10", ("discount", "gift"): "-1"})
    before = Adjustment(JANUARY, "line", "a", D(3))
    two = closed(FEBRUARY, {("base", "a"): "7"}, before)
    again: dict[date, dict[tuple[ChargeKind, str], Decimal]] = {
        JANUARY: {("line", "a"): D("15.5"), ("base", "a"): D(1), ("discount", "gift"): D(-1)},
        FEBRUARY: {("base", "a"): D(7)},
    }
    assert adjustments([two, one], again) == (
        Adjustment(JANUARY, "line", "a", D("2.5")),
        Adjustment(JANUARY, "base", "a", D(1)),
    )
    assert adjustments([one, two], {FEBRUARY: {("base", "a"): D(7)}}) == (
        Adjustment(JANUARY, "line", "a", D(-13)),
        Adjustment(JANUARY, "discount", "gift", D(1)),
    )
    assert adjustments([], again) == ()


def agreed(**document: Any) -> Agreement:
    world = World()
    world.account("a")
    world.contract("C", None, **{"start_date": "2026-01-01", "lines": [], **document})
    return agreement(world.directory, "C")


def test_adjustments_stand_on_the_first_period_after_the_last_closed_one() -> None:
    found = agreed()
    assert following(found, {}) is None
    after = following(found, {JANUARY: FEBRUARY})
    assert after is not None
    assert (after.start, after.end) == (FEBRUARY, MARCH)
    after = following(found, {FEBRUARY: MARCH})  # with January still open
    assert after is not None
    assert after.start == MARCH


def test_after_the_end_they_stand_on_cycles_beyond_it() -> None:
    found = agreed(end_date="2026-02-10")
    spans = []
    known = {JANUARY: FEBRUARY, FEBRUARY: date(2026, 2, 11)}
    for _ in range(3):
        after = following(found, known)
        assert after is not None
        spans.append((after.start, after.end))
        known[after.start] = after.end
    assert spans == [
        (date(2026, 2, 11), date(2026, 3, 1)),
        (date(2026, 3, 1), date(2026, 4, 1)),
        (date(2026, 4, 1), date(2026, 5, 1)),
    ]
    assert following(agreed(status="draft"), {JANUARY: FEBRUARY}) is None


def test_they_stand_on_a_longer_period_that_began_before_what_is_closed() -> None:
    found = agreed(billing={"cycle_unit": "year"})
    after = following(found, {FEBRUARY: MARCH})
    assert after is not None
    assert (after.start, after.end) == (JANUARY, date(2027, 1, 1))
    after = following(found, {FEBRUARY: MARCH, JANUARY: date(2027, 1, 1)})
    assert after is not None
    assert after.start == date(2027, 1, 1)
    after = following(agreed(billing={"cycle_unit": "year"}, end_date="2026-02-10"),
                      {FEBRUARY: MARCH, JANUARY: FEBRUARY, date(2026, 2, 11): MARCH})  # fmt: skip
    assert after is not None
    assert after.start == date(2027, 1, 1)


def test_earlier_periods_come_the_latest_first_also_over_a_gap() -> None:
    world = World()
    world.account("a")
    for since, status in (
        ("2026-01-01", "active"),
        ("2026-02-10", "draft"),
        ("2026-03-20", "active"),
    ):
        world.contract("C", since, start_date="2026-01-01", lines=[], status=status)
    found = agreement(world.directory, "C")
    assert [(span.start, span.end) for span in earlier(found, date(2026, 5, 1))] == [
        (date(2026, 4, 1), date(2026, 5, 1)),
        (date(2026, 3, 20), date(2026, 4, 1)),
        (date(2026, 2, 1), date(2026, 2, 10)),
        (date(2026, 1, 1), date(2026, 2, 1)),
    ]
    assert list(earlier(found, date(2026, 1, 1))) == []


def test_a_longer_period_that_begins_with_a_closed_one_counts_as_it() -> None:
    yearly = agreed(billing={"cycle_unit": "year"})
    after = following(yearly, {JANUARY: FEBRUARY})
    assert after is not None
    assert after.start == date(2027, 1, 1)
