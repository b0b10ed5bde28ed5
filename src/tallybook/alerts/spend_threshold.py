"""Check `spend.threshold`: whether what a contract comes to in its running period has reached an
amount.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import chain

from tallybook.alerts._statements import branch_of, ended, spent
from tallybook.alerts._terms import in_force
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.statement import ClosedStatement, Statement
from tallybook.model.view import View

TITLE = "Spend reached"
FINDS = "Contracts whose running billing period has come to an amount: use and base charges."
TIPS = ("With a step, amounts go on after the last: 500, 1000, step 200 is 1200, 1400 and so on.",)
_AMOUNTS = "In the contract's currency, each said once a period."
_STEP = "After the last amount, again each time so much more is spent; none by default."
VARIABLES = (
    Variable(
        *("amounts", "list", "Amounts", _AMOUNTS, (Decimal(1000),)),
        of="money",
        minimum=0,
        required=True,
    ),
    Variable("step", "money", "And every", _STEP, minimum=Decimal("0.01")),
)
COLUMNS = (
    Column("threshold", "Amount reached", "money"),
    Column("spent", "Spent", "money"),
)
FINGERPRINT = ("threshold",)
POLICY: RepeatPolicy = "once_per_threshold_per_period"
SCHEDULE: Preset = "daily"
RELATED = ("balance.low", "commitment.shortfall")
_REACHED_MAX = 1_000


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield each amount that the use and base charges of a running period have met, or of one that
    ended since somebody looked: of a closed one as it was closed.
    """
    contracts = {one.number: one for one in in_force(view)}
    if view.stale:
        yield from (Unjudged(n, one.terms.account, view.stale) for n, one in contracts.items())
        return
    over = ended(view)
    for statement in chain(view.running([*contracts]), view.over(over)):
        number, so_far = statement.contract, spent(statement)
        start, currency = _of(statement)
        last = over.get(number)
        which = "This period's" if last is None or last < start else f"Through {last} the"
        for threshold in reached(so_far, values["amounts"], values["step"]):
            yield Found(
                entity=number,
                account=statement.account,
                state="reached",
                message=f"{which} spend has reached a set amount for {number}.",
                inputs={"threshold": threshold},
                outputs={"spent": so_far},
                currency=currency,
                contract=number,
                branch=branch_of(view, number),
                step=f"{threshold.normalize():f}",
                period=start.isoformat(),
            )


def _of(statement: Statement | ClosedStatement) -> tuple[date, str]:
    """Return the first day of a statement, and its currency."""
    if isinstance(statement, ClosedStatement):
        return statement.start_date, statement.document["currency"]
    return statement.period.start_date, statement.currency


def reached(spent: Decimal, amounts: tuple[Decimal, ...], step: Decimal | None) -> list[Decimal]:
    """Return the amounts that are met; with a step also those after the last, the newest of them
    where there are very many.
    """
    found = sorted(amount for amount in set(amounts) if spent >= amount)
    last = max(amounts)
    if step is not None and spent >= last + step:
        times = int((spent - last) // step)
        first = max(1, times - _REACHED_MAX + 1)
        found += [last + step * i for i in range(first, times + 1)]
    return found
