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
from tallybook.model.kinds import load, names
from tallybook.model.nouns import Document
from tallybook.model.price import Price
from tallybook.model.quantity import EXACT

_HUNDRED: Final = Decimal(100)


def price_of(document: Document) -> Price:
    """Read a price by the model it names; fields are named as within `price`.

    Raises:
        Invalid: `price_model_missing`, `unknown_kind`, or `document_invalid` from the model.
    """
    model = document.get("model")
    if not isinstance(model, str):
        known = ", ".join(names(price_models))
        raise Invalid(
            "price_model_missing",
            f"A price names its model; choose one of: {known}.",
            field="price.model",
        )
    try:
        return _price(model, encode(document))
    except Invalid as e:
        raise _placed(e) from e


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


def _placed(fault: Invalid) -> Invalid:
    """Return a fault of a price as one of the document that the price stands in."""
    inner = fault.facts.get("field") or ("model" if fault.code == "unknown_kind" else "")
    facts = {**fault.facts, "field": f"price.{inner}".rstrip(".")}
    errors = facts.get("errors")
    if isinstance(errors, list):
        facts["errors"] = [{**e, "field": f"price.{e['field']}".rstrip(".")} for e in errors]
    return Invalid(fault.code, f"price: {fault.detail}", **facts)


@lru_cache(1_000)
def _price(model: str, document: str) -> Price:
    """Read a price once for all lines that have it: to check it costs more than a position."""
    return _reader(model)(decode(document))


@cache
def _reader(model: str) -> Callable[[Document], Price]:
    reader: Callable[[Document], Price] = load(price_models, model).parse
    return reader
