"""The shapes of answers for the OpenAPI document, written by hand; fields may be added to each."""

from typing import Final, get_args

from tallybook.model.buckets import Interval
from tallybook.model.correction import Op
from tallybook.model.fact import Status as EventStatus
from tallybook.model.ports import NounName
from tallybook.model.position import ForecastStatus, Method, Status
from tallybook.model.scope import Role, Verb
from tallybook.model.statement import ChargeKind
from tallybook.operations.apply import State as ItemState
from tallybook.operations.events import State
from tallybook.operations.foresee import Outcome
from tallybook.operations.self_check import Area
from tallybook.positions.self_check import Severity
from tallybook.web.api._answers_of_statements import PART
from tallybook.web.api._shapes import (
    DATE,
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

_KEY: Final = {
    "id": TEXT,
    "prefix": TEXT,
    "name": TEXT,
    "role": one_of(Role),
    "account": maybe(TEXT),
    "scopes": maybe(many(one_of(Verb))),
    "created_at": INSTANT,
    "expires_at": maybe(INSTANT),
    "used_at": maybe(INSTANT),
    "revoked_at": maybe(INSTANT),
}
_AMOUNTS: Final = {
    "amount": maybe(DECIMAL),
    "overage_amount": maybe(DECIMAL),
}
_POSITION: Final = {
    "contract": TEXT,
    "line": TEXT,
    "account": TEXT,
    "product": maybe(TEXT),
    "service": TEXT,
    "unit": TEXT,
    "period": record(start_date=DATE, end_date=DATE, is_stub=YES_OR_NO),
    "used": maybe(DECIMAL),
    "allotment": maybe(DECIMAL),
    "is_unlimited": YES_OR_NO,
    "remaining": maybe(DECIMAL),
    "percent_used": maybe(DECIMAL),
    "overage": DECIMAL,
    **_AMOUNTS,
    "currency": TEXT,
    "status": one_of(Status),
    "likely_over": YES_OR_NO,
    "low_use": YES_OR_NO,
    "forecast": ref("Forecast"),
    "contributions": many(record(account=TEXT, used=maybe(DECIMAL), share=maybe(DECIMAL))),
    "branch": maybe(TEXT),
    "csm": maybe(TEXT),
    "data_through": INSTANT,
    "refreshed_at": maybe(INSTANT),
    "known_at": MARK,
}
#: What is said of each line of a pool.
_STANDS: Final = ("contract", "line", "period", "used", "allotment", "overage")
_TOTAL_OF_PERIOD: Final = record(start_date=DATE, end_date=DATE, currency=TEXT, total=DECIMAL)
_CHARGED: Final = record(
    included=maybe(DECIMAL),
    quantity=maybe(DECIMAL),
    billable_quantity=maybe(DECIMAL),
    amount=DECIMAL,
)

#: What a version of a noun says beside the document itself.
VERSION: Final = {
    "version": WHOLE,
    "valid_from": maybe(DATE),
    "recorded_at": INSTANT,
    "author": maybe(TEXT),
    "reason": maybe(TEXT),
    "retired": YES_OR_NO,
}

#: What a version of a noun changed: `before` and `after` are whatever the field holds.
CHANGES: Final = many(record(field=TEXT, before={}, after={}))
#: What is wrong, or odd, with a document.
FAULTS: Final = many(record(code=TEXT, field=TEXT, detail=TEXT))

ANSWERS: Final[dict[str, Shape]] = {
    "Outlook": record(
        outcome=one_of(Outcome),
        valid_from=maybe(DATE),
        changes=CHANGES,
        faults=FAULTS,
        findings=FAULTS,
    ),
    "Now": record(now=INSTANT),
    "Exported": record(
        noun=one_of(NounName),
        key=TEXT,
        version=WHOLE,
        documents=many(
            {"type": "object", "description": "What `PUT` takes: decimals may be numbers."}
        ),
    ),
    "Outcome": record(
        revision=WHOLE,
        applied=YES_OR_NO,
        items=many(
            record(
                noun=one_of(NounName),
                key=TEXT,
                state=one_of(ItemState),
                steps=many(
                    record(
                        document=WHOLE,
                        version=WHOLE,
                        valid_from=maybe(DATE),
                        reason=maybe(TEXT),
                        changes=CHANGES,
                    )
                ),
                beside=many(DATE),
            )
        ),
        faults=many(
            record(
                noun=one_of(NounName),
                key=TEXT,
                document=WHOLE,
                code=TEXT,
                field=TEXT,
                detail=TEXT,
            )
        ),
        totals=record(**dict.fromkeys(get_args(ItemState), WHOLE)),
        effects=many(
            record(
                contract=TEXT,
                before=maybe(_TOTAL_OF_PERIOD),
                after=maybe(_TOTAL_OF_PERIOD),
                charges=many(
                    record(
                        kind=one_of(ChargeKind),
                        code=TEXT,
                        unit=maybe(TEXT),
                        before=maybe(_CHARGED),
                        after=maybe(_CHARGED),
                    )
                ),
            )
        ),
        money=many(record(currency=TEXT, before=DECIMAL, after=DECIMAL)),
    ),
    "Receipt": record(
        **dict.fromkeys(("received", "accepted", "duplicate", "conflict", "rejected"), WHOLE),
        ledger_seq=WHOLE,
        results=many(
            record(
                index=WHOLE,
                id=maybe(TEXT),
                status=one_of(EventStatus),
                code=maybe(TEXT),
                detail=maybe(TEXT),
            )
        ),
    ),
    "EventItem": record(
        event={
            "type": "object",
            "description": "The CloudEvent as it was sent, or as it replaces one.",
        },
        received_at=INSTANT,
        ledger_seq=WHOLE,
        state=one_of(State),
        codes=many(TEXT),
        correction=maybe(
            record(
                op=one_of(Op),
                of=WHOLE,
                reason=maybe(TEXT),
                author=maybe(TEXT),
                recorded_at=INSTANT,
                ledger_seq=WHOLE,
            )
        ),
    ),
    "Key": record(**_KEY),
    "MadeKey": record(**_KEY, secret={"type": "string", "description": "Never shown again."}),
    "User": record(
        email=TEXT,
        name=maybe(TEXT),
        role=one_of(Role),
        account=maybe(TEXT),
        branches=many(TEXT),
        csms=many(TEXT),
        state={"enum": ["active", "suspended"]},
        created_at=INSTANT,
    ),
    "Usage": record(
        meter=TEXT,
        unit=TEXT,
        interval=maybe(one_of(Interval)),
        timezone=TEXT,
        data_through=INSTANT,
        refreshed_at=maybe(INSTANT),
        known_at=MARK,
        rows=many(
            record(
                start=INSTANT,
                end=INSTANT,
                account=maybe(TEXT),
                group={"type": "object", "additionalProperties": maybe(TEXT)},
                value=maybe(DECIMAL),
                partial=YES_OR_NO,
            )
        ),
    ),
    "Forecast": record(
        status=one_of(ForecastStatus),
        to_date=DECIMAL,
        daily_mean=maybe(DECIMAL),
        remaining_days=WHOLE,
        remaining_volume=maybe(DECIMAL),
        projected=maybe(DECIMAL),
        low=maybe(DECIMAL),
        high=maybe(DECIMAL),
        projected_overage=maybe(DECIMAL),
        exhausted_on=maybe(DATE),
        is_estimate_of_distinct=YES_OR_NO,
        projected_amount=maybe(DECIMAL),
    ),
    "Backtest": record(
        periods=WHOLE,
        has_more=YES_OR_NO,
        methods=many(
            record(
                method=one_of(Method),
                forecasts=WHOLE,
                mean_absolute_percentage_error=maybe(DECIMAL),
                covered_percent=maybe(DECIMAL),
                errors=many(record(unit=TEXT, forecasts=WHOLE, mean_absolute_error=DECIMAL)),
            )
        ),
        known_at=MARK,
    ),
    "Period": record(
        index=WHOLE,
        start_date=DATE,
        end_date=DATE,
        cycle_start_date=DATE,
        starts_at=INSTANT,
        ends_at=INSTANT,
        cycle_days=WHOLE,
        days=WHOLE,
        is_stub=YES_OR_NO,
    ),
    "Charged": record(amount=DECIMAL, parts=many(PART)),
    "Position": record(**_POSITION),
    "PositionExplained": record(
        **_POSITION,
        daily=many(record(date=DATE, used=maybe(DECIMAL))),
        explanation=record(
            events=record(type=TEXT, start=INSTANT, end=INSTANT, accounts=WHOLE, count=WHOLE),
            meter=record(
                key=TEXT,
                aggregation=TEXT,
                property=maybe(TEXT),
                unit=TEXT,
                quantity=maybe(DECIMAL),
                others=many(TEXT),
            ),
            allotment=record(
                included=maybe(DECIMAL),
                is_unlimited=YES_OR_NO,
                beyond=DECIMAL,
                carried=DECIMAL,
                pooled=DECIMAL,
                free=DECIMAL,
            ),
            changes=many(DATE),
            price=maybe(
                record(
                    model=TEXT, billable=DECIMAL, parts=many(PART), amount=DECIMAL, currency=TEXT
                )
            ),
        ),
    ),
    "Late": record(
        contract=TEXT,
        line=TEXT,
        unit=TEXT,
        events=WHOLE,
        has_more=YES_OR_NO,
        history_before=maybe(DATE),
        days=many(
            record(
                date=DATE,
                events=WHOLE,
                known_then=maybe(DECIMAL),
                used=maybe(DECIMAL),
                change=maybe(DECIMAL),
            )
        ),
        data_through=INSTANT,
        known_at=MARK,
    ),
    "Pool": record(
        **{name: _POSITION[name] for name in _STANDS},
        account=TEXT,
        unit=TEXT,
        own_allotment=maybe(DECIMAL),
        own_overage=maybe(DECIMAL),
        overage_of_own_allotment=maybe(DECIMAL),
        left_of_own_allotment=maybe(DECIMAL),
        accounts=many(
            record(
                account=TEXT,
                belongs=many({"type": "object", "additionalProperties": INSTANT}),
                used=maybe(DECIMAL),
                share=maybe(DECIMAL),
                lines=many(
                    record(**{name: _POSITION[name] for name in (*_STANDS, "remaining", "status")})
                ),
            )
        ),
        known_at=MARK,
    ),
    "SelfCheck": record(
        account=TEXT,
        **dict.fromkeys(("accounts", "contracts", "lines", "problems", "notices"), WHOLE),
        since=INSTANT,
        checked=many(one_of(Area)),
        has_more=YES_OR_NO,
        findings=many(
            record(
                code=TEXT,
                severity=one_of(Severity),
                detail=TEXT,
                next_step=TEXT,
                account=TEXT,
                **{name: maybe(TEXT) for name in ("contract", "line", "field", "subject")},
                events=maybe(WHOLE),
                seen_at=TEXT,
            )
        ),
        known_at=MARK,
    ),
    "Total": record(
        unit=TEXT,
        currency=TEXT,
        lines=WHOLE,
        used=DECIMAL,
        allotment=DECIMAL,
        overage=DECIMAL,
        projected=DECIMAL,
        projected_overage=DECIMAL,
        **_AMOUNTS,
        projected_amount=maybe(DECIMAL),
    ),
}
