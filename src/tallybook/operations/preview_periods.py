"""The periods that a schedule would have: calculated from what the caller sends, nothing stored."""

from collections.abc import Iterable
from datetime import date, time, timedelta
from typing import Annotated, Final

from pydantic import Field, ValidationInfo, field_validator

from tallybook.model.contract import Count, CycleUnit
from tallybook.model.errors import Invalid
from tallybook.model.limits import BUCKETS_MAX
from tallybook.model.nouns import Day, DayStart, Document, Noun, Zone, parse
from tallybook.model.position import Period
from tallybook.model.scope import Scope
from tallybook.model.time import LAST_DAY, Calendar, read_instant
from tallybook.positions.periods import Schedule, period

_DAY: Final = timedelta(days=1)

#: A local date or an instant; which it is shows by its length.
When = Annotated[str, Field(description="A local date or an instant.")]


class PeriodsRequest(Noun):
    """A schedule as in a contract's billing, the days in force, and which periods to answer.

    `end_date` is the last day in force, null without end; [from, to) selects the periods that
    touch it.
    """

    timezone: Zone = "UTC"
    cycle_unit: CycleUnit = "month"
    cycle_length: Count = 1
    cycle_start_date: Day | None = None
    start_date: Day
    end_date: Day | None = None
    from_: Annotated[When | None, Field(alias="from")] = None
    to: When | None = None
    day_start: Annotated[DayStart, Field(json_schema_extra={"default": "00:00"})] = time(0)

    @field_validator("end_date")
    @classmethod
    def _ends_after_it_starts(cls, end: date | None, info: ValidationInfo) -> date | None:
        start = info.data.get("start_date")
        if start is not None and end is not None and end < start:
            raise ValueError("must not lie before start_date")
        return end


def preview_periods(scope: Scope, documents: Iterable[Document]) -> list[list[Period]]:
    """Return the periods of each schedule, in order.

    Without `from` they begin with the first one, without `to` they go on to the last: to the end
    of time where there is no `end_date`. All lists together hold at most `BUCKETS_MAX` periods.

    Raises:
        Invalid: `document_invalid`, naming the field at fault, `time_invalid`, `date_invalid`,
            `range_invalid`, or `too_many_periods` with `limit` and `asked`.
    """
    scope.require("read")
    found: list[list[Period]] = []
    asked = 0
    for document in documents:
        request = parse(PeriodsRequest, document)
        calendar = Calendar(request.timezone, request.day_start)
        plan = _schedule(request)
        first, last = _selected(request, plan, calendar)
        asked += plan.count(first, last)
        if asked > BUCKETS_MAX:
            raise _too_many(asked)
        found.append([period(span, calendar) for span in plan.between(first, last)])
    return found


def _schedule(request: PeriodsRequest) -> Schedule:
    end = request.end_date
    return Schedule(
        anchor=request.cycle_start_date or request.start_date,
        start=request.start_date,
        end=None if end is None else end + _DAY,
        unit=request.cycle_unit,
        length=request.cycle_length,
    )


def _selected(request: PeriodsRequest, plan: Schedule, calendar: Calendar) -> tuple[date, date]:
    """Return the local days [first, last) that `from` and `to` touch; the day of both where they
    are one instant.
    """
    start = None if request.from_ is None else read_instant(request.from_, calendar, "from")
    end = None if request.to is None else read_instant(request.to, calendar, "to")
    if start is not None and end is not None and end < start:
        raise Invalid(
            "range_invalid", "to must not lie before from; change one of them.", field="to"
        )
    first = plan.start if start is None else calendar.day_of(start)
    if end is None:
        return first, LAST_DAY + _DAY
    last = calendar.day_of(end)
    return first, last + _DAY if calendar.start_of(last) < end or end == start else last


def _too_many(asked: int) -> Invalid:
    return Invalid(
        "too_many_periods",
        f"The answer would have at least {asked} periods, more than {BUCKETS_MAX}; "
        "name `from` and `to`, or a longer cycle.",
        limit=BUCKETS_MAX,
        asked=asked,
    )
