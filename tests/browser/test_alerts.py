"""Alerts in a real Chromium: by keyboard alone from the catalogue to a mail that was delivered,
with and without scripts, and the pages within their budgets.
"""

import re
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.test_asking import go, tab, to, with_and_without_scripts
from tests.browser.test_look import DARK, LIGHT, PHONE
from tests.browser.test_pages import judge
from tests.outlets.peers import Mailbox, post_office
from tests.web.installation import Pages, pages
from tests.web.test_case_pages import sign_in

pytestmark = pytest.mark.browser

PASSWORD: Final = "correct horse battery"
FAY: Final = "fay@example.com"
ADA: Final = "ada@example.com"
OVER: Final = "/alerts/overage.started"


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with post_office() as found:
        yield found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox) -> Iterator[Pages]:
    smtp = f"smtp://127.0.0.1:{mailbox.port}"
    with pages(tmp_path_factory.mktemp("alerts"), smtp_url=smtp) as found:
        found.client.put(f"/users/{FAY}", role="finance", password=PASSWORD)
        found.client.put(f"/users/{ADA}", role="admin", password=PASSWORD)
        yield found


def until_sent(world: Pages) -> None:
    """Wait until no delivery waits: they are sent beside what is asked."""
    ends = time.monotonic() + 20
    while world.client.call("GET", "/deliveries", status="queued").json["totals"]["count"]:
        assert time.monotonic() < ends
        time.sleep(0.05)


@with_and_without_scripts
def test_from_the_catalogue_to_a_delivered_mail(
    browser: Browser, world: Pages, mailbox: Mailbox, *, scripts: bool
) -> None:
    before, name = len(mailbox.got), f"Overage, scripts {scripts}"
    with tab(browser, world, FAY, "/alerts", java_script_enabled=scripts) as page:
        go(page, page.get_by_role("link", name="Overage has begun"), "Overage has begun")
        expect(page.get_by_role("region", name="What it would find now, table")).to_be_visible()
        to(page, page.get_by_label("Name"))
        page.keyboard.type(name)
        go(page, page.get_by_role("button", name="Subscribe"), name)
        expect(page.get_by_role("status")).to_contain_text("Subscribed.")
        go(page, page.get_by_role("button", name="Run now"), name, "Space")
        expect(page.get_by_role("status")).to_contain_text("told in 1 message")
        until_sent(world)
        assert len(mailbox.got) == before + 1
        assert mailbox.got[-1].to == (FAY,)
        go(page, page.get_by_role("main").get_by_role("link", name="Outbox"), "Outbox")
        row = page.get_by_role("row").filter(has_text=name)
        expect(row).to_contain_text("Sent")
        go(page, row.get_by_role("link"), rf"{name}.*\s+Sent")
        mail = page.frame_locator("iframe")
        expect(mail.get_by_text("C-1/messages").first).to_be_visible()
        about = page.get_by_role("link", name="What it is about")
        go(page, about, r"Overage has begun: C-1/messages\s+Open")
        to(page, page.get_by_label("Note"))
        page.keyboard.type("called them")
        go(page, page.get_by_role("button", name="Acknowledge"), r"Acknowledged\s*$", "Space")
        expect(page.get_by_text("called them")).to_be_visible()
        inbox = page.get_by_label("Breadcrumb").get_by_role("link", name="Findings")
        go(page, inbox, "Findings")
        finding = page.get_by_role("row").filter(has_text="Acknowledged")
        to(page, finding.get_by_role("checkbox").first)
        page.keyboard.press("Space")
        go(page, page.get_by_role("button", name="Resolve"), "Findings", "Space")


@with_and_without_scripts
def test_a_subscription_is_looked_after_by_keyboard(
    browser: Browser, world: Pages, mailbox: Mailbox, *, scripts: bool
) -> None:
    before, name = len(mailbox.got), f"Looked after, scripts {scripts}"
    with closing(sign_in(world, ADA, PASSWORD)) as client:
        asked = {"name": name, "preset": "daily", "to": FAY}
        path = client.post(OVER, data=asked).headers["location"].partition("?")[0]
    with tab(browser, world, ADA, path, java_script_enabled=scripts) as page:
        told = page.get_by_role("status")
        to(page, page.get_by_label("Contract"))
        page.keyboard.type("C-1")
        to(page, page.get_by_label("Note"))
        page.keyboard.type("by agreement")
        go(page, page.get_by_role("button", name="Leave out"), name, "Space")
        out = page.get_by_role("region", name="Left out, table")
        expect(out).to_contain_text("by agreement")
        go(page, page.get_by_role("button", name="Preview"), name)
        expect(told).to_contain_text("nothing new")
        go(page, page.get_by_role("button", name="Mention C-1 again"), name)
        expect(out).to_have_count(0)
        to(page, page.locator("summary", has_text="Snooze"))
        page.keyboard.press("Enter")
        until = page.get_by_label("Silent until")
        to(page, until)
        until.fill(str(until.get_attribute("min")))
        page.keyboard.press("Enter")
        expect(told).to_contain_text("Snoozed")
        go(page, page.get_by_role("button", name="End the snooze"), name)
        expect(told).to_have_count(0)
        to(page, page.locator("summary", has_text="Change values"))
        page.keyboard.press("Space")
        to(page, page.locator("summary", has_text="Subject, digest"))
        page.keyboard.press("Space")
        to(page, page.get_by_label("Subject"))
        page.keyboard.type("Whose allotment is used up")
        go(page, page.get_by_role("button", name="Save"), name)
        expect(page.get_by_role("definition").filter(has_text="used up")).to_be_visible()
        go(page, page.get_by_role("button", name="Send a test"), name)
        expect(told).to_contain_text("told in 1 message")
        until_sent(world)
        assert [mail.to for mail in mailbox.got[before:]] == [(ADA,)]
        go(page, page.get_by_role("main").get_by_role("link", name="Outbox"), "Outbox")
        row = page.get_by_role("row").filter(has_text="[Test] Whose allotment is used up").first
        expect(row).to_contain_text("Sent")


@pytest.mark.parametrize("look", [LIGHT, DARK, PHONE], ids=["light", "dark", "phone"])
def test_the_pages_keep_the_budgets(browser: Browser, world: Pages, look: Any) -> None:
    asked = {"check": "allotment.threshold", "recipients": {"to": [FAY]}}
    made = world.client.call("POST", "/subscriptions", asked).json
    assert world.client.call("POST", f"/subscriptions/{made['id']}/runs").status == 200
    found = world.client.call("GET", "/findings").json["items"][0]["id"]
    sent = world.client.call("GET", "/deliveries").json["items"][0]["id"]
    with tab(browser, world, FAY, "/alerts", **look) as page:
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        for path in (
            "/alerts",
            OVER,
            "/alerts/contract.base_vs_coverage",
            "/findings",
            f"/findings/{found}",
            "/alerts/subscriptions",
            f"/alerts/subscriptions/{made['id']}",
            "/outbox",
            f"/outbox/{sent}",
        ):
            page.goto(path)
            expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"\w"))
            judge(page, look)
        assert said == []
