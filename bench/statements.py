"""What a fleet of contracts comes to in a month, each with one line of a graduated price: the list
of its statements, against one statement of SQL by hand that knows nothing but these contracts.
"""

import gc
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from bench import data
from bench.machine import best, cost
from bench.sizes import Engine, Size
from bench.usage import counted
from tallybook.model.directory import Directory
from tallybook.model.mark import Mark, minute_of
from tallybook.model.ports import Events
from tallybook.model.scope import operator
from tallybook.model.time import micros
from tallybook.operations.rate import Basis
from tallybook.operations.statements import StatementQuery, statements
from tallybook.stores.books.database import Database
from tallybook.stores.books.statements import BooksStatements

EVENTS: Final = 1_000_000
FLEET: Final = data.Fleet(accounts=100_000, days=31)
TIERS: Final = [
    {"up_to": "5000", "unit_amount": "0.002"},
    {"up_to": "20000", "unit_amount": "0.0015"},
    {"up_to": "100000", "unit_amount": "0.001"},
    {"unit_amount": "0.0005"},
]
_SCOPE: Final = operator("bench")
_NOW: Final = datetime(2025, 2, 1, 12, tzinfo=UTC)
_DAY: Final = date(2025, 1, 15)

Row = dict[str, Any]


def run(events: int, folder: Path, size: Size) -> list[Row]:
    """Rate the month of every contract, and by hand; both come to the same."""
    gc.set_threshold(100_000, 50, 100)  # as `serve` does
    store = data.store(events, folder, size, FLEET)
    database = size.database(folder)
    ours = _Ours(store, _contracts(), database, events)
    hand = _Hand(size.by_hand(store))
    first = cost(ours.answer, size.servers)
    assert ours.answer() == hand.answer()  # the same to the cent
    # The first answer has read every contract; as in a server, that is done once.
    spent = best(ours.answer, 2, size.servers)
    by_hand = best(hand.answer, 3, size.servers)
    store.close()
    database.close()
    return [
        {"what": "contracts, each with one graduated line", "value": f"{FLEET.accounts:,}"},
        {"what": "statements of a month", "value": _seconds(spent.wall), "target": "<= 10 s"},
        {"what": "CPU time of these", "value": _seconds(spent.cpu)},
        {"what": "CPU a contract", "value": f"{spent.cpu / FLEET.accounts * 1e6:,.0f} µs"},
        {"what": "the same when contracts have to be read first", "value": _seconds(first.wall)},
        {"what": "their total alone, by hand", "value": _seconds(by_hand.wall)},
        {"what": "ratio of CPU time", "value": f"{spent.cpu / by_hand.cpu:,.1f}"},
    ]


class _Ours:
    def __init__(self, store: Events, directory: Directory, database: Database, seq: int) -> None:
        mark = Mark(seq, directory.revision, minute_of(_NOW))
        self._basis = Basis(directory, store, BooksStatements(database), mark)

    def answer(self) -> Decimal:
        """List the month of all contracts, as `GET /statements` does, for its totals."""
        (total,) = (page := statements(_SCOPE, self._basis, StatementQuery(day=_DAY))).totals
        assert page.count == total.statements == FLEET.accounts
        return total.total


class _Hand:
    """What a person would write for just these contracts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        first = micros(data.FIRST)
        tokens = counted(engine)["tokens"]
        begins, slices = "0", []
        for tier in TIERS:
            ends = tier.get("up_to")
            slice_ = (
                f"greatest(q - {begins}, 0)"
                if ends is None
                else (f"greatest(least(q, {ends}) - {begins}, 0)")
            )
            slices.append(f"{slice_} * {tier['unit_amount']}")
            begins = ends or begins
        self._sql = (
            f"SELECT sum(round({' + '.join(slices)}, 2)) FROM ("
            f"SELECT subject, CAST({tokens} AS DECIMAL(20,0)) AS q FROM {engine.month(first)} "
            f"WHERE type = 'api.request' AND time >= {first} "
            f"AND time < {micros(data.FIRST + timedelta(days=FLEET.days))} GROUP BY subject)"
        )

    def answer(self) -> Decimal:
        """Return what all contracts come to."""
        rows: Sequence[Sequence[Any]] = self._engine.rows(self._sql)
        return Decimal(rows[0][0])


def _contracts() -> Directory:
    line = {"code": "tokens", "meter": "tokens"}
    price = {"model": "graduated", "tiers": TIERS}
    return data.contracts(FLEET, [{**line, "price": price}])


def _seconds(spent: float) -> str:
    return f"{spent:,.2f} s"
