"""Checks: the catalogue, what one would find now, and who is shown what of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tallybook import app
from tallybook.settings import Settings
from tests.documented import Documented
from tests.serving import Answer, Client

RATIO = "contract.base_vs_coverage"


class Desk(Documented):
    """A house with contracts whose base fits what they cover, or not, and keys to ask with."""

    def __init__(self, client: Client) -> None:
        super().__init__(client.port, client.key)
        self.call("PUT", "/test-clock", {"now": "2026-03-10T12:00:00Z"})
        self.put("/meters/copies", event_type="copy", aggregation="count")
        for account, parent in (("acme", None), ("acme-eu", "acme"), ("other", None)):
            self.put(f"/accounts/{account}", parent=parent)
        self.agree("C-low", "acme", "30", branch="north")
        self.agree("C-fair", "acme-eu", "48")
        self.agree("C-none", "other", "0", branch="south")
        self.agree("C-tiny", "other", "10", "0")
        self.call("POST", "/tick")
        self.keys = {
            role: self.key_of(role) for role in ("finance", "analyst", "sales_rep", "ingest")
        }
        self.keys["customer_admin"] = self.key_of("customer_admin", "acme")
        self.keys["admin"] = self.key

    def agree(
        self, number: str, account: str, base: str, covered: str = "1000", **more: Any
    ) -> Any:
        base_charges = [{"name": "base", "amount": base}] if base != "0" else []
        group = {
            "name": "copies",
            "meters": ["copies"],
            "covered_quantity": covered,
            "overage_rate": "0.048",
        }
        return self.put(
            f"/contracts/{number}",
            account=account,
            start_date="2026-01-01",
            base_charges=base_charges,
            meter_groups=[group],
            **more,
        )

    def key_of(self, role: str, account: str | None = None) -> str:
        body = {"name": role, "role": role, "account": account}
        return str(self.call("POST", "/keys", body).json["secret"])

    def by(self, role: str, method: str, target: str, document: object = None) -> Answer:
        headers = {"Authorization": f"Bearer {self.keys[role]}"}
        return self.call(method, target, document, headers=headers)

    def preview(self, role: str = "admin", code: str = RATIO, **asked: Any) -> Any:
        answer = self.by(role, "POST", f"/checks/{code}/preview", asked)
        assert answer.status == 200, answer.body
        return answer.json


@pytest.fixture(scope="module")
def desk(folder: Path) -> Iterator[Desk]:
    settings = Settings(data=folder, test_clock=True)
    key = str(app.initialise(settings, "admin@example.com")["api_key"])
    with app.running(settings) as address:
        yield Desk(Client(urlsplit(address.url).port or 0, key))


def found(preview: Any) -> dict[str, str]:
    return {one["entity"]: one["state"] for one in preview["findings"]}


def test_the_seeds_example(desk: Desk) -> None:
    preview = desk.preview(accounts=["acme"])
    (one,) = preview["findings"]
    assert (one["entity"], one["account"], one["state"]) == ("C-low", "acme", "under")
    assert one["outputs"] == {
        "base_per_month": "30",
        "covered_value_per_month": "48",
        "ratio": "0.625",
        "variance": "0.375",
        "increase_to_match": "0.6",
    }
    assert (one["money_at_risk"], one["currency"], one["branch"]) == ("18", "USD", "north")
    assert preview["values"] == {
        "low": "0.75",
        "high": "1.33",
        "tolerance_factor": None,
        "include_no_coverage": False,
    }
    assert (preview["found"], preview["evaluated"]) == (1, 2)


def test_a_preview_looks_at_what_is_asked_with_the_values_asked(desk: Desk) -> None:
    assert found(desk.preview()) == {"C-none": "no_base", "C-low": "under"}  # the dearest first
    assert list(found(desk.preview())) == ["C-none", "C-low"]
    assert found(desk.preview(branches=["north"])) == {"C-low": "under"}
    assert found(desk.preview(branches=["north"], accounts=["other"])) == {}
    assert found(desk.preview(values={"low": "5/8"})) == {"C-none": "no_base"}
    assert found(desk.preview(values={"low": 0.62, "include_no_coverage": True})) == {
        "C-none": "no_base",
        "C-tiny": "no_coverage",
    }
    tolerant = desk.preview(values={"tolerance_factor": "8/5"})
    assert found(tolerant) == {"C-none": "no_base"}


@pytest.mark.parametrize(
    ("asked", "status", "code", "field"),
    [
        ({"values": {"lo": "1"}}, 422, "variable_unknown", "values.lo"),
        ({"values": {"low": "much"}}, 422, "value_invalid", "values.low"),
        ({"values": {"low": "1/0"}}, 422, "value_invalid", "values.low"),
        ({"values": {"low": "2"}}, 422, "values_crossed", "values.low"),
        ({"values": {"tolerance_factor": "0.5"}}, 422, "value_invalid", "values.tolerance_factor"),
        (
            {"values": {"include_no_coverage": 7}},
            422,
            "value_invalid",
            "values.include_no_coverage",
        ),
        ({"values": []}, 422, "document_invalid", "values"),
        ({"accounts": ["nobody"]}, 404, "account_not_found", None),
        ({"branch": "north"}, 422, "document_invalid", "branch"),
    ],
)
def test_what_cannot_be_is_refused(
    desk: Desk, asked: Any, status: int, code: str, field: str | None
) -> None:
    answer = desk.by("admin", "POST", f"/checks/{RATIO}/preview", asked)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.json.get("field") == field
    unknown = desk.by("admin", "POST", "/checks/no.such/preview", {})
    assert (unknown.status, unknown.json["code"]) == (404, "check_not_found")


def test_the_catalogue_tells_all_that_a_form_needs(desk: Desk) -> None:
    listed = desk.by("admin", "GET", "/checks").json
    assert listed["totals"]["count"] == len(listed["items"])
    one = next(item for item in listed["items"] if item["code"] == RATIO)
    assert one == desk.by("admin", "GET", f"/checks/{RATIO}").json
    assert (one["category"], one["repeat_policy"]) == ("contract", "once_until_changed")
    low = one["variables"][0]
    assert (low["key"], low["default"], low["below"], low["letter"]) == ("low", "0.75", "high", "W")


def test_every_check_of_the_catalogue_can_be_tried_with_its_defaults(desk: Desk) -> None:
    for item in desk.by("admin", "GET", "/checks").json["items"]:
        preview = desk.preview(code=item["code"])
        keys = {column["key"] for column in item["columns"]}
        for one in preview["findings"]:
            assert keys <= one["inputs"].keys() | one["outputs"].keys()


def test_who_sees_no_prices_is_told_what_is_odd_and_no_amount(desk: Desk) -> None:
    for role in ("analyst", "sales_rep"):
        (one,) = desk.preview(role, accounts=["acme"])["findings"]
        assert (one["entity"], one["state"], one["money_at_risk"]) == ("C-low", "under", None)
        assert one["outputs"] == {
            "base_per_month": None,
            "covered_value_per_month": None,
            "ratio": "0.625",
            "variance": "0.375",
            "increase_to_match": "0.6",
        }
        assert one["inputs"] == {"base": None, "coverage": None}
    assert desk.preview("finance", accounts=["acme"])["findings"][0]["money_at_risk"] == "18"


def test_amounts_are_not_found_out_by_trying(desk: Desk) -> None:
    asked = {"values": {"amounts": ["20"]}}
    refused = desk.by("analyst", "POST", "/checks/spend.threshold/preview", asked)
    assert (refused.status, refused.json["code"]) == (403, "value_not_allowed")
    assert desk.by("finance", "POST", "/checks/spend.threshold/preview", asked).status == 200


def test_customers_hear_of_their_use_and_not_of_how_they_were_set_up(desk: Desk) -> None:
    codes = {one["code"] for one in desk.by("customer_admin", "GET", "/checks").json["items"]}
    assert {code.partition(".")[0] for code in codes} <= {
        *("allotment", "overage", "usage", "prepaid", "pool", "spend", "volume")
    }
    for target in (f"/checks/{RATIO}", f"/checks/{RATIO}/preview"):
        method = "POST" if target.endswith("preview") else "GET"
        hidden = desk.by("customer_admin", method, target, {} if method == "POST" else None)
        assert (hidden.status, hidden.json["code"]) == (404, "check_not_found")
    seen = desk.preview("customer_admin", "spend.threshold", values={"amounts": ["1"]})
    assert {one["account"] for one in seen["findings"]} <= {"acme", "acme-eu"}
    assert seen["evaluated"] == 2
    foreign = desk.by(
        "customer_admin", "POST", "/checks/spend.threshold/preview", {"accounts": ["other"]}
    )
    assert (foreign.status, foreign.json["code"]) == (404, "account_not_found")


def test_who_may_not_read_may_not_ask(desk: Desk) -> None:
    for method, target in (("GET", "/checks"), ("POST", f"/checks/{RATIO}/preview")):
        answer = desk.by("ingest", method, target, {} if method == "POST" else None)
        assert (answer.status, answer.json["code"]) == (403, "verb_not_allowed")
