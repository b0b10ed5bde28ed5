from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tallybook.model.errors import Unreadable
from tallybook.model.table import Row
from tallybook.stores.parquet import read_parquet

EXACT = "12345678901234567.123456789"


def written(path: Path, select: str) -> Path:
    with duckdb.connect() as db:
        db.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path


def test_values_are_exact_and_structs_are_opened(tmp_path: Path) -> None:
    written(tmp_path / "a-neighbour-b.parquet", "SELECT 1 AS whole")  # the name is no pattern
    file = written(
        tmp_path / "a*b.parquet",
        f"""SELECT 1::BIGINT AS whole, {EXACT}::DECIMAL(38,9) AS fraction, 0.1::DOUBLE AS near,
        0.1::FLOAT AS small, 'nan'::DOUBLE AS none, '007' AS text, NULL::VARCHAR AS missing,
        TIMESTAMP '2023-11-16 18:17:03.97996' AS bare, true AS yes,
        make_timestamptz(1700000000123456) AS instant,
        {{'a b': {{'c': {EXACT}::DECIMAL(38,9)}}}} AS deep, [1, 2] AS list""",
    )
    table = read_parquet(file)
    assert not table.is_text
    assert list(table.rows) == [
        Row(
            1,
            {
                "whole": 1,
                "fraction": Decimal(EXACT),
                "near": Decimal("0.1"),
                "small": Decimal("0.1"),
                "none": "nan",
                "text": "007",
                "missing": None,
                "bare": "2023-11-16 18:17:03.97996",
                "yes": True,
                "instant": "2023-11-14T22:13:20.123456Z",
                "deep.a b.c": Decimal(EXACT),
                "list": [1, 2],
            },
        )
    ]


def test_rows_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    file = written(tmp_path / "many.parquet", "SELECT i FROM range(250000) t(i)")
    table = read_parquet(file)
    assert table.columns == ("i",)
    for expected, row in enumerate(table.rows):
        assert isinstance(row, Row)
        assert (row.number, row.fields["i"]) == (expected + 1, expected)


def test_another_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(Unreadable) as refused:
        read_parquet(file)
    assert refused.value.code == "file_not_parquet"
