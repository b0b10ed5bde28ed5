"""A running installation for stories: the real application on a loopback port, real stores in a
folder of its own, asked over HTTP as anybody asks it; each answer is as documented. One a file, in
the tests' own process.
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tallybook import app
from tallybook.settings import Settings
from tests.documented import Documented
from tests.serving import Client, event


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of this file's installation."""
    return tmp_path_factory.mktemp("installation") / "data"


@pytest.fixture(scope="module")
def bare(folder: Path) -> Iterator[Client]:
    """Yield an installation as `init` leaves it."""
    settings = Settings(data=folder)
    key = str(app.initialise(settings, "admin@example.com")["api_key"])
    with app.running(settings) as address:
        yield Documented(urlsplit(address.url).port or 0, key)


@pytest.fixture(scope="module")
def installation(bare: Client) -> Client:
    """Return an installation with one customer, one meter of each kind that matters, some use."""
    bare.put("/accounts/acme", name="Acme", timezone="Europe/Berlin")
    bare.put("/accounts/acme-eu", parent="acme")
    bare.put("/meters/uses", event_type="use", aggregation="count", dimensions=["channel"])
    bare.put("/meters/total", event_type="use", aggregation="sum", property="n")
    bare.put("/meters/seats", event_type="seat", aggregation="latest", property="n", kind="stock")
    bare.put(
        "/contracts/C-1",
        account="acme",
        start_date="2026-01-01",
        lines=[
            {
                "code": "total",
                "meter": "total",
                "allotment": {"quantity": "100"},
                "price": {"model": "per_unit", "unit_amount": "0.01"},
            }
        ],
    )
    receipt = bare.send([event(f"first-{i}", data={"n": i, "channel": "sms"}) for i in range(10)])
    assert receipt["accepted"] == 10
    bare.until_visible()
    return bare
