"""What a run makes of what its check found and what is remembered: which findings there are now,
what happened to them, and what is to be said. Pure: it asks nothing and writes nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from tallybook.alerts._check import fingerprint
from tallybook.model.alert import Finding, FindingAct, FindingEvent, RunKind, Subscription
from tallybook.model.check import Check, Found, RepeatPolicy, Severity, Unjudged
from tallybook.model.ids import new_id
from tallybook.model.plain import plain

#: What was said under these is never said again, even if it was in order in between.
LASTING: Final[frozenset[RepeatPolicy]] = frozenset(
    {"once_per_threshold_per_period", "once_per_bucket", "per_event", "new_within_days"}
)
#: Under these what was said is said again when an input that FINGERPRINT names is another.
_BY_INPUTS: Final[frozenset[RepeatPolicy]] = frozenset(
    {"once_until_changed", "once_per_threshold_per_period", "once_per_bucket"}
)
_SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "warning", "notice")

#: What a finding of a subscription is known by: its entity, step and period.
_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Occasion:
    """A run: whose, of which check and kind, and when."""

    subscription: Subscription
    check: Check
    kind: RunKind
    run: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """What a run leaves: all findings that it touched, what happened to them in order, and those
    that are said, the dearest first; of these the resolved ones are in order again.

    `found` and `resolved` are how many, `unjudged` counts by reason. A test leaves nothing but what
    it says.
    """

    findings: tuple[Finding, ...]
    events: tuple[FindingEvent, ...]
    said: tuple[Finding, ...]
    found: int
    resolved: int
    unjudged: Mapping[str, int]


def judge(
    occasion: Occasion, remembered: Iterable[Finding], judged: Iterable[Found | Unjudged]
) -> Judged:
    """Return what a run leaves of what is `remembered` and of what its check says now.

    What is no longer found is resolved, unless it could not be judged, or is an event. Entities and
    contracts that the subscription excludes are not mentioned, and what was open is resolved.
    """
    excluded = occasion.subscription.excluded or {}
    unjudged: list[Unjudged] = []
    found: dict[_Key, Found] = {}
    for one in judged:
        if isinstance(one, Unjudged):
            unjudged.append(one)
        elif one.entity not in excluded and one.contract not in excluded:
            found.setdefault((one.entity, one.step, one.period), one)
    is_test = occasion.kind == "test"
    memory = {} if is_test else {(f.entity, f.step, f.period): f for f in remembered}
    desk = _Desk(occasion, memory)
    for key, one in found.items():
        desk.meet(key, one)
    desk.say()
    unknown = frozenset(one.entity for one in unjudged)
    for key, known in memory.items():
        if key not in found and known.status != "resolved":
            desk.miss(known, unknown, excluded)
    said = tuple(sorted(desk.said, key=rank))
    reasons = Counter(one.reason for one in unjudged)
    if is_test:
        return Judged((), (), said, len(found), 0, reasons)
    findings = tuple(desk.findings.values())
    return Judged(findings, tuple(desk.events), said, len(found), desk.resolved, reasons)


def forget(finding: Finding, policy: RepeatPolicy) -> Finding:
    """Return a finding without what was said of it, so that a relapse speaks; nothing changes under
    policies that say a thing once.
    """
    if policy in LASTING:
        return finding
    return replace(finding, fingerprint=None, seen_state=None)


def rank(finding: Finding) -> tuple[bool, str, Decimal, int, str, Decimal]:
    """Return what sorts findings: those in order again last, and by currency the dearest first."""
    risk = finding.money_at_risk
    return (
        finding.status == "resolved",
        finding.currency or "~",
        Decimal(1) if risk is None else -risk,
        _SEVERITIES.index(finding.severity),
        finding.entity,
        -_height(finding),
    )


class _Desk:
    """The findings of one run while it goes through them."""

    def __init__(self, occasion: Occasion, memory: Mapping[_Key, Finding]) -> None:
        """Nothing was met yet."""
        self._occasion = occasion
        self._policy = occasion.check.POLICY
        self._memory = memory
        self._told = frozenset(f.entity for f in memory.values() if f.said_at is not None)
        self._met: set[str] = set()
        self._due: list[tuple[_Key, str]] = []
        self.findings: dict[_Key, Finding] = {}
        self.events: list[FindingEvent] = []
        self.said: list[Finding] = []
        self.resolved = 0

    def meet(self, key: _Key, found: Found) -> None:
        """Take in what was found, and whether it is to be said."""
        self._met.add(found.entity)
        code = self._occasion.subscription.check
        mark = fingerprint(code, self._occasion.check, found)
        known = self._memory.get(key)
        speaks = self._speaks(known, found, mark)
        if known is None:
            seen = self._first(key, found)
            act: FindingAct | None = "found"
        else:
            seen, act = self._again(known, found, mark, speaks=speaks)
        self.findings[key] = seen
        if act is not None:
            self._note(seen, act)
        is_silent = seen.status in {"snoozed", "resolved"}
        if not is_silent and (speaks or self._occasion.kind == "full"):
            self._due.append((key, mark))

    def say(self) -> None:
        """Say what is due; of several steps that one load reached, the highest stands for all."""
        highest: dict[tuple[str, str], _Key] = {}
        for key, _ in self._due:
            place = (key[0], key[2])
            best = highest.setdefault(place, key)
            if _height(self.findings[key]) > _height(self.findings[best]):
                highest[place] = key
        is_stepped = self._policy == "once_per_threshold_per_period"
        for key, mark in self._due:
            seen = self.findings[key]
            seen = replace(
                seen, fingerprint=mark, seen_state=seen.state, said_at=self._occasion.now
            )
            self.findings[key] = seen
            if not is_stepped or highest[key[0], key[2]] == key:
                self._tell(seen)

    def miss(self, known: Finding, unknown: frozenset[str], excluded: Mapping[str, str]) -> None:
        """Resolve what is no longer found, unless it could not be judged, or is an event."""
        note = excluded.get(known.entity) or excluded.get(known.contract or "")
        if note is None:
            if self._policy == "per_event":
                return
            line = f"{known.contract}/{known.line}"
            if not unknown.isdisjoint({known.entity, known.contract or known.entity, line}):
                return
        now = self._occasion.now
        gone = replace(known, status="resolved", resolved_at=now, until=None, seen_state=None)
        gone = forget(gone, self._policy)
        self.findings[known.entity, known.step, known.period] = gone
        self.resolved += 1
        self._note(gone, "resolved", note)
        was_told = known.said_at is not None and known.status != "snoozed" and note is None
        # Of a period that is over nothing is in order again where the next one is odd, too.
        is_in_order = known.entity not in self._met
        if was_told and is_in_order and self._policy == "on_transition":
            self._tell(gone)

    def _speaks(self, known: Finding | None, found: Found, mark: str) -> bool:
        """Tell whether the policy says this now; a snooze that has passed makes it new."""
        if known is None or known.said_at is None:
            return self._policy != "new_within_days" or found.entity not in self._told
        if self._policy == "every_run" or self._wakes(known):
            return True
        if self._policy in _BY_INPUTS:
            return known.fingerprint != mark
        return self._policy == "on_transition" and known.seen_state != found.state

    def _wakes(self, known: Finding) -> bool:
        if known.status != "snoozed":
            return False
        return known.until is None or known.until <= self._occasion.now

    def _first(self, key: _Key, found: Found) -> Finding:
        now, subscription = self._occasion.now, self._occasion.subscription
        entity, step, period = key
        return Finding(
            id=new_id(now),
            subscription=subscription.id,
            check=subscription.check,
            entity=entity,
            step=step,
            period=period,
            account=found.account,
            contract=found.contract,
            line=found.line,
            branch=found.branch,
            state=found.state,
            severity=found.severity,
            message=found.message,
            inputs=plain(found.inputs),
            outputs=plain(found.outputs),
            money_at_risk=found.money_at_risk,
            currency=found.currency,
            status="open",
            first_seen=now,
            last_seen=now,
        )

    def _again(
        self, known: Finding, found: Found, mark: str, *, speaks: bool
    ) -> tuple[Finding, FindingAct | None]:
        """Return a known finding as it is now, and what happened to it."""
        seen = replace(
            known,
            account=found.account,
            contract=found.contract,
            line=found.line,
            branch=found.branch,
            state=found.state,
            severity=found.severity,
            message=found.message,
            inputs=plain(found.inputs),
            outputs=plain(found.outputs),
            money_at_risk=found.money_at_risk,
            currency=found.currency,
            last_seen=self._occasion.now,
        )
        is_other = known.fingerprint != mark or known.seen_state != found.state
        if known.status == "resolved":
            # What somebody resolved stays so until it is another; what was in order is back.
            reopens = speaks or known.seen_state != found.state
        elif known.status == "snoozed":
            reopens = self._wakes(known)
        else:
            reopens = known.status == "acknowledged" and speaks and is_other
        if reopens:
            return replace(seen, status="open", until=None, resolved_at=None), "reopened"
        is_changed = speaks and is_other and known.said_at is not None
        return seen, "changed" if is_changed and known.status == "open" else None

    def _tell(self, finding: Finding) -> None:
        self.said.append(finding)
        self._note(finding, "said")

    def _note(self, finding: Finding, act: FindingAct, note: str | None = None) -> None:
        event = FindingEvent(finding.id, self._occasion.now, self._occasion.run, act, note)
        self.events.append(event)


def _height(finding: Finding) -> Decimal:
    """Return a step as a number, to find the highest; what is none is the lowest."""
    try:
        return Decimal(finding.step)
    except InvalidOperation:
        return Decimal(-1)
