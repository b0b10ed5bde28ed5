"""Nothing that is sent breaks anything: each refusal has a code, names the limit and what was
asked, and what stands beside a bad event is kept. No 500, whatever comes.
"""

import gzip
import json
import resource
import socket
import time
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tallybook.model import limits
from tallybook.model.mark import parse_mark
from tests.serving import Answer, Client, event

MEGABYTE = 1024 * 1024
BATCH = {"Content-Type": "application/cloudevents-batch+json"}
SPAN = {"meter": "uses", "from": "2026-03-01", "to": "2026-04-01"}


def refused(answer: Answer, status: int, code: str, **facts: object) -> dict[str, Any]:
    """Check that this is a refusal as every refusal is, with this code and these facts."""
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json
    assert problem["code"] == code, problem
    assert problem["status"] == status
    assert len(problem["detail"]) > 10
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert {name: problem[name] for name in facts} == facts
    return problem


def post(client: Client, body: bytes, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.call("POST", "/events", body, headers=BATCH | named)


# ------------------------------------------------------------------------------ bodies of events

WHOLE = [
    (b"", {}, 400, "json_invalid"),
    (b"   ", {}, 400, "json_invalid"),
    (b"[", {}, 400, "json_invalid"),
    (b"[{}", {}, 400, "json_invalid"),
    (b'"text"', {}, 400, "json_invalid"),
    (b"\xff\xfe[\x00", {}, 400, "json_invalid"),
    (b"[]", {"Content_Type": "text/html"}, 400, "content_type_unknown"),
    (b"[]", {"Content_Type": ""}, 400, "content_type_unknown"),
    (b"[]", {"Content_Type": "application/json; charset=utf-16"}, 400, "charset_unsupported"),
    (b"[]", {"Content_Encoding": "br"}, 400, "encoding_unsupported"),
    (b"[]", {"Content_Encoding": "gzip"}, 400, "encoding_invalid"),
    (b"[]", {"Content_Encoding": "zstd"}, 400, "encoding_invalid"),
    (b"", {"Content_Encoding": "gzip"}, 400, "encoding_invalid"),
    (
        gzip.compress(b"[]" * 99, mtime=0)[:-9],
        {"Content_Encoding": "gzip"},
        400,
        "encoding_invalid",
    ),
    (
        zstandard.compress(b'"%s"' % bytes(9999))[:-3],
        {"Content_Encoding": "zstd"},
        400,
        "encoding_invalid",
    ),
]


@pytest.mark.parametrize(("body", "headers", "status", "code"), WHOLE)
def test_a_body_that_cannot_be_cut_into_events_is_refused_whole(
    installation: Client, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    refused(post(installation, body, **headers), status, code)


def test_too_many_events_are_refused_with_the_limit(installation: Client) -> None:
    body = b"[" + b",".join([b"{}"] * 10_001) + b"]"
    refused(post(installation, body), 413, "too_many_events", limit=10_000, asked=10_001)


@pytest.mark.parametrize("part", [b"{}", b'"'])
def test_a_body_of_nothing_but_brackets_costs_little(installation: Client, part: bytes) -> None:
    body = gzip.compress(b"[" + part * (8 * MEGABYTE // len(part) - 1))
    began = time.monotonic()
    answer = post(installation, body, Content_Encoding="gzip")
    assert (answer.status, answer.json["code"]) == (400, "json_invalid")
    assert time.monotonic() - began < 2


def test_blank_lines_are_no_events(installation: Client) -> None:
    kind = {"Content-Type": "application/x-ndjson"}
    answer = post(installation, b"{}\n\r\n \n" * 10_000, **kind)
    assert (answer.status, answer.json["received"]) == (200, 10_000)
    refused(
        post(installation, b"\n\n" + b"{}\n" * 10_002, **kind),
        413,
        "too_many_events",
        limit=10_000,
        asked=10_002,
    )


def test_who_sends_far_too_much_before_looking_still_reads_the_answer(
    installation: Client,
) -> None:
    body = b" " * (24 * MEGABYTE)
    answer = post(installation, body, Connection="close")
    refused(answer, 413, "body_too_large", limit=8 * MEGABYTE, asked=len(body))


@pytest.mark.parametrize("plain", [True, False])
def test_a_body_over_the_limit_is_refused_with_the_limit(
    installation: Client, *, plain: bool
) -> None:
    body = b"[" + b" " * (8 * MEGABYTE) + b"]"
    headers = {} if plain else {"Content_Encoding": "gzip"}
    answer = post(installation, body if plain else gzip.compress(body), **headers)
    problem = refused(answer, 413, "body_too_large", limit=8 * MEGABYTE)
    assert problem["asked"] > 8 * MEGABYTE


@pytest.mark.parametrize("bomb", ["gzip", "gzip in gzip", "zstd", "deep"])
def test_a_bomb_costs_what_an_honest_body_costs(installation: Client, bomb: str) -> None:
    zeros = bytes(MEGABYTE)
    headers = {"Content_Encoding": "zstd" if bomb == "zstd" else "gzip"}
    if bomb == "zstd":
        packer = zstandard.ZstdCompressor(level=3).compressobj()
        body = b"".join(packer.compress(zeros) for _ in range(512)) + packer.flush()
    elif bomb == "deep":
        headers, body = {}, b"[" * (4 * MEGABYTE)
    else:
        body = gzip.compress(b"".join([zeros] * 64)) * (8 if bomb == "gzip" else 1)
        body = body if bomb == "gzip" else gzip.compress(body * 100)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = post(installation, body, **headers)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert answer.status in {400, 413}
    refused(answer, answer.status, answer.json["code"])
    assert grown * 1024 <= 96 * MEGABYTE, f"{bomb}: {grown} KiB more"


# ---------------------------------------------------------------------------------- single events


def deep(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


ENVELOPE = json.dumps(event("ID"))
EVENTS = [
    (ENVELOPE.replace('"acme"', '"\\ud800"'), "text_invalid"),
    (ENVELOPE.replace('"n": 1', '"n": "\\udfff"'), "text_invalid"),
    (ENVELOPE.replace('"n": 1', '"n": NaN'), "number_not_finite"),
    (ENVELOPE.replace('"n": 1', '"n": -Infinity'), "number_not_finite"),
    (ENVELOPE.replace('{"n": 1}', deep(40)), "json_too_deep"),
    (ENVELOPE.replace('"n": 1', f'"n": "{"x" * 65536}"'), "event_too_large"),
    (ENVELOPE.replace('"acme"', "7"), "attribute_invalid"),
    (ENVELOPE.replace('"acme"', '["acme"]'), "attribute_invalid"),
    (ENVELOPE.replace('"acme"', '"ac\\u0000me"'), "attribute_invalid"),
    (ENVELOPE.replace('"acme"', '""'), "subject_missing"),
    (ENVELOPE.replace('"subject"', '"object"'), "subject_missing"),
    (ENVELOPE.replace('"ID"', f'"{"x" * 257}"'), "id_too_long"),
    (ENVELOPE.replace('"1.0"', '"0.3"'), "specversion_unsupported"),
    (ENVELOPE.replace('"/test"', '"a b"'), "source_invalid"),
    (ENVELOPE.replace("2026-03-05T12:00:00Z", "9999-12-31T23:59:59-23:59"), "time_invalid"),
    (ENVELOPE.replace("2026-03-05T12:00:00Z", "0001-01-01T00:00:00+23:59"), "time_invalid"),
    (ENVELOPE.replace("2026-03-05T12:00:00Z", "9999-12-31T23:59:59Z"), "time_ahead"),
    (ENVELOPE.replace("2026-03-05T12:00:00Z", "2026-02-30T00:00:00Z"), "time_invalid"),
    (ENVELOPE.replace("2026-03-05T12:00:00Z", "yesterday"), "time_invalid"),
    (ENVELOPE.replace("2026-03-05T12:00:00Z", "2026-03-05T12:00:00"), "time_invalid"),
    ("7", "event_not_object"),
    ("null", "event_not_object"),
    ("[[]]", "event_not_object"),
    ("{}", "specversion_unsupported"),
]


@pytest.mark.parametrize(("wire", "code"), EVENTS)
def test_a_bad_event_is_one_line_of_the_receipt(installation: Client, wire: str, code: str) -> None:
    good = json.dumps(event(f"beside-{hash(wire)}"))
    answer = post(installation, f"[{good},{wire}]".encode())
    assert answer.status == 200, answer.body
    receipt = answer.json
    assert (receipt["received"], receipt["accepted"], receipt["rejected"]) == (2, 1, 1), receipt
    (line,) = receipt["results"]
    assert (line["index"], line["status"]) == (1, "rejected")
    assert line["code"] == code, line
    alone = installation.call(
        "POST", "/events", wire.encode(), headers={"Content-Type": "application/json"}
    )
    assert alone.status in {200, 400}, alone.body


ODD = [
    ENVELOPE.replace('"n": 1', '"n": 1E+999999999'),
    ENVELOPE.replace('"n": 1', '"n": 1E-3000000'),
    ENVELOPE.replace('"n": 1', f'"n": {"9" * 5000}'),
    ENVELOPE.replace('"n": 1', '"n": 1, "n": 2'),
    ENVELOPE.replace('"n": 1', '"n": "NaN"'),
    ENVELOPE.replace('"n": 1', '"n": [{}]'),
    ENVELOPE.replace('"n": 1', '"": {"": ""}, "a.b": 1, "\\u0000": 2'),
    ENVELOPE.replace('{"n": 1}', "[]"),
    ENVELOPE.replace('{"n": 1}', "null"),
    ENVELOPE.replace("2026-03-05T12:00:00Z", "0001-01-01T00:00:00Z"),
    ENVELOPE.replace('"id": "ID"', '"id": "x", "id": "ID"'),
]


@pytest.mark.parametrize("number", range(len(ODD)))
def test_an_odd_event_is_kept_and_harms_no_answer(installation: Client, number: int) -> None:
    wire = ODD[number].replace('"ID"', f'"odd-{number}"')
    receipt = post(installation, f"[{wire}]".encode()).json
    assert receipt["accepted"] == 1, receipt
    installation.until_visible()
    for meter in ("uses", "total"):
        rows = installation.usage(meter, **{"from": "2026-03-01", "to": "2026-04-01"})["rows"]
        assert rows[0]["value"] is not None
    assert installation.call("GET", "/events", account="acme", limit=500).status == 200
    assert installation.ask("GET", "/readyz").status == 200


JSON_TEXT = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        [
            "specversion",
            "id",
            "source",
            "type",
            "subject",
            "time",
            "data",
            "data_base64",
            "datacontenttype",
            "comexample",
        ]
    ),
    JSON_TEXT,
    max_size=4,
)


@settings(max_examples=60)
@given(st.lists(ATTRIBUTES, max_size=4))
def test_any_attributes_get_a_receipt_that_adds_up(
    installation: Client, changes: list[dict[str, Any]]
) -> None:
    body = json.dumps([{**event(f"any-{i}"), **change} for i, change in enumerate(changes)])
    answer = post(installation, body.encode())
    assert answer.status == 200, (answer.body, body)
    receipt = answer.json
    parts = sum(receipt[name] for name in ("accepted", "duplicate", "conflict", "rejected"))
    assert receipt["received"] == len(changes) == parts


@settings(max_examples=60)
@given(st.binary(max_size=200), st.sampled_from(["", "gzip", "zstd"]))
def test_any_bytes_are_answered(installation: Client, body: bytes, encoding: str) -> None:
    headers = {"Content_Encoding": encoding} if encoding else {}
    assert post(installation, body, **headers).status in {200, 400}


# --------------------------------------------------------------------------------- questions

QUESTIONS: list[tuple[str, dict[str, Any], int, str]] = [
    ("/usage", {}, 422, "parameter_invalid"),
    ("/usage", {"meter": "none"}, 404, "meter_not_found"),
    ("/usage", {"meter": "x\0"}, 404, "meter_not_found"),
    ("/usage", SPAN | {"account": "nobody"}, 404, "account_not_found"),
    ("/usage", SPAN | {"account": "\0"}, 404, "account_not_found"),
    ("/usage", SPAN | {"account": "x" * 300}, 422, "parameter_invalid"),
    ("/usage", SPAN | {"timezone": "Mars/Olympus"}, 422, "unknown_zone"),
    ("/usage", SPAN | {"timezone": "../../etc/passwd"}, 422, "unknown_zone"),
    ("/usage", SPAN | {"timezone": "a\0b"}, 422, "unknown_zone"),
    ("/usage", SPAN | {"interval": "decade"}, 422, "parameter_invalid"),
    ("/usage", SPAN | {"interval": "hour", "to": "2029-01-01"}, 422, "too_many_buckets"),
    ("/usage", SPAN | {"interval": "day", "from": "0001-01-01"}, 422, "too_many_buckets"),
    ("/usage", SPAN | {"to": "2026-03-01"}, 422, "range_invalid"),
    ("/usage", SPAN | {"from": "NaN"}, 422, "time_invalid"),
    ("/usage", SPAN | {"from": "0001-01-01T00:00:00+23:59"}, 422, "time_invalid"),
    ("/usage", SPAN | {"to": "9999-12-31T23:59:59-23:59"}, 422, "time_invalid"),
    ("/usage", SPAN | {"to": "10000-01-01"}, 422, "time_invalid"),
    ("/usage", SPAN | {"group_by": ["channel", "account", "region"]}, 422, "too_many_names"),
    ("/usage", SPAN | {"group_by": ["none"]}, 422, "dimension_unknown"),
    ("/usage", SPAN | {"group_by": ["x'; DROP TABLE tail; --"]}, 422, "dimension_unknown"),
    ("/usage", SPAN | {"filter": ["channel"]}, 422, "filter_invalid"),
    ("/usage", SPAN | {"filter": ["channel:like:x"]}, 422, "filter_invalid"),
    ("/usage", SPAN | {"filter": ["none:eq:x"]}, 422, "dimension_unknown"),
    ("/usage", SPAN | {"filter": ["channel:eq:x"] * 51}, 422, "parameter_invalid"),
    ("/usage", SPAN | {"known_at": "garbage"}, 422, "known_at_invalid"),
    ("/usage", SPAN | {"known_at": "m1.0.0"}, 422, "known_at_invalid"),
    ("/usage", SPAN | {"known_at": "m1.0.0.fffffffffffff"}, 422, "known_at_invalid"),
    ("/usage", SPAN | {"known_at": "m1.fffffffffffff.0.0"}, 422, "known_at_unknown"),
    ("/usage", SPAN | {"known_at": "m1.0.fffffffffffff.0"}, 422, "known_at_unknown"),
    ("/usage", SPAN | {"known_at": "9999-12-31T23:59:59Z"}, 422, "known_at_ahead"),
    ("/usage", SPAN | {"known_at": "2026-03-01T25:00:00Z"}, 422, "time_invalid"),
    ("/events", {"known_at": "9999-12-31T23:59:59Z"}, 422, "known_at_ahead"),
    ("/positions", {"known_at": "9999-12-31T23:59:59Z"}, 422, "known_at_ahead"),
    ("/positions/C-1/total", {"known_at": "9999-12-31T23:59:59Z"}, 422, "known_at_ahead"),
    ("/usage", SPAN | {"rollup": "perhaps"}, 422, "parameter_invalid"),
    ("/events", {"cursor": "garbage"}, 422, "cursor_invalid"),
    ("/events", {"cursor": "f9.9.9" * 99}, 422, "parameter_invalid"),
    ("/events", {"limit": 0}, 422, "parameter_invalid"),
    ("/events", {"limit": 501}, 422, "parameter_invalid"),
    ("/events", {"limit": "1e3"}, 422, "parameter_invalid"),
    ("/events", {"state": "lost"}, 422, "parameter_invalid"),
    ("/accounts", {"cursor": "ÿ\0"}, 422, "cursor_invalid"),
    ("/accounts", {"limit": "9" * 5000}, 422, "parameter_invalid"),
    ("/accounts/none", {}, 404, "account_not_found"),
    ("/accounts/%00", {}, 404, "account_not_found"),
    ("/positions/none/none", {}, 404, "contract_not_found"),
    ("/positions", {"contract": "NOPE"}, 404, "contract_not_found"),
    ("/positions", {"contract": "NOPE", "at": "2026-03-01T00:00:00Z"}, 404, "contract_not_found"),
    ("/keys", {"cursor": "garbage"}, 422, "cursor_invalid"),
    ("/keys", {"cursor": "bm9uZQ"}, 422, "cursor_invalid"),
    ("/users", {"limit": 501}, 422, "parameter_invalid"),
    ("/users", {"cursor": "bm9uZQ"}, 422, "cursor_invalid"),
    ("/positions", {"at": "never"}, 422, "time_invalid"),
    ("/positions", {"cursor": "garbage"}, 422, "cursor_invalid"),
    ("/positions", {"sort": "colour"}, 422, "parameter_invalid"),
    ("/nothing", {}, 404, "path_unknown"),
]


@pytest.mark.parametrize(("path", "parameters", "status", "code"), QUESTIONS)
def test_a_question_that_means_nothing_is_refused_by_name(
    installation: Client, path: str, parameters: dict[str, Any], status: int, code: str
) -> None:
    answer = installation.call("GET", path, **parameters)
    refused(answer, status, code)


@pytest.mark.parametrize(
    ("path", "parameters", "limit", "asked"),
    [
        ("/accounts", {"limit": 501}, limits.PAGE_ROWS_MAX, 501),
        ("/accounts", {"limit": 0}, 1, 0),
        ("/usage", SPAN | {"account": "x" * 300}, limits.NAME_CHARS_MAX, 300),
        ("/usage", SPAN | {"filter": ["channel:eq:x"] * 51}, 50, 51),
    ],
)
def test_a_parameter_beyond_a_limit_names_it_and_what_was_asked(
    installation: Client, path: str, parameters: dict[str, Any], limit: int, asked: int
) -> None:
    answer = installation.call("GET", path, **parameters)
    refused(answer, 422, "parameter_invalid", limit=limit, asked=asked)


def test_too_many_buckets_name_the_limit_and_what_was_asked(installation: Client) -> None:
    asked: dict[str, Any] = {"meter": "uses", "interval": "hour", "timezone": "UTC"}
    asked["from"] = "2026-03-01T00:00:00Z"
    within = installation.call("GET", "/usage", **asked, to="2027-04-21T16:00:00Z")
    assert (within.status, len(within.json["rows"])) == (200, limits.BUCKETS_MAX)
    answer = installation.call("GET", "/usage", **asked, to="2027-04-22T01:00:00Z")
    refused(answer, 422, "too_many_buckets", limit=limits.BUCKETS_MAX, asked=10_009)


# --------------------------------------------------------------------------------- documents

PRICE = b'{"code": "l", "meter": "uses", "price": {"model": "per_unit", "unit_amount": "1E+400"}}'
CONTRACT = b'{"account": "acme", "start_date": "2026-01-01", "lines": [%s]}' % PRICE
DOCUMENTS: list[tuple[str, bytes, int, str]] = [
    ("/accounts/new", b"", 400, "body_invalid"),
    ("/accounts/new", b"[]", 422, "document_invalid"),
    ("/accounts/new", b"null", 422, "document_invalid"),
    ("/accounts/new", b'{"name": "\\ud800"}', 400, "body_invalid"),
    ("/accounts/new", b'{"name": NaN}', 400, "body_invalid"),
    ("/accounts/new", b'{"name": 1E+3000000}', 422, "number_out_of_range"),
    ("/accounts/new", b"[" * 100_000, 400, "body_invalid"),
    ("/accounts/new", b'{"attributes": ' + deep(60).encode() + b"}", 400, "body_too_deep"),
    ("/accounts/new", b'{"timezone": "Mars/Olympus"}', 422, "document_invalid"),
    ("/accounts/new", b'{"timezone": "a\\u0000"}', 422, "document_invalid"),
    ("/accounts/new", b'{"currency": "XYZ0"}', 422, "document_invalid"),
    ("/accounts/new", b'{"parent": "new"}', 422, "tree_cycle"),
    ("/accounts/new", b'{"parent": "nobody"}', 422, "unknown_parent"),
    ("/accounts/new", b'{"valid_from": "0000-00-00"}', 422, "date_invalid"),
    ("/accounts/new", b'{"colour": "red"}', 422, "document_invalid"),
    ("/accounts/a%20b", b"{}", 422, "document_invalid"),
    ("/accounts/%00", b"{}", 422, "document_invalid"),
    ("/accounts/" + "x" * 200, b"{}", 422, "document_invalid"),
    ("/meters/new", b'{"event_type": "x", "aggregation": "median"}', 422, "unknown_kind"),
    ("/meters/new", b'{"event_type": 7, "aggregation": "sum"}', 422, "document_invalid"),
    ("/contracts/new", b'{"account": "acme", "start_date": "2026-13-01"}', 422, "document_invalid"),
    ("/contracts/new", b'{"account": "nobody", "start_date": "2026-01-01"}', 422,
     "unknown_account"),
    ("/contracts/new", CONTRACT,
     422, "document_invalid"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "status", "code"), DOCUMENTS)
def test_a_document_that_means_nothing_is_refused_by_name(
    installation: Client, path: str, body: bytes, status: int, code: str
) -> None:
    answer = installation.call("PUT", path, body, headers={"Content-Type": "application/json"})
    refused(answer, status, code)


@pytest.mark.parametrize("value", ["garbage", '"', '"1e9"', "W/", '"99999999999999"', "é"])
def test_if_match_that_is_no_version_is_refused(installation: Client, value: str) -> None:
    answer = installation.call("PUT", "/accounts/acme", {}, headers={"If-Match": value})
    refused(answer, 422, "if_match_invalid", field="If-Match")


# ----------------------------------------------------------------------------------- HTTP itself


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "PUT", "TRACE", "OPTIONS", "HEAD"])
def test_a_method_a_path_does_not_take_is_a_problem(installation: Client, method: str) -> None:
    answer = installation.call(method, "/usage" if method != "HEAD" else "/events/void")
    assert answer.status in {404, 405}
    if method != "HEAD":
        refused(answer, answer.status, answer.json["code"])


@pytest.mark.parametrize(
    "header", ["", "Basic eDp5", "Bearer", "Bearer x", "Bearer tb_" + "x" * 5000, "Bearer é", "\0"]
)
def test_a_key_that_is_none_is_refused(installation: Client, header: str) -> None:
    try:
        answer = installation.ask("GET", "/api/v1/accounts", None, {"Authorization": header})
    except (ValueError, OSError):  # not even HTTP: the client or the server's parser refuses
        return
    if answer.headers["content-type"] == "application/problem+json":
        refused(answer, 401, answer.json["code"])
        assert answer.headers["www-authenticate"] == "Bearer"
    else:
        assert answer.status == 400


RAW = [
    b"GET /api/v1/accounts\0 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    b"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET /api/v1/accounts/%ff%fe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /api/v1/usage?meter=%ed%a0%80 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
]


@pytest.mark.parametrize("number", range(len(RAW)))
def test_what_is_hardly_http_is_answered_or_closed_and_harms_nobody(
    installation: Client, number: int
) -> None:
    with socket.create_connection(("127.0.0.1", installation.port), timeout=5) as raw:
        try:
            raw.sendall(RAW[number])
            raw.shutdown(socket.SHUT_WR)
            answer = raw.recv(65536)
        except OSError:  # it hung up first
            answer = b""
    assert not answer or answer.startswith(b"HTTP/1.1 4"), answer[:200]
    assert installation.ask("GET", "/readyz").status == 200


def test_a_body_that_stops_in_the_middle_stores_nothing(installation: Client) -> None:
    head = parse_mark(installation.usage("uses")["known_at"]).seq
    request = (
        f"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {installation.key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n[" + ENVELOPE
    )
    with socket.create_connection(("127.0.0.1", installation.port), timeout=5) as raw:
        raw.sendall(request.encode())
    assert installation.ask("GET", "/readyz").status == 200
    installation.until_visible()
    assert parse_mark(installation.usage("uses")["known_at"]).seq == head
    # Who hangs up is no fault of ours.
    assert b'status="500"' not in installation.ask("GET", "/metrics").body
