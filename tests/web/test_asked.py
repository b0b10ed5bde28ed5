"""What a list's links ask for: a table of addresses, each with the links it must show."""

from typing import Literal
from urllib.parse import parse_qsl

import pytest

from tallybook.web.pages.asked import ROWS, Address, last_page
from tallybook.web.pages.view import Column, Pager


def address(query: str) -> Address:
    return Address("/list", dict(parse_qsl(query)))


@pytest.mark.parametrize(
    ("query", "first", "shown"),
    [
        ("q=a&page=3", "asc", ("/list?q=a&sort=name&dir=asc", None)),
        ("q=a&page=3", "desc", ("/list?q=a&sort=name&dir=desc", None)),
        ("sort=other&dir=desc", "asc", ("/list?sort=name&dir=asc", None)),
        ("sort=name&dir=asc", "asc", ("/list?sort=name&dir=desc", "ascending")),
        ("sort=name&dir=desc", "asc", ("/list?sort=name&dir=asc", "descending")),
    ],
)  # fmt: skip
def test_a_heading_sorts_from_the_first_page_and_then_turns(
    query: str, first: Literal["asc", "desc"], shown: tuple[str, str | None]
) -> None:
    asked = address(query)
    by = asked.sorted_by(("name", "other"), "other")
    descending = asked.text("dir") == "desc"
    made = asked.heading(Column("Name"), "name", by, descending=descending, first=first)
    assert (made.url, made.order) == shown


@pytest.mark.parametrize(
    ("query", "total", "pager"),
    [
        ("", 0, Pager(0, 0, 0)),
        ("", ROWS, Pager(1, ROWS, ROWS)),
        ("q=a", ROWS + 1, Pager(1, ROWS, ROWS + 1, next_url="/list?q=a&page=2")),
        ("page=2", ROWS + 1, Pager(ROWS + 1, ROWS + 1, ROWS + 1, "/list?page=1")),
        ("page=9", ROWS + 1, Pager(ROWS + 1, ROWS + 1, ROWS + 1, "/list?page=1")),
        ("page=-1", ROWS + 1, Pager(1, ROWS, ROWS + 1, next_url="/list?page=2")),
        ("page=" + "9" * 30, 1, Pager(1, 1, 1)),
    ],
)  # fmt: skip
def test_a_pager_leads_to_the_pages_there_are(query: str, total: int, pager: Pager) -> None:
    asked = address(query)
    assert asked.pager(min(asked.number, last_page(total)), total) == pager


def test_a_form_keeps_what_it_does_not_send_and_starts_at_the_first_page() -> None:
    asked = address("q=a&status=over&page=4&branch=West")
    assert asked.find().value == "a"
    assert asked.find().hidden == (("status", "over"), ("branch", "West"))
    assert asked.kept("branch") == (("q", "a"), ("status", "over"))


def test_what_is_not_known_is_as_if_not_said() -> None:
    asked = address("status=none&sort=none")
    assert asked.get("status", ("over",)) == ""
    assert asked.get("sort", ("none",)) == "none"
    assert asked.sorted_by(("name", "other"), "other") == "other"
