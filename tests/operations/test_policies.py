from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast, get_args

import pytest

from tallybook.model.alert import Finding, FindingEvent, Recipients, RunKind, Subscription
from tallybook.model.check import Check, Found, RepeatPolicy, Unjudged
from tallybook.operations.policies import LASTING, Judged, Occasion, forget, judge

NOW = datetime(2026, 3, 2, 7, tzinfo=UTC)
DAY = timedelta(days=1)
SUBSCRIPTION = Subscription(
    id="s",
    check="some.check",
    name="Some",
    owner="ada@example.com",
    values={},
    accounts=(),
    branches=(),
    cron="0 7 * * *",
    timezone="UTC",
    recipients=Recipients(),
    subject="Some",
    split_by="none",
    mode="live",
    enabled=True,
    created_at=NOW,
)


def rule(policy: RepeatPolicy) -> Check:
    """Return what policies look at of a check: tests say themselves what it found."""
    return cast("Check", SimpleNamespace(POLICY=policy, FINGERPRINT=("covered",)))


@dataclass
class Desk:
    """A subscription that is run day after day, with what it remembers."""

    policy: RepeatPolicy
    now: datetime = NOW
    memory: dict[str, Finding] = field(default_factory=dict)
    events: list[FindingEvent] = field(default_factory=list)
    last: Judged | None = None
    excluded: dict[str, str] = field(default_factory=dict)

    def run(self, *found: Found | Unjudged, kind: RunKind = "standard") -> list[str]:
        """Run once, a day later, and return what was said: the entity, or the step."""
        self.now += DAY
        subscription = replace(SUBSCRIPTION, excluded=self.excluded)
        occasion = Occasion(subscription, rule(self.policy), kind, "run", self.now)
        self.last = judge(occasion, self.memory.values(), found)
        self.memory |= {one.id: one for one in self.last.findings}
        self.events += self.last.events
        return [
            f"{one.step or one.entity}{' ok' * (one.status == 'resolved')}"
            for one in self.last.said
        ]

    def acts(self) -> str:
        return " ".join(event.act for event in self.events)

    @property
    def one(self) -> Finding:
        (finding,) = self.memory.values()
        return finding

    def mark(self, **changed: Any) -> None:
        """Do what somebody does with the only finding."""
        self.memory = {self.one.id: replace(self.one, **changed)}


def found(entity: str = "C-1", covered: str = "100", **more: Any) -> Found:
    inputs = {"covered": Decimal(covered)}
    return Found(
        **{
            "entity": entity,
            "account": "acme",
            "state": "over",
            "message": "It is over.",
            "inputs": inputs,
            "outputs": {"ratio": Decimal("0.625")},
            "contract": entity,
            **more,
        }
    )


def test_once_until_changed_speaks_of_what_is_new_changed_or_back() -> None:
    desk = Desk("once_until_changed")
    assert desk.run(found(covered="0.016")) == ["C-1"]
    assert desk.run(found(covered="0.0160")) == []
    assert desk.run(found(covered="0.017")) == ["C-1"]
    assert desk.run(found(covered="0.017", state="under")) == []
    assert desk.run() == []
    assert (desk.one.status, desk.one.fingerprint) == ("resolved", None)
    assert desk.run(found(covered="0.017")) == ["C-1"]
    assert (desk.one.status, desk.one.resolved_at) == ("open", None)
    assert desk.acts() == "found said changed said resolved reopened said"


def test_every_run_speaks_each_time() -> None:
    desk = Desk("every_run")
    assert [desk.run(found()) for _ in range(3)] == [["C-1"]] * 3
    assert desk.run() == []
    assert desk.acts() == "found said said said resolved"


def test_a_threshold_speaks_once_in_its_period_and_the_highest_for_all() -> None:
    desk = Desk("once_per_threshold_per_period")
    first = [found(step=step, period="2026-03-01") for step in ("50", "100", "80")]
    assert desk.run(*first) == ["100"]
    assert len(desk.memory) == 3
    assert desk.run(*first) == []
    assert desk.run() == []
    assert desk.run(*first) == []  # back over it in the same period
    assert {one.status for one in desk.memory.values()} == {"open"}
    assert desk.run(found(step="120", period="2026-03-01"), *first) == ["120"]
    assert desk.run(found(step="50", period="2026-04-01")) == ["50"]
    assert desk.run(found("C-2", step="50", period="2026-04-01")) == ["50"]


