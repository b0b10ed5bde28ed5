"""Statements through the API: closed once, never changed, adjusted on a later one, held for a
person, told to those whose they are.
"""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.serving import Answer, Client, event

#: What a statement says of how it stands, and not of what it comes to.
BESIDE = {"status", "held_above", "sha256", "known_at", "closed_at", "closed_by", "reason"}


class Vendor:
    """One contract at a time of an account of its own, with uses that come at any time."""

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self.name = name
        self.sent = 0
        client.put("/meters/total", event_type="use", aggregation="sum", property="n")
        client.put(f"/accounts/{name}")

    def agree(self, **document: Any) -> None:
        line = {
            "code": "calls",
            "meter": "total",
            "allotment": {"quantity": "10"},
            "price": {"model": "per_unit", "unit_amount": "1"},
        }
        agreed = {"account": self.name, "start_date": "2026-01-01", "lines": [line], **document}
        self.client.put(f"/contracts/{self.name}", **agreed)

    def use(self, month: int, quantity: int) -> str:
        self.sent += 1
        key = f"{self.name}-{self.sent}"
        at = f"2026-{month:02}-15T12:00:00Z"
        sent = event(key, subject=self.name, time=at, data={"n": quantity})
        assert self.client.send([sent])["accepted"] == 1
        self.load()
        return key

    def load(self) -> None:
        """Have what was sent counted at once."""
        assert self.client.call("POST", "/tick").status == 200

    def show(self, month: int, **more: Any) -> Any:
        answer = self.client.call(
            "GET", f"/statements/{self.name}", period=f"2026-{month:02}-20", **more
        )
        assert answer.status == 200, answer.body
        return answer.json

    def close(self, month: int, **more: Any) -> Answer:
        body = {"period": f"2026-{month:02}-10", **more}
        return self.client.call("POST", f"/statements/{self.name}/close", body)

    def closed(self, month: int, **more: Any) -> Any:
        answer = self.close(month, **more)
        assert answer.status == 200, answer.body
        return answer.json


@pytest.fixture
def vendor(bare: Client, request: pytest.FixtureRequest) -> Vendor:
    return Vendor(bare, f"a{abs(hash(request.node.name))}")


def own(statement: Any) -> dict[str, Any]:
    return {name: said for name, said in statement.items() if name not in BESIDE}


