"""Two sizes, one answer: an installation in a folder and one on servers are sent the same bytes and
asked the same questions, and what they say is the same CSV to the last byte.
"""

from pathlib import Path

import pytest

from tests import chdb
from tests.parity.sides import compare

#: With the processes, as they run without coverage, which would double its half a minute.
pytestmark = [pytest.mark.postgres, pytest.mark.process, pytest.mark.timeout(600)]


def test_both_sizes_answer_alike_to_the_last_byte(tmp_path: Path) -> None:
    compare(tmp_path, chdb.url())
