"""Contract documents through `define`: refused whole with every fault, from which day they hold,
what a change would do, and what a version changed.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

from tallybook.model.contract import Contract
from tallybook.model.difference import Change as Difference
from tallybook.model.errors import Conflict, Fault, Invalid, NotFound
from tallybook.model.nouns import Amount, Noun
from tallybook.model.scope import Scope
from tallybook.operations import definitions
from tallybook.operations._shown import AMOUNTS
from tallybook.operations.define import Change, define_many
from tallybook.operations.foresee import Outlook, foresee
from tests.books import NOW, Shelf, shelf

LINE = {"code": "calls", "meter": "calls", "allotment": {"quantity": 100}}


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """Books that no test changes."""
    with shelf(tmp_path_factory.mktemp("books"), "sqlite") as opened:
        yield stock(opened)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Shelf]:
    with shelf(tmp_path, "sqlite") as opened:
        yield stock(opened)


def stock(home: Shelf) -> Shelf:
    home.put("account", "acme")
    home.put("account", "euro", currency="EUR")
    home.put("meter", "calls", event_type="call", aggregation="count", unit="calls")
    home.put("meter", "bytes", event_type="byte", aggregation="count", unit="GB")
    home.put("contract", "C-1", **contract())
    return home


def contract(**more: Any) -> dict[str, Any]:
    return {"account": "acme", "start_date": "2026-01-01", "lines": [LINE], **more}


def look(home: Shelf, *changes: Change, scope: Scope | None = None) -> list[Outlook]:
    return foresee(scope or home.scope, home.directories, changes, NOW)


def put(number: str, **body: Any) -> Change:
    return Change("contract", number, body)


def valid_from(home: Shelf, number: str) -> list[date | None]:
    found = home.directories.current(home.scope).history("contract", number)
    return [version.valid_from for version in found]


GROUP = {"name": "pool", "meters": ["calls", "bytes"]}
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"end_date": "2025-12-31"}, "end_before_start", "end_date"),
    ({"bill_to": "nobody"}, "unknown_account", "bill_to"),
    ({"bill_to": "euro"}, "currency_clash", "currency"),
    ({"currency": "EUR"}, "currency_clash", "currency"),
    ({"account": "euro"}, "currency_clash", "currency"),
    ({"lines": [LINE, LINE]}, "duplicate_name", "lines.1.code"),
    ({"meter_groups": [GROUP]}, "unit_clash", "meter_groups.0.meters.1"),
    (
        {"phases": [{"start_date": "2026-02-01", "lines": [{**LINE, "meter": "none"}]}]},
        "unknown_meter",
        "phases.0.lines.0.meter",
    ),
    (
        {"phases": [{"start_date": "2026-02-01", "lines": [{**LINE, "price": {"model": "x"}}]}]},
        "unknown_kind",
        "phases.0.lines.0.price.model",
    ),
]


@pytest.mark.parametrize(("said", "code", "field"), REFUSED)
def test_what_does_not_fit_is_refused_and_nothing_of_the_batch_is_kept(
    stocked: Shelf, said: dict[str, Any], code: str, field: str
) -> None:
    before = stocked.books.revision(stocked.scope)
    batch = [Change("account", "new", {}), put("C-1", **contract(**said))]
    with pytest.raises(Invalid) as refusal:
        define_many(stocked.scope, stocked.books, stocked.directories, batch, NOW)
    facts = refusal.value.facts
    assert (refusal.value.code, facts["field"], facts["key"]) == (code, field, "C-1")
    assert stocked.books.revision(stocked.scope) == before
    outlook = look(stocked, *batch)[1]
    assert outlook.outcome == "refused"
    assert (outlook.faults[0].code, outlook.faults[0].field) == (code, field)


def test_a_refusal_lists_all_faults_of_the_document(stocked: Shelf) -> None:
    said = contract(end_date="2025-12-31", bill_to="nobody", lines=[LINE, LINE])
    with pytest.raises(Invalid) as refusal:
        stocked.put("contract", "C-2", **said)
    errors: Any = refusal.value.facts["errors"]
    assert [(error["code"], error["field"]) for error in errors] == [
        ("unknown_account", "bill_to"),
        ("end_before_start", "end_date"),
        ("duplicate_name", "lines.1.code"),
    ]
    assert [Fault(**error) for error in errors] == look(stocked, put("C-2", **said))[0].faults


def test_a_contract_is_billed_in_its_own_currency_where_the_payer_has_it_too(home: Shelf) -> None:
    home.put("contract", "C-2", **contract(currency="EUR", bill_to="euro"))
    home.put("contract", "C-2", **contract(currency="EUR", bill_to="euro", name="x"))
    with pytest.raises(Invalid, match="EUR"):
        home.put("contract", "C-2", **contract(currency="USD"), valid_from="2026-05-01")
    # A wrong first word on a day may be set right: no other version is left.
    home.put("contract", "C-3", **contract(currency="EUR"), valid_from="2026-02-01")
    home.put("contract", "C-3", **contract(currency="USD"), valid_from="2026-02-01")


def test_a_first_version_holds_from_the_start_date_and_saying_it_again_changes_nothing(
    home: Shelf,
) -> None:
    assert valid_from(home, "C-1") == [date(2026, 1, 1)]
    assert home.put("contract", "C-1", **contract()).number == 1
    home.put("contract", "C-1", **contract(name="x"))
    assert valid_from(home, "C-1") == [date(2026, 1, 1), NOW.date()]


def test_what_is_only_planned_is_found_and_a_change_takes_its_place(home: Shelf) -> None:
    ahead: dict[str, Any] = {"account": "acme", "lines": [LINE]}
    for _ in range(2):
        home.put("contract", "C-9", **ahead, start_date="2026-06-01")
    assert valid_from(home, "C-9") == [date(2026, 6, 1)]
    directory = home.directories.current(home.scope).on(NOW.date())
    page = definitions.page(home.scope, directory, "contract", NOW)
    assert [version.key for version in page.items] == ["C-1", "C-9"]
    for _ in range(2):
        home.put("contract", "C-9", **ahead, start_date="2026-05-01")
    assert valid_from(home, "C-9") == [date(2026, 6, 1), date(2026, 5, 1), date(2026, 6, 1)]
    directory = home.directories.current(home.scope)
    starts = [span.noun.start_date for span in directory.spans("contract", "C-9")]
    assert starts == [date(2026, 5, 1)] * 2
    home.put("contract", "C-1", **contract(lines=[]))
    with pytest.raises(Conflict, match="contract C-9 still uses"):
        home.retire("meter", "calls")


NEXT = {"applies": "next_period"}
BEGINS: list[tuple[dict[str, Any], str | None, date]] = [
    ({}, None, date(2026, 4, 1)),
    ({}, "2026-03-02", date(2026, 4, 1)),
    ({}, "2026-04-01", date(2026, 4, 1)),
    ({}, "2025-06-15", date(2026, 1, 1)),
    ({"billing": {"cycle_start_date": "2026-01-15"}}, None, date(2026, 3, 15)),
    ({"billing": {"cycle_unit": "year"}}, None, date(2027, 1, 1)),
    ({"end_date": "2026-03-20"}, None, NOW.date()),
]


@pytest.mark.parametrize(("terms", "asked", "expected"), BEGINS)
def test_a_change_may_wait_for_the_next_period(
    home: Shelf, terms: dict[str, Any], asked: str | None, expected: date
) -> None:
    home.put("contract", "C-2", **contract(**terms))
    changed = {**contract(**terms, **NEXT, name="next"), "valid_from": asked}
    assert look(home, put("C-2", **changed))[0].valid_from == expected
    for _ in range(2):
        assert home.put("contract", "C-2", **changed).valid_from == expected
    assert valid_from(home, "C-2") == [date(2026, 1, 1), expected]


def test_a_first_version_waits_for_nothing(home: Shelf) -> None:
    assert home.put("contract", "C-2", **contract(**NEXT)).valid_from == date(2026, 1, 1)


def test_a_dry_run_tells_what_define_does_and_keeps_nothing(home: Shelf) -> None:
    more = {**LINE, "code": "bytes", "meter": "bytes"}
    changes = [
        Change("meter", "seats", {"event_type": "seat", "aggregation": "count"}),
        put("C-1", **contract(lines=[{**LINE, "allotment": {"quantity": 120}}, more])),
        put("C-2", **contract(lines=[{"code": "seats", "meter": "seats"}])),
        Change("account", "acme", {}),
    ]
    before = home.books.revision(home.scope)
    outlooks = look(home, *changes)
    assert home.books.revision(home.scope) == before
    assert [one.outcome for one in outlooks] == ["created", "changed", "created", "unchanged"]
    assert outlooks[1].changes == [
        Difference("lines[calls].allotment.quantity", "100", "120"),
        Difference("lines[bytes]", None, {**more, "allotment": {"quantity": "100"}}),
    ]
    written = define_many(home.scope, home.books, home.directories, changes, NOW)
    assert [v.valid_from for v in written] == [one.valid_from for one in outlooks]
    assert [one.outcome for one in look(home, *changes)] == ["unchanged"] * 4


def test_history_tells_what_each_version_changed_on_its_own_day(home: Shelf) -> None:
    home.put("contract", "C-1", **contract(name="later"), valid_from="2026-05-01")
    home.put("contract", "C-1", **contract(name="now", type="t"))
    directory = home.directories.current(home.scope)
    told = [
        [*definitions.changed(home.scope, directory, version, NOW)]
        for version in definitions.history(home.scope, directory, "contract", "C-1", NOW)
    ]
    assert told == [
        [],
        [Difference("name", None, "later")],
        [Difference("name", None, "now"), Difference("type", None, "t")],
    ]


def test_a_contract_can_be_asked_for_at_a_day(home: Shelf) -> None:
    home.put("contract", "C-1", **contract(name="later"), valid_from="2026-05-01")
    directory = home.directories.current(home.scope)

    def name(at: date | datetime | None) -> Any:
        found = definitions.get(home.scope, directory, "contract", "C-1", NOW, at)
        return found.document["name"]

    assert name(None) is None
    assert name(date(2026, 4, 30)) is None
    assert name(date(2026, 5, 1)) == name(datetime(2026, 5, 1, tzinfo=UTC)) == "later"
    with pytest.raises(NotFound):
        name(date(2025, 12, 31))


def amounts(noun: type[Noun]) -> Iterator[str]:
    """Yield the names of all fields of a noun and its parts that hold an amount."""
    for name, field in noun.model_fields.items():
        waiting: list[Any] = [field.annotation]
        found = [*field.metadata]
        while waiting:
            kind = waiting.pop()
            waiting += get_args(kind)
            found += getattr(kind, "__metadata__", ())
            if isinstance(kind, type) and issubclass(kind, Noun):
                yield from amounts(kind)
        if any(one is get_args(Amount)[1] for one in found):
            yield name


def test_every_amount_that_a_contract_may_hold_can_be_hidden() -> None:
    found = {*amounts(Contract)}
    assert {"amount", "hold_above", "credit_rate"} <= found
    assert found - {"unit_amount", "flat_amount"} <= AMOUNTS  # those two are in overage_tiers
