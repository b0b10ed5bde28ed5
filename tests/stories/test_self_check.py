"""The self-check of an account: each thing that can be odd is found, said once, and no more is."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tallybook import app
from tallybook.model.limits import TREE_DEPTH_MAX
from tallybook.model.ports import Draft
from tallybook.model.scope import operator
from tallybook.settings import Settings
from tallybook.stores.books.database import sqlite
from tallybook.stores.books.versions import BooksVersions
from tests.documented import Documented
from tests.serving import Client, event

NOW = "2026-03-20T12:00:00Z"
RATE = {"model": "per_unit", "unit_amount": "0.5"}
SMS = [{"property": "channel", "value": "sms"}]
#: What the front door refuses, and what older versions or another writer may have left.
WRITTEN = [
    Draft("account", key, {"key": key, **({"parent": parent} if parent else {})})
    for key, parent in {
        "round": "trip", "trip": "round", "lost": "nowhere", "deep-0": None, "undefined": None,
        **{f"deep-{i}": f"deep-{i - 1}" for i in range(1, TREE_DEPTH_MAX + 2)},
    }.items()
] + [
    Draft("contract", "X-1", {
        "number": "X-1", "account": "undefined", "start_date": "2026-01-01",
        "lines": [{"code": "l", "meter": "gone", "price": RATE},
                  {"code": "u", "meter": "total", "unit": "boxes", "price": RATE}],
    })
]  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("check") / "data"
    settings = Settings(data=folder, test_clock=True)
    key = str(app.initialise(settings, "admin@example.com")["api_key"])
    _write(folder)
    with app.running(settings) as address:
        client = Documented(urlsplit(address.url).port or 0, key)
        client.call("PUT", "/test-clock", {"now": NOW})
        client.put("/meters/total", event_type="use", aggregation="sum", property="n")
        client.put("/meters/people", event_type="use", aggregation="unique", property="who.id",
                   filter=SMS)  # fmt: skip
        client.put("/meters/calls", event_type="call", aggregation="count", filter=SMS)
        client.put("/meters/seats", event_type="seat", aggregation="latest", property="n",
                   kind="stock")  # fmt: skip
        yield client


def _write(folder: Path) -> None:
    database = sqlite(folder / "books.db")
    BooksVersions(database).write(operator(), WRITTEN, datetime(2026, 1, 1, tzinfo=UTC))
    database.close()


def agree(house: Client, number: str, account: str, *meters: str, **more: Any) -> None:
    lines = [{"code": meter, "meter": meter, "price": RATE} for meter in meters]
    house.put(f"/contracts/{number}", **{"account": account, "start_date": "2026-01-01",
                                         "lines": lines, **more})  # fmt: skip


def use(id: str, account: str, time: str, data: Any = None, **more: Any) -> dict[str, Any]:
    time = f"{time}T08:00:00Z" if len(time) == 10 else time
    return event(id, subject=account, time=time, data={"n": 1} if data is None else data, **more)


def send(house: Client, *events: dict[str, Any]) -> None:
    assert house.send(list(events))["accepted"] == len(events)
    house.until_visible()


def check(house: Client, account: str, **asked: Any) -> Any:
    answer = house.call("GET", f"/accounts/{account}/check", **asked)
    assert answer.status == 200, answer.body
    found = answer.json
    assert found["problems"] + found["notices"] == len(found["findings"])
    return found


def said(house: Client, account: str, **asked: Any) -> dict[str, Any]:
    """Return the findings by code, where each is there once."""
    found = check(house, account, **asked)["findings"]
    codes = {finding["code"]: finding for finding in found}
    assert len(codes) == len(found), found
    return codes


def seen_at(house: Client, finding: dict[str, Any]) -> list[Any]:
    """Go where a finding says that it is seen."""
    answer = house.call("GET", finding["seen_at"].removeprefix("/api/v1"))
    assert answer.status == 200, answer.body
    items: list[Any] = answer.json["items"]
    return items


def test_where_all_is_right_it_says_what_was_checked(house: Client) -> None:
    house.put("/accounts/fine")
    house.put("/accounts/fine-eu", parent="fine")
    agree(house, "F-1", "fine", "total", pooling="parent_pool")
    send(house, *(use(f"f{day}", "fine-eu", f"2026-03-{day:02}") for day in range(1, 20)))
    found = check(house, "fine")
    assert found["findings"] == []
    assert {k: found[k] for k in ("accounts", "contracts", "lines", "problems", "has_more")} == {
        "accounts": 2, "contracts": 1, "lines": 1, "problems": 0, "has_more": False,
    }  # fmt: skip
    assert found["checked"] == ["hierarchy", "contracts", "meters", "sources", "events"]
    assert found["since"] == "2025-12-20T00:00:00Z"


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_it_can_be_asked_for_at_the_ends_of_the_calendar(house: Client, at: str) -> None:
    house.put("/accounts/ends")
    assert check(house, "ends", at=at)["problems"] == 0


def test_an_account_that_is_not_there_is_not_found(house: Client) -> None:
    answer = house.call("GET", "/accounts/nobody/check")
    assert (answer.status, answer.json["code"]) == (404, "account_not_found")


def test_faults_of_the_hierarchy(house: Client) -> None:
    found = check(house, "round")["findings"]
    assert [(f["code"], f["account"], f["severity"]) for f in found] == [
        ("tree_cycle", "round", "problem"), ("tree_cycle", "trip", "problem"),
    ]  # fmt: skip
    assert found[0]["seen_at"] == "/api/v1/accounts/round/history"
    assert said(house, "lost").keys() == {"orphan"}
    assert "tree_too_deep" in said(house, f"deep-{TREE_DEPTH_MAX + 1}")
    house.put("/accounts/shut")
    house.put("/accounts/shut-eu", parent="shut")
    house.put("/accounts/shut", status="closed")
    (one,) = said(house, "shut").values()
    assert (one["code"], one["account"]) == ("parent_gone", "shut-eu")


def test_moves_zones_and_currencies(house: Client) -> None:
    house.put("/accounts/top", timezone="America/Chicago")
    house.put("/accounts/came")
    house.put("/accounts/came", parent="top", valid_from="2026-03-05", timezone="Asia/Tokyo")
    house.put("/accounts/went", parent="top", valid_from="2025-01-01", timezone="America/Chicago")
    house.put("/accounts/went", valid_from="2026-03-09", timezone="America/Chicago")
    house.put("/accounts/euro", parent="top", timezone="America/Chicago", currency="EUR")
    found = check(house, "top")["findings"]
    assert [(f["code"], f["account"], f["severity"]) for f in found] == [
        ("currency_differs", "euro", "notice"),
        ("moved_in_period", "came", "notice"),
        ("moved_in_period", "went", "notice"),
        ("zone_differs", "came", "notice"),
    ]
    assert "joined the tree of top on 2026-03-05;" in found[1]["detail"]
    assert "left the tree of top on 2026-03-09;" in found[2]["detail"]
    assert "Asia/Tokyo" in found[3]["detail"]
    assert {f["code"] for f in check(house, "top", at="2026-03-02T00:00:00Z")["findings"]} == {
        "currency_differs"
    }


def test_what_contracts_of_a_tree_say_together(house: Client) -> None:
    house.put("/accounts/pool")
    house.put("/accounts/pool-kid", parent="pool")
    house.put("/accounts/sum")
    house.put("/accounts/sum-kid", parent="sum")
    line = {"code": "total", "meter": "total", "allotment": {"quantity": "5"}}
    other = {**line, "conversion": {"divide_by": "1000", "unit": "thousands"}}
    agree(house, "P-1", "pool", "total", pooling="parent_pool")
    agree(house, "P-2", "pool-kid", "total")
    agree(house, "Q-1", "sum", pooling="sum_of_children", lines=[{**line, "price": RATE}])
    agree(house, "Q-2", "sum-kid", lines=[other])
    send(house, *(use(f"pool-{key}", f"{key}-kid", "2026-03-19") for key in ("pool", "sum")))
    (one,) = said(house, "pool").values()
    assert (one["code"], one["contract"], one["seen_at"]) == (
        "child_has_contract", "P-1", "/contracts/P-1",
    )  # fmt: skip
    assert said(house, "pool-kid").keys() == {"in_a_pool"}
    found = said(house, "sum")
    assert found.keys() == {"pool_unit_clash", "line_without_price"}
    assert (found["pool_unit_clash"]["severity"], found["line_without_price"]["severity"]) == (
        "problem", "notice",
    )  # fmt: skip


def test_a_line_whose_meter_is_not_there(house: Client) -> None:
    found = said(house, "undefined")
    assert found.keys() == {"unknown_meter", "unit_clash", "meter_never_used"}
    assert found["unknown_meter"]["field"] == "lines.0.meter"
    assert found["unit_clash"]["field"] == "lines.1.unit"


def test_meters_without_events_ever_and_in_the_period(house: Client) -> None:
    house.put("/accounts/quiet")
    agree(house, "M-1", "quiet", "total", "calls", "people", "seats")
    send(
        house,
        use("m1", "quiet", "2025-06-01"),
        use("m2", "quiet", "2026-03-19", type="call"),  # of another channel
        use("m3", "quiet", "2026-02-27", {"n": 2, "channel": "sms", "who": {"id": "x"}}),
        use("m4", "quiet", "2025-01-01", type="seat"),  # holds until the next one
    )
    found = {(f["code"], f["line"]): f for f in check(house, "quiet")["findings"]}
    assert found.keys() == {
        ("meter_idle", "total"), ("meter_never_used", "calls"), ("meter_idle", "people"),
    }  # fmt: skip
    assert "2026-02-27" in found["meter_idle", "people"]["detail"]
    assert found["meter_idle", "total"]["seen_at"] == "/volume/M-1/total"
    assert found["meter_never_used", "calls"]["severity"] == "problem"
    soon = check(house, "quiet", at="2026-03-02T23:59:00Z")["findings"]
    assert soon == []  # a period of less than two days says nothing yet


def test_a_source_that_fell_silent(house: Client) -> None:
    house.put("/accounts/stale")
    daily = [f"2026-03-{day:02}" for day in range(2, 9)]
    weekly = ["2026-02-20", "2026-02-27", "2026-03-06"]
    send(
        house,
        *(use(f"d{day}", "stale", day, source="/daily") for day in daily),
        *(use(f"w{day}", "stale", day, source="/weekly") for day in weekly),
        *(use(f"o{day}", "stale", day, source="/once") for day in daily[:2]),
    )
    (one,) = said(house, "stale").values()
    assert (one["code"], one["account"]) == ("source_silent", "stale")
    assert one["detail"] == (
        "/daily has sent nothing for stale since 2026-03-08: 12 days, and used to send every day."
    )
    assert {item["event"]["source"] for item in seen_at(house, one)} == {
        "/daily", "/weekly", "/once",
    }  # fmt: skip
    # Three usual pauses are over only afterwards.
    assert check(house, "stale", at="2026-03-11T08:00:00Z")["findings"] == []
    assert len(check(house, "stale", at="2026-03-11T08:00:01Z")["findings"]) == 1
    sources = check(house, "stale", at="2026-03-27T08:00:01Z")["findings"]
    assert [f["detail"].split()[0] for f in sources] == ["/daily", "/weekly"]


def test_events_that_do_not_count_are_as_many_as_the_list_has(house: Client) -> None:
    house.put("/accounts/odd")
    house.put("/accounts/odd-eu", parent="odd")
    send(
        house,
        use("u1", "odd", "2026-03-01", type="nobody"),
        use("u2", "odd-eu", "2026-03-01", type="nobody"),
        use("u3", "odd", "2026-03-01", {"x": 1}),
        use("u4", "odd", "2026-03-02", {"n": ""}),
        use("u5", "odd-eu", "2026-03-02", {"n": "many"}),
        use("u6", "odd-eu", "2026-03-02", {"n": 1, "channel": "sms"}),
        use("u7", "odd-eu", "2026-03-02"),
    )
    found = said(house, "odd")
    assert {code: f["events"] for code, f in found.items()} == {
        "type_unknown": 2, "quantity_missing": 3, "quantity_invalid": 1,
    }  # fmt: skip
    assert found["type_unknown"]["detail"].endswith("2 of the type nobody, for odd, odd-eu.")
    seen = [seen_at(house, found[code]) for code in found]
    assert all(items for items in seen)
    voided = [{"source": "/test", "id": f"u{i}", "reason": "odd"} for i in range(1, 7)]
    assert house.call("POST", "/events/void", voided).json["accepted"] == 6
    house.until_visible()
    assert said(house, "odd") == {}


def test_events_for_a_key_that_reads_alike(house: Client) -> None:
    house.put("/accounts/Alike-1")
    send(
        house,
        use("a1", "alike-1", "2026-03-01"),
        use("a2", " Alike-1", "2026-03-01"),
        use("a3", "alike-1", "2026-03-02"),
    )
    found = check(house, "Alike-1")["findings"]
    assert [(f["code"], f["subject"], f["events"]) for f in found] == [
        ("account_alike", " Alike-1", 1), ("account_alike", "alike-1", 2),
    ]  # fmt: skip
    assert len(seen_at(house, found[1])) == 2
    house.put("/accounts/alike-1")
    assert [f["subject"] for f in check(house, "Alike-1")["findings"]] == [" Alike-1"]


def test_a_customer_hears_of_what_they_send_and_of_nobody_else(house: Client) -> None:
    house.put("/accounts/vendor-pool")
    house.put("/accounts/Ours", parent="vendor-pool")
    house.put("/accounts/Ours", parent="vendor-pool", currency="EUR")
    agree(house, "V-1", "vendor-pool", "total", pooling="parent_pool")
    agree(house, "V-2", "Ours", "total")
    send(house, use("v1", "Ours", "2026-03-19", {"n": "many"}), use("v2", "ours", "2026-03-19"))
    assert said(house, "Ours").keys() == {"quantity_invalid", "account_alike", "in_a_pool"}
    body = {"name": "theirs", "role": "customer_admin", "account": "Ours"}
    key = house.call("POST", "/keys", body).json["secret"]
    sent = {"Authorization": f"Bearer {key}"}
    answer = house.call("GET", "/accounts/Ours/check", headers=sent)
    assert [f["code"] for f in answer.json["findings"]] == ["quantity_invalid"]
    assert "contracts" not in answer.json["checked"]
    assert b"vendor-pool" not in answer.body
    assert b"V-1" not in answer.body
    refused = house.call("GET", "/accounts/vendor-pool/check", headers=sent)
    assert (refused.status, refused.json["code"]) == (404, "account_not_found")
