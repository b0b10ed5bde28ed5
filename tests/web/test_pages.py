"""The pages as the real application answers them: their numbers, their rules, and bad addresses."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import httpx2
import pytest
from selectolax.lexbor import LexborHTMLParser as Html

from tests.web.installation import BUSY_DAY, BUSY_EVENTS, EMAIL, SMALL, Pages, pages

LINE = "/volume/C-1/messages"
EVENTS = f"{LINE}/events?day={BUSY_DAY}"
BROWSER: Final = {"accept": "text/html"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with pages(tmp_path_factory.mktemp("pages")) as found:
        yield found


@pytest.fixture(scope="module")
def browser(world: Pages) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=world.url, headers=BROWSER, timeout=30) as client:
        answer = client.post("/sign-in", data={"email": EMAIL, "password": world.password})
        assert answer.status_code == 303
        yield client


def get(browser: httpx2.Client, path: str) -> Html:
    answer = browser.get(path)
    assert answer.status_code == 200, path
    return Html(answer.text)


def text(page: Html, css: str = "main") -> str:
    found = page.css_first(css)
    assert found is not None, css
    return words(found)


def words(node: Any) -> str:
    return " ".join(node.text().split())


def rows(page: Html, css: str = "#accounts") -> list[list[str]]:
    return [[words(cell) for cell in row.css("th, td")] for row in page.css(f"{css} tbody tr")]


def number(shown: str) -> Decimal:
    return Decimal(shown.replace(",", "")) if shown not in {"", "–"} else Decimal(0)


# --- Numbers -----------------------------------------------------------------------------------


def test_each_chip_counts_the_rows_it_leads_to(browser: httpx2.Client) -> None:
    chips = get(browser, "/volume").css("#accounts .chip:has(b)")
    links = [(str(chip.attributes["href"]), words(chip).split()[-1]) for chip in chips]
    assert len(links) == 8
    for url, count in links:
        found = get(browser, url)
        assert len(rows(found)) == min(int(count), 50), url
        assert text(found, "#accounts-title small").split()[0] == count


def test_what_is_counted_are_contract_lines(world: Pages, browser: httpx2.Client) -> None:
    listed = world.client.call("GET", "/positions").json
    assert listed["count"] > world.client.call("GET", "/accounts").json["totals"]["count"]
    page = get(browser, "/volume")
    assert text(page, "#accounts-title") == f"Contract lines {listed['count']}"
    assert f"of {listed['count']} lines" in text(page, "#accounts .pager")
    page = get(browser, "/volume?service=Messaging")
    some = world.client.call("GET", "/positions", service="Messaging").json["count"]
    assert text(page, "#accounts-title") == f"Contract lines {some} of {listed['count']}"
    messaging = [
        item
        for item in world.client.call("GET", "/positions", service="Messaging", limit=500).json[
            "items"
        ]
        if item["status"] != "no_allotment"
    ]
    assert "Lines needing a look" in text(page, ".four")
    assert f"of {len(messaging)}" in words(page.css(".four .value")[-1])


def test_a_line_without_an_allotment_has_no_bar(browser: httpx2.Client) -> None:
    table = get(browser, "/volume?q=dune&open=none").css("#accounts tbody tr")
    bars = {words(row.css("td")[0]): len(row.css("td:nth-of-type(4) .bar")) for row in table}
    assert bars == {"Messaging": 0, "Stored documents": 1}


def test_the_tile_is_the_sum_of_the_rows_with_an_allotment(browser: httpx2.Client) -> None:
    page = get(browser, "/volume?service=Messaging&q=Messaging")
    more = get(browser, "/volume?service=Messaging&q=Messaging&page=2")
    every = [row for row in (*rows(page), *rows(more)) if row[3] != "–"]
    assert len(every) == 3 + SMALL
    used = sum(number(row[2]) for row in every)
    allotted = sum(number(row[3]) for row in every)
    assert f"Messaging, used so far {used:,} messages" in text(page)
    assert f"of {allotted:,}" in text(page, ".four")
    assert "1 line without an allotment used 105 messages more." in text(page)


def test_children_and_own_use_make_the_pool_on_screen(browser: httpx2.Client) -> None:
    page = get(browser, "/volume?q=Acme&open=C-1%2Fmessages")
    found = rows(page)
    at = next(i for i, row in enumerate(found) if row[0].startswith("Acme Group") and row[2] != "–")
    whole, parts = found[at], found[at + 1 : at + 4]
    assert [part[0] for part in parts] == ["Acme Group, own usage", "Acme North", "Acme South"]
    assert sum(number(part[2]) for part in parts) == number(whole[2])
    shares = [Decimal(part[9].removesuffix("% of the pool")) for part in parts]
    assert Decimal(99) < sum(shares, Decimal(0)) < Decimal(101)


@pytest.mark.parametrize("key", ["C-1/messages", "C-2/minutes", "C-4/documents", "C-1/contacts"])
def test_a_page_shows_the_numbers_of_the_api(
    world: Pages, browser: httpx2.Client, key: str
) -> None:
    position = world.client.call("GET", f"/positions/{key}").json
    page = get(browser, f"/volume/{key}")
    explained = text(page, "#how")
    assert f"{Decimal(position['used']):,} {position['unit']}" in explained
    assert f"{Decimal(position['forecast']['to_date']):,} {position['unit']}" in explained
    assert f"{Decimal(position['allotment']):,} {position['unit']} are included" in explained
    assert f"${position['amount']}" in text(page, "#overage")
    days = [row for row in rows(page, ".tall") if row]
    listed = {day["date"]: day["used"] for day in position["daily"] if day["used"] is not None}
    assert [number(day[1]) for day in days] == [Decimal(listed[d]) for d in sorted(listed)][::-1]


def test_the_list_shows_the_numbers_of_the_api(world: Pages, browser: httpx2.Client) -> None:
    listed = world.client.call("GET", "/positions", limit=100, sort="contract").json["items"]
    found = rows(get(browser, "/volume?sort=contract&dir=asc"))
    assert [number(row[2]) for row in found] == [Decimal(i["used"] or 0) for i in listed][:50]


def test_the_day_that_is_not_over_makes_the_use_whole(world: Pages, browser: httpx2.Client) -> None:
    first, second = rows(get(browser, LINE), ".tall")[:2]
    assert (first[0], second[0]) == ("Sun 22 Nov so far", "Sat 21 Nov")
    used = world.client.call("GET", "/positions/C-1/messages").json["used"]
    assert number(first[3]) == number(second[3]) + number(first[1]) == Decimal(used)


def test_the_events_of_a_day_make_its_number(browser: httpx2.Client) -> None:
    day = next(row for row in rows(get(browser, LINE), ".tall") if row[0] == "Wed 18 Nov")
    url: str | None = EVENTS
    quantities: list[Decimal] = []
    ids: list[str] = []
    while url:
        page = get(browser, url)
        quantities += [number(row[2]) for row in rows(page, "#events")]
        ids += [row[4] for row in rows(page, "#events")]
        following = page.css_first("a[rel=next]")
        url = following.attributes["href"] if following else None
    assert f"{day[1]} messages" in text(page, "h2")
    assert sum(quantities) == number(day[1])
    assert len(ids) == len(set(ids)) == BUSY_EVENTS + 3


def test_the_selectors_change_the_chart_only(world: Pages, browser: httpx2.Client) -> None:
    plain = get(browser, LINE)
    query = "interval=week&period=custom&from=2026-10-05&until=2026-10-18&group=channel&view=table"
    page = get(browser, f"{LINE}?{query}")
    asked: dict[str, Any] = {"from": "2026-10-05", "to": "2026-10-19", "interval": "week"}
    usage = world.client.usage("messages", account="acme", timezone="America/Chicago", **asked)
    assert [number(row[1]) for row in rows(page, "section:has(#chart-title)")] == [
        Decimal(row["value"]) for row in usage["rows"]
    ]
    for css in (".facts", "#how", ".say", ".pills", "h1"):
        assert text(page, css) == text(plain, css)
    assert "By channel" in text(page)


@pytest.mark.parametrize("account", ["acme", "acme-south"])
def test_an_account_of_the_pool_can_be_looked_at_alone(
    world: Pages, browser: httpx2.Client, account: str
) -> None:
    page = get(browser, f"{LINE}?account={account}&view=table")
    shown = sum(number(row[1]) for row in rows(page, "section:has(#chart-title)"))
    parts = world.client.call("GET", "/positions/C-1/messages").json["contributions"]
    assert shown == next(Decimal(p["used"]) for p in parts if p["account"] == account)


def test_a_period_before_the_contract_is_not_offered(browser: httpx2.Client) -> None:
    young = get(browser, "/volume/C-3/messages")
    assert "Last period" not in text(young)
    assert "No forecast yet" in text(young)
    assert "Last period" in text(get(browser, LINE))


def test_the_last_period_is_final(world: Pages, browser: httpx2.Client) -> None:
    at = "2026-10-31T12:00:00Z"
    then = world.client.call("GET", "/positions/C-2/messages", at=at).json["used"]
    assert f"{then} messages" in text(get(browser, "/volume/C-2/messages?period=last"))
    for narrowed in ("q=bolt", "account=bolt"):
        found = rows(get(browser, f"/volume?period=last&{narrowed}&service=Messaging"))
        assert then in {row[2] for row in found}


def test_use_is_compared_with_as_many_days_of_the_period_before(browser: httpx2.Client) -> None:
    assert re.search(r"[+−±][\d.]+% on last", text(get(browser, "/volume?account=bolt"), ".four"))


def test_days_of_a_distinct_count_are_not_added_up(browser: httpx2.Client) -> None:
    page = get(browser, "/volume/C-1/contacts")
    assert "Cumulative" not in text(page)
    assert "do not add up" in text(page)
    assert "To date" not in text(page, ".tall")


def test_a_page_beyond_the_last_is_the_last(browser: httpx2.Client) -> None:
    assert rows(get(browser, "/volume?page=99")) == rows(get(browser, "/volume?page=2"))


# --- Rules -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/volume", "/volume?q=x", LINE, EVENTS])
def test_without_a_session_one_is_led_to_sign_in_and_back(world: Pages, path: str) -> None:
    with httpx2.Client(base_url=world.url, headers=BROWSER, follow_redirects=True) as client:
        asked = client.get(path)
        assert asked.url.path == "/sign-in"
        assert asked.url.params["next"] == path
        fields = {"email": EMAIL, "password": world.password, "next": path}
        assert str(client.post("/sign-in", data=fields).url).endswith(path)


def test_a_wrong_password_says_so_and_keeps_the_address(world: Pages) -> None:
    with httpx2.Client(base_url=world.url, headers=BROWSER) as client:
        fields = {"email": EMAIL, "password": "wrong", "next": LINE}
        answer = client.post("/sign-in", data=fields)
    assert answer.status_code == 401
    page = Html(answer.text)
    assert page.css_first("[role=alert]") is not None
    assert page.css_first(f'input[name=next][value="{LINE}"]') is not None
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "there",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "http://[",
        "/\t/[",
    ],
)
def test_sign_in_leads_nowhere_else(world: Pages, there: str) -> None:
    with httpx2.Client(base_url=world.url, headers=BROWSER) as client:
        fields = {"email": EMAIL, "password": world.password, "next": there}
        assert client.post("/sign-in", data=fields).headers["location"] == "/"


def test_cookies_and_pages_are_kept_by_nobody_else(world: Pages) -> None:
    with httpx2.Client(base_url=world.url, headers=BROWSER) as client:
        fields = {"email": EMAIL, "password": world.password}
        made = client.post("/sign-in", data=fields).headers["set-cookie"]
        assert re.search("httponly", made, re.IGNORECASE)
        assert re.search("samesite=lax", made, re.IGNORECASE)
        answer = client.get("/volume")
        assert answer.headers["cache-control"] == "no-store"
        assert "script-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/sign-out", "/sign-in"])
@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}]
)
def test_a_form_of_another_site_is_refused(
    world: Pages, browser: httpx2.Client, path: str, headers: dict[str, str]
) -> None:
    answer = browser.post(path, headers=headers, data={"email": EMAIL, "password": world.password})
    assert answer.status_code == 403
    assert browser.get("/volume").status_code == 200


def test_signing_out_ends_the_session(world: Pages) -> None:
    with httpx2.Client(base_url=world.url, headers=BROWSER) as client:
        client.post("/sign-in", data={"email": EMAIL, "password": world.password})
        kept = dict(client.cookies)
        assert client.get("/volume").status_code == 200
        assert client.post("/sign-out").headers["location"] == "/sign-in"
    with httpx2.Client(base_url=world.url, headers=BROWSER, cookies=kept) as client:
        assert client.get("/volume").status_code == 303


@pytest.mark.thorough
def test_every_link_leads_somewhere(browser: httpx2.Client) -> None:
    seen: set[str] = set()
    for start in ("/volume", "/volume?open=C-1%2Fmessages", LINE, EVENTS, "/volume/C-3/messages"):
        for link in get(browser, start).css("a[href^='/'], link[href^='/'], script[src]"):
            url = (link.attributes.get("href") or link.attributes.get("src") or "").split("#")[0]
            if url not in seen and "S-small" not in url:
                seen.add(url)
                answer = browser.get(url, follow_redirects=True)
                assert answer.status_code == 200, f"{start}: {url}"
    assert len(seen) > 60


def test_an_empty_installation_says_what_to_do(tmp_path: Path) -> None:
    with (
        pages(tmp_path, empty=True) as world,
        httpx2.Client(base_url=world.url, headers=BROWSER) as client,
    ):
        client.post("/sign-in", data={"email": EMAIL, "password": world.password})
        for path in ("/volume", "/volume?period=last"):
            answer = client.get(path)
            assert answer.status_code == 200
            assert "Nothing is agreed yet" in answer.text
            shown = [code.text().split() for code in Html(answer.text).css("main code")]
            assert [line[1:3] for line in shown] == [
                *(["import", noun] for noun in ("accounts", "meters", "contracts", "events")),
                ["demo"],
            ]


# --- Bad addresses -----------------------------------------------------------------------------

ODD: Final = (
    "", " ", "0", "-1", "²", "٣", "1" * 40, "9" * 6, "NaN", "null", "desc", "last", "custom", "own",
    "\0", "%00", "\ud800", "\u202e", "🙂" * 30, "a" * 3000, "<script>alert(1)</script>", "'--", "/",
    "../..", "0001-01-01", "9999-12-31", "2026-02-30", "2026-11-18", "Etc/UTC", "hour", "account",
    "table", "C-1/messages", "projected", "acme-south",
)  # fmt: skip
SHARP: Final = ("²", "9" * 6, "\0", "\ud800")
NAMES: Final = {
    "/volume": ("q", "status", "sort", "dir", "page", "period", "service", "view", "open", "x"),
    LINE: ("period", "rollup", "view", "interval", "group", "then", "zone", "account", "from",
           "until", "x", "on", "by", "order", "forecast"),
    f"{LINE}/events": ("day", "from", "cursor", "period", "rollup", "on"),
}  # fmt: skip


def encoded(pairs: list[tuple[str, str]]) -> str:
    return urlencode(pairs, errors="surrogatepass")


@pytest.mark.parametrize("path", NAMES)
def test_no_value_of_an_address_breaks_a_page(browser: httpx2.Client, path: str) -> None:
    day = [("day", BUSY_DAY)] if path.endswith("events") else []
    for value in ODD:
        check(browser, f"{path}?{encoded([*((name, value) for name in NAMES[path]), *day])}")


@pytest.mark.thorough
@pytest.mark.parametrize("path", NAMES)
def test_no_value_alone_breaks_a_page(browser: httpx2.Client, path: str) -> None:
    day = [("day", BUSY_DAY)] if path.endswith("events") else []
    for name in NAMES[path]:
        odd = day if name != "day" else []
        for value in SHARP:
            check(browser, f"{path}?{encoded([*odd, (name, value)])}")
        check(browser, f"{path}?{encoded([(name, 'a'), (name, ''), (name, 'last')])}")


@pytest.mark.parametrize("on", ["0001-01-01", "2025-12-31", "2026-01-01", "9999-12-31", "x"])
@pytest.mark.parametrize("line", ["C-1/messages", "C-3/messages", "C-4/documents"])
def test_no_day_breaks_the_period_shown(browser: httpx2.Client, line: str, on: str) -> None:
    shown = text(get(browser, f"/volume/{line}?on={on}"), ".facts")
    now = "20 Nov – 19 Dec 2026" if line.startswith("C-3") else "1–30 Nov 2026"
    is_known = on == "2026-01-01" and not line.startswith("C-3")
    assert ("1–31 Jan 2026" if is_known else now) in shown


@pytest.mark.parametrize("first", ["0001-01-01", "2026-11-01", "9999-12-30"])
@pytest.mark.parametrize("last", ["0001-01-01", "2026-11-02", "9999-12-30", "9999-12-31"])
def test_no_range_breaks_the_chart(browser: httpx2.Client, first: str, last: str) -> None:
    for interval, zone in (("hour", "UTC"), ("week", "America/Chicago"), ("year", "UTC")):
        query = {"period": "custom", "from": first, "until": last, "interval": interval}
        more = {"zone": zone, "group": "account", "then": "channel"}
        assert get(browser, f"{LINE}?{urlencode(query | more)}").css_first("h1") is not None


@pytest.mark.parametrize(
    "path",
    ["/volume/%00/%ff", "/volume/C-1/%ED%A0%80", "/volume/C-1/", "/volume/C-1", "/nothing",
     f"/volume/{'a' * 3000}/b", "/volume/C-1/messages/events", "/volume/C-1/nothing",
     "/volume/C-1%2F..%2FC-2/messages"],
)  # fmt: skip
def test_no_path_breaks_a_page(browser: httpx2.Client, path: str) -> None:
    assert check(browser, path).status_code in {404, 422}


def check(browser: httpx2.Client, url: str) -> Any:
    """Ask for a page: shown, or refused with a sentence and a way on; nothing reflected raw."""
    answer = browser.get(url)
    assert answer.status_code in {200, 404, 422}, url
    assert "<script>alert" not in answer.text
    assert Html(answer.text).css_first("h1") is not None, url
    return answer


@pytest.mark.parametrize("path", ["/volume", LINE, "/contracts"])
def test_what_no_page_understands_is_not_carried_from_link_to_link(
    browser: httpx2.Client, path: str
) -> None:
    usual = len(browser.get(path).content)
    many = {f"n{i}": "x" * 20 for i in range(1_000)}
    for query in ({"period": "x" * 30_000}, many):
        answer = browser.get(path, params=query)
        assert answer.status_code == 200
        assert len(answer.content) < usual + 300_000  # forms and files keep it, 60 links do not
