"""What is odd about an account's tree, by rules of a sentence each: who belongs to it, what its
contracts say together, and who fell silent. Counts no event; is handed what was counted.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple

from tallybook.model.directory import Directory
from tallybook.model.nouns import Meter
from tallybook.model.scope import Member
from tallybook.model.time import Calendar
from tallybook.model.usage import Traffic
from tallybook.positions.findings import findings
from tallybook.positions.hierarchy import faults
from tallybook.positions.terms import Terms

Severity = Literal["problem", "notice"]

#: A source that sent on fewer days than these has no pace of its own yet.
PACE_DAYS_MIN: Final = 3
#: It is silent after so many times its usual pause, and after so long at least.
PAUSES_MAX: Final = 3
SILENCE_MIN: Final = timedelta(days=2)
_NAMED: Final = 3
_DAY: Final = timedelta(days=1)

#: What to do about each finding of a contract; all others are for who edits it.
_NEXT: Final[Mapping[str, str]] = {
    "tree_cycle": "Give one of these accounts another parent, or none.",
    "tree_too_deep": "Hang the account nearer to the top of its tree.",
    "orphan": "Define the parent, or take it out of this account.",
    "parent_gone": "Move the account to a parent that is active, or take its parent out.",
    "child_has_contract": "End one of the two lines, or its price.",
    "in_a_pool": "End one of the two lines, or its price.",
    "pool_unit_clash": "Give both lines the same conversion.",
    "unit_clash": "Name the meter's own unit, or add a conversion.",
    "unknown_meter": "Define the meter, or name another in the contract.",
    "meter_retired": "Name another meter in the contract, or define this one again.",
    "line_without_price": "Give the line a price, or leave it free on purpose.",
    "group_without_rate": "Give the group a rate or tiers, or leave it free on purpose.",
}
_EDIT: Final = "Look at the contract, and change it where it is not meant so."
#: What may well be meant so. All else of a contract makes a number wrong, or will.
_NOTICES: Final = frozenset(
    {
        "account_closed",
        "bill_to_outside",
        "group_without_rate",
        "line_without_price",
        "meter_counted_twice",
        "product_unknown",
        "ref_unused",
    }
)
_UNRESOLVED: Final = {
    "type_unknown": (
        "Events that no meter counts",
        "Define a meter of this type, or ask the sender which type is meant.",
    ),
    "quantity_missing": (
        "Events without the property that a meter counts",
        "Ask the sender for it, and replace these events.",
    ),
    "quantity_invalid": (
        "Events whose quantity cannot be read",
        "Ask the sender for plain decimals, and replace these events.",
    ),
}


class Finding(NamedTuple):
    """Something to look at: what it is, in a sentence, what to do next, and what it is about.

    `field` is a path in the contract; `events` is how many of them it is about, and `subject` the
    account that they name, where that is not one.
    """

    code: str
    severity: Severity
    detail: str
    next_step: str
    account: str
    contract: str | None = None
    line: str | None = None
    field: str | None = None
    subject: str | None = None
    events: int | None = None


class Silent(NamedTuple):
    """A source that an account heard from every `usual` or so, and not since `last`."""

    account: str
    source: str
    last: datetime
    usual: timedelta


def of_links(directory: Directory, accounts: Iterable[str], day: date) -> Iterator[Finding]:
    """Yield what is wrong with the parents of accounts on a day.

    Codes: `tree_cycle, tree_too_deep, orphan, parent_gone`.
    """
    said = {
        "tree_cycle": "The parents of {} lead back to itself.",
        "tree_too_deep": "{} lies deeper in its tree than anything is counted.",
        "orphan": "An account above {}, or its parent, was never defined.",
    }
    for key in sorted(accounts):
        for code in faults(directory, key):
            yield Finding(code, "problem", said[code].format(key), _NEXT[code], key)
        account = directory.at("account", key, day)
        above = account.parent if account else None
        if above is None or not directory.history("account", above):
            continue
        parent = directory.at("account", above, day)
        if parent is None or parent.status == "closed":
            detail = f"The parent of {key}, {above}, is {'closed' if parent else 'retired'}."
            yield Finding("parent_gone", "problem", detail, _NEXT["parent_gone"], key)


def of_moves(
    directory: Directory, tree: Iterable[Member], root: str, start: datetime, end: datetime
) -> Iterator[Finding]:
    """Yield who joined or left a tree within [start, end): `moved_in_period`."""
    for member in tree:
        if member.account == root:
            continue
        turns = (
            (member.start, member.start > start, "joined", "before"),
            (member.end, member.end < end, "left", "from then on"),
        )
        for at, is_within, moved, elsewhere in turns:
            if is_within:
                day = _day(directory, member.account, at)
                yield Finding(
                    "moved_in_period",
                    "notice",
                    f"{member.account} {moved} the tree of {root} on {day};"
                    f" its use {elsewhere} counts elsewhere.",
                    "See that this is the day of the move; if not, mend it with a new version.",
                    member.account,
                )


def of_tree(directory: Directory, root: str, tree: Sequence[str], day: date) -> Iterator[Finding]:
    """Yield where accounts differ from the top of their tree: `zone_differs, currency_differs`."""
    top = directory.at("account", root, day)
    if top is None:
        return
    zones: dict[str, list[str]] = {}
    currencies: dict[str, list[str]] = {}
    for key in sorted(tree):
        account = directory.at("account", key, day)
        if account is not None and account.calendar != top.calendar:
            where = f"{account.timezone}, from {account.day_start:%H:%M}"
            zones.setdefault(where, []).append(key)
        if account is not None and account.currency != top.currency:
            currencies.setdefault(account.currency, []).append(key)
    own = f"{top.timezone}, from {top.day_start:%H:%M}"
    for zone, keys in zones.items():
        detail = f"Days of {named(keys)} are those of {zone}; those of {root} are of {own}."
        hint = "See that a pool may cut their use by its own days, or give them the same zone."
        yield Finding("zone_differs", "notice", detail, hint, keys[0])
    for currency, keys in currencies.items():
        detail = f"The currency of {named(keys)} is {currency}; that of {root} is {top.currency}."
        hint = "See that no sum is expected over both, or give them the same currency."
        yield Finding("currency_differs", "notice", detail, hint, keys[0])


def of_contract(directory: Directory, number: str, day: date, *, up: bool) -> Iterator[Finding]:
    """Yield what `findings` says of a contract on a day; `up` looks at pools above it as well."""
    contract = directory.at("contract", number, day)
    owner = contract.account if contract else ""
    for fault in findings(directory, number, day, up=up):
        yield Finding(
            fault.code,
            "notice" if fault.code in _NOTICES else "problem",
            fault.detail,
            _NEXT.get(fault.code, _EDIT),
            owner,
            number,
            field=fault.field,
        )


def is_unused(line: Terms, last: datetime | None) -> bool:
    """Tell whether a meter whose newest event was then counted nothing for a line in its period;
    a value that holds until the next one is used once there was any.
    """
    return last is None or (not line.carries and last < line.period.starts_at)


def of_line(line: Terms, meter: Meter, last: datetime | None) -> Finding:
    """Return what to say of a meter that counted nothing: `meter_never_used, meter_idle`."""
    number, code = line.key
    start = line.period.start_date
    if last is None:
        detail = f"No event that {meter.key} counts has ever come for {code} of {number}."
        hint = f"Ask the sender for events of the type {meter.event_type}, or name another meter."
    else:
        on = line.calendar.day_of(last)
        detail = (
            f"Nothing of {meter.key} was counted for {code} of {number} since the period began on"
            f" {start}; the last event was on {on}."
        )
        hint = "Ask whether the service is still used, and whether its sender is up."
    severity: Severity = "problem" if last is None else "notice"
    known = "meter_never_used" if last is None else "meter_idle"
    return Finding(known, severity, detail, hint, line.contract.account, number, code)


def of_events(sent: Iterable[Traffic], types: Collection[str]) -> Iterator[Finding]:
    """Yield what came and does not count, by reason and type: `type_unknown` where the type is not
    among `types`, `quantity_missing, quantity_invalid`.
    """
    found: dict[tuple[str, str], dict[str, int]] = {}
    for row in sent:
        unknown = row.events if row.type not in types else 0
        for code, events in (
            ("type_unknown", unknown),
            ("quantity_missing", row.missing),
            ("quantity_invalid", row.invalid),
        ):
            if events:
                by_account = found.setdefault((code, row.type), {})
                by_account[row.account] = by_account.get(row.account, 0) + events
    for (code, type_), by_account in sorted(found.items()):
        said, hint = _UNRESOLVED[code]
        events, keys = sum(by_account.values()), sorted(by_account)
        detail = f"{said}: {events} of the type {type_}, for {named(keys)}."
        yield Finding(code, "problem", detail, hint, keys[0], events=events)


def alike(key: str) -> frozenset[str]:
    """Return what may be sent in the place of an account's key by mistake."""
    written = {key.lower(), key.upper(), key.title(), key.capitalize(), f" {key}", f"{key} "}
    return frozenset(written - {key})


