"""The editor of contracts as the real application answers it, without scripts."""

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from selectolax.lexbor import LexborHTMLParser as Html

from tests.web.agreed import RICH, Agreed, agreed
from tests.web.test_pages import get

EDIT = f"/contracts/{RICH}/edit"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agreed]:
    with agreed(tmp_path_factory.mktemp("editor")) as found:
        yield found


@pytest.fixture(scope="module")
def browser(world: Agreed) -> Iterator[httpx2.Client]:
    with world.browser() as client:
        yield client


def typed(page: Html) -> dict[str, str]:
    """What a browser would send of the editor's form, without a button."""
    found: dict[str, str] = {}
    for field in page.css(".editor :is(input, select, textarea)"):
        attributes, name = field.attributes, field.attributes.get("name")
        if not name or (attributes.get("type") == "checkbox" and "checked" not in attributes):
            continue
        if field.tag == "select":
            chosen = field.css_first("option[selected]") or field.css_first("option")
            found[name] = (chosen.attributes.get("value") or "") if chosen is not None else ""
        elif field.tag == "textarea":
            found[name] = field.text()
        else:
            found[name] = attributes.get("value") or ("on" if "checked" in attributes else "")
    return found


def press(browser: httpx2.Client, path: str, fields: dict[str, str], action: str) -> Any:
    return browser.post(path, data={**fields, "action": action})


def said(page: Html, css: str) -> str:
    return " ".join(" ".join(n.text(separator=" ").split()) for n in page.css(css))


def stored(world: Agreed, number: str = RICH) -> dict[str, Any]:
    answer: dict[str, Any] = world.client.call("GET", f"/contracts/{number}").json
    return answer


def test_what_nobody_changes_is_no_change(browser: httpx2.Client) -> None:
    answer = press(browser, EDIT, typed(get(browser, EDIT)), "preview")
    assert answer.status_code == 200
    assert "Nothing: this is what holds already." in said(Html(answer.text), "#preview")


def test_a_preview_tells_terms_and_money_and_saves_nothing(
    world: Agreed, browser: httpx2.Client
) -> None:
    before = stored(world)
    fields = {
        **typed(get(browser, EDIT)),
        "base_charges.0.amount": "2500",
        "lines.0.allotment.quantity": "unlimited",
        "valid_from": "2026-11-01",
    }
    preview = said(Html(press(browser, EDIT, fields, "preview").text), "#preview")
    assert "holds from 1 Nov 2026" in preview
    assert "base charges › platform › amount 1500 becomes 2500" in preview
    assert "lines › messages › allotment › quantity 1000 taken out" in preview
    assert "Current period, 1–30 Nov 2026 Before After" in preview
    assert "platform $1,500.00 $2,500.00" in preview
    assert "Total $2,000.00" in preview
    assert stored(world) == before


def test_a_save_keeps_all_that_the_form_does_not_show(
    world: Agreed, browser: httpx2.Client
) -> None:
    before = stored(world)
    fields = {**typed(get(browser, EDIT)), "name": "Renamed", "reason": "A better name"}
    answer = press(browser, EDIT, fields, "save")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/contracts/{RICH}")
    after = stored(world)
    assert after["reason"] == "A better name"
    changed = {"name", "version", "valid_from", "recorded_at", "author", "reason"}
    assert {k: v for k, v in after.items() if k not in changed} == {
        k: v for k, v in before.items() if k not in changed
    }
    assert after["name"] == "Renamed"


def test_parts_are_added_and_removed(world: Agreed, browser: httpx2.Client) -> None:
    fields = {
        **typed(get(browser, EDIT)),
        "lines.2.remove": "on",
        "lines.3.code": "calls",
        "lines.3.meter": "minutes",
        "lines.3.price.model": "graduated",
        "credits.1.name": "goodwill",
        "credits.1.amount": "50",
    }
    asked = press(browser, EDIT, fields, "preview")
    page = Html(asked.text)
    assert asked.status_code == 422  # a graduated price needs tiers
    assert page.css_first("[name='lines.2.price.tiers']") is not None
    again = {**typed(page), "lines.2.price.tiers": "100 0.05\r\n* 0.03 5"}
    assert press(browser, EDIT, again, "save").status_code == 303
    after = stored(world)
    assert [line["code"] for line in after["lines"]] == ["messages", "minutes", "calls"]
    assert after["lines"][2]["price"]["tiers"] == [
        {"up_to": "100", "unit_amount": "0.05"},
        {"unit_amount": "0.03", "flat_amount": "5"},
    ]
    assert [one["name"] for one in after["credits"]] == ["welcome", "goodwill"]


def test_every_fault_stands_beside_its_field_and_nothing_typed_is_lost(
    world: Agreed, browser: httpx2.Client
) -> None:
    before = stored(world)
    wrong = {"end_date": "2020-01-01", "lines.0.meter": "none", "base_charges.0.amount": "much"}
    answer = press(browser, EDIT, {**typed(get(browser, EDIT)), **wrong}, "save")
    page = Html(answer.text)
    assert answer.status_code == 422
    found = [one.attributes["name"] for one in page.css(".faulty :is(input, select, textarea)")]
    assert "base_charges.0.amount" in found
    assert {name: typed(page)[name] for name in wrong} == wrong
    for link in page.css(".notice a"):
        assert page.css_first(str(link.attributes["href"])) is not None
    assert stored(world) == before


