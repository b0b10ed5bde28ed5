"""The pages of alerts as a browser gets them: from the catalogue to a finding that is dealt with
and the mail that told of it, and what each role sees of them.
"""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from selectolax.lexbor import LexborHTMLParser as Html

from tests.web.installation import EMAIL, Pages, pages
from tests.web.test_case_pages import form_of, sign_in
from tests.web.test_pages import get, rows, text, words

PASSWORD = "correct horse battery"
OVER = "/alerts/overage.started"
PEOPLE = {
    "viewer@acme.example": ("customer_viewer", "acme"),
    "boss@acme.example": ("customer_admin", "acme"),
    "anna@example.com": ("analyst", None),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with pages(tmp_path_factory.mktemp("alerts")) as found:
        for email, (role, account) in PEOPLE.items():
            found.client.put(f"/users/{email}", role=role, account=account, password=PASSWORD)
        yield found


@pytest.fixture(scope="module")
def browsers(world: Pages) -> Iterator[dict[str, httpx2.Client]]:
    made = {email: sign_in(world, email, PASSWORD) for email in PEOPLE}
    made["admin"] = sign_in(world, EMAIL, world.password)
    yield made
    for client in made.values():
        client.close()


@pytest.fixture(scope="module")
def admin(browsers: dict[str, httpx2.Client]) -> httpx2.Client:
    return browsers["admin"]


@pytest.fixture(scope="module")
def subscription(admin: httpx2.Client) -> str:
    """Return the page of a subscription that has run once, as has another to another check."""
    others = "/alerts/allotment.threshold"
    path = admin.post(others, data=form_of(get(admin, others)) | {"preset": "daily"}).headers[
        "location"
    ]
    assert admin.post(path.partition("?")[0], data={"do": "run"}).status_code == 200
    sent = {**form_of(get(admin, OVER)), "name": "Over", "preset": "daily"}
    made = admin.post(OVER, data=sent)
    assert made.status_code == 303, text(Html(made.text))
    path = made.headers["location"].partition("?")[0]
    done = admin.post(path, data={"do": "run"})
    assert done.status_code == 200
    assert "told in 1 message" in text(Html(done.text))
    return str(path)


def node(page: Html, css: str) -> Any:
    """Return the one element that is meant."""
    (found,) = page.css(css)
    return found


def test_the_catalogue_lists_all_checks_and_finds_them(admin: httpx2.Client) -> None:
    every = get(admin, "/alerts")
    shown = {link.attributes["href"] for link in every.css(".catalogue h3 a")}
    assert OVER in shown
    assert len(shown) > 30
    found = get(admin, "/alerts?q=expir")
    shown = {link.attributes["href"] for link in found.css(".catalogue h3 a")}
    assert "/alerts/contract.expiring" in shown
    assert OVER not in shown
    assert "No check matches" in text(get(admin, "/alerts?q=nothing+of+that"))


def test_a_check_says_what_it_would_find_with_the_readers_numbers(admin: httpx2.Client) -> None:
    page = get(admin, OVER)
    found = rows(page, "#preview")
    assert any("C-1/messages" in row[0] for row in found)
    assert "With your own numbers" in text(page)
    none = get(admin, f"{OVER}?v.amount=999999")
    assert "Nothing would be found" in text(none)
    assert node(none, '[name="v.amount"]').attributes["value"] == "999999"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"v.amount": "many"}, "v.amount"),
        ({"cron": "61 * * * *"}, "cron"),
        ({"timezone": "Nowhere/Else"}, "timezone"),
        ({"to": "nobody"}, "to"),
        ({"accounts": "stranger"}, "accounts"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    admin: httpx2.Client, fields: dict[str, str], named: str
) -> None:
    refused = admin.post(OVER, data={**form_of(get(admin, OVER)), "preset": "daily", **fields})
    assert refused.status_code in {404, 422}
    page = Html(refused.text)
    assert page.css_first('[role="alert"]') is not None
    assert node(page, f'[name="{named}"]').attributes["value"] == fields[named]


