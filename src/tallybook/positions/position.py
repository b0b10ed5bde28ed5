"""Where a line stands: use, what is included, and the price of what lies beyond, by the same rules
as a statement. What a line needs counted beside its days is said here; counts come as arguments.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final

from tallybook.model.mark import Mark
from tallybook.model.nouns import Person
from tallybook.model.position import Contribution, Forecast, Method, Position, Status
from tallybook.model.price import Billable
from tallybook.model.quantity import EXACT
from tallybook.positions.forecast import Course, forecast
from tallybook.positions.items import ZERO, Item, Turn, allotment
from tallybook.positions.needs import Need, Uses
from tallybook.positions.rating import (
    NOTHING_CARRIED,
    Carried,
    Run,
    Worked,
    converted,
    flat_amount,
    handed_on,
    included,
    price_in,
    runs,
    takes_events,
    work_out,
)
from tallybook.positions.terms import Terms
from tallybook.positions.use import Use

NEAR_PERCENT: Final = 80
_PERCENT_PLACES: Final = Decimal("0.000001")
_SHARE_PLACES: Final = Decimal("1e-12")
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Known:
    """What an answer rests on: its mark, and the instant of the last load."""

    mark: Mark
    refreshed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a line has come in its cycle: `available` is allotted and carried, None is no
    promise of a limit; `included` is that and what is free. Amounts are unrounded.
    """

    used: Decimal
    allotment: Decimal | None
    available: Decimal | None
    included: Decimal
    billable: Billable
    amount: Decimal

    @property
    def overage(self) -> Decimal:
        """Return what lies beyond what is available; nothing lies beyond none."""
        return ZERO if self.available is None else beyond(self.used, self.available)


def position(
    line: Terms, use: Use, known: Known, uses: Uses | None = None, method: Method = "mean_7"
) -> Position:
    """Work out where a line stands. Amounts are unrounded; `method` is that of the forecast.

    An allotment includes what lies up to it; the price is for what lies beyond. Without an
    allotment everything is priced, with an unlimited one nothing is. `uses` answer the `needs`
    of the line.
    """
    with localcontext(EXACT):
        use = in_unit(line.item, use)
        found = reached(line, use, uses or {})
        ahead = _forecast(line, use, found, method)
        return Position(
            contract=line.contract.number,
            line=line.item.code,
            account=line.contract.account,
            product=line.item.product,
            service=line.service,
            unit=line.unit,
            kind=line.meter.kind,
            period=line.period,
            used=None if use.so_far is None else found.used,
            allotment=found.allotment,
            remaining=None if found.available is None else max(ZERO, found.available - found.used),
            percent_used=percent(found.used, found.available),
            overage=found.overage,
            overage_amount=found.amount if found.overage else ZERO,
            amount=found.amount,
            currency=currency(line),
            status=status(found.used, found.available),
            likely_over=_likely_over(found, ahead),
            low_use=_low_use(found, ahead),
            forecast=ahead,
            contributions=_contributions(line, use),
            daily=use.since(line.first_day),
            branch=line.contract.branch or (line.account.branch if line.account else None),
            csm=_person(line.contract.csm or (line.account.csm if line.account else None)),
            data_through=line.data_through,
            refreshed_at=known.refreshed_at,
            known_at=known.mark,
            is_unlimited=line.item.is_unlimited,
            account_name=line.account.title if line.account else line.contract.account,
            meter=line.meter.key,
            timezone=line.calendar.timezone,
        )


def needs(line: Terms) -> tuple[Need, ...]:
    """Return what has to be counted of a line beside its days: nothing where its cycle has one
    segment, a price for quantities, no tolerance, and nothing handed on to it.
    """
    return tuple(n for _, counted in _counted(line) for run in counted for n in run.needs)


def reached(line: Terms, use: Use, uses: Uses) -> Reached:
    """Say how far a line has come, from use in its unit: by its days alone where these tell, else
    by its cycles.
    """
    counted = list(_counted(line))
    if not counted:
        return _plainly(line, use.so_far or ZERO)
    carried, done = NOTHING_CARRIED, None
    for turn, counts in counted:
        done = work_out(turn, counts, uses, carried)
        carried = handed_on(done)
    return _worked(line, done) if done else _plainly(line, use.so_far or ZERO)


def beyond(quantity: Decimal, allotment: Decimal | None) -> Decimal:
    """Return how much lies beyond an allotment; nothing lies beyond none."""
    return ZERO if allotment is None else max(ZERO, EXACT.subtract(quantity, allotment))


def _counted(line: Terms) -> Iterator[tuple[Turn[Item], list[Run]]]:
    """Yield the cycles that a line is worked out by, where its days do not tell."""
    begun = [segment for segment in line.turn.segments if segment.start <= line.today]
    by_cycles = takes_events(line.item) or line.item.tolerance is not None
    if not line.earlier and len(begun) == 1 and not by_cycles:
        return
    for turn in line.earlier:
        yield turn, list(runs(line.agreement, turn, [turn.end]))
    yield line.turn, list(runs(line.agreement, line.turn, [line.today + _DAY]))


