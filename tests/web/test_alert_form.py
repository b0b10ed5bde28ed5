"""The form of a subscription, for every check: what it shows, sent as it is, changes nothing."""

from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser as Html

from tallybook.alerts._check import check, codes, plain_values, read_values
from tallybook.model.alert import Recipients, Subscription
from tallybook.model.check import Variable
from tallybook.model.errors import Invalid
from tallybook.model.nouns import parse
from tallybook.model.schedule import PRESETS
from tallybook.operations.subscriptions import NewSubscription
from tallybook.web.pages.alerts.form import body_of, form_of, said_of, with_fault
from tallybook.web.pages.render import page
from tests.laws.test_alert_store import subscription_of
from tests.web.alert_samples import SUBSCRIPTION
from tests.web.test_case_pages import form_of as sent_of

FORM: Final = ".letter:has([name=cron])"
#: One line with anything in it that a name may have.
LINES: Final = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=30
).filter(str.strip)
KEYS: Final = st.lists(st.from_regex(r"[A-Za-z0-9._:-]{1,12}", fullmatch=True), unique=True)
EMAILS: Final = st.lists(st.sampled_from(["a@b.example", "o'neil@b.example", "c+d@b.example"]))


def drawn(draw: Any, variable: Variable) -> object:
    """Return a value that somebody may set a variable to, as the API takes it; None leaves it."""
    if variable.kind == "flag":
        return draw(st.booleans())
    if variable.kind == "choice":
        return draw(st.sampled_from(variable.choices))
    low, high = int(variable.minimum or 0), int(variable.maximum or 400)
    whole = {variable.kind, variable.of} & {"days", "whole"}
    digits = st.integers(low, high) if whole else st.decimals(low, high, places=3)
    if variable.kind == "list":
        items = LINES.map(str.strip) if variable.of == "text" else digits.map(str)
        return draw(st.lists(items, min_size=variable.required, max_size=4))
    return draw(st.none() | digits.map(str))


@st.composite
def subscriptions(draw: Any, code: str) -> Subscription:
    found = check(code)
    asked = {one.key: drawn(draw, one) for one in found.VARIABLES}
    try:
        values = read_values(found, asked)
    except Invalid:  # those it draws may be crossed
        values = read_values(found, {})
    cc, bcc, users = (tuple(draw(EMAILS)) for _ in range(3))
    return subscription_of(
        check=code,
        values=plain_values(values),
        accounts=tuple(draw(KEYS)),
        branches=tuple(draw(st.lists(LINES, max_size=3))),
        cron=draw(st.sampled_from([*PRESETS.values(), "5 4 * * 1,2", "0 7 * * 1-5"])),
        recipients=Recipients(
            ("fay@example.com",), cc, bcc, users, ("csm", "finance"), csm=draw(st.booleans())
        ),
        mode=draw(st.sampled_from(["live", "test"])),
        digest=draw(st.none() | st.just("Mornings, all")),
        subject=draw(st.sampled_from(["", "Rates, low"])),
        name=draw(st.sampled_from(["Ours", "Ours, <b>theirs</b> & all"])),
    )


def sent(one: Subscription) -> dict[str, str]:
    """Return what a browser sends of the form of a subscription, as it is."""
    found = check(one.check)
    shown = replace(SUBSCRIPTION, form=form_of(found, said_of(found, one)))
    fields = sent_of(Html(page("alert_subscription.html", shown)), FORM)
    return {name: value.replace("\n", "\r\n") for name, value in fields.items()}


def saved(one: Subscription, fields: dict[str, str]) -> Subscription:
    """Return a subscription as it is once its form was sent."""
    found = check(one.check)
    asked = parse(NewSubscription, {"check": one.check, **body_of(found, fields)})
    assert asked.schedule is not None
    return replace(
        one,
        values=plain_values(read_values(found, asked.values)),
        accounts=asked.accounts,
        branches=asked.branches,
        cron=asked.schedule.fields,
        timezone=asked.schedule.timezone,
        recipients=Recipients(**dict(asked.recipients)),
        mode=asked.mode,
        digest=asked.digest,
        subject=asked.subject,
        name=asked.name or "",
        split_by=asked.split_by,
        sends_empty=asked.sends_empty,
    )


@pytest.mark.parametrize("code", codes())
def test_what_a_form_shows_sent_unchanged_changes_nothing(code: str) -> None:
    @settings(max_examples=15)
    @given(subscriptions(code))
    def law(one: Subscription) -> None:
        assert saved(one, sent(one)) == one

    law()


def test_a_name_with_a_comma_is_one_and_an_empty_list_stays_empty() -> None:
    kept = subscription_of(
        check="contract.expiring",
        values=plain_values(read_values(check("contract.expiring"), {"types": ["Lease, full"]})),
        branches=("Chicago, North", "Chicago, South "),
    )
    fields = sent(kept)
    assert fields["v.types"] == "Lease, full"
    assert fields["branches"] == "Chicago, North\r\nChicago, South "
    assert saved(kept, fields) == kept
    pool = subscription_of(check="pool.share", values={"thresholds": []})
    assert saved(pool, sent(pool)).values["thresholds"] == []
    cleared = {**sent(kept), "v.types": " \r\n", "branches": ""}
    assert saved(kept, cleared).values["types"] == []
    assert saved(kept, cleared).branches == ()


def test_a_fault_anywhere_in_a_list_is_said_beside_its_field() -> None:
    form = form_of(check("pool.share"), {})
    fault = Invalid("document_invalid", "Not so.", field="recipients.to.3")
    assert [one.fault for one in with_fault(form, fault).recipients if one.name == "to"] == [
        "Not so."
    ]
