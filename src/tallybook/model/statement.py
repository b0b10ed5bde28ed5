"""A statement: all that a contract comes to in one billing period. Values only, computed by
`positions`; amounts are rounded to the currency's minor unit unless their name says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from tallybook.model.mark import Mark
from tallybook.model.position import Period
from tallybook.model.price import Part

StatementStatus = Literal["open", "closed", "held"]
#: Where a charge comes from; with its name it is the same charge in every statement.
ChargeKind = Literal["line", "meter_group", "base", "discount", "commitment"]


@dataclass(frozen=True, slots=True)
class UseStep:
    """What meters counted of an account (with `pooled` of its tree) from `start` to before `end`:
    the rise of their running quantity in the cycle, after conversion.
    """

    meters: tuple[str, ...]
    account: str
    pooled: bool
    start: date
    end: date
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class ChargeStep:
    """What a price made of some days: `billable` rose from `before` to `after` in their cycle, and
    `parts` are the rise of each tier. `days` of `cycle_days` where it is a flat charge.
    """

    start: date
    end: date
    model: str | None
    before: Decimal
    after: Decimal
    parts: tuple[Part, ...]
    amount: Decimal
    discount_percent: Decimal = Decimal(0)
    days: int | None = None
    cycle_days: int | None = None


@dataclass(frozen=True, slots=True)
class CycleStep:
    """What one cycle of a line included: its allotment, what was rolled into it, what is free;
    `used` is counted up to the statement's end. The cycle may be longer or shorter than its period.
    """

    start: date
    end: date
    cycle_days: int
    used: Decimal
    allotment: Decimal
    rolled: Decimal
    free: Decimal
    is_unlimited: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """How an amount came about, in order; `unrounded` is after discount, maximum and minimum."""

    cycles: tuple[CycleStep, ...] = ()
    use: tuple[UseStep, ...] = ()
    charges: tuple[ChargeStep, ...] = ()
    minimum_amount: Decimal | None = None
    maximum_amount: Decimal | None = None
    unrounded: Decimal = Decimal(0)
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """One amount of a statement; `code` is the line's code or the name of what it is.

    `discount` is its share of the contract's discounts, already a positive amount taken away in
    the statement's `discounts`.
    """

    kind: ChargeKind
    code: str
    name: str | None
    product: str | None
    unit: str | None
    quantity: Decimal | None
    billable_quantity: Decimal | None
    amount: Decimal
    explanation: Explanation
    discount: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What a closed statement should have said of a charge, less what closed statements said."""

    period_start: date
    kind: ChargeKind
    code: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class CreditUse:
    """What a statement took of a credit, and what it left of it."""

    name: str
    amount: Decimal
    left: Decimal


@dataclass(frozen=True, slots=True)
class Statement:
    """What an invoice would say. `lines` are lines and meter groups; `discounts` are negative.

    subtotal = lines + base_charges + discounts + commitments + adjustments;
    total = subtotal - credits. A supplementary one lies beyond the contract's end and has
    adjustments only.
    """

    contract: str
    account: str
    bill_to: str
    currency: str
    timezone: str
    period: Period
    lines: tuple[Charge, ...]
    base_charges: tuple[Charge, ...]
    discounts: tuple[Charge, ...]
    commitments: tuple[Charge, ...]
    adjustments: tuple[Adjustment, ...]
    credits: tuple[CreditUse, ...]
    subtotal: Decimal
    total: Decimal
    supplementary: bool = False


@dataclass(frozen=True, slots=True)
class ClosedStatement:
    """A statement as it was frozen: its document, in which decimals are texts, the SHA-256 of the
    document's canonical JSON, the mark it was worked out for, and by whom it was closed when.

    `reason` says why one that was held was let go.
    """

    contract: str
    account: str
    start_date: date
    end_date: date
    document: Mapping[str, Any]
    sha256: str
    known_at: Mark
    closed_at: datetime
    closed_by: str
    reason: str | None = None

    def holds(self, day: date) -> bool:
        """Tell whether a local day lies in its period."""
        return self.start_date <= day < self.end_date
