"""A short way for `POST /api/v1/events`, past the routing and the parameters of the framework,
which cost a batch of a thousand events as much as checking them. All else goes the usual way.
"""

from types import SimpleNamespace
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from tallybook.model.errors import TallybookError
from tallybook.web import problems
from tallybook.web.api.events import take_events

PATH: Final = "/api/v1/events"
#: What the metrics want to know of a route, in the router's words: without the prefix of the API.
_ROUTE: Final = SimpleNamespace(path="/events")


class Express:
    """Answer the one request by itself, as its route would, and pass on all others."""

    def __init__(self, app: ASGIApp) -> None:
        """Keep the application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if not _is_batch(scope):
            await self._app(scope, receive, send)
            return
        scope["route"] = _ROUTE
        request = Request(scope, receive)
        try:
            response = await take_events(request)
        except TallybookError as e:
            response = problems.of_error(request, e)
        await response(scope, receive, send)


def _is_batch(scope: Scope) -> bool:
    return (
        scope["type"] == "http"
        and scope["path"] == PATH
        and scope["method"] == "POST"
        and not scope["query_string"]
    )
