from typing import Any

from tests.alerts._seen import Desk

OFF = "contract.billing_disabled"


def test_a_contract_in_force_that_is_not_billed_is_found(desk: Desk) -> None:
    desk.line(billing={"enabled": False}, type="lease", bill_code="F")
    desk.line(part="-on")
    (one,) = desk.findings(OFF)
    assert (one["entity"], one["state"]) == (desk.account, "off")
    assert one["inputs"] == {"type": "lease", "bill_code": "F"}


def test_types_and_bill_codes_can_be_left_out(desk: Desk) -> None:
    desk.line(billing={"enabled": False}, type="lease", bill_code="F")
    desk.line(billing={"enabled": False}, part="-plain")
    assert desk.states(OFF, without=["lease"]) == {"ME-plain": "off"}
    assert desk.states(OFF, without="F, G") == {"ME-plain": "off"}
    assert desk.states(OFF, without="G") == {"ME": "off", "ME-plain": "off"}


def test_what_is_not_in_force_need_not_be_billed(desk: Desk) -> None:
    off: dict[str, Any] = {"billing": {"enabled": False}}
    desk.line(end_date="2026-04-19", **off)
    desk.line(part="-to-come", start_date="2026-04-21", **off)
    desk.line(part="-draft", status="draft", **off)
    assert desk.states(OFF) == {}
