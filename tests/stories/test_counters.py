"""Counters, through the API: a meter group's use is what its counters rose by, between the readings
that stand for the edges of its cycle; a fall is never negative use.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.serving import Client, event

COPIES = {
    "name": "copies",
    "meters": ["clicks"],
    "covered_quantity": "1500",
    "overage_rate": "0.01",
    "tolerance": {"days_before": 10, "days_after": 6},
}
TERMS = {"start_date": "2026-08-15", "meter_groups": [COPIES]}
#: Months of cycles from 15 August to 14 September, and so on.
CYCLES = ("2026-08-20", "2026-09-20", "2026-10-20")
Readings = Sequence[tuple[str, int]]


@pytest.fixture(scope="module", autouse=True)
def _clicks(installation: Client) -> None:
    installation.put(
        "/meters/clicks",
        event_type="reading",
        aggregation="increase",
        property="shows",
        dimensions=["device"],
    )


def told(readings: Readings, device: str = "x") -> list[dict[str, Any]]:
    return [
        {"time": f"2026-{when}:00Z", "data": {"shows": shows, "device": device}}
        for when, shows in readings
    ]


def used(client: Client, readings: list[dict[str, Any]], **group: Any) -> list[str]:
    terms = {"account": "nobody", **TERMS, "meter_groups": [{**COPIES, **group}]}
    usage = [{"line": "copies", "events": readings}]
    bodies = [{"contract": terms, "period": day, "usage": usage} for day in CYCLES]
    answer = client.call("POST", "/preview/statement", bodies)
    assert answer.status == 200, answer.body
    return [found["lines"][0]["quantity"] for found in answer.json]


MAIN = [("08-13T12:00", 1000), ("08-17T12:00", 1150), ("09-12T12:00", 3000), ("09-16T12:00", 3200),
        ("10-12T12:00", 4000)]  # fmt: skip


def test_the_readings_nearest_to_the_edges_stand_for_them(installation: Client) -> None:
    """3,200 - 1,000, then 4,000 - 3,200; by the edges themselves 3,000 - 1,000, then 1,000."""
    assert used(installation, told(MAIN)) == ["2200", "800", "0"]
    assert used(installation, told(MAIN), tolerance=None) == ["2000", "1000", "0"]


def test_the_same_comes_of_readings_that_were_sent(installation: Client) -> None:
    installation.put("/accounts/copier")
    installation.put("/contracts/copier", account="copier", **TERMS)
    readings = told(MAIN) + told(
        [("08-14T12:00", 70), ("09-14T12:00", 20), ("09-20T12:00", 26)], "y"
    )
    sent = [
        event(f"copier-{i}", type="reading", subject="copier", **one)
        for i, one in enumerate(readings)
    ]
    assert installation.send(sent)["accepted"] == len(sent)
    assert installation.call("POST", "/tick").status == 200
    found = [
        installation.call("GET", "/statements/copier", period=day).json["lines"][0]
        for day in CYCLES[:2]
    ]
    assert [line["quantity"] for line in found] == used(installation, readings)[:2]
    assert [line["quantity"] for line in found] == ["2200", "806"]  # the fall of y is no use
    assert [line["amount"] for line in found] == ["7.00", "0.00"]


@pytest.mark.parametrize(
    ("readings", "first"),
    [
        # The cycle's start may be read from 5 to 21 August ...
        ([("08-05T00:00", 100), ("09-14T12:00", 700)], "600"),
        ([("08-04T23:00", 100), ("08-21T23:00", 150), ("09-14T12:00", 700)], "550"),
        ([("08-04T23:00", 100), ("08-22T00:00", 150), ("09-14T12:00", 700)], "600"),
        # ... and its end from 4 to 20 September.
        ([("08-15T00:00", 100), ("09-04T00:00", 400), ("09-20T23:00", 700)], "600"),
        ([("08-15T00:00", 100), ("09-04T00:00", 400), ("09-21T00:00", 700)], "300"),
        ([("08-15T00:00", 100), ("09-03T23:00", 400), ("09-20T23:00", 700)], "600"),
        # Nothing is read near the end: what was read last before it counts.
        ([("08-15T00:00", 100), ("09-03T23:00", 400), ("09-21T00:00", 700)], "300"),
    ],
)
def test_a_reading_is_usable_ten_days_before_and_six_after(
    installation: Client, readings: Readings, first: str
) -> None:
    found = used(installation, told(readings))
    assert found[0] == first
    start = 150 if first == "550" else 100
    assert sum(map(int, found)) == 700 - start


def test_a_fall_is_a_reset_and_never_negative_use(installation: Client) -> None:
    fell = told(
        [("08-15T00:00", 900), ("08-25T00:00", 1000), ("09-01T00:00", 10), ("09-10T00:00", 60)]
    )
    assert used(installation, fell, tolerance=None)[0] == "150"


def test_counters_are_not_mixed(installation: Client) -> None:
    both = told([("08-15T00:00", 100), ("09-01T00:00", 160)]) + told(
        [("08-16T00:00", 5000), ("09-02T00:00", 5007)], "y"
    )
    assert used(installation, both, tolerance=None)[0] == "67"
