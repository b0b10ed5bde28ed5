"""Changes definitions: every change is a new version, checked against all others first.

Reads are in `definitions`; what fits together is judged by `coherence`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from tallybook.model import canonical
from tallybook.model.contract import Contract
from tallybook.model.directory import NOUNS, AnyNoun, Directory, History
from tallybook.model.errors import Conflict, Fault, Forbidden, Invalid, refusal
from tallybook.model.limits import REASON_CHARS_MAX
from tallybook.model.nouns import Account, parse
from tallybook.model.ports import Books, Draft, NounName, Version
from tallybook.model.scope import Scope
from tallybook.model.time import FIRST_DAY, LAST_DAY, parse_date
from tallybook.operations._frozen import Closed, frozen_faults
from tallybook.operations.coherence import check_json, check_unused, faults
from tallybook.operations.definitions import local_day, not_found
from tallybook.operations.directory import Directories
from tallybook.positions.agreement import NEVER, of_versions

KEY_FIELDS: Final[Mapping[NounName, str]] = {
    "account": "key",
    "meter": "key",
    "contract": "number",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A document to put under a key; its body may also hold `valid_from` and `reason`."""

    noun: NounName
    key: str
    body: Mapping[str, Any]
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class Retirement:
    """The end of the noun under a key, from today's local day on."""

    noun: NounName
    key: str
    reason: str | None = None
    if_match: int | None = None


def define(
    scope: Scope, books: Books, directories: Directories, change: Change, now: datetime
) -> Version:
    """Put one document under its key; see `define_many`."""
    return define_many(scope, books, directories, [change], now)[0]


def define_many(
    scope: Scope, books: Books, directories: Directories, changes: Sequence[Change], now: datetime
) -> list[Version]:
    """Put documents under their keys in one commit, all or none; they may name each other.

    A document that says what already holds on its day makes no version: the answer is the one
    that holds.

    Raises:
        Forbidden: `verb_not_allowed`, `vendor_only`.
        NotFound: the noun is not the caller's.
        Conflict: `version_conflict`, `key_retired`.
        Invalid: `document_invalid`, `key_mismatch`, `date_invalid`, `valid_from_not_yours`, and
            all of `coherence.faults` and `frozen_faults`.
    """
    scope.require("define")
    with directories.changing:
        plan = Plan(scope, directories.current(scope).on(now.date()), now, directories.closed)
        answers = [plan.add(change) for change in changes]
        return plan.write(books, answers)


def retire(
    scope: Scope, books: Books, directories: Directories, ending: Retirement, now: datetime
) -> Version:
    """End a noun from today's local day on, planned changes included; it stays in the books.

    Raises:
        Forbidden: `verb_not_allowed`, `vendor_only`.
        NotFound: there is none, or it is not the caller's.
        Conflict: `still_used`, `version_conflict`.
    """
    scope.require("define")
    with directories.changing:
        directory = directories.current(scope).on(now.date())
        plan = Plan(scope, directory, now, directories.closed)
        return plan.write(books, plan.retire(ending))[0]


