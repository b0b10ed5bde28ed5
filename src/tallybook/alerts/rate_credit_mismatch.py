"""Check `rate.credit_mismatch`: whether unused units are credited at the rate of overage."""

from collections.abc import Iterator

from tallybook.alerts._terms import found, in_force
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Credit and overage rates differ"
FINDS = "Meter groups that credit what is not used at another rate than they bill overage."
TIPS = ("Only groups whose overage method is allow_with_credit are judged.",)
VARIABLES = ()
COLUMNS = (
    Column("group", "Group"),
    Column("credit_rate", "Credit rate", "money", is_price=True),
    Column("overage_rate", "Overage rate", "money", is_price=True),
)
FINGERPRINT = ("group", "credit_rate", "overage_rate")
POLICY: RepeatPolicy = "once_until_changed"
SCHEDULE: Preset = "weekly"
RELATED = ("rate.out_of_band",)


def find(view: View, _values: Values) -> Iterator[Found | Unjudged]:
    """Yield groups that credit, with a credit rate that is not their overage rate."""
    for one in in_force(view):
        for group in one.terms.meter_groups:
            rate = one.rate(group)
            if group.overage_method != "allow_with_credit":
                continue
            if group.credit_rate is None or rate is None or group.credit_rate == rate:
                continue
            about = {"group": group.name, "credit_rate": group.credit_rate, "overage_rate": rate}
            said = f"{group.name} credits what is not used at another rate than overage."
            yield found(one, "differs", said, about, {}, part=group.name)
