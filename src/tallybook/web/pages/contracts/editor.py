"""The editor of a contract: its terms as fields or as text, a preview of what would change, and the
save, which a change by somebody else meanwhile stops without losing what was typed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tallybook.model.difference import difference
from tallybook.model.errors import Conflict, Forbidden, Invalid, NotFound, TallybookError
from tallybook.model.plain import plain
from tallybook.model.ports import Version
from tallybook.model.scope import Scope
from tallybook.operations import define as define_op
from tallybook.operations import definitions
from tallybook.operations import rate as rate_op
from tallybook.operations.foresee import Outlook, foresee
from tallybook.web.api.statements import basis_of
from tallybook.web.pages import format as words
from tallybook.web.pages.asked import whole
from tallybook.web.pages.contracts import form
from tallybook.web.pages.contracts.changes import notes, told
from tallybook.web.pages.contracts.edit_view import EditPage, MoneyChange, Preview
from tallybook.web.pages.contracts.listing import PATH, may_define
from tallybook.web.pages.contracts.written import read_text, write_text
from tallybook.web.pages.frame import frame
from tallybook.web.pages.posted import read_form
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.view import Link, Money
from tallybook.web.services import Service, Services

router = APIRouter()

_DAY: Final = timedelta(days=1)
_FORM_BYTES_MAX: Final = 1024 * 1024
_FIELDS_MAX: Final = 2_000
_SEE_OTHER: Final = 303
_VERSION_MAX: Final = 999_999_999
_NEW: Final[Mapping[str, Any]] = {"status": "active", "billing": {}, "lines": []}
_GROUPS: Final = ("lines", "base_charges", "discounts", "commitments", "adjustments")


async def _fields(request: Request) -> dict[str, str]:
    """Read the editor's form; the last value of a name counts."""
    return await read_form(request, bytes_max=_FORM_BYTES_MAX, fields_max=_FIELDS_MAX)


Fields = Annotated[dict[str, str], Depends(_fields)]


