import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model import limits
from tallybook.model.directory import Directory
from tallybook.model.errors import Conflict, Forbidden, Invalid, NotFound, TallybookError
from tallybook.model.ports import NounName, Version
from tallybook.model.scope import Member, Scope
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT
from tallybook.operations import definitions
from tallybook.operations.define import Change, define_many
from tests.books import NOW, STORES, Shelf, shelf

METER: dict[str, Any] = {"event_type": "call", "aggregation": "count"}
PRICE = {"model": "per_unit", "unit_amount": "0.002"}


#: For what is refused before a store is asked.
refused = pytest.mark.parametrize("home", ["sqlite"], indirect=True)


@pytest.fixture(params=STORES)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    with shelf(tmp_path, request.param) as opened:
        yield opened


def contract(account: str = "acme", **more: Any) -> dict[str, Any]:
    line = {"code": "calls", "meter": "calls", "allotment": {"quantity": 100}, "price": PRICE}
    return {"account": account, "start_date": "2026-01-01", "lines": [line], **more}


@pytest.fixture
def filled(home: Shelf) -> Shelf:
    home.put("account", "acme", name="Acme", timezone="America/Chicago")
    home.put("account", "acme.west", name="West", parent="acme")
    home.put("account", "other", name="Other")
    home.put("meter", "calls", **METER)
    home.put("contract", "C-1", **contract())
    home.put("contract", "C-2", **contract("other"))
    return home


def directory(home: Shelf, now: datetime = NOW) -> Directory:
    return home.directories.current(home.scope).on(now.date())


def customer(role: Any = "parent_admin", *accounts: str) -> Scope:
    keys = accounts or ("acme", "acme.west")
    return Scope("them", role, tuple(Member(k, FIRST_INSTANT, LAST_INSTANT) for k in keys))


def many(home: Shelf, *changes: tuple[NounName, str, dict[str, Any]]) -> list[Any]:
    asked = [Change(*change) for change in changes]
    return define_many(home.scope, home.books, home.directories, asked, NOW)


def test_the_first_version_holds_from_the_beginning_and_the_next_from_today(home: Shelf) -> None:
    first = home.put("account", "a", timezone="Pacific/Auckland")
    night = datetime(2026, 3, 10, 13, tzinfo=UTC)  # the 11th in Auckland
    second = home.put("account", "a", now=night, timezone="Pacific/Auckland", name="A")
    assert (first.number, first.valid_from, first.author) == (1, None, "tester")
    assert (second.number, second.valid_from) == (2, date(2026, 3, 11))
    assert second.recorded_at == night
    found = directory(home)
    assert found.at("account", "a", date(2026, 3, 10)).name is None  # type: ignore[union-attr] # it is there
    assert found.at("account", "a", date(2026, 3, 11)).name == "A"  # type: ignore[union-attr] # it is there


def test_a_contracts_today_is_that_of_its_zone_or_its_accounts(filled: Shelf) -> None:
    night = datetime(2026, 3, 10, 3, tzinfo=UTC)  # still the 9th in Chicago
    assert filled.put("contract", "C-1", now=night, **contract(name="x")).valid_from == date(
        2026, 3, 9
    )
    tokyo = contract(name="y", timezone="Asia/Tokyo")
    late = datetime(2026, 3, 10, 20, tzinfo=UTC)
    assert filled.put("contract", "C-2", now=late, **tokyo).valid_from == date(2026, 3, 11)
    meter = filled.put("meter", "calls", now=night, unit="calls", **METER)
    assert meter.valid_from == date(2026, 3, 10)


def test_documents_are_kept_whole_and_exact(home: Shelf) -> None:
    free = {"x": Decimal("0.1000000000000000000000000000001"), "y": 1, "z": "1"}
    made = home.put("account", "a", attributes=free, valid_from="2026-01-05", reason="why")
    assert (made.valid_from, made.reason) == (date(2026, 1, 5), "why")
    assert made.document["attributes"] == free
    assert made.document["timezone"] == "UTC"
    assert made == home.books.history(home.scope, "account", "a")[0]
    assert "valid_from" not in made.document


def test_a_number_and_its_text_are_two_filters(home: Shelf) -> None:
    term = {"property": "size", "op": "eq", "value": Decimal("1.5")}
    one = home.put("meter", "m", filter=[term], **METER)
    two = home.put("meter", "m", filter=[{**term, "value": "1.5"}], **METER)
    assert (one.number, two.number) == (1, 2)
    found = directory(home).meter("m")
    assert found is not None
    assert found.filter[0].value == "1.5"


