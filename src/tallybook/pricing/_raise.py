"""Planned increases: the rates of a price, raised by a percentage some times over."""

from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from tallybook.model.errors import Invalid
from tallybook.model.limits import PRICE_DIGITS_MAX
from tallybook.model.price import Price
from tallybook.model.quantity import EXACT

#: Marks a field of a price as an amount that increases raise.
RATE: Final = "rate"

P = TypeVar("P", bound=Price)


def raised(price: P, percent: Decimal, times: int, places: int | None) -> P:
    """Return a price with each rate raised by `percent`, `times` over; see `raised_amount`."""
    raised_too: P = _raised(price, percent, times, places) if times > 0 else price
    return raised_too


def raised_amount(amount: Decimal, percent: Decimal, times: int, places: int | None) -> Decimal:
    """Return an amount raised by `percent`, `times` over, each time rounded half up to `places`;
    None rounds nothing.

    Raises:
        Invalid: `amount_too_large`, where increases lead beyond what any price may be.
    """
    with localcontext(EXACT):
        for _ in range(times):
            amount = amount * (100 + percent) / 100
            if amount.adjusted() > PRICE_DIGITS_MAX:
                raise Invalid(
                    "amount_too_large",
                    f"Increases of {percent} % lead to more than {PRICE_DIGITS_MAX} digits by "
                    "then; give the rate schedule an end by a later version.",
                    field="rate_schedules",
                    limit=PRICE_DIGITS_MAX,
                )
            if places is not None:
                amount = amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return amount


def _raised(part: Any, percent: Decimal, times: int, places: int | None) -> Any:
    if isinstance(part, (list, tuple)):
        return type(part)(_raised(item, percent, times, places) for item in part)
    if not isinstance(part, BaseModel):
        return part
    update: dict[str, Any] = {}
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if RATE in field.metadata and value is not None:
            update[name] = raised_amount(value, percent, times, places)
        elif not isinstance(value, Decimal):
            update[name] = _raised(value, percent, times, places)
    kept = {name: getattr(part, name) for name in type(part).model_fields}
    return type(part).model_construct(**{**kept, **update})
