"""Sameness is by value: of numbers, of instants, of data however it was carried."""

import json
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.errors import Invalid
from tallybook.model.time import micros, parse_instant, parse_micros, usual_micros
from tallybook.model.wire import by_value, content, data_of, is_json, read_json, same


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None), st.integers(-30, 30))
def test_numbers_equal_by_value(value: Decimal, shift: int) -> None:
    shifted = value.scaleb(shift, Context(prec=1000))  # the usual one rounds
    other = f"{shifted}e{-shift}".replace("E", "e")
    whole = str(value).replace("E", "e")
    if other.count("e") == 1:
        assert by_value(read_json(_plain(whole))) == by_value(read_json(_plain(other)))
    larger = value + 1
    if larger != value:
        assert by_value(read_json(_plain(str(larger)))) != by_value(read_json(_plain(whole)))


def _plain(text: str) -> str:
    return text.replace("E", "e")


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("1", "1.0", True),
        ("1", "1e0", True),
        ("10", "1E+1", True),
        ("0.1", "1e-1", True),
        ("-0", "0", True),
        ("0e99", "0.00", True),
        ("1", "true", False),
        ("0", "false", False),
        ("1", '"1"', False),
        ("-1", "1", False),
        ("100", "1e3", False),
        ("[1]", "[1.0]", True),
        ("[]", "{}", False),
        ("null", "{}", False),
        ("1e9999999999999999999", "1", False),
        ('{"a":1,"b":2}', '{"b":2,"a":1}', True),
        ('{"a":1}', '{"a":1,"b":null}', False),
        ('{"a":1,"a":2}', '{"a":2}', True),
    ],
)
def test_values(one: str, other: str, *, equal: bool) -> None:
    assert (by_value(read_json(one)) == by_value(read_json(other))) is equal


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "-Infinity", "", "{", "01", '"\n"'])
def test_what_is_no_json(text: str) -> None:
    with pytest.raises(ValueError, match=r"line 1 column|Infinity|NaN"):
        read_json(text)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (None, True),
        ("application/json", True),
        ("text/json; charset=utf-8", True),
        ("application/vnd.x+JSON;v=1", True),
        ("text/plain", False),
        ("application/jsonl", False),
        ("", False),
        ("text/plain; a=/json", False),
    ],
)
def test_content_types(kind: str | None, *, expected: bool) -> None:
    assert is_json(kind) is expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({}, None),
        ({"data": "x"}, "x"),
        ({"data": "é", "datacontenttype": "text/plain"}, b"\xc3\xa9"),
        ({"data": {}, "datacontenttype": "text/plain"}, {}),
        ({"data_base64": "e30="}, {}),
        ({"data_base64": "bm8="}, b"no"),
        ({"data_base64": "/w=="}, b"\xff"),
        ({"data_base64": ""}, b""),
        ({"data_base64": "e30=", "datacontenttype": "text/plain"}, b"{}"),
    ],
)
def test_data(event: dict[str, Any], expected: Any) -> None:
    assert data_of(event) == expected


@pytest.mark.parametrize("coded", ["e30", "%", 5, "é"])
def test_data_that_is_no_base64(coded: Any) -> None:
    with pytest.raises(Invalid, match="base64"):
        data_of({"data_base64": coded})


def _wire(**changes: Any) -> bytes:
    event = {"type": "t", "subject": "a", "time": "2026-03-01T00:00:00Z", "data": 1} | changes
    return json.dumps({k: v for k, v in event.items() if v is not None}).encode()


@pytest.mark.parametrize(
    ("kept", "other", "equal"),
    [
        ({}, {"time": "2026-03-01T01:00:00+01:00"}, True),
        ({}, {"time": None}, True),
        ({"time": None}, {}, False),
        ({"time": None}, {"time": "1970-01-01T00:00:05Z"}, True),
        ({"time": None}, {"time": None}, True),
        ({}, {"time": "2026-03-01T00:00:01Z"}, False),
        ({}, {"type": "u"}, False),
        ({}, {"subject": "b"}, False),
        ({}, {"data": 2}, False),
        ({}, {"extension": 1}, True),
    ],
)
def test_same(kept: dict[str, Any], other: dict[str, Any], *, equal: bool) -> None:
    assert same(_wire(**kept), 5_000_000, _wire(**other)) is equal
    assert content(_wire(**kept)).type == "t"


_digit = st.sampled_from("0123456789")
_time = st.one_of(
    st.datetimes().map(lambda t: t.isoformat() + "Z"),
    st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,8})?Z", fullmatch=True
    ),
    st.from_regex(
        r"20[0-9 ]{2}-[01W][0-9]-[0-3][0-9][Tt _]([01][0-9]|2[0-4]):[0-5][0-9]:[0-6][0-9]"
        r"([.,][0-9+٣-]{0,8})?(Z|z|[+-][0-9]{2}:[0-9]{2}|-05Z)",
        fullmatch=True,
    ),
    st.text(max_size=30),
)


@given(_time)
def test_the_fast_reading_of_instants_is_the_slow_one(text: str) -> None:
    assert _answer(parse_micros, text) == _answer(lambda t: micros(parse_instant(t)), text)


def _answer(read: Callable[[str], int], text: str) -> int | str:
    try:
        return read(text)
    except Invalid as e:
        return e.code


@given(st.lists(_time, max_size=3), st.lists(_time, min_size=1, max_size=1))
def test_the_reading_of_many_instants_is_that_of_each(some: list[str], one: list[str]) -> None:
    for texts in (some, one, one * 3):
        counts = usual_micros(texts)
        assert counts is None or counts == [parse_micros(text) for text in texts]


@pytest.mark.parametrize("digits", range(8))
def test_usual_instants_are_read_together(digits: int) -> None:
    fraction = "." + "1234567"[:digits] if digits else ""
    texts = [f"{year:04}-02-28T23:59:59{fraction}Z" for year in (1, 1969, 1970, 2026, 9999)]
    assert usual_micros(texts) == (None if digits > 6 else [parse_micros(t) for t in texts])
    for bad in (
        "0000-01-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:0٣Z",
        "2026-01-01t00:00:00Z",
    ):
        assert usual_micros([bad]) is None
    assert usual_micros(["2026-01-01T00:00:00Z2", "026-01-01T00:00:00Z"]) is None
    assert usual_micros([]) is None
