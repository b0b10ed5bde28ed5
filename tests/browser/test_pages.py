"""The pages of a real, running installation in a real Chromium: from sign-in to the events of a
day, with and without scripts, by keyboard, in light, dark and on a phone.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.test_look import DARK, LIGHT, PHONE
from tests.web.installation import BUSY_DAY, EMAIL, Pages, pages

pytestmark = pytest.mark.browser

LINE: Final = "/volume/C-1/messages"
EVENTS: Final = f"{LINE}/events?day={BUSY_DAY}"
SHOWN: Final = (
    "/volume",
    "/volume?open=C-1%2Fmessages&view=daily",
    "/volume?period=last&service=Stored+documents",
    "/volume?status=over&view=table",
    LINE,
    f"{LINE}?view=table&rollup=own",
    f"{LINE}?on=2026-08-31&order=oldest",
    f"{LINE}?period=12m&forecast=weekday",
    f"{LINE}?interval=hour&period=custom&from=2026-11-17&until=2026-11-18&group=channel",
    "/volume/C-1/contacts",
    "/volume/C-3/messages",
    "/volume/C-4/messages",
    EVENTS,
    "/volume/C-9/none",
    "/accounts/acme/check",
    "/accounts/bolt/check",
)
_TRANSFER_BYTES_MAX: Final = 120 * 1024
_SCRIPT_BYTES_MAX: Final = 25 * 1024


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with pages(tmp_path_factory.mktemp("pages")) as found:
        yield found


@pytest.fixture
def tab(browser: Browser, world: Pages) -> Iterator[Page]:
    context = browser.new_context(base_url=world.url, **LIGHT)
    yield signed_in(context, world)
    context.close()


@pytest.fixture
def plain(browser: Browser, world: Pages) -> Iterator[Page]:
    """Yield a tab without scripts."""
    context = browser.new_context(base_url=world.url, java_script_enabled=False, **LIGHT)
    yield signed_in(context, world)
    context.close()


def signed_in(context: BrowserContext, world: Pages, there: str = "/volume") -> Page:
    page = context.new_page()
    page.goto(there)
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(world.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(re.escape(there)))
    return page


@pytest.mark.parametrize("look", [LIGHT, DARK, PHONE], ids=["light", "dark", "phone"])
def test_every_page_keeps_the_budgets(browser: Browser, world: Pages, look: Any) -> None:
    context = browser.new_context(base_url=world.url, **look)
    said: list[str] = []
    context.on("console", lambda message: said.append(message.text))
    context.on("weberror", lambda error: said.append(str(error.error)))
    page = context.new_page()
    page.goto("/sign-in")
    judge(page, look)
    context.close()
    context = browser.new_context(base_url=world.url, **look)
    context.on("console", lambda message: said.append(message.text))
    page = signed_in(context, world)
    for url in SHOWN:
        page.goto(url)
        judge(page, look)
    context.close()
    assert [one for one in said if "404 (Not Found)" not in one] == []


def judge(page: Page, look: Any) -> None:
    assert page.evaluate("document.querySelectorAll('*').length") <= 3000, page.url
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= look["viewport"]["width"], f"{page.url} scrolls sideways"
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"


@pytest.mark.parametrize("width", [1280, 1440, 390])
def test_tables_are_seen_whole(tab: Page, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 1000})
    for url in ("/volume?open=C-1%2Fmessages", "/volume?sort=status", LINE):
        tab.goto(url)
        hidden = tab.locator(".rows").evaluate_all(
            "all => all.map(e => e.scrollWidth - e.clientWidth)"
        )
        assert max(hidden) == 0, f"{url}: {hidden}"


def test_the_first_load_is_small(browser: Browser, world: Pages) -> None:
    """As Chromium counts what came over the wire."""
    context = browser.new_context(base_url=world.url, **LIGHT)
    page = signed_in(context, world)
    context.clear_cookies(name="theme")
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    types: dict[str, str] = {}
    sizes: dict[str, int] = {}
    devtools.on("Network.responseReceived", lambda e: types.update({e["requestId"]: e["type"]}))
    devtools.on(
        "Network.loadingFinished",
        lambda e: sizes.update({e["requestId"]: e["encodedDataLength"]}),
    )
    page.goto("/volume", wait_until="networkidle")
    assert len(sizes) >= 5
    scripts = sum(sizes[key] for key, kind in types.items() if kind == "Script" and key in sizes)
    assert 0 < scripts <= _SCRIPT_BYTES_MAX, scripts
    assert sum(sizes.values()) <= _TRANSFER_BYTES_MAX, sizes
    context.close()


def test_by_keyboard_from_sign_in_to_the_events_of_a_day(browser: Browser, world: Pages) -> None:
    context = browser.new_context(base_url=world.url, **LIGHT)
    page = context.new_page()
    page.goto("/volume")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type(EMAIL)
    page.keyboard.press("Tab")
    page.keyboard.type(world.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Volume against allotment")
    page.wait_for_load_state()  # scripts come after the words
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("acme")
    expect(page).to_have_url(re.compile("q=acme"))
    walk(page, "Acme Group")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Acme Group")
    walk(page, "Wed 18 Nov")
    expect(page.get_by_role("heading", level=1)).to_have_text("Events of Wed 18 Nov 2026")
    context.close()


def walk(page: Page, name: str) -> None:
    """Press Tab until the link of this name has the focus, then Enter."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == name:
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"Tab never comes to {name}")


