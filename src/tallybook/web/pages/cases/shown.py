"""One case: what both sides wrote, its numbers, and the forms to answer, close and reopen it."""

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tallybook.model.case import Message
from tallybook.model.directory import Directory
from tallybook.model.errors import Conflict, Invalid
from tallybook.model.ids import new_id
from tallybook.model.pages import contract_page
from tallybook.model.scope import Scope
from tallybook.operations import cases as cases_op
from tallybook.web.api.cases import desk
from tallybook.web.pages.cases.contact import Fields
from tallybook.web.pages.cases.listing import PATH
from tallybook.web.pages.cases.numbers import numbers
from tallybook.web.pages.cases.view import CasePageView, Letter, MessageRow
from tallybook.web.pages.frame import frame, zone_of
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.view import Link
from tallybook.web.services import Service, Services
from tallybook.web.status import status_of

router = APIRouter()

_SEE_OTHER: Final = 303
#: What a message's delivery says of itself; without a mail server it waits.
_NOTES: Final[Mapping[str | None, str]] = {
    None: "recorded; nobody else to tell",
    "queued": "recorded, not sent by mail yet",
    "sent": "sent by mail",
    "failed": "recorded; the mail failed and will be tried again",
    "dead": "recorded; the mail could not be delivered",
}
_SIDES: Final = {"customer": "Customer", "vendor": "Vendor"}


@router.get(f"{PATH}/{{case_id}}")
def case(request: Request, scope: SignedIn, service: Service, case_id: str) -> Response:
    """Show a case."""
    return HTMLResponse(page("case.html", _page(request, scope, service, case_id, {})))


@router.post(f"{PATH}/{{case_id}}")
def act(
    request: Request, scope: SignedIn, service: Service, case_id: str, fields: Fields
) -> Response:
    """Do what the pressed button says: send the answer, close the case, or reopen it."""
    now = service.clock.now()
    try:
        if "status" in fields:
            body = {"status": fields["status"]}
            cases_op.change(scope, service.cases, case_id, body, now)
        else:
            message = {"text": fields.get("text", "")}
            key = {"idempotency_key": fields["key"]} if fields.get("key") else {}
            cases_op.answer(scope, desk(service), case_id, {**message, **key}, now)
    except (Conflict, Invalid) as e:
        view = _page(request, scope, service, case_id, fields, e.detail)
        return HTMLResponse(page("case.html", view), status_of(e))
    return RedirectResponse(f"{PATH}/{case_id}", _SEE_OTHER)


def _page(
    request: Request,
    scope: Scope,
    service: Services,
    case_id: str,
    fields: Mapping[str, str],
    problem: str = "",
) -> CasePageView:
    now = service.clock.now()
    opened = cases_op.read(scope, service.cases, case_id, now)
    found = opened.case
    directory = service.directories.current(scope).on(now.date())
    zone = zone_of(directory, found.contract, found.account)
    may, is_closed = scope.may("contact"), found.status == "closed"
    here = f"{PATH}/{found.id}"
    title = cases_op.title(found)
    key = new_id(service.clock.real_now())
    text = fields.get("text", "")
    return CasePageView(
        frame(request, scope, directory, title),
        (Link("Cases", PATH), Link(title, here)),
        title,
        found.status,
        zone,
        tuple(_message(scope, one) for one in opened.messages),
        numbers(found.shown, zone),
        tuple(_about(directory, found.account, found.contract)),
        Letter(here, key, text, problem) if may and not is_closed else None,
        Link("Reopen this case" if is_closed else "Close this case", here) if may else None,
        "open" if is_closed else "closed",
        problem if is_closed else "",
    )


def _message(scope: Scope, message: Message) -> MessageRow:
    is_key = message.author.startswith("key:")
    return MessageRow(
        message.number,
        "An API key" if is_key else message.author,
        _SIDES[message.side],
        message.at,
        message.text,
        _NOTES[message.delivery_status],
        message.author == scope.who,
    )


def _about(directory: Directory, account: str, contract: str) -> Iterator[Link]:
    owner = directory.account(account)
    yield Link(owner.title if owner else account, f"/volume?account={quote(account, safe='')}")
    yield Link(f"Contract {contract}", contract_page(contract))
