"""The events store on a cluster whose nodes are killed while facts are loaded and questions asked:
nothing is lost, nothing counted twice, and no answer is a part of one.
"""

import random
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tallybook.model.errors import Unavailable
from tallybook.operations.load import load_once
from tallybook.stores.clickhouse import schema
from tallybook.stores.clickhouse.address import Address, address
from tallybook.stores.clickhouse.store import ClickEvents
from tallybook.stores.duckdb.store import DuckEvents
from tallybook.stores.ledger import SqlLedger
from tests.cluster.rig import Cluster, Node
from tests.cluster.traffic import (
    ALL,
    Answer,
    Arrivals,
    Asker,
    Loader,
    Source,
    ask,
    compare,
    question,
    strike,
)

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

KILLS = 14
LOADED_SECONDS_MAX = 60


@dataclass
class Scene:
    """A ledger that facts come into, and a database of the cluster for this test alone."""

    cluster: Cluster
    place: Address
    ledger: SqlLedger
    source: Source
    seed: int
    folder: Path

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def opened(self, *, anew: bool = False) -> ClickEvents:
        """Open the store as each server does; `anew` as `rebuild` does."""
        return ClickEvents(self.place, self.ledger.epoch, anew=anew)

    def asked(self, store: ClickEvents, seq: int) -> Answer:
        """Ask something about what is known at an entry."""
        query = question(self.chance, seq)
        return Answer(query, ask(store, query))

    def load(self, store: ClickEvents) -> None:
        """Load all there is, over refusals."""
        ends = time.monotonic() + LOADED_SECONDS_MAX
        while store.position(ALL) < self.source.sent:
            assert time.monotonic() < ends, "it cannot be loaded"
            with suppress(Unavailable):
                load_once(ALL, self.ledger, store)

    def held(self, node: Node) -> int:
        """Count the rows that a node has, each as often as it was added."""
        return int(node.ask(f"SELECT count() FROM {self.place.database}.events_local"))

    def check(self, answers: Iterable[Answer] = ()) -> None:
        """Compare the answers given, and those that are given now, with DuckDB's."""
        reference = DuckEvents(self.folder / "reference.duckdb")
        with closing(reference), closing(self.opened()) as store:
            while load_once(ALL, self.ledger, reference):
                pass
            compare(answers, reference)
            assert store.position(ALL) == reference.position(ALL) == self.source.sent
            assert store.types(ALL) == reference.types(ALL)
            compare([self.asked(store, self.source.sent) for _ in range(40)], reference)


@pytest.fixture
def scene(cluster: Cluster, tmp_path: Path) -> Iterator[Scene]:
    seed = time.time_ns() % 1_000_000
    print(f"seed {seed}")  # noqa: T201 - a failure is repeated with it
    place = address(cluster.url(tmp_path.name))
    with SqlLedger(tmp_path) as ledger:
        yield Scene(cluster, place, ledger, Source(ledger, seed), seed, tmp_path)
    cluster.start()


def refused(act: Callable[[], Any]) -> None:
    """See that a store cannot do it now, and says so."""
    with pytest.raises(Unavailable) as refusal:
        act()
    assert refusal.value.code == "events_unavailable"


def test_under_fire_nothing_is_lost_or_counted_twice(scene: Scene) -> None:
    arrivals = Arrivals(scene.source, scene.seed, most=200)
    loaders = [Loader(f"loader-{n}", scene.opened, scene.ledger) for n in range(2)]
    askers = [Asker(f"asker-{n}", scene.opened, scene.seed) for n in range(2)]
    for each in (arrivals, *loaders, *askers):
        each.start()
    strike(scene.cluster, scene.chance, KILLS)
    arrivals.end()
    for each in (*loaders, *askers):
        each.end()
    with closing(scene.opened()) as store:
        scene.load(store)
    answers = [answer for asker in askers for answer in asker.answers]
    refusals = {each.name: each.refused for each in (*loaders, *askers)}
    print(f"{scene.source.sent} entries, {len(answers)} answers; refusals: {refusals}")  # noqa: T201 - what the test rests on
    assert len(answers) >= 20
    scene.check(answers)


def test_without_a_shard_there_is_no_answer(scene: Scene) -> None:
    scene.source.arrive(1000)
    with closing(scene.opened()) as store:
        scene.load(store)
        for node in scene.cluster.shards[0]:
            node.stop()
        for _ in range(5):
            refused(lambda: scene.asked(store, 1000))
        scene.source.arrive(500)
        refused(lambda: load_once(ALL, scene.ledger, store))
        scene.cluster.start()
        scene.load(store)
    scene.check()


