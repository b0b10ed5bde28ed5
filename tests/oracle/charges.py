"""What the lines, meter groups and base charges of a contract come to, said a second time: shares
of allotments, free quantities, minimums and flat charges are added up day by day.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from math import ceil, floor
from typing import Any

from tests.oracle.days import DAY
from tests.oracle.prices import ZERO, Piece, beyond, charge, number, raise_rate, raised, rounded
from tests.oracle.terms import Agreement, Cycle, Day, cycles, plan_of
from tests.oracle.world import aggregate, within

Document = Mapping[str, Any]
#: A quantity that was divided has so many places.
PLACES = 12


@dataclass
class Rise:
    """A line from one instant that cuts its cycle to the next: `day` is the last before it."""

    day: Day
    quantity: Fraction
    billable: Fraction
    amount: Fraction


@dataclass
class LineCycle:
    """One cycle of a line: what was included, what it used in all, and how the charge rose."""

    cycle: Cycle
    allotment: Fraction
    rolled: Fraction
    free: Fraction
    rises: list[Rise] = field(default_factory=list)

    @property
    def included(self) -> Fraction:
        """Return what is used before anything is billable."""
        return self.free + self.allotment + self.rolled


class Metered:
    """A line, or a meter group as a line, through all of its cycles."""

    def __init__(self, agreement: Agreement, code: str) -> None:
        """Follow it from its first day on, for what is left of a cycle goes on to the next."""
        self.agreement, self.code = agreement, code
        self.terms = lines_on(agreement.days, code)
        self.days = [day for day in agreement.days if day.date in self.terms]
        self.period_ends = {period.last for period in agreement.periods}
        self.cycles: list[LineCycle] = []
        held: list[tuple[int, Fraction]] = []
        owed = ZERO
        for cycle in cycles(self.days, self._own):
            allotment, last = self._allotment(cycle), self.terms[cycle.last]
            rolled = sum((left for _, left in held), ZERO) - min(owed, allotment)
            lived = LineCycle(cycle, allotment, rolled, self._free(cycle))
            self.cycles.append(lived)
            self._rise(lived)
            used = self._quantity(cycle.days, limited_only=True)
            held = what_is_left(held, allotment, max(ZERO, used - lived.free), last)
            rolls = (last.get("group") or {}).get("overage_method") == "roll_forward"
            owed = max(ZERO, used + owed - allotment) if rolls else ZERO

    def _own(self, day: Day) -> Document | None:
        """The allotment's cycle where it has one, else the billing cycle."""
        return _allotment_of(self.terms[day.date])

    def _free(self, cycle: Cycle) -> Fraction:
        """F: each day of the line in the cycle brings its share of the free quantity."""
        free = _sum(self.terms[d.date].get("free_quantity") for d in cycle.days)
        return rounded(free / len(cycle.days), PLACES)

    def _allotment(self, cycle: Cycle) -> Fraction:
        """A: each day of the line brings its share of the days of the uncut cycle."""
        total = ZERO
        own: list[str | None] = []
        for day in cycle.days:
            quantity = (_allotment_of(self.terms[day.date]) or {}).get("quantity")
            if quantity is not None and day.version.get("pooling") == "sum_of_children":
                total += self._pool(day)
            else:
                own.append(quantity)
        return rounded(total + _sum(own) / cycle.length, PLACES)

    def _pool(self, day: Day) -> Fraction:
        """What the contracts of the tree's accounts bring on a day, each by its line's cycle."""
        world, root = self.agreement.world, day.version["account"]
        meters, total = self.terms[day.date]["meters"], ZERO
        for theirs in self.agreement.contracts_on(day.date):
            if not world.below_on(theirs.version["account"], root, day.date):
                continue
            for line in theirs.terms["lines"]:
                own = _allotment_of(line)
                if [line.get("meter")] == meters and own and own.get("quantity") is not None:
                    _, start, end = next(plan_of(theirs.version, own).cycles(day.date))
                    total += number(own["quantity"]) / (end - start).days
        return total

    def _rise(self, lived: LineCycle) -> None:
        """The running charge rises over the instants that cut the cycle: the ends of its days, of
        those with the same terms and of billing periods. The first rise is the whole charge.
        """
        days = lived.cycle.days
        counted = ZERO
        before: list[Day] | None = None
        for i, day in enumerate(days):
            if i + 1 < len(days) and not self._is_cut(day, days[i + 1]):
                continue
            until = days[: i + 1]
            price = self._price(day, lived.cycle)
            quantity, billable, amount = self._running(lived, price, until)
            known = (ZERO, ZERO, ZERO)
            if before is not None:
                known = self._running(lived, price, before)
            if _is_unlimited(self.terms[day.date]):  # nothing is priced, not even a flat amount
                amount, known = ZERO, (*known[:2], ZERO)
            rise = (quantity - counted, billable - known[1], amount - known[2])
            lived.rises.append(Rise(day, *rise))
            counted = quantity
            if not _is_unlimited(self.terms[day.date]):
                before = until

    def _is_cut(self, day: Day, following: Day) -> bool:
        same = (
            day.says_as(following)
            or (
                self.terms[day.date] == self.terms[following.date]
                and day.terms["rate_schedules"] == following.terms["rate_schedules"]
            )
        ) and day.date + DAY == following.date
        return not same or day.date in self.period_ends

    def _running(
        self, lived: LineCycle, price: Document | None, until: list[Day]
    ) -> tuple[Fraction, Fraction, Fraction]:
        """Return the quantity, what of it is billable, and what that costs, up to a day."""
        used = self._quantity(until, limited_only=True)
        billable = max(ZERO, used - lived.included)
        pieces = beyond(self._pieces(until), lived.included) if _by_event(price) else []
        amount = charge(price, billable, pieces)
        return self._quantity(until, limited_only=False), billable, amount

    def _quantity(self, days: list[Day], *, limited_only: bool) -> Fraction:
        """q: the aggregate over the line's days, over each run of days that count alike; then
        converted. Use on days with an unlimited allotment is counted but never billable: by as
        much as it raised q.
        """
        total = ZERO
        for run in runs(days, self._counted_as):
            known = ZERO
            for i, day in enumerate(run):
                unlimited = _is_unlimited(self.terms[day.date])
                if i + 1 < len(run) and unlimited == _is_unlimited(self.terms[run[i + 1].date]):
                    continue
                now = self._running_use(run[: i + 1])
                if not (limited_only and unlimited):
                    total += now - known
                known = now
        return total

    def _counted_as(self, day: Day) -> tuple[Any, ...]:
        line = self.terms[day.date]
        return line["meters"], line.get("conversion"), _is_pooled(day), day.version["account"]

    def _running_use(self, run: list[Day]) -> Fraction:
        """The sum of the meters over days in a row, in the line's unit."""
        spans, total = self.agreement.spans(run), ZERO
        for meter in self.terms[run[0].date]["meters"]:
            events = self._events(meter, run[0])
            total += aggregate(self.agreement.world.meters[meter], events, spans, spans[-1][1])
        return converted(total, self.terms[run[0].date].get("conversion"))

    def _pieces(self, days: list[Day]) -> list[Piece]:
        """Return the events of the line one by one, in order of (time, id)."""
        limited = [d for d in days if not _is_unlimited(self.terms[d.date])]
        pieces: list[Piece] = []
        for run in runs(limited, self._counted_as):
            spans = self.agreement.spans(run)
            meters = self.terms[run[0].date]["meters"]
            events = [e for meter in meters for e in self._events(meter, run[0])]
            pieces += [event.piece for event in within(events, spans, spans[-1][1])]
        return pieces

    def _events(self, meter: str, day: Day) -> Any:
        account = day.version["account"]
        return self.agreement.world.events_of(meter, account, pooled=_is_pooled(day))

    def _price(self, day: Day, cycle: Cycle) -> Document | None:
        """The day's price, raised by the schedules for overage that mean this line."""
        schedules = meant(day, "overage", self.code)
        return raised(self.terms[day.date].get("price"), schedules, cycle.n)

    def in_period(self, period: Cycle) -> list[tuple[LineCycle, Day]]:
        """Return the line's days in a billing period, each with its cycle."""
        return [
            (lived, day)
            for lived in self.cycles
            for day in lived.cycle.days
            if period.first <= day.date <= period.last
        ]

    def quantities(self, period: Cycle) -> tuple[Fraction, Fraction]:
        """Return how the quantity and what of it is billable rose in a billing period; of a fixed
        quantity those of the last day, of a group what is billable where it is settled.
        """
        quantity = sum((rise.quantity for rise in self._rises(period)), ZERO)
        billed = [rise for rise in self._rises(period) if not self._is_flat(rise.day)]
        if (self.terms[self.days[-1].date]).get("group"):
            billed = [rise for lived in self._charged(period) for rise in lived.rises]
        billable = sum((rise.billable for rise in billed), ZERO)
        _, last = self.in_period(period)[-1]
        fixed = self.terms[last.date]
        if fixed["meters"]:
            return quantity, billable
        return number(fixed["quantity"]), fixed_billable(fixed)

    def _rises(self, period: Cycle) -> Iterator[Rise]:
        for lived in self.cycles:
            for rise in lived.rises:
                if period.first <= rise.day.date <= period.last:
                    yield rise

    def _settled(self, period: Cycle) -> Iterator[LineCycle]:
        return (c for c in self.cycles if period.first <= c.cycle.last <= period.last)

    def _charged(self, period: Cycle) -> Iterator[LineCycle]:
        """Yield the cycles of a group that end in a billing period and are not rolled forward."""
        for lived in self._settled(period):
            group = self.terms[lived.cycle.last]["group"]
            if group.get("overage_method") != "roll_forward":
                yield lived

    def amount(self, period: Cycle) -> Fraction:
        """Return what the line comes to in a billing period: less its discounts, at most its
        maximum, at least its minimum; not rounded.
        """
        days = self.in_period(period)
        amount = sum((self._flat(lived, day) for lived, day in days), ZERO)
        for rise in self._rises(period):
            if not self._is_flat(rise.day):
                amount += rise.amount * self._kept(rise.day)
        lines = [self.terms[day.date] for _, day in days]
        if all(line.get("maximum_amount") is not None for line in lines):
            most = _sum(line["maximum_amount"] for line in lines) / len(lines)
            amount = min(amount, most)
        least = _sum(line.get("minimum_amount") for line in lines) / len(lines)
        return max(amount, least) if least else amount

    def _kept(self, day: Day) -> Fraction:
        return 1 - _number(self.terms[day.date], "discount_percent") / 100

    def _is_flat(self, day: Day) -> bool:
        line = self.terms[day.date]
        return not line["meters"] or (line.get("price") or {}).get("model") == "flat"

    def _flat(self, lived: LineCycle, day: Day) -> Fraction:
        """A fixed quantity, or a flat price, brings its share of the cycle on each day."""
        if not self._is_flat(day) or _is_unlimited(self.terms[day.date]):
            return ZERO
        billable = fixed_billable(self.terms[day.date])
        amount = charge(self._price(day, lived.cycle), billable, [(billable, {})])
        return amount * self._kept(day) / lived.cycle.length

    def settled(self, period: Cycle) -> Fraction:
        """Return what a meter group comes to: whole, where the last day of its cycle lies."""
        amount = ZERO
        for lived in self._charged(period):
            amount += sum((rise.amount for rise in lived.rises), ZERO)
            last = self.terms[lived.cycle.last]
            if last["group"].get("overage_method") == "allow_with_credit":
                used = self._quantity(lived.cycle.days, limited_only=False)
                amount -= credit_rate(last["group"]) * max(ZERO, lived.included - used)
        return amount