def test_a_conflict_shows_what_the_other_changed(world: Agreed, browser: httpx2.Client) -> None:
    mine = {**typed(get(browser, EDIT)), "type": "Strategic"}
    document = {k: v for k, v in stored(world).items() if k not in _META}
    world.client.put(f"/contracts/{RICH}", **{**document, "branch": "East"})
    answer = press(browser, EDIT, mine, "save")
    page = Html(answer.text)
    assert answer.status_code == 409
    assert "branch West becomes East" in said(page, ".notice")
    assert typed(page)["type"] == "Strategic"
    assert stored(world)["type"] == "Enterprise"
    assert press(browser, EDIT, typed(page), "save").status_code == 303
    assert stored(world)["type"] == "Strategic"


_META = {
    "findings",
    "number",
    "version",
    "valid_from",
    "recorded_at",
    "author",
    "reason",
    "retired",
}


def test_the_whole_document_is_text_too(world: Agreed, browser: httpx2.Client) -> None:
    page = Html(press(browser, EDIT, typed(get(browser, EDIT)), "text").text)
    fields = typed(page)
    assert fields["mode"] == "text"
    assert '"crm": "0061x"' in fields["document"]
    fields["document"] = re.sub("0061x", "0099y", fields["document"])
    assert press(browser, EDIT, fields, "save").status_code == 303
    assert stored(world)["attributes"]["crm"] == "0099y"
    broken = press(browser, EDIT, {**fields, "document": "lines: [unclosed"}, "preview")
    assert broken.status_code == 422
    assert "lines: [unclosed" in typed(Html(broken.text))["document"]


def test_a_new_contract(world: Agreed, browser: httpx2.Client) -> None:
    fields = typed(get(browser, "/contracts/new"))
    assert press(browser, "/contracts/new", fields, "preview").status_code == 422
    named = {**fields, "number": "NEW-2", "account": "nord", "base_charges.0.name": "fee",
             "base_charges.0.amount": "75"}  # fmt: skip
    preview = Html(press(browser, "/contracts/new", named, "preview").text)
    assert "A new contract, NEW-2." in said(preview, "#preview")
    assert "fee – €75.00" in said(preview, "#preview")
    assert press(browser, "/contracts/new", named, "save").status_code == 303
    assert stored(world, "NEW-2")["base_charges"][0]["amount"] == "75"
    taken = press(browser, "/contracts/new", named, "save")
    assert taken.status_code == 422
    assert "There is a contract with this number" in said(Html(taken.text), ".notice")


@pytest.mark.parametrize("role", ["csm", "analyst", "customer_admin"])
def test_who_may_not_define_is_told_what_to_do(world: Agreed, role: str) -> None:
    with world.browser(role) as reader:
        assert "Edit" not in said(get(reader, f"/contracts/{RICH}"), ".actions")
        for path in (EDIT, "/contracts/new"):
            answer = reader.get(path)
            assert answer.status_code == 403
            assert "Ask your administrator" in answer.text
            assert reader.post(path, data={"action": "save"}).status_code == 403


def test_a_form_of_another_site_is_refused(world: Agreed, browser: httpx2.Client) -> None:
    fields = {**typed(get(browser, EDIT)), "name": "Theirs", "action": "save"}
    headers = {"origin": "https://elsewhere.example", "sec-fetch-site": "cross-site"}
    assert browser.post(EDIT, data=fields, headers=headers).status_code == 403
    assert stored(world)["name"] != "Theirs"


@pytest.mark.parametrize(
    "text",
    [
        "lines: 5",
        "lines: [5]",
        "lines: [[5]]\nbase_charges: {a: 1}",
        "lines: [{price: {model: graduated, tiers: [5, {flat_amount: [1]}]}, allotment: 3}]",
        "billing: x\nphases: no\nmeter_groups: [{overage_tiers: [a], meters: 3}]",
        "discounts: [{lines: 1}]\ncsm: 3\nsales_rep: [x]\nrenewal: 0",
        'a: "\\ud800"',
        "a: 1e9999999",
        "a: !!timestamp x",
        "[" * 3_000,
    ],
)
@pytest.mark.parametrize("mode", ["form", "text"])
@pytest.mark.parametrize("action", ["preview", "text", "form", "save"])
def test_any_text_is_answered_and_saves_nothing(
    world: Agreed, browser: httpx2.Client, text: str, mode: str, action: str
) -> None:
    before = stored(world)
    answer = press(browser, EDIT, {"document": text, "mode": mode}, action)
    assert answer.status_code in {200, 422}, answer.text
    assert stored(world) == before


@pytest.mark.parametrize(
    "path",
    [
        EDIT,
        "/contracts/new",
        "/sign-in",
        f"/statements/{RICH}/close",
        f"/volume/{RICH}/x/contact",
        "/cases/x",
    ],
)
def test_a_form_of_too_many_fields_is_refused(browser: httpx2.Client, path: str) -> None:
    answer = browser.post(path, data={f"a{n}": "1" for n in range(2_100)})
    assert answer.status_code in {404, 405, 413}, answer.text
    assert answer.status_code != 413 or "fields" in answer.text