@pytest.mark.usefixtures("subscription")
def test_a_finding_is_dealt_with_and_its_history_tells(admin: httpx2.Client) -> None:
    inbox = get(admin, "/findings")
    assert "C-1/messages" in text(inbox)
    link = next(a for a in inbox.css("tbody th a") if words(a) == "C-1/messages")
    path = str(link.attributes["href"])
    finding_id = path.rpartition("/")[2]
    form = {"back": "/findings", f"id-{finding_id}": "on", "note": "called them"}
    assert admin.post("/findings", data={**form, "status": "acknowledged"}).status_code == 303
    one = get(admin, path)
    assert "Acknowledged" in text(one, "h1")
    assert "called them" in text(one)
    assert admin.post(path, data={"status": "snoozed", "days": "3"}).status_code == 303
    assert "Snoozed" in text(get(admin, path), "h1")
    assert admin.post(path, data={"status": "resolved"}).status_code == 303
    assert "C-1/messages" in text(get(admin, "/findings?status=resolved"))
    assert admin.post(path, data={"status": "open"}).status_code == 303
    steps = [words(step) for step in get(admin, path).css(".written b")]
    assert steps == ["Found", "Told", "Acknowledged", "Snoozed", "Resolved", "Opened again"]
    none = admin.post("/findings", data={"back": "/findings", "status": "resolved"})
    assert none.status_code == 422
    assert "Tick the findings" in text(Html(none.text))
    wrong = admin.post(path, data={"status": "lost"})
    assert wrong.status_code == 422


@pytest.mark.usefixtures("subscription")
def test_the_inbox_narrows_searches_and_sorts(admin: httpx2.Client) -> None:
    every = [row[0] for row in rows(get(admin, "/findings"), "#findings")]
    assert len(every) >= 2
    turned = [row[0] for row in rows(get(admin, "/findings?sort=account&dir=asc"), "#findings")]
    assert sorted(turned) == sorted(every)
    named = rows(get(admin, "/findings?q=c-1%2Fmessages"), "#findings")
    assert named
    assert all("C-1/messages" in row[0] for row in named)
    assert "No finding matches" in text(get(admin, "/findings?q=nothing+of+that"))
    beyond = get(admin, "/findings?page=99")
    assert [row[0] for row in rows(beyond, "#findings")] == every


@pytest.mark.usefixtures("subscription")
def test_the_page_of_a_contract_leads_to_its_findings(admin: httpx2.Client) -> None:
    found = get(admin, "/contracts/C-1").css('[aria-labelledby="found-title"] a')
    assert any("C-1/messages" in words(link) for link in found)
    assert "C-1" in text(get(admin, str(found[0].attributes["href"])), "h1")
    assert get(admin, "/contracts/C-3").css('[aria-labelledby="found-title"]') == []


@pytest.mark.usefixtures("subscription")
def test_the_outbox_shows_what_was_sent_to_whom(admin: httpx2.Client) -> None:
    outbox = get(admin, "/outbox")
    link = next(a for a in outbox.css("tbody th a") if "Over" in words(a))
    one = get(admin, str(link.attributes["href"]))
    assert EMAIL in text(one)
    assert "C-1/messages" in text(one, "pre")
    mail = node(one, "iframe")
    assert "sandbox" in mail.attributes
    assert "C-1/messages" in str(mail.attributes["srcdoc"])
    refused = admin.post(str(link.attributes["href"]))
    assert refused.status_code == 409
    assert "No message matches" in text(get(admin, "/outbox?status=dead"))


def test_a_subscription_is_turned_off_tried_and_removed(admin: httpx2.Client) -> None:
    sent = {**form_of(get(admin, OVER)), "name": "For a while", "preset": "weekly"}
    path = admin.post(OVER, data=sent).headers["location"]
    assert "Subscribed." in text(get(admin, path))
    path = path.partition("?")[0]
    assert "has not run yet" in text(get(admin, path))
    assert "told in" in text(Html(admin.post(path, data={"do": "test"}).text))
    assert admin.post(path, data={"do": "off"}).status_code == 303
    assert "Off" in text(get(admin, "/alerts/subscriptions"))
    assert "Turn on" in text(get(admin, path))
    assert admin.post(path, data={"do": "remove"}).status_code == 303
    assert admin.get(path).status_code == 404


@pytest.fixture
def mine(admin: httpx2.Client) -> Iterator[str]:
    """Return the page of a subscription that a test may change as it likes."""
    made = admin.post(OVER, data={**form_of(get(admin, OVER)), "name": "Mine", "preset": "weekly"})
    path = made.headers["location"].partition("?")[0]
    yield path
    admin.post(path, data={"do": "remove"})


def facts(page: Html) -> dict[str, str]:
    """Return what a subscription is set to, as its page says it."""
    titles, values = page.css(".facts dt"), page.css(".facts dd")
    return {t.text(strip=True): v.text(strip=True) for t, v in zip(titles, values, strict=True)}


