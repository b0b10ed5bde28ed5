"""From a price as a document to an amount: the reader of prices, and what follows the price of one
quantity: discount, maximum, minimum, in this order. Knows nothing of contracts or days.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import cache, lru_cache
from typing import Final

import tallybook.pricing as price_models
from tallybook.model.canonical import decode, encode
from tallybook.model.errors import Invalid
from tallybook.model.kinds import load
from tallybook.model.nouns import Document
from tallybook.model.price import Price
from tallybook.model.quantity import EXACT

_HUNDRED: Final = Decimal(100)


def price_of(document: Document) -> Price:
    """Read a price by the model it names.

    Raises:
        Invalid: `price_model_missing`, `unknown_kind`, or `document_invalid` from the model.
    """
    model = document.get("model")
    if not isinstance(model, str):
        raise Invalid(
            "price_model_missing",
            'A price names its model, as in {"model": "per_unit"}.',
            field="price.model",
        )
    return _price(model, encode(document))


def discounted(amount: Decimal, percent: Decimal) -> Decimal:
    """Return an amount less some percent of it."""
    rest = EXACT.multiply(amount, EXACT.subtract(_HUNDRED, percent))
    return EXACT.divide(rest, _HUNDRED) if percent else amount


def bounded(amount: Decimal, least: Decimal | None, most: Decimal | None) -> Decimal:
    """Return at most the maximum, then at least the minimum; a minimum is charged of nothing too.

    So where the minimum lies above the maximum, the minimum is charged.
    """
    if most is not None:
        amount = min(amount, most)
    return amount if least is None else max(amount, least)


@lru_cache(1_000)
def _price(model: str, document: str) -> Price:
    """Read a price once for all lines that have it: to check it costs more than a position."""
    return _reader(model)(decode(document))


@cache
def _reader(model: str) -> Callable[[Document], Price]:
    reader: Callable[[Document], Price] = load(price_models, model).parse
    return reader
