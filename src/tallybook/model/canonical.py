"""JSON as text and back without losing anything: one text for one value, every digit kept."""

from decimal import Decimal
from typing import Any, Final

import msgspec

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number", order="deterministic")
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)


def encode(value: Any) -> str:
    """Write a value with its keys sorted and dates in ISO form.

    A Decimal becomes a JSON number and a text stays a text, so that 1.5 and "1.5" stay two.
    """
    return _ENCODER.encode(value).decode()


def decode(text: str) -> Any:
    """Read a value, numbers with a point or an exponent as Decimal."""
    return _DECODER.decode(text)
