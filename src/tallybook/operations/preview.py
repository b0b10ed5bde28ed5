"""Answers to `what if`: calculations on what the caller sends, with nothing stored or read."""

from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from tallybook.model.limits import BUCKETS_MAX
from tallybook.model.nouns import Day, Document, Noun, Quantity, parse
from tallybook.model.position import Forecast, Method
from tallybook.model.scope import Scope
from tallybook.positions.forecast import course_of_days, forecast


class DayQuantity(Noun):
    """Use on a day; a day that is named twice counts with both."""

    date: Day
    quantity: Quantity


class ForecastRequest(Noun):
    """A period [period_start, period_end), and its days and those before it.

    `data_through` is the last complete local date.
    """

    period_start: Day
    period_end: Day
    data_through: Day
    days: Annotated[list[DayQuantity], Field(max_length=BUCKETS_MAX)]
    allotment: Quantity | None = None
    method: Method = "mean_7"

    @model_validator(mode="after")
    def _span_fits(self) -> Self:
        if self.period_end <= self.period_start:
            raise ValueError("period_end must lie after period_start")
        return self


def preview_forecast(scope: Scope, document: Document) -> Forecast:
    """Forecast the use of a period from its days; absent days count 0.

    The line is taken to begin with the period, or with the first day named where that is earlier.

    Raises:
        Invalid: `document_invalid`, naming the field at fault.
    """
    scope.require("read")
    asked = parse(ForecastRequest, document)
    days: dict[date, Quantity] = {}
    for day in asked.days:
        days[day.date] = days.get(day.date, 0) + day.quantity
    first = min([asked.period_start, *days])
    course = course_of_days(
        asked.period_start, asked.period_end, first, asked.data_through, days, asked.allotment
    )
    return forecast(course, asked.method)
