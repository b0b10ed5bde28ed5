"""Void, replace and revert as operations, on both databases: what is taken, what is refused, and
who wins where several correct one event at a time.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from tallybook.model.correction import SOURCE, TYPE, Op, correction_in
from tallybook.model.errors import Forbidden, Overloaded, TooLarge, Unreadable
from tallybook.model.fact import Columns, Verdict
from tallybook.model.limits import (
    BACKLOG_EVENTS_MAX,
    CORRECTIONS_OF_AN_EVENT_MAX,
    EVENT_BYTES_MAX,
    REASON_CHARS_MAX,
)
from tallybook.model.nouns import Meter
from tallybook.model.scope import ROLES, Member, Role, Scope, operator
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT
from tallybook.model.usage import UsageQuery
from tallybook.operations.correct import correct
from tallybook.operations.ingest import Receipt, ingest
from tallybook.operations.load import load_once
from tallybook.stores.duckdb.store import DuckEvents
from tallybook.stores.ledger import SqlLedger
from tests.stores.ledger.events import PLACES, place

ALL = operator("ada")
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
AT = datetime(2026, 3, 5, 12, tzinfo=UTC)
JSON = {"content-type": "application/json"}
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/s",
    "type": "use",
    "subject": "a",
    "time": "2026-03-05T12:00:00Z",
    "data": {"n": 10},
}
SUM = Meter(key="m", event_type="use", aggregation="sum", property="n")


def item(**changes: Any) -> dict[str, Any]:
    """Return an item of a body, about the event with id 1."""
    found = {"source": "/s", "id": "1", "reason": "wrong", **changes}
    return {name: value for name, value in found.items() if value is not ...}


class Desk:
    """A ledger with its copy, and who corrects."""

    def __init__(self, ledger: SqlLedger, events: DuckEvents) -> None:
        self.ledger, self.events = ledger, events

    def send(self, *events: dict[str, Any]) -> Receipt:
        body = json.dumps([{**EVENT, **event} for event in events]).encode()
        return ingest(ALL, self.ledger, body, JSON, NOW)

    def ask(
        self, op: Op, body: Any, scope: Scope = ALL, now: datetime = NOW, **more: Any
    ) -> Receipt:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return correct(scope, self.ledger, raw, JSON, now, op=op, **more)

    def said(self, op: Op, body: Any, scope: Scope = ALL) -> list[str]:
        """Return what became of each item: its code, or its status where it has none."""
        return [line.code or line.status for line in self.ask(op, body, scope).results(all=True)]

    def used(self, seq: int | None = None) -> dict[str, Decimal | None]:
        """Sum what counts, by account, as of an entry."""
        while load_once(ALL, self.ledger, self.events):
            pass
        at = self.ledger.head(ALL) if seq is None else seq
        query = UsageQuery(SUM, (FIRST_INSTANT, LAST_INSTANT), at, by_account=True)
        return {cell.account or "": cell.value for cell in self.events.usage(ALL, query)}

    def entry(self, seq: int) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.ledger.fetch(ALL, [seq])[seq].wire)
        return found


@pytest.fixture(params=PLACES)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    with SqlLedger(place(request.param, tmp_path)) as ledger:
        events = DuckEvents(tmp_path / "events.duckdb", threads=1)
        desk = Desk(ledger, events)
        desk.send({}, {"id": "2", "data": {"n": 1}})
        yield desk
        events.close()


def test_a_void_counts_no_more_and_a_revert_brings_it_back_exactly(desk: Desk) -> None:
    before = desk.used()
    assert desk.said("void", item()) == ["accepted"]
    assert desk.used() == {"a": Decimal(1)}
    assert desk.said("revert", item(reason="it was right")) == ["accepted"]
    assert desk.used() == before == {"a": Decimal(11)}
    assert desk.said("void", item()) == ["accepted"]
    assert [desk.used(seq) for seq in range(2, 6)] == [
        {"a": Decimal(11)}, {"a": Decimal(1)}, {"a": Decimal(11)}, {"a": Decimal(1)},
    ]  # fmt: skip


def test_replacements_count_where_they_say_and_are_taken_back_one_by_one(desk: Desk) -> None:
    first = {"data": {"n": 3}}
    second = {"subject": "b", "time": "2026-03-06T00:00:00.5Z", "data": {"n": 4.50}}
    assert desk.said("replace", item(event=first)) == ["accepted"]
    assert desk.said("replace", item(event=second)) == ["accepted"]
    assert desk.used() == {"a": Decimal(1), "b": Decimal("4.5")}
    assert desk.said("void", item()) == ["accepted"]
    assert desk.used() == {"a": Decimal(1)}
    steps = []
    for reason in "abc":
        assert desk.said("revert", item(reason=reason)) == ["accepted"]
        steps.append(desk.used())
    assert steps == [
        {"a": Decimal(1), "b": Decimal("4.5")},
        {"a": Decimal(4)},
        {"a": Decimal(11)},
    ]
    assert desk.said("revert", item(reason="d")) == ["nothing_to_revert"]


def test_a_correction_is_an_entry_that_says_all_that_follows(desk: Desk) -> None:
    desk.ask("replace", item(event={"type": "other", "data": {"n": 1.10}}))
    desk.ask("void", item(reason=" wrong\nagain "))
    hides = {"seq": 1, "type": "use", "subject": "a", "time": 1772712000000000}
    event = {**EVENT, "type": "other", "data": {"n": 1.10}}
    assert desk.entry(3) == {
        "specversion": "1.0",
        "id": "1.1",
        "source": SOURCE,
        "type": TYPE,
        "subject": "a",
        "time": "2026-03-05T12:00:00Z",
        "data": {
            "op": "replace",
            "of": 1,
            "reason": "wrong",
            "author": "ada",
            "hides": hides,
            "shows": None,
            "event": event,
        },
    }
    again = desk.entry(4)
    assert again["id"] == "1.2"
    assert again["data"] == {
        **desk.entry(3)["data"],
        "op": "void",
        "reason": "wrong\nagain",
        "hides": {**hides, "seq": 3, "type": "other"},
        "event": None,
    }


def test_numbers_of_a_replacement_keep_their_digits(desk: Desk) -> None:
    body = json.dumps(item(event={"data": {"n": "N"}})).replace('"N"', "12345678901234567.100")
    assert desk.said("replace", body.encode()) == ["accepted"]
    found = correction_in(desk.ledger.fetch(ALL, [3])[3].wire)
    assert found is not None
    assert found.replacement is not None
    assert b"12345678901234567.100" in found.replacement
    assert desk.used() == {"a": Decimal("12345678901234568.1")}


def test_an_event_without_a_time_is_corrected_where_it_counted(desk: Desk) -> None:
    desk.send({"id": "3", "time": None, "data": {"n": 5}})
    assert desk.said("replace", item(id="3", event={"data": {"n": 7}})) == ["accepted"]
    assert desk.entry(4)["data"]["event"]["time"] == "2026-03-10T12:00:00Z"
    assert desk.used() == {"a": Decimal(18)}


def test_what_was_corrected_is_known_when_it_is_sent_again(desk: Desk) -> None:
    desk.ask("void", item())
    again = desk.send({}, {"data": {"n": 11}})
    assert (again.duplicate, again.conflict) == (1, 1)
    assert desk.used() == {"a": Decimal(1)}


def test_a_call_whose_answer_was_lost_is_a_duplicate(desk: Desk) -> None:
    replacement = {"data": {"n": 3}}
    written_otherwise = {
        "data": {"n": 3.0}, "id": "1", "type": None, "time": "2026-03-05T13:00:00+01:00",
    }  # fmt: skip
    for op, one, other in [
        ("replace", item(event=replacement), item(event=written_otherwise)),
        ("void", item(), item(event=None)),
        ("revert", item(), item(reason=" wrong ")),
    ]:
        assert desk.said(op, one) == ["accepted"]  # type: ignore[arg-type]  # one of the three
        head = desk.ledger.head(ALL)
        again = desk.ask(op, other)  # type: ignore[arg-type]  # one of the three
        assert (again.duplicate, again.ledger_seq) == (1, head)
        assert again.verdicts[0].seq == head
    assert desk.said("replace", item(event=replacement)) == ["accepted"]
    assert desk.said("replace", item(event={"data": {"n": 4}})) == ["accepted"]
    assert desk.said("replace", item(reason="other", event={"data": {"n": 4}})) == ["accepted"]


def test_what_cannot_be_done_now_is_a_conflict(desk: Desk) -> None:
    assert desk.said("revert", item()) == ["nothing_to_revert"]
    desk.ask("void", item())
    assert desk.said("void", item(reason="twice")) == ["already_voided"]
    assert desk.said("replace", item(event={"data": {}})) == ["event_voided"]
    receipt = desk.ask("void", item(reason="twice"))
    assert (receipt.conflict, receipt.verdicts[0].seq) == (1, 3)
    assert desk.said("void", item(source=SOURCE, id="1.1")) == ["event_unknown"]
    assert desk.used() == {"a": Decimal(1)}


def test_a_list_is_done_in_its_order(desk: Desk) -> None:
    replaced = [item(reason=str(n), event={"data": {"n": n}}) for n in range(5)]
    two = item(id="2", event={"data": {"n": 100}})
    bad = item(reason="")
    assert desk.said("replace", [*replaced, two, replaced[-1], bad]) == [
        *["accepted"] * 6, "already_stored", "reason_missing",
    ]  # fmt: skip
    assert desk.used() == {"a": Decimal(104)}
    voids = [item(), item(), item(reason="x"), item(id="2"), item(id="none")]
    assert desk.said("void", voids) == [
        "accepted", "already_stored", "already_voided", "accepted", "event_unknown",
    ]  # fmt: skip
    receipt = desk.ask("void", voids)
    counts = (receipt.accepted, receipt.duplicate, receipt.conflict, receipt.rejected)
    assert counts == (0, 3, 1, 1)
    assert [line.id for line in receipt.results()] == ["1", "1", "1", "2", "none"]


def test_as_many_as_a_body_may_hold(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tallybook.operations.correct._TOGETHER", 7)
    desk.send(*({"id": f"m{n}", "subject": "m"} for n in range(40)))
    receipt = desk.ask("void", [item(id=f"m{n % 50}") for n in range(60)])
    assert (receipt.accepted, receipt.duplicate, receipt.rejected) == (40, 10, 10)
    assert desk.used() == {"a": Decimal(11)}
    assert desk.said("void", []) == []


def test_an_event_is_corrected_so_often_and_no_more(desk: Desk) -> None:
    many = [item(reason=str(n), event={"data": {"n": n}}) for n in range(103)]
    receipt = desk.ask("replace", many)
    assert receipt.accepted == CORRECTIONS_OF_AN_EVENT_MAX - 1
    assert {line.code for line in receipt.results()} == {"too_many_corrections"}
    assert desk.used() == {"a": Decimal(99)}
    assert desk.said("revert", item()) == ["too_many_corrections"]
    assert desk.said("void", item()) == ["accepted"]  # as the refusal says
    assert desk.used() == {"a": Decimal(1)}
    assert desk.said("revert", item()) == ["too_many_corrections"]


def test_a_replacement_takes_what_it_leaves_out_from_what_counts(desk: Desk) -> None:
    moved = item(event={"subject": "b", "data": {"n": 3}})
    assert desk.said("replace", moved) == ["accepted"]
    more = item(reason="more", event={"data": {"n": 4}})
    assert desk.said("replace", [more, more]) == ["accepted", "already_stored"]
    assert desk.used() == {"a": Decimal(1), "b": Decimal(4)}


def test_an_entry_that_another_event_is_found_at_is_not_corrected(tmp_path: Path) -> None:
    class Colliding(SqlLedger):
        """Takes ids for one that have the same hash, which none are known to have."""

        def find(self, scope: Scope, ids: Sequence[tuple[str, str]]) -> list[int | None]:
            scope.require("read")
            return [1 if id_ == "other" else None for _, id_ in ids]

    with Colliding(tmp_path) as ledger:
        body = json.dumps([EVENT]).encode()
        ingest(ALL, ledger, body, JSON, NOW)
        wrong = json.dumps([item(id="other")]).encode()
        assert correct(ALL, ledger, wrong, JSON, NOW, op="void").rejected == 1
        assert ledger.head(ALL) == 1


LONG = {"data": {"pad": "x" * EVENT_BYTES_MAX}}
BAD: list[tuple[Op, Any, str]] = [
    ("void", 7, "correction_not_object"),
    ("void", None, "correction_not_object"),
    ("void", item(source=...), "source_missing"),
    ("void", item(source=""), "source_missing"),
    ("void", item(source=7), "attribute_invalid"),
    ("void", item(id=...), "id_missing"),
    ("void", item(id=None), "id_missing"),
    ("void", item(id=["1"]), "attribute_invalid"),
    ("void", item(id="1\0"), "attribute_invalid"),
    ("void", item(id="x" * 257), "id_too_long"),
    ("void", item(reason=...), "reason_missing"),
    ("void", item(reason=None), "reason_missing"),
    ("void", item(reason=" \n"), "reason_missing"),
    ("void", item(reason=1.5), "attribute_invalid"),
    ("void", item(reason={}), "attribute_invalid"),
    ("void", item(reason="x" * (REASON_CHARS_MAX + 1)), "reason_too_long"),
    ("void", item(reason="\ud800"), "text_invalid"),
    ("void", item(event={"data": {}}), "event_unexpected"),
    ("revert", item(event=0), "event_unexpected"),
    ("void", item(why="x"), "member_unknown"),
    ("void", item(source="/S"), "event_unknown"),
    ("void", item(id="10"), "event_unknown"),
    ("void", item(source=SOURCE, id="1.1"), "event_unknown"),
    ("void", item(pad="x" * 2 * EVENT_BYTES_MAX), "correction_too_large"),
    ("replace", item(), "event_missing"),
    ("replace", item(event=[]), "event_not_object"),
    ("replace", item(event="x"), "event_not_object"),
    ("replace", item(event={"id": "2"}), "event_differs"),
    ("replace", item(event={"source": 7}), "event_differs"),
    ("replace", item(event={"subject": 7}), "attribute_invalid"),
    ("replace", item(event={"subject": ""}), "subject_missing"),
    ("replace", item(event={"type": TYPE}), "type_reserved"),
    ("replace", item(event={"time": "soon"}), "time_invalid"),
    ("replace", item(event={"time": "2026-03-10T12:06:00Z"}), "time_ahead"),
    ("replace", item(event={"specversion": "0.3"}), "specversion_unsupported"),
    ("replace", item(event={"data": {}, "data_base64": "e30="}), "data_twice"),
    ("replace", item(event=LONG), "event_too_large"),
]


@pytest.mark.parametrize(("op", "body", "code"), BAD)
def test_a_bad_correction_is_one_line_of_the_receipt(
    file: Desk, op: Op, body: Any, code: str
) -> None:
    head = file.ledger.head(ALL)
    receipt = file.ask(op, [body, item(id="none", event={} if op == "replace" else None)])
    assert [(line.index, line.status) for line in receipt.results()] == [
        (0, "rejected"),
        (1, "rejected"),
    ]
    line = receipt.results()[0]
    assert (line.code, receipt.ledger_seq) == (code, head)
    assert line.detail


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Give a desk that nothing is changed on."""
    folder = tmp_path_factory.mktemp("ledger")
    with SqlLedger(folder) as ledger:
        desk = Desk(ledger, DuckEvents(folder / "events.duckdb", threads=1))
        desk.send({})
        yield desk
        desk.events.close()


