"""How a line's numbers came about, in sentences: events, meter, allotment, price, forecast."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Final

from tallybook.model.position import Method, Position
from tallybook.model.price import Part
from tallybook.positions.explanation import Explanation
from tallybook.web.pages import format as words
from tallybook.web.pages.view import Step

_MOMENT = timedelta(microseconds=1)
_OF: Final[dict[Method, str]] = {
    "mean_7": "the mean of the last seven complete days",
    "weekday": "the mean of the last seven complete days, by how much each weekday has of a week",
    "linear": "the mean of its own days so far",
}


def steps(
    found: Position, how: Explanation, zone: str, method: Method = "mean_7"
) -> Iterable[Step]:
    """Yield the steps in order; `method` is that of the forecast."""
    events, meter = how.events, how.meter
    accounts = words.plural(events.accounts, "account", "accounts")
    period = words.span(found.period.start_date, found.period.end_date - timedelta(days=1))
    since = f"up to {words.through(events.end, zone)}" if found.kind == "stock" else f"in {period}"
    yield Step(
        "Events",
        f"{words.plural(events.count, 'event', 'events')} of type {events.type} {since}, "
        f"{zone}, from {accounts}.",
    )
    of = f" of {meter.property} in" if meter.property else " of"
    used = words.number(meter.quantity)
    keys = " and ".join((meter.key, *meter.others))
    meant = f"{keys}, the {meter.aggregation}{of} these events"
    yield Step("Meter", f"{meant}: {used} {meter.unit}.")
    if how.changes:
        days = " and ".join(words.day(day) for day in how.changes)
        yield Step("Terms", f"Other terms hold from {days}; each part by the terms of its days.")
    yield Step("Allotment", _allotment(found, how))
    if how.price is not None:
        yield Step("Price", " ".join(_price(how)))
    yield Step("Forecast", _forecast(found, zone, method))


def _allotment(found: Position, how: Explanation) -> str:
    step, unit = how.allotment, found.unit
    if step.is_unlimited:
        return "Unlimited: nothing lies beyond it."
    free = f" The first {words.number(step.free)} are free." if step.free else ""
    if step.included is None:
        return (
            "None was agreed, so all use is priced." if how.price else "None was agreed."
        ) + free
    said = f"{words.number(step.included)} {unit} are included"
    if step.pooled:
        said += f", {words.number(step.pooled)} of them by other contracts of the tree"
    if step.carried > 0:
        said += f", and {words.number(step.carried)} left from before"
    elif step.carried < 0:
        said += f", less {words.number(-step.carried)} overdrawn before"
    return f"{said}; {words.number(step.beyond)} lie beyond.{free}"


def _price(how: Explanation) -> Iterable[str]:
    price = how.price
    if price is None:
        return
    yield f"Model {price.model} on {words.number(price.billable)}:"
    for part in price.parts:
        yield priced(part, price.currency)
    if len(price.parts) != 1:
        yield f"Together {words.money(price.amount, price.currency)}."


def priced(part: Part, currency: str) -> str:
    """Say what a part of a charge multiplies and adds, as in `10 × $0.05 + $1.00 = $1.50.`."""
    quantity, amount = words.number(part.quantity), words.money(part.amount, currency)
    flat = ""
    if part.flat_amount:
        times = "" if part.count == 1 else f"{words.number(Decimal(part.count))} × "
        flat = f"{times}{words.price(part.flat_amount, currency)}"
    if part.unit_amount is None and part.rate is None:
        bound = {None: "", "max": "the most: ", "min": "the least: "}[part.limit]
        return f"{quantity} for {amount}{f' ({bound}{flat})' if part.count != 1 or bound else ''}."
    each = (
        f"{words.number((part.rate or Decimal(0)) * 100)} %"
        if part.unit_amount is None
        else words.price(part.unit_amount, currency)
    )
    return f"{quantity} × {each}{flat and f' + {flat}'} = {amount}."


def _forecast(found: Position, zone: str, method: Method) -> str:
    ahead = found.forecast
    end = words.through(found.data_through, zone)
    known = f"{words.number(ahead.to_date)} {found.unit} up to {end}"
    if ahead.status == "actual":
        return f"The period is over: {known}."
    if ahead.projected is None:
        return f"None before three days are complete; {known}."
    if ahead.daily_mean is None:
        return f"{known}. A level is expected to stay as it is: {words.number(ahead.projected)}."
    days = words.plural(ahead.remaining_days, "day", "days")
    mean = words.estimate(ahead.daily_mean)
    of = _OF["linear"] if ahead.is_estimate_of_distinct else _OF[method]
    return (
        f"{known}, plus {mean} a day, {of}, for the {days} that are not complete "
        f"({words.estimate(ahead.remaining_volume)}): {words.estimate(ahead.projected)}; "
        "never below what is used."
    )
