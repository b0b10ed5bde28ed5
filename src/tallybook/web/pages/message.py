"""What a browser sees when a page cannot be shown: the way to sign in, or what to do next."""

from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tallybook.model.errors import TallybookError
from tallybook.web.pages.render import page
from tallybook.web.pages.sign_in import theme
from tallybook.web.pages.view import Frame, Link, MessagePage

_TITLES: Final = {
    HTTPStatus.FORBIDDEN: ("lock", "Not for you"),
    HTTPStatus.NOT_FOUND: ("search", "Not here"),
    HTTPStatus.TOO_MANY_REQUESTS: ("clock", "Too much at once"),
    HTTPStatus.SERVICE_UNAVAILABLE: ("clock", "Not just now"),
    HTTPStatus.INTERNAL_SERVER_ERROR: ("over", "Something broke on our side"),
}


def wants_page(request: Request) -> bool:
    """Tell whether a browser asks for a page, rather than a program for an answer."""
    is_api = request.url.path.startswith("/api/")
    return not is_api and "text/html" in request.headers.get("accept", "")


def of_error(request: Request, error: TallybookError, status: HTTPStatus) -> Response:
    """Answer a refusal with a page, or with the way to the sign-in form."""
    if status == HTTPStatus.UNAUTHORIZED and request.method in {"GET", "HEAD"}:
        here = str(request.url.replace(scheme="", netloc=""))
        return RedirectResponse(f"/sign-in?{urlencode({'next': here})}", HTTPStatus.SEE_OTHER)
    return show(request, status, error.detail)


def show(request: Request, status: int, sentence: str) -> Response:
    """Show one sentence and a way back."""
    icon, title = _TITLES.get(HTTPStatus(status), ("search", "That did not work"))
    links = (Link("Go to Volume", "/volume"),)
    identifier = str(request.scope.get("request_id", ""))
    frame = Frame(title, theme=theme(request))
    view = MessagePage(frame, icon, title, sentence, links, identifier)
    return HTMLResponse(page("message.html", view), status)
