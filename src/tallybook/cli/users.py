"""Add, change and list users."""

from typing import Annotated

import typer

from tallybook.cli._client import Data, connect
from tallybook.cli._command import Json, commands, print_json, print_table

app = commands()


@app.command("put")
def put(
    email: Annotated[str, typer.Argument(help="Their address; it names them.")],
    *,
    role: Annotated[str, typer.Option(help="admin, finance, csm, analyst, customer_viewer …")],
    name: Annotated[str | None, typer.Option(help="Their name.")] = None,
    account: Annotated[str | None, typer.Option(help="The account they are bound to.")] = None,
    password: Annotated[
        str | None, typer.Option(envvar="TALLYBOOK_PASSWORD", help="A new password.")
    ] = None,
    state: Annotated[str, typer.Option(help="active or suspended.")] = "active",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Add a user, or change the one with this address."""
    asked = {"role": role, "name": name, "account": account, "password": password, "state": state}
    with connect(data) as client:
        user = client.put(f"/users/{email}", asked)
    if as_json:
        print_json(user)
        return
    typer.echo(f"{user['email']} is {user['role']}, {user['state']}.")


@app.command("list")
def list_(data: Data = None, as_json: Json = False) -> None:
    """List the users."""
    with connect(data) as client:
        found = client.list("/users")
    if as_json:
        print_json(found)
        return
    names = ["email", "name", "role", "account", "state"]
    print_table(names, [[item[n] for n in names] for item in found["items"]])
