"""Positions and the days of a line as tables to take along, and such a table as a file."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

from tallybook import formats
from tallybook.model import kinds, limits
from tallybook.model.errors import Invalid
from tallybook.model.mark import Mark
from tallybook.model.money import round_money
from tallybook.model.position import Position
from tallybook.model.quantity import EXACT
from tallybook.model.scope import Scope
from tallybook.model.sheet import Cell, Kind, Sheet, SheetColumn
from tallybook.operations import portfolio
from tallybook.operations.position import Instants
from tallybook.positions.position import percent

#: The formats of a file and what each is on the wire.
FORMATS: Final[Mapping[str, str]] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
Parquet = Callable[[Sheet, Path], None]
_Read = Callable[[Position], Cell]
_ZERO: Final = Decimal(0)
#: What some system does not take in the name of a file.
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]+")


def check_format(asked: str) -> str:
    """Return the name of a format if there is one.

    Raises:
        Invalid: `format_unknown`.
    """
    if asked not in FORMATS:
        known = ", ".join(FORMATS)
        raise Invalid(
            "format_unknown",
            f"There is no format {asked[:32]!r}; there are {known}.",
            field="format",
        )
    return asked


def written(sheet: Sheet, kind: str, parquet: Parquet, *, header: bool = True) -> BinaryIO:
    """Write a table to a file that has no name any more and goes when it is closed.

    It is whole before anybody reads of it. `header` False leaves out what a CSV file says about
    itself; the other formats keep that where no reader of rows meets it.

    Raises:
        Invalid: `format_unknown`, `number_too_long`.
    """
    check_format(kind)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sheet"
        if kind == "parquet":
            parquet(sheet, path)
        else:
            write = kinds.load(formats, kind).write_sheet
            (partial(write, header=header) if kind == "csv" else write)(sheet, path)
        return path.open("rb")


def dated(name: str, at: datetime, zone: str) -> str:
    """Return the name of a file with the local day of an instant."""
    return f"{name}-{at.astimezone(ZoneInfo(zone)).date().isoformat()}"


def file_name(name: str, kind: str) -> str:
    """Return the name of a file of a format as every system takes it."""
    return f"{_NOT_IN_NAMES.sub('-', name)}.{kind}"


def check_size(rows: int) -> None:
    """Refuse a file of too many rows before it is begun.

    Raises:
        Invalid: `too_many_rows`.
    """
    if rows > limits.EXPORT_ROWS_MAX:
        raise Invalid(
            "too_many_rows",
            f"That is {rows} rows, and a file has {limits.EXPORT_ROWS_MAX} at most; narrow the "
            "list, by account or service.",
            limit=limits.EXPORT_ROWS_MAX,
            asked=rows,
        )


def of_positions(
    scope: Scope, lines: Iterable[Position], mark: Mark, asked: Mapping[str, str], zone: str
) -> Sheet:
    """Return lines as a table, in the order they come in; `asked` is what narrowed and sorted
    them, as the header is to say.
    """
    passing = _Passing()
    return Sheet(
        "Positions",
        tuple(SheetColumn(name, kind) for name, kind, _ in _COLUMNS),
        passing.rows(lines),
        lambda: _about("positions", scope, mark, zone, passing, asked),
        mark.now,
        zone,
    )


def of_days(
    scope: Scope, found: Position, when: Instants, asked: Mapping[str, str], zone: str
) -> Sheet:
    """Return the days of one line in its period as a table, the first day first."""
    passing = _Passing()
    passing.note(found, rows=0)
    rows = list(_days(found))
    passing.count = len(rows)
    period = found.period
    said = {
        "contract": found.contract,
        "line": found.line,
        "account": found.account,
        "unit": found.unit,
        "period": f"{period.start_date.isoformat()}/{period.end_date.isoformat()}",
        **asked,
    }
    return Sheet(
        "Days",
        tuple(SheetColumn(*column) for column in _DAY_COLUMNS),
        rows,
        lambda: _about("days", scope, when.mark, zone, passing, said),
        when.mark.now,
        zone,
    )


class _Passing:
    """Lines on their way into a file, and what its header sums up of them."""

    def __init__(self) -> None:
        self.count = 0
        self.through: datetime | None = None

    def rows(self, lines: Iterable[Position]) -> Iterator[Sequence[Cell]]:
        for found in lines:
            self.note(found)
            yield [read(found) for _, _, read in _COLUMNS]

    def note(self, found: Position, rows: int = 1) -> None:
        self.count += rows
        through = found.data_through
        self.through = through if self.through is None else min(self.through, through)


def _about(
    title: str, scope: Scope, mark: Mark, zone: str, passing: _Passing, asked: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return a header. Its instant is that of the mark: the same mark gives the same bytes."""
    local = ZoneInfo(zone)
    through = passing.through
    return [
        ("table", title),
        *((name, value) for name, value in asked.items() if value),
        ("zone", zone),
        ("known_at", str(mark)),
        ("as_of", mark.now.astimezone(local).isoformat()),
        ("data_through", through.astimezone(local).isoformat() if through else ""),
        ("made_for", scope.who),
        ("rows", str(passing.count)),
    ]


