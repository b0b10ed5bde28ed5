"""What a price would charge: worked out from what the caller sends, nothing stored or read."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from tallybook.model.contract import Money, Percent, Volume
from tallybook.model.limits import BATCH_EVENTS_MAX
from tallybook.model.money import round_money
from tallybook.model.nouns import Currency, Document, Noun, Quantity, parse
from tallybook.model.price import Billable, Part, Piece, Price
from tallybook.model.quantity import EXACT
from tallybook.model.reading import property_at, shown
from tallybook.model.scope import Scope
from tallybook.positions.charge import bounded, discounted, price_of

_ZERO: Final = Decimal(0)
_NUMBER: Final = {"anyOf": [{"type": "number"}, {"type": "string"}]}


class ChargedEvent(Noun):
    """A quantity, and what a price by dimensions looks at."""

    quantity: Quantity
    properties: dict[str, Any] = Field(default_factory=dict)


def _event(value: Any) -> Any:
    """Take a number alone for an event of this quantity."""
    return value if isinstance(value, (Mapping, ChargedEvent)) else {"quantity": value}


Event = Annotated[
    ChargedEvent,
    BeforeValidator(_event),
    WithJsonSchema(
        {
            "anyOf": [
                *_NUMBER["anyOf"],
                {
                    "type": "object",
                    "required": ["quantity"],
                    "properties": {"quantity": _NUMBER, "properties": {"type": "object"}},
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


class ChargeRequest(Noun):
    """A price as in a contract's line, and either a quantity or the events it comes from, in the
    order in which they count: a number each, or an object with `quantity` and `properties`.
    """

    price: dict[str, Any]
    quantity: Volume | None = None
    events: Annotated[list[Event], Field(max_length=BATCH_EVENTS_MAX)] | None = None
    free_quantity: Volume = _ZERO
    minimum_amount: Money | None = None
    maximum_amount: Money | None = None
    discount_percent: Percent = _ZERO
    currency: Currency | None = None

    @model_validator(mode="after")
    def _asks_of_one_thing(self) -> Self:
        if (self.quantity is None) == (self.events is None):
            raise ValueError("name either a quantity or events")
        return self


@dataclass(frozen=True, slots=True)
class ChargePreview:
    """An amount, rounded if it has a currency, and the unrounded parts of its price, as they are
    before discount, maximum and minimum.
    """

    amount: Decimal
    currency: str | None
    parts: tuple[Part, ...]


def preview_charge(scope: Scope, document: Document) -> ChargePreview:
    """Work out a charge: price, discount, maximum, minimum, in this order.

    The price is for what lies beyond `free_quantity`. A minimum is charged at zero use too.

    Raises:
        Invalid: `document_invalid`, `price_model_missing` or `unknown_kind`, naming the field at
            fault.
    """
    scope.require("read")
    asked = parse(ChargeRequest, document)
    price = price_of(asked.price)
    use = _use(asked, price).beyond(asked.free_quantity)
    amount = discounted(price.charge(use), asked.discount_percent)
    amount = bounded(amount, asked.minimum_amount, asked.maximum_amount)
    if asked.currency is not None:
        amount = round_money(amount, asked.currency)
    return ChargePreview(amount, asked.currency, price.parts(use))


def _use(asked: ChargeRequest, price: Price) -> Billable:
    if asked.events is None:
        return Billable(asked.quantity or _ZERO)
    pieces = tuple(
        Piece(
            event.quantity, tuple(shown(property_at(event.properties, p)) for p in price.dimensions)
        )
        for event in asked.events
    )
    return Billable(reduce(EXACT.add, (piece.quantity for piece in pieces), _ZERO), pieces)
