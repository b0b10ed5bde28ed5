"""Closing through the real stores: whatever comes late, is corrected, amended or closed in any
order, closed statements and the adjustments that are open are all of it worked out anew.
"""

import json
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tallybook.model.directory import Directory
from tallybook.model.errors import Conflict, Invalid, NotFound, TallybookError, Unavailable
from tallybook.model.mark import Mark, minute_of
from tallybook.model.scope import Scope, operator
from tallybook.model.statement import ClosedStatement
from tallybook.operations import close as module
from tallybook.operations.close import Stores, close
from tallybook.operations.correct import correct
from tallybook.operations.define import Change, define
from tallybook.operations.directory import Directories
from tallybook.operations.ingest import ingest
from tallybook.operations.load import load_once
from tallybook.operations.measure import measure
from tallybook.operations.rate import Basis, Rated, course_of, rate, rated, statement
from tallybook.positions.document import seal
from tallybook.positions.periods import Span
from tallybook.positions.settlement import Open, following
from tallybook.positions.statement import Plan
from tallybook.stores.books.statements import BooksStatements
from tallybook.stores.books.versions import BooksVersions
from tallybook.stores.duckdb.store import DuckEvents
from tallybook.stores.ledger import SqlLedger
from tests.books import opened

D = Decimal
ALL = operator("ada")
NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)
JSON = {"content-type": "application/json"}
LINE: dict[str, Any] = {
    "code": "calls",
    "meter": "total",
    "allotment": {"quantity": "10", "rollover": {}},
    "price": {
        "model": "graduated",
        "tiers": [{"up_to": "5", "unit_amount": "2"}, {"unit_amount": "1.333"}],
    },
}


@dataclass
class Contract:
    """One contract of an account of its own, and what was said of it so far."""

    office: "Office"
    name: str

    def agree(self, since: str | None = None, **changes: Any) -> None:
        document = {"account": self.name, "start_date": "2026-01-10", "lines": [LINE], **changes}
        if since is not None:
            document["valid_from"] = since
        self.office.define("contract", self.name, **document)

    def use(self, day: str, quantity: int | str = 1) -> None:
        self.office.use(self.name, day, quantity)

    def at(self, day: str, mark: Mark | None = None) -> Rated:
        basis = self.office.basis(mark)
        return statement(ALL, basis, self.name, date.fromisoformat(day))

    def close(self, day: str, **more: Any) -> Rated:
        self.office.load()
        body = {"period": day, "release": True, "reason": "random", **more}
        return close(ALL, self.office.stores, self.name, body, NOW)

    def closed(self) -> list[ClosedStatement]:
        return self.office.stores.statements.closed(ALL, [self.name], 10**9)


class Office:
    """Real stores without a server."""

    def __init__(self, folder: Path) -> None:
        self.database = opened("sqlite", folder)
        books = BooksVersions(self.database)
        self.ledger = SqlLedger(folder)
        self.events = DuckEvents(folder / "events.duckdb", threads=1)
        statements = BooksStatements(self.database)
        self.stores = Stores(
            books, self.ledger, self.events, statements, Directories(books, statements)
        )
        self.ids = count()
        self.define("meter", "total", event_type="use", aggregation="sum", property="n")

    def define(self, noun: Any, key: str, **document: Any) -> None:
        change = Change(noun, key, document)
        define(ALL, self.stores.books, self.stores.directories, change, NOW)

    def contract(self, **document: Any) -> Contract:
        made = Contract(self, f"c{next(self.ids)}")
        self.define("account", made.name)
        made.agree(**document)
        return made

    def use(self, subject: str, day: str, quantity: int | str) -> str:
        key = f"e{next(self.ids)}"
        sent = {
            "specversion": "1.0",
            "id": key,
            "source": "/t",
            "type": "use",
            "subject": subject,
            "time": f"{day}T12:00:00Z",
            "data": {"n": quantity},
        }
        assert ingest(ALL, self.ledger, json.dumps(sent).encode(), JSON, NOW).accepted == 1
        return key

    def void(self, key: str) -> None:
        body = json.dumps({"source": "/t", "id": key, "reason": "wrong"}).encode()
        correct(ALL, self.ledger, body, JSON, NOW, op="void")

    def load(self) -> None:
        while load_once(ALL, self.ledger, self.events):
            pass

    def basis(self, mark: Mark | None = None) -> Basis:
        self.load()
        books = self.stores.books
        mark = mark or Mark(self.events.position(ALL), books.revision(ALL), minute_of(NOW))
        directory = self.stores.directories.at(ALL, mark.revision)
        return Basis(directory, self.events, self.stores.statements, mark)

    def end(self) -> None:
        self.events.close()
        self.ledger.close()
        self.database.close()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("office"))
    yield made
    made.end()