def of_strangers(sent: Iterable[Traffic], accounts: Iterable[str]) -> Iterator[Finding]:
    """Yield what came for accounts that nobody defined and that read like one: `account_alike`."""
    meant = {like: key for key in accounts for like in alike(key)}
    events: dict[str, int] = {}
    for row in sent:
        events[row.account] = events.get(row.account, 0) + row.events
    for subject, count in sorted(events.items()):
        key = meant[subject]
        yield Finding(
            "account_alike",
            "problem",
            f"Events for {subject!r}, which is no account but reads like {key}: {count}.",
            f"Have them sent for {key}, and replace those that came.",
            key,
            subject=subject,
            events=count,
        )


def silent(sent: Iterable[Traffic], now: datetime) -> list[Silent]:
    """Return which sources are silent for an account for longer than is usual for them.

    What is usual is the mean pause between the days on which a source sent: (last − first) /
    (days − 1), of the type that it sends on most days. Silent is who has sent nothing of any type
    for more than `PAUSES_MAX` times that, and for more than `SILENCE_MIN`.
    """
    known: dict[tuple[str, str], list[Traffic]] = {}
    for row in sent:
        known.setdefault((row.account, row.source), []).append(row)
    found = []
    for (account, source), rows in sorted(known.items()):
        steady = max(rows, key=lambda row: row.days)
        last = max(row.last for row in rows)
        if steady.days >= PACE_DAYS_MIN:
            usual = (steady.last - steady.first) / (steady.days - 1)
            if now - last > max(PAUSES_MAX * usual, SILENCE_MIN):
                found.append(Silent(account, source, last, usual))
    return found


