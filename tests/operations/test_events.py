"""GET /events as an operation: facts as they were sent, and what became of each."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tallybook.model.columns import columns
from tallybook.model.correction import Op
from tallybook.model.errors import Forbidden, Invalid
from tallybook.model.mark import Mark, minute_of
from tallybook.model.scope import Member, Scope, operator
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT
from tallybook.operations.correct import correct
from tallybook.operations.events import Corrected, EventsPage, EventsRequest, list_events
from tallybook.stores.duckdb.store import DuckEvents
from tallybook.stores.ledger.store import SqlLedger
from tests.facts import RECEIVED, Happened
from tests.worlds import World

ALL = operator()
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
LATER = RECEIVED + timedelta(hours=1)


class Desk(World):
    """Definitions, a ledger with its copy, and the question."""

    def __init__(self, ledger: SqlLedger, events: DuckEvents) -> None:
        super().__init__()
        self.ledger, self.events = ledger, events

    def happened(self, *events: Happened) -> None:
        first = self.ledger.head(ALL) + 1
        wires = [e.wire(first + i) for i, e in enumerate(events)]
        self.ledger.append(ALL, columns(wires), RECEIVED)
        self.events.load(ALL, self.ledger.read(ALL, first - 1, 100))

    def correct(self, op: Op, of: int, reason: str = "wrong", **event: Any) -> None:
        wire = {"source": "/t", "id": f"e{of}", "reason": reason, "event": event or None}
        body = json.dumps(wire).encode()
        headers = {"content-type": "application/json"}
        receipt = correct(operator("ada"), self.ledger, body, headers, LATER, op=op)
        assert receipt.accepted == 1, receipt.results()
        self.events.load(ALL, self.ledger.read(ALL, self.events.position(ALL), 100))

    def ask(self, scope: Scope = ALL, **asked: Any) -> EventsPage:
        mark = Mark(
            asked.pop("seq", self.ledger.head(ALL)), self.directory.revision, minute_of(RECEIVED)
        )
        request = EventsRequest(**asked)
        return list_events(scope, self.directory, self.ledger, self.events, request, mark=mark)

    def seqs(self, **asked: Any) -> list[int]:
        return [item.ledger_seq for item in self.ask(**asked).items]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    ledger = SqlLedger(tmp_path)
    events = DuckEvents(tmp_path / "events.duckdb", threads=1)
    desk = Desk(ledger, events)
    desk.account("a", timezone="America/New_York")
    desk.meter()
    yield desk
    events.close()
    ledger.close()


def test_an_event_comes_back_as_it_was_sent(desk: Desk) -> None:
    sent = Happened("a", MARCH, '{"n":  12345678901234567.1234567890,  "x": [1e2]}')
    desk.happened(sent)
    (item,) = desk.ask().items
    assert item.event == sent.wire(1)
    assert (item.received_at, item.ledger_seq, item.state) == (RECEIVED, 1, "counted")
    assert item.codes == ()


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        ("{}", ("quantity_missing",)),
        ('{"n": null}', ("quantity_missing",)),
        ('{"n": ""}', ("quantity_missing",)),
        ('"text"', ("quantity_missing",)),
        ('{"n": "abc"}', ("quantity_invalid",)),
        ('{"n": true}', ("quantity_invalid",)),
        ('{"n": 1e400}', ("quantity_invalid",)),
        ('{"n": 1e99999999999999999999}', ("quantity_invalid",)),
        ('{"n": {"deep": 1}}', ("quantity_invalid",)),
        ('{"n": "100"}', ()),
        ('{"n": 1E+5}', ()),
    ],
)
def test_the_codes_agree_with_the_state_the_store_decides(
    desk: Desk, data: str, codes: tuple[str, ...]
) -> None:
    desk.happened(Happened("a", MARCH, data))
    state = "unresolved" if codes else "counted"
    assert [(i.state, i.codes) for i in desk.ask(state=state).items] == [(state, codes)]
    assert not desk.ask(state="counted" if codes else "unresolved").items


def test_what_is_unknown_waits_and_is_counted_when_it_is_defined(desk: Desk) -> None:
    desk.happened(Happened("b", MARCH, '{"who": "x"}', "new"))
    (item,) = desk.ask(state="unresolved").items
    assert item.codes == ("account_unknown", "type_unknown")
    assert desk.seqs(account="b") == [1]
    desk.account("b")
    desk.meter("u", event_type="new", aggregation="unique", property="who")
    desk.meter("c", event_type="new", aggregation="count", property=None)
    assert desk.ask().items[0].state == "counted"
    desk.happened(Happened("b", MARCH, "{}", "new"))
    assert desk.ask(state="unresolved").items[0].codes == ("quantity_missing",)


def test_a_meter_needs_nothing_of_what_its_filter_leaves_out(desk: Desk) -> None:
    desk.meter(filter=[{"property": "kind", "op": "eq", "value": "paid"}])
    desk.happened(
        Happened("a", MARCH, '{"kind": "free"}'), Happened("a", MARCH, '{"kind": "paid"}')
    )
    assert desk.seqs(state="unresolved") == [2]
    assert desk.seqs(state="counted") == [1]
    assert desk.seqs(state="voided") == desk.seqs(state="replaced") == []


def test_pages_go_on_over_the_same_facts(desk: Desk) -> None:
    times = [MARCH + timedelta(hours=h) for h in (0, 0, 5, 2, 2)]
    desk.happened(*(Happened("a", time, '{"n": 1}') for time in times))
    first = desk.ask(limit=2)
    desk.happened(Happened("a", MARCH - timedelta(days=1), '{"n": 1}'))
    second = desk.ask(limit=2, cursor=first.next_cursor)
    third = desk.ask(limit=2, cursor=second.next_cursor)
    pages = [[i.ledger_seq for i in page.items] for page in (first, second, third)]
    assert pages == [[3, 5], [4, 2], [1]]
    assert third.next_cursor is None


def test_a_range_of_local_dates_and_a_type(desk: Desk) -> None:
    desk.happened(
        Happened("a", MARCH + timedelta(hours=4, minutes=59), '{"n": 1}'),
        Happened("a", MARCH + timedelta(hours=5), '{"n": 1}', "other"),
        Happened("a", MARCH + timedelta(hours=29), '{"n": 1}'),
    )
    assert desk.seqs(account="a", start="2026-03-01", end="2026-03-02") == [2]
    assert desk.seqs(start="2026-03-01", end="2026-03-02") == [2, 1]
    assert desk.seqs(type="other") == [2]


def test_a_scope_sees_its_own(desk: Desk) -> None:
    desk.happened(Happened("a", MARCH, '{"n": 1}'), Happened("b", MARCH, '{"n": 1}'))
    mine = Scope("m", "csm", accounts=(Member("a", FIRST_INSTANT, LAST_INSTANT),))
    assert [i.ledger_seq for i in desk.ask(mine).items] == [1]
    assert not desk.ask(mine, account="b").items
    with pytest.raises(Forbidden):
        desk.ask(Scope("i", "ingest"))


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"limit": 0}, "limit_invalid"),
        ({"limit": 501}, "limit_invalid"),
        ({"cursor": "x"}, "cursor_invalid"),
        ({"cursor": "f999999999999999999.1.1"}, "cursor_invalid"),
        ({"start": "soon"}, "time_invalid"),
        ({"end": "2026-02-30"}, "date_invalid"),
    ],
)
def test_what_is_refused(desk: Desk, asked: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        desk.ask(**asked)
    assert refused.value.code == code


def corrected(op: Op, seq: int, of: int = 1, reason: str = "wrong") -> Corrected:
    return Corrected(op, of, reason, "ada", LATER, seq)


def test_a_voided_event_is_listed_with_who_did_it_when_and_why(desk: Desk) -> None:
    desk.happened(Happened("a", MARCH, '{"n": 1}'), Happened("a", MARCH, '{"n": "x"}'))
    desk.correct("void", 1)
    items = {item.ledger_seq: item for item in desk.ask().items}
    assert items.keys() == {1, 2}
    assert (items[1].state, items[1].codes) == ("voided", ())
    assert items[1].correction == corrected("void", 3)
    assert items[1].received_at == RECEIVED
    assert items[2].correction is None
    states = ("counted", "unresolved", "voided", "replaced")
    assert [desk.seqs(state=state) for state in states] == [[], [2], [1], []]
    assert [desk.seqs(state=state, seq=2) for state in states] == [[1], [2], [], []]
    desk.correct("revert", 1, "right")
    assert [desk.seqs(state=state) for state in states] == [[1], [2], [], []]
    assert desk.ask(state="counted").items[0].correction is None


def test_a_replacement_is_listed_as_what_counts(desk: Desk) -> None:
    desk.happened(Happened("a", MARCH, '{"n": 1}'))
    desk.correct("replace", 1, subject="b", data={"n": 2}, extra="kept")
    old, new = sorted(desk.ask().items, key=lambda item: item.ledger_seq)
    assert (old.state, old.correction) == ("replaced", corrected("replace", 2))
    assert old.event == Happened("a", MARCH, '{"n": 1}').wire(1)
    assert (new.state, new.codes) == ("unresolved", ("account_unknown",))
    assert (new.correction, new.received_at) == (corrected("replace", 2), LATER)
    assert json.loads(new.event) == {
        "specversion": "1.0", "source": "/t", "id": "e1", "type": "use", "subject": "b",
        "time": "2026-03-01T00:00:00Z", "data": {"n": 2}, "extra": "kept",
    }  # fmt: skip
    desk.account("b")
    assert desk.seqs(state="counted") == desk.seqs(account="b") == [2]
    assert desk.seqs(state="replaced") == desk.seqs(account="a") == [1]
    theirs = Scope("b", "csm", accounts=(Member("b", FIRST_INSTANT, LAST_INSTANT),))
    assert [item.ledger_seq for item in desk.ask(theirs).items] == [2]
    desk.correct("revert", 1, "no")
    assert desk.seqs(state="counted") == [1]
    (gone,) = desk.ask(state="voided").items
    assert (gone.ledger_seq, gone.correction) == (2, corrected("revert", 3, reason="no"))


def test_pages_stay_what_they_were_while_events_are_corrected(desk: Desk) -> None:
    desk.happened(*(Happened("a", MARCH, '{"n": 1}') for _ in range(5)))
    first = desk.ask(limit=2, state="counted")
    desk.correct("void", 1)
    desk.correct("replace", 2, data={"n": 2})
    second = desk.ask(limit=2, state="counted", cursor=first.next_cursor)
    third = desk.ask(limit=2, state="counted", cursor=second.next_cursor)
    pages = [[i.ledger_seq for i in page.items] for page in (first, second, third)]
    assert pages == [[5, 4], [3, 2], [1]]
    assert third.next_cursor is None
    assert desk.seqs(state="counted") == [7, 5, 4, 3]
    assert desk.ask(limit=4, state="counted").next_cursor is None


def test_what_was_named_like_a_correction_is_an_event(desk: Desk) -> None:
    wire = (
        b'{"source":7,"source":"/t","id":"1","type":"use","subject":"a",'
        b'"time":"2026-03-01T00:00:00Z","data":{"n":"tallybook:corrections"}}'
    )
    desk.ledger.append(ALL, columns([wire]), RECEIVED)
    desk.events.load(ALL, desk.ledger.read(ALL, 0, 9))
    (item,) = desk.ask().items
    assert (item.event, item.correction) == (wire, None)


def test_what_a_retired_account_used_stays_counted(desk: Desk) -> None:
    desk.happened(Happened("a", MARCH, '{"n": 1}'))
    desk.account("a", valid_from="2026-03-02", retired=True)
    assert [item.state for item in desk.ask().items] == ["counted"]
    assert desk.seqs(state="counted") == [1]
    assert desk.seqs(state="unresolved") == []
