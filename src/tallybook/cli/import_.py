"""Read events, accounts, meters and contracts from files; running it twice adds nothing."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer
from typer.core import TyperGroup

from tallybook.cli._client import Data, connect
from tallybook.cli._command import Json, commands, print_json
from tallybook.cli._define import Asked, define_file, define_folder
from tallybook.cli._exit import ExitCode
from tallybook.cli._files import Opened, opened
from tallybook.cli._mapping import Recipe, TimeFormat, mapper, recipe
from tallybook.cli._progress import progress
from tallybook.cli._sheet import sheet
from tallybook.cli._upload import Numbered, Upload, send_all
from tallybook.formats import yaml
from tallybook.model.errors import Invalid, NotFound, Unavailable, Unreadable
from tallybook.model.table import BadRow


class _OrFolder(TyperGroup):
    """Takes what is no word of its own as the path of a folder."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the word `folder` before a path, or before the options that lead to one."""
        if args and args[0] not in {*self.commands, "--help", "-h"}:
            args = ["folder", *args]
        return super().parse_args(ctx, args)


app = commands(_OrFolder)

File = Annotated[Path, typer.Argument(help="The file; gzip and zstd are unpacked.")]
Format = Annotated[
    str | None,
    typer.Option("--format", help="csv, json, ndjson, yaml or parquet; guessed by the name."),
]
Columns = Annotated[
    list[str] | None,
    typer.Option("--map", help="PATH=COLUMN: lines.0.code=Service, lines[sms].quantity=N."),
]
Constants = Annotated[
    list[str] | None, typer.Option("--set", help="PATH=VALUE, the same for all rows.")
]
Mapping_ = Annotated[
    Path | None,
    typer.Option("--mapping", help="A YAML file with map, set, dates, numbers and delimiter."),
]
Dates = Annotated[
    str | None, typer.Option(help="How days are written: DD/MM/YYYY; YYYY-MM-DD by default.")
]
Numbers = Annotated[
    str | None, typer.Option(help="How numbers are written: 1,234.5 or 1.234,5; 1234.5 by default.")
]
Plan = Annotated[bool, typer.Option("--plan", help="Say what would change, and write nothing.")]
Apply = Annotated[bool, typer.Option("--apply", help="Write all of it at once, or nothing.")]
Revision = Annotated[
    int | None,
    typer.Option(help="The revision a plan named: what changed after it is not overwritten."),
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
    map_: Columns = None,
    set_: Constants = None,
    mapping: Mapping_ = None,
    dates: Dates = None,
    numbers: Numbers = None,
    format_: Format = None,
    delimiter: Delimiter = None,
    plan: Plan = False,
    apply: Apply = False,
    revision: Revision = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Put the accounts of a file; columns of a CSV are named like fields, such as csm.name."""
    given = _given(map_, set_, dates, numbers, format_, delimiter)
    asked = Asked(data, as_json, plan, apply, revision)
    define_file("accounts", file, sheet(_document(mapping), given), asked)


@app.command()
def meters(
    file: File,
    map_: Columns = None,
    set_: Constants = None,
    mapping: Mapping_ = None,
    dates: Dates = None,
    numbers: Numbers = None,
    format_: Format = None,
    delimiter: Delimiter = None,
    plan: Plan = False,
    apply: Apply = False,
    revision: Revision = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Put the meters of a file; columns of a CSV are named like fields."""
    given = _given(map_, set_, dates, numbers, format_, delimiter)
    asked = Asked(data, as_json, plan, apply, revision)
    define_file("meters", file, sheet(_document(mapping), given), asked)


@app.command()
def contracts(
    file: File,
    map_: Columns = None,
    set_: Constants = None,
    mapping: Mapping_ = None,
    dates: Dates = None,
    numbers: Numbers = None,
    format_: Format = None,
    delimiter: Delimiter = None,
    plan: Plan = False,
    apply: Apply = False,
    revision: Revision = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Put the contracts of a file; columns of a CSV are named like fields: lines.0.meter.

    Rows of a table with the same number are one contract with a line each.
    """
    given = _given(map_, set_, dates, numbers, format_, delimiter)
    asked = Asked(data, as_json, plan, apply, revision)
    define_file("contracts", file, sheet(_document(mapping), given), asked)


@app.command()
def folder(
    path: Annotated[Path, typer.Argument(help="A folder as `export` makes it, or one file.")],
    plan: Plan = False,
    apply: Apply = False,
    revision: Revision = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Bring in accounts, meters and contracts together, all or none; `import DIR` is the same."""
    define_folder(path, Asked(data, as_json, plan, apply, revision))


def _given(  # each is an option, as the command line read it
    map_: list[str] | None,
    set_: list[str] | None,
    dates: str | None,
    numbers: str | None,
    format_: str | None,
    delimiter: str | None,
) -> dict[str, Any]:
    return {
        "map": _pairs(map_, "--map"), "set": _pairs(set_, "--set"), "dates": dates,
        "numbers": numbers, "format": format_, "delimiter": delimiter,
    }  # fmt: skip


def _pairs(given: Iterable[str] | None, option: str) -> dict[str, str]:
    """Read NAME=VALUE pairs; several in one word are separated by commas."""
    pairs: dict[str, str] = {}
    for word in given or ():
        for pair in re.split(r",(?=[A-Za-z][\w.:\[\]-]*=)", word):
            name, equals, value = pair.partition("=")
            if not equals or not name:
                raise typer.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint=option)
            pairs[name] = value
    return pairs


def _document(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    if not file.is_file():
        raise NotFound("file_missing", f"There is no file {file}; check the path.")
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
