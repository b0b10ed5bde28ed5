"""A customer asks about a number and their CSM answers: what is recorded, who is told, who may."""

import json
from typing import Any

import pytest

from tests.serving import Answer, Client, event

NADIA = "nadia@example.com"
AT = "2026-03-20T00:00:00Z"
CUSTOMERS = {
    "viewer@acme.example": ("customer_viewer", "acme"),
    "boss@acme.example": ("parent_admin", "acme"),
    "eve@other.example": ("customer_admin", "other"),
}
PASSWORD = "correct horse battery"


class House:
    """Two customers, one with a CSM, and their people as browsers do: by their cookie."""

    def __init__(self, client: Client) -> None:
        self.client = client
        client.put("/accounts/acme", name="Acme", csm={"name": "Nadia", "email": NADIA})
        client.put("/accounts/acme-eu", name="Acme EU", parent="acme")
        client.put("/accounts/other", name="Other")
        client.put("/meters/total", event_type="use", aggregation="sum", property="n")
        line = {
            "code": "total",
            "meter": "total",
            "allotment": {"quantity": "10"},
            "price": {"model": "per_unit", "unit_amount": "77.75"},
        }
        for account in ("acme", "acme-eu", "other"):
            terms = {"account": account, "start_date": "2026-01-01", "lines": [line]}
            client.put(f"/contracts/C-{account}", **terms)
        client.put(f"/users/{NADIA}", role="csm", name="Nadia", password=PASSWORD)
        for email, (role, account) in CUSTOMERS.items():
            client.put(f"/users/{email}", role=role, account=account, password=PASSWORD)
        self.use("first", 12)
        self.cookies = {email: self.sign_in(email) for email in (NADIA, *CUSTOMERS)}

    def use(self, id: str, quantity: int) -> None:
        """Send an event of March."""
        self.client.send([event(id, data={"n": quantity})])
        self.client.until_visible()

    def sign_in(self, email: str) -> str:
        body = f"email={email}&password={PASSWORD.replace(' ', '+')}".encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self.client.ask("POST", "/sign-in", body, kind)
        assert answer.status == 303, answer.body
        return answer.headers["set-cookie"].partition(";")[0]

    def by(self, who: str, method: str, path: str, document: object = None) -> Answer:
        """Ask as somebody who is signed in; the administrator's key is `admin`."""
        if who == "admin":
            return self.client.call(method, path, document)
        body = None if document is None else json.dumps(document).encode()
        headers = {"Cookie": self.cookies[who], "Content-Type": "application/json"}
        return self.client.ask(method, f"/api/v1{path}", body, headers)

    def open(self, who: str, **more: Any) -> Any:
        body = {"contract": "C-acme", "line": "total", "text": "Too high?", "at": AT, **more}
        answer = self.by(who, "POST", "/cases", body)
        assert answer.status == 201, answer.body
        return answer.json

    def deliveries(self) -> list[Any]:
        items: list[Any] = self.by("admin", "GET", "/deliveries").json["items"]
        return items


@pytest.fixture(scope="module")
def house(bare: Client) -> House:
    return House(bare)


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["code"]


def test_a_customer_asks_and_their_csm_answers(house: House) -> None:
    opened = house.open("viewer@acme.example", kind="discrepancy")
    place = f"/cases/{opened['id']}"
    assert (opened["status"], opened["account"]) == ("open", "acme")
    assert opened["title"] == "Numbers look wrong: total, Acme"
    delivery = house.deliveries()[0]
    assert (delivery["kind"], delivery["recipients"]) == ("case.to_csm", [NADIA])
    assert (delivery["status"], delivery["attempts"]) == ("queued", 0)
    assert (delivery["body"], delivery["link"]) == ("Too high?", place)
    assert delivery["numbers"] == opened["shown"]

    answered = house.by(NADIA, "POST", f"{place}/messages", {"text": "It is right.\r\nLook."})
    assert (answered.status, answered.json["status"]) == (201, "answered")
    told = house.deliveries()[0]
    assert (told["kind"], told["recipients"]) == ("case.to_customer", ["viewer@acme.example"])
    assert told["body"] == "It is right.\nLook."

    again = house.by("boss@acme.example", "POST", f"{place}/messages", {"text": "I see."})
    assert again.json["status"] == "open"
    assert house.deliveries()[0]["recipients"] == [NADIA]
    seen = house.by("viewer@acme.example", "GET", place).json
    assert [(m["number"], m["side"], m["author"]) for m in seen["messages"]] == [
        (1, "customer", "viewer@acme.example"),
        (2, "vendor", NADIA),
        (3, "customer", "boss@acme.example"),
    ]
    assert seen == house.by(NADIA, "GET", place).json == house.by("admin", "GET", place).json


