"""Subscriptions to checks: whose they are, what they are set to and who is told. Runs nothing."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from tallybook.alerts._check import check, codes, plain_values
from tallybook.model import limits
from tallybook.model.alert import Mode, Recipients, Run, Split, Subscription
from tallybook.model.alert_ports import Alerts, Webhooks
from tallybook.model.check import Values
from tallybook.model.errors import Forbidden, Invalid, NotFound
from tallybook.model.ids import new_id
from tallybook.model.nouns import Document, Instant, Name, Noun, parse
from tallybook.model.ports import People
from tallybook.model.scope import CUSTOMERS, Role, Scope, operator
from tallybook.operations import checks, identify
from tallybook.operations._page import Page, check_limit, page_of
from tallybook.operations._times import Times, check_snooze, next_due
from tallybook.operations.checks import AskedValues, Branches, Keys
from tallybook.operations.directory import Directories
from tallybook.operations.people import Email, Plain
from tallybook.operations.position import reach

#: Roles that subscribe; others look at what there is.
SUBSCRIBERS: Final[frozenset[Role]] = frozenset(
    {"admin", "finance", "csm", "sales_rep", "customer_admin", "parent_admin"}
)
_CHECK: Final = operator("subscriptions")
Emails = Annotated[tuple[Email, ...], Field(max_length=100)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=limits.REASON_CHARS_MAX)]
Subject = Annotated[Plain, Field(min_length=1)]


class AskedRecipients(Noun):
    """Who is told; see `model.alert.Recipients`."""

    to: Emails = ()
    cc: Emails = ()
    bcc: Emails = ()
    users: Emails = ()
    roles: Annotated[tuple[Role, ...], Field(max_length=20)] = ()
    csm: bool = False
    sales_rep: bool = False
    webhooks: Annotated[tuple[Name, ...], Field(max_length=20)] = ()


class NewSubscription(Noun):
    """What is asked of a subscription; without recipients it goes to who asks, without a schedule
    it is due when its check says, in UTC.
    """

    check: Name
    name: Subject | None = None
    values: AskedValues = Field(default_factory=dict)
    accounts: Keys = ()
    branches: Branches = ()
    schedule: Times | None = None
    recipients: AskedRecipients = AskedRecipients()
    subject: Plain = ""
    split_by: Split = "none"
    snooze_until: Instant | None = None
    snooze_note: Note | None = None
    mode: Mode = "live"
    enabled: bool = True
    digest: Subject | None = None
    sends_empty: bool = False
    excluded: Annotated[dict[Name, Plain], Field(max_length=1_000)] = Field(default_factory=dict)


class SubscriptionChange(Noun):
    """What is to be different; what is left out stays. Null ends a snooze and leaves a digest; each
    snooze has its own note, or none.
    """

    name: Subject | None = None
    values: AskedValues | None = None
    accounts: Keys | None = None
    branches: Branches | None = None
    schedule: Times | None = None
    recipients: AskedRecipients | None = None
    subject: Plain | None = None
    split_by: Split | None = None
    snooze_until: Instant | None = None
    snooze_note: Note | None = None
    mode: Mode | None = None
    enabled: bool | None = None
    digest: Subject | None = None
    sends_empty: bool | None = None
    excluded: Annotated[dict[Name, Plain], Field(max_length=1_000)] | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """What subscriptions are checked against and kept in."""

    alerts: Alerts
    people: People
    directories: Directories
    webhooks: Webhooks


def subscribe(scope: Scope, desk: Desk, body: Document, now: datetime) -> Subscription:
    """Add a subscription.

    Raises:
        Forbidden: `verb_not_allowed`, `may_not_subscribe`, `value_not_allowed`.
        NotFound: `check_not_found`, `account_not_found`.
        Invalid: `document_invalid`, `cron_invalid`, `until_passed`, `until_too_far`,
            `recipients_missing`, `recipient_unknown`, `recipient_not_allowed`,
            `too_many_subscriptions`, and of the values as `alerts._check.read_values` says.
    """
    _require(scope)
    asked = parse(NewSubscription, body)
    found = checks.listed(scope, asked.check)
    times = asked.schedule or Times(preset=found.check.SCHEDULE)
    made = Subscription(
        id=new_id(now),
        check=found.code,
        name=asked.name or found.title,
        owner=scope.who,
        values=_values(scope, found.code, asked.values),
        accounts=asked.accounts,
        branches=asked.branches,
        cron=times.fields,
        timezone=times.timezone,
        recipients=_recipients(scope, desk, asked.recipients, now),
        subject=asked.subject,
        split_by=asked.split_by,
        mode=asked.mode,
        enabled=asked.enabled,
        created_at=now,
        snooze_until=asked.snooze_until,
        snooze_note=asked.snooze_note or None,
        digest=asked.digest,
        sends_empty=asked.sends_empty,
        excluded=asked.excluded,
    )
    next_due(made.cron, made.timezone, now)
    check_snooze(made.snooze_until, now, "snooze_until")
    _check_accounts(scope, desk, asked.accounts, now)
    own = [one for one in desk.alerts.subscriptions(scope) if one.owner == scope.who]
    if len(own) >= limits.SUBSCRIPTIONS_MAX:
        raise Invalid(
            "too_many_subscriptions",
            f"Nobody has more than {limits.SUBSCRIPTIONS_MAX} subscriptions; remove one first.",
            limit=limits.SUBSCRIPTIONS_MAX,
        )
    desk.alerts.add(scope, made)
    return made


def change(
    scope: Scope, desk: Desk, subscription_id: str, body: Document, now: datetime
) -> Subscription:
    """Change a subscription; only its owner and administrators may. What is not asked for is not
    checked: one with an account or a webhook that is gone can still be switched off.

    It holds for its owner: an administrator names accounts and people that its owner may. What was
    due while it was off, snoozed or at other times is not made up for.

    Raises:
        Forbidden: `verb_not_allowed`, `may_not_subscribe`, `not_yours`, `value_not_allowed`.
        NotFound: `subscription_not_found`, `account_not_found`.
        Invalid: as `subscribe`.
    """
    known = _own(scope, desk.alerts, subscription_id)
    asked = parse(SubscriptionChange, body)
    owner = behalf(scope, desk, known.owner, now)
    given = asked.model_fields_set
    plain = ("name", "accounts", "branches", "subject", "split_by", "mode", "enabled")
    wanted: dict[str, Any] = {
        name: value
        for name in (*plain, "sends_empty", "excluded")
        if (value := getattr(asked, name)) is not None
    }
    wanted |= {name: getattr(asked, name) for name in ("snooze_until", "digest") if name in given}
    is_snoozed_anew = wanted.get("snooze_until", known.snooze_until) != known.snooze_until
    if is_snoozed_anew or "snooze_note" in given:
        wanted["snooze_note"] = asked.snooze_note or None
    if asked.values is not None:
        wanted["values"] = _values(scope, known.check, asked.values)
    if asked.recipients is not None:
        wanted["recipients"] = _recipients(owner, desk, asked.recipients, now)
    if asked.schedule is not None:
        wanted |= {"cron": asked.schedule.fields, "timezone": asked.schedule.timezone}
    _check_accounts(owner, desk, asked.accounts or (), now)
    changed = replace(known, **wanted)
    next_due(changed.cron, changed.timezone, now)
    if is_snoozed_anew:
        check_snooze(changed.snooze_until, now, "snooze_until")
    if _begins_anew(known, changed, now) and (changed.snooze_until or now) <= now:
        changed = replace(changed, snooze_until=now)
    if changed != known:
        desk.alerts.change(scope, changed, now)
    return changed


def unsubscribe(scope: Scope, alerts: Alerts, subscription_id: str, now: datetime) -> None:
    """Remove a subscription with all it found; only its owner and administrators may.

    Raises:
        Forbidden: `verb_not_allowed`, `may_not_subscribe`, `not_yours`.
        NotFound: `subscription_not_found`.
    """
    _own(scope, alerts, subscription_id)
    if not alerts.remove(scope, subscription_id, now):
        raise _not_found()


def mine(
    scope: Scope,
    alerts: Alerts,
    *,
    cursor: str | None = None,
    limit: int = limits.PAGE_ROWS_DEFAULT,
) -> Page[Subscription]:
    """Return the subscriptions the scope sees, oldest first; each as `one` tells it.

    Raises:
        Forbidden: `verb_not_allowed`.
        Invalid: `limit_invalid`, `cursor_invalid`.
    """
    scope.require("read")
    found = [_told(scope, known) for known in alerts.subscriptions(scope)]
    return page_of(found, lambda one: one.id, cursor=cursor, limit=limit)


def one(scope: Scope, alerts: Alerts, subscription_id: str) -> Subscription:
    """Return a subscription; who sees no prices is told no amounts that somebody else set.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `subscription_not_found`.
    """
    scope.require("read")
    found = alerts.subscription(scope, subscription_id)
    if found is None:
        raise _not_found()
    return _told(scope, found)


def runs(
    scope: Scope,
    alerts: Alerts,
    subscription_id: str,
    *,
    before: str | None = None,
    limit: int = limits.PAGE_ROWS_DEFAULT,
) -> tuple[list[Run], bool]:
    """Return runs of a subscription, newest first, and whether there are more.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `subscription_not_found`.
        Invalid: `limit_invalid`.
    """
    one(scope, alerts, subscription_id)
    check_limit(limit)
    found = alerts.runs(scope, subscription_id, limit + 1, before)
    return found[:limit], len(found) > limit


def next_run(subscription: Subscription, now: datetime) -> datetime | None:
    """Return when a subscription is due next, in UTC; None while it is off.

    Raises:
        Invalid: `cron_invalid`.
    """
    start = max(now, subscription.snooze_until or now)
    due = next_due(subscription.cron, subscription.timezone, start)
    return due if subscription.enabled else None


def check_recipients(scope: Scope, desk: Desk, made: Recipients, now: datetime) -> None:
    """Refuse recipients that are not there, and, of a customer's, whom they may not tell.

    Raises:
        Invalid: `recipient_unknown`, `recipient_not_allowed`.
    """
    for email in made.users:
        if desk.people.user(scope, email) is None:
            raise _unknown("users", f"{email} is no user; add the user first, or use to.")
    known = {one.id for one in desk.webhooks.webhooks(_CHECK)} if made.webhooks else ()
    for webhook in made.webhooks:
        if webhook not in known:
            raise _unknown("webhooks", f"There is no webhook {webhook!r}; see GET /webhooks.")
    if scope.accounts is None:
        return
    if made.csm or made.sales_rep or made.webhooks or set(made.roles) - CUSTOMERS:
        raise _not_allowed("Name addresses of your own users, or roles of customers.")
    for email in (*made.to, *made.cc, *made.bcc, *made.users):
        user = desk.people.user(scope, email)
        if user is None or user.account is None or not scope.sees(user.account, now):
            raise _not_allowed(f"{email} is no user of the accounts of {scope.who}.")


def may_subscribe(scope: Scope) -> bool:
    """Tell whether the scope may have subscriptions."""
    return scope.may("contact") and scope.role in SUBSCRIBERS


def may_change(scope: Scope, subscription: Subscription) -> bool:
    """Tell whether the scope may change a subscription and run it."""
    return may_subscribe(scope) and _is_theirs(scope, subscription)


def behalf(scope: Scope, desk: Desk, owner: str, now: datetime) -> Scope:
    """Return what the owner of a subscription may see now, for who changes it in their place; the
    caller's own scope where there is no such owner any more.
    """
    if owner == scope.who:
        return scope
    return identify.by_name(desk.people, desk.directories, owner, now) or scope


def require_own(scope: Scope, subscription: Subscription) -> None:
    """Refuse who may not change a subscription or run it.

    Raises:
        Forbidden: `verb_not_allowed`, `may_not_subscribe`, `not_yours`.
    """
    _require(scope)
    if not _is_theirs(scope, subscription):
        raise Forbidden(
            "not_yours", "Only its owner and administrators change or run a subscription."
        )


def _require(scope: Scope) -> None:
    scope.require("read")
    if not may_subscribe(scope):
        raise Forbidden(
            "may_not_subscribe",
            f"The role {scope.role} does not subscribe to checks; ask an administrator to.",
        )


def _is_theirs(scope: Scope, subscription: Subscription) -> bool:
    return subscription.owner == scope.who or scope.may("administer")


def _own(scope: Scope, alerts: Alerts, subscription_id: str) -> Subscription:
    _require(scope)
    known = one(scope, alerts, subscription_id)
    require_own(scope, known)
    return known


def _told(scope: Scope, known: Subscription) -> Subscription:
    if scope.sees_prices or known.owner == scope.who or known.check not in codes():
        return known
    hidden = checks.money_of(check(known.check))
    return replace(
        known, values={key: None if key in hidden else v for key, v in known.values.items()}
    )


def _values(scope: Scope, code: str, given: Values) -> Values:
    """Return values as they are kept: whatever a check reads, as JSON has it."""
    return plain_values(checks.values_of(scope, checks.listed(scope, code), given))


def _begins_anew(known: Subscription, changed: Subscription, now: datetime) -> bool:
    is_on = changed.enabled and not known.enabled
    was_asleep = known.snooze_until is not None and known.snooze_until > now
    is_other = (known.cron, known.timezone) != (changed.cron, changed.timezone)
    return is_on or was_asleep or is_other


def _check_accounts(scope: Scope, desk: Desk, accounts: Iterable[str], now: datetime) -> None:
    directory = desk.directories.current(scope).on(now.date())
    for account in accounts:
        reach(scope, directory, account, now)


def _recipients(scope: Scope, desk: Desk, asked: AskedRecipients, now: datetime) -> Recipients:
    """Return whom to tell: the caller where nobody is named."""
    made = Recipients(**{name: _once(value) for name, value in asked})
    if made == Recipients():
        if desk.people.user(scope, scope.who) is None:
            raise Invalid(
                "recipients_missing",
                "A key has no address of its own; name who is told in recipients.",
                field="recipients",
            )
        made = Recipients(users=(scope.who,))
    check_recipients(scope, desk, made, now)
    return made


def _once(value: Any) -> Any:
    return tuple(dict.fromkeys(value)) if isinstance(value, tuple) else value


def _unknown(name: str, detail: str) -> Invalid:
    return Invalid("recipient_unknown", detail, field=f"recipients.{name}")


def _not_allowed(detail: str) -> Invalid:
    return Invalid("recipient_not_allowed", detail, field="recipients")


def _not_found() -> NotFound:
    return NotFound("subscription_not_found", "There is no subscription with this id to be seen.")
