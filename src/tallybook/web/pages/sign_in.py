"""Signing in and out of the pages, and the theme a browser keeps."""

from typing import Annotated, Final, Literal, cast, get_args
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tallybook.model.errors import TallybookError
from tallybook.operations import identify
from tallybook.operations.guesses import Guesses
from tallybook.web.caller import COOKIE, check_origin
from tallybook.web.pages.posted import read_form
from tallybook.web.pages.render import page
from tallybook.web.pages.view import Frame, SignInPage
from tallybook.web.services import Service
from tallybook.web.status import status_of

router = APIRouter()

THEME_COOKIE: Final = "theme"  # static/app.js writes the same one
_FORM_BYTES_MAX: Final = 16 * 1024
Theme = Literal["system", "light", "dark"]
_THEMES: Final = frozenset(get_args(Theme))
_FIELDS_MAX: Final = 50
_THEME_SECONDS: Final = 365 * 24 * 3600
_SEE_OTHER: Final = 303


async def form(request: Request) -> dict[str, str]:
    """Read a small form; the last value of a name counts."""
    return await read_form(request, bytes_max=_FORM_BYTES_MAX, fields_max=_FIELDS_MAX)


Form = Annotated[dict[str, str], Depends(form)]


def own_path(url: str) -> str:
    """Return a path of ours to go to next; anything else would send people elsewhere."""
    if not url.startswith("/") or url.startswith(("//", "/\\")):
        return "/"
    try:
        return "/" if urlsplit(url).netloc else url  # "/\t/host" has one
    except ValueError:  # "/\t/[host"
        return "/"


@router.get("/sign-in")
def show(request: Request) -> Response:
    """Show the sign-in form."""
    next_url = own_path(request.query_params.get("next", "/"))
    frame = Frame("Sign in", theme=theme(request))
    return HTMLResponse(page("signin.html", SignInPage(frame, next_url=next_url)))


@router.post("/sign-in")
async def sign_in(request: Request, service: Service, fields: Form) -> Response:
    """Open a session and go on, or say what was wrong."""
    next_url = own_path(fields.get("next", "/"))
    attempt = identify.Attempt(
        fields.get("email", ""),
        fields.get("password", ""),
        request.client.host if request.client else "",
        request.cookies.get(COOKIE),
    )
    guesses: Guesses = request.app.state.guesses
    try:
        check_origin(request)
        made = await run_in_threadpool(
            identify.sign_in, service.people, guesses, attempt, service.clock.real_now()
        )
    except TallybookError as e:
        frame = Frame("Sign in", theme=theme(request))
        view = SignInPage(frame, attempt.email, next_url, e.detail)
        return HTMLResponse(page("signin.html", view), status_of(e))
    answer = RedirectResponse(next_url, _SEE_OTHER)
    answer.set_cookie(
        COOKIE,
        made.token,
        max_age=int(identify.SESSION_LIFE.total_seconds()),
        httponly=True,
        secure=request.url.scheme == "https",
        samesite="lax",
    )
    return answer


@router.post("/sign-out")
def sign_out(request: Request, service: Service) -> Response:
    """End the session."""
    check_origin(request)
    token = request.cookies.get(COOKIE)
    if token:
        identify.sign_out(service.people, token, service.clock.real_now())
    answer = RedirectResponse("/sign-in", _SEE_OTHER)
    answer.delete_cookie(COOKIE)
    return answer


@router.post("/theme")
def choose_theme(fields: Form) -> Response:
    """Keep the theme for a browser without scripts."""
    chosen = fields.get("theme", "system")
    answer = RedirectResponse(own_path(fields.get("back", "/")), _SEE_OTHER)
    if chosen in _THEMES:
        answer.set_cookie(THEME_COOKIE, chosen, max_age=_THEME_SECONDS, samesite="lax")
    return answer


def theme(request: Request) -> Theme:
    """Return the theme this browser keeps."""
    kept = request.cookies.get(THEME_COOKIE, "system")
    return cast("Theme", kept) if kept in _THEMES else "system"
