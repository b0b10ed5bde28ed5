"""Definitions by the folder: all versions of many keys at once, as files hold them."""

from collections import Counter
from dataclasses import asdict
from typing import Annotated, Any, get_args

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from tallybook.model import limits
from tallybook.model.ports import NounName
from tallybook.operations.apply import Item, State, Step, apply
from tallybook.operations.export import Exported, export
from tallybook.web.api._answers import WHOLE, page_of, record, ref
from tallybook.web.api._parameters import Cursor, Limit, as_mapping
from tallybook.web.api._schemas import says
from tallybook.web.caller import Caller
from tallybook.web.exact import answer, answer_page, decode, read_body, verbatim
from tallybook.web.services import Service

router = APIRouter()

_PAGE = page_of("Exported", record(count=WHOLE, retired=WHOLE))
_encoder = msgspec.json.Encoder(decimal_format="number")


def _shape(exported: Exported) -> dict[str, object]:
    """Write documents so that each number and each text of their free parts stays what it is."""
    documents = verbatim(_encoder.encode(exported.documents))
    return {
        "noun": exported.noun,
        "key": exported.key,
        "version": exported.version,
        "documents": documents,
    }


async def _folder(request: Request) -> Any:
    """Read a body that may be as large as a folder."""
    return decode(await read_body(request, limits.DEFINITIONS_BYTES_MAX))


def _step(step: Step) -> dict[str, object]:
    return {
        "document": step.document,
        "version": step.version.number,
        "valid_from": step.version.valid_from,
        "reason": step.version.reason,
    }


def _item(item: Item) -> dict[str, object]:
    return {
        "noun": item.noun,
        "key": item.key,
        "state": item.state,
        "steps": [_step(step) for step in item.steps],
        "beside": item.beside,
    }


@router.post(
    "/definitions",
    openapi_extra=says(ref("Outcome"), body=ref("Definitions")),
    tags=["definitions"],
)
def bring_in(scope: Caller, service: Service, body: Annotated[Any, Depends(_folder)]) -> Response:
    """Bring definitions in, all or none; with `dry_run` only say what would change."""
    books, directories, now = service.books, service.directories, service.clock.now()
    outcome = apply(scope, books, directories, as_mapping(body), now)
    states = Counter(item.state for item in outcome.items)
    return answer(
        {
            "revision": outcome.revision,
            "applied": outcome.applied,
            "items": [_item(item) for item in outcome.items if item.state != "unchanged"],
            "faults": [asdict(fault) for fault in outcome.faults],
            "totals": {state: states[state] for state in get_args(State)},
        }
    )


@router.get("/definitions", openapi_extra=says(_PAGE), tags=["definitions"])
def export_page(
    scope: Caller,
    service: Service,
    noun: Annotated[NounName, Query(description="account, meter or contract")],
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_ROWS_DEFAULT,
) -> Response:
    """List what stands or is planned, with a document for each version, oldest first."""
    directory, now = service.directories.current(scope), service.clock.now()
    page = export(scope, directory, noun, now, cursor=cursor, limit=limit)
    return answer_page(page, _shape)
