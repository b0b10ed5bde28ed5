"""The shapes of checks and what they find for the OpenAPI document; see `_answers`."""

from typing import Final

from tallybook.model.check import ColumnKind, RepeatPolicy, Severity, VariableKind
from tallybook.model.schedule import Preset
from tallybook.web.api._shapes import (
    DECIMAL,
    MARK,
    TEXT,
    WHOLE,
    YES_OR_NO,
    Shape,
    many,
    maybe,
    one_of,
    record,
    ref,
)

#: What a variable is set to: a text for decimals, a whole number, true or false, a list.
_VALUE: Final[Shape] = {}
VALUES: Final[Shape] = {"type": "object", "additionalProperties": _VALUE}
#: What a finding follows from and comes to, by the names of its check.
FIGURES: Final[Shape] = {"type": "object", "additionalProperties": True}

#: What every finding says, stored or not.
FOUND: Final[dict[str, Shape]] = {
    "entity": TEXT,
    "account": TEXT,
    "contract": maybe(TEXT),
    "line": maybe(TEXT),
    "branch": maybe(TEXT),
    "state": TEXT,
    "severity": one_of(Severity),
    "message": TEXT,
    "inputs": FIGURES,
    "outputs": FIGURES,
    "money_at_risk": maybe(DECIMAL),
    "currency": maybe(TEXT),
    "step": TEXT,
    "period": TEXT,
}
_VARIABLE: Final = record(
    key=TEXT,
    kind=one_of(VariableKind),
    title=TEXT,
    help=TEXT,
    default=_VALUE,
    unit=maybe(TEXT),
    minimum=_VALUE,
    maximum=_VALUE,
    required=YES_OR_NO,
    choices=many(TEXT),
    of=maybe(TEXT),
    below=maybe(TEXT),
    letter=maybe(TEXT),
)

ANSWERS_OF_CHECKS: Final[dict[str, Shape]] = {
    "Check": record(
        code=TEXT,
        title=TEXT,
        category=TEXT,
        finds=TEXT,
        tips=many(TEXT),
        variables=many(_VARIABLE),
        columns=many(record(key=TEXT, title=TEXT, kind=one_of(ColumnKind))),
        fingerprint=many(TEXT),
        repeat_policy=one_of(RepeatPolicy),
        schedule=one_of(Preset),
        related=many(TEXT),
    ),
    "CheckFound": record(**FOUND),
    "CheckPreview": record(
        check=TEXT,
        values=VALUES,
        findings=many(ref("CheckFound")),
        cannot_evaluate=many(record(entity=TEXT, account=TEXT, reason=TEXT)),
        found=WHOLE,
        evaluated=WHOLE,
        known_at=MARK,
    ),
}