def test_an_event_as_deep_as_may_be_is_replaced_by_one_as_deep(file: Desk) -> None:
    deep = '{"a":' * 31 + "1" + "}" * 31
    body = json.dumps(item(event={"data": "D"})).replace('"D"', deep)
    assert file.said("replace", body.encode()) == ["accepted"]
    body = body.replace(deep, f'{{"a":{deep}}}').replace("wrong", "deeper")
    assert file.said("replace", body.encode()) == ["json_too_deep"]
    assert file.said("revert", item()) == ["accepted"]


def test_a_body_that_is_none_is_refused_whole(file: Desk) -> None:
    for body in (b"", b"[", b'"x"', b"[{}"):
        with pytest.raises(Unreadable):
            file.ask("void", body)
    with pytest.raises(TooLarge):
        file.ask("void", b"[" + b",".join([b"{}"] * 10_001) + b"]")
    with pytest.raises(Overloaded):
        file.ask("void", [], backlog=BACKLOG_EVENTS_MAX + 1)


@pytest.mark.parametrize("role", ROLES)
def test_who_may_correct(file: Desk, role: Role) -> None:
    scope = Scope("somebody", role)
    if role in {"admin", "finance"}:
        assert file.said("void", item(id="none"), scope) == ["event_unknown"]
        return
    with pytest.raises(Forbidden):
        file.ask("void", item(), scope)


