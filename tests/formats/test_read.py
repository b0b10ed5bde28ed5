import io
import json as stdlib_json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.formats import csv, json, jsonl, yaml
from tallybook.model.errors import TallybookError
from tallybook.model.table import ROW_BYTES_MAX, BadRow, Row

EXACT = "12345678901234567.123456789"


def rows(reader: Any, content: bytes | str, **options: Any) -> list[Row | BadRow]:
    stream = io.BytesIO(content.encode() if isinstance(content, str) else content)
    return list(reader.read(stream, **options).rows)


def fields(reader: Any, content: bytes | str, **options: Any) -> list[Any]:
    found = rows(reader, content, **options)
    assert all(isinstance(row, Row) for row in found)
    return [row.fields for row in found if isinstance(row, Row)]


def test_csv_fields_are_text_and_rows_have_the_number_of_their_first_line() -> None:
    found = rows(csv, '\ufeffa,b\r\n1.10,"x\ny"\n\n,2\n')
    assert found == [Row(2, {"a": "1.10", "b": "x\ny"}), Row(5, {"a": "", "b": "2"})]


def test_csv_with_another_delimiter() -> None:
    assert fields(csv, "src dst\n1 2\n", delimiter=" ") == [{"src": "1", "dst": "2"}]


def test_a_bad_csv_row_leaves_its_neighbours() -> None:
    found = rows(csv, 'a,b\n1,2\n3\n4,5,6\n7,"8"9\n10,11\n')
    assert [type(row).__name__ for row in found] == ["Row", "BadRow", "BadRow", "BadRow", "Row"]
    assert [row.number for row in found] == [2, 3, 4, 5, 6]
    assert "1 fields where the header has 2" in str(found[1])


@pytest.mark.parametrize(
    ("content", "options", "code"),
    [
        (b"", {}, "file_empty"),
        (b"a,b,a\n", {}, "columns_repeated"),
        (b"a\n", {"delimiter": "ab"}, "delimiter_invalid"),
        ("a\nZürich\n".encode("latin-1"), {}, "file_not_utf8"),
        ("a,b\n1,2\n".encode("utf-16"), {}, "file_not_utf8"),
    ],
)
def test_what_is_no_csv_is_refused(content: bytes, options: Any, code: str) -> None:
    with pytest.raises(TallybookError) as refused:
        rows(csv, content, **options)
    assert refused.value.code == code


def test_jsonl_is_exact_and_a_bad_line_leaves_its_neighbours() -> None:
    found = rows(jsonl, f'{{"n": {EXACT}}}\n\nnonsense\n[1]\n{{"n": 1}}')
    assert found[0] == Row(1, {"n": Decimal(EXACT)})
    assert [(type(row).__name__, row.number) for row in found[1:]] == [
        ("BadRow", 3), ("BadRow", 4), ("Row", 5),
    ]  # fmt: skip


def test_a_huge_line_is_refused_alone() -> None:
    found = rows(jsonl, b'{"a": "' + b"x" * (3 * ROW_BYTES_MAX) + b'"}\n{"a": 1}\n')
    assert isinstance(found[0], BadRow)
    assert found[1:] == [Row(2, {"a": 1})]


@pytest.mark.parametrize("hostile", ['{"a": 1e99999999999999999999}', '{"a": NaN}', "[" * 100_000])
def test_hostile_json_is_a_bad_row(hostile: str) -> None:
    assert [type(row).__name__ for row in rows(jsonl, hostile)] == ["BadRow"]
    with pytest.raises(TallybookError) as refused:
        rows(json, hostile)
    assert refused.value.code == "file_not_json"


@pytest.mark.parametrize(
    "content", ['[{"a": 1.10}, {"a": "x"}]', '{"a": 1.10}\n{"a": "x"}', '{"a":1.10}{"a":"x"}']
)
def test_json_is_an_array_or_objects_one_after_another(content: str) -> None:
    assert rows(json, content) == [Row(1, {"a": Decimal("1.10")}), Row(2, {"a": "x"})]


