"""What has to be counted to work out charges: questions as values, and their answers. Counts
nothing; the operations ask the events, a preview counts what it was given.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple

from tallybook.model.price import Billable


class Window(NamedTuple):
    """Within which time a counter's reading may stand for the edge of a cycle."""

    start: datetime
    end: datetime


class Need(NamedTuple):
    """The running use of a meter from `start`, at each of `ends`, ascending: of one account, or
    with `pooled` of its tree as it stands at each instant. `on` is the day whose definition of
    the meter counts.

    `dimensions` ask for the events one by one in order of (time, id), with their values; None
    where quantities are enough. A stock's latest carries forward from before `start`. `line` is the
    code of the line that is meant, where use is told by line and not by meter. `from_reading` and
    `to_reading` say which readings of a counter may stand for `start` and for the last of `ends`.
    """

    meter: str
    on: date
    account: str
    pooled: bool
    start: datetime
    ends: tuple[datetime, ...]
    dimensions: tuple[str, ...] | None = None
    line: str | None = None
    from_reading: Window | None = None
    to_reading: Window | None = None


#: One answer for each of `ends`: what was used from `start` to before it. No value counts 0.
Uses = Mapping[Need, tuple[Billable, ...]]
