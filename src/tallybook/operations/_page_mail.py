"""A page as a mail for one reader: what they may see of it, with the file that they would fetch
from it themselves, all of one mark. Decides neither when nor to whom.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from tallybook.model.delivery import Attachment, Delivery
from tallybook.model.directory import Directory
from tallybook.model.errors import NotFound
from tallybook.model.ids import new_id
from tallybook.model.limits import ATTACHMENT_BYTES_MAX, ATTACHMENT_ROWS_MAX
from tallybook.model.ports import (
    Events,
    LineKey,
    Snapshot,
    SnapshotPage,
    SnapshotQuery,
    SnapshotState,
)
from tallybook.model.position import Position, Total
from tallybook.model.schedule import ReportSchedule
from tallybook.model.scope import Scope
from tallybook.model.sheet import Sheet
from tallybook.operations import _page_letter as letters
from tallybook.operations import cycles, pages, sheets
from tallybook.operations._mail import why
from tallybook.operations._page_letter import Facts, PageLetter, html_of, text_of
from tallybook.operations._readers import Reader
from tallybook.operations.portfolio import Past
from tallybook.operations.position import AGREED, Instants, find_line, position, positions

_LABELS: Final = {"q": "Search", "csm": "CSM", "dir": "Direction"}
#: Columns of a table in HTML that are words.
_WORDS_OF_LINES: Final = 3
_WORDS_OF_DAYS: Final = 1


@dataclass(frozen=True, slots=True)
class Here:
    """What pages are read from, as of one mark. `state` is the snapshot's where it is of this mark;
    `past` keeps what is worked out, for all readers. Whether mails have files is `attaches`.
    """

    events: Events
    snapshot: Snapshot
    parquet: sheets.Parquet
    directory: Directory
    when: Instants
    state: SnapshotState | None
    past: Past
    attaches: bool


@dataclass(frozen=True, slots=True)
class _Content:
    """What a reader sees of a page: its figures, the head of a table, and the whole of it."""

    figures: Facts
    heads: tuple[str, ...]
    texts: int
    rows: Sequence[Sequence[str]]
    total: int
    through: datetime | None
    file: Attachment | None


def mail(here: Here, schedule: ReportSchedule, reader: Reader, run: str, now: datetime) -> Delivery:
    """Return a subscription's page as a mail for one reader.

    Raises:
        NotFound: `account_not_found`, `contract_not_found`, `line_not_found`, `not_in_force`,
            `nothing_to_see`: what it is about is not theirs to see.
        Invalid: `known_at_unknown`, `number_too_long`.
    """
    key, query = pages.key_of(schedule.page), pages.kept(schedule.page, schedule.query)
    found = (
        _lines(here, schedule, reader.scope, query)
        if key is None
        else _days(here, schedule, _scope_of(here, reader, key), query, key)
    )
    letter = _letter(here, schedule, query, found)
    return Delivery(
        id=new_id(now),
        kind="report.page",
        account=reader.account,
        recipients=(reader.address,),
        subject=schedule.name,
        body=text_of(letter),
        html=html_of(letter),
        link=letter.link,
        numbers=_numbers(here, schedule, found),
        created_at=now,
        created_by=schedule.owner,
        due_at=now,
        subscription=schedule.id,
        run=run,
        attachment=found.file,
    )


def _scope_of(here: Here, reader: Reader, key: LineKey) -> Scope:
    contract = here.directory.contract(key[0])
    account = contract.account if contract else ""
    return reader.scope_of(here.directory, account, key[0])


def _numbers(here: Here, schedule: ReportSchedule, found: _Content) -> dict[str, Any]:
    return {
        "page": schedule.page,
        "query": schedule.query,
        "known_at": str(here.when.mark),
        "rows": found.total,
        "file": found.file.name if found.file else None,
    }


def _lines(here: Here, schedule: ReportSchedule, scope: Scope, query: dict[str, str]) -> _Content:
    who = pages.meant(scope, here.directory, query, here.when)
    asked = pages.narrowed(query, who.accounts)
    every = SnapshotQuery(accounts=who.accounts, limit=0)
    if scope.accounts is not None and not _page(here, scope, query, every).total:
        raise NotFound("nothing_to_see", "They see no line on this page.")
    first = _page(here, scope, query, replace(asked, limit=letters.ROWS_MAX))
    file, through = _all(here, schedule, scope, query, asked)
    heads, rows = letters.rows_of_lines(first, priced=scope.sees_prices)
    figures = letters.figures_of_lines(
        first, _agreed(here, scope, query, asked), counts=not asked.states
    )
    return _Content(figures, heads, _WORDS_OF_LINES, rows, first.total, through, file)


def _page(here: Here, scope: Scope, query: dict[str, str], asked: SnapshotQuery) -> SnapshotPage:
    """List lines from the snapshot while it is of our mark, or work them out."""
    if here.state is not None and not pages.is_past(query):
        found = positions(scope, here.snapshot, asked)
        if found.state == here.state:
            return found
    return _worked_out(here, scope, query, asked)


def _all(
    here: Here,
    schedule: ReportSchedule,
    scope: Scope,
    query: dict[str, str],
    asked: SnapshotQuery,
) -> tuple[Attachment | None, datetime | None]:
    """Return all lines as a file, None where it is not for a mail, and through when all of them are
    complete.
    """
    state = None if pages.is_past(query) else here.state
    worked_out = partial(_worked_out, here, scope, query)
    with pages.standing(scope, here.snapshot, asked, state, worked_out) as found:
        if not here.attaches or found.total > ATTACHMENT_ROWS_MAX:
            return None, min((line.data_through for line in found.items), default=None)
        sheet = pages.lines(scope, found.items, here.when.mark, query)
        file = _file(here, schedule, sheet, pages.name_of_lines(here.when.mark))
    said = dict(sheet.about())["data_through"]
    return file, datetime.fromisoformat(said) if said else None


def _agreed(
    here: Here, scope: Scope, query: dict[str, str], asked: SnapshotQuery
) -> tuple[Total, ...]:
    """Return what those of the lines asked for come to that have an allotment."""
    if "no_allotment" in asked.states:
        return ()
    return _page(here, scope, query, replace(asked, states=asked.states or AGREED, limit=0)).totals


def _worked_out(
    here: Here, scope: Scope, query: dict[str, str], asked: SnapshotQuery
) -> SnapshotPage:
    found = here.past.page if pages.is_past(query) else here.past.at
    return found(scope, here.directory, here.events, asked, here.when)


def _days(
    here: Here, schedule: ReportSchedule, scope: Scope, query: dict[str, str], key: LineKey
) -> _Content:
    when = cycles.instant(scope, here.directory, key, query, here.when)
    rollup = pages.ROLLUPS.get(query.get("rollup", ""))
    method = pages.METHODS.get(query.get("forecast", ""), "mean_7")
    found, _ = position(scope, here.directory, here.events, key, when, rollup=rollup, method=method)
    line = find_line(scope, here.directory, key, when, rollup=rollup)
    sheet = pages.days(scope, found, when, query, line.calendar.timezone)
    heads, rows = letters.rows_of_days(sheet, found.unit)
    file = _file(here, schedule, sheet, pages.name_of_days(found)) if here.attaches else None
    return _Content(
        _figures(found), heads, _WORDS_OF_DAYS, rows, len([*sheet.rows]), found.data_through, file
    )


def _figures(found: Position) -> Facts:
    name = found.account_name or found.account
    return [("Account", name), ("Service", found.service), *letters.figures_of_line(found)]


def _file(here: Here, schedule: ReportSchedule, sheet: Sheet, name: str) -> Attachment | None:
    """Return a table as a file, None where it is too large for a mail."""
    kind = schedule.format
    with sheets.written(sheet, kind, here.parquet) as file:
        content = file.read(ATTACHMENT_BYTES_MAX + 1)
    if len(content) > ATTACHMENT_BYTES_MAX:
        return None
    return Attachment(sheets.file_name(name, kind), sheets.FORMATS[kind], content)


def _letter(
    here: Here, schedule: ReportSchedule, query: dict[str, str], found: _Content
) -> PageLetter:
    at = {**query, "known_at": str(here.when.mark)}
    left = found.total - len(found.rows)
    named = {_LABELS.get(name, name): value for name, value in query.items()}
    times = schedule.cron, schedule.timezone
    return PageLetter(
        title=schedule.name,
        figures=found.figures,
        heads=found.heads,
        texts=found.texts,
        rows=tuple(map(tuple, found.rows)),
        more=f"And {left:,} more." if left > 0 else "",
        about=[
            *(letters.said_of(named) or [("Filters", "none")]),
            *letters.when(here.when.now, found.through, schedule.timezone),
            ("Why you get this", why(schedule.owner, schedule.name, *times)),
        ],
        link=f"{schedule.page}?{urlencode(at)}",
        file=f"All {found.total:,} are in {found.file.name}."
        if found.file
        else f"All {found.total:,} are in a file that is fetched from the page.",
        file_link=""
        if found.file
        else f"{schedule.page}/export?{urlencode({**at, 'format': schedule.format})}",
    )
