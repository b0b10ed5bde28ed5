"""Check `contract.expiring`: whether a contract ends soon, or has ended."""

from collections.abc import Iterator

from tallybook.alerts._terms import Agreed, found, today
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.view import View
from tallybook.positions.agreement import NEVER

TITLE = "Contract ends"
FINDS = "Contracts whose last day is near, by how near it is, and those that ended lately."
TIPS = ("A contract that renews by itself does not end.",)
_DAYS = "Days before the end at which to speak; 0 is once it has ended."
_SINCE = "How long an ended contract is spoken of."
_BUCKETS = (90, 60, 30, 0)
VARIABLES = (
    Variable("days", "list", "Days before", _DAYS, _BUCKETS, of="days", minimum=0, required=True),
    Variable("ended", "days", "Ended within", _SINCE, 30, minimum=0, maximum=3660),
    Variable("types", "list", "Contract types", "Only these; all by default.", (), of="text"),
)
COLUMNS = (
    Column("ends", "Last day", "date"),
    Column("days_left", "Days left", "days"),
    Column("renewal", "Renewal"),
)
FINGERPRINT = ("ends",)
POLICY: RepeatPolicy = "once_per_bucket"
SCHEDULE: Preset = "weekly"
RELATED = ("contract.billing_disabled",)


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield contracts in the smallest bucket of `days` that their days left have reached."""
    for number, day, agreed in today(view):
        if not agreed.stretches or agreed.stretches[-1].end == NEVER:
            continue
        terms = agreed.stretches[-1].terms
        one = Agreed(number, day, terms, agreed)
        left = (one.last_day - day).days
        bucket = _bucket(left, values["days"], values["ended"])
        if bucket is None or (values["types"] and terms.type not in values["types"]):
            continue
        last = one.last_day
        said = (
            f"It ends on {last}, in {left} day{'s' * (left != 1)}."
            if left >= 0
            else f"It ended on {last}."
        )
        yield found(
            one,
            "expiring" if left >= 0 else "expired",
            said,
            {"ends": last.isoformat()},
            {"days_left": left, "renewal": terms.renewal.policy},
            step=str(bucket),
        )


def _bucket(left: int, buckets: tuple[int, ...], ended: int) -> int | None:
    """Return the bucket of a contract with so many days left: 0 once it has ended, not too long
    ago.
    """
    if left < 0:
        return 0 if 0 in buckets and -left <= ended else None
    return min((days for days in buckets if days and left <= days), default=None)
