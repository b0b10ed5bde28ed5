"""Data as they are kept: what is written fast must be what is written with care."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.limits import NAME_CHARS_MAX
from tallybook.stores.events.texts import (
    _decoded,
    _flat,
    _lines,
    _properties,
    _shape,
    flat_lines,
    lines,
    typed_text,
)

_names = st.sampled_from(["a", "b", "%s", "é", "#", "{", 'q"', ""]) | st.text(max_size=3)
_texts = st.sampled_from(["x", "5", "#5", "{", "%d", "é☃", "\\", '"', "\n"]) | st.text(max_size=3)
_scalars = _texts | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False)
_alike = st.dictionaries(_names, st.sampled_from([_texts, st.integers()]), min_size=1).flatmap(
    lambda kinds: st.lists(st.fixed_dictionaries(kinds), min_size=1, max_size=4)
)
_any = st.lists(st.dictionaries(_names, _scalars, max_size=3) | _scalars, min_size=1, max_size=4)


@given(_alike | _any, st.booleans(), st.sampled_from([(",", ":"), (", ", ": ")]))
def test_alike_data_are_written_as_all_others(
    values: list[Any], ascii_only: bool, separators: tuple[str, str]
) -> None:
    texts = [
        json.dumps(value, ensure_ascii=ascii_only, separators=separators).encode(errors="replace")
        for value in values
    ]
    data = b"[%b]" % b",".join(texts)
    with_care = _lines(_properties(value) for value in _decoded(data))
    assert list(map(json.loads, lines(data))) == list(map(json.loads, with_care))
    flat_with_care = _lines(_flat(value, ascii) for value in _decoded(data))
    assert list(map(json.loads, flat_lines(data, ascii))) == list(map(json.loads, flat_with_care))


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b'{"a":"x","n":5}', '{"a":"x","n":"#5"}'),
        (b'{ "a" : "x", "n": -0 }', '{"a":"x","n":"#0"}'),
        (b'{"n":1,"a":"x","n":7}', '{"n":"#7","a":"x"}'),
        (b'{"n":12345678901234567890123}', '{"n":"#12345678901234567890123"}'),
        (b'{"n":9007199254740993.0}', '{"n":"#9007199254740993"}'),
        (b'{"n":%b}' % (b"7" * 5000), f'{{"n":"#7.{"7" * 4999}E+4999"}}'),
        (b'{"a":"#5","n":5}', '{"a":"#\\"#5","n":"#5"}'),
        (b'{"a":"{x"}', '{"a":"#\\"{x"}'),
        (b'{"a":"\\u0041\\n"}', '{"a":"A\\n"}'),
        (b"{}", "null"),
        (b"[1]", "null"),
        (b"null", "null"),
    ],
)
def test_a_line(data: bytes, line: str) -> None:
    assert lines(b"[%b]" % data) == [line]
    assert lines(b"[%b,%b]" % (data, data)) == [line, line]
    # The second is not alike, and nothing of the first is lost.
    assert lines(b'[%b,{"z":1.5}]' % data) == [line, '{"z":"#1.5"}']


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b'{"a":"x","n":5}', '{"A":"x","N":"#5"}'),
        (b'{"a":{"b":1,"c":{"d":"{"}},"n":[{}]}',
         '{"A":"{","A.B":"#1","A.C":"{","A.C.D":"#\\"{","N":"#[{}]"}'),
        (b'{"a":{},"n":null}', '{"A":"{"}'),
        (b'{"a":null}', "{}"),
        (b"{}", "{}"),
        (b'"a"', "{}"),
    ],
)  # fmt: skip
def test_objects_laid_flat(data: bytes, line: str) -> None:
    assert flat_lines(b"[%b]" % data, str.upper) == [line]


def test_no_reader_is_kept_for_data_of_very_many_names() -> None:
    _shape.cache_clear()
    for count, made in ((64, 1), (65, 1), (4000, 1)):
        data = json.dumps([{f"n{i}": i for i in range(count)}]).encode()
        assert json.loads(lines(data)[0]) == {f"n{i}": f"#{i}" for i in range(count)}
        assert _shape.cache_info().currsize == made


def test_what_is_typed_is_told_apart() -> None:
    assert len({typed_text(v) for v in ("5", 5, "#5", True, "true", None, "{", [5])}) == 8


def test_what_no_meter_can_ask_for_is_not_written_out() -> None:
    longest = "a" * (NAME_CHARS_MAX - 2)
    kept = {longest: {"b": 1, "cc": 2}, longest + "aaa": 3}
    (line,) = flat_lines(json.dumps([kept]).encode(), str)
    assert json.loads(line) == {longest: "{", f"{longest}.b": "#1"}
    many = {"P" * 25_000: {str(n): 1 for n in range(3_600)}}
    assert flat_lines(json.dumps([many]).encode(), str) == ["{}"]
    assert flat_lines(json.dumps([{"P" * 25_000: 1}]).encode(), str) == ["{}"]
