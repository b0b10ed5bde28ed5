"""The short way for a batch of events and the usual one give the same answer to everything."""

import gzip
import json

import pytest

from tests.serving import Answer, Client, event

BATCH = {"Content-Type": "application/cloudevents-batch+json"}
SENT = json.dumps([event("one"), event("two", time="never")]).encode()

CASES: dict[str, tuple[bytes, dict[str, str]]] = {
    "taken": (SENT, {}),
    "compressed answer": (json.dumps([{}] * 300).encode(), {"Accept-Encoding": "gzip"}),
    "no JSON": (b"[", {}),
    "no JSON, for a page": (b"[", {"Accept": "text/html"}),
    "no events": (SENT, {"Content-Type": "text/html"}),
    "too much": (b" " * 9_000_000, {}),
    "no key": (SENT, {"Authorization": ""}),
    "no key, too much": (b" " * 9_000_000, {"Authorization": ""}),
    "a key that is none": (SENT, {"Authorization": "Bearer nonsense"}),
    "no session": (SENT, {"Authorization": "", "Cookie": "tallybook_session=nonsense"}),
    "another site": (
        SENT,
        {"Authorization": "", "Cookie": "tallybook_session=x", "Origin": "https://example.org"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_both_ways_answer_alike(installation: Client, case: str) -> None:
    body, changes = CASES[case]
    headers = {"Authorization": f"Bearer {installation.key}", **BATCH, **changes}
    sent = {name: value for name, value in headers.items() if value}
    installation.send([event("one")])  # so that each way finds it stored
    short = installation.ask("POST", "/api/v1/events", body, sent)
    counted = _counted(installation, short.status)
    usual = installation.ask("POST", "/api/v1/events?usual=1", body, sent)
    assert _plain(short) == _plain(usual)
    assert _counted(installation, short.status) == counted + 1


@pytest.mark.parametrize("way", ["/api/v1/events", "/api/v1/events?usual=1"])
def test_who_is_not_known_is_told_so_however_much_they_send(installation: Client, way: str) -> None:
    headers = {"Authorization": "Bearer nonsense", **BATCH}
    answer = installation.ask("POST", way, b" " * 9_000_000, headers)
    assert (answer.status, answer.json["code"]) == (401, "key_invalid")


def _plain(answer: Answer) -> tuple[int, dict[str, str], str]:
    """Leave out what is an answer's own: its date, and its identifier wherever it stands."""
    headers = {n: v for n, v in answer.headers.items() if n not in {"date", "x-request-id"}}
    body = answer.body
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
        del headers["content-length"]
    return answer.status, headers, body.decode().replace(answer.headers["x-request-id"], "")


def _counted(client: Client, status: int) -> float:
    """Return how many answers of this status the metrics tell of the path."""
    return client.metric(f'tallybook_http_requests_total{{route="/events",status="{status}"}}')
