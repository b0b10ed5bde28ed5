"""What every test shares: how hard hypothesis tries, and how soon events are loaded. Sockets and
warnings are set in pyproject.
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tallybook.model import limits

# "normal" repeats the same examples on each run: a failure on one machine is a failure on all.
# "quick" is what everyone waits for and tries fewer of them. "long" looks for new ones.
settings.register_profile(
    "normal",
    max_examples=50,
    deadline=None,  # two shared cores: slowness is measured elsewhere
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("quick", settings.get_profile("normal"), max_examples=10)
settings.register_profile("long", settings.get_profile("normal"), max_examples=1000)
settings.register_profile(
    "search", settings.get_profile("long"), derandomize=False, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "normal"))


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name bytes by their kind: compressed ones hold a time, and workers must agree on names."""
    return "bytes" if isinstance(val, bytes) else None


@pytest.fixture(scope="session", autouse=True)
def _load_soon() -> Iterator[None]:
    """Installations within the tests load what they were sent ten times as soon: many wait for it.
    Those that are processes of their own keep to the limit.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "LOAD_INTERVAL_SECONDS", limits.LOAD_INTERVAL_SECONDS / 10)
        yield
