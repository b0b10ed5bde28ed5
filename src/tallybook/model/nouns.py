"""What customers define: accounts and meters, as documents that check themselves, and what all
documents are made of. Contracts are in `model.contract`.

Documents hold no derived values. Versions, authors and dates of change belong to Books.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import ErrorDetails

from tallybook.model import limits
from tallybook.model.errors import Fault, Invalid, refusal
from tallybook.model.money import check_currency
from tallybook.model.quantity import exact_text, parse_price, parse_quantity
from tallybook.model.time import FIRST_DAY, LAST_DAY, Calendar, parse_date, parse_instant, zone

KEY_PATTERN: Final = r"^[A-Za-z0-9._:\-]{1,128}$"
#: A dotted path into `data`: one to eight names without control characters or quotes.
PATH_PATTERN: Final = r"^[^.\x00-\x1f\"\\]+(\.[^.\x00-\x1f\"\\]+){0,7}$"
#: The plain addresses of RFC 5321, a name and a host: what is quoted, a literal or not ASCII could
#: mean somebody else to some server.
EMAIL_PATTERN: Final = (
    r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+)*"
    r"@[A-Za-z0-9]([A-Za-z0-9\-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9\-]*[A-Za-z0-9])?)*$"
)
#: One line.
LINE_PATTERN: Final = r"^[^\x00-\x1f\x7f]*$"

#: What to write for a text that has to match one of these.
_PATTERNS: Final[Mapping[str, str]] = {
    EMAIL_PATTERN: "write one address, such as ann@example.com",
    LINE_PATTERN: "write one line, without line breaks, tabs or control characters",
    KEY_PATTERN: "write 1 to 128 of letters, digits and . _ : -",
    PATH_PATTERN: "write one to eight names with dots between them, such as usage.bytes",
}
#: What a kind of fault says, where pydantic's own words have no next step.
_SAID: Final[Mapping[str, str]] = {
    "bool_type": "must be true or false",
    "dict_type": "must be an object with names and values",
    "extra_forbidden": "is not known here; leave it out, or check how it is spelt",
    "greater_than_equal": "must be at least {ge}; choose a larger one",
    "int_parsing": "must be a whole number, such as 50",
    "int_parsing_size": "must be a whole number, such as 50",
    "int_type": "must be a whole number, such as 50",
    "less_than_equal": "must be at most {le}; choose a smaller one",
    "list_type": "must be a list; put what it holds between [ and ]",
    "literal_error": "must be {expected}; choose one",
    "missing": "is required; give it",
    "model_type": "must be an object with names and values",
    "string_too_long": "has more than {max_length} characters; shorten it",
    "string_type": "must be a text; put it in quotes",
    "too_long": "has more than {max_length} entries; send fewer",
    "too_short": "needs {min_length} entries or more; add what is missing",
}

_CLOCK: Final = re.compile(r"\d\d:\d\d", re.ASCII)

Document = Mapping[str, Any]
T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


def _checked(check: Callable[[Any], T]) -> Callable[[Any], T]:
    """Let a model check speak through pydantic, which understands ValueError only."""

    def validator(value: Any) -> T:
        try:
            return check(value)
        except Invalid as e:
            raise ValueError(e.detail) from e

    return validator


def _number(parse: Callable[[str], Decimal]) -> Callable[[Any], Decimal]:
    def read(value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
            raise Invalid("number_invalid", "must be a decimal, as a string or a JSON number")
        return parse(str(value))

    return _checked(read)


def _zone_name(name: str) -> str:
    zone(name)
    return name


def _clock(value: Any) -> time:
    if isinstance(value, time):
        return value
    is_clock = isinstance(value, str) and _CLOCK.fullmatch(value)
    return time.fromisoformat(value) if is_clock else _no_clock()


def _instant(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise Invalid("time_invalid", "must be an instant such as 2026-03-01T00:00:00Z")
    return parse_instant(value)


def _no_clock() -> time:
    raise ValueError("must be a local time such as 03:00")


def _day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return parse_date(value if isinstance(value, str) else "")
    except Invalid as e:
        raise ValueError("must be a day of the calendar, written as 2026-03-01") from e


def _in_range(day: date) -> date:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"must lie between {FIRST_DAY} and {LAST_DAY}")
    return day


_AS_TEXT: Final = PlainSerializer(exact_text, return_type=str)

Key = Annotated[str, StringConstraints(pattern=KEY_PATTERN)]
Path = Annotated[str, StringConstraints(pattern=PATH_PATTERN, max_length=limits.NAME_CHARS_MAX)]
Name = Annotated[str, StringConstraints(max_length=limits.NAME_CHARS_MAX)]
Zone = Annotated[str, AfterValidator(_checked(_zone_name))]
DayStart = Annotated[
    time,
    BeforeValidator(_clock),
    PlainSerializer(lambda t: t.strftime("%H:%M"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$"}),
]
Day = Annotated[date, BeforeValidator(_day), AfterValidator(_in_range)]
Instant = Annotated[datetime, BeforeValidator(_checked(_instant))]
Currency = Annotated[str, AfterValidator(_checked(check_currency))]
Quantity = Annotated[Decimal, BeforeValidator(_number(parse_quantity)), _AS_TEXT]
Amount = Annotated[Decimal, BeforeValidator(_number(parse_price)), _AS_TEXT]


class Noun(BaseModel):
    """A document: unknown fields are refused, so that a misspelt term is never silently lost."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=False)


