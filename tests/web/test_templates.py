"""Every template with rich values: parses, escapes, is named, and obeys the content policy."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest

from tallybook.web.pages.figure import figure
from tallybook.web.pages.icons import icon
from tallybook.web.pages.render import asset, environment, page
from tallybook.web.pages.view import Link, MessagePage, Note, Standing
from tests.web.all_samples import PAGES
from tests.web.page_samples import account, chart, frame, standing
from tests.web.volume_samples import volume, without_amounts

VOID = {"input", "link", "meta"}
EVIL = "<b>'\"&</b>{{ 7*7 }}"


class Page(HTMLParser):
    """A strict reading: every element is closed in order; what is needed is counted."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), (tag, attrs)
        self.tags[tag] += 1
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "script":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [
            attrs
            for name, attrs in self.elements
            if name == tag and all(attrs.get(key) == value for key, value in wanted.items())
        ]


def show(template: str, view: Any) -> Page:
    return Page(page(template, view))


@pytest.fixture(params=PAGES)
def shown(request: pytest.FixtureRequest) -> Page:
    return show(*PAGES[request.param])


def test_every_template_is_shown() -> None:
    pieces = {"base.html", "parts.html", "help.html", "actions.html", "contract_parts.html"}
    pieces |= {"account_panels.html", "alert_parts.html", "case_parts.html"}
    pieces |= {f"volume_{piece}.html" for piece in ("accounts", "charted", "filters", "table")}
    names = set(environment().list_templates())
    assert names - pieces == {template for template, _ in PAGES.values()}


def test_structure(shown: Page) -> None:
    assert shown.tags["h1"] == shown.tags["main"] == shown.tags["head"] == 1
    assert shown.all("html", lang="en")
    ids = [attrs["id"] for _, attrs in shown.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert sum(shown.tags.values()) <= 3000


def test_content_policy(shown: Page) -> None:
    assert not shown.tags["style"]
    for script in shown.all("script"):
        assert script.get("src", "").startswith("/static/") or script == {  # type: ignore[union-attr] # an attribute may have no value
            "type": "application/json"
        }
    for _, attrs in shown.elements:
        assert not [name for name in attrs if name.startswith(("on", "hx-on"))]
        for name in ("src", "href", "action", "hx-get"):
            assert not (attrs.get(name) or "").startswith(("http:", "https:", "//", "javascript:"))


def test_everything_reachable_has_a_name(shown: Page) -> None:
    ids = {attrs["id"] for _, attrs in shown.elements if "id" in attrs}
    for _, attrs in shown.elements:
        for reference in (attrs.get("aria-labelledby") or "").split():
            assert reference in ids
        if (target := attrs.get("popovertarget")) is not None:
            assert target in ids
    names = [a.get("aria-label") for t, a in shown.elements if a.get("role") == "region"]
    assert all(names)
    assert len(names) == len(set(names)), "two regions must not share one name"


def test_every_control_works_without_script(shown: Page) -> None:
    """What htmx fetches is also a plain address; forms have an action."""
    for tag, attrs in shown.elements:
        if "hx-get" in attrs and "list" not in attrs:  # suggestions: what is typed is sent anyway
            assert attrs["hx-get"] == attrs["action" if tag == "form" else "href"]
            assert attrs["hx-target"] == attrs["hx-select"]
        if tag == "form":
            assert attrs.get("method") == "dialog" or attrs.get("action")


def test_texts_are_escaped() -> None:
    evil = replace(
        account(),
        name=EVIL,
        service=EVIL,
        crumbs=(Link(EVIL, "/"),),
        notes=(Note("clock", "plain", EVIL, EVIL, Link(EVIL, "/")),),
        chart=replace(chart(17_900, 255_000), title=EVIL, unit=EVIL),
        standing=replace(standing(17_900, 255_000), unit=EVIL),
        frame=frame(EVIL),
    )
    made = show("account.html", evil)
    assert "b" not in [tag for tag, attrs in made.elements if tag == "b" and "'" in str(attrs)]
    assert made.text.count(EVIL) >= 7
    assert "49" not in made.text.replace(EVIL, "").split()


def test_the_volume_page_reads_in_words() -> None:
    text = show("volume.html", volume()).text
    assert "Complete to 21 Nov, 24:00, Chicago time · next update 22 Nov, 06:30" in text
    assert "On track to use 32,575,788 by 30 November, 107% of the allotment" in text
    assert "An estimate from the last seven complete days." in text
    assert "1–50 of 2,000 lines" in text


def test_how_is_said_of_one_line_where_it_is_the_only_one() -> None:
    table = volume().table
    first = replace(table, rows=table.rows[:1])
    assert not volume(table=first).how_url  # 1,999 more are on the next pages
    assert volume(table=replace(first, total=1)).how_url == "/accounts/x#how"


def test_amounts_that_may_not_be_seen_are_not_said() -> None:
    at = standing(1_081_000, 30_400_000)
    hidden = replace(at, forecast=replace(at.forecast, cost=()))
    text = show("volume.html", volume(standing=hidden, table=without_amounts())).text
    assert "$" not in text
    assert "Beyond the allotments" in text


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (standing(17_900, 255_000), "Over since 16 November. At 18,054 a day"),
        (standing(1_000, None), "no allotment was agreed"),
        (standing(1_000, 100_000), "On track to use"),
    ],
)
def test_outlook(at: Standing, expected: str) -> None:
    assert expected in show("account.html", account(standing=at)).text


