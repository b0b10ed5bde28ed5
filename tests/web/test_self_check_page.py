"""The self-check as a page: what the API finds, where all is right, who may see it, and the way to
it from a line and from a contract.
"""

from collections.abc import Iterator

import httpx2
import pytest

from tests.serving import event
from tests.web.installation import EMAIL, Pages, pages
from tests.web.test_pages import BROWSER, get, text


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with pages(tmp_path_factory.mktemp("checked")) as found:
        found.client.put("/accounts/odd<>".replace("<>", ":1"), name="Odd <b>& Sons")
        found.client.send([
            event("o1", subject="odd:1", type="none<b>", time="2026-11-20T12:00:00Z"),
            event("o2", subject="odd:1", type="message", time="2026-11-20T12:00:00Z"),
        ])  # fmt: skip
        found.client.until_visible()
        yield found


@pytest.fixture(scope="module")
def browser(world: Pages) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=world.url, headers=BROWSER, timeout=30) as client:
        client.post("/sign-in", data={"email": EMAIL, "password": world.password})
        yield client


def test_the_page_says_what_the_api_finds(world: Pages, browser: httpx2.Client) -> None:
    found = world.client.call("GET", "/accounts/odd:1/check").json
    assert found["problems"] == 2
    shown = get(browser, "/accounts/odd%3A1/check")
    assert "Odd <b>& Sons" in text(shown, "h1")
    for finding in found["findings"]:
        assert finding["detail"] in text(shown)
        assert finding["next_step"] in text(shown)
    seen = [link.attributes["href"] for link in shown.css(".notes a")]
    assert seen == [finding["seen_at"] for finding in found["findings"]]
    assert all(browser.get(str(url)).status_code == 200 for url in seen)
    assert text(shown, "#notices") == "Notices 0"


def test_the_page_says_that_all_is_right_and_what_was_checked(browser: httpx2.Client) -> None:
    shown = get(browser, "/accounts/acme-north/check")
    assert text(shown, "#right") == "All looks right"
    titles = [one.text() for one in shown.css("section:has(#checked) b")]
    assert titles == ["Accounts", "Contracts", "Meters", "Sources", "Events"]
    assert "1 account, 0 contracts, 0 lines" in text(shown)


def test_who_is_not_there_is_said_so_and_nobody_sees_it_unasked(browser: httpx2.Client) -> None:
    answer = browser.get("/accounts/nobody/check")
    assert answer.status_code == 404
    assert "There is no account 'nobody'" in answer.text.replace("&#39;", "'")
    with httpx2.Client(base_url=browser.base_url, headers=BROWSER) as stranger:
        answer = stranger.get("/accounts/acme/check")
        assert (answer.status_code, answer.headers["location"]) == (
            303, "/sign-in?next=%2Faccounts%2Facme%2Fcheck",
        )  # fmt: skip


@pytest.mark.parametrize("path", ["/volume/C-1/messages", "/contracts/C-1"])
def test_a_line_and_a_contract_lead_to_it(browser: httpx2.Client, path: str) -> None:
    links = [link.attributes.get("href") for link in get(browser, path).css("main a")]
    assert "/accounts/acme/check" in links
