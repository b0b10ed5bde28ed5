"""The words of a mail that brings a page: its figures, its first lines, what it is narrowed to and
where the rest is, as HTML and as text. Decides nothing about who sees what.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from html import escape
from typing import Final

from tallybook.model.money import round_money
from tallybook.model.ports import SnapshotPage
from tallybook.model.position import Position, Total
from tallybook.model.quantity import EXACT
from tallybook.model.sheet import Sheet
from tallybook.operations._mail import document, facts_table, instant, short, table
from tallybook.operations.position import STATE_NAMES, by_unit

#: Lines of a list, and days of a line, that a mail shows; the file and the page have all.
ROWS_MAX: Final = 20
DAYS_MAX: Final = 14
_NONE: Final = "–"

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


def figures_of_lines(found: SnapshotPage, agreed: tuple[Total, ...], *, counts: bool) -> Facts:
    """Return how many lines there are, what they come to by unit, and, with `counts`, how many are
    in which state. Of these, `agreed` sums up those with an allotment.
    """
    states = ((label, found.counts.get(state, 0)) for state, label in STATE_NAMES.items())
    compared = {(one.unit, one.currency): one for one in by_unit(agreed)}
    return [
        ("Lines", f"{found.total:,}"),
        *((label, f"{count:,}") for label, count in states if counts and count),
        *(
            (f"In {one.unit}", _sum(one, compared.get((one.unit, one.currency))))
            for one in by_unit(found.totals)
        ),
    ]


def rows_of_lines(found: SnapshotPage, *, priced: bool) -> tuple[tuple[str, ...], list[list[str]]]:
    """Return the heads and the rows of the first lines, with amounts where they may be shown."""
    heads = ("Line", "Account", "Status", "Used", "Allotment", "Used %", "Projected")
    rows = [
        [
            f"{one.contract} · {one.line}",
            one.account_name or one.account,
            STATE_NAMES[one.status],
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
        ("Status", STATE_NAMES[found.status]),
    ]
    if found.overage_amount is not None:
        facts.append(("Overage amount", _money(found.overage_amount, found.currency)))
    return facts


def rows_of_days(sheet: Sheet, unit: str) -> tuple[tuple[str, ...], list[list[str]]]:
    """Return the heads and the rows of the newest days of a table of days, the newest first."""
    names = [column.name for column in sheet.columns]
    newest = (dict(zip(names, row, strict=True)) for row in [*sheet.rows][-DAYS_MAX:][::-1])
    rows = [
        [
            f"{day['date']}" if day["is_complete"] else f"{day['date']}, so far",
            _cell(day["used"], unit),
            _cell(day["to_date"], unit),
        ]
        for day in newest
    ]
    return ("Day", "Used", "To date"), rows


def said_of(query: Mapping[str, str]) -> Facts:
    """Return what narrows and sorts a page."""
    return [(name.replace("_", " ").capitalize(), value) for name, value in query.items() if value]


def when(as_of: datetime, through: datetime | None, timezone: str) -> Facts:
    """Return what a mail is as of."""
    said = [("Zone", timezone), ("As of", instant(as_of, timezone))]
    return [*said, ("Data through", instant(through, timezone) if through else _NONE)]


def _sum(one: Total, agreed: Total | None) -> str:
    """Say what lines of one unit come to: only use that has an allotment is said to be of it."""
    if agreed is None:
        return f"{short(one.used)} used; {short(one.projected)} projected"
    said = f"{short(agreed.used)} used of {short(agreed.allotment)}"
    said += f"; {short(agreed.projected)} projected"
    if one.overage_amount is not None:
        said += f"; {_money(one.overage_amount, one.currency)} for overage"
    if others := one.lines - agreed.lines:
        with localcontext(EXACT):
            more = one.used - agreed.used
        said += f"; {short(more)} used more by {others:,} without an allotment"
    return said


def _cell(value: object, unit: str) -> str:
    return _quantity(value if isinstance(value, Decimal) else None, unit)


def _quantity(value: Decimal | None, unit: str) -> str:
    return _NONE if value is None else f"{short(value)} {unit}"


def _percent(value: Decimal | None) -> str:
    return _NONE if value is None else f"{short(value)} %"


def _money(value: Decimal | None, currency: str) -> str:
    return _NONE if value is None else f"{round_money(value, currency):,f} {currency}"
