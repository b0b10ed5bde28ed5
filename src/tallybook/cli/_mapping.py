"""How a row of somebody's file becomes a CloudEvent. Pure; knows no file and no server."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from tallybook.model.errors import Invalid
from tallybook.model.nouns import parse
from tallybook.model.table import Row, Table
from tallybook.model.time import EPOCH, format_instant, from_micros, micros, zone

ATTRIBUTES: Final = ("id", "source", "type", "subject", "time")
#: Ids are counted once a source, so the default must not depend on what a file is called.
SOURCE: Final = "import"

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
_UNIX = re.compile(r"-?\d{1,15}(?:\.\d+)?", re.ASCII)
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?)?\s*"
    r"(?:(Z|z|UTC)|([+-]\d\d):?(\d\d)?)?",
    re.ASCII,
)


class TimeFormat(StrEnum):
    """How a column of times is written."""

    ISO = "iso"
    UNIX = "unix"
    UNIX_MS = "unix-ms"


class Recipe(BaseModel):
    """What a mapping file may say; the command line says the same and wins.

    `map` names the column of each part of an event: `id`, `source`, `type`, `subject`, `time` or
    `data.…`; `set` holds constants; `text` names parts of `data` that are text although they look
    like numbers. Times without a zone are in `timezone`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    map: dict[str, str] = Field(default_factory=dict)
    set: dict[str, str | int | bool | Decimal] = Field(default_factory=dict)
    text: tuple[str, ...] = ()
    time_format: TimeFormat = TimeFormat.ISO
    timezone: str = "UTC"
    format: str | None = None
    delimiter: str | None = None


def recipe(document: Mapping[str, Any], given: Mapping[str, Any]) -> Recipe:
    """Join a mapping file with what the command line gives; None is not given.

    Raises:
        Invalid: `document_invalid`, `mapping_invalid`, `unknown_zone`.
    """
    said = {name: value for name, value in given.items() if value}
    for name in ("map", "set"):
        said[name] = {**(document.get(name) or {}), **said.get(name, {})}
    made = parse(Recipe, {**document, **said})
    for part in (*made.map, *made.set):
        if part not in ATTRIBUTES and not re.fullmatch(r"data(\.[^.]+)+", part):
            raise Invalid(
                "mapping_invalid",
                f"{part!r} is no part of an event; there are id, source, type, subject, time and "
                "data.NAME.",
                field=part,
            )
    zone(made.timezone)
    return made


@dataclass(frozen=True, slots=True)
class Mapper:
    """Makes events of the rows of one table."""

    recipe: Recipe
    columns: Mapping[str, str]
    is_text: bool

    def event(self, row: Row, default_id: Callable[[int], str]) -> dict[str, Any]:
        """Make an event of a row; `default_id` names one without an id by
        its number.

        Raises:
            Invalid: `time_invalid`, `record_invalid`.
        """
        event: dict[str, Any] = {"specversion": "1.0", "source": SOURCE}
        if not self.columns:
            event.update(row.fields)
        for part, column in self.columns.items():
            value = row.fields.get(column) if self.is_text else _at(row.fields, column)
            if value is None or value == "":
                continue
            if part in ATTRIBUTES:
                event[part] = value if isinstance(value, str) else _plain(value)
            else:
                _put(event, part, self._datum(part, value))
        for part, constant in self.recipe.set.items():
            _put(event, part, constant if part not in ATTRIBUTES else str(constant))
        if "time" in self.columns or "time" in event:
            event["time"] = self._time(event.get("time"))
        if not event.get("id"):
            event["id"] = default_id(row.number)
        return event

    def _datum(self, part: str, value: Any) -> Any:
        if self.is_text and part not in self.recipe.text and _NUMBER.fullmatch(value):
            return Decimal(value) if "." in value else int(value)
        return _plain(value) if part in self.recipe.text else value

    def _time(self, value: Any) -> str:
        text = "" if value is None else _plain(value).strip()
        if not text:
            raise Invalid("time_invalid", "The time is missing.", field="time")
        if self.recipe.time_format is TimeFormat.ISO:
            return _iso(text, self.recipe.timezone)
        return _unix(text, 1 if self.recipe.time_format is TimeFormat.UNIX else 1000)


