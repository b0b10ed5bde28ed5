"""One line from both sides: what its accounts use together, and where each of them stands by its
own contracts of the same meters. Works nothing out itself; shows no amounts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Final

from tallybook.model.directory import Directory
from tallybook.model.ports import Events
from tallybook.model.position import Contribution, Position
from tallybook.model.quantity import EXACT
from tallybook.model.scope import Member, Scope
from tallybook.operations._compute import compute
from tallybook.operations.position import Instants, find_line, sees, whole
from tallybook.positions.hierarchy import members
from tallybook.positions.position import Known, beyond
from tallybook.positions.terms import Terms, terms

_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class PoolAccount:
    """One account of a pool: when it belongs to it within the period, what it brought and its
    share of the whole (a fraction), and where its own lines of the same meters stand.
    """

    account: str
    spans: tuple[tuple[datetime, datetime], ...]
    used: Decimal | None
    share: Decimal | None
    own: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class Pool:
    """A line and its accounts, the one that holds the contract first.

    `allotted` is what the accounts' own lines include together, `own_overage` the sum of what lies
    beyond each of them; both None where no account has a line of its own. Quantities are in the
    line's unit.
    """

    found: Position
    accounts: tuple[PoolAccount, ...]
    allotted: Decimal | None
    own_overage: Decimal | None

    @property
    def beyond_allotted(self) -> Decimal | None:
        """Return how much the use of all lies beyond the sum of their own allotments."""
        if self.allotted is None:
            return None
        return beyond(self.found.used or _ZERO, self.allotted)

    @property
    def left_of_allotted(self) -> Decimal | None:
        """Return how much of the sum of their own allotments the use of all has left."""
        if self.allotted is None:
            return None
        return beyond(self.allotted, self.found.used or _ZERO)


def pool(
    scope: Scope,
    directory: Directory,
    events: Events,
    found: Position,
    when: Instants,
    *,
    rollup: bool | None = None,
) -> Pool:
    """Return the accounts of a line, whose position `found` is, each with its own lines.

    An account's own line counts as its own contract says, in its own cycle that holds `when.at`;
    the pool counts an account's use only on the days on which it belongs to the tree. Own lines in
    another unit are left out, as are contracts that may not be seen.

    Raises:
        NotFound: as `operations.position.find_line`.
    """
    scope.require("read")
    key = (found.contract, found.line)
    line = find_line(scope, directory, key, when, rollup=rollup)
    period = found.period
    tree = members(directory, found.account, period.starts_at, period.ends_at, rollup=line.pooled)
    parts = {part.account: part for part in found.contributions}
    keys = list(dict.fromkeys([member.account for member in tree] + list(parts)))
    lines = [own for account in keys for own in _own(scope, directory, line, account, when)]
    known = Known(when.mark, when.refreshed_at)
    stand: dict[str, list[Position]] = {}
    for one in compute(whole(scope), directory, events, lines, known):
        if one.unit == found.unit:
            stand.setdefault(one.account, []).append(one)
    accounts = tuple(_account(account, tree, parts, stand) for account in keys)
    own = [one for account in accounts for one in account.own if one.allotment is not None]
    with localcontext(EXACT):
        return Pool(
            found,
            accounts,
            sum((one.allotment or _ZERO for one in own), _ZERO) if own else None,
            sum((one.overage for one in own), _ZERO) if own else None,
        )


def _own(
    scope: Scope, directory: Directory, line: Terms, account: str, when: Instants
) -> Sequence[Terms]:
    """Return the lines of an account's contracts that count by the same meters."""
    return [
        own
        for number in directory.contracts_of(account)
        if number != line.contract.number
        for own in terms(directory, number, when.at, when.now)
        if own.contract.account == account
        and own.item.meters == line.item.meters
        and sees(scope, own.contract, when.at)
    ]


def _account(
    account: str,
    tree: Sequence[Member],
    parts: dict[str, Contribution],
    stand: dict[str, list[Position]],
) -> PoolAccount:
    part = parts.get(account)
    return PoolAccount(
        account,
        tuple((member.start, member.end) for member in tree if member.account == account),
        part.used if part else _ZERO,
        part.share if part else _ZERO,
        tuple(sorted(stand.get(account, ()), key=lambda one: (one.contract, one.line))),
    )
