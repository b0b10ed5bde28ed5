from datetime import date, timedelta

from tests.alerts._seen import Desk

ODD = "usage.anomaly"
SUNDAY = date(2026, 4, 19)


def sundays(desk: Desk, *used: int) -> None:
    """Send what was used on the last Sundays, the newest first."""
    for week, quantity in enumerate(used):
        desk.use((SUNDAY - timedelta(weeks=week)).isoformat(), quantity)


def test_a_day_far_from_the_same_weekdays_before_is_found(desk: Desk) -> None:
    desk.line()
    sundays(desk, 1260, 1000, 1000, 1000, 1000)
    (one,) = desk.findings(ODD)
    assert (one["state"], one["inputs"]["day"]) == ("above", "2026-04-19")
    assert one["outputs"] == {"mean": "1000", "change": "0.26"}
    assert one["message"].endswith("26 % above the usual Sunday.")
    assert desk.states(ODD, change=26) == {}


def test_exactly_the_bound_is_in_order_either_way(desk: Desk) -> None:
    desk.line()
    sundays(desk, 750, 1000, 1000, 1000, 1000)
    assert desk.states(ODD) == {}
    assert desk.states(ODD, change="24.9") == {"ME/calls": "below"}


def test_days_that_used_little_are_not_judged(desk: Desk) -> None:
    desk.line()
    sundays(desk, 0, 250, 250, 250, 250)
    assert desk.states(ODD) == {"ME/calls": "below"}
    assert desk.states(ODD, volume=251) == {}


def test_a_young_line_is_not_judged(desk: Desk) -> None:
    desk.line(start_date="2026-04-12")
    sundays(desk, 5000, 1000)
    assert desk.states(ODD) == {}


def test_a_day_is_complete_where_it_is_used(desk: Desk) -> None:
    desk.line(timezone="Pacific/Kiritimati")  # there Tuesday has begun, and Monday is complete
    for day in ("2026-04-19", "2026-04-12", "2026-04-05", "2026-03-29", "2026-03-22"):
        desk.use(day, 5000 if day == "2026-04-19" else 1000)  # noon in UTC is Monday there
    assert desk.findings(ODD)[0]["inputs"]["day"] == "2026-04-20"
    desk.line(part="-b", timezone="Pacific/Pago_Pago")  # here Monday began an hour ago
    found = {one["contract"]: one["inputs"]["day"] for one in desk.findings(ODD)}
    assert found[f"{desk.account}-b"] == "2026-04-19"


def test_a_level_is_not_judged(desk: Desk) -> None:
    desk.agree(lines=[{"code": "seats", "meter": "seats"}])
    for week, quantity in enumerate((9000, 1000, 1000, 1000, 1000)):
        day = (SUNDAY - timedelta(weeks=week)).isoformat()
        desk.use(day, quantity, type="seat")
    assert desk.states(ODD) == {}


def test_stale_data_is_not_judged(desk: Desk) -> None:
    desk.line()
    sundays(desk, 1260, 1000, 1000, 1000, 1000)
    assert desk.stale(ODD) == {"ME/calls": "data_stale"}
