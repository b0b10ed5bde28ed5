from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.directory import Directory, Link
from tallybook.model.ports import NounName, Version
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT

RECORDED = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = date(2026, 3, 1)
ZONES = ("UTC", "America/Chicago", "Pacific/Kiritimati", "Etc/GMT+12")


def version(
    key: str,
    revision: int,
    valid_from: date | None = None,
    *,
    noun: NounName = "account",
    number: int | None = None,
    retired: bool = False,
    **document: Any,
) -> Version:
    field = "number" if noun == "contract" else "key"
    return Version(
        noun,
        key,
        number or revision,
        revision,
        valid_from,
        RECORDED,
        "test",
        None,
        retired,
        {field: key, **document},
    )


KEYS = st.sampled_from(["a", "b"])
DAYS = st.none() | st.integers(0, 3).map(lambda n: FIRST + timedelta(days=n))
CHANGES = st.lists(st.tuples(KEYS, DAYS, st.booleans(), st.sampled_from(ZONES)), max_size=8)


def numbered(changes: list[tuple[str, date | None, bool, str]]) -> list[Version]:
    counts: dict[str, int] = {}
    versions = []
    for revision, (key, day, retired, timezone) in enumerate(changes, 1):
        counts[key] = counts.get(key, 0) + 1
        versions.append(
            version(
                key,
                revision,
                day,
                number=counts[key],
                retired=retired,
                timezone=timezone,
                name=f"{key}{revision}",
            )
        )
    return versions


def oracle(versions: list[Version], key: str, day: date) -> str | None:
    """The greatest (valid_from, revision) among what has come, said the slow way."""
    best = None
    for v in versions:
        since = v.valid_from or date.min
        if v.key != key or since > day:
            continue
        if best is None or since >= (best.valid_from or date.min):
            best = v
    return None if best is None or best.retired else best.document["name"]


@given(CHANGES, st.integers(0, 8), st.integers(-1, 5))
def test_a_day_is_ruled_by_the_last_word_on_the_latest_day_that_has_come(
    changes: list[tuple[str, date | None, bool, str]], cut: int, offset: int
) -> None:
    versions, day = numbered(changes), FIRST + timedelta(days=offset)
    whole = Directory().extend(versions)
    stepped = Directory().extend(versions[:cut]).extend(versions[cut:])
    past = whole.as_of(cut), versions[:cut]
    for directory, known in ((whole, versions), (stepped, versions), past):
        for key in ("a", "b"):
            wanted = oracle(known, key, day)
            found = directory.at("account", key, day)
            assert (found.name if found else None) == wanted
            current = directory.on(day).account(key)
            assert (current.name if current else None) == wanted
            spans = [
                s.noun.name
                for s in directory.spans("account", key)
                if (s.valid_from or date.min) <= day and (s.valid_to is None or day < s.valid_to)
            ]
            assert spans == ([] if wanted is None else [wanted])
        standing = {k: a.name for k, a in directory.on(day).accounts.items()}
        assert standing == {k: n for k in ("a", "b") if (n := oracle(known, k, day))}
        assert directory.on(day).keys("account") == tuple(sorted(standing))
        assert len(directory.on(day).accounts) == len(standing)


LINKS = st.lists(
    st.tuples(DAYS, st.sampled_from([None, "p", "q"]), st.booleans(), st.sampled_from(ZONES)),
    min_size=1,
    max_size=6,
)


@given(LINKS)
def test_links_never_overlap_and_change_when_the_accounts_own_day_starts(
    changes: list[tuple[date | None, str | None, bool, str]],
) -> None:
    versions = [
        version("c", n, day, parent=parent, retired=retired, timezone=zone)
        for n, (day, parent, retired, zone) in enumerate(changes, 1)
    ]
    directory = Directory().extend(versions)
    links = directory.links("c")
    for link in links:
        assert FIRST_INSTANT <= link.start < link.end <= LAST_INSTANT
    for before, after in pairwise(links):
        assert before.end <= after.start
        assert (before.parent, before.end) != (after.parent, after.start)
    for parent in ("p", "q"):
        assert directory.children(parent) == [link for link in links if link.parent == parent]
    for span in directory.spans("account", "c"):
        # The middle of the last day of a span is 12 hours from any turn in any zone.
        day = (span.valid_to or FIRST + timedelta(days=9)) - timedelta(days=1)
        if len({zone for _, _, _, zone in changes}) == 1 and (span.valid_from or day) <= day:
            noon = span.noun.calendar.start_of(day) + timedelta(hours=12)
            owners = [link.parent for link in links if link.start <= noon < link.end]
            assert owners == ([span.noun.parent] if span.noun.parent else [])