def test_what_is_not_yours_is_as_if_it_were_not_there(desk: Desk) -> None:
    mine = Scope("m", "finance", accounts=(Member("a", FIRST_INSTANT, AT + timedelta(hours=1)),))
    desk.send(
        {"id": "theirs", "subject": "b"},
        {"id": "later", "time": "2026-03-06T12:00:00Z"},
    )
    desk.ask("void", item(id="later"))
    unknown = [item(id="theirs"), item(id="later", reason="mine"), item(id="none")]
    assert desk.said("void", unknown, mine) == ["event_unknown"] * 3
    for event in ({"subject": "b"}, {"time": "2026-03-06T12:00:00Z"}):
        assert desk.said("replace", item(event=event), mine) == ["subject_unknown"]
    assert desk.said("replace", item(event={"data": {"n": 2}}), mine) == ["accepted"]
    # What stands for it now is another's: neither taken away from them, nor given back.
    assert desk.said("replace", item(event={"subject": "b"})) == ["accepted"]
    for op in ("void", "revert"):
        assert desk.said(op, item(reason="mine"), mine) == ["event_unknown"]
    assert desk.said("revert", item()) == ["accepted"]
    assert desk.said("void", item(reason="mine"), mine) == ["accepted"]


@pytest.mark.parametrize("place", [{"source": SOURCE}, {"type": TYPE}])
@pytest.mark.parametrize("escaped", [False, True])
def test_nobody_else_writes_corrections(
    file: Desk, place: dict[str, str], *, escaped: bool
) -> None:
    (name,) = place
    forged = {**EVENT, "id": "forged", **place}
    body = json.dumps([{**EVENT, "id": f"beside {name} {escaped}"}, forged])
    body = body.replace("tallybook", "\\u0074allybook") if escaped else body
    receipt = ingest(ALL, file.ledger, body.encode(), JSON, NOW)
    assert [(line.index, line.code) for line in receipt.results()] == [(1, f"{name}_reserved")]
    alone = ingest(ALL, file.ledger, json.dumps(forged).encode(), JSON, NOW)
    assert [line.code for line in alone.results()] == [f"{name}_reserved"]