def test_its_form_shows_what_it_is_set_to_and_changes_it(admin: httpx2.Client, mine: str) -> None:
    form = form_of(get(admin, mine), ".letter:has([name=cron])")
    assert (form["name"], form["to"], form["do"]) == ("Mine", EMAIL, "change")
    given = {
        "v.amount": "12.5",
        "accounts": "acme",
        "cron": "30 6 * * 1",
        "timezone": "Europe/Berlin",
        "name": "Changed",
        "cc": "cc@example.com",
        "bcc": "bcc@example.com, second@example.com",
        "roles": "finance, csm",
        "users": "boss@acme.example",
        "csm": "true",
        "split_by": "branch",
        "subject": "What is over",
        "digest": "Mornings",
        "sends_empty": "true",
    }
    assert admin.post(mine, data={**form, **given}).status_code == 303
    page = get(admin, mine)
    again = form_of(page, ".letter:has([name=cron])")
    assert {name: again.get(name) for name in given} == given
    said = facts(page)
    assert said["When"] == "30 6 * * 1, Europe/Berlin time"
    assert said["Subject"] == "What is over"
    assert said["Digest"] == "Mornings"
    assert said["Mails"] == "one a branch, also when nothing is found"
    for name in ("csm", "sends_empty", "subject", "digest"):
        again.pop(name)
    assert admin.post(mine, data=again).status_code == 303
    said = facts(get(admin, mine))
    assert "Digest" not in said
    assert "the CSM" not in said["Goes to"]
    assert {"every finance", "boss@acme.example"} <= {*said["Goes to"].split(", ")}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"v.amount": "many"}, "v.amount"),
        ({"cron": "61 * * * *"}, "cron"),
        ({"bcc": "nobody"}, "bcc"),
        ({"roles": "king"}, "roles"),
        ({"webhooks": "none"}, "webhooks"),
        ({"name": ""}, "name"),
    ],
)
def test_what_is_wrong_with_a_change_is_said_beside_its_field(
    admin: httpx2.Client, mine: str, fields: dict[str, str], named: str
) -> None:
    form = form_of(get(admin, mine), ".letter:has([name=cron])")
    refused = admin.post(mine, data={**form, **fields})
    assert refused.status_code == 422
    page = Html(refused.text)
    faulty = node(page, f'.faulty [name="{named}"]')
    assert (faulty.attributes.get("value") or "") == fields[named]
    assert "open" in node(page, "details:has([name=cron])").attributes
    assert form_of(get(admin, mine), ".letter:has([name=cron])") == form  # nothing was changed


def test_a_contract_is_left_out_with_a_note_and_mentioned_again(
    admin: httpx2.Client, mine: str
) -> None:
    assert "tell 1 finding" in text(Html(admin.post(mine, data={"do": "look"}).text))
    assert "has not run yet" in text(get(admin, mine))
    given = {"do": "leave_out", "what": " C-1 ", "note": "by <b>agreement</b>"}
    assert admin.post(mine, data=given).status_code == 303
    assert rows(get(admin, mine), "section:has(#out-title)") == [
        ["C-1", "by <b>agreement</b>", "Mention again"]
    ]
    looked = text(Html(admin.post(mine, data={"do": "look"}).text))
    assert "A run now would tell nothing new: 0 findings" in looked
    assert admin.post(mine, data={"do": "mention", "what": "C-1"}).status_code == 303
    assert rows(get(admin, mine), "section:has(#out-title)") == []
    refused = admin.post(mine, data={"do": "leave_out", "what": " "})
    assert refused.status_code == 422
    assert "Name a contract" in text(Html(refused.text))


def test_it_is_snoozed_until_a_day_and_woken(admin: httpx2.Client, mine: str) -> None:
    tomorrow = node(get(admin, mine), "[name=until]").attributes["min"]
    sent = {"do": "snooze", "until": str(tomorrow), "note": " they <b>move</b> "}
    assert admin.post(mine, data=sent).status_code == 303
    page = get(admin, mine)
    assert "Snoozed: nothing is looked for until" in text(page)
    assert "00:00. they <b>move</b>" in text(page)
    assert page.css("[name=until]") == []
    assert admin.post(mine, data={"do": "wake"}).status_code == 303
    assert "Snoozed" not in text(get(admin, mine))
    for until in ("", "soon", "9999-12-01", "2020-01-01"):
        refused = admin.post(mine, data={"do": "snooze", "until": until})
        assert refused.status_code == 422, until
    assert "The end of the snooze has passed" in text(Html(refused.text))
    assert "Snoozed" not in text(get(admin, mine))
    assert admin.post(mine, data={"do": "dance"}).status_code == 422


