"""What every answer carries: a request id, security headers, one log line, one metric."""

import time
import uuid
from collections.abc import MutableMapping
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Everything from ourselves; style attributes (bar widths) are the one thing allowed inline.
CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "font-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

log = structlog.get_logger()


class Envelope:
    """Wrap the application: identify each request, time it, and harden its answer."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        """Keep the application and make its metrics."""
        self._app = app
        self._requests = Counter(
            "tallybook_http_requests",
            "Requests by route and status.",
            ["route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "tallybook_http_seconds",
            "Seconds an answer took, by route.",
            ["route"],
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identifier = scope["request_id"] = uuid.uuid4().hex
        started, status = time.perf_counter(), 500

        async def harden(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = identifier
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if "cache-control" not in headers:
                    headers["Cache-Control"] = "no-store"
            await send(message)

        try:
            await self._app(scope, receive, harden)
        finally:
            self._record(scope, identifier, status, time.perf_counter() - started)

    def _record(
        self, scope: MutableMapping[str, Any], identifier: str, status: int, seconds: float
    ) -> None:
        route = getattr(scope.get("route"), "path", "unknown")
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        log.info(
            "request",
            id=identifier,
            method=scope["method"],
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
        )
