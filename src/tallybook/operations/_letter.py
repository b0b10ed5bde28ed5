"""The words of a mail about findings: plain tables, as HTML and as text. Decides nothing about who
sees what.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from html import escape
from typing import Any, Final

from tallybook.model.alert import Finding, FindingAct, Subscription
from tallybook.model.check import Column, RepeatPolicy, Values, Variable
from tallybook.model.money import round_money
from tallybook.model.quantity import EXACT
from tallybook.model.schedule import Preset, preset_of
from tallybook.model.time import zone
from tallybook.operations.checks import Listed, money_of

#: Findings that one section of a mail lists; the page has all.
ROWS_MAX: Final = 200
_PLACES: Final = Decimal("0.0001")
_WHEN: Final[Mapping[Preset, str]] = {
    "hourly": "every hour",
    "weekday_mornings": "Monday to Friday at 07:00",
    "daily": "every day at 07:00",
    "weekly": "Mondays at 07:00",
    "monthly": "on the 1st of each month at 07:00",
}
_POLICIES: Final[Mapping[RepeatPolicy, str]] = {
    "once_until_changed": "Each finding is told once, and again when what it follows from changes.",
    "every_run": "Each finding is told every time until it is fixed.",
    "once_per_threshold_per_period": "Each threshold is told once a period.",
    "once_per_bucket": "Each step is told once.",
    "on_transition": "A finding is told when its state changes, and when it is in order again.",
    "per_event": "Each event is told once.",
    "new_within_days": "Only what is new is told.",
}
_REASONS: Final[Mapping[FindingAct, str]] = {
    "found": "new",
    "changed": "changed",
    "reopened": "back again",
    "resolved": "in order again",
}
_STILL: Final = "still so"
_CELL: Final = "padding:4px 12px 4px 0;border-bottom:1px solid #d0d5dd;vertical-align:top"


@dataclass(frozen=True, slots=True)
class Section:
    """What one run of a subscription says in a mail, as its readers may see it: of `accounts` those
    they know, and `evaluated` None where it counts more than is theirs.
    """

    subscription: Subscription
    listed: Listed
    values: Values
    findings: tuple[Finding, ...]
    reasons: Mapping[str, FindingAct]
    unjudged: Mapping[str, int]
    accounts: tuple[str, ...]
    evaluated: int | None
    sees_money: bool


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail; `link` is a path of the pages."""

    subject: str
    title: str
    link: str
    timezone: str
    now: datetime
    data_through: datetime
    sections: tuple[Section, ...]


def text_of(letter: Letter) -> str:
    """Return a mail as plain text."""
    lines = [letter.title, ""]
    for section in letter.sections:
        if len(letter.sections) > 1:
            lines += [section.listed.title.upper(), ""]
        for one in section.findings[:ROWS_MAX]:
            whose = f" ({one.account})" if one.account else ""
            lines.append(f"* {one.entity}{whose}: {_reason(section, one)}")
            lines.append(f"  {one.message}")
            lines += [f"  {title}: {said}" for title, said in _cells(section, one)]
            lines.append("")
        lines += [*_rest(section), *(f"{name}: {said}" for name, said in _facts(section)), ""]
    lines += [f"{name}: {said}" for name, said in _about(letter)]
    return "\n".join(lines)


