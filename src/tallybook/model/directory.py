"""Everything defined, as known at one revision of Books: which version holds on which day, and who
belongs to whom. Reads no store; what a caller may see of it is for the operations to decide.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final, Generic, Literal, NamedTuple, TypeVar, overload

from tallybook.model.contract import Contract
from tallybook.model.nouns import Account, Meter, Noun, parse
from tallybook.model.ports import NounName, Version
from tallybook.model.time import FIRST_INSTANT, LAST_DAY, LAST_INSTANT

N = TypeVar("N", bound=Noun)
AnyNoun = Account | Meter | Contract

NOUNS: Final[Mapping[NounName, type[AnyNoun]]] = {
    "account": Account,
    "meter": Meter,
    "contract": Contract,
}


class Span(NamedTuple, Generic[N]):
    """A noun as it stands on the local days from `valid_from` to before `valid_to`.

    None is the beginning, or no end.
    """

    valid_from: date | None
    valid_to: date | None
    noun: N


class Link(NamedTuple):
    """An account below its parent during the half-open span [start, end)."""

    account: str
    parent: str
    start: datetime
    end: datetime


class History(Generic[N]):
    """All versions of one key, and what they say about each day. Never changes once made."""

    def __init__(
        self,
        noun: type[N],
        versions: tuple[Version, ...],
        parsed: dict[int, tuple[Version, N]] | None = None,
    ) -> None:
        """Take the versions in order of number; `parsed` is shared with the history before."""
        self._noun = noun
        self._parsed: dict[int, tuple[Version, N]] = {} if parsed is None else parsed
        self.versions = versions
        #: What somebody worked out of these versions; see `Directory.kept`.
        self.kept: object = None

    def extend(self, versions: Iterable[Version]) -> "History[N]":
        """Return the history with newer versions."""
        return History(self._noun, (*self.versions, *versions), self._parsed)

    def as_of(self, revision: int) -> "History[N]":
        """Return what was known at an earlier revision."""
        known = tuple(v for v in self.versions if v.revision <= revision)
        return History(self._noun, known, self._parsed)

    @cached_property
    def in_force(self) -> tuple[tuple[date | None, date | None, Version], ...]:
        """Return (from, to, version) for each span of days, ascending; the last word on a day wins.

        Among the versions whose `valid_from` has come, the greatest (valid_from, number) holds.
        """
        words: dict[date | None, Version] = {}
        for version in sorted(self.versions, key=lambda v: (v.valid_from or date.min, v.number)):
            words[version.valid_from] = version
        ends = [*list(words)[1:], None]
        return tuple(
            (begins, end, version)
            for (begins, version), end in zip(words.items(), ends, strict=False)
        )

    def version(self, day: date) -> Version | None:
        """Return the version that holds on a day, also one that retires the noun."""
        for begins, _, version in reversed(self.in_force):
            if begins is None or begins <= day:
                return version
        return None

    def at(self, day: date) -> N | None:
        """Return the noun as it stands on a day; None before its first day and once retired."""
        version = self.version(day)
        return None if version is None or version.retired else self.noun(version)

    def noun(self, version: Version) -> N:
        """Return a version's document as a noun, parsed when first asked for."""
        found = self._parsed.get(version.number)
        if found is None or found[0] is not version:  # a plan that failed used the same number
            found = self._parsed[version.number] = version, parse(self._noun, version.document)
        return found[1]

    @cached_property
    def spans(self) -> list[Span[N]]:
        """Return the noun over time, ascending, without the days on which it is retired."""
        return [Span(a, b, self.noun(v)) for a, b, v in self.in_force if not v.retired]

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Return an account's links to its parents, ascending.

        A link changes when the account's own local day `valid_from` starts, by the calendar of
        the new version: one instant, at which one link ends and the next begins.
        """
        turns: list[tuple[datetime, str | None]] = []
        for begins, _, version in self.in_force:
            parent = None if version.retired else version.document.get("parent")
            start = FIRST_INSTANT if begins is None else self._start(version, begins)
            while turns and turns[-1][0] >= start:  # a zone change may swallow the day before
                turns.pop()
            if not turns or turns[-1][1] != parent:
                turns.append((start, parent))
        ends = [start for start, _ in turns[1:]] + [LAST_INSTANT]
        key = self.versions[0].key if self.versions else ""
        return tuple(
            Link(key, parent, start, end)
            for (start, parent), end in zip(turns, ends, strict=False)
            if parent is not None
        )

    def _start(self, version: Version, day: date) -> datetime:
        account = self.noun(version)
        return account.calendar.start_of(day) if isinstance(account, Account) else FIRST_INSTANT


class _Current(Mapping[str, N]):
    """The nouns that stand on one day, by key; a document is parsed when it is looked at."""

    def __init__(self, shelf: Mapping[str, History[N]], day: date) -> None:
        self._shelf = shelf
        self._day = day

    def __getitem__(self, key: str) -> N:
        noun = self._shelf[key].at(self._day)
        if noun is None:
            raise KeyError(key)
        return noun

    def __iter__(self) -> Iterator[str]:
        for key, history in self._shelf.items():
            version = history.version(self._day)
            if version is not None and not version.retired:
                yield key

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(frozen=True, eq=False)
class Directory:
    """All nouns as known at `revision`. What it calls current is what holds on `day`.

    Without `on`, `day` is the last there is: what holds once every planned change has come.
    A new revision is a new directory that shares all that did not change.
    """

    revision: int = 0
    day: date = LAST_DAY
    _shelves: Mapping[NounName, Mapping[str, History[Any]]] = field(
        default_factory=lambda: {noun: {} for noun in NOUNS}, repr=False
    )
    _below: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)
    _sorted: dict[tuple[NounName, date], tuple[str, ...]] = field(default_factory=dict, repr=False)
    _owned: dict[str, list[str]] = field(default_factory=dict, repr=False)

    def extend(self, versions: Iterable[Version], revision: int | None = None) -> "Directory":
        """Return the directory with newer versions, in order of revision.

        `revision` is how far Books were read; the newest version's by default.
        """
        added: dict[tuple[NounName, str], list[Version]] = {}
        newest = self.revision
        for version in versions:
            added.setdefault((version.noun, version.key), []).append(version)
            newest = max(newest, version.revision)
        if not added:  # a commit of something else: what was found out still holds
            return replace(self, revision=newest if revision is None else revision)
        shelves = dict(self._shelves)
        for noun in {noun for noun, _ in added}:
            shelf = dict(shelves[noun])
            for key, more in ((k, m) for (n, k), m in added.items() if n == noun):
                known = shelf.get(key)
                shelf[key] = known.extend(more) if known else _history(noun, tuple(more))
            shelves[noun] = shelf
        accounts = (v for (noun, _), more in added.items() if noun == "account" for v in more)
        below = _below(self._below, accounts)
        revision = newest if revision is None else revision
        return replace(
            self, revision=revision, _shelves=shelves, _below=below, _sorted={}, _owned={}
        )

    def as_of(self, revision: int) -> "Directory":
        """Return what was known at an earlier revision."""
        shelves: dict[NounName, dict[str, History[Any]]] = {}
        for noun, shelf in self._shelves.items():
            past = ((key, history.as_of(revision)) for key, history in shelf.items())
            shelves[noun] = {key: history for key, history in past if history.versions}
        return replace(self, revision=revision, _shelves=shelves, _sorted={}, _owned={})

    def on(self, day: date) -> "Directory":
        """Return the same directory with another current day."""
        return replace(self, day=day)

    def account(self, key: str) -> Account | None:
        """Return the account as it stands on `day`."""
        return self.at("account", key, self.day)

    def account_at(self, key: str, at: datetime) -> Account | None:
        """Return an account at an instant, by its own local days; None where there never was one.

        Before its first version it is as in that one, once retired as in its last.
        """
        spans = self.spans("account", key)
        for span in reversed(spans):
            if span.valid_from is None or span.valid_from <= span.noun.calendar.day_of(at):
                return span.noun
        return spans[0].noun if spans else None

    def meter(self, key: str) -> Meter | None:
        """Return the meter as it stands on `day`."""
        return self.at("meter", key, self.day)

    def contract(self, number: str) -> Contract | None:
        """Return the contract as it stands on `day`."""
        return self.at("contract", number, self.day)

    @property
    def accounts(self) -> Mapping[str, Account]:
        """Return the accounts that stand on `day`, by key."""
        return _Current(self._shelves["account"], self.day)

    @property
    def meters(self) -> Mapping[str, Meter]:
        """Return the meters that stand on `day`, by key."""
        return _Current(self._shelves["meter"], self.day)

    @property
    def contracts(self) -> Mapping[str, Contract]:
        """Return the contracts that stand on `day`, by number."""
        return _Current(self._shelves["contract"], self.day)

    @overload
    def at(self, noun: Literal["account"], key: str, day: date) -> Account | None: ...
    @overload
    def at(self, noun: Literal["meter"], key: str, day: date) -> Meter | None: ...
    @overload
    def at(self, noun: Literal["contract"], key: str, day: date) -> Contract | None: ...
    @overload
    def at(self, noun: NounName, key: str, day: date) -> AnyNoun | None: ...
    def at(self, noun: NounName, key: str, day: date) -> AnyNoun | None:
        """Return a noun as it stands on a local day; None where there is none, or no longer.

        A contract stands from the beginning unless its first version is dated: its own
        `start_date` and `end_date` say on which days it is in force.
        """
        history = self._shelves[noun].get(key)
        found: AnyNoun | None = history.at(day) if history else None
        return found

    @overload
    def spans(self, noun: Literal["account"], key: str) -> list[Span[Account]]: ...
    @overload
    def spans(self, noun: Literal["meter"], key: str) -> list[Span[Meter]]: ...
    @overload
    def spans(self, noun: Literal["contract"], key: str) -> list[Span[Contract]]: ...
    def spans(self, noun: NounName, key: str) -> list[Any]:
        """Return a noun over time, ascending; empty where there is none."""
        history = self._shelves[noun].get(key)
        return history.spans if history else []

    def keys(self, noun: NounName) -> tuple[str, ...]:
        """Return the keys of what stands on `day`, sorted; found once a revision and day."""
        found = self._sorted.get((noun, self.day))
        if found is None:
            found = tuple(sorted(_Current(self._shelves[noun], self.day)))
            self._sorted[noun, self.day] = found
        return found

    def contracts_of(self, account: str) -> Sequence[str]:
        """Return the numbers of the contracts that any version gives to an account, sorted."""
        if not self._owned:
            for number, history in sorted(self._shelves["contract"].items()):
                for owner in {version.document["account"] for version in history.versions}:
                    self._owned.setdefault(owner, []).append(number)
        return self._owned.get(account, ())

    def ever(self, noun: NounName) -> Collection[str]:
        """Return the keys of all that was ever defined, also of what is retired or yet to come."""
        return self._shelves[noun].keys()

    def parsed(self, version: Version) -> AnyNoun:
        """Return the noun that a version of this directory describes."""
        noun: AnyNoun = self._shelves[version.noun][version.key].noun(version)
        return noun

    def version(self, noun: NounName, key: str) -> Version | None:
        """Return the version that holds on `day`, also one that retires the noun."""
        history = self._shelves[noun].get(key)
        return history.version(self.day) if history else None

    def in_force(
        self, noun: NounName, key: str
    ) -> tuple[tuple[date | None, date | None, Version], ...]:
        """Return (from, to, version) for each span of days, ascending; see `History.in_force`."""
        history = self._shelves[noun].get(key)
        return history.in_force if history else ()

    def history(self, noun: NounName, key: str) -> tuple[Version, ...]:
        """Return every version of one key in order of number; empty where there is none."""
        history = self._shelves[noun].get(key)
        return history.versions if history else ()

    def kept(self, noun: NounName, key: str) -> object:
        """Return what was worked out of the versions of one key and kept with them, None if nothing
        was. A newer version begins with nothing.
        """
        history = self._shelves[noun].get(key)
        return history.kept if history else None

    def keep(self, noun: NounName, key: str, made: object) -> None:
        """Keep what is worked out of the versions of one key, as long as these are the last."""
        history = self._shelves[noun].get(key)
        if history:
            history.kept = made

    def links(self, account: str) -> tuple[Link, ...]:
        """Return an account's links to its parents over time, ascending."""
        history = self._shelves["account"].get(account)
        return history.links if history else ()

    def children(self, parent: str) -> list[Link]:
        """Return the links of all that ever stood directly below an account, by (key, start)."""
        return [
            link
            for child in sorted(self._below.get(parent, ()))
            for link in self.links(child)
            if link.parent == parent
        ]


def _history(noun: NounName, versions: tuple[Version, ...]) -> History[Any]:
    kind: type[Any] = NOUNS[noun]
    return History(kind, versions)


def _below(
    known: Mapping[str, frozenset[str]], versions: Iterable[Version]
) -> Mapping[str, frozenset[str]]:
    """Add who names whom as parent. Links decide by date; this only says where to look."""
    added: dict[str, set[str]] = {}
    for version in versions:
        parent = version.document.get("parent")
        if parent is not None and version.key not in known.get(parent, ()):
            added.setdefault(parent, set()).add(version.key)
    more = {parent: known.get(parent, frozenset()) | keys for parent, keys in added.items()}
    return {**known, **more} if more else known