def subtotal(found: ClosedStatement | Open) -> Decimal:
    if isinstance(found, ClosedStatement):
        return D(found.document["subtotal"])
    return found.statement.subtotal


def said_and_due(office: Office, name: str) -> tuple[Decimal, Decimal]:
    """Return what all statements of a contract say, and what all its periods come to anew."""
    basis = office.basis()
    course = course_of(ALL, basis, name)
    places = list(course.all())
    ends = {start: one.end_date for start, one in course.closed.items()}
    after = following(course.agreement, ends)
    if after is not None and after not in places:
        places.append(after)
    said = sum((subtotal(found) for found in rate(ALL, basis, [(course, places)])), D(0))
    spans = set(course.agreement.periods(date(2026, 1, 1), course.today + timedelta(days=1)))
    spans |= {place for place in places if isinstance(place, Span)}
    for closed in course.closed:
        again = course.agreement.period_of(closed)
        if again is not None and again.start == closed:
            spans.add(again)
    billed = [span for span in spans if course.agreement.period_of(span.start) == span]
    plan = Plan(basis.directory, course.agreement, billed)
    uses = measure(ALL, basis.directory, basis.events, plan.needs, basis.mark.seq)
    made = (charge for charges in plan.charges(uses).values() for charge in charges.all)
    return said, sum((charge.amount for charge in made), D(0))


DAYS = [
    "2026-01-10",
    "2026-01-15",
    "2026-01-28",
    "2026-02-10",
    "2026-03-01",
    "2026-03-20",
    "2026-04-10",
]
AMENDMENTS: list[dict[str, Any]] = [
    {},
    {"lines": []},
    {"lines": [{**LINE, "allotment": {"quantity": "3"}, "discount_percent": "50"}]},
    {"discounts": [{"name": "less", "percent": "10"}, {"name": "gift", "amount": "7"}]},
    {"commitments": [{"name": "least", "amount": "90", "cycle_unit": "month", "cycle_length": 3}]},
    {"base_charges": [{"name": "base", "amount": "33.33", "timing": "advance"}]},
    {"billing": {"cycle_start_date": "2026-01-25"}},
    {"billing": {"cycle_length": 2}},
    {"billing": {"cycle_unit": "year"}},
    {"billing": {"cycle_unit": "week"}},
    {"end_date": "2026-02-20"},
    {"status": "draft"},
    {"status": "ended"},
    {"currency": "JPY"},
    {"start_date": "2026-02-15"},
    {"credits": [{"name": "prepaid", "amount": "40"}], "timezone": "Asia/Tokyo"},
]
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("use"), st.sampled_from(DAYS), st.integers(-3, 40)),
        st.tuples(st.just("close"), st.sampled_from(DAYS), st.none()),
        st.tuples(st.just("amend"), st.sampled_from(DAYS), st.sampled_from(AMENDMENTS)),
        st.tuples(st.just("void"), st.just(""), st.integers(0, 5)),
    ),
    min_size=4,
    max_size=14,
)


