"""The cluster that the tests of this folder share; each makes databases of its own in it."""

from collections.abc import Iterator

import pytest

from tests import machine
from tests.cluster import rig


@pytest.fixture(scope="session")
def cluster() -> Iterator[rig.Cluster]:
    """Two shards of two replicas."""
    try:
        rig.launcher()
    except machine.Missing as e:
        pytest.skip(str(e))
    with rig.cluster() as running:
        yield running
        log = {each.folder.name: each.gave_up for each in running.nodes}
        print(f"nodes that gave up by themselves: {log}")  # noqa: T201 - the printed finding
