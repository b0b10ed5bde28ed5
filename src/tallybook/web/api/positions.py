"""Where contracts stand: `GET /positions`, and one line of one."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from tallybook.model import limits
from tallybook.model.directory import Directory
from tallybook.model.errors import Invalid
from tallybook.model.money import round_money
from tallybook.model.ports import LineKey, SnapshotPage, SnapshotQuery, SnapshotSort, SnapshotState
from tallybook.model.position import Forecast, Method, Position, Total
from tallybook.model.scope import Scope
from tallybook.model.time import parse_instant
from tallybook.operations import position as position_op
from tallybook.operations._page import cursor_invalid
from tallybook.operations.known import known
from tallybook.operations.late import Late, late
from tallybook.operations.pool import Pool, pool
from tallybook.positions.explanation import Explanation
from tallybook.web.api._parameters import Cursor, Limit, Text
from tallybook.web.api._schemas import says
from tallybook.web.api._shapes import INSTANT, MARK, WHOLE, many, maybe, page_of, ref
from tallybook.web.caller import Caller
from tallybook.web.exact import answer, whole
from tallybook.web.services import Service, Services

router = APIRouter(tags=["positions"])

_CURSOR: Final = "p"
_LIST: Final = page_of(
    "Position",
    totals=many(ref("Total")),
    count=WHOLE,
    counts={"type": "object", "additionalProperties": WHOLE},
    known_at=maybe(MARK),
    refreshed_at=maybe(INSTANT),
)
_STATES: Final = ", ".join(sorted(position_op.STATES))

At = Annotated[str | None, Query(description="An instant; now by default.")]


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What a list of positions is narrowed to and sorted by, as the parameters of a route."""

    account: Text = None
    contract: Text = None
    status: Annotated[str | None, Query(description="States and flags, with commas.")] = None
    service: Text = None
    branch: Text = None
    csm: Text = None
    q: Text = None
    at: At = None
    known_at: Text = None
    rollup: Annotated[bool, Query()] = True
    sort: Annotated[SnapshotSort, Query()] = "contract"
    descending: Annotated[bool, Query()] = False


Narrowed = Annotated[Narrowing, Depends()]


@dataclass(frozen=True, slots=True)
class AsOf:
    """When, by what was known and whose use a line is looked at, as the parameters of a route."""

    at: At = None
    known_at: Text = None
    rollup: Annotated[
        bool | None, Query(description="Count the tree; as the contract says by default.")
    ] = None


Asked = Annotated[AsOf, Depends()]


