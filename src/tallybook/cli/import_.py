"""Read events, accounts, meters and contracts from files; running it twice adds nothing."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer

from tallybook.cli._client import Client, Data, connect
from tallybook.cli._command import Json, commands, print_json
from tallybook.cli._exit import ExitCode
from tallybook.cli._files import Opened, opened
from tallybook.cli._mapping import Recipe, TimeFormat, mapper, recipe
from tallybook.cli._progress import progress
from tallybook.cli._upload import Numbered, Upload, send_all
from tallybook.formats import yaml
from tallybook.model.errors import Invalid, NotFound, TallybookError, Unavailable, Unreadable
from tallybook.model.table import BadRow, Row

app = commands()

File = Annotated[Path, typer.Argument(help="The file; gzip and zstd are unpacked.")]
Format = Annotated[
    str | None,
    typer.Option("--format", help="csv, json, ndjson, yaml or parquet; guessed by the name."),
]
Delimiter = Annotated[str | None, typer.Option(help="What separates the columns of a CSV.")]


@app.command()
def events(
    file: File,
    *,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", help="PART=COLUMN: id, source, type, subject, time or data.NAME."),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="PART=VALUE, the same for all rows.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="A YAML file with map, set, text and other options.")
    ] = None,
    text: Annotated[
        list[str] | None, typer.Option(help="data.NAME: stays text although it looks a number.")
    ] = None,
    time_format: Annotated[
        TimeFormat | None, typer.Option(help="How times are written; iso by default.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Where times without an offset are local; UTC by default.")
    ] = None,
    format_: Format = None,
    delimiter: Delimiter = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Send the rows of a file as events.

    Without --map, records are CloudEvents and columns are named like their parts. A row without
    an id is named by the file's content and its line, so that running it twice adds nothing.
    """
    given = {
        "map": _pairs(map_, "--map"), "set": _pairs(set_, "--set"), "text": text,
        "time_format": time_format, "timezone": timezone, "format": format_,
        "delimiter": delimiter,
    }  # fmt: skip
    said = recipe(_document(mapping), given)
    with opened(file, said.format, said.delimiter) as source, connect(data) as client:
        upload = Upload(client, lambda line: typer.echo(f"{file.name} {line}", err=True))
        _send(upload, source, said)
    _report(upload, file, as_json=as_json)


