"""Contact your CSM: the form on the way from a line's page to a case about it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tallybook.model.case import CaseKind
from tallybook.model.errors import Conflict, Invalid, NotFound, TallybookError
from tallybook.model.ids import new_id
from tallybook.model.pages import line_page
from tallybook.model.scope import Scope
from tallybook.operations import cases as cases_op
from tallybook.operations.pages import ROLLUPS
from tallybook.web.api.cases import desk
from tallybook.web.pages.cases.numbers import numbers
from tallybook.web.pages.cases.view import ContactPage, Letter
from tallybook.web.pages.frame import frame, with_query, zone_of
from tallybook.web.pages.posted import read_form
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.view import Link
from tallybook.web.services import Service, Services
from tallybook.web.status import status_of

router = APIRouter()

_BYTES_MAX: Final = 256 * 1024
_FIELDS_MAX: Final = 50
_SEE_OTHER: Final = 303
_KINDS: Final[tuple[tuple[CaseKind, str], ...]] = (
    ("question", "I have a question"),
    ("discrepancy", "The numbers look wrong"),
)
#: What says which numbers are meant, in the address and in the form.
_MEANT: Final = ("at", "known_at", "rollup")
PATH: Final = "/volume/{contract}/{line}/contact"


async def _fields(request: Request) -> dict[str, str]:
    """Read a form with a long text."""
    return await read_form(request, bytes_max=_BYTES_MAX, fields_max=_FIELDS_MAX)


Fields = Annotated[dict[str, str], Depends(_fields)]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which line's form is asked for, and what was typed so far."""

    request: Request
    scope: Scope
    service: Services
    key: tuple[str, str]
    said: Mapping[str, str]
    fault: str = ""

    @property
    def kind(self) -> CaseKind:
        """Return what was chosen."""
        return "discrepancy" if self.said.get("kind") == "discrepancy" else "question"


@router.get(PATH)
def form(request: Request, scope: SignedIn, service: Service, contract: str, line: str) -> Response:
    """Show the form, with the numbers that will be recorded."""
    asked = _Asked(request, scope, service, (contract, line), dict(request.query_params))
    return HTMLResponse(page("contact.html", _page(asked)))


@router.post(PATH)
def send(
    request: Request, scope: SignedIn, service: Service, contract: str, line: str, fields: Fields
) -> Response:
    """Open the case, or say what is wrong and lose nothing of what was typed."""
    asked = _Asked(request, scope, service, (contract, line), fields)
    body = {**_meant(asked), "kind": asked.kind, "text": fields.get("text", "")}
    if fields.get("key"):
        body["idempotency_key"] = fields["key"]
    try:
        opened = cases_op.open_case(scope, desk(service), body, service.clock.now())
    except (Conflict, Invalid, NotFound) as e:
        return _again(asked, e)
    return RedirectResponse(f"/cases/{opened.case.id}", _SEE_OTHER)


def _again(asked: _Asked, error: TallybookError) -> Response:
    """Show what was typed again; with the numbers of now, where those meant are not to be had."""
    said = {**asked.said, "key": ""} if isinstance(error, Conflict) else asked.said
    again = replace(asked, said=said, fault=error.detail)
    try:
        shown = _page(again)
    except (Invalid, NotFound):
        of_now = {name: text for name, text in said.items() if name not in _MEANT}
        fault = f"{error.detail} The numbers shown are now those of this moment."
        shown = _page(replace(again, said=of_now, fault=fault))
    return HTMLResponse(page("contact.html", shown), status_of(error))


def _meant(asked: _Asked) -> dict[str, object]:
    """Return the line and which of its numbers are meant, as `NewCase` takes them."""
    meant: dict[str, object] = {"contract": asked.key[0], "line": asked.key[1]}
    for name in ("at", "known_at"):
        if asked.said.get(name):
            meant[name] = asked.said[name]
    rollup = ROLLUPS.get(asked.said.get("rollup", ""))
    return meant if rollup is None else {**meant, "rollup": rollup}


def _page(asked: _Asked) -> ContactPage:
    service, scope = asked.service, asked.scope
    now = service.clock.now()
    preview = cases_op.preview(scope, desk(service), _meant(asked), now)
    directory = service.directories.current(scope).on(now.date())
    zone = zone_of(directory, preview.contract, preview.account)
    meant = {name: asked.said.get(name, "") for name in _MEANT}
    meant |= {"at": preview.shown["at"], "known_at": preview.shown["known_at"]}
    path = line_page(*asked.key)
    back = with_query(path, {"rollup": meant["rollup"]})
    return ContactPage(
        frame(asked.request, scope, directory, "Contact your CSM"),
        (Link("Volume", "/volume"), Link(_titled(preview), back), Link("Contact", path)),
        (preview.manager.name or "") if preview.manager else "",
        (preview.manager.email or "") if preview.manager else "",
        numbers(preview.shown, zone),
        Letter(
            f"{path}/contact",
            asked.said.get("key") or new_id(service.clock.real_now()),
            asked.said.get("text", ""),
            asked.fault,
            tuple((name, value) for name, value in meant.items() if value),
        ),
        asked.kind,
        _KINDS,
        back,
    )


def _titled(preview: cases_op.Preview) -> str:
    return f"{preview.shown['account_name']}, {preview.shown['service']}"
