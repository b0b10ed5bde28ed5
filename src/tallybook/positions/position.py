"""Where a line stands: use, then allotment, then the price of what lies beyond. The order of
arithmetic is written here, once.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final

from tallybook.model.mark import Mark
from tallybook.model.nouns import Person
from tallybook.model.position import Contribution, Forecast, Position, Status
from tallybook.model.price import Billable, Price
from tallybook.model.quantity import EXACT
from tallybook.positions.charge import price_of
from tallybook.positions.forecast import Course, forecast
from tallybook.positions.terms import Terms
from tallybook.positions.use import Use

NEAR_PERCENT: Final = 80
_PERCENT_PLACES: Final = Decimal("0.000001")
_SHARE_PLACES: Final = Decimal("1e-12")
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Known:
    """What an answer rests on: its mark, and the instant of the last load."""

    mark: Mark
    refreshed_at: datetime | None


def position(line: Terms, use: Use, known: Known) -> Position:
    """Work out where a line stands. Amounts are unrounded.

    An allotment includes what lies up to it; the price is for what lies beyond. Without an
    allotment everything is priced, with an unlimited one nothing is.
    """
    with localcontext(EXACT):
        used = use.so_far
        quantity = used or _ZERO
        allotment = None if line.line.allotment is None else line.line.allotment.quantity
        overage = beyond(quantity, allotment)
        price = None if line.line.price is None else price_of(line.line.price)
        amount = charge(line, price, quantity)
        ahead = _forecast(line, use, allotment, price)
        return Position(
            contract=line.contract.number,
            line=line.line.code,
            account=line.contract.account,
            product=line.line.product,
            service=line.service,
            unit=line.meter.unit,
            kind=line.meter.kind,
            period=line.period,
            used=used,
            allotment=allotment,
            remaining=None if allotment is None else max(_ZERO, allotment - quantity),
            percent_used=percent(quantity, allotment),
            overage=overage,
            overage_amount=amount if overage else _ZERO,
            amount=amount,
            currency=currency(line),
            status=status(quantity, allotment),
            likely_over=_likely_over(quantity, allotment, ahead),
            low_use=_low_use(allotment, ahead),
            forecast=ahead,
            contributions=_contributions(line, use),
            daily=use.since(line.first_day),
            branch=line.contract.branch or (line.account.branch if line.account else None),
            csm=_person(line.contract.csm or (line.account.csm if line.account else None)),
            data_through=line.data_through,
            refreshed_at=known.refreshed_at,
            known_at=known.mark,
            is_unlimited=line.line.allotment is not None and allotment is None,
            account_name=line.account.title if line.account else line.contract.account,
            meter=line.meter.key,
        )


def beyond(quantity: Decimal, allotment: Decimal | None) -> Decimal:
    """Return how much lies beyond an allotment; nothing lies beyond none."""
    return _ZERO if allotment is None else max(_ZERO, EXACT.subtract(quantity, allotment))


def billable(line: Terms, quantity: Decimal) -> Decimal:
    """Return how much of a quantity is priced."""
    if line.line.allotment is None:
        return max(_ZERO, quantity)
    return beyond(quantity, line.line.allotment.quantity)


def charge(line: Terms, price: Price | None, quantity: Decimal) -> Decimal:
    """Return the price of what is billable of a quantity; zero where the line has no price."""
    return _ZERO if price is None else price.charge(Billable(billable(line, quantity)))


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


def _forecast(line: Terms, use: Use, allotment: Decimal | None, price: Price | None) -> Forecast:
    ahead = forecast(
        Course(
            start=line.period.start_date,
            end=line.period.end_date,
            first_day=max(line.first_day, next(iter(use.days))),
            last_day=line.last_day,
            days={day: used for day, used in use.days.items() if used is not None},
            to_date=use.to_date or _ZERO,
            so_far=use.so_far or _ZERO,
            allotment=allotment,
            nature=line.nature,
        )
    )
    if price is None or ahead.projected is None:
        return ahead
    return replace(ahead, projected_amount=charge(line, price, ahead.projected))


def _likely_over(quantity: Decimal, allotment: Decimal | None, ahead: Forecast) -> bool:
    if allotment is None or ahead.projected is None:
        return False
    return quantity < allotment < ahead.projected


def _low_use(allotment: Decimal | None, ahead: Forecast) -> bool:
    if not allotment or ahead.projected is None:
        return False
    return ahead.projected * 2 < allotment


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
