from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.position import Forecast, Method
from tallybook.positions.forecast import Course, course_of_days, forecast

APRIL = date(2026, 4, 1)
MAY = date(2026, 5, 1)
D = Decimal


def april(
    days: Mapping[int, int | str], through: int, allotment: str | None = None, first: int = 1
) -> Course:
    """Make a course of April 2026; day 0 is 31 March, and so on backwards."""
    dated = {APRIL + timedelta(days=n - 1): D(use) for n, use in days.items()}
    first_day, last_day = (APRIL + timedelta(days=n - 1) for n in (first, through))
    return course_of_days(
        APRIL, MAY, first_day, last_day, dated, None if allotment is None else D(allotment)
    )


def seen(found: Forecast, *names: str) -> list[object]:
    return [getattr(found, name) for name in names]


#: 18,400 by the 14th, 8,400 of it in the last seven days.
HELP_CENTRE = dict.fromkeys(range(8, 15), 1200) | {1: 10_000}


def test_the_help_centre_example() -> None:
    found = forecast(april(HELP_CENTRE, 14, "30000"))
    assert found.status == "estimate"
    assert found.to_date == 18_400
    assert found.daily_mean == 1_200
    assert found.remaining_days == 16
    assert found.remaining_volume == 19_200
    assert found.projected == 37_600
    assert found.projected_overage == 7_600
    assert found.exhausted_on == date(2026, 4, 24)
    assert seen(found, "low", "high") == [37_600, 37_600]  # seven equal days do not scatter
    assert not found.is_estimate_of_distinct


def test_today_is_left_out_of_the_mean_and_counts_as_remaining() -> None:
    with_today = forecast(april(HELP_CENTRE | {15: 50}, 14, "30000"))
    assert with_today == forecast(april(HELP_CENTRE, 14, "30000"))


def test_the_projection_is_never_below_the_use_so_far() -> None:
    found = forecast(april({28: 1, 29: 1, 27: 1, 30: 500}, 29, "100"))
    assert found.to_date == 3
    assert seen(found, "projected", "low", "high") == [503, 503, found.high]
    assert found.exhausted_on == date(2026, 4, 30)


def test_zero_days_count() -> None:
    found = forecast(april({8: 70}, 14))
    assert found.daily_mean == 10
    assert found.projected == 70 + 160


def test_fewer_than_seven_days_divide_by_those_there_are() -> None:
    assert forecast(april({1: 10, 2: 20, 3: 30}, 3)).daily_mean == 20


def test_fewer_than_three_days_are_not_enough() -> None:
    found = forecast(april({1: 10, 2: 20}, 2, "25"))
    assert found.status == "not_enough_data"
    assert found.to_date == 30
    assert found.exhausted_on == date(2026, 4, 2)  # a fact, not a forecast
    assert found.remaining_days == 28
    assert seen(found, "projected", "daily_mean", "low", "projected_overage") == [None] * 4


def test_the_window_may_cross_the_period_start_but_not_the_line_start() -> None:
    days = {-3: 40, -2: 40, -1: 40, 0: 40, 1: 5}
    crossing = forecast(april(days, 1, first=-10))
    assert crossing.daily_mean == D("23.571428571429")  # 165 / 7
    assert crossing.to_date == 5
    assert forecast(april(days, 1, first=-1)).daily_mean == D("28.333333333333")  # 85 / 3
    assert forecast(april(days, 1, first=0)).status == "not_enough_data"


def test_nothing_complete_in_the_period_yet() -> None:
    found = forecast(april({0: 7, -1: 7, -2: 7, 1: 3}, 0, "70", first=-2))
    assert found.remaining_days == 30
    assert seen(found, "to_date", "projected") == [0, 210]
    assert found.exhausted_on == date(2026, 4, 10)


def test_a_period_that_has_not_begun_counts_its_own_days_only() -> None:
    found = forecast(april({-7: 2, -8: 2, -9: 2}, -7, "20", first=-9))
    assert found.remaining_days == 30
    assert found.projected == 60
    assert found.exhausted_on == date(2026, 4, 10)


def test_a_closed_period_is_actual() -> None:
    days = dict.fromkeys(range(1, 31), 10)
    found = forecast(april(days | {31: 999}, 45, "100"))
    assert found.status == "actual"
    assert seen(found, "projected", "low", "high") == [300, 300, 300]
    assert seen(found, "remaining_days", "remaining_volume") == [0, 0]
    assert found.daily_mean == 10
    assert found.projected_overage == 200
    assert found.exhausted_on == date(2026, 4, 10)


