"""Values as JSON says them in answers and statements: decimals, instants and days as texts."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

from tallybook.model.mark import Mark
from tallybook.model.quantity import exact_text
from tallybook.model.time import format_instant

_TEXTS: Final[tuple[tuple[type, Callable[[Any], str]], ...]] = (
    (Decimal, exact_text),
    (datetime, format_instant),
    (Mark, str),
    (time, lambda value: value.strftime("%H:%M")),
    (date, date.isoformat),
)


def plain(value: Any) -> Any:
    """Turn a value into what JSON can say; a dataclass into an object with its fields."""
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(v) for v in value]
    for kind, text in _TEXTS:
        if isinstance(value, kind):
            return text(value)
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return value
