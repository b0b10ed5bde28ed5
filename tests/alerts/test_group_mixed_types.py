from tests.alerts._seen import Desk

MIXED = "group.mixed_types"


def pooled(desk: Desk, **first: str) -> str:
    """Agree on a group of two meters that count the same unit; return the first."""
    keys = [f"{desk.account}-{i}" for i in (1, 2)]
    for key in keys:
        desk.house.put(f"/meters/{key}", event_type="use", aggregation="count", unit="copies")
    desk.agree(meter_groups=[{"name": "copies", "meters": keys, "overage_rate": "1"}])
    if first:
        desk.house.put(f"/meters/{keys[0]}", event_type="use", **first)
    return keys[0]


def test_a_meter_that_was_given_another_unit_is_found(desk: Desk) -> None:
    pooled(desk, aggregation="count", unit="scans")
    (one,) = desk.findings(MIXED)
    assert (one["entity"], one["state"]) == (f"{desk.account}/copies", "mixed")
    assert one["inputs"]["units"] == ["copies (flow)", "scans (flow)"]
    assert one["inputs"]["meters"] == [f"{desk.account}-1", f"{desk.account}-2"]


def test_a_level_beside_a_flow_is_found(desk: Desk) -> None:
    pooled(desk, aggregation="latest", property="n", kind="stock", unit="copies")
    (one,) = desk.findings(MIXED)
    assert one["inputs"]["units"] == ["copies (flow)", "copies (stock)"]


def test_what_counts_the_same_is_silent(desk: Desk) -> None:
    pooled(desk)
    assert desk.states(MIXED) == {}