def test_the_numbers_are_those_of_the_mark_whatever_came_since(house: House) -> None:
    position = house.client.call("GET", f"/positions/C-acme/total?at={AT}").json
    house.use("late", 100)
    opened = house.open("viewer@acme.example", known_at=position["known_at"])
    assert opened["shown"]["used"] == position["used"]
    assert opened["shown"]["known_at"] == position["known_at"]
    assert opened["shown"]["link"] == "/volume/C-acme/total?on=2026-03-01"
    now = house.open("viewer@acme.example", rollup=False)["shown"]
    assert int(now["used"]) == int(position["used"]) + 100
    assert now["link"].endswith("&rollup=own")
    refused = house.by(
        "viewer@acme.example",
        "POST",
        "/cases",
        {"contract": "C-acme", "line": "total", "text": "x", "used": "5"},
    )
    assert code(refused) == (422, "document_invalid")


def test_no_price_is_recorded(house: House) -> None:
    opened = house.open("admin")
    one = house.by("admin", "GET", f"/cases/{opened['id']}")
    for answer in (one, house.by("admin", "GET", "/deliveries")):
        assert b"77.75" not in answer.body
        assert b"amount" not in answer.body


def test_without_a_csm_it_goes_to_the_administrators_whom_a_customer_is_not_told(
    house: House,
) -> None:
    opened = house.open("eve@other.example", contract="C-other")
    delivery = house.deliveries()[0]
    assert delivery["kind"] == "case.to_administrators"
    assert delivery["recipients"] == ["admin@example.com"]
    mine = house.by("eve@other.example", "GET", f"/deliveries/{delivery['id']}").json
    assert (mine["recipients"], mine["body"]) == ([], opened["opening"])


def test_a_child_without_a_csm_has_that_of_the_account_above(house: House) -> None:
    house.open("boss@acme.example", contract="C-acme-eu")
    assert house.deliveries()[0]["recipients"] == [NADIA]


def test_who_is_told_may_still_see_it_and_is_not_its_author(house: House) -> None:
    count = len(house.deliveries())
    own = house.open(NADIA)
    assert len(house.deliveries()) == count  # she is the CSM
    assert own["messages"][0]["delivery_status"] is None
    opened = house.open("eve@other.example", contract="C-other")
    moved = {"role": "customer_viewer", "account": "acme"}
    house.client.put("/users/eve@other.example", **moved)
    reply = house.by("admin", "POST", f"/cases/{opened['id']}/messages", {"text": "Hello"}).json
    assert reply["messages"][1]["delivery_status"] is None
    house.client.put("/users/eve@other.example", **{**moved, "account": "other"})
    house.cookies["eve@other.example"] = house.sign_in("eve@other.example")
    reply = house.by("admin", "POST", f"/cases/{opened['id']}/messages", {"text": "Again"}).json
    assert reply["messages"][2]["delivery_status"] == "queued"


def test_a_request_sent_twice_makes_one_case_and_one_message(house: House) -> None:
    count = len(house.deliveries())
    key = {"idempotency_key": "one click"}
    first = house.open("viewer@acme.example", **key)
    assert house.open("viewer@acme.example", **key) == first
    for other in ({"text": "Else"}, {"line": "none"}, {"kind": "discrepancy"}):
        body = {"contract": "C-acme", "line": "total", "text": "Too high?", **key, **other}
        answer = house.by("viewer@acme.example", "POST", "/cases", body)
        assert code(answer) == (409, "idempotency_key_used")
    place = f"/cases/{first['id']}/messages"
    assert code(house.by("viewer@acme.example", "POST", place, {"text": "Too high?", **key})) == (
        409,
        "idempotency_key_used",
    )
    more = {"text": "More", "idempotency_key": "two"}
    written = [house.by("viewer@acme.example", "POST", place, more).json for _ in range(2)]
    assert written[0] == written[1]
    assert len(written[0]["messages"]) == 2
    assert len(house.deliveries()) == count + 2
    theirs = house.open("boss@acme.example", **key)
    assert theirs["id"] != first["id"]


