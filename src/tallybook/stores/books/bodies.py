"""A position as bytes and back. Knows no table; a mark is stored once for all, not with each."""

from collections.abc import Callable
from dataclasses import fields
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, get_type_hints

import msgspec

from tallybook.model.ports import SnapshotState
from tallybook.model.position import Contribution, DayUse, Forecast, Period, Position

_DAY: Final = timedelta(days=1)
#: What is not among the values: days follow each other, so only the first is dated; the state has
#: the others.
_APART: Final = {"daily", "refreshed_at", "known_at"}


def _names(kind: type) -> list[str]:
    return [field.name for field in fields(kind) if field.name not in _APART]


def _tuple(kind: type, **instead: Any) -> Any:
    """Return the type of a dataclass's values in order: no names are stored."""
    hints = {**get_type_hints(kind), **instead}
    return tuple.__class_getitem__(tuple(hints[name] for name in _names(kind)))


_POSITION: Final = _names(Position)
_values: Final[Callable[[Position], tuple[Any, ...]]] = attrgetter(*_POSITION)
_period: Final[Callable[[Period], tuple[Any, ...]]] = attrgetter(*_names(Period))
_forecast: Final[Callable[[Forecast], tuple[Any, ...]]] = attrgetter(*_names(Forecast))
_PERIOD: Final = _POSITION.index("period")
_FORECAST: Final = _POSITION.index("forecast")
_CONTRIBUTIONS: Final = _POSITION.index("contributions")
_PARTS: Final = {
    "period": _tuple(Period),
    "forecast": _tuple(Forecast),
    "contributions": list.__class_getitem__(_tuple(Contribution)),
}
_USES: Final = list[Decimal | None]
_BODY: Final[Any] = tuple.__class_getitem__((_tuple(Position, **_PARTS), date | None, _USES))
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final[Callable[[bytes], Any]] = msgspec.msgpack.Decoder(_BODY).decode


def packed(position: Position) -> bytes:
    """Return a whole position but for its mark and the instant of the last load."""
    values = list(_values(position))
    values[_PERIOD] = _period(position.period)
    values[_FORECAST] = _forecast(position.forecast)
    values[_CONTRIBUTIONS] = [(c.account, c.used, c.share) for c in position.contributions]
    first = position.daily[0].date if position.daily else None
    return _encode((values, first, [day.used for day in position.daily]))


def unpacked(body: bytes, state: SnapshotState) -> Position:
    """Return the position that was packed, of the mark it is of now."""
    found, first, uses = _decode(body)
    values = dict(zip(_POSITION, found, strict=True))
    values["period"] = Period(*values["period"])
    values["forecast"] = Forecast(*values["forecast"])
    values["contributions"] = tuple(Contribution(*one) for one in values["contributions"])
    daily = () if first is None else tuple(map(DayUse, _days(first, len(uses)), uses))
    return Position(**values, daily=daily, refreshed_at=state.refreshed_at, known_at=state.mark)


@lru_cache(64)
def _days(first: date, count: int) -> tuple[date, ...]:
    return tuple(first + i * _DAY for i in range(count))
