"""Which of a line's periods an address asks about, and the ways to the others. Counts nothing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from tallybook.model.directory import Directory
from tallybook.model.errors import Invalid, NotFound
from tallybook.model.scope import Scope
from tallybook.model.time import parse_date
from tallybook.operations.position import Instants, find_line
from tallybook.positions.agreement import agreement
from tallybook.positions.terms import Terms
from tallybook.web.pages import format as words
from tallybook.web.pages.charted import LinkTo
from tallybook.web.pages.view import Link, Segment

_DAY: Final = timedelta(days=1)
_MOMENT: Final = timedelta(microseconds=1)
_PERIODS: Final = {"": "This period", "last": "Last period", "3m": "3 months", "12m": "12 months"}
#: What an address no longer says of a period when another is chosen.
_ELSEWHERE: Final = {"on": None, "from": None, "until": None}


def instant(
    scope: Scope,
    directory: Directory,
    key: tuple[str, str],
    query: Mapping[str, str],
    now: Instants,
) -> Instants:
    """Return the instant that an address asks about: now, or the end of the last period or of the
    one that holds the day `on`. A contract that is over is shown as it ended.
    """
    if query.get("period") == "last":
        try:
            line = find_line(scope, directory, key, now, rollup=None)
        except NotFound:
            return _ended(scope, directory, key, now)
        return _end_of(scope, directory, key, now, before(line, now))
    day = _day(query.get("on", "")) or _last_day(directory, key[0], now)
    if day is None:
        return now
    agreed = agreement(directory, key[0])
    if agreed.on(day) is None:
        return now
    return _end_of(scope, directory, key, now, replace(now, at=agreed.start_of(day)))


def before(line: Terms, when: Instants) -> Instants:
    """Return the last instant of the period before the one of a line."""
    return replace(when, at=line.period.starts_at - _MOMENT)


def periods(link: LinkTo, *, current: str, has_last: bool) -> Segment:
    """Return the choice of a period; the three and twelve months are those of the chart alone."""
    offered = [value for value in _PERIODS if value != "last" or has_last]
    return Segment(
        "Period",
        tuple(
            Link(_PERIODS[value], link(period=value, **_ELSEWHERE), value == current)
            for value in offered
        ),
    )


def neighbours(
    line: Terms, link: LinkTo, *, has_earlier: bool, current: Terms | None
) -> Segment | None:
    """Return the ways to the period before and after the one shown, None where there is none.

    `current` is the line as it stands now, None where it is no longer in force.
    """
    period = line.period
    links = []
    if has_earlier:
        day = (period.start_date - _DAY).isoformat()
        links.append(Link("Earlier", link(period=None, **_ELSEWHERE | {"on": day})))
    shown = words.span(period.start_date, period.end_date - _DAY)
    links.append(Link(shown, link(), current=True))
    if current is not None and period.end_date <= current.period.start_date:
        is_next = period.end_date == current.period.start_date
        after = None if is_next else period.end_date.isoformat()
        links.append(Link("Later", link(period=None, **_ELSEWHERE | {"on": after})))
    return Segment("Period shown", tuple(links)) if len(links) > 1 else None


def _end_of(
    scope: Scope, directory: Directory, key: tuple[str, str], now: Instants, about: Instants
) -> Instants:
    """Return the last instant, or now, of the period that holds one; now where there is none."""
    if about.at > now.at:
        return now
    try:
        line = find_line(scope, directory, key, about, rollup=None)
    except NotFound:
        return now
    return replace(now, at=min(line.period.ends_at - _MOMENT, now.at))


def _ended(scope: Scope, directory: Directory, key: tuple[str, str], now: Instants) -> Instants:
    day = _last_day(directory, key[0], now)
    if day is None:
        return now
    about = replace(now, at=agreement(directory, key[0]).start_of(day))
    return _end_of(scope, directory, key, now, about)


def _last_day(directory: Directory, number: str, now: Instants) -> date | None:
    """Return the last day in force of a contract that is over, None while it is not."""
    agreed = agreement(directory, number)
    if agreed.day_of(now.at) is not None or not agreed.stretches:
        return None
    last = agreed.stretches[-1].end - _DAY
    return last if agreed.start_of(last) <= now.at else None


def _day(text: str) -> date | None:
    try:
        return parse_date(text, name="on") if text else None
    except Invalid:
        return None
