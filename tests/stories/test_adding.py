"""`docs/adding.md`, done: the files it shows are put into their rooms, and all else follows."""

import inspect
import re
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest

import tallybook.aggregations as room
from tallybook import alerts, pricing
from tallybook.aggregations._shape import Row, aggregation
from tallybook.model import kinds
from tests.laws import test_pricing as laws
from tests.serving import ROOT, Client, event


def shown(section: str) -> list[str]:
    """Return the code of a section of the page."""
    page = (ROOT / "docs/adding.md").read_text("utf-8")
    _, _, part = page.partition(f"\n## {section}")
    return re.findall(r"```python\n(.*?)```", re.split(r"\n## A ", part)[0], re.DOTALL)


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Put the page's aggregation beside the others, as one more file of the room."""
    folder: Path = tmp_path_factory.mktemp("room")
    (folder / "spread.py").write_text(shown("An aggregation")[0], "utf-8")
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


@pytest.fixture(scope="module")
def per_thousand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Put the page's price model beside the others, and its test beside theirs."""
    model, test = shown("A price model")
    folder: Path = tmp_path_factory.mktemp("prices")
    (folder / "per_thousand.py").write_text(model, "utf-8")
    pricing.__path__.append(str(folder))
    beside = ModuleType("tests.pricing.test_per_thousand")
    exec(test, vars(beside))  # noqa: S102 - the page's own code, as a test file of that name
    sys.modules[beside.__name__] = beside
    yield "per_thousand"
    del sys.modules[beside.__name__]
    pricing.__path__.remove(str(folder))


def test_a_price_models_own_test_holds(per_thousand: str) -> None:
    own = vars(laws.own(per_thousand))
    tests = [thing for name, thing in own.items() if name.startswith("test_")]
    assert tests
    for test in tests:
        test()


LAWS = {
    name: law
    for name, law in vars(laws).items()
    if name.startswith("test_") and "name" in inspect.signature(law).parameters
}


@pytest.mark.parametrize("law", LAWS)
def test_every_law_of_prices_runs_over_it(per_thousand: str, law: str) -> None:
    assert per_thousand in kinds.names(pricing)
    LAWS[law](name=per_thousand)


def test_contracts_take_it_and_positions_and_previews_know_it(
    per_thousand: str, bare: Client
) -> None:
    price = {"model": per_thousand, "thousand_amount": "2.50"}
    bare.put("/accounts/ads")
    bare.put("/meters/impressions", event_type="shown", aggregation="sum", property="n")
    line = {"code": "impressions", "meter": "impressions", "price": price}
    bare.put("/contracts/C-ads", account="ads", start_date="2026-01-01", lines=[line])
    bare.send([event("shown-1", type="shown", subject="ads", data={"n": 1500})])
    bare.until_visible()
    position = bare.call("GET", "/positions/C-ads/impressions?at=2026-03-31T00:00:00Z").json
    assert position["amount"] == "3.75"
    asked = {"price": price, "quantity": "1500"}
    assert bare.call("POST", "/preview/charge", asked).json["amount"] == "3.75"


@pytest.fixture(scope="module")
def unnamed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Put the page's check beside the others."""
    folder: Path = tmp_path_factory.mktemp("checks")
    (folder / "contract_unnamed.py").write_text(shown("A check")[0], "utf-8")
    alerts.__path__.append(str(folder))
    yield "contract.unnamed"
    alerts.__path__.remove(str(folder))


def test_the_catalogue_previews_and_subscriptions_know_a_check(unnamed: str, bare: Client) -> None:
    bare.put("/accounts/shop")
    for number, name in (("C-named", "Shop"), ("C-unnamed", None)):
        bare.put(f"/contracts/{number}", account="shop", start_date="2026-01-01", name=name)
    listed = {item["code"]: item for item in bare.call("GET", "/checks").json["items"]}
    assert listed[unnamed]["title"] == "Contract without a name"
    preview = bare.call("POST", f"/checks/{unnamed}/preview", {"accounts": ["shop"]}).json
    assert [one["entity"] for one in preview["findings"]] == ["C-unnamed"]
    none = {"accounts": ["shop"], "values": {"types": ["other"]}}
    assert bare.call("POST", f"/checks/{unnamed}/preview", none).json["findings"] == []
    asked = {"check": unnamed, "recipients": {"to": ["admin@example.com"]}}
    made = bare.call("POST", "/subscriptions", asked)
    assert (made.status, made.json["schedule"]["preset"]) == (201, "weekly")