def sha256_of(statement: Any) -> str:
    """Hash it as anybody can who has the answer."""
    canonical = json.dumps(
        own(statement), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def test_a_statement_says_what_a_period_comes_to(vendor: Vendor) -> None:
    vendor.agree(base_charges=[{"name": "base", "amount": "100"}])
    vendor.use(3, 25)
    found = vendor.show(3)
    assert found["period"] == {
        "start_date": "2026-03-01",
        "end_date": "2026-04-01",
        "is_stub": False,
        "starts_at": "2026-03-01T00:00:00Z",
        "ends_at": "2026-04-01T00:00:00Z",
    }
    (line,) = found["lines"]
    assert (line["code"], line["quantity"], line["billable_quantity"]) == ("calls", "25", "15")
    assert (line["amount"], found["base_charges"][0]["amount"]) == ("15.00", "100.00")
    assert line["explanation"]["charges"][0]["parts"][0]["unit_amount"] == "1"
    assert (found["subtotal"], found["total"], found["currency"]) == ("115.00", "115.00", "USD")
    assert (found["status"], found["closed_at"]) == ("open", None)
    assert found["sha256"] == sha256_of(found)


def test_a_closed_statement_never_changes_and_the_next_open_one_is_adjusted(
    vendor: Vendor,
) -> None:
    vendor.agree()
    vendor.use(3, 25)
    before = vendor.show(3)
    closed = vendor.closed(3)
    assert own(closed) == own(before)
    assert closed["sha256"] == before["sha256"]
    assert (closed["status"], closed["total"]) == ("closed", "15.00")
    late = vendor.use(3, 100)
    vendor.use(4, 11)
    assert vendor.show(3) == closed == vendor.closed(3)
    april = vendor.show(4)
    assert april["adjustments"] == [
        {"period_start": "2026-03-01", "kind": "line", "code": "calls", "amount": "100.00"}
    ]
    assert (april["subtotal"], april["total"]) == ("101.00", "101.00")
    assert vendor.show(5)["adjustments"] == []
    assert vendor.closed(4)["adjustments"] == april["adjustments"]
    assert vendor.show(5)["adjustments"] == []
    wrong = {"source": "/test", "id": late, "reason": "sent by mistake"}
    assert vendor.client.call("POST", "/events/void", wrong).json["accepted"] == 1
    vendor.load()
    assert vendor.show(5)["adjustments"][0]["amount"] == "-100.00"
    assert vendor.show(3) == closed


def test_what_was_known_before_it_was_closed_is_still_told(vendor: Vendor) -> None:
    vendor.agree()
    vendor.use(3, 25)
    before = vendor.show(3)
    vendor.closed(3)
    vendor.use(3, 100)
    assert vendor.show(3, known_at=before["known_at"]) == before
    between = vendor.show(4)
    vendor.agree(lines=[], valid_from="2026-03-01")
    assert vendor.show(4, known_at=between["known_at"]) == between
    assert vendor.show(4)["adjustments"][0]["amount"] == "-15.00"


def test_those_who_close_at_once_get_the_same_bytes(vendor: Vendor) -> None:
    vendor.agree()
    vendor.use(3, 25)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: vendor.close(3), range(6)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1


def test_different_periods_closed_at_once_adjust_once(vendor: Vendor) -> None:
    vendor.agree()
    vendor.closed(1)
    vendor.use(1, 17)
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(vendor.close, (2, 3, 4, 5, 6)))
    assert {answer.status for answer in answers} == {200}
    said = [a for answer in answers for a in answer.json["adjustments"]]
    assert (
        sum(int(float(a["amount"])) for a in said)
        + sum(int(float(a["amount"])) for a in vendor.show(7)["adjustments"])
        == 7
    )


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"period": "2026-11-10"}, 409, "period_open"),
        ({"period": "2025-11-10"}, 404, "not_in_force"),
        ({"period": "9999-12-01"}, 422, "period_too_far"),
        ({"period": "soon"}, 422, "document_invalid"),
        ({}, 422, "document_invalid"),
        ({"period": "2026-03-10", "release": True}, 422, "document_invalid"),
        ({"period": "2026-03-10", "else": 1}, 422, "document_invalid"),
    ],
)
def test_what_cannot_be_closed_is_refused(
    vendor: Vendor, body: dict[str, Any], status: int, code: str
) -> None:
    vendor.agree()
    answer = vendor.client.call("POST", f"/statements/{vendor.name}/close", body)
    assert (answer.status, answer.json["code"]) == (status, code)


def test_a_draft_has_no_statement(vendor: Vendor) -> None:
    vendor.agree(status="draft")
    answer = vendor.close(3)
    assert (answer.status, answer.json["code"]) == (409, "contract_draft")
    answer = vendor.client.call("GET", f"/statements/{vendor.name}")
    assert (answer.status, answer.json["code"]) == (404, "not_in_force")


def test_one_far_above_the_others_is_held_until_it_is_released(vendor: Vendor) -> None:
    vendor.agree(billing={"hold_above": "50"})
    for month, quantity in ((1, 13), (2, 30), (3, 210), (4, 211)):
        vendor.use(month, quantity)
    assert [vendor.show(month)["status"] for month in (1, 2, 3, 4)] == [
        "open",
        "open",
        "held",
        "held",
    ]
    assert vendor.show(3)["held_above"] == "115.00"
    refusal = vendor.close(3)
    assert (refusal.status, refusal.json["code"]) == (409, "statement_held")
    assert (refusal.json["limit"], refusal.json["asked"]) == ("115", "200.00")
    closed = vendor.closed(3, release=True, reason="a campaign")
    assert (closed["status"], closed["reason"]) == ("closed", "a campaign")
    assert vendor.show(4)["held_above"] == "200.00"


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"currency": "EUR"}, "currency_closed", "currency"),
        ({"status": "draft"}, "already_closed", "status"),
    ],
)
def test_no_way_leads_around_what_is_closed(
    vendor: Vendor, change: dict[str, Any], code: str, field: str
) -> None:
    vendor.agree()
    vendor.closed(3)
    path = f"/contracts/{vendor.name}"
    body = {"account": vendor.name, "start_date": "2026-01-01", "valid_from": "2026-01-01"}
    document = {**body, **change}
    refusal = vendor.client.call("PUT", path, document)
    assert (refusal.status, refusal.json["code"], refusal.json["field"]) == (422, code, field)
    outlook = vendor.client.call("PUT", path, document, dry_run=True).json
    assert outlook["outcome"] == "refused"
    assert [fault["code"] for fault in outlook["faults"]] == [code]
    folder = [{"noun": "contract", "key": vendor.name, "documents": [document]}]
    planned = vendor.client.call("POST", "/definitions", {"definitions": folder, "dry_run": True})
    assert [fault["code"] for fault in planned.json["faults"]] == [code]
    refusal = vendor.client.call("POST", "/definitions", {"definitions": folder})
    assert (refusal.status, refusal.json["errors"][0]["code"]) == (422, code)
    assert vendor.client.call("GET", path).json["version"] == 1


