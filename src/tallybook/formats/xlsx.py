"""Excel workbooks: a sheet `About` that says what the table is, and the table. Written only."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import xlsxwriter

from tallybook.formats._cells import is_formula
from tallybook.model.sheet import Cell, Kind, Sheet, digits

#: Excel keeps a number as a double: fifteen digits are exact, a longer one is written as a text.
_DIGITS_MAX: Final = 15
_WIDTHS: Final[dict[Kind, int]] = {
    "text": 22,
    "flag": 11,
    "whole": 11,
    "quantity": 17,
    "money": 15,
    "percent": 13,
    "date": 12,
    "instant": 19,
}
_ABOUT_WIDTHS: Final = (20, 80)
_TITLE_CHARS_MAX: Final = 31  # of the name of a sheet
_NOT_IN_TITLES: Final = str.maketrans(dict.fromkeys("[]:*?/\\'", "-"))


def write_sheet(sheet: Sheet, path: Path) -> None:
    """Write a workbook, row by row in constant memory; the table is the sheet that opens.

    Numbers are numbers where Excel keeps them exactly, else texts with all their digits; instants
    are local times of the sheet's zone. No text is ever a formula.
    """
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    book.set_properties({"title": sheet.title, "created": _naive(sheet.as_of, UTC)})
    looks = _Looks(book)
    about = book.add_worksheet("About")
    table = book.add_worksheet(sheet.title.translate(_NOT_IN_TITLES)[:_TITLE_CHARS_MAX])
    table.activate()
    table.freeze_panes(1, 0)
    for place, column in enumerate(sheet.columns):
        table.set_column(place, place, max(_WIDTHS[column.kind], len(column.name) + 2))
        table.write_string(0, place, column.name, looks.of(bold=True))
    zone = ZoneInfo(sheet.zone)
    writers = [_writer(table, looks, column.kind, zone) for column in sheet.columns]
    number = 0
    for number, row in enumerate(sheet.rows, 1):
        for place, (cell, write) in enumerate(zip(row, writers, strict=True)):
            if cell is not None:
                write(number, place, cell)
    table.autofilter(0, 0, number, len(sheet.columns) - 1)
    for place, width in enumerate(_ABOUT_WIDTHS):
        about.set_column(place, place, width)
    for line, (name, value) in enumerate(sheet.about()):
        about.write_string(line, 0, name, looks.of(bold=True))
        about.write_string(line, 1, value, looks.text(value))
    book.close()


class _Looks:
    """The formats of a workbook, each made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, object], ...], Any] = {}

    def of(self, **properties: object) -> Any:
        """Return the format with these properties."""
        key = tuple(properties.items())
        if key not in self._made:
            self._made[key] = self._book.add_format(properties)
        return self._made[key]

    def text(self, text: str) -> Any:
        """Return the format of a text: one that looks like a formula stays a text when edited."""
        return self.of(quote_prefix=True) if is_formula(text) else None


def _writer(table: Any, looks: _Looks, kind: Kind, zone: ZoneInfo) -> Callable[..., None]:
    """Return what writes the cells of a column."""

    def text(row: int, place: int, cell: str) -> None:
        table.write_string(row, place, cell, looks.text(cell))

    def number(row: int, place: int, cell: Decimal | int) -> None:
        written = digits(cell, kind)
        whole, _, fraction = written.partition(".")
        if len((whole + fraction).strip("-").strip("0")) > _DIGITS_MAX:
            table.write_string(row, place, written, looks.of(align="right", quote_prefix=True))
            return
        shape = "#,##0" + ("." + "0" * len(fraction) if fraction else "")
        unit = '"%"' if kind == "percent" else ""
        table.write_number(row, place, Decimal(cell), looks.of(num_format=shape + unit))

    def day(row: int, place: int, cell: Cell) -> None:
        table.write_datetime(row, place, cell, looks.of(num_format="yyyy-mm-dd"))

    def instant(row: int, place: int, cell: datetime) -> None:
        local = _naive(cell, zone)
        table.write_datetime(row, place, local, looks.of(num_format="yyyy-mm-dd hh:mm:ss"))

    found: dict[Kind, Callable[..., None]] = {
        "text": text,
        "flag": table.write_boolean,
        "date": day,
        "instant": instant,
    }
    return found.get(kind, number)


def _naive(instant: datetime, zone: Any) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, microsecond=0)