def test_saying_the_same_again_changes_nothing(filled: Shelf) -> None:
    revision = filled.books.revision(filled.scope)
    again = filled.put("contract", "C-1", **contract(currency=None))
    assert (again.number, filled.books.revision(filled.scope)) == (1, revision)
    later = filled.put("contract", "C-1", valid_from="2027-01-01", **contract())
    assert later.number == 1
    other = filled.put("contract", "C-1", **contract(name="new"))
    assert other.number == 2
    assert filled.put("contract", "C-1", **contract()).number == 3


def test_a_version_before_the_first_is_a_change(home: Shelf) -> None:
    home.put("account", "a", valid_from="2026-03-01")
    assert home.put("account", "a", valid_from="2026-02-01").number == 2


def test_if_match_is_the_number_that_was_read(home: Shelf) -> None:
    home.put("account", "a", if_match=0)
    home.put("account", "a", name="b", if_match=1)
    with pytest.raises(Conflict) as refusal:
        home.put("account", "a", name="c", if_match=1)
    assert refusal.value.code == "version_conflict"


REFUSED: tuple[tuple[NounName, str, dict[str, Any], str, str], ...] = (
    ("account", "a b", {}, "document_invalid", "key"),
    ("account", "a/b", {}, "document_invalid", "key"),
    ("account", "a", {"key": "b"}, "key_mismatch", "key"),
    ("contract", "C", contract(number="D"), "key_mismatch", "number"),
    ("account", "a", {"nmae": "x"}, "document_invalid", "nmae"),
    ("account", "a", {"timezone": "Mars/Base"}, "document_invalid", "timezone"),
    ("account", "a", {"currency": "XXX"}, "document_invalid", "currency"),
    ("account", "a", {"valid_from": "2026-02-30"}, "date_invalid", "valid_from"),
    ("account", "a", {"valid_from": 20260301}, "date_invalid", "valid_from"),
    ("account", "a", {"valid_from": "0001-01-01"}, "date_invalid", "valid_from"),
    ("account", "a", {"valid_from": NOW}, "date_invalid", "valid_from"),
    ("account", "a", {"reason": 7}, "document_invalid", "reason"),
    ("account", "a", {"reason": "x" * 1001}, "document_invalid", "reason"),
    ("account", "a", {"parent": "nobody"}, "unknown_parent", "parent"),
    ("account", "a", {"parent": "a"}, "tree_cycle", "parent"),
    ("account", "a", {"name": "\ud83d"}, "text_invalid", "name"),
    ("account", "a", {"attributes": {"x": {"y": ["\ud83d"]}}}, "text_invalid", "attributes.x.y.0"),
    ("account", "a", {"attributes": {"\ud83d": 1}}, "text_invalid", "attributes"),
    ("account", "a", {"attributes": {"x": 0.5}}, "number_invalid", "attributes.x"),
    ("account", "a", {"attributes": {"x": Decimal("NaN")}}, "number_invalid", "attributes.x"),
    (
        "account",
        "a",
        {"attributes": {"x": Decimal("1E+999999")}},
        "number_out_of_range",
        "attributes.x",
    ),
    ("account", "a", {"attributes": {"x": 10**38}}, "number_out_of_range", "attributes.x"),
    ("meter", "m", {"event_type": "x"}, "document_invalid", "aggregation"),
    ("meter", "m", {"event_type": "x", "aggregation": "mode"}, "unknown_kind", "aggregation"),
    ("meter", "m", {"event_type": "x", "aggregation": "../sum"}, "document_invalid", "aggregation"),
    ("meter", "m", {"event_type": "x", "aggregation": "sum"}, "property_missing", "property"),
    ("contract", "C", contract("nobody"), "unknown_account", "account"),
    ("contract", "C", contract(start_date="soon"), "document_invalid", "start_date"),
    (
        "contract",
        "C",
        contract(lines=[{"code": "x", "meter": "nope"}]),
        "unknown_meter",
        "lines.0.meter",
    ),
    (
        "contract",
        "C",
        contract(lines=[{"code": "x", "meter": "calls", "price": {}}]),
        "price_model_missing",
        "lines.0.price.model",
    ),
    (
        "contract",
        "C",
        contract(lines=[{"code": "x", "meter": "calls", "price": {"model": "free"}}]),
        "unknown_kind",
        "lines.0.price.model",
    ),
    (
        "contract",
        "C",
        contract(lines=[{"code": "x", "meter": "calls", "price": {"model": "per_unit"}}]),
        "document_invalid",
        "lines.0.price.unit_amount",
    ),
)


