"""The laws of events on real servers: one node by itself, and a cluster, over the network. They
are tried with few examples here: it is the same code, but for what lies between two servers.
"""

from collections.abc import Iterator

import pytest

from tallybook.model.ports import Events
from tallybook.stores.clickhouse.address import address
from tallybook.stores.clickhouse.store import ClickEvents
from tests.again import again
from tests.cluster import rig
from tests.laws import test_events

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]

globals().update(again(test_events, 10))


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
