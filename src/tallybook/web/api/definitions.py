"""Definitions by the folder: all versions of many keys at once, as files hold them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Annotated, Any, get_args

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from tallybook.model import limits
from tallybook.model.money import money_text
from tallybook.model.ports import NounName
from tallybook.model.quantity import EXACT
from tallybook.model.scope import Scope
from tallybook.operations.apply import Item, Misfit, Outcome, State, Step, apply
from tallybook.operations.export import Exported, export
from tallybook.operations.known import known
from tallybook.operations.rate import Basis
from tallybook.operations.weigh import Charged, Effect, Side, weigh
from tallybook.web.api._parameters import Cursor, Limit, as_mapping
from tallybook.web.api._schemas import says
from tallybook.web.api._shapes import WHOLE, page_of, record, ref
from tallybook.web.caller import Caller
from tallybook.web.exact import answer, answer_page, decode, read_body, verbatim
from tallybook.web.services import Service, Services

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
        "changes": [change._asdict() for change in step.changes],
    }


def _misfit(misfit: Misfit) -> dict[str, object]:
    where = {"noun": misfit.noun, "key": misfit.key, "document": misfit.document}
    return {**where, **misfit.fault._asdict()}


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
    asked = as_mapping(body)
    outcome = apply(scope, service.books, service.directories, asked, service.clock.now())
    effects: list[Effect] = []
    if asked.get("effects") is True and not outcome.applied:
        effects = weigh(scope, _basis(scope, service, outcome), outcome)
    states = Counter(item.state for item in outcome.items)
    return answer(
        {
            "revision": outcome.revision,
            "applied": outcome.applied,
            "items": [_item(item) for item in outcome.items if item.state != "unchanged"],
            "faults": [_misfit(misfit) for misfit in outcome.faults],
            "totals": {state: states[state] for state in get_args(State)},
            "effects": [_effect(effect) for effect in effects],
            "money": _money(effects),
        }
    )


def _basis(scope: Scope, service: Services, outcome: Outcome) -> Basis:
    """Rest on all events that are loaded, and on the definitions that the plan was made with."""
    mark = known(scope, service.books, service.ledger, service.events, None, service.clock.now())
    mark = replace(mark, revision=outcome.revision)
    return Basis(outcome.before, service.events, service.statements, mark)


def _effect(effect: Effect) -> dict[str, object]:
    charges = [
        {**name._asdict(), "before": _charged(effect, before), "after": _charged(effect, after)}
        for name, before, after in effect.differing
    ]
    sides = {"before": _side(effect.before), "after": _side(effect.after)}
    return {"contract": effect.contract, **sides, "charges": charges}


def _side(side: Side | None) -> dict[str, object] | None:
    if side is None:
        return None
    return {
        "start_date": side.start_date,
        "end_date": side.end_date,
        "currency": side.currency,
        "total": money_text(side.total, side.currency),
    }


def _charged(effect: Effect, charged: Charged | None) -> dict[str, object] | None:
    if charged is None:
        return None
    currency = next(side.currency for side in (effect.after, effect.before) if side)
    return {**asdict(charged), "amount": money_text(charged.amount, currency)}


def _money(effects: Iterable[Effect]) -> list[dict[str, object]]:
    """Add the totals up, each currency by itself."""
    sums: dict[str, dict[str, Decimal]] = {}
    for effect in effects:
        for name, side in (("before", effect.before), ("after", effect.after)):
            if side is not None:
                of = sums.setdefault(side.currency, {"before": Decimal(0), "after": Decimal(0)})
                of[name] = EXACT.add(of[name], side.total)
    return [
        {"currency": currency, **{name: money_text(sums[currency][name], currency) for name in of}}
        for currency, of in sorted(sums.items())
    ]


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
