"""Brings many definitions in at once, as a folder of files holds them: says what each would change
and what is wrong with any, and does all of it in one commit, or nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import takewhile
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import Field

from tallybook.model.contract import Contract
from tallybook.model.difference import Change as Difference
from tallybook.model.directory import AnyNoun, Directory
from tallybook.model.errors import Conflict, Fault, Invalid, faults_of
from tallybook.model.limits import DEFINITIONS_MAX
from tallybook.model.nouns import Document, Key, Noun, parse
from tallybook.model.ports import Books, NounName, Version
from tallybook.model.scope import Scope
from tallybook.operations._frozen import Closed
from tallybook.operations._shown import changes
from tallybook.operations.define import KEY_FIELDS, Change, Plan, document_of, read_change
from tallybook.operations.directory import Directories

State = Literal["new", "changed", "unchanged"]

#: What is missing only because the document that brings it is at fault itself.
_NAMES: Final[Mapping[str, NounName]] = {
    "unknown_account": "account",
    "unknown_parent": "account",
    "unknown_meter": "meter",
}


class Definition(Noun):
    """A key and its documents: one, or one a version, oldest first."""

    noun: NounName
    key: Key
    documents: Annotated[list[dict[str, Any]], Field(min_length=1)]


class Definitions(Noun):
    """What is to hold. `revision` is that of a plan: nothing named here may have changed since.
    With `effects` it is told what a dry run comes to in money and units.
    """

    definitions: Annotated[list[Definition], Field(max_length=DEFINITIONS_MAX)]
    dry_run: bool = False
    effects: bool = False
    revision: Annotated[int, Field(ge=0, strict=True)] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A version that a document makes, and what changes with it on its day."""

    document: int
    version: Version
    changes: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """What becomes of a key. `beside` are days from which Books say something and the file not."""

    noun: NounName
    key: str
    state: State
    steps: tuple[Step, ...]
    beside: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class Misfit:
    """What is wrong with a document; `document` counts those of its key from 0."""

    noun: NounName
    key: str
    document: int
    fault: Fault


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was planned, or done: `revision` is that of Books, before or after."""

    revision: int
    applied: bool
    items: tuple[Item, ...]
    faults: tuple[Misfit, ...]
    #: The directory as it is, and as it would be, at `revision`.
    before: Directory
    after: Directory


def apply(
    scope: Scope, books: Books, directories: Directories, document: Document, now: datetime
) -> Outcome:
    """Plan definitions, and write them unless it is a dry run or something is wrong.

    Raises:
        Forbidden: `verb_not_allowed`, `vendor_only`.
        NotFound: one of them is not the caller's.
        Conflict: `revision_conflict`, where one of them changed after the revision given.
        Invalid: `document_invalid`; where it is no dry run, `definitions_invalid`, whose `errors`
            are the faults of all documents.
    """
    scope.require("define")
    asked = parse(Definitions, document)
    if asked.dry_run:
        return plan(scope, directories.current(scope), asked, now, directories.closed)
    with directories.changing:
        planning = _Planning(scope, directories.current(scope), now, directories.closed)
        outcome = planning.plan(asked)
        if outcome.faults:
            raise _refusal(outcome.faults)
        return planning.write(books, outcome)


def plan(
    scope: Scope, directory: Directory, asked: Definitions, now: datetime, closed: Closed
) -> Outcome:
    """Say what definitions would change in a directory, and what is wrong with them; `closed` finds
    what is closed of contracts.

    Raises:
        Forbidden, NotFound, Conflict: as `apply`.
    """
    return _Planning(scope, directory, now, closed).plan(asked)


class _Said(NamedTuple):
    """A document that could be read, where it stood among those of its key, and its day."""

    document: int
    change: Change
    noun: AnyNoun
    valid_from: date | None


class _Planning:
    """One set of definitions against one directory; faults are gathered, not raised."""

    def __init__(self, scope: Scope, directory: Directory, now: datetime, closed: Closed) -> None:
        self._scope = scope
        self._directory = directory
        self._plan = Plan(scope, directory.on(now.date()), now, closed)
        self._faults: list[Misfit] = []
        self._items: list[Item] = []
        self._unread: set[tuple[NounName, str]] = set()

    def plan(self, asked: Definitions) -> Outcome:
        """Read, compare and judge."""
        seen: set[tuple[NounName, str]] = set()
        for definition in asked.definitions:
            self._plan.check_theirs(definition.noun, definition.key)
            self._check_unchanged(definition, asked.revision)
            name = definition.noun, definition.key
            if name in seen:
                self._fault(definition, 0, _repeated(definition))
                continue
            seen.add(name)
            self._add(definition)
        after = self._plan.after
        self._judge(after)
        return Outcome(
            self._directory.revision,
            applied=False,
            items=tuple(self._items),
            faults=tuple(self._faults),
            before=self._directory,
            after=after,
        )

    def write(self, books: Books, outcome: Outcome) -> Outcome:
        """Write what was planned, in one commit; nothing where all holds already."""
        written = self._plan.write(books, self._plan.versions)
        revision = max((v.revision for v in written), default=outcome.revision)
        return replace(outcome, revision=revision, applied=True)

    def _check_unchanged(self, definition: Definition, revision: int | None) -> None:
        if revision is None:
            return
        versions = self._directory.history(definition.noun, definition.key)
        if versions and versions[-1].revision > revision:
            who = versions[-1].author if self._scope.sees_reasons else "Somebody"
            raise Conflict(
                "revision_conflict",
                f"{who} changed the {definition.noun} {definition.key} after the "
                f"plan (revision {revision}); make the plan again.",
                noun=definition.noun,
                key=definition.key,
            )

    def _add(self, definition: Definition) -> None:
        history = self._plan.history(definition.noun, definition.key)
        stored = history.versions
        said = list(self._read(definition))
        if len(said) < len(definition.documents):
            self._unread.add((definition.noun, definition.key))
            return
        steps: list[Step] = []
        for one in _news(stored, said, lambda v: document_of(history.noun(v))):
            try:
                if len(said) > 1 and one.valid_from is None and (stored or one.document):
                    raise _undated(definition)
                steps += self._steps(one)
            except (Invalid, Conflict) as e:
                self._fault(definition, one.document, e)
        state: State = ("changed" if stored else "new") if steps else "unchanged"
        beside = _beside(stored, said) if len(said) > 1 else ()
        self._items.append(Item(definition.noun, definition.key, state, tuple(steps), beside))

    def _steps(self, one: _Said) -> Iterator[Step]:
        """Plan a document; it makes no version where it says what holds already."""
        noun, key = one.change.noun, one.change.key
        history, count = self._plan.history(noun, key), len(self._plan.versions)
        self._plan.add(one.change)
        for version in self._plan.versions[count:]:
            held = history.at(version.valid_from or date.min)
            told = changes(held, one.noun, amounts=self._scope.sees_prices)
            yield Step(one.document, version, tuple(told))

    def _read(self, definition: Definition) -> Iterator[_Said]:
        for index, body in enumerate(definition.documents):
            change = Change(definition.noun, definition.key, body)
            try:
                noun, valid_from, _ = read_change(change)
            except Invalid as e:
                self._fault(definition, index, e)
                continue
            yield _Said(index, change, noun, valid_from)

    def _judge(self, after: Directory) -> None:
        """Check each version that would be written, as far as nothing it names is at fault."""
        for item in self._items:
            for step in item.steps:
                for fault in self._plan.faults_of(after, step.version):
                    named = _NAMES.get(fault.code)
                    at_fault = named and (named, _at(step.version.document, fault.field))
                    if at_fault is None or at_fault not in self._unread:
                        self._faults.append(Misfit(item.noun, item.key, step.document, fault))

    def _fault(self, of: Definition, document: int, error: Invalid | Conflict) -> None:
        """Note all that a refusal lists."""
        for fault in faults_of(error):
            self._faults.append(Misfit(of.noun, of.key, document, fault))


def _news(
    stored: Sequence[Version], said: Sequence[_Said], document: Callable[[Version], str]
) -> Sequence[_Said]:
    """Return what a file says beyond the versions there are, oldest first.

    A file with several documents repeats the history it was exported with: as far as it does, it
    says nothing new. Beyond that only the last word on a day counts. A new key gets every word.
    """
    if not stored:
        return said
    same = 0
    if len(said) > 1:
        pairs = zip(stored, said, strict=False)
        same = sum(1 for _ in takewhile(lambda pair: _is_said(*pair, document), pairs))
    return list({one.valid_from: one for one in said[same:]}.values())


def _is_said(version: Version, one: _Said, document: Callable[[Version], str]) -> bool:
    day = one.valid_from
    if day is None and isinstance(one.noun, Contract):
        day = one.noun.start_date  # from which the first version of a contract holds
    return version.valid_from == day and document(version) == document_of(one.noun)


def _beside(stored: Sequence[Version], said: Sequence[_Said]) -> tuple[date, ...]:
    days = {one.valid_from for one in said}
    return tuple(sorted({v.valid_from for v in stored if v.valid_from is not None} - days))


def _at(document: Any, path: str) -> Any:
    """Look up a field of a document by its path, None where there is none."""
    for name in path.split("."):
        if isinstance(document, Mapping):
            document = document.get(name)
        elif isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        else:
            return None
    return document


def _undated(definition: Definition) -> Invalid:
    return Invalid(
        "valid_from_missing",
        f"Several documents of the {definition.noun} {definition.key}, and this one differs from "
        "what it was at first; say with valid_from from which day it holds.",
        field="valid_from",
    )


def _repeated(definition: Definition) -> Invalid:
    field = KEY_FIELDS[definition.noun]
    said = f"The {definition.noun} {definition.key} is named twice; give its documents together."
    return Invalid("key_repeated", said, field=field)


def _refusal(found: Sequence[Misfit]) -> Invalid:
    first, fault = found[0], found[0].fault
    more = f" There are {len(found) - 1:,} more faults." if len(found) > 1 else ""
    where = f"{first.noun} {first.key}" + (f", {fault.field}" if fault.field else "")
    errors = [
        {"noun": one.noun, "key": one.key, "document": one.document, **one.fault._asdict()}
        for one in found
    ]
    return Invalid(
        "definitions_invalid",
        f"{where}: {fault.detail}{more} Nothing was written.",
        field=fault.field,
        errors=errors,
    )
