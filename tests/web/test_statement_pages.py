"""The pages of statements as the real application answers them: numbers, closing, adjustments."""

from collections.abc import Iterator

import httpx2
import pytest
from selectolax.lexbor import LexborHTMLParser as Html

from tests.serving import event
from tests.web.agreed import RICH, Agreed, agreed
from tests.web.test_contract_editor import said
from tests.web.test_pages import get

PAGE = f"/statements/{RICH}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agreed]:
    with agreed(tmp_path_factory.mktemp("statements")) as found:
        yield found


@pytest.fixture(scope="module")
def browser(world: Agreed) -> Iterator[httpx2.Client]:
    with world.browser() as client:
        yield client


def charges(page: Html) -> str:
    return said(page, ".charges > tbody")


def test_a_statement_shows_the_numbers_of_the_api(world: Agreed, browser: httpx2.Client) -> None:
    page = get(browser, f"{PAGE}?period=2026-10-15")
    asked = world.client.call("GET", f"/statements/{RICH}", period="2026-10-15").json
    shown = charges(page)
    for group in ("lines", "base_charges", "discounts", "commitments"):
        for one in asked[group]:
            amount = f"${one['amount']}".replace("$-", "−$")
            assert amount.replace("1500", "1,500") in shown, one["code"]
    assert f"Total ${float(asked['total']):,.2f}" in shown
    assert said(page, "h1").startswith("Statement 1–31 Oct 2026 Open")
    assert asked["sha256"] in str(page.css_first("code[title]").attributes["title"])  # type: ignore[union-attr] # it is there


def test_each_amount_says_how_it_came_about(browser: httpx2.Client) -> None:
    page = get(browser, f"{PAGE}?period=2026-10-15")
    how = said(page, ".how")
    assert "1,332 messages by messages of acme, 1–31 Oct 2026." in how
    assert "1,000 messages included in 1–31 Oct 2026; 1,332 used up to the period's end." in how
    assert "Each 332 messages $0.0125 $4.15" in how
    assert "$11.625 rounded once to $11.63." in how
    assert "Charged on the statement that holds 2026-12-31." in how
    links = [str(a.attributes["href"]) for a in page.css(".how a")]
    assert browser.get(links[0]).status_code == 200
    assert "from=2026-10-01&until=2026-10-31" in links[0]


def test_periods_lead_to_their_neighbours(browser: httpx2.Client) -> None:
    page = get(browser, PAGE)
    assert "1–30 Nov 2026" in said(page, "h1")
    assert page.css_first("a[rel=next]") is None
    before = page.css_first("a[rel=prev]")
    assert before is not None
    again = get(browser, str(before.attributes["href"]))
    after = again.css_first("a[rel=next]")
    assert after is not None
    assert str(after.attributes["href"]) == f"{PAGE}?period=2026-11-01"
    first = get(browser, f"{PAGE}?period=2026-01-01")
    assert first.css_first("a[rel=prev]") is None
    listed = get(browser, f"/contracts/{RICH}/statements").css("#statements tbody th a")
    assert len(listed) == 11


def test_an_open_period_cannot_be_closed_yet(browser: httpx2.Client) -> None:
    page = get(browser, PAGE)
    assert "Still running: it can be closed from 1 Dec 2026 on." in said(page, "main")
    assert page.css_first(".closing") is None
    answer = browser.post(f"{PAGE}/close", data={"period": "2026-11-01"})
    assert answer.status_code == 409
    assert Html(answer.text).css_first("[role=alert], .say") is not None


def test_closing_freezes_and_what_comes_late_is_adjusted(
    world: Agreed, browser: httpx2.Client
) -> None:
    path = f"{PAGE}?period=2026-09-01"
    form = get(browser, path).css_first(".closing form")
    assert form is not None
    answer = browser.post(str(form.attributes["action"]), data={"period": "2026-09-01"})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    closed = get(browser, path)
    assert "Closed" in said(closed, "h1")
    assert "by ada.admin@example.com." in said(closed, ".say")
    assert closed.css_first(".closing") is None
    late = event("late", type="call", subject="acme", time="2026-09-03T12:00:00Z",
                 data={"min": "4000"})  # fmt: skip
    world.client.send([late])
    world.client.until_visible()
    assert charges(get(browser, path)) == charges(closed)
    after = get(browser, f"{PAGE}?period=2026-10-01")
    assert "Adjustments of closed statements minutes, 1–30 Sep 2026" in charges(after)
    assert "The statement of 1–30 Sep 2026, closed on 22 Nov 2026, never changes." in said(
        after, ".how"
    )


def test_who_may_not_see_amounts_sees_use(world: Agreed) -> None:
    with world.browser("analyst") as analyst:
        page = get(analyst, f"{PAGE}?period=2026-10-15")
        assert "$" not in said(page, "main")
        assert said(page, "main").count("Amounts are not shown to your role.") == 1
        assert "1,332 messages" in charges(page)
        assert page.css_first(".closing") is None
        assert "$" not in said(get(analyst, f"/contracts/{RICH}/statements"), "main")
        answer = analyst.post(f"{PAGE}/close", data={"period": "2026-08-01"})
        assert answer.status_code == 403


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{PAGE}?period=2019-01-01", 404),
        (f"{PAGE}?period=soon", 422),
        (f"{PAGE}?period=2999-01-01", 422),
        ("/statements/none", 404),
        ("/contracts/none/statements", 404),
    ],
)
def test_bad_addresses_say_so(browser: httpx2.Client, path: str, status: int) -> None:
    answer = browser.get(path)
    assert answer.status_code == status
    assert "<h1>" in answer.text
