"""What is sent of a run: who is told, what each may see of it, and the words, as HTML and as text.
Decides nothing about what is said, and sends nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from tallybook.model.alert import Finding, FindingAct, RunKind, Subscription
from tallybook.model.check import Values
from tallybook.model.delivery import Delivery
from tallybook.model.directory import Directory
from tallybook.model.ids import new_id
from tallybook.model.mark import Mark
from tallybook.model.plain import plain
from tallybook.model.ports import People
from tallybook.model.scope import Scope, operator
from tallybook.model.time import Calendar
from tallybook.operations import checks
from tallybook.operations._letter import ROWS_MAX, Letter, Section, html_of, text_of
from tallybook.operations._readers import Reader, reader
from tallybook.operations._recipients import manager
from tallybook.operations.checks import Listed
from tallybook.operations.directory import Directories
from tallybook.operations.policies import Judged

How = Literal["to", "cc", "bcc"]
_HOWS: Final[tuple[How, ...]] = ("to", "cc", "bcc")
_TELL: Final = operator("alerts")


@dataclass(frozen=True, slots=True)
class Part:
    """A run of one subscription that is told of: alone, or as one of a digest. `owner` is what its
    owner may see now.
    """

    subscription: Subscription
    owner: Scope
    listed: Listed
    values: Values
    kind: RunKind
    run: str
    judged: Judged
    evaluated: int

    @property
    def is_test(self) -> bool:
        """Tell whether only the owner hears of it."""
        return self.kind == "test"

    @property
    def reasons(self) -> Mapping[str, FindingAct]:
        """Return why each finding is said, by its id: what happened to it in this run."""
        return {event.finding: event.act for event in self.judged.events if event.act != "said"}


@dataclass(frozen=True, slots=True)
class Desk:
    """Who there is, and what the findings are about, as of one mark."""

    people: People
    directories: Directories
    directory: Directory
    mark: Mark
    now: datetime
    data_through: datetime


@dataclass(frozen=True, slots=True)
class _Shown:
    """What some readers see of a part: findings, with or without money, which of the accounts that
    it is narrowed to, and, where it `is_whole`, how much was looked at and could not be judged.
    """

    part: Part
    findings: tuple[Finding, ...]
    sees_money: bool
    accounts: tuple[str, ...]
    is_whole: bool


@dataclass(slots=True)
class _Mail:
    """A mail in the making: one for all who see the same of it."""

    sections: list[_Shown]
    account: str
    to: list[str] = field(default_factory=list)
    cc: list[str] = field(default_factory=list)
    bcc: list[str] = field(default_factory=list)


def compose(desk: Desk, parts: Sequence[Part]) -> list[Delivery]:
    """Return what is sent of runs that were decided together: mails, and posts to webhooks.

    A run that says nothing sends nothing, unless its subscription wants empty mails.
    """
    told = [
        part for part in parts if part.judged.said or part.subscription.sends_empty or part.is_test
    ]
    mails = [_delivery(desk, mail) for mail in _mails(desk, told)]
    return [*mails, *(post for part in told for post in _posts(desk, part))]


#: Who is told, how and of which findings, before what they may see is looked at.
_Addressed = dict[str, tuple[How, tuple[Finding, ...]]]


def _mails(desk: Desk, parts: Sequence[Part]) -> list[_Mail]:
    """Return a mail for all who see the same, or for each where the subscription splits; what none
    of these shows goes to who answers for the subscription.
    """
    made = list(_made(desk, [(part, _addressed(desk, part)) for part in parts]))
    rest = [(part, _instead(desk, part, left)) for part in parts if (left := _untold(part, made))]
    return [*made, *_made(desk, rest)]


def _made(desk: Desk, parts: Sequence[tuple[Part, _Addressed]]) -> Iterator[_Mail]:
    made: dict[object, _Mail] = {}
    addressed: dict[str, How] = {}
    seen: dict[str, list[tuple[Part, tuple[Finding, ...]]]] = {}
    for part, told in parts:
        for address, (how, findings) in told.items():
            known = addressed.get(address, how)
            addressed[address] = min(known, how, key=_HOWS.index)
            seen.setdefault(address, []).append((part, findings))
    for address, how in addressed.items():
        owner = parts[0][0].owner  # those of a digest have one owner
        viewer = reader(desk.people, desk.directories, owner, address, desk.now)
        if viewer is None:
            continue
        for key, sections in _shown(desk, viewer, seen[address]):
            split = any(one.part.subscription.split_by == "recipient" for one in sections)
            whole = (key, address if split else None)
            mail = made.setdefault(whole, _Mail(sections, viewer.account))
            mail.account = mail.account if mail.account == viewer.account else ""
            getattr(mail, how).append(address)
    yield from made.values()


def _untold(part: Part, mails: Iterable[_Mail]) -> tuple[Finding, ...]:
    """Return what is said and stands in no mail, and is posted nowhere."""
    if part.is_test or part.subscription.recipients.webhooks:
        return ()
    sections = (one for mail in mails for one in mail.sections if one.part is part)
    told = {finding.id for one in sections for finding in one.findings}
    return tuple(one for one in part.judged.said if one.id not in told)


def _instead(desk: Desk, part: Part, left: tuple[Finding, ...]) -> _Addressed:
    """Return who hears of what nobody else would: the owner, or the vendor's administrators where
    the owner has no address.
    """
    owner = desk.people.user(_TELL, part.subscription.owner)
    if owner is not None:
        return {owner.email: ("to", left)}
    if part.owner.is_customer:
        return {}
    every = desk.people.users(_TELL)
    return {u.email: ("to", left) for u in every if u.role == "admin" and u.state == "active"}


def _shown(
    desk: Desk, viewer: Reader, seen: Sequence[tuple[Part, tuple[Finding, ...]]]
) -> Iterator[tuple[object, list[_Shown]]]:
    """Yield each mail that a viewer gets: what makes it the same as another's, and its sections."""
    by_branch: dict[str | None, list[_Shown]] = {}
    keys: dict[str | None, list[object]] = {}
    for part, findings in seen:
        kept = [(one, _as_seen(desk, viewer, part, one)) for one in findings]
        pairs = [(one, shown) for one, shown in kept if shown is not None]
        if findings and not pairs and not part.subscription.sends_empty:
            continue
        splits = part.subscription.split_by == "branch" and pairs
        for branch in dict.fromkeys(one.branch for one, _ in pairs) if splits else (None,):
            some = [pair for pair in pairs if not splits or pair[0].branch == branch]
            priced = all(one is shown for one, shown in some) if some else viewer.scope.sees_prices
            accounts, is_whole = _about(desk, viewer, part)
            section = _Shown(part, tuple(shown for _, shown in some), priced, accounts, is_whole)
            by_branch.setdefault(branch, []).append(section)
            ids = tuple((one.id, one is shown) for one, shown in some)
            keys.setdefault(branch, []).append((part.run, ids, priced, accounts, is_whole))
    for branch, sections in by_branch.items():
        yield (branch, tuple(keys[branch])), sections


