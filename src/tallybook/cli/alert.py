"""Run checks of the catalogue, subscriptions to them, and list what they found."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import typer

from tallybook.cli._client import Data, connect
from tallybook.cli._command import Json, commands, print_json, print_table
from tallybook.cli._exit import ExitCode

app = commands()

Code = Annotated[str, typer.Argument(help="The check, such as contract.base_vs_coverage.")]
_CHECKS: Final = ("code", "title", "repeat_policy", "schedule")
_VARIABLES: Final = ("key", "kind", "default", "title")
_FOUND: Final = ("entity", "account", "state", "money_at_risk", "currency", "message")
#: Why nothing that was used is judged: what came in waits to be counted.
_STALE: Final = "data_stale"
_FINDINGS: Final = ("status", "check", *_FOUND)


@app.callback()
def alert() -> None:
    """Run checks of the catalogue, subscriptions to them, and list what they found."""


@app.command("list")
def list_(data: Data = None, *, as_json: Json = False) -> None:
    """List the checks there are."""
    with connect(data) as client:
        found = client.get("/checks")
    if as_json:
        print_json(found)
        return
    print_table(_CHECKS, [[item[name] for name in _CHECKS] for item in found["items"]])


@app.command("show")
def show(check: Code, data: Data = None, *, as_json: Json = False) -> None:
    """Say what a check finds, and what it can be set to."""
    with connect(data) as client:
        found = client.get(f"/checks/{check}")
    if as_json:
        print_json(found)
        return
    typer.echo(f"{found['title']}: {found['finds']}\n")
    print_table(_VARIABLES, [[_said(v[name]) for name in _VARIABLES] for v in found["variables"]])


@app.command("run")
def run(
    check: Code,
    *,
    values: Annotated[
        list[str] | None, typer.Option("--set", help="A variable, as low=0.75; again for more.")
    ] = None,
    account: Annotated[
        list[str] | None, typer.Option(help="Only this account and its tree; again for more.")
    ] = None,
    branch: Annotated[list[str] | None, typer.Option(help="Only this branch.")] = None,
    subscription: Annotated[
        str | None, typer.Option(help="Run this subscription, which remembers and sends.")
    ] = None,
    kind: Annotated[
        Literal["standard", "full", "test"], typer.Option(help="Of a run of a subscription.")
    ] = "standard",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be found; nothing is sent.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Say what a check finds now; ends with 1 where it found something, else with 3 where it could
    not judge, as the data are stale.

    Without a subscription nothing is remembered and nobody is told.
    """
    if subscription is None and not dry_run:
        typer.echo("Give --dry-run, or --subscription to remember and send.", err=True)
        raise typer.Exit(ExitCode.USAGE)
    with connect(data) as client:
        if subscription is None:
            asked = {"values": _values(values or []), "accounts": account, "branches": branch}
            body = {name: value for name, value in asked.items() if value}
            found = client.post(f"/checks/{check}/preview", body)
            told, count, looked = found["findings"], found["found"], found["evaluated"]
            unjudged = Counter(one["reason"] for one in found["cannot_evaluate"])
        else:
            _require_check(client.get(f"/subscriptions/{subscription}"), check)
            query = f"?kind={kind}&dry_run={str(dry_run).lower()}"
            found = client.post(f"/subscriptions/{subscription}/runs{query}", {})
            told, count, looked = found["said"], found["run"]["said"], found["run"]["evaluated"]
            unjudged = Counter(found["run"]["unjudged"])
    if as_json:
        print_json(found)
    else:
        _print_found(told, count, looked, unjudged)
    if told:
        raise typer.Exit(ExitCode.PROBLEMS)
    if _STALE in unjudged:
        raise typer.Exit(ExitCode.UNAVAILABLE)


@app.command("findings")
def findings(
    *,
    check: Annotated[str | None, typer.Option(help="Only of this check.")] = None,
    account: Annotated[str | None, typer.Option(help="One account and its tree.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List what stands of what subscriptions found, the dearest first."""
    with connect(data) as client:
        found = client.list("/findings", check=check, account=account)
    if as_json:
        print_json(found)
        return
    print_table(_FINDINGS, [_row(item, _FINDINGS) for item in found["items"]])


@app.command("subscriptions")
def subscriptions(data: Data = None, *, as_json: Json = False) -> None:
    """List subscriptions to checks."""
    with connect(data) as client:
        found = client.list("/subscriptions")
    if as_json:
        print_json(found)
        return
    names = ("id", "check", "name", "owner", "cron", "timezone", "next_run")
    print_table(names, [_row({**item, **item["schedule"]}, names) for item in found["items"]])


def _require_check(subscription: Mapping[str, Any], check: str) -> None:
    """Refuse a check that the subscription is not of.

    Raises:
        BadParameter: it is of another.
    """
    if subscription["check"] != check:
        told = f"{subscription['id']} is a subscription to {subscription['check']}, not to {check}."
        raise typer.BadParameter(told, param_hint="--subscription")


def _print_found(told: list[Any], count: int, looked: int, unjudged: Mapping[str, int]) -> None:
    """Print what was found, and below it how many that are and what could not be judged."""
    if told:
        print_table(_FOUND, [_row(item, _FOUND) for item in told])
    listed = f", {len(told)} of them listed" if len(told) < count else ""
    typer.echo(f"{count} found{listed}; {looked} contracts looked at.", err=True)
    for reason, some in unjudged.items():
        typer.echo(f"{some} could not be judged: {reason}.", err=True)


def _values(given: list[str]) -> dict[str, str]:
    """Read NAME=VALUE; a repeated name is a list with commas.

    Raises:
        BadParameter: where there is no `=`.
    """
    found: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise typer.BadParameter(f"{one!r} is no NAME=VALUE.", param_hint="--set")
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _row(item: Mapping[str, Any], names: tuple[str, ...]) -> list[object]:
    return [_said(item.get(name)) for name in names]


def _said(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
