"""What subscriptions found, and what is done about it: `/findings`."""

from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from tallybook.model import limits
from tallybook.model.alert import Finding, FindingQuery, FindingStatus
from tallybook.operations import findings as findings_op
from tallybook.operations._page import cursor_invalid
from tallybook.operations.findings import History
from tallybook.operations.position import reach
from tallybook.web.api._answers_of_checks import COUNTS, MONEY
from tallybook.web.api._parameters import Body, Cursor, Limit, Text, as_mapping
from tallybook.web.api._schemas import says
from tallybook.web.api._shapes import WHOLE, many, page_of, record, ref
from tallybook.web.caller import Caller
from tallybook.web.exact import answer, whole
from tallybook.web.services import Service

router = APIRouter(prefix="/findings", tags=["findings"])

_CURSOR: Final = "f"
_PAGE: Final = page_of(
    "Finding",
    totals=record(count=WHOLE, money_at_risk=MONEY),
    by_status=COUNTS,
    by_check=COUNTS,
)
Statuses = Annotated[tuple[FindingStatus, ...], Query()]
Sort = Literal["money_at_risk", "first_seen", "last_seen", "account"]


@router.get("", openapi_extra=says(_PAGE))
def get_findings(
    scope: Caller,
    service: Service,
    *,
    account: Text = None,
    contract: Text = None,
    check: Text = None,
    subscription: Text = None,
    status: Statuses = ("open", "acknowledged", "snoozed"),
    q: Text = None,
    sort: Annotated[Sort, Query()] = "money_at_risk",
    descending: Annotated[bool, Query()] = True,
    rollup: Annotated[bool, Query()] = True,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_ROWS_DEFAULT,
) -> Response:
    """List findings of the accounts one may see, the dearest first; `by_status` and `by_check`
    count whatever was asked of these.
    """
    now = service.clock.now()
    directory = service.directories.current(scope).on(now.date())
    query = FindingQuery(
        at=now,
        accounts=reach(scope, directory, account, now, rollup=rollup),
        contract=contract,
        check=check,
        subscription=subscription,
        statuses=frozenset(status),
        text=q,
        sort=sort,
        descending=descending,
        offset=_offset(cursor),
        limit=limit,
    )
    page = findings_op.listed(scope, service.alerts, directory, query)
    end = query.offset + len(page.items)
    return answer(
        {
            "items": [shape(one) for one in page.items],
            "next_cursor": f"{_CURSOR}{end}" if end < page.total and page.items else None,
            "totals": {"count": page.total, "money_at_risk": page.money_at_risk},
            "by_status": page.by_status,
            "by_check": page.by_check,
        }
    )


@router.get("/{finding_id}", openapi_extra=says(ref("FindingTold")))
def get_finding(scope: Caller, service: Service, finding_id: str) -> Response:
    """Return a finding with its history."""
    now = service.clock.now()
    directory = service.directories.current(scope).on(now.date())
    return answer(_told(findings_op.one(scope, service.alerts, directory, finding_id, now)))


@router.patch("/{finding_id}", openapi_extra=says(ref("FindingTold"), body=ref("FindingChange")))
def patch_finding(scope: Caller, service: Service, finding_id: str, body: Body) -> Response:
    """Acknowledge, snooze or resolve a finding, or open it again."""
    now = service.clock.now()
    directory = service.directories.current(scope).on(now.date())
    (marked,) = findings_op.mark(
        scope, service.alerts, directory, [finding_id], as_mapping(body), now
    )
    return answer(_told(marked))


@router.post(
    "/status",
    openapi_extra=says(record(items=many(ref("FindingTold"))), body=ref("FindingsChange")),
)
def post_status(scope: Caller, service: Service, body: Body) -> Response:
    """Do the same with several findings: with all or with none."""
    now = service.clock.now()
    directory = service.directories.current(scope).on(now.date())
    marked = findings_op.mark_many(scope, service.alerts, directory, as_mapping(body), now)
    return answer({"items": [_told(one) for one in marked]})


def shape(one: Finding) -> dict[str, Any]:
    """Write a finding, without what is remembered of it for the next writing."""
    shown = asdict(one)
    for name in ("fingerprint", "seen_state", "revision"):
        del shown[name]
    return shown


def _told(one: History) -> dict[str, Any]:
    events = [
        {"at": event.at, "by": event.by or None, "act": event.act, "note": event.note}
        for event in one.events
    ]
    return {**shape(one.finding), "history": events}


def _offset(cursor: str | None) -> int:
    offset = whole((cursor or f"{_CURSOR}0").removeprefix(_CURSOR))
    if offset is None:
        raise cursor_invalid()
    return offset
