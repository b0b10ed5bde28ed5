"""The pages of contracts as the real application answers them."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from selectolax.lexbor import LexborHTMLParser as Html

from tests.web.agreed import RICH, Agreed, agreed
from tests.web.test_pages import get, rows, text, words


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agreed]:
    with agreed(tmp_path_factory.mktemp("agreed")) as found:
        yield found


@pytest.fixture(scope="module")
def browser(world: Agreed) -> Iterator[httpx2.Client]:
    with world.browser() as client:
        yield client


def numbers(page: Html) -> list[str]:
    return [words(one) for one in page.css("#contracts tbody th a")]


# --- The list ----------------------------------------------------------------------------------


def test_the_list_says_how_each_contract_stands(browser: httpx2.Client) -> None:
    found = {row[0].split()[0]: row for row in rows(get(browser, "/contracts"), "#contracts")}
    assert found[RICH][1:] == [
        "Acme Group",
        "Enterprise",
        "1 Jan 2026",
        "31 Dec 2026",
        "4",
        "$1,700.00",
        "Nadia Berg",
        "Active Ending soon",
    ]
    assert found["EU-1"][6:] == ["€200.00", "Jonas Weber", "Active"]
    assert [found[number][-1] for number in ("EU-2", "OLD-1", "NEW-1")] == [
        "Draft",
        "Ended",
        "Planned",
    ]


def test_only_active_contracts_add_up_and_currencies_do_not(browser: httpx2.Client) -> None:
    said = text(get(browser, "/contracts"), "#contracts .say")
    assert said.startswith("2 active contracts of 2 accounts in this list")
    assert "come to $1,700.00 + €200.00 a month" in said
    assert "One ends within 90 days and does not renew by itself" in said


def test_each_chip_counts_the_contracts_it_leads_to(browser: httpx2.Client) -> None:
    chips = get(browser, "/contracts").css("#contracts .chip:has(b)")
    assert len(chips) == 5
    for chip in chips:
        found = get(browser, str(chip.attributes["href"]))
        assert len(numbers(found)) == int(words(chip).split()[-1])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("account=nord", ["EU-1", "EU-2"]),
        ("branch=EMEA", ["EU-1", "EU-2"]),
        ("csm=Nadia+Berg", [RICH, "NEW-1", "OLD-1"]),
        ("sales_rep=Omar+Haddad", [RICH]),
        ("type=Growth", ["EU-1"]),
        ("q=söhne", ["EU-1", "EU-2"]),
        ("q=master", [RICH]),
        ("status=draft&branch=EMEA", ["EU-2"]),
        ("status=nonsense&sort=nonsense&page=x&dir=up", ["EU-1", "EU-2", RICH, "NEW-1", "OLD-1"]),
        ("sort=start_date&dir=desc", ["EU-2", "NEW-1", "EU-1", RICH, "OLD-1"]),
        ("account=nobody", []),
    ],
)
def test_what_the_address_asks_for(browser: httpx2.Client, query: str, expected: list[str]) -> None:
    assert sorted(numbers(get(browser, f"/contracts?{query}"))) == sorted(expected)
    if "sort=start" in query:
        assert numbers(get(browser, f"/contracts?{query}"))[0] in {"EU-2", "NEW-1"}


def test_a_filter_that_no_select_shows_can_be_taken_out(browser: httpx2.Client) -> None:
    page = get(browser, "/contracts?account=nord&sort=type")
    chip = page.css_first(".chip[title]")
    assert chip is not None
    assert words(chip) == "Account: Nord & Söhne"
    assert chip.attributes["href"] == "/contracts?sort=type"


def test_prices_are_said_once_not_to_be_shown(world: Agreed) -> None:
    with world.browser("analyst") as analyst:
        page = get(analyst, "/contracts")
        assert "$" not in text(page)
        assert text(page).count("Prices and amounts are not shown to your role.") == 1
        assert "New contract" not in text(page)


def test_a_customer_sees_their_own_contracts(world: Agreed) -> None:
    with world.browser("customer_admin") as customer:
        page = get(customer, "/contracts")
        assert set(numbers(page)) == {RICH, "NEW-1", "OLD-1"}
        assert "nord" not in text(page).casefold()


def test_an_empty_installation_says_what_to_type(tmp_path: Path) -> None:
    with agreed(tmp_path, empty=True) as bare, bare.browser() as admin:
        page = get(admin, "/contracts")
        assert "No contracts yet" in text(page)
        assert "./tallybook import contracts contracts.yaml" in text(page)
        links = [a.attributes["href"] for a in page.css("main a")]
        assert "/contracts/new" in links


# --- One contract ------------------------------------------------------------------------------


def card(page: Html, title: str) -> str:
    for one in page.css("section.card"):
        head = one.css_first("h2")
        if head is not None and words(head).startswith(title):
            return " ".join(one.text(separator=" ").split())
    raise AssertionError(f"no card {title}")


def test_a_contract_reads_in_words(browser: httpx2.Client) -> None:
    page = get(browser, f"/contracts/{RICH}")
    assert "Master agreement 2026 MSA-7 Active Ending soon" in text(page, "h1")
    assert "Sales rep Omar Haddad" in card(page, "Parties")
    term = card(page, "Term and renewal")
    assert "First day 1 Jan 2026 Last day 31 Dec 2026 Then Ask before it ends" in term
    lines = card(page, "Lines")
    assert "Each month includes 1,000 messages. Beyond that: $0.0125 a message." in lines
    assert "Nothing is included. Price: $0.05 a minute. At least $10.00 a billing period." in lines
    assert "A fixed 25. Price: $12.00 a unit. 10% off." in lines
    groups = card(page, "Meter groups")
    assert "Pools copies-a and copies-b. Every 3 months covers 3,000 copies." in groups
    assert "Beyond that: $0.016 a copy." in groups
    assert "platform in advance $1,500.00 a month" in card(page, "Base charges")
    others = card(page, "Commitments")
    assert "minimum Commitment At least $2,000.00 a month" in others
    assert "welcome Credit $300.00 through 31 Dec 2026" in others
    assert "partner Discount 5% off on messages and minutes" in others


def test_phases_are_a_band_and_the_day_asked_for_is_laid_over(browser: httpx2.Client) -> None:
    page = get(browser, f"/contracts/{RICH}")
    assert "Ramp 1 Jan – 31 Mar 2026 platform: $500.00 a month" in card(page, "Phases")
    assert len(page.css(".course span")) == 2
    then = get(browser, f"/contracts/{RICH}?on=2026-02-10")
    assert "platform in advance $500.00 a month" in card(then, "Base charges")
    assert "Not today’s view. The contract as it is agreed for 10 Feb 2026." in text(then)
    assert "Edit" not in text(then, ".actions")


def test_what_is_set_up_oddly_is_told_and_not_to_customers(world: Agreed) -> None:
    world.client.put("/contracts/ODD", account="acme", start_date="2026-01-01", lines=[
        {"code": "messages", "meter": "messages", "allotment": {"quantity": "5"}}
    ])  # fmt: skip
    with world.browser() as browser, world.browser("customer_admin") as customer:
        assert "Line without price" in card(get(browser, "/contracts/ODD"), "Set-up findings")
        assert "Set-up findings" not in text(get(customer, "/contracts/ODD"))


def test_lines_stand_beside_what_was_agreed(browser: httpx2.Client) -> None:
    lines = get(browser, f"/contracts/{RICH}").css(".clauses a.link")
    assert [a.attributes["href"] for a in lines][:2] == [
        f"/volume/{RICH}/messages",
        f"/volume/{RICH}/minutes",
    ]


def test_versions_tell_what_changed_and_are_shown_as_they_were(world: Agreed) -> None:
    document = world.client.call("GET", "/contracts/EU-1").json
    kept = {
        k: v for k, v in document.items() if k in {"account", "currency", "start_date", "lines"}
    }
    line = {**kept["lines"][0], "allotment": {"quantity": "2000"}}
    changed = {**kept, "lines": [line], "valid_from": "2026-11-01", "reason": "Amendment 1"}
    world.client.put("/contracts/EU-1", **changed)
    with world.browser() as browser:
        versions = card(get(browser, "/contracts/EU-1"), "Versions")
        assert "Version 2 from 1 Nov 2026 Shown Amendment 1" in versions
        assert "1000 becomes 2000" in versions
        before = get(browser, "/contracts/EU-1?on=2026-10-31")
        assert "Each month includes 1,000 messages" in card(before, "Lines")
        assert browser.get("/contracts/EU-1?known=2026-11-21").status_code == 404
        first = get(browser, "/contracts/EU-1").css(".versions a")[-1].attributes["href"]
        assert "known=" in str(first)


@pytest.mark.parametrize("path", ["/contracts/none", "/contracts/none/edit", "/statements/none"])
def test_what_is_not_there_says_so(browser: httpx2.Client, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404
    assert "Not here" in answer.text


def test_who_may_not_see_prices_sees_terms(world: Agreed) -> None:
    with world.browser("analyst") as analyst:
        page = get(analyst, f"/contracts/{RICH}")
        assert "$" not in text(page)
        assert "Each month includes 1,000 messages." in card(page, "Lines")
        assert text(page).count("Prices and amounts are not shown to your role.") == 1
        assert "Edit" not in text(page, ".actions")


@pytest.mark.parametrize("known", ["9999-12-31", "9999-12-30", "2027-01-01"])
def test_a_day_to_come_is_known_as_of_now(browser: httpx2.Client, known: str) -> None:
    answer = browser.get(f"/contracts/{RICH}?known={known}")
    assert answer.status_code == 200
    assert browser.get(f"/contracts/{RICH}?known=0001-01-01").status_code == 404
