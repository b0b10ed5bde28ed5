"""Two sizes, one answer, on real servers: one node of ClickHouse, and a cluster of shards and
replicas, beside PostgreSQL; each must answer as the folder does, to the last byte.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import rig
from tests.parity.sides import compare

pytestmark = [pytest.mark.cluster, pytest.mark.postgres, pytest.mark.timeout(900)]


@pytest.fixture
def node(cluster: rig.Cluster) -> Iterator[rig.Node]:
    """Yield a node that knows no cluster; where there can be none, that is said by `cluster`."""
    with rig.node() as single:
        yield single


def test_one_node_answers_as_a_folder_does(node: rig.Node, tmp_path: Path) -> None:
    compare(tmp_path, node.url("parity"))


def test_a_cluster_answers_as_a_folder_does(cluster: rig.Cluster, tmp_path: Path) -> None:
    compare(tmp_path, cluster.url("parity"))
