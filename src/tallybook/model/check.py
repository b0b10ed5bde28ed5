"""What a check is and says: typed variables, columns, when it speaks again, and what it finds. A
check itself is a file of `alerts`; what is sent to whom is decided in `operations`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol

from tallybook.model.schedule import Preset
from tallybook.model.view import View

VariableKind = Literal["decimal", "percent", "money", "days", "whole", "flag", "choice", "list"]
ColumnKind = Literal["text", "quantity", "money", "percent", "days", "date"]
#: Severity orders what is equally dear.
Severity = Literal["critical", "warning", "notice"]

#: When what was said is said again, while it is still so. A finding is known by its entity, step
#: and period.
#: - once_until_changed: when an input in FINGERPRINT changed, or it was resolved in between.
#: - every_run: each time.
#: - once_per_threshold_per_period: when an input in FINGERPRINT changed; else never, for the same
#:   step in the same period.
#: - once_per_bucket: when an input in FINGERPRINT changed; else never, for the same step; another
#:   step of the entity takes its place.
#: - on_transition: when its `state` changes; also when it is resolved, and nothing else is found of
#:   its entity.
#: - per_event: never, and it is not resolved by itself.
#: - new_within_days: never again for the same entity.
RepeatPolicy = Literal[
    "once_until_changed",
    "every_run",
    "once_per_threshold_per_period",
    "once_per_bucket",
    "on_transition",
    "per_event",
    "new_within_days",
]

#: The values of a check's variables by key: Decimal for decimal, percent and money, int for days
#: and whole, bool for flags, str for choices, a tuple of what `of` says for lists; None
#: where none is set.
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that a check is set by. `letter` is what the original form calls it.

    `percent` is in percent: 80 is 80 %. `below` names a variable whose value must be greater or the
    same. A list holds values of the kind `of`; empty is all, where `help` says so.
    """

    key: str
    kind: VariableKind
    title: str
    help: str
    default: Decimal | int | bool | str | tuple[Decimal | int | str, ...] | None = None
    unit: str | None = None
    minimum: Decimal | int | None = None
    maximum: Decimal | int | None = None
    required: bool = False
    choices: tuple[str, ...] = ()
    of: Literal["decimal", "percent", "money", "days", "text"] | None = None
    below: str | None = None
    letter: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of findings: `key` is in `inputs` or `outputs` of what was found. Money that
    `is_price`, of one unit, is shown with all its digits.
    """

    key: str
    title: str
    kind: ColumnKind = "text"
    is_price: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What a check says of one entity: a contract's number, a line as CONTRACT/CODE, an account's
    key. `message` is one sentence with its numbers, never with prices: those are in `outputs`.

    `inputs` and `outputs` are plain values as JSON has them, decimals as Decimal. `money_at_risk`
    is a month's, or that of what it is about. `step` is the threshold or bucket that was reached,
    or the id of an event; `period` the first day of the period it is about; `branch` is the
    contract's, or the account's; where a check names none, it is looked up.
    """

    entity: str
    account: str
    state: str
    message: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    severity: Severity = "warning"
    money_at_risk: Decimal | None = None
    currency: str | None = None
    contract: str | None = None
    line: str | None = None
    branch: str | None = None
    step: str = ""
    period: str = ""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """An entity that cannot be judged, and why: a code, such as `unsupported_tiered` or
    `data_stale`. What was found of it before is neither said again nor resolved.
    """

    entity: str
    account: str
    reason: str


class Check(Protocol):
    """A file of `alerts`; its code is its name with the first underscore as a point."""

    TITLE: str
    FINDS: str
    TIPS: tuple[str, ...]
    VARIABLES: tuple[Variable, ...]
    COLUMNS: tuple[Column, ...]
    FINGERPRINT: tuple[str, ...]
    POLICY: RepeatPolicy
    SCHEDULE: Preset
    RELATED: tuple[str, ...]

    def find(self, view: View, values: Values) -> Iterator[Found | Unjudged]:
        """Judge all that the view shows, in any order; what is in order is not mentioned."""
