"""The laws of events on real servers: one node by itself, and a cluster, over the network. They
are tried with few examples here: it is the same code, but for what lies between two servers.
"""

from collections.abc import Iterator
from contextlib import suppress
from importlib.util import module_from_spec, spec_from_file_location

import pytest
from hypothesis.errors import InvalidArgument

from tallybook.model.ports import Events
from tallybook.stores.clickhouse.address import address
from tallybook.stores.clickhouse.store import ClickEvents
from tests.cluster import rig
from tests.laws import test_events
from tests.postgres import FEWER

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]

# Laws of our own, as how often one is tried is noted on it.
_spec = spec_from_file_location("laws_on_servers", test_events.__file__)
assert _spec
assert _spec.loader
_laws = module_from_spec(_spec)
_spec.loader.exec_module(_laws)
for _name, _law in vars(_laws).items():
    if _name.startswith("test_"):
        globals()[_name] = _law
        if hasattr(_law, "hypothesis"):
            with suppress(InvalidArgument):  # it says itself how often it is tried
                FEWER(_law)


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
