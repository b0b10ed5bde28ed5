"""The self-check of an account (GET /accounts/{key}/check): asks what came in for its tree, once or
twice however large it is, and gathers what the rules of `positions` find. Changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

from tallybook.model.directory import Directory
from tallybook.model.mark import Mark
from tallybook.model.nouns import Meter
from tallybook.model.ports import Events
from tallybook.model.scope import Member, Scope
from tallybook.model.time import FIRST_DAY, FIRST_INSTANT, Calendar
from tallybook.model.usage import Traffic, TrafficQuery
from tallybook.operations._shown import AMOUNTS
from tallybook.operations.position import Instants, reach
from tallybook.positions import self_check as rules
from tallybook.positions.agreement import agreement
from tallybook.positions.hierarchy import members
from tallybook.positions.self_check import Finding
from tallybook.positions.terms import Terms, terms

Area = Literal["hierarchy", "contracts", "meters", "sources", "events"]

#: How far back sources and events are looked for.
LOOKED_BACK_DAYS: Final = 90
#: Findings that are answered; the worst of them first.
FINDINGS_MAX: Final = 500
_LOOKED_BACK: Final = timedelta(days=LOOKED_BACK_DAYS)

#: By account and meter, when the newest event happened that the meter counts.
Newest = Mapping[tuple[str, str], datetime]


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """What was found, problems first, at most `FINDINGS_MAX` of them; `problems` and `notices`
    count all. `checked` is what was looked at, `since` how far back events were.
    """

    account: str
    accounts: int
    contracts: int
    lines: int
    since: datetime
    checked: tuple[Area, ...]
    findings: tuple[Finding, ...]
    problems: int
    notices: int
    known_at: Mark


@dataclass(frozen=True, slots=True)
class _Tree:
    """An account and all below it at an instant, with the contracts in force and their lines.

    `meters` are all that are defined, each as it last stood.
    """

    scope: Scope
    directory: Directory
    root: str
    accounts: tuple[str, ...]
    when: Instants
    calendar: Calendar
    contracts: tuple[str, ...]
    lines: tuple[Terms, ...]
    meters: tuple[Meter, ...]

    @property
    def day(self) -> date:
        return self.calendar.day_of(self.when.at)

    @property
    def since(self) -> datetime:
        """Return from when on events are looked at: a midnight."""
        days = max(self.day - FIRST_DAY, _LOOKED_BACK) - _LOOKED_BACK
        return self.calendar.start_of(FIRST_DAY + days)

    @property
    def period_start(self) -> datetime:
        """Return where the earliest period of what is pooled begins, else of any line."""
        lines = [line for line in self.lines if line.pooled] or self.lines
        month = self.calendar.start_of(self.day.replace(day=1))
        return min((line.period.starts_at for line in lines), default=month)


def self_check(
    scope: Scope, directory: Directory, events: Events, account: str, when: Instants
) -> SelfCheck:
    """Check an account and all below it, as it stands at an instant.

    Customers are told of their tree and of what they send, not of how the vendor set it up, nor of
    accounts above or beside it. Nobody is told a price.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `account_not_found`.
    """
    tree = _tree(scope, directory, account, when)
    found = sorted({*_of_definitions(tree), *_of_use(tree, events)}, key=rules.order)
    problems = sum(finding.severity == "problem" for finding in found)
    contracts: tuple[Area, ...] = ("contracts",) if scope.sees_reasons else ()
    return SelfCheck(
        account,
        len(tree.accounts),
        len(tree.contracts),
        len(tree.lines),
        tree.since,
        ("hierarchy", *contracts, "meters", "sources", "events"),
        tuple(found[:FINDINGS_MAX]),
        problems,
        len(found) - problems,
        when.mark,
    )


def _tree(scope: Scope, directory: Directory, root: str, when: Instants) -> _Tree:
    accounts = reach(scope, directory, root, when.at) or frozenset()
    owner = directory.account_at(root, when.at)
    owned = (number for key in sorted(accounts) for number in directory.contracts_of(key))
    numbers, lines = list[str](), list[Terms]()
    for number in dict.fromkeys(owned):
        agreed = agreement(directory, number)
        day = agreed.day_of(when.at)
        contract = None if day is None else agreed.on(day)
        if contract is not None and contract.account in accounts:
            numbers.append(number)
            lines += terms(directory, number, when.at, when.now)
    spans = (directory.spans("meter", key) for key in directory.keys("meter"))
    return _Tree(
        scope,
        directory,
        root,
        tuple(sorted(accounts)),
        when,
        owner.calendar if owner else Calendar(),
        tuple(numbers),
        tuple(lines),
        tuple(found[-1].noun for found in spans if found),
    )


def _of_definitions(tree: _Tree) -> Iterator[Finding]:
    """Yield what is odd in the tree itself, and for the vendor's people in its contracts."""
    directory, root, day = tree.directory, tree.root, tree.day
    spans = members(directory, root, tree.period_start, tree.when.at)
    seen = [span for span in spans if tree.scope.sees(span.account)]
    yield from rules.of_moves(directory, seen, root, tree.period_start, tree.when.at)
    yield from rules.of_tree(directory, root, tree.accounts, day)
    if not tree.scope.sees_reasons:
        return
    yield from rules.of_links(directory, tree.accounts, day)
    own = directory.contracts_of(root)
    for number in tree.contracts:
        for finding in rules.of_contract(directory, number, day, up=number in own):
            names_amount = not AMOUNTS.isdisjoint((finding.field or "").split("."))
            if tree.scope.sees_prices or not names_amount:
                yield finding


