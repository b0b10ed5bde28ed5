"""The two sizes beside each other: sent the same requests one after the other, asked the same, and
compared.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from tallybook import app
from tallybook.settings import Settings
from tests import postgres
from tests.parity import world
from tests.parity.answers import ANSWERS, Row, as_csv
from tests.parity.questions import COUNT
from tests.serving import Client

#: After these parts of all requests a mark is taken, at which is asked later.
MARKED = (0.3, 0.6, 1)
_DAY = {"from": "2026-03-01", "to": "2026-03-02"}


def compare(folder: Path, events_url: str) -> None:
    """Compare SQLite and DuckDB with PostgreSQL and the ClickHouse of an address."""
    database = postgres.database(folder)
    with (
        served(folder / "small") as small,
        served(folder / "large", database_url=database, events_url=events_url) as large,
    ):
        marks = filled(small, large)
        for part, asked in ANSWERS.items():
            found = [*asked(small, marks)]
            assert_worth_comparing(part, found)
            assert_same(part, as_csv(found), as_csv(asked(large, marks)))


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[Client]:
    """Serve an installation with the stores that settings name, at a business time of its own."""
    settled = Settings.model_validate({"data": folder, "test_clock": True, **settings})
    key = str(app.initialise(settled, "admin@example.com")["api_key"])
    with app.running(settled) as address:
        yield Client(urlsplit(address.url).port or 0, key)


def filled(*sides: Client) -> list[str]:
    """Send every side the same requests one after the other, and take marks on the way."""
    for side in sides:
        world.define(side)
    steps = [*world.steps(random.Random(1))]
    wanted = {round(len(steps) * part) for part in MARKED}
    marks = []
    for number, step in enumerate(steps, 1):
        first, *others = [sent(side, step) for side in sides]
        assert others == [first] * len(others)
        if number in wanted:
            marks.append(marked(*sides))
            for side in sides:
                close(side, ("2026-01-10", "2025-12-10", "2026-02-10")[len(marks) - 1])
    return [*marks, marked(*sides)]


def close(side: Client, period: str) -> None:
    """Close the statements of a period, so that what comes later is adjusted on another."""
    body = {"period": period, "release": True, "reason": "for comparison"}
    for contract in world.CLOSED:
        answer = side.call("POST", f"/statements/{contract}/close", body)
        assert answer.status == HTTPStatus.OK, answer.body


def sent(side: Client, step: world.Step) -> object:
    """Send a request; return its receipt."""
    headers = {"Content-Type": step.content_type}
    answer = side.call("POST", step.path, step.body, headers=headers)
    assert answer.status == HTTPStatus.OK, answer.body
    return answer.json


def marked(*sides: Client) -> str:
    """Return a mark of all that the sides know by now, at their business time."""
    for side in sides:
        side.until_visible()
        assert side.call("PUT", "/test-clock", {"now": world.NOW}).status == HTTPStatus.OK
    found = [str(side.usage("uses", **_DAY)["known_at"]) for side in sides]
    assert len({mark.rpartition(".")[0] for mark in found}) == 1, "the same entries and definitions"
    return max(found)


def assert_same(part: str, small: str, large: str) -> None:
    """Compare two answers, and show where they part."""
    pairs = zip(small.splitlines(), large.splitlines(), strict=False)
    different = [f"- {a}\n+ {b}" for a, b in pairs if a != b]
    assert not different, f"{part}: {len(different)} lines\n" + "\n".join(different[:5])
    assert small == large, f"{part}: one answer goes on where the other ends"


def assert_worth_comparing(part: str, rows: list[Row]) -> None:
    """See that there is something in an answer: empty ones are alike on every store."""
    if part == "usage":
        refused = {row["question"] for row in rows if "refused" in row}
        told = {row["question"] for row in rows if row.get("value") not in {None, "0"}}
        assert len(refused) <= COUNT * 0.15
        assert len(told) >= COUNT * 0.6
    elif part == "events":
        assert {row["state"] for row in rows} == {"counted", "voided", "replaced", "unresolved"}
    else:
        assert len(rows) > 1