def _plainly(line: Terms, used: Decimal) -> Reached:
    """Work a line out by one quantity: a cycle of one segment so far."""
    limit = included(line.turn, NOTHING_CARRIED)
    billable = Billable(ZERO if line.item.is_unlimited else used).beyond(limit)
    price = price_in(line.turn, line.item)
    amount = ZERO
    if price is not None and line.item.method != "roll_forward" and not line.item.is_unlimited:
        amount = price.charge(billable)
    return _reached(line, used, NOTHING_CARRIED, billable, _flat(line) or amount)


def _worked(line: Terms, done: Worked) -> Reached:
    rises = ZERO if line.item.method == "roll_forward" else sum(r.amount for r in done.rises)
    billable = done.rises[-1].after if done.rises else Billable(ZERO)
    return _reached(line, done.used, done.carried, billable, _flat(line) or rises or ZERO)


def _reached(
    line: Terms, used: Decimal, carried: Carried, billable: Billable, amount: Decimal
) -> Reached:
    limit = included(line.turn, carried)
    if line.item.allotment is None or line.item.is_unlimited:
        return Reached(used, None, None, limit, billable, amount)
    allotted = allotment(line.turn)
    return Reached(used, allotted, max(ZERO, allotted + carried.total), limit, billable, amount)


def _flat(line: Terms) -> Decimal | None:
    """Return what a flat charge comes to in the cycle; None where it is none."""
    if not line.item.is_flat:
        return None
    parts = (flat_amount(line.turn, s, line.turn.start, line.turn.end) for s in line.turn.segments)
    return sum((amount for amount, _ in parts), ZERO)


def in_unit(item: Item, use: Use) -> Use:
    """Return use in the item's unit; of its quantities only the whole is rounded to its step."""
    if item.conversion is None:
        return use
    plain = item.conversion.model_copy(update={"step": None})

    def of(quantity: Decimal | None, *, whole: bool = False) -> Decimal | None:
        by = item.conversion if whole else plain
        return None if quantity is None else converted(Billable(quantity), by).quantity

    days = {day: of(used) for day, used in use.days.items()}
    accounts = {account: of(used) for account, used in use.accounts.items()}
    return Use(of(use.so_far, whole=True), of(use.to_date), days, accounts)


def percent(quantity: Decimal, allotment: Decimal | None) -> Decimal | None:
    """Return percent of the allotment with 6 places; None of no allotment and of zero."""
    if not allotment:
        return None
    with localcontext(EXACT):
        return (quantity * 100 / allotment).quantize(_PERCENT_PLACES, ROUND_HALF_UP)


def status(quantity: Decimal, allotment: Decimal | None) -> Status:
    """Return the word for where a quantity stands against its allotment, compared exactly."""
    if allotment is None or (allotment == 0 and quantity <= 0):
        return "no_allotment"
    if quantity >= allotment:
        return "over" if quantity > allotment else "at_limit"
    with localcontext(EXACT):
        return "near" if quantity * 100 >= allotment * NEAR_PERCENT else "ok"


def currency(line: Terms) -> str:
    """Return the contract's currency, else its account's."""
    return line.contract.currency or (line.account.currency if line.account else "USD")


def _forecast(line: Terms, use: Use, found: Reached, method: Method) -> Forecast:
    ahead = forecast(
        Course(
            start=line.period.start_date,
            end=line.period.end_date,
            first_day=max(line.first_day, next(iter(use.days))),
            last_day=line.last_day,
            days={day: used for day, used in use.days.items() if used is not None},
            to_date=use.to_date or ZERO,
            so_far=use.so_far or ZERO,
            allotment=found.available,
            nature=line.nature,
        ),
        method,
    )
    amount = _ahead(line, found, ahead)
    return ahead if amount is None else replace(ahead, projected_amount=amount)


def _ahead(line: Terms, found: Reached, ahead: Forecast) -> Decimal | None:
    """Return the amount at the projected use: what is charged so far, and the rise from here on
    at today's price. None where the price looks at each event.
    """
    price = price_in(line.turn, line.item)
    if price is None or ahead.projected is None or price.BY_EVENT:
        return None
    if line.item.is_flat or line.item.is_unlimited or line.item.method == "roll_forward":
        return found.amount
    later = Billable(ahead.projected).beyond(found.included)
    return found.amount + price.charge(later) - price.charge(found.billable)


def _likely_over(found: Reached, ahead: Forecast) -> bool:
    if found.available is None or ahead.projected is None:
        return False
    return found.used < found.available < ahead.projected


def _low_use(found: Reached, ahead: Forecast) -> bool:
    if not found.available or ahead.projected is None:
        return False
    return ahead.projected * 2 < found.available


def _contributions(line: Terms, use: Use) -> tuple[Contribution, ...]:
    """Return who used how much of a pool, by account; shares only where parts make a whole."""
    whole = use.so_far if line.nature == "additive" else None
    return tuple(
        Contribution(account, used, _share(used, whole))
        for account, used in sorted(use.accounts.items())
    )


def _share(used: Decimal | None, whole: Decimal | None) -> Decimal | None:
    return (used / whole).quantize(_SHARE_PLACES) if whole and used is not None else None


def _person(person: Person | None) -> str | None:
    return None if person is None else person.email or person.name
