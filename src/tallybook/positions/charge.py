"""Prices of documents: found by the model they name, and read once."""

from collections.abc import Callable
from functools import cache, lru_cache

import tallybook.pricing as price_models
from tallybook.model.canonical import decode, encode
from tallybook.model.errors import Invalid
from tallybook.model.kinds import load
from tallybook.model.nouns import Document
from tallybook.model.price import Price


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


@lru_cache(1_000)
def _price(model: str, document: str) -> Price:
    """Read a price once for all lines that have it: to check it costs more than a position."""
    return _reader(model)(decode(document))


@cache
def _reader(model: str) -> Callable[[Document], Price]:
    reader: Callable[[Document], Price] = load(price_models, model).parse
    return reader
