"""What would be: `POST /preview/…`, with nothing stored. Each call takes one document or a list of
them, and answers in kind.
"""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from tallybook.model.position import Period
from tallybook.operations import preview
from tallybook.operations.known import known
from tallybook.operations.preview_charge import ChargePreview, preview_charge
from tallybook.operations.preview_periods import preview_periods
from tallybook.operations.preview_statement import preview_statement
from tallybook.web.api._parameters import Body, as_mapping
from tallybook.web.api._schemas import one_or_many, says
from tallybook.web.api._shapes import many, ref
from tallybook.web.api.statements import shape
from tallybook.web.caller import Caller
from tallybook.web.exact import answer
from tallybook.web.services import Service

router = APIRouter(tags=["preview"])


@router.post(
    "/preview/forecast",
    openapi_extra=says(one_or_many(ref("Forecast")), body=one_or_many(ref("ForecastRequest"))),
)
def post_forecast(scope: Caller, body: Body) -> Response:
    """Forecast a period from its days; one document or a list of them."""
    if isinstance(body, list):
        return answer([asdict(preview.preview_forecast(scope, as_mapping(one))) for one in body])
    return answer(asdict(preview.preview_forecast(scope, as_mapping(body))))


@router.post(
    "/preview/periods",
    openapi_extra=says(one_or_many(many(ref("Period"))), body=one_or_many(ref("PeriodsRequest"))),
)
def post_periods(scope: Caller, body: Body) -> Response:
    """List the periods of a schedule that touch [from, to); one document or a list of them."""
    bodies = body if isinstance(body, list) else [body]
    found = preview_periods(scope, map(as_mapping, bodies))
    shapes = [[_period(one) for one in periods] for periods in found]
    return answer(shapes if isinstance(body, list) else shapes[0])


@router.post(
    "/preview/charge",
    openapi_extra=says(one_or_many(ref("Charged")), body=one_or_many(ref("ChargeRequest"))),
)
def post_charge(scope: Caller, body: Body) -> Response:
    """Work out what a price charges; one document or a list of them.

    Whoever sends a price may see it, and what it comes to.
    """
    if isinstance(body, list):
        return answer([_charged(preview_charge(scope, as_mapping(one))) for one in body])
    return answer(_charged(preview_charge(scope, as_mapping(body))))


def _charged(found: ChargePreview) -> dict[str, Any]:
    """Write a charge; a rounded amount with all the digits of its minor unit."""
    amount = found.amount if found.currency is None else str(found.amount)
    return {"amount": amount, "parts": [asdict(part) for part in found.parts]}


@router.post(
    "/preview/statement",
    openapi_extra=says(one_or_many(ref("Statement")), body=one_or_many(ref("StatementRequest"))),
)
def post_statement(scope: Caller, service: Service, body: Body) -> Response:
    """Work out what a contract would come to with the use that is told; one document or a list."""
    now = service.clock.now()
    mark = known(scope, service.books, service.ledger, service.events, None, now)
    directory = service.directories.at(scope, mark.revision)
    bodies = body if isinstance(body, list) else [body]
    found = [preview_statement(scope, directory, mark, as_mapping(one)) for one in bodies]
    shapes = [shape(scope, one) for one in found]
    return answer(shapes if isinstance(body, list) else shapes[0])


def _period(period: Period) -> dict[str, Any]:
    return {**asdict(period), "days": period.days}
