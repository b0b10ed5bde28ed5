"""One contract: what was agreed, as it holds on a day and was known at a moment; its versions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from tallybook.model.alert import FindingQuery
from tallybook.model.directory import Directory
from tallybook.model.limits import PAGE_ROWS_MAX
from tallybook.model.ports import SnapshotQuery, Version
from tallybook.model.scope import Scope
from tallybook.model.time import Calendar, format_instant, parse_date
from tallybook.operations import definitions
from tallybook.operations import findings as findings_op
from tallybook.operations import position as position_op
from tallybook.operations.contracts import listed
from tallybook.web.api.positions import instants
from tallybook.web.pages import format as words
from tallybook.web.pages import standing
from tallybook.web.pages.contracts.changes import notes, told
from tallybook.web.pages.contracts.listing import PATH, may_define
from tallybook.web.pages.contracts.terms import terms
from tallybook.web.pages.contracts.view import ContractPage, VersionRow
from tallybook.web.pages.frame import frame, with_query
from tallybook.web.pages.render import page
from tallybook.web.pages.self_check import check_url
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.view import Link, Standing
from tallybook.web.services import Service, Services

router = APIRouter()

#: Findings that a contract's page shows.
_FINDINGS: Final = 10

_DAY: Final = timedelta(days=1)
_DATE_CHARS: Final = 10


@dataclass(frozen=True, slots=True)
class Looked:
    """A contract as an address asks for it: on a day, as known at a moment. `versions` are all
    known by then, oldest first; `document` is that of `version`.
    """

    number: str
    query: Mapping[str, str]
    directory: Directory
    versions: Sequence[Version]
    version: Version
    when: position_op.Instants
    calendar: Calendar
    on: date
    today: date
    known: str

    @property
    def path(self) -> str:
        return f"{PATH}/{quote(self.number, safe='')}"

    @property
    def document(self) -> Mapping[str, object]:
        return {**self.version.document, "number": self.number}

    @property
    def is_now(self) -> bool:
        """Tell whether it is shown as it stands today and is known now."""
        return self.on == self.today and not self.known


def look(request: Request, scope: Scope, service: Services, number: str) -> Looked:
    """Find the contract, the day and the moment that an address asks for.

    Raises:
        NotFound: `contract_not_found`.
        Invalid: `date_invalid`, and all of `operations.known`.
    """
    query = dict(request.query_params)
    now = service.clock.now()
    newest = service.directories.current(scope).on(now.date())
    calendar = _calendar(newest, definitions.history(scope, newest, "contract", number, now)[-1])
    known = query.get("known", "")
    when = instants(scope, service, None, _moment(known, calendar, now))
    directory = service.directories.at(scope, when.mark.revision)
    versions = definitions.history(scope, directory, "contract", number, now)
    today = calendar.day_of(now)
    on = parse_date(query["on"], name="on") if query.get("on") else today
    held = directory.on(on).version("contract", number)
    version = next((v for v in versions if held and v.number == held.number), versions[0])
    return Looked(
        number, query, directory.on(on), versions, version, when, calendar, on, today, known
    )


def _moment(known: str, calendar: Calendar, now: datetime) -> str | None:
    """Return what `known` names: a mark or an instant as it is, a day as its end, or now."""
    if len(known) != _DATE_CHARS:
        return known or None
    day = parse_date(known, name="known")
    if day >= calendar.day_of(now):
        return None
    return format_instant(calendar.start_of(day + _DAY))


def _calendar(directory: Directory, version: Version) -> Calendar:
    account = directory.account(version.document["account"])
    days = account.calendar if account else Calendar()
    zone = version.document.get("timezone")
    return Calendar(zone, days.day_start) if zone else days


@router.get(f"{PATH}/{{number}}")
def shown(request: Request, scope: SignedIn, service: Service, number: str) -> Response:
    """Show one contract."""
    found = look(request, scope, service, number)
    return HTMLResponse(page("contract.html", _page(request, scope, service, found)))


def _page(request: Request, scope: Scope, service: Services, found: Looked) -> ContractPage:
    stands = listed(scope, found.directory, found.version, found.calendar.start_of(found.on))
    title = stands.name or found.number
    return ContractPage(
        frame(request, scope, found.directory, f"{found.number}, {title}"),
        (
            Link("Contracts", PATH),
            Link(stands.account_name, with_query(PATH, {"account": stands.account})),
            Link(found.number, found.path),
        ),
        found.number,
        stands.name,
        stands.state,
        stands.is_ending,
        found.calendar.timezone,
        found.on,
        found.known,
        found.path,
        terms(
            found.directory,
            found.document,
            found.on,
            sees_prices=scope.sees_prices,
            standings=_standings(scope, service, found) if found.is_now else {},
        ),
        tuple(_versions(scope, found)),
        f"{found.path}/statements",
        scope.sees_prices,
        _past(found),
        tuple(notes(definitions.findings_of(scope, found.directory, found.version, found.when.at))),
        edit_url=f"{found.path}/edit" if may_define(scope) and found.is_now else "",
        check_url=check_url(stands.account),
        found=tuple(_found(scope, service, found)) if found.is_now else (),
    )


def _found(scope: Scope, service: Services, found: Looked) -> Iterator[Link]:
    """Yield what checks found of it that stands, the dearest first, with the way to each."""
    query = FindingQuery(service.clock.now(), contract=found.number, limit=_FINDINGS)
    for one in findings_op.listed(scope, service.alerts, found.directory, query).items:
        yield Link(f"{one.entity}: {one.message}", f"/findings/{one.id}")


def _standings(scope: Scope, service: Services, found: Looked) -> Mapping[str, Standing]:
    """Return where its lines stand now, as the position snapshot knows it."""
    query = SnapshotQuery(contract=found.number, limit=PAGE_ROWS_MAX)
    listed_lines = position_op.positions(scope, service.snapshot, query)
    return {line.line: standing.of_position(line) for line in listed_lines.items}


def _past(found: Looked) -> str:
    """Say in words what is not as of today and now."""
    said = []
    if found.on != found.today:
        said.append(f"as it is agreed for {words.day(found.on, year=True)}")
    if found.known:
        moment = words.instant(found.when.mark.now, found.calendar.timezone)
        said.append(f"as it was known on {moment}")
    return " and ".join(said)


def _versions(scope: Scope, found: Looked) -> Iterator[VersionRow]:
    """Yield the versions, newest first."""
    for version in reversed(found.versions):
        day = version.valid_from
        differs = definitions.changed(scope, found.directory, version, found.when.mark.now)
        yield VersionRow(
            version.number,
            day,
            version.recorded_at,
            version.author,
            version.reason or "",
            with_query(
                found.path,
                {},
                on=day.isoformat() if day else str(version.document["start_date"]),
                known=format_instant(version.recorded_at),
            ),
            version.number == found.version.number,
            version.retired,
            tuple(told(differs)),
        )