@app.command()
def accounts(
    file: File,
    format_: Format = None,
    delimiter: Delimiter = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Put the accounts of a file; columns of a CSV are named like fields, such as csm.name."""
    _define("accounts", "key", file, format_, delimiter, data, as_json=as_json)


@app.command()
def meters(
    file: File,
    format_: Format = None,
    delimiter: Delimiter = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Put the meters of a file; columns of a CSV are named like fields."""
    _define("meters", "key", file, format_, delimiter, data, as_json=as_json)


@app.command()
def contracts(
    file: File,
    format_: Format = None,
    delimiter: Delimiter = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Put the contracts of a file; columns of a CSV are named like fields: lines.0.meter."""
    _define("contracts", "number", file, format_, delimiter, data, as_json=as_json)


def _pairs(given: Iterable[str] | None, option: str) -> dict[str, str]:
    """Read NAME=VALUE pairs; several in one word are separated by commas."""
    pairs: dict[str, str] = {}
    for word in given or ():
        for pair in re.split(r",(?=[A-Za-z][\w.]*=)", word):
            name, equals, value = pair.partition("=")
            if not equals or not name:
                raise typer.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint=option)
            pairs[name] = value
    return pairs


def _document(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    if not file.is_file():
        raise NotFound("file_missing", f"There is no file {file}.")
    with file.open("rb") as stream:
        documents = yaml.load(stream)
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise Invalid("mapping_invalid", f"{file.name} must be one object, with map and set.")
    return documents[0]


def _send(upload: Upload, source: Opened, said: Recipe) -> None:
    with progress(source.path.name, source.bytes if source.taken() is not None else None) as show:
        try:
            send_all(upload, _events(upload, source, said), lambda: show(source.taken()))
        except Unreadable:
            upload.flush()  # what came before is good
            raise
        except (Unavailable, httpx2.TransportError) as e:
            why = e.detail if isinstance(e, Unavailable) else f"The server went away: {e}."
            raise Unavailable(
                e.code if isinstance(e, Unavailable) else "server_unreachable",
                f"{why} {upload.counts['received']:,} rows were taken. Run the same command "
                "again: nothing is counted twice.",
            ) from e


def _events(upload: Upload, source: Opened, said: Recipe) -> Iterator[Numbered]:
    make = mapper(said, source.table)
    for row in source.table.rows:
        if isinstance(row, BadRow):
            upload.refuse(row.number, "row_unreadable", row.reason)
            continue
        try:
            event = make.event(row, lambda number: f"{source.digest()}:{number}")
        except Invalid as e:
            upload.refuse(row.number, e.code, e.detail)
            continue
        yield Numbered(row.number, event)


def _report(upload: Upload, file: Path, *, as_json: bool) -> None:
    counts = upload.counts
    if as_json:
        more = {"ledger_seq": upload.ledger_seq, "faults": upload.faults}
        print_json({"file": file.name, **counts, **more})
    else:
        untold = upload.faults_count - len(upload.faults)
        if untold:
            typer.echo(f"... and {untold:,} more rows at fault", err=True)
        parts = [f"{n:,} {name}" for name, n in counts.items() if n and name != "received"]
        line = f"{file.name}: {counts['received']:,} rows: {', '.join(parts) or 'none'}."
        if counts["received"] and counts["received"] == counts["duplicate"]:
            line += " All were there already; nothing was added."
        typer.echo(line)
    if upload.faults_count:
        raise typer.Exit(ExitCode.PROBLEMS)


def _define(
    nouns: str,
    key: str,
    file: Path,
    kind: str | None,
    delimiter: str | None,
    data: Path | None,
    *,
    as_json: bool,
) -> None:
    counts = {"received": 0, "written": 0, "unchanged": 0, "rejected": 0}
    faults: list[dict[str, Any]] = []
    with opened(file, kind, delimiter) as source, connect(data) as client:
        rows = [_row_document(row, is_flat=source.table.columns is not None)
                for row in source.table.rows]  # fmt: skip
        with progress(file.name, len(rows), counted=True) as show:
            for row in _parents_first(rows):
                counts["received"] += 1
                try:
                    outcome = _put(client, nouns, key, row)
                except Unavailable:
                    raise
                except TallybookError as e:
                    outcome = "rejected"
                    faults.append({"row": row.number, "code": e.code, "detail": e.detail})
                    typer.echo(f"{file.name} row {row.number}: {e.detail} ({e.code})", err=True)
                counts[outcome] += 1
                show(counts["received"])
    if as_json:
        print_json({"file": file.name, **counts, "faults": faults})
    else:
        parts = [f"{n:,} {name}" for name, n in counts.items() if n and name != "received"]
        typer.echo(f"{file.name}: {counts['received']:,} {nouns}: {', '.join(parts) or 'none'}.")
    if faults:
        raise typer.Exit(ExitCode.PROBLEMS)


def _put(client: Client, nouns: str, key: str, row: Row | BadRow) -> str:
    if isinstance(row, BadRow):
        raise Unreadable("row_unreadable", row.reason)
    name = row.fields.get(key)
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9._:\-]{1,128}", name):
        raise Invalid(
            "key_invalid", f"{key} must be 1 to 128 letters, digits or . _ : -", field=key
        )
    path = f"/{nouns}/{name}"
    try:
        before = client.get(path)["version"]
    except NotFound:
        before = 0
    after = client.put(path, row.fields)["version"]
    return "written" if after != before else "unchanged"


def _row_document(row: Row | BadRow, *, is_flat: bool) -> Row | BadRow:
    """Make a document of columns named by paths; empty fields are left out."""
    if isinstance(row, BadRow) or not is_flat:
        return row
    document: dict[str, Any] = {}
    for column, value in row.fields.items():
        if value is None or value == "":
            continue
        *outer, last = column.split(".")
        inside = document
        for name in outer:
            inside = inside.setdefault(name, {})
            if not isinstance(inside, dict):
                return BadRow(row.number, f"the column {column} contradicts another")
        inside[last] = value
    return Row(row.number, _lists(document))


def _lists(value: Any) -> Any:
    """Turn objects whose names count from 0 into lists."""
    if not isinstance(value, dict):
        return value
    if value and all(name.isdecimal() for name in value):
        return [_lists(value[name]) for name in sorted(value, key=int)]
    return {name: _lists(inside) for name, inside in value.items()}


def _parents_first(rows: list[Row | BadRow]) -> Iterator[Row | BadRow]:
    """Yield accounts after the parents they name; all else keeps its order."""
    while rows:
        ahead = {row.fields.get("key") for row in rows if isinstance(row, Row)}
        later: list[Row | BadRow] = [
            row
            for row in rows
            if isinstance(row, Row)
            and row.fields.get("parent") in ahead
            and row.fields.get("parent") not in {None, row.fields.get("key")}
        ]
        if len(later) == len(rows):
            later = []  # a circle, which the server refuses
        waiting = {id(row) for row in later}
        yield from (row for row in rows if id(row) not in waiting)
        rows = later
