"""A contract as a document: what was agreed, in the shapes that users write. What it comes to is
worked out in `positions`; whether its parts fit together is judged in `positions.agreed`.
"""

from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from tallybook.model import limits
from tallybook.model.nouns import Amount, Currency, Day, Key, Name, Noun, Person, Quantity, Zone

CycleUnit = Literal["day", "week", "month", "year"]
Timing = Literal["advance", "arrears"]
Pooling = Literal["none", "parent_pool", "sum_of_children"]

Count = Annotated[int, Field(ge=1, le=limits.CYCLE_LENGTH_MAX, strict=True)]
Money = Annotated[Amount, Field(ge=0)]
Volume = Annotated[Quantity, Field(ge=0)]
Percent = Annotated[Amount, Field(ge=0, le=100)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=limits.NAME_CHARS_MAX)]

#: What a phase may replace, and what makes up the terms of a day.
TERMS: Final = (
    "lines",
    "meter_groups",
    "base_charges",
    "commitments",
    "discounts",
    "rate_schedules",
)


class Cycle(Noun):
    """Something that comes round: every `cycle_length` units; without a unit as the contract's
    billing does. `term` is once from the start to the end.
    """

    cycle_unit: CycleUnit | Literal["term"] | None = None
    cycle_length: Count = 1

    @property
    def cycle(self) -> "Cycle":
        """Return how it comes round: itself."""
        return self


class Recurring(Cycle):
    """Something named that comes round."""

    name: Key

    @property
    def code(self) -> str:
        """Return what makes it the same thing in every version: its name."""
        return self.name


class Rollover(Noun):
    """What is left of a cycle goes on: at most `cap` in all, for `expires_after` cycles each;
    null is without limit.
    """

    cap: Volume | None = None
    expires_after: Count | None = None


class Allotment(Cycle):
    """What a line includes per cycle; a null quantity is unlimited, zero is none."""

    quantity: Volume | None = None
    rollover: Rollover | None = None


class Conversion(Noun):
    """A quantity in another unit: divided, then rounded to a multiple of `step`."""

    unit: Name
    divide_by: Annotated[Quantity, Field(gt=0)] = Decimal(1)
    step: Annotated[Quantity, Field(gt=0)] | None = None
    mode: Literal["up", "down", "half_up"] = "up"


class Line(Noun):
    """One part of a contract: metered, or a fixed `quantity`. `price` is for what lies beyond
    `free_quantity` and the allotment. `unit`, where given, must be the unit that is counted.
    """

    code: Key
    name: Name | None = None
    product: Name | None = None
    meter: Key | None = None
    quantity: Volume | None = None
    unit: Name | None = None
    conversion: Conversion | None = None
    allotment: Allotment | None = None
    hard_limit: bool = False
    price: dict[str, Any] | None = None
    free_quantity: Volume = Decimal(0)
    minimum_amount: Money | None = None
    maximum_amount: Money | None = None
    discount_percent: Percent = Decimal(0)

    @model_validator(mode="after")
    def _counts_one_thing(self) -> Self:
        if (self.meter is None) == (self.quantity is None):
            raise ValueError("name either a meter or a fixed quantity")
        return self


class OverageTier(Noun):
    """A slice of overage: `up_to` is inclusive, null has no end."""

    up_to: Annotated[Quantity, Field(gt=0)] | None = None
    unit_amount: Money = Decimal(0)
    flat_amount: Money = Decimal(0)


class Tolerance(Noun):
    """Which readings of a counter count as those of a cycle's edge: so many days beside it."""

    days_before: Annotated[int, Field(ge=0, le=366, strict=True)] = 0
    days_after: Annotated[int, Field(ge=0, le=366, strict=True)] = 0


class MeterGroup(Recurring):
    """Meters pooled under one covered quantity and overage rate; a line named after itself."""

    product: Name | None = None
    meters: Annotated[list[Key], Field(min_length=1, max_length=limits.LINES_MAX)]
    covered_quantity: Volume = Decimal(0)
    overage_rate: Money | None = None
    overage_tiers: Annotated[list[OverageTier], Field(max_length=limits.TIERS_MAX)] | None = None
    overage_method: Literal["bill", "allow_with_credit", "roll_forward"] = "bill"
    credit_rate: Money | None = None
    counts_to_expiration: bool = False
    tolerance: Tolerance | None = None


class BaseCharge(Recurring):
    """An amount that comes round whatever the use; `ref` names the product or meter group."""

    amount: Money
    quantity: Volume = Decimal(1)
    timing: Timing | None = None
    level: Literal["contract", "product", "meter_group"] = "contract"
    ref: Name | None = None


class Commitment(Recurring):
    """The least that is spent per cycle; `prorate` takes its part on a stub."""

    amount: Money
    prorate: bool = False


class Credit(Noun):
    """An amount paid before, drawn down by statements from `valid_from` through `valid_to`."""

    name: Key
    amount: Money
    valid_from: Day | None = None
    valid_to: Day | None = None


