"""Who calls: the scope of an API key or of a signed-in browser, and the guard of its forms."""

import hmac
from typing import Annotated, Final

from fastapi import Depends, Request

from tallybook.model.errors import Forbidden, Unauthenticated
from tallybook.model.scope import Scope, operator
from tallybook.operations import identify
from tallybook.web.services import Service, Services

COOKIE: Final = "tallybook_session"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def browser(request: Request, service: Services) -> Scope:
    """Return the scope of the signed-in browser.

    Raises:
        Unauthenticated: `session_missing`, `session_over`.
        Forbidden: `other_origin`, for a form that another site sends.
    """
    token = request.cookies.get(COOKIE)
    if not token:
        raise Unauthenticated("session_missing", "You are not signed in; sign in first.")
    check_origin(request)
    now = service.clock.real_now()
    return identify.by_session(service.people, service.directories, token, now)


def check_origin(request: Request) -> None:
    """Refuse a change that comes from another site's page.

    Raises:
        Forbidden: `other_origin`.
    """
    if request.method in _SAFE:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    same_host = origin is None or origin.partition("://")[2] == request.headers.get("host")
    if site not in {None, "same-origin", "none"} or not same_host:
        raise Forbidden("other_origin", "This form was sent from another site; open it here.")


def require_credentials(request: Request) -> None:
    """Refuse who brings neither a key nor a session, before anything is read.

    Raises:
        Unauthenticated: `key_missing`.
    """
    if "authorization" not in request.headers and COOKIE not in request.cookies:
        raise Unauthenticated(
            "key_missing", "Send an API key as `Authorization: Bearer KEY`; see ./tallybook keys."
        )


def caller(request: Request, service: Service) -> Scope:
    """Return the scope of the key in `Authorization`, else of the session.

    Raises:
        Unauthenticated: `key_missing`, `key_invalid`, `session_over`.
    """
    require_credentials(request)
    header = request.headers.get("authorization")
    if header is None:
        return browser(request, service)
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("key_invalid", "Authorization must be `Bearer KEY`.")
    key = key.strip()
    if hmac.compare_digest(key.encode(), service.local_token.encode()):
        return operator("command line")
    now = service.clock.real_now()
    return identify.by_key(service.people, service.directories, key, now)


Caller = Annotated[Scope, Depends(caller)]
