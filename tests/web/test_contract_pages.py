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
