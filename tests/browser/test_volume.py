"""The filters, totals and states of the volume page in a real Chromium: by keyboard, without
scripts, in light, dark, on a phone and on paper.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.test_look import DARK, LIGHT, PHONE
from tests.browser.test_pages import judge
from tests.web.april import LINES, April, april

pytestmark = pytest.mark.browser

SHOWN: Final = (
    "/volume",
    "/volume?account=group&status=over",
    "/volume?account=group&rollup=own&branch=North",
    "/volume?account=twin",
    "/volume?service=Leads&q=nobody",
    "/volume?status=no_allotment&view=table",
    "/volume?q=C-young",
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[April]:
    with april(tmp_path_factory.mktemp("april")) as found:
        yield found


def signed_in(context: BrowserContext, world: April, who: str = "admin") -> Page:
    page = context.new_page()
    email, password = world.credentials(who)
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Volume against allotment")
    return page


@pytest.fixture
def tab(browser: Browser, world: April) -> Iterator[Page]:
    context = browser.new_context(base_url=world.url, **LIGHT)
    yield signed_in(context, world)
    context.close()


@pytest.mark.parametrize("look", [LIGHT, DARK, PHONE], ids=["light", "dark", "phone"])
def test_every_state_keeps_the_budgets(browser: Browser, world: April, look: Any) -> None:
    context = browser.new_context(base_url=world.url, **look)
    said: list[str] = []
    context.on("console", lambda message: said.append(message.text))
    page = signed_in(context, world)
    for url in SHOWN:
        page.goto(url)
        judge(page, look)
    context.close()
    context = browser.new_context(base_url=world.url, **look)
    judge(signed_in(context, world, "lone"), look)
    context.close()
    assert said == []


def test_filters_by_keyboard_alone(tab: Page) -> None:
    tab.wait_for_load_state()
    field = tab.get_by_role("combobox", name="Account")
    to(tab, "account")
    tab.keyboard.type("group europe")
    expect(tab.locator("#account-options option")).to_have_count(1)
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(re.compile(r"account=group-eu"))
    expect(field).to_have_value("group-eu")
    expect(tab.locator("#accounts tbody tr")).to_have_count(2)
    to(tab, "service")
    tab.keyboard.press("L")
    expect(tab).to_have_url(re.compile(r"(?=.*account=group-eu)(?=.*service=Leads)"))
    expect(tab.locator("#accounts tbody tr")).to_have_count(1)
    to(tab, "Account: Group Europe , remove")
    tab.keyboard.press("Enter")
    expect(tab).not_to_have_url(re.compile("account="))
    expect(tab).to_have_url(re.compile("service=Leads"))


def to(page: Page, name: str) -> None:
    """Press Tab until the field of this name, or the link of these words, has the focus."""
    asked = "[document.activeElement.name, document.activeElement.textContent]"
    for _ in range(60):
        page.keyboard.press("Tab")
        if name in [" ".join((word or "").split()) for word in page.evaluate(asked)]:
            return
    raise AssertionError(f"Tab never comes to {name}")


def test_searching_changes_tiles_and_table_and_keeps_the_focus(tab: Page) -> None:
    tab.wait_for_load_state()
    expect(tab.locator(".four")).to_be_visible()
    tab.keyboard.press("/")
    tab.keyboard.type("europe", delay=30)
    expect(tab.locator("#accounts tbody tr")).to_have_count(2)
    expect(tab.get_by_role("searchbox")).to_be_focused()
    expect(tab.locator(".in-force")).to_contain_text("Search: europe")
    expect(tab.locator("#accounts tfoot tr")).to_have_count(2)
    expect(tab.locator(".four")).to_contain_text("of 1")
    chart = tab.locator("usage-chart")
    chart.focus()
    tab.keyboard.press("Home")
    expect(chart.locator(".tip b")).to_have_text("Wed 1 Apr")
    expect(chart.get_by_role("status")).to_have_count(1)


def test_the_eye_leads_to_the_days(tab: Page) -> None:
    tab.locator("#accounts tbody tr", has_text="Leadco").first.get_by_title("Day by day").click()
    expect(tab).to_have_url(re.compile("/volume/C-leadco/leads$"))
    expect(tab.get_by_text("24 April").first).to_be_visible()


def test_how_a_number_came_about_is_one_key_away(tab: Page) -> None:
    how = tab.get_by_role("heading", name="How this is worked out")
    forecast = tab.locator("#accounts tbody tr", has_text="Leadco").first.get_by_text("37,600")
    to(tab, forecast.inner_text())
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(re.compile("/volume/C-leadco/leads#how$"))
    expect(how).to_be_in_viewport()
    tab.goto("/volume?account=group-eu")  # two services of one line each
    expect(tab.locator("#accounts tbody tr")).to_have_count(2)
    words = tab.get_by_role("link", name="How this is worked out")
    to(tab, words.inner_text())
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(re.compile("/volume/C-group-eu/leads#how$"))
    expect(how).to_be_in_viewport()
    for whole in ("", "?account=group&service=Leads"):
        tab.goto(f"/volume{whole}")
        expect(words).to_have_count(0)  # the numbers are of several lines
    tab.goto("/volume?service=Leads&account=leadco&period=last")
    expect(words).to_have_attribute("href", "/volume/C-leadco/leads?period=last#how")


def test_without_scripts_filters_are_forms_and_links(browser: Browser, world: April) -> None:
    context = browser.new_context(base_url=world.url, java_script_enabled=False, **LIGHT)
    page = signed_in(context, world)
    page.get_by_role("combobox", name="Account").fill("Group")
    page.get_by_label("Branch").select_option("North")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#accounts tbody tr")).to_have_count(4)
    page.get_by_role("link", name="This account only").click()
    expect(page.locator("#accounts tbody tr")).to_have_count(2)
    page.get_by_role("link", name="Clear all").click()
    expect(page.locator("#accounts tbody tr")).to_have_count(LINES)
    page.get_by_role("combobox", name="Account").fill("tw")
    page.get_by_role("button", name="Apply").click()
    page.get_by_role("link", name="Twin").last.click()
    expect(page.locator("#accounts tbody tr")).to_have_count(1)
    context.close()


def test_on_paper_the_numbers_and_totals_are_left(tab: Page) -> None:
    tab.goto("/volume?account=group")
    tab.emulate_media(media="print")
    for css in (".filters", ".in-force .icon", "#accounts .chip", ".find"):
        expect(tab.locator(css).first).to_be_hidden()
    for css in (".in-force .chip", ".four", "#accounts tbody", "#accounts tfoot"):
        expect(tab.locator(css)).to_be_visible()
