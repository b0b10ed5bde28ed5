"""Subscribing with one press, and the page of what one has subscribed to."""

from collections.abc import Iterator
from typing import Final

import httpx2
import pytest
from selectolax.lexbor import LexborHTMLParser as Html

from tests.web.installation import EMAIL, Pages, pages

BROWSER: Final = {"accept": "text/html"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with pages(tmp_path_factory.mktemp("subscriptions")) as found:
        yield found


@pytest.fixture(scope="module")
def browser(world: Pages) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=world.url, headers=BROWSER, timeout=30) as client:
        answer = client.post("/sign-in", data={"email": EMAIL, "password": world.password})
        assert answer.status_code == 303
        yield client


def pressed(browser: httpx2.Client, page: str) -> str:
    """Press a page's button; return the address that it leads to."""
    form = Html(browser.get(page).text).css_first('form[action="/subscriptions"]')
    assert form is not None
    fields = {str(i.attributes["name"]): str(i.attributes["value"]) for i in form.css("input")}
    answer = browser.post("/subscriptions", data=fields)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def shown(browser: httpx2.Client, address: str = "/subscriptions") -> list[str]:
    page = Html(browser.get(address).text)
    return [" ".join(one.text().split()) for one in page.css(".subscriptions > li")]


def test_one_press_subscribes_and_a_second_finds_it(browser: httpx2.Client) -> None:
    assert "Nothing yet" in browser.get("/subscriptions").text
    saved = pressed(browser, "/volume?status=over&q=acme&page=1")
    (line,) = shown(browser, saved)
    assert "Volume, q acme, status over" in line
    assert "Excel · Weekdays at 07:00" in line
    assert f"to {EMAIL}" in line
    assert "Saved." in line
    assert pressed(browser, "/volume?q=acme&status=over&view=table") == saved
    drill = pressed(browser, "/volume/C-1/messages?period=last")
    line = shown(browser, drill)[1]
    assert "C-1 · messages, period last" in line
    assert "Chicago time" in line
    assert "Next on Mon 23 Nov, 07:00" in line
    assert "what its reader may see on that day" in browser.get("/subscriptions").text


def test_a_subscription_is_turned_off_renamed_and_removed(browser: httpx2.Client) -> None:
    url = "/subscriptions/" + pressed(browser, "/volume?q=bolt").partition("saved=")[2]
    for fields, said in (
        ({"do": "off"}, "Off"),
        ({"do": "on"}, "Next on"),
        ({"name": "Bolt <b>& co</b>"}, "Bolt <b>& co</b>"),
    ):
        assert browser.post(url, data=fields).status_code == 303
        assert said in shown(browser)[-1]
    count = len(shown(browser))
    assert browser.post(url, data={"do": "remove"}).status_code == 303
    assert len(shown(browser)) == count - 1
    gone = browser.post(url, data={"do": "remove"})
    assert (gone.status_code, "no subscription" in gone.text) == (404, True)


def test_what_cannot_be_is_a_page_that_says_so(browser: httpx2.Client) -> None:
    for address in ("", "/contracts", "/volume/none/line", "http://[", "//other.example/volume"):
        answer = browser.post("/subscriptions", data={"address": address})
        assert answer.status_code in {404, 422}
        assert "<h1" in answer.text
    other = {"origin": "https://evil.example"}
    data = {"address": "/volume"}
    assert browser.post("/subscriptions", data=data, headers=other).status_code == 403
    with httpx2.Client(base_url=str(browser.base_url), headers=BROWSER) as stranger:
        assert stranger.post("/subscriptions", data=data).status_code in {303, 401}
    assert not [line for line in shown(browser) if line.startswith("Volume Excel")]
