"""`docs/adding.md`, done: the file it shows is put into its room, and everything else follows."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

import tallybook.aggregations as room
from tallybook.aggregations._shape import Row, aggregation
from tallybook.model import kinds
from tests.serving import ROOT, Client, event


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Put the page's aggregation beside the others, as one more file of the room."""
    page = (ROOT / "docs/adding.md").read_text("utf-8")
    code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    folder: Path = tmp_path_factory.mktemp("room")
    (folder / "spread.py").write_text(code, "utf-8")
    room.__path__.append(str(folder))
    yield "spread"
    room.__path__.remove(str(folder))
    aggregation.cache_clear()


def test_the_room_finds_it_by_its_name(spread: str) -> None:
    assert spread in kinds.names(room)
    rows = [Row(0, i, Decimal(v)) for i, v in enumerate(("-1.5", "4", "4"))]
    assert aggregation(spread).fold(rows) == Decimal("5.5")


def test_the_api_takes_meters_with_it_and_answers(spread: str, bare: Client) -> None:
    bare.put("/accounts/lab")
    bare.put("/meters/warmth", event_type="reading", aggregation=spread, property="degrees")
    readings = ("-1.5", "4", "21.25")
    bare.send(
        [
            event(f"r{i}", type="reading", subject="lab", data={"degrees": d})
            for i, d in enumerate(readings)
        ]
    )
    bare.until_visible()
    rows = bare.usage("warmth", account="lab", **{"from": "2020-01-01"})["rows"]
    assert [row["value"] for row in rows] == ["22.75"]
