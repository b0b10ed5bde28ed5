"""Bodies in every mode and every bad shape: the receipt says what became of each event."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from tallybook.model.errors import (
    Forbidden,
    Invalid,
    Overloaded,
    TallybookError,
    TooLarge,
    Unreadable,
)
from tallybook.model.limits import (
    BACKLOG_EVENTS_MAX,
    BATCH_EVENTS_MAX,
    BODY_BYTES_MAX,
    EVENT_BYTES_MAX,
)
from tallybook.model.scope import Member, Scope, operator
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT
from tallybook.operations._event import check, check_all
from tallybook.operations.ingest import Receipt, ingest
from tallybook.stores.ledger import SqlLedger

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
JSON = {"content-type": "application/json"}
LINES = {"content-type": "application/x-ndjson"}
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/s",
    "type": "call",
    "subject": "acme",
    "time": "2026-03-01T09:30:00Z",
    "data": {"n": 1},
}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqlLedger]:
    with SqlLedger(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlLedger]:
    """One ledger for the properties, in which every example has ids of its own or shares them."""
    with SqlLedger(tmp_path_factory.mktemp("ledger")) as opened:
        yield opened


def event(**changes: Any) -> dict[str, Any]:
    return {k: v for k, v in (EVENT | changes).items() if v is not None}


def send(
    ledger: SqlLedger, body: Any, headers: dict[str, str] | None = None, now: datetime = NOW
) -> Receipt:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ingest(operator(), ledger, raw, headers or JSON, now)


def codes(receipt: Receipt) -> list[str | None]:
    return [line.code for line in receipt.results(all=True)]


def test_one_event_and_its_repetition(ledger: SqlLedger) -> None:
    first, again = send(ledger, event()), send(ledger, event(traceparent="other"))
    assert (first.received, first.accepted, first.ledger_seq) == (1, 1, 1)
    assert first.results() == []
    assert [line.status for line in first.results(all=True)] == ["accepted"]
    assert (again.duplicate, again.ledger_seq) == (1, 1)
    changed = send(ledger, event(data={"n": 2}))
    assert (changed.conflict, codes(changed)) == (1, ["content_differs"])
    kept = ledger.fetch(operator(), [1])[1]
    assert json.loads(kept.wire) == event()


@pytest.mark.parametrize(
    ("one", "other", "status"),
    [
        ({"data": {"n": 1}}, {"data": {"n": 1.0}}, "duplicate"),
        ({"data": {"n": 100}}, {"data": {"n": 1e2}}, "duplicate"),
        ({"data": {"n": 0}}, {"data": {"n": -0.0}}, "duplicate"),
        (
            {"data": {"a": 1, "b": [1, {"c": 2}]}},
            {"data": {"b": [1.0, {"c": 2}], "a": 1}},
            "duplicate",
        ),
        ({"data": {"n": 1}}, {"data": {"n": True}}, "conflict"),
        ({"data": {"n": 1}}, {"data": {"n": "1"}}, "conflict"),
        ({"data": {"n": [1, 2]}}, {"data": {"n": [2, 1]}}, "conflict"),
        ({"data": {"n": None}}, {"data": {}}, "conflict"),
        ({}, {"type": "other"}, "conflict"),
        ({}, {"subject": "other"}, "conflict"),
        ({}, {"time": "2026-03-01T09:30:00.000001Z"}, "conflict"),
        ({}, {"time": "2026-03-01T10:30:00.0000009+01:00"}, "duplicate"),
        ({"time": "2026-03-01T09:31:00Z"}, {"time": "2026-03-01t09:30:60z"}, "duplicate"),
        ({}, {"time": None}, "duplicate"),
        ({"time": None}, {"time": None}, "duplicate"),
        ({"time": None}, {"time": "2026-03-01T12:00:00Z"}, "duplicate"),
        ({"time": None}, {"time": "2026-03-01T12:00:01Z"}, "conflict"),
        ({"data": {"n": 1}}, {"data": None, "data_base64": "eyJuIjoxLjB9"}, "duplicate"),
        (
            {"data": "hi", "datacontenttype": "text/plain"},
            {"data": None, "data_base64": "aGk=", "datacontenttype": "text/plain"},
            "duplicate",
        ),
        ({}, {"datacontenttype": "application/json", "dataschema": "/x"}, "duplicate"),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_same_content(
    ledger: SqlLedger, one: dict[str, Any], other: dict[str, Any], status: str, *, together: bool
) -> None:
    if together:
        receipt = send(ledger, [event(**one), event(**other)])
    else:
        send(ledger, event(**one))
        receipt = send(ledger, event(**other), now=NOW + timedelta(hours=1))
    assert receipt.results()[-1].status == status
    assert receipt.results()[-1].id == "1"
    assert receipt.ledger_seq == 1


def test_huge_numbers_are_compared_without_expanding_them(ledger: SqlLedger) -> None:
    base = json.dumps(event(data={"n": 7}))
    for i, (one, other, status) in enumerate(
        [
            ("1e999999999", "10e999999998", "duplicate"),
            ("1e999999999", "1e999999998", "conflict"),
            ("1E" + "9" * 5000, "1E" + "9" * 5000 + "1", "conflict"),
            ("9" * 5000, "9" * 5000 + ".0", "duplicate"),
            ("12345678901234567.123456789", "12345678901234567.12345678", "conflict"),
        ]
    ):
        named = base.replace('"1"', f'"{i}"')
        first = send(ledger, named.replace("7", one, 1).encode())
        assert first.accepted == 1, one[:20]
        assert send(ledger, named.replace("7", other, 1).encode()).results()[0].status == status


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"id": None}, "id_missing"),
        ({"id": ""}, "id_missing"),
        ({"id": 5}, "attribute_invalid"),
        ({"id": "x" * 257}, "id_too_long"),
        ({"id": "a\0b"}, "attribute_invalid"),
        ({"source": None}, "source_missing"),
        ({"source": ""}, "source_missing"),
        ({"source": "not a uri"}, "source_invalid"),
        ({"source": "%zz"}, "source_invalid"),
        ({"source": "a#b#c"}, "source_invalid"),
        ({"source": {}}, "attribute_invalid"),
        ({"type": None}, "type_missing"),
        ({"type": ""}, "type_missing"),
        ({"subject": None}, "subject_missing"),
        ({"subject": ""}, "subject_missing"),
        ({"subject": "x" * 257}, "subject_too_long"),
        ({"subject": True}, "attribute_invalid"),
        ({"specversion": "0.3"}, "specversion_unsupported"),
        ({"specversion": None}, "specversion_unsupported"),
        ({"specversion": 1.0}, "attribute_invalid"),
        ({"datacontenttype": 1}, "attribute_invalid"),
        ({"datacontenttype": "a\nb"}, "attribute_invalid"),
        ({"time": "yesterday"}, "time_invalid"),
        ({"time": 1}, "attribute_invalid"),
        ({"time": "2026-03-01T09:30:00"}, "time_invalid"),
        ({"time": "2026-03-01T24:00:00Z"}, "time_invalid"),
        ({"time": "2026-03-01T09:30:0Z"}, "time_invalid"),
        ({"time": "0001-01-01T00:00:00+01:00"}, "time_invalid"),
        ({"time": "9999-12-31T23:59:60Z"}, "time_invalid"),
        ({"time": "2026-03-01T12:05:00.000001Z"}, "time_ahead"),
        ({"time": "9999-12-31T23:59:59Z"}, "time_ahead"),
        ({"data_base64": "%%%"}, "data_twice"),
        ({"data": None, "data_base64": "%%%"}, "data_base64_invalid"),
        ({"data": None, "data_base64": 5}, "data_base64_invalid"),
        ({"data": None, "data_base64": [1]}, "data_base64_invalid"),
        ({"data": {"x": "y" * EVENT_BYTES_MAX}}, "event_too_large"),
    ],
)
def test_a_bad_event_is_one_line_and_its_neighbours_are_kept(
    ledger: SqlLedger, changes: dict[str, Any], code: str
) -> None:
    batch = [event(id="before"), event(**changes), event(id="after")]
    receipt = send(ledger, batch)
    assert codes(receipt) == [None, code, None]
    assert (receipt.received, receipt.accepted, receipt.rejected) == (3, 2, 1)
    assert receipt.results()[0].index == 1
    assert receipt.results()[0].detail
    lines = b"\r\n".join(json.dumps(e).encode() for e in batch) + b"\n\n"
    assert codes(send(ledger, lines, LINES)) == ["already_stored", code, "already_stored"]
    assert codes(send(ledger, event(**changes))) == [code]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'"\\ud800"', "text_invalid"),
        (b'{"\\udfff":1}', "text_invalid"),
        (b'"\xff"', "text_invalid"),
        (b'"\xed\xa0\x80"', "text_invalid"),
        (b"NaN", "number_not_finite"),
        (b"[-Infinity]", "number_not_finite"),
        (b"[" * 40 + b"]" * 40, "json_too_deep"),
        (b"[" * 5000 + b"]" * 5000, "json_too_deep"),
        (b"[" * 31 + b"]" * 31, None),
        (b'"' + b"[" * 60 + b'"', None),
        (b'"a\\u0000b"', None),
        (b'"\\ud83d\\ude00"', None),
        (b"1e999", None),
        (b"9" * 9000, None),
        (b'{"a":1,"a":2}', None),
        (b"null", None),
        (b"[]", None),
        (b'"\x7f"', None),
    ],
)
def test_odd_json_inside_an_array(ledger: SqlLedger, data: bytes, code: str | None) -> None:
    def wire(name: bytes, content: bytes) -> bytes:
        head = b'{"specversion":"1.0","id":"%s","source":"/s","type":"t","subject":"a","data":%s}'
        return head % (name, content)

    body = b" [ %s ,\n%s, %s ] " % (wire(b"a", b"1"), wire(b"b", data), wire(b"c", b'",]"'))
    receipt = send(ledger, body)
    assert codes(receipt) == [None, code, None]
    alone = send(ledger, wire(b"d", data))
    assert codes(alone) == [code]
    for fact in ledger.fetch(operator(), range(1, 9)).values():
        assert fact.wire in {
            wire(b"a", b"1"),
            wire(b"b", data),
            wire(b"c", b'",]"'),
            wire(b"d", data),
        }


def test_the_last_of_repeated_keys_holds(ledger: SqlLedger, tmp_path: Path) -> None:
    plain = json.dumps(event())[1:]
    for first in ('{"id":null,', '{"id":"no",', '{"data":5,'):
        send(ledger, (first + plain).encode())
    assert ledger.head(operator()) == 1
    ledger.close()
    with SqlLedger(tmp_path) as again:
        assert send(again, event()).duplicate == 1


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (b"", JSON, "json_invalid"),
        (b"{", JSON, "json_invalid"),
        (b"[{}", JSON, "json_invalid"),
        (b"[{},]", JSON, "json_invalid"),
        (b"[{}] []", JSON, "json_invalid"),
        (b"[nonsense]", JSON, "json_invalid"),
        (b"5", JSON, "json_invalid"),
        (b"null", JSON, "json_invalid"),
        (b"\xef\xbb\xbf[]", JSON, "json_invalid"),
        (b'["' + b"a" * 100_000, JSON, "json_invalid"),
        (b"[" * 1_000_000, JSON, "json_invalid"),
        (b"[" + b"a" * 1_000_000, JSON, "json_invalid"),
        (b"[{]}", JSON, "json_invalid"),
        (b"{}", {}, "content_type_unknown"),
        (b"{}", {"content-type": "text/plain"}, "content_type_unknown"),
        (b"{}", {"content-type": "application/json; charset=latin-1"}, "charset_unsupported"),
        (b"{}", JSON | {"content-encoding": "br"}, "encoding_unsupported"),
        (b"{}", JSON | {"content-encoding": "gzip"}, "encoding_invalid"),
        (b"{}", JSON | {"content-encoding": "zstd"}, "encoding_invalid"),
        (b"", JSON | {"content-encoding": "gzip"}, "encoding_invalid"),
        (
            gzip.compress(b"[]", mtime=0)[:-1],
            JSON | {"content-encoding": "gzip"},
            "encoding_invalid",
        ),
        (
            zstandard.compress(b"[]" * 99)[:-1],
            JSON | {"content-encoding": "zstd"},
            "encoding_invalid",
        ),
    ],
)
def test_a_body_that_cannot_be_read(
    ledger: SqlLedger, body: bytes, headers: dict[str, str], code: str
) -> None:
    with pytest.raises(Unreadable) as refused:
        ingest(operator(), ledger, body, headers, NOW)
    assert refused.value.code == code
    assert ledger.head(operator()) == 0


def test_compressed_bodies_of_several_parts(ledger: SqlLedger) -> None:
    halves = json.dumps([event(), event(id="2")]).encode()
    for name, pack in (("gzip", gzip.compress), ("zstd", zstandard.compress)):
        body = pack(halves[:50]) + pack(halves[50:])
        receipt = send(ledger, body, JSON | {"content-encoding": name})
        assert receipt.received == 2
    stream = zstandard.ZstdCompressor(write_content_size=False).compress(halves)
    assert send(ledger, stream, JSON | {"content-encoding": "zstd"}).duplicate == 2


@pytest.mark.parametrize(("name", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_a_bomb_is_refused_by_its_expanded_size(ledger: SqlLedger, name: str, pack: Any) -> None:
    body = pack(b" " * (BODY_BYTES_MAX + 1))
    assert len(body) < 20_000
    with pytest.raises(TooLarge) as refused:
        ingest(operator(), ledger, body, JSON | {"content-encoding": name}, NOW)
    assert refused.value.code == "body_too_large"
    assert refused.value.facts["limit"] == BODY_BYTES_MAX
    fits = pack(b"[]".ljust(BODY_BYTES_MAX))
    assert send(ledger, fits, JSON | {"content-encoding": name}).received == 0


def test_limits_of_a_request(ledger: SqlLedger) -> None:
    with pytest.raises(TooLarge, match="in parts") as refused:
        send(ledger, b"[" + b"1," * BATCH_EVENTS_MAX + b"1]")
    assert refused.value.facts == {"limit": BATCH_EVENTS_MAX, "asked": BATCH_EVENTS_MAX + 1}
    with pytest.raises(TooLarge):
        send(ledger, b"[" + b"1," * 3_000_000 + b"1]")
    with pytest.raises(TooLarge):
        send(ledger, b"1\n" * (BATCH_EVENTS_MAX + 1), LINES)
    with pytest.raises(TooLarge):
        send(ledger, b" " * (BODY_BYTES_MAX + 1))
    assert send(ledger, b"[" + b"1," * (BATCH_EVENTS_MAX - 1) + b"1]").rejected == BATCH_EVENTS_MAX
    with pytest.raises(Overloaded) as full:
        ingest(operator(), ledger, b"x", {}, NOW, backlog=BACKLOG_EVENTS_MAX + 1)
    assert full.value.code == "backlog_full"
    assert full.value.facts["retry_after"]


def test_instants_at_both_ends_of_time(ledger: SqlLedger) -> None:
    assert send(ledger, event(time="0001-01-01T00:00:00Z")).accepted == 1
    assert send(ledger, event(id="2", time="2026-03-01T12:05:00Z")).accepted == 1
    end = LAST_INSTANT - timedelta(minutes=6)
    assert send(ledger, event(id="3", time="9999-12-31T00:00:00-00:00"), now=end).accepted == 1
    assert send(ledger, event(id="4", time="9999-12-31T23:59:59Z"), now=LAST_INSTANT).accepted == 1


def test_a_scope_takes_events_of_its_own_accounts_only(ledger: SqlLedger) -> None:
    member = Member("acme", FIRST_INSTANT, LAST_INSTANT)
    bound = Scope("key", "ingest", accounts=(member,))
    body = json.dumps([event(), event(id="2", subject="other")]).encode()
    receipt = ingest(bound, ledger, body, JSON, NOW)
    assert codes(receipt) == [None, "subject_unknown"]
    with pytest.raises(Forbidden):
        ingest(Scope("reader", "csm"), ledger, body, JSON, NOW)


def test_binary_mode(ledger: SqlLedger) -> None:
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "%C3%A9%20x",
        "ce-source": "/s",
        "ce-type": "call",
        "ce-subject": '"acme"',
        "ce-time": "2026-03-01T09:30:00Z",
        "ce-region": "eu%2D1",
        "content-type": "application/json; charset=utf-8",
        "host": "localhost",
    }
    assert send(ledger, b' {"n": 1.50} ', headers).accepted == 1
    wire = ledger.fetch(operator(), [1])[1].wire
    assert b"1.50" in wire
    assert json.loads(wire) == {
        "specversion": "1.0",
        "id": "é x",
        "source": "/s",
        "type": "call",
        "subject": "acme",
        "time": "2026-03-01T09:30:00Z",
        "region": "eu-1",
        "datacontenttype": "application/json; charset=utf-8",
        "data": {"n": 1.5},
    }
    assert send(ledger, event(id="é x", data={"n": 1.5})).duplicate == 1
    for body, kind in (
        (b"\xff\0", "image/png"),
        (b"{no json", "application/json"),
        (b"", "text/plain"),
        (b"[" * 5000, "text/plain"),
    ):
        other = headers | {"ce-id": kind + str(len(body)), "content-type": kind}
        assert send(ledger, body, other).accepted == 1, body[:9]
    for bad in ({"ce-id": "%ff"}, {"ce-data": "x"}, {"ce-a_b": "x"}, {"ce-id": "a%00"}):
        assert codes(send(ledger, b"1", headers | bad)) == ["attribute_invalid"]
    without = {k: v for k, v in headers.items() if k != "content-type"}
    assert send(ledger, b'{"n":1.5}', without).duplicate == 1
    assert codes(send(ledger, b"1", headers | {"ce-subject": ""})) == ["subject_missing"]


@given(
    st.binary(max_size=200),
    st.sampled_from(["application/json", "application/x-ndjson", "x"]),
    st.sampled_from(["", "gzip", "zstd"]),
)
@example(b"[1e", "application/json", "")
def test_no_bytes_break_it(shared: SqlLedger, body: bytes, kind: str, encoding: str) -> None:
    try:
        receipt = send(shared, body, {"content-type": kind, "content-encoding": encoding})
    except TallybookError as e:
        assert e.code  # noqa: PT017 - either a receipt or a refusal is right
    else:
        assert receipt.received == receipt.rejected


_anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_almost = st.fixed_dictionaries(
    {},
    optional={
        "specversion": st.sampled_from(["1.0", "1.0", "1.0", "1", 1.0]),
        "id": st.text(min_size=1, max_size=3) | _anything,
        "source": st.sampled_from(["/s", "/s", "urn:x", "a b", "é"]) | _anything,
        "type": st.sampled_from(["call", "call", "\n", ""]) | _anything,
        "subject": st.sampled_from(["acme", "acme", "", "\x7f"]) | _anything,
        "time": st.sampled_from(["2026-03-01T09:30:00Z", "2026-03-01t09:30:60.5z", "x", None]),
        "data": _anything,
        "datacontenttype": st.sampled_from(["a/json", "text/plain", "\t"]),
        "data_base64": st.sampled_from(["e30=", "e30", "bm8=", 5]),
        "ext": _anything,
    },
)


@given(st.lists(st.builds(lambda a, b: a | b, st.just(EVENT), _almost) | _almost, max_size=40))
def test_the_quick_look_gives_the_answers_of_the_rule(documents: list[dict[str, Any]]) -> None:
    wires = [
        json.dumps(d, ensure_ascii=bool(i % 2)).encode("utf-8", "surrogatepass")
        for i, d in enumerate(documents)
    ]
    arrivals, refusals = check_all(wires, NOW)
    taken = zip(*arrivals, strict=True)
    for place, wire in enumerate(wires):
        try:
            rule: tuple[object, ...] | str = tuple(map(_plain, check(wire, NOW)))
        except Invalid as e:
            rule = e.code
        refused = refusals.get(place)
        assert rule == (refused.code if refused else tuple(map(_plain, next(taken))))
    assert list(taken) == []


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, msgspec.Raw) else value


@given(st.lists(st.builds(lambda a, b: a | b, st.just(EVENT), _almost) | _almost, max_size=5))
def test_any_json_gets_a_receipt(shared: SqlLedger, documents: list[dict[str, Any]]) -> None:
    receipt = send(shared, json.dumps(documents).encode())
    assert receipt.received == len(documents)
    assert receipt.received == (
        receipt.accepted + receipt.duplicate + receipt.conflict + receipt.rejected
    )
    again = send(shared, json.dumps(documents).encode())
    assert (again.accepted, again.rejected) == (0, receipt.rejected)