#: What is late stands on one of the open periods, not on each.
LATE = [
    ("close", "2026-01-15", None),
    ("use", "2026-01-15", 30),
    ("close", "2026-03-20", None),
    ("use", "2026-01-28", 30),
]
#: Two supplementary statements after an end that came to be known late.
ENDED = [
    ("amend", "2026-01-15", {"end_date": "2026-02-20"}),
    ("close", "2026-01-15", None),
    ("close", "2026-02-10", None),
    ("use", "2026-01-15", 30),
    ("close", "2026-03-01", None),
    ("use", "2026-02-10", 40),
    ("close", "2026-03-20", None),
    ("void", "", 0),
]
#: Closed periods that are none any more, one of them beyond the end.
RECUT = [
    *(("use", day, 20) for day in DAYS),
    *(("close", day, None) for day in DAYS),
    ("amend", "2026-01-10", {"billing": {"cycle_start_date": "2026-01-25"}}),
    ("close", "2026-04-10", None),
    ("amend", "2026-01-10", {"end_date": "2026-02-20"}),
    ("void", "", 1),
]
#: What was closed by the month becomes part of a year, and is then never to have been agreed.
UNAGREED = [
    *(("use", day, 20) for day in DAYS),
    ("close", "2026-02-10", None),
    ("amend", "2026-01-10", {"billing": {"cycle_unit": "year"}}),
    ("amend", "2026-01-10", {"currency": "JPY"}),
    ("amend", "2026-01-10", {"start_date": "2026-04-01"}),
    *(("amend", "2026-01-10", {"status": status}) for status in ("draft", "ended")),
]


