"""What people write and order from the pages of volume, in a real Chromium: a case from a line to
its end and a subscription from Subscribe to its removal, by keyboard, with and without scripts.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.test_look import DARK, LIGHT, PHONE
from tests.browser.test_pages import judge
from tests.web.installation import Pages, pages

pytestmark = pytest.mark.browser

LINE: Final = "/volume/C-1/messages"
PASSWORD: Final = "correct horse battery"
CUSTOMER: Final = "viewer@acme.example"
CSM: Final = "nadia@example.com"
PEOPLE: Final = {CUSTOMER: ("customer_viewer", "acme"), CSM: ("csm", None)}
#: What has the focus: whether it is seen to have it, and what it is for who reads a failure.
_FOCUS: Final = """() => {
  const e = document.activeElement, box = e.getBoundingClientRect(), ring = getComputedStyle(e);
  const inView = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0;
  const isSeen = e.matches(':focus-visible') && ring.outlineStyle != 'none' &&
    parseFloat(ring.outlineWidth) >= 2;
  return [e === document.body || (inView && isSeen), e.outerHTML.slice(0, 200)];
}"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with pages(tmp_path_factory.mktemp("asking")) as found:
        for email, (role, account) in PEOPLE.items():
            found.client.put(f"/users/{email}", role=role, account=account, password=PASSWORD)
        yield found


@contextmanager
def tab(browser: Browser, world: Pages, who: str, path: str, **look: Any) -> Iterator[Page]:
    """Yield a tab of somebody who signed in by keyboard on the way to a page."""
    context = browser.new_context(base_url=world.url, **{**LIGHT, **look})
    page = context.new_page()
    page.goto(path)
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type(who)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"{path}$"))
    yield page
    context.close()


def to(page: Page, target: Locator, key: str = "Tab") -> None:
    """Press Tab until the target has the focus; at each stop on the way the focus is seen."""
    expect(target).to_have_count(1)
    for _ in range(80):
        page.keyboard.press(key)
        is_seen, what = page.evaluate(_FOCUS)
        assert is_seen, f"on {page.url} nobody sees the focus on {what}"
        if target.evaluate("e => e === document.activeElement"):
            return
    raise AssertionError(f"on {page.url} {key} never comes to {target}")


def go(page: Page, target: Locator, heading: str, key: str = "Enter") -> None:
    """Press Tab until the target has the focus, then the key, which leads to this heading."""
    to(page, target)
    page.keyboard.press(key)
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(heading))


def told(world: Pages) -> list[list[str]]:
    """Return who is written to, the newest first."""
    return [one["recipients"] for one in world.client.call("GET", "/deliveries").json["items"]]


with_and_without_scripts = pytest.mark.parametrize("scripts", [True, False], ids=["", "plain"])


@with_and_without_scripts
def test_a_case_from_a_line_to_its_end(browser: Browser, world: Pages, *, scripts: bool) -> None:
    text = f"We count fewer, scripts {scripts}."
    before = told(world)
    with tab(browser, world, CUSTOMER, "/volume", java_script_enabled=scripts) as page:
        lines = page.get_by_role("region", name="Contract lines, table")
        go(page, lines.get_by_role("link", name="Messaging", exact=True), "Acme Group")
        go(page, page.get_by_role("link", name="Contact your CSM"), "Contact your CSM")
        to(page, page.get_by_role("radio", name="I have a question"))
        page.keyboard.press("ArrowDown")  # as in every group of radio buttons
        to(page, page.get_by_role("textbox", name="Message"))
        page.keyboard.type(text)
        send = page.get_by_role("button", name="Record this case")
        go(page, send, r"Numbers look wrong: Messaging, Acme Group\s+Open")
        case = page.url
        expect(page.get_by_text(text)).to_be_visible()
        expect(page.get_by_text("recorded, not sent by mail yet")).to_be_visible()
    assert told(world) == [[CSM], *before]

    with tab(browser, world, CSM, "/cases", java_script_enabled=scripts) as page:
        row = page.get_by_role("row").filter(has_text=text)
        go(page, row.get_by_role("link", name="Numbers look wrong"), r"Open\s*$")
        assert page.url == case
        to(page, page.get_by_role("textbox", name="Message"))
        page.keyboard.type("So it is.")
        go(page, page.get_by_role("button", name="Record the answer"), r"Answered\s*$", "Space")
        go(page, page.get_by_role("button", name="Close this case"), r"Closed\s*$", "Space")
        expect(page.get_by_role("textbox")).to_have_count(0)
    assert told(world) == [[CUSTOMER], [CSM], *before]


@with_and_without_scripts
def test_a_subscription_is_made_and_removed(browser: Browser, world: Pages, scripts: bool) -> None:
    with tab(browser, world, CSM, "/volume", java_script_enabled=scripts) as page:
        go(page, page.get_by_role("link", name=re.compile(r"^Over \d+$")), "Volume")
        expect(page).to_have_url(re.compile("status=over"))
        to(page, page.locator("summary", has_text="Export"))
        page.keyboard.press("Enter")
        for kind in ("CSV", "Excel", "Parquet"):
            to(page, page.get_by_role("link", name=kind, exact=True))
        go(page, page.get_by_role("button", name="Subscribe"), "Subscriptions")
        expect(page.get_by_role("status")).to_contain_text("Saved.")
        name = "Volume, status over"
        to(page, page.get_by_role("link", name=name, exact=True))
        remove = page.locator("summary", has_text=f"Remove {name}")
        to(page, remove)
        sure = page.get_by_role("button", name="Remove for good")
        expect(sure).to_be_hidden()
        page.keyboard.press("Space")
        expect(page.get_by_text("It is gone for good; to pause it, turn it off.")).to_be_visible()
        to(page, sure)
        to(page, remove, "Shift+Tab")  # who has doubts goes back
        page.keyboard.press("Enter")
        expect(sure).to_be_hidden()
        page.keyboard.press("Enter")
        to(page, sure)
        page.keyboard.press("Enter")
        expect(page.get_by_text("Nothing yet.")).to_be_visible()
        go(page, page.locator("p").get_by_role("link", name="Volume"), "Volume")


@pytest.mark.parametrize("look", [LIGHT, DARK, PHONE], ids=["light", "dark", "phone"])
def test_they_keep_the_budgets(browser: Browser, world: Pages, look: Any) -> None:
    asked = {"contract": "C-1", "line": "messages", "kind": "question", "text": "Why? " * 400}
    case = world.client.call("POST", "/cases", asked).json
    with tab(browser, world, CSM, "/volume", **look) as page:
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.get_by_role("button", name="Subscribe").click()
        expect(page.get_by_role("status")).to_contain_text("Saved.")
        for path in ("/subscriptions", "/cases", f"/cases/{case['id']}", f"{LINE}/contact"):
            page.goto(path)
            for one in page.locator("main details").all():
                one.locator("summary").click()
                judge(page, look)
            judge(page, look)
        page.get_by_role("textbox", name="Message").fill(" ")
        page.get_by_role("button", name="Record this case").click()
        expect(page.get_by_role("alert")).to_contain_text("Write what")
        judge(page, look)
        assert [one for one in said if "422" not in one] == []