def test_exhaustion_on_the_last_day_is_told_and_one_later_is_not() -> None:
    days = dict.fromkeys(range(1, 11), 1)
    assert forecast(april(days, 10, "30")).exhausted_on == date(2026, 4, 30)
    assert forecast(april(days, 10, "30.000000000001")).exhausted_on is None
    assert forecast(april(days, 10, "30")).projected_overage == 0


def test_exact_division_does_not_lose_the_last_day() -> None:
    days = {8: 100}  # a mean of 100 / 7, seven days of which are exactly 100
    assert forecast(april(days, 14, "200")).exhausted_on == date(2026, 4, 21)


def test_an_allotment_of_zero_is_reached_by_the_first_use() -> None:
    assert forecast(april({3: 5}, 14, "0")).exhausted_on == date(2026, 4, 3)
    assert forecast(april({}, 14, "0")).exhausted_on is None
    assert forecast(april({-1: 3, 0: 3}, 1, "0", first=-2)).exhausted_on == date(2026, 4, 2)


def test_no_allotment_is_never_reached() -> None:
    found = forecast(april(HELP_CENTRE, 14))
    assert seen(found, "projected_overage", "exhausted_on") == [None, None]


def test_falling_use_never_reaches_anything() -> None:
    assert forecast(april({14: -5, 1: 20}, 14, "100")).exhausted_on is None


def test_scattered_days_widen_the_range() -> None:
    found = forecast(april({n: (0, 2400)[n % 2] for n in range(1, 15)}, 14))
    assert found.low is not None
    assert found.projected is not None
    assert found.high is not None
    assert found.low < found.projected < found.high
    # z × √(variance 1,645,714.2857 × 16 × (1 + 16 ÷ 7)), by an independent calculator
    assert round(found.high - found.projected) == 11_920
    assert found.low >= found.to_date


def test_a_level_stays_as_it_is() -> None:
    course = replace(april({1: 8, 9: 12}, 14, "10"), to_date=D(12), so_far=D(9), nature="level")
    found = forecast(course)
    assert seen(found, "status", "projected", "low", "high") == ["estimate", 9, 9, 9]
    assert seen(found, "daily_mean", "exhausted_on") == [None, None]
    over = forecast(replace(course, so_far=D(12)))
    assert seen(over, "projected_overage", "exhausted_on") == [2, date(2026, 4, 9)]
    assert forecast(replace(course, days={}, so_far=D(12))).exhausted_on is None  # carried forward


def test_a_distinct_count_goes_on_at_its_own_pace_and_is_flagged() -> None:
    days = dict.fromkeys(range(1, 11), 90)
    course = replace(april(days, 10, "250"), to_date=D(100), so_far=D(104), nature="distinct")
    found = forecast(course)
    assert found.is_estimate_of_distinct
    assert seen(found, "projected", "low", "high") == [300, 104, 300]
    assert found.exhausted_on == date(2026, 4, 25)
    assert forecast(replace(course, allotment=D(101))).exhausted_on is None  # passed, day unknown
    assert forecast(replace(course, last_day=date(2026, 4, 2))).status == "not_enough_data"
    closed = forecast(replace(course, last_day=date(2026, 4, 30), to_date=D(104)))
    assert seen(closed, "status", "projected") == ["actual", 104]
    assert not closed.is_estimate_of_distinct


USES = st.dictionaries(st.integers(-9, 33), st.sampled_from([0, 1, 2, 7, 100]), max_size=40)


@given(USES, st.integers(-3, 35), st.integers(-9, 5), st.none() | st.sampled_from([0, 1, 30, 500]))
def test_it_agrees_with_counting_on_fingers(
    days: dict[int, int], through: int, first: int, allotment: int | None
) -> None:
    found = forecast(april(days, through, None if allotment is None else str(allotment), first))
    so_far = sum(days.get(n, 0) for n in range(1, 31))
    to_date = sum(days.get(n, 0) for n in range(1, 31) if n <= through)
    window = [days.get(n, 0) for n in range(-9, 31) if first <= n <= through][-7:]
    left = [n for n in range(1, 31) if n > through]
    assert seen(found, "to_date", "remaining_days") == [to_date, len(left)]
    if not left:
        assert seen(found, "status", "projected") == ["actual", to_date]
    elif len(window) < 3:
        assert seen(found, "status", "projected") == ["not_enough_data", None]
    else:
        mean = Fraction(sum(window), len(window))
        likely = max(Fraction(so_far), to_date + mean * len(left))
        assert found.projected is not None
        assert found.low is not None
        assert found.high is not None
        assert abs(Fraction(found.projected) - likely) < Fraction(1, 10**11)
        assert so_far <= found.low <= found.projected <= found.high
    assert found.exhausted_on == _day(_exhausted(days, window, left, to_date, allotment))


