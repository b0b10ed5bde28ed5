"""The volume page as the real application answers it: filters, totals, the worked example of the
forecast, and what each role sees.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

import httpx2
import pytest
from selectolax.lexbor import LexborHTMLParser as Html

from tallybook.stores.books.snapshot import BooksSnapshot
from tests.web.april import LINES, NOW, April, april

#: Filters of the page, and the same ones of the API.
NARROWED: Final[tuple[dict[str, str], ...]] = (
    {},
    {"account": "group"},
    {"account": "group-eu"},
    {"service": "Leads"},
    {"branch": "West"},
    {"csm": "omar@example.com"},
    {"status": "over"},
    {"status": "likely_over"},
    {"status": "low_use"},
    {"status": "no_allotment"},
    {"q": "europe"},
    {"branch": "West", "service": "Leads", "csm": "omar@example.com"},
    {"account": "group", "service": "Calls", "status": "near"},
)
MONEY: Final = re.compile(r"[$€]")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[April]:
    with april(tmp_path_factory.mktemp("april")) as found:
        yield found


@pytest.fixture(scope="module")
def browser(world: April) -> Iterator[httpx2.Client]:
    with world.browser() as made:
        yield made


def get(browser: httpx2.Client, asked: dict[str, str] | None = None, **more: str) -> Html:
    answer = browser.get("/volume", params={**(asked or {}), **more})
    assert answer.status_code == 200, answer.text
    return Html(answer.text)


def first(page: Html, css: str) -> Any:
    found = page.css_first(css)
    assert found is not None, css
    return found


def words(node: Any) -> str:
    return " ".join(node.text(separator=" ").split()) if node else ""


def text(page: Html, css: str = "main") -> str:
    return words(page.css_first(css))


def rows(page: Html, part: str = "tbody") -> list[list[str]]:
    found = page.css(f"#accounts {part} tr")
    return [[words(cell) for cell in row.css("th, td")] for row in found]


def exact(page: Html, part: str, column: int) -> list[Decimal]:
    """Return a column's numbers as they are on hover; a dash is nothing."""
    return [_exact(row.css("th, td")[column]) for row in page.css(f"#accounts {part} tr")]


def _exact(cell: Any) -> Decimal:
    shortened = cell.css_first("data")
    shown = shortened.attributes["value"] if shortened else words(cell).split()[0]
    return Decimal(str(shown).replace("–", "0").replace(",", ""))


# --- The worked example ------------------------------------------------------------------------


def test_the_worked_example_of_a_forecast_through_the_api(world: April) -> None:
    found = world.client.call("GET", "/positions/C-leadco/leads").json
    ahead = found["forecast"]
    assert (found["used"], found["allotment"], found["remaining"]) == ("18400", "30000", "11600")
    assert (ahead["to_date"], ahead["daily_mean"], ahead["remaining_days"]) == ("18400", "1200", 16)
    assert ahead["remaining_volume"] == "19200"
    assert (ahead["projected"], ahead["projected_overage"]) == ("37600", "7600")
    assert ahead["exhausted_on"] == "2026-04-24"
    assert (found["status"], found["likely_over"], found["overage"]) == ("ok", True, "0")
    assert ahead["projected_amount"] == "3800.00"
    listed = world.positions(contract="C-leadco")["items"][0]
    assert listed["forecast"] == ahead


def test_the_worked_example_is_on_both_pages(browser: httpx2.Client) -> None:
    row = rows(get(browser, account="leadco", q="C-leadco"))[0]
    assert row[2:5] == ["18,400", "30,000", "61%"]
    assert row[5:8] == ["11,600", "37,600", "7,600 $3,800.00"]
    assert "Ok Likely over" in row[9]
    page = Html(browser.get("/volume/C-leadco/leads").text)
    said = text(page)
    assert "On track to use 37,600 by 30 April, 125% of the allotment" in said
    assert "24 April" in said
    assert "the 16 days that are not complete (19,200): 37,600" in said
    assert "7,600" in said


def test_a_line_that_began_two_days_ago_has_no_forecast(browser: httpx2.Client) -> None:
    row = rows(get(browser, q="C-young"))[0]
    assert (row[6], row[7]) == ("–", "1,400 $700.00")  # what is over already
    assert "Needs three complete days" in text(get(browser, q="C-young"), ".four")


def test_the_tiles_are_of_the_lines_that_the_status_leaves(browser: httpx2.Client) -> None:
    said = text(get(browser, status="over", account="group"), ".four")
    assert "Leads, used so far 126 leads 126.0% of 100" in said
    assert "Lines needing a look 1 of 1 1 over" in said
    said = text(get(browser, status="no_allotment"), ".four")
    assert "Expected amount $53 For all use: no allotment was agreed" in said
    assert "0 of 1 None is over" in said


def test_exactly_all_of_it_is_red_and_no_overage(browser: httpx2.Client, world: April) -> None:
    page = get(browser, status="at_limit")
    assert rows(page)[0][2:6] == ["14", "14", "100%", "0"]
    assert words(first(page, "#accounts tbody .pill.at_limit")) == "At limit"
    assert first(page, "#accounts tbody .bar.over")
    assert world.positions(status="at_limit")["items"][0]["overage"] == "0"


