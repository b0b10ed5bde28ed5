"""An acknowledged event is there and counts once, whatever kills the process, however often.

Four writers send batches with retries; some of what they send was acknowledged before. The server
is killed at random moments. What was acknowledged when it died must be counted when it is back.
"""

import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tallybook.model.scope import operator
from tallybook.model.wire import read_json
from tallybook.stores.ledger.store import SqlLedger
from tests.serving import Server, event

pytestmark = pytest.mark.process

WRITERS = 4
BATCH = 60
READY_SECONDS = 10
SPAN = {"from": "2026-03-01", "to": "2026-04-01"}


class Writer(threading.Thread):
    """Sends to its own account until stopped; knows what was sent and what was acknowledged."""

    def __init__(self, server: Server, number: int, seed: int) -> None:
        super().__init__(name=f"writer-{number}", daemon=True)
        self.account = f"w{number}"
        self.sent: list[int] = []
        self.acknowledged: set[int] = set()
        self.broken: list[object] = []
        self._server = server
        self._random = random.Random(f"{seed}.{number}")
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.is_set():
            first = len(self.sent)
            self.sent += [self._random.randint(1, 9) for _ in range(BATCH)]
            again = [self._random.randrange(first) for _ in range(first and 10)]
            batch = [*range(first, len(self.sent)), *dict.fromkeys(again)]
            self._random.shuffle(batch)
            self._send(batch)

    def _send(self, batch: list[int]) -> None:
        """Send until it is acknowledged, over whatever happens to the server."""
        while not self.acknowledged.issuperset(batch) and not self.broken:
            try:
                answer = self._server.call("POST", "/events", [self._event(i) for i in batch])
            except OSError:
                time.sleep(0.02)
                continue
            if answer.status == 200:
                self._note(batch, answer.json)
            elif answer.status not in {429, 503}:
                self.broken.append(answer)

    def finish(self) -> None:
        """End once all that was sent is acknowledged."""
        self._stopping.set()
        self.join(60)
        assert not self.is_alive(), "the writer found no server that answers"
        assert not self.broken

    @property
    def ids(self) -> set[str]:
        """The ids of what was acknowledged."""
        return {f"{self.account}-{i}" for i in self.acknowledged}

    def _event(self, i: int) -> dict[str, object]:
        return event(
            f"{self.account}-{i}",
            source=f"/{self.account}",
            subject=self.account,
            data={"n": self.sent[i]},
        )

    def _note(self, batch: list[int], receipt: dict[str, int]) -> None:
        if receipt["accepted"] + receipt["duplicate"] == len(batch):
            self.acknowledged.update(batch)
        else:
            self.broken.append(receipt)


def made(folder: Path) -> Server:
    """Serve a folder whose meters count and sum what the writers send."""
    server = Server(folder)
    server.start()
    server.put("/meters/events", event_type="use", aggregation="count")
    server.put("/meters/total", event_type="use", aggregation="sum", property="n")
    for number in range(WRITERS):
        server.put(f"/accounts/w{number}")
    return server


def counted(server: Server, meter: str, account: str) -> int:
    return int(server.usage(meter, account=account, **SPAN)["rows"][0]["value"])


def survive(server: Server, kills: int, seed: int) -> list[Writer]:
    """Kill the server again and again under its writers, and check it each time it is back."""
    moments = random.Random(seed)
    writers = [Writer(server, number, seed) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for _ in range(kills):
        time.sleep(moments.uniform(0.05, 1.0))
        server.kill()
        held = {w.account: len(w.acknowledged) for w in writers}
        assert server.start() <= READY_SECONDS
        server.until_visible()
        for writer in writers:
            found = counted(server, "events", writer.account)
            assert held[writer.account] <= found, f"{writer.account} lost acknowledged events"
            assert found <= len(writer.sent), f"{writer.account} has events counted twice"
    for writer in writers:
        writer.finish()
    return writers


def check_exactly_once(server: Server, writers: list[Writer]) -> None:
    """Compare what was acknowledged with what is counted, and with each entry of the ledger."""
    server.until_visible()
    for writer in writers:
        assert counted(server, "events", writer.account) == len(writer.acknowledged)
        assert counted(server, "total", writer.account) == sum(writer.sent)
    assert server.stop() == 0
    with SqlLedger(server.folder) as ledger:
        scope = operator("test")
        facts = ledger.fetch(scope, range(1, ledger.head(scope) + 1))
        stored = Counter(read_json(f.wire.decode())["id"] for f in facts.values())
    assert set(stored) == {name for writer in writers for name in writer.ids}
    assert set(stored.values()) == {1}


@pytest.mark.timeout(120)
def test_ten_kills_lose_nothing_and_count_nothing_twice(tmp_path: Path) -> None:
    with made(tmp_path / "data") as server:
        check_exactly_once(server, survive(server, 10, seed=1))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_hundred_kills_lose_nothing_and_count_nothing_twice(tmp_path: Path) -> None:
    seed = time.time_ns()
    print(f"seed {seed}")  # noqa: T201 - a failure is repeated with it
    with made(tmp_path / "data") as server:
        check_exactly_once(server, survive(server, 100, seed))
