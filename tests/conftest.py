"""What every test shares: how hard hypothesis tries. Sockets and warnings are set in pyproject."""

import os

from hypothesis import HealthCheck, settings

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
settings.register_profile("quick", settings.get_profile("normal"), max_examples=20)
settings.register_profile("long", settings.get_profile("normal"), max_examples=1000)
settings.register_profile(
    "search", settings.get_profile("long"), derandomize=False, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "normal"))


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name bytes by their kind: compressed ones hold a time, and workers must agree on names."""
    return "bytes" if isinstance(val, bytes) else None