@refused
@pytest.mark.parametrize(("noun", "key", "body", "code", "field"), REFUSED)
def test_what_cannot_mean_anything_is_refused_at_its_field(
    filled: Shelf, noun: NounName, key: str, body: dict[str, Any], code: str, field: str
) -> None:
    before = filled.books.revision(filled.scope)
    with pytest.raises(Invalid) as refusal:
        filled.put(noun, key, **body) if "key" not in body else many(filled, (noun, key, body))
    assert (refusal.value.code, refusal.value.facts["field"]) == (code, field)
    assert filled.books.revision(filled.scope) == before


@refused
def test_a_body_that_is_no_object_is_refused(home: Shelf) -> None:
    bodies: tuple[Any, ...] = (None, [], "x", 7)
    for body in bodies:
        with pytest.raises(Invalid):
            many(home, ("account", "a", body))


@refused
def test_deep_documents_are_refused_before_they_cost_anything(home: Shelf) -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(Invalid) as refusal:
        home.put("account", "a", attributes={"x": deep})
    assert refusal.value.code == "document_too_deep"
    assert refusal.value.facts["limit"] == limits.JSON_DEPTH_MAX


def test_one_commit_may_name_what_comes_later_in_it(home: Shelf) -> None:
    made = many(
        home,
        ("contract", "C", contract("child")),
        ("account", "child", {"parent": "root"}),
        ("account", "root", {}),
        ("meter", "calls", METER),
    )
    assert {v.revision for v in made} == {1}
    assert [v.key for v in made] == ["C", "child", "root", "calls"]


def test_many_are_all_or_none(home: Shelf) -> None:
    with pytest.raises(Invalid):
        many(home, ("account", "a", {}), ("account", "b", {"parent": "zzz"}))
    assert home.books.revision(home.scope) == 0
    assert many(home, ("account", "a", {}), ("account", "b", {}))[1].revision == 1


def test_a_key_may_get_its_history_in_one_commit(home: Shelf) -> None:
    made = many(
        home,
        ("account", "a", {"name": "1"}),
        ("account", "a", {"name": "2", "valid_from": "2026-02-01"}),
        ("account", "a", {"name": "2", "valid_from": "2026-02-09"}),
    )
    assert [v.number for v in made] == [1, 2, 2]
    assert made[1] == made[2] == home.books.history(home.scope, "account", "a")[1]


def test_a_cycle_is_seen_over_time_and_only_where_it_closes(home: Shelf) -> None:
    many(home, ("account", "a", {}), ("account", "b", {"parent": "a"}))
    with pytest.raises(Invalid) as refusal:
        home.put("account", "a", parent="b", valid_from="2030-01-01")
    assert refusal.value.code == "tree_cycle"
    assert refusal.value.facts["key"] == "a"
    home.put("account", "b", valid_from="2029-01-01")
    assert home.put("account", "a", parent="b", valid_from="2030-01-01").number == 2


def test_a_cycle_within_one_commit_is_seen(home: Shelf) -> None:
    for cycle in (["a", "b"], ["a", "b", "c"]):
        ring = zip(cycle, [*cycle[1:], cycle[0]], strict=True)
        with pytest.raises(Invalid) as refusal:
            many(home, *(("account", key, {"parent": parent}) for key, parent in ring))
        assert refusal.value.code == "tree_cycle"


def test_a_tree_has_sixteen_levels_and_no_more(home: Shelf) -> None:
    chain = [("account", f"a{n}", {"parent": f"a{n - 1}"} if n else {}) for n in range(16)]
    many(home, *chain)  # type: ignore[arg-type] # noun, key and document each
    with pytest.raises(Invalid) as refusal:
        home.put("account", "leaf", parent="a15")
    assert refusal.value.code == "tree_too_deep"
    home.put("account", "top")
    with pytest.raises(Invalid) as refusal:  # the levels below the moved account count too
        home.put("account", "a0", parent="top")
    assert refusal.value.code == "tree_too_deep"


MOVES = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from([None, *"abcd"]), st.integers(0, 2)),
    max_size=8,
)


@given(MOVES)
def test_no_series_of_moves_makes_a_cycle(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[str, str | None, int]]
) -> None:
    with shelf(tmp_path_factory.mktemp("books")) as home:
        many(home, *(("account", key, {}) for key in "abcd"))
        refused: set[str] = set()
        for key, parent, offset in moves:
            try:
                home.put("account", key, parent=parent, valid_from=f"2026-04-0{offset + 1}")
            except Invalid as e:
                refused.add(e.code)
        assert refused <= {"tree_cycle"}
        tree = directory(home)
        for offset in range(4):
            noon = datetime(2026, 3, 31, 12, tzinfo=UTC) + timedelta(days=offset)
            above = {
                link.account: link.parent
                for key in "abcd"
                for link in tree.links(key)
                if link.start <= noon < link.end
            }
            for key in "abcd":
                steps, here = 0, key
                while here in above:
                    here, steps = above[here], steps + 1
                    assert steps < 4


