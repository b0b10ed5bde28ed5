"""What a contract says on each of its days, and the cycles that its parts come round in, said a
second time: day after day, each with the version that holds on it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tests.oracle.days import DAY, Plan, iso, start_of
from tests.oracle.world import Span, World, in_order

Document = Mapping[str, Any]
#: What a phase may replace.
TERMS = ("lines", "meter_groups", "base_charges", "commitments", "discounts", "rate_schedules")


@dataclass(frozen=True)
class Day:
    """A day in force, the version that holds on it, and its terms with those of its phase."""

    date: date
    version: Document
    terms: Mapping[str, Sequence[Document]]
    #: How often the billing cycle changed before: where it does, all that follows it is cut.
    billing_changes: int
    #: How often the contract ended before and began again: cycles are cut there.
    gaps: int

    def says_as(self, other: "Day") -> bool:
        """Tell whether the same terms hold on another day."""
        return (
            self.version is other.version
            and self.terms is other.terms
            and (self.billing_changes, self.gaps) == (other.billing_changes, other.gaps)
        )

    def find(self, part: str, name: str, key: str = "name") -> Document | None:
        """Return the line, group, charge … of a name, None where the day has none."""
        return next((item for item in self.terms[part] if item[key] == name), None)


@dataclass
class Cycle:
    """A cycle as some part of the contract lives it: `days` are the part's own days in it.

    It is the n-th since the contract began; `start` and `end` are those of the uncut cycle.
    """

    n: int
    start: date
    end: date
    days: list[Day] = field(default_factory=list)

    @property
    def length(self) -> int:
        """Return the days of the uncut cycle."""
        return (self.end - self.start).days

    @property
    def is_stub(self) -> bool:
        """Tell whether anything cut it."""
        return len(self.days) < self.length

    @property
    def first(self) -> date:
        """Return its first day."""
        return self.days[0].date

    @property
    def last(self) -> date:
        """Return its last day."""
        return self.days[-1].date


def days_in_force(versions: Sequence[Document], until: date) -> Iterator[Day]:
    """Yield the days of a contract, each by its own version, up to and with `until`."""
    ordered = in_order(versions)
    day = min(iso(v["start_date"]) for v in versions)
    before: Day | None = None
    while day <= until:
        version = [v for v in ordered if iso(v.get("valid_from") or "0001-01-01") <= day][-1]
        if in_force(version, day):
            terms = terms_on(version, day)
            if before is not None and before.version is version and before.terms == terms:
                terms = before.terms  # days with the same terms have the same object
            changes = before.billing_changes if before else 0
            if before and plan_of(before.version) != plan_of(version):
                changes += 1
            gaps = before.gaps + (before.date + DAY != day) if before else 0
            before = Day(day, version, terms, changes, gaps)
            yield before
        day += DAY


def in_force(version: Document, day: date) -> bool:
    """From `start_date` through `end_date`; while it is active, a renewal goes on past that."""
    status, end = version.get("status", "active"), version.get("end_date")
    if status == "draft" or (status == "ended" and end is None) or day < iso(version["start_date"]):
        return False
    renews = version.get("renewal", {}).get("policy") == "auto" and status == "active"
    return end is None or day <= iso(end) or renews


def terms_on(version: Document, day: date) -> Mapping[str, Sequence[Document]]:
    """The phase that holds the day replaces what it names."""
    terms = {part: version.get(part) or [] for part in TERMS}
    for phase in version.get("phases", []):
        ends = phase.get("end_date")
        if iso(phase["start_date"]) <= day and (ends is None or day <= iso(ends)):
            terms |= {part: phase[part] for part in TERMS if phase.get(part) is not None}
    return terms


def plan_of(version: Document, own: Document | None = None) -> Plan:
    """A part's own cycle, else the billing cycle; all are counted from the billing's anchor."""
    billing, own = version.get("billing", {}), own or {}
    start = iso(version["start_date"])
    if own.get("cycle_unit") == "term":
        return _term(version, start)
    source = own if own.get("cycle_unit") else billing
    anchor = billing.get("cycle_start_date")
    return Plan(
        source.get("cycle_unit", "month"),
        source.get("cycle_length", 1),
        iso(anchor) if anchor else start,
    )


def _term(version: Document, start: date) -> Plan:
    """One cycle from the start to the end, then one each renewal cycle, as long as the first."""
    end, renewal = iso(version["end_date"]) + DAY, version.get("renewal", {})
    if renewal.get("cycle_unit"):
        return Plan(renewal["cycle_unit"], renewal.get("cycle_length", 1), start, end)
    return Plan("day", (end - start).days, start, end)


def cycles(days: Sequence[Day], own: Callable[[Day], Document | None]) -> list[Cycle]:
    """Cut a part's days into its own cycles, else the billing's; where a version changes the cycle,
    the one before is cut there.
    """
    found: list[Cycle] = []
    held: tuple[Plan, int | None, int] | None = None
    before: Day | None = None
    for day in days:
        if before is None or not day.says_as(before):
            part = own(day)
            has_own = part is not None and part.get("cycle_unit") is not None
            plan, now = plan_of(day.version, part), None if has_own else day.billing_changes
        before = day
        if (plan, now, day.gaps) != held or day.date >= found[-1].end:
            k, start, end = next(plan.cycles(day.date))
            found.append(Cycle(k - plan.number(iso(day.version["start_date"])), start, end))
            held = plan, now, day.gaps
        found[-1].days.append(day)
    return found


class Agreement:
    """A contract in its world, up to a last day that is looked at."""

    def __init__(self, world: World, number: str, until: date) -> None:
        """Lay out its days and its billing periods."""
        self.world, self.number, self.until = world, number, until
        self._others: dict[date, list[Day]] = {}
        self.days = list(days_in_force(world.contracts[number], until))
        self.periods = cycles(self.days, lambda _: None)

    def contracts_on(self, day: date) -> list[Day]:
        """Return a local day as it stands in every contract that is in force on it."""
        if not self._others:
            for versions in self.world.contracts.values():
                for other in days_in_force(versions, self.until):
                    self._others.setdefault(other.date, []).append(other)
        return self._others.get(day, [])

    def start_of(self, day: date, version: Document) -> Any:
        """Return the first instant of a local day of the contract."""
        account = self.world.account(version["account"])
        zone = version.get("timezone") or account["timezone"]
        return start_of(day, zone, account["day_start"])

    def spans(self, days: Sequence[Day]) -> list[Span]:
        """Return days as spans of instants, one for each run of days."""
        runs: list[list[Day]] = []
        for day in days:
            if not runs or runs[-1][-1].date + DAY != day.date:
                runs.append([])
            runs[-1].append(day)
        return [
            (self.start_of(r[0].date, r[0].version), self.start_of(r[-1].date + DAY, r[-1].version))
            for r in runs
        ]
