"""The front door: cases are put into a running installation by its API, and its statements come
back as plain numbers, those of the oracle beside them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from http.client import OK
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tallybook import app
from tallybook.settings import Settings
from tests.oracle.cases import METERS, TODAY, Case
from tests.oracle.days import DAY
from tests.oracle.statement import Oracle, Statement
from tests.serving import Client

BATCH = 10_000
PAGE = 500

Document = dict[str, Any]
#: A statement as one flat table: what it says of what.
Said = dict[tuple[str, ...], Fraction]


@contextmanager
def installation(folder: Path) -> Iterator[Client]:
    """Serve an empty installation with the meters of all cases, while the block runs."""
    settings = Settings(data=folder / "data", test_clock=True)
    made = app.initialise(settings, "ada.admin@example.com")
    with app.running(settings) as address:
        client = Client(urlsplit(address.url).port or 0, str(made["api_key"]))
        client.call("PUT", "/test-clock", {"now": f"{TODAY}T23:59:00Z"})
        for key, meter in METERS.items():
            client.put(f"/meters/{key}", **meter)
        yield client


def put(client: Client, cases: Sequence[Case]) -> None:
    """Define accounts and contracts, version after version, and send all events."""
    definitions = [
        {"noun": noun, "key": key, "documents": versions}
        for case in cases
        for noun, named in (("account", case.world.accounts), ("contract", case.world.contracts))
        for key, versions in named.items()
    ]
    answer = client.call("POST", "/definitions", {"definitions": definitions})
    assert answer.status == OK, answer.body
    events = [
        {"specversion": "1.0", "source": "/oracle", **event}
        for case in cases
        for event in case.world.events
    ]
    for first in range(0, len(events), BATCH):
        receipt = client.send(events[first : first + BATCH])
        assert receipt["accepted"] == receipt["received"], receipt["results"][:3]
    client.until_visible()


def statements(client: Client, contract: str) -> list[Document]:
    """Ask for all statements of a contract, in order."""
    answer = client.call("GET", "/statements", contract=contract, limit=PAGE)
    assert answer.status == OK, answer.body
    return [*reversed(answer.json["items"])]


def said(document: Document) -> Said:
    """Read a statement of the program; what is 0 and what is missing is the same."""
    found: Said = {}

    def add(value: str | None, *key: str) -> None:
        found[key] = found.get(key, Fraction(0)) + Fraction(value or "0")

    for line in document["lines"]:
        for name in ("quantity", "billable_quantity", "amount"):
            add(line[name], line["code"], name)
    for part in ("base_charges", "discounts", "commitments"):
        for charge in document[part]:
            add(charge["amount"], charge["code"], "amount")
    for credit in document["credits"]:
        add(credit["amount"], credit["name"], "credit")
    for charge in (*document["lines"], *document["base_charges"]):
        add(charge["discount"], charge["code"], "discount")
    add(document["subtotal"], "subtotal")
    add(document["total"], "total")
    return _not_zero(found)


def should_say(statement: Statement) -> Said:
    """Read a statement of the oracle in the same way."""
    found: Said = {
        ("subtotal",): statement.subtotal,
        ("total",): statement.total,
    }
    for code, line in {**statement.lines, **statement.groups}.items():
        found[code, "quantity"] = line.quantity
        found[code, "billable_quantity"] = line.billable
    amounts = {**statement.charges, **statement.discounts, **statement.commitments}
    found |= {(code, "amount"): amount for code, amount in amounts.items()}
    found |= {(code, "discount"): amount for code, amount in statement.shares.items()}
    found |= {(name, "credit"): amount for name, amount in statement.credits.items()}
    return _not_zero(found)


def _not_zero(said_: Said) -> Said:
    return {key: value for key, value in said_.items() if value}


def expected(case: Case) -> Iterator[tuple[str, list[Statement]]]:
    """Yield each contract of a case with the statements that the oracle has for it."""
    for number in case.world.contracts:
        yield number, Oracle(case.world, number, case.until).statements(TODAY + DAY)


def differences(document: Document, statement: Statement) -> list[str]:
    """Say where the two do not agree, to the cent and the unit."""
    period = document["period"]
    theirs = {"start": period["start_date"], "end": period["end_date"]}
    ours = {"start": str(statement.start), "end": str(statement.end + DAY)}
    program, oracle = said(document), should_say(statement)
    return [
        *(f"{k}: {v}, not {ours[k]}" for k, v in theirs.items() if v != ours[k]),
        *(
            f"{' '.join(key)}: {_text(program.get(key))}, not {_text(oracle.get(key))}"
            for key in sorted({*program, *oracle})
            if program.get(key) != oracle.get(key)
        ),
    ]


def _text(value: Fraction | None) -> str:
    return str(float(value or 0))