def test_two_moves_at_once_cannot_close_a_cycle(home: Shelf) -> None:
    for turn in range(5):
        a, b = f"a{turn}", f"b{turn}"
        many(home, ("account", a, {}), ("account", b, {}))
        refused: list[str] = []

        def move(key: str, parent: str, refused: list[str] = refused) -> None:
            try:
                home.put("account", key, parent=parent)
            except Invalid as e:
                refused.append(e.code)

        threads = [threading.Thread(target=move, args=pair) for pair in ((a, b), (b, a))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert refused == ["tree_cycle"]


def test_a_retired_noun_ends_today_and_its_key_is_not_given_again(filled: Shelf) -> None:
    filled.put("contract", "C-1", name="next", valid_from="2026-09-01", **contract())
    ended = filled.retire("contract", "C-1", reason="sold")
    assert (ended.retired, ended.valid_from, ended.reason) == (True, date(2026, 3, 10), "sold")
    found = directory(filled)
    assert found.at("contract", "C-1", date(2026, 3, 9)) is not None
    assert found.at("contract", "C-1", date(2026, 3, 10)) is None
    assert found.at("contract", "C-1", date(2026, 9, 1)) is None
    again = filled.retire("contract", "C-1")
    assert again == ended
    with pytest.raises(Conflict) as refusal:
        filled.put("contract", "C-1", **contract())
    assert refusal.value.code == "key_retired"
    past = filled.put("contract", "C-1", name="corrected", valid_from="2026-02-01", **contract())
    assert past.number == 5
    assert definitions.get(filled.scope, directory(filled), "contract", "C-1", NOW).retired
    listed = definitions.page(filled.scope, directory(filled), "contract", NOW)
    assert [v.key for v in listed.items] == ["C-2"]


def test_only_the_version_that_was_read_is_retired(filled: Shelf) -> None:
    def end(if_match: int) -> Version:
        return filled.retire("contract", "C-1", if_match=if_match)

    filled.put("contract", "C-1", name="changed", **contract())
    filled.put("contract", "C-1", name="planned", valid_from="2026-09-01", **contract())
    with pytest.raises(Conflict) as refusal:
        end(1)
    assert refusal.value.code == "version_conflict"
    assert end(3).retired


@pytest.mark.parametrize(("noun", "key"), [("account", "acme"), ("meter", "calls")])
def test_what_is_still_used_is_not_retired(filled: Shelf, noun: NounName, key: str) -> None:
    with pytest.raises(Conflict) as refusal:
        filled.retire(noun, key)
    assert refusal.value.code == "still_used"


def test_what_is_no_longer_used_is_retired(filled: Shelf) -> None:
    def end(noun: NounName, key: str, now: datetime) -> None:
        assert filled.retire(noun, key, now=now).retired

    for number, account in (("C-1", "acme"), ("C-2", "other")):
        filled.put("contract", number, **contract(account, status="ended"))
    filled.put("account", "acme.west", name="West", valid_from="2026-03-12")
    with pytest.raises(Conflict):
        end("account", "acme", NOW)
    end("account", "acme", NOW + timedelta(days=2))
    end("meter", "calls", NOW)
    filled.put("account", "acme.west", name="West", parent="other", valid_from="2026-03-14")
    filled.put("account", "acme.west", name="West", valid_from="2026-03-15")
    end("account", "other", NOW + timedelta(days=5))
    with pytest.raises(NotFound):
        end("meter", "nothing", NOW)
    with pytest.raises(Invalid):
        filled.put("account", "new", parent="acme", now=NOW + timedelta(days=3))


def test_get_and_history_read_what_was_written(filled: Shelf) -> None:
    planned = filled.put("account", "soon", valid_from="2026-12-01")
    found = directory(filled)
    assert definitions.get(filled.scope, found, "account", "soon", NOW) == planned
    assert definitions.get(filled.scope, found, "account", "acme", NOW).document["name"] == "Acme"
    assert len(definitions.history(filled.scope, found, "account", "acme", NOW)) == 1
    with pytest.raises(NotFound) as refusal:
        definitions.get(filled.scope, found, "account", "x" * 500, NOW)
    assert len(refusal.value.detail) < 200


@pytest.mark.parametrize("timezone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
def test_what_was_just_changed_is_what_is_read(filled: Shelf, timezone: str) -> None:
    filled.put("contract", "C-1", **contract(timezone=timezone))
    changed = filled.put("contract", "C-1", name="new", **contract(timezone=timezone))
    assert definitions.get(filled.scope, directory(filled), "contract", "C-1", NOW) == changed
    page = definitions.page(filled.scope, directory(filled), "contract", NOW)
    assert page.items[0] == changed


def test_a_page_follows_another_until_all_are_seen_once(home: Shelf) -> None:
    keys = [f"k{n:03}" for n in range(57)]
    many(home, *(("account", key, {"name": f"Nämé {key[-1]}"}) for key in reversed(keys)))
    for limit in (1, 10, 57, 500):
        seen, cursor = [], None
        while True:
            page = definitions.page(
                home.scope, directory(home), "account", NOW, cursor=cursor, limit=limit
            )
            assert page.totals == {"count": 57}
            seen += [v.key for v in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == keys
    found = definitions.page(home.scope, directory(home), "account", NOW, q="NÄMÉ 3")
    assert [v.key for v in found.items] == [k for k in keys if k.endswith("3")]
    assert (
        definitions.page(home.scope, directory(home), "account", NOW, q="K01").totals["count"] == 10
    )


@refused
@pytest.mark.parametrize("asked", [{"limit": 0}, {"limit": 501}, {"cursor": "€"}, {"cursor": "x"}])
def test_a_page_that_cannot_be_is_refused(home: Shelf, asked: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        definitions.page(home.scope, directory(home), "account", NOW, **asked)


def test_customers_read_only_what_is_theirs(filled: Shelf) -> None:
    for role in ("customer_viewer", "customer_admin", "parent_admin"):
        scope = customer(role)
        theirs: dict[NounName, list[str]] = {
            "account": ["acme", "acme.west"],
            "contract": ["C-1"],
            "meter": ["calls"],
        }
        for noun, keys in theirs.items():
            page = definitions.page(scope, directory(filled), noun, NOW)
            assert [v.key for v in page.items] == keys
            assert page.totals == {"count": len(keys)}
        others: list[tuple[NounName, str]] = [
            ("account", "other"),
            ("contract", "C-2"),
            ("account", "none"),
        ]
        for noun, key in others:
            for read in (definitions.get, definitions.history):
                with pytest.raises(NotFound) as refusal:
                    read(scope, directory(filled), noun, key, NOW)
                assert refusal.value.detail == f"There is no {noun} {key!r}."


@refused
def test_roles_without_the_verb_are_refused(filled: Shelf) -> None:
    for role in ("csm", "analyst", "customer_admin", "ingest"):
        with pytest.raises(Forbidden):
            filled.put("account", "acme", scope=customer(role), name="x")
        with pytest.raises(Forbidden):
            filled.retire("account", "acme", scope=customer(role))
    with pytest.raises(Forbidden):
        definitions.page(customer("ingest"), directory(filled), "account", NOW)
    with pytest.raises(Forbidden):
        definitions.get(customer("ingest"), directory(filled), "account", "acme", NOW)


PARENT_ADMIN: tuple[tuple[NounName, str, dict[str, Any], type[TallybookError]], ...] = (
    ("account", "other", {"name": "x"}, NotFound),
    ("account", "acme.west", {"parent": "other"}, Invalid),
    ("account", "acme.west", {}, Invalid),
    ("account", "stray", {}, Invalid),
    ("account", "stray", {"parent": "other"}, Invalid),
    ("meter", "calls", {**METER, "unit": "x"}, Forbidden),
    ("meter", "new", METER, Forbidden),
    ("contract", "C-1", contract(name="cheap"), Forbidden),
    ("contract", "C-2", contract("other", name="cheap"), NotFound),
    ("contract", "new", contract(), NotFound),
)


@refused
@pytest.mark.parametrize(("noun", "key", "body", "refusal"), PARENT_ADMIN)
def test_a_parent_admin_changes_nothing_outside_their_tree(
    filled: Shelf, noun: NounName, key: str, body: dict[str, Any], refusal: type[TallybookError]
) -> None:
    with pytest.raises(refusal):
        filled.put(noun, key, scope=customer(), **body)


def test_a_parent_admin_changes_and_adds_their_own_accounts(filled: Shelf) -> None:
    assert filled.put("account", "acme", scope=customer(), name="ACME").author == "them"
    assert filled.put("account", "acme.east", scope=customer(), parent="acme.west").number == 1
