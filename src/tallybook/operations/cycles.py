"""Which of a line's periods an address asks about. Counts nothing."""

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

_DAY: Final = timedelta(days=1)
_MOMENT: Final = timedelta(microseconds=1)


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
