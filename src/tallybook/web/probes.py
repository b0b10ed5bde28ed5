"""Probes: is the process alive, may it be sent requests, and what does it count."""

from collections.abc import Callable
from concurrent.futures import Future
from http import HTTPStatus
from threading import Thread
from typing import Final

from fastapi import FastAPI, Request
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from starlette.responses import PlainTextResponse, Response

from tallybook.model.scope import operator
from tallybook.web import problems
from tallybook.web.services import Services

_SYSTEM: Final = operator("probe")
#: A store that is there and does not answer for so long is as good as away.
_STORES_SECONDS: Final = 2


def add(app: FastAPI, services: Services, registry: CollectorRegistry) -> None:
    """Add the probes to an application."""
    backlog = Gauge("tallybook_backlog_events", "Accepted, not yet loaded.", registry=registry)
    backlog.set_function(services.backlog)
    head = Gauge("tallybook_ledger_events", "Entries of the ledger.", registry=registry)
    head.set_function(lambda: services.ledger.head(_SYSTEM))

    def ask_stores() -> None:
        services.books.revision(_SYSTEM)
        services.ledger.check(_SYSTEM)

    @app.get("/healthz", include_in_schema=False)
    def healthz() -> Response:
        return PlainTextResponse("alive\n")

    @app.get("/readyz", include_in_schema=False)
    def readyz(request: Request) -> Response:
        try:
            _within(_STORES_SECONDS, ask_stores)
        except TimeoutError:
            faults = ["Books or the ledger do not answer; see that their database runs"]
        else:
            faults = services.faults()
        if faults:
            status, detail = HTTPStatus.SERVICE_UNAVAILABLE, "; ".join(faults)
            return problems.problem(request, status, "not_ready", detail)
        return PlainTextResponse("ready\n")

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")


def _within(seconds: float, check: Callable[[], None]) -> None:
    """Run a check in a thread of its own, and wait so long for it: whoever asks must be answered.

    Raises:
        TimeoutError: it is still at work, and nobody waits for it any more.
        Exception: what the check raises.
    """
    done: Future[None] = Future()

    def run() -> None:
        try:
            check()
        except Exception as e:  # noqa: BLE001 - it is raised where the check was asked for
            done.set_exception(e)
        else:
            done.set_result(None)

    Thread(target=run, name="probe", daemon=True).start()
    done.result(seconds)
