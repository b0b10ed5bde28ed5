"""What late facts, corrections and amendments change in closed statements, as lines on a later one.
Knows no store and no price: sums by charge in, differences out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from typing import Final, get_args

from tallybook.model.quantity import EXACT
from tallybook.model.statement import Adjustment, Charge, ChargeKind

#: What makes a charge the same one in every statement.
ChargeKey = tuple[ChargeKind, str]

_ORDER: Final[tuple[ChargeKind, ...]] = get_args(ChargeKind)
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Settled:
    """What a closed statement said: its own charges, the adjustments it carried, and what it took
    of each credit. It is known by its first day; a later version may cut the days otherwise.
    """

    start: date
    end: date
    charges: Mapping[ChargeKey, Decimal]
    adjustments: tuple[Adjustment, ...]
    credits: Mapping[str, Decimal]
    subtotal: Decimal


def by_charge(charges: Iterable[Charge]) -> dict[ChargeKey, Decimal]:
    """Add up charges that are the same one."""
    sums: dict[ChargeKey, Decimal] = {}
    with localcontext(EXACT):
        for charge in charges:
            key = charge.kind, charge.code
            sums[key] = sums.get(key, _ZERO) + charge.amount
    return sums


def adjustments(
    closed: Iterable[Settled], recomputed: Mapping[date, Mapping[ChargeKey, Decimal]]
) -> tuple[Adjustment, ...]:
    """Return recomputed - (closed + earlier adjustments) for each charge of each closed statement,
    where it is not 0, in order of period, kind and code.

    `recomputed` is by first day. A closed period that is there no longer, as a later version cuts
    the days otherwise, comes to nothing, and all it said is taken back.
    """
    known = list(closed)
    with localcontext(EXACT):
        sums: dict[tuple[date, ChargeKey], Decimal] = {}
        for one in known:
            for key, amount in recomputed.get(one.start, {}).items():
                _add(sums, (one.start, key), amount)
            for key, amount in one.charges.items():
                _add(sums, (one.start, key), -amount)
            for said in one.adjustments:
                _add(sums, (said.period_start, (said.kind, said.code)), -said.amount)
    order = sorted(sums, key=lambda place: (place[0], _ORDER.index(place[1][0]), place[1][1]))
    return tuple(
        Adjustment(start, kind, code, amount)
        for start, (kind, code) in order
        if (amount := sums[start, (kind, code)])
    )


def _add(
    sums: dict[tuple[date, ChargeKey], Decimal], place: tuple[date, ChargeKey], amount: Decimal
) -> None:
    sums[place] = sums.get(place, _ZERO) + amount
