"""Many definitions in one call: who may, how much, and that nothing is half done."""

from typing import Any

import pytest

from tests.serving import Answer, Client

BOUND = ("customer_viewer", "customer_admin", "parent_admin")
READERS = ("admin", "finance", "csm", "analyst", "sales_rep", *BOUND)
ROLES = (*READERS, "ingest")
DEFINERS = {"admin", "finance"}
STRANGER = "stranger"
PRICE = "7.77"


def contract(account: str, **more: Any) -> dict[str, Any]:
    price = {"model": "per_unit", "unit_amount": PRICE}
    line = {"code": "uses", "meter": "uses", "price": price}
    return {"account": account, "start_date": "2026-01-01", "lines": [line], **more}


@pytest.fixture(scope="module")
def keys(bare: Client) -> dict[str, str]:
    """A key for each role; a customer's is bound to one of two accounts."""
    bare.put("/meters/uses", event_type="use", aggregation="count")
    for account in ("acme", STRANGER):
        bare.put(f"/accounts/{account}")
        bare.put(f"/contracts/C-{account}", **contract(account))
    made = {}
    for role in ROLES:
        body = {"name": role, "role": role, "account": "acme" if role in BOUND else None}
        made[role] = str(bare.call("POST", "/keys", body).json["secret"])
    return made


def by(bare: Client, key: str, method: str, path: str, document: object = None) -> Answer:
    return bare.call(method, path, document, headers={"Authorization": f"Bearer {key}"})


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["code"]


def asked(*definitions: tuple[str, str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    said = [{"noun": noun, "key": key, "documents": [body]} for noun, key, body in definitions]
    return {"definitions": said, **more}


def revision(bare: Client) -> int:
    found: int = bare.call("POST", "/definitions", asked(dry_run=True)).json["revision"]
    return found


@pytest.mark.parametrize("role", ROLES)
def test_who_exports_what(bare: Client, keys: dict[str, str], role: str) -> None:
    answer = by(bare, keys[role], "GET", "/definitions?noun=contract")
    if role == "ingest":
        assert code(answer) == (403, "verb_not_allowed")
    elif role in {"analyst", "sales_rep", "customer_viewer"}:
        assert code(answer) == (403, "prices_hidden")
    else:
        found = {item["key"] for item in answer.json["items"]}
        assert found == ({"C-acme"} if role in BOUND else {"C-acme", f"C-{STRANGER}"})
        assert answer.json["totals"] == {"count": len(found), "retired": 0}
    accounts = by(bare, keys[role], "GET", "/definitions?noun=account")
    assert (STRANGER.encode() in accounts.body) <= (role not in BOUND)


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize("role", sorted(set(ROLES) - DEFINERS))
def test_who_may_not_define_cannot_ask_what_it_would_change(
    bare: Client, keys: dict[str, str], role: str, *, dry_run: bool
) -> None:
    before = revision(bare)
    for account in ("acme", STRANGER, "nobody"):
        body = asked(
            ("contract", f"C-{account}", contract(account, name="x")), dry_run=dry_run, effects=True
        )
        answer = by(bare, keys[role], "POST", "/definitions", body)
        if role != "parent_admin":
            assert code(answer) == (403, "verb_not_allowed")
        elif account == "acme":
            assert code(answer) == (403, "vendor_only")
        else:
            assert code(answer) == (404, "contract_not_found")
        assert PRICE.encode() not in answer.body
    own = asked(("account", "acme", {"name": "Ours"}), dry_run=dry_run)
    theirs = asked(("account", STRANGER, {"name": "Ours"}), dry_run=dry_run)
    if role == "parent_admin":
        assert code(by(bare, keys[role], "POST", "/definitions", theirs)) == (
            404, "account_not_found",
        )  # fmt: skip
        assert by(bare, keys[role], "POST", "/definitions", own).status == 200
        before += not dry_run
    else:
        assert code(by(bare, keys[role], "POST", "/definitions", own)) == (403, "verb_not_allowed")
    assert revision(bare) == before


def test_one_fault_and_nothing_is_written(bare: Client, keys: dict[str, str]) -> None:
    assert keys
    before = revision(bare)
    body = asked(
        ("account", "new", {}),
        ("contract", "C-new", contract("new", end_date="2025-01-01")),
        ("contract", "C-none", contract("none")),
        ("meter", "m", {"event_type": "e", "aggregation": "mode"}),
    )
    answer = bare.call("POST", "/definitions", body)
    assert code(answer) == (422, "definitions_invalid")
    assert {(e["key"], e["field"]) for e in answer.json["errors"]} == {
        ("C-new", "end_date"), ("C-none", "account"), ("m", "aggregation"),
    }  # fmt: skip
    planned = bare.call("POST", "/definitions", {**body, "dry_run": True}).json
    assert [(f["key"], f["code"]) for f in planned["faults"]] == [
        (e["key"], e["code"]) for e in answer.json["errors"]
    ]
    assert (planned["applied"], planned["effects"]) == (False, [])
    assert revision(bare) == before
    assert bare.call("GET", "/accounts/new").status == 404


def test_all_are_one_change_and_may_name_each_other(bare: Client, keys: dict[str, str]) -> None:
    assert keys
    before = revision(bare)
    body = asked(
        ("contract", "C-leaf", contract("leaf")),
        ("account", "leaf", {"parent": "root"}),
        ("account", "root", {}),
    )
    done = bare.call("POST", "/definitions", body).json
    assert (done["revision"], done["totals"]["new"]) == (before + 1, 3)
    again = bare.call("POST", "/definitions", body).json
    assert (again["applied"], again["totals"]["unchanged"], again["items"]) == (True, 3, [])
    assert revision(bare) == before + 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "definitions"),
        ({"definitions": [{"noun": "user", "key": "a", "documents": [{}]}]}, "definitions.0.noun"),
        ({"definitions": [{"noun": "account", "key": "a", "documents": []}]}, "definitions.0"),
        ({"definitions": [], "revision": "1"}, "revision"),
        ({"definitions": [], "dry_run": True, "more": 1}, "more"),
    ],
)
def test_a_body_that_is_none_is_refused(bare: Client, body: Any, field: str) -> None:
    answer = bare.call("POST", "/definitions", body)
    assert code(answer) == (422, "document_invalid")
    assert answer.json["field"].startswith(field)


def test_a_key_named_twice_and_a_body_too_large(bare: Client, keys: dict[str, str]) -> None:
    assert keys
    one: tuple[str, str, dict[str, Any]] = ("account", "twice", {})
    planned = bare.call("POST", "/definitions", asked(one, one, dry_run=True)).json
    assert [fault["code"] for fault in planned["faults"]] == ["key_repeated"]
    huge = b'{"definitions": [' + b" " * (33 * 1024 * 1024) + b"]}"
    answer = bare.call("POST", "/definitions", huge)
    assert code(answer) == (413, "body_too_large")


def test_a_fault_of_a_whole_object_is_told(bare: Client, keys: dict[str, str]) -> None:
    line = {**contract("acme")["lines"][0], "allotment": {"quantity": None, "rollover": {}}}
    body = contract("acme", lines=[line])
    answer = by(bare, keys["admin"], "POST", "/definitions", asked(("contract", "C-9", body)))
    assert code(answer) == (422, "definitions_invalid")
    [fault] = answer.json["errors"]
    assert fault["field"] == "lines.0.allotment.rollover"
