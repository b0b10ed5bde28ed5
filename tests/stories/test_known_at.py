"""The same question with the same `known_at` has the same bytes, whatever has come in since."""

from typing import Any

import pytest

from tests.serving import Client, event

QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    ("/usage", {"meter": "total", "from": "2026-03-01", "to": "2026-04-01", "interval": "day"}),
    ("/usage", {"meter": "total", "group_by": "account", "from": "2026-03-01", "to": "2027-01-01"}),
    ("/positions", {"at": "2026-03-20T00:00:00Z"}),
    ("/positions/C-1/total", {"at": "2026-03-20T00:00:00Z"}),
    ("/events", {"state": "counted"}),
    ("/events", {"account": "acme", "limit": "3"}),
]


@pytest.fixture(scope="module")
def changed(installation: Client) -> tuple[Client, str, list[bytes], list[bytes]]:
    """Ask everything, then change all there is, and ask again."""
    known_at = installation.usage("uses")["known_at"]

    def ask() -> list[bytes]:
        answers = [
            installation.call("GET", path, **asked, known_at=known_at) for path, asked in QUESTIONS
        ]
        assert {answer.status for answer in answers} == {200}
        return [answer.body for answer in answers]

    before = ask()
    late = [event(f"late-{i}", data={"n": 1000}) for i in range(5)]
    installation.send([*late, event("other", subject="new-one"), event("else", type="new")])
    installation.put("/accounts/new-one", parent="acme")
    installation.put(
        "/accounts/acme", name="Renamed", timezone="Asia/Tokyo", valid_from="2026-01-01"
    )
    installation.put("/meters/total", event_type="use", aggregation="max", property="n")
    installation.put("/meters/new", event_type="new", aggregation="count")
    installation.put("/contracts/C-1", account="acme", start_date="2026-01-01", lines=[])
    installation.put("/contracts/C-2", account="acme", start_date="2026-01-01")
    installation.until_visible()
    assert installation.call("POST", "/tick").status == 200  # compacts as well
    return installation, known_at, before, ask()


@pytest.mark.parametrize("number", range(len(QUESTIONS)))
def test_same_question_same_bytes(
    changed: tuple[Client, str, list[bytes], list[bytes]], number: int
) -> None:
    installation, _, before, after = changed
    assert after[number] == before[number]
    path, asked = QUESTIONS[number]
    assert installation.call("GET", path, **asked).body != before[number]


def test_an_answer_and_its_mark_say_the_same(installation: Client) -> None:
    asked: dict[str, Any] = {"meter": "uses", "from": "2026-01-01", "to": "2027-01-01"}
    fresh = installation.call("GET", "/usage", **asked)
    again = installation.call("GET", "/usage", **asked, known_at=fresh.json["known_at"])
    assert (fresh.status, again.status) == (200, 200)
    assert fresh.body == again.body