def _about(desk: Desk, viewer: Reader, part: Part) -> tuple[tuple[str, ...], bool]:
    """Return which of the accounts that a part is narrowed to a viewer may hear of, and whether all
    that it looked at is theirs to know: customers know of their own only.
    """
    scope, asked = viewer.scope, part.subscription
    if not scope.is_customer or scope.who == asked.owner:
        return asked.accounts, True
    return tuple(one for one in asked.accounts if scope.sees(one, desk.now)), False


def _as_seen(desk: Desk, viewer: Reader, part: Part, finding: Finding) -> Finding | None:
    """Return a finding as somebody may see it; None where they may not."""
    scope = viewer.scope_of(desk.directory, finding.account, finding.contract or "")
    if viewer.user is not None and not _may_hear(desk, scope, part, finding):
        return None
    return checks.told(scope, desk.directory, part.listed.check, finding)


def _may_hear(desk: Desk, scope: Scope, part: Part, finding: Finding) -> bool:
    is_theirs = not scope.is_customer or part.listed.category in checks.FOR_CUSTOMERS
    return is_theirs and scope.sees(finding.account, desk.now)


def _addressed(desk: Desk, part: Part) -> _Addressed:
    """Return who is told, how, and of which findings, before what they may see is looked at."""
    said = part.judged.said
    if part.is_test:
        owner = desk.people.user(_TELL, part.subscription.owner)
        return {owner.email: ("to", said)} if owner else {}
    asked = part.subscription.recipients
    told: dict[str, dict[str, Finding]] = {}
    hows: dict[str, How] = {}
    for how, address, findings in [
        *(("to", one, said) for one in (*asked.to, *asked.users)),
        *_of_roles(desk, part),
        *_of_contracts(desk, part),
        *(("cc", one, said) for one in asked.cc),
        *(("bcc", one, said) for one in asked.bcc),
    ]:
        hows.setdefault(address, how)
        told.setdefault(address, {}).update((one.id, one) for one in findings)
    order = {one.id: place for place, one in enumerate(said)}
    return {
        address: (hows[address], tuple(sorted(found.values(), key=lambda one: order[one.id])))
        for address, found in told.items()
    }


def _of_roles(desk: Desk, part: Part) -> Iterator[tuple[How, str, Iterable[Finding]]]:
    """Yield the users of roles, each with the findings of their branches."""
    roles = part.subscription.recipients.roles
    for user in desk.people.users(_TELL) if roles else ():
        if user.role in roles and user.state == "active":
            theirs = [
                one for one in part.judged.said if not user.branches or one.branch in user.branches
            ]
            if theirs or not part.judged.said:
                yield "to", user.email, theirs


