"""Where one line of a contract stands in one period: values only, computed by `positions`."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from tallybook.model.mark import Mark

Status = Literal["no_allotment", "ok", "near", "at_limit", "over"]
ForecastStatus = Literal["estimate", "actual", "not_enough_data"]
#: How days to come are told from those before; `positions.pace` has the rules.
Method = Literal["mean_7", "weekday", "linear"]


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open span of local dates with its instants: cycle `index`, or what is left of it.

    `cycle_start_date` and `cycle_days` are those of the uncut cycle; `is_stub` when it is cut.
    """

    start_date: date
    end_date: date
    starts_at: datetime
    ends_at: datetime
    is_stub: bool
    index: int
    cycle_start_date: date
    cycle_days: int

    @property
    def days(self) -> int:
        """Count its local days."""
        return (self.end_date - self.start_date).days


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where a line is heading by the period's end; quantities in the meter's unit.

    `projected_amount` is the unrounded price of the projected use, where there is a price.
    """

    status: ForecastStatus
    to_date: Decimal
    daily_mean: Decimal | None = None
    remaining_days: int = 0
    remaining_volume: Decimal | None = None
    projected: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    projected_overage: Decimal | None = None
    exhausted_on: date | None = None
    is_estimate_of_distinct: bool = False
    projected_amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one account of a pool used, and its share of the whole (a fraction)."""

    account: str
    used: Decimal | None
    share: Decimal | None


@dataclass(frozen=True, slots=True)
class DayUse:
    """Use on one local day."""

    date: date
    used: Decimal | None


@dataclass(frozen=True, slots=True)
class Position:
    """The position snapshot of one line: all of one mark.

    `allotment` None is no promise of a limit, `is_unlimited` tells unlimited from none;
    `percent_used` is in percent with 6 places; amounts are unrounded; `timezone` is whose days
    these are.
    """

    contract: str
    line: str
    account: str
    product: str | None
    service: str
    unit: str
    kind: Literal["flow", "stock"]
    period: Period
    used: Decimal | None
    allotment: Decimal | None
    remaining: Decimal | None
    percent_used: Decimal | None
    overage: Decimal
    overage_amount: Decimal | None
    amount: Decimal | None
    currency: str
    status: Status
    likely_over: bool
    low_use: bool
    forecast: Forecast
    contributions: tuple[Contribution, ...]
    daily: tuple[DayUse, ...]
    branch: str | None
    csm: str | None
    data_through: datetime
    refreshed_at: datetime | None
    known_at: Mark
    is_unlimited: bool = False
    account_name: str = ""
    meter: str = ""
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Total:
    """The sums of the lines of one service, unit and currency: exact, and never over two units.

    A line without a forecast counts in `projected` with its use so far, one without an allotment
    not in `allotment`. Amounts are None for whom they are not.
    """

    service: str
    unit: str
    currency: str
    lines: int
    used: Decimal
    allotment: Decimal
    overage: Decimal
    projected: Decimal
    projected_overage: Decimal
    amount: Decimal | None
    overage_amount: Decimal | None
    projected_amount: Decimal | None


@dataclass(frozen=True, slots=True)
class Choices:
    """What lines can be narrowed to: the branches and CSMs there are, sorted."""

    branches: tuple[str, ...] = ()
    csms: tuple[str, ...] = ()
