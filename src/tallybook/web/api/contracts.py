"""`GET /contracts`: which contracts there are, by what people look for; one is in `nouns`."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from tallybook.model import limits
from tallybook.model.nouns import Day
from tallybook.operations import definitions
from tallybook.operations import position as position_op
from tallybook.operations._page import page_of as paged
from tallybook.operations.contracts import ListQuery, Sort, contracts
from tallybook.web.api._parameters import Cursor, Limit, Text
from tallybook.web.api._schemas import says
from tallybook.web.api._shapes import page_of
from tallybook.web.api.nouns import shape
from tallybook.web.caller import Caller
from tallybook.web.exact import answer_page
from tallybook.web.services import Service

router = APIRouter(tags=["contracts"])

Asked = Literal["active", "planned", "draft", "ended", "ending"]


@router.get("/contracts", openapi_extra=says(page_of("ContractVersion")))
def get_contracts(
    scope: Caller,
    service: Service,
    *,
    status: Annotated[
        Asked | None, Query(description="How it stands today; `ending` is within 90 days.")
    ] = None,
    account: Text = None,
    rollup: Annotated[bool, Query(description="The account's tree as well.")] = True,
    branch: Text = None,
    csm: Text = None,
    sales_rep: Text = None,
    type_: Annotated[str | None, Query(alias="type", max_length=limits.NAME_CHARS_MAX)] = None,
    currency: Text = None,
    q: Text = None,
    in_force: Annotated[Day | None, Query(description="A day on which it holds.")] = None,
    ends_before: Annotated[Day | None, Query(description="Its last day is earlier.")] = None,
    sort: Annotated[Sort, Query()] = "number",
    descending: Annotated[bool, Query()] = False,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_ROWS_DEFAULT,
) -> Response:
    """List contracts as they stand today, also those that are only planned."""
    directory, now = service.directories.current(scope), service.clock.now()
    query = ListQuery(
        state=status or "",
        branch=branch or "",
        csm=csm or "",
        sales_rep=sales_rep or "",
        type=type_ or "",
        text=q or "",
        sort=sort,
        descending=descending,
        currency=currency or "",
        accounts=position_op.reach(scope, directory, account, now, rollup=rollup),
        in_force=in_force,
        ends_before=ends_before,
    )
    found = [one.version for one in contracts(scope, directory, query, now).items]
    some = paged(found, lambda version: version.key, cursor=cursor, limit=limit)
    return answer_page(some, lambda version: shape(definitions.shown(scope, version)))
