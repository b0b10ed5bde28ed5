"""The laws of events on ClickHouse in this process. Each statement takes ten times one of DuckDB,
so they are tried with fewer examples.
"""

from collections.abc import Iterator

import pytest

from tallybook.model.ports import Events
from tests.again import again
from tests.laws import test_events

pytestmark = pytest.mark.thorough
globals().update(again(test_events, 4))


@pytest.fixture(scope="module")
def kept() -> Iterator[Events]:
    """Give one store to many examples, in place of those of the laws' own module."""
    with test_events.opened("chdb") as store:
        yield store
