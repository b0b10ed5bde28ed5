"""The pages of contracts in a real Chromium: budgets in three looks, a change from the list to the
timeline, a statement closed without scripts, and what goes on paper.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_look import DARK, LIGHT, PHONE
from tests.browser.test_pages import judge
from tests.web.agreed import ADMIN, RICH, Agreed, agreed

pytestmark = pytest.mark.browser

SHOWN: Final = ("/contracts", f"/contracts/{RICH}", f"/statements/{RICH}?period=2026-10-01")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agreed]:
    with agreed(tmp_path_factory.mktemp("agreed")) as found:
        yield found


def signed_in(browser: Browser, world: Agreed, **look: Any) -> Page:
    page = browser.new_context(base_url=world.url, **look).new_page()
    page.goto("/contracts")
    page.get_by_label("E-mail").fill(ADMIN)
    page.get_by_label("Password").fill(world.passwords["admin"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Contracts")
    return page


@pytest.mark.parametrize("look", [LIGHT, DARK, PHONE], ids=["light", "dark", "phone"])
def test_pages_keep_the_budgets(browser: Browser, world: Agreed, look: Any) -> None:
    page = signed_in(browser, world, **look)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for url in SHOWN:
        page.goto(url)
        for one in page.locator("details:not(.menu)").all():
            one.evaluate("e => { e.open = true; }")
        judge(page, look)
        hidden = page.locator(".rows").evaluate_all(
            "all => all.map(e => e.scrollWidth - e.clientWidth)"
        )
        assert not any(hidden), (url, hidden)
    assert said == []
    page.context.close()


def test_a_change_from_the_list_to_the_timeline(browser: Browser, world: Agreed) -> None:
    page = signed_in(browser, world, **LIGHT)
    page.locator(".chip", has_text="Ending soon").click()
    expect(page).to_have_url(re.compile("status=ending"))
    page.get_by_role("link", name=RICH, exact=True).click()
    page.get_by_role("link", name="Edit").click()
    page.locator("[name='base_charges.0.amount']").fill("much")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("alert")).to_contain_text("1 thing is not right yet")
    page.get_by_role("alert").get_by_role("link").click()
    field = page.locator("[name='base_charges.0.amount']")
    expect(field).to_be_in_viewport()
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("1600")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview")).to_contain_text("1600")
    page.get_by_label("Reason").fill("Amendment 2")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("heading", name=re.compile("Master agreement"))).to_be_visible()
    newest = page.locator(".versions > li").first
    expect(newest).to_contain_text("Amendment 2")
    newest.get_by_text("1 change").click()
    expect(newest.locator("ins")).to_have_text("1600")
    page.context.close()


def test_a_statement_is_closed_without_scripts(browser: Browser, world: Agreed) -> None:
    page = signed_in(browser, world, java_script_enabled=False, **LIGHT)
    page.goto(f"/contracts/{RICH}/statements")
    page.get_by_role("link", name="1–31 Jan 2026").click()
    page.get_by_text("Close…").click()
    page.get_by_role("button", name="Close it for good").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Closed")
    page.locator(".how summary").first.click()
    expect(page.get_by_role("link", name="Its days and events").first).to_be_visible()
    page.context.close()


def test_paper_holds_the_charges_and_nothing_to_press(browser: Browser, world: Agreed) -> None:
    page = signed_in(browser, world, **LIGHT)
    page.emulate_media(media="print")
    page.goto(f"/statements/{RICH}?period=2026-10-01")
    expect(page.locator("header.side")).to_be_hidden()
    expect(page.locator(".closing")).to_be_hidden()
    expect(page.get_by_role("row", name=re.compile(r"^Total"))).to_be_visible()
    mark = page.locator("html").evaluate("e => getComputedStyle(e).getPropertyValue('--sheet')")
    assert mark == f'"{RICH} · 1–31 Oct 2026 · open"'
    pages = re.findall(rb"/Type\s*/Page[^s]", page.pdf(prefer_css_page_size=True))
    assert len(pages) == 1
    page.context.close()