# --- Filters and totals ------------------------------------------------------------------------


@pytest.mark.parametrize("asked", NARROWED, ids=urlencode)
def test_filters_act_on_the_whole_page_as_in_the_api(
    browser: httpx2.Client, world: April, asked: dict[str, str]
) -> None:
    page, found = get(browser, asked), world.positions(**asked)
    assert found["items"]
    assert len(rows(page)) == found["count"] == len(found["items"])
    said = "" if found["count"] == LINES else f" of {LINES}"
    assert text(page, "#accounts-title small") == f"{found['count']}{said}"
    counts = {c.attributes["href"]: words(c).split()[-1] for c in page.css("#accounts .chip")}
    for url, count in counts.items():
        state = re.search(r"status=(\w+)", str(url))
        assert int(count) == found["counts"].get(state.group(1) if state else "all", 0), url
    services = {item["service"] for item in found["items"]}
    assert text(page, ".four dt").split(",")[0] in services
    shown = {words(link) for link in page.css(".services a")}
    every = {k: v for k, v in asked.items() if k != "service"}
    assert shown <= {item["service"] for item in world.positions(**every)["items"]}


@pytest.mark.parametrize("asked", NARROWED, ids=urlencode)
def test_the_foot_adds_up_to_the_totals_of_the_api(
    browser: httpx2.Client, world: April, asked: dict[str, str]
) -> None:
    page, totals = get(browser, asked), world.positions(**asked)["totals"]
    foot = rows(page, "tfoot")
    assert [row[1] for row in foot] == [f"{t['unit']}, {t['currency']}" for t in totals]
    assert [int(re.sub(r"\D", "", row[0])) for row in foot] == [t["lines"] for t in totals]
    for column, name in ((2, "used"), (3, "allotment")):
        assert exact(page, "tfoot", column) == [Decimal(t[name]) for t in totals]
    for column, name in ((6, "projected"), (7, "projected_overage")):
        for shown, total in zip(exact(page, "tfoot", column), totals, strict=True):
            assert abs(shown - Decimal(total[name])) <= Decimal("0.5")
    assert sum(exact(page, "tbody", 2)) == sum(exact(page, "tfoot", 2))
    assert sum(exact(page, "tbody", 3)) == sum(exact(page, "tfoot", 3))


def test_the_foot_prices_the_overage_of_lines_with_an_allotment(
    browser: httpx2.Client, world: April
) -> None:
    agreed = world.positions(status="ok,near,at_limit,over")["totals"]
    priced = {f"{t['unit']}, {t['currency']}": Decimal(t["projected_amount"]) for t in agreed}
    for row in rows(get(browser), "tfoot"):
        said = re.search(r"[$€]([\d,.]+)", row[7])
        assert (Decimal(said[1].replace(",", "")) if said else 0) == priced[row[1]]


def test_totals_are_of_the_list_and_not_of_its_page(browser: httpx2.Client) -> None:
    assert rows(get(browser, page="1"), "tfoot") == rows(get(browser, page="9"), "tfoot")


def test_each_filter_can_be_taken_out_alone(browser: httpx2.Client) -> None:
    asked = {"account": "group", "service": "Leads", "branch": "West", "csm": "omar@example.com",
             "status": "over", "q": "america"}  # fmt: skip
    page = get(browser, asked, period="", sort="used")
    chips = page.css(".in-force .chip")
    assert [words(chip).split(":")[0] for chip in chips] == [
        "Account", "Service", "Branch", "CSM", "Status", "Search",
    ]  # fmt: skip
    assert words(chips[0]).startswith("Account: Group ")
    for name, chip in zip(asked, chips, strict=True):
        rest = get(browser, {k: v for k, v in asked.items() if k != name}, sort="used")
        without = Html(browser.get(str(chip.attributes["href"])).text)
        assert rows(without) == rows(rest)
    cleared = Html(browser.get(str(first(page, ".in-force > .link").attributes["href"])).text)
    assert len(rows(cleared)) == LINES
    assert cleared.css_first(".in-force") is None


def test_no_line_matches(browser: httpx2.Client) -> None:
    page = get(browser, service="Leads", q="nobody at all")
    assert "No line matches. Clear the filters" in text(page, "#accounts")
    assert page.css_first(".four") is None
    assert first(page, "select[name=service] option[selected]").attributes["value"] == "Leads"


# --- Accounts ----------------------------------------------------------------------------------


def test_an_account_is_named_by_key_or_by_its_whole_name(browser: httpx2.Client) -> None:
    answer = browser.get("/volume?account=group+EUROPE&sort=used")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/volume?account=group-eu&sort=used"
    assert text(get(browser, account="group-eu"), ".crumbs [aria-current]") == "Group Europe"


