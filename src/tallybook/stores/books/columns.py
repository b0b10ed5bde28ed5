"""The types of the columns of Books: each is the same on every database."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Dialect, Text, TypeDecorator

from tallybook.model.canonical import decode, encode
from tallybook.model.time import from_micros, micros


class _Plain(TypeDecorator[str]):
    """Text on PostgreSQL: in the order of its characters' codes, as on SQLite, and without NUL,
    which it cannot keep.
    """

    impl = Text
    cache_ok = True

    def __init__(self) -> None:
        """Ask for the order that no locale changes."""
        super().__init__(collation="C")

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Write a text."""
        return None if value is None else value.replace("\x00", "\ufffd")


#: A text that is compared and sorted; the same order everywhere.
Word: Final = Text().with_variant(_Plain(), "postgresql")


class Instant(TypeDecorator[datetime]):
    """An instant as microseconds since 1970: exact, and the same on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Write an aware datetime."""
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Read an aware datetime in UTC."""
        return None if value is None else from_micros(value)


class Json(TypeDecorator[Any]):
    """A JSON value as its canonical text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write a value."""
        return None if value is None else encode(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Read a value."""
        return None if value is None else decode(value)
