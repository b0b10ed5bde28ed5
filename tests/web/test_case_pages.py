"""The pages of cases, and what a customer's own people see of all pages, as a browser gets them."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from selectolax.lexbor import LexborHTMLParser as Html

from tests.web.installation import EMAIL, Pages, pages
from tests.web.test_pages import BROWSER, get, text, words

LINE = "/volume/C-1/messages"
CONTACT = f"{LINE}/contact"
PASSWORD = "correct horse battery"
#: The customer's people, and one of another customer.
PEOPLE = {
    "viewer@acme.example": ("customer_viewer", "acme"),
    "boss@acme.example": ("customer_admin", "acme"),
    "eve@bolt.example": ("customer_admin", "bolt"),
    "nadia@example.com": ("csm", None),
    "anna@example.com": ("analyst", None),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with pages(tmp_path_factory.mktemp("cases")) as found:
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


def sign_in(world: Pages, email: str, password: str) -> httpx2.Client:
    client = httpx2.Client(base_url=world.url, headers=BROWSER, timeout=30)
    answer = client.post("/sign-in", data={"email": email, "password": password})
    assert answer.status_code == 303, answer.text
    return client


def form_of(page: Html, css: str = "form.letter") -> dict[str, str]:
    """Return what a form sends as it was given, with its first choices."""
    found: dict[str, str] = {}
    for one in page.css(f"{css} input"):
        if one.attributes.get("type") not in {"radio", "checkbox"} or "checked" in one.attributes:
            found[str(one.attributes["name"])] = one.attributes.get("value") or ""
    for one in page.css(f"{css} select"):
        chosen = one.css("option[selected]") or one.css("option")
        found[str(one.attributes["name"])] = chosen[0].attributes.get("value") or ""
    for one in page.css(f"{css} .entry textarea"):
        found[str(one.attributes["name"])] = one.text()
    return found


def opened(browser: httpx2.Client, path: str = CONTACT, **more: str) -> str:
    sent = {**form_of(get(browser, path)), "text": "Is this right?", **more}
    answer = browser.post(path.partition("?")[0], data=sent)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def facts(page: Html) -> dict[str, str]:
    rows = page.css("[aria-labelledby=numbers-title] .facts > div")
    return {words(row.css_first("dt")): words(row.css_first("dd")) for row in rows}


def test_from_a_line_to_a_case_and_back(browsers: dict[str, httpx2.Client]) -> None:
    viewer, nadia = browsers["viewer@acme.example"], browsers["nadia@example.com"]
    button = get(viewer, LINE).css_first(".head .actions a[href*=contact]")
    assert button is not None
    assert words(button) == "Contact your CSM"
    path = str(button.attributes["href"])
    page = get(viewer, path)
    assert text(page, "#letter-title") == "To Nadia Berg"
    assert "both sides see the case" in text(page)
    recorded = facts(page)
    assert (recorded["Allotment"], recorded["Status"]) == ("900 messages", "Over")
    place = opened(viewer, path, kind="discrepancy")

    case = get(viewer, place)
    assert text(case, "h1") == "Numbers look wrong: Messaging, Acme Group Open"
    assert facts(case) == recorded
    assert text(case, ".written") == text(get(nadia, place), ".written")
    assert "recorded, not sent by mail yet" in text(case, ".written")
    answer = nadia.post(place, data={**form_of(get(nadia, place)), "text": "Yes:\n<b>it</b> is."})
    assert answer.status_code == 303
    case = get(viewer, place)
    assert "Answered" in text(case, "h1")
    assert "nadia@example.com Vendor" in text(case, ".written")
    assert "<b>it</b> is." in text(case, "#message-2 .said")
    assert case.css("#message-1.mine")
    assert not case.css("#message-2.mine")


def test_a_line_of_last_period_is_recorded_as_it_was(browsers: dict[str, httpx2.Client]) -> None:
    boss = browsers["boss@acme.example"]
    page = get(boss, f"{LINE}?period=last&rollup=own")
    path = str(page.css_first("a[href*=contact]").attributes["href"])  # type: ignore[union-attr]  # else it fails here
    case = get(boss, opened(boss, path))
    assert facts(case)["Period"] == "1–31 Oct 2026"
    link = case.css_first("[aria-labelledby=numbers-title] a")
    assert link is not None
    where = str(link.attributes["href"])
    assert where == f"{LINE}?on=2026-10-01&rollup=own"
    assert "1–31 Oct 2026" in text(get(boss, where))


def test_a_form_that_is_sent_twice_opens_one_case(browsers: dict[str, httpx2.Client]) -> None:
    viewer = browsers["viewer@acme.example"]
    sent = {**form_of(get(viewer, CONTACT)), "text": "Once?"}
    places = {viewer.post(CONTACT, data=sent).headers["location"] for _ in range(2)}
    assert len(places) == 1
    place = places.pop()
    answer = {**form_of(get(viewer, place)), "text": "More"}
    for _ in range(2):
        assert viewer.post(place, data=answer).status_code == 303
    assert len(get(viewer, place).css(".written > li")) == 2
    other = viewer.post(CONTACT, data={**sent, "text": "Something else"})
    assert other.status_code == 409
    again = Html(other.text)
    assert words(again.css_first("textarea")) == "Something else"
    assert form_of(again)["key"] != sent["key"]


@pytest.mark.parametrize(("typed", "said"), [(" ", "Write what"), ("x" * 10_001, "10,000")])
def test_what_was_typed_is_not_lost(
    browsers: dict[str, httpx2.Client], typed: str, said: str
) -> None:
    viewer = browsers["viewer@acme.example"]
    place = opened(viewer)
    for path in (CONTACT, place):
        sent = {**form_of(get(viewer, path)), "text": typed, "kind": "discrepancy"}
        answer = viewer.post(path, data=sent)
        assert answer.status_code == 422
        page = Html(answer.text)
        area = page.css_first("textarea")
        assert area is not None
        assert (area.text(), area.attributes["aria-invalid"]) == (typed, "true")
        assert said in text(page, "#letter-fault")
        if path == CONTACT:
            assert form_of(page)["kind"] == "discrepancy"


@pytest.mark.parametrize(
    "meant", [{"at": "yesterday"}, {"at": "1990-01-01T00:00:00Z"}, {"known_at": "m9.z"}]
)
def test_what_was_typed_is_not_lost_with_the_numbers_that_were_meant(
    browsers: dict[str, httpx2.Client], meant: dict[str, str]
) -> None:
    viewer = browsers["viewer@acme.example"]
    sent = {**form_of(get(viewer, CONTACT)), "text": "Long and dear", **meant}
    answer = viewer.post(CONTACT, data=sent)
    assert answer.status_code in {404, 422}
    page = Html(answer.text)
    assert text(page, "textarea") == "Long and dear"
    assert "now those of this moment" in text(page, "#letter-fault")
    assert facts(page)["Period"] == "1–30 Nov 2026"
    again = viewer.post(CONTACT, data={**form_of(page), "text": "Long and dear"})
    assert again.status_code == 303


def test_closing_and_reopening(browsers: dict[str, httpx2.Client]) -> None:
    viewer, nadia = browsers["viewer@acme.example"], browsers["nadia@example.com"]
    place = opened(viewer)
    before = form_of(get(nadia, place))
    assert viewer.post(place, data={"status": "closed"}).status_code == 303
    case = get(nadia, place)
    assert "Closed" in text(case, "h1")
    assert not case.css("form.letter")
    late = nadia.post(place, data={**before, "text": "Too late"})
    assert late.status_code == 409
    assert "reopen it" in text(Html(late.text), ".problem")
    assert nadia.post(place, data={"status": "open"}).status_code == 303
    assert "Open" in text(get(viewer, place), "h1")


def test_without_a_csm_the_page_says_where_it_goes(browsers: dict[str, httpx2.Client]) -> None:
    page = get(browsers["eve@bolt.example"], "/volume/C-2/messages/contact")
    assert text(page, "#letter-title") == "To the vendor's administrators"
    assert "No CSM is known for this account" in text(page)
    assert "example.com" not in text(page)


@pytest.mark.thorough
def test_the_list_is_narrowed_by_what_its_address_says(
    browsers: dict[str, httpx2.Client],
) -> None:
    eve, admin = browsers["eve@bolt.example"], browsers["admin"]
    assert "No cases yet" in text(get(eve, "/cases"))
    places = [opened(eve, "/volume/C-2/minutes/contact", text=f"Zebra {n}") for n in range(51)]
    eve.post(places[0], data={"status": "closed"})

    def rows(browser: httpx2.Client, query: str) -> list[str]:
        return [
            str(a.attributes["href"])
            for a in get(browser, f"/cases?{query}").css("#cases tbody th a")
        ]

    assert rows(eve, "status=closed") == rows(admin, "q=zebra&status=closed") == places[:1]
    assert len(rows(eve, "")) == 50
    assert rows(eve, "page=2") == rows(eve, "page=999") == places[:1]
    chips = {words(chip) for chip in get(eve, "/cases").css("#cases .chip")}
    assert chips == {"All", "Open 50", "Answered 0", "Closed 1"}
    assert set(rows(admin, "account=bolt")) <= set(places)
    assert "No case matches." in text(get(admin, "/cases?q=nothing+like+it"))
    assert eve.get("/cases?account=acme").status_code == 404
    badge = get(admin, "/cases").css_first(".side a[href='/cases'] .badge")
    assert badge is not None
    assert int(words(badge)) >= 50
    assert not get(eve, "/cases").css(".badge")


#: Pages of the customer's own, and the same of another customer.
OWN = [
    "/volume",
    "/volume?q=a",
    LINE,
    f"{LINE}/events?day=2026-11-18",
    CONTACT,
    "/contracts",
    "/contracts/C-1",
    "/statements/C-1",
    "/cases",
]
OTHERS = [
    "/volume/C-2/messages",
    "/volume/C-2/messages/contact",
    "/volume/C-2/messages/events?day=2026-11-18",
    "/contracts/C-2",
    "/statements/C-2",
    "/cases/0190-none",
]
PRICE = "0.0125"


@pytest.mark.parametrize("who", ["viewer@acme.example", "boss@acme.example"])
@pytest.mark.parametrize("path", OWN)
def test_a_customer_sees_their_own_tree_and_prices_where_they_may(
    browsers: dict[str, httpx2.Client], who: str, path: str
) -> None:
    opened(browsers["eve@bolt.example"], "/volume/C-2/messages/contact")
    opened(browsers["boss@acme.example"])
    page = get(browsers[who], path)
    said = text(page, "body").casefold()
    assert "bolt" not in said
    assert "small-" not in said
    assert "acme" in said
    if who.startswith("viewer"):
        assert "$" not in said
        assert PRICE not in said


@pytest.mark.parametrize("path", OTHERS)
def test_what_is_not_theirs_is_as_if_it_were_not_there(
    browsers: dict[str, httpx2.Client], path: str
) -> None:
    answer = browsers["viewer@acme.example"].get(path)
    assert answer.status_code == 404
    assert "Not here" in text(Html(answer.text))
    assert "bolt" not in answer.text.casefold().replace("c-2", "")


def test_a_strangers_case_is_neither_read_nor_written(browsers: dict[str, httpx2.Client]) -> None:
    place = opened(browsers["eve@bolt.example"], "/volume/C-2/messages/contact")
    viewer = browsers["viewer@acme.example"]
    for answer in (
        viewer.get(place),
        viewer.post(place, data={"text": "x"}),
        viewer.post(place, data={"status": "closed"}),
        viewer.post("/volume/C-2/messages/contact", data={"text": "x"}),
    ):
        assert answer.status_code == 404
    assert len(get(browsers["eve@bolt.example"], place).css(".written > li")) == 1


@pytest.mark.parametrize("path", ["/contracts/new", "/contracts/C-1/edit"])
def test_what_a_role_may_not_do_says_so(browsers: dict[str, httpx2.Client], path: str) -> None:
    for who in ("viewer@acme.example", "boss@acme.example", "anna@example.com"):
        answer = browsers[who].get(path)
        assert answer.status_code == 403
        assert "Not for you" in text(Html(answer.text))


def test_a_form_of_too_many_fields_is_refused(browsers: dict[str, httpx2.Client]) -> None:
    viewer = browsers["viewer@acme.example"]
    for path in (CONTACT, opened(viewer)):
        answer = viewer.post(path, data={f"f{i}": "x" for i in range(51)})
        assert answer.status_code == 413
        assert "50 fields" in answer.text


def test_a_form_from_another_site_is_refused(browsers: dict[str, httpx2.Client]) -> None:
    viewer = browsers["viewer@acme.example"]
    place = opened(viewer)
    for origin in ("https://evil.example", "http://[", "null"):
        other: dict[str, Any] = {"headers": {"origin": origin}}
        for path in (CONTACT, place):
            answer = viewer.post(path, data={"text": "x", "status": "closed"}, **other)
            assert answer.status_code == 403
    assert "Open" in text(get(viewer, place), "h1")
