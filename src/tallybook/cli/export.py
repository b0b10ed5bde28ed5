"""Write accounts, meters and contracts to files, as import and validate read them."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tallybook import formats
from tallybook.cli._client import Client, Data, connect
from tallybook.cli._command import Json, commands, print_json
from tallybook.cli._folder import NOUNS, file_names
from tallybook.cli._progress import progress
from tallybook.model import kinds

app = commands()


class Nouns(StrEnum):
    """What there is to export."""

    ACCOUNTS = "accounts"
    METERS = "meters"
    CONTRACTS = "contracts"
    ALL = "all"


class Format(StrEnum):
    """How the files are written."""

    YAML = "yaml"
    JSON = "json"


_STATES: Final = ("written", "unchanged")


@app.command()
def export(
    nouns: Annotated[Nouns, typer.Argument(help="What to export.")],
    folder: Annotated[Path, typer.Argument(help="Where to; each noun has a folder of its own.")],
    format_: Annotated[Format, typer.Option("--format", help="How.")] = Format.YAML,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write accounts, meters or contracts to a folder: a file each, a document a version.

    The same definitions give the same bytes. Nothing is removed from the folder: a file of what was
    retired since is yours to delete.
    """
    asked = tuple(NOUNS) if nouns is Nouns.ALL else (nouns.value,)
    with connect(data) as client:
        told = {noun: _export(client, noun, folder / noun, format_) for noun in asked}
    if as_json:
        print_json({"folder": str(folder), **told})
        return
    for noun, counts in told.items():
        parts = [f"{counts[state]:,} {state}" for state in _STATES if counts[state]]
        left = f"; {counts['retired']:,} retired left out" if counts["retired"] else ""
        typer.echo(
            f"{folder / noun}: {counts['files']:,} files: {', '.join(parts) or 'none'}{left}."
        )


def _export(client: Client, nouns: str, folder: Path, kind: str) -> dict[str, int]:
    counts = dict.fromkeys(("files", *_STATES, "retired"), 0)
    found: dict[str, Sequence[Any]] = {}
    with progress(nouns, None, counted=True) as show:
        for page in client.definitions(NOUNS[nouns]):
            found |= {item["key"]: item["documents"] for item in page["items"]}
            counts["retired"] = page["totals"]["retired"]
            show(len(found))
    folder.mkdir(parents=True, exist_ok=True)
    write = kinds.load(formats, kind).write
    names = file_names(found)
    with progress(f"{nouns} to files", len(found), counted=True) as show:
        for count, (key, documents) in enumerate(found.items(), 1):
            file = folder / f"{names[key]}.{kind}"
            counts[_write(file, write(documents))] += 1
            show(count)
    counts["files"] = len(found)
    return counts


def _write(file: Path, content: bytes) -> str:
    """Leave a file alone that says this already, so that tools which watch it stay quiet."""
    if file.is_file() and file.read_bytes() == content:
        return "unchanged"
    file.write_bytes(content)
    return "written"
