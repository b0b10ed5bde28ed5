"""Finding kinds by their file name: one file is one kind, and nothing else lists it."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from tallybook.model.errors import Invalid


def names(room: ModuleType) -> tuple[str, ...]:
    """List the kinds of a room: its files, without helpers (leading underscore), sorted."""
    folders = [Path(p) for p in room.__path__]
    return tuple(sorted(f.stem for d in folders for f in d.glob("[!_]*.py")))


def load(room: ModuleType, name: str) -> ModuleType:
    """Import one kind by name.

    Raises:
        Invalid: `unknown_kind`, naming those there are.
    """
    if name not in names(room):
        known = ", ".join(names(room))
        room_name = room.__name__.rpartition(".")[2]
        raise Invalid("unknown_kind", f"There is no {name!r} in {room_name}; there are: {known}.")
    return import_module(f"{room.__name__}.{name}")
