"""The catalogue of checks, and what one would find now: `/checks`."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from tallybook.alerts._check import plain_values
from tallybook.model.check import Variable
from tallybook.model.nouns import parse
from tallybook.operations import checks as checks_op
from tallybook.operations.checks import Listed, NewPreview, Preview
from tallybook.operations.known import known
from tallybook.operations.view import Sources
from tallybook.web.api._parameters import Body, as_mapping
from tallybook.web.api._schemas import says
from tallybook.web.api._shapes import page_of, ref
from tallybook.web.caller import Caller
from tallybook.web.exact import answer
from tallybook.web.services import Service, Services

router = APIRouter(prefix="/checks", tags=["checks"])


@router.get("", openapi_extra=says(page_of("Check")))
def get_checks(scope: Caller) -> Response:
    """List the checks one may run, by code."""
    items = [_shape(one) for one in checks_op.catalogue(scope)]
    return answer({"items": items, "next_cursor": None, "totals": {"count": len(items)}})


@router.get("/{code}", openapi_extra=says(ref("Check")))
def get_check(scope: Caller, code: str) -> Response:
    """Return a check."""
    return answer(_shape(checks_op.listed(scope, code)))


@router.post(
    "/{code}/preview", openapi_extra=says(ref("CheckPreview"), body=ref("NewCheckPreview"))
)
def post_preview(scope: Caller, service: Service, code: str, body: Body) -> Response:
    """Say what a check finds now; nothing is stored, and nobody is told."""
    asked = parse(NewPreview, as_mapping(body))
    mark = known(scope, service.books, service.ledger, service.events, None, service.clock.now())
    directory = service.directories.at(scope, mark.revision)
    found = checks_op.preview(scope, sources(service), directory, mark, code, asked)
    return answer(_preview(found))


def sources(service: Services) -> Sources:
    """Return the stores that checks look into."""
    return service.watched.sources


def _shape(one: Listed) -> dict[str, Any]:
    check = one.check
    defaults = plain_values({v.key: v.default for v in check.VARIABLES})
    return {
        "code": one.code,
        "title": one.title,
        "category": one.category,
        "finds": one.finds,
        "tips": check.TIPS,
        "variables": [_variable(v, defaults[v.key]) for v in check.VARIABLES],
        "columns": [
            {"key": column.key, "title": column.title, "kind": column.kind}
            for column in check.COLUMNS
        ],
        "fingerprint": check.FINGERPRINT,
        "repeat_policy": check.POLICY,
        "schedule": check.SCHEDULE,
        "related": check.RELATED,
    }


def _variable(one: Variable, default: object) -> dict[str, Any]:
    bounds = plain_values({"minimum": one.minimum, "maximum": one.maximum})
    return {
        "key": one.key,
        "kind": one.kind,
        "title": one.title,
        "help": one.help,
        "default": default,
        "unit": one.unit,
        **bounds,
        "required": one.required,
        "choices": one.choices,
        "of": one.of,
        "below": one.below,
        "letter": one.letter,
    }


def _preview(found: Preview) -> dict[str, Any]:
    return {
        "check": found.listed.code,
        "values": plain_values(found.values),
        "findings": [
            {
                "entity": one.entity,
                "account": one.account,
                "contract": one.contract,
                "line": one.line,
                "branch": one.branch,
                "state": one.state,
                "severity": one.severity,
                "message": one.message,
                "inputs": one.inputs,
                "outputs": one.outputs,
                "money_at_risk": one.money_at_risk,
                "currency": one.currency,
                "step": one.step,
                "period": one.period,
            }
            for one in found.findings
        ],
        "cannot_evaluate": [
            {"entity": one.entity, "account": one.account, "reason": one.reason}
            for one in found.unjudged
        ],
        "found": found.found,
        "evaluated": found.evaluated,
        "known_at": found.known_at,
    }
