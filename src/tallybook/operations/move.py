"""Moves Books and the ledger of a folder into a database, loads the events anew from there, and
says it is done only when both sides answer the same. How rows are copied is the stores' matter.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Final, Literal, NamedTuple, Protocol, Self

from tallybook.model.directory import Directory
from tallybook.model.errors import Conflict, Invalid
from tallybook.model.ports import Events, Ledger
from tallybook.model.scope import Scope
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT
from tallybook.model.usage import UsageCell, UsageQuery
from tallybook.operations.load import load_once

#: So many meters are asked for all there is, the first by their keys.
_METERS_MAX: Final = 20


class Mover(Protocol):
    """The steps of a move, each to be repeated after a stop; they say how far they are."""

    @property
    def goal(self) -> str:
        """Where to, without a password."""

    def state(self) -> Literal["empty", "begun", "moved"]:
        """Tell what the database is to the folder."""

    def plan(self) -> Mapping[str, Any]:
        """Say what will be moved, by store."""

    def begin(self) -> None:
        """Claim the database."""

    def copy_books(self) -> Generator[int]:
        """Copy Books, counting rows."""

    def copy_ledger(self) -> Generator[int]:
        """Copy the ledger, counting entries."""

    def compare_books(self) -> Generator[int]:
        """Compare Books, counting rows."""

    def compare_ledger(self) -> Generator[int]:
        """Compare the ledger, counting entries."""

    def finish(self) -> Mapping[str, Any]:
        """Close the folder and open the database; say what was compared, by store."""

    def undo(self) -> None:
        """Close the database and open the folder."""


class Side(NamedTuple):
    """The ledger and the copy of its events on one side of a move."""

    ledger: Ledger
    events: Events


class Stage(NamedTuple):
    """A part of a move: to be run to its end before the next is asked for."""

    name: str
    total: int
    steps: Iterator[int]


class Moving:
    """A move that is prepared; nothing is written before its stages are run."""

    def __init__(
        self,
        scope: Scope,
        mover: Mover,
        directory: Directory,
        source: Side,
        target: Callable[[], AbstractContextManager[Side]],
    ) -> None:
        """Look at both sides; `target` opens the moved ledger and the copy of its events.

        Raises:
            Conflict: `target_not_empty`.
            Unavailable: what the database says.
        """
        self._scope, self._mover, self._directory = scope, mover, directory
        self._source, self._target = source, target
        self._open = ExitStack()
        self.state: str = mover.state()
        self.goal = mover.goal
        #: What will be moved, by store; once it is, what was compared.
        self.found: Mapping[str, Any] = mover.plan()

    def stages(self) -> Iterator[Stage]:
        """Yield the stages of the move in their order, none where it has ended before.

        Raises:
            Conflict: `target_not_empty`, `move_differs`.
            Unavailable: what a store says; the same call goes on from there.
        """
        if self.state == "moved":
            return
        scope, mover, source = self._scope, self._mover, self._source
        head = source.ledger.head(scope)
        rows = sum(table["rows"] for table in self.found["books"].values())
        mover.begin()
        # Opened first, so that a wrong address is soon known.
        target = self._open.enter_context(self._target())
        yield self._stage("Books", rows, mover.copy_books())
        yield self._stage("Ledger", head, mover.copy_ledger())
        yield self._stage("Books compared", rows, mover.compare_books())
        yield self._stage("Ledger compared", head, mover.compare_ledger())
        yield self._stage("Events here", head, _load(scope, source))
        yield self._stage("Events there", head, _load(scope, target))
        events = self._compare(head, target.events)
        self.found = {**mover.finish(), "events": events}
        self.state = "moved"

    def undo(self) -> None:
        """Let the folder be served again, and not the database.

        Raises:
            Conflict: `not_moved`; `target_went_on`, where something new is in the database.
        """
        self._mover.undo()
        self.state = "undone"

    def close(self) -> None:
        """End what is at work, and close what the stages have opened."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _stage(self, name: str, total: int, steps: Generator[int]) -> Stage:
        self._open.callback(steps.close)
        return Stage(name, total, steps)

    def _compare(self, head: int, theirs: Events) -> dict[str, Any]:
        """Ask both copies of the events the same questions."""
        scope, ours = self._scope, self._source.events
        for events in (ours, theirs):
            if (position := events.position(scope)) != head:
                raise _differs(f"one is loaded up to {position:,} of {head:,} events")
        types = ours.types(scope)
        if types != theirs.types(scope):
            raise _differs("they count the events of a type differently")
        asked = list(self._directory.meters.values())[:_METERS_MAX]
        for meter in asked:
            question = UsageQuery(meter, (FIRST_INSTANT, LAST_INSTANT), head)
            if _answer(scope, ours, question) != _answer(scope, theirs, question):
                raise _differs(f"they answer differently for the meter {meter.key}")
        return {"types": dict(sorted(types.items())), "meters": [meter.key for meter in asked]}


def _load(scope: Scope, side: Side) -> Generator[int]:
    while (loaded := load_once(scope, side.ledger, side.events)) is not None:
        yield loaded.seq


def _answer(scope: Scope, events: Events, question: UsageQuery) -> list[UsageCell] | str:
    """Return an answer, or why there is none: a sum that is too large is so on every store."""
    try:
        return events.usage(scope, question)
    except Invalid as e:
        return e.code


def _differs(what: str) -> Conflict:
    return Conflict(
        "move_differs",
        f"The copy of the events that was loaded from the database is not what the folder's is: "
        f"{what}. Nothing was switched over; run `rebuild` on the folder, then the same command.",
        table="events",
    )