def test_closing_and_reopening(house: House) -> None:
    opened = house.open("viewer@acme.example")
    place = f"/cases/{opened['id']}"
    for who in ("viewer@acme.example", NADIA):
        for _ in range(2):
            closed = house.by(who, "PATCH", place, {"status": "closed"})
            assert (closed.status, closed.json["status"]) == (200, "closed")
        refused = house.by(who, "POST", f"{place}/messages", {"text": "x"})
        assert code(refused) == (409, "case_closed")
        assert house.by(who, "PATCH", place, {"status": "open"}).json["status"] == "open"
    assert code(house.by(NADIA, "PATCH", place, {"status": "answered"})) == (
        422,
        "document_invalid",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "text_missing"), (" \r\n ", "text_missing"), ("ü" * 10_001, "text_too_long")],
)
def test_a_text_has_limits(house: House, text: str, said: str) -> None:
    place = f"/cases/{house.open('admin')['id']}/messages"
    for path, body in ((place, {}), ("/cases", {"contract": "C-acme", "line": "total"})):
        answer = house.by("admin", "POST", path, {**body, "text": text})
        assert code(answer) == (422, said)
        assert answer.json["field"] == "text"
    whole = f" {'ü' * 10_000}\r\n"
    assert house.by("admin", "POST", place, {"text": whole}).status == 201


def test_a_stranger_is_told_nothing(house: House) -> None:
    mine = house.open("viewer@acme.example")
    delivery = house.deliveries()[0]
    eve = "eve@other.example"
    for method, path, body in (
        ("GET", "/cases/{}", None),
        ("POST", "/cases/{}/messages", {"text": "x"}),
        ("PATCH", "/cases/{}", {"status": "closed"}),
        ("GET", "/deliveries/{}", None),
    ):
        known = delivery["id"] if "deliveries" in path else mine["id"]
        foreign = house.by(eve, method, path.format(known), body)
        none = house.by(eve, method, path.format("0" * len(known)), body)
        assert foreign.status == none.status == 404
        assert foreign.json["code"] == none.json["code"]
    asked = {"contract": "C-acme", "line": "total", "text": "x"}
    assert code(house.by(eve, "POST", "/cases", asked)) == (404, "contract_not_found")
    key = house.client.call("POST", "/keys", {"name": "k", "role": "admin", "scopes": ["read"]})
    reads = {"Authorization": f"Bearer {key.json['secret']}"}
    for method, path, body in (
        ("POST", "/cases", asked),
        ("POST", f"/cases/{mine['id']}/messages", {"text": "x"}),
        ("PATCH", f"/cases/{mine['id']}", {"status": "closed"}),
    ):
        refused = house.client.call(method, path, body, headers=reads)
        assert code(refused) == (403, "verb_not_allowed")


def test_lists_are_narrowed_and_paged(house: House) -> None:
    for number in range(3):
        house.open("boss@acme.example", contract="C-acme-eu", text=f"Grüße {number}")
    found = house.by("admin", "GET", "/cases?q=gr%C3%BCsse&limit=2").json
    totals = {"count": 3, "open": 3, "answered": 0, "closed": 0}
    assert (len(found["items"]), found["totals"]) == (2, totals)
    more = f"/cases?q=gr%C3%BCsse&limit=2&cursor={found['next_cursor']}"
    rest = house.by("admin", "GET", more).json
    texts = [one["opening"] for one in (*found["items"], *rest["items"])]
    assert (sorted(texts), rest["next_cursor"]) == (["Grüße 0", "Grüße 1", "Grüße 2"], None)
    place = f"/cases/{rest['items'][0]['id']}"
    house.by("admin", "PATCH", place, {"status": "closed"})
    closed = house.by("admin", "GET", "/cases?q=gr%C3%BCsse&status=closed").json
    assert closed["totals"] == {"count": 1, "open": 2, "answered": 0, "closed": 1}
    own = house.by("boss@acme.example", "GET", "/cases?account=acme&rollup=false").json
    assert {one["account"] for one in own["items"]} == {"acme"}
    deliveries = house.by("admin", "GET", "/deliveries?limit=1&status=queued").json
    assert deliveries["next_cursor"]
    following = f"/deliveries?limit=1&cursor={deliveries['next_cursor']}"
    assert house.by("admin", "GET", following).json["items"] != deliveries["items"]
    assert code(house.by("admin", "GET", "/cases?cursor=%F0")) == (422, "cursor_invalid")
