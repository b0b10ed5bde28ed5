"""Says what changes of definitions would do, without writing them: from which day, what would
differ, and why it would be refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from tallybook.model.difference import Change as Difference
from tallybook.model.directory import Directory
from tallybook.model.errors import Fault, Invalid, faults_of
from tallybook.model.ports import NounName, Version
from tallybook.model.scope import Scope
from tallybook.operations._shown import changes
from tallybook.operations.define import Change, Plan
from tallybook.operations.definitions import findings_of
from tallybook.operations.directory import Directories

Outcome = Literal["created", "changed", "unchanged", "refused"]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a change would do. `changes` are to what holds on its day now; with `faults` it would
    be refused, and `findings` are what would be odd about it. `version` is as it would be written,
    None for what cannot be read.
    """

    noun: NounName
    key: str
    outcome: Outcome
    version: Version | None = None
    changes: Sequence[Difference] = ()
    faults: Sequence[Fault] = field(default_factory=list)
    findings: Sequence[Fault] = ()

    @property
    def valid_from(self) -> date | None:
        """Return the day from which it would hold."""
        return self.version.valid_from if self.version else None


def foresee(
    scope: Scope, directories: Directories, asked: Sequence[Change], now: datetime
) -> list[Outlook]:
    """Return what each of some changes would do, were they written in one commit.

    Raises:
        Forbidden: `verb_not_allowed`, `vendor_only`.
        NotFound: the noun is not the caller's.
        Conflict: `key_retired`.
    """
    scope.require("define")
    before = directories.current(scope).on(now.date())
    plan = Plan(scope, before, now, directories.closed)
    planned: list[Version | list[Fault]] = []
    for change in asked:
        try:
            planned.append(plan.add(change))
        except Invalid as e:
            planned.append(faults_of(e))
    broken, after = plan.faults(), plan.after
    return [
        Outlook(change.noun, change.key, "refused", faults=found)
        if isinstance(found, list)
        else _outlook(scope, before, after, found, broken.get((found.noun, found.key), []), now)
        for change, found in zip(asked, planned, strict=True)
    ]


def _outlook(
    scope: Scope,
    before: Directory,
    after: Directory,
    version: Version,
    faults: Sequence[Fault],
    now: datetime,
) -> Outlook:
    history = before.history(version.noun, version.key)
    day = version.valid_from or date.min
    held = before.at(version.noun, version.key, day)
    outcome: Outcome = "changed" if history else "created"
    if version in history:
        outcome = "unchanged"
    if faults:
        outcome = "refused"
    told = changes(held, after.parsed(version), amounts=scope.sees_prices)
    odd = () if faults else findings_of(scope, after, version, now)
    return Outlook(version.noun, version.key, outcome, version, told, faults, odd)