def html_of(letter: Letter) -> str:
    """Return a mail as HTML without anything that has to be fetched."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f"<title>{escape(letter.title)}</title></head>",
        '<body style="font:14px/1.5 system-ui,sans-serif;color:#1d2939;background:#ffffff">',
        f'<h1 style="font-size:18px">{escape(letter.title)}</h1>',
    ]
    for section in letter.sections:
        if len(letter.sections) > 1:
            parts.append(f'<h2 style="font-size:16px">{escape(section.listed.title)}</h2>')
        if section.findings:
            parts += _table(section)
        parts += [f"<p>{escape(line)}</p>" for line in _rest(section)]
        parts += _list(_facts(section))
    parts += _list(_about(letter))
    parts.append(f'<p><a href="{escape(letter.link)}">Open in Tallybook</a></p></body></html>')
    return "\n".join(parts)


def _table(section: Section) -> Iterator[str]:
    columns = section.listed.check.COLUMNS
    heads = ("What", "Account", "Why", "Finding", *(column.title for column in columns))
    yield '<table style="border-collapse:collapse"><thead><tr>'
    yield "".join(f'<th align="left" style="{_CELL}">{escape(head)}</th>' for head in heads)
    yield "</tr></thead><tbody>"
    for one in section.findings[:ROWS_MAX]:
        told = (one.entity, one.account or "all", _reason(section, one), one.message)
        cells = "".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in told)
        figures = "".join(
            f'<td align="right" style="{_CELL}">{escape(_cell(column, one))}</td>'
            for column in columns
        )
        yield f"<tr>{cells}{figures}</tr>"
    yield "</tbody></table>"


def _list(facts: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield '<table style="border-collapse:collapse;color:#475467;margin-top:12px"><tbody>'
    for name, said in facts:
        head = f'<th align="left" style="padding:2px 12px 2px 0">{escape(name)}</th>'
        yield f"<tr>{head}<td>{escape(said)}</td></tr>"
    yield "</tbody></table>"


def _reason(section: Section, finding: Finding) -> str:
    return _REASONS.get(section.reasons.get(finding.id, "said"), _STILL)


def _rest(section: Section) -> list[str]:
    more = len(section.findings) - ROWS_MAX
    lines = [f"And {more:,} more."] if more > 0 else []
    if not section.findings:
        lines.append("Nothing was found that is to be told.")
    for reason, count in section.unjudged.items():
        lines.append(f"{count:,} could not be judged: {reason.replace('_', ' ')}.")
    return lines


def _facts(section: Section) -> list[tuple[str, str]]:
    """Return what the run was set to: its values, and what it looked at."""
    subscription = section.subscription
    facts = [("Check", f"{section.listed.title} ({section.listed.code})")]
    hidden = () if section.sees_money else money_of(section.listed.check)
    for variable in section.listed.check.VARIABLES:
        value = section.values.get(variable.key)
        if value is not None and value != () and variable.key not in hidden:
            facts.append((variable.title, _value(variable, value)))
    if section.evaluated is None:
        facts.append(("Accounts", ", ".join(section.accounts) or "yours"))
    else:
        facts.append(("Accounts", ", ".join(section.accounts) or "all"))
        facts.append(("Branches", ", ".join(subscription.branches) or "all"))
        facts.append(("Contracts looked at", f"{section.evaluated:,}"))
    facts.append(("Why you get this", _why(subscription)))
    facts.append(("Repeats", _POLICIES[section.listed.check.POLICY]))
    return facts


def _why(subscription: Subscription) -> str:
    preset = preset_of(subscription.cron)
    when = _WHEN[preset] if preset else subscription.cron
    return (
        f"{subscription.owner} subscribed to it as {subscription.name!r}, "
        f"{when} ({subscription.timezone})."
    )


def _about(letter: Letter) -> list[tuple[str, str]]:
    return [
        ("As of", _instant(letter.now, letter.timezone)),
        ("Data through", _instant(letter.data_through, letter.timezone)),
    ]


def _instant(at: datetime, timezone: str) -> str:
    return f"{at.astimezone(zone(timezone)):%Y-%m-%d %H:%M} ({timezone})"


def _cells(section: Section, finding: Finding) -> Iterator[tuple[str, str]]:
    for column in section.listed.check.COLUMNS:
        yield column.title, _cell(column, finding)


def _cell(column: Column, finding: Finding) -> str:
    value = finding.outputs.get(column.key, finding.inputs.get(column.key))
    if value is None:
        return "–"
    if column.kind in {"money", "percent", "quantity"}:
        return _figure(column, Decimal(str(value)), finding.currency)
    return f"{value} days" if column.kind == "days" else _plain(value)


def _figure(column: Column, value: Decimal, currency: str | None) -> str:
    if column.kind == "money" and currency:
        rounded = round_money(value, currency)
        return f"{value if column.is_price and value != rounded else rounded:,f} {currency}"
    if column.kind == "percent":
        return f"{_short(value * 100)} %"
    return _short(value)


def _short(value: Decimal) -> str:
    """Return a number with at most four places, none of them a zero at the end."""
    text = f"{value.quantize(_PLACES, ROUND_HALF_UP, EXACT):,f}" if value else "0"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _value(variable: Variable, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    kind = variable.of or variable.kind
    unit = {"percent": " %", "days": " days"}.get(kind, "")
    unit = f" {variable.unit}" if variable.unit else unit
    some = value if isinstance(value, tuple) else (value,)
    return ", ".join(
        f"{one:f}{unit}" if isinstance(one, Decimal) else f"{one}{unit}" for one in some
    )
