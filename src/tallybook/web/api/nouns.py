"""Accounts, meters and contracts: `PUT`, `GET`, list, history and `DELETE`, alike for each."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from tallybook.model import limits
from tallybook.model.difference import Change as Difference
from tallybook.model.directory import Directory
from tallybook.model.errors import Fault, Invalid
from tallybook.model.ports import NounName, Version
from tallybook.model.scope import Scope
from tallybook.model.time import parse_date, parse_instant
from tallybook.operations import define as define_op
from tallybook.operations import definitions
from tallybook.operations.define import Change, Retirement
from tallybook.operations.foresee import Outlook, foresee
from tallybook.operations.known import known
from tallybook.web.api._parameters import Body, Cursor, Limit, Text, as_mapping
from tallybook.web.api._schemas import NOUN_OF, says
from tallybook.web.api._shapes import page_of, ref
from tallybook.web.caller import Caller
from tallybook.web.exact import answer, answer_page, whole
from tallybook.web.services import Service, Services

router = APIRouter()

_ETAG: Final = re.compile(r'(?:W/)?"(?P<quoted>\d+)"|(?P<bare>\d+)')

At = Annotated[
    str | None,
    Query(max_length=limits.NAME_CHARS_MAX, description="A local day or an instant; today."),
]
DryRun = Annotated[
    bool, Query(description="Only say what it would change, and why it would be refused.")
]
Search = Annotated[
    str | None, Query(max_length=limits.NAME_CHARS_MAX, description="Part of a key or a name.")
]


def shape(version: Version) -> dict[str, Any]:
    """Write a version: its document, and when and by whom it came."""
    return {
        **version.document,
        "version": version.number,
        "valid_from": version.valid_from,
        "recorded_at": version.recorded_at,
        "author": version.author,
        "reason": version.reason,
        "retired": version.retired,
    }


def _answer(version: Version, **more: object) -> Response:
    made = answer({**shape(version), **more})
    made.headers["ETag"] = f'"{version.number}"'
    return made


def _number(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    found = _ETAG.fullmatch(if_match.strip())
    number = whole(found["quoted"] or found["bare"]) if found else None
    if number is None:
        raise Invalid(
            "if_match_invalid",
            'If-Match must be the ETag of an earlier answer, such as "3"; read it again for one.',
            field="If-Match",
        )
    return number


def _add_changes(noun: NounName, plural: str) -> None:
    """Add the routes that change one noun."""
    one = f"/{plural}/{{key}}"
    name = NOUN_OF[plural].__name__
    version = ref(f"{name}Version")

    @router.put(
        one,
        openapi_extra=says({"anyOf": [version, ref("Outlook")]}, body=ref(name)),
        tags=[plural],
    )
    def put(
        scope: Caller,
        service: Service,
        key: str,
        body: Body,
        *,
        if_match: Annotated[str | None, Header()] = None,
        dry_run: DryRun = False,
    ) -> Response:
        """Create or change it: a new version, unless it says what already holds."""
        change = Change(noun, key, as_mapping(body), _number(if_match))
        now = service.clock.now()
        if dry_run:
            (outlook,) = foresee(scope, service.directories, [change], now)
            return answer(_outlook(outlook))
        version = define_op.define(scope, service.books, service.directories, change, now)
        return _answer(definitions.shown(scope, version))

    @router.delete(one, openapi_extra=says(version), tags=[plural])
    def retire(
        scope: Caller, service: Service, key: str, if_match: Annotated[str | None, Header()] = None
    ) -> Response:
        """Retire it from today on; nothing is erased."""
        ending = Retirement(noun, key, if_match=_number(if_match))
        now = service.clock.now()
        version = define_op.retire(scope, service.books, service.directories, ending, now)
        return _answer(definitions.shown(scope, version))


def _add_reads(noun: NounName, plural: str) -> None:
    """Add the routes that read one noun."""
    one = f"/{plural}/{{key}}"
    version = f"{NOUN_OF[plural].__name__}Version"

    found = f"{version}Found" if noun == "contract" else version

    @router.get(one, openapi_extra=says(ref(found)), tags=[plural])
    def get(
        scope: Caller, service: Service, key: str, at: At = None, known_at: Text = None
    ) -> Response:
        """Return the version that holds today; with `at` and `known_at` on that day, as known
        then.
        """
        directory, now = _known(scope, service, known_at)
        version = definitions.get(scope, directory, noun, key, now, _moment(at))
        if noun != "contract":
            return _answer(version)
        odd = definitions.findings_of(scope, directory, version, now)
        return _answer(version, findings=_faults(odd))

    @router.get(f"{one}/history", openapi_extra=says(page_of(f"{version}Told")), tags=[plural])
    def history(scope: Caller, service: Service, key: str, known_at: Text = None) -> Response:
        """List every version, oldest first, each with what it changed."""
        directory, now = _known(scope, service, known_at)
        items = [
            {
                **shape(version),
                "changes": _changes(definitions.changed(scope, directory, version, now)),
            }
            for version in definitions.history(scope, directory, noun, key, now)
        ]
        totals = {"count": len(items)}
        return answer({"items": items, "next_cursor": None, "totals": totals})


def _add_list(noun: NounName, plural: str) -> None:
    """Add the list of a noun that has no filters of its own."""
    version = f"{NOUN_OF[plural].__name__}Version"

    @router.get(f"/{plural}", openapi_extra=says(page_of(version)), tags=[plural])
    def page(
        scope: Caller,
        service: Service,
        q: Search = None,
        cursor: Cursor = None,
        limit: Limit = limits.PAGE_ROWS_DEFAULT,
    ) -> Response:
        """List what stands today, by key."""
        directory, now = service.directories.current(scope), service.clock.now()
        found = definitions.page(scope, directory, noun, now, q=q, cursor=cursor, limit=limit)
        return answer_page(found, shape)


def _known(scope: Scope, service: Services, known_at: str | None) -> tuple[Directory, datetime]:
    """Return what was known at a mark, and the instant that is `now` for it."""
    now = service.clock.now()
    if known_at is None:
        return service.directories.current(scope), now
    mark = known(scope, service.books, service.ledger, service.events, known_at, now)
    return service.directories.at(scope, mark.revision), mark.now


def _moment(at: str | None) -> date | datetime | None:
    if at is None:
        return None
    return parse_instant(at, name="at") if "T" in at.upper() else parse_date(at, name="at")


def _changes(found: Sequence[Difference]) -> list[dict[str, Any]]:
    return [change._asdict() for change in found]


def _outlook(found: Outlook) -> dict[str, Any]:
    return {
        "outcome": found.outcome,
        "valid_from": found.valid_from,
        "changes": _changes(found.changes),
        "faults": _faults(found.faults),
        "findings": _faults(found.findings),
    }


def _faults(found: Sequence[Fault]) -> list[dict[str, str]]:
    return [fault._asdict() for fault in found]


for _plural in NOUN_OF:
    _noun = cast("NounName", _plural.removesuffix("s"))
    _add_changes(_noun, _plural)
    _add_reads(_noun, _plural)
    if _noun != "contract":
        _add_list(_noun, _plural)