def test_a_move_takes_hold_at_the_moved_accounts_local_midnight() -> None:
    directory = Directory().extend(
        [
            version("c", 1, parent="p", timezone="America/Chicago"),
            version("c", 2, date(2026, 5, 1), parent="q", timezone="America/Chicago"),
        ]
    )
    turn = datetime(2026, 5, 1, 5, tzinfo=UTC)
    assert directory.links("c") == (
        Link("c", "p", FIRST_INSTANT, turn),
        Link("c", "q", turn, LAST_INSTANT),
    )
    assert directory.children("p") == [Link("c", "p", FIRST_INSTANT, turn)]


def test_a_zone_change_can_swallow_the_day_before() -> None:
    """The 11th begins on Kiritimati before the 10th does in the westernmost zone."""
    directory = Directory().extend(
        [
            version("c", 1, parent="p"),
            version("c", 2, date(2026, 3, 10), parent="q", timezone="Etc/GMT+12"),
            version("c", 3, date(2026, 3, 11), parent="r", timezone="Pacific/Kiritimati"),
        ]
    )
    turn = datetime(2026, 3, 10, 10, tzinfo=UTC)
    assert directory.links("c") == (
        Link("c", "p", FIRST_INSTANT, turn),
        Link("c", "r", turn, LAST_INSTANT),
    )


def test_two_days_that_begin_at_the_same_instant_are_one_turn() -> None:
    directory = Directory().extend(
        [
            version("c", 1, parent="p"),
            version("c", 2, date(2026, 3, 10), parent="q", timezone="Etc/GMT+12"),
            version("c", 3, date(2026, 3, 11), parent="r", timezone="Pacific/Fiji"),
        ]
    )
    turn = datetime(2026, 3, 10, 12, tzinfo=UTC)
    assert directory.links("c") == (
        Link("c", "p", FIRST_INSTANT, turn),
        Link("c", "r", turn, LAST_INSTANT),
    )


def test_children_of_a_replaced_plan_are_forgotten() -> None:
    day = date(2026, 5, 1)
    directory = Directory().extend(
        [
            version("c", 1, day, parent="p"),
            version("c", 2, day, parent="q"),
        ]
    )
    assert directory.children("p") == []
    assert [link.account for link in directory.children("q")] == ["c"]


def test_an_older_directory_stays_as_it_was() -> None:
    before = Directory().extend([version("a", 1, name="old")])
    after = before.extend([version("a", 2, name="new"), version("b", 2, number=1)])
    assert (before.revision, after.revision) == (1, 2)
    assert [d.account("a").name for d in (before, after) if d.account("a")] == ["old", "new"]  # type: ignore[union-attr] # it is there
    assert before.keys("account") == ("a",)
    assert after.keys("account") == ("a", "b")
    assert after.as_of(1).keys("account") == ("a",)


def test_a_plan_that_failed_leaves_no_trace() -> None:
    """It carried the number that the next version will carry, and was parsed."""
    before = Directory().extend([version("a", 1, name="old")])
    plan = version("a", 2, name="plan")
    assert before.extend([plan]).parsed(plan).title == "plan"
    real = before.extend([version("a", 2, name="real")])
    assert real.account("a").name == "real"  # type: ignore[union-attr] # it is there


def test_meters_and_contracts_are_found_by_their_keys() -> None:
    directory = Directory().extend(
        [
            version("m", 1, noun="meter", event_type="call", aggregation="count"),
            version("C-1", 2, noun="contract", number=1, account="a", start_date="2026-01-01"),
        ]
    )
    assert directory.meter("m") == directory.meters["m"]
    assert directory.contract("C-1") == directory.contracts["C-1"]
    assert [s.noun.key for s in directory.spans("contract", "C-1")] == ["C-1"]
    assert [v.revision for v in directory.history("contract", "C-1")] == [2]
    assert directory.version("meter", "m") == directory.history("meter", "m")[0]
    assert directory.links("m") == ()


def test_what_is_not_there_is_none_or_empty() -> None:
    directory = Directory()
    assert directory.account("a") is None
    assert directory.meter("a") is None
    assert directory.contract("a") is None
    assert directory.spans("account", "a") == []
    assert directory.history("account", "a") == ()
    assert directory.version("account", "a") is None
    assert directory.links("a") == ()
    assert directory.children("a") == []
    with pytest.raises(KeyError):
        directory.accounts["a"]
    with pytest.raises(KeyError):
        Directory().extend([version("a", 1, retired=True)]).accounts["a"]
