from tests.alerts._seen import Desk

ZERO = "group.zero_allowance"


def agree(desk: Desk, first: str, second: str) -> None:
    covered = {"black": ("calls", first), "colour": ("seats", second)}
    groups = [
        {"name": name, "meters": [meter], "covered_quantity": quantity, "overage_rate": "0.1"}
        for name, (meter, quantity) in covered.items()
    ]
    desk.agree(meter_groups=groups)


def test_a_group_that_covers_nothing_beside_one_that_does_is_found(desk: Desk) -> None:
    agree(desk, "100", "0")
    (one,) = desk.findings(ZERO)
    assert (one["entity"], one["state"]) == (f"{desk.account}/colour", "zero")
    assert one["inputs"] == {"group": "colour", "meters": ["seats"], "rate": "0.1"}
    agree(desk, "100", "0.001")
    assert desk.states(ZERO) == {}


def test_where_nothing_is_covered_only_named_meters_are_missed(desk: Desk) -> None:
    agree(desk, "0", "0")
    assert desk.states(ZERO) == {}
    assert desk.states(ZERO, meters="calls") == {"ME/black": "zero"}
    assert desk.states(ZERO, meters=["calls", "seats"]) == {"ME/black": "zero", "ME/colour": "zero"}
