"""What is on a page, taken along: the page, the API and every file say the same numbers, to the
same people, and no file runs anything.
"""

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb
import httpx2
import openpyxl
import pyarrow.parquet as pq
import pytest
from selectolax.lexbor import LexborHTMLParser as Html

from tests.web.installation import EMAIL, Pages, pages

BROWSER: Final = {"accept": "text/html"}
EVIL: Final = '=HYPERLINK("http://x"),\'#1'
D = Decimal


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with pages(tmp_path_factory.mktemp("export")) as found:
        found.client.put("/accounts/small-07", name=EVIL, timezone="Europe/Berlin")
        found.client.call("POST", "/tick")
        yield found


@pytest.fixture(scope="module")
def browser(world: Pages) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=world.url, headers=BROWSER, timeout=30) as client:
        answer = client.post("/sign-in", data={"email": EMAIL, "password": world.password})
        assert answer.status_code == 303
        yield client


class File:
    """A file read back by somebody else's reader: what it says of itself, and its rows."""

    def __init__(self, answer: httpx2.Response, kind: str) -> None:
        assert answer.status_code == 200, answer.text
        self.name = answer.headers["content-disposition"]
        self.bytes = answer.content
        assert f'.{kind}"' in self.name
        read = {"csv": self._csv, "xlsx": self._xlsx, "parquet": self._parquet}
        self.about, self.rows = read[kind]()

    def _csv(self) -> tuple[dict[str, str], list[dict[str, Any]]]:
        lines = self.bytes.decode().splitlines(keepends=True)
        said = [line[2:].rstrip("\r\n").split(": ", 1) for line in lines if line.startswith("# ")]
        rows = csv.DictReader(io.StringIO("".join(lines[len(said) :]), newline=""))
        return dict(said), [{k: v or None for k, v in r.items()} for r in rows]

    def _xlsx(self) -> tuple[dict[str, str], list[dict[str, Any]]]:
        book = openpyxl.load_workbook(io.BytesIO(self.bytes))
        assert (book.sheetnames[0], book.active.freeze_panes) == ("About", "A2")
        about = {str(name): str(value or "") for name, value in book["About"].values}
        names, *rows = book.active.values
        return about, [dict(zip(names, row, strict=True)) for row in rows]

    def _parquet(self) -> tuple[dict[str, str], list[dict[str, Any]]]:
        table = pq.read_table(io.BytesIO(self.bytes))
        about = {k.decode(): v.decode() for k, v in table.schema.metadata.items()}
        return about, table.to_pylist()


KINDS: Final = ("csv", "xlsx", "parquet")
NUMBERS: Final = ("used", "allotment", "remaining", "percent_used", "overage", "amount")


def api(world: Pages, target: str, **headers: str) -> httpx2.Response:
    sent = {"Authorization": f"Bearer {world.client.key}", **headers}
    return httpx2.get(f"{world.url}/api/v1{target}", headers=sent, timeout=60)


def exact(value: Any) -> Decimal | None:
    return None if value is None else D(str(value)).normalize()


