"""The pages with sample values in a real Chromium: budgets, accessibility, keyboard, policy."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, Route, expect

from tests.browser.gallery import server, write
from tests.web.all_samples import LOOKED

pytestmark = pytest.mark.browser

LIGHT: dict[str, Any] = {"viewport": {"width": 1440, "height": 1000}, "color_scheme": "light"}
DARK = {**LIGHT, "color_scheme": "dark"}
PHONE = {**LIGHT, "viewport": {"width": 390, "height": 844}}
#: How wide a sheet of A4 is inside its margins.
_PAPER_PX = 688
_PRESSED = "nav:not(.in-force), button, input, select, textarea, summary.button, .onward"
#: What is wider than the sheet, and what runs out of its own box in a table.
_CUT = """() => [...document.querySelectorAll('main, .card, .rows, td > *, th > *')]
  .filter(e => e.getClientRects().length && !e.classList.contains('hidden-text'))
  .filter(e => e.getBoundingClientRect().right > innerWidth || e.scrollWidth > e.clientWidth + 1)
  .filter(e => getComputedStyle(e).display != 'inline').map(e => e.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("gallery")
    write(folder)
    with server(folder) as serving:
        Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


@pytest.fixture
def tab(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(base_url=address, **LIGHT)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("look", [LIGHT, DARK, PHONE], ids=["light", "dark", "phone"])
def test_every_page_keeps_the_budgets(browser: Browser, address: str, look: Any) -> None:
    context = browser.new_context(base_url=address, **look)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    for name in LOOKED:
        page.goto(f"/{name}.html")
        assert page.evaluate("document.querySelectorAll('*').length") <= 3000, name
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= look["viewport"]["width"], f"{name} scrolls sideways"
        found = Axe().run(page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        assert not said, name
    context.close()


def test_what_opens_on_a_phone_stays_on_it(browser: Browser, address: str) -> None:
    context = browser.new_context(base_url=address, **PHONE)
    page = context.new_page()
    opened = 0
    for name in LOOKED:
        page.goto(f"/{name}.html")
        for one in page.locator("details.drop").all():
            one.evaluate("element => { element.open = true; }")
            box = one.locator(":scope > :not(summary)").bounding_box()
            one.evaluate("element => { element.open = false; }")
            assert box, name
            right = box["x"] + box["width"]
            assert 0 <= box["x"] < right <= PHONE["viewport"]["width"], name
            opened += 1
    assert opened >= 5
    context.close()


def test_first_load_is_small(tab: Page) -> None:
    """As sent: text compressed, the font as it is."""
    finished: list[Request] = []

    def note(request: Request) -> None:
        finished.append(request)

    tab.on("requestfinished", note)
    tab.goto("/volume.html", wait_until="networkidle")
    sizes: dict[str, int] = {}
    for request in finished:
        response = request.response()
        assert response
        body = response.body()
        sizes[request.url] = len(body if "woff2" in request.url else gzip.compress(body))
    assert len(sizes) >= 5
    assert sum(sizes.values()) <= 120_000, sizes


def test_the_chart_answers_the_keyboard(tab: Page) -> None:
    tab.goto("/account.html")
    chart = tab.locator("usage-chart")
    chart.focus()
    tab.keyboard.press("Home")
    expect(chart.locator(".tip b")).to_have_text("Sun 1 Nov")
    tab.keyboard.press("ArrowRight")
    expect(chart.get_by_role("status")).to_contain_text("Mon 2 Nov, Used 22,753")
    tab.keyboard.press("End")
    expect(chart.locator(".tip")).to_contain_text("80% range")
    tab.keyboard.press("Escape")
    expect(chart.locator(".tip")).to_have_count(0)
    tab.keyboard.press("Tab")
    expect(chart).not_to_be_focused()


@pytest.mark.parametrize("width", [1440, 390])
def test_the_tooltip_stays_off_the_known_line(tab: Page, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 1000})
    tab.goto("/account.html")
    covered = tab.evaluate(
        """() => {
          const chart = document.querySelector('usage-chart');
          return chart.readings.map((_, index) => {
            chart.show(index);
            const tip = chart.tip.getBoundingClientRect();
            const dot = chart.mark.lastChild.getBoundingClientRect();
            const [x, y] = [dot.left + dot.width / 2, dot.top + dot.height / 2];
            return x > tip.left && x < tip.right && y > tip.top && y < tip.bottom;
          });
        }"""
    )
    assert not any(covered), covered


def test_the_pointer_reads_the_nearest_day(tab: Page) -> None:
    tab.goto("/account.html")
    box = tab.locator("usage-chart").bounding_box()
    assert box
    tab.mouse.move(box["x"] + box["width"] * 0.52, box["y"] + 100)
    expect(tab.locator(".tip b")).to_have_text("Mon 16 Nov")


def test_shortcuts(tab: Page) -> None:
    tab.goto("/volume.html")
    tab.keyboard.press("?")
    expect(tab.get_by_role("dialog")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("dialog")).to_be_hidden()
    tab.keyboard.press("/")
    expect(tab.get_by_role("searchbox")).to_be_focused()
    tab.keyboard.type("g?/a")
    expect(tab.get_by_role("searchbox")).to_have_value("g?/a")


def test_g_and_a_letter_goes(tab: Page) -> None:
    tab.goto("/volume.html")
    tab.keyboard.press("g")
    with tab.expect_navigation(url="**/accounts"):
        tab.keyboard.press("a")


def test_the_theme_is_kept(tab: Page) -> None:
    tab.goto("/volume.html")
    tab.get_by_role("button", name="Theme: Dark").first.click()
    expect(tab.locator("html")).to_have_attribute("data-theme", "dark")
    assert [c["value"] for c in tab.context.cookies() if c["name"] == "theme"] == ["dark"]


def test_sorting_replaces_only_the_table(tab: Page) -> None:
    tab.goto("/volume.html")
    tab.evaluate("document.querySelector('h1').id = 'kept'")
    link = tab.locator("thead a", has_text="Used")
    link.evaluate("a => a.setAttribute('hx-get', '/volume.html?sort=used')")
    with tab.expect_response("**/volume.html?sort=used"):
        link.click()
    expect(tab).to_have_url(re.compile(r"/volume\.html\?sort=used$"))
    expect(tab.locator("#kept")).to_be_visible()


def test_a_slow_answer_is_seen_to_be_awaited(tab: Page) -> None:
    tab.goto("/volume.html")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    tab.route("**/volume.html?slow", hold)
    link = tab.locator("thead a", has_text="Used")
    link.evaluate("a => a.setAttribute('hx-get', '/volume.html?slow')")
    link.click()
    expect(tab.locator("body")).to_have_attribute("aria-busy", "true")
    held[0].continue_()
    expect(tab.locator("body")).not_to_have_attribute("aria-busy", "true")


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("name", ["volume", "account", "account-table", "events"])
def test_every_cell_stands_under_its_heading(tab: Page, name: str, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 1000})
    tab.goto(f"/{name}.html")
    counts = tab.locator("tr").evaluate_all(
        "rows => rows.map(r => [...r.cells].filter(c => c.getClientRects().length).length)"
    )
    tables = tab.locator("table").count()
    assert len(counts) > 10
    assert len(set(counts)) <= tables, counts


@pytest.mark.parametrize("width", [1280, 1281, 1440, 1920, 390])
@pytest.mark.parametrize("name", ["volume", "account", "cases"])
def test_tables_are_seen_whole(tab: Page, name: str, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 1000})
    tab.goto(f"/{name}.html")
    hidden = tab.locator(".rows").evaluate_all("all => all.map(e => e.scrollWidth - e.clientWidth)")
    assert hidden
    assert max(hidden) == 0, hidden


