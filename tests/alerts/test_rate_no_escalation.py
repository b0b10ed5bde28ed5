from typing import Any

from tests.alerts._seen import Desk

NONE = "rate.no_escalation"
BASE: dict[str, Any] = {"base_charges": [{"name": "base", "amount": "30"}]}
GROUP: dict[str, Any] = {
    "meter_groups": [{"name": "copies", "meters": ["calls"], "overage_rate": "1"}]
}


def up(kind: str) -> dict[str, Any]:
    return {"name": kind, "applies_to": kind, "percent": "3", "every": 12}


def test_each_kind_of_rate_without_an_increase_is_found(desk: Desk) -> None:
    desk.agree(start_date="2025-01-01", **BASE, **GROUP)
    assert desk.states(NONE) == {"ME/base": "none", "ME/overage": "none"}
    assert desk.findings(NONE)[0]["outputs"] == {"since": "2025-01-01"}
    desk.agree(start_date="2025-01-01", rate_schedules=[up("base")], **BASE, **GROUP)
    assert desk.states(NONE) == {"ME/overage": "none"}
    both = [up("base"), up("overage")]
    desk.agree(start_date="2025-01-01", rate_schedules=both, **BASE, **GROUP)
    assert desk.states(NONE) == {}


def test_a_kind_that_is_not_there_needs_none(desk: Desk) -> None:
    desk.agree(start_date="2025-01-01", **BASE)
    assert desk.states(NONE) == {"ME/base": "none"}


def test_prices_of_lines_are_rates(desk: Desk) -> None:
    desk.line(start_date="2025-01-01")
    assert desk.states(NONE) == {"ME/overage": "none"}
    desk.line(start_date="2025-01-01", rate_schedules=[up("overage")])
    assert desk.states(NONE) == {}


def test_what_costs_nothing_needs_none(desk: Desk) -> None:
    desk.agree(start_date="2025-01-01", meter_groups=[{"name": "free", "meters": ["calls"]}])
    desk.agree("-b", start_date="2025-01-01", lines=[{"code": "free", "meter": "calls"}])
    assert desk.states(NONE) == {}


def test_a_young_contract_is_left_alone(desk: Desk) -> None:
    desk.agree(start_date="2025-04-21", **BASE)
    assert desk.states(NONE) == {}
    desk.agree("-b", start_date="2025-04-20", **BASE)
    assert desk.states(NONE) == {"ME-b/base": "none"}
    assert desk.states(NONE, days=366) == {}


def test_only_some_types(desk: Desk) -> None:
    desk.agree(start_date="2025-01-01", type="lease", **BASE)
    assert desk.states(NONE, types="rental") == {}
    assert desk.states(NONE, types="lease") == {"ME/base": "none"}
