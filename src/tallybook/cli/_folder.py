"""A folder of definitions: which file is which, and what is in them. A file holds the documents of
one key or of many; what they mean is for the API to judge.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tallybook import formats
from tallybook.model import kinds
from tallybook.model.errors import NotFound, TallybookError
from tallybook.model.nouns import KEY_PATTERN
from tallybook.model.ports import NounName
from tallybook.model.table import BadRow

NOUNS: Final[Mapping[str, NounName]] = {
    "accounts": "account",
    "meters": "meter",
    "contracts": "contract",
}
KEY_FIELDS: Final[Mapping[NounName, str]] = {
    "account": "key",
    "meter": "key",
    "contract": "number",
}
_FORMATS: Final = {
    ".yaml": "yaml", ".yml": "yaml", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document stands: its file, and which of the documents in it, from 1."""

    file: str
    number: int
    alone: bool = True

    def __str__(self) -> str:
        """Name the file, and the document where there are several."""
        return self.file if self.alone else f"{self.file} ({self.number})"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a document, or with a whole file."""

    place: Place
    field: str
    code: str
    detail: str

    def __str__(self) -> str:
        """Return one line for people."""
        said = self.detail.removeprefix(f"{self.field}: ")
        return ": ".join(filter(None, (str(self.place), self.field, said)))


@dataclass
class Definition:
    """A key, its documents and where each of them stands."""

    noun: NounName
    key: str
    documents: list[Mapping[str, Any]] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)


@dataclass
class Folder:
    """What was read: definitions in the order of their files, and what cannot be any."""

    definitions: dict[tuple[NounName, str], Definition] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    files: int = 0

    def add(self, noun: NounName, key: str, document: Mapping[str, Any], place: Place) -> None:
        """Take a document; those of a key are its versions and stand in one file."""
        found = self.definitions.setdefault((noun, key), Definition(noun, key))
        if found.places and found.places[0].file != place.file:
            said = f"The {noun} {key} is also in {found.places[0].file}; keep it in one file."
            self.faults.append(Fault(place, KEY_FIELDS[noun], "key_repeated", said))
            return
        found.documents.append(document)
        found.places.append(place)


def file_names(keys: Collection[str]) -> dict[str, str]:
    """Name a file after each key. Names differ also where capitals do not count; what a file
    system may not like is written as in an address: `%3A`.
    """
    folded: dict[str, int] = {}
    for key in keys:
        folded[key.lower()] = folded.get(key.lower(), 0) + 1
    return {key: _file_name(key, capitals=folded[key.lower()] == 1) for key in keys}


def _file_name(key: str, *, capitals: bool) -> str:
    odd = r":|^\." if capitals else r":|^\.|[A-Z]"
    return re.sub(odd, lambda found: f"%{ord(found[0]):02X}", key)


def gather(path: Path, step: Callable[[int], None]) -> Folder:
    """Read a folder, or one file; `step` hears how many files were read.

    Raises:
        NotFound: `file_missing`.
    """
    if not path.exists():
        raise NotFound("file_missing", f"There is no folder or file {path}.")
    folder = Folder()
    for file in _files(path):
        name = file.name if path.is_file() else file.relative_to(path).as_posix()
        _read(folder, file, name, _noun_of(path, file))
        folder.files += 1
        step(folder.files)
    return folder


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for file in sorted(path.rglob("*")):
        inside = file.relative_to(path).parts
        if file.suffix.lower() in _FORMATS and not any(part.startswith(".") for part in inside):
            yield file


def _noun_of(root: Path, file: Path) -> NounName | None:
    """Tell by the nearest of a file's name and folders what is in it."""
    above = [root.resolve().name, *file.relative_to(root).parent.parts] if file != root else []
    return next((NOUNS[name] for name in (file.stem, *reversed(above)) if name in NOUNS), None)


def _read(folder: Folder, file: Path, name: str, noun: NounName | None) -> None:
    try:
        with file.open("rb") as stream:
            kind = _FORMATS.get(file.suffix.lower(), "yaml")
            rows = list(kinds.load(formats, kind).read(stream).rows)
    except TallybookError as e:
        folder.faults.append(Fault(Place(name, 1), "", e.code, e.detail))
        return
    for row in rows:
        place = Place(name, row.number, alone=len(rows) == 1)
        if isinstance(row, BadRow):
            folder.faults.append(Fault(place, "", "row_unreadable", f"This is {row.reason}."))
            continue
        _add(folder, row.fields, place, noun)


def _add(folder: Folder, document: Mapping[str, Any], place: Place, noun: NounName | None) -> None:
    noun = noun or _noun_by_shape(document)
    if noun is None:
        said = "This is no account, meter or contract: it has neither a key nor a number."
        folder.faults.append(Fault(place, "", "noun_unknown", said))
        return
    key = document.get(KEY_FIELDS[noun])
    if not isinstance(key, str) or not re.fullmatch(KEY_PATTERN, key):
        said = f"{KEY_FIELDS[noun]} must be 1 to 128 letters, digits or . _ : -"
        folder.faults.append(Fault(place, KEY_FIELDS[noun], "key_invalid", said))
        return
    folder.add(noun, key, document, place)


def _noun_by_shape(document: Mapping[str, Any]) -> NounName | None:
    if "number" in document:
        return "contract"
    if "event_type" in document:
        return "meter"
    return "account" if "key" in document else None
