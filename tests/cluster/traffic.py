"""What goes on while nodes are killed: facts arrive in a ledger, loaders bring them to the events
store, askers ask it, and every answer is kept to be compared with DuckDB's of the same ledger.
"""

import random
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import tallybook.aggregations as room
from tallybook.model import kinds
from tallybook.model.columns import columns
from tallybook.model.correction import Op
from tallybook.model.errors import Unavailable
from tallybook.model.nouns import FilterTerm, Meter
from tallybook.model.ports import Events, FactQuery, Ledger
from tallybook.model.scope import Member, operator
from tallybook.model.usage import UsageCell, UsageQuery
from tallybook.operations.load import load_once
from tests.cluster.rig import Cluster
from tests.facts import RECEIVED, Change, Happened, Play

ALL = operator("test")
ACCOUNTS = [f"a{n}" for n in range(20)]
FIRST = datetime(2026, 2, 20, tzinfo=UTC)
DAYS = 30
LAST = FIRST + timedelta(days=DAYS)
KINDS = kinds.names(room)
VALUES = ["0", "1", "1.50", "-2", "12345678901234567.123456789", '"7"', '"x"', "null"]
PAUSE_SECONDS = 0.05
#: More than one step takes that asks each server in turn, and waits for each.
END_SECONDS_MAX = 150
COMPACT_EVERY = 50
#: So large a part of what comes in corrects something.
CORRECTED = 0.1


class Answer(NamedTuple):
    """A question that was answered, and how."""

    query: UsageQuery | FactQuery
    found: Collection[UsageCell] | list[tuple[datetime, int]]


def happened(chance: random.Random) -> Happened:
    """Return an event of few values, so that ties and groups are common."""
    channel = chance.choice(["sms", "push", "mail"])
    return Happened(
        chance.choice(ACCOUNTS),
        FIRST + timedelta(minutes=chance.randrange(DAYS * 24 * 60)),
        f'{{"q": {chance.choice(VALUES)}, "channel": "{channel}", "n": {chance.randrange(50)}}}',
        chance.choice(["use", "use", "other"]),
    )


def changed(chance: random.Random, play: Play) -> Change | None:
    """Return a correction of an event that there is, None where it cannot be made."""
    of = chance.randint(1, len(play.wires))
    op: Op = chance.choice(["void", "replace", "replace", "revert"])
    change = Change(op, of, happened(chance) if op == "replace" else None)
    return change if of in play.rows and play.may(change) else None


