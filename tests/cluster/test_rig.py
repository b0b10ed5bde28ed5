"""The rig itself: what the other tests of this folder take for granted, asked of ClickHouse."""

import socket
import struct
import time
from collections.abc import Callable, Iterator

import pytest

from tests.cluster.rig import NAME, Cluster, Refused

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

ROWS = 1000
COUNT = "SELECT count(), sum(a) FROM rig.all FORMAT TSV"
#: How a client begins in the native protocol: its name, version, database, user and password.
HELLO = b"\0" + b"\4test" + b"\1\1\xd0\xb1\3" + b"\0" + b"\7default" + b"\0"
EXPECTED = f"{ROWS}\t{ROWS * (ROWS - 1) // 2}\n"


@pytest.fixture
def table(cluster: Cluster) -> Iterator[Cluster]:
    """Numbers spread over the shards, each in every replica."""
    cluster.everywhere("CREATE DATABASE rig ENGINE = Atomic")
    cluster.everywhere("CREATE TABLE rig.part (a Int64) ENGINE = MergeTree ORDER BY a")
    cluster.everywhere(
        "CREATE TABLE rig.all AS rig.part ENGINE = "
        f"Distributed('{NAME}', 'rig', 'part', intHash64(a))"
    )
    cluster.nodes[0].ask(
        f"INSERT INTO rig.all SELECT number FROM numbers({ROWS})", distributed_foreground_insert=1
    )
    yield cluster
    cluster.start()
    cluster.everywhere("DROP DATABASE rig SYNC")


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_every_node_answers_for_all_and_holds_its_part(table: Cluster) -> None:
    assert set(table.everywhere(COUNT)) == {EXPECTED}
    held = [{n.ask("SELECT count() FROM rig.part") for n in shard} for shard in table.shards]
    assert all(len(replicas) == 1 for replicas in held)
    assert sum(int(*replicas) for replicas in held) == ROWS


def test_what_is_killed_comes_back_with_what_it_held(table: Cluster) -> None:
    victim = table.nodes[1]
    before = victim.gave_up
    victim.kill()
    until(victim.answers)
    assert victim.gave_up == before
    assert set(table.everywhere(COUNT)) == {EXPECTED}


def test_what_dies_by_itself_comes_back_and_is_counted(table: Cluster) -> None:
    victim = table.nodes[2]
    before = victim.gave_up
    assert victim.process is not None
    victim.process.kill()
    until(lambda: victim.gave_up == before + 1)
    victim.gave_up = before
    until(victim.answers)


def test_nobody_falls_over_a_connection_that_is_reset(table: Cluster) -> None:
    victim = table.nodes[3]
    before = victim.gave_up
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", victim.ports.tcp)) as caller:
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            caller.send(HELLO)
            assert caller.recv(1) == b"\0"  # it is greeted back, and asked what it wants
    time.sleep(0.5)
    assert victim.gave_up == before
    assert set(table.everywhere(COUNT)) == {EXPECTED}


def test_without_a_shard_no_answer_without_a_replica_the_whole(table: Cluster) -> None:
    first, second = table.shards[1]
    first.stop()
    assert table.nodes[0].ask(COUNT) == EXPECTED
    second.stop()
    with pytest.raises(Refused, match="279"):
        table.nodes[0].ask(COUNT)
    assert not first.answers()
    with pytest.raises(OSError, match="refused"):
        first.ask("SELECT 1")
    table.start()
    assert set(table.everywhere(COUNT)) == {EXPECTED}