class LineAt(NamedTuple):
    """Where a line stood, how that came about, and what both rest on."""

    directory: Directory
    when: position_op.Instants
    found: Position
    how: Explanation


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that is asked for: what of, and what it rests on. `standing` is what the snapshot was
    of when it was looked at, None where the list has to be worked out.
    """

    query: SnapshotQuery
    when: position_op.Instants
    standing: SnapshotState | None
    directory: Callable[[], Directory]


def listing(scope: Scope, service: Services, asked: Narrowing) -> Listing:
    """Return the list that parameters ask for, before any page of it.

    Raises:
        NotFound: `account_not_found`, `contract_not_found`.
        Invalid: `status_unknown`, or what `instants` says.
    """
    is_now = not (asked.at or asked.known_at)
    standing = _standing(scope, service, asked.account, asked.contract) if is_now else None
    when = (
        position_op.of(standing) if standing else instants(scope, service, asked.at, asked.known_at)
    )

    def directory() -> Directory:
        return service.directories.at(scope, when.mark.revision)

    if asked.contract is not None:
        position_op.spans_seen(scope, directory(), asked.contract, when.at)
    accounts = None
    if asked.account is not None:
        accounts = position_op.reach(
            scope, directory(), asked.account, when.at, rollup=asked.rollup
        )
    query = SnapshotQuery(
        accounts=accounts,
        contract=asked.contract,
        states=states(asked.status),
        service=asked.service,
        branch=asked.branch,
        csm=asked.csm,
        text=asked.q,
        sort=asked.sort,
        descending=asked.descending,
    )
    return Listing(query, when, standing, directory)


@router.get("/positions", openapi_extra=says(_LIST))
def get_positions(
    scope: Caller,
    service: Service,
    asked: Narrowed,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_ROWS_DEFAULT,
) -> Response:
    """List where every line stands; with `at` or `known_at` as it was, or was known, then."""
    of = listing(scope, service, asked)
    query = replace(of.query, offset=_offset(cursor), limit=limit)
    page = position_op.positions(scope, service.snapshot, query) if of.standing else None
    if page is None or page.state != of.standing:  # or it was refreshed since it was looked at
        page = position_op.positions_at(scope, of.directory(), service.events, query, of.when)
    return answer(_page(page, query))


@router.get("/positions/{contract}/{line}", openapi_extra=says(ref("PositionExplained")))
def get_position(
    scope: Caller,
    service: Service,
    contract: str,
    line: str,
    asked: Asked,
    method: Annotated[Method, Query(description="How the forecast is made.")] = "mean_7",
) -> Response:
    """Work out one line, day by day, with the explanation of its numbers."""
    _, _, found, how = line_at(scope, service, (contract, line), asked, method)
    daily = [asdict(day) for day in found.daily if day.date >= found.period.start_date]
    return answer({**shape(found), "daily": daily, "explanation": asdict(how)})


@router.get("/positions/{contract}/{line}/accounts", openapi_extra=says(ref("Pool")))
def get_pool(
    scope: Caller,
    service: Service,
    contract: str,
    line: str,
    asked: Asked,
) -> Response:
    """List the accounts of a line: what each brought, and where it stands by its own contracts."""
    directory, when, found, _ = line_at(scope, service, (contract, line), asked)
    made = pool(scope, directory, service.events, found, when, rollup=asked.rollup)
    return answer(_pool(made))


@router.get("/positions/{contract}/{line}/late", openapi_extra=says(ref("Late")))
def get_late(
    scope: Caller,
    service: Service,
    contract: str,
    line: str,
    asked: Asked,
) -> Response:
    """Count the events that came after their day was over, and say what they changed."""
    directory, when, found, _ = line_at(scope, service, (contract, line), asked)
    stores = (service.ledger, service.events)
    return answer(_late(found, late(scope, directory, *stores, found, when, rollup=asked.rollup)))


def line_at(
    scope: Scope, service: Services, key: LineKey, asked: AsOf, method: Method = "mean_7"
) -> LineAt:
    """Work out the line that parameters ask for.

    Raises:
        NotFound: as `operations.position.position`.
        Invalid: as `instants`.
    """
    when = instants(scope, service, asked.at, asked.known_at)
    directory = service.directories.at(scope, when.mark.revision)
    found, how = position_op.position(
        scope, directory, service.events, key, when, rollup=asked.rollup, method=method
    )
    return LineAt(directory, when, found, how)


def instants(
    scope: Scope, service: Services, at: str | None, known_at: str | None
) -> position_op.Instants:
    """Return what an answer is about, and what it rests on."""
    now = service.clock.now()
    mark = known(scope, service.books, service.ledger, service.events, known_at, now)
    about = parse_instant(at, name="at") if at else mark.now
    return position_op.Instants(about, mark, service.refreshed_at(mark))


def _standing(
    scope: Scope, service: Services, account: str | None, contract: str | None
) -> SnapshotState | None:
    """Return what the snapshot is of, None when it does not know yet of what is named."""
    state = service.snapshot.state(scope)
    if state is None or (account is None and contract is None):
        return state
    directory = service.directories.at(scope, state.mark.revision)
    knows_account = account is None or directory.history("account", account)
    knows_contract = contract is None or directory.history("contract", contract)
    return state if knows_account and knows_contract else None


def states(text: str | None) -> frozenset[Any]:
    """Read states and flags with commas between them.

    Raises:
        Invalid: `status_unknown`.
    """
    asked = frozenset(word for word in (text or "").split(",") if word)
    unknown = asked - position_op.STATES
    if unknown:
        raise Invalid(
            "status_unknown",
            f"There is no status {min(unknown)!r}; there are {_STATES}.",
            field="status",
        )
    return asked


def _offset(cursor: str | None) -> int:
    digits = (cursor or f"{_CURSOR}0").removeprefix(_CURSOR)
    offset = whole(digits)
    if offset is None:
        raise cursor_invalid()
    return offset


def _page(page: SnapshotPage, query: SnapshotQuery) -> dict[str, Any]:
    end = query.offset + len(page.items)
    return {
        "items": [shape(found) for found in page.items],
        "next_cursor": f"{_CURSOR}{end}" if end < page.total and page.items else None,
        "totals": [_total(total) for total in position_op.by_unit(page.totals)],
        "count": page.total,
        "counts": dict(sorted(page.counts.items())),
        "known_at": page.state.mark if page.state else None,
        "refreshed_at": page.state.refreshed_at if page.state else None,
    }


def shape(found: Position) -> dict[str, Any]:
    """Write a position; amounts are rounded to its currency's minor unit."""
    period = found.period
    return {
        "contract": found.contract,
        "line": found.line,
        "account": found.account,
        "product": found.product,
        "service": found.service,
        "unit": found.unit,
        "period": {
            "start_date": period.start_date,
            "end_date": period.end_date,
            "is_stub": period.is_stub,
        },
        "used": found.used,
        "allotment": found.allotment,
        "is_unlimited": found.is_unlimited,
        "remaining": found.remaining,
        "percent_used": found.percent_used,
        "overage": found.overage,
        **_money(found, found.currency, "amount", "overage_amount"),
        "currency": found.currency,
        "status": found.status,
        "likely_over": found.likely_over,
        "low_use": found.low_use,
        "forecast": _forecast(found.forecast, found.currency),
        "contributions": [asdict(part) for part in found.contributions],
        "branch": found.branch,
        "csm": found.csm,
        "data_through": found.data_through,
        "refreshed_at": found.refreshed_at,
        "known_at": found.known_at,
    }


