"""Who looks at a page: the signed-in browser, or the way to the sign-in form."""

from typing import Annotated

from fastapi import Depends, Request

from tallybook.model.scope import Scope
from tallybook.web.caller import browser
from tallybook.web.services import Service


def _signed_in(request: Request, service: Service) -> Scope:
    return browser(request, service)


SignedIn = Annotated[Scope, Depends(_signed_in)]