def what_is_left(
    held: list[tuple[int, Fraction]], allotment: Fraction, used: Fraction, line: Document
) -> list[tuple[int, Fraction]]:
    """K of the next cycle: what is left of each grant, as (cycles ago, quantity), oldest first.

    Use takes the oldest grant first. What is left may be used in `expires_after` more cycles; at
    most `cap` is carried, of which the oldest is cut first.
    """
    rollover = (_allotment_of(line) or {}).get("rollover")
    if rollover is None:
        return []
    grants = []
    for age, left in [*held, (0, allotment)]:
        taken = min(left, used)
        used -= taken
        grants.append((age + 1, left - taken))
    expires, cap = rollover.get("expires_after"), rollover.get("cap")
    grants = [(age, left) for age, left in grants if expires is None or age <= expires]
    over = ZERO if cap is None else sum((left for _, left in grants), ZERO) - number(cap)
    kept = []
    for age, left in grants:
        cut = max(ZERO, min(left, over))
        over -= cut
        kept.append((age, left - cut))
    return kept


def lines_on(days: Iterable[Day], code: str) -> dict[date, Document]:
    """Return a line on each of its days; days with the same terms have the same object."""
    found: dict[date, Document] = {}
    before: Day | None = None
    line: Document | None = None
    for day in days:
        if before is None or not day.says_as(before):
            line = line_on(day, code)
        before = day
        if line is not None:
            found[day.date] = line
    return found


