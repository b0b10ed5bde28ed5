"""Numbers of documents, exact: what has a point or an exponent becomes Decimal."""

from decimal import Decimal, InvalidOperation


def exact(text: str) -> Decimal:
    """Read a JSON number by its text.

    Raises:
        ValueError: its exponent is beyond all measure.
    """
    try:
        return Decimal(text)
    except InvalidOperation as e:
        raise ValueError(f"the number {text[:40]} cannot be carried") from e