def test_after_the_last_period_comes_a_supplementary_statement(vendor: Vendor) -> None:
    vendor.agree(end_date="2026-03-31")
    for month in (1, 2, 3):
        vendor.closed(month)
    absent = vendor.client.call("GET", f"/statements/{vendor.name}", period="2026-04-10")
    assert (absent.status, absent.json["code"]) == (404, "not_in_force")
    vendor.use(2, 15)
    found = vendor.show(9)
    assert (found["period"]["start_date"], found["period"]["end_date"]) == (
        "2026-04-01",
        "2026-05-01",
    )
    assert (found["supplementary"], found["lines"], found["total"]) == (True, [], "5.00")
    assert [a["period_start"] for a in found["adjustments"]] == ["2026-02-01"]
    assert vendor.closed(4)["total"] == "5.00"
    absent = vendor.client.call("GET", f"/statements/{vendor.name}")
    assert absent.json["code"] == "not_in_force"
    vendor.use(3, 11)
    again = vendor.show(5)
    assert (again["period"]["start_date"], again["total"]) == ("2026-05-01", "1.00")


def test_a_contract_that_ends_by_quantity_has_no_statement_after_that(vendor: Vendor) -> None:
    group = {
        "name": "copies",
        "meters": ["total"],
        "covered_quantity": "20",
        "overage_rate": "1",
        "counts_to_expiration": True,
    }
    vendor.agree(lines=[], meter_groups=[group], expiration_quantity="50")
    vendor.use(1, 30)
    assert vendor.show(3)["lines"][0]["quantity"] == "0"
    vendor.use(2, 20)
    ended = vendor.client.call("GET", f"/statements/{vendor.name}", period="2026-02-10").json
    assert (ended["period"]["end_date"], ended["period"]["is_stub"]) == ("2026-02-16", True)
    gone = vendor.client.call("GET", f"/statements/{vendor.name}", period="2026-02-16")
    assert gone.json["code"] == "not_in_force"


def test_credits_and_commitments_follow_what_was_closed(vendor: Vendor) -> None:
    vendor.agree(
        credits=[{"name": "prepaid", "amount": "20"}],
        commitments=[{"name": "least", "amount": "12"}],
    )
    vendor.use(1, 15)
    january = vendor.closed(1)
    assert (january["subtotal"], january["total"]) == ("12.00", "0.00")
    assert january["credits"] == [{"name": "prepaid", "amount": "12.00", "left": "8.00"}]
    vendor.use(1, 10)
    february = vendor.show(2)
    assert {(a["kind"], a["amount"]) for a in february["adjustments"]} == {
        ("line", "10.00"),
        ("commitment", "-7.00"),
    }
    assert (february["subtotal"], february["total"]) == ("15.00", "7.00")


