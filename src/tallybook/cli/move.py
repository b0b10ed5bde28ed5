"""Move Books and the ledger of a folder into PostgreSQL, and compare both sides."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from tallybook.cli._app import app as root
from tallybook.cli._client import Data
from tallybook.cli._command import Json, commands, print_json
from tallybook.cli._progress import progress
from tallybook.settings import Settings

app = commands()


@app.command()
def move(
    to: Annotated[
        str | None,
        typer.Option(
            help="postgresql://user:password@host:5432/name; TALLYBOOK_DATABASE_URL by default."
        ),
    ] = None,
    *,
    events: Annotated[
        str | None,
        typer.Option(
            help="Where the copy of the events is to be, if not in the folder: clickhouse://user:"
            "password@host:8123/database; TALLYBOOK_EVENTS_URL by default."
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only say what will be moved; write nothing.")
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Serve the folder again, and not the database.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Move Books and the ledger of a folder into an empty PostgreSQL database; no server may run.

    Run again after a stop, at any point, it goes on. It ends when every row was compared; then
    the folder is left as it is and served no more.
    """
    settings = _settings({"database_url": to, "events_url": events, "data": data})
    if settings.database_url is None:
        raise typer.BadParameter("say where to, or set TALLYBOOK_DATABASE_URL", param_hint="--to")
    with root.moving(settings) as moving:
        if undo:
            moving.undo()
        elif not plan:
            if not as_json:
                _planned(moving.goal, moving.found)
            for stage in moving.stages():
                with progress(stage.name, stage.total, counted=True) as show:
                    for done in stage.steps:
                        show(done)
    if as_json:
        told = {"from": str(settings.data), "to": moving.goal, "state": moving.state}
        print_json({**told, **moving.found})
    elif undo:
        typer.echo(f"{settings.data} is served again. Unset TALLYBOOK_DATABASE_URL.")
    elif plan:
        _planned(moving.goal, moving.found)
    else:
        _moved(moving.goal, moving.found, settings)


def _settings(given: Mapping[str, Any]) -> Settings:
    said = {name: value for name, value in given.items() if value is not None}
    return Settings.model_validate({**Settings().model_dump(), **said})


def _shown(url: str) -> str:
    """Return an address with stars for its password."""
    return re.sub(r"^(\w+://[^:/@]*):[^@]*@", r"\1:***@", url)


def _planned(goal: str, found: Mapping[str, Any]) -> None:
    books, ledger = found["books"], found["ledger"]
    rows = sum(table["rows"] for table in books.values())
    typer.echo(f"Books    {rows:,} rows of {len(books)} tables")
    typer.echo(
        f"Ledger   {ledger['events']:,} events in {ledger['batches']:,} batches, "
        f"{ledger['bytes']:,} bytes"
    )
    typer.echo(f"To       {goal}")


def _moved(goal: str, found: Mapping[str, Any], settings: Settings) -> None:
    if "events" in found:
        rows = sum(table["rows"] for table in found["books"].values())
        typer.echo(
            f"\nMoved, and equal on both sides: {rows:,} rows of Books, "
            f"{found['ledger']['events']:,} events of the ledger, each with its id, and the "
            f"answers for {len(found['events']['types'])} types of events and "
            f"{len(found['events']['meters'])} meters."
        )
    else:
        typer.echo("\nMoved already; nothing was done.")
    typer.echo(
        f"{settings.data} stays as it is and is served no more. `move --undo` goes back, as long "
        "as nothing new is in the database."
    )
    typer.echo(f"Set TALLYBOOK_DATABASE_URL={goal}")
    if settings.events_url is not None:
        typer.echo(f"Set TALLYBOOK_EVENTS_URL={_shown(settings.events_url.get_secret_value())}")
