"""Runs subscriptions when they are due: asks their checks with what the owner may see then, and
writes what is found and what is to be sent in one transaction. Sends nothing.

Of the times that were missed, the last one is run (docs/decisions/0023).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from tallybook.alerts._check import read_values
from tallybook.model.alert import Finding, Run, RunKind, Subscription
from tallybook.model.alert_ports import Alerts
from tallybook.model.delivery import Delivery
from tallybook.model.directory import Directory
from tallybook.model.errors import Conflict, Forbidden, Overloaded, TallybookError, Unavailable
from tallybook.model.ids import new_id
from tallybook.model.intake import Intake
from tallybook.model.mark import Mark
from tallybook.model.ports import Books, Events, Ledger, People, Snapshot, Statements
from tallybook.model.scope import Scope, operator
from tallybook.operations import checks, identify, subscriptions
from tallybook.operations._times import last_due
from tallybook.operations.compose import Desk, Part, compose
from tallybook.operations.directory import Directories
from tallybook.operations.known import known
from tallybook.operations.policies import Occasion, judge
from tallybook.operations.view import ENDED_MAX, SETTLES, Sources

#: Who subscribed at the command line of the machine itself.
COMMAND_LINE: Final = "command line"
log = structlog.get_logger()

_MINUTE: Final = timedelta(minutes=1)
#: A store that did not answer the first so many subscriptions is down.
_SILENT_MAX: Final = 3
#: Runs that are read together, to find the last that could judge.
_RUNS: Final = 20
_WATCH: Final = operator("watch")

#: Subscriptions that are decided together, and when they were due.
Due = tuple[tuple[Subscription, ...], datetime]


@dataclass(frozen=True, slots=True)
class Stores:
    """What runs are worked out from and written to."""

    alerts: Alerts
    people: People
    books: Books
    ledger: Ledger
    events: Events
    snapshot: Snapshot
    statements: Statements
    intake: Intake
    directories: Directories

    @property
    def sources(self) -> Sources:
        """Return what checks look into."""
        return Sources(self.ledger, self.events, self.snapshot, self.statements, self.intake)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run, what it says as the caller may see it, and what is sent; of a dry run, would be."""

    run: Run
    said: tuple[Finding, ...]
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class _Now:
    """One mark for all that is run together."""

    stores: Stores
    mark: Mark
    directory: Directory
    now: datetime


def due(stores: Stores, now: datetime) -> list[Due]:
    """Return what is due: each subscription once, for the last time that it was. Those of one owner
    with the same digest that were due at once are together.
    """
    found: dict[tuple[str, ...], list[Subscription]] = {}
    times: dict[tuple[str, ...], datetime] = {}
    for one in stores.alerts.subscriptions(_WATCH):
        at = _due_at(one, now)
        if at is None:
            continue
        key = (one.owner, one.digest, str(at)) if one.digest else (one.id,)
        found.setdefault(key, []).append(one)
        times[key] = at
    return [(tuple(some), times[key]) for key, some in found.items()]


def watch(stores: Stores, now: datetime) -> int:
    """Run all that is due, and return how many subscriptions were decided here.

    A run that is refused, or fails, is one that says why, so that it keeps nothing of the others.
    Where a store does not answer one, the others are tried all the same; not where the first few it
    is asked for are not answered, which are others the next minute.

    Raises:
        Unavailable, Overloaded: a store does not answer; what was not decided is due again.
    """
    decided, silent = 0, list[TallybookError]()
    for some, at in _turned(due(stores, now), now):
        try:
            decided += _decide(stores, some, at, now)
        except (Overloaded, Unavailable) as e:
            silent.append(e)
            if not decided and len(silent) >= _SILENT_MAX:
                break
    if silent:
        raise silent[0]
    return decided