@dataclass(frozen=True, slots=True)
class _Edit:
    """A contract in the editor: what it stands on, and what was typed so far."""

    request: Request
    scope: Scope
    service: Services
    number: str
    document: Mapping[str, Any]
    versions: tuple[Version, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    is_new: bool = False

    @property
    def version(self) -> int:
        """Return the number of the newest version, 0 where there is none."""
        return self.versions[-1].number if self.versions else 0

    @property
    def asked_version(self) -> int:
        """Return the version that the form was made from."""
        return whole(self.fields.get("version", ""), _VERSION_MAX) or self.version


@router.get(f"{PATH}/new")
def new(request: Request, scope: SignedIn, service: Service) -> Response:
    """Show the editor of a contract that is not there yet."""
    _require(scope)
    today = service.clock.now().date()
    document = {**_NEW, "start_date": today.isoformat()}
    edit = _Edit(request, scope, service, "", document, is_new=True)
    return HTMLResponse(page("contract_edit.html", _page(edit)))


@router.post(f"{PATH}/new")
def create(request: Request, scope: SignedIn, service: Service, fields: Fields) -> Response:
    """Preview or save a new contract."""
    _require(scope)
    number = fields.get("number", "").strip()
    edit = _Edit(request, scope, service, number, {}, (), fields, is_new=True)
    return _act(edit)


@router.get(f"{PATH}/{{number}}/edit")
def edit(request: Request, scope: SignedIn, service: Service, number: str) -> Response:
    """Show the editor of a contract as it stands today."""
    found = _load(request, scope, service, number, {})
    return HTMLResponse(page("contract_edit.html", _page(found)))


@router.post(f"{PATH}/{{number}}/edit")
def change(
    request: Request, scope: SignedIn, service: Service, number: str, fields: Fields
) -> Response:
    """Preview or save a change."""
    return _act(_load(request, scope, service, number, fields))


def _require(scope: Scope) -> None:
    if not may_define(scope):
        raise Forbidden(
            "verb_not_allowed",
            "Your role may read contracts and not change them. Ask your administrator for a role "
            "that defines, such as finance, or send them what should change.",
        )


def _load(
    request: Request, scope: Scope, service: Services, number: str, fields: Mapping[str, str]
) -> _Edit:
    now = service.clock.now()
    directory = service.directories.current(scope)
    held = definitions.get(scope, directory, "contract", number, now)
    _require(scope)
    versions = tuple(definitions.history(scope, directory, "contract", number, now))
    document = plain({k: v for k, v in held.document.items() if k != "number"})
    return _Edit(request, scope, service, number, document, versions, fields)


def _act(edit: _Edit) -> Response:
    """Do what the pressed button says with what was typed."""
    try:
        typed = _typed(edit)
    except Invalid as e:
        view = _page(edit, faults={str(e.facts.get("field") or "document"): e.detail}, as_text=True)
        return HTMLResponse(page("contract_edit.html", view), 422)
    action = edit.fields.get("action", "preview")
    if action in {"text", "form"}:
        return HTMLResponse(
            page("contract_edit.html", _page(edit, typed, as_text=action == "text"))
        )
    body = {**typed, "number": edit.number, **_said(edit)}
    outlook, faults = _planned(edit, body)
    if faults or outlook is None:
        view = _page(edit, typed, faults=faults)
        return HTMLResponse(page("contract_edit.html", view), 422)
    if action != "save":
        view = _page(edit, typed, preview=_preview(edit, outlook))
        return HTMLResponse(page("contract_edit.html", view))
    return _save(edit, typed, body, outlook)


def _save(
    edit: _Edit, typed: Mapping[str, Any], body: Mapping[str, Any], outlook: Outlook
) -> Response:
    service = edit.service
    change = define_op.Change(
        "contract", edit.number, body, 0 if edit.is_new else edit.asked_version
    )
    try:
        define_op.define(
            edit.scope, service.books, service.directories, change, service.clock.now()
        )
    except Conflict as e:
        now = _latest(edit)
        view = _page(now, typed, preview=_preview(now, outlook), conflict=e.detail)
        return HTMLResponse(page("contract_edit.html", view), 409)
    return RedirectResponse(f"{PATH}/{quote(edit.number, safe='')}", _SEE_OTHER)


def _latest(edit: _Edit) -> _Edit:
    """Return the editor with the versions that are there now."""
    service, now = edit.service, edit.service.clock.now()
    directory = service.directories.current(edit.scope)
    try:
        found = definitions.history(edit.scope, directory, "contract", edit.number, now)
    except NotFound:
        return edit
    return replace(edit, versions=tuple(found))


def _typed(edit: _Edit) -> dict[str, Any]:
    """Return the document that was typed: the text, with what the fields say over it.

    Raises:
        Invalid: `document_invalid`, for a text that is no document.
    """
    base = read_text(edit.fields.get("document", ""))
    made = base if edit.fields.get("mode") == "text" else form.document(base, edit.fields)
    if edit.is_new:
        made = {**made, "account": edit.fields.get("account", "").strip()}
    return made


def _said(edit: _Edit) -> dict[str, Any]:
    """Return what a change says beside its terms."""
    said = {"applies": edit.fields.get("applies") or "at_once"}
    for name in ("valid_from", "reason"):
        text = edit.fields.get(name, "").strip()
        if text:
            said[name] = text
    return said


def _planned(edit: _Edit, body: Mapping[str, Any]) -> tuple[Outlook | None, dict[str, str]]:
    """Plan a change without writing it: what would become of it, or all that is wrong."""
    if not edit.number:
        return None, {"number": "A number names the contract for ever, such as MSA-2026-7."}
    directories, now = edit.service.directories, edit.service.clock.now()
    if edit.is_new and directories.current(edit.scope).history("contract", edit.number):
        return None, {"number": "There is a contract with this number; open that and edit it."}
    asked = define_op.Change("contract", edit.number, body)
    try:
        (found,) = foresee(edit.scope, directories, [asked], now)
    except Conflict as e:
        return None, {"number": e.detail}
    return found, {fault.field: fault.detail for fault in found.faults}


def _preview(edit: _Edit, outlook: Outlook) -> Preview:
    money = _Money(edit, outlook)
    is_news = outlook.outcome != "unchanged"
    return Preview(
        outlook.valid_from if is_news else None,
        tuple(told(outlook.changes)),
        money.period,
        tuple(money.rows()) if is_news else (),
        tuple(notes(outlook.findings)),
    )


class _Money:
    """What the current period comes to before and after a planned change."""

    def __init__(self, edit: _Edit, outlook: Outlook) -> None:
        now = basis_of(edit.scope, edit.service, None)
        added = [outlook.version] if outlook.version and outlook.outcome != "unchanged" else []
        self._before = _rated(edit, now)
        self._after = _rated(edit, replace(now, directory=now.directory.extend(added)))

    @property
    def period(self) -> str:
        """Return the days of the period that both are about; nothing where neither is in force."""
        found = self._after or self._before
        if found is None:
            return ""
        return words.span(found.start_date, found.end_date - _DAY)

    def rows(self) -> Iterator[MoneyChange]:
        """Yield each charge whose amount differs, then what it all comes to."""
        before, after = _amounts(self._before), _amounts(self._after)
        for name in dict.fromkeys((*before, *after)):
            if before.get(name) != after.get(name):
                yield MoneyChange(name, before.get(name), after.get(name))
        if self._before is not None or self._after is not None:
            yield MoneyChange("Total", _total(self._before), _total(self._after))


def _rated(edit: _Edit, basis: rate_op.Basis) -> rate_op.Rated | None:
    """Return the statement of today's period; None where the contract is not in force, or what it
    says cannot be worked out.
    """
    try:
        return rate_op.statement(edit.scope, basis, edit.number)
    except TallybookError:
        return None


def _amounts(found: rate_op.Rated | None) -> dict[str, Money]:
    if found is None:
        return {}
    currency = found.document["currency"]
    return {
        str(one.get("name") or one["code"]): Money(Decimal(one["amount"]), currency)
        for group in _GROUPS
        for one in found.document[group]
        if one["amount"] is not None
    }


def _total(found: rate_op.Rated | None) -> Money | None:
    if found is None or found.document["total"] is None:
        return None
    return Money(Decimal(found.document["total"]), found.document["currency"])


def _page(
    edit: _Edit,
    typed: Mapping[str, Any] | None = None,
    *,
    faults: Mapping[str, str] | None = None,
    preview: Preview | None = None,
    conflict: str = "",
    as_text: bool | None = None,
) -> EditPage:
    """Return the editor with what was typed; without it, with what holds."""
    fields, found = edit.fields, dict(faults or {})
    document = edit.document if typed is None else typed
    is_text = fields.get("mode") == "text" if as_text is None else as_text
    kept = fields.get("document", "") if typed is None and fields else write_text(document)
    path = PATH if edit.is_new else f"{PATH}/{quote(edit.number, safe='')}"
    title = "New contract" if edit.is_new else f"Edit {edit.number}"
    sections = () if is_text else tuple(form.sections(document, found))
    directory = edit.service.directories.current(edit.scope)
    return EditPage(
        frame(edit.request, edit.scope, directory, title),
        (Link("Contracts", PATH), *(() if edit.is_new else (Link(edit.number, path),)),
         Link("New" if edit.is_new else "Edit", edit.request.url.path)),
        title,
        f"{PATH}/new" if edit.is_new else f"{path}/edit",
        path,
        "text" if is_text else "form",
        edit.is_new,
        edit.number,
        fields.get("account", ""),
        kept,
        sections,
        edit.version if conflict or not fields else edit.asked_version,
        fields.get("valid_from", ""),
        fields.get("applies", "at_once"),
        fields.get("reason", ""),
        tuple(_summary(found, sections)),
        preview,
        tuple(_theirs(edit)),
        conflict,
        field_faults=found,
    )  # fmt: skip


def _summary(faults: Mapping[str, str], sections: tuple[Any, ...]) -> Iterator[Link]:
    """Yield every fault, leading to its field where there is one."""
    known = {
        one.fault: one.id
        for section in sections
        for part in (section, *section.parts)
        for one in part.fields
        if one.fault
    }
    for path, text in faults.items():
        said = f"{path}: {text}" if path else text
        yield Link(said, f"#{known[text]}" if text in known else "")


def _theirs(edit: _Edit) -> Iterator[Any]:
    """Yield what others changed since the form was made."""
    asked = next((v for v in edit.versions if v.number == edit.asked_version), None)
    if asked is not None and edit.fields and edit.asked_version != edit.version:
        yield from told(difference(asked.document, edit.versions[-1].document))
