"""What moves the installation on: `tick`, and the test clock where `serve` allows it."""

from fastapi import APIRouter
from starlette.responses import Response

from tallybook.model.errors import Invalid
from tallybook.model.time import parse_instant
from tallybook.web.api._parameters import Body, as_mapping
from tallybook.web.api._schemas import says
from tallybook.web.api._shapes import ref
from tallybook.web.caller import Caller
from tallybook.web.exact import answer
from tallybook.web.services import Service

router = APIRouter(tags=["operation"])


@router.post("/tick", openapi_extra=says(ref("Now")))
def post_tick(scope: Caller, service: Service) -> Response:
    """Do all that is due now."""
    scope.require("administer")
    service.tick()
    return answer({"now": service.clock.now()})


@router.put("/test-clock", openapi_extra=says(ref("Now"), body=ref("TestClock")))
def put_test_clock(scope: Caller, service: Service, body: Body) -> Response:
    """Set business time, forwards or backwards, then do all that is due."""
    scope.require("administer")
    now = as_mapping(body).get("now")
    if not isinstance(now, str):
        raise Invalid("document_invalid", "now must be an instant.", field="now")
    service.clock.set(parse_instant(now, name="now"))
    service.tick()
    return answer({"now": service.clock.now()})
