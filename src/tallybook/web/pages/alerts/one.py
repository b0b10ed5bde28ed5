"""One check: what it does, a form with its variables, what it would find now, and subscribing."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tallybook.model import limits
from tallybook.model.check import Check
from tallybook.model.directory import Directory
from tallybook.model.errors import Forbidden, Invalid, NotFound, TallybookError
from tallybook.model.mark import Mark
from tallybook.model.nouns import parse
from tallybook.model.scope import Scope
from tallybook.operations import checks as checks_op
from tallybook.operations import subscriptions as subscriptions_op
from tallybook.operations.checks import Listed, NewPreview, Preview
from tallybook.operations.known import known
from tallybook.web.api.checks import sources
from tallybook.web.api.subscriptions import desk
from tallybook.web.pages.alerts import words
from tallybook.web.pages.alerts.form import body_of, form_of, looked_at, with_fault
from tallybook.web.pages.alerts.view import CheckPage, PreviewTable, Sample
from tallybook.web.pages.cases.contact import Fields
from tallybook.web.pages.frame import frame
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.view import Fact, Link
from tallybook.web.services import Service, Services
from tallybook.web.status import status_of

router = APIRouter()

_ROWS: Final = 20
_SEE_OTHER: Final = 303
_REFUSED: Final = (Invalid, Forbidden, NotFound)


@router.get(f"{words.ALERTS}/{{code}}")
def check(request: Request, scope: SignedIn, service: Service, code: str) -> Response:
    """Show a check with what it would find now, with the values in the address."""
    view, fault = _page(request, scope, service, code, request.query_params)
    return HTMLResponse(page("alert_check.html", view), status_of(fault) if fault else 200)


@router.post(f"{words.ALERTS}/{{code}}")
def subscribe(
    request: Request, scope: SignedIn, service: Service, code: str, fields: Fields
) -> Response:
    """Subscribe with what stands in the form."""
    body = {"check": code, **body_of(checks_op.listed(scope, code).check, fields)}
    try:
        made = subscriptions_op.subscribe(scope, desk(service), body, service.clock.now())
    except _REFUSED as e:
        view, _ = _page(request, scope, service, code, fields)
        shown = replace(view, form=with_fault(view.form, e), problem=e.detail)
        return HTMLResponse(page("alert_check.html", shown), status_of(e))
    return RedirectResponse(f"{words.SUBSCRIBED}/{made.id}?saved=1", _SEE_OTHER)


def _page(
    request: Request, scope: Scope, service: Services, code: str, said: Mapping[str, str]
) -> tuple[CheckPage, TallybookError | None]:
    now = service.clock.now()
    found = checks_op.listed(scope, code)
    mark = known(scope, service.books, service.ledger, service.events, None, now)
    directory = service.directories.at(scope, mark.revision)
    preview, fault = None, None
    try:
        preview = _previewed(scope, service, directory, mark, found, said)
    except _REFUSED as e:
        fault = e
    mine = subscriptions_op.mine(scope, service.alerts, limit=limits.PAGE_ROWS_MAX).items
    user = service.people.user(scope, scope.who)
    table = _table(scope, preview) if preview else None
    view = CheckPage(
        frame(request, scope, directory.on(now.date()), found.title),
        (Link("Alerts", words.ALERTS), Link(found.title, f"{words.ALERTS}/{code}")),
        found.title,
        code,
        found.finds,
        words.REPEATS[found.check.POLICY],
        _example(table),
        found.check.TIPS,
        tuple(_related(scope, found.check)),
        f"{words.ALERTS}/{code}",
        form_of(found.check, {"to": user.email if user else "", **said}),
        table,
        tuple(Link(s.name, f"{words.SUBSCRIBED}/{s.id}") for s in mine if s.check == code),
        subscriptions_op.may_subscribe(scope),
        fault.detail if fault else "",
    )
    return (replace(view, form=with_fault(view.form, fault)) if fault else view), fault


def _previewed(
    scope: Scope,
    service: Services,
    directory: Directory,
    mark: Mark,
    found: Listed,
    said: Mapping[str, str],
) -> Preview:
    asked = parse(NewPreview, looked_at(found.check, said))
    return checks_op.preview(scope, sources(service), directory, mark, found.code, asked)


def _table(scope: Scope, preview: Preview) -> PreviewTable:
    columns = preview.listed.check.COLUMNS
    reasons: dict[str, int] = {}
    for one in preview.unjudged:
        reasons[one.reason] = reasons.get(one.reason, 0) + 1
    return PreviewTable(
        words.headings(columns),
        tuple(
            Sample(
                one.entity,
                words.place(one),
                one.message,
                words.cells(columns, one),
                words.risk(one, shown=scope.sees_prices),
            )
            for one in preview.findings[:_ROWS]
        ),
        preview.found,
        preview.evaluated,
        tuple(Fact(words.REASONS.get(r, r), str(count)) for r, count in sorted(reasons.items())),
        scope.sees_prices,
    )


def _example(table: PreviewTable | None) -> str:
    """Return a worked example with the reader's own numbers: the first finding in a sentence."""
    if table is None or not table.rows:
        return ""
    first = table.rows[0]
    pairs = zip(table.columns, first.cells, strict=True)
    said = ", ".join(f"{column.label.lower()} {cell}" for column, cell in pairs if cell != "–")
    return f"{first.entity}: {said}. {first.message}"


def _related(scope: Scope, check: Check) -> Iterator[Link]:
    titles = {one.code: one.title for one in checks_op.catalogue(scope)}
    for code in check.RELATED:
        if code in titles:
            yield Link(titles[code], f"{words.ALERTS}/{code}")
