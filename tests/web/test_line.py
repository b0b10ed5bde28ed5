"""One line in detail, as the real application shows it: a pool beside its accounts' own contracts,
what lies beyond an allotment, other periods, months of a long one, late events, the forecast.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
import pytest
from selectolax.lexbor import LexborHTMLParser as Html

from tallybook import app
from tallybook.settings import Settings
from tests.serving import Client, event

NOW: Final = "2026-04-20T12:00:00Z"
EMAIL: Final = "ada.admin@example.com"
#: The three children: what each used and what its own contract includes.
CHILDREN: Final = {"a": ("9500", "10000"), "b": ("7250", "7000"), "c": ("4000", "5000")}
TIERS: Final = {
    "model": "graduated",
    "tiers": [{"up_to": "500", "unit_amount": "0.02"}, {"unit_amount": "0.01"}],
}


#: 250 − 1,500 + 2,000 = 750
WHY: Final = (
    "250 over by their own contracts, less 1,500 that is left in them and that others use, "
    "plus 2,000 that they include more than the pool: 750 over in the pool."
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    folder: Path = tmp_path_factory.mktemp("line")
    settings = Settings(data=folder / "data", test_clock=True)
    made = app.initialise(settings, EMAIL)
    with (
        app.running(settings) as address,
        httpx2.Client(base_url=address.url, headers={"accept": "text/html"}, timeout=30) as client,
    ):
        _fill(Client(urlsplit(address.url).port or 0, str(made["api_key"])))
        fields = {"email": EMAIL, "password": str(made["admin_password"])}
        assert client.post("/sign-in", data=fields).status_code == 303
        yield client


def _fill(api: Client) -> None:
    api.call("PUT", "/test-clock", {"now": "2026-01-01T00:30:00Z"})
    api.put("/meters/leads", event_type="lead", aggregation="sum", property="n", unit="leads")
    api.put("/meters/scans", event_type="scan", aggregation="sum", property="n", unit="scans")
    api.put("/accounts/group", name="The Group")
    _agree(api, "P-1", "group", "20000", price=TIERS, pooling="parent_pool")
    for key, (_, allotted) in CHILDREN.items():
        api.put(f"/accounts/{key}", name=f"Child {key.upper()}", parent="group")
        _agree(api, f"O-{key}", key, allotted)
    api.put("/accounts/other", name="Other")
    api.put("/accounts/mover", name="Mover", parent="group")
    api.put("/accounts/mover", name="Mover", parent="other", valid_from="2026-04-11")
    api.put("/accounts/solo", name="Solo")
    api.put("/accounts/solo", name="Solo", timezone="America/Chicago")
    quarter: dict[str, Any] = {"cycle_unit": "month", "cycle_length": 3}
    _agree(api, "Q-1", "solo", "1000", "scans", **quarter)
    _agree(api, "Y-1", "other", "4000", "scans", cycle_unit="year")
    uses = [
        _use("first", "other", "2026-01-01", "10", "scan"),
        *(_use(f"y{m}", "other", f"2026-{m:02}-15", "1000", "scan") for m in range(1, 4)),
        *(_use(f"q{m}", "solo", f"2026-{m:02}-19", "400", "scan") for m in range(1, 5)),
        *(_use(key, key, "2026-04-18", used) for key, (used, _) in CHILDREN.items()),
    ]
    for use in sorted(uses, key=lambda one: str(one["time"])):
        api.call("PUT", "/test-clock", {"now": use["time"]})  # each comes in time
        assert api.send([use])["accepted"] == 1
    api.call("PUT", "/test-clock", {"now": NOW})
    assert api.send([_use("late", "solo", "2026-04-16", "5", "scan")])["accepted"] == 1
    api.until_visible()
    api.call("PUT", "/test-clock", {"now": NOW})


def _agree(
    api: Client, number: str, account: str, allotted: str, meter: str = "leads", **terms: Any
) -> None:
    cycle = {name: terms.pop(name) for name in ("cycle_unit", "cycle_length") if name in terms}
    line: dict[str, Any] = {
        "code": meter,
        "meter": meter,
        "allotment": {"quantity": allotted, **cycle},
    }
    line |= {"price": terms.pop("price")} if "price" in terms else {}
    api.put(f"/contracts/{number}", account=account, start_date="2026-01-01", lines=[line], **terms)


def _use(id: str, account: str, day: str, quantity: str, type: str = "lead") -> dict[str, Any]:
    time = f"{day}T12:00:00Z"
    return event(id, type=type, subject=account, time=time, data={"n": quantity})


def get(browser: httpx2.Client, path: str) -> Html:
    answer = browser.get(path)
    assert answer.status_code == 200, path
    return Html(answer.text)


def text(page: Html, css: str) -> str:
    found = page.css_first(css)
    assert found is not None, css
    return " ".join(found.text().split())


def table(page: Html) -> list[list[str]]:
    return [
        [" ".join(cell.text().split()) for cell in row.css("th, td")]
        for row in page.css("section:has(#days-title) tbody tr")
    ]


def test_a_pool_and_its_accounts_are_side_by_side(browser: httpx2.Client) -> None:
    page = get(browser, "/volume/P-1/leads")
    panel = text(page, "#pool")
    for said in (
        "The pool750 over 20,750 of 20,000",
        "Each by its own contract250 over in sum",
        "All by the sum of theirs0 over, 1,250 left 20,750 of 22,000",
        WHY,
        "Child B7,250 34.9% 250 over of its own 7,000",
        "Child A9,500 45.8% 500 left of its own 10,000",
        "Child C4,000 19.3% 1,000 left of its own 5,000",
    ):
        assert said in panel, panel
    links = [link.attributes["href"] for link in page.css("#pool li a")]
    assert links[:3] == ["/volume/O-a/leads", "/volume/O-b/leads", "/volume/O-c/leads"]
    assert "250" in text(get(browser, "/volume/O-b/leads"), "#overage")
    own = get(browser, "/volume/P-1/leads?rollup=own")
    assert own.css_first("#pool") is None


def test_what_is_counted_of_a_tree_adds_up(browser: httpx2.Client) -> None:
    page = get(browser, "/volume/P-1/leads")
    assert "Rolls up from3 accounts with use" in text(page, "[aria-labelledby=contract-title]")
    assert "2 accounts used nothing." in text(page, "#pool")  # the top, and one that moved on
    assert "from 3 accounts" in text(page, "#how")
    assert "With child accounts" in text(page, ".filters")
    row = get(browser, "/volume?q=P-1").css_first("#accounts tbody tr")
    assert row is not None
    assert "3 accounts with use" in row.text()


def test_what_lies_beyond_says_since_when_and_at_which_price(browser: httpx2.Client) -> None:
    panel = text(get(browser, "/volume/P-1/leads"), "#overage")
    assert "Over sinceSat 18 Apr 2026" in panel
    assert "Over by750 leads" in panel
    assert "0 – 500$0.02 over 500$0.01" in panel
    assert "Costs so far$12.50" in panel  # 500 × 0.02 + 250 × 0.01


def test_a_cycle_of_its_own_says_which_it_is_and_leads_to_the_others(
    browser: httpx2.Client,
) -> None:
    page = get(browser, "/volume/Q-1/scans")
    facts = text(page, ".facts")
    assert "Allotment period1 Apr – 30 Jun 2026" in facts
    assert "AllottedEvery 3 months number 2" in facts
    ways = {
        a.text().strip(): a.attributes["href"] for a in page.css("[aria-label='Period shown'] a")
    }
    assert list(ways) == ["Earlier", "1 Apr – 30 Jun 2026"]
    before = get(browser, str(ways["Earlier"]))
    assert "Allotment period1 Jan – 31 Mar 2026" in text(before, ".facts")
    assert "Over by200 scans" in text(before, "#overage")
    later = before.css("[aria-label='Period shown'] a")[-1]
    assert later.text().strip() == "Later"
    assert later.attributes["href"] == "/volume/Q-1/scans"
    day = next(link for link in before.css("tbody th a") if "19 Mar" in link.text())
    assert "on=2026-03-31" in str(day.attributes["href"])
    assert "400 scans" in text(get(browser, str(day.attributes["href"])), "h2")


def test_a_year_is_shown_by_its_months(browser: httpx2.Client) -> None:
    page = get(browser, "/volume/Y-1/scans")
    rows = table(page)
    assert [row[0] for row in rows] == ["Apr 2026 so far", "Mar 2026", "Feb 2026", "Jan 2026"]
    assert [row[1] for row in rows] == ["0", "1,000", "1,000", "1,010"]
    assert [row[3] for row in rows] == ["3,010", "3,010", "2,010", "1,010"]
    assert rows[1][4] == "75.3%"
    oldest = table(get(browser, "/volume/Y-1/scans?order=oldest"))
    assert oldest == rows[::-1]
    days = table(get(browser, "/volume/Y-1/scans?by=day"))
    assert len(days) == 31 + 28 + 31 + 20
    assert days[-1][:2] == ["Thu 1 Jan", "10"]
    chart = get(browser, "/volume/Y-1/scans?interval=month&view=cumulative")
    assert "Allotment 4,000" in text(chart, "section:has(#chart-title)")


def test_rolling_months_drive_the_chart_and_nothing_else(browser: httpx2.Client) -> None:
    plain = get(browser, "/volume/Y-1/scans")
    rolling = get(browser, "/volume/Y-1/scans?period=12m&view=table")
    chart = text(rolling, "section:has(#chart-title)")
    assert "Monthly usage" in chart
    assert "21 Apr 2025 – 20 Apr 2026" in chart
    assert "Forecast" not in text(rolling, "section:has(#chart-title) table")
    for css in (".facts", "#how", "#overage", ".pills"):
        assert text(rolling, css) == text(plain, css)


def test_late_events_say_what_they_changed(browser: httpx2.Client) -> None:
    page = get(browser, "/volume/Q-1/scans")
    panel = text(page, "#late")
    assert "1 event came after their day was over" in panel
    assert "Thu 16 Apr1 event 0, now 5+5" in panel
    link = page.css_first("#late a")
    assert link is not None
    assert "Events of Thu 16 Apr 2026" in text(get(browser, str(link.attributes["href"])), "h1")
    assert "None" in text(get(browser, "/volume/Y-1/scans"), "#late")


def test_the_next_day_that_is_over_is_said(browser: httpx2.Client) -> None:
    assert "next update 20 Apr, 24:00" in text(get(browser, "/volume/P-1/leads"), ".fresh")
    past = get(browser, "/volume/P-1/leads?period=last")
    assert "next update" not in text(past, ".fresh")


@pytest.mark.parametrize("method", ["weekday", "linear"])
def test_the_forecast_can_be_told_otherwise(browser: httpx2.Client, method: str) -> None:
    page = get(browser, f"/volume/Q-1/scans?forecast={method}")
    chosen = page.css_first("select[name=forecast] option[selected]")
    assert chosen is not None
    assert chosen.attributes["value"] == method
    assert text(page, "#how") != text(get(browser, "/volume/Q-1/scans"), "#how")
    past = get(browser, "/volume/Q-1/scans?period=last")
    assert past.css_first("select[name=forecast]") is None