def test_cards_beside_each_other_begin_on_one_line(tab: Page) -> None:
    tab.goto("/account.html")
    for pair in tab.locator(".pair").all():
        tops = pair.locator(".card > header h2").evaluate_all(
            "all => all.map(e => e.getBoundingClientRect().top)"
        )
        assert tops[1] == pytest.approx(tops[0], abs=1), tops


def test_a_short_table_ends_with_its_card_beside_a_tall_one(tab: Page) -> None:
    tab.goto("/account.html")
    tab.locator(".stack").evaluate("e => { e.style.minHeight = '1600px'; }")
    under = tab.locator(".rows.tall").last.evaluate(
        "e => e.getBoundingClientRect().bottom - e.firstElementChild.getBoundingClientRect().bottom"
    )
    assert under < 2, f"{under} px of nothing"


def test_navigation_is_reachable_on_a_phone(browser: Browser, address: str) -> None:
    context = browser.new_context(base_url=address, java_script_enabled=False, **PHONE)
    page = context.new_page()
    page.goto("/volume.html")
    expect(page.get_by_role("link", name="Usage reports")).to_be_hidden()
    page.get_by_label("Menu").first.click()
    expect(page.get_by_role("link", name="Usage reports")).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    context.close()


def test_without_script_everything_is_there(browser: Browser, address: str) -> None:
    context = browser.new_context(base_url=address, java_script_enabled=False, **LIGHT)
    page = context.new_page()
    page.goto("/account.html")
    expect(page.get_by_role("img", name="Usage and forecast")).to_be_visible()
    expect(page.get_by_role("button", name="Apply")).to_be_visible()
    page.get_by_role("button", name="Custom…").click()
    expect(page.get_by_label("From")).to_be_visible()
    context.close()


def test_on_paper_nothing_is_cut_and_nothing_is_there_to_press(tab: Page) -> None:
    tab.set_viewport_size({"width": _PAPER_PX, "height": 1000})
    tab.emulate_media(media="print")
    for name in LOOKED:
        if name.startswith(("signin", "edit")):
            continue  # a form and nothing else
        tab.goto(f"/{name}.html")
        pressed = tab.locator(_PRESSED).filter(visible=True)
        assert pressed.count() == 0, f"{name}: {pressed.first.evaluate('e => e.outerHTML')}"
        assert tab.evaluate(_CUT) == [], name
        sheet = tab.locator("html").evaluate("e => getComputedStyle(e).getPropertyValue('--sheet')")
        assert sheet.startswith('"'), f"{name} does not say on each sheet what it is of"


def test_nothing_is_cut_on_paper(tab: Page) -> None:
    tab.emulate_media(media="print")
    tab.goto("/account.html")
    expect(tab.get_by_label("Filters")).to_be_hidden()
    expect(tab.locator("header.side")).to_be_hidden()
    rows = tab.locator(".rows.tall").last
    assert rows.evaluate("e => e.scrollHeight <= e.clientHeight + 1")