def line_on(day: Day, code: str) -> Document | None:
    """Return a line of a day, or a meter group as a line: `covered_quantity` is its allotment,
    the overage rate or table its price.
    """
    if (line := day.find("lines", code, "code")) is not None:
        return {**line, "meters": [line["meter"]] if line.get("meter") else []}
    group = day.find("meter_groups", code)
    if group is None:
        return None
    covered = {"quantity": group.get("covered_quantity", "0")}
    cycle = {f: group[f] for f in ("cycle_unit", "cycle_length") if f in group}
    return {
        "meters": group["meters"],
        "allotment": {**covered, **cycle},
        "price": overage_price(group),
        "group": group,
    }


def overage_price(group: Document) -> Document | None:
    """A rate per unit, or a graduated table."""
    if group.get("overage_rate") is not None:
        return {"model": "per_unit", "unit_amount": group["overage_rate"]}
    if group.get("overage_tiers"):
        return {"model": "graduated", "tiers": group["overage_tiers"]}
    return None


def credit_rate(group: Document) -> Fraction:
    """The credit rate, else the overage rate, else that of the first tier."""
    tiers = group.get("overage_tiers") or [{}]
    for rate in (group.get("credit_rate"), group.get("overage_rate"), tiers[0].get("unit_amount")):
        if rate is not None:
            return number(rate)
    return ZERO


