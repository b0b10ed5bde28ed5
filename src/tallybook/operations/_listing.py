"""Lists of positions worked out on the spot: the snapshot's filters, sorts and totals in Python,
for past instants and marks that no snapshot holds.
"""

from collections.abc import Iterable
from decimal import Decimal, localcontext
from typing import Any, Final

from tallybook.model.ports import SnapshotPage, SnapshotQuery, SnapshotState
from tallybook.model.position import Position, Total
from tallybook.model.quantity import EXACT

_ZERO: Final = Decimal(0)
_FLAGS: Final = ("likely_over", "low_use")


def listed(
    positions: Iterable[Position], query: SnapshotQuery, state: SnapshotState
) -> SnapshotPage:
    """Return the page that a snapshot of these positions would return."""
    any_state = [found for found in positions if _matches(found, query)]
    found = [p for p in any_state if not query.states or query.states & _states(p)]
    found.sort(
        key=lambda p: (_sort_key(p, query.sort), p.contract, p.line), reverse=query.descending
    )
    counts = {"all": len(any_state)}
    for one in any_state:
        for state_of in _states(one):
            counts[state_of] = counts.get(state_of, 0) + 1
    page = found[query.offset : query.offset + query.limit]
    return SnapshotPage(tuple(page), len(found), counts, _totals(found), state)


def _matches(found: Position, query: SnapshotQuery) -> bool:
    if query.accounts is not None and found.account not in query.accounts:
        return False
    for name in ("contract", "service", "branch", "csm"):
        wanted = getattr(query, name)
        if wanted is not None and getattr(found, name) != wanted:
            return False
    names = (found.account_name, found.account, found.contract, found.line, found.service)
    return not query.text or query.text.casefold() in "\n".join(names).casefold()


def _states(found: Position) -> frozenset[Any]:
    return frozenset({found.status, *(flag for flag in _FLAGS if getattr(found, flag))})


def _sort_key(found: Position, sort: str) -> tuple[bool, Any]:
    if sort == "projected":
        value: Any = _projected(found)
    elif sort == "projected_overage":
        value = found.forecast.projected_overage
    else:
        value = getattr(found, "account_name" if sort == "account" else sort)
    return value is not None, value if value is not None else 0


def _projected(found: Position) -> Decimal | None:
    return found.used if found.forecast.projected is None else found.forecast.projected


def _totals(positions: Iterable[Position]) -> tuple[Total, ...]:
    groups: dict[tuple[str, str, str], list[Position]] = {}
    for one in positions:
        groups.setdefault((one.service, one.unit, one.currency), []).append(one)
    return tuple(_total(*key, groups[key]) for key in sorted(groups))


def _total(service: str, unit: str, currency: str, lines: list[Position]) -> Total:
    ahead = [one.forecast for one in lines]
    costs = [
        one.amount if one.forecast.projected_amount is None else one.forecast.projected_amount
        for one in lines
    ]
    return Total(
        service,
        unit,
        currency,
        len(lines),
        used=_sum(one.used for one in lines),
        allotment=_sum(one.allotment for one in lines),
        overage=_sum(one.overage for one in lines),
        projected=_sum(_projected(one) for one in lines),
        projected_overage=_sum(one.projected_overage for one in ahead),
        amount=_sum(one.amount for one in lines),
        overage_amount=_sum(one.overage_amount for one in lines),
        projected_amount=_sum(costs),
    )


def _sum(values: Iterable[Decimal | None]) -> Decimal:
    with localcontext(EXACT):
        return sum((value for value in values if value is not None), _ZERO)
