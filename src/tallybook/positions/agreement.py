"""A contract over time: which terms hold on each local day, all versions and phases laid over each
other, and the billing periods its days fall into. Counts and prices nothing.

Days run to `NEVER` where there is no end. Where a version changes a cycle, the cycle before is cut
on that day and the new one begins there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any, Final, NamedTuple

from tallybook.model.contract import TERMS, Contract, Cycle, CycleUnit, Renewal
from tallybook.model.directory import Directory
from tallybook.model.directory import Span as Version
from tallybook.model.nouns import Account
from tallybook.model.position import Period
from tallybook.model.time import FIRST_DAY, LAST_DAY, Calendar
from tallybook.positions.periods import Schedule, Span, TermSchedule, add_days, add_months, period

#: The end of what has none.
NEVER: Final = LAST_DAY
_DAY: Final = timedelta(days=1)


class Stretch(NamedTuple):
    """Days [start, end) on which the same terms hold: a contract with its phase laid over it."""

    start: date
    end: date
    terms: Contract


@dataclass(frozen=True, eq=False)
class Agreement:
    """All days on which a contract is in force, in order, and whose calendar cuts them.

    `accounts` are the versions of its account over time; none where there is no such account.
    """

    number: str
    stretches: tuple[Stretch, ...]
    accounts: Sequence[Version[Account]] = ()
    #: What was worked out of it once, by what works it out; see `items.segments`.
    kept: dict[object, Any] = field(default_factory=dict, init=False, repr=False)

    def on(self, day: date) -> Contract | None:
        """Return the terms of a day, None when the contract is not in force then."""
        for stretch in reversed(self.stretches):
            if stretch.start <= day:
                return stretch.terms if day < stretch.end else None
        return None

    def between(self, start: date, end: date) -> Iterator[Stretch]:
        """Yield the stretches within [start, end), cut to it."""
        for stretch in self.stretches:
            first, last = max(stretch.start, start), min(stretch.end, end)
            if first < last:
                yield Stretch(first, last, stretch.terms)

    @property
    def ends_at(self) -> datetime | None:
        """Return the instant after its last day; None where it goes on, or never was in force."""
        end = self.stretches[-1].end if self.stretches else NEVER
        return None if end == NEVER else self.start_of(end)

    @cached_property
    def billing(self) -> tuple[Schedule, ...]:
        """Return the schedules of the billing periods, one after another."""
        return self.schedules([])

    def schedules(self, known: Sequence[tuple[date, date, Cycle]]) -> tuple[Schedule, ...]:
        """Return the schedules of something with a cycle, one after another; `known` says which
        it has on [start, end). On other days the one before goes on, or the first.
        """
        keys = []
        waiting, now = list(known), known[0][2] if known else Cycle()
        for stretch in self.stretches:
            while waiting and waiting[0][0] <= stretch.start:
                now = waiting.pop(0)[2]
            keys.append(_key(stretch.terms, now))
        return tuple(
            _schedule(key, run) for key, run in _runs(zip(keys, self.stretches, strict=True))
        )

    def period_of(self, day: date) -> Span | None:
        """Return the billing period that holds a day; None when the contract is not in force."""
        return span_of(self.billing, day)

    def periods(self, start: date, end: date) -> Iterator[Span]:
        """Yield the billing periods that touch [start, end), in order."""
        for schedule in self.billing:
            yield from schedule.between(start, end)

    def after(self, day: date) -> Span | None:
        """Return the cycle that would hold a day after the contract's last: where amounts go that
        come too late for any period. None where the contract is in force, or not yet.
        """
        if not self.stretches or day < self.stretches[-1].end:
            return None
        last = self.billing[-1]
        onwards = Schedule(last.anchor, self.stretches[-1].end, None, last.unit, last.length)
        return onwards.cycle_of(day)

    def start_of(self, day: date) -> datetime:
        """Return the instant at which a local day begins: by the zone in force when the billing
        period began that holds the day.
        """
        return self.calendar_on(day).start_of(day)

    def calendar_on(self, day: date) -> Calendar:
        """Return the local days of the billing period that holds a day."""
        if self._only_calendar is not None:
            return self._only_calendar
        period = self.period_of(day)
        return self._calendar(period.start if period else day)

    def day_of(self, instant: datetime) -> date | None:
        """Return the local day in force that holds an instant, None where none does.

        Where the zone changes it is a day of the period that holds the instant.
        """
        utc = instant.date()
        # West of Greenwich a day that begins late is up to a day and a half behind.
        for days in (0, -1, 1, -2):
            span = self.period_of(add_days(utc, days))
            if span and self.start_of(span.start) <= instant < self.start_of(span.end):
                found = self.calendar_on(span.start).day_of(instant)
                return max(span.start, min(found, span.end - _DAY))
        return None

    def period(self, span: Span) -> Period:
        """Return a billing period with its instants; it ends where the next one begins."""
        return period(span, self.calendar_on(span.start), self.calendar_on(span.end))

    def account_on(self, day: date) -> Account | None:
        """Return the account as it stands on a day; before its first version as in that one."""
        found = None
        for version in self.accounts:
            if found is None or version.valid_from is None or version.valid_from <= day:
                found = version.noun
        return found

    @property
    def account(self) -> str:
        """Return whose contract it is, by its newest terms; empty where no day is in force."""
        return self.stretches[-1].terms.account if self.stretches else ""

    @property
    def currency(self) -> str:
        """Return the contract's currency, else its account's."""
        account = self.accounts[-1].noun if self.accounts else None
        return self.stretches[-1].terms.currency or (account.currency if account else "USD")

    @cached_property
    def _only_calendar(self) -> Calendar | None:
        """Return the calendar of all days where there is but one, as nearly always."""
        if len(self.stretches) == 1 and len(self.accounts) <= 1:
            return self._calendar(self.stretches[0].start)
        days = [FIRST_DAY, *(version.valid_from for version in self.accounts if version.valid_from)]
        days += [stretch.start for stretch in self.stretches]
        found = {self._calendar(day) for day in days} if len(days) > 1 else set()
        return found.pop() if len(found) == 1 else None

    def _calendar(self, day: date) -> Calendar:
        account = self.account_on(day)
        days = account.calendar if account else Calendar()
        terms = self.on(day) or (self.stretches[-1].terms if self.stretches else None)
        zone = terms.timezone if terms else None
        return days if zone is None or zone == days.timezone else Calendar(zone, days.day_start)


def agreement(directory: Directory, number: str) -> Agreement:
    """Lay the versions of a contract over each other; no day is in force where there is none.

    It is kept with these versions, and holds as long as those of the account are the same.
    """
    kept = directory.kept("contract", number)
    if isinstance(kept, Agreement) and kept.accounts == directory.spans("account", kept.account):
        return kept
    made = of_versions(directory, number, directory.spans("contract", number))
    directory.keep("contract", number, made)
    return made


def of_versions(
    directory: Directory, number: str, versions: Iterable[Version[Contract]]
) -> Agreement:
    """Return what versions come to together, also such as are stored nowhere."""
    stretches = tuple(stretch for version in versions for stretch in _stretches(version))
    owner = stretches[-1].terms.account if stretches else ""
    return Agreement(number, stretches, directory.spans("account", owner))


def span_of(schedules: Iterable[Schedule], day: date) -> Span | None:
    """Return the cycle that holds a day, None where none does."""
    for schedule in schedules:
        if schedule.in_force(day):
            return schedule.cycle_of(day)
    return None


def _stretches(version: Version[Contract]) -> Iterator[Stretch]:
    """Yield the days of one version in force, cut by its phases."""
    terms = version.noun
    start = max(version.valid_from or FIRST_DAY, terms.start_date)
    end = min(version.valid_to or NEVER, last_day_of(terms) + _DAY)
    if terms.status == "draft" or start >= end:
        return
    edges = {start, end}
    for phase in terms.phases:
        until = NEVER if phase.end_date is None else phase.end_date + _DAY
        edges |= {day for day in (phase.start_date, until) if start < day < end}
    for first, last in pairwise(sorted(edges)):
        yield Stretch(first, last, laid_over(terms, phase_on(terms, first)))


def last_day_of(terms: Contract) -> date:
    """Return the last day in force by one version; the day before `NEVER` where there is none."""
    endless = NEVER - _DAY
    if terms.end_date is None:
        return FIRST_DAY if terms.status == "ended" else endless
    if terms.renewal.policy == "auto" and terms.status == "active":
        return endless
    return min(terms.end_date, endless)


def phase_on(terms: Contract, day: date) -> int | None:
    """Return the place of the phase that holds a day."""
    for place, phase in enumerate(terms.phases):
        if phase.start_date <= day and (phase.end_date is None or day <= phase.end_date):
            return place
    return None


def laid_over(terms: Contract, place: int | None) -> Contract:
    """Return the terms with what a phase names in place of the contract's own."""
    if place is None:
        return terms
    parts = {name: getattr(terms.phases[place], name) for name in TERMS}
    named: Mapping[str, Any] = {name: p for name, p in parts.items() if p is not None}
    return terms.model_copy(update=named)


