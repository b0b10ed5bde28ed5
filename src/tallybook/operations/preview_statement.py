"""What a contract would come to with use that is told: a statement of documents that the caller
sends, with nothing stored. The use of a line is told as a quantity, or as events that its meter
counts as it would count real ones.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from tallybook.model.contract import Contract, Phase, Terms
from tallybook.model.directory import Directory, Span
from tallybook.model.errors import Fault, Invalid, refusal
from tallybook.model.limits import BATCH_EVENTS_MAX, LINES_MAX
from tallybook.model.mark import Mark
from tallybook.model.nouns import Day, Document, Instant, Key, Noun, Quantity, parse
from tallybook.model.price import Billable, Piece
from tallybook.model.scope import Scope
from tallybook.operations._fold import Taken, taken, used
from tallybook.operations._shown import sees_amounts
from tallybook.operations.rate import Rated, rated, shown
from tallybook.positions import agreed
from tallybook.positions.agreement import of_versions
from tallybook.positions.needs import Need
from tallybook.positions.settlement import Open
from tallybook.positions.statement import Plan, statement
from tallybook.positions.terms import meter_on


class PreviewedContract(Contract):
    """A contract's document; it needs no number."""

    number: Key = "preview"


class ToldEvent(Noun):
    """An event of a line: when it was, and its data."""

    time: Instant
    data: dict[str, Any] = Field(default_factory=dict)


class LineUse(Noun):
    """What was used of a line or meter group: a `quantity`, all of it on the line's first instant
    in the period, or `events`, each when it was.
    """

    line: Key
    quantity: Annotated[Quantity, Field(ge=0)] | None = None
    events: Annotated[list[ToldEvent], Field(max_length=BATCH_EVENTS_MAX)] | None = None

    @model_validator(mode="after")
    def _tells_one_thing(self) -> Self:
        if (self.quantity is None) == (self.events is None):
            raise ValueError("name either a quantity or events")
        return self


class StatementRequest(Noun):
    """A contract, any date inside one of its billing periods, and the use of its lines; a line
    that is not named used nothing.
    """

    contract: PreviewedContract
    period: Day
    usage: Annotated[list[LineUse], Field(max_length=LINES_MAX)] = Field(default_factory=list)


def preview_statement(scope: Scope, directory: Directory, mark: Mark, document: Document) -> Rated:
    """Return the statement of the period that holds a date. A draft is taken as active, and of
    credits all is left that no use in the period takes.

    Account, tree and meters are those of the directory. An account that is not there, or not the
    caller's, has the default zone and currency.

    Raises:
        Invalid: `document_invalid`, `unknown_line`, `line_not_metered`, `told_twice`, those of
            `positions.agreed`, or `not_in_force`, each naming the field at fault.
    """
    scope.require("read")
    asked = parse(StatementRequest, document)
    contract = asked.contract
    if contract.status == "draft":
        contract = contract.model_copy(update={"status": "active"})
    faults = [*_faults(directory, contract, asked.usage, asked.period)]
    if faults:
        raise refusal(faults)
    seen = directory if scope.sees(contract.account) else Directory()
    agreement = of_versions(seen, contract.number, [Span(None, None, contract)])
    span = agreement.period_of(asked.period)
    if span is None:
        raise Invalid(
            "not_in_force",
            "The contract is not in force on this date; choose one from start_date to end_date.",
            field="period",
        )
    plan = Plan(seen, agreement, [span], by_line=True)
    told = _Told(directory, asked.usage, plan.needs, agreement.start_of(span.start))
    uses = {need: tuple(told.answer(need)) for need in plan.needs}
    made = Open(statement(agreement, plan.charges(uses)[span]), None)
    is_seen = sees_amounts(scope, "contract", contract.model_dump())
    return shown(rated(made, mark), amounts=is_seen)


class _Told:
    """What the caller says was used, as answers to what has to be counted."""

    def __init__(
        self, directory: Directory, usage: Iterable[LineUse], needs: Iterable[Need], since: datetime
    ) -> None:
        """Take use by line; `since` is the first instant of the period."""
        self._directory = directory
        self._usage = {use.line: use for use in usage}
        self._since = since
        self._taken: dict[tuple[str | None, str], list[Taken]] = {}
        #: Where the quantity of a line is told: what is counted first of it in the period.
        self._first: dict[str | None, Need] = {}
        for need in sorted(needs, key=lambda need: need.start):
            if need.ends[-1] > since:
                self._first.setdefault(need.line, need)

    def answer(self, need: Need) -> Iterator[Billable]:
        """Yield the running use at each end of a need."""
        use = self._usage.get(need.line or "")
        meter = meter_on(self._directory, need.meter, need.on)
        if use is not None and use.events is not None and meter is not None:
            known = (need.line, need.meter)
            if known not in self._taken:
                self._taken[known] = taken(meter, ((one.time, one.data) for one in use.events))
            yield from used(meter, self._taken[known], need)
            return
        quantity = use.quantity if use and need is self._first.get(need.line) else None
        at = max(need.start, self._since)
        for end in need.ends:
            yield _whole(quantity if end > at else None, need.dimensions)


def _whole(quantity: Decimal | None, dimensions: tuple[str, ...] | None) -> Billable:
    """Return a quantity as one event of which nothing else is known."""
    found = quantity or Decimal(0)
    if dimensions is None:
        return Billable(found)
    return Billable(found, (Piece(found, (None,) * len(dimensions)),) if found else ())


def _faults(
    directory: Directory, contract: Contract, usage: Sequence[LineUse], day: date
) -> Iterator[Fault]:
    """Yield what is wrong with a contract and the use of its lines. Only what counts events needs
    a meter that is there.
    """
    counted = list(_counted(contract))
    by_event = {use.line for use in usage if use.events is not None}
    needed = {path for code, path, _ in counted if code in by_event}
    for fault in agreed.faults(contract, lambda key: meter_on(directory, key, day)):
        found = fault.below("contract")
        if found.code != "unknown_meter" or found.field in needed:
            yield found
    metered = {code: False for code, _, _ in counted}
    metered |= {code: True for code, _, meter in counted if meter is not None}
    told: set[str] = set()
    for index, use in enumerate(usage):
        blame = partial(Fault, field=f"usage.{index}.line")
        if use.line not in metered:
            yield blame("unknown_line", detail=f"The contract has no line {use.line}.")
        elif not metered[use.line]:
            yield blame(
                "line_not_metered", detail=f"The line {use.line} has a fixed quantity, and no use."
            )
        elif use.line in told:
            yield blame(
                "told_twice", detail=f"The use of {use.line} is told twice; put it into one."
            )
        told.add(use.line)


def _counted(contract: Contract) -> Iterator[tuple[str, str, str | None]]:
    """Yield each line and group with the path of what counts it; None is a fixed quantity."""
    parts: list[tuple[str, Terms | Phase]] = [("contract", contract)]
    parts += ((f"contract.phases.{i}", phase) for i, phase in enumerate(contract.phases))
    for path, part in parts:
        for i, line in enumerate(part.lines or ()):
            yield line.code, f"{path}.lines.{i}.meter", line.meter
        for i, group in enumerate(part.meter_groups or ()):
            for j, meter in enumerate(group.meters):
                yield group.name, f"{path}.meter_groups.{i}.meters.{j}", meter
