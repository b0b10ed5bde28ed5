"""Events that come after their day was over: how many, for which days, and what they changed."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tallybook import app
from tallybook.settings import Settings
from tests.documented import Documented
from tests.serving import Client, event

LATE = "/positions/C-1/total/late"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Yield an installation whose clock goes from day to day, in Chicago."""
    settings = Settings(data=tmp_path_factory.mktemp("late") / "data", test_clock=True)
    key = str(app.initialise(settings, "admin@example.com")["api_key"])
    with app.running(settings) as address:
        client = Documented(urlsplit(address.url).port or 0, key)
        client.put("/accounts/acme", timezone="America/Chicago")
        client.put("/meters/total", event_type="use", aggregation="sum", property="n")
        client.put("/meters/seats", event_type="seat", aggregation="latest", property="n",
                   kind="stock")  # fmt: skip
        lines = [{"code": meter, "meter": meter} for meter in ("total", "seats")]
        client.put("/contracts/C-1", account="acme", start_date="2026-01-01", lines=lines)
        yield client


def at(house: Client, now: str, *events: dict[str, Any]) -> None:
    """Let events arrive at an instant."""
    house.call("PUT", "/test-clock", {"now": now})
    receipt = house.send(list(events))
    assert receipt["accepted"] == len(events)
    house.until_visible()


def use(id: str, time: str, quantity: int, **more: Any) -> dict[str, Any]:
    return event(id, time=time, data={"n": quantity}, **more)


def of(house: Client, target: str = LATE) -> Any:
    answer = house.call("GET", target)
    assert answer.status == 200, answer.body
    return answer.json


def test_what_came_late_and_what_it_changed(house: Client) -> None:
    # Noon on 3 March is the first that this installation hears of anything.
    at(house, "2026-03-03T18:00:00Z", use("h1", "2026-03-01T18:00:00Z", 1000))
    assert of(house) | {"known_at": ""} == {
        "contract": "C-1", "line": "total", "unit": of(house)["unit"], "events": 0,
        "has_more": False, "history_before": "2026-03-03", "days": [],
        "data_through": "2026-03-03T06:00:00Z", "known_at": "",
    }  # fmt: skip
    at(house, "2026-03-04T05:59:00Z", use("d3", "2026-03-04T05:00:00Z", 10))
    mark = of(house)["known_at"]
    # A minute later 3 March is over in Chicago.
    at(
        house,
        "2026-03-04T06:00:00Z",
        use("l1", "2026-03-04T05:30:00Z", 4),
        use("d4", "2026-03-04T06:00:00Z", 20),
    )
    at(
        house,
        "2026-03-06T12:00:00Z",
        use("l2", "2026-03-03T12:00:00Z", 3),
        use("l3", "2026-03-05T05:59:59Z", 5),
        use("h2", "2026-03-02T12:00:00Z", 70),
    )
    found = of(house)
    assert (found["events"], found["history_before"]) == (3, "2026-03-03")
    assert found["days"] == [
        {"date": "2026-03-04", "events": 1, "known_then": "20", "used": "25", "change": "5"},
        {"date": "2026-03-03", "events": 2, "known_then": "10", "used": "17", "change": "7"},
    ]
    then = of(house, f"{LATE}?known_at={mark}")
    assert (then["events"], then["days"]) == (0, [])


def test_a_level_has_late_events_and_no_use_of_a_day(house: Client) -> None:
    at(house, "2026-03-07T12:00:00Z", use("s1", "2026-03-05T12:00:00Z", 9, type="seat"))
    (day,) = of(house, "/positions/C-1/seats/late")["days"]
    assert (day["date"], day["events"], day["known_then"], day["change"]) == (
        "2026-03-05", 1, None, None,
    )  # fmt: skip


def test_an_event_that_was_voided_is_not_late(house: Client) -> None:
    at(house, "2026-03-08T12:00:00Z", use("v1", "2026-03-06T12:00:00Z", 100))
    assert of(house)["days"][0]["change"] == "100"
    item = {"source": "/test", "id": "v1", "reason": "sent in error"}
    assert house.call("POST", "/events/void", [item]).json["accepted"] == 1
    house.until_visible()
    assert [day["date"] for day in of(house)["days"]] == ["2026-03-04", "2026-03-03"]
