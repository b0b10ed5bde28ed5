"""The counts of what is refused, of two servers on one database: they add up, and one that is
killed loses no more than what it counted since its last tick.
"""

from pathlib import Path

import pytest

from tests import postgres
from tests.serving import Server, event

pytestmark = [pytest.mark.process, pytest.mark.postgres]

CHECK = "/checks/ingest.rejected/preview"


def refuse(server: Server, events: int) -> None:
    """Send events that are all refused."""
    sent = [event(f"bad-{i}", time="never") for i in range(events)]
    assert server.send(sent)["rejected"] == events


def counted(server: Server) -> int:
    """Return how many refused events are known of."""
    found = server.call("POST", CHECK, {"values": {"hours": 2}}).json["findings"]
    return sum(one["outputs"]["events"] for one in found)


def test_counts_of_servers_add_up_and_a_killed_one_loses_its_last(tmp_path: Path) -> None:
    settings = {"TALLYBOOK_DATABASE_URL": postgres.database(tmp_path)}
    with Server(tmp_path / "0", settings=settings) as first:
        with first.beside(tmp_path / "1") as second:
            for server, events in ((first, 1), (second, 10)):
                refuse(server, events)
                assert server.call("POST", "/tick").status == 200
            assert counted(first) == counted(second) == 11
            refuse(second, 100)
            second.kill()
        # Its own tick, each minute, may have come in between.
        assert counted(first) in {11, 111}