def test_a_tree_or_its_top_alone(browser: httpx2.Client) -> None:
    whole = get(browser, account="group")
    links = whole.css("[aria-label='Accounts listed'] a")
    assert [words(link) for link in links] == ["With 2 child accounts", "This account only"]
    alone = Html(browser.get(str(links[1].attributes["href"])).text)
    assert (len(rows(whole)), len(rows(alone))) == (5, 2)
    assert {row[0] for row in rows(alone)} == {"Group"}


@pytest.mark.parametrize(
    ("said", "problem", "alike"),
    [
        ("twin", "Several accounts are called “twin”. Did you mean", ["Twin", "Twin"]),
        ("Group E", "You see no account called “Group E”. Did you mean", ["Group Europe"]),
        ("zzz", "You see no account called “zzz”. Type a part", []),
    ],
)
def test_an_account_that_is_not_clear(
    browser: httpx2.Client, said: str, problem: str, alike: list[str]
) -> None:
    page = get(browser, account=said)
    assert problem in text(page, ".problem")
    links = page.css(".problem a")
    assert [words(link) for link in links] == alike
    assert rows(page) == []
    for link in links:
        assert rows(Html(browser.get(str(link.attributes["href"])).text))


def test_accounts_are_suggested(browser: httpx2.Client, world: April) -> None:
    begun = get(browser).css("#account-options option")
    assert {"leadco", "group", "group-eu"} <= {o.attributes["value"] for o in begun}
    typed = Html(browser.get("/volume/accounts?account=eur").text).css("option")
    assert [(o.attributes["value"], words(o)) for o in typed] == [("group-eu", "Group Europe")]
    with world.browser("group") as customer:
        assert "Leadco" not in customer.get("/volume/accounts?account=lead").text


# --- One mark, freshness, exact numbers ---------------------------------------------------------


def test_all_numbers_are_of_one_mark_and_it_says_until_when(
    browser: httpx2.Client, world: April
) -> None:
    page = get(browser)
    marks = {node.attributes["data-known-at"] for node in page.css("[data-known-at]")}
    assert marks == {world.positions()["known_at"]}
    assert text(page, ".fresh") == (
        "Complete to 14 Apr, 24:00, UTC time · next update 15 Apr, 24:00"
    )


def test_a_page_is_begun_again_when_new_facts_come_in_between(
    world: April, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = BooksSnapshot.page, []

    def page(self: BooksSnapshot, *asked: Any) -> Any:
        calls.append(asked)
        if len(calls) == 3:
            world.client.put("/accounts/lone", name="Lone and Only")
            world.client.call("POST", "/tick")
        return real(self, *asked)

    monkeypatch.setattr(BooksSnapshot, "page", page)
    with world.browser() as browser:
        marks = {n.attributes["data-known-at"] for n in get(browser).css("[data-known-at]")}
    assert len(marks) == 1
    assert len(calls) > 8


def test_a_long_number_is_rounded_and_exact_on_hover(browser: httpx2.Client) -> None:
    page = get(browser, q="europe", service="Calls")
    assert rows(page)[0][3] == "100.33"
    shown = first(page, "#accounts tbody td:nth-of-type(3) data")
    assert shown.attributes["title"] == "100.333333333333"
    assert "333333" not in text(page, "#accounts") + text(page, ".four")


# --- Roles -------------------------------------------------------------------------------------


def test_who_may_not_see_amounts_sees_none(world: April, browser: httpx2.Client) -> None:
    assert MONEY.search(text(get(browser)))
    with world.browser("analyst") as analyst:
        page = get(analyst)
        assert len(rows(page)) == LINES
        assert not MONEY.search(text(page))
        assert "EUR" not in text(page, "tfoot")


def test_a_customer_sees_only_their_tree(world: April) -> None:
    with world.browser("group") as customer:
        page = get(customer)
        assert {row[0] for row in rows(page)} == {"Group", "Group Europe", "Group America"}
        assert text(page, ".crumbs [aria-current]") == "Your accounts"
        assert "nadia" not in str(page.html)
        assert "leadco" not in str(page.html).casefold()
        assert "You see no account called “leadco”" in text(get(customer, account="leadco"))
        assert {o.attributes["value"] for o in page.css("#account-options option")} == {
            "group", "group-eu", "group-us",
        }  # fmt: skip


def test_one_account_with_one_service_has_a_tidy_page(world: April) -> None:
    with world.browser("lone") as customer:
        page = get(customer)
        assert len(rows(page)) == 1
        assert page.css(".filters form") == []
        assert page.css(".services") == []
        assert [words(c) for c in page.css("#accounts .chip")] == ["All 1", "Ok 1"]
        assert not MONEY.search(text(page))


def test_a_customer_without_a_contract_is_told_so(world: April) -> None:
    with world.browser("new") as customer:
        said = text(get(customer))
    assert "Nothing is agreed with you yet" in said
    assert "import" not in said


def test_the_clock_of_these_tests(world: April) -> None:
    assert world.positions()["items"][0]["data_through"] == f"{NOW[:10]}T00:00:00Z"