def test_lists_are_of_a_day_or_of_a_contract(vendor: Vendor) -> None:
    vendor.agree()
    vendor.use(3, 25)
    vendor.closed(3)
    vendor.client.put(f"/contracts/{vendor.name}-2", account=vendor.name, start_date="2026-03-15")
    listed = vendor.client.call("GET", "/statements", account=vendor.name, period="2026-03-20").json
    assert listed["items"][0] == vendor.show(3)
    assert [item["contract"] for item in listed["items"]] == [vendor.name, f"{vendor.name}-2"]
    assert listed["totals"] == [
        {"currency": "USD", "statements": 2, "subtotal": "15.00", "total": "15.00"}
    ]
    every = vendor.client.call("GET", "/statements", contract=vendor.name).json
    assert [i["period"]["start_date"] for i in every["items"]] == [
        f"2026-{month:02}-01" for month in range(11, 0, -1)
    ]
    found, cursor = [], None
    while True:
        more: dict[str, Any] = {} if cursor is None else {"cursor": cursor}
        page = vendor.client.call(
            "GET", "/statements", contract=vendor.name, limit=4, known_at=every["known_at"], **more
        ).json
        found += page["items"]
        assert (page["count"], page["totals"]) == (11, every["totals"])
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == every["items"]
    none = vendor.client.call("GET", "/statements", contract="missing")
    assert (none.status, none.json["code"]) == (404, "contract_not_found")


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/statements/{c}?period=march", "date_invalid"),
        ("/statements/{c}?period=2026-02-30", "date_invalid"),
        ("/statements/{c}?period=2999-01-01", "period_too_far"),
        ("/statements/{c}?known_at=never", "known_at_invalid"),
        ("/statements?period=2999-01-01", "period_too_far"),
        ("/statements?period=soon", "date_invalid"),
        ("/statements?limit=501", "parameter_invalid"),
        ("/statements?cursor=x", "cursor_invalid"),
    ],
)
def test_what_cannot_be_asked_is_refused(vendor: Vendor, target: str, code: str) -> None:
    vendor.agree()
    answer = vendor.client.call("GET", target.format(c=vendor.name))
    assert (answer.status, answer.json["code"]) == (422, code)


def test_a_sales_rep_sees_the_amounts_of_own_contracts(vendor: Vendor) -> None:
    numbers = {n: f"{vendor.name}-{n}" for n in ("named", "mailed", "past", "none")}
    reps = {
        "named": {"name": "Rita"},
        "mailed": {"email": "Rita@example.com"},
        "past": {"name": "Omar"},
        "none": None,
    }
    base = [{"name": "base", "amount": "77.75"}]
    terms = {"account": vendor.name, "start_date": "2026-01-01"}
    for name, rep in reps.items():
        path = f"/contracts/{numbers[name]}"
        vendor.client.put(path, **terms, base_charges=base, sales_rep=rep)
    path = f"/contracts/{numbers['past']}"
    vendor.client.put(path, **terms, sales_rep=reps["named"], valid_from="2026-06-01")

    def seen(key: str) -> tuple[dict[str, set[bool]], Any]:
        """Return of each contract whether its amounts are told, and the totals of lists."""
        sent = {"Authorization": f"Bearer {key}"}
        told: dict[str, set[bool]] = {}
        for name, number in numbers.items():
            document = vendor.client.call("GET", f"/contracts/{number}/history", headers=sent)
            told[name] = {b"77.75" in document.body}
            for period in ("2026-02-10", "2026-11-10"):
                path = f"/statements/{number}"
                said = vendor.client.call("GET", path, headers=sent, period=period).json
                told[name] |= {said["total"] is not None, said["sha256"] is not None}
        query = {"account": vendor.name, "period": "2026-02-10"}
        listed = vendor.client.call("GET", "/statements", headers=sent, **query).json
        own = {one["contract"] for one in listed["items"] if one["total"] is not None}
        assert own == {numbers[name] for name in numbers if True in told[name]}
        return told, listed["totals"]

    def key_of(name: str) -> str:
        body = {"name": name, "role": "sales_rep"}
        return str(vendor.client.call("POST", "/keys", body).json["secret"])

    yes, no, both = {True}, {False}, {True, False}
    assert seen(key_of("Rita")) == ({"named": yes, "mailed": no, "past": both, "none": no}, [])
    assert seen(key_of("rita@EXAMPLE.com")) == (
        {"named": no, "mailed": yes, "past": no, "none": no},
        [],
    )
    assert seen(key_of("sales_rep"))[0] == dict.fromkeys(numbers, no)
    assert seen(vendor.client.key)[0] == dict.fromkeys(numbers, yes)
    sent = {"Authorization": f"Bearer {key_of('Rita')}"}
    refusal = vendor.client.call("GET", "/definitions", headers=sent, noun="contract")
    assert (refusal.status, refusal.json["code"]) == (403, "prices_hidden")
