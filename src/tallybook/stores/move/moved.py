"""The note in a folder whose Books and ledger were moved away: without it, two ledgers would both
take events, and neither would know the other's.
"""

import json
import os
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL

from tallybook.model.errors import Unavailable

_FILE: Final = "moved.json"


def shown(url: URL) -> str:
    """Return an address as it is written, with stars for its password."""
    return url.set(drivername="postgresql").render_as_string()


def note(folder: Path, to: str) -> None:
    """Note durably where a folder was moved to; `to` holds no password."""
    draft = folder / f"{_FILE}.new"
    with draft.open("w") as out:
        json.dump({"to": to}, out)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(folder / _FILE)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_moved(folder: Path) -> bool:
    """Tell whether a folder was moved away."""
    return (folder / _FILE).exists()


def refuse_moved(folder: Path) -> None:
    """Refuse to open the Books and the ledger of a folder that was moved away.

    Raises:
        Unavailable: `folder_moved`.
    """
    if not is_moved(folder):
        return
    try:
        to = str(json.loads((folder / _FILE).read_text())["to"])
    except (OSError, ValueError, KeyError, TypeError):
        to = "a database"
    raise Unavailable(
        "folder_moved",
        f"Books and the ledger of {folder} were moved to {to}; set TALLYBOOK_DATABASE_URL to it, "
        "or go back with `move --undo`.",
        to=to,
    )


def forget(folder: Path) -> None:
    """Let a folder be served again."""
    (folder / _FILE).unlink(missing_ok=True)
