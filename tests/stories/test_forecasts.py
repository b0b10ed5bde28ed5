"""Forecasts by each method through the API and the command line, and tried on what is over."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tallybook import app
from tallybook.cli import main
from tallybook.settings import Settings
from tests.documented import Documented
from tests.serving import Client, event

#: A week's use, Monday first; the weeks from 2 February to 31 March are alike.
WEEK = (90, 100, 110, 100, 100, 30, 20)
FIRST, END = date(2026, 2, 2), date(2026, 4, 15)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the installation."""
    return tmp_path_factory.mktemp("forecasts") / "data"


@pytest.fixture(scope="module")
def house(folder: Path) -> Iterator[Client]:
    """Yield an installation in the middle of April: two and a half months of one weekly rhythm."""
    settings = Settings(data=folder, test_clock=True)
    key = str(app.initialise(settings, "admin@example.com")["api_key"])
    with app.running(settings) as address:
        client = Documented(urlsplit(address.url).port or 0, key)
        client.call("PUT", "/test-clock", {"now": "2026-04-15T12:00:00Z"})
        client.put("/accounts/acme")
        client.put("/accounts/other")
        client.put("/meters/total", event_type="use", aggregation="sum", property="n")
        client.put("/meters/users", event_type="use", aggregation="unique", property="n")
        price = {"model": "per_unit", "unit_amount": "1"}
        lines = [
            {"code": "total", "meter": "total", "allotment": {"quantity": "2400"}, "price": price},
            {"code": "users", "meter": "users"},
        ]
        months = {"cycle_unit": "month", "cycle_start_date": "2026-02-01"}
        client.put("/contracts/C-1", account="acme", start_date=str(FIRST), lines=lines,
                   billing=months)  # fmt: skip
        client.put("/contracts/C-2", account="other", start_date="2026-04-01", lines=lines[:1])
        days = [FIRST + timedelta(days=i) for i in range((END - FIRST).days)]
        client.send([
            event(f"e{day}", time=f"{day}T12:00:00Z", data={"n": WEEK[day.weekday()]})
            for day in days
        ])  # fmt: skip
        client.until_visible()
        yield client


def forecast(house: Client, method: str) -> Any:
    answer = house.call("GET", f"/positions/C-1/total?method={method}")
    assert answer.status == 200, answer.body
    return answer.json["forecast"]


def test_one_line_is_forecast_by_the_method_that_is_asked_for(house: Client) -> None:
    plain = house.call("GET", "/positions/C-1/total").json
    assert plain["forecast"] == forecast(house, "mean_7")
    to_date = sum(WEEK[date(2026, 4, n).weekday()] for n in range(1, 15))
    ahead = sum(WEEK[date(2026, 4, n).weekday()] for n in range(15, 31))
    by_weekday = forecast(house, "weekday")
    assert Decimal(by_weekday["projected"]) == to_date + ahead
    assert Decimal(by_weekday["remaining_volume"]) == ahead
    assert Decimal(by_weekday["projected_amount"]) == max(to_date + ahead - 2400, 0)
    linear = forecast(house, "linear")
    assert Decimal(linear["projected"]) == pytest.approx(Decimal(to_date) / 14 * 30)
    assert plain["forecast"]["projected"] != by_weekday["projected"]
    refused = house.call("GET", "/positions/C-1/total?method=guess")
    assert refused.status == 422
    assert refused.json["field"] == "method"


def test_the_list_stays_with_the_plain_mean(house: Client) -> None:
    (listed, _) = house.call("GET", "/positions?contract=C-1&at=2026-04-15T12:00:00Z").json["items"]
    assert listed["forecast"] == forecast(house, "mean_7")


def test_every_method_is_tried_on_periods_that_are_over(house: Client) -> None:
    answer = house.call("GET", "/forecasts/backtest?periods=6").json
    assert (answer["periods"], answer["has_more"]) == (2, False)  # February, cut, and March
    scores = {score["method"]: score for score in answer["methods"]}
    assert [*scores] == ["mean_7", "weekday", "linear"]
    # February from the third of its 27 days to the last but one, and March likewise.
    assert {score["forecasts"] for score in scores.values()} == {24 + 28}
    errors = {name: Decimal(score["errors"][0]["mean_absolute_error"])
              for name, score in scores.items()}  # fmt: skip
    assert errors["weekday"] < errors["mean_7"] < errors["linear"]
    assert 0 < Decimal(scores["weekday"]["covered_percent"]) <= 100


def test_periods_of_a_group_are_not_mixed_up(house: Client) -> None:
    house.put("/accounts/calm")
    house.put("/meters/more", event_type="more", aggregation="sum", property="n")
    months = {"cycle_unit": "month", "cycle_start_date": "2026-02-01"}
    line = {"code": "total", "meter": "total"}
    group = {"name": "all", "meters": ["total", "more"], "covered_quantity": "1"}
    calm = {"account": "calm", "start_date": "2026-02-01", "billing": months}
    house.put("/contracts/A-1", **calm, lines=[line])
    house.put("/contracts/B-2", **calm, meter_groups=[group], lines=[])
    days = [date(2026, 2, 1) + timedelta(days=i) for i in range((END - FIRST).days)]
    # As much every day of a month, and more each month.
    house.send([
        event(f"c{day}", subject="calm", time=f"{day}T12:00:00Z", data={"n": day.month})
        for day in days
    ])  # fmt: skip
    house.until_visible()
    scores = house.call("GET", "/forecasts/backtest?account=calm&periods=2").json["methods"]
    (linear,) = (score for score in scores if score["method"] == "linear")
    # From the third day to the last but one, of two lines.
    assert linear["forecasts"] == 2 * (25 + 28)
    assert [error["mean_absolute_error"] for error in linear["errors"]] == ["0"]


def test_only_what_is_asked_for_is_tried(house: Client) -> None:
    def periods(query: str) -> int:
        return int(house.call("GET", f"/forecasts/backtest?{query}").json["periods"])

    assert periods("contract=C-1&periods=1") == 1
    assert periods("account=other") == 0
    assert periods("account=acme&line=users") == 0  # days of a distinct count do not add up
    none = house.call("GET", "/forecasts/backtest?contract=C-2").json["methods"][0]
    assert (none["forecasts"], none["mean_absolute_percentage_error"]) == (0, None)
    assert house.call("GET", "/forecasts/backtest?contract=C-9").json["code"] == (
        "contract_not_found"
    )
    assert house.call("GET", "/forecasts/backtest?periods=99").status == 422


def test_the_command_says_the_same(
    house: Client, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("forecast", "backtest", "--contract", "C-1", "--periods", "2", "--data", str(folder))
    assert main(asked) == 0
    shown = capsys.readouterr().out
    head, first, *_ = shown.splitlines()
    assert head.split()[:2] == ["method", "forecasts"]
    assert first.split()[:2] == ["mean_7", "52"]
    assert "2 periods of lines whose days add up." in shown
    assert main((*asked, "--json")) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == house.call("GET", "/forecasts/backtest?contract=C-1&periods=2").json
    assert main((*asked[:-1], str(folder), "--account", "nobody")) == 1