@pytest.mark.parametrize("kind", KINDS)
def test_page_api_and_file_show_the_same_numbers_for_the_same_mark(
    world: Pages, browser: httpx2.Client, kind: str
) -> None:
    listed = api(world, "/positions?sort=projected_overage&descending=true&limit=500").json()
    mark = listed["known_at"]
    asked = f"sort=projected_overage&descending=true&known_at={mark}&format={kind}"
    file = File(api(world, f"/positions/export?{asked}"), kind)
    assert file.about["known_at"] == mark
    assert file.about["rows"] == str(listed["count"]) == str(len(file.rows))
    for item, row in zip(listed["items"], file.rows, strict=True):
        assert (item["contract"], item["line"]) == (row["contract"], row["line"])
        assert [exact(item[n]) for n in NUMBERS] == [exact(row[n]) for n in NUMBERS]
        ahead = item["forecast"]
        for name in ("projected", "low", "high", "projected_overage", "projected_amount"):
            assert exact(ahead[name]) == exact(row[f"forecast_{name}"])
    page = browser.get("/volume?sort=projected_overage&dir=desc").text
    shown = [row.css("td")[1].text().strip() for row in Html(page).css("#accounts tbody tr")]
    assert [exact(used.replace(",", "")) for used in shown] == [
        exact(row["used"] or 0) for row in file.rows[: len(shown)]
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_mark_gives_the_same_bytes_and_the_file_of_the_page_the_same_rows(
    world: Pages, browser: httpx2.Client, kind: str
) -> None:
    now = File(api(world, f"/positions/export?format={kind}"), kind)
    again = api(world, f"/positions/export?format={kind}&known_at={now.about['known_at']}")
    assert again.content == now.bytes
    page = File(browser.get(f"/volume/export?sort=contract&dir=asc&format={kind}"), kind)
    assert page.rows == now.rows
    assert page.about["made_for"] == EMAIL


def test_every_column_has_its_type(world: Pages) -> None:
    table = pq.read_table(io.BytesIO(api(world, "/positions/export?format=parquet").content))
    types = {field.name: str(field.type) for field in table.schema}
    assert types["used"] == types["amount"] == "decimal128(38, 12)"
    assert types["period_start_date"] == "date32[day]"
    assert types["data_through"] == "timestamp[us, tz=UTC]"
    assert types["likely_over"] == "bool"
    book = openpyxl.load_workbook(io.BytesIO(api(world, "/positions/export?format=xlsx").content))
    names, first = book.active.iter_rows(max_row=2)
    cells = {name.value: cell for name, cell in zip(names, first, strict=True)}
    assert cells["used"].data_type == cells["percent_used"].data_type == "n"
    assert cells["percent_used"].number_format.endswith('"%"')
    assert cells["period_start_date"].is_date
    assert isinstance(cells["data_through"].value, datetime)


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_name_runs_nothing(world: Pages, kind: str) -> None:
    answer = api(world, f"/positions/export?account=small-07&q=%3Dcmd%0A%2C%3Dx&format={kind}")
    empty = File(answer, kind)
    assert not empty.rows
    assert empty.about["rows"] == "0"
    (row,) = File(api(world, f"/positions/export?account=small-07&format={kind}"), kind).rows
    if kind == "csv":
        assert row["account_name"] == f"'{EVIL}"
        assert empty.about["q"] == "=cmd%0A%2C=x"
        assert not [x for x in answer.text.splitlines() if x.startswith(tuple("=+-@"))]
    else:
        assert row["account_name"] == EVIL
        assert empty.about["q"] == "=cmd\n,=x"
    if kind == "xlsx":
        book = openpyxl.load_workbook(io.BytesIO(empty.bytes))
        cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
        assert {cell.data_type for cell in cells} <= {"s", "n", "b", "d"}


def test_a_common_reader_skips_what_a_csv_file_says_of_itself(world: Pages, tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    file.write_bytes(api(world, "/positions/export").content)
    read = "SELECT account_name FROM read_csv(?, comment = '#', header = true)"
    names = {name for (name,) in duckdb.execute(read, [str(file)]).fetchall()}
    assert len(names) > 40
    assert f"'{EVIL}" in names


@pytest.mark.parametrize("kind", KINDS)
def test_the_days_of_a_line_are_those_of_its_page(browser: httpx2.Client, kind: str) -> None:
    for query in ("", "?period=last", "?rollup=own"):
        page = Html(browser.get(f"/volume/C-1/messages{query}").text)
        region = page.css_first('[aria-label="Daily breakdown, table"]')
        assert region is not None
        shown = [row.css("td")[0].text().strip() for row in region.css("tbody tr")]
        link = page.css_first(f'.drop a[href*="format={kind}"]')
        assert link is not None
        file = File(browser.get(str(link.attributes["href"])), kind)
        assert [exact(row["used"]) for row in file.rows] == [
            exact(used.replace(",", "")) for used in reversed(shown)
        ]
    assert file.about["zone"] == "America/Chicago"
    assert "C-1-messages-2026-11-01" in file.name


def test_the_days_of_a_line_as_json(world: Pages) -> None:
    found = api(world, "/positions/C-1/messages/daily").json()
    line = api(world, f"/positions/C-1/messages?known_at={found['known_at']}").json()
    used = {day["date"]: day["used"] for day in line["daily"] if day["used"] is not None}
    assert {day["date"]: day["used"] for day in found["days"]} == used
    assert found["days"][-1]["to_date"] == line["used"]
    assert [day["is_complete"] for day in found["days"]][-2:] == [True, False]


def test_the_export_of_the_page_keeps_its_filters_and_period(browser: httpx2.Client) -> None:
    page = Html(browser.get("/volume?status=over&q=acme&view=table&page=1").text)
    links = [str(a.attributes["href"]) for a in page.css(".drop a")]
    assert links == [f"/volume/export?status=over&q=acme&format={kind}" for kind in KINDS]
    file = File(browser.get(links[0]), "csv")
    assert {row["status"] for row in file.rows} == {"over"}
    assert {row["account"] for row in file.rows} == {"acme"}
    assert (file.about["status"], file.about["q"]) == ("over", "acme")
    past = File(browser.get("/volume/export?period=last&format=csv"), "csv")
    assert {row["period_start_date"] for row in past.rows} == {"2026-10-01"}


@pytest.mark.parametrize(
    "target",
    [
        "/positions/export?format=pdf",
        "/positions/C-1/messages/daily?format=doc",
        "/positions/export?format=",
    ],
)
def test_an_unknown_format_is_refused(world: Pages, target: str) -> None:
    answer = api(world, target)
    assert (answer.status_code, answer.json()["code"]) == (422, "format_unknown")
    assert answer.json()["field"] == "format"


def test_a_zone_and_a_file_without_its_header(world: Pages) -> None:
    file = File(api(world, "/positions/export?timezone=Asia/Tokyo&contract=C-1"), "csv")
    assert file.about["as_of"].endswith("+09:00")
    assert str(file.rows[0]["data_through"]).endswith("+09:00")
    bare = api(world, "/positions/export?timezone=Asia/Tokyo&contract=C-1&header=false")
    assert bare.text.startswith("contract,line,")
    assert file.bytes.endswith(bare.content)
    assert api(world, "/positions/export?timezone=Mars").json()["code"] == "unknown_zone"


def test_amounts_are_null_for_whom_they_are_not(world: Pages) -> None:
    made = world.client.call("POST", "/keys", {"name": "n", "role": "analyst"}).json
    answer = api(world, "/positions/export", Authorization=f"Bearer {made['secret']}")
    amounts = ("amount", "overage_amount", "forecast_projected_amount")
    assert {row[name] for row in File(answer, "csv").rows for name in amounts} == {None}


def test_a_file_too_long_is_refused_before_it_is_begun(
    world: Pages, browser: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tallybook.model.limits.EXPORT_ROWS_MAX", 3)
    answer = api(world, "/positions/export")
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_rows")
    assert answer.json()["limit"] == 3
    assert browser.get("/volume/export").status_code == 422


def test_the_snapshot_is_walked_past_a_part(world: Pages) -> None:
    whole = File(api(world, "/positions/export?sort=account&descending=true"), "csv")
    names = [(row["account_name"] or "").removeprefix("'") for row in whole.rows]
    assert names == sorted(names, reverse=True)