class Person(Noun):
    """Somebody to write to."""

    name: Name | None = None
    email: Annotated[str, StringConstraints(max_length=254)] | None = None


class Named(Noun):
    """A noun with a key that is chosen by users, immutable and never reused."""

    key: Key
    name: Name | None = None

    @property
    def title(self) -> str:
        """Return the name to show."""
        return self.name or self.key


class Account(Named):
    """Who uses and pays. A new `parent` is a new version: moves are dated by `valid_from`."""

    timezone: Zone = "UTC"
    day_start: DayStart = Field(default=time(0), json_schema_extra={"default": "00:00"})
    currency: Currency = "USD"
    parent: Key | None = None
    branch: Name | None = None
    csm: Person | None = None
    status: Literal["active", "closed"] = "active"
    attributes: dict[str, Any] = Field(default_factory=dict)

    @property
    def calendar(self) -> Calendar:
        """Return the account's local days."""
        return Calendar(self.timezone, self.day_start)


FilterOp = Literal["eq", "ne", "in", "not_in", "gt", "gte", "lt", "lte", "exists"]
#: A JSON scalar; numbers arrive as int or Decimal and are compared by type and value.
Scalar = bool | int | Decimal | str | None


class FilterTerm(Noun):
    """One condition on a property; a filter's terms must all hold."""

    property: Path
    op: FilterOp = "eq"
    value: Any = None

    @model_validator(mode="after")
    def _value_fits(self) -> Self:
        values = self.value if self.op in {"in", "not_in"} else [self.value]
        if not isinstance(values, list) or not values:
            raise ValueError(f"{self.op} takes a list with at least one value")
        if self.op == "exists" and not isinstance(self.value, bool):
            raise ValueError("exists takes true or false")
        if self.op in {"gt", "gte", "lt", "lte"} and (
            isinstance(self.value, bool) or not isinstance(self.value, (int, Decimal, str))
        ):
            raise ValueError(f"{self.op} takes a number or a text")
        if not all(v is None or isinstance(v, (bool, int, Decimal, str)) for v in values):
            raise ValueError("values are texts, numbers, true, false or null")
        return self


Kind = Literal["flow", "stock"]


class Meter(Named):
    """How events become a quantity."""

    unit: Name = "events"
    kind: Kind = "flow"
    event_type: Annotated[str, StringConstraints(min_length=1, max_length=limits.NAME_CHARS_MAX)]
    aggregation: Key
    property: Path | None = None
    filter: Annotated[list[FilterTerm], Field(max_length=limits.FILTER_TERMS_MAX)] = Field(
        default_factory=list
    )
    dimensions: Annotated[list[Path], Field(max_length=limits.DIMENSIONS_MAX)] = Field(
        default_factory=list
    )


def parse(noun: type[M], document: Document) -> M:
    """Make a noun of a document whose numbers are int, Decimal or text.

    Raises:
        Invalid: `document_invalid`, naming the first field at fault; `errors` lists them all.
    """
    try:
        return noun.model_validate(document)
    except ValidationError as e:
        shapes = e.errors(include_url=False, include_input=False)
        raise refusal([_fault(noun, shape) for shape in shapes]) from e


def _fault(noun: type[BaseModel], shape: ErrorDetails) -> Fault:
    field = ".".join(str(part) for part in shape["loc"])
    said = said_of(shape)
    return Fault("document_invalid", field, f"{field or noun.__name__.lower()}: {said}.")


def said_of(shape: ErrorDetails) -> str:
    """Return what is wrong with a value and what to write instead, without a full stop."""
    context = shape.get("ctx", {})
    said = _SAID.get(shape["type"]) or _PATTERNS.get(str(context.get("pattern")))
    if said is not None:
        return said.format(**context)
    return shape["msg"].removeprefix("Value error, ").removesuffix(".")