def _of_contracts(desk: Desk, part: Part) -> Iterator[tuple[How, str, Iterable[Finding]]]:
    """Yield the CSM and the sales rep of each contract, where they are to be told."""
    asked = part.subscription.recipients
    for one in part.judged.said:
        contract = desk.directory.contract(one.contract) if one.contract else None
        rep = contract.sales_rep if contract else None
        csm = manager(desk.directory, one.account, one.contract or "") if asked.csm else None
        for person in (csm, rep if asked.sales_rep else None):
            if person is not None and person.email:
                yield "to", person.email.lower(), (one,)


def _delivery(desk: Desk, mail: _Mail) -> Delivery:
    letter = _letter(desk, mail)
    first = mail.sections[0].part
    return Delivery(
        id=new_id(desk.now),
        kind="alert.findings",
        account=mail.account,
        recipients=tuple(mail.to),
        cc=tuple(mail.cc),
        bcc=tuple(mail.bcc),
        subject=letter.subject,
        body=text_of(letter),
        html=html_of(letter),
        link=letter.link,
        numbers={
            "checks": [one.part.listed.code for one in mail.sections],
            "findings": [f.id for one in mail.sections for f in one.findings[:ROWS_MAX]],
            "count": sum(len(one.findings) for one in mail.sections),
            "known_at": str(desk.mark),
        },
        created_at=desk.now,
        created_by=first.subscription.owner,
        due_at=desk.now,
        subscription=first.subscription.id,
        run=first.run,
    )


def _letter(desk: Desk, mail: _Mail) -> Letter:
    first = mail.sections[0].part
    count = sum(len(one.findings) for one in mail.sections)
    counted = f"{count} finding{'' if count == 1 else 's'}"
    subscription = first.subscription
    named = subscription.digest or subscription.name
    subject = subscription.subject or f"{named}: {counted}"
    return Letter(
        subject=f"[Test] {subject}" if first.is_test else subject,
        title=f"{named}: {counted}",
        link=_link(mail),
        timezone=subscription.timezone,
        now=desk.now,
        data_through=_complete(desk.data_through, subscription.timezone),
        sections=tuple(map(_section, mail.sections)),
    )


def _section(shown: _Shown) -> Section:
    part = shown.part
    return Section(
        part.subscription,
        part.listed,
        part.values,
        shown.findings,
        part.reasons,
        part.judged.unjudged if shown.is_whole else {},
        shown.accounts,
        part.evaluated if shown.is_whole else None,
        shown.sees_money,
    )


def _complete(instant: datetime, timezone: str) -> datetime:
    """Return the end of the last day that is complete by the clock of a zone."""
    days = Calendar(timezone)
    return days.start_of(days.day_of(instant))


def _link(mail: _Mail) -> str:
    """Return the page of what a mail tells: of one finding, or of all of the subscription."""
    first = mail.sections[0].part
    found = [finding for one in mail.sections for finding in one.findings]
    if first.is_test:
        return f"/alerts/{first.listed.code}"
    if len(found) == 1:
        return f"/findings/{found[0].id}"
    return f"/findings?subscription={first.subscription.id}"


def _posts(desk: Desk, part: Part) -> Iterator[Delivery]:
    """Yield a post of each finding to each webhook, in order for each finding; it shows what the
    owner of the subscription may see.
    """
    targets = () if part.is_test else part.subscription.recipients.webhooks
    if not targets:
        return
    for one in part.judged.said:
        shown = checks.told(part.owner, desk.directory, part.listed.check, one)
        for target in targets:
            yield Delivery(
                id=new_id(desk.now),
                kind="alert.findings",
                account="",
                recipients=(),
                subject=f"{part.listed.title}: {one.entity}",
                body=one.message,
                link=f"/findings/{one.id}",
                numbers=_posted(part, shown),
                created_at=desk.now,
                created_by=part.subscription.owner,
                due_at=desk.now,
                channel="webhook",
                target=target,
                sequence_of=f"{target}/{one.id}",
                subscription=part.subscription.id,
                run=part.run,
            )


def _posted(part: Part, finding: Finding) -> dict[str, Any]:
    names = (
        *("id", "check", "entity", "account", "contract", "line", "branch", "state", "severity"),
        *("message", "inputs", "outputs", "money_at_risk", "currency", "status", "first_seen"),
    )
    told: dict[str, Any] = plain({name: getattr(finding, name) for name in names})
    reason = part.reasons.get(finding.id, "found")
    return {**told, "reason": reason, "subscription": part.subscription.id, "run": part.run}
