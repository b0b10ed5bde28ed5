"""The shapes of answers for the OpenAPI document, written by hand; fields may be added to each."""

from typing import Any, Final, get_args

from tallybook.model.buckets import Interval
from tallybook.model.correction import Op
from tallybook.model.fact import Status as EventStatus
from tallybook.model.ports import NounName
from tallybook.model.position import ForecastStatus, Status
from tallybook.model.price import Limit
from tallybook.model.scope import Role, Verb
from tallybook.model.statement import ChargeKind, StatementStatus
from tallybook.operations.apply import State as ItemState
from tallybook.operations.events import State
from tallybook.operations.foresee import Outcome
from tallybook.operations.self_check import Area
from tallybook.positions.self_check import Severity

Shape = dict[str, Any]

TEXT: Final = {"type": "string"}
WHOLE: Final = {"type": "integer"}
YES_OR_NO: Final = {"type": "boolean"}
INSTANT: Final = {"type": "string", "format": "date-time"}
DATE: Final = {"type": "string", "format": "date"}
DECIMAL: Final = {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}
MARK: Final = {"type": "string", "description": "Ask again with it as `known_at`: the same bytes."}


def maybe(shape: Shape) -> Shape:
    """Return the shape of what may be null."""
    return {"anyOf": [shape, {"type": "null"}]}


def many(shape: Shape) -> Shape:
    """Return the shape of a list."""
    return {"type": "array", "items": shape}


def one_of(values: object) -> Shape:
    """Return the shape of one of the words of a Literal."""
    return {"enum": [*get_args(values)]}


def record(**fields: Shape) -> Shape:
    """Return the shape of an object that always has these fields."""
    return {"type": "object", "required": [*fields], "properties": fields}


def ref(name: str) -> Shape:
    """Return a reference to a shape by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def page_of(item: str, totals: Shape | None = None, **more: Shape) -> Shape:
    """Return the shape of a page of a list."""
    counted = record(count=WHOLE) if totals is None else totals
    return record(items=many(ref(item)), next_cursor=maybe(TEXT), totals=counted, **more)


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
_PART: Final = record(
    tier=WHOLE,
    quantity=DECIMAL,
    unit_amount=maybe(DECIMAL),
    flat_amount=maybe(DECIMAL),
    amount=DECIMAL,
    rate=maybe(DECIMAL),
    count=WHOLE,
    limit=maybe(one_of(Limit)),
    values=maybe(many(maybe(TEXT))),
)

#: What each charge of a statement says; amounts are null for whom they are not.
_CHARGE: Final = record(
    kind=one_of(ChargeKind),
    code=TEXT,
    name=maybe(TEXT),
    product=maybe(TEXT),
    unit=maybe(TEXT),
    quantity=maybe(DECIMAL),
    billable_quantity=maybe(DECIMAL),
    amount=maybe(DECIMAL),
    discount=maybe(DECIMAL),
    explanation=ref("Explanation"),
)
_STEP: Final = {"start": DATE, "end": DATE}
_EXPLANATION: Final = record(
    cycles=many(
        record(
            **_STEP,
            cycle_days=WHOLE,
            used=DECIMAL,
            allotment=DECIMAL,
            rolled=DECIMAL,
            free=DECIMAL,
            is_unlimited=YES_OR_NO,
        )
    ),
    use=many(record(**_STEP, meters=many(TEXT), account=TEXT, pooled=YES_OR_NO, quantity=DECIMAL)),
    charges=many(
        record(
            **_STEP,
            model=maybe(TEXT),
            before=DECIMAL,
            after=DECIMAL,
            parts=many(_PART),
            amount=DECIMAL,
            discount_percent=DECIMAL,
            days=maybe(WHOLE),
            cycle_days=maybe(WHOLE),
        )
    ),
    minimum_amount=maybe(DECIMAL),
    maximum_amount=maybe(DECIMAL),
    unrounded=maybe(DECIMAL),
    note=maybe(TEXT),
)
_STATEMENT: Final = record(
    contract=TEXT,
    account=TEXT,
    bill_to=TEXT,
    currency=TEXT,
    timezone=TEXT,
    period=record(
        start_date=DATE, end_date=DATE, is_stub=YES_OR_NO, starts_at=INSTANT, ends_at=INSTANT
    ),
    lines=many(ref("Charge")),
    base_charges=many(ref("Charge")),
    discounts=many(ref("Charge")),
    commitments=many(ref("Charge")),
    adjustments=many(
        record(period_start=DATE, kind=one_of(ChargeKind), code=TEXT, amount=maybe(DECIMAL))
    ),
    credits=many(record(name=TEXT, amount=maybe(DECIMAL), left=maybe(DECIMAL))),
    subtotal=maybe(DECIMAL),
    total=maybe(DECIMAL),
    supplementary=YES_OR_NO,
    status=one_of(StatementStatus),
    held_above=maybe(DECIMAL),
    sha256=maybe(
        {
            "type": "string",
            "description": "Of the canonical JSON of the statement without what follows "
            "`supplementary`; null for whom amounts are.",
        }
    ),
    known_at=MARK,
    closed_at=maybe(INSTANT),
    closed_by=maybe(TEXT),
    reason=maybe(TEXT),
)

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
    "Charge": _CHARGE,
    "Explanation": _EXPLANATION,
    "Statement": _STATEMENT,
    "StatementTotal": record(currency=TEXT, statements=WHOLE, subtotal=DECIMAL, total=DECIMAL),
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
    "Charged": record(amount=DECIMAL, parts=many(_PART)),
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
                    model=TEXT, billable=DECIMAL, parts=many(_PART), amount=DECIMAL, currency=TEXT
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