def test_an_address_is_replaced_after_a_look_at_where(admin: httpx2.Client, mine: str) -> None:
    form = form_of(get(admin, mine), ".letter:has([name=cron])")
    admin.post(mine, data={**form, "to": "old@example.com"})
    given = {"from": "old@example.com", "to": "new@example.com"}
    looked = Html(admin.post("/alerts/subscriptions", data={**given, "do": "look"}).text)
    assert "It would change Mine." in text(looked)
    assert facts(get(admin, mine))["Goes to"] == "old@example.com"
    done = Html(admin.post("/alerts/subscriptions", data={**given, "do": "replace"}).text)
    assert "1 subscription tells new@example.com in place of old@example.com." in text(done)
    assert facts(get(admin, mine))["Goes to"] == "new@example.com"
    nobody = Html(admin.post("/alerts/subscriptions", data={**given, "do": "look"}).text)
    assert "No subscription that you may change tells this address." in text(nobody)
    refused = admin.post("/alerts/subscriptions", data={**given, "to": "nobody", "do": "look"})
    assert refused.status_code == 422
    assert node(Html(refused.text), "#to").attributes["value"] == "nobody"


def test_who_may_not_change_one_sees_no_form(browsers: dict[str, httpx2.Client], mine: str) -> None:
    anna = browsers["anna@example.com"]
    page = get(anna, mine)
    assert page.css("main form") == []
    assert anna.post(mine, data={"do": "off"}).status_code == 403
    assert get(anna, "/alerts/subscriptions").css("main form") == []
    moved = {"from": EMAIL, "to": "anna@example.com", "do": "replace"}
    looked = anna.post("/alerts/subscriptions", data=moved)
    assert looked.status_code == 200
    assert "subscriptions tell" not in text(Html(looked.text))


def test_each_role_sees_what_is_theirs(
    browsers: dict[str, httpx2.Client], subscription: str
) -> None:
    viewer, boss = browsers["viewer@acme.example"], browsers["boss@acme.example"]
    assert "Contract changed" not in text(get(viewer, "/alerts"))
    assert viewer.get("/alerts/contract.changed").status_code == 404
    page = get(viewer, OVER)
    assert "Try other values" in text(page)
    assert "At risk" not in text(page)
    assert {row[0].split()[0] for row in rows(page, "#preview")} == {"C-1/messages"}
    assert "Subscribe" in text(get(boss, OVER))
    assert get(boss, OVER).css_first('[name="v.amount"]') is not None
    inbox = get(viewer, "/findings")
    assert "C-2" not in text(inbox)
    assert inbox.css_first('[type="checkbox"]') is None
    assert viewer.get(subscription).status_code == 404
    refused = browsers["anna@example.com"].post(OVER, data={"preset": "daily"})
    assert refused.status_code == 403


def test_nothing_yet_says_what_comes(tmp_path: Any) -> None:
    with pages(tmp_path, empty=True) as world:
        browser = sign_in(world, EMAIL, world.password)
        assert "Nothing found yet" in text(get(browser, "/findings"))
        assert "Nothing to send yet" in text(get(browser, "/outbox"))
        assert "Nothing yet." in text(get(browser, "/alerts/subscriptions"))
        assert "Nothing would be found" in text(get(browser, OVER))
        browser.close()


def test_a_run_leads_to_the_messages_it_sent(admin: httpx2.Client) -> None:
    sent = {**form_of(get(admin, OVER)), "name": "Followed", "preset": "weekly"}
    path = admin.post(OVER, data=sent).headers["location"].partition("?")[0]
    assert admin.post(path, data={"do": "run"}).status_code == 200
    assert admin.post(path, data={"do": "run"}).status_code == 200
    (link,) = get(admin, path).css('[href^="/outbox?run="]')
    messages = rows(get(admin, str(link.attributes["href"])), "#outbox")
    assert len(messages) == 1
    assert "Followed" in messages[0][0]


def test_what_is_left_out_needs_a_note_and_what_was_typed_stays(admin: httpx2.Client) -> None:
    sent = {**form_of(get(admin, OVER)), "name": "Not all", "preset": "weekly"}
    path = admin.post(OVER, data=sent).headers["location"].partition("?")[0]
    refused = admin.post(path, data={"do": "leave_out", "what": "C-1", "note": " "})
    assert refused.status_code == 422
    shown = Html(refused.text)
    assert node(shown, "#what").attributes["value"] == "C-1"
    assert "Say why" in words(node(shown, ".faulty:has(#note) .fault"))
