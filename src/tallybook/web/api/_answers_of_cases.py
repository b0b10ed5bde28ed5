"""The shapes of cases for the OpenAPI document; see `_answers`."""

from typing import Final

from tallybook.model.case import CaseKind, CaseStatus, Side
from tallybook.model.delivery import DeliveryStatus
from tallybook.model.position import Status
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

#: What the page of a line showed, as a case and its deliveries keep it.
_SHOWN: Final = record(
    account_name=TEXT,
    service=TEXT,
    unit=TEXT,
    start_date=DATE,
    end_date=DATE,
    used=maybe(DECIMAL),
    allotment=maybe(DECIMAL),
    is_unlimited=YES_OR_NO,
    remaining=maybe(DECIMAL),
    percent_used=maybe(DECIMAL),
    overage=DECIMAL,
    status=one_of(Status),
    projected=maybe(DECIMAL),
    data_through=INSTANT,
    at=INSTANT,
    rollup=maybe(YES_OR_NO),
    known_at=MARK,
    link=TEXT,
)
_CASE: Final = {
    "id": TEXT,
    "kind": one_of(CaseKind),
    "title": TEXT,
    "account": TEXT,
    "contract": TEXT,
    "line": TEXT,
    "shown": ref("ShownPosition"),
    "status": one_of(CaseStatus),
    "created_at": INSTANT,
    "created_by": TEXT,
    "changed_at": INSTANT,
    "opening": TEXT,
    "messages_count": WHOLE,
}

ANSWERS_OF_CASES: Final[dict[str, Shape]] = {
    "ShownPosition": _SHOWN,
    "Case": record(**_CASE),
    "CaseOpened": record(
        **_CASE,
        messages=many(
            record(
                number=WHOLE,
                author=TEXT,
                side=one_of(Side),
                at=INSTANT,
                text=TEXT,
                delivery_status=maybe(one_of(DeliveryStatus)),
            )
        ),
    ),
}
