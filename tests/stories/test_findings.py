"""Findings: listed by what is at stake, dealt with by people, and shown to whom they concern."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving import event
from tests.stories.alerting import RATIO, Desk, watched

SPEND = "spend.threshold"


class House(Desk):
    """The house with contracts whose base is too low, and what two subscriptions found."""

    def open(self) -> "House":
        """Run a subscription of the vendor's and one of a customer's."""
        self.agree("C-eu", "10", account="acme-eu")
        self.agree("C-odd", "20", account="other", branch="south", currency="EUR")
        spends = {"amounts": ["20"]}
        theirs = {"users": ["cora@acme.example"]}
        self.vendors = self.subscribed(recipients={"to": ["fay@example.com"]})
        self.customers = self.subscribed(
            "customer_admin", check=SPEND, values=spends, recipients=theirs
        )
        self.at("2026-03-02T07:00:00Z")
        return self

    def listed(self, role: str = "admin", query: str = "") -> Any:
        answer = self.by(role, "GET", f"/findings?{query}")
        assert answer.status == 200, answer.body
        return answer.json

    def one(self, entity: str = "C-low", check: str = RATIO) -> Any:
        items = self.listed(query=f"check={check}&status=open&status=acknowledged"
                            "&status=snoozed&status=resolved")["items"]  # fmt: skip
        return next(item for item in items if item["entity"] == entity)

    def mark(self, finding: Any, role: str = "admin", **asked: Any) -> Any:
        return self.by(role, "PATCH", f"/findings/{finding['id']}", asked)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with watched(tmp_path / "data", House) as opened:
        yield opened.open()


def entities(page: Any) -> list[str]:
    return [item["entity"] for item in page["items"]]


def test_the_dearest_come_first_by_currency_with_counts_and_sums(house: House) -> None:
    page = house.listed(query=f"check={RATIO}")
    assert entities(page) == ["C-eu", "C-odd", "C-low"]
    assert page["totals"] == {"count": 3, "money_at_risk": {"EUR": "28", "USD": "56"}}
    assert page["by_status"] == {"open": 3}
    assert page["by_check"] == {RATIO: 3, SPEND: 1}
    some = house.listed(query=f"check={RATIO}&limit=2")
    rest = house.listed(query=f"check={RATIO}&limit=2&cursor={some['next_cursor']}")
    assert [*entities(some), *entities(rest)] == entities(page)
    assert rest["next_cursor"] is None
    assert entities(house.listed(query=f"check={RATIO}&account=acme")) == ["C-eu", "C-low"]
    assert entities(house.listed(query=f"check={RATIO}&account=acme&rollup=false")) == ["C-low"]
    assert entities(house.listed(query=f"check={RATIO}&q=odd")) == ["C-odd"]
    assert entities(house.listed(query="contract=C-eu")) == ["C-eu"]
    assert entities(house.listed(query=f"subscription={house.customers['id']}")) == ["C-low"]
    assert entities(house.listed(query=f"check={RATIO}&sort=account&descending=false")) == [
        "C-low",
        "C-eu",
        "C-odd",
    ]


def test_what_two_subscribers_found_is_at_risk_once(house: House) -> None:
    before = house.listed(query=f"check={RATIO}")["totals"]
    house.call("POST", f"/subscriptions/{house.subscribed()['id']}/runs")
    after = house.listed(query=f"check={RATIO}")["totals"]
    assert after == {"count": 2 * before["count"], "money_at_risk": before["money_at_risk"]}


def test_the_money_of_a_line_is_at_risk_once_whatever_shares_are_asked(house: House) -> None:
    group = {"name": "copies", "meters": ["copies"], "covered_quantity": "2"}
    group["overage_rate"] = "5"
    house.agree("C-over", "0", base_charges=[], meter_groups=[group])
    day = "2026-03-02T05:00:00Z"
    copies = [event(f"over-{n}", subject="acme", type="copy", time=day) for n in range(4)]
    assert house.send(copies)["accepted"] == 4
    house.at("2026-03-02T06:30:00Z")
    for shares in ("50,100", "80,120"):
        made = house.subscribed(check="allotment.threshold", values={"thresholds": shares})
        house.call("POST", f"/subscriptions/{made['id']}/runs")
    page = house.listed(query="contract=C-over")
    assert page["totals"] == {"count": 4, "money_at_risk": {"USD": "10"}}


def test_a_finding_tells_its_history(house: House) -> None:
    finding = house.one()
    assert (finding["state"], finding["status"], finding["money_at_risk"]) == (
        "under",
        "open",
        "18",
    )
    assert finding["outputs"]["ratio"] == "0.625"
    known = house.mark(finding, status="acknowledged", note="We know.").json
    assert (known["status"], known["note"]) == ("acknowledged", "We know.")
    house.at("2026-03-03T07:00:00Z")
    assert house.one()["status"] == "acknowledged"
    house.agree("C-low", "25", branch="north")
    house.at("2026-03-04T07:00:00Z")
    house.agree("C-low", "48", branch="north")
    house.at("2026-03-05T07:00:00Z")
    told = house.get(f"/findings/{finding['id']}")
    assert (told["status"], told["note"]) == ("resolved", "We know.")
    assert [event["act"] for event in told["history"]] == [
        "found",
        "said",
        "acknowledged",
        "reopened",
        "said",
        "resolved",
    ]
    assert told["history"][2]["note"] == "We know."


def test_a_snooze_is_silent_until_its_day_and_then_speaks(house: House) -> None:
    finding = house.one()
    before = len(house.mails())
    asked = {"status": "snoozed", "until": "2026-03-04T00:00:00Z", "note": "After the audit."}
    assert house.mark(finding, **asked).json["until"] == "2026-03-04T00:00:00Z"
    house.agree("C-low", "20", branch="north")
    house.at("2026-03-03T07:00:00Z")
    assert len(house.mails()) == before
    house.at("2026-03-04T07:00:00Z")
    assert len(house.mails()) == before + 1
    assert house.one()["status"] == "open"


def test_what_is_resolved_by_hand_and_still_so_comes_back(house: House) -> None:
    finding = house.one()
    assert house.mark(finding, status="resolved").json["status"] == "resolved"
    assert "C-low" not in entities(house.listed(query=f"check={RATIO}"))
    before = len(house.mails())
    house.at("2026-03-03T07:00:00Z")
    assert house.one()["status"] == "open"
    assert len(house.mails()) == before + 1
    spent = house.one(check=SPEND)  # said once a period, whatever happens
    house.mark(spent, "customer_admin", status="resolved")
    house.at("2026-03-04T07:00:00Z")
    assert house.one(check=SPEND)["status"] == "resolved"
    assert len(house.mails()) == before + 1


def test_several_are_dealt_with_at_once_all_or_none(house: House) -> None:
    ids = [item["id"] for item in house.listed(query=f"check={RATIO}")["items"]]
    body = {"status": "acknowledged", "note": "Seen."}
    missing = house.call("POST", "/findings/status", {"ids": [*ids, "none"], **body})
    assert (missing.status, missing.json["code"]) == (404, "finding_not_found")
    assert house.listed(query=f"check={RATIO}")["by_status"] == {"open": 3}
    done = house.call("POST", "/findings/status", {"ids": ids, **body})
    assert [one["status"] for one in done.json["items"]] == ["acknowledged"] * 3
    assert house.listed(query=f"check={RATIO}")["by_status"] == {"acknowledged": 3}


@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        ({"status": "snoozed"}, "until_missing", "until"),
        ({"status": "snoozed", "until": "2026-03-01T00:00:00Z"}, "until_passed", "until"),
        ({"status": "snoozed", "until": "9999-12-31T23:59:59Z"}, "until_too_far", "until"),
        ({"status": "gone"}, "document_invalid", "status"),
        ({"status": "open", "note": "n" * 1001}, "document_invalid", "note"),
        ({}, "document_invalid", "status"),
    ],
)
def test_what_cannot_be_is_refused(house: House, asked: Any, code: str, field: str) -> None:
    answer = house.mark(house.one(), **asked)
    assert (answer.status, answer.json["code"], answer.json["field"]) == (422, code, field)


def test_who_sees_no_prices_sees_the_rest(house: House) -> None:
    page = house.listed("analyst", f"check={RATIO}")
    assert page["totals"]["money_at_risk"] == {}
    assert page == house.listed("analyst", f"check={RATIO}&sort=last_seen")  # no order by amounts
    for item in page["items"]:
        assert (item["money_at_risk"], item["outputs"]["base_per_month"]) == (None, None)
        assert item["outputs"]["ratio"] is not None
    refused = house.mark(house.one(), "analyst", status="acknowledged")
    assert (refused.status, refused.json["code"]) == (403, "may_not_mark")


def test_a_step_that_is_an_amount_is_hidden_with_the_others(house: House) -> None:
    made = house.subscribed(check=SPEND, values={"amounts": ["10", "25"], "step": "5"})
    house.call("POST", f"/subscriptions/{made['id']}/runs")
    steps = {
        role: {one["step"] for one in house.listed(role, f"subscription={made['id']}")["items"]}
        for role in ("admin", "customer_admin", "customer_viewer", "analyst")
    }
    seen = {"10", "25", "30"}
    assert steps["customer_admin"] == seen
    assert steps["admin"] >= seen
    assert steps["customer_viewer"] == steps["analyst"] == {""}
    (listed,) = (
        one
        for one in house.by("analyst", "GET", "/subscriptions").json["items"]
        if one["id"] == made["id"]
    )
    assert listed["values"] == {"amounts": None, "step": None}
    one = house.by("analyst", "GET", f"/subscriptions/{made['id']}").json
    assert one["values"] == listed["values"]


def test_a_customer_sees_its_own_use_and_not_how_it_was_set_up(house: House) -> None:
    page = house.listed("customer_admin")
    assert entities(page) == ["C-low"]
    assert (page["items"][0]["check"], page["by_check"]) == (SPEND, {SPEND: 1})
    hidden = house.by("customer_admin", "GET", f"/findings/{house.one()['id']}")
    assert (hidden.status, hidden.json["code"]) == (404, "finding_not_found")
    spent = house.one(check=SPEND)
    assert house.mark(spent, "customer_admin", status="acknowledged").status == 200
    house.mark(spent, status="open", note="Between us.")
    told = house.by("customer_admin", "GET", f"/findings/{spent['id']}").json
    assert (told["note"], told["history"][-1]["by"], told["history"][-1]["note"]) == (
        None,
        None,
        None,
    )
    vendors = house.subscribed(check=SPEND, values={"amounts": ["10"]})
    house.call("POST", f"/subscriptions/{vendors['id']}/runs")
    query = f"subscription={vendors['id']}&account=acme&rollup=false"
    (found,) = house.listed("customer_admin", query)["items"]
    refused = house.mark(found, "customer_admin", status="resolved")
    assert (refused.status, refused.json["code"]) == (403, "may_not_mark")
    assert house.by("ingest", "GET", "/findings").status == 403


def test_a_sales_rep_deals_with_what_he_subscribed_to_and_reads_the_rest(house: House) -> None:
    house.keys["sales_rep"] = house.key_of("sales_rep")
    refused = house.mark(house.one(), "sales_rep", status="acknowledged")
    assert (refused.status, refused.json["code"]) == (403, "may_not_mark")
    own = house.subscribed("sales_rep")
    assert house.by("sales_rep", "POST", f"/subscriptions/{own['id']}/runs").status == 200
    found = house.listed(query=f"subscription={own['id']}")["items"]
    assert house.mark(found[0], "sales_rep", status="acknowledged").status == 200


def test_findings_go_with_their_subscription(house: House) -> None:
    assert house.call("DELETE", f"/subscriptions/{house.vendors['id']}").status == 204
    assert entities(house.listed()) == ["C-low"]
    assert house.listed()["by_check"] == {SPEND: 1}
