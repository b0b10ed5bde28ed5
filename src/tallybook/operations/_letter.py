"""The words of a mail about findings: plain tables, as HTML and as text. Decides nothing about who
sees what.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Any, Final

from tallybook.model.alert import Finding, FindingAct, Subscription
from tallybook.model.check import Column, RepeatPolicy, Values, Variable
from tallybook.model.money import round_money
from tallybook.operations._mail import document, facts_table, instant, short, table, why
from tallybook.operations.checks import Listed, money_of

#: Findings that one section of a mail lists; the page has all.
ROWS_MAX: Final = 200
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
    parts: list[str] = []
    for section in letter.sections:
        if len(letter.sections) > 1:
            parts.append(f'<h2 style="font-size:16px">{escape(section.listed.title)}</h2>')
        if section.findings:
            parts += _table(section)
        parts += [f"<p>{escape(line)}</p>" for line in _rest(section)]
        parts += facts_table(_facts(section))
    parts += facts_table(_about(letter))
    return document(letter.title, parts, letter.link)


def _table(section: Section) -> Iterator[str]:
    columns = section.listed.check.COLUMNS
    told = ("What", "Account", "Why", "Finding")
    rows = (
        (
            *(one.entity, one.account or "all", _reason(section, one), one.message),
            *(_cell(column, one) for column in columns),
        )
        for one in section.findings[:ROWS_MAX]
    )
    return table((*told, *(column.title for column in columns)), rows, texts=len(told))


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
    times = subscription.cron, subscription.timezone
    return why(subscription.owner, subscription.name, *times)


def _about(letter: Letter) -> list[tuple[str, str]]:
    return [
        ("As of", instant(letter.now, letter.timezone)),
        ("Data through", instant(letter.data_through, letter.timezone)),
    ]


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
        return f"{short(value * 100)} %"
    return short(value)


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
