"""Check `balance.low`: whether a prepaid credit is nearly used up."""

from collections.abc import Iterator
from decimal import Decimal

from tallybook.alerts._statements import added, running, share
from tallybook.alerts._terms import Agreed, in_force
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.statement import Statement
from tallybook.model.view import View

TITLE = "Prepaid balance low"
FINDS = "Contracts whose prepaid credits are nearly used up, or are."
TIPS = ("It speaks again when the balance is used up, and once more when it has recovered.",)
_PERCENT = "What is left of the credits valid today, in percent of what was paid."
_AMOUNT = "Or what is left of them, in each contract's own currency."
VARIABLES = (
    Variable("percent", "percent", "Left at most", _PERCENT, Decimal(20), minimum=Decimal(0)),
    Variable("amount", "money", "Or at most", _AMOUNT, minimum=Decimal(0)),
)
COLUMNS = (
    Column("paid", "Paid", "money"),
    Column("left", "Left", "money"),
    Column("left_share", "Left of paid", "percent"),
)
FINGERPRINT = ("paid",)
POLICY: RepeatPolicy = "on_transition"
SCHEDULE: Preset = "daily"
RELATED = ("prepaid.drawdown", "spend.threshold")


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield contracts with left ÷ paid of at most `percent` %, or with at most `amount` left, of
    the credits valid today.
    """
    held = {one.number: one for one in in_force(view) if _paid(one)}
    if view.stale:
        yield from (Unjudged(n, one.terms.account, view.stale) for n, one in held.items())
        return
    for one, statement in running(view, held):
        paid, left = _paid(one), _left(one, statement)
        is_low = values["amount"] is not None and left <= values["amount"]
        if share(left, paid) > values["percent"] and not is_low:
            continue
        state = "low" if left else "depleted"
        said = f"{share(left, paid):.0f} % of the prepaid credit is left." if left else _GONE
        yield Found(
            entity=one.number,
            account=statement.account,
            state=state,
            message=said,
            inputs={"paid": paid},
            outputs={"left": left, "left_share": share(left, paid) / 100},
            severity="warning" if left else "critical",
            currency=statement.currency,
            contract=one.number,
            branch=one.terms.branch,
        )


_GONE = "The prepaid credit is used up."


def _valid(one: Agreed) -> dict[str, Decimal]:
    return {
        credit.name: credit.amount
        for credit in one.terms.credits
        if (credit.valid_from is None or credit.valid_from <= one.day)
        and (credit.valid_to is None or one.day <= credit.valid_to)
    }


def _paid(one: Agreed) -> Decimal:
    return added(_valid(one).values())


def _left(one: Agreed, statement: Statement) -> Decimal:
    known = {use.name: use.left for use in statement.credits}
    return added(known.get(name, amount) for name, amount in _valid(one).items())
