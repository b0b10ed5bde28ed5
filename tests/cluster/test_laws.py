"""The laws of events on real servers: one node by itself, and a cluster, over the network."""

from collections.abc import Iterator

import pytest

from tallybook.model.ports import Events
from tallybook.stores.clickhouse.address import address
from tallybook.stores.clickhouse.store import ClickEvents
from tests.cluster import rig
from tests.laws import test_events as laws

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]

globals().update({name: law for name, law in vars(laws).items() if name.startswith("test_")})


@pytest.fixture(scope="module", params=["node", "cluster"])
def kept(request: pytest.FixtureRequest, cluster: rig.Cluster) -> Iterator[Events]:
    """Give one store to many examples, in place of those of the laws' own module."""
    if request.param == "cluster":
        yield from _opened(cluster.url("laws"))
    else:
        with rig.node() as node:
            yield from _opened(node.url("laws"))


def _opened(url: str) -> Iterator[Events]:
    store = ClickEvents(address(url), "epoch")
    yield store
    store.close()
