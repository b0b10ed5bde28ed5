from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.errors import Forbidden
from tallybook.model.scope import ROLES, Member, Role, Scope, operator


def day(number: int) -> datetime:
    return datetime(2026, 3, number, tzinfo=UTC)


def test_the_installation_may_do_everything() -> None:
    scope = operator()
    for verb in ("read", "ingest", "define", "administer"):
        scope.require(verb)
    assert scope.sees("anyone")
    assert scope.sees_prices


def test_a_role_lacks_verbs_and_a_key_may_lack_more() -> None:
    assert not Scope("x", "ingest").may("read")
    assert Scope("x", "finance").may("define")
    limited = Scope("x", "admin", verbs=frozenset({"read"}))
    assert limited.may("read")
    assert not limited.may("define")
    assert not Scope("x", "csm", verbs=frozenset({"define"})).may("define")
    with pytest.raises(Forbidden) as refusal:
        limited.require("define")
    assert refusal.value.code == "verb_not_allowed"


@pytest.mark.parametrize("role", ROLES)
def test_who_sees_prices(role: Role) -> None:
    seen = {"admin", "finance", "csm", "customer_admin", "parent_admin"}
    assert Scope("x", role).sees_prices == (role in seen)
    named = Scope("x", role, names=frozenset({"rita", "rita@example.com"}))
    assert named.sees_prices_of(["Rita"]) == (role in {*seen, "sales_rep"})
    assert named.sees_prices_of(["Omar"]) == (role in seen)
    assert named.sees_prices_of([]) == (role in seen)


def test_a_scope_narrows_members_to_spans_it_sees() -> None:
    scope = Scope(
        "x",
        "csm",
        accounts=(
            Member("a", day(5), day(10)),
            Member("a", day(20), day(25)),
            Member("b", day(1), day(2)),
        ),
    )
    asked = [
        Member("a", day(1), day(22), 3),
        Member("b", day(2), day(9)),
        Member("c", day(1), day(9)),
    ]
    assert scope.narrow(asked) == [
        Member("a", day(5), day(10), 3),
        Member("a", day(20), day(22), 3),
    ]
    assert operator().narrow(asked) == asked
    assert scope.sees("b")
    assert not scope.sees("c")


SPANS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 9), st.integers(1, 9)), max_size=4)


@given(SPANS, SPANS)
def test_an_instant_is_kept_when_it_was_asked_for_and_is_seen(
    seen: list[tuple[str, int, int]], asked: list[tuple[str, int, int]]
) -> None:
    scope = Scope("x", "csm", accounts=tuple(Member(k, day(a), day(b)) for k, a, b in seen))
    found = scope.narrow([Member(k, day(a), day(b)) for k, a, b in asked])
    for key in "ab":
        for at in map(day, range(1, 10)):
            kept = any(m.account == key and m.start <= at < m.end for m in found)
            wanted = any(k == key and day(a) <= at < day(b) for k, a, b in asked)
            visible = any(k == key and day(a) <= at < day(b) for k, a, b in seen)
            assert kept == (wanted and visible)
