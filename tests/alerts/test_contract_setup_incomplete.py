from tests.alerts._seen import Desk

ODD = "contract.setup_incomplete"


def test_what_has_no_price_is_found(desk: Desk) -> None:
    desk.agree(
        lines=[{"code": "calls", "meter": "calls"}],
        meter_groups=[{"name": "copies", "meters": ["seats"]}],
    )
    found = {one["state"]: one for one in desk.findings(ODD)}
    assert found.keys() == {"line_without_price", "group_without_rate"}
    assert found["line_without_price"]["inputs"] == {
        "what": "line_without_price",
        "field": "lines.0.price",
    }
    assert found["line_without_price"]["entity"].startswith(desk.account)


def test_a_contract_of_nothing_is_found(desk: Desk) -> None:
    desk.agree()
    assert set(desk.states(ODD).values()) == {"empty"}


def test_a_meter_that_two_lines_count(desk: Desk) -> None:
    meter, price = f"{desk.account}-m", {"model": "per_unit", "unit_amount": "1"}
    desk.house.put(f"/meters/{meter}", event_type="use", aggregation="count")
    lines = [{"code": code, "meter": meter, "price": price} for code in ("a", "b")]
    desk.agree(lines=lines)
    assert set(desk.states(ODD).values()) == {"meter_counted_twice"}
    desk.agree(lines=lines[:1])
    assert desk.states(ODD) == {}


def test_what_is_in_order_or_not_in_force_is_silent(desk: Desk) -> None:
    desk.line()
    desk.copies("30", "3000", "0.016")
    desk.agree("-old", end_date="2026-04-19")
    assert desk.states(ODD) == {}


def test_ones_own_types(desk: Desk) -> None:
    desk.agree(type="trial")
    assert set(desk.states(ODD, types=["trial", "other"]).values()) == {"empty"}
    assert desk.states(ODD, types=["other"]) == {}