def test_without_a_replica_questions_are_answered_and_loads_wait(scene: Scene) -> None:
    scene.source.arrive(1000)
    answers = []
    with closing(scene.opened()) as store:
        scene.load(store)
        for shard in scene.cluster.shards:
            away, there = scene.chance.sample(shard, 2)
            away.stop()
            scene.source.arrive(500)
            held = scene.held(there)
            for _ in range(5):
                refused(lambda: load_once(ALL, scene.ledger, store))
                answers.append(scene.asked(store, 1000))
            assert scene.held(there) == held  # nothing piles up where the other is waited for
            away.start()
        scene.load(store)
    scene.check(answers)


def test_a_node_that_dies_between_rows_and_position_costs_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = schema.note
    refusals = 0
    with closing(scene.opened()) as store, closing(scene.opened()) as other:
        for victim in scene.cluster.nodes:
            scene.source.arrive(500)
            with monkeypatch.context() as patch:
                patch.setattr(schema, "note", _after(victim.stop, note))
                try:
                    load_once(ALL, scene.ledger, store)
                except Unavailable:  # it was a node that the position is on
                    refusals += 1
            scene.cluster.start()
            scene.load(other)
    assert refusals
    scene.check()


def _after(first: Callable[[], None], then: Callable[..., None]) -> Callable[..., None]:
    def both(*arguments: Any) -> None:
        first()
        then(*arguments)

    return both


def test_no_position_goes_back_where_a_replica_missed_one(scene: Scene) -> None:
    table = f"{scene.place.database}.position_local"
    scene.source.arrive(500)
    with closing(scene.opened()) as store:
        scene.load(store)
        for shard in scene.cluster.shards:
            shard[0].ask(f"ALTER TABLE {table} DELETE WHERE seq > 0", mutations_sync=1)
        assert {store.position(ALL) for _ in range(20)} == {500}
        scene.source.arrive(500)
        scene.load(store)
    scene.check()


def test_many_may_load_the_same_at_once(scene: Scene) -> None:
    with ThreadPoolExecutor() as pool, ExitStack() as stack:
        stores = [stack.enter_context(closing(scene.opened())) for _ in range(4)]
        for _ in range(5):
            scene.source.arrive(300)
            batches = scene.ledger.read(ALL, 0, 10**6)
            for loaded in [pool.submit(store.load, ALL, batches) for store in stores]:
                assert loaded.result().seq == scene.source.sent
    scene.check()