def test_json_keeps_what_comes_before_a_fault() -> None:
    stream = io.BytesIO(b'[{"a": 1}, 5, {"a": 2}, {"a": oops}]')
    taken: list[Row | BadRow] = []
    with pytest.raises(TallybookError, match="Item 4"):
        taken.extend(json.read(stream).rows)
    assert [type(row).__name__ for row in taken] == ["Row", "BadRow", "Row"]
    with pytest.raises(TallybookError, match="does not end"):
        rows(json, '[{"a": 1}')


@given(
    st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=300_000 // 50))),
    st.booleans(),
)
def test_json_reads_what_json_wrote(items: list[dict[str, str]], lines: bool) -> None:
    padded = [{**item, "pad": "é" * 9_000} for item in items]
    if lines:
        content = "\n".join(stdlib_json.dumps(i, ensure_ascii=False) for i in padded)
    else:
        content = stdlib_json.dumps(padded, ensure_ascii=False, indent=1)
    content = content.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    assert fields(json, content) == stdlib_json.loads(
        content if not lines else "[" + ",".join(content.split("\n")) + "]"
    )


def test_yaml_has_the_words_of_json_only() -> None:
    text = f"- {{on: no, at: 03:00, day: 2026-01-01, n: 0.10, i: 010, x: {EXACT}, t: true, z: ~}}"
    assert fields(yaml, text) == [
        {
            "on": "no", "at": "03:00", "day": "2026-01-01", "n": Decimal("0.10"), "i": "010",
            "x": Decimal(EXACT), "t": True, "z": None,
        }
    ]  # fmt: skip


def test_yaml_aliases_are_refused_before_they_fill_the_memory() -> None:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 40)]
    for text in ("\n".join(["l0: &l0 [x]", *levels]), "a: &a [*a]"):
        with pytest.raises(TallybookError, match="write out what it stands for"):
            rows(yaml, text)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        *((f"a: 1\nb: !!{tag} x", rf"the tag !!{tag} is not read; leave .*line 2, column 4")
          for tag in ("int", "float", "bool", "null", "timestamp", "binary", "set", "omap")),
        ("a: !own x", "the tag !own is not read"),
        ("a: !!str [x]", "line 1, column 4"),
        ("a: 1e9999999", "a number cannot be carried .*line 1, column 4"),
        ("a: 1e-99999999999999999999", "a number cannot be carried .*line 1, column 4"),
        ('a: "\\ud800"', "half a character.*line 1, column 4"),
        ('"\\udfff": 1', "half a character.*line 1, column 1"),
        ("[" * 5_000, "nested deeper than 32; write it flatter.*line 1, column 33"),
        ("a: 1\na: 2", "has a name twice; keep one"),
    ],
)  # fmt: skip
def test_yaml_that_says_what_json_cannot_is_refused_with_its_place(content: str, said: str) -> None:
    with pytest.raises(TallybookError, match=said) as refused:
        rows(yaml, content)
    assert refused.value.code == "file_not_yaml"
    assert "send it again" in refused.value.detail


def test_yaml_may_say_what_a_value_is_anyway() -> None:
    text = "!!seq [!!map {a: !!str 1, b: ! x, c: !!str no}]"
    assert fields(yaml, text) == [{"a": "1", "b": "x", "c": "no"}]


def test_yaml_documents_and_lists_are_rows() -> None:
    assert fields(yaml, "key: a\n---\n- key: b\n- key: c\n") == [
        {"key": "a"}, {"key": "b"}, {"key": "c"},
    ]  # fmt: skip
    assert isinstance(rows(yaml, "- 5")[0], BadRow)


@pytest.mark.parametrize("content", ["a: [", "!!python/object/apply:os.system [x]", "\x00"])
def test_what_is_no_plain_yaml_is_refused(content: str) -> None:
    with pytest.raises(TallybookError) as refused:
        rows(yaml, content)
    assert refused.value.code == "file_not_yaml"
