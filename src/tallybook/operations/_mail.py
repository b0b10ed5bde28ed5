"""What all mails have in common: tables, facts, and numbers and instants as people read them. Says
nothing of its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from html import escape
from typing import Final

from tallybook.model.quantity import EXACT
from tallybook.model.schedule import Preset, preset_of
from tallybook.model.time import zone

_PLACES: Final = Decimal("0.0001")
_WHEN: Final[Mapping[Preset, str]] = {
    "hourly": "every hour",
    "weekday_mornings": "Monday to Friday at 07:00",
    "daily": "every day at 07:00",
    "weekly": "Mondays at 07:00",
    "monthly": "on the 1st of each month at 07:00",
}
_CELL: Final = "padding:4px 12px 4px 0;border-bottom:1px solid #d0d5dd;vertical-align:top"


def document(title: str, parts: Iterable[str], link: str) -> str:
    """Return HTML without anything that has to be fetched; `link` is a path of the pages."""
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f"<title>{escape(title)}</title></head>",
            '<body style="font:14px/1.5 system-ui,sans-serif;color:#1d2939;background:#ffffff">',
            f'<h1 style="font-size:18px">{escape(title)}</h1>',
            *parts,
            f'<p><a href="{escape(link)}">Open in Tallybook</a></p></body></html>',
        ]
    )


def with_notice(html: str, said: str) -> str:
    """Return a document that says something else first."""
    head, ends, rest = html.partition("</h1>")
    return f"{head}{ends}\n<p>{escape(said)}</p>{rest}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int) -> Iterator[str]:
    """Yield a table as HTML; after the first `texts` columns come numbers."""
    yield '<table style="border-collapse:collapse"><thead><tr>'
    yield "".join(f'<th align="left" style="{_CELL}">{escape(head)}</th>' for head in heads)
    yield "</tr></thead><tbody>"
    for row in rows:
        said = "".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in row[:texts])
        numbers = "".join(
            f'<td align="right" style="{_CELL}">{escape(cell)}</td>' for cell in row[texts:]
        )
        yield f"<tr>{said}{numbers}</tr>"
    yield "</tbody></table>"


def facts_table(facts: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield names and what is said of each as HTML."""
    yield '<table style="border-collapse:collapse;color:#475467;margin-top:12px"><tbody>'
    for name, said in facts:
        head = f'<th align="left" style="padding:2px 12px 2px 0">{escape(name)}</th>'
        yield f"<tr>{head}<td>{escape(said)}</td></tr>"
    yield "</tbody></table>"


def why(owner: str, name: str, cron: str, timezone: str) -> str:
    """Say why somebody gets a mail: who subscribed, and to what times."""
    preset = preset_of(cron)
    when = _WHEN[preset] if preset else cron
    return f"{owner} subscribed to it as {name!r}, {when} ({timezone})."


def instant(at: datetime, timezone: str) -> str:
    """Return an instant by the clock of a zone."""
    return f"{at.astimezone(zone(timezone)):%Y-%m-%d %H:%M} ({timezone})"


def short(value: Decimal) -> str:
    """Return a number with at most four places, none of them a zero at the end."""
    text = f"{value.quantize(_PLACES, ROUND_HALF_UP, EXACT):,f}" if value else "0"
    return text.rstrip("0").rstrip(".") if "." in text else text
