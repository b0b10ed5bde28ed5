"""The pages that can be taken along, by their address: what one asks for, and that as a table. How
a page looks is not known here.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, get_args
from urllib.parse import parse_qsl, unquote

from tallybook.model.directory import Directory
from tallybook.model.errors import Invalid, NotFound
from tallybook.model.limits import EXPORT_ROWS_MAX
from tallybook.model.mark import Mark
from tallybook.model.ports import (
    LineKey,
    Snapshot,
    SnapshotPage,
    SnapshotQuery,
    SnapshotSort,
    SnapshotState,
    SnapshotWalk,
)
from tallybook.model.position import Method, Position
from tallybook.model.scope import Scope
from tallybook.model.sheet import Sheet
from tallybook.model.time import parse_date
from tallybook.operations import sheets
from tallybook.operations.accounts_meant import Chosen, chosen
from tallybook.operations.position import STATES, Instants, spans_seen, walk

#: What an address says of how a page looks, and not of what is on it.
OF_THE_VIEW: Final = frozenset({"page", "open", "view", "format"})
#: The page of all lines.
VOLUME: Final = "/volume"
#: The zone of the files of lists, whose lines may have days of many.
UTC: Final = "UTC"
#: Whether use under an account counts, by what an address says.
ROLLUPS: Final[Mapping[str, bool | None]] = {"": None, "own": False, "tree": True}
METHODS: Final[Mapping[str, Method]] = {name: name for name in get_args(Method)}
_PAGE: Final = re.compile(r"/volume(?:/([^/?#]+)/([^/?#]+))?")
_SORTS: Final[tuple[SnapshotSort, ...]] = get_args(SnapshotSort)
#: What the header of a file says in a way of its own, or not at all.
_NOT_SAID: Final = OF_THE_VIEW | {"sort", "dir", "known_at"}
#: What an address says and a subscription does not keep: how it looks, and of when it is.
_NOT_KEPT: Final = OF_THE_VIEW | {"known_at"}
#: What an address of the page of a line says of its charts and tables, and its figures do not
#: follow; so does a period that is not the one before.
_OF_CHARTS: Final = frozenset(
    {"interval", "zone", "group", "then", "account", "by", "order", "from", "until"}
)
#: The names that an address of each page may have, and the values of those that have only some.
_OF_LINES: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("account", "service", "branch", "csm", "q"), frozenset()),
    "status": STATES,
    "period": frozenset({"last"}),
    "rollup": frozenset({"own"}),
    "sort": frozenset(_SORTS),
    "dir": frozenset({"asc", "desc"}),
}
_OF_A_LINE: Final[Mapping[str, frozenset[str]]] = {
    "period": frozenset({"last"}),
    "on": frozenset(),
    "rollup": frozenset(filter(None, ROLLUPS)),
    "forecast": frozenset(METHODS),
}


def key_of(page: str) -> LineKey | None:
    """Return the contract and line of a page, None for that of all lines.

    Raises:
        Invalid: `page_unknown`.
    """
    found = _PAGE.fullmatch(page)
    if found is None:
        raise Invalid(
            "page_unknown",
            "page must be /volume or /volume/CONTRACT/LINE; these can be subscribed to.",
            field="page",
        )
    return None if found[1] is None else (unquote(found[1]), unquote(found[2]))


def kept(page: str, query: str) -> dict[str, str]:
    """Return, by name, what of an address narrows and sorts what is on a page; neither how that
    looks, nor as of when it is, nor what the charts of a line show.

    Raises:
        Invalid: `page_unknown`.
    """
    said = {name: value for name, value in sorted(parse_qsl(query)) if name not in _NOT_KEPT}
    if key_of(page) is None:
        return said
    if said.get("period") != "last":
        said.pop("period", None)
    return {name: value for name, value in said.items() if name not in _OF_CHARTS}


def check(
    scope: Scope, directory: Directory, page: str, query: Mapping[str, str], when: Instants
) -> None:
    """Refuse a page that there is not, or whose filters mean nothing to who asks.

    A page passes over what it does not understand; what is sent for years must not.

    Raises:
        NotFound: `contract_not_found`, `line_not_found`, `account_not_found`.
        Invalid: `page_unknown`, `filter_unknown`, `time_invalid`.
    """
    key = key_of(page)
    _check_names(query, _OF_LINES if key is None else _OF_A_LINE)
    if key is None:
        meant(scope, directory, query, when)
        return
    if query.get("on"):
        parse_date(query["on"], name="on")
    if not any(key[1] in span.noun.codes for span in spans_seen(scope, directory, key[0], when.at)):
        raise NotFound("line_not_found", f"The contract {key[0]} has no line {key[1]!r}.")


def _check_names(query: Mapping[str, str], known: Mapping[str, frozenset[str]]) -> None:
    for name, value in query.items():
        values = known.get(name)
        if values is None or (values and value not in values):
            there = ", ".join(sorted(values or known))
            what = f"no value {value!r}" if values else f"no filter {name!r}"
            of = f" of {name}" if values else ""
            raise Invalid(
                "filter_unknown",
                f"There is {what}{of} on this page; there are {there}.",
                field="query",
            )


def meant(scope: Scope, directory: Directory, query: Mapping[str, str], when: Instants) -> Chosen:
    """Return the account that the page of all lines is narrowed to; one that was retired is none.

    Raises:
        NotFound: `account_not_found`.
    """
    alone = query.get("rollup") == "own"
    found = chosen(scope, directory, when.now, query.get("account", ""), alone=alone)
    if found.said and (not found.key or directory.account(found.key) is None):
        raise NotFound("account_not_found", f"There is no account {found.said!r} to be seen.")
    return found


def narrowed(query: Mapping[str, str], accounts: frozenset[str] | None) -> SnapshotQuery:
    """Return what an address of the page of all lines asks for, in its order; what is not
    understood is as if not said.
    """
    status: Any = query.get("status", "")
    sorts = (one for one in _SORTS if one == query.get("sort"))
    return SnapshotQuery(
        accounts=accounts,
        states=frozenset({status}) & STATES,
        service=query.get("service") or None,
        branch=query.get("branch") or None,
        csm=query.get("csm") or None,
        text=query.get("q") or None,
        sort=next(sorts, "projected_overage"),
        descending=query.get("dir") != "asc",
    )


def is_past(query: Mapping[str, str]) -> bool:
    """Tell whether an address of the page of all lines asks about the period before."""
    return query.get("period") == "last"


@contextmanager
def standing(
    scope: Scope,
    snapshot: Snapshot,
    query: SnapshotQuery,
    state: SnapshotState | None,
    otherwise: Callable[[SnapshotQuery], SnapshotPage],
) -> Iterator[SnapshotWalk]:
    """Open all lines of a list: the snapshot's while it is of this state, or worked out, where it
    has moved on by now or is not asked for.
    """
    if state is not None:
        with walk(scope, snapshot, query) as found:
            if found.state == state:
                yield found
                return
    page = otherwise(replace(query, offset=0, limit=EXPORT_ROWS_MAX))
    yield SnapshotWalk(iter(page.items), page.total, page.state)


def lines(scope: Scope, found: Iterable[Position], mark: Mark, query: Mapping[str, str]) -> Sheet:
    """Return the lines of the page of all of them as a table."""
    asked = narrowed(query, None)
    said = {name: value for name, value in query.items() if value and name not in _NOT_SAID}
    said["sort"] = f"{asked.sort} {'descending' if asked.descending else 'ascending'}"
    return sheets.of_positions(scope, found, mark, said, UTC)


def days(
    scope: Scope, found: Position, when: Instants, query: Mapping[str, str], zone: str
) -> Sheet:
    """Return the days of the page of one line as a table."""
    return sheets.of_days(scope, found, when, {"rollup": query.get("rollup", "")}, zone)


def name_of_lines(mark: Mark) -> str:
    """Return what the file of the page of all lines is called, without its format."""
    return sheets.dated("volume", mark.now, UTC)


def name_of_days(found: Position) -> str:
    """Return what the file of the page of one line is called, without its format."""
    return f"{found.contract}-{found.line}-{found.period.start_date.isoformat()}"
