"""Two sizes, one answer, on real servers: one node of ClickHouse, and a cluster of shards and
replicas, beside PostgreSQL; each must answer as the folder does, to the last byte.
"""

from pathlib import Path

import pytest

from tests.cluster import rig
from tests.parity.sides import compare

pytestmark = [pytest.mark.cluster, pytest.mark.postgres, pytest.mark.timeout(900)]


@pytest.mark.usefixtures("cluster")  # which says why, where there can be none
def test_one_node_answers_as_a_folder_does(tmp_path: Path) -> None:
    with rig.node() as node:
        compare(tmp_path, node.url("parity"))


def test_a_cluster_answers_as_a_folder_does(cluster: rig.Cluster, tmp_path: Path) -> None:
    compare(tmp_path, cluster.url("parity"))