def test_the_address_holds_the_state_and_back_restores_it(tab: Page) -> None:
    tab.goto("/volume?service=Messaging")
    tab.get_by_role("link", name="Used", exact=True).click()
    expect(tab).to_have_url(re.compile("sort=used"))
    first = tab.locator("#accounts tbody tr").first.inner_text()
    tab.locator(".chip", has_text="Near").click()
    expect(tab).to_have_url(re.compile(r"(?=.*sort=used)(?=.*status=near)(?=.*service=Messaging)"))
    expect(tab.locator("#accounts tbody tr")).to_have_count(1)
    again = tab.context.new_page()
    again.goto(tab.url)
    assert again.locator("#accounts").inner_text() == tab.locator("#accounts").inner_text()
    again.close()
    tab.go_back()
    expect(tab).not_to_have_url(re.compile("status=near"))
    expect(tab.locator("#accounts tbody tr")).to_have_count(50)
    assert tab.locator("#accounts tbody tr").first.inner_text() == first


def test_a_row_opens_and_closes_in_place(tab: Page) -> None:
    tab.goto("/volume?q=acme")
    toggle = tab.get_by_role("link", name=re.compile("under Acme Group, Messaging"))
    toggle.click()
    expect(tab.get_by_role("link", name="Acme North")).to_be_visible()
    toggle.click()
    expect(tab.get_by_role("link", name="Acme North")).to_have_count(0)


def test_a_choice_applies_at_once(tab: Page) -> None:
    tab.goto(LINE)
    tab.get_by_label("Interval").select_option("Weekly")
    expect(tab).to_have_url(re.compile("interval=week"))
    expect(tab.get_by_role("heading", name="Weekly usage")).to_be_visible()
    tab.get_by_role("button", name="Custom…").click()
    tab.get_by_label("From").fill("2026-11-02")
    tab.get_by_label("Until").fill("2026-11-08")
    tab.get_by_role("button", name="Show").click()
    expect(tab).to_have_url(re.compile("(?=.*interval=week)(?=.*from=2026-11-02)"))
    expect(tab.get_by_text("Chart: 2–8 Nov 2026, Chicago time.")).to_be_visible()


def test_how_a_number_came_about_is_one_click_away(tab: Page) -> None:
    tab.goto(LINE)
    tab.get_by_role("link", name="How this is worked out").click()
    expect(tab.get_by_role("heading", name="How this is worked out")).to_be_in_viewport()


def test_without_scripts_everything_is_links_and_forms(plain: Page) -> None:
    plain.goto("/volume")
    plain.get_by_role("link", name="Next").click()
    expect(plain.get_by_role("status")).to_contain_text("51–55 of 55")
    plain.get_by_role("link", name="Account", exact=True).click()
    expect(plain.locator("th[aria-sort]")).to_contain_text("Account")
    plain.locator(".chip", has_text=re.compile(r"^\s*Over")).click()
    expect(plain.locator("#accounts tbody tr")).to_have_count(1)
    plain.get_by_role("searchbox").fill("nobody")
    plain.get_by_role("searchbox").press("Enter")
    plain.get_by_role("link", name="Clear the filters").click()
    plain.get_by_role("searchbox").fill("acme")
    plain.get_by_role("searchbox").press("Enter")
    plain.get_by_role("link", name=re.compile("under Acme Group, Messaging")).click()
    expect(plain.get_by_role("link", name="Acme North")).to_be_visible()
    plain.locator("select[name=service]").select_option("Active contacts")
    plain.get_by_role("button", name="Apply").click()
    expect(plain.get_by_text("Active contacts, used so far")).to_be_visible()
    plain.locator("#accounts").get_by_role("link", name="Acme Group", exact=True).last.click()
    plain.get_by_role("link", name="Wed 18 Nov").click()
    plain.get_by_role("link", name="Next").click()
    expect(plain.get_by_role("link", name="Previous")).to_be_visible()
    plain.get_by_role("link", name="Volume").first.click()
    plain.get_by_role("button", name="Sign out").first.click()
    expect(plain.get_by_role("button", name="Sign in")).to_be_visible()
    plain.goto("/volume")
    expect(plain).to_have_url(re.compile("/sign-in"))


def test_without_scripts_a_wrong_password_is_told(browser: Browser, world: Pages) -> None:
    context = browser.new_context(base_url=world.url, java_script_enabled=False, **PHONE)
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill("nobody@example.com")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    context.close()
