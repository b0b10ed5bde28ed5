"""Check `billing.period_unbilled`: whether a billing period is over, or nearly, and its statement
is not closed.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from tallybook.alerts._statements import branch_of
from tallybook.alerts._terms import today
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.statement import Statement
from tallybook.model.view import View
from tallybook.positions.agreement import Agreement

TITLE = "Period not billed"
FINDS = "Contracts with a billing period that is past due, or due soon, and is not closed."
TIPS = ("Close the statement; one that is held waits for a person.",)
_DAYS = "-1 is past due for a day; 0 due today; 7 also what is due within a week."
VARIABLES = (Variable("days", "days", "Due within", _DAYS, -1, minimum=-3660, maximum=366),)
COLUMNS = (
    Column("period", "First period", "date"),
    Column("due", "Due", "date"),
    Column("days_past_due", "Days past due", "days"),
    Column("periods", "Periods", "quantity"),
    Column("total", "Total of the first", "money"),
)
FINGERPRINT = ("period",)
POLICY: RepeatPolicy = "every_run"
SCHEDULE: Preset = "weekday_mornings"
RELATED = ("contract.billing_disabled", "usage.late_restated")
_PERIODS_MAX = 1_000


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield contracts with billing switched on whose oldest period without a closed statement ended
    before today + `days` + 1, also where a later one is closed.
    """
    closed: dict[str, set[date]] = {}
    for one in view.closed(view.contracts()):
        closed.setdefault(one.contract, set()).add(one.start_date)
    open_: dict[str, list[tuple[date, date]]] = {}
    days: dict[str, date] = {}
    for number, day, agreed in today(view):
        until = day + timedelta(days=values["days"])
        periods = _unbilled(agreed, closed.get(number, set()), until)
        if periods:
            open_[number], days[number] = periods, day
    first = {number: periods[0][0] for number, periods in open_.items()}
    for statement in view.running([*open_], first):
        number = statement.contract
        yield _found(view, statement, open_[number], days[number])


def _unbilled(agreed: Agreement, closed: set[date], until: date) -> list[tuple[date, date]]:
    """Return the periods without a closed statement that end on `until` or before."""
    stretches = agreed.stretches
    if not stretches or not stretches[-1].terms.billing.enabled:
        return []
    found: list[tuple[date, date]] = []
    for span in agreed.periods(stretches[0].start, until):
        if span.end > until or len(found) == _PERIODS_MAX:
            break
        if span.start not in closed:
            found.append((span.start, span.end))
    return found


def _found(view: View, one: Statement, open_: list[tuple[date, date]], day: date) -> Found:
    start, due = open_[0]
    past = (day - due).days
    days = f"{abs(past)} day{'s' * (abs(past) != 1)}"
    when = f"{days} past due" if past > 0 else f"due in {days}" if past else "due today"
    more = f"; {len(open_)} periods in all" if len(open_) > 1 else ""
    return Found(
        entity=one.contract,
        account=one.account,
        state="past_due" if past > 0 else "due",
        message=f"The period from {start} is not billed: {when}{more}.",
        inputs={"period": start.isoformat(), "due": due.isoformat(), "periods": len(open_)},
        outputs={"days_past_due": past, "total": one.total},
        money_at_risk=one.total,
        currency=one.currency,
        contract=one.contract,
        branch=branch_of(view, one.contract),
    )
