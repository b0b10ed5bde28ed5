"""What changed between two documents: by name, not by place, and nothing that did not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model import canonical
from tallybook.model.difference import Change, difference


def lines(**quantities: int) -> dict[str, Any]:
    return {"lines": [{"code": k, "allotment": {"quantity": q}} for k, q in quantities.items()]}


YES: Any = True
FIRST = {"code": "a", "allotment": {"quantity": 1}}
CASES: list[tuple[Any, Any, list[Change]]] = [
    ({"name": "a"}, {"name": "b"}, [Change("name", "a", "b")]),
    (
        lines(sms=10000, mail=1),
        lines(sms=12000, mail=1),
        [Change("lines[sms].allotment.quantity", 10000, 12000)],
    ),
    (
        lines(b=2),
        lines(a=1, b=2),
        [Change("lines[a]", None, FIRST), Change("lines", ["b"], ["a", "b"])],
    ),
    (lines(b=2), lines(b=2, a=1), [Change("lines[a]", None, FIRST)]),
    (lines(a=1, b=2), lines(b=2), [Change("lines[a]", FIRST, None)]),
    (lines(a=1, b=2), lines(b=2, a=1), [Change("lines", ["a", "b"], ["b", "a"])]),
    (
        {"tiers": [{"up_to": 1}, {"up_to": None}]},
        {"tiers": [{"up_to": 2}, {"up_to": None}]},
        [Change("tiers[0].up_to", 1, 2)],
    ),
    ({"meters": ["a"]}, {"meters": ["a", "b"]}, [Change("meters", ["a"], ["a", "b"])]),
    ({"price": None}, {"price": {"model": "flat"}}, [Change("price", None, {"model": "flat"})]),
    ({"x": 1}, {"x": "1"}, [Change("x", 1, "1")]),
    ({"x": YES}, {"x": 1}, [Change("x", YES, 1)]),
    ({}, {"x": None}, [Change("x", None, None)]),
    (
        {"phases": [{"start_date": "2026-01-01", "name": None}]},
        {"phases": [{"start_date": "2026-01-01", "name": "Trial"}]},
        [Change("phases[2026-01-01].name", None, "Trial")],
    ),
]


@pytest.mark.parametrize(("before", "after", "expected"), CASES)
def test_a_change_names_its_field(before: Any, after: Any, expected: list[Change]) -> None:
    assert list(difference(before, after)) == expected


NAMES = st.sampled_from("abc")
VALUES = st.sampled_from([None, 0, 1, "1", True, [], ["a"]])
ITEMS = st.fixed_dictionaries({"code": NAMES}, optional={"x": VALUES, "y": VALUES})
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "v": VALUES,
        "named": st.lists(ITEMS, max_size=3, unique_by=lambda item: str(item["code"])),
        "free": st.lists(st.dictionaries(NAMES, VALUES, max_size=2), max_size=3),
        "alike": st.lists(ITEMS, max_size=3),
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {"name": NAMES}, optional={"sub": PARTS, "parts": st.lists(PARTS)}
)


@given(DOCUMENTS, DOCUMENTS)
def test_nothing_differs_just_where_documents_are_one(before: Any, after: Any) -> None:
    found = list(difference(before, after))
    assert bool(found) is (canonical.encode(before) != canonical.encode(after))
    assert len({change.field for change in found}) == len(found)


def line_of(code: str) -> st.SearchStrategy[dict[str, Any]]:
    """Draw a line of this code."""
    return st.fixed_dictionaries({"code": st.just(code), "n": st.integers(0, 2)})


CODES = st.lists(NAMES, unique=True, max_size=3)
VERSIONS = st.fixed_dictionaries(
    {
        "lines": CODES.flatmap(lambda codes: st.tuples(*map(line_of, codes)).map(list)),
        "v": st.integers(0, 2),
    }
)


@given(VERSIONS, VERSIONS)
def test_applied_to_the_older_document_it_makes_the_newer(before: Any, after: Any) -> None:
    made = {"v": before["v"], "lines": {line["code"]: line for line in before["lines"]}}
    order: list[str] | None = None
    for field, _, new in difference(before, after):
        name, _, below = field.removeprefix("lines[").partition("]")
        if field in {"v", "lines"}:
            made["v"], order = (new, order) if field == "v" else (made["v"], new)
        elif below:
            made["lines"][name] = {**made["lines"][name], below.removeprefix("."): new}
        elif new is None:
            del made["lines"][name]
        else:
            made["lines"][name] = new
    found = [made["lines"][code] for code in order or made["lines"]]
    assert {"v": made["v"], "lines": found} == after