def question(chance: random.Random, seq: int) -> UsageQuery | FactQuery:
    """Return a question about the events above, as known at a position."""
    if chance.random() < 0.15:
        return FactQuery(None, chance.choice(["use", None]), FIRST, LAST, seq, limit=100)
    kind = chance.choice(KINDS)
    meter = Meter(key="m", event_type="use", aggregation=kind, property=chance.choice("qn"))
    width = timedelta(days=chance.choice([1, 7, DAYS]))
    edges = tuple(FIRST + i * width for i in range(timedelta(days=DAYS) // width + 1))
    members = None
    if chance.random() < 0.7:
        some = chance.sample(ACCOUNTS, chance.choice([1, 2, 10]))
        members = tuple(Member(name, edges[0], edges[-1]) for name in some)
    return UsageQuery(
        meter,
        edges,
        seq,
        members,
        group_by=chance.choice([(), (), ("channel",)]),
        by_account=chance.random() < 0.3,
        filter=chance.choice([(), (), (FilterTerm(property="channel", value="sms"),)]),
    )


class Worker(threading.Thread):
    """Does something with a store of its own until it is done, over every refusal.

    Only one refusal is right: that the store cannot be used now.
    """

    def __init__(self, name: str, opened: Callable[[], Any]) -> None:
        """Nothing is opened yet."""
        super().__init__(name=name, daemon=True)
        self.refused = 0
        self.broken: BaseException | None = None
        self._opened = opened
        self._ending = threading.Event()

    def run(self) -> None:
        try:
            with closing(self._until_opened()) as store:
                while not self._ending.is_set():
                    if not self._tried(store):
                        self._ending.wait(PAUSE_SECONDS)
        except BaseException as e:  # noqa: BLE001 - told by `end`, in the thread of the test
            self.broken = e

    def step(self, store: Any) -> bool:
        """Do one thing; False when there was nothing to do."""
        raise NotImplementedError

    def end(self) -> None:
        """Let it end, and tell what went wrong in it."""
        self._ending.set()
        self.join(END_SECONDS_MAX)
        if self.is_alive():
            where = traceback.format_stack(sys._current_frames()[self.ident or 0])  # noqa: SLF001 - the way to see where a thread is
            raise AssertionError(f"{self.name} hangs:\n{''.join(where)}")
        if self.broken:
            raise self.broken

    def _until_opened(self) -> Any:
        while True:
            try:
                return self._opened()
            except Unavailable as e:
                self._refused(e)
                time.sleep(PAUSE_SECONDS)

    def _tried(self, store: Any) -> bool:
        try:
            return self.step(store)
        except Unavailable as e:
            self._refused(e)
            return False

    def _refused(self, error: Unavailable) -> None:
        assert error.code == "events_unavailable", error
        self.refused += 1


class Loader(Worker):
    """Brings what is in the ledger to the store, and sorts closed months now and then."""

    def __init__(self, name: str, opened: Callable[[], Events], ledger: Ledger) -> None:
        """Load from this ledger."""
        super().__init__(name, opened)
        self._ledger = ledger
        self._steps = 0

    def step(self, store: Any) -> bool:
        self._steps += 1
        if not self._steps % COMPACT_EVERY:
            store.compact(ALL, LAST.date())
        return load_once(ALL, self._ledger, store) is not None


class Asker(Worker):
    """Asks at random, about what is known now or was known before, and keeps the answers."""

    def __init__(self, name: str, opened: Callable[[], Events], seed: int) -> None:
        """The seed decides what is asked, but for how much is known."""
        super().__init__(name, opened)
        self.answers: list[Answer] = []
        self._chance = random.Random(f"{seed}.{name}")

    def step(self, store: Any) -> bool:
        known = store.position(ALL)
        seq = known if self._chance.random() < 0.7 else self._chance.randint(0, known)
        query = question(self._chance, seq)
        self.answers.append(Answer(query, ask(store, query)))
        return True


class Source:
    """Where facts come from: events and corrections, batch after batch into a ledger."""

    def __init__(self, ledger: Ledger, seed: int) -> None:
        """Nothing has come in yet."""
        self._ledger = ledger
        self._chance = random.Random(f"{seed}.source")
        self._play = Play()

    @property
    def sent(self) -> int:
        """How many entries the ledger holds."""
        return len(self._play.wires)

    def arrive(self, count: int) -> None:
        """Let so many entries arrive."""
        before = self.sent
        while self.sent < before + count:
            change = None
            if before and self._chance.random() < CORRECTED:
                change = changed(self._chance, self._play)
            self._play.take(change or happened(self._chance))
        self._ledger.append(ALL, columns(self._play.wires[before:]), RECEIVED)


class Arrivals(threading.Thread):
    """Facts that come in all the time, in batches of different size."""

    def __init__(self, source: Source, seed: int, most: int) -> None:
        """Send batches of up to so many."""
        super().__init__(name="arrivals", daemon=True)
        self._source = source
        self._chance = random.Random(f"{seed}.arrivals")
        self._most = most
        self._ending = threading.Event()

    def run(self) -> None:
        while not self._ending.wait(self._chance.uniform(0, 4 * PAUSE_SECONDS)):
            self._source.arrive(self._chance.randint(1, self._most))

    def end(self) -> None:
        """Send no more."""
        self._ending.set()
        self.join()


def strike(cluster: Cluster, chance: random.Random, kills: int) -> None:
    """Kill nodes at random, one after the other and now and then two at once, as many as said."""
    while kills > 0:
        time.sleep(chance.uniform(0.1, 1.0))
        victims = chance.sample(cluster.nodes, min(kills, chance.choice([1, 1, 1, 2])))
        for victim in victims:
            victim.stop()
        kills -= len(victims)
        time.sleep(chance.choice([0, 0.2, 1.0]))
        for victim in victims:
            victim.start()


def ask(store: Events, query: UsageQuery | FactQuery) -> Any:
    """Ask a store; where the order of what it says is free, it is left out."""
    if isinstance(query, FactQuery):
        return store.facts(ALL, query)
    cells = store.usage(ALL, query)
    assert len({(c.group, c.bucket, c.account, c.dimensions) for c in cells}) == len(cells)
    return set(cells)


def compare(answers: Iterable[Answer], reference: Events) -> None:
    """See that each answer is what another store says to the same question."""
    for query, found in answers:
        assert found == ask(reference, query), query
