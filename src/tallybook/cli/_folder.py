"""A folder of definitions: which file is which, and what is in them. A file holds the documents of
one key or of many; what they mean is for the API to judge.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from tallybook import formats
from tallybook.model import kinds
from tallybook.model.errors import NotFound, TallybookError
from tallybook.model.nouns import KEY_PATTERN
from tallybook.model.ports import NounName
from tallybook.model.table import BadRow, Row

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


class Origin(NamedTuple):
    """Where a value of a table was read; a constant has no column."""

    row: int
    column: str | None


Origins = Mapping[str, Origin]
#: A document that is no table's has no rows.
_NO_ORIGINS: Final[Origins] = {}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document stands: its file, and which of the documents in it, from 1; in a table, its
    row and the column, where one is to blame.
    """

    file: str
    number: int
    kind: Literal["file", "document", "row"] = "file"
    column: str | None = None

    def __str__(self) -> str:
        """Name the file, and the document or row where there are several."""
        column = f", column {self.column!r}" if self.column else ""
        inside = "" if self.kind == "file" else f" {self.kind} {self.number}"
        return f"{self.file}{inside}{column}"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a document, or with a whole file."""

    place: Place
    field: str
    code: str
    detail: str

    def __str__(self) -> str:
        """Return one line for people."""
        return ": ".join(filter(None, (str(self.place), self.field, self.detail)))


@dataclass
class Definition:
    """A key, its documents and where each of them stands, and in a table each of their values."""

    noun: NounName
    key: str
    documents: list[Mapping[str, Any]] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    origins: list[Origins] = field(default_factory=list)

    def place_of(self, document: int, path: str) -> Place:
        """Return where a field of a document stands: in a table, its own row and column."""
        place, names = self.places[document], path.split(".")
        for count in range(len(names), 0, -1):
            found = self.origins[document].get(".".join(names[:count]))
            if found:
                return replace(place, number=found.row, column=found.column)
        return place


@dataclass
class Folder:
    """What was read: definitions in the order of their files, and what cannot be any."""

    definitions: dict[tuple[NounName, str], Definition] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    files: int = 0

    def add(
        self,
        noun: NounName,
        document: Mapping[str, Any],
        place: Place,
        origins: Origins = _NO_ORIGINS,
    ) -> None:
        """Take a document; those of a key are its versions and stand in one file."""
        name = KEY_FIELDS[noun]
        key = document.get(name)
        if not isinstance(key, str) or not re.fullmatch(KEY_PATTERN, key):
            said = "It must be 1 to 128 letters, digits or . _ : -"
            self.refuse(place, name, "key_invalid", said)
            return
        found = self.definitions.setdefault((noun, key), Definition(noun, key))
        if found.places and found.places[0].file != place.file:
            said = f"The {noun} {key} is also in {found.places[0].file}; keep it in one file."
            self.refuse(place, name, "key_repeated", said)
            return
        found.documents.append(document)
        found.places.append(place)
        found.origins.append(origins)

    def refuse(self, place: Place, field: str, code: str, detail: str) -> None:
        """Note what can be no document."""
        self.faults.append(Fault(place, field, code, detail))


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
        raise NotFound("file_missing", f"There is no folder or file {path}; check the path.")
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
        folder.refuse(Place(name, 1), "", e.code, e.detail)
        return
    for row in rows:
        place = Place(name, row.number, "file" if len(rows) == 1 else "document")
        add_row(folder, row, place, noun)


def add_row(folder: Folder, row: Row | BadRow, place: Place, noun: NounName | None) -> None:
    """Take an object of a file, by what it looks like where nothing else tells what it is."""
    if isinstance(row, BadRow):
        folder.refuse(place, "", "row_unreadable", f"This is {row.reason}.")
        return
    noun = noun or _noun_by_shape(row.fields)
    if noun is None:
        said = "This is no account, meter or contract: it has neither a key nor a number."
        folder.refuse(place, "", "noun_unknown", said)
        return
    folder.add(noun, row.fields, place)


def _noun_by_shape(document: Mapping[str, Any]) -> NounName | None:
    if "number" in document:
        return "contract"
    if "event_type" in document:
        return "meter"
    return "account" if "key" in document else None
