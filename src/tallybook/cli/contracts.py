"""List contracts, say what each comes to in a period, and close its statement."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

import typer

from tallybook.cli._client import Data, connect
from tallybook.cli._command import Json, commands, print_json, print_table

app = commands()

Number = Annotated[str, typer.Argument(help="The contract's number.")]
_CONTRACTS: Final = ("number", "name", "account", "status", "start_date", "end_date", "version")
_STATEMENTS: Final = (
    "contract",
    "account",
    "start_date",
    "end_date",
    "subtotal",
    "total",
    "currency",
    "status",
)
_CHARGES: Final = ("kind", "code", "quantity", "billable_quantity", "unit", "amount")


@app.command("list")
def list_(
    q: Annotated[str | None, typer.Option(help="Part of a number or a name.")] = None,
    data: Data = None,
    *,
    as_json: Json = False,
) -> None:
    """List the contracts that stand today."""
    with connect(data) as client:
        found = client.list("/contracts", q=q)
    if as_json:
        print_json(found)
        return
    print_table(_CONTRACTS, [[item[name] for name in _CONTRACTS] for item in found["items"]])


@app.command("show")
def show(contract: Number, data: Data = None) -> None:
    """Show a contract's document as it holds today, as JSON."""
    with connect(data) as client:
        print_json(client.get(f"/contracts/{contract}"))


@app.command("statement")
def statement(
    contract: Number,
    *,
    period: Annotated[
        str | None, typer.Option(help="Any date inside the period; today by default.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Say what a contract comes to in a period."""
    with connect(data) as client:
        found = client.get(f"/statements/{contract}", period=period)
    _print_statement(found, as_json=as_json)


@app.command("statements")
def statements(
    *,
    contract: Annotated[
        str | None, typer.Option(help="One contract; without a period all it has.")
    ] = None,
    account: Annotated[str | None, typer.Option(help="One account and its tree.")] = None,
    period: Annotated[
        str | None, typer.Option(help="Any date inside the periods; today by default.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List statements with their totals."""
    asked = {"contract": contract, "account": account, "period": period}
    with connect(data) as client:
        found = client.list("/statements", **asked)
    if as_json:
        print_json(found)
        return
    rows = [{**item, **item["period"]} for item in found["items"]]
    print_table(_STATEMENTS, [[row[name] for name in _STATEMENTS] for row in rows])


@app.command("close")
def close(
    contract: Number,
    *,
    period: Annotated[str, typer.Option(help="Any date inside the period, which is over.")],
    release: Annotated[bool, typer.Option(help="Close it although it is held.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why one that is held is closed.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Close a period's statement: it never changes again."""
    if release and reason is None:
        raise typer.BadParameter("--release needs a --reason.")
    with connect(data) as client:
        asked = {"period": period, "release": release, "reason": reason}
        found = client.post(f"/statements/{contract}/close", asked)
    _print_statement(found, as_json=as_json)


def _print_statement(found: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    print_table(_CHARGES, [[row.get(name) for name in _CHARGES] for row in _rows(found)])
    period = found["period"]
    typer.echo(
        f"{found['contract']}, {period['start_date']} to before {period['end_date']}, "
        f"{found['status']}.",
        err=True,
    )


def _rows(found: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    for name in ("lines", "base_charges", "discounts", "commitments"):
        yield from found[name]
    for said in found["adjustments"]:
        yield {**said, "kind": "adjustment", "code": f"{said['code']} of {said['period_start']}"}
    yield {"kind": "subtotal", "amount": found["subtotal"], "unit": found["currency"]}
    for use in found["credits"]:
        less = None if use["amount"] is None else f"-{use['amount']}"
        yield {"kind": "credit", "code": use["name"], "amount": less}
    yield {"kind": "total", "amount": found["total"], "unit": found["currency"]}