def of_silence(directory: Directory, found: Iterable[Silent], now: datetime) -> Iterator[Finding]:
    """Yield `source_silent`, once a source."""
    by_source: dict[str, list[Silent]] = {}
    for one in found:
        by_source.setdefault(one.source, []).append(one)
    for source, all_of_it in by_source.items():
        longest = min(all_of_it, key=lambda one: (one.last, one.account))
        days, pause = (now - longest.last) // _DAY, -(-longest.usual // _DAY)
        usual = "day" if pause == 1 else f"{pause} days"
        since = _day(directory, longest.account, longest.last)
        keys = [longest.account, *(o.account for o in all_of_it if o is not longest)]
        yield Finding(
            "source_silent",
            "problem",
            f"{source} has sent nothing for {named(keys)} since {since}: {days} days,"
            f" and used to send every {usual}.",
            "Ask who runs it whether it stopped; what is sent late is counted all the same.",
            longest.account,
        )


def named(keys: Sequence[str]) -> str:
    """Name some keys and say how many more there are."""
    more = len(keys) - _NAMED
    shown = ", ".join(keys[:_NAMED])
    return f"{shown} and {more} more" if more > 0 else shown


def order(finding: Finding) -> tuple[str, ...]:
    """Return what findings are sorted by: problems, then by code and what they are about."""
    about = (finding.account, finding.contract, finding.line, finding.subject, finding.field)
    rank = "0" if finding.severity == "problem" else "1"
    return (rank, finding.code, *(one or "" for one in about), finding.detail)


def _day(directory: Directory, account: str, at: datetime) -> date:
    """Return the local day of an account at an instant."""
    found = directory.account_at(account, at)
    return (found.calendar if found else Calendar()).day_of(at)
