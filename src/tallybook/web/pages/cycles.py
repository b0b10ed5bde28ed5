"""The ways from the period of a line that is shown to the others. Counts nothing."""

from datetime import timedelta
from typing import Final

from tallybook.positions.terms import Terms
from tallybook.web.pages import format as words
from tallybook.web.pages.charted import LinkTo
from tallybook.web.pages.view import Link, Segment

_DAY: Final = timedelta(days=1)
_PERIODS: Final = {"": "This period", "last": "Last period", "3m": "3 months", "12m": "12 months"}
#: What an address no longer says of a period when another is chosen.
_ELSEWHERE: Final = {"on": None, "from": None, "until": None}


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
