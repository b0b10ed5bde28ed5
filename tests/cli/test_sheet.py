"""Contracts in somebody's spreadsheet: columns, rows and how things are written in it."""

import io
from pathlib import Path
from typing import Any

import pytest

from tallybook.cli._folder import Origin
from tallybook.cli._sheet import Record, Refused, records, sheet
from tallybook.formats import csv, yaml
from tallybook.model.errors import TallybookError

GERMAN = """\
Vertrag;Kunde;Beginn;Dienst;Menge;Preis;Takt
C-1;acme;01.02.2026;sms;1.234,5;0,05;12
C-1;acme;01.02.2026;voice;;1.000,00;
C-2;acme;1.3.2026;sms;10;0,06;1
"""
MAPPING = {
    "map": {
        "number": "Vertrag", "account": "Kunde", "start_date": "Beginn", "lines.0.code": "Dienst",
        "lines.0.meter": "Dienst", "lines.0.allotment.quantity": "Menge",
        "lines.0.price.unit_amount": "Preis", "billing.cycle_length": "Takt",
    },
    "set": {"lines.0.price.model": "per_unit", "currency": "EUR"},
    "dates": "DD.MM.YYYY",
    "numbers": "1.234,5",
}  # fmt: skip


def read(text: str, delimiter: str = ",", **said: Any) -> list[Record | Refused]:
    table = csv.read(io.BytesIO(text.encode()), delimiter=delimiter)
    return [*records(sheet(said, {}), table, "contract")]


def documents(text: str, **said: Any) -> list[Any]:
    found = read(text, **said)
    assert all(isinstance(record, Record) for record in found), found
    return [record.document for record in found if isinstance(record, Record)]


def test_rows_of_a_number_are_one_contract_with_a_line_each() -> None:
    first, second = read(GERMAN, ";", **MAPPING)
    assert isinstance(first, Record)
    price = {"unit_amount": "0.05", "model": "per_unit"}
    assert first.document == {
        "number": "C-1",
        "account": "acme",
        "start_date": "2026-02-01",
        "currency": "EUR",
        "billing": {"cycle_length": 12},
        "lines": [
            {"code": "sms", "meter": "sms", "allotment": {"quantity": "1234.5"}, "price": price},
            {"code": "voice", "meter": "voice", "price": {**price, "unit_amount": "1000.00"}},
        ],
    }
    assert first.origins["lines.1.price.unit_amount"] == Origin(3, "Preis")
    assert isinstance(second, Record)
    assert (second.row, second.document["start_date"]) == (4, "2026-03-01")


def test_columns_of_a_named_line_and_days_from_which_rows_hold() -> None:
    text = (
        "number,account,start_date,valid_from,lines[sms].allotment.quantity,lines[sms].meter\n"
        "C-1,acme,2026-01-01,2026-06-01,200,sms\n"
        "C-2,acme,2026-01-01,,5,sms\n"
        "C-1,acme,2026-01-01,,100,sms\n"
    )
    line = {"code": "sms", "meter": "sms"}
    first, later, other = documents(text)
    assert first["lines"] == [{**line, "allotment": {"quantity": "100"}}]
    assert (later["valid_from"], later["lines"][0]["allotment"]) == (
        "2026-06-01", {"quantity": "200"},
    )  # fmt: skip
    assert other["number"] == "C-2"


def test_tiers_in_rows_and_charges_that_every_row_repeats() -> None:
    text = (
        "number,lines[a].price.tiers.0.up_to,lines[a].price.tiers.0.unit_amount,"
        "base_charges.0.name,base_charges.0.amount\n"
        "C-1,10,2,fee,99\nC-1,,1.5,fee,99\n"
    )
    (found,) = documents(text)
    assert found["lines"][0]["price"]["tiers"] == [
        {"up_to": "10", "unit_amount": "2"},
        {"unit_amount": "1.5"},
    ]
    assert found["base_charges"] == [{"name": "fee", "amount": "99"}]


@pytest.mark.parametrize(
    ("text", "said", "row", "column", "field", "code"),
    [
        ("number,start_date\nC,31/12/2026\n", {}, 2, "start_date", "start_date", "date_invalid"),
        ("number,start_date\nC,2026-02-30\n", {}, 2, "start_date", "start_date", "date_invalid"),
        ("number,d\n\nC,31/12/2026\n", {"map": {"number": "number", "end_date": "d"},
         "dates": "MM/DD/YYYY"}, 3, "d", "end_date", "date_invalid"),
        ('number,lines.0.quantity\nC,"1,234.50"\n', {}, 2, "lines.0.quantity",
         "lines.0.quantity", "number_invalid"),
        ("number,lines.0.price.rate\nC,5 %\n", {}, 2, "lines.0.price.rate",
         "lines.0.price.rate", "number_invalid"),
        ("number,billing.hold_above\nC,1.5\n", {"numbers": "1.234,5"}, 2, "billing.hold_above",
         "billing.hold_above", "number_invalid"),
        ("number,account\nC,a\nC,b\n", {}, 3, "account", "account", "row_contradicts"),
        ("number,billing,billing.timing\nC,x,advance\n", {}, 2, "billing.timing", "billing",
         "row_contradicts"),
        ("number,account\nC\n", {}, 2, None, "", "row_unreadable"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_row_is_told_with_its_column(
    text: str, said: Any, row: int, column: str | None, field: str, code: str
) -> None:
    refused = [one for one in read(text, **said) if isinstance(one, Refused)]
    assert [(one.row, one.column, one.field, one.code) for one in refused] == [
        (row, column, field, code)
    ]


def test_the_example_of_the_guide_is_one_contract_with_two_lines() -> None:
    guide = (Path(__file__).parents[2] / "docs/import.md").read_text("utf-8")
    mapping, rows = guide.partition("in a spreadsheet")[2].split("```")[1:4:2]
    (said,) = yaml.load(io.BytesIO(mapping.removeprefix("yaml\n").encode()))
    (found,) = documents(rows.lstrip(), **said)
    assert (found["start_date"], found["currency"]) == ("2026-02-01", "EUR")
    assert [line["allotment"]["quantity"] for line in found["lines"]] == ["1000", "500"]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"map": {"number": "nowhere"}}, "unknown_column"),
        ({"map": {"lines.[0": "number"}}, "mapping_invalid"),
        ({"dates": "DD/MM"}, "mapping_invalid"),
        ({"numbers": "1;234"}, "mapping_invalid"),
        ({"unheard": "of"}, "document_invalid"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(said: Any, code: str) -> None:
    with pytest.raises(TallybookError) as refused:
        read("number\nC\n", **said)
    assert refused.value.code == code