def _day(number: int | None) -> date | None:
    return None if number is None else APRIL + timedelta(days=number - 1)


def _exhausted(
    days: dict[int, int], window: list[int], left: list[int], to_date: int, allotment: int | None
) -> int | None:
    """Walk through the days one by one, first those that are known, then those to come."""
    if allotment is None:
        return None
    running = Fraction(0)
    for n in range(1, 31):
        running += days.get(n, 0)
        if running >= allotment and running > 0:
            return n
    running = Fraction(to_date)
    for n in left if len(window) >= 3 else []:
        running += Fraction(sum(window), len(window))
        if running >= allotment and running > 0:
            return n
    return None


def test_linear_goes_on_as_the_period_so_far() -> None:
    found = forecast(april(HELP_CENTRE, 14, "30000"), "linear")
    assert found.projected is not None
    assert round(found.projected, 1) == D("39428.6")  # 18,400 / 14 × 30
    assert found.daily_mean == D("1314.285714285714")
    assert found.exhausted_on == date(2026, 4, 23)
    assert forecast(april({-3: 900, 1: 10, 2: 20}, 2, first=-9), "linear").status == (
        "not_enough_data"
    )


#: Four weeks before 1 April, a Wednesday: 80 on working days, 20 on the days of a weekend.
WEEKS_OF_80 = {
    n: 20 if (APRIL + timedelta(days=n - 1)).weekday() > 4 else 80 for n in range(-27, 15)
}


def test_by_weekday_each_day_has_its_part_of_a_week() -> None:
    found = forecast(april(WEEKS_OF_80, 14, "2000", first=-27), "weekday")
    # 15 to 30 April: 12 working days and two weekends.
    assert found.remaining_volume == 12 * 80 + 4 * 20
    assert found.projected == sum(use for n, use in WEEKS_OF_80.items() if n > 0) + 1040
    assert seen(found, "low", "high") == [found.projected] * 2
    assert found.exhausted_on is None
    assert forecast(april(WEEKS_OF_80, 14, "960", first=-27), "weekday").exhausted_on == date(
        2026, 4, 15
    )
    assert forecast(april(WEEKS_OF_80, 14, "1121", first=-27), "weekday").exhausted_on == date(
        2026, 4, 18
    )


def test_by_weekday_a_busier_last_week_is_spread_as_the_weeks_before_were() -> None:
    doubled = {n: use * 2 if n > 7 else use for n, use in WEEKS_OF_80.items()}
    found = forecast(april(doubled, 14, first=-27), "weekday")
    assert found.remaining_volume == (12 * 80 + 4 * 20) * 2
    assert found.high is not None
    assert found.projected is not None
    assert found.high > found.projected


def test_by_weekday_needs_two_whole_weeks_and_some_use() -> None:
    young = april(WEEKS_OF_80, 14, first=2)
    assert forecast(young, "weekday") == forecast(young)
    old = april(WEEKS_OF_80, 14, first=1)
    assert forecast(old, "weekday") != forecast(old)
    nothing = april({}, 14, "10", first=-27)
    assert seen(forecast(nothing, "weekday"), "projected", "high", "exhausted_on") == [0, 0, None]


@given(USES, st.integers(1, 29), st.integers(-27, 1), st.sampled_from(["weekday", "linear"]))
def test_every_method_holds_what_all_promise(
    days: dict[int, int], through: int, first: int, method: Method
) -> None:
    course = april(days, through, "90", first)
    found = forecast(course, method)
    if found.status == "not_enough_data":
        assert min(through - first + 1, through if method == "linear" else 30) < 3
        return
    assert found.low is not None
    assert found.projected is not None
    assert found.high is not None
    assert course.so_far <= found.low <= found.projected <= found.high
    reached = found.exhausted_on
    assert (reached is not None) == (found.projected >= 90 and found.projected > 0)
    closed = forecast(replace(course, last_day=date(2026, 4, 30), to_date=course.so_far), method)
    assert seen(closed, "status", "projected") == ["actual", course.so_far]


@given(st.integers(0, 9), st.integers(3, 29), st.sampled_from(["mean_7", "weekday", "linear"]))
def test_equal_days_are_the_same_to_every_method(use: int, through: int, method: Method) -> None:
    equal = april(dict.fromkeys(range(-27, 31), 0) | dict.fromkeys(range(-27, through + 1), use),
                  through, first=-27)  # fmt: skip
    assert seen(forecast(equal, method), "projected", "low", "high") == [use * 30] * 3