def runs(days: list[Day], alike: Callable[[Day], Any]) -> Iterator[list[Day]]:
    """Yield days in a row that are alike."""
    run: list[Day] = []
    for day in days:
        follows = run and run[-1].date + DAY == day.date
        same = follows and (day.says_as(run[-1]) or alike(run[-1]) == alike(day))
        if run and not same:
            yield run
            run = []
        run.append(day)
    if run:
        yield run


def fixed_billable(line: Document) -> Fraction:
    """What of a fixed quantity lies beyond the free quantity and the allotment."""
    included = _number(line, "free_quantity") + _number(_allotment_of(line) or {}, "quantity")
    return max(ZERO, _number(line, "quantity") - included)


def base_amount(agreement: Agreement, name: str, period: Cycle) -> Fraction:
    """A base charge stands on the statement that holds its charge date: the first day of its cycle
    in advance, the last in arrears. Each day brings its share of the uncut cycle; not rounded.
    """
    days = [day for day in agreement.days if day.find("base_charges", name)]
    total = ZERO
    for cycle in cycles(days, lambda day: day.find("base_charges", name)):
        base = cycle.days[-1].find("base_charges", name) or {}
        billing = cycle.days[-1].version.get("billing", {})
        timing = base.get("timing") or billing.get("timing", "arrears")
        charged: date = cycle.first if timing == "advance" else cycle.last
        if period.first <= charged <= period.last:
            for day in cycle.days:
                total += _base_of(day, name, cycle.n) / cycle.length
    return total


def _base_of(day: Day, name: str, n: int) -> Fraction:
    base = day.find("base_charges", name) or {}
    rate = raise_rate(number(base["amount"]), meant(day, "base", name), n)
    return rate * number(base.get("quantity", "1"))


def meant(day: Day, kind: str, name: str) -> list[Document]:
    """Return the rate schedules of a day that mean a charge."""
    return [
        schedule
        for schedule in day.terms["rate_schedules"]
        if schedule["applies_to"] == kind and schedule.get("ref") in {None, name}
    ]


def converted(quantity: Fraction, conversion: Document | None) -> Fraction:
    """Divide, and round to a multiple of `step`."""
    if conversion is None:
        return quantity
    quantity = rounded(quantity / number(conversion.get("divide_by", "1")), PLACES)
    if conversion.get("step") is None:
        return quantity
    step = number(conversion["step"])
    match conversion.get("mode", "up"):
        case "up":
            return ceil(quantity / step) * step
        case "down":
            return floor(quantity / step) * step
        case _:
            return rounded(quantity / step, 0) * step


def _by_event(price: Document | None) -> bool:
    return price is not None and price["model"] in {"percentage", "matrix"}


def _allotment_of(line: Document) -> Document | None:
    return line.get("allotment")


def _is_pooled(day: Day) -> bool:
    return bool(day.version.get("pooling", "none") != "none")


def _is_unlimited(line: Document) -> bool:
    own = _allotment_of(line)
    return own is not None and own.get("quantity") is None


def _sum(texts: Iterable[str | None]) -> Fraction:
    """Add up numbers; None is 0."""
    counts = Counter(text for text in texts if text is not None)
    return sum((number(text) * count for text, count in counts.items()), ZERO)


def _number(document: Document, field_: str) -> Fraction:
    return number(document.get(field_) or "0")