def test_a_closed_period_is_not_an_estimate() -> None:
    at = standing(1_000, 100_000)
    closed = replace(at, forecast=replace(at.forecast, status="actual", remaining_days=0))
    text = show("account.html", account(standing=closed)).text
    assert "The period ended on 30 November" in text
    assert "estimate" not in text.lower()


def test_a_young_line_has_no_forecast() -> None:
    made = show(*PAGES["account-young"])
    assert "No forecast yet. It needs three complete days" in made.text
    assert "forecast" not in {attrs.get("class") for attrs in made.all("path")}


def test_statuses_are_words_beside_their_flags() -> None:
    text = show("volume.html", volume()).text
    for word in ("No allotment", "Ok", "Near", "At limit", "Over", "Likely over", "Low use"):
        assert f" {word} " in text


def test_a_shortened_number_shows_the_exact_one_on_hover() -> None:
    exact = show("volume.html", volume()).all("data")
    assert {"value": "30400000", "title": "30,400,000"} in exact


def test_sorting_is_announced_on_one_column() -> None:
    headings = show("volume.html", volume()).all("th", scope="col")
    assert [h["aria-sort"] for h in headings if "aria-sort" in h] == ["descending"]


def test_no_line_matches() -> None:
    table = replace(volume().table, rows=())
    assert "No line matches. Clear the filters" in show("volume.html", volume(table=table)).text


def test_the_theme_is_drawn_by_the_server() -> None:
    dark = replace(volume(), frame=frame("Volume", theme="dark"))
    made = show("volume.html", dark)
    assert made.all("html")[0]["data-theme"] == "dark"
    assert {b["value"] for b in made.all("button", **{"aria-pressed": "true"})} == {"dark"}


def test_a_message_can_hold_an_action() -> None:
    view = MessagePage(frame("Empty"), "tally", "Nothing yet", "Send one.", post=Link("Go", "/x"))
    assert show("message.html", view).all("form", method="post", action="/x")


def test_figure_readings_match_both_drawings() -> None:
    made = figure(chart(17_900, 255_000), "k")
    assert len(made.readings) == 30
    reading = made.readings[15]
    assert reading["title"] == "Mon 16 Nov"
    assert ("Of allotment", "109.8%") in reading["rows"]
    assert set(reading["at"]) == {"wide", "narrow"}
    ahead = made.readings[-1]
    assert [label for label, _ in ahead["rows"]][:2] == ["Forecast", "80% range"]


def test_daily_figure_counts_days() -> None:
    made = figure(chart(17_900, 255_000, "daily"), "k")
    first = made.readings[0]
    assert first["rows"][0] == ("Used", "6,508")
    assert made.drawings.count("<svg") == 2


def test_a_zero_allotment_has_no_percentage() -> None:
    made = figure(replace(chart(100, 5_000), allotment=Decimal(0)), "k")
    labels = [row[0] for reading in made.readings for row in reading["rows"]]
    assert "Of allotment" not in labels


def test_assets_carry_the_mark_of_their_content() -> None:
    assert asset("app.css").startswith("/static/app.css?v=")
    with pytest.raises(KeyError):
        icon("no such icon")


def test_longer_buckets_are_named_by_their_interval() -> None:
    view = chart(100, None, interval="month")
    made = figure(replace(view, points=view.points[:1]), "k")
    assert made.readings[0]["title"] == "Nov 2026"
    assert [label for label, _ in made.readings[0]["rows"]] == [
        "Used",
        "To date",
        "Previous period",
    ]
