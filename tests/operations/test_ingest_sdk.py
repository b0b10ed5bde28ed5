"""The official CloudEvents SDK as an oracle: what it writes is read, and read as it was meant."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from typing import Any

import pytest
from cloudevents.core.bindings import http
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.scope import operator
from tallybook.model.time import micros, parse_instant
from tallybook.model.wire import by_value, data_of, read_json
from tallybook.operations.ingest import Receipt, ingest
from tallybook.stores.ledger import SqlLedger

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FORMAT = JSONFormat()
_serial = count()

# XML 1.0 characters: header values and attributes may not hold controls.
_text = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co")),
    min_size=1,
    max_size=20,
).filter(lambda s: s == s.strip())
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(max_size=9)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
_data = st.dictionaries(st.text(max_size=5), _json, max_size=4)
_attributes = st.fixed_dictionaries(
    {
        "id": _text,
        "source": st.sampled_from(["/svc", "https://a.example/x?y#z", "urn:a:b"]),
        "type": _text,
        "specversion": st.just("1.0"),
        "subject": _text,
        "time": st.datetimes(
            datetime(1, 1, 2),  # noqa: DTZ001 - the zone comes beside it
            datetime(2026, 2, 27),  # noqa: DTZ001 - as above
            timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5, minutes=-30))]),
        ),
    },
    optional={"region": _text, "datacontenttype": st.just("application/json")},
)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlLedger]:
    with SqlLedger(tmp_path_factory.mktemp("ledger")) as opened:
        yield opened


def send(ledger: SqlLedger, message: http.HTTPMessage) -> Receipt:
    headers = {name.lower(): value for name, value in message.headers.items()}
    return ingest(operator(), ledger, message.body, headers, NOW)


def kept(ledger: SqlLedger, receipt: Receipt) -> dict[str, Any]:
    wire = ledger.fetch(operator(), [receipt.ledger_seq])[receipt.ledger_seq].wire
    read: dict[str, Any] = read_json(wire.decode())
    return read


def check(event: CloudEvent, read: dict[str, Any]) -> None:
    attributes = dict(event.get_attributes())
    time = attributes.pop("time")
    assert micros(parse_instant(read["time"])) == micros(time)
    for name, value in attributes.items():
        assert read[name] == value
    sent = read_json(json.dumps(event.get_data()))
    assert by_value(data_of(read)) == by_value(sent)


@given(_attributes, _data)
def test_every_mode_is_one_event(
    ledger: SqlLedger, attributes: dict[str, Any], data: dict[str, Any]
) -> None:
    attributes["id"] += f" {next(_serial)}"
    event = CloudEvent(attributes, data)
    structured = send(ledger, http.to_structured(event, FORMAT))
    assert structured.accepted == 1, structured.results()
    check(event, kept(ledger, structured))
    binary = send(ledger, http.to_binary(event, FORMAT))
    assert binary.duplicate == 1, binary.results()
    batch = http.HTTPMessage(
        {"content-type": "application/cloudevents-batch+json"},
        b"[" + b",".join([FORMAT.write(event)] * 3) + b"]",
    )
    assert send(ledger, batch).duplicate == 3


@given(_attributes, _data)
def test_binary_mode_is_kept_as_structured(
    ledger: SqlLedger, attributes: dict[str, Any], data: dict[str, Any]
) -> None:
    attributes["id"] += f" {next(_serial)}"
    event = CloudEvent(attributes, data)
    receipt = send(ledger, http.to_binary(event, FORMAT))
    assert receipt.accepted == 1, receipt.results()
    check(event, kept(ledger, receipt))
    wire = ledger.fetch(operator(), [receipt.ledger_seq])[receipt.ledger_seq].wire
    again = FORMAT.read(None, wire)
    assert again.get_id() == event.get_id()
    assert again.get_time() == event.get_time()
