"""The panel of a pool: the pool's view and the accounts' own, side by side, and why they differ.
Adds up only what `operations.pool` found.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, localcontext
from typing import Final

from tallybook.model.directory import Directory
from tallybook.model.pages import line_page
from tallybook.model.position import Position
from tallybook.model.quantity import EXACT
from tallybook.operations.pool import Pool, PoolAccount
from tallybook.operations.portfolio import available
from tallybook.web.pages import format as words
from tallybook.web.pages.account_view import PoolPanel, PoolRow
from tallybook.web.pages.charted import LinkTo
from tallybook.web.pages.view import Fact

_ZERO: Final = Decimal(0)
_ROWS_SHOWN: Final = 25
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Difference:
    """From what lies beyond the own contracts to where the pool stands, all in one unit:
    over − left + outside + apart = stands.

    `over` and `left` are sums over the own lines with an allotment, `outside` is use that none of
    them counted, `apart` by how much they include more than the pool. `stands` below 0 is left.
    """

    over: Decimal
    left: Decimal
    outside: Decimal
    apart: Decimal
    stands: Decimal


def panel(made: Pool, directory: Directory, link: LinkTo) -> PoolPanel:
    """Return the panel of a pool; its accounts lead to their own lines, else to their own use."""
    used = [one for one in made.accounts if one.used or one.own]
    largest = sorted(used, key=lambda one: -(one.used or _ZERO))
    rows = tuple(_row(one, made, directory, link) for one in largest[:_ROWS_SHOWN])
    return PoolPanel(tuple(_facts(made)), _why(made), rows, _rest(made, largest[_ROWS_SHOWN:]))


def difference(made: Pool) -> Difference | None:
    """Say how the two views come from each other; None where one of them has no allotment."""
    found = made.found
    own = [line for one in made.accounts for line in one.own if line.remaining is not None]
    if not own or found.remaining is None:
        return None
    with localcontext(EXACT):
        over = sum((line.overage for line in own), _ZERO)
        left = sum((line.remaining or _ZERO for line in own), _ZERO)
        counted = sum((line.used or _ZERO for line in own), _ZERO)
        used = found.used or _ZERO
        stands = found.overage - found.remaining
        included = used - stands
        return Difference(over, left, used - counted, counted - over + left - included, stands)


def _facts(made: Pool) -> Iterable[Fact]:
    found = made.found
    used = words.number(found.used)
    if found.remaining is None:
        yield Fact("The pool", f"{used} {found.unit}", "no allotment")
    else:
        stands = _stands(found.overage, found.remaining)
        yield Fact("The pool", stands, f"{used} of {words.number(available(found))}")
    if made.own_overage is None:
        return
    yield Fact("Each by its own contract", f"{words.number(made.own_overage)} over", "in sum")
    beyond, left = made.beyond_allotted or _ZERO, made.left_of_allotted or _ZERO
    allotted = words.number(made.allotted)
    yield Fact("All by the sum of theirs", _stands(beyond, left), f"{used} of {allotted}")


def _stands(over: Decimal, left: Decimal) -> str:
    if over:
        return f"{words.number(over)} over"
    return f"0 over, {words.number(left)} left"


def _why(made: Pool) -> str:
    """Say why the views differ: each by its own figure, so that they can be added up."""
    if made.own_overage is None:
        return "No account has a line of its own here, so the pool's view is the only one."
    found = difference(made)
    if found is None:
        return "The pool has no allotment: only the accounts' own contracts say what is too much."
    if found.over == made.found.overage and not (found.left and made.found.overage):
        same = "Both views come to the same overage."
        return same if not found.apart else f"{same} {_apart(found.apart)}"
    terms = [f"{words.number(found.over)} over by their own contracts"]
    if found.left:
        terms.append(f"less {words.number(found.left)} that is left in them and that others use")
    if found.apart > 0:
        terms.append(f"plus {words.number(found.apart)} that they include more than the pool")
    elif found.apart < 0:
        terms.append(f"less {words.number(-found.apart)} that the pool includes more than they")
    if found.outside > 0:
        terms.append(f"plus {words.number(found.outside)} used without a line of one's own")
    elif found.outside < 0:
        terms.append(f"less {words.number(-found.outside)} that only their own lines count")
    way = "over" if found.stands > 0 else "left"
    return (
        f"Why they differ: {', '.join(terms)}: {words.number(abs(found.stands))} {way} in the pool."
    )


def _apart(apart: Decimal) -> str:
    if apart > 0:
        return f"Their own contracts include {words.number(apart)} more than the pool."
    return f"The pool includes {words.number(-apart)} more than their own contracts."


def _rest(made: Pool, others: Sequence[PoolAccount]) -> str:
    """Say what the accounts used that have no row: nothing, or little."""
    idle = sum(not (one.used or one.own) for one in made.accounts)
    said = []
    if others:
        with localcontext(EXACT):
            used = sum((one.used or _ZERO for one in others), _ZERO)
        count = words.plural(len(others), "other account", "other accounts")
        said.append(f"{count} used {words.number(used)} {made.found.unit}.")
    if idle:
        said.append(f"{words.plural(idle, 'account', 'accounts')} used nothing.")
    return " ".join(said)


def _row(one: PoolAccount, made: Pool, directory: Directory, link: LinkTo) -> PoolRow:
    account, found = directory.account(one.account), made.found
    without = "" if made.own_overage is None else "no line of its own"
    return PoolRow(
        account.title if account else one.account,
        line_page(one.own[0].contract, one.own[0].line)
        if one.own
        else link(account=one.account, view=None),
        one.used or _ZERO,
        None if one.share is None else one.share * 100,
        "; ".join(_own(line, one.used or _ZERO) for line in one.own)
        or ("holds the pool's contract" if one.account == found.account else without),
        _belongs(one, found, directory),
    )


def _own(line: Position, used: Decimal) -> str:
    if line.remaining is None:
        said = f"{line.contract} has no limit"
    else:
        stands = (
            f"{words.number(line.overage)} over"
            if line.overage
            else f"{words.number(line.remaining)} left"
        )
        said = f"{stands} of its own {words.number(line.allotment)}"
    counted = line.used or _ZERO
    return said if counted == used else f"{said}, which counts {words.number(counted)}"


def _belongs(one: PoolAccount, found: Position, directory: Directory) -> str:
    """Say when an account belongs to the pool, where that is not the whole period."""
    whole = (found.period.starts_at, found.period.ends_at)
    if one.account == found.account or not one.spans or one.spans == (whole,):
        return ""
    said: list[Sequence[str]] = []
    for start, end in one.spans:
        account = directory.account_at(one.account, start)
        if account is None:
            continue
        days = account.calendar.day_of
        first = [f"from {words.day(days(start))}"] if start > whole[0] else []
        last = [f"until {words.day(days(end) - _DAY)}"] if end < whole[1] else []
        said.append(first + last)
    return "in the pool " + " and ".join(" ".join(span) for span in said)
