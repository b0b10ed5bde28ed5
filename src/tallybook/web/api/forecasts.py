"""How well forecasts would have done: `GET /forecasts/backtest`."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from tallybook.model.limits import BACKTEST_PERIODS_MAX
from tallybook.operations.backtest import BacktestQuery, backtest
from tallybook.web.api._parameters import Text
from tallybook.web.api._schemas import says
from tallybook.web.api._shapes import ref
from tallybook.web.api.positions import instants
from tallybook.web.caller import Caller
from tallybook.web.exact import answer
from tallybook.web.services import Service

router = APIRouter(tags=["forecasts"])

Periods = Annotated[int, Query(ge=1, le=BACKTEST_PERIODS_MAX, description="Periods of each line.")]


@router.get("/forecasts/backtest", openapi_extra=says(ref("Backtest")))
def get_backtest(
    scope: Caller,
    service: Service,
    *,
    account: Text = None,
    contract: Text = None,
    line: Text = None,
    periods: Periods = 3,
) -> Response:
    """Forecast periods that are over by every method, and compare with what was used."""
    when = instants(scope, service, None, None)
    directory = service.directories.at(scope, when.mark.revision)
    asked = BacktestQuery(account, contract, line, periods)
    found = backtest(scope, directory, service.events, asked, when)
    return answer({**asdict(found), "known_at": when.mark})