class Plan:
    """Versions on their way: made one by one, checked together, written in one commit."""

    def __init__(self, scope: Scope, directory: Directory, now: datetime, closed: Closed) -> None:
        self._scope = scope
        self._closed = closed
        self._directory = directory
        self._now = now
        self._drafts: list[Draft] = []
        #: What would be written, in order.
        self.versions: list[Version] = []
        self._histories: dict[tuple[NounName, str], History[Any]] = {}

    def add(self, change: Change) -> Version:
        """Plan a change; return its version, or the one that already says the same."""
        name, key = change.noun, change.key
        noun, valid_from, reason = read_change(change)
        self._allow(name, key, noun, valid_from)
        history = self.history(name, key)
        document = document_of(noun)
        drafts = []
        for day in self._days(noun, history, valid_from):
            held = history.version(day or date.min)
            if held is not None and held.retired:
                raise Conflict(
                    "key_retired", f"The {name} {key} was retired, and a key is never given twice."
                )
            if held is None or document_of(history.noun(held)) != document:
                drafts.append(Draft(name, key, canonical.decode(document), day, reason))
        if held is not None and not drafts:
            return held
        first = self._plan(replace(drafts[0], if_match=change.if_match))
        for draft in drafts[1:]:
            self._plan(draft)
        return first

    def _days(
        self, noun: AnyNoun, history: History[Any], valid_from: date | None
    ) -> list[date | None]:
        """Return the days on which a change has the last word; it holds from the first on."""
        if not isinstance(noun, Contract):
            return [self._today(noun) if valid_from is None and history.versions else valid_from]
        if not history.versions:
            return [valid_from or noun.start_date]
        if valid_from is None and history.version(self._today(noun)) is None:
            # Nothing holds yet: it takes the place of what was planned first.
            planned = min(version.valid_from or date.min for version in history.versions)
            return [*sorted({min(noun.start_date, planned), planned})]
        day = valid_from or self._today(noun)
        if noun.applies == "next_period":
            known = of_versions(self._directory, noun.number, history.spans)
            begins = (span.start for span in known.periods(day, NEVER) if span.start >= day)
            return [next(begins, day)]
        return [day]

    def retire(self, ending: Retirement) -> list[Version]:
        """Plan the end of a noun: a last word on today, and on each day already planned."""
        name, key = ending.noun, ending.key
        history = self.history(name, key)
        if not history.versions:
            raise not_found(name, key)
        noun = history.noun(history.versions[-1])
        self._allow(name, key, noun, None)
        today = self._today(noun)
        held = history.version(today)
        days = {v.valid_from or today for v in history.versions}
        if held is not None and held.retired:
            return [held]
        check_unused(self._directory, name, key)
        document = (held or history.versions[-1]).document
        first = Draft(
            name, key, document, today, ending.reason, retired=True, if_match=ending.if_match
        )
        planned = sorted(day for day in days if day > today)
        rest = (replace(first, valid_from=day, if_match=None) for day in planned)
        return [self._plan(draft) for draft in (first, *rest)]

    def faults_of(self, after: Directory, version: Version) -> list[Fault]:
        """Return what is wrong with one planned version, in the directory as it would be."""
        return [fault for _, _, wrong in self._judged(after, [version]) for fault in wrong]

    def write(self, books: Books, answers: Sequence[Version]) -> list[Version]:
        """Check what was planned, write it, and return the answers as they were written."""
        for noun, key, wrong in self._judged(self.after, self.versions):
            raise refusal(wrong, noun=noun, key=key)
        written = books.write(self._scope, self._drafts, self._now)
        by_number = {(v.noun, v.key, v.number): v for v in written}
        return [by_number.get((v.noun, v.key, v.number), v) for v in answers]

    def faults(self) -> Mapping[tuple[NounName, str], list[Fault]]:
        """Return what is wrong with each noun at fault, should this be written."""
        found: dict[tuple[NounName, str], list[Fault]] = {}
        for noun, key, wrong in self._judged(self.after, self.versions):
            found.setdefault((noun, key), []).extend(wrong)
        return found

    def _judged(
        self, after: Directory, versions: Sequence[Version]
    ) -> Iterator[tuple[NounName, str, list[Fault]]]:
        yield from faults(self._directory, after, versions, self._now.date())
        yield from frozen_faults(self._directory, after, versions, self._closed)

    @property
    def after(self) -> Directory:
        """Return the directory as it would be."""
        return self._directory.extend(self.versions)

    def _plan(self, draft: Draft) -> Version:
        history = self.history(draft.noun, draft.key)
        version = Version(
            draft.noun,
            draft.key,
            len(history.versions) + 1,
            self._directory.revision + 1,
            draft.valid_from,
            self._now,
            self._scope.who,
            draft.reason,
            draft.retired,
            draft.document,
        )
        self._drafts.append(draft)
        self.versions.append(version)
        self._histories[draft.noun, draft.key] = history.extend([version])
        return version

    def history(self, name: NounName, key: str) -> History[Any]:
        """Return the versions of a key, planned ones among them."""
        planned = self._histories.get((name, key))
        kind: type[Any] = NOUNS[name]
        return planned or History(kind, self._directory.history(name, key))

    def _allow(self, name: NounName, key: str, noun: AnyNoun, valid_from: date | None) -> None:
        """Keep customers to the accounts they have now: they may change those and add some below.

        Nor may they reach back: a link made earlier would show them what was another's then.
        """
        scope = self._scope
        if scope.accounts is None:
            return
        self.check_theirs(name, key)
        held = self._directory.history(name, key)
        if not isinstance(noun, Account):
            raise Forbidden("vendor_only", f"Only the vendor changes a {name}; ask your CSM.")
        parent = held[-1].document.get("parent") if held else None
        is_moved = not held or noun.parent != parent
        if is_moved and not (noun.parent and scope.sees(noun.parent, self._now)):
            raise Invalid("unknown_parent", "parent must be one of your accounts.", field="parent")
        if valid_from is None:
            return
        then = noun.calendar.start_of(valid_from)
        if valid_from < self._today(noun) or (held and not scope.sees(key, max(then, self._now))):
            raise Invalid(
                "valid_from_not_yours",
                "Only the vendor changes an account's past, or what follows its leaving you.",
                field="valid_from",
            )

    def check_theirs(self, name: NounName, key: str) -> None:
        """Answer for what is another's as for what is not there.

        Raises:
            NotFound: the noun is not the caller's.
        """
        if self._scope.accounts is None or name == "meter":
            return
        held = self._directory.history(name, key)
        owner = key if name == "account" else held[-1].document.get("account") if held else None
        is_theirs = owner is not None and self._scope.sees(owner, self._now)
        if not is_theirs and (held or name == "contract"):
            raise not_found(name, key)

    def _today(self, noun: AnyNoun) -> date:
        """Return the noun's local date."""
        return local_day(self._directory, noun, self._now)


def read_change(change: Change) -> tuple[AnyNoun, date | None, str | None]:
    """Split a body into its document as a noun, `valid_from` and `reason`."""
    if not isinstance(change.body, Mapping):
        raise Invalid("document_invalid", f"A {change.noun} is a JSON object.", field="")
    check_json(change.body)
    field = KEY_FIELDS[change.noun]
    body = {field: change.key, **change.body}
    if body[field] != change.key:
        raise Invalid(
            "key_mismatch", f"{field} in the document is not the key in the address.", field=field
        )
    valid_from = _read_day(body.pop("valid_from", None))
    reason = body.pop("reason", None)
    if reason is not None and not (isinstance(reason, str) and len(reason) <= REASON_CHARS_MAX):
        raise Invalid(
            "document_invalid",
            f"reason is a text of at most {REASON_CHARS_MAX} characters.",
            field="reason",
            limit=REASON_CHARS_MAX,
        )
    return parse(NOUNS[change.noun], body), valid_from, reason


def _read_day(value: object) -> date | None:
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        day = value
    else:
        day = parse_date(value if isinstance(value, str) else "", name="valid_from")
    if day is not None and not FIRST_DAY <= day <= LAST_DAY:
        raise Invalid(
            "date_invalid",
            f"valid_from must lie between {FIRST_DAY} and {LAST_DAY}.",
            field="valid_from",
        )
    return day


def document_of(noun: AnyNoun) -> str:
    """Return a noun as canonical text, with its defaults: a later default must not change it."""
    return canonical.encode(noun.model_dump())
