"""Brings definitions in: a file row by row, each by itself, or a folder of them at once, all or
none; or says what that would change.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from tallybook.cli._client import Client, connect
from tallybook.cli._command import print_json
from tallybook.cli._exit import ExitCode
from tallybook.cli._files import Opened, opened
from tallybook.cli._folder import NOUNS, Definition, Folder, Place, add_row, gather
from tallybook.cli._plan import bring_in, fault_json, in_order, show_faults
from tallybook.cli._progress import progress
from tallybook.cli._sheet import Refused, Sheet, records, unused
from tallybook.model.errors import Invalid, NotFound, TallybookError, Unavailable


@dataclass(frozen=True, slots=True)
class Asked:
    """How to bring in: only say what would change, or do it, all or none; None is neither."""

    data: Path | None
    as_json: bool
    plan: bool = False
    apply: bool = False
    revision: int | None = None

    def __post_init__(self) -> None:
        """Refuse both at once."""
        if self.plan and self.apply:
            raise typer.BadParameter("give either --plan or --apply, not both", param_hint="--plan")


def define_folder(path: Path, asked: Asked) -> None:
    """Bring in a folder, or a file of documents: all or none."""
    with progress("files", None, counted=True) as show:
        folder = gather(path, show)
    with connect(asked.data) as client:
        bring_in(client, folder, str(path), dry_run=asked.plan, revision=asked.revision,
                 as_json=asked.as_json)  # fmt: skip


def define_file(nouns: str, file: Path, sheet: Sheet, asked: Asked) -> None:
    """Bring in a file of one noun; without --plan or --apply each document by itself."""
    folder = Folder(files=1)
    with opened(file, sheet.format, sheet.delimiter) as source, connect(asked.data) as client:
        _take(folder, source, sheet, nouns)
        if asked.plan or asked.apply:
            bring_in(client, folder, file.name, dry_run=asked.plan, revision=asked.revision,
                     as_json=asked.as_json)  # fmt: skip
        else:
            _one_by_one(client, folder, nouns, file.name, as_json=asked.as_json)


def _take(folder: Folder, source: Opened, sheet: Sheet, nouns: str) -> None:
    noun, name = NOUNS[nouns], source.path.name
    if source.table.columns is None:
        if sheet.map or sheet.set:
            raise Invalid(
                "mapping_invalid",
                f"{name} holds documents and no columns; leave --map, --set and --mapping out.",
            )
        for row in source.table.rows:
            add_row(folder, row, Place(name, row.number, "row"), noun)
        return
    left = unused(sheet, source.table)
    if left:
        typer.echo(f"{name}: nothing is read from: {', '.join(left)}", err=True)
    for record in records(sheet, source.table, noun):
        if isinstance(record, Refused):
            place = Place(name, record.row, "row", record.column)
            folder.refuse(place, record.field, record.code, record.detail)
        else:
            folder.add(noun, record.document, Place(name, record.row, "row"), record.origins)


def _one_by_one(client: Client, folder: Folder, nouns: str, name: str, *, as_json: bool) -> None:
    counts = {"received": len(folder.faults), "written": 0, "unchanged": 0}
    documents = [*_parents_first(folder)]
    with progress(name, len(documents), counted=True) as show:
        for definition, place in documents:
            counts["received"] += 1
            try:
                counts[_put(client, nouns, definition, place)] += 1
            except Unavailable:
                raise
            except TallybookError as e:
                field = str(e.facts.get("field") or "")
                detail = e.detail.removeprefix(f"{field}: ")
                folder.refuse(definition.place_of(place, field), field, e.code, detail)
            show(counts["received"])
    counts["rejected"] = len(folder.faults)
    faults = in_order(folder.faults)
    show_faults(faults)
    if as_json:
        print_json({"file": name, **counts, "faults": [fault_json(fault) for fault in faults]})
    else:
        parts = [f"{n:,} {state}" for state, n in counts.items() if n and state != "received"]
        typer.echo(f"{name}: {counts['received']:,} {nouns}: {', '.join(parts) or 'none'}.")
    if faults:
        raise typer.Exit(ExitCode.PROBLEMS)


def _put(client: Client, nouns: str, definition: Definition, place: int) -> str:
    path = f"/{nouns}/{definition.key}"
    try:
        before = client.get(path)["version"]
    except NotFound:
        before = 0
    after = client.put(path, definition.documents[place])["version"]
    return "written" if after != before else "unchanged"


def _parents_first(folder: Folder) -> Iterator[tuple[Definition, int]]:
    """Yield all documents, accounts after the parents they name; all else keeps its order."""
    waiting = list(folder.definitions.values())
    while waiting:
        ahead = {definition.key for definition in waiting}
        later = [one for one in waiting if _parents(one) & ahead]
        if len(later) == len(waiting):
            later = []  # a circle, which the server refuses
        for definition in waiting:
            if not any(definition is one for one in later):
                yield from ((definition, place) for place in range(len(definition.documents)))
        waiting = later


def _parents(definition: Definition) -> set[Any]:
    """Return the accounts a definition names as parent, but itself."""
    found = {document.get("parent") for document in definition.documents}
    return {parent for parent in found if isinstance(parent, str)} - {definition.key}
