"""What is odd about an account and all below it: `GET /accounts/{key}/check`."""

from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query
from starlette.responses import Response

from tallybook.model.pages import contract_page, line_page
from tallybook.operations.self_check import self_check
from tallybook.positions.self_check import Finding
from tallybook.web.api._parameters import Text
from tallybook.web.api._schemas import says
from tallybook.web.api._shapes import ref
from tallybook.web.api.positions import instants
from tallybook.web.caller import Caller
from tallybook.web.exact import answer
from tallybook.web.services import Service

router = APIRouter(tags=["accounts"])

_API: Final = "/api/v1"
_UNRESOLVED: Final = frozenset(
    {"account_alike", "quantity_invalid", "quantity_missing", "type_unknown"}
)


@router.get("/accounts/{key}/check", openapi_extra=says(ref("SelfCheck")))
def get_check(
    scope: Caller,
    service: Service,
    key: str,
    at: Annotated[str | None, Query(description="An instant; now by default.")] = None,
    known_at: Text = None,
) -> Response:
    """Check an account and all below it: its tree, contracts, meters, sources and events."""
    when = instants(scope, service, at, known_at)
    directory = service.directories.at(scope, when.mark.revision)
    found = self_check(scope, directory, service.events, key, when)
    return answer(
        {
            "account": found.account,
            "accounts": found.accounts,
            "contracts": found.contracts,
            "lines": found.lines,
            "since": found.since,
            "checked": found.checked,
            "problems": found.problems,
            "notices": found.notices,
            "has_more": found.problems + found.notices > len(found.findings),
            "findings": [_shape(finding) for finding in found.findings],
            "known_at": found.known_at,
        }
    )


def seen_at(finding: Finding) -> str:
    """Return the address where a finding is seen: a page, or a question to the API."""
    if finding.code in _UNRESOLVED or finding.code == "source_silent":
        asked = {"account": finding.subject or finding.account}
        state = {"state": "unresolved"} if finding.code in _UNRESOLVED else {}
        return f"{_API}/events?{urlencode({**asked, **state})}"
    if finding.contract is None:
        return f"{_API}/accounts/{quote(finding.account, safe='')}/history"
    if finding.line is None:
        return contract_page(finding.contract)
    return line_page(finding.contract, finding.line)


def _shape(finding: Finding) -> dict[str, Any]:
    return {**finding._asdict(), "seen_at": seen_at(finding)}