@settings(max_examples=settings().max_examples // 5)
@given(actions=ACTIONS)
@example(actions=LATE)
@example(actions=ENDED)
@example(actions=RECUT)
@example(actions=UNAGREED)
def test_closed_and_open_adjustments_are_all_of_it_worked_out_anew(
    office: Office, actions: list[tuple[str, str, Any]]
) -> None:
    contract = office.contract()
    sent: list[str] = []
    frozen: dict[date, ClosedStatement] = {}
    told: list[tuple[str, Rated]] = []
    for what, day, how in actions:
        with suppress(TallybookError):  # refused: nothing has changed
            match what:
                case "use":
                    sent.append(office.use(contract.name, day, how))
                case "void":
                    office.void(sent[how] if how < len(sent) else "none")
                case "amend":
                    contract.agree(day, **how)
                case "close":
                    told.append((day, contract.at(day)))
                    contract.close(day)
        now = {one.start_date: one for one in contract.closed()}
        assert all(now[start] == one for start, one in frozen.items())
        frozen = now
    said, due = said_and_due(office, contract.name)
    assert said == due
    for day, before in told:
        again = contract.at(day, before.known_at)
        if before.closed is None:
            assert again == before
    assert all(seal(one.document) == one.sha256 for one in frozen.values())


def test_a_credit_is_not_given_twice_where_a_later_period_was_closed_first(office: Office) -> None:
    line = {"code": "calls", "meter": "total", "price": {"model": "per_unit", "unit_amount": "1"}}
    prepaid = {"name": "prepaid", "amount": "100"}
    contract = office.contract(start_date="2026-01-01", lines=[line], credits=[prepaid])
    contract.use("2026-02-10", 70)
    contract.close("2026-02-10")
    contract.use("2026-01-10", 70)
    for month, taken in (("01", "30.00"), ("02", "70.00"), ("03", "0.00")):
        found = contract.at(f"2026-{month}-10").document["credits"]
        assert [use["amount"] for use in found] == [taken]


BASE: dict[str, Any] = {"lines": [], "base_charges": [{"name": "base", "amount": "100"}]}


def test_what_was_closed_by_the_month_is_taken_back_on_the_year_it_becomes_part_of(
    office: Office,
) -> None:
    contract = office.contract(**BASE)
    contract.close("2026-02-10")
    contract.agree("2026-01-10", **BASE, billing={"cycle_unit": "year"})
    basis = office.basis()
    course = course_of(ALL, basis, contract.name)
    found = rate(ALL, basis, [(course, list(course.all()))])
    assert [subtotal(one) for one in found] == [D(100), D(0)]
    year = contract.at("2026-01-10")
    assert (year.start_date, year.end_date) == (date(2026, 1, 10), date(2027, 1, 10))


def refused(code: str, *, field: str, said: str, change: Callable[[], None]) -> None:
    with pytest.raises(Invalid, match=said) as refusal:
        change()
    assert (refusal.value.code, refusal.value.facts["field"]) == (code, field)


def test_what_is_closed_keeps_its_currency(office: Office) -> None:
    contract, named = office.contract(**BASE), office.contract(**BASE, currency="USD")
    free = office.contract(**BASE)
    said = f"statement of {contract.name} from 2026-02-10 is closed in USD"
    for one in (contract, named):
        one.close("2026-02-10")
        for since, code in (("2026-01-10", "currency_closed"), ("2026-03-10", "currency_clash")):
            with pytest.raises(Invalid) as refusal:
                one.agree(since, **BASE, currency="EUR")
            assert refusal.value.code == code
    refused(
        "currency_closed",
        field="currency",
        said=said + ".*make a new contract for EUR",
        change=lambda: contract.agree("2026-01-10", **BASE, currency="EUR"),
    )
    refused(
        "currency_closed",
        field="currency",
        said=said + ".*name USD in the contract before",
        change=lambda: office.define("account", contract.name, currency="EUR"),
    )
    for one in (named, free):
        office.define("account", one.name, currency="EUR")
    assert [one.at("2026-03-10").document["currency"] for one in (named, free)] == ["USD", "EUR"]
    contract.agree("2026-01-10", **BASE, currency="USD")
    office.define("account", contract.name, currency="EUR")
    assert contract.at("2026-03-10").document["adjustments"] == []


def test_what_is_closed_stays_agreed(office: Office) -> None:
    contract, free = office.contract(**BASE), office.contract(**BASE)
    contract.close("2026-02-10")
    for status in ("draft", "ended"):
        with pytest.raises(Invalid, match="end it with an end_date") as refusal:
            contract.agree("2026-01-10", **BASE, status=status)
        assert (refusal.value.code, refusal.value.facts["field"]) == ("already_closed", "status")
        free.agree("2026-01-10", **BASE, status=status)
    contract.agree("2026-01-10", **BASE, end_date="2026-01-31")
    after = contract.at("2026-04-10")
    assert [a["amount"] for a in after.document["adjustments"]] == ["-100.00"]


def test_a_change_that_comes_before_the_closing_is_written_is_judged_by_it(office: Office) -> None:
    contract, asked = office.contract(**BASE), count(1)
    books, statements = office.stores.books, office.stores.statements

    class Late(Directories):
        """What is agreed changes after the statement was worked out."""

        def current(self, scope: Scope) -> Directory:
            if next(asked) == 2:
                contract.agree("2026-01-10", **BASE, currency="EUR")
            return super().current(scope)

    stores = replace(office.stores, directories=Late(books, statements))
    made = close(ALL, stores, contract.name, {"period": "2026-02-10"}, NOW)
    assert made.document["currency"] == "EUR"
    assert made.status == "closed"


def test_supplementary_statements_follow_each_other(office: Office) -> None:
    contract = office.contract(end_date="2026-02-20")
    for day in ("2026-01-15", "2026-02-12"):
        contract.close(day)
    contract.use("2026-01-15", 15)
    assert contract.at("2026-05-01").start_date == date(2026, 2, 21)
    with pytest.raises(NotFound, match="from 2026-02-21 to before 2026-03-10"):
        contract.close("2026-05-01")
    first = contract.close("2026-03-01")
    assert contract.close("2026-03-09") == first
    contract.use("2026-02-15", 20)
    second = contract.close("2026-04-01")
    assert [
        (found.start_date, found.end_date, found.document["total"]) for found in (first, second)
    ] == [
        (date(2026, 2, 21), date(2026, 3, 10), "10.00"),
        (date(2026, 3, 10), date(2026, 4, 10), "24.76"),
    ]
    assert first.document["lines"] == []


def test_what_a_closed_period_said_is_taken_back_where_days_are_cut_otherwise(
    office: Office,
) -> None:
    contract = office.contract(lines=[], base_charges=[{"name": "base", "amount": "31"}])
    contract.close("2026-02-10")
    contract.agree(
        "2026-01-10",
        lines=[],
        base_charges=[{"name": "base", "amount": "31"}],
        billing={"cycle_start_date": "2026-01-20"},
    )
    assert contract.at("2026-02-10").status == "closed"
    assert contract.at("2026-02-11").start_date == date(2026, 1, 20)
    found = contract.at("2026-02-20")
    assert [(a["period_start"], a["amount"]) for a in found.document["adjustments"]] == [
        ("2026-02-10", "-31.00")
    ]


def test_computed_in_any_order_by_any_number_of_threads_it_has_one_hash(office: Office) -> None:
    """Some contracts, one by one, all at once and shuffled, with 1, 2 and 4 threads."""
    annual = {**LINE, "allotment": {"quantity": "10", "cycle_unit": "year"}}
    contracts = [
        office.contract(lines=[line], discounts=[{"name": "less", "percent": percent}])
        for line, percent in ((LINE, "1"), (annual, "2"), (annual, "0"))
    ]
    days = [date(2026, month, 15) for month in (1, 2, 3)]
    for number, contract in enumerate(contracts):
        for day in days:
            contract.use(day.isoformat(), f"{number}5.25")
        contract.close("2026-01-15")
        contract.use("2026-01-16", 3)
    basis = office.basis()
    asked = [(contract.name, day) for contract in contracts for day in days]
    expected = {key: statement(ALL, basis, *key).sha256 for key in asked}
    assert len(set(expected.values())) == len(asked)
    for threads in (1, 2, 4):
        random.Random(threads).shuffle(asked)
        with ThreadPoolExecutor(threads) as pool:
            found = pool.map(lambda key: statement(ALL, basis, *key), asked)
            assert {key: one.sha256 for key, one in zip(asked, found, strict=True)} == expected
    courses = [course_of(ALL, basis, contract.name) for contract in reversed(contracts)]
    places = [
        (course, [place for day in days if (place := course.place(day))]) for course in courses
    ]
    together = [rated(found, basis.mark).sha256 for found in rate(ALL, basis, places)]
    assert together == [expected[course.number, day] for course in courses for day in days]


def test_closing_waits_for_what_was_accepted_before(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = office.contract()
    monkeypatch.setattr(module, "CLOSE_WAIT_SECONDS", 0.05)
    contract.use("2026-01-15", 25)
    body = {"period": "2026-01-15"}
    with pytest.raises(Unavailable) as refusal:
        close(ALL, office.stores, contract.name, body, NOW)
    assert (refusal.value.code, refusal.value.facts["retry_after"]) == ("not_loaded_yet", 0.05)
    assert contract.closed() == []
    monkeypatch.setattr(module, "CLOSE_WAIT_SECONDS", 10)
    with ThreadPoolExecutor(1) as pool:
        closing = pool.submit(close, ALL, office.stores, contract.name, body, NOW)
        office.load()
        assert closing.result().document["lines"][0]["quantity"] == "25"


class Racing(BooksStatements):
    """Somebody closes another statement of the contract just before each of ours is written."""

    def __init__(self, office: Office, before: Callable[[], object]) -> None:
        super().__init__(office.database)
        self.before = before

    def close(self, scope: Any, statement: ClosedStatement, *, after: int) -> None:
        self.before()
        super().close(scope, statement, after=after)


def test_one_worked_out_before_another_was_closed_is_worked_out_anew(office: Office) -> None:
    contract = office.contract()
    contract.close("2026-01-15")
    contract.use("2026-01-15", 15)
    office.load()
    others = iter(["2026-02-15"])

    def before() -> None:
        for day in others:
            contract.close(day)

    stores = replace(office.stores, statements=Racing(office, before))
    made = close(ALL, stores, contract.name, {"period": "2026-03-15"}, NOW)
    january, february, march = contract.closed()
    assert (february.document["total"], march.document["total"]) == ("10.00", "0.00")
    assert made.closed == march
    assert january.document["total"] == "0.00"


def test_who_is_always_overtaken_gives_up(office: Office) -> None:
    contract = office.contract(start_date="2025-01-10")
    days = iter([f"2025-{month:02}-15" for month in range(2, 13)])
    stores = replace(office.stores, statements=Racing(office, lambda: contract.close(next(days))))
    with pytest.raises(Conflict) as refusal:
        close(ALL, stores, contract.name, {"period": "2026-02-15"}, NOW)
    assert refusal.value.code == "statements_changed"
    assert len(contract.closed()) == 10