def _days(found: Position) -> Iterator[Sequence[Cell]]:
    """Yield days with their use: running use where days add up, and what lies past the allotment.

    A day that is not over yet is marked as not complete.
    """
    known = {day.day: day for day in portfolio.course([found]) if day.used is not None}
    runs = not known or all(day.to_date is not None for day in known.values())
    for day in found.daily:
        if day.used is None or day.date < found.period.start_date:
            continue
        complete = known.get(day.date)
        to_date = complete.to_date if complete else found.used if runs else None
        share, past = _against(to_date, found.allotment)
        yield day.date, day.used, to_date, share, past, complete is not None


def _against(
    to_date: Decimal | None, allotment: Decimal | None
) -> tuple[Decimal | None, Decimal | None]:
    """Return the percent of an allotment that is used, and what lies past it."""
    if to_date is None or allotment is None:
        return None, None
    with localcontext(EXACT):
        return percent(to_date, allotment), max(to_date - allotment, _ZERO)


def _money(read: Callable[[Position], Decimal | None]) -> _Read:
    """Return what reads an amount, rounded to its currency's minor unit."""

    def rounded(found: Position) -> Decimal | None:
        amount = read(found)
        return None if amount is None else round_money(amount, found.currency)

    return rounded


_DAY_COLUMNS: Final[tuple[tuple[str, Kind], ...]] = (
    ("date", "date"),
    ("used", "quantity"),
    ("to_date", "quantity"),
    ("percent_used", "percent"),
    ("overage", "quantity"),
    ("is_complete", "flag"),
)

#: The columns of positions: the fields of `GET /positions`, those of a part by its name before
#: them. Columns may be added at the end, none is renamed.
_COLUMNS: Final[tuple[tuple[str, Kind, _Read], ...]] = (
    ("contract", "text", lambda p: p.contract),
    ("line", "text", lambda p: p.line),
    ("account", "text", lambda p: p.account),
    ("account_name", "text", lambda p: p.account_name),
    ("product", "text", lambda p: p.product),
    ("service", "text", lambda p: p.service),
    ("unit", "text", lambda p: p.unit),
    ("period_start_date", "date", lambda p: p.period.start_date),
    ("period_end_date", "date", lambda p: p.period.end_date),
    ("used", "quantity", lambda p: p.used),
    ("allotment", "quantity", lambda p: p.allotment),
    ("is_unlimited", "flag", lambda p: p.is_unlimited),
    ("remaining", "quantity", lambda p: p.remaining),
    ("percent_used", "percent", lambda p: p.percent_used),
    ("overage", "quantity", lambda p: p.overage),
    ("overage_amount", "money", _money(lambda p: p.overage_amount)),
    ("amount", "money", _money(lambda p: p.amount)),
    ("currency", "text", lambda p: p.currency),
    ("status", "text", lambda p: p.status),
    ("likely_over", "flag", lambda p: p.likely_over),
    ("low_use", "flag", lambda p: p.low_use),
    ("forecast_status", "text", lambda p: p.forecast.status),
    ("forecast_projected", "quantity", lambda p: p.forecast.projected),
    ("forecast_low", "quantity", lambda p: p.forecast.low),
    ("forecast_high", "quantity", lambda p: p.forecast.high),
    ("forecast_projected_overage", "quantity", lambda p: p.forecast.projected_overage),
    ("forecast_projected_amount", "money", _money(lambda p: p.forecast.projected_amount)),
    ("forecast_exhausted_on", "date", lambda p: p.forecast.exhausted_on),
    ("branch", "text", lambda p: p.branch),
    ("csm", "text", lambda p: p.csm),
    ("data_through", "instant", lambda p: p.data_through),
)
