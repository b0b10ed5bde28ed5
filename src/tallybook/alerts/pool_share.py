"""Check `pool.share`: whether a pool is nearly used, or one account takes much of it."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import chain

from tallybook.alerts._lines import available, found, lines, reached, until
from tallybook.alerts._statements import share as percent
from tallybook.alerts._terms import Agreed, in_force, over, terms_of
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.position import Position
from tallybook.model.quantity import EXACT
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Share of a pool"
FINDS = "Pools of a tree of accounts that are nearly used, and accounts that take much of one."
TIPS = ("What each account brought to a pool stands on the page of its line.",)
_POOL = "Of the pool used by all, in percent, each said once a period."
_SHARE = "Of the pool used by one account, in percent."
_SHARES = (Decimal(80), Decimal(100))
VARIABLES = (
    Variable("thresholds", "list", "Shares of the pool", _POOL, _SHARES, of="percent", minimum=0),
    Variable("share", "percent", "One account's share", _SHARE, Decimal(50), minimum=Decimal(0)),
)
COLUMNS = (
    Column("threshold", "Share reached", "quantity"),
    Column("member", "Account"),
    Column("used", "Used", "quantity"),
    Column("allotment", "Pool", "quantity"),
    Column("percent_used", "Of the pool", "percent"),
)
FINGERPRINT = ("threshold", "allotment", "member")
POLICY: RepeatPolicy = "once_per_threshold_per_period"
SCHEDULE: Preset = "daily"
RELATED = ("allotment.threshold",)


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield the shares that pools have met, and each of their accounts with used ÷ pool of `share`
    % at least. The pool is what is available to the whole tree of a contract's account.
    """
    contracts = {one.number: one for one in chain(in_force(view), over(view)) if _ever(one)}
    for position in lines(view, with_ended=True) if contracts else ():
        if isinstance(position, Unjudged):
            one = contracts.get(position.entity.rpartition("/")[0])
            if one is not None and one.terms.pooling != "none":
                yield position
        else:
            one = contracts.get(position.contract)
            if one is not None and terms_of(one, position).pooling != "none":
                yield from reached(position, values["thresholds"], "the pool", member=None)
                yield from _members(position, values["share"])


def _ever(one: Agreed) -> bool:
    """Tell whether a contract has ever been for a tree of accounts."""
    return any(stretch.terms.pooling != "none" for stretch in one.agreed.stretches)


def _members(position: Position, share: Decimal) -> Iterator[Found]:
    pool, accounts = available(position), {one.account for one in position.contributions}
    if not pool or accounts == {position.account}:
        return
    for one in position.contributions:
        used = one.used or Decimal(0)
        if EXACT.multiply(used, Decimal(100)) >= EXACT.multiply(pool, share):
            part = percent(used, pool)
            made = found(
                position,
                "share",
                f"{one.account} alone has used {part:.0f} % of the pool{until(position)}.",
                {"threshold": share, "allotment": position.allotment, "member": one.account},
                {"used": used, "percent_used": part / 100},
                step=f"{share.normalize():f}",
            )
            yield replace(made, entity=f"{made.entity} {one.account}")
