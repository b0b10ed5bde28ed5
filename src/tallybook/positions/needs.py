"""What has to be counted to work out charges: questions as values, and their answers. Counts
nothing; the operations ask the events, a preview counts what it was given.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from tallybook.model.price import Billable


@dataclass(frozen=True, slots=True)
class Need:
    """The running use of a meter from `start`, at each of `ends`, ascending: of one account, or
    with `pooled` of its tree as it stands at each instant. `on` is the day whose definition of
    the meter counts.

    `dimensions` ask for the events one by one in order of (time, id), with their values; None
    where quantities are enough. A stock's latest carries forward from before `start`. `line` is the
    code of the line that is meant, where use is told by line and not by meter.
    """

    meter: str
    on: date
    account: str
    pooled: bool
    start: datetime
    ends: tuple[datetime, ...]
    dimensions: tuple[str, ...] | None = None
    line: str | None = None


#: One answer for each of `ends`: what was used from `start` to before it. No value counts 0.
Uses = Mapping[Need, tuple[Billable, ...]]
