"""Puts one address in the place of another: in all subscriptions that somebody may change, to
checks and to pages, or in none. Sends nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Annotated, NamedTuple

from pydantic import Field

from tallybook.model.alert import Recipients, Subscription
from tallybook.model.nouns import Document, Noun, parse
from tallybook.model.ports import Schedules
from tallybook.model.schedule import ReportSchedule
from tallybook.model.scope import Scope
from tallybook.operations.people import Email
from tallybook.operations.report_schedules import check_recipient
from tallybook.operations.subscriptions import Desk, behalf, check_recipients, may_change


class AddressChange(Noun):
    """One address to take the place of another; `dry_run` only says where."""

    from_: Annotated[Email, Field(alias="from")]
    to: Email
    dry_run: bool = True


class Readdressed(NamedTuple):
    """Subscriptions to checks and to pages as they are then."""

    checks: list[Subscription]
    pages: list[ReportSchedule]


def readdress(
    scope: Scope, desk: Desk, schedules: Schedules, body: Document, now: datetime
) -> Readdressed:
    """Put one address in the place of another, and return what that changes; with `dry_run` nothing
    is changed. Whom a subscription tells is its owner's to choose: an administrator puts nobody in
    their place whom they may not tell.

    Raises:
        Forbidden: `verb_not_allowed`.
        Invalid: `document_invalid`, `recipient_unknown`, `recipient_not_allowed`.
    """
    scope.require("read")
    asked = parse(AddressChange, body)
    found = Readdressed(
        [*_checks(scope, desk, asked, now)], [*_pages(scope, desk, schedules, asked, now)]
    )
    if not asked.dry_run and any(found):
        checks = {one.id: one.recipients for one in found.checks}
        pages = {one.id: one.recipients for one in found.pages}
        desk.alerts.readdress(scope, checks, pages, now)
    return found


def _checks(
    scope: Scope, desk: Desk, asked: AddressChange, now: datetime
) -> Iterator[Subscription]:
    for known in desk.alerts.subscriptions(scope):
        recipients = _replaced(known.recipients, asked)
        if recipients != known.recipients and may_change(scope, known):
            owner = behalf(scope, desk, known.owner, now)
            check_recipients(owner, desk, _only(recipients, asked.to), now)
            yield replace(known, recipients=recipients)


def _pages(
    scope: Scope, desk: Desk, schedules: Schedules, asked: AddressChange, now: datetime
) -> Iterator[ReportSchedule]:
    every = schedules.every if scope.may("administer") else schedules.schedules
    for known in every(scope):
        if asked.from_ in known.recipients:
            owner = behalf(scope, desk, known.owner, now)
            check_recipient(owner, desk.people, asked.to, now)
            yield replace(known, recipients=_put(known.recipients, asked))


def _put(addresses: Iterable[str], asked: AddressChange) -> tuple[str, ...]:
    """Return addresses with the one in the place of the other, each once."""
    return tuple(dict.fromkeys(asked.to if one == asked.from_ else one for one in addresses))


def _replaced(known: Recipients, asked: AddressChange) -> Recipients:
    return replace(
        known,
        to=_put(known.to, asked),
        cc=_put(known.cc, asked),
        bcc=_put(known.bcc, asked),
        users=_put(known.users, asked),
    )


def _only(recipients: Recipients, address: str) -> Recipients:
    """Return recipients with this address alone, wherever it stands."""

    def kept(addresses: tuple[str, ...]) -> tuple[str, ...]:
        return (address,) if address in addresses else ()

    return Recipients(
        to=kept(recipients.to),
        cc=kept(recipients.cc),
        bcc=kept(recipients.bcc),
        users=kept(recipients.users),
    )