def test_a_set_up_that_was_cut_off_is_ended_by_the_next(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stop = scene.cluster.nodes[1].stop
        patch.setattr(schema, "_make", _after(stop, schema._make))
        refused(scene.opened)
    scene.cluster.start()
    scene.source.arrive(100)
    with closing(scene.opened()) as store:
        scene.load(store)
    scene.check()


def test_a_replica_that_lost_its_disk_gives_no_part_of_an_answer(scene: Scene) -> None:
    scene.source.arrive(1000)
    answers = []
    with closing(scene.opened()) as store:
        scene.load(store)
        lose_disk(scene.chance.choice(scene.cluster.nodes))
        with closing(scene.opened()) as another:  # a server that starts now makes no empty tables
            for _ in range(20):
                answers += [scene.asked(each, 1000) for each in (store, another)]
            scene.source.arrive(100)
            refused(lambda: load_once(ALL, scene.ledger, another))
    with closing(scene.opened(anew=True)) as rebuilt:
        scene.load(rebuilt)
    scene.check(answers)


@pytest.mark.parametrize("number", [0, 1])
def test_a_shard_that_lost_its_disks_is_rebuilt(scene: Scene, number: int) -> None:
    scene.source.arrive(1000)
    with closing(scene.opened()) as store:
        scene.load(store)
        for node in scene.cluster.shards[number]:
            lose_disk(node)
        for _ in range(5):
            refused(lambda: scene.asked(store, 1000))
    with closing(scene.opened(anew=True)) as rebuilt:
        scene.load(rebuilt)
    scene.check()


def test_an_address_of_a_part_of_the_cluster_is_refused(scene: Scene) -> None:
    hosts = scene.place.hosts
    for place in (
        replace(scene.place, hosts=hosts[1:]),
        replace(scene.place, cluster="unknown"),
        replace(scene.place, replicated=True),  # which the servers know nothing of
    ):
        with pytest.raises(Unavailable) as refusal:
            ClickEvents(place, scene.ledger.epoch, anew=True)
        assert refusal.value.code == "events_layout_wrong"


def test_a_database_of_one_server_is_not_taken_for_one_of_the_cluster(scene: Scene) -> None:
    alone = replace(scene.place, hosts=scene.place.hosts[:1], cluster=None)
    ClickEvents(alone, scene.ledger.epoch).close()
    with pytest.raises(Unavailable) as refusal:
        scene.opened()
    assert refusal.value.code == "events_layout_wrong"


def test_a_wrong_password_is_told_of(scene: Scene) -> None:
    with pytest.raises(Unavailable) as refusal:
        ClickEvents(replace(scene.place, password="wrong"), scene.ledger.epoch)
    assert "TALLYBOOK_EVENTS_URL" in refusal.value.detail
    assert "wrong" not in refusal.value.detail


def test_rebuilt_beside_a_server_that_goes_on(scene: Scene) -> None:
    """Its answers are those of the copy it asked, and of no copy that is half there."""
    scene.source.arrive(1000)
    answers = []
    with closing(scene.opened()) as store:
        scene.load(store)
        with closing(scene.opened(anew=True)) as rebuilt, ThreadPoolExecutor() as pool:
            loaded = pool.submit(scene.load, rebuilt)
            while not loaded.done():
                with suppress(Unavailable):
                    answers.append(scene.asked(store, 1000))
            loaded.result()
        answers.append(scene.asked(store, 1000))
    scene.check(answers)


def test_tables_dropped_and_made_anew_by_another_are_not_taken_for_the_old(scene: Scene) -> None:
    scene.source.arrive(300)
    scene.source.arrive(700)
    with closing(scene.opened()) as store:
        scene.load(store)
        for node in scene.cluster.nodes:
            node.ask(f"DROP DATABASE {scene.place.database} SYNC")
        with closing(scene.opened(anew=True)) as rebuilt:
            rebuilt.load(ALL, scene.ledger.read(ALL, 0, 10**6)[:1])
            assert store.position(ALL) == 300
            refused(lambda: scene.asked(store, 1000))
        scene.load(store)
    scene.check()


def test_a_copy_that_one_replica_knows_of_is_known_to_all_before_it_counts(scene: Scene) -> None:
    scene.source.arrive(500)
    table = f"{scene.place.database}.position_local"
    with closing(scene.opened()) as store:
        scene.load(store)
        knows = next(n for n in scene.cluster.nodes if n.ask(f"SELECT 1 FROM {table} LIMIT 1"))
        knows.ask(f"INSERT INTO {table} VALUES (9, 9, '{scene.ledger.epoch}', 0)")
        found = ClickEvents(_only(scene, knows), scene.ledger.epoch)
        assert found.position(ALL) == store.position(ALL) == 0
        found.close()
        (shard,) = (shard for shard in scene.cluster.shards if knows in shard)
        assert {n.ask(f"SELECT max(generation) FROM {table}") for n in shard} == {"9\n"}
        scene.load(store)
    scene.check()


def _only(scene: Scene, node: Node) -> Address:
    """Return the address with a server first and last, so that it is the one that is asked."""
    place = scene.place
    (host,) = (h for h in place.hosts if h.port == node.ports.http)
    return replace(place, hosts=(host,) * len(place.hosts))


def test_a_server_that_stands_still_costs_one_wait(scene: Scene) -> None:
    scene.source.arrive(100)
    with closing(ClickEvents(scene.place, scene.ledger.epoch, query_seconds=2)) as store:
        scene.load(store)
        answers = [scene.asked(store, 100)]
        frozen = scene.cluster.shards[0][0]
        frozen.pause()
        try:
            waits = []
            for _ in range(8):
                began = time.monotonic()
                with suppress(Unavailable):
                    answers.append(scene.asked(store, 100))
                waits.append(time.monotonic() - began)
        finally:
            frozen.pause(on=False)
    print(f"seconds waited: {[round(wait, 1) for wait in waits]}")  # noqa: T201 - what is measured
    assert max(waits) < 30
    assert len(answers) >= 4
    scene.check(answers)


def lose_disk(node: Node) -> None:
    """Let a node come back with nothing."""
    node.stop()
    shutil.rmtree(node.folder / "data")
    node.start()
