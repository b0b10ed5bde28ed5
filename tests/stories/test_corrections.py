"""Events that were wrong are voided, replaced and brought back through the API: every number
follows, all that was said before can be asked for again, and the list tells what became of each.
"""

import gzip
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs
import pytest

from tallybook import app
from tallybook.settings import Settings
from tests.documented import Documented
from tests.serving import event

MARCH = {"from": "2026-03-01", "to": "2026-04-01"}
QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    ("/usage", {"meter": "total", "interval": "day", **MARCH}),
    ("/usage", {"meter": "who", "group_by": "account", **MARCH}),
    ("/usage", {"meter": "other", **MARCH}),
    ("/positions", {"at": "2026-03-20T00:00:00Z"}),
    ("/positions/C-a/total", {"at": "2026-03-20T00:00:00Z"}),
    ("/events", {"state": "counted"}),
    ("/events", {}),
]


class House(Documented):
    """Two customers with a contract each."""

    @cached_property
    def minutes(self) -> Iterator[datetime]:
        """Count whole minutes from the next one on."""
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        return (now + timedelta(minutes=n) for n in count(1))

    def correct(self, op: str, *items: dict[str, Any], **parameters: Any) -> Any:
        answer = self.call("POST", f"/events/{op}", [*items], **parameters)
        assert answer.status == 200, answer.body
        self.until_visible()
        return answer.json

    def used(self, meter: str = "total") -> dict[str, str]:
        rows = self.usage(meter, group_by="account", **MARCH)["rows"]
        return {row["account"]: row["value"] for row in rows}

    def standing(self) -> dict[str, str]:
        """Return what the list of positions says, which is worked out beforehand."""
        assert self.call("POST", "/tick").status == 200
        items = self.call("GET", "/positions", at="2026-03-20T00:00:00Z").json["items"]
        return {item["account"]: item["used"] for item in items}

    def said(self, known_at: str | None = None) -> list[bytes]:
        mark: dict[str, Any] = {} if known_at is None else {"known_at": known_at}
        answers = [self.call("GET", path, **asked, **mark) for path, asked in QUESTIONS]
        assert {answer.status for answer in answers} == {200}
        return [answer.body for answer in answers]

    @property
    def mark(self) -> str:
        return str(self.usage("total", **MARCH)["known_at"])


@pytest.fixture(scope="module")
def house(folder: Path) -> Iterator[House]:
    """Yield an installation whose clock can be set; see `minute`."""
    settings = Settings(data=folder, test_clock=True)
    key = str(app.initialise(settings, "admin@example.com")["api_key"])
    with app.running(settings) as address:
        yield filled(House(urlsplit(address.url).port or 0, key))


@pytest.fixture(autouse=True)
def minute(house: House) -> None:
    """Begin each test at the start of a later minute: answers name theirs, and must not differ
    because it turned.
    """
    later = next(house.minutes)
    assert house.call("PUT", "/test-clock", {"now": later.isoformat()}).status == 200


