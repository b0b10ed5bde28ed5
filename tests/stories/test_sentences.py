"""Refusals in sentences: what is wrong with a value, and what to write instead."""

from typing import Any

import pytest

from tests.serving import Client

LINE: dict[str, Any] = {"code": "a", "quantity": "1", "price": {"model": "flat", "amount": "1"}}


@pytest.fixture(scope="module")
def client(bare: Client) -> Client:
    bare.put("/accounts/said")
    bare.put("/contracts/said", account="said", start_date="2026-01-01")
    return bare


DAY = "must be a day of the calendar, written as 2026-03-01."


@pytest.mark.parametrize("day", ["20260210", "2026-W05", "2026-02-30", "2026-02-10T12:00:00Z",
                                 "1770681600", "x", "", 20260210, True, 1.5, [], {}])  # fmt: skip
def test_what_is_no_day_is_told_how_one_is_written(client: Client, day: object) -> None:
    document = {"account": "said", "start_date": day}
    refusal = client.call("PUT", "/contracts/new", document)
    assert (refusal.status, refusal.json["detail"]) == (422, f"start_date: {DAY}")
    refusal = client.call("POST", "/statements/said/close", {"period": day})
    assert (refusal.status, refusal.json["detail"]) == (422, f"period: {DAY}")
    if isinstance(day, str):
        refusal = client.call("GET", "/contracts", in_force=day)
        assert (refusal.status, refusal.json["detail"]) == (422, f"in_force: {DAY}")
    later = {"account": "said", "start_date": "2026-01-01", "valid_from": day}
    refusal = client.call("PUT", "/contracts/said", later)
    assert (refusal.status, refusal.json["detail"]) == (422, f"valid_from {DAY}")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"account": "a b"}, "account: write 1 to 128 of letters, digits and . _ : -."),
        ({"status": "on"}, "status: must be 'draft', 'active' or 'ended'; choose one."),
        ({"colour": 1}, "colour: is not known here; leave it out, or check how it is spelt."),
        ({"lines": 5}, "lines: must be a list; put what it holds between [ and ]."),
        ({"lines": [5]}, "lines.0: must be an object with names and values."),
        ({"name": "x" * 1_000}, "name: has more than 256 characters; shorten it."),
        ({"lines": [{**LINE, "price": {"model": "flat"}}]},
         "amount: is required; give it."),
        ({"lines": [{**LINE, "price": {"amount": "1"}}]}, "A price names its model; choose one"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_document_has_a_next_step(
    client: Client, more: dict[str, Any], said: str
) -> None:
    document = {"account": "said", "start_date": "2026-01-01", **more}
    refusal = client.call("PUT", "/contracts/new", document)
    assert refusal.status == 422
    assert refusal.json["detail"].startswith(said)


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("0", "limit: must be at least 1; choose a larger one."),
        ("501", "limit: must be at most 500; choose a smaller one."),
        ("x", "limit: must be a whole number, such as 50."),
    ],
)
def test_a_limit_of_pages_has_a_next_step(client: Client, limit: str, said: str) -> None:
    for path in ("/accounts", "/contracts", "/statements", "/definitions?noun=meter"):
        joined = "&" if "?" in path else "?"
        refusal = client.call("GET", f"{path}{joined}limit={limit}")
        assert (refusal.status, refusal.json["detail"]) == (422, said)


def test_a_cursor_that_no_page_gave_is_refused(client: Client) -> None:
    for path in ("/accounts", "/meters", "/definitions?noun=account", "/contracts"):
        joined = "&" if "?" in path else "?"
        refusal = client.call("GET", f"{path}{joined}cursor=bm9wZQ")
        assert (refusal.status, refusal.json["code"]) == (422, "cursor_invalid")


def test_a_cursor_goes_on_after_what_was_retired_meanwhile(client: Client) -> None:
    for key in ("said-1", "said-2", "said-3"):
        client.put(f"/accounts/{key}")
    first = client.call("GET", "/accounts", q="said-", limit=1).json
    assert client.call("DELETE", "/accounts/said-1").status == 200
    rest = client.call("GET", "/accounts", q="said-", cursor=first["next_cursor"]).json
    assert [one["key"] for one in rest["items"]] == ["said-2", "said-3"]


@pytest.mark.parametrize(
    ("etag", "status"),
    [('"1"', 200), ("1", 200), ('W/"1"', 200), ("*", 200), (' "1" ', 200), ('"1', 422), ('1"', 422),
     ('""', 422), ("", 422), ('"x"', 422), ('"1", "2"', 422), ('"-1"', 422), ("W/1", 422)],
)  # fmt: skip
def test_if_match_is_an_etag_whole(client: Client, etag: str, status: int) -> None:
    document = {"account": "said", "start_date": "2026-01-01"}
    sent = {"If-Match": etag}
    answer = client.call("PUT", "/contracts/said", document, headers=sent, dry_run="true")
    assert answer.status == status, answer.body