def _key(terms: Contract, cycle: Cycle) -> tuple[object, ...]:
    """Return what a cycle follows from; a cycle without a unit is the billing's."""
    billing = terms.billing
    anchor = billing.cycle_start_date or terms.start_date
    if cycle.cycle_unit is None:
        return billing.cycle_unit, billing.cycle_length, anchor
    if cycle.cycle_unit == "term":
        renewal = terms.renewal if terms.renewal.policy == "auto" else None
        return "term", terms.start_date, terms.end_date, renewal
    return cycle.cycle_unit, cycle.cycle_length, anchor


def _runs(
    keyed: Iterable[tuple[Any, Stretch]],
) -> Iterator[tuple[Any, tuple[date, date]]]:
    """Join stretches that touch and have the same key; yield the key and the days of each run."""
    key: Any = None
    days: tuple[date, date] | None = None
    for found, stretch in keyed:
        if days is not None and found == key and days[1] == stretch.start:
            days = days[0], stretch.end
            continue
        if days is not None:
            yield key, days
        key, days = found, (stretch.start, stretch.end)
    if days is not None:
        yield key, days


def _schedule(key: Any, days: tuple[date, date]) -> Schedule:
    start, end = days[0], None if days[1] == NEVER else days[1]
    if key[0] != "term":
        unit, length, anchor = key
        return Schedule(anchor, start, end, unit, length)
    _, term_start, last_day, renewal = key
    term_end = NEVER if last_day is None else min(last_day, NEVER - _DAY) + _DAY
    unit, length = term_cycle(term_start, term_end, renewal)
    return TermSchedule(term_end, start, end, unit, length, term_start)


def term_cycle(start: date, end: date, renewal: Renewal | None) -> tuple[CycleUnit, int]:
    """Return how long each further term is: by default as long as the first."""
    if renewal is not None and renewal.cycle_unit is not None:
        return renewal.cycle_unit, renewal.cycle_length
    months = (end.year - start.year) * 12 + end.month - start.month
    if months > 0 and add_months(start, months) == end:
        return "month", months
    return "day", (end - start).days
