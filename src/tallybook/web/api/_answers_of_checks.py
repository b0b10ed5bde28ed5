"""The shapes of checks and what they find for the OpenAPI document; see `_answers`."""

from typing import Final

from tallybook.model.alert import FindingAct, FindingStatus, Mode, RunKind, Split
from tallybook.model.check import ColumnKind, RepeatPolicy, Severity, VariableKind
from tallybook.model.delivery import Channel
from tallybook.model.schedule import Preset
from tallybook.model.scope import Role
from tallybook.web.api._shapes import (
    DECIMAL,
    INSTANT,
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
COUNTS: Final[Shape] = {"type": "object", "additionalProperties": WHOLE}
#: Amounts by currency.
MONEY: Final[Shape] = {"type": "object", "additionalProperties": DECIMAL}
_TEXTS: Final[Shape] = {"type": "object", "additionalProperties": TEXT}
_FINDING: Final = {
    "id": TEXT,
    "subscription": TEXT,
    "check": TEXT,
    **FOUND,
    "status": one_of(FindingStatus),
    "first_seen": INSTANT,
    "last_seen": INSTANT,
    "said_at": maybe(INSTANT),
    "resolved_at": maybe(INSTANT),
    "until": maybe(INSTANT),
    "note": maybe(TEXT),
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
    "Subscription": record(
        id=TEXT,
        check=TEXT,
        name=TEXT,
        owner=TEXT,
        values=VALUES,
        accounts=many(TEXT),
        branches=many(TEXT),
        schedule=record(preset=maybe(one_of(Preset)), cron=TEXT, timezone=TEXT),
        recipients=record(
            to=many(TEXT),
            cc=many(TEXT),
            bcc=many(TEXT),
            users=many(TEXT),
            roles=many(one_of(Role)),
            csm=YES_OR_NO,
            sales_rep=YES_OR_NO,
            webhooks=many(TEXT),
        ),
        subject=TEXT,
        split_by=one_of(Split),
        mode=one_of(Mode),
        enabled=YES_OR_NO,
        created_at=INSTANT,
        snooze_until=maybe(INSTANT),
        snooze_note=maybe(TEXT),
        digest=maybe(TEXT),
        sends_empty=YES_OR_NO,
        excluded=maybe(_TEXTS),
        due_at=maybe(INSTANT),
        next_run=maybe(INSTANT),
    ),
    "AlertRun": record(
        id=TEXT,
        subscription=TEXT,
        kind=one_of(RunKind),
        due_at=INSTANT,
        started_at=INSTANT,
        finished_at=INSTANT,
        known_at=MARK,
        evaluated=WHOLE,
        found=WHOLE,
        said=WHOLE,
        resolved=WHOLE,
        unjudged=maybe(COUNTS),
        error=maybe(TEXT),
    ),
    "RunTold": record(
        run=ref("AlertRun"),
        said=many(ref("Finding")),
        deliveries=many(
            record(
                channel=one_of(Channel),
                recipients=many(TEXT),
                cc=many(TEXT),
                bcc=many(TEXT),
                target=maybe(TEXT),
                subject=TEXT,
                link=TEXT,
            )
        ),
    ),
    "Finding": record(**_FINDING),
    "FindingTold": record(
        **_FINDING,
        history=many(record(at=INSTANT, by=maybe(TEXT), act=one_of(FindingAct), note=maybe(TEXT))),
    ),
}
