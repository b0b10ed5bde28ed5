"""The web application: API, pages, static files and probes around one set of services."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry
from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from tallybook import __version__
from tallybook.operations.guesses import Guesses
from tallybook.operations.portfolio import Past
from tallybook.web import api, probes, problems
from tallybook.web.api._schemas import REFUSALS, components
from tallybook.web.express import Express
from tallybook.web.middleware import Envelope
from tallybook.web.pages import routes
from tallybook.web.services import Services

_COMPRESSED_BYTES_MIN: Final = 2_048
_COMPRESSION: Final = 5  # beyond it, twice the time saves a hundredth
_FOR_EVER: Final = "public, max-age=31536000, immutable"


class _Static(StaticFiles):
    """Static files; one asked for by its content's mark may be kept for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        marked = b"v=" in scope.get("query_string", b"")
        fonts = Headers(scope=scope).get("sec-fetch-dest") == "font" or path.endswith(".woff2")
        response.headers["Cache-Control"] = _FOR_EVER if marked or fonts else "no-cache"
        return response


class _Application(FastAPI):
    """The framework's application, whose document also describes the bodies that we read."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        document.setdefault("components", {}).setdefault("schemas", {}).update(components())
        document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"key": []}]
        return document


@cache
def _routes() -> Sequence[BaseRoute]:
    """Return what each path leads to: the same for all services, so it is worked out once."""
    router = APIRouter(responses=REFUSALS)
    router.include_router(api.router())
    router.include_router(routes.router, include_in_schema=False)
    return router.routes


def make(services: Services) -> ASGIApp:
    """Put the application together."""
    app = _Application(
        title="Tallybook",
        version=__version__,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    app.state.past = Past()
    app.state.guesses = Guesses()
    problems.install(app)
    app.add_middleware(Express)
    app.router.routes.extend(_routes())
    static = Path(str(files("tallybook.web").joinpath("static")))
    app.mount("/static", _Static(directory=static), name="static")
    registry = CollectorRegistry()
    probes.add(app, services, registry)
    return Envelope(GZipMiddleware(app, _COMPRESSED_BYTES_MIN, _COMPRESSION), registry)