@pytest.mark.parametrize("policy", ["once_per_threshold_per_period", "once_per_bucket"])
def test_a_step_speaks_again_once_what_it_follows_from_is_another(policy: RepeatPolicy) -> None:
    desk = Desk(policy)
    assert desk.run(found(step="90", covered="100")) == ["90"]
    assert desk.run() == []
    assert desk.run(found(step="90", covered="100.0")) == []
    assert desk.run(found(step="90", covered="200")) == ["90"]
    assert desk.acts() == "found said resolved reopened changed said"
    desk.mark(status="resolved", resolved_at=desk.now)
    assert desk.run(found(step="90", covered="200")) == []
    assert desk.run(found(step="90", covered="300")) == ["90"]
    assert desk.one.status == "open"


def test_a_bucket_speaks_once_and_takes_the_place_of_the_one_before() -> None:
    desk = Desk("once_per_bucket")
    assert [desk.run(found(step="90")) for _ in range(2)] == [["90"], []]
    assert [desk.run(found(step="60")) for _ in range(2)] == [["60"], []]
    assert {one.step: one.status for one in desk.memory.values()} == {
        "90": "resolved",
        "60": "open",
    }
    assert desk.run(found(step="90")) == []


def test_a_transition_speaks_and_so_does_its_end() -> None:
    desk = Desk("on_transition")
    near, over = found(state="near"), found(state="over")
    assert [desk.run(near), desk.run(near), desk.run(over), desk.run(over)] == [
        ["C-1"],
        [],
        ["C-1"],
        [],
    ]
    assert desk.run() == ["C-1 ok"]
    assert desk.run() == []
    assert desk.run(over) == ["C-1"]
    assert desk.acts() == "found said changed said resolved said reopened said"


def test_a_period_that_is_over_is_not_in_order_where_the_next_is_odd() -> None:
    desk = Desk("on_transition")
    assert desk.run(found(period="2026-03-01"), found("C-2", period="2026-03-01")) == ["C-1", "C-2"]
    assert desk.run(found(period="2026-04-01")) == ["C-1", "C-2 ok"]
    assert [one.status for one in desk.memory.values()] == ["resolved", "resolved", "open"]
    assert desk.run() == ["C-1 ok"]


def test_an_event_speaks_once_and_is_not_resolved_by_itself() -> None:
    desk = Desk("per_event")
    assert [desk.run(found(step="e-1")), desk.run(found(step="e-1"))] == [["e-1"], []]
    assert desk.run(found(step="e-2")) == ["e-2"]
    assert {one.status for one in desk.memory.values()} == {"open"}


def test_what_is_new_speaks_once_for_its_entity() -> None:
    desk = Desk("new_within_days")
    assert desk.run(found(period="2026-03-01")) == ["C-1"]
    assert desk.run(found(period="2026-03-02")) == []
    assert desk.run() == []
    assert desk.run(found(period="2026-03-01")) == []
    assert desk.run(found("C-2")) == ["C-2"]


@pytest.mark.parametrize("policy", get_args(RepeatPolicy))
def test_a_snoozed_one_is_silent_until_its_day_and_then_speaks(policy: RepeatPolicy) -> None:
    desk = Desk(policy)
    assert desk.run(found()) == ["C-1"]
    desk.mark(status="snoozed", until=desk.now + 2 * DAY)
    assert desk.run(found(covered="200", state="worse")) == []
    assert desk.one.status == "snoozed"
    assert desk.run(found(), kind="full") == ["C-1"]  # its day has come
    assert (desk.one.status, desk.one.until) == ("open", None)
    desk.mark(status="snoozed", until=desk.now + 2 * DAY)
    assert desk.run(found(), kind="full") == []
    assert desk.run() == []
    assert desk.one.status == ("snoozed" if policy == "per_event" else "resolved")


