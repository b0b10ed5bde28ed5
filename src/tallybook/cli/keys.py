"""Make, list and revoke API keys."""

from typing import Annotated

import typer

from tallybook.cli._client import Data, connect
from tallybook.cli._command import Json, commands, print_json, print_table

app = commands()


@app.command("make")
def make(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    *,
    role: Annotated[str, typer.Option(help="ingest, analyst, finance, admin …")],
    account: Annotated[str | None, typer.Option(help="The account it is bound to.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="Verbs it may use; all of the role by default.")
    ] = None,
    expires_at: Annotated[str | None, typer.Option(help="An instant.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a key; its secret is shown once."""
    asked = {
        "name": name,
        "role": role,
        "account": account,
        "scopes": scope,
        "expires_at": expires_at,
    }
    with connect(data) as client:
        made = client.post("/keys", asked)
    if as_json:
        print_json(made)
        return
    typer.echo(made["secret"])
    typer.echo("Keep it: it is not shown again.", err=True)


@app.command("list")
def list_(data: Data = None, as_json: Json = False) -> None:
    """List the keys, without their secrets."""
    with connect(data) as client:
        found = client.list("/keys")
    if as_json:
        print_json(found)
        return
    names = ["id", "prefix", "name", "role", "account", "used_at", "expires_at", "revoked_at"]
    print_table(names, [[item[n] for n in names] for item in found["items"]])


@app.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, from `keys list`.")],
    data: Data = None,
) -> None:
    """End a key at once."""
    with connect(data) as client:
        client.delete(f"/keys/{key_id}")
    typer.echo("Revoked.", err=True)
