"""Contracts that end when so much is used: the day on which the meter groups that count reach the
contract's `expiration_quantity` is its last. Counts nothing itself.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from tallybook.positions.agreement import Agreement, Stretch
from tallybook.positions.items import ZERO
from tallybook.positions.needs import Need, Uses

_DAY: Final = timedelta(days=1)


def expiry_needs(agreement: Agreement, end: date) -> tuple[Need, ...]:
    """Return what has to be counted to know whether a contract has ended before a day: the use of
    each day, for each run of days with the same groups. Nothing for a contract that cannot.
    """
    return tuple(need for _, found in _runs(agreement, end) for need in found)


def expired(agreement: Agreement, end: date, uses: Uses) -> Agreement:
    """Return a contract as far as its quantity goes: cut after the day that reaches it."""
    used = ZERO
    for stretch, found in _runs(agreement, end):
        limit = stretch.terms.expiration_quantity
        for i in range((stretch.end - stretch.start).days):
            here = sum((uses[need][i].quantity for need in found), ZERO)
            if limit is not None and used + here >= limit:
                return _until(agreement, stretch.start + (i + 1) * _DAY)
        used += sum((uses[need][-1].quantity for need in found), ZERO)
    return agreement


def _runs(agreement: Agreement, end: date) -> Iterator[tuple[Stretch, list[Need]]]:
    if all(stretch.terms.expiration_quantity is None for stretch in agreement.stretches):
        return
    for stretch in agreement.between(agreement.stretches[0].start, end):
        days = (stretch.end - stretch.start).days
        ends = tuple(agreement.start_of(stretch.start + (i + 1) * _DAY) for i in range(days))
        start = agreement.start_of(stretch.start)
        terms = stretch.terms
        counted = [group for group in terms.meter_groups if group.counts_to_expiration]
        pooled = terms.pooling != "none"
        yield (
            stretch,
            [
                Need(meter, stretch.end - _DAY, terms.account, pooled, start, ends)
                for group in counted
                for meter in group.meters
            ],
        )


def _until(agreement: Agreement, end: date) -> Agreement:
    return replace(agreement, stretches=tuple(agreement.between(agreement.stretches[0].start, end)))
