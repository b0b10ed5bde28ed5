"""Allotments that a pool gathers: with `sum_of_children` what all contracts of an account's tree
allot of the same meter, beside the line's own. Counts no use.
"""

from datetime import date
from decimal import Decimal
from typing import Final

from tallybook.model.directory import Directory
from tallybook.positions.agreement import Agreement, agreement
from tallybook.positions.hierarchy import members
from tallybook.positions.items import ZERO, Item, Turn, allotment, cut, items, segments, turns

_POOLED: Final = "sum_of_children"


def with_pool(directory: Directory, own: Agreement, turn: Turn[Item]) -> Turn[Item]:
    """Return a cycle with what the other contracts of the tree allot in its days, if they count."""
    item = turn.segments[-1].item
    if item.pooling != _POOLED or len(item.meters) != 1:
        return turn
    tree = members(
        directory, item.account, own.start_of(turn.start), own.start_of(turn.end), rollup=True
    )
    gathered = ZERO
    for member in tree:
        start = own.calendar_on(turn.start).day_of(member.start)
        end = own.calendar_on(turn.start).day_of(member.end)
        for number in directory.contracts_of(member.account):
            if number != own.number:
                gathered += _allotted(directory, number, item.meters[0], start, end)
    return turn._replace(pooled=gathered)


def _allotted(directory: Directory, number: str, meter: str, start: date, end: date) -> Decimal:
    """Return what a contract allots of a meter on the days of [start, end)."""
    other = agreement(directory, number)
    whole = ZERO
    for known in segments(other, items).values():
        for turn in turns(other, known, start, end):
            inside = tuple(
                part for part in cut(turn.segments, start, end) if part.item.meters == (meter,)
            )
            if inside:
                whole += allotment(turn._replace(segments=inside))
    return whole