@pytest.mark.parametrize("policy", get_args(RepeatPolicy))
def test_what_cannot_be_judged_is_neither_said_nor_resolved(policy: RepeatPolicy) -> None:
    desk = Desk(policy)
    desk.run(found("C-1/total acme-eu", contract="C-1", line="total"))
    for entity in ("C-1/total acme-eu", "C-1/total", "C-1"):
        assert desk.run(Unjudged(entity, "acme", "data_stale")) == []
        assert desk.one.status == "open"
    assert desk.last is not None
    assert (dict(desk.last.unjudged), desk.last.found) == ({"data_stale": 1}, 0)
    desk.run(Unjudged("C-2", "acme", "data_stale"))
    assert desk.one.status == ("open" if policy == "per_event" else "resolved")


@pytest.mark.parametrize("policy", get_args(RepeatPolicy))
def test_a_full_run_says_all_and_a_test_leaves_nothing(policy: RepeatPolicy) -> None:
    desk = Desk(policy)
    assert desk.run(found(), kind="test") == ["C-1"]
    assert (desk.memory, desk.events) == ({}, [])
    assert desk.run(found()) == ["C-1"]
    before = dict(desk.memory)
    assert desk.run(found(), kind="full") == ["C-1"]
    assert desk.run(found("C-2"), kind="test") == ["C-2"]
    assert desk.memory.keys() == before.keys()


@pytest.mark.parametrize("policy", get_args(RepeatPolicy))
def test_what_is_excluded_is_not_mentioned_until_it_is_not(policy: RepeatPolicy) -> None:
    desk = Desk(policy)
    desk.run(found("C-1/total", contract="C-1"))
    desk.excluded = {"C-1": "by agreement"}
    assert desk.run(found("C-1/total", contract="C-1")) == []
    assert (desk.one.status, desk.events[-1].note) == ("resolved", "by agreement")
    desk.excluded = {}
    assert desk.run(found("C-1/total", contract="C-1")) == (
        [] if policy in LASTING else ["C-1/total"]
    )
    assert desk.one.status == "open"


@pytest.mark.parametrize("policy", get_args(RepeatPolicy))
def test_what_somebody_resolved_comes_back_only_where_the_policy_repeats(
    policy: RepeatPolicy,
) -> None:
    desk = Desk(policy)
    desk.run(found())
    desk.mark(status="resolved", resolved_at=desk.now)
    desk.memory = {one.id: forget(one, policy) for one in desk.memory.values()}
    assert desk.run(found()) == ([] if policy in LASTING else ["C-1"])
    assert desk.one.status == ("resolved" if policy in LASTING else "open")


def test_an_acknowledged_one_stays_so_until_it_changes() -> None:
    cases: tuple[tuple[RepeatPolicy, list[str]], ...] = (
        ("every_run", ["C-1"]),
        ("once_until_changed", []),
    )
    for policy, repeated in cases:
        desk = Desk(policy)
        desk.run(found())
        desk.mark(status="acknowledged", note="We know.")
        assert desk.run(found()) == repeated
        assert desk.one.status == "acknowledged"
        assert desk.run(found(covered="200")) == ["C-1"]
        assert (desk.one.status, desk.one.note) == ("open", "We know.")
        assert desk.events[-2].act == "reopened"


def test_a_finding_holds_plain_values_and_the_newest_numbers() -> None:
    desk = Desk("once_until_changed")
    desk.run(found())
    assert desk.one.outputs == {"ratio": "0.625"}
    first = desk.one
    desk.run(found(money_at_risk=Decimal(5), currency="USD", message="Still."))
    assert (desk.one.id, desk.one.first_seen) == (first.id, first.first_seen)
    assert (desk.one.message, desk.one.money_at_risk, desk.one.last_seen) == (
        "Still.",
        Decimal(5),
        desk.now,
    )


def test_the_dearest_is_said_first_and_what_is_in_order_again_last() -> None:
    desk = Desk("on_transition")
    desk.run(found("gone"))
    risks = {"a": Decimal(1), "b": Decimal(9), "c": None, "d": Decimal(5)}
    said = desk.run(*(found(e, money_at_risk=r, currency="USD") for e, r in risks.items()))
    assert said == ["b", "d", "a", "c", "gone ok"]
    assert desk.run(found("x", severity="notice"), found("y", severity="critical"))[:2] == [
        "y",
        "x",
    ]


def test_two_of_the_same_are_one() -> None:
    desk = Desk("every_run")
    assert desk.run(found(), found(covered="7")) == ["C-1"]
    assert desk.one.inputs == {"covered": "100"}
