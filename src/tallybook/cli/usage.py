"""Ask for the use of a meter, by bucket, account and dimension."""

from typing import Annotated

import typer

from tallybook.cli._client import Data, connect
from tallybook.cli._command import Json, commands, print_json, print_table

app = commands()


@app.command()
def usage(
    meter: Annotated[str, typer.Argument(help="The meter's key.")],
    *,
    account: Annotated[str | None, typer.Option(help="One account, with its tree.")] = None,
    first: Annotated[
        str | None, typer.Option("--from", help="An instant or a local date; inclusive.")
    ] = None,
    to: Annotated[str | None, typer.Option(help="An instant or a local date; exclusive.")] = None,
    interval: Annotated[
        str | None, typer.Option(help="hour, day, week, month, quarter or year.")
    ] = None,
    timezone: Annotated[str | None, typer.Option(help="Instead of the account's zone.")] = None,
    group_by: Annotated[
        list[str] | None, typer.Option(help="`account` or a dimension; up to two.")
    ] = None,
    filter_: Annotated[
        list[str] | None, typer.Option("--filter", help="name:op:value; all must hold.")
    ] = None,
    rollup: Annotated[bool, typer.Option(help="Count the account's tree.")] = True,
    known_at: Annotated[
        str | None, typer.Option(help="A mark of an earlier answer, or an instant.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Ask for the use of a meter, by bucket, account and dimension."""
    with connect(data) as client:
        found = client.get(
            "/usage",
            **{"from": first, "filter": filter_, "group_by": group_by},
            meter=meter,
            account=account,
            to=to,
            interval=interval,
            timezone=timezone,
            rollup="true" if rollup else "false",
            known_at=known_at,
        )
    if as_json:
        print_json(found)
        return
    names = group_by or []
    rows = [
        [
            row["start"],
            row["end"],
            *(
                row["group"].get(n) or row[n] if n == "account" else row["group"].get(n)
                for n in names
            ),
            row["value"],
            "partial" * row["partial"],
        ]
        for row in found["rows"]
    ]
    print_table(["start", "end", *names, found["unit"], ""], rows)
    typer.echo(f"\nComplete to {found['data_through']}, known at {found['known_at']}.", err=True)
