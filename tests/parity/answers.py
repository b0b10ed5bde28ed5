"""What both sizes must answer alike, as CSV: for each part of the product a function of a server
and of marks to ask at. A new part adds its function to `ANSWERS`, and is compared from then on.
"""

import csv
import io
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from tests.parity.questions import questions
from tests.parity.world import ACCOUNTS, CLOSED
from tests.serving import Client

Row = Mapping[str, Any]

#: What is of one side alone: when a fact came in there, and the key it was corrected by.
_OF_ONE_SIDE = {
    "refreshed_at", "received_at", "recorded_at", "author", "closed_at", "closed_by",
}  # fmt: skip


def usage(server: Client, marks: Sequence[str]) -> Iterator[Row]:
    """Ask the drawn questions; a refusal is an answer too."""
    for number, asked in enumerate(questions(random.Random(11), marks)):
        answer = server.call("GET", "/usage", **asked)
        if answer.status == HTTPStatus.OK:
            yield from ({"question": number, **row} for row in answer.json["rows"])
        else:
            yield {"question": number, "refused": answer.json["code"]}


def positions(server: Client, marks: Sequence[str]) -> Iterator[Row]:
    """Ask for every line at every mark, and for the newest with their days and explanation."""
    for mark in marks:
        yield from _listed(server, "/positions", known_at=mark)
    for line in _listed(server, "/positions", known_at=marks[-1]):
        path = f"/positions/{line['contract']}/{line['line']}"
        yield server.call("GET", path, known_at=marks[-1]).json


def statements(server: Client, marks: Sequence[str]) -> Iterator[Row]:
    """List the statements of a day before any was closed, and all of some contracts since, with
    their hashes; the mark of a closed one is of the minute in which it was closed there.
    """
    asked = [{"period": "2026-03-20", "known_at": marks[0]}]
    asked += [{"contract": number, "known_at": marks[-1]} for number in CLOSED]
    for parameters in asked:
        for row in _listed(server, "/statements", **parameters):
            yield {name: said for name, said in row.items() if name != "known_at"}


def events(server: Client, marks: Sequence[str]) -> Iterator[Row]:
    """List the facts of some accounts and what became of them, in the order they are listed."""
    span = {"from": "2026-03-05", "to": "2026-03-12", "known_at": marks[-1]}
    for account in ACCOUNTS[:4]:
        yield from _listed(server, "/events", account=account, **span)
    for state in ("voided", "replaced", "unresolved"):
        yield from _listed(server, "/events", state=state, **span)


ANSWERS: dict[str, Callable[[Client, Sequence[str]], Iterator[Row]]] = {
    "usage": usage,
    "positions": positions,
    "statements": statements,
    "events": events,
}


def as_csv(rows: Iterable[Row]) -> str:
    """Write rows as CSV: a column for each path into them, in order of its name; nothing is
    rounded, and only what tells when something came in is left out.
    """
    flat = [dict(_flat("", row)) for row in rows]
    names = sorted({name for row in flat for name in row})
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue()


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for name, inside in value.items():
            if name not in _OF_ONE_SIDE:
                yield from _flat(f"{path}.{name}" if path else name, inside)
    elif isinstance(value, list) and value:
        for number, inside in enumerate(value):
            yield from _flat(f"{path}.{number:03}", inside)
    else:
        yield path, value if isinstance(value, str) else json.dumps(value)


def _listed(server: Client, path: str, **parameters: Any) -> Iterator[Row]:
    """Yield the items of a list, page by page."""
    cursor: dict[str, Any] = {}
    while True:
        answer = server.call("GET", path, limit=500, **parameters, **cursor)
        assert answer.status == HTTPStatus.OK, answer.body
        yield from answer.json["items"]
        if answer.json["next_cursor"] is None:
            return
        cursor = {"cursor": answer.json["next_cursor"]}