def _pool(made: Pool) -> dict[str, Any]:
    found = shape(made.found)
    kept = ("contract", "line", "account", "unit", "period", "used", "allotment", "overage")
    own = ("contract", "line", "period", "used", "allotment", "remaining", "overage", "status")
    return {
        **{name: found[name] for name in kept},
        "own_allotment": made.allotted,
        "own_overage": made.own_overage,
        "overage_of_own_allotment": made.beyond_allotted,
        "left_of_own_allotment": made.left_of_allotted,
        "accounts": [
            {
                "account": one.account,
                "belongs": [{"from": start, "to": end} for start, end in one.spans],
                "used": one.used,
                "share": one.share,
                "lines": [{name: shape(line)[name] for name in own} for line in one.own],
            }
            for one in made.accounts
        ],
        "known_at": found["known_at"],
    }


def _late(found: Position, came: Late) -> dict[str, Any]:
    return {
        "contract": found.contract,
        "line": found.line,
        "unit": found.unit,
        "events": came.events,
        "has_more": came.has_more,
        "history_before": came.since,
        "days": [{**asdict(day), "change": day.change} for day in came.days],
        "data_through": found.data_through,
        "known_at": found.known_at,
    }


def _forecast(ahead: Forecast, currency: str) -> Mapping[str, Any]:
    return {**asdict(ahead), **_money(ahead, currency, "projected_amount")}


def _total(total: Total) -> dict[str, Any]:
    names = ("amount", "overage_amount", "projected_amount")
    fields = {name: value for name, value in asdict(total).items() if name != "service"}
    return {**fields, **_money(total, total.currency, *names)}


def _money(value: object, currency: str, *names: str) -> dict[str, str | None]:
    """Write amounts with all the digits of their currency's minor unit."""
    amounts = {name: getattr(value, name) for name in names}
    return {n: None if a is None else str(round_money(a, currency)) for n, a in amounts.items()}
