"""The words of a mail that brings a page: its figures, its first lines, what it is narrowed to and
where the rest is, as HTML and as text. Decides nothing about who sees what.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Final

from tallybook.model.money import round_money
from tallybook.model.ports import SnapshotPage
from tallybook.model.position import Position, Total
from tallybook.model.sheet import Sheet
from tallybook.operations._mail import document, facts_table, instant, short, table
from tallybook.operations.position import by_unit

#: Lines of a list, and days of a line, that a mail shows; the file and the page have all.
ROWS_MAX: Final = 20
DAYS_MAX: Final = 14
_NONE: Final = "–"
#: What states are called, in the order in which they are counted.
_STATES: Final = {
    "over": "Over",
    "at_limit": "At limit",
    "likely_over": "Likely over",
    "near": "Near",
}

Facts = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class PageLetter:
    """A mail. `link` is a path of the pages, `file` says where the whole table is, `file_link` is
    its path where it is not in the mail.
    """

    title: str
    figures: Facts
    heads: tuple[str, ...]
    texts: int
    rows: tuple[tuple[str, ...], ...]
    more: str
    about: Facts
    link: str
    file: str
    file_link: str = ""


def text_of(letter: PageLetter) -> str:
    """Return a mail as plain text."""
    lines = [letter.title, ""]
    lines += [f"{name}: {said}" for name, said in letter.figures]
    for row in letter.rows:
        cells = zip(letter.heads[1:], row[1:], strict=True)
        lines += ["", f"* {row[0]}", *(f"  {head}: {cell}" for head, cell in cells)]
    lines += ["", *filter(None, (letter.more, letter.file)), ""]
    lines += [f"{name}: {said}" for name, said in letter.about]
    return "\n".join(lines)


def html_of(letter: PageLetter) -> str:
    """Return a mail as HTML without anything that has to be fetched."""
    return document(letter.title, _parts(letter), letter.link)


def _parts(letter: PageLetter) -> Iterator[str]:
    yield from facts_table(letter.figures)
    if letter.rows:
        yield from table(letter.heads, letter.rows, texts=letter.texts)
    for said in filter(None, (letter.more, letter.file)):
        yield f"<p>{escape(said)}</p>"
    if letter.file_link:
        yield f'<p><a href="{escape(letter.file_link)}">Fetch the file</a></p>'
    yield from facts_table(letter.about)


def figures_of_lines(found: SnapshotPage) -> Facts:
    """Return how many lines there are, in which states, and what they come to by unit."""
    counts = ((label, found.counts.get(state, 0)) for state, label in _STATES.items())
    return [
        ("Lines", f"{found.total:,}"),
        *((label, f"{count:,}") for label, count in counts if count),
        *((f"In {one.unit}", _sum(one)) for one in by_unit(found.totals)),
    ]


def rows_of_lines(found: SnapshotPage, *, priced: bool) -> tuple[tuple[str, ...], list[list[str]]]:
    """Return the heads and the rows of the first lines, with amounts where they may be shown."""
    heads = ("Line", "Account", "Status", "Used", "Allotment", "Used %", "Projected")
    rows = [
        [
            f"{one.contract} · {one.line}",
            one.account_name or one.account,
            _STATES.get(one.status, one.status.replace("_", " ").capitalize()),
            _quantity(one.used, one.unit),
            _quantity(one.allotment, one.unit),
            _percent(one.percent_used),
            _quantity(one.forecast.projected, one.unit),
            *([_money(one.overage_amount, one.currency)] if priced else []),
        ]
        for one in found.items
    ]
    return (*heads, *(["Overage amount"] if priced else [])), rows


def figures_of_line(found: Position) -> Facts:
    """Return where a line stands; amounts where they are not hidden."""
    facts = [
        ("Used", _quantity(found.used, found.unit)),
        ("Allotment", _quantity(found.allotment, found.unit)),
        ("Used %", _percent(found.percent_used)),
        ("Past the allotment", _quantity(found.overage, found.unit)),
        ("Projected", _quantity(found.forecast.projected, found.unit)),
        ("Status", _STATES.get(found.status, found.status.replace("_", " ").capitalize())),
    ]
    if found.overage_amount is not None:
        facts.append(("Overage amount", _money(found.overage_amount, found.currency)))
    return facts


def rows_of_days(sheet: Sheet, unit: str) -> tuple[tuple[str, ...], list[list[str]]]:
    """Return the heads and the rows of the newest days of a table of days, the newest first."""
    places = [[column.name for column in sheet.columns].index(n) for n in ("used", "to_date")]
    newest = [*sheet.rows][-DAYS_MAX:][::-1]
    rows = [[str(row[0]), *(_cell(row[place], unit) for place in places)] for row in newest]
    return ("Day", "Used", "To date"), rows


def said_of(query: Mapping[str, str]) -> Facts:
    """Return what narrows and sorts a page."""
    return [(name.replace("_", " ").capitalize(), value) for name, value in query.items() if value]


def when(as_of: datetime, through: datetime | None, timezone: str) -> Facts:
    """Return what a mail is as of."""
    said = [("Zone", timezone), ("As of", instant(as_of, timezone))]
    return [*said, ("Data through", instant(through, timezone) if through else _NONE)]


def _sum(one: Total) -> str:
    said = f"{short(one.used)} used of {short(one.allotment)}; {short(one.projected)} projected"
    if one.overage_amount is None:
        return said
    return f"{said}; {_money(one.overage_amount, one.currency)} for overage"


def _cell(value: object, unit: str) -> str:
    return _quantity(value if isinstance(value, Decimal) else None, unit)


def _quantity(value: Decimal | None, unit: str) -> str:
    return _NONE if value is None else f"{short(value)} {unit}"


def _percent(value: Decimal | None) -> str:
    return _NONE if value is None else f"{short(value)} %"


def _money(value: Decimal | None, currency: str) -> str:
    return _NONE if value is None else f"{round_money(value, currency):,f} {currency}"