def _of_use(tree: _Tree, events: Events) -> Iterator[Finding]:
    """Yield what is odd in what came in."""
    now, accounts = tree.when.at, frozenset(tree.accounts)
    keys, known = [*tree.accounts], tree.directory.ever("account")
    if tree.scope.accounts is None:
        keys += sorted({like for key in keys for like in rules.alike(key)} - {*known})
    sent = _sent(tree, events, keys, tree.since, _meters_of(tree.lines))
    inside = [row for row in sent if row.account in accounts]
    yield from rules.of_silence(tree.directory, rules.silent(inside, now), now)
    yield from rules.of_events(inside, {meter.event_type for meter in tree.meters})
    yield from rules.of_strangers([row for row in sent if row.account not in accounts], accounts)
    yield from _of_lines(tree, events, inside)


def _of_lines(tree: _Tree, events: Events, sent: Iterable[Traffic]) -> Iterator[Finding]:
    """Yield the lines whose meters counted nothing in the period, or never anything."""
    newest = _newest(sent, _meters_of(tree.lines))
    known = dict[tuple[str, bool], tuple[str, ...]]()
    for line in tree.lines:
        key = (line.contract.account, line.pooled)
        if key not in known:
            known[key] = tuple({member.account for member in line.members(tree.directory, 0)})
    quiet = [
        line
        for line in tree.lines
        if tree.when.at - line.period.starts_at >= rules.SILENCE_MIN
        and any(
            rules.is_unused(line, _last(newest, meter, known[line.contract.account, line.pooled]))
            for meter in line.meters
        )
    ]
    if not quiet:
        return
    meters = _meters_of(quiet)
    keys = sorted({key for line in quiet for key in known[line.contract.account, line.pooled]})
    ever = _newest(_sent(tree, events, keys, FIRST_INSTANT, meters), meters)
    for line in quiet:
        for meter in line.meters:
            last = _last(ever, meter, known[line.contract.account, line.pooled])
            if rules.is_unused(line, last):
                yield rules.of_line(line, meter, last)


def _sent(
    tree: _Tree, events: Events, keys: Iterable[str], start: datetime, followed: tuple[Meter, ...]
) -> list[Traffic]:
    """Return what came in for accounts until now."""
    end = tree.when.at
    asked = tuple(Member(key, start, end) for key in keys)
    read_by = tree.meters if start == tree.since else ()
    query = TrafficQuery(asked, start, end, tree.when.mark.seq, followed, read_by)
    return events.traffic(tree.scope, query)


def _meters_of(lines: Iterable[Terms]) -> tuple[Meter, ...]:
    return tuple({meter.key: meter for line in lines for meter in line.meters}.values())


def _newest(sent: Iterable[Traffic], followed: tuple[Meter, ...]) -> Newest:
    found: dict[tuple[str, str], datetime] = {}
    for row in sent:
        for meter, at in zip(followed, row.newest, strict=True):
            key = (row.account, meter.key)
            if at is not None and at > found.get(key, FIRST_INSTANT):
                found[key] = at
    return found


def _last(newest: Newest, meter: Meter, accounts: Iterable[str]) -> datetime | None:
    found = (newest.get((account, meter.key)) for account in accounts)
    return max((at for at in found if at is not None), default=None)