def _turned(found: list[Due], now: datetime) -> list[Due]:
    """Return what is due, for each minute that some of it has waited begun with the next few, so
    that those which no store answers keep back no others.
    """
    waited = max(((now - at) // _MINUTE for _, at in found), default=0)
    first = waited * _SILENT_MAX % max(1, len(found))
    return found[first:] + found[:first]


def run(
    scope: Scope,
    stores: Stores,
    subscription: Subscription,
    now: datetime,
    kind: RunKind = "standard",
    *,
    dry_run: bool = False,
) -> Outcome:
    """Run a subscription now, with what its owner may see; with `dry_run` nothing is written.

    Raises:
        Forbidden: `verb_not_allowed`, `may_not_subscribe`, `not_yours`; `owner_gone`.
        NotFound: `account_not_found`, where one it was narrowed to is not the owner's any more.
        Conflict: `run_decided`, where another run came first; `findings_changed`, where somebody
            wrote its findings meanwhile.
    """
    subscriptions.require_own(scope, subscription)
    here = _now(stores, now)
    one, part = _evaluate(here, subscription, kind, now)
    deliveries = compose(_desk(here), [part])
    if not dry_run:
        judged = part.judged
        stores.alerts.decide(_WATCH, one, judged.findings, judged.events, deliveries)
    check = part.listed.check
    said = tuple(checks.told(scope, here.directory, check, f) for f in part.judged.said)
    return Outcome(one, said, tuple(deliveries))


def _due_at(subscription: Subscription, now: datetime) -> datetime | None:
    if not subscription.enabled:
        return None
    since = (subscription.created_at, subscription.due_at, subscription.snooze_until)
    after = max(at for at in since if at is not None)
    return last_due(subscription.cron, subscription.timezone, after, now)


def _decide(stores: Stores, some: Sequence[Subscription], at: datetime, now: datetime) -> int:
    """Run subscriptions that are due and write what comes of it; 0 where others were faster: what
    they did not decide is due still.

    Raises:
        Unavailable: what a store says.
    """
    if _are_decided(stores, some, at):
        return 0
    here = _now(stores, now)
    runs, parts = _evaluated(here, some, at)
    try:
        return _written(here, runs, parts)
    except (Overloaded, Unavailable):
        raise
    except Exception as e:
        log.exception("run not written", subscriptions=[one.id for one in some])
        return _written(here, [_failed(one, e) for one in runs], [])


def _evaluated(
    here: _Now, some: Iterable[Subscription], at: datetime
) -> tuple[list[Run], list[Part]]:
    """Return a run of each subscription, and what those say that went well.

    Raises:
        Overloaded, Unavailable: a store does not answer.
    """
    runs: list[Run] = []
    parts: list[Part] = []
    for one in some:
        try:
            made, part = _evaluate(here, one, "standard", at)
            parts.append(part)
        except (Overloaded, Unavailable):
            raise
        except TallybookError as e:
            made = _run(here, one, "standard", at, error=f"{e.code}: {e.detail}")
        except Exception as e:
            log.exception("run failed", subscription=one.id, check=one.check)
            made = _failed(_run(here, one, "standard", at), e)
        runs.append(made)
    return runs, parts


def _written(here: _Now, runs: Sequence[Run], parts: Sequence[Part]) -> int:
    """Write runs that are decided together, and return how many; 0 where others were faster."""
    findings = [f for part in parts for f in part.judged.findings]
    events = [event for part in parts for event in part.judged.events]
    deliveries = compose(_desk(here), parts)
    try:
        here.stores.alerts.decide(_WATCH, runs[0], findings, events, deliveries, runs[1:])
    except Conflict:
        return 0
    return len(runs)


def _failed(run: Run, error: Exception) -> Run:
    """Return a run that says it failed and left nothing."""
    said = f"fault: {type(error).__name__}: {error}"
    return replace(run, found=0, said=0, resolved=0, error=run.error or said)


def _are_decided(stores: Stores, some: Iterable[Subscription], at: datetime) -> bool:
    """Tell whether another process has run one of these since they were listed."""
    for one in some:
        now = stores.alerts.subscription(_WATCH, one.id)
        if now is None or (now.due_at is not None and now.due_at >= at):
            return True
    return False


def _now(stores: Stores, now: datetime) -> _Now:
    mark = known(_WATCH, stores.books, stores.ledger, stores.events, None, now)
    directory = stores.directories.at(_WATCH, mark.revision).on(mark.now.date())
    return _Now(stores, mark, directory, now)


def _desk(here: _Now) -> Desk:
    stores = here.stores
    state = stores.snapshot.state(_WATCH)
    through = state.mark.now if state else here.now
    return Desk(
        stores.people,
        stores.directories,
        here.directory,
        here.mark,
        here.now,
        min(through, here.now),
    )


def _evaluate(
    here: _Now, subscription: Subscription, kind: RunKind, at: datetime
) -> tuple[Run, Part]:
    """Return a run of a subscription for when it was due, and what it is to say.

    Raises:
        Forbidden: `owner_gone`, `verb_not_allowed`.
        NotFound: `check_not_found`, `account_not_found`.
        Invalid: what is kept is none of the check's values any more.
    """
    owner = _owner(here, subscription)
    listed = checks.listed(owner, subscription.check)
    values = read_values(listed.check, subscription.values)
    view = checks.sight(
        owner,
        here.stores.sources,
        here.directory,
        here.mark,
        subscription.accounts,
        subscription.branches,
        _last(here.stores.alerts, subscription, here.now),
    )
    told = "test" if subscription.mode == "test" else kind
    found = checks.evaluate(view, listed.check, values)
    remembered = here.stores.alerts.remembered(_WATCH, subscription.id) if told != "test" else ()
    made = _run(here, subscription, kind, at)
    occasion = Occasion(subscription, listed.check, told, made.id, here.now)
    judged = judge(occasion, remembered, found.said)
    made = replace(
        made,
        evaluated=found.evaluated,
        found=judged.found,
        said=len(judged.said),
        resolved=judged.resolved,
        unjudged=judged.unjudged,
    )
    return made, Part(subscription, owner, listed, values, told, made.id, judged, found.evaluated)


def _last(alerts: Alerts, subscription: Subscription, now: datetime) -> datetime:
    """Return since when what ended may not have been told, or not whole: by the last run that could
    judge use, or since it was switched on or woke.
    """
    created = subscription.created_at
    judged = _judged_at(alerts, subscription.id, now) or created
    return max(max(judged, subscription.snooze_until or created) - SETTLES, created)


def _judged_at(alerts: Alerts, subscription_id: str, now: datetime) -> datetime | None:
    """Return when the last run was due that could judge use; None where it is long ago."""
    before = None
    while some := alerts.runs(_WATCH, subscription_id, _RUNS, before):
        for one in some:
            if (
                one.kind != "test"
                and one.error is None
                and "data_stale" not in (one.unjudged or {})
            ):
                return one.due_at
            if one.due_at < now - ENDED_MAX:
                return None
        before = some[-1].id
    return None


def _owner(here: _Now, subscription: Subscription) -> Scope:
    who = subscription.owner
    if who == COMMAND_LINE:
        return operator(who)
    stores = here.stores
    scope = identify.by_name(stores.people, stores.directories, who, here.now)
    if scope is None or not subscriptions.may_subscribe(scope):
        raise Forbidden(
            "owner_gone", f"{who} may not subscribe any more; have somebody else subscribe to it."
        )
    return scope


def _run(
    here: _Now, subscription: Subscription, kind: RunKind, at: datetime, error: str | None = None
) -> Run:
    return Run(
        id=new_id(here.now),
        subscription=subscription.id,
        kind=kind,
        due_at=at,
        started_at=here.now,
        finished_at=here.now,
        known_at=here.mark,
        unjudged={},
        error=error,
    )
