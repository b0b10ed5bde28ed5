"""The statement of a billing period, said a second time: charges, discounts, commitments, credits,
each as the rules of calculation have it, in exact fractions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property
from math import floor
from typing import Any

from tests.oracle.charges import Metered, base_amount
from tests.oracle.days import iso
from tests.oracle.prices import ZERO, number, rounded
from tests.oracle.terms import Agreement, Cycle, Day, cycles
from tests.oracle.world import World

Document = Mapping[str, Any]
#: Fraction digits of the currencies that tests use.
DIGITS = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}


@dataclass
class Line:
    """What a line or meter group used, what of it is billable, and what it comes to."""

    quantity: Fraction
    billable: Fraction
    amount: Fraction


@dataclass
class Statement:
    """All that a contract comes to in one billing period; taken away is negative."""

    start: date
    end: date
    lines: dict[str, Line] = field(default_factory=dict)
    groups: dict[str, Line] = field(default_factory=dict)
    base: dict[str, Fraction] = field(default_factory=dict)
    discounts: dict[str, Fraction] = field(default_factory=dict)
    commitments: dict[str, Fraction] = field(default_factory=dict)
    credits: dict[str, Fraction] = field(default_factory=dict)
    #: What the discounts take from each charge.
    shares: dict[str, Fraction] = field(default_factory=dict)

    @property
    def charges(self) -> dict[str, Fraction]:
        """Return lines, groups and base charges in the order in which a statement lists them."""
        metered = {**self.lines, **self.groups}
        return {code: line.amount for code, line in metered.items()} | self.base

    @property
    def spend(self) -> Fraction:
        """Return what counts towards a commitment."""
        return sum(self.charges.values(), ZERO) + sum(self.discounts.values(), ZERO)

    @property
    def subtotal(self) -> Fraction:
        return self.spend + sum(self.commitments.values(), ZERO)

    @property
    def total(self) -> Fraction:
        return self.subtotal - sum(self.credits.values(), ZERO)


class Oracle:
    """Works out every statement of a contract from its first day on."""

    def __init__(self, world: World, contract: str, until: date) -> None:
        """Look at days up to `until`, which must lie well past the last period asked for."""
        self.agreement = Agreement(world, contract, until)
        days = self.agreement.days
        self._lines = {c: Metered(self.agreement, c) for c in _names(days, "lines", "code")}
        self._groups = {c: Metered(self.agreement, c) for c in _names(days, "meter_groups")}

    def statements(self, until: date) -> list[Statement]:
        """Return the statements of the periods that begin before a day, in order."""
        made: list[Statement] = []
        for period in self.agreement.periods:
            if period.first >= until:
                break
            statement = self._charges(period)
            self._discount(statement, period.days[-1])
            made.append(statement)
            self._commit(made, period)
            self._draw(made, period)
        return made

    @cached_property
    def _digits(self) -> int:
        version = self.agreement.days[-1].version
        account = self.agreement.world.account(version["account"])
        return DIGITS[version.get("currency") or account["currency"]]

    def _rounded(self, amount: Fraction) -> Fraction:
        return rounded(amount, self._digits)

    def _charges(self, period: Cycle) -> Statement:
        """Each charge is rounded once."""
        found = Statement(period.first, period.last)
        for code in _names(period.days, "lines", "code"):
            line = self._lines[code]
            quantity, billable = line.quantities(period)
            found.lines[code] = Line(quantity, billable, self._rounded(line.amount(period)))
        for name in _names(period.days, "meter_groups"):
            group = self._groups[name]
            quantity, billable = group.quantities(period)
            found.groups[name] = Line(quantity, billable, self._rounded(group.settled(period)))
        for name in _names(period.days, "base_charges"):
            found.base[name] = self._rounded(base_amount(self.agreement, name, period))
        return found

    def _discount(self, statement: Statement, day: Day) -> None:
        """In order, each of what is left; the terms of the last day decide."""
        left = statement.charges
        for discount in day.terms["discounts"]:
            named = discount.get("lines")
            meant = [c for c in (left if named is None else named) if c in left]
            whole = max(ZERO, sum((left[code] for code in meant), ZERO))
            if discount.get("percent") is not None:
                less = self._rounded(whole * number(discount["percent"]) / 100)
            else:
                less = min(self._rounded(number(discount["amount"])), whole)
            statement.discounts[discount["name"]] = -less
            weights = {code: max(ZERO, left[code]) for code in meant}
            for code, part in split(less, weights, self._digits).items():
                left[code] -= part
                statement.shares[code] = statement.shares.get(code, ZERO) + part

    def _commit(self, made: Sequence[Statement], period: Cycle) -> None:
        """What is missing to the least spend of a cycle is due where its last day lies."""
        for name in _names(period.days, "commitments"):
            days = [d for d in self.agreement.days if d.find("commitments", name)]
            for cycle in cycles(days, lambda d: d.find("commitments", name)):  # noqa: B023 - used at once
                if not period.first <= cycle.last <= period.last:
                    continue
                terms = cycle.days[-1].find("commitments", name) or {}
                share = Fraction(len(cycle.days), cycle.length) if terms.get("prorate") else 1
                within = [s for s in made if cycle.first <= s.end <= cycle.last]
                missing = number(terms["amount"]) * share - sum((s.spend for s in within), ZERO)
                held = made[-1].commitments.get(name, ZERO)
                made[-1].commitments[name] = held + self._rounded(max(ZERO, missing))

    def _draw(self, made: Sequence[Statement], period: Cycle) -> None:
        """Credits in order of their last day; each gives what is left of it and of the subtotal."""
        due = max(ZERO, made[-1].subtotal)
        listed = period.days[-1].version.get("credits") or []
        for credit in sorted(listed, key=lambda c: c.get("valid_to") or "9999-12-31"):
            first, last = credit.get("valid_from"), credit.get("valid_to")
            begins = first is None or iso(first) <= period.last
            if not begins or (last is not None and iso(last) < period.first):
                continue
            taken = sum((s.credits.get(credit["name"], ZERO) for s in made), ZERO)
            balance = max(ZERO, number(credit["amount"]) - taken)
            given = Fraction(floor(min(balance, due) * 10**self._digits), 10**self._digits)
            made[-1].credits[credit["name"]] = given
            due -= made[-1].credits[credit["name"]]


def split(amount: Fraction, weights: Mapping[str, Fraction], digits: int) -> dict[str, Fraction]:
    """Split an amount by largest remainder in minor units; of a tie the first named goes first."""
    whole = sum(weights.values(), ZERO)
    if not whole:
        return dict.fromkeys(weights, ZERO)
    unit = Fraction(1, 10**digits)
    exact = {code: amount * weight / whole / unit for code, weight in weights.items()}
    shares = {code: Fraction(floor(share)) for code, share in exact.items()}
    missing = int(amount / unit - sum(shares.values(), ZERO))
    for code in sorted(exact, key=lambda c: shares[c] - exact[c])[:missing]:
        shares[code] += 1
    return {code: share * unit for code, share in shares.items()}


def _names(days: Sequence[Day], part: str, key: str = "name") -> list[str]:
    return list(dict.fromkeys(item[key] for day in days for item in day.terms[part]))