def filled(house: House) -> House:
    """Define two customers, and send what is corrected."""
    house.put("/meters/total", event_type="use", aggregation="sum", property="n")
    house.put("/meters/who", event_type="use", aggregation="unique", property="who")
    house.put("/meters/other", event_type="other", aggregation="count")
    for account in "ab":
        house.put(f"/accounts/{account}")
        line = {"code": "total", "meter": "total", "allotment": {"quantity": "100"}}
        house.put(f"/contracts/C-{account}", account=account, start_date="2026-01-01", lines=[line])
    data = [{"n": "0.1", "who": str(n % 3)} for n in range(9)]
    house.send(
        [event(f"e/{n}", subject="ab"[n // 6], data=data[n]) for n in range(9)]
        + [event("odd", subject="a", data={"n": "many"})]
    )
    house.until_visible()
    return house


def item(number: int, reason: str = "sent in error", **more: Any) -> dict[str, Any]:
    return {"source": "/test", "id": f"e/{number}", "reason": reason, **more}


def test_every_number_follows_and_comes_back_exactly(house: House) -> None:
    mark, before = house.mark, house.said()
    first = house.standing()
    assert house.used() == {"a": "0.6", "b": "0.3"}
    assert house.correct("void", item(0), item(3), item(6))["accepted"] == 3
    assert house.used() == {"a": "0.4", "b": "0.2"}
    assert house.used("who") == {"a": "2", "b": "2"}
    assert house.standing() == {"a": "0.4", "b": "0.2"}
    middle, said = house.mark, house.said()
    moved = {"subject": "b", "time": "2026-03-31T12:00:00Z", "data": {"n": "123456789012345678.5"}}
    assert house.correct("replace", item(1, event=moved))["accepted"] == 1
    assert house.correct("replace", item(2, event={"type": "other"}))["accepted"] == 1
    assert house.used() == {"a": "0.2", "b": "123456789012345678.7"}
    assert house.used("other") == {"a": "1"}
    assert house.said(middle) == said
    assert house.said(mark) == before
    back = [item(n, "it was right after all") for n in (0, 1, 2, 3, 6)]
    assert house.correct("revert", *back)["accepted"] == 5
    assert house.used() == {"a": "0.6", "b": "0.3"}
    assert house.used("who") == {"a": "3", "b": "3"}
    assert house.used("other") == {}
    assert house.standing() == first
    assert house.said(middle) == said
    assert house.said(mark) == before
    assert house.call("POST", "/tick").status == 200  # sorts the month
    assert house.said(mark) == before


def test_the_list_says_what_became_of_each_and_why(house: House) -> None:
    receipt = house.correct("replace", item(4, "wrong count", event={"data": {"n": 2, "who": "x"}}))
    entry = receipt["ledger_seq"]
    house.correct("void", item(5, "a test of theirs"))
    states: dict[str, list[dict[str, Any]]] = {
        state: house.call("GET", "/events", state=state, account="a").json["items"]
        for state in ("counted", "voided", "replaced", "unresolved")
    }
    (replaced,) = (i for i in states["replaced"] if i["event"]["id"] == "e/4")
    (voided,) = (i for i in states["voided"] if i["event"]["id"] == "e/5")
    (counted,) = (i for i in states["counted"] if i["event"]["id"] == "e/4")
    assert [i["event"]["id"] for i in states["unresolved"]] == ["odd"]
    assert voided["correction"] | {"recorded_at": ...} == {
        "op": "void",
        "of": voided["ledger_seq"],
        "reason": "a test of theirs",
        "author": f"key:{house.key.split('_')[1]}",
        "recorded_at": ...,
        "ledger_seq": entry + 1,
    }
    assert counted["event"]["data"] == {"n": 2, "who": "x"}
    assert counted["ledger_seq"] == entry
    assert counted["correction"] == replaced["correction"]
    assert (counted["correction"]["of"], counted["correction"]["reason"]) == (
        replaced["ledger_seq"],
        "wrong count",
    )
    listed = house.call("GET", "/events", limit=500).json["items"]
    assert len(listed) == len({i["ledger_seq"] for i in listed})
    assert not [i for i in listed if i["event"]["source"] != "/test"]
    house.correct("revert", item(4), item(5))


def test_a_receipt_is_that_of_events(house: House) -> None:
    house.correct("void", item(7))
    receipt = house.correct("void", item(7), item(7, "again"), item(99), {"id": "x"}, detail="all")
    assert {name: n for name, n in receipt.items() if name not in {"results", "ledger_seq"}} == {
        "received": 4, "accepted": 0, "duplicate": 1, "conflict": 1, "rejected": 2,
    }  # fmt: skip
    assert [(line["id"], line["code"]) for line in receipt["results"]] == [
        ("e/7", "already_stored"),
        ("e/7", "already_voided"),
        ("e/99", "event_unknown"),
        ("x", "source_missing"),
    ]
    alone = house.call("POST", "/events/revert", item(7), detail="all").json
    assert [line["status"] for line in alone["results"]] == ["accepted"]
    lines = b"\n".join(json.dumps(item(n, "by line")).encode() for n in (7, 8))
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    sent = house.call("POST", "/events/void", gzip.compress(lines), headers=headers)
    assert (sent.status, sent.json["accepted"]) == (200, 2)
    assert house.correct("revert", item(7), item(8))["accepted"] == 2


@pytest.mark.parametrize("op", ["void", "replace", "revert"])
def test_what_the_document_says_of_a_correction_is_so(house: House, op: str) -> None:
    name = "Replacement" if op == "replace" else "Correction"
    schema = {"$ref": f"#/components/schemas/{name}", "components": house.document["components"]}
    more: dict[str, Any] = {"event": {"data": {"n": 1}}} if op == "replace" else {}
    good = item(404, **more)
    assert jsonschema_rs.is_valid(schema, good)
    assert house.correct(op, good)["results"][0]["code"] == "event_unknown"
    for bad in (
        {**good, "reason": ""},
        {**good, "why": "x"},
        {k: v for k, v in good.items() if k != "reason"},
        item(404) if op == "replace" else {**good, "event": {}},
    ):
        assert not jsonschema_rs.is_valid(schema, bad)
        assert house.correct(op, bad)["results"][0]["code"] != "event_unknown"


def test_many_threads_correct_one_event_at_a_time(house: House) -> None:
    def ask(n: int) -> Any:
        body = item(1, f"thread {n}", event={"data": {"n": 7}})
        return house.call("POST", "/events/replace", body).json["accepted"]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [1] * 4
    house.until_visible()
    assert house.used()["a"] == "7.5"
    assert house.correct("revert", *(item(1, str(n)) for n in range(4)))["accepted"] == 4
    assert house.used()["a"] == "0.6"


@pytest.mark.parametrize("role", ["customer_viewer", "customer_admin", "parent_admin"])
def test_a_customer_does_not_read_who_corrected_and_why(house: House, role: str) -> None:
    house.correct("void", item(6, "suspected fraud"))
    key = house.call("POST", "/keys", {"name": "k", "role": role, "account": "b"}).json
    headers = {"Authorization": f"Bearer {key['secret']}"}
    answer = house.call("GET", "/events", state="voided", headers=headers)
    assert answer.status == 200
    notes = [event["correction"] for event in answer.json["items"]]
    assert "void" in {note["op"] for note in notes}
    assert {(note["author"], note["reason"]) for note in notes} == {(None, None)}
    assert b"fraud" not in answer.body
    ours = house.call("GET", "/events", state="voided").json["items"]
    assert "suspected fraud" in {event["correction"]["reason"] for event in ours}
    house.correct("revert", item(6))


@pytest.mark.parametrize("role", ["ingest", "csm", "parent_admin"])
def test_who_sends_or_reads_events_may_not_correct_them(house: House, role: str) -> None:
    account = "a" if role == "parent_admin" else None
    key = house.call("POST", "/keys", {"name": "k", "role": role, "account": account}).json
    headers = {"Authorization": f"Bearer {key['secret']}"}
    for op in ("void", "replace", "revert"):
        answer = house.call("POST", f"/events/{op}", item(1), headers=headers)
        assert (answer.status, answer.json["code"]) == (403, "verb_not_allowed")


def test_a_bound_key_corrects_only_its_own(house: House) -> None:
    body = {"name": "k", "role": "finance", "account": "b", "scopes": ["correct"]}
    key = house.call("POST", "/keys", body).json
    headers = {"Authorization": f"Bearer {key['secret']}"}
    answer = house.call("POST", "/events/void", [item(1), item(6)], headers=headers).json
    assert [(line["id"], line["code"]) for line in answer["results"]] == [("e/1", "event_unknown")]
    assert house.call("GET", "/events", headers=headers).status == 403
    assert house.correct("revert", item(6))["accepted"] == 1
