"""Asks what a set of definitions would change, or has it done, and prints the answer: for people
a line a change, for programs what the API said, with the file of each.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import typer

from tallybook.cli._client import Client
from tallybook.cli._command import print_json
from tallybook.cli._exit import ExitCode
from tallybook.cli._folder import Fault, Folder

_STATES: Final = ("new", "changed", "unchanged")
#: The figures of a charge, as they are told.
_CHARGED: Final = {
    "included": "included",
    "quantity": "quantity",
    "billable_quantity": "billable",
    "amount": "amount",
}


def ask(
    client: Client,
    folder: Folder,
    *,
    dry_run: bool,
    revision: int | None = None,
    effects: bool = False,
) -> dict[str, Any]:
    """Send all definitions of a folder at once; nothing is written in a dry run.

    Raises:
        TallybookError: what the API refuses.
    """
    asked = {"dry_run": dry_run, "revision": revision, "effects": effects}
    answer: dict[str, Any] = client.post("/definitions", {**body_of(folder), **asked})
    return answer


def body_of(folder: Folder) -> dict[str, Any]:
    """Return all definitions of a folder as the API takes them."""
    said = [
        {"noun": one.noun, "key": one.key, "documents": one.documents}
        for one in folder.definitions.values()
    ]
    return {"definitions": said}


def bring_in(
    client: Client,
    folder: Folder,
    name: str,
    *,
    dry_run: bool,
    revision: int | None,
    as_json: bool,
) -> None:
    """Plan or apply what a folder holds, print what came of it, and end with code 1 on faults.

    What was planned is what is applied: nothing of it may change in between.
    """
    answer = ask(client, folder, dry_run=True, revision=revision, effects=dry_run)
    faults = in_order([*folder.faults, *placed(folder, answer["faults"])])
    if not dry_run and not faults:
        answer = ask(client, folder, dry_run=False, revision=answer["revision"])
    show_faults(faults)
    if as_json:
        print_json({"path": name, **answer, "faults": [fault_json(fault) for fault in faults]})
    else:
        _print(answer, folder, name, faults)
    if faults:
        raise typer.Exit(ExitCode.PROBLEMS)


def placed(folder: Folder, told: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """Give the API's faults their places."""
    found = []
    for fault in told:
        definition = folder.definitions[fault["noun"], fault["key"]]
        place = definition.place_of(fault["document"], fault["field"])
        found.append(Fault(place, fault["field"], fault["code"], fault["detail"]))
    return found


def in_order(faults: Iterable[Fault]) -> list[Fault]:
    """Return faults as the files are read."""
    return sorted(faults, key=lambda fault: (fault.place.file, fault.place.number))


def _print(answer: Mapping[str, Any], folder: Folder, name: str, faults: Sequence[Fault]) -> None:
    for item in answer["items"]:
        definition = folder.definitions[item["noun"], item["key"]]
        for step in item["steps"]:
            since = f" from {step['valid_from']}" if step["valid_from"] else ""
            place = definition.places[step["document"]]
            typer.echo(f"{place}: {item['state']} {item['noun']} {item['key']}{since}")
            for change in step["changes"]:
                old, new = (_said(change[side]) for side in ("before", "after"))
                typer.echo(f"  {change['field']}: {old} → {new}")
        for day in item["beside"]:
            typer.echo(f"  what holds from {day} is not in the file and stays as it is")
    for effect in answer["effects"]:
        _print_effect(effect)
    for money in answer["money"]:
        said = f"{money['before']} → {money['after']} {money['currency']}"
        typer.echo(f"All that it touches, in the current periods: {said}")
    totals = ", ".join(f"{answer['totals'][state]:,} {state}" for state in _STATES)
    typer.echo(f"{name}: {totals}; revision {answer['revision']}. {_ending(answer, faults, name)}")


def _print_effect(effect: Mapping[str, Any]) -> None:
    sides = effect["before"], effect["after"]
    period = next(side for side in reversed(sides) if side)
    totals = " → ".join(side["total"] if side else "none" for side in sides)
    span = f"{period['start_date']} to {period['end_date']}"
    typer.echo(f"{effect['contract']}, {span}: {totals} {period['currency']}")
    for charge in effect["charges"]:
        before, after = charge["before"] or {}, charge["after"] or {}
        parts = [
            f"{title} {_text(before, name)} → {_text(after, name)}"
            for name, title in _CHARGED.items()
            if before.get(name) != after.get(name)
        ]
        unit = f" ({charge['unit']})" if charge["unit"] else ""
        typer.echo(f"  {charge['code']}{unit}: {'; '.join(parts)}")


def _said(value: Any) -> str:
    """Return what a field holds on one line: a text as it is, all else as JSON."""
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _text(charged: Mapping[str, Any], name: str) -> str:
    """Return a figure of a charge; an included quantity that is null has no limit."""
    if not charged:
        return "none"
    return charged[name] or ("unlimited" if name == "included" else "none")


def _ending(answer: Mapping[str, Any], faults: Sequence[Fault], name: str) -> str:
    if faults:
        return f"Nothing was written: {len(faults):,} faults."
    if not answer["items"]:
        return "All of it holds already."
    if answer["applied"]:
        return "Written; what held before is kept in the history of each."
    again = f"`import {name} --apply --revision {answer['revision']}` does it."
    return f"Nothing was written. {again}"


def show_faults(faults: Sequence[Fault]) -> None:
    """Tell each on standard error."""
    for fault in faults:
        typer.echo(str(fault), err=True)


def fault_json(fault: Fault) -> dict[str, Any]:
    """Return a fault for programs."""
    return {
        "file": fault.place.file,
        fault.place.kind if fault.place.kind == "row" else "document": fault.place.number,
        **({"column": fault.place.column} if fault.place.kind == "row" else {}),
        "field": fault.field,
        "code": fault.code,
        "detail": fault.detail,
    }