def mapper(recipe_: Recipe, table: Table) -> Mapper:
    """Fit a recipe to a table.

    Without `map`, columns named like parts of an event are those, and records are events already.

    Raises:
        Invalid: `unknown_column`, `mapping_incomplete`.
    """
    columns = dict(recipe_.map)
    if table.columns is not None:
        columns = columns or {c: c for c in table.columns}
        strange = [c for c in columns if c not in ATTRIBUTES and not c.startswith("data.")]
        if strange:
            raise Invalid(
                "mapping_incomplete",
                f"Say what the columns are with --map PART=COLUMN, where PART is id, source, "
                f"type, subject, time or data.NAME. There are: {', '.join(table.columns)}.",
            )
        for part, column in columns.items():
            if column not in table.columns:
                raise Invalid(
                    "unknown_column",
                    f"There is no column {column!r} (for {part}); there are: "
                    f"{', '.join(table.columns)}.",
                    field=part,
                )
    if columns:
        for part in ("type", "subject", "time"):
            if part not in columns and part not in recipe_.set:
                raise Invalid(
                    "mapping_incomplete",
                    f"Nothing says the {part} of an event: --map {part}=COLUMN or "
                    f"--set {part}=VALUE.",
                    field=part,
                )
    return Mapper(recipe_, columns, table.is_text)


def _plain(value: Any) -> str:
    """Write a value of a column as text; decimals without an exponent."""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _at(record: Mapping[str, Any], path: str) -> Any:
    """Look a column up, or follow its dots into objects."""
    if path in record or "." not in path:
        return record.get(path)
    inside: Any = record
    for name in path.split("."):
        inside = inside.get(name) if isinstance(inside, Mapping) else None
    return inside


def _put(event: dict[str, Any], path: str, value: Any) -> None:
    *outer, last = path.split(".")
    for name in outer:
        inside = event.setdefault(name, {})
        if not isinstance(inside, dict):
            raise Invalid("record_invalid", f"{name} is no object, so it has no {last}.")
        event = inside
    event[last] = value


def _iso(text: str, timezone: str) -> str:
    """Write a time as RFC 3339 with all its digits; without an offset it is local in `timezone`.

    An hour that comes twice is its first, one that is skipped is read by the offset before it.
    """
    found = _ISO.fullmatch(text)
    if found is None:
        hint = " For seconds since 1970 add --time-format unix." if _UNIX.fullmatch(text) else ""
        raise Invalid(
            "time_invalid", f"The time {text[:40]!r} is not like 2026-03-01 09:30:00.{hint}",
            field="time",
        )  # fmt: skip
    day, clock, seconds, utc, hours, minutes = found.groups()
    bare = f"{day}T{clock or '00:00'}{seconds or ':00'}"
    if hours:
        return f"{bare}{hours}:{minutes or '00'}"
    if utc or timezone == "UTC":
        return f"{bare}Z"
    try:
        whole, _, fraction = bare.partition(".")
        instant = datetime.fromisoformat(whole).replace(tzinfo=zone(timezone))
        return format_instant(from_micros(micros(instant) + int(fraction[:6].ljust(6, "0"))))
    except (ValueError, OverflowError) as e:
        raise Invalid("time_invalid", f"The time {text[:40]!r} is none.", field="time") from e


def _unix(text: str, a_second: int) -> str:
    if not _UNIX.fullmatch(text):
        raise Invalid(
            "time_invalid", f"The time {text[:40]!r} is no count since 1970.", field="time"
        )
    try:
        count = int(Decimal(text) * (1_000_000 // a_second))
        return format_instant(from_micros(count))
    except (OverflowError, InvalidOperation) as e:
        raise Invalid(
            "time_invalid",
            f"{text[:40]} since {EPOCH.year} is beyond the year 9999; see --time-format.",
            field="time",
        ) from e
