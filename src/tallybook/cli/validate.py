"""Check files of accounts, meters and contracts, and list all that is wrong with them."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tallybook.cli._client import Data, connect
from tallybook.cli._command import Json, commands, print_json
from tallybook.cli._exit import ExitCode
from tallybook.cli._folder import Fault, Folder, gather
from tallybook.cli._plan import ask, body_of, fault_json, in_order, placed, show_faults
from tallybook.cli._progress import progress
from tallybook.model.directory import Directory
from tallybook.model.errors import Unavailable
from tallybook.model.nouns import parse
from tallybook.model.ports import NounName
from tallybook.model.scope import operator
from tallybook.model.time import EPOCH
from tallybook.operations.apply import Definitions, plan

app = commands()

#: What files alone cannot tell, where none of this noun is among them.
_ELSEWHERE: Final[dict[str, NounName]] = {
    "unknown_account": "account",
    "unknown_parent": "account",
    "unknown_meter": "meter",
}


@app.command()
def validate(
    path: Annotated[Path, typer.Argument(help="A folder as `export` makes it, or one file.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Check a folder, or one file: shapes, terms, and that all which is named is there.

    What is named may be among the files or in the data folder. Without a data folder the files are
    checked by themselves.
    """
    with progress("files", None, counted=True) as show:
        folder = gather(path, show)
    notes: list[str] = []
    try:
        with connect(data) as client:
            faults = placed(folder, ask(client, folder, dry_run=True)["faults"])
    except Unavailable as e:
        if e.code != "not_initialised" or data is not None:
            raise
        notes.append("There is no data folder: the files were checked by themselves.")
        faults = _alone(folder, notes)
    faults = in_order([*folder.faults, *faults])
    counts = dict.fromkeys(("account", "meter", "contract"), 0)
    for noun, _ in folder.definitions:
        counts[noun] += 1
    show_faults(faults)
    if as_json:
        told = [fault_json(fault) for fault in faults]
        print_json({"path": str(path), "files": folder.files, "definitions": counts,
                    "faults": told, "notes": notes})  # fmt: skip
    else:
        _print(str(path), folder, counts, faults, notes)
    if faults:
        raise typer.Exit(ExitCode.PROBLEMS)


def _alone(folder: Folder, notes: list[str]) -> list[Fault]:
    """Check files by themselves; what none of them could hold is not looked up."""
    asked = parse(Definitions, body_of(folder))
    outcome = plan(operator("validate"), Directory(), asked, EPOCH, lambda _: ())
    there = {noun for noun, _ in folder.definitions}
    kept: list[dict[str, Any]] = []
    for one in outcome.faults:
        elsewhere = _ELSEWHERE.get(one.fault.code)
        if elsewhere is None or elsewhere in there:
            where = {"noun": one.noun, "key": one.key, "document": one.document}
            kept.append({**where, **one.fault._asdict()})
    notes.extend(
        f"There are no {noun}s among the files, so none was looked up."
        for noun in sorted(set(_ELSEWHERE.values()) - there)
    )
    return placed(folder, kept)


def _print(
    name: str, folder: Folder, counts: dict[str, int], faults: list[Fault], notes: list[str]
) -> None:
    parts = ", ".join(f"{count:,} {noun}s" for noun, count in counts.items() if count)
    said = f"{len(faults):,} faults" if faults else "nothing wrong"
    typer.echo(f"{name}: {folder.files:,} files with {parts or 'nothing'}: {said}.")
    for note in notes:
        typer.echo(note)