class Discount(Noun):
    """Less of the charges named by `lines`, of all by default: a percentage or an amount."""

    name: Key
    percent: Percent | None = None
    amount: Money | None = None
    lines: list[Key] | None = None

    @model_validator(mode="after")
    def _takes_one_thing(self) -> Self:
        if (self.percent is None) == (self.amount is None):
            raise ValueError("name either a percent or an amount")
        return self


class RateSchedule(Recurring):
    """A planned increase: every n-th cycle the rate rises by `percent`, rounded to `places`.

    `ref` names one base charge, line or meter group; without it all of the kind are meant.
    """

    applies_to: Literal["base", "overage"]
    ref: Key | None = None
    percent: Annotated[Amount, Field(gt=-100, le=1_000)]
    every: Count = 1
    places: Annotated[int, Field(ge=0, le=limits.QUANTITY_FRACTION_DIGITS_MAX)] | None = None


class Terms(Noun):
    """What a day's use and money follow from; a phase may replace each part."""

    lines: Annotated[list[Line], Field(max_length=limits.LINES_MAX)] = Field(default_factory=list)
    meter_groups: Annotated[list[MeterGroup], Field(max_length=limits.LINES_MAX)] = Field(
        default_factory=list
    )
    base_charges: Annotated[list[BaseCharge], Field(max_length=limits.LINES_MAX)] = Field(
        default_factory=list
    )
    commitments: Annotated[list[Commitment], Field(max_length=limits.LINES_MAX)] = Field(
        default_factory=list
    )
    discounts: Annotated[list[Discount], Field(max_length=limits.LINES_MAX)] = Field(
        default_factory=list
    )
    rate_schedules: Annotated[list[RateSchedule], Field(max_length=limits.LINES_MAX)] = Field(
        default_factory=list
    )


class Phase(Noun):
    """Part of the term with terms of its own; what it does not name stays the contract's."""

    name: Name | None = None
    start_date: Day
    end_date: Day | None = None
    lines: Annotated[list[Line], Field(max_length=limits.LINES_MAX)] | None = None
    meter_groups: Annotated[list[MeterGroup], Field(max_length=limits.LINES_MAX)] | None = None
    base_charges: Annotated[list[BaseCharge], Field(max_length=limits.LINES_MAX)] | None = None
    commitments: Annotated[list[Commitment], Field(max_length=limits.LINES_MAX)] | None = None
    discounts: Annotated[list[Discount], Field(max_length=limits.LINES_MAX)] | None = None
    rate_schedules: Annotated[list[RateSchedule], Field(max_length=limits.LINES_MAX)] | None = None


class Billing(Noun):
    """When the contract's periods begin: every cycle from `cycle_start_date`, by default from
    the contract's first day. A statement above `hold_above` waits for a person.
    """

    enabled: bool = True
    cycle_unit: CycleUnit = "month"
    cycle_length: Count = 1
    cycle_start_date: Day | None = None
    timing: Timing = "arrears"
    hold_above: Money | None = None


class Renewal(Noun):
    """What follows the last day: nothing, another term, or a question to a person."""

    policy: Literal["none", "auto", "ask"] = "none"
    cycle_unit: CycleUnit | None = None
    cycle_length: Count = 1


class Contract(Terms):
    """What was agreed, for one account or, with a pool, for its tree."""

    number: Key
    account: Key
    name: Name | None = None
    type: Name | None = None
    status: Literal["draft", "active", "ended"] = "active"
    applies: Literal["at_once", "next_period"] = "at_once"
    branch: Name | None = None
    currency: Currency | None = None
    timezone: Zone | None = None
    start_date: Day
    end_date: Day | None = None
    bill_to: Key | None = None
    bill_code: Name | None = None
    sales_rep: Person | None = None
    csm: Person | None = None
    renewal: Renewal = Renewal()
    billing: Billing = Billing()
    phases: Annotated[list[Phase], Field(max_length=limits.PHASES_MAX)] = Field(
        default_factory=list
    )
    credits: Annotated[list[Credit], Field(max_length=limits.LINES_MAX)] = Field(
        default_factory=list
    )
    pooling: Pooling = "none"
    expiration_quantity: Volume | None = None
    umc_rule: Name | None = None
    attributes: dict[str, Any] = Field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return the contract's number, its key."""
        return self.number

    @property
    def title(self) -> str:
        """Return the name to show."""
        return self.name or self.number

    @property
    def codes(self) -> frozenset[str]:
        """Return the codes of all lines, and the names of all groups, of any part of it."""
        parts: list[Terms | Phase] = [self, *self.phases]
        lines = {line.code for part in parts for line in part.lines or ()}
        return frozenset(lines.union(g.name for part in parts for g in part.meter_groups or ()))

    @property
    def meters(self) -> frozenset[str]:
        """Return the keys of all meters that any part of it names."""
        parts: list[Terms | Phase] = [self, *self.phases]
        lines = {line.meter for part in parts for line in part.lines or () if line.meter}
        groups = {
            key for part in parts for group in part.meter_groups or () for key in group.meters
        }
        return frozenset(lines | groups)
