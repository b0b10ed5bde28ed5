"""A fleet of contracts checked for base against coverage, what is found remembered and stored: the
same as a run of a subscription does, against one statement of SQL by hand over plain columns.
"""

import gc
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench import data
from bench.machine import best, cost
from bench.sizes import Engine, Size
from tallybook.alerts._check import check, read_values
from tallybook.model.alert import Recipients, Run, Subscription
from tallybook.model.directory import Directory
from tallybook.model.ids import new_id
from tallybook.model.mark import Mark, minute_of
from tallybook.model.scope import operator
from tallybook.operations.policies import Occasion, judge
from tallybook.operations.view import Sight, Sources
from tallybook.stores.books.alerts import BooksAlerts
from tallybook.stores.books.database import Database
from tallybook.stores.books.intake import BooksIntake
from tallybook.stores.books.snapshot import BooksSnapshot
from tallybook.stores.books.statements import BooksStatements
from tallybook.stores.ledger.store import SqlLedger

EVENTS: Final = 100_000
CODE: Final = "contract.base_vs_coverage"
#: One contract in so many was moved to quarterly bills, and its base left as it was.
_WRONG: Final = 10
_SCOPE: Final = operator("bench")
_NOW: Final = datetime(2025, 2, 1, 12, tzinfo=UTC)

Row = dict[str, Any]


def run(events: int, folder: Path, size: Size) -> list[Row]:
    """Check as many contracts as there are `events`, by hand as well; both find the same ones."""
    gc.set_threshold(100_000, 50, 100)  # as `serve` does
    folder.mkdir(parents=True, exist_ok=True)
    store = data.store(1, folder, size, data.Fleet(1, 1))
    database = size.database(folder)
    ledger = SqlLedger(folder)
    directory = data.contracts(data.Fleet(events, 31), [], _terms)
    ours = _Ours(
        Sources(
            ledger,
            store,
            BooksSnapshot(database),
            BooksStatements(database),
            BooksIntake(database),
        ),
        directory,
    )
    first = cost(ours.find, size.servers)
    found = ours.find()
    spent = best(ours.find, 3, size.servers)
    kept = cost(lambda: ours.keep(database), size.servers)
    again = cost(lambda: ours.keep(database), size.servers)
    with size.empty(folder) as engine:
        hand = _Hand(engine, events)
        assert hand.answer() == found
        by_hand = best(hand.answer, 3, size.servers)
    ledger.close()
    store.close()
    database.close()
    return [
        {"what": "contracts, each with a base charge and a group", "value": f"{events:,}"},
        {"what": "  of which are found", "value": f"{found:,}"},
        {"what": "checked, judged, stored", "value": _seconds(kept.wall), "target": "<= 5 s"},
        {"what": "  CPU time of these", "value": _seconds(kept.cpu)},
        {"what": "again: nothing new to say", "value": _seconds(again.wall), "target": "<= 5 s"},
        {"what": "checked alone", "value": _seconds(spent.wall)},
        {"what": "  a contract", "value": f"{spent.cpu / events * 1e6:,.1f} µs"},
        {"what": "the same when contracts have to be read first", "value": _seconds(first.wall)},
        {"what": "found by hand, from plain columns", "value": _seconds(by_hand.wall)},
        {"what": "ratio of CPU time", "value": f"{spent.cpu / by_hand.cpu:,.1f}"},
    ]


class _Ours:
    def __init__(self, sources: Sources, directory: Directory) -> None:
        self._sources = sources
        self._directory = directory
        self._mark = Mark(0, directory.revision, minute_of(_NOW))
        self._check = check(CODE)
        self._values = read_values(self._check, {})
        self._subscription = _subscription()

    def find(self) -> int:
        """Count what is found."""
        return sum(1 for _ in self._found())

    def keep(self, database: Database) -> None:
        """Judge what is found by what is remembered, and store it, as a run does."""
        alerts = BooksAlerts(database)
        if alerts.subscription(_SCOPE, self._subscription.id) is None:
            alerts.add(_SCOPE, self._subscription)
        occasion = Occasion(self._subscription, self._check, "full", new_id(_NOW), _NOW)
        known = alerts.remembered(_SCOPE, self._subscription.id)
        judged = judge(occasion, known, self._found())
        due = Run(occasion.run, self._subscription.id, "full", _NOW, _NOW, _NOW, self._mark)
        alerts.decide(_SCOPE, due, judged.findings, judged.events, [])

    def _found(self) -> Any:
        view = Sight(_SCOPE, self._sources, self._directory, self._mark)
        return self._check.find(view, self._values)


class _Hand:
    """What a person would write for just these contracts."""

    def __init__(self, engine: Engine, contracts: int) -> None:
        self._engine = engine
        engine.keep(
            "terms",
            f"SELECT 80::DECIMAL(18,6) AS base, CASE WHEN i % {_WRONG} = 0 THEN 3 ELSE 1 END "
            "AS months, 15000::DECIMAL(18,6) AS covered, 0.016::DECIMAL(18,6) AS rate, "
            f"3 AS group_months FROM range({contracts}) t(i)",
        )

    def answer(self) -> int:
        """Return how many contracts are out of bounds."""
        ratio = "(base / months) / (covered * rate / group_months)"
        rows = self._engine.rows(
            f"SELECT count(*) FROM terms WHERE {ratio} < 0.75 OR {ratio} > 1.33"
        )
        return int(rows[0][0])


def _terms(rank: int) -> Mapping[str, Any]:
    months = 3 if rank % _WRONG == 0 else 1
    return {
        "base_charges": [
            {"name": "base", "amount": "80", "cycle_unit": "month", "cycle_length": months}
        ],
        "meter_groups": [
            {
                "name": "pages",
                "meters": ["tokens"],
                "covered_quantity": "15000",
                "overage_rate": "0.016",
                "cycle_unit": "month",
                "cycle_length": 3,
            }
        ],
    }


def _subscription() -> Subscription:
    return Subscription(
        id=new_id(_NOW),
        check=CODE,
        name="bench",
        owner=_SCOPE.who,
        values={},
        accounts=(),
        branches=(),
        cron="0 7 * * 1-5",
        timezone="UTC",
        recipients=Recipients(),
        subject="bench",
        split_by="none",
        mode="live",
        enabled=True,
        created_at=_NOW,
    )


def _seconds(spent: float) -> str:
    return f"{spent:,.2f} s"
