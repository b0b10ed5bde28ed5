"""The table of the volume page: one row a line, its children in place, and links for the rest."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

from tallybook.model.pages import line_page
from tallybook.model.ports import SnapshotSort
from tallybook.model.position import Position, Total
from tallybook.operations.position import AGREED, by_unit
from tallybook.web.pages import format as words
from tallybook.web.pages import standing
from tallybook.web.pages.frame import with_query
from tallybook.web.pages.view import Chip, Column, ListControls
from tallybook.web.pages.volume_asked import CHIPS, Asked
from tallybook.web.pages.volume_view import VolumeRow, VolumeTable, VolumeTotal

_ZERO: Final = Decimal(0)
_RECENT: Final = slice(-15, -1)  # a fortnight of complete days
_COLUMNS: Final[tuple[tuple[Column, SnapshotSort | None], ...]] = (
    (Column("Account", numeric=False), "account"),
    (Column("Service", numeric=False, wide=True), "service"),
    (Column("Used"), "used"),
    (Column("Allotment", wide=True), "allotment"),
    (Column("Of allotment", numeric=False), "percent_used"),
    (Column("Remaining", wide=True), None),
    (Column("Forecast", wide=True), "projected"),
    (Column("Overage", wide=True), "projected_overage"),
    (Column("Daily", numeric=False, wide=True), None),
    (Column("Status", numeric=False), "status"),
)


def table(asked: Asked, every: int) -> VolumeTable:
    """Return the page of the table that is asked for; `every` counts lines without filters."""
    found, number = asked.rows()
    controls = ListControls(
        tuple(_chips(asked, found.counts)),
        asked.find(),
        tuple(_heading(asked, column, sort) for column, sort in _COLUMNS),
        asked.pager(number, found.total),
        asked.clear_url,
    )
    return VolumeTable(
        found.total,
        every,
        tuple(row for line in found.items for row in _rows(asked, line)),
        tuple(_totals(asked, found.totals)),
        controls,
        asked.scope.sees_prices,
        str(found.state.mark) if found.state else "",
    )


def _chips(asked: Asked, counts: Mapping[str, int]) -> Iterable[Chip]:
    """Yield the states that there are lines in, and the one chosen."""
    current = asked.get("status", CHIPS)
    for value, label in CHIPS.items():
        count = counts.get(value or "all", 0)
        if count or value in {"", current}:
            yield Chip(label, asked.link(status=value, page=None), count, value == current)


def _heading(asked: Asked, column: Column, sort: SnapshotSort | None) -> Column:
    if sort is None:
        return column
    return asked.heading(column, sort, asked.sort, descending=asked.descending, first="desc")


def _totals(asked: Asked, totals: tuple[Total, ...]) -> Iterable[VolumeTotal]:
    """Yield the sums of the list by unit and currency; the amounts of lines with an allotment."""
    query = replace(asked.query_of_all, limit=0)
    agreed = totals if query.states else asked.lines(replace(query, states=AGREED)).totals
    costs = {(total.unit, total.currency): total for total in by_unit(agreed)}
    for total in by_unit(totals):
        priced = costs.get((total.unit, total.currency))
        yield VolumeTotal(
            total.unit,
            total.currency,
            total.lines,
            total.used,
            total.allotment,
            total.projected,
            total.projected_overage,
            standing.cost([(total.currency, priced.projected_amount)]) if priced else (),
        )


def _rows(asked: Asked, line: Position) -> Iterable[VolumeRow]:
    """Yield a line's row and, when it is open, those of the accounts that make it up."""
    key = f"{line.contract}/{line.line}"
    is_open = asked.text("open") == key
    period = asked.text("period") if asked.is_past else None
    path = line_page(line.contract, line.line)
    yield VolumeRow(
        line.account_name or line.account,
        with_query(path, {}, period=period),
        line.service,
        standing.of_position(line),
        line.remaining,
        tuple(day.used or _ZERO for day in line.daily[_RECENT]),
        children=len(standing.children(line)),
        toggle_url=asked.link(open=None if is_open else key) if standing.children(line) else "",
        expanded=is_open,
    )
    for part in line.contributions if is_open else ():
        account = asked.directory.account(part.account)
        name = account.title if account else part.account
        yield VolumeRow(
            f"{name}, own usage" if part.account == line.account else name,
            with_query(path, {}, period=period, account=part.account),
            line.service,
            standing.of_part(line, part.used or _ZERO),
            depth=1,
            part="In the pool"
            if part.share is None
            else f"{words.percent(part.share * 100, 1)} of the pool",
        )
