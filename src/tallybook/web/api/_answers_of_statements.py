"""The shapes of statements for the OpenAPI document: charges, how each came about, the whole."""

from typing import Final

from tallybook.model.price import Limit
from tallybook.model.statement import ChargeKind, StatementStatus
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

#: What a tier, or a cell, adds to an amount.
PART: Final = record(
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
            parts=many(PART),
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

ANSWERS_OF_STATEMENTS: Final[dict[str, Shape]] = {
    "Charge": _CHARGE,
    "Explanation": _EXPLANATION,
    "Statement": _STATEMENT,
    "StatementTotal": record(currency=TEXT, statements=WHOLE, subtotal=DECIMAL, total=DECIMAL),
}
