from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.directory import Directory
from tallybook.model.limits import TREE_DEPTH_MAX
from tallybook.model.ports import Version
from tallybook.model.scope import Member
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT
from tallybook.positions.hierarchy import above, ancestors, faults, members

RECORDED = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return datetime(2026, 3, number, tzinfo=UTC)


def tree(*links: tuple[str, str | None, int | None]) -> Directory:
    """Make a directory of (account, parent, day of March from which it holds)."""
    numbers: dict[str, int] = {}
    versions = []
    for revision, (key, parent, since) in enumerate(links, start=1):
        numbers[key] = numbers.get(key, 0) + 1
        valid_from = None if since is None else date(2026, 3, since)
        document = {"key": key, "parent": parent}
        versions.append(
            Version(
                "account",
                key,
                numbers[key],
                revision,
                valid_from,
                RECORDED,
                "t",
                None,
                retired=False,
                document=document,
            )
        )
    return Directory().extend(versions)


def test_an_account_without_children_is_its_own_tree() -> None:
    assert members(tree(("a", None, None)), "a", day(1), day(31)) == [Member("a", day(1), day(31))]


def test_an_unknown_account_is_counted_by_its_key_alone() -> None:
    assert members(Directory(), "x", day(1), day(2), group=7) == [Member("x", day(1), day(2), 7)]


def test_own_use_leaves_children_out() -> None:
    world = tree(("a", None, None), ("b", "a", None))
    assert members(world, "a", day(1), day(2), rollup=False) == [Member("a", day(1), day(2))]


def test_an_empty_span_has_no_members() -> None:
    assert members(tree(("a", None, None), ("b", "a", None)), "a", day(2), day(2)) == []


def test_a_child_that_moves_is_in_both_trees_each_for_its_days() -> None:
    world = tree(("a", None, None), ("b", None, None), ("c", "a", None), ("c", "b", 10))
    assert members(world, "a", day(1), day(31))[1:] == [Member("c", day(1), day(10))]
    assert members(world, "b", day(1), day(31))[1:] == [Member("c", day(10), day(31))]


def test_a_grandchild_follows_its_parent_by_date() -> None:
    world = tree(("a", None, None), ("b", "a", 5), ("b", None, 20), ("c", "b", 10))
    assert members(world, "a", day(1), day(31)) == [
        Member("a", day(1), day(31)),
        Member("b", day(5), day(20)),
        Member("c", day(10), day(20)),
    ]


def test_a_move_inside_the_tree_leaves_no_seam() -> None:
    world = tree(("a", None, None), ("b", "a", None), ("c", "a", None), ("c", "b", 10))
    assert members(world, "a", day(1), day(31))[2:] == [Member("c", day(1), day(31))]


def test_a_child_that_left_and_came_back_has_two_spans() -> None:
    world = tree(("a", None, None), ("c", "a", None), ("c", None, 10), ("c", "a", 20))
    assert members(world, "a", day(1), day(31))[1:] == [
        Member("c", day(1), day(10)),
        Member("c", day(20), day(31)),
    ]


def test_a_cycle_never_loops_and_is_a_fault() -> None:
    world = tree(("a", "b", None), ("b", "a", None), ("self", "self", None))
    assert members(world, "a", day(1), day(2)) == [
        Member("a", day(1), day(2)),
        Member("b", day(1), day(2)),
    ]
    assert members(world, "self", day(1), day(2)) == [Member("self", day(1), day(2))]
    assert faults(world, "a") == ["tree_cycle"]
    assert faults(world, "self") == ["tree_cycle"]


def test_a_parent_nobody_defined_is_an_orphan() -> None:
    assert faults(tree(("a", "nobody", None)), "a") == ["orphan"]


def test_links_that_never_hold_together_are_no_fault() -> None:
    world = tree(("a", "b", None), ("a", None, 10), ("b", None, None), ("b", "a", 10))
    assert faults(world, "a") == []
    assert faults(world, "b") == []


def test_a_tree_deeper_than_the_limit_is_a_fault() -> None:
    deep = [("0", None, None)] + [(str(n), str(n - 1), None) for n in range(1, TREE_DEPTH_MAX + 1)]
    world = tree(*deep)
    assert faults(world, str(TREE_DEPTH_MAX - 1)) == []
    assert faults(world, str(TREE_DEPTH_MAX)) == ["tree_too_deep"]
    assert len(members(world, "0", day(1), day(2))) == TREE_DEPTH_MAX + 1


def test_ancestors_are_all_whose_tree_it_ever_belonged_to() -> None:
    world = tree(
        ("r", None, None), ("a", "r", None), ("b", None, None), ("c", "a", None), ("c", "b", 10)
    )
    assert ancestors(world, "c") == {"c", "a", "b", "r"}
    assert ancestors(world, "r") == {"r"}


NAMES = st.sampled_from("abcd")
LINKS = st.lists(st.tuples(NAMES, st.none() | NAMES, st.none() | st.integers(1, 6)), max_size=12)


@given(LINKS)
def test_each_instant_counts_whom_walking_up_from_it_reaches(
    links: list[tuple[str, str | None, int | None]],
) -> None:
    world = tree(*links)
    for root in "abcd":
        found = members(world, root, FIRST_INSTANT, LAST_INSTANT)
        for when in map(day, range(1, 8)):
            inside = sorted(m.account for m in found if m.start <= when < m.end)
            assert inside == sorted(k for k in "abcd" if _below(world, k, root, when))


def _below(world: Directory, key: str, root: str, when: datetime) -> bool:
    seen: set[str] = set()
    while key not in seen:
        if key == root:
            return True
        seen.add(key)
        up = [k.parent for k in world.links(key) if k.start <= when < k.end]
        assert len(up) <= 1
        key = up[0] if up else key
    return False


def test_above_are_the_parents_of_the_day() -> None:
    world = tree(("c", "b", None), ("b", "a", 10), ("b", "x", 20), ("a", "b", 25))
    assert list(above(world, "c", day(5))) == ["c", "b"]
    assert list(above(world, "c", day(10))) == ["c", "b", "a"]
    assert list(above(world, "c", day(20))) == ["c", "b", "x"]
    assert list(above(world, "a", day(26))) == ["a", "b", "x"]


def test_above_goes_round_no_circle() -> None:
    assert list(above(tree(("a", "b", None), ("b", "a", None)), "a", day(5))) == ["a", "b"]
