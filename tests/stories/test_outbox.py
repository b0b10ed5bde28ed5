"""Who reads what was sent: a mail is made for its readers, so that whoever had it sent knows that
it was and what became of it, and reads it only where they may see all of it themselves.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.serving import Answer
from tests.stories.test_report import (
    ANN,
    CHIEF,
    CORA,
    FAY,
    PASSWORD,
    ROLES,
    SEVEN_IN_CHICAGO,
    House,
    house_of,
)

NED, REX, VIC = "ned@elsewhere.example", "rex@example.com", "vic@acme.example"
ROLES |= {
    REX: {"role": "sales_rep"},
    VIC: {"role": "customer_viewer", "account": "acme"},
}
#: Who had what sent to whom: an amount is in those for FAY, CORA and NED.
SENT = {
    "analyst": (FAY, ANN, CORA),
    "csm": (CHIEF, NED),
    "finance": (ANN,),
    "customer_viewer": (CORA, VIC),
    "customer_admin": (VIC,),
    "sales_rep": (REX, FAY, "webhook"),
}
PRICED = (FAY, CORA, NED, "webhook")
EVERY = [(by, to) for by, several in SENT.items() for to in several]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house_of(tmp_path_factory.mktemp("outbox")) as opened:
        opened.keys["sales_rep"] = opened.key_of("sales_rep")
        opened.agree("C-low", "30", covered="2", csm={"name": "Ned", "email": NED})
        for email, role in ROLES.items():
            opened.put(f"/users/{email}", **role)
        for by, to in SENT.items():
            if by != "sales_rep":
                page = "/volume/C-low/copies" if by in {"analyst", "csm"} else "/volume"
                opened.page(by, page=page, name=by, recipients=list(to))
        hook = opened.call("POST", "/webhooks", {"name": "Ours", "url": "https://example.com/in"})
        whom = {"to": [REX, FAY], "webhooks": [hook.json["id"]]}
        opened.subscribed("sales_rep", check="overage.started", name="sales_rep", recipients=whom)
        opened.at(SEVEN_IN_CHICAGO)
        yield opened


def told(one: Any) -> tuple[str, str]:
    """Return who had a delivery sent, and to whom."""
    by = "sales_rep" if one["kind"] == "alert.findings" else one["subject"]
    return by, (one["recipients"] or ["webhook"])[0]


def asked(house: House, reader: str, path: str) -> Answer:
    """Ask as somebody who is a role's key or a user."""
    if reader in house.keys:
        return house.by(reader, "GET", path)
    return house.seen(reader, f"/api/v1{path}")


#: Which of `EVERY` each hears of, and which of these they read.
READERS: dict[str, tuple[Any, Any]] = {
    "admin": (lambda _by, _to: True, lambda _by, _to: True),
    "finance": (lambda _by, _to: True, lambda _by, _to: True),
    "csm": (lambda _by, _to: True, lambda _by, _to: True),
    "analyst": (lambda by, _to: by == "analyst", lambda _by, _to: False),
    "sales_rep": (lambda by, _to: by == "sales_rep", lambda _by, _to: False),
    "customer_viewer": (lambda by, _to: by == "customer_viewer", lambda _by, _to: False),
    "customer_admin": (lambda by, _to: by == "customer_admin", lambda _by, _to: True),
    ANN: (lambda _by, to: to == ANN, lambda _by, _to: True),
    REX: (lambda _by, to: to == REX, lambda _by, _to: True),
    VIC: (lambda _by, to: to == VIC, lambda _by, _to: True),
    CORA: (lambda _by, to: to == CORA, lambda _by, _to: True),
}


@pytest.mark.parametrize("reader", READERS)
def test_each_reads_what_was_made_for_them_and_knows_of_what_they_had_sent(
    house: House, reader: str
) -> None:
    hears, reads = READERS[reader]
    items = asked(house, reader, "/deliveries?limit=500").json["items"]
    found = {told(one): one for one in items}
    assert found.keys() == {one for one in EVERY if hears(*one)}
    for (by, to), one in found.items():
        assert one["status"] in {"queued", "failed"}  # the post reaches nobody
        assert asked(house, reader, f"/deliveries/{one['id']}").json == one
        if reads(by, to):
            assert one["body"]
            assert one["numbers"]
        else:
            assert (one["body"], one["html"], one["numbers"]) == (None, None, None)
        is_priced = "USD" in str(one)
        assert is_priced == (reads(by, to) and to in PRICED), (by, to)


def test_who_subscribed_finds_no_amount_on_the_page_either(house: House) -> None:
    house.put(f"/users/{ANN}", role="analyst", password=PASSWORD)
    form = urlencode({"email": ANN, "password": PASSWORD}).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    signed = house.ask("POST", "/sign-in", form, kind)
    cookie = {"Cookie": signed.headers["set-cookie"].partition(";")[0]}
    asked = {"page": "/volume/C-low/copies", "name": "Mine", "recipients": [FAY, ANN]}
    assert house.sent("POST", "/report-schedules", asked, cookie).status == 200
    house.at("2026-03-03T13:00:00Z")
    mine = [one for one in house.mails() if one["subject"] == "Mine"]
    mine.sort(key=lambda one: one["recipients"] != [FAY])
    assert [("USD" in one["body"], one["recipients"]) for one in mine] == [
        (True, [FAY]),
        (False, [ANN]),
    ]
    to_fay, to_ann = (
        house.ask("GET", f"/outbox/{one['id']}", None, cookie).body.decode() for one in mine
    )
    assert "It was made for its readers" in to_fay
    assert FAY in to_fay
    assert not any(said in to_fay for said in ("USD", "Overage", "5 events"))
    assert "5 events" in to_ann
