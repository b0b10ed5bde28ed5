"""One check: what it does, a form with its variables, what it would find now, and subscribing."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tallybook.model import limits
from tallybook.model.check import Check, Variable
from tallybook.model.directory import Directory
from tallybook.model.errors import Forbidden, Invalid, NotFound, TallybookError
from tallybook.model.mark import Mark
from tallybook.model.schedule import PRESETS
from tallybook.model.scope import Scope
from tallybook.operations import checks as checks_op
from tallybook.operations import subscriptions as subscriptions_op
from tallybook.operations.checks import Listed, NewPreview, Preview
from tallybook.operations.known import known
from tallybook.web.api.checks import sources
from tallybook.web.api.subscriptions import desk
from tallybook.web.pages.alerts import words
from tallybook.web.pages.alerts.view import CheckPage, Field, PreviewTable, Sample
from tallybook.web.pages.cases.contact import Fields
from tallybook.web.pages.frame import frame
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.view import Fact, Link, Option
from tallybook.web.services import Service, Services
from tallybook.web.status import status_of

router = APIRouter()

_ROWS: Final = 20
_SEE_OTHER: Final = 303
_KINDS: Final = {"flag": "flag", "choice": "choice", "list": "text"}
_REFUSED: Final = (Invalid, Forbidden, NotFound)


@router.get(f"{words.ALERTS}/{{code}}")
def check(request: Request, scope: SignedIn, service: Service, code: str) -> Response:
    """Show a check with what it would find now, with the values in the address."""
    said = {name: value for name, value in request.query_params.items() if value}
    view, fault = _page(request, scope, service, code, said)
    return HTMLResponse(page("alert_check.html", view), status_of(fault) if fault else 200)


@router.post(f"{words.ALERTS}/{{code}}")
def subscribe(
    request: Request, scope: SignedIn, service: Service, code: str, fields: Fields
) -> Response:
    """Subscribe with what stands in the form."""
    body = _body(code, fields)
    try:
        made = subscriptions_op.subscribe(scope, desk(service), body, service.clock.now())
    except _REFUSED as e:
        view, _ = _page(request, scope, service, code, fields)
        shown = replace(_with_fault(view, e), problem=e.detail)
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
        tuple(_field(variable, said) for variable in found.check.VARIABLES),
        _narrowing(said),
        _schedule(found.check, said),
        _recipients(said, user.email if user else ""),
        table,
        tuple(Link(s.name, f"{words.SUBSCRIBED}/{s.id}") for s in mine if s.check == code),
        subscriptions_op.may_subscribe(scope),
        fault.detail if fault else "",
    )
    return (_with_fault(view, fault) if fault else view), fault


def _previewed(
    scope: Scope,
    service: Services,
    directory: Directory,
    mark: Mark,
    found: Listed,
    said: Mapping[str, str],
) -> Preview:
    asked = NewPreview(
        values=_values(found.check, said),
        accounts=_list(said, "accounts"),
        branches=_list(said, "branches"),
    )
    return checks_op.preview(scope, sources(service), directory, mark, found.code, asked)


def _values(check: Check, said: Mapping[str, str]) -> dict[str, Any]:
    """Return the values that a form says; a flag that is not ticked is sent as false beside it."""
    known = {variable.key for variable in check.VARIABLES}
    given = {name.removeprefix("v."): value for name, value in said.items() if name[:2] == "v."}
    return {name: value for name, value in given.items() if name in known and value}


def _list(said: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part for part in (p.strip() for p in said.get(name, "").split(",")) if part)


def _body(code: str, said: Mapping[str, str]) -> dict[str, Any]:
    found = {n.removeprefix("v."): v for n, v in said.items() if n[:2] == "v." and v}
    times = {"cron": said["cron"]} if said.get("cron") else {"preset": said.get("preset")}
    return {
        "check": code,
        **({"name": said["name"]} if said.get("name") else {}),
        "values": found,
        "accounts": _list(said, "accounts"),
        "branches": _list(said, "branches"),
        "schedule": {**times, "timezone": said.get("timezone") or "UTC"},
        "recipients": {
            "to": _list(said, "to"),
            "cc": _list(said, "cc"),
            "csm": "csm" in said,
            "sales_rep": "sales_rep" in said,
        },
        "split_by": said.get("split_by") or "none",
        "mode": "test" if "test" in said else "live",
    }


def _field(variable: Variable, said: Mapping[str, str]) -> Field:
    name = f"v.{variable.key}"
    default = _text(variable.default)
    hint = f"{default} by default" if default and variable.kind != "flag" else ""
    if variable.letter:
        hint = f"{hint} · variable {variable.letter}".lstrip(" ·")
    options = tuple(Option(c, c, c == said.get(name, default)) for c in variable.choices)
    return Field(
        name,
        variable.title,
        variable.help,
        _KINDS.get(variable.kind, "text"),  # type: ignore[arg-type]  # the kinds of `Field`
        said.get(name, "" if variable.kind == "flag" else default),
        hint,
        options,
        required=variable.required,
    )


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_text, value))
    return "" if value is None or value is False else str(value)


def _narrowing(said: Mapping[str, str]) -> tuple[Field, ...]:
    accounts = "Keys with commas, each with its tree; all by default."
    return (
        Field("accounts", "Accounts", accounts, "text", said.get("accounts", "")),
        Field(
            "branches", "Branches", "With commas; all by default.", "text", said.get("branches", "")
        ),
    )


def _schedule(check: Check, said: Mapping[str, str]) -> tuple[Field, ...]:
    chosen = said.get("preset", check.SCHEDULE)
    presets = tuple(Option(name, words.TIMES[name], name == chosen) for name in PRESETS)
    cron = "Five fields such as 0 7 * * 1-5, in place of the above."
    zone = "An IANA zone such as Europe/Berlin."
    return (
        Field("preset", "Schedule", "By the clock of the zone.", "choice", chosen, options=presets),
        Field("cron", "Or cron", cron, "text", said.get("cron", "")),
        Field("timezone", "Zone", zone, "text", said.get("timezone", "UTC")),
    )


def _recipients(said: Mapping[str, str], own: str) -> tuple[Field, ...]:
    whom = "Addresses with commas. Each mail shows only what its reader may see."
    splits = (("none", "One mail"), ("branch", "One a branch"), ("recipient", "One a recipient"))
    split, name = said.get("split_by", "none"), said.get("name", "")
    options = tuple(Option(value, label, value == split) for value, label in splits)
    return (
        Field("name", "Name", "What mails call it; the check's title by default.", "text", name),
        Field("to", "To", whom, "text", said.get("to", own)),
        Field("cc", "Copy to", "With commas.", "text", said.get("cc", "")),
        Field("csm", "The CSM", "Of each contract found.", "flag", said.get("csm", "")),
        Field("sales_rep", "The sales rep", "Of each.", "flag", said.get("sales_rep", "")),
        Field(
            "split_by", "Split", "How findings are put into mails.", "choice", split, "", options
        ),
        Field("test", "Only try it", "Mails go to you alone.", "flag", said.get("test", "")),
    )


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


def _with_fault(view: CheckPage, fault: TallybookError) -> CheckPage:
    """Say a fault beside the field that it names."""
    named = str(fault.facts.get("field", "")).replace("values.", "v.").rpartition("recipients.")[2]
    named = named.removeprefix("schedule.")

    def told(fields: tuple[Field, ...]) -> tuple[Field, ...]:
        return tuple(
            replace(field, fault=fault.detail) if named.partition(".0")[0] == field.name else field
            for field in fields
        )

    return replace(
        view,
        variables=told(view.variables),
        narrowing=told(view.narrowing),
        schedule=told(view.schedule),
        recipients=told(view.recipients),
    )
