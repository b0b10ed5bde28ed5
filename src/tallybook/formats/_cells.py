"""Cells as texts, and texts that a spreadsheet would run, wherever somebody chose them: names,
keys, what was searched for.
"""

from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from tallybook.model.sheet import Cell, Kind, digits

#: What a formula, or what hides one, begins with: OWASP's list for "CSV injection".
_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def is_formula(text: str) -> bool:
    """Tell whether a spreadsheet could take a text for a formula, blanks before it or not."""
    return text.startswith(_STARTS) or text.lstrip(" \xa0").startswith(_STARTS)


def as_text(cell: Cell, kind: Kind, zone: ZoneInfo) -> str:
    """Write a cell: a number with all its digits, an instant with its offset in a zone, None as
    nothing, and a text that a spreadsheet would run behind an apostrophe.
    """
    match cell:
        case None:
            return ""
        case str():
            return f"'{cell}" if is_formula(cell) else cell
        case Decimal():
            return digits(cell, kind)
        case datetime():
            return cell.astimezone(zone).isoformat()
    return str(cell).lower()  # true and false, whole numbers and dates