def test_who_comes_second_is_decided_by_what_then_holds(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another correction is stored between what was read and what is to be written."""
    append = desk.ledger.append
    others: list[tuple[Op, Any]] = []

    def after_another(scope: Scope, arrivals: Columns, at: datetime) -> Sequence[Verdict]:
        if others:
            assert desk.said(*others.pop()) == ["accepted"]
        return append(scope, arrivals, at)

    monkeypatch.setattr(desk.ledger, "append", after_another)
    others.append(("void", item(reason="first")))
    assert desk.said("void", item(reason="second")) == ["already_voided"]
    others.append(("revert", item(reason="first")))
    assert desk.said("revert", item(reason="second")) == ["nothing_to_revert"]
    others.append(("void", item()))
    assert desk.said("void", item()) == ["already_stored"]
    others.append(("revert", item()))
    assert desk.said("revert", item()) == ["already_stored"]
    others.append(("replace", item(event={"data": {"n": 2}})))
    assert desk.said("replace", item(event={"data": {"n": 3}})) == ["accepted"]
    assert desk.used() == {"a": Decimal(4)}
    assert desk.entry(desk.ledger.head(ALL))["data"]["hides"]["seq"] == desk.ledger.head(ALL) - 1


def test_many_who_correct_one_event_at_a_time(desk: Desk) -> None:
    turns = 6
    together = Barrier(turns)

    def ask(op: Op, name: str) -> str:
        together.wait()
        event = {"data": {"n": 5}} if op == "replace" else None
        return desk.said(op, item(reason=name, event=event))[0]

    def at_once(op: Op) -> Counter[str]:
        with ThreadPoolExecutor(turns) as pool:
            return Counter(pool.map(lambda name: ask(op, name), "abcdef"))

    assert at_once("void") == {"accepted": 1, "already_voided": turns - 1}
    assert at_once("revert") == {"accepted": 1, "nothing_to_revert": turns - 1}
    assert at_once("replace") == {"accepted": turns}
    assert desk.used() == {"a": Decimal(6)}
    assert at_once("revert") == {"accepted": turns}
    assert desk.used() == {"a": Decimal(11)}
