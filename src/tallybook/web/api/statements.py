"""What contracts come to: `GET /statements`, one of a contract, and closing it."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from tallybook.model import limits
from tallybook.model.money import money_text
from tallybook.model.scope import Scope
from tallybook.model.time import parse_date
from tallybook.operations import close as close_op
from tallybook.operations import rate as rate_op
from tallybook.operations import statements as statements_op
from tallybook.operations.known import known
from tallybook.operations.position import reach
from tallybook.web.api._parameters import Body, Cursor, Limit, Text, as_mapping
from tallybook.web.api._schemas import says
from tallybook.web.api._shapes import MARK, WHOLE, many, page_of, ref
from tallybook.web.caller import Caller
from tallybook.web.exact import answer
from tallybook.web.services import Service, Services

router = APIRouter(tags=["statements"])

Day = Annotated[str | None, Query(description="Any date inside it; today by default.")]
_LIST = page_of("Statement", totals=many(ref("StatementTotal")), count=WHOLE, known_at=MARK)


@router.get("/statements", openapi_extra=says(_LIST))
def get_statements(
    scope: Caller,
    service: Service,
    *,
    period: Day = None,
    account: Text = None,
    contract: Text = None,
    known_at: Text = None,
    rollup: Annotated[bool, Query()] = True,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_ROWS_DEFAULT,
) -> Response:
    """List the statements of a day by contract; of one contract without a day all there are."""
    basis = basis_of(scope, service, known_at)
    accounts = None
    if account is not None:
        accounts = reach(scope, basis.directory, account, basis.mark.now, rollup=rollup)
    query = statements_op.StatementQuery(
        accounts=accounts,
        contract=contract,
        day=parse_date(period, name="period") if period else None,
        cursor=cursor,
        limit=limit,
    )
    page = statements_op.statements(scope, basis, query)
    return answer(
        {
            "items": [shape(scope, item) for item in page.items],
            "next_cursor": page.next_cursor,
            "totals": [_total(total) for total in page.totals],
            "count": page.count,
            "known_at": basis.mark,
        }
    )


@router.get("/statements/{contract}", openapi_extra=says(ref("Statement")))
def get_statement(
    scope: Caller, service: Service, contract: str, period: Day = None, known_at: Text = None
) -> Response:
    """Work out what a contract comes to in a period; a closed one answers as it was closed."""
    basis = basis_of(scope, service, known_at)
    day = parse_date(period, name="period") if period else None
    return answer(shape(scope, rate_op.statement(scope, basis, contract, day)))


@router.post(
    "/statements/{contract}/close", openapi_extra=says(ref("Statement"), body=ref("Closing"))
)
def post_close(scope: Caller, service: Service, contract: str, body: Body) -> Response:
    """Close a statement: it never changes again, and what comes late is adjusted on another."""
    stores = close_op.Stores(
        service.books, service.ledger, service.events, service.statements, service.directories
    )
    now = service.clock.now()
    return answer(shape(scope, close_op.close(scope, stores, contract, as_mapping(body), now)))


def shape(scope: Scope, found: rate_op.Rated) -> dict[str, Any]:
    """Write a statement; who of the vendor closed it, and why, is not for customers."""
    closed = found.closed
    tells = closed is not None and scope.sees_reasons
    held_above = found.held_above if scope.sees_reasons else None
    currency = found.document["currency"]
    return {
        **found.document,
        "status": found.status,
        "held_above": None if held_above is None else money_text(held_above, currency),
        "sha256": found.sha256,
        "known_at": found.known_at,
        "closed_at": closed.closed_at if closed else None,
        "closed_by": closed.closed_by if closed and tells else None,
        "reason": closed.reason if closed and tells else None,
    }


def basis_of(scope: Scope, service: Services, known_at: str | None) -> rate_op.Basis:
    """Return what statements are worked out from: of a mark, or of all that is known."""
    now = service.clock.now()
    mark = known(scope, service.books, service.ledger, service.events, known_at, now)
    directory = service.directories.at(scope, mark.revision)
    return rate_op.Basis(directory, service.events, service.statements, mark)


def _total(total: statements_op.StatementTotal) -> dict[str, Any]:
    money = {
        name: money_text(getattr(total, name), total.currency) for name in ("subtotal", "total")
    }
    return {**asdict(total), **money}
